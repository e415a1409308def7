/* path_key.h -- a SubjectPublicKeyInfo becomes a key that libcrypto verifies with.
 *
 * Standard: RFC 5280 4.1.2.7, RFC 5480. libcrypto's general decoder tries every format that it knows, which
 * costs more than the signature; a point on a named curve is put into a copy of that curve's parameters
 * instead, and is checked to lie on it. Threads: curves belong to one thread.
 */
#ifndef TRUST_PATH_PATH_KEY_H
#define TRUST_PATH_PATH_KEY_H

#include "trust/base/bytes.h"

#include <openssl/types.h>

#define PATH_CURVES 6

typedef struct { /* zeroed: none met yet */
    EVP_PKEY *known[PATH_CURVES];
} path_curves;

void path_curves_fini(path_curves *curves);
/* NULL: no key, a point off its curve, or no memory. Yours: EVP_PKEY_free. */
EVP_PKEY *path_key_decode(path_curves *curves, dx_bytes spki);

#endif
