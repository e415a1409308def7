#include "gateway/exchange/exchange.h"

#include "trust/base/log.h"

/* The record is durable before the answer's first byte leaves (I1 of provenance.md 3.3). No record, no
 * answer. */

static void durable(void *context, struct dx_rc rc, const prov_receipt *receipt, const dx_why *why)
{
    /* On the writer's thread: the exchange waits for us. */
    exchange *ex = context;
    ex->async_rc = rc;
    if (rc.code == DX_OK) {
        ex->receipt = *receipt;
        ex->receipt.checkpoint = NULL; /* lives only until here */
        ex->recorded = true;
    } else {
        ex->async_why = *why;
    }
    exchange_post(ex);
}

static step no_record(exchange *ex, const dx_why *why)
{
    dx_log_why(DX_LOG_ERROR, "provenance.refused", why);
    ex->record_failed = true;
    /* Nothing of the answer may leave; what remains is to say so, unsealed and unrecorded. */
    (void)exchange_refuse(ex, &(refusal){.slug = "provenance-unavailable",
                                         .status = 503,
                                         .id = "F42",
                                         .clause = "provenance.md 3.3 I4",
                                         .detail = "the provenance log cannot take a record now",
                                         .where = "gateway",
                                         .retryable = true,
                                         .retry_after_s = 1});
    return STEP_NEXT;
}

step stage_record(exchange *ex)
{
    if (ex->recorded)
        return STEP_NEXT;
    if (ex->ended_us != 0) /* we asked before, and the log said no */
        return no_record(ex, &ex->async_why);
    ex->ended_us = dx_now_us(ex->gate->clock);
    prov_record *record;
    dx_why why = {0};
    if (exchange_record(ex, &record, &why).code != DX_OK ||
        prov_append(ex->gate->log, record, durable, ex, &why).code != DX_OK)
        return no_record(ex, &why);
    return STEP_WAIT;
}
