#include "trust/list/tlist_private.h"

#include "trust/base/digest.h"
#include "trust/base/json.h"

/* Who may sign: fingerprints, not certificates, for the candidate arrives inside the list (trusted-lists.md 3). */

#define ANCHOR_FILE_MAX (1U << 20)

static DX_RC read_json(const char *path, dx_bytes text, dx_buf *out, dx_why *why)
{
    json_t *root;
    DX_TRY(dx_json_read(text, &(dx_json_limits){.max_bytes = ANCHOR_FILE_MAX, .max_depth = 8}, &root, why));
    json_t      *signers = json_object_get(root, "signers"), *signer;
    size_t       i;
    struct dx_rc rc = json_is_array(signers) && json_is_integer(json_object_get(root, "sekisho_anchors"))
                          ? DX_OKAY
                          : DX_FAIL(why, CONFIG, "trusted-lists.md 3", "%s is not an anchor file: it needs \"sekisho_anchors\" and \"signers\"", path);
    json_array_foreach(signers, i, signer)
    {
        const char *hex = json_string_value(json_object_get(signer, "sha256"));
        uint8_t     sha256[32];
        size_t      size = sizeof sha256;
        if (rc.code == DX_OK && (hex == NULL || !dx_hex_decode(dx_bytes_text(hex), sha256, &size) || size != 32))
            rc = DX_FAIL(why, CONFIG, "trusted-lists.md 3", "%s: signer %zu has no \"sha256\" of 64 lower-case hexadecimal digits", path, i);
        if (rc.code == DX_OK)
            rc = dx_buf_add(out, dx_bytes_of(sha256, 32));
    }
    json_decref(root);
    return rc;
}

static DX_RC read_pem(const char *path, dx_bytes text, dx_buf *out, dx_why *why)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    dx_arena          arena = {0};
    size_t            found = 0;
    struct dx_rc      rc = DX_OKAY;
    const uint8_t    *at = text.data, *stop = text.data + text.size;
    while (rc.code == DX_OK && (at = memmem(at, (size_t)(stop - at), begin, sizeof begin - 1)) != NULL) {
        at += sizeof begin - 1;
        const uint8_t *to = memmem(at, (size_t)(stop - at), end, sizeof end - 1);
        dx_bytes       der;
        uint8_t        sha256[32];
        if (to == NULL || !tlist_decode(dx_bytes_of(at, (size_t)(to - at)), &arena, &der)) {
            rc = DX_FAIL(why, CONFIG, "RFC 7468", "%s: a certificate that is not PEM", path);
            break;
        }
        dx_sha256(der, sha256);
        rc = dx_buf_add(out, dx_bytes_of(sha256, 32));
        at = to;
        found++;
    }
    dx_arena_fini(&arena);
    if (rc.code == DX_OK && found == 0)
        rc = DX_FAIL(why, CONFIG, "trusted-lists.md 3", "%s holds neither anchor JSON nor PEM certificates", path);
    return rc;
}

DX_RC tlist_anchors_read(const dx_io *io, const char *path, dx_buf *out, dx_why *why)
{
    dx_buf text;
    DX_TRY(dx_io_read_file(io, path, ANCHOR_FILE_MAX, &text, why));
    dx_bytes     trimmed = dx_bytes_trim(dx_buf_view(&text));
    struct dx_rc rc = trimmed.size > 0 && trimmed.data[0] == '{' ? read_json(path, trimmed, out, why) : read_pem(path, trimmed, out, why);
    dx_buf_fini(&text);
    return rc;
}
