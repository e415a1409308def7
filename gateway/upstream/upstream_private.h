/* upstream_private.h -- inside gateway/upstream: a pool, its connections, the requests on them. */
#ifndef GATEWAY_UPSTREAM_UPSTREAM_PRIVATE_H
#define GATEWAY_UPSTREAM_UPSTREAM_PRIVATE_H

#include "gateway/http/h1_parse.h"
#include "gateway/net/net_loop.h"
#include "gateway/upstream/upstream.h"

typedef struct pipe_end pipe_end;

struct upstream_request {
    upstream_request   *next; /* in the queue */
    upstream_pool      *pool;
    pipe_end               *link;
    upstream_events     events;
    void               *user;
    const http_message *head;
    dx_bytes            body;
    unsigned            attempts;
    bool                safe, got_bytes, got_head, cancelled;
    int64_t             queued_us, started_us;
    net_timer           timer;
    dx_arena            arena; /* of the answer */
    http_message        response;
};

struct pipe_end { /* one connection to the data API */
    pipe_end             *next, **prev;
    upstream_pool    *pool;
    upstream_request *request;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t    tcp;
        uv_pipe_t   pipe;
    } u;
    uv_connect_t     connect;
    uv_write_t       write;
    dx_buf           out;   /* head and body under way */
    dx_buf           in;    /* head of the answer under construction */
    h1_head_state    head;
    h1_body          decode;
    bool             connected, reading, reused, keep, sent, closing, idle, in_body, paused;
    unsigned         interim;
    int64_t          idle_since_us;
};

struct upstream_pool {
    net_worker             *worker;
    upstream_spec           spec;
    char                    address[256], host[256];
    struct sockaddr_storage target;
    bool                    is_pipe;
    pipe_end                   *links;
    unsigned                count, idle_count;
    upstream_request       *queue, **queue_end;
    unsigned                queued;
    unsigned                fails;   /* consecutive, for the breaker */
    int64_t                 open_until_us;
    net_timer               sweep;
    bool                    freeing;
    uint8_t                 room[64 << 10];
};

#endif
