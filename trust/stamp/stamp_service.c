#include "trust/base/digest.h"
#include "trust/stamp/stamp_private.h"

#include "trust/base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Asking authorities (seals.md 7.2, 7.6). One thread owns batches and judges tokens; fetches come back as messages. A new
 * request starts when fewer than K are under way and there is something to stamp: like group commit, clocked by itself. */

#define TSA_MAX        8
#define INFLIGHT_MAX   16
#define TOKEN_MAX      (64U << 10)
#define EVIDENCE_MAX   64
#define ANCHOR_INTERVAL_US 1000000
#define BENCH_US       10000000

typedef struct waiting waiting;
struct waiting { /* one leaf */
    waiting    *next;
    uint8_t     leaf[32];
    stamp_mode  mode;
    unsigned    min;
    const char *accept[5];
    stamp_done *done;
    void       *context;
    int64_t     since_us;
};

typedef struct flight flight;
struct flight { /* one request under way, with everyone it covers */
    flight        *next; /* in the list of arrived ones */
    stamp_service *owner;
    waiting       *leaves;
    evidence_tree *tree;
    uint8_t        imprint[32];
    uint64_t       nonce;
    size_t         tsa;      /* index of the one asked now */
    bool           tried[TSA_MAX];
    bool           invalid;  /* some answer could not be believed */
    int64_t        started_us, sent_us, received_us;
    dx_arena       arena;
    struct dx_rc   rc;
    dx_buf         answer;
    int            status;
    bool           is_reply;
    dx_why         why;
    /* second stamp */
    unsigned       have;
    dx_bytes       tokens[2];
    stamp_facts    facts[2];
    size_t         by[2];
};

typedef struct {
    unsigned fails;
    int64_t  open_until_us;
} breaker;

struct stamp_service {
    stamp_service_spec spec;
    pthread_t          thread;
    pthread_mutex_t    lock;
    pthread_cond_t     came;
    bool               stopping;
    waiting           *queue, **queue_end;
    size_t             queued;
    flight            *arrived;
    uint8_t            anchor[32];
    bool               has_anchor;
    int64_t            anchored_us;
    /* the thread's own */
    unsigned           under_way;
    int64_t            last_start_us, rtt_us;
    breaker            breakers[TSA_MAX];
    struct { uint8_t key[32]; dx_buf der; int64_t fetched_s; bool crl; } evidence[EVIDENCE_MAX];
    size_t             evidence_count;
};

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static int64_t mono(const stamp_service *s)
{
    return dx_mono_us(s->spec.clock);
}

/* ---- ending ---- */

static void flight_free(flight *f)
{
    evidence_tree_free(f->tree);
    dx_buf_fini(&f->answer);
    dx_arena_fini(&f->arena);
    free(f);
}

static void answer_all(flight *f, struct dx_rc rc, const dx_why *why)
{
    stamp_service *s = f->owner;
    size_t         index = 0;
    for (waiting *w = f->leaves, *next; w != NULL; w = next, index++) {
        next = w->next;
        stamp_result r = {.rc = rc};
        dx_buf       records[2] = {{0}, {0}};
        if (rc.code != DX_OK)
            r.why = *why;
        for (unsigned i = 0; rc.code == DX_OK && i < f->have; i++) {
            r.facts[i] = f->facts[i];
            r.by[i] = s->spec.tsas[f->by[i]].name;
            r.evidence[i] = f->tokens[i];
            dx_buf_init(&records[i], TOKEN_MAX * 2);
            if (w->mode == STAMP_BATCH) {
                r.rc = evidence_record_make(f->tree, index, f->tokens[i], &records[i], &r.why);
                r.evidence[i] = dx_buf_view(&records[i]);
            }
        }
        r.count = r.rc.code == DX_OK ? f->have : 0;
        if (w->done != NULL)
            w->done(w->context, &r);
        dx_buf_fini(&records[0]);
        dx_buf_fini(&records[1]);
        free(w);
    }
    flight_free(f);
}

/* ---- asking ---- */

static void fetched(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why)
{
    flight        *f = context;
    stamp_service *s = f->owner;
    f->rc = rc;
    f->status = answer->status;
    f->is_reply = strncmp(answer->content_type, "application/timestamp-reply", 27) == 0;
    f->received_us = dx_now_us(s->spec.clock);
    if (rc.code != DX_OK)
        f->why = *why;
    f->answer = answer->body;
    dx_buf_init(&answer->body, 0);
    pthread_mutex_lock(&s->lock);
    f->next = s->arrived;
    s->arrived = f;
    pthread_cond_signal(&s->came);
    pthread_mutex_unlock(&s->lock);
}

static bool accepts(const flight *f, const stamp_tsa *tsa)
{
    const char *const *accept = f->leaves->accept;
    if (accept[0] == NULL)
        return true;
    for (; *accept != NULL; accept++)
        if (strcmp(*accept, tsa->class_) == 0)
            return true;
    return false;
}

static bool serves_second(const stamp_service *s, const flight *f, size_t tsa)
{
    if (f->have == 0)
        return true;
    const stamp_tsa *first = &s->spec.tsas[f->by[0]], *t = &s->spec.tsas[tsa];
    return strcmp(first->territory, t->territory) != 0 && strcmp(first->class_, t->class_) != 0;
}

static void give_up(flight *f)
{
    dx_why       why = f->why;
    struct dx_rc rc = f->invalid ? DX_FAIL_ID(&why, BAD_SIGNATURE, f->why.id, f->why.clause, "%s", f->why.text)
                                 : DX_FAIL(&why, UNREACHABLE, "seals.md 7.6", "no time-stamp authority answered in time");
    f->owner->under_way--;
    answer_all(f, rc, &why);
}

static void ask_next(flight *f)
{
    stamp_service *s = f->owner;
    int64_t        now_us = mono(s), total_us = (int64_t)or_default(s->spec.limits.total_ms, 8000) * 1000;
    dx_buf_fini(&f->answer);
    for (size_t i = 0; i < s->spec.tsa_count && i < TSA_MAX && now_us - f->started_us < total_us; i++) {
        const stamp_tsa *tsa = &s->spec.tsas[i];
        if (f->tried[i] || !accepts(f, tsa) || !serves_second(s, f, i) || now_us < s->breakers[i].open_until_us)
            continue;
        dx_bytes body;
        dx_why   why;
        f->tried[i] = true;
        f->tsa = i;
        f->sent_us = dx_now_us(s->spec.clock);
        if (s->spec.io->random(s->spec.io, &f->nonce, sizeof f->nonce) != 0 || stamp_request_make(tsa, f->imprint, f->nonce, &f->arena, &body, &why).code != DX_OK)
            continue;
        int64_t                left_ms = (total_us - (now_us - f->started_us)) / 1000;
        uint32_t               try_ms = or_default(s->spec.limits.try_ms, 3000);
        const dx_fetch_request request = {.url = tsa->url, .body = body, .content_type = "application/timestamp-query",
                                          .accept = "application/timestamp-reply", .max_bytes = TOKEN_MAX,
                                          .total_ms = left_ms < (int64_t)try_ms ? (uint32_t)(left_ms + 1) : try_ms, .connect_ms = try_ms};
        if (dx_fetch_submit(s->spec.fetcher, &request, fetched, f, &f->why).code == DX_OK)
            return;
    }
    if (f->have > 0 && f->leaves->min == 1) { /* cannot happen: one stamp is enough */
        s->under_way--;
        answer_all(f, DX_OKAY, NULL);
        return;
    }
    give_up(f);
}

/* ---- judging what came ---- */

static bool fetch_evidence(stamp_service *s, const revocation_question *q, dx_arena *arena)
{
    if (s->evidence_count == EVIDENCE_MAX) {
        dx_buf_fini(&s->evidence[0].der);
        memmove(&s->evidence[0], &s->evidence[1], (EVIDENCE_MAX - 1) * sizeof s->evidence[0]);
        s->evidence_count--;
    }
    dx_bytes         body;
    dx_why           why;
    dx_fetch_answer  answer;
    dx_fetch_request request = {.max_bytes = 512U << 10, .total_ms = or_default(s->spec.limits.try_ms, 3000)};
    bool             crl = q->ocsp_urls[0] == NULL;
    request.url = crl ? q->crl_urls[0] : q->ocsp_urls[0];
    if (request.url == NULL || (!crl && revocation_ocsp_request(q, arena, &body, &why).code != DX_OK))
        return false;
    if (!crl) {
        request.body = body;
        request.content_type = "application/ocsp-request";
    }
    bool ok = dx_fetch(s->spec.fetcher, &request, &answer, &why).code == DX_OK && answer.status == 200;
    if (ok) {
        s->evidence[s->evidence_count].der = answer.body;
        dx_buf_init(&answer.body, 0);
        memcpy(s->evidence[s->evidence_count].key, q->key, 32);
        s->evidence[s->evidence_count].crl = crl;
        s->evidence[s->evidence_count++].fetched_s = dx_now_s(s->spec.clock);
    }
    dx_fetch_answer_fini(&answer);
    return ok;
}

static void give_evidence(stamp_service *s, stamp_trust *trust, dx_bytes room[2][EVIDENCE_MAX])
{
    int64_t now_s = dx_now_s(s->spec.clock);
    trust->evidence = (revocation_evidence){room[0], 0, room[1], 0};
    for (size_t i = 0; i < s->evidence_count;) {
        if (now_s - s->evidence[i].fetched_s > 300) {
            dx_buf_fini(&s->evidence[i].der);
            s->evidence[i] = s->evidence[--s->evidence_count];
            continue;
        }
        if (s->evidence[i].crl)
            room[1][trust->evidence.crl_count++] = dx_buf_view(&s->evidence[i].der);
        else
            room[0][trust->evidence.ocsp_count++] = dx_buf_view(&s->evidence[i].der);
        i++;
    }
}

static stamp_verdict judge_token(stamp_service *s, flight *f, dx_bytes token, stamp_facts *facts)
{
    stamp_trust        trust = {0};
    dx_bytes           room[2][EVIDENCE_MAX];
    const stamp_tsa   *tsa = &s->spec.tsas[f->tsa];
    const stamp_expect expect = {.tsa = tsa, .imprint = dx_bytes_of(f->imprint, 32), .has_nonce = true, .nonce = f->nonce,
                                 .sent_us = f->sent_us, .received_us = f->received_us, .skew_s = s->spec.limits.skew_s};
    if (!s->spec.trust_get(s->spec.trust_context, &trust))
        return stamp_no("STAMP-11", "no trusted list is loaded");
    stamp_verdict v = {0};
    for (int round = 0; round < 2; round++) {
        revocation_question questions[PATH_MAX_CERTS];
        size_t              count = 0;
        give_evidence(s, &trust, room);
        v = stamp_check_asking(token, &expect, &trust, &f->arena, facts, questions, &count);
        if (v.ok || count == 0 || round == 1)
            break;
        for (size_t i = 0; i < count; i++)
            (void)fetch_evidence(s, &questions[i], &f->arena);
    }
    s->spec.trust_release(s->spec.trust_context, &trust);
    return v;
}

static void event(stamp_service *s, const char *name, size_t tsa, const dx_why *why)
{
    if (s->spec.event != NULL)
        s->spec.event(s->spec.trust_context, name, s->spec.tsas[tsa].name, why);
}

static void failed(stamp_service *s, flight *f)
{
    breaker *b = &s->breakers[f->tsa];
    if (++b->fails >= or_default(s->spec.limits.breaker_fails, 5)) {
        b->open_until_us = mono(s) + (int64_t)or_default(s->spec.limits.breaker_open_s, 10) * 1000000;
        b->fails = 0;
    }
    ask_next(f);
}

static void take_answer(flight *f)
{
    stamp_service *s = f->owner;
    dx_bytes       token;
    stamp_facts    facts;
    int64_t        took_us = mono(s) - s->last_start_us;
    if (f->rc.code != DX_OK || f->status != 200 || !f->is_reply) {
        if (f->rc.code == DX_OK)
            (void)DX_FAIL(&f->why, UNREACHABLE, "RFC 3161 3.4", "%s answered %d, not a timestamp-reply", s->spec.tsas[f->tsa].name, f->status);
        event(s, "stamp.unavailable", f->tsa, &f->why);
        failed(s, f);
        return;
    }
    stamp_verdict v = stamp_response_open(dx_buf_view(&f->answer), &s->spec.tsas[f->tsa], &token);
    if (v.ok)
        v = judge_token(s, f, token, &facts);
    if (!v.ok) { /* never used, never deferred in silence: this authority is benched */
        f->invalid = true;
        (void)dx_fail(&f->why, DX_BAD_SIGNATURE, v.id, v.clause, "%s: %s", s->spec.tsas[f->tsa].name, v.text);
        event(s, "stamp.invalid", f->tsa, &f->why);
        s->breakers[f->tsa].open_until_us = mono(s) + BENCH_US;
        ask_next(f);
        return;
    }
    s->breakers[f->tsa].fails = 0;
    s->rtt_us = s->rtt_us == 0 ? took_us : (s->rtt_us * 7 + took_us) / 8;
    if (facts.territory[0] == 0)
        snprintf(facts.territory, sizeof facts.territory, "%s", s->spec.tsas[f->tsa].territory);
    f->tokens[f->have] = dx_arena_bytes(&f->arena, token);
    f->facts[f->have] = facts;
    f->by[f->have++] = f->tsa;
    if (f->have < f->leaves->min) {
        ask_next(f);
        return;
    }
    s->under_way--;
    answer_all(f, DX_OKAY, NULL);
}

/* ---- starting ---- */

static bool same_plan(const waiting *a, const waiting *b)
{
    if (a->mode != b->mode || a->min != b->min)
        return false;
    for (size_t i = 0; i < 5; i++)
        if ((a->accept[i] == NULL) != (b->accept[i] == NULL) || (a->accept[i] != NULL && strcmp(a->accept[i], b->accept[i]) != 0))
            return false;
    return true;
}

/* Takes what is queued and belongs together; the rest waits for the next request. Called with the lock held. */
static flight *take_batch(stamp_service *s)
{
    flight *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->owner = s;
    waiting **end = &f->leaves;
    size_t    count = 0, max = s->queue->mode == STAMP_TOKEN ? 1 : or_default(s->spec.limits.max_batch, 4096);
    for (waiting **at = &s->queue; *at != NULL && count < max;) {
        waiting *w = *at;
        if (f->leaves != NULL && !same_plan(f->leaves, w)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        *end = w;
        end = &w->next;
        count++;
        s->queued--;
    }
    s->queue_end = &s->queue;
    while (*s->queue_end != NULL)
        s->queue_end = &(*s->queue_end)->next;
    if (f->leaves->mode == STAMP_BATCH && s->has_anchor && mono(s) - s->anchored_us >= ANCHOR_INTERVAL_US) {
        waiting *w = calloc(1, sizeof *w); /* the log's checkpoint travels with the seals */
        if (w != NULL) {
            memcpy(w->leaf, s->anchor, 32);
            w->mode = STAMP_BATCH;
            *end = w;
            s->has_anchor = false;
            s->anchored_us = mono(s);
        }
    }
    return f;
}

static void start(flight *f)
{
    stamp_service *s = f->owner;
    size_t         count = 0, i = 0;
    for (waiting *w = f->leaves; w != NULL; w = w->next)
        count++;
    uint8_t (*leaves)[32] = calloc(count, 32);
    for (waiting *w = f->leaves; leaves != NULL && w != NULL; w = w->next)
        memcpy(leaves[i++], w->leaf, 32);
    f->started_us = s->last_start_us = mono(s);
    dx_arena_init(&f->arena, 4U << 20);
    s->under_way++;
    struct dx_rc rc = leaves == NULL ? (struct dx_rc){DX_NO_MEMORY} : DX_OKAY;
    if (rc.code == DX_OK && f->leaves->mode == STAMP_BATCH) {
        rc = evidence_tree_new((const uint8_t(*)[32])leaves, count, &f->tree, &f->why);
        if (rc.code == DX_OK)
            memcpy(f->imprint, evidence_tree_root(f->tree), 32);
    } else if (rc.code == DX_OK) {
        memcpy(f->imprint, leaves[0], 32);
    }
    free(leaves);
    if (rc.code != DX_OK) {
        s->under_way--;
        answer_all(f, rc, &f->why);
        return;
    }
    ask_next(f);
}

/* When the next request may start: now, or so many microseconds from now; -1: when something comes. */
static int64_t when_to_start(const stamp_service *s)
{
    unsigned k = or_default(s->spec.limits.max_inflight, 2);
    if (s->queue == NULL || s->under_way >= k)
        return -1;
    int64_t now_us = mono(s), least_us = (int64_t)s->spec.limits.min_interval_ms * 1000, since_us = now_us - s->last_start_us;
    if (since_us < least_us)
        return least_us - since_us;
    int64_t waited_us = now_us - s->queue->since_us, max_us = (int64_t)or_default(s->spec.limits.max_wait_ms, 250) * 1000;
    int64_t spread_us = s->rtt_us / k;
    if (s->under_way == 0 || since_us >= spread_us || waited_us >= max_us || s->queued >= or_default(s->spec.limits.max_batch, 4096) ||
        s->queue->mode == STAMP_TOKEN)
        return 0;
    int64_t a = spread_us - since_us, b = max_us - waited_us;
    return a < b ? a : b;
}

static void *run(void *argument)
{
    stamp_service *s = argument;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        int64_t wait_us;
        while (s->arrived == NULL && (wait_us = when_to_start(s)) != 0 && !(s->stopping && s->under_way == 0)) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            int64_t ns = until.tv_nsec + (wait_us < 0 ? 500000 : wait_us) * 1000;
            until.tv_sec += ns / 1000000000;
            until.tv_nsec = ns % 1000000000;
            pthread_cond_timedwait(&s->came, &s->lock, &until);
        }
        flight *arrived = s->arrived, *fresh = NULL;
        s->arrived = NULL;
        bool stop = s->stopping && s->under_way == 0 && arrived == NULL;
        if (!stop && arrived == NULL && s->queue != NULL && when_to_start(s) == 0)
            fresh = take_batch(s);
        pthread_mutex_unlock(&s->lock);
        if (stop)
            return NULL;
        while (arrived != NULL) {
            flight *f = arrived;
            arrived = f->next;
            take_answer(f);
        }
        if (fresh != NULL)
            start(fresh);
    }
}

/* ---- the door ---- */

DX_RC stamp_service_new(const stamp_service_spec *spec, stamp_service **out, dx_why *why)
{
    stamp_service *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the stamp service");
    s->spec = *spec;
    s->queue_end = &s->queue;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->came, NULL);
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        free(s);
        return DX_FAIL(why, NO_MEMORY, "", "no thread for the stamp service");
    }
    *out = s;
    return DX_OKAY;
}

void stamp_service_free(stamp_service *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->came);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    dx_why why;
    while (s->queue != NULL) {
        waiting *w = s->queue;
        s->queue = w->next;
        const stamp_result r = {.rc = DX_FAIL(&why, UNREACHABLE, "", "shutting down"), .why = why};
        if (w->done != NULL)
            w->done(w->context, &r);
        free(w);
    }
    for (size_t i = 0; i < s->evidence_count; i++)
        dx_buf_fini(&s->evidence[i].der);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->came);
    free(s);
}

DX_RC stamp_submit(stamp_service *s, stamp_mode mode, const uint8_t leaf[32], const char *const *accept, unsigned min, stamp_done *done,
                   void *context, dx_why *why)
{
    waiting *w = calloc(1, sizeof *w);
    if (w == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a stamp");
    memcpy(w->leaf, leaf, 32);
    w->mode = mode;
    w->min = min;
    w->done = done;
    w->context = context;
    w->since_us = mono(s);
    for (size_t i = 0; accept != NULL && i < 4 && accept[i] != NULL; i++)
        w->accept[i] = accept[i];
    pthread_mutex_lock(&s->lock);
    bool room = !s->stopping && s->queued < or_default(s->spec.limits.queue_max, 65536);
    if (room) {
        *s->queue_end = w;
        s->queue_end = &w->next;
        s->queued++;
        pthread_cond_signal(&s->came);
    }
    pthread_mutex_unlock(&s->lock);
    if (!room) {
        free(w);
        return DX_FAIL(why, BUSY, "seals.md 7.2", "too many seals wait for a time stamp");
    }
    return DX_OKAY;
}

void stamp_anchor(stamp_service *s, const uint8_t checkpoint_sha256[32])
{
    pthread_mutex_lock(&s->lock);
    memcpy(s->anchor, checkpoint_sha256, 32);
    s->has_anchor = true;
    pthread_mutex_unlock(&s->lock);
}
