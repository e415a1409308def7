#include "gateway/cli/cli_lists.h"
#include "gateway/cli/trust_explain.h"

#include "gateway/admin/control.h"
#include "gateway/exchange/judge.h"

#include <stdio.h>

/* sekisho trust explain: why a certificate is believed or not, by the gateway's own judge. */

enum { CERTIFICATES_MAX = 16, EVIDENCE_MAX = 16 };

static const struct {
    const char *word;
    path_profile_id profile;
} purposes[] = {{"tls", PATH_PEER}, {"seal", PATH_SEAL}, {"stamp", PATH_TSU}};

typedef struct {
    cli_lists lists;
    tlist_snapshot *snapshot;
    path_judge_state *judge;
    dx_bytes certificates[CERTIFICATES_MAX], ocsp[EVIDENCE_MAX], crl[EVIDENCE_MAX];
    size_t certificate_count;
    identity_rules identity;
    path_recognition recognition;
    path_trace trace;
    path_input input;
    trust_verdict verdict;
    trust_explanation told;
} explaining;

/* Every file of a repeated option. */
static struct dx_rc read_all(explaining *x, const cli_option *o, const char *name, const char *label,
                             dx_bytes *out, size_t max, size_t *count, dx_why *why)
{
    for (; o->name != NULL && strcmp(o->name, name) != 0; o++)
        continue;
    for (unsigned i = 0; i < o->count; i++) {
        size_t more = 0;
        DX_TRY(control_read_objects(&dx_io_system, i == 0 ? o->value : o->more[i - 1], label, &x->lists.arena,
                                    out + *count, max - *count, &more, why));
        *count += more;
    }
    return DX_OKAY;
}

static struct dx_rc judge(explaining *x, const char *file, const cli_option *o, dx_why *why)
{
    size_t ocsp_count = 0, crl_count = 0;
    bool online = cli_value(o, "--online") != NULL;
    DX_TRY(control_read_objects(&dx_io_system, file, "CERTIFICATE", &x->lists.arena, x->certificates,
                                CERTIFICATES_MAX, &x->certificate_count, why));
    DX_TRY(read_all(x, o, "--chain", "CERTIFICATE", x->certificates, CERTIFICATES_MAX, &x->certificate_count,
                    why));
    DX_TRY(read_all(x, o, "--ocsp", "OCSP RESPONSE", x->ocsp, EVIDENCE_MAX, &ocsp_count, why));
    DX_TRY(read_all(x, o, "--crl", "X509 CRL", x->crl, EVIDENCE_MAX, &crl_count, why));
    if (x->snapshot == NULL)
        return DX_FAIL_ID(why, UNREACHABLE, "ID-903", "",
                          "no trusted list is stored; run sekisho trust update first");
    DX_TRY(control_identity(x->lists.cf, &dx_io_system, &x->lists.arena, &x->identity, &x->recognition, why));
    DX_TRY(path_judge_new(&x->judge, why));
    bool asked = online || ocsp_count + crl_count > 0;
    x->told.asked = asked;
    x->input = (path_input){
        .leaf = x->certificates[0],
        .presented = x->certificates + 1,
        .presented_count = x->certificate_count - 1,
        .snapshot = x->snapshot,
        .profile = x->input.profile,
        .at_s = x->input.at_s,
        .evidence = {.ocsp = x->ocsp, .ocsp_count = ocsp_count, .crl = x->crl, .crl_count = crl_count},
        .revocation_off = !asked,
        .home_scheme = x->lists.cf->trust->home,
        .identity = &x->identity,
        .recognition = &x->recognition,
        .trace = &x->trace};
    return judge_wait(x->judge, online ? x->lists.fetcher : NULL, &x->input, &x->lists.arena, &x->verdict,
                      why);
}

static int tell(explaining *x, bool json)
{
    x->told.input = &x->input;
    x->told.verdict = &x->verdict;
    trust_explanation_make(&x->told);
    if (json) {
        cli_json(trust_explain_json(&x->told));
        fputs("\n", stdout);
    } else {
        trust_explain_text(&x->told);
    }
    const char *answer = trust_explanation_answer(&x->told);
    return strcmp(answer, "YES") == 0 ? 0 : strcmp(answer, "NO") == 0 ? 1 : 3;
}

int cli_trust_explain(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"},
                      {.name = "--chain"},
                      {.name = "--at"},
                      {.name = "--purpose"},
                      {.name = "--ocsp"},
                      {.name = "--crl"},
                      {.name = "--online", .flag = true},
                      {.name = "--json", .flag = true},
                      {.name = NULL}};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 2)
        return cli_usage("trust explain");
    const char *purpose = cli_value(o, "--purpose");
    size_t which = 0;
    while (purpose != NULL && which < 3 && strcmp(purposes[which].word, purpose) != 0)
        which++;
    if (which == 3)
        return cli_usage("trust explain");
    explaining *x = calloc(1, sizeof *x);
    dx_why why = {0};
    if (x == NULL)
        return cli_fail(&why, DX_FAIL(&why, NO_MEMORY, "", "no memory"));
    x->told.purpose = purposes[which].word;
    x->told.at_given = cli_value(o, "--at") != NULL;
    x->input.profile = purposes[which].profile;
    x->input.at_s = dx_now_s(&dx_clock_system);
    if (x->told.at_given && !cli_time(cli_value(o, "--at"), &x->input.at_s)) {
        free(x);
        return 2;
    }
    int code;
    struct dx_rc rc = cli_lists_open(cli_value(o, "-c"), &x->lists, &why);
    if (rc.code != DX_OK) {
        free(x);
        return cli_fail(&why, rc);
    }
    x->snapshot = tlist_store_snapshot(x->lists.store);
    rc = judge(x, argv[1], o, &why);
    code = rc.code == DX_OK ? tell(x, cli_value(o, "--json") != NULL) : cli_fail(&why, rc);
    path_judge_free(x->judge);
    tlist_snapshot_unref(x->snapshot);
    cli_lists_close(&x->lists);
    free(x);
    return code;
}
