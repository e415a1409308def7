#include "gateway/exchange/judge_private.h"

#include "trust/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* The judge's thread and its door: questions in, verdicts out, what sources said in between. */

#define TURN_MS 250 /* how exact waits are ended */
#define TICK_US 1000000

static judge_job *find_job(const judges *j, const judge_job *like)
{
    for (judge_job *job = j->jobs; job != NULL; job = job->next)
        if (memcmp(job->about->leaf_sha256, like->about->leaf_sha256, 32) == 0 &&
            memcmp(job->about->presented_sha256, like->about->presented_sha256, 32) == 0 &&
            job->snapshot == like->snapshot && job->block == like->block)
            return job;
    return NULL;
}

static void start(judges *j, judge_job *job)
{
    if (judge_job_run(j, job)) {
        judge_job_free(job);
        return;
    }
    job->next = j->jobs;
    j->jobs = job;
}

static bool may_serve(const judges *j, const judged *hit, const judge_question *q)
{
    int64_t now_s = dx_now_s(j->spec.clock);
    return hit != NULL && hit->good_until_s > now_s && judged_holds(hit, q->snapshot, q->block) &&
           (!q->recheck || now_s < hit->recheck_s);
}

static void count(atomic_ullong *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void take_question(judges *j, judge_question *q)
{
    dx_why why;
    if (q->due_us <= dx_mono_us(j->spec.clock)) {
        struct dx_rc rc = DX_FAIL_ID(&why, TIMEOUT, "ID-902", "own rule: trust.judge_wait_ms",
                                     "the judge could not take up the certificate in time");
        judge_answer(j, q, NULL, rc, &why);
        return;
    }
    judged *hit = verdict_cache_yes(j->cache, q->leaf_sha256);
    if (may_serve(j, hit, q)) {
        count(&j->counts.yes_hit);
        judge_answer(j, q, hit, DX_OKAY, NULL);
        return;
    }
    judge_job *job = judge_job_new(j, q, NULL);
    if (job == NULL) {
        struct dx_rc rc =
            DX_FAIL_ID(&why, NO_MEMORY, "ID-901", "own rule", "no memory to judge the certificate");
        judge_answer(j, q, NULL, rc, &why);
        return;
    }
    job->snapshot = q->snapshot == NULL ? NULL : tlist_snapshot_ref(q->snapshot);
    job->block = trust_block_ref(q->block);
    job->recheck = q->recheck;
    hit = verdict_cache_no(j->cache, job->about->leaf_sha256, job->about->presented_sha256);
    judge_job *same = find_job(j, job);
    if (may_serve(j, hit, q)) {
        count(&j->counts.no_hit);
        judge_answer(j, q, hit, DX_OKAY, NULL);
        judge_job_free(job);
    } else if (same != NULL) { /* single flight: one path, one OCSP question for all who wait */
        q->next = same->waiting;
        same->waiting = q;
        judge_job_free(job);
    } else {
        count(q->recheck ? &j->counts.rechecks : &j->counts.miss);
        q->next = NULL;
        job->waiting = q;
        job->due_us = q->due_us;
        start(j, job);
    }
}

/* Ahead of the end of an answer that is still of use, its certificate is judged again; nobody waits. */
static void prefetch(judges *j)
{
    for (size_t i = 0; i < JUDGE_BUCKETS && !j->ending; i++)
        for (judge_source *s = j->sources[i]; s != NULL; s = s->next) {
            judged *again = s->context;
            judge_job *job = again == NULL || j->world.snapshot == NULL || !judge_source_due(j, s, false)
                                 ? NULL
                                 : judge_job_new(j, NULL, again);
            if (job == NULL)
                continue;
            judge_source_later(j, s); /* whatever becomes of it, not every second */
            job->snapshot = tlist_snapshot_ref(j->world.snapshot);
            job->block = trust_block_ref(j->world.block);
            job->recheck = true;
            if (find_job(j, job) != NULL) {
                judge_job_free(job);
            } else {
                judged_ref(again); /* it may lose its place as context meanwhile */
                start(j, job);
                judged_unref(again);
            }
            return; /* one a turn: lists of sources may have changed */
        }
}

/* Jobs whose answers came, and those whose time is up. */
static void run_jobs(judges *j)
{
    int64_t now_us = dx_mono_us(j->spec.clock);
    judge_job *jobs = j->jobs;
    j->jobs = NULL;
    while (jobs != NULL) {
        judge_job *job = jobs;
        jobs = job->next;
        if (judge_need_all_arrived(job) || job->due_us <= now_us) {
            start(j, job);
        } else {
            job->next = j->jobs;
            j->jobs = job;
        }
    }
}

static void wait_for_work(judges *j)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TURN_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (j->queue == NULL && j->arrived == NULL && !(j->stopping && j->in_flight == 0))
        if (pthread_cond_timedwait(&j->came, &j->lock, &until) == ETIMEDOUT)
            return;
}

static void tick(judges *j)
{
    int64_t now_us = dx_mono_us(j->spec.clock);
    if (atomic_exchange(&j->reload, false))
        judge_save_look(j);
    judge_fetch_pump(j);
    if (now_us < j->tick_us)
        return;
    j->tick_us = now_us + TICK_US;
    prefetch(j);
    judge_save_index(j);
}

/* The newest lists and block set that anybody asked with: for judgements that nobody asks for. */
static void learn_world(judges *j, const judge_question *q)
{
    if (q->snapshot == NULL || (q->snapshot == j->world.snapshot && q->block == j->world.block))
        return;
    if (j->world.snapshot != NULL &&
        tlist_snapshot_epoch(q->snapshot) < tlist_snapshot_epoch(j->world.snapshot))
        return;
    tlist_snapshot_unref(j->world.snapshot);
    trust_block_unref(j->world.block);
    j->world.snapshot = tlist_snapshot_ref(q->snapshot);
    j->world.block = trust_block_ref(q->block);
}

static void *run(void *argument)
{
    judges *j = argument;
    for (;;) {
        pthread_mutex_lock(&j->lock);
        wait_for_work(j);
        judge_question *queue = j->queue;
        j->queue = NULL;
        j->queue_end = &j->queue;
        judge_arrival *arrived = j->arrived;
        j->arrived = NULL;
        j->ending = j->stopping;
        pthread_mutex_unlock(&j->lock);
        while (arrived != NULL) {
            judge_arrival *a = arrived;
            arrived = a->next;
            judge_fetch_take(j, a);
        }
        run_jobs(j);
        while (queue != NULL) {
            judge_question *q = queue;
            queue = q->next;
            learn_world(j, q);
            take_question(j, q);
        }
        tick(j);
        if (j->ending && j->in_flight == 0 && j->jobs == NULL) {
            pthread_mutex_lock(&j->lock);
            bool empty = j->queue == NULL && j->arrived == NULL;
            pthread_mutex_unlock(&j->lock);
            if (empty)
                return NULL;
        }
    }
}

static DX_RC start_thread(judges *j, dx_why *why)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->came, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&j->thread, NULL, run, j) == 0)
        return DX_OKAY;
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->came);
    return DX_FAIL(why, NO_MEMORY, "", "no thread for the judge");
}

static void free_all(judges *j)
{
    while (j->jobs != NULL) {
        judge_job *job = j->jobs;
        j->jobs = job->next;
        judge_job_free(job);
    }
    tlist_snapshot_unref(j->world.snapshot);
    trust_block_unref(j->world.block);
    verdict_cache_free(j->cache);
    judge_sources_free(j);
    path_judge_free(j->state);
    free(j);
}

DX_RC judges_new(const judge_spec *spec, judges **out, dx_why *why)
{
    judges *j = calloc(1, sizeof *j);
    *out = NULL;
    if (j == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the judge");
    j->spec = *spec;
    j->queue_end = &j->queue;
    j->chance = (uint32_t)dx_mono_us(spec->clock);
    j->cache = verdict_cache_new();
    struct dx_rc rc = j->cache == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory for verdicts") : DX_OKAY;
    if (rc.code == DX_OK)
        rc = path_judge_new(&j->state, why);
    if (rc.code == DX_OK)
        rc = judge_save_open(j, why);
    if (rc.code == DX_OK)
        rc = start_thread(j, why);
    if (rc.code != DX_OK) {
        judge_save_close(j);
        free_all(j);
        return rc;
    }
    *out = j;
    return DX_OKAY;
}

void judges_free(judges *j)
{
    if (j == NULL)
        return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    pthread_cond_signal(&j->came);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    judge_save_close(j);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->came);
    free_all(j);
}

uint64_t judges_changes(const judges *j)
{
    return atomic_load_explicit(&j->changes, memory_order_acquire);
}

void judges_reload(judges *j)
{
    atomic_store(&j->reload, true);
}

DX_RC judge_ask(judges *j, judge_question *question, dx_why *why)
{
    question->next = NULL;
    question->answer = NULL;
    question->due_us = dx_mono_us(j->spec.clock) + (int64_t)j->spec.wait_ms * 1000;
    pthread_mutex_lock(&j->lock);
    bool room = j->open < JUDGE_OPEN_MAX && !j->stopping;
    if (room) {
        *j->queue_end = question;
        j->queue_end = &question->next;
        j->open++;
        pthread_cond_signal(&j->came);
    }
    pthread_mutex_unlock(&j->lock);
    if (!room)
        return DX_FAIL_ID(why, BUSY, "ID-902", "own rule: bounded judge queue",
                          "too many certificates wait to be judged");
    return DX_OKAY;
}
