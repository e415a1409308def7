/* room: gateway_exchange */
/* The index of kept revocation answers: whatever the file holds, at most as many rows as there is room. */
#include "gateway/exchange/judge_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    judge_saved rows[3];
    size_t count;
    dx_why why;
    if (judge_load_parse(dx_bytes_of(data, size), rows, 3, &count, &why).code == DX_OK && count > 3)
        abort();
    return 0;
}
