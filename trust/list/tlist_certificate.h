/* tlist_certificate.h -- spans of a certificate by a small DER walk, and names by RFC 5280 7.1. */
#ifndef TRUST_LIST_TLIST_CERTIFICATE_H
#define TRUST_LIST_TLIST_CERTIFICATE_H

#include "trust/list/tlist.h"

/* Takes one TLV off the front of `in`. Definite, minimal lengths; low tag numbers. */
bool tlist_der_next(dx_bytes *in, unsigned *tag, dx_bytes *value, dx_bytes *whole);

typedef struct {
    dx_bytes serial, issuer, subject, spki; /* whole TLVs */
} tlist_certificate_parts;
/* False: not a certificate, or bytes behind it. */
bool tlist_certificate_walk(dx_bytes der, tlist_certificate_parts *out);

/* Spans and SHA-256. False as above. */
bool tlist_certificate_read(dx_bytes der, tlist_certificate *out);

/* SHA-256 over the canonical form of a Name: strings as UTF-8, ASCII letters small, white space folded (RFC
 * 5280 7.1). False when it is no Name. */
bool tlist_name_digest(dx_bytes name, uint8_t out[32]);

/* Digests of key and name, and the one of both that finds an identity. False: the subject is no Name. */
bool tlist_identity_key(dx_bytes spki, dx_bytes subject, uint8_t identity[32], uint8_t key[32],
                        uint8_t name[32]);

#endif
