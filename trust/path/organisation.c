#include "trust/path/path_private.h"

#include "trust/base/der.h"

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

static bool attribute(const X509_NAME *name, int nid, const char *oid, char *out, size_t size)
{
    ASN1_OBJECT *object = oid != NULL ? OBJ_txt2obj(oid, 1) : OBJ_nid2obj(nid);
    int at = object == NULL ? -1 : X509_NAME_get_index_by_OBJ(name, object, -1);
    bool found = false;
    if (at >= 0) {
        uint8_t *utf8 = NULL;
        int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        found = n > 0 && (size_t)n < size && memchr(utf8, 0, (size_t)n) == NULL;
        if (found) {
            memcpy(out, utf8, (size_t)n);
            out[n] = 0;
        }
        OPENSSL_free(utf8);
    }
    if (oid != NULL)
        ASN1_OBJECT_free(object);
    return found;
}

static bool is_person_type(const char *type)
{
    static const char *const types[] = {"PAS", "IDC", "PNO", "TAX", "TIN"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncmp(type, types[i], 3) == 0)
            return true;
    return false;
}

/* policy OIDs of the Japanese individual number card (identity.md 10.4) */
static bool is_jpki(const X509 *x)
{
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x, NID_certificate_policies, NULL, NULL);
    bool found = false;
    for (int i = 0; policies != NULL && i < sk_POLICYINFO_num(policies); i++) {
        char oid[128];
        OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
        found |= strncmp(oid, "1.2.392.200149.8.5.1.", 21) == 0;
    }
    CERTIFICATEPOLICIES_free(policies);
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

const char *organisation_read(X509 *x, organisation *out, trust_verdict *remarks)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    char raw[96], given[64], country[8] = "";
    *out = (organisation){0};
    if (is_jpki(x)) {
        out->kind = ORGANISATION_PERSON;
        return "ID-507";
    }
    bool person = attribute(subject, NID_givenName, NULL, given, sizeof given) ||
                  attribute(subject, NID_surname, NULL, given, sizeof given) ||
                  attribute(subject, NID_pseudonym, NULL, given, sizeof given);
    if (person) {
        out->kind = ORGANISATION_PERSON;
        return "ID-506";
    }
    (void)attribute(subject, NID_organizationName, NULL, out->name, sizeof out->name);
    (void)attribute(subject, NID_countryName, NULL, country, sizeof country);
    const char *id = NULL;
    if (!attribute(subject, NID_undef, "2.5.4.97", raw, sizeof raw)) {
        snprintf(out->country, sizeof out->country, "%.2s", country);
        return "ID-501";
    }
    id = read_identifier(raw, out, remarks);
    out->kind = id != NULL && strcmp(id, "ID-506") == 0 ? ORGANISATION_PERSON : ORGANISATION_LEGAL;
    if (out->country[0] == 0)
        snprintf(out->country, sizeof out->country, "%.2s", country);
    else if (country[0] != 0 && strcmp(country, out->country) != 0)
        path_remark(remarks, "ID-505");
    return id;
}
