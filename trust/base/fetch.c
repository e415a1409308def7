#include "trust/base/fetch_private.h"

#include <stdlib.h>

/* The fetcher's thread, its queue and its door. */

#define QUEUE_MAX    1024
#define TURN_MS      1000
#define NAME_TURN_MS 50 /* while somebody waits for a name server */

static void unlink_transfer(dx_fetch_transfer **list, const dx_fetch_transfer *t)
{
    for (; *list != NULL; list = &(*list)->next)
        if (*list == t) {
            *list = t->next;
            return;
        }
}

static int64_t left_us(const dx_fetch_transfer *t)
{
    int64_t total_ms = t->request.total_ms != 0 ? t->request.total_ms : DX_FETCH_TOTAL_MS;
    return t->started_us + total_ms * 1000 - dx_mono_us(&dx_clock_system);
}

/* Ends transfers whose name server does not answer; with `all` every one. Returns how many wait for one. */
static size_t end_unresolved(dx_fetcher *f, bool all)
{
    dx_fetch_transfer *late[64]; /* only this thread frees them */
    size_t count = 0, waiting = 0;
    pthread_mutex_lock(&f->lock);
    for (dx_fetch_transfer *t = f->resolving; t != NULL; t = t->next, waiting++)
        if ((all || left_us(t) <= 0) && count < sizeof late / sizeof *late)
            late[count++] = t;
    pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; i < count; i++) {
        if (!dx_fetch_resolve_give_up(late[i]))
            continue; /* its answer came just now */
        pthread_mutex_lock(&f->lock);
        unlink_transfer(&f->resolving, late[i]);
        f->queued--;
        pthread_mutex_unlock(&f->lock);
        late[i]->rc = dx_fail(&late[i]->why, all ? DX_UNREACHABLE : DX_TIMEOUT, "", "", "%.180s: %s",
                              late[i]->url, all ? "shutting down" : "no name server answered in time");
        dx_fetch_transfer_finish(late[i], CURLE_OK);
    }
    return waiting;
}

static void start_queued(dx_fetcher *f)
{
    pthread_mutex_lock(&f->lock);
    dx_fetch_transfer *queue = f->queue;
    f->queue = NULL;
    for (const dx_fetch_transfer *t = queue; t != NULL; t = t->next)
        f->queued--;
    pthread_mutex_unlock(&f->lock);
    while (queue != NULL) {
        dx_fetch_transfer *t = queue;
        queue = t->next;
        if (t->rc.code != DX_OK) { /* its name leads nowhere it may */
            dx_fetch_transfer_finish(t, CURLE_OK);
            continue;
        }
        /* What looking up its name took is part of its time. */
        int64_t left_ms = left_us(t) / 1000;
        curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, left_ms > 0 ? (long)left_ms : 1L);
        if (curl_multi_add_handle(f->multi, t->easy) != CURLM_OK) {
            dx_fetch_transfer_finish(t, CURLE_OUT_OF_MEMORY);
            continue;
        }
        t->next = f->under_way;
        f->under_way = t;
    }
}

static void *run(void *argument)
{
    dx_fetcher *f = argument;
    for (;;) {
        start_queued(f);
        int running = 0;
        curl_multi_perform(f->multi, &running);
        int left;
        CURLMsg *message;
        while ((message = curl_multi_info_read(f->multi, &left)) != NULL) {
            if (message->msg != CURLMSG_DONE)
                continue;
            dx_fetch_transfer *t = NULL;
            CURLcode result = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
            curl_multi_remove_handle(f->multi, t->easy);
            unlink_transfer(&f->under_way, t);
            dx_fetch_transfer_finish(t, result);
        }
        pthread_mutex_lock(&f->lock);
        bool stopping = f->stopping, more = f->queue != NULL;
        pthread_mutex_unlock(&f->lock);
        size_t waiting = end_unresolved(f, stopping);
        if (stopping && waiting == 0)
            break;
        if (!more)
            curl_multi_poll(f->multi, NULL, 0, waiting > 0 ? NAME_TURN_MS : TURN_MS, NULL);
    }
    start_queued(f);
    while (f->under_way != NULL) {
        dx_fetch_transfer *t = f->under_way;
        f->under_way = t->next;
        curl_multi_remove_handle(f->multi, t->easy);
        t->rc = DX_FAIL(&t->why, UNREACHABLE, "", "shutting down");
        dx_fetch_transfer_finish(t, CURLE_OK);
    }
    return NULL;
}

/* ---- the door ---- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

DX_RC dx_fetcher_new(const dx_fetch_rules *rules, dx_fetcher **out, dx_why *why)
{
    pthread_once(&curl_once, curl_start);
    *out = NULL;
    dx_fetcher *f = calloc(1, sizeof *f);
    if (f == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a fetcher");
    struct dx_rc rc = dx_fetch_guard_read(rules, &f->guard, why);
    snprintf(f->proxy, sizeof f->proxy, "%s", rules->proxy != NULL ? rules->proxy : "");
    snprintf(f->ca_file, sizeof f->ca_file, "%s", rules->ca_file != NULL ? rules->ca_file : "");
    if (rc.code == DX_OK && (f->multi = curl_multi_init()) == NULL)
        rc = DX_FAIL(why, NO_MEMORY, "", "libcurl cannot start");
    if (rc.code == DX_OK) {
        curl_multi_setopt(f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                          rules->in_flight_max ? (long)rules->in_flight_max : 32L);
        curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          rules->per_host_max ? (long)rules->per_host_max : 4L);
        pthread_mutex_init(&f->lock, NULL);
        if (pthread_create(&f->thread, NULL, run, f) != 0) {
            pthread_mutex_destroy(&f->lock);
            curl_multi_cleanup(f->multi);
            rc = DX_FAIL(why, NO_MEMORY, "", "no thread for the fetcher");
        }
    }
    if (rc.code != DX_OK) {
        free(f);
        return rc;
    }
    *out = f;
    return DX_OKAY;
}

void dx_fetcher_free(dx_fetcher *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
    pthread_join(f->thread, NULL);
    curl_multi_cleanup(f->multi);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* From whoever looked its name up, with the addresses or the reason why not. */
static void enqueue(dx_fetch_transfer *t)
{
    dx_fetcher *f = t->fetcher;
    pthread_mutex_lock(&f->lock);
    unlink_transfer(&f->resolving, t);
    t->next = NULL;
    dx_fetch_transfer **end = &f->queue; /* first come, first served */
    while (*end != NULL)
        end = &(*end)->next;
    *end = t;
    curl_multi_wakeup(f->multi); /* under the lock: the fetcher may go as soon as its thread saw it */
    pthread_mutex_unlock(&f->lock);
}

DX_RC dx_fetch_submit(dx_fetcher *f, const dx_fetch_request *request, dx_fetch_done *done, void *context,
                      dx_why *why)
{
    bool https = false;
    DX_TRY(dx_fetch_guard_url(request->url, &https, why));
    dx_fetch_transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a transfer");
    snprintf(t->url, sizeof t->url, "%s", request->url);
    t->request = *request;
    t->fetcher = f;
    t->done = done;
    t->context = context;
    t->started_us = dx_mono_us(&dx_clock_system);
    struct dx_rc rc = dx_fetch_transfer_set_up(t, https, why);
    if (rc.code != DX_OK) {
        dx_fetch_transfer_free(t);
        return rc;
    }
    pthread_mutex_lock(&f->lock);
    bool room = !f->stopping && f->queued < QUEUE_MAX;
    if (room) {
        t->next = f->resolving;
        f->resolving = t;
        f->queued++;
    }
    pthread_mutex_unlock(&f->lock);
    if (!room) {
        dx_fetch_transfer_free(t);
        return DX_FAIL(why, BUSY, "", "too many fetches are waiting");
    }
    if (!dx_fetch_resolve(t, enqueue))
        enqueue(t);
    return DX_OKAY;
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool done;
    struct dx_rc rc;
    dx_fetch_answer *answer;
    dx_why *why;
} waiter;

static void wake(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why)
{
    waiter *w = context;
    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    if (w->why != NULL && rc.code != DX_OK)
        *w->why = *why;
    *w->answer = *answer;
    dx_buf_init(&answer->body, 0); /* the body has a new owner */
    w->done = true;
    pthread_cond_signal(&w->came);
    pthread_mutex_unlock(&w->lock);
}

DX_RC dx_fetch(dx_fetcher *f, const dx_fetch_request *request, dx_fetch_answer *answer, dx_why *why)
{
    memset(answer, 0, sizeof *answer);
    waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, DX_OKAY, answer, why};
    DX_TRY(dx_fetch_submit(f, request, wake, &w, why));
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.came, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.came);
    return w.rc;
}

void dx_fetch_answer_fini(dx_fetch_answer *answer)
{
    dx_buf_fini(&answer->body);
}
