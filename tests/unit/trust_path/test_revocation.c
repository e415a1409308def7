/* What an OCSP response or a CRL may say, who may say it, and for which certificate and time. */
#include "tests/unit/trust_path/path_world.h"

#include "trust/path/crl_judge.h"

static path_world w;
static holder *ca, *peer, *other;

static int begin(void **state)
{
    (void)state;
    world_begin(&w);
    ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    other = world_authority(&w, "C=DE|O=Other|CN=CA", NULL, NULL);
    peer = world_peer(&w, ORG "|CN=peer", ca, "crlDistributionPoints=URI:http://crl.example/1");
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

static const char *by_crl(crl_recipe r)
{
    dx_bytes crl = world_crl(&w, r);
    path_input input = {.leaf = peer->der, .evidence = {.crl = &crl, .crl_count = 1}};
    return world_judge(&w, input);
}

static const char *by_ocsp(ocsp_recipe r)
{
    r.subject = peer;
    if (r.issuer == NULL)
        r.issuer = ca;
    dx_bytes answer = world_ocsp(&w, r);
    path_input input = {.leaf = peer->der, .evidence = {.ocsp = &answer, .ocsp_count = 1}};
    return world_judge(&w, input);
}

static void a_crl_that_is_not_understood_is_not_good(void **state)
{
    (void)state;
    static const struct {
        const char *extension, *id;
    } rows[] = {
        {NULL, ""},
        {"2.5.29.20=ASN1:INTEGER:8", "ID-412"}, /* twice */
        {"1.2.3.4=ASN1:NULL", ""},
        {"1.2.3.4=critical,ASN1:NULL", "ID-412"},
        {"2.5.29.27=critical,ASN1:INTEGER:3", "ID-413"}, /* a delta */
        {"2.5.29.28=critical,DER:0500", "ID-412"},
        {"2.5.29.28=critical,DER:30038401ff", "ID-414"},   /* indirect */
        {"2.5.29.28=critical,DER:30038501ff", "ID-413"},   /* attribute certificates */
        {"2.5.29.28=critical,DER:30038201ff", "ID-413"},   /* CAs only */
        {"2.5.29.28=critical,DER:30038101ff", ""},         /* end entities only */
        {"2.5.29.28=critical,DER:300483020640", "ID-413"}, /* key compromise only */
        {"issuingDistributionPoint=critical,fullname:URI:http://crl.example/1", ""},
        {"issuingDistributionPoint=critical,fullname:URI:http://crl.example/2", "ID-413"},
        {"2.5.29.28=critical,DER:3000", "ID-412"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        crl_recipe r = {.issuer = ca, .extensions = {rows[i].extension}};
        assert_string_equal(by_crl(r), rows[i].id);
        r.listed = peer;
        r.listed_s = NOW_S - DAY_S;
        /* Listed is revoked, as far as the CRL is understood and for certificates at all. */
        bool understood = strcmp(rows[i].id, "ID-412") != 0 && strcmp(rows[i].id, "ID-414") != 0 &&
                          (rows[i].extension == NULL || strstr(rows[i].extension, "38501") == NULL);
        assert_string_equal(by_crl(r), understood ? "ID-402" : rows[i].id);
    }
    crl_recipe r = {.issuer = ca, .listed = other, .listed_s = NOW_S - DAY_S};
    assert_string_equal(by_crl(r), "");
    r.version = 2; /* version 3 does not exist; version 1 has no extensions */
    assert_string_equal(by_crl(r), "ID-412");
    r.version = -1;
    assert_string_equal(by_crl(r), "ID-412");
    r.version = 0;
    r.entry_extension = "2.5.29.21=DER:0a0101";
    assert_string_equal(by_crl(r), "");
    /* What every CA must write: a number, not critical, and the identifier of its key. */
    assert_string_equal(by_crl((crl_recipe){.issuer = ca, .bare = true}), "ID-412");
    r = (crl_recipe){.issuer = ca,
                     .bare = true,
                     .extensions = {"2.5.29.20=critical,ASN1:INTEGER:7", "authorityKeyIdentifier=keyid"}};
    assert_string_equal(by_crl(r), "ID-412");
    r.extensions[0] = "2.5.29.20=ASN1:INTEGER:7";
    assert_string_equal(by_crl(r), "");
    r.extensions[1] = NULL;
    assert_string_equal(by_crl(r), "ID-412");
    r = (crl_recipe){.issuer = ca, .listed = other, .entry_extension = "1.2.3.4=critical,ASN1:NULL"};
    assert_string_equal(by_crl(r), "ID-412");
    r.entry_extension = "2.5.29.29=critical,DER:3010a40e300c310a300806035504030c0178";
    assert_string_equal(by_crl(r), "ID-414");
}

static void a_place_that_another_serves_is_not_served(void **state)
{
    (void)state;
    /* distributionPoint crl.example/1, cRLIssuer CN=x */
    peer = world_peer(&w, ORG "|CN=peer", ca,
                      "2.5.29.31=DER:302e302ca018a0168614687474703a2f2f63726c2e6578616d706c652f31"
                      "a210a40e300c310a300806035504030c0178");
    crl_recipe r = {.issuer = ca};
    assert_string_equal(by_crl(r), "ID-413");
    r.listed = peer;
    r.listed_s = NOW_S - 1;
    assert_string_equal(by_crl(r), "ID-402");
}

static void a_crl_has_its_time(void **state)
{
    (void)state;
    static const struct {
        int64_t from_s, until_s;
        const char *id;
    } rows[] = {{NOW_S + 60, NOW_S + DAY_S, ""},
                {NOW_S + 61, NOW_S + DAY_S, "ID-408"}, /* from the future */
                {NOW_S - DAY_S, NOW_S, ""},
                {NOW_S - DAY_S, NOW_S - 1, "ID-408"},
                {NOW_S - DAY_S, -1, "ID-412"}, /* every CA must say when the next one comes */
                {NOW_S - 7 * DAY_S, NOW_S + DAY_S, ""},
                {NOW_S - 7 * DAY_S - 1, NOW_S + DAY_S, "ID-408"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        crl_recipe r = {.issuer = ca, .this_s = rows[i].from_s, .next_s = rows[i].until_s};
        assert_string_equal(by_crl(r), rows[i].id);
        r.listed = peer;
        r.listed_s = NOW_S - 1;
        assert_string_equal(by_crl(r), "ID-402"); /* however old */
        r.listed_text = "long ago";
        assert_string_equal(by_crl(r), "ID-402");
        assert_int_equal(w.verdict.revocation[0].revoked_s, 0);
    }
}

static void a_crl_is_signed_by_the_issuer_with_an_allowed_algorithm(void **state)
{
    (void)state;
    assert_string_equal(by_crl((crl_recipe){.issuer = ca, .signer = other}), "ID-411");
    assert_string_equal(by_crl((crl_recipe){.issuer = ca, .md = EVP_sha1()}), "ID-411");
    assert_string_equal(by_crl((crl_recipe){.issuer = ca, .md = EVP_sha224()}), "ID-411");
    assert_string_equal(by_crl((crl_recipe){.issuer = ca, .md = EVP_sha384()}), "");
    /* Of another issuer: no news, and the question stays open as if it were not there. */
    assert_string_equal(by_crl((crl_recipe){.issuer = other}), "ID-405");
    assert_int_equal(w.question_count, 1);
    dx_bytes crl = world_crl(&w, (crl_recipe){.issuer = ca, .listed = peer, .listed_s = 1});
    path_input input = {.leaf = peer->der, .evidence = {.crl = &crl, .crl_count = 1}};
    crl.size--;
    assert_string_equal(world_judge(&w, input), "ID-412");
}

static void one_judge_serves_all(void **state)
{
    (void)state;
    unsigned signatures = 1;
    cert_facts subject, issuer;
    assert_true(cert_facts_read(peer->der, &subject) && cert_facts_read(ca->der, &issuer));
    crl_question q = {.subject = &subject,
                      .issuer = &issuer,
                      .at_s = NOW_S - 30 * (int64_t)DAY_S,
                      .until_s = NOW_S - 30 * (int64_t)DAY_S,
                      .past = true,
                      .signatures = &signatures};
    dx_bytes der = world_crl(&w, (crl_recipe){.issuer = ca, .listed = peer, .listed_s = NOW_S - DAY_S});
    crl_list list, again, *lists[] = {&list}, *afresh[] = {&again};
    assert_null(crl_read(der, &list));
    assert_null(crl_read(der, &again));
    crl_answer a = crl_judge(lists, 1, &q);
    assert_int_equal(a.state, REVOCATION_GOOD); /* then; and it tells when not any more */
    assert_true(a.listed);
    assert_int_equal(a.revoked_s, NOW_S - DAY_S);
    a = crl_judge(lists, 1, &q); /* the budget is spent, but the list remembers whose it is */
    assert_int_equal(a.state, REVOCATION_GOOD);
    a = crl_judge(afresh, 1, &q);
    assert_int_equal(a.state, REVOCATION_UNKNOWN);
    assert_string_equal(a.id, "ID-411");
    q.signatures = NULL;
    q.until_s = INT64_MAX;
    assert_int_equal(crl_judge(lists, 1, &q).state, REVOCATION_REVOKED);
    q.past = false;
    q.until_s = q.at_s;
    assert_string_equal(crl_judge(lists, 1, &q).id, "ID-408");
}

static void an_ocsp_response_is_of_who_may(void **state)
{
    (void)state;
    assert_string_equal(by_ocsp((ocsp_recipe){0}), "");
    assert_string_equal(by_ocsp((ocsp_recipe){.signer = other}), "ID-406");
    assert_string_equal(by_ocsp((ocsp_recipe){.md = EVP_sha1()}), "ID-406");
    assert_string_equal(by_ocsp((ocsp_recipe){.about = other}), "ID-405"); /* no news */
    assert_string_equal(by_ocsp((ocsp_recipe){.critical = "1.2.3.4=critical,ASN1:NULL"}), "ID-410");
    assert_string_equal(by_ocsp((ocsp_recipe){.critical = "1.2.3.4=ASN1:NULL"}), "");
    certificate_recipe d = {.subject = "C=DE|O=Trust|CN=Responder",
                            .issuer = ca,
                            .extensions = {"extendedKeyUsage=OCSPSigning", "keyUsage=digitalSignature"}};
    assert_string_equal(by_ocsp((ocsp_recipe){.signer = world_certificate(&w, d)}), "");
    d.md = EVP_sha1();
    assert_string_equal(by_ocsp((ocsp_recipe){.signer = world_certificate(&w, d)}), "ID-406");
    d.md = NULL;
    d.extensions[2] = "1.2.3.4=critical,ASN1:NULL";
    assert_string_equal(by_ocsp((ocsp_recipe){.signer = world_certificate(&w, d)}), "ID-406");
    d.extensions[2] = NULL;
    d.extensions[0] = "extendedKeyUsage=anyExtendedKeyUsage";
    assert_string_equal(by_ocsp((ocsp_recipe){.signer = world_certificate(&w, d)}), "ID-406");
    d.extensions[0] = "extendedKeyUsage=OCSPSigning";
    d.until_s = NOW_S - 1;
    assert_string_equal(by_ocsp((ocsp_recipe){.signer = world_certificate(&w, d)}), "ID-406");
    d.until_s = 0;
    d.issuer = other;
    assert_string_equal(by_ocsp((ocsp_recipe){.signer = world_certificate(&w, d)}), "ID-406");
}

static void an_ocsp_response_has_its_time(void **state)
{
    (void)state;
    static const struct {
        int64_t from_s, until_s;
        const char *id;
    } rows[] = {{NOW_S + 60, NOW_S + DAY_S, ""},
                {NOW_S + 61, NOW_S + DAY_S, "ID-408"},
                {NOW_S - 3600, NOW_S, ""},
                {NOW_S - 3600, NOW_S - 1, "ID-408"},
                {NOW_S - DAY_S, NOW_S + DAY_S, ""},
                {NOW_S - DAY_S - 1, NOW_S + DAY_S, "ID-408"},
                {NOW_S - 300, -1, ""},
                {NOW_S - 301, -1, "ID-408"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(by_ocsp((ocsp_recipe){.this_s = rows[i].from_s, .next_s = rows[i].until_s}),
                            rows[i].id);
    assert_string_equal(by_ocsp((ocsp_recipe){.status = V_OCSP_CERTSTATUS_UNKNOWN}), "ID-403");
    assert_string_equal(by_ocsp((ocsp_recipe){.produced_s = NOW_S + 60}), "");
    assert_string_equal(by_ocsp((ocsp_recipe){.produced_s = NOW_S + 61}), "ID-408");
    assert_string_equal(by_ocsp((ocsp_recipe){.produced_s = NOW_S - 5 * DAY_S - 1}), "ID-408");
    assert_string_equal(by_ocsp((ocsp_recipe){.status = V_OCSP_CERTSTATUS_REVOKED,
                                              .this_s = NOW_S - 90 * (int64_t)DAY_S,
                                              .revoked_s = NOW_S - 100 * (int64_t)DAY_S}),
                        "ID-401");
}

static void revoked_from_any_source_wins(void **state)
{
    (void)state;
    dx_bytes good = world_ocsp(&w, (ocsp_recipe){.subject = peer, .issuer = ca}),
             revoked = world_crl(&w, (crl_recipe){.issuer = ca, .listed = peer, .listed_s = NOW_S - 1});
    path_input input = {.leaf = peer->der,
                        .evidence = {.ocsp = &good, .ocsp_count = 1, .crl = &revoked, .crl_count = 1}};
    assert_string_equal(world_judge(&w, input), "ID-402");
    assert_string_equal(w.verdict.slug, "peer-revoked");
}

/* A stamp needs to know, though it is believed for its own time (STAMP-11 before the next proof). */
static void revoked_later_is_told_beside_the_yes(void **state)
{
    (void)state;
    holder *unit = world_certificate(
        &w, (certificate_recipe){.subject = "C=DE|O=Trust|CN=Unit",
                                 .issuer = ca,
                                 .extensions = {"extendedKeyUsage=critical,timeStamping", OCSP_URL}});
    dx_bytes ocsp = world_ocsp(&w, (ocsp_recipe){.subject = unit,
                                                 .issuer = ca,
                                                 .status = V_OCSP_CERTSTATUS_REVOKED,
                                                 .reason = OCSP_REVOKED_STATUS_SUPERSEDED,
                                                 .revoked_s = NOW_S + 100,
                                                 .this_s = NOW_S + 3600});
    dx_bytes crl = world_crl(
        &w, (crl_recipe){.issuer = ca, .listed = unit, .listed_s = NOW_S + 100, .this_s = NOW_S + 3600});
    path_input input = {.leaf = unit->der, .profile = PATH_TSU, .evidence = {.ocsp = &ocsp, .ocsp_count = 1}};
    assert_string_equal(world_judge(&w, input), "");
    assert_int_equal(w.verdict.revocation[0].state, REVOCATION_GOOD);
    assert_int_equal(w.verdict.revocation[0].revoked_s, NOW_S + 100);
    input.evidence = (revocation_evidence){.crl = &crl, .crl_count = 1};
    assert_string_equal(world_judge(&w, input), "");
    assert_int_equal(w.verdict.revocation[0].revoked_s, NOW_S + 100);
    /* A key that was stolen may have been stolen before. */
    ocsp = world_ocsp(&w, (ocsp_recipe){.subject = unit,
                                        .issuer = ca,
                                        .status = V_OCSP_CERTSTATUS_REVOKED,
                                        .reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                        .revoked_s = NOW_S + 100,
                                        .this_s = NOW_S + 3600});
    input.evidence = (revocation_evidence){.ocsp = &ocsp, .ocsp_count = 1};
    assert_string_equal(world_judge(&w, input), "ID-401");
}

static void write_part(FILE *f, dx_bytes der)
{
    fputc((int)(der.size >> 8), f);
    fputc((int)(der.size & 0xff), f);
    assert_int_equal(fwrite(der.data, 1, der.size, f), der.size);
}

static FILE *seed(const char *name, const holder *about)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", getenv("SEEDS"), name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    write_part(f, ca->der);
    write_part(f, about->der);
    return f;
}

static void ocsp_seed(const char *name, const holder *about, dx_bytes answer)
{
    FILE *f = seed(name, about);
    assert_int_equal(fwrite(answer.data, 1, answer.size, f), answer.size);
    fclose(f);
}

static void crl_seed(const char *name, const holder *about, crl_recipe first, crl_recipe second)
{
    FILE *f = seed(name, about);
    write_part(f, world_crl(&w, first));
    dx_bytes rest = world_crl(&w, second);
    assert_int_equal(fwrite(rest.data, 1, rest.size, f), rest.size);
    fclose(f);
}

/* With SEEDS=tests/fuzz/corpus the corpora of fuzz_ocsp.c and fuzz_crl.c are written anew. */
static void seeds(void **state)
{
    (void)state;
    holder *delegate = world_certificate(
        &w,
        (certificate_recipe){.subject = "C=DE|O=Trust|CN=Responder",
                             .issuer = ca,
                             .extensions = {"extendedKeyUsage=OCSPSigning", "keyUsage=digitalSignature"}});
    holder *bank = world_peer(&w, "C=ES|O=Bank|2.5.4.97=PSDES-BDE-3DFD21", ca,
                              "1.3.6.1.5.5.7.1.3=DER:3030302e06060400819827023024301330110607040081982701030c"
                              "065053505f41490c0542414e4b410c0645532d424445");
    ocsp_recipe o = {.subject = peer, .issuer = ca};
    ocsp_seed("ocsp/good", peer, world_ocsp(&w, o));
    o.nonce = "0123456789abcdef";
    o.by_key = true;
    ocsp_seed("ocsp/nonce", peer, world_ocsp(&w, o));
    o.signer = delegate;
    ocsp_seed("ocsp/delegate", peer, world_ocsp(&w, o));
    o.status = V_OCSP_CERTSTATUS_REVOKED;
    o.revoked_s = NOW_S - 1;
    o.statuses[0] = 1 + V_OCSP_CERTSTATUS_GOOD;
    o.statuses[1] = 1 + V_OCSP_CERTSTATUS_UNKNOWN;
    ocsp_seed("ocsp/several", peer, world_ocsp(&w, o));
    o.subject = bank;
    ocsp_seed("ocsp/bank", bank, world_ocsp(&w, o));
    crl_recipe whole = {.issuer = ca},
               held = {.issuer = ca,
                       .listed = peer,
                       .listed_s = NOW_S - 9,
                       .entry_extension = "2.5.29.21=DER:0a0106"},
               delta = {.issuer = ca,
                        .bare = true,
                        .listed = peer,
                        .listed_s = NOW_S - 1,
                        .entry_extension = "2.5.29.21=DER:0a0108",
                        .extensions = {"authorityKeyIdentifier=keyid", "2.5.29.20=ASN1:INTEGER:9",
                                       "2.5.29.27=critical,ASN1:INTEGER:7"}},
               some = {.issuer = ca, .extensions = {"2.5.29.28=critical,DER:300483020560"}},
               others = {.issuer = ca, .extensions = {"2.5.29.28=critical,DER:30058303071f80"}},
               point = {.issuer = ca,
                        .extensions = {"issuingDistributionPoint=critical,fullname:URI:http://crl.example/1"},
                        .listed = other,
                        .listed_s = NOW_S - 1,
                        .entry_extension = "2.5.29.24=DER:180f32303236313132343030303030305a"};
    crl_seed("crl/delta", peer, held, delta);
    crl_seed("crl/reasons", peer, some, others);
    crl_seed("crl/point", peer, point, whole);
    crl_seed("crl/empty", bank, whole, held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        T(a_crl_that_is_not_understood_is_not_good),
        T(a_place_that_another_serves_is_not_served),
        T(a_crl_has_its_time),
        T(a_crl_is_signed_by_the_issuer_with_an_allowed_algorithm),
        T(one_judge_serves_all),
        T(an_ocsp_response_is_of_who_may),
        T(an_ocsp_response_has_its_time),
        T(revoked_from_any_source_wins),
        T(revoked_later_is_told_beside_the_yes),
    };
    const struct CMUnitTest writing[] = {T(seeds)};
    if (getenv("SEEDS") != NULL)
        return cmocka_run_group_tests(writing, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
