#include "gateway/net/net_loop.h"
#include "gateway/net/net_private.h"

#include "trust/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Workers from start to end. */

/* ---- sockets ---- */

static DX_RC parse_address(const char *text, struct sockaddr_storage *out, socklen_t *size, dx_why *why)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    uint64_t port;
    size_t n = colon == NULL ? 0 : (size_t)(colon - text);
    if (colon == NULL || n == 0 || n >= sizeof host || !dx_bytes_u64(dx_bytes_text(colon + 1), 65535, &port))
        return DX_FAIL(why, CONFIG, "", "%s is not address:port", text);
    bool v6 = text[0] == '[' && text[n - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(v6 ? n - 2 : n), v6 ? text + 1 : text);
    memset(out, 0, sizeof *out);
    struct sockaddr_in *a4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)(void *)out;
    if (!v6 && inet_pton(AF_INET, host, &a4->sin_addr) == 1) {
        a4->sin_family = AF_INET;
        a4->sin_port = htons((uint16_t)port);
        *size = sizeof *a4;
        return DX_OKAY;
    }
    if (v6 && inet_pton(AF_INET6, host, &a6->sin6_addr) == 1) {
        a6->sin6_family = AF_INET6;
        a6->sin6_port = htons((uint16_t)port);
        *size = sizeof *a6;
        return DX_OKAY;
    }
    return DX_FAIL(why, CONFIG, "", "%s is not an IP address with port", text);
}

static DX_RC open_socket(const char *address, int *out, dx_why *why)
{
    struct sockaddr_storage at;
    socklen_t size;
    DX_TRY(parse_address(address, &at, &size, why));
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        return DX_FAIL(why, CONFIG, "", "no socket for %s: %s", address, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (at.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, size) != 0) {
        struct dx_rc rc = DX_FAIL(why, CONFIG, "", "cannot listen on %s: %s", address, strerror(errno));
        close(fd);
        return rc;
    }
    *out = fd;
    return DX_OKAY;
}

static void on_connection(uv_stream_t *stream, int status)
{
    net_listener *l = stream->data;
    if (status == 0)
        net_connection_accept(l);
}

/* ---- a worker's life ---- */

static void flush_dirty(uv_check_t *check)
{
    net_worker *w = check->data;
    while (w->dirty != NULL) { /* what one turn produced in pieces leaves at once */
        net_connection *c = w->dirty;
        w->dirty = c->next_dirty;
        c->dirty = false;
        net_pump_flush(c);
    }
}

static void on_tick(uv_timer_t *timer)
{
    net_worker *w = timer->data;
    int64_t now_us = dx_mono_us(w->server->spec.clock), now = now_us / (NET_TICK_MS * 1000);
    for (; w->wheel_at < now; w->wheel_at++) {
        net_timer *t = w->wheel[(w->wheel_at + 1) % NET_WHEEL_SLOTS];
        while (t != NULL) {
            net_timer *next = t->next;
            if (t->due_us <= now_us) {
                net_timer_stop(t);
                t->fn(t);
                next = w->wheel[(w->wheel_at + 1) % NET_WHEEL_SLOTS]; /* fn may have stopped any of them */
            }
            t = next;
        }
    }
    flush_dirty(&w->check);
}

static void close_listeners(net_worker *w)
{
    for (size_t i = 0; i < w->listener_count; i++)
        if (w->listeners[i].open) {
            w->listeners[i].open = false;
            uv_close((uv_handle_t *)&w->listeners[i].socket, NULL);
        }
}

static void drain_connection(net_connection *c, void *context)
{
    (void)context;
    http_connection_drain(c->http);
}

static void on_wake(uv_async_t *async)
{
    net_worker *w = async->data;
    pthread_mutex_lock(&w->lock);
    net_task *tasks = w->tasks;
    w->tasks = NULL;
    w->tasks_end = &w->tasks;
    pthread_mutex_unlock(&w->lock);
    while (tasks != NULL) {
        net_task *task = tasks;
        tasks = task->next;
        task->fn(task);
    }
    if (atomic_load(&w->stop_accepting)) {
        close_listeners(w);
        net_worker_each(w, drain_connection, NULL);
    }
    if (atomic_load(&w->cut))
        for (net_connection *c = w->connections, *next; c != NULL; c = next) {
            next = c->next;
            net_connection_close(c, false);
        }
    if (atomic_load(&w->stopping))
        uv_stop(&w->loop);
    flush_dirty(&w->check);
}

static void *run(void *argument)
{
    net_worker *w = argument;
    net_server *s = w->server;
    if (s->spec.started != NULL)
        s->spec.started(w, s->spec.context);
    for (size_t i = 0; i < w->listener_count; i++)
        if (uv_listen((uv_stream_t *)&w->listeners[i].socket, 4096, on_connection) != 0)
            dx_log(DX_LOG_ERROR, "listen.failed", F_STR("address", w->listeners[i].spec->address));
    uv_run(&w->loop, UV_RUN_DEFAULT);
    /* Cut what is left, let every exchange hear of it, then close the loop's own handles. */
    close_listeners(w);
    for (net_connection *c = w->connections, *next; c != NULL; c = next) {
        next = c->next;
        net_connection_close(c, false);
    }
    while (w->connections != NULL)
        uv_run(&w->loop, UV_RUN_ONCE);
    pthread_mutex_lock(&w->lock);
    w->gone = true;
    pthread_mutex_unlock(&w->lock);
    on_wake(&w->wake); /* tasks that came before the door closed: their exchanges still need what `stopped` frees */
    if (s->spec.stopped != NULL)
        s->spec.stopped(w, s->spec.context);
    uv_close((uv_handle_t *)&w->wake, NULL);
    uv_close((uv_handle_t *)&w->check, NULL);
    uv_close((uv_handle_t *)&w->tick, NULL);
    for (size_t i = 0; i < w->listener_count; i++)
        SSL_CTX_free(w->listeners[i].tls);
    while (uv_loop_close(&w->loop) == UV_EBUSY)
        uv_run(&w->loop, UV_RUN_ONCE);
    OPENSSL_thread_stop_ex(w->libctx);
    return NULL;
}

static DX_RC prepare(net_server *s, unsigned index, dx_why *why)
{
    net_worker *w = &s->workers[index];
    w->server = s;
    w->index = index;
    w->tasks_end = &w->tasks;
    pthread_mutex_init(&w->lock, NULL);
    w->libctx = OSSL_LIB_CTX_new();
    w->bio = net_tls_bio_method();
    if (uv_loop_init(&w->loop) != 0 || w->libctx == NULL || w->bio == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no loop for a worker");
    uv_async_init(&w->loop, &w->wake, on_wake);
    uv_check_init(&w->loop, &w->check);
    uv_timer_init(&w->loop, &w->tick);
    w->wake.data = w->check.data = w->tick.data = w;
    uv_check_start(&w->check, flush_dirty);
    w->wheel_at = dx_mono_us(s->spec.clock) / (NET_TICK_MS * 1000);
    uv_timer_start(&w->tick, on_tick, NET_TICK_MS, NET_TICK_MS);
    for (size_t i = 0; i < s->spec.listener_count; i++) {
        net_listener *l = &w->listeners[i];
        l->worker = w;
        l->spec = &s->listeners[i];
        l->index = i;
        l->handler = l->spec->handler(w, l->spec->handler_context);
        if (l->handler == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no handler for %s", l->spec->address);
        DX_TRY(net_tls_context(w, l->spec, &l->tls, why));
        uv_tcp_init(&w->loop, &l->socket);
        l->socket.data = l;
        w->listener_count++;
        l->open = true;
        if (uv_tcp_open(&l->socket, s->fds[i][index]) != 0)
            return DX_FAIL(why, CONFIG, "", "cannot use the socket of %s", l->spec->address);
        s->fds[i][index] = -1; /* the handle owns it now */
    }
    return DX_OKAY;
}

static unsigned default_workers(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static void discard(net_server *s, unsigned prepared)
{
    for (unsigned i = 0; i < prepared; i++) {
        net_worker *w = &s->workers[i];
        close_listeners(w);
        if (w->bio != NULL) {
            uv_close((uv_handle_t *)&w->wake, NULL);
            uv_close((uv_handle_t *)&w->check, NULL);
            uv_close((uv_handle_t *)&w->tick, NULL);
            uv_run(&w->loop, UV_RUN_DEFAULT);
            uv_loop_close(&w->loop);
        }
        for (size_t k = 0; k < w->listener_count; k++)
            SSL_CTX_free(w->listeners[k].tls);
        if (s->spec.stopped != NULL)
            s->spec.stopped(w, s->spec.context);
    }
}

static void free_memory(net_server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++) {
        BIO_meth_free(s->workers[i].bio);
        OSSL_LIB_CTX_free(s->workers[i].libctx);
        pthread_mutex_destroy(&s->workers[i].lock);
        for (size_t k = 0; k < s->spec.listener_count; k++)
            if (s->fds[k][i] >= 0)
                close(s->fds[k][i]);
    }
    free(s->workers);
    free(s->worker_pointers);
    free(s);
}

DX_RC net_server_start(const net_server_spec *spec, net_server **out, dx_why *why)
{
    *out = NULL;
    signal(SIGPIPE, SIG_IGN);
    if (spec->listener_count == 0 || spec->listener_count > NET_LISTENERS_MAX)
        return DX_FAIL(why, CONFIG, "", "between 1 and %d listeners are possible", NET_LISTENERS_MAX);
    net_server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the server");
    s->spec = *spec;
    s->worker_count = spec->workers != 0 ? spec->workers : default_workers();
    if (s->worker_count > 256)
        s->worker_count = 256;
    s->workers = calloc(s->worker_count, sizeof *s->workers);
    s->worker_pointers = calloc(s->worker_count, sizeof *s->worker_pointers);
    memset(s->fds, 0xff, sizeof s->fds);
    struct dx_rc rc = s->workers == NULL || s->worker_pointers == NULL
                          ? DX_FAIL(why, NO_MEMORY, "", "no memory for workers")
                          : DX_OKAY;
    for (size_t i = 0; i < spec->listener_count && rc.code == DX_OK; i++) {
        s->listeners[i] = spec->listeners[i];
        for (unsigned k = 0; k < s->worker_count && rc.code == DX_OK; k++)
            rc = open_socket(spec->listeners[i].address, &s->fds[i][k], why);
    }
    unsigned prepared = 0;
    while (rc.code == DX_OK && prepared < s->worker_count) {
        s->worker_pointers[prepared] = &s->workers[prepared];
        rc = prepare(s, prepared++, why);
    }
    if (rc.code != DX_OK) {
        discard(s, prepared);
        free_memory(s);
        return rc;
    }
    for (unsigned i = 0; i < s->worker_count; i++)
        if (pthread_create(&s->workers[i].thread, NULL, run, &s->workers[i]) != 0)
            abort(); /* half a server is none */
    *out = s;
    return DX_OKAY;
}

static void wake_all(net_server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        uv_async_send(&s->workers[i].wake);
}

void net_server_stop_accepting(net_server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        atomic_store(&s->workers[i].stop_accepting, true);
    wake_all(s);
}

void net_server_drain(net_server *s, uint32_t timeout_s)
{
    const struct timespec turn = {0, 20000000};
    for (uint32_t i = 0; i < timeout_s * 50 && net_server_connections(s) > 0; i++)
        nanosleep(&turn, NULL);
}

void net_server_cut(net_server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        atomic_store(&s->workers[i].cut, true);
    wake_all(s);
}

void net_server_free(net_server *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->worker_count; i++)
        atomic_store(&s->workers[i].stopping, true);
    wake_all(s);
    for (unsigned i = 0; i < s->worker_count; i++)
        pthread_join(s->workers[i].thread, NULL);
    free_memory(s);
}

size_t net_server_connections(const net_server *s)
{
    size_t count = 0;
    for (unsigned i = 0; i < s->worker_count; i++)
        count += atomic_load(&s->workers[i].connection_count);
    return count;
}

unsigned net_server_workers(const net_server *s, net_worker ***out)
{
    *out = s->worker_pointers;
    return s->worker_count;
}

/* ---- new certificates ---- */

typedef struct {
    net_task task;
    net_listener *listener;
    SSL_CTX *tls;
} swap;

static void swap_context(net_task *task)
{
    swap *m = (swap *)(void *)task;
    SSL_CTX_free(m->listener->tls); /* open connections hold their own reference */
    m->listener->tls = m->tls;
    free(m);
}

DX_RC net_server_reload_tls(net_server *s, size_t listener, const char *certificate_file,
                            const char *key_file, dx_why *why)
{
    net_listen_spec fresh = s->listeners[listener];
    fresh.certificate_file = certificate_file;
    fresh.key_file = key_file;
    for (unsigned i = 0; i < s->worker_count; i++) {
        swap *m = calloc(1, sizeof *m);
        if (m == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no memory for a certificate");
        m->task.fn = swap_context;
        m->listener = &s->workers[i].listeners[listener];
        struct dx_rc rc = net_tls_context(&s->workers[i], &fresh, &m->tls, why);
        if (rc.code == DX_OK)
            SSL_CTX_set_tlsext_servername_arg(m->tls, &s->listeners[listener]);
        if (rc.code != DX_OK || !net_post(&s->workers[i], &m->task)) {
            free(m);
            return rc;
        }
    }
    return DX_OKAY;
}
