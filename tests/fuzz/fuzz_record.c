/* room: trust_provenance */
/* Leaves from strangers: accepted means canonical in the eyes of another writer of RFC 8785, too. */
#include "trust/base/json.h"
#include "trust/provenance/leaf_lint.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    leaf_view view;
    prov_finding finding;
    dx_bytes leaf = {data, size}, text;
    if (!leaf_lint(leaf, &view, &finding))
        return 0;
    json_t *tree = NULL;
    dx_buf again;
    dx_buf_init(&again, 1 << 18);
    assert(dx_json_read(leaf, &(dx_json_limits){.max_bytes = LEAF_MAX_BYTES}, &tree, NULL).code == DX_OK);
    assert(dx_json_canonical(tree, &again).code == DX_OK);
    assert(dx_bytes_equal(dx_buf_view(&again), leaf));
    json_decref(tree);
    dx_buf_fini(&again);
    size_t at = 0;
    uint64_t n;
    while (leaf_view_next(leaf_view_get(&view, "purpose.ids"), &at, &text))
        assert(text.size > 0);
    at = 0;
    while (leaf_view_next_pair(leaf_view_get(&view, "log.n"), &at, &text, &n))
        assert(n > 0);
    return 0;
}
