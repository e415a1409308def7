/* What a judge remembers is bounded, and keys are decoded as libcrypto decodes them. */
#include "trust/base/digest.h"
#include "trust/path/path_key.h"
#include "trust/path/path_memo.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void key_of(unsigned number, uint8_t out[32])
{
    dx_sha256(dx_bytes_of(&number, sizeof number), out);
}

static void what_is_used_stays_and_the_oldest_goes(void **state)
{
    (void)state;
    path_memo *memo = path_memo_new();
    uint8_t key[32], used[32];
    unsigned kept = 0;
    key_of(0, used);
    assert_int_equal(path_memo_edge(memo, used), PATH_EDGE_UNKNOWN);
    path_memo_edge_put(memo, used, false);
    for (unsigned i = 1; i < 300000; i++) { /* more than four times what there is room for */
        key_of(i, key);
        path_memo_edge_put(memo, key, true);
        if (i % 1000 == 0)
            assert_int_equal(path_memo_edge(memo, used), PATH_EDGE_BAD);
    }
    for (unsigned i = 1; i < 300000; i++) {
        key_of(i, key);
        kept += path_memo_edge(memo, key) == PATH_EDGE_GOOD;
    }
    assert_true(kept > 60000 && kept < 65536);
    path_memo_free(memo);
}

static void learned_certificates_are_found_by_name(void **state)
{
    (void)state;
    path_memo *memo = path_memo_new();
    dx_bytes found[4];
    uint8_t digest[32];
    const dx_bytes name = DX_BYTES("name");
    assert_int_equal(path_memo_learned(memo, name, found, 4), 0);
    for (unsigned i = 0; i < 20000; i++) {
        dx_bytes der = dx_bytes_of(&i, sizeof i);
        dx_sha256(der, digest);
        path_memo_learn(memo, i % 2 ? name : der, der, digest);
        path_memo_learn(memo, i % 2 ? name : der, der, digest); /* known */
    }
    assert_int_equal(path_memo_learned(memo, name, found, 4), 4);
    assert_int_equal(path_memo_learned(memo, DX_BYTES("other"), found, 4), 0);
    path_memo_free(memo);
}

static void keys_are_those_that_libcrypto_reads(void **state)
{
    (void)state;
    static const char *const curves[] = {"P-256", "P-384", "P-521", "brainpoolP256r1", "P-224"};
    path_curves known = {{NULL}};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        EVP_PKEY *made = EVP_EC_gen(curves[i]);
        uint8_t *der = NULL;
        int size = i2d_PUBKEY(made, &der);
        EVP_PKEY *read = path_key_decode(&known, dx_bytes_of(der, (size_t)size));
        assert_non_null(read);
        assert_int_equal(EVP_PKEY_eq(made, read), 1);
        EVP_PKEY_free(read);
        der[size - 1] ^= 1; /* a point off the curve */
        assert_null(path_key_decode(&known, dx_bytes_of(der, (size_t)size)));
        assert_null(path_key_decode(&known, dx_bytes_of(der, (size_t)size - 1)));
        OPENSSL_free(der);
        EVP_PKEY_free(made);
    }
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    uint8_t *der = NULL, *more;
    int size = i2d_PUBKEY(rsa, &der);
    EVP_PKEY *read = path_key_decode(&known, dx_bytes_of(der, (size_t)size));
    assert_int_equal(EVP_PKEY_eq(rsa, read), 1);
    more = calloc(1, (size_t)size + 1);
    memcpy(more, der, (size_t)size);
    assert_null(path_key_decode(&known, dx_bytes_of(more, (size_t)size + 1))); /* a byte behind it */
    free(more);
    OPENSSL_free(der);
    EVP_PKEY_free(read);
    EVP_PKEY_free(rsa);
    path_curves_fini(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_stays_and_the_oldest_goes),
        cmocka_unit_test(learned_certificates_are_found_by_name),
        cmocka_unit_test(keys_are_those_that_libcrypto_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
