#include "trust/path/policy_graph.h"

#include <stdlib.h>

/* The graph of RFC 9618 5. A level holds at most one node per policy; what its nodes expect of the next
 * certificate is one sorted list of (policy, node), so that every step is a search in it. Nothing is pruned
 * while it grows: a node without a child takes no part in the next level, and the graph is NULL exactly when
 * its newest level is empty. Only at the end is it asked which nodes lead to the last level. */

#define NO_NODE UINT16_MAX

static const uint8_t any_policy[] = {0x55, 0x1d, 0x20, 0x00}; /* 2.5.29.32.0 */

typedef struct {
    dx_bytes policy;
    bool any, removed, leads;       /* leads: to a node of the last level */
    uint16_t parents, parent_count; /* in graph.edges */
} node;

typedef struct { /* of the newest level: this node expects this policy */
    dx_bytes policy;
    uint16_t node;
} expectation;

typedef struct {
    node nodes[POLICY_GRAPH_NODES_MAX];
    uint16_t node_count, level; /* level: first node of the newest one */
    uint16_t edges[4 * POLICY_GRAPH_NODES_MAX];
    uint16_t edge_count;
    expectation *expected;
    size_t expected_count;
    dx_arena *arena;
    bool empty; /* the graph is NULL */
    unsigned require_explicit, inhibit_mapping, inhibit_any;
} graph;

static bool is_any(dx_bytes policy)
{
    return dx_bytes_equal(policy, dx_bytes_of(any_policy, sizeof any_policy));
}

static int by_policy(const void *a, const void *b)
{
    const dx_bytes *one = a, *two = b;
    return dx_bytes_compare(*one, *two);
}

/* By policy, then by node. */
static int by_expectation(const void *a, const void *b)
{
    const expectation *one = a, *two = b;
    int order = dx_bytes_compare(one->policy, two->policy);
    return order != 0 ? order : (int)one->node - (int)two->node;
}

static bool add_node(graph *g, dx_bytes policy)
{
    if (g->node_count == POLICY_GRAPH_NODES_MAX)
        return false;
    g->nodes[g->node_count++] = (node){.policy = policy, .any = is_any(policy), .parents = g->edge_count};
    return true;
}

/* To the newest node. */
static bool add_parent(graph *g, uint16_t parent)
{
    if (g->edge_count == sizeof g->edges / sizeof *g->edges)
        return false;
    g->edges[g->edge_count++] = parent;
    g->nodes[g->node_count - 1].parent_count++;
    return true;
}

/* First expectation of this policy; expected_count when there is none. */
static size_t first_expected(const graph *g, dx_bytes policy)
{
    size_t low = 0, high = g->expected_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (dx_bytes_compare(g->expected[middle].policy, policy) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < g->expected_count && dx_bytes_equal(g->expected[low].policy, policy) ? low
                                                                                      : g->expected_count;
}

/* A child for this policy below every node that expects it; `at` is the first of them. */
static bool add_child(graph *g, dx_bytes policy, size_t at)
{
    if (!add_node(g, policy))
        return false;
    for (uint16_t last = NO_NODE; at < g->expected_count && dx_bytes_equal(g->expected[at].policy, policy);
         at++) {
        if (g->expected[at].node != last && !add_parent(g, g->expected[at].node))
            return false;
        last = g->expected[at].node;
    }
    return true;
}

/* ---- one certificate ---- */

/* The policies of a certificate, sorted. NULL: *out and *count; an empty set is none at all. */
static const char *read_policies(const cert_facts *facts, dx_arena *arena, dx_bytes **out, size_t *count)
{
    dx_bytes rest = facts->policies.value, information;
    if (!der_count(rest, count) || *count == 0)
        return "ID-120";
    dx_bytes *all = DX_ARENA_ARRAY(arena, dx_bytes, *count);
    if (all == NULL)
        return "ID-901";
    for (size_t i = 0; i < *count; i++)
        if (!der_take(&rest, DER_SEQUENCE, &information) || !der_take(&information, DER_OID, &all[i]))
            return "ID-120";
    qsort(all, *count, sizeof *all, by_policy);
    for (size_t i = 1; i < *count; i++)
        if (dx_bytes_equal(all[i - 1], all[i])) /* 4.2.1.4: not more than once */
            return "ID-120";
    *out = all;
    return NULL;
}

static uint16_t any_of_level(const graph *g, uint16_t from, uint16_t until)
{
    for (uint16_t i = from; i < until; i++)
        if (g->nodes[i].any && !g->nodes[i].removed)
            return i;
    return NO_NODE;
}

/* 6.1.3 (d) (1): what the certificate asserts by name. */
static bool add_asserted(graph *g, const dx_bytes *policies, size_t count, uint16_t any_above)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = first_expected(g, policies[i]);
        if (is_any(policies[i]))
            continue;
        if (at < g->expected_count) {
            if (!add_child(g, policies[i], at))
                return false;
        } else if (any_above != NO_NODE && (!add_node(g, policies[i]) || !add_parent(g, any_above))) {
            return false;
        }
    }
    return true;
}

/* 6.1.3 (d) (2): anyPolicy stands for everything that is expected and was not named. */
static bool add_by_any(graph *g, const dx_bytes *policies, size_t count)
{
    for (size_t i = 0; i < g->expected_count; i++) {
        dx_bytes policy = g->expected[i].policy;
        bool repeated = i > 0 && dx_bytes_equal(g->expected[i - 1].policy, policy);
        bool named =
            !is_any(policy) && bsearch(&policy, policies, count, sizeof *policies, by_policy) != NULL;
        if (!repeated && !named && !add_child(g, policy, i))
            return false;
    }
    return true;
}

/* 6.1.3 (d) to (f) for one certificate; `last`: it is the leaf. */
static const char *add_level(graph *g, const cert_facts *facts, bool last)
{
    dx_bytes *policies = NULL;
    size_t count = 0;
    uint16_t above = g->level, until = g->node_count;
    if (facts->policies.present) {
        const char *id = read_policies(facts, g->arena, &policies, &count);
        if (id != NULL)
            return id;
    }
    if (g->empty)
        return NULL;
    g->level = until;
    if (!add_asserted(g, policies, count, any_of_level(g, above, until)))
        return "ID-215";
    dx_bytes any = dx_bytes_of(any_policy, sizeof any_policy);
    if (count > 0 && bsearch(&any, policies, count, sizeof *policies, by_policy) != NULL &&
        (g->inhibit_any > 0 || (!last && facts->self_issued)) && !add_by_any(g, policies, count))
        return "ID-215";
    g->empty = g->node_count == g->level;
    return NULL;
}

/* An anchor that names no policies is there for all of them. */
static void add_silent_anchor(graph *g)
{
    g->level = g->node_count;
    (void)add_node(g, dx_bytes_of(any_policy, sizeof any_policy));
    (void)add_parent(g, 0);
}

/* ---- mappings: 6.1.4 (a) and (b) ---- */

typedef struct {
    dx_bytes from, to;
} mapping;

static int by_mapping(const void *a, const void *b)
{
    const mapping *one = a, *two = b;
    int order = dx_bytes_compare(one->from, two->from);
    return order != 0 ? order : dx_bytes_compare(one->to, two->to);
}

static const char *read_mappings(const cert_facts *facts, dx_arena *arena, mapping **out, size_t *count)
{
    dx_bytes rest = facts->policy_mappings.value, pair;
    if (!facts->policy_mappings.present)
        return NULL;
    if (!der_count(rest, count) || *count == 0)
        return "ID-120";
    mapping *all = DX_ARENA_ARRAY(arena, mapping, *count);
    if (all == NULL)
        return "ID-901";
    for (size_t i = 0; i < *count; i++)
        if (!der_take(&rest, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &all[i].from) ||
            !der_take(&pair, DER_OID, &all[i].to) || pair.size != 0 || is_any(all[i].from) ||
            is_any(all[i].to))
            return "ID-120";
    qsort(all, *count, sizeof *all, by_mapping);
    *out = all;
    return NULL;
}

static size_t mappings_of(const mapping *all, size_t count, dx_bytes policy, size_t *first)
{
    size_t low = 0, high = count, n = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (dx_bytes_compare(all[middle].from, policy) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (low + n < count && dx_bytes_equal(all[low + n].from, policy))
        n++;
    return n;
}

static uint16_t node_of_level(const graph *g, dx_bytes policy)
{
    for (uint16_t i = g->level; i < g->node_count; i++)
        if (dx_bytes_equal(g->nodes[i].policy, policy))
            return i;
    return NO_NODE;
}

/* (b) (1): a mapped policy that only anyPolicy stands for becomes a node of its own beside it. */
static bool add_mapped(graph *g, const mapping *all, size_t count)
{
    uint16_t any = any_of_level(g, g->level, g->node_count);
    for (size_t i = 0; i < count && any != NO_NODE; i++) {
        if ((i > 0 && dx_bytes_equal(all[i - 1].from, all[i].from)) ||
            node_of_level(g, all[i].from) != NO_NODE)
            continue;
        if (!add_node(g, all[i].from) || !add_parent(g, g->edges[g->nodes[any].parents]))
            return false;
    }
    return true;
}

/* (b) (2): where mapping is forbidden, what would be mapped ends. */
static void remove_mapped(graph *g, const mapping *all, size_t count)
{
    size_t first, left = 0;
    for (uint16_t i = g->level; i < g->node_count; i++) {
        g->nodes[i].removed = mappings_of(all, count, g->nodes[i].policy, &first) > 0;
        left += !g->nodes[i].removed;
    }
    g->empty = left == 0;
}

/* What the nodes of the newest level expect of the next certificate. */
static const char *expect(graph *g, const mapping *all, size_t count)
{
    size_t first, n = 0;
    expectation *e = DX_ARENA_ARRAY(g->arena, expectation, (size_t)(g->node_count - g->level) + count + 1);
    if (e == NULL)
        return "ID-901";
    for (uint16_t i = g->level; i < g->node_count; i++) {
        size_t mapped = mappings_of(all, count, g->nodes[i].policy, &first);
        if (g->nodes[i].removed)
            continue;
        for (size_t k = 0; k < mapped; k++)
            e[n++] = (expectation){all[first + k].to, i};
        if (mapped == 0)
            e[n++] = (expectation){g->nodes[i].policy, i};
    }
    qsort(e, n, sizeof *e, by_expectation);
    g->expected = e;
    g->expected_count = n;
    return NULL;
}

static void fewer(unsigned *counter)
{
    if (*counter > 0)
        --*counter;
}

static void at_most(unsigned *counter, int stated)
{
    if (stated >= 0 && (unsigned)stated < *counter)
        *counter = (unsigned)stated;
}

/* 6.1.4 (a) (b) (h) (i) (j): the way from one certificate to the next. */
static const char *prepare_next(graph *g, const cert_facts *facts)
{
    mapping *all = NULL;
    size_t count = 0;
    const char *id = read_mappings(facts, g->arena, &all, &count);
    if (id != NULL)
        return id;
    if (!g->empty && g->inhibit_mapping > 0 && !add_mapped(g, all, count))
        return "ID-215";
    if (!g->empty && g->inhibit_mapping == 0)
        remove_mapped(g, all, count);
    if (!g->empty && (id = expect(g, all, count)) != NULL)
        return id;
    if (!facts->self_issued) {
        fewer(&g->require_explicit);
        fewer(&g->inhibit_mapping);
        fewer(&g->inhibit_any);
    }
    at_most(&g->require_explicit, facts->require_explicit);
    at_most(&g->inhibit_mapping, facts->inhibit_mapping);
    at_most(&g->inhibit_any, facts->inhibit_any);
    return NULL;
}

/* ---- the end: 6.1.5 (g) ---- */

static void mark_leading(graph *g)
{
    for (uint16_t i = g->node_count; i-- > 0;) {
        node *n = &g->nodes[i];
        n->leads |= i >= g->level;
        for (uint16_t k = 0; n->leads && k < n->parent_count; k++)
            g->nodes[g->edges[n->parents + k]].leads = true;
    }
}

static bool is_initial(const policy_inputs *inputs, dx_bytes policy)
{
    for (size_t i = 0; i < inputs->initial_count; i++)
        if (dx_bytes_equal(inputs->initial[i], policy))
            return true;
    return false;
}

static bool add_outcome(policy_outcome *out, dx_bytes policy)
{
    for (size_t i = 0; i < out->count; i++)
        if (dx_bytes_equal(out->policies[i], policy))
            return true;
    if (out->count == POLICY_OUTCOME_MAX)
        return false;
    out->policies[out->count++] = policy;
    return true;
}

static const char *outcome_of(graph *g, const policy_inputs *inputs, policy_outcome *out)
{
    dx_bytes any = dx_bytes_of(any_policy, sizeof any_policy);
    bool any_asked = inputs->initial_count == 0 || is_initial(inputs, any), any_left = false, fits = true;
    if (!g->empty)
        mark_leading(g);
    for (uint16_t i = 0; !g->empty && i < g->node_count; i++) {
        const node *n = &g->nodes[i];
        bool below_any = n->parent_count == 1 && g->nodes[g->edges[n->parents]].any;
        any_left |= n->any && i >= g->level;
        if (n->leads && !n->any && below_any && (any_asked || is_initial(inputs, n->policy)))
            fits = fits && add_outcome(out, n->policy);
    }
    for (size_t i = 0; any_left && !any_asked && i < inputs->initial_count; i++)
        fits = fits && add_outcome(out, inputs->initial[i]);
    out->any = any_left && any_asked;
    qsort(out->policies, out->count, sizeof *out->policies, by_policy);
    return fits ? NULL : "ID-215";
}

const char *policy_graph_check(const cert_facts *const *chain, size_t count, const policy_inputs *inputs,
                               dx_arena *arena, policy_outcome *out)
{
    graph *g = DX_ARENA_NEW(arena, graph);
    const char *id = NULL;
    *out = (policy_outcome){0};
    if (g == NULL || count == 0)
        return g == NULL ? "ID-901" : NULL;
    /* With an anchor that counts the path begins with its certificate. */
    size_t below = inputs->anchor_counts || count == 1 ? count : count - 1;
    unsigned never = (unsigned)below + 1;
    g->arena = arena;
    g->require_explicit = inputs->require_explicit ? 0 : never;
    g->inhibit_mapping = inputs->inhibit_mapping ? 0 : never;
    g->inhibit_any = inputs->inhibit_any ? 0 : never;
    (void)add_node(g, dx_bytes_of(any_policy, sizeof any_policy));
    if ((id = expect(g, NULL, 0)) != NULL)
        return id;
    for (size_t i = below; i-- > 0;) {
        if (count > 1 && i == count - 1 && !chain[i]->policies.present)
            add_silent_anchor(g);
        else if ((id = add_level(g, chain[i], i == 0)) != NULL)
            return id;
        if (g->require_explicit == 0 && g->empty)
            return "ID-211";
        if (i > 0 && (id = prepare_next(g, chain[i])) != NULL)
            return id;
    }
    fewer(&g->require_explicit);
    if (chain[0]->require_explicit == 0)
        g->require_explicit = 0;
    if ((id = outcome_of(g, inputs, out)) != NULL)
        return id;
    return g->require_explicit == 0 && !out->any && out->count == 0 ? "ID-212" : NULL;
}
