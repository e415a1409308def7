/* net_world.h -- a certificate authority of one's own, and a server on a free port, for tests of gateway/net.
 */
#ifndef TESTS_UNIT_GATEWAY_NET_NET_WORLD_H
#define TESTS_UNIT_GATEWAY_NET_NET_WORLD_H

#include "gateway/net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64]; /* ca.pem, server.pem, peer.pem and their keys */
static net_server *server;
static unsigned port;

/* A command in the folder, with $P the port, $U the server and $C what curl needs to be let in. */
static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
    char command[2048], inner[1800];
    va_list args;
    va_start(args, format);
    vsnprintf(inner, sizeof inner, format, args);
    va_end(args);
    snprintf(command, sizeof command,
             "cd %s && P=%u && C='--connect-timeout 5 --max-time 20 -sS --cacert ca.pem --cert peer.pem "
             "--key peer.key --resolve data.example:'$P':127.0.0.1' && U=https://data.example:$P && %s",
             folder, port, inner);
    return system(command);
}

static void make_certificates(void)
{
    snprintf(folder, sizeof folder, "/tmp/sekisho-net-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
                           "ca.key -out ca.pem -subj /CN=ca -days 2 2>/dev/null"),
                     0);
    assert_int_equal(
        shell("for n in server peer; do openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
              "-keyout $n.key -out $n.csr -subj /CN=$n 2>/dev/null && "
              "printf 'subjectAltName=DNS:data.example' > ext && openssl x509 -req -in $n.csr -CA ca.pem "
              "-CAkey ca.key -days 1 -extfile ext -out $n.pem 2>/dev/null || exit 1; done"),
        0);
}

/* Starts the server with one listener: `wanted`, and what this world knows. 1: no port is free. */
static int open_world(net_listen_spec wanted, unsigned workers, const dx_clock *clock)
{
    static const char *hosts[] = {"data.example"};
    static char certificate[100], key[100], address[32];
    make_certificates();
    snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
    snprintf(key, sizeof key, "%s/server.key", folder);
    for (port = 20000 + (unsigned)(getpid() % 20000); port < 60000; port++) {
        snprintf(address, sizeof address, "127.0.0.1:%u", port);
        wanted.address = address;
        wanted.certificate_file = certificate;
        wanted.key_file = key;
        wanted.limits = http_limits_default;
        wanted.hosts = wanted.limits.hosts = hosts;
        wanted.host_count = wanted.limits.host_count = 1;
        wanted.limits.port = (uint16_t)port;
        const net_server_spec all = {
            .listeners = &wanted, .listener_count = 1, .workers = workers, .clock = clock};
        dx_why why;
        if (net_server_start(&all, &server, &why).code == DX_OK)
            return 0;
    }
    return 1;
}

static int close_world(void **state)
{
    (void)state;
    net_server_stop_accepting(server);
    net_server_free(server);
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

#endif
