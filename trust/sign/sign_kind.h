/* sign_kind.h -- what the files of this room share: a decoded key and its family.
 * Threads: values.
 */
#ifndef TRUST_SIGN_SIGN_KIND_H
#define TRUST_SIGN_SIGN_KIND_H

#include "trust/sign/sign.h"

#include <openssl/evp.h>

struct sign_key {
    EVP_PKEY *pkey;
    sign_key_kind kind;
    uint8_t *spki;
    size_t spki_size;
    uint64_t serial; /* never reused: the per-thread contexts of sign_now are found by it */
    int references;
};

/* Family and strength of a decoded key; false for curves and kinds that nobody here signs with. */
bool sign_kind_of(const EVP_PKEY *pkey, sign_key_kind *kind, unsigned *bits);

/* Does a signature of this form come from such a key? An RSASSA-PSS-only key never makes PKCS #1 v1.5 (RFC
 * 4055 1.2). */
bool sign_kind_fits(const EVP_PKEY *pkey, sign_key_kind kind, sign_form form);

/* Fixed width of r and of s (RFC 7518 3.4); 0 for other kinds. */
size_t sign_kind_field_bytes(sign_key_kind kind);

#endif
