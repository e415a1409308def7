#include "gateway/http/h2_private.h"

#include <stdio.h>

/* What we say on a stream: 100 Continue, a head, content in turns, and room for more of the peer's. */

#define WINDOW_BYTES_MAX  (1 << 20)
#define ANSWER_FIELDS_MAX 512

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

void h2_answer_head(http_stream *s, const http_message *head, bool end)
{
    h2_connection *x = h2_of(s->connection);
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

void h2_answer_more(http_stream *s)
{
    nghttp2_session_resume_data(h2_of(s->connection)->session, s->id);
}

void h2_answer_abort(http_stream *s)
{
    nghttp2_submit_rst_stream(h2_of(s->connection)->session, NGHTTP2_FLAG_NONE, s->id,
                              NGHTTP2_INTERNAL_ERROR);
}

/* A reader that keeps up gets a larger window: a fixed one would bound an upload over a long path. */
static void grow_window(h2_connection *x, http_stream *s, size_t taken)
{
    int32_t window = s->window == 0 ? H2_WINDOW_BYTES : s->window;
    s->drained += taken;
    if (s->drained < (size_t)window || window >= WINDOW_BYTES_MAX || s->in_end)
        return;
    s->drained = 0;
    s->window = window * 2;
    nghttp2_session_set_local_window_size(x->session, NGHTTP2_FLAG_NONE, s->id, s->window);
}

void h2_answer_wants_body(http_stream *s)
{
    h2_connection *x = h2_of(s->connection);
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
