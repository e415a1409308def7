#include "tests/support/cert_make.h"

#include <stdlib.h>

void der_put_raw(der_out *out, dx_bytes bytes)
{
    if (bytes.size > sizeof out->data - out->size)
        abort();
    if (bytes.size > 0)
        memcpy(out->data + out->size, bytes.data, bytes.size);
    out->size += bytes.size;
}

void der_put(der_out *out, uint8_t tag, dx_bytes value)
{
    uint8_t head[5] = {tag};
    size_t n = 1;
    if (value.size >= 0x10000) {
        head[n++] = 0x83;
        head[n++] = (uint8_t)(value.size >> 16);
        head[n++] = (uint8_t)(value.size >> 8);
    } else if (value.size >= 0x100) {
        head[n++] = 0x82;
        head[n++] = (uint8_t)(value.size >> 8);
    } else if (value.size >= 0x80) {
        head[n++] = 0x81;
    }
    head[n++] = (uint8_t)value.size;
    der_put_raw(out, dx_bytes_of(head, n));
    der_put_raw(out, value);
}

void der_put_extension(der_out *list, dx_bytes oid, bool critical, dx_bytes value)
{
    der_out *inside = calloc(1, sizeof *inside);
    if (inside == NULL)
        abort();
    der_put(inside, DER_OID, oid);
    if (critical)
        der_put(inside, DER_BOOLEAN, DX_BYTES("\xff"));
    der_put(inside, DER_OCTET_STRING, value);
    der_put(list, DER_SEQUENCE, der_made(inside));
    free(inside);
}

static dx_bytes or_else(dx_bytes given, dx_bytes usual)
{
    return given.data != NULL ? given : usual;
}

static void put_key(der_out *tbs, dx_bytes given)
{
    static const uint8_t point[66] = {0, 4};
    static der_out key;
    key.size = 0;
    der_put_raw(
        &key,
        DX_BYTES("\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"));
    der_put(&key, DER_BIT_STRING, dx_bytes_of(point, sizeof point));
    if (given.data != NULL)
        der_put_raw(tbs, given);
    else
        der_put(tbs, DER_SEQUENCE, der_made(&key));
}

static void put_extensions(der_out *tbs, const cert_parts *p)
{
    static der_out list, outer;
    list.size = outer.size = 0;
    if (!p->bare)
        der_put_extension(&list, DX_BYTES("\x55\x1d\x23"), false, DX_BYTES("\x30\x03\x80\x01\x01"));
    der_put_raw(&list, p->extensions);
    der_put(&outer, DER_SEQUENCE, der_made(&list));
    der_put(tbs, DER_CONSTRUCTED(3), der_made(&outer));
}

void cert_make(const cert_parts *p, der_out *out)
{
    static der_out tbs, whole;
    const dx_bytes version = or_else(p->version, DX_BYTES("\x02\x01\x02"));
    tbs.size = whole.size = out->size = 0;
    if (version.size > 0)
        der_put(&tbs, DER_CONSTRUCTED(0), version);
    der_put_raw(&tbs, or_else(p->serial, DX_BYTES("\x02\x01\x01")));
    der_put_raw(&tbs, or_else(p->inner, DX_BYTES(CERT_ALGORITHM)));
    der_put(&tbs, DER_SEQUENCE, or_else(p->issuer, DX_BYTES(CERT_ISSUER)));
    der_put(&tbs, DER_SEQUENCE,
            or_else(p->validity, DX_BYTES("\x17\x0d"
                                          "260101000000Z"
                                          "\x17\x0d"
                                          "270101000000Z")));
    der_put(&tbs, DER_SEQUENCE, or_else(p->subject, DX_BYTES(CERT_SUBJECT)));
    put_key(&tbs, p->spki);
    der_put_raw(&tbs, p->between);
    if (!p->no_extensions)
        put_extensions(&tbs, p);
    der_put(&whole, DER_SEQUENCE, der_made(&tbs));
    der_put_raw(&whole, or_else(p->outer, DX_BYTES(CERT_ALGORITHM)));
    der_put(&whole, DER_BIT_STRING, DX_BYTES("\x00sig"));
    der_put(out, DER_SEQUENCE, der_made(&whole));
}
