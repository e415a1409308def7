#include "trust/provenance/writer.h"

#include "trust/base/log.h"
#include "trust/provenance/crc32c.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

/* A batch on disk: laid out as one frame, written and synced; the segment under it and the arrays beside it.
 */

DX_RC writer_frame_put_log(dx_buf *out, uint64_t index, const dx_bytes *names, const uint64_t *values,
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

void writer_frame_full(void *context, unsigned level, const merkle_hash *hash)
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
            return dx_io_fail(why, "cannot open", path);
        }
    }
    if (array->fd < 0)
        return DX_FAIL(why, IO, "provenance.md 3.2", "%s fell behind", name);
    DX_TRY(dx_io_write_all(log->io, array->fd, dx_buf_view(&array->pending), (off_t)array->at, why));
    array->at += array->pending.size;
    dx_buf_clear(&array->pending);
    return DX_OKAY;
}

DX_RC writer_frame_flush_arrays(prov_log *log, dx_why *why)
{
    for (unsigned level = 0; level < WRITER_LEVELS; level++) {
        char name[16];
        snprintf(name, sizeof name, "tiles/%u", level);
        DX_TRY(flush_array(log, &log->tiles[level], name, why));
    }
    return flush_array(log, &log->offsets, "off", why);
}

/* The header is durable before the file gets its name: a segment that can be seen can be read. */
DX_RC writer_frame_begin_segment(prov_log *log, dx_why *why)
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
        rc = dx_io_fail(why, "cannot sync", temp);
    if (rc.code == DX_OK && log->io->fstat(log->io, fd, &st) != 0)
        rc = dx_io_fail(why, "cannot look at", temp);
    if (rc.code == DX_OK && log->io->rename(log->io, temp, path) != 0)
        rc = dx_io_fail(why, "cannot rename to", path);
    if (rc.code == DX_OK)
        rc = dx_io_sync_folder(log->io, folder, why);
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

static void undo_names(prov_log *log, const writer_draft *draft, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        counters_undo(log->counters, draft->names[n]);
}

static void undo_counters(prov_log *log, const writer_batch *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        undo_names(log, b->drafts[i], b->drafts[i]->name_count);
}

static DX_RC lay_leaf(prov_log *log, writer_draft *draft, uint64_t index, const uint64_t *values)
{
    size_t from = log->frame.size;
    DX_TRY(dx_buf_add(&log->frame, DX_BYTES("\0\0")));
    DX_TRY(dx_buf_add(&log->frame, draft->head));
    DX_TRY(writer_frame_put_log(&log->frame, index, draft->names, values, draft->name_count));
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

/* The counters move only with a leaf that is laid: one that moved alone is a gap for the next start. */
static DX_RC put_leaf(prov_log *log, writer_draft *draft, uint64_t index, dx_why *why)
{
    uint64_t values[WRITER_NAMES_MAX];
    unsigned moved = 0;
    while (moved < draft->name_count &&
           (values[moved] = counters_add(log->counters, draft->names[moved])) != 0)
        moved++;
    struct dx_rc rc = moved == draft->name_count
                          ? lay_leaf(log, draft, index, values)
                          : DX_FAIL(why, NO_MEMORY, "provenance.md 6.4", "no room for one more counter");
    if (rc.code != DX_OK)
        undo_names(log, draft, moved);
    return rc;
}

/* Lays the frame out in log->frame. *laid counts the drafts whose counters moved. */
static DX_RC lay_frame(prov_log *log, const writer_batch *b, unsigned *laid, dx_why *why)
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
static uint64_t frame_bound(const writer_batch *b)
{
    uint64_t n = FRAME_HEAD_BYTES + 8 + SEGMENT_STEP;
    for (unsigned i = 0; i < b->count; i++)
        n += b->drafts[i]->bytes + 4 + b->drafts[i]->side.size;
    return n;
}

static DX_RC open_segment_for(prov_log *log, const writer_batch *b, dx_why *why)
{
    if (log->segment_fd >= 0 && log->at + frame_bound(b) + SEGMENT_STEP > log->segment_size)
        end_segment(log, true);
    if (log->segment_fd >= 0)
        return DX_OKAY;
    return writer_frame_begin_segment(log, why);
}

DX_RC writer_frame_commit(prov_log *log, const writer_batch *b, dx_why *why)
{
    unsigned laid = 0;
    DX_TRY(open_segment_for(log, b, why));
    size_t offsets = log->offsets.pending.size;
    struct dx_rc rc = lay_frame(log, b, &laid, why);
    if (rc.code == DX_OK) {
        rc = dx_io_write_all(log->io, log->segment_fd, dx_buf_view(&log->frame), (off_t)log->at, why);
        if (rc.code == DX_OK && log->io->fdatasync(log->io, log->segment_fd) != 0)
            rc = dx_io_fail(why, "cannot sync", "segment");
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
        merkle_add(&log->tree, &b->drafts[i]->hash, writer_frame_full, log);
    log->root = merkle_root(&log->tree);
    return DX_OKAY;
}
