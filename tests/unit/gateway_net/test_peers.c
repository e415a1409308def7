/* Peers by hand: what one of them makes libssl say, and how long one of them may take. Time is handed in; one
 * worker serves everybody, so that its areas are shared. */
#include "tests/unit/gateway_net/net_world.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define HUGE_BYTES (24U << 20) /* more than the kernel takes from a peer that does not read */

/* ---- a clock that the test moves ---- */

static _Atomic int64_t now_us = 1000000000;

static int64_t tell_time(const dx_clock *clock)
{
    (void)clock;
    return now_us;
}

static const dx_clock clock_by_hand = {tell_time, tell_time};

/* A turn of the worker, seen from here: what was due before it is done after it. */
static void turned(net_task *task)
{
    atomic_store((atomic_bool *)(void *)(task + 1), true);
}

static void one_turn(void)
{
    struct {
        net_task task;
        atomic_bool done;
    } turn = {.task = {.fn = turned}};
    net_worker **workers;
    assert_int_equal(net_server_workers(server, &workers), 1);
    assert_true(net_post(workers[0], &turn.task));
    while (!atomic_load(&turn.done))
        usleep(1000);
}

/* Some turns, with ticks of the wheel (100 ms) between them, however busy this machine is. */
static void settle(void)
{
    for (unsigned i = 0; i < 2; i++) {
        one_turn();
        usleep(120000);
    }
    one_turn();
}

static void pass(unsigned seconds)
{
    now_us += (int64_t)seconds * 1000000;
    settle();
}

/* ---- a handler: takes the content, then answers "ok", or a lot ---- */

static void take(void *user, http_stream *s)
{
    dx_bytes slice;
    http_take what;
    while ((what = http_body_take(s, &slice)) == HTTP_TAKE_DATA)
        continue;
    if (what == HTTP_TAKE_TRUNCATED || what == HTTP_TAKE_TOO_LARGE)
        http_answer_abort(s);
    if (what != HTTP_TAKE_END)
        return;
    bool huge = dx_bytes_is(http_stream_request(s)->path, "/huge");
    dx_bytes out = huge ? dx_bytes_of(user, HUGE_BYTES) : DX_BYTES("ok");
    http_message head = {.status = 200, .body = HTTP_BODY_LENGTH, .body_length = out.size};
    http_answer(s, &head, false);
    http_answer_data(s, out);
    http_answer_end(s, NULL, 0);
}

static uint8_t huge_content[HUGE_BYTES];

static void *begin(void *context, http_stream *s, const http_message *request)
{
    (void)context, (void)request;
    take(huge_content, s);
    return huge_content;
}

static void gone(void *user, http_stream *s, bool sent)
{
    (void)user, (void)s, (void)sent;
}

static const http_handler handler = {begin, take, gone, NULL, NULL};

static const http_handler *get_handler(net_worker *worker, void *context)
{
    (void)worker, (void)context;
    return &handler;
}

/* ---- a peer ---- */

static SSL_CTX *tls;

typedef struct {
    int fd;
    SSL *ssl;
    unsigned key_updates; /* that the server sent us */
} peer;

static peer here[2]; /* in a test */

static void watch(int write, int version, int type, const void *data, size_t size, SSL *ssl, void *context)
{
    (void)version, (void)context;
    if (!write && type == SSL3_RT_HANDSHAKE && size > 0 && *(const uint8_t *)data == SSL3_MT_KEY_UPDATE)
        ((peer *)SSL_get_app_data(ssl))->key_updates++;
}

static void enter_with(peer *p, int version)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 10};
    static char name[] = "data.example"; /* the macro casts const away */
    int room = 16384;
    *p = (peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .ssl = SSL_new(tls)};
    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(p->fd, (const struct sockaddr *)(const void *)&at, sizeof at), 0);
    SSL_set_app_data(p->ssl, p);
    SSL_set_fd(p->ssl, p->fd);
    SSL_set_tlsext_host_name(p->ssl, name);
    SSL_set_min_proto_version(p->ssl, version);
    SSL_set_max_proto_version(p->ssl, version);
    assert_int_equal(SSL_connect(p->ssl), 1);
}

static void enter(peer *p)
{
    enter_with(p, TLS1_3_VERSION);
}

static int everyone_leaves(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        if (here[i].ssl != NULL) {
            SSL_free(here[i].ssl);
            close(here[i].fd);
            here[i].ssl = NULL;
        }
    for (unsigned i = 0; i < 20 && net_server_connections(server) > 0; i++)
        settle();
    return net_server_connections(server) > 0;
}

static void say(peer *p, const char *text)
{
    assert_int_equal(SSL_write(p->ssl, text, (int)strlen(text)), strlen(text));
}

/* Reads until the answer holds `end`, or so many bytes of it came. */
static size_t hear(peer *p, const char *end, size_t most)
{
    static char text[1 << 16];
    size_t total = 0;
    while (total < most) {
        int n = SSL_read(p->ssl, text, sizeof text - 1);
        if (n <= 0)
            fail_msg("after %zu bytes: %s", total, ERR_reason_error_string(ERR_peek_error()));
        total += (size_t)n;
        text[n] = 0;
        if (end != NULL && memmem(text, (size_t)n, end, strlen(end)) != NULL)
            return total;
    }
    return total;
}

static void ask(peer *p)
{
    say(p, "GET / HTTP/1.1\r\nHost: data.example\r\n\r\n");
    hear(p, "\r\n\r\nok", 4096);
}

static void ask_for_much(peer *p)
{
    say(p, "GET /huge HTTP/1.1\r\nHost: data.example\r\n\r\n");
    settle(); /* the kernel is full now */
}

/* ---- what SSL_read makes libssl say ---- */

static void an_alert_reaches_the_peer_it_is_for_and_nobody_else(void **state)
{
    (void)state;
    peer *culprit = &here[0], *bystander = &here[1];
    enter(culprit);
    enter(bystander);
    ask(culprit);
    ask(bystander);
    const uint8_t forged[5 + 32] = {0x17, 3, 3, 0, 32}; /* a record that does not decrypt */
    assert_int_equal(send(culprit->fd, forged, sizeof forged, 0), sizeof forged);
    settle();
    ask(bystander); /* another's alert in front of this answer would not decrypt here */
    char byte;
    ERR_clear_error();
    assert_true(SSL_read(culprit->ssl, &byte, 1) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    ask(bystander);
}

/* TLS 1.2: SSL_read says no_renegotiation and goes on. The peer's libssl gives up when it hears that. */
static void a_refused_renegotiation_is_told_to_its_peer_and_nobody_else(void **state)
{
    (void)state;
    peer *asking = &here[0], *bystander = &here[1];
    enter_with(asking, TLS1_2_VERSION);
    enter(bystander);
    ask(asking);
    ask(bystander);
    ERR_clear_error();
    assert_int_equal(SSL_renegotiate(asking->ssl), 1);
    assert_true(SSL_do_handshake(asking->ssl) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ask(bystander);
}

/* The same while ciphertext waits: a record between two halves of another would not decrypt. */
static void what_is_said_while_an_answer_waits_goes_behind_it(void **state)
{
    (void)state;
    peer *asking = &here[0];
    static char text[1 << 16];
    enter_with(asking, TLS1_2_VERSION);
    ask_for_much(asking);
    ERR_clear_error();
    assert_int_equal(SSL_renegotiate(asking->ssl), 1);
    int n = SSL_read(asking->ssl, text, sizeof text); /* sends the ClientHello */
    assert_true(n > 0);
    settle();
    while (n > 0)
        n = SSL_read(asking->ssl, text, sizeof text);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
}

/* libssl 3.0 answers a KeyUpdate with its next write, others at once: the bystander must not notice either.
 */
static void a_key_update_is_answered_to_its_peer_and_nobody_else(void **state)
{
    (void)state;
    peer *asking = &here[0], *bystander = &here[1];
    enter(asking);
    enter(bystander);
    ask(asking);
    assert_int_equal(SSL_key_update(asking->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(asking->ssl), 1);
    settle();
    ask(bystander);
    assert_int_equal(bystander->key_updates, 0);
    ask(asking);
    assert_int_equal(asking->key_updates, 1);
}

static void a_flood_of_key_updates_ends_its_connection_alone(void **state)
{
    (void)state;
    peer *asking = &here[0], *bystander = &here[1];
    enter(asking);
    enter(bystander);
    ask(asking);
    for (unsigned i = 0; i < 101; i++) { /* within a second of the server's clock: DP-304 */
        assert_int_equal(SSL_key_update(asking->ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(asking->ssl), 1);
    }
    char byte;
    assert_true(SSL_read(asking->ssl, &byte, 1) <= 0);
    settle();
    assert_int_equal(net_server_connections(server), 1);
    ask(bystander);
}

/* ---- how long a peer may take ---- */

static void send_and_pass(peer *p, size_t bytes, unsigned seconds)
{
    char content[4096];
    memset(content, 'x', sizeof content);
    assert_int_equal(SSL_write(p->ssl, content, (int)bytes), bytes);
    settle();
    pass(seconds);
}

static void begin_content(peer *p, unsigned length)
{
    char head[160];
    snprintf(head, sizeof head,
             "POST / HTTP/1.1\r\nHost: data.example\r\nContent-Length: %u\r\nExpect: 100-continue\r\n\r\n",
             length);
    enter(p);
    say(p, head);
    hear(p, "100 Continue", 4096);
    settle();
}

/* 10 s of grace, and then every KiB buys a second. */
static void content_that_trickles_renews_no_deadline(void **state)
{
    (void)state;
    peer *p = &here[0];
    begin_content(p, 100000);
    for (unsigned i = 0; i < 3; i++)
        send_and_pass(p, 300, 3);
    assert_int_equal(net_server_connections(server), 1); /* 9 s: within its grace */
    send_and_pass(p, 300, 3);                            /* 12 s, and 1200 bytes bought one */
    settle();
    assert_int_equal(net_server_connections(server), 0);
}

static void content_that_keeps_its_rate_may_take_its_time(void **state)
{
    (void)state;
    peer *p = &here[0];
    begin_content(p, 10 * 4096);
    for (unsigned i = 0; i < 9; i++)
        send_and_pass(p, 4096, 4);
    assert_int_equal(net_server_connections(server), 1); /* 36 s */
    char content[4096] = {0};
    assert_int_equal(SSL_write(p->ssl, content, sizeof content), sizeof content);
    hear(p, "\r\n\r\nok", 4096);
}

/* 30 s for a peer that does not read; whatever it sends makes a flush that moves nothing. */
static void a_flush_that_moved_nothing_renews_no_write_stall(void **state)
{
    (void)state;
    peer *p = &here[0];
    enter(p);
    ask_for_much(p);
    for (unsigned i = 0; i < 2; i++) {
        pass(14);
        say(p, "GET / HTTP/1.1\r\n");
        settle();
    }
    assert_int_equal(net_server_connections(server), 1); /* 28 s */
    pass(4);
    settle();
    assert_int_equal(net_server_connections(server), 0);
}

static void a_peer_that_reads_slowly_stalls_nothing(void **state)
{
    (void)state;
    peer *p = &here[0];
    enter(p);
    ask_for_much(p);
    for (unsigned i = 0; i < 3; i++) {
        pass(20);
        assert_int_equal(net_server_connections(server), 1);
        hear(p, NULL, HUGE_BYTES / 4);
        settle();
    }
}

static int set_up(void **state)
{
    (void)state;
    if (open_world((net_listen_spec){.handler = get_handler, .tls12 = true}, 1, &clock_by_hand) != 0)
        return 1;
    char file[100];
    tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_alpn_protos(tls, (const unsigned char *)"\x08http/1.1", 9);
    SSL_CTX_set_msg_callback(tls, watch);
    snprintf(file, sizeof file, "%s/peer.pem", folder);
    int ready = SSL_CTX_use_certificate_file(tls, file, SSL_FILETYPE_PEM);
    snprintf(file, sizeof file, "%s/peer.key", folder);
    return ready == 1 && SSL_CTX_use_PrivateKey_file(tls, file, SSL_FILETYPE_PEM) == 1 ? 0 : 1;
}

static int tear_down(void **state)
{
    SSL_CTX_free(tls);
    return close_world(state);
}

#define PEERS(test) cmocka_unit_test_teardown(test, everyone_leaves)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEERS(an_alert_reaches_the_peer_it_is_for_and_nobody_else),
        PEERS(a_refused_renegotiation_is_told_to_its_peer_and_nobody_else),
        PEERS(what_is_said_while_an_answer_waits_goes_behind_it),
        PEERS(a_key_update_is_answered_to_its_peer_and_nobody_else),
        PEERS(a_flood_of_key_updates_ends_its_connection_alone),
        PEERS(content_that_trickles_renews_no_deadline),
        PEERS(content_that_keeps_its_rate_may_take_its_time),
        PEERS(a_flush_that_moved_nothing_renews_no_write_stall),
        PEERS(a_peer_that_reads_slowly_stalls_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
