#include "gateway/admin/control.h"

#include "trust/base/der.h"
#include "trust/base/pem.h"

/* What both a running gateway and the command line make from a configuration. */

#define OBJECTS_MAX_BYTES (8U << 20)
#define OWN_MAX           32

static DX_RC read_blocks(const char *file, dx_bytes text, const char *label, dx_arena *arena, dx_bytes *out,
                         size_t max, size_t *count, dx_why *why)
{
    for (dx_bytes der;;) {
        DX_TRY(pem_next(&text, label, file, arena, &der, why));
        if (der.data == NULL)
            return DX_OKAY;
        if (*count == max)
            return DX_FAIL(why, TOO_LARGE, "", "%s: at most %zu objects are read here", file, max);
        out[(*count)++] = der;
    }
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
    tlist_source *sources = DX_ARENA_ARRAY(arena, tlist_source, c->source_count);
    if (sources == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the sources");
    for (size_t i = 0; i < c->source_count; i++) {
        const config_source *s = &c->source[i];
        tlist_source *t = &sources[i];
        dx_buf anchors;
        dx_buf_init(&anchors, 32 * 256);
        for (size_t k = 0; k < s->anchors.count; k++) {
            struct dx_rc rc = tlist_anchors_read(io, s->anchors.items[k], s->oj_uri, &anchors, why);
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
        bool jp = strcmp(s->scheme, "JP") == 0; /* its type is a matter of the profile (.map) */
        *t = (tlist_source){.id = s->name_,
                            .kind = strcmp(s->kind, "lotl") == 0 ? TLIST_KIND_LOTL : TLIST_KIND_TL,
                            .url = s->url,
                            .oj_uri = s->oj_uri,
                            .anchors = (const uint8_t(*)[32])kept,
                            .anchor_count = anchor_count,
                            .scheme = s->scheme,
                            .territory = s->territory,
                            .tsl_types = s->tsl_types.count > 0 ? s->tsl_types.items : eu_types,
                            .tsl_type_count = s->tsl_types.count > 0 ? s->tsl_types.count
                                              : jp                   ? 0
                                                                     : 1,
                            .territories = s->territories.count > 0 ? s->territories.items : NULL,
                            .territory_count = s->territories.count,
                            .strict = strcmp(s->profile, "strict") == 0,
                            .origin_operator = strcmp(s->origin, "operator") == 0,
                            .mra = s->mra,
                            .allow_http = s->allow_http,
                            .legacy_xpath = s->legacy_xpath,
                            .structure_warn = strcmp(s->structure, "warn") == 0,
                            .rsa_digestinfo_either = strcmp(s->rsa_digestinfo, "either") == 0,
                            .only_version_5 = strcmp(s->versions, "5") == 0,
                            .only_version_6 = strcmp(s->versions, "6") == 0,
                            .max_bytes = (size_t)s->max_bytes,
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
    const char *own[OWN_MAX];
    size_t own_count = 0;
    for (size_t i = 0; i < c->listen_count && own_count < OWN_MAX; i++)
        own[own_count++] = c->listen[i].address;
    if (c->regulator_count == 1 && own_count < OWN_MAX)
        own[own_count++] = c->regulator->address;
    if (c->observe_count == 1 && own_count < OWN_MAX)
        own[own_count++] = c->observe->address;
    const dx_fetch_rules rules = {.own = own,
                                  .own_count = own_count,
                                  .allow_private = f->allow_private.items,
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
