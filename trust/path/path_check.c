#include "trust/path/path_private.h"

#include <openssl/x509v3.h>

/* What a certificate may be used for, as leaf or as issuer (identity.md 7). */

const char *path_check_issuer(const path_certificate *ca, size_t intermediates_below)
{
    uint32_t flags = X509_get_extension_flags(ca->x);
    if (!(flags & EXFLAG_BCONS) || !(flags & EXFLAG_CA))
        return "ID-206";
    if ((flags & EXFLAG_KUSAGE) && !(X509_get_key_usage(ca->x) & KU_KEY_CERT_SIGN))
        return "ID-207";
    long length = X509_get_pathlen(ca->x);
    if (length >= 0 && intermediates_below > (size_t)length)
        return "ID-208";
    return NULL;
}

static bool has_usage(const X509 *x, int nid, bool *critical, int *count)
{
    int crit = 0;
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, &crit, NULL);
    bool found = false;
    *critical = crit == 1;
    *count = eku == NULL ? 0 : sk_ASN1_OBJECT_num(eku);
    for (int i = 0; i < *count; i++)
        found |= OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i)) == nid;
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    return found;
}

static const char *check_usage(const path_search *s)
{
    const X509 *x = s->leaf.x;
    int wanted = s->in->profile == PATH_PEER        ? NID_client_auth
                 : s->in->profile == PATH_SERVER    ? NID_server_auth
                 : s->in->profile == PATH_TSU       ? NID_time_stamp
                 : s->in->profile == PATH_RESPONDER ? NID_OCSP_sign
                                                    : NID_undef;
    if (wanted == NID_undef)
        return NULL;
    bool critical;
    int count;
    bool found = has_usage(x, wanted, &critical, &count);
    if (s->in->profile == PATH_TSU)
        return found && critical && count == 1 ? NULL : "ID-213";
    if (!found)
        return "ID-213";
    for (size_t i = 1; i + 1 < s->depth;
         i++) { /* an EKU in a CA limits what is below (anchor included when it has one) */
        found = has_usage(s->chain[i]->x, wanted, &critical, &count);
        if (count > 0 && !found)
            return "ID-213";
    }
    return NULL;
}

const char *path_check_leaf(const path_search *s)
{
    uint32_t flags = X509_get_extension_flags(s->leaf.x), usage = X509_get_key_usage(s->leaf.x);
    bool listed = s->depth == 1;
    if (!listed && (flags & EXFLAG_CA))
        return "ID-214";
    if (s->in->profile == PATH_PEER && (flags & EXFLAG_KUSAGE) && !(usage & KU_DIGITAL_SIGNATURE))
        return "ID-217";
    if (s->in->profile == PATH_SEAL &&
        !((flags & EXFLAG_KUSAGE) && (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))))
        return "ID-217";
    const char *id = check_usage(s);
    if (id == NULL && s->in->profile == PATH_SERVER && s->in->host != NULL &&
        X509_check_host(s->leaf.x, s->in->host, 0,
                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                        NULL) != 1)
        id = "ID-218";
    return id;
}

static bool has_policy(const CERTIFICATEPOLICIES *policies, const char *wanted)
{
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        char oid[128];
        OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
        if (strcmp(oid, wanted) == 0)
            return true;
    }
    return false;
}

const char *path_check_policies(path_search *s)
{
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(s->leaf.x, NID_certificate_policies, NULL, NULL);
    size_t kept = 0;
    for (size_t i = 0; i < s->hit_count; i++) {
        const tlist_interval *interval = s->hits[i].interval;
        bool all = true;
        for (uint32_t k = 0; k < interval->require_policy_count; k++)
            all = all && has_policy(policies, interval->require_policy_oids[k]);
        if (all)
            s->hits[kept++] = s->hits[i];
    }
    CERTIFICATEPOLICIES_free(policies);
    s->hit_count = kept;
    return kept > 0 ? NULL : "ID-308";
}
