/* trust_peers.h -- certificates of peers, judged under one snapshot and under another. */
#ifndef GATEWAY_CLI_TRUST_PEERS_H
#define GATEWAY_CLI_TRUST_PEERS_H

#include "trust/path/path.h"

typedef struct {
    const char *file;
    uint8_t sha256[32];
    char before[160],
        after[160]; /* answer, id, level, basis; with type and status of the service behind it */
    bool touched;   /* they differ */
} trust_peer;

/* Judges every certificate file of `path` (PEM or DER; a folder: each file in it, by name), the first
 * certificate of a file being the peer's and the others its chain. Revocation is not asked: lists do not
 * change it. NULL is a snapshot without lists. */
DX_RC trust_peers(const char *path, const tlist_snapshot *before, const tlist_snapshot *after, int64_t at_s,
                  const char *home_scheme, void (*line)(void *context, const trust_peer *peer), void *context,
                  dx_why *why);

#endif
