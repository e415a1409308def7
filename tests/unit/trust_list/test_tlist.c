/* A list is believed whole, from an announced signer; everything else has its id. The test makes its own
 * signers and lists. */
#include "tests/unit/trust_list/tlist_world.h"

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

static void class_and_policies_belong_to_an_interval(void **state)
{
    (void)state;
    char map[96];
    static const char text[] =
        "{\"types\": {\"" JP
        "Svctype/CA/eSeal-accredited\": {\"purpose\": \"issuer\", \"class\": \"jp-eseal-2\", "
        "\"require_policy_oids\": [\"1.2.3\", \"1.2.4\"]}, \"" JP
        "Svctype/CA/old\": {\"purpose\": \"issuer\", \"class\": \"jp-eseal-1\"}}}";
    snprintf(map, sizeof map, "%s/map.json", folder);
    assert_int_equal(dx_io_replace_file(&dx_io_system, map, dx_bytes_text(text), 0600, NULL).code, DX_OK);
    recipe r = with("<ServiceHistoryInstance><ServiceTypeIdentifier>" JP "Svctype/CA/eSeal-accredited",
                    "<ServiceHistoryInstance><ServiceTypeIdentifier>" JP "Svctype/CA/old");
    tlist_source source = jp();
    source.map_file = map;
    char *xml = list_text(&r);
    tlist_list *list;
    assert_int_equal(tlist_read(dx_bytes_text(xml), &source, NOW_S, &list, NULL).code, DX_OK);
    const tlist_interval *i = list->services[0].intervals;
    assert_string_equal(i[0].class_, "jp-eseal-2");
    assert_int_equal(i[0].require_policy_count, 2);
    assert_string_equal(i[0].require_policy_oids[1], "1.2.4");
    assert_string_equal(i[1].class_, "jp-eseal-1");
    assert_int_equal(i[1].require_policy_count, 0);
    tlist_list_unref(list);
    assert_int_equal(dx_io_replace_file(&dx_io_system, map,
                                        DX_BYTES("{\"types\": {\"x:y\": {\"purpose\": \"issuer\", "
                                                 "\"require_policy_oids\": [1]}}}"),
                                        0600, NULL)
                         .code,
                     DX_OK);
    assert_int_equal(tlist_read(dx_bytes_text(xml), &source, NOW_S, &list, NULL).code, DX_CONFIG);
    free(xml);
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
        cmocka_unit_test(the_operator_compiled_marker_cannot_be_configured_away),
        cmocka_unit_test(any_changed_byte_is_seen),
        cmocka_unit_test(class_and_policies_belong_to_an_interval),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
