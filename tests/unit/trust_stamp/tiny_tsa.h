/* tiny_tsa.h -- a time-stamping authority in a test: certificates, tokens and answers, right or wrong in one
 * place each. Everything is put together octet by octet, so that each fault is exactly the one that is named.
 */
#ifndef TESTS_UNIT_TRUST_STAMP_TINY_TSA_H
#define TESTS_UNIT_TRUST_STAMP_TINY_TSA_H

#include "trust/base/clock.h"
#include "trust/base/der.h"
#include "trust/base/digest.h"
#include "trust/stamp/stamp.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

/* ---- DER by hand ---- */

static inline dx_bytes tiny_wrap(dx_arena *arena, uint8_t tag, int count, ...)
{
    va_list args;
    size_t size = 0, head;
    va_start(args, count);
    for (int i = 0; i < count; i++)
        size += va_arg(args, dx_bytes).size;
    va_end(args);
    uint8_t *out = dx_arena_alloc(arena, size + 5);
    out[0] = tag;
    if (size < 0x80) {
        out[1] = (uint8_t)size;
        head = 2;
    } else if (size < 0x100) {
        out[1] = 0x81;
        out[2] = (uint8_t)size;
        head = 3;
    } else {
        out[1] = 0x82;
        out[2] = (uint8_t)(size >> 8);
        out[3] = (uint8_t)size;
        head = 4;
    }
    size_t at = head;
    va_start(args, count);
    for (int i = 0; i < count; i++) {
        dx_bytes part = va_arg(args, dx_bytes);
        if (part.size > 0)
            memcpy(out + at, part.data, part.size);
        at += part.size;
    }
    va_end(args);
    return dx_bytes_of(out, at);
}

static inline dx_bytes tiny_take(dx_arena *arena, unsigned char *der, int size)
{
    dx_bytes out = dx_arena_bytes(arena, dx_bytes_of(der, (size_t)size));
    OPENSSL_free(der);
    return out;
}

static inline dx_bytes tiny_oid(dx_arena *arena, const char *dotted)
{
    ASN1_OBJECT *object = OBJ_txt2obj(dotted, 1);
    unsigned char *der = NULL;
    int size = i2d_ASN1_OBJECT(object, &der);
    ASN1_OBJECT_free(object);
    return tiny_take(arena, der, size);
}

static inline dx_bytes tiny_int(dx_arena *arena, uint64_t number)
{
    ASN1_INTEGER *integer = ASN1_INTEGER_new();
    unsigned char *der = NULL;
    ASN1_INTEGER_set_uint64(integer, number);
    int size = i2d_ASN1_INTEGER(integer, &der);
    ASN1_INTEGER_free(integer);
    return tiny_take(arena, der, size);
}

static inline dx_bytes tiny_algorithm(dx_arena *arena, const char *oid)
{
    return tiny_wrap(arena, DER_SEQUENCE, 1, tiny_oid(arena, oid));
}

/* ---- certificates ---- */

typedef struct {
    X509 *cert;
    EVP_PKEY *key;
} tiny_id;

static inline void tiny_id_fini(tiny_id *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
}

static inline void tiny_extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (ext == NULL || X509_add_ext(cert, ext, -1) != 1)
        abort();
    X509_EXTENSION_free(ext);
}

typedef struct {
    const char *name, *eku, *ku; /* NULL: none */
    bool ca, rsa;
    int64_t from_s, to_s;
} tiny_cert;

static inline tiny_id tiny_issue(const tiny_cert *want, const tiny_id *issuer)
{
    static long serial = 100;
    tiny_id id = {.cert = X509_new(), .key = want->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")};
    X509_set_version(id.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
    ASN1_TIME_set(X509_getm_notBefore(id.cert), (time_t)want->from_s);
    ASN1_TIME_set(X509_getm_notAfter(id.cert), (time_t)want->to_s);
    X509_NAME *name = X509_get_subject_name(id.cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)want->name, -1, -1, 0);
    X509_set_issuer_name(id.cert, issuer != NULL ? X509_get_subject_name(issuer->cert) : name);
    X509_set_pubkey(id.cert, id.key);
    tiny_extend(id.cert, NID_basic_constraints, want->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (want->ku != NULL)
        tiny_extend(id.cert, NID_key_usage, want->ku);
    if (want->eku != NULL)
        tiny_extend(id.cert, NID_ext_key_usage, want->eku);
    if (X509_sign(id.cert, issuer != NULL ? issuer->key : id.key, EVP_sha256()) <= 0)
        abort();
    return id;
}

static inline dx_bytes tiny_der(dx_arena *arena, X509 *cert)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    return tiny_take(arena, der, size);
}

/* ---- tokens ---- */

#define TINY_POLICY "1.3.6.1.4.1.99999.7"
typedef enum { TINY_ECDSA, TINY_RSA, TINY_PSS } tiny_scheme;

typedef struct {
    const uint8_t *imprint;
    uint64_t nonce;
    bool no_nonce, no_certs, two_signers, ess_v1, wrong_ess, no_ess, ordering_false;
    const char *policy;        /* NULL: TINY_POLICY */
    const char *signature_oid; /* NULL: what fits */
    int64_t time_s;
    uint64_t serial;
    uint64_t data_version, signer_version; /* 0: 3 and 1 */
    const tiny_id *signer;
    X509 *first_in_bag; /* somebody else, NULL for none */
    tiny_scheme scheme;
} tiny_token;

static inline dx_bytes tiny_sign(dx_arena *arena, const tiny_token *t, dx_bytes content)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    size_t size = 0;
    if (EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, t->signer->key) != 1 ||
        (t->scheme == TINY_PSS && (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
                                   EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 32) != 1)) ||
        EVP_DigestSign(ctx, NULL, &size, content.data, content.size) != 1)
        abort();
    uint8_t *signature = dx_arena_alloc(arena, size);
    if (EVP_DigestSign(ctx, signature, &size, content.data, content.size) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    return dx_bytes_of(signature, size);
}

static inline dx_bytes tiny_attribute(dx_arena *a, const char *oid, dx_bytes value)
{
    return tiny_wrap(a, DER_SEQUENCE, 2, tiny_oid(a, oid), tiny_wrap(a, DER_SET, 1, value));
}

static inline dx_bytes tiny_signature_algorithm(dx_arena *a, const tiny_token *t)
{
    static const char sha256[] = "2.16.840.1.101.3.4.2.1";
    if (t->signature_oid != NULL)
        return tiny_algorithm(a, t->signature_oid);
    if (t->scheme == TINY_ECDSA)
        return tiny_algorithm(a, "1.2.840.10045.4.3.2");
    if (t->scheme == TINY_RSA)
        return tiny_algorithm(a, "1.2.840.113549.1.1.1");
    dx_bytes hash = tiny_algorithm(a, sha256);
    dx_bytes mgf = tiny_wrap(a, DER_SEQUENCE, 2, tiny_oid(a, "1.2.840.113549.1.1.8"), hash);
    dx_bytes params = tiny_wrap(a, DER_SEQUENCE, 3, tiny_wrap(a, DER_CONSTRUCTED(0), 1, hash),
                                tiny_wrap(a, DER_CONSTRUCTED(1), 1, mgf),
                                tiny_wrap(a, DER_CONSTRUCTED(2), 1, tiny_int(a, 32)));
    return tiny_wrap(a, DER_SEQUENCE, 2, tiny_oid(a, "1.2.840.113549.1.1.10"), params);
}

static inline dx_bytes tiny_tstinfo(dx_arena *a, const tiny_token *t)
{
    char when[32];
    struct tm tm;
    time_t at = (time_t)t->time_s;
    gmtime_r(&at, &tm);
    strftime(when, sizeof when, "%Y%m%d%H%M%SZ", &tm);
    dx_bytes none = {NULL, 0},
             imprint = tiny_wrap(a, DER_SEQUENCE, 2, tiny_algorithm(a, "2.16.840.1.101.3.4.2.1"),
                                 tiny_wrap(a, DER_OCTET_STRING, 1, dx_bytes_of(t->imprint, 32)));
    return tiny_wrap(
        a, DER_SEQUENCE, 7, tiny_int(a, 1), tiny_oid(a, t->policy != NULL ? t->policy : TINY_POLICY), imprint,
        tiny_int(a, t->serial != 0 ? t->serial : 4711),
        tiny_wrap(a, DER_GENERALIZED_TIME, 1, dx_bytes_text(when)),
        t->ordering_false ? DX_BYTES("\x01\x01\x00") : none, t->no_nonce ? none : tiny_int(a, t->nonce));
}

static inline dx_bytes tiny_ess(dx_arena *a, const tiny_token *t, dx_bytes cert)
{
    uint8_t hash[32];
    if (t->ess_v1)
        EVP_Digest(cert.data, cert.size, hash, NULL, EVP_sha1(), NULL);
    else
        dx_sha256(cert, hash);
    hash[0] ^= t->wrong_ess ? 1 : 0;
    dx_bytes id = tiny_wrap(a, DER_SEQUENCE, 1,
                            tiny_wrap(a, DER_OCTET_STRING, 1, dx_bytes_of(hash, t->ess_v1 ? 20 : 32)));
    return tiny_attribute(a, t->ess_v1 ? "1.2.840.113549.1.9.16.2.12" : "1.2.840.113549.1.9.16.2.47",
                          tiny_wrap(a, DER_SEQUENCE, 1, tiny_wrap(a, DER_SEQUENCE, 1, id)));
}

static inline dx_bytes tiny_token_make(dx_arena *a, const tiny_token *t)
{
    static const char tst[] = "1.2.840.113549.1.9.16.1.4";
    dx_bytes none = {NULL, 0}, sha256 = tiny_algorithm(a, "2.16.840.1.101.3.4.2.1"),
             info = tiny_tstinfo(a, t);
    dx_bytes cert = tiny_der(a, t->signer->cert),
             first = t->first_in_bag != NULL ? tiny_der(a, t->first_in_bag) : none;
    uint8_t digest[32];
    unsigned char *der = NULL;
    dx_sha256(info, digest);
    dx_bytes attributes = tiny_wrap(
        a, DER_SET, 3, tiny_attribute(a, "1.2.840.113549.1.9.3", tiny_oid(a, tst)),
        tiny_attribute(a, "1.2.840.113549.1.9.4", tiny_wrap(a, DER_OCTET_STRING, 1, dx_bytes_of(digest, 32))),
        t->no_ess ? none : tiny_ess(a, t, cert));
    dx_bytes signature = tiny_sign(a, t, attributes), implicit = dx_arena_bytes(a, attributes);
    ((uint8_t *)(uintptr_t)implicit.data)[0] = DER_CONSTRUCTED(0);
    int size = i2d_X509_NAME(X509_get_issuer_name(t->signer->cert), &der);
    dx_bytes issuer = tiny_take(a, der, size);
    der = NULL;
    size = i2d_ASN1_INTEGER(X509_get_serialNumber(t->signer->cert), &der);
    dx_bytes name = tiny_wrap(a, DER_SEQUENCE, 2, issuer, tiny_take(a, der, size));
    dx_bytes signer = tiny_wrap(
        a, DER_SEQUENCE, 6, tiny_int(a, t->signer_version != 0 ? t->signer_version : 1), name, sha256,
        implicit, tiny_signature_algorithm(a, t), tiny_wrap(a, DER_OCTET_STRING, 1, signature));
    dx_bytes content =
        tiny_wrap(a, DER_SEQUENCE, 2, tiny_oid(a, tst),
                  tiny_wrap(a, DER_CONSTRUCTED(0), 1, tiny_wrap(a, DER_OCTET_STRING, 1, info)));
    dx_bytes data = tiny_wrap(a, DER_SEQUENCE, 5, tiny_int(a, t->data_version != 0 ? t->data_version : 3),
                              tiny_wrap(a, DER_SET, 1, sha256), content,
                              t->no_certs ? none : tiny_wrap(a, DER_CONSTRUCTED(0), 2, first, cert),
                              tiny_wrap(a, DER_SET, 2, signer, t->two_signers ? signer : none));
    return tiny_wrap(a, DER_SEQUENCE, 2, tiny_oid(a, "1.2.840.113549.1.7.2"),
                     tiny_wrap(a, DER_CONSTRUCTED(0), 1, data));
}

static inline dx_bytes tiny_answer(dx_arena *a, uint64_t status, dx_bytes token)
{
    return tiny_wrap(a, DER_SEQUENCE, 2, tiny_wrap(a, DER_SEQUENCE, 1, tiny_int(a, status)), token);
}

/* What a query asks for, read by OpenSSL. */
static inline bool tiny_read_query(dx_bytes query, uint8_t imprint[32], uint64_t *nonce, bool *cert_req)
{
    const unsigned char *p = query.data;
    TS_REQ *req = d2i_TS_REQ(NULL, &p, (long)query.size);
    if (req == NULL)
        return false;
    const ASN1_OCTET_STRING *value = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req));
    bool ok = p == query.data + query.size && ASN1_STRING_length(value) == 32 &&
              TS_REQ_get_nonce(req) != NULL && ASN1_INTEGER_get_uint64(nonce, TS_REQ_get_nonce(req)) == 1;
    if (ok)
        memcpy(imprint, ASN1_STRING_get0_data(value), 32);
    *cert_req = TS_REQ_get_cert_req(req) != 0;
    TS_REQ_free(req);
    return ok;
}

#endif
