#include "gateway/cli/saved_message.h"

#define HEAD_MAX_BYTES 65536
#define FIELDS_MAX     200

typedef struct {
    dx_bytes start;
    seal_field fields[FIELDS_MAX];
    size_t count;
} saved_head;

static dx_bytes take_line(dx_bytes *rest)
{
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    dx_bytes line = dx_bytes_part(*rest, 0, size);
    size_t used = end == NULL ? size : size + 1;
    *rest = dx_bytes_part(*rest, used, rest->size - used);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static DX_RC read_head(const dx_io *io, const char *file, dx_arena *arena, saved_head *head, dx_why *why)
{
    dx_buf content;
    DX_TRY(dx_io_read_file(io, file, HEAD_MAX_BYTES, &content, why));
    dx_bytes rest = dx_arena_bytes(arena, dx_buf_view(&content));
    dx_buf_fini(&content);
    unsigned number = 0;
    bool inside = false;
    *head = (saved_head){0};
    while (rest.size > 0) {
        dx_bytes line = take_line(&rest);
        number++;
        if (line.size == 0) {
            inside = false;
            continue;
        }
        if (!inside) {
            *head = (saved_head){.start = line};
            inside = true;
            continue;
        }
        const uint8_t *colon = memchr(line.data, ':', line.size);
        if (colon == NULL || colon == line.data)
            return DX_FAIL(why, MALFORMED, "RFC 9112 5", "%s, line %u is not a field line", file, number);
        if (head->count == FIELDS_MAX)
            return DX_FAIL(why, TOO_LARGE, "", "%s has more than %d fields", file, FIELDS_MAX);
        size_t name = (size_t)(colon - line.data);
        head->fields[head->count++] = (seal_field){
            dx_bytes_part(line, 0, name), dx_bytes_trim(dx_bytes_part(line, name + 1, line.size - name - 1))};
    }
    if (head->start.size == 0)
        return DX_FAIL(why, MALFORMED, "RFC 9112 2", "%s is empty", file);
    return DX_OKAY;
}

static DX_RC keep_fields(const saved_head *head, dx_arena *arena, seal_message *out, dx_why *why)
{
    seal_field *fields = DX_ARENA_ARRAY(arena, seal_field, head->count);
    if (fields == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the saved message");
    memcpy(fields, head->fields, head->count * sizeof *fields);
    out->fields = fields;
    out->field_count = head->count;
    return DX_OKAY;
}

/* The n-th word of the start line. */
static dx_bytes word(dx_bytes line, unsigned n)
{
    for (;;) {
        const uint8_t *space = memchr(line.data, ' ', line.size);
        size_t size = space == NULL ? line.size : (size_t)(space - line.data);
        if (n == 0)
            return dx_bytes_part(line, 0, size);
        if (space == NULL)
            return (dx_bytes){0};
        n--;
        line = dx_bytes_part(line, size + 1, line.size - size - 1);
    }
}

DX_RC saved_answer(const dx_io *io, const char *head_file, dx_arena *arena, seal_message *out, dx_why *why)
{
    saved_head head;
    DX_TRY(read_head(io, head_file, arena, &head, why));
    *out = (seal_message){.is_response = true};
    dx_bytes status = word(head.start, 1);
    if (head.start.size < 5 || memcmp(head.start.data, "HTTP/", 5) != 0 || status.size != 3)
        return DX_FAIL(why, MALFORMED, "RFC 9112 4", "%s does not begin with a status line", head_file);
    for (size_t i = 0; i < 3; i++) {
        if (status.data[i] < '0' || status.data[i] > '9')
            return DX_FAIL(why, MALFORMED, "RFC 9112 4", "%s does not begin with a status line", head_file);
        out->status = out->status * 10 + (unsigned)(status.data[i] - '0');
    }
    return keep_fields(&head, arena, out, why);
}

DX_RC saved_request(const dx_io *io, const char *head_file, dx_arena *arena, seal_message *out, dx_why *why)
{
    saved_head head;
    DX_TRY(read_head(io, head_file, arena, &head, why));
    dx_bytes host = {0};
    for (size_t i = 0; i < head.count; i++)
        if (head.fields[i].name.size == 4 &&
            strncasecmp((const char *)head.fields[i].name.data, "host", 4) == 0)
            host = head.fields[i].value;
    *out = (seal_message){.method = word(head.start, 0)};
    if (host.size == 0 || word(head.start, 1).size == 0)
        return DX_FAIL(why, MALFORMED, "RFC 9112 3", "%s needs a request line and a Host field", head_file);
    DX_TRY(seal_target_uri(host, word(head.start, 1), arena, &out->target_uri, why));
    return keep_fields(&head, arena, out, why);
}
