#include "trust/path/path_private.h"

#include <stdio.h>

/* A complete path: the checks over all of it, and what it says when it holds (identity.md 7 to 9). */

static void copy_segment(char *out, size_t size, const char *uri)
{
    const char *slash = strrchr(uri, '/');
    snprintf(out, size, "%s", slash == NULL ? uri : slash + 1);
}

static void describe_anchor(path_search *s, const tlist_hit *h)
{
    trust_verdict *v = s->out;
    const tlist_facts *l = h->service->list;
    v->anchor.set = true;
    snprintf(v->anchor.scheme, sizeof v->anchor.scheme, "%s", l->scheme);
    snprintf(v->anchor.territory, sizeof v->anchor.territory, "%s", l->territory);
    snprintf(v->anchor.source, sizeof v->anchor.source, "%s", l->source);
    copy_segment(v->anchor.type, sizeof v->anchor.type, h->interval->type);
    copy_segment(v->anchor.status, sizeof v->anchor.status, h->interval->status);
    snprintf(v->anchor.service, sizeof v->anchor.service, "%.120s", h->service->name);
    snprintf(v->anchor.provider, sizeof v->anchor.provider, "%.120s", h->service->provider);
    v->anchor.sequence = l->sequence;
    v->anchor.lotl_sequence = l->lotl_sequence;
    memcpy(v->anchor.list_sha256, l->sha256, 32);
    memcpy(v->anchor.lotl_sha256, l->lotl_sha256, 32);
    memcpy(v->anchor.service_sha256, h->certificate->sha256, 32);
    v->anchor.since_s = h->interval->from_s;
    v->anchor.issued_s = l->issued_s;
    v->anchor.next_update_s = l->next_update_s;
    v->anchor.list_age_s = s->in->at_s > l->confirmed_s ? s->in->at_s - l->confirmed_s : 0;
    v->anchor.state = l->state;
    v->anchor.origin = l->origin;
}

static void until(trust_verdict *v, int64_t t_s)
{
    if (t_s != 0 && t_s < v->good_until_s)
        v->good_until_s = t_s;
}

/* False: something is revoked, and the search may go on without it. Silence ends the search: no path may
 * avoid the question. */
static bool check_revocation(path_search *s)
{
    trust_verdict *v = s->out;
    const char *unknown = NULL;
    size_t asked = *s->question_count;
    memset(v->revocation, 0, sizeof v->revocation);
    for (size_t i = 0; i + 1 < s->depth && !s->rules->no_revocation; i++) {
        const char *id = NULL;
        bool asked_for =
            !s->in->revocation_off ||
            s->in->evidence.ocsp_count + s->in->evidence.crl_count + s->in->evidence.list_count > 0;
        if (asked_for)
            path_check_revocation(s, s->chain[i], s->chain[i + 1], &v->revocation[i], &id);
        if (v->revocation[i].state == REVOCATION_REVOKED) {
            *s->question_count = asked;
            s->worst_depth = PATH_MAX_CERTS; /* no failure of another branch speaks louder */
            path_say(v, id, NULL);
            return false;
        }
        if (v->revocation[i].state == REVOCATION_GOOD)
            until(v, v->revocation[i].usable_until_s);
        else if (s->in->revocation_off)
            path_remark(v, "ID-405");
        else
            unknown = path_graver(unknown, id);
    }
    if (unknown != NULL)
        path_say(v, unknown, NULL);
    else
        path_say_yes(v, s->anchor == NULL);
    return true;
}

/* What is asked of the anchor's own certificate: what the row says, or whoever named the anchor. */
static const char *check_anchor(path_search *s, path_certificate *anchor, bool *constrains)
{
    static const path_anchor listed = {0};
    const path_anchor *asked = s->anchor != NULL ? s->anchor : &listed;
    const char *id = NULL;
    *constrains = s->rules->anchor_constraints || asked->constraints;
    if (s->depth == 1)
        return NULL; /* the leaf itself, which has been looked at */
    if ((s->rules->anchor_validity || asked->validity) && path_check_dates(s, anchor) != NULL)
        return "ID-307";
    if ((s->rules->anchor_lint || asked->lint) && (id = path_check_anchor_form(s, anchor)) != NULL)
        return id;
    if (!*constrains)
        return NULL;
    s->depth--;
    size_t below = path_intermediates(s);
    s->depth++;
    id = path_check_issuer(&anchor->facts, below);
    return id != NULL ? id : path_check_nested(s->rules, &anchor->facts);
}

static const char *check_chain(path_search *s)
{
    bool constrains;
    const char *id = check_anchor(s, s->chain[s->depth - 1], &constrains);
    if (id == NULL)
        id = path_check_leaf(s);
    if (id == NULL && constrains && s->depth > 1)
        id = name_constraint_check(s->facts, s->depth, &s->comparisons);
    if (id == NULL) {
        policy_inputs inputs = s->in->policies;
        inputs.anchor_counts |= constrains;
        id = policy_graph_check(s->facts, s->depth, &inputs, s->arena, s->policies);
        s->no_memory |= id != NULL && strcmp(id, "ID-901") == 0;
    }
    if (id == NULL && s->anchor == NULL)
        id = path_check_policies(s);
    return id;
}

/* Some lists say that their certificates carry the number in serialNumber (identity.source). */
static void read_number_by_list(path_search *s)
{
    organisation_remarks remarks = {0};
    if (s->person == NULL || s->anchor != NULL || strcmp(s->person, "ID-501") != 0)
        return;
    s->person = organisation_read_serial(&s->leaf.facts, s->in->identity, s->out->anchor.source, &s->out->org,
                                         &remarks);
    for (size_t i = 0; i < remarks.count; i++)
        path_remark(s->out, remarks.ids[i]);
}

bool path_check_whole(path_search *s)
{
    trust_verdict *v = s->out;
    const path_certificate *anchor = s->chain[s->depth - 1];
    const char *id = check_chain(s);
    if (id == NULL && s->shadow > 0)
        id = "ID-305";
    path_trace_tried(s->in->trace, anchor->sha256, s->depth - 1, true, id, NULL);
    if (id != NULL) {
        s->bound_to_path++;
        s->spent |= strcmp(id, "ID-215") == 0;
        path_fail(s, id, NULL);
        return false;
    }
    v->good_until_s = INT64_MAX;
    v->path_count = s->depth;
    for (size_t i = 0; i < s->depth; i++) {
        memcpy(v->path_sha256[i], s->chain[i]->sha256, 32);
        until(v, s->chain[i]->until_s);
    }
    for (size_t i = 0; i < s->hit_count && s->anchor == NULL; i++)
        until(v, s->hits[i].good_until_s);
    if (s->anchor == NULL)
        describe_anchor(s, &s->hits[0]);
    read_number_by_list(s);
    if (s->person == NULL)
        return check_revocation(s);
    path_say(v, s->person, NULL); /* told before anybody is asked about a person's certificate */
    return true;
}
