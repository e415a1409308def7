/* cli_lists.h -- the lists of a configuration, opened for a command; shared by `trust ...` commands. */
#ifndef GATEWAY_CLI_CLI_LISTS_H
#define GATEWAY_CLI_CLI_LISTS_H

#include "gateway/cli/cli.h"

#include "trust/list/tlist.h"

typedef struct {
    config *cf;
    dx_arena arena;
    dx_fetcher *fetcher;
    tlist_source *sources;
    size_t source_count;
    tlist_store *store;
} cli_lists;

/* Opens what the configuration `file` names. On failure nothing is left open. */
DX_RC cli_lists_open(const char *file, cli_lists *lists, dx_why *why);
void cli_lists_close(cli_lists *lists);

#endif
