/* Documents made to break a reader (trusted-lists.md 13.5): each is refused under its own id, and none costs
 * more than twice what a valid list of its size costs. Shapes of wrapping are in test_tlist.c, hostile
 * publishers in test_tlist_fetch.c. */
#include "tests/unit/trust_list/tlist_world_lotl.h"

#include <sys/resource.h>
#include <sys/wait.h>

enum { BIG = 2 << 20 };

static tlist_list *read_as(dx_bytes xml, const tlist_source *source, dx_why *why)
{
    tlist_list *list = NULL;
    *why = (dx_why){0};
    struct dx_rc rc = tlist_read(xml, source, NOW_S, &list, why);
    assert_true((rc.code == DX_OK) == (list != NULL));
    return list;
}

/* ---- what a signature may not be ---- */

static void signatures_that_prove_nothing(void **state)
{
    (void)state;
    recipe r = with("<ds:KeyInfo><ds:X509Data>",
                    "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://127.0.0.1/\"/><ds:X509Data>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-405");
    r = with("<ds:KeyInfo><ds:X509Data>", "<ds:KeyInfo><ds:KeyName>any</ds:KeyName><ds:X509Data>");
    assert_string_equal(verdict_of(list_text(&r)), ""); /* a hint that nobody takes */
    /* HMAC keyed with the public key of the signer, whole and cut to one bit. */
    r = good;
    r.method = MORE "hmac-sha256";
    assert_string_equal(verdict_of(list_text(&r)), "TL-402");
    r = with("ecdsa-sha256\"/>",
             "ecdsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-402");
    static const char *const methods[] = {DS "rsa-sha1",
                                          DS "dsa-sha1",
                                          MORE "rsa-md5",
                                          MORE "ecdsa-sha1",
                                          "http://www.w3.org/2007/05/xmldsig-more#none",
                                          ""};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        r = good;
        r.method = methods[i];
        assert_string_equal(verdict_of(list_text(&r)), "TL-402");
    }
    /* Two transforms more, an XPath behind, a base64, an XSLT with a program in it. */
    static const char *const transforms[] = {DS "base64", "http://www.w3.org/2002/06/xmldsig-filter2",
                                             "http://www.w3.org/TR/1999/REC-xslt-19991116",
                                             "http://www.w3.org/2002/07/decrypt#XML",
                                             "http://www.w3.org/TR/1999/REC-xpath-19991116"};
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++) {
        char to[300];
        snprintf(to, sizeof to,
                 "<ds:Transform Algorithm=\"" DS "enveloped-signature\"/><ds:Transform Algorithm=\"%s\"/>",
                 transforms[i]);
        /* Unsigned: the library that signs would do what it is told. */
        assert_string_equal(
            verdict_of(replaced(draw(&good), "<ds:Transform Algorithm=\"" DS "enveloped-signature\"/>", to)),
            "TL-403");
    }
    static const char *const uris[] = {"http://a.example/x.xml", "file:///nowhere", "#xpointer(/)",
                                       "#xpointer(id('root'))",  "other.xml",       "#sig"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        r = good;
        r.uri = uris[i];
        assert_string_equal(verdict_of(draw(&r)), "TL-403");
    }
    /* A third reference, to something of the list. */
    r = with("</ds:SignedInfo>", "<ds:Reference URI=\"#root\"><ds:DigestMethod Algorithm=\"" SHA2
                                 "\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>");
    assert_string_equal(verdict_of(list_text(&r)), "TL-405");
}

/* ---- eight ways to sign one thing and show another ---- */

/* The signed list moves to `where` of a forged one, whose signature is that of the signed list. */
static char *wrapped(const char *before, const char *after, bool signature_stays)
{
    recipe r = good;
    r.uri = "#root";
    char *real = list_text(&r), *forged = list_text(&good);
    forged = replaced(forged, "JP:list", "JP:fake");
    forged = replaced(forged, "Id=\"root\"", "Id=\"forged\"");
    char *real_from = strstr(real, "<TrustServiceStatusList"),
         *real_signature = strstr(real, "<ds:Signature ");
    char *cut = strstr(forged, "<ds:Signature ");
    char *out = malloc(strlen(real) * 2 + strlen(forged) + 200);
    *cut = '\0';
    char *signature = strdup(real_signature);
    *strstr(signature, "</TrustServiceStatusList>") = '\0';
    if (signature_stays)
        strcpy(real_signature, "</TrustServiceStatusList>");
    sprintf(out, "%s%s%s%s%s</TrustServiceStatusList>", forged, before, real_from, after,
            signature_stays ? signature : "");
    free(signature);
    free(real);
    free(forged);
    return out;
}

static void wrapping_has_no_way_in(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool stays;
    } shapes[] = {
        {"", "", true},
        {"", "", false},
        {"<SchemeExtensions><Extension Critical=\"false\">", "</Extension></SchemeExtensions>", true},
        {"<SchemeExtensions><Extension Critical=\"false\">", "</Extension></SchemeExtensions>", false},
        {"<x:o xmlns:x=\"x\">", "</x:o>", true},
        {"<x:o xmlns:x=\"x\">", "</x:o>", false},
        {"<ds:Object xmlns:ds=\"" DS "\">", "</ds:Object>", true},
        {"<ds:Signature xmlns:ds=\"" DS "\"><ds:Object>", "</ds:Object></ds:Signature>", false}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        assert_string_equal(verdict_of(wrapped(shapes[i].before, shapes[i].after, shapes[i].stays)),
                            "TL-301");
}

/* ---- what may not stand in a document ---- */

static void comments_split_no_text(void **state)
{
    (void)state;
    tlist_source source = jp();
    dx_why why;
    source.kind = TLIST_KIND_LOTL;
    source.territory = "EU";
    source.strict = false;
    lotl_recipe l = {.sequence = 1,
                     .targets = {{"https://good.example/a.xml", LOTL_TYPE, "EU", {&operator_}, NULL}}};
    char *text = lotl_text(&l);
    tlist_list *list = read_as(dx_bytes_text(text), &source, &why);
    assert_non_null(list);
    tlist_list_unref(list);
    /* The signature covers no comment, so that the digest stays right. */
    text = replaced(text, "https://good.example/a.xml", "https://good.example<!-- -->/a.xml");
    assert_null(read_as(dx_bytes_text(text), &source, &why));
    assert_string_equal(why.id, "TL-205");
    free(text);
}

static void one_identifier_is_one_node(void **state)
{
    (void)state;
    static const char *const names[] = {"Id", "ID", "id", "xml:id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char to[64];
        snprintf(to, sizeof to, "<SchemeName %s=\"root\">", names[i]);
        recipe r = with("<SchemeName>", to);
        assert_string_equal(verdict_of(list_text(&r)), "TL-303");
    }
}

/* ---- what they cost ---- */

typedef struct {
    double cpu_s;
    long rss_kib;
    char id[16];
} cost;

/* In a process of its own, so that the peak of one says nothing of another. */
static cost cost_of(dx_bytes xml)
{
    int pipes[2];
    cost c = {0};
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rusage before, after;
        tlist_source source = jp();
        tlist_list *list = NULL;
        dx_why why = {0};
        source.max_bytes = 64 << 20;
        getrusage(RUSAGE_SELF, &before);
        struct dx_rc rc = tlist_read(xml, &source, NOW_S, &list, &why);
        getrusage(RUSAGE_SELF, &after);
        c.cpu_s = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                  (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6;
        c.rss_kib = after.ru_maxrss - before.ru_maxrss;
        snprintf(c.id, sizeof c.id, "%s", rc.code == DX_OK ? "" : why.id);
        _exit(write(pipes[1], &c, sizeof c) == (ssize_t)sizeof c ? 0 : 1);
    }
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(read(pipes[0], &c, sizeof c), sizeof c);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(status, 0);
    return c;
}

/* A valid list of about `size` bytes: its one service many times. */
static char *big_list(size_t size)
{
    char *text = draw(&good), *from = strstr(text, "<TSPService>"), *to = strstr(text, "</TSPServices>");
    size_t one = (size_t)(to - from), times = size / one, head = (size_t)(from - text);
    char *out = malloc(strlen(text) + times * one + 1), *at = out;
    memcpy(at, text, head);
    at += head;
    for (size_t i = 0; i < times; i++, at += one)
        memcpy(at, from, one);
    strcpy(at, to);
    free(text);
    return signed_text(out, &good);
}

/* `unit` until the document is big, between a head and an end. */
static dx_bytes filled(const char *head, const char *unit, const char *end)
{
    size_t one = strlen(unit), times = BIG / one;
    char *out = malloc(strlen(head) + times * one + strlen(end) + 1), *at = out;
    at += sprintf(at, "%s", head);
    for (size_t i = 0; i < times; i++, at += one)
        memcpy(at, unit, one);
    at += sprintf(at, "%s", end);
    return dx_bytes_of(out, (size_t)(at - out));
}

/* As `filled`, with a running number between the two halves of the unit. */
static dx_bytes numbered(const char *head, const char *before, const char *after, const char *end)
{
    char *out = malloc(BIG + 1000), *at = out;
    at += sprintf(at, "%s", head);
    for (unsigned i = 0; at - out < BIG - 100; i++)
        at += sprintf(at, "%s%u%s", before, i, after);
    at += sprintf(at, "%s", end);
    return dx_bytes_of(out, (size_t)(at - out));
}

#define ROOT                                                                                                 \
    "<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\" "                                       \
    "TSLTag=\"http://uri.etsi.org/19612/TSLTag\">"

static void no_attack_costs_more_than_a_list(void **state)
{
    (void)state;
    char *valid = big_list(BIG);
    dx_bytes list = dx_bytes_text(valid);
    cost limit = cost_of(list);
    assert_string_equal(limit.id, "");
    char laughs[2000] = "<!DOCTYPE x [<!ENTITY a \"ha\">", *at = laughs + strlen(laughs);
    for (char c = 'b'; c <= 'k'; c++)
        at += sprintf(at, "<!ENTITY %c \"&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;\">", c, c - 1, c - 1, c - 1,
                      c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    strcpy(at, "]><x>&k;");
    const struct {
        const char *what, *want;
        dx_bytes xml;
    } rows[] = {
        {"a billion laughs", "TL-202", filled(laughs, " ", "</x>")},
        {"one entity, many times", "TL-202",
         filled("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">]><x>", "&a;", "</x>")},
        {"an external entity", "TL-202",
         filled("<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///dev/zero\">]><x>&a;", " ", "</x>")},
        {"an external subset", "TL-202",
         filled("<!DOCTYPE x SYSTEM \"http://127.0.0.1/x.dtd\"><x>", " ", "</x>")},
        {"parameter entities", "TL-202",
         filled("<!DOCTYPE x [<!ENTITY % a '<!ENTITY b \"c\">'>%a;]><x>", " ", "</x>")},
        {"depth", "TL-204", filled("", "<a>", "")},
        {"depth with namespaces", "TL-204", numbered("", "<a xmlns=\"u", "\">", "")},
        {"attributes of one element", "TL-204",
         numbered(ROOT "<x", " a", "=\"\"", "/></TrustServiceStatusList>")},
        {"namespaces of one element", "TL-204",
         numbered(ROOT "<x", " xmlns:a", "=\"u\"", "/></TrustServiceStatusList>")},
        {"empty elements", "TL-204", filled(ROOT, "<a/>", "</TrustServiceStatusList>")},
        {"comments", "TL-204", filled(ROOT, "<!---->", "</TrustServiceStatusList>")},
        {"processing instructions", "TL-204", filled(ROOT, "<?a?>", "</TrustServiceStatusList>")},
        {"CDATA sections", "TL-204", filled(ROOT "<x>", "<![CDATA[]]>", "</x></TrustServiceStatusList>")},
        {"unknown references", "TL-201", filled(ROOT, "&a;", "</TrustServiceStatusList>")},
        {"character references", "TL-302",
         filled(ROOT "<SchemeInformation>", "&#65;", "</SchemeInformation></TrustServiceStatusList>")},
        {"tags that never end", "TL-204", filled(ROOT, "<a ", "")},
        {"a quote that never ends", "TL-201", filled(ROOT "<a b=\"", " x", "")},
        {"spaces", "TL-201", filled("", " ", "")},
        {"a comment that never ends", "TL-201", filled("<!--", "-", "")},
        {"ends without begins", "TL-201", filled(ROOT, "</a>", "")},
        {"another encoding", "TL-203",
         filled("<?xml version=\"1.0\" encoding=\"UTF-7\"?>", "+ADw-a/+AD4-", "")},
        {"UTF-16", "TL-203", filled("\xff\xfe<", "a", "")},
        {"EBCDIC", "TL-201", filled("\x4c\x6f\xa7\x94\x93", "\x4c", "")},
        {"zero bytes", "TL-201", dx_bytes_of(calloc(1, BIG), 1)}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cost c = cost_of(rows[i].xml);
        /* A fork under sanitizers has a few MiB and milliseconds of its own. */
        bool cheap = c.cpu_s <= 2 * limit.cpu_s + 0.02 && c.rss_kib <= 2 * limit.rss_kib + 4096;
        if (!cheap || strcmp(c.id, rows[i].want) != 0 || getenv("SHOW") != NULL)
            print_message("%-28s %-7s (wanted %s)  %.3f s, %ld KiB; a list: %.3f s, %ld KiB\n", rows[i].what,
                          c.id, rows[i].want, c.cpu_s, c.rss_kib, limit.cpu_s, limit.rss_kib);
        assert_true(cheap);
        assert_string_equal(c.id, rows[i].want);
        free((void *)(uintptr_t)rows[i].xml.data);
    }
    free(valid);
}

static void limits_let_real_lists_through(void **state)
{
    (void)state;
    dx_why why = {0};
    assert_int_equal(tlist_scan(DX_BYTES("<a b='<' c=\"=======\"/>"), &why).code, DX_OK);
    assert_int_equal(tlist_scan(DX_BYTES("<?xml version='1.0' encoding='utf-8'?><a/>"), &why).code, DX_OK);
    assert_int_equal(
        tlist_scan(DX_BYTES("\xef\xbb\xbf<?xml version='1.0' encoding=\"UTF-8\"?><a/>"), &why).code, DX_OK);
    assert_int_equal(tlist_scan(DX_BYTES("<!-- <!DOCTYPE x> --><a/>"), &why).code, DX_OK);
    assert_int_equal(tlist_scan(DX_BYTES("<a><![CDATA[<!DOCTYPE x>]]></a>"), &why).code, DX_OK);
    char deep[64 * 7 + 8] = "";
    for (int i = 0; i < 64; i++)
        strcat(deep, "<a>");
    for (int i = 0; i < 64; i++)
        strcat(deep, "</a>");
    assert_int_equal(tlist_scan(dx_bytes_text(deep), &why).code, DX_OK);
    char wide[4000] = "<a";
    for (int i = 0; i < 128; i++)
        sprintf(wide + strlen(wide), " b%d=\"\"", i);
    strcat(wide, "/>");
    assert_int_equal(tlist_scan(dx_bytes_text(wide), &why).code, DX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_that_prove_nothing),    cmocka_unit_test(wrapping_has_no_way_in),
        cmocka_unit_test(comments_split_no_text),           cmocka_unit_test(one_identifier_is_one_node),
        cmocka_unit_test(no_attack_costs_more_than_a_list), cmocka_unit_test(limits_let_real_lists_through),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
