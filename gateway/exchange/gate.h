/* gate.h -- what all exchanges of this gateway share: the services, and the view of the world they act under.
 *
 * A gate_view is immutable and reference counted: configuration, policy, trust snapshot, seal credential. A
 * reload or a new list makes a new view; the control thread hands it to each worker as a message, and
 * exchanges under way finish under the view they began with. Threads: services are thread-safe as their own
 * headers say; gate_worker belongs to its worker.
 */
#ifndef GATEWAY_EXCHANGE_GATE_H
#define GATEWAY_EXCHANGE_GATE_H

#include "gateway/config/config.h"
#include "gateway/exchange/trust_block.h"
#include "gateway/net/net.h"
#include "gateway/upstream/upstream.h"
#include "policy/policy.h"
#include "trust/provenance/provenance.h"
#include "trust/seal/seal.h"

#include <stdatomic.h>

typedef struct gate gate;
typedef struct judges judges;
typedef struct exchange exchange;

typedef struct {
    atomic_uint refs;
    uint64_t epoch;    /* rises with every view that may change a verdict */
    const char *cause; /* of this epoch: start lists revocation reload; NULL: it is that of before */
    const config *config;
    policy *policy;              /* NULL: bundle.none */
    tlist_snapshot *trust;       /* NULL: no list is loaded */
    trust_block *block;          /* NULL: nobody is blocked */
    seal_credential *credential; /* NULL: no usable seal key */
    char credential_why[320];
    policy_can can;
} gate_view;
gate_view *gate_view_ref(gate_view *view);
void gate_view_unref(gate_view *view);

/* An inner upstream: serves a request from inside the gateway on threads of its own and calls
 * exchange_inner_done. */
typedef struct {
    bool (*serve)(void *context, exchange *ex); /* false: no room; then it is not called back */
    void *context;
} gate_inner;

#define GATE_CUT_CAUSES 5
extern const char *const gate_cut_causes[GATE_CUT_CAUSES]; /* of sekisho_peer_cut_total */
#define GATE_SHARDS 64

struct gate {
    const dx_clock *clock;
    const dx_io *io;
    const config *config; /* of the start: what needs a restart is read here */
    dx_fetcher *fetcher;
    judges *judges;
    stamp_service *stamps; /* NULL: mode none */
    prov_log *log;
    policy_meter *meter;
    gate_inner regulator;
    size_t regulator_listener; /* index of its listener; SIZE_MAX: closed */
    uint8_t subject_key[32];   /* persons stand in records under an HMAC with it */
    atomic_ullong exchanges_total, refusals_total, in_flight;
    atomic_ullong cuts[GATE_CUT_CAUSES]; /* connections */
    atomic_uint workers;
    struct {
        _Alignas(64) atomic_ullong hit, miss; /* written by one worker, or a few that share it */
    } verdicts[GATE_SHARDS];
    atomic_bool draining;
};

typedef struct { /* one per worker, behind net_worker_user() */
    gate *gate;
    net_worker *worker;
    gate_view *view;
    upstream_pool *pool;
    path_judge_state
        *seal_judge; /* of sealed requests; NULL: none could be made, and such requests stay unproven */
    http_handler handler;
    exchange *live; /* under way on this worker */
    unsigned shard;
    net_timer second;
    net_task sweep_task;
    bool sweep_posted;
    size_t sweep_at; /* where peer_trust's sweep goes on; 0: it is done */
    int64_t slice_end_us;
} gate_worker;

/* What the configuration says of the data API; its strings are the configuration's. */
upstream_spec gate_upstream_spec(const config *c);
/* For net_listen_spec.handler and net_server_spec.started/stopped. */
const http_handler *gate_handler(net_worker *worker, void *gate_pointer);
void gate_worker_started(net_worker *worker, void *gate_pointer);
void gate_worker_stopped(net_worker *worker, void *gate_pointer);
/* Hands a new view to every worker (one reference each) from the control thread. */
void gate_publish(gate *g, net_server *server, gate_view *view);

#endif
