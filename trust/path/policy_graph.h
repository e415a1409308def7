/* policy_graph.h -- certificate policies along a path.
 *
 * Standard: RFC 5280 6.1.2 to 6.1.5 with the policy graph of RFC 9618 5 in place of the tree: nodes per depth
 * and policy, edges to parents, so that size stays linear. Pure. Threads: values.
 */
#ifndef TRUST_PATH_POLICY_GRAPH_H
#define TRUST_PATH_POLICY_GRAPH_H

#include "trust/base/arena.h"
#include "trust/path/cert_facts.h"

#define POLICY_GRAPH_NODES_MAX 512

typedef struct {             /* RFC 5280 6.1.1 (c) (e) (f) (g); zeroed: any policy, nothing required */
    const dx_bytes *initial; /* contents of OIDs */
    size_t initial_count;    /* 0: any-policy */
    bool require_explicit, inhibit_mapping, inhibit_any;
    bool anchor_counts; /* RFC 5937: the anchor's own policies, mappings and constraints are inputs too */
} policy_inputs;

typedef struct {
    bool any;              /* the user-constrained set is any-policy */
    dx_bytes policies[64]; /* contents of OIDs in byte order; in the arena or the certificates */
    size_t count;
} policy_outcome;

/* chain: leaf first, anchor last. NULL: holds, *out filled; else ID-211 (no valid policy), ID-212 (a required
 * one is missing), ID-120 (malformed), ID-215 (graph over its limit) or ID-901. */
const char *policy_graph_check(const cert_facts *const *chain, size_t count, const policy_inputs *inputs,
                               dx_arena *arena, policy_outcome *out);

#endif
