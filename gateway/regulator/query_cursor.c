#include "gateway/regulator/query_cursor.h"

#include "trust/base/digest.h"

#define LIFE_S 86400

static void put(uint8_t *at, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        at[i] = (uint8_t)v;
}

static uint64_t get(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | at[i];
    return v;
}

static DX_RC turn(query_cursor_keys *keys, const dx_io *io, int64_t day, dx_why *why)
{
    if (keys->has[0] && keys->day == day)
        return DX_OKAY;
    keys->has[1] = keys->has[0] && keys->day == day - 1;
    memcpy(keys->key[1], keys->key[0], 32);
    if (io->random(io, keys->key[0], 32) != 0)
        return DX_FAIL(why, INTERNAL, "provenance.md 6.2", "no random bytes for a cursor key");
    keys->has[0] = true;
    keys->day = day;
    return DX_OKAY;
}

DX_RC query_cursor_print(query_cursor_keys *keys, const dx_io *io, const dx_clock *clock,
                         const query_cursor *cursor, char out[QUERY_CURSOR_TEXT], dx_why *why)
{
    uint8_t raw[QUERY_CURSOR_BYTES];
    int64_t now = dx_now_s(clock);
    DX_TRY(turn(keys, io, now / 86400, why));
    raw[0] = 1;
    put(raw + 1, cursor->size);
    put(raw + 9, cursor->last);
    memcpy(raw + 17, cursor->filter, 32);
    memcpy(raw + 49, cursor->scope, 32);
    put(raw + 81, (uint64_t)(now + LIFE_S));
    dx_hmac_sha256(dx_bytes_of(keys->key[0], 32), dx_bytes_of(raw, 89), raw + 89);
    dx_base64url(dx_bytes_of(raw, sizeof raw), out);
    return DX_OKAY;
}

query_cursor_answer query_cursor_read(const query_cursor_keys *keys, const dx_clock *clock, dx_bytes text,
                                      query_cursor *cursor)
{
    uint8_t raw[QUERY_CURSOR_BYTES], mac[32];
    size_t size = sizeof raw;
    bool ours = false;
    if (text.size + 1 != QUERY_CURSOR_TEXT || !dx_base64url_decode(text, raw, &size) || size != sizeof raw ||
        raw[0] != 1)
        return QUERY_CURSOR_INVALID;
    for (int i = 0; i < 2; i++) {
        dx_hmac_sha256(dx_bytes_of(keys->key[i], 32), dx_bytes_of(raw, 89), mac);
        ours =
            ours || (keys->has[i] && dx_bytes_equal_secret(dx_bytes_of(mac, 32), dx_bytes_of(raw + 89, 32)));
    }
    if (!ours || memcmp(raw + 17, cursor->filter, 32) != 0 || memcmp(raw + 49, cursor->scope, 32) != 0)
        return QUERY_CURSOR_INVALID;
    if ((int64_t)get(raw + 81) < dx_now_s(clock))
        return QUERY_CURSOR_EXPIRED;
    cursor->size = get(raw + 1);
    cursor->last = get(raw + 9);
    return QUERY_CURSOR_GOOD;
}
