#include "trust/base/digest.h"
#include "trust/base/json.h"
#include "trust/provenance/leaf_lint.h"
#include "trust/provenance/vault.h"
#include "trust/provenance/pv_check.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

void vault_k_rec(const uint8_t bucket[32], const uint8_t rec_id[16], uint8_t out[32])
{
    dx_hkdf_sha256(dx_bytes_of(bucket, 32), DX_BYTES("sekisho/vault/1"), dx_bytes_of(rec_id, 16), out);
}

void vault_salt(const uint8_t k_rec[32], const char *name, uint8_t out[32])
{
    dx_hkdf_sha256(dx_bytes_of(k_rec, 32), DX_BYTES("sekisho/salt/1"), dx_bytes_text(name), out);
}

void vault_k_seal(const uint8_t k_rec[32], uint8_t out[32])
{
    dx_hkdf_sha256(dx_bytes_of(k_rec, 32), DX_BYTES("sekisho/seal/1"), DX_BYTES(""), out);
}

void vault_commitment(const uint8_t salt[32], const char *name, const uint8_t inner_sha256[32],
                      char out[VAULT_COMMITMENT_SIZE])
{
    uint8_t text[256], mac[32];
    size_t n = strlen(name);
    if (n > sizeof text - 33)
        n = sizeof text - 33; /* member paths are far shorter */
    memcpy(text, name, n);
    text[n] = 0;
    memcpy(text + n + 1, inner_sha256, 32);
    dx_hmac_sha256(dx_bytes_of(salt, 32), dx_bytes_of(text, n + 33), mac);
    memcpy(out, "c1:", 3);
    dx_base64url(dx_bytes_of(mac, 32), out + 3);
}

static const uint8_t zero_nonce[12]; /* K_seal is of one record and seals one message */

DX_RC vault_side_seal(const uint8_t k_rec[32], const uint8_t rec_id[16], dx_bytes plain, dx_buf *out,
                      dx_why *why)
{
    uint8_t key[32];
    int n = 0, more = 0;
    vault_k_seal(k_rec, key);
    DX_TRY(dx_buf_reserve(out, plain.size + 16));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *to = out->data + out->size;
    bool ok = ctx != NULL && plain.size < SIZE_MAX / 4 &&
              EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, zero_nonce) == 1 &&
              EVP_EncryptUpdate(ctx, NULL, &n, rec_id, 16) == 1 &&
              EVP_EncryptUpdate(ctx, to, &n, plain.data, (int)plain.size) == 1 &&
              EVP_EncryptFinal_ex(ctx, to + n, &more) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, to + n + more) == 1;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(key, sizeof key);
    if (!ok)
        return DX_FAIL(why, INTERNAL, "provenance.md 5", "cannot seal side data");
    out->size += (size_t)(n + more) + 16;
    return DX_OKAY;
}

DX_RC vault_side_open(const uint8_t k_rec[32], const uint8_t rec_id[16], dx_bytes sealed, dx_buf *plain,
                      dx_why *why)
{
    uint8_t key[32], tag[16];
    int n = 0, more = 0;
    if (sealed.size < 16 || sealed.size > INT32_MAX)
        return DX_FAIL_ID(why, MALFORMED, "PV-601", "provenance.md 5", "side data is too short or too long");
    vault_k_seal(k_rec, key);
    memcpy(tag, sealed.data + sealed.size - 16, 16);
    DX_TRY(dx_buf_reserve(plain, sealed.size));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *to = plain->data + plain->size;
    bool ok = ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, zero_nonce) == 1 &&
              EVP_DecryptUpdate(ctx, NULL, &n, rec_id, 16) == 1 &&
              EVP_DecryptUpdate(ctx, to, &n, sealed.data, (int)sealed.size - 16) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, tag) == 1 &&
              EVP_DecryptFinal_ex(ctx, to + n, &more) == 1;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(key, sizeof key);
    if (!ok)
        return DX_FAIL_ID(why, BAD_SIGNATURE, "PV-601", "provenance.md 5",
                          "side data does not open with this key");
    plain->size += (size_t)(n + more);
    return DX_OKAY;
}

bool vault_uuid(dx_bytes text, uint8_t out[16])
{
    char hex[33];
    size_t n = 0, size = 16;
    for (size_t i = 0; i < text.size && n < 32; i++)
        if (text.data[i] != '-')
            hex[n++] = (char)text.data[i];
    return text.size == 36 && n == 32 && dx_hex_decode(dx_bytes_of(hex, 32), out, &size);
}

static bool member32(const json_t *object, const char *name, uint8_t out[32])
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t size = 32;
    return text != NULL && dx_base64url_decode(dx_bytes_text(text), out, &size) && size == 32;
}

bool vault_opening_check(dx_bytes opening, dx_bytes leaf, dx_bytes value, prov_finding *finding)
{
    const dx_json_limits limits = {.max_bytes = 4096, .max_depth = 2};
    json_t *tree = NULL;
    uint8_t salt[32], inner[32], computed[32];
    leaf_view view;
    char want[VAULT_COMMITMENT_SIZE];
    if (dx_json_read(opening, &limits, &tree, NULL).code != DX_OK)
        return prov_no(finding, "PV-601", "the opening is no JSON object");
    const char *name = json_string_value(json_object_get(tree, "name"));
    bool ok = false;
    if (name == NULL || strlen(name) > 100 || !member32(tree, "salt", salt) ||
        !member32(tree, "digest", inner))
        prov_no(finding, "PV-601", "an opening has name, salt and digest, the latter 32 bytes in base64url");
    else if (leaf_lint(leaf, &view, finding)) {
        dx_bytes have = leaf_view_get(&view, name);
        const leaf_node *node = leaf_schema_find(view.type, name);
        dx_sha256(value, computed);
        vault_commitment(salt, name, inner, want);
        if (value.data != NULL && memcmp(computed, inner, 32) != 0)
            prov_no(finding, "PV-601", "the value has another digest");
        else if (node == NULL || node->kind != LEAF_COMMIT || have.size == 0)
            prov_no(finding, "PV-601", "the leaf has no such commitment");
        else if (!dx_bytes_is(have, want))
            prov_no(finding, "PV-601", "the opening does not give the commitment");
        else
            ok = true;
    }
    json_decref(tree);
    finding->ok = ok;
    return ok;
}
