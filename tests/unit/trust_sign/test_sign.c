/* Keys in files, signatures out. */
#include "trust/base/digest.h"
#include "trust/sign/sign.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/sekisho-sign-XXXXXX";
static char path[64];

static int begin(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/key.pem", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static sign_key *key_of(sign_key_kind kind)
{
    sign_key *key = NULL;
    dx_why why = {0};
    assert_int_equal(sign_generate(&dx_io_system, kind, path, &why).code, DX_OK);
    assert_int_equal(sign_open(&(sign_spec){.file = path, .io = &dx_io_system}, &key, &why).code, DX_OK);
    assert_int_equal(sign_kind(key), kind);
    return key;
}

static const struct {
    sign_key_kind kind;
    sign_form form;
    size_t value_bytes; /* 0: not fixed */
} pairs[] = {{SIGN_P256, SIGN_ECDSA_FIXED, 64},  {SIGN_P384, SIGN_ECDSA_FIXED, 96},
             {SIGN_P521, SIGN_ECDSA_FIXED, 132}, {SIGN_P256, SIGN_ECDSA, 0},
             {SIGN_RSA, SIGN_RSA_PSS, 384},      {SIGN_RSA, SIGN_RSA_PKCS1, 384},
             {SIGN_ED25519, SIGN_EDDSA, 64}};

static void what_a_key_signs_its_public_half_verifies(void **state)
{
    (void)state;
    static const size_t sizes[] = {32, 48, 64};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        sign_key *key = key_of(pairs[i].kind);
        for (size_t s = 0; s < 3; s++) {
            uint8_t digest[64] = {1, 2, 3, (uint8_t)s};
            dx_bytes text = dx_bytes_of(digest, sizes[s]);
            sign_value value;
            dx_why why = {0};
            for (int again = 0; again < 2; again++) { /* the second time with the context that is kept */
                assert_int_equal(sign_now(key, pairs[i].form, text, &value, &why).code, DX_OK);
                assert_true(pairs[i].value_bytes == 0 || pairs[i].value_bytes == value.size);
                dx_bytes made = dx_bytes_of(value.bytes, value.size);
                assert_int_equal(sign_verify(sign_public_spki(key), pairs[i].form, text, made, &why).code,
                                 DX_OK);
                value.bytes[value.size - 1] ^= 1;
                assert_int_equal(sign_verify(sign_public_spki(key), pairs[i].form, text, made, &why).code,
                                 DX_BAD_SIGNATURE);
                value.bytes[value.size - 1] ^= 1;
                digest[0] ^= 1;
                assert_int_equal(sign_verify(sign_public_spki(key), pairs[i].form, text, made, &why).code,
                                 DX_BAD_SIGNATURE);
                digest[0] ^= 1;
            }
        }
        sign_unref(key);
    }
}

static void a_key_makes_only_its_own_kind_of_signature(void **state)
{
    (void)state;
    sign_key *key = key_of(SIGN_P256);
    uint8_t digest[32] = {0};
    sign_value value;
    dx_why why = {0};
    assert_int_equal(sign_now(key, SIGN_RSA_PSS, dx_bytes_of(digest, 32), &value, &why).code, DX_USAGE);
    assert_int_equal(sign_now(key, SIGN_EDDSA, dx_bytes_of(digest, 32), &value, &why).code, DX_USAGE);
    assert_int_equal(sign_now(key, SIGN_ECDSA, dx_bytes_of(digest, 20), &value, &why).code, DX_USAGE);
    assert_int_equal(sign_verify(sign_public_spki(key), SIGN_RSA_PSS, dx_bytes_of(digest, 32),
                                 dx_bytes_of(digest, 32), &why)
                         .code,
                     DX_UNSUPPORTED);
    sign_unref(key);
}

static void a_signature_of_another_length_is_a_no(void **state)
{
    (void)state;
    sign_key *key = key_of(SIGN_P256);
    uint8_t digest[32] = {7};
    sign_value value;
    dx_why why = {0};
    assert_int_equal(sign_now(key, SIGN_ECDSA_FIXED, dx_bytes_of(digest, 32), &value, &why).code, DX_OK);
    static const size_t sizes[] = {0, 1, 63, 65, 128};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(sign_verify(sign_public_spki(key), SIGN_ECDSA_FIXED, dx_bytes_of(digest, 32),
                                     dx_bytes_of(value.bytes, sizes[i]), &why)
                             .code,
                         DX_BAD_SIGNATURE);
    memset(value.bytes, 0, 64);
    assert_int_equal(sign_verify(sign_public_spki(key), SIGN_ECDSA_FIXED, dx_bytes_of(digest, 32),
                                 dx_bytes_of(value.bytes, 64), &why)
                         .code,
                     DX_BAD_SIGNATURE);
    sign_unref(key);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    sign_key *key = key_of(SIGN_P256);
    sign_unref(key);
    dx_why why = {0};
    for (mode_t mode = 0601; mode <= 0640; mode = mode == 0601   ? 0604
                                                  : mode == 0604 ? 0610
                                                  : mode == 0610 ? 0640
                                                                 : 0700) {
        assert_int_equal(chmod(path, mode), 0);
        assert_int_equal(sign_open(&(sign_spec){.file = path, .io = &dx_io_system}, &key, &why).code,
                         DX_CONFIG);
        assert_null(key);
    }
    assert_int_equal(
        sign_open(&(sign_spec){.file = path, .io = &dx_io_system, .allow_loose_mode = true}, &key, &why).code,
        DX_OK);
    sign_unref(key);
    assert_int_equal(sign_open(&(sign_spec){.file = folder, .io = &dx_io_system}, &key, &why).code,
                     DX_CONFIG);
    assert_int_equal(sign_open(&(sign_spec){.file = "/nonexistent", .io = &dx_io_system}, &key, &why).code,
                     DX_NOT_FOUND);
}

static void a_file_that_is_no_key_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"not a key",
                                        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};
    dx_why why = {0};
    for (size_t i = 0; i < 2; i++) {
        sign_key *key = NULL;
        assert_int_equal(dx_io_replace_file(&dx_io_system, path, dx_bytes_text(texts[i]), 0600, &why).code,
                         DX_OK);
        assert_int_equal(sign_open(&(sign_spec){.file = path, .io = &dx_io_system}, &key, &why).code,
                         DX_CONFIG);
        assert_null(key);
    }
    sign_key_kind kind;
    unsigned bits;
    assert_int_equal(sign_spki_kind(DX_BYTES("0"), &kind, &bits, &why).code, DX_MALFORMED);
}

static void *sign_many(void *data)
{
    sign_key *key = data;
    sign_value value;
    for (unsigned i = 0; i < 50; i++) {
        uint8_t digest[32] = {(uint8_t)i};
        if (sign_now(key, SIGN_ECDSA_FIXED, dx_bytes_of(digest, 32), &value, NULL).code != DX_OK ||
            sign_verify(sign_public_spki(key), SIGN_ECDSA_FIXED, dx_bytes_of(digest, 32),
                        dx_bytes_of(value.bytes, value.size), NULL)
                    .code != DX_OK)
            return data;
    }
    return NULL;
}

static void threads_share_a_key(void **state)
{
    (void)state;
    sign_key *key = key_of(SIGN_P256);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, key), 0);
    for (size_t i = 0; i < 4; i++) {
        void *bad = key;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    sign_unref(key);
}

static void more_keys_than_kept_contexts_still_sign(void **state)
{
    (void)state;
    sign_key *keys[12];
    for (size_t i = 0; i < 12; i++)
        keys[i] = key_of(SIGN_P256);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < 12; i++)
            assert_null(sign_many(keys[i]));
    for (size_t i = 0; i < 12; i++)
        sign_unref(keys[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_key_signs_its_public_half_verifies),
        cmocka_unit_test(a_key_makes_only_its_own_kind_of_signature),
        cmocka_unit_test(a_signature_of_another_length_is_a_no),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(a_file_that_is_no_key_is_refused),
        cmocka_unit_test(threads_share_a_key),
        cmocka_unit_test(more_keys_than_kept_contexts_still_sign),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
