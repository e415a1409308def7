/* Documents from files, from a folder with a manifest, or from the network; many at once. */
#include "trust/list/tlist_store_inside.h"

#include <pthread.h>
#include <stdio.h>

enum { FLYING_MAX = 8, CONNECT_MS = 10000, TOTAL_MS = 120000, SLOW_BYTES = 1024, SLOW_S = 30 };

static size_t ceiling(const tlist_transfer *t)
{
    size_t max = t->max_bytes == 0 ? 16u << 20 : t->max_bytes;
    return max > 64u << 20 ? 64u << 20 : max;
}

static void from_file(tlist_store *store, tlist_transfer *t, const char *path)
{
    t->rc = dx_io_read_file(store->spec.io, path, ceiling(t), &t->body, &t->why);
    if (t->rc.code == DX_TOO_LARGE)
        t->rc = tlist_refuse_as(&t->why, DX_TOO_LARGE, 104, "the file is larger than %zu bytes", ceiling(t));
    else if (t->rc.code == DX_OK && t->body.size == 0)
        t->rc = tlist_refuse(&t->why, 107, "the file is empty");
}

static void from_manifest(tlist_store *store, tlist_transfer *t, const json_t *manifest)
{
    char path[1024];
    if (tlist_manifest_find(manifest, store->spec.from_dir, t->url, path))
        from_file(store, t, path);
    else
        t->rc = tlist_refuse_as(&t->why, DX_UNREACHABLE, 107, "manifest.json does not name %.150s", t->url);
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t landed;
    size_t flying;
} flight;
typedef struct {
    tlist_transfer *transfer;
    flight *flight;
} passenger;

static void judge_answer(tlist_transfer *t, const dx_fetch_answer *a)
{
    snprintf(t->new_etag, sizeof t->new_etag, "%s", a->etag);
    snprintf(t->new_last_modified, sizeof t->new_last_modified, "%s", a->last_modified);
    t->unchanged = a->status == 304 && (t->etag != NULL || t->last_modified != NULL);
    if (t->unchanged)
        t->rc = DX_OKAY;
    else if (a->status < 200 || a->status > 299)
        t->rc =
            tlist_refuse_as(&t->why, DX_UNREACHABLE, 107, "the publisher answered with status %d", a->status);
    else if (a->body.size == 0)
        t->rc = tlist_refuse(&t->why, 107, "the publisher answered with an empty body");
    else
        t->rc = dx_buf_add(&t->body, dx_buf_view(&a->body));
}

static void done(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why)
{
    passenger *p = context;
    tlist_transfer *t = p->transfer;
    pthread_mutex_lock(&p->flight->lock);
    if (rc.code == DX_OK)
        judge_answer(t, answer);
    else
        t->rc = tlist_refuse_as(&t->why, rc.code,
                                rc.code == DX_REFUSED     ? 102
                                : rc.code == DX_TIMEOUT   ? 103
                                : rc.code == DX_TOO_LARGE ? 104
                                                          : 107,
                                "%.200s", why == NULL ? "" : why->text);
    t->flying = false;
    p->flight->flying--;
    pthread_cond_signal(&p->flight->landed);
    pthread_mutex_unlock(&p->flight->lock);
}

/* Under the lock of the flight. */
static void take_off(tlist_store *store, passenger *p, int64_t left_ms)
{
    tlist_transfer *t = p->transfer;
    if (strncmp(t->url, "https://", 8) != 0 && !(t->allow_http && strncmp(t->url, "http://", 7) == 0)) {
        t->rc = tlist_refuse(&t->why, 101, "%.150s is not https", t->url);
        return;
    }
    if (store->spec.fetcher == NULL) {
        t->rc = tlist_refuse_as(&t->why, DX_UNREACHABLE, 107, "there is no network for %.150s", t->url);
        return;
    }
    const dx_fetch_request request = {.url = t->url,
                                      .if_none_match = t->etag,
                                      .if_modified_since = t->last_modified,
                                      .connect_ms = left_ms < CONNECT_MS ? (uint32_t)left_ms : CONNECT_MS,
                                      .total_ms = left_ms < TOTAL_MS ? (uint32_t)left_ms : TOTAL_MS,
                                      .low_speed_bytes = SLOW_BYTES,
                                      .low_speed_s = store->spec.drip_s != 0 ? store->spec.drip_s : SLOW_S,
                                      .max_bytes = ceiling(t),
                                      .redirects = 5,
                                      .accept_gzip = true};
    struct dx_rc rc = dx_fetch_submit(store->spec.fetcher, &request, done, p, &t->why);
    if (rc.code != DX_OK) {
        t->rc = rc;
        return;
    }
    t->flying = true;
    p->flight->flying++;
}

static size_t origin_size(const char *url)
{
    const char *host = strstr(url, "://");
    return host == NULL ? 0 : (size_t)(host - url) + 3 + strcspn(host + 3, "/");
}

static bool host_is_busy(const tlist_transfer *transfers, size_t count, const char *url)
{
    size_t size = origin_size(url);
    for (size_t i = 0; i < count; i++)
        if (transfers[i].flying && origin_size(transfers[i].url) == size &&
            strncasecmp(transfers[i].url, url, size) == 0)
            return true;
    return false;
}

/* Starts what may fly now; false when nothing is left to be started. Under the lock of the flight. */
static bool start_some(tlist_store *store, tlist_transfer *transfers, passenger *all, size_t count,
                       int64_t until_us)
{
    bool left = false;
    for (size_t i = 0; i < count; i++) {
        tlist_transfer *t = &transfers[i];
        if (t->begun)
            continue;
        int64_t left_ms = (until_us - dx_mono_us(store->spec.clock)) / 1000;
        if (left_ms <= 0) {
            t->begun = true;
            t->rc =
                tlist_refuse_as(&t->why, DX_TIMEOUT, 108, "the run ended before %.150s had its turn", t->url);
        } else if (all[i].flight->flying < FLYING_MAX && !host_is_busy(transfers, count, t->url)) {
            t->begun = true;
            take_off(store, &all[i], left_ms);
        } else {
            left = true;
        }
    }
    return left;
}

static json_t *read_manifest(tlist_store *store)
{
    char path[1024];
    dx_buf file;
    json_t *manifest = NULL;
    dx_buf_init(&file, TLIST_MANIFEST_MAX);
    snprintf(path, sizeof path, "%s/manifest.json", store->spec.from_dir);
    if (dx_io_read_file(store->spec.io, path, TLIST_MANIFEST_MAX, &file, NULL).code == DX_OK)
        manifest = tlist_manifest_parse(dx_buf_view(&file));
    dx_buf_fini(&file);
    return manifest;
}

void tlist_transfers_run(tlist_store *store, tlist_transfer *transfers, size_t count, int64_t until_us)
{
    flight f = {.lock = PTHREAD_MUTEX_INITIALIZER, .landed = PTHREAD_COND_INITIALIZER};
    passenger all[TLIST_ENTRIES_MAX];
    json_t *manifest = store->spec.from_dir == NULL ? NULL : read_manifest(store);
    for (size_t i = 0; i < count; i++) {
        tlist_transfer *t = &transfers[i];
        dx_buf_init(&t->body, ceiling(t));
        all[i] = (passenger){t, &f};
        bool remote = strstr(t->url, "://") != NULL && strncmp(t->url, "file://", 7) != 0;
        t->begun = !remote || store->spec.from_dir != NULL;
        if (remote && store->spec.from_dir != NULL)
            from_manifest(store, t, manifest);
        else if (!remote)
            from_file(store, t, strncmp(t->url, "file://", 7) == 0 ? t->url + 7 : t->url);
    }
    /* A transfer that is under way ends by its own deadlines; none of them is later than the run's. */
    pthread_mutex_lock(&f.lock);
    while (start_some(store, transfers, all, count, until_us) || f.flying > 0)
        pthread_cond_wait(&f.landed, &f.lock);
    pthread_mutex_unlock(&f.lock);
    pthread_mutex_destroy(&f.lock);
    pthread_cond_destroy(&f.landed);
    json_decref(manifest);
}
