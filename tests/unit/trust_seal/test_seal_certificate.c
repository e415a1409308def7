/* Believing a seal's certificate by named anchors: a search that ends, and CRLs that mean what they say. */
#include "tests/unit/trust_path/path_world.h"

#include "trust/seal/seal_certificate.h"

static path_world w;
static holder *ca, *leaf;

static int begin(void **state)
{
    (void)state;
    world_begin(&w);
    ca = world_authority(&w, "C=JP|O=Trust|CN=CA", NULL, NULL);
    leaf = world_certificate(&w, (certificate_recipe){.subject = ORG "|CN=seal",
                                                      .issuer = ca,
                                                      .extensions = {"keyUsage=critical,digitalSignature"}});
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static seal_path_answer path_of(const holder *subject, const dx_bytes *others, size_t count,
                                const dx_bytes *crl, seal_revocation *revocation, int64_t *revoked_s)
{
    seal_certificate *c = NULL;
    const seal_check_spec spec = {
        .anchors = &ca->der, .anchor_count = 1, .crls = crl, .crl_count = crl == NULL ? 0 : 1};
    assert_int_equal(seal_certificate_open(subject->der, &c, NULL).code, DX_OK);
    seal_path_answer answer = seal_certificate_path(c, &spec, others, count, NOW_S, revocation, revoked_s);
    seal_certificate_close(c);
    return answer;
}

static void a_crl_counts_when_it_covers_the_seal_and_is_understood(void **state)
{
    (void)state;
    const struct {
        crl_recipe crl;
        seal_revocation answer;
        int64_t revoked_s;
    } rows[] = {
        {{.issuer = ca}, SEAL_REVOCATION_GOOD, -1},
        {{.issuer = ca, .this_s = NOW_S - 900 * (int64_t)DAY_S, .next_s = NOW_S - 1},
         SEAL_REVOCATION_UNKNOWN,
         -1},
        {{.issuer = ca, .this_s = NOW_S - 900 * (int64_t)DAY_S, .next_s = NOW_S}, SEAL_REVOCATION_GOOD, -1},
        {{.issuer = ca, .this_s = NOW_S + DAY_S, .next_s = NOW_S + 2 * DAY_S}, SEAL_REVOCATION_GOOD, -1},
        {{.issuer = ca, .extensions = {"2.5.29.27=critical,ASN1:INTEGER:3"}}, SEAL_REVOCATION_UNKNOWN, -1},
        {{.issuer = ca, .extensions = {"2.5.29.28=critical,DER:30038201ff"}}, SEAL_REVOCATION_UNKNOWN, -1},
        {{.issuer = ca, .extensions = {"1.2.3.4=critical,ASN1:NULL"}}, SEAL_REVOCATION_UNKNOWN, -1},
        {{.issuer = ca, .md = EVP_sha1()}, SEAL_REVOCATION_UNKNOWN, -1},
        {{.issuer = ca, .listed = leaf, .listed_s = NOW_S + 9}, SEAL_REVOCATION_REVOKED, NOW_S + 9},
        {{.issuer = ca, .listed = leaf, .listed_text = "some day"}, SEAL_REVOCATION_REVOKED, 0},
        {{.issuer = ca,
          .listed = leaf,
          .listed_s = NOW_S - 9,
          .this_s = NOW_S - 900 * (int64_t)DAY_S,
          .next_s = NOW_S - 800 * (int64_t)DAY_S},
         SEAL_REVOCATION_REVOKED,
         NOW_S - 9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dx_bytes crl = world_crl(&w, rows[i].crl);
        seal_revocation answer;
        int64_t revoked_s = -1;
        assert_int_equal(path_of(leaf, NULL, 0, &crl, &answer, &revoked_s), SEAL_PATH_OK);
        assert_int_equal(answer, rows[i].answer);
        assert_int_equal(revoked_s, rows[i].revoked_s);
    }
}

static void certificates_that_certify_each_other_hide_no_path(void **state)
{
    (void)state;
    holder *knot[4];
    dx_bytes others[13];
    seal_revocation answer;
    int64_t revoked_s;
    certificate_recipe r = {.subject = "C=JP|O=Knot|CN=CA",
                            .extensions = {"basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"}};
    for (size_t i = 0; i < 4; i++)
        knot[i] = world_certificate(&w, r);
    for (size_t i = 0; i < 12; i++) { /* all four keys, certified by the last three */
        r.issuer = knot[1 + i / 4];
        r.same_key_as = knot[i % 4];
        others[i] = world_certificate(&w, r)->der;
    }
    r.issuer = ca;
    r.same_key_as = knot[0];
    others[12] = world_certificate(&w, r)->der;
    holder *sealed = world_certificate(&w, (certificate_recipe){.subject = ORG "|CN=seal",
                                                                .issuer = knot[0],
                                                                .extensions = {"keyUsage=digitalSignature"}});
    assert_int_equal(path_of(sealed, others + 12, 1, NULL, &answer, &revoked_s), SEAL_PATH_OK);
    assert_int_equal(path_of(sealed, others, 13, NULL, &answer, &revoked_s), SEAL_PATH_OK);
    assert_int_equal(path_of(sealed, others, 12, NULL, &answer, &revoked_s), SEAL_PATH_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_crl_counts_when_it_covers_the_seal_and_is_understood, begin, end),
        cmocka_unit_test_setup_teardown(certificates_that_certify_each_other_hide_no_path, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
