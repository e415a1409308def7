#include "trust/path/cert_name.h"

/* RFC 5280 7.1 over spans: white space folded, ASCII letters small, every string type as UTF-8. The same
 * folding as tlist_name_digest, so that a name that is found by its digest is equal here too. */

#define TOGETHER_MAX 16 /* attributes of one RDN that are compared in any order */

typedef struct {
    dx_bytes rest;
    size_t unit; /* bytes a character; 0: no string that is folded */
    bool utf8, begun;
    uint8_t out[4];
    unsigned ready, given;
} folding;

static size_t unit_of(uint8_t tag)
{
    switch (tag) {
    case DER_UTF8_STRING:
    case 0x12: /* NumericString */
    case DER_PRINTABLE_STRING:
    case DER_T61_STRING: /* read as Latin-1 like everybody does */
    case DER_IA5_STRING:
    case DER_VISIBLE_STRING:
        return 1;
    case DER_BMP_STRING:
        return 2;
    case DER_UNIVERSAL_STRING:
        return 4;
    default:
        return 0;
    }
}

static folding fold(der_item value)
{
    size_t unit = unit_of(value.tag);
    return (folding){.rest = value.value,
                     .unit = unit > 0 && value.value.size % unit == 0 ? unit : 0,
                     .utf8 = value.tag == DER_UTF8_STRING};
}

static uint32_t character(const folding *f)
{
    uint32_t code = 0;
    for (size_t k = 0; k < f->unit; k++)
        code = code << 8 | f->rest.data[k];
    return code;
}

static bool is_space(uint32_t code)
{
    return code == ' ' || (code >= '\t' && code <= '\r');
}

static void give(folding *f, uint32_t code)
{
    f->given = 0;
    if (code < 0x80 || f->utf8) {
        f->out[0] = code >= 'A' && code <= 'Z' ? (uint8_t)(code + 32) : (uint8_t)code;
        f->ready = 1;
        return;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    f->out[0] = (uint8_t)(lead[more] | (code >> 6 * more & (0x3fU >> more)));
    for (unsigned k = 1; k <= more; k++)
        f->out[k] = (uint8_t)(0x80 | (code >> 6 * (more - k) & 0x3f));
    f->ready = more + 1;
}

/* The next byte of the folded string; -1 at its end. */
static int next_byte(folding *f)
{
    if (f->given < f->ready)
        return f->out[f->given++];
    bool space = false;
    while (f->rest.size > 0 && is_space(character(f))) {
        f->rest = dx_bytes_part(f->rest, f->unit, f->rest.size);
        space = f->begun;
    }
    if (f->rest.size == 0)
        return -1;
    f->begun = true;
    if (space)
        return ' '; /* what follows it is given next: no space stands there any more */
    give(f, character(f));
    f->rest = dx_bytes_part(f->rest, f->unit, f->rest.size);
    return f->out[f->given++];
}

static bool value_equal(der_item a, der_item b)
{
    folding x = fold(a), y = fold(b);
    if (x.unit == 0 || y.unit == 0)
        return dx_bytes_equal(a.whole, b.whole);
    for (;;) {
        int left = next_byte(&x), right = next_byte(&y);
        if (left != right)
            return false;
        if (left < 0)
            return true;
    }
}

bool cert_attribute_next(dx_bytes *rdn, dx_bytes *type, der_item *value)
{
    dx_bytes pair;
    return der_take(rdn, DER_SEQUENCE, &pair) && der_take(&pair, DER_OID, type) && der_next(&pair, value) &&
           pair.size == 0;
}

static bool holds(dx_bytes rdn, dx_bytes wanted_type, der_item wanted)
{
    dx_bytes type;
    der_item value;
    while (cert_attribute_next(&rdn, &type, &value))
        if (dx_bytes_equal(type, wanted_type) && value_equal(value, wanted))
            return true;
    return false;
}

/* X.501 9.3: the same attributes in any order. */
static bool rdn_equal(dx_bytes a, dx_bytes b)
{
    dx_bytes type, rest = a;
    der_item value;
    size_t count = 0, others = 0;
    if (dx_bytes_equal(a, b))
        return true;
    if (!der_count(a, &count) || !der_count(b, &others) || count != others || count > TOGETHER_MAX)
        return false;
    while (rest.size > 0)
        if (!cert_attribute_next(&rest, &type, &value) || !holds(b, type, value))
            return false;
    for (rest = b; rest.size > 0;)
        if (!cert_attribute_next(&rest, &type, &value) || !holds(a, type, value))
            return false;
    return true;
}

bool cert_name_within(dx_bytes name, dx_bytes base)
{
    dx_bytes left, right, a, b;
    if (!der_only(name, DER_SEQUENCE, &left) || !der_only(base, DER_SEQUENCE, &right))
        return false;
    while (right.size > 0)
        if (!der_take(&left, DER_SET, &a) || !der_take(&right, DER_SET, &b) || !rdn_equal(a, b))
            return false;
    return true;
}

bool cert_name_equal(dx_bytes a, dx_bytes b)
{
    size_t count, others;
    dx_bytes left, right;
    if (dx_bytes_equal(a, b))
        return true;
    return der_only(a, DER_SEQUENCE, &left) && der_only(b, DER_SEQUENCE, &right) && der_count(left, &count) &&
           der_count(right, &others) && count == others && cert_name_within(a, b);
}

bool cert_name_read(dx_bytes name, bool *empty)
{
    dx_bytes rdns, rdn, type;
    der_item value;
    if (!der_only(name, DER_SEQUENCE, &rdns))
        return false;
    *empty = rdns.size == 0;
    while (rdns.size > 0) {
        if (!der_take(&rdns, DER_SET, &rdn) || rdn.size == 0)
            return false;
        while (rdn.size > 0)
            if (!cert_attribute_next(&rdn, &type, &value) || !der_oid_ok(type))
                return false;
    }
    return true;
}
