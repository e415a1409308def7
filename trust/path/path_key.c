#include "trust/path/path_key.h"

#include "trust/base/der.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static const struct {
    const char *oid, *name;
} curve_rows[PATH_CURVES] = {
    {"1.2.840.10045.3.1.7", "P-256"},
    {"1.3.132.0.34", "P-384"},
    {"1.3.132.0.35", "P-521"},
    {"1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"},
    {"1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"},
    {"1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"},
};

void path_curves_fini(path_curves *curves)
{
    for (size_t i = 0; i < PATH_CURVES; i++)
        EVP_PKEY_free(curves->known[i]);
}

/* RFC 5480 2.1: algorithm, named curve, point. False: something else. */
static bool read_point(dx_bytes spki, size_t *curve, dx_bytes *point)
{
    dx_bytes info, algorithm, oid, name, bits;
    if (!der_only(spki, DER_SEQUENCE, &info) || !der_take(&info, DER_SEQUENCE, &algorithm) ||
        !der_take(&info, DER_BIT_STRING, &bits) || info.size != 0 || !der_take(&algorithm, DER_OID, &oid) ||
        !der_oid_is(oid, "1.2.840.10045.2.1") || !der_take(&algorithm, DER_OID, &name) ||
        algorithm.size != 0 || bits.size < 2 || bits.data[0] != 0)
        return false;
    *point = dx_bytes_part(bits, 1, bits.size);
    for (*curve = 0; *curve < PATH_CURVES; ++*curve)
        if (der_oid_is(name, curve_rows[*curve].oid))
            return true;
    return false;
}

static EVP_PKEY *of_point(path_curves *curves, size_t curve, dx_bytes point)
{
    EVP_PKEY *key = EVP_PKEY_new();
    if (curves->known[curve] == NULL)
        curves->known[curve] = EVP_EC_gen(curve_rows[curve].name);
    if (key != NULL && curves->known[curve] != NULL &&
        EVP_PKEY_copy_parameters(key, curves->known[curve]) == 1 &&
        EVP_PKEY_set1_encoded_public_key(key, point.data, point.size) == 1)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

EVP_PKEY *path_key_decode(path_curves *curves, dx_bytes spki)
{
    size_t curve;
    dx_bytes point;
    const uint8_t *p = spki.data;
    EVP_PKEY *key = read_point(spki, &curve, &point) ? of_point(curves, curve, point)
                                                     : d2i_PUBKEY(NULL, &p, (long)spki.size);
    if (key != NULL && p != spki.data && p != spki.data + spki.size) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}
