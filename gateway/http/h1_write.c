#include "gateway/http/h1_parse.h"

#include <inttypes.h>

/* Serialisers: the start line, exactly one framing field, the fields in their order. */

static DX_RC put(dx_buf *out, dx_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\r' || text.data[i] == '\n' || text.data[i] == 0)
            return (struct dx_rc){DX_INTERNAL};
    return dx_buf_add(out, text);
}

/* Said once, by us, from head->body. */
static bool is_framing(dx_bytes name)
{
    return dx_bytes_is(name, "content-length") || dx_bytes_is(name, "transfer-encoding");
}

static DX_RC put_fields(const http_field *fields, size_t count, dx_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (is_framing(fields[i].name))
            continue;
        DX_TRY(put(out, fields[i].name));
        DX_TRY(dx_buf_add(out, DX_BYTES(": ")));
        DX_TRY(put(out, fields[i].value));
        DX_TRY(dx_buf_add(out, DX_BYTES("\r\n")));
    }
    return dx_buf_add(out, DX_BYTES("\r\n"));
}

DX_RC h1_write_request(const http_message *head, const char *host, dx_buf *out)
{
    DX_TRY(put(out, head->method));
    DX_TRY(dx_buf_add_byte(out, ' '));
    DX_TRY(put(out, head->path));
    if (head->has_query) {
        DX_TRY(dx_buf_add_byte(out, '?'));
        DX_TRY(put(out, head->query));
    }
    DX_TRY(dx_buf_add(out, DX_BYTES(" HTTP/1.1\r\nhost: ")));
    DX_TRY(put(out, host != NULL ? dx_bytes_text(host) : head->authority));
    DX_TRY(dx_buf_add(out, DX_BYTES("\r\n")));
    if (head->body == HTTP_BODY_LENGTH)
        DX_TRY(dx_buf_addf(out, "content-length: %" PRIu64 "\r\n", head->body_length));
    else if (head->body == HTTP_BODY_STREAM)
        DX_TRY(dx_buf_add(out, DX_BYTES("transfer-encoding: chunked\r\n")));
    return put_fields(head->fields, head->field_count, out);
}

static const char *reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } rows[] = {{100, "Continue"},
                {200, "OK"},
                {201, "Created"},
                {202, "Accepted"},
                {204, "No Content"},
                {206, "Partial Content"},
                {301, "Moved Permanently"},
                {302, "Found"},
                {303, "See Other"},
                {304, "Not Modified"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {408, "Request Timeout"},
                {409, "Conflict"},
                {410, "Gone"},
                {413, "Content Too Large"},
                {414, "URI Too Long"},
                {415, "Unsupported Media Type"},
                {417, "Expectation Failed"},
                {421, "Misdirected Request"},
                {422, "Unprocessable Content"},
                {428, "Precondition Required"},
                {429, "Too Many Requests"},
                {431, "Request Header Fields Too Large"},
                {500, "Internal Server Error"},
                {501, "Not Implemented"},
                {502, "Bad Gateway"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"},
                {505, "HTTP Version Not Supported"},
                {507, "Insufficient Storage"},
                {508, "Loop Detected"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status)
            return rows[i].reason;
    return "";
}

DX_RC h1_write_response(const http_message *head, bool keep_alive, dx_buf *out)
{
    DX_TRY(dx_buf_addf(out, "HTTP/1.1 %u %s\r\n", head->status, reason_of(head->status)));
    if (head->body == HTTP_BODY_LENGTH)
        DX_TRY(dx_buf_addf(out, "content-length: %" PRIu64 "\r\n", head->body_length));
    else if (head->body == HTTP_BODY_STREAM)
        DX_TRY(dx_buf_add(out, DX_BYTES("transfer-encoding: chunked\r\n")));
    if (!keep_alive)
        DX_TRY(dx_buf_add(out, DX_BYTES("connection: close\r\n")));
    return put_fields(head->fields, head->field_count, out);
}

DX_RC h1_write_last_chunk(const http_field *trailers, size_t count, dx_buf *out)
{
    DX_TRY(dx_buf_add(out, DX_BYTES("0\r\n")));
    return put_fields(trailers, count, out);
}
