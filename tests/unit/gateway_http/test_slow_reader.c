/* A long answer to a peer that reads slowly, or not at all: what waits for it stays within a bound. */
#include "gateway/http/http_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ANSWER_BYTES (8U << 20)
#define PIECE_BYTES  (16U << 10)
/* The handler stops above STREAM_OUT_HIGH and goes on below STREAM_OUT_LOW: a piece more, and as much again
 * that is sent and not yet given up; a buffer doubles. */
#define BUFFER_MAX (4 * STREAM_OUT_HIGH)

static struct {
    http_stream *stream;
    size_t made, waiting_max, capacity_max;
    bool sent;
} answer;

static void watch(size_t waiting)
{
    if (waiting > answer.waiting_max)
        answer.waiting_max = waiting;
    if (answer.stream->out.capacity > answer.capacity_max)
        answer.capacity_max = answer.stream->out.capacity;
}

/* Until enough waits, and again when there is room: what http_server.h asks of a handler. */
static void produce(void *user)
{
    static const uint8_t piece[PIECE_BYTES];
    (void)user;
    size_t waiting = 0;
    while (answer.made < ANSWER_BYTES && waiting < STREAM_OUT_HIGH) {
        waiting = http_answer_data(answer.stream, dx_bytes_of(piece, sizeof piece));
        answer.made += sizeof piece;
        watch(waiting);
    }
    if (answer.made == ANSWER_BYTES)
        http_answer_end(answer.stream, NULL, 0);
    else
        http_answer_ready(answer.stream, produce, NULL);
}

static void *begin(void *context, http_stream *stream, const http_message *request)
{
    (void)context, (void)request;
    const http_message head = {.status = 200, .body = HTTP_BODY_STREAM};
    answer.stream = stream;
    http_answer(stream, &head, false);
    produce(NULL);
    return stream;
}

static void body(void *user, http_stream *stream)
{
    (void)user, (void)stream;
}

static void gone(void *user, http_stream *stream, bool sent)
{
    (void)user, (void)stream;
    answer.sent = sent;
}

static void want_write(void *link)
{
    (void)link;
}

static http_connection *ask(bool h2, dx_bytes request)
{
    static const http_handler handler = {begin, body, gone, NULL, NULL};
    static const http_link link = {.want_write = want_write};
    http_connection *c;
    size_t taken;
    memset(&answer, 0, sizeof answer);
    assert_int_equal(
        http_connection_new(h2, "a.example", &http_limits_default, &handler, &link, NULL, &c).code, DX_OK);
    http_connection_feed(c, request, &taken);
    assert_int_equal(taken, request.size);
    assert_non_null(answer.stream);
    return c;
}

/* Reads so many bytes at a time until nothing comes. */
static size_t read_all(http_connection *c, size_t at_once)
{
    uint8_t room[4096];
    size_t total = 0;
    for (size_t n; (n = http_connection_write(c, room, at_once)) > 0;)
        total += n;
    return total;
}

#define H1_GET   DX_BYTES("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
#define H2_HELLO "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_GET                                                                                               \
    "\0\0\x0e\1\5\0\0\0\1\x82\x87\x84\x41\x09"                                                               \
    "a.example"
/* SETTINGS_INITIAL_WINDOW_SIZE and WINDOW_UPDATE: as much as the answer needs, so that only reading bounds
 * it. */
#define H2_WIDE                                                                                              \
    "\0\0\6\4\0\0\0\0\0\0\4\x7f\xff\xff\xff"                                                                 \
    "\0\0\4\x08\0\0\0\0\0\x7f\0\0\0"
#define H2_NARROW "\0\0\0\4\0\0\0\0\0" /* nothing said: 65535 bytes and no more */

static void a_slow_reader_gets_all_and_the_buffer_stays_small(void **state)
{
    (void)state;
    static const struct {
        bool h2;
        dx_bytes request;
        size_t at_once;
    } rows[] = {{false, H1_GET, 1000},
                {false, H1_GET, 4096},
                {true, DX_BYTES(H2_HELLO H2_WIDE H2_GET), 1000},
                {true, DX_BYTES(H2_HELLO H2_WIDE H2_GET), 4096}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        http_connection *c = ask(rows[i].h2, rows[i].request);
        size_t total = read_all(c, rows[i].at_once);
        assert_int_equal(answer.made, ANSWER_BYTES);
        assert_true(answer.sent);
        assert_in_range(total, ANSWER_BYTES, ANSWER_BYTES + (1U << 20)); /* with its framing */
        assert_in_range(answer.waiting_max, STREAM_OUT_HIGH, STREAM_OUT_HIGH + PIECE_BYTES);
        if (answer.capacity_max > BUFFER_MAX)
            fail_msg("row %zu: the buffer grew to %zu bytes", i, answer.capacity_max);
        http_connection_free(c);
    }
}

static void a_peer_that_opens_no_window_gets_no_more_than_it_allows(void **state)
{
    (void)state;
    http_connection *c = ask(true, DX_BYTES(H2_HELLO H2_NARROW H2_GET));
    size_t total = read_all(c, 4096);
    assert_in_range(total, 65535, 65535 + 1024);
    assert_in_range(answer.made, 65535, 65535 + STREAM_OUT_HIGH + PIECE_BYTES);
    assert_true(answer.capacity_max <= BUFFER_MAX);
    http_connection_free(c);
    assert_false(answer.sent);
}

static void a_peer_that_reads_nothing_has_a_bounded_answer_waiting(void **state)
{
    (void)state;
    http_connection *c = ask(false, H1_GET);
    assert_in_range(answer.made, STREAM_OUT_HIGH, STREAM_OUT_HIGH + PIECE_BYTES);
    http_connection_free(c);
    assert_false(answer.sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_reader_gets_all_and_the_buffer_stays_small),
        cmocka_unit_test(a_peer_that_opens_no_window_gets_no_more_than_it_allows),
        cmocka_unit_test(a_peer_that_reads_nothing_has_a_bounded_answer_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
