/* The form of certificates, and the limits of the search: each refusal has its id. */
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

static const char *judged(const holder *leaf, const holder *sub)
{
    path_input input = {.leaf = leaf->der,
                        .presented = sub == NULL ? NULL : &sub->der,
                        .presented_count = sub != NULL,
                        .revocation_off = true};
    return world_judge(&w, input);
}

static void a_leaf_of_the_wrong_form_is_refused(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
    static const struct {
        const char *more, *id;
    } rows[] = {
        {NULL, ""},
        {"1.2.3.4=critical,ASN1:NULL", "ID-109"},
        {"1.2.3.4=ASN1:NULL", ""},
        {"policyConstraints=critical,requireExplicitPolicy:0", "ID-212"}, /* and names none */
        {"inhibitAnyPolicy=critical,0", ""},
        {"2.5.29.33=critical,DER:300c300a06032a030406032a0305", ""},
        {"2.5.29.36=DER:3000", "ID-111"},
        {"policyMappings=1.2.3.4:1.2.3.5", ""},
        {"policyMappings=1.2.3.4:2.5.29.32.0", "ID-120"},
        {"1.3.6.1.5.5.7.1.11=ASN1:NULL", ""},
        {"2.5.29.32=DER:0500", "ID-110"},
        {"nameConstraints=critical,permitted;DNS:example.org", "ID-118"},
        {"subjectAltName=DNS:peer.example.org,IP:192.0.2.1,email:a@b.example,URI:https://x.example/", ""},
        {"subjectAltName=DNS:*.example.org", ""},
        {"subjectAltName=DNS:a_b.example.org", ""}, /* a remark */
        {"subjectAltName=DNS:*.org", "ID-115"},
        {"subjectAltName=DNS:a.*.example.org", "ID-115"},
        {"subjectAltName=DNS:.example.org", "ID-115"},
        {"subjectAltName=DNS:example.org.", "ID-115"},
        {"subjectAltName=DNS:a b.example", "ID-115"},
        {"subjectAltName=email:nobody", "ID-115"},
        {"subjectAltName=URI:no-scheme", "ID-115"},
        {"2.5.29.17=DER:3000", "ID-115"},
        {"2.5.29.17=DER:30058703c00002", "ID-115"}, /* an address of three octets */
        {"basicConstraints=CA:FALSE", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(judged(world_peer(&w, ORG "|CN=peer", ca, rows[i].more), NULL), rows[i].id);
    static const struct {
        const char *usage, *extended, *id;
    } uses[] = {{"keyUsage=digitalSignature,keyCertSign", "extendedKeyUsage=clientAuth", "ID-113"},
                {"2.5.29.15=DER:03020700", "extendedKeyUsage=clientAuth", "ID-113"},
                {"keyUsage=digitalSignature", "2.5.29.37=DER:3000", "ID-117"},
                {"keyUsage=keyEncipherment", "extendedKeyUsage=clientAuth", "ID-217"},
                {"keyUsage=digitalSignature", "extendedKeyUsage=serverAuth", "ID-213"}};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        assert_string_equal(
            judged(
                world_certificate(&w, (certificate_recipe){.subject = ORG "|CN=peer",
                                                           .issuer = ca,
                                                           .extensions = {uses[i].usage, uses[i].extended}}),
                NULL),
            uses[i].id);
}

static void what_strict_profiles_refuse_others_remark(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
    static const struct {
        const char *more, *id;
        bool no_ids;
    } rows[] = {
        {NULL, "ID-112", true},
        {"2.5.29.19=DER:3003020101", "ID-114", false}, /* a path length without cA */
        {"2.5.29.19=DER:3003010100", "ID-101", false}, /* cA FALSE, written out */
        {"subjectAltName=DNS:a_b.example.org", "ID-115", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        certificate_recipe r = {
            .subject = ORG "|CN=peer",
            .issuer = ca,
            .no_ids = rows[i].no_ids,
            .extensions = {"keyUsage=digitalSignature", "extendedKeyUsage=clientAuth", rows[i].more}};
        holder *peer = world_certificate(&w, r);
        path_input input = {.leaf = peer->der, .revocation_off = true};
        assert_string_equal(world_judge(&w, input), "");
        assert_non_null(strstr(w.verdict.remarks, rows[i].id));
        input.profile = PATH_RFC5280_STRICT;
        assert_string_equal(world_judge(&w, input), rows[i].id);
    }
}

static const char *judged_as(path_profile_id profile, const holder *leaf, const holder *sub)
{
    path_input input = {.leaf = leaf->der,
                        .presented = sub == NULL ? NULL : &sub->der,
                        .presented_count = sub != NULL,
                        .profile = profile,
                        .revocation_off = true};
    return world_judge(&w, input);
}

/* cert_form_table.h: one broken rule, four kinds of profile. */
static void each_profile_has_its_own_rules(void **state)
{
    (void)state;
    holder *ca =
        world_certificate(&w, (certificate_recipe){.subject = "C=DE|O=Trust|CN=CA",
                                                   .no_ids = true, /* the web wants no empty one of itself */
                                                   .extensions = {"basicConstraints=critical,CA:TRUE",
                                                                  "keyUsage=critical,keyCertSign",
                                                                  "subjectKeyIdentifier=hash"}});
    world_service(&w, ca);
    world_list(&w);
    static const path_profile_id profiles[] = {PATH_PEER, PATH_RFC5280, PATH_RFC5280_STRICT, PATH_WEBPKI};
    static const struct {
        const char *more;
        bool no_ids;
        const char *ids[4];
    } rows[] = {
        {NULL, false, {"", "", "", ""}},
        {"2.5.29.19=DER:3003010100", false, {"", "", "ID-101", "ID-101"}},
        {"1.2.3.4=critical,ASN1:NULL", false, {"ID-109", "ID-109", "ID-109", "ID-109"}},
        {"2.5.29.32=DER:0500", false, {"ID-110", "ID-110", "ID-110", "ID-110"}},
        {"authorityInfoAccess=critical,OCSP;URI:http://x/", false, {"ID-111", "", "ID-111", "ID-111"}},
        {"subjectAltName=critical,DNS:a.example.org", false, {"", "", "", "ID-111"}},
        {NULL, true, {"", "", "ID-112", "ID-112"}},
        {"2.5.29.19=DER:3003020101", false, {"", "", "ID-114", "ID-114"}},
        {"subjectAltName=DNS:.example.org", false, {"ID-115", "", "ID-115", "ID-115"}},
        {"subjectAltName=DNS:a_b.example.org", false, {"", "", "ID-115", "ID-115"}},
        {"nameConstraints=critical,permitted;DNS:example.org", false, {"ID-118", "", "ID-118", "ID-118"}},
        {"policyMappings=critical,1.2.3.4:2.5.29.32.0", false, {"ID-120", "ID-120", "ID-120", "ID-120"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holder *leaf = world_certificate(
            &w, (certificate_recipe){.subject = ORG,
                                     .issuer = ca,
                                     .no_ids = rows[i].no_ids,
                                     .extensions = {"keyUsage=digitalSignature",
                                                    "extendedKeyUsage=clientAuth,serverAuth", rows[i].more}});
        for (size_t k = 0; k < 4; k++)
            if (strcmp(judged_as(profiles[k], leaf, NULL), rows[i].ids[k]) != 0)
                fail_msg("row %zu, profile %zu: %s", i, k, w.verdict.id);
    }
    /* nameConstraints of a CA that are not critical */
    static const char *const soft[4] = {"", "", "ID-111", ""};
    holder *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", ca, "nameConstraints=permitted;DNS:example.org");
    holder *leaf =
        world_certificate(&w, (certificate_recipe){.subject = ORG,
                                                   .issuer = sub,
                                                   .extensions = {"keyUsage=digitalSignature",
                                                                  "extendedKeyUsage=clientAuth,serverAuth"}});
    for (size_t k = 0; k < 4; k++)
        assert_string_equal(judged_as(profiles[k], leaf, sub), soft[k]);
}

static void an_issuer_of_the_wrong_form_is_none(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
    static const struct {
        const char *constraints, *more, *id;
    } rows[] = {
        {"basicConstraints=critical,CA:TRUE", NULL, ""},
        {"basicConstraints=CA:TRUE", NULL, "ID-111"},
        {"basicConstraints=critical,CA:TRUE", "policyConstraints=critical,requireExplicitPolicy:0", "ID-211"},
        {"basicConstraints=critical,CA:TRUE", "nameConstraints=critical,permitted;DNS:example.org", ""},
        {"basicConstraints=critical,CA:TRUE", "2.5.29.30=critical,DER:3000", "ID-118"},
        {"basicConstraints=critical,CA:TRUE", "2.5.29.30=critical,DER:3002a000", "ID-118"},
        {"basicConstraints=critical,CA:TRUE", "nameConstraints=critical,permitted;email:example.org",
         "ID-209"},
        {"basicConstraints=critical,CA:TRUE", "2.5.29.30=critical,DER:3010a00e300ca00a06032a0304a0030c0178",
         "ID-210"},
        {"basicConstraints=CA:FALSE", NULL, "ID-113"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holder *sub = world_certificate(
            &w,
            (certificate_recipe){.subject = "C=DE|O=Trust|CN=Sub",
                                 .issuer = ca,
                                 .extensions = {rows[i].constraints, "keyUsage=keyCertSign", rows[i].more}});
        const char *name = strstr(rows[i].id, "210") != NULL   ? "subjectAltName=otherName:1.2.3.4;UTF8:x"
                           : strstr(rows[i].id, "209") != NULL ? "subjectAltName=email:a@b.example"
                                                               : NULL;
        holder *peer = world_peer(&w, ORG "|CN=peer", sub, name);
        assert_string_equal(judged(peer, sub), rows[i].id);
    }
}

static void a_date_that_cannot_be_read_is_not_1970(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
    static const char *const dates[] = {"never", "", "261125120000+0000", "2611251200Z", "261325120000Z"};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        holder *peer =
            world_certificate(&w, (certificate_recipe){.subject = ORG "|CN=peer",
                                                       .issuer = ca,
                                                       .not_before_text = dates[i],
                                                       .extensions = {"extendedKeyUsage=clientAuth"}});
        organisation org;
        int64_t from_s, until_s;
        assert_string_equal(judged(peer, NULL), "ID-107");
        assert_int_equal(path_claims(peer->der, &org, &from_s, &until_s, &w.why).code, DX_MALFORMED);
        assert_string_equal(w.why.id, "ID-107");
    }
    holder *peer = world_certificate(&w, (certificate_recipe){.subject = ORG "|CN=peer",
                                                              .issuer = ca,
                                                              .from_s = NOW_S,
                                                              .until_s = NOW_S - 1,
                                                              .extensions = {"extendedKeyUsage=clientAuth"}});
    assert_string_equal(judged(peer, NULL), "ID-107");
}

static void signatures_have_one_list_of_algorithms(void **state)
{
    (void)state;
    holder *ca = world_certificate(
        &w,
        (certificate_recipe){.subject = "C=DE|O=Trust|CN=CA",
                             .rsa = true,
                             .extensions = {"basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"}});
    world_service(&w, ca);
    world_list(&w);
    const struct {
        const EVP_MD *md;
        bool pss;
        int salt;
        const char *id;
    } rows[] = {{EVP_sha256(), false, 0, ""},       {EVP_sha512(), false, 0, ""},
                {EVP_sha1(), false, 0, "ID-121"},   {EVP_md5(), false, 0, "ID-121"},
                {EVP_sha224(), false, 0, "ID-121"}, {EVP_sha3_256(), false, 0, "ID-121"},
                {EVP_sha256(), true, 0, ""},        {EVP_sha384(), true, 0, ""},
                {EVP_sha1(), true, 0, "ID-121"},    {EVP_sha224(), true, 0, "ID-121"},
                {EVP_sha256(), true, 20, "ID-121"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holder *peer =
            world_certificate(&w, (certificate_recipe){.subject = ORG "|CN=peer",
                                                       .issuer = ca,
                                                       .md = rows[i].md,
                                                       .pss = rows[i].pss,
                                                       .pss_salt = rows[i].salt,
                                                       .extensions = {"extendedKeyUsage=clientAuth"}});
        assert_string_equal(judged(peer, NULL), rows[i].id);
    }
}

static void rsa_keys_have_a_size_and_an_exponent(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
    static const struct {
        unsigned bits, e;
        const char *id;
    } rows[] = {{2048, 65537, ""}, {2048, 3, "ID-122"}, {2052, 65537, "ID-122"}, {2040, 65537, "ID-122"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        certificate_recipe r = {.subject = ORG "|CN=peer",
                                .issuer = ca,
                                .rsa = true,
                                .rsa_bits = rows[i].bits,
                                .rsa_e = rows[i].e,
                                .extensions = {"extendedKeyUsage=clientAuth"}};
        assert_string_equal(judged(world_certificate(&w, r), NULL), rows[i].id);
    }
}

static void a_wildcard_stands_for_all_its_names(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, ca);
    world_list(&w);
    static const struct {
        const char *constraints, *id;
    } rows[] = {{"nameConstraints=critical,excluded;DNS:a.example.org", "ID-209"},
                {"nameConstraints=critical,excluded;DNS:A.Example.ORG", "ID-209"},
                {"nameConstraints=critical,excluded;DNS:example.org", "ID-209"},
                {"nameConstraints=critical,excluded;DNS:b.a.example.org", ""},
                {"nameConstraints=critical,excluded;DNS:aexample.org", ""},
                {"nameConstraints=critical,permitted;DNS:example.org", ""},
                {"nameConstraints=critical,permitted;DNS:a.example.org", "ID-209"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holder *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", ca, rows[i].constraints);
        holder *peer = world_peer(&w, ORG "|CN=peer", sub, "subjectAltName=DNS:*.example.org");
        assert_string_equal(judged(peer, sub), rows[i].id);
    }
}

static void too_long_no_der_and_no_memory_are_three_things(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *peer = world_peer(&w, ORG "|CN=peer", ca, NULL);
    world_service(&w, ca);
    world_list(&w);
    uint8_t longer[16385] = {0x30, 0x82, 0x40, 0x00};
    path_input input = {.leaf = dx_bytes_of(longer, sizeof longer), .revocation_off = true};
    assert_string_equal(world_judge(&w, input), "ID-102");
    input.leaf = dx_bytes_of(longer, sizeof longer - 1);
    assert_string_equal(world_judge(&w, input), "ID-101");
    uint8_t more[4096];
    memcpy(more, peer->der.data, peer->der.size);
    more[peer->der.size] = 0;
    input.leaf = dx_bytes_of(more, peer->der.size + 1);
    assert_string_equal(world_judge(&w, input), "ID-101");
    input.leaf = peer->der;
    input.snapshot = w.snapshot;
    input.at_s = NOW_S;
    /* Whatever ceiling memory has: a yes, or an error that says so. */
    bool short_once = false, yes_once = false;
    for (size_t max = 64; max < 64000; max += 64) {
        dx_arena small;
        dx_arena_init(&small, max);
        struct dx_rc rc =
            path_judge(w.judge, &input, &small, &w.verdict, w.questions, &w.question_count, &w.why);
        assert_true(rc.code == DX_OK || rc.code == DX_NO_MEMORY);
        assert_int_equal(rc.code == DX_OK, w.verdict.answer == TRUST_YES);
        short_once |= rc.code != DX_OK;
        yes_once |= rc.code == DX_OK;
        if (rc.code != DX_OK)
            assert_string_equal(w.why.id, "ID-901");
        dx_arena_fini(&small);
    }
    assert_true(short_once && yes_once);
}

static void the_search_has_limits(void **state)
{
    (void)state;
    holder *chain[12];
    dx_bytes presented[16];
    char subject[64];
    chain[0] = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    world_service(&w, chain[0]);
    world_list(&w);
    for (int i = 1; i < 12; i++) {
        snprintf(subject, sizeof subject, "C=DE|O=Trust|CN=Sub %d", i);
        chain[i] = world_authority(&w, subject, chain[i - 1], NULL);
        presented[i - 1] = chain[i]->der;
    }
    for (size_t n = 6; n < 11; n++) {
        holder *peer = world_peer(&w, ORG "|CN=peer", chain[n], NULL);
        path_input input = {
            .leaf = peer->der, .presented = presented, .presented_count = n, .revocation_off = true};
        assert_string_equal(world_judge(&w, input), n < 7 ? "" : "ID-216");
    }
    /* Keys of one name, each certified by each: of four the end is found, of six the budget ends it. */
    for (size_t keys = 4; keys <= 6; keys += 2) {
        holder *knot[6];
        dx_bytes mesh[36];
        certificate_recipe r = {.subject = "C=DE|O=Knot|CN=CA",
                                .extensions = {"basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"}};
        for (size_t i = 0; i < keys; i++)
            knot[i] = world_certificate(&w, r);
        for (size_t i = 0; i < keys * keys; i++) {
            r.issuer = knot[i / keys];
            r.same_key_as = knot[i % keys];
            mesh[i] = world_certificate(&w, r)->der;
        }
        holder *peer = world_peer(&w, ORG "|CN=peer", knot[0], NULL);
        path_input input = {
            .leaf = peer->der, .presented = mesh, .presented_count = keys * keys, .revocation_off = true};
        assert_string_equal(world_judge(&w, input), keys == 4 ? "ID-202" : "ID-215");
        assert_true(w.verdict.signatures <= 64 && w.verdict.nodes <= 129);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        T(a_leaf_of_the_wrong_form_is_refused),
        T(what_strict_profiles_refuse_others_remark),
        T(each_profile_has_its_own_rules),
        T(an_issuer_of_the_wrong_form_is_none),
        T(a_date_that_cannot_be_read_is_not_1970),
        T(signatures_have_one_list_of_algorithms),
        T(rsa_keys_have_a_size_and_an_exponent),
        T(a_wildcard_stands_for_all_its_names),
        T(too_long_no_der_and_no_memory_are_three_things),
        T(the_search_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
