/* room: trust_list */
/* A document from a stranger, through hardening and shape to a list object and its snapshot; no cryptography,
 * so that the fuzzer gets past the signature. */
#include "trust/list/tlist_snapshot.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tlist_map map;
    static tlist_source source = {.id = "f", .scheme = "EU"};
    tlist_tree tree;
    tlist_list *list;
    tlist_snapshot *snapshot;
    if (map.types == NULL && tlist_map_load(&source, NULL, &map, NULL).code != DX_OK)
        return 0;
    if (tlist_tree_read(dx_bytes_of(data, size), 1 << 20, false, &tree, NULL).code != DX_OK)
        return 0;
    if (tlist_object_make(&tree, &source, &map, &list, NULL).code == DX_OK) {
        assert(list->facts.sequence > 0 && strlen(list->facts.territory) == 2);
        if (tlist_snapshot_of(&list, 1, 1800000000, &snapshot, NULL).code == DX_OK) {
            const tlist_service *const *services;
            size_t count = tlist_snapshot_services(snapshot, &services);
            for (size_t i = 0; i < count; i++) {
                for (uint32_t k = 1; k < services[i]->interval_count; k++)
                    assert(services[i]->intervals[k].until_s <= services[i]->intervals[k - 1].from_s);
                for (uint32_t k = 0; k < services[i]->certificate_count; k++) {
                    const tlist_certificate *c = &services[i]->certificates[k];
                    tlist_hit hits[64];
                    tlist_key key = {c->der, c->spki, c->subject, {0}};
                    (void)tlist_find(snapshot, &key, TLIST_ISSUER, 1800000000, hits, 64, NULL);
                }
            }
            tlist_snapshot_unref(snapshot);
        }
        tlist_list_unref(list);
    }
    tlist_tree_fini(&tree);
    return 0;
}
