#include "trust/base/digest.h"
#include "trust/provenance/prov_private.h"

#include <stdio.h>

/* Segment files: a header, then one frame per group commit (provenance.md 3.2, 9). */

uint32_t crc32c(uint32_t crc, dx_bytes in)
{
    static uint32_t table[256];
    if (table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++)
                c = c & 1 ? 0x82f63b78U ^ (c >> 1) : c >> 1;
            table[i] = c;
        }
    crc = ~crc;
    for (size_t i = 0; i < in.size; i++)
        crc = table[(crc ^ in.data[i]) & 255] ^ (crc >> 8);
    return ~crc;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)(v >> 32));
    put32(p + 4, (uint32_t)v);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get64(const uint8_t *p)
{
    return (uint64_t)get32(p) << 32 | get32(p + 4);
}

void segment_header(uint8_t out[SEGMENT_HEADER], uint32_t ordinal, uint64_t first, uint64_t epoch, const char *origin, const merkle_hash root,
                    uint64_t created_us)
{
    memset(out, 0, SEGMENT_HEADER);
    memcpy(out, "SKSEG001", 8);
    put32(out + 8, ordinal);
    put64(out + 16, first);
    put64(out + 24, epoch);
    dx_sha256(dx_bytes_text(origin), out + 32);
    memcpy(out + 64, root, 32);
    put64(out + 96, created_us);
    put32(out + 104, crc32c(0, dx_bytes_of(out, 104)));
}

static bool all_zero(dx_bytes b)
{
    for (size_t i = 0; i < b.size; i++)
        if (b.data[i] != 0)
            return false;
    return true;
}

const char *segment_header_read(dx_bytes s, const char *origin, uint32_t *ordinal, uint64_t *first, uint64_t *epoch, merkle_hash root)
{
    uint8_t of[32];
    if (s.size < SEGMENT_HEADER || memcmp(s.data, "SKSEG001", 8) != 0 || get32(s.data + 104) != crc32c(0, dx_bytes_part(s, 0, 104)) ||
        get32(s.data + 12) != 0 || !all_zero(dx_bytes_part(s, 108, SEGMENT_HEADER - 108)))
        return "PV-108";
    dx_sha256(dx_bytes_text(origin), of);
    *ordinal = get32(s.data + 8);
    *first = get64(s.data + 16);
    *epoch = get64(s.data + 24);
    memcpy(root, s.data + 64, 32);
    return memcmp(of, s.data + 32, 32) == 0 ? NULL : "PV-305";
}

int frame_read(dx_bytes s, size_t at, frame *out)
{
    *out = (frame){0};
    if (at >= s.size)
        return 0;
    const uint8_t *p = s.data + at;
    dx_bytes       head = dx_bytes_part(s, at, 64);
    if (all_zero(head) || (memcmp(p, "SKFE", 4) == 0 && all_zero(dx_bytes_part(head, 4, 60))))
        return 0;
    if (s.size - at < FRAME_HEADER + 8 || memcmp(p, "SKF1", 4) != 0 || get32(p + 80) != crc32c(0, dx_bytes_of(p, 80)) || p[4] != 0 || p[5] != 1 ||
        p[6] != 0 || p[7] > 1 || get32(p + 28) != 0)
        return -1;
    out->first = get64(p + 8);
    out->count = get32(p + 16);
    out->leaf_bytes = get32(p + 20);
    out->side_bytes = get32(p + 24);
    memcpy(out->root, p + 32, 32);
    out->wall_us = get64(p + 64);
    out->epoch = get64(p + 72);
    uint64_t body = (uint64_t)out->leaf_bytes + out->side_bytes, whole = FRAME_HEADER + body + 8, padded = (whole + 63) / 64 * 64;
    if (out->count == 0 || out->count > FRAME_LEAVES || whole > FRAME_MAX || (p[7] == 0) != (out->side_bytes == 0))
        return -1;
    if (padded > s.size - at && whole > s.size - at)
        return -1;
    if (padded > s.size - at)
        padded = s.size - at;
    const uint8_t *tail = p + FRAME_HEADER + body;
    if (get32(tail) != crc32c(0, dx_bytes_of(p + FRAME_HEADER, (size_t)body)) || memcmp(tail + 4, "1FKS", 4) != 0 ||
        !all_zero(dx_bytes_of(p + whole, (size_t)(padded - whole))))
        return -1;
    out->leaves = dx_bytes_of(p + FRAME_HEADER, out->leaf_bytes);
    out->size = (size_t)padded;
    size_t   offset = 0;
    uint32_t n = 0;
    for (; offset + 2 <= out->leaves.size && n < out->count; n++)
        offset += 2 + ((size_t)out->leaves.data[offset] << 8 | out->leaves.data[offset + 1]);
    return n == out->count && offset == out->leaves.size ? 1 : -1;
}

DX_RC frame_write(uint64_t first, uint32_t count, dx_bytes leaves, const merkle_hash root, uint64_t wall_us, uint64_t epoch, dx_buf *out)
{
    uint8_t head[FRAME_HEADER] = "SKF1", tail[8] = {0};
    size_t  whole = FRAME_HEADER + leaves.size + 8, padded = (whole + 63) / 64 * 64;
    head[5] = 1;
    put64(head + 8, first);
    put32(head + 16, count);
    put32(head + 20, (uint32_t)leaves.size);
    memcpy(head + 32, root, 32);
    put64(head + 64, wall_us);
    put64(head + 72, epoch);
    put32(head + 80, crc32c(0, dx_bytes_of(head, 80)));
    put32(tail, crc32c(0, leaves));
    memcpy(tail + 4, "1FKS", 4);
    static const uint8_t zeros[64];
    DX_TRY(dx_buf_add(out, dx_bytes_of(head, FRAME_HEADER)));
    DX_TRY(dx_buf_add(out, leaves));
    DX_TRY(dx_buf_add(out, dx_bytes_of(tail, 8)));
    return dx_buf_add(out, dx_bytes_of(zeros, padded - whole));
}

/* Does a frame header with a good CRC stand anywhere behind? Then a bad frame is damage, not a torn tail. */
static bool frame_behind(const dx_bytes *segments, size_t count, size_t segment, size_t at)
{
    for (; segment < count; segment++, at = SEGMENT_HEADER)
        for (size_t i = (at + 63) / 64 * 64; i + FRAME_HEADER <= segments[segment].size; i += 64) {
            const uint8_t *p = segments[segment].data + i;
            if (memcmp(p, "SKF1", 4) == 0 && get32(p + 80) == crc32c(0, dx_bytes_of(p, 80)))
                return true;
        }
    return false;
}

static struct dx_rc damage(recovery *out, const char *id, const char *text, size_t segment, size_t at)
{
    out->damaged = true;
    out->id = id;
    snprintf(out->text, sizeof out->text, "%s (segment %zu, byte %zu)", text, segment, at);
    return DX_OKAY;
}

DX_RC segments_walk(const dx_bytes *segments, size_t count, const char *origin, bool strict, merkle_tree *tree, segment_take *take, void *context,
                    recovery *out)
{
    *out = (recovery){0};
    for (size_t s = 0; s < count; s++) {
        uint32_t    ordinal;
        uint64_t    first, epoch, next_first = UINT64_MAX;
        merkle_hash root, now;
        out->segment = s;
        out->end = SEGMENT_HEADER;
        const char *id = segment_header_read(segments[s], origin, &ordinal, &first, &epoch, root);
        if (id != NULL)
            return damage(out, id, "a segment header that is not ours", s, 0);
        merkle_root(tree, merkle_size(tree), now);
        if (ordinal != s || first != merkle_size(tree))
            return damage(out, "PV-108", "a segment that does not continue the one before", s, 0);
        if (memcmp(root, now, 32) != 0)
            return damage(out, "PV-203", "a segment that was started over another tree", s, 0);
        if (s + 1 < count) {
            uint32_t    o;
            uint64_t    e;
            merkle_hash r;
            if (segment_header_read(segments[s + 1], origin, &o, &next_first, &e, r) != NULL)
                next_first = UINT64_MAX;
        }
        for (;;) {
            frame f;
            int   found = frame_read(segments[s], out->end, &f);
            if (found == 1 && f.first >= next_first)
                found = 0; /* void: left by a failed sync, the next segment starts again from there */
            merkle_root(tree, merkle_size(tree), now);
            bool fits = found == 1 && f.first == merkle_size(tree) && memcmp(f.root, now, 32) == 0 && f.epoch >= epoch;
            bool other_root = found == 1 && f.first == merkle_size(tree) && memcmp(f.root, now, 32) != 0;
            if (found == 0 && s + 1 < count && merkle_size(tree) == next_first)
                break;
            if (!fits) {
                bool empty = found == 0 && all_zero(dx_bytes_part(segments[s], out->end, segments[s].size));
                bool closed = found == 0 && out->end + 64 <= segments[s].size && memcmp(segments[s].data + out->end, "SKFE", 4) == 0;
                if (merkle_size(tree) == next_first)
                    break;
                if (strict && !empty && !closed)
                    return damage(out, other_root ? "PV-203" : "PV-108", "a bad frame", s, out->end);
                if (s + 1 < count && next_first != UINT64_MAX && merkle_size(tree) != next_first)
                    return damage(out, "PV-108", "frames are missing before the next segment", s, out->end);
                if (frame_behind(segments, count, s, out->end + 64))
                    return damage(out, "PV-108", "a bad frame before a good one", s, out->end);
                out->torn = !empty && !closed;
                return DX_OKAY;
            }
            size_t offset = 0;
            for (uint32_t i = 0; i < f.count; i++) {
                size_t      n = (size_t)f.leaves.data[offset] << 8 | f.leaves.data[offset + 1];
                dx_bytes    leaf = dx_bytes_part(f.leaves, offset + 2, n);
                merkle_hash hash;
                merkle_leaf(leaf, hash);
                if (take != NULL && !take(context, f.first + i, leaf, s, out->end + FRAME_HEADER + offset))
                    return DX_OKAY;
                DX_TRY(merkle_append(tree, hash));
                offset += 2 + n;
            }
            out->epoch = f.epoch;
            out->end += f.size;
        }
    }
    return DX_OKAY;
}
