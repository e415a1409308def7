#include "trust/path/crl_judge.h"

#include "trust/base/asn1_time.h"
#include "trust/base/der.h"
#include "trust/path/path_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define CRL_MAX_BYTES (64u << 20)
#define FUTURE_S      60

/* A critical extension that is not processed forbids to use the CRL at all (RFC 5280 5.2). */
static const char *check_extensions(X509_CRL *crl, bool *partial)
{
    static const int processed[] = {NID_issuing_distribution_point, NID_delta_crl, NID_crl_number,
                                    NID_authority_key_identifier};
    *partial = X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0;
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        X509_EXTENSION *e = X509_CRL_get_ext(crl, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
        bool known = false;
        if (X509_CRL_get_ext_by_OBJ(crl, X509_EXTENSION_get_object(e), i) >= 0)
            return "ID-412";
        for (size_t k = 0; k < sizeof processed / sizeof *processed; k++)
            known |= nid == processed[k];
        if (!known && X509_EXTENSION_get_critical(e))
            return "ID-412";
    }
    return NULL;
}

static bool conforms(X509_CRL *crl)
{
    int number = X509_CRL_get_ext_by_NID(crl, NID_crl_number, -1);
    return number >= 0 && X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, number)) == 0 &&
           X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) >= 0;
}

/* The same for entries (RFC 5280 5.3): one that cannot be understood may turn the meaning of all. */
static const char *check_entries(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
        const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        for (int k = 0; k < X509_REVOKED_get_ext_count(entry); k++) {
            X509_EXTENSION *e = X509_REVOKED_get_ext(entry, k);
            int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
            if (nid == NID_certificate_issuer)
                return "ID-414";
            if (nid != NID_crl_reason && nid != NID_invalidity_date && X509_EXTENSION_get_critical(e))
                return "ID-412";
        }
    }
    return NULL;
}

/* ---- which certificates the CRL is for ---- */

static bool same_name(const GENERAL_NAME *a, const GENERAL_NAME *b)
{
    return GENERAL_NAME_cmp((GENERAL_NAME *)(uintptr_t)a, (GENERAL_NAME *)(uintptr_t)b) == 0;
}

static bool holds_name(const GENERAL_NAMES *all, const X509_NAME *name)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        if (g->type == GEN_DIRNAME && X509_NAME_cmp(g->d.directoryName, name) == 0)
            return true;
    }
    return false;
}

/* RFC 5280 6.3.3 b 2 i: one name in common, each full or relative to the issuer. */
static bool names_meet(DIST_POINT_NAME *a, DIST_POINT_NAME *b, const X509_NAME *issuer)
{
    DIST_POINT_NAME *both[] = {a, b};
    for (size_t i = 0; i < 2; i++)
        if (both[i]->type == 1 && both[i]->dpname == NULL && DIST_POINT_set_dpname(both[i], issuer) != 1)
            return false;
    if (a->type == 1 && b->type == 1)
        return X509_NAME_cmp(a->dpname, b->dpname) == 0;
    if (a->type == 1 || b->type == 1)
        return holds_name(a->type == 1 ? b->name.fullname : a->name.fullname,
                          a->type == 1 ? a->dpname : b->dpname);
    for (int i = 0; i < sk_GENERAL_NAME_num(a->name.fullname); i++)
        for (int k = 0; k < sk_GENERAL_NAME_num(b->name.fullname); k++)
            if (same_name(sk_GENERAL_NAME_value(a->name.fullname, i),
                          sk_GENERAL_NAME_value(b->name.fullname, k)))
                return true;
    return false;
}

/* Of the places that the certificate names, one is served by its own issuer (a cRLIssuer would make the CRL
 * an indirect one), and is the place that the CRL names, when it names one. */
static bool point_fits(const X509 *subject, DIST_POINT_NAME *place, const X509_NAME *issuer)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(subject, NID_crl_distribution_points, NULL, NULL);
    bool any = false, fits = false;
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        DIST_POINT *d = sk_DIST_POINT_value(points, i);
        any = true;
        fits |= d->CRLissuer == NULL &&
                (place == NULL || (d->distpoint != NULL && names_meet(d->distpoint, place, issuer)));
    }
    CRL_DIST_POINTS_free(points);
    return fits || !any;
}

/* issuingDistributionPoint, RFC 5280 5.2.5. *wide: the CRL is for this certificate. */
static const char *check_scope(X509_CRL *crl, const crl_question *q, bool *wide, bool *partial)
{
    int critical;
    const X509_NAME *issuer = X509_CRL_get_issuer(crl);
    ISSUING_DIST_POINT *idp = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
    *wide = point_fits(q->subject, idp == NULL ? NULL : idp->distpoint, issuer);
    if (idp == NULL)
        return critical == -1 ? NULL : "ID-412";
    bool user = idp->onlyuser > 0, authority = idp->onlyCA > 0, reasons = idp->onlysomereasons != NULL,
         ca = (X509_get_extension_flags(q->subject) & EXFLAG_CA) != 0;
    const char *id = idp->indirectCRL > 0 ? "ID-414" : idp->onlyattr > 0 ? "ID-413" : NULL;
    if (id == NULL && idp->distpoint == NULL && !user && !authority && !reasons)
        id = "ID-412"; /* an empty sequence */
    /* Of a certificate without extensions nobody can say which of the two it is. */
    bool known = X509_get_version(q->subject) == X509_VERSION_3;
    *partial |= reasons;
    *wide = *wide && !(user && (ca || !known)) && !(authority && !ca);
    ISSUING_DIST_POINT_free(idp);
    return id;
}

/* ---- the judgement ---- */

/* RFC 5280 5.1: version 2, or none at all and then no extensions; the algorithm inside of what is signed is
 * the one outside, byte for byte; revokedCertificates is absent rather than empty. */
static bool outline_ok(dx_bytes der, X509_CRL *crl)
{
    dx_bytes list, tbs, inner, outer, version;
    bool versioned;
    uint64_t number;
    if (!der_only(der, DER_SEQUENCE, &list) || !der_take(&list, DER_SEQUENCE, &tbs) ||
        !der_optional(&tbs, DER_INTEGER, &version, &versioned) || !der_take(&tbs, DER_SEQUENCE, &inner) ||
        !der_take(&list, DER_SEQUENCE, &outer) || !dx_bytes_equal(inner, outer))
        return false;
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    if (entries != NULL && sk_X509_REVOKED_num(entries) == 0)
        return false;
    if (versioned)
        return der_u64(version, &number) && number == 1;
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
        if (X509_REVOKED_get_ext_count(sk_X509_REVOKED_value(entries, i)) > 0)
            return false;
    return X509_CRL_get_ext_count(crl) <= 0;
}

static bool signed_by_issuer(X509_CRL *crl, const crl_question *q)
{
    const X509_ALGOR *algorithm;
    EVP_PKEY *key = X509_get0_pubkey(q->issuer);
    X509_CRL_get0_signature(crl, NULL, &algorithm);
    if ((X509_get_extension_flags(q->issuer) & EXFLAG_KUSAGE) &&
        !(X509_get_key_usage(q->issuer) & KU_CRL_SIGN))
        return false;
    if (key == NULL || !path_algorithm_ok(algorithm))
        return false;
    if (q->signatures != NULL) {
        if (*q->signatures == 0)
            return false;
        --*q->signatures;
    }
    return X509_CRL_verify(crl, key) == 1;
}

static bool covers(const crl_question *q, const crl_answer *a)
{
    if (a->next_update_s == 0)
        return false;
    if (a->this_update_s > q->at_s + FUTURE_S)
        return q->past;
    return q->at_s <= a->next_update_s && (q->max_age_s == 0 || q->at_s - a->this_update_s <= q->max_age_s);
}

static void judge(X509_CRL *crl, const crl_question *q, crl_answer *a)
{
    bool partial, wide;
    X509_REVOKED *entry = NULL;
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(q->issuer)) != 0) {
        a->about_another = true;
        a->id = "ID-411";
        return;
    }
    if (!asn1_time_s(X509_CRL_get0_lastUpdate(crl), &a->this_update_s) ||
        (X509_CRL_get0_nextUpdate(crl) != NULL &&
         !asn1_time_s(X509_CRL_get0_nextUpdate(crl), &a->next_update_s)))
        return;
    if (!signed_by_issuer(crl, q)) {
        a->id = "ID-411";
        return;
    }
    if (q->conforming && !conforms(crl)) {
        a->id = "ID-412";
        return;
    }
    if ((a->id = check_extensions(crl, &partial)) != NULL || (a->id = check_entries(crl)) != NULL ||
        (a->id = check_scope(crl, q, &wide, &partial)) != NULL)
        return;
    a->listed = X509_CRL_get0_by_serial(crl, &entry, X509_get0_serialNumber(q->subject)) == 1;
    if (a->listed && !asn1_time_s(X509_REVOKED_get0_revocationDate(entry), &a->revoked_s))
        a->revoked_s = 0;
    if (a->listed) {
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        a->on_hold = reason != NULL && ASN1_ENUMERATED_get(reason) == CRL_REASON_CERTIFICATE_HOLD;
        ASN1_ENUMERATED_free(reason);
    }
    /* Whoever is listed is revoked, however old or narrow the CRL is. */
    if (a->listed && a->revoked_s <= q->until_s) {
        a->state = REVOCATION_REVOKED;
        a->id = "ID-402";
    } else if (!wide || partial) {
        a->id = "ID-413";
    } else if (!covers(q, a)) {
        a->id = "ID-408";
    } else {
        a->state = REVOCATION_GOOD;
    }
}

crl_answer crl_judge(dx_bytes der, const crl_question *question)
{
    crl_answer answer = {.id = "ID-412"};
    const uint8_t *p = der.data;
    if (der.size > CRL_MAX_BYTES) {
        answer.id = "ID-415";
        return answer;
    }
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.size);
    if (crl != NULL && p == der.data + der.size && outline_ok(der, crl))
        judge(crl, question, &answer);
    X509_CRL_free(crl);
    ERR_clear_error();
    return answer;
}
