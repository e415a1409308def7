/* policy_graph.h -- certificate policies along a path.
 *
 * Standard: RFC 5280 6.1.2 to 6.1.5 with the policy graph of RFC 9618 5 in place of the tree: one node per
 * depth and policy, edges to its parents, so that size stays linear. Pure. Threads: values.
 */
#ifndef TRUST_PATH_POLICY_GRAPH_H
#define TRUST_PATH_POLICY_GRAPH_H

#include "trust/base/arena.h"
#include "trust/path/cert_facts.h"

#define POLICY_GRAPH_NODES_MAX 512
#define POLICY_OUTCOME_MAX     64

typedef struct {             /* RFC 5280 6.1.1 (c) (e) (f) (g); zeroed: any policy, nothing required */
    const dx_bytes *initial; /* contents of OIDs; anyPolicy among them means any */
    size_t initial_count;    /* 0: any policy */
    bool require_explicit, inhibit_mapping, inhibit_any;
    bool anchor_counts; /* RFC 5937: the anchor's own policies, mappings and constraints are inputs too */
} policy_inputs;

typedef struct {                           /* the user-constrained policy set */
    bool any;                              /* anyPolicy is in it */
    dx_bytes policies[POLICY_OUTCOME_MAX]; /* the others, contents of OIDs in byte order, in the certificates
                                              or the inputs */
    size_t count;
} policy_outcome;

/* chain: leaf first, anchor last. NULL: holds, *out filled; else ID-211 (no policy is left and one is needed
 * along the way), ID-212 (none of the initial set is left and one is needed at the end), ID-120 (malformed,
 * or one policy twice), ID-215 (over a limit) or ID-901. The arena holds the graph. */
const char *policy_graph_check(const cert_facts *const *chain, size_t count, const policy_inputs *inputs,
                               dx_arena *arena, policy_outcome *out);

#endif
