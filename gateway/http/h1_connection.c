#include "gateway/http/http_stream.h"

#include "gateway/http/h1_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One HTTP/1.1 connection of a peer: one exchange at a time, answers in order. */

#define PIPELINE_MAX (64U << 10)
#define DISCARD_MAX  (256U << 10)

typedef enum { READ_HEAD, READ_BODY, BODY_READ, DISCARD } phase;

typedef struct {
    http_connection c;
    phase at;
    dx_buf in; /* head under construction, then whatever is pipelined behind the message */
    size_t in_used;
    h1_head_state head;
    h1_body body;
    dx_buf out; /* heads and framing; content goes straight from the stream */
    size_t out_sent;
    bool keep, last_sent, continue_due, chunked, busy;
    size_t discarded;
} h1;

static h1 *of(http_connection *c)
{
    return (h1 *)(void *)c;
}

static void h1_free(http_connection *c)
{
    h1 *x = of(c);
    dx_buf_fini(&x->in);
    dx_buf_fini(&x->out);
    free(x);
}

static void finish(h1 *x)
{
    x->c.finished = true;
}

/* An answer that cannot be written: nothing of it leaves. */
static void cut(h1 *x)
{
    dx_buf_clear(&x->out);
    x->out_sent = 0;
    x->c.aborted = x->c.finished = true;
}

/* A message that cannot be believed: answered, then the connection ends. Nothing behind it is parsed. */
static void refuse(h1 *x, http_stream *s, const dx_why *why)
{
    x->keep = false;
    x->at = DISCARD;
    if (s == NULL || s->answered) {
        x->c.aborted = true;
        finish(x);
        return;
    }
    http_refuse(s, h1_status(why), why);
}

static void begin(h1 *x, http_stream *s, bool keep)
{
    http_message *m = &s->request;
    x->keep = keep && !x->c.draining && x->c.requests + 1 < x->c.limits.requests_per_connection;
    h1_body_init(&x->body, m, false);
    x->at = m->body == HTTP_BODY_NONE || (m->body == HTTP_BODY_LENGTH && m->body_length == 0) ? BODY_READ
                                                                                              : READ_BODY;
    if (x->at == BODY_READ)
        http_stream_in_ended(s, false);
    x->continue_due = m->expect_continue && x->at == READ_BODY;
    x->busy = true;
    http_stream_admit(s);
}

/* Takes a head from the input; false: there is none yet, or the connection is at its end. */
static bool take_head(h1 *x)
{
    dx_bytes in = dx_bytes_part(dx_buf_view(&x->in), x->in_used, x->in.size);
    const h1_rules rules = {.header_bytes = x->c.limits.header_bytes,
                            .field_bytes = x->c.limits.field_bytes,
                            .target_bytes = x->c.limits.target_bytes,
                            .fields = x->c.limits.fields};
    dx_why why;
    size_t size = 0;
    if (in.size == 0)
        return false;
    h1_step step = h1_head_find(&x->head, in, &rules, &size, &why);
    if (step == H1_MORE)
        return false;
    http_stream *s = http_stream_new(&x->c);
    if (s == NULL) {
        x->c.aborted = x->c.finished = true;
        return false;
    }
    x->busy = true;
    bool keep = false;
    dx_bytes own =
        step == H1_DONE ? dx_arena_bytes(&s->arena, dx_bytes_part(in, 0, size)) : (dx_bytes){NULL, 0};
    if (step == H1_BAD || h1_head_read(own, &rules, &s->arena, &s->request, &keep, &why) == H1_BAD) {
        refuse(x, s, &why);
        return false;
    }
    x->in_used += size;
    x->head = (h1_head_state){0};
    begin(x, s, keep);
    return true;
}

static bool take_body(h1 *x)
{
    http_stream *s = x->c.streams;
    if (s == NULL || x->in_used == x->in.size || s->in.size - s->in_taken > STREAM_IN_MAX)
        return false;
    size_t used;
    dx_bytes data;
    dx_why why;
    h1_step step = h1_body_take(&x->body, dx_bytes_part(dx_buf_view(&x->in), x->in_used, x->in.size), &used,
                                &data, &s->request, x->c.limits.trailer_fields, &s->arena, &why);
    bool room = data.size == 0 || http_stream_take_in(s, data);
    x->in_used += used;
    x->continue_due = false; /* content came without waiting for our 100 */
    if (step == H1_BAD || !room) {
        x->keep = false;
        x->at = DISCARD;
        if (step == H1_BAD)
            http_stream_in_refused(s, &why);
        else
            http_stream_in_ended(s, true);
        if (!s->begun)
            return false;
    } else if (step == H1_DONE) {
        http_stream_in_ended(s, false);
        x->at = BODY_READ;
    }
    if (s->begun && (data.size > 0 || s->in_end || s->in_cut))
        x->c.handler.body(s->user, s);
    return x->c.streams == s || x->at == READ_HEAD;
}

static void settle(h1 *x);

static void run(h1 *x)
{
    bool more = true;
    while (more && !x->c.finished) {
        switch (x->at) {
        case READ_HEAD:
            more = !x->busy && take_head(x);
            break;
        case READ_BODY:
            more = take_body(x);
            break;
        case BODY_READ:
            more = false;
            break;
        case DISCARD: /* read on so that our answer is not lost to a reset, but not for ever (RFC 9112 9.6) */
            x->discarded += x->in.size - x->in_used;
            x->in_used = x->in.size;
            if (x->discarded > DISCARD_MAX)
                finish(x);
            more = false;
            break;
        }
        settle(x);
    }
    if (x->in_used == x->in.size) {
        dx_buf_clear(&x->in);
        x->in_used = 0;
    }
}

static void h1_feed(http_connection *c, dx_bytes in, size_t *taken)
{
    h1 *x = of(c);
    *taken = in.size;
    if (c->finished)
        return;
    size_t waiting = x->in.size - x->in_used;
    if (x->at == BODY_READ && waiting + in.size > PIPELINE_MAX)
        *taken = waiting >= PIPELINE_MAX ? 0 : PIPELINE_MAX - waiting;
    if (x->in_used >
        0) { /* what is left moves to the front: heads are copied out, so nothing looks into it */
        memmove(x->in.data, x->in.data + x->in_used, waiting);
        x->in.size = waiting;
        x->in_used = 0;
    }
    if (dx_buf_add(&x->in, dx_bytes_part(in, 0, *taken)).code != DX_OK) {
        c->aborted = c->finished = true;
        return;
    }
    run(x);
}

static void h1_eof(http_connection *c)
{
    h1 *x = of(c);
    http_stream *s = c->streams;
    if (s != NULL && x->at == READ_BODY) {
        http_stream_in_ended(s, true);
        x->at = DISCARD;
        x->keep = false;
        if (s->begun)
            c->handler.body(s->user, s);
    }
    if (x->in.size > x->in_used && x->at == READ_HEAD && c->handler.refused != NULL)
        c->handler.refused(c->handler.context, &(dx_why){.code = DX_MALFORMED,
                                                         .id = "DP-135",
                                                         .clause = "RFC 9112 8",
                                                         .text = "the connection ended inside a head"});
    c->finished = true; /* a peer that half-closes is cut (dataplane.md 5.3) */
}

static void h1_wants_body(http_stream *s)
{
    h1 *x = of(s->connection);
    if (x->continue_due && !s->answered) {
        x->continue_due = false;
        if (dx_buf_add(&x->out, DX_BYTES("HTTP/1.1 100 Continue\r\n\r\n")).code == DX_OK)
            x->c.link.want_write(x->c.link.link);
    }
    if (x->in_used < x->in.size && x->at == READ_BODY && !x->c.feeding)
        x->c.link.want_write(x->c.link.link); /* room was made: net offers the rest again */
}

static void h1_answer(http_stream *s, const http_message *head, bool end)
{
    h1 *x = of(s->connection);
    http_message m = *head;
    bool old = s->request.version == HTTP_1_0;
    if (x->at == READ_BODY) { /* early answer with unread content */
        x->at = DISCARD;
        x->keep = false;
    }
    if (x->c.draining || old)
        x->keep = false;
    x->chunked = m.body == HTTP_BODY_STREAM && !old && !s->head_only;
    if (m.body == HTTP_BODY_STREAM && old) {
        m.body = HTTP_BODY_NONE; /* its end is our close */
        x->keep = false;
    }
    if (m.status == 204 || m.status == 304 || (m.status < 200))
        m.body = HTTP_BODY_NONE;
    else if (end && m.body == HTTP_BODY_NONE && !dx_bytes_is(s->request.method, "HEAD")) {
        m.body = HTTP_BODY_LENGTH;
        m.body_length = 0;
    }
    if (h1_write_response(&m, x->keep, &x->out).code != DX_OK)
        cut(x);
    if (end)
        s->out_end = true;
}

static void h1_more(http_stream *s)
{
    (void)s; /* written when the connection is drained: one chunk per coalesced write */
}

static void h1_abort(http_stream *s)
{
    h1 *x = of(s->connection);
    x->c.aborted = x->c.finished = true;
}

/* An answer that is out in full ends its stream; the next head may come. */
static void settle(h1 *x)
{
    http_stream *s = x->c.streams;
    if (s == NULL || !x->busy || !x->last_sent)
        return;
    x->busy = x->last_sent = false;
    bool read_on = x->keep && x->at == BODY_READ;
    http_stream_end(s, true);
    if (read_on) {
        x->at = READ_HEAD;
        x->head = (h1_head_state){0};
    } else {
        finish(x);
    }
}

static size_t put(uint8_t *room, size_t *at, size_t size, dx_bytes text)
{
    size_t n = text.size < size - *at ? text.size : size - *at;
    if (n > 0)
        memcpy(room + *at, text.data, n);
    *at += n;
    return n;
}

static void put_content(h1 *x, http_stream *s, uint8_t *room, size_t *at, size_t size)
{
    dx_bytes content = dx_bytes_part(dx_buf_view(&s->out), s->out_sent, s->out.size);
    if (!x->chunked) {
        http_stream_sent(s, put(room, at, size, content));
        return;
    }
    char line[32];
    if (content.size > 0 && size - *at > 64) {
        size_t n = content.size < size - *at - 64 ? content.size : size - *at - 64;
        put(room, at, size, dx_bytes_of(line, (size_t)snprintf(line, sizeof line, "%zx\r\n", n)));
        put(room, at, size, dx_bytes_part(content, 0, n));
        put(room, at, size, DX_BYTES("\r\n"));
        http_stream_sent(s, n);
    }
}

static void put_end(h1 *x, http_stream *s)
{
    if (!x->chunked)
        return;
    if (h1_write_last_chunk(s->trailers, s->trailer_count, &x->out).code != DX_OK)
        cut(x);
    x->chunked = false;
}

static size_t h1_write(http_connection *c, uint8_t *room, size_t size)
{
    h1 *x = of(c);
    size_t at = 0;
    for (;;) {
        http_stream *s = c->streams;
        x->out_sent += put(room, &at, size, dx_bytes_part(dx_buf_view(&x->out), x->out_sent, x->out.size));
        if (x->out_sent < x->out.size)
            return at;
        dx_buf_clear(&x->out);
        x->out_sent = 0;
        if (s == NULL || !s->answered || x->c.aborted)
            break;
        put_content(x, s, room, &at, size);
        if (s->out.size > s->out_sent || !s->out_end)
            break;
        if (x->chunked) {
            put_end(x, s);
            continue;
        }
        x->last_sent = true;
        settle(x);
        break;
    }
    if (!c->finished && !c->feeding && x->in.size > x->in_used)
        run(x); /* pipelined bytes, or content for which there is room again */
    return at;
}

static http_wait h1_waits_for(const http_connection *c)
{
    const h1 *x = (const h1 *)(const void *)c;
    if (x->at == READ_BODY)
        return c->streams != NULL && c->streams->wanted ? HTTP_WAIT_BODY : HTTP_WAIT_ANSWER;
    if (x->busy)
        return HTTP_WAIT_ANSWER;
    return x->in.size > x->in_used ? HTTP_WAIT_HEAD : HTTP_WAIT_IDLE;
}

static void h1_timeout(http_connection *c)
{
    h1 *x = of(c);
    http_wait waited = h1_waits_for(c);
    const dx_why why = {.code = DX_TIMEOUT,
                        .id = "DP-150",
                        .clause = "RFC 9110 15.5.9",
                        .text = "the request did not arrive in time"};
    http_stream *s = c->streams;
    x->keep = false;
    if (waited == HTTP_WAIT_HEAD && s == NULL && (s = http_stream_new(c)) != NULL) {
        x->busy = true;
        x->at = DISCARD;
        http_refuse(s, 408, &why);
    } else if (waited == HTTP_WAIT_BODY && s != NULL && !s->answered) {
        http_stream_in_ended(s, true);
        x->at = DISCARD;
        c->handler.body(s->user, s);
    } else if (waited == HTTP_WAIT_IDLE) {
        finish(x);
    } else {
        c->aborted = c->finished = true;
    }
}

static void h1_drain(http_connection *c)
{
    h1 *x = of(c);
    if (!x->busy && x->in.size == x->in_used)
        finish(x);
}

static const http_protocol protocol = {h1_free,  h1_feed,       h1_eof,    h1_write, h1_waits_for, h1_timeout,
                                       h1_drain, h1_wants_body, h1_answer, h1_more,  h1_abort};

http_connection *h1_connection_new(void)
{
    h1 *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->c.protocol = &protocol;
    dx_buf_init(&x->in, 1U << 20);
    dx_buf_init(&x->out, 1U << 20);
    return &x->c;
}
