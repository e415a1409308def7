#include "gateway/cli/cli_lists.h"

#include "gateway/admin/control.h"

void cli_lists_close(cli_lists *l)
{
    tlist_store_close(l->store);
    dx_fetcher_free(l->fetcher);
    dx_arena_fini(&l->arena);
    config_free(l->cf);
}

DX_RC cli_lists_open_as(const char *file, const cli_lists_wish *wish, cli_lists *l, dx_why *why)
{
    *l = (cli_lists){0};
    DX_TRY(cli_config(file, &l->cf, why));
    struct dx_rc rc = control_fetcher(l->cf, &l->fetcher, why);
    if (rc.code == DX_OK)
        rc = control_sources(l->cf, &dx_io_system, &l->arena, &l->sources, &l->source_count, why);
    l->state_dir = dx_arena_printf(&l->arena, "%s/trust", l->cf->root->state_dir);
    if (rc.code == DX_OK && l->state_dir == NULL)
        rc = DX_FAIL(why, NO_MEMORY, "", "no memory");
    if (rc.code == DX_OK && wish->write)
        rc = dx_io_make_folders(&dx_io_system, l->state_dir, 0700, why);
    const tlist_store_spec spec = {.sources = l->sources,
                                   .source_count = l->source_count,
                                   .state_dir = l->state_dir,
                                   .grace_s = (uint32_t)l->cf->trust->grace_s,
                                   .run_deadline_s = (uint32_t)l->cf->trust->run_deadline_s,
                                   .built_s = SEKISHO_BUILT_S,
                                   .io = &dx_io_system,
                                   .clock = &dx_clock_system,
                                   .fetcher = l->fetcher,
                                   .from_dir = wish->from_dir,
                                   .confirmed = wish->confirmed,
                                   .read_only = !wish->write};
    if (rc.code == DX_OK)
        rc = tlist_store_open(&spec, &l->store, why);
    if (rc.code != DX_OK)
        cli_lists_close(l);
    return rc;
}

DX_RC cli_lists_open(const char *file, cli_lists *l, dx_why *why)
{
    return cli_lists_open_as(file, &(cli_lists_wish){.write = false}, l, why);
}

int cli_lists_fail(const dx_why *why, struct dx_rc rc)
{
    int code = cli_fail(why, rc);
    return rc.code == DX_BUSY ? 4 : code;
}
