/* upstream_link.c -- one connection to the data API. Idle ones stay armed for reading: whatever comes on
 * them, bytes or their end, takes them out of the pool. */
#include "gateway/upstream/upstream_private.h"

#include <stdlib.h>

/* ---- closing and keeping ---- */

static void on_closed(uv_handle_t *handle)
{
    upstream_link *link = handle->data;
    net_tls_session_free(link->tls);
    dx_buf_fini(&link->out);
    dx_buf_fini(&link->in);
    free(link);
}

static void unlink_it(upstream_link *link)
{
    if (link->next != NULL)
        link->next->prev = link->prev;
    *link->prev = link->next;
}

/* Newest first: the pool is LIFO, so what is not needed grows old and is swept. */
static void put_first(upstream_link *link)
{
    upstream_pool *pool = link->pool;
    link->next = pool->links;
    link->prev = &pool->links;
    if (link->next != NULL)
        link->next->prev = &link->next;
    pool->links = link;
}

void upstream_link_close(upstream_link *link)
{
    if (link->closing)
        return;
    if (link->tls != NULL && link->connected)
        upstream_tls_end(link);
    link->closing = true;
    link->target->links--;
    if (link->probe)
        link->target->probing = false;
    if (link->idle)
        link->pool->idle_count--;
    link->pool->count--;
    unlink_it(link);
    uv_close(&link->u.handle, on_closed);
}

void upstream_link_release(upstream_link *link)
{
    upstream_pool *pool = link->pool;
    link->request->link = NULL;
    link->request = NULL;
    if (!link->keep || !link->sent || pool->freeing || pool->idle_count >= pool->spec.idle_max) {
        upstream_link_close(link);
        return;
    }
    upstream_link_read(link, true); /* a paused one must hear of its end too */
    link->idle = link->reused = true;
    link->idle_since_us = upstream_now_us(pool);
    pool->idle_count++;
    unlink_it(link);
    put_first(link);
}

upstream_link *upstream_link_idle(upstream_pool *pool)
{
    for (upstream_link *link = pool->idle_count > 0 ? pool->links : NULL; link != NULL; link = link->next) {
        if (link->idle) {
            link->idle = false;
            pool->idle_count--;
            return link;
        }
    }
    return NULL;
}

void upstream_link_broken(upstream_link *link, const char *text)
{
    upstream_request *r = link->request;
    if (r != NULL && !r->got_bytes && !link->reused)
        upstream_target_failed(link);
    if (r == NULL)
        upstream_link_close(link);
    else if (!upstream_retry(r, false))
        upstream_fail_text(r, DX_UNREACHABLE, r->got_bytes ? "upstream-incomplete" : "upstream-unreachable",
                           "F34", "RFC 9112 8", text);
}

/* No byte of a request has left: any of them may be tried elsewhere. */
void upstream_link_unusable(upstream_link *link)
{
    upstream_request *r = link->request;
    upstream_target_failed(link);
    if (r == NULL)
        upstream_link_close(link);
    else if (!upstream_retry(r, true))
        upstream_fail_text(r, DX_UNREACHABLE, "upstream-unreachable", "F32", "RFC 9110 15.6.3",
                           "the data API takes no connection");
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    upstream_link *link = handle->data;
    *buf = uv_buf_init((char *)link->pool->room, sizeof link->pool->room);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    upstream_link *link = stream->data;
    if (link->closing || size == 0)
        return;
    if (size >= 0 && link->tls != NULL)
        upstream_tls_take(link, dx_bytes_of(buf->base, (size_t)size));
    else if (size < 0 && !link->connected)
        upstream_link_unusable(link);
    else if (size < 0 || link->request == NULL) /* the end, or bytes that nobody asked for */
        upstream_link_broken(link, "the data API closed the connection before its answer was whole");
    else
        upstream_answer_take(link, dx_bytes_of(buf->base, (size_t)size));
}

void upstream_link_read(upstream_link *link, bool on)
{
    if (on == link->reading || link->closing)
        return;
    if (on) {
        link->reading = uv_read_start(&link->u.stream, on_alloc, on_read) == 0;
    } else {
        uv_read_stop(&link->u.stream);
        link->reading = false;
    }
}

/* ---- writing ---- */

void upstream_link_sent(upstream_link *link)
{
    link->sent = true;
    dx_buf_clear(&link->out);
    if (link->request != NULL && !link->request->got_bytes)
        upstream_wait(link->request,
                      link->pool->spec.first_byte_ms); /* counted from the last byte of the request */
}

static void on_written(uv_write_t *write, int status)
{
    upstream_link *link = write->data;
    if (link->closing)
        return;
    if (status < 0)
        upstream_link_broken(link, "the data API took no more of the request");
    else
        upstream_link_sent(link);
}

/* What the kernel did not take at once. */
static void send_rest(upstream_link *link, size_t done)
{
    upstream_request *r = link->request;
    size_t head = done < link->out.size ? done : link->out.size, body = done - head;
    uv_buf_t bufs[2];
    unsigned count = 0;
    if (head < link->out.size)
        bufs[count++] = uv_buf_init((char *)link->out.data + head, (unsigned)(link->out.size - head));
    if (body < r->body.size)
        bufs[count++] = uv_buf_init((char *)(uintptr_t)r->body.data + body, (unsigned)(r->body.size - body));
    link->write.data = link;
    link->unsent = link->out.size + r->body.size - done;
    upstream_wait(r,
                  r->pool->spec.idle_read_ms); /* how long a peer may take nothing: upstream_link_deadline */
    if (uv_write(&link->write, &link->u.stream, bufs, count, on_written) != 0)
        upstream_link_broken(link, "the data API takes no request");
}

void upstream_link_send(upstream_link *link)
{
    upstream_request *r = link->request;
    link->sent = link->in_body = link->keep = false;
    link->interim = 0;
    link->interim_bytes = 0;
    link->head = (h1_head_state){0};
    dx_buf_clear(&link->out);
    dx_buf_clear(&link->in);
    struct dx_rc rc = r->body.size > UINT32_MAX
                          ? (struct dx_rc){DX_TOO_LARGE}
                          : h1_write_request(r->head, link->pool->spec.host, &link->out);
    if (rc.code != DX_OK) {
        upstream_fail_text(r, rc.code, "overloaded", "ID-901", "", "no memory for the request");
        return;
    }
    upstream_link_read(link, true);
    if (link->tls != NULL) {
        upstream_tls_send(link);
        return;
    }
    uv_buf_t bufs[2] = {uv_buf_init((char *)link->out.data, (unsigned)link->out.size),
                        uv_buf_init((char *)(uintptr_t)r->body.data, (unsigned)r->body.size)};
    int taken =
        uv_try_write(&link->u.stream, bufs, r->body.size > 0 ? 2 : 1); /* the usual case needs no more */
    if (taken < 0 && taken != UV_EAGAIN)
        upstream_link_broken(link, "the data API takes no request");
    else if (taken > 0 && (size_t)taken == link->out.size + r->body.size)
        upstream_link_sent(link);
    else
        send_rest(link, taken > 0 ? (size_t)taken : 0);
}

/* ---- opening ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    upstream_link *link = connect->data;
    if (link->closing)
        return;
    if (status < 0) {
        upstream_link_unusable(link);
        return;
    }
    if (!link->target->is_pipe)
        uv_tcp_nodelay(&link->u.tcp, 1);
    if (link->pool->tls == NULL)
        upstream_link_up(link);
    else if (!upstream_tls_start(link))
        upstream_link_unusable(link);
    else
        upstream_link_read(link, true);
}

void upstream_link_up(upstream_link *link)
{
    link->connected = true;
    if (link->request != NULL)
        upstream_link_send(link);
}

void upstream_link_open(upstream_pool *pool, upstream_target *target, upstream_request *request)
{
    upstream_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        upstream_fail_text(request, DX_NO_MEMORY, "overloaded", "ID-901", "", "no memory for a connection");
        return;
    }
    link->pool = pool;
    link->target = target;
    link->request = request;
    request->link = link;
    target->links++;
    link->probe = target->probing = target->fails >= pool->spec.breaker_fails;
    dx_buf_init(&link->out, 1U << 20);
    dx_buf_init(&link->in, pool->spec.header_bytes + UPSTREAM_INTERIM_BYTES + UPSTREAM_READ_BYTES);
    put_first(link);
    pool->count++;
    link->connect.data = link;
    int failed = target->is_pipe ? uv_pipe_init(net_worker_loop(pool->worker), &link->u.pipe, 0)
                                 : uv_tcp_init(net_worker_loop(pool->worker), &link->u.tcp);
    link->u.handle.data = link;
    upstream_wait(request, pool->spec.connect_ms);
    if (failed == 0 && target->is_pipe)
        uv_pipe_connect(&link->connect, &link->u.pipe, target->text + 5, on_connected);
    else if (failed == 0)
        failed = uv_tcp_connect(&link->connect, &link->u.tcp, (const struct sockaddr *)&target->where,
                                on_connected);
    if (failed != 0)
        upstream_link_unusable(link);
}

/* ---- deadlines ---- */

/* Never again on a timeout: the data API may be busy with it (dataplane.md 10). */
void upstream_link_deadline(upstream_request *request)
{
    upstream_link *link = request->link;
    size_t unsent = link->connected && !link->sent ? uv_stream_get_write_queue_size(&link->u.stream) : 0;
    if (link->connected ? !request->got_bytes && link->sent : true)
        upstream_target_failed(link);
    if (!link->connected) {
        if (request->pool->target_count > 1 && upstream_retry(request, true))
            return;
        upstream_fail_text(request, DX_TIMEOUT, "upstream-unreachable", "F32", "RFC 9110 15.6.3",
                           "the data API does not accept connections in time");
    } else if (unsent > 0 && unsent < link->unsent && upstream_now_us(request->pool) < request->end_us) {
        link->unsent = unsent; /* slow, and still taking */
        upstream_wait(request, request->pool->spec.idle_read_ms);
    } else {
        upstream_fail_text(request, DX_TIMEOUT, "upstream-timeout", "F33", "RFC 9110 15.6.5",
                           "the data API does not answer in time");
    }
}
