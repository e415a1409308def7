/* Structured fields: one value, one spelling, and limits. */
#include "trust/base/sfield.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static dx_arena arena;

static int fresh(void **state)
{
    (void)state;
    dx_arena_fini(&arena);
    dx_arena_init(&arena, 0);
    return 0;
}

static void loose_base64_is_refused_and_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok, loose;
    } cases[] = {{"a=:YWI=:", true, false},    {"a=:YWI:", false, true},  {"a=:YWJ=:", false, true},
                 {"a=:Y W I=:", false, false}, {"a=:YWI=", false, false}, {"a=:YWI:, b=(", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sfield_list list;
        assert_int_equal(sfield_dictionary_parse(dx_bytes_text(cases[i].text), &arena, &list), cases[i].ok);
        assert_int_equal(list.loose, cases[i].loose);
    }
}

static void a_doubled_member_is_counted(void **state)
{
    (void)state;
    sfield_list list;
    assert_true(sfield_dictionary_parse(DX_BYTES("a=1, b=2, a=3"), &arena, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(sfield_find(&list, "a")->times, 2);
    assert_int_equal(sfield_find(&list, "a")->item.number, 3);
    assert_int_equal(sfield_find(&list, "b")->times, 1);
}

static void the_raw_text_of_a_member_is_kept(void **state)
{
    (void)state;
    sfield_list list;
    assert_true(sfield_dictionary_parse(DX_BYTES("x=1, eseal=(\"a\"  \"b\";req);created=01;tag=\"t\" , y"),
                                        &arena, &list));
    assert_true(dx_bytes_is(sfield_find(&list, "eseal")->raw, "(\"a\"  \"b\";req);created=01;tag=\"t\""));
}

static void limits_hold(void **state)
{
    (void)state;
    dx_buf buf;
    sfield_list list;
    dx_buf_init(&buf, 65536);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(dx_buf_addf(&buf, "%sk%u", i == 0 ? "" : ",", i).code, DX_OK);
    assert_true(sfield_dictionary_parse(dx_buf_view(&buf), &arena, &list));
    assert_int_equal(list.count, 256);
    assert_int_equal(dx_buf_add_text(&buf, ",z").code, DX_OK);
    assert_false(sfield_dictionary_parse(dx_buf_view(&buf), &arena, &list));
    dx_buf_clear(&buf);
    assert_int_equal(dx_buf_add_text(&buf, "a").code, DX_OK);
    for (unsigned i = 0; i < 65; i++)
        assert_int_equal(dx_buf_addf(&buf, ";p%u", i).code, DX_OK);
    assert_false(sfield_dictionary_parse(dx_buf_view(&buf), &arena, &list));
    dx_buf_clear(&buf);
    for (unsigned i = 0; i < 16385; i++)
        assert_int_equal(dx_buf_add_byte(&buf, 'a').code, DX_OK);
    assert_false(sfield_dictionary_parse(dx_buf_view(&buf), &arena, &list));
    dx_buf_fini(&buf);
}

/* A string once took room for the rest of its field: 16 KiB from a stranger cost 42 MB. */
static void a_field_takes_memory_in_proportion(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\"\"", "\"\\\"\"", "%\"\"", "%\"%c3%bc\"", "::"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        dx_buf buf;
        sfield_list list;
        dx_buf_init(&buf, 65536);
        dx_arena_fini(&arena);
        for (unsigned k = 0; k < 40 && buf.size < 15900; k++) {
            assert_int_equal(dx_buf_addf(&buf, "%s(", k == 0 ? "" : ",").code, DX_OK);
            for (unsigned n = 0; n < 200 && buf.size < 15900; n++)
                assert_int_equal(dx_buf_addf(&buf, "%s%s", n == 0 ? "" : " ", pieces[i]).code, DX_OK);
            assert_int_equal(dx_buf_add_byte(&buf, ')').code, DX_OK);
        }
        assert_true(sfield_list_parse(dx_buf_view(&buf), &arena, &list));
        print_message("%zu bytes of %s: %zu bytes\n", buf.size, pieces[i], arena.used_bytes);
        assert_true(arena.used_bytes < 2 * 1024 * 1024);
        dx_buf_fini(&buf);
    }
}

static void an_escape_is_undone_where_there_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *text, *value;
    } cases[] = {{"\"\"", ""},
                 {"\"a b\"", "a b"},
                 {"\"a\\\"b\\\\\"", "a\"b\\"},
                 {"%\"a\"", "a"},
                 {"%\"f%c3%bc%22\"", "f\xc3\xbc\""},
                 {"\"a", NULL},
                 {"\"a\\", NULL},
                 {"\"a\\\"", NULL},
                 {"\"a\\n\"", NULL},
                 {"%\"%c3\"", NULL},
                 {"%\"%c\"", NULL},
                 {"%\"%C3%BC\"", NULL},
                 {"%\"a", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sfield_item item;
        bool ok = sfield_item_parse(dx_bytes_text(cases[i].text), &arena, &item);
        assert_int_equal(ok, cases[i].value != NULL);
        if (ok)
            assert_true(dx_bytes_is(item.text, cases[i].value));
    }
}

static void no_memory_is_a_no(void **state)
{
    (void)state;
    for (size_t max = 1; max < 4096; max += 16) {
        dx_arena small;
        sfield_list list;
        dx_arena_init(&small, max);
        (void)sfield_dictionary_parse(DX_BYTES("a=(1 2 3 4 5);x=:YWJj:, b=\"q\\\"\", c;d;e;f;g;h"), &small,
                                      &list);
        dx_arena_fini(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loose_base64_is_refused_and_told_apart, fresh, fresh),
        cmocka_unit_test_setup_teardown(a_doubled_member_is_counted, fresh, fresh),
        cmocka_unit_test_setup_teardown(the_raw_text_of_a_member_is_kept, fresh, fresh),
        cmocka_unit_test_setup_teardown(limits_hold, fresh, fresh),
        cmocka_unit_test_setup_teardown(a_field_takes_memory_in_proportion, fresh, fresh),
        cmocka_unit_test_setup_teardown(an_escape_is_undone_where_there_is_one, fresh, fresh),
        cmocka_unit_test_setup_teardown(no_memory_is_a_no, fresh, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
