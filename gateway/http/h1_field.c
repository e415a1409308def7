#include "gateway/http/h1_private.h"

/* Field lines of a head: RFC 9112 5, and the fields that decide where a message ends. */

static DX_RC take_length(h1_head *p, dx_bytes value)
{
    uint64_t n;
    if (++p->lengths > 1)
        return h1_bad(p->why, "DP-121", "RFC 9112 6.3", "Content-Length twice");
    if (memchr(value.data, ',', value.size) != NULL)
        return h1_bad(p->why, "DP-121", "RFC 9112 6.3", "Content-Length as a list");
    if (!dx_bytes_u64(value, INT64_MAX, &n))
        return h1_bad(p->why, "DP-122", "RFC 9110 8.6", "Content-Length is not a plain number");
    p->out->body = HTTP_BODY_LENGTH;
    p->out->body_length = n;
    return DX_OKAY;
}

static DX_RC take_coding(h1_head *p, dx_bytes value)
{
    if (++p->codings > 1)
        return h1_bad(p->why, "DP-123", "RFC 9112 6.1", "Transfer-Encoding twice");
    unsigned chunked = 0, others = 0;
    for (dx_bytes coding; http_next_element(&value, &coding);) {
        if (!http_is_token(coding) || dx_bytes_is_nocase(coding, "identity"))
            return h1_bad(p->why, "DP-123", "RFC 9112 6.1", "Transfer-Encoding is not exactly one chunked");
        chunked += dx_bytes_is_nocase(coding, "chunked");
        others += !dx_bytes_is_nocase(coding, "chunked");
    }
    if (others > 0 && chunked < 2) /* unknown codings are not served; everything malformed is 400 */
        return h1_unserved(p->why, "DP-123", "RFC 9112 6.1", "the transfer coding is not supported");
    if (chunked != 1)
        return h1_bad(p->why, "DP-123", "RFC 9112 6.1", "Transfer-Encoding is not exactly one chunked");
    p->coding_chunked = true;
    return DX_OKAY;
}

static DX_RC take_connection(h1_head *p, dx_bytes value)
{
    for (dx_bytes option; http_next_element(&value, &option);) {
        if (option.size > 0 && !http_is_token(option))
            return h1_bad(p->why, "DP-115", "RFC 9110 7.6.1", "Connection holds something that is no token");
        if (dx_bytes_is_nocase(option, "close"))
            p->close = true;
        else if (http_never_nominated(option))
            return h1_bad(p->why, "DP-131", "RFC 9110 7.6.1",
                          "Connection nominates a field that is meant for all recipients");
    }
    return DX_OKAY;
}

static DX_RC take_expect(h1_head *p, dx_bytes value)
{
    if (p->out->version == HTTP_1_0)
        return DX_OKAY;
    if (!http_expects_continue(value))
        return h1_bad(p->why, "DP-134", "RFC 9110 10.1.1", "only 100-continue can be expected");
    p->out->expect_continue = true;
    return DX_OKAY;
}

static DX_RC take_te(h1_head *p, dx_bytes value)
{
    for (dx_bytes coding; http_next_element(&value, &coding);)
        if (dx_bytes_is_nocase(coding, "trailers"))
            p->out->te_trailers = true;
    return DX_OKAY;
}

/* One line of a head or a trailer section, without its CRLF. */
DX_RC h1_field_line(dx_bytes line, dx_bytes *name, dx_bytes *value, dx_why *why)
{
    if (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
        return h1_bad(why, "DP-114", "RFC 9112 5.2", "a folded field line");
    const uint8_t *colon = memchr(line.data, ':', line.size);
    if (colon == NULL)
        return h1_bad(why, "DP-115", "RFC 9112 5", "a field line without colon");
    *name = dx_bytes_part(line, 0, (size_t)(colon - line.data));
    if (name->size > 0 && (name->data[name->size - 1] == ' ' || name->data[name->size - 1] == '\t'))
        return h1_bad(why, "DP-113", "RFC 9112 5.1", "white space between field name and colon");
    for (size_t i = 0; i < name->size; i++)
        if (name->data[i] >= 0x80)
            return h1_bad(why, "DP-117", "RFC 9110 5.1", "a byte above 0x7f in a field name");
    if (!http_is_token(*name))
        return h1_bad(why, "DP-115", "RFC 9112 5", "a field name that is no token");
    *value = dx_bytes_trim(dx_bytes_part(line, name->size + 1, line.size)); /* no CR or LF is in it */
    if (!http_is_field_value(*value))
        return h1_bad(why, "DP-103", "RFC 9110 5.5", "a control byte in a field value");
    return DX_OKAY;
}

DX_RC h1_field_take(h1_head *p, dx_bytes line)
{
    dx_bytes name, value;
    DX_TRY(h1_field_line(line, &name, &value, p->why));
    if (name.size + value.size > p->rules->field_bytes || p->out->field_count == p->rules->fields)
        return h1_bad(p->why, "DP-116", "RFC 9110 5.4", "too many fields, or one that is too long");
    uint8_t *lower = dx_arena_alloc(p->arena, name.size);
    if (lower == NULL)
        return DX_FAIL(p->why, NO_MEMORY, "", "no memory for a field");
    for (size_t i = 0; i < name.size; i++)
        lower[i] = (uint8_t)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] + 32 : name.data[i]);
    name.data = lower;
    p->out->fields[p->out->field_count++] = (http_field){name, value};
    if (http_alias_of_framing(name))
        return h1_bad(p->why, "DP-125", "RFC 9112 11.2",
                      "a field that other stacks take for a framing field");
    if (dx_bytes_is(name, "content-length"))
        return take_length(p, value);
    if (dx_bytes_is(name, "transfer-encoding"))
        return take_coding(p, value);
    if (dx_bytes_is(name, "connection"))
        return take_connection(p, value);
    if (p->rules->response)
        return DX_OKAY;
    if (dx_bytes_is(name, "host")) {
        p->hosts++;
        p->host = value;
    }
    if (dx_bytes_is(name, "expect"))
        return take_expect(p, value);
    if (dx_bytes_is(name, "te"))
        return take_te(p, value);
    if (dx_bytes_is(name, "upgrade"))
        return h1_bad(p->why, "DP-133", "RFC 9110 7.8", "upgrades are not supported");
    return DX_OKAY;
}
