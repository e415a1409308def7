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
    if (e->release_user != NULL && e->peer.user != NULL)
        e->release_user(e->peer.user);
    free((void *)(uintptr_t)e->peer.leaf.data);
    for (size_t i = 0; i < e->peer.chain_count; i++)
        free((void *)(uintptr_t)e->peer.chain[i].data);
    free(e);
}

static peer_entry *entry_of(const net_peer *peer)
{
    return (peer_entry *)((uintptr_t)peer - offsetof(peer_entry, peer));
}

static size_t bucket_of(const uint8_t sha256[32])
{
    return ((size_t)sha256[0] << 8 | sha256[1]) % NET_PEER_BUCKETS;
}

static bool same_chain(const net_peer *a, const net_peer *b)
{
    bool same = a->chain_count == b->chain_count && memcmp(a->leaf_sha256, b->leaf_sha256, 32) == 0;
    for (size_t i = 0; same && i < a->chain_count; i++)
        same = dx_bytes_equal(a->chain[i], b->chain[i]);
    return same;
}

static bool read_peer(SSL *ssl, net_peer *out)
{
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    if (leaf == NULL || !add_der(leaf, &out->leaf))
        return false;
    dx_sha256(out->leaf, out->leaf_sha256);
    size_t presented = chain == NULL ? 0 : (size_t)sk_X509_num(chain);
    for (size_t i = 0; i < presented && out->chain_count < 10; i++)
        if (!add_der(sk_X509_value(chain, (int)i), &out->chain[out->chain_count++]))
            return false;
    return true;
}

/* A peer is its certificate and what it presented beside it: one that repaired its chain must not be judged
 * by the chain of before. */
peer_entry *net_peer_intern(net_worker *w, SSL *ssl)
{
    peer_entry *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    if (!read_peer(ssl, &e->peer)) {
        entry_free(e);
        return NULL;
    }
    size_t at = bucket_of(e->peer.leaf_sha256);
    for (peer_entry *known = w->peers[at]; known != NULL; known = known->next)
        if (same_chain(&known->peer, &e->peer)) {
            entry_free(e);
            return known;
        }
    e->next = w->peers[at];
    w->peers[at] = e;
    return e;
}

unsigned net_peer_of_leaf(const net_worker *w, const peer_entry *e)
{
    unsigned count = 0;
    for (const peer_entry *p = w->peers[bucket_of(e->peer.leaf_sha256)]; p != NULL; p = p->next)
        count += memcmp(p->peer.leaf_sha256, e->peer.leaf_sha256, 32) == 0 ? p->refs : 0;
    return count;
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

void net_peer_join(net_connection *c, peer_entry *e)
{
    c->peer = e;
    e->refs++;
    c->peer_next = e->connections;
    c->peer_prev = &e->connections;
    if (c->peer_next != NULL)
        c->peer_next->peer_prev = &c->peer_next;
    e->connections = c;
}

void net_peer_leave(net_connection *c)
{
    peer_entry *e = c->peer;
    if (e == NULL)
        return;
    if (c->peer_next != NULL)
        c->peer_next->peer_prev = c->peer_prev;
    *c->peer_prev = c->peer_next;
    c->peer = NULL;
    e->refs--;
    free_unused(c->worker, e);
}

/* ---- the door ---- */

void net_peer_hold(const net_peer *peer)
{
    entry_of(peer)->holds++;
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
    peer_entry *e = entry_of(peer);
    e->holds--;
    free_unused(w, e);
}

void net_peer_set_user(const net_peer *peer, void *user, void (*release)(void *user))
{
    peer_entry *e = entry_of(peer);
    if (e->release_user != NULL && e->peer.user != NULL)
        e->release_user(e->peer.user);
    e->peer.user = user;
    e->release_user = release;
}

unsigned net_peer_connections(const net_peer *peer)
{
    return entry_of(peer)->refs;
}

void net_worker_each_peer(net_worker *w, size_t *at, bool (*more)(void *),
                          void (*visit)(net_worker *, const net_peer *, void *), void *context)
{
    do {
        for (peer_entry *e = w->peers[*at], *next; e != NULL; e = next) {
            next = e->next;
            visit(w, &e->peer, context);
        }
        *at = (*at + 1) % NET_PEER_BUCKETS;
    } while (*at != 0 && more(context));
}

static void on_cut(net_timer *timer)
{
    net_connection_close((net_connection *)(void *)((uint8_t *)timer - offsetof(net_connection, cut_timer)),
                         false);
}

unsigned net_peer_cut(net_worker *w, const net_peer *peer, uint32_t finish_s)
{
    unsigned count = 0;
    for (net_connection *c = entry_of(peer)->connections; c != NULL; c = c->peer_next) {
        if (c->closing || !c->established || c->cut)
            continue;
        c->cut = true;
        count++;
        net_timer_start(w, &c->cut_timer, finish_s * 1000, on_cut);
        http_connection_drain(c->http);
    }
    return count;
}
