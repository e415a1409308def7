/* stamp_authority.h -- what the service remembers of one authority, and when a request may start.
 *
 * Rules of seals.md 7.2 and 7.6 as plain functions of a time that is handed in.
 * Threads: the service's own.
 */
#ifndef TRUST_STAMP_STAMP_AUTHORITY_H
#define TRUST_STAMP_STAMP_AUTHORITY_H

#include "trust/stamp/stamp.h"

/* The limits with every zero replaced by its default (seals.md 12). */
stamp_limits stamp_limits_resolve(const stamp_limits *limits);

/* ---- when may the next request of a plan start? ---- */
typedef struct {
    unsigned under_way;
    size_t queued;
    bool started;                     /* there was a request before */
    int64_t oldest_us, last_start_us; /* when the oldest leaf came, when the last request began */
    int64_t rtt_us;                   /* running mean, 0: not known */
} stamp_batch_state;
/* 0: now. More: so many microseconds from now. -1: only when something comes or returns. */
int64_t stamp_batch_wait(const stamp_limits *limits, const stamp_batch_state *state, int64_t now_us);

/* ---- breaker, bench, round trips ---- */
#define STAMP_RTT_SAMPLES 32
#define STAMP_SERIALS     256
typedef struct {
    unsigned fails; /* one after the other */
    bool probing;   /* the one request that a half-open breaker lets pass is under way */
    int64_t open_until_us;
    bool benched; /* sent a token that cannot be believed */
    unsigned good_probes;
    int64_t next_probe_us;
    int64_t rtt_us;
    uint32_t samples_us[STAMP_RTT_SAMPLES];
    size_t sample_count;
    struct {
        uint8_t serial[32], imprint[32]; /* serial as SHA-256 of its text */
    } seen[STAMP_SERIALS];
    size_t seen_count;
} stamp_authority;

bool stamp_authority_may_ask(const stamp_authority *authority, const stamp_limits *limits, int64_t now_us);
void stamp_authority_asked(stamp_authority *authority, const stamp_limits *limits);
void stamp_authority_failed(stamp_authority *authority, const stamp_limits *limits, int64_t now_us);
/* It answered, whatever that is worth: its round trip. */
void stamp_authority_answered(stamp_authority *authority, int64_t took_us);
/* Its token was believed. */
void stamp_authority_good(stamp_authority *authority);
/* A token that fails a check: no more questions until three good probes. */
void stamp_authority_bench(stamp_authority *authority, const stamp_limits *limits, int64_t now_us);
bool stamp_authority_probe_due(const stamp_authority *authority, int64_t now_us);
/* Returns true when this probe ends the time on the bench. */
bool stamp_authority_probed(stamp_authority *authority, const stamp_limits *limits, bool good,
                            int64_t now_us);
/* 95th percentile of its own round trips; -1 while fewer than eight are known. */
int64_t stamp_authority_p95_us(const stamp_authority *authority);
/* STAMP-14: remembers the serial; false when it was seen for another imprint. */
bool stamp_authority_serial(stamp_authority *authority, const stamp_facts *facts);

#endif
