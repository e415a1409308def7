/* Keys in PEM files. The file is opened once and judged by that descriptor, so that nobody can swap it
 * between the look at its mode and the reading of its bytes. */
#include "trust/sign/sign_kind.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_FILE_MAX_BYTES 65536
#define RSA_GENERATE_BITS  3072

static DX_RC file_judge(const sign_spec *spec, int fd, size_t *size, dx_why *why)
{
    struct stat st;
    if (spec->io->fstat(spec->io, fd, &st) != 0)
        return DX_FAIL(why, IO, "", "cannot look at the key file %s", spec->file);
    if (!S_ISREG(st.st_mode))
        return DX_FAIL(why, CONFIG, "", "the key file %s is not a regular file", spec->file);
    if (!spec->allow_loose_mode && st.st_uid != 0 && st.st_uid != geteuid())
        return DX_FAIL(why, CONFIG, "", "the key file %s belongs to another user", spec->file);
    if (!spec->allow_loose_mode && (st.st_mode & 077) != 0)
        return DX_FAIL(why, CONFIG, "", "the key file %s has mode %04o; others must have no access (0600)",
                       spec->file, (unsigned)(st.st_mode & 07777));
    if (st.st_size <= 0 || st.st_size > KEY_FILE_MAX_BYTES)
        return DX_FAIL(why, CONFIG, "", "the key file %s is empty or longer than %d bytes", spec->file,
                       KEY_FILE_MAX_BYTES);
    *size = (size_t)st.st_size;
    return DX_OKAY;
}

/* A key with a passphrase would stop a server that nobody watches: it is refused, not asked for. */
static int no_passphrase(char *buf, int size, int writing, void *context)
{
    (void)writing;
    if (size > 0)
        buf[0] = 0;
    *(bool *)context = true;
    return -1;
}

static DX_RC pem_read(const sign_spec *spec, dx_bytes pem, EVP_PKEY **out, dx_why *why)
{
    bool encrypted = false;
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (bio == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room to read a key");
    *out = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
    BIO_free(bio);
    ERR_clear_error();
    if (*out == NULL && encrypted)
        return DX_FAIL(why, CONFIG, "RFC 7468 11",
                       "the key in %s is encrypted; give an unencrypted key, mode 0600", spec->file);
    if (*out == NULL)
        return DX_FAIL(why, CONFIG, "RFC 7468 10", "%s holds no PEM private key", spec->file);
    return DX_OKAY;
}

static DX_RC file_read(const sign_spec *spec, int fd, EVP_PKEY **out, dx_why *why)
{
    size_t size = 0, got = 0;
    DX_TRY(file_judge(spec, fd, &size, why));
    uint8_t *pem = OPENSSL_malloc(size);
    if (pem == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room to read a key");
    while (got < size) {
        ssize_t n = spec->io->pread(spec->io, fd, pem + got, size - got, (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    struct dx_rc rc = got == size ? pem_read(spec, dx_bytes_of(pem, size), out, why)
                                  : DX_FAIL(why, IO, "", "cannot read the key file %s", spec->file);
    OPENSSL_clear_free(pem, size);
    return rc;
}

static DX_RC key_new(EVP_PKEY *pkey, const char *file, sign_key **out, dx_why *why)
{
    static uint64_t serials;
    sign_key_kind kind;
    unsigned bits;
    if (!sign_kind_of(pkey, &kind, &bits))
        return DX_FAIL(why, CONFIG, "",
                       "%s holds a kind of key that cannot seal (P-256, P-384, P-521, RSA, Ed25519 can)",
                       file);
    if (kind == SIGN_RSA && (bits < 2048 || bits > 8 * SIGN_VALUE_MAX_BYTES))
        return DX_FAIL(why, CONFIG, "RFC 7518 3.3", "%s holds an RSA key of %u bits; 2048 to %d are usable",
                       file, bits, 8 * SIGN_VALUE_MAX_BYTES);
    sign_key *key = calloc(1, sizeof *key);
    uint8_t *spki = NULL;
    int size = key == NULL ? -1 : i2d_PUBKEY(pkey, &spki);
    if (size <= 0) {
        free(key);
        return DX_FAIL(why, NO_MEMORY, "", "no room for a key");
    }
    *key = (sign_key){.pkey = pkey,
                      .kind = kind,
                      .spki = spki,
                      .spki_size = (size_t)size,
                      .serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED),
                      .references = 1};
    *out = key;
    return DX_OKAY;
}

DX_RC sign_open(const sign_spec *spec, sign_key **out, dx_why *why)
{
    *out = NULL;
    int fd = spec->io->open(spec->io, spec->file, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT)
        return DX_FAIL(why, NOT_FOUND, "", "no key file %s", spec->file);
    if (fd < 0)
        return DX_FAIL(why, CONFIG, "", "the key file %s cannot be opened", spec->file);
    EVP_PKEY *pkey = NULL;
    struct dx_rc rc = file_read(spec, fd, &pkey, why);
    (void)spec->io->close(spec->io, fd);
    if (rc.code != DX_OK)
        return rc;
    rc = key_new(pkey, spec->file, out, why);
    if (rc.code != DX_OK)
        EVP_PKEY_free(pkey);
    return rc;
}

sign_key *sign_ref(sign_key *key)
{
    __atomic_add_fetch(&key->references, 1, __ATOMIC_RELAXED);
    return key;
}

void sign_unref(sign_key *key)
{
    if (key == NULL || __atomic_sub_fetch(&key->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    EVP_PKEY_free(key->pkey);
    OPENSSL_free(key->spki);
    free(key);
}

sign_key_kind sign_kind(const sign_key *key)
{
    return key->kind;
}

dx_bytes sign_public_spki(const sign_key *key)
{
    return dx_bytes_of(key->spki, key->spki_size);
}

static EVP_PKEY *generate(sign_key_kind kind)
{
    switch (kind) {
    case SIGN_P256:
        return EVP_EC_gen("P-256");
    case SIGN_P384:
        return EVP_EC_gen("P-384");
    case SIGN_P521:
        return EVP_EC_gen("P-521");
    case SIGN_RSA:
        return EVP_RSA_gen(RSA_GENERATE_BITS);
    case SIGN_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    return NULL;
}

DX_RC sign_generate(const dx_io *io, sign_key_kind kind, const char *file, dx_why *why)
{
    EVP_PKEY *pkey = generate(kind);
    BIO *bio = BIO_new(BIO_s_secmem());
    char *pem = NULL;
    long size = 0;
    if (pkey != NULL && bio != NULL &&
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1)
        size = BIO_get_mem_data(bio, &pem);
    struct dx_rc rc = size > 0 ? dx_io_replace_file(io, file, dx_bytes_of(pem, (size_t)size), 0600, why)
                               : DX_FAIL(why, INTERNAL, "", "the library could not make a key");
    if (size > 0)
        OPENSSL_cleanse(pem, (size_t)size);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return rc;
}
