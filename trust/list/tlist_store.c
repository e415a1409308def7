#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

tlist_entry *tlist_entry_find(tlist_store *store, const char *source_id, const char *territory, bool below)
{
    for (size_t i = 0; i < store->entry_count; i++)
        if (store->entries[i].below == below && strcmp(store->entries[i].source_id, source_id) == 0 &&
            (territory == NULL || strcmp(store->entries[i].territory, territory) == 0))
            return &store->entries[i];
    return NULL;
}

DX_RC tlist_entry_add(tlist_store *store, const tlist_source *source, size_t root, const char *territory,
                      const char *url, tlist_entry **out, dx_why *why)
{
    if (store->entry_count == TLIST_ENTRIES_MAX)
        return DX_FAIL(why, TOO_LARGE, "", "more than %d lists", TLIST_ENTRIES_MAX);
    tlist_entry *e = &store->entries[store->entry_count++];
    *e = (tlist_entry){.source = *source, .root = root};
    snprintf(e->source_id, sizeof e->source_id, "%s", source->id);
    snprintf(e->territory, sizeof e->territory, "%s", territory == NULL ? "" : territory);
    snprintf(e->url, sizeof e->url, "%s", url);
    e->source.url = e->url;
    if (territory != NULL)
        e->source.territory = e->territory;
    *out = e;
    return DX_OKAY;
}

const tlist_entry *tlist_entry_above(const tlist_store *store, const tlist_entry *entry)
{
    for (size_t i = 0; entry->below && i < store->entry_count; i++)
        if (!store->entries[i].below && store->entries[i].root == entry->root)
            return &store->entries[i];
    return NULL;
}

bool tlist_store_knows(const tlist_store *store, const char *source_id)
{
    for (size_t i = 0; i < store->spec.source_count; i++)
        if (store->spec.sources[i].id != NULL && strcmp(store->spec.sources[i].id, source_id) == 0)
            return true;
    return false;
}

/* ---- opening ---- */

/* Whoever confirms something by hand names a source that there is. */
static struct dx_rc check_confirmed(const tlist_store *store, dx_why *why)
{
    const tlist_confirmed *c = &store->spec.confirmed;
    const char *named[] = {c->reset_sequence, c->reissue_source, c->location};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i] != NULL && !tlist_store_knows(store, named[i]))
            return DX_FAIL(why, CONFIG, "", "there is no source %.60s", named[i]);
    return DX_OKAY;
}

static struct dx_rc open_all(tlist_store *store, dx_why *why)
{
    store->maps = calloc(store->spec.source_count + 1, sizeof *store->maps);
    store->entries = calloc(TLIST_ENTRIES_MAX, sizeof *store->entries);
    store->marks = calloc(TLIST_MARKS_MAX, sizeof *store->marks);
    store->pivots = calloc(8 * TLIST_PIVOTS_MAX, sizeof *store->pivots);
    store->resets = calloc(TLIST_RESETS_MAX, sizeof *store->resets);
    if (store->maps == NULL || store->entries == NULL || store->marks == NULL || store->pivots == NULL ||
        store->resets == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the list store");
    DX_TRY(check_confirmed(store, why));
    DX_TRY(tlist_init(why));
    DX_TRY(tlist_state_open(store, why));
    for (size_t i = 0; i < store->spec.source_count; i++) {
        const tlist_source *s = &store->spec.sources[i];
        tlist_entry *e;
        if (s->id == NULL || s->url == NULL || strlen(s->id) >= sizeof e->source_id ||
            strlen(s->url) >= sizeof e->url)
            return DX_FAIL(why, CONFIG, "", "source %zu needs an id below 32 and a url below 512 bytes",
                           i + 1);
        if (s->kind == TLIST_KIND_LOTL && s->anchor_count == 0)
            return tlist_refuse_as(why, DX_CONFIG, 601, "source %.30s has no configured signers", s->id);
        DX_TRY(tlist_map_load(s, store->spec.io, &store->maps[i], why));
        DX_TRY(tlist_entry_add(store, s, i, s->territory, s->url, &e, why));
    }
    json_t *sources;
    DX_TRY(tlist_state_load(store, &sources, why));
    struct dx_rc rc = tlist_sources_load(store, sources, why);
    json_decref(sources);
    DX_TRY(rc);
    /* A wrong clock may be set right while we wait: nothing counts until then. */
    dx_why late = {0};
    rc = tlist_store_publish(store, false, &late);
    if (rc.code == DX_REFUSED) {
        dx_log_why(DX_LOG_SECURITY, "tlist.clock_wrong", &late);
        return DX_OKAY;
    }
    if (rc.code != DX_OK && why != NULL)
        *why = late;
    return rc;
}

DX_RC tlist_store_open(const tlist_store_spec *spec, tlist_store **out, dx_why *why)
{
    *out = NULL;
    tlist_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the list store");
    store->spec = *spec;
    store->lock_fd = -1;
    struct dx_rc rc = open_all(store, why);
    if (rc.code != DX_OK)
        tlist_store_close(store);
    else
        *out = store;
    return rc;
}

void tlist_store_close(tlist_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->entry_count; i++) {
        tlist_list_unref(store->entries[i].list);
        free(store->entries[i].anchors);
    }
    for (size_t i = 0; store->maps != NULL && i < store->spec.source_count; i++)
        tlist_map_fini(&store->maps[i]);
    tlist_snapshot_unref(store->snapshot);
    if (store->lock_fd >= 0)
        store->spec.io->close(store->spec.io, store->lock_fd);
    free(store->maps);
    free(store->entries);
    free(store->marks);
    free(store->pivots);
    free(store->resets);
    free(store);
}

/* ---- what people may look at ---- */

size_t tlist_store_refusals(const tlist_store *store, tlist_refusal *out, size_t max)
{
    size_t count = 0;
    const char *id;
    for (size_t i = 0; count < max && (id = tlist_check_at(i)) != NULL; i++)
        if (atomic_load(&store->refused[i]) > 0)
            out[count++] = (tlist_refusal){id, atomic_load(&store->refused[i])};
    return count;
}

size_t tlist_store_resets(const tlist_store *store, const tlist_reset **out)
{
    *out = store->resets;
    return store->reset_count;
}

size_t tlist_store_signers(const tlist_store *store, tlist_signers *out, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < store->entry_count && count < max; i++) {
        const tlist_entry *e = &store->entries[i];
        if (!e->below || e->pointed)
            out[count++] = (tlist_signers){e->source_id, e->below ? e->territory : "", e->below,
                                           e->source.anchors, e->source.anchor_count};
    }
    return count;
}
