#include "trust/provenance/record.h"

#include "trust/base/json.h"

#include <stdio.h>

typedef enum { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER, VALUE_BOOL, VALUE_LIST, VALUE_INNER } value_kind;

typedef struct element element;

typedef struct {
    value_kind kind;
    unsigned count; /* elements of a list */
    dx_bytes text;
    int64_t number;
    element *first, *last;
} value;

struct element {
    element *next;
    dx_bytes text;
    value *slots; /* of an object */
};

struct prov_record {
    dx_arena *arena;
    prov_type type;
    value *slots;
    record_commitment *commitments;
    const char *fault;
};

prov_record *prov_record_new(dx_arena *arena, prov_type type)
{
    prov_record *record = DX_ARENA_NEW(arena, prov_record);
    if (record == NULL)
        return NULL;
    record->arena = arena;
    record->type = type;
    record->slots = DX_ARENA_ARRAY(arena, value, leaf_schema_root(type)->slots);
    if (record->slots == NULL)
        return NULL;
    prov_set_str(record, "type", leaf_schema_type_text(type));
    prov_set_int(record, "v", 1);
    return record;
}

prov_type record_type(const prov_record *record)
{
    return record->type;
}

record_commitment *record_commitments(const prov_record *record)
{
    return record->commitments;
}

const char *record_fault(const prov_record *record)
{
    return record->fault;
}

static void *fault(prov_record *record, const char *path)
{
    if (record->fault == NULL)
        record->fault = path;
    return NULL;
}

/* The slot of a member, with the objects around it marked as present. NULL: no such member, or its array has
 * no element. */
static value *slot_of(prov_record *record, const char *path, const leaf_node **node)
{
    *node = leaf_schema_find(record->type, path);
    if (*node == NULL)
        return fault(record, path);
    value *slots = record->slots;
    if ((*node)->owner != NULL) {
        element *last = record->slots[(*node)->owner->slot].last;
        if (last == NULL)
            return fault(record, path);
        slots = last->slots;
    }
    for (const leaf_node *up = (*node)->parent; up != NULL && up != (*node)->owner && up->name != NULL;
         up = up->parent)
        slots[up->slot].kind = VALUE_INNER;
    return &slots[(*node)->slot];
}

static value *scalar(prov_record *record, const char *path, value_kind kind)
{
    const leaf_node *node;
    value *v = slot_of(record, path, &node);
    if (v == NULL)
        return NULL;
    if (node->max != 0 || node->kind == LEAF_OBJECT)
        return fault(record, path);
    v->kind = kind;
    return v;
}

void prov_set_text(prov_record *record, const char *path, dx_bytes text)
{
    if (record == NULL || text.size == 0)
        return;
    value *v = scalar(record, path, VALUE_TEXT);
    if (v == NULL)
        return;
    v->text = dx_arena_bytes(record->arena, text);
    if (v->text.data == NULL)
        fault(record, path);
}

void prov_set_str(prov_record *record, const char *path, const char *text)
{
    prov_set_text(record, path, dx_bytes_text(text));
}

void prov_set_int(prov_record *record, const char *path, int64_t number)
{
    value *v = record == NULL ? NULL : scalar(record, path, VALUE_NUMBER);
    if (v != NULL)
        v->number = number;
}

void prov_set_bool(prov_record *record, const char *path, bool yes)
{
    value *v = record == NULL ? NULL : scalar(record, path, VALUE_BOOL);
    if (v != NULL)
        v->number = yes;
}

void prov_set_time(prov_record *record, const char *path, int64_t unix_us)
{
    char text[DX_TIME_SIZE];
    dx_time_print_us(unix_us, text);
    prov_set_str(record, path, text);
}

void prov_set_time_s(prov_record *record, const char *path, int64_t unix_s)
{
    char text[DX_TIME_SIZE];
    dx_time_print(unix_s, text);
    prov_set_str(record, path, text);
}

void prov_set_sha256(prov_record *record, const char *path, const uint8_t sha256[32])
{
    char text[DX_BASE64URL_SIZE(32)];
    dx_base64url(dx_bytes_of(sha256, 32), text);
    prov_set_str(record, path, text);
}

static element *grow(prov_record *record, const char *path, bool objects, const leaf_node **node)
{
    value *v = slot_of(record, path, node);
    if (v == NULL)
        return NULL;
    if ((*node)->max == 0 || ((*node)->kind == LEAF_OBJECT) != objects)
        return fault(record, path);
    element *e = DX_ARENA_NEW(record->arena, element);
    if (e == NULL)
        return fault(record, path);
    v->kind = VALUE_LIST;
    v->count++;
    *(v->last == NULL ? &v->first : &v->last->next) = e;
    v->last = e;
    return e;
}

void prov_add_text(prov_record *record, const char *path, dx_bytes text)
{
    const leaf_node *node;
    if (record == NULL || text.size == 0)
        return;
    value *v = slot_of(record, path, &node);
    if (v == NULL)
        return;
    /* Arrays of words and countries are sets: a peer that says its purpose twice counts once
     * (provenance.md 6.4). */
    for (const element *e = node->kind == LEAF_INT ? NULL : v->first; e != NULL; e = e->next)
        if (dx_bytes_equal(e->text, text))
            return;
    element *e = grow(record, path, false, &node);
    if (e == NULL)
        return;
    e->text = dx_arena_bytes(record->arena, text);
    if (e->text.data == NULL)
        fault(record, path);
}

void prov_add_str(prov_record *record, const char *path, const char *text)
{
    prov_add_text(record, path, dx_bytes_text(text));
}

void prov_add_int(prov_record *record, const char *path, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    prov_add_str(record, path, text);
}

void prov_add_object(prov_record *record, const char *path)
{
    const leaf_node *node;
    element *e = record == NULL ? NULL : grow(record, path, true, &node);
    if (e == NULL)
        return;
    e->slots = DX_ARENA_ARRAY(record->arena, value, node->slots);
    if (e->slots == NULL)
        fault(record, path);
}

void prov_commit(prov_record *record, const char *path, const uint8_t inner_sha256[32])
{
    const leaf_node *node = record == NULL ? NULL : leaf_schema_find(record->type, path);
    if (record == NULL)
        return;
    record_commitment *made = DX_ARENA_NEW(record->arena, record_commitment);
    if (node == NULL || node->kind != LEAF_COMMIT || made == NULL) {
        fault(record, path);
        return;
    }
    made->path = dx_arena_text(record->arena, dx_bytes_text(path));
    memcpy(made->inner, inner_sha256, 32);
    if (made->path == NULL) {
        fault(record, path);
        return;
    }
    record_commitment **at = &record->commitments;
    while (*at != NULL && strcmp((*at)->path, path) < 0)
        at = &(*at)->next;
    if (*at != NULL && strcmp((*at)->path, path) == 0) { /* set again: the newer word counts */
        made->next = (*at)->next;
        *at = made;
        return;
    }
    made->next = *at;
    *at = made;
}

bool record_has(const prov_record *record, const char *path)
{
    const leaf_node *node = leaf_schema_find(record->type, path);
    return node != NULL && node->owner == NULL && record->slots[node->slot].kind != VALUE_NONE;
}

dx_bytes record_text(const prov_record *record, const char *path)
{
    const leaf_node *node = leaf_schema_find(record->type, path);
    if (node == NULL || node->owner != NULL)
        return (dx_bytes){NULL, 0};
    const value *v = &record->slots[node->slot];
    return v->kind == VALUE_LIST && v->first != NULL ? v->first->text
           : v->kind == VALUE_TEXT                   ? v->text
                                                     : (dx_bytes){NULL, 0};
}

static DX_RC put_number(dx_buf *out, int64_t number)
{
    uint8_t digits[24];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        digits[--at] = (uint8_t)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        digits[--at] = '-';
    return dx_buf_add(out, dx_bytes_of(digits + at, sizeof digits - at));
}

/* Text without anything to escape, the common case, is copied whole. */
static DX_RC put_text(dx_buf *out, dx_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 || text.data[i] == '"' || text.data[i] == '\\')
            return dx_json_quote(text, out);
    DX_TRY(dx_buf_reserve(out, text.size + 2));
    out->data[out->size] = '"';
    memcpy(out->data + out->size + 1, text.data, text.size);
    out->data[out->size + 1 + text.size] = '"';
    out->size += text.size + 2;
    return DX_OKAY;
}

static DX_RC render(const leaf_node *node, const value *slots, dx_buf **out, dx_buf *tail);

static DX_RC render_list(const leaf_node *node, const value *v, dx_buf **out)
{
    DX_TRY(dx_buf_add_byte(*out, '['));
    for (const element *e = v->first; e != NULL; e = e->next) {
        if (e != v->first)
            DX_TRY(dx_buf_add_byte(*out, ','));
        if (node->kind == LEAF_OBJECT)
            DX_TRY(render(node, e->slots, out, NULL));
        else if (node->kind == LEAF_INT)
            DX_TRY(dx_buf_add(*out, e->text));
        else
            DX_TRY(put_text(*out, e->text));
    }
    return dx_buf_add_byte(*out, ']');
}

static DX_RC render_value(const leaf_node *node, const value *v, const value *slots, dx_buf **out)
{
    switch (v->kind) {
    case VALUE_TEXT:
        return put_text(*out, v->text);
    case VALUE_NUMBER:
        return put_number(*out, v->number);
    case VALUE_BOOL:
        return dx_buf_add_text(*out, v->number ? "true" : "false");
    case VALUE_LIST:
        return render_list(node, v, out);
    case VALUE_INNER:
        return render(node, slots, out, NULL);
    case VALUE_NONE:
        break;
    }
    return (struct dx_rc){DX_INTERNAL};
}

/* With `tail`, what follows the place of the member log goes there. */
static DX_RC render(const leaf_node *node, const value *slots, dx_buf **out, dx_buf *tail)
{
    bool first = true;
    DX_TRY(dx_buf_add_byte(*out, '{'));
    for (unsigned i = 0; i < node->child_count; i++) {
        const leaf_node *child = node->children[i];
        const value *v = &slots[child->slot];
        if (tail != NULL && strcmp(child->name, "log") == 0) {
            if (!first)
                DX_TRY(dx_buf_add_byte(*out, ','));
            *out = tail;
            first = false;
            continue;
        }
        if (v->kind == VALUE_NONE)
            continue;
        DX_TRY(dx_buf_reserve(*out, child->name_size + 4));
        uint8_t *p = (*out)->data + (*out)->size;
        if (!first)
            *p++ = ',';
        first = false;
        *p++ = '"';
        memcpy(p, child->name, child->name_size);
        p += child->name_size;
        *p++ = '"';
        *p++ = ':';
        (*out)->size = (size_t)(p - (*out)->data);
        DX_TRY(render_value(child, v, slots, out));
    }
    return dx_buf_add_byte(*out, '}');
}

DX_RC record_render(const prov_record *record, dx_buf *head, dx_buf *tail)
{
    dx_buf *out = head;
    return render(leaf_schema_root(record->type), record->slots, &out, tail);
}

static DX_RC count_pair(const prov_record *record, bool denied, dx_bytes from, dx_bytes to, dx_buf *names)
{
    DX_TRY(dx_buf_addf(names, "%s" DX_TEXT_FMT ">" DX_TEXT_FMT "\n", denied ? "!" : "", DX_TEXT_ARG(from),
                       DX_TEXT_ARG(to)));
    if (denied)
        return DX_OKAY;
    const leaf_node *node = leaf_schema_find(record->type, "purpose.ids");
    for (const element *e = record->slots[node->slot].first; e != NULL; e = e->next)
        DX_TRY(dx_buf_addf(names, DX_TEXT_FMT ">" DX_TEXT_FMT "/" DX_TEXT_FMT "\n", DX_TEXT_ARG(from),
                           DX_TEXT_ARG(to), DX_TEXT_ARG(e->text)));
    return DX_OKAY;
}

static dx_bytes country_or_zz(dx_bytes country)
{
    return country.size > 0 ? country : DX_BYTES("ZZ");
}

DX_RC record_counters(const prov_record *record, dx_buf *names)
{
    if (record->type != PROV_EXCHANGE || dx_bytes_is(record_text(record, "phase"), "end"))
        return DX_OKAY;
    bool denied = dx_bytes_is(record_text(record, "outcome.state"), "denied");
    dx_bytes from = country_or_zz(record_text(record, "exporter.country"));
    dx_bytes importer = country_or_zz(record_text(record, "importer.country"));
    DX_TRY(count_pair(record, denied, from, importer, names));
    const leaf_node *node = leaf_schema_find(record->type, "destination");
    for (const element *e = record->slots[node->slot].first; e != NULL; e = e->next) {
        bool again = dx_bytes_equal(e->text, importer);
        for (const element *d = record->slots[node->slot].first; d != e; d = d->next)
            again = again || dx_bytes_equal(d->text, e->text);
        if (!again)
            DX_TRY(count_pair(record, denied, from, e->text, names));
    }
    return DX_OKAY;
}
