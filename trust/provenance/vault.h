/* vault.h -- keys of what a leaf hides: bucket keys wrapped under key-encryption keys, and everything derived
 * from them.
 *
 * Standard: RFC 3394 (wrap), RFC 5869 (HKDF), SP 800-38D (GCM); provenance.md 4 (commitments) and 5.
 * A bucket key is durable before its first use; spare ones are made ahead, so that a commit never waits for
 * the vault. Losing the file loses openings, never proofs; destroying a key erases what it hides. Threads:
 * any; one lock.
 */
#ifndef TRUST_PROVENANCE_VAULT_H
#define TRUST_PROVENANCE_VAULT_H

#include "trust/provenance/provenance.h"

#define VAULT_COMMITMENT_SIZE 47 /* "c1:" and 43 digits, NUL */

/* ---- derivations; pure ---- */
void vault_k_rec(const uint8_t bucket[32], const uint8_t rec_id[16], uint8_t out[32]);
void vault_salt(const uint8_t k_rec[32], const char *name, uint8_t out[32]);
void vault_k_seal(const uint8_t k_rec[32], uint8_t out[32]);
void vault_commitment(const uint8_t salt[32], const char *name, const uint8_t inner_sha256[32],
                      char out[VAULT_COMMITMENT_SIZE]);
/* AES-256-GCM under K_seal, zero nonce (one message per key), AAD the 16 bytes of rec.id. */
DX_RC vault_side_seal(const uint8_t k_rec[32], const uint8_t rec_id[16], dx_bytes plain, dx_buf *out,
                      dx_why *why);
/* DX_BAD_SIGNATURE: another key or changed bytes. */
DX_RC vault_side_open(const uint8_t k_rec[32], const uint8_t rec_id[16], dx_bytes sealed, dx_buf *plain,
                      dx_why *why);
/* {"digest","name","salt"} against a leaf; PV-601. `value` may be NULL data: not checked. */
bool vault_opening_check(dx_bytes opening, dx_bytes leaf, dx_bytes value, prov_finding *finding);
bool vault_uuid(dx_bytes text, uint8_t out[16]);

/* ---- the store ---- */
typedef struct vault vault;
/* `folder`: <shard>/vault; `kek_dir`: key-encryption keys, made when missing. */
DX_RC vault_open(const dx_io *io, const dx_clock *clock, const char *folder, const char *kek_dir, vault **out,
                 dx_why *why);
void vault_close(vault *v);
/* K_rec of a new record. Bucket: per (peer organisation, first purpose, retention class), new after 65,536
 * records and at UTC midnight. */
DX_RC vault_record_key(vault *v, dx_bytes org, dx_bytes purpose, dx_bytes class_, const uint8_t rec_id[16],
                       uint8_t k_rec[32], dx_why *why);
/* The key of the counters of this shard; made once. */
DX_RC vault_counters_key(vault *v, uint8_t key[32], dx_why *why);
/* Makes spare keys where they run low. */
DX_RC vault_refill(vault *v, dx_why *why);
/* K_rec of a stored record, by trying the live keys of its class on its side data. DX_NOT_FOUND: erased or
 * lost (410). */
DX_RC vault_find(vault *v, dx_bytes class_, const uint8_t rec_id[16], dx_bytes sealed, uint8_t k_rec[32],
                 dx_buf *plain, dx_why *why);

#endif
