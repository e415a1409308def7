#include "gateway/cli/cli_lists.h"

#include "trust/base/digest.h"

#include <stdio.h>

/* sekisho trust update: one run, a line for each list; what only a person may confirm is confirmed here. */

typedef struct {
    bool json, first;
    unsigned refused, lines;
} update_report;

static void print_json(update_report *r, const tlist_run_line *line)
{
    char sha256[65];
    dx_hex(dx_bytes_of(line->sha256, 32), sha256);
    fputs(r->first ? "" : ",", stdout);
    cli_json(json_pack(
        "{s:s,s:s,s:s,s:b,s:b,s:s,s:I,s:I,s:s,s:s,s:s,s:s,s:s}", "source", line->source, "territory",
        line->territory, "url", line->url, "accepted", line->accepted, "unchanged", line->unchanged, "state",
        line->sequence == 0 ? "" : tlist_state_text(line->state), "sequence_before",
        (json_int_t)line->sequence_before, "sequence", (json_int_t)line->sequence, "sha256", sha256, "id",
        line->why.id, "clause", line->why.clause, "text", line->why.text, "remarks", line->remarks));
    r->first = false;
}

static void update_line(void *context, const tlist_run_line *line)
{
    update_report *r = context;
    char sha256[65];
    r->refused += !line->accepted;
    r->lines++;
    if (r->json) {
        print_json(r, line);
    } else if (line->accepted) {
        printf("ok    %-8s %-3s %-9s sequence %llu -> %llu%s  %s\n", line->source, line->territory,
               tlist_state_text(line->state), (unsigned long long)line->sequence_before,
               (unsigned long long)line->sequence, line->unchanged ? " (unchanged)" : "", line->remarks);
    } else {
        printf("no    %-8s %-3s %-9s %s (%s) %s\n", line->source, line->territory,
               line->sequence == 0 ? "-" : tlist_state_text(line->state), line->why.id, line->why.clause,
               line->why.text);
        dx_hex(dx_bytes_of(line->sha256, 32), sha256);
        if (strcmp(line->why.id, "TL-702") == 0)
            printf("      to accept this document by hand: --accept-reissue %s %s\n", line->source, sha256);
    }
    fflush(stdout);
}

/* `--accept-reissue ID SHA256` takes two words; the option's value is the first, the other is a word behind
 * it. */
static bool take_reissue(const cli_option *o, int *argc, char **argv, uint8_t sha256[32], tlist_confirmed *c)
{
    size_t size = 32;
    c->reissue_source = cli_value(o, "--accept-reissue");
    if (c->reissue_source == NULL)
        return true;
    if (*argc < 2 || !dx_hex_decode(dx_bytes_text(argv[*argc - 1]), sha256, &size) || size != 32) {
        fputs("sekisho: --accept-reissue needs ID SHA256, 64 small hex digits\n", stderr);
        return false;
    }
    (*argc)--;
    c->reissue_sha256 = sha256;
    return true;
}

static int run(cli_lists *l, const char *only, bool json)
{
    dx_why why = {0};
    update_report r = {.json = json, .first = true};
    if (json)
        fputs("[", stdout);
    struct dx_rc rc =
        tlist_store_update(l->store, &(tlist_run){.only = only, .line = update_line, .context = &r}, &why);
    if (json)
        fputs("]\n", stdout);
    return rc.code != DX_OK ? cli_lists_fail(&why, rc) : r.refused > 0 ? 1 : 0;
}

int cli_trust_update(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"},
                      {.name = "--json", .flag = true},
                      {.name = "--dry-run", .flag = true},
                      {.name = "--from"},
                      {.name = "--accept-location"},
                      {.name = "--accept-reissue"},
                      {.name = "--reset-sequence"},
                      {.name = "--reason"},
                      {.name = NULL}};
    cli_lists l;
    dx_why why = {0};
    uint8_t reissue[32];
    cli_lists_wish wish = {0};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL ||
        !take_reissue(o, &argc, argv, reissue, &wish.confirmed) || argc > 2)
        return cli_usage("trust update");
    wish.write = cli_value(o, "--dry-run") == NULL;
    wish.from_dir = cli_value(o, "--from");
    wish.confirmed.location = cli_value(o, "--accept-location");
    wish.confirmed.reset_sequence = cli_value(o, "--reset-sequence");
    wish.confirmed.reset_reason = cli_value(o, "--reason");
    if ((wish.confirmed.reset_sequence != NULL) != (wish.confirmed.reset_reason != NULL)) {
        fputs(
            "sekisho: --reset-sequence ID and --reason TEXT stand together: why it was done stays beside the "
            "memory of sequence numbers\n",
            stderr);
        return 2;
    }
    struct dx_rc rc = cli_lists_open_as(cli_value(o, "-c"), &wish, &l, &why);
    if (rc.code != DX_OK)
        return cli_lists_fail(&why, rc);
    int code = run(&l, argc == 2 ? argv[1] : NULL, cli_value(o, "--json") != NULL);
    cli_lists_close(&l);
    return code;
}
