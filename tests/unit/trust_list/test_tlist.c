/* A list is believed whole, from an announced signer, never older than before; everything else has its id.
 * The test makes its own signers and lists. */
#include "trust/base/digest.h"
#include "trust/list/tlist.h"

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
static char *list_text(const recipe *r)
{
    char *text = draw(r);
    if (r->from != NULL)
        text = replaced(text, r->from, r->to);
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

static void a_signed_list_of_an_announced_signer_is_read(void **state)
{
    (void)state;
    tlist_source source = jp();
    tlist_list *list;
    dx_why why = {0};
    char *text = list_text(&good);
    struct dx_rc rc = tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why);
    if (rc.code != DX_OK)
        print_message("%s %s\n", why.id, why.text);
    assert_int_equal(rc.code, DX_OK);
    assert_int_equal(tlist_list_facts(list)->sequence, 5);
    tlist_snapshot *snapshot;
    assert_int_equal(tlist_snapshot_of(&list, 1, NOW_S, &snapshot, &why).code, DX_OK);
    const tlist_service *const *services;
    assert_int_equal(tlist_snapshot_services(snapshot, &services), 1);
    assert_string_equal(services[0]->provider_id, "NTRJP-8999900000001");
    assert_string_equal(services[0]->intervals[0].class_, "jp-eseal-2");
    const tlist_certificate *c = &services[0]->certificates[0];
    tlist_key key = {c->der, c->spki, c->subject, {0}};
    tlist_hit hit;
    tlist_miss miss;
    assert_int_equal(tlist_find(snapshot, &key, TLIST_ISSUER, NOW_S, &hit, 1, &miss), 1);
    assert_true(hit.usable);
    assert_int_equal(hit.good_until_s, tlist_list_facts(list)->next_update_s);
    assert_int_equal(tlist_find(snapshot, &key, TLIST_STAMP, NOW_S, &hit, 1, &miss), 1);
    assert_false(hit.usable);
    assert_string_equal(hit.id, "ID-303");
    assert_int_equal(tlist_find(snapshot, &key, TLIST_ISSUER, 1700000000, &hit, 1, &miss), 1);
    assert_string_equal(hit.id, "ID-304"); /* before its first status */
    assert_int_equal(tlist_find(snapshot, &key, TLIST_ISSUER, NOW_S + 86400 * 100, &hit, 1, &miss), 1);
    assert_string_equal(hit.id, "ID-306"); /* after NextUpdate */
    const tlist_certificate *issuers[2];
    assert_int_equal(tlist_issuers(snapshot, c->subject, issuers, 2), 1);
    tlist_key other = key;
    uint8_t spki[512];
    memcpy(spki, key.spki.data, key.spki.size);
    spki[key.spki.size - 1] ^= 1;
    other.spki = dx_bytes_of(spki, key.spki.size);
    assert_int_equal(tlist_find(snapshot, &other, TLIST_ISSUER, NOW_S, &hit, 1, &miss), 0);
    assert_int_equal(miss, TLIST_MISS_NAME_ONLY);
    tlist_snapshot_unref(snapshot);
    tlist_list_unref(list);
    free(text);
}

static void a_status_change_acts_at_its_instant(void **state)
{
    (void)state;
    recipe r = good;
    r.status = "revoked";
    tlist_source source = jp();
    tlist_list *list;
    tlist_snapshot *snapshot;
    char *text = list_text(&r);
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, NULL).code, DX_OK);
    assert_int_equal(tlist_snapshot_of(&list, 1, NOW_S, &snapshot, NULL).code, DX_OK);
    const tlist_service *const *services;
    tlist_snapshot_services(snapshot, &services);
    const tlist_certificate *c = &services[0]->certificates[0];
    tlist_key key = {c->der, c->spki, c->subject, {0}};
    tlist_hit hit;
    int64_t start = services[0]->intervals[0].from_s;
    assert_int_equal(tlist_find(snapshot, &key, TLIST_ISSUER, start - 1, &hit, 1, NULL), 1);
    assert_true(hit.usable);
    assert_int_equal(hit.good_until_s, start);
    assert_int_equal(tlist_find(snapshot, &key, TLIST_ISSUER, start, &hit, 1, NULL), 1);
    assert_false(hit.usable);
    assert_string_equal(hit.id, "ID-304");
    tlist_snapshot_unref(snapshot);
    tlist_list_unref(list);
    free(text);
}

static void hardening_has_its_ids(void **state)
{
    (void)state;
    assert_string_equal(verdict_of(strdup("")), "TL-107");
    assert_string_equal(verdict_of(strdup("<a><b></a>")), "TL-201");
    assert_string_equal(
        verdict_of(tampered("<TrustServiceStatusList", "<!DOCTYPE x><TrustServiceStatusList")), "TL-202");
    assert_string_equal(verdict_of(tampered("<TrustServiceStatusList",
                                            "<!DOCTYPE x [<!ENTITY a \"b\">]><TrustServiceStatusList")),
                        "TL-202");
    assert_string_equal(verdict_of(tampered("JP:list", "&a;")), "TL-201");
    assert_string_equal(verdict_of(tampered("UTF-8", "ISO-8859-1")), "TL-203");
    assert_string_equal(verdict_of(tampered("JP:list", "JP<!-- -->list")), "TL-205");
    assert_string_equal(verdict_of(tampered("<SchemeName>", "<?x y?><SchemeName>")), "TL-205");
    char *deep = calloc(1, 3 * 10000 + 1);
    for (size_t i = 0; i < 10000; i++)
        memcpy(deep + 3 * i, "<a>", 3);
    assert_string_equal(verdict_of(deep), "TL-204");
    /* White space, comments around the root and between elements are fine. */
    assert_string_equal(verdict_of(tampered("<TrustServiceStatusList", "<!-- x --><TrustServiceStatusList")),
                        "");
}

static void shape_has_its_ids(void **state)
{
    (void)state;
    assert_string_equal(verdict_of(tampered("TSLTag=\"http", "TSLTag=\"ftp")), "TL-301");
    char *twice = list_text(&good), *from = strstr(twice, "<ds:Signature "), *copy = strdup(from);
    copy = replaced(copy, "</TrustServiceStatusList>", "");
    twice = replaced(twice, "<ds:Signature ", copy);
    free(copy);
    twice = replaced(twice, "</ds:Signature>", "</ds:Signature><ds:Signature ");
    assert_string_equal(verdict_of(twice), "TL-302");
    assert_string_equal(verdict_of(tampered("<SchemeName>", "<SchemeName Id=\"props\">")), "TL-303");
    recipe r = with("Identifier>6<", "Identifier>4<");
    assert_string_equal(verdict_of(list_text(&r)), "TL-304");
    r = with("Number>5<", "Number>0x5<");
    assert_string_equal(verdict_of(list_text(&r)), "TL-305");
    r = with("Territory>JP<", "Territory>jp<");
    assert_string_equal(verdict_of(list_text(&r)), "TL-306");
    r = with("<NextUpdate><dateTime>2027-02-01T00:00:00Z</dateTime></NextUpdate>", "");
    assert_string_equal(verdict_of(list_text(&r)), "TL-307");
    r = with("2026-11-20T00:00:00Z</ListIssue", "2026-11-20T00:00:00</ListIssue");
    assert_string_equal(verdict_of(list_text(&r)), "TL-308");
    r = with("<SchemeName><Name xml:lang=\"en\">", "<SchemeName><Name>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-311");
    r = with("xades:SigningCertificateV2><xades:Cert>",
             "xades:SigningCertificateV2><xades:SigningCertificate/><xades:Cert>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-312");
    r = with(
        "<SchemeName>",
        "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\"/><SchemeName>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-311");
}

/* Eight ways to sign one thing and show another. */
static void wrapping_is_refused_in_every_shape(void **state)
{
    (void)state;
    recipe r = good;
    assert_string_equal(verdict_of(tampered("JP:list", "JP:fake")), "TL-502");
    r.uri = "#props"; /* only SignedProperties signed */
    assert_string_equal(verdict_of(list_text(&r)), "TL-403");
    r = good;
    r.uri = "#root";
    assert_string_equal(verdict_of(list_text(&r)), ""); /* the root by its own Id is the root */
    assert_string_equal(verdict_of(replaced(list_text(&r), "Id=\"root\"", "Id=\"toor\"")), "TL-403");
    r = good;
    r.transform = "http://www.w3.org/TR/1999/REC-xslt-19991116";
    assert_string_equal(verdict_of(list_text(&r)), "TL-403");
    r.transform = "http://www.w3.org/TR/1999/REC-xpath-19991116";
    assert_string_equal(verdict_of(list_text(&r)), "TL-403");
    r = with("<ds:Reference URI=\"\">",
             "<ds:Reference Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" URI=\"\">");
    assert_string_equal(verdict_of(list_text(&r)), "TL-403");
    r = with("Target=\"#sig\"", "Target=\"#gis\"");
    assert_string_equal(verdict_of(list_text(&r)), "TL-404");
    r = with("<ds:Object>", "<ds:Object><ds:Manifest/></ds:Object><ds:Object>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-405");
    r = with("</ds:SignedInfo>", "<ds:Reference URI=\"#props\"><ds:DigestMethod Algorithm=\"" SHA2
                                 "\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-405");
    /* The whole signed list inside a fake one. */
    char *inner = list_text(&good), *start = strstr(inner, "<TrustServiceStatusList"),
         *whole = malloc(strlen(inner) * 2 + 100);
    sprintf(whole,
            "<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\" "
            "TSLTag=\"http://uri.etsi.org/19612/TSLTag\">%s</TrustServiceStatusList>",
            start);
    free(inner);
    assert_string_equal(verdict_of(whole), "TL-301");
}

static void weak_methods_are_refused(void **state)
{
    (void)state;
    recipe r = good;
    r.digest1 = DS "sha1";
    assert_string_equal(verdict_of(list_text(&r)), "TL-402");
    r = good;
    r.method = DS "hmac-sha1";
    assert_string_equal(verdict_of(list_text(&r)), "TL-402");
    r.method = MORE "hmac-sha256";
    assert_string_equal(verdict_of(list_text(&r)), "TL-402");
    r = with("<ds:CanonicalizationMethod Algorithm=\"" EXC "\"",
             "<ds:CanonicalizationMethod Algorithm=\"" EXC "WithComments\"");
    assert_string_equal(verdict_of(list_text(&r)), "TL-401");
}

static void only_announced_signers_of_the_profile_count(void **state)
{
    (void)state;
    recipe r = good;
    r.by = &stranger;
    assert_string_equal(verdict_of(list_text(&r)), "TL-501");
    /* KeyInfo names the operator, the stranger signed. */
    char *text = list_text(&r), ours[4096], theirs[4096];
    dx_base64(dx_bytes_of(operator_.der, operator_.size), ours);
    dx_base64(dx_bytes_of(stranger.der, stranger.size), theirs);
    assert_string_equal(verdict_of(replaced(text, theirs, ours)), "TL-503");
    r = with("2026-11-20T00:00:00Z</xades", "2020-11-20T00:00:00Z</xades");
    assert_string_equal(verdict_of(list_text(&r)), "TL-504");
    r = with("<SchemeOperatorName><Name xml:lang=\"en\">Scheme Operator<",
             "<SchemeOperatorName><Name xml:lang=\"en\">Someone Else<");
    assert_string_equal(verdict_of(list_text(&r)), "TL-506");
    r = with("Territory>JP<", "Territory>DE<");
    assert_string_equal(verdict_of(list_text(&r)), "TL-506");
    r = good;
    r.issued = "2026-12-20T00:00:00Z";
    assert_string_equal(verdict_of(list_text(&r)), "TL-703");
    r = good;
    r.next_update = "2027-12-20T00:00:00Z";
    assert_string_equal(verdict_of(list_text(&r)), "TL-706");
}

/* ---- the store ---- */

typedef struct {
    dx_clock_fixed clock;
    tlist_source source;
    tlist_store_spec spec;
    char state[96], file[96];
    tlist_run_line last;
} world;

static void on_line(void *context, const tlist_run_line *line)
{
    ((world *)context)->last = *line;
}

static void begin(world *w)
{
    static unsigned count;
    *w = (world){.source = jp()};
    snprintf(w->state, sizeof w->state, "%s/state%u", folder, count);
    snprintf(w->file, sizeof w->file, "%s/list%u.xml", folder, count++);
    w->source.url = w->file;
    dx_clock_fixed_init(&w->clock, NOW_S * INT64_C(1000000));
    w->spec = (tlist_store_spec){.sources = &w->source,
                                 .source_count = 1,
                                 .state_dir = w->state,
                                 .io = &dx_io_system,
                                 .clock = &w->clock.clock};
}

static void publish(world *w, const recipe *r)
{
    char *text = list_text(r);
    assert_int_equal(dx_io_replace_file(&dx_io_system, w->file, dx_bytes_text(text), 0600, NULL).code, DX_OK);
    free(text);
}

static const char *update(world *w, tlist_store *store, const recipe *r)
{
    publish(w, r);
    assert_int_equal(tlist_store_update(store, on_line, w, NULL).code, DX_OK);
    return w->last.accepted ? "" : w->last.why.id;
}

static void sequence_numbers_never_go_back(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    recipe r = good;
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_null(tlist_store_snapshot(store));
    assert_string_equal(update(&w, store, &r), "");
    tlist_snapshot *first = tlist_store_snapshot(store);
    assert_non_null(first);
    r.sequence = 4;
    assert_string_equal(update(&w, store, &r), "TL-701");
    r.sequence = 5;
    r.status = "revoked";
    assert_string_equal(update(&w, store, &r), "TL-702");
    r.status = NULL; /* signed anew, same content: another file (ECDSA is not deterministic) */
    assert_string_equal(update(&w, store, &r), "");
    assert_non_null(strstr(w.last.remarks, "TL-702"));
    r.sequence = 6;
    r.issued = "2026-11-01T00:00:00Z";
    assert_string_equal(update(&w, store, &r), "TL-703");
    tlist_store_close(store);
    /* After a restart too. */
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    tlist_snapshot *again = tlist_store_snapshot(store);
    assert_non_null(again);
    r = good;
    r.sequence = 4;
    assert_string_equal(update(&w, store, &r), "TL-701");
    tlist_store *second;
    dx_why why;
    assert_int_equal(tlist_store_open(&w.spec, &second, &why).code, DX_BUSY); /* the lock */
    tlist_snapshot_unref(first);
    tlist_snapshot_unref(again);
    tlist_store_close(store);
}

static void the_memory_of_sequence_numbers_is_whole_or_nothing_is_believed(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    dx_why why;
    char path[128];
    dx_buf file;
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &good), "");
    tlist_store_close(store);
    snprintf(path, sizeof path, "%s/highwater.json", w.state);
    dx_buf_init(&file, 65536);
    assert_int_equal(dx_io_read_file(&dx_io_system, path, 65536, &file, NULL).code, DX_OK);
    for (size_t i = 0; i < file.size; i += 7) {
        file.data[i] ^= 1;
        assert_int_equal(dx_io_replace_file(&dx_io_system, path, dx_buf_view(&file), 0600, NULL).code, DX_OK);
        assert_int_equal(tlist_store_open(&w.spec, &store, &why).code, DX_BROKEN);
        assert_string_equal(why.id, "TL-711");
        file.data[i] ^= 1;
    }
    dx_buf_fini(&file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tlist_store_open(&w.spec, &store, &why).code, DX_BROKEN);
    assert_string_equal(why.id, "TL-712");
    w.spec.reset_sequence = "jp";
    assert_int_equal(tlist_store_open(&w.spec, &store, &why).code, DX_OK);
    tlist_store_close(store);
}

static void time_alone_changes_the_state(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    begin(&w);
    w.spec.grace_s = 3600;
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &good), "");
    tlist_snapshot *s = tlist_store_snapshot(store);
    const tlist_facts *const *lists;
    assert_int_equal(tlist_snapshot_lists(s, &lists), 1);
    uint64_t epoch = tlist_snapshot_epoch(s);
    int64_t end = lists[0]->next_update_s;
    assert_int_equal(lists[0]->state, TLIST_STATE_OK);
    tlist_snapshot_unref(s);
    static const tlist_state want[] = {TLIST_STATE_GRACE, TLIST_STATE_EXPIRED};
    for (size_t i = 0; i < 2; i++) {
        w.clock.now_us = (end + (int64_t)i * 3600) * 1000000;
        assert_true(tlist_store_due_s(store) <= dx_now_s(&w.clock.clock));
        s = tlist_store_snapshot(store);
        tlist_snapshot_lists(s, &lists);
        assert_int_equal(lists[0]->state, want[i]);
        assert_true(tlist_snapshot_epoch(s) > epoch);
        epoch = tlist_snapshot_epoch(s);
        tlist_snapshot_unref(s);
    }
    recipe r = good;
    r.sequence = 9;
    r.next_update = "";
    w.clock.now_us = NOW_S * INT64_C(1000000);
    assert_string_equal(update(&w, store, &r), "");
    s = tlist_store_snapshot(store);
    tlist_snapshot_lists(s, &lists);
    assert_int_equal(lists[0]->state, TLIST_STATE_CLOSED);
    tlist_snapshot_unref(s);
    tlist_store_close(store);
}

static void the_operator_compiled_marker_cannot_be_configured_away(void **state)
{
    (void)state;
    recipe r = good;
    r.extra_rule = JP "TrustedList/schemerules/operator-compiled";
    tlist_source source = jp();
    tlist_list *list;
    char *text = list_text(&r);
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, NULL).code, DX_OK);
    assert_int_equal(tlist_list_facts(list)->origin, TLIST_ORIGIN_OPERATOR_COMPILED);
    tlist_list_unref(list);
    free(text);
}

/* No changed byte of a signed list is accepted with other content. */
static void any_changed_byte_is_seen(void **state)
{
    (void)state;
    char *text = list_text(&good);
    size_t size = strlen(text);
    tlist_source source = jp();
    tlist_list *list;
    unsigned seed = 1;
    for (int i = 0; i < 400; i++) {
        seed = seed * 1103515245u + 12345u;
        size_t at = (seed >> 8) % size;
        char old = text[at];
        text[at] = (char)(old ^ (1 << (seed % 5)));
        if (tlist_read(dx_bytes_of(text, size), &source, NOW_S, &list, NULL).code == DX_OK) {
            assert_int_equal(tlist_list_facts(list)->sequence, 5);
            assert_int_equal(tlist_list_facts(list)->next_update_s, 1801440000);
            tlist_list_unref(list);
        }
        text[at] = old;
    }
    free(text);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_list_of_an_announced_signer_is_read),
        cmocka_unit_test(a_status_change_acts_at_its_instant),
        cmocka_unit_test(hardening_has_its_ids),
        cmocka_unit_test(shape_has_its_ids),
        cmocka_unit_test(wrapping_is_refused_in_every_shape),
        cmocka_unit_test(weak_methods_are_refused),
        cmocka_unit_test(only_announced_signers_of_the_profile_count),
        cmocka_unit_test(sequence_numbers_never_go_back),
        cmocka_unit_test(the_memory_of_sequence_numbers_is_whole_or_nothing_is_believed),
        cmocka_unit_test(time_alone_changes_the_state),
        cmocka_unit_test(the_operator_compiled_marker_cannot_be_configured_away),
        cmocka_unit_test(any_changed_byte_is_seen),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
