#include "trust/base/der.h"

#include "trust/base/clock.h"

#include <stdio.h>

/* Length of tag and length, 0 when they are not DER; *size: of the contents, which are there. */
static inline size_t read_head(dx_bytes in, size_t *size)
{
    if (in.size < 2 || (in.data[0] & 0x1f) == 0x1f)
        return 0;
    size_t head = 2;
    *size = in.data[1];
    if (*size >= 0x80) {
        size_t octets = *size & 0x7f;
        if (octets == 0 || octets > 4 || in.size < 2 + octets || in.data[2] == 0)
            return 0;
        *size = 0;
        for (size_t i = 0; i < octets; i++)
            *size = *size << 8 | in.data[2 + i];
        if (*size < 0x80) /* X.690 10.1: the short form is due */
            return 0;
        head += octets;
    }
    return *size > in.size - head ? 0 : head;
}

bool der_next(dx_bytes *in, der_item *out)
{
    size_t size, head = read_head(*in, &size);
    if (head == 0)
        return false;
    out->tag = in->data[0];
    out->value = dx_bytes_of(in->data + head, size);
    out->whole = dx_bytes_of(in->data, head + size);
    *in = dx_bytes_of(in->data + head + size, in->size - head - size);
    return true;
}

bool der_take(dx_bytes *in, uint8_t tag, dx_bytes *value)
{
    size_t size, head = read_head(*in, &size);
    if (head == 0 || in->data[0] != tag)
        return false;
    dx_bytes contents = dx_bytes_of(in->data + head, size);
    *in = dx_bytes_of(contents.data + size, in->size - head - size);
    *value = contents;
    return true;
}

bool der_take_whole(dx_bytes *in, uint8_t tag, dx_bytes *whole)
{
    size_t size, head = read_head(*in, &size);
    if (head == 0 || in->data[0] != tag)
        return false;
    dx_bytes item = dx_bytes_of(in->data, head + size);
    *in = dx_bytes_of(item.data + item.size, in->size - item.size);
    *whole = item;
    return true;
}

bool der_optional(dx_bytes *in, uint8_t tag, dx_bytes *value, bool *present)
{
    *present = false;
    *value = (dx_bytes){NULL, 0};
    if (in->size == 0 || in->data[0] != tag)
        return true;
    *present = true;
    return der_take(in, tag, value);
}

bool der_only(dx_bytes in, uint8_t tag, dx_bytes *value)
{
    return der_take(&in, tag, value) && in.size == 0;
}

bool der_count(dx_bytes in, size_t *count)
{
    der_item item;
    for (*count = 0; in.size > 0; ++*count)
        if (!der_next(&in, &item))
            return false;
    return true;
}

bool der_bool(dx_bytes value, bool *out)
{
    if (value.size != 1 || (value.data[0] != 0 && value.data[0] != 0xff))
        return false;
    *out = value.data[0] != 0;
    return true;
}

bool der_integer_ok(dx_bytes value)
{
    if (value.size == 0)
        return false;
    if (value.size == 1)
        return true;
    /* X.690 8.3.2: the first nine bits are neither all zero nor all one. */
    return !((value.data[0] == 0 && value.data[1] < 0x80) ||
             (value.data[0] == 0xff && value.data[1] >= 0x80));
}

bool der_u64(dx_bytes value, uint64_t *out)
{
    if (!der_integer_ok(value) || value.data[0] >= 0x80 || value.size > 9 ||
        (value.size == 9 && value.data[0] != 0))
        return false;
    *out = 0;
    for (size_t i = 0; i < value.size; i++)
        *out = *out << 8 | value.data[i];
    return true;
}

bool der_oid_ok(dx_bytes value)
{
    if (value.size == 0 || value.data[value.size - 1] >= 0x80)
        return false;
    bool first = true;
    for (size_t i = 0; i < value.size; i++) {
        if (first && value.data[i] == 0x80) /* X.690 8.19.2: no leading zero septets */
            return false;
        first = value.data[i] < 0x80;
    }
    return true;
}

bool der_oid_text(dx_bytes value, char *out, size_t size)
{
    if (!der_oid_ok(value))
        return false;
    size_t used = 0;
    uint64_t arc = 0;
    bool first = true;
    for (size_t i = 0; i < value.size; i++) {
        if (arc >> 56 != 0)
            return false;
        arc = arc << 7 | (value.data[i] & 0x7f);
        if (value.data[i] >= 0x80)
            continue;
        int n;
        if (first) {
            unsigned top = arc < 40 ? 0 : arc < 80 ? 1 : 2;
            n = snprintf(out + used, size - used, "%u.%llu", top, (unsigned long long)(arc - 40 * top));
        } else {
            n = snprintf(out + used, size - used, ".%llu", (unsigned long long)arc);
        }
        if (n < 0 || (size_t)n >= size - used)
            return false;
        used += (size_t)n;
        first = false;
        arc = 0;
    }
    return true;
}

bool der_oid_is(dx_bytes value, const char *dotted)
{
    /* Encodes the dotted form and compares on the way: cheaper than printing, and nothing can be cut off. */
    size_t at = 0;
    uint64_t arcs[2] = {0, 0};
    unsigned index = 0;
    for (const char *p = dotted; *p != 0; index++) {
        uint64_t arc = 0;
        for (; *p >= '0' && *p <= '9'; p++)
            arc = arc * 10 + (uint64_t)(*p - '0');
        if (*p == '.')
            p++;
        if (index < 2)
            arcs[index] = arc;
        if (index == 0)
            continue;
        if (index == 1)
            arc = arcs[0] * 40 + arcs[1];
        unsigned septets = 1;
        for (uint64_t rest = arc >> 7; rest != 0; rest >>= 7)
            septets++;
        while (septets-- > 0) {
            uint8_t octet = (uint8_t)((arc >> (7 * septets)) & 0x7f) | (septets > 0 ? 0x80 : 0);
            if (at >= value.size || value.data[at++] != octet)
                return false;
        }
    }
    return at == value.size && at > 0;
}

static bool two_digits(const uint8_t *text, unsigned low, unsigned high, unsigned *out)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return false;
    *out = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    return *out >= low && *out <= high;
}

static unsigned days_of(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool der_time(uint8_t tag, dx_bytes value, int64_t *unix_s)
{
    const uint8_t *p = value.data;
    unsigned century, year, month, day, hour, minute, second;
    if (tag == DER_UTC_TIME && value.size == 13) {
        if (!two_digits(p, 0, 99, &year))
            return false;
        century = year >= 50 ? 19 : 20;
        p += 2;
    } else if (tag == DER_GENERALIZED_TIME && value.size == 15) {
        if (!two_digits(p, 0, 99, &century) || !two_digits(p + 2, 0, 99, &year))
            return false;
        p += 4;
    } else {
        return false;
    }
    if (!two_digits(p, 1, 12, &month) || !two_digits(p + 2, 1, 31, &day) ||
        !two_digits(p + 4, 0, 23, &hour) || !two_digits(p + 6, 0, 59, &minute) ||
        !two_digits(p + 8, 0, 59, &second) || p[10] != 'Z')
        return false;
    int64_t full = (int64_t)century * 100 + year, days = dx_days_from_civil(full, month, day);
    if (day > 28 && day > days_of(full, month)) /* 31 April */
        return false;
    bool no_end = full == 9999 && month == 12 && day == 31 && hour == 23 && minute == 59 && second == 59;
    *unix_s = no_end ? INT64_MAX : days * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return true;
}
