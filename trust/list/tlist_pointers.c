/* From an accepted list of lists to the lists below it: who may sign them, where they are (TL-605 to TL-607).
 */
#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

static bool wanted(const tlist_source *source, const tlist_pointer *p)
{
    bool partner = p->recognition != NULL;
    bool type = partner || (source->tsl_type_count == 0 && strcmp(p->type, TLIST_TYPE_EU) == 0),
         territory = source->territories == NULL;
    /* A partner's list is believed through recognition alone. */
    if (partner && (!source->mra || strlen(p->type) >= sizeof((tlist_entry *)0)->partner_type))
        return false;
    for (size_t i = 0; i < source->tsl_type_count; i++)
        type |= strcmp(source->tsl_types[i], p->type) == 0;
    for (size_t i = 0; !territory && i < source->territory_count; i++)
        territory = strcmp(source->territories[i], p->territory) == 0;
    return type && territory && strlen(p->territory) < 8 && strlen(p->url) < 512;
}

static bool announced(const tlist_entry *e)
{
    for (size_t i = 0; i < e->source.anchor_count; i++)
        if (memcmp(e->source.anchors[i], e->list->facts.signer_sha256, 32) == 0)
            return true;
    return false;
}

static struct dx_rc apply_pointer(tlist_store *store, size_t root, const tlist_source *configured,
                                  const tlist_pointer *p, bool seen[TLIST_ENTRIES_MAX], dx_why *why)
{
    static const char *const eu_types[] = {TLIST_TYPE_EU};
    tlist_entry *e = tlist_entry_find(store, configured->id, p->territory, true);
    if (e == NULL)
        DX_TRY(tlist_entry_add(store, configured, root, p->territory, p->url, &e, why));
    if (seen[e - store->entries])
        return DX_OKAY; /* TL-605: the first one holds */
    seen[e - store->entries] = true;
    uint8_t(*anchors)[32] = calloc(p->signer_count + 1, 32);
    if (anchors == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for announced signers");
    memcpy(anchors, p->signers, p->signer_count * 32);
    free(e->anchors);
    e->anchors = anchors;
    if (strcmp(e->url, p->url) != 0) {
        snprintf(e->url, sizeof e->url, "%s", p->url);
        e->etag[0] = e->last_modified[0] = '\0'; /* validators belong to an address */
        e->due_s = 0;
    }
    e->below = e->pointed = true;
    e->source.kind = TLIST_KIND_TL;
    e->source.oj_uri = NULL;
    e->source.anchors = (const uint8_t(*)[32])anchors;
    e->source.anchor_count = p->signer_count;
    e->source.scheme = p->recognition != NULL ? e->territory : configured->scheme;
    if (p->recognition != NULL) {
        snprintf(e->partner_type, sizeof e->partner_type, "%s", p->type);
        e->partner_types[0] = e->partner_type;
        e->source.tsl_types = e->partner_types;
        e->source.tsl_type_count = 1;
    } else if (configured->tsl_type_count == 0) {
        e->source.tsl_types = eu_types;
        e->source.tsl_type_count = 1;
    }
    e->source.allow_http =
        configured->allow_http || strncmp(p->url, "http://", 7) == 0; /* TL-101: the pointer says so */
    bool withdrawn = e->list != NULL && !announced(e);
    if (withdrawn && !e->withdrawn)
        e->due_s = 0; /* a list by the new signer may be there already */
    e->withdrawn = withdrawn;
    return DX_OKAY;
}

DX_RC tlist_lotl_apply(tlist_store *store, size_t entry, dx_why *why)
{
    bool seen[TLIST_ENTRIES_MAX] = {false};
    const tlist_list *lotl = store->entries[entry].list;
    size_t root = store->entries[entry].root;
    const tlist_source *configured = &store->spec.sources[root];
    for (size_t i = 0; i < lotl->pointer_count; i++)
        if (wanted(configured, &lotl->pointers[i]))
            DX_TRY(apply_pointer(store, root, configured, &lotl->pointers[i], seen, why));
    for (size_t i = 0; i < store->entry_count; i++) {
        tlist_entry *e = &store->entries[i];
        if (e->below && e->root == root && !seen[i]) {
            e->withdrawn = true;
            e->pointed = false;
        }
        if (e->below && e->root == root && e->list != NULL && e->withdrawn)
            dx_log(DX_LOG_SECURITY, "tlist.signer_withdrawn", F_STR("source", e->source_id),
                   F_STR("territory", e->territory), F_STR("id", "TL-607"));
    }
    return DX_OKAY;
}

void tlist_lotl_twice(const tlist_source *source, tlist_list *lotl)
{
    for (size_t i = 0; i < lotl->pointer_count; i++)
        for (size_t k = 0; k < i && wanted(source, &lotl->pointers[i]); k++)
            if (wanted(source, &lotl->pointers[k]) &&
                strcmp(lotl->pointers[k].territory, lotl->pointers[i].territory) == 0)
                tlist_remark(&lotl->remarks, 605);
}

static bool shares_name(const tlist_pointer *p, const tlist_list *list)
{
    for (size_t i = 0; i < p->name_count; i++)
        for (size_t k = 0; k < list->operator_count; k++)
            if (strcmp(p->names[i], list->operators[k]) == 0)
                return true;
    return false;
}

void tlist_lotl_compare(const tlist_store *store, const tlist_entry *entry, tlist_list *list)
{
    const tlist_entry *above = tlist_entry_above(store, entry);
    if (above == NULL || above->list == NULL)
        return;
    bool back = false, named = false;
    for (size_t i = 0; i < list->pointer_count; i++)
        back |= strcmp(list->pointers[i].type, TLIST_TYPE_LOTL) == 0;
    for (size_t i = 0; i < above->list->pointer_count && !named; i++)
        named = strcmp(above->list->pointers[i].territory, entry->territory) == 0 &&
                shares_name(&above->list->pointers[i], list);
    if (!back || !named)
        tlist_remark(&list->remarks, 606);
}
