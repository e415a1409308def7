#include "trust/sign/sign_kind.h"

#include <openssl/objects.h>

bool sign_kind_of(const EVP_PKEY *pkey, sign_key_kind *kind, unsigned *bits)
{
    char group[64];
    size_t size = 0;
    int n = EVP_PKEY_get_bits(pkey);
    *bits = n < 0 ? 0 : (unsigned)n;
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        *kind = SIGN_RSA;
        return true;
    case EVP_PKEY_ED25519:
        *kind = SIGN_ED25519;
        return true;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &size) != 1)
            return false;
        switch (OBJ_txt2nid(group)) {
        case NID_X9_62_prime256v1:
            *kind = SIGN_P256;
            return true;
        case NID_secp384r1:
            *kind = SIGN_P384;
            return true;
        case NID_secp521r1:
            *kind = SIGN_P521;
            return true;
        default:
            return false;
        }
    default:
        return false;
    }
}

bool sign_kind_fits(const EVP_PKEY *pkey, sign_key_kind kind, sign_form form)
{
    switch (form) {
    case SIGN_ECDSA:
    case SIGN_ECDSA_FIXED:
        return kind == SIGN_P256 || kind == SIGN_P384 || kind == SIGN_P521;
    case SIGN_RSA_PSS:
        return kind == SIGN_RSA;
    case SIGN_RSA_PKCS1:
        return kind == SIGN_RSA && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA;
    case SIGN_EDDSA:
        return kind == SIGN_ED25519;
    }
    return false;
}

size_t sign_kind_field_bytes(sign_key_kind kind)
{
    switch (kind) {
    case SIGN_P256:
        return 32;
    case SIGN_P384:
        return 48;
    case SIGN_P521:
        return 66;
    case SIGN_RSA:
    case SIGN_ED25519:
        return 0;
    }
    return 0;
}
