#include "gateway/exchange/exchange.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define EXCHANGE_ARENA_BYTES                                                                                 \
    (4U << 20) /* dataplane.md 15 limit.arena_bytes, plus buffered bodies of this release */

typedef step stage_function(exchange *ex);

static const struct {
    const char *name;
    stage_function *run;
} stages[] = {
#define STAGE(name, text) {#name, stage_##name},
#include "gateway/exchange/stage_table.h"
#undef STAGE
};

/* UUIDv7 (RFC 9562 5.7): 48 bits of milliseconds, the rest random. Random bytes come in blocks: one call
 * in 40. */
static DX_RC make_id(const gate *g, int64_t now_us, char out[37], dx_why *why)
{
    static _Thread_local uint8_t pool[400];
    static _Thread_local size_t left;
    if (left < 10) {
        if (g->io->random(g->io, pool, sizeof pool) != 0)
            return DX_FAIL(why, INTERNAL, "", "the random generator failed");
        left = sizeof pool;
    }
    left -= 10;
    uint8_t id[16];
    uint64_t ms = (uint64_t)(now_us / 1000);
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(id + 6, pool + left, 10);
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    char hex[33];
    dx_hex(dx_bytes_of(id, 16), hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return DX_OKAY;
}

/* The request's own copy: an exchange may outlive its stream. */
static const http_message *copy_request(exchange *ex, const http_message *request)
{
    http_message *copy = DX_ARENA_NEW(&ex->arena, http_message);
    http_field *fields = DX_ARENA_ARRAY(&ex->arena, http_field, request->field_count);
    if (copy == NULL || fields == NULL)
        return NULL;
    *copy = *request;
    copy->fields = fields;
    copy->trailers = NULL;
    copy->trailer_count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        fields[i].name = dx_arena_bytes(&ex->arena, request->fields[i].name);
        fields[i].value = dx_arena_bytes(&ex->arena, request->fields[i].value);
        if (fields[i].name.data == NULL || fields[i].value.data == NULL)
            return NULL;
    }
    dx_bytes *parts[] = {&copy->method,     &copy->scheme, &copy->authority,
                         &copy->target_raw, &copy->path,   &copy->query};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i] = dx_arena_bytes(&ex->arena, *parts[i]);
        if (parts[i]->data == NULL)
            return NULL;
    }
    return copy;
}

static void exchange_free(exchange *ex)
{
    if (ex->upstream != NULL)
        upstream_cancel(ex->upstream);
    if (ex->next_live != NULL)
        ex->next_live->prev_live = ex->prev_live;
    *ex->prev_live = ex->next_live;
    judged_unref(ex->judged);
    gate_view_unref(ex->view);
    net_peer_unhold(ex->home->worker, ex->peer);
    dx_buf_fini(&ex->body);
    dx_buf_fini(&ex->upstream_body);
    dx_arena_fini(&ex->arena);
    /* last: whoever drains the gateway takes its services away when nothing is in flight */
    atomic_fetch_sub_explicit(&ex->gate->in_flight, 1, memory_order_release);
    free(ex);
}

static void log_access(exchange *ex)
{
    const trust_verdict *v = ex->judged == NULL ? NULL : &ex->judged->verdict;
    dx_log(DX_LOG_INFO, "exchange.done", F_STR("x", ex->id), F_BYTES("method", ex->request->method),
           F_STR("peer", v != NULL && v->answer == TRUST_YES ? v->org.id : NULL),
           F_INT("status", ex->answer.status), F_STR("problem", ex->refused ? ex->problem_slug : NULL),
           F_STR("id", ex->refused ? ex->refused_id : NULL),
           F_STR("clause", ex->refused ? ex->refused_clause
                           : ex->ruled ? ex->ruling.clause
                                       : NULL),
           F_STR("code", ex->ruled ? ex->ruling.code : NULL), F_INT("bytes", (int64_t)ex->answer_body.size),
           F_INT("index", ex->recorded ? (int64_t)ex->receipt.index : -1), F_BOOL("gone", ex->gone),
           F_INT("took_us", dx_now_us(ex->gate->clock) - ex->started_us));
}

/* Where an answer that was decided early goes on: sealed if it still can be, and always through the log. */
static stage after_answer(const exchange *ex)
{
    return ex->at < STAGE_seal ? STAGE_seal : ex->at < STAGE_record ? STAGE_record : STAGE_reply;
}

static step run_stage(exchange *ex)
{
#ifdef SEKISHO_BENCH
    /* What tests/bench compares with other proxies: the walk without judging, sealing, stamping and
     * recording. This build's version says so, each of its workers says so at its first request, and
     * regulators still meet every stage. */
    static judged nobody = {.refs = 1};
    static _Thread_local bool said;
    if (!said)
        dx_log(DX_LOG_SECURITY, "bench.proxy_only", F_STR("version", SEKISHO_VERSION),
               F_STR("text", "this build judges, seals and records nothing"));
    said = true;
    if (!ex->regulator && ex->judged == NULL)
        ex->judged = judged_ref(&nobody);
    if (!ex->regulator && ex->at != STAGE_identify && ex->at != STAGE_forward && ex->at != STAGE_reply)
        return STEP_NEXT;
#endif
    return stages[ex->at].run(ex);
}

static void walk(exchange *ex)
{
    ex->walking = true;
    while (ex->at < STAGE_COUNT) {
        if (ex->gone && ex->at < STAGE_record)
            ex->at =
                STAGE_record; /* nobody waits for the answer any more; that it was asked is still recorded */
        step s = run_stage(ex);
        if (s == STEP_WAIT) {
            ex->walking = false;
            return;
        }
        ex->at = s == STEP_NEXT ? ex->at + 1 : after_answer(ex);
    }
    log_access(ex);
    if (ex->gone)
        exchange_free(ex);
    else
        ex->walking = false; /* answered: the stream's gone() releases it */
}

void exchange_resume(exchange *ex)
{
    walk(ex);
}

static void resume_task(net_task *task)
{
    exchange *ex = (exchange *)(void *)((uint8_t *)task - offsetof(exchange, task));
    walk(ex);
}

void exchange_post(exchange *ex)
{
    ex->task.fn = resume_task;
    if (!net_post(ex->home->worker, &ex->task)) {
        /* The worker ended under us: only at shutdown, after every connection was cut. Nothing may touch its
         * state. */
        dx_log(DX_LOG_WARN, "exchange.orphaned", F_STR("x", ex->id));
    }
}

static bool answer_problem(exchange *ex, const refusal *why)
{
    http_problem problem = {.slug = why->slug,
                            .status = why->status,
                            .title = why->title,
                            .exchange = ex->id,
                            .id = why->id,
                            .clause = why->clause,
                            .detail = why->detail,
                            .where = why->where,
                            .retryable = why->retryable,
                            .retry_after_s = why->retry_after_s};
    bool bare = strcmp(why->slug, "denied") == 0; /* an agreement that explains nothing (policy.md 13) */
    if (!bare && ex->judged != NULL && ex->judged->verdict.anchor.set) {
        const trust_verdict *v = &ex->judged->verdict;
        problem.list.scheme = v->anchor.scheme;
        problem.list.territory = v->anchor.territory;
        problem.list.origin = tlist_origin_text(v->anchor.origin);
        problem.list.sequence = v->anchor.sequence;
    }
    if (http_problem_message(&problem, &ex->arena, &ex->answer, &ex->answer_body).code == DX_OK)
        return true;
    ex->answer = (http_message){.status = (uint16_t)why->status, .body = HTTP_BODY_LENGTH};
    ex->answer_body = (dx_bytes){NULL, 0};
    return false;
}

step exchange_refuse(exchange *ex, const refusal *why)
{
    ex->refused = true;
    ex->problem_slug = why->slug;
    ex->refused_id = why->id;
    ex->refused_clause = why->clause;
    ex->sealed = false;
    ex->stamp_count = 0;
    atomic_fetch_add_explicit(&ex->gate->refusals_total, 1, memory_order_relaxed);
    (void)answer_problem(ex, why); /* without room for its text the status still says no */
    return STEP_ANSWER;
}

static step too_large(exchange *ex)
{
    ex->want_body = false;
    return exchange_refuse(ex, &(refusal){.slug = "limit-body",
                                          .status = 413,
                                          .id = "limit-body",
                                          .clause = "RFC 9110 15.5.14",
                                          .detail = "the content is larger than this gateway takes",
                                          .where = "peer"});
}

static step malformed_content(exchange *ex)
{
    int status;
    refusal r = {.where = "peer"};
    const dx_why *why = http_body_refusal(ex->stream, &status, &r.slug);
    ex->want_body = false;
    r.status = status; /* the stream may be gone before the record is written: its texts are copied */
    r.id = dx_arena_text(&ex->arena, dx_bytes_text(why->id));
    r.clause = dx_arena_text(&ex->arena, dx_bytes_text(why->clause));
    r.detail = dx_arena_text(&ex->arena, dx_bytes_text(why->text));
    return exchange_refuse(ex, &r);
}

step exchange_overloaded(exchange *ex, const char *id, const char *detail)
{
    return exchange_refuse(
        ex, &(refusal){.slug = "overloaded",
                       .status = 503,
                       .id = id,
                       .clause = "RFC 9110 15.6.4",
                       .detail = detail != NULL ? detail : "the gateway has no room for this exchange now",
                       .where = "gateway",
                       .retryable = true,
                       .retry_after_s = 1});
}

void exchange_inner_problem(exchange *ex, const refusal *why)
{
    ex->async_rc = answer_problem(ex, why) ? DX_OKAY : (struct dx_rc){DX_NO_MEMORY};
    exchange_post(ex);
}

step exchange_need_body(exchange *ex)
{
    if (ex->body_done)
        return STEP_NEXT;
    if (ex->stream == NULL)
        return STEP_ANSWER;
    ex->want_body = true;
    for (;;) {
        dx_bytes slice;
        switch (http_body_take(ex->stream, &slice)) {
        case HTTP_TAKE_AGAIN:
            return STEP_WAIT;
        case HTTP_TAKE_END: {
            const http_message *r = http_stream_request(ex->stream);
            http_field *trailers = DX_ARENA_ARRAY(&ex->arena, http_field, r->trailer_count);
            http_message *mine = (http_message *)(uintptr_t)ex->request;
            for (size_t i = 0; trailers != NULL && i < r->trailer_count; i++)
                trailers[i] = (http_field){dx_arena_bytes(&ex->arena, r->trailers[i].name),
                                           dx_arena_bytes(&ex->arena, r->trailers[i].value)};
            mine->trailers = trailers;
            mine->trailer_count = trailers == NULL ? 0 : r->trailer_count;
            ex->body_done = true;
            ex->want_body = false;
            return STEP_NEXT;
        }
        case HTTP_TAKE_TRUNCATED:
            ex->want_body = false;
            return exchange_refuse(ex, &(refusal){.slug = "malformed-request",
                                                  .status = 400,
                                                  .id = "DP-135",
                                                  .clause = "RFC 9112 8",
                                                  .detail = "the request ended inside its content",
                                                  .where = "peer"});
        case HTTP_TAKE_REFUSED:
            return malformed_content(ex);
        case HTTP_TAKE_TOO_LARGE:
            return too_large(ex);
        case HTTP_TAKE_DATA:
            if (dx_buf_add(&ex->body, slice).code != DX_OK)
                return too_large(ex);
            break;
        }
    }
}

/* ---- what the connection tells us ---- */

static void answer_unavailable(http_stream *stream, const dx_why *why)
{
    dx_arena *arena = http_stream_arena(stream);
    http_message head;
    dx_bytes body;
    const http_problem problem = {.slug = "overloaded",
                                  .status = 503,
                                  .detail = why->text,
                                  .where = "gateway",
                                  .retryable = true,
                                  .retry_after_s = 1};
    if (http_problem_message(&problem, arena, &head, &body).code != DX_OK)
        return;
    http_answer(stream, &head, false);
    http_answer_data(stream, body);
    http_answer_end(stream, NULL, 0);
}

static void *begin(void *context, http_stream *stream, const http_message *request)
{
    gate_worker *w = context;
    net_connection *connection = http_stream_connection_user(stream);
    exchange *ex = calloc(1, sizeof *ex);
    dx_why why = {.text = "the gateway has no room for another exchange"};
    if (ex == NULL || w->view == NULL) {
        free(ex);
        answer_unavailable(stream, &why);
        return NULL;
    }
    ex->home = w;
    ex->records = -1;
    ex->gate = w->gate;
    ex->view = gate_view_ref(w->view);
    ex->stream = stream;
    ex->connection = connection;
    ex->peer = net_connection_hold_peer(connection); /* the connection may go first */
    ex->regulator = net_connection_listener(connection) == w->gate->regulator_listener;
    ex->next_live = w->live;
    ex->prev_live = &w->live;
    if (ex->next_live != NULL)
        ex->next_live->prev_live = &ex->next_live;
    w->live = ex;
    ex->started_us = dx_now_us(w->gate->clock);
    atomic_fetch_add_explicit(&w->gate->exchanges_total, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&w->gate->in_flight, 1, memory_order_relaxed);
    dx_arena_init(&ex->arena, EXCHANGE_ARENA_BYTES + (size_t)w->gate->config->upstream->body_max_bytes);
    dx_buf_init(&ex->body, (size_t)w->gate->config->upstream->body_max_bytes);
    dx_buf_init(&ex->upstream_body, (size_t)w->gate->config->upstream->body_max_bytes);
    ex->request = copy_request(ex, request);
    if (ex->request == NULL || make_id(w->gate, ex->started_us, ex->id, &why).code != DX_OK) {
        answer_unavailable(stream, &why);
        exchange_free(ex);
        return NULL;
    }
    walk(ex);
    return ex;
}

static void body(void *user, http_stream *stream)
{
    (void)stream;
    exchange *ex = user;
    if (ex != NULL && ex->want_body && !ex->walking)
        walk(ex);
}

static void gone(void *user, http_stream *stream, bool sent)
{
    (void)stream;
    (void)sent;
    exchange *ex = user;
    if (ex == NULL)
        return;
    ex->stream = NULL;
    ex->connection = NULL;
    ex->gone = true;
    if (ex->walking)
        return; /* our own reply ended the stream; walk() sees it */
    if (ex->at >= STAGE_COUNT) {
        exchange_free(ex);
    } else if (ex->want_body) {
        ex->want_body = false; /* it waited for its peer: nobody else will wake it */
        walk(ex);
    } else if (ex->upstream != NULL) {
        upstream_cancel(ex->upstream);
        ex->upstream = NULL;
        walk(ex);
    }
}

size_t exchange_abort_peer(gate_worker *w, const net_peer *peer)
{
    size_t count = 0;
    for (exchange *ex = w->live; ex != NULL; ex = ex->next_live) {
        bool under_way = ex->at > STAGE_trust && ex->at < STAGE_reply && ex->ended_us == 0;
        if (ex->peer != peer || ex->stream == NULL || ex->cut || !under_way)
            continue;
        ex->cut = true;
        count++;
        http_answer_abort(ex->stream); /* its end comes by gone(), from the loop */
    }
    return count;
}

static void refused(void *context, const dx_why *why)
{
    gate_worker *w = context;
    atomic_fetch_add_explicit(&w->gate->refusals_total, 1, memory_order_relaxed);
    dx_log_why(DX_LOG_INFO, "request.refused", why);
}

const http_handler *gate_handler(net_worker *worker, void *gate_pointer)
{
    gate_worker *w = net_worker_user(worker);
    if (w == NULL) {
        w = calloc(1, sizeof *w);
        if (w == NULL)
            return NULL;
        w->gate = gate_pointer;
        w->worker = worker;
        w->handler =
            (http_handler){.begin = begin, .body = body, .gone = gone, .refused = refused, .context = w};
        net_worker_set_user(worker, w);
    }
    return &w->handler;
}
