#include "policy/policy_term.h"

#include "trust/base/check_digit.h"

#include <stdlib.h>

const policy_attribute_row policy_attributes[POLICY_ATTRIBUTE_COUNT] = {
#define A(id, name, type, phase, source, flags) {name, TYPE_##type, DUE_##phase, POLICY_BY_##source, (flags)},
#include "policy/attribute_table.h"
#undef A
};

policy_attribute policy_attribute_find(dx_bytes name)
{
    unsigned a = 0;
    while (a < POLICY_ATTRIBUTE_COUNT && !dx_bytes_is(name, policy_attributes[a].name))
        a++;
    return (policy_attribute)a;
}

const char *policy_source_name(policy_source_of_fact source)
{
    static const char *const names[] = {"gateway",     "certificate", "list",     "peer",
                                        "peer-signed", "document",    "upstream", "connector"};
    return names[source];
}

bool policy_type_is_set(policy_type type)
{
    return ((1U << type) & TB_SETS) != 0;
}

/* ---- sets ---- */

bool text_set_has(text_set set, dx_bytes text)
{
    if (set.count <= 8) {
        for (size_t i = 0; i < set.count; i++)
            if (dx_bytes_equal(set.items[i], text))
                return true;
        return false;
    }
    size_t low = 0, high = set.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = dx_bytes_compare(set.items[middle], text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool text_set_subset(text_set inner, text_set outer)
{
    for (size_t i = 0; i < inner.count; i++)
        if (!text_set_has(outer, inner.items[i]))
            return false;
    return true;
}

bool text_set_meets(text_set a, text_set b)
{
    for (size_t i = 0; i < a.count; i++)
        if (text_set_has(b, a.items[i]))
            return true;
    return false;
}

static int compare_items(const void *a, const void *b)
{
    return dx_bytes_compare(*(const dx_bytes *)a, *(const dx_bytes *)b);
}

size_t text_set_sort(dx_bytes *items, size_t count)
{
    if (count > 1)
        qsort(items, count, sizeof *items, compare_items);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !dx_bytes_equal(items[kept - 1], items[i]))
            items[kept++] = items[i];
    return kept;
}

bool text_set_union(dx_arena *arena, text_set a, text_set b, text_set *out)
{
    if (a.count == 0 || b.count == 0) {
        *out = a.count == 0 ? b : a;
        return true;
    }
    dx_bytes *items = DX_ARENA_ARRAY(arena, dx_bytes, a.count + b.count);
    if (items == NULL)
        return false;
    memcpy(items, a.items, a.count * sizeof *items);
    memcpy(items + a.count, b.items, b.count * sizeof *items);
    *out = (text_set){items, text_set_sort(items, a.count + b.count)};
    return true;
}

bool text_set_cut(dx_arena *arena, text_set a, text_set b, text_set *out)
{
    dx_bytes *items = DX_ARENA_ARRAY(arena, dx_bytes, a.count + 1);
    if (items == NULL)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < a.count; i++)
        if (text_set_has(b, a.items[i]))
            items[count++] = a.items[i];
    *out = (text_set){items, count};
    return true;
}

/* ---- territories ---- */

static const char territories[] =
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCN"
    "COCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHM"
    "HNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMK"
    "MLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW"
    "SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI"
    "VNVUWFWSYEYTZAZMZW"
    "ZEZJ";

#define T(code)                                                                                              \
    {                                                                                                        \
        (const uint8_t *)code, 2                                                                             \
    }
static const dx_bytes eea[] = {T("AT"), T("BE"), T("BG"), T("CY"), T("CZ"), T("DE"), T("DK"), T("EE"),
                               T("ES"), T("FI"), T("FR"), T("GR"), T("HR"), T("HU"), T("IE"), T("IS"),
                               T("IT"), T("LI"), T("LT"), T("LU"), T("LV"), T("MT"), T("NL"), T("NO"),
                               T("PL"), T("PT"), T("RO"), T("SE"), T("SI"), T("SK")};
static const dx_bytes eu[] = {T("AT"), T("BE"), T("BG"), T("CY"), T("CZ"), T("DE"), T("DK"),
                              T("EE"), T("ES"), T("FI"), T("FR"), T("GR"), T("HR"), T("HU"),
                              T("IE"), T("IT"), T("LT"), T("LU"), T("LV"), T("MT"), T("NL"),
                              T("PL"), T("PT"), T("RO"), T("SE"), T("SI"), T("SK")};

text_set policy_group_eu(void)
{
    return (text_set){eu, sizeof eu / sizeof eu[0]};
}

text_set policy_group_eea(void)
{
    return (text_set){eea, sizeof eea / sizeof eea[0]};
}

dx_bytes policy_territory_fold(dx_bytes code)
{
    if (dx_bytes_is(code, "EL"))
        return DX_BYTES("GR");
    return dx_bytes_is(code, "UK") ? DX_BYTES("GB") : code;
}

bool policy_territory_known(dx_bytes code)
{
    if (code.size != 2)
        return false;
    for (const char *t = territories; *t != 0; t += 2)
        if (memcmp(t, code.data, 2) == 0)
            return true;
    return false;
}

/* ---- terms ---- */

static const struct {
    const char *prefix, *iri;
} prefixes[] = {{"dpv:", "https://w3id.org/dpv#"},
                {"eu-gdpr:", "https://w3id.org/dpv/legal/eu/gdpr#"},
                {"legal-eu:", "https://w3id.org/dpv/legal/eu#"},
                {"DUO:", "http://purl.obolibrary.org/obo/DUO_"},
                {"dfft:", "urn:dfft:term:"}};

static const char *const dfft_terms[] = {
    "dfft:APPI-27",         "dfft:APPI-27-1",  "dfft:APPI-28-whitelist", "dfft:APPI-28-equivalent",
    "dfft:APPI-28-consent", "dfft:APPI-anon",  "dfft:EPA-dataflow",      "dfft:GCBPR",
    "dfft:FEFA-licence",    "dfft:nonpersonal"};

dx_bytes policy_term_fold(dx_arena *arena, dx_bytes term)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t n = strlen(prefixes[i].iri);
        if (term.size > n && dx_bytes_starts(term, prefixes[i].iri)) {
            dx_bytes rest = dx_bytes_part(term, n, term.size);
            char *text = dx_arena_printf(arena, "%s" DX_TEXT_FMT, prefixes[i].prefix, DX_TEXT_ARG(rest));
            return text == NULL ? (dx_bytes){NULL, 0} : dx_bytes_text(text);
        }
    }
    return term;
}

bool policy_prefix_builtin(dx_bytes prefix)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (prefix.size + 1 == strlen(prefixes[i].prefix) &&
            memcmp(prefixes[i].prefix, prefix.data, prefix.size) == 0)
            return true;
    return false;
}

bool policy_dfft_term_known(dx_bytes term)
{
    for (size_t i = 0; i < sizeof dfft_terms / sizeof dfft_terms[0]; i++)
        if (dx_bytes_is(term, dfft_terms[i]))
            return true;
    return false;
}

dx_bytes policy_last_segment(dx_bytes uri)
{
    while (uri.size > 0 && uri.data[uri.size - 1] == '/')
        uri.size--;
    for (size_t i = uri.size; i > 0; i--)
        if (uri.data[i - 1] == '/' || uri.data[i - 1] == '#')
            return dx_bytes_part(uri, i, uri.size);
    return uri;
}

/* ---- organisation ids (EN 319 412-1 5.1.4) ---- */

static uint8_t upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

dx_bytes policy_org_fold(dx_arena *arena, dx_bytes id)
{
    bool same = true;
    for (size_t i = 0; i < 5 && i < id.size; i++)
        same = same && upper(id.data[i]) == id.data[i];
    if (same)
        return id;
    char *copy = dx_arena_text(arena, id);
    if (copy == NULL)
        return (dx_bytes){NULL, 0};
    for (size_t i = 0; i < 5 && i < id.size; i++)
        copy[i] = (char)upper((uint8_t)copy[i]);
    return dx_bytes_of(copy, id.size);
}

const char *policy_org_wrong(dx_bytes id, bool check_digits)
{
    if (id.size < 7 || id.size > 70 || id.data[5] != '-')
        return "an organisation id is three letters, a territory, '-' and 1 to 64 visible characters, like "
               "NTRJP-8999900000001";
    for (size_t i = 0; i < 5; i++)
        if (upper(id.data[i]) < 'A' || upper(id.data[i]) > 'Z')
            return "an organisation id starts with three letters and a territory, like VATDE";
    for (size_t i = 6; i < id.size; i++)
        if (id.data[i] <= 0x20 || id.data[i] >= 0x7f)
            return "an organisation id has visible ASCII characters only";
    bool lei = id.data[0] == 'L' && id.data[1] == 'E' && id.data[2] == 'I';
    bool xg = id.data[3] == 'X' && id.data[4] == 'G';
    if (xg ? !lei : !policy_territory_known(policy_territory_fold(dx_bytes_part(id, 3, 2))))
        return "the territory of the organisation id is not known (XG stands with LEI only)";
    dx_bytes rest = dx_bytes_part(id, 6, id.size);
    if (check_digits && lei && !dx_lei_ok(rest))
        return "the LEI is not 20 characters with valid check digits (ISO 7064 mod 97-10)";
    if (check_digits && dx_bytes_starts(id, "NTRJP-") && !dx_corporate_number_ok(rest))
        return "the Japanese corporate number is not 13 digits with a valid check digit";
    return NULL;
}

const char *policy_org_scheme(dx_bytes id)
{
    static const char *const known[] = {"NTR", "VAT", "PSD", "LEI", "GOV"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (dx_bytes_starts(id, known[i]))
            return known[i];
    return "other";
}

dx_bytes policy_org_country(dx_bytes id)
{
    dx_bytes country = policy_territory_fold(dx_bytes_part(id, 3, 2));
    return policy_territory_known(country) ? country : (dx_bytes){NULL, 0};
}
