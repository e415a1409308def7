/* bytes.h -- bytes have a length and a ceiling.
 *
 * dx_bytes looks at memory that somebody else owns; dx_buf owns memory and grows up to a limit that its maker
 * names. Encodings are strict: one value has one spelling (RFC 4648 3.5, canonical, unused bits zero).
 * Threads: values; no shared state.
 */
#ifndef TRUST_BASE_BYTES_H
#define TRUST_BASE_BYTES_H

#include "trust/base/result.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *data;
    size_t size;
} dx_bytes;

#define DX_BYTES(literal) ((dx_bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})
#define DX_TEXT_FMT       "%.*s"
#define DX_TEXT_ARG(b)    (int)(b).size, (const char *)(b).data

static inline dx_bytes dx_bytes_of(const void *data, size_t size)
{
    return (dx_bytes){(const uint8_t *)data, size};
}

static inline dx_bytes dx_bytes_text(const char *text)
{
    return (dx_bytes){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

/* Part of `b` from `from`, at most `size` bytes; out of range gives what is there. */
dx_bytes dx_bytes_part(dx_bytes b, size_t from, size_t size);

bool dx_bytes_equal(dx_bytes a, dx_bytes b);        /* not constant time */
bool dx_bytes_equal_secret(dx_bytes a, dx_bytes b); /* constant time for equal sizes */
bool dx_bytes_equal_nocase(dx_bytes a, dx_bytes b); /* ASCII letters */
bool dx_bytes_is(dx_bytes a, const char *text);     /* equal to a C string */
bool dx_bytes_is_nocase(dx_bytes a, const char *text);
bool dx_bytes_starts(dx_bytes a, const char *prefix);
int dx_bytes_compare(dx_bytes a, dx_bytes b); /* memcmp order, shorter first */
bool dx_tchar(uint8_t c);                     /* may stand in a token, RFC 9110 5.6.2 */
bool dx_bytes_utf8_ok(dx_bytes a);            /* well-formed, no surrogates, no overlong forms */
dx_bytes dx_bytes_trim(dx_bytes a);           /* without outer SP, HT, CR, LF */

/* Digits only, no leading zero (but "0"), at most `max`. */
bool dx_bytes_u64(dx_bytes a, uint64_t max, uint64_t *out);

/* A growing buffer. `max` is the largest size it may ever have: going over it is DX_TOO_LARGE, never a cut.
 */
typedef struct {
    uint8_t *data;
    size_t size, capacity, max;
} dx_buf;

void dx_buf_init(dx_buf *buf, size_t max);
void dx_buf_fini(dx_buf *buf);
void dx_buf_clear(dx_buf *buf); /* size 0, memory kept */
DX_RC dx_buf_reserve(dx_buf *buf, size_t more);
DX_RC dx_buf_add(dx_buf *buf, dx_bytes bytes);
DX_RC dx_buf_add_text(dx_buf *buf, const char *text);
DX_RC dx_buf_add_byte(dx_buf *buf, uint8_t byte);
DX_RC dx_buf_addf(dx_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline dx_bytes dx_buf_view(const dx_buf *buf)
{
    return (dx_bytes){buf->data, buf->size};
}

/* Encodings. Encoders write a terminating NUL and need dx_*_size() bytes at `out`, NUL included. */
#define DX_HEX_SIZE(n)       (2 * (size_t)(n) + 1)
#define DX_BASE64_SIZE(n)    (4 * (((size_t)(n) + 2) / 3) + 1)
#define DX_BASE64URL_SIZE(n) ((4 * (size_t)(n) + 2) / 3 + 1)
void dx_hex(dx_bytes in, char *out);       /* lower case */
void dx_base64(dx_bytes in, char *out);    /* RFC 4648 4, padded */
void dx_base64url(dx_bytes in, char *out); /* RFC 4648 5, no padding */

/* Decoders take exactly the canonical spelling; anything else is false. `*size` is in: room at out, out:
 * bytes written. */
bool dx_hex_decode(dx_bytes in, uint8_t *out, size_t *size);
bool dx_base64_decode(dx_bytes in, uint8_t *out, size_t *size);
bool dx_base64url_decode(dx_bytes in, uint8_t *out, size_t *size);

#endif
