#include "trust/provenance/prov_private.h"

#include <stdio.h>

/* A leaf under construction. The tree is jansson's; canonical order and spelling come when it is written. */

static const char *const type_texts[] = {
#define PROV_TYPE(name, text) text,
#include "trust/provenance/type_table.h"
#undef PROV_TYPE
};

const char *prov_type_text(prov_type type)
{
    return type_texts[type];
}

prov_record *prov_record_new(dx_arena *arena, prov_type type)
{
    prov_record *r = DX_ARENA_NEW(arena, prov_record);
    if (r == NULL || (r->root = json_object()) == NULL)
        return NULL;
    r->arena = arena;
    r->type = type;
    json_object_set_new(r->root, "v", json_integer(1));
    json_object_set_new(r->root, "type", json_string(type_texts[type]));
    return r;
}

/* The object that holds the last member of a path; arrays of objects mean their newest element. */
static json_t *parent_of(prov_record *r, const char *path, const char **last)
{
    json_t *at = r->root;
    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        char    name[48];
        size_t  n = (size_t)(dot - path);
        json_t *next;
        if (n >= sizeof name)
            return NULL;
        memcpy(name, path, n);
        name[n] = 0;
        next = json_object_get(at, name);
        if (json_is_array(next))
            next = json_array_get(next, json_array_size(next) - 1);
        if (next == NULL) {
            next = json_object();
            json_object_set_new(at, name, next);
        }
        if (!json_is_object(next))
            return NULL;
        at = next;
    }
    *last = path;
    return at;
}

static void set(prov_record *r, const char *path, json_t *value)
{
    const char *last;
    json_t     *parent = parent_of(r, path, &last);
    if (parent == NULL || value == NULL || json_object_set_new(parent, last, value) != 0) {
        r->bad = true;
        snprintf(r->bad_path, sizeof r->bad_path, "%s", path);
    }
}

void prov_set_text(prov_record *r, const char *path, dx_bytes value)
{
    if (value.size > 0)
        set(r, path, json_stringn((const char *)value.data, value.size));
}

void prov_set_str(prov_record *r, const char *path, const char *value)
{
    if (value != NULL)
        prov_set_text(r, path, dx_bytes_text(value));
}

void prov_set_int(prov_record *r, const char *path, int64_t value)
{
    set(r, path, json_integer(value));
}

void prov_set_bool(prov_record *r, const char *path, bool value)
{
    set(r, path, json_boolean(value));
}

void prov_set_time(prov_record *r, const char *path, int64_t unix_us)
{
    char text[DX_TIME_SIZE];
    dx_time_print_us(unix_us, text);
    set(r, path, json_string(text));
}

void prov_set_time_s(prov_record *r, const char *path, int64_t unix_s)
{
    char text[DX_TIME_SIZE];
    dx_time_print(unix_s, text);
    set(r, path, json_string(text));
}

void prov_set_sha256(prov_record *r, const char *path, const uint8_t sha256[32])
{
    char text[DX_BASE64URL_SIZE(32)];
    dx_base64url(dx_bytes_of(sha256, 32), text);
    set(r, path, json_string(text));
}

void prov_add_text(prov_record *r, const char *path, dx_bytes value)
{
    const char *last;
    json_t     *parent = parent_of(r, path, &last), *array = parent == NULL ? NULL : json_object_get(parent, last);
    if (value.size == 0)
        return;
    if (parent != NULL && array == NULL) {
        array = json_array();
        json_object_set_new(parent, last, array);
    }
    if (array == NULL || json_array_append_new(array, json_stringn((const char *)value.data, value.size)) != 0)
        r->bad = true;
}

void prov_add_str(prov_record *r, const char *path, const char *value)
{
    if (value != NULL)
        prov_add_text(r, path, dx_bytes_text(value));
}

void prov_add_object(prov_record *r, const char *path)
{
    const char *last;
    json_t     *parent = parent_of(r, path, &last), *array = parent == NULL ? NULL : json_object_get(parent, last);
    if (parent != NULL && array == NULL) {
        array = json_array();
        json_object_set_new(parent, last, array);
    }
    if (array == NULL || json_array_append_new(array, json_object()) != 0)
        r->bad = true;
}

void prov_commit(prov_record *r, const char *path, const uint8_t inner_sha256[32])
{
    if (r->commit_count == sizeof r->commits / sizeof *r->commits) {
        r->bad = true;
        return;
    }
    snprintf(r->commits[r->commit_count].path, sizeof r->commits->path, "%s", path);
    memcpy(r->commits[r->commit_count++].inner, inner_sha256, 32);
}
