#include "trust/path/path_private.h"

#include "trust/base/digest.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

/* What is not known about revocation becomes a question: which certificate, and where its issuer says that
 * word can be had (identity.md 9.4). Addresses count only here, after the chain has ended in an anchor. */

#define URL_MAX_BYTES 2048
#define URLS_MAX      2
#define URI_TAG       0x86
#define NONCE_BYTES   128 /* RFC 9654 2.1: at most */

/* ---- addresses ---- */

static bool url_ok(dx_bytes url)
{
    for (size_t i = 0; i < url.size; i++)
        if (url.data[i] <= ' ' || url.data[i] >= 0x7f)
            return false;
    return url.size > 0 && url.size <= URL_MAX_BYTES && !dx_bytes_starts(url, "ldap:") &&
           !dx_bytes_starts(url, "ldaps:");
}

/* False without memory. */
static bool add_url(dx_arena *arena, dx_bytes url, const char *out[URLS_MAX])
{
    size_t n = 0;
    while (n < URLS_MAX && out[n] != NULL)
        n++;
    if (n == URLS_MAX || !url_ok(url))
        return true;
    return (out[n] = dx_arena_text(arena, url)) != NULL;
}

/* authorityInfoAccess, RFC 5280 4.2.2.1: id-ad-ocsp. */
static bool add_responders(const cert_facts *c, dx_arena *arena, revocation_question *q)
{
    dx_bytes rest = c->authority_access.value, body, method;
    der_item location;
    while (der_take(&rest, DER_SEQUENCE, &body))
        if (der_take(&body, DER_OID, &method) && der_next(&body, &location) &&
            der_oid_is(method, "1.3.6.1.5.5.7.48.1") && location.tag == URI_TAG &&
            !add_url(arena, location.value, q->ocsp_urls))
            return false;
    return true;
}

/* cRLDistributionPoints, 4.2.1.13: full names that are addresses. */
static bool add_lists(const cert_facts *c, dx_arena *arena, revocation_question *q)
{
    dx_bytes rest = c->crl_points.value, body, name, full;
    der_item item;
    bool present;
    while (der_take(&rest, DER_SEQUENCE, &body)) {
        if (!der_optional(&body, DER_CONSTRUCTED(0), &name, &present) || !present ||
            !der_optional(&name, DER_CONSTRUCTED(0), &full, &present) || !present)
            continue;
        while (full.size > 0 && der_next(&full, &item))
            if (item.tag == URI_TAG && !add_url(arena, item.value, q->crl_urls))
                return false;
    }
    return true;
}

/* ---- the question ---- */

static bool key_of(const cert_facts *subject, const cert_facts *issuer, uint8_t out[32])
{
    dx_hash *h = dx_hash_new(DX_HASH_SHA256);
    if (h == NULL)
        return false;
    dx_hash_add(h, issuer->spki);
    dx_hash_add(h, subject->serial);
    dx_hash_done(h, out);
    dx_hash_free(h);
    return true;
}

const char *revocation_ask(path_search *s, const cert_facts *subject, const cert_facts *issuer,
                           bool lists_only)
{
    if (issuer->der.size == 0)
        return "ID-404"; /* an anchor of name and key only: nothing to ask with */
    revocation_question q = {.certificate = dx_arena_bytes(s->arena, subject->der),
                             .issuer = dx_arena_bytes(s->arena, issuer->der),
                             .certid_sha256 = revocation_rules_of(s)->certid_sha256};
    if (q.certificate.data == NULL || q.issuer.data == NULL || !key_of(subject, issuer, q.key) ||
        (!lists_only && !add_responders(subject, s->arena, &q)) || !add_lists(subject, s->arena, &q)) {
        s->no_memory = true;
        return "ID-901";
    }
    for (size_t i = 0; i < *s->question_count; i++)
        if (memcmp(s->questions[i].key, q.key, sizeof q.key) == 0)
            return NULL;
    if (q.ocsp_urls[0] == NULL && q.crl_urls[0] == NULL)
        return "ID-404";
    if (*s->question_count >= PATH_MAX_CERTS)
        return "ID-215";
    s->questions[(*s->question_count)++] = q;
    return NULL;
}

DX_RC revocation_ocsp_request(const revocation_question *question, dx_arena *arena, dx_bytes *out,
                              dx_why *why)
{
    const uint8_t *p = question->certificate.data, *q = question->issuer.data;
    uint8_t nonce[NONCE_BYTES];
    X509 *subject = d2i_X509(NULL, &p, (long)question->certificate.size),
         *issuer = d2i_X509(NULL, &q, (long)question->issuer.size);
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id =
        subject == NULL || issuer == NULL
            ? NULL
            : OCSP_cert_to_id(question->certid_sha256 ? EVP_sha256() : EVP_sha1(), subject, issuer);
    uint8_t *der = NULL;
    int size = -1;
    bool ok = request != NULL && id != NULL && question->nonce.size <= sizeof nonce;
    if (ok && question->nonce.size > 0) {
        memcpy(nonce, question->nonce.data, question->nonce.size);
        ok = OCSP_request_add1_nonce(request, nonce, (int)question->nonce.size) == 1;
    }
    if (ok && OCSP_request_add0_id(request, id) != NULL) {
        id = NULL;
        size = i2d_OCSP_REQUEST(request, &der);
    }
    *out = size > 0 ? dx_arena_bytes(arena, dx_bytes_of(der, (size_t)size)) : (dx_bytes){NULL, 0};
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    X509_free(subject);
    X509_free(issuer);
    ERR_clear_error();
    return out->data != NULL
               ? DX_OKAY
               : DX_FAIL_ID(why, INTERNAL, "ID-905", "RFC 6960 4.1.1", "the OCSP request could not be made");
}
