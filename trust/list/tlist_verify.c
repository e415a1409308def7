#include "trust/list/tlist_verify.h"

#include "trust/base/digest.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <xmlsec/keys.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

/* Registers one identifier by hand and makes sure that it resolves to this very node. */
static struct dx_rc add_id(xmlNode *node, dx_why *why)
{
    for (xmlAttr *a = node->properties; a != NULL; a = a->next) {
        if (a->ns != NULL || strcasecmp((const char *)a->name, "id") != 0 || a->children == NULL)
            continue;
        const xmlAttr *known = xmlGetID(node->doc, a->children->content);
        if (known == NULL && xmlAddID(NULL, node->doc, a->children->content, a) != NULL)
            known = xmlGetID(node->doc, a->children->content);
        if (known == NULL || known->parent != node)
            return tlist_refuse(why, 303, "identifier \"%.80s\" does not resolve to %.60s",
                                (const char *)a->children->content, (const char *)node->name);
    }
    return DX_OKAY;
}

static bool allow(xmlSecDSigCtx *c)
{
    xmlSecTransformId both[] = {xmlSecTransformInclC14NId, xmlSecTransformInclC14N11Id,
                                xmlSecTransformExclC14NId};
    xmlSecTransformId digests[] = {xmlSecTransformEnvelopedId, xmlSecOpenSSLTransformSha256Id,
                                   xmlSecOpenSSLTransformSha384Id, xmlSecOpenSSLTransformSha512Id};
    xmlSecTransformId methods[] = {xmlSecOpenSSLTransformRsaSha256Id,   xmlSecOpenSSLTransformRsaSha384Id,
                                   xmlSecOpenSSLTransformRsaSha512Id,   xmlSecOpenSSLTransformEcdsaSha256Id,
                                   xmlSecOpenSSLTransformEcdsaSha384Id, xmlSecOpenSSLTransformEcdsaSha512Id};
    bool ok = true;
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        ok = ok && xmlSecDSigCtxEnableReferenceTransform(c, both[i]) >= 0 &&
             xmlSecDSigCtxEnableSignatureTransform(c, both[i]) >= 0;
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        ok = ok && xmlSecDSigCtxEnableReferenceTransform(c, digests[i]) >= 0;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        ok = ok && xmlSecDSigCtxEnableSignatureTransform(c, methods[i]) >= 0;
    return ok;
}

static xmlSecKey *key_of(dx_bytes certificate)
{
    const unsigned char *at = certificate.data;
    X509 *x509 = d2i_X509(NULL, &at, (long)certificate.size);
    EVP_PKEY *pkey = x509 == NULL ? NULL : X509_get_pubkey(x509);
    X509_free(x509);
    xmlSecKeyData *data = pkey == NULL ? NULL : xmlSecOpenSSLEvpKeyAdopt(pkey);
    if (data == NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    xmlSecKey *key = xmlSecKeyCreate();
    if (key == NULL || xmlSecKeySetValue(key, data) < 0) {
        xmlSecKeyDataDestroy(data);
        if (key != NULL)
            xmlSecKeyDestroy(key);
        return NULL;
    }
    return key;
}

/* TL-508: the padded block for a SHA-2 digest, with or without the NULL of its AlgorithmIdentifier. */
static size_t padded(uint8_t *out, size_t size, dx_hash_kind kind, const uint8_t *digest, bool null)
{
    static const uint8_t last[] = {0x01, 0x02, 0x03}; /* id-sha256, id-sha384, id-sha512 */
    uint8_t info[96];
    size_t n = 0, hash = dx_hash_size(kind), parameters = null ? 2 : 0;
    const uint8_t oid[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
    info[n++] = 0x30;
    info[n++] = (uint8_t)(2 + 11 + parameters + 2 + hash);
    info[n++] = 0x30;
    info[n++] = (uint8_t)(11 + parameters);
    memcpy(info + n, oid, sizeof oid);
    n += sizeof oid;
    info[n++] = last[kind];
    if (null) {
        info[n++] = 0x05;
        info[n++] = 0x00;
    }
    info[n++] = 0x04;
    info[n++] = (uint8_t)hash;
    memcpy(info + n, digest, hash);
    n += hash;
    if (size < n + 11)
        return 0;
    memset(out, 0xff, size);
    out[0] = 0;
    out[1] = 1;
    out[size - n - 1] = 0;
    memcpy(out + size - n, info, n);
    return size;
}

static bool recover(dx_bytes certificate, dx_bytes value, uint8_t *out, size_t *size)
{
    const unsigned char *at = certificate.data;
    X509 *x509 = d2i_X509(NULL, &at, (long)certificate.size);
    EVP_PKEY *pkey = x509 == NULL ? NULL : X509_get0_pubkey(x509);
    EVP_PKEY_CTX *c =
        pkey == NULL || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = c != NULL && (size_t)EVP_PKEY_get_size(pkey) <= *size && EVP_PKEY_verify_recover_init(c) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) > 0 &&
              EVP_PKEY_verify_recover(c, out, size, value.data, value.size) > 0;
    EVP_PKEY_CTX_free(c);
    X509_free(x509);
    return ok;
}

/* True when the signature value is right but for the missing NULL. */
static bool lacks_null(xmlSecDSigCtx *c, const tlist_signature_parts *parts, dx_bytes certificate,
                       dx_arena *arena)
{
    xmlSecBuffer *pre = xmlSecDSigCtxGetPreSignBuffer(c);
    dx_bytes value;
    uint8_t digest[64], got[1024], want[1024];
    size_t size = sizeof got;
    if (pre == NULL || strstr(parts->method, "#rsa-sha") == NULL ||
        !tlist_base64(parts->value, arena, &value) || !recover(certificate, value, got, &size))
        return false;
    dx_hash_kind kind = strstr(parts->method, "256") != NULL   ? DX_HASH_SHA256
                        : strstr(parts->method, "384") != NULL ? DX_HASH_SHA384
                                                               : DX_HASH_SHA512;
    dx_digest(kind, dx_bytes_of(xmlSecBufferGetData(pre), xmlSecBufferGetSize(pre)), digest);
    return padded(want, size, kind, digest, false) == size && memcmp(want, got, size) == 0;
}

static bool references_right(xmlSecDSigCtx *c, unsigned count)
{
    xmlSecSize size = xmlSecPtrListGetSize(&c->signedInfoReferences);
    for (xmlSecSize i = 0; i < size; i++) {
        const xmlSecDSigReferenceCtx *r = xmlSecPtrListGetItem(&c->signedInfoReferences, i);
        if (r == NULL || r->status != xmlSecDSigStatusSucceeded)
            return false;
    }
    return size == count;
}

static const char *failed_reference(xmlSecDSigCtx *c)
{
    static const char *const names[] = {"the digest of the list", "the digest of SignedProperties",
                                        "the digest of KeyInfo"};
    xmlSecSize size = xmlSecPtrListGetSize(&c->signedInfoReferences);
    for (xmlSecSize i = 0; i < size && i < 3; i++) {
        const xmlSecDSigReferenceCtx *r = xmlSecPtrListGetItem(&c->signedInfoReferences, i);
        if (r == NULL || r->status != xmlSecDSigStatusSucceeded)
            return names[i];
    }
    return size == 0 ? "SignedInfo" : "the signature value";
}

static struct dx_rc run(xmlSecDSigCtx *c, tlist_tree *tree, const tlist_signature_parts *parts,
                        const tlist_verify_rules *rules, dx_bytes signer, dx_arena *arena, dx_why *why)
{
    c->enabledReferenceUris = xmlSecTransformUriTypeEmpty | xmlSecTransformUriTypeSameDocument;
    c->flags |= XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES | XMLSEC_DSIG_FLAGS_STORE_SIGNATURE;
    if (!allow(c))
        return DX_FAIL(why, INTERNAL, "", "xmlsec does not know the allowed algorithms");
    if (rules->legacy_xpath && xmlSecDSigCtxEnableReferenceTransform(c, xmlSecTransformXPathId) < 0)
        return DX_FAIL(why, INTERNAL, "", "xmlsec does not know XPath");
    c->signKey = key_of(signer);
    if (c->signKey == NULL)
        return tlist_refuse(why, 507, "the key of the signer cannot be used");
    int done = xmlSecDSigCtxVerify(c, tree->signature);
    if (done >= 0 && c->status == xmlSecDSigStatusSucceeded && references_right(c, parts->references))
        return DX_OKAY;
    if (done >= 0 && references_right(c, parts->references) && lacks_null(c, parts, signer, arena)) {
        if (!rules->rsa_digestinfo_either)
            return tlist_refuse(why, 508, "the DigestInfo of the RSA signature lacks its NULL parameters");
        tlist_remark(&tree->remarks, 508);
        return DX_OKAY;
    }
    return tlist_refuse_as(why, DX_BAD_SIGNATURE, 502, "%s is wrong", failed_reference(c));
}

/* TL-501: the certificate in KeyInfo that was announced. */
static struct dx_rc choose(const tlist_signature_parts *parts, const tlist_verify_rules *rules,
                           dx_arena *arena, tlist_signature *out, dx_why *why)
{
    char seen[65] = "";
    size_t count = 0;
    for (const xmlNode *n = parts->key_info; n != NULL; n = tlist_walk(parts->key_info, n)) {
        dx_bytes der;
        if (!tlist_is(n, TLIST_NS_DS, "X509Certificate") || !tlist_base64(n, arena, &der) || count++ > 16)
            continue;
        dx_sha256(der, out->signer_sha256);
        dx_hex(dx_bytes_of(out->signer_sha256, 32), seen);
        for (size_t i = 0; i < rules->anchor_count; i++)
            if (memcmp(rules->anchors[i], out->signer_sha256, 32) == 0) {
                out->signer = der;
                return DX_OKAY;
            }
    }
    return tlist_refuse(why, 501, "signer not announced: %s%.64s is not one of %zu announced certificates",
                        count == 0 ? "no certificate in KeyInfo" : "", seen, rules->anchor_count);
}

DX_RC tlist_verify(tlist_tree *tree, const tlist_verify_rules *rules, dx_arena *arena, tlist_signature *out,
                   dx_why *why)
{
    tlist_signature_parts parts;
    *out = (tlist_signature){0};
    DX_TRY(tlist_signature_shape(tree, rules->legacy_xpath, &parts, why));
    DX_TRY(choose(&parts, rules, arena, out, why));
    DX_TRY(tlist_signer_check(tree, &parts, rules, arena, out, why));
    DX_TRY(add_id(tree->root, why));
    for (xmlNode *n = tree->signature; n != NULL; n = tlist_walk(tree->signature, n))
        if (n == parts.properties || (n == parts.key_info && parts.references == 3))
            DX_TRY(add_id(n, why));
    xmlSecDSigCtx *c = xmlSecDSigCtxCreate(NULL);
    if (c == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the signature context");
    struct dx_rc rc = run(c, tree, &parts, rules, out->signer, arena, why);
    xmlSecDSigCtxDestroy(c);
    DX_TRY(rc);
    if (xmlDocGetRootElement(tree->doc) != tree->root || tree->signature->parent != tree->root)
        return tlist_refuse(why, 406, "the signed root is not the root that is read");
    return DX_OKAY;
}
