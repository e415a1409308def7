/* A certificate leads to a listed service or it does not; of all that speaks against it the gravest is told.
 */
#include "tests/unit/trust_path/path_world.h"

static path_world w;

static int begin(void **state)
{
    (void)state;
    world_begin(&w);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static void silence_is_not_a_yes_and_good_is(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *peer = world_peer(&w, ORG "|CN=peer", ca, NULL);
    world_service(&w, ca);
    world_list(&w);
    assert_string_equal(world_judge(&w, (path_input){.leaf = peer->der}), "ID-405");
    assert_int_equal(w.verdict.kind, TRUST_KIND_UNKNOWN);
    assert_int_equal(w.question_count, 1);
    assert_string_equal(w.questions[0].ocsp_urls[0], "http://ocsp.example/");
    dx_bytes good = world_ocsp(&w, (ocsp_recipe){.subject = peer, .issuer = ca});
    path_input input = {.leaf = peer->der, .evidence = {.ocsp = &good, .ocsp_count = 1}};
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.org.id, "NTRJP-7000012050002");
    assert_int_equal(w.verdict.good_until_s, NOW_S + 82800);
    assert_int_equal(w.question_count, 0);
    holder *stranger = world_authority(&w, "C=DE|O=Other|CN=CA", NULL, NULL);
    input.leaf = world_peer(&w, ORG "|CN=peer", stranger, NULL)->der;
    assert_string_equal(world_judge(&w, input), "ID-301");
    assert_int_equal(w.question_count, 0); /* an unlisted chain causes no connection */
}

static void a_person_is_refused_before_anybody_is_asked(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    char long_name[200] = "C=DE|CN=Erika|GN=";
    memset(long_name + strlen(long_name), 'e', 64);
    const struct {
        const char *subject, *more, *id;
    } rows[] = {
        {"C=DE|GN=Erika|SN=Beispiel|CN=Erika", NULL, "ID-506"},
        {long_name, NULL, "ID-506"}, /* longer than fits: still a given name */
        {ORG "|GN=Erika|CN=Erika", NULL, "ID-506"},
        {"C=DE|O=X|2.5.4.97=PASDE-123456789|CN=x", NULL, "ID-506"},
        {"C=JP|CN=x", "certificatePolicies=1.2.392.200149.8.5.1.1.20", "ID-507"},
        {"C=JP|CN=x", "subjectAltName=otherName:1.2.392.200149.8.5.5.1;UTF8:x", "ID-507"},
        {"C=DE|O=X|CN=x", NULL, "ID-501"},
    };
    world_service(&w, ca);
    world_list(&w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holder *peer = world_peer(&w, rows[i].subject, ca, rows[i].more);
        assert_string_equal(world_judge(&w, (path_input){.leaf = peer->der}), rows[i].id);
        assert_int_equal(w.verdict.kind, TRUST_KIND_NO);
        assert_int_equal(w.question_count, 0);
    }
    /* Nor for another purpose, where a person is no obstacle. */
    holder *stamp = world_certificate(
        &w, (certificate_recipe){.subject = "C=JP|CN=x",
                                 .issuer = ca,
                                 .extensions = {"extendedKeyUsage=critical,timeStamping", OCSP_URL,
                                                "certificatePolicies=1.2.392.200149.8.5.1.1.20"}});
    assert_string_equal(world_judge(&w, (path_input){.leaf = stamp->der, .profile = PATH_TSU}), "ID-417");
    assert_int_equal(w.question_count, 0);
}

static void of_two_unknowns_the_graver_is_told(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", ca, NULL);
    holder *peer = world_peer(&w, ORG "|CN=peer", sub, NULL);
    holder *other = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL); /* same name, another key */
    world_service(&w, ca);
    world_list(&w);
    dx_bytes about_sub =
        world_ocsp(&w, (ocsp_recipe){.subject = sub, .issuer = ca, .status = V_OCSP_CERTSTATUS_UNKNOWN});
    path_input input = {.leaf = peer->der,
                        .presented = &sub->der,
                        .presented_count = 1,
                        .evidence = {.ocsp = &about_sub, .ocsp_count = 1}};
    assert_string_equal(world_judge(&w, input), "ID-403"); /* not the leaf's ID-405, which may be allowed */
    assert_int_equal(w.verdict.kind, TRUST_KIND_NO);
    about_sub = world_ocsp(&w, (ocsp_recipe){.subject = sub, .issuer = ca, .signer = other});
    assert_string_equal(world_judge(&w, input), "ID-406");
    assert_int_equal(w.verdict.kind, TRUST_KIND_UNKNOWN);
}

static void revoked_speaks_whatever_failed_deeper(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *far = world_authority(&w, "C=DE|O=Far|CN=Root", NULL, NULL);
    certificate_recipe old = {.subject = "C=DE|O=Far|CN=Mid",
                              .issuer = far,
                              .from_s = NOW_S - 900 * (int64_t)DAY_S,
                              .until_s = NOW_S - 800 * (int64_t)DAY_S,
                              .extensions = {"basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"}};
    holder *mid = world_certificate(&w, old);
    holder *near = world_authority(&w, "C=DE|O=Near|CN=X", mid, NULL);
    holder *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", ca, NULL);
    holder *crossed = world_certificate(
        &w,
        (certificate_recipe){.subject = "C=DE|O=Trust|CN=Sub",
                             .issuer = near,
                             .same_key_as = sub,
                             .extensions = {"basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"}});
    holder *peer = world_peer(&w, ORG "|CN=peer", sub, NULL);
    world_service(&w, ca);
    world_list(&w);
    dx_bytes answers[] = {
        world_ocsp(&w, (ocsp_recipe){.subject = sub,
                                     .issuer = ca,
                                     .status = V_OCSP_CERTSTATUS_REVOKED,
                                     .reason = OCSP_REVOKED_STATUS_SUPERSEDED,
                                     .revoked_s = NOW_S - DAY_S}),
    };
    const dx_bytes presented[2][4] = {{crossed->der, near->der, mid->der, sub->der},
                                      {sub->der, crossed->der, near->der, mid->der}};
    for (size_t i = 0; i < 2; i++) {
        path_input input = {.leaf = peer->der,
                            .presented = presented[i],
                            .presented_count = 4,
                            .evidence = {.ocsp = answers, .ocsp_count = 1}};
        assert_string_equal(world_judge(&w, input), "ID-401");
        assert_string_equal(w.verdict.slug, "peer-revoked");
        assert_int_equal(w.question_count, 0); /* a path that is lost has no questions */
    }
}

static void a_withdrawal_cannot_be_walked_around(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", ca, NULL);
    holder *peer = world_peer(&w, ORG "|CN=peer", sub, NULL);
    holder *stamp = world_certificate(
        &w, (certificate_recipe){.subject = "C=DE|O=Trust|CN=Unit",
                                 .issuer = ca,
                                 .extensions = {"extendedKeyUsage=critical,timeStamping", OCSP_URL}});
    tlist_interval *granted = world_service(&w, ca), *withdrawn = world_service(&w, sub),
                   *unit = world_service(&w, stamp);
    withdrawn->status_valid = unit->status_valid = false;
    world_list(&w);
    path_input input = {.leaf = peer->der, .presented = &sub->der, .presented_count = 1};
    assert_string_equal(world_judge(&w, input), "ID-305"); /* although the CA above is granted */
    assert_int_equal(w.question_count, 0);
    path_input at_stamp = {.leaf = stamp->der, .profile = PATH_TSU};
    assert_string_equal(world_judge(&w, at_stamp), "ID-304"); /* the unit itself is listed, and withdrawn */
    unit->from_s = NOW_S + 1;
    world_list(&w);
    assert_string_equal(world_judge(&w, at_stamp), "ID-405"); /* listed by itself only later */
    granted->status_valid = false;
    world_list(&w);
    assert_string_equal(world_judge(&w, input), "ID-304"); /* nothing that it would keep from */
    granted->status_valid = withdrawn->status_valid = true;
    world_list(&w);
    assert_string_equal(world_judge(&w, input), "ID-405");
}

static void policies_that_a_service_demands_are_demanded(void **state)
{
    (void)state;
    static const char *const demanded[] = {"1.2.3.4", "1.2.3.5"};
    holder *ca = world_authority(&w, "C=JP|O=Trust|CN=CA", NULL, NULL);
    tlist_interval *i = world_service(&w, ca);
    i->require_policy_oids = demanded;
    i->require_policy_count = 2;
    world_list(&w);
    const struct {
        const char *policies, *id;
    } rows[] = {{NULL, "ID-308"},
                {"certificatePolicies=1.2.3.4", "ID-308"},
                {"certificatePolicies=1.2.3.4,1.2.3.6", "ID-308"},
                {"certificatePolicies=1.2.3.5,1.2.3.4", "ID-405"}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        holder *peer = world_peer(&w, ORG "|CN=peer", ca, rows[k].policies);
        assert_string_equal(world_judge(&w, (path_input){.leaf = peer->der}), rows[k].id);
    }
}

static void class_belongs_to_its_time(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=JP|O=Trust|CN=CA", NULL, NULL);
    holder *peer = world_peer(&w, ORG "|CN=peer", ca, NULL);
    tlist_interval *i = world_service(&w, ca);
    i[1] = i[0];
    i[0].from_s = i[1].until_s = NOW_S - DAY_S;
    i[0].class_ = "jp-eseal-2";
    i[1].class_ = "jp-eseal-1";
    w.services[0].interval_count = 2;
    world_list(&w);
    path_input input = {.leaf = peer->der, .revocation_off = true};
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.level, "jp-eseal-2");
    input.at_s = NOW_S - DAY_S - 1;
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.level, "jp-eseal-1");
}

#define QUALIFIER "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"

static void what_takes_away_and_cannot_be_evaluated_takes_away(void **state)
{
    (void)state;
    /* QcCompliance, QcSSCD, QcType eseal */
    static const char seal[] = "1.3.6.1.5.5.7.1.3=DER:3029"
                               "3008060604008e460101"
                               "3008060604008e460104"
                               "3013060604008e4601063009060704008e46010602";
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *peer = world_peer(&w, ORG "|CN=peer", ca, seal);
    tlist_interval *i = world_service(&w, ca);
    path_input input = {.leaf = peer->der, .revocation_off = true};
    world_list(&w);
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.level, "q-eseal-qscd");
    const char *uri = QUALIFIER "NotQualified";
    const tlist_qualification q = {.qualifiers = &uri, .qualifier_count = 1, .usable = false};
    i->qualifications = &q;
    i->qualification_count = 1;
    world_list(&w);
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.level, "listed");
    assert_false(w.verdict.qualified);
    uri = QUALIFIER "QCNoQSCD";
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.level, "q-eseal");
    assert_false(w.verdict.qscd);
}

static void a_certificate_names_one_organisation_in_plain_letters(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
    const struct {
        const char *subject, *id;
    } rows[] = {
        {"C=DE|O=A|2.5.4.97=VATDE-1|2.5.4.97=VATDE-2|CN=x", "ID-504"},
        {"C=DE|O=A|2.5.4.97=VATDE-1|2.5.4.97=VATDE-1|CN=x", "ID-405"},
        {"C=JP|O=A|2.5.4.97=NTRJP-7000012050003|CN=x", "ID-503"},
        {"C=DE|O=A\xe2\x80\xae"
         "B|2.5.4.97=VATDE-1|CN=x",
         "ID-511"},
        {"C=DE|O=A\x07|2.5.4.97=VATDE-1|CN=x", "ID-511"},
        {"C=DE|O=A|2.5.4.97=VATDE-1\xe2\x80\x8b|CN=x", "ID-511"},
        {"C=DE|O=A\xc3\xbc|2.5.4.97=VATDE-1|CN=x", "ID-405"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holder *peer = world_peer(&w, rows[i].subject, ca, NULL);
        assert_string_equal(world_judge(&w, (path_input){.leaf = peer->der}), rows[i].id);
        if (strcmp(rows[i].id, "ID-511") == 0)
            assert_null(strpbrk(w.verdict.org.name, "\x07\xe2"));
    }
}

static void statements_are_read_strictly(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=ES|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
/* Role PSP_AI with its name, name and id of the authority. */
#define PSD2(name, authority)                                                                                \
    "1.3.6.1.5.5.7.1.3=DER:3030302e06060400819827023024301330110607040081982701030c06" name                  \
    "0c0542414e4b410c06" authority
    const struct {
        const char *subject, *statements, *id;
    } rows[] = {
        /* twice the same statement; no DER; a QcType without types; one that is fine */
        {ORG, "1.3.6.1.5.5.7.1.3=DER:30143008060604008e4601013008060604008e460101", "ID-508"},
        {ORG, "1.3.6.1.5.5.7.1.3=DER:04020000", "ID-508"},
        {ORG, "1.3.6.1.5.5.7.1.3=DER:300a3008060604008e460106", "ID-508"},
        {ORG, "1.3.6.1.5.5.7.1.3=DER:300a3008060604008e460101", "ID-405"},
        /* fine; another authority; the name of another role */
        {"C=ES|O=Bank|2.5.4.97=PSDES-BDE-3DFD21", PSD2("5053505f4149", "45532d424445"), "ID-405"},
        {"C=ES|O=Bank|2.5.4.97=PSDES-BDE-3DFD21", PSD2("5053505f4149", "45532d424446"), "ID-509"},
        {"C=ES|O=Bank|2.5.4.97=PSDES-BDE-3DFD21", PSD2("5053505f4943", "45532d424445"), "ID-509"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holder *peer = world_peer(&w, rows[i].subject, ca, rows[i].statements);
        assert_string_equal(world_judge(&w, (path_input){.leaf = peer->der}), rows[i].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        T(silence_is_not_a_yes_and_good_is),
        T(a_person_is_refused_before_anybody_is_asked),
        T(of_two_unknowns_the_graver_is_told),
        T(revoked_speaks_whatever_failed_deeper),
        T(a_withdrawal_cannot_be_walked_around),
        T(policies_that_a_service_demands_are_demanded),
        T(class_belongs_to_its_time),
        T(what_takes_away_and_cannot_be_evaluated_takes_away),
        T(a_certificate_names_one_organisation_in_plain_letters),
        T(statements_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
