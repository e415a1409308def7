/* room: trust_list */
/* Files of operators: a mapping of types and statuses, then a manifest of addresses. Read whole or refused.
 */
#include "trust/list/tlist_store_inside.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tlist_source source = {.id = "f", .scheme = "JP"};
    tlist_map map;
    char path[1024];
    if (size > 1 << 16)
        return 0;
    if (tlist_map_parse(&source, dx_bytes_of(data, size), &map, NULL).code == DX_OK) {
        for (size_t i = 0; i < map.type_count; i++) {
            const tlist_map_type *t = tlist_map_find(&map, map.types[i].uri);
            assert(t != NULL && t->purposes != 0);
        }
        for (size_t i = 0; i < map.status_count; i++)
            (void)tlist_map_valid(&map, map.statuses[i].uri, 1800000000);
        assert(map.profile.operator_compiled_rule != NULL);
        tlist_map_fini(&map);
    }
    json_t *manifest = tlist_manifest_parse(dx_bytes_of(data, size));
    const char *url;
    json_t *file;
    json_object_foreach(manifest, url, file) if (tlist_manifest_find(manifest, "/folder", url, path))
        assert(path[0] == '/' && strlen(path) < sizeof path);
    json_decref(manifest);
    return 0;
}
