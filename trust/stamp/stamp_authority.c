#include "trust/stamp/stamp_authority.h"

#include "trust/base/digest.h"

#include <stdlib.h>

#define SAMPLES_MIN 8
#define GOOD_PROBES 3

static void set_default(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

stamp_limits stamp_limits_resolve(const stamp_limits *limits)
{
    stamp_limits l = *limits;
    set_default(&l.max_inflight, 2);
    set_default(&l.max_batch, 4096);
    set_default(&l.max_wait_ms, 250);
    set_default(&l.queue_max, 65536);
    set_default(&l.anchor_interval_ms, 1000);
    set_default(&l.try_ms, 3000);
    set_default(&l.total_ms, 8000);
    set_default(&l.breaker_fails, 5);
    set_default(&l.breaker_open_s, 10);
    return l;
}

int64_t stamp_batch_wait(const stamp_limits *limits, const stamp_batch_state *state, int64_t now_us)
{
    if (state->queued == 0 || state->under_way >= limits->max_inflight)
        return -1;
    int64_t since_us = now_us - state->last_start_us, waited_us = now_us - state->oldest_us;
    int64_t interval_us = (int64_t)limits->min_interval_ms * 1000,
            wait_us = (int64_t)limits->max_wait_ms * 1000;
    if (interval_us > 0) /* an authority that bills or throttles each request */
        return !state->started || since_us >= interval_us ? 0 : interval_us - since_us;
    int64_t spread_us = state->rtt_us / limits->max_inflight;
    if (state->under_way == 0 || since_us >= spread_us || waited_us >= wait_us ||
        state->queued >= limits->max_batch)
        return 0;
    return spread_us - since_us < wait_us - waited_us ? spread_us - since_us : wait_us - waited_us;
}

bool stamp_authority_may_ask(const stamp_authority *authority, const stamp_limits *limits, int64_t now_us)
{
    if (authority->benched)
        return false;
    return authority->fails < limits->breaker_fails ||
           (now_us >= authority->open_until_us && !authority->probing);
}

void stamp_authority_asked(stamp_authority *authority, const stamp_limits *limits)
{
    if (authority->fails >= limits->breaker_fails)
        authority->probing = true;
}

void stamp_authority_failed(stamp_authority *authority, const stamp_limits *limits, int64_t now_us)
{
    authority->probing = false;
    if (authority->fails < limits->breaker_fails)
        authority->fails++;
    if (authority->fails >= limits->breaker_fails)
        authority->open_until_us = now_us + (int64_t)limits->breaker_open_s * 1000000;
}

void stamp_authority_answered(stamp_authority *authority, int64_t took_us)
{
    authority->probing = false;
    authority->rtt_us = authority->rtt_us == 0 ? took_us : (authority->rtt_us * 7 + took_us) / 8;
    authority->samples_us[authority->sample_count++ % STAMP_RTT_SAMPLES] =
        took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us;
}

void stamp_authority_good(stamp_authority *authority)
{
    authority->fails = 0;
}

void stamp_authority_bench(stamp_authority *authority, const stamp_limits *limits, int64_t now_us)
{
    authority->probing = false;
    authority->benched = true;
    authority->good_probes = 0;
    authority->next_probe_us = now_us + (int64_t)limits->breaker_open_s * 1000000;
}

bool stamp_authority_probe_due(const stamp_authority *authority, int64_t now_us)
{
    return authority->benched && now_us >= authority->next_probe_us;
}

bool stamp_authority_probed(stamp_authority *authority, const stamp_limits *limits, bool good, int64_t now_us)
{
    authority->good_probes = good ? authority->good_probes + 1 : 0;
    authority->next_probe_us = now_us + (int64_t)limits->breaker_open_s * 1000000;
    authority->benched = authority->good_probes < GOOD_PROBES;
    return !authority->benched;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int64_t stamp_authority_p95_us(const stamp_authority *authority)
{
    uint32_t sorted[STAMP_RTT_SAMPLES];
    size_t count = authority->sample_count < STAMP_RTT_SAMPLES ? authority->sample_count : STAMP_RTT_SAMPLES;
    if (count < SAMPLES_MIN)
        return -1;
    memcpy(sorted, authority->samples_us, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    return sorted[(count * 95 - 1) / 100];
}

bool stamp_authority_serial(stamp_authority *authority, const stamp_facts *facts)
{
    uint8_t serial[32];
    dx_sha256(dx_bytes_text(facts->serial), serial);
    size_t kept = authority->seen_count < STAMP_SERIALS ? authority->seen_count : STAMP_SERIALS;
    for (size_t i = 0; i < kept; i++)
        if (memcmp(authority->seen[i].serial, serial, 32) == 0)
            return memcmp(authority->seen[i].imprint, facts->imprint, 32) == 0;
    size_t at = authority->seen_count++ % STAMP_SERIALS;
    memcpy(authority->seen[at].serial, serial, 32);
    memcpy(authority->seen[at].imprint, facts->imprint, 32);
    return true;
}
