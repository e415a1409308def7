/* log.h -- events, not sentences: one JSON object a line, a name that stays put, typed fields.
 *
 *   dx_log(DX_LOG_INFO, "trust.verdict", F_STR("peer", id), F_STR("answer", "no"), F_INT("took_us", us));
 *
 * No bodies, no query strings, no personal data; certificates by SHA-256. Values are JSON-escaped and cut at
 * 1 KiB. Threads: any; a line is written by one write(2).
 */
#ifndef TRUST_BASE_LOG_H
#define TRUST_BASE_LOG_H

#include "trust/base/clock.h"

typedef enum { DX_LOG_DEBUG, DX_LOG_INFO, DX_LOG_WARN, DX_LOG_ERROR, DX_LOG_SECURITY } dx_log_level;

typedef struct {
    enum { DX_F_END, DX_F_STR, DX_F_BYTES, DX_F_INT, DX_F_BOOL } kind;
    const char *name;
    const char *text;
    dx_bytes bytes;
    int64_t number;
} dx_field;

#define F_STR(n, v)   ((dx_field){DX_F_STR, (n), (v), {NULL, 0}, 0})
#define F_BYTES(n, v) ((dx_field){DX_F_BYTES, (n), NULL, (v), 0})
#define F_INT(n, v)   ((dx_field){DX_F_INT, (n), NULL, {NULL, 0}, (int64_t)(v)})
#define F_BOOL(n, v)  ((dx_field){DX_F_BOOL, (n), NULL, {NULL, 0}, (v)})

/* Where events go and from which level on. Call once, before threads start. Default: stderr, INFO. */
void dx_log_open(int fd, dx_log_level least, const dx_clock *clock);
/* A second reader of each event, for tests and metrics; NULL for none. Called on the logging thread. */
void dx_log_listen(void (*heard)(dx_log_level level, const char *event, void *context), void *context);

void dx_log_fields(dx_log_level level, const char *event, const dx_field *fields);
#define dx_log(level, event, ...)                                                                            \
    dx_log_fields((level), (event), (const dx_field[]){__VA_ARGS__, {DX_F_END, 0, 0, {0, 0}, 0}})

/* Logs a failure with its id, clause and text. */
void dx_log_why(dx_log_level level, const char *event, const dx_why *why);

#endif
