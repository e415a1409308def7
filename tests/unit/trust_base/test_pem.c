/* PEM: every block with its label, and no block that is half one. */
#include "trust/base/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static void blocks_come_in_their_order(void **state)
{
    (void)state;
    dx_arena arena = {0};
    dx_bytes der, text = DX_BYTES("words\n" BEGIN "YWJj\n" END
                                  "-----BEGIN OTHER-----\neHg=\n-----END OTHER-----\n" BEGIN
                                  " YW \t\r\nJj\nZA==" END "more words");
    assert_int_equal(pem_next(&text, "CERTIFICATE", "f", &arena, &der, NULL).code, DX_OK);
    assert_true(dx_bytes_is(der, "abc"));
    assert_int_equal(pem_next(&text, "CERTIFICATE", "f", &arena, &der, NULL).code, DX_OK);
    assert_true(dx_bytes_is(der, "abcd"));
    assert_int_equal(pem_next(&text, "CERTIFICATE", "f", &arena, &der, NULL).code, DX_OK);
    assert_null(der.data);
    text = (dx_bytes){NULL, 0};
    assert_int_equal(pem_next(&text, "CERTIFICATE", "f", &arena, &der, NULL).code, DX_OK);
    assert_null(der.data);
    dx_arena_fini(&arena);
}

static void what_is_half_a_block_is_an_error(void **state)
{
    (void)state;
    const dx_bytes bad[] = {
        DX_BYTES(BEGIN "YWJj\n"),           DX_BYTES(BEGIN "YWJj\n-----END OTHER-----\n"),
        DX_BYTES(BEGIN "YWJ\n" END),        DX_BYTES(BEGIN "YW\0Jj\n" END),
        DX_BYTES(BEGIN BEGIN "YWJj\n" END), DX_BYTES(BEGIN "Proc-Type: 4,ENCRYPTED\n\nYWJj\n" END)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        dx_arena arena = {0};
        dx_bytes der, text = bad[i];
        dx_why why = {0};
        assert_int_equal(pem_next(&text, "CERTIFICATE", "a file", &arena, &der, &why).code, DX_CONFIG);
        assert_null(der.data);
        assert_non_null(strstr(why.text, "a file"));
        dx_arena_fini(&arena);
    }
}

static void no_memory_is_told(void **state)
{
    (void)state;
    dx_arena arena;
    dx_bytes der, text = DX_BYTES(BEGIN "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=\n" END);
    dx_arena_init(&arena, 48);
    assert_int_equal(pem_next(&text, "CERTIFICATE", "f", &arena, &der, NULL).code, DX_NO_MEMORY);
    dx_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_in_their_order),
        cmocka_unit_test(what_is_half_a_block_is_an_error),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
