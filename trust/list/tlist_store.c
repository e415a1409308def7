#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

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

/* ---- snapshots ---- */

static const tlist_entry *above(const tlist_store *store, const tlist_entry *e)
{
    for (size_t i = 0; e->below && i < store->entry_count; i++)
        if (!store->entries[i].below && store->entries[i].root == e->root)
            return &store->entries[i];
    return NULL;
}

/* What the pointer to a partner's list says of its worth, when the source honours that. */
static const tlist_recognition *recognition_of(const tlist_entry *lotl, const char *territory)
{
    for (size_t i = 0; lotl->source.mra && i < lotl->list->pointer_count; i++)
        if (lotl->list->pointers[i].recognition != NULL &&
            strcmp(lotl->list->pointers[i].territory, territory) == 0)
            return lotl->list->pointers[i].recognition;
    return NULL;
}

static tlist_member member_of(const tlist_store *store, const tlist_entry *e)
{
    const tlist_entry *lotl = above(store, e);
    tlist_member m = {e->list, e->list->facts, INT64_MAX};
    m.facts.confirmed_s = e->confirmed_s;
    m.facts.state = e->withdrawn ? TLIST_STATE_WITHDRAWN : e->stale ? TLIST_STATE_STALE : TLIST_STATE_OK;
    if (lotl == NULL || lotl->list == NULL)
        return m;
    m.facts.lotl_sequence = lotl->list->facts.sequence;
    memcpy(m.facts.lotl_sha256, lotl->list->facts.sha256, 32);
    m.facts.recognition = recognition_of(lotl, e->territory);
    if (m.facts.origin == TLIST_ORIGIN_PUBLISHER_SIGNED)
        m.facts.origin = TLIST_ORIGIN_LIST_OF_LISTS;
    m.upper_until_s = lotl->list->facts.next_update_s == 0
                          ? lotl->list->facts.issued_s
                          : lotl->list->facts.next_update_s + store->spec.grace_s;
    return m;
}

DX_RC tlist_store_publish(tlist_store *store, bool force, dx_why *why)
{
    tlist_member *members = calloc(store->entry_count + 1, sizeof *members);
    size_t count = 0;
    if (members == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot");
    for (size_t i = 0; i < store->entry_count; i++)
        if (store->entries[i].list != NULL)
            members[count++] = member_of(store, &store->entries[i]);
    tlist_snapshot *made = NULL;
    struct dx_rc rc = DX_OKAY;
    if (count > 0)
        rc = tlist_snapshot_make(members, count, dx_now_s(store->spec.clock), store->spec.grace_s,
                                 store->epoch + 1, &made, why);
    free(members);
    if (rc.code != DX_OK || made == NULL)
        return rc;
    bool same = store->snapshot != NULL && memcmp(store->snapshot->id, made->id, 32) == 0;
    if (same && !force) {
        made->epoch = store->epoch; /* same content, younger confirmation */
    } else {
        store->epoch++;
        char id[65];
        dx_hex(dx_bytes_of(made->id, 32), id);
        dx_log(DX_LOG_INFO, "tlist.swapped", F_STR("id", id), F_INT("epoch", made->epoch),
               F_INT("lists", count), F_INT("services", made->service_count));
    }
    tlist_snapshot_unref(store->snapshot);
    store->snapshot = made;
    return DX_OKAY;
}

tlist_snapshot *tlist_store_snapshot(tlist_store *store)
{
    dx_why why;
    if (store->snapshot != NULL && dx_now_s(store->spec.clock) >= store->snapshot->change_s)
        if (tlist_store_publish(store, true, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "tlist.swap_failed", &why);
    return tlist_snapshot_ref(store->snapshot);
}

int64_t tlist_store_due_s(const tlist_store *store)
{
    int64_t change = store->snapshot == NULL ? INT64_MAX : store->snapshot->change_s;
    return change < store->next_run_s ? change : store->next_run_s;
}

/* ---- opening ---- */

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? "" : text;
}

/* One stored list, judged again: the cache is not trusted. */
static void reload(tlist_store *store, tlist_entry *e, const json_t *row)
{
    uint8_t sha256[32];
    size_t size = sizeof sha256;
    dx_buf xml;
    dx_why why = {0};
    tlist_list *list = NULL;
    dx_buf_init(&xml, 64u << 20);
    if (!dx_hex_decode(dx_bytes_text(text_of(row, "sha256")), sha256, &size) || size != sizeof sha256)
        return;
    struct dx_rc rc = tlist_state_fetch(store, sha256, &xml, &why);
    if (rc.code == DX_OK)
        rc = e->source.kind == TLIST_KIND_LOTL
                 ? tlist_lotl_read(store, e, dx_buf_view(&xml), false, &list, &why)
                 : tlist_read_with(dx_buf_view(&xml), &e->source, &store->maps[e->root], e->source.anchors,
                                   e->source.anchor_count, dx_now_s(store->spec.clock), &list, &why);
    if (rc.code == DX_OK)
        rc = tlist_mark_check(store, e, list, false, &why);
    dx_buf_fini(&xml);
    if (rc.code != DX_OK) {
        dx_log_why(DX_LOG_WARN, "tlist.rejected", &why);
        tlist_list_unref(list);
        return;
    }
    e->list = list;
    e->stale = false;
    e->confirmed_s = json_integer_value(json_object_get(row, "confirmed"));
    snprintf(e->etag, sizeof e->etag, "%s", text_of(row, "etag"));
    snprintf(e->last_modified, sizeof e->last_modified, "%s", text_of(row, "last_modified"));
    snprintf(e->territory, sizeof e->territory, "%s", list->facts.territory);
}

static struct dx_rc reload_all(tlist_store *store, const json_t *sources, dx_why *why)
{
    json_t *row, *value;
    const char *url;
    json_object_foreach(json_object_get(sources, "pivots"), url, value)
    {
        size_t size = 32;
        if (store->pivot_count == 8 * TLIST_PIVOTS_MAX || strlen(url) >= 512 || !json_is_string(value))
            continue;
        tlist_pivot *p = &store->pivots[store->pivot_count];
        snprintf(p->url, sizeof p->url, "%s", url);
        store->pivot_count +=
            dx_hex_decode(dx_bytes_text(json_string_value(value)), p->sha256, &size) && size == 32;
    }
    const json_t *lists = json_object_get(sources, "lists");
    for (int below = 0; below < 2; below++)
        for (size_t i = 0; (row = json_array_get(lists, i)) != NULL; i++) {
            if (json_is_true(json_object_get(row, "below")) != (below == 1))
                continue;
            tlist_entry *e = tlist_entry_find(store, text_of(row, "source"),
                                              below ? text_of(row, "territory") : NULL, below == 1);
            if (e == NULL)
                continue;
            reload(store, e, row);
            if (!below && e->list != NULL && e->source.kind == TLIST_KIND_LOTL)
                DX_TRY(tlist_lotl_apply(store, (size_t)(e - store->entries), why));
        }
    return DX_OKAY;
}

static struct dx_rc take_lock(tlist_store *store, dx_why *why)
{
    char path[1024];
    DX_TRY(dx_io_make_folders(store->spec.io, store->spec.state_dir, 0700, why));
    snprintf(path, sizeof path, "%s/lock", store->spec.state_dir);
    store->lock_fd = store->spec.io->open(store->spec.io, path, O_RDWR | O_CREAT, 0600);
    if (store->lock_fd < 0)
        return DX_FAIL(why, IO, "", "%.200s cannot be opened", path);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return DX_FAIL(why, BUSY, "", "%.200s is held by another process", path);
    return DX_OKAY;
}

static struct dx_rc open_all(tlist_store *store, dx_why *why)
{
    store->maps = calloc(store->spec.source_count + 1, sizeof *store->maps);
    store->entries = calloc(TLIST_ENTRIES_MAX, sizeof *store->entries);
    store->marks = calloc(TLIST_MARKS_MAX, sizeof *store->marks);
    store->pivots = calloc(8 * TLIST_PIVOTS_MAX, sizeof *store->pivots);
    if (store->maps == NULL || store->entries == NULL || store->marks == NULL || store->pivots == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the list store");
    DX_TRY(tlist_init(why));
    DX_TRY(take_lock(store, why));
    for (size_t i = 0; i < store->spec.source_count; i++) {
        const tlist_source *s = &store->spec.sources[i];
        tlist_entry *e;
        if (s->id == NULL || s->url == NULL || strlen(s->id) >= sizeof e->source_id ||
            strlen(s->url) >= sizeof e->url)
            return DX_FAIL(why, CONFIG, "", "source %zu needs an id below 32 and a url below 512 bytes",
                           i + 1);
        DX_TRY(tlist_map_load(s, store->spec.io, &store->maps[i], why));
        DX_TRY(tlist_entry_add(store, s, i, s->territory, s->url, &e, why));
    }
    json_t *sources;
    DX_TRY(tlist_state_load(store, &sources, why));
    struct dx_rc rc = reload_all(store, sources, why);
    json_decref(sources);
    DX_TRY(rc);
    return tlist_store_publish(store, false, why);
}

DX_RC tlist_store_open(const tlist_store_spec *spec, tlist_store **out, dx_why *why)
{
    *out = NULL;
    tlist_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the list store");
    store->spec = *spec;
    store->lock_fd = -1;
    store->next_run_s = dx_now_s(spec->clock);
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
    free(store);
}
