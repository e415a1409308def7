/* What a list says is read as the standard means it, and what it says badly is remarked, not guessed (TL-304,
 * TL-508, TL-801 to TL-806). */
#include "tests/unit/trust_list/tlist_world.h"

#include <openssl/rsa.h>

static tlist_list *read_list(const recipe *r, const tlist_source *source)
{
    tlist_list *list = NULL;
    dx_why why = {0};
    char *text = list_text(r);
    struct dx_rc rc = tlist_read(dx_bytes_text(text), source, NOW_S, &list, &why);
    if (rc.code != DX_OK)
        print_message("%s %s\n", why.id, why.text);
    assert_int_equal(rc.code, DX_OK);
    free(text);
    return list;
}

#define EXTENSIONS(text)                                                                                     \
    "</StatusStartingTime><ServiceInformationExtensions>" text "</ServiceInformationExtensions>"

static void extensions_are_known_or_make_the_interval_unusable(void **state)
{
    (void)state;
    static const char addition[] = "http://uri.etsi.org/02231/v2/additionaltypes#";
    char to[1200];
    tlist_source source = jp();
    snprintf(to, sizeof to,
             EXTENSIONS("<Extension Critical=\"true\"><a:TakenOverBy xmlns:a=\"%s\"><a:URI "
                        "xml:lang=\"en\">https://a.example/"
                        "</a:URI><TSPName><Name xml:lang=\"en\">The "
                        "successor</Name></TSPName></a:TakenOverBy></Extension>"
                        "<Extension Critical=\"false\"><ExpiredCertsRevocationInfo>2020-01-01T00:00:00Z"
                        "</ExpiredCertsRevocationInfo></Extension><Extension Critical=\"false\"><x:new "
                        "xmlns:x=\"urn:x\"/>"
                        "</Extension>"),
             addition);
    recipe r = with("</StatusStartingTime>", to);
    tlist_list *list = read_list(&r, &source);
    const tlist_interval *n = list->services[0].intervals;
    assert_true(n[0].usable);
    assert_string_equal(n[0].taken_over_by, "The successor");
    assert_int_equal(n[0].expired_certs_from_s, 1577836800);
    assert_null(n[1].taken_over_by);
    assert_string_equal(list->remarks.text, "");
    tlist_list_unref(list);
    r = with("</StatusStartingTime>",
             EXTENSIONS("<Extension Critical=\"true\"><x:new xmlns:x=\"urn:x\"/></Extension>"));
    list = read_list(&r, &source);
    assert_false(list->services[0].intervals[0].usable);
    assert_true(list->services[0].intervals[1].usable); /* that interval, no other */
    assert_true(tlist_remarked(&list->remarks, 803));
    tlist_list_unref(list);
    r = with("</StatusStartingTime>",
             EXTENSIONS("<Extension Critical=\"true\"><q:Qualifications xmlns:q=\"" TLIST_NS_SIE
                        "\"><q:QualificationElement><q:Qualifiers><q:Qualifier "
                        "uri=\"u:q\"/></q:Qualifiers><q:CriteriaList "
                        "assert=\"perhaps\"/></q:QualificationElement></q:Qualifications></Extension>"));
    list = read_list(&r, &source);
    assert_false(list->services[0].intervals[0].qualifications[0].usable);
    assert_true(tlist_remarked(&list->remarks, 804));
    tlist_list_unref(list);
}

static void identities_and_history_that_cannot_be(void **state)
{
    (void)state;
    tlist_source source = jp();
    recipe r = good;
    r.from = "</X509Certificate></DigitalId></ServiceDigitalIdentity>";
    r.to = "</X509Certificate></DigitalId><DigitalId><X509Certificate>LS0tLS1CRUdJTg==</X509Certificate></"
           "DigitalId>"
           "</ServiceDigitalIdentity>";
    tlist_list *list = read_list(&r, &source);
    assert_int_equal(list->services[0].certificate_count, 1); /* the other one is skipped */
    assert_true(tlist_remarked(&list->remarks, 801));
    tlist_list_unref(list);
    /* History newer than the present: cut to nothing. */
    r = with("2025-06-01T00:00:00Z</StatusStartingTime></ServiceHistoryInstance>",
             "2026-07-01T00:00:00Z</StatusStartingTime></ServiceHistoryInstance>");
    list = read_list(&r, &source);
    const tlist_interval *n = list->services[0].intervals;
    assert_int_equal(n[1].from_s, n[1].until_s);
    assert_true(tlist_remarked(&list->remarks, 806));
    tlist_list_unref(list);
    /* A type or status that nobody knows is kept as text and serves nothing. */
    r = good;
    r.status = "blessed";
    list = read_list(&r, &source);
    assert_false(list->services[0].intervals[0].status_valid);
    tlist_list_unref(list);
}

static void a_source_may_take_one_version_only(void **state)
{
    (void)state;
    tlist_source source = jp();
    tlist_list *list;
    dx_why why = {0};
    char *text = list_text(&good);
    source.only_version_6 = true;
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why).code, DX_OK);
    tlist_list_unref(list);
    source = jp();
    source.only_version_5 = true;
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why).code, DX_REFUSED);
    assert_string_equal(why.id, "TL-304");
    free(text);
}

/* ---- TL-508 ---- */

static void make_rsa_signer(signer *s, unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    make_signer(s, "RSA signer", true);
    EVP_PKEY_free(s->key);
    s->key = key;
    const unsigned char *at = s->der;
    X509 *x = d2i_X509(NULL, &at, (long)s->size);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    unsigned char *out = s->der;
    s->size = (size_t)i2d_X509(x, &out);
    dx_sha256(dx_bytes_of(s->der, s->size), s->sha256);
    X509_free(x);
}

/* The raw operation of the key: no padding. */
static void raw(EVP_PKEY *key, bool sign, const uint8_t in[256], uint8_t out[256])
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    size_t size = 256;
    assert_int_equal(sign ? EVP_PKEY_sign_init(c) : EVP_PKEY_verify_recover_init(c), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
    assert_int_equal(
        sign ? EVP_PKEY_sign(c, out, &size, in, 256) : EVP_PKEY_verify_recover(c, out, &size, in, 256), 1);
    assert_int_equal(size, 256);
    EVP_PKEY_CTX_free(c);
}

/* The signature value again, over a DigestInfo whose algorithm has no parameters. */
static char *without_null(char *text, EVP_PKEY *key)
{
    static const uint8_t info[] = {0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
                                   0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20};
    char *from = strstr(text, "<ds:SignatureValue>") + 19, *to = strstr(from, "</ds:SignatureValue>"),
         tight[512], fresh[512];
    uint8_t value[384], block[256], made[256];
    size_t kept = 0, size = sizeof value;
    for (const char *at = from; at < to; at++)
        if (strchr(" \r\n\t", *at) == NULL)
            tight[kept++] = *at;
    assert_true(dx_base64_decode(dx_bytes_of(tight, kept), value, &size) && size == 256);
    raw(key, false, value, block);
    memset(block + 2, 0xff, 256 - 2 - 1 - sizeof info - 32);
    block[256 - 32 - sizeof info - 1] = 0;
    memcpy(block + 256 - 32 - sizeof info, info, sizeof info);
    raw(key, true, block, made);
    dx_base64(dx_bytes_of(made, 256), fresh);
    char *out = malloc(strlen(text) + 512);
    sprintf(out, "%.*s%s%s", (int)(from - text), text, fresh, to);
    free(text);
    return out;
}

static void a_digest_info_without_null(void **state)
{
    (void)state;
    static signer rsa;
    make_rsa_signer(&rsa, 2048);
    recipe r = good;
    r.by = &rsa;
    r.method = MORE "rsa-sha256";
    tlist_source source = jp();
    uint8_t anchors[1][32];
    memcpy(anchors[0], rsa.sha256, 32);
    source.anchors = (const uint8_t(*)[32])anchors;
    tlist_list *list = NULL;
    dx_why why = {0};
    char *text = list_text(&r);
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why).code, DX_OK);
    tlist_list_unref(list);
    text = without_null(text, rsa.key);
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why).code, DX_REFUSED);
    assert_string_equal(why.id, "TL-508");
    source.rsa_digestinfo_either = true;
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why).code, DX_OK);
    assert_true(tlist_remarked(&list->remarks, 508));
    tlist_list_unref(list);
    /* It stays a signature: over this text, by this key. */
    text = replaced(text, "JP:list", "JP:fake");
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why).code, DX_BAD_SIGNATURE);
    assert_string_equal(why.id, "TL-502");
    free(text);
    EVP_PKEY_free(rsa.key);
    /* A key that is too short. */
    make_rsa_signer(&rsa, 1024);
    memcpy(anchors[0], rsa.sha256, 32);
    text = list_text(&r);
    assert_int_equal(tlist_read(dx_bytes_text(text), &source, NOW_S, &list, &why).code, DX_REFUSED);
    assert_string_equal(why.id, "TL-507");
    free(text);
    EVP_PKEY_free(rsa.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extensions_are_known_or_make_the_interval_unusable),
        cmocka_unit_test(identities_and_history_that_cannot_be),
        cmocka_unit_test(a_source_may_take_one_version_only),
        cmocka_unit_test(a_digest_info_without_null),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
