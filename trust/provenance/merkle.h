/* merkle.h -- RFC 6962 trees: hashes, a growing tree that keeps one hash per level, proofs and their checks.
 *
 * Standard: RFC 6962 2.1. Tiles are of height 8 (C2SP tlog-tiles): level L+1 has one hash per 256 of level L.
 * Threads: pure; a merkle_tree belongs to one thread at a time.
 */
#ifndef TRUST_PROVENANCE_MERKLE_H
#define TRUST_PROVENANCE_MERKLE_H

#include "trust/base/bytes.h"
#include "trust/base/digest.h"

#define MERKLE_PATH_MAX 63

typedef struct {
    uint8_t bytes[32];
} merkle_hash;

merkle_hash merkle_leaf(dx_bytes leaf);                              /* SHA-256(0x00 ‖ leaf) */
merkle_hash merkle_node(const merkle_hash *l, const merkle_hash *r); /* SHA-256(0x01 ‖ l ‖ r) */
merkle_hash merkle_empty(void);                                      /* SHA-256("") */
static inline bool merkle_same(const merkle_hash *a, const merkle_hash *b)
{
    return memcmp(a->bytes, b->bytes, 32) == 0;
}

/* Roots of the full subtrees of a tree, one per set bit of its size. */
typedef struct {
    uint64_t size;
    merkle_hash level[64];
} merkle_tree;

/* `full` (may be NULL) hears each complete subtree of 256^L leaves, level 0 being the leaf itself. */
typedef void merkle_full(void *context, unsigned level, const merkle_hash *hash);
void merkle_add(merkle_tree *tree, const merkle_hash *leaf, merkle_full *full, void *context);
merkle_hash merkle_root(const merkle_tree *tree);

/* Reads the hash of the complete subtree [index << height, (index + 1) << height). */
typedef struct dx_rc merkle_read(void *context, unsigned height, uint64_t index, merkle_hash *out,
                                 dx_why *why);

typedef struct {
    merkle_hash hashes[MERKLE_PATH_MAX];
    unsigned count;
} merkle_path;

DX_RC merkle_root_of(merkle_read *read, void *context, uint64_t size, merkle_hash *root, dx_why *why);
DX_RC merkle_prove(merkle_read *read, void *context, uint64_t index, uint64_t size, merkle_path *path,
                   dx_why *why);
DX_RC merkle_prove_growth(merkle_read *read, void *context, uint64_t from, uint64_t to, merkle_path *path,
                          dx_why *why);

/* RFC 9162 2.1.3.2 and 2.1.4.2, which check RFC 6962 proofs. */
bool merkle_check(const merkle_hash *leaf, uint64_t index, uint64_t size, const merkle_path *path,
                  const merkle_hash *root);
bool merkle_check_growth(uint64_t from, uint64_t to, const merkle_path *path, const merkle_hash *old_root,
                         const merkle_hash *new_root);

#endif
