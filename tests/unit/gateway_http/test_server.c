/* Connections fed by hand: both protocol versions, whole and byte by byte, and peers who misbehave. */
#include "gateway/http/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static unsigned begun, over, sent_whole, refusals;
static char last_id[16], told_id[16]; /* of handler.refused, of http_body_refusal */
static uint8_t out[1 << 20];
static size_t out_size;

/* ---- a handler whose answer the path chooses ---- */

static void answer(http_stream *stream, const char *text, size_t promised)
{
    http_message head = {.status = 200, .body = HTTP_BODY_LENGTH, .body_length = promised};
    http_answer(stream, &head, false);
    http_answer_data(stream, dx_bytes_text(text));
    http_answer_end(stream, NULL, 0);
}

static void take(void *user, http_stream *stream)
{
    dx_bytes slice, path = http_stream_request(stream)->path;
    http_take what;
    static const char trailer[] = "value";
    const http_field trailers[] = {{DX_BYTES("dfft-seal"), dx_bytes_of(trailer, 5)}};
    const http_message streamed = {.status = 200, .body = HTTP_BODY_STREAM};
    (void)user;
    if (dx_bytes_is(path, "/early")) {
        answer(stream, "early", 5);
        return;
    }
    while ((what = http_body_take(stream, &slice)) == HTTP_TAKE_DATA)
        continue;
    if (what == HTTP_TAKE_REFUSED) {
        http_message head = {.body = HTTP_BODY_LENGTH};
        const char *slug;
        int status;
        snprintf(told_id, sizeof told_id, "%s", http_body_refusal(stream, &status, &slug)->id);
        head.status = (uint16_t)status;
        http_answer(stream, &head, true);
    } else if (what == HTTP_TAKE_TRUNCATED || what == HTTP_TAKE_TOO_LARGE) {
        http_answer_abort(stream);
    } else if (what == HTTP_TAKE_END && dx_bytes_is(path, "/short")) {
        answer(stream, "short", 9);
    } else if (what == HTTP_TAKE_END && dx_bytes_starts(path, "/bare-")) {
        const http_message bare = {
            .status = dx_bytes_is(path, "/bare-204") ? 204 : 304, .body = HTTP_BODY_LENGTH, .body_length = 5};
        http_answer(stream, &bare, false); /* a handler that errs: no content leaves for it */
        http_answer_data(stream, DX_BYTES("never"));
        http_answer_end(stream, NULL, 0);
    } else if (what == HTTP_TAKE_END && dx_bytes_is(path, "/stream")) {
        http_answer(stream, &streamed, false);
        http_answer_data(stream, DX_BYTES("streamed"));
        http_answer_end(stream, trailers, 1);
    } else if (what == HTTP_TAKE_END) {
        answer(stream, "hello", 5);
    }
}

static void *begin(void *context, http_stream *stream, const http_message *request)
{
    (void)context, (void)request;
    begun++;
    take(stream, stream);
    return stream;
}

static void gone(void *user, http_stream *stream, bool sent)
{
    (void)user, (void)stream;
    over++;
    sent_whole += sent;
}

static void refused(void *context, const dx_why *why)
{
    (void)context;
    refusals++;
    snprintf(last_id, sizeof last_id, "%s", why->id);
}

static void want_write(void *link)
{
    (void)link;
}

static http_connection *open_connection(bool h2)
{
    static const char *hosts[] = {"a.example"};
    static http_limits limits;
    static const http_handler handler = {begin, take, gone, refused, NULL};
    static const http_link link = {.want_write = want_write};
    http_connection *connection;
    limits = http_limits_default;
    limits.hosts = hosts;
    limits.host_count = 1;
    begun = over = sent_whole = refusals = 0;
    last_id[0] = told_id[0] = 0;
    out_size = 0;
    assert_int_equal(http_connection_new(h2, "a.example", &limits, &handler, &link, NULL, &connection).code,
                     DX_OK);
    return connection;
}

static void drain(http_connection *c)
{
    for (size_t n;
         out_size < sizeof out && (n = http_connection_write(c, out + out_size, sizeof out - out_size)) > 0;)
        out_size += n;
}

static void feed(http_connection *c, dx_bytes in, size_t piece)
{
    for (size_t at = 0; at < in.size && !http_connection_is_done(c);) {
        size_t taken, n = in.size - at < piece ? in.size - at : piece;
        http_connection_feed(c, dx_bytes_part(in, at, n), &taken);
        at += taken;
        drain(c);
        if (taken == 0 && !http_connection_wants_input(c))
            break;
    }
    drain(c);
}

static bool out_has(const char *text)
{
    return memmem(out, out_size, text, strlen(text)) != NULL;
}

static unsigned out_count(const char *text)
{
    unsigned n = 0;
    for (uint8_t *p = out; (p = memmem(p, (size_t)(out + out_size - p), text, strlen(text))) != NULL; p++)
        n++;
    return n;
}

/* ---- HTTP/1.1 ---- */

static void pipelined_requests_are_answered_in_order(void **unused)
{
    (void)unused;
    const char text[] = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\nPOST /stream HTTP/1.1\r\nHost: "
                        "a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\nHEAD /c HTTP/1.1\r\nHost: a.example\r\n\r\nGET /d "
                        "HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\nGET /never HTTP/1.1\r\n";
    for (size_t piece = 1; piece < sizeof text; piece = piece < 4 ? piece + 1 : piece * 3) {
        http_connection *c = open_connection(false);
        feed(c, dx_bytes_text(text), piece);
        assert_int_equal(begun, 4);
        assert_int_equal(sent_whole, 4);
        assert_int_equal(out_count("HTTP/1.1 200"), 4);
        assert_int_equal(out_count("hello"), 2); /* HEAD has no content */
        assert_true(out_has("8\r\nstreamed\r\n0\r\ndfft-seal: value\r\n\r\n"));
        assert_true(http_connection_is_done(c));
        assert_false(http_connection_is_aborted(c));
        http_connection_free(c);
    }
}

static void continue_goes_out_when_content_is_first_wanted(void **unused)
{
    (void)unused;
    http_connection *c = open_connection(false);
    feed(c,
         DX_BYTES("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"),
         1000);
    assert_true(out_has("HTTP/1.1 100 Continue\r\n\r\n"));
    assert_false(out_has("200"));
    feed(c, DX_BYTES("abc"), 1000);
    assert_true(out_has("HTTP/1.1 200"));
    http_connection_free(c);
    c = open_connection(false);
    feed(c,
         DX_BYTES(
             "POST /early HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"),
         1000);
    assert_false(out_has("100 Continue"));
    assert_true(out_has("connection: close"));
    http_connection_free(c);
}

static void an_end_inside_a_request_is_no_end_of_it(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes, *id;
        unsigned begun;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a.ex", "DP-135", 0},
        {"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nab", "", 1},
        {"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "", 1},
        {"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        http_connection *c = open_connection(false);
        feed(c, dx_bytes_text(rows[i].bytes), 1000);
        http_connection_eof(c);
        drain(c);
        assert_true(http_connection_is_done(c));
        assert_string_equal(last_id, rows[i].id);
        assert_int_equal(begun, rows[i].begun);
        assert_int_equal(out_count("HTTP/1.1 200"), i == 3); /* content that is cut gets no answer */
        http_connection_free(c);
    }
}

/* RFC 9110 9.3.2, 15.3.5, 15.4.5: the next answer begins where the head ends. */
static void answers_without_content_have_none(void **unused)
{
    (void)unused;
    http_connection *c = open_connection(false);
    feed(c,
         DX_BYTES("GET /bare-204 HTTP/1.1\r\nHost: a.example\r\n\r\nGET /bare-304 HTTP/1.1\r\nHost: "
                  "a.example\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a.example\r\n\r\nHEAD / "
                  "HTTP/1.1\r\nHost: a.example\r\n\r\n"),
         1000);
    assert_true(out_has("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200"));
    assert_false(out_has("never") || out_has("streamed") || out_has("hello") || out_has("0\r\n\r\n"));
    assert_int_equal(sent_whole, 4);
    assert_false(http_connection_is_done(c));
    http_connection_free(c);
}

static void an_answer_cut_short_never_looks_complete(void **unused)
{
    (void)unused;
    http_connection *c = open_connection(false);
    feed(c, DX_BYTES("GET /short HTTP/1.1\r\nHost: a.example\r\n\r\n"), 1000);
    assert_true(http_connection_is_done(c));
    assert_true(http_connection_is_aborted(c));
    http_connection_free(c);
    assert_int_equal(sent_whole, 0);
    assert_int_equal(over, 1);
}

static void http_1_0_is_never_persistent_nor_chunked(void **unused)
{
    (void)unused;
    http_connection *c = open_connection(false);
    feed(c, DX_BYTES("GET /stream HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n"), 1000);
    assert_true(out_has("connection: close"));
    assert_false(out_has("chunked"));
    assert_true(out_has("\r\n\r\nstreamed"));
    assert_true(http_connection_is_done(c));
    http_connection_free(c);
}

static void a_refusal_names_its_clause_and_ends_the_connection(void **unused)
{
    (void)unused;
    http_connection *c = open_connection(false);
    feed(c, DX_BYTES("GET / HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n"), 1000);
    assert_true(out_has("HTTP/1.1 421") && out_has("DP-141"));
    http_connection_free(c);
    c = open_connection(false);
    feed(c, DX_BYTES("GET / HTTP/1.1\r\nHost : a.example\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
         1000);
    assert_true(out_has("HTTP/1.1 400") && out_has("RFC 9112 5.1"));
    assert_int_equal(begun, 0); /* nothing behind it is parsed */
    assert_int_equal(refusals, 1);
    assert_true(http_connection_is_done(c));
    http_connection_free(c);
}

static void content_that_is_refused_says_why(void **unused)
{
    (void)unused;
    static const struct {
        const char *content, *id, *status;
    } rows[] = {{"0x3\r\nabc\r\n0\r\n\r\n", "DP-127", "HTTP/1.1 400"},
                {"3\r\nabcd\r\n0\r\n\r\n", "DP-128", "HTTP/1.1 400"},
                {"3; a\r\nabc\r\n0\r\n\r\n", "DP-129", "HTTP/1.1 400"},
                {"3\nabc\r\n0\r\n\r\n", "DP-101", "HTTP/1.1 400"},
                {"0\r\nHost: b\r\n\r\n", "DP-130", "HTTP/1.1 400"},
                {"0\r\nX: a\r\n b\r\n\r\n", "DP-114", "HTTP/1.1 400"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece < 200; piece = piece * 4 + 1) {
            http_connection *c = open_connection(false);
            feed(c, DX_BYTES("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"),
                 1000);
            feed(c, dx_bytes_text(rows[i].content), piece);
            feed(c, DX_BYTES("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"), 1000);
            if (strcmp(told_id, rows[i].id) != 0 || strcmp(last_id, rows[i].id) != 0 || refusals != 1)
                fail_msg("%s: told %s, counted %s", rows[i].id, told_id, last_id);
            assert_true(out_has(rows[i].status) && out_has("connection: close"));
            assert_int_equal(begun, 1); /* nothing behind it is parsed */
            http_connection_free(c);
        }
}

/* ---- HTTP/2 ---- */

static dx_buf wire;

static void frame(unsigned type, unsigned flags, uint32_t id, dx_bytes payload)
{
    const uint8_t head[9] = {(uint8_t)(payload.size >> 16),
                             (uint8_t)(payload.size >> 8),
                             (uint8_t)payload.size,
                             (uint8_t)type,
                             (uint8_t)flags,
                             (uint8_t)(id >> 24),
                             (uint8_t)(id >> 16),
                             (uint8_t)(id >> 8),
                             (uint8_t)id};
    assert_int_equal(dx_buf_add(&wire, dx_bytes_of(head, 9)).code, DX_OK);
    assert_int_equal(dx_buf_add(&wire, payload).code, DX_OK);
}

enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION };
#define GET_HEAD                                                                                             \
    DX_BYTES("\x82\x87\x84\x41\x09"                                                                          \
             "a.example")
#define POST_HEAD                                                                                            \
    DX_BYTES("\x83\x87\x84\x41\x09"                                                                          \
             "a.example")
#define EMPTY ((dx_bytes){NULL, 0})

static void greet(void)
{
    dx_buf_init(&wire, 8 << 20);
    assert_int_equal(dx_buf_add(&wire, DX_BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).code, DX_OK);
    frame(SETTINGS, 0, 0, EMPTY);
}

/* Sends what is on the wire; returns the error code of our GOAWAY, or -1. */
static int64_t converse(size_t piece)
{
    int64_t code = -1;
    http_connection *c = open_connection(true);
    feed(c, dx_buf_view(&wire), piece);
    for (size_t at = 0; at + 9 <= out_size;) {
        size_t length = (size_t)out[at] << 16 | (size_t)out[at + 1] << 8 | out[at + 2];
        if (out[at + 3] == GOAWAY && at + 17 <= out_size)
            code = out[at + 16];
        at += 9 + length;
    }
    if (http_connection_is_aborted(c))
        code = 11; /* cut without another word */
    http_connection_free(c);
    assert_int_equal(begun, over);
    dx_buf_fini(&wire);
    return code;
}

static void h2_requests_are_answered_however_they_are_cut(void **unused)
{
    (void)unused;
    for (size_t piece = 1; piece < 200; piece = piece * 2 + 1) {
        greet();
        frame(HEADERS, 5, 1, GET_HEAD);
        frame(HEADERS, 4, 3, POST_HEAD);
        frame(DATA, 0, 3, DX_BYTES("abc"));
        frame(DATA, 1, 3, DX_BYTES("def"));
        assert_int_equal(converse(piece), -1);
        assert_int_equal(begun, 2);
        assert_int_equal(sent_whole, 2);
        assert_int_equal(out_count("hello"), 2);
    }
}

static void frames_the_library_would_swallow_end_the_connection(void **unused)
{
    (void)unused;
    greet(); /* a smaller id that was skipped */
    frame(HEADERS, 5, 5, GET_HEAD);
    frame(HEADERS, 5, 3, GET_HEAD);
    assert_int_equal(converse(7), 1);
    greet(); /* an id that is over */
    frame(HEADERS, 5, 1, GET_HEAD);
    frame(HEADERS, 5, 1, GET_HEAD);
    assert_int_equal(converse(1), 5);
    greet(); /* content on a stream that is over */
    frame(HEADERS, 5, 1, GET_HEAD);
    frame(DATA, 1, 1, DX_BYTES("x"));
    assert_int_equal(converse(1000), 5);
    greet();
    frame(PRIORITY, 0, 0, DX_BYTES("\0\0\0\1\0"));
    assert_int_equal(converse(1000), 1);
    greet();
    frame(PRIORITY, 0, 1, DX_BYTES("\0\0\0\1"));
    assert_int_equal(converse(3), 6);
    greet(); /* depends on itself */
    frame(PRIORITY, 0, 3, DX_BYTES("\0\0\0\3\0"));
    assert_int_equal(converse(1), 1);
    greet(); /* the same in HEADERS, behind a pad length */
    frame(HEADERS, 5 | 8 | 32, 1,
          DX_BYTES("\0\0\0\0\1\0\x82\x87\x84\x41\x09"
                   "a.example"));
    assert_int_equal(converse(1), 1);
}

static void floods_are_cut(void **unused)
{
    (void)unused;
    const unsigned kinds[] = {PING, SETTINGS, PRIORITY, WINDOW, DATA, RST};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        greet();
        frame(HEADERS, 4, 1, POST_HEAD);
        uint32_t id = 1;
        for (unsigned i = 0; i < 3000; i++) {
            switch (kinds[k]) {
            case PING:
                frame(PING, 0, 0, DX_BYTES("12345678"));
                break;
            case SETTINGS:
                frame(SETTINGS, 0, 0, EMPTY);
                break;
            case PRIORITY:
                frame(PRIORITY, 0, 7, DX_BYTES("\0\0\0\1\0"));
                break;
            case WINDOW:
                frame(WINDOW, 0, 0, DX_BYTES("\0\0\0\1"));
                break;
            case DATA:
                frame(DATA, 0, 1, EMPTY);
                break;
            default: /* rapid reset */
                id += 2;
                frame(HEADERS, 4, id, POST_HEAD);
                frame(RST, 0, id, DX_BYTES("\0\0\0\x08"));
            }
        }
        int64_t code = converse(4000);
        if (code != 11 || refusals != 1)
            fail_msg("flood of frame type %u: GOAWAY %lld", kinds[k], (long long)code);
        assert_true(begun < 1100);
    }
}

static void heads_that_http1_would_refuse_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        dx_bytes head;
        const char *id;
    } rows[] = {{DX_BYTES("\x82\x87\x84\x41\x09"
                          "b.example"),
                 "DP-141"},
                {DX_BYTES("\x82\x86\x84\x41\x09"
                          "a.example"),
                 "DP-110"},
                {DX_BYTES("\x82\x87\x41\x09"
                          "a.example\x04\x05/a/.."),
                 "DP-143"},
                {DX_BYTES("\x82\x87\x41\x09"
                          "a.example\x04\x04/a#b"),
                 "DP-109"},
                {DX_BYTES("\x82\x87\x84\x41\x0b"
                          "u@a.example"),
                 "DP-111"},
                {DX_BYTES("\x82\x87\x84\x41\x09"
                          "a.example\x00\x04host\x09"
                          "b.example"),
                 "DP-112"},
                {DX_BYTES("\x87\x84\x41\x09"
                          "a.example\x02\x05TRACE"),
                 "DP-132"},
                {DX_BYTES("\x82\x87\x84\x41\x09"
                          "a.example\x00\x0e"
                          "content_length\x01"
                          "3"),
                 "DP-125"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        greet();
        frame(HEADERS, 5, 1, rows[i].head);
        int64_t code = converse(1000);
        if (begun != 0 || refusals != 1 || strcmp(last_id, rows[i].id) != 0)
            fail_msg("%s: begun %u, %s, GOAWAY %lld", rows[i].id, begun, last_id, (long long)code);
    }
}

static void content_that_http1_would_refuse_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        dx_bytes head, content, trailers;
        const char *id;
    } rows[] = {{GET_HEAD, DX_BYTES("smuggled"), {NULL, 0}, "DP-126"},
                {POST_HEAD, DX_BYTES("abc"), DX_BYTES("\x00\x04host\x01x"), "DP-130"},
                {POST_HEAD, DX_BYTES("abc"),
                 DX_BYTES("\x00\x0e"
                          "content_length\x01x"),
                 "DP-130"},
                {DX_BYTES("\x83\x87\x84\x41\x09"
                          "a.example\x00\x0e"
                          "content-digest\x01x"),
                 DX_BYTES("abc"),
                 DX_BYTES("\x00\x0e"
                          "content-digest\x01y"),
                 "DP-136"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        greet();
        frame(HEADERS, 4, 1, rows[i].head);
        frame(DATA, rows[i].trailers.size == 0, 1, rows[i].content);
        if (rows[i].trailers.size > 0)
            frame(HEADERS, 5, 1, rows[i].trailers);
        assert_int_equal(converse(9), -1);
        if (strcmp(told_id, rows[i].id) != 0 || refusals != 1)
            fail_msg("%s: told %s, counted %s", rows[i].id, told_id, last_id);
    }
    greet(); /* the end of a request may come in an empty frame */
    frame(HEADERS, 4, 1, GET_HEAD);
    frame(DATA, 1, 1, EMPTY);
    assert_int_equal(converse(9), -1);
    assert_int_equal(refusals, 0);
    assert_int_equal(sent_whole, 1);
}

static void an_early_answer_resets_the_rest_of_the_content(void **unused)
{
    (void)unused;
    greet();
    frame(HEADERS, 4, 1,
          DX_BYTES("\x83\x87\x41\x09"
                   "a.example\x04\x06/early"));
    assert_int_equal(converse(1000), -1);
    assert_int_equal(sent_whole, 1);
    assert_true(memmem(out, out_size, "\0\0\4\3\0\0\0\0\1\0\0\0\0", 13) != NULL); /* RST_STREAM(NO_ERROR) */
}

static void a_short_h2_answer_is_reset(void **unused)
{
    (void)unused;
    greet();
    frame(HEADERS, 5, 1,
          DX_BYTES("\x82\x87\x41\x09"
                   "a.example\x04\x06/short"));
    assert_int_equal(converse(1000), -1);
    assert_int_equal(sent_whole, 0);
    assert_true(memmem(out, out_size, "\0\0\4\3\0\0\0\0\1\0\0\0\2", 13) != NULL); /* INTERNAL_ERROR */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(continue_goes_out_when_content_is_first_wanted),
        cmocka_unit_test(an_end_inside_a_request_is_no_end_of_it),
        cmocka_unit_test(answers_without_content_have_none),
        cmocka_unit_test(an_answer_cut_short_never_looks_complete),
        cmocka_unit_test(http_1_0_is_never_persistent_nor_chunked),
        cmocka_unit_test(a_refusal_names_its_clause_and_ends_the_connection),
        cmocka_unit_test(content_that_is_refused_says_why),
        cmocka_unit_test(h2_requests_are_answered_however_they_are_cut),
        cmocka_unit_test(frames_the_library_would_swallow_end_the_connection),
        cmocka_unit_test(floods_are_cut),
        cmocka_unit_test(heads_that_http1_would_refuse_are_refused),
        cmocka_unit_test(content_that_http1_would_refuse_is_refused),
        cmocka_unit_test(an_early_answer_resets_the_rest_of_the_content),
        cmocka_unit_test(a_short_h2_answer_is_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
