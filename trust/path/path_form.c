#include "trust/path/path_private.h"

#include "trust/base/asn1_time.h"

#include <openssl/x509v3.h>

/* The form of one certificate (identity.md 5). What production profiles only warn of, strict ones refuse. */

#define EXTENSIONS_MAX 64
#define POLICIES_MAX   64
#define USAGES_MAX     32

static const char *weigh(const path_search *s, bool bad, const char *id)
{
    if (!bad)
        return NULL;
    if (s->in->profile == PATH_RFC5280_STRICT || s->in->profile == PATH_WEBPKI)
        return id;
    path_remark(s->out, id);
    return NULL;
}

/* RFC 5280 4.2: an extension once, and no critical one that is not processed. The policy extensions of a CA
 * (policyMappings, policyConstraints, inhibitAnyPolicy) are not among them: nothing here processes them. */
static const char *check_extensions(const X509 *x)
{
    static const int processed[] = {
        NID_basic_constraints,        NID_key_usage,        NID_ext_key_usage,
        NID_subject_alt_name,         NID_name_constraints, NID_certificate_policies,
        NID_authority_key_identifier, NID_info_access,      NID_subject_key_identifier,
        NID_crl_distribution_points,  NID_qcStatements};
    int count = X509_get_ext_count(x);
    if (count > EXTENSIONS_MAX)
        return "ID-116";
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *e = X509_get_ext(x, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
        bool known = false;
        if (X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(e), i) >= 0)
            return "ID-108";
        for (size_t k = 0; k < sizeof processed / sizeof *processed; k++)
            known |= processed[k] == nid;
        if (!known && X509_EXTENSION_get_critical(e))
            return "ID-109";
    }
    return NULL;
}

static bool stands(const X509 *x, int nid, bool critical)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    return at >= 0 && (X509_EXTENSION_get_critical(X509_get_ext(x, at)) == 1) == critical;
}

static const char *check_criticality(const path_search *s, X509 *x, bool ca)
{
    if (stands(x, NID_authority_key_identifier, true) || stands(x, NID_subject_key_identifier, true) ||
        stands(x, NID_info_access, true) || (ca && stands(x, NID_basic_constraints, false)) ||
        stands(x, NID_policy_constraints, false) || stands(x, NID_inhibit_any_policy, false) ||
        (X509_NAME_entry_count(X509_get_subject_name(x)) == 0 && stands(x, NID_subject_alt_name, false)))
        return "ID-111";
    return weigh(s, stands(x, NID_name_constraints, false), "ID-111"); /* older CAs of both sides */
}

/* RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11 */
static const char *check_policies(const X509 *x)
{
    int critical;
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x, NID_certificate_policies, &critical, NULL);
    if (policies == NULL && critical != -1)
        return "ID-110";
    bool many = sk_POLICYINFO_num(policies) > POLICIES_MAX;
    CERTIFICATEPOLICIES_free(policies);
    if (many)
        return "ID-116";
    POLICY_CONSTRAINTS *constraints = X509_get_ext_d2i(x, NID_policy_constraints, &critical, NULL);
    bool bad = critical != -1 && (constraints == NULL || (constraints->requireExplicitPolicy == NULL &&
                                                          constraints->inhibitPolicyMapping == NULL));
    POLICY_CONSTRAINTS_free(constraints);
    POLICY_MAPPINGS *mappings = X509_get_ext_d2i(x, NID_policy_mappings, &critical, NULL);
    bad |= critical != -1 && mappings == NULL;
    for (int i = 0; i < sk_POLICY_MAPPING_num(mappings); i++) {
        const POLICY_MAPPING *m = sk_POLICY_MAPPING_value(mappings, i);
        bad |= OBJ_obj2nid(m->issuerDomainPolicy) == NID_any_policy ||
               OBJ_obj2nid(m->subjectDomainPolicy) == NID_any_policy;
    }
    sk_POLICY_MAPPING_pop_free(mappings, POLICY_MAPPING_free);
    return bad ? "ID-120" : NULL;
}

static bool usage_is_empty(const X509 *x)
{
    ASN1_BIT_STRING *usage = X509_get_ext_d2i(x, NID_key_usage, NULL, NULL);
    bool any = usage == NULL;
    for (int i = 0; !any && i < ASN1_STRING_length(usage); i++)
        any = ASN1_STRING_get0_data(usage)[i] != 0;
    ASN1_BIT_STRING_free(usage);
    return !any;
}

/* RFC 5280 4.2.1.3, 4.2.1.9, 4.2.1.12 */
static const char *check_uses(const path_search *s, X509 *x, bool ca)
{
    if ((X509_get_extension_flags(x) & EXFLAG_KUSAGE) && (X509_get_key_usage(x) & KU_KEY_CERT_SIGN) && !ca)
        return "ID-113";
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    int count = eku == NULL ? -1 : sk_ASN1_OBJECT_num(eku);
    EXTENDED_KEY_USAGE_free(eku);
    if (count == 0 || count > USAGES_MAX)
        return count == 0 ? "ID-117" : "ID-116";
    return weigh(s, !ca && X509_get_pathlen(x) >= 0, "ID-114");
}

static const char *check_identifiers(const path_search *s, X509 *x, bool ca)
{
    const ASN1_BIT_STRING *issuer = NULL, *subject = NULL;
    bool self_signed = (X509_get_extension_flags(x) & EXFLAG_SS) != 0;
    const char *id = weigh(s,
                           (!self_signed && X509_get0_authority_key_id(x) == NULL) ||
                               (ca && X509_get0_subject_key_id(x) == NULL),
                           "ID-112");
    X509_get0_uids(x, &issuer, &subject);
    return id != NULL ? id : weigh(s, issuer != NULL || subject != NULL, "ID-119");
}

static bool serial_ok(const X509 *x)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    bool ok = number != NULL && !BN_is_negative(number) && !BN_is_zero(number) && BN_num_bits(number) <= 159;
    BN_free(number);
    return ok;
}

static const char *check_fields(X509 *x, bool ca)
{
    const X509_ALGOR *outer;
    int64_t from_s, until_s;
    if (X509_get_version(x) != 2)
        return "ID-103";
    if (!serial_ok(x))
        return "ID-104";
    X509_get0_signature(NULL, &outer, x);
    if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(x)) != 0)
        return "ID-105";
    if (X509_NAME_entry_count(X509_get_issuer_name(x)) == 0 ||
        (ca && X509_NAME_entry_count(X509_get_subject_name(x)) == 0))
        return "ID-106";
    if (!asn1_time_s(X509_get0_notBefore(x), &from_s) || !asn1_time_s(X509_get0_notAfter(x), &until_s) ||
        from_s > until_s)
        return "ID-107";
    if (!path_algorithm_ok(outer))
        return "ID-121";
    return path_key_ok(X509_get0_pubkey(x)) ? NULL : "ID-122";
}

/* A part that libcrypto does not decode by itself when it fills its flags. */
static bool sources_ok(const X509 *x)
{
    int critical;
    AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(x, NID_info_access, &critical, NULL);
    bool ok = aia != NULL || critical == -1;
    AUTHORITY_INFO_ACCESS_free(aia);
    return ok;
}

const char *path_check_form(const path_search *s, const path_certificate *c)
{
    const char *id;
    uint32_t flags = X509_get_extension_flags(c->x);
    bool ca = (flags & EXFLAG_CA) != 0;
    if ((id = check_fields(c->x, ca)) != NULL || (id = check_extensions(c->x)) != NULL)
        return id;
    if (usage_is_empty(c->x))
        return "ID-113";
    if ((flags & EXFLAG_INVALID) || !sources_ok(c->x))
        return "ID-110";
    if ((id = check_uses(s, c->x, ca)) != NULL || (id = check_criticality(s, c->x, ca)) != NULL ||
        (id = check_policies(c->x)) != NULL || (id = check_identifiers(s, c->x, ca)) != NULL)
        return id;
    return path_check_name_form(s, c->x);
}
