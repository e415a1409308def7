/* stamp_chain.c -- STAMP-11 for a reader who was given the issuers he believes in (`verify --tsa-anchor`): a
 * chain of at most eight certificates to one of them, sound at genTime. With a trust snapshot trust/path
 * judges instead. */
#include "trust/base/asn1_time.h"
#include "trust/path/crl_judge.h"
#include "trust/stamp/stamp_private.h"

#include <openssl/x509v3.h>

#define CHAIN_MAX      8
#define SIGNATURES_MAX 64 /* a hostile bag may offer many certificates of one name */
#define POOL_MAX       (STAMP_CERTS_MAX + 64)
#define CRLS_MAX       64

typedef struct {
    X509 *x;
    dx_bytes der;
} pool_member;

typedef struct {
    pool_member pool[POOL_MAX]; /* anchors first, then what the token carries */
    size_t anchors, count;
    crl_list read[CRLS_MAX], *lists[CRLS_MAX];
    size_t list_count;
    const stamp_trust *trust;
    int64_t at_s, until_s; /* until_s: a later proof of existence, or at_s */
    unsigned signatures;   /* that may still be verified */
    const char *reason;
} chain_search;

static bool verifies(chain_search *s, X509 *cert, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    int hash;
    if (key == NULL || s->signatures == 0)
        return false;
    s->signatures--;
    /* A SHA-1 or MD5 signature on a certificate proves nothing; RSASSA-PSS answers its hash here too. */
    if (X509_get_signature_info(cert, &hash, NULL, NULL, NULL) == 1 &&
        (hash == NID_sha1 || hash == NID_md5 || hash == NID_md5_sha1))
        return false;
    return X509_verify(cert, key) == 1;
}

static bool holds_at(X509 *cert, int64_t at_s)
{
    int64_t from_s, to_s;
    return asn1_time_s(X509_get0_notBefore(cert), &from_s) && asn1_time_s(X509_get0_notAfter(cert), &to_s) &&
           from_s <= at_s && at_s <= to_s;
}

static bool sound(X509 *cert)
{
    if ((X509_get_extension_flags(cert) & EXFLAG_INVALID) != 0)
        return false;
    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        X509_EXTENSION *ext = X509_get_ext(cert, i);
        if (X509_EXTENSION_get_critical(ext) && !X509_supported_extension(ext))
            return false;
    }
    return true;
}

static bool may_issue(X509 *cert, bool anchor, size_t below)
{
    uint32_t flags = X509_get_extension_flags(cert);
    long pathlen = X509_get_pathlen(cert);
    if (!sound(cert) || (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) == 0 ||
        (pathlen >= 0 && (size_t)pathlen < below))
        return false;
    return (flags & EXFLAG_CA) != 0 ||
           (anchor && (flags & EXFLAG_BCONS) == 0); /* an old root without extensions */
}

static bool names_a_source(X509 *cert)
{
    return X509_get_ext_by_NID(cert, NID_crl_distribution_points, -1) >= 0 ||
           X509_get_ext_by_NID(cert, NID_info_access, -1) >= 0;
}

/* The CRLs at hand, against one certificate of the chain. */
static bool not_revoked(chain_search *s, const pool_member *cert, const pool_member *issuer)
{
    cert_facts subject, above;
    const crl_question question = {.subject = &subject,
                                   .issuer = &above,
                                   .at_s = s->at_s,
                                   .until_s = s->until_s,
                                   .past = true,
                                   .compromised_ever = true,
                                   .require_next_update = true,
                                   .signatures = &s->signatures};
    crl_answer answer = {.state = REVOCATION_UNKNOWN};
    if (cert_facts_read(cert->der, &subject) && cert_facts_read(issuer->der, &above))
        answer = crl_judge(s->lists, s->list_count, &question);
    if (answer.state == REVOCATION_REVOKED) {
        s->reason = "a certificate in the chain of the token's signer was revoked";
        return false;
    }
    if (answer.state != REVOCATION_GOOD && !s->trust->revocation_off && names_a_source(cert->x)) {
        s->reason = "whether a certificate in the chain of the token's signer was revoked is not known";
        return false;
    }
    return true;
}

static bool climb(chain_search *s, const pool_member *cert, size_t depth)
{
    for (size_t i = 0; i < s->anchors; i++)
        if (X509_cmp(s->pool[i].x, cert->x) == 0)
            return true;
    if (depth >= CHAIN_MAX)
        return false;
    for (size_t i = 0; i < s->count && s->signatures > 0; i++) {
        const pool_member *issuer = &s->pool[i];
        bool anchor = i < s->anchors;
        if (X509_NAME_cmp(X509_get_subject_name(issuer->x), X509_get_issuer_name(cert->x)) != 0 ||
            X509_cmp(issuer->x, cert->x) == 0 || !may_issue(issuer->x, anchor, depth) ||
            (!anchor && (!holds_at(issuer->x, s->at_s) || !holds_at(issuer->x, s->until_s))) ||
            !verifies(s, cert->x, issuer->x))
            continue;
        if (not_revoked(s, cert, issuer) && (anchor || climb(s, issuer, depth + 1)))
            return true;
    }
    return false;
}

static bool load_pool(chain_search *s, dx_bytes der)
{
    const unsigned char *p = der.data;
    X509 *x = s->count < POOL_MAX ? d2i_X509(NULL, &p, (long)der.size) : NULL;
    if (x == NULL)
        return false;
    s->pool[s->count++] = (pool_member){x, dx_bytes_of(der.data, (size_t)(p - der.data))};
    return true;
}

static void load(chain_search *s, const stamp_token *token, dx_bytes signer, const stamp_trust *trust)
{
    for (size_t i = 0; i < trust->anchor_count && i < 64; i++)
        (void)load_pool(s, trust->anchors[i]);
    s->anchors = s->count;
    for (size_t i = 0; i < token->cert_count; i++)
        if (!dx_bytes_equal(token->certs[i], signer))
            (void)load_pool(s, token->certs[i]); /* one that cannot be read cannot be an issuer */
    for (size_t i = 0; i < trust->crl_count && i < CRLS_MAX; i++) {
        crl_read(trust->crls[i], &s->read[i]);
        s->lists[s->list_count++] = &s->read[i];
    }
}

bool stamp_chain_check(const stamp_token *token, const stamp_signer *signer, const stamp_trust *trust,
                       int64_t until_s, stamp_verdict *verdict)
{
    chain_search s = {.trust = trust,
                      .at_s = token->info.time_us / 1000000,
                      .signatures = SIGNATURES_MAX,
                      .reason = "no chain leads from the token's signer to an issuer that is believed"};
    s.until_s = until_s > s.at_s ? until_s : s.at_s;
    const pool_member unit = {signer->x509, signer->der};
    load(&s, token, signer->der, trust);
    bool ok = false;
    if (!holds_at(signer->x509, s.at_s))
        s.reason = "the certificate of the token's signer was not valid at genTime";
    else if (!holds_at(signer->x509, s.until_s))
        s.reason = "the certificate of the token's signer ended before the next proof of existence";
    else
        ok = sound(signer->x509) && climb(&s, &unit, 0);
    for (size_t i = 0; i < s.count; i++)
        X509_free(s.pool[i].x);
    return ok || stamp_no(verdict, CHECK_STAMP_11, NULL, "%s", s.reason);
}
