/* upstream_world.h -- a data API that does what it should not, a worker to run on, and calls that are made
 * there and waited for here.
 */
#ifndef TESTS_UNIT_GATEWAY_UPSTREAM_UPSTREAM_WORLD_H
#define TESTS_UNIT_GATEWAY_UPSTREAM_UPSTREAM_WORLD_H

#include "gateway/upstream/upstream.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the faulty data API: what it does is in the path ---- */

typedef struct {
    int listener;
    uint16_t port;
    pthread_t thread;
    unsigned connections, requests; /* atomic */
} faulty;

static inline void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return;
}

static inline void pause_ms(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    (void)poll(&p, 1, ms);
}

static inline bool read_head(int fd, char *room, size_t size)
{
    size_t used = 0;
    while (used < size - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, 4000) == 1 ? recv(fd, room + used, size - 1 - used, 0) : 0;
        if (n <= 0)
            return false;
        used += (size_t)n;
        room[used] = '\0';
        char *end = strstr(room, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *length = strstr(room, "content-length: ");
        size_t body = length != NULL ? (size_t)strtoul(length + 16, NULL, 10) : 0,
               have = used - (size_t)(end + 4 - room);
        if (strstr(room, " /early ") != NULL)
            return true;
        static char sink[65536];
        while (have < body && (n = recv(fd, sink, sizeof sink, 0)) > 0)
            have += (size_t)n;
        return have >= body;
    }
    return false;
}

/* False: the connection ends. */
static inline bool misbehave(int fd, const char *room)
{
#define IS(path) (strstr(room, " " path " ") != NULL)
    if (IS("/ok"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok");
    else if (IS("/chunked"))
        say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: "
                "t\r\n\r\n");
    else if (IS("/bad-chunk"))
        say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n");
    else if (IS("/cut-chunk"))
        return say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), false;
    else if (IS("/hang"))
        return pause_ms(fd, 4000), false;
    else if (IS("/hang-in-body"))
        return say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), pause_ms(fd, 4000), false;
    else if (IS("/short"))
        return say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), false;
    else if (IS("/reset")) {
        struct linger hard = {1, 0};
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
        usleep(50000);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        return false;
    } else if (IS("/half-head"))
        return say(fd, "HTTP/1.1 200 OK\r\nContent-Le"), false;
    else if (IS("/two-lengths"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok");
    else if (IS("/both-framings"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    else if (IS("/close-delimited"))
        return say(fd, "HTTP/1.1 200 OK\r\n\r\nuntil the end"), false;
    else if (IS("/bytes-after"))
        say(fd,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    else if (IS("/bytes-after-chunks"))
        say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 "
                "OK\r\nContent-Length: 4\r\n\r\nevil");
    else if (IS("/bytes-late"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), usleep(100000),
            say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    else if (IS("/body-on-204"))
        say(fd, "HTTP/1.1 204 No Content\r\n\r\nbody");
    else if (IS("/flood"))
        for (int i = 0; i < 20; i++)
            say(fd, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    else if (IS("/interim"))
        say(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 "
                "OK\r\nContent-Length: 2\r\n\r\nok");
    else if (IS("/switch"))
        say(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    else if (IS("/http10"))
        return say(fd, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), false;
    else if (IS("/not-http"))
        say(fd, "220 smtp.example ESMTP\r\n\r\n");
    else if (IS("/status-999"))
        say(fd, "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n");
    else if (IS("/huge-head")) {
        say(fd, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 4000; i++)
            say(fd, "X-Filler: 0123456789012345678901234567890123456789\r\n");
    } else if (IS("/drip")) {
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        for (size_t i = 0; i + 1 < sizeof answer; i++) {
            char one[2] = {answer[i], '\0'};
            say(fd, one);
            usleep(2000);
        }
    } else if (IS("/then-close"))
        return say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), false;
    else if (IS("/says-close"))
        say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    else if (IS("/early"))
        return say(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"), pause_ms(fd, 300),
               false;
    else if (IS("/large")) {
        char *block = calloc(1, 65536);
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
        for (int i = 0; i < 64; i++)
            if (send(fd, block, 65536, MSG_NOSIGNAL) < 0)
                break;
        free(block);
    } else
        say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    return true;
#undef IS
}

typedef struct {
    faulty *f;
    int fd;
} guest;

static inline void *attend(void *argument)
{
    guest g = *(guest *)argument;
    char *room = malloc(1 << 16);
    bool first = true;
    free(argument);
    while (read_head(g.fd, room, 1 << 16)) {
        __atomic_add_fetch(&g.f->requests, 1, __ATOMIC_RELAXED);
        if (strstr(room, " /die-if-reused ") != NULL) {
            if (!first)
                break;
            say(g.fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        } else if (!misbehave(g.fd, room)) {
            break;
        }
        first = false;
    }
    free(room);
    close(g.fd);
    return NULL;
}

static inline void *serve(void *argument)
{
    faulty *f = argument;
    for (int fd; (fd = accept(f->listener, NULL, NULL)) >= 0;) {
        pthread_t thread;
        guest *g = malloc(sizeof *g);
        *g = (guest){f, fd};
        __atomic_add_fetch(&f->connections, 1, __ATOMIC_RELAXED);
        if (pthread_create(&thread, NULL, attend, g) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

static inline int listen_on(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) != 0)
        abort();
    *port = ntohs(a.sin_port);
    return fd;
}

/* ---- a worker to run on ---- */

static char folder[64];
static net_server *server;
static net_worker *worker;
static faulty api;

static inline unsigned connections(void)
{
    return __atomic_load_n(&api.connections, __ATOMIC_RELAXED);
}

static inline const http_handler *no_handler(net_worker *w, void *context)
{
    static const http_handler none;
    (void)w;
    (void)context;
    return &none;
}

static inline int set_up(void **state)
{
    (void)state;
    static char certificate[100], key[100], address[32], command[512];
    static const char *hosts[] = {"data.example"};
    dx_why why;
    uint16_t port;
    net_worker **workers;
    snprintf(folder, sizeof folder, "/tmp/sekisho-upstream-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(certificate, sizeof certificate, "%s/c.pem", folder);
    snprintf(key, sizeof key, "%s/k.pem", folder);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -subj "
             "/CN=data.example -days 1 2>/dev/null",
             key, certificate);
    if (system(command) != 0)
        return 1;
    close(listen_on(&port));
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    net_listen_spec spec = {.address = address,
                            .hosts = hosts,
                            .host_count = 1,
                            .certificate_file = certificate,
                            .key_file = key,
                            .limits = http_limits_default,
                            .handler = no_handler};
    const net_server_spec all = {
        .listeners = &spec, .listener_count = 1, .workers = 1, .clock = &dx_clock_system};
    if (net_server_start(&all, &server, &why).code != DX_OK || net_server_workers(server, &workers) != 1)
        return 1;
    worker = workers[0];
    api.listener = listen_on(&api.port);
    return pthread_create(&api.thread, NULL, serve, &api);
}

static inline int tear_down(void **state)
{
    (void)state;
    char command[100];
    net_server_stop_accepting(server);
    net_server_free(server);
    shutdown(api.listener, SHUT_RDWR);
    pthread_join(api.thread, NULL);
    close(api.listener);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* ---- calls, made on the worker, waited for here ---- */

typedef struct call call;
struct call {
    net_task task;
    upstream_pool *pool;
    http_message head;
    dx_bytes body;
    upstream_request *request;
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool done, cancel_in_head, cancel_in_data, pause_in_head, after_head, told_inside_send;
    unsigned status, attempts, heads, trailers;
    dx_buf got;
    char slug[32];
    dx_why why;
};

static inline void finish(call *c)
{
    pthread_mutex_lock(&c->lock);
    c->done = true;
    pthread_cond_broadcast(&c->came);
    pthread_mutex_unlock(&c->lock);
}

static inline void got_head(void *user, const http_message *response)
{
    call *c = user;
    c->told_inside_send |= c->request == NULL;
    c->heads++;
    c->status = response->status;
    if (c->pause_in_head) {
        upstream_pause(c->request);
        finish(c);
    }
    if (c->cancel_in_head) {
        upstream_cancel(c->request);
        finish(c);
    }
}

static inline void got_data(void *user, dx_bytes slice)
{
    call *c = user;
    pthread_mutex_lock(&c->lock);
    struct dx_rc rc = dx_buf_add(&c->got, slice);
    pthread_mutex_unlock(&c->lock);
    if (rc.code != DX_OK)
        abort();
    if (c->cancel_in_data) {
        upstream_cancel(c->request);
        finish(c);
    }
}

static inline size_t got_so_far(call *c)
{
    pthread_mutex_lock(&c->lock);
    size_t size = c->got.size;
    pthread_mutex_unlock(&c->lock);
    return size;
}

static inline void got_end(void *user, const http_message *response)
{
    call *c = user;
    c->attempts = upstream_attempts(c->request);
    c->trailers = (unsigned)response->trailer_count;
    upstream_cancel(c->request); /* allowed, and nothing */
    finish(c);
}

static inline void got_failure(void *user, const char *slug, const dx_why *why, bool after_head)
{
    call *c = user;
    c->told_inside_send |= c->request == NULL;
    snprintf(c->slug, sizeof c->slug, "%s", slug);
    c->why = *why;
    c->after_head = after_head;
    finish(c);
}

static const upstream_events events = {got_head, got_data, got_end, got_failure};

static inline void do_send(net_task *task)
{
    call *c = (call *)(void *)task;
    upstream_request *r;
    struct dx_rc rc = upstream_send(c->pool, &c->head, c->body, &events, c, &r, &c->why);
    c->request = r;
    if (rc.code != DX_OK) {
        snprintf(c->slug, sizeof c->slug, "%s", dx_code_name(rc.code));
        finish(c);
    }
}

static inline void call_init(call *c, upstream_pool *pool, const char *method, const char *path,
                             dx_bytes body)
{
    *c = (call){.pool = pool, .body = body};
    c->task.fn = do_send;
    c->head = (http_message){.method = dx_bytes_text(method),
                             .path = dx_bytes_text(path),
                             .authority = DX_BYTES("data.example"),
                             .body = body.size > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE,
                             .body_length = body.size};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->came, NULL);
    dx_buf_init(&c->got, 8 << 20);
}

static inline void call_fini(call *c)
{
    dx_buf_fini(&c->got);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->came);
}

static inline void wait_for(call *c)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 8;
    pthread_mutex_lock(&c->lock);
    while (!c->done && pthread_cond_timedwait(&c->came, &c->lock, &until) == 0) {
    }
    bool done = c->done;
    pthread_mutex_unlock(&c->lock);
    assert_true(done);
    assert_false(c->told_inside_send);
}

static inline void run(call *c, upstream_pool *pool, const char *method, const char *path, dx_bytes body)
{
    call_init(c, pool, method, path, body);
    assert_true(net_post(worker, &c->task));
    wait_for(c);
}

/* One call and its outcome: a status, or a slug. */
static inline void comes_out(upstream_pool *pool, const char *method, const char *path, unsigned status,
                             const char *slug, const char *id)
{
    call c;
    run(&c, pool, method, path, (dx_bytes){NULL, 0});
    if (strcmp(c.slug, slug) != 0 || (slug[0] == '\0' && c.status != status) ||
        (id != NULL && strcmp(c.why.id, id) != 0))
        fail_msg("%s: got %u '%s' %s %s", path, c.status, c.slug, c.why.id, c.why.text);
    call_fini(&c);
}

typedef struct {
    net_task task;
    const upstream_spec *spec;
    upstream_pool *pool;
    call ready;
} pool_task;

static inline void do_open(net_task *task)
{
    pool_task *t = (pool_task *)(void *)task;
    if (upstream_pool_new(worker, t->spec, &t->pool, &t->ready.why).code != DX_OK)
        abort();
    finish(&t->ready);
}

static inline void do_close(net_task *task)
{
    pool_task *t = (pool_task *)(void *)task;
    upstream_pool_free(t->pool);
    finish(&t->ready);
}

static inline void on_worker(pool_task *t, void (*fn)(net_task *))
{
    t->task.fn = fn;
    call_init(&t->ready, NULL, "", "", (dx_bytes){NULL, 0});
    t->task.fn = fn;
    assert_true(net_post(worker, &t->task));
    wait_for(&t->ready);
    call_fini(&t->ready);
}

static inline upstream_pool *open_pool(upstream_spec spec)
{
    char address[40];
    const char *addresses[] = {address};
    snprintf(address, sizeof address, "127.0.0.1:%u", api.port);
    if (spec.addresses == NULL) {
        spec.addresses = addresses;
        spec.address_count = 1;
    }
    pool_task t = {.spec = &spec};
    on_worker(&t, do_open);
    return t.pool;
}

static inline void close_pool(upstream_pool *pool)
{
    pool_task t = {.pool = pool};
    on_worker(&t, do_close);
}

static inline const char *closed_address(char room[static 40])
{
    uint16_t port;
    close(listen_on(&port));
    snprintf(room, 40, "127.0.0.1:%u", port);
    return room;
}

#endif
