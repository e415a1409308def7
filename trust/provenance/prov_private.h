/* prov_private.h -- inside trust/provenance: trees, notes, frames, leaves. */
#ifndef TRUST_PROVENANCE_PROV_PRIVATE_H
#define TRUST_PROVENANCE_PROV_PRIVATE_H

#include "trust/base/json.h"
#include "trust/provenance/provenance.h"

/* ---- merkle: RFC 6962 over leaf hashes ---- */
typedef uint8_t merkle_hash[32];
void merkle_leaf(dx_bytes leaf, merkle_hash out);
void merkle_node(const merkle_hash left, const merkle_hash right, merkle_hash out);
typedef struct { /* all complete subtrees, level by level; append only */
    merkle_hash *levels[64];
    size_t       counts[64], rooms[64];
} merkle_tree;
void  merkle_init(merkle_tree *t);
void  merkle_fini(merkle_tree *t);
DX_RC merkle_append(merkle_tree *t, const merkle_hash leaf);
static inline uint64_t merkle_size(const merkle_tree *t)
{
    return t->counts[0];
}
void  merkle_root(const merkle_tree *t, uint64_t size, merkle_hash out);
size_t merkle_inclusion(const merkle_tree *t, uint64_t index, uint64_t size, merkle_hash path[64]);
size_t merkle_consistency(const merkle_tree *t, uint64_t from, uint64_t to, merkle_hash path[64]);
bool  merkle_inclusion_root(const merkle_hash leaf, uint64_t index, uint64_t size, const merkle_hash *path, size_t count, merkle_hash root);
bool  merkle_consistency_check(uint64_t from, const merkle_hash old_root, uint64_t to, const merkle_hash new_root, const merkle_hash *path, size_t count);

/* ---- notes and checkpoints ---- */
typedef struct {
    char     name[160];
    uint8_t  id[4], type;
    uint8_t  key[256]; /* raw Ed25519 (32) or SPKI DER */
    size_t   key_size;
} note_key;
bool note_key_parse(const char *vkey, note_key *out);
DX_RC note_vkey(const char *name, sign_key *key, dx_buf *out, dx_why *why);
typedef struct {
    dx_bytes text, origin;
    uint64_t size;
    merkle_hash root;
    unsigned good; /* signature lines of known keys */
} checkpoint;
/* NULL: fine; else PV-104, PV-301 or PV-305. `origin` NULL: any that a key has. */
const char *checkpoint_open(dx_bytes note, const note_key *keys, size_t key_count, checkpoint *out);
bool  checkpoint_read_text(dx_bytes text, checkpoint *out);
DX_RC checkpoint_sign(const char *origin, uint64_t size, const merkle_hash root, sign_key *ed25519, sign_key *p256, dx_buf *out, dx_why *why);
bool  origin_ok(dx_bytes origin);
bool  canonical_base64(dx_bytes text, uint8_t *out, size_t *size);

/* ---- proofs ---- */
const char *proof_check(dx_bytes proof, dx_bytes leaf, const note_key *keys, size_t key_count, checkpoint *out, uint64_t *index);

/* ---- leaves ---- */
/* NULL: canonical and within its schema; else PV-101, PV-102 or PV-103, with a word in `text`. */
const char *leaf_check(dx_bytes leaf, char *text, size_t size);
struct prov_record {
    json_t   *root;
    prov_type type;
    dx_arena *arena;
    bool      bad;
    char      bad_path[64];
    struct { char path[48]; uint8_t inner[32]; } commits[16];
    size_t    commit_count;
};
const char *prov_type_text(prov_type type);

/* ---- segments ---- */
#define SEGMENT_HEADER 4096
#define FRAME_HEADER   84
#define FRAME_LEAVES   4096
#define FRAME_MAX      (16U << 20)
uint32_t crc32c(uint32_t crc, dx_bytes in);
typedef struct {
    uint64_t    first;
    uint32_t    count, leaf_bytes, side_bytes;
    merkle_hash root;
    uint64_t    wall_us, epoch;
    dx_bytes    leaves; /* n times u16 length, leaf */
    size_t      size;   /* whole frame, padded to 64 */
} frame;
/* 1: a good frame at `at`; 0: zeros or the end mark; -1: something else. */
int  frame_read(dx_bytes segment, size_t at, frame *out);
DX_RC frame_write(uint64_t first, uint32_t count, dx_bytes leaves, const merkle_hash root, uint64_t wall_us, uint64_t epoch, dx_buf *out);
void segment_header(uint8_t out[SEGMENT_HEADER], uint32_t ordinal, uint64_t first, uint64_t epoch, const char *origin, const merkle_hash root,
                    uint64_t created_us);
/* NULL: fine; else PV-108 or PV-305. */
const char *segment_header_read(dx_bytes segment, const char *origin, uint32_t *ordinal, uint64_t *first, uint64_t *epoch, merkle_hash root);
typedef struct {
    bool     damaged;    /* exit 4 */
    const char *id; /* PROV id of the damage */
    char     text[160];
    size_t   segment, end; /* where the next frame goes */
    bool     torn;       /* bytes other than zero behind the end */
    uint64_t epoch;
} recovery;
/* Walks segments from the first; each leaf goes to `take`. */
typedef bool segment_take(void *context, uint64_t index, dx_bytes leaf, size_t segment, size_t offset);
DX_RC segments_walk(const dx_bytes *segments, size_t count, const char *origin, bool strict, merkle_tree *tree, segment_take *take, void *context,
                    recovery *out);

#endif
