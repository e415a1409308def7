/* The target of a request as its peer wrote it (seals.md 3 rule 1): the one form that both sides can rebuild.
 */
#include "trust/seal/seal.h"

#define TARGET_MAX_BYTES 65536

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* uri-host [":" port] of RFC 9110 7.2, without userinfo. */
static bool authority_ok(dx_bytes a)
{
    static const char allowed[] = "-._~%!$&'()*+,;=:[]";
    for (size_t i = 0; i < a.size; i++) {
        uint8_t c = a.data[i];
        if (!((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
              (c != 0 && strchr(allowed, c) != NULL)))
            return false;
    }
    return a.size != 0 && a.size <= 512;
}

/* Host in lower case and without :443; returns its new size. */
static size_t authority_write(dx_bytes authority, uint8_t *out)
{
    for (size_t i = 0; i < authority.size; i++)
        out[i] = lower(authority.data[i]);
    size_t size = authority.size;
    if (size > 4 && memcmp(out + size - 4, ":443", 4) == 0)
        size -= 4;
    else if (size > 1 && out[size - 1] == ':') /* an empty port is the default one (RFC 3986 6.2.3) */
        size--;
    return size;
}

static bool target_ok(dx_bytes target)
{
    for (size_t i = 0; i < target.size; i++)
        if (target.data[i] <= 0x20 || target.data[i] > 0x7e || target.data[i] == '#')
            return false;
    return target.size != 0 && target.size <= TARGET_MAX_BYTES;
}

DX_RC seal_target_uri(dx_bytes authority, dx_bytes target, dx_arena *arena, dx_bytes *out, dx_why *why)
{
    if (!authority_ok(authority) || !target_ok(target))
        return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "dfft-seal-v1 3 rule 1",
                          "the request names no target that can be sealed");
    uint8_t *uri = dx_arena_alloc(arena, 8 + authority.size + 1 + target.size);
    if (uri == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room for a target");
    memcpy(uri, "https://", 8);
    size_t at = 8 + authority_write(authority, uri + 8);
    if (dx_bytes_equal_nocase(dx_bytes_part(target, 0, 8), DX_BYTES("https://"))) {
        size_t end = 8;
        while (end < target.size && target.data[end] != '/' && target.data[end] != '?')
            end++;
        dx_bytes named = dx_bytes_part(target, 8, end - 8);
        uint8_t *again = dx_arena_alloc(arena, named.size + 1);
        if (again == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no room for a target");
        if (!authority_ok(named) ||
            !dx_bytes_equal(dx_bytes_of(again, authority_write(named, again)), dx_bytes_of(uri + 8, at - 8)))
            return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "RFC 9112 3.2.2",
                              "target and Host name two authorities");
        target = dx_bytes_part(target, end, target.size - end);
        if (target.size == 0 || target.data[0] == '?')
            uri[at++] = '/';
    } else if (dx_bytes_is(target, "*")) {
        target.size = 0; /* RFC 9112 3.3: no path at all */
    } else if (target.data[0] != '/') {
        return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "dfft-seal-v1 3 rule 1",
                          "a target of another form or scheme is not sealed");
    }
    if (target.size != 0)
        memcpy(uri + at, target.data, target.size);
    *out = dx_bytes_of(uri, at + target.size);
    return DX_OKAY;
}
