/* cert_make.h -- certificates of one's own, byte by byte, so that each rule of form can be broken alone.
 *
 * Nothing is signed: who looks at signatures takes path_world.h.
 */
#ifndef TESTS_SUPPORT_CERT_MAKE_H
#define TESTS_SUPPORT_CERT_MAKE_H

#include "trust/base/der.h"

typedef struct {
    uint8_t data[1 << 17];
    size_t size;
} der_out;

/* Appends an item, or bytes as they stand. Aborts when the room is full. */
void der_put(der_out *out, uint8_t tag, dx_bytes value);
void der_put_raw(der_out *out, dx_bytes bytes);
static inline dx_bytes der_made(const der_out *out)
{
    return dx_bytes_of(out->data, out->size);
}

/* An extension: contents of its OID, contents of extnValue. */
void der_put_extension(der_out *list, dx_bytes oid, bool critical, dx_bytes value);

typedef struct {              /* whole items; without data: as in a sound leaf of 2026 */
    dx_bytes version;         /* the INTEGER in [0]; size 0 with data: left out */
    dx_bytes serial, inner;   /* inner: AlgorithmIdentifier in the TBS */
    dx_bytes issuer, subject; /* contents of the Name */
    dx_bytes validity;        /* contents */
    dx_bytes spki, between;   /* between: what stands after the key, as unique identifiers do */
    dx_bytes extensions;      /* extensions one after the other, behind an authorityKeyIdentifier */
    bool bare;                /* without that one */
    bool no_extensions;       /* without [3] at all */
    dx_bytes outer;
} cert_parts;

void cert_make(const cert_parts *parts, der_out *out);

#define CERT_ALGORITHM "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02" /* ecdsa-with-SHA256 */
#define CERT_SUBJECT   "\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04leaf" /* CN=leaf */
#define CERT_ISSUER                                                                                          \
    "\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"                                                           \
    "CA"

#endif
