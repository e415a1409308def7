/* Reading a log's folder, running or not: leaves out of the segments, proofs out of the stored tiles.
 * What leaves here has been checked: a leaf against its hash in the tree, a proof against the root it leads
 * to. */
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/checkpoint_file.h"
#include "trust/provenance/crc32c.h"
#include "trust/provenance/reader.h"
#include "trust/provenance/tile.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#define LEVELS 8

struct prov_reader {
    const dx_io *io;
    char folder[PATH_MAX];
    int tile_fd[LEVELS], off_fd;
    int segment_fd;
    uint32_t segment;                  /* ordinal of segment_fd */
    uint64_t segment_size, next_first; /* first index of the segment behind it; UINT64_MAX: there was none */
    /* the frame read last: readers mostly go forward */
    bool has_frame;
    frame_head head;
    uint64_t frame_at;
    dx_buf frame;
};

static int open_in(prov_reader *r, const char *name)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    return r->io->open(r->io, path, O_RDONLY, 0);
}

DX_RC prov_reader_open(const dx_io *io, const char *dir_of_shard, prov_reader **out, dx_why *why)
{
    struct stat st;
    *out = NULL;
    prov_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a reader");
    r->io = io != NULL ? io : &dx_io_system;
    snprintf(r->folder, sizeof r->folder, "%s", dir_of_shard);
    for (int i = 0; i < LEVELS; i++)
        r->tile_fd[i] = -1;
    r->off_fd = r->segment_fd = -1;
    dx_buf_init(&r->frame, FRAME_MAX_BYTES + SEGMENT_STEP);
    int fd = open_in(r, "seg");
    if (fd < 0 || r->io->fstat(r->io, fd, &st) != 0) {
        struct dx_rc rc = dx_io_fail(why, "no log in", dir_of_shard);
        if (fd >= 0)
            r->io->close(r->io, fd);
        prov_reader_close(r);
        return rc;
    }
    r->io->close(r->io, fd);
    *out = r;
    return DX_OKAY;
}

void prov_reader_close(prov_reader *r)
{
    if (r == NULL)
        return;
    for (int i = 0; i < LEVELS; i++)
        if (r->tile_fd[i] >= 0)
            r->io->close(r->io, r->tile_fd[i]);
    if (r->off_fd >= 0)
        r->io->close(r->io, r->off_fd);
    if (r->segment_fd >= 0)
        r->io->close(r->io, r->segment_fd);
    dx_buf_fini(&r->frame);
    free(r);
}

DX_RC prov_reader_checkpoint(prov_reader *r, dx_buf *note, uint64_t *size, dx_why *why)
{
    char path[PATH_MAX + 16];
    dx_buf head;
    checkpoint cp;
    prov_finding finding;
    snprintf(path, sizeof path, "%s/HEAD", r->folder);
    DX_TRY(dx_io_read_file(r->io, path, NOTE_MAX_BYTES, &head, why));
    struct dx_rc rc = DX_OKAY;
    if (!checkpoint_parse(dx_buf_view(&head), &cp, &finding))
        rc = DX_FAIL_ID(why, BROKEN, finding.id, "provenance.md 3.1", "HEAD: %s", finding.text);
    if (rc.code == DX_OK && size != NULL)
        *size = cp.size;
    if (rc.code == DX_OK)
        rc = dx_buf_add(note, dx_buf_view(&head));
    dx_buf_fini(&head);
    return rc;
}

DX_RC prov_reader_checkpoint_of(prov_reader *r, uint64_t size, dx_buf *note, dx_why *why)
{
    return checkpoint_file_find(r->io, r->folder, size, note, why);
}

/* One hash of a level array. */
static DX_RC stored(prov_reader *r, unsigned level, uint64_t from, size_t count, merkle_hash *out,
                    dx_why *why)
{
    size_t got;
    char name[16];
    snprintf(name, sizeof name, "tiles/%u", level);
    if (r->tile_fd[level] < 0 && (r->tile_fd[level] = open_in(r, name)) < 0)
        return dx_io_fail(why, "cannot open", name);
    DX_TRY(prov_read_at(r->io, r->tile_fd[level], out, count * 32, from * 32, &got, why));
    if (got != count * 32)
        return DX_FAIL_ID(why, NOT_FOUND, "PV-106", "provenance.md 3.1",
                          "tile level %u ends before hash %" PRIu64, level, from + count);
    return DX_OKAY;
}

uint64_t prov_reader_size(prov_reader *r)
{
    struct stat st;
    if (r->tile_fd[0] < 0 && (r->tile_fd[0] = open_in(r, "tiles/0")) < 0)
        return 0;
    return r->io->fstat(r->io, r->tile_fd[0], &st) == 0 ? (uint64_t)st.st_size / 32 : 0;
}

/* A merkle_read: subtrees inside a tile are hashed out of one row of its level. */
struct dx_rc reader_subtree(void *context, unsigned height, uint64_t index, merkle_hash *out, dx_why *why)
{
    merkle_hash row[TILE_WIDTH];
    unsigned level = height / 8, inner = height % 8;
    size_t count = (size_t)1 << inner;
    if (level >= LEVELS)
        return DX_FAIL(why, USAGE, "", "no tree is that high");
    DX_TRY(stored(context, level, index << inner, count, row, why));
    for (; count > 1; count /= 2)
        for (size_t i = 0; i < count / 2; i++)
            row[i] = merkle_node(&row[2 * i], &row[2 * i + 1]);
    *out = row[0];
    return DX_OKAY;
}

static DX_RC open_segment(prov_reader *r, uint32_t ordinal, dx_why *why)
{
    char path[PATH_MAX + 64];
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    segment_head head;
    prov_finding finding;
    struct stat st;
    size_t got;
    if (r->segment_fd < 0 || r->segment != ordinal) {
        if (r->segment_fd >= 0)
            r->io->close(r->io, r->segment_fd);
        r->has_frame = false;
        r->segment = ordinal;
        r->next_first = UINT64_MAX;
        segment_path(r->folder, ordinal, path, sizeof path);
        r->segment_fd = r->io->open(r->io, path, O_RDONLY, 0);
        if (r->segment_fd < 0)
            return dx_io_fail(why, "cannot open", path);
        if (r->io->fstat(r->io, r->segment_fd, &st) != 0)
            return dx_io_fail(why, "cannot look at", path);
        r->segment_size = (uint64_t)st.st_size;
    }
    if (r->next_first != UINT64_MAX)
        return DX_OKAY;
    /* Frames at or beyond the first index of the next segment are void. */
    segment_path(r->folder, ordinal + 1, path, sizeof path);
    int fd = r->io->open(r->io, path, O_RDONLY, 0);
    if (fd < 0)
        return DX_OKAY;
    struct dx_rc rc = prov_read_at(r->io, fd, bytes, sizeof bytes, 0, &got, why);
    r->io->close(r->io, fd);
    if (rc.code == DX_OK && segment_head_read(dx_bytes_of(bytes, got), &head, &finding))
        r->next_first = head.first;
    return rc;
}

/* Loads the frame at r->frame_at; DX_NOT_FOUND when no frame is there. */
static DX_RC load_frame(prov_reader *r, dx_why *why)
{
    uint8_t bytes[FRAME_HEAD_BYTES];
    prov_finding finding;
    size_t got;
    r->has_frame = false;
    DX_TRY(prov_read_at(r->io, r->segment_fd, bytes, sizeof bytes, r->frame_at, &got, why));
    if (got < sizeof bytes || memcmp(bytes, "SKF1", 4) != 0)
        return DX_FAIL(why, NOT_FOUND, "provenance.md 3.2", "no frame at %" PRIu64, r->frame_at);
    if (!frame_head_read(bytes, &r->head, &finding))
        return DX_FAIL_ID(why, BROKEN, finding.id, "provenance.md 3.2", "segment %u: %s", r->segment,
                          finding.text);
    dx_buf_clear(&r->frame);
    DX_TRY(dx_buf_reserve(&r->frame, frame_bytes(&r->head)));
    DX_TRY(prov_read_at(r->io, r->segment_fd, r->frame.data, frame_bytes(&r->head), r->frame_at, &got, why));
    r->frame.size = got;
    if (!frame_body_ok(&r->head, dx_buf_view(&r->frame), &finding))
        return DX_FAIL_ID(why, BROKEN, finding.id, "provenance.md 3.2", "segment %u: %s", r->segment,
                          finding.text);
    r->has_frame = true;
    return DX_OKAY;
}

/* `off` names the place of each 256th leaf; the frame around it starts at one of the steps before. */
static DX_RC seek(prov_reader *r, uint64_t index, dx_why *why)
{
    uint8_t entry[8];
    size_t got;
    if (r->off_fd < 0 && (r->off_fd = open_in(r, "off")) < 0)
        return dx_io_fail(why, "cannot open", "off");
    DX_TRY(prov_read_at(r->io, r->off_fd, entry, sizeof entry, index / 256 * 8, &got, why));
    if (got != sizeof entry)
        return DX_FAIL(why, NOT_FOUND, "provenance.md 3.2", "no leaf %" PRIu64 " yet", index);
    uint64_t place = be_read(entry, 8), at = (place & UINT32_MAX) & ~(uint64_t)(SEGMENT_STEP - 1);
    DX_TRY(open_segment(r, (uint32_t)(place >> 32), why));
    for (;; at -= SEGMENT_STEP) {
        uint8_t bytes[FRAME_HEAD_BYTES];
        frame_head head;
        prov_finding finding;
        DX_TRY(prov_read_at(r->io, r->segment_fd, bytes, sizeof bytes, at, &got, why));
        if (got == sizeof bytes && frame_head_here(bytes) && frame_head_read(bytes, &head, &finding) &&
            head.first <= index / 256 * 256 && at + frame_bytes(&head) > (place & UINT32_MAX))
            break;
        if (at <= SEGMENT_HEADER_BYTES)
            return DX_FAIL_ID(why, BROKEN, "PV-108", "provenance.md 3.2",
                              "off points to no frame for leaf %" PRIu64, index);
    }
    r->frame_at = at;
    return load_frame(r, why);
}

/* From the loaded frame to the one behind it, over segment borders and void frames. */
static DX_RC forward(prov_reader *r, dx_why *why)
{
    uint64_t next = r->head.first + r->head.count;
    DX_TRY(open_segment(r, r->segment, why));
    if (next < r->next_first) {
        r->frame_at += frame_padded(&r->head);
        struct dx_rc rc = load_frame(r, why);
        if (rc.code != DX_NOT_FOUND)
            return rc;
        DX_TRY(open_segment(r, r->segment, why)); /* closed meanwhile? */
        if (r->next_first == UINT64_MAX)
            return DX_FAIL(why, NOT_FOUND, "provenance.md 3.2", "no leaf %" PRIu64 " yet", next);
    }
    DX_TRY(open_segment(r, r->segment + 1, why));
    r->frame_at = SEGMENT_HEADER_BYTES;
    return load_frame(r, why);
}

static DX_RC find_frame(prov_reader *r, uint64_t index, dx_why *why)
{
    bool near = r->has_frame && r->head.first <= index && index - r->head.first < r->head.count + 256;
    if (!near)
        DX_TRY(seek(r, index, why));
    while (index >= r->head.first + r->head.count)
        DX_TRY(forward(r, why));
    if (index < r->head.first)
        return DX_FAIL_ID(why, BROKEN, "PV-108", "provenance.md 3.2", "leaf %" PRIu64 " is in no frame",
                          index);
    return DX_OKAY;
}

static DX_RC leaf_of(prov_reader *r, uint64_t index, dx_bytes *leaf, dx_bytes *side, dx_why *why)
{
    merkle_hash want;
    struct dx_rc rc = find_frame(r, index, why);
    if (rc.code != DX_OK) {
        r->has_frame = false;
        return rc;
    }
    dx_bytes leaves = dx_bytes_part(dx_buf_view(&r->frame), FRAME_HEAD_BYTES, r->head.leaf_bytes);
    dx_bytes sides =
        dx_bytes_part(dx_buf_view(&r->frame), FRAME_HEAD_BYTES + r->head.leaf_bytes, r->head.side_bytes);
    size_t at = 0, side_at = 0;
    *side = (dx_bytes){NULL, 0};
    for (uint64_t i = r->head.first; i <= index; i++) {
        (void)frame_next_leaf(leaves, &at, leaf); /* frame_body_ok walked it already */
        if (sides.size > 0)
            (void)frame_next_side(sides, &side_at, side);
    }
    DX_TRY(stored(r, 0, index, 1, &want, why));
    merkle_hash have = merkle_leaf(*leaf);
    if (!merkle_same(&have, &want))
        return DX_FAIL_ID(why, BROKEN, "PV-203", "provenance.md 9",
                          "leaf %" PRIu64 " is not the one of the tree", index);
    return DX_OKAY;
}

DX_RC prov_reader_leaf(prov_reader *r, uint64_t index, dx_buf *leaf, dx_why *why)
{
    dx_bytes bytes, side;
    DX_TRY(leaf_of(r, index, &bytes, &side, why));
    return dx_buf_add(leaf, bytes);
}

DX_RC reader_side(prov_reader *r, uint64_t index, dx_buf *side, dx_why *why)
{
    dx_bytes leaf, bytes;
    DX_TRY(leaf_of(r, index, &leaf, &bytes, why));
    return dx_buf_add(side, bytes);
}

DX_RC prov_reader_prove_with(prov_reader *r, uint64_t index, dx_bytes note, dx_buf *proof, dx_why *why)
{
    checkpoint cp;
    prov_finding finding;
    merkle_path path;
    merkle_hash leaf;
    if (!checkpoint_parse(note, &cp, &finding))
        return DX_FAIL_ID(why, MALFORMED, finding.id, "provenance.md 3.1", "%s", finding.text);
    DX_TRY(merkle_prove(reader_subtree, r, index, cp.size, &path, why));
    DX_TRY(stored(r, 0, index, 1, &leaf, why));
    if (!merkle_check(&leaf, index, cp.size, &path, &cp.root))
        return DX_FAIL_ID(why, BROKEN, "PV-203", "provenance.md 9",
                          "the stored tiles do not lead to the signed root at size %" PRIu64, cp.size);
    return tlog_proof_print(index, &path, note, proof);
}

DX_RC prov_reader_prove(prov_reader *r, uint64_t index, uint64_t size, dx_buf *proof, dx_why *why)
{
    dx_buf note;
    dx_buf_init(&note, NOTE_MAX_BYTES);
    struct dx_rc rc = size == 0 ? prov_reader_checkpoint(r, &note, NULL, why)
                                : prov_reader_checkpoint_of(r, size, &note, why);
    if (rc.code == DX_OK)
        rc = prov_reader_prove_with(r, index, dx_buf_view(&note), proof, why);
    dx_buf_fini(&note);
    return rc;
}

DX_RC prov_reader_consistency(prov_reader *r, uint64_t from, uint64_t to, dx_buf *text, dx_why *why)
{
    merkle_path path;
    merkle_hash old_root, new_root;
    if (from > to)
        return DX_FAIL_ID(why, USAGE, "PV-501", "RFC 6962 2.1.2",
                          "from %" PRIu64 " to %" PRIu64 ": a log does not shrink", from, to);
    if (to > prov_reader_size(r))
        return DX_FAIL(why, NOT_FOUND, "provenance.md 6.2", "the log has no size %" PRIu64, to);
    DX_TRY(merkle_prove_growth(reader_subtree, r, from, to, &path, why));
    DX_TRY(merkle_root_of(reader_subtree, r, from, &old_root, why));
    DX_TRY(merkle_root_of(reader_subtree, r, to, &new_root, why));
    if (!merkle_check_growth(from, to, &path, &old_root, &new_root))
        return DX_FAIL_ID(why, BROKEN, "PV-202", "provenance.md 9",
                          "the stored tiles give no consistency proof");
    return tlog_hashes_print(&path, text);
}

static DX_RC bundle(prov_reader *r, const tile_name *name, dx_buf *out, dx_why *why)
{
    for (uint64_t i = name->n * TILE_WIDTH; i < name->n * TILE_WIDTH + name->width; i++) {
        dx_bytes leaf, side;
        uint8_t length[2];
        DX_TRY(leaf_of(r, i, &leaf, &side, why));
        be_write(length, 2, leaf.size);
        DX_TRY(dx_buf_add(out, dx_bytes_of(length, 2)));
        DX_TRY(dx_buf_add(out, leaf));
    }
    return DX_OKAY;
}

DX_RC prov_reader_tile(prov_reader *r, dx_bytes resource, dx_buf *out, dx_why *why)
{
    tile_name name;
    merkle_hash row[TILE_WIDTH];
    if (dx_bytes_is(resource, "checkpoint"))
        return prov_reader_checkpoint(r, out, NULL, why);
    if (!tile_parse(resource, &name))
        return DX_FAIL_ID(why, NOT_FOUND, "PV-106", "tlog-tiles", "no such resource in a tiled log");
    if (name.entries)
        return bundle(r, &name, out, why);
    DX_TRY(stored(r, name.level, name.n * TILE_WIDTH, name.width, row, why));
    return dx_buf_add(out, dx_bytes_of(row, (size_t)name.width * 32));
}

static DX_RC export_one(prov_reader *r, const char *folder, const tile_name *name, dx_buf *content,
                        dx_why *why)
{
    char path[PATH_MAX + 128], resource[128];
    tile_print(name, resource, sizeof resource);
    snprintf(path, sizeof path, "%s/%s", folder, resource);
    dx_buf_clear(content);
    DX_TRY(prov_reader_tile(r, dx_bytes_text(resource), content, why));
    char *slash = strrchr(path, '/');
    *slash = 0;
    DX_TRY(dx_io_make_folders(r->io, path, 0755, why));
    *slash = '/';
    return dx_io_replace_file(r->io, path, dx_buf_view(content), 0644, why);
}

static DX_RC export_row(prov_reader *r, const char *folder, bool entries, unsigned level, uint64_t count,
                        dx_buf *content, dx_why *why)
{
    for (uint64_t n = 0; n * TILE_WIDTH < count; n++) {
        uint64_t left = count - n * TILE_WIDTH;
        tile_name name = {entries, level, n, left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH};
        DX_TRY(export_one(r, folder, &name, content, why));
    }
    return DX_OKAY;
}

DX_RC prov_export_tiles(prov_reader *r, const char *folder, dx_why *why)
{
    char path[PATH_MAX + 32];
    uint64_t size = 0;
    dx_buf note, content;
    dx_buf_init(&note, NOTE_MAX_BYTES);
    dx_buf_init(&content, 32U << 20);
    struct dx_rc rc = prov_reader_checkpoint(r, &note, &size, why);
    if (rc.code == DX_OK)
        rc = dx_io_make_folders(r->io, folder, 0755, why);
    if (rc.code == DX_OK)
        rc = export_row(r, folder, true, 0, size, &content, why);
    unsigned level = 0;
    for (uint64_t count = size; count > 0 && rc.code == DX_OK; count /= TILE_WIDTH, level++)
        rc = export_row(r, folder, false, level, count, &content, why);
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    if (rc.code == DX_OK) /* last: a checkpoint never stands over tiles that are missing */
        rc = dx_io_replace_file(r->io, path, dx_buf_view(&note), 0644, why);
    dx_buf_fini(&note);
    dx_buf_fini(&content);
    return rc;
}
