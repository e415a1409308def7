/* net_tls_client.h -- TLS as a client, apart from any socket: ciphertext in, ciphertext out.
 *
 * Standard: RFC 8446 (1.3, and 1.2), RFC 9525 (names). The server proves a name under an issuer that the
 * operator named; we show a certificate when it asks. No session is kept. Threads: a client and its sessions
 * stay on one thread, that of the worker whose library context they use.
 */
#ifndef GATEWAY_NET_NET_TLS_CLIENT_H
#define GATEWAY_NET_NET_TLS_CLIENT_H

#include "gateway/net/net.h"

typedef struct {
    const char *ca_file; /* PEM: who may have issued the server's certificate, or it itself */
    const char *certificate_file, *key_file; /* PEM, ours; both or NULL */
} net_tls_client_spec;

typedef struct net_tls_client net_tls_client;
typedef struct net_tls_session net_tls_session;

/* The files are read here. `worker` NULL: only to see whether they can be used. DX_CONFIG: they cannot (mend
 * them first); DX_NO_MEMORY. */
DX_RC net_tls_client_new(net_worker *worker, const net_tls_client_spec *spec, net_tls_client **out,
                         dx_why *why);
void net_tls_client_free(net_tls_client *client); /* after its sessions; NULL is fine */

/* `name`: DNS name or textual address that the certificate must bear in its subjectAltName; also SNI. The
 * first flight is ready in net_tls_session_out. NULL: no memory. */
net_tls_session *net_tls_session_new(net_tls_client *client, const char *name);
void net_tls_session_free(net_tls_session *session); /* NULL is fine */

/* Ciphertext from the server; copied. False: no memory. */
bool net_tls_session_feed(net_tls_session *session, dx_bytes cipher);
typedef enum { NET_TLS_MORE = 0, NET_TLS_UP, NET_TLS_BROKEN } net_tls_state;
/* Goes on with the handshake. BROKEN: net_tls_session_why says why; an alert may be in net_tls_session_out.
 */
net_tls_state net_tls_session_shake(net_tls_session *session);
/* Plaintext into `room`: its size; 0: more must be fed first; -1: the server ended TLS, or broke it. */
int net_tls_session_read(net_tls_session *session, uint8_t *room, size_t size);
bool net_tls_session_write(net_tls_session *session, dx_bytes plain); /* false: over */
void net_tls_session_end(net_tls_session *session);                   /* close_notify */
/* What must go to the server, in this order; valid until the next call on this session. */
dx_bytes net_tls_session_out(net_tls_session *session);
void net_tls_session_taken(net_tls_session *session); /* all of it is on its way */
/* After BROKEN: what libssl says, and what was wrong with the certificate. */
const char *net_tls_session_why(const net_tls_session *session, char room[static 256]);

#endif
