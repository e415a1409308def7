/* The writer thread: takes whatever waits, one frame, one sync, one signature, then says so to everyone.
 * No timer: group commit grows by itself, because leaves gather while a sync runs (provenance.md 1, rule 3).
 */
#include "trust/provenance/writer.h"

#include "trust/base/log.h"
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/crc32c.h"
#include "trust/provenance/leaf_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

DX_RC writer_put_log(dx_buf *out, uint64_t index, const dx_bytes *names, const uint64_t *values,
                     unsigned count)
{
    DX_TRY(dx_buf_addf(out, "\"log\":{\"dur\":\"sync\",\"i\":%" PRIu64, index));
    for (unsigned i = 0; i < count; i++) {
        DX_TRY(dx_buf_add_text(out, i == 0 ? ",\"n\":{\"" : ",\""));
        DX_TRY(
            dx_buf_add(out, names[i])); /* countries and words: nothing to escape but quote and backslash */
        DX_TRY(dx_buf_addf(out, "\":%" PRIu64, values[i]));
    }
    return dx_buf_add_text(out, count > 0 ? "}}" : "}");
}

void writer_full(void *context, unsigned level, const merkle_hash *hash)
{
    prov_log *log = context;
    if (level < WRITER_LEVELS &&
        dx_buf_add(&log->tiles[level].pending, dx_bytes_of(hash->bytes, 32)).code != DX_OK)
        log->tiles[level].fd = -2; /* out of memory: the file is short now and rebuilt at the next start */
}

static DX_RC flush_array(prov_log *log, writer_array *array, const char *name, dx_why *why)
{
    if (array->pending.size == 0)
        return DX_OKAY;
    if (array->fd == -1) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/%s", log->folder, name);
        array->fd = log->io->open(log->io, path, O_RDWR | O_CREAT, 0600);
        if (array->fd < 0) {
            array->fd = -1;
            return prov_io_fail(why, "cannot open", path);
        }
    }
    if (array->fd < 0)
        return DX_FAIL(why, IO, "provenance.md 3.2", "%s fell behind", name);
    DX_TRY(dx_io_write_all(log->io, array->fd, dx_buf_view(&array->pending), (off_t)array->at, why));
    array->at += array->pending.size;
    dx_buf_clear(&array->pending);
    return DX_OKAY;
}

DX_RC writer_flush_arrays(prov_log *log, dx_why *why)
{
    for (unsigned level = 0; level < WRITER_LEVELS; level++) {
        char name[16];
        snprintf(name, sizeof name, "tiles/%u", level);
        DX_TRY(flush_array(log, &log->tiles[level], name, why));
    }
    return flush_array(log, &log->offsets, "off", why);
}

static DX_RC sync_folder(prov_log *log, const char *path, dx_why *why)
{
    int fd = log->io->open(log->io, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return prov_io_fail(why, "cannot open", path);
    int failed = log->io->fsync(log->io, fd);
    log->io->close(log->io, fd);
    return failed != 0 ? prov_io_fail(why, "cannot sync", path) : DX_OKAY;
}

/* The header is durable before the file gets its name: a segment that can be seen can be read. */
DX_RC writer_begin_segment(prov_log *log, dx_why *why)
{
    char path[PATH_MAX + 64], folder[PATH_MAX + 8];
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    segment_head head = {.ordinal = log->ordinal,
                         .first = log->tree.size,
                         .epoch = log->epoch,
                         .root = log->root,
                         .created_us = dx_now_us(log->clock)};
    struct stat st;
    int fd;
    dx_sha256(dx_bytes_text(log->origin), head.origin_sha256);
    segment_head_write(&head, bytes);
    segment_path(log->folder, log->ordinal, path, sizeof path);
    snprintf(folder, sizeof folder, "%s/seg", log->folder);
    char temp[PATH_MAX + 64];
    snprintf(temp, sizeof temp, "%s/begun", folder);
    DX_TRY(keeper_take_spare(log, temp, &fd, why));
    struct dx_rc rc = dx_io_write_all(log->io, fd, dx_bytes_of(bytes, sizeof bytes), 0, why);
    if (rc.code == DX_OK && log->io->fsync(log->io, fd) != 0)
        rc = prov_io_fail(why, "cannot sync", temp);
    if (rc.code == DX_OK && log->io->fstat(log->io, fd, &st) != 0)
        rc = prov_io_fail(why, "cannot look at", temp);
    if (rc.code == DX_OK && log->io->rename(log->io, temp, path) != 0)
        rc = prov_io_fail(why, "cannot rename to", path);
    if (rc.code == DX_OK)
        rc = sync_folder(log, folder, why);
    if (rc.code != DX_OK) {
        log->io->close(log->io, fd);
        log->io->unlink(log->io, temp);
        return rc;
    }
    log->segment_fd = fd;
    log->at = SEGMENT_HEADER_BYTES;
    log->segment_size = (uint64_t)st.st_size;
    return DX_OKAY;
}

static void end_segment(prov_log *log, bool mark)
{
    uint8_t closing[SEGMENT_STEP] = "SKFE";
    if (log->segment_fd < 0)
        return;
    if (mark && log->at + SEGMENT_STEP <= log->segment_size &&
        (dx_io_write_all(log->io, log->segment_fd, dx_bytes_of(closing, sizeof closing), (off_t)log->at, NULL)
                 .code != DX_OK ||
         log->io->fdatasync(log->io, log->segment_fd) != 0))
        dx_log(DX_LOG_WARN, "provenance.mark-not-written",
               F_INT("segment", log->ordinal)); /* the next header says as much */
    log->io->close(log->io, log->segment_fd);
    log->segment_fd = -1;
    log->ordinal++;
}

DX_RC writer_sign(prov_log *log, dx_bytes text, dx_buf *note, dx_why *why)
{
    dx_buf_clear(note);
    DX_TRY(dx_buf_add(note, text));
    DX_TRY(dx_buf_add_byte(note, '\n'));
    for (int i = 0; i < 2; i++)
        if (log->signers[i] != NULL)
            DX_TRY(note_sign(text, log->signers[i], &log->keys[i], note, why));
    return DX_OKAY;
}

/* Signs the tree as it is now into log->note, with a NUL behind it. */
static DX_RC sign_tree(prov_log *log, dx_why *why)
{
    dx_buf text;
    dx_buf_init(&text, 512);
    struct dx_rc rc = checkpoint_print(log->origin, log->tree.size, &log->root, &text);
    if (rc.code == DX_OK)
        rc = writer_sign(log, dx_buf_view(&text), &log->note, why);
    if (rc.code == DX_OK)
        rc = dx_buf_add_byte(&log->note, 0);
    if (rc.code == DX_OK)
        log->note.size--;
    dx_buf_fini(&text);
    return rc;
}

typedef struct {
    writer_draft *drafts[WRITER_BATCH_LEAVES];
    unsigned count;
} batch;

static void undo_counters(prov_log *log, const batch *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned n = 0; n < b->drafts[i]->name_count; n++)
            counters_undo(log->counters, b->drafts[i]->names[n]);
}

static DX_RC put_leaf(prov_log *log, writer_draft *draft, uint64_t index, dx_why *why)
{
    uint64_t values[WRITER_NAMES_MAX];
    size_t from = log->frame.size;
    for (unsigned n = 0; n < draft->name_count; n++)
        if ((values[n] = counters_add(log->counters, draft->names[n])) == 0) {
            while (n-- > 0)
                counters_undo(log->counters, draft->names[n]);
            return DX_FAIL(why, NO_MEMORY, "provenance.md 6.4", "no room for one more counter");
        }
    DX_TRY(dx_buf_add(&log->frame, DX_BYTES("\0\0")));
    DX_TRY(dx_buf_add(&log->frame, draft->head));
    DX_TRY(writer_put_log(&log->frame, index, draft->names, values, draft->name_count));
    DX_TRY(dx_buf_add(&log->frame, draft->tail));
    size_t size = log->frame.size - from - 2;
    be_write(log->frame.data + from, 2, size);
    draft->hash = merkle_leaf(dx_bytes_of(log->frame.data + from + 2, size));
    if (index % 256 == 0) {
        uint8_t off[8];
        be_write(off, 8, (uint64_t)log->ordinal << 32 | (log->at + from));
        DX_TRY(dx_buf_add(&log->offsets.pending, dx_bytes_of(off, 8)));
    }
    return DX_OKAY;
}

/* Lays the frame out in log->frame. *laid counts the drafts whose counters moved. */
static DX_RC lay_frame(prov_log *log, const batch *b, unsigned *laid, dx_why *why)
{
    frame_head head = {.first = log->tree.size,
                       .epoch = log->epoch,
                       .count = b->count,
                       .root = log->root,
                       .wall_us = dx_now_us(log->clock)};
    bool sides = false;
    uint8_t bytes[FRAME_HEAD_BYTES] = {0};
    dx_buf_clear(&log->frame);
    DX_TRY(dx_buf_add(&log->frame, dx_bytes_of(bytes, sizeof bytes)));
    for (*laid = 0; *laid < b->count; (*laid)++) {
        DX_TRY(put_leaf(log, b->drafts[*laid], log->tree.size + *laid, why));
        sides = sides || b->drafts[*laid]->side.size > 0;
    }
    head.leaf_bytes = (uint32_t)(log->frame.size - FRAME_HEAD_BYTES);
    for (unsigned i = 0; sides && i < b->count; i++) {
        be_write(bytes, 4, b->drafts[i]->side.size);
        DX_TRY(dx_buf_add(&log->frame, dx_bytes_of(bytes, 4)));
        DX_TRY(dx_buf_add(&log->frame, b->drafts[i]->side));
    }
    head.side_bytes = (uint32_t)(log->frame.size - FRAME_HEAD_BYTES - head.leaf_bytes);
    frame_head_write(&head, log->frame.data);
    be_write(bytes, 4, crc32c(dx_bytes_part(dx_buf_view(&log->frame), FRAME_HEAD_BYTES, log->frame.size)));
    memcpy(bytes + 4, "1FKS", 4);
    DX_TRY(dx_buf_add(&log->frame, dx_bytes_of(bytes, 8)));
    size_t fill = frame_padded(&head) - log->frame.size;
    DX_TRY(dx_buf_reserve(&log->frame, fill));
    memset(log->frame.data + log->frame.size, 0, fill);
    log->frame.size += fill;
    return DX_OKAY;
}

/* How large the frame can get, before it is laid out. */
static uint64_t frame_bound(const batch *b)
{
    uint64_t n = FRAME_HEAD_BYTES + 8 + SEGMENT_STEP;
    for (unsigned i = 0; i < b->count; i++)
        n += b->drafts[i]->bytes + 4 + b->drafts[i]->side.size;
    return n;
}

static DX_RC open_segment_for(prov_log *log, const batch *b, dx_why *why)
{
    if (log->segment_fd >= 0 && log->at + frame_bound(b) + SEGMENT_STEP > log->segment_size)
        end_segment(log, true);
    if (log->segment_fd >= 0)
        return DX_OKAY;
    return writer_begin_segment(log, why);
}

/* Frame, write, sync. Nothing of the log's state has moved when this fails. */
static DX_RC make_durable(prov_log *log, const batch *b, dx_why *why)
{
    unsigned laid = 0;
    DX_TRY(open_segment_for(log, b, why));
    size_t offsets = log->offsets.pending.size;
    struct dx_rc rc = lay_frame(log, b, &laid, why);
    if (rc.code == DX_OK) {
        rc = dx_io_write_all(log->io, log->segment_fd, dx_buf_view(&log->frame), (off_t)log->at, why);
        if (rc.code == DX_OK && log->io->fdatasync(log->io, log->segment_fd) != 0)
            rc = prov_io_fail(why, "cannot sync", "segment");
        if (rc.code != DX_OK)
            end_segment(
                log, false); /* never again on this descriptor: the kernel may have dropped the pages (F44) */
    }
    if (rc.code != DX_OK) {
        undo_counters(log, b, laid);
        log->offsets.pending.size = offsets;
        return rc;
    }
    log->at += log->frame.size;
    for (unsigned i = 0; i < b->count; i++)
        merkle_add(&log->tree, &b->drafts[i]->hash, writer_full, log);
    log->root = merkle_root(&log->tree);
    return DX_OKAY;
}

static void give_to_keeper(prov_log *log, uint64_t ticket)
{
    pthread_mutex_lock(&log->lock);
    dx_buf_clear(&log->to_publish);
    if (dx_buf_add(&log->to_publish, dx_buf_view(&log->note)).code == DX_OK) {
        log->pending = true;
        log->pending_size = log->tree.size;
        log->pending_ticket = ticket;
        log->published_at = log->tree.size;
    }
    pthread_cond_signal(&log->keep);
    pthread_mutex_unlock(&log->lock);
}

static void answer(prov_log *log, batch *b, struct dx_rc rc, const dx_why *why, uint64_t first)
{
    for (unsigned i = 0; i < b->count; i++) {
        writer_draft *draft = b->drafts[i];
        prov_receipt receipt = {.index = first + i,
                                .size = log->tree.size,
                                .checkpoint = (const char *)log->note.data,
                                .checkpoint_size = log->note.size};
        memcpy(receipt.leaf_hash, draft->hash.bytes, 32);
        if (draft->done != NULL)
            draft->done(draft->context, rc, rc.code == DX_OK ? &receipt : NULL, why);
        free(draft);
    }
    b->count = 0;
}

/* Our own leaves of this thread. NULL: no memory, or they break the schema (logged). */
static writer_draft *own(prov_log *log, prov_record *record)
{
    writer_draft *draft = NULL;
    dx_why why = {0};
    if (record == NULL || draft_make(log, record, NULL, NULL, &draft, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.own-leaf", &why);
    return draft;
}

static writer_draft *counters_draft(prov_log *log)
{
    dx_arena arena = {0};
    merkle_hash root, purpose_root;
    writer_draft *draft = NULL;
    prov_record *record = prov_record_new(&arena, PROV_COUNTERS);
    const char *purposes[COUNTERS_PURPOSES_MAX];
    unsigned count = counters_purposes(log->counters);
    for (unsigned i = 0; i < count; i++)
        purposes[i] = counters_purpose(log->counters, i);
    if (record != NULL &&
        counters_roots(log->counters, log->counters_key, purposes, count, &root, &purpose_root).code ==
            DX_OK) {
        prov_set_sha256(record, "counters.root", root.bytes);
        prov_set_int(record, "counters.pairs", counters_pairs(log->counters));
        for (unsigned i = 0; i < count; i++)
            prov_add_str(record, "counters.purposes", purposes[i]);
        if (count > 0)
            prov_set_sha256(record, "counters.purpose_root", purpose_root.bytes);
        draft = own(log, record);
    }
    dx_arena_fini(&arena);
    return draft;
}

static writer_draft *halt_draft(prov_log *log)
{
    dx_arena arena = {0};
    prov_record *record = prov_record_new(&arena, PROV_HALT);
    prov_set_str(record, "halt.error", dx_code_name(log->failure.code));
    prov_set_int(record, "halt.size", (int64_t)log->tree.size);
    prov_set_time(record, "halt.from", log->failing_since_us);
    prov_set_time(record, "halt.to", dx_now_us(log->clock));
    writer_draft *draft = own(log, record);
    dx_arena_fini(&arena);
    return draft;
}

/* Storage does not work: everyone is told, and the next try comes not before a quarter of a second. */
static void halted(prov_log *log, struct dx_rc rc, const dx_why *why)
{
    if (log->failure.code == DX_OK) {
        log->failing_since_us = dx_now_us(log->clock);
        dx_log_why(DX_LOG_ERROR, "provenance.halt", why);
    }
    log->failure = *why;
    log->failure.code = rc.code;
    log->failed_us = dx_mono_us(log->clock);
    atomic_store(&log->healthy, false);
}

/* While storage fails, each try begins with a halt leaf that tells from when to when nothing could be
 * written. */
static bool may_try(prov_log *log, batch *b)
{
    int64_t now = dx_mono_us(log->clock);
    if (log->failure.code == DX_OK)
        return true;
    if (now != log->failed_us && now - log->failed_us < 250000)
        return false;
    writer_draft *halt = halt_draft(log);
    if (halt != NULL) {
        memmove(b->drafts + 1, b->drafts, b->count * sizeof *b->drafts);
        b->drafts[0] = halt;
        b->count++;
    }
    return true;
}

static struct dx_rc commit(prov_log *log, batch *b, dx_why *why)
{
    uint64_t first = log->tree.size;
    if (!may_try(log, b)) {
        struct dx_rc rc = {log->failure.code};
        *why = log->failure;
        answer(log, b, rc, why, 0);
        return rc;
    }
    struct dx_rc rc = make_durable(log, b, why);
    if (rc.code != DX_OK) {
        halted(log, rc, why);
        answer(log, b, rc, why, 0);
        return rc;
    }
    if (log->failure.code != DX_OK) {
        dx_log(DX_LOG_WARN, "provenance.resumed", F_INT("size", log->tree.size));
        log->failure = (dx_why){0};
    }
    rc = sign_tree(log, why); /* I2: only now, nothing unsynced is ever signed */
    atomic_store(&log->healthy, rc.code == DX_OK);
    if (rc.code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.sign", why);
    dx_why tiles = {0};
    if (writer_flush_arrays(log, &tiles).code != DX_OK)
        dx_log_why(DX_LOG_WARN, "provenance.tiles-behind",
                   &tiles); /* kept in memory, tried again with the next frame */
    answer(log, b, rc, why, first);
    return rc;
}

/* The counters leaf counts what stands before it, so it has a frame of its own. */
static struct dx_rc commit_counters(prov_log *log, batch *b, dx_why *why)
{
    b->drafts[0] = counters_draft(log);
    if (b->drafts[0] == NULL)
        return DX_FAIL(why, NO_MEMORY, "provenance.md 6.4", "no counters leaf");
    b->count = 1;
    return commit(log, b, why);
}

/* Takes what waits, up to the limits of one frame. Under the lock. */
static void take(prov_log *log, batch *b)
{
    size_t bytes = 0;
    while (log->first != NULL && b->count < WRITER_BATCH_LEAVES - 1 &&
           bytes < WRITER_BATCH_BYTES - LEAF_MAX_BYTES) {
        writer_draft *draft = log->first;
        size_t cost = draft->bytes + 4 + draft->side.size;
        if (b->count > 0 && bytes + cost > WRITER_BATCH_BYTES)
            break;
        log->first = draft->next;
        if (log->first == NULL)
            log->last = &log->first;
        log->queued--;
        log->queued_bytes -= draft->bytes;
        bytes += cost;
        b->drafts[b->count++] = draft;
    }
}

/* Under the lock: waits until there is work. */
static bool wait_for_work(prov_log *log, bool *publish)
{
    for (;;) {
        int64_t now = dx_mono_us(log->clock);
        bool news = log->booted && (log->tree.size > log->published_at || log->failure.code != DX_OK);
        *publish =
            log->publish_now || (news && now - log->published_us >= (int64_t)log->publish_interval_ms * 1000);
        if (log->first != NULL || *publish)
            return true;
        if (log->stopping)
            return false;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        int64_t ms = log->publish_interval_ms;
        until.tv_sec += ms / 1000;
        until.tv_nsec += ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        if (news)
            pthread_cond_timedwait(&log->wake, &log->lock, &until);
        else
            pthread_cond_wait(&log->wake, &log->lock);
    }
}

static void publish(prov_log *log, batch *b, uint64_t ticket)
{
    dx_why why = {0};
    struct dx_rc rc = DX_OKAY;
    log->published_us = dx_mono_us(log->clock);
    if ((log->tree.size > log->published_at && !atomic_load(&log->closing)) || log->failure.code != DX_OK)
        rc = commit_counters(log, b, &why);
    if (rc.code == DX_OK) {
        give_to_keeper(log, ticket);
        return;
    }
    dx_log_why(DX_LOG_ERROR, "provenance.publish", &why);
    pthread_mutex_lock(&log->lock);
    log->kept_rc = rc;
    log->kept_why = why;
    log->answered = ticket;
    pthread_cond_broadcast(&log->kept);
    pthread_mutex_unlock(&log->lock);
}

void *writer_main(void *context)
{
    prov_log *log = context;
    batch *b = calloc(1, sizeof *b);
    for (;;) {
        bool due;
        pthread_mutex_lock(&log->lock);
        bool work = b != NULL && wait_for_work(log, &due);
        if (!work) {
            pthread_mutex_unlock(&log->lock);
            break;
        }
        uint64_t ticket = log->asked;
        log->publish_now = false;
        take(log, b);
        pthread_mutex_unlock(&log->lock);
        dx_why why = {0};
        if (b->count > 0)
            (void)commit(log, b, &why);
        if (due)
            publish(log, b, ticket);
    }
    free(b);
    return NULL;
}
