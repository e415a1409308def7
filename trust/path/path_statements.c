#include "trust/path/path_private.h"

#include "trust/base/der.h"

#include <openssl/x509v3.h>

/* qcStatements of a certificate: EN 319 412-5, and the PSD2 statement of TS 119 495 (identity.md 10.2). */

#define STATEMENTS_MAX 32

static bool read_types(dx_bytes info, path_statements *out)
{
    dx_bytes types, type;
    if (!der_take(&info, DER_SEQUENCE, &types) || info.size != 0 || types.size == 0)
        return false;
    while (types.size > 0) {
        if (!der_take(&types, DER_OID, &type))
            return false;
        out->esign |= der_oid_is(type, "0.4.0.1862.1.6.1");
        out->eseal |= der_oid_is(type, "0.4.0.1862.1.6.2");
        out->web |= der_oid_is(type, "0.4.0.1862.1.6.3");
    }
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
    dx_bytes psd2, roles, role, oid, name, authority;
    if (!der_take(&info, DER_SEQUENCE, &psd2) || info.size != 0 || !der_take(&psd2, DER_SEQUENCE, &roles) ||
        !der_take(&psd2, DER_UTF8_STRING, &authority) ||
        !der_take(&psd2, DER_UTF8_STRING, &out->psd2_authority) || psd2.size != 0)
        return false;
    out->psd2 = out->psd2_roles_ok = true;
    while (roles.size > 0) {
        if (!der_take(&roles, DER_SEQUENCE, &role) || !der_take(&role, DER_OID, &oid) ||
            !der_take(&role, DER_UTF8_STRING, &name) || role.size != 0)
            return false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (der_oid_is(oid, known[i].oid))
                out->psd2_roles_ok &= dx_bytes_equal(name, dx_bytes_text(known[i].name));
    }
    return true;
}

static bool read_all(dx_bytes all, path_statements *out)
{
    dx_bytes seen[STATEMENTS_MAX], statement;
    size_t count = 0;
    while (all.size > 0) {
        der_item info = {0};
        if (count == STATEMENTS_MAX || !der_take(&all, DER_SEQUENCE, &statement) ||
            !der_take(&statement, DER_OID, &seen[count]) ||
            (statement.size > 0 && !der_next(&statement, &info)) || statement.size != 0)
            return false;
        dx_bytes id = seen[count++];
        for (size_t i = 0; i + 1 < count; i++)
            if (dx_bytes_equal(seen[i], id))
                return false;
        out->compliance |= der_oid_is(id, "0.4.0.1862.1.1");
        out->sscd |= der_oid_is(id, "0.4.0.1862.1.4");
        out->legislation |= der_oid_is(id, "0.4.0.1862.1.7");
        if (der_oid_is(id, "0.4.0.1862.1.6") && !read_types(info.whole, out))
            return false;
        if (der_oid_is(id, "0.4.0.19495.2") && !read_psd2(info.whole, out))
            return false;
    }
    return true;
}

bool path_statements_read(const X509 *x, path_statements *out)
{
    dx_bytes all;
    int at = X509_get_ext_by_NID(x, NID_qcStatements, -1);
    *out = (path_statements){0};
    if (at < 0)
        return true;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(x, at));
    if (der_only(dx_bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), DER_SEQUENCE,
                 &all) &&
        read_all(all, out))
        return true;
    *out = (path_statements){0};
    return false;
}
