/* room: trust_seal
 * A saved message from strangers: start line, fields, empty line, trailers. A seal without a known
 * certificate is never believed, whatever the bytes. */
#include "trust/seal/seal.h"

#include <assert.h>

#define FIELDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static dx_bytes line(dx_bytes *rest)
{
    const uint8_t *lf = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    size_t end = lf == NULL ? rest->size : (size_t)(lf - rest->data);
    dx_bytes out = dx_bytes_part(*rest, 0, end);
    *rest = dx_bytes_part(*rest, lf == NULL ? end : end + 1, rest->size);
    return out;
}

static size_t fields(dx_bytes *rest, seal_field *out)
{
    size_t count = 0;
    while (rest->size != 0 && count < FIELDS_MAX) {
        dx_bytes one = line(rest);
        const uint8_t *colon = one.size == 0 ? NULL : memchr(one.data, ':', one.size);
        if (one.size == 0)
            break;
        size_t at = colon == NULL ? one.size : (size_t)(colon - one.data);
        out[count++] = (seal_field){dx_bytes_part(one, 0, at), dx_bytes_part(one, at + 1, one.size)};
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_arena arena;
    dx_arena_init(&arena, 64 * 1024 * 1024);
    dx_bytes rest = dx_bytes_of(data, size), start = line(&rest), uri;
    seal_field head[FIELDS_MAX], trailers[FIELDS_MAX];
    const seal_message request = {.method = DX_BYTES("GET"),
                                  .target_uri = DX_BYTES("https://data.example/x")};
    const seal_check_spec spec = {.at_s = 1790845300, .skew_s = 60};
    seal_message message = {
        .is_response = dx_bytes_starts(start, "HTTP/"), .status = 200, .method = DX_BYTES("POST")};
    seal_verdict verdict;
    dx_why why;
    message.target_uri = request.target_uri;
    message.fields = head;
    message.field_count = fields(&rest, head);
    message.trailers = trailers;
    message.trailer_count = fields(&rest, trailers);
    message.has_body = true;
    message.body = rest;
    if (seal_check(&message, message.is_response ? &request : NULL, &spec, &arena, &verdict, &why).code ==
        DX_OK)
        assert(verdict.indication != SEAL_TOTAL_PASSED && verdict.first != NULL);
    if (seal_target_uri(DX_BYTES("Data.Example:443"), start, &arena, &uri, &why).code == DX_OK)
        assert(dx_bytes_starts(uri, "https://data.example"));
    dx_arena_fini(&arena);
    return 0;
}
