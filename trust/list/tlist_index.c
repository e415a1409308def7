#include "trust/list/tlist_snapshot.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const tlist_index_entry *x = a, *y = b;
    int order = memcmp(x->key, y->key, sizeof x->key);
    if (order != 0)
        return order;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    return x->certificate < y->certificate ? -1 : x->certificate > y->certificate;
}

/* Keys are SHA-256 values: any eight bytes of one are evenly spread. */
static size_t slot_of(const tlist_index *index, const uint8_t key[32])
{
    uint64_t spread;
    memcpy(&spread, key, sizeof spread);
    return (size_t)spread & index->slot_mask;
}

DX_RC tlist_index_build(tlist_index *index, dx_why *why)
{
    size_t slots = 16;
    while (slots < 2 * index->entry_count)
        slots *= 2;
    index->slots = calloc(slots, sizeof *index->slots);
    if (index->slots == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for an index of %zu certificates", index->entry_count);
    index->slot_mask = slots - 1;
    if (index->entry_count > 1)
        qsort(index->entries, index->entry_count, sizeof *index->entries, compare);
    for (size_t i = 0; i < index->entry_count; i++) {
        if (i > 0 && memcmp(index->entries[i].key, index->entries[i - 1].key, 32) == 0)
            continue;
        size_t at = slot_of(index, index->entries[i].key);
        while (index->slots[at] != 0)
            at = (at + 1) & index->slot_mask;
        index->slots[at] = (uint32_t)i + 1;
    }
    return DX_OKAY;
}

void tlist_index_fini(tlist_index *index)
{
    free(index->entries);
    free(index->slots);
    *index = (tlist_index){0};
}

size_t tlist_index_find(const tlist_index *index, const uint8_t key[32], const tlist_index_entry **first)
{
    if (index->slots == NULL)
        return 0;
    for (size_t at = slot_of(index, key); index->slots[at] != 0; at = (at + 1) & index->slot_mask) {
        size_t begin = index->slots[at] - 1, end = begin;
        while (end < index->entry_count && memcmp(index->entries[end].key, key, 32) == 0)
            end++;
        if (end > begin) {
            *first = &index->entries[begin];
            return end - begin;
        }
    }
    return 0;
}
