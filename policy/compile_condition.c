#include "policy/compile.h"

#include <stdio.h>

dx_bytes compile_text(compiler *c, const json_t *value)
{
    dx_bytes view = json_view(value);
    char *copy = view.size == 0 ? NULL : dx_arena_text(&c->p->arena, view);
    c->failed = c->failed || (view.size > 0 && copy == NULL);
    return dx_bytes_of(copy, copy == NULL ? 0 : view.size);
}

const char *compile_c_text(compiler *c, const json_t *value)
{
    return (const char *)compile_text(c, value).data;
}

int64_t compile_time_s(const json_t *value)
{
    int64_t us = 0;
    return dx_time_parse(json_view(value), true, &us) ? us / 1000000 : 0;
}

/* ---- sets ---- */

typedef struct {
    dx_bytes *items;
    size_t count, room;
} growing;

static void grow(compiler *c, growing *set, dx_bytes text)
{
    if (set->count == set->room) {
        size_t room = set->room == 0 ? 8 : set->room * 2;
        dx_bytes *more = DX_ARENA_ARRAY(&c->b->arena, dx_bytes, room);
        if (more == NULL) {
            c->failed = true;
            return;
        }
        if (set->count > 0)
            memcpy(more, set->items, set->count * sizeof *more);
        set->items = more;
        set->room = room;
    }
    set->items[set->count++] = text;
}

/* A broader term stands for its narrower ones too; vocab may hold a circle, so what is there already ends the
 * walk. */
static void grow_term(compiler *c, growing *set, dx_bytes term)
{
    for (size_t i = 0; i < set->count; i++)
        if (dx_bytes_equal(set->items[i], term))
            return;
    grow(c, set, term);
    for (const term_list *n = text_map_get(&c->b->narrower, term); n != NULL && !c->failed; n = n->next)
        grow_term(c, set, n->term);
}

text_set compile_set(compiler *c, policy_attribute as, const json_t *list, bool expand)
{
    const policy_attribute_row *row = &policy_attributes[as];
    bool territory = row->type == TYPE_TERR || row->type == TYPE_TERRS;
    growing set = {0};
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        char number[24];
        if (json_is_integer(item)) {
            snprintf(number, sizeof number, "%lld", (long long)json_integer_value(item));
            grow(c, &set, dx_bytes_text(dx_arena_printf(&c->b->arena, "%s", number)));
            continue;
        }
        dx_bytes value = policy_value_fold(&c->b->arena, as, json_view(item));
        text_set group = territory ? bundle_group(c->b, value) : (text_set){NULL, 0};
        for (size_t k = 0; k < group.count; k++)
            grow(c, &set, group.items[k]);
        if (group.count > 0)
            continue;
        if ((row->flags & TERM) != 0 && expand)
            grow_term(c, &set, value);
        else
            grow(c, &set, value);
    }
    size_t count = text_set_sort(set.items, set.count);
    dx_bytes *items = DX_ARENA_ARRAY(&c->p->arena, dx_bytes, count + 1);
    c->failed = c->failed || items == NULL;
    for (size_t k = 0; k < count && items != NULL; k++) {
        char *copy = dx_arena_text(&c->p->arena, set.items[k]);
        c->failed = c->failed || copy == NULL;
        items[k] = dx_bytes_of(copy, copy == NULL ? 0 : set.items[k].size);
    }
    return (text_set){items, items == NULL ? 0 : count};
}

/* ---- leaves ---- */

static int clock_seconds(const json_t *text)
{
    const char *t = json_string_value(text);
    return (((t[0] - '0') * 10 + t[1] - '0') * 60 + (t[3] - '0') * 10 + t[4] - '0') * 60;
}

static void compile_within(condition *leaf, const json_t *value)
{
    static const char *const week[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
    json_t *daily = json_object_get(value, "daily"), *day;
    size_t i;
    (void)shape_zone(json_view(json_object_get(value, "tz")), &leaf->within.offset_s);
    leaf->within.from_s = daily == NULL ? -1 : clock_seconds(json_array_get(daily, 0));
    leaf->within.to_s = daily == NULL ? -1 : clock_seconds(json_array_get(daily, 1));
    json_array_foreach(json_object_get(value, "days"), i, day)
    {
        leaf->within.days |= 1U << (oblige_word(week, json_view(day)) - 1);
    }
}

static policy_level level_of(const json_t *value)
{
    return (policy_level){(uint8_t)json_integer_value(json_object_get(value, "l")),
                          (uint8_t)json_integer_value(json_object_get(value, "s")),
                          (uint8_t)json_integer_value(json_object_get(value, "t")),
                          (uint8_t)json_integer_value(json_object_get(value, "r"))};
}

static const char *written(compiler *c, const json_t *value)
{
    dx_buf buf;
    dx_buf_init(&buf, 4 * 1024 * 1024);
    char *text = NULL;
    if (dx_json_canonical(value, &buf).code == DX_OK)
        text = dx_arena_text(&c->p->arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    c->failed = c->failed || text == NULL;
    return text;
}

static void compile_leaf(compiler *c, condition *leaf, const json_t *json)
{
    json_t *value = json_object_get(json, "value");
    policy_attribute a = policy_attribute_find(json_view(json_object_get(json, "attr")));
    condition_op op = condition_op_find(json_view(json_object_get(json, "op")));
    policy_type type = policy_attributes[a].type;
    leaf->kind = NODE_LEAF;
    leaf->op = (uint8_t)op;
    leaf->attr = (int16_t)a;
    leaf->want = written(c, value);
    if (json_is_object(value) && json_object_get(value, "attr") != NULL) {
        leaf->other = (int16_t)policy_attribute_find(json_view(json_object_get(value, "attr")));
    } else if (op == OP_EXISTS || type == TYPE_BOOL) {
        leaf->flag = json_is_true(value);
    } else if (op == OP_WITHIN) {
        compile_within(leaf, value);
    } else if (json_is_array(value)) {
        leaf->set = compile_set(c, a, value, op != OP_CONTAINS_ALL);
    } else if (type == TYPE_INT) {
        leaf->number = json_integer_value(value);
    } else if (type == TYPE_TIME) {
        leaf->number = compile_time_s(value) * 1000000;
    } else if (type == TYPE_LEVEL) {
        leaf->level = level_of(value);
    } else {
        dx_bytes folded = policy_value_fold(&c->b->arena, a, json_view(value));
        char *copy = dx_arena_text(&c->p->arena, folded);
        c->failed = c->failed || copy == NULL;
        leaf->text = dx_bytes_of(copy, copy == NULL ? 0 : folded.size);
    }
}

static void compile_into(compiler *c, condition *out, const json_t *json)
{
    *out = (condition){.attr = -1, .other = -1, .law = compile_c_text(c, json_object_get(json, "law"))};
    for (unsigned g = 0; condition_group_names[g] != NULL; g++) {
        json_t *list = json_object_get(json, condition_group_names[g]), *item;
        if (list == NULL)
            continue;
        size_t i, count = json_array_size(list);
        condition *members = DX_ARENA_ARRAY(&c->p->arena, condition, count + 1);
        out->kind = (uint8_t)g;
        out->count = (uint32_t)count;
        out->members = members;
        if (members == NULL) {
            c->failed = true;
            out->count = 0;
            return;
        }
        json_array_foreach(list, i, item)
        {
            compile_into(c, &members[i], item);
        }
        return;
    }
    compile_leaf(c, out, json);
}

const condition *compile_condition(compiler *c, const json_t *value)
{
    condition *root = DX_ARENA_NEW(&c->p->arena, condition);
    if (root == NULL) {
        c->failed = true;
        return NULL;
    }
    compile_into(c, root, value);
    return root;
}

/* ---- obligations ---- */

static unsigned mask_of(const char *const *words, const json_t *list)
{
    size_t i;
    json_t *item;
    unsigned mask = 0;
    json_array_foreach(list, i, item)
    {
        mask |= 1U << (oblige_word(words, json_view(item)) - 1);
    }
    return mask;
}

static oblige_duration duration_of(compiler *c, const json_t *value)
{
    policy_duration d;
    oblige_duration out = {.text = compile_text(c, value)};
    if (out.text.size > 0 && policy_duration_parse(out.text, &d))
        out.length_s = policy_duration_length_s(d);
    return out;
}

static unsigned word_of(const char *const *words, const json_t *value)
{
    return value == NULL ? 0 : oblige_word(words, json_view(value));
}

static void oblige_seal(const json_t *v, obligations *o)
{
    json_t *min = json_object_get(v, "min"), *formats = json_object_get(v, "formats");
    o->seal.min_set = min != NULL;
    if (min != NULL)
        o->seal.min = level_of(min);
    o->seal.formats_set = formats != NULL;
    o->seal.formats = mask_of(oblige_formats, formats);
    o->seal.level = word_of(oblige_seal_levels, json_object_get(v, "level"));
    o->seal.device = word_of(oblige_devices, json_object_get(v, "require_device"));
    o->seal.on_failure = word_of(oblige_seal_failures, json_object_get(v, "on_failure"));
}

static void oblige_timestamp(compiler *c, const json_t *v, obligations *o)
{
    json_t *accept = json_object_get(v, "accept");
    o->timestamp.mode = word_of(oblige_stamp_modes, json_object_get(v, "mode"));
    o->timestamp.accept_set = accept != NULL;
    o->timestamp.accept = mask_of(oblige_accepts, accept);
    o->timestamp.min = json_integer_value(json_object_get(v, "min"));
    o->timestamp.max_delay = duration_of(c, json_object_get(v, "max_delay"));
    o->timestamp.on_failure = word_of(oblige_stamp_failures, json_object_get(v, "on_failure"));
}

static text_set pointers_of(compiler *c, const json_t *list)
{
    return compile_set(c, POLICY_BODY_POINTERS, list, false);
}

static void oblige_headers(compiler *c, json_t *map, obligations *o)
{
    oblige_header *items = DX_ARENA_ARRAY(&c->p->arena, oblige_header, json_object_size(map) + 1);
    const char *name;
    json_t *value;
    size_t n = 0;
    if (items == NULL) {
        c->failed = true;
        return;
    }
    json_object_foreach(map, name, value)
    {
        char *copy = dx_arena_text(&c->p->arena, dx_bytes_text(name));
        c->failed = c->failed || copy == NULL;
        items[n++] = (oblige_header){dx_bytes_text(copy), compile_text(c, value)};
    }
    obligations source = {.set = 1U << OBLIGE_RESPONSE_HEADERS, .headers = {items, n}};
    c->failed = !oblige_merge_one(o, &source, OBLIGE_RESPONSE_HEADERS, &c->p->arena) || c->failed;
}

static void oblige_notify(compiler *c, const json_t *list, obligations *o)
{
    oblige_notice *items = DX_ARENA_ARRAY(&c->p->arena, oblige_notice, json_array_size(list) + 1);
    size_t i;
    json_t *item;
    if (items == NULL) {
        c->failed = true;
        return;
    }
    json_array_foreach(list, i, item)
    {
        items[i] = (oblige_notice){compile_text(c, json_object_get(item, "to")),
                                   mask_of(oblige_notify_on, json_object_get(item, "on"))};
    }
    obligations source = {.set = 1U << OBLIGE_NOTIFY, .notify = {items, json_array_size(list)}};
    c->failed = !oblige_merge_one(o, &source, OBLIGE_NOTIFY, &c->p->arena) || c->failed;
}

static void oblige_redact(compiler *c, const json_t *v, obligations *o)
{
    json_t *keep = json_object_get(v, "keep_only");
    o->redact.keep_set = keep != NULL;
    o->redact.keep_dataset = json_is_string(keep);
    if (json_is_array(keep))
        o->redact.keep = pointers_of(c, keep);
    o->redact.drop = pointers_of(c, json_object_get(v, "drop"));
}

void compile_oblige(compiler *c, const json_t *value, obligations *o)
{
    *o = (obligations){0};
    for (unsigned n = 0; n < OBLIGE_COUNT; n++) {
        json_t *v = json_object_get(value, oblige_names[n]);
        if (v == NULL)
            continue;
        o->set |= 1U << n;
        if (n == OBLIGE_SEAL)
            oblige_seal(v, o);
        else if (n == OBLIGE_TIMESTAMP)
            oblige_timestamp(c, v, o);
        else if (n == OBLIGE_DURABILITY)
            o->durability = word_of(oblige_durabilities, v);
        else if (n == OBLIGE_REDACT)
            oblige_redact(c, v, o);
        else if (n == OBLIGE_MIN_RECORDS)
            o->min_records = json_integer_value(v);
        else if (n == OBLIGE_RESPONSE_HEADERS)
            oblige_headers(c, v, o);
        else if (n == OBLIGE_NOTIFY)
            oblige_notify(c, v, o);
        else if (n == OBLIGE_CONFIDENTIAL)
            o->confidential = pointers_of(c, json_object_get(v, "pointers"));
        else if (n == OBLIGE_PROOFS)
            o->proofs = mask_of(oblige_proof_words, v);
        if (n == OBLIGE_RETENTION_LOG) {
            o->retention_min = duration_of(c, json_object_get(v, "min"));
            o->retention_max = duration_of(c, json_object_get(v, "max"));
        } else if (n == OBLIGE_LIMIT) {
            o->limit_bytes = json_integer_value(json_object_get(v, "bytes"));
            o->limit_records = json_integer_value(json_object_get(v, "records"));
        } else if (n == OBLIGE_SUBJECT_REF) {
            o->subject_ref = pointers_of(c, json_object_get(v, "pointers"));
            o->subject_ref_as = json_object_get(v, "as") != NULL;
        }
    }
}
