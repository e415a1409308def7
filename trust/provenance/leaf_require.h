/* leaf_require.h -- what must be there, judged by what the leaf itself says has happened
 * (provenance.md 4.2, 4.3).
 *
 * Threads: pure.
 */
#ifndef TRUST_PROVENANCE_LEAF_REQUIRE_H
#define TRUST_PROVENANCE_LEAF_REQUIRE_H

#include "trust/provenance/leaf_lint.h"

/* False with PV-102. */
bool leaf_require(const leaf_view *view, prov_finding *finding);
/* The same for one element of an array of objects; NULL: complete. `values` are the slots of its scope. */
const char *leaf_require_element(const leaf_node *array, const dx_bytes *values);

#endif
