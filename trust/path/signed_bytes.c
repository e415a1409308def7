#include "trust/path/signed_bytes.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* The parameters that path_algorithm lets pass: MGF1 and a salt of the hash itself (RFC 4055 3.1). */
static const EVP_MD *hash_of_pss(const X509_ALGOR *algorithm)
{
    RSA_PSS_PARAMS *pss = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
    const EVP_MD *md =
        pss == NULL || pss->hashAlgorithm == NULL ? NULL : EVP_get_digestbyobj(pss->hashAlgorithm->algorithm);
    RSA_PSS_PARAMS_free(pss);
    return md;
}

static bool set_pss(EVP_PKEY_CTX *context, const EVP_MD *md)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify(EVP_PKEY *key, const X509_ALGOR *algorithm, dx_bytes signature, dx_bytes text)
{
    int digest = NID_undef, kind = NID_undef, nid = OBJ_obj2nid(algorithm->algorithm);
    bool pss = nid == NID_rsassaPss, hashed = nid != NID_ED25519 && nid != NID_ED448;
    const EVP_MD *md = NULL;
    if (pss)
        md = hash_of_pss(algorithm);
    else if (hashed && OBJ_find_sigid_algs(nid, &digest, &kind) == 1)
        md = EVP_get_digestbynid(digest);
    if (hashed && md == NULL)
        return false;
    /* A signature of one kind is never taken for one of another. */
    bool fits = pss       ? EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")
                : !hashed ? EVP_PKEY_get_id(key) == nid
                          : EVP_PKEY_get_base_id(key) == kind;
    EVP_MD_CTX *context = fits ? EVP_MD_CTX_new() : NULL;
    EVP_PKEY_CTX *parameters = NULL;
    bool ok = context != NULL && EVP_DigestVerifyInit(context, &parameters, md, NULL, key) == 1 &&
              (!pss || set_pss(parameters, md)) &&
              EVP_DigestVerify(context, signature.data, signature.size, text.data, text.size) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

bool signed_by_key(dx_bytes algorithm, dx_bytes signed_, dx_bytes signature, EVP_PKEY *key)
{
    const uint8_t *p = algorithm.data;
    X509_ALGOR *parsed = d2i_X509_ALGOR(NULL, &p, (long)algorithm.size);
    bool ok = parsed != NULL && verify(key, parsed, signature, signed_);
    X509_ALGOR_free(parsed);
    return ok;
}

bool signed_bytes_ok(dx_bytes algorithm, dx_bytes signed_, dx_bytes signature, dx_bytes spki,
                     algorithm_set set)
{
    const uint8_t *p = spki.data;
    if (!path_algorithm_allowed(algorithm, set) || !path_key_allowed(spki, set))
        return false;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.size);
    bool ok = key != NULL && signed_by_key(algorithm, signed_, signature, key);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}
