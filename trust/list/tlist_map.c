#include "trust/list/tlist_object.h"

#include "trust/base/json.h"

enum { MAP_MAX = 256, MAP_FILE_MAX = 1 << 20 };

#define SERVICE(uri, purposes, class) {uri, class, purposes, NULL, 0},
static const tlist_map_type eu_types[] = {
#include "trust/list/service_table.h"
};
#undef SERVICE
#define STATUS(uri, valid, until) {uri, valid, until},
static const tlist_map_status eu_statuses[] = {
#include "trust/list/service_table.h"
};
#undef STATUS
#define JP_SERVICE(uri, purposes, class) {uri, class, purposes, NULL, 0},
static const tlist_map_type jp_types[] = {
#include "trust/list/service_table.h"
};
#undef JP_SERVICE
#define JP_STATUS(uri, valid, until) {uri, valid, until},
static const tlist_map_status jp_statuses[] = {
#include "trust/list/service_table.h"
};

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
    map->operator_rule = TLIST_OPERATOR_RULE;
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
    /* A row of the file replaces the built-in one. */
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
    tlist_map_status status = {keep(map, uri), strcmp(text, "valid") == 0, 0};
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
    const char *rule = json_string_value(json_object_get(root, "operator_compiled_rule"));
    if (rule != NULL)
        map->operator_rule = keep(map, rule);
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
