/* The golden bundles load without an error, and each of their own tests holds. */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void print_line(void *context, const char *text)
{
    (void)context;
    if (strncmp(text, "ok", 2) != 0)
        print_error("%s\n", text);
}

static void run_bundle(const char *dir)
{
    const policy_source source = {.dir = dir,
                                  .io = &dx_io_system,
                                  .now_s = 1795489200 /* 2026-11-24T03:00:00Z */,
                                  .working_copy = true};
    policy_findings lint = {0};
    policy *p = NULL;
    unsigned passed = 0, failed = 0;
    dx_why why = {0};
    struct dx_rc rc = policy_build(&source, NULL, &p, &lint, &why);
    for (size_t i = 0; i < lint.count; i++)
        print_message("%s:%u:%u: %s %s: %s\n", lint.items[i].file, lint.items[i].line, lint.items[i].column,
                      lint.items[i].id, lint.items[i].pointer, lint.items[i].text);
    policy_findings_fini(&lint);
    assert_int_equal(rc.code, DX_OK);
    policy_unref(p);
    rc = policy_test_run(&source, NULL, print_line, NULL, &passed, &failed, NULL, &why);
    assert_int_equal(rc.code, DX_OK);
    assert_int_equal(failed, 0);
    assert_true(passed > 0);
}

static void a_car_maker_reads_battery_footprints(void **state)
{
    (void)state;
    run_bundle("tests/golden/policy/battery");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_car_maker_reads_battery_footprints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
