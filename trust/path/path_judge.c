#include "trust/path/path_private.h"

#include "trust/base/clock.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/* Builds a path from the leaf to a listed service and judges it (identity.md 6 to 8). Depth first, with a
 * budget; a path that reaches an anchor and fails is one failed branch, the search goes on. */

DX_RC path_judge_new(path_judge_state **out, dx_why *why)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for a judge") : DX_OKAY;
}

void path_judge_free(path_judge_state *judge)
{
    free(judge);
}

/* ---- the search ---- */

/* The deepest failure is told, of equals the first; in the shadow of a withdrawal only what it blocks. */
static void fail_at(path_search *s, const char *id, const char *more)
{
    if (s->shadow > 0 && strcmp(id, "ID-305") != 0)
        return;
    if ((int)s->depth > s->worst_depth) {
        s->worst_depth = (int)s->depth;
        path_say(s->out, id, more);
    }
}

static bool signed_by(path_search *s, const path_certificate *child, const path_certificate *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer->x);
    if (s->signatures >= SIGNATURES_MAX) {
        s->spent = true;
        return false;
    }
    s->signatures++;
    bool ok = key != NULL && X509_verify(child->x, key) == 1;
    ERR_clear_error();
    return ok;
}

static tlist_purpose purpose_of(path_profile_id profile)
{
    return profile == PATH_TSU ? TLIST_STAMP : profile == PATH_RESPONDER ? TLIST_OCSP : TLIST_ISSUER;
}

static tlist_key key_of(const path_certificate *c)
{
    tlist_key k = {c->der, c->spki, c->subject, {0}};
    memcpy(k.sha256, c->sha256, 32);
    return k;
}

/* Is this certificate a listed service that may anchor the path? Sets hits. *blocked: it is listed with a
 * fitting type and no valid status, which cannot be walked around. */
static bool anchor_holds(path_search *s, const path_certificate *c, const char **id, const char **more,
                         bool *blocked)
{
    const tlist_key key = key_of(c);
    tlist_miss miss;
    s->hit_count =
        tlist_find(s->in->snapshot, &key, purpose_of(s->in->profile), s->in->at_s, s->hits, 8, &miss);
    *id = miss == TLIST_MISS_NONE ? NULL : "ID-302";
    *more = NULL;
    size_t usable = 0;
    bool withdrawn = false;
    for (size_t i = 0; i < s->hit_count; i++) {
        withdrawn |= s->hits[i].id != NULL && strcmp(s->hits[i].id, "ID-304") == 0;
        if (s->hits[i].usable) {
            s->hits[usable++] = s->hits[i];
        } else if (*id == NULL || strcmp(s->hits[i].id, *id) > 0) {
            *id = s->hits[i].id;
            *more = s->hits[i].service->name;
        }
    }
    s->hit_count = usable;
    *blocked |= usable == 0 && withdrawn;
    return usable > 0;
}

static bool check_whole(path_search *s);
static bool search(path_search *s);

/* Tries listed certificates as issuer of the newest node: one that anchors ends the path. */
static bool try_anchors(path_search *s, bool *blocked)
{
    path_certificate *node = s->chain[s->depth - 1];
    const tlist_certificate *candidates[16];
    uint8_t *name = NULL;
    int size = i2d_X509_NAME(X509_get_issuer_name(node->x), &name);
    size_t count =
        size > 0 ? tlist_issuers(s->in->snapshot, dx_bytes_of(name, (size_t)size), candidates, 16) : 0;
    OPENSSL_free(name);
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        path_certificate *anchor = &s->listed[s->depth];
        const char *id, *more;
        if (s->depth >= DEPTH_MAX - 1)
            continue;
        if ((id = path_certificate_open(candidates[i]->der, s->arena, anchor)) != NULL) {
            s->no_memory |= strcmp(id, "ID-901") == 0;
            continue;
        }
        if (signed_by(s, node, anchor)) {
            bool fits = anchor_holds(s, anchor, &id, &more, blocked);
            s->chain[s->depth++] = anchor;
            if (fits) {
                found = check_whole(s);
            } else if (id != NULL) {
                fail_at(s, id, more);
            }
            s->depth--;
        }
        if (!found)
            path_certificate_close(anchor);
    }
    return found;
}

static bool on_chain(const path_search *s, const path_certificate *c)
{
    for (size_t i = 0; i < s->depth; i++)
        if (memcmp(s->chain[i]->sha256, c->sha256, 32) == 0 ||
            (dx_bytes_equal(s->chain[i]->spki, c->spki) && dx_bytes_equal(s->chain[i]->subject, c->subject)))
            return true;
    return false;
}

/* One step up by a certificate that came along. */
static bool try_presented(path_search *s, const path_certificate *node, path_certificate *c)
{
    const char *id;
    if (on_chain(s, c) || X509_NAME_cmp(X509_get_issuer_name(node->x), X509_get_subject_name(c->x)) != 0)
        return false;
    if (s->depth >= DEPTH_MAX - 2)
        id = "ID-216";
    else if ((id = path_check_form(s, c)) == NULL && (id = path_check_issuer(c, s->depth - 1)) == NULL)
        id = s->in->at_s < c->from_s    ? "ID-203"
             : s->in->at_s > c->until_s ? "ID-204"
             : !signed_by(s, node, c)   ? "ID-202"
                                        : NULL;
    if (id != NULL) {
        fail_at(s, id, "an intermediate");
        return false;
    }
    s->chain[s->depth++] = c;
    bool found = search(s);
    if (!found)
        s->depth--;
    return found;
}

static bool climb(path_search *s, const path_certificate *node)
{
    for (size_t i = 0; i < s->presented_count; i++)
        if (try_presented(s, node, &s->presented[i]))
            return true;
    return false;
}

static bool search(path_search *s)
{
    path_certificate *node = s->chain[s->depth - 1];
    bool blocked = false;
    if (s->spent || ++s->nodes > NODES_MAX) {
        s->spent = true;
        return false;
    }
    if (try_anchors(s, &blocked))
        return true;
    /* Looked at all the same, to tell a withdrawal from one that somebody tries to walk around (ID-305). */
    s->shadow += blocked;
    bool found = climb(s, node);
    s->shadow -= blocked;
    return found;
}

/* ---- a complete path ---- */

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

static bool check_whole(path_search *s)
{
    trust_verdict *v = s->out;
    const char *id;
    if ((id = check_anchor(s, s->chain[s->depth - 1])) != NULL || (id = path_check_leaf(s)) != NULL ||
        (id = path_check_names(s)) != NULL || (id = path_check_policies(s)) != NULL) {
        fail_at(s, id, NULL);
        return false;
    }
    if (s->shadow > 0) {
        fail_at(s, "ID-305", NULL);
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

static bool judge_leaf_first(path_search *s)
{
    const char *id = path_check_form(s, &s->leaf);
    s->out->not_before_s = s->leaf.from_s;
    s->out->not_after_s = s->leaf.until_s;
    if (id == NULL && s->in->at_s < s->leaf.from_s)
        id = "ID-203";
    if (id == NULL && s->in->at_s > s->leaf.until_s)
        id = "ID-204";
    if (id != NULL)
        path_say(s->out, id, NULL);
    return id == NULL;
}

/* The certificate itself may be a service identity, as time-stamp units often are. */
static bool leaf_is_listed(path_search *s, bool *blocked)
{
    const char *id, *more;
    if (!anchor_holds(s, &s->leaf, &id, &more, blocked)) {
        if (id != NULL && strcmp(id, "ID-302") != 0)
            fail_at(s, id, more);
        return false;
    }
    return check_whole(s);
}

static void judge_opened(path_search *s)
{
    bool blocked = false, peer = s->in->profile == PATH_PEER || s->in->profile == PATH_SEAL;
    const char *person = organisation_read(s->leaf.x, &s->out->org, s->out);
    s->person = peer ? person : NULL;
    s->chain[0] = &s->leaf;
    s->depth = 1;
    if (!judge_leaf_first(s))
        return;
    if (leaf_is_listed(s, &blocked) || (!blocked && search(s)))
        path_qualify(s);
    else if (s->spent && s->worst_depth < DEPTH_MAX) /* nothing is revoked; the rest might have been found */
        path_say(s->out, "ID-215", NULL);
}

/* NULL, or why the leaf cannot be judged. A presented certificate that cannot be read is no issuer. */
static const char *open_all(path_search *s)
{
    const char *id = path_certificate_open(s->in->leaf, s->arena, &s->leaf);
    for (size_t i = 0; id == NULL && i < s->in->presented_count && s->presented_count < PRESENTED_MAX; i++) {
        const char *bad =
            path_certificate_open(s->in->presented[i], s->arena, &s->presented[s->presented_count]);
        if (bad == NULL)
            s->presented_count++;
        else if (strcmp(bad, "ID-901") == 0)
            id = bad;
    }
    return id;
}

static void close_all(path_search *s)
{
    for (size_t i = 0; i < s->presented_count; i++)
        path_certificate_close(&s->presented[i]);
    for (size_t i = 0; i < DEPTH_MAX; i++)
        path_certificate_close(&s->listed[i]);
    path_certificate_close(&s->leaf);
}

static struct dx_rc no_memory(dx_why *why)
{
    return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for a judgement");
}

DX_RC path_judge(path_judge_state *judge, const path_input *input, dx_arena *arena, trust_verdict *verdict,
                 revocation_question *questions, size_t *question_count, dx_why *why)
{
    int64_t started_us = dx_mono_us(&dx_clock_system);
    path_search *s = DX_ARENA_NEW(arena, path_search);
    judge->judgements++;
    *verdict = (trust_verdict){0};
    *question_count = 0;
    if (s == NULL)
        return no_memory(why);
    if (input->snapshot == NULL)
        return DX_FAIL_ID(why, CONFIG, "ID-903", "", "no trusted list is loaded");
    *s = (path_search){.in = input,
                       .arena = arena,
                       .out = verdict,
                       .questions = questions,
                       .question_count = question_count,
                       .worst_depth = -1};
    verdict->epoch = tlist_snapshot_epoch(input->snapshot);
    memcpy(verdict->snapshot_id, tlist_snapshot_id(input->snapshot), 32);
    path_say(verdict, "ID-301", NULL);
    const char *id = open_all(s);
    if (id == NULL)
        judge_opened(s);
    else
        path_say(verdict, id, NULL);
    s->no_memory |= id != NULL && strcmp(id, "ID-901") == 0;
    close_all(s);
    verdict->signatures = s->signatures;
    verdict->nodes = s->nodes;
    verdict->cost_us = (uint32_t)(dx_mono_us(&dx_clock_system) - started_us);
    if (!s->no_memory)
        return DX_OKAY;
    /* What did not fit may have been the withdrawal that decides. */
    path_say(verdict, "ID-901", NULL);
    *question_count = 0;
    return no_memory(why);
}

DX_RC path_claims(dx_bytes leaf, organisation *org, int64_t *not_before_s, int64_t *not_after_s, dx_why *why)
{
    dx_arena arena = {0};
    path_certificate c;
    trust_verdict scratch = {0};
    const char *id = path_certificate_open(leaf, &arena, &c);
    if (id == NULL) {
        (void)organisation_read(c.x, org, &scratch);
        *not_before_s = c.from_s;
        *not_after_s = c.until_s;
        id = c.dated ? NULL : "ID-107";
        path_certificate_close(&c);
    }
    dx_arena_fini(&arena);
    if (id == NULL)
        return DX_OKAY;
    if (strcmp(id, "ID-901") == 0)
        return no_memory(why);
    const char *clause, *text = path_check_text(id, &clause);
    return DX_FAIL_ID(why, MALFORMED, id, clause, "%s", text);
}

const char *path_stamp_class(const trust_verdict *v)
{
    if (strcmp(v->level, "eu-qtst") == 0)
        return "EU-QTSA";
    if (strcmp(v->level, "jp-tsa") == 0)
        return "JP-MIC";
    return v->anchor.set ? "listed" : "private";
}
