#include "gateway/cli/cli.h"

#include "policy/policy.h"
#include "trust/base/json.h"

#include <stdio.h>

/* sekisho policy check, test, explain */

static DX_RC print_findings_json(const policy *p, const policy_findings *f, bool ok)
{
    dx_buf out;
    dx_buf_init(&out, 16U << 20);
    char hex[65] = "";
    if (p != NULL)
        dx_hex(dx_bytes_of(policy_sha256(p), 32), hex);
    struct dx_rc rc = dx_buf_addf(
        &out,
        "{\"bundle\":{\"revision\":\"%s\",\"serial\":%lld,\"sha256\":\"%s\"},\"errors\":%zu,\"findings\":[",
        p == NULL ? "" : policy_revision(p), p == NULL ? 0LL : (long long)policy_serial(p), hex, f->errors);
    for (size_t i = 0; i < f->count && rc.code == DX_OK; i++) {
        const policy_finding *x = &f->items[i];
        rc = dx_buf_addf(&out, "%s{\"id\":\"%s\",\"severity\":\"%s\",\"file\":", i ? "," : "", x->id,
                         x->error ? "E" : "W");
        if (rc.code == DX_OK)
            rc = dx_json_quote(dx_bytes_text(x->file), &out);
        if (rc.code == DX_OK)
            rc = dx_buf_add_text(&out, ",\"pointer\":");
        if (rc.code == DX_OK)
            rc = dx_json_quote(dx_bytes_text(x->pointer), &out);
        if (rc.code == DX_OK)
            rc = dx_buf_addf(&out, ",\"line\":%u,\"column\":%u,\"text\":", x->line, x->column);
        if (rc.code == DX_OK)
            rc = dx_json_quote(dx_bytes_text(x->text), &out);
        if (rc.code == DX_OK)
            rc = dx_buf_add_byte(&out, '}');
    }
    if (rc.code == DX_OK)
        rc = dx_buf_addf(&out, "],\"ok\":%s,\"warnings\":%zu}\n", ok ? "true" : "false", f->warnings);
    if (rc.code == DX_OK)
        fwrite(out.data, 1, out.size, stdout);
    dx_buf_fini(&out);
    return rc;
}

static void print_findings(FILE *out, const char *dir, const policy_findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        fprintf(out, "%s/%s:%u:%u: %s %s %s: %s\n", dir, f->items[i].file, f->items[i].line,
                f->items[i].column, f->items[i].error ? "error" : "warning", f->items[i].id,
                f->items[i].pointer, f->items[i].text);
}

static DX_RC build(const char *dir, int64_t now_s, policy **out, policy_findings *findings, dx_why *why)
{
    const policy_source source = {.dir = dir, .io = &dx_io_system, .now_s = now_s, .working_copy = true};
    return policy_build(&source, NULL, out, findings, why);
}

int cli_policy_check(int argc, char **argv)
{
    cli_option o[] = {{.name = "--json", .flag = true}, {.name = "--at"}, {.name = NULL}};
    int64_t now_s = dx_now_s(&dx_clock_system);
    if (!cli_options(&argc, argv, o) || argc != 2)
        return cli_usage("policy check");
    if (cli_value(o, "--at") != NULL && !cli_time(cli_value(o, "--at"), &now_s))
        return 2;
    policy *p = NULL;
    policy_findings findings = {0};
    dx_why why = {0};
    struct dx_rc rc = build(argv[1], now_s, &p, &findings, &why);
    bool told = findings.errors > 0 || rc.code == DX_OK;
    if (cli_value(o, "--json") != NULL) {
        if (print_findings_json(p, &findings, rc.code == DX_OK).code != DX_OK)
            told = false;
    } else {
        print_findings(stdout, argv[1], &findings);
        if (told)
            printf("%zu errors, %zu warnings\n", findings.errors, findings.warnings);
    }
    policy_unref(p);
    policy_findings_fini(&findings);
    return !told ? cli_fail(&why, rc) : rc.code == DX_OK ? 0 : 1;
}

static void print_line(void *context, const char *text)
{
    (void)context;
    puts(text);
}

int cli_policy_test(int argc, char **argv)
{
    cli_option o[] = {{.name = "--filter"}, {.name = NULL}};
    if (!cli_options(&argc, argv, o) || argc != 2)
        return cli_usage("policy test");
    const policy_source source = {
        .dir = argv[1], .io = &dx_io_system, .now_s = dx_now_s(&dx_clock_system), .working_copy = true};
    unsigned passed = 0, failed = 0;
    dx_why why = {0};
    struct dx_rc rc =
        policy_test_run(&source, cli_value(o, "--filter"), print_line, NULL, &passed, &failed, NULL, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 ? 1 : 0;
}

/* The ruling stands on the first line, the text for people below it. */
static size_t first_line(dx_bytes text)
{
    const uint8_t *end = memchr(text.data, '\n', text.size);
    return end == NULL ? text.size : (size_t)(end - text.data) + 1;
}

int cli_policy_explain(int argc, char **argv)
{
    cli_option o[] = {
        {.name = "--json", .flag = true}, {.name = "--bundle"}, {.name = "--lang"}, {.name = NULL}};
    if (!cli_options(&argc, argv, o) || argc != 2 || cli_value(o, "--bundle") == NULL)
        return cli_usage("policy explain");
    policy *p = NULL;
    policy_findings findings = {0}, bad = {0};
    dx_why why = {0};
    dx_buf document = {0}, text;
    dx_arena arena = {0};
    policy_ruling ruling = {0};
    char fixtures[600];
    dx_buf_init(&text, 1U << 20);
    snprintf(fixtures, sizeof fixtures, "%s/tests/fixtures", cli_value(o, "--bundle"));
    struct dx_rc rc = build(cli_value(o, "--bundle"), dx_now_s(&dx_clock_system), &p, &findings, &why);
    print_findings(stderr, cli_value(o, "--bundle"), &findings);
    if (rc.code == DX_OK)
        rc = dx_io_read_file(&dx_io_system, argv[1], 1U << 20, &document, &why);
    if (rc.code == DX_OK)
        rc = policy_explain(p, dx_buf_view(&document), fixtures, &dx_io_system,
                            cli_value(o, "--lang") != NULL ? cli_value(o, "--lang") : "en", &ruling, &text,
                            &arena, &bad, &why);
    print_findings(stderr, "", &bad);
    if (rc.code == DX_OK && cli_value(o, "--json") != NULL)
        fwrite(text.data, 1, first_line(dx_buf_view(&text)), stdout);
    else if (rc.code == DX_OK)
        fwrite(text.data + first_line(dx_buf_view(&text)), 1, text.size - first_line(dx_buf_view(&text)),
               stdout);
    int code = rc.code != DX_OK                 ? (bad.count > 0 ? 2 : cli_fail(&why, rc))
               : ruling.answer == POLICY_PERMIT ? 0
                                                : 1;
    dx_buf_fini(&document);
    dx_buf_fini(&text);
    dx_arena_fini(&arena);
    policy_unref(p);
    policy_findings_fini(&findings);
    policy_findings_fini(&bad);
    return code;
}
