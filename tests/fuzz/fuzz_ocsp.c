/* room: trust_path */
/* fuzz_ocsp.c -- a certificate, the authority that is said to have issued it, and an OCSP response about it.
 * Input: length of the authority (two bytes), the authority, length of the certificate, the certificate, the
 * response. Whoever is believed was signed by somebody, every answer but GOOD has its id, and the same
 * question has the same answer. Seeds: SEEDS=tests/fuzz/corpus build/asan/test_revocation */
#include "trust/path/ocsp_read.h"
#include "trust/path/revocation_ocsp.h"

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

/* Every single response of one that was read can be read again, up to the last byte. */
static void walk(dx_bytes der)
{
    ocsp_response r;
    ocsp_single single;
    if (!ocsp_read(der, &r))
        return;
    while (r.singles.size > 0)
        if (!ocsp_next(&r.singles, &single))
            abort();
}

static void request(dx_bytes leaf, dx_bytes authority, dx_bytes nonce)
{
    dx_arena arena = {0};
    dx_bytes out;
    const revocation_question q = {.certificate = leaf, .issuer = authority, .nonce = nonce};
    (void)(revocation_ocsp_request(&q, &arena, &out, NULL)).code;
    dx_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_bytes answer = dx_bytes_of(data, size), authority, leaf;
    cert_facts facts[2];
    if (!take(&answer, &authority) || !take(&answer, &leaf))
        return 0;
    walk(answer);
    if (!cert_facts_read(leaf, &facts[0]) || !cert_facts_read(authority, &facts[1]))
        return 0;
    request(leaf, authority, dx_bytes_part(answer, 0, 33));
    const ocsp_question q = {.subject = &facts[0],
                             .issuer = &facts[1],
                             .at_s = NOW_S,
                             .until_s = NOW_S,
                             .max_age_s = 86400,
                             .skew_s = 60,
                             .any_time = size % 2,
                             .past = size % 3 == 0,
                             .algorithms = ALGORITHMS_LEGACY};
    ocsp_answer a = revocation_ocsp_check(answer, &q), again = revocation_ocsp_check(answer, &q);
    if ((a.state == REVOCATION_GOOD) != (a.id == NULL) ||
        (a.state != REVOCATION_UNKNOWN && a.by == OCSP_BY_NOBODY) || a.state != again.state)
        abort();
    return 0;
}
