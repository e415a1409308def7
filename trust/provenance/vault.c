#include "trust/provenance/vault.h"

#include "trust/base/digest.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct vault {
    uint8_t bucket[32], counters[32];
};

/* RFC 3394 key wrap of 64 bytes (both keys) by AES-256. */
static bool wrap(bool encrypt, const uint8_t kek[32], const uint8_t *in, int in_size, uint8_t *out, int *out_size)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int             n = 0, more = 0;
    if (c == NULL)
        return false;
    EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool ok = EVP_CipherInit_ex(c, EVP_aes_256_wrap(), NULL, kek, NULL, encrypt) == 1 && EVP_CipherUpdate(c, out, &n, in, in_size) == 1 &&
              EVP_CipherFinal_ex(c, out + n, &more) == 1;
    EVP_CIPHER_CTX_free(c);
    *out_size = n + more;
    return ok;
}

static DX_RC kek_of(const dx_io *io, const char *dir, uint8_t out[32], dx_why *why)
{
    char   path[PATH_MAX];
    dx_buf file;
    DX_TRY(dx_io_make_folders(io, dir, 0700, why));
    snprintf(path, sizeof path, "%s/kek", dir);
    struct dx_rc rc = dx_io_read_file(io, path, 64, &file, why);
    if (rc.code == DX_NOT_FOUND) {
        if (io->random(io, out, 32) != 0)
            return DX_FAIL(why, INTERNAL, "", "the random generator failed");
        return dx_io_replace_file(io, path, dx_bytes_of(out, 32), 0600, why);
    }
    DX_TRY(rc);
    bool fits = file.size == 32;
    if (fits)
        memcpy(out, file.data, 32);
    OPENSSL_cleanse(file.data, file.size);
    dx_buf_fini(&file);
    return fits ? DX_OKAY : DX_FAIL(why, CONFIG, "provenance.md 5", "%s is not a key of 32 bytes", path);
}

DX_RC vault_open(const dx_io *io, const char *log_dir, const char *kek_dir, vault **out, dx_why *why)
{
    uint8_t kek[32], plain[64], wrapped[80];
    int     size = 0;
    char    path[PATH_MAX];
    dx_buf  file;
    *out = NULL;
    DX_TRY(kek_of(io, kek_dir, kek, why));
    snprintf(path, sizeof path, "%s/vault", log_dir);
    DX_TRY(dx_io_make_folders(io, path, 0700, why));
    snprintf(path, sizeof path, "%s/vault/keys", log_dir);
    struct dx_rc rc = dx_io_read_file(io, path, 1024, &file, why);
    if (rc.code == DX_NOT_FOUND) {
        bool ok = io->random(io, plain, sizeof plain) == 0 && wrap(true, kek, plain, 64, wrapped, &size) && size == 72;
        rc = ok ? dx_io_replace_file(io, path, dx_bytes_of(wrapped, 72), 0600, why) : DX_FAIL(why, INTERNAL, "", "the vault key cannot be made");
    } else if (rc.code == DX_OK) {
        bool ok = file.size == 72 && wrap(false, kek, file.data, 72, plain, &size) && size == 64;
        rc = ok ? DX_OKAY : DX_FAIL(why, CONFIG, "provenance.md 5", "the key-encryption key in %s does not open %s", kek_dir, path);
        dx_buf_fini(&file);
    }
    OPENSSL_cleanse(kek, sizeof kek);
    vault *v = rc.code == DX_OK ? calloc(1, sizeof *v) : NULL;
    if (v != NULL) {
        memcpy(v->bucket, plain, 32);
        memcpy(v->counters, plain + 32, 32);
    }
    OPENSSL_cleanse(plain, sizeof plain);
    DX_TRY(rc);
    *out = v;
    return v != NULL ? DX_OKAY : DX_FAIL(why, NO_MEMORY, "", "no memory for the vault");
}

void vault_close(vault *v)
{
    if (v != NULL)
        OPENSSL_cleanse(v, sizeof *v);
    free(v);
}

void vault_commit(const vault *v, const char *rec_id, const char *name, const uint8_t inner[32], char out[47])
{
    uint8_t id[16], record[32], salt[32], text[160], mac[32];
    char    hex[33];
    size_t  n = 0, size = 16;
    for (const char *c = rec_id; *c != 0 && n < 32; c++)
        if (*c != '-')
            hex[n++] = *c;
    if (!dx_hex_decode(dx_bytes_of(hex, n), id, &size))
        memset(id, 0, sizeof id);
    dx_hkdf_sha256(dx_bytes_of(v->bucket, 32), dx_bytes_text("sekisho/vault/1"), dx_bytes_of(id, 16), record);
    dx_hkdf_sha256(dx_bytes_of(record, 32), dx_bytes_text("sekisho/salt/1"), dx_bytes_text(name), salt);
    n = strlen(name);
    memcpy(text, name, n);
    text[n] = 0;
    memcpy(text + n + 1, inner, 32);
    dx_hmac_sha256(dx_bytes_of(salt, 32), dx_bytes_of(text, n + 33), mac);
    memcpy(out, "c1:", 3);
    dx_base64url(dx_bytes_of(mac, 32), out + 3);
}

void vault_slot(const vault *v, uint16_t slot, uint64_t n, uint8_t out[32])
{
    uint8_t info[10], key[32];
    info[0] = (uint8_t)(slot >> 8);
    info[1] = (uint8_t)slot;
    for (int i = 0; i < 8; i++)
        info[2 + i] = (uint8_t)(n >> (56 - 8 * i));
    dx_hkdf_sha256(dx_bytes_of(v->counters, 32), dx_bytes_text("sekisho/counters/1"), dx_bytes_of(info, 10), key);
    dx_hmac_sha256(dx_bytes_of(key, 32), dx_bytes_of(info + 2, 8), out);
}
