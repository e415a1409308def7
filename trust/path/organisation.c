#include "trust/path/organisation.h"

#include <stdio.h>

/* Which organisation a certificate names, or why it names none (identity.md 10). */

#define GIVEN_NAME   "2.5.4.42"
#define SURNAME      "2.5.4.4"
#define PSEUDONYM    "2.5.4.65"
#define SERIAL       "2.5.4.5"
#define COUNTRY      "2.5.4.6"
#define ORGANIZATION "2.5.4.10"
#define IDENTIFIER   "2.5.4.97"

static const char jpki_policies[] = "1.2.392.200149.8.5.1.";
static const char jpki_names[] = "1.2.392.200149.8.5.5.";

static bool is_below(dx_bytes oid, const char *prefix)
{
    char text[128];
    size_t n = strlen(prefix);
    return der_oid_text(oid, text, sizeof text) &&
           (n > 0 && prefix[n - 1] == '.' ? strncmp(text, prefix, n) == 0 : strcmp(text, prefix) == 0);
}

static bool is_jpki_policy(dx_bytes oid, const identity_rules *rules)
{
    if (rules == NULL || rules->jpki_policies == NULL)
        return is_below(oid, jpki_policies);
    for (size_t i = 0; i < rules->jpki_policy_count; i++)
        if (is_below(oid, rules->jpki_policies[i]))
            return true;
    return false;
}

/* The Japanese individual number card: policy OIDs, or its own names in subjectAltName (identity.md 10.4). */
bool organisation_is_jpki(const cert_facts *facts, const identity_rules *rules)
{
    dx_bytes policies = facts->policies.value, names = facts->alt_names.value, policy, oid;
    while (policies.size > 0 && der_take(&policies, DER_SEQUENCE, &policy) &&
           der_take(&policy, DER_OID, &oid))
        if (is_jpki_policy(oid, rules))
            return true;
    while (names.size > 0) {
        der_item name;
        if (!der_next(&names, &name))
            return false;
        if (name.tag == DER_CONSTRUCTED(0) && der_take(&name.value, DER_OID, &oid) &&
            is_below(oid, jpki_names))
            return true;
    }
    return false;
}

/* An attribute that is there and cannot be read is there all the same. */
static bool has(const cert_facts *facts, const char *oid)
{
    char text[8]; /* only whether; what it says stays where it is */
    return organisation_name(facts->subject, oid, 0, text, sizeof text) != NAME_ABSENT;
}

static bool is_person_number(const char *text)
{
    static const char *const types[] = {"PAS", "IDC", "PNO", "TAX", "TIN"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncasecmp(text, types[i], 3) == 0 && strlen(text) > 6 && text[5] == '-')
            return true;
    return false;
}

static bool is_person(const cert_facts *facts, const path_statements *st)
{
    char serial[257];
    bool signs_only = st->qc.types == TLIST_BIT(TLIST_QCTYPE_ESIGN);
    bool numbered = organisation_name(facts->subject, SERIAL, 0, serial, sizeof serial) == NAME_READ &&
                    is_person_number(serial);
    explicit_bzero(serial, sizeof serial);
    return numbered || st->natural || signs_only || has(facts, GIVEN_NAME) || has(facts, SURNAME) ||
           has(facts, PSEUDONYM);
}

/* Every further identifier says the same as the first; NULL, ID-504 or ID-511. */
static const char *identifiers_agree(const cert_facts *facts, const char *id, const identity_rules *rules)
{
    char raw[ORGANISATION_ID_MAX + 17];
    organisation_name_answer answer;
    for (size_t n = 1;
         (answer = organisation_name(facts->subject, IDENTIFIER, n, raw, sizeof raw)) != NAME_ABSENT; n++) {
        organisation next;
        organisation_remarks ignored = {0};
        if (answer == NAME_BAD)
            return "ID-511";
        (void)organisation_id_read(raw, false, rules, &next, &ignored);
        if (strcmp(next.id, id) != 0)
            return "ID-504";
    }
    return NULL;
}

/* Statements that make the certificate no proof of who it names: ID-509. */
static const char *check_psd2(const path_statements *st, organisation *out)
{
    if (!st->psd2)
        return NULL;
    if (!organisation_text_ok(st->psd2_nca))
        return "ID-511";
    snprintf(out->psd2_nca, sizeof out->psd2_nca, DX_TEXT_FMT, DX_TEXT_ARG(st->psd2_nca));
    out->psd2_roles = st->psd2_roles;
    /* "PSDES-BDE-3DFD21" is the number 3DFD21 of the authority "ES-BDE" (TS 119 495 5.2.1). */
    size_t n = strlen(out->psd2_nca);
    bool same = strncmp(out->id + 3, out->psd2_nca, n) == 0 && out->id[3 + n] == '-';
    return !st->psd2_names_agree || (strcmp(out->scheme, "PSD") == 0 && !same) ? "ID-509" : NULL;
}

static void compare_countries(const char *subject, organisation *out, organisation_remarks *remarks)
{
    organisation alias = {0};
    if (out->country[0] == '\0')
        snprintf(out->country, sizeof out->country, "%.2s", subject);
    /* EL and UK stand in subjects of old certificates too. */
    snprintf(alias.country, sizeof alias.country, "%s",
             strcmp(subject, "EL") == 0   ? "GR"
             : strcmp(subject, "UK") == 0 ? "GB"
                                          : subject);
    if (subject[0] != '\0' && strcmp(alias.country, out->country) != 0)
        organisation_remark(remarks, "ID-505");
}

static const char *read_subject(const cert_facts *facts, const identity_rules *rules, organisation *out,
                                organisation_remarks *remarks)
{
    char raw[ORGANISATION_ID_MAX + 17], country[3];
    organisation_name_answer named = organisation_name(facts->subject, ORGANIZATION, 0, out->name,
                                                       sizeof out->name),
                             placed = organisation_name(facts->subject, COUNTRY, 0, country, sizeof country),
                             numbered = organisation_name(facts->subject, IDENTIFIER, 0, raw, sizeof raw);
    if (named == NAME_BAD || placed == NAME_BAD || numbered == NAME_BAD)
        return "ID-511";
    snprintf(out->country, sizeof out->country, "%s", country);
    if (numbered == NAME_ABSENT)
        return "ID-501";
    const char *id = organisation_id_read(raw, false, rules, out, remarks), *differ = NULL;
    if (id == NULL || strcmp(id, "ID-503") == 0)
        differ = identifiers_agree(facts, out->id, rules);
    compare_countries(country, out, remarks);
    return differ != NULL ? differ : id;
}

/* A person's particulars do not outlive the reading. */
static const char *person(organisation *out, const char *id)
{
    *out = (organisation){.kind = ORGANISATION_PERSON};
    return id;
}

const char *organisation_read(const cert_facts *facts, const identity_rules *rules, organisation *out,
                              organisation_remarks *remarks)
{
    static const identity_rules defaults;
    path_statements st;
    *out = (organisation){0};
    if (rules == NULL)
        rules = &defaults;
    if (organisation_is_jpki(facts, rules))
        return person(out, "ID-507");
    bool whole = path_statements_read(facts, &st), human = is_person(facts, &st);
    if (human && !(rules->allow_associated && has(facts, IDENTIFIER)))
        return person(out, "ID-506");
    const char *id = read_subject(facts, rules, out, remarks);
    if (id != NULL && strcmp(id, "ID-506") == 0)
        return person(out, id);
    out->kind = ORGANISATION_LEGAL;
    out->associated = human;
    out->qc_natural = st.natural;
    out->qc_legal = st.legal;
    if (human)
        organisation_remark(remarks, "ID-506");
    return id != NULL ? id : !whole ? "ID-508" : check_psd2(&st, out);
}

const char *organisation_read_serial(const cert_facts *facts, const identity_rules *rules, const char *list,
                                     organisation *out, organisation_remarks *remarks)
{
    char serial[ORGANISATION_ID_MAX + 17], raw[2 * sizeof serial], country[3];
    for (size_t i = 0; rules != NULL && i < rules->source_count; i++) {
        if (strcmp(rules->sources[i].list, list) != 0)
            continue;
        if (organisation_name(facts->subject, SERIAL, 0, serial, sizeof serial) != NAME_READ)
            return "ID-501";
        snprintf(country, sizeof country, "%s", out->country);
        snprintf(raw, sizeof raw, "%s%s", rules->sources[i].prefix, serial);
        const char *id = organisation_id_read(raw, false, rules, out, remarks);
        if (id != NULL && strcmp(id, "ID-506") == 0)
            return person(out, id);
        compare_countries(country, out, remarks);
        return id;
    }
    return "ID-501";
}
