/* clock.h -- time is handed in.
 *
 * Nobody in the project asks the operating system for the time except dx_clock_system. Wall time is Unix time
 * in microseconds, UTC; mono time only ever rises and has no meaning beyond differences. Threads: a dx_clock
 * may be shared; the functions are pure.
 */
#ifndef TRUST_BASE_CLOCK_H
#define TRUST_BASE_CLOCK_H

#include "trust/base/bytes.h"

typedef struct dx_clock dx_clock;
struct dx_clock {
    int64_t (*wall_us)(const dx_clock *clock);
    int64_t (*mono_us)(const dx_clock *clock);
};

extern const dx_clock dx_clock_system;

/* The same with the CPU time of the asking thread as mono time: for budgets that a busy machine must not use
 * up. */
extern const dx_clock dx_clock_thread_cpu;

/* A clock that a test or `--at` sets: wall and mono stand still until moved. */
typedef struct {
    dx_clock clock;
    int64_t now_us;
} dx_clock_fixed;
void dx_clock_fixed_init(dx_clock_fixed *clock, int64_t now_us);

static inline int64_t dx_now_us(const dx_clock *clock)
{
    return clock->wall_us(clock);
}
/* Whole seconds, floored. */
int64_t dx_now_s(const dx_clock *clock);
static inline int64_t dx_mono_us(const dx_clock *clock)
{
    return clock->mono_us(clock);
}

/* RFC 3339 UTC: "2026-11-23T09:15:02Z". Needs DX_TIME_SIZE bytes. */
#define DX_TIME_SIZE 32
void dx_time_print(int64_t unix_s, char out[DX_TIME_SIZE]);
/* The same with exactly six fraction digits. */
void dx_time_print_us(int64_t unix_us, char out[DX_TIME_SIZE]);
/* Reads RFC 3339 with a zone ("Z" or an offset), fraction of up to nine digits cut to microseconds, years
 * 1950 to 9999. False when it is anything else. `utc_only` wants "Z" (capital) and no offset. */
bool dx_time_parse(dx_bytes text, bool utc_only, int64_t *unix_us);
/* Days since 1970-01-01 of a civil date, and back; proleptic Gregorian. */
int64_t dx_days_from_civil(int64_t year, unsigned month, unsigned day);
void dx_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
