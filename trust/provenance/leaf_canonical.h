/* leaf_canonical.h -- is this exactly the RFC 8785 form of one JSON value? Any members, any depth up to 32.
 *
 * Threads: pure.
 */
#ifndef TRUST_PROVENANCE_LEAF_CANONICAL_H
#define TRUST_PROVENANCE_LEAF_CANONICAL_H

#include "trust/base/bytes.h"

/* NULL: canonical; else what is not, in words. *type: the string value of a top-level member "type", when
 * there is one. */
const char *leaf_canonical(dx_bytes text, dx_bytes *type);

#endif
