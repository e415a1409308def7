/* h1_parse.h -- RFC 9112 messages, strictly; used for requests of peers and answers of the data API alike.
 *
 * No I/O, no allocation. Refuses rather than repairs: ids DP-101 to DP-136, dataplane.md 5.2.
 */
#ifndef GATEWAY_HTTP_H1_PARSE_H
#define GATEWAY_HTTP_H1_PARSE_H

#include "gateway/http/http_message.h"

typedef enum { H1_MORE, H1_DONE, H1_BAD } h1_step;

typedef struct {
    size_t header_bytes, field_bytes, target_bytes, fields;
    bool response;
    bool head_request; /* response to HEAD: no body whatever the fields say */
    bool body_on_get;
} h1_rules;

typedef struct {    /* restartable: zero it before a message */
    size_t scanned; /* bytes of the head already looked at */
    bool line_judged;
} h1_head_state;

/* Phase one: where does the head end? H1_DONE: its first *size bytes. Restarts where it left off; a bare LF,
 * a NUL, an over-long head and a bad request line are told as soon as they stand there. */
h1_step h1_head_find(h1_head_state *state, dx_bytes in, const h1_rules *rules, size_t *size, dx_why *why);
/* Phase two: reads a whole head. `out` views `head`, which must stay where it is; names and the fields array
 * are in `arena`. Framing is judged: out->body says what follows. H1_BAD: `why` has id, clause and text,
 * h1_status(why) the status. */
h1_step h1_head_read(dx_bytes head, const h1_rules *rules, dx_arena *arena, http_message *out,
                     bool *keep_alive, dx_why *why);
/* A line of a head or trailer section, without its CRLF, into name (as sent) and value (without outer
 * blanks). */
DX_RC h1_field_line(dx_bytes line, dx_bytes *name, dx_bytes *value, dx_why *why);
/* HTTP status for a refusal: 400, 414, 417, 421, 431, 501, 505. */
int h1_status(const dx_why *why);

/* Content decoder: length or chunked. */
typedef struct {
    http_body_kind kind;
    uint64_t left; /* of the body or the chunk */
    unsigned state;
    size_t line_bytes, extension_bytes, trailer_bytes;
    bool response;
    uint8_t line[8192]; /* a chunk line or trailer section under construction */
    size_t line_size;
} h1_body;
void h1_body_init(h1_body *body, const http_message *head, bool response);
/* Takes from `in`: *used bytes consumed, *data the content among them (a view, may be empty). H1_DONE:
 * message complete, trailers (chunked) appended to `head` in `arena`. */
h1_step h1_body_take(h1_body *body, dx_bytes in, size_t *used, dx_bytes *data, http_message *head,
                     size_t trailer_fields_max, dx_arena *arena, dx_why *why);

/* Serialisers: start line, one framing field, fields. DX_INTERNAL, and nothing may be sent, when something
 * holds CR, LF or NUL: response splitting stops here, in every build. */
DX_RC h1_write_request(const http_message *head, const char *host, dx_buf *out);
DX_RC h1_write_response(const http_message *head, bool keep_alive, dx_buf *out);
/* The last chunk and the trailer section (RFC 9112 7.1.2). */
DX_RC h1_write_last_chunk(const http_field *trailers, size_t count, dx_buf *out);

#endif
