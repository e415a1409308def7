/* A server with real clients: mutual TLS, both protocols, nothing resumed. */
#include "tests/unit/gateway_net/net_world.h"

/* ---- a handler that answers with what it got ---- */

static void answer(http_stream *s, dx_buf *body)
{
    const http_message *r = http_stream_request(s);
    net_connection *c = http_stream_connection_user(s);
    dx_arena *arena = http_stream_arena(s);
    http_field fields[] = {{DX_BYTES("content-type"), DX_BYTES("text/plain")}, {DX_BYTES("x-path"), r->path}};
    char *text =
        dx_arena_printf(arena, "%.*s %.*s %zu %s %zu\n", DX_TEXT_ARG(r->method), DX_TEXT_ARG(r->path),
                        body->size, net_connection_tls_version(c), net_connection_peer(c)->leaf.size);
    dx_bytes out =
        dx_bytes_is(r->path, "/large") ? dx_bytes_of(calloc(1, 3 << 20), 3 << 20) : dx_bytes_text(text);
    http_message head = {
        .status = 200, .fields = fields, .field_count = 2, .body = HTTP_BODY_LENGTH, .body_length = out.size};
    http_answer(s, &head, dx_bytes_is(r->method, "HEAD"));
    http_answer_data(s, out);
    http_answer_end(s, NULL, 0);
    if (dx_bytes_is(r->path, "/large"))
        free((void *)(uintptr_t)out.data);
}

static void take(void *user, http_stream *s)
{
    dx_buf *body = user;
    dx_bytes slice;
    for (;;)
        switch (http_body_take(s, &slice)) {
        case HTTP_TAKE_AGAIN:
            return;
        case HTTP_TAKE_DATA:
            assert_int_equal(dx_buf_add(body, slice).code, DX_OK);
            break;
        case HTTP_TAKE_END:
            answer(s, body);
            return;
        case HTTP_TAKE_TRUNCATED:
        case HTTP_TAKE_REFUSED:
        case HTTP_TAKE_TOO_LARGE:
            http_answer_abort(s);
            return;
        }
}

static void *begin(void *context, http_stream *s, const http_message *request)
{
    (void)context;
    (void)request;
    dx_buf *body = malloc(sizeof *body);
    dx_buf_init(body, 8 << 20);
    take(body, s);
    return body;
}

static void gone(void *user, http_stream *s, bool sent)
{
    (void)s;
    (void)sent;
    dx_buf_fini(user);
    free(user);
}

static const http_handler handler = {begin, take, gone, NULL, NULL};

static const http_handler *get_handler(net_worker *worker, void *context)
{
    (void)worker;
    (void)context;
    return &handler;
}

static int set_up(void **state)
{
    (void)state;
    return open_world((net_listen_spec){.handler = get_handler}, 2, &dx_clock_system);
}

static void both_protocols_are_served(void **state)
{
    (void)state;
    assert_int_equal(shell("curl $C --http2 -o out -w '%%{http_version} %%{http_code}' $U/a/b > meta && grep "
                           "-qx '2 200' meta && grep -q '^GET /a/b 0 1.3 ' out"),
                     0);
    assert_int_equal(shell("curl $C --http1.1 -o out -w '%%{http_version} %%{http_code}' $U/a/b > meta && "
                           "grep -qx '1.1 200' meta && grep -q '^GET /a/b 0 1.3 ' out"),
                     0);
}

static void content_arrives_whole_in_both(void **state)
{
    (void)state;
    assert_int_equal(
        shell("head -c 700000 /dev/zero > blob; for v in --http2 --http1.1; do curl $C $v --data-binary "
              "@blob -o out $U/p && grep -q '^POST /p 700000 ' out || exit 1; done"),
        0);
    assert_int_equal(shell("curl $C --http1.1 -H 'Transfer-Encoding: chunked' --data-binary @blob -o out "
                           "$U/p && grep -q '^POST /p 700000 ' out"),
                     0);
}

static void large_answers_arrive_whole_in_both(void **state)
{
    (void)state;
    assert_int_equal(shell("for v in --http2 --http1.1; do curl $C $v -o out $U/large && [ $(stat -c %%s "
                           "out) = 3145728 ] || exit 1; done"),
                     0);
    assert_int_equal(
        shell("curl $C --http2 --limit-rate 2M -o out $U/large && [ $(stat -c %%s out) = 3145728 ]"), 0);
}

static void one_connection_serves_many(void **state)
{
    (void)state;
    assert_int_equal(
        shell("for v in --http2 --http1.1; do curl $C $v -o out -w '%%{num_connects} ' $U/1 -o out $U/2 -o "
              "out $U/3 -I -o out $U/4 > meta && grep -q '^1 0 0' meta || exit 1; done"),
        0);
}

/* Another library's client, with all its streams on one connection. */
static void many_streams_of_a_foreign_client_are_answered_at_once(void **state)
{
    (void)state;
    assert_int_equal(shell("nghttp -v -m 20 --cert=peer.pem --key=peer.key -H ':authority: data.example' "
                           "https://127.0.0.1:$P/x > out 2>&1 && [ $(grep -c ' :status: 200' out) = 20 ] && "
                           "[ $(grep -c '^GET /x 0 1.3 ' out) = 20 ] && [ $(grep -c Connected out) = 1 ]"),
                     0);
    assert_int_equal(shell("nghttp -m 4 --cert=peer.pem --key=peer.key -H ':authority: data.example' "
                           "https://127.0.0.1:$P/large > out 2>err && [ $(stat -c %%s out) = 12582912 ]"),
                     0);
}

static void nobody_enters_without_certificate(void **state)
{
    (void)state;
    assert_int_not_equal(shell("curl --max-time 5 -sS --cacert ca.pem --resolve data.example:$P:127.0.0.1 "
                               "$U/ -o /dev/null 2>err"),
                         0);
    assert_int_equal(shell("echo | openssl s_client -connect 127.0.0.1:$P -servername data.example -CAfile "
                           "ca.pem 2>&1 </dev/null | cat > o; (sleep 1) | openssl s_client -connect "
                           "127.0.0.1:$P -servername data.example 2>&1 | grep -q 'alert number 116'"),
                     0);
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    assert_int_not_equal(shell("curl --max-time 5 -sS -k --cert peer.pem --key peer.key --resolve "
                               "other.example:$P:127.0.0.1 https://other.example:$P/ -o /dev/null 2>err"),
                         0);
    assert_int_equal(shell("curl $C --http1.1 -H 'Host: other.example' -o out -w '%%{http_code}' $U/ > meta "
                           "&& grep -q 421 meta && grep -q DP-141 out"),
                     0);
}

static void nothing_is_ever_resumed(void **state)
{
    (void)state;
    assert_int_equal(shell("(sleep 1) | openssl s_client -connect 127.0.0.1:$P -servername data.example "
                           "-cert peer.pem -key peer.key -sess_out s.pem >/dev/null 2>&1; "
                           "[ ! -s s.pem ] || ! (sleep 1) | openssl s_client -connect 127.0.0.1:$P "
                           "-servername data.example -sess_in s.pem 2>&1 | grep -q Reused"),
                     0);
    assert_int_not_equal(shell("(sleep 1) | openssl s_client -tls1_2 -connect 127.0.0.1:$P -servername "
                               "data.example -cert peer.pem -key peer.key 2>&1 | grep -q 'Cipher is ECDHE'"),
                         0);
}

static void a_malformed_request_is_told_its_clause(void **state)
{
    (void)state;
    assert_int_equal(
        shell("printf 'GET /a HTTP/1.1\\r\\nHost: data.example\\r\\nContent-Length: "
              "1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n' > bad; "
              "(cat bad; sleep 1) | openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:$P -servername "
              "data.example -cert peer.pem -key peer.key -alpn http/1.1 2>/dev/null > out; "
              "grep -q 'HTTP/1.1 400' out && grep -q DP-120 out && grep -q 'RFC 9112 6.1' out"),
        0);
    assert_int_equal(shell("curl $C --path-as-is -o out -w '%%{http_code}' $U/a/../b > meta; grep -q 400 "
                           "meta && grep -q DP-143 out"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_protocols_are_served),
        cmocka_unit_test(content_arrives_whole_in_both),
        cmocka_unit_test(large_answers_arrive_whole_in_both),
        cmocka_unit_test(one_connection_serves_many),
        cmocka_unit_test(many_streams_of_a_foreign_client_are_answered_at_once),
        cmocka_unit_test(nobody_enters_without_certificate),
        cmocka_unit_test(unknown_names_are_refused),
        cmocka_unit_test(nothing_is_ever_resumed),
        cmocka_unit_test(a_malformed_request_is_told_its_clause),
    };
    return cmocka_run_group_tests(tests, set_up, close_world);
}
