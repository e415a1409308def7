#include "gateway/net/net_private.h"

#include "trust/base/log.h"

#include <openssl/err.h>
#include <stdlib.h>

/* Bytes of one connection: ciphertext from the kernel, through libssl, to its protocol, and back. */

/* ---- sending ---- */

static void on_written(uv_write_t *write, int status)
{
    net_connection *c = write->data;
    free(c->unsent);
    c->unsent = NULL;
    c->unsent_size = 0;
    if (status < 0) {
        net_connection_close(c, false);
        return;
    }
    if (!c->closing) {
        net_deadline_set(c);
        net_connection_mark(c);
    }
}

typedef struct {
    uv_write_t write;
    uint8_t bytes[];
} behind;

static void on_behind_written(uv_write_t *write, int status)
{
    (void)status; /* the write before it tells */
    free(write->data);
}

/* What SSL_read makes us say (KeyUpdate, an alert) while ciphertext still waits: it may not overtake. */
static bool transmit_behind(net_connection *c, size_t size)
{
    behind *b = malloc(sizeof *b + size);
    if (b == NULL)
        return false;
    memcpy(b->bytes, c->worker->transmit, size);
    b->write.data = b;
    uv_buf_t buf = uv_buf_init((char *)b->bytes, (unsigned)size);
    if (uv_write(&b->write, (uv_stream_t *)&c->socket, &buf, 1, on_behind_written) == 0)
        return true;
    free(b);
    return false;
}

bool net_pump_transmit(net_connection *c)
{
    net_worker *w = c->worker;
    size_t size = w->transmit_size;
    w->transmit_size = 0;
    if (size == 0)
        return true;
    if (c->unsent_size > 0)
        return transmit_behind(c, size);
    uv_buf_t buf = uv_buf_init((char *)w->transmit, (unsigned)size);
    int sent = uv_try_write((uv_stream_t *)&c->socket, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN)
        return false;
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    if (taken == size)
        return true;
    c->unsent = malloc(size - taken);
    if (c->unsent == NULL)
        return false;
    c->unsent_size = size - taken;
    memcpy(c->unsent, w->transmit + taken, c->unsent_size);
    buf = uv_buf_init((char *)c->unsent, (unsigned)c->unsent_size);
    c->write.data = c;
    return uv_write(&c->write, (uv_stream_t *)&c->socket, &buf, 1, on_written) == 0;
}

/* ---- receiving ---- */

static void want_write(void *link)
{
    net_connection_mark(link);
}

static bool established(net_connection *c)
{
    const unsigned char *protocol = NULL;
    unsigned size = 0;
    const net_listen_spec *s = c->listener->spec;
    SSL_get0_alpn_selected(c->ssl, &protocol, &size);
    peer_entry *e = net_peer_intern(c->worker, c->ssl);
    if (e == NULL)
        return false;
    net_peer_join(c, e);
    if (net_peer_of_leaf(c->worker, e) > net_or_default(s->connections_per_peer, 128))
        return false;
    const http_link link = {want_write, c};
    bool is_h2 = size == 2 && memcmp(protocol, "h2", 2) == 0;
    if (http_connection_new(is_h2, c->sni, &s->limits, c->listener->handler, &link, c, &c->http).code !=
        DX_OK)
        return false;
    c->established = true;
    c->worker->handshakes--;
    c->deadline_us = 0;
    if (c->drain_after)
        http_connection_drain(c->http);
    return true;
}

/* Decrypts the whole span: the area belongs to the next connection after this. SSL_get_error judges by the
 * thread's error queue, where another connection, or a handler, may have left something that is not ours. */
static void take_plaintext(net_connection *c)
{
    net_worker *w = c->worker;
    for (;;) {
        ERR_clear_error();
        int n = SSL_read(c->ssl, w->plain, sizeof w->plain);
        if (c->key_update_flood) {
            net_connection_close(c, false);
            return;
        }
        if (n <= 0) {
            int error = SSL_get_error(c->ssl, n);
            if (error == SSL_ERROR_WANT_READ)
                break;
            if (error == SSL_ERROR_ZERO_RETURN)
                http_connection_eof(c->http);
            else
                net_connection_close(c, false);
            break;
        }
        c->body_bytes += (uint64_t)n;
        size_t taken = 0;
        if (c->held.size == 0 && http_connection_wants_input(c->http))
            http_connection_feed(c->http, dx_bytes_of(w->plain, (size_t)n), &taken);
        if (taken < (size_t)n &&
            dx_buf_add(&c->held, dx_bytes_of(w->plain + taken, (size_t)n - taken)).code != DX_OK) {
            net_connection_close(c, false);
            return;
        }
        if (c->closing || http_connection_is_done(c->http))
            break;
    }
    if (c->closing)
        return;
    if (!net_pump_transmit(c))
        net_connection_close(c, false);
    else
        net_connection_mark(c);
}

static void take_handshake(net_connection *c)
{
    ERR_clear_error();
    int done = SSL_do_handshake(c->ssl);
    if (!net_pump_transmit(c)) {
        net_connection_close(c, false);
        return;
    }
    if (done == 1) {
        if (!established(c)) {
            net_connection_close(c, true);
            return;
        }
        take_plaintext(c);
        return;
    }
    if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ) {
        char text[160];
        dx_log(DX_LOG_INFO, "handshake.failed", F_STR("text", net_tls_error(text, sizeof text)));
        net_connection_close(c, false);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    net_connection *c = handle->data;
    *buf = uv_buf_init((char *)c->worker->cipher, sizeof c->worker->cipher);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    net_connection *c = stream->data;
    if (c->closing || size == 0)
        return;
    if (size < 0) {
        if (c->established && size == UV_EOF) {
            http_connection_eof(c->http);
            net_connection_close(c, false);
        } else {
            net_connection_close(c, false);
        }
        return;
    }
    c->worker->span = dx_bytes_of(buf->base, (size_t)size);
    if (c->established)
        take_plaintext(c);
    else
        take_handshake(c);
    c->worker->span = (dx_bytes){NULL, 0};
}

bool net_pump_read(net_connection *c)
{
    c->reading = uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read) == 0;
    return c->reading;
}

/* ---- what a turn left ---- */

static void feed_held(net_connection *c)
{
    while (c->held.size > 0 && http_connection_wants_input(c->http)) {
        size_t taken = 0;
        http_connection_feed(c->http, dx_buf_view(&c->held), &taken);
        memmove(c->held.data, c->held.data + taken, c->held.size - taken);
        c->held.size -= taken;
        if (taken == 0)
            break;
    }
}

static void pause_or_resume(net_connection *c)
{
    bool want = !c->established || (c->held.size == 0 && http_connection_wants_input(c->http));
    if (want && !c->reading)
        (void)net_pump_read(c);
    else if (!want && c->reading && c->held.size > 0) {
        uv_read_stop((uv_stream_t *)&c->socket);
        c->reading = false;
    }
}

void net_pump_flush(net_connection *c)
{
    net_worker *w = c->worker;
    while (!c->closing && c->unsent_size == 0) {
        size_t n = 0;
        for (size_t more; n < sizeof w->plain &&
                          (more = http_connection_write(c->http, w->plain + n, sizeof w->plain - n)) > 0;)
            n += more;
        if (n == 0)
            break;
        if (SSL_write(c->ssl, w->plain, (int)n) != (int)n || !net_pump_transmit(c)) {
            net_connection_close(c, false);
            return;
        }
    }
    if (c->closing)
        return;
    if (c->unsent_size == 0 && http_connection_is_done(c->http)) {
        net_connection_close(c, !http_connection_is_aborted(c->http));
        return;
    }
    feed_held(c);
    pause_or_resume(c);
    net_deadline_set(c);
}
