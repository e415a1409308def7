#include "trust/list/tlist_verify.h"

#include "trust/base/asn1_time.h"
#include "trust/base/digest.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* TL-503: IssuerSerialV2 is DER of { GeneralNames, INTEGER } (RFC 5035 5). */
static bool issuer_serial_v2(const xmlNode *node, dx_arena *arena, const tlist_certificate_parts *own)
{
    dx_bytes der, outer, names, directory, name, skip, serial;
    unsigned tag;
    if (!tlist_base64(node, arena, &der) || !tlist_der_next(&der, &tag, &outer, NULL) || tag != 0x30 ||
        der.size != 0 || !tlist_der_next(&outer, &tag, &names, NULL) ||
        !tlist_der_next(&outer, &tag, &skip, &serial) || tag != 0x02)
        return false;
    uint8_t a[32], b[32];
    if (!tlist_der_next(&names, &tag, &directory, NULL) || tag != 0xa4 ||
        !tlist_der_next(&directory, &tag, &skip, &name) || !tlist_name_digest(name, a) ||
        !tlist_name_digest(own->issuer, b))
        return false;
    return memcmp(a, b, sizeof a) == 0 && dx_bytes_equal(serial, own->serial);
}

/* Version 1 writes the serial in decimal digits; real ones exceed 64 bits. Spellings of the name differ too
 * much to be compared; the digest binds the certificate. */
static bool issuer_serial_v1(const xmlNode *node, dx_arena *arena, const X509 *x509)
{
    const char *text = tlist_text(tlist_child(node, TLIST_NS_DS, "X509SerialNumber"), arena);
    BIGNUM *own = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL), *said = NULL;
    bool same =
        text != NULL && own != NULL && BN_dec2bn(&said, text) == (int)strlen(text) && BN_cmp(own, said) == 0;
    BN_free(own);
    BN_free(said);
    return same;
}

static struct dx_rc check_attribute(tlist_tree *tree, const tlist_signature_parts *parts,
                                    const tlist_signature *s, const X509 *x509, dx_arena *arena, dx_why *why)
{
    const char *name = tree->version == 5 ? "SigningCertificate" : "SigningCertificateV2";
    const char *other = tree->version == 5 ? "SigningCertificateV2" : "SigningCertificate";
    xmlNode *own = tlist_child(parts->properties, TLIST_NS_XADES, "SignedSignatureProperties");
    xmlNode *attribute = tlist_child(own, TLIST_NS_XADES, name);
    if (attribute == NULL || tlist_child(own, TLIST_NS_XADES, other) != NULL)
        return tlist_refuse(why, 503, "version %u needs %s, and nothing beside it", tree->version, name);
    xmlNode *cert = tlist_first(attribute), *digest = tlist_child(cert, TLIST_NS_XADES, "CertDigest");
    xmlNode *method = tlist_child(digest, TLIST_NS_DS, "DigestMethod");
    const char *algorithm = method == NULL ? NULL : tlist_attribute(method, "Algorithm");
    static const struct {
        const char *uri, *md;
    } known[] = {{TLIST_NS_DS "sha1", "SHA1"},
                 {"http://www.w3.org/2001/04/xmlenc#sha256", "SHA256"},
                 {"http://www.w3.org/2001/04/xmldsig-more#sha384", "SHA384"},
                 {"http://www.w3.org/2001/04/xmlenc#sha512", "SHA512"}};
    const char *md = NULL;
    for (size_t i = tree->version == 5 ? 0 : 1; algorithm != NULL && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].uri, algorithm) == 0)
            md = known[i].md;
    if (md == NULL)
        return tlist_refuse(why, 503, "%s has digest method \"%.80s\"", name,
                            algorithm == NULL ? "" : algorithm);
    if (strcmp(md, "SHA1") == 0)
        tlist_remark(&tree->remarks, 503);
    uint8_t value[EVP_MAX_MD_SIZE];
    size_t size = 0;
    dx_bytes said;
    if (EVP_Q_digest(NULL, md, NULL, s->signer.data, s->signer.size, value, &size) != 1)
        return DX_FAIL(why, INTERNAL, "", "%s is not available", md);
    if (!tlist_base64(tlist_child(digest, TLIST_NS_DS, "DigestValue"), arena, &said) ||
        !dx_bytes_equal(said, dx_bytes_of(value, size)))
        return tlist_refuse(why, 503, "the digest in %s is not that of the signer", name);
    tlist_certificate_parts spans;
    xmlNode *v1 = tlist_child(cert, TLIST_NS_XADES, "IssuerSerial");
    xmlNode *v2 = tlist_child(cert, TLIST_NS_XADES, "IssuerSerialV2");
    if ((v1 != NULL && !issuer_serial_v1(v1, arena, x509)) ||
        (v2 != NULL && (!tlist_certificate_walk(s->signer, &spans) || !issuer_serial_v2(v2, arena, &spans))))
        return tlist_refuse(why, 503, "issuer and serial in %s are not those of the signer", name);
    return DX_OKAY;
}

static struct dx_rc check_time(tlist_tree *tree, const tlist_signature_parts *parts,
                               const tlist_verify_rules *rules, const X509 *x509, tlist_signature *s,
                               dx_why *why)
{
    int64_t from, until;
    xmlNode *own = tlist_child(parts->properties, TLIST_NS_XADES, "SignedSignatureProperties");
    xmlNode *time = tlist_child(own, TLIST_NS_XADES, "SigningTime");
    if (time == NULL || !tlist_time(time, NULL, &s->signed_s))
        return tlist_refuse(why, 504, "SigningTime is missing or no date and time with zone");
    if (!asn1_time_s(X509_get0_notBefore(x509), &from) || !asn1_time_s(X509_get0_notAfter(x509), &until))
        return tlist_refuse(why, 504, "the signer has no readable validity");
    char at[DX_TIME_SIZE];
    dx_time_print(s->signed_s, at);
    if (s->signed_s < from || s->signed_s > until)
        return tlist_refuse(why, 504, "SigningTime %s is outside the validity of the signer", at);
    if (s->signed_s > rules->at_s + 86400)
        return tlist_refuse(why, 504, "SigningTime %s is in the future", at);
    if (until < rules->at_s)
        tlist_remark(&tree->remarks, 505);
    return DX_OKAY;
}

static struct dx_rc check_key(tlist_tree *tree, const X509 *x509, dx_why *why)
{
    static const char *const curves[] = {"prime256v1",      "secp384r1",       "secp521r1",
                                         "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
                                         "P-256",           "P-384",           "P-521"};
    EVP_PKEY *key = X509_get0_pubkey(x509);
    int kind = key == NULL ? 0 : EVP_PKEY_get_base_id(key), bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
    char curve[64] = "";
    if (kind == EVP_PKEY_RSA) {
        if (bits < 2032)
            return tlist_refuse(why, 507, "the signer has an RSA key of %d bits, less than 2032", bits);
        if (bits < 2048)
            tlist_remark(&tree->remarks, 507);
        return DX_OKAY;
    }
    if (kind == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1)
        for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
            if (strcmp(curve, curves[i]) == 0)
                return DX_OKAY;
    return tlist_refuse(why, 507, "the signer has a key of a kind that is not allowed (%s%d bits)", curve,
                        bits);
}

static bool has_tsl_signing(const X509 *x509)
{
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
        char oid[64];
        OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(eku, i), 1);
        found |= strcmp(oid, "0.4.0.2231.3.0") == 0;
    }
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    return found;
}

/* Case and white space aside. */
static bool name_entry_is(const X509 *x509, int nid, const char *text)
{
    const X509_NAME *name = X509_get_subject_name(x509);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
        unsigned char *utf8 = NULL;
        int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        bool same = size >= 0 && dx_bytes_is_nocase(dx_bytes_trim(dx_bytes_of(utf8, (size_t)size)), text);
        OPENSSL_free(utf8);
        if (same)
            return true;
    }
    return false;
}

/* Lists say EL and UK where certificates say GR and GB. */
static const char *country_of(const char *territory)
{
    return strcmp(territory, "EL") == 0 ? "GR" : strcmp(territory, "UK") == 0 ? "GB" : territory;
}

static const char *profile_fault(tlist_tree *tree, X509 *x509, dx_arena *arena)
{
    uint32_t usage = X509_get_key_usage(x509);
    if (usage == UINT32_MAX || usage == 0 ||
        (usage & ~(uint32_t)(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
        return "keyUsage is not digitalSignature or nonRepudiation alone";
    if (!has_tsl_signing(x509))
        return "extended key usage lacks id-tsl-kp-tslSigning (0.4.0.2231.3.0)";
    if (X509_check_ca(x509) != 0)
        return "it is a CA";
    if (X509_get0_subject_key_id(x509) == NULL)
        return "it has no subject key identifier";
    if (!name_entry_is(x509, NID_countryName, country_of(tree->territory)) &&
        !name_entry_is(x509, NID_countryName, tree->territory))
        return "its country is not the territory of the list";
    xmlNode *names = tlist_down(tree->scheme, "SchemeOperatorName", NULL);
    for (xmlNode *n = tlist_first(names); n != NULL; n = tlist_next(n)) {
        const char *name = tlist_text(n, arena);
        if (name != NULL && name_entry_is(x509, NID_organizationName, name))
            return NULL;
    }
    return "its organisation is not a SchemeOperatorName of the list";
}

static struct dx_rc check_all(tlist_tree *tree, const tlist_signature_parts *parts,
                              const tlist_verify_rules *rules, X509 *x509, dx_arena *arena,
                              tlist_signature *s, dx_why *why)
{
    DX_TRY(check_attribute(tree, parts, s, x509, arena, why));
    DX_TRY(check_time(tree, parts, rules, x509, s, why));
    DX_TRY(check_key(tree, x509, why));
    const char *fault = profile_fault(tree, x509, arena);
    if (fault != NULL && rules->strict)
        return tlist_refuse(why, 506, "the certificate of the signer does not fit the profile: %s", fault);
    if (fault != NULL)
        tlist_remark(&tree->remarks, 506);
    return DX_OKAY;
}

DX_RC tlist_signer_check(tlist_tree *tree, const tlist_signature_parts *parts,
                         const tlist_verify_rules *rules, dx_arena *arena, tlist_signature *signature,
                         dx_why *why)
{
    const unsigned char *at = signature->signer.data;
    X509 *x509 = d2i_X509(NULL, &at, (long)signature->signer.size);
    if (x509 == NULL)
        return tlist_refuse(why, 501, "the announced signer in KeyInfo is not a certificate");
    struct dx_rc rc = check_all(tree, parts, rules, x509, arena, signature, why);
    X509_free(x509);
    return rc;
}
