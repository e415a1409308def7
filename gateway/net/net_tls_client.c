#include "gateway/net/net_tls_client.h"

#include "gateway/net/net_private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

/* libssl between two memory BIOs. Its error queue belongs to the thread: it is emptied before whatever reads
 * it, and left empty. */

struct net_tls_client {
    SSL_CTX *context;
};

struct net_tls_session {
    SSL *ssl;
    unsigned long error; /* of the handshake that failed */
};

/* ---- the client ---- */

static DX_RC fail(dx_why *why, const char *what, const char *file)
{
    char text[160];
    return DX_FAIL(why, CONFIG, "", "%s %.200s: %s", what, file, net_tls_error(text, sizeof text));
}

static DX_RC set_up(SSL_CTX *context, const net_tls_client_spec *spec, dx_why *why)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1) != 0 ||
        SSL_CTX_load_verify_file(context, spec->ca_file) != 1)
        return fail(why, "cannot use", spec->ca_file);
    if (spec->certificate_file == NULL)
        return DX_OKAY;
    if (SSL_CTX_use_certificate_chain_file(context, spec->certificate_file) != 1)
        return fail(why, "cannot use certificate", spec->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, spec->key_file, SSL_FILETYPE_PEM) != 1)
        return fail(why, "cannot use key", spec->key_file);
    return DX_OKAY;
}

DX_RC net_tls_client_new(net_worker *worker, const net_tls_client_spec *spec, net_tls_client **out,
                         dx_why *why)
{
    net_tls_client *client = calloc(1, sizeof *client);
    *out = NULL;
    ERR_clear_error();
    if (client != NULL)
        client->context = SSL_CTX_new_ex(worker == NULL ? NULL : worker->libctx, NULL, TLS_client_method());
    struct dx_rc rc = client == NULL || client->context == NULL
                          ? DX_FAIL(why, NO_MEMORY, "", "no memory for a TLS client")
                          : set_up(client->context, spec, why);
    ERR_clear_error();
    if (rc.code == DX_OK)
        *out = client;
    else
        net_tls_client_free(client);
    return rc;
}

void net_tls_client_free(net_tls_client *client)
{
    if (client != NULL)
        SSL_CTX_free(client->context);
    free(client);
}

/* ---- a session ---- */

static bool begin(net_tls_session *session, const char *name)
{
    uint8_t address[16];
    bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    SSL_set_connect_state(session->ssl);
    bool named = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), name) == 1
                            : SSL_set1_host(session->ssl, name) == 1 &&
                                  SSL_set_tlsext_host_name(session->ssl, name) == 1;
    return named && net_tls_session_shake(session) == NET_TLS_MORE;
}

net_tls_session *net_tls_session_new(net_tls_client *client, const char *name)
{
    net_tls_session *session = calloc(1, sizeof *session);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (session != NULL)
        session->ssl = SSL_new(client->context);
    if (session == NULL || session->ssl == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
    } else {
        SSL_set_bio(session->ssl, in, out);
        if (begin(session, name))
            return session;
    }
    net_tls_session_free(session);
    return NULL;
}

void net_tls_session_free(net_tls_session *session)
{
    if (session != NULL)
        SSL_free(session->ssl);
    free(session);
}

bool net_tls_session_feed(net_tls_session *session, dx_bytes cipher)
{
    return BIO_write(SSL_get_rbio(session->ssl), cipher.data, (int)cipher.size) == (int)cipher.size;
}

net_tls_state net_tls_session_shake(net_tls_session *session)
{
    ERR_clear_error();
    int done = SSL_do_handshake(session->ssl);
    bool more = done != 1 && SSL_get_error(session->ssl, done) == SSL_ERROR_WANT_READ;
    if (done != 1 && !more)
        session->error = ERR_peek_last_error();
    ERR_clear_error();
    return done == 1 ? NET_TLS_UP : more ? NET_TLS_MORE : NET_TLS_BROKEN;
}

int net_tls_session_read(net_tls_session *session, uint8_t *room, size_t size)
{
    ERR_clear_error();
    int n = SSL_read(session->ssl, room, (int)size);
    bool more = n <= 0 && SSL_get_error(session->ssl, n) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return n > 0 ? n : more ? 0 : -1;
}

bool net_tls_session_write(net_tls_session *session, dx_bytes plain)
{
    if (plain.size == 0)
        return true;
    ERR_clear_error();
    bool ok =
        plain.size <= INT32_MAX && SSL_write(session->ssl, plain.data, (int)plain.size) == (int)plain.size;
    ERR_clear_error();
    return ok;
}

void net_tls_session_end(net_tls_session *session)
{
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

dx_bytes net_tls_session_out(net_tls_session *session)
{
    char *data;
    long size = BIO_get_mem_data(SSL_get_wbio(session->ssl), &data);
    return dx_bytes_of(data, size > 0 ? (size_t)size : 0);
}

void net_tls_session_taken(net_tls_session *session)
{
    (void)BIO_reset(SSL_get_wbio(session->ssl));
}

const char *net_tls_session_why(const net_tls_session *session, char room[static 256])
{
    char text[120];
    long verdict = SSL_get_verify_result(session->ssl);
    ERR_error_string_n(session->error, text, sizeof text);
    snprintf(room, 256, "%s%s%.110s", text, verdict == X509_V_OK ? "" : ": ",
             verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict));
    return room;
}
