#include "gateway/cli/cli_lists.h"

#include "gateway/admin/control.h"
#include "gateway/exchange/judge.h"

#include <stdio.h>

static void print_verdict(const trust_verdict *v, int64_t at_s)
{
    char at[DX_TIME_SIZE], hex[65];
    dx_time_print(at_s, at);
    printf("answer       %s %s  %s\n",
           v->answer == TRUST_YES          ? "YES"
           : v->kind == TRUST_KIND_UNKNOWN ? "UNKNOWN"
                                           : "NO",
           v->id, v->reason);
    printf("clause       %s\nat           %s\n", v->clause, at);
    if (v->org.kind != ORGANISATION_PERSON)
        printf("organisation %s  %s (%s)\n", v->org.id, v->org.name, v->org.country);
    for (size_t i = 0; i < v->path_count; i++) {
        static const char *const states[] = {"unknown", "good", "revoked"};
        dx_hex(dx_bytes_of(v->path_sha256[i], 32), hex);
        printf("path %zu       %.16s..  %s\n", i, hex,
               i + 1 == v->path_count ? "ANCHOR" : states[v->revocation[i].state]);
    }
    if (v->anchor.set) {
        char since[DX_TIME_SIZE];
        dx_time_print(v->anchor.since_s, since);
        printf("list         %s/%s sequence %llu: %s, %s %s since %s\n", v->anchor.scheme,
               v->anchor.territory, (unsigned long long)v->anchor.sequence, v->anchor.service, v->anchor.type,
               v->anchor.status, since);
    }
    printf("level        %s  basis %s%s\n", v->level, v->basis, v->foreign ? "  (foreign)" : "");
    if (v->remarks[0])
        printf("remarks      %s\n", v->remarks);
    printf("cost         %u us, %u signatures, %u nodes\n", v->cost_us, v->signatures, v->nodes);
}

int cli_trust_explain(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"},
                      {.name = "--chain"},
                      {.name = "--at"},
                      {.name = "--purpose"},
                      {.name = "--online", .flag = true},
                      {.name = "--json", .flag = true},
                      {.name = NULL}};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 2)
        return cli_usage("trust explain");
    int64_t at_s = dx_now_s(&dx_clock_system);
    const char *purpose = cli_value(o, "--purpose");
    if (cli_value(o, "--at") != NULL && !cli_time(cli_value(o, "--at"), &at_s))
        return 2;
    static const struct {
        const char *word;
        path_profile_id profile;
    } purposes[] = {{"tls", PATH_PEER}, {"seal", PATH_SEAL}, {"stamp", PATH_TSU}};
    size_t which = 0;
    while (purpose != NULL && which < 3 && strcmp(purposes[which].word, purpose) != 0)
        which++;
    if (which == 3)
        return cli_usage("trust explain");
    cli_lists l;
    dx_why why = {0};
    dx_bytes certificates[16];
    size_t count = 0, more = 0;
    trust_verdict v = {0};
    path_judge_state *judge = NULL;
    struct dx_rc rc = cli_lists_open(cli_value(o, "-c"), &l, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    tlist_snapshot *s = tlist_store_snapshot(l.store);
    rc = control_read_objects(&dx_io_system, argv[1], "CERTIFICATE", &l.arena, certificates, 8, &count, &why);
    if (rc.code == DX_OK && cli_value(o, "--chain") != NULL)
        rc = control_read_objects(&dx_io_system, cli_value(o, "--chain"), "CERTIFICATE", &l.arena,
                                  certificates + count, 8, &more, &why);
    if (rc.code == DX_OK && s == NULL)
        rc = DX_FAIL_ID(&why, UNREACHABLE, "ID-903", "",
                        "no trusted list is stored; run sekisho trust update first");
    if (rc.code == DX_OK)
        rc = path_judge_new(&judge, &why);
    bool online = cli_value(o, "--online") != NULL;
    path_input input = {.leaf = certificates[0],
                        .presented = certificates + 1,
                        .presented_count = count + more - (count > 0),
                        .snapshot = s,
                        .at_s = at_s,
                        .home_scheme = l.cf->trust->home,
                        .revocation_off = !online,
                        .profile = purposes[which].profile};
    if (rc.code == DX_OK)
        rc = judge_wait(judge, online ? l.fetcher : NULL, &input, &l.arena, &v, &why);
    const char *answer = v.answer == TRUST_YES          ? (online ? "yes" : "unknown")
                         : v.kind == TRUST_KIND_UNKNOWN ? "unknown"
                                                        : "no";
    if (rc.code == DX_OK && cli_value(o, "--json") != NULL) {
        cli_json(json_pack("{s:s,s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "answer", answer, "revocation_judged",
                           online, "id", v.id, "clause", v.clause, "reason", v.reason, "organisation",
                           v.org.id, "territory", v.anchor.territory, "status", v.anchor.status, "level",
                           v.level));
        fputs("\n", stdout);
    } else if (rc.code == DX_OK) {
        print_verdict(&v, at_s);
        if (!online)
            puts("note         whether certificates are revoked was not asked: add --online");
    }
    path_judge_free(judge);
    tlist_snapshot_unref(s);
    cli_lists_close(&l);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    return v.answer == TRUST_YES ? (online ? 0 : 3) : v.kind == TRUST_KIND_UNKNOWN ? 3 : 1;
}
