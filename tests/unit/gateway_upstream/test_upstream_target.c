/* Several addresses, each with its own breaker, and TLS that proves who is at the other end. */
#include "tests/unit/gateway_upstream/upstream_world.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* ---- TLS in front of the data API ---- */

typedef struct {
    int listener;
    uint16_t port;
    pthread_t thread;
    SSL_CTX *tls;
    unsigned guests, shown; /* atomic: handshakes that held; of them with a client's certificate */
} front;

typedef struct {
    front *f;
    int fd;
} visitor;

static bool relay(SSL *ssl, int from_api)
{
    char room[16384];
    struct pollfd p[2] = {{SSL_get_fd(ssl), POLLIN, 0}, {from_api, POLLIN, 0}};
    if (SSL_pending(ssl) == 0 && poll(p, 2, 8000) <= 0)
        return false;
    if (SSL_pending(ssl) > 0 || p[0].revents != 0) {
        int n = SSL_read(ssl, room, sizeof room);
        return n > 0 && send(from_api, room, (size_t)n, MSG_NOSIGNAL) == n;
    }
    ssize_t n = recv(from_api, room, sizeof room, 0);
    return n > 0 && SSL_write(ssl, room, (int)n) == n;
}

static void *receive(void *argument)
{
    visitor v = *(visitor *)argument;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(api.port)};
    int back = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(v.f->tls);
    free(argument);
    SSL_set_fd(ssl, v.fd);
    if (SSL_accept(ssl) == 1 && connect(back, (struct sockaddr *)&a, sizeof a) == 0) {
        X509 *shown = SSL_get1_peer_certificate(ssl);
        __atomic_add_fetch(&v.f->guests, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&v.f->shown, shown != NULL, __ATOMIC_RELAXED);
        X509_free(shown);
        while (relay(ssl, back)) {
        }
    }
    SSL_free(ssl);
    close(back);
    close(v.fd);
    ERR_clear_error();
    OPENSSL_thread_stop();
    return NULL;
}

static void *greet(void *argument)
{
    front *f = argument;
    for (int fd; (fd = accept(f->listener, NULL, NULL)) >= 0;) {
        pthread_t thread;
        visitor *v = malloc(sizeof *v);
        *v = (visitor){f, fd};
        if (pthread_create(&thread, NULL, receive, v) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

static void front_open(front *f, bool wants_certificate)
{
    char file[100], key[100];
    snprintf(file, sizeof file, "%s/c.pem", folder);
    snprintf(key, sizeof key, "%s/k.pem", folder);
    *f = (front){.tls = SSL_CTX_new(TLS_server_method())};
    assert_int_equal(SSL_CTX_use_certificate_file(f->tls, file, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(f->tls, key, SSL_FILETYPE_PEM), 1);
    if (wants_certificate) {
        SSL_CTX_set_verify(f->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        assert_int_equal(SSL_CTX_load_verify_file(f->tls, file), 1);
    }
    f->listener = listen_on(&f->port);
    assert_int_equal(pthread_create(&f->thread, NULL, greet, f), 0);
}

static void front_close(front *f)
{
    shutdown(f->listener, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->listener);
    usleep(50000); /* visitors end with their connections */
    SSL_CTX_free(f->tls);
}

static char file_at[6][100];

static const char *file(unsigned slot, const char *name)
{
    snprintf(file_at[slot], sizeof file_at[slot], "%s/%s", folder, name);
    return file_at[slot];
}

static upstream_pool *tls_pool(const front *f, upstream_tls_spec tls)
{
    char address[40];
    const char *addresses[] = {address};
    snprintf(address, sizeof address, "127.0.0.1:%u", f->port);
    return open_pool((upstream_spec){.addresses = addresses, .address_count = 1, .tls = tls});
}

/* ---- the promises ---- */

static void a_name_that_its_certificate_bears_is_believed(void **state)
{
    (void)state;
    front f;
    front_open(&f, false);
    upstream_pool *pool =
        tls_pool(&f, (upstream_tls_spec){.ca_file = file(0, "c.pem"), .name = "data.example"});
    uint8_t *body = calloc(1, 6 << 20);
    call c;
    for (int i = 0; i < 3; i++)
        comes_out(pool, "GET", "/ok", 200, "", NULL);
    assert_int_equal(f.guests, 1); /* kept alive */
    run(&c, pool, "GET", "/large", (dx_bytes){NULL, 0});
    assert_int_equal(c.got.size, 4194304);
    call_fini(&c);
    run(&c, pool, "POST", "/ok", dx_bytes_of(body, 6 << 20));
    assert_int_equal(c.status, 200);
    call_fini(&c);
    comes_out(pool, "GET", "/short", 0, "upstream-incomplete", "F34");
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    assert_int_equal(f.shown, 0);
    free(body);
    close_pool(pool);
    front_close(&f);
}

static void another_name_or_another_issuer_is_not(void **state)
{
    (void)state;
    front f;
    front_open(&f, false);
    unsigned before = __atomic_load_n(&api.requests, __ATOMIC_RELAXED);
    static const struct {
        const char *ca, *name;
    } wrong[] = {{"c.pem", "other.example"}, {"c.pem", NULL}, {"stranger.pem", "data.example"}};
    for (size_t i = 0; i < 3; i++) {
        upstream_pool *pool =
            tls_pool(&f, (upstream_tls_spec){.ca_file = file(0, wrong[i].ca), .name = wrong[i].name});
        comes_out(pool, "POST", "/ok", 0, "upstream-unreachable", "F32");
        close_pool(pool);
    }
    assert_int_equal(__atomic_load_n(&api.requests, __ATOMIC_RELAXED), before); /* nothing was said to it */
    front_close(&f);
}

static void we_show_a_certificate_to_one_that_asks(void **state)
{
    (void)state;
    front f;
    front_open(&f, true);
    upstream_tls_spec spec = {.ca_file = file(0, "c.pem"), .name = "data.example"};
    upstream_pool *pool = tls_pool(&f, spec);
    call c;
    run(&c, pool, "GET", "/ok", (dx_bytes){NULL, 0});
    assert_string_not_equal(c.slug, "");
    call_fini(&c);
    close_pool(pool);
    spec.certificate_file = file(0, "c.pem");
    spec.key_file = file(1, "k.pem");
    pool = tls_pool(&f, spec);
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    assert_int_equal(f.shown, 1);
    close_pool(pool);
    front_close(&f);
}

static void plain_http_behind_tls_is_no_data_api(void **state)
{
    (void)state;
    char address[40];
    const char *addresses[] = {address};
    snprintf(address, sizeof address, "127.0.0.1:%u", api.port);
    upstream_pool *pool =
        open_pool((upstream_spec){.addresses = addresses,
                                  .address_count = 1,
                                  .connect_ms = 500,
                                  .tls = {.ca_file = file(0, "c.pem"), .name = "data.example"}});
    comes_out(pool, "GET", "/ok", 0, "upstream-unreachable", "F32");
    close_pool(pool);
}

static void what_cannot_be_used_is_told_at_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        upstream_tls_spec tls;
        const char *text;
    } wrong[] = {
        {"127.0.0.1", {0}, "is not address:port"},
        {"no-such-host.invalid:80", {0}, "has no address"},
        {"127.0.0.1:1", {.ca_file = "k.pem"}, "cannot use"},
        {"127.0.0.1:1", {.ca_file = "c.pem", .certificate_file = "c.pem", .key_file = "stranger.key"}, "key"},
        {"unix:/tmp/x", {.ca_file = "c.pem"}, "upstream.tls.name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        upstream_tls_spec tls = wrong[i].tls;
        dx_why why = {0};
        tls.ca_file = tls.ca_file == NULL ? NULL : file(0, tls.ca_file);
        tls.certificate_file = tls.certificate_file == NULL ? NULL : file(1, tls.certificate_file);
        tls.key_file = tls.key_file == NULL ? NULL : file(2, tls.key_file);
        const upstream_spec spec = {.addresses = &wrong[i].address, .address_count = 1, .tls = tls};
        assert_int_equal(upstream_check(&spec, &why).code, DX_CONFIG);
        if (strstr(why.text, wrong[i].text) == NULL)
            fail_msg("%zu: %s", i, why.text);
    }
}

static void one_address_that_refuses_costs_nobody_anything(void **state)
{
    (void)state;
    char dead[40], live[40];
    const char *addresses[] = {closed_address(dead), live};
    snprintf(live, sizeof live, "127.0.0.1:%u", api.port);
    upstream_pool *pool = open_pool(
        (upstream_spec){.addresses = addresses, .address_count = 2, .breaker_fails = 2, .idle_max = 1});
    call c[8];
    unsigned twice = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            call_init(&c[i], pool, "POST", "/ok", DX_BYTES("x"));
            assert_true(net_post(worker, &c[i].task));
        }
        for (int i = 0; i < 8; i++) {
            wait_for(&c[i]);
            assert_int_equal(c[i].status, 200);
            twice += c[i].attempts == 2;
            call_fini(&c[i]);
        }
    }
    assert_true(twice >= 2 && twice < 8); /* its breaker opens, then nobody tries it */
    close_pool(pool);
}

static void connections_are_spread_over_the_addresses(void **state)
{
    (void)state;
    char one[40], two[40];
    faulty second = {0};
    const char *addresses[] = {one, two};
    second.listener = listen_on(&second.port);
    assert_int_equal(pthread_create(&second.thread, NULL, serve, &second), 0);
    snprintf(one, sizeof one, "127.0.0.1:%u", api.port);
    snprintf(two, sizeof two, "127.0.0.1:%u", second.port);
    upstream_pool *pool = open_pool((upstream_spec){.addresses = addresses, .address_count = 2});
    unsigned before = connections();
    call c[8];
    for (int i = 0; i < 8; i++) {
        call_init(&c[i], pool, "GET", "/drip", (dx_bytes){NULL, 0});
        assert_true(net_post(worker, &c[i].task));
    }
    for (int i = 0; i < 8; i++) {
        wait_for(&c[i]);
        assert_int_equal(c[i].status, 200);
        call_fini(&c[i]);
    }
    assert_int_equal(connections() - before, 4);
    assert_int_equal(__atomic_load_n(&second.connections, __ATOMIC_RELAXED), 4);
    close_pool(pool);
    shutdown(second.listener, SHUT_RDWR);
    pthread_join(second.thread, NULL);
    close(second.listener);
}

static int set_up_all(void **state)
{
    char command[512];
    if (set_up(state) != 0)
        return 1;
    snprintf(
        command, sizeof command,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out "
        "c.pem "
        "-subj /CN=x -addext subjectAltName=DNS:data.example -days 1 2>/dev/null && openssl req -x509 "
        "-newkey ec "
        "-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout stranger.key -out stranger.pem -subj /CN=x -days 1 "
        "2>/dev/null",
        folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_its_certificate_bears_is_believed),
        cmocka_unit_test(another_name_or_another_issuer_is_not),
        cmocka_unit_test(we_show_a_certificate_to_one_that_asks),
        cmocka_unit_test(plain_http_behind_tls_is_no_data_api),
        cmocka_unit_test(what_cannot_be_used_is_told_at_the_start),
        cmocka_unit_test(one_address_that_refuses_costs_nobody_anything),
        cmocka_unit_test(connections_are_spread_over_the_addresses),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down);
}
