/* room: trust_provenance */
/* Notes, checkpoints and verifier keys from strangers. */
#include "trust/provenance/checkpoint.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static checkpoint_trust trust;
    checkpoint cp;
    prov_finding finding;
    note_key key;
    dx_bytes text = {data, size};
    if (checkpoint_parse(text, &cp, &finding)) {
        dx_buf again; /* accepted means one spelling: the text printed from its values is the text */
        char origin[NOTE_ORIGIN_MAX + 1] = "";
        memcpy(origin, cp.origin.data, cp.origin.size);
        dx_buf_init(&again, 4096);
        if (checkpoint_print(origin, cp.size, &cp.root, &again).code == DX_OK)
            assert(dx_bytes_equal(dx_buf_view(&again), cp.note.text));
        dx_buf_fini(&again);
    }
    if (note_key_parse(text, &key) == NULL) {
        dx_buf again;
        dx_buf_init(&again, 4096);
        if (note_key_print(&key, &again).code == DX_OK)
            assert(dx_bytes_equal(dx_buf_view(&again), text));
        dx_buf_fini(&again);
    }
    checkpoint_trust_init(&trust);
    (void)checkpoint_trust_policy(&trust, text, &finding);
    return 0;
}
