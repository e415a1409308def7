#include "trust/path/path_memo.h"

#include "trust/base/digest.h"
#include "trust/path/path_key.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* Places of eight entries each; a key's own bytes, which are a digest, say which place is its. */

#define WAYS           8
#define EDGE_PLACES    8192 /* 65,536 edges, 2.6 MB at most */
#define KEY_PLACES     256  /* 2,048 keys */
#define LEARNED_PLACES 512  /* 4,096 certificates of at most 16 KiB */

typedef struct {
    uint8_t key[32];
    uint32_t used; /* 0: empty */
    path_edge edge;
} edge_entry;

typedef struct {
    uint8_t key[32];
    uint32_t used;
    EVP_PKEY *decoded; /* NULL: is no key */
} key_entry;

typedef struct {
    uint8_t key[32], sha256[32]; /* of the name, of the certificate */
    uint32_t used;
    uint8_t *der;
    size_t size;
} learned_entry;

struct path_memo {
    uint32_t tick;
    path_curves curves;
    edge_entry edges[EDGE_PLACES][WAYS];
    key_entry keys[KEY_PLACES][WAYS];
    learned_entry learned[LEARNED_PLACES][WAYS];
};

path_memo *path_memo_new(void)
{
    return calloc(1, sizeof(path_memo));
}

void path_memo_free(path_memo *memo)
{
    if (memo == NULL)
        return;
    for (size_t i = 0; i < KEY_PLACES * WAYS; i++)
        EVP_PKEY_free(memo->keys[i / WAYS][i % WAYS].decoded);
    for (size_t i = 0; i < LEARNED_PLACES * WAYS; i++)
        free(memo->learned[i / WAYS][i % WAYS].der);
    path_curves_fini(&memo->curves);
    free(memo);
}

static size_t place_of(const uint8_t key[32], size_t places)
{
    return (((size_t)key[0] << 8) | key[1]) % places;
}

/* Ages are compared by distance, so that a counter that comes round does no harm. */
static bool older(const path_memo *memo, uint32_t a, uint32_t b)
{
    return b != 0 && (a == 0 || memo->tick - a > memo->tick - b);
}

static uint32_t now(path_memo *memo)
{
    return ++memo->tick != 0 ? memo->tick : ++memo->tick;
}

path_edge path_memo_edge(path_memo *memo, const uint8_t key[32])
{
    edge_entry *place = memo->edges[place_of(key, EDGE_PLACES)];
    for (size_t i = 0; i < WAYS; i++)
        if (place[i].used != 0 && memcmp(place[i].key, key, 32) == 0) {
            place[i].used = now(memo);
            return place[i].edge;
        }
    return PATH_EDGE_UNKNOWN;
}

void path_memo_edge_put(path_memo *memo, const uint8_t key[32], bool good)
{
    edge_entry *place = memo->edges[place_of(key, EDGE_PLACES)], *oldest = place;
    for (size_t i = 1; i < WAYS; i++)
        if (older(memo, place[i].used, oldest->used))
            oldest = &place[i];
    memcpy(oldest->key, key, 32);
    oldest->used = now(memo);
    oldest->edge = good ? PATH_EDGE_GOOD : PATH_EDGE_BAD;
}

EVP_PKEY *path_memo_key(path_memo *memo, dx_bytes spki)
{
    uint8_t key[32];
    dx_sha256(spki, key);
    key_entry *place = memo->keys[place_of(key, KEY_PLACES)], *oldest = place;
    for (size_t i = 0; i < WAYS; i++) {
        if (place[i].used != 0 && memcmp(place[i].key, key, 32) == 0) {
            place[i].used = now(memo);
            return place[i].decoded;
        }
        if (older(memo, place[i].used, oldest->used))
            oldest = &place[i];
    }
    EVP_PKEY *decoded = path_key_decode(&memo->curves, spki);
    EVP_PKEY_free(oldest->decoded);
    memcpy(oldest->key, key, 32);
    oldest->decoded = decoded;
    oldest->used = now(memo);
    return decoded;
}

size_t path_memo_learned(path_memo *memo, dx_bytes name, dx_bytes *out, size_t max)
{
    uint8_t key[32];
    size_t n = 0;
    dx_sha256(name, key);
    learned_entry *place = memo->learned[place_of(key, LEARNED_PLACES)];
    for (size_t i = 0; i < WAYS && n < max; i++)
        if (place[i].used != 0 && memcmp(place[i].key, key, 32) == 0)
            out[n++] = dx_bytes_of(place[i].der, place[i].size);
    return n;
}

void path_memo_learn(path_memo *memo, dx_bytes name, dx_bytes der, const uint8_t sha256[32])
{
    uint8_t key[32];
    dx_sha256(name, key);
    learned_entry *place = memo->learned[place_of(key, LEARNED_PLACES)], *oldest = place;
    for (size_t i = 0; i < WAYS; i++) {
        if (place[i].used != 0 && memcmp(place[i].key, key, 32) == 0 &&
            memcmp(place[i].sha256, sha256, 32) == 0) {
            place[i].used = now(memo);
            return;
        }
        if (older(memo, place[i].used, oldest->used))
            oldest = &place[i];
    }
    uint8_t *copy = malloc(der.size);
    if (copy == NULL)
        return; /* one candidate less */
    memcpy(copy, der.data, der.size);
    free(oldest->der);
    *oldest = (learned_entry){.used = now(memo), .der = copy, .size = der.size};
    memcpy(oldest->key, key, 32);
    memcpy(oldest->sha256, sha256, 32);
}
