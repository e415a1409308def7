/* stamp_request.c -- what we send to an authority, and the envelope its answer comes in (RFC 3161 2.4). */
#include "trust/stamp/stamp_private.h"

#include <stdio.h>

static size_t put_u64(uint8_t *out, uint64_t number)
{
    uint8_t digits[9] = {0};
    for (size_t i = 0; i < 8; i++)
        digits[1 + i] = (uint8_t)(number >> (56 - 8 * i));
    size_t from = 0;
    while (from < 8 && digits[from] == 0 && digits[from + 1] < 0x80)
        from++;
    out[0] = DER_INTEGER;
    out[1] = (uint8_t)(9 - from);
    memcpy(out + 2, digits + from, 9 - from);
    return 2 + 9 - from;
}

DX_RC stamp_request_make(const stamp_tsa *tsa, const uint8_t imprint[32], uint64_t nonce, dx_arena *arena,
                         dx_bytes *out, dx_why *why)
{
    static const uint8_t version_imprint[] = {DER_INTEGER,
                                              1,
                                              1,
                                              DER_SEQUENCE,
                                              0x31,
                                              DER_SEQUENCE,
                                              0x0d,
                                              DER_OID,
                                              9,
                                              0x60,
                                              0x86,
                                              0x48,
                                              0x01,
                                              0x65,
                                              3,
                                              4,
                                              2,
                                              1,
                                              DER_NULL,
                                              0,
                                              DER_OCTET_STRING,
                                              0x20};
    static const uint8_t cert_req[] = {DER_BOOLEAN, 1, 0xff};
    uint8_t *bytes = dx_arena_alloc(arena, 128); /* 2 + 22 + 32 + 11 + 3, with room */
    if (bytes == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a time-stamp request");
    size_t used = 2;
    memcpy(bytes + used, version_imprint, sizeof version_imprint);
    used += sizeof version_imprint;
    memcpy(bytes + used, imprint, 32);
    used += 32;
    used += put_u64(bytes + used, nonce);
    if (tsa->cert_req) {
        memcpy(bytes + used, cert_req, sizeof cert_req);
        used += sizeof cert_req;
    }
    bytes[0] = DER_SEQUENCE;
    bytes[1] = (uint8_t)(used - 2);
    *out = dx_bytes_of(bytes, used);
    return DX_OKAY;
}

/* PKIFreeText for an operator's eyes: printable ASCII of the first line. */
static void free_text(dx_bytes in, char *out, size_t size)
{
    dx_bytes text;
    size_t used = 0;
    out[0] = '\0';
    if (!der_take(&in, DER_UTF8_STRING, &text))
        return;
    for (size_t i = 0; i < text.size && used + 1 < size; i++)
        out[used++] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? (char)text.data[i] : '?';
    out[used] = '\0';
}

stamp_verdict stamp_response_open(dx_bytes response, const stamp_tsa *tsa, dx_bytes *token)
{
    static const char *const states[] = {"granted", "granted with modifications", "rejection",
                                         "waiting", "revocation warning",         "revocation notification"};
    stamp_verdict verdict = {0};
    dx_bytes body, info, value, text, failure;
    uint64_t status;
    bool present;
    char words[64];
    *token = dx_bytes_of(NULL, 0);
    /* The token inside may be BER, so the envelope is read alone: its length is definite in every answer we
     * know. */
    if (response.size > STAMP_TOKEN_MAX || !der_only(response, DER_SEQUENCE, &body))
        (void)stamp_no(&verdict, CHECK_STAMP_01, NULL, "the answer is not exactly one TimeStampResp");
    else if (!der_take(&body, DER_SEQUENCE, &info) || !der_take(&info, DER_INTEGER, &value) ||
             !der_u64(value, &status) || !der_optional(&info, DER_SEQUENCE, &text, &present) ||
             !der_optional(&info, DER_BIT_STRING, &failure, &present) || info.size != 0)
        (void)stamp_no(&verdict, CHECK_STAMP_01, NULL,
                       "the answer's PKIStatusInfo is not of the standard's form");
    else if (status > 1 || (status == 1 && !(tsa != NULL && tsa->accept_mods))) {
        free_text(text, words, sizeof words);
        (void)stamp_no(&verdict, CHECK_STAMP_01, NULL, "the authority answered: %s%s%s",
                       status < 6 ? states[status] : "an unknown status", words[0] != '\0' ? ", " : "",
                       words);
    } else if (body.size < 2 || body.data[0] != DER_SEQUENCE)
        (void)stamp_no(&verdict, CHECK_STAMP_01, NULL, "the answer is granted but holds no token");
    else {
        verdict.ok = true;
        *token = body;
    }
    return verdict;
}
