#include "trust/path/path_algorithm.h"

/* What is not in these tables is refused (identity.md 5.2). */

typedef enum { NOTHING, NULL_OR_NOTHING, PSS } parameters_rule;

static const struct {
    const char *oid;
    parameters_rule parameters;
    algorithm_set since;
} signatures[] = {
    {"1.2.840.113549.1.1.11", NULL_OR_NOTHING, ALGORITHMS_NOW}, /* sha256WithRSAEncryption */
    {"1.2.840.113549.1.1.12", NULL_OR_NOTHING, ALGORITHMS_NOW},
    {"1.2.840.113549.1.1.13", NULL_OR_NOTHING, ALGORITHMS_NOW},
    {"1.2.840.113549.1.1.10", PSS, ALGORITHMS_NOW},
    {"1.2.840.10045.4.3.2", NOTHING, ALGORITHMS_NOW}, /* ecdsa-with-SHA256 */
    {"1.2.840.10045.4.3.3", NOTHING, ALGORITHMS_NOW},
    {"1.2.840.10045.4.3.4", NOTHING, ALGORITHMS_NOW},
    {"1.3.101.112", NOTHING, ALGORITHMS_NOW}, /* Ed25519 */
    {"1.3.101.113", NOTHING, ALGORITHMS_NOW},
    {"1.2.840.113549.1.1.5", NULL_OR_NOTHING, ALGORITHMS_LEGACY}, /* sha1WithRSAEncryption */
    {"1.2.840.10045.4.1", NOTHING, ALGORITHMS_LEGACY},            /* ecdsa-with-SHA1 */
};

static const struct {
    const char *oid;
    size_t octets; /* of one coordinate */
} curves[] = {
    {"1.2.840.10045.3.1.7", 32},   {"1.3.132.0.34", 48},          {"1.3.132.0.35", 66},
    {"1.3.36.3.3.2.8.1.1.7", 32},  {"1.3.36.3.3.2.8.1.1.11", 48}, /* brainpoolP256r1, P384r1 */
    {"1.3.36.3.3.2.8.1.1.13", 64},
};

static const struct {
    const char *oid;
    uint64_t octets;
} hashes[] = {{"2.16.840.1.101.3.4.2.1", 32}, {"2.16.840.1.101.3.4.2.2", 48}, {"2.16.840.1.101.3.4.2.3", 64}};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* AlgorithmIdentifier to OID and the whole of its parameters, empty when there are none. */
static bool split(dx_bytes algorithm, dx_bytes *oid, dx_bytes *parameters)
{
    der_item item;
    if (!der_only(algorithm, DER_SEQUENCE, parameters) || !der_take(parameters, DER_OID, oid))
        return false;
    dx_bytes rest = *parameters;
    return rest.size == 0 || (der_next(&rest, &item) && rest.size == 0);
}

static bool null_or_nothing(dx_bytes parameters)
{
    dx_bytes none;
    return parameters.size == 0 || (der_only(parameters, DER_NULL, &none) && none.size == 0);
}

static bool hash_of(dx_bytes algorithm, dx_bytes *oid, uint64_t *octets)
{
    dx_bytes parameters;
    if (!split(algorithm, oid, &parameters) || !null_or_nothing(parameters))
        return false;
    for (size_t i = 0; i < COUNT(hashes); i++)
        if (der_oid_is(*oid, hashes[i].oid)) {
            *octets = hashes[i].octets;
            return true;
        }
    return false;
}

static bool number_is(dx_bytes outer, uint64_t wanted)
{
    dx_bytes value;
    uint64_t number;
    return der_only(outer, DER_INTEGER, &value) && der_u64(value, &number) && number == wanted;
}

/* RFC 4055 3.1: MGF1 with the same hash, a salt as long as the hash, trailer 1. What is absent stands for
 * SHA-1, so only the trailer may be. */
static bool pss_ok(dx_bytes parameters)
{
    dx_bytes inside, hash, mask, salt, trailer, oid, mask_oid, mask_hash;
    bool hashed, masked, salted, trailed;
    uint64_t octets = 0, mask_octets;
    return der_only(parameters, DER_SEQUENCE, &inside) &&
           der_optional(&inside, DER_CONSTRUCTED(0), &hash, &hashed) && hashed &&
           der_optional(&inside, DER_CONSTRUCTED(1), &mask, &masked) && masked &&
           der_optional(&inside, DER_CONSTRUCTED(2), &salt, &salted) && salted &&
           der_optional(&inside, DER_CONSTRUCTED(3), &trailer, &trailed) && inside.size == 0 &&
           hash_of(hash, &oid, &octets) && split(mask, &mask_oid, &mask_hash) &&
           der_oid_is(mask_oid, "1.2.840.113549.1.1.8") && hash_of(mask_hash, &mask_oid, &mask_octets) &&
           dx_bytes_equal(oid, mask_oid) && number_is(salt, octets) && (!trailed || number_is(trailer, 1));
}

bool path_algorithm_allowed(dx_bytes algorithm, algorithm_set set)
{
    dx_bytes oid, parameters;
    if (!split(algorithm, &oid, &parameters))
        return false;
    for (size_t i = 0; i < COUNT(signatures); i++)
        if (der_oid_is(oid, signatures[i].oid))
            return signatures[i].since <= set &&
                   (signatures[i].parameters == PSS       ? pss_ok(parameters)
                    : signatures[i].parameters == NOTHING ? parameters.size == 0
                                                          : null_or_nothing(parameters));
    return false;
}

static size_t bits_of(dx_bytes number)
{
    size_t bits = number.size * 8;
    for (size_t i = 0; i < number.size && number.data[i] == 0; i++)
        bits -= 8;
    const uint8_t *first = number.data + (number.size - (bits + 7) / 8);
    for (uint8_t mask = 0x80; bits > 0 && !(*first & mask); mask >>= 1)
        bits--;
    return bits;
}

static bool odd_number(dx_bytes number)
{
    return der_integer_ok(number) && number.data[0] < 0x80 && (number.data[number.size - 1] & 1) != 0;
}

/* Whole octets, and an odd exponent from 65537 to 2^256. */
static bool rsa_ok(dx_bytes key, algorithm_set set)
{
    dx_bytes inside, n, e;
    if (!der_only(key, DER_SEQUENCE, &inside) || !der_take(&inside, DER_INTEGER, &n) ||
        !der_take(&inside, DER_INTEGER, &e) || inside.size != 0 || !odd_number(n) || !odd_number(e))
        return false;
    size_t bits = bits_of(n);
    return bits >= (set == ALGORITHMS_LEGACY ? 1024 : 2048) && bits <= 8192 && bits % 8 == 0 &&
           bits_of(e) >= 17 && bits_of(e) <= 256;
}

/* A named curve, and a point of its size that is not infinity (RFC 5480 2.1.1, 2.2). */
static bool ec_ok(dx_bytes parameters, dx_bytes point)
{
    dx_bytes curve;
    if (!der_only(parameters, DER_OID, &curve) || point.size == 0)
        return false;
    for (size_t i = 0; i < COUNT(curves); i++)
        if (der_oid_is(curve, curves[i].oid))
            return point.data[0] == 4
                       ? point.size == 1 + 2 * curves[i].octets
                       : (point.data[0] == 2 || point.data[0] == 3) && point.size == 1 + curves[i].octets;
    return false;
}

bool path_key_allowed(dx_bytes spki, algorithm_set set)
{
    dx_bytes inside, algorithm, oid, parameters, bits;
    if (!der_only(spki, DER_SEQUENCE, &inside) || !der_take_whole(&inside, DER_SEQUENCE, &algorithm) ||
        !split(algorithm, &oid, &parameters) || !der_only(inside, DER_BIT_STRING, &bits) || bits.size < 1 ||
        bits.data[0] != 0)
        return false;
    dx_bytes key = dx_bytes_part(bits, 1, bits.size);
    if (der_oid_is(oid, "1.2.840.113549.1.1.1"))
        return null_or_nothing(parameters) && rsa_ok(key, set);
    if (der_oid_is(oid, "1.2.840.113549.1.1.10"))
        return (parameters.size == 0 || pss_ok(parameters)) && rsa_ok(key, set);
    if (der_oid_is(oid, "1.2.840.10045.2.1"))
        return ec_ok(parameters, key);
    if (der_oid_is(oid, "1.3.101.112"))
        return parameters.size == 0 && key.size == 32;
    return der_oid_is(oid, "1.3.101.113") && parameters.size == 0 && key.size == 57;
}
