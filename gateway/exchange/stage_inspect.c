#include "gateway/exchange/exchange.h"

/* The seal on the incoming message. A request that carries one is judged whole: a broken seal is 422 even
 * where none was asked for (seals.md 10). Whether one must be there is policy's question (req.sig.*); a seal
 * about which nothing could be found out leaves that fact unknown, which is not yes. */

static bool carries_seal(const http_message *r)
{
    if (http_find(r, "dfft-seal") != NULL || http_find(r, "dfft-seal-input") != NULL)
        return true;
    const http_field *input = http_find(r, "signature-input");
    static const char tag[] = "tag=\"dfft-seal-v1\"";
    return input != NULL && memmem(input->value.data, input->value.size, tag, sizeof tag - 1) != NULL;
}

static step broken(exchange *ex, const char *id, const char *clause, const char *detail)
{
    return exchange_refuse(ex, &(refusal){.slug = "seal-invalid",
                                          .status = 422,
                                          .id = id,
                                          .clause = clause,
                                          .detail = detail,
                                          .where = "peer"});
}

step stage_inspect(exchange *ex)
{
    if (!carries_seal(ex->request)) {
        policy_fact_bool(ex->facts, POLICY_REQ_SIG_VALID, false);
        return STEP_NEXT;
    }
    step s = exchange_need_body(ex);
    if (s != STEP_NEXT)
        return s;
    seal_message message;
    dx_why why = {0};
    ex->request_seal = DX_ARENA_NEW(&ex->arena, seal_verdict);
    if (ex->request_seal == NULL)
        return exchange_refuse(
            ex,
            &(refusal){
                .slug = "overloaded", .status = 503, .id = "ID-901", .where = "gateway", .retryable = true});
    if (exchange_request_view(ex, &message, &why).code != DX_OK)
        return broken(ex, "SEAL-01", why.clause, why.text);
    const config *cf = ex->view->config;
    const char *const me[] = {cf->gateway->organisation};
    dx_bytes known[] = {ex->peer->leaf};
    const seal_check_spec spec = {.certificates = known,
                                  .certificate_count = 1,
                                  .snapshot = ex->view->trust,
                                  .judge = ex->home->seal_judge,
                                  .tls_certificate = ex->peer->leaf,
                                  .audience_ids = me,
                                  .audience_count = 1,
                                  .organisation = ex->judged->verdict.org.id,
                                  .at_s = dx_now_s(ex->gate->clock),
                                  .skew_s = cf->seal->skew_s,
                                  .max_age_s = cf->seal->max_age_s,
                                  .inspect_now = true};
    seal_verdict *v = ex->request_seal;
    if (seal_check(&message, NULL, &spec, &ex->arena, v, &why).code != DX_OK)
        return exchange_refuse(
            ex,
            &(refusal){
                .slug = "overloaded", .status = 503, .id = "ID-901", .where = "gateway", .retryable = true});
    if (v->indication == SEAL_TOTAL_FAILED) {
        const char *clause = NULL, *text = v->first == NULL ? NULL : seal_check_text(v->first, &clause);
        return broken(ex, v->first, clause, text);
    }
    if (v->indication == SEAL_TOTAL_PASSED) {
        ex->sealed_request = true;
        exchange_facts_seal(ex);
    }
    return STEP_NEXT;
}
