#include "trust/seal/seal_base.h"

#include <stdio.h>

bool seal_component_make(const char *name, dx_arena *arena, seal_component *out)
{
    const char *end = strchr(name, ';');
    *out =
        (seal_component){.name = end == NULL ? dx_bytes_text(name) : dx_bytes_of(name, (size_t)(end - name))};
    out->req = strstr(name, ";req") != NULL;
    out->tr = strstr(name, ";tr") != NULL;
    out->bs = strstr(name, ";bs") != NULL;
    char *text =
        dx_arena_printf(arena, "\"" DX_TEXT_FMT "\"%s", DX_TEXT_ARG(out->name), end == NULL ? "" : end);
    out->text = dx_bytes_text(text);
    return text != NULL;
}

/* Upper case, blanks and other characters never name a field or a derived component (RFC 9421 2.1). */
static bool name_ok(dx_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if ((c >= 'A' && c <= 'Z') || !(dx_tchar(c) || (c == '@' && i == 0)))
            return false;
    }
    return name.size != 0 && !dx_bytes_is(name, "@");
}

bool seal_component_read(const sfield_item *item, dx_arena *arena, seal_component *out)
{
    *out = (seal_component){.name = item->text};
    if (item->kind != SFIELD_STRING)
        return false;
    dx_buf buf;
    dx_buf_init(&buf, 4096);
    bool ok = sfield_print_item(item, &buf).code == DX_OK;
    out->text = ok ? dx_arena_bytes(arena, dx_buf_view(&buf)) : (dx_bytes){0};
    dx_buf_fini(&buf);
    for (size_t i = 0; i < item->parameter_count; i++) {
        const sfield_parameter *p = &item->parameters[i];
        bool *flag = dx_bytes_is(p->name, "req")  ? &out->req
                     : dx_bytes_is(p->name, "tr") ? &out->tr
                     : dx_bytes_is(p->name, "bs") ? &out->bs
                                                  : NULL;
        if (flag == NULL || p->value.kind != SFIELD_BOOLEAN || p->value.number != 1)
            return false;
        *flag = true;
    }
    return out->text.data != NULL && name_ok(out->name);
}

bool seal_component_same(const seal_component *a, const seal_component *b)
{
    return dx_bytes_equal(a->name, b->name) && a->req == b->req && a->tr == b->tr && a->bs == b->bs;
}

const seal_component *seal_component_find(const seal_component *list, size_t count, const char *name,
                                          bool req, bool tr)
{
    for (size_t i = 0; i < count; i++)
        if (dx_bytes_is(list[i].name, name) && list[i].req == req && list[i].tr == tr)
            return &list[i];
    return NULL;
}

/* Where path and query begin in an external form. */
static dx_bytes uri_part(dx_bytes uri, const char *which)
{
    dx_bytes rest = dx_bytes_part(uri, 8, uri.size);
    size_t slash = 0, query;
    while (slash < rest.size && rest.data[slash] != '/' && rest.data[slash] != '?')
        slash++;
    query = slash;
    while (query < rest.size && rest.data[query] != '?')
        query++;
    if (strcmp(which, "@authority") == 0)
        return dx_bytes_part(rest, 0, slash);
    if (strcmp(which, "@path") == 0)
        return slash == query ? DX_BYTES("/") : dx_bytes_part(rest, slash, query - slash);
    return query == rest.size ? DX_BYTES("?") : dx_bytes_part(rest, query, rest.size - query);
}

static bool derived(const seal_component *c, const seal_message *m, char status[16], dx_bytes *value)
{
    static const char *const parts[] = {"@authority", "@path", "@query"};
    if (c->tr || c->bs)
        return false;
    if (m->is_response) {
        snprintf(status, 16, "%u", m->status);
        *value = dx_bytes_text(status);
        return dx_bytes_is(c->name, "@status");
    }
    if (dx_bytes_is(c->name, "@method")) {
        *value = m->method;
        return m->method.size != 0 && seal_message_is_ascii(m->method);
    }
    if (m->target_uri.size < 8)
        return false;
    if (dx_bytes_is(c->name, "@target-uri")) {
        *value = m->target_uri;
        return seal_message_is_ascii(*value);
    }
    if (dx_bytes_is(c->name, "@scheme")) {
        *value = DX_BYTES("https");
        return true;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (dx_bytes_is(c->name, parts[i])) {
            *value = uri_part(m->target_uri, parts[i]);
            return true;
        }
    return false;
}

/* RFC 9421 2.1.3: each line as a byte sequence of its own. */
static DX_RC add_byte_sequences(seal_block block, dx_bytes name, dx_arena *arena, dx_buf *out, dx_why *why)
{
    bool first = true;
    for (size_t i = 0; i < block.count; i++) {
        if (!dx_bytes_equal_nocase(block.fields[i].name, name))
            continue;
        dx_bytes value = seal_message_trim(block.fields[i].value);
        char *text = dx_arena_alloc(arena, DX_BASE64_SIZE(value.size));
        if (text == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no room for a field");
        dx_base64(value, text);
        DX_TRY(dx_buf_addf(out, "%s:%s:", first ? "" : ", ", text));
        first = false;
    }
    return DX_OKAY;
}

static DX_RC add_value(const seal_component *c, const seal_message *m, dx_arena *arena, dx_buf *out,
                       dx_why *why)
{
    char status[16];
    dx_bytes value;
    if (c->name.data[0] == '@') {
        if (!derived(c, m, status, &value))
            return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "RFC 9421 2.2",
                              "the component " DX_TEXT_FMT " cannot be derived here",
                              DX_TEXT_ARG(dx_bytes_part(c->text, 0, 80)));
        return dx_buf_add(out, value);
    }
    seal_block block = c->tr ? seal_message_trailers(m) : seal_message_head(m);
    struct dx_rc rc = seal_message_value(block, c->name, arena, &value);
    if (rc.code == DX_NO_MEMORY)
        return DX_FAIL(why, NO_MEMORY, "", "no room for a field");
    if (rc.code != DX_OK)
        return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "RFC 9421 2.5",
                          "the message has no field for " DX_TEXT_FMT,
                          DX_TEXT_ARG(dx_bytes_part(c->text, 0, 80)));
    if (c->bs)
        return add_byte_sequences(block, c->name, arena, out, why);
    if (!seal_message_is_ascii(value))
        return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "dfft-seal-v1 3",
                          "the field " DX_TEXT_FMT " holds bytes beyond ASCII",
                          DX_TEXT_ARG(dx_bytes_part(c->text, 0, 80)));
    return dx_buf_add(out, value);
}

static DX_RC build(const seal_component *components, size_t count, dx_bytes parameters,
                   const seal_message *message, const seal_message *request, dx_arena *arena, dx_buf *out,
                   dx_why *why)
{
    for (size_t i = 0; i < count; i++) {
        const seal_component *c = &components[i];
        for (size_t j = 0; j < i; j++)
            if (seal_component_same(c, &components[j]))
                return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "RFC 9421 2.5",
                                  "the component " DX_TEXT_FMT " is listed twice",
                                  DX_TEXT_ARG(dx_bytes_part(c->text, 0, 80)));
        if (c->req && !message->is_response)
            return DX_FAIL_ID(why, MALFORMED, "SEAL-07", "RFC 9421 2.4",
                              "a request cannot cover another request");
        if (c->req && request == NULL)
            return DX_FAIL_ID(why, NOT_FOUND, "SEAL-07", "RFC 9421 2.4",
                              "the request that is answered is not at hand");
        DX_TRY(dx_buf_add(out, c->text));
        DX_TRY(dx_buf_add_text(out, ": "));
        DX_TRY(add_value(c, c->req ? request : message, arena, out, why));
        DX_TRY(dx_buf_add_byte(out, '\n'));
    }
    DX_TRY(dx_buf_add_text(out, "\"@signature-params\": "));
    return dx_buf_add(out, parameters);
}

DX_RC seal_base_build(const seal_component *components, size_t count, dx_bytes parameters,
                      const seal_message *message, const seal_message *request, dx_arena *arena,
                      dx_bytes *out, dx_why *why)
{
    dx_buf buf;
    dx_buf_init(&buf, SEAL_BASE_MAX_BYTES);
    struct dx_rc rc = build(components, count, parameters, message, request, arena, &buf, why);
    if (rc.code == DX_OK) {
        *out = dx_arena_bytes(arena, dx_buf_view(&buf));
        if (out->data == NULL)
            rc = DX_FAIL(why, NO_MEMORY, "", "no room for a seal base");
    }
    dx_buf_fini(&buf);
    return rc;
}
