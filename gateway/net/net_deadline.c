#include "gateway/net/net_private.h"

/* How long a connection may take: each wait of its peer is finite, and nothing but progress renews one. */

#define BODY_RATE_MIN 1024 /* limit.body_rate_min, bytes a second */

static const dx_clock *clock_of(const net_connection *c)
{
    return c->worker->server->spec.clock;
}

static void on_timer(net_timer *timer);

static void arm_at(net_connection *c, int64_t deadline_us, int64_t now_us)
{
    c->deadline_us = deadline_us;
    /* Moving to later only stores the deadline: on_timer looks at it. */
    if (c->timer.prev == NULL || c->timer.due_us > deadline_us)
        net_timer_start(c->worker, &c->timer,
                        deadline_us > now_us ? (uint32_t)((deadline_us - now_us) / 1000) : 0, on_timer);
}

void net_deadline_arm(net_connection *c, uint32_t seconds)
{
    int64_t now_us = dx_mono_us(clock_of(c));
    arm_at(c, now_us + (int64_t)seconds * 1000000, now_us);
}

/* Grace, and then a rate: each KiB received buys a second (limit.body_rate_min), so a trickle renews nothing.
 */
static void arm_body(net_connection *c, bool changed)
{
    int64_t now_us = dx_mono_us(clock_of(c));
    if (changed) {
        c->body_from_us = now_us;
        c->body_bytes = 0;
    }
    int64_t grace_us = (int64_t)net_or_default(c->listener->spec->body_grace_s, 10) * 1000000;
    arm_at(c, c->body_from_us + grace_us + (int64_t)(c->body_bytes / BODY_RATE_MIN) * 1000000, now_us);
}

void net_deadline_set(net_connection *c)
{
    const net_listen_spec *s = c->listener->spec;
    if (c->unsent_size > 0) {
        if (!c->stalled)
            net_deadline_arm(c, net_or_default(s->write_stall_s, 30));
        c->stalled = true;
        return;
    }
    http_wait waits = http_connection_waits_for(c->http);
    bool changed = waits != c->waited || c->deadline_us == 0 || c->stalled;
    c->stalled = false;
    c->waited = waits;
    if (waits == HTTP_WAIT_ANSWER)
        c->deadline_us = 0; /* whoever works on the answer has deadlines of its own */
    else if (waits == HTTP_WAIT_HEAD && changed)
        net_deadline_arm(c, net_or_default(s->header_s, 10)); /* absolute: a trickle does not renew it */
    else if (waits == HTTP_WAIT_BODY)
        arm_body(c, changed);
    else if (waits == HTTP_WAIT_IDLE && changed)
        net_deadline_arm(c, net_or_default(s->idle_s, 75));
}

static void on_timer(net_timer *timer)
{
    net_connection *c = (net_connection *)(void *)((uint8_t *)timer - offsetof(net_connection, timer));
    int64_t now_us = dx_mono_us(clock_of(c));
    if (c->closing || c->deadline_us == 0)
        return;
    if (now_us < c->deadline_us) {
        net_timer_start(c->worker, timer, (uint32_t)((c->deadline_us - now_us) / 1000 + 1), on_timer);
        return;
    }
    if (!c->established || c->unsent_size > 0) {
        net_connection_close(c, false);
        return;
    }
    http_connection_timeout(c->http);
    c->deadline_us = 0;
    net_deadline_arm(c, 5); /* the refusal itself may not hang */
    net_connection_mark(c);
}
