/* stamp_signer.c -- who signed the token: found through the SignerInfo, named by the signed attributes, fit
 * by usage. The bag of certificates is not protected: its order and its other members prove nothing
 * (STAMP-07). */
#include "trust/stamp/stamp_private.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

void stamp_signer_fini(stamp_signer *signer)
{
    X509_free(signer->x509);
    *signer = (stamp_signer){0};
}

typedef struct { /* of a certificate, RFC 5280 4.1 */
    dx_bytes issuer, serial;
} cert_names;

static bool read_names(dx_bytes certificate, cert_names *out)
{
    dx_bytes body, tbs, version, algorithm;
    bool present;
    return der_only(certificate, DER_SEQUENCE, &body) && der_take(&body, DER_SEQUENCE, &tbs) &&
           der_optional(&tbs, DER_CONSTRUCTED(0), &version, &present) &&
           der_take(&tbs, DER_INTEGER, &out->serial) && der_take(&tbs, DER_SEQUENCE, &algorithm) &&
           der_take_whole(&tbs, DER_SEQUENCE, &out->issuer);
}

static X509 *parse(dx_bytes der)
{
    const unsigned char *p = der.data;
    X509 *x = d2i_X509(NULL, &p, (long)der.size);
    if (x != NULL && p != der.data + der.size) {
        X509_free(x);
        x = NULL;
    }
    return x;
}

static bool is_named(const stamp_token *token, dx_bytes der, X509 **out)
{
    if (token->key_id.data == NULL) {
        cert_names names;
        if (!read_names(der, &names) || !dx_bytes_equal(names.issuer, token->issuer) ||
            !dx_bytes_equal(names.serial, token->serial))
            return false;
        return (*out = parse(der)) != NULL;
    }
    X509 *x = parse(der);
    if (x == NULL)
        return false;
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(x);
    if (id != NULL && dx_bytes_equal(dx_bytes_of(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)),
                                     token->key_id)) {
        *out = x;
        return true;
    }
    X509_free(x);
    return false;
}

bool stamp_signer_find(const stamp_token *token, const stamp_tsa *tsa, stamp_signer *out,
                       stamp_verdict *verdict)
{
    for (size_t i = 0; i < token->cert_count; i++) {
        if (is_named(token, token->certs[i], &out->x509)) {
            out->der = token->certs[i];
            return true;
        }
    }
    for (size_t i = 0; tsa != NULL && i < tsa->certificate_count; i++) {
        if (is_named(token, tsa->certificates[i], &out->x509)) {
            out->der = tsa->certificates[i];
            return true;
        }
    }
    return stamp_no(verdict, CHECK_STAMP_07, NULL,
                    "the token's SignerInfo names a certificate that is not at hand");
}

/* ---- signed attributes ---- */

/* GeneralNames of an IssuerSerial holds exactly one directoryName, and that is the issuer. */
static bool issuer_serial_is(dx_bytes in, const cert_names *names)
{
    dx_bytes general, name, serial;
    return der_take(&in, DER_SEQUENCE, &general) && der_only(general, DER_CONSTRUCTED(4), &name) &&
           der_only(in, DER_INTEGER, &serial) && dx_bytes_equal(name, names->issuer) &&
           dx_bytes_equal(serial, names->serial);
}

/* The first ESSCertID or ESSCertIDv2 of a SigningCertificate(V2) value names `der`. */
static bool ess_names(dx_bytes value, bool v2, dx_bytes der)
{
    dx_bytes body, certs, first, algorithm, hash, issuer_serial;
    bool present;
    cert_names names;
    dx_hash_kind kind = DX_HASH_SHA256;
    uint8_t own[64];
    size_t own_size = 20;
    if (!der_only(value, DER_SEQUENCE, &body) || !der_take(&body, DER_SEQUENCE, &certs) ||
        !der_take(&certs, DER_SEQUENCE, &first))
        return false;
    if (v2) {
        if (!der_optional(&first, DER_SEQUENCE, &algorithm, &present) ||
            (present && !stamp_hash_of_algorithm(algorithm, &kind)))
            return false;
        dx_digest(kind, der, own);
        own_size = dx_hash_size(kind);
    } else if (EVP_Digest(der.data, der.size, own, NULL, EVP_sha1(), NULL) != 1) {
        return false;
    }
    if (!der_take(&first, DER_OCTET_STRING, &hash) || !dx_bytes_equal(hash, dx_bytes_of(own, own_size)) ||
        !der_optional(&first, DER_SEQUENCE, &issuer_serial, &present) || first.size != 0)
        return false;
    return !present || (read_names(der, &names) && issuer_serial_is(issuer_serial, &names));
}

enum { CONTENT_TYPE, MESSAGE_DIGEST, ESS_V2, ESS_V1, ATTRIBUTES };

/* Each of the four at most once and with one value (RFC 5652 11.1, 11.2; RFC 2634 5.4). Others are let be. */
static bool collect(dx_bytes in, dx_bytes found[ATTRIBUTES])
{
    static const char *const oids[ATTRIBUTES] = {[CONTENT_TYPE] = "1.2.840.113549.1.9.3",
                                                 [MESSAGE_DIGEST] = "1.2.840.113549.1.9.4",
                                                 [ESS_V2] = "1.2.840.113549.1.9.16.2.47",
                                                 [ESS_V1] = "1.2.840.113549.1.9.16.2.12"};
    while (in.size > 0) {
        dx_bytes attribute, oid, values;
        der_item value;
        if (!der_take(&in, DER_SEQUENCE, &attribute) || !der_take(&attribute, DER_OID, &oid) ||
            !der_only(attribute, DER_SET, &values))
            return false;
        for (size_t i = 0; i < ATTRIBUTES; i++) {
            if (!der_oid_is(oid, oids[i]))
                continue;
            if (found[i].data != NULL || !der_next(&values, &value) || values.size != 0)
                return false;
            found[i] = value.whole;
        }
    }
    return true;
}

bool stamp_signer_attributes(const stamp_token *token, const stamp_signer *signer, bool accept_v1,
                             bool *ess_v1, stamp_verdict *verdict)
{
    dx_bytes found[ATTRIBUTES] = {{NULL, 0}}, value;
    dx_hash_kind kind;
    uint8_t digest[64];
    if (token->attributes.data == NULL || !collect(token->attributes, found))
        return stamp_no(verdict, CHECK_STAMP_06, NULL,
                        "the token has no signed attributes of the standard's form");
    if (found[CONTENT_TYPE].data == NULL || !der_only(found[CONTENT_TYPE], DER_OID, &value) ||
        !der_oid_is(value, STAMP_TSTINFO))
        return stamp_no(verdict, CHECK_STAMP_06, NULL, "the signed content-type is not TSTInfo");
    if (!stamp_hash_of_algorithm(token->digest_algorithm, &kind))
        return stamp_no(verdict, CHECK_STAMP_08, "CRYPTO_CONSTRAINTS_FAILURE",
                        "the token's digest algorithm is not in the verify set");
    dx_digest(kind, token->content, digest);
    if (found[MESSAGE_DIGEST].data == NULL || !der_only(found[MESSAGE_DIGEST], DER_OCTET_STRING, &value) ||
        !dx_bytes_equal(value, dx_bytes_of(digest, dx_hash_size(kind))))
        return stamp_no(verdict, CHECK_STAMP_06, NULL,
                        "the signed message-digest is not that of the TSTInfo");
    *ess_v1 = found[ESS_V2].data == NULL;
    if (*ess_v1 && found[ESS_V1].data == NULL)
        return stamp_no(verdict, CHECK_STAMP_06, NULL, "no signed attribute names the signer's certificate");
    if (*ess_v1 && !accept_v1)
        return stamp_no(verdict, CHECK_STAMP_06, NULL, "the signer's certificate is named by SHA-1 only");
    if ((found[ESS_V2].data != NULL && !ess_names(found[ESS_V2], true, signer->der)) ||
        (found[ESS_V1].data != NULL && !ess_names(found[ESS_V1], false, signer->der)))
        return stamp_no(verdict, CHECK_STAMP_06, NULL,
                        "the first ESSCertID does not name the signer's certificate");
    return true;
}

/* ---- what the certificate is for ---- */

bool stamp_signer_usage(const stamp_signer *signer, bool eku_strict, stamp_verdict *verdict)
{
    int critical;
    unsigned stamping = 0, others = 0;
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(signer->x509, NID_ext_key_usage, &critical, NULL);
    if (usages == NULL)
        return stamp_no(verdict, CHECK_STAMP_09, NULL,
                        critical == -1 ? "the signer's certificate has no extended key usage"
                                       : "the signer's extended key usage cannot be read");
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        *(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)) == NID_time_stamp ? &stamping : &others) += 1;
    sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
    if (stamping != 1)
        return stamp_no(verdict, CHECK_STAMP_09, NULL,
                        "the signer's extended key usage does not name timeStamping once");
    if (critical != 1)
        return stamp_no(verdict, CHECK_STAMP_09, NULL, "the signer's extended key usage is not critical");
    if (others > 0 && eku_strict)
        return stamp_no(verdict, CHECK_STAMP_09, NULL,
                        "the signer's certificate has another extended key usage beside timeStamping");
    uint32_t usage = X509_get_key_usage(signer->x509);
    if (usage != UINT32_MAX &&
        (usage == 0 || (usage & ~(uint32_t)(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0))
        return stamp_no(verdict, CHECK_STAMP_10, NULL, "the signer's key usage allows more than signing");
    return true;
}
