#include "trust/provenance/segment.h"

#include "trust/provenance/crc32c.h"
#include "trust/provenance/pv_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char segment_magic[] = "SKSEG001", frame_magic[] = "SKF1", frame_end[] = "1FKS";

static bool zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

void segment_head_write(const segment_head *head, uint8_t out[SEGMENT_HEADER_BYTES])
{
    memset(out, 0, SEGMENT_HEADER_BYTES);
    memcpy(out, segment_magic, 8);
    be_write(out + 8, 4, head->ordinal);
    be_write(out + 16, 8, head->first);
    be_write(out + 24, 8, head->epoch);
    memcpy(out + 32, head->origin_sha256, 32);
    memcpy(out + 64, head->root.bytes, 32);
    be_write(out + 96, 8, (uint64_t)head->created_us);
    be_write(out + 104, 4, crc32c(dx_bytes_of(out, 104)));
}

bool segment_head_read(dx_bytes b, segment_head *head, prov_finding *finding)
{
    if (b.size < SEGMENT_HEADER_BYTES || memcmp(b.data, segment_magic, 8) != 0)
        return prov_no(finding, "PV-108", "no segment header");
    if (be_read(b.data + 104, 4) != crc32c(dx_bytes_part(b, 0, 104)))
        return prov_no(finding, "PV-108", "segment header: CRC");
    if (!zero(b.data + 12, 4) || !zero(b.data + 108, SEGMENT_HEADER_BYTES - 108))
        return prov_no(finding, "PV-108", "segment header: bytes that must be zero");
    head->ordinal = (uint32_t)be_read(b.data + 8, 4);
    head->first = be_read(b.data + 16, 8);
    head->epoch = be_read(b.data + 24, 8);
    memcpy(head->origin_sha256, b.data + 32, 32);
    memcpy(head->root.bytes, b.data + 64, 32);
    head->created_us = (int64_t)be_read(b.data + 96, 8);
    return true;
}

void frame_head_write(const frame_head *head, uint8_t out[FRAME_HEAD_BYTES])
{
    memset(out, 0, FRAME_HEAD_BYTES);
    memcpy(out, frame_magic, 4);
    be_write(out + 4, 2, 1);
    be_write(out + 6, 2, head->side_bytes > 0);
    be_write(out + 8, 8, head->first);
    be_write(out + 16, 4, head->count);
    be_write(out + 20, 4, head->leaf_bytes);
    be_write(out + 24, 4, head->side_bytes);
    memcpy(out + 32, head->root.bytes, 32);
    be_write(out + 64, 8, (uint64_t)head->wall_us);
    be_write(out + 72, 8, head->epoch);
    be_write(out + 80, 4, crc32c(dx_bytes_of(out, 80)));
}

bool frame_head_here(const uint8_t b[FRAME_HEAD_BYTES])
{
    return memcmp(b, frame_magic, 4) == 0 && be_read(b + 80, 4) == crc32c(dx_bytes_of(b, 80));
}

bool frame_head_read(const uint8_t b[FRAME_HEAD_BYTES], frame_head *head, prov_finding *finding)
{
    if (!frame_head_here(b))
        return prov_no(finding, "PV-108", "frame: magic or header CRC");
    uint64_t flags = be_read(b + 6, 2);
    head->first = be_read(b + 8, 8);
    head->count = (uint32_t)be_read(b + 16, 4);
    head->leaf_bytes = (uint32_t)be_read(b + 20, 4);
    head->side_bytes = (uint32_t)be_read(b + 24, 4);
    memcpy(head->root.bytes, b + 32, 32);
    head->wall_us = (int64_t)be_read(b + 64, 8);
    head->epoch = be_read(b + 72, 8);
    if (be_read(b + 4, 2) != 1 || flags > 1 || !zero(b + 28, 4))
        return prov_no(finding, "PV-108", "frame: version, flags or reserved bytes");
    if (head->count < 1 || head->count > FRAME_LEAVES_MAX)
        return prov_no(finding, "PV-108", "frame: %" PRIu32 " leaves", head->count);
    if ((flags == 1) != (head->side_bytes > 0))
        return prov_no(finding, "PV-108", "frame: flag and side section differ");
    if (frame_bytes(head) > FRAME_MAX_BYTES)
        return prov_no(finding, "PV-108", "frame: longer than allowed");
    return true;
}

bool frame_next_leaf(dx_bytes section, size_t *at, dx_bytes *leaf)
{
    if (section.size - *at < 2)
        return false;
    size_t n = (size_t)be_read(section.data + *at, 2);
    if (section.size - *at - 2 < n)
        return false;
    *leaf = dx_bytes_of(section.data + *at + 2, n);
    *at += 2 + n;
    return true;
}

bool frame_next_side(dx_bytes section, size_t *at, dx_bytes *side)
{
    if (section.size - *at < 4)
        return false;
    size_t n = (size_t)be_read(section.data + *at, 4);
    if (n > SIDE_MAX_BYTES || section.size - *at - 4 < n)
        return false;
    *side = dx_bytes_of(section.data + *at + 4, n);
    *at += 4 + n;
    return true;
}

bool frame_body_ok(const frame_head *head, dx_bytes frame, prov_finding *finding)
{
    dx_bytes leaves = dx_bytes_part(frame, FRAME_HEAD_BYTES, head->leaf_bytes);
    dx_bytes sides = dx_bytes_part(frame, FRAME_HEAD_BYTES + head->leaf_bytes, head->side_bytes), item;
    size_t at = 0, tail = FRAME_HEAD_BYTES + (size_t)head->leaf_bytes + head->side_bytes;
    if (frame.size < frame_bytes(head))
        return prov_no(finding, "PV-108", "frame: longer than the file");
    if (be_read(frame.data + tail, 4) !=
            crc32c(dx_bytes_part(frame, FRAME_HEAD_BYTES, tail - FRAME_HEAD_BYTES)) ||
        memcmp(frame.data + tail + 4, frame_end, 4) != 0)
        return prov_no(finding, "PV-108", "frame: body CRC or end magic");
    for (uint32_t i = 0; i < head->count; i++)
        if (!frame_next_leaf(leaves, &at, &item))
            return prov_no(finding, "PV-108", "frame: leaf section is too short");
    if (at != leaves.size)
        return prov_no(finding, "PV-108", "frame: bytes left in the leaf section");
    at = 0;
    for (uint32_t i = 0; sides.size > 0 && i < head->count; i++)
        if (!frame_next_side(sides, &at, &item))
            return prov_no(finding, "PV-108", "frame: side section");
    return at == sides.size || prov_no(finding, "PV-108", "frame: bytes left in the side section");
}

void segment_path(const char *folder, uint32_t ordinal, char *out, size_t size)
{
    snprintf(out, size, "%s/seg/%08" PRIu32 ".seg", folder, ordinal);
}

DX_RC segment_count(const dx_io *io, const char *folder, uint32_t *count, dx_why *why)
{
    for (*count = 0; *count < UINT32_MAX; (*count)++) {
        char path[4096];
        segment_path(folder, *count, path, sizeof path);
        int fd = io->open(io, path, 0, 0);
        if (fd < 0 && errno == ENOENT)
            return DX_OKAY;
        if (fd < 0)
            return dx_io_fail(why, "cannot open", path);
        io->close(io, fd);
    }
    return DX_OKAY;
}

DX_RC prov_read_at(const dx_io *io, int fd, void *data, size_t size, uint64_t at, size_t *got, dx_why *why)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = io->pread(io, fd, (uint8_t *)data + *got, size - *got, (off_t)(at + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dx_io_fail(why, "cannot read", "segment");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return DX_OKAY;
}
