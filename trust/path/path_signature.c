#include "trust/base/digest.h"
#include "trust/path/path_private.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* One signature of one certificate by the key of another, over the exact bytes (RFC 5280 6.1.3 a 1). Which
 * algorithms may be used is path_algorithm's; here the ones that may are carried out. */

/* The only parameters that path_algorithm lets pass: MGF1 and a salt of the hash itself (RFC 4055 3.1). */
static bool set_pss(EVP_PKEY_CTX *context, const EVP_MD *md)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static const EVP_MD *hash_of_pss(const X509_ALGOR *algorithm)
{
    RSA_PSS_PARAMS *pss = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
    const EVP_MD *md =
        pss == NULL || pss->hashAlgorithm == NULL ? NULL : EVP_get_digestbyobj(pss->hashAlgorithm->algorithm);
    RSA_PSS_PARAMS_free(pss);
    return md;
}

static bool verify(EVP_PKEY *key, const X509_ALGOR *algorithm, dx_bytes signature, dx_bytes tbs)
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
              EVP_DigestVerify(context, signature.data, signature.size, tbs.data, tbs.size) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

static bool signature_ok(const cert_facts *child, EVP_PKEY *key, bool *no_memory)
{
    const uint8_t *p = child->signature_algorithm.data;
    X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &p, (long)child->signature_algorithm.size);
    bool ok = algorithm != NULL && key != NULL && verify(key, algorithm, child->signature, child->tbs);
    *no_memory = !ok && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    X509_ALGOR_free(algorithm);
    ERR_clear_error();
    return ok;
}

/* The digest of the certificate stands for its bytes. */
static void edge_key(const path_certificate *child, dx_bytes spki, uint8_t out[32])
{
    uint8_t both[64];
    memcpy(both, child->sha256, 32);
    dx_sha256(spki, both + 32);
    dx_sha256(dx_bytes_of(both, sizeof both), out);
}

path_edge path_signed_by(path_search *s, const path_certificate *child, dx_bytes issuer_spki)
{
    uint8_t key[32];
    bool no_memory;
    edge_key(child, issuer_spki, key);
    path_edge edge = path_memo_edge(s->memo, key);
    if (edge != PATH_EDGE_UNKNOWN)
        return edge;
    s->spent |= s->signatures >= s->limits.signatures;
    if (!path_in_time(s))
        return PATH_EDGE_UNKNOWN;
    s->signatures++;
    bool good = signature_ok(&child->facts, path_memo_key(s->memo, issuer_spki), &no_memory);
    s->no_memory |= no_memory;
    if (!no_memory)
        path_memo_edge_put(s->memo, key, good);
    return good ? PATH_EDGE_GOOD : PATH_EDGE_BAD;
}
