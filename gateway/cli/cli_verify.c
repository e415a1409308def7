#include "gateway/cli/cli.h"

#include "gateway/admin/control.h"
#include "gateway/cli/saved_message.h"
#include "gateway/exchange/judge.h"

#include <stdio.h>

/* sekisho verify: a saved answer or request, clause by clause. Believed either through the certificates given
 * by hand (--anchor), or through the lists that a configuration's state folder holds (-c). No network: with
 * lists, a certificate whose revocation no --crl or --ocsp answers leaves the verdict INDETERMINATE. */

#define BODY_MAX_BYTES (64U << 20)
#define OBJECTS_MAX    16

typedef struct {
    dx_arena arena;
    config *cf;
    dx_fetcher *fetcher;
    tlist_store *store;
    tlist_snapshot *snapshot;
    path_judge_state *judge;
    dx_bytes certificates[OBJECTS_MAX], anchors[OBJECTS_MAX], crls[OBJECTS_MAX], ocsps[OBJECTS_MAX];
    const char *territories[OBJECTS_MAX];
    const char *audience[1];
    dx_buf body;
    seal_message message, request;
    seal_check_spec spec;
} verification;

static const char *nth(const cli_option *options, const char *name, unsigned n)
{
    for (; options->name != NULL; options++)
        if (strcmp(options->name, name) == 0)
            return n >= options->count ? NULL : n == 0 ? options->value : options->more[n - 1];
    return NULL;
}

/* Every value of a repeated option, each a file that may hold several objects. */
static DX_RC read_all(verification *v, const cli_option *o, const char *name, const char *label,
                      dx_bytes *out, size_t *count, dx_why *why)
{
    const char *file;
    for (unsigned i = 0; (file = nth(o, name, i)) != NULL; i++) {
        size_t more = 0;
        DX_TRY(control_read_objects(&dx_io_system, file, label, &v->arena, out + *count, OBJECTS_MAX - *count,
                                    &more, why));
        *count += more;
    }
    return DX_OKAY;
}

/* By the lists, revocation answers are evidence like any other; by anchors, the CRLs are named beside them.
 */
static DX_RC read_revocation(verification *v, const cli_option *o, dx_why *why)
{
    seal_check_spec *s = &v->spec;
    DX_TRY(read_all(v, o, "--crl", "X509 CRL", v->crls, &s->crl_count, why));
    DX_TRY(read_all(v, o, "--ocsp", "OCSP RESPONSE", v->ocsps, &s->evidence.ocsp_count, why));
    s->crls = s->evidence.crl = v->crls;
    s->evidence.crl_count = s->crl_count;
    s->evidence.ocsp = v->ocsps;
    /* anchors by hand, nothing to ask: said in the report. By the lists, not knowing is never a yes. */
    s->revocation_off = cli_value(o, "-c") == NULL && s->crl_count == 0;
    return DX_OKAY;
}

static DX_RC read_tsa_anchors(verification *v, const cli_option *o, dx_why *why)
{
    const char *value;
    for (unsigned i = 0; (value = nth(o, "--tsa-anchor", i)) != NULL; i++) {
        const char *equals = strchr(value, '=');
        dx_bytes der;
        size_t count = 0;
        if (equals == NULL || equals == value)
            return DX_FAIL(why, USAGE, "", "--tsa-anchor %s: write TERRITORY=FILE", value);
        if (i == sizeof v->spec.tsa_anchors / sizeof *v->spec.tsa_anchors)
            return DX_FAIL(why, USAGE, "", "at most %u time-stamp anchors", i);
        DX_TRY(
            control_read_objects(&dx_io_system, equals + 1, "CERTIFICATE", &v->arena, &der, 1, &count, why));
        v->spec.tsa_anchors[i].territory = dx_arena_printf(&v->arena, "%.*s", (int)(equals - value), value);
        v->spec.tsa_anchors[i].anchor = der;
        v->spec.tsa_anchor_count = i + 1;
    }
    return DX_OKAY;
}

static DX_RC open_trust(verification *v, const char *file, dx_why *why)
{
    tlist_source *sources;
    size_t count;
    DX_TRY(cli_config(file, &v->cf, why));
    DX_TRY(control_fetcher(v->cf, &v->fetcher, why));
    DX_TRY(control_sources(v->cf, &dx_io_system, &v->arena, &sources, &count, why));
    const char *dir = dx_arena_printf(&v->arena, "%s/trust", v->cf->root->state_dir);
    const tlist_store_spec spec = {.sources = sources,
                                   .source_count = count,
                                   .state_dir = dir,
                                   .grace_s = (uint32_t)v->cf->trust->grace_s,
                                   .io = &dx_io_system,
                                   .clock = &dx_clock_system,
                                   .fetcher = v->fetcher,
                                   .read_only = true};
    DX_TRY(tlist_store_open(&spec, &v->store, why));
    v->snapshot = tlist_store_snapshot(v->store);
    if (v->snapshot == NULL)
        return DX_FAIL(why, NOT_FOUND, "", "%s holds no trusted list: run sekisho trust update -c %s", dir,
                       file);
    DX_TRY(path_judge_new(&v->judge, why));
    v->spec.snapshot = v->snapshot;
    v->spec.judge = v->judge;
    return DX_OKAY;
}

static DX_RC prepare(verification *v, const cli_option *o, dx_why *why)
{
    seal_check_spec *s = &v->spec;
    DX_TRY(read_all(v, o, "--cert", "CERTIFICATE", v->certificates, &s->certificate_count, why));
    DX_TRY(read_all(v, o, "--anchor", "CERTIFICATE", v->anchors, &s->anchor_count, why));
    DX_TRY(read_revocation(v, o, why));
    DX_TRY(read_tsa_anchors(v, o, why));
    if (cli_value(o, "-c") != NULL)
        DX_TRY(open_trust(v, cli_value(o, "-c"), why));
    for (unsigned i = 0; i < OBJECTS_MAX && nth(o, "--territory", i) != NULL; i++) {
        v->territories[i] = nth(o, "--territory", i);
        s->territory_count = i + 1;
    }
    v->audience[0] = cli_value(o, "--audience");
    s->certificates = v->certificates;
    s->anchors = s->anchor_count > 0 ? v->anchors : NULL;
    s->territories = v->territories;
    s->audience_ids = v->audience[0] == NULL ? NULL : v->audience;
    s->audience_count = v->audience[0] == NULL ? 0 : 1;
    s->organisation = cli_value(o, "--organisation");
    s->skew_s = 60;
    /* The head alone tells whether it is an answer; a request file beside an answer is what was asked. */
    const char *head = cli_value(o, "--head"), *request = cli_value(o, "--request"),
               *body = cli_value(o, "--body");
    if (head != NULL)
        DX_TRY(saved_answer(&dx_io_system, head, &v->arena, &v->message, why));
    if (request != NULL)
        DX_TRY(saved_request(&dx_io_system, request, &v->arena, &v->request, why));
    if (head == NULL)
        v->message = v->request;
    v->message.has_body = body != NULL;
    if (body != NULL) {
        DX_TRY(dx_io_read_file(&dx_io_system, body, BODY_MAX_BYTES, &v->body, why));
        v->message.body = dx_buf_view(&v->body);
    }
    return DX_OKAY;
}

static void close_all(verification *v)
{
    dx_buf_fini(&v->body);
    path_judge_free(v->judge);
    tlist_snapshot_unref(v->snapshot);
    tlist_store_close(v->store);
    dx_fetcher_free(v->fetcher);
    dx_arena_fini(&v->arena);
    config_free(v->cf);
}

static const char *const indications[] = {"TOTAL-FAILED", "INDETERMINATE", "TOTAL-PASSED"};

static void print_text(const seal_verdict *r, bool revocation_off)
{
    if (revocation_off)
        puts("note  SEAL-45    EN 319 102-1 5.2.5                   whether certificates were revoked was "
             "not judged: give --crl FILE");
    for (size_t i = 0; i < r->line_count; i++) {
        const seal_check_line *l = &r->lines[i];
        printf("%-5s %-10s %-36s %s\n", l->note ? "note" : l->ok ? "ok" : "NO", l->id, l->clause, l->text);
    }
    printf("%s%s%s%s%s\n", indications[r->indication], r->sub_indication ? " / " : "",
           r->sub_indication ? r->sub_indication : "", r->first ? ", first: " : "", r->first ? r->first : "");
    if (r->signer.kind != ORGANISATION_NONE)
        printf("sealed by  %s  %s (%s)\n", r->signer.id, r->signer.name, r->signer.country);
    char when[DX_TIME_SIZE];
    if (r->created_s != 0) {
        dx_time_print(r->created_s, when);
        printf("created    %s\n", when);
    }
    if (r->stamp_count > 0) { /* without believed time evidence nothing is proven */
        dx_time_print(r->proven_s, when);
        printf("proven     to have existed at %s\n", when);
    }
}

static void print_json(const seal_verdict *r, bool revocation_off)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < r->line_count; i++) {
        const seal_check_line *l = &r->lines[i];
        json_array_append_new(checks, json_pack("{s:s,s:b,s:b,s:s,s:s}", "id", l->id, "ok", l->ok, "note",
                                                l->note, "clause", l->clause, "text", l->text));
    }
    cli_json(json_pack("{s:s,s:s,s:s,s:s,s:b,s:I,s:I,s:o}", "indication", indications[r->indication],
                       "sub_indication", r->sub_indication ? r->sub_indication : "", "first",
                       r->first ? r->first : "", "signer", r->signer.id, "revocation_judged", !revocation_off,
                       "created", (json_int_t)r->created_s, "proven",
                       (json_int_t)(r->stamp_count > 0 ? r->proven_s : 0), "checks", checks));
    fputs("\n", stdout);
}

int cli_verify(int argc, char **argv)
{
    cli_option o[] = {{.name = "--head"},      {.name = "--body"},
                      {.name = "--request"},   {.name = "--cert"},
                      {.name = "--anchor"},    {.name = "--tsa-anchor"},
                      {.name = "--crl"},       {.name = "--ocsp"},
                      {.name = "-c"},          {.name = "--at"},
                      {.name = "--audience"},  {.name = "--organisation"},
                      {.name = "--territory"}, {.name = "--json", .flag = true},
                      {.name = NULL}};
    if (!cli_options(&argc, argv, o) || argc != 1 ||
        (cli_value(o, "--head") == NULL && cli_value(o, "--request") == NULL) ||
        (cli_value(o, "--anchor") == NULL) == (cli_value(o, "-c") == NULL) ||
        (cli_value(o, "--ocsp") != NULL && cli_value(o, "-c") == NULL))
        return cli_usage("verify");
    verification v = {.spec = {.at_s = dx_now_s(&dx_clock_system)}};
    if (cli_value(o, "--at") != NULL && !cli_time(cli_value(o, "--at"), &v.spec.at_s))
        return 2;
    dx_arena_init(&v.arena, 256U << 20);
    dx_buf_init(&v.body, BODY_MAX_BYTES);
    dx_why why = {0};
    seal_verdict verdict = {0};
    struct dx_rc rc = prepare(&v, o, &why);
    bool of_answer = cli_value(o, "--head") != NULL && cli_value(o, "--request") != NULL;
    if (rc.code == DX_OK)
        rc = seal_check(&v.message, of_answer ? &v.request : NULL, &v.spec, &v.arena, &verdict, &why);
    int code = rc.code != DX_OK                          ? cli_fail(&why, rc)
               : verdict.indication == SEAL_TOTAL_PASSED ? 0
               : verdict.indication == SEAL_TOTAL_FAILED ? 1
                                                         : 3;
    if (rc.code == DX_OK) {
        if (cli_value(o, "--json") != NULL)
            print_json(&verdict, v.spec.revocation_off);
        else
            print_text(&verdict, v.spec.revocation_off);
    }
    close_all(&v);
    return code;
}
