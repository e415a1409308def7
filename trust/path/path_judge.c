#include "trust/path/path_private.h"

#include "trust/base/digest.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Builds a path from the leaf to a listed service and judges it (identity.md 6 to 8). Depth first, with a
 * budget; a path that reaches an anchor and fails is one failed branch, the search goes on. */

static const struct {
    const char *id, *slug, *clause, *text;
    trust_kind kind;
} checks[] = {
#define REFUSE                              TRUST_KIND_NO
#define UNKNOWN                             TRUST_KIND_UNKNOWN
#define REMARK                              TRUST_KIND_NO
#define C(number, kind, slug, clause, text) {"ID-" #number, slug, clause, text, kind},
#include "trust/path/path_check_table.h"
#undef C
#undef REFUSE
#undef UNKNOWN
#undef REMARK
};

const char *path_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            if (clause != NULL)
                *clause = checks[i].clause;
            return checks[i].text;
        }
    return NULL;
}

void path_say(trust_verdict *v, const char *id, const char *more)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            v->answer = TRUST_NO;
            v->kind = checks[i].kind;
            snprintf(v->id, sizeof v->id, "%s", id);
            snprintf(v->clause, sizeof v->clause, "%s", checks[i].clause);
            snprintf(v->slug, sizeof v->slug, "%s", checks[i].slug);
            snprintf(v->reason, sizeof v->reason, "%s%s%.60s", checks[i].text, more != NULL ? ": " : "",
                     more != NULL ? more : "");
            return;
        }
}

void path_remark(trust_verdict *v, const char *id)
{
    size_t n = strlen(v->remarks);
    if (strstr(v->remarks, id) == NULL && n + 8 < sizeof v->remarks)
        snprintf(v->remarks + n, sizeof v->remarks - n, "%s%s", n ? " " : "", id);
}

int64_t path_time(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

bool path_certificate_open(dx_bytes der, dx_arena *arena, path_certificate *out)
{
    const uint8_t *p = der.data;
    uint8_t *name = NULL, *key = NULL;
    *out = (path_certificate){.der = der};
    if (der.size == 0 || der.size > 16384)
        return false;
    out->x = d2i_X509(NULL, &p, (long)der.size);
    int name_size = out->x == NULL ? -1 : i2d_X509_NAME(X509_get_subject_name(out->x), &name);
    int key_size = out->x == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(out->x), &key);
    bool ok = out->x != NULL && p == der.data + der.size && name_size > 0 && key_size > 0;
    if (ok) {
        out->subject = dx_arena_bytes(arena, dx_bytes_of(name, (size_t)name_size));
        out->spki = dx_arena_bytes(arena, dx_bytes_of(key, (size_t)key_size));
        dx_sha256(der, out->sha256);
        ok = out->subject.data != NULL && out->spki.data != NULL;
    }
    OPENSSL_free(name);
    OPENSSL_free(key);
    ERR_clear_error();
    if (!ok)
        path_certificate_close(out);
    return ok;
}

void path_certificate_close(path_certificate *c)
{
    X509_free(c->x);
    c->x = NULL;
}

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

/* The deepest failure is told, of equals the first. */
static void fail_at(path_search *s, const char *id, const char *more)
{
    if ((int)s->depth > s->worst_depth) {
        s->worst_depth = (int)s->depth;
        path_say(s->out, id, more);
    }
}

static bool signed_by(path_search *s, const path_certificate *child, const path_certificate *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer->x);
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

/* Is this certificate a listed service that may anchor the path? Sets hits. */
static bool anchor_holds(path_search *s, const path_certificate *c, const char **id, const char **more)
{
    const tlist_key key = key_of(c);
    tlist_miss miss;
    s->hit_count =
        tlist_find(s->in->snapshot, &key, purpose_of(s->in->profile), s->in->at_s, s->hits, 8, &miss);
    *id = miss == TLIST_MISS_NONE ? NULL : "ID-302";
    *more = NULL;
    size_t usable = 0;
    for (size_t i = 0; i < s->hit_count; i++) {
        if (s->hits[i].usable) {
            s->hits[usable++] = s->hits[i];
        } else if (*id == NULL || strcmp(s->hits[i].id, *id) > 0) {
            *id = s->hits[i].id;
            *more = s->hits[i].service->name;
        }
    }
    s->hit_count = usable;
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
        if (s->depth >= DEPTH_MAX - 1 || !path_certificate_open(candidates[i]->der, s->arena, anchor))
            continue;
        if (s->signatures < SIGNATURES_MAX && signed_by(s, node, anchor)) {
            bool fits = anchor_holds(s, anchor, &id, &more);
            s->chain[s->depth++] = anchor;
            if (fits) {
                found = check_whole(s);
            } else if (id != NULL) {
                fail_at(s, id, more);
                *blocked |= strcmp(id, "ID-304") == 0; /* a withdrawal cannot be walked around: ID-305 */
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

static bool search(path_search *s)
{
    path_certificate *node = s->chain[s->depth - 1];
    bool blocked = false;
    if (++s->nodes > NODES_MAX || s->signatures > SIGNATURES_MAX) {
        fail_at(s, "ID-215", NULL);
        return false;
    }
    if (try_anchors(s, &blocked))
        return true;
    if (blocked)
        return false;
    for (size_t i = 0; i < s->presented_count && s->depth < DEPTH_MAX - 2; i++) {
        path_certificate *c = &s->presented[i];
        const char *id;
        if (c->bad || on_chain(s, c) ||
            X509_NAME_cmp(X509_get_issuer_name(node->x), X509_get_subject_name(c->x)) != 0)
            continue;
        if ((id = path_check_form(c)) != NULL || (id = path_check_issuer(c, s->depth - 1)) != NULL) {
            fail_at(s, id, NULL);
            continue;
        }
        int64_t from_s = path_time(X509_get0_notBefore(c->x)), until_s = path_time(X509_get0_notAfter(c->x));
        if (s->in->at_s < from_s || s->in->at_s > until_s) {
            fail_at(s, s->in->at_s < from_s ? "ID-203" : "ID-204", "an intermediate");
            continue;
        }
        if (s->signatures >= SIGNATURES_MAX || !signed_by(s, node, c)) {
            fail_at(s, "ID-202", NULL);
            continue;
        }
        s->chain[s->depth++] = c;
        bool found = search(s);
        if (found)
            return true;
        s->depth--;
    }
    return false;
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

static bool check_revocation(path_search *s)
{
    trust_verdict *v = s->out;
    const char *unknown = NULL;
    for (size_t i = 0; i + 1 < s->depth; i++) {
        const char *id = NULL;
        path_check_revocation(s, i, s->chain[i], s->chain[i + 1], &v->revocation[i], &id);
        if (v->revocation[i].state == REVOCATION_REVOKED) {
            fail_at(s, id, NULL);
            return false;
        }
        if (v->revocation[i].state == REVOCATION_GOOD)
            until(v, v->revocation[i].usable_until_s);
        else if (s->in->revocation_off)
            path_remark(v, "ID-405");
        else if (unknown == NULL)
            unknown = id;
    }
    if (unknown == NULL)
        return true;
    s->worst_depth = DEPTH_MAX; /* silence ends the search: no path may avoid the question */
    path_say(v, unknown, NULL);
    return true;
}

static bool check_whole(path_search *s)
{
    trust_verdict *v = s->out;
    const path_certificate *anchor = s->chain[s->depth - 1];
    const char *id;
    int64_t from_s = path_time(X509_get0_notBefore(anchor->x)),
            until_s = path_time(X509_get0_notAfter(anchor->x));
    if (s->depth > 1 && (s->in->at_s < from_s || s->in->at_s > until_s)) {
        fail_at(s, "ID-307", NULL);
        return false;
    }
    if ((s->depth > 1 && (id = path_check_issuer(anchor, s->depth - 2)) != NULL) ||
        (id = path_check_leaf(s)) != NULL || (id = path_check_names(s)) != NULL) {
        fail_at(s, id, NULL);
        return false;
    }
    v->good_until_s = INT64_MAX;
    v->path_count = s->depth;
    for (size_t i = 0; i < s->depth; i++) {
        memcpy(v->path_sha256[i], s->chain[i]->sha256, 32);
        until(v, path_time(X509_get0_notAfter(s->chain[i]->x)));
    }
    for (size_t i = 0; i < s->hit_count; i++)
        until(v, s->hits[i].good_until_s);
    describe_anchor(s, &s->hits[0]);
    v->id[0] = 0;
    if (!check_revocation(s))
        return false;
    if (v->id[0] == 0) {
        v->answer = TRUST_YES;
        v->kind = TRUST_KIND_NO;
        snprintf(v->clause, sizeof v->clause, "ETSI TS 119 612 5.5.4; RFC 5280 6.1; RFC 6960 3.2");
        snprintf(v->reason, sizeof v->reason,
                 "the certificate leads to a listed service with a valid status and is not revoked");
        v->slug[0] = 0;
    }
    return true;
}

static bool judge_leaf_first(path_search *s)
{
    const char *id = path_check_form(&s->leaf);
    int64_t at_s = s->in->at_s, from_s = path_time(X509_get0_notBefore(s->leaf.x)),
            until_s = path_time(X509_get0_notAfter(s->leaf.x));
    s->out->not_before_s = from_s;
    s->out->not_after_s = until_s;
    if (id == NULL && at_s < from_s)
        id = "ID-203";
    if (id == NULL && at_s > until_s)
        id = "ID-204";
    if (id != NULL)
        path_say(s->out, id, NULL);
    return id == NULL;
}

/* The certificate itself may be a service identity, as time-stamp units often are. */
static bool leaf_is_listed(path_search *s)
{
    const char *id, *more;
    if (!anchor_holds(s, &s->leaf, &id, &more)) {
        if (id != NULL && strcmp(id, "ID-302") != 0)
            fail_at(s, id, more);
        return false;
    }
    return check_whole(s);
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
        return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for a judgement");
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
    if (!path_certificate_open(input->leaf, arena, &s->leaf)) {
        path_say(verdict, "ID-101", NULL);
        return DX_OKAY;
    }
    for (size_t i = 0; i < input->presented_count && s->presented_count < PRESENTED_MAX; i++)
        if (path_certificate_open(input->presented[i], arena, &s->presented[s->presented_count]))
            s->presented_count++;
    const char *person = organisation_read(s->leaf.x, &verdict->org, verdict);
    s->chain[0] = &s->leaf;
    s->depth = 1;
    bool peer = input->profile == PATH_PEER || input->profile == PATH_SEAL;
    if (judge_leaf_first(s)) {
        bool found = leaf_is_listed(s) || search(s);
        if (found && verdict->path_count > 0)
            path_qualify(s);
        if (found && peer && person != NULL && verdict->answer == TRUST_YES)
            path_say(verdict, person, NULL);
    }
    for (size_t i = 0; i < s->presented_count; i++)
        path_certificate_close(&s->presented[i]);
    for (size_t i = 0; i < DEPTH_MAX; i++)
        path_certificate_close(&s->listed[i]);
    path_certificate_close(&s->leaf);
    verdict->signatures = s->signatures;
    verdict->nodes = s->nodes;
    verdict->cost_us = (uint32_t)(dx_mono_us(&dx_clock_system) - started_us);
    return DX_OKAY;
}

DX_RC path_claims(dx_bytes leaf, organisation *org, int64_t *not_before_s, int64_t *not_after_s, dx_why *why)
{
    dx_arena arena = {0};
    path_certificate c;
    trust_verdict scratch = {0};
    if (!path_certificate_open(leaf, &arena, &c)) {
        dx_arena_fini(&arena);
        return DX_FAIL_ID(why, MALFORMED, "ID-101", "X.690 10", "the certificate cannot be read");
    }
    (void)organisation_read(c.x, org, &scratch);
    *not_before_s = path_time(X509_get0_notBefore(c.x));
    *not_after_s = path_time(X509_get0_notAfter(c.x));
    path_certificate_close(&c);
    dx_arena_fini(&arena);
    return DX_OKAY;
}

const char *path_stamp_class(const trust_verdict *v)
{
    if (strcmp(v->level, "eu-qtst") == 0)
        return "EU-QTSA";
    if (strcmp(v->level, "jp-tsa") == 0)
        return "JP-MIC";
    return v->anchor.set ? "listed" : "private";
}
