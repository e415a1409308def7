/* One text of a document: the form its member asks for (policy.md 3). Each adds its own finding. */
#include "policy/shape.h"

#define URN_MAX_BYTES 160

static bool word_listed(const char *words, dx_bytes word)
{
    for (const char *w = words; *w != 0;) {
        size_t n = strcspn(w, "|");
        if (word.size == n && memcmp(w, word.data, n) == 0)
            return true;
        w += n + (w[n] == '|');
    }
    return false;
}

static bool rule_id_ok(dx_bytes id)
{
    for (size_t i = 0; i < id.size; i++) {
        uint8_t c = id.data[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-'))
            return false;
    }
    return id.size >= 1 && id.size <= 64;
}

bool shape_term(place *p, dx_bytes term, bool needs_prefix)
{
    bundle *b = p->b;
    if (text_map_get(&b->terms, term) != NULL)
        return true;
    dx_bytes folded = policy_term_fold(&b->arena, term);
    size_t colon = 0;
    while (colon < folded.size && folded.data[colon] != ':')
        colon++;
    if (colon == folded.size) {
        if (!needs_prefix && folded.size > 0)
            return true;
        FINDING(p, 205, "\"" DX_TEXT_FMT "\" needs a prefix, like dpv:, or an entry in vocab.json",
                DX_TEXT_ARG(term));
        return false;
    }
    char prefix[64];
    size_t n = colon < sizeof prefix - 1 ? colon : sizeof prefix - 1;
    memcpy(prefix, folded.data, n);
    prefix[n] = 0;
    bool known = policy_prefix_builtin(dx_bytes_part(folded, 0, colon)) ||
                 json_object_get(b->prefixes, prefix) != NULL;
    if (!known || colon + 1 == folded.size) {
        FINDING(p, 205, "the prefix of \"" DX_TEXT_FMT "\" is not known; vocab.json may add it",
                DX_TEXT_ARG(term));
        return false;
    }
    if (strcmp(prefix, "dfft") == 0 && !policy_dfft_term_known(folded) &&
        text_map_get(&b->terms, folded) == NULL) {
        FINDING(p, 205, "\"" DX_TEXT_FMT "\" is no term of ours", DX_TEXT_ARG(term));
        return false;
    }
    return true;
}

bool shape_territory(place *p, dx_bytes code, bool groups)
{
    if (policy_territory_known(policy_territory_fold(code)) || (groups && bundle_group(p->b, code).count > 0))
        return true;
    FINDING(p, 206, "\"" DX_TEXT_FMT "\" is no ISO 3166-1 territory%s", DX_TEXT_ARG(code),
            groups ? " and no group" : " (a group cannot stand here)");
    return false;
}

bool shape_zone(dx_bytes zone, int *offset_s)
{
    *offset_s = 0;
    if (dx_bytes_is(zone, "UTC"))
        return true;
    if (zone.size != 6 || (zone.data[0] != '+' && zone.data[0] != '-') || zone.data[3] != ':')
        return false;
    for (size_t i = 1; i < 6; i++)
        if (i != 3 && (zone.data[i] < '0' || zone.data[i] > '9'))
            return false;
    int hours = (zone.data[1] - '0') * 10 + zone.data[2] - '0',
        minutes = (zone.data[4] - '0') * 10 + zone.data[5] - '0';
    *offset_s = (hours * 60 + minutes) * 60 * (zone.data[0] == '-' ? -1 : 1);
    return hours < 24 && minutes < 60;
}

static void check_direction(place *p, dx_bytes text)
{
    size_t at = 0;
    while (at < text.size && text.data[at] != '>')
        at++;
    if (at == 0 || at + 1 >= text.size) {
        FINDING(p, 106, "a direction reads like JP>EEA");
        return;
    }
    if (shape_territory(p, dx_bytes_part(text, 0, at), true))
        shape_territory(p, dx_bytes_part(text, at + 1, text.size), true);
}

bool shape_time(dx_bytes text, int64_t *unix_s)
{
    int64_t us = 0;
    bool ok = text.size == 20 && dx_time_parse(text, true, &us);
    *unix_s = us / 1000000;
    return ok;
}

static void check_host(place *p, dx_bytes host)
{
    bool ok = host.size > 0 && host.size <= 253 && host.data[host.size - 1] != '.';
    for (size_t i = 0; i < host.size; i++) {
        uint8_t c = host.data[i];
        ok = ok && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.');
    }
    if (!ok)
        FINDING(p, 106, "a host is a lower-case name without port and without a dot at its end");
}

/* RFC 8141 in visible ASCII: urn:<namespace>:<anything>. What the record's leaf takes, so that no exchange
 * fails on it. */
static bool urn_ok(dx_bytes text)
{
    size_t name = 4;
    if (!dx_bytes_starts(text, "urn:") || text.size > URN_MAX_BYTES)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '!' || text.data[i] > '~')
            return false;
    while (name < text.size && text.data[name] != ':')
        name++;
    return name >= 6 && name + 1 < text.size;
}

void shape_text(place *p, dx_bytes text, const value_shape *shape)
{
    int64_t unix_s;
    int zone;
    policy_duration duration;
    const char *wrong;
    switch (shape->kind) {
    case V_WORD:
        if (!word_listed(shape->words, text))
            FINDING(p, 106, "\"" DX_TEXT_FMT "\" is none of %s", DX_TEXT_ARG(text), shape->words);
        return;
    case V_TIME:
        if (!shape_time(text, &unix_s))
            FINDING(p, 109, "a time is RFC 3339 in whole seconds ending in Z, like 2026-11-23T03:00:00Z");
        return;
    case V_DURATION:
        if (!policy_duration_parse(text, &duration))
            FINDING(p, 109, "a duration is ISO 8601 of whole numbers, like P3Y or PT60S");
        return;
    case V_TERR:
        shape_territory(p, text, false);
        return;
    case V_TERR_OR_GROUP:
        shape_territory(p, text, true);
        return;
    case V_ORG:
        if ((wrong = policy_org_wrong(policy_org_fold(&p->b->arena, text), true)) != NULL)
            FINDING(p, 208, "%s", wrong);
        return;
    case V_RULE_ID:
        if (!rule_id_ok(text))
            FINDING(p, 111, "an id is 1 to 64 characters of A-Z a-z 0-9 . _ -");
        return;
    case V_DOC_ID:
        if (!dx_bytes_starts(text, "urn:dfft:") || text.size > 160)
            FINDING(p, 111, "a document's id starts with urn:dfft: and has at most 160 bytes");
        return;
    case V_TERM:
        shape_term(p, text, false);
        return;
    case V_ORIGIN:
        if (!policy_territory_known(policy_territory_fold(text)))
            shape_term(p, text, false);
        return;
    case V_PURPOSE:
        shape_term(p, text, true);
        return;
    case V_POINTER:
        if (text.size > 0 && text.data[0] != '/')
            FINDING(p, 106, "a JSON Pointer starts with / (RFC 6901), * stands for one whole step");
        return;
    case V_HOST:
        check_host(p, text);
        return;
    case V_PREFIX: {
        dx_bytes form = policy_path_form(&p->b->arena, text, &p->b->out_of_memory);
        if (form.size == 0 || !dx_bytes_equal(form, text))
            FINDING(p, 106,
                    "a prefix is a path in canonical form: starts with /, no dots, empty segments or "
                    "needless escapes");
        return;
    }
    case V_MEDIA: {
        bool slash = false, ok = text.size > 2;
        for (size_t i = 0; i < text.size; i++) {
            slash = slash || (text.data[i] == '/' && i > 0 && i + 1 < text.size);
            ok = ok && text.data[i] > 0x20 && text.data[i] != ';' &&
                 !(text.data[i] >= 'A' && text.data[i] <= 'Z');
        }
        if (!ok || !slash)
            FINDING(p, 106, "a media type is lower case without parameters, like application/json");
        return;
    }
    case V_METHOD: {
        bool ok = text.size > 0 && text.size <= 32;
        for (size_t i = 0; i < text.size; i++)
            ok = ok && ((text.data[i] >= 'A' && text.data[i] <= 'Z') || text.data[i] == '-');
        if (!ok)
            FINDING(p, 106, "a method is upper case, like GET");
        return;
    }
    case V_DIRECTION:
        check_direction(p, text);
        return;
    case V_URN:
        if (!urn_ok(text))
            FINDING(
                p, 106,
                "a reference is a URN of at most %d bytes without spaces, like urn:dfft:contract:2026-031; "
                "other words go into note",
                URN_MAX_BYTES);
        return;
    case V_ZONE:
        if (!shape_zone(text, &zone))
            FINDING(p, 508, "the time zone is UTC or an offset like +09:00");
        return;
    case V_ANY:
    case V_TEXT:
    case V_INT:
    case V_BOOL:
    case V_LEVEL:
    case V_PILLAR:
    case V_CONDITION:
    case V_OBJECT:
    case V_LIST:
    case V_MAP:
    case V_INTERVAL:
    case V_HEADERS:
        return;
    }
}
