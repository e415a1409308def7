#include "gateway/http/h1_parse.h"
#include "gateway/http/http_stream.h"

#include <stdio.h>
#include <stdlib.h>

const http_limits http_limits_default = {.header_bytes = 32768,
                                         .field_bytes = 8192,
                                         .target_bytes = 8192,
                                         .fields = 100,
                                         .trailer_bytes = 8192,
                                         .trailer_fields = 16,
                                         .request_body_bytes = 64ULL << 20,
                                         .h2_streams = 100,
                                         .requests_per_connection = 100000};

DX_RC http_connection_new(bool h2, const char *sni, const http_limits *limits, const http_handler *handler,
                          const http_link *link, void *user, http_connection **out)
{
    http_connection seed = {.limits = *limits, .handler = *handler, .link = *link, .user = user};
    snprintf(seed.sni, sizeof seed.sni, "%s", sni == NULL ? "" : sni);
    http_connection *c = h2 ? h2_connection_new(&seed) : h1_connection_new();
    *out = c;
    if (c == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    if (!h2) {
        const http_protocol *protocol = c->protocol;
        *c = seed;
        c->protocol = protocol;
    }
    return DX_OKAY;
}

void http_connection_free(http_connection *c)
{
    if (c == NULL)
        return;
    while (c->streams != NULL)
        http_stream_end(c->streams, false);
    c->protocol->free(c);
}

void http_connection_feed(http_connection *c, dx_bytes in, size_t *taken)
{
    c->feeding = true;
    c->protocol->feed(c, in, taken);
    c->feeding = false;
}

void http_connection_eof(http_connection *c)
{
    c->input_over = true;
    c->protocol->eof(c);
}

size_t http_connection_write(http_connection *c, uint8_t *room, size_t size)
{
    return c->protocol->write(c, room, size);
}

bool http_connection_wants_input(const http_connection *c)
{
    if (c->finished || c->input_over)
        return false;
    for (const http_stream *s = c->streams; s != NULL; s = s->next)
        if (s->in.size - s->in_taken > STREAM_IN_MAX)
            return false;
    return true;
}

bool http_connection_is_done(const http_connection *c)
{
    return c->finished;
}

bool http_connection_is_aborted(const http_connection *c)
{
    return c->aborted;
}

http_wait http_connection_waits_for(const http_connection *c)
{
    return c->protocol->waits_for(c);
}

void http_connection_timeout(http_connection *c)
{
    c->protocol->timeout(c);
    c->link.want_write(c->link.link);
}

void http_connection_drain(http_connection *c)
{
    c->draining = true;
    c->protocol->drain(c);
    c->link.want_write(c->link.link);
}

/* ---- streams ---- */

http_stream *http_stream_new(http_connection *c)
{
    http_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->connection = c;
    dx_arena_init(&s->arena, 1U << 20);
    dx_buf_init(&s->in, (size_t)STREAM_IN_MAX * 2 + (1U << 20));
    dx_buf_init(&s->out, STREAM_OUT_MAX);
    s->next = c->streams;
    c->streams = s;
    return s;
}

void http_stream_end(http_stream *s, bool sent)
{
    http_connection *c = s->connection;
    for (http_stream **at = &c->streams; *at != NULL; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    s->done = true;
    if (s->begun)
        c->handler.gone(s->user, s, sent);
    dx_buf_fini(&s->in);
    dx_buf_fini(&s->out);
    dx_arena_fini(&s->arena);
    free(s);
}

bool http_stream_take_in(http_stream *s, dx_bytes data)
{
    if (s->in_taken > 0 && s->in_taken == s->in.size) {
        dx_buf_clear(&s->in);
        s->in_taken = 0;
    }
    s->in_total += data.size;
    s->in_over = s->in_total > s->connection->limits.request_body_bytes;
    return !s->in_over && dx_buf_add(&s->in, data).code == DX_OK;
}

void http_stream_in_ended(http_stream *s, bool cut)
{
    s->in_end = !cut;
    s->in_cut = cut;
}

void http_stream_in_refused(http_stream *s, const dx_why *why)
{
    if (s->in_bad)
        return;
    s->in_bad = s->in_cut = true;
    s->in_why = *why;
    if (s->connection->handler.refused != NULL)
        s->connection->handler.refused(s->connection->handler.context, why);
}

void http_stream_sent(http_stream *s, size_t size)
{
    bool above = s->out.size - s->out_sent >= STREAM_OUT_LOW;
    s->out_sent += size;
    if (s->out_sent == s->out.size) {
        dx_buf_clear(&s->out);
        s->out_sent = 0;
    }
    if (above && s->out.size - s->out_sent < STREAM_OUT_LOW && s->ready != NULL) {
        void (*ready)(void *) = s->ready;
        s->ready = NULL;
        ready(s->ready_user);
    }
}

/* Authority rules both versions share (dataplane.md 8.1). */
static DX_RC judge_authority(const http_connection *c, dx_bytes authority, dx_why *why)
{
    const uint8_t *colon =
        authority.size > 0 && authority.data[0] != '[' ? memchr(authority.data, ':', authority.size) : NULL;
    dx_bytes host =
        dx_bytes_part(authority, 0, colon == NULL ? authority.size : (size_t)(colon - authority.data));
    uint64_t port = 443;
    bool ours = c->limits.host_count == 0;
    for (size_t i = 0; i < c->limits.host_count; i++)
        ours |= dx_bytes_is_nocase(host, c->limits.hosts[i]);
    if (colon != NULL && !dx_bytes_u64(dx_bytes_part(authority, host.size + 1, authority.size), 65535, &port))
        ours = false;
    ours = ours && (port == 443 || c->limits.port == 0 || port == c->limits.port);
    if (ours && c->sni[0] != 0 && !dx_bytes_is_nocase(host, c->sni))
        ours = false;
    if (!ours)
        return DX_FAIL_ID(why, REFUSED, "DP-141", "RFC 9110 7.4",
                          "this connection does not answer for that authority");
    return DX_OKAY;
}

const char *http_refusal_slug(int status, const char *id)
{
    if (strcmp(id, "DP-143") == 0)
        return "request.path_ambiguous";
    if (strcmp(id, "DP-133") == 0)
        return "upgrade-unsupported";
    static const struct {
        int status;
        const char *slug;
    } rows[] = {{408, "request-timeout"},    {413, "limit-body"},          {414, "limit-target"},
                {417, "expectation-failed"}, {421, "misdirected"},         {431, "limit-fields"},
                {501, "method-unsupported"}, {505, "version-unsupported"}, {503, "overloaded"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status)
            return rows[i].slug;
    return "malformed-request";
}

void http_refuse(http_stream *s, int status, const dx_why *why)
{
    http_connection *c = s->connection;
    if (c->handler.refused != NULL)
        c->handler.refused(c->handler.context, why);
    const http_problem problem = {.slug = http_refusal_slug(status, why->id),
                                  .status = status,
                                  .id = why->id,
                                  .clause = why->clause,
                                  .detail = why->text,
                                  .where = "peer"};
    http_message head;
    dx_bytes body;
    if (http_problem_message(&problem, &s->arena, &head, &body).code != DX_OK) {
        head = (http_message){.status = (uint16_t)status, .body = HTTP_BODY_LENGTH};
        body = (dx_bytes){NULL, 0};
    }
    http_answer(s, &head, body.size == 0);
    if (body.size > 0) {
        http_answer_data(s, body);
        http_answer_end(s, NULL, 0);
    }
}

void http_stream_admit(http_stream *s)
{
    http_connection *c = s->connection;
    const http_message *m = &s->request;
    dx_why why;
    if (judge_authority(c, m->authority, &why).code != DX_OK) {
        http_refuse(s, 421, &why);
    } else if (m->body == HTTP_BODY_LENGTH && m->body_length > c->limits.request_body_bytes) {
        http_refuse(s, 413,
                    &(dx_why){.code = DX_TOO_LARGE,
                              .id = "DP-119",
                              .clause = "RFC 9110 15.5.14",
                              .text = "the content is larger than allowed"});
    } else {
        s->begun = true;
        c->requests++;
        s->user = c->handler.begin(c->handler.context, s, &s->request);
    }
}

/* ---- for handlers ---- */

void *http_stream_connection_user(const http_stream *s)
{
    return s->connection->user;
}

const http_message *http_stream_request(const http_stream *s)
{
    return &s->request;
}

dx_arena *http_stream_arena(http_stream *s)
{
    return &s->arena;
}

http_take http_body_take(http_stream *s, dx_bytes *slice)
{
    if (!s->wanted || s->in_taken < s->in.size) {
        s->wanted = true;
        s->connection->protocol->wants_body(s);
    }
    *slice = dx_bytes_part(dx_buf_view(&s->in), s->in_taken, s->in.size);
    s->in_taken = s->in.size;
    if (slice->size > 0)
        return HTTP_TAKE_DATA;
    return s->in_over  ? HTTP_TAKE_TOO_LARGE
           : s->in_bad ? HTTP_TAKE_REFUSED
           : s->in_cut ? HTTP_TAKE_TRUNCATED
           : s->in_end ? HTTP_TAKE_END
                       : HTTP_TAKE_AGAIN;
}

const dx_why *http_body_refusal(const http_stream *s, int *status, const char **slug)
{
    *status = h1_status(&s->in_why);
    *slug = http_refusal_slug(*status, s->in_why.id);
    return &s->in_why;
}

void http_answer(http_stream *s, const http_message *head, bool end)
{
    if (s->answered || s->done)
        return;
    s->answered = true;
    bool bare = head->status < 200 || head->status == 204 || head->status == 304; /* RFC 9112 6.3 */
    s->head_only = end || bare || head->body == HTTP_BODY_NONE || dx_bytes_is(s->request.method, "HEAD");
    s->counted = head->body == HTTP_BODY_LENGTH && !s->head_only;
    s->owed = s->counted ? head->body_length : 0;
    s->connection->protocol->answer(s, head, end);
    s->connection->link.want_write(s->connection->link.link);
}

size_t http_answer_data(http_stream *s, dx_bytes data)
{
    if (s->head_only || s->out_end)
        return 0;
    if (s->out_sent >=
        STREAM_OUT_HIGH) { /* a reader that never quite catches up must not make the buffer grow */
        memmove(s->out.data, s->out.data + s->out_sent, s->out.size - s->out_sent);
        s->out.size -= s->out_sent;
        s->out_sent = 0;
    }
    if ((s->counted && data.size > s->owed) || dx_buf_add(&s->out, data).code != DX_OK) {
        http_answer_abort(s);
        return 0;
    }
    s->owed -= s->counted ? data.size : 0;
    s->connection->protocol->more(s);
    s->connection->link.want_write(s->connection->link.link);
    return s->out.size - s->out_sent;
}

void http_answer_end(http_stream *s, const http_field *trailers, size_t trailer_count)
{
    http_field *copy = trailer_count == 0 ? NULL : DX_ARENA_ARRAY(&s->arena, http_field, trailer_count);
    for (size_t i = 0; copy != NULL && i < trailer_count; i++)
        copy[i] = (http_field){dx_arena_bytes(&s->arena, trailers[i].name),
                               dx_arena_bytes(&s->arena, trailers[i].value)};
    if (s->owed > 0 || (trailer_count > 0 && copy == NULL)) { /* it must not look complete */
        http_answer_abort(s);
        return;
    }
    s->trailers = copy;
    s->trailer_count = copy == NULL ? 0 : trailer_count;
    s->out_end = true;
    s->connection->protocol->more(s);
    s->connection->link.want_write(s->connection->link.link);
}

void http_answer_abort(http_stream *s)
{
    if (s->aborted)
        return;
    s->aborted = true;
    s->connection->protocol->abort(s);
    s->connection->link.want_write(s->connection->link.link);
}

void http_answer_ready(http_stream *s, void (*ready)(void *user), void *user)
{
    s->ready = ready;
    s->ready_user = user;
}
