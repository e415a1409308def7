/* stamp_ber.c -- real authorities send ContentInfo in BER with indefinite lengths; everything behind this
 * file reads one form only. What is signed is not touched: the TSTInfo is the value of an octet string,
 * signed attributes and certificates are DER in the original or their signature does not hold. */
#include "trust/stamp/stamp_private.h"

#define DEPTH_MAX 24 /* names and extensions inside certificates reach 14 in real tokens */

typedef struct {
    uint8_t tag;
    dx_bytes value; /* with an indefinite length: all that follows */
    bool indefinite;
} ber_item;

static bool read_head(dx_bytes *in, ber_item *out)
{
    if (in->size < 2 || (in->data[0] & 0x1f) == 0x1f)
        return false;
    size_t head = 2, size = in->data[1];
    out->tag = in->data[0];
    out->indefinite = size == 0x80;
    if (out->indefinite) {
        out->value = dx_bytes_part(*in, 2, in->size);
        return (out->tag & 0x20) != 0;
    }
    if (size > 0x80) {
        size_t octets = size & 0x7f;
        if (octets > 4 || in->size < 2 + octets)
            return false;
        size = 0;
        for (size_t i = 0; i < octets; i++)
            size = size << 8 | in->data[2 + i];
        head += octets;
    }
    if (size > in->size - head)
        return false;
    out->value = dx_bytes_of(in->data + head, size);
    *in = dx_bytes_of(in->data + head + size, in->size - head - size);
    return true;
}

static bool add_head(dx_buf *out, uint8_t tag, size_t size)
{
    uint8_t head[6] = {tag};
    size_t used = 1;
    if (size < 0x80) {
        head[used++] = (uint8_t)size;
    } else {
        size_t octets = size > 0xffffff ? 4 : size > 0xffff ? 3 : size > 0xff ? 2 : 1;
        head[used++] = (uint8_t)(0x80 | octets);
        for (size_t i = octets; i-- > 0;)
            head[used++] = (uint8_t)(size >> (8 * i));
    }
    return dx_buf_add(out, dx_bytes_of(head, used)).code == DX_OK;
}

static bool copy_items(dx_bytes *in, bool until_end, bool pieces, unsigned depth, dx_buf *out);

/* Writes the item at the front of `in`; lengths are known only after its contents, so these are made first.
 */
static bool copy_item(dx_bytes *in, bool pieces, unsigned depth, dx_buf *out)
{
    ber_item item;
    dx_buf inner;
    if (depth > DEPTH_MAX || !read_head(in, &item))
        return false;
    if ((item.tag & 0x20) == 0)
        return (pieces ? item.tag == DER_OCTET_STRING : add_head(out, item.tag, item.value.size)) &&
               dx_buf_add(out, item.value).code == DX_OK;
    bool octets = item.tag == (DER_OCTET_STRING | 0x20);
    if (pieces && !octets)
        return false;
    dx_buf_init(&inner, STAMP_TOKEN_MAX);
    bool ok = copy_items(&item.value, item.indefinite, octets, depth + 1, &inner) &&
              (pieces || add_head(out, octets ? DER_OCTET_STRING : item.tag, inner.size)) &&
              dx_buf_add(out, dx_buf_view(&inner)).code == DX_OK;
    if (item.indefinite)
        *in = item.value;
    dx_buf_fini(&inner);
    return ok;
}

static bool copy_items(dx_bytes *in, bool until_end, bool pieces, unsigned depth, dx_buf *out)
{
    while (in->size > 0) {
        if (until_end && in->size >= 2 && in->data[0] == 0 && in->data[1] == 0) {
            *in = dx_bytes_part(*in, 2, in->size);
            return true;
        }
        if (!copy_item(in, pieces, depth, out))
            return false;
    }
    return !until_end;
}

/* Is every length, down to the leaves, definite and minimal already? The usual case needs no copy. */
static bool is_definite(dx_bytes in, unsigned depth)
{
    der_item item;
    while (in.size > 0)
        if (depth > DEPTH_MAX || !der_next(&in, &item) || item.tag == (DER_OCTET_STRING | 0x20) ||
            ((item.tag & 0x20) != 0 && !is_definite(item.value, depth + 1)))
            return false;
    return true;
}

bool stamp_ber_definite(dx_bytes in, dx_arena *arena, dx_bytes *out)
{
    dx_bytes rest = in;
    der_item whole;
    if (in.size == 0 || in.size > STAMP_TOKEN_MAX)
        return false;
    if (der_next(&rest, &whole) && rest.size == 0 && is_definite(in, 0)) {
        *out = in;
        return true;
    }
    dx_buf copy;
    dx_buf_init(&copy, STAMP_TOKEN_MAX);
    rest = in;
    bool ok = copy_item(&rest, false, 0, &copy) && rest.size == 0;
    if (ok)
        *out = dx_arena_bytes(arena, dx_buf_view(&copy));
    dx_buf_fini(&copy);
    return ok && out->data != NULL;
}
