/* Durations, maps and the form of a path: the small arithmetic beside policy_term.c. */
#include "policy/policy_term.h"

bool policy_duration_parse(dx_bytes text, policy_duration *out)
{
    *out = (policy_duration){0};
    static const char units[] = "YMDHMS";
    size_t i = 1, next = 0, parts = 0;
    bool time = false, weeks = false;
    if (text.size < 3 || text.data[0] != 'P')
        return false;
    while (i < text.size) {
        if (text.data[i] == 'T') {
            if (time || weeks)
                return false;
            time = true;
            next = 3;
            if (++i == text.size)
                return false;
        }
        int64_t number = 0;
        size_t from = i;
        for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++)
            number = number * 10 + (text.data[i] - '0');
        if (i == from || i - from > 7 || i == text.size || weeks)
            return false;
        char unit = (char)text.data[i++];
        if (unit == 'W' && parts == 0 && !time) {
            weeks = true;
            out->days = number * 7;
        } else {
            size_t end = time ? 6 : 3;
            while (next < end && units[next] != unit)
                next++;
            if (next == end)
                return false;
            static const int64_t scale[] = {12, 1, 1, 3600, 60, 1};
            int64_t *field = next < 2 ? &out->months : next == 2 ? &out->days : &out->seconds;
            *field += number * scale[next++];
        }
        parts++;
    }
    /* Far beyond any agreement; keeps the calendar arithmetic inside int64. */
    return out->months <= 12 * 9000 && out->days <= 4000000 && out->seconds <= 400000000000;
}

int64_t policy_duration_add(int64_t unix_s, policy_duration d, int sign)
{
    int64_t days = unix_s >= 0 ? unix_s / 86400 : -((-unix_s + 86399) / 86400), rest = unix_s - days * 86400,
            year;
    unsigned month, day;
    dx_civil_from_days(days, &year, &month, &day);
    int64_t months = year * 12 + (int64_t)month - 1 + sign * d.months;
    int64_t y = months >= 0 ? months / 12 : -((-months + 11) / 12);
    month = (unsigned)(months - y * 12) + 1;
    /* The day is cut to the month's end. */
    int64_t first = dx_days_from_civil(y, month, 1);
    int64_t next = month == 12 ? dx_days_from_civil(y + 1, 1, 1) : dx_days_from_civil(y, month + 1, 1);
    int64_t at = first + (int64_t)day - 1 < next ? first + (int64_t)day - 1 : next - 1;
    return (at + sign * d.days) * 86400 + rest + sign * d.seconds;
}

int64_t policy_duration_length_s(policy_duration d)
{
    const int64_t epoch = 978307200; /* 2001-01-01T00:00:00Z */
    return policy_duration_add(epoch, d, 1) - epoch;
}

/* ---- map ---- */

uint64_t text_hash(uint64_t seed, dx_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        seed = (seed ^ text.data[i]) * 0x100000001b3ULL;
    return seed;
}

bool text_map_init(text_map *map, dx_arena *arena, size_t count)
{
    size_t size = 8;
    while (size < count * 2)
        size *= 2;
    map->slots = (struct text_map_slot *)dx_arena_array(arena, size, sizeof *map->slots);
    map->mask = size - 1;
    return map->slots != NULL;
}

static size_t spread(uint64_t hash)
{
    return (size_t)(hash ^ hash >> 29);
}

void text_map_put(text_map *map, dx_bytes key, const void *value)
{
    uint64_t hash = text_hash(TEXT_HASH_SEED, key);
    for (size_t i = spread(hash);; i++) {
        struct text_map_slot *slot = &map->slots[i & map->mask];
        if (slot->value == NULL || (slot->hash == hash && dx_bytes_equal(slot->key, key))) {
            *slot = (struct text_map_slot){hash, key, value};
            return;
        }
    }
}

const void *text_map_get_hashed(const text_map *map, uint64_t hash, dx_bytes a, dx_bytes b)
{
    if (map->slots == NULL)
        return NULL;
    for (size_t i = spread(hash);; i++) {
        const struct text_map_slot *slot = &map->slots[i & map->mask];
        if (slot->value == NULL)
            return NULL;
        if (slot->hash == hash && slot->key.size == a.size + b.size &&
            memcmp(slot->key.data, a.data, a.size) == 0 &&
            (b.size == 0 || memcmp(slot->key.data + a.size, b.data, b.size) == 0))
            return slot->value;
    }
}

const void *text_map_get(const text_map *map, dx_bytes key)
{
    return text_map_get_hashed(map, text_hash(TEXT_HASH_SEED, key), key, (dx_bytes){NULL, 0});
}

/* ---- path ---- */

static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static bool unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Characters that some stacks fold into '.', '/' or '\' (dataplane.md 8.4). */
static bool lookalike(dx_bytes decoded)
{
    static const char *const bad[] = {"\xe2\x80\xa4", "\xe2\x81\x84", "\xe2\x88\x95", "\xe2\xa7\xb8",
                                      "\xef\xb9\x92", "\xef\xbc\x8e", "\xef\xbc\x8f", "\xef\xbc\xbc"};
    for (size_t i = 0; i + 3 <= decoded.size; i++)
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
            if (memcmp(decoded.data + i, bad[k], 3) == 0)
                return true;
    return false;
}

static bool segment_ambiguous(dx_bytes s, bool last)
{
    size_t head = 0;
    while (head < s.size && s.data[head] != ';')
        head++;
    if ((s.size == 0 && !last) || (head == 1 && s.data[0] == '.') ||
        (head == 2 && s.data[0] == '.' && s.data[1] == '.'))
        return true;
    return s.size > 0 &&
           (s.data[s.size - 1] == '.' || (s.size >= 3 && memcmp(s.data + s.size - 3, "%20", 3) == 0));
}

dx_bytes policy_path_form(dx_arena *arena, dx_bytes raw, bool *no_memory)
{
    const dx_bytes bad = {NULL, 0};
    bool plain = true;
    if (raw.size == 0 || raw.data[0] != '/' || raw.size > 65536)
        return bad;
    for (size_t i = 0; i < raw.size && plain; i++)
        plain = raw.data[i] == '/' ? i + 1 == raw.size || raw.data[i + 1] != '/'
                                   : unreserved(raw.data[i]) && raw.data[i] != '.';
    if (plain)
        return raw;
    uint8_t *out = dx_arena_alloc(arena, raw.size * 2);
    *no_memory = *no_memory || out == NULL;
    if (out == NULL)
        return bad;
    uint8_t *decoded = out + raw.size;
    size_t n = 0, d = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t c = raw.data[i];
        if (c != '%') {
            if (!unreserved(c) && (c == 0 || strchr("/!$&'()*+,;=:@", c) == NULL))
                return bad;
            out[n++] = decoded[d++] = c;
            continue;
        }
        int high = i + 2 < raw.size ? nibble(raw.data[i + 1]) : -1,
            low = i + 2 < raw.size ? nibble(raw.data[i + 2]) : -1;
        if (high < 0 || low < 0)
            return bad;
        c = (uint8_t)(high * 16 + low);
        i += 2;
        if (c == '/' || c == '\\' || c < 0x20 || c == 0x7f)
            return bad;
        if (c == '%' && i + 2 < raw.size && nibble(raw.data[i + 1]) >= 0 && nibble(raw.data[i + 2]) >= 0)
            return bad;
        decoded[d++] = c;
        if (unreserved(c)) {
            out[n++] = c;
        } else {
            static const char digits[] = "0123456789ABCDEF";
            out[n++] = '%';
            out[n++] = (uint8_t)digits[high];
            out[n++] = (uint8_t)digits[low];
        }
    }
    if (!dx_bytes_utf8_ok(dx_bytes_of(decoded, d)) || lookalike(dx_bytes_of(decoded, d)))
        return bad;
    for (size_t from = 1;;) {
        size_t to = from;
        while (to < n && out[to] != '/')
            to++;
        if (segment_ambiguous(dx_bytes_of(out + from, to - from), to == n))
            return bad;
        if (to == n)
            return dx_bytes_of(out, n);
        from = to + 1;
    }
}
