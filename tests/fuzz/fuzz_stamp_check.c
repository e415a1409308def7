/* room: trust_stamp */
/* fuzz_stamp_check.c -- answers and tokens from whoever answers for an authority: taken apart, judged, never
 * trusted. Whatever is opened as BER must open again in its definite form, to the same judgement. */
#include "trust/stamp/stamp_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_arena arena;
    dx_bytes in = dx_bytes_of(data, size), token, definite, again;
    stamp_facts facts;
    const stamp_trust trust = {.revocation_off = true};
    uint8_t imprint[32] = {0};
    stamp_expect expect = {
        .imprint = dx_bytes_of(imprint, sizeof imprint), .ess_v1_note = true, .skew_s = 60};
    dx_arena_init(&arena, 64U << 20);
    if (!stamp_response_open(in, NULL, &token).ok)
        token = in;
    stamp_verdict verdict = stamp_check(token, &expect, &trust, &arena, &facts);
    if (verdict.ok || verdict.id[0] == '\0' || verdict.sub_indication == NULL)
        abort(); /* nobody is believed here, and every no has its id */
    if (stamp_ber_definite(token, &arena, &definite)) {
        if (!stamp_ber_definite(definite, &arena, &again) || !dx_bytes_equal(definite, again))
            abort();
        if (strcmp(stamp_check(definite, &expect, &trust, &arena, &facts).id, verdict.id) != 0)
            abort();
    }
    /* The same token for the imprint it has: deeper into the checks. */
    stamp_tstinfo info;
    if (stamp_token_peek(token, &arena, &info, &definite, &verdict)) {
        expect.imprint = info.imprint;
        (void)stamp_check(token, &expect, &trust, &arena, &facts);
    }
    dx_arena_fini(&arena);
    return 0;
}
