#include "trust/path/cert_name.h"

/* Characters of a directory string, one after the other. */
typedef struct {
    const uint8_t *at, *end;
    uint8_t tag;
    bool bad;
} characters;

static bool string_type(uint8_t tag)
{
    switch (tag) {
    case DER_UTF8_STRING:
    case DER_PRINTABLE_STRING:
    case DER_T61_STRING:
    case DER_IA5_STRING:
    case DER_VISIBLE_STRING:
    case DER_UNIVERSAL_STRING:
    case DER_BMP_STRING:
        return true;
    default:
        return false;
    }
}

static uint32_t character(characters *c) /* 0 at the end: no name holds NUL */
{
    size_t left = (size_t)(c->end - c->at), width = 1;
    if (left == 0)
        return 0;
    uint32_t value = *c->at;
    if (c->tag == DER_BMP_STRING)
        width = 2;
    else if (c->tag == DER_UNIVERSAL_STRING)
        width = 4;
    else if (c->tag == DER_UTF8_STRING && value >= 0x80)
        width = value >= 0xf0 ? 4 : value >= 0xe0 ? 3 : 2;
    if (left < width) {
        c->bad = true;
        c->at = c->end;
        return 0;
    }
    if (c->tag == DER_UTF8_STRING) {
        if (width > 1)
            value &= 0x7fu >> width;
        for (size_t i = 1; i < width; i++)
            value = value << 6 | (c->at[i] & 0x3f);
    } else {
        for (size_t i = 1; i < width; i++)
            value = value << 8 | c->at[i];
    }
    c->at += width;
    if (value == 0 || value > 0x10ffff)
        c->bad = true;
    return value;
}

static bool blank(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

/* The same, folded: lower case, a run of blanks inside is one blank, outer blanks are gone. */
static uint32_t folded(characters *c, bool *begun)
{
    uint32_t value = character(c);
    if (blank(value)) {
        while (blank(value))
            value = character(c);
        if (value == 0 || !*begun) {
            if (value == 0)
                return 0;
        } else {
            /* step back over the character behind the blanks: it is the next one to be given */
            size_t width = c->tag == DER_BMP_STRING ? 2 : c->tag == DER_UNIVERSAL_STRING ? 4 : 1;
            if (c->tag == DER_UTF8_STRING)
                width = value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
            c->at -= width;
            return ' ';
        }
    }
    *begun = true;
    return value >= 'A' && value <= 'Z' ? value + 32 : value;
}

static bool value_equal(const der_item *a, const der_item *b)
{
    if (a->tag == b->tag && dx_bytes_equal(a->value, b->value))
        return true;
    if (!string_type(a->tag) || !string_type(b->tag))
        return false;
    characters x = {a->value.data, a->value.data + a->value.size, a->tag, false};
    characters y = {b->value.data, b->value.data + b->value.size, b->tag, false};
    if ((a->tag == DER_UTF8_STRING && !dx_bytes_utf8_ok(a->value)) ||
        (b->tag == DER_UTF8_STRING && !dx_bytes_utf8_ok(b->value)))
        return false;
    bool begun_x = false, begun_y = false;
    for (;;) {
        uint32_t p = folded(&x, &begun_x), q = folded(&y, &begun_y);
        if (p != q || x.bad || y.bad)
            return false;
        if (p == 0)
            return true;
    }
}

static bool attribute_next(dx_bytes *rdn, dx_bytes *oid, der_item *value)
{
    dx_bytes pair;
    return der_take(rdn, DER_SEQUENCE, &pair) && der_take(&pair, DER_OID, oid) && der_oid_ok(*oid) &&
           der_next(&pair, value) && pair.size == 0;
}

#define RDN_MAX_ATTRIBUTES 16

static bool rdn_equal(dx_bytes a, dx_bytes b)
{
    /* A SET: each attribute of one has its own partner in the other. */
    size_t count_a, count_b;
    uint32_t taken = 0;
    if (!der_count(a, &count_a) || !der_count(b, &count_b) || count_a != count_b ||
        count_a > RDN_MAX_ATTRIBUTES)
        return false;
    while (a.size > 0) {
        dx_bytes oid, other_oid, rest = b;
        der_item value, other;
        if (!attribute_next(&a, &oid, &value))
            return false;
        bool found = false;
        for (unsigned i = 0; !found && rest.size > 0; i++) {
            if (!attribute_next(&rest, &other_oid, &other))
                return false;
            if ((taken & 1u << i) == 0 && dx_bytes_equal(oid, other_oid) && value_equal(&value, &other)) {
                taken |= 1u << i;
                found = true;
            }
        }
        if (!found)
            return false;
    }
    return true;
}

bool cert_name_within(dx_bytes subtree, dx_bytes name)
{
    dx_bytes a, b, rdn_a, rdn_b;
    if (!der_only(subtree, DER_SEQUENCE, &a) || !der_only(name, DER_SEQUENCE, &b))
        return false;
    while (a.size > 0)
        if (!der_take(&a, DER_SET, &rdn_a) || !der_take(&b, DER_SET, &rdn_b) || !rdn_equal(rdn_a, rdn_b))
            return false;
    return true;
}

bool cert_name_equal(dx_bytes a, dx_bytes b)
{
    if (dx_bytes_equal(a, b))
        return true;
    dx_bytes x, y;
    size_t count_x, count_y;
    return der_only(a, DER_SEQUENCE, &x) && der_only(b, DER_SEQUENCE, &y) && der_count(x, &count_x) &&
           der_count(y, &count_y) && count_x == count_y && cert_name_within(a, b);
}

bool cert_name_ok(dx_bytes name)
{
    dx_bytes rdns, rdn, oid;
    der_item value;
    if (!der_only(name, DER_SEQUENCE, &rdns))
        return false;
    while (rdns.size > 0) {
        if (!der_take(&rdns, DER_SET, &rdn) || rdn.size == 0)
            return false;
        while (rdn.size > 0)
            if (!attribute_next(&rdn, &oid, &value))
                return false;
    }
    return true;
}

bool cert_name_attribute(dx_bytes name, const char *wanted, size_t index, der_item *value)
{
    dx_bytes rdns, rdn, oid;
    if (!der_only(name, DER_SEQUENCE, &rdns))
        return false;
    while (rdns.size > 0 && der_take(&rdns, DER_SET, &rdn))
        while (rdn.size > 0 && attribute_next(&rdn, &oid, value))
            if (der_oid_is(oid, wanted) && index-- == 0)
                return true;
    return false;
}

size_t cert_name_utf8(const der_item *value, char *out, size_t size)
{
    if (!string_type(value->tag) || (value->tag == DER_UTF8_STRING && !dx_bytes_utf8_ok(value->value)))
        return SIZE_MAX;
    characters c = {value->value.data, value->value.data + value->value.size, value->tag, false};
    size_t used = 0;
    while (c.at < c.end) {
        uint32_t v = character(&c);
        if (c.bad || (v >= 0xd800 && v < 0xe000) || used + 5 > size)
            return SIZE_MAX;
        if (v < 0x80) {
            out[used++] = (char)v;
        } else if (v < 0x800) {
            out[used++] = (char)(0xc0 | v >> 6);
            out[used++] = (char)(0x80 | (v & 0x3f));
        } else if (v < 0x10000) {
            out[used++] = (char)(0xe0 | v >> 12);
            out[used++] = (char)(0x80 | (v >> 6 & 0x3f));
            out[used++] = (char)(0x80 | (v & 0x3f));
        } else {
            out[used++] = (char)(0xf0 | v >> 18);
            out[used++] = (char)(0x80 | (v >> 12 & 0x3f));
            out[used++] = (char)(0x80 | (v >> 6 & 0x3f));
            out[used++] = (char)(0x80 | (v & 0x3f));
        }
    }
    if (used >= size)
        return SIZE_MAX;
    out[used] = 0;
    return used;
}
