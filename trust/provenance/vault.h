/* vault.h -- keys behind commitments (provenance.md 5): a bucket key, wrapped by a key-encryption key that lies elsewhere.
 * Destroying the bucket key makes every opening under it impossible while all proofs stay valid.
 */
#ifndef TRUST_PROVENANCE_VAULT_H
#define TRUST_PROVENANCE_VAULT_H

#include "trust/base/io.h"

typedef struct vault vault;

/* Opens or makes the keys; durable before first use. DX_CONFIG: the key-encryption key does not fit the vault. */
DX_RC vault_open(const dx_io *io, const char *log_dir, const char *kek_dir, vault **out, dx_why *why);
void  vault_close(vault *v);
/* "c1:" and base64url(HMAC(salt(name), name 0x00 inner)); salt from the record's key. */
void vault_commit(const vault *v, const char *rec_id, const char *name, const uint8_t inner[32], char out[47]);
/* The slot leaf of the counters tree (6.4). */
void vault_slot(const vault *v, uint16_t slot, uint64_t n, uint8_t out[32]);

#endif
