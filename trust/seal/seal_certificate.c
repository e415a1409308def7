#include "trust/seal/seal_certificate.h"

#include "trust/base/asn1_time.h"
#include "trust/base/der.h"
#include "trust/path/crl_judge.h"
#include "trust/sign/sign_kind.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>

#define CERTIFICATE_MAX_BYTES 65536
#define DEPTH_MAX             4
#define CRLS_MAX              64
#define SIGNATURES_MAX        64 /* a hostile x5c may offer many certificates of one name */

static X509 *decode(dx_bytes der)
{
    const uint8_t *at = der.data;
    X509 *x509 =
        der.size == 0 || der.size > CERTIFICATE_MAX_BYTES ? NULL : d2i_X509(NULL, &at, (long)der.size);
    if (x509 != NULL && at != der.data + der.size) {
        X509_free(x509);
        x509 = NULL;
    }
    ERR_clear_error();
    return x509;
}

static void name_entry(const X509 *x509, int nid, char *out, size_t size)
{
    X509_NAME *subject = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    uint8_t *utf8 = NULL;
    int length =
        at < 0 ? -1 : ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    out[0] = 0;
    /* two identifiers, or one that does not fit, are none */
    if (length > 0 && (size_t)length < size && memchr(utf8, 0, (size_t)length) == NULL &&
        (nid != NID_organizationIdentifier || X509_NAME_get_index_by_NID(subject, nid, at) < 0))
        snprintf(out, size, "%.*s", length, (const char *)utf8);
    OPENSSL_free(utf8);
}

/* The SubjectPublicKeyInfo as it stands in the bytes: seventh of the TBSCertificate (RFC 5280 4.1). */
static bool spki_span(dx_bytes der, dx_bytes *out)
{
    dx_bytes certificate, tbs;
    der_item item;
    if (!der_only(der, DER_SEQUENCE, &certificate) || !der_take(&certificate, DER_SEQUENCE, &tbs))
        return false;
    bool versioned = tbs.size != 0 && tbs.data[0] == DER_CONSTRUCTED(0);
    for (int i = 0; i < 6 + versioned;
         i++) /* [0] version, serial, signature, issuer, validity, subject, key */
        if (!der_next(&tbs, &item))
            return false;
    *out = item.whole;
    return item.tag == DER_SEQUENCE;
}

DX_RC seal_certificate_open(dx_bytes der, seal_certificate **out, dx_why *why)
{
    *out = NULL;
    X509 *x509 = decode(der);
    seal_certificate *c = x509 == NULL ? NULL : calloc(1, sizeof *c);
    if (c == NULL) {
        X509_free(x509);
        return x509 == NULL ? DX_FAIL(why, MALFORMED, "RFC 5280 4.1", "not a certificate that can be read")
                            : DX_FAIL(why, NO_MEMORY, "", "no room for a certificate");
    }
    c->x509 = x509;
    c->der = der;
    if (!spki_span(der, &c->spki) || !asn1_time_s(X509_get0_notBefore(x509), &c->not_before_s) ||
        !asn1_time_s(X509_get0_notAfter(x509), &c->not_after_s)) {
        seal_certificate_close(c);
        return DX_FAIL(why, MALFORMED, "RFC 5280 4.1", "not a certificate that can be read");
    }
    EVP_PKEY *key = X509_get0_pubkey(x509); /* decoded with the certificate: once is enough */
    c->known_kind = key != NULL && sign_kind_of(key, &c->kind, &c->bits);
    c->pss_only = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS;
    bool has_usage = X509_get_extension_flags(x509) & EXFLAG_KUSAGE;
    c->usage_ok = has_usage && (X509_get_key_usage(x509) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
    name_entry(x509, NID_organizationIdentifier, c->organisation, sizeof c->organisation);
    name_entry(x509, NID_organizationName, c->name, sizeof c->name);
    ERR_clear_error();
    *out = c;
    return DX_OKAY;
}

void seal_certificate_close(seal_certificate *certificate)
{
    if (certificate == NULL)
        return;
    X509_free(certificate->x509);
    free(certificate);
}

typedef struct {
    const seal_check_spec *spec;
    const dx_bytes *others;
    size_t other_count;
    int64_t at_s;
    unsigned signatures; /* that may still be verified */
} search;

static bool issued(search *s, X509 *subject, X509 *issuer)
{
    bool ok = X509_NAME_cmp(X509_get_issuer_name(subject), X509_get_subject_name(issuer)) == 0 &&
              X509_check_ca(issuer) == 1 && X509_get0_pubkey(issuer) != NULL &&
              (!(X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) ||
               (X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) != 0) &&
              s->signatures > 0;
    if (ok) {
        s->signatures--;
        ok = X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
    }
    ERR_clear_error();
    return ok;
}

static bool alive(X509 *x509, int64_t at_s)
{
    int64_t from, until;
    return asn1_time_s(X509_get0_notBefore(x509), &from) && asn1_time_s(X509_get0_notAfter(x509), &until) &&
           from <= at_s && at_s <= until;
}

/* Anchors are believed because they were named; what stands between must hold at the time of sealing. */
static bool leads(search *s, X509 *subject, unsigned depth, dx_bytes *issuer)
{
    for (size_t i = 0; i < s->spec->anchor_count; i++) {
        X509 *anchor = decode(s->spec->anchors[i]);
        bool found = anchor != NULL && issued(s, subject, anchor);
        X509_free(anchor);
        if (found) {
            *issuer = s->spec->anchors[i];
            return true;
        }
    }
    for (size_t i = 0; i < s->other_count && depth < DEPTH_MAX && s->signatures > 0; i++) {
        X509 *between = decode(s->others[i]);
        dx_bytes above;
        bool found = between != NULL && X509_cmp(subject, between) != 0 && alive(between, s->at_s) &&
                     issued(s, subject, between) && leads(s, between, depth + 1, &above);
        X509_free(between);
        if (found) {
            *issuer = s->others[i];
            return true;
        }
    }
    return false;
}

/* Whoever gives the CRLs by hand decides how old they may be: nextUpdate alone says so. Any date of an entry
 * counts; who asks compares it with the times that matter. */
static seal_revocation ask_crls(const search *s, dx_bytes leaf, dx_bytes issuer, int64_t *revoked_s)
{
    cert_facts subject, above;
    const crl_question question = {.subject = &subject,
                                   .issuer = &above,
                                   .at_s = s->at_s,
                                   .until_s = INT64_MAX,
                                   .past = true,
                                   .require_next_update = true};
    size_t count = s->spec->crl_count < CRLS_MAX ? s->spec->crl_count : CRLS_MAX;
    crl_list lists[CRLS_MAX], *all[CRLS_MAX];
    if (!cert_facts_read(leaf, &subject) || !cert_facts_read(issuer, &above))
        return SEAL_REVOCATION_UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        crl_read(s->spec->crls[i], &lists[i]);
        all[i] = &lists[i];
    }
    crl_answer said = crl_judge(all, count, &question);
    if (said.state == REVOCATION_REVOKED)
        *revoked_s = said.revoked_s;
    return said.state == REVOCATION_REVOKED ? SEAL_REVOCATION_REVOKED
           : said.state == REVOCATION_GOOD  ? SEAL_REVOCATION_GOOD
                                            : SEAL_REVOCATION_UNKNOWN;
}

seal_path_answer seal_certificate_path(const seal_certificate *leaf, const seal_check_spec *spec,
                                       const dx_bytes *others, size_t other_count, int64_t at_s,
                                       seal_revocation *revocation, int64_t *revoked_s)
{
    search s = {spec, others, other_count, at_s, SIGNATURES_MAX};
    dx_bytes issuer;
    *revocation = SEAL_REVOCATION_UNKNOWN;
    for (size_t i = 0; i < spec->anchor_count; i++)
        if (dx_bytes_equal(leaf->der,
                           spec->anchors[i])) /* named itself: believed as it is (EN 319 102-1 5.2.6) */
            return SEAL_PATH_OK;
    if (!leads(&s, leaf->x509, 0, &issuer))
        return SEAL_PATH_NONE;
    *revocation = ask_crls(&s, leaf->der, issuer, revoked_s);
    return SEAL_PATH_OK;
}
