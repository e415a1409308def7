#include "trust/path/path_private.h"

#include "trust/base/digest.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

/* Is a certificate revoked? OCSP and CRL against the issuer that this path uses (identity.md 9). Silence is
 * not a yes. */

#define MAX_AGE_S     86400
#define CRL_MAX_AGE_S 604800
#define FUTURE_S      60
#define NO_NEXT_S     300

static int64_t generalized(const ASN1_GENERALIZEDTIME *t)
{
    return t == NULL ? 0 : path_time(t);
}

static bool signed_with(OCSP_BASICRESP *basic, EVP_PKEY *key)
{
    bool ok = key != NULL && ASN1_item_verify(ASN1_ITEM_rptr(OCSP_RESPDATA), OCSP_resp_get0_tbs_sigalg(basic),
                                              (ASN1_BIT_STRING *)(uintptr_t)OCSP_resp_get0_signature(basic),
                                              OCSP_resp_get0_respdata(basic), key) == 1;
    ERR_clear_error();
    return ok;
}

/* The responder is the issuer itself, or a delegate that the issuer signed directly for OCSPSigning (RFC
 * 6960 4.2.2.2). */
static bool responder_ok(OCSP_BASICRESP *basic, const path_certificate *issuer, int64_t at_s)
{
    EVP_PKEY *issuer_key = X509_get0_pubkey(issuer->x);
    if (signed_with(basic, issuer_key))
        return true;
    const STACK_OF(X509) *certificates = OCSP_resp_get0_certs(basic);
    for (int i = 0; certificates != NULL && i < sk_X509_num(certificates) && i < 8; i++) {
        X509 *c = sk_X509_value(certificates, i);
        EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c, NID_ext_key_usage, NULL, NULL);
        bool may = false;
        for (int k = 0; eku != NULL && k < sk_ASN1_OBJECT_num(eku); k++)
            may |= OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, k)) == NID_OCSP_sign;
        sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
        may = may && X509_NAME_cmp(X509_get_issuer_name(c), X509_get_subject_name(issuer->x)) == 0 &&
              X509_verify(c, issuer_key) == 1;
        may = may && path_time(X509_get0_notBefore(c)) <= at_s && at_s <= path_time(X509_get0_notAfter(c));
        if ((X509_get_extension_flags(c) & EXFLAG_KUSAGE) && !(X509_get_key_usage(c) & KU_DIGITAL_SIGNATURE))
            may = false;
        if (may && signed_with(basic, X509_get0_pubkey(c)))
            return true;
    }
    return false;
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

static const char *judge_ocsp(const path_search *s, dx_bytes der, const path_certificate *subject,
                              const path_certificate *issuer, revocation_view *out)
{
    const uint8_t *p = der.data;
    int64_t at_s = s->in->at_s;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.size);
    OCSP_BASICRESP *basic = NULL;
    const char *id = "ID-410";
    OCSP_SINGLERESP *single = NULL;
    if (response != NULL && p == der.data + der.size &&
        OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic != NULL) {
        int rank = find_status(basic, subject, issuer, &single);
        if (rank < 0) {
            id = "ID-407";
        } else if (!responder_ok(basic, issuer, at_s)) {
            id = "ID-406";
        } else {
            ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
            int reason = -1;
            OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
            out->this_update_s = generalized(this_update);
            out->next_update_s = generalized(next_update);
            out->produced_s = generalized(OCSP_resp_get0_produced_at(basic));
            out->usable_until_s =
                out->next_update_s != 0 ? out->next_update_s : out->this_update_s + NO_NEXT_S;
            if (out->this_update_s + MAX_AGE_S < out->usable_until_s)
                out->usable_until_s = out->this_update_s + MAX_AGE_S;
            dx_sha256(der, out->evidence_sha256);
            out->via = REVOCATION_VIA_OCSP;
            bool past = s->in->profile == PATH_TSU ||
                        s->in->profile == PATH_SEAL; /* an answer from after a past time serves it too */
            if (rank == 2 && (generalized(revoked) <= at_s || reason == OCSP_REVOKED_STATUS_KEYCOMPROMISE ||
                              reason == OCSP_REVOKED_STATUS_CACOMPROMISE)) {
                out->state = REVOCATION_REVOKED;
                out->revoked_s = generalized(revoked);
                id = "ID-401";
            } else if (out->this_update_s > at_s + FUTURE_S && !past) {
                id = "ID-408";
            } else if (at_s > out->usable_until_s) {
                id = "ID-408";
            } else if (rank == 1) {
                id = "ID-403";
            } else {
                out->state = REVOCATION_GOOD;
                id = NULL;
            }
        }
    }
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return id;
}

static const char *judge_crl(const path_search *s, dx_bytes der, const path_certificate *subject,
                             const path_certificate *issuer, revocation_view *out)
{
    const uint8_t *p = der.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.size);
    const char *id = "ID-412";
    if (crl != NULL && p == der.data + der.size) {
        int64_t at_s = s->in->at_s, from_s = path_time(X509_CRL_get0_lastUpdate(crl));
        int64_t until_s =
            X509_CRL_get0_nextUpdate(crl) == NULL ? 0 : path_time(X509_CRL_get0_nextUpdate(crl));
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer->x)) != 0 ||
            X509_CRL_verify(crl, X509_get0_pubkey(issuer->x)) != 1 ||
            ((X509_get_extension_flags(issuer->x) & EXFLAG_KUSAGE) &&
             !(X509_get_key_usage(issuer->x) & KU_CRL_SIGN))) {
            id = "ID-411";
        } else {
            X509_REVOKED *entry = NULL;
            out->via = REVOCATION_VIA_CRL;
            out->this_update_s = from_s;
            out->next_update_s = until_s;
            out->usable_until_s = until_s < from_s + CRL_MAX_AGE_S ? until_s : from_s + CRL_MAX_AGE_S;
            dx_sha256(der, out->evidence_sha256);
            int found = X509_CRL_get0_by_serial(crl, &entry, X509_get0_serialNumber(subject->x));
            if (found == 1 && path_time(X509_REVOKED_get0_revocationDate(entry)) <= at_s) {
                out->state = REVOCATION_REVOKED;
                out->revoked_s = path_time(X509_REVOKED_get0_revocationDate(entry));
                id = "ID-402";
            } else if (until_s == 0 || at_s > until_s || at_s > from_s + CRL_MAX_AGE_S) {
                id = "ID-408";
            } else {
                out->state = REVOCATION_GOOD;
                id = NULL;
            }
        }
    }
    X509_CRL_free(crl);
    ERR_clear_error();
    return id;
}

/* ---- questions ---- */

static void add_urls(const path_certificate *subject, dx_arena *arena, revocation_question *q)
{
    AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(subject->x, NID_info_access, NULL, NULL);
    size_t n = 0;
    for (int i = 0; aia != NULL && i < sk_ACCESS_DESCRIPTION_num(aia) && n < 2; i++) {
        ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(aia, i);
        if (OBJ_obj2nid(a->method) == NID_ad_OCSP && a->location->type == GEN_URI)
            q->ocsp_urls[n++] =
                dx_arena_text(arena, dx_bytes_of(ASN1_STRING_get0_data(a->location->d.ia5),
                                                 (size_t)ASN1_STRING_length(a->location->d.ia5)));
    }
    AUTHORITY_INFO_ACCESS_free(aia);
    CRL_DIST_POINTS *points = X509_get_ext_d2i(subject->x, NID_crl_distribution_points, NULL, NULL);
    n = 0;
    for (int i = 0; points != NULL && i < sk_DIST_POINT_num(points) && n < 2; i++) {
        DIST_POINT *d = sk_DIST_POINT_value(points, i);
        if (d->distpoint == NULL || d->distpoint->type != 0)
            continue;
        for (int k = 0; k < sk_GENERAL_NAME_num(d->distpoint->name.fullname) && n < 2; k++) {
            GENERAL_NAME *g = sk_GENERAL_NAME_value(d->distpoint->name.fullname, k);
            if (g->type == GEN_URI && strncmp((const char *)ASN1_STRING_get0_data(g->d.ia5), "ldap", 4) != 0)
                q->crl_urls[n++] = dx_arena_text(arena, dx_bytes_of(ASN1_STRING_get0_data(g->d.ia5),
                                                                    (size_t)ASN1_STRING_length(g->d.ia5)));
        }
    }
    CRL_DIST_POINTS_free(points);
}

static bool ask(path_search *s, const path_certificate *subject, const path_certificate *issuer)
{
    if (*s->question_count >= PATH_MAX_CERTS)
        return false;
    revocation_question *q = &s->questions[*s->question_count];
    *q = (revocation_question){.certificate = subject->der, .issuer = dx_arena_bytes(s->arena, issuer->der)};
    add_urls(subject, s->arena, q);
    if (q->ocsp_urls[0] == NULL && q->crl_urls[0] == NULL)
        return false;
    dx_hash *h = dx_hash_new(DX_HASH_SHA256);
    if (h == NULL)
        return false;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(subject->x);
    dx_hash_add(h, issuer->spki);
    dx_hash_add(h, dx_bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
    dx_hash_done(h, q->key);
    dx_hash_free(h);
    (*s->question_count)++;
    return true;
}

void path_check_revocation(path_search *s, size_t index, const path_certificate *subject,
                           const path_certificate *issuer, revocation_view *out, const char **id)
{
    const revocation_evidence *e = &s->in->evidence;
    revocation_view best = {0};
    const char *worst = NULL;
    (void)index;
    for (size_t i = 0; i < e->ocsp_count + e->crl_count; i++) {
        revocation_view v = {0};
        const char *said = i < e->ocsp_count ? judge_ocsp(s, e->ocsp[i], subject, issuer, &v)
                                             : judge_crl(s, e->crl[i - e->ocsp_count], subject, issuer, &v);
        if (v.state == REVOCATION_REVOKED) { /* REVOKED from any valid source wins */
            *out = v;
            *id = said;
            return;
        }
        if (v.state == REVOCATION_GOOD && best.state != REVOCATION_GOOD)
            best = v;
        else if (said != NULL && (worst == NULL || strcmp(worst, "ID-407") == 0))
            worst = said; /* an answer about another certificate is no news about this one */
    }
    *out = best;
    if (best.state == REVOCATION_GOOD)
        return;
    bool asked = !s->in->revocation_off && ask(s, subject, issuer);
    *id = worst != NULL && strcmp(worst, "ID-407") != 0 ? worst
          : asked                                       ? "ID-405"
          : worst != NULL                               ? worst
                                                        : "ID-404";
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
