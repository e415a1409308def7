/* The keeper thread: everything durable that a commit must not wait for. Published checkpoints, HEAD and its
 * copy, spare segments, spare keys. */
#include "trust/base/digest.h"
#include "trust/base/log.h"
#include "trust/provenance/checkpoint_file.h"
#include "trust/provenance/writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static void spare_path(const prov_log *log, unsigned n, char *out, size_t size)
{
    snprintf(out, size, "%s/seg/spare.%u", log->folder, n);
}

/* Zeros, not only reserved blocks: an unwritten extent costs a journal commit in each sync
 * (provenance.md 3.2). */
static DX_RC fill_zeros(prov_log *log, const char *path, int *out, dx_why *why)
{
    static const size_t part_bytes = 1 << 20;
    uint8_t *zeros = calloc(1, part_bytes);
    if (zeros == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a segment");
    int fd = log->io->open(log->io, path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct dx_rc rc = fd < 0 ? dx_io_fail(why, "cannot create", path) : DX_OKAY;
    for (uint64_t at = 0; at < log->segment_bytes && rc.code == DX_OK; at += part_bytes)
        rc = dx_io_write_all(log->io, fd, dx_bytes_of(zeros, part_bytes), (off_t)at, why);
    if (rc.code == DX_OK && log->io->fsync(log->io, fd) != 0)
        rc = dx_io_fail(why, "cannot sync", path);
    free(zeros);
    if (rc.code == DX_OK) {
        *out = fd;
        return rc;
    }
    if (fd >= 0) {
        log->io->close(log->io, fd);
        log->io->unlink(log->io, path); /* what could not be finished gives its space back */
    }
    return rc;
}

DX_RC keeper_take_spare(prov_log *log, const char *to, int *fd, dx_why *why)
{
    for (unsigned n = 0; n < log->spares; n++) {
        char path[PATH_MAX + 32];
        spare_path(log, n, path, sizeof path);
        if (log->io->rename(log->io, path, to) != 0)
            continue;
        *fd = log->io->open(log->io, to, O_RDWR, 0);
        if (*fd < 0)
            return dx_io_fail(why, "cannot open", to);
        pthread_mutex_lock(&log->lock);
        pthread_cond_signal(&log->keep);
        pthread_mutex_unlock(&log->lock);
        return DX_OKAY;
    }
    return fill_zeros(log, to, fd, why);
}

static void refill_spares(prov_log *log)
{
    for (unsigned n = 0; n < log->spares; n++) {
        char path[PATH_MAX + 32], temp[PATH_MAX + 40];
        int fd;
        dx_why why = {0};
        spare_path(log, n, path, sizeof path);
        fd = log->io->open(log->io, path, O_RDONLY, 0);
        if (fd >= 0) {
            log->io->close(log->io, fd);
            continue;
        }
        pthread_mutex_lock(&log->lock);
        bool stop = log->keeper_stop;
        pthread_mutex_unlock(&log->lock);
        if (stop)
            return;
        snprintf(temp, sizeof temp, "%s.new", path);
        if (fill_zeros(log, temp, &fd, &why).code != DX_OK) {
            dx_log_why(DX_LOG_ERROR, "provenance.no-spare-segment", &why);
            return;
        }
        log->io->close(log->io, fd);
        if (log->io->rename(log->io, temp, path) != 0)
            log->io->unlink(log->io, temp);
    }
}

static DX_RC keep(prov_log *log, dx_bytes note, dx_why *why)
{
    char path[PATH_MAX + 32];
    DX_TRY(checkpoint_file_append(log->io, log->folder, note, &log->checkpoints_at, why));
    snprintf(path, sizeof path, "%s/HEAD", log->folder);
    DX_TRY(dx_io_replace_file(log->io, path, note, 0600, why));
    if (log->guard[0] != 0) {
        snprintf(path, sizeof path, "%s/HEAD", log->guard);
        DX_TRY(dx_io_replace_file(log->io, path, note, 0600, why));
    }
    return DX_OKAY;
}

static void tell(prov_log *log, dx_bytes note)
{
    uint8_t digest[32];
    const uint8_t *end = memmem(note.data, note.size, "\n\n", 2);
    if (log->published == NULL || end == NULL)
        return;
    dx_sha256(dx_bytes_of(note.data, (size_t)(end - note.data) + 1), digest);
    log->published(log->published_context, digest);
}

static struct dx_rc keep_and_tell(prov_log *log, dx_bytes note, dx_why *why)
{
    struct dx_rc rc = keep(log, note, why);
    if (rc.code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.publish", why);
    else
        tell(log, note);
    return rc;
}

void *keeper_main(void *context)
{
    prov_log *log = context;
    dx_buf note;
    dx_buf_init(&note, NOTE_MAX_BYTES);
    for (;;) {
        dx_why why = {0};
        refill_spares(log);
        if (vault_refill(log->vault, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "vault.no-spare-key", &why);
        pthread_mutex_lock(&log->lock);
        if (!log->pending && !log->keeper_stop)
            pthread_cond_wait(&log->keep, &log->lock);
        if (!log->pending) {
            bool stop = log->keeper_stop;
            pthread_mutex_unlock(&log->lock);
            if (stop)
                break;
            continue;
        }
        uint64_t size = log->pending_size, ticket = log->pending_ticket;
        bool news = size != log->kept_size;
        dx_buf_clear(&note);
        struct dx_rc rc = dx_buf_add(&note, dx_buf_view(&log->to_publish));
        log->pending = false;
        pthread_mutex_unlock(&log->lock);
        if (news && rc.code == DX_OK)
            rc = keep_and_tell(log, dx_buf_view(&note), &why);
        pthread_mutex_lock(&log->lock);
        log->kept_rc = rc;
        log->kept_why = why;
        if (rc.code == DX_OK)
            log->kept_size = size;
        if (ticket > log->answered)
            log->answered = ticket;
        pthread_cond_broadcast(&log->kept);
        pthread_mutex_unlock(&log->lock);
    }
    dx_buf_fini(&note);
    return NULL;
}
