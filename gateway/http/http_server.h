/* http_server.h -- bytes of one connection in, requests out; answers in, bytes out. No sockets, no TLS, no
 * clock of its own: gateway/net feeds it and drains it.
 *
 * One http_connection speaks HTTP/1.1 or HTTP/2. It calls http_handler for each request; whoever handles it
 * answers with the http_answer_* verbs, at once or later, always on the connection's own worker.
 */
#ifndef GATEWAY_HTTP_HTTP_SERVER_H
#define GATEWAY_HTTP_HTTP_SERVER_H

#include "gateway/http/http_message.h"

typedef struct http_connection http_connection;
typedef struct http_stream http_stream; /* one request and its answer */

typedef struct {
    /* A request head is complete and well-formed. Returns what the later calls get as `user`. `request` lives
     * until gone. */
    void *(*begin)(void *context, http_stream *stream, const http_message *request);
    /* Body bytes, the END or a truncation can be taken with http_body_take. */
    void (*body)(void *user, http_stream *stream);
    /* The stream is over: answered in full (`sent` true) or lost. The last call; http_stream is dead after
     * it. */
    void (*gone)(void *user, http_stream *stream, bool sent);
    /* A request that never became an exchange (DP-1xx, DP-3xx): for the aggregated counters. */
    void (*refused)(void *context, const dx_why *why);
    void *context;
} http_handler;

typedef struct { /* limits of dataplane.md 15 */
    size_t header_bytes, field_bytes, target_bytes, fields, trailer_bytes, trailer_fields;
    uint64_t request_body_bytes;
    uint32_t h2_streams, requests_per_connection;
    const char *const *hosts; /* configured names, lower case; others are 421 (DP-141) */
    size_t host_count;
    uint16_t port; /* the listener's own; 443 is fine too */
} http_limits;
extern const http_limits http_limits_default;

/* The far end of a connection, implemented by gateway/net. */
typedef struct {
    /* There is output: call http_connection_write at the end of this turn. */
    void (*want_write)(void *link);
    void *link;
} http_link;

/* `h2`: ALPN said so. `sni`: the name the peer asked for, or NULL. `user`: returned by
 * http_stream_connection_user. */
DX_RC http_connection_new(bool h2, const char *sni, const http_limits *limits, const http_handler *handler,
                          const http_link *link, void *user, http_connection **out);
void http_connection_free(http_connection *connection); /* streams under way see gone(sent = false) */

/* Plaintext from the peer. Takes all of it, or as much as its bounds allow: *taken < size means "read no more
 * now"; net stops reading and offers the rest again after http_connection_write made room or a body was
 * taken. */
void http_connection_feed(http_connection *connection, dx_bytes in, size_t *taken);
void http_connection_eof(http_connection *connection); /* the peer will send no more */
/* Fills `room` with bytes for the peer; returns how many. 0: nothing to send now. */
size_t http_connection_write(http_connection *connection, uint8_t *room, size_t size);
bool http_connection_wants_input(const http_connection *connection);
bool http_connection_is_done(
    const http_connection *connection); /* all sent, close now; orderly or not: see below */
bool http_connection_is_aborted(const http_connection *connection); /* close without close_notify */
/* When the connection must have made progress: absolute mono µs given by net's clock at each feed; 0 none.
 * What it waits for decides the deadline net sets: head, body, idle. */
typedef enum { HTTP_WAIT_HEAD, HTTP_WAIT_BODY, HTTP_WAIT_ANSWER, HTTP_WAIT_IDLE } http_wait;
http_wait http_connection_waits_for(const http_connection *connection);
/* A deadline passed: 408 or close, as dataplane.md 13 says. */
void http_connection_timeout(http_connection *connection);
/* Graceful: GOAWAY, or Connection: close with the next answer. */
void http_connection_drain(http_connection *connection);

/* ---- for handlers ---- */
void *http_stream_connection_user(const http_stream *stream);
const http_message *http_stream_request(const http_stream *stream);
dx_arena *http_stream_arena(http_stream *stream); /* lives until gone */

typedef enum {
    HTTP_TAKE_AGAIN,
    HTTP_TAKE_DATA,
    HTTP_TAKE_END,
    HTTP_TAKE_TRUNCATED,
    HTTP_TAKE_REFUSED,  /* it is not well-formed: http_body_refusal */
    HTTP_TAKE_TOO_LARGE /* it went over request_body_bytes, its length unannounced */
} http_take;
/* The next piece of the request body; *slice is valid until the next take or return to the loop. The first
 * call sends 100 Continue where it was asked for. END makes request->trailers complete. */
http_take http_body_take(http_stream *stream, dx_bytes *slice);
/* After HTTP_TAKE_REFUSED: id, clause and text, status and slug of the refusal. */
const dx_why *http_body_refusal(const http_stream *stream, int *status, const char **slug);
/* Slug of the problem document for a refusal with that status and id (dataplane.md 13). */
const char *http_refusal_slug(int status, const char *id);

/* Head of the answer; `head` is copied. `end`: there is no body. Content-Length is ours to write when
 * head->body is HTTP_BODY_LENGTH. */
void http_answer(http_stream *stream, const http_message *head, bool end);
/* A piece of the body, copied. Returns bytes waiting to be sent on this stream (backpressure above 64 KiB: go
 * on when http_answer_ready is called). */
size_t http_answer_data(http_stream *stream, dx_bytes data);
void http_answer_end(http_stream *stream, const http_field *trailers, size_t trailer_count);
/* A truncated answer: no last chunk, RST_STREAM(INTERNAL_ERROR). */
void http_answer_abort(http_stream *stream);
/* Called once when the stream's waiting bytes fall below 32 KiB. */
void http_answer_ready(http_stream *stream, void (*ready)(void *user), void *user);

#endif
