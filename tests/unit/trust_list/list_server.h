/* list_server.h -- a publisher that does as it is told, on loopback: answers, redirects, drips, counts. */
#ifndef TESTS_UNIT_TRUST_LIST_LIST_SERVER_H
#define TESTS_UNIT_TRUST_LIST_LIST_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    const char *path;
    int status;
    const char *etag;     /* with If-None-Match equal: 304 */
    const char *location; /* of a redirect */
    const char *encoding; /* Content-Encoding */
    const char *body;
    size_t size;
    unsigned byte_ms;  /* pause between single bytes; 0: all at once */
    unsigned pause_ms; /* before the answer */
} route;

typedef struct {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    route routes[16];
    atomic_bool stop;
    atomic_uint asked, conditional, flying, most_flying;
} list_server;

typedef struct {
    list_server *server;
    int fd;
} list_visit;

static void nap(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static bool say(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static void answer(list_server *s, int fd, const char *request)
{
    char path[256] = "", head[1024], etag[300];
    route r = {.status = 404, .body = "no", .size = 2};
    sscanf(request, "GET %255s", path);
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < 16; i++)
        if (s->routes[i].path != NULL && strcmp(s->routes[i].path, path) == 0)
            r = s->routes[i];
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_add(&s->asked, 1);
    nap(r.pause_ms);
    snprintf(etag, sizeof etag, "If-None-Match: %s\r\n", r.etag == NULL ? "" : r.etag);
    if (strstr(request, "If-None-Match: ") != NULL)
        atomic_fetch_add(&s->conditional, 1);
    if (r.etag != NULL && strstr(request, etag) != NULL) {
        r.status = 304;
        r.size = 0;
    }
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\nConnection: close\r\n",
                     r.status, r.size);
    if (r.etag != NULL)
        n += snprintf(head + n, sizeof head - (size_t)n,
                      "ETag: %s\r\nLast-Modified: Mon, 23 Nov 2026 00:00:00 GMT\r\n", r.etag);
    if (r.location != NULL)
        n += snprintf(head + n, sizeof head - (size_t)n, "Location: %s\r\n", r.location);
    if (r.encoding != NULL)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Encoding: %s\r\n", r.encoding);
    n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    bool on = say(fd, head, (size_t)n);
    for (size_t i = 0; on && r.byte_ms > 0 && i < r.size && !atomic_load(&s->stop); i++) {
        on = say(fd, r.body + i, 1);
        nap(r.byte_ms);
    }
    if (on && r.byte_ms == 0)
        say(fd, r.body, r.size);
}

static void *visit(void *argument)
{
    list_visit v = *(list_visit *)argument;
    free(argument);
    char request[4096];
    size_t size = 0;
    unsigned flying = atomic_fetch_add(&v.server->flying, 1) + 1, most = atomic_load(&v.server->most_flying);
    while (flying > most && !atomic_compare_exchange_weak(&v.server->most_flying, &most, flying))
        ;
    request[0] = '\0';
    while (size < sizeof request - 1 && strstr(request, "\r\n\r\n") == NULL) {
        ssize_t n = recv(v.fd, request + size, sizeof request - 1 - size, 0);
        if (n <= 0)
            break;
        size += (size_t)n;
        request[size] = '\0';
    }
    if (strstr(request, "\r\n\r\n") != NULL)
        answer(v.server, v.fd, request);
    atomic_fetch_sub(&v.server->flying, 1);
    shutdown(v.fd, SHUT_RDWR);
    close(v.fd);
    return NULL;
}

static void *serve_all(void *argument)
{
    list_server *s = argument;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0 || atomic_load(&s->stop)) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        list_visit *v = malloc(sizeof *v);
        *v = (list_visit){s, fd};
        pthread_t thread;
        if (pthread_create(&thread, NULL, visit, v) == 0)
            pthread_detach(thread);
    }
}

static void list_server_start(list_server *s)
{
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof a;
    if (bind(s->fd, (struct sockaddr *)(void *)&a, sizeof a) != 0 || listen(s->fd, 64) != 0 ||
        getsockname(s->fd, (struct sockaddr *)(void *)&a, &size) != 0 ||
        pthread_create(&s->thread, NULL, serve_all, s) != 0)
        abort();
    s->port = ntohs(a.sin_port);
}

static void list_server_route(list_server *s, size_t at, route r)
{
    pthread_mutex_lock(&s->lock);
    s->routes[at] = r;
    pthread_mutex_unlock(&s->lock);
}

static void list_server_stop(list_server *s)
{
    atomic_store(&s->stop, true);
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (int i = 0; i < 200 && atomic_load(&s->flying) > 0; i++)
        nap(20);
    pthread_mutex_destroy(&s->lock);
}

#endif
