/* room: trust_stamp */
/* fuzz_evidence_record.c -- records from partners: limits hold, hashes are followed, nobody is believed
 * without an anchor. */
#include "trust/stamp/stamp_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_arena arena;
    stamp_facts facts;
    const stamp_trust trust = {.revocation_off = true};
    uint8_t leaf[32] = {0};
    dx_bytes record = dx_bytes_of(data, size);
    /* The first 32 octets after a marker are the leaf: lets a mutated record find its own. */
    if (size > 33 && data[0] == 0xff) {
        memcpy(leaf, data + 1, 32);
        record = dx_bytes_part(record, 33, size);
    }
    dx_arena_init(&arena, 64U << 20);
    stamp_verdict verdict = evidence_record_check(record, leaf, &trust, &arena, &facts);
    if (verdict.ok || verdict.id[0] == '\0' || verdict.sub_indication == NULL)
        abort();
    dx_arena_fini(&arena);
    return 0;
}
