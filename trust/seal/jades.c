/* The header is one fixed text with places to fill; no JSON writer could keep the order of seals.md 4 better.
 */
#include "trust/seal/jades.h"

#include "trust/base/json.h"

#define HEADER_MAX_BYTES (64 * 1024)

dx_bytes jades_cty(dx_bytes content_type, dx_arena *arena)
{
    static const char prefix[] = "application/";
    const uint8_t *semicolon =
        content_type.size == 0 ? NULL : memchr(content_type.data, ';', content_type.size);
    dx_bytes type = semicolon == NULL
                        ? content_type
                        : dx_bytes_part(content_type, 0, (size_t)(semicolon - content_type.data));
    type = dx_bytes_trim(type);
    if (type.size == 0)
        return DX_BYTES("octet-stream");
    uint8_t *lower = dx_arena_alloc(arena, type.size);
    if (lower == NULL)
        return (dx_bytes){0};
    for (size_t i = 0; i < type.size; i++)
        lower[i] = type.data[i] >= 'A' && type.data[i] <= 'Z' ? (uint8_t)(type.data[i] + 32) : type.data[i];
    dx_bytes out = dx_bytes_of(lower, type.size);
    return dx_bytes_starts(out, prefix) ? dx_bytes_part(out, sizeof prefix - 1, out.size) : out;
}

static DX_RC add_x5c(const jades_header *h, dx_arena *arena, dx_buf *out, dx_why *why)
{
    DX_TRY(dx_buf_add_text(out, ",\"x5c\":["));
    for (size_t i = 0; i < h->x5c_count; i++) {
        char *text = dx_arena_alloc(arena, DX_BASE64_SIZE(h->x5c[i].size));
        if (text == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no room for a certificate");
        dx_base64(h->x5c[i], text);
        DX_TRY(dx_buf_addf(out, "%s\"%s\"", i == 0 ? "" : ",", text));
    }
    return dx_buf_add_text(out, "]");
}

static DX_RC write(const jades_header *h, dx_arena *arena, dx_buf *out, dx_why *why)
{
    char base[DX_BASE64URL_SIZE(32)], body[DX_BASE64URL_SIZE(32)];
    dx_bytes cty = h->body_sha256 == NULL ? DX_BYTES("") : jades_cty(h->content_type, arena);
    if (cty.data == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room for a header");
    dx_base64url(dx_bytes_of(h->base_sha256, 32), base);
    DX_TRY(
        dx_buf_addf(out, "{\"alg\":\"%s\",\"b64\":false,\"iat\":%lld,\"jti\":", h->alg, (long long)h->iat_s));
    DX_TRY(dx_json_quote(h->message_id, out));
    DX_TRY(dx_buf_addf(out, ",\"x5t#S256\":\"%s\"", h->keyid));
    if (h->x5c_count != 0)
        DX_TRY(add_x5c(h, arena, out, why));
    DX_TRY(dx_buf_addf(out,
                       ",\"sigD\":{\"mId\":\"" JADES_BY_URI_HASH
                       "\",\"pars\":[\"seal-base.txt\"%s],\"hashM\":\"S256\","
                       "\"hashV\":[\"%s\"",
                       h->body_sha256 == NULL ? "" : ",\"body.bin\"", base));
    if (h->body_sha256 == NULL)
        return dx_buf_add_text(out, "],\"ctys\":[\"text/plain\"]},\"crit\":[\"b64\",\"sigD\"]}");
    dx_base64url(dx_bytes_of(h->body_sha256, 32), body);
    DX_TRY(dx_buf_addf(out, ",\"%s\"],\"ctys\":[\"text/plain\",", body));
    DX_TRY(dx_json_quote(cty, out));
    return dx_buf_add_text(out, "]},\"crit\":[\"b64\",\"sigD\"]}");
}

DX_RC jades_input(const jades_header *header, dx_arena *arena, dx_bytes *out, dx_why *why)
{
    dx_buf buf;
    dx_buf_init(&buf, HEADER_MAX_BYTES);
    struct dx_rc rc = write(header, arena, &buf, why);
    if (rc.code == DX_OK) {
        size_t size = DX_BASE64URL_SIZE(buf.size); /* counts the NUL, in whose place the dot goes */
        char *text = dx_arena_alloc(arena, size + 1);
        if (text == NULL) {
            rc = DX_FAIL(why, NO_MEMORY, "", "no room for a header");
        } else {
            dx_base64url(dx_buf_view(&buf), text);
            text[size - 1] = '.';
            *out = dx_bytes_of(text, size);
        }
    }
    dx_buf_fini(&buf);
    return rc;
}
