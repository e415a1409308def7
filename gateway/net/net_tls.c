#include "gateway/net/net_private.h"

#include <openssl/err.h>
#include <stdio.h>

/* Mutual TLS: the handshake proves possession of a key and judges nothing (identity.md 3, dataplane.md 3). */

#define PEER_CHAIN_BYTES  16384
#define KEY_UPDATES_PER_S 100

/* libssl checks CertificateVerify; whose certificate this is, stage_trust decides. */
static int keep_chain(X509_STORE_CTX *store, void *context)
{
    (void)context;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *in, unsigned in_size, void *context)
{
    (void)ssl;
    (void)context;
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2: no_application_protocol */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int check_name(SSL *ssl, int *alert, void *context)
{
    const net_listen_spec *spec = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    net_connection *c = SSL_get_app_data(ssl);
    for (size_t i = 0; name != NULL && i < spec->host_count; i++)
        if (dx_bytes_is_nocase(dx_bytes_text(name), spec->hosts[i])) {
            snprintf(c->sni, sizeof c->sni, "%s", spec->hosts[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    *alert = SSL_AD_UNRECOGNIZED_NAME; /* RFC 6066 3 */
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* KeyUpdate costs us a key schedule for five bytes of theirs (DP-304). */
static void watch_messages(int write, int version, int type, const void *data, size_t size, SSL *ssl,
                           void *context)
{
    (void)version;
    (void)context;
    net_connection *c = SSL_get_app_data(ssl);
    if (write || type != SSL3_RT_HANDSHAKE || size == 0 || *(const uint8_t *)data != SSL3_MT_KEY_UPDATE)
        return;
    int64_t now_us = dx_mono_us(c->worker->server->spec.clock);
    if (now_us - c->key_updates_from_us > 1000000) {
        c->key_updates_from_us = now_us;
        c->key_updates = 0;
    }
    if (++c->key_updates > KEY_UPDATES_PER_S)
        c->key_update_flood = true;
}

const char *net_tls_error(char *room, size_t size)
{
    ERR_error_string_n(ERR_peek_error(), room, size);
    ERR_clear_error();
    return room;
}

static DX_RC fail(dx_why *why, const char *what, const char *file)
{
    char text[160];
    return DX_FAIL(why, CONFIG, "", "%s %s: %s", what, file, net_tls_error(text, sizeof text));
}

DX_RC net_tls_context(net_worker *worker, const net_listen_spec *spec, SSL_CTX **out, dx_why *why)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(worker->libctx, NULL, TLS_server_method());
    *out = NULL;
    if (ctx == NULL)
        return fail(why, "TLS cannot start for", spec->address);
    SSL_CTX_set_min_proto_version(ctx, spec->tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_security_level(ctx, 2);
    /* A resumed handshake presents no certificate and would survive revocation: no tickets, no cache, no
     * early data. */
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_recv_max_early_data(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(ctx, 0);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, keep_chain, NULL);
    SSL_CTX_set_max_cert_list(ctx,
                              spec->peer_chain_bytes != 0 ? (long)spec->peer_chain_bytes : PEER_CHAIN_BYTES);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, check_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, (void *)(uintptr_t)spec);
    SSL_CTX_set_msg_callback(ctx, watch_messages);
    struct dx_rc rc = DX_OKAY;
    static char groups[] = "X25519:P-256:P-384"; /* the macro casts const away */
    if (SSL_CTX_set1_groups_list(ctx, groups) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK") != 1)
        rc = fail(why, "TLS cannot be set up for", spec->address);
    else if (SSL_CTX_use_certificate_chain_file(ctx, spec->certificate_file) != 1)
        rc = fail(why, "cannot use certificate", spec->certificate_file);
    else if (SSL_CTX_use_PrivateKey_file(ctx, spec->key_file, SSL_FILETYPE_PEM) != 1)
        rc = fail(why, "cannot use key", spec->key_file);
    else if (SSL_CTX_check_private_key(ctx) != 1)
        rc = fail(why, "the key does not belong to the certificate", spec->certificate_file);
    if (rc.code != DX_OK) {
        SSL_CTX_free(ctx);
        return rc;
    }
    *out = ctx;
    return DX_OKAY;
}

/* ---- bytes between libssl and the worker's areas ---- */

static int bio_write(BIO *bio, const char *data, size_t size, size_t *written)
{
    net_connection *c = BIO_get_data(bio);
    net_worker *w = c->worker;
    size_t room = sizeof w->transmit - w->transmit_size;
    if (size > room) { /* cannot happen: a turn never produces more than the area holds */
        *written = 0;
        return 0;
    }
    memcpy(w->transmit + w->transmit_size, data, size);
    w->transmit_size += size;
    *written = size;
    return 1;
}

static int bio_read(BIO *bio, char *data, size_t size, size_t *got)
{
    net_connection *c = BIO_get_data(bio);
    dx_bytes *span = &c->worker->span;
    BIO_clear_retry_flags(bio);
    if (span->size == 0) {
        BIO_set_retry_read(bio);
        *got = 0;
        return 0;
    }
    *got = size < span->size ? size : span->size;
    memcpy(data, span->data, *got);
    *span = dx_bytes_part(*span, *got, span->size);
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    net_connection *c = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_PENDING:
        return c == NULL ? 0 : (long)c->worker->span.size;
    default:
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *net_tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sekisho worker");
    if (m == NULL)
        return NULL;
    BIO_meth_set_write_ex(m, bio_write);
    BIO_meth_set_read_ex(m, bio_read);
    BIO_meth_set_ctrl(m, bio_ctrl);
    BIO_meth_set_create(m, bio_create);
    return m;
}

bool net_tls_attach(net_connection *c)
{
    c->ssl = SSL_new(c->listener->tls);
    BIO *bio = c->ssl == NULL ? NULL : BIO_new(c->worker->bio);
    if (bio == NULL)
        return false;
    BIO_set_data(bio, c);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_app_data(c->ssl, c);
    SSL_set_accept_state(c->ssl);
    return true;
}
