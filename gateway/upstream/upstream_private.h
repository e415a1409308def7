/* upstream_private.h -- inside gateway/upstream: a pool, its connections (links), the requests on them.
 *
 * upstream.c         the door: pool, queue, how a request ends
 * upstream_target.c  the addresses: which one next, a breaker for each
 * upstream_link.c    one connection: opened, written to, read from, kept or closed
 * upstream_tls.c     TLS on a connection
 * upstream_answer.c  an answer taken off a link: heads, content, its end
 */
#ifndef GATEWAY_UPSTREAM_UPSTREAM_PRIVATE_H
#define GATEWAY_UPSTREAM_UPSTREAM_PRIVATE_H

#include "gateway/http/h1_parse.h"
#include "gateway/net/net_loop.h"
#include "gateway/net/net_tls_client.h"
#include "gateway/upstream/upstream.h"

#include <sys/socket.h>

#define UPSTREAM_ARENA_BYTES   (512U << 10) /* head and trailers of one answer, and what came with its head */
#define UPSTREAM_INTERIM_MAX   8            /* dataplane.md 5.4 */
#define UPSTREAM_INTERIM_BYTES (32U << 10)
#define UPSTREAM_READ_BYTES    (64U << 10)
#define UPSTREAM_TARGETS_MAX   16

typedef struct upstream_link upstream_link;

typedef struct {               /* one address of the data API */
    char text[256], host[256]; /* as configured; its part before the port */
    struct sockaddr_storage where;
    bool is_pipe;
    unsigned links; /* open to it */
    unsigned fails; /* one after the other, for its breaker */
    bool probing;   /* the one connection that a half-open breaker lets pass is under way */
    int64_t open_until_us;
} upstream_target;

struct upstream_request {
    upstream_request *next; /* in the queue */
    upstream_pool *pool;
    upstream_link *link; /* NULL: waits in the queue, or has failed */
    upstream_events events;
    void *user;
    const http_message *head;
    dx_bytes body;
    unsigned attempts;
    bool repeatable; /* its method may be sent twice, RFC 9110 9.2.2 */
    bool got_bytes, got_head, paused, ending, in_send;
    const upstream_target *tried; /* where it failed the first time; NULL: nowhere yet */
    int64_t end_us;               /* mono: upstream.total_ms; INT64_MAX: none */
    const char *failed_slug;      /* failed within upstream_send: told from the loop */
    dx_why failed_why;
    net_timer timer;
    dx_arena arena;
    http_message response;
};

struct upstream_link {
    upstream_link *next, **prev; /* newest first */
    upstream_pool *pool;
    upstream_request *request;
    upstream_target *target;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    uv_connect_t connect;
    uv_write_t write;
    dx_buf out;           /* head of the request under way */
    net_tls_session *tls; /* NULL: plain */
    dx_buf in;            /* head of the answer under construction */
    h1_head_state head;
    h1_body decode;
    size_t unsent;    /* when the write deadline was last set */
    unsigned waiting; /* pieces of ciphertext that the kernel has not taken yet */
    bool connected;   /* it may carry requests: TCP, and TLS above it, are up */
    bool reading, reused, keep, sent, closing, idle, in_body, probe;
    unsigned interim;
    size_t interim_bytes;
    int64_t idle_since_us;
};

struct upstream_pool {
    net_worker *worker;
    upstream_spec spec; /* every zero replaced by its default */
    char host[256];
    upstream_target targets[UPSTREAM_TARGETS_MAX];
    size_t target_count, next_target;
    net_tls_client *tls; /* NULL: plain */
    char tls_name[256];  /* empty: the host of the address */
    bool freeing;
    upstream_link *links;
    unsigned count, idle_count, queued;
    upstream_request *queue, **queue_end;
    net_timer sweep;
    uint8_t room[UPSTREAM_READ_BYTES], plain[UPSTREAM_READ_BYTES];
};

/* ---- upstream.c ---- */
/* Ends a request with a failure: its link is closed, `failed` is told (from the loop, never within
 * upstream_send). */
void upstream_fail(upstream_request *request, const char *slug, const dx_why *why);
void upstream_fail_text(upstream_request *request, dx_code code, const char *slug, const char *id,
                        const char *clause, const char *text);
/* Once more on another connection, only where nothing can happen twice (dataplane.md 10). False: not here. */
bool upstream_retry(upstream_request *request, bool not_connected);
/* The answer is whole: `end` is told, then the request is gone. */
void upstream_done(upstream_request *request);
/* (Re)starts the request's deadline, never beyond its total. */
void upstream_wait(upstream_request *request, uint32_t ms);
void upstream_start_next(upstream_pool *pool);
int64_t upstream_now_us(const upstream_pool *pool);

/* ---- upstream_target.c ---- */
DX_RC upstream_targets_resolve(upstream_pool *pool, dx_why *why);
/* Where the next connection goes: of the addresses whose breaker lets one pass the one with the fewest, in
 * turn; `avoid` only when it is the last one. NULL: all breakers are open. */
upstream_target *upstream_target_choose(upstream_pool *pool, const upstream_target *avoid);
bool upstream_target_any(const upstream_pool *pool); /* would choose find one? */
/* Counted are connections that do not come about and first bytes that do not come. */
void upstream_target_failed(upstream_link *link);
void upstream_target_heard(upstream_link *link); /* it answers: its breaker closes */

/* ---- upstream_link.c ---- */
void upstream_link_open(upstream_pool *pool, upstream_target *target, upstream_request *request);
void upstream_link_send(upstream_link *link);
void upstream_link_close(upstream_link *link);
void upstream_link_release(upstream_link *link);        /* after a whole answer: kept, or closed */
upstream_link *upstream_link_idle(upstream_pool *pool); /* the one used last; NULL: none */
void upstream_link_deadline(upstream_request *request); /* its time is over */
void upstream_link_read(upstream_link *link, bool on);
void upstream_link_up(upstream_link *link); /* it may carry requests from now on */
void upstream_link_unusable(
    upstream_link *link); /* no connection came about, no byte of a request has left */
void upstream_link_broken(upstream_link *link, const char *text); /* it is over, for whatever reason */
void upstream_link_sent(upstream_link *link);                     /* the kernel has the whole request */

/* ---- upstream_tls.c ---- */
/* Does nothing without upstream_spec.tls. */
DX_RC upstream_tls_open(upstream_pool *pool, net_worker *worker, dx_why *why);
bool upstream_tls_start(upstream_link *link); /* after connect; false: no memory */
/* Ciphertext from the API: goes on with the handshake, then hands plaintext to upstream_answer_take. The link
 * may be closing afterwards. */
void upstream_tls_take(upstream_link *link, dx_bytes cipher);
/* The request under way, as ciphertext, to the kernel. */
void upstream_tls_send(upstream_link *link);
void upstream_tls_end(upstream_link *link); /* close_notify, as far as the kernel takes it */

/* ---- upstream_answer.c ---- */
void upstream_answer_take(upstream_link *link, dx_bytes in);

#endif
