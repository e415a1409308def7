#include "trust/path/path_private.h"

#include "trust/base/asn1_time.h"
#include "trust/base/digest.h"
#include "trust/path/crl_judge.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

/* Is a certificate revoked? OCSP and CRL against the issuer that this path uses (identity.md 9). Silence is
 * not a yes. */

#define MAX_AGE_S     86400
#define CRL_MAX_AGE_S 604800
#define FUTURE_S      60
#define NO_NEXT_S     300

static bool signed_with(OCSP_BASICRESP *basic, EVP_PKEY *key)
{
    bool ok = key != NULL && path_algorithm_ok(OCSP_resp_get0_tbs_sigalg(basic)) &&
              ASN1_item_verify(ASN1_ITEM_rptr(OCSP_RESPDATA), OCSP_resp_get0_tbs_sigalg(basic),
                               (ASN1_BIT_STRING *)(uintptr_t)OCSP_resp_get0_signature(basic),
                               OCSP_resp_get0_respdata(basic), key) == 1;
    ERR_clear_error();
    return ok;
}

static bool valid_at(const X509 *x, int64_t at_s)
{
    int64_t from_s, until_s;
    return asn1_time_s(X509_get0_notBefore(x), &from_s) && asn1_time_s(X509_get0_notAfter(x), &until_s) &&
           from_s <= at_s && at_s <= until_s;
}

/* A delegate: signed directly by the issuer, for OCSPSigning, and held to the form of every certificate. */
static bool delegate_ok(path_search *s, X509 *c, const path_certificate *issuer)
{
    const path_certificate delegate = {.x = c};
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c, NID_ext_key_usage, NULL, NULL);
    bool may = false;
    for (int k = 0; k < sk_ASN1_OBJECT_num(eku); k++)
        may |= OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, k)) == NID_OCSP_sign;
    EXTENDED_KEY_USAGE_free(eku);
    if (!may || X509_NAME_cmp(X509_get_issuer_name(c), X509_get_subject_name(issuer->x)) != 0 ||
        !valid_at(c, s->in->at_s) || path_check_form(s, &delegate) != NULL ||
        ((X509_get_extension_flags(c) & EXFLAG_KUSAGE) && !(X509_get_key_usage(c) & KU_DIGITAL_SIGNATURE)))
        return false;
    return X509_verify(c, X509_get0_pubkey(issuer->x)) == 1;
}

/* The responder is the issuer itself, or a delegate (RFC 6960 4.2.2.2). */
static bool responder_ok(path_search *s, OCSP_BASICRESP *basic, const path_certificate *issuer)
{
    if (signed_with(basic, X509_get0_pubkey(issuer->x)))
        return true;
    const STACK_OF(X509) *certificates = OCSP_resp_get0_certs(basic);
    for (int i = 0; i < sk_X509_num(certificates) && i < 8; i++) {
        X509 *c = sk_X509_value(certificates, i);
        if (delegate_ok(s, c, issuer) && signed_with(basic, X509_get0_pubkey(c)))
            return true;
    }
    return false;
}

/* Of the extensions only the nonce is understood, and nothing is asked with one. */
static bool extensions_ok(OCSP_BASICRESP *basic, OCSP_SINGLERESP *single)
{
    for (int i = 0; i < OCSP_BASICRESP_get_ext_count(basic); i++) {
        X509_EXTENSION *e = OCSP_BASICRESP_get_ext(basic, i);
        if (X509_EXTENSION_get_critical(e) &&
            OBJ_obj2nid(X509_EXTENSION_get_object(e)) != NID_id_pkix_OCSP_Nonce)
            return false;
    }
    for (int i = 0; i < OCSP_SINGLERESP_get_ext_count(single); i++)
        if (X509_EXTENSION_get_critical(OCSP_SINGLERESP_get_ext(single, i)))
            return false;
    return true;
}

/* Worst of the single responses that speak of exactly this certificate; -1: none does. */
static int find_status(OCSP_BASICRESP *basic, const path_certificate *subject, const path_certificate *issuer,
                       OCSP_SINGLERESP **out)
{
    int worst = -1;
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        const OCSP_CERTID *said = OCSP_SINGLERESP_get0_id(single);
        ASN1_OBJECT *hash = NULL;
        OCSP_id_get0_info(NULL, &hash, NULL, NULL, (OCSP_CERTID *)(uintptr_t)said);
        const EVP_MD *md = EVP_get_digestbyobj(hash);
        OCSP_CERTID *ours = md == NULL ? NULL : OCSP_cert_to_id(md, subject->x, issuer->x);
        if (ours != NULL && OCSP_id_cmp(ours, said) == 0) {
            int status = OCSP_single_get0_status(single, NULL, NULL, NULL, NULL);
            int rank = status == V_OCSP_CERTSTATUS_REVOKED ? 2 : status == V_OCSP_CERTSTATUS_GOOD ? 0 : 1;
            if (rank > worst) {
                worst = rank;
                *out = single;
            }
        }
        OCSP_CERTID_free(ours);
    }
    return worst;
}

static bool compromised(int reason)
{
    return reason == OCSP_REVOKED_STATUS_KEYCOMPROMISE || reason == OCSP_REVOKED_STATUS_CACOMPROMISE;
}

/* A response of somebody who may, about this certificate: what does it say at that time? */
static const char *judge_single(const path_search *s, const path_certificate *subject, OCSP_BASICRESP *basic,
                                OCSP_SINGLERESP *single, revocation_view *out)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    int reason = -1, status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
    int64_t at_s = s->in->at_s;
    if (!asn1_time_s(this_update, &out->this_update_s) ||
        !asn1_time_s(OCSP_resp_get0_produced_at(basic), &out->produced_s) ||
        (next_update != NULL && !asn1_time_s(next_update, &out->next_update_s)))
        return "ID-410";
    out->usable_until_s = out->next_update_s != 0 ? out->next_update_s : out->this_update_s + NO_NEXT_S;
    if (out->this_update_s + MAX_AGE_S < out->usable_until_s)
        out->usable_until_s = out->this_update_s + MAX_AGE_S;
    out->via = REVOCATION_VIA_OCSP;
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        /* A date that cannot be read: since ever. One after at_s is told too: a stamp may need it later. */
        bool dated = asn1_time_s(revoked, &out->revoked_s);
        if (!dated || out->revoked_s <= at_s || compromised(reason)) {
            out->revoked_s = dated ? out->revoked_s : 0;
            out->state = REVOCATION_REVOKED;
            out->on_hold = reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
            return "ID-401";
        }
    }
    bool future = out->this_update_s > at_s + FUTURE_S || out->produced_s > at_s + FUTURE_S;
    if ((future && !path_looks_back(s)) || at_s > out->usable_until_s || out->produced_s < subject->from_s)
        return "ID-408";
    if (status == V_OCSP_CERTSTATUS_UNKNOWN)
        return "ID-403";
    out->state = REVOCATION_GOOD;
    return NULL;
}

static const char *judge_ocsp(path_search *s, dx_bytes der, const path_certificate *subject,
                              const path_certificate *issuer, revocation_view *out)
{
    const uint8_t *p = der.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.size);
    OCSP_BASICRESP *basic = NULL;
    const char *id = "ID-410";
    OCSP_SINGLERESP *single = NULL;
    if (response != NULL && p == der.data + der.size &&
        OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic != NULL) {
        if (find_status(basic, subject, issuer, &single) < 0)
            id = "ID-407";
        else if (!responder_ok(s, basic, issuer))
            id = "ID-406";
        else if (extensions_ok(basic, single))
            id = judge_single(s, subject, basic, single, out);
    }
    if (out->via == REVOCATION_VIA_OCSP)
        dx_sha256(der, out->evidence_sha256);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return id;
}

static const char *judge_crl(const path_search *s, dx_bytes der, const path_certificate *subject,
                             const path_certificate *issuer, revocation_view *out)
{
    const crl_question q = {.subject = subject->x,
                            .issuer = issuer->x,
                            .at_s = s->in->at_s,
                            .until_s = s->in->at_s,
                            .max_age_s = CRL_MAX_AGE_S,
                            .past = path_looks_back(s),
                            .conforming = true};
    crl_answer a = crl_judge(der, &q);
    if (a.about_another)
        return "ID-407"; /* no news about this certificate, from whichever kind of source */
    out->state = a.state;
    out->on_hold = a.on_hold;
    out->this_update_s = a.this_update_s;
    out->next_update_s = a.next_update_s;
    out->revoked_s = a.revoked_s;
    out->usable_until_s =
        a.next_update_s < a.this_update_s + CRL_MAX_AGE_S ? a.next_update_s : a.this_update_s + CRL_MAX_AGE_S;
    if (a.state != REVOCATION_UNKNOWN) {
        out->via = REVOCATION_VIA_CRL;
        dx_sha256(der, out->evidence_sha256);
    }
    return a.id;
}

/* ---- questions ---- */

static const char *url_of(dx_arena *arena, const GENERAL_NAME *name)
{
    return dx_arena_text(
        arena, dx_bytes_of(ASN1_STRING_get0_data(name->d.ia5), (size_t)ASN1_STRING_length(name->d.ia5)));
}

/* False without memory. */
static bool add_urls(const path_certificate *subject, dx_arena *arena, revocation_question *q)
{
    AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(subject->x, NID_info_access, NULL, NULL);
    size_t n = 0;
    bool ok = true;
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(aia) && n < 2; i++) {
        ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(aia, i);
        if (OBJ_obj2nid(a->method) == NID_ad_OCSP && a->location->type == GEN_URI)
            ok &= (q->ocsp_urls[n++] = url_of(arena, a->location)) != NULL;
    }
    AUTHORITY_INFO_ACCESS_free(aia);
    CRL_DIST_POINTS *points = X509_get_ext_d2i(subject->x, NID_crl_distribution_points, NULL, NULL);
    n = 0;
    for (int i = 0; i < sk_DIST_POINT_num(points) && n < 2; i++) {
        DIST_POINT *d = sk_DIST_POINT_value(points, i);
        if (d->distpoint == NULL || d->distpoint->type != 0)
            continue;
        for (int k = 0; k < sk_GENERAL_NAME_num(d->distpoint->name.fullname) && n < 2; k++) {
            GENERAL_NAME *g = sk_GENERAL_NAME_value(d->distpoint->name.fullname, k);
            if (g->type == GEN_URI && strncmp((const char *)ASN1_STRING_get0_data(g->d.ia5), "ldap", 4) != 0)
                ok &= (q->crl_urls[n++] = url_of(arena, g)) != NULL;
        }
    }
    CRL_DIST_POINTS_free(points);
    return ok;
}

/* Adds the question what has become of this certificate. NULL: it is asked, else why it cannot be. */
static const char *ask(path_search *s, const path_certificate *subject, const path_certificate *issuer)
{
    if (organisation_is_jpki(subject->x))
        return "ID-417"; /* no answer may be fetched, whatever the certificate names */
    if (*s->question_count >= PATH_MAX_CERTS)
        return "ID-215";
    revocation_question *q = &s->questions[*s->question_count];
    *q = (revocation_question){.certificate = dx_arena_bytes(s->arena, subject->der),
                               .issuer = dx_arena_bytes(s->arena, issuer->der)};
    dx_hash *h = dx_hash_new(DX_HASH_SHA256);
    if (h == NULL || q->certificate.data == NULL || q->issuer.data == NULL ||
        !add_urls(subject, s->arena, q)) {
        dx_hash_free(h);
        s->no_memory = true;
        return "ID-901";
    }
    const ASN1_INTEGER *serial = X509_get0_serialNumber(subject->x);
    dx_hash_add(h, issuer->spki);
    dx_hash_add(h, dx_bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
    dx_hash_done(h, q->key);
    dx_hash_free(h);
    if (q->ocsp_urls[0] == NULL && q->crl_urls[0] == NULL)
        return "ID-404";
    (*s->question_count)++;
    return NULL;
}

void path_check_revocation(path_search *s, const path_certificate *subject, const path_certificate *issuer,
                           revocation_view *out, const char **id)
{
    const revocation_evidence *e = &s->in->evidence;
    revocation_view best = {0};
    const char *worst = NULL, *unasked = NULL;
    bool another = false;
    for (size_t i = 0; i < e->ocsp_count + e->crl_count; i++) {
        revocation_view v = {0};
        const char *said = i < e->ocsp_count ? judge_ocsp(s, e->ocsp[i], subject, issuer, &v)
                                             : judge_crl(s, e->crl[i - e->ocsp_count], subject, issuer, &v);
        if (v.state == REVOCATION_REVOKED) { /* REVOKED from any valid source wins */
            *out = v;
            *id = said;
            return;
        }
        if (v.state == REVOCATION_GOOD) {
            if (best.state != REVOCATION_GOOD)
                best = v;
        } else if (strcmp(said, "ID-407") == 0) {
            another = true; /* an answer about another certificate is no news about this one */
        } else {
            worst = path_graver(worst, said);
        }
    }
    *out = best;
    if (best.state == REVOCATION_GOOD)
        return;
    if (!s->in->revocation_off)
        unasked = ask(s, subject, issuer);
    /* 417 forbids to find out, whatever is at hand; else what was said speaks before what was not. */
    if (unasked != NULL && strcmp(unasked, "ID-404") != 0)
        *id = path_graver(unasked, worst);
    else if (worst != NULL)
        *id = worst;
    else
        *id = unasked == NULL ? "ID-405" : another ? "ID-407" : "ID-404";
}

DX_RC revocation_ocsp_request(const revocation_question *question, dx_arena *arena, dx_bytes *out,
                              dx_why *why)
{
    const uint8_t *p = question->certificate.data, *q = question->issuer.data;
    X509 *subject = d2i_X509(NULL, &p, (long)question->certificate.size),
         *issuer = d2i_X509(NULL, &q, (long)question->issuer.size);
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = subject == NULL || issuer == NULL ? NULL : OCSP_cert_to_id(EVP_sha1(), subject, issuer);
    uint8_t *der = NULL;
    int size = -1;
    if (request != NULL && id != NULL && OCSP_request_add0_id(request, id) != NULL) {
        id = NULL;
        size = i2d_OCSP_REQUEST(request, &der);
    }
    *out = size > 0 ? dx_arena_bytes(arena, dx_bytes_of(der, (size_t)size)) : (dx_bytes){NULL, 0};
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    X509_free(subject);
    X509_free(issuer);
    return out->data != NULL
               ? DX_OKAY
               : DX_FAIL_ID(why, INTERNAL, "ID-905", "RFC 6960 4.1.1", "the OCSP request could not be made");
}
