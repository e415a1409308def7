/* Who may sign: fingerprints from a JSON file of certs/anchors, or the certificates of a PEM bundle. */
#include "trust/list/tlist_check.h"

#include "trust/base/digest.h"
#include "trust/base/json.h"
#include "trust/base/pem.h"

enum { ANCHOR_FILE_MAX = 1 << 20, ANCHORS_MAX = 256 };

static struct dx_rc read_json(dx_bytes text, const char *path, const char *oj_uri, dx_buf *out, dx_why *why)
{
    json_t *root, *row;
    DX_TRY(dx_json_read(text, &(dx_json_limits){ANCHOR_FILE_MAX, 8, false}, &root, why));
    const json_t *signers = json_object_get(root, "signers");
    struct dx_rc rc = DX_OKAY;
    size_t count = json_array_size(signers);
    if (json_integer_value(json_object_get(root, "sekisho_anchors")) != 1 || count == 0 ||
        count > ANCHORS_MAX)
        rc = DX_FAIL(why, CONFIG, "", "%.150s is not an anchor file with signers", path);
    const char *publication = json_string_value(json_object_get(root, "source"));
    if (rc.code == DX_OK && oj_uri != NULL && (publication == NULL || strcmp(publication, oj_uri) != 0))
        rc = tlist_refuse_as(why, DX_CONFIG, 601, "%.100s has the signers of %.100s, not those of %.100s",
                             path, publication == NULL ? "no publication" : publication, oj_uri);
    for (size_t i = 0; rc.code == DX_OK && (row = json_array_get(signers, i)) != NULL; i++) {
        const char *hex = json_string_value(json_object_get(row, "sha256"));
        uint8_t value[32];
        size_t size = sizeof value;
        if (hex == NULL || !dx_hex_decode(dx_bytes_text(hex), value, &size) || size != sizeof value)
            rc = DX_FAIL(why, CONFIG, "", "%.150s: signer %zu has no sha256 of 64 small hex digits", path,
                         i + 1);
        else
            rc = dx_buf_add(out, dx_bytes_of(value, sizeof value));
    }
    json_decref(root);
    return rc;
}

static struct dx_rc read_pem(dx_bytes text, const char *path, dx_buf *out, dx_why *why)
{
    dx_arena arena = {0};
    struct dx_rc rc = DX_OKAY;
    dx_bytes der = {0};
    size_t count = 0;
    do {
        rc = pem_next(&text, "CERTIFICATE", path, &arena, &der, why);
        if (rc.code != DX_OK || der.data == NULL)
            break;
        uint8_t value[32];
        dx_sha256(der, value);
        rc = ++count > ANCHORS_MAX
                 ? DX_FAIL(why, CONFIG, "", "%.150s holds more than %d certificates", path, ANCHORS_MAX)
                 : dx_buf_add(out, dx_bytes_of(value, sizeof value));
    } while (rc.code == DX_OK);
    dx_arena_fini(&arena);
    if (rc.code == DX_OK && count == 0)
        rc = DX_FAIL(why, CONFIG, "", "%.150s holds neither an anchor file in JSON nor a PEM certificate",
                     path);
    return rc;
}

DX_RC tlist_anchors_read(const dx_io *io, const char *path, const char *oj_uri, dx_buf *out, dx_why *why)
{
    dx_buf file;
    dx_buf_init(&file, ANCHOR_FILE_MAX);
    struct dx_rc rc = dx_io_read_file(io, path, ANCHOR_FILE_MAX, &file, why);
    if (rc.code == DX_OK) {
        dx_bytes text = dx_bytes_trim(dx_buf_view(&file));
        rc = dx_bytes_starts(text, "{") ? read_json(text, path, oj_uri, out, why)
                                        : read_pem(text, path, out, why);
    }
    dx_buf_fini(&file);
    return rc;
}
