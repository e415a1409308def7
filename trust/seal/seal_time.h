/* seal_time.h -- the DFFT-Seal-Time field: time evidence beside the seal.
 * Standard: RFC 9651; dfft-seal-v1 1.1. Threads: pure.
 */
#ifndef TRUST_SEAL_SEAL_TIME_H
#define TRUST_SEAL_SEAL_TIME_H

#include "trust/seal/seal.h"

#define SEAL_TIME_MAX 4

typedef struct {
    bool is_record; /* type=er; else type=tst */
    dx_bytes der;
} seal_time_item;

typedef enum {
    SEAL_TIME_OK,
    SEAL_TIME_TWICE,
    SEAL_TIME_LOOSE,
    SEAL_TIME_BAD
} seal_time_form; /* SEAL-02, SEAL-29, SEAL-01 */
seal_time_form seal_time_read(dx_bytes value, dx_arena *arena, seal_time_item items[SEAL_TIME_MAX],
                              size_t *count);

#endif
