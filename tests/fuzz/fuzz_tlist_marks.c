/* room: trust_list */
/* highwater.json as it may lie on a disk: read whole or refused, and what was read is written as it was. */
#include "trust/list/tlist_store_inside.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tlist_mark marks[TLIST_MARKS_MAX];
    static tlist_reset resets[TLIST_RESETS_MAX];
    tlist_store store = {.marks = marks, .resets = resets};
    dx_why why = {0};
    if (size > 1 << 20)
        return 0;
    struct dx_rc rc = tlist_mark_parse(&store, dx_bytes_of(data, size), &why);
    assert(rc.code == DX_OK || strcmp(why.id, "TL-711") == 0 || rc.code == DX_NO_MEMORY);
    if (rc.code != DX_OK)
        return 0;
    dx_buf text;
    tlist_store again = {.marks = marks, .resets = resets};
    dx_buf_init(&text, 4 << 20);
    assert(tlist_mark_print(&store, &text, NULL).code == DX_OK);
    assert(tlist_mark_parse(&again, dx_buf_view(&text), NULL).code == DX_OK);
    assert(again.mark_count == store.mark_count && again.reset_count == store.reset_count);
    dx_buf_fini(&text);
    return 0;
}
