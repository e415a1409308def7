#include "gateway/cli/cli_lists.h"

#include <stdio.h>

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
    cli_lists l;
    dx_why why = {0};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 1)
        return cli_usage("trust update");
    struct dx_rc rc = cli_lists_open(cli_value(o, "-c"), &l, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    update_report r = {.json = cli_value(o, "--json") != NULL, .first = true};
    if (r.json)
        fputs("[", stdout);
    rc = tlist_store_update(l.store, update_line, &r, &why);
    if (r.json)
        fputs("]\n", stdout);
    cli_lists_close(&l);
    return rc.code != DX_OK ? cli_fail(&why, rc) : r.refused > 0 ? 1 : 0;
}
