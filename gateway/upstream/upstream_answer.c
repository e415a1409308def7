/* upstream_answer.c -- an answer taken off a link: interim heads dropped, the final head told, content as it
 * comes. After every event the request may be gone: the caller looks at link->request before it goes on. */
#include "gateway/upstream/upstream_private.h"

/* Bytes behind the end: whose they are nobody can say, and nothing of the answer has left yet, for it is held
 * until its end is here (dataplane.md 5.4). Told before a byte of its content where its length is known. */
static void runs_over(upstream_request *r)
{
    upstream_fail_text(r, DX_MALFORMED, "upstream-invalid", "F35", "RFC 9112 6.3",
                       "bytes stand behind the end of the answer");
}

static bool is_over_long(const upstream_link *link, const http_message *response)
{
    return (response->body == HTTP_BODY_NONE && link->in.size > 0) ||
           (response->body == HTTP_BODY_LENGTH && link->in.size > response->body_length);
}

static bool interim_is_fine(upstream_link *link, const http_message *response, size_t size)
{
    link->interim_bytes += size;
    return response->status != 101 && ++link->interim <= UPSTREAM_INTERIM_MAX &&
           link->interim_bytes <= UPSTREAM_INTERIM_BYTES;
}

/* The next head in link->in. False: there is no more to do for now, or the request has ended. */
static bool take_head(upstream_link *link, bool *final)
{
    upstream_request *r = link->request;
    const h1_rules rules = {.header_bytes = r->pool->spec.header_bytes,
                            .field_bytes = 16384,
                            .target_bytes = 8192,
                            .fields = 200,
                            .response = true,
                            .head_request = dx_bytes_is(r->head->method, "HEAD")};
    size_t size;
    dx_why why;
    h1_step step = h1_head_find(&link->head, dx_buf_view(&link->in), &rules, &size, &why);
    if (step == H1_MORE)
        return false;
    dx_bytes own = step == H1_DONE ? dx_arena_bytes(&r->arena, dx_bytes_part(dx_buf_view(&link->in), 0, size))
                                   : (dx_bytes){NULL, 0};
    if (step == H1_DONE && own.data == NULL) {
        upstream_fail_text(r, DX_NO_MEMORY, "overloaded", "ID-901", "", "no memory for the answer");
        return false;
    }
    if (step == H1_BAD || h1_head_read(own, &rules, &r->arena, &r->response, &link->keep, &why) == H1_BAD) {
        /* a body that only the end of the connection ends cannot be known complete */
        upstream_fail(r, strcmp(why.id, "DP-135") == 0 ? "upstream-incomplete" : "upstream-invalid", &why);
        return false;
    }
    memmove(link->in.data, link->in.data + size, link->in.size - size);
    link->in.size -= size;
    link->head = (h1_head_state){0};
    *final = r->response.status >= 200;
    if (!*final && !interim_is_fine(link, &r->response, size)) {
        upstream_fail_text(r, DX_MALFORMED, "upstream-invalid", "DP-133", "RFC 9110 15.2",
                           "the data API switches protocols or floods interim answers");
        return false;
    }
    return true;
}

/* False: the answer is whole or the request has ended. */
static bool take_content(upstream_link *link, dx_bytes in)
{
    upstream_request *r = link->request;
    for (;;) {
        size_t used;
        dx_bytes data;
        dx_why why;
        h1_step step = h1_body_take(&link->decode, in, &used, &data, &r->response, 16, &r->arena, &why);
        in = dx_bytes_part(in, used, in.size);
        if (step == H1_BAD) {
            upstream_fail(r, "upstream-invalid", &why);
            return false;
        }
        if (data.size > 0)
            r->events.data(r->user, data);
        if (link->request != r)
            return false;
        if (step == H1_DONE && in.size > 0) {
            runs_over(r);
            return false;
        }
        if (step == H1_DONE) {
            upstream_link_release(link);
            upstream_done(r);
            return false;
        }
        if (in.size == 0)
            return true;
    }
}

static void take_heads(upstream_link *link)
{
    upstream_request *r = link->request;
    bool final = false;
    while (!final)
        if (!take_head(link, &final))
            return;
    if (is_over_long(link, &r->response)) {
        runs_over(r);
        return;
    }
    r->got_head = true;
    link->in_body = true;
    h1_body_init(&link->decode, &r->response, true);
    upstream_target_heard(link);
    dx_bytes rest =
        dx_arena_bytes(&r->arena, dx_buf_view(&link->in)); /* an event may close the link, not the arena */
    if (rest.data == NULL) {
        upstream_fail_text(r, DX_NO_MEMORY, "overloaded", "ID-901", "", "no memory for the answer");
        return;
    }
    dx_buf_clear(&link->in);
    r->events.head(r->user, &r->response);
    if (link->request == r)
        (void)take_content(link, rest);
}

void upstream_answer_take(upstream_link *link, dx_bytes in)
{
    upstream_request *r = link->request;
    r->got_bytes = true;
    if (!r->paused)
        upstream_wait(r, r->pool->spec.idle_read_ms);
    if (link->in_body) {
        (void)take_content(link, in);
        return;
    }
    if (dx_buf_add(&link->in, in).code != DX_OK)
        upstream_fail_text(r, DX_TOO_LARGE, "upstream-invalid", "DP-116", "RFC 9110 5.4",
                           "the head of the answer is too large");
    else
        take_heads(link);
}
