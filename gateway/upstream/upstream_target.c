/* upstream_target.c -- the addresses of the data API: resolved once, each with a circuit breaker of its own.
 */
#include "gateway/upstream/upstream_private.h"

#include "trust/base/log.h"

#include <netdb.h>
#include <stdio.h>

/* ---- resolving ---- */

/* "[::1]:80" and "name:80" taken apart. False: no port, or nothing before it. */
static bool take_apart(const char *address, char host[static 256], const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - address);
    if (size == 0 || size > 255 || colon[1] == '\0')
        return false;
    bool v6 = address[0] == '[' && size > 2 && colon[-1] == ']';
    snprintf(host, 256, "%.*s", (int)(v6 ? size - 2 : size), v6 ? address + 1 : address);
    *port = colon + 1;
    return true;
}

static upstream_target *add(upstream_pool *pool, const char *address)
{
    upstream_target *t = &pool->targets[pool->target_count++];
    snprintf(t->text, sizeof t->text, "%s", address);
    return t;
}

static DX_RC resolve(upstream_pool *pool, const char *address, dx_why *why)
{
    char host[256];
    const char *port;
    if (strncmp(address, "unix:", 5) == 0) {
        add(pool, address)->is_pipe = true;
        return DX_OKAY;
    }
    if (!take_apart(address, host, &port))
        return DX_FAIL(why, CONFIG, "", "upstream.addresses: %.100s is not address:port or unix:/path",
                       address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0)
        return DX_FAIL(why, CONFIG, "", "upstream.addresses: %.100s has no address: %s", address,
                       gai_strerror(error));
    for (struct addrinfo *a = found; a != NULL && pool->target_count < UPSTREAM_TARGETS_MAX; a = a->ai_next) {
        upstream_target *t = add(pool, address);
        snprintf(t->host, sizeof t->host, "%s", host);
        memcpy(&t->where, a->ai_addr, a->ai_addrlen);
    }
    freeaddrinfo(found);
    return DX_OKAY;
}

DX_RC upstream_targets_resolve(upstream_pool *pool, dx_why *why)
{
    for (size_t i = 0; i < pool->spec.address_count && pool->target_count < UPSTREAM_TARGETS_MAX; i++) {
        struct dx_rc rc = resolve(pool, pool->spec.addresses[i], why);
        if (rc.code != DX_OK)
            return rc;
    }
    return pool->target_count > 0 ? DX_OKAY
                                  : DX_FAIL(why, CONFIG, "", "upstream.addresses names no data API");
}

/* ---- which one next ---- */

static bool lets_pass(const upstream_pool *pool, const upstream_target *t)
{
    return t->fails < pool->spec.breaker_fails || (upstream_now_us(pool) >= t->open_until_us && !t->probing);
}

bool upstream_target_any(const upstream_pool *pool)
{
    for (size_t i = 0; i < pool->target_count; i++)
        if (lets_pass(pool, &pool->targets[i]))
            return true;
    return false;
}

upstream_target *upstream_target_choose(upstream_pool *pool, const upstream_target *avoid)
{
    upstream_target *best = NULL;
    size_t first = pool->next_target++;
    for (size_t i = 0; i < pool->target_count; i++) {
        upstream_target *t = &pool->targets[(first + i) % pool->target_count];
        if (!lets_pass(pool, t))
            continue;
        if (best == NULL || (best == avoid && t != avoid) || (t != avoid && t->links < best->links))
            best = t;
    }
    return best;
}

/* ---- the breaker ---- */

/* What waits on an address that does not answer would only make the next request fail. */
static void close_idle(upstream_pool *pool, const upstream_target *t)
{
    for (upstream_link *link = pool->links, *next; link != NULL; link = next) {
        next = link->next;
        if (link->idle && link->target == t)
            upstream_link_close(link);
    }
}

void upstream_target_failed(upstream_link *link)
{
    upstream_pool *pool = link->pool;
    upstream_target *t = link->target;
    int64_t now_us = upstream_now_us(pool), open_us = (int64_t)pool->spec.breaker_open_s * 1000000;
    if (t->fails < pool->spec.breaker_fails)
        t->fails++;
    if (t->fails < pool->spec.breaker_fails)
        return;
    /* Spread over a fifth of the time, so that workers do not all come back at once; the clock is chance
     * enough. */
    t->open_until_us = now_us + open_us * 9 / 10 + (open_us / 5) * (now_us % 1024) / 1024;
    dx_log(DX_LOG_WARN, "upstream.breaker_open", F_STR("address", t->text));
    close_idle(pool, t);
}

void upstream_target_heard(upstream_link *link)
{
    upstream_target *t = link->target;
    if (t->fails >= link->pool->spec.breaker_fails)
        dx_log(DX_LOG_INFO, "upstream.breaker_closed", F_STR("address", t->text));
    if (link->probe)
        t->probing = link->probe = false;
    t->fails = 0;
}
