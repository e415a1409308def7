/* der.h -- a strict DER reader over views: no allocation, no recursion, one spelling for each value.
 *
 * Standard: ITU-T X.690 10 and 11. A reader is a dx_bytes that shrinks from the front. Every function that
 * meets something that is not DER (indefinite or long-winded lengths, high tag numbers, integers and booleans
 * with a second spelling) answers false and leaves nothing to be used. Threads: values; no shared state.
 */
#ifndef TRUST_BASE_DER_H
#define TRUST_BASE_DER_H

#include "trust/base/bytes.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_PRINTABLE_STRING = 0x13,
    DER_T61_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_VISIBLE_STRING = 0x1a,
    DER_UNIVERSAL_STRING = 0x1c,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};
#define DER_CONTEXT(n)     (0x80 | (n)) /* [n] IMPLICIT primitive */
#define DER_CONSTRUCTED(n) (0xa0 | (n)) /* [n] constructed */

typedef struct {
    uint8_t tag;
    dx_bytes value; /* contents */
    dx_bytes whole; /* tag, length and contents */
} der_item;

/* Takes the next item off `in`. */
bool der_next(dx_bytes *in, der_item *out);
/* The next item must have this tag. */
bool der_take(dx_bytes *in, uint8_t tag, dx_bytes *value);
bool der_take_whole(dx_bytes *in, uint8_t tag, dx_bytes *whole);
/* Takes the next item when it has this tag; `*present` tells. False only when what stands there is not DER.
 */
bool der_optional(dx_bytes *in, uint8_t tag, dx_bytes *value, bool *present);
/* `in` is exactly one item of this tag. */
bool der_only(dx_bytes in, uint8_t tag, dx_bytes *value);
/* How many items `in` holds; false when they are not DER to the last byte. */
bool der_count(dx_bytes in, size_t *count);

/* Contents to values. */
bool der_bool(dx_bytes value, bool *out);
bool der_integer_ok(dx_bytes value);         /* minimal, any size, any sign */
bool der_u64(dx_bytes value, uint64_t *out); /* not negative, fits */
bool der_oid_ok(dx_bytes value);
bool der_oid_is(dx_bytes value, const char *dotted);
/* Dotted text; false when it does not fit or an arc is over 2^63. */
bool der_oid_text(dx_bytes value, char *out, size_t size);
/* UTCTime YYMMDDHHMMSSZ (YY >= 50 is 19YY) or GeneralizedTime YYYYMMDDHHMMSSZ, RFC 5280 4.1.2.5; no fraction,
 * no offset. 99991231235959Z is INT64_MAX: no end. */
bool der_time(uint8_t tag, dx_bytes value, int64_t *unix_s);

#endif
