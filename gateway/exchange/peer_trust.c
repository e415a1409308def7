#include "gateway/exchange/peer_trust.h"

#include "gateway/exchange/exchange.h"
#include "trust/base/log.h"

#include <stdlib.h>

#define SLICE_US 1000 /* of a sweep, in one turn of the loop */
#define TICK_MS  1000

/* ---- cutting ---- */

static size_t cause_of(const trust_verdict *v)
{
    static const char *const ids[GATE_CUT_CAUSES] = {"ID-40", "ID-309", "ID-30", "ID-204"};
    for (size_t i = 0; i + 1 < GATE_CUT_CAUSES; i++)
        if (strncmp(v->id, ids[i], strlen(ids[i])) == 0)
            return i;
    return GATE_CUT_CAUSES - 1;
}

static void recorded(void *context, struct dx_rc rc, const prov_receipt *receipt, const dx_why *why)
{
    (void)context;
    (void)receipt;
    if (rc.code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.refused", why);
}

/* Closures count in a `refused` leaf (provenance.md 4.3). */
static void record_cut(gate_worker *w, const net_peer *peer, const trust_verdict *v, unsigned connections)
{
    dx_arena arena = {0};
    dx_why why = {0};
    int64_t now_us = dx_now_us(w->gate->clock);
    prov_record *r = prov_record_new(&arena, PROV_REFUSED);
    if (r != NULL) {
        prov_set_time(r, "time.start", now_us);
        prov_set_str(r, "time.source", w->view->config->gateway->time_source);
        prov_set_time(r, "refused.from", now_us);
        prov_set_time(r, "refused.to", now_us);
        prov_add_object(r, "refused.counts");
        prov_set_sha256(r, "refused.counts.peer", peer->leaf_sha256);
        prov_set_str(r, "refused.counts.id", v->id);
        prov_set_int(r, "refused.counts.n", connections);
    }
    if (r == NULL || prov_append(w->gate->log, r, recorded, NULL, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.refused", &why);
    dx_arena_fini(&arena);
}

/* Answers whose record is on its way or durable may finish; everything else that runs is reset. */
static void cut(gate_worker *w, const net_peer *peer, const judged *j)
{
    const trust_verdict *v = &j->verdict;
    size_t cause = cause_of(v), aborted = exchange_abort_peer(w, peer);
    unsigned count = net_peer_cut(w->worker, peer, (uint32_t)w->view->config->peer->finish_s);
    char hex[DX_HEX_SIZE(32)];
    if (count == 0)
        return;
    dx_hex(dx_bytes_of(peer->leaf_sha256, 32), hex);
    atomic_fetch_add_explicit(&w->gate->cuts[cause], count, memory_order_relaxed);
    dx_log(DX_LOG_SECURITY, "peer.cut", F_STR("cause", gate_cut_causes[cause]), F_STR("id", v->id),
           F_STR("clause", v->clause), F_STR("certificate", hex),
           F_STR("org", v->org.kind == ORGANISATION_LEGAL ? v->org.id : NULL), F_INT("connections", count),
           F_INT("aborted", (int64_t)aborted), F_INT("epoch", (int64_t)w->view->epoch));
    record_cut(w, peer, v, count);
}

/* ---- what is believed ---- */

static void trust_free(void *user)
{
    peer_trust *t = user;
    judged_unref(t->judged);
    free(t);
}

static bool holds(const gate_worker *w, const judged *j)
{
    return judged_holds(j, w->view->trust, w->view->block);
}

judged *peer_trust_confirm(gate_worker *w, const net_peer *peer, int64_t now_s)
{
    peer_trust *t = peer->user;
    if (t != NULL && t->epoch != w->view->epoch && holds(w, t->judged))
        t->epoch = w->view->epoch;
    return peer_trust_known(w, peer, now_s);
}

bool peer_trust_take(gate_worker *w, const net_peer *peer, judged *answer)
{
    peer_trust *t = peer->user;
    if (w->view == NULL || !holds(w, answer))
        return false;
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t == NULL)
            return true; /* it counts for who asked, and is asked again */
        net_peer_set_user(peer, t, trust_free);
    }
    judged_ref(answer);
    judged_unref(t->judged);
    t->judged = answer;
    t->epoch = w->view->epoch;
    bool no = answer->verdict.answer != TRUST_YES && answer->verdict.kind != TRUST_KIND_UNKNOWN;
    if (no && t->believed)
        cut(w, peer, answer);
    /* Not knowing is no news: connections stay, requests are refused as unknown. */
    t->believed = answer->verdict.answer == TRUST_YES || (t->believed && !no);
    return true;
}

/* ---- asking without a request ---- */

typedef struct {
    judge_question question;
    gate_worker *w;
    const net_peer *peer; /* held */
    gate_view *view;      /* a reference */
} peer_ask;

static void answered(net_task *task)
{
    judge_question *q = (judge_question *)(void *)((uint8_t *)task - offsetof(judge_question, task));
    peer_ask *a = (peer_ask *)(void *)q;
    peer_trust *t = a->peer->user;
    if (t != NULL)
        t->asking = false;
    if (q->answer != NULL)
        (void)peer_trust_take(a->w, a->peer, q->answer); /* no longer true: the second hand asks again */
    judged_unref(q->answer);
    net_peer_unhold(a->w->worker, a->peer);
    gate_view_unref(a->view);
    free(a);
}

static void ask(gate_worker *w, const net_peer *peer, peer_trust *t, bool recheck)
{
    dx_why why;
    peer_ask *a = t->asking ? NULL : calloc(1, sizeof *a);
    if (a == NULL)
        return;
    a->w = w;
    a->peer = peer;
    a->view = gate_view_ref(w->view);
    a->question = (judge_question){.leaf_sha256 = peer->leaf_sha256,
                                   .leaf = peer->leaf,
                                   .presented = peer->chain,
                                   .presented_count = peer->chain_count,
                                   .snapshot = w->view->trust,
                                   .block = w->view->block,
                                   .recheck = recheck,
                                   .worker = w->worker,
                                   .task = {.fn = answered}};
    if (judge_ask(w->gate->judges, &a->question, &why).code != DX_OK) {
        gate_view_unref(a->view);
        free(a);
        return; /* the queue is full: at the next second */
    }
    t->asking = true;
    net_peer_hold(peer);
}

/* ---- the second hand, and the sweep after a new epoch ---- */

static void look(net_worker *worker, const net_peer *peer, void *context)
{
    gate_worker *w = context;
    peer_trust *t = peer->user;
    (void)worker;
    if (t == NULL || net_peer_connections(peer) == 0 || w->view->trust == NULL)
        return;
    int64_t now_s = dx_now_s(w->gate->clock);
    if (peer_trust_confirm(w, peer, now_s) == NULL)
        ask(w, peer, t, false);
    else if (t->judged->recheck_s <= now_s && t->judged->verdict.answer == TRUST_YES)
        ask(w, peer, t, true);
}

static bool in_slice(void *context)
{
    const gate_worker *w = context;
    return dx_mono_us(w->gate->clock) < w->slice_end_us;
}

static void sweep(gate_worker *w);

static void go_on(net_task *task)
{
    gate_worker *w = (gate_worker *)(void *)((uint8_t *)task - offsetof(gate_worker, sweep_task));
    w->sweep_posted = false;
    sweep(w);
}

static void sweep(gate_worker *w)
{
    w->slice_end_us = dx_mono_us(w->gate->clock) + SLICE_US;
    net_worker_each_peer(w->worker, &w->sweep_at, in_slice, look, w);
    if (w->sweep_at == 0 || w->sweep_posted)
        return;
    w->sweep_task.fn = go_on;
    w->sweep_posted = net_post(w->worker, &w->sweep_task);
}

static void tick(net_timer *timer)
{
    gate_worker *w = (gate_worker *)(void *)((uint8_t *)timer - offsetof(gate_worker, second));
    if (w->view != NULL && w->sweep_at == 0)
        sweep(w);
    net_timer_start(w->worker, &w->second, TICK_MS, tick);
}

void peer_trust_start(gate_worker *w)
{
    net_timer_start(w->worker, &w->second, TICK_MS, tick);
}

void peer_trust_stop(gate_worker *w)
{
    net_timer_stop(&w->second);
}

void peer_trust_new_epoch(gate_worker *w)
{
    w->sweep_at = 0;
    sweep(w);
}
