#include "gateway/upstream/upstream_private.h"

#include "trust/base/log.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>

#define INTERIM_MAX      8
#define RESPONSE_ARENA   (256U << 10)

static int64_t now_us(const upstream_pool *p)
{
    return dx_mono_us(net_worker_clock(p->worker));
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void start_next(upstream_pool *p);
static void link_close(pipe_end *l);

/* ---- how a request ends ---- */

static void request_free(upstream_request *r)
{
    net_timer_stop(&r->timer);
    dx_arena_fini(&r->arena);
    free(r);
}

static void fail(upstream_request *r, const char *slug, const dx_why *why)
{
    upstream_pool *p = r->pool;
    pipe_end          *l = r->link;
    bool           counts = strcmp(slug, "upstream-unreachable") == 0 || strcmp(slug, "upstream-timeout") == 0;
    if (counts && !r->got_bytes && ++p->fails >= or_default(p->spec.breaker_fails, 5)) {
        p->open_until_us = now_us(p) + (int64_t)or_default(p->spec.breaker_open_s, 10) * 1000000;
        dx_log(DX_LOG_WARN, "upstream.breaker_open", F_STR("address", p->address));
    }
    r->link = NULL;
    if (l != NULL) {
        l->request = NULL;
        link_close(l);
    }
    bool cancelled = r->cancelled, after_head = r->got_head;
    upstream_events events = r->events;
    void *user = r->user;
    dx_why kept = *why;
    request_free(r);
    if (!cancelled)
        events.failed(user, slug, &kept, after_head);
}

static void fail_text(upstream_request *r, dx_code code, const char *slug, const char *id, const char *clause, const char *text)
{
    dx_why why;
    (void)dx_fail(&why, code, id, clause, "%s", text);
    fail(r, slug, &why);
}

/* Once more on another connection, only where nothing can happen twice (dataplane.md 10). */
static bool retry(upstream_request *r, bool connect_failed)
{
    bool reused = r->link != NULL && r->link->reused;
    if (r->attempts > 1 || r->got_bytes || !(connect_failed || (reused && r->safe)))
        return false;
    pipe_end *l = r->link;
    r->link = NULL;
    if (l != NULL) {
        l->request = NULL;
        link_close(l);
    }
    upstream_pool *p = r->pool;
    r->next = p->queue; /* it has waited already: first in line */
    p->queue = r;
    if (r->next == NULL)
        p->queue_end = &r->next;
    p->queued++;
    start_next(p);
    return true;
}

/* ---- connections ---- */

static void on_closed(uv_handle_t *handle)
{
    pipe_end *l = handle->data;
    dx_buf_fini(&l->out);
    dx_buf_fini(&l->in);
    free(l);
}

static void link_close(pipe_end *l)
{
    if (l->closing)
        return;
    l->closing = true;
    if (l->idle)
        l->pool->idle_count--;
    l->pool->count--;
    if (l->next != NULL)
        l->next->prev = l->prev;
    *l->prev = l->next;
    uv_close(&l->u.handle, on_closed);
}

static void broken(pipe_end *l, const char *text)
{
    upstream_request *r = l->request;
    if (r == NULL) {
        link_close(l);
        return;
    }
    if (retry(r, false))
        return;
    bool began = r->got_head || r->got_bytes;
    fail_text(r, DX_UNREACHABLE, began ? "upstream-incomplete" : "upstream-unreachable", "F34", "RFC 9112 8", text);
}

static void finish(pipe_end *l)
{
    upstream_request *r = l->request;
    upstream_pool    *p = l->pool;
    bool              keep = l->keep && l->in.size == 0 && l->sent && p->idle_count < or_default(p->spec.idle_max, 64);
    p->fails = 0;
    l->request = NULL;
    if (keep) {
        l->idle = true;
        l->idle_since_us = now_us(p);
        p->idle_count++;
        l->reused = true;
        l->head = (h1_head_state){0};
    } else {
        link_close(l);
    }
    r->link = NULL;
    upstream_events events = r->events;
    void           *user = r->user;
    bool            cancelled = r->cancelled;
    if (!cancelled)
        events.end(user, &r->response);
    request_free(r);
    start_next(p);
}

/* Content of an answer; false: the pipe_end is gone. */
static bool take_content(pipe_end *l, dx_bytes *in)
{
    upstream_request *r = l->request;
    while (true) {
        size_t   used;
        dx_bytes data;
        dx_why   why;
        h1_step  step = h1_body_take(&l->decode, *in, &used, &data, &r->response, 16, &r->arena, &why);
        *in = dx_bytes_part(*in, used, in->size);
        if (step == H1_BAD) {
            fail(r, "upstream-invalid", &why);
            return false;
        }
        if (data.size > 0)
            r->events.data(r->user, data);
        if (l->request != r) /* cancelled inside */
            return false;
        if (step == H1_DONE) {
            if (in->size > 0)
                l->keep = false; /* bytes after the end: the answer stands, the connection does not */
            finish(l);
            return false;
        }
        if (in->size == 0)
            return true;
    }
}

static bool take_head(pipe_end *l)
{
    upstream_request *r = l->request;
    const h1_rules    rules = {.header_bytes = r->pool->spec.header_bytes != 0 ? r->pool->spec.header_bytes : 32768, .field_bytes = 16384,
                               .target_bytes = 8192, .fields = 200, .response = true, .head_request = dx_bytes_is(r->head->method, "HEAD")};
    for (;;) {
        size_t  size;
        dx_why  why;
        h1_step step = h1_head_find(&l->head, dx_buf_view(&l->in), &rules, &size, &why);
        if (step == H1_MORE)
            return true;
        dx_bytes own = step == H1_DONE ? dx_arena_bytes(&r->arena, dx_bytes_part(dx_buf_view(&l->in), 0, size)) : (dx_bytes){NULL, 0};
        if (step == H1_BAD || h1_head_read(own, &rules, &r->arena, &r->response, &l->keep, &why) == H1_BAD) {
            fail(r, strcmp(why.id, "DP-135") == 0 ? "upstream-incomplete" : "upstream-invalid", &why);
            return false;
        }
        memmove(l->in.data, l->in.data + size, l->in.size - size);
        l->in.size -= size;
        l->head = (h1_head_state){0};
        if (r->response.status == 101 || (r->response.status < 200 && ++l->interim > INTERIM_MAX)) {
            fail_text(r, DX_MALFORMED, "upstream-invalid", "DP-133", "RFC 9110 15.2", "the data API switches protocols or floods interim answers");
            return false;
        }
        if (r->response.status >= 200)
            break;
    }
    r->got_head = true;
    l->in_body = true;
    h1_body_init(&l->decode, &r->response, true);
    r->events.head(r->user, &r->response);
    return l->request == r;
}

static void on_deadline(net_timer *timer);

static void wait_for(upstream_request *r, uint32_t ms)
{
    net_timer_start(r->pool->worker, &r->timer, ms, on_deadline);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    pipe_end *l = handle->data;
    *buf = uv_buf_init((char *)l->pool->room, sizeof l->pool->room);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    pipe_end *l = stream->data;
    if (l->closing || size == 0)
        return;
    if (size < 0 || l->request == NULL) { /* the end, or bytes nobody asked for */
        broken(l, "the data API closed the connection");
        return;
    }
    upstream_request *r = l->request;
    dx_bytes          in = dx_bytes_of(buf->base, (size_t)size);
    r->got_bytes = true;
    wait_for(r, or_default(r->pool->spec.idle_read_ms, 30000));
    if (!l->in_body) {
        if (dx_buf_add(&l->in, in).code != DX_OK) {
            fail_text(r, DX_TOO_LARGE, "upstream-invalid", "DP-116", "RFC 9110 5.4", "the head of the answer is too large");
            return;
        }
        if (!take_head(l) || !l->in_body)
            return;
        dx_bytes rest = dx_arena_bytes(&r->arena, dx_buf_view(&l->in));
        if (l->in.size > RESPONSE_ARENA / 2 || rest.data == NULL) {
            fail_text(r, DX_NO_MEMORY, "overloaded", "ID-901", "", "no memory for the answer");
            return;
        }
        dx_buf_clear(&l->in);
        (void)take_content(l, &rest);
        return;
    }
    (void)take_content(l, &in);
}

static void on_written(uv_write_t *write, int status)
{
    pipe_end *l = write->data;
    if (l->closing)
        return;
    if (status < 0) {
        broken(l, "the data API took no more of the request");
        return;
    }
    l->sent = true;
    dx_buf_clear(&l->out);
    if (l->request != NULL && !l->request->got_bytes)
        wait_for(l->request, or_default(l->pool->spec.first_byte_ms, 60000));
}

static void send_request(pipe_end *l)
{
    upstream_request *r = l->request;
    l->sent = l->in_body = false;
    l->interim = 0;
    dx_buf_clear(&l->out);
    dx_buf_clear(&l->in);
    l->head = (h1_head_state){0};
    struct dx_rc rc = h1_write_request(r->head, l->pool->spec.host, &l->out);
    uv_buf_t     bufs[2] = {uv_buf_init((char *)l->out.data, (unsigned)l->out.size),
                            uv_buf_init((char *)(uintptr_t)r->body.data, (unsigned)r->body.size)};
    unsigned     count = r->body.size > 0 ? 2 : 1;
    if (rc.code != DX_OK) {
        fail_text(r, rc.code, "overloaded", "ID-901", "", "no memory for the request");
        return;
    }
    if (!l->reading)
        l->reading = uv_read_start(&l->u.stream, on_alloc, on_read) == 0;
    int    taken = uv_try_write(&l->u.stream, bufs, count); /* the common case needs no request object */
    size_t done = taken > 0 ? (size_t)taken : 0;
    if (taken < 0 && taken != UV_EAGAIN) {
        broken(l, "the data API takes no request");
        return;
    }
    wait_for(r, or_default(l->pool->spec.first_byte_ms, 60000));
    if (done == l->out.size + r->body.size) {
        l->sent = true;
        dx_buf_clear(&l->out);
        return;
    }
    if (done < l->out.size) {
        bufs[0] = uv_buf_init((char *)l->out.data + done, (unsigned)(l->out.size - done));
    } else {
        bufs[0] = uv_buf_init((char *)(uintptr_t)r->body.data + (done - l->out.size), (unsigned)(r->body.size - (done - l->out.size)));
        count = 1;
    }
    l->write.data = l;
    if (uv_write(&l->write, &l->u.stream, bufs, count, on_written) != 0)
        broken(l, "the data API takes no request");
}

static void connect_failed(pipe_end *l)
{
    upstream_request *r = l->request;
    if (r == NULL) {
        link_close(l);
        return;
    }
    if (!retry(r, true))
        fail_text(r, DX_UNREACHABLE, "upstream-unreachable", "F32", "RFC 9110 15.6.3", "the data API refuses connections");
}

static void on_connected(uv_connect_t *connect, int status)
{
    pipe_end *l = connect->data;
    if (l->closing)
        return;
    if (status < 0) {
        connect_failed(l);
        return;
    }
    l->connected = true;
    if (!l->pool->is_pipe)
        uv_tcp_nodelay(&l->u.tcp, 1);
    if (l->request != NULL)
        send_request(l);
}

static void link_open(upstream_pool *p, upstream_request *r)
{
    pipe_end *l = calloc(1, sizeof *l);
    if (l == NULL) {
        fail_text(r, DX_NO_MEMORY, "overloaded", "ID-901", "", "no memory for a connection");
        return;
    }
    l->pool = p;
    l->request = r;
    r->link = l;
    dx_buf_init(&l->out, 1U << 20);
    dx_buf_init(&l->in, 256U << 10);
    l->next = p->links;
    l->prev = &p->links;
    if (l->next != NULL)
        l->next->prev = &l->next;
    p->links = l;
    p->count++;
    l->connect.data = l;
    int rv = 0;
    if (p->is_pipe)
        uv_pipe_init(net_worker_loop(p->worker), &l->u.pipe, 0);
    else
        uv_tcp_init(net_worker_loop(p->worker), &l->u.tcp);
    l->u.handle.data = l;
    if (p->is_pipe)
        uv_pipe_connect(&l->connect, &l->u.pipe, p->address + 5, on_connected);
    else
        rv = uv_tcp_connect(&l->connect, &l->u.tcp, (const struct sockaddr *)&p->target, on_connected);
    wait_for(r, or_default(p->spec.connect_ms, 3000));
    if (rv != 0)
        connect_failed(l);
}

/* ---- the queue ---- */

static pipe_end *newest_idle(upstream_pool *p)
{
    pipe_end *best = NULL;
    for (pipe_end *l = p->links; l != NULL && p->idle_count > 0; l = l->next)
        if (l->idle && !l->closing && (best == NULL || l->idle_since_us > best->idle_since_us)) {
            best = l;
            if (best->idle_since_us == now_us(p))
                break;
        }
    return best;
}

static void start(upstream_pool *p, upstream_request *r)
{
    pipe_end *l = r->attempts == 0 ? newest_idle(p) : NULL; /* a retry takes a fresh connection */
    r->attempts++;
    if (l == NULL) {
        link_open(p, r);
        return;
    }
    l->idle = false;
    p->idle_count--;
    l->request = r;
    r->link = l;
    send_request(l);
}

static void start_next(upstream_pool *p)
{
    while (p->queue != NULL && !p->freeing && (p->idle_count > 0 || p->count < or_default(p->spec.connections_max, 512))) {
        upstream_request *r = p->queue;
        p->queue = r->next;
        if (p->queue == NULL)
            p->queue_end = &p->queue;
        p->queued--;
        start(p, r);
    }
}

static void unqueue(upstream_request *r)
{
    upstream_pool *p = r->pool;
    for (upstream_request **at = &p->queue; *at != NULL; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            if (*at == NULL)
                p->queue_end = at;
            p->queued--;
            return;
        }
}

static void on_deadline(net_timer *timer)
{
    upstream_request *r = (upstream_request *)(void *)((uint8_t *)timer - offsetof(upstream_request, timer));
    if (r->link == NULL) {
        unqueue(r);
        fail_text(r, DX_BUSY, "overloaded", "DP-320", "own rule: upstream.queue_ms", "no connection to the data API became free");
    } else if (!r->link->connected) {
        if (!retry(r, true))
            fail_text(r, DX_TIMEOUT, "upstream-unreachable", "F32", "RFC 9110 15.6.3", "the data API does not accept connections in time");
    } else {
        fail_text(r, DX_TIMEOUT, "upstream-timeout", "F33", "RFC 9110 15.6.5", "the data API does not answer in time");
    }
}

/* ---- the door ---- */

static void on_sweep(net_timer *timer)
{
    upstream_pool *p = (upstream_pool *)(void *)((uint8_t *)timer - offsetof(upstream_pool, sweep));
    int64_t        oldest_us = now_us(p) - (int64_t)or_default(p->spec.idle_s, 30) * 1000000;
    for (pipe_end *l = p->links, *next; l != NULL; l = next) {
        next = l->next;
        if (l->idle && l->idle_since_us < oldest_us)
            link_close(l);
    }
    net_timer_start(p->worker, timer, 1000, on_sweep);
}

static DX_RC resolve(upstream_pool *p, dx_why *why)
{
    char        host[256];
    const char *colon = strrchr(p->address, ':');
    if (strncmp(p->address, "unix:", 5) == 0) {
        p->is_pipe = true;
        return DX_OKAY;
    }
    if (colon == NULL)
        return DX_FAIL(why, CONFIG, "", "upstream.address %s is not address:port", p->address);
    size_t n = (size_t)(colon - p->address);
    bool   v6 = p->address[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)(v6 ? n - 2 : n), v6 ? p->address + 1 : p->address);
    struct addrinfo  hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0 || found == NULL)
        return DX_FAIL(why, CONFIG, "", "upstream.address %s has no address", p->address);
    memcpy(&p->target, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return DX_OKAY;
}

DX_RC upstream_pool_new(net_worker *worker, const upstream_spec *spec, upstream_pool **out, dx_why *why)
{
    upstream_pool *p = calloc(1, sizeof *p);
    *out = NULL;
    if (p == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the pool");
    p->worker = worker;
    p->spec = *spec;
    p->queue_end = &p->queue;
    snprintf(p->address, sizeof p->address, "%s", spec->address);
    if (spec->host != NULL) {
        snprintf(p->host, sizeof p->host, "%s", spec->host);
        p->spec.host = p->host;
    }
    struct dx_rc rc = resolve(p, why);
    if (rc.code != DX_OK) {
        free(p);
        return rc;
    }
    net_timer_start(worker, &p->sweep, 1000, on_sweep);
    *out = p;
    return DX_OKAY;
}

void upstream_pool_free(upstream_pool *p)
{
    if (p == NULL)
        return;
    p->freeing = true;
    net_timer_stop(&p->sweep);
    while (p->queue != NULL) {
        upstream_request *r = p->queue;
        unqueue(r);
        fail_text(r, DX_UNREACHABLE, "draining", "F62", "", "the gateway is shutting down");
    }
    while (p->links != NULL) {
        if (p->links->request != NULL)
            fail_text(p->links->request, DX_UNREACHABLE, "draining", "F62", "", "the gateway is shutting down");
        else
            link_close(p->links);
    }
    uv_run(net_worker_loop(p->worker), UV_RUN_NOWAIT); /* the closing handles still point here */
    free(p);
}

DX_RC upstream_send(upstream_pool *p, const http_message *head, dx_bytes body, const upstream_events *events, void *user,
                    upstream_request **out, dx_why *why)
{
    *out = NULL;
    if (now_us(p) < p->open_until_us)
        return DX_FAIL_ID(why, BUSY, "F32", "own rule: circuit breaker", "the data API has failed too often; trying again soon");
    if (p->queued >= or_default(p->spec.queue_max, 1024))
        return DX_FAIL_ID(why, BUSY, "DP-320", "own rule: upstream.queue_max", "too many requests wait for the data API");
    upstream_request *r = calloc(1, sizeof *r);
    if (r == NULL)
        return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for the request");
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        r->safe |= dx_bytes_is(head->method, safe[i]);
    r->pool = p;
    r->head = head;
    r->body = body;
    r->events = *events;
    r->user = user;
    dx_arena_init(&r->arena, RESPONSE_ARENA * 2);
    *out = r;
    *p->queue_end = r;
    p->queue_end = &r->next;
    p->queued++;
    wait_for(r, or_default(p->spec.queue_ms, 5000));
    start_next(p);
    return DX_OKAY;
}

void upstream_cancel(upstream_request *r)
{
    pipe_end *l = r->link;
    if (l == NULL)
        unqueue(r);
    else {
        l->request = NULL;
        link_close(l);
    }
    upstream_pool *p = r->pool;
    request_free(r);
    start_next(p);
}

void upstream_pause(upstream_request *r)
{
    if (r->link != NULL && r->link->reading) {
        uv_read_stop(&r->link->u.stream);
        r->link->reading = false;
        net_timer_stop(&r->timer);
    }
}

void upstream_resume(upstream_request *r)
{
    if (r->link != NULL && !r->link->reading) {
        r->link->reading = uv_read_start(&r->link->u.stream, on_alloc, on_read) == 0;
        wait_for(r, or_default(r->pool->spec.idle_read_ms, 30000));
    }
}

unsigned upstream_attempts(const upstream_request *r)
{
    return r->attempts;
}
