/* Whom the operator refuses: what a block file may say, and what is found in it. */
#include "gateway/exchange/trust_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct dx_rc parse(const char *text, trust_block **out, dx_why *why)
{
    return trust_block_parse(dx_bytes_text(text), out, why);
}

static void each_kind_is_found_with_its_reason(void **state)
{
    (void)state;
    trust_block *block;
    dx_why why;
    uint8_t digest[32], other[32] = {0};
    size_t size = 32;
    assert_true(dx_hex_decode(dx_bytes_text(DIGEST), digest, &size));
    assert_int_equal(parse("# a remark\r\n\r\n  certificate " DIGEST "  stolen laptop\n"
                           "organisation NTRDE-HRB1 unpaid invoices\n"
                           "key " DIGEST " left the scheme",
                           &block, &why)
                         .code,
                     DX_OK);
    assert_string_equal(trust_block_certificate(block, digest), "stolen laptop");
    assert_null(trust_block_certificate(block, other));
    assert_string_equal(trust_block_organisation(block, "NTRDE-HRB1"), "unpaid invoices");
    assert_null(trust_block_organisation(block, "NTRDE-HRB12"));
    assert_null(trust_block_organisation(block, ""));
    assert_null(trust_block_key(block, dx_bytes_of(digest, sizeof digest))); /* not a certificate */
    trust_block_unref(block);
}

static void no_file_and_an_empty_file_block_nobody(void **state)
{
    (void)state;
    static const uint8_t none[32];
    trust_block *block;
    dx_why why;
    assert_null(trust_block_certificate(NULL, none));
    assert_null(trust_block_organisation(NULL, "NTRDE-HRB1"));
    assert_memory_equal(trust_block_sha256(NULL), none, 32);
    assert_int_equal(parse("", &block, &why).code, DX_OK);
    assert_null(trust_block_certificate(block, none));
    assert_memory_not_equal(trust_block_sha256(block), none, 32);
    trust_block_unref(block);
}

static void a_line_that_is_none_refuses_the_whole_file(void **state)
{
    (void)state;
    static const char *const wrong[] = {"certificate " DIGEST, /* why? */
                                        "certificate " DIGEST "00 reason",
                                        "certificate abc reason",
                                        "Certificate " DIGEST " reason",
                                        "issuer " DIGEST " reason",
                                        "organisation",
                                        "certificate"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        trust_block *block;
        dx_why why = {0};
        char text[256];
        snprintf(text, sizeof text, "organisation A reason\n%s\n", wrong[i]);
        assert_int_equal(parse(text, &block, &why).code, DX_MALFORMED);
        assert_null(block);
        assert_non_null(strstr(why.text, "line 2"));
    }
}

/* SHA-256 of a SubjectPublicKeyInfo, as `openssl x509 -pubkey` and `openssl pkey -outform der` tell it. */
static void a_key_is_known_by_its_certificate(void **state)
{
    (void)state;
    char folder[] = "/tmp/sekisho-block-XXXXXX", command[1024], text[256], hex[128] = "";
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c "
             "-subj "
             "/CN=x -days 2 2>/dev/null && openssl x509 -in c -outform der -out c.der && openssl pkey -in k "
             "-pubout "
             "-outform der | sha256sum | cut -c1-64 > d",
             folder);
    assert_int_equal(system(command), 0);
    dx_buf der, digest;
    dx_why why;
    snprintf(text, sizeof text, "%s/c.der", folder);
    assert_int_equal(dx_io_read_file(&dx_io_system, text, 4096, &der, &why).code, DX_OK);
    snprintf(text, sizeof text, "%s/d", folder);
    assert_int_equal(dx_io_read_file(&dx_io_system, text, 100, &digest, &why).code, DX_OK);
    snprintf(hex, sizeof hex, "%.64s", (const char *)digest.data);
    snprintf(text, sizeof text, "key %s lost", hex);
    trust_block *block;
    assert_int_equal(parse(text, &block, &why).code, DX_OK);
    assert_string_equal(trust_block_key(block, dx_buf_view(&der)), "lost");
    trust_block_unref(block);
    dx_buf_fini(&der);
    dx_buf_fini(&digest);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_found_with_its_reason),
        cmocka_unit_test(no_file_and_an_empty_file_block_nobody),
        cmocka_unit_test(a_line_that_is_none_refuses_the_whole_file),
        cmocka_unit_test(a_key_is_known_by_its_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
