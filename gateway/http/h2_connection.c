#include "gateway/http/http_stream.h"

#include "gateway/http/h1_parse.h"
#include "gateway/http/h2_walker.h"
#include "trust/base/clock.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

/* One HTTP/2 connection of a peer, on nghttp2 (dataplane.md 6). */

#define WINDOW_BYTES       65536
#define WINDOW_BYTES_MAX   (1 << 20)
#define ANSWER_FIELDS_MAX  512
#define CONNECTION_WINDOW  (1 << 20)
#define OUTBOUND_QUEUE_MAX 500
/* DP-302: resets that the peer makes us send (MadeYouReset). */
#define OUR_RESETS_BURST 100
#define OUR_RESETS_PER_S 10

typedef struct {
    http_connection c;
    nghttp2_session *session;
    h2_walker walker;
    size_t header_bytes; /* of the block under way */
    const uint8_t *out;  /* what nghttp2 handed over and did not fit yet */
    size_t out_size;
    int64_t our_resets, filled_ms;
    bool terminating, goaway_sent;
} h2;

typedef struct { /* pseudo-fields and the head under construction; lives in the stream's arena */
    dx_bytes method, scheme, authority, path, host, length;
    size_t count, host_count;
    bool bad, too_large;
    dx_why why;
} head_state;

static h2 *of(http_connection *c)
{
    return (h2 *)(void *)c;
}

static int64_t now_ms(void)
{
    return dx_mono_us(&dx_clock_system) / 1000;
}

static void end_connection(h2 *x, uint32_t error, const dx_why *why)
{
    if (x->terminating)
        return;
    x->terminating = true;
    if (x->c.handler.refused != NULL && why != NULL)
        x->c.handler.refused(x->c.handler.context, why);
    nghttp2_session_terminate_session(x->session, error);
}

static void spend_reset(h2 *x, int64_t cost)
{
    int64_t now = now_ms();
    if (x->filled_ms != 0)
        x->our_resets += (now - x->filled_ms) * OUR_RESETS_PER_S;
    x->filled_ms = now;
    if (x->our_resets > OUR_RESETS_BURST * 1000)
        x->our_resets = OUR_RESETS_BURST * 1000;
    x->our_resets -= cost;
    if (x->our_resets < 0)
        end_connection(x, NGHTTP2_ENHANCE_YOUR_CALM,
                       &(dx_why){.code = DX_REFUSED,
                                 .id = "DP-302",
                                 .clause = "RFC 9113 10.5",
                                 .text = "the peer makes us reset too many streams"});
}

static bool is_open(void *context, uint32_t stream)
{
    /* Open for the client's frames: known to the library and not half-closed by the client. */
    h2 *x = context;
    nghttp2_stream *s = nghttp2_session_find_stream(x->session, (int32_t)stream);
    return s != NULL && nghttp2_session_get_stream_remote_close(x->session, (int32_t)stream) == 0;
}

/* ---- requests ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    h2 *x = user;
    x->header_bytes = 0;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    http_stream *s = http_stream_new(&x->c);
    head_state *h = s == NULL ? NULL : DX_ARENA_NEW(&s->arena, head_state);
    if (h == NULL || (s->request.fields = DX_ARENA_ARRAY(&s->arena, http_field, x->c.limits.fields)) == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s->id = frame->hd.stream_id;
    s->user = h;
    s->request.version = HTTP_2;
    nghttp2_session_set_stream_user_data(session, s->id, s);
    return 0;
}

static void judge(head_state *h, dx_code code, const char *id, const char *clause, const char *text)
{
    if (h->bad)
        return;
    h->bad = true;
    (void)dx_fail(&h->why, code, id, clause, "%s", text);
}

static void take_pseudo(head_state *h, dx_bytes name, dx_bytes value)
{
    if (dx_bytes_is(name, ":method"))
        h->method = value;
    else if (dx_bytes_is(name, ":scheme"))
        h->scheme = value;
    else if (dx_bytes_is(name, ":authority"))
        h->authority = value;
    else if (dx_bytes_is(name, ":path"))
        h->path = value;
    else
        judge(h, DX_UNSUPPORTED, "DP-132", "RFC 8441 4", "extended CONNECT is not served");
}

static void take_field(h2 *x, http_stream *s, head_state *h, dx_bytes name, dx_bytes value)
{
    http_message *m = &s->request;
    if (dx_bytes_is(name, "host")) {
        h->host = value;
        if (++h->host_count > 1)
            judge(h, DX_MALFORMED, "DP-111", "RFC 9110 7.2", "there is more than one Host field");
        return;
    }
    if (m->field_count == x->c.limits.fields || name.size + value.size > x->c.limits.field_bytes) {
        judge(h, DX_MALFORMED, "DP-116", "RFC 9110 5.4", "too many fields, or one that is too long");
        return;
    }
    if (!http_is_field_value(value) || !http_is_token(name))
        judge(h, DX_MALFORMED, "DP-103", "RFC 9113 8.2.1", "a field that is not well-formed");
    if (http_alias_of_framing(name))
        judge(h, DX_MALFORMED, "DP-125", "RFC 9112 11.2",
              "a field that other stacks take for a framing field");
    if (dx_bytes_is(name, "expect")) {
        if (!dx_bytes_is_nocase(value, "100-continue"))
            judge(h, DX_MALFORMED, "DP-134", "RFC 9110 10.1.1", "only 100-continue can be expected");
        m->expect_continue = true;
    }
    if (dx_bytes_is(name, "te"))
        m->te_trailers = dx_bytes_is_nocase(value, "trailers");
    if (dx_bytes_is(name, "content-length")) {
        uint64_t n;
        if (h->length.data != NULL || !dx_bytes_u64(value, INT64_MAX, &n)) {
            judge(h, DX_MALFORMED, "DP-122", "RFC 9110 8.6", "Content-Length is not one plain number");
        } else {
            h->length = value;
            m->body = HTTP_BODY_LENGTH;
            m->body_length = n;
        }
    }
    m->fields[m->field_count++] = (http_field){name, value};
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name_buf,
                     nghttp2_rcbuf *value_buf, uint8_t flags, void *user)
{
    (void)flags;
    h2 *x = user;
    http_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name_buf), v = nghttp2_rcbuf_get_buf(value_buf);
    if (frame->hd.type != NGHTTP2_HEADERS || s == NULL)
        return 0;
    x->header_bytes += n.len + v.len + 32;
    if (x->header_bytes > 4 * x->c.limits.header_bytes) {
        end_connection(x, NGHTTP2_ENHANCE_YOUR_CALM,
                       &(dx_why){.code = DX_TOO_LARGE,
                                 .id = "DP-306",
                                 .clause = "RFC 9113 10.5.1",
                                 .text = "a header list far over its limit"});
        return 0;
    }
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) { /* trailers */
        dx_bytes name = dx_bytes_of(n.base, n.len), value = dx_bytes_of(v.base, v.len);
        if (http_trailer_forbidden(name) || x->header_bytes > x->c.limits.trailer_bytes)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        if (!http_trailer_kept(name))
            return 0;
        if (s->request.trailers == NULL)
            s->request.trailers = DX_ARENA_ARRAY(&s->arena, http_field, x->c.limits.trailer_fields);
        if (s->request.trailers == NULL || s->request.trailer_count == x->c.limits.trailer_fields)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        s->request.trailers[s->request.trailer_count++] =
            (http_field){dx_arena_bytes(&s->arena, name), dx_arena_bytes(&s->arena, value)};
        return 0;
    }
    head_state *h = s->user;
    if (x->header_bytes > x->c.limits.header_bytes) {
        judge(h, DX_MALFORMED, "DP-116", "RFC 9110 5.4", "the head is too large");
        return 0;
    }
    dx_bytes name = dx_arena_bytes(&s->arena, dx_bytes_of(n.base, n.len)),
             value = dx_arena_bytes(&s->arena, dx_bytes_of(v.base, v.len));
    if (name.data == NULL || value.data == NULL)
        judge(h, DX_NO_MEMORY, "ID-901", "", "no memory for the head");
    else if (n.len > 0 && n.base[0] == ':')
        take_pseudo(h, name, value);
    else
        take_field(x, s, h, name, dx_bytes_trim(value));
    return 0;
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                             nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    /* By default the library drops the bad field and goes on; that would hide what policy must not see. */
    (void)session;
    (void)frame;
    (void)name;
    (void)value;
    (void)flags;
    (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* The same target rules as HTTP/1.1, from the pseudo-fields. */
static void judge_head(http_stream *s, head_state *h)
{
    http_message *m = &s->request;
    dx_why why;
    dx_bytes named = h->authority.size > 0 ? h->authority : h->host;
    m->method = h->method;
    m->target_raw = h->path;
    m->scheme = h->scheme;
    if (h->bad)
        return;
    if (dx_bytes_is(h->method, "CONNECT") || dx_bytes_is(h->method, "TRACE")) {
        judge(h, DX_UNSUPPORTED, "DP-132", "RFC 9110 9.3.6", "CONNECT and TRACE are not served");
        return;
    }
    if (!http_is_token(h->method) || h->method.size > 32)
        judge(h, h->method.size > 32 ? DX_UNSUPPORTED : DX_MALFORMED, "DP-107", "RFC 9110 9.1",
              "the method is not a token of at most 32 bytes");
    if (!dx_bytes_is_nocase(h->scheme, "https"))
        judge(h, DX_MALFORMED, "DP-110", "RFC 9113 8.3.1", "the scheme is not https");
    if (h->path.size > s->connection->limits.target_bytes)
        judge(h, DX_UNSUPPORTED, "DP-109", "RFC 9110 15.5.15", "the request target is too long");
    if (http_authority_parse(named, &s->arena, &m->authority, &why).code != DX_OK)
        judge(h, DX_MALFORMED, "DP-111", "RFC 9113 8.3.1", "there is no valid authority");
    dx_bytes host;
    if (h->authority.size > 0 && h->host_count > 0 &&
        (http_authority_parse(h->host, &s->arena, &host, &why).code != DX_OK ||
         !dx_bytes_equal(host, m->authority)))
        judge(h, DX_MALFORMED, "DP-112", "RFC 9113 8.3.1", "Host names another authority than :authority");
    if (h->bad)
        return;
    if (dx_bytes_is(h->path, "*")) {
        if (!dx_bytes_is(h->method, "OPTIONS"))
            judge(h, DX_MALFORMED, "DP-110", "RFC 9113 8.3.1", "the target * goes with OPTIONS only");
        m->path = h->path;
    } else if (http_target_parse(h->path, &s->arena, &m->path, &m->query, &m->has_query, &why).code !=
               DX_OK) {
        h->bad = true;
        h->why = why;
    }
}

static void join_cookies(http_stream *s)
{
    http_message *m = &s->request;
    dx_bytes joined = {NULL, 0};
    size_t kept = 0, crumbs = 0;
    for (size_t i = 0; i < m->field_count; i++)
        crumbs += dx_bytes_is(m->fields[i].name, "cookie");
    if (crumbs < 2)
        return;
    joined = http_combined(m, "cookie", &s->arena); /* RFC 9113 8.2.3 */
    bool placed = false;
    for (size_t i = 0; i < m->field_count; i++) {
        if (!dx_bytes_is(m->fields[i].name, "cookie")) {
            m->fields[kept++] = m->fields[i];
        } else if (!placed) {
            m->fields[kept++] = (http_field){m->fields[i].name, joined};
            placed = true;
        }
    }
    m->field_count = kept;
}

static void begin(h2 *x, http_stream *s, bool ended)
{
    head_state *h = s->user;
    judge_head(s, h);
    join_cookies(s);
    http_message *m = &s->request;
    if (ended) {
        m->body = h->length.data != NULL ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
        http_stream_in_ended(s, false);
    } else if (m->body == HTTP_BODY_NONE) {
        m->body = HTTP_BODY_STREAM;
    }
    if (!h->bad && !ended && (dx_bytes_is(m->method, "GET") || dx_bytes_is(m->method, "HEAD")) &&
        m->body_length > 0)
        judge(h, DX_MALFORMED, "DP-126", "RFC 9110 9.3.1", "content on GET or HEAD");
    s->user = NULL;
    dx_why why;
    if (h->bad)
        http_refuse(s, h1_status(&h->why), &h->why);
    else if (http_judge_authority(&x->c, m->authority, &why).code != DX_OK)
        http_refuse(s, 421, &why);
    else if (m->body == HTTP_BODY_LENGTH && m->body_length > x->c.limits.request_body_bytes)
        http_refuse(s, 413,
                    &(dx_why){.code = DX_TOO_LARGE,
                              .id = "DP-119",
                              .clause = "RFC 9110 15.5.14",
                              .text = "the content is larger than allowed"});
    else
        http_stream_begin(s);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    h2 *x = user;
    http_stream *s =
        frame->hd.stream_id == 0 ? NULL : nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        begin(x, s, ended);
        if (x->c.requests >= x->c.limits.requests_per_connection && !x->goaway_sent) {
            x->goaway_sent = true; /* DP-307 */
            nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR, NULL, 0);
        }
        return 0;
    }
    if (ended && s->begun) {
        http_stream_in_ended(s, false);
        x->c.handler.body(s->user, s);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                   void *user)
{
    (void)flags;
    h2 *x = user;
    http_stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s == NULL || s->out_end || !s->begun) { /* answered already: count it off and forget it */
        nghttp2_session_consume(session, id, size);
        return 0;
    }
    if (!http_stream_take_in(s, dx_bytes_of(data, size))) {
        nghttp2_session_consume(session, id, size);
        http_stream_in_ended(s, true);
    }
    x->c.handler.body(s->user, s);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    (void)user;
    http_stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    if (!s->in_end)
        http_stream_in_ended(s, true);
    http_stream_end(s, error == NGHTTP2_NO_ERROR && s->answered && s->out_end && !s->aborted);
    return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    h2 *x = user;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        h2_walker_we_reset(&x->walker, (uint32_t)frame->hd.stream_id);
        spend_reset(x, frame->rst_stream.error_code == NGHTTP2_NO_ERROR ? 500 : 1000);
        return 0;
    }
    bool last = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    http_stream *s = last ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
    if (s != NULL && !s->in_end) /* answered early: the rest of the content is not wanted (RFC 9113 8.1) */
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
    (void)session;
    (void)frame;
    (void)error;
    spend_reset(user, 1000);
    return 0;
}

/* ---- answers ---- */

static ssize_t read_content(nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
                            nghttp2_data_source *source, void *user)
{
    (void)user;
    http_stream *s = source->ptr;
    dx_bytes content = dx_bytes_part(dx_buf_view(&s->out), s->out_sent, s->out.size);
    size_t n = content.size < size ? content.size : size;
    if (n == 0 && !s->out_end)
        return NGHTTP2_ERR_DEFERRED;
    if (n > 0)
        memcpy(room, content.data, n);
    http_stream_sent(s, n);
    if (s->out_end && s->out.size == s->out_sent) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailer_count > 0) {
            nghttp2_nv nv[32];
            size_t count = s->trailer_count < 32 ? s->trailer_count : 32;
            for (size_t i = 0; i < count; i++)
                nv[i] =
                    (nghttp2_nv){(uint8_t *)(uintptr_t)s->trailers[i].name.data,
                                 (uint8_t *)(uintptr_t)s->trailers[i].value.data, s->trailers[i].name.size,
                                 s->trailers[i].value.size, NGHTTP2_NV_FLAG_NONE};
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(session, id, nv, count);
        }
    }
    return (ssize_t)n;
}

static void h2_answer(http_stream *s, const http_message *head, bool end)
{
    h2 *x = of(s->connection);
    nghttp2_nv nv[ANSWER_FIELDS_MAX];
    char status[8], length[24];
    size_t count = 0;
    nv[count++] = (nghttp2_nv){(uint8_t *)(uintptr_t) ":status", (uint8_t *)status, 7,
                               (size_t)snprintf(status, sizeof status, "%u", head->status),
                               NGHTTP2_NV_FLAG_NO_COPY_NAME};
    if (head->body == HTTP_BODY_LENGTH && head->status >= 200 && head->status != 204 && head->status != 304)
        nv[count++] = (nghttp2_nv){
            (uint8_t *)(uintptr_t) "content-length", (uint8_t *)length, 14,
            (size_t)snprintf(length, sizeof length, "%llu", (unsigned long long)head->body_length),
            NGHTTP2_NV_FLAG_NO_COPY_NAME};
    for (size_t i = 0; i < head->field_count && count < sizeof nv / sizeof *nv; i++)
        nv[count++] = (nghttp2_nv){
            (uint8_t *)(uintptr_t)head->fields[i].name.data, (uint8_t *)(uintptr_t)head->fields[i].value.data,
            head->fields[i].name.size, head->fields[i].value.size, NGHTTP2_NV_FLAG_NONE};
    const nghttp2_data_provider content = {.source.ptr = s, .read_callback = read_content};
    if (end)
        s->out_end = true;
    if (head->field_count > ANSWER_FIELDS_MAX - 2) { /* never an answer with some of its fields */
        nghttp2_submit_rst_stream(x->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    /* Streams of a connection take turns (RFC 9218 10), whatever the peer prefers. */
    nghttp2_extpri turns = {NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(x->session, s->id, &turns, 1);
    if (nghttp2_submit_response(x->session, s->id, nv, count, end ? NULL : &content) != 0)
        nghttp2_submit_rst_stream(x->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
}

static void h2_more(http_stream *s)
{
    nghttp2_session_resume_data(of(s->connection)->session, s->id);
}

static void h2_abort(http_stream *s)
{
    nghttp2_submit_rst_stream(of(s->connection)->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
}

/* A reader that keeps up gets a larger window: a fixed one would bound an upload over a long path. */
static void grow_window(h2 *x, http_stream *s, size_t taken)
{
    int32_t window = s->window == 0 ? WINDOW_BYTES : s->window;
    s->drained += taken;
    if (s->drained < (size_t)window || window >= WINDOW_BYTES_MAX || s->in_end)
        return;
    s->drained = 0;
    s->window = window * 2;
    nghttp2_session_set_local_window_size(x->session, NGHTTP2_FLAG_NONE, s->id, s->window);
}

static void h2_wants_body(http_stream *s)
{
    h2 *x = of(s->connection);
    size_t taken = s->in.size - s->in_taken;
    if (s->request.expect_continue && !s->answered && s->in.size == 0 && !s->in_end) {
        static const nghttp2_nv nv[] = {
            {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "100", 7, 3, NGHTTP2_NV_FLAG_NONE}};
        s->request.expect_continue = false;
        nghttp2_submit_headers(x->session, NGHTTP2_FLAG_NONE, s->id, NULL, nv, 1, NULL);
        x->c.link.want_write(x->c.link.link);
    }
    if (taken > 0) {
        nghttp2_session_consume(x->session, s->id, taken);
        grow_window(x, s, taken);
        x->c.link.want_write(x->c.link.link);
    }
}

/* ---- the connection ---- */

static void h2_free(http_connection *c)
{
    h2 *x = of(c);
    nghttp2_session_del(x->session);
    free(x);
}

static void h2_feed(http_connection *c, dx_bytes in, size_t *taken)
{
    h2 *x = of(c);
    *taken = in.size;
    /* A frame is judged by its header before any of it reaches the library; the walker holds up to 15 bytes
     * back. */
    uint8_t head[16];
    while (in.size > 0 && !c->finished) {
        size_t held_before = x->walker.held_size, size;
        memcpy(head, x->walker.held, held_before);
        h2_verdict v = h2_walk(&x->walker, in, now_ms(), is_open, x, &size);
        if (v.error != 0) {
            dx_why why;
            (void)dx_fail(&why, DX_REFUSED, v.id, v.clause, "%s", v.text);
            end_connection(x, v.error, &why);
            c->input_over = true;
            break;
        }
        bool holds = x->walker.held_size > 0;
        ssize_t used = 0;
        if (!holds && held_before > 0)
            used = nghttp2_session_mem_recv(x->session, head, held_before);
        if (!holds && used >= 0)
            used = nghttp2_session_mem_recv(x->session, in.data, size);
        if (used < 0) { /* no preface, or a flood of acknowledgements that the library counted */
            const dx_why why = {.code = DX_REFUSED,
                                .id = "DP-303",
                                .clause = "RFC 9113 10.5",
                                .text = "the library gave the connection up"};
            if (c->handler.refused != NULL)
                c->handler.refused(c->handler.context, &why);
            c->aborted = c->finished = true;
            break;
        }
        in = dx_bytes_part(in, size, in.size);
        if (nghttp2_session_get_outbound_queue_size(x->session) > OUTBOUND_QUEUE_MAX)
            c->link.want_write(c->link.link);
    }
    c->link.want_write(c->link.link);
}

static void h2_eof(http_connection *c)
{
    c->finished = true;
}

static size_t h2_write(http_connection *c, uint8_t *room, size_t size)
{
    h2 *x = of(c);
    size_t at = 0;
    while (at < size) {
        if (x->out_size == 0) {
            ssize_t n = nghttp2_session_mem_send(x->session, &x->out);
            if (n < 0) {
                c->aborted = c->finished = true;
                return at;
            }
            if (n == 0)
                break;
            x->out_size = (size_t)n;
        }
        size_t n = x->out_size < size - at ? x->out_size : size - at;
        memcpy(room + at, x->out, n);
        x->out += n;
        x->out_size -= n;
        at += n;
    }
    if (at == 0 && x->out_size == 0 && !nghttp2_session_want_read(x->session) &&
        !nghttp2_session_want_write(x->session))
        c->finished = true;
    if (at == 0 && x->out_size == 0 && x->terminating)
        c->finished = true;
    return at;
}

static http_wait h2_waits_for(const http_connection *c)
{
    if (c->streams == NULL)
        return HTTP_WAIT_IDLE;
    for (const http_stream *s = c->streams; s != NULL; s = s->next)
        if (s->begun && s->wanted && !s->in_end && !s->in_cut && !s->answered)
            return HTTP_WAIT_BODY;
        else if (!s->begun && !s->answered)
            return HTTP_WAIT_HEAD;
    return HTTP_WAIT_ANSWER;
}

static void h2_timeout(http_connection *c)
{
    h2 *x = of(c);
    if (h2_waits_for(c) == HTTP_WAIT_BODY) {
        for (http_stream *s = c->streams, *next; s != NULL; s = next) {
            next = s->next;
            if (s->begun && s->wanted && !s->in_end && !s->answered) {
                http_stream_in_ended(s, true);
                c->handler.body(s->user, s);
                return; /* the handler may have ended streams: look again at the next deadline */
            }
        }
        return;
    }
    end_connection(x, NGHTTP2_NO_ERROR, NULL);
}

static void h2_drain(http_connection *c)
{
    h2 *x = of(c);
    if (x->goaway_sent)
        return;
    x->goaway_sent = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(x->session);
    nghttp2_submit_goaway(x->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

static const http_protocol protocol = {h2_free,  h2_feed,       h2_eof,    h2_write, h2_waits_for, h2_timeout,
                                       h2_drain, h2_wants_body, h2_answer, h2_more,  h2_abort};

static int make_session(h2 *x)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int rv = nghttp2_session_callbacks_new(&callbacks);
    if (rv == 0)
        rv = nghttp2_option_new(&option);
    if (rv == 0) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
        nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_stream_reset_rate_limit(option, 200, 20);
        nghttp2_option_set_max_continuations(option, 8);
        nghttp2_option_set_max_settings(option, 32);
        nghttp2_option_set_max_outbound_ack(option, 100);
        nghttp2_option_set_max_deflate_dynamic_table_size(option, 4096);
        nghttp2_option_set_max_send_header_block_length(option, 65536);
        rv = nghttp2_session_server_new2(&x->session, callbacks, x, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (rv != 0)
        return rv;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, x->c.limits.h2_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16384},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)x->c.limits.header_bytes},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 4096},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
    rv = nghttp2_submit_settings(x->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings);
    if (rv == 0)
        rv = nghttp2_session_set_local_window_size(x->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
    return rv;
}

http_connection *h2_connection_new(http_connection *defaults)
{
    h2 *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->c = *defaults;
    x->c.protocol = &protocol;
    x->our_resets = OUR_RESETS_BURST * 1000;
    h2_walker_init(&x->walker);
    if (make_session(x) != 0) {
        nghttp2_session_del(x->session);
        free(x);
        return NULL;
    }
    return &x->c;
}
