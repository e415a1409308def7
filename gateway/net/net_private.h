/* net_private.h -- inside gateway/net: workers, listeners and connections see each other here. */
#ifndef GATEWAY_NET_NET_PRIVATE_H
#define GATEWAY_NET_NET_PRIVATE_H

#include "gateway/net/net.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#define NET_LISTENERS_MAX  16
#define NET_CIPHER_BYTES   (64U << 10) /* one read from the kernel */
#define NET_PLAIN_BYTES    (64U << 10) /* one SSL_write: four records */
#define NET_TRANSMIT_BYTES (80U << 10) /* what these records come to, and some */
#define NET_TICK_MS        100
#define NET_WHEEL_SLOTS    256
#define NET_PEER_BUCKETS   1024
#define NET_IP_COUNTS      16384 /* addresses with open connections, per worker */
#define NET_IP_PROBES      16
#define NET_ACCEPT_TURN    16

typedef struct peer_entry { /* net_peer with its count; interned per worker by leaf */
    net_peer peer;
    struct peer_entry *next;
    unsigned refs;  /* connections */
    unsigned holds; /* others: exchanges and judgements that may outlive them */
    net_connection *connections;
    void (*release_user)(void *user);
} peer_entry;

typedef struct net_listener {
    net_worker *worker;
    const net_listen_spec *spec;
    size_t index;
    SSL_CTX *tls;
    uv_tcp_t socket;
    const http_handler *handler;
    bool open;
} net_listener;

typedef struct {
    uint8_t ip[16]; /* a /64 of IPv6 */
    unsigned count; /* 0: free */
} net_ip_count;

struct net_worker {
    net_server *server;
    unsigned index;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    uv_check_t check;
    uv_timer_t tick;
    OSSL_LIB_CTX *libctx;
    BIO_METHOD *bio;
    net_listener listeners[NET_LISTENERS_MAX];
    size_t listener_count;
    void *user;
    /* messages */
    pthread_mutex_t lock;
    net_task *tasks, **tasks_end;
    bool gone;
    atomic_bool stop_accepting, cut, stopping;
    /* connections */
    net_connection *connections, *dirty;
    atomic_size_t connection_count;
    size_t handshakes;
    peer_entry *peers[NET_PEER_BUCKETS];
    net_ip_count ips[NET_IP_COUNTS];
    net_timer *wheel[NET_WHEEL_SLOTS];
    int64_t wheel_at; /* tick that was handled last */
    /* areas that belong to whoever is at work in this turn */
    uint8_t cipher[NET_CIPHER_BYTES], plain[NET_PLAIN_BYTES], transmit[NET_TRANSMIT_BYTES];
    size_t transmit_size;
    dx_bytes span; /* ciphertext under decryption */
};

struct net_server {
    net_server_spec spec;
    net_listen_spec listeners[NET_LISTENERS_MAX];
    net_worker *workers;
    net_worker **worker_pointers;
    unsigned worker_count;
    int fds[NET_LISTENERS_MAX][256];
};

struct net_connection {
    net_worker *worker;
    net_listener *listener;
    net_connection *next, **prev, *next_dirty;
    uv_tcp_t socket;
    uv_write_t write;
    SSL *ssl;
    http_connection *http;
    peer_entry *peer;
    net_timer timer;
    int64_t deadline_us; /* 0: none */
    http_wait waited;
    bool stalled; /* the deadline is that of unsent ciphertext */
    int64_t body_from_us;
    uint64_t body_bytes; /* plaintext since then: the peer owes a rate */
    uint8_t *unsent;     /* ciphertext that the kernel did not take */
    size_t unsent_size;
    dx_buf held; /* plaintext that http would not take yet */
    bool established, reading, dirty, closing, drain_after, key_update_flood;
    bool lingering; /* closing, and the peer may still read what we said last */
    size_t lingered_bytes;
    uv_shutdown_t shutdown;
    uv_close_cb closed;
    bool per_ip_counted;
    uint8_t ip[16];
    unsigned key_updates;
    int64_t key_updates_from_us;
    char sni[256];
    net_connection *peer_next, **peer_prev; /* the other connections of this peer */
    unsigned refused;
    bool cut; /* by net_peer_cut; cut_timer ends it */
    net_timer cut_timer;
};

/* net_tls.c */
DX_RC net_tls_context(net_worker *worker, const net_listen_spec *spec, SSL_CTX **out, dx_why *why);
BIO_METHOD *net_tls_bio_method(void);
bool net_tls_attach(net_connection *c);
const char *net_tls_error(char *room, size_t size);

/* net_connection.c */
void net_connection_accept(net_listener *listener);
void net_connection_close(net_connection *c, bool orderly);
void net_connection_mark(net_connection *c); /* something to say: flushed at the end of this turn */

/* net_pump.c */
bool net_pump_read(net_connection *c);  /* from the kernel on; false: it cannot be read */
void net_pump_flush(net_connection *c); /* what http has to say, as far as the kernel takes it */
/* Gives what libssl produced to the kernel; false: the connection is broken. The area is empty afterwards:
 * the next connection writes into it. */
bool net_pump_transmit(net_connection *c);

/* net_deadline.c */
void net_deadline_arm(net_connection *c, uint32_t seconds);
void net_deadline_set(net_connection *c); /* for what the connection waits for now */
static inline uint32_t net_or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* net_linger.c: ends our side, waits a moment for the peer's, then closes; net_linger_end closes now. */
void net_linger(net_connection *c, uv_close_cb closed);
void net_linger_end(net_connection *c);

/* net_peer.c */
peer_entry *net_peer_intern(net_worker *w, SSL *ssl);
void net_peer_join(net_connection *c, peer_entry *e); /* one more connection of it, listed */
void net_peer_leave(net_connection *c);
unsigned net_peer_of_leaf(const net_worker *w, const peer_entry *e); /* connections with this certificate */

#endif
