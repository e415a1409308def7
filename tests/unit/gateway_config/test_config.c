/* A configuration is right as a whole, or everything that is wrong with it is said at once. */
#include "gateway/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sekisho-config-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char good[] =
    "{\n\"state_dir\": \"state\",\n"
    "\"gateway\": {\"host\": \"gw1.example.jp\", \"organisation\": \"NTRJP-8999900000001\", \"territory\": "
    "\"JP\"},\n"
    "\"listen\": [{\"address\": \"127.0.0.1:0\", \"hosts\": [\"data.example.jp\"], \"certificate\": \"pem\", "
    "\"key\": \"pem\"}],\n"
    "\"upstream\": {\"addresses\": [\"127.0.0.1:9000\"]},\n"
    "\"trust\": {\"home\": \"JP\", \"source\": {\"jp\": {\"kind\": \"tl\", \"url\": \"x.xml\", \"anchors\": "
    "[\"pem\"], \"scheme\": \"JP\", \"territory\": \"JP\"}}},\n"
    "\"policy\": {\"dir\": \"policy\"},\n"
    "\"seal\": {\"key\": {\"file\": \"seal\", \"cert\": \"pem\"}},\n"
    "\"timestamp\": {\"mode\": \"none\"},\n"
    "\"provenance\": {\"kek_dir\": \"kek\", \"keys\": {\"ed25519\": \"pem\"}}\n}\n";

static config *load(const char *text, config_findings *findings)
{
    char path[100];
    dx_why why;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i == 0 ? "pem" : "seal");
        assert_int_equal(dx_io_replace_file(&dx_io_system, path, DX_BYTES("x"), 0600, &why).code, DX_OK);
    }
    snprintf(path, sizeof path, "%s/c.json", folder);
    assert_int_equal(dx_io_replace_file(&dx_io_system, path, dx_bytes_text(text), 0600, &why).code, DX_OK);
    config *c;
    struct dx_rc rc = config_load(&dx_io_system, path, &c, findings, &why);
    assert_true((rc.code == DX_OK) == (c != NULL));
    assert_true((rc.code == DX_OK) == (findings->count == 0));
    return c;
}

static char *changed(const char *from, const char *to)
{
    const char *at = strstr(good, from);
    char *text = malloc(sizeof good + strlen(to));
    assert_non_null(at);
    sprintf(text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    return text;
}

static void a_good_file_becomes_a_struct_with_defaults(void **state)
{
    (void)state;
    config_findings findings;
    config *c = load(good, &findings);
    assert_non_null(c);
    assert_string_equal(c->gateway->host, "gw1.example.jp");
    assert_int_equal(c->source_count, 1);
    assert_string_equal(c->source[0].name_, "jp");
    assert_int_equal(c->limit->header_bytes, 32768);
    assert_int_equal(c->seal->formats.count, 2);
    assert_int_equal(c->regulator_count, 0);
    assert_true(c->listen[0].certificate[0] == '/');
    config_free(c);
}

static void every_mistake_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *pointer, *text;
        unsigned line;
    } cases[] = {
        {"\"state_dir\"", "\"state_dirr\"", "/state_dirr", "did you mean \"state_dir\"", 2},
        {"\"kind\": \"tl\"", "\"kind\": \"list\"", "/trust/source/jp/kind", "[lotl|tl]", 6},
        {"\"hosts\": [\"data.example.jp\"]", "\"hosts\": \"data.example.jp\"", "/listen/0/hosts",
         "expected an array, found text", 4},
        {"\"mode\": \"none\"", "\"mode\": \"none\", \"try_ms\": 1", "/timestamp/try_ms", "from 50 to 60000",
         9},
        {"\"mode\": \"none\"", "\"mode\": \"batch\"", "/timestamp", "needs at least one authority", 9},
        {"\"cert\": \"pem\"", "\"cert\": \"gone\"", "/seal/key/cert", "must exist", 8},
        {"\"file\": \"seal\"", "\"file\": \"pem\"", "/seal/key/file", "must not be a TLS key", 8},
        {"\"home\": \"JP\", ", "", "/trust", "\"home\" is missing", 6},
        {"\"policy\": {\"dir\": \"policy\"},\n", "", "", "\"policy\" is missing", 1},
        {"\"dir\": \"policy\"", "\"dir\": 7", "/policy/dir", "expected text, found a whole number", 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = changed(cases[i].from, cases[i].to);
        config_findings findings;
        assert_null(load(text, &findings));
        bool found = false;
        for (size_t k = 0; k < findings.count; k++)
            found |= strcmp(findings.items[k].pointer, cases[i].pointer) == 0 &&
                     strstr(findings.items[k].text, cases[i].text) != NULL &&
                     findings.items[k].line == cases[i].line;
        if (!found)
            for (size_t k = 0; k < findings.count; k++)
                print_message("case %zu: %u %s %s\n", i, findings.items[k].line, findings.items[k].pointer,
                              findings.items[k].text);
        assert_true(found);
        config_findings_fini(&findings);
        free(text);
    }
}

static void all_mistakes_are_said_at_once(void **state)
{
    (void)state;
    config_findings findings;
    assert_null(load("{\"listen\": [{}], \"extra\": 1, \"gateway\": {\"host\": 5}}", &findings));
    assert_true(findings.count >= 10);
    config_findings_fini(&findings);
}

static void a_key_twice_is_refused_with_its_line(void **state)
{
    (void)state;
    config_findings findings;
    assert_null(load("{\n\"state_dir\": \"a\",\n\"state_dir\": \"b\"}", &findings));
    assert_non_null(strstr(findings.items[0].text, "line 3"));
    config_findings_fini(&findings);
}

static void the_manual_names_every_option(void **state)
{
    (void)state;
    dx_buf text;
    dx_buf_init(&text, 1 << 20);
    assert_int_equal(config_manual(false, &text).code, DX_OK);
    assert_int_equal(dx_buf_add_byte(&text, 0).code, DX_OK);
    assert_non_null(strstr((const char *)text.data, "publish_interval_ms"));
    dx_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_becomes_a_struct_with_defaults),
        cmocka_unit_test(every_mistake_is_named_with_its_place),
        cmocka_unit_test(all_mistakes_are_said_at_once),
        cmocka_unit_test(a_key_twice_is_refused_with_its_line),
        cmocka_unit_test(the_manual_names_every_option),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
