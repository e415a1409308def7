#include "gateway/http/h2_private.h"

#include "trust/base/clock.h"

#include <stdlib.h>

/* One HTTP/2 connection of a peer, on nghttp2 (dataplane.md 6): the session, its budgets, its end. */

#define CONNECTION_WINDOW  (1 << 20)
#define OUTBOUND_QUEUE_MAX 500
/* DP-302: resets that the peer makes us send (MadeYouReset). */
#define OUR_RESETS_BURST 100
#define OUR_RESETS_PER_S 10

static int64_t now_ms(void)
{
    return dx_mono_us(&dx_clock_system) / 1000;
}

void h2_connection_end(h2_connection *x, uint32_t error, const dx_why *why)
{
    if (x->terminating)
        return;
    x->terminating = true;
    if (x->c.handler.refused != NULL && why != NULL)
        x->c.handler.refused(x->c.handler.context, why);
    nghttp2_session_terminate_session(x->session, error);
}

static void spend_reset(h2_connection *x, int64_t cost)
{
    int64_t now = now_ms();
    if (x->filled_ms != 0)
        x->our_resets += (now - x->filled_ms) * OUR_RESETS_PER_S;
    x->filled_ms = now;
    if (x->our_resets > OUR_RESETS_BURST * 1000)
        x->our_resets = OUR_RESETS_BURST * 1000;
    x->our_resets -= cost;
    if (x->our_resets < 0)
        h2_connection_end(x, NGHTTP2_ENHANCE_YOUR_CALM,
                          &(dx_why){.code = DX_REFUSED,
                                    .id = "DP-302",
                                    .clause = "RFC 9113 10.5",
                                    .text = "the peer makes us reset too many streams"});
}

static bool is_open(void *context, uint32_t stream)
{
    /* Open for the client's frames: known to the library and not half-closed by the client. */
    h2_connection *x = context;
    nghttp2_stream *s = nghttp2_session_find_stream(x->session, (int32_t)stream);
    return s != NULL && nghttp2_session_get_stream_remote_close(x->session, (int32_t)stream) == 0;
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
    h2_connection *x = user;
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

/* ---- the connection ---- */

static void h2_free(http_connection *c)
{
    h2_connection *x = h2_of(c);
    nghttp2_session_del(x->session);
    free(x);
}

static void h2_feed(http_connection *c, dx_bytes in, size_t *taken)
{
    h2_connection *x = h2_of(c);
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
            h2_connection_end(x, v.error, &why);
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
    h2_connection *x = h2_of(c);
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
    h2_connection *x = h2_of(c);
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
    h2_connection_end(x, NGHTTP2_NO_ERROR, NULL);
}

static void h2_drain(http_connection *c)
{
    h2_connection *x = h2_of(c);
    if (x->goaway_sent)
        return;
    x->goaway_sent = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(x->session);
    nghttp2_submit_goaway(x->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

static const http_protocol protocol = {h2_free,        h2_feed,        h2_eof,         h2_write,
                                       h2_waits_for,   h2_timeout,     h2_drain,       h2_answer_wants_body,
                                       h2_answer_head, h2_answer_more, h2_answer_abort};

static int make_session(h2_connection *x)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int rv = nghttp2_session_callbacks_new(&callbacks);
    if (rv == 0)
        rv = nghttp2_option_new(&option);
    if (rv == 0) {
        h2_request_callbacks(callbacks);
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
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW_BYTES},
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
    h2_connection *x = calloc(1, sizeof *x);
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
