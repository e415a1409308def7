#include "gateway/cli/cli.h"

#include "gateway/admin/control.h"
#include "gateway/exchange/judge.h"
#include "trust/provenance/pv_check.h"

#include <stdio.h>

/* sekisho trust update, show, explain; explain */

typedef struct {
    config *cf;
    dx_arena arena;
    dx_fetcher *fetcher;
    tlist_source *sources;
    size_t source_count;
    tlist_store *store;
} lists;

static void close_lists(lists *l)
{
    tlist_store_close(l->store);
    dx_fetcher_free(l->fetcher);
    dx_arena_fini(&l->arena);
    config_free(l->cf);
}

static DX_RC open_lists(const char *file, lists *l, dx_why *why)
{
    *l = (lists){0};
    DX_TRY(cli_config(file, &l->cf, why));
    struct dx_rc rc = control_fetcher(l->cf, &l->fetcher, why);
    if (rc.code == DX_OK)
        rc = control_sources(l->cf, &dx_io_system, &l->arena, &l->sources, &l->source_count, why);
    const char *dir = dx_arena_printf(&l->arena, "%s/trust", l->cf->root->state_dir);
    if (rc.code == DX_OK)
        rc = dx_io_make_folders(&dx_io_system, dir, 0700, why);
    const tlist_store_spec spec = {.sources = l->sources,
                                   .source_count = l->source_count,
                                   .state_dir = dir,
                                   .grace_s = (uint32_t)l->cf->trust->grace_s,
                                   .io = &dx_io_system,
                                   .clock = &dx_clock_system,
                                   .fetcher = l->fetcher};
    if (rc.code == DX_OK)
        rc = tlist_store_open(&spec, &l->store, why);
    if (rc.code != DX_OK)
        close_lists(l);
    return rc;
}

typedef struct {
    bool json, first;
    unsigned refused;
} update_report;

static void update_line(void *context, const tlist_run_line *line)
{
    update_report *r = context;
    r->refused += !line->accepted;
    if (r->json) {
        fputs(r->first ? "" : ",", stdout);
        cli_json(json_pack("{s:s,s:s,s:b,s:I,s:s,s:s}", "source", line->source, "territory", line->territory,
                           "accepted", line->accepted, "sequence", (json_int_t)line->sequence, "id",
                           line->accepted ? "" : line->why.id, "clause",
                           line->accepted ? "" : line->why.clause));
        r->first = false;
    } else if (line->accepted) {
        printf("ok    %-8s %-3s sequence %llu -> %llu%s  %s\n", line->source, line->territory,
               (unsigned long long)line->sequence_before, (unsigned long long)line->sequence,
               line->unchanged ? " (unchanged)" : "", line->remarks);
    } else {
        printf("no    %-8s %-3s %s (%s) %s\n", line->source, line->territory, line->why.id, line->why.clause,
               line->why.text);
    }
    fflush(stdout);
}

int cli_trust_update(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"}, {.name = "--json", .flag = true}, {.name = NULL}};
    lists l;
    dx_why why = {0};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 1)
        return cli_usage("trust update");
    struct dx_rc rc = open_lists(cli_value(o, "-c"), &l, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    update_report r = {.json = cli_value(o, "--json") != NULL, .first = true};
    if (r.json)
        fputs("[", stdout);
    rc = tlist_store_update(l.store, update_line, &r, &why);
    if (r.json)
        fputs("]\n", stdout);
    close_lists(&l);
    return rc.code != DX_OK ? cli_fail(&why, rc) : r.refused > 0 ? 1 : 0;
}

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

int cli_trust_show(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"}, {.name = "--json", .flag = true}, {.name = NULL}};
    lists l;
    dx_why why = {0};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 1)
        return cli_usage("trust show");
    struct dx_rc rc = open_lists(cli_value(o, "-c"), &l, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    bool json = cli_value(o, "--json") != NULL;
    tlist_snapshot *s = tlist_store_snapshot(l.store);
    const tlist_facts *const *facts;
    const tlist_service *const *services;
    size_t count = s == NULL ? 0 : tlist_snapshot_lists(s, &facts),
           service_count = s == NULL ? 0 : tlist_snapshot_services(s, &services);
    if (json)
        fputs("[", stdout);
    for (size_t i = 0; i < count; i++) {
        char issued[DX_TIME_SIZE], next[DX_TIME_SIZE];
        dx_time_print(facts[i]->issued_s, issued);
        dx_time_print(facts[i]->next_update_s, next);
        if (json) {
            fputs(i ? "," : "", stdout);
            cli_json(json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:s,s:s}", "source", facts[i]->source, "scheme",
                               facts[i]->scheme, "territory", facts[i]->territory, "sequence",
                               (json_int_t)facts[i]->sequence, "issued", issued, "next_update", next, "state",
                               tlist_state_text(facts[i]->state), "origin",
                               tlist_origin_text(facts[i]->origin)));
            continue;
        }
        printf("%s %s/%s  sequence %llu  issued %s  next %s  %s  %s\n", facts[i]->source, facts[i]->scheme,
               facts[i]->territory, (unsigned long long)facts[i]->sequence, issued, next,
               tlist_state_text(facts[i]->state), tlist_origin_text(facts[i]->origin));
        for (size_t k = 0; k < service_count; k++)
            if (services[k]->list == facts[i] && services[k]->interval_count > 0)
                printf("    %-28s %-12s %s: %s\n", last_segment(services[k]->intervals[0].type),
                       last_segment(services[k]->intervals[0].status), services[k]->provider,
                       services[k]->name);
    }
    if (json)
        fputs("]\n", stdout);
    tlist_snapshot_unref(s);
    close_lists(&l);
    return count > 0 ? 0 : 3;
}

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
        printf("list         %s/%s sequence %llu (%s): %s, %s %s since %s\n", v->anchor.scheme,
               v->anchor.territory, (unsigned long long)v->anchor.sequence,
               tlist_origin_text(v->anchor.origin), v->anchor.service, v->anchor.type, v->anchor.status,
               since);
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
    lists l;
    dx_why why = {0};
    dx_bytes certificates[16];
    size_t count = 0, more = 0;
    trust_verdict v = {0};
    path_judge_state *judge = NULL;
    struct dx_rc rc = open_lists(cli_value(o, "-c"), &l, &why);
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
        cli_json(json_pack("{s:s,s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "answer", answer, "revocation_judged",
                           online, "id", v.id, "clause", v.clause, "reason", v.reason, "organisation",
                           v.org.id, "territory", v.anchor.territory, "status", v.anchor.status, "level",
                           v.level, "origin", v.anchor.set ? tlist_origin_text(v.anchor.origin) : ""));
        fputs("\n", stdout);
    } else if (rc.code == DX_OK) {
        print_verdict(&v, at_s);
        if (!online)
            puts("note         whether certificates are revoked was not asked: add --online");
    }
    path_judge_free(judge);
    tlist_snapshot_unref(s);
    close_lists(&l);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    return v.answer == TRUST_YES ? (online ? 0 : 3) : v.kind == TRUST_KIND_UNKNOWN ? 3 : 1;
}

int cli_explain(int argc, char **argv)
{
    if (argc != 2)
        return cli_usage("explain");
    static const char *(*const rooms[])(const char *, const char **) = {
        tlist_check_text, path_check_text, stamp_check_text, seal_check_text, pv_check_text};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        const char *clause = NULL, *text = rooms[i](argv[1], &clause);
        if (text != NULL) {
            printf("%s\n  %s\n  clause: %s\n", argv[1], text,
                   clause == NULL || clause[0] == 0 ? "own rule" : clause);
            return 0;
        }
    }
    fprintf(stderr,
            "sekisho: no check has the id %s (they look like TL-502, ID-304, SEAL-11, STAMP-03, PV-203)\n",
            argv[1]);
    return 3;
}
