/* room: policy */
/* Bodies from strangers: however a body is cut into slices, the same is found. First byte: kind and size of a
 * slice. */
#include "policy/body_scan.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    body_scan_kind kind = (body_scan_kind)(data[0] % 3);
    size_t slice = 1 + data[0] / 3 % 16;
    dx_bytes body = dx_bytes_of(data + 1, size - 1);
    body_scan whole, parts;
    body_scan_init(&whole, kind, NULL);
    body_scan_add(&whole, body);
    body_scan_end(&whole);
    body_scan_init(&parts, kind, NULL);
    for (size_t i = 0; i < body.size; i += slice)
        body_scan_add(&parts, dx_bytes_part(body, i, slice));
    body_scan_end(&parts);
    assert(memcmp(whole.found, parts.found, sizeof whole.found) == 0);
    assert(whole.found[0] <= body.size / 12);
    return 0;
}
