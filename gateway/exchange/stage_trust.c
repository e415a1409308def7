#include "gateway/exchange/exchange.h"
#include "gateway/exchange/peer_trust.h"

#include "trust/base/log.h"

#define TRIES_MAX 3

/* The only place where "could not find out" becomes refuse or allow (identity.md 1, rule 1). */

typedef struct {
    judge_question question;
    exchange *ex;
} ask;

static void answered(net_task *task)
{
    judge_question *q = (judge_question *)(void *)((uint8_t *)task - offsetof(judge_question, task));
    exchange *ex = ((ask *)(void *)q)->ex;
    ex->async_rc = q->rc;
    ex->async_why = q->why;
    /* What no longer holds by the time it arrives is asked again. */
    if (q->answer != NULL && peer_trust_take(ex->home, ex->peer, q->answer))
        ex->judged = q->answer;
    else
        judged_unref(q->answer);
    exchange_resume(ex);
}

static step refuse_unjudged(exchange *ex, const dx_why *why)
{
    return exchange_overloaded(ex, dx_arena_text(&ex->arena, dx_bytes_text(why->id)),
                               dx_arena_text(&ex->arena, dx_bytes_text(why->text)));
}

static step ask_judge(exchange *ex)
{
    ask *a = DX_ARENA_NEW(&ex->arena, ask);
    if (a == NULL)
        return refuse_unjudged(ex, &(dx_why){.id = "ID-901", .text = "no memory"});
    a->ex = ex;
    gate_view *now = ex->home->view; /* an exchange acts under the view it began with; trust is of now */
    if (now != ex->view) {
        gate_view_unref(ex->view);
        ex->view = gate_view_ref(now);
    }
    a->question = (judge_question){.leaf_sha256 = ex->peer->leaf_sha256, /* the exchange holds the entry */
                                   .leaf = ex->peer->leaf,
                                   .presented = ex->peer->chain,
                                   .presented_count = ex->peer->chain_count,
                                   .snapshot = now->trust,
                                   .block = now->block,
                                   .worker = ex->home->worker,
                                   .task = {.fn = answered}};
    dx_why why;
    if (judge_ask(ex->gate->judges, &a->question, &why).code != DX_OK)
        return refuse_unjudged(ex, &why);
    return STEP_WAIT;
}

static void count(atomic_ullong *counter)
{
    /* One writer, so that no bus is locked; a shared shard may lose a count. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* The verdict that holds now, a reference, or NULL. */
static judged *known(const exchange *ex)
{
    gate_worker *w = ex->home;
    int64_t now_s = dx_now_s(ex->gate->clock);
    judged *j = peer_trust_known(w, ex->peer, now_s);
    if (j == NULL)
        j = peer_trust_confirm(w, ex->peer, now_s);
    count(j != NULL ? &ex->gate->verdicts[w->shard].hit : &ex->gate->verdicts[w->shard].miss);
    return j == NULL ? NULL : judged_ref(j);
}

step stage_trust(exchange *ex)
{
    if (ex->home->view->trust == NULL)
        return exchange_refuse(ex, &(refusal){.slug = "trust-list-stale",
                                              .status = 503,
                                              .id = "ID-903",
                                              .clause = "ETSI TS 119 612 5.3.15",
                                              .detail = "no trusted list is loaded yet",
                                              .where = "gateway",
                                              .retryable = true,
                                              .retry_after_s = 5});
    if (ex->judged == NULL) {
        if (ex->async_rc.code != DX_OK)
            return refuse_unjudged(ex, &ex->async_why);
        ex->judged = known(ex);
        if (ex->judged == NULL)
            return ask_judge(ex);
    }
    const trust_verdict *v = &ex->judged->verdict;
    exchange_facts_trust(ex);
    if (v->answer == TRUST_YES)
        return STEP_NEXT;
    bool unknown = v->kind == TRUST_KIND_UNKNOWN;
    bool may_allow =
        unknown && strcmp(ex->view->config->trust->when_unknown, "allow") == 0 &&
        (strcmp(v->id, "ID-404") == 0 || strcmp(v->id, "ID-405") == 0 || strcmp(v->id, "ID-408") == 0);
    if (may_allow) { /* peer.revocation stays unknown: policy's floor still stands */
        dx_log(DX_LOG_WARN, "trust.allowed_unknown", F_STR("id", "ID-418"), F_STR("unknown", v->id));
        return STEP_NEXT;
    }
    /* identity.md 3, 11: a refused peer does not keep its connection; one that was never believed has three
     * tries until it can be found out. */
    if (ex->connection != NULL &&
        (!unknown || (net_connection_refused(ex->connection) >= TRIES_MAX && !peer_trust_believed(ex->peer))))
        net_connection_close_soon(ex->connection);
    bool later = unknown || dx_bytes_starts(dx_bytes_text(v->slug), "trust-list-");
    return exchange_refuse(ex, &(refusal){.slug = v->slug[0] ? v->slug : "peer-not-trusted",
                                          .status = later ? 503 : 403,
                                          .id = v->id,
                                          .clause = v->clause,
                                          .detail = v->reason,
                                          .where = unknown ? "authority" : "peer",
                                          .retryable = later,
                                          .retry_after_s = later ? 5 : 0});
}
