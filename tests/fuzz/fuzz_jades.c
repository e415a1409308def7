/* room: trust_seal
 * A JWS from strangers, compact or JSON. Accepted means that its parts are what they were read from. */
#include "trust/seal/jades.h"
#include "trust/seal/seal.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_arena arena;
    dx_arena_init(&arena, 64 * 1024 * 1024);
    jades read;
    jades_fault fault = jades_read(dx_bytes_of(data, size), true, &arena, &read);
    if (fault.id == NULL) {
        char *text = dx_arena_printf(&arena, DX_TEXT_FMT ".." DX_TEXT_FMT, DX_TEXT_ARG(read.protected_text),
                                     DX_TEXT_ARG(read.signature_text));
        assert(dx_bytes_is(dx_bytes_of(data, size), text));
        assert(read.reference == JADES_REF_X5T_S256 && read.alg.size != 0);
    }
    const seal_object object = {.name = "seal-base.txt", .content = DX_BYTES("base")};
    const seal_check_spec spec = {.at_s = 1790845300, .skew_s = 60};
    seal_verdict verdict;
    dx_why why;
    if (seal_check_jws(dx_bytes_of(data, size), &object, 1, &spec, &arena, &verdict, &why).code == DX_OK)
        assert(verdict.indication != SEAL_TOTAL_PASSED && verdict.first != NULL);
    dx_arena_fini(&arena);
    return 0;
}
