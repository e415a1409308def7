/* sources.json: what is held from where, since when, and what people have to be told once. A cache: when it
 * is gone, lists are fetched again; the marks of highwater.json still hold. */
#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <stdio.h>

enum { SOURCES_MAX = 4 << 20 };

/* ---- writing ---- */

static json_t *row_of(const tlist_entry *e)
{
    char hex[65] = "";
    if (e->list != NULL)
        dx_hex(dx_bytes_of(e->list->facts.sha256, 32), hex);
    return json_pack("{sssssssssssssIsbsIss}", "source", e->source_id, "territory", e->territory, "url",
                     e->url, "sha256", hex, "etag", e->etag, "last_modified", e->last_modified, "confirmed",
                     (json_int_t)e->confirmed_s, "below", (int)e->below, "attempted",
                     (json_int_t)e->attempted_s, "attempt_id", e->attempt_id);
}

/* Of a configured source: where it was followed to, whose signatures counted, what was told. */
static json_t *root_of(const tlist_store *store, const tlist_entry *e)
{
    const tlist_source *s = &store->spec.sources[e->root];
    json_t *anchors = json_array();
    char hex[65];
    for (size_t i = 0; i < s->anchor_count; i++) {
        dx_hex(dx_bytes_of(s->anchors[i], 32), hex);
        json_array_append_new(anchors, json_string(hex));
    }
    if (json_array_size(anchors) != s->anchor_count) {
        json_decref(anchors);
        return NULL;
    }
    return json_pack("{sssssssssosi}", "source", e->source_id, "url", s->url, "location", e->url, "journal",
                     e->journal, "anchors", anchors, "kind", (int)s->kind);
}

DX_RC tlist_sources_save(tlist_store *store, dx_why *why)
{
    json_t *root = json_object(), *lists = json_array(), *roots = json_array(), *pivots = json_object();
    char path[1024], hex[65];
    size_t root_count = 0;
    dx_buf text;
    dx_buf_init(&text, SOURCES_MAX);
    for (size_t i = 0; i < store->entry_count; i++) {
        json_array_append_new(lists, row_of(&store->entries[i]));
        if (store->entries[i].below)
            continue;
        json_array_append_new(roots, root_of(store, &store->entries[i]));
        root_count++;
    }
    for (size_t i = 0; i < store->pivot_count; i++) {
        dx_hex(dx_bytes_of(store->pivots[i].sha256, 32), hex);
        json_object_set_new(pivots, store->pivots[i].url, json_string(hex));
    }
    /* A row that is missing would be a list that a restart does not know. */
    bool ok = json_array_size(lists) == store->entry_count && json_array_size(roots) == root_count &&
              json_object_size(pivots) == store->pivot_count && json_object_set(root, "lists", lists) == 0 &&
              json_object_set(root, "sources", roots) == 0 && json_object_set(root, "pivots", pivots) == 0 &&
              dx_json_canonical(root, &text).code == DX_OK;
    json_decref(lists);
    json_decref(roots);
    json_decref(pivots);
    json_decref(root);
    tlist_state_path(store, "sources.json", path);
    struct dx_rc rc = ok ? dx_io_replace_file(store->spec.io, path, dx_buf_view(&text), 0600, why)
                         : DX_FAIL(why, NO_MEMORY, "", "no memory for sources.json");
    dx_buf_fini(&text);
    return rc;
}

/* ---- reading ---- */

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
    e->attempted_s = json_integer_value(json_object_get(row, "attempted"));
    snprintf(e->attempt_id, sizeof e->attempt_id, "%s", text_of(row, "attempt_id"));
    if (!dx_hex_decode(dx_bytes_text(text_of(row, "sha256")), sha256, &size) || size != sizeof sha256)
        return;
    dx_buf_init(&xml, 64u << 20);
    struct dx_rc rc = tlist_state_fetch(store, sha256, &xml, &why);
    if (rc.code == DX_OK)
        rc = e->source.kind == TLIST_KIND_LOTL
                 ? tlist_lotl_read(store, e, dx_buf_view(&xml), false, 0, &list, &why)
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
    tlist_lotl_compare(store, e, list);
    e->list = list;
    e->stale = e->attempt_id[0] != '\0';
    e->confirmed_s = json_integer_value(json_object_get(row, "confirmed"));
    snprintf(e->etag, sizeof e->etag, "%s", text_of(row, "etag"));
    snprintf(e->last_modified, sizeof e->last_modified, "%s", text_of(row, "last_modified"));
    snprintf(e->territory, sizeof e->territory, "%s", list->facts.territory);
}

/* Both sets, as the beginnings of their fingerprints. */
static void tell_anchors(const tlist_source *s, const json_t *before)
{
    char was[512] = "", is[512] = "";
    const json_t *row;
    bool same = json_array_size(before) == s->anchor_count;
    for (size_t i = 0; (row = json_array_get(before, i)) != NULL; i++) {
        size_t at = strlen(was);
        snprintf(was + at, sizeof was - at, "%.16s ", json_is_string(row) ? json_string_value(row) : "");
    }
    for (size_t i = 0; i < s->anchor_count; i++) {
        char hex[65];
        size_t at = strlen(is);
        dx_hex(dx_bytes_of(s->anchors[i], 32), hex);
        snprintf(is + at, sizeof is - at, "%.16s ", hex);
        const char *old = json_string_value(json_array_get(before, i));
        same = same && old != NULL && strcmp(old, hex) == 0;
    }
    if (!same)
        dx_log(DX_LOG_SECURITY, "tlist.anchors_changed", F_STR("source", s->id), F_STR("before", was),
               F_STR("now", is));
}

/* A location that was accepted holds as long as the configured address is the one it was accepted for. */
static void reload_root(tlist_store *store, const json_t *row)
{
    tlist_entry *e = tlist_entry_find(store, text_of(row, "source"), NULL, false);
    if (e == NULL)
        return;
    const tlist_source *s = &store->spec.sources[e->root];
    const char *location = text_of(row, "location");
    snprintf(e->journal, sizeof e->journal, "%s", text_of(row, "journal"));
    if (strcmp(s->url, text_of(row, "url")) == 0 && location[0] != '\0' && strlen(location) < sizeof e->url)
        snprintf(e->url, sizeof e->url, "%s", location);
    tell_anchors(s, json_object_get(row, "anchors"));
}

static void reload_pivots(tlist_store *store, const json_t *pivots)
{
    const json_t *value;
    for (void *at = json_object_iter((json_t *)(uintptr_t)pivots); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)pivots, at)) {
        const char *url = json_object_iter_key(at);
        size_t size = 32;
        value = json_object_iter_value(at);
        if (store->pivot_count == 8 * TLIST_PIVOTS_MAX || strlen(url) >= 512 || !json_is_string(value))
            continue;
        tlist_pivot *p = &store->pivots[store->pivot_count];
        snprintf(p->url, sizeof p->url, "%s", url);
        store->pivot_count +=
            dx_hex_decode(dx_bytes_text(json_string_value(value)), p->sha256, &size) && size == 32;
    }
}

DX_RC tlist_sources_load(tlist_store *store, const json_t *sources, dx_why *why)
{
    const json_t *row, *roots = json_object_get(sources, "sources"),
                       *lists = json_object_get(sources, "lists");
    reload_pivots(store, json_object_get(sources, "pivots"));
    for (size_t i = 0; (row = json_array_get(roots, i)) != NULL; i++)
        reload_root(store, row);
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
