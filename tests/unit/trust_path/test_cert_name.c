/* Names: the form of alternative ones, and when two distinguished names are the same. */
#include "tests/support/cert_make.h"
#include "trust/path/cert_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define ALT_NAMES DX_BYTES("\x55\x1d\x11")

static cert_faults with_names(dx_bytes value)
{
    static der_out list, made;
    cert_facts f;
    list.size = 0;
    der_put_extension(&list, ALT_NAMES, false, value);
    cert_make(&(cert_parts){.extensions = der_made(&list)}, &made);
    assert_true(cert_facts_read(der_made(&made), &f));
    return f.faults;
}

static cert_faults named(uint8_t tag, dx_bytes name)
{
    static der_out inside, outer;
    inside.size = outer.size = 0;
    der_put(&inside, tag, name);
    der_put(&outer, DER_SEQUENCE, der_made(&inside));
    return with_names(der_made(&outer));
}

static void names_have_forms(void **state)
{
    (void)state;
    char label[66], host[256];
    static const struct {
        uint8_t tag;
        const char *name;
        cert_faults faults;
    } rows[] = {
        {0x82, "example.org", 0},
        {0x82, "a", 0},
        {0x82, "*.example.org", 0},
        {0x82, "xn--bcher-kva.example", 0},
        {0x82, "a_b.example.org", CERT_FAULT_UNDERSCORE},
        {0x82, "", CERT_FAULT(115)},
        {0x82, "*.org", CERT_FAULT(115)},
        {0x82, "*", CERT_FAULT(115)},
        {0x82, "a*.example.org", CERT_FAULT(115)},
        {0x82, "a.*.org", CERT_FAULT(115)},
        {0x82, "*.*.org", CERT_FAULT(115)},
        {0x82, ".example.org", CERT_FAULT(115)},
        {0x82, "example.org.", CERT_FAULT(115)},
        {0x82, "a..b", CERT_FAULT(115)},
        {0x82, "-a.b", CERT_FAULT(115)},
        {0x82, "a-.b", CERT_FAULT(115)},
        {0x82, "a b.c", CERT_FAULT(115)},
        {0x82, "b\xc3\xbc.c", CERT_FAULT(115)},
        {0x81, "a@b.example", 0},
        {0x81, "nobody", CERT_FAULT(115)},
        {0x81, "a@b@c", CERT_FAULT(115)},
        {0x81, "@b", CERT_FAULT(115)},
        {0x81, "a@", CERT_FAULT(115)},
        {0x81, "a b@c", CERT_FAULT(115)},
        {0x86, "https://a.example/", 0},
        {0x86, "urn:x", 0},
        {0x86, "no-scheme", CERT_FAULT(115)},
        {0x86, "1a:b", CERT_FAULT(115)},
        {0x86, "", CERT_FAULT(115)},
        {0x86, "a:b c", CERT_FAULT(115)},
        {0x87, "1234", 0},
        {0x87, "0123456789abcdef", 0},
        {0x87, "123", CERT_FAULT(115)},
        {0x87, "12345", CERT_FAULT(115)},
        {0x88, "\x2a", 0},
        {0x88, "", CERT_FAULT(110)},
        {0xa4, "\x30\x00", 0},
        {0xa4, "\x31\x00", CERT_FAULT(110)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = rows[i].tag == 0xa4 ? 2 : strlen(rows[i].name);
        assert_int_equal(named(rows[i].tag, dx_bytes_of(rows[i].name, size)), rows[i].faults);
    }
    memset(label, 'a', sizeof label);
    for (size_t size = 63; size <= 64; size++)
        assert_int_equal(named(0x82, dx_bytes_of(label, size)), size == 63 ? 0 : CERT_FAULT(115));
    for (size_t i = 0; i < sizeof host; i++)
        host[i] = i % 50 == 49 ? '.' : 'a';
    for (size_t size = 253; size <= 254; size++)
        assert_int_equal(named(0x82, dx_bytes_of(host, size)), size == 253 ? 0 : CERT_FAULT(115));
    assert_int_equal(with_names(DX_BYTES("\x30\x00")), CERT_FAULT(115));
}

static dx_bytes name_of(der_out *out, uint8_t tag, dx_bytes text)
{
    static der_out pair, rdn, name;
    pair.size = rdn.size = name.size = out->size = 0;
    der_put_raw(&pair, DX_BYTES("\x06\x03\x55\x04\x03"));
    der_put(&pair, tag, text);
    der_put(&rdn, DER_SEQUENCE, der_made(&pair));
    der_put(&name, DER_SET, der_made(&rdn));
    der_put(out, DER_SEQUENCE, der_made(&name));
    return der_made(out);
}

static void names_are_equal_whatever_their_type(void **state)
{
    (void)state;
    static der_out a, b;
    const dx_bytes base = name_of(&a, DER_UTF8_STRING, DX_BYTES("Tr\xc3\xbcst  Example"));
    assert_true(cert_name_equal(base, name_of(&b, DER_UTF8_STRING, DX_BYTES(" tR\xc3\xbcst example "))));
    assert_true(cert_name_equal(base, name_of(&b, DER_T61_STRING, DX_BYTES("tr\xfcst example"))));
    assert_true(cert_name_equal(
        base, name_of(&b, DER_BMP_STRING, DX_BYTES("\0t\0r\0\xfc\0s\0t\0 \0e\0x\0a\0m\0p\0l\0e"))));
    assert_false(cert_name_equal(base, name_of(&b, DER_UTF8_STRING, DX_BYTES("Tr\xc3\xbcstexample"))));
    assert_false(cert_name_equal(base, name_of(&b, DER_UTF8_STRING, DX_BYTES("Tr\xc3\xbcst Exampl"))));
    assert_false(cert_name_equal(base, name_of(&b, DER_OCTET_STRING, DX_BYTES("tr\xc3\xbcst example"))));
    assert_false(cert_name_equal(base, DX_BYTES("\x30\x00")));
    assert_false(cert_name_equal(DX_BYTES("\x31\x00"), DX_BYTES("\x30\x00")));
    /* Two attributes of one RDN in either order; two RDNs in their own. */
#define C_DE                                                                                                 \
    "\x30\x09\x06\x03\x55\x04\x06\x13\x02"                                                                   \
    "DE"
#define C_JP                                                                                                 \
    "\x30\x09\x06\x03\x55\x04\x06\x13\x02"                                                                   \
    "JP"
    assert_true(
        cert_name_equal(DX_BYTES("\x30\x18\x31\x16" C_DE C_JP), DX_BYTES("\x30\x18\x31\x16" C_JP C_DE)));
    assert_false(
        cert_name_equal(DX_BYTES("\x30\x18\x31\x16" C_JP C_DE), DX_BYTES("\x30\x18\x31\x16" C_DE C_DE)));
    assert_false(cert_name_equal(DX_BYTES("\x30\x18\x31\x16" C_DE C_DE), DX_BYTES("\x30\x0d\x31\x0b" C_DE)));
    assert_false(
        cert_name_equal(DX_BYTES("\x30\x18\x31\x16" C_DE C_DE), DX_BYTES("\x30\x18\x31\x16" C_JP C_DE)));
    assert_false(cert_name_equal(DX_BYTES("\x30\x1a\x31\x0b" C_DE "\x31\x0b" C_JP),
                                 DX_BYTES("\x30\x1a\x31\x0b" C_JP "\x31\x0b" C_DE)));
}

static void a_name_begins_with_its_base(void **state)
{
    (void)state;
#define RDN(c, value) "\x31\x0d\x30\x0b\x06\x03\x55\x04" c "\x0c\x04" value
    const dx_bytes whole = DX_BYTES("\x30\x1e" RDN("\x06", "abcd") RDN("\x0a", "Wxyz"));
    assert_true(cert_name_within(whole, DX_BYTES("\x30\x00")));
    assert_true(cert_name_within(whole, DX_BYTES("\x30\x0f" RDN("\x06", "ABCD"))));
    assert_true(cert_name_within(whole, whole));
    assert_false(cert_name_within(whole, DX_BYTES("\x30\x0f" RDN("\x0a", "Wxyz")))); /* not from the front */
    assert_false(cert_name_within(DX_BYTES("\x30\x0f" RDN("\x06", "abcd")), whole));
    assert_false(cert_name_within(DX_BYTES("\x30\x00"), whole));
    assert_false(cert_name_within(DX_BYTES("\x05\x00"), DX_BYTES("\x30\x00")));
    assert_false(cert_name_within(whole, DX_BYTES("\x30\x02\x05\x00")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_forms),
        cmocka_unit_test(names_are_equal_whatever_their_type),
        cmocka_unit_test(a_name_begins_with_its_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
