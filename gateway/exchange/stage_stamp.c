#include "gateway/exchange/exchange.h"

/* Has a third party witness the time of the seal. Policy may ask for more than the configured mode, never for
 * less. */

static policy_stamp_mode wanted(const exchange *ex)
{
    const char *configured = ex->view->config->timestamp->mode;
    policy_stamp_mode mode = strcmp(configured, "token") == 0   ? POLICY_STAMP_TOKEN
                             : strcmp(configured, "batch") == 0 ? POLICY_STAMP_BATCH
                                                                : POLICY_STAMP_NONE;
    policy_stamp_mode asked =
        ex->ruling.oblige.timestamp.set ? ex->ruling.oblige.timestamp.mode : POLICY_STAMP_UNSET;
    if (ex->ruling.oblige.timestamp.set && asked == POLICY_STAMP_UNSET)
        asked = POLICY_STAMP_BATCH; /* accept or min without a mode: any stamp that meets them */
    const char *level = ex->ruling.oblige.seal.set ? ex->ruling.oblige.seal.level : NULL;
    if (level != NULL && strcmp(level, "B-B") != 0)
        asked = POLICY_STAMP_TOKEN; /* a tree root cannot be the imprint of a signature (seals.md 4.2) */
    return asked > mode ? asked : mode;
}

static void came(void *context, const stamp_result *result)
{
    /* On the stamp service's thread: the exchange waits, so its arena is ours until it is posted back. */
    exchange *ex = context;
    ex->async_rc = result->rc;
    ex->async_why = result->why;
    ex->stamp_count = result->rc.code == DX_OK ? result->count : 0;
    for (size_t i = 0; i < ex->stamp_count; i++) {
        ex->stamps[i] = result->facts[i];
        ex->stamp_evidence[i] = dx_arena_bytes(&ex->arena, result->evidence[i]);
        ex->stamp_by[i] = dx_arena_text(&ex->arena, dx_bytes_text(result->by[i]));
        if (ex->stamp_evidence[i].data == NULL || ex->stamp_by[i] == NULL)
            ex->async_rc = (struct dx_rc){DX_NO_MEMORY};
    }
    if (ex->async_rc.code != DX_OK)
        ex->stamp_count = 0;
    exchange_post(ex);
}

static step fail(exchange *ex)
{
    bool invalid = ex->async_rc.code == DX_BAD_SIGNATURE;
    ex->stamp_count = 0;
    return exchange_refuse(
        ex,
        &(refusal){
            .slug = invalid ? "timestamp-invalid" : "timestamp-unavailable",
            .status = invalid ? 502 : 503,
            .id = ex->async_why.id[0] ? dx_arena_text(&ex->arena, dx_bytes_text(ex->async_why.id)) : NULL,
            .clause = ex->async_why.clause[0] ? dx_arena_text(&ex->arena, dx_bytes_text(ex->async_why.clause))
                                              : "seals.md 7.6",
            .detail = "no time-stamp authority gave a stamp that can be believed; nothing was sent",
            .where = "authority",
            .retryable = !invalid,
            .retry_after_s = invalid ? 0 : 10});
}

static DX_RC add_field(exchange *ex, dx_why *why)
{
    stamp_result result = {.rc = DX_OKAY, .count = ex->stamp_count};
    for (size_t i = 0; i < ex->stamp_count; i++) {
        result.evidence[i] = ex->stamp_evidence[i];
        result.facts[i] = ex->stamps[i];
        result.by[i] = ex->stamp_by[i];
    }
    seal_field field;
    DX_TRY(seal_time_field(&result, ex->stamped_mode, &ex->arena, &field, why));
    return exchange_add_fields(ex, &field, 1) ? DX_OKAY
                                              : DX_FAIL(why, NO_MEMORY, "", "no room for time evidence");
}

step stage_stamp(exchange *ex)
{
    if (ex->refused || !ex->sealed)
        return STEP_NEXT;
    if (ex->stamp_count > 0) {
        ex->async_rc = add_field(ex, &ex->async_why);
        return ex->async_rc.code == DX_OK ? STEP_NEXT : fail(ex);
    }
    policy_stamp_mode mode = wanted(ex);
    if (mode == POLICY_STAMP_NONE || mode == POLICY_STAMP_UNSET)
        return STEP_NEXT;
    if (ex->async_rc.code != DX_OK)
        return fail(ex);
    if (ex->gate->stamps == NULL) {
        ex->async_rc = (struct dx_rc){DX_CONFIG};
        return fail(ex);
    }
    ex->stamped_mode = mode == POLICY_STAMP_TOKEN ? STAMP_TOKEN : STAMP_BATCH;
    const uint8_t *leaf = ex->stamped_mode == STAMP_TOKEN ? ex->seal.imprint : ex->seal.leaf;
    unsigned min = ex->ruling.oblige.timestamp.min > 1 ? ex->ruling.oblige.timestamp.min : 1;
    struct dx_rc rc = stamp_submit(
        ex->gate->stamps, ex->stamped_mode, leaf,
        ex->ruling.oblige.timestamp.accept[0] != NULL ? ex->ruling.oblige.timestamp.accept : NULL, min, came,
        ex, &ex->async_why);
    if (rc.code == DX_OK)
        return STEP_WAIT; /* the exchange is came()'s now: it may be running already */
    ex->async_rc = rc;
    return fail(ex);
}
