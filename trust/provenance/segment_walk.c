/* The walk over the segments of a log: strict for verifiers, forgiving of one torn tail for a start after a
 * crash. */
#include "trust/provenance/crc32c.h"
#include "trust/provenance/pv_check.h"
#include "trust/provenance/segment.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

typedef struct {
    const segment_walk *walk;
    int fd;
    uint64_t size; /* of the file */
    segment_head head;
    uint64_t at;    /* next frame */
    uint64_t limit; /* first index of the next segment */
    bool closed, zeros;
    dx_buf frame;
    segment_end *end;
    prov_finding *finding;
} cursor;

static bool all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static DX_RC load(cursor *c, size_t size, size_t *got, dx_why *why)
{
    dx_buf_clear(&c->frame);
    DX_TRY(dx_buf_reserve(&c->frame, size));
    DX_TRY(prov_read_at(c->walk->io, c->fd, c->frame.data, size, c->at, got, why));
    c->frame.size = *got;
    return DX_OKAY;
}

/* Takes the leaves of a sound frame into the tree. */
static bool take(cursor *c, const frame_head *head)
{
    dx_bytes section = dx_bytes_part(dx_buf_view(&c->frame), FRAME_HEAD_BYTES, head->leaf_bytes), leaf;
    size_t at = 0;
    for (uint64_t i = head->first;; i++) {
        uint64_t where = c->at + FRAME_HEAD_BYTES + at;
        if (!frame_next_leaf(section, &at, &leaf))
            return true;
        if (c->walk->leaf != NULL &&
            !c->walk->leaf(c->walk->context, i, c->head.ordinal, where, leaf, c->finding))
            return false;
        merkle_hash hash = merkle_leaf(leaf);
        merkle_add(c->walk->tree, &hash, c->walk->full, c->walk->context);
    }
}

/* One frame at c->at. *bad: the frame is not sound, and the finding says why. */
static DX_RC one_frame(cursor *c, bool *bad, dx_why *why)
{
    frame_head head;
    size_t got;
    *bad = true;
    DX_TRY(load(c, FRAME_HEAD_BYTES, &got, why));
    if (got < FRAME_HEAD_BYTES) {
        prov_no(c->finding, "PV-108", "frame at %" PRIu64 ": magic", c->at);
        return DX_OKAY;
    }
    if (!frame_head_read(c->frame.data, &head, c->finding))
        return DX_OKAY;
    if (head.first != c->walk->tree->size || head.epoch < c->head.epoch) {
        prov_no(c->finding, "PV-108",
                "frame at %" PRIu64 ": first index %" PRIu64 " or writer epoch out of order", c->at,
                head.first);
        return DX_OKAY;
    }
    merkle_hash root = merkle_root(c->walk->tree);
    if (frame_bytes(&head) > c->size - c->at) {
        prov_no(c->finding, "PV-108", "frame at %" PRIu64 ": longer than the file", c->at);
        return DX_OKAY;
    }
    if (!merkle_same(&root, &head.root)) {
        prov_no(c->finding, "PV-203", "frame at %" PRIu64 ": another root at size %" PRIu64, c->at,
                head.first);
        return DX_OKAY;
    }
    DX_TRY(load(c, frame_padded(&head), &got, why));
    size_t whole = frame_bytes(&head);
    if (got < whole || !frame_body_ok(&head, dx_bytes_part(dx_buf_view(&c->frame), 0, whole), c->finding))
        return DX_OKAY;
    if (!all_zero(c->frame.data + whole, got - whole)) {
        prov_no(c->finding, "PV-108", "frame at %" PRIu64 ": fill-up is not zero", c->at);
        return DX_OKAY;
    }
    if (!take(c, &head))
        return DX_OKAY;
    *bad = false;
    if (head.epoch > c->end->epoch)
        c->end->epoch = head.epoch;
    c->at += got;
    return DX_OKAY;
}

static DX_RC frames(cursor *c, bool *bad, dx_why *why)
{
    *bad = false;
    c->at = SEGMENT_HEADER_BYTES;
    while (c->at + 4 <= c->size) {
        uint8_t mark[SEGMENT_STEP];
        size_t got;
        DX_TRY(prov_read_at(c->walk->io, c->fd, mark, sizeof mark, c->at, &got, why));
        if (got < 4)
            break;
        if (memcmp(mark, "SKFE", 4) == 0) {
            if (got < sizeof mark || !all_zero(mark + 4, sizeof mark - 4)) {
                *bad = true;
                prov_no(c->finding, "PV-108", "closing mark at %" PRIu64 " is not whole", c->at);
                return DX_OKAY;
            }
            c->closed = true;
            return DX_OKAY;
        }
        c->zeros = all_zero(mark, 4);
        /* Frames at or beyond the next segment's first index are void: a failed sync left them (provenance.md
         * 9). */
        if (c->zeros || c->walk->tree->size >= c->limit)
            return DX_OKAY;
        DX_TRY(one_frame(c, bad, why));
        if (*bad)
            return DX_OKAY;
    }
    return DX_OKAY;
}

/* Looks behind a bad frame: a valid header at any later step means damage, not a torn tail. */
static DX_RC tail(cursor *c, bool *damage, bool *torn, dx_why *why)
{
    static const size_t part_bytes = 1 << 20;
    *damage = *torn = false;
    uint8_t *part = malloc(part_bytes + FRAME_HEAD_BYTES);
    if (part == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    struct dx_rc rc = DX_OKAY;
    for (uint64_t at = c->at; at < c->size && !*damage; at += part_bytes) {
        size_t got;
        rc = prov_read_at(c->walk->io, c->fd, part, part_bytes + FRAME_HEAD_BYTES, at, &got, why);
        if (rc.code != DX_OK || got == 0)
            break;
        if (all_zero(part, got))
            continue;
        *torn = true;
        for (size_t i = at == c->at ? SEGMENT_STEP : 0; i + FRAME_HEAD_BYTES <= got && i < part_bytes;
             i += SEGMENT_STEP)
            *damage = *damage || frame_head_here(part + i);
    }
    free(part);
    return rc;
}

static DX_RC file_head(const dx_io *io, int fd, uint64_t *size, segment_head *head, bool *ok,
                       prov_finding *finding, dx_why *why)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    size_t got;
    struct stat st;
    if (io->fstat(io, fd, &st) != 0)
        return dx_io_fail(why, "cannot look at", "segment");
    *size = (uint64_t)st.st_size;
    DX_TRY(prov_read_at(io, fd, bytes, sizeof bytes, 0, &got, why));
    *ok = segment_head_read(dx_bytes_of(bytes, got), head, finding);
    return DX_OKAY;
}

static bool head_fits(cursor *c, uint32_t ordinal)
{
    uint8_t origin[32];
    if (c->walk->origin != NULL) {
        dx_sha256(dx_bytes_text(c->walk->origin), origin);
        if (memcmp(origin, c->head.origin_sha256, 32) != 0)
            return prov_no(c->finding, "PV-305", "segment of another origin");
    }
    if (c->head.first != c->walk->tree->size)
        return prov_no(c->finding, "PV-108", "segment starts at %" PRIu64 ", %" PRIu64 " is next",
                       c->head.first, c->walk->tree->size);
    merkle_hash root = merkle_root(c->walk->tree);
    if (!merkle_same(&root, &c->head.root))
        return prov_no(c->finding, "PV-203", "segment header: another root at size %" PRIu64, c->head.first);
    if (c->head.ordinal != ordinal || c->head.epoch < c->end->epoch)
        return prov_no(c->finding, "PV-108", "segment ordinal or epoch out of order");
    return true;
}

/* One segment. *stop: the walk ends here, with finding->ok saying how. */
static DX_RC one_segment(cursor *c, uint32_t ordinal, bool last, bool *stop, dx_why *why)
{
    bool ok, bad, damage, torn;
    *stop = true;
    DX_TRY(file_head(c->walk->io, c->fd, &c->size, &c->head, &ok, c->finding, why));
    if (!ok || !head_fits(c, ordinal))
        return DX_OKAY;
    c->end->epoch = c->head.epoch;
    DX_TRY(frames(c, &bad, why));
    c->end->ordinal = ordinal;
    c->end->at = c->at;
    c->end->file_size = c->size;
    c->end->closed = c->closed;
    if (bad && (!c->walk->recover || !last))
        return DX_OKAY;
    *stop = false;
    if (!c->walk->recover || c->closed || !last)
        return DX_OKAY;
    DX_TRY(tail(c, &damage, &torn, why));
    c->end->torn = torn;
    *stop = damage;
    if (damage)
        prov_no(c->finding, "PV-108", "damage, not a torn tail: a valid frame header stands behind %" PRIu64,
                c->at);
    return DX_OKAY;
}

/* First index of a segment, to know which frames before it are void. */
static DX_RC first_of(const dx_io *io, const char *path, uint64_t *first, dx_why *why)
{
    segment_head head;
    prov_finding ignored;
    uint64_t size;
    bool ok;
    int fd = io->open(io, path, O_RDONLY, 0);
    if (fd < 0)
        return dx_io_fail(why, "cannot open", path);
    struct dx_rc rc = file_head(io, fd, &size, &head, &ok, &ignored, why);
    io->close(io, fd);
    if (rc.code == DX_OK && ok)
        *first = head.first;
    return rc;
}

DX_RC segment_walk_files(const segment_walk *walk, const char *const *paths, unsigned count, segment_end *end,
                         prov_finding *finding, dx_why *why)
{
    cursor c = {.walk = walk, .end = end, .finding = finding};
    memset(end, 0, sizeof *end);
    memset(finding, 0, sizeof *finding);
    dx_buf_init(&c.frame, FRAME_MAX_BYTES + SEGMENT_STEP);
    struct dx_rc rc = DX_OKAY;
    bool stop = false;
    for (unsigned i = 0; i < count && rc.code == DX_OK && !stop; i++) {
        c.limit = UINT64_MAX;
        c.closed = false;
        if (i + 1 < count)
            rc = first_of(walk->io, paths[i + 1], &c.limit, why);
        if (rc.code != DX_OK)
            break;
        c.fd = walk->io->open(walk->io, paths[i], O_RDONLY, 0);
        if (c.fd < 0) {
            rc = dx_io_fail(why, "cannot open", paths[i]);
            break;
        }
        rc = one_segment(&c, i, i + 1 == count, &stop, why);
        walk->io->close(walk->io, c.fd);
    }
    dx_buf_fini(&c.frame);
    finding->index = walk->tree->size;
    if (rc.code == DX_OK && !stop && walk->recover && walk->tree->size < walk->committed) {
        stop = true;
        prov_no(finding, "PV-501", "the log ends at %" PRIu64 ", the published size is %" PRIu64,
                walk->tree->size, walk->committed);
    }
    if (!stop) {
        finding->ok = true;
        finding->id[0] = finding->text[0] = 0;
    }
    return rc;
}
