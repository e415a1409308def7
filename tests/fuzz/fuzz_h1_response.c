/* room: gateway_http */
/* Bytes of the data API as an answer, head and content; the first byte says whether it answers HEAD. */
#include "gateway/http/h1_parse.h"

#undef NDEBUG /* the assertions are the test */
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const h1_rules rules = {.header_bytes = 32768,
                            .field_bytes = 8192,
                            .target_bytes = 8192,
                            .fields = 100,
                            .response = true,
                            .head_request = data[0] == 'H'};
    dx_bytes in = dx_bytes_of(data + 1, size - 1);
    h1_head_state state = {0};
    dx_arena arena = {0};
    http_message message;
    dx_why why = {0};
    size_t head = 0, used = 1;
    bool keep;
    static h1_body body;
    if (h1_head_find(&state, in, &rules, &head, &why) == H1_DONE &&
        h1_head_read(dx_bytes_part(in, 0, head), &rules, &arena, &message, &keep, &why) == H1_DONE) {
        assert(message.status >= 100 && message.status <= 599);
        h1_body_init(&body, &message, true);
        h1_step step = H1_MORE;
        for (size_t at = head; step == H1_MORE && used > 0 && at < in.size; at += used) {
            dx_bytes content;
            step = h1_body_take(&body, dx_bytes_part(in, at, in.size), &used, &content, &message, 16, &arena,
                                &why);
            assert(used <= in.size - at && content.size <= used);
        }
        assert(step != H1_BAD || why.id[0] != 0);
    }
    dx_arena_fini(&arena);
    return 0;
}
