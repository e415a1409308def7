#include "trust/base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

dx_bytes dx_bytes_part(dx_bytes b, size_t from, size_t size)
{
    if (from > b.size)
        from = b.size;
    if (size > b.size - from)
        size = b.size - from;
    return (dx_bytes){b.data == NULL ? NULL : b.data + from, size};
}

bool dx_bytes_equal(dx_bytes a, dx_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool dx_bytes_equal_secret(dx_bytes a, dx_bytes b)
{
    if (a.size != b.size)
        return false;
    uint8_t diff = 0;
    for (size_t i = 0; i < a.size; i++)
        diff |= (uint8_t)(a.data[i] ^ b.data[i]);
    return diff == 0;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool dx_bytes_equal_nocase(dx_bytes a, dx_bytes b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool dx_bytes_is(dx_bytes a, const char *text)
{
    return dx_bytes_equal(a, dx_bytes_text(text));
}

bool dx_bytes_is_nocase(dx_bytes a, const char *text)
{
    return dx_bytes_equal_nocase(a, dx_bytes_text(text));
}

bool dx_bytes_starts(dx_bytes a, const char *prefix)
{
    size_t n = strlen(prefix);
    return a.size >= n && (n == 0 || memcmp(a.data, prefix, n) == 0);
}

int dx_bytes_compare(dx_bytes a, dx_bytes b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int c = n == 0 ? 0 : memcmp(a.data, b.data, n);
    if (c != 0)
        return c;
    return a.size < b.size ? -1 : a.size > b.size;
}

bool dx_bytes_utf8_ok(dx_bytes a)
{
    for (size_t i = 0; i < a.size;) {
        uint8_t c = a.data[i];
        size_t more = c < 0x80             ? 0
                      : (c & 0xe0) == 0xc0 ? 1
                      : (c & 0xf0) == 0xe0 ? 2
                      : (c & 0xf8) == 0xf0 ? 3
                                           : 9;
        uint32_t point = more == 0 ? c : more == 1 ? c & 0x1fU : more == 2 ? c & 0x0fU : c & 0x07U;
        if (more == 9 || a.size - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++) {
            uint8_t d = a.data[i + k];
            if ((d & 0xc0) != 0x80)
                return false;
            point = point << 6 | (d & 0x3fU);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return false;
        i += more + 1;
    }
    return true;
}

bool dx_tchar(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

dx_bytes dx_bytes_trim(dx_bytes a)
{
    while (a.size > 0 && strchr(" \t\r\n", a.data[0]) != NULL && a.data[0] != 0)
        a = dx_bytes_part(a, 1, a.size - 1);
    while (a.size > 0 && strchr(" \t\r\n", a.data[a.size - 1]) != NULL && a.data[a.size - 1] != 0)
        a.size--;
    return a;
}

bool dx_bytes_u64(dx_bytes a, uint64_t max, uint64_t *out)
{
    if (a.size == 0 || a.size > 20 || (a.size > 1 && a.data[0] == '0'))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < a.size; i++) {
        if (a.data[i] < '0' || a.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, a.data[i] - '0', &value))
            return false;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

void dx_buf_init(dx_buf *buf, size_t max)
{
    *buf = (dx_buf){.max = max};
}

void dx_buf_fini(dx_buf *buf)
{
    free(buf->data);
    *buf = (dx_buf){.max = buf->max};
}

void dx_buf_clear(dx_buf *buf)
{
    buf->size = 0;
}

DX_RC dx_buf_reserve(dx_buf *buf, size_t more)
{
    if (more > buf->max || buf->size > buf->max - more)
        return (struct dx_rc){DX_TOO_LARGE};
    size_t need = buf->size + more;
    if (need <= buf->capacity)
        return DX_OKAY;
    size_t grown = buf->capacity < 128 ? 256 : buf->capacity * 2;
    if (grown < need)
        grown = need;
    if (grown > buf->max)
        grown = buf->max;
    uint8_t *data = realloc(buf->data, grown);
    if (data == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    buf->data = data;
    buf->capacity = grown;
    return DX_OKAY;
}

DX_RC dx_buf_add(dx_buf *buf, dx_bytes bytes)
{
    if (bytes.size == 0)
        return DX_OKAY;
    DX_TRY(dx_buf_reserve(buf, bytes.size));
    memcpy(buf->data + buf->size, bytes.data, bytes.size);
    buf->size += bytes.size;
    return DX_OKAY;
}

DX_RC dx_buf_add_text(dx_buf *buf, const char *text)
{
    return dx_buf_add(buf, dx_bytes_text(text));
}

DX_RC dx_buf_add_byte(dx_buf *buf, uint8_t byte)
{
    return dx_buf_add(buf, (dx_bytes){&byte, 1});
}

DX_RC dx_buf_addf(dx_buf *buf, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    struct dx_rc rc = {DX_INTERNAL};
    if (n >= 0 && (size_t)n < sizeof small) {
        rc = dx_buf_add(buf, dx_bytes_of(small, (size_t)n));
    } else if (n >= 0) {
        char *large = malloc((size_t)n + 1);
        rc.code = DX_NO_MEMORY;
        if (large != NULL) {
            vsnprintf(large, (size_t)n + 1, format, again);
            rc = dx_buf_add(buf, dx_bytes_of(large, (size_t)n));
            free(large);
        }
    }
    va_end(again);
    return rc;
}

void dx_hex(dx_bytes in, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.size; i++) {
        *out++ = digits[in.data[i] >> 4];
        *out++ = digits[in.data[i] & 15];
    }
    *out = 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool dx_hex_decode(dx_bytes in, uint8_t *out, size_t *size)
{
    if (in.size % 2 != 0 || in.size / 2 > *size)
        return false;
    for (size_t i = 0; i < in.size / 2; i++) {
        int high = hex_digit(in.data[2 * i]), low = hex_digit(in.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *size = in.size / 2;
    return true;
}

static const char alphabet64[2][65] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

static void encode64(dx_bytes in, char *out, const char *alphabet, bool pad)
{
    size_t i = 0;
    for (; i + 2 < in.size; i += 3) {
        uint32_t v = (uint32_t)in.data[i] << 16 | (uint32_t)in.data[i + 1] << 8 | in.data[i + 2];
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = alphabet[v >> 6 & 63];
        *out++ = alphabet[v & 63];
    }
    size_t rest = in.size - i;
    if (rest > 0) {
        uint32_t v = (uint32_t)in.data[i] << 16 | (rest == 2 ? (uint32_t)in.data[i + 1] << 8 : 0);
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        if (rest == 2)
            *out++ = alphabet[v >> 6 & 63];
        if (pad)
            for (size_t k = rest; k < 3; k++)
                *out++ = '=';
    }
    *out = 0;
}

void dx_base64(dx_bytes in, char *out)
{
    encode64(in, out, alphabet64[0], true);
}

void dx_base64url(dx_bytes in, char *out)
{
    encode64(in, out, alphabet64[1], false);
}

static int digit64(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

static bool decode64(dx_bytes in, uint8_t *out, size_t *size, bool url)
{
    size_t rest = in.size % 4; /* 2 gives one byte, 3 gives two */
    if (rest == 1)
        return false;
    size_t need = in.size / 4 * 3 + (rest == 0 ? 0 : rest - 1);
    if (need > *size)
        return false;
    uint32_t bits = 0;
    size_t have = 0, n = 0;
    for (size_t i = 0; i < in.size; i++) {
        int d = digit64(in.data[i], url);
        if (d < 0)
            return false;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    if ((bits & ((1U << have) - 1)) != 0) /* unused bits must be zero (RFC 4648 3.5) */
        return false;
    *size = n;
    return true;
}

bool dx_base64_decode(dx_bytes in, uint8_t *out, size_t *size)
{
    if (in.size % 4 != 0)
        return false;
    for (int k = 0; k < 2 && in.size > 0 && in.data[in.size - 1] == '='; k++)
        in.size--;
    return decode64(in, out, size, false);
}

bool dx_base64url_decode(dx_bytes in, uint8_t *out, size_t *size)
{
    return decode64(in, out, size, true);
}
