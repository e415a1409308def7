#include "trust/provenance/tile.h"

#define LEVEL_MAX 7 /* 256^8 leaves are more than 2^63 */

static bool cut(dx_bytes *path, dx_bytes *part)
{
    if (path->size == 0)
        return false;
    const uint8_t *slash = memchr(path->data, '/', path->size);
    *part = dx_bytes_part(*path, 0, slash == NULL ? path->size : (size_t)(slash - path->data));
    *path = dx_bytes_part(*path, part->size + (slash != NULL), path->size);
    return part->size > 0 && (slash == NULL || path->size > 0);
}

static bool three_digits(dx_bytes text, uint64_t *n)
{
    if (text.size != 3)
        return false;
    *n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *n = *n * 10 + (uint64_t)(text.data[i] - '0');
    }
    return true;
}

bool tile_parse(dx_bytes path, tile_name *out)
{
    dx_bytes part;
    uint64_t value;
    memset(out, 0, sizeof *out);
    out->width = TILE_WIDTH;
    if (!cut(&path, &part) || !dx_bytes_is(part, "tile") || !cut(&path, &part))
        return false;
    out->entries = dx_bytes_is(part, "entries");
    if (!out->entries) {
        if (!dx_bytes_u64(part, LEVEL_MAX, &value))
            return false;
        out->level = (unsigned)value;
    }
    for (bool first = true;; first = false) {
        if (!cut(&path, &part))
            return false;
        bool more = part.data[0] == 'x';
        bool partial = part.size > 2 && memcmp(part.data + part.size - 2, ".p", 2) == 0;
        if (partial)
            part.size -= 2;
        if (more && partial)
            return false;
        if (!three_digits(dx_bytes_part(part, more, part.size), &value))
            return false;
        if (out->n > (UINT64_MAX >> 8) / 1000 - 1 ||
            (first && more && value == 0)) /* one spelling: no leading x000 */
            return false;
        out->n = out->n * 1000 + value;
        if (more)
            continue;
        if (!partial)
            return path.size == 0;
        if (!cut(&path, &part) || path.size != 0 || !dx_bytes_u64(part, TILE_WIDTH - 1, &value) || value == 0)
            return false;
        out->width = (unsigned)value;
        return true;
    }
}

void tile_print(const tile_name *name, char *out, size_t size)
{
    char digits[32];
    char level[8] = "entries";
    size_t groups = 1, at;
    for (uint64_t rest = name->n / 1000; rest > 0; rest /= 1000)
        groups++;
    if (!name->entries)
        snprintf(level, sizeof level, "%u", name->level);
    at = (size_t)snprintf(out, size, "tile/%s", level);
    for (size_t g = groups; g-- > 0;) {
        uint64_t part = name->n;
        for (size_t i = 0; i < g; i++)
            part /= 1000;
        snprintf(digits, sizeof digits, "/%s%03u", g > 0 ? "x" : "", (unsigned)(part % 1000));
        at += (size_t)snprintf(out + at, at < size ? size - at : 0, "%s", digits);
    }
    if (name->width < TILE_WIDTH && at < size)
        snprintf(out + at, size - at, ".p/%u", name->width);
}
