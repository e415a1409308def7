#include "trust/path/path_private.h"

#include <openssl/x509v3.h>
#include <stdio.h>

/* Which organisation a certificate names (identity.md 10). */

static bool digits(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return text[count] == 0;
}

/* Japanese corporate number: first digit = 9 - (sum Pn*Qn mod 9), n from the right over the other twelve. */
static bool corporate_number_ok(const char *n)
{
    if (!digits(n, 13))
        return false;
    unsigned sum = 0;
    for (size_t i = 1; i < 13; i++)
        sum += (unsigned)(n[13 - i] - '0') * (i % 2 == 1 ? 1 : 2);
    return (unsigned)(n[0] - '0') == 9 - sum % 9;
}

/* ISO 7064 mod 97-10 */
static bool lei_ok(const char *n)
{
    unsigned r = 0;
    if (strlen(n) != 20)
        return false;
    for (; *n != 0; n++) {
        if (*n >= '0' && *n <= '9')
            r = (r * 10 + (unsigned)(*n - '0')) % 97;
        else if (*n >= 'A' && *n <= 'Z')
            r = (r * 100 + (unsigned)(*n - 'A' + 10)) % 97;
        else
            return false;
    }
    return r == 1;
}

typedef enum { ATTRIBUTE_ABSENT, ATTRIBUTE_READ, ATTRIBUTE_BAD } attribute_answer;

/* Characters that show nothing, or turn what stands beside them (identity.md 10). */
static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static bool is_plain(dx_bytes utf8)
{
    if (!dx_bytes_utf8_ok(utf8))
        return false;
    for (size_t i = 0; i < utf8.size;) {
        uint8_t first = utf8.data[i];
        size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? first : first & (0x3fu >> more);
        for (size_t k = 1; k <= more; k++)
            c = c << 6 | (utf8.data[i + k] & 0x3f);
        if (is_hidden(c))
            return false;
        i += more + 1;
    }
    return true;
}

/* The first attribute of that type; *next is the place of the second, -1: there is none. Bad: it does not
 * fit, or holds what may not stand in a name. */
static attribute_answer attribute(const X509_NAME *name, int nid, char *out, size_t size, int *next)
{
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    uint8_t *utf8 = NULL;
    out[0] = 0;
    *next = -1;
    if (at < 0)
        return ATTRIBUTE_ABSENT;
    *next = X509_NAME_get_index_by_NID(name, nid, at);
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    bool ok = n >= 0 && (size_t)n < size && is_plain(dx_bytes_of(utf8, (size_t)n));
    if (ok) {
        memcpy(out, utf8, (size_t)n);
        out[n] = 0;
    }
    OPENSSL_free(utf8);
    return !ok ? ATTRIBUTE_BAD : n == 0 ? ATTRIBUTE_ABSENT : ATTRIBUTE_READ;
}

static bool has_attribute(const X509_NAME *name, int nid)
{
    return X509_NAME_get_index_by_NID(name, nid, -1) >= 0;
}

/* Every further identifier says the same as the first. */
static bool identifiers_agree(const X509_NAME *name)
{
    int first = X509_NAME_get_index_by_NID(name, NID_organizationIdentifier, -1);
    for (int at = first; at >= 0; at = X509_NAME_get_index_by_NID(name, NID_organizationIdentifier, at))
        if (ASN1_STRING_cmp(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, first)),
                            X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) != 0)
            return false;
    return true;
}

static bool is_person_type(const char *type)
{
    static const char *const types[] = {"PAS", "IDC", "PNO", "TAX", "TIN"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncmp(type, types[i], 3) == 0)
            return true;
    return false;
}

/* The Japanese individual number card: policy OIDs, or its own names in subjectAltName (identity.md 10.4). */
bool organisation_is_jpki(const X509 *x)
{
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x, NID_certificate_policies, NULL, NULL);
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    char oid[128];
    bool found = false;
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
        found |= strncmp(oid, "1.2.392.200149.8.5.1.", 21) == 0;
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type != GEN_OTHERNAME)
            continue;
        OBJ_obj2txt(oid, sizeof oid, g->d.otherName->type_id, 1);
        found |= strncmp(oid, "1.2.392.200149.8.5.5.", 21) == 0;
    }
    CERTIFICATEPOLICIES_free(policies);
    GENERAL_NAMES_free(names);
    return found;
}

static const char *read_identifier(const char *raw, organisation *out, trust_verdict *remarks)
{
    size_t n = strlen(raw);
    char *id = out->id;
    snprintf(id, sizeof out->id, "%s", raw);
    for (size_t i = 0; i < 5 && id[i] != 0; i++)
        id[i] = (char)(id[i] >= 'a' && id[i] <= 'z' ? id[i] - 32 : id[i]);
    bool formed = n >= 7 && id[5] == '-';
    for (size_t i = 0; formed && i < 5; i++)
        formed = id[i] >= 'A' && id[i] <= 'Z';
    if (!formed) {
        snprintf(out->scheme, sizeof out->scheme, "other");
        path_remark(remarks, "ID-502");
        return NULL;
    }
    static const char *const known[] = {"NTR", "VAT", "LEI", "PSD", "GOV", "INT"};
    snprintf(out->scheme, sizeof out->scheme, "other");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(id, known[i], 3) == 0)
            snprintf(out->scheme, sizeof out->scheme, "%s", known[i]);
    if (is_person_type(id))
        return "ID-506";
    snprintf(out->country, sizeof out->country, "%.2s", id + 3);
    if (strcmp(out->country, "EL") == 0)
        snprintf(out->country, sizeof out->country, "GR");
    if (strcmp(out->country, "UK") == 0)
        snprintf(out->country, sizeof out->country, "GB");
    if (strcmp(out->country, "XG") == 0)
        out->country[0] = 0;
    if (strncmp(id, "NTRJP-", 6) == 0 && !corporate_number_ok(id + 6))
        return "ID-503";
    if (strncmp(id, "VATJP-T", 7) == 0 && !corporate_number_ok(id + 7))
        return "ID-503";
    if (strncmp(id, "LEI", 3) == 0 && !lei_ok(id + 6))
        return "ID-503";
    return NULL;
}

/* Statements that make the certificate no proof of who it names: ID-508, ID-509. */
static const char *check_statements(const X509 *x, const organisation *o)
{
    path_statements st;
    if (!path_statements_read(x, &st))
        return "ID-508";
    if (!st.psd2)
        return NULL;
    /* "PSDES-BDE-3DFD21" is the number 3DFD21 of the authority "ES-BDE" (TS 119 495 5.2.1). */
    size_t n = st.psd2_authority.size;
    if (!st.psd2_roles_ok || (strcmp(o->scheme, "PSD") == 0 &&
                              (strlen(o->id) <= 3 + n || memcmp(o->id + 3, st.psd2_authority.data, n) != 0 ||
                               o->id[3 + n] != '-')))
        return "ID-509";
    return NULL;
}

const char *organisation_read(X509 *x, organisation *out, trust_verdict *remarks)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    char raw[96], country[8];
    int next;
    *out = (organisation){0};
    if (organisation_is_jpki(x)) {
        out->kind = ORGANISATION_PERSON;
        return "ID-507";
    }
    if (has_attribute(subject, NID_givenName) || has_attribute(subject, NID_surname) ||
        has_attribute(subject, NID_pseudonym)) {
        out->kind = ORGANISATION_PERSON;
        return "ID-506";
    }
    attribute_answer named = attribute(subject, NID_organizationName, out->name, sizeof out->name, &next);
    attribute_answer placed = attribute(subject, NID_countryName, country, sizeof country, &next);
    attribute_answer numbered = attribute(subject, NID_organizationIdentifier, raw, sizeof raw, &next);
    if (named == ATTRIBUTE_BAD || placed == ATTRIBUTE_BAD || numbered == ATTRIBUTE_BAD)
        return "ID-511";
    snprintf(out->country, sizeof out->country, "%.2s", country);
    if (next >= 0 && !identifiers_agree(subject))
        return "ID-504";
    if (numbered == ATTRIBUTE_ABSENT)
        return "ID-501";
    out->country[0] = 0;
    const char *id = read_identifier(raw, out, remarks);
    out->kind = id != NULL && strcmp(id, "ID-506") == 0 ? ORGANISATION_PERSON : ORGANISATION_LEGAL;
    if (out->country[0] == 0)
        snprintf(out->country, sizeof out->country, "%.2s", country);
    else if (country[0] != 0 && strcmp(country, out->country) != 0)
        path_remark(remarks, "ID-505");
    return id != NULL ? id : check_statements(x, out);
}
