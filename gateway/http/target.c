#include "gateway/http/http_message.h"

#include <arpa/inet.h>

/* One canonical form of authority and path (dataplane.md 8): what policy judges is what the data API
 * receives. */

enum { TCHAR = 1, PCHAR = 2, QUERY = 4, UNRESERVED = 8, HEXDIG = 16 };

static uint8_t class_of(uint8_t c)
{
    uint8_t bits = 0;
    bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
    if (alpha || digit || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL))
        bits |= TCHAR;
    if (alpha || digit || (c != 0 && strchr("-._~", c) != NULL))
        bits |= UNRESERVED;
    if ((bits & UNRESERVED) || (c != 0 && strchr("!$&'()*+,;=:@", c) != NULL))
        bits |= PCHAR | QUERY;
    if (c == '/' || c == '?')
        bits |= QUERY;
    if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
        bits |= HEXDIG;
    return bits;
}

static uint8_t classes[256];
__attribute__((constructor)) static void fill_classes(void)
{
    for (unsigned c = 0; c < 256; c++)
        classes[c] = class_of((uint8_t)c);
}

bool http_is_token(dx_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!(classes[text.data[i]] & TCHAR))
            return false;
    return text.size > 0;
}

bool http_is_field_value(dx_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f)
            return false;
    return true;
}

static int hex(uint8_t c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static DX_RC ambiguous(dx_why *why, const char *what)
{
    return DX_FAIL_ID(why, REFUSED, "DP-143", "own rule: RFC 3986 6.2.2",
                      "the path can be read in two ways: %s", what);
}

/* Decoded look-alikes of '.', '/' and '\' that sloppy stacks map to them. */
static bool has_look_alike(dx_bytes decoded)
{
    static const uint32_t points[] = {0x2024, 0x2044, 0x2215, 0x29f8, 0xfe52, 0xfe68, 0xff0e, 0xff0f, 0xff3c};
    for (size_t i = 0; i + 2 < decoded.size; i++) {
        const uint8_t *p = decoded.data + i;
        if ((p[0] & 0xf0) != 0xe0)
            continue;
        uint32_t point = (p[0] & 15U) << 12 | (p[1] & 63U) << 6 | (p[2] & 63U);
        for (size_t k = 0; k < sizeof points / sizeof *points; k++)
            if (point == points[k])
                return true;
    }
    return false;
}

static bool ends_in(dx_bytes text, const char *end)
{
    size_t size = strlen(end);
    return text.size >= size && dx_bytes_is(dx_bytes_part(text, text.size - size, size), end);
}

static DX_RC judge_segment(dx_bytes segment, bool last, dx_why *why)
{
    size_t stem = 0; /* what stands before parameters, however their ';' is written */
    while (stem < segment.size && segment.data[stem] != ';' &&
           !dx_bytes_is(dx_bytes_part(segment, stem, 3), "%3B"))
        stem++;
    dx_bytes before = dx_bytes_part(segment, 0, stem);
    if (segment.size == 0 && !last)
        return ambiguous(why, "an empty segment");
    if (dx_bytes_is(before, ".") || dx_bytes_is(before, ".."))
        return ambiguous(why, "a dot segment");
    if (before.size == 0 && segment.size > 0)
        return ambiguous(why, "a segment of parameters only");
    if (ends_in(before, ".") || ends_in(segment, "."))
        return ambiguous(why, "a segment that ends in a dot");
    if (ends_in(before, "%20") || ends_in(segment, "%20"))
        return ambiguous(why, "a segment that ends in a blank");
    return DX_OKAY;
}

/* Judged in the canonical form: "%25%32%65" becomes "%252e" only there. */
static bool doubly_encoded(dx_bytes path)
{
    for (size_t i = 0; i + 4 < path.size; i++)
        if (memcmp(path.data + i, "%25", 3) == 0 && (classes[path.data[i + 3]] & HEXDIG) &&
            (classes[path.data[i + 4]] & HEXDIG))
            return true;
    return false;
}

static DX_RC canonical_path(dx_bytes in, dx_arena *arena, dx_bytes *out, dx_why *why)
{
    uint8_t *path = dx_arena_alloc(arena, in.size), *decoded = dx_arena_alloc(arena, in.size);
    size_t n = 0, d = 0;
    if (path == NULL || decoded == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the path");
    for (size_t i = 0; i < in.size; i++) {
        uint8_t c = in.data[i];
        if (c == '\\')
            return ambiguous(why, "a backslash");
        if (c == '%') {
            if (i + 2 >= in.size || !(classes[in.data[i + 1]] & HEXDIG) ||
                !(classes[in.data[i + 2]] & HEXDIG))
                return DX_FAIL_ID(why, MALFORMED, "DP-142", "RFC 3986 2.1",
                                  "a percent sign without two hexadecimal digits");
            uint8_t value = (uint8_t)(hex(in.data[i + 1]) << 4 | hex(in.data[i + 2]));
            if (value == '/' || value == '\\' || value < 0x20 || value == 0x7f)
                return ambiguous(why, "an encoded slash, backslash or control byte");
            decoded[d++] = value;
            if (classes[value] & UNRESERVED) {
                path[n++] = value;
            } else {
                static const char upper[] = "0123456789ABCDEF";
                path[n++] = '%';
                path[n++] = (uint8_t)upper[value >> 4];
                path[n++] = (uint8_t)upper[value & 15];
            }
            i += 2;
        } else if (c == '/' || (classes[c] & PCHAR)) {
            path[n++] = c;
            decoded[d++] = c;
        } else {
            return DX_FAIL_ID(why, MALFORMED, "DP-109", "RFC 9112 3.2",
                              "the path holds byte 0x%02x, which RFC 3986 does not allow", c);
        }
    }
    if (doubly_encoded(dx_bytes_of(path, n)))
        return ambiguous(why, "a doubly encoded byte");
    if (!dx_bytes_utf8_ok(dx_bytes_of(decoded, d)))
        return ambiguous(why, "encoded bytes that are not UTF-8");
    if (has_look_alike(dx_bytes_of(decoded, d)))
        return ambiguous(why, "a character that is taken for a dot or slash");
    for (size_t from = 1; from <= n;) {
        size_t to = from;
        while (to < n && path[to] != '/')
            to++;
        DX_TRY(judge_segment(dx_bytes_of(path + from, to - from), to == n, why));
        from = to + 1;
    }
    *out = dx_bytes_of(path, n);
    return DX_OKAY;
}

DX_RC http_target_parse(dx_bytes target, dx_arena *arena, dx_bytes *path, dx_bytes *query, bool *has_query,
                        dx_why *why)
{
    size_t split = 0;
    while (split < target.size && target.data[split] != '?')
        split++;
    *has_query = split < target.size;
    *query = dx_bytes_part(target, *has_query ? split + 1 : split, target.size);
    dx_bytes raw = dx_bytes_part(target, 0, split);
    if (raw.size == 0 || raw.data[0] != '/')
        return DX_FAIL_ID(why, MALFORMED, "DP-109", "RFC 9112 3.2.1", "the path does not start with a slash");
    for (size_t i = 0; i < query->size; i++) {
        uint8_t c = query->data[i];
        if (c == '%') {
            if (i + 2 >= query->size || !(classes[query->data[i + 1]] & HEXDIG) ||
                !(classes[query->data[i + 2]] & HEXDIG))
                return DX_FAIL_ID(why, MALFORMED, "DP-142", "RFC 3986 2.1",
                                  "the query has a percent sign without two hexadecimal digits");
            if (query->data[i + 1] == '0' && query->data[i + 2] == '0')
                return ambiguous(why, "an encoded NUL in the query");
        } else if (!(classes[c] & QUERY)) {
            return DX_FAIL_ID(why, MALFORMED, "DP-109", "RFC 9112 3.2",
                              "the query holds byte 0x%02x, which RFC 3986 does not allow", c);
        }
    }
    return canonical_path(raw, arena, path, why);
}

static DX_RC bad_authority(dx_why *why, const char *what)
{
    return DX_FAIL_ID(why, MALFORMED, "DP-140", "RFC 9110 7.2", "the authority %s", what);
}

/* "[...]" in the one form of RFC 5952. */
static bool canonical_ipv6(dx_bytes inside, char out[INET6_ADDRSTRLEN + 2])
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN] = "";
    if (inside.size == 0 || inside.size >= sizeof text)
        return false;
    memcpy(text, inside.data, inside.size);
    out[0] = '[';
    if (inet_pton(AF_INET6, text, &address) != 1 ||
        inet_ntop(AF_INET6, &address, out + 1, INET6_ADDRSTRLEN) == NULL)
        return false;
    strcat(out, "]");
    return true;
}

DX_RC http_authority_parse(dx_bytes a, dx_arena *arena, dx_bytes *canonical, dx_why *why)
{
    if (a.size == 0 || a.size > 300)
        return bad_authority(why, "is empty or too long");
    if (memchr(a.data, '@', a.size) != NULL)
        return bad_authority(why, "carries user information");
    char literal[INET6_ADDRSTRLEN + 2] = "";
    size_t host = 0;
    if (a.data[0] == '[') {
        const uint8_t *end = memchr(a.data, ']', a.size);
        if (end == NULL)
            return bad_authority(why, "has an IPv6 address without end");
        host = (size_t)(end - a.data) + 1;
        if (!canonical_ipv6(dx_bytes_part(a, 1, host - 2), literal))
            return bad_authority(why, "has an IPv6 address that is none");
    } else {
        while (host < a.size && a.data[host] != ':')
            if (!(classes[a.data[host]] & UNRESERVED) || a.data[host] == '~')
                return bad_authority(why, "holds a byte that no host name has");
            else
                host++;
        if (host == 0 || a.data[host - 1] == '.')
            return bad_authority(why, "has an empty host or a trailing dot");
    }
    uint64_t port = 443;
    if (host < a.size &&
        (a.data[host] != ':' || !dx_bytes_u64(dx_bytes_part(a, host + 1, a.size), 65535, &port) || port == 0))
        return bad_authority(why, "has a bad port");
    dx_bytes name = literal[0] != 0 ? dx_bytes_text(literal) : dx_bytes_part(a, 0, host);
    dx_bytes rest = port == 443 ? (dx_bytes){NULL, 0} : dx_bytes_part(a, host, a.size);
    uint8_t *out = dx_arena_alloc(arena, name.size + rest.size);
    if (out == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the authority");
    for (size_t i = 0; i < name.size; i++)
        out[i] = (uint8_t)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] + 32 : name.data[i]);
    if (rest.size > 0)
        memcpy(out + name.size, rest.data, rest.size);
    *canonical = dx_bytes_of(out, name.size + rest.size);
    return DX_OKAY;
}
