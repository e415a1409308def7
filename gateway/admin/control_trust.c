#include "gateway/admin/control_private.h"

#include "trust/base/log.h"

#include <time.h>

/* Trusted lists are read on a thread of their own: a slow publisher or a large list stops neither a reload
 * nor a shutdown. */

#define LIST_RETRY_S 30 /* after a run that brought nothing; the store's own schedule is longer */

static void *list_run(void *argument)
{
    control *c = argument;
    bool all = false; /* else what is due: at the start that is everything */
    for (;;) {
        dx_why why = {0};
        const tlist_run run = {.due = !all};
        int64_t begun_us = dx_mono_us(c->gate.clock);
        struct dx_rc rc = tlist_store_update(c->store, &run, &why); /* logs each list itself */
        if (rc.code != DX_OK)
            dx_log_why(DX_LOG_WARN, "tlist.run_failed", &why);
        tlist_snapshot *fresh = tlist_store_snapshot(c->store);
        int64_t now_s = dx_now_s(c->gate.clock), due_s = tlist_store_due_s(c->store);
        all = fresh == NULL;
        if (all && due_s > now_s + LIST_RETRY_S)
            due_s = now_s + LIST_RETRY_S;
        if (due_s <= now_s)
            due_s = now_s + 1;
        pthread_mutex_lock(&c->lock);
        tlist_snapshot_unref(c->trust);
        c->trust = fresh;
        c->lists_tried = true;
        c->list_run_us = dx_mono_us(c->gate.clock) - begun_us;
        c->list_why = why;
        while (!c->stopping && !c->lists_asked && dx_now_s(c->gate.clock) < due_s) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 1;
            pthread_cond_timedwait(&c->wake_lists, &c->lock, &until);
        }
        bool stop = c->stopping;
        all = all || c->lists_asked;
        c->lists_asked = false;
        pthread_mutex_unlock(&c->lock);
        if (stop)
            return NULL;
    }
}

void control_fetch_lists(control *c)
{
    pthread_mutex_lock(&c->lock);
    c->lists_asked = true;
    pthread_cond_signal(&c->wake_lists);
    pthread_mutex_unlock(&c->lock);
}

DX_RC control_start_lists(control *c, dx_why *why)
{
    const config *cf = c->config;
    DX_TRY(control_sources(cf, c->gate.io, &c->source_arena, &c->sources, &c->source_count, why));
    const char *dir = dx_arena_printf(&c->source_arena, "%s/trust", cf->root->state_dir);
    if (dir == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    DX_TRY(dx_io_make_folders(c->gate.io, dir, 0700, why));
    const tlist_store_spec spec = {.sources = c->sources,
                                   .source_count = c->source_count,
                                   .state_dir = dir,
                                   .grace_s = (uint32_t)cf->trust->grace_s,
                                   .run_deadline_s = (uint32_t)cf->trust->run_deadline_s,
                                   .built_s = SEKISHO_BUILT_S,
                                   .io = c->gate.io,
                                   .clock = c->gate.clock,
                                   .fetcher = c->gate.fetcher};
    DX_TRY(tlist_store_open(&spec, &c->store, why));
    c->trust = tlist_store_snapshot(c->store);
    return DX_OKAY;
}

DX_RC control_run_lists(control *c, dx_why *why)
{
    if (pthread_create(&c->list_thread, NULL, list_run, c) != 0)
        return DX_FAIL(why, NO_MEMORY, "", "no thread for the lists");
    c->list_running = true;
    return DX_OKAY;
}
