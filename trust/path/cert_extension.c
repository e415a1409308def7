#include "trust/path/cert_extension.h"

#include "trust/path/cert_alt_name.h"

#include <stddef.h>

/* One row per extension that is processed; a reader that answers false makes it ID-110. */

#define EXTENSIONS_MAX 64
#define NAMES_MAX      200
#define SUBTREES_MAX   256
#define POLICIES_MAX   64
#define USAGES_MAX     32
#define HARD_MAX       4096
#define SKIP_CERTS_MAX 255
#define KEY_USAGE_BITS 9
#define ANY_POLICY     DX_BYTES("\x55\x1d\x20\x00")

static void fault(cert_facts *c, int id, bool bad)
{
    if (bad)
        c->faults |= CERT_FAULT(id);
}

static void limit(cert_facts *c, size_t count, size_t max)
{
    fault(c, 116, count > max);
    c->faults |= count > HARD_MAX ? CERT_FAULT_HUGE : 0;
}

/* ---- the readers: contents of extnValue in, facts out ---- */

/* A BOOLEAN DEFAULT FALSE. Written out it is not DER (X.690 11.5), but cannot be misread, and listed services
 * do write it. */
static bool take_flag(dx_bytes *in, bool *flag, cert_facts *c)
{
    dx_bytes value;
    bool present;
    *flag = false;
    if (!der_optional(in, DER_BOOLEAN, &value, &present) || (present && !der_bool(value, flag)))
        return false;
    c->faults |= present && !*flag ? CERT_FAULT_DEFAULTS : 0;
    return true;
}

/* RFC 5280 4.2.1.9 */
static bool read_basic_constraints(dx_bytes value, cert_facts *c)
{
    dx_bytes inside, number;
    bool present;
    uint64_t length;
    if (!der_only(value, DER_SEQUENCE, &inside) || !take_flag(&inside, &c->ca, c) ||
        !der_optional(&inside, DER_INTEGER, &number, &present))
        return false;
    if (present && (!der_u64(number, &length) || length > SKIP_CERTS_MAX))
        return false;
    c->path_length = present ? (int)length : -1;
    c->has_basic_constraints = true;
    return inside.size == 0;
}

/* RFC 5280 4.2.1.3: bit 0 is the first one. */
static bool read_key_usage(dx_bytes value, cert_facts *c)
{
    dx_bytes bits;
    if (!der_only(value, DER_BIT_STRING, &bits) || bits.size < 1 || bits.data[0] > 7 ||
        (bits.size == 1 && bits.data[0] != 0) ||
        (bits.size > 1 && (bits.data[bits.size - 1] & ((1U << bits.data[0]) - 1)) != 0))
        return false;
    for (unsigned i = 0; i < KEY_USAGE_BITS && 1 + i / 8 < bits.size; i++)
        if (bits.data[1 + i / 8] & (0x80U >> i % 8))
            c->key_usage |= (uint16_t)(1U << i);
    c->has_key_usage = true;
    fault(c, 113, c->key_usage == 0);
    return true;
}

static bool read_ext_key_usage(dx_bytes value, cert_facts *c)
{
    dx_bytes rest, oid;
    size_t count = 0;
    if (!der_only(value, DER_SEQUENCE, &rest))
        return false;
    for (c->ext_key_usage.value = rest; rest.size > 0; count++)
        if (!der_take(&rest, DER_OID, &oid) || !der_oid_ok(oid))
            return false;
    fault(c, 117, count == 0);
    limit(c, count, USAGES_MAX);
    return true;
}

static bool read_alt_names(dx_bytes value, cert_facts *c)
{
    dx_bytes rest;
    der_item name;
    size_t count = 0;
    if (!der_only(value, DER_SEQUENCE, &rest))
        return false;
    for (c->alt_names.value = rest; rest.size > 0; count++) {
        bool underscore = false;
        if (!der_next(&rest, &name))
            return false;
        cert_alt_form form = cert_alt_name_form(&name, &underscore);
        if (form == CERT_ALT_UNREADABLE)
            return false;
        fault(c, 115, form == CERT_ALT_WRONG);
        c->faults |= underscore ? CERT_FAULT_UNDERSCORE : 0;
    }
    fault(c, 115, count == 0);
    limit(c, count, NAMES_MAX);
    return true;
}

/* RFC 5280 4.2.1.10: minimum is 0, so it is not written, and maximum is absent. */
static bool read_subtrees(dx_bytes rest, cert_facts *c, size_t *count)
{
    dx_bytes subtree;
    der_item base;
    fault(c, 118, rest.size == 0);
    for (; rest.size > 0; ++*count) {
        if (!der_take(&rest, DER_SEQUENCE, &subtree) || !der_next(&subtree, &base))
            return false;
        fault(c, 118, subtree.size != 0 || !cert_alt_base_ok(base.tag, base.value));
    }
    return true;
}

static bool read_name_constraints(dx_bytes value, cert_facts *c)
{
    dx_bytes inside, permitted, excluded;
    bool some, others;
    size_t count = 0;
    if (!der_only(value, DER_SEQUENCE, &inside))
        return false;
    c->name_constraints.value = inside;
    if (!der_optional(&inside, DER_CONSTRUCTED(0), &permitted, &some) ||
        !der_optional(&inside, DER_CONSTRUCTED(1), &excluded, &others) || inside.size != 0)
        return false;
    if ((some && !read_subtrees(permitted, c, &count)) || (others && !read_subtrees(excluded, c, &count)))
        return false;
    fault(c, 118, !some && !others);
    limit(c, count, SUBTREES_MAX);
    return true;
}

/* RFC 5280 4.2.1.4: a policy stands once; with anyPolicy only the two standard qualifiers may stand. */
static bool read_policy(dx_bytes information, dx_bytes *policy)
{
    dx_bytes qualifiers, qualifier, oid;
    der_item content;
    bool present;
    if (!der_take(&information, DER_OID, policy) || !der_oid_ok(*policy) ||
        !der_optional(&information, DER_SEQUENCE, &qualifiers, &present) || information.size != 0 ||
        (present && qualifiers.size == 0))
        return false;
    while (present && qualifiers.size > 0) {
        if (!der_take(&qualifiers, DER_SEQUENCE, &qualifier) || !der_take(&qualifier, DER_OID, &oid) ||
            !der_next(&qualifier, &content) || qualifier.size != 0)
            return false;
        if (dx_bytes_equal(*policy, ANY_POLICY) && !der_oid_is(oid, "1.3.6.1.5.5.7.2.1") &&
            !der_oid_is(oid, "1.3.6.1.5.5.7.2.2"))
            return false;
    }
    return true;
}

static bool read_policies(dx_bytes value, cert_facts *c)
{
    dx_bytes rest, information, seen[POLICIES_MAX];
    size_t count = 0;
    if (!der_only(value, DER_SEQUENCE, &rest) || rest.size == 0)
        return false;
    for (c->policies.value = rest; rest.size > 0; count++) {
        dx_bytes policy;
        if (!der_take(&rest, DER_SEQUENCE, &information) || !read_policy(information, &policy))
            return false;
        for (size_t i = 0; i < count && i < POLICIES_MAX; i++)
            if (dx_bytes_equal(seen[i], policy))
                return false;
        if (count < POLICIES_MAX)
            seen[count] = policy;
    }
    /* Past the production limit duplicates are not looked for any more, so it holds everywhere. */
    c->faults |= count > POLICIES_MAX ? CERT_FAULT(116) | CERT_FAULT_HUGE : 0;
    return true;
}

static bool read_policy_mappings(dx_bytes value, cert_facts *c)
{
    dx_bytes rest, pair, issuer, subject;
    size_t count = 0;
    if (!der_only(value, DER_SEQUENCE, &rest) || rest.size == 0)
        return false;
    for (c->policy_mappings.value = rest; rest.size > 0; count++) {
        if (!der_take(&rest, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &issuer) ||
            !der_take(&pair, DER_OID, &subject) || pair.size != 0 || !der_oid_ok(issuer) ||
            !der_oid_ok(subject))
            return false;
        fault(c, 120, dx_bytes_equal(issuer, ANY_POLICY) || dx_bytes_equal(subject, ANY_POLICY));
    }
    limit(c, count, POLICIES_MAX);
    return true;
}

/* SkipCerts: a number that no path is long enough for is as good as any other. */
static bool read_skip(dx_bytes number, int *out)
{
    uint64_t skip;
    if (!der_integer_ok(number) || number.data[0] >= 0x80)
        return false;
    *out = der_u64(number, &skip) && skip < SKIP_CERTS_MAX ? (int)skip : SKIP_CERTS_MAX;
    return true;
}

static bool read_policy_constraints(dx_bytes value, cert_facts *c)
{
    dx_bytes inside, explicit_, mapping;
    bool some, others;
    if (!der_only(value, DER_SEQUENCE, &inside) ||
        !der_optional(&inside, DER_CONTEXT(0), &explicit_, &some) ||
        !der_optional(&inside, DER_CONTEXT(1), &mapping, &others) || inside.size != 0)
        return false;
    fault(c, 120, !some && !others);
    return (!some || read_skip(explicit_, &c->require_explicit)) &&
           (!others || read_skip(mapping, &c->inhibit_mapping));
}

static bool read_inhibit_any(dx_bytes value, cert_facts *c)
{
    dx_bytes number;
    return der_only(value, DER_INTEGER, &number) && read_skip(number, &c->inhibit_any);
}

/* RFC 5280 4.2.1.1: issuer and serial come together, or neither. */
static bool read_authority_key(dx_bytes value, cert_facts *c)
{
    dx_bytes inside, issuer, serial;
    bool present, named, numbered;
    if (!der_only(value, DER_SEQUENCE, &inside) ||
        !der_optional(&inside, DER_CONTEXT(0), &c->authority_key_id, &present) ||
        !der_optional(&inside, DER_CONSTRUCTED(1), &issuer, &named) ||
        !der_optional(&inside, DER_CONTEXT(2), &serial, &numbered) || inside.size != 0)
        return false;
    c->has_authority_key = true;
    c->authority_key_bare = present && !named && !numbered;
    return named == numbered && (!present || c->authority_key_id.size > 0);
}

static bool read_subject_key(dx_bytes value, cert_facts *c)
{
    return der_only(value, DER_OCTET_STRING, &c->subject_key_id) && c->subject_key_id.size > 0;
}

static bool read_authority_access(dx_bytes value, cert_facts *c)
{
    dx_bytes rest, access, method;
    der_item place;
    bool underscore = false; /* an address that nobody may visit is the fetcher's matter */
    if (!der_only(value, DER_SEQUENCE, &rest) || rest.size == 0)
        return false;
    for (c->authority_access.value = rest; rest.size > 0;)
        if (!der_take(&rest, DER_SEQUENCE, &access) || !der_take(&access, DER_OID, &method) ||
            !der_oid_ok(method) || !der_next(&access, &place) || access.size != 0 ||
            cert_alt_name_form(&place, &underscore) == CERT_ALT_UNREADABLE)
            return false;
    return true;
}

/* RFC 5280 4.2.1.13: a point names itself or who signs its CRL. */
static bool point_ok(dx_bytes point)
{
    dx_bytes name, reasons, issuer, inside;
    der_item form;
    bool named, some, indirect;
    if (!der_optional(&point, DER_CONSTRUCTED(0), &name, &named) ||
        !der_optional(&point, DER_CONTEXT(1), &reasons, &some) ||
        !der_optional(&point, DER_CONSTRUCTED(2), &issuer, &indirect) || point.size != 0 ||
        (!named && !indirect))
        return false;
    inside = name;
    return !named || (der_next(&inside, &form) && inside.size == 0 &&
                      (form.tag == DER_CONSTRUCTED(0) || form.tag == DER_CONSTRUCTED(1)));
}

static bool read_crl_points(dx_bytes value, cert_facts *c)
{
    dx_bytes rest, point;
    if (!der_only(value, DER_SEQUENCE, &rest) || rest.size == 0)
        return false;
    for (c->crl_points.value = rest; rest.size > 0;)
        if (!der_take(&rest, DER_SEQUENCE, &point) || !point_ok(point))
            return false;
    return true;
}

/* Whoever reads the statements says what is wrong with them (ID-508): what is no SEQUENCE stays as it is. */
static bool read_statements(dx_bytes value, cert_facts *c)
{
    if (!der_only(value, DER_SEQUENCE, &c->qc_statements.value))
        c->qc_statements.value = value;
    return true;
}

static bool read_no_check(dx_bytes value, cert_facts *c)
{
    dx_bytes nothing;
    c->ocsp_no_check = true;
    return der_only(value, DER_NULL, &nothing) && nothing.size == 0;
}

static bool read_short_term(dx_bytes value, cert_facts *c)
{
    dx_bytes nothing;
    c->short_term = true;
    return der_only(value, DER_NULL, &nothing) && nothing.size == 0;
}

/* ---- the table ---- */

typedef enum { ANY, NEVER_CRITICAL, CRITICAL, CRITICAL_WISHED } criticality;
#define NO_PART SIZE_MAX

#define EXTENSION(literal)                                                                                   \
    {                                                                                                        \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                      \
    } /* contents: no text is parsed */

static const struct {
    dx_bytes oid;
    bool (*read)(dx_bytes value, cert_facts *c);
    size_t part;        /* of cert_facts, when the extension is kept as a span */
    bool processed;     /* may be critical */
    criticality wanted; /* RFC 5280 4.2.1.x, 4.2.2.x; of basicConstraints only for a CA */
} rows[] = {
    {EXTENSION("\x55\x1d\x13"), /* basicConstraints */ read_basic_constraints, NO_PART, true, ANY},
    {EXTENSION("\x55\x1d\x0f"), /* keyUsage */ read_key_usage, NO_PART, true, ANY},
    {EXTENSION("\x55\x1d\x25"), /* extKeyUsage */ read_ext_key_usage, offsetof(cert_facts, ext_key_usage),
     true, ANY},
    {EXTENSION("\x55\x1d\x11"), /* subjectAltName */ read_alt_names, offsetof(cert_facts, alt_names), true,
     ANY},
    {EXTENSION("\x55\x1d\x1e"), /* nameConstraints */ read_name_constraints,
     offsetof(cert_facts, name_constraints), true, CRITICAL_WISHED},
    {EXTENSION("\x55\x1d\x20"), /* certificatePolicies */ read_policies, offsetof(cert_facts, policies), true,
     ANY},
    {EXTENSION("\x55\x1d\x21"), /* policyMappings */ read_policy_mappings,
     offsetof(cert_facts, policy_mappings), true, ANY},
    {EXTENSION("\x55\x1d\x24"), /* policyConstraints */ read_policy_constraints, NO_PART, true, CRITICAL},
    {EXTENSION("\x55\x1d\x36"), /* inhibitAnyPolicy */ read_inhibit_any, NO_PART, true, CRITICAL},
    {EXTENSION("\x55\x1d\x23"), /* authorityKeyIdentifier */ read_authority_key, NO_PART, true,
     NEVER_CRITICAL},
    {EXTENSION("\x55\x1d\x0e"), /* subjectKeyIdentifier */ read_subject_key, NO_PART, true, NEVER_CRITICAL},
    {EXTENSION("\x55\x1d\x1f"), /* cRLDistributionPoints */ read_crl_points, offsetof(cert_facts, crl_points),
     true, ANY},
    {EXTENSION("\x2b\x06\x01\x05\x05\x07\x01\x01"), /* authorityInfoAccess */ read_authority_access,
     offsetof(cert_facts, authority_access), true, NEVER_CRITICAL},
    {EXTENSION("\x2b\x06\x01\x05\x05\x07\x01\x03"), /* qcStatements */ read_statements,
     offsetof(cert_facts, qc_statements), true, ANY},
    {EXTENSION("\x2b\x06\x01\x05\x05\x07\x30\x01\x05"), /* id-pkix-ocsp-nocheck */ read_no_check, NO_PART,
     false, ANY},
    {EXTENSION("\x04\x00\x8b\xec\x49\x02\x01"), /* ext-etsi-valassured-ST-certs */ read_short_term, NO_PART,
     false, ANY},
    {EXTENSION("\x55\x1d\x38"), /* noRevAvail */ read_short_term, NO_PART, false, ANY},
};
#define ROWS (sizeof rows / sizeof *rows)

static void note_criticality(cert_facts *c, criticality wanted, bool critical)
{
    fault(c, 111, (wanted == NEVER_CRITICAL && critical) || (wanted == CRITICAL && !critical));
    c->faults |= wanted == CRITICAL_WISHED && !critical ? CERT_FAULT_CONSTRAINTS_SOFT : 0;
}

static void read_known(size_t row, bool critical, dx_bytes value, cert_facts *c)
{
    if (rows[row].part != NO_PART)
        *(cert_part *)(void *)((uint8_t *)c + rows[row].part) =
            (cert_part){.present = true, .critical = critical};
    note_criticality(c, rows[row].wanted, critical);
    fault(c, 110, !rows[row].read(value, c));
    fault(c, 109, critical && !rows[row].processed);
}

/* RFC 5280 4.1.2.9 */
static bool take_extension(dx_bytes *rest, dx_bytes *oid, bool *critical, dx_bytes *value, cert_facts *c)
{
    dx_bytes extension;
    return der_take(rest, DER_SEQUENCE, &extension) && der_take(&extension, DER_OID, oid) &&
           der_oid_ok(*oid) && take_flag(&extension, critical, c) &&
           der_take(&extension, DER_OCTET_STRING, value) && extension.size == 0;
}

bool cert_extensions_read(dx_bytes outer, cert_facts *c)
{
    dx_bytes rest, oid, value, seen[EXTENSIONS_MAX];
    bool critical, basic_critical = false;
    size_t count = 0;
    if (!der_only(outer, DER_SEQUENCE, &rest) || rest.size == 0)
        return false;
    for (; rest.size > 0; count++) {
        if (!take_extension(&rest, &oid, &critical, &value, c))
            return false;
        if (count == EXTENSIONS_MAX) { /* what comes behind is not read, so it refuses everywhere */
            c->faults |= CERT_FAULT(116) | CERT_FAULT_HUGE;
            return true;
        }
        seen[count] = oid;
        for (size_t i = 0; i < count; i++)
            fault(c, 108, dx_bytes_equal(seen[i], oid));
        size_t row = 0;
        while (row < ROWS && !dx_bytes_equal(oid, rows[row].oid))
            row++;
        if (row < ROWS)
            read_known(row, critical, value, c);
        else
            fault(c, 109, critical);
        basic_critical |= row == 0 && critical;
    }
    fault(c, 111, c->ca && !basic_critical);
    return true;
}
