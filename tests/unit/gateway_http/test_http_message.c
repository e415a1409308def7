/* One canonical form of paths, fields that do not pass, and documents for refusals. */
#include "gateway/http/http_message.h"
#include "trust/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* NULL on success (canonical path in `path`), else the id. */
static const char *judge(const char *target, char *path, size_t size)
{
    static dx_why why;
    dx_arena arena = {0};
    dx_bytes canonical, query;
    bool has_query;
    why = (dx_why){0};
    struct dx_rc rc = http_target_parse(dx_bytes_text(target), &arena, &canonical, &query, &has_query, &why);
    if (rc.code == DX_OK)
        snprintf(path, size, DX_TEXT_FMT, DX_TEXT_ARG(canonical));
    dx_arena_fini(&arena);
    return rc.code == DX_OK ? NULL : why.id;
}

static void paths_have_one_canonical_form(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {{"/", "/"},
                                          {"/a/", "/a/"},
                                          {"/%61", "/a"},
                                          {"/%7e%2D%5F", "/~-_"},
                                          {"/%c3%a9", "/%C3%A9"},
                                          {"/a%3ab", "/a%3Ab"},
                                          {"/a:b", "/a:b"},
                                          {"/a;b=c", "/a;b=c"},
                                          {"/a;b=c/d", "/a;b=c/d"},
                                          {"/a%3bb", "/a%3Bb"},
                                          {"/%e3%81%82", "/%E3%81%82"},
                                          {"/%F0%9f%94%8b", "/%F0%9F%94%8B"},
                                          {"/a%40b", "/a%40b"},
                                          {"/a%2Db%2ec", "/a-b.c"},
                                          {"/a%25", "/a%25"},
                                          {"/a%25z", "/a%25z"},
                                          {"/..a", "/..a"},
                                          {"/a.b", "/a.b"},
                                          {"/a%20b", "/a%20b"},
                                          {"/@!$&'()*+,;=", "/@!$&'()*+,;="}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char once[100], twice[100];
        const char *id = judge(rows[i][0], once, sizeof once);
        if (id != NULL)
            fail_msg("%s: %s", rows[i][0], id);
        assert_string_equal(once, rows[i][1]);
        assert_null(judge(once, twice, sizeof twice)); /* idempotent */
        assert_string_equal(twice, once);
    }
}

/* 300 ambiguous forms and more: each stem in each place. */
static void ambiguous_paths_are_refused(void **unused)
{
    (void)unused;
    static const char *const segments[] = {
        ".",         "..",         "%2e",       "%2E%2e",    ".%2e",      "..;a",
        ".;a=b",     "%2e%2e;x",   "a.",        "a%2e",      "a%20",      "a..",
        ";",         ";a",         "%3b",       "%3Ba=b",    "..%3b",     "..%3Ba=b",
        ".%3b",      "%2e%2e%3bx", "a.;x",      "a%20;x",    "a.%3bx",    "a%2e%3bx",
        "...",       "%2f",        "a%2Fb",     "%5c",       "a%5Cb",     "\\",
        "a\\b",      "%00",        "a%00",      "%01",       "%0a",       "%0d",
        "%09",       "%1f",        "%7f",       "%252e",     "%252f",     "a%2500",
        "%25%32%65", "%c0%ae",     "%c0%af",    "%e0%80%af", "%ed%a0%80", "%ff",
        "%80",       "%e2%80%a4",  "%e2%81%84", "%e2%88%95", "%e2%a7%b8", "%ef%b9%92",
        "%ef%b9%a8", "%ef%bc%8e",  "%ef%bc%8f", "%ef%bc%bc", "",          "%f8%88%80%80%80",
        "%c3"};
    static const char *const places[] = {"/%s/a",  "/a/%s/b",   "/%s/",     "/a/b/%s/c/d",
                                         "/%s/?q", "/x;y/%s/z", "/%s%41/.."};
    unsigned forms = 0;
    for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            char target[200], path[200], *mark = strstr(places[k], "%s");
            snprintf(target, sizeof target, "%.*s%s%s", (int)(mark - places[k]), places[k], segments[i],
                     mark + 2);
            const char *id = judge(target, path, sizeof path);
            if (id == NULL || strcmp(id, "DP-143") != 0)
                fail_msg("%s: %s", target, id == NULL ? path : id);
            forms++;
        }
    }
    assert_true(forms >= 300);
    static const char *const rows[][2] = {{"/%", "DP-142"},   {"/%4", "DP-142"},    {"/%zz", "DP-142"},
                                          {"/a?%", "DP-142"}, {"", "DP-109"},       {"a", "DP-109"},
                                          {"/a b", "DP-109"}, {"/a?b[c]", "DP-109"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[100];
        const char *id = judge(rows[i][0], path, sizeof path);
        assert_non_null(id);
        assert_string_equal(id, rows[i][1]);
    }
}

static void authorities_have_one_canonical_form(void **unused)
{
    (void)unused;
    static const char *const good[][2] = {{"A.Example", "a.example"},
                                          {"a:443", "a"},
                                          {"a:8443", "a:8443"},
                                          {"127.0.0.1:1", "127.0.0.1:1"},
                                          {"[::1]", "[::1]"},
                                          {"[::1]:443", "[::1]"},
                                          {"[0:0:0:0:0:0:0:1]:9", "[::1]:9"},
                                          {"[2001:DB8::1]", "[2001:db8::1]"}};
    static const char *const bad[] = {"",    "a.",   "a:",   "a:0",   "a:65536",   "a:01",
                                      "u@a", "[::1", "[]",   "[::g]", "[1.2.3.4]", "a/b",
                                      "a b", "a,b",  "a%41", ":443",  "[::1]x",    "a:+1"};
    dx_arena arena = {0};
    dx_bytes canonical;
    dx_why why;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (http_authority_parse(dx_bytes_text(good[i][0]), &arena, &canonical, &why).code != DX_OK ||
            !dx_bytes_is(canonical, good[i][1]))
            fail_msg("%s", good[i][0]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (http_authority_parse(dx_bytes_text(bad[i]), &arena, &canonical, &why).code == DX_OK)
            fail_msg("%s became " DX_TEXT_FMT, bad[i], DX_TEXT_ARG(canonical));
        assert_string_equal(why.id, "DP-140");
    }
    dx_arena_fini(&arena);
}

/* Every spelling of a name that is ours: case, one underscore or all. */
static unsigned spellings_pass(const char *name)
{
    unsigned passed = 0;
    size_t size = strlen(name), hyphens = 0;
    for (size_t i = 0; i < size; i++)
        hyphens += name[i] == '-';
    for (unsigned mask = 0; mask < 1U << hyphens; mask++) {
        char text[64];
        unsigned bit = 0;
        for (size_t i = 0; i <= size; i++)
            text[i] = name[i] == '-' && (mask >> bit++ & 1) ? '_' : name[i];
        for (int nominated = 0; nominated < 2; nominated++)
            passed += http_request_field(dx_bytes_text(text), nominated != 0) == HTTP_KEEP;
    }
    return passed;
}

static void nothing_a_peer_sends_looks_like_ours(void **unused)
{
    (void)unused;
    static const char *const ours[] = {"dfft-peer-subject",
                                       "dfft-peer-",
                                       "dfft-exchange-id",
                                       "dfft-decision",
                                       "dfft-data-label",
                                       "dfft-anything",
                                       "x-dfft-a",
                                       "forwarded",
                                       "x-forwarded-for",
                                       "x-forwarded-client-cert",
                                       "x-real-ip",
                                       "x-client-ip",
                                       "client-cert",
                                       "client-cert-chain",
                                       "ssl-client-s-dn",
                                       "x-ssl-cert",
                                       "x-amzn-mtls-clientcert",
                                       "true-client-ip",
                                       "x-envoy-peer",
                                       "x-http-method-override",
                                       "x-http-method",
                                       "x-method-override",
                                       "x-original-url",
                                       "x-rewrite-url",
                                       "x-original-method",
                                       "connection",
                                       "keep-alive",
                                       "proxy-connection",
                                       "proxy-authorization",
                                       "te",
                                       "trailer",
                                       "transfer-encoding",
                                       "upgrade",
                                       "http2-settings"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (spellings_pass(ours[i]) != 0)
            fail_msg("%s passes", ours[i]);
    assert_int_equal(http_request_field(dx_bytes_text("dfft-purpose"), false), HTTP_KEEP);
    assert_int_not_equal(http_request_field(dx_bytes_text("dfft_purpose"), false), HTTP_KEEP);
    assert_int_equal(http_request_field(dx_bytes_text("x-mine"), false), HTTP_KEEP);
    assert_int_equal(http_request_field(dx_bytes_text("x-mine"), true), HTTP_DROP_HOP);
    static const char *const answers[] = {"dfft-data-label", "dfft-seal",        "dfft_seal",
                                          "alt-svc",         "server",           "x-powered-by",
                                          "connection",      "transfer-encoding"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        assert_int_not_equal(http_response_field(dx_bytes_text(answers[i]), false), HTTP_KEEP);
    assert_int_equal(http_response_field(dx_bytes_text("content-type"), false), HTTP_KEEP);
}

static void trailers_are_few_and_chosen(void **unused)
{
    (void)unused;
    assert_true(http_trailer_kept(dx_bytes_text("signature-input")));
    assert_false(http_trailer_kept(dx_bytes_text("signature_input")));
    assert_false(http_trailer_kept(dx_bytes_text("x-other")));
    static const char *const never[] = {
        "content-length", "content-type", "transfer-encoding", "host",  "te",
        "authorization",  "cookie",       "if-match",          "range", "expect",
        "content_length"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_true(http_trailer_forbidden(dx_bytes_text(never[i])));
}

static void lines_join_where_a_consumer_asks(void **unused)
{
    (void)unused;
    dx_arena arena = {0};
    http_field fields[] = {{DX_BYTES("a"), DX_BYTES("1")},
                           {DX_BYTES("cookie"), DX_BYTES("x=1")},
                           {DX_BYTES("a"), DX_BYTES("2")},
                           {DX_BYTES("cookie"), DX_BYTES("y=2")},
                           {DX_BYTES("connection"), DX_BYTES("close, X-Mine")}};
    http_message m = {.fields = fields, .field_count = 5};
    assert_true(dx_bytes_is(http_combined(&m, "a", &arena), "1, 2"));
    assert_true(dx_bytes_is(http_combined(&m, "cookie", &arena), "x=1; y=2"));
    assert_int_equal(http_combined(&m, "b", &arena).size, 0);
    assert_true(http_nominated(&m, DX_BYTES("x-mine")));
    assert_false(http_nominated(&m, DX_BYTES("a")));
    dx_arena_fini(&arena);
}

static void a_problem_document_is_json_and_small(void **unused)
{
    (void)unused;
    dx_arena arena = {0};
    char long_text[5000];
    http_message head;
    dx_bytes body;
    json_t *tree;
    dx_why why;
    const dx_json_limits limits = {.max_bytes = 2048, .max_depth = 3};
    memset(long_text, '"', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    const http_problem problems[] = {
        {.slug = "malformed-request",
         .status = 400,
         .id = "DP-101",
         .clause = "RFC 9112 2.2",
         .where = "peer"},
        {.slug = "overloaded",
         .status = 503,
         .retry_after_s = 3,
         .retryable = true,
         .exchange = "01890000-0000-7000-8000-000000000000"},
        {.slug = "denied", .status = 403, .detail = long_text, .title = "a \"title\" \\ with\nthings"},
        {.slug = "service-not-granted", .status = 403, .list = {"JP", "JP", "operator-compiled", 7}}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(http_problem_message(&problems[i], &arena, &head, &body).code, DX_OK);
        assert_true(body.size <= 2048);
        if (dx_json_read(body, &limits, &tree, &why).code != DX_OK)
            fail_msg("%s: " DX_TEXT_FMT, why.text, DX_TEXT_ARG(body));
        assert_int_equal(json_integer_value(json_object_get(tree, "status")), problems[i].status);
        assert_true(dx_bytes_is(http_find(&head, "content-type")->value, "application/problem+json"));
        const json_t *list = json_object_get(tree, "list"); /* trusted-lists.md 9.4 */
        assert_true((list != NULL) == (i == 3));
        if (list != NULL) {
            assert_string_equal(json_string_value(json_object_get(list, "origin")), "operator-compiled");
            assert_int_equal(json_integer_value(json_object_get(list, "sequence")), 7);
        }
        json_decref(tree);
    }
    dx_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_one_canonical_form),
        cmocka_unit_test(ambiguous_paths_are_refused),
        cmocka_unit_test(authorities_have_one_canonical_form),
        cmocka_unit_test(nothing_a_peer_sends_looks_like_ours),
        cmocka_unit_test(trailers_are_few_and_chosen),
        cmocka_unit_test(lines_join_where_a_consumer_asks),
        cmocka_unit_test(a_problem_document_is_json_and_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
