#include "trust/path/path_private.h"

/* Builds paths from the leaf to anchors (identity.md 6). Depth first, with a budget; a path that reaches an
 * anchor and fails is one failed branch, the search goes on. */

void path_fail(path_search *s, const char *id, const char *more)
{
    if (s->shadow > 0 && strcmp(id, "ID-305") != 0)
        return;
    if ((int)s->depth > s->worst_depth || ((int)s->depth == s->worst_depth && strcmp(id, s->out->id) < 0)) {
        s->worst_depth = (int)s->depth;
        path_say(s->out, id, more);
    }
}

bool path_in_time(path_search *s)
{
    s->spent = s->spent || dx_mono_us(s->clock) > s->until_us;
    return !s->spent;
}

static bool enter(path_search *s)
{
    if (++s->nodes > s->limits.nodes)
        s->spent = true;
    return !s->spent &&
           (s->nodes % 8 != 0 || path_in_time(s)); /* each signature looks at the clock as well */
}

static void push(path_search *s, path_certificate *c)
{
    s->chain[s->depth] = c;
    s->facts[s->depth++] = &c->facts;
}

static tlist_key key_of(const path_certificate *c)
{
    tlist_key k = {c->der, c->spki, c->subject, {0}};
    memcpy(k.sha256, c->sha256, 32);
    return k;
}

/* What a list that an operator compiled says no to says so (trusted-lists.md 9.4). */
static const char *name_of(path_search *s, const tlist_service *service)
{
    if (service->list->origin != TLIST_ORIGIN_OPERATOR_COMPILED)
        return service->name;
    const char *text = dx_arena_printf(s->arena, "operator-compiled list, %s", service->name);
    return text == NULL ? "operator-compiled list" : text;
}

/* Is this certificate a listed service that may anchor the path? Sets hits. *blocked: it is listed with a
 * fitting type and no valid status, which cannot be walked around. */
static bool anchor_holds(path_search *s, const path_certificate *c, const char **id, const char **more,
                         bool *blocked)
{
    const tlist_key key = key_of(c);
    tlist_miss miss;
    s->hit_count = tlist_find(s->in->snapshot, &key, s->rules->service, s->in->at_s, s->hits, 8, &miss);
    *id = miss == TLIST_MISS_NONE ? NULL : "ID-302";
    *more = NULL;
    size_t usable = 0;
    bool withdrawn = false;
    for (size_t i = 0; i < s->hit_count; i++) {
        /* A unit that is listed by itself only later was vouched for by its CA before. */
        withdrawn |= s->hits[i].id != NULL && strcmp(s->hits[i].id, "ID-304") == 0 &&
                     (c != &s->leaf || s->hits[i].interval != NULL);
        if (s->hits[i].usable) {
            s->hits[usable++] = s->hits[i];
        } else if (*id == NULL || strcmp(s->hits[i].id, *id) > 0) {
            *id = s->hits[i].id;
            *more = name_of(s, s->hits[i].service);
        }
    }
    s->hit_count = usable;
    *blocked |= usable == 0 && withdrawn;
    return usable > 0;
}

static bool search(path_search *s);

/* The path ends here, if this one may end it. */
static bool try_anchor(path_search *s, const path_candidate *candidate, bool *blocked)
{
    path_certificate *node = s->chain[s->depth - 1], *anchor = candidate->certificate;
    const char *id = NULL, *more = NULL;
    bool found = false;
    if (s->depth + 1 > s->limits.certificates) {
        s->bound_to_path++;
        path_fail(s, "ID-216", NULL);
        return false;
    }
    path_edge edge = path_signed_by(s, node, anchor->spki);
    if (edge == PATH_EDGE_UNKNOWN)
        return false;
    if (edge == PATH_EDGE_BAD) /* the name of a listed service, and another key */
        id = candidate->given != NULL ? "ID-202" : "ID-302";
    else if (candidate->given != NULL && candidate->given->distrusted)
        id = "ID-309";
    if (id != NULL) {
        path_trace_tried(s->in->trace, anchor->sha256, s->depth, true, id, NULL);
        path_fail(s, id, NULL);
        return false;
    }
    s->anchor = candidate->given;
    bool fits = candidate->given != NULL || anchor_holds(s, anchor, &id, &more, blocked);
    push(s, anchor);
    if (fits) {
        found = path_check_whole(s);
    } else if (id != NULL) {
        path_trace_tried(s->in->trace, anchor->sha256, s->depth - 1, true, id, more);
        path_fail(s, id, more);
    }
    if (!found)
        s->depth--;
    return found;
}

/* Tries anchors as issuer of the newest node: one that holds ends the path. */
static bool try_anchors(path_search *s, bool *blocked)
{
    path_candidate candidates[CANDIDATES_MAX];
    size_t count = path_candidate_anchors(s, s->chain[s->depth - 1], candidates, s->limits.candidates);
    bool found = false;
    for (size_t i = 0; i < count && !found && !s->spent; i++)
        found = try_anchor(s, &candidates[i], blocked);
    return found;
}

static bool on_chain(const path_search *s, const path_certificate *c)
{
    for (size_t i = 0; i < s->depth; i++)
        if (memcmp(s->chain[i]->sha256, c->sha256, 32) == 0 ||
            (dx_bytes_equal(s->chain[i]->spki, c->spki) && cert_name_equal(s->chain[i]->subject, c->subject)))
            return true;
    return false;
}

/* Does the certificate fit above the chain so far? Cheap checks first, a signature last. NULL: it does. */
static const char *unfit(path_search *s, path_certificate *c)
{
    size_t below = path_intermediates(s);
    const char *id;
    if (!c->formed) {
        c->form = path_check_form(s, c);
        c->formed = true;
    }
    if ((id = c->form) != NULL || (id = path_check_dates(s, c)) != NULL ||
        (id = path_check_nested(s->rules, &c->facts)) != NULL)
        return id;
    if (path_distrusted(s, c))
        return "ID-309";
    if (s->depth + 2 > s->limits.certificates || below + !c->facts.self_issued > s->limits.intermediates)
        id = "ID-216";
    else if ((id = path_check_issuer(&c->facts, below)) == NULL) {
        s->facts[s->depth] = &c->facts;
        id = name_constraint_check(s->facts, s->depth + 1, &s->comparisons);
        s->spent |= id != NULL && strcmp(id, "ID-215") == 0;
    }
    if (id != NULL) {
        s->bound_to_path++; /* above another chain it may fit */
        return id;
    }
    return path_signed_by(s, s->chain[s->depth - 1], c->spki) == PATH_EDGE_BAD ? "ID-202" : NULL;
}

/* One step up by a certificate that is no anchor. */
static bool step_up(path_search *s, path_certificate *c)
{
    unsigned before;
    if (c->leads_nowhere)
        return false;
    if (on_chain(s, c)) {
        s->bound_to_path++;
        return false;
    }
    const char *id = unfit(s, c);
    if (s->spent)
        return false;
    path_trace_tried(s->in->trace, c->sha256, s->depth, false, id, NULL);
    if (id != NULL) {
        if (c->origin != PATH_LEARNED) /* the peer knows nothing of what others showed */
            path_fail(s, id, "an intermediate");
        return false;
    }
    before = s->bound_to_path;
    push(s, c);
    bool found = search(s);
    if (!found) {
        s->depth--;
        c->leads_nowhere = !s->spent && s->bound_to_path == before;
    }
    return found;
}

static bool climb(path_search *s, const path_certificate *node)
{
    path_candidate candidates[CANDIDATES_MAX];
    size_t count = path_candidates(s, node, candidates, s->limits.candidates);
    for (size_t i = 0; i < count && !s->spent; i++)
        if (step_up(s, candidates[i].certificate))
            return true;
    return false;
}

static bool search(path_search *s)
{
    path_certificate *node = s->chain[s->depth - 1];
    bool blocked = false;
    if (!enter(s))
        return false;
    if (try_anchors(s, &blocked))
        return true;
    /* Looked at all the same, to tell a withdrawal from one that somebody tries to walk around (ID-305). */
    s->shadow += blocked;
    bool found = !s->spent && climb(s, node);
    s->shadow -= blocked;
    return found;
}

/* An anchor that somebody named may be the leaf itself. */
static bool leaf_is_given(path_search *s)
{
    for (size_t i = 0; i < s->in->anchor_count; i++)
        if (s->in->anchors[i].leaf && !s->in->anchors[i].distrusted &&
            dx_bytes_equal(s->given[i].der, s->leaf.der)) {
            s->anchor = &s->in->anchors[i];
            return path_check_whole(s);
        }
    return false;
}

/* The certificate itself may be a service identity, as time-stamp units often are. */
static bool leaf_is_listed(path_search *s, bool *blocked)
{
    const char *id, *more;
    s->anchor = NULL;
    if (s->in->snapshot == NULL)
        return false;
    if (!anchor_holds(s, &s->leaf, &id, &more, blocked)) {
        if (id != NULL && strcmp(id, "ID-302") != 0)
            path_fail(s, id, more);
        return false;
    }
    return path_check_whole(s);
}

bool path_search_from_leaf(path_search *s)
{
    bool blocked = false;
    push(s, &s->leaf);
    if (path_distrusted(s, &s->leaf)) {
        path_fail(s, "ID-309", NULL);
        return false;
    }
    return leaf_is_given(s) || leaf_is_listed(s, &blocked) || (!blocked && search(s));
}
