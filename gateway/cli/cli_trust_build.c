#include "gateway/cli/cli.h"

#include "gateway/admin/control.h"
#include "trust/base/digest.h"
#include "trust/list/tlist_build.h"
#include "trust/list/tlist_certificate.h"
#include "trust/sign/sign.h"

#include <stdio.h>

/* sekisho trust build-list: joins the builder of trust/list with a key of trust/sign, which may not know each
 * other. */

typedef struct {
    bool json, diff;
    json_t *findings, *differences;
} told;

static void tell_finding(void *context, const tlist_build_finding *f)
{
    told *t = context;
    if (t->json) {
        json_array_append_new(t->findings, json_pack("{s:s,s:I,s:I,s:I,s:s,s:s,s:s}", "file", f->file, "line",
                                                     (json_int_t)f->line, "column", (json_int_t)f->column,
                                                     "row", (json_int_t)f->row, "name", f->name, "severity",
                                                     f->warning ? "warning" : "error", "text", f->text));
        return;
    }
    fputs(f->file, stderr);
    if (f->line > 0)
        fprintf(stderr, ":%u:%u", f->line, f->column);
    fprintf(stderr, ": %s: ", f->warning ? "warning" : "error");
    if (f->row > 0)
        fprintf(stderr, "row %u, ", f->row);
    if (f->name[0] != '\0')
        fprintf(stderr, "%s: ", f->name);
    fprintf(stderr, "%s\n", f->text);
}

static void tell_progress(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static void tell_difference(void *context, const char *line)
{
    told *t = context;
    if (t->json)
        json_array_append_new(t->differences, json_string(line));
    else if (t->diff)
        puts(line);
}

static DX_RC sign_octets(void *context, bool rsa, dx_bytes octets, dx_buf *value, dx_why *why)
{
    uint8_t digest[32];
    sign_value made;
    dx_sha256(octets, digest);
    DX_TRY(sign_now(context, rsa ? SIGN_RSA_PKCS1 : SIGN_ECDSA_FIXED, dx_bytes_of(digest, sizeof digest),
                    &made, why));
    return dx_buf_add(value, dx_bytes_of(made.bytes, made.size));
}

/* SIGNREF: a file, or "file:" and a file. The certificate must be that of the key. */
static DX_RC open_signer(const char *reference, const char *file, dx_arena *arena, dx_bytes *der,
                         sign_key **key, dx_why *why)
{
    size_t count = 0;
    tlist_certificate certificate;
    DX_TRY(control_read_objects(&dx_io_system, file, "CERTIFICATE", arena, der, 1, &count, why));
    if (!tlist_certificate_read(*der, &certificate))
        return DX_FAIL(why, CONFIG, "", "%s is not a certificate", file);
    const sign_spec spec = {.file = strncmp(reference, "file:", 5) == 0 ? reference + 5 : reference,
                            .io = &dx_io_system};
    DX_TRY(sign_open(&spec, key, why));
    if (!dx_bytes_equal(sign_public_spki(*key), certificate.spki))
        return DX_FAIL(why, CONFIG, "", "the certificate in %s is not that of the key", file);
    return DX_OKAY;
}

static void print_report(const told *t, const tlist_build_spec *s, const tlist_build_report *r,
                         const char *error)
{
    char issued[DX_TIME_SIZE], next[DX_TIME_SIZE], sha256[65] = "", sequence[24];
    dx_time_print(r->issued_s, issued);
    dx_time_print(r->next_update_s, next);
    if (r->written)
        dx_hex(dx_bytes_of(r->sha256, 32), sha256);
    snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)r->sequence);
    if (t->json) {
        cli_json(json_pack("{s:b,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:O,s:O,s:s}", "written", r->written,
                           "sequence", sequence, "issued", issued, "next_update", next, "sha256", sha256,
                           "providers", (json_int_t)r->providers, "services", (json_int_t)r->services,
                           "intervals", (json_int_t)r->intervals, "certificates", (json_int_t)r->certificates,
                           "errors", (json_int_t)r->errors, "warnings", (json_int_t)r->warnings, "findings",
                           t->findings, "differences", t->differences, "error", error));
        fputs("\n", stdout);
        return;
    }
    if (error[0] != '\0')
        return;
    if (r->written)
        printf("ok    sequence %s  issued %s  next %s  operator-compiled  sha256 %s\n", sequence, issued,
               next, sha256);
    else if (s->out != NULL) {
        dx_time_print(r->previous_next_update_s, next);
        printf("ok    unchanged: sequence %llu stays, its NextUpdate is %s; nothing was written\n",
               (unsigned long long)r->previous_sequence, next);
    }
}

static bool number(const char *text, uint64_t max, uint64_t *out)
{
    return text == NULL || dx_bytes_u64(dx_bytes_text(text), max, out);
}

static int run(const cli_option *o, tlist_build_spec *spec, told *t)
{
    dx_arena arena = {0};
    dx_why why = {0};
    sign_key *key = NULL;
    tlist_build_report report = {0};
    struct dx_rc rc = DX_OKAY;
    if (spec->out != NULL)
        rc = open_signer(cli_value(o, "--signer"), cli_value(o, "--signer-cert"), &arena, &spec->signer, &key,
                         &why);
    spec->sign_context = key;
    if (rc.code == DX_OK)
        rc = tlist_build(spec, &report, &why);
    if (t->json || rc.code == DX_OK)
        print_report(t, spec, &report,
                     rc.code == DX_OK ? ""
                     : why.text[0]    ? why.text
                                      : dx_code_text(rc.code));
    sign_unref(key);
    dx_arena_fini(&arena);
    return rc.code == DX_OK ? 0 : cli_fail(&why, rc);
}

int cli_trust_build_list(int argc, char **argv)
{
    cli_option o[] = {{.name = "--table"},
                      {.name = "--certs"},
                      {.name = "--profile"},
                      {.name = "--scheme"},
                      {.name = "--previous"},
                      {.name = "--sequence"},
                      {.name = "--signer"},
                      {.name = "--signer-cert"},
                      {.name = "--out"},
                      {.name = "--next-update-days"},
                      {.name = "--signing-time"},
                      {.name = "--if-changed", .flag = true},
                      {.name = "--diff", .flag = true},
                      {.name = "--json", .flag = true},
                      {.name = NULL}};
    uint64_t days = TLIST_BUILD_DAYS, sequence = 0;
    if (!cli_options(&argc, argv, o) || argc != 1)
        return cli_usage("trust build-list");
    told t = {.json = cli_value(o, "--json") != NULL, .diff = cli_value(o, "--diff") != NULL};
    int64_t now_s = dx_now_s(&dx_clock_system), signing_s = now_s;
    bool out = cli_value(o, "--out") != NULL, previous = cli_value(o, "--previous") != NULL;
    bool whole = cli_value(o, "--table") != NULL && cli_value(o, "--certs") != NULL &&
                 cli_value(o, "--scheme") != NULL && previous == (cli_value(o, "--sequence") == NULL) &&
                 (out ? cli_value(o, "--signer") != NULL && cli_value(o, "--signer-cert") != NULL
                      : t.diff && previous);
    if (!whole || !number(cli_value(o, "--next-update-days"), 366, &days) ||
        !number(cli_value(o, "--sequence"), INT64_MAX, &sequence))
        return cli_usage("trust build-list");
    if (cli_value(o, "--signing-time") != NULL && !cli_time(cli_value(o, "--signing-time"), &signing_s))
        return 2;
    t.findings = json_array();
    t.differences = json_array();
    tlist_build_spec spec = {.io = &dx_io_system,
                             .table = cli_value(o, "--table"),
                             .certs = cli_value(o, "--certs"),
                             .profile = cli_value(o, "--profile"),
                             .scheme = cli_value(o, "--scheme"),
                             .previous = cli_value(o, "--previous"),
                             .sequence = sequence,
                             .out = cli_value(o, "--out"),
                             .sign = sign_octets,
                             .signing_s = signing_s,
                             .now_s = now_s,
                             .next_update_days = (unsigned)days,
                             .if_changed = cli_value(o, "--if-changed") != NULL,
                             .finding = tell_finding,
                             .progress = tell_progress,
                             .difference = tell_difference,
                             .context = &t};
    int code = run(o, &spec, &t);
    json_decref(t.findings);
    json_decref(t.differences);
    return code;
}
