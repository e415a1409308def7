/* The query string of /records: every name known, once, with a value of its kind; anything else is an error,
 * because a filter that is silently ignored shows a regulator more or less than was asked. */
#include "gateway/regulator/query_http.h"

#include "trust/base/digest.h"

#include <stdio.h>

enum { PEER, COUNTRY, PURPOSE, DECISION, CODE, DATASET, TEXTS };
static const char *const names[TEXTS] = {"peer", "country", "purpose", "decision", "code", "dataset"};

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Percent-decodes into `out` with a NUL; false when it does not fit, or holds a control character. */
static bool decode(dx_bytes in, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < in.size; i++) {
        int c = in.data[i];
        if (c == '%') {
            if (in.size - i < 3 || hex(in.data[i + 1]) < 0 || hex(in.data[i + 2]) < 0)
                return false;
            c = hex(in.data[i + 1]) << 4 | hex(in.data[i + 2]);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || n + 1 >= size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = 0;
    return n > 0 && dx_bytes_utf8_ok(dx_bytes_of(out, n));
}

static const char *take(dx_bytes name, dx_bytes value, query_filter *out, unsigned *seen)
{
    char text[192];
    uint64_t n;
    unsigned bit = 0;
    if (dx_bytes_is(name, "cursor")) { /* base64url: nothing to decode */
        out->cursor = value;
        bit = 1U << 10;
    } else if (!decode(value, text, sizeof text)) {
        return "a value is empty, too long or not percent-encoded UTF-8";
    } else if (dx_bytes_is(name, "from") || dx_bytes_is(name, "to")) {
        bool from = name.size == 4;
        bit = from ? 1U << 11 : 1U << 12;
        if (!dx_time_parse(dx_bytes_text(text), true, from ? &out->query.from_us : &out->query.until_us))
            return "from and to are RFC 3339 times in UTC";
    } else if (dx_bytes_is(name, "limit")) {
        bit = 1U << 13;
        if (!dx_bytes_u64(dx_bytes_text(text), 1000, &n) || n == 0)
            return "limit is 1 to 1000";
        out->query.limit = (unsigned)n;
    } else if (dx_bytes_is(name, "at")) {
        char *colon = strrchr(text, ':');
        bit = 1U << 14;
        if (colon == NULL || !dx_bytes_u64(dx_bytes_text(colon + 1), INT64_MAX, &out->query.at_size) ||
            out->query.at_size == 0)
            return "at is origin:size";
        *colon = 0;
        snprintf(out->at_origin, sizeof out->at_origin, "%.159s", text);
    } else {
        for (unsigned i = 0; i < TEXTS; i++)
            if (dx_bytes_is(name, names[i])) {
                bit = 1U << i;
                memcpy(out->text[i], text, sizeof text);
            }
    }
    if (bit == 0)
        return "an unknown filter";
    if ((*seen & bit) != 0)
        return "a filter that comes twice";
    *seen |= bit;
    return NULL;
}

static const char *check(query_filter *f)
{
    const char *country = f->text[COUNTRY], *decision = f->text[DECISION];
    bool two =
        country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z' && country[2] == 0;
    if (country[0] != 0 && !two)
        return "country is two capital letters (ISO 3166)";
    if (decision[0] != 0 && strcmp(decision, "permit") != 0 && strcmp(decision, "deny") != 0)
        return "decision is permit or deny";
    if (f->query.from_us != 0 && f->query.until_us != 0 && f->query.from_us >= f->query.until_us)
        return "from is not before to";
    return NULL;
}

/* What a cursor is bound to: everything but the page size and the cursor itself. */
static void digest(query_filter *f)
{
    char text[2048];
    size_t n = (size_t)snprintf(text, sizeof text, "%lld\n%lld\n%s\n", (long long)f->query.from_us,
                                (long long)f->query.until_us, f->at_origin);
    for (unsigned i = 0; i < TEXTS; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\n", f->text[i]);
    dx_sha256(dx_bytes_of(text, n), f->filter);
}

bool query_filter_parse(dx_bytes query, query_filter *out, const char **detail)
{
    unsigned seen = 0;
    memset(out, 0, sizeof *out);
    out->query.limit = 100;
    out->query.after_index = UINT64_MAX;
    while (query.size > 0) {
        const uint8_t *amp = memchr(query.data, '&', query.size);
        dx_bytes pair = dx_bytes_part(query, 0, amp == NULL ? query.size : (size_t)(amp - query.data));
        const uint8_t *equals = pair.size > 0 ? memchr(pair.data, '=', pair.size) : NULL;
        query = dx_bytes_part(query, pair.size + (amp != NULL), query.size);
        if (equals == NULL || (amp != NULL && query.size == 0)) {
            *detail = "the query string is a list of name=value";
            return false;
        }
        dx_bytes name = dx_bytes_of(pair.data, (size_t)(equals - pair.data));
        *detail = take(name, dx_bytes_part(pair, name.size + 1, pair.size), out, &seen);
        if (*detail != NULL)
            return false;
    }
    *detail = check(out);
    if (*detail != NULL)
        return false;
    const char **into[TEXTS] = {&out->query.peer,     &out->query.country, &out->query.purpose,
                                &out->query.decision, &out->query.code,    &out->query.dataset};
    for (unsigned i = 0; i < TEXTS; i++)
        *into[i] = out->text[i][0] != 0 ? out->text[i] : NULL;
    digest(out);
    return true;
}
