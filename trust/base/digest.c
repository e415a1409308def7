#include "trust/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

struct dx_hash {
    EVP_MD_CTX *ctx;
    dx_hash_kind kind;
};

/* Fetched once per thread: an implicit fetch costs more than hashing 1 KiB, and takes a lock. */
typedef struct {
    EVP_MD *fetched[3];
    EVP_MD_CTX *ctx;
} thread_state;

static _Thread_local thread_state *mine;
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forget(void *state)
{
    thread_state *t = state;
    for (size_t i = 0; i < 3; i++)
        EVP_MD_free(t->fetched[i]);
    EVP_MD_CTX_free(t->ctx);
    free(t);
}

static void make_key(void)
{
    if (pthread_key_create(&at_exit, forget) != 0)
        abort();
}

static thread_state *of_thread(void)
{
    if (mine == NULL) {
        pthread_once(&once, make_key);
        mine = calloc(1, sizeof *mine);
        if (mine == NULL || pthread_setspecific(at_exit, mine) != 0 || (mine->ctx = EVP_MD_CTX_new()) == NULL)
            abort();
    }
    return mine;
}

static const EVP_MD *algorithm(dx_hash_kind kind)
{
    static const char *const names[] = {"SHA2-256", "SHA2-384", "SHA2-512"};
    thread_state *t = of_thread();
    if (t->fetched[kind] == NULL && (t->fetched[kind] = EVP_MD_fetch(NULL, names[kind], NULL)) == NULL)
        abort();
    return t->fetched[kind];
}

size_t dx_hash_size(dx_hash_kind kind)
{
    static const size_t sizes[] = {32, 48, 64};
    return sizes[kind];
}

void dx_digest(dx_hash_kind kind, dx_bytes in, uint8_t *out)
{
    EVP_MD_CTX *ctx = of_thread()->ctx;
    if (EVP_DigestInit_ex2(ctx, algorithm(kind), NULL) != 1 || EVP_DigestUpdate(ctx, in.data, in.size) != 1 ||
        EVP_DigestFinal_ex(ctx, out, NULL) != 1)
        abort();
}

void dx_sha256(dx_bytes in, uint8_t out[DX_SHA256_SIZE])
{
    dx_digest(DX_HASH_SHA256, in, out);
}

/* SHA-256 of a block and what follows it. Keys are derived from short texts, many per record: those take no
 * object. */
static void hash_two(const uint8_t block[64], dx_bytes rest, uint8_t out[32])
{
    uint8_t text[64 + 192];
    if (rest.size <= sizeof text - 64) {
        memcpy(text, block, 64);
        if (rest.size > 0)
            memcpy(text + 64, rest.data, rest.size);
        dx_sha256(dx_bytes_of(text, 64 + rest.size), out);
        OPENSSL_cleanse(text, sizeof text);
        return;
    }
    dx_hash *hash = dx_hash_new(DX_HASH_SHA256);
    if (hash == NULL)
        abort();
    dx_hash_add(hash, dx_bytes_of(block, 64));
    dx_hash_add(hash, rest);
    dx_hash_done(hash, out);
    dx_hash_free(hash);
}

void dx_hmac_sha256(dx_bytes key, dx_bytes in, uint8_t out[DX_SHA256_SIZE])
{
    /* HMAC (RFC 2104) over our own digest: no library object per call. */
    uint8_t block[64] = {0}, inner[32], pad[64];
    if (key.size > 64)
        dx_sha256(key, block);
    else if (key.size > 0)
        memcpy(block, key.data, key.size);
    for (size_t i = 0; i < 64; i++)
        pad[i] = block[i] ^ 0x36;
    hash_two(pad, in, inner);
    for (size_t i = 0; i < 64; i++)
        pad[i] = block[i] ^ 0x5c;
    hash_two(pad, dx_bytes_of(inner, 32), out);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(pad, sizeof pad);
}

void dx_hkdf_sha256(dx_bytes key, dx_bytes salt, dx_bytes info, uint8_t out[32])
{
    uint8_t prk[32], text[256];
    dx_hmac_sha256(salt, key, prk);
    if (info.size + 1 > sizeof text)
        abort();
    if (info.size > 0)
        memcpy(text, info.data, info.size);
    text[info.size] = 1;
    dx_hmac_sha256(dx_bytes_of(prk, 32), dx_bytes_of(text, info.size + 1), out);
    OPENSSL_cleanse(prk, sizeof prk);
}

dx_hash *dx_hash_new(dx_hash_kind kind)
{
    dx_hash *hash = calloc(1, sizeof *hash);
    if (hash == NULL || (hash->ctx = EVP_MD_CTX_new()) == NULL) {
        free(hash);
        return NULL;
    }
    hash->kind = kind;
    if (EVP_DigestInit_ex2(hash->ctx, algorithm(kind), NULL) != 1)
        abort();
    return hash;
}

void dx_hash_add(dx_hash *hash, dx_bytes in)
{
    if (EVP_DigestUpdate(hash->ctx, in.data, in.size) != 1)
        abort();
}

void dx_hash_done(dx_hash *hash, uint8_t *out)
{
    if (EVP_DigestFinal_ex(hash->ctx, out, NULL) != 1 ||
        EVP_DigestInit_ex2(hash->ctx, algorithm(hash->kind), NULL) != 1)
        abort();
}

void dx_hash_free(dx_hash *hash)
{
    if (hash != NULL)
        EVP_MD_CTX_free(hash->ctx);
    free(hash);
}
