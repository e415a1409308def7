/* http_stream.h -- inside gateway/http: what both protocol versions keep of a request and its answer. */
#ifndef GATEWAY_HTTP_HTTP_STREAM_H
#define GATEWAY_HTTP_HTTP_STREAM_H

#include "gateway/http/http_server.h"

#define STREAM_IN_MAX                                                                                        \
    (256U << 10) /* request content waiting for its reader, beyond the flow-control window */
#define STREAM_OUT_HIGH (64U << 10)
#define STREAM_OUT_LOW  (32U << 10)
#define STREAM_OUT_MAX                                                                                       \
    (80U << 20) /* an answer that was handed over at once: the buffered body limit and some */

typedef struct { /* what one protocol version does with the verbs of http_server.h */
    void (*free)(http_connection *c);
    void (*feed)(http_connection *c, dx_bytes in, size_t *taken);
    void (*eof)(http_connection *c);
    size_t (*write)(http_connection *c, uint8_t *room, size_t size);
    http_wait (*waits_for)(const http_connection *c);
    void (*timeout)(http_connection *c);
    void (*drain)(http_connection *c);
    void (*wants_body)(http_stream *s); /* first take: 100 Continue; later: flow control */
    void (*answer)(http_stream *s, const http_message *head, bool end);
    void (*more)(http_stream *s); /* data or end was added to out */
    void (*abort)(http_stream *s);
} http_protocol;

struct http_stream {
    http_connection *connection;
    http_stream *next;
    int32_t id; /* h2 */
    dx_arena arena;
    http_message request;
    void *user;
    bool begun; /* the handler knows it */
    /* request content */
    dx_buf in;
    size_t in_taken;
    uint64_t in_total;
    bool in_end, in_cut, in_over, in_bad, wanted; /* over: cut because it was too large */
    dx_why in_why;                                /* bad: what is wrong with it */
    int32_t window;                               /* h2: of this stream; 0 until it has grown */
    size_t drained;                               /* h2: taken since it last grew */
    /* answer */
    bool answered, out_end, head_only, aborted, done;
    bool counted;  /* Content-Length was promised: */
    uint64_t owed; /* so many bytes of it are still to come from the handler */
    dx_buf out;
    size_t out_sent;
    http_field *trailers;
    size_t trailer_count;
    void (*ready)(void *user);
    void *ready_user;
};

struct http_connection {
    const http_protocol *protocol;
    http_limits limits;
    http_handler handler;
    http_link link;
    void *user;
    char sni[256];
    http_stream *streams;
    bool input_over, draining, finished, aborted; /* finished: close when all is written */
    bool feeding;
    uint64_t requests;
};

http_stream *http_stream_new(http_connection *c);
/* Tells the handler that it is over and frees it. */
void http_stream_end(http_stream *s, bool sent);
/* A head is complete and well-formed: refuses what this listener does not serve or take, begins the rest. */
void http_stream_admit(http_stream *s);
/* More request content, or its end; false: the bound is reached. */
bool http_stream_take_in(http_stream *s, dx_bytes data);
void http_stream_in_ended(http_stream *s, bool cut);
void http_stream_in_refused(http_stream *s,
                            const dx_why *why);     /* content or trailers that are not well-formed */
void http_stream_sent(http_stream *s, size_t size); /* bytes of out went away */
/* A refusal before there is an exchange: answered by ourselves. */
void http_refuse(http_stream *s, int status, const dx_why *why);

http_connection *h1_connection_new(void);
http_connection *h2_connection_new(http_connection *defaults); /* NULL: out of memory */

#endif
