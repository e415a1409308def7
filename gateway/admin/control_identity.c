#include "gateway/admin/control.h"

/* Whom certificates name, and what foreign services are treated as: from the configuration to the judge's
 * words. */

static const char serial_number[] = "serialNumber:";

/* "jp=serialNumber:NTRJP-": certificates below list jp carry their number in serialNumber. */
static struct dx_rc read_source(const config *c, const char *text, dx_arena *arena, organisation_source *out,
                                dx_why *why)
{
    const char *equals = strchr(text, '=');
    bool known = false;
    size_t n = equals == NULL ? 0 : (size_t)(equals - text);
    for (size_t i = 0; i < c->source_count; i++)
        known |= strlen(c->source[i].name_) == n && strncmp(c->source[i].name_, text, n) == 0;
    if (!known || strncmp(equals + 1, serial_number, sizeof serial_number - 1) != 0)
        return DX_FAIL(why, CONFIG, "EN 319 412-1 5.1.4",
                       "identity.source: \"%.60s\" is not list=serialNumber:prefix of a configured list",
                       text);
    out->list = dx_arena_text(arena, dx_bytes_of(text, n));
    out->prefix = equals + sizeof serial_number;
    return out->list == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory for identity.source") : DX_OKAY;
}

DX_RC control_identity(const config *c, const dx_io *io, dx_arena *arena, identity_rules *rules,
                       path_recognition *recognition, dx_why *why)
{
    const config_identity *from = c->identity;
    organisation_source *sources = DX_ARENA_ARRAY(arena, organisation_source, from->source.count + 1);
    if (sources == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for identity.source");
    for (size_t i = 0; i < from->source.count; i++)
        DX_TRY(read_source(c, from->source.items[i], arena, &sources[i], why));
    *rules = (identity_rules){.check_digits_warn = strcmp(from->check_digits, "warn") == 0,
                              .allow_associated = strcmp(from->associated_persons, "allow") == 0,
                              .jpki_policies = from->jpki_policies.items,
                              .jpki_policy_count = from->jpki_policies.count,
                              .sources = sources,
                              .source_count = from->source.count};
    *recognition = (path_recognition){0};
    return c->trust->recognition == NULL
               ? DX_OKAY
               : path_recognition_load(io, c->trust->recognition, arena, recognition, why);
}
