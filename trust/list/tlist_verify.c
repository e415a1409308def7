#include "trust/list/tlist_private.h"

#include "trust/base/digest.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

/* A valid XML signature is not enough: what it covers must be the very tree that is read afterwards (trusted-lists.md 2.5). */

typedef struct {
    xmlNode          *root, *signature, *signed_info, *properties;
    dx_arena         *arena;
    const tlist_source *source;
    int64_t           at_s;
    tlist_list       *list;
    X509             *signer;
    dx_bytes          signer_der;
} verification;

static const char *attribute(const xmlNode *n, const char *name, dx_arena *arena)
{
    xmlChar *value = n == NULL ? NULL : xmlGetNoNsProp((xmlNode *)(uintptr_t)n, (const xmlChar *)name);
    char    *copy = value == NULL ? NULL : dx_arena_text(arena, dx_bytes_text((const char *)value));
    xmlFree(value);
    return copy;
}

static bool one_of(const char *value, const char *const *set)
{
    for (; value != NULL && *set != NULL; set++)
        if (strcmp(value, *set) == 0)
            return true;
    return false;
}

static const char *const canonical[] = {"http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
                                        "http://www.w3.org/2006/12/xml-c14n11", NULL};
static const char *const digests[] = {"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384",
                                      "http://www.w3.org/2001/04/xmlenc#sha512", NULL};
static const char *const methods[] = {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
                                      "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                                      "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", NULL};

static DX_RC check_methods(const verification *v, dx_why *why)
{
    const char *c14n = attribute(tlist_child(v->signed_info, DS_NS, "CanonicalizationMethod"), "Algorithm", v->arena);
    const xmlNode *method = tlist_child(v->signed_info, DS_NS, "SignatureMethod");
    const char *algorithm = attribute(method, "Algorithm", v->arena);
    if (!one_of(c14n, canonical))
        return tlist_refuse(why, "TL-401", "%.100s", c14n == NULL ? "none" : c14n);
    if (!one_of(algorithm, methods) || tlist_first_element(method) != NULL)
        return tlist_refuse(why, "TL-402", "%.100s", algorithm == NULL ? "none" : algorithm);
    return DX_OKAY;
}

static bool transforms_are(const xmlNode *reference, bool enveloped, dx_arena *arena)
{
    const xmlNode *list = tlist_child(reference, DS_NS, "Transforms"), *t = tlist_first_element(list);
    if (list == NULL)
        return !enveloped;
    if (enveloped) {
        const char *first = attribute(t, "Algorithm", arena);
        if (first == NULL || strcmp(first, "http://www.w3.org/2000/09/xmldsig#enveloped-signature") != 0 || tlist_first_element(t) != NULL)
            return false;
        t = tlist_next_element(t);
    }
    if (t == NULL)
        return true;
    if (!one_of(attribute(t, "Algorithm", arena), canonical))
        return false;
    const xmlNode *prefixes = tlist_first_element(t); /* exc-c14n may carry InclusiveNamespaces, nothing else */
    if (prefixes != NULL && strcmp((const char *)prefixes->name, "InclusiveNamespaces") != 0)
        return false;
    return tlist_next_element(t) == NULL;
}

static DX_RC check_digest(const verification *v, const xmlNode *reference, dx_why *why)
{
    const char *algorithm = attribute(tlist_child(reference, DS_NS, "DigestMethod"), "Algorithm", v->arena);
    return one_of(algorithm, digests) ? DX_OKAY : tlist_refuse(why, "TL-402", "digest %.100s", algorithm == NULL ? "none" : algorithm);
}

/* The only SignedProperties, at Signature/Object/QualifyingProperties of this signature. */
static DX_RC find_properties(verification *v, dx_why *why)
{
    const char *id = attribute(v->signature, "Id", v->arena);
    for (const xmlNode *o = tlist_child(v->signature, DS_NS, "Object"); o != NULL; o = tlist_next(o, DS_NS, "Object")) {
        const xmlNode *q = tlist_first_element(o);
        if (!tlist_is(q, XADES_NS, "QualifyingProperties") || tlist_next_element(q) != NULL)
            return tlist_refuse(why, "TL-405", "an Object that is not QualifyingProperties");
        const char *target = attribute(q, "Target", v->arena);
        if (id == NULL || target == NULL || target[0] != '#' || strcmp(target + 1, id) != 0)
            return tlist_refuse(why, "TL-404", "Target is not this signature");
        const xmlNode *p = tlist_child(q, XADES_NS, "SignedProperties");
        if (p == NULL || v->properties != NULL || tlist_next(p, XADES_NS, "SignedProperties") != NULL)
            return tlist_refuse(why, "TL-404", "not exactly one SignedProperties");
        v->properties = (xmlNode *)(uintptr_t)p;
    }
    return v->properties == NULL ? tlist_refuse(why, "TL-404", "no SignedProperties") : DX_OKAY;
}

static DX_RC check_references(verification *v, dx_why *why)
{
    const xmlNode *reference[4];
    size_t         count = 0;
    for (const xmlNode *r = tlist_child(v->signed_info, DS_NS, "Reference"); r != NULL; r = tlist_next(r, DS_NS, "Reference"))
        if (count < 4)
            reference[count++] = r;
    const char *uri = count > 0 ? attribute(reference[0], "URI", v->arena) : NULL, *type = count > 0 ? attribute(reference[0], "Type", v->arena) : NULL;
    const char *root_id = attribute(v->root, "Id", v->arena);
    /* Writers put the two in either order: the one with the Type is the second of the rules. */
    size_t whole = 0, rest = 1;
    if (count >= 2 && type != NULL && strcmp(type, "http://uri.etsi.org/01903#SignedProperties") == 0) {
        whole = 1;
        rest = 0;
        uri = attribute(reference[1], "URI", v->arena);
        type = attribute(reference[1], "Type", v->arena);
    }
    bool covers_root = uri != NULL && (uri[0] == 0 || (uri[0] == '#' && root_id != NULL && strcmp(uri + 1, root_id) == 0));
    if (count == 0 || !covers_root || (type != NULL && type[0] != 0) || !transforms_are(reference[whole], true, v->arena))
        return tlist_refuse(why, "TL-403", "URI %.60s", uri == NULL ? "none" : uri);
    DX_TRY(check_digest(v, reference[whole], why));
    DX_TRY(find_properties(v, why));
    const char *p_id = attribute(v->properties, "Id", v->arena);
    uri = count > 1 ? attribute(reference[rest], "URI", v->arena) : NULL;
    type = count > 1 ? attribute(reference[rest], "Type", v->arena) : NULL;
    if (uri == NULL || p_id == NULL || uri[0] != '#' || strcmp(uri + 1, p_id) != 0 || type == NULL ||
        strcmp(type, "http://uri.etsi.org/01903#SignedProperties") != 0 || !transforms_are(reference[rest], false, v->arena))
        return tlist_refuse(why, "TL-404", "URI %.60s", uri == NULL ? "none" : uri);
    DX_TRY(check_digest(v, reference[rest], why));
    if (count > 3)
        return tlist_refuse(why, "TL-405", "%zu references", count);
    if (count == 3) { /* a third one to this signature's KeyInfo may stand there */
        const char *info_id = attribute(tlist_child(v->signature, DS_NS, "KeyInfo"), "Id", v->arena);
        uri = attribute(reference[2], "URI", v->arena);
        if (info_id == NULL || uri == NULL || uri[0] != '#' || strcmp(uri + 1, info_id) != 0 || !transforms_are(reference[2], false, v->arena))
            return tlist_refuse(why, "TL-405", "a third reference");
        DX_TRY(check_digest(v, reference[2], why));
    }
    return DX_OKAY;
}

/* ---- the signer ---- */

static DX_RC find_signer(verification *v, dx_why *why)
{
    const xmlNode *info = tlist_child(v->signature, DS_NS, "KeyInfo");
    for (const xmlNode *d = tlist_child(info, DS_NS, "X509Data"); d != NULL; d = tlist_next(d, DS_NS, "X509Data"))
        for (const xmlNode *c = tlist_child(d, DS_NS, "X509Certificate"); c != NULL; c = tlist_next(c, DS_NS, "X509Certificate")) {
            dx_bytes der;
            uint8_t  sha256[32];
            if (!tlist_decode(tlist_text(c, v->arena), v->arena, &der))
                continue;
            dx_sha256(der, sha256);
            for (size_t i = 0; i < v->source->anchor_count; i++)
                if (memcmp(sha256, v->source->anchors[i], 32) == 0) {
                    const uint8_t *p = der.data;
                    v->signer = d2i_X509(NULL, &p, (long)der.size);
                    v->signer_der = der;
                    memcpy(v->list->facts.signer_sha256, sha256, 32);
                    return v->signer == NULL ? tlist_refuse(why, "TL-501", "its certificate cannot be read") : DX_OKAY;
                }
        }
    return tlist_refuse(why, "TL-501", "no certificate of the signature is among the %zu announced", v->source->anchor_count);
}

static DX_RC check_key(const verification *v, dx_why *why)
{
    EVP_PKEY *key = X509_get0_pubkey(v->signer);
    if (key == NULL)
        return tlist_refuse(why, "TL-507", "unreadable key");
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "RSA")) {
        if (bits < 2032)
            return tlist_refuse(why, "TL-507", "RSA %d", bits);
        if (bits < 2048)
            tlist_remark(v->list, "TL-507");
        return DX_OKAY;
    }
    char                     group[64] = "";
    static const char *const groups[] = {"prime256v1", "secp384r1", "secp521r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", NULL};
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 || !one_of(group, groups))
        return tlist_refuse(why, "TL-507", "key on %.40s", group);
    return DX_OKAY;
}

static bool enable(xmlSecDSigCtx *ctx)
{
    const xmlSecTransformId both[] = {xmlSecTransformExclC14NId, xmlSecTransformInclC14NId, xmlSecTransformInclC14N11Id};
    const xmlSecTransformId reference[] = {xmlSecTransformEnvelopedId, xmlSecOpenSSLTransformSha256Id, xmlSecOpenSSLTransformSha384Id,
                                           xmlSecOpenSSLTransformSha512Id};
    const xmlSecTransformId signature[] = {xmlSecOpenSSLTransformRsaSha256Id,   xmlSecOpenSSLTransformRsaSha384Id,
                                           xmlSecOpenSSLTransformRsaSha512Id,   xmlSecOpenSSLTransformEcdsaSha256Id,
                                           xmlSecOpenSSLTransformEcdsaSha384Id, xmlSecOpenSSLTransformEcdsaSha512Id};
    int bad = 0;
    for (size_t i = 0; i < 3; i++)
        bad |= xmlSecDSigCtxEnableReferenceTransform(ctx, both[i]) | xmlSecDSigCtxEnableSignatureTransform(ctx, both[i]);
    for (size_t i = 0; i < 4; i++)
        bad |= xmlSecDSigCtxEnableReferenceTransform(ctx, reference[i]);
    for (size_t i = 0; i < 6; i++)
        bad |= xmlSecDSigCtxEnableSignatureTransform(ctx, signature[i]);
    return bad == 0;
}

static xmlSecKey *signer_key(const verification *v)
{
    EVP_PKEY     *key = X509_get_pubkey(v->signer);
    xmlSecKeyData *data = key == NULL ? NULL : xmlSecOpenSSLEvpKeyAdopt(key);
    xmlSecKey     *out = data == NULL ? NULL : xmlSecKeyCreate();
    if (out == NULL || xmlSecKeySetValue(out, data) < 0) {
        if (data != NULL)
            xmlSecKeyDataDestroy(data);
        else
            EVP_PKEY_free(key);
        if (out != NULL)
            xmlSecKeyDestroy(out);
        return NULL;
    }
    out->usage = xmlSecKeyUsageVerify;
    return out;
}

static void announce_id(xmlNode *n)
{
    xmlAttr *a = xmlHasProp(n, (const xmlChar *)"Id");
    xmlChar *value = a == NULL ? NULL : xmlGetProp(n, (const xmlChar *)"Id");
    if (value != NULL)
        xmlAddID(NULL, n->doc, value, a);
    xmlFree(value);
}

static DX_RC check_signature(verification *v, dx_why *why)
{
    announce_id(v->root);
    announce_id(v->properties);
    xmlNode *info = (xmlNode *)(uintptr_t)tlist_child(v->signature, DS_NS, "KeyInfo");
    if (info != NULL)
        announce_id(info);
    xmlSecDSigCtx *ctx = xmlSecDSigCtxCreate(NULL);
    if (ctx == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory to verify a list");
    ctx->enabledReferenceUris = xmlSecTransformUriTypeEmpty | xmlSecTransformUriTypeSameDocument;
    ctx->signKey = signer_key(v);
    bool   ok = ctx->signKey != NULL && enable(ctx) && xmlSecDSigCtxVerify(ctx, v->signature) >= 0 && ctx->status == xmlSecDSigStatusSucceeded;
    size_t count = (size_t)xmlSecPtrListGetSize(&ctx->signedInfoReferences);
    ok = ok && count >= 2 && count <= 3;
    for (size_t i = 0; ok && i < count; i++) {
        const xmlSecDSigReferenceCtx *r = xmlSecPtrListGetItem(&ctx->signedInfoReferences, (xmlSecSize)i);
        ok = r != NULL && r->status == xmlSecDSigStatusSucceeded;
    }
    xmlSecDSigCtxDestroy(ctx);
    return ok ? DX_OKAY : tlist_refuse(why, "TL-502", "%s", "");
}

static DX_RC check_version_rules(const verification *v, dx_why *why)
{
    const xmlNode *p = tlist_child(v->properties, XADES_NS, "SignedSignatureProperties");
    bool           v1 = tlist_child(p, XADES_NS, "SigningCertificate") != NULL, v2 = tlist_child(p, XADES_NS, "SigningCertificateV2") != NULL;
    bool old = v1 || tlist_child(p, XADES_NS, "SignatureProductionPlace") != NULL || tlist_child(p, XADES_NS, "SignerRole") != NULL;
    if (v->list->version == 5 && v2)
        return tlist_refuse(why, "TL-312", "SigningCertificateV2 in version 5");
    if (v->list->version == 6 && old)
        return tlist_refuse(why, "TL-312", "a XAdES element of version 5 in version 6");
    return DX_OKAY;
}

static DX_RC check_properties(const verification *v, dx_why *why)
{
    const xmlNode *p = tlist_child(v->properties, XADES_NS, "SignedSignatureProperties");
    const xmlNode *reference = tlist_child(p, XADES_NS, "SigningCertificate");
    if (reference == NULL)
        reference = tlist_child(p, XADES_NS, "SigningCertificateV2");
    const xmlNode *digest = tlist_child(tlist_first_element(reference), XADES_NS, "CertDigest");
    const char    *algorithm = attribute(tlist_child(digest, DS_NS, "DigestMethod"), "Algorithm", v->arena);
    dx_bytes       value;
    uint8_t        ours[64];
    size_t         size = 32;
    if (digest == NULL || algorithm == NULL || !tlist_decode(tlist_text(tlist_child(digest, DS_NS, "DigestValue"), v->arena), v->arena, &value))
        return tlist_refuse(why, "TL-503", "no certificate digest");
    if (strcmp(algorithm, digests[0]) == 0)
        dx_sha256(v->signer_der, ours);
    else if (strcmp(algorithm, digests[1]) == 0)
        dx_digest(DX_HASH_SHA384, v->signer_der, ours), size = 48;
    else if (strcmp(algorithm, digests[2]) == 0)
        dx_digest(DX_HASH_SHA512, v->signer_der, ours), size = 64;
    else if (v->list->version == 5 && strcmp(algorithm, "http://www.w3.org/2000/09/xmldsig#sha1") == 0) {
        unsigned n = 20;
        if (X509_digest(v->signer, EVP_sha1(), ours, &n) != 1)
            return tlist_refuse(why, "TL-503", "SHA-1 is not available");
        size = n;
        tlist_remark(v->list, "TL-503");
    } else {
        return tlist_refuse(why, "TL-503", "digest by %.60s", algorithm);
    }
    if (!dx_bytes_equal(value, dx_bytes_of(ours, size)))
        return tlist_refuse(why, "TL-503", "another certificate");
    int64_t   signed_s, from_s = 0, until_s = 0;
    struct tm t;
    if (!tlist_time(tlist_text(tlist_child(p, XADES_NS, "SigningTime"), v->arena), &signed_s))
        return tlist_refuse(why, "TL-504", "no signing time");
    if (ASN1_TIME_to_tm(X509_get0_notBefore(v->signer), &t) == 1)
        from_s = timegm(&t);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(v->signer), &t) == 1)
        until_s = timegm(&t);
    if (signed_s < from_s || signed_s > until_s || signed_s > v->at_s + 86400)
        return tlist_refuse(why, "TL-504", "%s", "");
    if (v->at_s > until_s)
        tlist_remark(v->list, "TL-505");
    return DX_OKAY;
}

/* TS 119 612 5.7.1; a third of real signers fall short, so the EU profile only remarks. */
static DX_RC check_profile(const verification *v, dx_why *why)
{
    const char *fault = NULL;
    uint32_t    usage = X509_get_key_usage(v->signer);
    if (X509_check_ca(v->signer) != 0)
        fault = "it is a CA";
    else if (X509_get0_subject_key_id(v->signer) == NULL)
        fault = "no subject key identifier";
    else if (usage == UINT32_MAX || (usage & ~(uint32_t)(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
        fault = "other key usages than digitalSignature and nonRepudiation";
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(v->signer, NID_ext_key_usage, NULL, NULL);
    bool                signs_lists = false;
    for (int i = 0; eku != NULL && i < sk_ASN1_OBJECT_num(eku); i++) {
        char oid[64];
        OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(eku, i), 1);
        signs_lists |= strcmp(oid, "0.4.0.2231.3.0") == 0;
    }
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    if (fault == NULL && !signs_lists)
        fault = "no extended key usage 0.4.0.2231.3.0";
    char country[8] = "", name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(v->signer), NID_countryName, country, sizeof country);
    X509_NAME_get_text_by_NID(X509_get_subject_name(v->signer), NID_organizationName, name, sizeof name);
    const char *territory = v->list->facts.territory;
    bool        same = strcmp(country, territory) == 0 || (strcmp(territory, "EL") == 0 && strcmp(country, "GR") == 0) ||
                (strcmp(territory, "UK") == 0 && strcmp(country, "GB") == 0);
    if (fault == NULL && !same)
        fault = "another country than the list";
    if (fault == NULL && (v->list->operator_name == NULL || strcmp(v->list->operator_name, name) != 0))
        fault = "another organisation than the scheme operator";
    if (fault == NULL)
        return DX_OKAY;
    if (v->source->strict)
        return tlist_refuse(why, "TL-506", "%s", fault);
    tlist_remark(v->list, "TL-506");
    return DX_OKAY;
}

DX_RC tlist_verify(xmlDoc *doc, xmlNode *signature, const tlist_source *source, int64_t at_s, tlist_list *list, dx_why *why)
{
    dx_arena     arena = {0};
    verification v = {.root = xmlDocGetRootElement(doc), .signature = signature, .arena = &arena, .source = source, .at_s = at_s, .list = list};
    v.signed_info = (xmlNode *)(uintptr_t)tlist_child(signature, DS_NS, "SignedInfo");
    struct dx_rc rc = v.signed_info == NULL ? tlist_refuse(why, "TL-403", "no SignedInfo") : check_methods(&v, why);
    if (rc.code == DX_OK)
        rc = check_references(&v, why);
    if (rc.code == DX_OK)
        rc = check_version_rules(&v, why);
    if (rc.code == DX_OK)
        rc = find_signer(&v, why);
    if (rc.code == DX_OK)
        rc = check_key(&v, why);
    if (rc.code == DX_OK)
        rc = check_signature(&v, why);
    if (rc.code == DX_OK)
        rc = check_properties(&v, why);
    if (rc.code == DX_OK)
        rc = check_profile(&v, why);
    X509_free(v.signer);
    dx_arena_fini(&arena);
    return rc;
}
