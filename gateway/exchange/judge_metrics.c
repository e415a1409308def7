#include "gateway/exchange/judge_private.h"

#include <stdio.h>

/* What the judge counts, as OpenMetrics (identity.md 12). */

void judge_count_verdict(judges *j, const trust_verdict *v)
{
    judge_counts *c = &j->counts;
    unsigned known = atomic_load_explicit(&c->verdict_ids, memory_order_acquire), i = 0;
    while (i < known && strcmp(c->verdicts[i].id, v->id) != 0)
        i++;
    if (i == known) {
        if (known == JUDGE_IDS_MAX)
            return; /* more than there are ids */
        snprintf(c->verdicts[i].id, sizeof c->verdicts[i].id, "%.7s", v->id);
        atomic_store_explicit(&c->verdict_ids, known + 1, memory_order_release);
    }
    size_t answer = v->answer == TRUST_YES ? 1 : v->kind == TRUST_KIND_UNKNOWN ? 2 : 0;
    atomic_fetch_add_explicit(&c->verdicts[i].answers[answer], 1, memory_order_relaxed);
}

static unsigned long long value(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static DX_RC add_verdicts(const judge_counts *c, dx_buf *out)
{
    static const char *const answers[] = {"no", "yes", "unknown"};
    DX_TRY(dx_buf_add_text(out, "# TYPE sekisho_trust_verdicts counter\n"));
    unsigned known = atomic_load_explicit(&c->verdict_ids, memory_order_acquire);
    for (unsigned i = 0; i < known; i++)
        for (size_t k = 0; k < 3; k++)
            if (value(&c->verdicts[i].answers[k]) > 0)
                DX_TRY(dx_buf_addf(out, "sekisho_trust_verdicts_total{answer=\"%s\",id=\"%s\"} %llu\n",
                                   answers[k], c->verdicts[i].id, value(&c->verdicts[i].answers[k])));
    return DX_OKAY;
}

static DX_RC add_fetches(const judge_counts *c, dx_buf *out)
{
    static const char *const kinds[] = {"ocsp", "crl"};
    static const char *const results[] = {"answered", "failed", "refused", "skipped"};
    DX_TRY(dx_buf_add_text(out, "# TYPE sekisho_revocation_fetch counter\n"));
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < 4; i++)
            DX_TRY(dx_buf_addf(out, "sekisho_revocation_fetch_total{kind=\"%s\",result=\"%s\"} %llu\n",
                               kinds[k], results[i], value(&c->fetches[k][i])));
    return DX_OKAY;
}

DX_RC judges_metrics(judges *j, dx_buf *out)
{
    const judge_counts *c = &j->counts;
    pthread_mutex_lock(&j->lock);
    size_t open = j->open;
    pthread_mutex_unlock(&j->lock);
    DX_TRY(add_verdicts(c, out));
    DX_TRY(add_fetches(c, out));
    return dx_buf_addf(out,
                       "# TYPE sekisho_judge_queue_depth gauge\nsekisho_judge_queue_depth %zu\n"
                       "# TYPE sekisho_revocation_changes counter\nsekisho_revocation_changes_total %llu\n"
                       "# TYPE sekisho_trust_cache counter\n"
                       "sekisho_trust_cache_total{layer=\"judge-yes\",result=\"hit\"} %llu\n"
                       "sekisho_trust_cache_total{layer=\"judge-no\",result=\"hit\"} %llu\n"
                       "sekisho_trust_cache_total{layer=\"judge\",result=\"miss\"} %llu\n"
                       "sekisho_trust_cache_total{layer=\"judge\",result=\"recheck\"} %llu\n",
                       open, value(&j->changes), value(&c->yes_hit), value(&c->no_hit), value(&c->miss),
                       value(&c->rechecks));
}
