/* reader.h -- inside of prov_reader: what verification and the index need beside the door.
 *
 * Threads: one reader, one thread.
 */
#ifndef TRUST_PROVENANCE_READER_H
#define TRUST_PROVENANCE_READER_H

#include "trust/provenance/merkle.h"
#include "trust/provenance/provenance.h"
#include "trust/provenance/segment.h"

struct dx_rc reader_subtree(void *reader, unsigned height, uint64_t index, merkle_hash *out,
                            dx_why *why); /* a merkle_read */
/* Vault ciphertext of a leaf; empty when it has none. */
DX_RC reader_side(prov_reader *reader, uint64_t index, dx_buf *side, dx_why *why);

#endif
