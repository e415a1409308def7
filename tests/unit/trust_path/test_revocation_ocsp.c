/* One OCSP response and one certificate: whom it speaks of, who says so, and when it holds. */
#include "tests/unit/trust_path/path_world.h"

#include "trust/path/ocsp_read.h"
#include "trust/path/revocation_ocsp.h"

#define NO_CHECK "1.3.6.1.5.5.7.48.1.5=ASN1:NULL"
#define USE      "keyUsage=digitalSignature"
#define SIGNING  "extendedKeyUsage=OCSPSigning"
#define LIST_URL "crlDistributionPoints=URI:http://crl.example/d"
#define TRUST    "C=DE|O=Trust|CN="

static path_world w;
static holder *root, *ca, *peer, *other;

static int begin(void **state)
{
    (void)state;
    world_begin(&w);
    root = world_authority(&w, TRUST "Root", NULL, NULL);
    ca = world_authority(&w, TRUST "CA", root, NULL);
    peer = world_peer(&w, ORG "|CN=peer", ca, NULL);
    other = world_authority(&w, TRUST "Other", root, NULL);
    world_service(&w, ca);
    world_list(&w);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static dx_bytes response(ocsp_recipe r)
{
    r.subject = peer;
    r.issuer = ca;
    return world_ocsp(&w, r);
}

static ocsp_question question(cert_facts facts[2])
{
    assert_true(cert_facts_read(peer->der, &facts[0]) && cert_facts_read(ca->der, &facts[1]));
    return (ocsp_question){.subject = &facts[0],
                           .issuer = &facts[1],
                           .at_s = NOW_S,
                           .until_s = NOW_S,
                           .max_age_s = DAY_S,
                           .no_next_s = 300,
                           .skew_s = 60};
}

/* What the check itself says; "" is good. */
static const char *said(ocsp_recipe r)
{
    cert_facts facts[2];
    ocsp_question q = question(facts);
    ocsp_answer a = revocation_ocsp_check(response(r), &q);
    assert_int_equal(a.state == REVOCATION_GOOD, a.id == NULL);
    assert_int_equal(a.state == REVOCATION_REVOKED, a.id != NULL && strcmp(a.id, "ID-401") == 0);
    return a.id == NULL ? "" : a.id;
}

/* What a judgement of the whole path says. */
static const char *judged(dx_bytes ocsp, dx_bytes crl)
{
    path_input input = {.leaf = peer->der,
                        .evidence = {.ocsp = &ocsp, .ocsp_count = 1, .crl = &crl, .crl_count = crl.size > 0}};
    return world_judge(&w, input);
}

/* ---- 407 ---- */

static void a_response_about_another_certificate_is_none(void **state)
{
    (void)state;
    assert_string_equal(said((ocsp_recipe){0}), "");
    assert_string_equal(said((ocsp_recipe){.about = other}), "ID-407");
    assert_string_equal(said((ocsp_recipe){.name_of = other}), "ID-407");
    assert_string_equal(said((ocsp_recipe){.key_of = other}), "ID-407");
    assert_string_equal(said((ocsp_recipe){.id_md = EVP_sha256()}), "");
    assert_string_equal(said((ocsp_recipe){.id_md = EVP_sha384()}), "");
    assert_string_equal(said((ocsp_recipe){.id_md = EVP_sha512()}), "");
    assert_string_equal(said((ocsp_recipe){.id_md = EVP_sha224()}), "ID-407");
}

/* ---- 406 ---- */

static holder *delegate(const holder *issuer, const char *a, const char *b, const char *c, int64_t until_s)
{
    return world_certificate(
        &w, (certificate_recipe){
                .subject = TRUST "Responder", .issuer = issuer, .until_s = until_s, .extensions = {a, b, c}});
}

static void a_delegate_is_the_issuers_own(void **state)
{
    (void)state;
    holder *twin = world_authority(&w, TRUST "CA", root, NULL); /* same name, another key */
    const struct {
        const char *id;
        const holder *signer;
    } rows[] = {
        {"", ca},
        {"ID-406", root},
        {"ID-406", other},
        {"ID-406", peer},
        {"ID-406", twin},
        {"", delegate(ca, SIGNING, USE, NO_CHECK, 0)},
        {"", delegate(ca, SIGNING, NO_CHECK, NULL, 0)},
        {"ID-406", delegate(other, SIGNING, USE, NO_CHECK, 0)}, /* of a sibling */
        {"ID-406", delegate(root, SIGNING, USE, NO_CHECK, 0)},  /* of the parent */
        {"ID-406", delegate(twin, SIGNING, USE, NO_CHECK, 0)},
        {"ID-406", delegate(ca, "extendedKeyUsage=anyExtendedKeyUsage", USE, NO_CHECK, 0)},
        {"", delegate(ca, "extendedKeyUsage=OCSPSigning,anyExtendedKeyUsage", USE, NO_CHECK, 0)},
        {"ID-406", delegate(ca, USE, NO_CHECK, NULL, 0)}, /* no usage at all */
        {"ID-406", delegate(ca, SIGNING, "keyUsage=keyEncipherment", NO_CHECK, 0)},
        {"ID-406", delegate(ca, SIGNING, USE, NO_CHECK, NOW_S - 1)},
        {"", delegate(ca, SIGNING, USE, NO_CHECK, NOW_S)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(said((ocsp_recipe){.signer = rows[i].signer}), rows[i].id);
        assert_string_equal(said((ocsp_recipe){.signer = rows[i].signer, .by_key = true}), rows[i].id);
    }
    /* A delegate that brings no certificate is nobody. */
    assert_string_equal(said((ocsp_recipe){.signer = rows[5].signer, .no_certificates = true}), "ID-406");
    assert_string_equal(said((ocsp_recipe){.no_certificates = true}), "");
}

static void a_delegate_was_valid_when_it_spoke(void **state)
{
    (void)state;
    certificate_recipe r = {.subject = TRUST "Responder",
                            .issuer = ca,
                            .from_s = NOW_S - 1800,
                            .extensions = {SIGNING, USE, NO_CHECK}};
    holder *young = world_certificate(&w, r);
    assert_string_equal(said((ocsp_recipe){.signer = young}), "ID-406"); /* an hour ago */
    assert_string_equal(said((ocsp_recipe){.signer = young, .produced_s = NOW_S - 1800}), "");
}

static void a_delegate_with_a_list_is_looked_up_there_and_never_by_ocsp(void **state)
{
    (void)state;
    dx_bytes none = {NULL, 0};
    holder *d = delegate(ca, SIGNING, USE, NO_CHECK, 0);
    assert_string_equal(judged(response((ocsp_recipe){.signer = d}), none), "");
    assert_null(strstr(w.verdict.remarks, "ID-419"));
    d = delegate(ca, SIGNING, USE, NULL, 0); /* names no list */
    assert_string_equal(judged(response((ocsp_recipe){.signer = d}), none), "");
    assert_non_null(strstr(w.verdict.remarks, "ID-419"));
    d = delegate(ca, SIGNING, LIST_URL, OCSP_URL, 0);
    dx_bytes ocsp = response((ocsp_recipe){.signer = d});
    assert_string_equal(judged(ocsp, none), "ID-405");
    assert_int_equal(w.question_count, 2);
    assert_true(dx_bytes_equal(w.questions[0].certificate, d->der));
    assert_null(w.questions[0].ocsp_urls[0]);
    assert_string_equal(w.questions[0].crl_urls[0], "http://crl.example/d");
    assert_string_equal(judged(ocsp, world_crl(&w, (crl_recipe){.issuer = ca})), "");
    assert_int_equal(w.verdict.revocation[0].via, REVOCATION_VIA_OCSP);
    /* For CAs only, and so no word about the delegate or the peer. */
    assert_string_equal(
        judged(ocsp, world_crl(&w, (crl_recipe){.issuer = ca,
                                                .listed = d,
                                                .listed_s = NOW_S - 1,
                                                .extensions = {"2.5.29.28=critical,DER:30038201ff"}})),
        "ID-406");
    /* Its no is heard, whatever is known of itself. */
    ocsp = response((ocsp_recipe){.signer = d, .status = V_OCSP_CERTSTATUS_REVOKED, .revoked_s = NOW_S - 1});
    assert_string_equal(judged(ocsp, none), "ID-401");
}

static void a_listed_responder_of_the_same_provider_may_speak(void **state)
{
    (void)state;
    holder *listed = world_certificate(
        &w, (certificate_recipe){.subject = TRUST "Listed responder", .extensions = {SIGNING, USE}});
    ocsp_recipe r = {.signer = listed};
    dx_bytes none = {NULL, 0};
    assert_string_equal(judged(response(r), none), "ID-406");
    tlist_interval *i = world_service(&w, listed);
    i->type = "http://uri.etsi.org/TrstSvc/Svctype/Certstatus/OCSP/QC";
    i->purposes = TLIST_FOR(OCSP);
    world_list(&w);
    assert_string_equal(judged(response(r), none), "");
    r.no_certificates = true;
    assert_string_equal(judged(response(r), none), "");
    i->status_valid = false; /* withdrawn */
    world_list(&w);
    assert_string_equal(judged(response(r), none), "ID-406");
    i->status_valid = true;
    i->purposes = TLIST_FOR(STAMP);
    world_list(&w);
    assert_string_equal(judged(response(r), none), "ID-406");
    i->purposes = TLIST_FOR(OCSP);
    w.services[1].provider = "Another provider";
    world_list(&w);
    assert_string_equal(judged(response(r), none), "ID-406");
}

/* ---- 410 ---- */

static void what_is_no_response_says_nothing(void **state)
{
    (void)state;
    static const char html[] = "<!doctype html><title>Welcome to this hotel</title>";
    static const uint8_t later[] = {0x30, 0x03, 0x0a, 0x01, 0x03}, /* tryLater */
        bare[] = {0x30, 0x03, 0x0a, 0x01, 0x00};                   /* successful, and nothing else */
    cert_facts facts[2];
    ocsp_question q = question(facts);
    uint8_t *giant = calloc(1, OCSP_RESPONSE_MAX_BYTES + 1);
    const dx_bytes rows[] = {{NULL, 0},
                             dx_bytes_of(html, sizeof html - 1),
                             dx_bytes_of(later, sizeof later),
                             dx_bytes_of(bare, sizeof bare),
                             dx_bytes_of(giant, OCSP_RESPONSE_MAX_BYTES + 1)};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(revocation_ocsp_check(rows[i], &q).id, "ID-410");
    dx_bytes ok = response((ocsp_recipe){0});
    memcpy(giant, ok.data, ok.size);
    assert_string_equal(revocation_ocsp_check(dx_bytes_of(giant, ok.size + 1), &q).id, "ID-410");
    free(giant);
    path_input input = {.leaf = peer->der};
    assert_string_equal(world_judge(&w, input), "ID-405"); /* silence */
}

static void no_changed_byte_is_believed(void **state)
{
    (void)state;
    cert_facts facts[2];
    ocsp_question q = question(facts);
    dx_bytes der = response((ocsp_recipe){.signer = delegate(ca, SIGNING, USE, NO_CHECK, 0)});
    uint8_t *copy = malloc(der.size);
    memcpy(copy, der.data, der.size);
    assert_null(revocation_ocsp_check(dx_bytes_of(copy, der.size), &q).id);
    for (size_t i = 0; i < der.size; i++) {
        copy[i] ^= 0x01;
        assert_int_equal(revocation_ocsp_check(dx_bytes_of(copy, der.size), &q).state, REVOCATION_UNKNOWN);
        copy[i] ^= 0x01;
        assert_string_equal(revocation_ocsp_check(dx_bytes_of(copy, i), &q).id, "ID-410");
    }
    free(copy);
}

/* ---- 401, 403, 408, 409 ---- */

static void the_worst_of_several_answers_wins(void **state)
{
    (void)state;
    const int good = V_OCSP_CERTSTATUS_GOOD, revoked = V_OCSP_CERTSTATUS_REVOKED,
              unknown = V_OCSP_CERTSTATUS_UNKNOWN;
    const struct {
        int first, more[3];
        const char *id;
    } rows[] = {
        {good, {1 + good}, ""},          {good, {1 + revoked}, "ID-401"},
        {revoked, {1 + good}, "ID-401"}, {revoked, {1 + good, 1 + unknown}, "ID-401"},
        {unknown, {1 + good}, "ID-403"}, {good, {1 + unknown}, "ID-403"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ocsp_recipe r = {.status = rows[i].first, .revoked_s = NOW_S - 1};
        memcpy(r.statuses, rows[i].more, sizeof r.statuses);
        assert_string_equal(said(r), rows[i].id);
    }
    dx_bytes both[] = {response((ocsp_recipe){.status = revoked, .revoked_s = NOW_S - 1}),
                       response((ocsp_recipe){0})};
    path_input input = {.leaf = peer->der, .evidence = {.ocsp = both, .ocsp_count = 2}};
    assert_string_equal(world_judge(&w, input), "ID-401");
}

static void a_hold_counts_while_it_lasts(void **state)
{
    (void)state;
    assert_string_equal(said((ocsp_recipe){.status = V_OCSP_CERTSTATUS_REVOKED,
                                           .reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD,
                                           .revoked_s = NOW_S - 1}),
                        "ID-401");
}

static void a_response_is_made_in_the_life_of_the_certificate(void **state)
{
    (void)state;
    peer = world_certificate(
        &w, (certificate_recipe){
                .subject = ORG "|CN=ended", .issuer = ca, .until_s = NOW_S - 100, .extensions = {OCSP_URL}});
    assert_string_equal(said((ocsp_recipe){.this_s = NOW_S - 200, .produced_s = NOW_S - 100}), "");
    assert_string_equal(said((ocsp_recipe){.this_s = NOW_S - 200, .produced_s = NOW_S - 99}), "ID-408");
}

static void without_a_next_update_it_serves_once_or_a_while(void **state)
{
    (void)state;
    cert_facts facts[2];
    ocsp_question q = question(facts);
    ocsp_answer a = revocation_ocsp_check(response((ocsp_recipe){.this_s = NOW_S - 10, .next_s = -1}), &q);
    assert_null(a.id);
    assert_int_equal(a.usable_until_s, NOW_S + 290);
    q.no_next_s = 0;
    a = revocation_ocsp_check(response((ocsp_recipe){.this_s = NOW_S - DAY_S, .next_s = -1}), &q);
    assert_null(a.id);
    assert_int_equal(a.usable_until_s, NOW_S);
    a = revocation_ocsp_check(response((ocsp_recipe){.this_s = NOW_S - DAY_S - 1, .next_s = -1}), &q);
    assert_string_equal(a.id, "ID-408");
}

static void an_answer_to_another_question_is_none(void **state)
{
    (void)state;
    cert_facts facts[2];
    ocsp_question q = question(facts);
    dx_bytes with = response((ocsp_recipe){.nonce = "0123456789abcdef"}),
             without = response((ocsp_recipe){0});
    assert_null(revocation_ocsp_check(with, &q).id); /* nobody asked with one: a stored answer */
    q.nonce = DX_BYTES("0123456789abcdef");
    assert_null(revocation_ocsp_check(with, &q).id);
    assert_null(revocation_ocsp_check(without, &q).id);
    q.nonce_required = true;
    assert_null(revocation_ocsp_check(with, &q).id);
    assert_string_equal(revocation_ocsp_check(without, &q).id, "ID-409");
    q.nonce_required = false;
    q.nonce = DX_BYTES("0123456789abcdeF");
    assert_string_equal(revocation_ocsp_check(with, &q).id, "ID-409");
    dx_bytes nonces[] = {q.nonce};
    path_input input = {.leaf = peer->der,
                        .evidence = {.ocsp = &with, .ocsp_count = 1, .ocsp_nonces = nonces}};
    assert_string_equal(world_judge(&w, input), "ID-409");
}

/* ---- who need not be asked about, and what is asked ---- */

static void a_certificate_of_a_day_is_excused_only_by_rule(void **state)
{
    (void)state;
    static const char *const marks[] = {"0.4.0.194121.2.1=ASN1:NULL", "2.5.29.56=ASN1:NULL"};
    revocation_rules rules = revocation_rules_default;
    for (size_t i = 0; i < 2; i++)
        for (int64_t life_s = DAY_S; life_s <= DAY_S + 1; life_s++) {
            holder *day = world_certificate(
                &w, (certificate_recipe){.subject = ORG "|CN=day",
                                         .issuer = ca,
                                         .from_s = NOW_S - 60,
                                         .until_s = NOW_S - 60 + life_s,
                                         .extensions = {USE, "extendedKeyUsage=clientAuth", marks[i]}});
            path_input input = {.leaf = day->der, .revocation = &rules};
            rules.accept_short_term = false;
            assert_string_equal(world_judge(&w, input), "ID-404");
            rules.accept_short_term = true;
            assert_string_equal(world_judge(&w, input), life_s == DAY_S ? "" : "ID-404");
            if (life_s == DAY_S)
                assert_int_equal(w.verdict.revocation[0].via, REVOCATION_VIA_RULE);
        }
}

static void a_request_names_the_certificate_and_carries_the_nonce(void **state)
{
    (void)state;
    dx_bytes der;
    revocation_question q = {
        .certificate = peer->der, .issuer = ca->der, .nonce = DX_BYTES("thirty-two octets of chance here")};
    for (int i = 0; i < 2; i++) {
        q.certid_sha256 = i == 1;
        assert_int_equal(revocation_ocsp_request(&q, &w.arena, &der, NULL).code, DX_OK);
        const uint8_t *p = der.data;
        OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &p, (long)der.size);
        assert_non_null(request);
        assert_int_equal(OCSP_request_onereq_count(request), 1);
        ASN1_OBJECT *hash;
        ASN1_INTEGER *serial;
        OCSP_id_get0_info(NULL, &hash, NULL, &serial,
                          OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0)));
        assert_int_equal(OBJ_obj2nid(hash), i == 1 ? NID_sha256 : NID_sha1);
        assert_int_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(peer->x)), 0);
        assert_true(OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1) >= 0);
        OCSP_REQUEST_free(request);
    }
}

static void addresses_are_few_and_of_http(void **state)
{
    (void)state;
    holder *many =
        world_peer(&w, ORG "|CN=many", ca,
                   "crlDistributionPoints=URI:ldap://a/,URI:http://b/,URI:http://c/,URI:http://d/");
    path_input input = {.leaf = many->der};
    assert_string_equal(world_judge(&w, input), "ID-405");
    assert_int_equal(w.question_count, 1);
    assert_string_equal(w.questions[0].ocsp_urls[0], "http://ocsp.example/");
    assert_null(w.questions[0].ocsp_urls[1]);
    assert_string_equal(w.questions[0].crl_urls[0], "http://b/");
    assert_string_equal(w.questions[0].crl_urls[1], "http://c/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        T(a_response_about_another_certificate_is_none),
        T(a_delegate_is_the_issuers_own),
        T(a_delegate_was_valid_when_it_spoke),
        T(a_delegate_with_a_list_is_looked_up_there_and_never_by_ocsp),
        T(a_listed_responder_of_the_same_provider_may_speak),
        T(what_is_no_response_says_nothing),
        T(no_changed_byte_is_believed),
        T(the_worst_of_several_answers_wins),
        T(a_hold_counts_while_it_lasts),
        T(a_response_is_made_in_the_life_of_the_certificate),
        T(without_a_next_update_it_serves_once_or_a_while),
        T(an_answer_to_another_question_is_none),
        T(a_certificate_of_a_day_is_excused_only_by_rule),
        T(a_request_names_the_certificate_and_carries_the_nonce),
        T(addresses_are_few_and_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
