/* tlist_world_store.h -- a store in a folder of its own, fed from a file, with a clock that stands. */
#ifndef TESTS_UNIT_TRUST_LIST_TLIST_WORLD_STORE_H
#define TESTS_UNIT_TRUST_LIST_TLIST_WORLD_STORE_H

#include "tests/unit/trust_list/tlist_world_lotl.h"

typedef struct {
    dx_clock_fixed clock;
    tlist_source source;
    tlist_store_spec spec;
    char state[96], file[96];
    tlist_run_line last;
} world;

static void on_line(void *context, const tlist_run_line *line)
{
    ((world *)context)->last = *line;
}

static void begin(world *w)
{
    static unsigned count;
    *w = (world){.source = jp()};
    snprintf(w->state, sizeof w->state, "%s/state%u", folder, count);
    snprintf(w->file, sizeof w->file, "%s/list%u.xml", folder, count++);
    w->source.url = w->file;
    dx_clock_fixed_init(&w->clock, NOW_S * INT64_C(1000000));
    w->spec = (tlist_store_spec){.sources = &w->source,
                                 .source_count = 1,
                                 .state_dir = w->state,
                                 .io = &dx_io_system,
                                 .clock = &w->clock.clock};
}

static void publish(world *w, const recipe *r)
{
    char *text = list_text(r);
    assert_int_equal(dx_io_replace_file(&dx_io_system, w->file, dx_bytes_text(text), 0600, NULL).code, DX_OK);
    free(text);
}

static const char *update(world *w, tlist_store *store, const recipe *r)
{
    publish(w, r);
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_line, .context = w}, NULL).code,
                     DX_OK);
    return w->last.accepted ? "" : w->last.why.id;
}

#endif
