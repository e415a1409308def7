/* The state folder: its lock and lists/<sha256>.xml; sources.json is tlist_sources.c, highwater.json
 * tlist_memory.c. */
#include "trust/list/tlist_store_inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

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

/* Who holds the lock, as far as it can be told. */
static struct dx_rc is_held(const tlist_store *store, const char *path, dx_why *why)
{
    char pid[24] = "";
    ssize_t size = store->spec.io->pread(store->spec.io, store->lock_fd, pid, sizeof pid - 1, 0);
    pid[size > 0 ? (size_t)size : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return DX_FAIL(
        why, BUSY, "",
        "%.200s is held by process %s: a running gateway, or another command. SIGHUP makes a gateway "
        "fetch its lists now; everything else waits until it has ended",
        path, pid[0] == '\0' ? "(unknown)" : pid);
}

DX_RC tlist_state_open(tlist_store *store, dx_why *why)
{
    char path[1024], pid[24];
    if (store->spec.read_only)
        return DX_OKAY;
    tlist_state_path(store, "lists", path);
    DX_TRY(dx_io_make_folders(store->spec.io, path, 0700, why));
    tlist_state_path(store, "lock", path);
    store->lock_fd = store->spec.io->open(store->spec.io, path, O_RDWR | O_CREAT, 0600);
    if (store->lock_fd < 0)
        return DX_FAIL(why, IO, "", "%.200s cannot be opened", path);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return is_held(store, path, why);
    snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (store->spec.io->ftruncate(store->spec.io, store->lock_fd, 0) != 0)
        return DX_FAIL(why, IO, "", "%.200s cannot be written", path);
    return dx_io_write_all(store->spec.io, store->lock_fd, dx_bytes_text(pid), 0, why);
}

DX_RC tlist_state_keep(tlist_store *store, dx_bytes xml, dx_why *why)
{
    uint8_t sha256[32];
    char path[1024];
    struct stat st;
    dx_sha256(xml, sha256);
    list_path(store, sha256, path);
    if (store->spec.read_only || (stat(path, &st) == 0 && (size_t)st.st_size == xml.size))
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
    if (store->spec.read_only || is_named(store, sha256))
        return;
    list_path(store, sha256, path);
    store->spec.io->unlink(store->spec.io, path);
}

void tlist_state_sweep(tlist_store *store)
{
    char path[1024];
    if (store->spec.read_only)
        return;
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

DX_RC tlist_state_save(tlist_store *store, dx_why *why)
{
    if (store->spec.read_only)
        return DX_OKAY;
    /* The marks first: a snapshot is never published that a restart could roll back behind. */
    if (store->changed)
        DX_TRY(tlist_mark_save(store, why));
    return tlist_sources_save(store, why);
}

DX_RC tlist_state_load(tlist_store *store, json_t **sources, dx_why *why)
{
    char path[1024];
    dx_buf file;
    *sources = NULL;
    /* The marks first here too: whoever reads beside a writer sees lists that are as new as the marks, or
     * newer. */
    DX_TRY(tlist_mark_load(store, why));
    dx_buf_init(&file, STATE_FILE_MAX);
    tlist_state_path(store, "sources.json", path);
    if (dx_io_read_file(store->spec.io, path, STATE_FILE_MAX, &file, NULL).code == DX_OK &&
        dx_json_read(dx_buf_view(&file), &(dx_json_limits){STATE_FILE_MAX, 8, false}, sources, NULL).code !=
            DX_OK)
        *sources = NULL;
    dx_buf_fini(&file);
    return DX_OKAY;
}
