#include "trust/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t system_wall(const dx_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(const dx_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

const dx_clock dx_clock_system = {system_wall, system_mono};

static int64_t thread_cpu(const dx_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

const dx_clock dx_clock_thread_cpu = {system_wall, thread_cpu};

static int64_t fixed_now(const dx_clock *clock)
{
    return ((const dx_clock_fixed *)(const void *)clock)->now_us;
}

void dx_clock_fixed_init(dx_clock_fixed *clock, int64_t now_us)
{
    *clock = (dx_clock_fixed){{fixed_now, fixed_now}, now_us};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t dx_now_s(const dx_clock *clock)
{
    return floor_div(dx_now_us(clock), 1000000);
}

/* Howard Hinnant's day count: eras of 400 years, March first, so that leap days come last. */
int64_t dx_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

void dx_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    unsigned mp = (5 * of_year + 2) / 153;
    *day = of_year - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)of_era + era * 400 + (*month <= 2);
}

static int print_civil(int64_t unix_s, char out[DX_TIME_SIZE])
{
    int64_t days = floor_div(unix_s, 86400), year;
    unsigned month, day, second = (unsigned)(unix_s - days * 86400);
    dx_civil_from_days(days, &year, &month, &day);
    return snprintf(out, DX_TIME_SIZE, "%04" PRId64 "-%02u-%02uT%02u:%02u:%02u", year, month, day,
                    second / 3600, second / 60 % 60, second % 60);
}

void dx_time_print(int64_t unix_s, char out[DX_TIME_SIZE])
{
    int n = print_civil(unix_s, out);
    snprintf(out + n, DX_TIME_SIZE - (size_t)n, "Z");
}

void dx_time_print_us(int64_t unix_us, char out[DX_TIME_SIZE])
{
    int64_t s = floor_div(unix_us, 1000000);
    int n = print_civil(s, out);
    snprintf(out + n, DX_TIME_SIZE - (size_t)n, ".%06" PRId64 "Z", unix_us - s * 1000000);
}

static bool digits(dx_bytes text, size_t at, size_t count, unsigned *out)
{
    *out = 0;
    if (text.size < at + count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t c = text.data[at + i];
        if (c < '0' || c > '9')
            return false;
        *out = *out * 10 + (c - '0');
    }
    return true;
}

static bool is_at(dx_bytes text, size_t at, char c)
{
    return at < text.size && text.data[at] == (uint8_t)c;
}

bool dx_time_parse(dx_bytes text, bool utc_only, int64_t *unix_us)
{
    unsigned year, month, day, hour, minute, second;
    if (!digits(text, 0, 4, &year) || !is_at(text, 4, '-') || !digits(text, 5, 2, &month) ||
        !is_at(text, 7, '-') || !digits(text, 8, 2, &day) || !is_at(text, 10, 'T') ||
        !digits(text, 11, 2, &hour) || !is_at(text, 13, ':') || !digits(text, 14, 2, &minute) ||
        !is_at(text, 16, ':') || !digits(text, 17, 2, &second))
        return false;
    static const unsigned month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1950 || month < 1 || month > 12 || day < 1 ||
        day > month_days[month - 1] + (month == 2 && leap) || hour > 23 || minute > 59 || second > 59)
        return false;
    size_t at = 19;
    unsigned fraction = 0;
    if (is_at(text, at, '.')) {
        size_t n = 0, scale = 0;
        for (at++; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++, n++)
            if (scale < 6) {
                fraction = fraction * 10 + (text.data[at] - '0');
                scale++;
            }
        if (n == 0 || n > 9)
            return false;
        for (; scale < 6; scale++)
            fraction *= 10;
    }
    int64_t offset_s = 0;
    if (is_at(text, at, 'Z')) {
        at++;
    } else {
        unsigned oh, om;
        if (utc_only || !(is_at(text, at, '+') || is_at(text, at, '-')) || !digits(text, at + 1, 2, &oh) ||
            !is_at(text, at + 3, ':') || !digits(text, at + 4, 2, &om) || oh > 14 || om > 59)
            return false;
        offset_s = (int64_t)(oh * 3600 + om * 60) * (text.data[at] == '-' ? -1 : 1);
        at += 6;
    }
    if (at != text.size)
        return false;
    int64_t s = dx_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset_s;
    *unix_us = s * 1000000 + fraction;
    return true;
}
