#include "trust/path/revocation_ocsp.h"

#include "trust/path/crl_read.h"
#include "trust/path/ocsp_read.h"
#include "trust/path/path_private.h"

#include <openssl/evp.h>

#define CERTIFICATES_MAX 8 /* of a response that are looked at */
#define RESPONDERS_MAX   8
#define OCSP_SIGNING     "1.3.6.1.5.5.7.3.9"

/* ---- 407: of which certificate does it speak? ---- */

static bool digest_is(const EVP_MD *md, dx_bytes text, dx_bytes expected)
{
    uint8_t value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return EVP_Digest(text.data, text.size, value, &size, md, NULL) == 1 &&
           dx_bytes_equal(dx_bytes_of(value, size), expected);
}

static const EVP_MD *hash_of(dx_bytes oid)
{
    static const struct {
        const char *oid;
        const EVP_MD *(*md)(void);
    } rows[] = {{"1.3.14.3.2.26", EVP_sha1},
                {"2.16.840.1.101.3.4.2.1", EVP_sha256},
                {"2.16.840.1.101.3.4.2.2", EVP_sha384},
                {"2.16.840.1.101.3.4.2.3", EVP_sha512}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (der_oid_is(oid, rows[i].oid))
            return rows[i].md();
    return NULL;
}

/* 4.1.1: the octets of the key, without tag, length and count of unused bits. */
static bool key_bits(dx_bytes spki, dx_bytes *out)
{
    dx_bytes body, algorithm, bits;
    if (!der_only(spki, DER_SEQUENCE, &body) || !der_take(&body, DER_SEQUENCE, &algorithm) ||
        !der_only(body, DER_BIT_STRING, &bits) || bits.size == 0)
        return false;
    *out = dx_bytes_part(bits, 1, bits.size);
    return true;
}

/* All four parts: hash, name, key, serial number. The name may be spelled as in the subject or as in the
 * issuer itself. */
static bool is_about(const ocsp_single *single, const ocsp_question *q)
{
    const EVP_MD *md = hash_of(single->hash);
    dx_bytes key;
    return md != NULL && dx_bytes_equal(single->serial, q->subject->serial) &&
           key_bits(q->issuer->spki, &key) && cert_name_equal(q->subject->issuer, q->issuer->subject) &&
           (digest_is(md, q->subject->issuer, single->name_hash) ||
            digest_is(md, q->issuer->subject, single->name_hash)) &&
           digest_is(md, key, single->key_hash);
}

static bool speaks_of(const ocsp_response *r, const ocsp_question *q)
{
    ocsp_single single;
    for (dx_bytes rest = r->singles; rest.size > 0 && ocsp_next(&rest, &single);)
        if (is_about(&single, q))
            return true;
    return false;
}

/* ---- 406: who says so? ---- */

/* 4.2.1: the ResponderID is the name of the certificate, or SHA-1 of its key. */
static bool named(const ocsp_response *r, const cert_facts *c)
{
    dx_bytes key;
    if (r->responder_name.data != NULL)
        return cert_name_equal(r->responder_name, c->subject);
    return key_bits(c->spki, &key) && digest_is(EVP_sha1(), key, r->responder_key);
}

static bool spend(const ocsp_question *q)
{
    if (q->signatures == NULL)
        return true;
    if (*q->signatures == 0)
        return false;
    --*q->signatures;
    return true;
}

static bool signed_with(const ocsp_response *r, const cert_facts *signer, const ocsp_question *q)
{
    return named(r, signer) && spend(q) &&
           signed_bytes_ok(r->algorithm, r->tbs, r->signature, signer->spki, q->algorithms);
}

static bool valid_at(const cert_facts *c, int64_t at_s)
{
    return c->dated && c->from_s <= at_s && at_s <= c->until_s;
}

/* 4.2.2.2, held to the form of every certificate: signed by the very key that signed the subject, for
 * OCSPSigning by name (any is not enough), valid when it spoke and when it is heard. */
static bool delegate_ok(const cert_facts *c, const ocsp_response *r, const ocsp_question *q)
{
    return cert_name_equal(c->issuer, q->issuer->subject) && cert_has_usage(c, OCSP_SIGNING) &&
           (!c->has_key_usage || (c->key_usage & CERT_DIGITAL_SIGNATURE)) &&
           (c->faults & q->refused_faults) == 0 && valid_at(c, r->produced_s) &&
           (q->past || valid_at(c, q->at_s)) && spend(q) &&
           signed_bytes_ok(c->signature_algorithm, c->tbs, c->signature, q->issuer->spki, q->algorithms);
}

static bool same_provider(const tlist_service *a, const tlist_service *b)
{
    return strcmp(a->provider, b->provider) == 0 && strcmp(a->list->source, b->list->source) == 0 &&
           strcmp(a->list->territory, b->list->territory) == 0;
}

/* An OCSP service that the list names beside the issuer, byte for byte, when the response was made. */
static bool listed_ok(const cert_facts *c, const ocsp_response *r, const ocsp_question *q)
{
    tlist_hit hits[RESPONDERS_MAX];
    tlist_key key = {.der = c->der, .spki = c->spki, .subject = c->subject};
    tlist_miss miss;
    memcpy(key.sha256, c->sha256, 32);
    size_t count = valid_at(c, r->produced_s)
                       ? tlist_find(q->snapshot, &key, TLIST_OCSP, r->produced_s, hits, RESPONDERS_MAX, &miss)
                       : 0;
    for (size_t i = 0; i < count; i++)
        if (hits[i].usable && dx_bytes_equal(hits[i].certificate->der, c->der) &&
            same_provider(hits[i].service, q->service))
            return true;
    return false;
}

/* Listed certificates of the responder's name: a response need not bring its certificate along. */
static bool listed_by_name(const ocsp_response *r, const ocsp_question *q)
{
    const tlist_certificate *found[RESPONDERS_MAX];
    cert_facts c;
    size_t count = r->responder_name.data == NULL
                       ? 0
                       : tlist_issuers(q->snapshot, r->responder_name, found, RESPONDERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (cert_facts_read(found[i]->der, &c) && listed_ok(&c, r, q) && signed_with(r, &c, q))
            return true;
    return false;
}

static ocsp_by find_responder(const ocsp_response *r, const ocsp_question *q, ocsp_answer *out)
{
    dx_bytes rest = r->certificates, der;
    bool lists = q->snapshot != NULL && q->service != NULL;
    cert_facts c;
    if (signed_with(r, q->issuer, q))
        return OCSP_BY_ISSUER;
    for (size_t i = 0; i < CERTIFICATES_MAX && der_take_whole(&rest, DER_SEQUENCE, &der); i++) {
        if (!cert_facts_read(der, &c) || !named(r, &c))
            continue;
        if (delegate_ok(&c, r, q) && signed_with(r, &c, q)) {
            out->delegate = der;
            out->delegate_no_check = c.ocsp_no_check;
            return OCSP_BY_DELEGATE;
        }
        if (lists && listed_ok(&c, r, q) && signed_with(r, &c, q))
            return OCSP_BY_LISTED;
    }
    return lists && listed_by_name(r, q) ? OCSP_BY_LISTED : OCSP_BY_NOBODY;
}

/* ---- 401, 403, 408: what does it say, and does that hold? ---- */

static bool compromised(int reason)
{
    return reason == CRL_KEY_COMPROMISE || reason == CRL_CA_COMPROMISE;
}

/* identity.md 9.1, as in crl_judge.c. */
static int64_t revoked_since(const ocsp_single *s, const ocsp_question *q)
{
    if (compromised(s->reason) && s->has_invalidity)
        return s->invalid_from_s < s->revoked_s ? s->invalid_from_s : s->revoked_s;
    return compromised(s->reason) && q->compromised_ever ? 0 : s->revoked_s;
}

static int64_t later(int64_t time_s, int64_t by_s)
{
    return time_s > INT64_MAX - by_s ? INT64_MAX : time_s + by_s;
}

static int64_t usable_until(const ocsp_single *s, const ocsp_question *q)
{
    int64_t until_s = s->next_update_s != 0 ? s->next_update_s
                      : q->no_next_s != 0   ? later(s->this_update_s, q->no_next_s)
                                            : q->at_s; /* this once */
    int64_t oldest_s = q->max_age_s != 0 ? later(s->this_update_s, q->max_age_s) : INT64_MAX;
    return oldest_s < until_s ? oldest_s : until_s;
}

static bool in_time(const ocsp_response *r, const ocsp_single *s, const ocsp_question *q)
{
    bool future = s->this_update_s > q->at_s + q->skew_s || r->produced_s > q->at_s + q->skew_s;
    if (q->any_time)
        return true;
    /* Before and after its life a CA owes no word about a certificate. */
    if (r->produced_s < q->subject->from_s || r->produced_s > q->subject->until_s)
        return false;
    return future ? q->past : q->at_s <= usable_until(s, q);
}

/* One matching single response. NULL: good. */
static const char *judge_single(const ocsp_response *r, const ocsp_single *s, const ocsp_question *q,
                                ocsp_answer *out)
{
    *out = (ocsp_answer){.reason = -1,
                         .produced_s = r->produced_s,
                         .this_update_s = s->this_update_s,
                         .next_update_s = s->next_update_s,
                         .usable_until_s = usable_until(s, q)};
    if (s->unknown_critical)
        return "ID-410";
    if (s->status == OCSP_REVOKED) {
        out->revoked_s = revoked_since(s, q);
        out->reason = s->reason;
        if (out->revoked_s <= q->until_s) {
            out->state = REVOCATION_REVOKED;
            return "ID-401";
        }
    }
    if (!in_time(r, s, q))
        return "ID-408";
    if (s->status == OCSP_UNKNOWN)
        return "ID-403";
    out->state = REVOCATION_GOOD;
    return NULL;
}

/* Several may match: the worst wins. */
static void judge_singles(const ocsp_response *r, const ocsp_question *q, ocsp_answer *out)
{
    static const int ranks[] = {[REVOCATION_REVOKED] = 2, [REVOCATION_UNKNOWN] = 1, [REVOCATION_GOOD] = 0};
    bool any = false;
    ocsp_single single;
    for (dx_bytes rest = r->singles; rest.size > 0 && ocsp_next(&rest, &single);) {
        ocsp_answer one;
        if (!is_about(&single, q))
            continue;
        const char *id = judge_single(r, &single, q, &one);
        if (any && ranks[one.state] <= ranks[out->state])
            continue;
        one.id = id;
        one.by = out->by;
        one.delegate = out->delegate;
        one.delegate_no_check = out->delegate_no_check;
        *out = one;
        any = true;
    }
}

/* RFC 9654: an answer to another question is not one to this. Many responders leave the nonce out. */
static bool nonce_ok(const ocsp_response *r, const ocsp_question *q)
{
    if (r->nonce.data == NULL)
        return !q->nonce_required;
    return q->nonce.size == 0 ? !q->nonce_required : dx_bytes_equal(r->nonce, q->nonce);
}

ocsp_answer revocation_ocsp_check(dx_bytes response, const ocsp_question *question)
{
    ocsp_response r;
    ocsp_answer out = {.id = "ID-410", .reason = -1};
    if (!ocsp_read(response, &r) || r.unknown_critical)
        return out;
    if (!speaks_of(&r, question)) {
        out.id = "ID-407";
        return out;
    }
    if ((out.by = find_responder(&r, question, &out)) == OCSP_BY_NOBODY)
        out.id = "ID-406";
    else if (!nonce_ok(&r, question))
        out.id = "ID-409";
    else
        judge_singles(&r, question, &out);
    return out;
}
