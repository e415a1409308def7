/* leaf_lint.h -- one leaf: canonical bytes (PV-101), members and types (PV-102), forbidden values (PV-103).
 *
 * Standard: RFC 8785; provenance.md 4. The bytes are read where they stand; nothing is re-serialised.
 * Threads: pure.
 */
#ifndef TRUST_PROVENANCE_LEAF_LINT_H
#define TRUST_PROVENANCE_LEAF_LINT_H

#include "trust/provenance/leaf_schema.h"

/* A leaf taken apart. A value is the span as written: strings without quotes (escapes as they are), numbers,
 * true and false, arrays and objects with their brackets. Zero size: the member is absent. */
typedef struct {
    prov_type type;
    dx_bytes values[LEAF_SLOTS_MAX];
} leaf_view;

/* DX false with the first finding, in the order 101, 102, 103. `view` may be NULL. */
bool leaf_lint(dx_bytes leaf, leaf_view *view, prov_finding *finding);

dx_bytes leaf_view_get(const leaf_view *view, const char *path);
bool leaf_view_is(const leaf_view *view, const char *path, const char *text);
uint64_t leaf_view_u64(const leaf_view *view, const char *path);
/* Walks an array of strings: start with *at = 0; false at the end. */
bool leaf_view_next(dx_bytes array, size_t *at, dx_bytes *text);
/* Walks log.n. */
bool leaf_view_next_pair(dx_bytes object, size_t *at, dx_bytes *name, uint64_t *n);

#endif
