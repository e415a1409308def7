#include "trust/base/fetch_private.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>

/* Names become addresses once, on a thread of their own (identity.md 9.4): all of them are judged, and the
 * transfer is pinned to them, so that a name server that changes its answer changes nothing. */

#define ADDRESSES_MAX 16

typedef struct dx_fetch_look_up {
    dx_fetch_transfer *t; /* NULL: given up */
    void (*queue)(dx_fetch_transfer *t);
    dx_fetch_guard guard; /* a copy: the fetcher may be gone before the name server answers */
    char host[256], port[8];
    struct dx_rc rc;
    dx_why why;
    struct curl_slist *pinned;
} look_up;

/* Who has the transfer: its look-up or its fetcher. Never held while a name server is asked. */
static pthread_mutex_t handing_over = PTHREAD_MUTEX_INITIALIZER;

static bool is_literal(const char *host)
{
    uint8_t bytes[16];
    return host[0] == '[' || inet_pton(AF_INET, host, bytes) == 1;
}

/* Host and port as libcurl will use them: it reads 2130706433 and 0x7f.1 as addresses. */
static bool read_host(const char *url, char host[256], char port[8])
{
    CURLU *parsed = curl_url();
    char *h = NULL, *p = NULL;
    bool ok = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parsed, CURLUPART_HOST, &h, 0) == CURLUE_OK &&
              curl_url_get(parsed, CURLUPART_PORT, &p, CURLU_DEFAULT_PORT) == CURLUE_OK && strlen(h) < 256 &&
              strlen(p) < 8;
    if (ok) {
        memcpy(host, h, strlen(h) + 1);
        memcpy(port, p, strlen(p) + 1);
    }
    curl_free(h);
    curl_free(p);
    curl_url_cleanup(parsed);
    return ok;
}

static struct dx_rc refuse(const char *host, dx_why *why)
{
    return DX_FAIL_ID(why, REFUSED, "ID-416", "own rule: fetch.allow_private, fetch.allow_ports",
                      "%.180s leads to an address or port that is not allowed", host);
}

static bool add_address(dx_buf *line, const struct sockaddr *address, bool first)
{
    char text[INET6_ADDRSTRLEN];
    bool v6 = address->sa_family == AF_INET6;
    const void *bytes = v6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
                           : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    return inet_ntop(address->sa_family, bytes, text, sizeof text) != NULL &&
           dx_buf_addf(line, v6 ? "%s[%s]" : "%s%s", first ? "" : ",", text).code == DX_OK;
}

static struct dx_rc pin(look_up *l, const struct addrinfo *found)
{
    dx_buf line;
    dx_buf_init(&line, 2048);
    bool ok = dx_buf_addf(&line, "+%s:%s:", l->host, l->port).code == DX_OK;
    size_t count = 0;
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (!dx_fetch_guard_allows(&l->guard, a->ai_addr)) {
            dx_buf_fini(&line);
            return refuse(l->host, &l->why);
        }
        if (count < ADDRESSES_MAX)
            ok = ok && add_address(&line, a->ai_addr, count++ == 0);
    }
    ok = ok && count > 0 && dx_buf_add_byte(&line, 0).code == DX_OK &&
         (l->pinned = curl_slist_append(NULL, (const char *)line.data)) != NULL;
    dx_buf_fini(&line);
    return ok ? DX_OKAY : DX_FAIL(&l->why, NO_MEMORY, "", "no memory for the addresses of %.180s", l->host);
}

static void *run(void *argument)
{
    look_up *l = argument;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(l->host, l->port, &hints, &found);
    l->rc = failed != 0 ? DX_FAIL(&l->why, UNREACHABLE, "", "%.180s: %s", l->host, gai_strerror(failed))
                        : pin(l, found);
    if (found != NULL)
        freeaddrinfo(found);
    pthread_mutex_lock(&handing_over);
    if (l->t != NULL) {
        l->t->look_up = NULL;
        l->t->rc = l->rc;
        l->t->why = l->why;
        l->t->pinned = l->pinned;
        curl_easy_setopt(l->t->easy, CURLOPT_RESOLVE, l->pinned); /* nobody else has the handle yet */
        l->pinned = NULL;
        l->queue(l->t);
    }
    pthread_mutex_unlock(&handing_over);
    curl_slist_free_all(l->pinned);
    free(l);
    return NULL;
}

bool dx_fetch_resolve(dx_fetch_transfer *t, void (*queue)(dx_fetch_transfer *t))
{
    char host[256], port[8];
    pthread_t thread;
    if (!read_host(t->url, host, port)) {
        t->rc = refuse(t->url, &t->why);
        return false;
    }
    /* Literal addresses are judged when their socket opens; behind a proxy names are not ours to look up. */
    if (is_literal(host) || t->fetcher->proxy[0] != 0)
        return false;
    look_up *l = calloc(1, sizeof *l);
    if (l != NULL) {
        l->t = t;
        l->queue = queue;
        l->guard = t->fetcher->guard;
        t->look_up = l;
        memcpy(l->host, host, sizeof host);
        memcpy(l->port, port, sizeof port);
        if (pthread_create(&thread, NULL, run, l) == 0) {
            pthread_detach(thread);
            return true;
        }
        t->look_up = NULL;
        free(l);
    }
    t->rc = DX_FAIL(&t->why, NO_MEMORY, "", "no thread to look a name up");
    return false;
}

bool dx_fetch_resolve_give_up(dx_fetch_transfer *t)
{
    pthread_mutex_lock(&handing_over);
    bool mine = t->look_up != NULL;
    if (mine) {
        t->look_up->t = NULL;
        t->look_up = NULL;
    }
    pthread_mutex_unlock(&handing_over);
    return mine;
}
