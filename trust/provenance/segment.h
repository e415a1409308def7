/* segment.h -- the record of truth: files of frames, one frame per group commit (provenance.md 3.2), and how
 * a start or a verifier reads them (9).
 *
 * Everything read is judged: form PV-108, origin PV-305, history PV-203. All I/O through dx_io.
 * Threads: pure over the files.
 */
#ifndef TRUST_PROVENANCE_SEGMENT_H
#define TRUST_PROVENANCE_SEGMENT_H

#include "trust/provenance/merkle.h"
#include "trust/provenance/provenance.h"

#define SEGMENT_HEADER_BYTES 4096
#define SEGMENT_STEP         64
#define FRAME_HEAD_BYTES     84
#define FRAME_MAX_BYTES      (16U << 20)
#define FRAME_LEAVES_MAX     4096
#define SIDE_MAX_BYTES       (1U << 20)

typedef struct {
    uint32_t ordinal;
    uint64_t first, epoch;
    uint8_t origin_sha256[32];
    merkle_hash root; /* at size = first */
    int64_t created_us;
} segment_head;

void segment_head_write(const segment_head *head, uint8_t out[SEGMENT_HEADER_BYTES]);
bool segment_head_read(dx_bytes bytes, segment_head *head, prov_finding *finding); /* at least 4,096 bytes */

typedef struct {
    uint64_t first, epoch;
    uint32_t count, leaf_bytes, side_bytes;
    merkle_hash root; /* at size = first */
    int64_t wall_us;
} frame_head;

void frame_head_write(const frame_head *head, uint8_t out[FRAME_HEAD_BYTES]);
/* Magic and CRC: is a header here, whatever it says? */
bool frame_head_here(const uint8_t bytes[FRAME_HEAD_BYTES]);
bool frame_head_read(const uint8_t bytes[FRAME_HEAD_BYTES], frame_head *head, prov_finding *finding);
/* Bytes of the whole frame, and with the zeros up to the next step. */
static inline size_t frame_bytes(const frame_head *head)
{
    return FRAME_HEAD_BYTES + (size_t)head->leaf_bytes + head->side_bytes + 8;
}
static inline size_t frame_padded(const frame_head *head)
{
    return (frame_bytes(head) + SEGMENT_STEP - 1) & ~(size_t)(SEGMENT_STEP - 1);
}
/* Body, its CRC and end magic, both sections complete. `frame` is the whole frame without fill-up. */
bool frame_body_ok(const frame_head *head, dx_bytes frame, prov_finding *finding);
/* Walks the leaf section: *at starts at 0. */
bool frame_next_leaf(dx_bytes section, size_t *at, dx_bytes *leaf);
bool frame_next_side(dx_bytes section, size_t *at, dx_bytes *side);

/* ---- a walk over the segments of a log ---- */

typedef struct {
    const dx_io *io;
    const char *origin; /* NULL: any */
    bool recover;       /* a start after a crash; else each bad frame is a finding */
    uint64_t committed; /* recover: a bad frame below this size is damage (size of HEAD) */
    merkle_tree *tree;  /* grows */
    merkle_full *full;  /* may be NULL */
    /* Each leaf of a sound frame. False stops the walk with what it put into the finding. May be NULL. */
    bool (*leaf)(void *context, uint64_t index, uint32_t ordinal, uint64_t at, dx_bytes leaf,
                 prov_finding *finding);
    void *context;
} segment_walk;

typedef struct {
    uint32_t ordinal; /* of the last segment */
    uint64_t at;      /* where the next frame belongs in it */
    uint64_t file_size;
    uint64_t epoch; /* largest seen */
    bool closed;    /* the last segment has its mark */
    bool torn;      /* bytes other than zero lie behind the end */
} segment_end;

/* Walks `count` files in order. finding->ok tells; an error is "could not find out". */
DX_RC segment_walk_files(const segment_walk *walk, const char *const *paths, unsigned count, segment_end *end,
                         prov_finding *finding, dx_why *why);

/* "<folder>/seg/00000007.seg" */
void segment_path(const char *folder, uint32_t ordinal, char *out, size_t size);
/* How many segments the folder has, from ordinal 0 without a gap. */
DX_RC segment_count(const dx_io *io, const char *folder, uint32_t *count, dx_why *why);

/* Reads exactly `size` bytes unless the file ends; *got says how many. */
DX_RC prov_read_at(const dx_io *io, int fd, void *data, size_t size, uint64_t at, size_t *got, dx_why *why);

#endif
