/* path_algorithm.h -- one list of signature algorithms and keys, for certificates, OCSP responses and CRLs.
 *
 * Standard: identity.md 5.2; RFC 3279, RFC 4055, RFC 5480, RFC 5758, RFC 8410. Read from DER as it stands: no
 * key is decoded, so that a point is on its curve is not said here but by the library that decodes it.
 * Threads: pure.
 */
#ifndef TRUST_PATH_PATH_ALGORITHM_H
#define TRUST_PATH_PATH_ALGORITHM_H

#include "trust/base/der.h"

typedef enum {
    ALGORITHMS_NOW = 0, /* identity.md 5.2 */
    ALGORITHMS_LEGACY /* also SHA-1, and RSA from 1024 bits: for public suites and old stamps, never for peers
                       */
} algorithm_set;

/* An AlgorithmIdentifier (whole item) of a signature: may it be used? Else ID-121. */
bool path_algorithm_allowed(dx_bytes algorithm, algorithm_set set);
/* A SubjectPublicKeyInfo (whole item): may it be used? Else ID-122. */
bool path_key_allowed(dx_bytes spki, algorithm_set set);

#endif
