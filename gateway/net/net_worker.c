#include "gateway/net/net_loop.h"
#include "gateway/net/net_private.h"

/* Messages and timers of one worker. */

bool net_post(net_worker *w, net_task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&w->lock);
    bool taken = !w->gone, first = w->tasks == NULL;
    if (taken) {
        *w->tasks_end = task;
        w->tasks_end = &task->next;
        if (first)
            uv_async_send(&w->wake); /* one per empty-to-full edge */
    }
    pthread_mutex_unlock(&w->lock);
    return taken;
}

void *net_worker_user(net_worker *w)
{
    return w->user;
}

void net_worker_set_user(net_worker *w, void *user)
{
    w->user = user;
}

const dx_clock *net_worker_clock(const net_worker *w)
{
    return w->server->spec.clock;
}

uv_loop_t *net_worker_loop(net_worker *w)
{
    return &w->loop;
}

/* A wheel of 256 slots of 100 ms: an entry further out stays in its slot until its time has come. */
void net_timer_start(net_worker *w, net_timer *timer, uint32_t after_ms, void (*fn)(net_timer *timer))
{
    net_timer_stop(timer);
    timer->due_us = dx_mono_us(w->server->spec.clock) + (int64_t)after_ms * 1000;
    timer->fn = fn;
    int64_t at = timer->due_us / (NET_TICK_MS * 1000) + 1;
    if (at <= w->wheel_at)
        at = w->wheel_at + 1;
    net_timer **slot = &w->wheel[at % NET_WHEEL_SLOTS];
    timer->next = *slot;
    timer->prev = slot;
    if (timer->next != NULL)
        timer->next->prev = &timer->next;
    *slot = timer;
}

void net_timer_stop(net_timer *timer)
{
    if (timer->prev == NULL)
        return;
    *timer->prev = timer->next;
    if (timer->next != NULL)
        timer->next->prev = timer->prev;
    timer->prev = NULL;
    timer->next = NULL;
}
