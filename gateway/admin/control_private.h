/* control_private.h -- inside gateway/admin: the gateway as one struct, and who starts what.
 *
 * control.c starts and stops; control_trust.c reads the lists on a thread of its own; control_view.c makes
 * the view that exchanges act under, with control_policy.c, control_record.c and control_reload.c;
 * control_services.c opens stamps, log, regulator's desk and listeners; control_report.c is what operators
 * see.
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
    const config *config; /* the newest */
    config **configs;     /* every one so far, of the start first */
    size_t config_count;
    net_server *server;
    observe *observe;
    regulator *regulator;
    sign_key *log_keys[2];
    /* lists, on their own thread */
    dx_arena source_arena;
    tlist_source *sources;
    size_t source_count;
    identity_rules identity;
    path_recognition recognition;
    tlist_store *store;
    pthread_t list_thread;
    bool list_running;
    /* shared between the control, list and stamp threads */
    pthread_mutex_t lock;
    pthread_cond_t wake_lists;
    bool stopping, lists_asked; /* asked: SIGHUP wants the lists fetched now */
    tlist_snapshot *trust;      /* newest */
    bool lists_tried;
    int64_t list_run_us; /* how long the newest run took */
    dx_why list_why;
    dx_why policy_why;
    int64_t list_retry_s;
    const char *meter_file;
    int64_t meter_saved_s;
    gate_view *view;
    uint64_t epoch;
    uint64_t revocations; /* judges_changes() that the view knows of */
    trust_block *block;   /* the newest that could be read */
    int64_t credential_checked_s;
    /* the stamp service's own judge */
    path_judge_state *stamp_judge;
    /* the control thread's own */
    path_judge_state *judge;
};

/* control_subject.c: reads the key, or makes it. */
DX_RC control_subject_key(control *c, dx_why *why);

/* control_trust.c */
DX_RC control_start_lists(control *c,
                          dx_why *why);           /* opens the store; what it remembers counts from now on */
DX_RC control_run_lists(control *c, dx_why *why); /* starts the thread */
void control_fetch_lists(control *c);             /* now, not when they are due; any thread */

/* control_view.c: on the control thread */
DX_RC control_first_view(control *c, dx_why *why);
void control_refresh(control *c); /* a new list, a seal certificate to be judged again, quotas to be saved */
/* A view of what is known now; takes references of its own. `cause`: why verdicts may have changed, for a new
 * epoch; NULL: they have not. NULL: no memory. */
gate_view *control_make_view(control *c, policy *p, seal_credential *credential, tlist_snapshot *trust,
                             const char *cause);
/* Reads trust.block; a file that cannot be used changes nothing. */
DX_RC control_read_block(control *c, const config *cf, dx_why *why);
void control_publish(control *c, gate_view *view); /* takes the reference */
gate_view *control_current_view(control *c);       /* a reference, or NULL; any thread */

/* control_policy.c */
void control_can(const config *cf, policy_can *can);
DX_RC control_load_policy(control *c, const config *cf, policy **out, dx_why *why);

/* control_reload.c */
void control_reload(control *c);

/* control_record.c: durable when these return */
typedef struct {
    const char *kind, *id, *territory; /* kind: tlist bundle config */
    int64_t sequence;
    const uint8_t *sha256, *signer_sha256;
} control_document;
DX_RC control_record_document(control *c, prov_type type, const control_document *document, dx_why *why);
DX_RC control_record_lists(control *c, const tlist_snapshot *trust, dx_why *why);
DX_RC control_record_policy(control *c, const policy *p, dx_why *why);

/* control_services.c */
DX_RC control_start_log(control *c, dx_why *why);
DX_RC control_start_stamps(control *c, dx_why *why);
DX_RC control_start_server(control *c, dx_why *why);

#endif
