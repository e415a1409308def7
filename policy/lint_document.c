/* Guards, levels, partnerships and authorities: what one document says by itself. */
#include "policy/lint.h"

void lint_authority(lint *l, const model_authority *a)
{
    lint_condition(l, &a->doc, a->identify, "/identify");
    if (!lint_names(a->identify, POLICY_PEER_CERT_SHA256) &&
        !lint_names(a->identify, POLICY_PEER_TL_TERRITORY) &&
        !lint_names(a->identify, POLICY_PEER_TL_SCHEME) && !lint_names(a->identify, POLICY_PEER_TL_LEVEL))
        lint_say(l, &a->doc, 802, true, "/identify",
                 "the authority is known neither by a certificate pin nor by a trusted list");
    for (size_t i = 0; i < a->grant_count; i++) {
        const model_grant *g = &a->grants[i];
        lint_rule(l, &g->rule);
        lint_obligations(l, &g->rule, &g->oblige, &g->oblige);
        if (!g->scope_stated)
            lint_say(l, &a->doc, 801, false,
                     lint_has(l, &a->doc, lint_at(l, "%s/scope", g->rule.pointer)) ? l->pointer
                                                                                   : g->rule.pointer,
                     "the scope is unbounded: scope.records says which records the authority may read");
        else if (g->scope_country_count == 0)
            lint_say(l, &a->doc, 801, false, lint_at(l, "%s/scope", g->rule.pointer),
                     "the scope is unreachable: records is any of {field, op eq or in, value} over "
                     "exporter.country and importer.country, with the same countries for both");
        if (g->rule.names_body)
            lint_say(l, &a->doc, 301, false, g->rule.pointer,
                     "a regulator route never reaches the body phase");
    }
}

void lint_guards(lint *l, const policy *p)
{
    const bundle_document *doc = l->b->by_kind_guards;
    json_t *builtin = json_object_get(doc->json, "builtin"), *value;
    const char *name;
    if (json_object_get(builtin, "jp.individual_number") == NULL)
        lint_say(l, &p->guards, 409, false, "/builtin",
                 "the built-in guard jp.individual_number is missing: deny or tag");
    json_object_foreach(builtin, name, value)
    {
        if (!dx_bytes_is(json_view(value), "deny") && !dx_bytes_is(json_view(value), "tag"))
            lint_say(l, &p->guards, 409, false, "/builtin",
                     "the built-in guard %.40s is deny or tag, nothing else", name);
    }
    for (size_t i = 0; i < p->guard_count; i++)
        lint_rule(l, &p->guard_rules[i]);
}

static bool says_qualified(const json_t *row)
{
    static const char *const members[] = {"id", "title", "law", "note", NULL};
    for (size_t i = 0; members[i] != NULL; i++) {
        dx_bytes text = json_view(json_object_get(row, members[i]));
        for (size_t k = 0; k + 9 <= text.size; k++)
            if (dx_bytes_equal_nocase(dx_bytes_part(text, k, 9), DX_BYTES("qualified")))
                return true;
    }
    return false;
}

void lint_levels(lint *l, const policy *p)
{
    static const char *const known[] = {
        "q-eseal-qscd", "q-eseal",   "q-wac", "q-esig-qscd", "q-esig", "eu-qtst",  "jp-eseal-2", "jp-eseal-1",
        "jp-tsa",       "jp-person", "jpki",  "pinned",      "listed", "unlisted", NULL};
    const bundle_document *doc = l->b->by_kind_levels;
    const model_document levels = {.file = doc->path, .id = doc->id};
    json_t *rows = json_object_get(doc->json, "rows"), *row, *level;
    size_t i, k;
    json_array_foreach(rows, i, row)
    {
        json_t *match = json_object_get(row, "match");
        json_array_foreach(json_object_get(match, "level"), k, level)
        {
            if (oblige_word(known, json_view(level)) == 0)
                lint_say(l, &levels, 410, false, lint_at(l, "/rows/%zu/match/level/%zu", i, k),
                         "\"" DX_TEXT_FMT "\" is no level", DX_TEXT_ARG(json_view(level)));
        }
        /* Levels of EU lists start with q- or eu-; a row of none, or of others too, speaks of non-EU
         * services. */
        bool eu = p->levels[i].has_level && p->levels[i].level.count > 0;
        for (k = 0; k < p->levels[i].level.count; k++)
            eu = eu && (dx_bytes_starts(p->levels[i].level.items[k], "q-") ||
                        dx_bytes_starts(p->levels[i].level.items[k], "eu-"));
        if (says_qualified(row) && !eu)
            lint_say(l, &levels, 410, false, lint_at(l, "/rows/%zu", i),
                     "\"qualified\" is said of a service that no EU list calls so");
    }
}

void lint_partnership(lint *l, const model_partnership *ps)
{
    for (size_t i = 0; i < ps->never_count; i++)
        lint_rule(l, &ps->never[i]);
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (oblige_conflict(&ps->floors.oblige, (oblige_name)n) && !ps->floors.oblige.redact.keep_dataset)
            lint_say(l, &ps->doc, 502, false, lint_at(l, "/floors/%s", oblige_names[n]),
                     "this obligation contradicts itself");
}
