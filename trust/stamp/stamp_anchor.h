/* stamp_anchor.h -- a chain to given issuer certificates, where no trusted list is at hand (`verify --tsa-anchor`, `--anchor`).
 *
 * Standard: RFC 5280 6.1 for short chains: signatures, validity at a time, CA bits, CRLs that are given. Pure.
 */
#ifndef TRUST_STAMP_STAMP_ANCHOR_H
#define TRUST_STAMP_STAMP_ANCHOR_H

#include "trust/base/arena.h"

typedef struct {
    dx_bytes        leaf;
    const dx_bytes *bag, *anchors, *crls; /* DER */
    size_t          bag_count, anchor_count, crl_count;
    int64_t         at_s;
} stamp_anchor_input;

/* NULL: the leaf leads to an anchor, is in time and not revoked by a given CRL. Else a sentence. */
const char *stamp_anchor_check(const stamp_anchor_input *in);
/* The parts of it, for callers that tell them apart: chain alone, then revocation: 0 good, 1 revoked by *revoked_s. */
const char *stamp_anchor_chain(const stamp_anchor_input *in);
bool        stamp_anchor_revoked(const stamp_anchor_input *in, int64_t *revoked_s);

#endif
