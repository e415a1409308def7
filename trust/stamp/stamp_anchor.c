#include "trust/stamp/stamp_anchor.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#define DEPTH_MAX 6

static X509 *read(dx_bytes der)
{
    const uint8_t *p = der.data;
    X509          *x = d2i_X509(NULL, &p, (long)der.size);
    if (x != NULL && p != der.data + der.size) {
        X509_free(x);
        x = NULL;
    }
    return x;
}

static int64_t time_of(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

static bool in_time(const X509 *x, int64_t at_s)
{
    return time_of(X509_get0_notBefore(x)) <= at_s && at_s <= time_of(X509_get0_notAfter(x));
}

static bool may_issue(X509 *x)
{
    uint32_t flags = X509_get_extension_flags(x);
    return (flags & EXFLAG_CA) && !((flags & EXFLAG_KUSAGE) && !(X509_get_key_usage(x) & KU_KEY_CERT_SIGN));
}

static X509 *find_issuer(X509 *child, const dx_bytes *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        X509 *x = read(from[i]);
        if (x != NULL && X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(child)) == 0 && may_issue(x) &&
            X509_verify(child, X509_get0_pubkey(x)) == 1)
            return x;
        X509_free(x);
        ERR_clear_error();
    }
    return NULL;
}

const char *stamp_anchor_chain(const stamp_anchor_input *in)
{
    X509       *at = read(in->leaf);
    const char *why = at == NULL ? "the certificate cannot be read" : "no chain to an anchor";
    for (int depth = 0; at != NULL && depth < DEPTH_MAX; depth++) {
        X509 *anchor = find_issuer(at, in->anchors, in->anchor_count);
        if (anchor != NULL) {
            why = in_time(anchor, in->at_s) ? NULL : "the anchor was not valid at that time";
            X509_free(anchor);
            break;
        }
        X509 *next = find_issuer(at, in->bag, in->bag_count);
        X509_free(at);
        at = next;
    }
    X509_free(at);
    return why;
}

bool stamp_anchor_revoked(const stamp_anchor_input *in, int64_t *revoked_s)
{
    X509 *leaf = read(in->leaf);
    bool  revoked = false;
    for (size_t i = 0; leaf != NULL && i < in->crl_count && !revoked; i++) {
        const uint8_t *p = in->crls[i].data;
        X509_CRL      *crl = d2i_X509_CRL(NULL, &p, (long)in->crls[i].size);
        X509_REVOKED  *entry = NULL;
        if (crl != NULL && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(leaf)) == 0 &&
            X509_CRL_get0_by_serial(crl, &entry, X509_get0_serialNumber(leaf)) == 1) {
            *revoked_s = time_of(X509_REVOKED_get0_revocationDate(entry));
            revoked = true;
        }
        X509_CRL_free(crl);
    }
    X509_free(leaf);
    ERR_clear_error();
    return revoked;
}

const char *stamp_anchor_check(const stamp_anchor_input *in)
{
    int64_t     revoked_s = 0;
    const char *why = stamp_anchor_chain(in);
    X509       *leaf = read(in->leaf);
    if (why == NULL && leaf != NULL && !in_time(leaf, in->at_s))
        why = "the certificate was not valid at that time";
    X509_free(leaf);
    if (why == NULL && stamp_anchor_revoked(in, &revoked_s) && revoked_s <= in->at_s)
        why = "the certificate was revoked";
    return why;
}
