#include "gateway/cli/cli_lists.h"

#include "trust/base/digest.h"

#include <stdio.h>

/* sekisho trust show: the lists in force; with a territory or a service, what they say at a time; with
 * --anchors, who may sign them. */

typedef struct {
    bool json, first;
    const char *territory;  /* NULL: all, without services */
    const uint8_t *service; /* SHA-256 of a service certificate; NULL: all */
    int64_t at_s, grace_s;
    size_t shown;
} show;

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

static const char *time_text(int64_t unix_s, char out[DX_TIME_SIZE])
{
    out[0] = '\0';
    if (unix_s > 0 && unix_s < INT64_MAX)
        dx_time_print(unix_s, out);
    return out;
}

static const char *hex_text(const uint8_t sha256[32], char out[65])
{
    dx_hex(dx_bytes_of(sha256, 32), out);
    return out;
}

static const tlist_interval *interval_at(const tlist_service *s, int64_t at_s)
{
    for (uint32_t i = 0; i < s->interval_count; i++)
        if (at_s >= s->intervals[i].from_s && at_s < s->intervals[i].until_s)
            return &s->intervals[i];
    return NULL;
}

static bool is_asked_for(const show *w, const tlist_service *s)
{
    for (uint32_t i = 0; w->service != NULL && i < s->certificate_count; i++)
        if (memcmp(s->certificates[i].sha256, w->service, 32) == 0)
            return true;
    return w->service == NULL;
}

/* ---- JSON ---- */

static json_t *intervals_json(const tlist_service *s)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < s->interval_count; i++) {
        const tlist_interval *n = &s->intervals[i];
        char from[DX_TIME_SIZE], until[DX_TIME_SIZE], kept[DX_TIME_SIZE];
        json_t *info = json_array();
        for (uint32_t k = 0; k < n->info_count; k++)
            json_array_append_new(info, json_string(n->info[k]));
        json_array_append_new(
            all, json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:i,s:o,s:s,s:s}", "from", time_text(n->from_s, from),
                           "until", time_text(n->until_s, until), "type", n->type, "status", n->status,
                           "valid", (int)n->status_valid, "usable", (int)n->usable, "qualifications",
                           (int)n->qualification_count, "info", info, "taken_over_by",
                           n->taken_over_by == NULL ? "" : n->taken_over_by, "expired_certs_from",
                           time_text(n->expired_certs_from_s, kept)));
    }
    return all;
}

static json_t *service_json(const tlist_service *s)
{
    char hex[65];
    json_t *certificates = json_array();
    for (uint32_t i = 0; i < s->certificate_count; i++)
        json_array_append_new(certificates, json_string(hex_text(s->certificates[i].sha256, hex)));
    return json_pack("{s:s,s:s,s:s,s:o,s:o}", "provider", s->provider, "provider_id",
                     s->provider_id == NULL ? "" : s->provider_id, "service", s->name, "certificates",
                     certificates, "intervals", intervals_json(s));
}

static void list_json(show *w, const tlist_facts *f, const tlist_service *const *services, size_t count)
{
    char sha256[65], signer[65], issued[DX_TIME_SIZE], next[DX_TIME_SIZE], confirmed[DX_TIME_SIZE],
        attempted[DX_TIME_SIZE];
    json_t *all = NULL;
    for (size_t i = 0; w->territory != NULL && i < count; i++)
        if (services[i]->list == f && is_asked_for(w, services[i])) {
            all = all == NULL ? json_array() : all;
            json_array_append_new(all, service_json(services[i]));
        }
    fputs(w->first ? "" : ",", stdout);
    w->first = false;
    cli_json(json_pack(
        "{s:s,s:s,s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:o*}", "source", f->source,
        "scheme", f->scheme, "territory", f->territory, "sequence", (json_int_t)f->sequence, "issued",
        time_text(f->issued_s, issued), "next_update", time_text(f->next_update_s, next), "state",
        tlist_state_text(tlist_state_at(f, w->at_s, w->grace_s)), "origin", tlist_origin_text(f->origin),
        "sha256", hex_text(f->sha256, sha256), "signer", hex_text(f->signer_sha256, signer), "url", f->url,
        "remarks", f->remarks, "confirmed", time_text(f->confirmed_s, confirmed), "attempted",
        time_text(f->attempted_s, attempted), "attempt_id", f->attempt_id, "lotl_sequence",
        (json_int_t)f->lotl_sequence, "services", all));
}

/* ---- text ---- */

static void service_text(const show *w, const tlist_service *s)
{
    const tlist_interval *n = interval_at(s, w->at_s);
    char from[DX_TIME_SIZE], until[DX_TIME_SIZE], hex[65];
    printf("  %-24s %-14s %s: %s\n", n == NULL ? "-" : last_segment(n->type),
           n == NULL ? "(no status)" : last_segment(n->status), s->provider, s->name);
    for (uint32_t i = 0; i < s->certificate_count; i++)
        printf("      certificate %s\n", hex_text(s->certificates[i].sha256, hex));
    for (uint32_t i = 0; w->service != NULL && i < s->interval_count; i++) {
        const tlist_interval *one = &s->intervals[i];
        printf("      %-20s %-20s %-24s %s%s%s%s\n", time_text(one->from_s, from),
               one->until_s == INT64_MAX ? "now" : time_text(one->until_s, until), last_segment(one->type),
               last_segment(one->status), one->usable ? "" : "  (unusable: TL-803)",
               one->taken_over_by == NULL ? "" : "  taken over by ",
               one->taken_over_by == NULL ? "" : one->taken_over_by);
        for (uint32_t k = 0; k < one->info_count; k++)
            printf("          %s\n", last_segment(one->info[k]));
    }
}

static void list_text(const show *w, const tlist_facts *f, const tlist_service *const *services, size_t count)
{
    char issued[DX_TIME_SIZE], next[DX_TIME_SIZE], hex[65];
    printf("%-8s %s/%-3s %-9s sequence %llu  issued %s  next %s  %s  %s\n", f->source, f->scheme,
           f->territory, tlist_state_text(tlist_state_at(f, w->at_s, w->grace_s)),
           (unsigned long long)f->sequence, time_text(f->issued_s, issued),
           f->next_update_s == 0 ? "-" : time_text(f->next_update_s, next), tlist_origin_text(f->origin),
           f->remarks);
    if (f->attempt_id[0] != '\0')
        printf("  newest download refused: %s at %s\n", f->attempt_id, time_text(f->attempted_s, issued));
    if (w->territory == NULL)
        return;
    printf("  list   %s\n", hex_text(f->sha256, hex));
    printf("  signer %s\n  from   %s (%s)\n", hex_text(f->signer_sha256, hex), f->url,
           tlist_origin_text(f->origin));
    for (size_t i = 0; i < count; i++)
        if (services[i]->list == f && is_asked_for(w, services[i]))
            service_text(w, services[i]);
}

static void show_lists(show *w, const tlist_snapshot *s)
{
    const tlist_facts *const *facts = NULL;
    const tlist_service *const *services = NULL;
    size_t count = s == NULL ? 0 : tlist_snapshot_lists(s, &facts);
    size_t service_count = s == NULL ? 0 : tlist_snapshot_services(s, &services);
    for (size_t i = 0; i < count; i++) {
        bool has = w->service == NULL;
        for (size_t k = 0; !has && k < service_count; k++)
            has = services[k]->list == facts[i] && is_asked_for(w, services[k]);
        if (!has || (w->territory != NULL && w->territory[0] != '\0' &&
                     strcmp(w->territory, facts[i]->territory) != 0))
            continue;
        w->shown++;
        if (w->json)
            list_json(w, facts[i], services, service_count);
        else
            list_text(w, facts[i], services, service_count);
    }
}

/* ---- who may sign, and what they signed ---- */

static json_t *signed_by(const tlist_snapshot *s, const char *source, const uint8_t sha256[32])
{
    const tlist_facts *const *facts = NULL;
    size_t count = s == NULL ? 0 : tlist_snapshot_lists(s, &facts);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        if (strcmp(facts[i]->source, source) == 0 && memcmp(facts[i]->signer_sha256, sha256, 32) == 0)
            json_array_append_new(
                all, json_sprintf("%s %llu", facts[i]->territory, (unsigned long long)facts[i]->sequence));
    return all;
}

static void show_anchors(show *w, const cli_lists *l, const tlist_snapshot *s)
{
    static tlist_signers all[512];
    const tlist_reset *resets;
    size_t count = tlist_store_signers(l->store, all, 512),
           reset_count = tlist_store_resets(l->store, &resets);
    for (size_t i = 0; i < count; i++) {
        if (w->territory != NULL && w->territory[0] != '\0' && strcmp(all[i].territory, w->territory) != 0)
            continue;
        w->shown++;
        for (size_t k = 0; k < all[i].count; k++) {
            char hex[65];
            json_t *lists = signed_by(s, all[i].source, all[i].sha256[k]), *row;
            hex_text(all[i].sha256[k], hex);
            if (w->json) {
                fputs(w->first ? "" : ",", stdout);
                w->first = false;
                cli_json(json_pack("{s:s,s:s,s:s,s:s,s:o}", "source", all[i].source, "territory",
                                   all[i].territory, "by", all[i].below ? "list of lists" : "configuration",
                                   "sha256", hex, "signed", lists));
                continue;
            }
            printf("%-8s %-3s %s", all[i].source, all[i].below ? all[i].territory : "*", hex);
            for (size_t n = 0; (row = json_array_get(lists, n)) != NULL; n++)
                printf("%s%s", n == 0 ? "  signed " : ", ", json_string_value(row));
            printf("\n");
            json_decref(lists);
        }
    }
    for (size_t i = 0; !w->json && i < reset_count; i++) {
        char at[DX_TIME_SIZE];
        printf("%-8s memory of sequence numbers dropped at %s: %s\n", resets[i].source,
               time_text(resets[i].at_s, at), resets[i].reason);
    }
}

int cli_trust_show(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"},
                      {.name = "--json", .flag = true},
                      {.name = "--anchors", .flag = true},
                      {.name = "--service"},
                      {.name = "--at"},
                      {.name = NULL}};
    cli_lists l;
    dx_why why = {0};
    uint8_t sha256[32];
    size_t size = sizeof sha256;
    show w = {.first = true, .at_s = dx_now_s(&dx_clock_system)};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc > 2)
        return cli_usage("trust show");
    if (cli_value(o, "--at") != NULL && !cli_time(cli_value(o, "--at"), &w.at_s))
        return 2;
    w.json = cli_value(o, "--json") != NULL;
    w.territory = argc == 2 ? argv[1] : NULL;
    if (cli_value(o, "--service") != NULL) {
        if (!dx_hex_decode(dx_bytes_text(cli_value(o, "--service")), sha256, &size) ||
            size != sizeof sha256) {
            fputs("sekisho: --service needs the SHA-256 of a service certificate, 64 small hex digits\n",
                  stderr);
            return 2;
        }
        w.service = sha256;
        w.territory = w.territory == NULL ? "" : w.territory; /* with its services, wherever it is */
    }
    struct dx_rc rc = cli_lists_open(cli_value(o, "-c"), &l, &why);
    if (rc.code != DX_OK)
        return cli_lists_fail(&why, rc);
    w.grace_s = l.cf->trust->grace_s;
    tlist_snapshot *s = tlist_store_snapshot(l.store);
    if (w.json)
        fputs("[", stdout);
    if (cli_value(o, "--anchors") != NULL)
        show_anchors(&w, &l, s);
    else
        show_lists(&w, s);
    if (w.json)
        fputs("]\n", stdout);
    if (w.shown == 0)
        fputs(s == NULL ? "sekisho: no trusted list is stored; run sekisho trust update first\n"
                        : "sekisho: no list that is held has that\n",
              stderr);
    bool stored = s != NULL;
    tlist_snapshot_unref(s);
    cli_lists_close(&l);
    return w.shown > 0 ? 0 : stored ? 1 : 3;
}
