/* What leaves the house, and what must never be reached. */
#include "trust/base/fetch.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static bool may_reach(const char *address, uint16_t port, const dx_fetch_rules *rules)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&storage;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
    } else {
        assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
    }
    return dx_fetch_address_allowed(rules, (const struct sockaddr *)(const void *)&storage);
}

static void the_guard_refuses_every_special_address(void **state)
{
    (void)state;
    const dx_fetch_rules none = {0};
    const char *refused[] = {"127.0.0.1",
                             "10.1.2.3",
                             "169.254.169.254",
                             "172.31.255.255",
                             "192.168.0.1",
                             "0.0.0.0",
                             "100.64.0.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "198.19.0.1",
                             "::1",
                             "::",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "64:ff9b::7f00:1",
                             "64:ff9b::a00:1",
                             "64:ff9b:1::1",
                             "fe80::1",
                             "fc00::1",
                             "fd12::1",
                             "ff02::1",
                             "2001:db8::1",
                             "2002:7f00:1::",
                             "fec0::1"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(may_reach(refused[i], 443, &none));
    assert_true(may_reach("8.8.8.8", 443, &none));
    assert_true(may_reach("8.8.8.8", 80, &none));
    assert_true(may_reach("64:ff9b::808:808", 80, &none));
    assert_true(may_reach("2a00:1450::1", 443, &none));
    assert_false(may_reach("8.8.8.8", 22, &none));
}

static void an_exception_opens_just_what_it_names(void **state)
{
    (void)state;
    const char *ranges[] = {"127.0.0.0/8"};
    const uint16_t ports[] = {8090};
    const dx_fetch_rules rules = {
        .allow_private = ranges, .allow_private_count = 1, .allow_ports = ports, .allow_ports_count = 1};
    assert_true(may_reach("127.0.0.1", 8090, &rules));
    assert_false(may_reach("127.0.0.1", 8091, &rules));
    assert_false(may_reach("10.0.0.1", 8090, &rules));
    assert_false(may_reach("::1", 8090, &rules));
}

/* ---- a server that says what the test wants, once per connection ---- */

typedef struct {
    int listener;
    uint16_t port;
    const char *answer;
    int connections;
    pthread_t thread;
} server;

static void *serve(void *argument)
{
    server *s = argument;
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0; close(fd)) {
        char request[4096];
        ssize_t n = read(fd, request, sizeof request);
        s->connections++;
        if (n > 0 && write(fd, s->answer, strlen(s->answer)) < 0)
            break;
    }
    return NULL;
}

static void server_start_on(server *s, in_addr_t address, uint16_t port, const char *answer)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(port)};
    socklen_t size = sizeof at;
    *s = (server){.answer = answer, .listener = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    getsockname(s->listener, (struct sockaddr *)&at, &size);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_start_at(server *s, in_addr_t address, const char *answer)
{
    server_start_on(s, address, 0, answer);
}

static void server_start(server *s, const char *answer)
{
    server_start_at(s, INADDR_LOOPBACK, answer);
}

static void server_stop(server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    close(s->listener);
    pthread_join(s->thread, NULL);
}

static const char *loopback[] = {"127.0.0.0/8"};
static const uint16_t any_port[] = {0};
static const dx_fetch_rules open_rules = {
    .allow_private = loopback, .allow_private_count = 1, .allow_ports = any_port, .allow_ports_count = 1};

static struct dx_rc ask(const dx_fetch_rules *rules, const char *path, uint16_t port, unsigned redirects,
                        dx_fetch_answer *answer, dx_why *why)
{
    dx_fetcher *fetcher;
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    assert_int_equal(dx_fetcher_new(rules, &fetcher, why).code, DX_OK);
    const dx_fetch_request request = {.url = url, .max_bytes = 64, .total_ms = 2000, .redirects = redirects};
    struct dx_rc rc = dx_fetch(fetcher, &request, answer, why);
    dx_fetcher_free(fetcher);
    return rc;
}

static void an_answer_arrives_whole_with_its_fields(void **state)
{
    (void)state;
    server s;
    dx_fetch_answer answer;
    dx_why why;
    server_start(&s,
                 "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nETag: \"7\"\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(ask(&open_rules, "/", s.port, 0, &answer, &why).code, DX_OK);
    assert_int_equal(answer.status, 200);
    assert_true(dx_bytes_is(dx_buf_view(&answer.body), "hello"));
    assert_string_equal(answer.content_type, "text/x");
    assert_string_equal(answer.etag, "\"7\"");
    dx_fetch_answer_fini(&answer);
    server_stop(&s);
}

static void an_answer_over_its_ceiling_is_refused(void **state)
{
    (void)state;
    server s;
    dx_fetch_answer answer;
    dx_why why;
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n"
                     "12345678901234567890123456789012345678901234567890123456789012345");
    assert_int_equal(ask(&open_rules, "/", s.port, 0, &answer, &why).code, DX_TOO_LARGE);
    dx_fetch_answer_fini(&answer);
    server_stop(&s);
}

static void a_private_address_is_never_connected_to(void **state)
{
    (void)state;
    server s;
    dx_fetch_answer answer;
    dx_why why;
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(ask(&(dx_fetch_rules){0}, "/", s.port, 0, &answer, &why).code, DX_REFUSED);
    assert_string_equal(why.id, "ID-416");
    dx_fetch_answer_fini(&answer);
    assert_int_equal(s.connections, 0);
    server_stop(&s);
}

static void redirects_are_followed_only_as_often_as_allowed(void **state)
{
    (void)state;
    server s;
    dx_fetch_answer answer;
    dx_why why;
    server_start(&s,
                 "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_int_equal(ask(&open_rules, "/", s.port, 0, &answer, &why).code, DX_OK);
    assert_int_equal(answer.status, 302);
    dx_fetch_answer_fini(&answer);
    assert_int_equal(ask(&open_rules, "/", s.port, 3, &answer, &why).code, DX_REFUSED);
    dx_fetch_answer_fini(&answer);
    assert_int_equal(s.connections, 5);
    server_stop(&s);
}

static void other_schemes_and_user_information_are_refused(void **state)
{
    (void)state;
    dx_fetcher *fetcher;
    dx_why why;
    assert_int_equal(dx_fetcher_new(&open_rules, &fetcher, &why).code, DX_OK);
    const char *refused[] = {"file:///etc/passwd",
                             "ldap://127.0.0.1/",
                             "gopher://127.0.0.1/",
                             "http://me@127.0.0.1/",
                             "http://a:b@h/",
                             "127.0.0.1/x",
                             "http://"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        dx_fetch_answer answer;
        const dx_fetch_request request = {.url = refused[i], .max_bytes = 64, .total_ms = 500};
        assert_int_equal(dx_fetch(fetcher, &request, &answer, &why).code, DX_REFUSED);
    }
    dx_fetcher_free(fetcher);
}

static void silence_ends_in_time(void **state)
{
    (void)state;
    server s;
    dx_fetch_answer answer;
    dx_why why;
    dx_fetcher *fetcher;
    char url[64];
    server_start(&s, "");
    s.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", s.port);
    assert_int_equal(dx_fetcher_new(&open_rules, &fetcher, &why).code, DX_OK);
    const dx_fetch_request request = {.url = url, .max_bytes = 64, .total_ms = 300};
    struct dx_rc rc = dx_fetch(fetcher, &request, &answer, &why);
    assert_true(rc.code == DX_TIMEOUT || rc.code == DX_UNREACHABLE);
    dx_fetch_answer_fini(&answer);
    dx_fetcher_free(fetcher);
    server_stop(&s);
}

/* Whole, or not at all: half an Authorization is a wrong one. */
static void a_field_that_does_not_fit_is_not_sent_cut(void **state)
{
    (void)state;
    server s;
    dx_fetcher *fetcher;
    dx_why why = {0};
    char token[2048], url[64];
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    assert_int_equal(dx_fetcher_new(&open_rules, &fetcher, &why).code, DX_OK);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", s.port);
    static const struct {
        size_t size;
        char with;
        dx_code code;
    } cases[] = {{1000, 'x', DX_OK},        {1008, 'x', DX_OK},   {1009, 'x', DX_TOO_LARGE},
                 {2000, 'x', DX_TOO_LARGE}, {20, '\n', DX_USAGE}, {20, '\r', DX_USAGE}};
    int sent = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(token, 'x', cases[i].size);
        token[10] = cases[i].with;
        token[cases[i].size] = 0;
        const dx_fetch_request request = {.url = url, .authorization = token, .max_bytes = 100};
        dx_fetch_answer answer;
        assert_int_equal(dx_fetch(fetcher, &request, &answer, &why).code, cases[i].code);
        dx_fetch_answer_fini(&answer);
        sent += cases[i].code == DX_OK;
    }
    dx_fetcher_free(fetcher);
    server_stop(&s);
    assert_int_equal(s.connections, sent);
}

/* ---- addresses that must never be reached (identity.md 9.4, 16 case 7) ---- */

/* A name server of our own: the second answer for a name differs from the first. */
static const char *first_answer, *second_answer;
static atomic_int looked_up;

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
    (void)host;
    (void)hints;
    const char *text = atomic_fetch_add(&looked_up, 1) == 0 ? first_answer : second_answer;
    *out = NULL;
    if (text == NULL)
        return EAI_NONAME;
    char copy[256], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    struct addrinfo **end = out;
    for (char *one; (one = strsep(&rest, " ")) != NULL; end = &(*end)->ai_next) {
        struct {
            struct addrinfo info;
            struct sockaddr_storage address;
        } *made = calloc(1, sizeof *made);
        struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&made->address;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&made->address;
        bool is_v4 = inet_pton(AF_INET, one, &v4->sin_addr) == 1;
        if (!is_v4 && inet_pton(AF_INET6, one, &v6->sin6_addr) != 1)
            abort();
        *(is_v4 ? &v4->sin_port : &v6->sin6_port) = htons((uint16_t)atoi(port));
        made->address.ss_family = is_v4 ? AF_INET : AF_INET6;
        made->info = (struct addrinfo){.ai_family = made->address.ss_family,
                                       .ai_socktype = SOCK_STREAM,
                                       .ai_addr = (struct sockaddr *)(void *)&made->address,
                                       .ai_addrlen = is_v4 ? sizeof *v4 : sizeof *v6};
        *end = &made->info;
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *all)
{
    for (struct addrinfo *next; all != NULL; all = next) {
        next = all->ai_next;
        free(all);
    }
}

static struct dx_rc get(const dx_fetch_rules *rules, const char *url, dx_why *why)
{
    dx_fetcher *fetcher;
    dx_fetch_answer answer;
    assert_int_equal(dx_fetcher_new(rules, &fetcher, why).code, DX_OK);
    const dx_fetch_request request = {.url = url, .max_bytes = 64, .total_ms = 2000};
    struct dx_rc rc = dx_fetch(fetcher, &request, &answer, why);
    dx_fetch_answer_fini(&answer);
    dx_fetcher_free(fetcher);
    return rc;
}

static void forty_ways_to_a_forbidden_address_make_no_connection(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://127.0.0.1:%u/",
        "http://127.1:%u/",
        "http://127.0.1:%u/",
        "http://2130706433:%u/",
        "http://0x7f000001:%u/",
        "http://0x7f.1:%u/",
        "http://0x7f.0x0.0x0.0x1:%u/",
        "http://017700000001:%u/",
        "http://0177.0.0.1:%u/",
        "http://0177.0.0x0.01:%u/",
        "http://0:%u/",
        "http://0.0.0.0:%u/",
        "http://127.0.0.2:%u/",
        "http://127.255.255.254:%u/",
        "http://[::1]:%u/",
        "http://[::]:%u/",
        "http://[::ffff:127.0.0.1]:%u/",
        "http://[::ffff:7f00:1]:%u/",
        "http://[0:0:0:0:0:ffff:7f00:1]:%u/",
        "http://[64:ff9b::127.0.0.1]:%u/",
        "http://[64:ff9b::7f00:1]:%u/",
        "http://[64:ff9b:1::7f00:1]:%u/",
        "http://[2002:7f00:1::]:%u/",
        "http://[fe80::1]:%u/",
        "http://[fc00::1]:%u/",
        "http://[2001:db8::1]:%u/",
        "http://[100::1]:%u/",
        "http://10.0.0.1:%u/",
        "http://169.254.169.254:%u/",
        "http://192.168.0.1:%u/",
        "http://user@127.0.0.1:%u/",
        "http://user:word@127.0.0.1:%u/",
        "http://@127.0.0.1:%u/",
        "http://8.8.8.8@127.0.0.1:%u/",
        "file:///etc/passwd?%u",
        "ldap://127.0.0.1:%u/cn=x",
        "gopher://127.0.0.1:%u/",
        "ftp://127.0.0.1:%u/",
        "http://8.8.8.8:22/?%u",
        "http://inside.example:%u/",
        "http://both.example:%u/",
        "dict://127.0.0.1:%u/",
    };
    const dx_fetch_rules closed = {.allow_ports = any_port, .allow_ports_count = 1}, usual = {0};
    server s;
    server_start_at(&s, INADDR_ANY, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_true(sizeof urls / sizeof *urls >= 40);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char url[256];
        dx_why why = {0};
        const char *at = strstr(urls[i], "%u");
        snprintf(url, sizeof url, "%.*s%u%s", (int)(at - urls[i]), urls[i], s.port, at + 2);
        atomic_store(&looked_up, 0);
        first_answer = second_answer = strstr(url, "both") != NULL ? "8.8.8.8 127.0.0.1" : "127.0.0.1";
        struct dx_rc rc = get(strstr(url, ":22/") != NULL ? &usual : &closed, url, &why);
        if (rc.code != DX_REFUSED || strcmp(why.id, "ID-416") != 0)
            fail_msg("%s: %s %s", url, dx_code_name(rc.code), why.text);
    }
    assert_int_equal(s.connections, 0);
    server_stop(&s);
}

static void a_name_server_that_changes_its_answer_changes_nothing(void **state)
{
    (void)state;
    static const char *const only[] = {"127.0.0.2/32"};
    const dx_fetch_rules rules = {
        .allow_private = only, .allow_private_count = 1, .allow_ports = any_port, .allow_ports_count = 1};
    server s;
    char url[64];
    dx_why why = {0};
    server_start_at(&s, INADDR_LOOPBACK + 1,
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    server trap;
    snprintf(url, sizeof url, "http://changes.example:%u/", s.port);
    server_start_on(&trap, INADDR_LOOPBACK, s.port, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    atomic_store(&looked_up, 0);
    first_answer = "127.0.0.2";
    second_answer = "127.0.0.1"; /* for whoever looks again before it connects */
    assert_int_equal(get(&rules, url, &why).code, DX_OK);
    assert_int_equal(atomic_load(&looked_up), 1);
    assert_int_equal(s.connections, 1);
    assert_int_equal(get(&rules, url, &why).code, DX_REFUSED); /* now that is the first answer */
    assert_string_equal(why.id, "ID-416");
    first_answer = second_answer = "127.0.0.2 127.0.0.1"; /* one of them is enough to ask nobody */
    assert_int_equal(get(&rules, url, &why).code, DX_REFUSED);
    first_answer = second_answer = NULL;
    assert_int_equal(get(&rules, url, &why).code, DX_UNREACHABLE);
    assert_int_equal(s.connections, 1);
    assert_int_equal(trap.connections, 0);
    server_stop(&s);
    server_stop(&trap);
}

static void our_own_listeners_are_never_reached(void **state)
{
    (void)state;
    const char *here[] = {"127.0.0.1:8443", "[::1]:8443"}, *everywhere[] = {"0.0.0.0:8443"};
    dx_fetch_rules rules = open_rules;
    rules.own = here;
    rules.own_count = 2;
    assert_false(may_reach("127.0.0.1", 8443, &rules));
    assert_false(may_reach("::ffff:127.0.0.1", 8443, &rules));
    assert_false(may_reach("64:ff9b::7f00:1", 8443, &rules));
    assert_true(may_reach("127.0.0.1", 8444, &rules));
    rules.own = everywhere;
    rules.own_count = 1;
    assert_false(may_reach("127.0.0.1", 8443, &rules));
    assert_true(may_reach("127.0.0.1", 8444, &rules));
    dx_fetcher *fetcher;
    dx_why why;
    const char *wrong[] = {"here"};
    rules.own = wrong;
    assert_int_equal(dx_fetcher_new(&rules, &fetcher, &why).code, DX_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forty_ways_to_a_forbidden_address_make_no_connection),
        cmocka_unit_test(a_name_server_that_changes_its_answer_changes_nothing),
        cmocka_unit_test(our_own_listeners_are_never_reached),
        cmocka_unit_test(the_guard_refuses_every_special_address),
        cmocka_unit_test(an_exception_opens_just_what_it_names),
        cmocka_unit_test(an_answer_arrives_whole_with_its_fields),
        cmocka_unit_test(an_answer_over_its_ceiling_is_refused),
        cmocka_unit_test(a_private_address_is_never_connected_to),
        cmocka_unit_test(redirects_are_followed_only_as_often_as_allowed),
        cmocka_unit_test(other_schemes_and_user_information_are_refused),
        cmocka_unit_test(silence_ends_in_time),
        cmocka_unit_test(a_field_that_does_not_fit_is_not_sent_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
