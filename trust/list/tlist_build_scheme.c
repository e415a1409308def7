/* scheme.json: who makes the list, and where it can be read (TS 119 612 5.3.4 to 5.3.16). */
#include "trust/list/tlist_build_private.h"

enum { SCHEME_MAX = 1 << 18 };

static struct dx_rc wrong(dx_why *why, const char *file, const char *name, const char *text)
{
    return DX_FAIL(why, CONFIG, "trusted-lists.md 9.2", "%.100s: %.60s %s", file, name, text);
}

static struct dx_rc keep(build *b, const char *name, const json_t *value, const char **out, dx_why *why)
{
    const char *text = json_string_value(value);
    if (text == NULL || text[0] == '\0' || strlen(text) != json_string_length(value))
        return wrong(why, b->spec->scheme, name, "is not a text, or empty");
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20)
            return wrong(why, b->spec->scheme, name, "holds a control character or a line break");
    *out = dx_arena_text(&b->arena, dx_bytes_text(text));
    return *out == NULL ? tlist_build_no_memory(why) : DX_OKAY;
}

static bool language(const char *tag)
{
    return strlen(tag) == 2 && strspn(tag, "abcdefghijklmnopqrstuvwxyz") == 2;
}

/* {"en": "...", "ja": "..."}; English stands first, and must be there (TS 119 612 5.1.4). */
static struct dx_rc read_names(build *b, const char *name, const json_t *value, build_names *out, dx_why *why)
{
    const char *lang;
    json_t *text;
    *out = (build_names){.count = 1};
    if (!json_is_object(value) || json_object_size(value) > 8 || json_object_get(value, "en") == NULL)
        return wrong(why, b->spec->scheme, name, "is not an object of language and text with \"en\" in it");
    json_object_foreach((json_t *)(uintptr_t)value, lang, text)
    {
        if (!language(lang))
            return wrong(why, b->spec->scheme, name, "has a language that is not two letters");
        build_name *one = strcmp(lang, "en") == 0 ? &out->items[0] : &out->items[out->count++];
        one->lang = dx_arena_text(&b->arena, dx_bytes_text(lang));
        DX_TRY(keep(b, name, text, &one->text, why));
    }
    return DX_OKAY;
}

static struct dx_rc read_address(build *b, const char *lang, const json_t *value, build_address *out,
                                 dx_why *why)
{
    const struct {
        const char *name, **out;
        bool must;
    } rows[] = {{"street", &out->street, true},
                {"locality", &out->locality, true},
                {"state", &out->state, false},
                {"postcode", &out->postcode, false},
                {"country", &out->country, true}};
    size_t known = 0;
    *out = (build_address){.lang = dx_arena_text(&b->arena, dx_bytes_text(lang))};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const json_t *text = json_object_get(value, rows[i].name);
        known += text != NULL;
        if (text != NULL || rows[i].must)
            DX_TRY(keep(b, rows[i].name, text, rows[i].out, why));
    }
    if (known != json_object_size(value))
        return wrong(why, b->spec->scheme, "addresses", "has a member that is not known");
    return DX_OKAY;
}

static struct dx_rc read_addresses(build *b, const json_t *value, dx_why *why)
{
    build_scheme *s = &b->scheme;
    const char *lang;
    json_t *address;
    s->address_count = 1;
    if (!json_is_object(value) || json_object_size(value) > 8 || json_object_get(value, "en") == NULL)
        return wrong(why, b->spec->scheme, "addresses",
                     "is not an object of language and address with \"en\" in it");
    json_object_foreach((json_t *)(uintptr_t)value, lang, address)
    {
        if (!language(lang))
            return wrong(why, b->spec->scheme, "addresses", "has a language that is not two letters");
        DX_TRY(read_address(b, lang, address,
                            strcmp(lang, "en") == 0 ? &s->addresses[0] : &s->addresses[s->address_count++],
                            why));
    }
    return DX_OKAY;
}

static struct dx_rc read_uris(build *b, const char *name, const json_t *value, build_texts *out, dx_why *why)
{
    size_t count = json_array_size(value);
    const char **items = DX_ARENA_ARRAY(&b->arena, const char *, count + 1);
    if (items == NULL)
        return tlist_build_no_memory(why);
    if (count == 0 || count > 64)
        return wrong(why, b->spec->scheme, name, "is not an array of 1 to 64 addresses");
    *out = (build_texts){items, count};
    for (size_t i = 0; i < count; i++) {
        DX_TRY(keep(b, name, json_array_get(value, i), &items[i], why));
        if (!tlist_build_url(items[i]))
            return wrong(why, b->spec->scheme, name, "holds what is not an address like https://host/path");
    }
    return DX_OKAY;
}

static struct dx_rc fill(build *b, json_t *root, dx_why *why)
{
    build_scheme *s = &b->scheme;
    static const char *const known[] = {
        "operator_name", "scheme_name",      "addresses",    "mail",
        "url",           "information_uris", "legal_notice", "distribution_points"};
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return wrong(why, b->spec->scheme, name, "is not a known member");
    }
    DX_TRY(read_names(b, "operator_name", json_object_get(root, "operator_name"), &s->operator_name, why));
    DX_TRY(read_names(b, "scheme_name", json_object_get(root, "scheme_name"), &s->scheme_name, why));
    DX_TRY(read_addresses(b, json_object_get(root, "addresses"), why));
    DX_TRY(keep(b, "mail", json_object_get(root, "mail"), &s->mail, why));
    DX_TRY(keep(b, "url", json_object_get(root, "url"), &s->url, why));
    if (strchr(s->mail, '@') == NULL || strchr(s->mail, ' ') != NULL || !tlist_build_url(s->url))
        return wrong(why, b->spec->scheme, "mail or url", "is not an address");
    DX_TRY(read_uris(b, "information_uris", json_object_get(root, "information_uris"), &s->information_uris,
                     why));
    if (json_object_get(root, "legal_notice") != NULL)
        DX_TRY(read_names(b, "legal_notice", json_object_get(root, "legal_notice"), &s->legal_notice, why));
    if (json_object_get(root, "distribution_points") != NULL)
        DX_TRY(read_uris(b, "distribution_points", json_object_get(root, "distribution_points"),
                         &s->distribution_points, why));
    return DX_OKAY;
}

DX_RC tlist_build_scheme(build *b, dx_why *why)
{
    dx_buf file;
    dx_why said = {0};
    json_t *root = NULL;
    dx_buf_init(&file, SCHEME_MAX);
    struct dx_rc rc = dx_io_read_file(b->spec->io, b->spec->scheme, SCHEME_MAX, &file, why);
    if (rc.code == DX_OK) {
        rc = dx_json_read(dx_buf_view(&file), &(dx_json_limits){SCHEME_MAX, 4, false}, &root, &said);
        if (rc.code != DX_OK && rc.code != DX_NO_MEMORY)
            rc = wrong(why, b->spec->scheme, "", said.text);
        else if (rc.code == DX_OK)
            rc = fill(b, root, why);
    }
    json_decref(root);
    dx_buf_fini(&file);
    return rc.code == DX_NOT_FOUND ? (struct dx_rc){DX_CONFIG} : rc;
}
