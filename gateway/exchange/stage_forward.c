#include "gateway/exchange/exchange.h"

#include <stdio.h>

/* Fetches the answer from the data API. What policy judged is what it receives: canonical path, query as
 * sent, our own fields added after everything of that name was dropped (dataplane.md 8, 9). */

#define OWN_FIELDS_MAX 12
#define VIA_NAME       "sekisho" /* our received-by in Via, RFC 9110 7.6.3 */

/* Did this request come this way before? Via: protocol, received-by, perhaps a comment. */
static bool passed_here(const http_message *r)
{
    for (size_t i = 0; i < r->field_count; i++) {
        dx_bytes left = r->fields[i].value, hop;
        if (!dx_bytes_is(r->fields[i].name, "via"))
            continue;
        while (http_next_element(&left, &hop)) {
            size_t from = 0, to;
            while (from < hop.size && hop.data[from] != ' ' && hop.data[from] != '\t')
                from++;
            while (from < hop.size && (hop.data[from] == ' ' || hop.data[from] == '\t'))
                from++;
            for (to = from; to < hop.size && hop.data[to] != ' ' && hop.data[to] != '\t';)
                to++;
            if (dx_bytes_is_nocase(dx_bytes_part(hop, from, to - from), VIA_NAME))
                return true;
        }
    }
    return false;
}

static void add(http_message *head, const char *name, dx_bytes value)
{
    if (value.size > 0)
        head->fields[head->field_count++] = (http_field){dx_bytes_text(name), value};
}

static bool build_request(exchange *ex, http_message *head)
{
    const http_message *r = ex->request;
    const trust_verdict *v = &ex->judged->verdict;
    *head = (http_message){.version = HTTP_1_1,
                           .method = r->method,
                           .authority = r->authority,
                           .path = r->path,
                           .query = r->query,
                           .has_query = r->has_query};
    head->fields = DX_ARENA_ARRAY(&ex->arena, http_field, r->field_count + OWN_FIELDS_MAX);
    char *sha256 = dx_arena_alloc(&ex->arena, DX_BASE64URL_SIZE(32));
    if (head->fields == NULL || sha256 == NULL)
        return false;
    for (size_t i = 0; i < r->field_count; i++) {
        const http_field *f = &r->fields[i];
        if (http_request_field(f->name, http_nominated(r, f->name)) != HTTP_KEEP)
            continue;
        /* What policy looks into comes whole and uncoded (policy.md 11). */
        if (ex->ruling.body_needed && (dx_bytes_is(f->name, "range") || dx_bytes_is(f->name, "if-range") ||
                                       dx_bytes_is(f->name, "accept-encoding")))
            continue;
        head->fields[head->field_count++] = *f;
    }
    if (ex->ruling.body_needed)
        add(head, "accept-encoding", dx_bytes_text("identity"));
    if (ex->body.size > 0 || r->body != HTTP_BODY_NONE) {
        head->body = HTTP_BODY_LENGTH;
        head->body_length = ex->body.size;
    }
    dx_base64url(dx_bytes_of(ex->peer->leaf_sha256, 32), sha256);
    add(head, "via", dx_bytes_text("1.1 " VIA_NAME));
    add(head, "dfft-exchange-id", dx_bytes_text(ex->id));
    add(head, "dfft-peer-organisation", dx_bytes_text(v->org.id));
    add(head, "dfft-peer-country", dx_bytes_text(v->org.country));
    add(head, "dfft-peer-certificate", dx_bytes_text(sha256));
    add(head, "dfft-peer-level", dx_bytes_text(v->level));
    add(head, "dfft-decision", dx_bytes_text(ex->ruling.clause));
    return true;
}

static void got_head(void *user, const http_message *response)
{
    (void)user;
    (void)response; /* judged whole, when its body is here too */
}

static step fail(exchange *ex, const char *slug, const dx_why *why)
{
    bool timeout = strcmp(slug, "upstream-timeout") == 0, busy = strcmp(slug, "overloaded") == 0;
    return exchange_refuse(
        ex,
        &(refusal){.slug = slug,
                   .status = timeout ? 504
                             : busy  ? 503
                                     : 502,
                   .id = why->id[0] ? dx_arena_text(&ex->arena, dx_bytes_text(why->id)) : NULL,
                   .clause = why->clause[0] ? dx_arena_text(&ex->arena, dx_bytes_text(why->clause)) : NULL,
                   .where = "upstream",
                   .retryable = strcmp(slug, "upstream-invalid") != 0,
                   .retry_after_s = busy ? 2 : 0});
}

static void got_data(void *user, dx_bytes slice)
{
    exchange *ex = user;
    if (ex->async_rc.code == DX_OK)
        ex->async_rc = dx_buf_add(&ex->upstream_body, slice);
    if (ex->async_rc.code == DX_TOO_LARGE && ex->upstream != NULL) {
        upstream_cancel(ex->upstream);
        ex->upstream = NULL;
        snprintf(ex->async_why.text, sizeof ex->async_why.text, "body-too-large");
        exchange_resume(ex);
    }
}

/* Copies what may go to the peer. */
static DX_RC take_answer(exchange *ex, const http_message *response)
{
    http_field *fields = DX_ARENA_ARRAY(&ex->arena, http_field, response->field_count);
    if (fields == NULL)
        return DX_FAIL(&ex->async_why, NO_MEMORY, "", "overloaded");
    if (http_doubled(response) != NULL)
        return DX_FAIL(&ex->async_why, MALFORMED, "RFC 9110 5.3", "upstream-invalid");
    if (!exchange_facts_labels(ex, response))
        return DX_FAIL(&ex->async_why, MALFORMED, "RFC 9651 3.1", "upstream-invalid");
    ex->answer = (http_message){.status = response->status, .fields = fields};
    for (size_t i = 0; i < response->field_count; i++) {
        const http_field *f = &response->fields[i];
        if (dx_bytes_is(f->name, "content-length") || dx_bytes_is(f->name, "content-digest"))
            continue; /* ours to say */
        if (http_response_field(f->name, http_nominated(response, f->name)) != HTTP_KEEP)
            continue;
        fields[ex->answer.field_count++] =
            (http_field){dx_arena_bytes(&ex->arena, f->name), dx_arena_bytes(&ex->arena, f->value)};
    }
    bool head_only =
        dx_bytes_is(ex->request->method, "HEAD") || response->status == 204 || response->status == 304;
    ex->answer_body = head_only ? (dx_bytes){NULL, 0} : dx_buf_view(&ex->upstream_body);
    ex->answer.body = head_only ? HTTP_BODY_NONE : HTTP_BODY_LENGTH;
    ex->answer.body_length = ex->answer_body.size;
    return DX_OKAY;
}

static void got_end(void *user, const http_message *response)
{
    exchange *ex = user;
    ex->upstream = NULL;
    if (ex->async_rc.code == DX_OK) /* every slice of its body was kept */
        ex->async_rc = take_answer(ex, response);
    exchange_resume(ex);
}

static void got_failure(void *user, const char *slug, const dx_why *why, bool after_head)
{
    (void)after_head; /* nothing has left yet: the whole answer is held until it is recorded */
    exchange *ex = user;
    ex->upstream = NULL;
    ex->async_rc = (struct dx_rc){DX_UNREACHABLE};
    ex->async_why = *why;
    snprintf(ex->async_why.text, sizeof ex->async_why.text, "%s", slug);
    exchange_resume(ex);
}

static const upstream_events events = {got_head, got_data, got_end, got_failure};

static step forwarded(exchange *ex)
{
    switch (ex->async_rc.code) {
    case DX_OK:
        return STEP_NEXT;
    case DX_NO_MEMORY:
        return fail(ex, "overloaded", &(dx_why){.id = "ID-901"});
    case DX_TOO_LARGE:
        return exchange_refuse(
            ex, &(refusal){.slug = "body-too-large",
                           .status = 413,
                           .id = "body-too-large",
                           .clause = "own rule: upstream.body_max_bytes",
                           .where = "upstream",
                           .detail =
                               "the data API's answer is larger than this gateway holds back for its seal"});
    case DX_USAGE:
    case DX_MALFORMED:
    case DX_NOT_FOUND:
    case DX_BAD_SIGNATURE:
    case DX_REFUSED:
    case DX_UNREACHABLE:
    case DX_TIMEOUT:
    case DX_BUSY:
    case DX_NO_SPACE:
    case DX_IO:
    case DX_BROKEN:
    case DX_CONFIG:
    case DX_UNSUPPORTED:
    case DX_INTERNAL:
    case DX_CODE_COUNT:
        break;
    }
    return fail(ex, dx_arena_text(&ex->arena, dx_bytes_text(ex->async_why.text)), &ex->async_why);
}

void exchange_inner_done(exchange *ex, unsigned status, const char *media_type, dx_bytes body)
{
    http_field *fields = DX_ARENA_ARRAY(&ex->arena, http_field, 2);
    ex->async_rc = fields == NULL ? (struct dx_rc){DX_NO_MEMORY} : DX_OKAY;
    if (fields != NULL) {
        fields[0] = (http_field){dx_bytes_text("content-type"), dx_bytes_text(media_type)};
        fields[1] = (http_field){dx_bytes_text("cache-control"), dx_bytes_text("no-store")};
        ex->answer = (http_message){.status = (uint16_t)status,
                                    .fields = fields,
                                    .field_count = 2,
                                    .body = HTTP_BODY_LENGTH,
                                    .body_length = body.size};
        ex->answer_body = body;
    }
    exchange_post(ex);
}

step stage_forward(exchange *ex)
{
    if (ex->forwarded)
        return forwarded(ex);
    step s = exchange_need_body(ex);
    if (s != STEP_NEXT)
        return s;
    ex->forwarded = true;
    ex->async_rc = DX_OKAY;
    if (ex->regulator) {
        if (ex->gate->regulator.serve(ex->gate->regulator.context, ex))
            return STEP_WAIT;
        return fail(ex, "overloaded", &(dx_why){.id = "ID-902", .clause = "own rule: bounded queue"});
    }
    http_message *head = DX_ARENA_NEW(&ex->arena, http_message);
    dx_why why = {0};
    if (head == NULL || !build_request(ex, head))
        return fail(ex, "overloaded", &(dx_why){.id = "ID-901"});
    if (passed_here(ex->request))
        return exchange_refuse(ex, &(refusal){.slug = "loop",
                                              .status = 508,
                                              .id = "loop",
                                              .clause = "RFC 9110 7.6.3",
                                              .where = "gateway",
                                              .detail = "this request has passed here before"});
    if (ex->home->pool == NULL ||
        upstream_send(ex->home->pool, head, dx_buf_view(&ex->body), &events, ex, &ex->upstream, &why).code !=
            DX_OK)
        return fail(ex, "overloaded", &why);
    return STEP_WAIT;
}
