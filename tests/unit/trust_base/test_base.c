/* What the ground floor promises. */
#include "trust/base/arena.h"
#include "trust/base/clock.h"
#include "trust/base/digest.h"
#include "trust/base/io.h"
#include "trust/base/json.h"
#include "trust/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void base64_has_one_spelling(void **state)
{
    (void)state;
    uint8_t out[16];
    size_t size = sizeof out;
    assert_true(dx_base64_decode(dx_bytes_text("aGk="), out, &size));
    assert_int_equal(size, 2);
    const char *refused[] = {"aGk", "aGl=", "aG k", "aGk=\n", "a===", "====", "aGk==", "_-8="};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        size = sizeof out;
        assert_false(dx_base64_decode(dx_bytes_text(refused[i]), out, &size));
    }
    size = sizeof out;
    assert_true(dx_base64url_decode(dx_bytes_text("_-8"), out, &size));
    size = sizeof out;
    assert_false(dx_base64url_decode(dx_bytes_text("_-9"), out, &size));
}

static void base64_round_trips_every_length(void **state)
{
    (void)state;
    uint8_t in[64], back[64];
    char text[DX_BASE64_SIZE(64)];
    for (size_t n = 0; n <= sizeof in; n++) {
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(i * 37 + n);
        size_t size = sizeof back;
        dx_base64(dx_bytes_of(in, n), text);
        assert_true(dx_base64_decode(dx_bytes_text(text), back, &size));
        assert_int_equal(size, n);
        assert_memory_equal(in, back, n);
        size = sizeof back;
        dx_base64url(dx_bytes_of(in, n), text);
        assert_int_equal(strlen(text) + 1, DX_BASE64URL_SIZE(n));
        assert_true(dx_base64url_decode(dx_bytes_text(text), back, &size));
        assert_memory_equal(in, back, n);
    }
}

static void time_is_read_and_printed_as_rfc3339(void **state)
{
    (void)state;
    int64_t us;
    char text[DX_TIME_SIZE];
    assert_true(dx_time_parse(dx_bytes_text("2026-11-23T09:15:02.5Z"), true, &us));
    dx_time_print_us(us, text);
    assert_string_equal(text, "2026-11-23T09:15:02.500000Z");
    assert_true(dx_time_parse(dx_bytes_text("2023-02-16T00:00:00+09:00"), false, &us));
    dx_time_print(us / 1000000, text);
    assert_string_equal(text, "2023-02-15T15:00:00Z");
    const char *refused[] = {"2026-11-23 09:15:02Z", "2026-02-29T00:00:00Z",  "2026-11-23T09:15:02",
                             "2026-11-23T24:00:00Z", "2026-11-23T09:15:02.Z", "1949-01-01T00:00:00Z",
                             "2026-11-23T09:15:02Zx"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(dx_time_parse(dx_bytes_text(refused[i]), false, &us));
    assert_false(dx_time_parse(dx_bytes_text("2023-02-16T00:00:00+09:00"), true, &us));
}

static void a_buffer_never_grows_past_its_ceiling(void **state)
{
    (void)state;
    dx_buf buf;
    dx_buf_init(&buf, 10);
    assert_int_equal(dx_buf_add_text(&buf, "1234567890").code, DX_OK);
    assert_int_equal(dx_buf_add_text(&buf, "x").code, DX_TOO_LARGE);
    assert_int_equal(buf.size, 10);
    dx_buf_fini(&buf);
}

static void an_arena_keeps_its_ceiling_and_alignment(void **state)
{
    (void)state;
    dx_arena arena;
    dx_arena_init(&arena, 100000);
    for (size_t n = 1; n < 300; n++)
        assert_int_equal((uintptr_t)dx_arena_alloc(&arena, n) % 16, 0);
    assert_null(dx_arena_alloc(&arena, 100000));
    assert_null(dx_arena_array(&arena, SIZE_MAX / 2, 16));
    dx_arena_fini(&arena);
}

static void json_is_read_strictly(void **state)
{
    (void)state;
    const dx_json_limits limits = {.max_bytes = 1000, .max_depth = 4};
    json_t *tree;
    dx_why why;
    const char *refused[] = {"{\"a\":1,\"a\":2}", "[1.5]",          "[1e3]",    "[[[[[1]]]]]",
                             "{\"a\":}",          "\xef\xbb\xbf{}", "\"\xff\"", "1 2"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_not_equal(dx_json_read(dx_bytes_text(refused[i]), &limits, &tree, &why).code, DX_OK);
    assert_int_equal(dx_json_read(DX_BYTES("[1\0]"), &limits, &tree, &why).code, DX_MALFORMED);
    assert_int_equal(
        dx_json_read(dx_bytes_text("{\"a\":\"1.5e3 [[[[[[\",\"b\":[-12]}"), &limits, &tree, &why).code,
        DX_OK);
    json_decref(tree);
}

static void json_is_written_as_rfc8785(void **state)
{
    (void)state;
    const dx_json_limits limits = {.max_bytes = 1000};
    json_t *tree;
    dx_buf out;
    dx_buf_init(&out, 1000);
    const char *in = "{ \"\\u20ac\":1, \"\\r\":2, \"1\":3, \"\\ud83d\\ude00\":4, \"\\ufb33\":5, "
                     "\"\\u0080\":\"a\\u000f\\n\\\"/\" }";
    assert_int_equal(dx_json_read(dx_bytes_text(in), &limits, &tree, NULL).code, DX_OK);
    assert_int_equal(dx_json_canonical(tree, &out).code, DX_OK);
    const char *want = "{\"\\r\":2,\"1\":3,\"\xc2\x80\":\"a\\u000f\\n\\\"/"
                       "\",\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":4,\"\xef\xac\xb3\":5}";
    assert_int_equal(out.size, strlen(want));
    assert_memory_equal(out.data, want, out.size);
    json_decref(tree);
    dx_buf_fini(&out);
}

static void a_member_is_found_by_line_and_column(void **state)
{
    (void)state;
    dx_bytes text = dx_bytes_text("{\n \"a/b\": [1,\n  {\"c\": 7}]}");
    unsigned line, column;
    assert_true(dx_json_position(text, "/a~1b/1/c", false, &line, &column));
    assert_int_equal(line, 3);
    assert_int_equal(column, 9);
    assert_true(dx_json_position(text, "/a~1b", true, &line, &column));
    assert_int_equal(line, 2);
    assert_int_equal(column, 2);
    assert_false(dx_json_position(text, "/a~1b/2", false, &line, &column));
}

static void hmac_and_hkdf_match_known_answers(void **state)
{
    (void)state;
    uint8_t out[32];
    char hex[65];
    dx_hmac_sha256(dx_bytes_text("Jefe"), dx_bytes_text("what do ya want for nothing?"),
                   out); /* RFC 4231 case 2 */
    dx_hex(dx_bytes_of(out, 32), hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t bucket[32];
    memset(bucket, 7, sizeof bucket);
    const uint8_t id[16] = {0x01, 0x9a, 0xaf, 0xc2, 0x7d, 0x31, 0x7c, 0x44,
                            0x9a, 0x0e, 0x5f, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f};
    dx_hkdf_sha256(dx_bytes_of(bucket, 32), dx_bytes_text("sekisho/vault/1"), dx_bytes_of(id, 16), out);
    dx_hex(dx_bytes_of(out, 32), hex);
    assert_memory_equal(hex, "510f0d0c", 8);
    assert_string_equal(hex + 56, "30b07679");
}

static void hmac_takes_any_length(void **state)
{
    (void)state;
    uint8_t text[400], out[32];
    char hex[65];
    memset(text, 0xcd, sizeof text);
    uint8_t key[131];
    memset(key, 0xaa, sizeof key);
    dx_hmac_sha256(dx_bytes_of(key, sizeof key),
                   dx_bytes_text("Test Using Larger Than Block-Size Key - Hash Key First"),
                   out); /* RFC 4231 case 6 */
    dx_hex(dx_bytes_of(out, 32), hex);
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    const char *longer = "This is a test using a larger than block-size key and a larger than block-size "
                         "data. The key needs to be hashed "
                         "before being used by the HMAC algorithm.";
    dx_hmac_sha256(dx_bytes_of(key, sizeof key), dx_bytes_text(longer), out); /* RFC 4231 case 7 */
    dx_hex(dx_bytes_of(out, 32), hex);
    assert_string_equal(hex, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    uint8_t inner[64 + 400], outer[64 + 32]; /* past the short way: RFC 2104 written out */
    memset(inner, 0x36, 64);
    memset(outer, 0x5c, 64);
    memcpy(inner + 64, text, sizeof text);
    dx_sha256(dx_bytes_of(inner, sizeof inner), outer + 64);
    uint8_t want[32];
    dx_sha256(dx_bytes_of(outer, sizeof outer), want);
    dx_hmac_sha256(DX_BYTES(""), dx_bytes_of(text, sizeof text), out);
    assert_memory_equal(out, want, 32);
}

static void a_replaced_file_is_whole_or_absent(void **state)
{
    (void)state;
    char folder[] = "/tmp/sekisho-base-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a/b/f", folder);
    char deep[64];
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    dx_why why;
    assert_int_equal(dx_io_make_folders(&dx_io_system, deep, 0700, &why).code, DX_OK);
    assert_int_equal(dx_io_replace_file(&dx_io_system, path, DX_BYTES("one"), 0600, &why).code, DX_OK);
    dx_buf out;
    assert_int_equal(dx_io_read_file(&dx_io_system, path, 3, &out, &why).code, DX_OK);
    assert_int_equal(out.size, 3);
    dx_buf_fini(&out);
    assert_int_equal(dx_io_read_file(&dx_io_system, path, 2, &out, &why).code, DX_TOO_LARGE);
    assert_int_equal(dx_io_read_file(&dx_io_system, deep, 2, &out, &why).code, DX_IO);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void an_event_is_one_line_of_json(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    dx_log_open(ends[1], DX_LOG_INFO, &dx_clock_system);
    dx_log(DX_LOG_WARN, "test.event", F_STR("a", "quote\" newline\n"), F_BYTES("b", DX_BYTES("\xff\x01")),
           F_INT("n", -5), F_BOOL("yes", true));
    char text[4096];
    ssize_t n = read(ends[0], text, sizeof text);
    assert_true(n > 0 && text[n - 1] == '\n');
    json_t *tree;
    assert_int_equal(
        dx_json_read(dx_bytes_of(text, (size_t)n), &(dx_json_limits){.max_bytes = 4096}, &tree, NULL).code,
        DX_OK);
    assert_string_equal(json_string_value(json_object_get(tree, "a")), "quote\" newline\n");
    assert_int_equal(json_integer_value(json_object_get(tree, "n")), -5);
    json_decref(tree);
    dx_log_open(STDERR_FILENO, DX_LOG_INFO, &dx_clock_system);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(base64_round_trips_every_length),
        cmocka_unit_test(time_is_read_and_printed_as_rfc3339),
        cmocka_unit_test(a_buffer_never_grows_past_its_ceiling),
        cmocka_unit_test(an_arena_keeps_its_ceiling_and_alignment),
        cmocka_unit_test(json_is_read_strictly),
        cmocka_unit_test(json_is_written_as_rfc8785),
        cmocka_unit_test(a_member_is_found_by_line_and_column),
        cmocka_unit_test(hmac_and_hkdf_match_known_answers),
        cmocka_unit_test(hmac_takes_any_length),
        cmocka_unit_test(a_replaced_file_is_whole_or_absent),
        cmocka_unit_test(an_event_is_one_line_of_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
