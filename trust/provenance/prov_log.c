/* The door of a running log: open, append, publish, close. */
#include "trust/base/digest.h"
#include "trust/base/log.h"
#include "trust/provenance/index_sqlite.h"
#include "trust/provenance/writer.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

static void quarter(int64_t unix_s, char out[16])
{
    int64_t year;
    unsigned month, day;
    dx_civil_from_days(unix_s / 86400, &year, &month, &day);
    snprintf(out, 16, "%04uq%u", (unsigned)(year % 10000), (month - 1) / 3 + 1);
}

/* Origin and keys: all that verifier keys need. */
static DX_RC settle_keys(prov_log *log, const prov_log_spec *spec, dx_why *why)
{
    char shard[16];
    quarter(dx_now_s(log->clock), shard);
    const char *name = spec->shard != NULL ? spec->shard : shard;
    if (spec->host == NULL || spec->ed25519 == NULL)
        return DX_FAIL(why, CONFIG, "provenance.md 11", "a host and an Ed25519 key are needed");
    if (strchr(name, '/') != NULL || name[0] == 0 || name[0] == '.' || strlen(name) >= sizeof log->shard)
        return DX_FAIL(why, CONFIG, "provenance.md 3.2", "the shard is no folder name");
    snprintf(log->shard, sizeof log->shard, "%s", name);
    if (snprintf(log->origin, sizeof log->origin, "%s/provenance/%s", spec->host, name) >=
        (int)sizeof log->origin)
        return DX_FAIL_ID(why, CONFIG, "PV-104", "provenance.md 3.1", "the origin is over 128 bytes");
    log->signers[0] = sign_ref(spec->ed25519);
    log->signers[1] = spec->p256 == NULL ? NULL : sign_ref(spec->p256);
    for (int i = 0; i < 2; i++)
        if (log->signers[i] != NULL)
            DX_TRY(note_key_of(log->signers[i], log->origin, &log->keys[i], why));
    if (log->keys[0].type != NOTE_ED25519)
        return DX_FAIL_ID(why, CONFIG, "PV-107", "provenance.md 3.1",
                          "the first key of a log is an Ed25519 key");
    return DX_OKAY;
}

static DX_RC settle_names(prov_log *log, const prov_log_spec *spec, dx_why *why)
{
    if (spec->dir == NULL || spec->gateway_id == NULL || spec->version == NULL || spec->kek_dir == NULL)
        return DX_FAIL(why, CONFIG, "provenance.md 11",
                       "dir, gateway id, version and a key folder are needed");
    snprintf(log->base, sizeof log->base, "%s", spec->dir);
    if (snprintf(log->folder, sizeof log->folder, "%s/%s", spec->dir, log->shard) > PATH_MAX - 64)
        return DX_FAIL(why, CONFIG, "provenance.md 3.2", "the path of the log is too long");
    snprintf(log->guard, sizeof log->guard, "%s", spec->guard_dir == NULL ? "" : spec->guard_dir);
    snprintf(log->gateway_id, sizeof log->gateway_id, "%s", spec->gateway_id);
    snprintf(log->version, sizeof log->version, "%s", spec->version);
    snprintf(log->time_source, sizeof log->time_source, "%s",
             spec->time_source == NULL ? "none" : spec->time_source);
    return DX_OKAY;
}

static DX_RC make_folders(prov_log *log, dx_why *why)
{
    static const char *const parts[] = {"seg", "tiles", "vault", "index"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[PATH_MAX + 16];
        snprintf(path, sizeof path, "%s/%s", log->folder, parts[i]);
        DX_TRY(dx_io_make_folders(log->io, path, 0700, why));
    }
    return log->guard[0] != 0 ? dx_io_make_folders(log->io, log->guard, 0700, why) : DX_OKAY;
}

static DX_RC take_lock(prov_log *log, dx_why *why)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/LOCK", log->folder);
    log->lock_fd = log->io->open(log->io, path, O_RDWR | O_CREAT, 0600);
    if (log->lock_fd < 0)
        return dx_io_fail(why, "cannot open", path);
    if (flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return DX_FAIL(why, BROKEN, "provenance.md 9 F48", "another process writes this log: %s",
                       log->folder);
    return DX_OKAY;
}

static prov_log *log_new(const prov_log_spec *spec)
{
    prov_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->io = spec->io != NULL ? spec->io : &dx_io_system;
    log->clock = spec->clock != NULL ? spec->clock : &dx_clock_system;
    log->publish_interval_ms = spec->publish_interval_ms != 0 ? spec->publish_interval_ms : 2000;
    log->queue_max = spec->queue_max != 0 ? spec->queue_max : 4096;
    log->segment_bytes = (uint64_t)(spec->segment_mib != 0 ? spec->segment_mib : 256) << 20;
    log->spares = spec->spares != 0 ? spec->spares : 2;
    log->published = spec->published;
    log->published_context = spec->published_context;
    if (spec->config_sha256 != NULL)
        memcpy(log->config_sha256, spec->config_sha256, 32);
    else
        dx_sha256(DX_BYTES(""), log->config_sha256);
    log->lock_fd = log->segment_fd = log->offsets.fd = -1;
    for (unsigned i = 0; i < WRITER_LEVELS; i++) {
        log->tiles[i].fd = -1;
        dx_buf_init(&log->tiles[i].pending, 64U << 20);
    }
    dx_buf_init(&log->offsets.pending, 64U << 20);
    dx_buf_init(&log->frame, FRAME_MAX_BYTES + SEGMENT_STEP);
    dx_buf_init(&log->note, NOTE_MAX_BYTES);
    dx_buf_init(&log->to_publish, NOTE_MAX_BYTES);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->wake, NULL);
    pthread_cond_init(&log->kept, NULL);
    pthread_cond_init(&log->keep, NULL);
    log->last = &log->first;
    log->counters = counters_new();
    log->batch = calloc(1, sizeof *log->batch);
    return log;
}

static void log_free(prov_log *log)
{
    if (log->segment_fd >= 0)
        log->io->close(log->io, log->segment_fd);
    for (unsigned i = 0; i < WRITER_LEVELS; i++) {
        if (log->tiles[i].fd >= 0)
            log->io->close(log->io, log->tiles[i].fd);
        dx_buf_fini(&log->tiles[i].pending);
    }
    if (log->offsets.fd >= 0)
        log->io->close(log->io, log->offsets.fd);
    dx_buf_fini(&log->offsets.pending);
    dx_buf_fini(&log->frame);
    dx_buf_fini(&log->note);
    dx_buf_fini(&log->to_publish);
    counters_free(log->counters);
    free(log->batch);
    vault_close(log->vault);
    for (int i = 0; i < 2; i++)
        sign_unref(log->signers[i]);
    if (log->lock_fd >= 0)
        log->io->close(log->io, log->lock_fd); /* and with it the lock */
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->wake);
    pthread_cond_destroy(&log->kept);
    pthread_cond_destroy(&log->keep);
    free(log);
}

static void add_library(prov_record *record, const char *name, const char *version)
{
    prov_add_object(record, "boot.libs");
    prov_set_str(record, "boot.libs.name", name);
    prov_set_str(record, "boot.libs.version", version);
}

static DX_RC write_boot(prov_log *log, const recovery *r, dx_why *why)
{
    dx_arena arena = {0};
    prov_record *record;
    struct dx_rc rc = DX_OKAY;
    if (log->tree.size == 0) { /* leaf 0 of every shard */
        atomic_store(&log->boot_index, 1);
        record = prov_record_new(&arena, PROV_OPENING);
        prov_set_str(record, "opening.reason", "first");
        rc = prov_append_wait(log, record, NULL, why);
    }
    if (rc.code == DX_OK) {
        atomic_store(&log->boot_index, log->tree.size);
        record = prov_record_new(&arena, PROV_BOOT);
        prov_set_str(record, "boot.id", log->boot_id);
        prov_set_str(record, "boot.build", SEKISHO_VERSION);
        add_library(record, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
        add_library(record, "jansson", jansson_version_str());
        add_library(record, "sqlite", index_sqlite_version());
        prov_set_sha256(record, "boot.config_sha256", log->config_sha256);
        prov_set_bool(record, "boot.clean", r->clean);
        prov_set_int(record, "boot.recovered", (int64_t)r->recovered);
        prov_set_int(record, "boot.guards", log->guard[0] != 0);
        rc = prov_append_wait(log, record, NULL, why);
    }
    dx_arena_fini(&arena);
    return rc;
}

/* What the last process could not say (provenance.md 3.3): streams that never ended, and leaves that nobody
 * published. */
static DX_RC write_outcomes(prov_log *log, const recovery *r, dx_why *why)
{
    dx_arena arena = {0};
    struct dx_rc rc = DX_OKAY;
    for (size_t i = 0; i < r->lost_count && rc.code == DX_OK; i++) {
        prov_record *record = prov_record_new(&arena, PROV_OUTCOME);
        prov_set_str(record, "outcome.of", r->lost[i]);
        prov_set_str(record, "outcome.state", "lost");
        rc = prov_append_wait(log, record, NULL, why);
    }
    if (rc.code == DX_OK && !r->clean && r->recovered > 0) {
        prov_record *record = prov_record_new(&arena, PROV_OUTCOME);
        prov_add_int(record, "outcome.range", (int64_t)r->head_size);
        prov_add_int(record, "outcome.range", (int64_t)(r->head_size + r->recovered - 1));
        prov_set_str(record, "outcome.state", "unknown");
        rc = prov_append_wait(log, record, NULL, why);
    }
    dx_arena_fini(&arena);
    return rc;
}

static DX_RC start_threads(prov_log *log, dx_why *why)
{
    log->keeper_runs = pthread_create(&log->keeper, NULL, keeper_main, log) == 0;
    log->writer_runs = log->keeper_runs && pthread_create(&log->writer, NULL, writer_main, log) == 0;
    return log->writer_runs ? DX_OKAY : DX_FAIL(why, NO_MEMORY, "", "cannot start the writer thread");
}

static void stop_threads(prov_log *log)
{
    pthread_mutex_lock(&log->lock);
    log->stopping = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    if (log->writer_runs)
        pthread_join(log->writer, NULL);
    pthread_mutex_lock(&log->lock);
    log->keeper_stop = true;
    pthread_cond_signal(&log->keep);
    pthread_mutex_unlock(&log->lock);
    if (log->keeper_runs)
        pthread_join(log->keeper, NULL);
}

static DX_RC open_all(prov_log *log, const prov_log_spec *spec, dx_why *why)
{
    recovery r;
    char folder[PATH_MAX + 16];
    DX_TRY(settle_keys(log, spec, why));
    DX_TRY(settle_names(log, spec, why));
    DX_TRY(make_folders(log, why));
    DX_TRY(take_lock(log, why));
    snprintf(folder, sizeof folder, "%s/vault", log->folder);
    DX_TRY(vault_open(log->io, log->clock, folder, spec->kek_dir, &log->vault, why));
    DX_TRY(vault_counters_key(log->vault, log->counters_key, why));
    struct dx_rc rc = recover_log(log, &r, why);
    if (rc.code == DX_OK) {
        draft_uuid(log, log->boot_id);
        if (log->guard[0] == 0)
            dx_log(DX_LOG_WARN, "provenance.no-guard", F_STR("origin", log->origin));
        log->published_us = dx_mono_us(log->clock);
        atomic_store(&log->healthy, true);
        rc = start_threads(log, why);
        if (rc.code == DX_OK)
            rc = write_boot(log, &r, why);
        pthread_mutex_lock(&log->lock);
        log->booted = true;
        pthread_cond_signal(&log->wake);
        pthread_mutex_unlock(&log->lock);
        if (rc.code == DX_OK)
            rc = write_outcomes(log, &r, why);
    }
    recovery_fini(&r);
    return rc;
}

DX_RC prov_log_open(const prov_log_spec *spec, prov_log **out, dx_why *why)
{
    *out = NULL;
    prov_log *log = log_new(spec);
    if (log == NULL || log->counters == NULL || log->batch == NULL) {
        if (log != NULL)
            log_free(log);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a log");
    }
    struct dx_rc rc = open_all(log, spec, why);
    if (rc.code != DX_OK) {
        if (rc.code == DX_BROKEN)
            dx_log_why(DX_LOG_SECURITY, "provenance.broken", why);
        stop_threads(log);
        log_free(log);
        return rc;
    }
    dx_log(DX_LOG_INFO, "provenance.open", F_STR("origin", log->origin),
           F_INT("boot", atomic_load(&log->boot_index)));
    *out = log;
    return DX_OKAY;
}

void prov_log_close(prov_log *log)
{
    if (log == NULL)
        return;
    dx_arena arena = {0};
    dx_why why = {0};
    prov_record *record = prov_record_new(&arena, PROV_STOP);
    /* counters, then stop: a start that finds stop as the last leaf knows that nothing was under way */
    if (prov_log_publish(log, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.stop", &why);
    atomic_store(&log->closing, true);
    prov_set_str(record, "stop.id", log->boot_id);
    if (prov_append_wait(log, record, NULL, &why).code != DX_OK || prov_log_publish(log, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.stop", &why);
    dx_arena_fini(&arena);
    stop_threads(log);
    log_free(log);
}

const char *prov_log_origin(const prov_log *log)
{
    return log->origin;
}

const char *prov_log_folder(const prov_log *log)
{
    return log->folder;
}

bool prov_log_healthy(const prov_log *log)
{
    return atomic_load(&log->healthy);
}

DX_RC prov_append(prov_log *log, prov_record *record, prov_done *done, void *context, dx_why *why)
{
    writer_draft *draft = NULL;
    if (record == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no record: its arena was out of memory");
    DX_TRY(draft_make(log, record, done, context, &draft, why));
    pthread_mutex_lock(&log->lock);
    bool full = log->queued >= log->queue_max || log->queued_bytes + draft->bytes > WRITER_QUEUE_BYTES;
    if (!full && !log->stopping) {
        *log->last = draft;
        log->last = &draft->next;
        log->queued++;
        log->queued_bytes += draft->bytes;
        pthread_cond_signal(&log->wake);
        draft = NULL;
    }
    pthread_mutex_unlock(&log->lock);
    if (draft == NULL)
        return DX_OKAY;
    free(draft);
    return DX_FAIL(why, BUSY, "provenance.md 3.3",
                   full ? "the queue of the log is full" : "the log is closing");
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool finished;
    struct dx_rc rc;
    prov_receipt *receipt;
    dx_why *why;
} waiter;

static void waited(void *context, struct dx_rc rc, const prov_receipt *receipt, const dx_why *why)
{
    waiter *w = context;
    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    if (rc.code == DX_OK && w->receipt != NULL) {
        *w->receipt = *receipt;
        w->receipt->checkpoint = NULL; /* it lives only as long as this call */
        w->receipt->checkpoint_size = 0;
    }
    if (rc.code != DX_OK && w->why != NULL)
        *w->why = *why;
    w->finished = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

DX_RC prov_append_wait(prov_log *log, prov_record *record, prov_receipt *receipt, dx_why *why)
{
    waiter w = {.receipt = receipt, .why = why};
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.cond, NULL);
    struct dx_rc rc = prov_append(log, record, waited, &w, why);
    if (rc.code == DX_OK) {
        pthread_mutex_lock(&w.lock);
        while (!w.finished)
            pthread_cond_wait(&w.cond, &w.lock);
        pthread_mutex_unlock(&w.lock);
        rc = w.rc;
    }
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.cond);
    return rc;
}

DX_RC prov_log_publish(prov_log *log, dx_why *why)
{
    pthread_mutex_lock(&log->lock);
    uint64_t ticket = ++log->asked;
    log->publish_now = true;
    pthread_cond_signal(&log->wake);
    while (log->answered < ticket)
        pthread_cond_wait(&log->kept, &log->lock);
    struct dx_rc rc = log->kept_rc;
    if (rc.code != DX_OK && why != NULL)
        *why = log->kept_why;
    pthread_mutex_unlock(&log->lock);
    return rc;
}

DX_RC prov_vkeys(const prov_log_spec *spec, dx_buf *lines, dx_why *why)
{
    prov_log *log = log_new(spec);
    if (log == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    struct dx_rc rc = settle_keys(log, spec, why);
    for (int i = 0; i < 2 && rc.code == DX_OK; i++) {
        if (log->signers[i] == NULL)
            continue;
        rc = note_key_print(&log->keys[i], lines);
        if (rc.code == DX_OK)
            rc = dx_buf_add_byte(lines, '\n');
    }
    log_free(log);
    return rc;
}
