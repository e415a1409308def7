/* STAMP-11 by named anchors: what the CRLs at hand say of the signer's chain. */
#include "tests/unit/trust_path/path_world.h"

#include "trust/stamp/stamp_private.h"

static path_world w;
static holder *ca, *unit;

static int begin(void **state)
{
    (void)state;
    world_begin(&w);
    ca = world_authority(&w, "C=JP|O=Time|CN=CA", NULL, NULL);
    unit = world_certificate(
        &w, (certificate_recipe){.subject = "C=JP|O=Time|CN=Unit",
                                 .issuer = ca,
                                 .extensions = {"extendedKeyUsage=critical,timeStamping",
                                                "crlDistributionPoints=URI:http://crl.example/1"}});
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static bool believed(dx_bytes crl, int64_t until_s)
{
    const stamp_token token = {.info = {.time_us = NOW_S * INT64_C(1000000)}};
    const stamp_signer signer = {unit->der, unit->x};
    const stamp_trust trust = {.anchors = &ca->der, .anchor_count = 1, .crls = &crl, .crl_count = 1};
    stamp_verdict verdict;
    return stamp_chain_check(&token, &signer, &trust, until_s, &verdict);
}

static void a_crl_answers_when_it_is_read_and_covers_the_time(void **state)
{
    (void)state;
    const struct {
        crl_recipe crl;
        bool believed;
    } rows[] = {
        {{.issuer = ca}, true},
        {{.issuer = ca, .this_s = NOW_S + 61, .next_s = NOW_S + DAY_S}, true},
        {{.issuer = ca, .this_s = NOW_S - DAY_S, .next_s = NOW_S - 1}, false},
        {{.issuer = ca, .listed = unit, .listed_s = NOW_S + 1}, true},
        {{.issuer = ca, .listed = unit, .listed_s = NOW_S}, false},
        {{.issuer = ca, .listed = unit, .listed_text = "some day"}, false}, /* since ever */
        {{.issuer = ca, .extensions = {"2.5.29.27=critical,ASN1:INTEGER:3"}}, false},
        {{.issuer = ca, .extensions = {"2.5.29.28=critical,DER:30038201ff"}}, false},
        {{.issuer = ca,
          .extensions = {"issuingDistributionPoint=critical,fullname:URI:http://crl.example/2"}},
         false},
        {{.issuer = ca, .md = EVP_sha1()}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(believed(world_crl(&w, rows[i].crl), 0), rows[i].believed);
    /* Before the next proof of existence. */
    dx_bytes later = world_crl(&w, (crl_recipe){.issuer = ca, .listed = unit, .listed_s = NOW_S + 100});
    assert_true(believed(later, NOW_S + 99));
    assert_false(believed(later, NOW_S + 100));
}

static void a_crl_is_signed_by_who_may_sign_crls(void **state)
{
    (void)state;
    holder *only_certificates = world_certificate(
        &w,
        (certificate_recipe){.subject = "C=JP|O=Time|CN=CA 2",
                             .extensions = {"basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"}});
    ca = only_certificates;
    unit = world_certificate(
        &w, (certificate_recipe){.subject = "C=JP|O=Time|CN=Unit",
                                 .issuer = ca,
                                 .extensions = {"extendedKeyUsage=critical,timeStamping",
                                                "crlDistributionPoints=URI:http://crl.example/1"}});
    assert_false(believed(world_crl(&w, (crl_recipe){.issuer = ca}), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_crl_answers_when_it_is_read_and_covers_the_time, begin, end),
        cmocka_unit_test_setup_teardown(a_crl_is_signed_by_who_may_sign_crls, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
