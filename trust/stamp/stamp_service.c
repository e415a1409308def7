/* stamp_service.c -- the service's thread, its queues and its door. Leaves come from any thread, answers from
 * the fetcher's; both are put down under one lock and picked up here, where tokens are judged. */
#include "trust/stamp/stamp_service_private.h"

#include <stdlib.h>
#include <time.h>

#define IDLE_US 500000 /* longest sleep: also how late a clock that was set is noticed */

/* A message of its own each: more of them under way than batches. */
#define TOKEN_ROUNDS 4

/* ---- calls ---- */

stamp_call *stamp_call_new(stamp_service *service, void (*arrived)(stamp_call *), void *owner)
{
    stamp_call *call = calloc(1, sizeof *call);
    if (call != NULL) {
        call->service = service;
        call->arrived = arrived;
        call->owner = owner;
    }
    return call;
}

void stamp_call_free(stamp_call *call)
{
    if (call == NULL)
        return;
    dx_fetch_answer_fini(&call->answer);
    dx_arena_fini(&call->arena);
    free(call);
}

/* On the fetcher's thread: put it down, go. */
static void fetched(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why)
{
    stamp_call *call = context;
    stamp_service *service = call->service;
    call->rc = rc;
    if (rc.code != DX_OK)
        call->why = *why;
    call->answer = *answer;
    dx_buf_init(&answer->body, 0);
    call->received_us = dx_now_us(service->spec.clock);
    call->took_us = stamp_mono(service) - call->started_us;
    pthread_mutex_lock(&service->lock);
    call->next = service->arrived;
    service->arrived = call;
    pthread_cond_signal(&service->came);
    pthread_mutex_unlock(&service->lock);
}

DX_RC stamp_call_start(stamp_call *call, const dx_fetch_request *request, dx_why *why)
{
    stamp_service *service = call->service;
    call->sent_us = dx_now_us(service->spec.clock);
    call->started_us = stamp_mono(service);
    pthread_mutex_lock(&service->lock);
    service->calls++;
    pthread_mutex_unlock(&service->lock);
    struct dx_rc rc = dx_fetch_submit(service->spec.fetcher, request, fetched, call, why);
    if (rc.code != DX_OK) {
        pthread_mutex_lock(&service->lock);
        service->calls--;
        pthread_mutex_unlock(&service->lock);
        stamp_call_free(call);
    }
    return rc;
}

/* ---- the thread ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static int64_t plan_wait(const stamp_service *service, const stamp_plan *plan, int64_t now_us)
{
    const stamp_authority *first = &service->authorities[plan->tsas[0]];
    const stamp_batch_state state = {.under_way = plan->under_way,
                                     .queued = plan->queued,
                                     .started = plan->started,
                                     .oldest_us = plan->head != NULL ? plan->head->since_us : now_us,
                                     .last_start_us = plan->last_start_us,
                                     .rtt_us = plan->mode == STAMP_BATCH ? first->rtt_us : 0};
    stamp_limits limits = service->limits;
    if (plan->mode == STAMP_TOKEN)
        limits.max_inflight *= TOKEN_ROUNDS;
    return stamp_batch_wait(&limits, &state, now_us);
}

/* Microseconds until something is due; 0: now. Lock held. */
static int64_t next_due(stamp_service *service, int64_t now_us, int64_t hedge_us)
{
    int64_t wait_us = hedge_us;
    if (service->arrived != NULL || service->stopping)
        return 0;
    for (size_t i = 0; i < service->plan_count; i++)
        wait_us = sooner(wait_us, plan_wait(service, &service->plans[i], now_us));
    for (size_t i = 0; i < service->spec.tsa_count; i++) {
        const stamp_authority *a = &service->authorities[i];
        if (a->benched && a->next_probe_us != INT64_MAX)
            wait_us = sooner(wait_us, a->next_probe_us > now_us ? a->next_probe_us - now_us : 0);
    }
    return wait_us < 0 || wait_us > IDLE_US ? IDLE_US : wait_us;
}

static void sleep_for(stamp_service *service, int64_t wait_us)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + wait_us * 1000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    (void)pthread_cond_timedwait(&service->came, &service->lock, &until);
}

/* Takes what waits in a plan, up to a batch. Lock held. */
static stamp_item *take_items(stamp_service *service, stamp_plan *plan, size_t *count)
{
    size_t max = plan->mode == STAMP_TOKEN ? 1 : service->limits.max_batch;
    stamp_item *items = plan->head, **end = &items;
    for (*count = 0; *end != NULL && *count < max; ++*count)
        end = &(*end)->next;
    plan->head = *end;
    *end = NULL;
    if (plan->head == NULL)
        plan->tail = &plan->head;
    plan->queued -= *count;
    service->queued -= *count;
    return items;
}

/* The log's newest checkpoint rides along once per interval. Lock held. */
static void add_anchor(stamp_service *service, stamp_item **items, size_t *count, int64_t now_us)
{
    int64_t interval_us = (int64_t)service->limits.anchor_interval_ms * 1000;
    if (!service->has_anchor || service->limits.anchor_interval_ms == UINT32_MAX ||
        (service->anchored && now_us - service->anchored_us < interval_us))
        return;
    stamp_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return;
    memcpy(item->leaf, service->anchor, 32);
    while (*items != NULL)
        items = &(*items)->next;
    *items = item;
    ++*count;
    service->has_anchor = false;
    service->anchored = true;
    service->anchored_us = now_us;
}

static void start_due(stamp_service *service)
{
    pthread_mutex_lock(&service->lock);
    for (size_t i = 0; i < service->plan_count; i++) {
        stamp_plan *plan = &service->plans[i];
        while (plan_wait(service, plan, stamp_mono(service)) == 0) {
            size_t count;
            stamp_item *items = take_items(service, plan, &count);
            if (plan->mode == STAMP_BATCH)
                add_anchor(service, &items, &count, stamp_mono(service));
            pthread_mutex_unlock(&service->lock);
            stamp_round_start(service, plan, items, count);
            pthread_mutex_lock(&service->lock);
        }
    }
    pthread_mutex_unlock(&service->lock);
    for (size_t i = 0; i < service->spec.tsa_count; i++)
        if (stamp_authority_probe_due(&service->authorities[i], stamp_mono(service)))
            stamp_round_probe(service, i);
}

static void handle_arrived(stamp_service *service, stamp_call *calls)
{
    unsigned count = 0;
    for (stamp_call *next; calls != NULL; calls = next, count++) {
        next = calls->next;
        calls->arrived(calls);
    }
    pthread_mutex_lock(&service->lock);
    service->calls -= count;
    pthread_mutex_unlock(&service->lock);
}

/* Everybody still waiting hears that it ends; then the calls under way come back, each within its own time.
 */
static void wind_up(stamp_service *service)
{
    dx_why why;
    struct dx_rc rc = DX_FAIL(&why, UNREACHABLE, "", "the time-stamp service is shutting down");
    stamp_round_stop(service, &why);
    pthread_mutex_lock(&service->lock);
    for (size_t i = 0; i < service->plan_count; i++) {
        stamp_item *items = service->plans[i].head;
        service->plans[i].head = NULL;
        pthread_mutex_unlock(&service->lock);
        stamp_round_items_fail(items, rc, &why);
        pthread_mutex_lock(&service->lock);
    }
    while (service->calls > 0) {
        while (service->arrived == NULL)
            pthread_cond_wait(&service->came, &service->lock);
        stamp_call *arrived = service->arrived;
        service->arrived = NULL;
        pthread_mutex_unlock(&service->lock);
        handle_arrived(service, arrived);
        pthread_mutex_lock(&service->lock);
    }
    pthread_mutex_unlock(&service->lock);
    stamp_round_sweep(service);
}

static void *run(void *argument)
{
    stamp_service *service = argument;
    for (;;) {
        int64_t hedge_us = stamp_round_tick(service, stamp_mono(service));
        pthread_mutex_lock(&service->lock);
        int64_t wait_us = next_due(service, stamp_mono(service), hedge_us);
        if (wait_us > 0)
            sleep_for(service, wait_us);
        stamp_call *arrived = service->arrived;
        bool stopping = service->stopping;
        service->arrived = NULL;
        pthread_mutex_unlock(&service->lock);
        handle_arrived(service, arrived);
        if (stopping) {
            wind_up(service);
            return NULL;
        }
        start_due(service);
        stamp_round_sweep(service);
    }
}

/* ---- the door ---- */

DX_RC stamp_service_new(const stamp_service_spec *spec, stamp_service **out, dx_why *why)
{
    pthread_condattr_t attributes;
    *out = NULL;
    if (spec->tsa_count == 0 || spec->tsa_count > STAMP_TSA_MAX)
        return DX_FAIL(why, CONFIG, "seals.md 7.4",
                       "between 1 and %d time-stamp authorities can be configured", STAMP_TSA_MAX);
    stamp_service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the time-stamp service");
    service->spec = *spec;
    service->limits = stamp_limits_resolve(&spec->limits);
    pthread_mutex_init(&service->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&service->came, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&service->thread, NULL, run, service) != 0) {
        pthread_mutex_destroy(&service->lock);
        pthread_cond_destroy(&service->came);
        free(service);
        return DX_FAIL(why, NO_MEMORY, "", "no thread for the time-stamp service");
    }
    *out = service;
    return DX_OKAY;
}

void stamp_service_free(stamp_service *service)
{
    if (service == NULL)
        return;
    pthread_mutex_lock(&service->lock);
    service->stopping = true;
    pthread_cond_signal(&service->came);
    pthread_mutex_unlock(&service->lock);
    pthread_join(service->thread, NULL);
    stamp_evidence_fini(&service->evidence);
    pthread_mutex_destroy(&service->lock);
    pthread_cond_destroy(&service->came);
    free(service);
}

static bool same_plan(const stamp_plan *a, const stamp_plan *b)
{
    return a->mode == b->mode && a->min == b->min && a->accept_count == b->accept_count &&
           memcmp(a->accept, b->accept, sizeof a->accept) == 0;
}

/* The plan that is asked for, made when it is new. Lock held. */
static DX_RC find_plan(stamp_service *service, const stamp_plan *wanted, stamp_plan **out, dx_why *why)
{
    for (size_t i = 0; i < service->plan_count; i++) {
        if (same_plan(&service->plans[i], wanted)) {
            *out = &service->plans[i];
            return DX_OKAY;
        }
    }
    if (service->plan_count == STAMP_PLANS_MAX)
        return DX_FAIL(why, BUSY, "seals.md 7.2", "more than %d ways of being stamped are asked for",
                       STAMP_PLANS_MAX);
    stamp_plan *plan = &service->plans[service->plan_count];
    *plan = *wanted;
    DX_TRY(stamp_plan_fill(service, plan, why));
    plan->tail = &plan->head;
    service->plan_count++;
    *out = plan;
    return DX_OKAY;
}

static DX_RC put_item(stamp_service *service, const stamp_plan *wanted, stamp_item *item, dx_why *why)
{
    stamp_plan *plan;
    if (service->stopping)
        return DX_FAIL(why, UNREACHABLE, "", "the time-stamp service is shutting down");
    if (service->queued >= service->limits.queue_max)
        return DX_FAIL(why, BUSY, "seals.md 7.2", "%u leaves wait for a time stamp already",
                       service->limits.queue_max);
    DX_TRY(find_plan(service, wanted, &plan, why));
    *plan->tail = item;
    plan->tail = &item->next;
    plan->queued++;
    service->queued++;
    pthread_cond_signal(&service->came);
    return DX_OKAY;
}

DX_RC stamp_submit(stamp_service *service, stamp_mode mode, const uint8_t leaf[32], const char *const *accept,
                   unsigned min, stamp_done *done, void *context, dx_why *why)
{
    stamp_plan wanted = {.mode = mode, .min = min};
    for (size_t i = 0; accept != NULL && accept[i] != NULL; i++) {
        dx_bytes class_ = dx_bytes_text(accept[i]);
        if (i == STAMP_ACCEPT_MAX || class_.size >= sizeof wanted.accept[0])
            return DX_FAIL(why, USAGE, "seals.md 7.4",
                           "a list of accepted classes is longer than any of ours");
        memcpy(wanted.accept[wanted.accept_count++], class_.data, class_.size);
    }
    if (min < 1 || min > 2)
        return DX_FAIL(why, USAGE, "seals.md 7.4", "a seal can have one stamp or two");
    stamp_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a leaf");
    memcpy(item->leaf, leaf, 32);
    item->done = done;
    item->context = context;
    item->since_us = stamp_mono(service);
    pthread_mutex_lock(&service->lock);
    struct dx_rc rc = put_item(service, &wanted, item, why);
    pthread_mutex_unlock(&service->lock);
    if (rc.code != DX_OK)
        free(item);
    return rc;
}

void stamp_anchor(stamp_service *service, const uint8_t checkpoint_sha256[32])
{
    pthread_mutex_lock(&service->lock);
    memcpy(service->anchor, checkpoint_sha256, 32);
    service->has_anchor = true;
    pthread_mutex_unlock(&service->lock);
}
