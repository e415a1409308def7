/* trust_block.h -- whom the operator refuses whatever the lists say (identity.md 11, ID-309).
 *
 * A file of lines: `certificate SHA-256 REASON`, `key SHA-256 REASON` (of a SubjectPublicKeyInfo) or
 * `organisation ID REASON`; digests in lower-case hex, empty lines and lines that start with # mean nothing.
 * A certificate or key of a CA refuses everything below it. The reason is for our own log; the peer hears
 * "not accepted here". Limits: 1 MiB, 65,536 lines. Threads: a block set is immutable and reference counted.
 */
#ifndef GATEWAY_EXCHANGE_TRUST_BLOCK_H
#define GATEWAY_EXCHANGE_TRUST_BLOCK_H

#include "trust/base/io.h"

typedef struct trust_block trust_block;

DX_RC trust_block_parse(dx_bytes text, trust_block **out, dx_why *why); /* DX_MALFORMED names the line */
DX_RC trust_block_load(const dx_io *io, const char *file, trust_block **out, dx_why *why);
trust_block *trust_block_ref(trust_block *block); /* NULL is fine, here and below: nobody is blocked */
void trust_block_unref(trust_block *block);
const uint8_t *trust_block_sha256(const trust_block *block); /* of the file; zeros for NULL */
/* The reason, or NULL. */
const char *trust_block_certificate(const trust_block *block, const uint8_t sha256[32]);
const char *trust_block_key(const trust_block *block, dx_bytes certificate); /* DER certificate */
const char *trust_block_organisation(const trust_block *block, const char *id);

#endif
