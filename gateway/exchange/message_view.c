#include "gateway/exchange/exchange.h"

/* Messages of an exchange as other rooms see them. */

seal_field *exchange_seal_fields(exchange *ex, const http_field *fields, size_t count)
{
    seal_field *out = DX_ARENA_ARRAY(&ex->arena, seal_field, count);
    for (size_t i = 0; out != NULL && i < count; i++)
        out[i] = (seal_field){fields[i].name, fields[i].value};
    return out;
}

DX_RC exchange_request_view(exchange *ex, seal_message *out, dx_why *why)
{
    const http_message *r = ex->request;
    *out = (seal_message){.method = r->method,
                          .fields = exchange_seal_fields(ex, r->fields, r->field_count),
                          .field_count = r->field_count,
                          .trailers = exchange_seal_fields(ex, r->trailers, r->trailer_count),
                          .trailer_count = r->trailer_count,
                          .has_body = r->body != HTTP_BODY_NONE,
                          .body = dx_buf_view(&ex->body)};
    if (out->fields == NULL || out->trailers == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room for a view of the request");
    return seal_target_uri(r->authority, r->target_raw, &ex->arena, &out->target_uri, why);
}

bool exchange_add_fields(exchange *ex, const seal_field *more, size_t count)
{
    http_field *fields = DX_ARENA_ARRAY(&ex->arena, http_field, ex->answer.field_count + count);
    if (fields == NULL)
        return false;
    for (size_t i = 0; i < ex->answer.field_count; i++)
        fields[i] = ex->answer.fields[i];
    for (size_t i = 0; i < count; i++)
        fields[ex->answer.field_count + i] = (http_field){more[i].name, more[i].value};
    ex->answer.fields = fields;
    ex->answer.field_count += count;
    return true;
}

const char *exchange_media_type(exchange *ex, const http_message *message)
{
    const http_field *type = http_find(message, "content-type");
    size_t n = 0;
    if (type == NULL)
        return NULL;
    while (n < type->value.size && type->value.data[n] != ';')
        n++;
    char *lower = dx_arena_text(&ex->arena, dx_bytes_trim(dx_bytes_part(type->value, 0, n)));
    for (char *c = lower; c != NULL && *c != 0; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return lower;
}
