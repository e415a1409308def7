#include "gateway/admin/control.h"

#include "trust/base/der.h"

#include <stdio.h>

/* What both a running gateway and the command line make from a configuration. */

#define OBJECTS_MAX_BYTES (8U << 20)

/* One block behind its BEGIN line; `*text` moves past its END line. */
static DX_RC read_block(const char *file, const char *end, dx_arena *arena, dx_bytes *text, dx_bytes *out,
                        dx_why *why)
{
    const uint8_t *to = memmem(text->data, text->size, end, strlen(end));
    if (to == NULL)
        return DX_FAIL(why, CONFIG, "RFC 7468 3", "%s: a block without its end line", file);
    size_t room = (size_t)(to - text->data), size = 0;
    uint8_t *base64 = dx_arena_alloc(arena, room + 1), *der = dx_arena_alloc(arena, room + 1);
    if (base64 == NULL || der == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for %s", file);
    for (const uint8_t *c = text->data; c < to; c++)
        if (*c != '\n' && *c != '\r' && *c != ' ')
            base64[size++] = *c;
    if (!dx_base64_decode(dx_bytes_of(base64, size), der, &room))
        return DX_FAIL(why, CONFIG, "RFC 7468 3", "%s: a block is not base64", file);
    *out = dx_bytes_of(der, room);
    *text = dx_bytes_part(*text, (size_t)(to - text->data) + strlen(end), text->size);
    return DX_OKAY;
}

static DX_RC read_blocks(const char *file, dx_bytes text, const char *label, dx_arena *arena, dx_bytes *out,
                         size_t max, size_t *count, dx_why *why)
{
    char begin[64], end[64];
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
    snprintf(end, sizeof end, "-----END %s-----", label);
    for (const uint8_t *from; (from = memmem(text.data, text.size, begin, strlen(begin))) != NULL;) {
        if (*count == max)
            return DX_FAIL(why, TOO_LARGE, "", "%s: at most %zu objects are read here", file, max);
        text = dx_bytes_part(text, (size_t)(from - text.data) + strlen(begin), text.size);
        DX_TRY(read_block(file, end, arena, &text, &out[*count], why));
        (*count)++;
    }
    return DX_OKAY;
}

DX_RC control_read_objects(const dx_io *io, const char *file, const char *label, dx_arena *arena,
                           dx_bytes *out, size_t max, size_t *count, dx_why *why)
{
    dx_buf text;
    dx_bytes unused;
    *count = 0;
    DX_TRY(dx_io_read_file(io, file, OBJECTS_MAX_BYTES, &text, why));
    struct dx_rc rc = DX_OKAY;
    if (max > 0 && der_only(dx_buf_view(&text), DER_SEQUENCE, &unused)) {
        out[0] = dx_arena_bytes(arena, dx_buf_view(&text));
        if (out[0].data == NULL)
            rc = DX_FAIL(why, NO_MEMORY, "", "no memory for %s", file);
        else
            *count = 1;
    } else {
        rc = read_blocks(file, dx_buf_view(&text), label, arena, out, max, count, why);
    }
    dx_buf_fini(&text);
    if (rc.code == DX_OK && *count == 0)
        rc = DX_FAIL(why, CONFIG, "RFC 7468", "%s holds no %s, neither PEM nor DER", file, label);
    return rc;
}

DX_RC control_sources(const config *c, const dx_io *io, dx_arena *arena, tlist_source **out, size_t *count,
                      dx_why *why)
{
    static const char *const eu_types[] = {"http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric"};
    static const char *const jp_types[] = {"https://j-tsl.example/TrstSvc/TrustedList/TSLType/JPlist"};
    tlist_source *sources = DX_ARENA_ARRAY(arena, tlist_source, c->source_count);
    if (sources == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the sources");
    for (size_t i = 0; i < c->source_count; i++) {
        const config_source *s = &c->source[i];
        tlist_source *t = &sources[i];
        dx_buf anchors;
        dx_buf_init(&anchors, 32 * 256);
        for (size_t k = 0; k < s->anchors.count; k++) {
            struct dx_rc rc = tlist_anchors_read(io, s->anchors.items[k], &anchors, why);
            if (rc.code != DX_OK) {
                dx_buf_fini(&anchors);
                return rc;
            }
        }
        size_t anchor_count = anchors.size / 32;
        uint8_t(*kept)[32] = dx_arena_alloc(arena, anchors.size);
        if (kept != NULL && anchors.size > 0)
            memcpy(kept, anchors.data, anchors.size);
        dx_buf_fini(&anchors);
        if (kept == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no memory for the anchors of %s", s->name_);
        bool jp = strcmp(s->scheme, "JP") == 0;
        *t = (tlist_source){.id = s->name_,
                            .kind = strcmp(s->kind, "lotl") == 0 ? TLIST_KIND_LOTL : TLIST_KIND_TL,
                            .url = s->url,
                            .oj_uri = s->oj_uri,
                            .anchors = (const uint8_t(*)[32])kept,
                            .anchor_count = anchor_count,
                            .scheme = s->scheme,
                            .territory = s->territory,
                            .tsl_types = s->tsl_types.count > 0 ? s->tsl_types.items
                                         : jp                   ? jp_types
                                                                : eu_types,
                            .tsl_type_count = s->tsl_types.count > 0 ? s->tsl_types.count : 1,
                            .territories = s->territories.count > 0 ? s->territories.items : NULL,
                            .territory_count = s->territories.count,
                            .strict = strcmp(s->profile, "strict") == 0,
                            .origin_operator = strcmp(s->origin, "operator") == 0,
                            .allow_http = s->allow_http,
                            .map_file = s->map,
                            .refresh_s = (uint32_t)s->refresh_s};
        if (t->anchor_count == 0)
            return DX_FAIL(why, CONFIG, "trusted-lists.md 3",
                           "trust.source.%s: the anchor files name no certificate", s->name_);
    }
    *out = sources;
    *count = c->source_count;
    return DX_OKAY;
}

DX_RC control_fetcher(const config *c, dx_fetcher **out, dx_why *why)
{
    const config_fetch *f = c->fetch;
    uint16_t ports[32];
    size_t count = 0;
    for (; count < f->allow_ports.count && count < 32; count++)
        ports[count] = (uint16_t)f->allow_ports.items[count];
    const dx_fetch_rules rules = {.allow_private = f->allow_private.items,
                                  .allow_private_count = f->allow_private.count,
                                  .allow_ports = ports,
                                  .allow_ports_count = count,
                                  .proxy = f->proxy,
                                  .ca_file = f->ca_file};
    return dx_fetcher_new(&rules, out, why);
}

DX_RC control_credential(const config *c, const dx_io *io, seal_credential **out, dx_why *why)
{
    dx_arena arena = {0};
    dx_bytes certificates[8];
    size_t count = 0;
    sign_key *key = NULL;
    *out = NULL;
    struct dx_rc rc =
        control_read_objects(io, c->seal_key->cert, "CERTIFICATE", &arena, certificates, 8, &count, why);
    if (rc.code == DX_OK)
        rc = sign_open(&(sign_spec){.file = c->seal_key->file, .io = io}, &key, why);
    if (rc.code == DX_OK)
        rc = seal_credential_new(key, certificates[0], certificates + 1, count - 1, out, why);
    sign_unref(key);
    dx_arena_fini(&arena);
    return rc;
}
