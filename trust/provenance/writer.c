#include "trust/base/digest.h"
#include "trust/base/log.h"
#include "trust/provenance/reader.h"
#include "trust/provenance/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* The one writer of a log (provenance.md 3.3): takes everything that waits, one write and one sync per group, signs only
 * what is durable. No timer: a group is whatever came while the last one was being synced. */

#define GROUP_MAX_BYTES (8U << 20)
#define PAIRS_MAX       4096
#define SEGMENTS_MAX    4096

typedef struct draft draft;
struct draft {
    draft     *next;
    json_t    *root;
    prov_type  type;
    dx_buf     leaf;
    prov_done *done;
    void      *context;
};

typedef struct {
    char     name[80];
    uint64_t n;
} pair;

struct prov_log {
    prov_log_spec   spec;
    char            dir[PATH_MAX], origin[200];
    int             lock_fd, fd;
    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  came;
    draft          *queue, **queue_end;
    size_t          queued;
    bool            stopping, running, healthy;
    vault          *vault;
    /* the writer's own */
    merkle_tree     tree;
    uint64_t        epoch, boot_index;
    uint32_t        segment;
    size_t          segment_size, end;
    pair           *pairs;
    size_t          pair_count;
    dx_buf          leaves, frame, note;
    int64_t         published_us;
    uint64_t        published_size;
    char            boot_id[37];
    bool            suspect; /* the last sync failed: go on in a new segment */
};

static void segment_path(const prov_log *log, const char *name, char out[PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s/%s", log->dir, name) >= PATH_MAX)
        out[0] = 0;
}

/* ---- segments ---- */

/* Zeros by writing: unwritten extents would cost a journal commit with each sync. */
static DX_RC zero_fill(const prov_log *log, const char *path, dx_why *why)
{
    static const uint8_t zeros[1U << 16];
    const dx_io         *io = log->spec.io;
    int                  fd = io->open(io, path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return DX_FAIL(why, IO, "", "cannot create %s: %s", path, strerror(errno));
    struct dx_rc rc = DX_OKAY;
    for (size_t at = 0; at < log->segment_size && rc.code == DX_OK; at += sizeof zeros)
        rc = dx_io_write_all(io, fd, dx_bytes_of(zeros, sizeof zeros), (off_t)at, why);
    if (rc.code == DX_OK && io->fsync(io, fd) != 0)
        rc = DX_FAIL(why, IO, "", "cannot sync %s", path);
    io->close(io, fd);
    if (rc.code != DX_OK)
        io->unlink(io, path);
    return rc;
}

static DX_RC open_segment(prov_log *log, uint32_t ordinal, dx_why *why)
{
    char         name[64], path[PATH_MAX], fresh[PATH_MAX];
    uint8_t      header[SEGMENT_HEADER];
    merkle_hash  root;
    const dx_io *io = log->spec.io;
    snprintf(name, sizeof name, "seg/%08u.seg", ordinal);
    segment_path(log, name, path);
    segment_path(log, "seg/spare", fresh);
    DX_TRY(zero_fill(log, fresh, why));
    merkle_root(&log->tree, merkle_size(&log->tree), root);
    segment_header(header, ordinal, merkle_size(&log->tree), log->epoch, log->origin, root, (uint64_t)dx_now_us(log->spec.clock));
    int fd = io->open(io, fresh, O_RDWR, 0);
    if (fd < 0)
        return DX_FAIL(why, IO, "", "cannot open %s", fresh);
    struct dx_rc rc = dx_io_write_all(io, fd, dx_bytes_of(header, sizeof header), 0, why);
    if (rc.code == DX_OK && (io->fsync(io, fd) != 0 || io->rename(io, fresh, path) != 0))
        rc = DX_FAIL(why, IO, "", "cannot put %s in place", path);
    segment_path(log, "seg", fresh);
    int dir = io->open(io, fresh, O_RDONLY | O_DIRECTORY, 0);
    if (rc.code == DX_OK && (dir < 0 || io->fsync(io, dir) != 0))
        rc = DX_FAIL(why, IO, "", "cannot sync %s", fresh);
    if (dir >= 0)
        io->close(io, dir);
    if (rc.code != DX_OK) {
        io->close(io, fd);
        return rc;
    }
    if (log->fd >= 0)
        io->close(io, log->fd);
    log->fd = fd;
    log->segment = ordinal;
    log->end = SEGMENT_HEADER;
    return DX_OKAY;
}

/* ---- counters (provenance.md 6.4) ---- */

static uint64_t *counter(prov_log *log, const char *name)
{
    for (size_t i = 0; i < log->pair_count; i++)
        if (strcmp(log->pairs[i].name, name) == 0)
            return &log->pairs[i].n;
    if (log->pair_count == PAIRS_MAX)
        return NULL;
    pair *p = &log->pairs[log->pair_count++];
    snprintf(p->name, sizeof p->name, "%s", name);
    p->n = 0;
    return &p->n;
}

static const char *country(const json_t *root, const char *side)
{
    const char *c = json_string_value(json_object_get(json_object_get(root, side), "country"));
    return c != NULL ? c : "ZZ";
}

static void count_one(prov_log *log, json_t *out, const char *name)
{
    uint64_t *n = counter(log, name);
    if (n != NULL && json_object_get(out, name) == NULL)
        json_object_set_new(out, name, json_integer((json_int_t)++*n));
}

static json_t *count_leaf(prov_log *log, const json_t *root)
{
    json_t     *out = json_object();
    const char *from = country(root, "exporter"), *state = json_string_value(json_object_get(json_object_get(root, "outcome"), "state"));
    bool        denied = state != NULL && strcmp(state, "denied") == 0;
    const char *to[10];
    size_t      count = 0;
    json_t     *destination = json_object_get(root, "destination"), *purposes = json_object_get(json_object_get(root, "purpose"), "ids");
    to[count++] = country(root, "importer");
    for (size_t i = 0; i < json_array_size(destination) && count < 9; i++) {
        const char *d = json_string_value(json_array_get(destination, i));
        bool        twice = false;
        for (size_t k = 0; k < count; k++)
            twice |= strcmp(to[k], d) == 0;
        if (!twice)
            to[count++] = d;
    }
    for (size_t i = 0; i < count; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%.2s>%.2s", denied ? "!" : "", from, to[i]);
        count_one(log, out, name);
        for (size_t p = 0; !denied && p < json_array_size(purposes); p++) {
            snprintf(name, sizeof name, "%.2s>%.2s/%.64s", from, to[i], json_string_value(json_array_get(purposes, p)));
            count_one(log, out, name);
        }
    }
    return out;
}

/* What earlier leaves counted, read back at start. */
static void recount(prov_log *log, dx_bytes leaf)
{
    json_t     *root, *n;
    const char *key;
    if (dx_json_read(leaf, &(dx_json_limits){.max_bytes = 65535}, &root, NULL).code != DX_OK)
        return;
    json_object_foreach(json_object_get(json_object_get(root, "log"), "n"), key, n)
    {
        uint64_t *c = counter(log, key);
        if (c != NULL)
            *c = (uint64_t)json_integer_value(n);
    }
    json_decref(root);
}

static void counters_root(prov_log *log, uint8_t root[32])
{
    static uint64_t totals[2704];
    merkle_tree     tree;
    memset(totals, 0, sizeof totals);
    for (size_t i = 0; i < log->pair_count; i++) {
        const char *p = log->pairs[i].name;
        bool        refused = p[0] == '!';
        p += refused;
        if (strchr(p, '/') != NULL)
            continue;
        totals[(refused ? 2 : 0) * 676 + 26 * (p[0] - 'A') + (p[1] - 'A')] += log->pairs[i].n;
        totals[(refused ? 3 : 1) * 676 + 26 * (p[3] - 'A') + (p[4] - 'A')] += log->pairs[i].n;
    }
    merkle_init(&tree);
    for (unsigned slot = 0; slot < 2704; slot++) {
        merkle_hash hash;
        uint8_t     leaf[32];
        vault_slot(log->vault, (uint16_t)slot, totals[slot], leaf);
        merkle_leaf(dx_bytes_of(leaf, 32), hash);
        if (merkle_append(&tree, hash).code != DX_OK)
            abort();
    }
    merkle_root(&tree, 2704, root);
    merkle_fini(&tree);
}

/* ---- one group ---- */

static DX_RC finish_leaf(prov_log *log, draft *d, uint64_t index, dx_why *why)
{
    json_t *member = json_object(), *gateway = json_object();
    if (member == NULL || gateway == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a leaf");
    json_object_set_new(gateway, "id", json_string(log->spec.gateway_id));
    json_object_set_new(gateway, "version", json_string(log->spec.version));
    json_object_set_new(gateway, "boot", json_integer((json_int_t)(d->type == PROV_BOOT ? index : log->boot_index)));
    json_object_set_new(d->root, "gateway", gateway);
    json_object_set_new(member, "i", json_integer((json_int_t)index));
    json_object_set_new(member, "dur", json_string("sync"));
    const char *phase = json_string_value(json_object_get(d->root, "phase"));
    if (d->type == PROV_EXCHANGE && (phase == NULL || strcmp(phase, "end") != 0))
        json_object_set_new(member, "n", count_leaf(log, d->root));
    json_object_set_new(d->root, "log", member);
    dx_buf_init(&d->leaf, 65535);
    struct dx_rc rc = dx_json_canonical(d->root, &d->leaf);
    char         text[200];
    const char  *id = rc.code == DX_OK ? leaf_check(dx_buf_view(&d->leaf), text, sizeof text) : "PV-102";
    if (id != NULL)
        return DX_FAIL_ID(why, USAGE, id, "provenance.md 4.2", "a record breaks its schema: %.150s", rc.code == DX_OK ? text : "too large");
    return DX_OKAY;
}

static void answer(draft *d, struct dx_rc rc, const prov_receipt *receipt, const dx_why *why)
{
    if (d->done != NULL)
        d->done(d->context, rc, receipt, why);
    json_decref(d->root);
    dx_buf_fini(&d->leaf);
    free(d);
}

static DX_RC commit(prov_log *log, uint32_t count, dx_why *why)
{
    merkle_hash  root;
    const dx_io *io = log->spec.io;
    merkle_root(&log->tree, merkle_size(&log->tree), root);
    dx_buf_clear(&log->frame);
    DX_TRY(frame_write(merkle_size(&log->tree), count, dx_buf_view(&log->leaves), root, (uint64_t)dx_now_us(log->spec.clock), log->epoch, &log->frame));
    if (log->suspect || log->end + log->frame.size + 64 > log->segment_size) {
        if (!log->suspect) {
            uint8_t mark[64] = "SKFE";
            DX_TRY(dx_io_write_all(io, log->fd, dx_bytes_of(mark, 64), (off_t)log->end, why));
        }
        DX_TRY(open_segment(log, log->segment + 1, why));
        log->suspect = false;
    }
    struct dx_rc rc = dx_io_write_all(io, log->fd, dx_buf_view(&log->frame), (off_t)log->end, why);
    if (rc.code == DX_OK && io->fdatasync(io, log->fd) != 0)
        rc = dx_fail(why, errno == ENOSPC ? DX_NO_SPACE : DX_IO, "F44", "provenance.md 9", "the log cannot be synced: %s", strerror(errno));
    if (rc.code != DX_OK)
        log->suspect = true; /* never a second sync of this descriptor: its pages may be gone (F44) */
    return rc;
}

static DX_RC sign(prov_log *log, dx_why *why)
{
    merkle_hash root;
    merkle_root(&log->tree, merkle_size(&log->tree), root);
    dx_buf_clear(&log->note);
    return checkpoint_sign(log->origin, merkle_size(&log->tree), root, log->spec.ed25519, log->spec.p256, &log->note, why);
}

/* Takes drafts off a list until a bound; those that break their schema are answered at once. */
static void write_group(prov_log *log, draft *list)
{
    while (list != NULL) {
        draft   *group = NULL, **end = &group;
        uint32_t count = 0;
        uint64_t first = merkle_size(&log->tree);
        dx_why   why = {0};
        dx_buf_clear(&log->leaves);
        while (list != NULL && count < FRAME_LEAVES && log->leaves.size < GROUP_MAX_BYTES) {
            draft       *d = list;
            struct dx_rc rc = finish_leaf(log, d, first + count, &why);
            uint8_t      length[2];
            list = d->next;
            d->next = NULL;
            if (rc.code == DX_OK) {
                length[0] = (uint8_t)(d->leaf.size >> 8);
                length[1] = (uint8_t)d->leaf.size;
                rc = dx_buf_add(&log->leaves, dx_bytes_of(length, 2));
            }
            if (rc.code == DX_OK)
                rc = dx_buf_add(&log->leaves, dx_buf_view(&d->leaf));
            if (rc.code != DX_OK) {
                dx_log_why(DX_LOG_ERROR, "provenance.refused", &why);
                answer(d, rc, NULL, &why);
                continue;
            }
            *end = d;
            end = &d->next;
            count++;
        }
        if (count == 0)
            continue;
        struct dx_rc rc = commit(log, count, &why);
        bool         healthy = rc.code == DX_OK;
        if (healthy) {
            log->end += log->frame.size;
            for (draft *d = group; d != NULL; d = d->next) {
                merkle_hash hash;
                merkle_leaf(dx_buf_view(&d->leaf), hash);
                if (merkle_append(&log->tree, hash).code != DX_OK)
                    abort(); /* durable but not in the tree: the next start reads it from the disk (P1 holds) */
            }
            rc = sign(log, &why);
        } else {
            dx_log_why(DX_LOG_SECURITY, "provenance.io_error", &why);
        }
        pthread_mutex_lock(&log->lock);
        log->healthy = healthy;
        pthread_mutex_unlock(&log->lock);
        for (uint64_t i = 0; group != NULL; i++) {
            draft       *d = group;
            prov_receipt receipt = {.index = first + i, .size = merkle_size(&log->tree), .checkpoint = (const char *)log->note.data,
                                    .checkpoint_size = log->note.size};
            group = d->next;
            merkle_leaf(dx_buf_view(&d->leaf), receipt.leaf_hash);
            answer(d, rc, &receipt, &why);
        }
    }
}

/* ---- publishing ---- */

static draft *own_leaf(prov_log *log, prov_type type)
{
    draft *d = calloc(1, sizeof *d);
    char   when[DX_TIME_SIZE], id[37];
    if (d == NULL || (d->root = json_object()) == NULL) {
        free(d);
        return NULL;
    }
    d->type = type;
    dx_time_print_us(dx_now_us(log->spec.clock), when);
    uint8_t random[16];
    char    hex[33];
    (void)log->spec.io->random(log->spec.io, random, sizeof random);
    int64_t ms = dx_now_us(log->spec.clock) / 1000;
    for (int i = 0; i < 6; i++)
        random[i] = (uint8_t)(ms >> (40 - 8 * i));
    random[6] = (uint8_t)(0x70 | (random[6] & 15));
    random[8] = (uint8_t)(0x80 | (random[8] & 63));
    dx_hex(dx_bytes_of(random, 16), hex);
    snprintf(id, sizeof id, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    json_object_set_new(d->root, "v", json_integer(1));
    json_object_set_new(d->root, "type", json_string(prov_type_text(type)));
    json_object_set_new(d->root, "rec", json_pack("{s:s}", "id", id));
    json_object_set_new(d->root, "time", json_pack("{s:s,s:s}", "start", when, "source", "ntp"));
    return d;
}

static DX_RC put_head(prov_log *log, dx_why *why)
{
    char path[PATH_MAX];
    segment_path(log, "HEAD", path);
    DX_TRY(dx_io_replace_file(log->spec.io, path, dx_buf_view(&log->note), 0600, why));
    if (log->spec.guard_dir != NULL) {
        snprintf(path, sizeof path, "%s/HEAD", log->spec.guard_dir);
        DX_TRY(dx_io_replace_file(log->spec.io, path, dx_buf_view(&log->note), 0600, why));
    }
    return DX_OKAY;
}

static void publish(prov_log *log)
{
    uint8_t root[32];
    char    text[DX_BASE64URL_SIZE(32)];
    dx_why  why = {0};
    draft  *d = own_leaf(log, PROV_COUNTERS);
    log->published_us = dx_mono_us(log->spec.clock);
    if (d == NULL)
        return;
    counters_root(log, root);
    dx_base64url(dx_bytes_of(root, 32), text);
    json_object_set_new(d->root, "counters", json_pack("{s:s,s:I}", "root", text, "pairs", (json_int_t)log->pair_count));
    write_group(log, d);
    if (!log->healthy || put_head(log, &why).code != DX_OK) {
        if (why.text[0])
            dx_log_why(DX_LOG_ERROR, "checkpoint.failed", &why);
        return;
    }
    log->published_size = merkle_size(&log->tree);
    if (log->spec.published != NULL) {
        uint8_t sha256[32];
        dx_sha256(dx_buf_view(&log->note), sha256);
        log->spec.published(log->spec.published_context, sha256);
    }
}

static void *run(void *argument)
{
    prov_log *log = argument;
    int64_t   every_us = (int64_t)(log->spec.publish_interval_ms != 0 ? log->spec.publish_interval_ms : 2000) * 1000;
    for (;;) {
        pthread_mutex_lock(&log->lock);
        bool due = false;
        while (log->queue == NULL && !log->stopping && !due) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 1;
            pthread_cond_timedwait(&log->came, &log->lock, &until);
            due = merkle_size(&log->tree) > log->published_size && dx_mono_us(log->spec.clock) - log->published_us >= every_us;
        }
        draft *list = log->queue;
        log->queue = NULL;
        log->queue_end = &log->queue;
        log->queued = 0;
        bool stop = log->stopping && list == NULL;
        pthread_mutex_unlock(&log->lock);
        write_group(log, list);
        if (merkle_size(&log->tree) > log->published_size && dx_mono_us(log->spec.clock) - log->published_us >= every_us)
            publish(log);
        if (stop)
            return NULL;
    }
}

/* ---- appending ---- */

static DX_RC enqueue(prov_log *log, draft *d, dx_why *why)
{
    size_t max = log->spec.queue_max != 0 ? log->spec.queue_max : 4096;
    pthread_mutex_lock(&log->lock);
    bool room = log->queued < max && log->running && !log->stopping;
    if (room) {
        *log->queue_end = d;
        log->queue_end = &d->next;
        log->queued++;
        pthread_cond_signal(&log->came);
    }
    pthread_mutex_unlock(&log->lock);
    if (room)
        return DX_OKAY;
    json_decref(d->root);
    free(d);
    return DX_FAIL(why, BUSY, "provenance.md 3.3", "too many records wait for the disk");
}

DX_RC prov_append(prov_log *log, prov_record *r, prov_done *done, void *context, dx_why *why)
{
    if (r->bad) {
        json_decref(r->root);
        return DX_FAIL_ID(why, USAGE, "PV-102", "provenance.md 4.2", "a record was filled wrongly at %s", r->bad_path);
    }
    json_t     *rec = json_object_get(r->root, "rec");
    const char *id = json_string_value(json_object_get(rec, "id"));
    char        fresh[37];
    if (id == NULL) { /* documents of the gateway itself */
        draft *scratch = own_leaf(log, r->type);
        if (scratch == NULL) {
            json_decref(r->root);
            return DX_FAIL(why, NO_MEMORY, "", "no memory for a record");
        }
        snprintf(fresh, sizeof fresh, "%s", json_string_value(json_object_get(json_object_get(scratch->root, "rec"), "id")));
        json_decref(scratch->root);
        free(scratch);
        json_object_set_new(r->root, "rec", json_pack("{s:s}", "id", fresh));
        id = fresh;
    }
    for (size_t i = 0; i < r->commit_count; i++) {
        char text[DX_BASE64URL_SIZE(32) + 3];
        vault_commit(log->vault, id, r->commits[i].path, r->commits[i].inner, text);
        prov_set_str(r, r->commits[i].path, text);
    }
    draft *d = calloc(1, sizeof *d);
    if (d == NULL) {
        json_decref(r->root);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a record");
    }
    d->root = r->root;
    r->root = NULL;
    d->type = r->type;
    d->done = done;
    d->context = context;
    return enqueue(log, d, why);
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t  came;
    bool            done;
    struct dx_rc    rc;
    prov_receipt   *receipt;
    dx_why         *why;
} waiter;

static void wake(void *context, struct dx_rc rc, const prov_receipt *receipt, const dx_why *why)
{
    waiter *w = context;
    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    if (rc.code == DX_OK)
        *w->receipt = *receipt;
    else if (w->why != NULL)
        *w->why = *why;
    w->receipt->checkpoint = NULL;
    w->done = true;
    pthread_cond_signal(&w->came);
    pthread_mutex_unlock(&w->lock);
}

DX_RC prov_append_wait(prov_log *log, prov_record *record, prov_receipt *receipt, dx_why *why)
{
    waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, DX_OKAY, receipt, why};
    DX_TRY(prov_append(log, record, wake, &w, why));
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.came, &w.lock);
    pthread_mutex_unlock(&w.lock);
    return w.rc;
}

/* ---- opening ---- */

static bool take_leaf(void *context, uint64_t index, dx_bytes leaf, size_t segment, size_t offset)
{
    (void)index;
    (void)segment;
    (void)offset;
    recount(context, leaf);
    return true;
}

static struct dx_rc broken(dx_why *why, const char *id, const char *format, const char *text)
{
    return dx_fail(why, DX_BROKEN, id, "provenance.md 9", format, text);
}

/* HEAD, or its copy on the other volume, must lie in this log's past. */
static DX_RC judge_head(prov_log *log, const char *path, dx_why *why)
{
    dx_buf      note;
    checkpoint  c;
    merkle_hash root;
    struct dx_rc rc = dx_io_read_file(log->spec.io, path, 98304, &note, why);
    if (rc.code == DX_NOT_FOUND)
        return DX_OKAY;
    DX_TRY(rc);
    dx_bytes text = dx_buf_view(&note);
    const uint8_t *blank = memmem(text.data, text.size, "\n\n", 2);
    bool ok = blank != NULL && checkpoint_read_text(dx_bytes_part(text, 0, (size_t)(blank - text.data) + 1), &c) && dx_bytes_is(c.origin, log->origin);
    rc = DX_OKAY;
    if (!ok) {
        rc = broken(why, "PV-104", "%s is not a checkpoint of this log", path);
    } else if (c.size > merkle_size(&log->tree)) {
        rc = broken(why, "PV-501", "the log is shorter than its head says: %s", path);
    } else {
        merkle_root(&log->tree, c.size, root);
        if (memcmp(root, c.root, 32) != 0)
            rc = broken(why, "PV-502", "another tree of the same size was signed: %s", path);
        log->published_size = c.size;
    }
    dx_buf_fini(&note);
    return rc;
}

static DX_RC recover(prov_log *log, recovery *r, size_t *segments, dx_why *why)
{
    dx_buf  *files;
    size_t   count;
    dx_bytes views[SEGMENTS_MAX];
    DX_TRY(prov_segments_load(log->spec.io, log->dir, &files, &count, why));
    for (size_t i = 0; i < count; i++)
        views[i] = dx_buf_view(&files[i]);
    struct dx_rc rc = segments_walk(views, count, log->origin, false, &log->tree, take_leaf, log, r);
    if (rc.code == DX_OK && r->damaged)
        rc = broken(why, r->id, "the log is damaged: %s", r->text);
    *segments = count;
    prov_segments_free(files, count);
    return rc;
}

/* Goes on behind the last whole frame; what a crash left behind it is zeroed first. */
static DX_RC continue_segment(prov_log *log, const recovery *r, dx_why *why)
{
    char         name[64], path[PATH_MAX];
    const dx_io *io = log->spec.io;
    snprintf(name, sizeof name, "seg/%08zu.seg", r->segment);
    segment_path(log, name, path);
    log->fd = io->open(io, path, O_RDWR, 0);
    log->segment = (uint32_t)r->segment;
    log->end = r->end;
    struct stat st;
    if (log->fd < 0 || io->fstat(io, log->fd, &st) != 0)
        return DX_FAIL(why, IO, "", "cannot open %s", path);
    if ((size_t)st.st_size < log->segment_size) {
        log->suspect = true; /* another size than configured: the next frame starts a new segment */
        return DX_OKAY;
    }
    log->segment_size = (size_t)st.st_size;
    if (r->torn) {
        dx_log(DX_LOG_WARN, "provenance.recovered", F_INT("size", (int64_t)merkle_size(&log->tree)), F_INT("segment", (int64_t)r->segment));
        static const uint8_t zeros[1U << 16];
        for (size_t at = r->end; at < log->segment_size; at += sizeof zeros) {
            size_t n = log->segment_size - at < sizeof zeros ? log->segment_size - at : sizeof zeros;
            DX_TRY(dx_io_write_all(io, log->fd, dx_bytes_of(zeros, n), (off_t)at, why));
        }
        if (io->fsync(io, log->fd) != 0)
            return DX_FAIL(why, IO, "", "cannot sync %s", path);
    }
    return DX_OKAY;
}

static void first_leaves(prov_log *log, const recovery *r, uint64_t found)
{
    uint8_t zero[32] = {0};
    char    digest[DX_BASE64URL_SIZE(32)];
    dx_base64url(dx_bytes_of(zero, 32), digest);
    draft *d;
    if (found == 0 && (d = own_leaf(log, PROV_OPENING)) != NULL) {
        json_object_set_new(d->root, "opening", json_pack("{s:s}", "reason", "first"));
        log->boot_index = 1;
        write_group(log, d);
    }
    d = own_leaf(log, PROV_BOOT);
    if (d == NULL)
        return;
    snprintf(log->boot_id, sizeof log->boot_id, "%s", json_string_value(json_object_get(json_object_get(d->root, "rec"), "id")));
    log->boot_index = merkle_size(&log->tree);
    json_object_set_new(d->root, "boot", json_pack("{s:s,s:s,s:[{s:s,s:s}],s:s,s:b,s:I,s:i}", "id", log->boot_id, "build", log->spec.version, "libs",
                                                   "name", "sekisho", "version", log->spec.version, "config_sha256", digest, "clean", !r->torn,
                                                   "recovered", (json_int_t)(found - log->published_size), "guards", log->spec.guard_dir != NULL));
    write_group(log, d);
}

static void current_shard(const dx_clock *clock, char out[16])
{
    int64_t  year;
    unsigned month, day;
    dx_civil_from_days(dx_now_s(clock) / 86400, &year, &month, &day);
    snprintf(out, 16, "%dq%u", (int)year, (month - 1) / 3 + 1);
}

static DX_RC open_all(prov_log *log, dx_why *why)
{
    const prov_log_spec *s = &log->spec;
    char                 shard[16], path[PATH_MAX];
    recovery             r;
    size_t               segments;
    current_shard(s->clock, shard);
    if (snprintf(log->dir, sizeof log->dir, "%s/%s", s->dir, s->shard != NULL ? s->shard : shard) >= (int)sizeof log->dir)
        return DX_FAIL(why, CONFIG, "", "the log's folder name is too long");
    snprintf(log->origin, sizeof log->origin, "%s/provenance/%s", s->host, s->shard != NULL ? s->shard : shard);
    if (!origin_ok(dx_bytes_text(log->origin)))
        return DX_FAIL_ID(why, CONFIG, "PV-104", "provenance.md 3.1", "%s cannot be the origin of a log", log->origin);
    segment_path(log, "seg", path);
    DX_TRY(dx_io_make_folders(s->io, path, 0700, why));
    if (s->guard_dir != NULL)
        DX_TRY(dx_io_make_folders(s->io, s->guard_dir, 0700, why));
    else
        dx_log(DX_LOG_WARN, "provenance.unguarded", F_STR("text", "no guard_dir: a restored old log would not be noticed"));
    segment_path(log, "LOCK", path);
    log->lock_fd = s->io->open(s->io, path, O_RDWR | O_CREAT, 0600);
    if (log->lock_fd < 0 || flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return broken(why, "F48", "%s is in use by another process", log->dir);
    DX_TRY(vault_open(s->io, log->dir, s->kek_dir, &log->vault, why));
    DX_TRY(recover(log, &r, &segments, why));
    segment_path(log, "HEAD", path);
    DX_TRY(judge_head(log, path, why));
    if (s->guard_dir != NULL) {
        snprintf(path, sizeof path, "%s/HEAD", s->guard_dir);
        DX_TRY(judge_head(log, path, why));
    }
    log->epoch = r.epoch + 1;
    uint64_t found = merkle_size(&log->tree);
    DX_TRY(segments == 0 ? open_segment(log, 0, why) : continue_segment(log, &r, why));
    first_leaves(log, &r, found);
    if (!log->healthy)
        return DX_FAIL(why, NO_SPACE, "", "the log cannot take its first record; see the events before this one");
    return DX_OKAY;
}

DX_RC prov_log_open(const prov_log_spec *spec, prov_log **out, dx_why *why)
{
    prov_log *log = calloc(1, sizeof *log);
    *out = NULL;
    if (log == NULL || (log->pairs = calloc(PAIRS_MAX, sizeof *log->pairs)) == NULL) {
        free(log);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the log");
    }
    log->spec = *spec;
    log->fd = log->lock_fd = -1;
    log->queue_end = &log->queue;
    log->segment_size = (size_t)(spec->segment_mib != 0 ? spec->segment_mib : 256) << 20;
    merkle_init(&log->tree);
    dx_buf_init(&log->leaves, FRAME_MAX);
    dx_buf_init(&log->frame, FRAME_MAX + 256);
    dx_buf_init(&log->note, 98304);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->came, NULL);
    struct dx_rc rc = open_all(log, why);
    if (rc.code == DX_OK) {
        publish(log);
        log->running = pthread_create(&log->thread, NULL, run, log) == 0;
        if (!log->running)
            rc = DX_FAIL(why, NO_MEMORY, "", "no thread for the log");
    }
    if (rc.code != DX_OK) {
        prov_log_close(log);
        return rc;
    }
    *out = log;
    return DX_OKAY;
}

void prov_log_close(prov_log *log)
{
    if (log == NULL)
        return;
    if (log->running) {
        pthread_mutex_lock(&log->lock);
        log->stopping = true;
        pthread_cond_signal(&log->came);
        pthread_mutex_unlock(&log->lock);
        pthread_join(log->thread, NULL);
        draft *d = own_leaf(log, PROV_STOP);
        if (d != NULL) {
            json_object_set_new(d->root, "stop", json_pack("{s:s}", "id", log->boot_id));
            write_group(log, d);
        }
        publish(log);
    }
    if (log->fd >= 0)
        log->spec.io->close(log->spec.io, log->fd);
    if (log->lock_fd >= 0)
        log->spec.io->close(log->spec.io, log->lock_fd);
    vault_close(log->vault);
    merkle_fini(&log->tree);
    dx_buf_fini(&log->leaves);
    dx_buf_fini(&log->frame);
    dx_buf_fini(&log->note);
    free(log->pairs);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->came);
    free(log);
}

const char *prov_log_origin(const prov_log *log)
{
    return log->origin;
}

bool prov_log_healthy(const prov_log *log)
{
    prov_log *l = (prov_log *)(uintptr_t)log;
    pthread_mutex_lock(&l->lock);
    bool healthy = l->healthy;
    pthread_mutex_unlock(&l->lock);
    return healthy;
}

DX_RC prov_vkeys(const prov_log_spec *spec, dx_buf *lines, dx_why *why)
{
    char shard[16], origin[200];
    current_shard(spec->clock, shard);
    snprintf(origin, sizeof origin, "%s/provenance/%s", spec->host, spec->shard != NULL ? spec->shard : shard);
    DX_TRY(note_vkey(origin, spec->ed25519, lines, why));
    return spec->p256 != NULL ? note_vkey(origin, spec->p256, lines, why) : DX_OKAY;
}

DX_RC prov_evidence_put(prov_log *log, dx_bytes blob, uint8_t sha256[32], dx_why *why)
{
    char hex[65], path[PATH_MAX];
    dx_sha256(blob, sha256);
    dx_hex(dx_bytes_of(sha256, 32), hex);
    snprintf(path, sizeof path, "%s/evidence/%.2s", log->spec.dir, hex);
    DX_TRY(dx_io_make_folders(log->spec.io, path, 0700, why));
    snprintf(path, sizeof path, "%s/evidence/%.2s/%s", log->spec.dir, hex, hex);
    int fd = log->spec.io->open(log->spec.io, path, O_RDONLY, 0);
    if (fd >= 0) { /* named by its content: it is there already */
        log->spec.io->close(log->spec.io, fd);
        return DX_OKAY;
    }
    return dx_io_replace_file(log->spec.io, path, blob, 0600, why);
}
