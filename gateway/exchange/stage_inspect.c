#include "gateway/exchange/exchange.h"

/* The seal on the incoming message. A request that carries one is judged whole: a broken seal is 422 even where none was
 * asked for (seals.md 10). Whether one must be there is policy's question (req.sig.*). */

static bool carries_seal(const http_message *r)
{
    if (http_find(r, "dfft-seal") != NULL || http_find(r, "dfft-seal-input") != NULL)
        return true;
    const http_field *input = http_find(r, "signature-input");
    static const char tag[] = "tag=\"dfft-seal-v1\"";
    return input != NULL && memmem(input->value.data, input->value.size, tag, sizeof tag - 1) != NULL;
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
    return exchange_inspect_seal(ex);
}
