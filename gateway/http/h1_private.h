/* h1_private.h -- a head under judgement, shared by what reads start lines (h1_parse.c) and field lines
 * (h1_field.c). */
#ifndef GATEWAY_HTTP_H1_PRIVATE_H
#define GATEWAY_HTTP_H1_PRIVATE_H

#include "gateway/http/h1_parse.h"

typedef struct {
    const h1_rules *rules;
    dx_arena *arena;
    http_message *out;
    dx_why *why;
    size_t hosts, lengths, codings; /* how often Host, Content-Length, Transfer-Encoding stood there */
    bool close, coding_chunked;
    dx_bytes host;
} h1_head;

static inline struct dx_rc h1_bad(dx_why *why, const char *id, const char *clause, const char *text)
{
    return DX_FAIL_ID(why, MALFORMED, id, clause, "%s", text);
}

/* Well-formed, but more than is served here. */
static inline struct dx_rc h1_unserved(dx_why *why, const char *id, const char *clause, const char *text)
{
    return DX_FAIL_ID(why, UNSUPPORTED, id, clause, "%s", text);
}

/* One field line into p->out, and what it says about framing, connection and expectations into *p. */
DX_RC h1_field_take(h1_head *p, dx_bytes line);

#endif
