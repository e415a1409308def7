/* The list of algorithms and keys: each row at its limit and one over it. */
#include "tests/support/cert_make.h"
#include "trust/path/path_algorithm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void algorithms_are_a_list(void **state)
{
    (void)state;
    static const struct {
        dx_bytes algorithm;
        bool now, legacy;
    } rows[] = {
        {DX_BYTES(CERT_ALGORITHM), true, true},
        {DX_BYTES("\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00"), false, false}, /* with NULL */
        {DX_BYTES("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"), true, true},
        {DX_BYTES("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00"), false, true},  /* SHA-1 */
        {DX_BYTES("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00"), false, false}, /* MD5 */
        {DX_BYTES("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e\x05\x00"), false,
         false}, /* SHA-224 */
        {DX_BYTES("\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"), false, true},
        {DX_BYTES("\x30\x05\x06\x03\x2b\x65\x70"), true, true},
        {DX_BYTES("\x30\x07\x06\x03\x2b\x65\x70\x05\x00"), false, false},
        {DX_BYTES("\x30\x0b\x06\x07\x2a\x86\x48\xce\x38\x04\x03\x05\x00"), false, false}, /* DSA */
        {DX_BYTES("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x00"), false, false},
        {DX_BYTES("\x05\x00"), false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(path_algorithm_allowed(rows[i].algorithm, ALGORITHMS_NOW), rows[i].now);
        assert_int_equal(path_algorithm_allowed(rows[i].algorithm, ALGORITHMS_LEGACY), rows[i].legacy);
    }
}

#define SHA256     "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define SHA384     "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define HASH(h)    "\xa0\x0d" h
#define MGF1(h)    "\xa1\x1a\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" h
#define SALT(n)    "\xa2\x03\x02\x01" n
#define TRAILER(n) "\xa3\x03\x02\x01" n

static bool pss_allowed(dx_bytes parameters)
{
    static der_out inside, whole;
    inside.size = whole.size = 0;
    der_put(&inside, DER_OID, DX_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"));
    der_put(&inside, DER_SEQUENCE, parameters);
    der_put(&whole, DER_SEQUENCE, der_made(&inside));
    return path_algorithm_allowed(der_made(&whole), ALGORITHMS_LEGACY);
}

static void pss_has_one_set_of_parameters(void **state)
{
    (void)state;
    assert_true(pss_allowed(DX_BYTES(HASH(SHA256) MGF1(SHA256) SALT("\x20"))));
    assert_true(pss_allowed(DX_BYTES(HASH(SHA256) MGF1(SHA256) SALT("\x20") TRAILER("\x01"))));
    assert_true(pss_allowed(DX_BYTES(HASH(SHA384) MGF1(SHA384) SALT("\x30"))));
    assert_false(pss_allowed(DX_BYTES(HASH(SHA256) MGF1(SHA384) SALT("\x20"))));
    assert_false(pss_allowed(DX_BYTES(HASH(SHA256) MGF1(SHA256) SALT("\x14"))));
    assert_false(pss_allowed(DX_BYTES(HASH(SHA256) MGF1(SHA256) SALT("\x20") TRAILER("\x02"))));
    assert_false(pss_allowed(DX_BYTES(HASH(SHA256) MGF1(SHA256))));
    assert_false(pss_allowed(DX_BYTES(MGF1(SHA256) SALT("\x20"))));
    assert_false(pss_allowed(DX_BYTES(HASH(SHA256) SALT("\x20"))));
}

/* A SubjectPublicKeyInfo of RSA: modulus of so many bits, exponent. */
static dx_bytes rsa_of(size_t bits, dx_bytes exponent)
{
    static der_out numbers, key, inside, whole;
    static uint8_t n[1100];
    size_t size = (bits + 7) / 8, lead = bits % 8 == 0; /* a positive number */
    numbers.size = key.size = inside.size = whole.size = 0;
    memset(n, 0, sizeof n);
    n[lead] = (uint8_t)(0x80 >> (bits % 8 == 0 ? 0 : 8 - bits % 8));
    n[lead + size - 1] |= 1;
    der_put(&numbers, DER_INTEGER, dx_bytes_of(n, lead + size));
    der_put(&numbers, DER_INTEGER, exponent);
    key.data[key.size++] = 0;
    der_put(&key, DER_SEQUENCE, der_made(&numbers));
    der_put_raw(&inside, DX_BYTES("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"));
    der_put(&inside, DER_BIT_STRING, der_made(&key));
    der_put(&whole, DER_SEQUENCE, der_made(&inside));
    return der_made(&whole);
}

static dx_bytes ec_of(dx_bytes curve, uint8_t first, size_t size)
{
    static der_out algorithm, inside, whole;
    uint8_t bits[160] = {0, first};
    algorithm.size = inside.size = whole.size = 0;
    der_put_raw(&algorithm, DX_BYTES("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"));
    der_put(&algorithm, DER_OID, curve);
    der_put(&inside, DER_SEQUENCE, der_made(&algorithm));
    der_put(&inside, DER_BIT_STRING, dx_bytes_of(bits, 1 + size));
    der_put(&whole, DER_SEQUENCE, der_made(&inside));
    return der_made(&whole);
}

static void keys_are_a_list(void **state)
{
    (void)state;
    const dx_bytes f4 = DX_BYTES("\x01\x00\x01");
    static const struct {
        size_t bits;
        bool now, legacy;
    } rows[] = {{1016, false, false}, {1024, false, true},  {2040, false, true}, {2047, false, false},
                {2048, true, true},   {2049, false, false}, {2056, true, true},  {3072, true, true},
                {8192, true, true},   {8200, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(path_key_allowed(rsa_of(rows[i].bits, f4), ALGORITHMS_NOW), rows[i].now);
        assert_int_equal(path_key_allowed(rsa_of(rows[i].bits, f4), ALGORITHMS_LEGACY), rows[i].legacy);
    }
    uint8_t e[33] = {0x80};
    e[31] = 1;
    assert_false(path_key_allowed(rsa_of(2048, DX_BYTES("\x03")), ALGORITHMS_NOW));
    assert_false(path_key_allowed(rsa_of(2048, DX_BYTES("\x00\xff\xff")), ALGORITHMS_NOW));
    assert_false(path_key_allowed(rsa_of(2048, DX_BYTES("\x01\x00\x02")), ALGORITHMS_NOW)); /* even */
    assert_false(path_key_allowed(rsa_of(2048, dx_bytes_of(e, 32)), ALGORITHMS_NOW));       /* negative */
    memmove(e + 1, e, 32);
    e[0] = 0;
    assert_true(path_key_allowed(rsa_of(2048, dx_bytes_of(e, 33)), ALGORITHMS_NOW)); /* 256 bits */
    e[0] = 1;
    assert_false(path_key_allowed(rsa_of(2048, dx_bytes_of(e, 33)), ALGORITHMS_NOW));
    const dx_bytes p256 = DX_BYTES("\x2a\x86\x48\xce\x3d\x03\x01\x07"),
                   p521 = DX_BYTES("\x2b\x81\x04\x00\x23"), p224 = DX_BYTES("\x2b\x81\x04\x00\x21"),
                   brainpool = DX_BYTES("\x2b\x24\x03\x03\x02\x08\x01\x01\x07");
    assert_true(path_key_allowed(ec_of(p256, 4, 65), ALGORITHMS_NOW));
    assert_true(path_key_allowed(ec_of(p256, 2, 33), ALGORITHMS_NOW));
    assert_true(path_key_allowed(ec_of(p521, 4, 133), ALGORITHMS_NOW));
    assert_true(path_key_allowed(ec_of(brainpool, 4, 65), ALGORITHMS_NOW));
    assert_false(path_key_allowed(ec_of(p256, 4, 64), ALGORITHMS_NOW));
    assert_false(path_key_allowed(ec_of(p256, 0, 1), ALGORITHMS_NOW));  /* infinity */
    assert_false(path_key_allowed(ec_of(p256, 6, 65), ALGORITHMS_NOW)); /* hybrid */
    assert_false(path_key_allowed(ec_of(p224, 4, 57), ALGORITHMS_LEGACY));
    assert_false(path_key_allowed(DX_BYTES("\x30\x00"), ALGORITHMS_LEGACY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(algorithms_are_a_list),
        cmocka_unit_test(pss_has_one_set_of_parameters),
        cmocka_unit_test(keys_are_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
