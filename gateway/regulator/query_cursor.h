/* query_cursor.h -- where a reader's next page goes on, sealed so that nobody moves it.
 *
 * base64url(1 ‖ size ‖ last index ‖ SHA-256(filter) ‖ SHA-256(origin LF scope id) ‖ expiry ‖ HMAC-SHA-256),
 * provenance.md 6.2. Keys are random per process and day; the one before is taken for another day. Threads:
 * one at a time.
 */
#ifndef GATEWAY_REGULATOR_QUERY_CURSOR_H
#define GATEWAY_REGULATOR_QUERY_CURSOR_H

#include "trust/base/clock.h"
#include "trust/base/io.h"

#define QUERY_CURSOR_BYTES 121 /* 1 + 8 + 8 + 32 + 32 + 8 + 32 */
#define QUERY_CURSOR_TEXT  DX_BASE64URL_SIZE(QUERY_CURSOR_BYTES)

typedef struct {
    uint8_t key[2][32]; /* of today, of the day before */
    int64_t day;        /* key[0] is of this day */
    bool has[2];
} query_cursor_keys;

typedef struct {
    uint64_t size, last;
    uint8_t filter[32], scope[32];
} query_cursor;

DX_RC query_cursor_print(query_cursor_keys *keys, const dx_io *io, const dx_clock *clock,
                         const query_cursor *cursor, char out[QUERY_CURSOR_TEXT], dx_why *why);

typedef enum { QUERY_CURSOR_INVALID, QUERY_CURSOR_GOOD, QUERY_CURSOR_EXPIRED } query_cursor_answer;
/* `cursor` comes with filter and scope filled: what is asked now; another one is invalid. */
query_cursor_answer query_cursor_read(const query_cursor_keys *keys, const dx_clock *clock, dx_bytes text,
                                      query_cursor *cursor);

#endif
