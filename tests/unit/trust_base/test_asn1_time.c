/* A Time of libcrypto is one instant or none. */
#include "trust/base/asn1_time.h"

#include <openssl/asn1.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static bool read_time(int type, const char *text, int64_t *out)
{
    ASN1_STRING *s = ASN1_STRING_type_new(type);
    assert_int_equal(ASN1_STRING_set(s, text, -1), 1);
    bool ok = asn1_time_s(s, out);
    ASN1_STRING_free(s);
    return ok;
}

static void two_forms_are_read_and_nothing_else(void **state)
{
    (void)state;
    int64_t t;
    assert_true(read_time(V_ASN1_UTCTIME, "261125120000Z", &t));
    assert_int_equal(t, 1795608000);
    assert_true(read_time(V_ASN1_UTCTIME, "500101000000Z", &t));
    assert_int_equal(t, -631152000);
    assert_true(read_time(V_ASN1_GENERALIZEDTIME, "20261125120000Z", &t));
    assert_int_equal(t, 1795608000);
    assert_true(read_time(V_ASN1_GENERALIZEDTIME, "99991231235959Z", &t));
    assert_int_equal(t, ASN1_TIME_NO_END_S);
    static const char *const bad[] = {
        "", "never", "2611251200Z", "261125120000", "261125120000+0000", "260230120000Z", "20261125120000Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(read_time(V_ASN1_UTCTIME, bad[i], &t));
    assert_false(read_time(V_ASN1_GENERALIZEDTIME, "20261125120000.5Z", &t));
    assert_false(read_time(V_ASN1_UTF8STRING, "261125120000Z", &t));
    assert_false(asn1_time_s(NULL, &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_forms_are_read_and_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
