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

/* ---- lists: trusted-lists.md 12 ---- */

enum { LIST_AGE, LIST_SEQUENCE, LIST_NEXT_UPDATE, LIST_VALIDITY, LIST_KINDS };
static const char *const list_gauges[] = {"age_seconds", "sequence", "next_update_seconds",
                                          "validity_used_ratio"};

/* How old a list is in parts of its validity: 0.5, 0.8 and 1 are worth a warning. */
static double validity_used(const tlist_facts *f, int64_t now_s)
{
    return (double)(now_s - f->issued_s) / (double)(f->next_update_s - f->issued_s);
}

static struct dx_rc list_gauge(int kind, const tlist_facts *f, int64_t now_s, dx_buf *out)
{
    bool ends = f->next_update_s > f->issued_s; /* a closed list has no next update to be late for */
    if (kind >= LIST_NEXT_UPDATE && !ends)
        return DX_OKAY;
    DX_TRY(dx_buf_addf(out, "sekisho_trust_list_%s{source=\"%s\",territory=\"%s\"} ", list_gauges[kind],
                       f->source, f->territory));
    if (kind == LIST_VALIDITY)
        return dx_buf_addf(out, "%.3f\n", validity_used(f, now_s));
    return dx_buf_addf(out, "%lld\n",
                       kind == LIST_AGE        ? (long long)(now_s - f->confirmed_s)
                       : kind == LIST_SEQUENCE ? (long long)f->sequence
                                               : (long long)(f->next_update_s - now_s));
}

/* One line for each state: the one that holds is 1. */
static struct dx_rc list_states(const tlist_facts *f, int64_t now_s, int64_t grace_s, dx_buf *out)
{
    tlist_state holds = tlist_state_at(f, now_s, grace_s);
    for (tlist_state s = TLIST_STATE_OK; s <= TLIST_STATE_WITHDRAWN; s++)
        DX_TRY(dx_buf_addf(out,
                           "sekisho_trust_list_state{source=\"%s\",territory=\"%s\",sekisho_trust_list_state="
                           "\"%s\"} %d\n",
                           f->source, f->territory, tlist_state_text(s), s == holds));
    return DX_OKAY;
}

static struct dx_rc list_runs(control *c, dx_buf *out)
{
    tlist_refusal all[TLIST_REFUSALS_MAX];
    size_t count = c->store == NULL ? 0 : tlist_store_refusals(c->store, all, TLIST_REFUSALS_MAX);
    pthread_mutex_lock(&c->lock);
    int64_t run_us = c->list_run_us;
    pthread_mutex_unlock(&c->lock);
    DX_TRY(dx_buf_addf(out,
                       "# TYPE sekisho_trust_run_seconds gauge\nsekisho_trust_run_seconds %lld.%06lld\n"
                       "# TYPE sekisho_trust_list_refused counter\n",
                       (long long)(run_us / 1000000), (long long)(run_us % 1000000)));
    for (size_t i = 0; i < count; i++)
        DX_TRY(dx_buf_addf(out, "sekisho_trust_list_refused_total{id=\"%s\"} %llu\n", all[i].id,
                           (unsigned long long)all[i].times));
    return DX_OKAY;
}

static struct dx_rc list_metrics(control *c, const gate_view *v, dx_buf *out)
{
    const tlist_facts *const *lists = NULL;
    size_t count = v == NULL || v->trust == NULL ? 0 : tlist_snapshot_lists(v->trust, &lists);
    int64_t now_s = dx_now_s(c->gate.clock);
    for (int kind = 0; kind < LIST_KINDS; kind++) {
        DX_TRY(dx_buf_addf(out, "# TYPE sekisho_trust_list_%s gauge\n", list_gauges[kind]));
        for (size_t i = 0; i < count; i++)
            DX_TRY(list_gauge(kind, lists[i], now_s, out));
    }
    DX_TRY(dx_buf_add_text(out, "# TYPE sekisho_trust_list_state stateset\n"));
    for (size_t i = 0; i < count; i++)
        DX_TRY(list_states(lists[i], now_s, c->gate.config->trust->grace_s, out));
    return list_runs(c, out);
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
    if (rc.code == DX_OK)
        rc = list_metrics(c, v, out);
    gate_view_unref(v);
    return rc;
}
