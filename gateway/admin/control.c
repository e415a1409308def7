#include "gateway/admin/control_private.h"

#include "trust/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TURN_MS        200
#define DRAIN_SLACK_MS 10000

gate *control_gate(control *c)
{
    return &c->gate;
}

static DX_RC start_all(control *c, dx_why *why)
{
    const config *cf = c->config;
    DX_TRY(dx_io_make_folders(c->gate.io, cf->root->state_dir, 0700, why));
    DX_TRY(control_fetcher(cf, &c->gate.fetcher, why));
    DX_TRY(path_judge_new(&c->judge, why));
    DX_TRY(policy_meter_new(&c->gate.meter, why));
    c->meter_file = dx_arena_printf(&c->source_arena, "%s/quota-counters", cf->root->state_dir);
    if (c->meter_file == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    struct dx_rc rc = policy_meter_load(c->gate.meter, c->gate.io, c->meter_file, why);
    if (rc.code != DX_OK && rc.code != DX_NOT_FOUND)
        return rc;
    DX_TRY(control_subject_key(c, why));
    DX_TRY(control_start_log(c, why));
    DX_TRY(control_start_lists(c, why));
    DX_TRY(control_start_stamps(c, why));
    DX_TRY(control_identity(cf, c->gate.io, &c->source_arena, &c->identity, &c->recognition, why));
    const judge_spec judging = {.clock = c->gate.clock,
                                .io = c->gate.io,
                                .fetcher = c->gate.fetcher,
                                .home_scheme = cf->trust->home,
                                .identity = &c->identity,
                                .recognition = &c->recognition,
                                .state_dir = cf->root->state_dir,
                                .wait_ms = (uint32_t)cf->trust->judge_wait_ms,
                                .live_recheck_s = (uint32_t)cf->revocation->live_recheck_s};
    DX_TRY(judges_new(&judging, &c->gate.judges, why));
    DX_TRY(control_first_view(c, why));
    DX_TRY(control_start_server(c, why));
    DX_TRY(control_run_lists(c, why));
    if (cf->observe_count == 1)
        DX_TRY(observe_start(c, cf->observe->address, &c->observe, why));
    return DX_OKAY;
}

DX_RC control_start(config *cf, const dx_clock *clock, const dx_io *io, control **out, dx_why *why)
{
    *out = NULL;
    control *c = calloc(1, sizeof *c);
    if (c != NULL)
        c->configs = calloc(1, sizeof *c->configs);
    if (c == NULL || c->configs == NULL) {
        config_free(cf);
        free(c);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the gateway");
    }
    c->config = c->configs[0] = cf;
    c->config_count = 1;
    c->gate.clock = clock;
    c->gate.io = io;
    c->gate.config = cf;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake_lists, NULL);
    struct dx_rc rc = start_all(c, why);
    if (rc.code != DX_OK) {
        control_stop(c);
        return rc;
    }
    *out = c;
    return DX_OKAY;
}

int control_run(control *c)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    const struct timespec turn = {0, TURN_MS * 1000000L};
    dx_log(DX_LOG_INFO, "start.done", F_STR("version", SEKISHO_VERSION),
           F_STR("origin", prov_log_origin(c->gate.log)));
    for (;;) {
        int got = sigtimedwait(&set, NULL, &turn);
        if (got == SIGHUP)
            control_reload(c);
        else if (got == SIGTERM || got == SIGINT)
            return 0;
        control_refresh(c);
    }
}

/* Waits until no exchange is under way, at most `wait_ms`. */
static bool settled(control *c, int64_t wait_ms)
{
    for (int64_t i = 0; i < wait_ms / 20 && atomic_load(&c->gate.in_flight) > 0; i++)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    return atomic_load(&c->gate.in_flight) == 0;
}

/* Every connection is cut; what is still under way comes back to its worker while every service lives. Its
 * waits are finite: the judge, the time-stamp authorities, the log. */
static void drain(control *c)
{
    const config *cf = c->gate.config;
    dx_log(DX_LOG_INFO, "drain.started", F_INT("connections", (int64_t)net_server_connections(c->server)));
    net_server_stop_accepting(c->server);
    net_server_drain(c->server, (uint32_t)c->config->timeout->drain_s);
    net_server_cut(c->server);
    if (settled(c, cf->trust->judge_wait_ms + cf->timestamp->total_ms + DRAIN_SLACK_MS))
        return;
    /* Taking services apart under a live exchange would be worse than an end without goodbye: the log
     * recovers. */
    dx_log(DX_LOG_ERROR, "drain.stuck", F_INT("exchanges", (int64_t)atomic_load(&c->gate.in_flight)));
    _exit(5);
}

void control_stop(control *c)
{
    if (c == NULL)
        return;
    atomic_store(&c->gate.draining, true);
    if (c->server != NULL)
        drain(c);
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake_lists);
    pthread_mutex_unlock(&c->lock);
    if (c->list_running)
        pthread_join(c->list_thread, NULL);
    observe_stop(c->observe);
    judges_free(c->gate.judges);
    regulator_free(c->regulator);
    prov_log_close(c->gate.log); /* its last checkpoint still goes to the stamp service */
    stamp_service_free(c->gate.stamps);
    net_server_free(c->server);
    dx_fetcher_free(c->gate.fetcher);
    tlist_snapshot_unref(c->trust);
    tlist_store_close(c->store);
    dx_why why;
    if (c->view != NULL && policy_meter_save(c->gate.meter, c->gate.io, c->meter_file, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "quota.not_saved", &why);
    gate_view_unref(c->view);
    trust_block_unref(c->block);
    policy_meter_free(c->gate.meter);
    path_judge_free(c->judge);
    path_judge_free(c->stamp_judge);
    sign_unref(c->log_keys[0]);
    sign_unref(c->log_keys[1]);
    dx_arena_fini(&c->source_arena);
    for (size_t i = 0; i < c->config_count; i++)
        config_free(c->configs[i]);
    free(c->configs);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->wake_lists);
    free(c);
    dx_log(DX_LOG_INFO, "drain.done", F_BOOL("clean", true));
}
