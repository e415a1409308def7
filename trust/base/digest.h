/* digest.h -- SHA-2 and HMAC over bytes; the one place that knows how OpenSSL wants to be asked.
 *
 * Threads: each thread keeps its own fetched algorithms; a dx_hash belongs to one thread at a time.
 */
#ifndef TRUST_BASE_DIGEST_H
#define TRUST_BASE_DIGEST_H

#include "trust/base/bytes.h"

#define DX_SHA256_SIZE 32

typedef enum { DX_HASH_SHA256, DX_HASH_SHA384, DX_HASH_SHA512 } dx_hash_kind;
size_t dx_hash_size(dx_hash_kind kind);

/* One shot. The process stops (abort) if the library cannot hash: nothing here could go on safely. */
void dx_sha256(dx_bytes in, uint8_t out[DX_SHA256_SIZE]);
void dx_digest(dx_hash_kind kind, dx_bytes in, uint8_t *out);
void dx_hmac_sha256(dx_bytes key, dx_bytes in, uint8_t out[DX_SHA256_SIZE]);
/* HKDF-SHA-256 (RFC 5869): extract and expand to 32 bytes. */
void dx_hkdf_sha256(dx_bytes key, dx_bytes salt, dx_bytes info, uint8_t out[32]);

/* Slices as they arrive. */
typedef struct dx_hash dx_hash;
dx_hash *dx_hash_new(dx_hash_kind kind); /* NULL: out of memory */
void dx_hash_add(dx_hash *hash, dx_bytes in);
void dx_hash_done(dx_hash *hash, uint8_t *out); /* writes dx_hash_size bytes and starts afresh */
void dx_hash_free(dx_hash *hash);

#endif
