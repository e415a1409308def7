#include "gateway/net/net_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

/* One connection of a peer from accept to close, and what the rooms above ask of it. */

static void on_closed(uv_handle_t *handle)
{
    net_connection *c = handle->data;
    net_worker *w = c->worker;
    http_connection_free(c->http);
    net_peer_leave(c);
    SSL_free(c->ssl);
    dx_buf_fini(&c->held);
    free(c->unsent);
    if (c->next != NULL)
        c->next->prev = c->prev;
    *c->prev = c->next;
    atomic_fetch_sub(&w->connection_count, 1);
    free(c);
}

/* The count of an address: its own, or with `make` a free one near its place. NULL: none is free there; such
 * a connection is bounded by the total alone. */
static net_ip_count *ip_count(net_worker *w, const uint8_t ip[16], bool make)
{
    uint32_t v = 2166136261U;
    net_ip_count *spare = NULL;
    for (size_t i = 0; i < 16; i++)
        v = (v ^ ip[i]) * 16777619U;
    for (size_t i = 0; i < NET_IP_PROBES; i++) {
        net_ip_count *at = &w->ips[(v + i) % NET_IP_COUNTS];
        if (at->count > 0 && memcmp(at->ip, ip, 16) == 0)
            return at;
        if (at->count == 0 && spare == NULL)
            spare = at;
    }
    if (!make || spare == NULL)
        return NULL;
    memcpy(spare->ip, ip, 16);
    return spare;
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
        SSL_shutdown(c->ssl);   /* one way; a cut message gets none, so that it cannot look complete */
    (void)net_pump_transmit(c); /* with an alert of libssl, if there is one */
    if (!c->established)
        c->worker->handshakes--;
    if (c->per_ip_counted)
        ip_count(c->worker, c->ip, false)->count--;
    net_timer_stop(&c->timer);
    net_timer_stop(&c->cut_timer);
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
    net_ip_count *count = ip_count(c->worker, c->ip, true);
    if (count == NULL)
        return true;
    if (count->count >= net_or_default(c->listener->spec->connections_per_ip, 256))
        return false;
    count->count++;
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
    uint32_t max = net_or_default(l->spec->connections_max, 10000);
    if (uv_accept((uv_stream_t *)&l->socket, (uv_stream_t *)&c->socket) != 0 || count >= max ||
        w->handshakes > 512 || !count_ip(c) || !net_tls_attach(c)) {
        net_connection_close(c, false);
        return;
    }
    uv_tcp_nodelay(&c->socket, 1);
    uv_tcp_keepalive(&c->socket, 1, 60);
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->socket, &fd) == 0) {
        int low = 128 << 10, stall_ms = (int)net_or_default(l->spec->write_stall_s, 30) * 1000;
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof stall_ms);
    }
    net_deadline_arm(c, net_or_default(l->spec->handshake_s, 5)); /* absolute */
    if (!net_pump_read(c))
        net_connection_close(c, false);
}

/* ---- the door ---- */

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

unsigned net_connection_refused(net_connection *c)
{
    return ++c->refused;
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
