#include "gateway/exchange/exchange.h"

#include "trust/base/log.h"

/* The only place where "could not find out" becomes refuse or allow (identity.md 1, rule 1). */

static void release_judged(void *user)
{
    judged_unref(user);
}

static bool still_true(const exchange *ex, const judged *j)
{
    return j != NULL && j->epoch == ex->view->epoch && j->good_until_s > dx_now_s(ex->gate->clock);
}

typedef struct {
    judge_question question;
    exchange *ex;
} ask;

static void answered(net_task *task)
{
    judge_question *q = (judge_question *)(void *)((uint8_t *)task - offsetof(judge_question, task));
    exchange *ex = ((ask *)(void *)q)->ex;
    ex->judged = q->answer;
    ex->async_rc = q->rc;
    ex->async_why = q->why;
    if (ex->connection != NULL && ex->judged != NULL)
        net_connection_set_user(ex->connection, judged_ref(ex->judged), release_judged);
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
    a->question = (judge_question){.leaf = ex->peer->leaf,
                                   .presented = ex->peer->chain,
                                   .presented_count = ex->peer->chain_count,
                                   .snapshot = ex->view->trust,
                                   .epoch = ex->view->epoch,
                                   .worker = ex->home->worker};
    /* The peer entry goes with its last connection; a judgement may outlive both. */
    dx_bytes *chain = DX_ARENA_ARRAY(&ex->arena, dx_bytes, ex->peer->chain_count);
    a->question.leaf = dx_arena_bytes(&ex->arena, ex->peer->leaf);
    for (size_t i = 0; chain != NULL && i < ex->peer->chain_count; i++)
        chain[i] = dx_arena_bytes(&ex->arena, ex->peer->chain[i]);
    a->question.presented = chain;
    a->question.presented_count = chain == NULL ? 0 : ex->peer->chain_count;
    memcpy(a->question.leaf_sha256, ex->peer->leaf_sha256, 32);
    a->question.task.fn = answered;
    dx_why why;
    if (judge_ask(ex->gate->judges, &a->question, &why).code != DX_OK)
        return refuse_unjudged(ex, &why);
    return STEP_WAIT;
}

step stage_trust(exchange *ex)
{
    if (ex->view->trust == NULL)
        return exchange_refuse(ex, &(refusal){.slug = "trust-list-stale",
                                              .status = 503,
                                              .id = "ID-903",
                                              .clause = "ETSI TS 119 612 5.3.15",
                                              .detail = "no trusted list is loaded yet",
                                              .where = "gateway",
                                              .retryable = true,
                                              .retry_after_s = 5});
    if (ex->judged == NULL) {
        judged *known = net_connection_user(ex->connection);
        if (!still_true(ex, known)) {
            if (ex->async_rc.code != DX_OK)
                return refuse_unjudged(ex, &ex->async_why);
            return ask_judge(ex);
        }
        ex->judged = judged_ref(known);
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
    if (!unknown && ex->connection != NULL)
        net_connection_close_soon(
            ex->connection); /* identity.md 11: a refused peer does not keep its connection */
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
