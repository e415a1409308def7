/* path_memo.h -- what a judge remembers from one judgement to the next.
 *
 * Only facts that belong to no path: whether one key made one signature, the decoded form of a key, and which
 * certificates stood above others in a path that held. The last are candidates of a search and nothing more;
 * nothing is trusted for having been seen. Three tables of fixed size; in each place the entry that was used
 * the longest time ago gives way (identity.md 4 and 6). Threads: of the judge that owns it.
 */
#ifndef TRUST_PATH_PATH_MEMO_H
#define TRUST_PATH_PATH_MEMO_H

#include "trust/base/bytes.h"

#include <openssl/types.h>

typedef struct path_memo path_memo;

path_memo *path_memo_new(void); /* NULL: no memory */
void path_memo_free(path_memo *memo);

typedef enum { PATH_EDGE_UNKNOWN = 0, PATH_EDGE_GOOD, PATH_EDGE_BAD } path_edge;

/* `key`: SHA-256 over the certificate below and the key above. */
path_edge path_memo_edge(path_memo *memo, const uint8_t key[32]);
void path_memo_edge_put(path_memo *memo, const uint8_t key[32], bool good);

/* The key of this SubjectPublicKeyInfo, decoded once; stays the memo's, for this judgement. NULL: it cannot
 * be decoded. */
EVP_PKEY *path_memo_key(path_memo *memo, dx_bytes spki);

/* Certificates that have stood in a path that held as `name` (a DER Name); how many were written. Spans live
 * until the next learning. */
size_t path_memo_learned(path_memo *memo, dx_bytes name, dx_bytes *out, size_t max);
void path_memo_learn(path_memo *memo, dx_bytes name, dx_bytes der, const uint8_t sha256[32]);

#endif
