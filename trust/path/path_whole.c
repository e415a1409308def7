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
    for (size_t i = 0; i + 1 < s->depth; i++) {
        const char *id = NULL;
        path_check_revocation(s, s->chain[i], s->chain[i + 1], &v->revocation[i], &id);
        if (v->revocation[i].state == REVOCATION_REVOKED) {
            *s->question_count = asked;
            s->worst_depth = DEPTH_MAX; /* no failure of another branch speaks louder */
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
        path_say_yes(v);
    return true;
}

static const char *check_anchor(const path_search *s, const path_certificate *anchor)
{
    if (s->depth == 1)
        return NULL;
    if (!anchor->dated || s->in->at_s < anchor->from_s || s->in->at_s > anchor->until_s)
        return "ID-307";
    return path_check_issuer(anchor, s->depth - 2);
}

bool path_check_whole(path_search *s)
{
    trust_verdict *v = s->out;
    const char *id;
    if ((id = check_anchor(s, s->chain[s->depth - 1])) != NULL || (id = path_check_leaf(s)) != NULL ||
        (id = path_check_names(s)) != NULL || (id = path_check_policies(s)) != NULL) {
        path_fail(s, id, NULL);
        return false;
    }
    if (s->shadow > 0) {
        path_fail(s, "ID-305", NULL);
        return false;
    }
    v->good_until_s = INT64_MAX;
    v->path_count = s->depth;
    for (size_t i = 0; i < s->depth; i++) {
        memcpy(v->path_sha256[i], s->chain[i]->sha256, 32);
        until(v, s->chain[i]->until_s);
    }
    for (size_t i = 0; i < s->hit_count; i++)
        until(v, s->hits[i].good_until_s);
    describe_anchor(s, &s->hits[0]);
    if (s->person == NULL)
        return check_revocation(s);
    path_say(v, s->person, NULL); /* told before anybody is asked about a person's certificate */
    return true;
}
