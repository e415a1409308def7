/* Signing and verifying: ECDSA values turn between DER and fixed r‖s here, and nowhere else. */
#include "trust/sign/sign_context.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#define EDDSA_MESSAGE_MAX_BYTES 2048

static bool digest_size_ok(size_t size)
{
    return size == 32 || size == 48 || size == 64;
}

static DX_RC fixed_of_der(dx_bytes der, size_t field, sign_value *out, dx_why *why)
{
    const uint8_t *at = der.data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.size);
    bool ok = sig != NULL && at == der.data + der.size &&
              BN_bn2binpad(ECDSA_SIG_get0_r(sig), out->bytes, (int)field) == (int)field &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out->bytes + field, (int)field) == (int)field;
    ECDSA_SIG_free(sig);
    if (!ok)
        return DX_FAIL(why, INTERNAL, "RFC 7518 3.4",
                       "the library made an ECDSA value that does not fit its curve");
    out->size = 2 * field;
    return DX_OKAY;
}

static DX_RC der_of_fixed(dx_bytes fixed, size_t field, sign_value *out, dx_why *why)
{
    if (fixed.size != 2 * field)
        return DX_FAIL(why, BAD_SIGNATURE, "RFC 7518 3.4", "an r and s of %zu bytes, %zu are right",
                       fixed.size, 2 * field);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(fixed.data, (int)field, NULL), *s = BN_bin2bn(fixed.data + field, (int)field, NULL);
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return DX_FAIL(why, NO_MEMORY, "", "no room for a signature value");
    }
    uint8_t *at = out->bytes; /* 2 * 66 + 9 bytes at most */
    int size = i2d_ECDSA_SIG(sig, &at);
    ECDSA_SIG_free(sig);
    if (size <= 0)
        return DX_FAIL(why, NO_MEMORY, "", "no room for a signature value");
    out->size = (size_t)size;
    return DX_OKAY;
}

static DX_RC sign_eddsa(const sign_key *key, dx_bytes message, sign_value *out, dx_why *why)
{
    if (message.size > EDDSA_MESSAGE_MAX_BYTES)
        return DX_FAIL(why, TOO_LARGE, "RFC 8032 5.1", "Ed25519 signs messages of at most %d bytes here",
                       EDDSA_MESSAGE_MAX_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    out->size = sizeof out->bytes;
    bool ok = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
              EVP_DigestSign(context, out->bytes, &out->size, message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    if (!ok)
        return DX_FAIL(why, INTERNAL, "RFC 8032 5.1.6", "the library could not sign");
    return DX_OKAY;
}

DX_RC sign_now(sign_key *key, sign_form form, dx_bytes digest, sign_value *out, dx_why *why)
{
    out->size = 0;
    if (!sign_kind_fits(key->pkey, key->kind, form))
        return DX_FAIL(why, USAGE, "RFC 7518 3", "the key cannot make such a signature");
    if (form == SIGN_EDDSA)
        return sign_eddsa(key, digest, out, why);
    if (!digest_size_ok(digest.size))
        return DX_FAIL(why, USAGE, "RFC 7518 3", "a digest of %zu bytes is of no known hash", digest.size);
    EVP_PKEY_CTX *context = sign_context_private(key, form, digest.size);
    if (context == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no signature context for this key");
    sign_value made;
    sign_value *to = form == SIGN_ECDSA_FIXED ? &made : out;
    to->size = sizeof to->bytes;
    if (EVP_PKEY_sign(context, to->bytes, &to->size, digest.data, digest.size) != 1) {
        out->size = 0;
        ERR_clear_error();
        return DX_FAIL(why, INTERNAL, "RFC 7518 3", "the library could not sign");
    }
    if (form == SIGN_ECDSA_FIXED)
        return fixed_of_der(dx_bytes_of(made.bytes, made.size), sign_kind_field_bytes(key->kind), out, why);
    return DX_OKAY;
}

static bool verify_eddsa(EVP_PKEY *pkey, dx_bytes message, dx_bytes value)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(context, value.data, value.size, message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

DX_RC sign_verify(dx_bytes spki, sign_form form, dx_bytes digest, dx_bytes value, dx_why *why)
{
    sign_public public;
    if (form != SIGN_EDDSA && !digest_size_ok(digest.size))
        return DX_FAIL(why, USAGE, "RFC 7518 3", "a digest of %zu bytes is of no known hash", digest.size);
    DX_TRY(sign_context_public(spki, form, digest.size, &public, why));
    bool ok;
    sign_value der;
    if (form == SIGN_EDDSA) {
        ok = verify_eddsa(public.pkey, digest, value);
    } else {
        if (form == SIGN_ECDSA_FIXED) {
            DX_TRY(der_of_fixed(value, sign_kind_field_bytes(public.kind), &der, why));
            value = dx_bytes_of(der.bytes, der.size);
        }
        ok = EVP_PKEY_verify(public.context, value.data, value.size, digest.data, digest.size) == 1;
    }
    if (!ok) {
        ERR_clear_error();
        return DX_FAIL(why, BAD_SIGNATURE, "RFC 7515 5.2", "the signature does not fit content and key");
    }
    return DX_OKAY;
}

DX_RC sign_spki_kind(dx_bytes spki, sign_key_kind *kind, unsigned *bits, dx_why *why)
{
    const uint8_t *at = spki.data;
    EVP_PKEY *pkey = spki.size > 16384 ? NULL : d2i_PUBKEY(NULL, &at, (long)spki.size);
    bool whole = pkey != NULL && at == spki.data + spki.size;
    bool known = whole && sign_kind_of(pkey, kind, bits);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (!whole)
        return DX_FAIL(why, MALFORMED, "RFC 5280 4.1.2.7", "not a SubjectPublicKeyInfo that can be read");
    if (!known)
        return DX_FAIL(why, UNSUPPORTED, "RFC 5280 4.1.2.7", "a kind of key that is not used here");
    return DX_OKAY;
}
