#include "gateway/admin/control_private.h"

#include <stdio.h>

/* What operators see: why the gateway is not ready, and its metrics (OpenMetrics 1.0). */

static void reason(control_reason *out, size_t max, size_t *count, const char *id, const char *text)
{
    if (*count < max) {
        out[*count].id = id;
        snprintf(out[*count].text, sizeof out[*count].text, "%s", text);
        (*count)++;
    }
}

size_t control_reasons(control *c, control_reason *out, size_t max)
{
    size_t count = 0;
    gate_view *v = control_current_view(c);
    if (v == NULL || v->trust == NULL) {
        pthread_mutex_lock(&c->lock);
        reason(out, max, &count, "list",
               c->lists_tried && c->list_why.text[0] ? c->list_why.text : "no trusted list is loaded yet");
        pthread_mutex_unlock(&c->lock);
    }
    if (v == NULL || v->policy == NULL)
        reason(out, max, &count, "policy",
               c->policy_why.text[0] ? c->policy_why.text : "no policy bundle is loaded");
    if (v == NULL || v->credential == NULL)
        reason(out, max, &count, "seal_key",
               v != NULL && v->credential_why[0] ? v->credential_why : "no usable seal key");
    if (c->gate.log == NULL || !prov_log_healthy(c->gate.log))
        reason(out, max, &count, "log", "the last record could not be made durable");
    if (atomic_load(&c->gate.draining))
        reason(out, max, &count, "draining", "the gateway is shutting down");
    gate_view_unref(v);
    return count;
}

/* Verdicts found with the worker, and connections that a change of trust closed. */
static DX_RC trust_metrics(const gate *g, dx_buf *out)
{
    unsigned long long hit = 0, miss = 0;
    for (size_t i = 0; i < GATE_SHARDS; i++) {
        hit += atomic_load_explicit(&g->verdicts[i].hit, memory_order_relaxed);
        miss += atomic_load_explicit(&g->verdicts[i].miss, memory_order_relaxed);
    }
    DX_TRY(judges_metrics(g->judges, out)); /* begins the family that goes on here */
    DX_TRY(dx_buf_addf(out,
                       "sekisho_trust_cache_total{layer=\"worker\",result=\"hit\"} %llu\n"
                       "sekisho_trust_cache_total{layer=\"worker\",result=\"miss\"} %llu\n"
                       "# TYPE sekisho_peer_cut counter\n",
                       hit, miss));
    for (size_t i = 0; i < GATE_CUT_CAUSES; i++)
        DX_TRY(dx_buf_addf(out, "sekisho_peer_cut_total{cause=\"%s\"} %llu\n", gate_cut_causes[i],
                           (unsigned long long)atomic_load_explicit(&g->cuts[i], memory_order_relaxed)));
    return DX_OKAY;
}

DX_RC control_metrics(control *c, dx_buf *out)
{
    gate_view *v = control_current_view(c);
    struct dx_rc rc =
        dx_buf_addf(out,
                    "# TYPE sekisho_exchanges counter\nsekisho_exchanges_total %llu\n"
                    "# TYPE sekisho_refusals counter\nsekisho_refusals_total %llu\n"
                    "# TYPE sekisho_exchanges_in_flight gauge\nsekisho_exchanges_in_flight %llu\n"
                    "# TYPE sekisho_connections gauge\nsekisho_connections %zu\n"
                    "# TYPE sekisho_trust_epoch gauge\nsekisho_trust_epoch %llu\n",
                    (unsigned long long)atomic_load(&c->gate.exchanges_total),
                    (unsigned long long)atomic_load(&c->gate.refusals_total),
                    (unsigned long long)atomic_load(&c->gate.in_flight),
                    c->server == NULL ? 0 : net_server_connections(c->server),
                    (unsigned long long)(v == NULL ? 0 : v->epoch));
    if (rc.code == DX_OK && c->gate.judges != NULL)
        rc = trust_metrics(&c->gate, out);
    const tlist_facts *const *lists;
    size_t count = v == NULL || v->trust == NULL ? 0 : tlist_snapshot_lists(v->trust, &lists);
    int64_t now_s = dx_now_s(c->gate.clock);
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(
            out, "# TYPE sekisho_trust_list_sequence gauge\n# TYPE sekisho_trust_list_age_seconds gauge\n"
                 "# TYPE sekisho_trust_list_next_update_seconds gauge\n");
    for (size_t i = 0; i < count && rc.code == DX_OK; i++)
        rc = dx_buf_addf(out,
                         "sekisho_trust_list_sequence{source=\"%s\",territory=\"%s\"} %llu\n"
                         "sekisho_trust_list_age_seconds{source=\"%s\",territory=\"%s\"} %lld\n"
                         "sekisho_trust_list_next_update_seconds{source=\"%s\",territory=\"%s\"} %lld\n",
                         lists[i]->source, lists[i]->territory, (unsigned long long)lists[i]->sequence,
                         lists[i]->source, lists[i]->territory, (long long)(now_s - lists[i]->confirmed_s),
                         lists[i]->source, lists[i]->territory, (long long)(lists[i]->next_update_s - now_s));
    gate_view_unref(v);
    return rc;
}
