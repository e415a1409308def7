/* room: gateway_exchange */
/* The operator's block set: refused with a line, or read whole and looked up without a step outside. */
#include "gateway/exchange/trust_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    trust_block *block;
    dx_why why;
    uint8_t digest[32] = {0};
    if (trust_block_parse(dx_bytes_of(data, size), &block, &why).code != DX_OK)
        return block != NULL; /* never both */
    (void)trust_block_certificate(block, digest);
    (void)trust_block_key(block, dx_bytes_of(data, size));
    (void)trust_block_organisation(block, "NTRDE-HRB1");
    trust_block_unref(block);
    return 0;
}
