#include "trust/seal/seal_message.h"

static bool named(const seal_field *field, dx_bytes name)
{
    return dx_bytes_equal_nocase(field->name, name);
}

size_t seal_message_times(seal_block block, const char *name)
{
    size_t times = 0;
    for (size_t i = 0; i < block.count; i++)
        times += named(&block.fields[i], dx_bytes_text(name));
    return times;
}

bool seal_message_has(seal_block block, const char *name)
{
    return seal_message_times(block, name) != 0;
}

dx_bytes seal_message_trim(dx_bytes value)
{
    while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = dx_bytes_of(value.data + 1, value.size - 1);
    while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t'))
        value.size--;
    return value;
}

DX_RC seal_message_value(seal_block block, dx_bytes name, dx_arena *arena, dx_bytes *out)
{
    size_t times = 0, size = 0;
    dx_bytes only = {0};
    for (size_t i = 0; i < block.count; i++)
        if (named(&block.fields[i], name)) {
            only = seal_message_trim(block.fields[i].value);
            size += only.size + 2;
            times++;
        }
    if (times == 0)
        return (struct dx_rc){DX_NOT_FOUND};
    *out = only;
    if (times == 1)
        return DX_OKAY;
    uint8_t *joined = dx_arena_alloc(arena, size);
    size_t at = 0;
    if (joined == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    for (size_t i = 0; i < block.count; i++)
        if (named(&block.fields[i], name)) {
            dx_bytes value = seal_message_trim(block.fields[i].value);
            if (at != 0) {
                memcpy(joined + at, ", ", 2);
                at += 2;
            }
            if (value.size != 0)
                memcpy(joined + at, value.data, value.size);
            at += value.size;
        }
    *out = dx_bytes_of(joined, at);
    return DX_OKAY;
}

bool seal_message_is_single(dx_bytes name)
{
    return dx_bytes_is_nocase(name, "content-type") || dx_bytes_is_nocase(name, "content-digest") ||
           dx_bytes_is_nocase(name, "content-range") || dx_bytes_is_nocase(name, "location") ||
           dx_bytes_equal_nocase(dx_bytes_part(name, 0, 5), DX_BYTES("dfft-"));
}

bool seal_message_wants_body(const seal_message *m, const seal_message *request)
{
    if (!m->is_response)
        return m->has_body;
    return m->status != 204 && m->status != 304 && m->status >= 200 &&
           (request == NULL || !dx_bytes_is(request->method, "HEAD"));
}

bool seal_message_is_ascii(dx_bytes value)
{
    for (size_t i = 0; i < value.size; i++)
        if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] > 0x7e)
            return false;
    return true;
}
