/* room: trust_provenance */
/* Inclusion proofs from strangers: accepted means that printing gives the same bytes (but for an extra line).
 */
#include "trust/provenance/checkpoint.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tlog_proof proof;
    prov_finding finding;
    if (!tlog_proof_parse((dx_bytes){data, size}, &proof, &finding))
        return 0;
    assert(proof.path.count <= MERKLE_PATH_MAX);
    merkle_hash leaf = merkle_leaf(DX_BYTES("x"));
    (void)merkle_check(&leaf, proof.index, proof.cp.size, &proof.path, &proof.cp.root);
    dx_buf again;
    dx_buf_init(&again, 1 << 18);
    if (!proof.extra && tlog_proof_print(proof.index, &proof.path, proof.cp.whole, &again).code == DX_OK)
        assert(dx_bytes_equal(dx_buf_view(&again), (dx_bytes){data, size}));
    dx_buf_fini(&again);
    return 0;
}
