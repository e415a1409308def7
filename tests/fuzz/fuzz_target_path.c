/* room: gateway_http */
/* The canonical form of a path is its own canonical form, and holds nothing that can be read in two ways. */
#include "gateway/http/http_message.h"

#undef NDEBUG /* the assertions are the test */
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_arena arena = {0};
    dx_bytes path, query, again, host;
    bool has_query;
    dx_why why = {0};
    if (size <= 16384 &&
        http_target_parse(dx_bytes_of(data, size), &arena, &path, &query, &has_query, &why).code == DX_OK) {
        assert(path.size > 0 && path.data[0] == '/' && path.size <= size);
        assert(memmem(path.data, path.size, "//", 2) == NULL &&
               memmem(path.data, path.size, "/../", 4) == NULL);
        assert(memmem(path.data, path.size, "%2F", 3) == NULL && memchr(path.data, '\\', path.size) == NULL);
        for (size_t i = 0; i < path.size; i++)
            assert(path.data[i] > 0x20 && path.data[i] < 0x7f && path.data[i] != '?' && path.data[i] != '#');
        assert(http_target_parse(path, &arena, &again, &query, &has_query, &why).code == DX_OK);
        assert(dx_bytes_equal(path, again) && !has_query);
    }
    if (http_authority_parse(dx_bytes_of(data, size), &arena, &host, &why).code == DX_OK) {
        assert(http_authority_parse(host, &arena, &again, &why).code == DX_OK);
        assert(dx_bytes_equal(host, again));
    }
    dx_arena_fini(&arena);
    return 0;
}
