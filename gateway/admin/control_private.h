/* control_private.h -- inside gateway/admin: the gateway as one struct, and who starts what.
 *
 * control.c starts and stops; control_trust.c reads the lists on a thread of its own; control_view.c makes
 * the view that exchanges act under; control_services.c opens stamps, log, regulator's desk and listeners;
 * control_report.c is what operators see.
 */
#ifndef GATEWAY_ADMIN_CONTROL_PRIVATE_H
#define GATEWAY_ADMIN_CONTROL_PRIVATE_H

#include "gateway/admin/control.h"
#include "gateway/admin/observe.h"
#include "gateway/exchange/judge.h"
#include "gateway/regulator/regulator.h"

#include <pthread.h>

struct control {
    gate gate;
    config *config;
    net_server *server;
    observe *observe;
    regulator *regulator;
    sign_key *log_keys[2];
    /* lists, on their own thread */
    dx_arena source_arena;
    tlist_source *sources;
    size_t source_count;
    tlist_store *store;
    pthread_t list_thread;
    bool list_running;
    /* shared between the control, list and stamp threads */
    pthread_mutex_t lock;
    pthread_cond_t wake_lists;
    bool stopping, lists_asked; /* asked: SIGHUP wants the lists fetched now */
    tlist_snapshot *trust;      /* newest */
    bool lists_tried;
    dx_why list_why;
    dx_why policy_why;
    const char *meter_file;
    int64_t meter_saved_s;
    const char *serial_file; /* the highest bundle accepted so far */
    gate_view *view;
    uint64_t epoch;
    int64_t credential_checked_s;
    /* the stamp service's own judge */
    path_judge_state *stamp_judge;
    /* the control thread's own */
    path_judge_state *judge;
};

/* control_trust.c */
DX_RC control_start_lists(control *c,
                          dx_why *why);           /* opens the store; what it remembers counts from now on */
DX_RC control_run_lists(control *c, dx_why *why); /* starts the thread */
void control_fetch_lists(control *c);             /* now, not when they are due; any thread */

/* control_view.c: on the control thread */
DX_RC control_first_view(control *c, dx_why *why);
void control_refresh(control *c);            /* a new list, a seal certificate to be judged again */
void control_reload(control *c);             /* SIGHUP */
gate_view *control_current_view(control *c); /* a reference, or NULL; any thread */

/* control_services.c */
DX_RC control_start_log(control *c, dx_why *why);
DX_RC control_start_stamps(control *c, dx_why *why);
DX_RC control_start_server(control *c, dx_why *why);

#endif
