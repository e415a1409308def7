#include "trust/path/crl_judge.h"
#include "trust/path/path_private.h"
#include "trust/path/revocation_ocsp.h"

#include "trust/base/digest.h"

/* Is a certificate of a path revoked? Every answer at hand is heard, OCSP and CRL, against the issuer that
 * this path uses; revoked from any valid source wins (identity.md 9.1). Silence is not a yes: what is not
 * known becomes a question (revocation_ask.c). */

#define SIGNATURES_PER_CERTIFICATE 32
#define SIGNERS_MAX                8
#define SHORT_TERM_S               86400

const revocation_rules revocation_rules_default = {.max_age_s = 86400,
                                                   .crl_max_age_s = 604800,
                                                   .no_next_s = 300,
                                                   .skew_s = 60,
                                                   .require_number = true,
                                                   .require_key_id = true,
                                                   .require_next_update = true};

const revocation_rules *revocation_rules_of(const path_search *s)
{
    return s->in->revocation != NULL ? s->in->revocation : &revocation_rules_default;
}

/* Who vouches for others is held to the same form as whoever stands in a path (identity.md 5). */
static cert_faults refused_faults(const path_search *s)
{
    static const struct {
        cert_faults fault;
        bool refuses[4]; /* by path_form_rules */
    } rows[] = {
#define F(fault, id, ...) {fault, {__VA_ARGS__}},
#include "trust/path/cert_form_table.h"
#undef F
    };
    cert_faults out = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].refuses[s->rules->form])
            out |= rows[i].fault;
    return out;
}

typedef struct { /* the question about one certificate */
    path_search *s;
    const cert_facts *subject, *issuer;
    unsigned signatures;
    const cert_facts *signers[SIGNERS_MAX]; /* of CRLs, beside the issuer */
    size_t signer_count;
    revocation_view best;
    const char *worst;   /* the gravest of what was no answer */
    const char *unasked; /* why nobody can be asked */
    bool another;        /* answers about other certificates are at hand */
} inquiry;

/* ---- CRLs ---- */

/* Every list of the evidence is read once for the whole judgement. */
static bool open_lists(path_search *s)
{
    const revocation_evidence *e = &s->in->evidence;
    if (s->lists != NULL)
        return true;
    s->lists = DX_ARENA_ARRAY(s->arena, crl_list *, e->list_count + e->crl_count + 1);
    crl_list *read = DX_ARENA_ARRAY(s->arena, crl_list, e->crl_count + 1);
    if (s->lists == NULL || read == NULL) {
        s->no_memory = true;
        s->lists = NULL;
        return false;
    }
    for (size_t i = 0; i < e->list_count; i++)
        s->lists[s->list_count++] = e->lists[i];
    for (size_t i = 0; i < e->crl_count; i++) {
        crl_read(e->crl[i], &read[i]);
        s->lists[s->list_count++] = &read[i];
    }
    return true;
}

static crl_question list_question(inquiry *q, const cert_facts *subject, const cert_facts *issuer)
{
    const revocation_rules *rules = revocation_rules_of(q->s);
    return (crl_question){.subject = subject,
                          .issuer = issuer,
                          .at_s = q->s->in->at_s,
                          .until_s = q->s->in->at_s,
                          .max_age_s = rules->crl_max_age_s,
                          .skew_s = rules->skew_s,
                          .past = path_looks_back(q->s),
                          .compromised_ever = q->s->in->profile == PATH_TSU,
                          .require_number = rules->require_number,
                          .require_key_id = rules->require_key_id,
                          .require_next_update = rules->require_next_update,
                          .algorithms = rules->algorithms,
                          .signatures = &q->signatures};
}

static void ask(inquiry *q, const cert_facts *subject, const cert_facts *issuer, bool lists_only)
{
    if (q->s->in->revocation_off)
        return;
    const char *why = revocation_ask(q->s, subject, issuer, lists_only);
    if (why != NULL)
        q->unasked = path_graver(q->unasked, why);
}

/* The lists at hand about a certificate that vouches for others: a delegate, a key that signs CRLs. What is
 * not known is asked, at its lists only: a responder must not vouch for responders. */
static revocation_state status_by_lists(inquiry *q, const cert_facts *subject, const cert_facts *issuer)
{
    crl_question about = list_question(q, subject, issuer);
    crl_answer a = crl_judge(q->s->lists, q->s->list_count, &about);
    if (a.state == REVOCATION_UNKNOWN)
        ask(q, subject, issuer, true);
    return a.state;
}

static bool in_force(const path_search *s, const cert_facts *c)
{
    return c->dated && c->from_s <= s->in->at_s && s->in->at_s <= c->until_s;
}

/* A certificate with the issuer's name, signed by one of this path and good by that one's lists, has a key
 * that signs CRLs too: after a rollover, or for CRLs only (RFC 5280 6.3.3 f). */
static bool may_sign(inquiry *q, const cert_facts *c, const cert_facts *above)
{
    if (!cert_name_equal(c->issuer, above->subject) || (c->faults & refused_faults(q->s)) != 0 ||
        !in_force(q->s, c) || q->signatures == 0)
        return false;
    q->signatures--;
    return signed_bytes_ok(c->signature_algorithm, c->tbs, c->signature, above->spki,
                           revocation_rules_of(q->s)->algorithms) &&
           status_by_lists(q, c, above) == REVOCATION_GOOD;
}

static bool wanted(const inquiry *q, const cert_facts *c)
{
    if (!cert_name_equal(c->subject, q->issuer->subject) || dx_bytes_equal(c->spki, q->issuer->spki) ||
        (c->has_key_usage && !(c->key_usage & CERT_CRL_SIGN)) || q->signer_count == SIGNERS_MAX)
        return false;
    for (size_t i = 0; i < q->signer_count; i++)
        if (dx_bytes_equal(q->signers[i]->spki, c->spki))
            return false;
    return true;
}

/* Is there a list of the issuer that the issuer's own key did not sign? Without one nobody is looked for. */
static bool needs_signer(const inquiry *q)
{
    uint8_t key[32];
    dx_sha256(q->issuer->spki, key);
    for (size_t i = 0; i < q->s->list_count; i++) {
        const crl_list *list = q->s->lists[i];
        if (list->id == NULL && cert_name_equal(list->issuer, q->issuer->subject) &&
            !(list->verified && memcmp(list->verified_sha256, key, 32) == 0))
            return true;
    }
    return false;
}

static void find_signers(inquiry *q)
{
    path_search *s = q->s;
    for (size_t i = 0; i < s->depth; i++)
        if (s->facts[i] != q->subject && wanted(q, s->facts[i]))
            q->signers[q->signer_count++] = s->facts[i];
    for (size_t i = 0; i < s->presented_count; i++) {
        const cert_facts *c = &s->presented[i].facts;
        for (size_t k = 0; k < s->depth && wanted(q, c); k++)
            if (s->facts[k] != q->subject && may_sign(q, c, s->facts[k]))
                q->signers[q->signer_count++] = c;
    }
}

static const char *hear_lists(inquiry *q, revocation_view *out)
{
    crl_question about = list_question(q, q->subject, q->issuer);
    crl_answer a = crl_judge(q->s->lists, q->s->list_count, &about);
    if (a.state != REVOCATION_REVOKED && !a.about_another && needs_signer(q)) {
        find_signers(q);
        about.signers = q->signers;
        about.signer_count = q->signer_count;
        if (q->signer_count > 0)
            a = crl_judge(q->s->lists, q->s->list_count, &about);
    }
    q->s->no_memory |= a.id != NULL && strcmp(a.id, "ID-901") == 0;
    if (a.about_another)
        return "ID-407"; /* no news about this certificate, from whichever kind of source */
    *out = (revocation_view){.state = a.state,
                             .this_update_s = a.this_update_s,
                             .next_update_s = a.next_update_s,
                             .usable_until_s = a.usable_until_s,
                             .revoked_s = a.revoked_s,
                             .on_hold = a.reason == CRL_CERTIFICATE_HOLD};
    if (a.state != REVOCATION_UNKNOWN) {
        out->via = REVOCATION_VIA_CRL;
        dx_sha256(a.list->der, out->evidence_sha256);
    }
    return a.id;
}

/* ---- OCSP ---- */

/* RFC 6960 4.2.2.2.1. NULL: the delegate may be believed. */
static const char *check_delegate(inquiry *q, const ocsp_answer *a)
{
    cert_facts c;
    if (a->by != OCSP_BY_DELEGATE || a->delegate_no_check)
        return NULL;
    if (!cert_facts_read(a->delegate, &c))
        return "ID-406";
    if (!c.crl_points.present) {
        path_remark(q->s->out, "ID-419");
        return NULL;
    }
    revocation_state state = status_by_lists(q, &c, q->issuer);
    if (state == REVOCATION_REVOKED)
        return "ID-406";
    /* A no of a delegate is heard all the same. */
    return state == REVOCATION_GOOD || a->state == REVOCATION_REVOKED ? NULL : "ID-405";
}

static const char *hear_response(inquiry *q, size_t index, revocation_view *out)
{
    const revocation_rules *rules = revocation_rules_of(q->s);
    const path_input *in = q->s->in;
    const ocsp_question about = {.subject = q->subject,
                                 .issuer = q->issuer,
                                 .at_s = in->at_s,
                                 .until_s = in->at_s,
                                 .max_age_s = rules->max_age_s,
                                 .no_next_s = rules->no_next_s,
                                 .skew_s = rules->skew_s,
                                 .any_time = rules->any_time,
                                 .past = path_looks_back(q->s),
                                 .compromised_ever = in->profile == PATH_TSU,
                                 .nonce = in->evidence.ocsp_nonces != NULL ? in->evidence.ocsp_nonces[index]
                                                                           : (dx_bytes){NULL, 0},
                                 .nonce_required = rules->nonce_required,
                                 .algorithms = rules->algorithms,
                                 .refused_faults = refused_faults(q->s),
                                 .snapshot = in->snapshot,
                                 .service = q->s->hit_count > 0 ? q->s->hits[0].service : NULL,
                                 .signatures = &q->signatures};
    ocsp_answer a = revocation_ocsp_check(in->evidence.ocsp[index], &about);
    const char *doubt = check_delegate(q, &a);
    if (doubt != NULL) {
        a.state = REVOCATION_UNKNOWN;
        a.id = doubt;
    }
    if (a.by == OCSP_BY_NOBODY)
        return a.id;
    *out = (revocation_view){.state = a.state,
                             .via = REVOCATION_VIA_OCSP,
                             .this_update_s = a.this_update_s,
                             .next_update_s = a.next_update_s,
                             .produced_s = a.produced_s,
                             .revoked_s = a.revoked_s,
                             .on_hold = a.reason == CRL_CERTIFICATE_HOLD,
                             .usable_until_s = a.usable_until_s};
    dx_sha256(in->evidence.ocsp[index], out->evidence_sha256);
    return a.id;
}

/* ---- all together ---- */

/* True: revoked, and nothing more needs to be heard. */
static bool weigh(inquiry *q, const char *said, const revocation_view *v)
{
    if (v->state == REVOCATION_REVOKED) {
        q->best = *v;
        q->worst = said;
        return true;
    }
    if (v->state == REVOCATION_GOOD) {
        if (q->best.state != REVOCATION_GOOD)
            q->best = *v;
    } else if (strcmp(said, "ID-407") == 0) {
        q->another = true;
    } else {
        q->worst = path_graver(q->worst, said);
    }
    return false;
}

static bool hear_all(inquiry *q)
{
    const revocation_evidence *e = &q->s->in->evidence;
    for (size_t i = 0; i < e->ocsp_count; i++) {
        revocation_view v = {0};
        if (weigh(q, hear_response(q, i, &v), &v))
            return true;
    }
    revocation_view v = {0};
    return q->s->list_count > 0 && weigh(q, hear_lists(q, &v), &v);
}

/* identity.md 9.1: who need not be asked about. */
static bool exempt(const inquiry *q, revocation_view *out)
{
    const path_search *s = q->s;
    const cert_facts *c = q->subject;
    bool leaf = s->facts[0] == c;
    bool short_term = leaf && c->short_term && revocation_rules_of(s)->accept_short_term && c->dated &&
                      c->until_s - c->from_s <= SHORT_TERM_S;
    bool responder = leaf && s->in->profile == PATH_RESPONDER && c->ocsp_no_check;
    if (short_term || responder)
        *out = (revocation_view){
            .state = REVOCATION_GOOD, .via = REVOCATION_VIA_RULE, .usable_until_s = c->until_s};
    return short_term || responder;
}

void path_check_revocation(path_search *s, const path_certificate *subject, const path_certificate *issuer,
                           revocation_view *out, const char **id)
{
    inquiry q = {.s = s,
                 .subject = &subject->facts,
                 .issuer = &issuer->facts,
                 .signatures = SIGNATURES_PER_CERTIFICATE};
    *out = (revocation_view){0};
    if (!open_lists(s)) {
        *id = "ID-901";
        return;
    }
    bool revoked = hear_all(&q);
    *out = q.best;
    if (revoked)
        *id = q.worst;
    if (revoked || q.best.state == REVOCATION_GOOD || exempt(&q, out))
        return;
    if (organisation_is_jpki(&subject->facts, s->in->identity))
        q.unasked = "ID-417"; /* no answer may be fetched, whatever the certificate names */
    else
        ask(&q, q.subject, q.issuer, false);
    /* 417 forbids to find out, whatever is at hand; else what was said speaks before what was not. */
    if (q.unasked != NULL && strcmp(q.unasked, "ID-404") != 0)
        *id = path_graver(q.unasked, q.worst);
    else if (q.worst != NULL)
        *id = q.worst;
    else
        *id = q.unasked == NULL ? "ID-405" : q.another ? "ID-407" : "ID-404";
}
