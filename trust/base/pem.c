#include "trust/base/pem.h"

#include <stdio.h>

DX_RC pem_next(dx_bytes *text, const char *label, const char *file, dx_arena *arena, dx_bytes *der,
               dx_why *why)
{
    char begin[64], end[64];
    *der = (dx_bytes){NULL, 0};
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
    snprintf(end, sizeof end, "-----END %s-----", label);
    const uint8_t *from = text->size == 0 ? NULL : memmem(text->data, text->size, begin, strlen(begin));
    if (from == NULL)
        return DX_OKAY;
    dx_bytes rest = dx_bytes_part(*text, (size_t)(from - text->data) + strlen(begin), text->size);
    const uint8_t *to = memmem(rest.data, rest.size, end, strlen(end));
    if (to == NULL)
        return DX_FAIL(why, CONFIG, "RFC 7468 3", "%.150s: a block without its end line", file);
    size_t room = (size_t)(to - rest.data), size = 0;
    uint8_t *base64 = dx_arena_alloc(arena, room + 1), *out = dx_arena_alloc(arena, room + 1);
    if (base64 == NULL || out == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for %.150s", file);
    for (const uint8_t *c = rest.data; c < to; c++)
        if (*c != '\n' && *c != '\r' && *c != ' ' && *c != '\t')
            base64[size++] = *c;
    if (!dx_base64_decode(dx_bytes_of(base64, size), out, &room))
        return DX_FAIL(why, CONFIG, "RFC 7468 3", "%.150s: a block is not base64", file);
    *der = dx_bytes_of(out, room);
    *text = dx_bytes_part(rest, (size_t)(to - rest.data) + strlen(end), rest.size);
    return DX_OKAY;
}
