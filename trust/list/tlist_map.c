#include "trust/list/tlist_object.h"

#include "trust/base/json.h"

enum { MAP_MAX = 256, MAP_FILE_MAX = 1 << 20 };

#define SERVICE(uri, purposes, class) {uri, class, NULL, purposes, NULL, 0},
static const tlist_map_type eu_types[] = {
#include "trust/list/service_table.h"
};
#undef SERVICE
#define STATUS(uri, valid, until) {uri, valid, until, false},
static const tlist_map_status eu_statuses[] = {
#include "trust/list/service_table.h"
};
#undef STATUS
#define JP_SERVICE(uri, purposes, class, key) {uri, class, key, purposes, NULL, 0},
static const tlist_map_type jp_types[] = {
#include "trust/list/service_table.h"
};
#undef JP_SERVICE
#define JP_STATUS(uri, valid, until) {uri, valid, until, false},
static const tlist_map_status jp_statuses[] = {
#include "trust/list/service_table.h"
};
#undef JP_STATUS

/* Members of a profile file that are one text. */
#define JP_PROFILE(member, uri) {#member, uri, offsetof(tlist_map, profile.member)},
static const struct {
    const char *name, *uri;
    size_t at;
} profile_rows[] = {
#include "trust/list/service_table.h"
};
#undef JP_PROFILE
enum { PROFILE_ROWS = sizeof profile_rows / sizeof *profile_rows };

static const char **profile_place(tlist_map *map, size_t row)
{
    return (const char **)(void *)((uint8_t *)map + profile_rows[row].at);
}

static struct dx_rc start(tlist_map *map, bool eu, dx_why *why)
{
    map->types = DX_ARENA_ARRAY(&map->arena, tlist_map_type, MAP_MAX);
    map->statuses = DX_ARENA_ARRAY(&map->arena, tlist_map_status, MAP_MAX);
    if (map->types == NULL || map->statuses == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the mapping of service types");
    map->type_count = eu ? sizeof eu_types / sizeof *eu_types : sizeof jp_types / sizeof *jp_types;
    map->status_count =
        eu ? sizeof eu_statuses / sizeof *eu_statuses : sizeof jp_statuses / sizeof *jp_statuses;
    memcpy(map->types, eu ? eu_types : jp_types, map->type_count * sizeof *map->types);
    memcpy(map->statuses, eu ? eu_statuses : jp_statuses, map->status_count * sizeof *map->statuses);
    for (size_t i = 0; !eu && i < PROFILE_ROWS; i++)
        *profile_place(map, i) = profile_rows[i].uri;
    map->profile.operator_compiled_rule = TLIST_OPERATOR_RULE;
    return DX_OKAY;
}

static const char *keep(tlist_map *map, const char *text)
{
    return dx_arena_text(&map->arena, dx_bytes_text(text));
}

static struct dx_rc add_type(tlist_map *map, const char *uri, const json_t *row, dx_why *why)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {{"issuer", TLIST_FOR(ISSUER)},
                 {"stamp", TLIST_FOR(STAMP)},
                 {"ocsp", TLIST_FOR(OCSP)},
                 {"crl", TLIST_FOR(CRL)}};
    const char *purpose = json_string_value(json_object_get(row, "purpose"));
    const char *class_ = json_string_value(json_object_get(row, "class"));
    const char *word = json_string_value(json_object_get(row, "key"));
    const json_t *policies = json_object_get(row, "require_policy_oids"), *policy;
    tlist_map_type type = {.uri = keep(map, uri)};
    for (size_t i = 0; purpose != NULL && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, purpose) == 0)
            type.purposes = names[i].bit;
    if (type.purposes == 0 || map->type_count == MAP_MAX)
        return DX_FAIL(why, CONFIG, "", "mapping of %.120s: purpose is none of issuer, stamp, ocsp, crl",
                       uri);
    if (class_ != NULL)
        type.class_ = keep(map, class_);
    if (word != NULL)
        type.key = keep(map, word);
    const char **oids = DX_ARENA_ARRAY(&map->arena, const char *, json_array_size(policies) + 1);
    if (type.uri == NULL || oids == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the mapping of service types");
    for (size_t i = 0; (policy = json_array_get(policies, i)) != NULL; i++) {
        if (!json_is_string(policy))
            return DX_FAIL(why, CONFIG, "", "mapping of %.120s: a policy OID is not a text", uri);
        if ((oids[type.policy_count++] = keep(map, json_string_value(policy))) == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no memory for the mapping of service types");
    }
    type.policies = oids;
    /* A row of the file replaces the built-in one, and takes its word over: official URIs change the file
     * alone. */
    for (size_t i = 0; word != NULL && i < map->type_count; i++)
        if (map->types[i].key != NULL && strcmp(map->types[i].key, word) == 0)
            map->types[i].key = NULL;
    for (size_t i = 0; i < map->type_count; i++)
        if (strcmp(map->types[i].uri, uri) == 0) {
            map->types[i] = type;
            return DX_OKAY;
        }
    map->types[map->type_count++] = type;
    return DX_OKAY;
}

static struct dx_rc add_status(tlist_map *map, const char *uri, const json_t *row, dx_why *why)
{
    const char *text = json_string_value(row);
    if (text == NULL || (strcmp(text, "valid") != 0 && strcmp(text, "invalid") != 0) ||
        map->status_count == MAP_MAX)
        return DX_FAIL(why, CONFIG, "", "mapping of %.120s is neither \"valid\" nor \"invalid\"", uri);
    tlist_map_status status = {keep(map, uri), strcmp(text, "valid") == 0, 0, true};
    if (status.uri == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the mapping of service types");
    for (size_t i = 0; i < map->status_count; i++)
        if (strcmp(map->statuses[i].uri, uri) == 0) {
            map->statuses[i] = status;
            return DX_OKAY;
        }
    map->statuses[map->status_count++] = status;
    return DX_OKAY;
}

static struct dx_rc add_file(tlist_map *map, json_t *root, dx_why *why)
{
    const char *key;
    json_t *row;
    json_object_foreach(json_object_get(root, "types"), key, row) DX_TRY(add_type(map, key, row, why));
    json_object_foreach(json_object_get(root, "statuses"), key, row) DX_TRY(add_status(map, key, row, why));
    json_object_foreach(root, key, row)
    {
        size_t i = 0;
        while (i < PROFILE_ROWS && strcmp(profile_rows[i].name, key) != 0)
            i++;
        if (i == PROFILE_ROWS && strcmp(key, "types") != 0 && strcmp(key, "statuses") != 0)
            return DX_FAIL(why, CONFIG, "trusted-lists.md 9.1", "a profile has no member \"%.60s\"", key);
        if (i == PROFILE_ROWS)
            continue;
        if (!json_is_string(row) || json_string_length(row) == 0)
            return DX_FAIL(why, CONFIG, "trusted-lists.md 9.1", "%s is not a text", key);
        if ((*profile_place(map, i) = keep(map, json_string_value(row))) == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no memory for the mapping of service types");
    }
    return DX_OKAY;
}

DX_RC tlist_map_parse(const tlist_source *source, dx_bytes text, tlist_map *out, dx_why *why)
{
    json_t *root = NULL;
    *out = (tlist_map){0};
    struct dx_rc rc = start(out, source->scheme == NULL || strcmp(source->scheme, "EU") == 0, why);
    if (rc.code == DX_OK && text.size > 0)
        rc = dx_json_read(text, &(dx_json_limits){MAP_FILE_MAX, 8, false}, &root, why);
    if (rc.code == DX_OK && text.size > 0)
        rc = json_is_object(root)
                 ? add_file(out, root, why)
                 : DX_FAIL(why, CONFIG, "", "the mapping of service types is no JSON object");
    json_decref(root);
    if (rc.code != DX_OK)
        tlist_map_fini(out);
    return rc;
}

DX_RC tlist_map_load(const tlist_source *source, const dx_io *io, tlist_map *out, dx_why *why)
{
    dx_buf file;
    *out = (tlist_map){0};
    if (source->map_file == NULL)
        return tlist_map_parse(source, (dx_bytes){0}, out, why);
    dx_buf_init(&file, MAP_FILE_MAX);
    struct dx_rc rc =
        dx_io_read_file(io == NULL ? &dx_io_system : io, source->map_file, MAP_FILE_MAX, &file, why);
    if (rc.code == DX_OK && file.size == 0)
        rc = DX_FAIL(why, CONFIG, "", "%.150s is empty", source->map_file);
    if (rc.code == DX_OK)
        rc = tlist_map_parse(source, dx_buf_view(&file), out, why);
    dx_buf_fini(&file);
    return rc;
}

void tlist_map_fini(tlist_map *map)
{
    dx_arena_fini(&map->arena);
    *map = (tlist_map){0};
}

const tlist_map_type *tlist_map_find(const tlist_map *map, const char *uri)
{
    for (size_t i = 0; i < map->type_count; i++)
        if (strcmp(map->types[i].uri, uri) == 0)
            return &map->types[i];
    return NULL;
}

bool tlist_map_valid(const tlist_map *map, const char *status, int64_t from_s)
{
    for (size_t i = 0; i < map->status_count; i++)
        if (strcmp(map->statuses[i].uri, status) == 0)
            return map->statuses[i].valid &&
                   (map->statuses[i].until_s == 0 || from_s < map->statuses[i].until_s);
    return false;
}

const tlist_map_type *tlist_map_type_named(const tlist_map *map, const char *word)
{
    for (size_t i = 0; i < map->type_count; i++)
        if (map->types[i].key != NULL && strcmp(map->types[i].key, word) == 0)
            return &map->types[i];
    return tlist_map_find(map, word);
}

const tlist_map_status *tlist_map_status_named(const tlist_map *map, const char *word)
{
    const tlist_map_status *found[2] = {NULL, NULL}; /* built in, of the file: the file's word counts first */
    unsigned count[2] = {0, 0};
    for (size_t i = 0; i < map->status_count; i++) {
        const tlist_map_status *s = &map->statuses[i];
        const char *slash = strrchr(s->uri, '/');
        if (strcmp(s->uri, word) == 0)
            return s;
        if (slash == NULL || strcmp(slash + 1, word) != 0)
            continue;
        found[s->own] = s;
        count[s->own]++;
    }
    bool own = count[1] > 0;
    return count[own] == 1 ? found[own] : NULL;
}
