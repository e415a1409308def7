#include "trust/base/json.h"

#include <inttypes.h>
#include <stdlib.h>

#define SAFE_INTEGER 9007199254740991LL /* 2^53-1: what every JSON reader keeps exact */

/* Depth and number kinds are told before jansson sees the text: it has no limit for the first that we can
 * set, and forgets how a number was written. Strings are skipped; their grammar is jansson's work. */
static DX_RC scan(dx_bytes text, const dx_json_limits *limits, dx_why *why)
{
    unsigned depth = 0, line = 1;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '\n')
            line++;
        if (c == '"') {
            for (i++; i < text.size && text.data[i] != '"'; i++)
                i += text.data[i] == '\\';
        } else if (c == '{' || c == '[') {
            unsigned max = limits->max_depth != 0 ? limits->max_depth : DX_JSON_MAX_DEPTH;
            if (++depth > max)
                return DX_FAIL(why, TOO_LARGE, "RFC 8259 9", "line %u: nested deeper than %u", line, max);
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        } else if (!limits->reals && (c == '-' || (c >= '0' && c <= '9'))) {
            for (; i + 1 < text.size && strchr("0123456789+-.eE", text.data[i + 1]) != NULL &&
                   text.data[i + 1] != 0;
                 i++)
                if (text.data[i + 1] == '.' || text.data[i + 1] == 'e' || text.data[i + 1] == 'E')
                    return DX_FAIL(why, MALFORMED, "RFC 8785 3.2.2.3",
                                   "line %u: only whole numbers are allowed", line);
        }
    }
    return DX_OKAY;
}

DX_RC dx_json_read(dx_bytes text, const dx_json_limits *limits, json_t **out, dx_why *why)
{
    *out = NULL;
    if (text.size > limits->max_bytes)
        return DX_FAIL(why, TOO_LARGE, "", "%zu bytes, the limit is %zu", text.size, limits->max_bytes);
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        return DX_FAIL(why, MALFORMED, "RFC 8259 8.1", "starts with a byte order mark");
    if (!dx_bytes_utf8_ok(text))
        return DX_FAIL(why, MALFORMED, "RFC 8259 8.1", "is not UTF-8");
    /* jansson 2.14 forgets a NUL that ends a number ("[1\0]"), so nothing behind may see one (RFC 8259 2). */
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL)
        return DX_FAIL(why, MALFORMED, "RFC 8259 2", "holds a NUL byte");
    DX_TRY(scan(text, limits, why));
    json_error_t error;
    json_t *tree = json_loadb((const char *)text.data, text.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (tree == NULL && json_error_code(&error) == json_error_duplicate_key)
        return DX_FAIL_ID(why, MALFORMED, DX_JSON_TWICE, "RFC 8259 4", "line %d column %d: %s", error.line,
                          error.column, error.text);
    if (tree == NULL)
        return DX_FAIL(why, MALFORMED, "RFC 8259", "line %d column %d: %s", error.line, error.column,
                       error.text);
    *out = tree;
    return DX_OKAY;
}

DX_RC dx_json_quote(dx_bytes utf8, dx_buf *out)
{
    DX_TRY(dx_buf_reserve(out, utf8.size + 2));
    DX_TRY(dx_buf_add_byte(out, '"'));
    size_t from = 0;
    for (size_t i = 0; i < utf8.size; i++) {
        uint8_t c = utf8.data[i];
        const char *escape = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
        char small[8];
        if (c < 0x20) {
            static const char letters[] = "btn\0fr"; /* U+0008 to U+000D, without U+000B */
            if (c >= 8 && c <= 13 && letters[c - 8] != 0)
                snprintf(small, sizeof small, "\\%c", letters[c - 8]);
            else
                snprintf(small, sizeof small, "\\u%04x", c);
            escape = small;
        }
        if (escape != NULL) {
            DX_TRY(dx_buf_add(out, dx_bytes_part(utf8, from, i - from)));
            DX_TRY(dx_buf_add_text(out, escape));
            from = i + 1;
        }
    }
    DX_TRY(dx_buf_add(out, dx_bytes_part(utf8, from, utf8.size - from)));
    return dx_buf_add_byte(out, '"');
}

/* RFC 8785 3.2.3 orders names by UTF-16 code units; that differs from UTF-8 order only where a name has both
 * characters beyond U+FFFF and some of U+E000 to U+FFFF. */
static uint32_t next_point(const uint8_t **at)
{
    const uint8_t *p = *at;
    uint32_t c = *p++;
    int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    c = more == 0 ? c : c & (0x3fU >> more);
    while (more-- > 0)
        c = c << 6 | (*p++ & 0x3fU);
    *at = p;
    return c;
}

static int compare_names(const void *a, const void *b)
{
    const uint8_t *x = *(const uint8_t *const *)a, *y = *(const uint8_t *const *)b;
    while (*x != 0 && *y != 0) {
        uint32_t cx = next_point(&x), cy = next_point(&y);
        if (cx != cy) {
            uint32_t ux = cx > 0xffff ? 0xd800 + ((cx - 0x10000) >> 10) : cx;
            uint32_t uy = cy > 0xffff ? 0xd800 + ((cy - 0x10000) >> 10) : cy;
            return ux != uy ? (ux < uy ? -1 : 1) : cx < cy ? -1 : 1;
        }
    }
    return *x != 0 ? 1 : *y != 0 ? -1 : 0;
}

static DX_RC canonical_object(const json_t *object, dx_buf *out)
{
    size_t count = json_object_size(object), n = 0;
    const char **names = calloc(count != 0 ? count : 1, sizeof *names);
    if (names == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) names[n++] = name;
    qsort(names, n, sizeof *names, compare_names);
    struct dx_rc rc = dx_buf_add_byte(out, '{');
    for (size_t i = 0; i < n && rc.code == DX_OK; i++) {
        if (i > 0)
            rc = dx_buf_add_byte(out, ',');
        if (rc.code == DX_OK)
            rc = dx_json_quote(dx_bytes_text(names[i]), out);
        if (rc.code == DX_OK)
            rc = dx_buf_add_byte(out, ':');
        if (rc.code == DX_OK)
            rc = dx_json_canonical(json_object_get(object, names[i]), out);
    }
    free(names);
    DX_TRY(rc);
    return dx_buf_add_byte(out, '}');
}

DX_RC dx_json_canonical(const json_t *value, dx_buf *out)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return canonical_object(value, out);
    case JSON_ARRAY:
        DX_TRY(dx_buf_add_byte(out, '['));
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i > 0)
                DX_TRY(dx_buf_add_byte(out, ','));
            DX_TRY(dx_json_canonical(json_array_get(value, i), out));
        }
        return dx_buf_add_byte(out, ']');
    case JSON_STRING:
        return dx_json_quote(dx_bytes_of(json_string_value(value), json_string_length(value)), out);
    case JSON_INTEGER:
        if (json_integer_value(value) > SAFE_INTEGER || json_integer_value(value) < -SAFE_INTEGER)
            return (struct dx_rc){DX_USAGE};
        return dx_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_TRUE:
        return dx_buf_add_text(out, "true");
    case JSON_FALSE:
        return dx_buf_add_text(out, "false");
    case JSON_NULL:
        return dx_buf_add_text(out, "null");
    case JSON_REAL:
        break;
    }
    return (struct dx_rc){DX_USAGE};
}

/* A cursor over text that jansson accepted, so the grammar can be taken for granted. */
typedef struct {
    dx_bytes text;
    size_t at;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->text.size && strchr(" \t\r\n", c->text.data[c->at]) != NULL && c->text.data[c->at] != 0)
        c->at++;
}

static void skip_string(cursor *c)
{
    for (c->at++; c->at < c->text.size && c->text.data[c->at] != '"'; c->at++)
        c->at += c->text.data[c->at] == '\\';
    c->at++;
}

static void skip_value(cursor *c)
{
    unsigned depth = 0;
    do {
        skip_space(c);
        if (c->at >= c->text.size)
            return;
        uint8_t b = c->text.data[c->at];
        if (b == '"') {
            skip_string(c);
        } else if (b == '{' || b == '[') {
            depth++;
            c->at++;
        } else if (b == '}' || b == ']') {
            depth--;
            c->at++;
        } else if (b == ',' || b == ':') {
            c->at++;
        } else {
            while (c->at < c->text.size && strchr(",]} \t\r\n", c->text.data[c->at]) == NULL)
                c->at++;
        }
    } while (depth > 0);
}

static bool name_is(dx_bytes quoted, const char *want, size_t want_size)
{
    json_t *name = json_loadb((const char *)quoted.data, quoted.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool same = name != NULL && json_string_length(name) == want_size &&
                memcmp(json_string_value(name), want, want_size) == 0;
    json_decref(name);
    return same;
}

#define STEP_BYTES 512

/* One reference token of a pointer that stands at its '/' (RFC 6901 3 and 4), unescaped. */
static size_t take_step(const char **pointer, char step[STEP_BYTES])
{
    const char *p = *pointer + 1;
    size_t n = 0;
    for (; *p != 0 && *p != '/' && n + 1 < STEP_BYTES; p++) {
        bool escaped = *p == '~' && (p[1] == '0' || p[1] == '1');
        step[n++] = escaped ? (p[1] == '0' ? '~' : '/') : *p;
        p += escaped;
    }
    step[n] = 0;
    *pointer = p;
    return n;
}

const json_t *dx_json_at(const json_t *root, const char *pointer)
{
    while (root != NULL && *pointer == '/') {
        char step[STEP_BYTES];
        uint64_t index;
        size_t n = take_step(&pointer, step);
        if (json_is_array(root))
            root = dx_bytes_u64(dx_bytes_of(step, n), SIZE_MAX, &index) ? json_array_get(root, (size_t)index)
                                                                        : NULL;
        else
            root = json_object_get(root, step);
    }
    return *pointer == 0 ? root : NULL;
}

bool dx_json_position(dx_bytes text, const char *pointer, bool name, unsigned *line, unsigned *column)
{
    cursor c = {text, 0};
    size_t name_at = 0;
    skip_space(&c);
    while (*pointer == '/') {
        char step[STEP_BYTES];
        size_t n = take_step(&pointer, step);
        if (c.at >= text.size || (text.data[c.at] != '{' && text.data[c.at] != '['))
            return false;
        bool object = text.data[c.at++] == '{', found = false;
        unsigned long index = strtoul(step, NULL, 10);
        for (unsigned long i = 0;; i++) {
            skip_space(&c);
            if (c.at >= text.size || text.data[c.at] == '}' || text.data[c.at] == ']')
                break;
            if (text.data[c.at] == ',') {
                c.at++;
                skip_space(&c);
            }
            name_at = c.at;
            if (object) {
                size_t from = c.at;
                skip_string(&c);
                found = name_is(dx_bytes_part(text, from, c.at - from), step, n);
                skip_space(&c);
                c.at++; /* the colon */
                skip_space(&c);
            } else {
                found = i == index;
            }
            if (found)
                break;
            skip_value(&c);
        }
        if (!found)
            return false;
    }
    size_t at = name ? name_at : c.at;
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && i < text.size; i++) {
        *column = text.data[i] == '\n' ? 1 : *column + 1;
        *line += text.data[i] == '\n';
    }
    return true;
}
