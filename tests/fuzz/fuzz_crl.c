/* room: trust_path */
/* fuzz_crl.c -- a certificate, the authority that is said to have issued it, and two CRLs about it, which may
 * be a base and its delta, or for some reasons each. Input: length of the authority (two bytes), the
 * authority, the same of the certificate and of the first list, then the second list. The signatures are
 * taken for good, so that changed lists are judged at all. Seeds: SEEDS=tests/fuzz/corpus
 * build/asan/test_revocation */
#include "trust/base/digest.h"
#include "trust/path/crl_judge.h"

#include <stdlib.h>

#define NOW_S 1795608000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(dx_bytes *in, dx_bytes *part)
{
    if (in->size < 2)
        return false;
    size_t size = (size_t)in->data[0] << 8 | in->data[1];
    if (size > in->size - 2)
        return false;
    *part = dx_bytes_part(*in, 2, size);
    *in = dx_bytes_part(*in, 2 + size, in->size);
    return true;
}

/* An index finds what a walk finds. */
static void compare(const crl_list *list, dx_bytes serial)
{
    crl_list indexed = *list;
    crl_entry a, b;
    if (!crl_index(&indexed))
        return;
    bool walked = crl_find(list, serial, &a), found = crl_find(&indexed, serial, &b);
    if (walked != found || (walked && a.serial.data != b.serial.data))
        abort();
    crl_list_fini(&indexed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_bytes parts[2] = {{NULL, 0}, dx_bytes_of(data, size)}, authority, leaf;
    cert_facts facts[2];
    crl_list lists[2], *all[2];
    uint8_t scope[32];
    if (!take(&parts[1], &authority) || !take(&parts[1], &leaf) || !take(&parts[1], &parts[0]) ||
        !cert_facts_read(leaf, &facts[0]) || !cert_facts_read(authority, &facts[1]))
        return 0;
    for (size_t i = 0; i < 2; i++) {
        all[i] = &lists[i];
        if (crl_read(parts[i], &lists[i]) != NULL)
            continue;
        compare(&lists[i], facts[0].serial);
        crl_scope(&lists[i], scope);
        lists[i].verified = true;
        dx_sha256(facts[1].spki, lists[i].verified_sha256);
    }
    const crl_question q = {.subject = &facts[0],
                            .issuer = &facts[1],
                            .at_s = NOW_S,
                            .until_s = NOW_S,
                            .max_age_s = 604800,
                            .past = size % 2,
                            .compromised_ever = size % 3 == 0};
    crl_answer one = crl_judge(all, 2, &q);
    if ((one.state == REVOCATION_GOOD) != (one.id == NULL) ||
        (one.state == REVOCATION_REVOKED && !one.listed))
        abort();
    crl_list *turned[2] = {all[1], all[0]};
    if (crl_judge(turned, 2, &q).state != one.state)
        abort();
    return 0;
}
