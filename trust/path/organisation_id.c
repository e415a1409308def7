#include "trust/path/organisation.h"

#include "trust/base/check_digit.h"

#include <stdio.h>

/* Semantics identifiers of EN 319 412-1 5.1.4: forms, countries, check digits (identity.md 10.1). */

void organisation_remark(organisation_remarks *remarks, const char *id)
{
    for (size_t i = 0; i < remarks->count; i++)
        if (strcmp(remarks->ids[i], id) == 0)
            return;
    if (remarks->count < sizeof remarks->ids / sizeof *remarks->ids)
        remarks->ids[remarks->count++] = id;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_listed(const char *type, const char *const *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(type, types[i], 3) == 0)
            return true;
    return false;
}

/* Printable ASCII without outer blanks; blanks inside belong to the number of some registers. */
static bool is_reference(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 64 || text[0] == ' ' || text[n - 1] == ' ')
        return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return true;
}

/* Codes of lists and VAT that ISO 3166-1 writes otherwise. XG (LEI, whole world) names no country. */
static void set_country(organisation *out, const char *code)
{
    static const char *const alias[][2] = {{"EL", "GR"}, {"UK", "GB"}, {"XI", "GB"}};
    snprintf(out->country, sizeof out->country, "%.2s", code);
    for (size_t i = 0; i < sizeof alias / sizeof *alias; i++)
        if (strcmp(out->country, alias[i][0]) == 0)
            snprintf(out->country, sizeof out->country, "%s", alias[i][1]);
    if (strcmp(out->country, "XG") == 0)
        out->country[0] = '\0';
}

static const char *other(organisation *out, organisation_remarks *remarks)
{
    snprintf(out->scheme, sizeof out->scheme, "other");
    organisation_remark(remarks, "ID-502");
    return NULL;
}

/* "PSDES-BDE-3DFD21": the authority, two to eight capitals, then its number for the provider. */
static bool psd_ok(const char *reference)
{
    size_t n = 0;
    while (is_capital(reference[n]))
        n++;
    return n >= 2 && n <= 8 && reference[n] == '-' && is_reference(reference + n + 1);
}

static bool check_digits_ok(const char *id, const char *reference)
{
    if (strncmp(id, "NTRJP", 5) == 0)
        return dx_corporate_number_ok(dx_bytes_text(reference));
    if (strncmp(id, "VATJP", 5) == 0)
        return dx_corporate_number_ok(dx_bytes_text(reference[0] == 'T' ? reference + 1 : reference));
    if (strncmp(id, "LEI", 3) == 0)
        return dx_lei_ok(dx_bytes_text(reference));
    return true;
}

/* Three letters, country, maybe "+" and a subdivision, "-", reference. */
static const char *read_typed(const identity_rules *rules, organisation *out, organisation_remarks *remarks)
{
    static const char *const persons[] = {"PAS", "IDC", "PNO", "TAX", "TIN"};
    static const char *const known[] = {"NTR", "VAT", "LEI", "PSD", "GOV", "INT"};
    const char *rest = out->id + 5, *reference;
    if (*rest == '+') {
        size_t n = 1;
        while (is_capital(rest[n]) || is_digit(rest[n]))
            n++;
        rest += n > 1 && n <= 4 ? n : 0;
    }
    if (*rest != '-' || !is_reference(rest + 1))
        return other(out, remarks);
    reference = rest + 1;
    if (is_listed(out->id, persons, sizeof persons / sizeof *persons))
        return "ID-506";
    if (!is_listed(out->id, known, sizeof known / sizeof *known))
        return other(out, remarks);
    bool lei = strncmp(out->id, "LEI", 3) == 0;
    snprintf(out->scheme, sizeof out->scheme, "%.3s", out->id);
    if (strcmp(out->scheme, "PSD") == 0 && !psd_ok(reference))
        return other(out, remarks);
    if (strcmp(out->scheme, "INT") != 0)
        set_country(out, out->id + 3);
    if (lei && strncmp(out->id + 3, "XG", 2) != 0)
        organisation_remark(remarks, "ID-502");
    if (check_digits_ok(out->id, reference))
        return NULL;
    if (!rules->check_digits_warn)
        return "ID-503";
    organisation_remark(remarks, "ID-503");
    return NULL;
}

/* "PA:IT-agid": a scheme of one country. */
static bool is_national(const char *id)
{
    return is_capital(id[0]) && is_capital(id[1]) && id[2] == ':' && is_capital(id[3]) && is_capital(id[4]) &&
           id[5] == '-' && is_reference(id + 6);
}

const char *organisation_id_read(const char *raw, bool spelled, const identity_rules *rules,
                                 organisation *out, organisation_remarks *remarks)
{
    size_t from = strspn(raw, " "), n = strlen(raw);
    while (n > from && raw[n - 1] == ' ')
        n--;
    out->id[0] = out->scheme[0] = out->country[0] = '\0';
    if (n - from > ORGANISATION_ID_MAX || n == from ||
        !organisation_text_ok(dx_bytes_of(raw + from, n - from)))
        return "ID-511";
    snprintf(out->id, sizeof out->id, "%.*s", (int)(n - from), raw + from);
    if (spelled && strncmp(out->id, "JCN:", 4) == 0) {
        char number[sizeof out->id];
        snprintf(number, sizeof number, "%s", out->id + 4);
        snprintf(out->id, sizeof out->id, "NTRJP-%.60s", number);
    }
    for (size_t i = 0; i < 5 && out->id[i] != '\0'; i++)
        out->id[i] = (char)(out->id[i] >= 'a' && out->id[i] <= 'z' ? out->id[i] - 32 : out->id[i]);
    if (is_national(out->id)) {
        snprintf(out->scheme, sizeof out->scheme, "other");
        set_country(out, out->id + 3);
        return NULL;
    }
    for (size_t i = 0; i < 5; i++)
        if (!is_capital(out->id[i]))
            return other(out, remarks);
    return read_typed(rules, out, remarks);
}

bool organisation_id_alike(const char *id, char out[ORGANISATION_ID_MAX + 1])
{
    static const char *const pairs[][2] = {{"NTRJP-", "VATJP-T"}, {"VATJP-T", "NTRJP-"}};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(pairs[i][0]);
        if (strncmp(id, pairs[i][0], n) == 0 && dx_corporate_number_ok(dx_bytes_text(id + n))) {
            snprintf(out, ORGANISATION_ID_MAX + 1, "%s%s", pairs[i][1], id + n);
            return true;
        }
    }
    return false;
}
