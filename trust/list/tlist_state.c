/* The state folder: lists/<sha256>.xml and sources.json; highwater.json is tlist_mark.c. */
#include "trust/list/tlist_store_inside.h"

#include <dirent.h>
#include <stdio.h>

enum { STATE_FILE_MAX = 4 << 20, KEEP_S = 400 * 86400 };

void tlist_state_path(const tlist_store *store, const char *name, char out[1024])
{
    snprintf(out, 1024, "%s/%s", store->spec.state_dir, name);
}

static void list_path(const tlist_store *store, const uint8_t sha256[32], char out[1024])
{
    char hex[65];
    dx_hex(dx_bytes_of(sha256, 32), hex);
    snprintf(out, 1024, "%s/lists/%s.xml", store->spec.state_dir, hex);
}

DX_RC tlist_state_keep(tlist_store *store, dx_bytes xml, dx_why *why)
{
    uint8_t sha256[32];
    char path[1024];
    struct stat st;
    dx_sha256(xml, sha256);
    list_path(store, sha256, path);
    if (stat(path, &st) == 0 && (size_t)st.st_size == xml.size)
        return DX_OKAY;
    return dx_io_replace_file(store->spec.io, path, xml, 0600, why);
}

static bool is_named(const tlist_store *store, const uint8_t sha256[32])
{
    for (size_t i = 0; i < store->entry_count; i++)
        if (store->entries[i].list != NULL && memcmp(store->entries[i].list->facts.sha256, sha256, 32) == 0)
            return true;
    for (size_t i = 0; i < store->pivot_count; i++)
        if (memcmp(store->pivots[i].sha256, sha256, 32) == 0)
            return true;
    return false;
}

void tlist_state_drop(tlist_store *store, const uint8_t sha256[32])
{
    char path[1024];
    if (is_named(store, sha256))
        return;
    list_path(store, sha256, path);
    store->spec.io->unlink(store->spec.io, path);
}

void tlist_state_sweep(tlist_store *store)
{
    char path[1024];
    tlist_state_path(store, "lists", path);
    DIR *folder = opendir(path);
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        uint8_t sha256[32];
        size_t size = sizeof sha256;
        struct stat st;
        if (strlen(e->d_name) != 68 || strcmp(e->d_name + 64, ".xml") != 0 ||
            !dx_hex_decode(dx_bytes_of((const uint8_t *)e->d_name, 64), sha256, &size))
            continue;
        list_path(store, sha256, path);
        if (stat(path, &st) == 0 && dx_now_s(store->spec.clock) - st.st_mtime > KEEP_S)
            tlist_state_drop(store, sha256);
    }
    if (folder != NULL)
        closedir(folder);
}

DX_RC tlist_state_fetch(tlist_store *store, const uint8_t sha256[32], dx_buf *out, dx_why *why)
{
    char path[1024];
    list_path(store, sha256, path);
    return dx_io_read_file(store->spec.io, path, out->max, out, why);
}

static struct dx_rc save_sources(tlist_store *store, dx_why *why)
{
    json_t *root = json_object(), *lists = json_array(), *pivots = json_object();
    char path[1024], hex[65];
    size_t count = 0;
    dx_buf text;
    dx_buf_init(&text, STATE_FILE_MAX);
    for (size_t i = 0; i < store->entry_count; i++) {
        const tlist_entry *e = &store->entries[i];
        if (e->list == NULL)
            continue;
        dx_hex(dx_bytes_of(e->list->facts.sha256, 32), hex);
        count++;
        json_array_append_new(lists, json_pack("{sssssssssssssIsb}", "source", e->source_id, "territory",
                                               e->territory, "url", e->url, "sha256", hex, "etag", e->etag,
                                               "last_modified", e->last_modified, "confirmed",
                                               (json_int_t)e->confirmed_s, "below", (int)e->below));
    }
    for (size_t i = 0; i < store->pivot_count; i++) {
        dx_hex(dx_bytes_of(store->pivots[i].sha256, 32), hex);
        json_object_set_new(pivots, store->pivots[i].url, json_string(hex));
    }
    /* A row that is missing would be a list that a restart does not know. */
    bool ok = json_array_size(lists) == count && json_object_size(pivots) == store->pivot_count &&
              json_object_set(root, "lists", lists) == 0 && json_object_set(root, "pivots", pivots) == 0 &&
              dx_json_canonical(root, &text).code == DX_OK;
    json_decref(lists);
    json_decref(pivots);
    json_decref(root);
    tlist_state_path(store, "sources.json", path);
    struct dx_rc rc = ok ? dx_io_replace_file(store->spec.io, path, dx_buf_view(&text), 0600, why)
                         : DX_FAIL(why, NO_MEMORY, "", "no memory for sources.json");
    dx_buf_fini(&text);
    return rc;
}

DX_RC tlist_state_save(tlist_store *store, dx_why *why)
{
    /* The marks first: a snapshot is never published that a restart could roll back behind. */
    if (store->changed)
        DX_TRY(tlist_mark_save(store, why));
    return save_sources(store, why);
}

DX_RC tlist_state_load(tlist_store *store, json_t **sources, dx_why *why)
{
    char path[1024];
    dx_buf file;
    *sources = NULL;
    tlist_state_path(store, "lists", path);
    DX_TRY(dx_io_make_folders(store->spec.io, path, 0700, why));
    DX_TRY(tlist_mark_load(store, why));
    dx_buf_init(&file, STATE_FILE_MAX);
    tlist_state_path(store, "sources.json", path);
    /* A cache: when it is gone, lists are fetched again; the marks still hold. */
    if (dx_io_read_file(store->spec.io, path, STATE_FILE_MAX, &file, NULL).code == DX_OK &&
        dx_json_read(dx_buf_view(&file), &(dx_json_limits){STATE_FILE_MAX, 8, false}, sources, NULL).code !=
            DX_OK)
        *sources = NULL;
    dx_buf_fini(&file);
    return DX_OKAY;
}
