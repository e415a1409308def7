#include "gateway/cli/cli_lists.h"

#include <stdio.h>

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

int cli_trust_show(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"}, {.name = "--json", .flag = true}, {.name = NULL}};
    cli_lists l;
    dx_why why = {0};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 1)
        return cli_usage("trust show");
    struct dx_rc rc = cli_lists_open(cli_value(o, "-c"), &l, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    static const char *const states[] = {"ok", "stale", "grace", "expired", "closed", "withdrawn"};
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
            cli_json(json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:s}", "source", facts[i]->source, "scheme",
                               facts[i]->scheme, "territory", facts[i]->territory, "sequence",
                               (json_int_t)facts[i]->sequence, "issued", issued, "next_update", next, "state",
                               states[facts[i]->state]));
            continue;
        }
        printf("%s %s/%s  sequence %llu  issued %s  next %s  %s\n", facts[i]->source, facts[i]->scheme,
               facts[i]->territory, (unsigned long long)facts[i]->sequence, issued, next,
               states[facts[i]->state]);
        for (size_t k = 0; k < service_count; k++)
            if (services[k]->list == facts[i] && services[k]->interval_count > 0)
                printf("    %-28s %-12s %s: %s\n", last_segment(services[k]->intervals[0].type),
                       last_segment(services[k]->intervals[0].status), services[k]->provider,
                       services[k]->name);
    }
    if (json)
        fputs("]\n", stdout);
    tlist_snapshot_unref(s);
    cli_lists_close(&l);
    return count > 0 ? 0 : 3;
}
