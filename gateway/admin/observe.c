#include "gateway/admin/observe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX    2048
#define REQUEST_MS  2000 /* a client that says nothing for so long is let go */
#define ANSWER_MAX  (1U << 20)
#define REASONS_MAX 16

struct observe {
    control *control;
    int fd, wake[2]; /* writing to wake[1] ends the thread */
    pthread_t thread;
    bool running;
};

static void send_all(int fd, dx_bytes data)
{
    while (data.size > 0) {
        ssize_t n = send(fd, data.data, data.size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        data = dx_bytes_part(data, (size_t)n, data.size - (size_t)n);
    }
}

static void answer(int fd, const char *status, const char *type, dx_bytes body, bool head_only)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: "
                     "no-store\r\nConnection: close\r\n\r\n",
                     status, type, body.size);
    send_all(fd, dx_bytes_of(head, (size_t)n));
    if (!head_only)
        send_all(fd, body);
}

static void answer_ready(observe *o, int fd, bool head_only)
{
    control_reason reasons[REASONS_MAX];
    size_t count = control_reasons(o->control, reasons, REASONS_MAX);
    dx_buf body;
    dx_buf_init(&body, ANSWER_MAX);
    struct dx_rc rc = dx_buf_addf(&body, "%s\n", count == 0 ? "ready" : "not ready");
    for (size_t i = 0; i < count && rc.code == DX_OK; i++)
        rc = dx_buf_addf(&body, "%s: %s\n", reasons[i].id, reasons[i].text);
    answer(fd, count == 0 && rc.code == DX_OK ? "200 OK" : "503 Service Unavailable",
           "text/plain; charset=utf-8", dx_buf_view(&body), head_only);
    dx_buf_fini(&body);
}

static void answer_metrics(observe *o, int fd, bool head_only)
{
    dx_buf body;
    dx_buf_init(&body, ANSWER_MAX);
    struct dx_rc rc = control_metrics(o->control, &body);
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(&body, "# EOF\n");
    answer(fd, rc.code == DX_OK ? "200 OK" : "500 Internal Server Error",
           "application/openmetrics-text; version=1.0.0; charset=utf-8",
           rc.code == DX_OK ? dx_buf_view(&body) : (dx_bytes){0}, head_only);
    dx_buf_fini(&body);
}

/* The start line of one request; the fields are read and not looked at. False: too long, too slow, or not
 * HTTP. */
static bool read_start(observe *o, int fd, char method[8], char target[128])
{
    const dx_clock *clock = control_gate(o->control)->clock;
    const int64_t until_us = dx_mono_us(clock) + REQUEST_MS * 1000;
    char head[HEAD_MAX + 1];
    size_t size = 0;
    for (;;) {
        ssize_t n = recv(fd, head + size, HEAD_MAX - size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || dx_mono_us(clock) > until_us)
            return false;
        size += (size_t)n;
        head[size] = 0;
        if (strstr(head, "\r\n\r\n") != NULL)
            return sscanf(head, "%7[A-Z] %127[^ ?]", method, target) == 2;
        if (size == HEAD_MAX)
            return false;
    }
}

static void serve(observe *o, int fd)
{
    const struct timeval patience = {.tv_sec = REQUEST_MS / 1000, .tv_usec = REQUEST_MS % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    char method[8], target[128];
    if (!read_start(o, fd, method, target)) {
        answer(fd, "400 Bad Request", "text/plain", dx_bytes_text("not a request this listener reads\n"),
               false);
        return;
    }
    bool head_only = strcmp(method, "HEAD") == 0;
    if (!head_only && strcmp(method, "GET") != 0)
        answer(fd, "405 Method Not Allowed", "text/plain", dx_bytes_text("GET or HEAD\n"), false);
    else if (strcmp(target, "/health/live") == 0)
        answer(fd, "200 OK", "text/plain", dx_bytes_text("live\n"), head_only);
    else if (strcmp(target, "/health/ready") == 0)
        answer_ready(o, fd, head_only);
    else if (strcmp(target, "/metrics") == 0)
        answer_metrics(o, fd, head_only);
    else
        answer(fd, "404 Not Found", "text/plain", dx_bytes_text("/health/live, /health/ready, /metrics\n"),
               head_only);
}

static void *run(void *argument)
{
    observe *o = argument;
    struct pollfd polls[2] = {{.fd = o->fd, .events = POLLIN}, {.fd = o->wake[0], .events = POLLIN}};
    for (;;) {
        if (poll(polls, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (polls[1].revents != 0)
            return NULL;
        if ((polls[0].revents & POLLIN) == 0)
            continue;
        int fd = accept4(o->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        serve(o, fd);
        close(fd);
    }
}

static DX_RC listen_on(const char *address, int *out, dx_why *why)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - address);
    if (colon == NULL || size >= sizeof host)
        return DX_FAIL(why, CONFIG, "", "observe.address: %s is not host:port", address);
    bool bracket = size >= 2 && address[0] == '[' && address[size - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(bracket ? size - 2 : size), address + (bracket ? 1 : 0));
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return DX_FAIL(why, CONFIG, "", "observe.address: %s is not an IP address and port", address);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    bool good = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 16) == 0;
    freeaddrinfo(found);
    if (!good) {
        struct dx_rc rc =
            DX_FAIL(why, IO, "", "observe.address: cannot listen on %s: %s", address, strerror(errno));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    *out = fd;
    return DX_OKAY;
}

DX_RC observe_start(control *c, const char *address, observe **out, dx_why *why)
{
    *out = NULL;
    observe *o = calloc(1, sizeof *o);
    if (o == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the observe listener");
    *o = (observe){.control = c, .fd = -1, .wake = {-1, -1}};
    struct dx_rc rc = listen_on(address, &o->fd, why);
    if (rc.code == DX_OK && pipe2(o->wake, O_CLOEXEC) != 0)
        rc = DX_FAIL(why, IO, "", "no pipe for the observe listener: %s", strerror(errno));
    if (rc.code == DX_OK && pthread_create(&o->thread, NULL, run, o) != 0)
        rc = DX_FAIL(why, NO_MEMORY, "", "no thread for the observe listener");
    o->running = rc.code == DX_OK;
    if (rc.code != DX_OK) {
        observe_stop(o);
        return rc;
    }
    *out = o;
    return DX_OKAY;
}

void observe_stop(observe *o)
{
    if (o == NULL)
        return;
    if (o->running) {
        if (write(o->wake[1], "", 1) == 1)
            pthread_join(o->thread, NULL);
    }
    int fds[] = {o->fd, o->wake[0], o->wake[1]};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(o);
}
