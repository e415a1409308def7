/* room: gateway_http */
/* Bytes of a stranger on an HTTP/2 connection (the first byte 0: HTTP/1.1), against a handler that answers at
 * once. */
#include "gateway/http/http_server.h"

#undef NDEBUG /* the assertions are the test */
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned streams;

static void take(void *user, http_stream *stream)
{
    dx_bytes slice;
    http_take what;
    (void)user;
    while ((what = http_body_take(stream, &slice)) == HTTP_TAKE_DATA)
        assert(slice.size > 0);
    http_message head = {
        .status = what == HTTP_TAKE_TRUNCATED ? 400 : 200, .body = HTTP_BODY_LENGTH, .body_length = 5};
    if (what == HTTP_TAKE_AGAIN)
        return;
    http_answer(stream, &head, false);
    http_answer_data(stream, DX_BYTES("hello"));
    http_answer_end(stream, NULL, 0);
}

static void *begin(void *context, http_stream *stream, const http_message *request)
{
    (void)context;
    assert(request->path.size > 0 && request->method.size > 0);
    streams++;
    take(stream, stream);
    return stream;
}

static void gone(void *user, http_stream *stream, bool sent)
{
    (void)user, (void)stream, (void)sent;
    streams--;
}

static void refused(void *context, const dx_why *why)
{
    (void)context, (void)why;
}

static void want_write(void *link)
{
    (void)link;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[65536];
    static const char *hosts[] = {"a.example"};
    http_limits limits = http_limits_default;
    const http_handler handler = {begin, take, gone, refused, NULL};
    const http_link link = {.want_write = want_write};
    http_connection *connection;
    limits.hosts = hosts;
    limits.host_count = 1;
    if (size == 0 ||
        http_connection_new(data[0] != 0, NULL, &limits, &handler, &link, NULL, &connection).code != DX_OK)
        return 0;
    for (size_t at = 1, stuck = 0; at < size && stuck < 3 && !http_connection_is_done(connection);) {
        size_t taken, n = size - at < 97 ? size - at : 97;
        http_connection_feed(connection, dx_bytes_of(data + at, n), &taken);
        assert(taken <= n);
        stuck = taken == 0 ? stuck + 1 : 0;
        at += taken;
        while (http_connection_write(connection, room, sizeof room) > 0)
            continue;
    }
    http_connection_eof(connection);
    http_connection_free(connection);
    assert(streams == 0);
    return 0;
}
