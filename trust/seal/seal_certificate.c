#include "trust/seal/seal_certificate.h"

#include "trust/base/asn1_time.h"
#include "trust/base/der.h"
#include "trust/base/digest.h"
#include "trust/path/crl_judge.h"
#include "trust/sign/sign_kind.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>

#define CERTIFICATE_MAX_BYTES 65536
#define CRLS_MAX              64

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

/* The row of seals, for anchors that somebody named: they are believed because they were named, whether the
 * leaf is an organisation's is told by other steps, and what is revoked at which of several times as well. */
static path_rules rules_of_named(void)
{
    path_rules rules = *path_rules_of(PATH_SEAL);
    rules.organisation = rules.anchor_validity = false;
    rules.no_revocation = true;
    return rules;
}

/* Whether the leaf had ended when the seal was made is a finding of its own (SEAL-46): the path is judged at
 * the nearest instant of its life. */
static int64_t within(const seal_certificate *leaf, int64_t at_s)
{
    return at_s < leaf->not_before_s  ? leaf->not_before_s
           : at_s > leaf->not_after_s ? leaf->not_after_s
                                      : at_s;
}

static seal_path_answer judge(const seal_certificate *leaf, const seal_check_spec *spec,
                              const dx_bytes *others, size_t other_count, int64_t at_s, dx_arena *arena,
                              trust_verdict *v)
{
    const path_rules rules = rules_of_named();
    path_judge_state *fresh = NULL;
    revocation_question questions[PATH_MAX_CERTS];
    size_t question_count;
    path_anchor *anchors = DX_ARENA_ARRAY(arena, path_anchor, spec->anchor_count + 1);
    if (anchors == NULL || spec->anchor_count == 0 ||
        (spec->judge == NULL && path_judge_new(&fresh, NULL).code != DX_OK))
        return SEAL_PATH_NONE;
    for (size_t i = 0; i < spec->anchor_count; i++) /* may be the leaf itself: EN 319 102-1 5.2.6 */
        anchors[i] = (path_anchor){.der = spec->anchors[i], .leaf = true};
    const path_input input = {.leaf = leaf->der,
                              .presented = others,
                              .presented_count = other_count,
                              .anchors = anchors,
                              .anchor_count = spec->anchor_count,
                              .rules = &rules,
                              .at_s = within(leaf, at_s)};
    bool ok = path_judge(spec->judge != NULL ? spec->judge : fresh, &input, arena, v, questions,
                         &question_count, NULL)
                  .code == DX_OK;
    path_judge_free(fresh);
    bool weak = strcmp(v->id, "ID-121") == 0 || strcmp(v->id, "ID-122") == 0;
    return ok && v->answer == TRUST_YES ? SEAL_PATH_OK : ok && weak ? SEAL_PATH_WEAK : SEAL_PATH_NONE;
}

/* The certificate that the path names as issuer of the leaf; empty: the leaf is an anchor itself. */
static dx_bytes issuer_of(const trust_verdict *v, const seal_check_spec *spec, const dx_bytes *others,
                          size_t other_count)
{
    uint8_t digest[32];
    for (size_t i = 0; v->path_count > 1 && i < spec->anchor_count + other_count; i++) {
        dx_bytes der = i < spec->anchor_count ? spec->anchors[i] : others[i - spec->anchor_count];
        dx_sha256(der, digest);
        if (memcmp(digest, v->path_sha256[1], 32) == 0)
            return der;
    }
    return (dx_bytes){NULL, 0};
}

/* Whoever gives the CRLs by hand decides how old they may be: nextUpdate alone says so. Any date of an entry
 * counts; who asks compares it with the times that matter. */
static seal_revocation ask_crls(const seal_check_spec *spec, dx_bytes leaf, dx_bytes issuer, int64_t at_s,
                                int64_t *revoked_s)
{
    cert_facts subject, above;
    const crl_question question = {.subject = &subject,
                                   .issuer = &above,
                                   .at_s = at_s,
                                   .until_s = INT64_MAX,
                                   .past = true,
                                   .require_next_update = true};
    size_t count = spec->crl_count < CRLS_MAX ? spec->crl_count : CRLS_MAX;
    crl_list lists[CRLS_MAX], *all[CRLS_MAX];
    if (!cert_facts_read(leaf, &subject) || !cert_facts_read(issuer, &above))
        return SEAL_REVOCATION_UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        crl_read(spec->crls[i], &lists[i]);
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
    dx_arena arena = {0};
    trust_verdict *v = DX_ARENA_NEW(&arena, trust_verdict);
    seal_path_answer answer =
        v == NULL ? SEAL_PATH_NONE : judge(leaf, spec, others, other_count, at_s, &arena, v);
    dx_bytes issuer = answer == SEAL_PATH_OK ? issuer_of(v, spec, others, other_count) : (dx_bytes){NULL, 0};
    *revocation =
        issuer.size == 0 ? SEAL_REVOCATION_UNKNOWN : ask_crls(spec, leaf->der, issuer, at_s, revoked_s);
    dx_arena_fini(&arena);
    return answer;
}
