/* net.h -- workers, listeners, mutual TLS: bytes in, bytes out (dataplane.md 1 to 4).
 *
 * Each worker is one thread with one libuv loop, its own listener socket (SO_REUSEPORT), OSSL_LIB_CTX and
 * SSL_CTX. The handshake proves possession of a key and judges nothing: the chain is kept for stage_trust.
 * Threads: net_post from any thread; everything else on the worker that owns the object.
 */
#ifndef GATEWAY_NET_NET_H
#define GATEWAY_NET_NET_H

#include "gateway/http/http_server.h"
#include "trust/base/clock.h"

typedef struct net_worker net_worker;
typedef struct net_server net_server;

typedef struct { /* shared by all connections of a peer on one worker; reference counted by net */
    uint8_t leaf_sha256[32];
    dx_bytes leaf;      /* DER */
    dx_bytes chain[10]; /* DER, as presented, without the leaf */
    size_t chain_count;
    void *user; /* of stage_trust: its verdict about this peer; see net_peer_set_user */
} net_peer;

typedef struct net_connection net_connection;

typedef struct {
    const char *address;      /* "127.0.0.1:8443", "[::1]:8443" */
    const char *const *hosts; /* SNI names */
    size_t host_count;
    const char *certificate_file, *key_file; /* PEM: leaf first */
    bool tls12;                              /* tls.min = 1.2 */
    uint32_t peer_chain_bytes;               /* 0: 16384 */
    http_limits limits;
    uint32_t handshake_s, header_s, body_grace_s, idle_s, write_stall_s; /* 0: defaults of dataplane.md 15 */
    uint32_t connections_max, connections_per_ip, connections_per_peer;
    const http_handler *(*handler)(net_worker *worker, void *context); /* one per worker, asked at start */
    void *handler_context;
} net_listen_spec;

typedef struct {
    const net_listen_spec *listeners;
    size_t listener_count;
    unsigned workers; /* 0: cores this process may use */
    const dx_clock *clock;
    void (*started)(net_worker *worker,
                    void *context); /* on the worker's thread, before the first connection */
    void (*stopped)(net_worker *worker, void *context); /* on the worker's thread, after the last */
    void *context;
} net_server_spec;

/* Binds all listeners and starts the workers. DX_CONFIG: address, certificate or key (why says which). */
DX_RC net_server_start(const net_server_spec *spec, net_server **out, dx_why *why);
void net_server_stop_accepting(net_server *server);
void net_server_drain(net_server *server, uint32_t timeout_s); /* waits; what remains after it is cut */
/* Closes every connection now; requests under way see gone(). The workers go on, so that what is still being
 * done for an exchange can come back. */
void net_server_cut(net_server *server);
void net_server_free(net_server *server); /* stops the workers */
size_t net_server_connections(const net_server *server);
unsigned net_server_workers(const net_server *server, net_worker ***out);
/* New certificate and key for a listener; open connections keep theirs. */
DX_RC net_server_reload_tls(net_server *server, size_t listener, const char *certificate_file,
                            const char *key_file, dx_why *why);

/* ---- on a worker ---- */
void *net_worker_user(net_worker *worker);
void net_worker_set_user(net_worker *worker, void *user);
const dx_clock *net_worker_clock(const net_worker *worker);
/* Runs fn(arg) on the worker's loop, soon. Any thread. The task's memory is the caller's until fn runs.
 * False: the worker is gone (the caller keeps what arg means). */
typedef struct net_task {
    struct net_task *next;
    void (*fn)(struct net_task *task);
} net_task;
bool net_post(net_worker *worker, net_task *task);
/* One-shot timers on the worker's wheel (100 ms ticks). */
typedef struct net_timer {
    struct net_timer *next, **prev;
    int64_t due_us;
    void (*fn)(struct net_timer *timer);
} net_timer;
void net_timer_start(net_worker *worker, net_timer *timer, uint32_t after_ms, void (*fn)(net_timer *timer));
void net_timer_stop(net_timer *timer); /* fine when not running */

/* ---- on a connection; http_stream_connection_user(stream) is its net_connection ---- */
const net_peer *net_connection_peer(const net_connection *connection); /* lives as long as the connection */
/* The same for something that may outlive the connection; release it on the same worker. */
const net_peer *net_connection_hold_peer(net_connection *connection);
void net_peer_hold(const net_peer *peer);
void net_peer_unhold(net_worker *worker, const net_peer *peer);
/* What somebody keeps with a peer as long as its entry lives; `release` NULL: nothing to do. */
void net_peer_set_user(const net_peer *peer, void *user, void (*release)(void *user));
unsigned net_peer_connections(const net_peer *peer);
/* Visits peers from bucket *at on, a bucket at a time, until `more` says no after one; *at is where to go on,
 * 0 after the last. A visit may cut its peer. */
void net_worker_each_peer(net_worker *worker, size_t *at, bool (*more)(void *context),
                          void (*visit)(net_worker *worker, const net_peer *peer, void *context),
                          void *context);
/* The peer is believed no longer: idle connections end now, the others after the answers under way, and
 * whatever is left is cut without goodbye after `finish_s`. Returns how many connections that concerns; one
 * that is being cut already does not count again. */
unsigned net_peer_cut(net_worker *worker, const net_peer *peer, uint32_t finish_s);
size_t net_connection_listener(const net_connection *connection);
const char *net_connection_tls_version(const net_connection *connection); /* "1.3" */
unsigned net_connection_refused(net_connection *connection); /* counts one more; how many there were */
void net_connection_close_soon(net_connection *connection);  /* graceful: after the answers under way */
/* Visits each live connection of this worker. */
void net_worker_each(net_worker *worker, void (*visit)(net_connection *connection, void *context),
                     void *context);

#endif
