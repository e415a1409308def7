#include "trust/path/path_private.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* One list of signature algorithms and keys (identity.md 5.2) for certificates, OCSP responses and CRLs. */

static bool hash_ok(int nid)
{
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* RFC 4055 3.1: MGF1 with the same hash, a salt as long as the hash, trailer 1. What is absent stands for
 * SHA-1, so nothing may be absent. */
static bool pss_ok(const ASN1_TYPE *parameter)
{
    RSA_PSS_PARAMS *pss = parameter == NULL || parameter->type != V_ASN1_SEQUENCE
                              ? NULL
                              : ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), parameter);
    X509_ALGOR *inner = NULL;
    int nid = NID_undef;
    bool ok = pss != NULL && pss->hashAlgorithm != NULL && pss->maskGenAlgorithm != NULL &&
              pss->saltLength != NULL && OBJ_obj2nid(pss->maskGenAlgorithm->algorithm) == NID_mgf1;
    if (ok && pss->maskGenAlgorithm->parameter != NULL)
        inner = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), pss->maskGenAlgorithm->parameter);
    if (ok)
        nid = OBJ_obj2nid(pss->hashAlgorithm->algorithm);
    const EVP_MD *md = hash_ok(nid) ? EVP_get_digestbynid(nid) : NULL;
    ok = ok && md != NULL && inner != NULL && OBJ_obj2nid(inner->algorithm) == nid &&
         ASN1_INTEGER_get(pss->saltLength) == EVP_MD_get_size(md) &&
         (pss->trailerField == NULL || ASN1_INTEGER_get(pss->trailerField) == 1);
    X509_ALGOR_free(inner);
    RSA_PSS_PARAMS_free(pss);
    return ok;
}

bool path_algorithm_ok(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *oid;
    const void *value;
    int type, digest = NID_undef;
    X509_ALGOR_get0(&oid, &type, &value, algorithm);
    int nid = OBJ_obj2nid(oid);
    if (nid == NID_ED25519 || nid == NID_ED448)
        return true;
    if (nid == NID_rsassaPss)
        return pss_ok(algorithm->parameter);
    return OBJ_find_sigid_algs(nid, &digest, NULL) == 1 && hash_ok(digest);
}

/* Whole octets, and an odd exponent from 65537 to 2^256. */
static bool rsa_ok(const EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    int bits = EVP_PKEY_get_bits(key);
    if (bits < 2048 || bits > 8192 || bits % 8 != 0 ||
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return false;
    bool ok = BN_is_odd(e) && BN_num_bits(e) >= 17 && BN_num_bits(e) <= 256;
    BN_free(e);
    return ok;
}

bool path_key_ok(const EVP_PKEY *key)
{
    static const char *const groups[] = {"prime256v1",      "secp384r1",       "secp521r1",
                                         "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"};
    char group[64] = "";
    if (key == NULL)
        return false;
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return rsa_ok(key);
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return true;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
        return false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(group, groups[i]) == 0)
            return true;
    return false;
}
