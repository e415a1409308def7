/* room: gateway_http */
/* Bytes of a stranger as an HTTP/1.1 request: what is accepted is sound, and reads back as it is written. */
#include "gateway/http/h1_parse.h"

#undef NDEBUG /* the assertions are the test */
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end of the head, or what is wrong before it, does not depend on how the bytes came. */
static void is_the_same_in_pieces(dx_bytes in, const h1_rules *rules, h1_step whole, size_t head,
                                  const char *id)
{
    h1_head_state state = {0};
    dx_why why = {0};
    h1_step step = H1_MORE;
    size_t size = 0;
    for (size_t have = 1; step == H1_MORE && have <= in.size; have++)
        step = h1_head_find(&state, dx_bytes_part(in, 0, have), rules, &size, &why);
    assert(in.size == 0 || step == whole);
    assert(step != H1_DONE || size == head);
    assert(step != H1_BAD || strcmp(why.id, id) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const h1_rules rules = {.header_bytes = 32768, .field_bytes = 8192, .target_bytes = 8192, .fields = 100};
    h1_head_state state = {0};
    dx_arena arena = {0};
    http_message message, back;
    dx_why why = {0};
    dx_buf out;
    size_t head = 0;
    bool keep;
    dx_buf_init(&out, 1 << 20);
    h1_step found = h1_head_find(&state, dx_bytes_of(data, size), &rules, &head, &why);
    is_the_same_in_pieces(dx_bytes_of(data, size), &rules, found, head, why.id);
    if (found == H1_DONE &&
        h1_head_read(dx_bytes_of(data, head), &rules, &arena, &message, &keep, &why) == H1_DONE) {
        assert(message.path.size > 0 && message.authority.size > 0);
        assert(h1_write_request(&message, NULL, &out).code == DX_OK);
        /* Only what passes to the data API is written. */
        size_t kept = 0;
        for (size_t i = 0; i < message.field_count; i++)
            if (http_request_field(message.fields[i].name,
                                   http_nominated(&message, message.fields[i].name)) == HTTP_KEEP)
                message.fields[kept++] = message.fields[i];
        message.field_count = kept;
        dx_buf_clear(&out);
        assert(h1_write_request(&message, NULL, &out).code == DX_OK);
        const h1_rules wide = {
            .header_bytes = 65536, .field_bytes = 16384, .target_bytes = 16384, .fields = 200};
        assert(h1_head_read(dx_buf_view(&out), &wide, &arena, &back, &keep, &why) == H1_DONE);
        assert(dx_bytes_equal(back.path, message.path) && dx_bytes_equal(back.method, message.method));
        assert(back.body == message.body && back.body_length == message.body_length);
    }
    dx_buf_fini(&out);
    dx_arena_fini(&arena);
    return 0;
}
