/* seal_algorithm.h -- which algorithm name goes with which key, in JWS and in RFC 9421.
 * Threads: constant tables.
 */
#ifndef TRUST_SEAL_SEAL_ALGORITHM_H
#define TRUST_SEAL_SEAL_ALGORITHM_H

#include "trust/base/digest.h"
#include "trust/sign/sign.h"

typedef struct {
    const char *name;
    sign_key_kind kind;
    sign_form form;
    dx_hash_kind hash;  /* not for EdDSA, which takes the message */
    size_t value_bytes; /* fixed length of the value; 0: that of the RSA modulus */
} seal_algorithm;

const seal_algorithm *seal_algorithm_jws(dx_bytes name); /* NULL: not in the verify set */
const seal_algorithm *seal_algorithm_httpsig(dx_bytes name);
/* What decides when `alg` is absent (RFC 9421 3.2 step 6.2: the key material does). */
const seal_algorithm *seal_algorithm_httpsig_of_key(sign_key_kind kind);

/* The pair that this key seals with; NULL: none. `rsa_v15`: RSASSA-PKCS1-v1_5 where PSS is not strong enough.
 */
typedef struct {
    const seal_algorithm *jws, *httpsig;
    bool named; /* the RFC 9421 name is registered and goes into the list */
} seal_algorithm_pair;
bool seal_algorithm_for_sealing(sign_key_kind kind, unsigned bits, bool rsa_v15, bool eddsa,
                                seal_algorithm_pair *out);

/* Signs and verifies a text: hashes it as the algorithm says. */
DX_RC seal_algorithm_sign(const seal_algorithm *algorithm, sign_key *key, dx_bytes text, sign_value *out,
                          dx_why *why);
DX_RC seal_algorithm_verify(const seal_algorithm *algorithm, dx_bytes spki, dx_bytes text, dx_bytes value,
                            dx_why *why);

#endif
