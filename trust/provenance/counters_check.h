/* counters_check.h -- does a leaf carry exactly its own counters, each one more than before
 * (provenance.md 6.4, rule 2)?
 *
 * Threads: one owner at a time.
 */
#ifndef TRUST_PROVENANCE_COUNTERS_CHECK_H
#define TRUST_PROVENANCE_COUNTERS_CHECK_H

#include "trust/provenance/counters.h"
#include "trust/provenance/leaf_lint.h"

/* False with PV-401. `c` holds what the leaves before have counted, and takes this one in. */
bool counters_check(counters *c, uint64_t index, const leaf_view *view, prov_finding *finding);

#endif
