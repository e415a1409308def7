#include "trust/path/path_statements.h"

#include <stdio.h>

/* qcStatements of a certificate: EN 319 412-5, and the PSD2 statement of TS 119 495 (identity.md 10.2). */

#define STATEMENTS_MAX 32

/* A country code stands in a PrintableString of two capitals (EN 319 412-5 4.2.4). */
static bool read_countries(dx_bytes info, path_statements *out)
{
    dx_bytes countries, country;
    if (!der_only(info, DER_SEQUENCE, &countries) || countries.size == 0)
        return false;
    while (countries.size > 0) {
        tlist_statements *qc = &out->qc;
        if (qc->legislation_count == TLIST_COUNTRY_MAX ||
            !der_take(&countries, DER_PRINTABLE_STRING, &country) || country.size != 2)
            return false;
        for (size_t i = 0; i < 2; i++)
            if (country.data[i] < 'A' || country.data[i] > 'Z')
                return false;
        memcpy(qc->legislation[qc->legislation_count++], country.data, 2);
    }
    return true;
}

/* Types that nobody knows are left aside, the known ones counted. */
static bool read_types(dx_bytes info, path_statements *out)
{
    static const char *const known[] = {"0.4.0.1862.1.6.1", "0.4.0.1862.1.6.2", "0.4.0.1862.1.6.3"};
    dx_bytes types, type;
    if (!der_only(info, DER_SEQUENCE, &types) || types.size == 0)
        return false;
    while (types.size > 0) {
        if (!der_take(&types, DER_OID, &type) || !der_oid_ok(type))
            return false;
        for (unsigned i = 0; i < 3; i++)
            if (der_oid_is(type, known[i]))
                out->qc.types |= TLIST_BIT(i + 1);
    }
    return true;
}

/* MonetaryValue: currency (letters or number), amount, exponent. */
static bool read_limit(dx_bytes info, path_statements *out)
{
    dx_bytes value, amount, exponent;
    der_item currency;
    uint64_t a, e = 0, number = 0;
    if (!der_only(info, DER_SEQUENCE, &value) || !der_next(&value, &currency) ||
        !der_take(&value, DER_INTEGER, &amount) || !der_take(&value, DER_INTEGER, &exponent) ||
        value.size != 0 || !der_u64(amount, &a) || !der_integer_ok(exponent))
        return false;
    bool letters = currency.tag == DER_PRINTABLE_STRING && currency.value.size == 3;
    for (size_t i = 0; letters && i < 3; i++)
        letters = currency.value.data[i] >= 'A' && currency.value.data[i] <= 'Z';
    if (!letters && (currency.tag != DER_INTEGER || !der_u64(currency.value, &number) || number > 999))
        return false;
    bool whole = der_u64(exponent, &e) && e < 100; /* a negative exponent is a fraction: shown as it stands */
    char name[8];
    if (letters)
        snprintf(name, sizeof name, "%.3s", (const char *)currency.value.data);
    else
        snprintf(name, sizeof name, "%u", (unsigned)number % 1000);
    if (whole)
        snprintf(out->limit, sizeof out->limit, "%s %llue%u", name, (unsigned long long)a, (unsigned)e);
    else
        snprintf(out->limit, sizeof out->limit, "%s %llu (fraction)", name, (unsigned long long)a);
    return true;
}

static bool read_retention(dx_bytes info, path_statements *out)
{
    dx_bytes years;
    uint64_t n;
    if (!der_only(info, DER_INTEGER, &years) || !der_u64(years, &n) || n > 1000)
        return false;
    out->retention_years = (int)n;
    return true;
}

/* PdsLocations: pairs of URL and language. */
static bool read_disclosure(dx_bytes info, path_statements *out)
{
    dx_bytes places, place, url, language;
    if (!der_only(info, DER_SEQUENCE, &places) || places.size == 0)
        return false;
    while (places.size > 0) {
        if (!der_take(&places, DER_SEQUENCE, &place) || !der_take(&place, DER_IA5_STRING, &url) ||
            !der_take(&place, DER_PRINTABLE_STRING, &language) || place.size != 0 || language.size != 2)
            return false;
        if (out->disclosure.size == 0)
            out->disclosure = url;
    }
    return true;
}

/* SemanticsInformation: an identifier, names of registration authorities, or both. */
static bool read_semantics(dx_bytes info, path_statements *out)
{
    dx_bytes semantics, oid, authorities;
    bool has_oid, has_authorities;
    if (info.size == 0)
        return true; /* the statement of the syntax alone */
    if (!der_only(info, DER_SEQUENCE, &semantics) || !der_optional(&semantics, DER_OID, &oid, &has_oid) ||
        !der_optional(&semantics, DER_SEQUENCE, &authorities, &has_authorities) || semantics.size != 0 ||
        !(has_oid || has_authorities))
        return false;
    if (has_oid && !der_oid_ok(oid))
        return false;
    out->natural |= has_oid && (der_oid_is(oid, "0.4.0.194121.1.1") || der_oid_is(oid, "0.4.0.194121.1.3"));
    out->legal |= has_oid && (der_oid_is(oid, "0.4.0.194121.1.2") || der_oid_is(oid, "0.4.0.194121.1.4"));
    return true;
}

/* TS 119 495 5.1: roles, each an OID and its name, then name and id of the competent authority. */
static bool read_psd2(dx_bytes info, path_statements *out)
{
    static const struct {
        const char *oid, *name;
    } known[] = {{"0.4.0.19495.1.1", "PSP_AS"},
                 {"0.4.0.19495.1.2", "PSP_PI"},
                 {"0.4.0.19495.1.3", "PSP_AI"},
                 {"0.4.0.19495.1.4", "PSP_IC"}};
    dx_bytes psd2, roles, role, oid, name;
    if (!der_only(info, DER_SEQUENCE, &psd2) || !der_take(&psd2, DER_SEQUENCE, &roles) ||
        !der_take(&psd2, DER_UTF8_STRING, &out->psd2_nca_name) ||
        !der_take(&psd2, DER_UTF8_STRING, &out->psd2_nca) || psd2.size != 0 || out->psd2_nca.size == 0 ||
        out->psd2_nca.size > 64 || !dx_bytes_utf8_ok(out->psd2_nca) || !dx_bytes_utf8_ok(out->psd2_nca_name))
        return false;
    out->psd2 = out->psd2_names_agree = true;
    while (roles.size > 0) {
        if (!der_take(&roles, DER_SEQUENCE, &role) || !der_take(&role, DER_OID, &oid) || !der_oid_ok(oid) ||
            !der_take(&role, DER_UTF8_STRING, &name) || role.size != 0)
            return false;
        for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
            bool same = der_oid_is(oid, known[i].oid);
            if (same)
                out->psd2_roles |= TLIST_BIT(i + 1);
            /* A known name under another OID would let a reader of names see another role. */
            out->psd2_names_agree &= same == dx_bytes_is(name, known[i].name);
        }
    }
    return true;
}

static const struct {
    const char *oid;
    unsigned qc;
    bool (*read)(dx_bytes info, path_statements *out); /* NULL: no content may follow */
} statements[] = {{"0.4.0.1862.1.1", TLIST_QC_COMPLIANCE, NULL},
                  {"0.4.0.1862.1.2", TLIST_QC_LIMIT, read_limit},
                  {"0.4.0.1862.1.3", TLIST_QC_RETENTION, read_retention},
                  {"0.4.0.1862.1.4", TLIST_QC_SSCD, NULL},
                  {"0.4.0.1862.1.5", TLIST_QC_PDS, read_disclosure},
                  {"0.4.0.1862.1.6", TLIST_QC_TYPE, read_types},
                  {"0.4.0.1862.1.7", TLIST_QC_LEGISLATION, read_countries},
                  {"1.3.6.1.5.5.7.11.1", 0, read_semantics},
                  {"1.3.6.1.5.5.7.11.2", 0, read_semantics},
                  {"0.4.0.19495.2", 0, read_psd2}};

static bool read_known(dx_bytes id, dx_bytes info, path_statements *out)
{
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!der_oid_is(id, statements[i].oid))
            continue;
        if (statements[i].qc != 0)
            out->qc.statements |= TLIST_BIT(statements[i].qc);
        return statements[i].read == NULL ? info.size == 0 : statements[i].read(info, out);
    }
    return true;
}

static bool read_all(dx_bytes all, path_statements *out)
{
    dx_bytes seen[STATEMENTS_MAX], statement;
    size_t count = 0;
    if (all.size == 0)
        return false;
    while (all.size > 0) {
        der_item info = {0};
        if (count == STATEMENTS_MAX || !der_take(&all, DER_SEQUENCE, &statement) ||
            !der_take(&statement, DER_OID, &seen[count]) || !der_oid_ok(seen[count]) ||
            (statement.size > 0 && !der_next(&statement, &info)) || statement.size != 0)
            return false;
        dx_bytes id = seen[count++];
        for (size_t i = 0; i + 1 < count; i++)
            if (dx_bytes_equal(seen[i], id))
                return false;
        if (!read_known(id, info.whole, out))
            return false;
    }
    return true;
}

bool path_statements_parse(dx_bytes items, path_statements *out)
{
    *out = (path_statements){.retention_years = -1};
    if (read_all(items, out))
        return true;
    *out = (path_statements){.retention_years = -1};
    return false;
}

bool path_statements_read(const cert_facts *facts, path_statements *out)
{
    *out = (path_statements){.retention_years = -1};
    return !facts->qc_statements.present || path_statements_parse(facts->qc_statements.value, out);
}
