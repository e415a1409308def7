#include "policy/body_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static policy *bundle;

static uint64_t scan_in(body_scan_kind kind, const char *text, size_t size, size_t chunk, bool named)
{
    body_scan s;
    body_scan_init(&s, kind, bundle);
    for (size_t i = 0; i < size; i += chunk)
        body_scan_add(&s, dx_bytes_of(text + i, i + chunk <= size ? chunk : size - i));
    body_scan_end(&s);
    return named ? s.found_named[0] : s.found[0];
}

static uint64_t scan(body_scan_kind kind, const char *text)
{
    uint64_t whole = scan_in(kind, text, strlen(text), strlen(text) + 1, false);
    for (size_t chunk = 1; chunk < 8; chunk++)
        assert_int_equal(scan_in(kind, text, strlen(text), chunk, false), whole);
    return whole;
}

static uint64_t named(const char *json)
{
    return scan_in(BODY_SCAN_JSON, json, strlen(json), 3, true);
}

static void a_number_is_found_however_it_is_written(void **state)
{
    (void)state;
    assert_int_equal(scan(BODY_SCAN_TEXT, "123456789018"), 1);
    assert_int_equal(scan(BODY_SCAN_TEXT, "no. 1234-5678-9018."), 1);
    assert_int_equal(scan(BODY_SCAN_TEXT, "1234 5678 9018"), 1);
    assert_int_equal(scan(BODY_SCAN_TEXT, "１２３４\xe3\x80\x80５６７８\xe2\x80\x90９０１８"), 1);
    assert_int_equal(scan(BODY_SCAN_TEXT, "1234 123456789018"), 1);
    assert_int_equal(scan(BODY_SCAN_TEXT, "4321 1234 5678 9018"), 1);
    assert_int_equal(scan(BODY_SCAN_TEXT, "1234 5678 9018 1234"), 1);
    assert_int_equal(scan(BODY_SCAN_TEXT, "12 1234 5678 9018"), 1);
    assert_int_equal(scan(BODY_SCAN_JSON, "{\"a\":\"\\u0031\\u0032\\u0033456789018\"}"), 1);
    assert_int_equal(scan(BODY_SCAN_JSON, "{\"a\":[{\"b\":123456789018}]}"), 1);
    assert_int_equal(scan(BODY_SCAN_JSON, "{\"123456789018\":1}"), 1);
    assert_int_equal(scan(BODY_SCAN_JSON, "[\"x\\\"123456789018\"]"), 1);
    assert_int_equal(scan(BODY_SCAN_FORM, "a=1&n=1234+5678+9018&x=%31%32%33%34%35%36789018"), 2);
}

static void what_only_looks_like_one_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(scan(BODY_SCAN_TEXT, "123456789019"), 0);
    assert_int_equal(scan(BODY_SCAN_TEXT, "1123456789018"), 0);
    assert_int_equal(scan(BODY_SCAN_TEXT, "1234567890181"), 0);
    assert_int_equal(scan(BODY_SCAN_TEXT, "000000000000"), 0);
    assert_int_equal(scan(BODY_SCAN_TEXT, "8999900000001"), 0);
    assert_int_equal(scan(BODY_SCAN_TEXT, "1234  5678 9018"), 0);
    assert_int_equal(scan(BODY_SCAN_TEXT, "12345678 9018"), 0);
    assert_int_equal(scan(BODY_SCAN_JSON, "{\"a\":1.23456789018e3,\"b\":[1234,5678,9018]}"), 0);
    assert_int_equal(scan(BODY_SCAN_JSON, "{\"a\":\"1234\",\"b\":\"56789018\"}"), 0);
}

static void the_nearest_name_tells(void **state)
{
    (void)state;
    assert_int_equal(named("{\"myNumber\":\"123456789018\"}"), 1);
    assert_int_equal(named("{\"MY_NUMBER\":{\"v\":1},\"x\":\"123456789018\"}"), 0);
    assert_int_equal(named("{\"my-number\":[\"123456789018\",123456789018]}"), 2);
    assert_int_equal(named("{\"\\u500b\\u4eba番号\":\"123456789018\"}"), 1);
    assert_int_equal(named("{\"myNumber\":{\"other\":\"123456789018\"}}"), 0);
}

/* The formula of policy.md 11, worked out anew. */
static void number_of(unsigned seed, char out[13])
{
    int d[12], sum = 0;
    for (int i = 0; i < 11; i++) {
        seed = seed * 1103515245u + 12345u;
        d[i] = (int)(seed >> 16) % 10;
    }
    for (int n = 1; n <= 11; n++)
        sum += d[11 - n] * (n <= 6 ? n + 1 : n - 5);
    d[11] = sum % 11 <= 1 ? 0 : 11 - sum % 11;
    for (int i = 0; i < 12; i++)
        out[i] = (char)('0' + d[i]);
    out[12] = 0;
}

static void ten_thousand_valid_numbers_are_all_found(void **state)
{
    (void)state;
    unsigned found = 0, total = 0;
    for (unsigned i = 0; i < 10000; i++) {
        char n[13], text[128];
        number_of(i * 7919 + 1, n);
        if (i % 4 == 1 && n[0] == '0')
            continue; /* no JSON number */
        total++;
        if (i % 4 == 2)
            snprintf(text, sizeof text, "{\"k\":\"x %.4s-%.4s-%.4s y\"}", n, n + 4, n + 8);
        else if (i % 4 == 3)
            snprintf(text, sizeof text, "[\"\\u00%02x%s\"]", n[0], n + 1);
        else if (i % 4 == 1)
            snprintf(text, sizeof text, "[%s]", n);
        else
            snprintf(text, sizeof text, "{\"a\":{\"b\":[\"%s\"]}}", n);
        found += scan_in(BODY_SCAN_JSON, text, strlen(text), 1 + i % 5, false) == 1;
    }
    assert_int_equal(found, total);
}

static int load(void **state)
{
    (void)state;
    const policy_source source = {
        .dir = "tests/golden/policy/battery", .io = &dx_io_system, .now_s = 1795489200, .working_copy = true};
    policy_findings lint = {0};
    struct dx_rc rc = policy_build(&source, NULL, &bundle, &lint, NULL);
    policy_findings_fini(&lint);
    return rc.code != DX_OK;
}

static int unload(void **state)
{
    (void)state;
    policy_unref(bundle);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_found_however_it_is_written),
        cmocka_unit_test(what_only_looks_like_one_is_left_alone),
        cmocka_unit_test(the_nearest_name_tells),
        cmocka_unit_test(ten_thousand_valid_numbers_are_all_found),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
