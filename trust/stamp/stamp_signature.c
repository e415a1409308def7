/* stamp_signature.c -- the signature of the SignerInfo. Its two algorithm fields are not protected: a library
 * that looks at one of them only lets a flipped bit in the other pass, so they must fit each other and the
 * key (STAMP-08). RSASSA-PSS parameters are read here, since OpenSSL's TS functions cannot. */
#include "trust/stamp/stamp_private.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

typedef enum { SCHEME_ECDSA, SCHEME_PKCS1, SCHEME_PSS } scheme_id;

static const struct {
    const char *oid;
    scheme_id scheme;
    int hash; /* dx_hash_kind, or -1: the digest algorithm's */
} schemes[] = {
    {"1.2.840.10045.4.3.2", SCHEME_ECDSA, DX_HASH_SHA256},
    {"1.2.840.10045.4.3.3", SCHEME_ECDSA, DX_HASH_SHA384},
    {"1.2.840.10045.4.3.4", SCHEME_ECDSA, DX_HASH_SHA512},
    {"1.2.840.113549.1.1.1", SCHEME_PKCS1, -1},
    {"1.2.840.113549.1.1.11", SCHEME_PKCS1, DX_HASH_SHA256},
    {"1.2.840.113549.1.1.12", SCHEME_PKCS1, DX_HASH_SHA384},
    {"1.2.840.113549.1.1.13", SCHEME_PKCS1, DX_HASH_SHA512},
    {"1.2.840.113549.1.1.10", SCHEME_PSS, -1},
};

typedef struct {
    scheme_id scheme;
    dx_hash_kind hash, mgf_hash;
    int salt;
} signature_form;

/* RSASSA-PSS-params, RFC 4055 3.1: SHA-1 defaults are refused, trailerField is 1. */
static bool read_pss(dx_bytes in, signature_form *form)
{
    dx_bytes params, hash, mgf, part, oid, salt, trailer;
    bool present;
    uint64_t number;
    if (!der_only(in, DER_SEQUENCE, &params) || !der_take(&params, DER_CONSTRUCTED(0), &part) ||
        !der_only(part, DER_SEQUENCE, &hash) || !stamp_hash_of_algorithm(hash, &form->hash) ||
        !der_take(&params, DER_CONSTRUCTED(1), &part) || !der_only(part, DER_SEQUENCE, &mgf) ||
        !der_take(&mgf, DER_OID, &oid) || !der_oid_is(oid, "1.2.840.113549.1.1.8") ||
        !der_only(mgf, DER_SEQUENCE, &hash) || !stamp_hash_of_algorithm(hash, &form->mgf_hash) ||
        !der_optional(&params, DER_CONSTRUCTED(2), &part, &present))
        return false;
    form->salt = 20;
    if (present) {
        if (!der_only(part, DER_INTEGER, &salt) || !der_u64(salt, &number) || number > 512)
            return false;
        form->salt = (int)number;
    }
    if (!der_optional(&params, DER_CONSTRUCTED(3), &part, &present) || params.size != 0)
        return false;
    return !present || (der_only(part, DER_INTEGER, &trailer) && der_u64(trailer, &number) && number == 1);
}

static bool read_form(dx_bytes algorithm, dx_hash_kind digest, signature_form *form)
{
    dx_bytes oid, null;
    if (!der_take(&algorithm, DER_OID, &oid))
        return false;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!der_oid_is(oid, schemes[i].oid))
            continue;
        form->scheme = schemes[i].scheme;
        form->hash = schemes[i].hash < 0 ? digest : (dx_hash_kind)schemes[i].hash;
        if (form->scheme == SCHEME_PSS && !read_pss(algorithm, form))
            return false;
        bool null_ok = algorithm.size == 0 || (form->scheme == SCHEME_PKCS1 &&
                                               der_only(algorithm, DER_NULL, &null) && null.size == 0);
        return (form->scheme == SCHEME_PSS || null_ok) && form->hash == digest;
    }
    return false;
}

static bool key_fits(EVP_PKEY *key, scheme_id scheme)
{
    char group[32];
    if (EVP_PKEY_is_a(key, "EC"))
        return scheme == SCHEME_ECDSA && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
               (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 ||
                strcmp(group, "secp521r1") == 0);
    bool pss_only = EVP_PKEY_is_a(key, "RSA-PSS");
    return (EVP_PKEY_is_a(key, "RSA") || pss_only) && scheme != SCHEME_ECDSA &&
           !(pss_only && scheme == SCHEME_PKCS1) && EVP_PKEY_get_bits(key) >= 2048;
}

static const EVP_MD *md_of(dx_hash_kind kind)
{
    return kind == DX_HASH_SHA256 ? EVP_sha256() : kind == DX_HASH_SHA384 ? EVP_sha384() : EVP_sha512();
}

static bool verify(EVP_PKEY *key, const signature_form *form, dx_bytes content, dx_bytes signature)
{
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestVerifyInit(ctx, &pctx, md_of(form->hash), NULL, key) == 1;
    if (ok && form->scheme == SCHEME_PSS)
        ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, md_of(form->mgf_hash)) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, form->salt) == 1;
    ok = ok && EVP_DigestVerify(ctx, signature.data, signature.size, content.data, content.size) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* RFC 5652 5.1 lets a reader refuse a digest that digestAlgorithms does not list; those bytes are unprotected
 * too. */
static bool digest_listed(dx_bytes listed, dx_hash_kind digest)
{
    dx_bytes algorithm;
    dx_hash_kind kind;
    while (der_take(&listed, DER_SEQUENCE, &algorithm))
        if (stamp_hash_of_algorithm(algorithm, &kind) && kind == digest)
            return true;
    return false;
}

bool stamp_signer_signature(const stamp_token *token, const stamp_signer *signer, dx_arena *arena,
                            stamp_verdict *verdict)
{
    dx_hash_kind digest;
    signature_form form = {0};
    EVP_PKEY *key = X509_get0_pubkey(signer->x509);
    if (key == NULL || !stamp_hash_of_algorithm(token->digest_algorithm, &digest) ||
        !read_form(token->signature_algorithm, digest, &form) || !key_fits(key, form.scheme) ||
        !digest_listed(token->digests, digest))
        return stamp_no(verdict, CHECK_STAMP_08, "CRYPTO_CONSTRAINTS_FAILURE",
                        "digest algorithm, signature algorithm and key of the token are not in the verify "
                        "set or do not fit each other");
    /* Signed is the SET, not its [0] (RFC 5652 5.4): the same bytes with another tag. */
    uint8_t *set = dx_arena_alloc(arena, token->attributes_whole.size);
    if (set == NULL)
        return stamp_no(verdict, CHECK_STAMP_08, NULL, "no memory to check the token's signature");
    memcpy(set, token->attributes_whole.data, token->attributes_whole.size);
    set[0] = DER_SET;
    if (!verify(key, &form, dx_bytes_of(set, token->attributes_whole.size), token->signature))
        return stamp_no(verdict, CHECK_STAMP_08, NULL, "the token's signature does not match its content");
    return true;
}
