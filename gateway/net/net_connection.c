#include "gateway/net/net_private.h"

#include "trust/base/log.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BODY_RATE_MIN 1024 /* limit.body_rate_min, bytes a second */

/* One connection of a peer: ciphertext from the kernel, through libssl, to its protocol, and back. */

static const dx_clock *clock_of(const net_connection *c)
{
    return c->worker->server->spec.clock;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* ---- deadlines ---- */

static void on_timer(net_timer *timer);

static void arm_at(net_connection *c, int64_t deadline_us, int64_t now_us)
{
    c->deadline_us = deadline_us;
    /* Moving to later only stores the deadline: on_timer looks at it. */
    if (c->timer.prev == NULL || c->timer.due_us > deadline_us)
        net_timer_start(c->worker, &c->timer,
                        deadline_us > now_us ? (uint32_t)((deadline_us - now_us) / 1000) : 0, on_timer);
}

static void arm(net_connection *c, uint32_t seconds)
{
    int64_t now_us = dx_mono_us(clock_of(c));
    arm_at(c, now_us + (int64_t)seconds * 1000000, now_us);
}

/* Grace, and then a rate: each KiB received buys a second (limit.body_rate_min), so a trickle renews nothing.
 */
static void arm_body(net_connection *c, bool changed)
{
    int64_t now_us = dx_mono_us(clock_of(c));
    if (changed) {
        c->body_from_us = now_us;
        c->body_bytes = 0;
    }
    int64_t grace_us = (int64_t)or_default(c->listener->spec->body_grace_s, 10) * 1000000;
    arm_at(c, c->body_from_us + grace_us + (int64_t)(c->body_bytes / BODY_RATE_MIN) * 1000000, now_us);
}

/* `written`: the kernel has taken what waited. */
static void set_deadline(net_connection *c, bool written)
{
    const net_listen_spec *s = c->listener->spec;
    if (c->unsent_size > 0) {
        if (!c->stalled || written)
            arm(c, or_default(s->write_stall_s, 30));
        c->stalled = true;
        return;
    }
    http_wait waits = http_connection_waits_for(c->http);
    bool changed = waits != c->waited || c->deadline_us == 0 || c->stalled;
    c->stalled = false;
    c->waited = waits;
    if (waits == HTTP_WAIT_ANSWER)
        c->deadline_us = 0; /* whoever works on the answer has deadlines of its own */
    else if (waits == HTTP_WAIT_HEAD && changed)
        arm(c, or_default(s->header_s, 10)); /* absolute: a trickle does not renew it */
    else if (waits == HTTP_WAIT_BODY)
        arm_body(c, changed);
    else if (waits == HTTP_WAIT_IDLE && changed)
        arm(c, or_default(s->idle_s, 75));
}

static void on_timer(net_timer *timer)
{
    net_connection *c = (net_connection *)(void *)((uint8_t *)timer - offsetof(net_connection, timer));
    int64_t now_us = dx_mono_us(clock_of(c));
    if (c->closing || c->deadline_us == 0)
        return;
    if (now_us < c->deadline_us) {
        net_timer_start(c->worker, timer, (uint32_t)((c->deadline_us - now_us) / 1000 + 1), on_timer);
        return;
    }
    if (!c->established || c->unsent_size > 0) {
        net_connection_close(c, false);
        return;
    }
    http_connection_timeout(c->http);
    c->deadline_us = 0;
    arm(c, 5); /* the refusal itself may not hang */
    net_connection_mark(c);
}

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
        set_deadline(c, true);
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

/* Gives what libssl produced to the kernel; false: the connection is broken. The area is empty afterwards:
 * the next connection writes into it. */
static bool transmit(net_connection *c)
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

static void on_closed(uv_handle_t *handle)
{
    net_connection *c = handle->data;
    net_worker *w = c->worker;
    http_connection_free(c->http);
    if (c->release_user != NULL && c->user != NULL)
        c->release_user(c->user);
    net_peer_release(w, c->peer);
    SSL_free(c->ssl);
    dx_buf_fini(&c->held);
    free(c->unsent);
    if (c->next != NULL)
        c->next->prev = c->prev;
    *c->prev = c->next;
    atomic_fetch_sub(&w->connection_count, 1);
    free(c);
}

static size_t ip_bucket(const uint8_t ip[16])
{
    uint32_t v = 2166136261U;
    for (size_t i = 0; i < 16; i++)
        v = (v ^ ip[i]) * 16777619U;
    return v % NET_IP_BUCKETS;
}

void net_connection_close(net_connection *c, bool orderly)
{
    if (c->closing) {
        if (!orderly)
            net_linger_end(c);
        return;
    }
    c->closing = true;
    if (orderly && c->established && c->unsent_size == 0)
        SSL_shutdown(c->ssl); /* one way; a cut message gets none, so that it cannot look complete */
    (void)transmit(c);        /* with an alert of libssl, if there is one */
    if (!c->established)
        c->worker->handshakes--;
    if (c->per_ip_counted)
        c->worker->ips[ip_bucket(c->ip)].count--;
    net_timer_stop(&c->timer);
    if (c->dirty)
        for (net_connection **at = &c->worker->dirty; *at != NULL; at = &(*at)->next_dirty)
            if (*at == c) {
                *at = c->next_dirty;
                break;
            }
    c->dirty = false;
    if (orderly && c->established)
        net_linger(c, on_closed);
    else
        uv_close((uv_handle_t *)&c->socket, on_closed);
}

void net_connection_mark(net_connection *c)
{
    if (c->dirty || c->closing)
        return;
    c->dirty = true;
    c->next_dirty = c->worker->dirty;
    c->worker->dirty = c;
}

static void want_write(void *link)
{
    net_connection_mark(link);
}

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

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);

static void pause_or_resume(net_connection *c)
{
    bool want = !c->established || (c->held.size == 0 && http_connection_wants_input(c->http));
    if (want && !c->reading)
        c->reading = uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read) == 0;
    else if (!want && c->reading && c->held.size > 0) {
        uv_read_stop((uv_stream_t *)&c->socket);
        c->reading = false;
    }
}

void net_connection_flush(net_connection *c)
{
    net_worker *w = c->worker;
    while (!c->closing && c->unsent_size == 0) {
        size_t n = 0;
        for (size_t more; n < sizeof w->plain &&
                          (more = http_connection_write(c->http, w->plain + n, sizeof w->plain - n)) > 0;)
            n += more;
        if (n == 0)
            break;
        if (SSL_write(c->ssl, w->plain, (int)n) != (int)n || !transmit(c)) {
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
    set_deadline(c, false);
}

/* ---- receiving ---- */

static bool established(net_connection *c)
{
    const unsigned char *protocol = NULL;
    unsigned size = 0;
    const net_listen_spec *s = c->listener->spec;
    SSL_get0_alpn_selected(c->ssl, &protocol, &size);
    c->peer = net_peer_intern(c->worker, c->ssl);
    uint32_t per_peer = or_default(s->connections_per_peer, 128);
    if (c->peer == NULL || c->peer->refs > per_peer)
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

/* Decrypts the whole span: the area belongs to the next connection after this. */
static void take_plaintext(net_connection *c)
{
    net_worker *w = c->worker;
    for (;;) {
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
    if (!transmit(c))
        net_connection_close(c, false);
    else
        net_connection_mark(c);
}

static void take_handshake(net_connection *c)
{
    int done = SSL_do_handshake(c->ssl);
    if (!transmit(c)) {
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

/* ---- accepting ---- */

static bool count_ip(net_connection *c)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    if (uv_tcp_getpeername(&c->socket, (struct sockaddr *)&address, &size) != 0)
        return false;
    if (address.ss_family == AF_INET)
        memcpy(c->ip, &((struct sockaddr_in *)(void *)&address)->sin_addr, 4);
    else
        memcpy(c->ip, &((struct sockaddr_in6 *)(void *)&address)->sin6_addr, 8); /* a /64 is one customer */
    unsigned *count = &c->worker->ips[ip_bucket(c->ip)].count;
    unsigned max = or_default(c->listener->spec->connections_per_ip, 256);
    if (*count >= max)
        return false;
    (*count)++;
    c->per_ip_counted = true;
    return true;
}

void net_connection_accept(net_listener *l)
{
    net_worker *w = l->worker;
    net_connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return;
    c->worker = w;
    c->listener = l;
    dx_buf_init(&c->held, 256U << 10);
    uv_tcp_init(&w->loop, &c->socket);
    c->socket.data = c;
    c->next = w->connections;
    c->prev = &w->connections;
    if (c->next != NULL)
        c->next->prev = &c->next;
    w->connections = c;
    size_t count = atomic_fetch_add(&w->connection_count, 1);
    w->handshakes++;
    uint32_t max = or_default(l->spec->connections_max, 10000);
    if (uv_accept((uv_stream_t *)&l->socket, (uv_stream_t *)&c->socket) != 0 || count >= max ||
        w->handshakes > 512 || !count_ip(c) || !net_tls_attach(c)) {
        net_connection_close(c, false);
        return;
    }
    uv_tcp_nodelay(&c->socket, 1);
    uv_tcp_keepalive(&c->socket, 1, 60);
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->socket, &fd) == 0) {
        int low = 128 << 10, stall_ms = (int)or_default(l->spec->write_stall_s, 30) * 1000;
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof stall_ms);
    }
    arm(c, or_default(l->spec->handshake_s, 5)); /* absolute */
    c->reading = uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read) == 0;
    if (!c->reading)
        net_connection_close(c, false);
}

/* ---- the door ---- */

net_worker *net_connection_worker(const net_connection *c)
{
    return c->worker;
}

const net_peer *net_connection_peer(const net_connection *c)
{
    return &c->peer->peer;
}

size_t net_connection_listener(const net_connection *c)
{
    return c->listener->index;
}

const char *net_connection_tls_version(const net_connection *c)
{
    return SSL_version(c->ssl) == TLS1_3_VERSION ? "1.3" : "1.2";
}

void *net_connection_user(const net_connection *c)
{
    return c->user;
}

void net_connection_set_user(net_connection *c, void *user, void (*release)(void *user))
{
    if (c->release_user != NULL && c->user != NULL)
        c->release_user(c->user);
    c->user = user;
    c->release_user = release;
}

void net_connection_close_soon(net_connection *c)
{
    http_connection_drain(c->http);
}

void net_worker_each(net_worker *w, void (*visit)(net_connection *, void *), void *context)
{
    for (net_connection *c = w->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (!c->closing && c->established)
            visit(c, context);
    }
}
