/* content_digest.h -- the Content-Digest field: sha-256 made, sha-256 and sha-512 read.
 * Standard: RFC 9530 2, RFC 9651. Threads: pure.
 */
#ifndef TRUST_SEAL_CONTENT_DIGEST_H
#define TRUST_SEAL_CONTENT_DIGEST_H

#include "trust/base/arena.h"

typedef struct {
    bool has_sha256, has_sha512;
    uint8_t sha256[32], sha512[64];
} content_digest;

typedef enum { CONTENT_DIGEST_OK, CONTENT_DIGEST_LOOSE, CONTENT_DIGEST_BAD } content_digest_form;

/* LOOSE: the only fault is base64 that is not canonical (SEAL-29). BAD: SEAL-10. */
content_digest_form content_digest_parse(dx_bytes value, dx_arena *arena, content_digest *out);

#define CONTENT_DIGEST_TEXT_SIZE 64
void content_digest_print(const uint8_t sha256[32], char out[CONTENT_DIGEST_TEXT_SIZE]);

/* Does each known member hold for this content? */
bool content_digest_holds(const content_digest *digest, dx_bytes content);

#endif
