/* sign.h -- bytes in, signature out. Which key, where it lives, and how slow it is stays behind this page, so
 * that a signer process fits here one day.
 *
 * Standard: RFC 7518 3.4 (fixed-length r‖s), RFC 9421 3.3, RFC 8032.
 * Threads: a key is shared and immutable; sign_now keeps one initialised context per thread.
 */
#ifndef TRUST_SIGN_SIGN_H
#define TRUST_SIGN_SIGN_H

#include "trust/base/bytes.h"
#include "trust/base/io.h"

typedef enum { SIGN_P256, SIGN_P384, SIGN_P521, SIGN_RSA, SIGN_ED25519 } sign_key_kind;

typedef enum {                   /* how the value is made over a digest (or, Ed25519, over the message) */
               SIGN_ECDSA,       /* value: DER ECDSA-Sig-Value */
               SIGN_ECDSA_FIXED, /* value: r‖s, 64/96/132 bytes */
               SIGN_RSA_PSS,     /* salt = digest length, MGF1 with the same hash */
               SIGN_RSA_PKCS1,
               SIGN_EDDSA
} sign_form;

#define SIGN_VALUE_MAX_BYTES 1024
typedef struct {
    uint8_t bytes[SIGN_VALUE_MAX_BYTES];
    size_t size;
} sign_value;

typedef struct {
    const char *file; /* PEM private key: a regular file, owner root or us, no bits for others (mode & 077) */
    const dx_io *io;
    bool allow_loose_mode; /* test worlds only */
} sign_spec;

typedef struct sign_key sign_key;

/* DX_CONFIG not a key, wrong mode, unsupported kind; DX_NOT_FOUND no such file. */
DX_RC sign_open(const sign_spec *spec, sign_key **out, dx_why *why);
sign_key *sign_ref(sign_key *key);
void sign_unref(sign_key *key);

sign_key_kind sign_kind(const sign_key *key);
dx_bytes sign_public_spki(const sign_key *key); /* DER SubjectPublicKeyInfo; lives with the key */

/* `digest`: SHA-256/384/512 by its size, or the message for EdDSA (at most 2 KiB). */
DX_RC sign_now(sign_key *key, sign_form form, dx_bytes digest, sign_value *out, dx_why *why);

/* Does `value` fit `digest` under the public key in `spki`? DX_OK yes; DX_BAD_SIGNATURE no; else could not
 * find out. */
DX_RC sign_verify(dx_bytes spki, sign_form form, dx_bytes digest, dx_bytes value, dx_why *why);

/* What kind of key a SubjectPublicKeyInfo holds, and its size in bits. DX_UNSUPPORTED for others. */
DX_RC sign_spki_kind(dx_bytes spki, sign_key_kind *kind, unsigned *bits, dx_why *why);

/* Makes key pairs for `sekisho` tools and tests: PEM, mode 0600. */
DX_RC sign_generate(const dx_io *io, sign_key_kind kind, const char *file, dx_why *why);

#endif
