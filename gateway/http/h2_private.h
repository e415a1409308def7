/* h2_private.h -- inside one HTTP/2 connection: requests, answers and the session see each other here. */
#ifndef GATEWAY_HTTP_H2_PRIVATE_H
#define GATEWAY_HTTP_H2_PRIVATE_H

#include "gateway/http/h2_walker.h"
#include "gateway/http/http_stream.h"

#include <nghttp2/nghttp2.h>

#define H2_WINDOW_BYTES 65536 /* of a new stream; one whose reader keeps up gets more */

typedef struct {
    http_connection c;
    nghttp2_session *session;
    h2_walker walker;
    size_t header_bytes; /* of the block under way */
    const uint8_t *out;  /* what nghttp2 handed over and did not fit yet */
    size_t out_size;
    int64_t our_resets, filled_ms;
    bool terminating, goaway_sent;
} h2_connection;

static inline h2_connection *h2_of(http_connection *c)
{
    return (h2_connection *)(void *)c;
}

/* h2_connection.c: says why, then GOAWAY with that error; nothing the second time. */
void h2_connection_end(h2_connection *x, uint32_t error, const dx_why *why);

/* h2_request.c: the callbacks that make requests of what nghttp2 read. */
void h2_request_callbacks(nghttp2_session_callbacks *callbacks);

/* h2_answer.c: the verbs of http_protocol that speak on a stream. */
void h2_answer_wants_body(http_stream *s);
void h2_answer_head(http_stream *s, const http_message *head, bool end);
void h2_answer_more(http_stream *s);
void h2_answer_abort(http_stream *s);

#endif
