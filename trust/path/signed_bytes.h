/* signed_bytes.h -- did this key sign these bytes, with an algorithm and a key that may be used?
 *
 * Standard: RFC 5280 4.1.1.2, 4.1.1.3; RFC 4055; RFC 8410; identity.md 5.2. For CRLs, OCSP responses and the
 * certificates of those who signed them. Threads: pure.
 */
#ifndef TRUST_PATH_SIGNED_BYTES_H
#define TRUST_PATH_SIGNED_BYTES_H

#include "trust/path/path_algorithm.h"

#include <openssl/types.h>

/* All spans are DER as it stands: `algorithm` an AlgorithmIdentifier, `signed_` what was signed, `signature`
 * its bits, `spki` a SubjectPublicKeyInfo. */
bool signed_bytes_ok(dx_bytes algorithm, dx_bytes signed_, dx_bytes signature, dx_bytes spki,
                     algorithm_set set);
/* The same with a key that was decoded before; whether algorithm and key may be used is not asked again.
 * libcrypto's queue of errors is left to the caller. */
bool signed_by_key(dx_bytes algorithm, dx_bytes signed_, dx_bytes signature, EVP_PKEY *key);

#endif
