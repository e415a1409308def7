/* room: gateway_http */
/* Chunked content gives the same result in one piece and byte by byte. */
#include "gateway/http/h1_parse.h"

#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    h1_step step;
    size_t content, used, trailers;
    char id[16];
} result;

static result decode(dx_bytes in, size_t piece)
{
    static h1_body body;
    dx_arena arena = {0};
    http_message message = {.body = HTTP_BODY_STREAM};
    dx_why why = {0};
    result r = {.step = H1_MORE};
    h1_body_init(&body, &message, false);
    for (size_t end = 0; r.step == H1_MORE && (r.used < end || end < in.size);) {
        if (r.used == end)
            end = in.size - end > piece ? end + piece : in.size;
        size_t used;
        dx_bytes content;
        r.step = h1_body_take(&body, dx_bytes_part(in, r.used, end - r.used), &used, &content, &message, 16,
                              &arena, &why);
        r.used += used;
        r.content += content.size;
    }
    r.trailers = message.trailer_count;
    memcpy(r.id, why.id, sizeof r.id);
    dx_arena_fini(&arena);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536)
        return 0;
    result whole = decode(dx_bytes_of(data, size), size + 1), bytes = decode(dx_bytes_of(data, size), 1);
    assert(whole.step == bytes.step && strcmp(whole.id, bytes.id) == 0);
    assert(whole.step == H1_BAD ||
           (whole.content == bytes.content && whole.used == bytes.used && whole.trailers == bytes.trailers));
    return 0;
}
