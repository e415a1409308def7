/* crc32c.h -- CRC-32C (Castagnoli) of stored frames: it finds torn writes and rot; it proves nothing.
 *
 * Standard: RFC 3720 12.1. Threads: pure.
 */
#ifndef TRUST_PROVENANCE_CRC32C_H
#define TRUST_PROVENANCE_CRC32C_H

#include "trust/base/bytes.h"

uint32_t crc32c(dx_bytes data);
uint32_t crc32c_more(uint32_t crc, dx_bytes data); /* goes on from an earlier value; start with 0 */

static inline uint64_t be_read(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    while (bytes-- > 0)
        v = v << 8 | *p++;
    return v;
}
static inline void be_write(uint8_t *p, unsigned bytes, uint64_t v)
{
    while (bytes-- > 0) {
        p[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

#endif
