/* tlist_world.h -- signers and signed lists of one's own, for tests of trust/list. */
#ifndef TESTS_UNIT_TRUST_LIST_TLIST_WORLD_H
#define TESTS_UNIT_TRUST_LIST_TLIST_WORLD_H

#include "trust/base/digest.h"
#include "trust/list/tlist_store_inside.h"

#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/xmlsec.h>
#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wunused-function" /* each test takes what it needs */

#define DS    "http://www.w3.org/2000/09/xmldsig#"
#define MORE  "http://www.w3.org/2001/04/xmldsig-more#"
#define EXC   "http://www.w3.org/2001/10/xml-exc-c14n#"
#define SHA2  "http://www.w3.org/2001/04/xmlenc#sha256"
#define JP    "https://j-tsl.example/TrstSvc/"
#define NOW_S 1795608000 /* 2026-11-25T12:00:00Z */

typedef struct {
    EVP_PKEY *key;
    uint8_t der[2048], sha256[32];
    size_t size;
} signer;

static signer operator_, stranger, service_ca;
static char folder[64];

static void make_signer(signer *s, const char *cn, bool tsl)
{
    s->key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    ASN1_TIME_set(X509_getm_notBefore(x), NOW_S - 86400 * 30);
    ASN1_TIME_set(X509_getm_notAfter(x), NOW_S + 86400 * 300);
    X509_NAME *n = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(n, "C", MBSTRING_UTF8, (const unsigned char *)"JP", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)"Scheme Operator", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(x, n);
    X509_set_pubkey(x, s->key);
    X509V3_CTX c;
    X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
    const char *extensions[][2] = {{"keyUsage", "digitalSignature"},
                                   {"extendedKeyUsage", tsl ? "0.4.0.2231.3.0" : "clientAuth"},
                                   {"subjectKeyIdentifier", "hash"},
                                   {"basicConstraints", "CA:FALSE"}};
    for (size_t i = 0; i < 4; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &c, extensions[i][0], extensions[i][1]);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, s->key, EVP_sha256()) > 0);
    unsigned char *at = s->der;
    s->size = (size_t)i2d_X509(x, &at);
    dx_sha256(dx_bytes_of(s->der, s->size), s->sha256);
    X509_free(x);
}

typedef struct {
    const signer *by;
    uint64_t sequence;
    const char *issued, *next_update;               /* next_update "": closed */
    const char *status, *extra_rule;                /* of the service; a further scheme rule */
    const char *method, *digest1, *uri, *transform; /* NULL: the right one */
    const char *from, *to;                          /* replacement in the text before signing */
} recipe;

static const char * or (const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

/* Text of an unsigned list with an empty signature in it. */
static char *draw(const recipe *r)
{
    char cert[4096], ca[4096], digest[64], *out = malloc(65536);
    dx_base64(dx_bytes_of(r->by->der, r->by->size), cert);
    dx_base64(dx_bytes_of(service_ca.der, service_ca.size), ca);
    dx_base64(dx_bytes_of(r->by->sha256, 32), digest);
    int n = snprintf(
        out, 65536,
        "<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\" Id=\"root\" "
        "TSLTag=\"http://uri.etsi.org/19612/TSLTag\">"
        "<SchemeInformation><TSLVersionIdentifier>6</TSLVersionIdentifier><TSLSequenceNumber>%llu</"
        "TSLSequenceNumber>"
        "<TSLType>" JP "TrustedList/TSLType/JPlist</TSLType><SchemeOperatorName><Name xml:lang=\"en\">Scheme "
        "Operator</Name></SchemeOperatorName>"
        "<SchemeOperatorAddress><PostalAddresses><PostalAddress "
        "xml:lang=\"en\"><StreetAddress>1</StreetAddress><Locality>T</Locality><CountryName>JP</"
        "CountryName></PostalAddress></PostalAddresses>"
        "<ElectronicAddress><URI "
        "xml:lang=\"en\">mailto:a@b.example</URI></ElectronicAddress></SchemeOperatorAddress>"
        "<SchemeName><Name xml:lang=\"en\">JP:list</Name></SchemeName><SchemeInformationURI><URI "
        "xml:lang=\"en\">https://a.example/</URI></SchemeInformationURI>"
        "<StatusDeterminationApproach>" JP
        "TrustedList/StatusDetn/JPdetermination</StatusDeterminationApproach>"
        "<SchemeTypeCommunityRules><URI xml:lang=\"en\">%s</URI></SchemeTypeCommunityRules>"
        "<SchemeTerritory>JP</SchemeTerritory><HistoricalInformationPeriod>65535</"
        "HistoricalInformationPeriod>"
        "<ListIssueDateTime>%s</ListIssueDateTime><NextUpdate>%s%s%s</NextUpdate></SchemeInformation>"
        "<TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName><Name "
        "xml:lang=\"en\">Provider</Name></TSPName>"
        "<TSPTradeName><Name xml:lang=\"en\">NTRJP-8999900000001</Name></TSPTradeName>"
        "<TSPAddress><PostalAddresses><PostalAddress "
        "xml:lang=\"en\"><StreetAddress>1</StreetAddress><Locality>T</Locality><CountryName>JP</"
        "CountryName></PostalAddress></PostalAddresses>"
        "<ElectronicAddress><URI "
        "xml:lang=\"en\">mailto:a@b.example</URI></ElectronicAddress></TSPAddress><TSPInformationURI><URI "
        "xml:lang=\"en\">https://a.example/</URI></TSPInformationURI></TSPInformation>"
        "<TSPServices><TSPService><ServiceInformation><ServiceTypeIdentifier>" JP
        "Svctype/CA/eSeal-accredited</ServiceTypeIdentifier>"
        "<ServiceName><Name "
        "xml:lang=\"en\">Seals</Name></ServiceName><ServiceDigitalIdentity><DigitalId><X509Certificate>%s</"
        "X509Certificate></DigitalId></ServiceDigitalIdentity>"
        "<ServiceStatus>" JP "Svcstatus/%s</ServiceStatus><StatusStartingTime>2026-06-01T00:00:00Z</"
        "StatusStartingTime></ServiceInformation>"
        "<ServiceHistory><ServiceHistoryInstance><ServiceTypeIdentifier>" JP
        "Svctype/CA/eSeal-accredited</ServiceTypeIdentifier><ServiceName><Name "
        "xml:lang=\"en\">Seals</Name></ServiceName><ServiceDigitalIdentity/>"
        "<ServiceStatus>" JP "Svcstatus/accredited</ServiceStatus><StatusStartingTime>2025-06-01T00:00:00Z</"
        "StatusStartingTime></ServiceHistoryInstance></ServiceHistory>"
        "</TSPService></TSPServices></TrustServiceProvider></TrustServiceProviderList>"
        "<ds:Signature xmlns:ds=\"" DS
        "\" Id=\"sig\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" EXC
        "\"/><ds:SignatureMethod Algorithm=\"%s\"/>"
        "<ds:Reference URI=\"%s\"><ds:Transforms><ds:Transform Algorithm=\"%s\"/><ds:Transform "
        "Algorithm=\"" EXC
        "\"/></ds:Transforms><ds:DigestMethod Algorithm=\"%s\"/><ds:DigestValue/></ds:Reference>"
        "<ds:Reference Type=\"http://uri.etsi.org/01903#SignedProperties\" "
        "URI=\"#props\"><ds:Transforms><ds:Transform Algorithm=\"" EXC
        "\"/></ds:Transforms><ds:DigestMethod Algorithm=\"" SHA2 "\"/><ds:DigestValue/></ds:Reference>"
        "</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</"
        "ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        "<ds:Object><xades:QualifyingProperties xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" "
        "Target=\"#sig\"><xades:SignedProperties Id=\"props\"><xades:SignedSignatureProperties>"
        "<xades:SigningTime>2026-11-20T00:00:00Z</"
        "xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod "
        "Algorithm=\"" SHA2
        "\"/><ds:DigestValue>%s</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
        "</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></"
        "ds:Object></ds:Signature></TrustServiceStatusList>",
        (unsigned long long)r->sequence, or (r->extra_rule, JP "TrustedList/schemerules/JP"),
        or (r->issued, "2026-11-20T00:00:00Z"),
        r->next_update != NULL && r->next_update[0] == '\0' ? "" : "<dateTime>",
        or (r->next_update, "2027-02-01T00:00:00Z"),
        r->next_update != NULL && r->next_update[0] == '\0' ? "" : "</dateTime>", ca,
        or (r->status, "accredited"), or (r->method, MORE "ecdsa-sha256"), or (r->uri, ""),
        or (r->transform, DS "enveloped-signature"), or (r->digest1, SHA2), cert, digest);
    assert_true(n > 0 && n < 65536);
    return out;
}

static char *replaced(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    char *out = malloc(strlen(text) + strlen(to) + 1);
    sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    free(text);
    return out;
}

/* Signs with the library that also verifies; NULL when it refuses to (SHA-1, HMAC: those stay unsigned text).
 */
static char *signed_text(char *text, const recipe *r)
{
    xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
    assert_non_null(doc);
    xmlNode *signature =
        xmlSecFindNode(xmlDocGetRootElement(doc), (const xmlChar *)"Signature", (const xmlChar *)DS);
    xmlNode *props = xmlSecFindNode(xmlDocGetRootElement(doc), (const xmlChar *)"SignedProperties",
                                    (const xmlChar *)"http://uri.etsi.org/01903/v1.3.2#");
    xmlAddID(NULL, doc, (const xmlChar *)"props", xmlHasProp(props, (const xmlChar *)"Id"));
    xmlAddID(NULL, doc, (const xmlChar *)"root",
             xmlHasProp(xmlDocGetRootElement(doc), (const xmlChar *)"Id"));
    xmlSecDSigCtx *c = xmlSecDSigCtxCreate(NULL);
    EVP_PKEY_up_ref(r->by->key);
    c->signKey = xmlSecKeyCreate();
    xmlSecKeySetValue(c->signKey, xmlSecOpenSSLEvpKeyAdopt(r->by->key));
    if (xmlSecDSigCtxSign(c, signature) >= 0) {
        xmlChar *out = NULL;
        int size = 0;
        xmlDocDumpMemoryEnc(doc, &out, &size, "UTF-8");
        free(text);
        text = malloc((size_t)size + 1);
        memcpy(text, out, (size_t)size);
        text[size] = '\0';
        xmlFree(out);
    }
    xmlSecDSigCtxDestroy(c);
    xmlFreeDoc(doc);
    return text;
}

static char *list_text(const recipe *r)
{
    char *text = draw(r);
    if (r->from != NULL)
        text = replaced(text, r->from, r->to);
    return signed_text(text, r);
}

static tlist_source jp(void)
{
    static uint8_t anchors[1][32];
    memcpy(anchors[0], operator_.sha256, 32);
    return (tlist_source){.id = "jp",
                          .kind = TLIST_KIND_TL,
                          .url = folder,
                          .anchors = (const uint8_t(*)[32])anchors,
                          .anchor_count = 1,
                          .scheme = "JP",
                          .territory = "JP",
                          .strict = true};
}

/* Reads and frees the text; "" is acceptance. */
static const char *verdict_of(char *text)
{
    static dx_why why;
    tlist_source source = jp();
    tlist_list *list = NULL;
    why = (dx_why){0};
    struct dx_rc rc = tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why);
    assert_true((rc.code == DX_OK) == (list != NULL));
    if (rc.code != DX_OK && getenv("SHOW") != NULL)
        print_message("%s %s\n", why.id, why.text);
    tlist_list_unref(list);
    free(text);
    return rc.code == DX_OK ? "" : why.id;
}

static const recipe good = {.by = &operator_, .sequence = 5};

static recipe with(const char *from, const char *to)
{
    recipe r = good;
    r.from = from;
    r.to = to;
    return r;
}

/* Changed after signing. */
static char *tampered(const char *from, const char *to)
{
    return replaced(list_text(&good), from, to);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sekisho-tlist-XXXXXX");
    tlist_list *none;
    tlist_source source = {.id = "x"};
    (void)(tlist_read(DX_BYTES("x"), &source, 0, &none, NULL)).code; /* starts libxml2 and xmlsec */
    make_signer(&operator_, "List signer", true);
    make_signer(&stranger, "Stranger", true);
    make_signer(&service_ca, "Seal CA", false);
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    EVP_PKEY_free(operator_.key);
    EVP_PKEY_free(stranger.key);
    EVP_PKEY_free(service_ca.key);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

#endif
