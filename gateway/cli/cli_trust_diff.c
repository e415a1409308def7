#include "gateway/cli/cli_lists.h"
#include "gateway/cli/trust_peers.h"

#include "trust/base/digest.h"
#include "trust/list/tlist_diff.h"

#include <stdio.h>
#include <sys/stat.h>

/* sekisho trust diff OLD NEW: each is a list in a file, a state folder, or `running`, the folder of the
 * configuration. Exit 0: nothing changed, 1: something did. */

typedef struct { /* one of the two */
    cli_lists lists;
    tlist_store *store; /* of another folder than the configuration's */
    tlist_list *list;   /* of a file */
    tlist_snapshot *snapshot;
} side;

typedef struct {
    bool json, first;
    size_t touched, peers;
} report;

static void side_close(side *s)
{
    tlist_snapshot_unref(s->snapshot);
    tlist_list_unref(s->list);
    tlist_store_close(s->store);
    if (s->lists.cf != NULL)
        cli_lists_close(&s->lists);
}

/* Names of types and statuses as the configured source of that territory has them; else by the territory
 * alone. */
static tlist_source source_for(const cli_lists *l, const char *territory)
{
    for (size_t i = 0; i < l->source_count; i++)
        if (l->sources[i].kind == TLIST_KIND_TL && l->sources[i].territory != NULL &&
            strcmp(l->sources[i].territory, territory) == 0)
            return l->sources[i];
    bool jp = strcmp(territory, "JP") == 0;
    return (tlist_source){.id = "file", .scheme = jp ? "JP" : "EU", .max_bytes = 64U << 20};
}

static DX_RC read_file(const char *path, int64_t at_s, side *s, dx_why *why)
{
    dx_buf xml;
    dx_buf_init(&xml, 64U << 20);
    struct dx_rc rc = dx_io_read_file(&dx_io_system, path, 64U << 20, &xml, why);
    tlist_source source = source_for(&s->lists, "");
    if (rc.code == DX_OK)
        rc = tlist_read_own(dx_buf_view(&xml), &source, at_s, &s->list, why);
    if (rc.code == DX_OK && strcmp(tlist_list_facts(s->list)->territory, "EU") != 0) {
        /* Known now whose list it is: read with the names of its scheme. */
        source = source_for(&s->lists, tlist_list_facts(s->list)->territory);
        source.url = path;
        tlist_list_unref(s->list);
        s->list = NULL;
        rc = tlist_read_own(dx_buf_view(&xml), &source, at_s, &s->list, why);
    }
    dx_buf_fini(&xml);
    return rc.code == DX_OK ? tlist_snapshot_of(&s->list, 1, at_s, &s->snapshot, why) : rc;
}

static DX_RC open_folder(const char *path, side *s, dx_why *why)
{
    const tlist_store_spec spec = {.sources = s->lists.sources,
                                   .source_count = s->lists.source_count,
                                   .state_dir = path,
                                   .grace_s = (uint32_t)s->lists.cf->trust->grace_s,
                                   .io = &dx_io_system,
                                   .clock = &dx_clock_system,
                                   .read_only = true};
    DX_TRY(tlist_store_open(&spec, &s->store, why));
    s->snapshot = tlist_store_snapshot(s->store);
    return DX_OKAY;
}

static DX_RC side_open(const char *what, const char *config_file, int64_t at_s, side *s, dx_why *why)
{
    struct stat st;
    bool running = strcmp(what, "running") == 0;
    if (config_file != NULL)
        DX_TRY(cli_lists_open(config_file, &s->lists, why));
    if (running && config_file != NULL) {
        s->snapshot = tlist_store_snapshot(s->lists.store);
        return DX_OKAY;
    }
    if (running || (stat(what, &st) == 0 && S_ISDIR(st.st_mode))) {
        if (config_file == NULL)
            return DX_FAIL(why, USAGE, "", "%s needs -c FILE: it says who may sign the lists in it", what);
        return open_folder(what, s, why);
    }
    return read_file(what, at_s, s, why);
}

/* One list against a whole set: the set with this list in it, so that peers are judged by all the others too.
 */
static DX_RC side_complete(side *file, const side *set, int64_t at_s, dx_why *why)
{
    tlist_snapshot *whole;
    if (file->list == NULL || set->list != NULL || set->snapshot == NULL)
        return DX_OKAY;
    DX_TRY(tlist_snapshot_with(set->snapshot, file->list, at_s, &whole, why));
    tlist_snapshot_unref(file->snapshot);
    file->snapshot = whole;
    return DX_OKAY;
}

static void change_line(void *context, const tlist_change *c)
{
    report *r = context;
    if (r->json) {
        fputs(r->first ? "" : ",", stdout);
        r->first = false;
        cli_json(json_pack("{s:s,s:s,s:s,s:s?,s:s?}", "territory", c->territory, "kind", c->kind, "subject",
                           c->subject, "before", c->before, "after", c->after));
    } else if (c->before == NULL) {
        printf("%-3s + %-14s %s%s%s\n", c->territory, c->kind, c->subject, c->subject[0] ? ": " : "",
               c->after);
    } else if (c->after == NULL) {
        printf("%-3s - %-14s %s%s%s\n", c->territory, c->kind, c->subject, c->subject[0] ? ": " : "",
               c->before);
    } else {
        printf("%-3s ~ %-14s %s%s%s -> %s\n", c->territory, c->kind, c->subject, c->subject[0] ? ": " : "",
               c->before, c->after);
    }
}

static void peer_line(void *context, const trust_peer *p)
{
    report *r = context;
    char hex[65];
    r->peers++;
    r->touched += p->touched;
    if (!p->touched)
        return;
    dx_hex(dx_bytes_of(p->sha256, 32), hex);
    if (r->json) {
        fputs(r->first ? "" : ",", stdout);
        r->first = false;
        cli_json(json_pack("{s:s,s:s,s:s,s:s,s:s}", "kind", "peer", "subject", p->file, "sha256", hex,
                           "before", p->before, "after", p->after));
    } else {
        printf("    ! %-14s %s (%.16s): %s -> %s\n", "peer", p->file, hex, p->before, p->after);
    }
}

static int compare(side *before, side *after, const char *peers, int64_t at_s, const char *home, bool json)
{
    dx_why why = {0};
    report r = {.json = json, .first = true};
    size_t count = 0;
    /* A file is one list: beside a whole set it is compared with its own territory only. */
    const tlist_list *alone = before->list != NULL ? before->list : after->list;
    if (json)
        fputs("[", stdout);
    struct dx_rc rc =
        tlist_diff(before->snapshot, after->snapshot,
                   alone == NULL ? NULL : tlist_list_facts(alone)->territory, change_line, &r, &count, &why);
    if (rc.code == DX_OK && peers != NULL)
        rc = trust_peers(peers, before->snapshot, after->snapshot, at_s, home, peer_line, &r, &why);
    if (json)
        fputs("]\n", stdout);
    else if (rc.code == DX_OK && peers != NULL)
        printf("%zu changes, %zu of %zu peers touched\n", count, r.touched, r.peers);
    return rc.code != DX_OK ? cli_fail(&why, rc) : count + r.touched > 0 ? 1 : 0;
}

int cli_trust_diff(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"},
                      {.name = "--json", .flag = true},
                      {.name = "--peers"},
                      {.name = "--at"},
                      {.name = NULL}};
    side sides[2] = {0};
    dx_why why = {0};
    int64_t at_s = dx_now_s(&dx_clock_system);
    if (!cli_options(&argc, argv, o) || argc != 3)
        return cli_usage("trust diff");
    if (cli_value(o, "--at") != NULL && !cli_time(cli_value(o, "--at"), &at_s))
        return 2;
    struct dx_rc rc = DX_OKAY;
    for (int i = 0; i < 2 && rc.code == DX_OK; i++) {
        rc = side_open(argv[1 + i], cli_value(o, "-c"), at_s, &sides[i], &why);
        if (rc.code != DX_OK)
            fprintf(stderr, "sekisho: %s: ", argv[1 + i]);
    }
    if (rc.code == DX_OK)
        rc = side_complete(&sides[0], &sides[1], at_s, &why);
    if (rc.code == DX_OK)
        rc = side_complete(&sides[1], &sides[0], at_s, &why);
    const config *cf = sides[0].lists.cf;
    int code = rc.code != DX_OK
                   ? cli_lists_fail(&why, rc)
                   : compare(&sides[0], &sides[1], cli_value(o, "--peers"), at_s,
                             cf == NULL ? "EU" : cf->trust->home, cli_value(o, "--json") != NULL);
    side_close(&sides[0]);
    side_close(&sides[1]);
    return code;
}
