#include "gateway/http/h1_parse.h"

/* Content of one message: a length, or chunks with their trailer section (RFC 9112 7.1). */

#define CHUNK_LINE_MAX     (16 + 2 + 64) /* size, ';', extension (own limit 64 bytes) */
#define EXTENSIONS_MAX     4096
#define TRAILERS_MAX_BYTES 8192

enum { CHUNK_LINE, CHUNK_DATA, CHUNK_END_CR, CHUNK_END_LF, TRAILERS, DONE };

void h1_body_init(h1_body *body, const http_message *head, bool response)
{
    body->kind = head->body;
    body->left = head->body == HTTP_BODY_LENGTH ? head->body_length : 0;
    body->state = head->body == HTTP_BODY_STREAM ? CHUNK_LINE : DONE;
    body->line_size = body->line_bytes = body->extension_bytes = body->trailer_bytes = 0;
    body->response = response;
}

static h1_step bad(dx_why *why, const char *id, const char *clause, const char *text)
{
    (void)DX_FAIL_ID(why, MALFORMED, id, clause, "%s", text);
    return H1_BAD;
}

/* A valid extension is dropped; an invalid one may hide a line end (RFC 9112 7.1.1). */
static bool extension_ok(dx_bytes e)
{
    size_t at = 0;
    while (at < e.size) {
        if (e.data[at++] != ';')
            return false;
        size_t from = at;
        while (at < e.size && e.data[at] != ';' && e.data[at] != '=')
            at++;
        if (!http_is_token(dx_bytes_part(e, from, at - from)))
            return false;
        if (at < e.size && e.data[at] == '=') {
            from = ++at;
            if (at < e.size && e.data[at] == '"') {
                for (at++; at < e.size && e.data[at] != '"'; at++) {
                    if (e.data[at] == '\\')
                        at++;
                    if (at >= e.size || (e.data[at] < 0x20 && e.data[at] != '\t') || e.data[at] == 0x7f)
                        return false;
                }
                if (at++ >= e.size)
                    return false;
            } else {
                while (at < e.size && e.data[at] != ';')
                    at++;
                if (!http_is_token(dx_bytes_part(e, from, at - from)))
                    return false;
            }
        }
    }
    return true;
}

static h1_step take_chunk_line(h1_body *b, dx_why *why)
{
    dx_bytes line = dx_bytes_of(b->line, b->line_size - 2);
    size_t digits = 0;
    uint64_t size = 0;
    for (; digits < line.size; digits++) {
        uint8_t c = line.data[digits];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            break;
        if (digits == 16 || size > (INT64_MAX >> 4))
            return bad(why, "DP-127", "RFC 9112 7.1", "a chunk size that is too large");
        size = size << 4 | (uint64_t)d;
    }
    if (digits == 0 || (digits < line.size && line.data[digits] != ';'))
        return bad(why, "DP-127", "RFC 9112 7.1", "a chunk size that is no hexadecimal number");
    dx_bytes extension = dx_bytes_part(line, digits, line.size);
    b->extension_bytes += extension.size;
    if (extension.size > 64 || b->extension_bytes > EXTENSIONS_MAX || !extension_ok(extension))
        return bad(why, "DP-129", "RFC 9112 7.1.1", "a chunk extension that is not well-formed or too long");
    b->line_size = 0;
    b->left = size;
    b->state = size > 0 ? CHUNK_DATA : TRAILERS;
    return H1_MORE;
}

static h1_step take_trailers(h1_body *b, http_message *head, size_t fields_max, dx_arena *arena, dx_why *why)
{
    head->trailers = DX_ARENA_ARRAY(arena, http_field, fields_max);
    dx_bytes section = dx_arena_bytes(arena, dx_bytes_of(b->line, b->line_size));
    if (head->trailers == NULL || section.data == NULL)
        return bad(why, "ID-901", "", "no memory for trailers");
    for (size_t at = 0; section.data[at] != '\r';) {
        const uint8_t *lf = memchr(section.data + at, '\n', section.size - at);
        dx_bytes line = dx_bytes_part(section, at, (size_t)(lf - section.data) - at - 1);
        dx_bytes name, value;
        at = (size_t)(lf - section.data) + 1;
        if (h1_field_line(line, &name, &value, why).code != DX_OK)
            return H1_BAD;
        if (http_trailer_forbidden(name) || http_alias_of_framing(name)) {
            if (b->response)
                continue; /* dropped: nothing of it is forwarded (dataplane.md 9.1) */
            return bad(why, "DP-130", "RFC 9110 6.5.1",
                       "a trailer that frames, routes or describes the message");
        }
        if (head->trailer_count == fields_max)
            return bad(why, "DP-116", "RFC 9110 5.4", "too many trailers");
        uint8_t *lower = (uint8_t *)(uintptr_t)name.data;
        for (size_t i = 0; i < name.size; i++)
            lower[i] = (uint8_t)(lower[i] >= 'A' && lower[i] <= 'Z' ? lower[i] + 32 : lower[i]);
        for (size_t i = 0; i < head->field_count; i++)
            if (!b->response && dx_bytes_equal(head->fields[i].name, name) &&
                !dx_bytes_equal(head->fields[i].value, value))
                return bad(why, "DP-136", "RFC 9110 6.5", "a field that differs between head and trailers");
        if (b->response || http_trailer_kept(name))
            head->trailers[head->trailer_count++] = (http_field){name, value};
    }
    b->state = DONE;
    return H1_DONE;
}

/* Collects up to and including one CRLF; a CR elsewhere, or a LF without its CR, ends it badly. */
static h1_step collect(h1_body *b, uint8_t c, size_t max, dx_why *why)
{
    if (b->line_size == max && b->state == TRAILERS)
        return bad(why, "DP-116", "RFC 9110 5.4", "a trailer section that is too long");
    if (b->line_size == max)
        return memchr(b->line, ';', 17) == NULL
                   ? bad(why, "DP-127", "RFC 9112 7.1", "a chunk line that is too long")
                   : bad(why, "DP-129", "RFC 9112 7.1.1", "a chunk extension that is too long");
    bool after_cr = b->line_size > 0 && b->line[b->line_size - 1] == '\r';
    if (after_cr && c != '\n')
        return bad(why, "DP-102", "RFC 9112 2.2", "a bare CR in a chunk line or trailer");
    if (!after_cr && c == '\n')
        return bad(why, "DP-101", "RFC 9112 2.2", "a chunk line or trailer that does not end in CRLF");
    b->line[b->line_size++] = c;
    return after_cr ? H1_DONE : H1_MORE;
}

h1_step h1_body_take(h1_body *b, dx_bytes in, size_t *used, dx_bytes *data, http_message *head,
                     size_t trailer_fields_max, dx_arena *arena, dx_why *why)
{
    *used = 0;
    *data = (dx_bytes){NULL, 0};
    if (b->kind == HTTP_BODY_NONE)
        return H1_DONE;
    if (b->kind == HTTP_BODY_LENGTH) {
        *used = in.size < b->left ? in.size : (size_t)b->left;
        *data = dx_bytes_part(in, 0, *used);
        b->left -= *used;
        return b->left == 0 ? H1_DONE : H1_MORE;
    }
    while (*used < in.size && b->state != DONE) {
        uint8_t c = in.data[*used];
        switch (b->state) {
        case CHUNK_LINE: {
            (*used)++;
            h1_step s = collect(b, c, CHUNK_LINE_MAX, why);
            if (s == H1_BAD || (s == H1_DONE && take_chunk_line(b, why) == H1_BAD))
                return H1_BAD;
            break;
        }
        case CHUNK_DATA: {
            size_t n = in.size - *used;
            if (n > b->left)
                n = (size_t)b->left;
            *data = dx_bytes_part(in, *used, n);
            *used += n;
            b->left -= n;
            if (b->left == 0)
                b->state = CHUNK_END_CR;
            return H1_MORE; /* one piece of content at a time */
        }
        case CHUNK_END_CR:
        case CHUNK_END_LF:
            if (c != (b->state == CHUNK_END_CR ? '\r' : '\n'))
                return bad(why, "DP-128", "RFC 9112 7.1", "chunk data that is not followed by CRLF");
            (*used)++;
            b->state = b->state == CHUNK_END_CR ? CHUNK_END_LF : CHUNK_LINE;
            break;
        case TRAILERS: {
            (*used)++;
            h1_step s = collect(b, c, TRAILERS_MAX_BYTES, why);
            if (s == H1_BAD)
                return H1_BAD;
            bool empty_line = b->line_size == 2 ||
                              (b->line_size >= 4 && memcmp(b->line + b->line_size - 4, "\r\n\r\n", 4) == 0);
            if (s == H1_DONE && empty_line)
                return take_trailers(b, head, trailer_fields_max, arena, why);
            break;
        }
        default:
            break;
        }
    }
    return b->state == DONE ? H1_DONE : H1_MORE;
}
