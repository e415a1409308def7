#include "trust/path/organisation.h"

/* Attributes of a subject as UTF-8, and which characters may stand in them (identity.md 10, ID-511). */

/* Characters that show nothing, turn what stands beside them, or are no characters. */
static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f ||
           c == 0x1160 || c == 0x17b4 || c == 0x17b5 || (c >= 0x180b && c <= 0x180f) ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || c == 0xffa0 ||
           (c >= 0xfff0 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) ||
           (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xe0000 && c <= 0xe0fff) || c >= 0xf0000;
}

/* NFC as far as it can be told without tables of composition: a Latin, Greek, Cyrillic or kana letter is
 * written as one character, so a combining mark of those blocks has no place, and singletons have their other
 * spelling. */
static bool is_decomposed(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36f) || c == 0x3099 || c == 0x309a || c == 0x2126 || c == 0x212a ||
           c == 0x212b || (c >= 0xf900 && c <= 0xfaff && c != 0xfa0e && c != 0xfa0f && c != 0xfa11) ||
           (c >= 0x1100 && c <= 0x11ff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

bool organisation_text_ok(dx_bytes utf8)
{
    if (!dx_bytes_utf8_ok(utf8))
        return false;
    for (size_t i = 0; i < utf8.size;) {
        uint8_t first = utf8.data[i];
        size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? first : first & (0x3fu >> more);
        for (size_t k = 1; k <= more; k++)
            c = c << 6 | (utf8.data[i + k] & 0x3f);
        if (is_hidden(c) || is_decomposed(c))
            return false;
        i += more + 1;
    }
    return true;
}

static bool put(uint32_t c, char *out, size_t size, size_t *at)
{
    uint8_t octets[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || *at + n >= size)
        return false;
    for (size_t i = n; i > 1; i--, c >>= 6)
        octets[i - 1] = (uint8_t)(0x80 | (c & 0x3f));
    octets[0] = (uint8_t)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
    memcpy(out + *at, octets, n);
    *at += n;
    return true;
}

/* Characters of `width` octets each, most significant first. */
static bool put_wide(dx_bytes text, size_t width, char *out, size_t size, size_t *at)
{
    if (text.size % width != 0)
        return false;
    for (size_t i = 0; i < text.size; i += width) {
        uint32_t c = 0;
        for (size_t k = 0; k < width; k++)
            c = c << 8 | text.data[i + k];
        if (!put(c, out, size, at))
            return false;
    }
    return true;
}

#define DER_NUMERIC_STRING 0x12

static bool to_utf8(const der_item *value, char *out, size_t size)
{
    size_t at = 0;
    bool ok = false;
    switch (value->tag) {
    case DER_UTF8_STRING:
        ok = value->value.size < size;
        if (ok) {
            memcpy(out, value->value.data, value->value.size);
            at = value->value.size;
        }
        break;
    case DER_PRINTABLE_STRING:
    case DER_IA5_STRING:
    case DER_VISIBLE_STRING:
    case DER_NUMERIC_STRING:
        ok = put_wide(value->value, 1, out, size, &at);
        for (size_t i = 0; i < value->value.size; i++)
            ok = ok && value->value.data[i] < 0x80;
        break;
    case DER_T61_STRING: /* read as ISO 8859-1, as everybody does */
        ok = put_wide(value->value, 1, out, size, &at);
        break;
    case DER_BMP_STRING:
        ok = put_wide(value->value, 2, out, size, &at);
        break;
    case DER_UNIVERSAL_STRING:
        ok = put_wide(value->value, 4, out, size, &at);
        break;
    default:
        break;
    }
    out[ok ? at : 0] = '\0';
    return ok && organisation_text_ok(dx_bytes_of(out, at));
}

organisation_name_answer organisation_name(dx_bytes name, const char *oid, size_t n, char *out, size_t size)
{
    dx_bytes rdns, rdn, attribute, type;
    der_item value;
    out[0] = '\0';
    if (!der_only(name, DER_SEQUENCE, &rdns))
        return NAME_BAD;
    while (rdns.size > 0) {
        if (!der_take(&rdns, DER_SET, &rdn))
            return NAME_BAD;
        while (rdn.size > 0) {
            if (!der_take(&rdn, DER_SEQUENCE, &attribute) || !der_take(&attribute, DER_OID, &type) ||
                !der_next(&attribute, &value) || attribute.size != 0)
                return NAME_BAD;
            if (!der_oid_is(type, oid) || n-- > 0)
                continue;
            if (to_utf8(&value, out, size) && out[0] != '\0')
                return NAME_READ;
            out[0] = '\0';
            return NAME_BAD;
        }
    }
    return NAME_ABSENT;
}
