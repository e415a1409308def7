#include "trust/path/path_private.h"

#include "trust/base/digest.h"

#include <stdlib.h>

/* What may stand above a certificate, best first (identity.md 6). The name decides who is a candidate; a key
 * identifier that fits only comes earlier, one that does not excludes nobody. The order ends in the digests,
 * so that runs repeat exactly. */

static int by_rank(const void *a, const void *b)
{
    const path_candidate *one = a, *two = b;
    const path_certificate *x = one->certificate, *y = two->certificate;
    if (one->key_id_fits != two->key_id_fits)
        return one->key_id_fits ? -1 : 1;
    if (x->origin != y->origin)
        return x->origin < y->origin ? -1 : 1;
    if (one->valid != two->valid)
        return one->valid ? -1 : 1;
    if (x->from_s != y->from_s)
        return x->from_s > y->from_s ? -1 : 1;
    return memcmp(x->sha256, y->sha256, 32);
}

static path_candidate candidate_of(const path_search *s, const path_certificate *child, path_certificate *c,
                                   const path_anchor *given)
{
    dx_bytes wanted = child->facts.authority_key_id;
    return (path_candidate){.certificate = c,
                            .given = given,
                            .key_id_fits = wanted.size > 0 && dx_bytes_equal(wanted, c->facts.subject_key_id),
                            .valid = path_check_dates(s, c) == NULL};
}

/* The best `max` of all; the rest is over the budget. */
static size_t choose(path_search *s, path_candidate *all, size_t count, path_candidate *out, size_t max)
{
    qsort(all, count, sizeof *all, by_rank);
    if (count > max) {
        s->left_out = true;
        count = max;
    }
    if (count > 0)
        memcpy(out, all, count * sizeof *all);
    return count;
}

void path_add_intermediate(path_search *s, dx_bytes der, uint8_t origin)
{
    path_certificate *c = &s->presented[s->presented_count];
    if (s->presented_count == s->presented_room) {
        s->left_out |= origin != PATH_LEARNED;
        return;
    }
    if (path_certificate_open(der, c) != NULL)
        return; /* what cannot be read is no issuer */
    bool known = memcmp(c->sha256, s->leaf.sha256, 32) == 0;
    for (size_t i = 0; i < s->presented_count && !known; i++)
        known = memcmp(c->sha256, s->presented[i].sha256, 32) == 0;
    c->origin = origin;
    s->presented_count += !known;
}

size_t path_candidates(path_search *s, const path_certificate *child, path_candidate *out, size_t max)
{
    dx_bytes learned[LEARNED_PER_NAME];
    size_t known = path_memo_learned(s->memo, child->facts.issuer, learned, LEARNED_PER_NAME), count = 0;
    for (size_t i = 0; i < known; i++)
        path_add_intermediate(s, learned[i], PATH_LEARNED);
    path_candidate all[INTERMEDIATES_MAX];
    for (size_t i = 0; i < s->presented_count; i++)
        if (cert_name_equal(child->facts.issuer, s->presented[i].facts.subject))
            all[count++] = candidate_of(s, child, &s->presented[i], NULL);
    return choose(s, all, count, out, max);
}

/* ---- anchors ---- */

/* Name and key without a certificate: nothing to check, nothing that limits. */
static const char *open_bare(const path_anchor *anchor, dx_arena *arena, path_certificate *out)
{
    dx_bytes both;
    uint8_t *copy = dx_arena_array(arena, anchor->name.size + anchor->spki.size, 1);
    if (copy == NULL)
        return "ID-901";
    memcpy(copy, anchor->name.data, anchor->name.size);
    memcpy(copy + anchor->name.size, anchor->spki.data, anchor->spki.size);
    both = dx_bytes_of(copy, anchor->name.size + anchor->spki.size);
    *out = (path_certificate){
        .facts = {.subject = anchor->name,
                  .issuer = anchor->name,
                  .spki = anchor->spki,
                  .self_issued = true,
                  .until_s = INT64_MAX,
                  .dated = true,
                  .ca = true,
                  .has_basic_constraints = true,
                  .path_length = -1,
                  .inhibit_any = -1,
                  .require_explicit = -1,
                  .inhibit_mapping = -1},
        .subject = anchor->name,
        .spki = anchor->spki,
        .until_s = INT64_MAX,
        .dated = true,
    };
    dx_sha256(both, out->sha256);
    return NULL;
}

bool path_open_anchors(path_search *s)
{
    s->given = DX_ARENA_ARRAY(s->arena, path_certificate, s->in->anchor_count);
    if (s->in->anchor_count > 0 && s->given == NULL)
        return false;
    for (size_t i = 0; i < s->in->anchor_count; i++) {
        const path_anchor *a = &s->in->anchors[i];
        const char *id = a->der.size == 0 ? open_bare(a, s->arena, &s->given[i])
                                          : path_certificate_open(a->der, &s->given[i]);
        if (id != NULL && strcmp(id, "ID-901") == 0)
            return false;
        if (id != NULL) /* nobody's name */
            s->given[i] = (path_certificate){0};
    }
    return true;
}

static bool is_given(const path_search *s, const path_certificate *c, size_t i)
{
    const path_certificate *g = &s->given[i];
    return memcmp(g->sha256, c->sha256, 32) == 0 ||
           (dx_bytes_equal(g->spki, c->spki) && cert_name_equal(g->subject, c->subject));
}

bool path_distrusted(const path_search *s, const path_certificate *c)
{
    for (size_t i = 0; i < s->in->anchor_count; i++)
        if (s->in->anchors[i].distrusted && s->given[i].spki.size > 0 && is_given(s, c, i))
            return true;
    return false;
}

size_t path_candidate_anchors(path_search *s, const path_certificate *child, path_candidate *out, size_t max)
{
    const tlist_certificate *listed[LISTED_MAX];
    dx_bytes issuer = child->facts.issuer;
    size_t count = 0,
           named = s->in->snapshot == NULL ? 0 : tlist_issuers(s->in->snapshot, issuer, listed, LISTED_MAX);
    path_candidate *all = DX_ARENA_ARRAY(s->arena, path_candidate, named + s->in->anchor_count + 1);
    path_certificate *opened = DX_ARENA_ARRAY(s->arena, path_certificate, named + 1);
    if (all == NULL || opened == NULL) {
        s->no_memory = true;
        return 0;
    }
    for (size_t i = 0; i < named; i++) {
        if (path_certificate_open(listed[i]->der, &opened[count]) == NULL) {
            all[count] = candidate_of(s, child, &opened[count], NULL);
            count++;
        }
    }
    for (size_t i = 0; i < s->in->anchor_count; i++) {
        const path_anchor *a = &s->in->anchors[i];
        if (s->given[i].spki.size > 0 && !a->not_issuer && cert_name_equal(issuer, s->given[i].subject))
            all[count++] = candidate_of(s, child, &s->given[i], a);
    }
    return choose(s, all, count, out, max);
}
