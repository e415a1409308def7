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
    const char *state_dir;
} cli_lists;

typedef struct {
    bool write; /* takes the lock of the state folder; else it is looked at, beside a running gateway too */
    const char *from_dir; /* a folder with manifest.json in place of the network */
    tlist_confirmed confirmed;
} cli_lists_wish;

/* Opens what the configuration `file` names, to look at it. On failure nothing is left open. */
DX_RC cli_lists_open(const char *file, cli_lists *lists, dx_why *why);
DX_RC cli_lists_open_as(const char *file, const cli_lists_wish *wish, cli_lists *lists, dx_why *why);
void cli_lists_close(cli_lists *lists);
/* cli_fail, with exit code 4 when somebody else holds the state folder. */
int cli_lists_fail(const dx_why *why, struct dx_rc rc);

#endif
