#include "gateway/exchange/exchange.h"

/* Facts in, ruling out. What the peer may read of a refusal depends on the agreement's explain level
 * (policy.md 13). */

static step deny(exchange *ex)
{
    const policy_ruling *r = &ex->ruling;
    bool tell = r->explain == NULL || strcmp(r->explain, "none") != 0;
    const char *law = r->law != NULL ? r->law : r->clause;
    return exchange_refuse(ex, &(refusal){.slug = tell ? r->code : "denied",
                                          .status = tell ? r->http : 403,
                                          .title = tell ? policy_code_title(r->code, "en") : NULL,
                                          .id = tell ? r->code : NULL,
                                          .clause = tell ? r->clause : NULL,
                                          .detail = tell && law != r->clause ? law : NULL,
                                          .where = "gateway",
                                          .retryable = r->retryable,
                                          .retry_after_s = r->retryable ? 5 : 0});
}

static step rule(exchange *ex, policy_phase upto)
{
    const gate_view *view = ex->view;
    policy_fact_time(ex->facts, POLICY_TIME_NOW, dx_now_us(ex->gate->clock));
    ex->ruled = true;
    ex->ruling = policy_evaluate(view->policy, upto, ex->facts, &view->can, &ex->arena);
    if (ex->ruling.answer != POLICY_PERMIT)
        return deny(ex);
    return STEP_NEXT;
}

step stage_policy(exchange *ex)
{
    if (!ex->ruled) {
        step s = rule(ex, POLICY_REQUEST);
        if (s != STEP_NEXT)
            return s;
    }
    if (ex->ruling.pending && strcmp(ex->ruling.flow, "import") == 0) {
        /* Data that enters is judged before the data API sees any of it (policy.md 6, step 11). */
        step s = exchange_need_body(ex);
        if (s != STEP_NEXT)
            return s;
        exchange_facts_body(ex, ex->request, dx_buf_view(&ex->body));
        s = rule(ex, POLICY_BODY);
        if (s != STEP_NEXT)
            return s;
    }
    policy_ruling denied = {0};
    if (policy_meter_reserve(ex->gate->meter, &ex->ruling, dx_now_s(ex->gate->clock), &denied, &ex->arena)
            .code != DX_OK) {
        ex->ruling = denied;
        return deny(ex);
    }
    ex->reserved = ex->ruling;
    return STEP_NEXT;
}

/* The obligation `limit` is ours to keep; what cannot be counted is over. */
static bool within_limit(const exchange *ex)
{
    const policy_obligations *o = &ex->ruling.oblige;
    if (o->limit_bytes > 0 && (int64_t)ex->answer_body.size > o->limit_bytes)
        return false;
    return o->limit_records == 0 || (ex->records >= 0 && ex->records <= o->limit_records);
}

/* The obligation `response_headers`: ours in place of the data API's. */
static bool add_headers(exchange *ex)
{
    const policy_obligations *o = &ex->ruling.oblige;
    seal_field ours[sizeof o->response_headers / sizeof *o->response_headers];
    for (size_t i = 0; i < o->response_header_count; i++) {
        ours[i] = (seal_field){dx_bytes_text(o->response_headers[i].name),
                               dx_bytes_text(o->response_headers[i].value)};
        size_t kept = 0;
        for (size_t k = 0; k < ex->answer.field_count; k++)
            if (!dx_bytes_equal_nocase(ex->answer.fields[k].name, ours[i].name))
                ex->answer.fields[kept++] = ex->answer.fields[k];
        ex->answer.field_count = kept;
    }
    return exchange_add_fields(ex, ours, o->response_header_count);
}

/* The data API has answered: the same rules once more, over more facts, before a byte leaves (policy.md 6,
 * step 11). */
step stage_release(exchange *ex)
{
    policy_fact_str(ex->facts, POLICY_RES_MEDIA_TYPE, exchange_media_type(ex, &ex->answer));
    policy_fact_int(ex->facts, POLICY_RES_STATUS, ex->answer.status);
    policy_fact_int(ex->facts, POLICY_RES_BYTES, (int64_t)ex->answer_body.size);
    step s = rule(ex, POLICY_RESPONSE);
    if (s != STEP_NEXT || ex->regulator)
        return s;
    if (ex->ruling.pending || ex->ruling.oblige.limit_records > 0)
        exchange_facts_body(ex, &ex->answer, ex->answer_body);
    if (ex->ruling.pending) {
        s = rule(ex, POLICY_BODY);
        if (s != STEP_NEXT)
            return s;
    }
    if (within_limit(ex) && add_headers(ex)) {
        bool import = strcmp(ex->ruling.flow, "import") == 0;
        policy_meter_settle(ex->gate->meter, &ex->reserved, dx_now_s(ex->gate->clock),
                            (int64_t)(import ? ex->body.size : ex->answer_body.size), ex->records);
        return STEP_NEXT;
    }
    policy_facts_failed(ex->facts, dx_bytes_text(within_limit(ex) ? "response_headers" : "limit"));
    s = rule(ex, ex->ruling.phase); /* the denial names the permit that obliges */
    return s != STEP_NEXT ? s : deny(ex);
}
