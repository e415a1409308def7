#include "gateway/net/net_private.h"

/* A close that the peer can hear (RFC 9112 9.6). A socket closed while its peer still sends answers with a
 * reset, and a reset takes the last answer or GOAWAY away from a peer that has not read it yet. So our side
 * ends first, and what still comes is thrown away until the peer ends too, for a moment and up to a bound. */

#define LINGER_MS        1000
#define LINGER_MAX_BYTES (256U << 10)

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    const net_connection *c = handle->data;
    *buf = uv_buf_init((char *)c->worker->cipher, sizeof c->worker->cipher);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    net_connection *c = stream->data;
    if (size >= 0)
        c->lingered_bytes += (size_t)size;
    if (size < 0 || c->lingered_bytes > LINGER_MAX_BYTES)
        net_linger_end(c);
}

static void on_time(net_timer *timer)
{
    net_linger_end((net_connection *)(void *)((uint8_t *)timer - offsetof(net_connection, timer)));
}

static void on_shut(uv_shutdown_t *request, int status)
{
    net_connection *c = request->data;
    if (status < 0)
        net_linger_end(c);
}

void net_linger(net_connection *c, uv_close_cb closed)
{
    uv_stream_t *stream = (uv_stream_t *)&c->socket;
    c->closed = closed;
    c->lingering = true;
    c->shutdown.data = c;
    uv_read_stop(stream);
    if (uv_shutdown(&c->shutdown, stream, on_shut) != 0 || uv_read_start(stream, on_alloc, on_read) != 0)
        net_linger_end(c);
    else
        net_timer_start(c->worker, &c->timer, LINGER_MS, on_time);
}

void net_linger_end(net_connection *c)
{
    if (!c->lingering)
        return;
    c->lingering = false;
    net_timer_stop(&c->timer);
    uv_close((uv_handle_t *)&c->socket, c->closed);
}
