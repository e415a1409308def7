#include "trust/seal/seal_algorithm.h"

/* RFC 7518 3.1, RFC 8037 3.1. `none`, HS*, ES256K and SHA-1 are not here, and so are refused. */
static const seal_algorithm jws[] = {
    {"ES256", SIGN_P256, SIGN_ECDSA_FIXED, DX_HASH_SHA256, 64},
    {"ES384", SIGN_P384, SIGN_ECDSA_FIXED, DX_HASH_SHA384, 96},
    {"ES512", SIGN_P521, SIGN_ECDSA_FIXED, DX_HASH_SHA512, 132},
    {"PS256", SIGN_RSA, SIGN_RSA_PSS, DX_HASH_SHA256, 0},
    {"PS384", SIGN_RSA, SIGN_RSA_PSS, DX_HASH_SHA384, 0},
    {"PS512", SIGN_RSA, SIGN_RSA_PSS, DX_HASH_SHA512, 0},
    {"RS256", SIGN_RSA, SIGN_RSA_PKCS1, DX_HASH_SHA256, 0},
    {"RS384", SIGN_RSA, SIGN_RSA_PKCS1, DX_HASH_SHA384, 0},
    {"RS512", SIGN_RSA, SIGN_RSA_PKCS1, DX_HASH_SHA512, 0},
    {"EdDSA", SIGN_ED25519, SIGN_EDDSA, DX_HASH_SHA512, 64},
};

/* RFC 9421 3.3, 6.2.2; the last row has no registered name. */
static const seal_algorithm httpsig[] = {
    {"ecdsa-p256-sha256", SIGN_P256, SIGN_ECDSA_FIXED, DX_HASH_SHA256, 64},
    {"ecdsa-p384-sha384", SIGN_P384, SIGN_ECDSA_FIXED, DX_HASH_SHA384, 96},
    {"rsa-pss-sha512", SIGN_RSA, SIGN_RSA_PSS, DX_HASH_SHA512, 0},
    {"rsa-v1_5-sha256", SIGN_RSA, SIGN_RSA_PKCS1, DX_HASH_SHA256, 0},
    {"ed25519", SIGN_ED25519, SIGN_EDDSA, DX_HASH_SHA512, 64},
    {NULL, SIGN_P521, SIGN_ECDSA_FIXED, DX_HASH_SHA512, 132},
};

static const seal_algorithm *by_name(const seal_algorithm *table, size_t count, dx_bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].name != NULL && dx_bytes_is(name, table[i].name))
            return &table[i];
    return NULL;
}

const seal_algorithm *seal_algorithm_jws(dx_bytes name)
{
    return by_name(jws, sizeof jws / sizeof *jws, name);
}

const seal_algorithm *seal_algorithm_httpsig(dx_bytes name)
{
    return by_name(httpsig, sizeof httpsig / sizeof *httpsig, name);
}

const seal_algorithm *seal_algorithm_httpsig_of_key(sign_key_kind kind)
{
    size_t i = 0;
    while (httpsig[i].kind != kind)
        i++;
    return &httpsig[i];
}

bool seal_algorithm_for_sealing(sign_key_kind kind, unsigned bits, bool rsa_v15, bool eddsa,
                                seal_algorithm_pair *out)
{
    const char *name = kind == SIGN_P256   ? "ES256"
                       : kind == SIGN_P384 ? "ES384"
                       : kind == SIGN_P521 ? "ES512"
                                           : "EdDSA";
    if (kind == SIGN_ED25519 && !eddsa)
        return false;
    *out = (seal_algorithm_pair){.httpsig = seal_algorithm_httpsig_of_key(kind)};
    if (kind == SIGN_RSA && bits >= 3072) {
        name = "PS256";
    } else if (kind == SIGN_RSA) {
        if (bits < 2048 || !rsa_v15)
            return false;
        name = "RS256";
        out->httpsig = seal_algorithm_httpsig(dx_bytes_text("rsa-v1_5-sha256"));
    }
    out->jws = seal_algorithm_jws(dx_bytes_text(name));
    out->named = out->httpsig->name != NULL;
    return true;
}

DX_RC seal_algorithm_sign(const seal_algorithm *algorithm, sign_key *key, dx_bytes text, sign_value *out,
                          dx_why *why)
{
    uint8_t digest[64];
    if (algorithm->form == SIGN_EDDSA)
        return sign_now(key, algorithm->form, text, out, why);
    dx_digest(algorithm->hash, text, digest);
    return sign_now(key, algorithm->form, dx_bytes_of(digest, dx_hash_size(algorithm->hash)), out, why);
}

DX_RC seal_algorithm_verify(const seal_algorithm *algorithm, dx_bytes spki, dx_bytes text, dx_bytes value,
                            dx_why *why)
{
    uint8_t digest[64];
    if (algorithm->form == SIGN_EDDSA)
        return sign_verify(spki, algorithm->form, text, value, why);
    dx_digest(algorithm->hash, text, digest);
    return sign_verify(spki, algorithm->form, dx_bytes_of(digest, dx_hash_size(algorithm->hash)), value, why);
}
