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
    if (view->policy == NULL) {
        ex->ruling = (policy_ruling){.code = "bundle.none",
                                     .http = 503,
                                     .retryable = true,
                                     .clause = "urn:dfft:problem:bundle.none",
                                     .explain = "code"};
        return deny(ex);
    }
    ex->ruling = policy_evaluate(view->policy, upto, ex->facts, &view->can, &ex->arena);
    if (ex->ruling.answer != POLICY_PERMIT)
        return deny(ex);
    return STEP_NEXT;
}

step stage_policy(exchange *ex)
{
    step s = rule(ex, POLICY_REQUEST);
    if (s != STEP_NEXT)
        return s;
    policy_ruling denied = {0};
    if (policy_meter_reserve(ex->gate->meter, &ex->ruling, dx_now_s(ex->gate->clock), &denied, &ex->arena)
            .code != DX_OK) {
        ex->ruling = denied;
        return deny(ex);
    }
    return STEP_NEXT;
}

/* The data API has answered: the same rules once more, over more facts, before a byte leaves (policy.md 6,
 * step 11). */
step stage_release(exchange *ex)
{
    if (ex->regulator)
        return STEP_NEXT;
    const http_field *type = http_find(&ex->answer, "content-type");
    if (type != NULL) {
        size_t n = 0;
        while (n < type->value.size && type->value.data[n] != ';')
            n++;
        dx_bytes media = dx_bytes_trim(dx_bytes_part(type->value, 0, n));
        char *lower = dx_arena_text(&ex->arena, media);
        for (char *c = lower; c != NULL && *c != 0; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        policy_fact_str(ex->facts, POLICY_RES_MEDIA_TYPE, lower);
    }
    policy_fact_int(ex->facts, POLICY_RES_STATUS, ex->answer.status);
    policy_fact_int(ex->facts, POLICY_RES_BYTES, (int64_t)ex->answer_body.size);
    return rule(ex, ex->ruling.pending ? POLICY_BODY : POLICY_RESPONSE);
}
