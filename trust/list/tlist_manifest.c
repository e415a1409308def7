/* manifest.json of a folder that was carried in: {"<url>": "<file>"}, for sites without a network. */
#include "trust/list/tlist_store_inside.h"

#include <stdio.h>

json_t *tlist_manifest_parse(dx_bytes text)
{
    json_t *manifest = NULL;
    if (dx_json_read(text, &(dx_json_limits){TLIST_MANIFEST_MAX, 4, false}, &manifest, NULL).code != DX_OK)
        return NULL;
    if (json_is_object(manifest))
        return manifest;
    json_decref(manifest);
    return NULL;
}

bool tlist_manifest_find(const json_t *manifest, const char *folder, const char *url, char out[1024])
{
    const char *file = json_string_value(json_object_get(manifest, url));
    if (file == NULL || file[0] == '\0')
        return false;
    int size = snprintf(out, 1024, "%s%s%s", file[0] == '/' ? "" : folder, file[0] == '/' ? "" : "/", file);
    return size > 0 && size < 1024;
}
