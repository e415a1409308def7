/* tile.h -- C2SP tlog-tiles: paths, and hashes of subtrees out of the stored level arrays.
 *
 * Threads: pure.
 */
#ifndef TRUST_PROVENANCE_TILE_H
#define TRUST_PROVENANCE_TILE_H

#include "trust/provenance/merkle.h"

#include <stdio.h>

#define TILE_WIDTH 256

typedef struct {
    bool entries; /* a bundle of leaves */
    unsigned level;
    uint64_t n;
    unsigned width; /* 1..256 */
} tile_name;

/* "tile/0/x001/234.p/5", "tile/entries/000". False: no such name. */
bool tile_parse(dx_bytes path, tile_name *out);
void tile_print(const tile_name *name, char *out, size_t size); /* 96 bytes are enough */

#endif
