#include "gateway/http/h1_parse.h"
#include "gateway/http/h2_private.h"

/* Requests out of what nghttp2 read: heads judged by the rules of HTTP/1.1, content, trailers. */

typedef struct { /* pseudo-fields and the head under construction; lives in the stream's arena */
    dx_bytes method, scheme, authority, path, host, length;
    size_t host_count;
    bool bad;
    dx_why why;
} head_state;

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    h2_connection *x = user;
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

static void take_field(h2_connection *x, http_stream *s, head_state *h, dx_bytes name, dx_bytes value)
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
        if (!http_expects_continue(value))
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

/* Trailers by the rules of HTTP/1.1 (h1_body.c). */
static DX_RC take_trailer(h2_connection *x, http_stream *s, dx_bytes name, dx_bytes value, dx_why *why)
{
    http_message *m = &s->request;
    if (x->header_bytes > x->c.limits.trailer_bytes || m->trailer_count == x->c.limits.trailer_fields)
        return DX_FAIL_ID(why, MALFORMED, "DP-116", "RFC 9110 5.4", "a trailer section that is too long");
    if (http_trailer_forbidden(name) || http_alias_of_framing(name))
        return DX_FAIL_ID(why, MALFORMED, "DP-130", "RFC 9110 6.5.1",
                          "a trailer that frames, routes or describes the message");
    for (size_t i = 0; i < m->field_count; i++)
        if (dx_bytes_equal(m->fields[i].name, name) && !dx_bytes_equal(m->fields[i].value, value))
            return DX_FAIL_ID(why, MALFORMED, "DP-136", "RFC 9110 6.5",
                              "a field that differs between head and trailers");
    if (!http_trailer_kept(name))
        return DX_OKAY;
    if (m->trailers == NULL)
        m->trailers = DX_ARENA_ARRAY(&s->arena, http_field, x->c.limits.trailer_fields);
    http_field kept = {dx_arena_bytes(&s->arena, name), dx_arena_bytes(&s->arena, value)};
    if (m->trailers == NULL || kept.name.data == NULL)
        return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for trailers");
    m->trailers[m->trailer_count++] = kept;
    return DX_OKAY;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name_buf,
                     nghttp2_rcbuf *value_buf, uint8_t flags, void *user)
{
    (void)flags;
    h2_connection *x = user;
    http_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name_buf), v = nghttp2_rcbuf_get_buf(value_buf);
    if (frame->hd.type != NGHTTP2_HEADERS || s == NULL)
        return 0;
    x->header_bytes += n.len + v.len + 32;
    if (x->header_bytes > 4 * x->c.limits.header_bytes) {
        h2_connection_end(x, NGHTTP2_ENHANCE_YOUR_CALM,
                          &(dx_why){.code = DX_TOO_LARGE,
                                    .id = "DP-306",
                                    .clause = "RFC 9113 10.5.1",
                                    .text = "a header list far over its limit"});
        return 0;
    }
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) { /* trailers */
        dx_bytes name = dx_bytes_of(n.base, n.len), value = dx_bytes_of(v.base, v.len);
        dx_why why;
        if (take_trailer(x, s, name, dx_bytes_trim(value), &why).code != DX_OK)
            http_stream_in_refused(s, &why);
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

static bool has_no_content(const http_message *m)
{
    return dx_bytes_is(m->method, "GET") || dx_bytes_is(m->method, "HEAD");
}

static void begin(http_stream *s, bool ended)
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
    if (!ended && m->body_length > 0 && has_no_content(m))
        judge(h, DX_MALFORMED, "DP-126", "RFC 9110 9.3.1", "content on GET or HEAD");
    s->user = NULL;
    if (h->bad)
        http_refuse(s, h1_status(&h->why), &h->why);
    else
        http_stream_admit(s);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    h2_connection *x = user;
    http_stream *s =
        frame->hd.stream_id == 0 ? NULL : nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        begin(s, ended);
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
    h2_connection *x = user;
    http_stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s == NULL || s->out_end || !s->begun) { /* answered already: count it off and forget it */
        nghttp2_session_consume(session, id, size);
        return 0;
    }
    if (size > 0 && has_no_content(&s->request)) { /* no length announced it */
        nghttp2_session_consume(session, id, size);
        http_stream_in_refused(s, &(dx_why){.code = DX_MALFORMED,
                                            .id = "DP-126",
                                            .clause = "RFC 9110 9.3.1",
                                            .text = "content on GET or HEAD"});
    } else if (!http_stream_take_in(s, dx_bytes_of(data, size))) {
        nghttp2_session_consume(session, id, size);
        http_stream_in_ended(s, true);
    }
    x->c.handler.body(s->user, s);
    return 0;
}

void h2_request_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
}
