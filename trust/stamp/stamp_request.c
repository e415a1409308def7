#include "trust/base/der.h"
#include "trust/stamp/stamp_private.h"

/* TimeStampReq (RFC 3161 2.4.1): version 1, SHA-256 imprint, nonce, certReq. */

static size_t put_nonce(uint8_t *out, uint64_t nonce)
{
    uint8_t bytes[9] = {0};
    size_t  from = 1;
    for (int i = 0; i < 8; i++)
        bytes[1 + i] = (uint8_t)(nonce >> (56 - 8 * i));
    while (from < 8 && bytes[from] == 0)
        from++;
    if (bytes[from] & 0x80)
        from--;
    size_t n = 9 - from;
    out[0] = DER_INTEGER;
    out[1] = (uint8_t)n;
    memcpy(out + 2, bytes + from, n);
    return n + 2;
}

DX_RC stamp_request_make(const stamp_tsa *tsa, const uint8_t imprint[32], uint64_t nonce, dx_arena *arena, dx_bytes *out, dx_why *why)
{
    static const uint8_t head[] = {0x02, 0x01, 0x01, 0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
                                   0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20};
    uint8_t *der = dx_arena_alloc(arena, 128);
    size_t   n = 2;
    if (der == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a time-stamp request");
    /* AlgorithmIdentifier without parameters: 0x30 0x0b OID */
    memcpy(der + n, head, sizeof head);
    der[n + 4] = 0x2f;
    n += sizeof head;
    memcpy(der + n, imprint, 32);
    n += 32;
    n += put_nonce(der + n, nonce);
    if (tsa->cert_req) {
        memcpy(der + n, "\x01\x01\xff", 3);
        n += 3;
    }
    der[0] = DER_SEQUENCE;
    der[1] = (uint8_t)(n - 2);
    *out = dx_bytes_of(der, n);
    return DX_OKAY;
}
