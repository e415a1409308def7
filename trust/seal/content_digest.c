#include "trust/seal/content_digest.h"

#include "trust/base/digest.h"
#include "trust/base/sfield.h"

/* A known member once, a byte sequence of its hash's size. */
static bool member(const sfield_list *list, const char *name, uint8_t *out, size_t size, bool *has)
{
    const sfield_member *m = sfield_find(list, name);
    if (m == NULL)
        return true;
    if (m->times != 1 || m->is_inner_list || m->item.kind != SFIELD_BYTES || m->item.text.size != size)
        return false;
    memcpy(out, m->item.text.data, size);
    *has = true;
    return true;
}

content_digest_form content_digest_parse(dx_bytes value, dx_arena *arena, content_digest *out)
{
    sfield_list list;
    *out = (content_digest){0};
    if (!sfield_dictionary_parse(value, arena, &list))
        return list.loose ? CONTENT_DIGEST_LOOSE : CONTENT_DIGEST_BAD;
    if (!member(&list, "sha-256", out->sha256, 32, &out->has_sha256) ||
        !member(&list, "sha-512", out->sha512, 64, &out->has_sha512) ||
        (!out->has_sha256 && !out->has_sha512))
        return CONTENT_DIGEST_BAD;
    return CONTENT_DIGEST_OK;
}

void content_digest_print(const uint8_t sha256[32], char out[CONTENT_DIGEST_TEXT_SIZE])
{
    memcpy(out, "sha-256=:", 9);
    dx_base64(dx_bytes_of(sha256, 32), out + 9);
    memcpy(out + 9 + DX_BASE64_SIZE(32) - 1, ":", 2);
}

bool content_digest_holds(const content_digest *digest, dx_bytes content)
{
    uint8_t hash[64];
    if (digest->has_sha256) {
        dx_sha256(content, hash);
        if (memcmp(hash, digest->sha256, 32) != 0)
            return false;
    }
    if (digest->has_sha512) {
        dx_digest(DX_HASH_SHA512, content, hash);
        if (memcmp(hash, digest->sha512, 64) != 0)
            return false;
    }
    return true;
}
