#include "trust/provenance/leaf_canonical.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 32

typedef struct {
    const uint8_t *p, *end;
    dx_bytes *type;
} reader;

static const char *value(reader *r, unsigned depth);

static const char *literal(reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return "no JSON value";
    r->p += n;
    return NULL;
}

/* Only what must be escaped is, and in one way (RFC 8785 3.2.2.2). Leaves *out as the span between the
 * quotes. */
static const char *string(reader *r, dx_bytes *out)
{
    const uint8_t *from = ++r->p;
    while (r->p < r->end && *r->p != '"') {
        if (*r->p < 0x20)
            return "control character in a string";
        if (*r->p++ != '\\')
            continue;
        if (r->p >= r->end)
            return "text ends in a string";
        uint8_t c = *r->p++;
        if (c != 0 && strchr("\"\\bfnrt", c) != NULL)
            continue;
        if (c != 'u' || r->end - r->p < 4 || r->p[0] != '0' || r->p[1] != '0' ||
            (r->p[2] != '0' && r->p[2] != '1') || r->p[3] == 0 || strchr("0123456789abcdef", r->p[3]) == NULL)
            return "needless or unknown escape";
        unsigned point =
            (unsigned)(r->p[2] - '0') * 16 + (unsigned)(r->p[3] <= '9' ? r->p[3] - '0' : r->p[3] - 'a' + 10);
        if ((point >= 8 && point <= 10) || point == 12 || point == 13)
            return "long form of a short escape";
        r->p += 4;
    }
    if (r->p >= r->end)
        return "text ends in a string";
    *out = dx_bytes_of(from, (size_t)(r->p++ - from));
    return NULL;
}

/* ECMAScript Number::toString (RFC 8785 3.2.2.3): the shortest digits that read back, laid out by exponent.
 */
static void print_number(double d, char out[40])
{
    char shortest[40], digits[24];
    int precision = 1;
    do
        snprintf(shortest, sizeof shortest, "%.*e", precision - 1, d);
    while (strtod(shortest, NULL) != d && ++precision <= 17);
    const char *e = strchr(shortest, 'e');
    int exponent = atoi(e + 1), n = 0;
    for (const char *s = shortest; s < e; s++)
        if (*s >= '0' && *s <= '9')
            digits[n++] = *s;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    char *o = out;
    if (d < 0)
        *o++ = '-';
    int point = exponent + 1; /* decimal point stands behind so many digits */
    if (point > 21 || point < -5) {
        *o++ = digits[0];
        if (n > 1)
            *o++ = '.';
        for (int i = 1; i < n; i++)
            *o++ = digits[i];
        snprintf(o, 8, "e%+d", exponent);
        return;
    }
    if (point <= 0) {
        *o++ = '0';
        *o++ = '.';
        for (int i = point; i < 0; i++)
            *o++ = '0';
    }
    for (int i = 0; i < n || i < point; i++) {
        if (i == point && point > 0)
            *o++ = '.';
        *o++ = i < n ? digits[i] : '0';
    }
    *o = 0;
}

/* Whole numbers within 2^53-1, which is nearly all of them, have one spelling that a glance can tell. */
static bool plain_integer(const uint8_t *p, size_t n)
{
    bool negative = n > 0 && p[0] == '-';
    p += negative;
    n -= negative;
    static const char largest[] = "9007199254740991";
    if (n == 0 || n >= sizeof largest || (p[0] == '0' && (n > 1 || negative)) ||
        (n == sizeof largest - 1 && memcmp(p, largest, n) > 0))
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

static const char *number(reader *r)
{
    const uint8_t *from = r->p;
    while (r->p < r->end && *r->p != 0 && strchr("+-.0123456789eE", *r->p) != NULL)
        r->p++;
    size_t n = (size_t)(r->p - from);
    char text[40], canonical[40];
    if (plain_integer(from, n))
        return NULL;
    if (n == 0 || n >= sizeof text)
        return "no JSON value";
    memcpy(text, from, n);
    text[n] = 0;
    char *end;
    double d = strtod(text, &end);
    if (*end != 0 || !isfinite(d))
        return "no JSON number";
    if (d == 0)
        return strcmp(text, "0") == 0 ? NULL : "number is not canonical";
    print_number(d, canonical);
    return strcmp(text, canonical) == 0 ? NULL : "number is not canonical";
}

/* Escapes of names are decoded for the order; only control characters, quote and backslash have them here. */
static uint32_t unit(const uint8_t **at, uint32_t *second)
{
    const uint8_t *p = *at;
    uint32_t c = *p++;
    *second = 0;
    if (c == '\\') {
        static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
        const char *short_name = strchr(names, *p);
        if (*p == 'u') {
            c = (uint32_t)(p[3] - '0') * 16 + (uint32_t)(p[4] <= '9' ? p[4] - '0' : p[4] - 'a' + 10);
            p += 5;
        } else {
            c = short_name != NULL ? (uint8_t)values[short_name - names] : *p;
            p++;
        }
    } else if (c >= 0x80) {
        int more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        c &= 0x3fU >> more;
        while (more-- > 0)
            c = c << 6 | (*p++ & 0x3fU);
        if (c > 0xffff) {
            *second = 0xdc00 + ((c - 0x10000) & 0x3ff);
            c = 0xd800 + ((c - 0x10000) >> 10);
        }
    }
    *at = p;
    return c;
}

/* RFC 8785 3.2.3: by UTF-16 code units. */
static bool before(dx_bytes a, dx_bytes b)
{
    const uint8_t *p = a.data, *q = b.data;
    while (p < a.data + a.size && q < b.data + b.size) {
        uint32_t p2, q2, x = unit(&p, &p2), y = unit(&q, &q2);
        if (x != y)
            return x < y;
        if (p2 != q2)
            return p2 < q2;
    }
    return p == a.data + a.size && q < b.data + b.size;
}

static const char *object(reader *r, unsigned depth)
{
    dx_bytes last = {NULL, 0};
    r->p++;
    if (r->p < r->end && *r->p == '}') {
        r->p++;
        return NULL;
    }
    for (bool first = true;; first = false) {
        dx_bytes name;
        const char *bad;
        if (r->p >= r->end || *r->p != '"')
            return "no member name";
        if ((bad = string(r, &name)) != NULL)
            return bad;
        if (!first && !before(last, name))
            return "members are not in order, or one stands twice";
        last = name;
        if (r->p >= r->end || *r->p++ != ':')
            return "no colon behind a member name";
        const uint8_t *from = r->p;
        if ((bad = value(r, depth)) != NULL)
            return bad;
        if (depth == 1 && dx_bytes_is(name, "type") && *from == '"')
            *r->type = dx_bytes_of(from + 1, (size_t)(r->p - from) - 2);
        if (r->p >= r->end)
            return "text ends in an object";
        uint8_t c = *r->p++;
        if (c == '}')
            return NULL;
        if (c != ',')
            return "no comma between members";
    }
}

static const char *array(reader *r, unsigned depth)
{
    r->p++;
    if (r->p < r->end && *r->p == ']') {
        r->p++;
        return NULL;
    }
    for (;;) {
        const char *bad = value(r, depth);
        if (bad != NULL)
            return bad;
        if (r->p >= r->end)
            return "text ends in an array";
        uint8_t c = *r->p++;
        if (c == ']')
            return NULL;
        if (c != ',')
            return "no comma between elements";
    }
}

static const char *value(reader *r, unsigned depth)
{
    dx_bytes ignored;
    if (r->p >= r->end)
        return "text ends where a value belongs";
    switch (*r->p) {
    case '{':
        return depth < DEPTH_MAX ? object(r, depth + 1) : "nested too deep";
    case '[':
        return depth < DEPTH_MAX ? array(r, depth + 1) : "nested too deep";
    case '"':
        return string(r, &ignored);
    case 't':
        return literal(r, "true");
    case 'f':
        return literal(r, "false");
    case 'n':
        return literal(r, "null");
    default:
        return number(r);
    }
}

const char *leaf_canonical(dx_bytes text, dx_bytes *type)
{
    *type = (dx_bytes){NULL, 0};
    if (!dx_bytes_utf8_ok(text))
        return "is not UTF-8";
    reader r = {text.data, text.data + text.size, type};
    const char *bad = value(&r, 0);
    if (bad == NULL && r.p != r.end)
        bad = "bytes behind the value";
    return bad;
}
