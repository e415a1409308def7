/* room: trust_base
 * Structured fields from strangers. What is accepted prints canonically, and that text is accepted as an
 * equal. */
#include "trust/base/sfield.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_arena arena;
    dx_arena_init(&arena, 16 * 1024 * 1024);
    sfield_list list, again;
    dx_buf once, twice;
    dx_buf_init(&once, 256 * 1024);
    dx_buf_init(&twice, 256 * 1024);
    if (sfield_dictionary_parse(dx_bytes_of(data, size), &arena, &list) &&
        sfield_print_dictionary(&list, &once).code == DX_OK && once.size <= 16384) {
        assert(sfield_dictionary_parse(dx_buf_view(&once), &arena, &again));
        assert(sfield_print_dictionary(&again, &twice).code == DX_OK);
        assert(dx_bytes_equal(dx_buf_view(&once), dx_buf_view(&twice)));
    }
    dx_buf_clear(&once);
    dx_buf_clear(&twice);
    if (sfield_list_parse(dx_bytes_of(data, size), &arena, &list) &&
        sfield_print_list(&list, &once).code == DX_OK && once.size <= 16384) {
        assert(sfield_list_parse(dx_buf_view(&once), &arena, &again));
        assert(sfield_print_list(&again, &twice).code == DX_OK);
        assert(dx_bytes_equal(dx_buf_view(&once), dx_buf_view(&twice)));
    }
    sfield_item item;
    if (sfield_item_parse(dx_bytes_of(data, size), &arena, &item)) {
        dx_buf_clear(&once);
        assert(sfield_print_item(&item, &once).code == DX_OK);
    }
    dx_buf_fini(&once);
    dx_buf_fini(&twice);
    dx_arena_fini(&arena);
    return 0;
}
