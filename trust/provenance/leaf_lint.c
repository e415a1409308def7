#include "trust/provenance/leaf_lint.h"

#include "trust/provenance/leaf_canonical.h"
#include "trust/provenance/leaf_require.h"
#include "trust/provenance/leaf_value.h"
#include "trust/provenance/pv_check.h"

#include <stdarg.h>
#include <stdio.h>

/* The text is known to be canonical here, so grammar can be taken for granted. */
typedef struct {
    const uint8_t *p;
    prov_finding *finding;
    prov_finding forbidden; /* first PV-103: it counts only when nothing else is wrong */
} walk;

static void skip(walk *w)
{
    unsigned depth = 0;
    do {
        uint8_t c = *w->p;
        if (c == '"') {
            for (w->p++; *w->p != '"'; w->p++)
                w->p += *w->p == '\\';
            w->p++;
        } else if (c == '{' || c == '[') {
            depth++;
            w->p++;
        } else if (c == '}' || c == ']') {
            depth--;
            w->p++;
        } else if (c == ',' || c == ':') {
            w->p++;
        } else {
            while (strchr(",]}", *w->p) == NULL)
                w->p++;
        }
    } while (depth > 0);
}

static dx_bytes span(walk *w)
{
    const uint8_t *from = w->p;
    skip(w);
    return dx_bytes_of(from, (size_t)(w->p - from));
}

/* Decodes escapes; text without them is used where it stands. */
static dx_bytes decoded(dx_bytes raw, uint8_t *to)
{
    if (memchr(raw.data, '\\', raw.size) == NULL)
        return raw;
    size_t n = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t c = raw.data[i];
        if (c == '\\') {
            c = raw.data[++i];
            if (c == 'u') {
                c = (uint8_t)((raw.data[i + 3] - '0') * 16 +
                              (raw.data[i + 4] <= '9' ? raw.data[i + 4] - '0' : raw.data[i + 4] - 'a' + 10));
                i += 4;
            } else if (c != '"' && c != '\\') {
                c = 1; /* some control character: refused all the same */
            }
        }
        to[n++] = c;
    }
    return dx_bytes_of(to, n);
}

static bool bad(walk *w, const leaf_node *node, const char *what)
{
    char path[128] = "";
    size_t at = sizeof path - 1;
    for (; node != NULL && node->name != NULL && at > node->name_size + 1; node = node->parent) {
        at -= node->name_size;
        memcpy(path + at, node->name, node->name_size);
        if (node->parent != NULL && node->parent->name != NULL)
            path[--at] = '.';
    }
    return prov_no(w->finding, "PV-102", "%s %s", path + at, what);
}

/* Room for decoded text. Hardened builds zero what is on the stack: 64 KiB per value would cost more than the
 * lint. */
static _Thread_local uint8_t room[LEAF_MAX_BYTES];

static bool scalar(walk *w, const leaf_node *node, dx_bytes raw)
{
    const char *wrong;
    if (raw.data[0] == '"') {
        dx_bytes text = decoded(dx_bytes_part(raw, 1, raw.size - 2), room);
        if ((wrong = leaf_value_text(node, text)) != NULL)
            return bad(w, node, wrong);
        if (w->forbidden.id[0] == 0 && (wrong = leaf_value_forbidden(node->kind, text)) != NULL)
            prov_no(&w->forbidden, "PV-103", "%s %s", node->name, wrong);
        return true;
    }
    if (raw.data[0] == 't' || raw.data[0] == 'f')
        return node->kind == LEAF_BOOL || bad(w, node, "is true or false");
    if (raw.data[0] == 'n' || raw.data[0] == '{' || raw.data[0] == '[')
        return bad(w, node, "is null, an object or an array");
    bool negative = raw.data[0] == '-';
    uint64_t n;
    if (!dx_bytes_u64(dx_bytes_part(raw, negative, raw.size), LEAF_SAFE_INT, &n))
        return bad(w, node, "is no integer in range");
    if ((wrong = leaf_value_number(node, negative ? -(int64_t)n : (int64_t)n)) != NULL)
        return bad(w, node, wrong);
    return true;
}

static bool pairs(walk *w, const leaf_node *node, dx_bytes raw)
{
    size_t at = 0;
    dx_bytes name;
    uint64_t n;
    if (raw.data[0] != '{' || raw.size == 2)
        return bad(w, node, "is no map of counters");
    while (leaf_view_next_pair(raw, &at, &name, &n)) {
        const char *wrong;
        if (!leaf_value_pair(name) || n == 0)
            return bad(w, node, "has a name or value that is no counter");
        if (w->forbidden.id[0] == 0 && (wrong = leaf_value_forbidden(LEAF_WORD, name)) != NULL)
            prov_no(&w->forbidden, "PV-103", "log.n %s", wrong);
    }
    return at == raw.size - 1 || bad(w, node, "has a value that is no counter");
}

static bool members(walk *w, const leaf_node *node, dx_bytes *values);

static bool element(walk *w, const leaf_node *node, dx_bytes *values)
{
    if (node->kind == LEAF_OBJECT)
        return members(w, node, values);
    dx_bytes raw = span(w);
    return node->kind == LEAF_PAIRS ? pairs(w, node, raw) : scalar(w, node, raw);
}

static bool array(walk *w, const leaf_node *node)
{
    unsigned count = 0;
    if (*w->p != '[')
        return bad(w, node, "is no array");
    w->p++;
    while (*w->p != ']') {
        dx_bytes values[LEAF_SLOTS_MAX];
        if (node->kind == LEAF_OBJECT)
            memset(values, 0, node->slots * sizeof *values);
        if (++count > node->max)
            return bad(w, node, "has too many elements");
        if (!element(w, node, values))
            return false;
        const char *missing = node->kind == LEAF_OBJECT ? leaf_require_element(node, values) : NULL;
        if (missing != NULL)
            return bad(w, node, missing);
        if (*w->p == ',')
            w->p++;
    }
    w->p++;
    return count > 0 || bad(w, node, "is empty: absent means not applicable");
}

static bool members(walk *w, const leaf_node *node, dx_bytes *values)
{
    if (*w->p != '{')
        return bad(w, node, "is no object");
    w->p++;
    if (*w->p == '}')
        return bad(w, node, "is empty: absent means not applicable");
    while (*w->p != '}') {
        dx_bytes quoted = span(w), name = dx_bytes_part(quoted, 1, quoted.size - 2);
        const leaf_node *child = leaf_schema_child(node, name);
        if (child == NULL)
            return prov_no(w->finding, "PV-102", "unknown member %.*s", name.size > 64 ? 64 : (int)name.size,
                           (const char *)name.data);
        w->p++;
        const uint8_t *from = w->p;
        if (!(child->max > 0 ? array(w, child) : element(w, child, values)))
            return false;
        dx_bytes raw = dx_bytes_of(from, (size_t)(w->p - from));
        values[child->slot] = raw.data[0] == '"' ? dx_bytes_part(raw, 1, raw.size - 2) : raw;
        if (*w->p == ',')
            w->p++;
    }
    w->p++;
    return true;
}

bool leaf_lint(dx_bytes leaf, leaf_view *view, prov_finding *finding)
{
    leaf_view local;
    dx_bytes type;
    if (view == NULL)
        view = &local;
    memset(finding, 0, sizeof *finding);
    memset(view, 0, sizeof *view);
    if (leaf.size == 0 || leaf.size > LEAF_MAX_BYTES)
        return prov_no(finding, "PV-102", "leaf of %zu bytes, 1 to 65535 allowed", leaf.size);
    const char *wrong = leaf_canonical(leaf, &type);
    if (wrong != NULL)
        return prov_no(finding, "PV-101", "not the RFC 8785 form: %s", wrong);
    if (leaf.data[0] != '{')
        return prov_no(finding, "PV-102", "not an object");
    if (!leaf_schema_type(type, &view->type))
        return prov_no(finding, "PV-102", "type is no leaf type");
    walk w = {leaf.data, finding, {0}};
    if (!members(&w, leaf_schema_root(view->type), view->values) || !leaf_require(view, finding))
        return false;
    if (w.forbidden.id[0] != 0) {
        *finding = w.forbidden;
        return false;
    }
    finding->ok = true;
    return true;
}

dx_bytes leaf_view_get(const leaf_view *view, const char *path)
{
    const leaf_node *node = leaf_schema_find(view->type, path);
    return node == NULL || node->owner != NULL ? (dx_bytes){NULL, 0} : view->values[node->slot];
}

bool leaf_view_is(const leaf_view *view, const char *path, const char *text)
{
    return dx_bytes_is(leaf_view_get(view, path), text);
}

uint64_t leaf_view_u64(const leaf_view *view, const char *path)
{
    uint64_t n = 0;
    return dx_bytes_u64(leaf_view_get(view, path), LEAF_SAFE_INT, &n) ? n : 0;
}

bool leaf_view_next(dx_bytes array_text, size_t *at, dx_bytes *text)
{
    if (*at == 0)
        *at = 1;
    if (*at >= array_text.size || array_text.data[*at] != '"')
        return false;
    size_t from = ++*at;
    while (array_text.data[*at] != '"')
        *at += 1 + (array_text.data[*at] == '\\');
    *text = dx_bytes_part(array_text, from, *at - from);
    *at += 2; /* the quote, and a comma or bracket */
    return true;
}

bool leaf_view_next_pair(dx_bytes object, size_t *at, dx_bytes *name, uint64_t *n)
{
    size_t i = *at == 0 ? 1 : *at;
    if (i >= object.size || object.data[i] != '"')
        return false;
    size_t from = ++i;
    while (object.data[i] != '"')
        i += 1 + (object.data[i] == '\\');
    *name = dx_bytes_part(object, from, i - from);
    from = i += 2;
    while (i < object.size && object.data[i] != ',' && object.data[i] != '}')
        i++;
    if (!dx_bytes_u64(dx_bytes_part(object, from, i - from), LEAF_SAFE_INT, n))
        return false;
    *at = i + (object.data[i] == ',');
    return true;
}
