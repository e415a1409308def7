/* upstream_private.h -- inside gateway/upstream: a pool, its connections (links), the requests on them.
 *
 * upstream.c         the door: pool, queue, breaker, how a request ends
 * upstream_link.c    one connection: opened, written to, read from, kept or closed
 * upstream_answer.c  an answer taken off a link: heads, content, its end
 */
#ifndef GATEWAY_UPSTREAM_UPSTREAM_PRIVATE_H
#define GATEWAY_UPSTREAM_UPSTREAM_PRIVATE_H

#include "gateway/http/h1_parse.h"
#include "gateway/net/net_loop.h"
#include "gateway/upstream/upstream.h"

#include <sys/socket.h>

#define UPSTREAM_ARENA_BYTES   (512U << 10) /* head and trailers of one answer, and what came with its head */
#define UPSTREAM_INTERIM_MAX   8            /* dataplane.md 5.4 */
#define UPSTREAM_INTERIM_BYTES (32U << 10)
#define UPSTREAM_READ_BYTES    (64U << 10)

typedef struct upstream_link upstream_link;

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
    bool probe;              /* the one that a half-open breaker lets pass */
    int64_t end_us;          /* mono: upstream.total_ms; INT64_MAX: none */
    const char *failed_slug; /* failed within upstream_send: told from the loop */
    dx_why failed_why;
    net_timer timer;
    dx_arena arena;
    http_message response;
};

struct upstream_link {
    upstream_link *next, **prev; /* newest first */
    upstream_pool *pool;
    upstream_request *request;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    uv_connect_t connect;
    uv_write_t write;
    dx_buf out; /* head of the request under way */
    dx_buf in;  /* head of the answer under construction */
    h1_head_state head;
    h1_body decode;
    size_t unsent; /* when the write deadline was last set */
    bool connected, reading, reused, keep, sent, closing, idle, in_body;
    unsigned interim;
    size_t interim_bytes;
    int64_t idle_since_us;
};

struct upstream_pool {
    net_worker *worker;
    upstream_spec spec; /* every zero replaced by its default */
    char address[256], host[256];
    struct sockaddr_storage target;
    bool is_pipe, freeing;
    upstream_link *links;
    unsigned count, idle_count, queued;
    upstream_request *queue, **queue_end;
    unsigned fails; /* one after the other, for the breaker */
    bool probing;
    int64_t open_until_us;
    net_timer sweep;
    uint8_t room[UPSTREAM_READ_BYTES];
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
void upstream_heard(upstream_pool *pool); /* the data API answers: the breaker closes */
int64_t upstream_now_us(const upstream_pool *pool);

/* ---- upstream_link.c ---- */
void upstream_link_open(upstream_pool *pool, upstream_request *request);
void upstream_link_send(upstream_link *link);
void upstream_link_close(upstream_link *link);
void upstream_link_release(upstream_link *link);        /* after a whole answer: kept, or closed */
upstream_link *upstream_link_idle(upstream_pool *pool); /* the one used last; NULL: none */
void upstream_link_deadline(upstream_request *request); /* its time is over */
void upstream_link_read(upstream_link *link, bool on);

/* ---- upstream_answer.c ---- */
void upstream_answer_take(upstream_link *link, dx_bytes in);

#endif
