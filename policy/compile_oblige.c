/* Obligations: of permits, grants and floors alike. */
#include "policy/compile.h"

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
        o->seal.min = compile_level(min);
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
