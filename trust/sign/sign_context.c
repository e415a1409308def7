#include "trust/sign/sign_context.h"

#include "trust/base/digest.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 8

typedef struct {
    uint64_t serial;         /* private: of the key */
    uint8_t spki_sha256[32]; /* public: of the SubjectPublicKeyInfo */
    sign_form form;
    size_t digest_size;
    uint64_t used; /* turn of last use; 0: empty */
    EVP_PKEY *pkey;
    sign_key_kind kind;
    unsigned bits;
    EVP_PKEY_CTX *context;
} slot;

typedef struct {
    slot private_slots[SLOTS], public_slots[SLOTS];
    uint64_t turn;
} table;

static pthread_key_t table_key;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;
static bool table_ready;

static void slot_clear(slot *s)
{
    EVP_PKEY_CTX_free(s->context);
    EVP_PKEY_free(s->pkey);
    *s = (slot){0};
}

static void table_free(void *data)
{
    table *t = data;
    for (size_t i = 0; i < SLOTS; i++) {
        slot_clear(&t->private_slots[i]);
        slot_clear(&t->public_slots[i]);
    }
    free(t);
}

/* The first thread does not run destructors on exit from main. */
static void table_at_exit(void)
{
    table *t = pthread_getspecific(table_key);
    if (t != NULL) {
        (void)pthread_setspecific(table_key, NULL);
        table_free(t);
    }
}

static void table_make_key(void)
{
    table_ready = pthread_key_create(&table_key, table_free) == 0 && atexit(table_at_exit) == 0;
}

static table *table_mine(void)
{
    if (pthread_once(&table_once, table_make_key) != 0 || !table_ready)
        return NULL;
    table *t = pthread_getspecific(table_key);
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t != NULL && pthread_setspecific(table_key, t) != 0) {
            free(t);
            t = NULL;
        }
    }
    return t;
}

static slot *slot_oldest(slot *slots)
{
    slot *oldest = slots;
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].used < oldest->used)
            oldest = &slots[i];
    slot_clear(oldest);
    return oldest;
}

static const EVP_MD *md_of(size_t digest_size)
{
    return digest_size == 32 ? EVP_sha256() : digest_size == 48 ? EVP_sha384() : EVP_sha512();
}

static EVP_PKEY_CTX *context_new(EVP_PKEY *pkey, sign_form form, size_t digest_size, bool verify)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = context != NULL && (verify ? EVP_PKEY_verify_init(context) : EVP_PKEY_sign_init(context)) == 1;
    if (ok && (form == SIGN_RSA_PSS || form == SIGN_RSA_PKCS1)) {
        int padding = form == SIGN_RSA_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
        ok = EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
             EVP_PKEY_CTX_set_signature_md(context, md_of(digest_size)) == 1;
        if (ok && form == SIGN_RSA_PSS)
            ok = EVP_PKEY_CTX_set_rsa_mgf1_md(context, md_of(digest_size)) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    if (!ok) {
        EVP_PKEY_CTX_free(context);
        return NULL;
    }
    return context;
}

EVP_PKEY_CTX *sign_context_private(const sign_key *key, sign_form form, size_t digest_size)
{
    table *t = table_mine();
    if (t == NULL)
        return NULL;
    t->turn++;
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &t->private_slots[i];
        if (s->used != 0 && s->serial == key->serial && s->form == form && s->digest_size == digest_size) {
            s->used = t->turn;
            return s->context;
        }
    }
    slot *s = slot_oldest(t->private_slots);
    s->context = context_new(key->pkey, form, digest_size, false);
    if (s->context == NULL)
        return NULL;
    s->serial = key->serial;
    s->form = form;
    s->digest_size = digest_size;
    s->used = t->turn;
    return s->context;
}

static DX_RC public_decode(dx_bytes spki, sign_form form, size_t digest_size, slot *s, dx_why *why)
{
    const uint8_t *at = spki.data;
    if (spki.size > 16384)
        return DX_FAIL(why, TOO_LARGE, "RFC 5280 4.1.2.7", "a public key of %zu bytes", spki.size);
    s->pkey = d2i_PUBKEY(NULL, &at, (long)spki.size);
    if (s->pkey == NULL || at != spki.data + spki.size)
        return DX_FAIL(why, MALFORMED, "RFC 5280 4.1.2.7", "not a SubjectPublicKeyInfo that can be read");
    if (!sign_kind_of(s->pkey, &s->kind, &s->bits))
        return DX_FAIL(why, UNSUPPORTED, "RFC 5280 4.1.2.7", "a kind of key that is not used here");
    if (!sign_kind_fits(s->pkey, s->kind, form))
        return DX_FAIL(why, UNSUPPORTED, "RFC 7518 3", "the key cannot make such a signature");
    if (form != SIGN_EDDSA) {
        s->context = context_new(s->pkey, form, digest_size, true);
        if (s->context == NULL)
            return DX_FAIL(why, UNSUPPORTED, "RFC 7518 3", "the library cannot use this key");
    }
    return DX_OKAY;
}

DX_RC sign_context_public(dx_bytes spki, sign_form form, size_t digest_size, sign_public *out, dx_why *why)
{
    table *t = table_mine();
    if (t == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room for signature contexts");
    uint8_t sha256[32];
    dx_sha256(spki, sha256);
    if (form == SIGN_EDDSA)
        digest_size = 0; /* one context-free entry serves messages of any size */
    t->turn++;
    slot *found = NULL;
    for (size_t i = 0; i < SLOTS && found == NULL; i++) {
        slot *s = &t->public_slots[i];
        if (s->used != 0 && s->form == form && s->digest_size == digest_size &&
            memcmp(s->spki_sha256, sha256, sizeof sha256) == 0)
            found = s;
    }
    if (found == NULL) {
        found = slot_oldest(t->public_slots);
        struct dx_rc rc = public_decode(spki, form, digest_size, found, why);
        if (rc.code != DX_OK) {
            slot_clear(found);
            return rc;
        }
        memcpy(found->spki_sha256, sha256, sizeof sha256);
        found->form = form;
        found->digest_size = digest_size;
    }
    found->used = t->turn;
    *out = (sign_public){found->pkey, found->kind, found->bits, found->context};
    return DX_OKAY;
}
