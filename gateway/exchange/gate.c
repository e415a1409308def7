#include "gateway/exchange/gate.h"

#include "gateway/exchange/exchange.h"
#include "gateway/exchange/peer_trust.h"
#include "trust/base/log.h"

#include <stdlib.h>

const char *const gate_cut_causes[GATE_CUT_CAUSES] = {"revoked", "blocked", "not-listed", "expired", "other"};

gate_view *gate_view_ref(gate_view *view)
{
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
    return view;
}

void gate_view_unref(gate_view *view)
{
    if (view == NULL || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
        return;
    policy_unref(view->policy);
    tlist_snapshot_unref(view->trust);
    trust_block_unref(view->block);
    seal_credential_unref(view->credential);
    free(view);
}

upstream_spec gate_upstream_spec(const config *c)
{
    const config_upstream *u = c->upstream;
    const config_upstream_tls *t = c->upstream_tls_count == 1 ? c->upstream_tls : &(config_upstream_tls){0};
    return (upstream_spec){
        .addresses = u->addresses.items,
        .address_count = u->addresses.count,
        .tls = {.ca_file = t->ca, .name = t->name, .certificate_file = t->cert, .key_file = t->key},
        .host = u->host,
        .connect_ms = (uint32_t)u->connect_ms,
        .first_byte_ms = (uint32_t)u->first_byte_ms,
        .idle_read_ms = (uint32_t)u->idle_read_ms,
        .connections_max = (uint32_t)u->connections_max,
        .idle_max = (uint32_t)u->idle_max,
        .queue_max = (uint32_t)u->queue_max};
}

void gate_worker_started(net_worker *worker, void *gate_pointer)
{
    gate *g = gate_pointer;
    gate_worker *w = net_worker_user(worker);
    const upstream_spec spec = gate_upstream_spec(g->config);
    dx_why why;
    if (w != NULL && upstream_pool_new(worker, &spec, &w->pool, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "upstream.unusable", &why);
    if (w != NULL && path_judge_new(&w->seal_judge, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "judge.unusable", &why);
    if (w != NULL) {
        w->shard = atomic_fetch_add(&g->workers, 1) % GATE_SHARDS;
        peer_trust_start(w);
    }
}

void gate_worker_stopped(net_worker *worker, void *gate_pointer)
{
    (void)gate_pointer;
    gate_worker *w = net_worker_user(worker);
    if (w == NULL)
        return;
    peer_trust_stop(w);
    upstream_pool_free(w->pool);
    path_judge_free(w->seal_judge);
    gate_view_unref(w->view);
    net_worker_set_user(worker, NULL);
    free(w);
}

typedef struct {
    net_task task;
    net_worker *worker;
    gate_view *view;
} view_message;

static void take_view(net_task *task)
{
    view_message *m = (view_message *)(void *)task;
    gate_worker *w = net_worker_user(m->worker);
    if (w != NULL) {
        bool moved = w->view == NULL || w->view->epoch != m->view->epoch;
        gate_view_unref(w->view);
        w->view = m->view;
        if (moved)
            peer_trust_new_epoch(w);
    } else {
        gate_view_unref(m->view);
    }
    free(m);
}

void gate_publish(gate *g, net_server *server, gate_view *view)
{
    (void)g;
    net_worker **workers;
    unsigned count = net_server_workers(server, &workers);
    for (unsigned i = 0; i < count; i++) {
        view_message *m = calloc(1, sizeof *m);
        if (m == NULL)
            continue; /* this worker keeps its old view; the next publication reaches it */
        m->task.fn = take_view;
        m->worker = workers[i];
        m->view = gate_view_ref(view);
        if (!net_post(workers[i], &m->task)) {
            gate_view_unref(view);
            free(m);
        }
    }
}
