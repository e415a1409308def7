/* XAdES baseline B, enveloped (EN 319 132-1): SigningTime, SigningCertificateV2, DataObjectFormat; two
 * references, SHA-256, exclusive canonicalisation. Canonical octets go to the caller's signer, the value
 * comes back: no key is seen here. */
#include "trust/list/tlist_build_private.h"
#include "trust/list/tlist_certificate.h"

#include <libxml/c14n.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define SHA256   "http://www.w3.org/2001/04/xmlenc#sha256"
#define MORE     "http://www.w3.org/2001/04/xmldsig-more#"

enum { CANONICAL_MAX = 64 << 20 };

typedef struct {
    const xmlNode *node;
    bool without; /* all but the node and what is below; else these alone */
} part;

static int visible(void *context, xmlNode *node, xmlNode *parent)
{
    const part *p = context;
    const xmlNode *n = node->type == XML_NAMESPACE_DECL || node->type == XML_ATTRIBUTE_NODE ? parent : node;
    while (n != NULL && n != p->node)
        n = n->parent;
    return (n != NULL) != p->without;
}

static struct dx_rc canonical(xmlDoc *doc, const xmlNode *node, bool without, dx_buf *out, dx_why *why)
{
    part p = {node, without};
    xmlBuffer *text = xmlBufferCreate();
    xmlOutputBuffer *port = text == NULL ? NULL : xmlOutputBufferCreateBuffer(text, NULL);
    int size = port == NULL ? -1 : xmlC14NExecute(doc, visible, &p, XML_C14N_EXCLUSIVE_1_0, NULL, 0, port);
    struct dx_rc rc = DX_OKAY;
    if (port == NULL || xmlOutputBufferClose(port) < 0 || size < 0)
        rc = tlist_build_no_memory(why);
    else
        rc = dx_buf_add(out, dx_bytes_of(xmlBufferContent(text), (size_t)xmlBufferLength(text)));
    xmlBufferFree(text);
    return rc;
}

/* ---- the tree of the signature ---- */

typedef struct {
    xmlNs *ds, *xades;
    bool failed;
} writer;

static xmlNode *element(writer *w, xmlNode *parent, xmlNs *ns, const char *name)
{
    xmlNode *node = parent == NULL ? NULL : xmlNewChild(parent, ns, (const xmlChar *)name, NULL);
    w->failed |= node == NULL;
    return node;
}

static xmlNode *set(writer *w, xmlNode *node, const char *name, const char *value)
{
    w->failed |= node == NULL || xmlNewProp(node, (const xmlChar *)name, (const xmlChar *)value) == NULL;
    return node;
}

static void write(writer *w, xmlNode *node, const char *text)
{
    if (node != NULL)
        xmlNodeAddContent(node, (const xmlChar *)text);
    w->failed |= node == NULL || node->children == NULL;
}

static void write_base64(writer *w, xmlNode *node, dx_bytes data)
{
    dx_arena arena = {0};
    char *text = dx_arena_alloc(&arena, DX_BASE64_SIZE(data.size));
    w->failed |= text == NULL;
    if (text != NULL) {
        dx_base64(data, text);
        write(w, node, text);
    }
    dx_arena_fini(&arena);
}

static xmlNode *reference(writer *w, xmlNode *info, const char *id, const char *uri, const char *type,
                          bool enveloped)
{
    xmlNode *node = element(w, info, w->ds, "Reference"), *transforms;
    if (id != NULL)
        set(w, node, "Id", id);
    if (type != NULL)
        set(w, node, "Type", type);
    set(w, node, "URI", uri);
    transforms = element(w, node, w->ds, "Transforms");
    if (enveloped)
        set(w, element(w, transforms, w->ds, "Transform"), "Algorithm", TLIST_NS_DS "enveloped-signature");
    set(w, element(w, transforms, w->ds, "Transform"), "Algorithm", EXC_C14N);
    set(w, element(w, node, w->ds, "DigestMethod"), "Algorithm", SHA256);
    return element(w, node, w->ds, "DigestValue");
}

static xmlNode *properties(writer *w, xmlNode *object, const build *b)
{
    char time[DX_TIME_SIZE];
    uint8_t sha256[32];
    dx_time_print(b->spec->signing_s, time);
    dx_sha256(b->spec->signer, sha256);
    xmlNode *qualifying = element(w, object, NULL, "QualifyingProperties");
    w->xades = qualifying == NULL
                   ? NULL
                   : xmlNewNs(qualifying, (const xmlChar *)TLIST_NS_XADES, (const xmlChar *)"xades");
    if (w->xades == NULL) {
        w->failed = true;
        return NULL;
    }
    xmlSetNs(qualifying, w->xades);
    set(w, qualifying, "Target", "#list-signature");
    xmlNode *signed_ =
        set(w, element(w, qualifying, w->xades, "SignedProperties"), "Id", "list-signed-properties");
    xmlNode *own = element(w, signed_, w->xades, "SignedSignatureProperties");
    write(w, element(w, own, w->xades, "SigningTime"), time);
    xmlNode *cert = element(w, element(w, own, w->xades, "SigningCertificateV2"), w->xades, "Cert");
    xmlNode *digest = element(w, cert, w->xades, "CertDigest");
    set(w, element(w, digest, w->ds, "DigestMethod"), "Algorithm", SHA256);
    write_base64(w, element(w, digest, w->ds, "DigestValue"), dx_bytes_of(sha256, sizeof sha256));
    xmlNode *data = element(w, signed_, w->xades, "SignedDataObjectProperties");
    xmlNode *format =
        set(w, element(w, data, w->xades, "DataObjectFormat"), "ObjectReference", "#list-reference");
    write(w, element(w, format, w->xades, "MimeType"), "text/xml");
    return signed_;
}

static struct dx_rc fill_digest(xmlDoc *doc, writer *w, const xmlNode *node, bool without, xmlNode *value,
                                dx_why *why)
{
    uint8_t sha256[32];
    dx_buf octets;
    dx_buf_init(&octets, CANONICAL_MAX);
    struct dx_rc rc = canonical(doc, node, without, &octets, why);
    if (rc.code == DX_OK) {
        dx_sha256(dx_buf_view(&octets), sha256);
        write_base64(w, value, dx_bytes_of(sha256, sizeof sha256));
    }
    dx_buf_fini(&octets);
    return rc;
}

static struct dx_rc fill_value(const build *b, xmlDoc *doc, writer *w, bool rsa, const xmlNode *info,
                               xmlNode *value, dx_why *why)
{
    dx_buf octets, made;
    dx_buf_init(&octets, CANONICAL_MAX);
    dx_buf_init(&made, 2048);
    struct dx_rc rc = canonical(doc, info, false, &octets, why);
    if (rc.code == DX_OK)
        rc = b->spec->sign(b->spec->sign_context, rsa, dx_buf_view(&octets), &made, why);
    if (rc.code == DX_OK)
        write_base64(w, value, dx_buf_view(&made));
    dx_buf_fini(&octets);
    dx_buf_fini(&made);
    return rc;
}

DX_RC tlist_build_signer(dx_bytes der, bool *rsa, dx_why *why)
{
    const unsigned char *at = der.data;
    X509 *x = d2i_X509(NULL, &at, (long)der.size);
    EVP_PKEY *key = x == NULL ? NULL : X509_get0_pubkey(x);
    int kind = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key),
        bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
    char curve[64] = "";
    if (kind == EVP_PKEY_EC)
        (void)EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL);
    X509_free(x);
    *rsa = kind == EVP_PKEY_RSA;
    if ((*rsa && bits >= 3072) || strcmp(curve, "prime256v1") == 0 || strcmp(curve, "P-256") == 0)
        return DX_OKAY;
    return DX_FAIL(why, CONFIG, "trusted-lists.md 9.3",
                   "the signer's key is neither RSA of 3072 bits or more nor on P-256 (%s%d bits)", curve,
                   bits);
}

DX_RC tlist_build_signature(const build *b, xmlDoc *doc, dx_why *why)
{
    bool rsa;
    writer w = {0};
    DX_TRY(tlist_build_signer(b->spec->signer, &rsa, why));
    xmlNode *root = xmlDocGetRootElement(doc), *signature = element(&w, root, NULL, "Signature");
    w.ds =
        signature == NULL ? NULL : xmlNewNs(signature, (const xmlChar *)TLIST_NS_DS, (const xmlChar *)"ds");
    if (w.ds == NULL)
        return tlist_build_no_memory(why);
    xmlSetNs(signature, w.ds);
    set(&w, signature, "Id", "list-signature");
    xmlNode *info = element(&w, signature, w.ds, "SignedInfo");
    set(&w, element(&w, info, w.ds, "CanonicalizationMethod"), "Algorithm", EXC_C14N);
    set(&w, element(&w, info, w.ds, "SignatureMethod"), "Algorithm",
        rsa ? MORE "rsa-sha256" : MORE "ecdsa-sha256");
    xmlNode *list = reference(&w, info, "list-reference", "", NULL, true);
    xmlNode *own = reference(&w, info, NULL, "#list-signed-properties",
                             "http://uri.etsi.org/01903#SignedProperties", false);
    xmlNode *value = element(&w, signature, w.ds, "SignatureValue");
    xmlNode *x509 = element(&w, element(&w, signature, w.ds, "KeyInfo"), w.ds, "X509Data");
    write_base64(&w, element(&w, x509, w.ds, "X509Certificate"), b->spec->signer);
    xmlNode *signed_ = properties(&w, element(&w, signature, w.ds, "Object"), b);
    if (w.failed)
        return tlist_build_no_memory(why);
    DX_TRY(fill_digest(doc, &w, signature, true, list, why));
    DX_TRY(fill_digest(doc, &w, signed_, false, own, why));
    DX_TRY(fill_value(b, doc, &w, rsa, info, value, why));
    return w.failed ? tlist_build_no_memory(why) : DX_OKAY;
}
