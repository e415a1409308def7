#include "trust/path/path_private.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* Single certificates and whole chains against RFC 5280 (identity.md 5, 7). */

#define NAMES_MAX 200

static const char *check_key(const X509 *x)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    if (key == NULL)
        return "ID-122";
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return bits >= 2048 && bits <= 8192 ? NULL : "ID-122";
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return NULL;
    static const char *const groups[] = {"prime256v1",      "secp384r1",       "secp521r1",
                                         "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"};
    char group[64] = "";
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
        return "ID-122";
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(group, groups[i]) == 0)
            return NULL;
    return "ID-122";
}

static const char *check_signature_algorithm(const X509 *x)
{
    int digest = NID_undef, key = NID_undef;
    int nid = X509_get_signature_nid(x);
    if (nid == NID_ED25519 || nid == NID_ED448)
        return NULL;
    if (nid == NID_rsassaPss) {
        int bits = 0;
        return X509_get_signature_info((X509 *)(uintptr_t)x, &digest, NULL, &bits, NULL) == 1 &&
                       digest != NID_sha1 && digest != NID_md5
                   ? NULL
                   : "ID-121";
    }
    if (OBJ_find_sigid_algs(nid, &digest, &key) != 1)
        return "ID-121";
    return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512 ? NULL : "ID-121";
}

/* RFC 5280 4.2: an extension once, and no critical one that is not processed. */
static const char *check_extensions(const X509 *x)
{
    static const char *const processed[] = {"2.5.29.19",         "2.5.29.15",        "2.5.29.37", "2.5.29.17",
                                            "2.5.29.30",         "2.5.29.32",        "2.5.29.33", "2.5.29.36",
                                            "2.5.29.54",         "2.5.29.35",        "2.5.29.14", "2.5.29.31",
                                            "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.3"};
    int count = X509_get_ext_count(x);
    if (count > 64)
        return "ID-116";
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *e = X509_get_ext(x, i);
        char oid[128];
        OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(e), 1);
        if (X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(e), i) >= 0)
            return "ID-108";
        bool known = false;
        for (size_t k = 0; k < sizeof processed / sizeof *processed; k++)
            known |= strcmp(processed[k], oid) == 0;
        if (!known && X509_EXTENSION_get_critical(e))
            return "ID-109";
    }
    return NULL;
}

const char *path_check_form(const path_certificate *c)
{
    const char *id;
    if (X509_get_version(c->x) != 2)
        return "ID-103";
    const ASN1_INTEGER *serial = X509_get0_serialNumber(c->x);
    BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
    bool serial_ok =
        number != NULL && !BN_is_negative(number) && !BN_is_zero(number) && BN_num_bits(number) <= 159;
    BN_free(number);
    if (!serial_ok)
        return "ID-104";
    const X509_ALGOR *outer;
    X509_get0_signature(NULL, &outer, c->x);
    if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(c->x)) != 0)
        return "ID-105";
    if (X509_NAME_entry_count(X509_get_issuer_name(c->x)) == 0)
        return "ID-106";
    if ((id = check_extensions(c->x)) != NULL || (id = check_signature_algorithm(c->x)) != NULL ||
        (id = check_key(c->x)) != NULL)
        return id;
    uint32_t flags = X509_get_extension_flags(c->x);
    if (flags & EXFLAG_INVALID)
        return "ID-110";
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x, NID_subject_alt_name, NULL, NULL);
    bool many = names != NULL && sk_GENERAL_NAME_num(names) > NAMES_MAX;
    GENERAL_NAMES_free(names);
    return many ? "ID-116" : NULL;
}

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

const char *path_check_names(const path_search *s)
{
    for (size_t ca = 1; ca < s->depth; ca++) {
        NAME_CONSTRAINTS *nc = X509_get_ext_d2i(s->chain[ca]->x, NID_name_constraints, NULL, NULL);
        const char *id = NULL;
        for (size_t i = 0; nc != NULL && id == NULL && i < ca; i++) {
            bool self_issued = i > 0 && X509_NAME_cmp(X509_get_subject_name(s->chain[i]->x),
                                                      X509_get_issuer_name(s->chain[i]->x)) == 0;
            if (!self_issued && NAME_CONSTRAINTS_check(s->chain[i]->x, nc) != X509_V_OK)
                id = "ID-209";
        }
        NAME_CONSTRAINTS_free(nc);
        if (id != NULL)
            return id;
    }
    return NULL;
}
