/* upstream.c -- the door of the room: pool, queue, and how a request ends. */
#include "gateway/upstream/upstream_private.h"

#include <stdio.h>
#include <stdlib.h>

#define SWEEP_MS 1000

static const struct {
    const char *id, *clause, *text;
} checks[] = {
#define C(id, clause, text) {id, clause, text},
#include "gateway/upstream/upstream_check_table.h"
#undef C
};

const char *upstream_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (strcmp(checks[i].id, id) == 0) {
            if (clause != NULL)
                *clause = checks[i].clause;
            return checks[i].text;
        }
    }
    return NULL;
}

int64_t upstream_now_us(const upstream_pool *pool)
{
    return dx_mono_us(net_worker_clock(pool->worker));
}

/* ---- how a request ends ---- */

static void request_free(upstream_request *r)
{
    net_timer_stop(&r->timer);
    dx_arena_fini(&r->arena);
    free(r);
}

/* Takes the request off whatever it is on; the link, if there is one, is closed. */
static void detach(upstream_request *r)
{
    upstream_pool *pool = r->pool;
    if (r->link != NULL) {
        r->link->request = NULL;
        upstream_link_close(r->link);
        r->link = NULL;
        return;
    }
    for (upstream_request **at = &pool->queue; *at != NULL; at = &(*at)->next) {
        if (*at == r) {
            *at = r->next;
            if (*at == NULL)
                pool->queue_end = at;
            pool->queued--;
            return;
        }
    }
}

static void tell_failure(upstream_request *r)
{
    upstream_events events = r->events;
    void *user = r->user;
    const char *slug = r->failed_slug;
    dx_why why = r->failed_why;
    bool after_head = r->got_head;
    request_free(r);
    events.failed(user, slug, &why, after_head);
}

static void on_failed_soon(net_timer *timer)
{
    tell_failure((upstream_request *)(void *)((uint8_t *)timer - offsetof(upstream_request, timer)));
}

void upstream_fail(upstream_request *r, const char *slug, const dx_why *why)
{
    upstream_pool *pool = r->pool;
    r->failed_slug = slug;
    r->failed_why = *why;
    detach(r);
    if (r->in_send) /* the caller does not know its request yet */
        net_timer_start(pool->worker, &r->timer, 0, on_failed_soon);
    else
        tell_failure(r);
    upstream_start_next(pool);
}

void upstream_fail_text(upstream_request *r, dx_code code, const char *slug, const char *id,
                        const char *clause, const char *text)
{
    dx_why why;
    (void)dx_fail(&why, code, id, clause, "%s", text);
    upstream_fail(r, slug, &why);
}

void upstream_done(upstream_request *r)
{
    upstream_pool *pool = r->pool;
    detach(r);
    r->ending = true;
    r->events.end(r->user, &r->response);
    request_free(r);
    upstream_start_next(pool);
}

bool upstream_retry(upstream_request *r, bool not_connected)
{
    upstream_pool *pool = r->pool;
    bool reused = r->link != NULL && r->link->reused;
    if (r->attempts > 1 || r->got_bytes || pool->freeing || upstream_now_us(pool) >= r->end_us ||
        !(not_connected || (reused && r->repeatable)))
        return false;
    r->tried = r->link == NULL ? NULL : r->link->target;
    detach(r);
    r->next = pool->queue; /* it has waited already: first in line */
    pool->queue = r;
    if (r->next == NULL)
        pool->queue_end = &r->next;
    pool->queued++;
    upstream_wait(r, pool->spec.queue_ms);
    upstream_start_next(pool);
    return true;
}

/* ---- the queue ---- */

static void on_deadline(net_timer *timer)
{
    upstream_request *r = (upstream_request *)(void *)((uint8_t *)timer - offsetof(upstream_request, timer));
    if (r->link == NULL)
        upstream_fail_text(r, DX_BUSY, "overloaded", "DP-320", "own rule: upstream.queue_ms",
                           "no connection to the data API became free");
    else
        upstream_link_deadline(r);
}

void upstream_wait(upstream_request *r, uint32_t ms)
{
    int64_t left_ms = r->end_us == INT64_MAX ? ms : (r->end_us - upstream_now_us(r->pool)) / 1000;
    net_timer_start(r->pool->worker, &r->timer,
                    left_ms < 0             ? 0
                    : left_ms < (int64_t)ms ? (uint32_t)left_ms
                                            : ms,
                    on_deadline);
}

static void start(upstream_pool *pool, upstream_request *r)
{
    upstream_link *link =
        r->attempts == 0 ? upstream_link_idle(pool) : NULL; /* a retry takes a fresh connection */
    r->attempts++;
    if (link == NULL) {
        upstream_target *target = upstream_target_choose(pool, r->tried);
        if (target == NULL)
            upstream_fail_text(r, DX_UNREACHABLE, "upstream-unreachable", "F32", "own rule: circuit breaker",
                               "no address of the data API answers");
        else
            upstream_link_open(pool, target, r);
        return;
    }
    link->request = r;
    r->link = link;
    upstream_link_send(link);
}

void upstream_start_next(upstream_pool *pool)
{
    while (pool->queue != NULL && !pool->freeing) {
        upstream_request *r = pool->queue;
        bool idle = r->attempts == 0 && pool->idle_count > 0;
        if (!idle && pool->count >= pool->spec.connections_max)
            return;
        pool->queue = r->next;
        if (pool->queue == NULL)
            pool->queue_end = &pool->queue;
        r->next = NULL;
        pool->queued--;
        start(pool, r);
    }
}

/* ---- the pool ---- */

static void on_sweep(net_timer *timer)
{
    upstream_pool *pool = (upstream_pool *)(void *)((uint8_t *)timer - offsetof(upstream_pool, sweep));
    int64_t oldest_us = upstream_now_us(pool) - (int64_t)pool->spec.idle_s * 1000000;
    for (upstream_link *link = pool->links, *next; link != NULL; link = next) {
        next = link->next;
        if (link->idle && link->idle_since_us < oldest_us)
            upstream_link_close(link);
    }
    net_timer_start(pool->worker, timer, SWEEP_MS, on_sweep);
}

static void set_default(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static void resolve_spec(upstream_spec *spec) /* dataplane.md 15 */
{
    set_default(&spec->connect_ms, 3000);
    set_default(&spec->first_byte_ms, 60000);
    set_default(&spec->idle_read_ms, 30000);
    set_default(&spec->idle_s, 30);
    set_default(&spec->idle_max, 64);
    set_default(&spec->connections_max, 512);
    set_default(&spec->queue_max, 1024);
    set_default(&spec->queue_ms, 5000);
    set_default(&spec->breaker_fails, 5);
    set_default(&spec->breaker_open_s, 10);
    if (spec->header_bytes == 0)
        spec->header_bytes = 32768;
}

static void pool_release(upstream_pool *pool)
{
    net_tls_client_free(pool->tls);
    free(pool);
}

static DX_RC pool_make(net_worker *worker, const upstream_spec *spec, upstream_pool **out, dx_why *why)
{
    upstream_pool *pool = calloc(1, sizeof *pool);
    *out = NULL;
    if (pool == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the pool");
    pool->spec = *spec;
    pool->queue_end = &pool->queue;
    resolve_spec(&pool->spec);
    if (spec->host != NULL) {
        snprintf(pool->host, sizeof pool->host, "%s", spec->host);
        pool->spec.host = pool->host;
    }
    struct dx_rc rc = upstream_targets_resolve(pool, why);
    if (rc.code == DX_OK)
        rc = upstream_tls_open(pool, worker, why);
    /* The caller's strings end with this call. */
    pool->spec.addresses = NULL;
    pool->spec.tls = (upstream_tls_spec){0};
    if (rc.code != DX_OK)
        pool_release(pool);
    else
        *out = pool;
    return rc;
}

DX_RC upstream_check(const upstream_spec *spec, dx_why *why)
{
    upstream_pool *pool;
    struct dx_rc rc = pool_make(NULL, spec, &pool, why);
    if (rc.code == DX_OK)
        pool_release(pool);
    return rc;
}

DX_RC upstream_pool_new(net_worker *worker, const upstream_spec *spec, upstream_pool **out, dx_why *why)
{
    struct dx_rc rc = pool_make(worker, spec, out, why);
    if (rc.code != DX_OK)
        return rc;
    (*out)->worker = worker;
    net_timer_start(worker, &(*out)->sweep, SWEEP_MS, on_sweep);
    return DX_OKAY;
}

void upstream_pool_free(upstream_pool *pool)
{
    if (pool == NULL)
        return;
    pool->freeing = true;
    net_timer_stop(&pool->sweep);
    while (pool->queue != NULL)
        upstream_fail_text(pool->queue, DX_UNREACHABLE, "draining", "F62", "",
                           "the gateway is shutting down");
    while (pool->links != NULL) {
        if (pool->links->request != NULL)
            upstream_fail_text(pool->links->request, DX_UNREACHABLE, "draining", "F62", "",
                               "the gateway is shutting down");
        else
            upstream_link_close(pool->links);
    }
    uv_run(net_worker_loop(pool->worker), UV_RUN_NOWAIT); /* links that close still point here */
    pool_release(pool);
}

/* ---- the door ---- */

static bool may_be_repeated(dx_bytes method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (dx_bytes_is(method, methods[i]))
            return true;
    return false;
}

DX_RC upstream_send(upstream_pool *pool, const http_message *head, dx_bytes body,
                    const upstream_events *events, void *user, upstream_request **out, dx_why *why)
{
    *out = NULL;
    if (pool->freeing)
        return DX_FAIL_ID(why, UNREACHABLE, "F62", "", "the gateway is shutting down");
    if (pool->idle_count == 0 && !upstream_target_any(pool))
        return DX_FAIL_ID(why, BUSY, "F32", "own rule: circuit breaker",
                          "the data API has failed too often; trying again soon");
    if (pool->queued >= pool->spec.queue_max)
        return DX_FAIL_ID(why, BUSY, "DP-320", "own rule: upstream.queue_max",
                          "too many requests wait for the data API");
    upstream_request *r = calloc(1, sizeof *r);
    if (r == NULL)
        return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for the request");
    *r = (upstream_request){.pool = pool,
                            .head = head,
                            .body = body,
                            .events = *events,
                            .user = user,
                            .repeatable = may_be_repeated(head->method)};
    r->end_us =
        pool->spec.total_ms == 0 ? INT64_MAX : upstream_now_us(pool) + (int64_t)pool->spec.total_ms * 1000;
    dx_arena_init(&r->arena, UPSTREAM_ARENA_BYTES);
    *pool->queue_end = r;
    pool->queue_end = &r->next;
    pool->queued++;
    upstream_wait(r, pool->spec.queue_ms);
    *out = r;
    r->in_send = true; /* no event comes before we return */
    upstream_start_next(pool);
    r->in_send = false;
    return DX_OKAY;
}

void upstream_cancel(upstream_request *r)
{
    upstream_pool *pool = r->pool;
    if (r->ending) /* from within `end`: it is over anyway */
        return;
    detach(r);
    request_free(r);
    upstream_start_next(pool);
}

void upstream_pause(upstream_request *r)
{
    r->paused = true;
    if (r->link != NULL && r->got_head) {
        upstream_link_read(r->link, false);
        net_timer_stop(&r->timer);
    }
}

void upstream_resume(upstream_request *r)
{
    r->paused = false;
    if (r->link != NULL && r->got_head) {
        upstream_link_read(r->link, true);
        upstream_wait(r, r->pool->spec.idle_read_ms);
    }
}

unsigned upstream_attempts(const upstream_request *r)
{
    return r->attempts;
}
