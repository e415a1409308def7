/* counters.h -- running counters per pair of countries and purpose, and the roots that make them checkable
 * (provenance.md 6.4).
 *
 * Threads: one owner at a time.
 */
#ifndef TRUST_PROVENANCE_COUNTERS_H
#define TRUST_PROVENANCE_COUNTERS_H

#include "trust/provenance/merkle.h"

#define COUNTERS_SLOTS        2704 /* 4 roles x 26 x 26 */
#define COUNTERS_PURPOSES_MAX 64
#define COUNTERS_NAMES_MAX                                                                                   \
    (1U << 20) /* distinct counter names in one shard; more is a peer making up purposes */

typedef struct counters counters;
counters *counters_new(void); /* NULL: out of memory */
void counters_free(counters *c);

/* Adds one and gives the new value; 0: no memory or too many names. */
uint64_t counters_add(counters *c, dx_bytes name);
void counters_undo(counters *c, dx_bytes name); /* a frame that did not become durable */
/* Sets a value read from a leaf. False: it is not the next one, or no memory. */
bool counters_next(counters *c, dx_bytes name, uint64_t value);
unsigned counters_pairs(const counters *c); /* pairs without purpose, with and without "!" */
unsigned counters_purposes(const counters *c);
const char *counters_purpose(const counters *c, unsigned i); /* in order of their appearance; at most 64 */

/* Roots over slot leaves under the shard's key: all pairs, and per purpose for `purposes` in that order;
 * those that were never counted have zeros. `purpose_root` is all zero when there are none. */
DX_RC counters_roots(counters *c, const uint8_t key[32], const char *const *purposes, unsigned purpose_count,
                     merkle_hash *root, merkle_hash *purpose_root);

unsigned counters_slot(unsigned role, const uint8_t country[2]);
/* purpose < 0: of the first root. */
void counters_slot_leaf(const uint8_t key[32], unsigned slot, int purpose, uint64_t n, uint8_t out[32]);

#endif
