/* leaf_value.h -- does one value follow its kind (provenance.md 4), and is it one that no leaf may carry
 * (4.2)?
 *
 * Threads: pure.
 */
#ifndef TRUST_PROVENANCE_LEAF_VALUE_H
#define TRUST_PROVENANCE_LEAF_VALUE_H

#include "trust/provenance/leaf_schema.h"

/* NULL: fits; else what is wrong, in words. `text` is decoded. */
const char *leaf_value_text(const leaf_node *node, dx_bytes text);
const char *leaf_value_number(const leaf_node *node, int64_t value);
/* A counter name of log.n: "JP>DE", "JP>DE/purpose", "!JP>DE". */
bool leaf_value_pair(dx_bytes name);
/* NULL: may stand in a leaf; else why not (PV-103). */
const char *leaf_value_forbidden(leaf_kind kind, dx_bytes text);

#endif
