#include "trust/list/tlist_certificate.h"

#include "trust/base/digest.h"

bool tlist_der_next(dx_bytes *in, unsigned *tag, dx_bytes *value, dx_bytes *whole)
{
    if (in->size < 2 || (in->data[0] & 0x1f) == 0x1f)
        return false;
    size_t length = in->data[1], head = 2;
    if (length > 0x80) {
        size_t bytes = length & 0x7f;
        if (bytes > 4 || in->size < 2 + bytes || in->data[2] == 0)
            return false;
        length = 0;
        for (size_t i = 0; i < bytes; i++)
            length = length << 8 | in->data[head++];
        if (length < 0x80)
            return false;
    } else if (length == 0x80) {
        return false;
    }
    if (length > in->size - head)
        return false;
    *tag = in->data[0];
    *value = dx_bytes_of(in->data + head, length);
    if (whole != NULL)
        *whole = dx_bytes_of(in->data, head + length);
    *in = dx_bytes_of(in->data + head + length, in->size - head - length);
    return true;
}

static bool take(dx_bytes *in, unsigned want, dx_bytes *value, dx_bytes *whole)
{
    unsigned tag;
    return tlist_der_next(in, &tag, value, whole) && tag == want;
}

bool tlist_certificate_walk(dx_bytes der, tlist_certificate_parts *out)
{
    dx_bytes outer, tbs, skip;
    if (!take(&der, 0x30, &outer, NULL) || der.size != 0 || !take(&outer, 0x30, &tbs, NULL) ||
        !take(&outer, 0x30, &skip, NULL) || !take(&outer, 0x03, &skip, NULL) || outer.size != 0)
        return false;
    if (tbs.size > 0 && tbs.data[0] == 0xa0 && !take(&tbs, 0xa0, &skip, NULL))
        return false;
    return take(&tbs, 0x02, &skip, &out->serial) && take(&tbs, 0x30, &skip, NULL) &&
           take(&tbs, 0x30, &skip, &out->issuer) && take(&tbs, 0x30, &skip, NULL) &&
           take(&tbs, 0x30, &skip, &out->subject) && take(&tbs, 0x30, &skip, &out->spki);
}

bool tlist_certificate_read(dx_bytes der, tlist_certificate *out)
{
    tlist_certificate_parts parts;
    if (!tlist_certificate_walk(der, &parts))
        return false;
    out->der = der;
    out->subject = parts.subject;
    out->spki = parts.spki;
    dx_sha256(der, out->sha256);
    out->named =
        tlist_identity_key(out->spki, out->subject, out->identity, out->spki_sha256, out->name_sha256);
    return true;
}

enum { NAME_MAX_BYTES = 4096 };

typedef struct {
    uint8_t data[NAME_MAX_BYTES];
    size_t size;
    bool full;
} canonical;

static void put(canonical *c, uint8_t byte)
{
    if (c->size < NAME_MAX_BYTES)
        c->data[c->size++] = byte;
    else
        c->full = true;
}

static void put_utf8(canonical *c, uint32_t code)
{
    if (code < 0x80) {
        put(c, code >= 'A' && code <= 'Z' ? (uint8_t)(code + 32) : (uint8_t)code);
    } else if (code < 0x800) {
        put(c, (uint8_t)(0xc0 | code >> 6));
        put(c, (uint8_t)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        put(c, (uint8_t)(0xe0 | code >> 12));
        put(c, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        put(c, (uint8_t)(0x80 | (code & 0x3f)));
    } else {
        put(c, (uint8_t)(0xf0 | (code >> 18 & 7)));
        put(c, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        put(c, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        put(c, (uint8_t)(0x80 | (code & 0x3f)));
    }
}

/* How many bytes a character of this string type has; 0: not a string that is folded. */
static size_t unit_of(unsigned tag)
{
    switch (tag) {
    case 0x0c: /* UTF8String, copied byte for byte */
    case 0x12: /* NumericString */
    case 0x13: /* PrintableString */
    case 0x14: /* T61String, read as Latin-1 like everybody does */
    case 0x16: /* IA5String */
    case 0x1a: /* VisibleString */
        return 1;
    case 0x1e: /* BMPString */
        return 2;
    case 0x1c: /* UniversalString */
        return 4;
    default:
        return 0;
    }
}

static void put_string(canonical *c, unsigned tag, dx_bytes text)
{
    size_t unit = unit_of(tag);
    if (unit == 0 || text.size % unit != 0) {
        put(c, (uint8_t)tag);
        for (size_t i = 0; i < text.size; i++)
            put(c, text.data[i]);
        return;
    }
    put(c, 0x0c);
    bool space = false, begun = false;
    for (size_t i = 0; i < text.size; i += unit) {
        uint32_t code = 0;
        for (size_t k = 0; k < unit; k++)
            code = code << 8 | text.data[i + k];
        if (code == ' ' || (code >= '\t' && code <= '\r')) {
            space = begun;
            continue;
        }
        if (space)
            put(c, ' ');
        space = false;
        begun = true;
        if (tag == 0x0c && code >= 0x80)
            put(c, (uint8_t)code);
        else
            put_utf8(c, code);
    }
}

bool tlist_name_digest(dx_bytes name, uint8_t out[32])
{
    canonical c;
    dx_bytes rdns, rdn, pair, oid, text;
    unsigned tag;
    c.size = 0;
    c.full = false;
    if (!take(&name, 0x30, &rdns, NULL) || name.size != 0)
        return false;
    while (rdns.size > 0) {
        if (!take(&rdns, 0x31, &rdn, NULL))
            return false;
        put(&c, 0x31);
        while (rdn.size > 0) {
            if (!take(&rdn, 0x30, &pair, NULL) || !take(&pair, 0x06, &oid, NULL) ||
                !tlist_der_next(&pair, &tag, &text, NULL) || pair.size != 0)
                return false;
            put(&c, 0x06);
            put(&c, (uint8_t)oid.size);
            for (size_t i = 0; i < oid.size; i++)
                put(&c, oid.data[i]);
            put_string(&c, tag, text);
            put(&c, 0); /* ends the string: two attributes are not one longer one */
        }
    }
    if (c.full)
        return false;
    dx_sha256(dx_bytes_of(c.data, c.size), out);
    return true;
}

bool tlist_identity_key(dx_bytes spki, dx_bytes subject, uint8_t identity[32], uint8_t key[32],
                        uint8_t name[32])
{
    uint8_t both[64];
    dx_sha256(spki, key);
    if (!tlist_name_digest(subject, name))
        return false;
    memcpy(both, key, 32);
    memcpy(both + 32, name, 32);
    dx_sha256(dx_bytes_of(both, sizeof both), identity);
    return true;
}
