#include "gateway/net/net_private.h"

#include "trust/base/digest.h"

#include <openssl/x509.h>
#include <stdlib.h>

/* One entry per peer certificate and worker: a thousand connections of one peer share its DER chain. */

static bool add_der(X509 *x, dx_bytes *out)
{
    uint8_t *der = NULL;
    int size = i2d_X509(x, &der);
    if (size <= 0)
        return false;
    uint8_t *copy = malloc((size_t)size);
    if (copy != NULL)
        memcpy(copy, der, (size_t)size);
    OPENSSL_free(der);
    *out = dx_bytes_of(copy, (size_t)size);
    return copy != NULL;
}

static void entry_free(peer_entry *e)
{
    free((void *)(uintptr_t)e->peer.leaf.data);
    for (size_t i = 0; i < e->peer.chain_count; i++)
        free((void *)(uintptr_t)e->peer.chain[i].data);
    free(e);
}

static size_t bucket_of(const uint8_t sha256[32])
{
    return ((size_t)sha256[0] << 8 | sha256[1]) % NET_PEER_BUCKETS;
}

peer_entry *net_peer_intern(net_worker *w, SSL *ssl)
{
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    peer_entry *e = leaf == NULL ? NULL : calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    if (!add_der(leaf, &e->peer.leaf)) {
        entry_free(e);
        return NULL;
    }
    dx_sha256(e->peer.leaf, e->peer.leaf_sha256);
    size_t at = bucket_of(e->peer.leaf_sha256);
    size_t presented = chain == NULL ? 0 : (size_t)sk_X509_num(chain);
    for (peer_entry *known = w->peers[at]; known != NULL; known = known->next)
        if (memcmp(known->peer.leaf_sha256, e->peer.leaf_sha256, 32) == 0 &&
            known->peer.chain_count >= presented) {
            entry_free(e);
            known->refs++;
            return known;
        }
    for (size_t i = 0; i < presented && e->peer.chain_count < 10; i++)
        if (!add_der(sk_X509_value(chain, (int)i), &e->peer.chain[e->peer.chain_count++])) {
            entry_free(e);
            return NULL;
        }
    e->refs = 1;
    e->next = w->peers[at];
    w->peers[at] = e;
    return e;
}

static void free_unused(net_worker *w, peer_entry *e)
{
    if (e->refs > 0 || e->holds > 0)
        return;
    for (peer_entry **at = &w->peers[bucket_of(e->peer.leaf_sha256)]; *at != NULL; at = &(*at)->next)
        if (*at == e) {
            *at = e->next;
            break;
        }
    entry_free(e);
}

void net_peer_release(net_worker *w, peer_entry *e)
{
    if (e == NULL)
        return;
    e->refs--;
    free_unused(w, e);
}

const net_peer *net_connection_hold_peer(net_connection *c)
{
    c->peer->holds++;
    return &c->peer->peer;
}

void net_peer_unhold(net_worker *w, const net_peer *peer)
{
    if (peer == NULL)
        return;
    peer_entry *e = (peer_entry *)((uintptr_t)peer - offsetof(peer_entry, peer));
    e->holds--;
    free_unused(w, e);
}
