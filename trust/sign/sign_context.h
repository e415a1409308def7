/* sign_context.h -- initialised EVP contexts that a thread keeps, so that a signature costs the signature.
 *
 * Fetching algorithms and making a context costs 15 % of a P-256 signature, and decoding a public key costs
 * more than the check it is for. Each thread keeps a few of both; the oldest makes room. Threads: all state
 * is per thread.
 */
#ifndef TRUST_SIGN_SIGN_CONTEXT_H
#define TRUST_SIGN_SIGN_CONTEXT_H

#include "trust/sign/sign_kind.h"

/* A context ready for EVP_PKEY_sign with this key, form and digest size; NULL: the key cannot. */
EVP_PKEY_CTX *sign_context_private(const sign_key *key, sign_form form, size_t digest_size);

/* A decoded public key with its context for EVP_PKEY_verify (no context for EdDSA). */
typedef struct {
    EVP_PKEY *pkey;
    sign_key_kind kind;
    unsigned bits;
    EVP_PKEY_CTX *context;
} sign_public;
/* DX_MALFORMED not a SubjectPublicKeyInfo; DX_UNSUPPORTED another kind of key, or a form it cannot make. */
DX_RC sign_context_public(dx_bytes spki, sign_form form, size_t digest_size, sign_public *out, dx_why *why);

#endif
