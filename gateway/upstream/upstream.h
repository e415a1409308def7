/* upstream.h -- the data API behind us: a keep-alive pool per worker, HTTP/1.1, every wait finite
 * (dataplane.md 10).
 *
 * Threads: one pool per worker; all calls and callbacks on that worker.
 */
#ifndef GATEWAY_UPSTREAM_UPSTREAM_H
#define GATEWAY_UPSTREAM_UPSTREAM_H

#include "gateway/net/net.h"

typedef struct {         /* how the data API proves itself, and we to it; RFC 8446, RFC 9525 */
    const char *ca_file; /* PEM: who may have issued its certificate. NULL: no TLS */
    const char *name;    /* DNS name or address in its certificate, and SNI; NULL: the host of its address */
    const char *certificate_file, *key_file; /* PEM, ours, for one that asks; both or neither */
} upstream_tls_spec;

typedef struct {
    /* "127.0.0.1:9000", "[::1]:9000", "api.example:9000" or "unix:/path": the same API at each, 1 to 16 */
    const char *const *addresses;
    size_t address_count;
    upstream_tls_spec tls;
    const char *host; /* Host sent; NULL: the canonical authority of the request */
    uint32_t connect_ms, first_byte_ms, idle_read_ms, total_ms; /* 0: 3000 60000 30000, 0 = none for total */
    uint32_t idle_s, idle_max, connections_max, queue_max, queue_ms; /* 0: 30 64 512 1024 5000 */
    uint32_t breaker_fails, breaker_open_s;                          /* 0: 5 10 */
    size_t header_bytes;                                             /* 0: 32768 */
} upstream_spec;

typedef struct upstream_pool upstream_pool;
typedef struct upstream_request upstream_request;

typedef struct {
    void (*head)(void *user, const http_message *response); /* final head; lives until end or failed */
    void (*data)(void *user, dx_bytes slice);               /* a view; pause with upstream_pause */
    void (*end)(void *user, const http_message *response);  /* complete, trailers in response */
    /* slug upstream-unreachable, upstream-timeout, upstream-invalid, upstream-incomplete, overloaded; after
     * head too */
    void (*failed)(void *user, const char *slug, const dx_why *why, bool after_head);
} upstream_events;

/* Would a pool of this open? Names are resolved and files read, nothing is connected. DX_CONFIG: an address
 * without a port or that no name service knows, a certificate or key that cannot be used; mend it first. */
DX_RC upstream_check(const upstream_spec *spec, dx_why *why);
/* As above; DX_NO_MEMORY. Names are resolved here, once. */
DX_RC upstream_pool_new(net_worker *worker, const upstream_spec *spec, upstream_pool **out, dx_why *why);
void upstream_pool_free(upstream_pool *pool); /* requests under way see failed */

/* Sends head and a whole body (both borrowed until end or failed, or until upstream_cancel returns). One
 * retry where dataplane.md 10 allows it, at another address when there is one. No event comes before this
 * returns. DX_BUSY: the breakers of all addresses are open, or the queue is full. */
DX_RC upstream_send(upstream_pool *pool, const http_message *head, dx_bytes body,
                    const upstream_events *events, void *user, upstream_request **out, dx_why *why);
/* Forget the answer: the connection is closed, no event comes any more. Not from within `failed`. */
void upstream_cancel(upstream_request *request);
void upstream_pause(upstream_request *request);
void upstream_resume(upstream_request *request);
unsigned upstream_attempts(const upstream_request *request);

/* What an F or DP-3 id of this room stands for, and its clause (may be NULL); NULL: no such id here. */
const char *upstream_check_text(const char *id, const char **clause);

#endif
