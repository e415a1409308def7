/* A data API that does what it should not: each fault has its slug, and the pool goes on. */
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

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return;
}

static void pause_ms(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    (void)poll(&p, 1, ms);
}

static bool read_head(int fd, char *room, size_t size)
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
static bool misbehave(int fd, const char *room)
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

static void *attend(void *argument)
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

static void *serve(void *argument)
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

static int listen_on(uint16_t *port)
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

static unsigned connections(void)
{
    return __atomic_load_n(&api.connections, __ATOMIC_RELAXED);
}

static const http_handler *no_handler(net_worker *w, void *context)
{
    static const http_handler none;
    (void)w;
    (void)context;
    return &none;
}

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void finish(call *c)
{
    pthread_mutex_lock(&c->lock);
    c->done = true;
    pthread_cond_broadcast(&c->came);
    pthread_mutex_unlock(&c->lock);
}

static void got_head(void *user, const http_message *response)
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

static void got_data(void *user, dx_bytes slice)
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

static size_t got_so_far(call *c)
{
    pthread_mutex_lock(&c->lock);
    size_t size = c->got.size;
    pthread_mutex_unlock(&c->lock);
    return size;
}

static void got_end(void *user, const http_message *response)
{
    call *c = user;
    c->attempts = upstream_attempts(c->request);
    c->trailers = (unsigned)response->trailer_count;
    upstream_cancel(c->request); /* allowed, and nothing */
    finish(c);
}

static void got_failure(void *user, const char *slug, const dx_why *why, bool after_head)
{
    call *c = user;
    c->told_inside_send |= c->request == NULL;
    snprintf(c->slug, sizeof c->slug, "%s", slug);
    c->why = *why;
    c->after_head = after_head;
    finish(c);
}

static const upstream_events events = {got_head, got_data, got_end, got_failure};

static void do_send(net_task *task)
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

static void call_init(call *c, upstream_pool *pool, const char *method, const char *path, dx_bytes body)
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

static void call_fini(call *c)
{
    dx_buf_fini(&c->got);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->came);
}

static void wait_for(call *c)
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

static void run(call *c, upstream_pool *pool, const char *method, const char *path, dx_bytes body)
{
    call_init(c, pool, method, path, body);
    assert_true(net_post(worker, &c->task));
    wait_for(c);
}

/* One call and its outcome: a status, or a slug. */
static void comes_out(upstream_pool *pool, const char *method, const char *path, unsigned status,
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

static void do_open(net_task *task)
{
    pool_task *t = (pool_task *)(void *)task;
    if (upstream_pool_new(worker, t->spec, &t->pool, &t->ready.why).code != DX_OK)
        abort();
    finish(&t->ready);
}

static void do_close(net_task *task)
{
    pool_task *t = (pool_task *)(void *)task;
    upstream_pool_free(t->pool);
    finish(&t->ready);
}

static void on_worker(pool_task *t, void (*fn)(net_task *))
{
    t->task.fn = fn;
    call_init(&t->ready, NULL, "", "", (dx_bytes){NULL, 0});
    t->task.fn = fn;
    assert_true(net_post(worker, &t->task));
    wait_for(&t->ready);
    call_fini(&t->ready);
}

static upstream_pool *open_pool(upstream_spec spec)
{
    char address[40];
    snprintf(address, sizeof address, "127.0.0.1:%u", api.port);
    if (spec.address == NULL)
        spec.address = address;
    pool_task t = {.spec = &spec};
    on_worker(&t, do_open);
    return t.pool;
}

static void close_pool(upstream_pool *pool)
{
    pool_task t = {.pool = pool};
    on_worker(&t, do_close);
}

/* ---- the promises ---- */

static void good_answers_come_through(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    unsigned before = connections();
    call c;
    for (int i = 0; i < 5; i++) {
        run(&c, pool, "GET", "/ok", (dx_bytes){NULL, 0});
        assert_int_equal(c.status, 200);
        assert_true(dx_bytes_is(dx_buf_view(&c.got), "ok"));
        call_fini(&c);
    }
    assert_int_equal(connections() - before, 1); /* kept alive */
    run(&c, pool, "GET", "/chunked", (dx_bytes){NULL, 0});
    assert_true(dx_bytes_is(dx_buf_view(&c.got), "abcde"));
    call_fini(&c);
    comes_out(pool, "GET", "/interim", 200, "", NULL);
    comes_out(pool, "GET", "/drip", 200, "", NULL);
    comes_out(pool, "GET", "/http10", 200, "", NULL);
    comes_out(pool, "GET", "/says-close", 200, "", NULL);
    comes_out(pool, "GET", "/nowhere", 404, "", NULL);
    run(&c, pool, "GET", "/large", (dx_bytes){NULL, 0});
    assert_int_equal(c.got.size, 4194304);
    call_fini(&c);
    close_pool(pool);
}

static void a_large_request_goes_out_whole(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    call c;
    uint8_t *body = calloc(1, 6 << 20);
    run(&c, pool, "POST", "/ok", dx_bytes_of(body, 6 << 20));
    assert_string_equal(c.slug, "");
    assert_int_equal(c.status, 200);
    call_fini(&c);
    run(&c, pool, "POST", "/early", dx_bytes_of(body, 6 << 20)); /* answered before it was read */
    assert_int_equal(c.status, 413);
    call_fini(&c);
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    free(body);
    close_pool(pool);
}

static void every_fault_has_its_slug(void **state)
{
    (void)state;
    static const struct {
        const char *path, *slug, *id;
    } faults[] = {
        {"/two-lengths", "upstream-invalid", "DP-121"}, {"/both-framings", "upstream-invalid", "DP-120"},
        {"/bad-chunk", "upstream-invalid", "DP-127"},   {"/cut-chunk", "upstream-incomplete", "F34"},
        {"/short", "upstream-incomplete", "F34"},       {"/reset", "upstream-incomplete", "F34"},
        {"/half-head", "upstream-incomplete", "F34"},   {"/close-delimited", "upstream-incomplete", "DP-135"},
        {"/bytes-after", "upstream-invalid", "F35"},    {"/body-on-204", "upstream-invalid", "F35"},
        {"/flood", "upstream-invalid", "DP-133"},       {"/switch", "upstream-invalid", "DP-133"},
        {"/not-http", "upstream-invalid", NULL},        {"/huge-head", "upstream-invalid", "DP-116"},
        {"/status-999", "upstream-invalid", NULL},      {"/bytes-after-chunks", "upstream-invalid", "F35"},
    };
    upstream_pool *pool = open_pool((upstream_spec){0});
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        comes_out(pool, "GET", faults[i].path, 0, faults[i].slug, faults[i].id);
        comes_out(pool, "GET", "/ok", 200, "", NULL); /* and the next one is served */
    }
    close_pool(pool);
}

static void silence_ends_in_time(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){.first_byte_ms = 300, .idle_read_ms = 300});
    int64_t from_us = dx_mono_us(&dx_clock_system);
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", "F33");
    comes_out(pool, "GET", "/hang-in-body", 0, "upstream-timeout", "F33");
    assert_true(dx_mono_us(&dx_clock_system) - from_us < 2000000);
    close_pool(pool);
    pool = open_pool((upstream_spec){.total_ms = 400});
    from_us = dx_mono_us(&dx_clock_system);
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", "F33");
    assert_true(dx_mono_us(&dx_clock_system) - from_us < 1500000);
    close_pool(pool);
}

static void bytes_that_come_late_end_the_connection_not_the_answer(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    unsigned before = connections();
    comes_out(pool, "GET", "/bytes-late", 200, "", NULL);
    usleep(250000);
    call c;
    run(&c, pool, "GET", "/ok", (dx_bytes){NULL, 0});
    assert_true(dx_bytes_is(dx_buf_view(&c.got), "ok")); /* not "evil" */
    assert_int_equal(c.attempts, 1);
    call_fini(&c);
    assert_int_equal(connections() - before, 2);
    close_pool(pool);
}

static void a_stale_connection_is_worth_one_retry_for_safe_methods(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    call c;
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    run(&c, pool, "GET", "/die-if-reused", (dx_bytes){NULL, 0});
    assert_int_equal(c.status, 200);
    assert_int_equal(c.attempts, 2);
    call_fini(&c);
    run(&c, pool, "POST", "/die-if-reused", DX_BYTES("order"));
    assert_string_equal(c.slug, "upstream-unreachable"); /* what was ordered once is not ordered twice */
    call_fini(&c);
    close_pool(pool);
}

static void a_refused_connection_is_told_after_one_more_try_and_opens_the_breaker(void **state)
{
    (void)state;
    uint16_t port;
    char address[40];
    close(listen_on(&port));
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    upstream_pool *pool =
        open_pool((upstream_spec){.address = address, .breaker_fails = 3, .breaker_open_s = 1});
    call c;
    run(&c, pool, "POST", "/ok", DX_BYTES("x"));
    assert_string_equal(c.slug, "upstream-unreachable");
    assert_string_equal(c.why.id, "F32");
    call_fini(&c);
    comes_out(pool, "GET", "/ok", 0, "upstream-unreachable", "F32");
    comes_out(pool, "GET", "/ok", 0, "upstream-unreachable", "F32");
    comes_out(pool, "GET", "/ok", 0, "BUSY", "F32"); /* open */
    usleep(1300000);
    comes_out(pool, "GET", "/ok", 0, "upstream-unreachable", "F32"); /* one probe */
    comes_out(pool, "GET", "/ok", 0, "BUSY", "F32");
    close_pool(pool);
}

static void a_probe_that_is_answered_closes_the_breaker(void **state)
{
    (void)state;
    upstream_pool *pool =
        open_pool((upstream_spec){.breaker_fails = 2, .breaker_open_s = 1, .first_byte_ms = 200});
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", NULL);
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", NULL);
    comes_out(pool, "GET", "/ok", 0, "BUSY", "F32");
    usleep(1300000);
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    close_pool(pool);
}

static void the_queue_is_bounded_and_moves_on_after_a_failure(void **state)
{
    (void)state;
    upstream_pool *pool =
        open_pool((upstream_spec){.connections_max = 1, .queue_max = 2, .first_byte_ms = 400});
    call c[4];
    static const char *const paths[] = {"/hang", "/ok", "/ok", "/ok"};
    for (int i = 0; i < 4; i++) {
        call_init(&c[i], pool, "GET", paths[i], (dx_bytes){NULL, 0});
        assert_true(net_post(worker, &c[i].task));
    }
    for (int i = 0; i < 4; i++)
        wait_for(&c[i]);
    assert_string_equal(c[0].slug, "upstream-timeout");
    assert_int_equal(c[1].status, 200);
    assert_int_equal(c[2].status, 200);
    assert_string_equal(c[3].slug, "BUSY");
    for (int i = 0; i < 4; i++)
        call_fini(&c[i]);
    close_pool(pool);
}

static void whoever_waits_too_long_in_the_queue_is_told(void **state)
{
    (void)state;
    upstream_pool *pool =
        open_pool((upstream_spec){.connections_max = 1, .queue_ms = 200, .first_byte_ms = 1500});
    call c[2];
    for (int i = 0; i < 2; i++) {
        call_init(&c[i], pool, "GET", "/hang", (dx_bytes){NULL, 0});
        assert_true(net_post(worker, &c[i].task));
    }
    wait_for(&c[1]);
    assert_string_equal(c[1].slug, "overloaded");
    assert_string_equal(c[1].why.id, "DP-320");
    wait_for(&c[0]);
    for (int i = 0; i < 2; i++)
        call_fini(&c[i]);
    close_pool(pool);
}

static void nothing_comes_after_a_cancel(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    for (int i = 0; i < 2; i++) {
        call c;
        call_init(&c, pool, "GET", "/large", (dx_bytes){NULL, 0});
        c.cancel_in_head = i == 0;
        c.cancel_in_data = i == 1;
        assert_true(net_post(worker, &c.task));
        wait_for(&c);
        size_t got = got_so_far(&c);
        usleep(50000);
        assert_int_equal(got_so_far(&c), got);
        assert_string_equal(c.slug, "");
        call_fini(&c);
    }
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    close_pool(pool);
}

static void do_resume(net_task *task)
{
    pool_task *t = (pool_task *)(void *)task;
    upstream_resume(t->ready.request);
}

static void a_paused_answer_waits_and_comes_whole(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){.idle_read_ms = 200});
    call c;
    call_init(&c, pool, "GET", "/large", (dx_bytes){NULL, 0});
    c.pause_in_head = true;
    assert_true(net_post(worker, &c.task));
    wait_for(&c);
    usleep(600000); /* longer than idle_read_ms: pausing stops the clock */
    assert_true(got_so_far(&c) < 4194304);
    c.done = false;
    pool_task t = {.task = {.fn = do_resume}};
    t.ready.request = c.request;
    assert_true(net_post(worker, &t.task));
    wait_for(&c);
    assert_string_equal(c.slug, "");
    assert_int_equal(c.got.size, 4194304);
    call_fini(&c);
    close_pool(pool);
}

static void closing_the_pool_tells_everybody(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){.connections_max = 1});
    call c[2];
    for (int i = 0; i < 2; i++) {
        call_init(&c[i], pool, "GET", "/hang", (dx_bytes){NULL, 0});
        assert_true(net_post(worker, &c[i].task));
    }
    usleep(100000);
    close_pool(pool);
    for (int i = 0; i < 2; i++) {
        wait_for(&c[i]);
        assert_string_equal(c[i].slug, "draining");
        call_fini(&c[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers_come_through),
        cmocka_unit_test(a_large_request_goes_out_whole),
        cmocka_unit_test(every_fault_has_its_slug),
        cmocka_unit_test(silence_ends_in_time),
        cmocka_unit_test(bytes_that_come_late_end_the_connection_not_the_answer),
        cmocka_unit_test(a_stale_connection_is_worth_one_retry_for_safe_methods),
        cmocka_unit_test(a_refused_connection_is_told_after_one_more_try_and_opens_the_breaker),
        cmocka_unit_test(a_probe_that_is_answered_closes_the_breaker),
        cmocka_unit_test(the_queue_is_bounded_and_moves_on_after_a_failure),
        cmocka_unit_test(whoever_waits_too_long_in_the_queue_is_told),
        cmocka_unit_test(nothing_comes_after_a_cancel),
        cmocka_unit_test(a_paused_answer_waits_and_comes_whole),
        cmocka_unit_test(closing_the_pool_tells_everybody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
