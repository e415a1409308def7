/* One right token, and each way of being wrong refused under its own id. */
#include "tests/unit/trust_stamp/tiny_tsa.h"

#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#define NOW_S  1790000000 /* 2026-09-21 */
#define YEAR_S (365 * 86400)

static tiny_id ca, other_ca, tsu, rsa_tsu;
static uint8_t imprint[32];

static tiny_id unit(const char *eku, const char *ku, int64_t from_s, int64_t to_s, const tiny_id *issuer)
{
    return tiny_issue(&(tiny_cert){.name = "unit", .eku = eku, .ku = ku, .from_s = from_s, .to_s = to_s},
                      issuer);
}

static int open_world(void **state)
{
    (void)state;
    const tiny_cert root = {.name = "root",
                            .ca = true,
                            .ku = "critical,keyCertSign,cRLSign",
                            .from_s = NOW_S - YEAR_S,
                            .to_s = NOW_S + 10 * YEAR_S};
    tiny_cert rsa = {.name = "rsa unit",
                     .eku = "critical,timeStamping",
                     .ku = "critical,digitalSignature",
                     .rsa = true,
                     .from_s = NOW_S - YEAR_S,
                     .to_s = NOW_S + YEAR_S};
    ca = tiny_issue(&root, NULL);
    other_ca = tiny_issue(&root, NULL);
    tsu = unit("critical,timeStamping", "critical,digitalSignature", NOW_S - YEAR_S, NOW_S + YEAR_S, &ca);
    rsa_tsu = tiny_issue(&rsa, &ca);
    memset(imprint, 0x5a, sizeof imprint);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    tiny_id_fini(&ca);
    tiny_id_fini(&other_ca);
    tiny_id_fini(&tsu);
    tiny_id_fini(&rsa_tsu);
    return 0;
}

static const char *const policies[] = {"1.3.6.1.4.1.99999.6", TINY_POLICY};
static stamp_tsa ours(void)
{
    return (stamp_tsa){.name = "tiny",
                       .class_ = "private",
                       .territory = "JP",
                       .cert_req = true,
                       .eku_strict = true,
                       .policy_oids = policies,
                       .policy_oid_count = 2};
}

static tiny_token right(void)
{
    return (tiny_token){.imprint = imprint, .nonce = 0xfedcba9876543210, .time_s = NOW_S, .signer = &tsu};
}

static stamp_expect expected(const stamp_tsa *tsa)
{
    return (stamp_expect){.tsa = tsa,
                          .imprint = dx_bytes_of(imprint, 32),
                          .has_nonce = true,
                          .nonce = 0xfedcba9876543210,
                          .sent_us = (int64_t)NOW_S * 1000000,
                          .received_us = (int64_t)(NOW_S + 1) * 1000000,
                          .skew_s = 60};
}

typedef struct {
    tiny_token token;
    stamp_tsa tsa;
    stamp_expect expect;
    stamp_trust trust;
    stamp_facts facts;
    stamp_verdict verdict;
} trial;

static trial new_trial(void)
{
    return (trial){.token = right(), .tsa = ours()};
}

/* Judges; `bytes` replaces the token when it is not NULL. */
static void judge(trial *t, const dx_bytes *bytes, const tiny_id *anchor)
{
    dx_arena arena = {0};
    dx_bytes der = tiny_der(&arena, anchor->cert),
             token = bytes != NULL ? *bytes : tiny_token_make(&arena, &t->token);
    stamp_expect expect = t->expect.imprint.data != NULL ? t->expect : expected(&t->tsa);
    stamp_trust trust = t->trust;
    trust.anchors = &der;
    trust.anchor_count = 1;
    t->verdict = stamp_check(token, &expect, &trust, &arena, &t->facts);
    dx_arena_fini(&arena);
}

static void refused(trial *t, const char *id, const char *sub)
{
    judge(t, NULL, &ca);
    if (t->verdict.ok || strcmp(t->verdict.id, id) != 0)
        print_error("%s expected, got %s %s\n", id, t->verdict.id, t->verdict.text);
    assert_false(t->verdict.ok);
    assert_string_equal(t->verdict.id, id);
    assert_string_equal(t->verdict.sub_indication, sub);
    assert_int_equal(t->facts.time_us, 0);
}

static void accepted(trial *t)
{
    judge(t, NULL, &ca);
    if (!t->verdict.ok)
        fail_msg("%s %s", t->verdict.id, t->verdict.text);
}

static void a_right_token_is_believed_and_its_facts_are_told(void **state)
{
    (void)state;
    trial t = new_trial();
    accepted(&t);
    assert_int_equal(t.facts.time_us, (int64_t)NOW_S * 1000000);
    assert_int_equal(t.facts.accuracy_us, 1000000);
    assert_string_equal(t.facts.serial, "1267");
    assert_string_equal(t.facts.policy, TINY_POLICY);
    assert_string_equal(t.facts.territory, "JP");
    assert_string_equal(t.facts.signer_name, "unit");
    assert_memory_equal(t.facts.imprint, imprint, 32);
}

static void rsa_and_rsapss_tokens_are_believed(void **state)
{
    (void)state;
    for (int scheme = TINY_RSA; scheme <= TINY_PSS; scheme++) {
        trial t = new_trial();
        t.token.signer = &rsa_tsu;
        t.token.scheme = (tiny_scheme)scheme;
        accepted(&t);
    }
}

static void the_query_is_what_another_reader_expects(void **state)
{
    (void)state;
    static const uint64_t nonces[] = {0, 1, 0x7f, 0x80, 0xff00, 0x8000000000000000, UINT64_MAX};
    for (size_t i = 0; i < sizeof nonces / sizeof *nonces; i++) {
        dx_arena arena = {0};
        stamp_tsa tsa = ours();
        uint8_t got[32];
        uint64_t nonce;
        bool cert_req;
        dx_bytes query;
        tsa.cert_req = i % 2 == 0;
        assert_int_equal(stamp_request_make(&tsa, imprint, nonces[i], &arena, &query, NULL).code, DX_OK);
        assert_true(tiny_read_query(query, got, &nonce, &cert_req));
        assert_int_equal(nonce, nonces[i]);
        assert_int_equal(cert_req, tsa.cert_req);
        assert_memory_equal(got, imprint, 32);
        dx_arena_fini(&arena);
    }
}

static void another_imprint_is_03(void **state)
{
    (void)state;
    uint8_t other[32] = {1};
    trial t = new_trial();
    t.token.imprint = other;
    refused(&t, "STAMP-03", "HASH_FAILURE");
}

static void a_second_spelling_of_the_tstinfo_is_03(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.ordering_false = true; /* DER leaves a default out */
    refused(&t, "STAMP-03", "FORMAT_FAILURE");
}

static void another_nonce_or_none_is_04(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.nonce++;
    refused(&t, "STAMP-04", "SIG_CONSTRAINTS_FAILURE");
    t = new_trial();
    t.token.no_nonce = true;
    refused(&t, "STAMP-04", "SIG_CONSTRAINTS_FAILURE");
}

static void another_policy_is_05(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.policy = "1.3.6.1.4.1.99999.8";
    refused(&t, "STAMP-05", "SIG_CONSTRAINTS_FAILURE");
    t.tsa.policy_oid_count = 0;
    accepted(&t);
}

static void a_reference_to_another_certificate_is_06(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.wrong_ess = true;
    refused(&t, "STAMP-06", "SIG_CONSTRAINTS_FAILURE");
    t = new_trial();
    t.token.no_ess = true;
    refused(&t, "STAMP-06", "SIG_CONSTRAINTS_FAILURE");
}

static void a_sha1_reference_needs_leave(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.ess_v1 = true;
    refused(&t, "STAMP-06", "SIG_CONSTRAINTS_FAILURE");
    t.tsa.ess_v1 = true;
    accepted(&t);
    assert_true(t.facts.ess_v1);
}

static void a_signer_who_is_not_at_hand_is_07(void **state)
{
    (void)state;
    dx_arena arena = {0};
    trial t = new_trial();
    t.token.no_certs = true;
    refused(&t, "STAMP-07", "NO_SIGNING_CERTIFICATE_FOUND");
    dx_bytes cert = tiny_der(&arena, tsu.cert); /* cert_req false: looked up */
    t.tsa.certificates = &cert;
    t.tsa.certificate_count = 1;
    accepted(&t);
    dx_arena_fini(&arena);
}

static void a_stranger_first_in_the_bag_changes_nothing(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.first_in_bag = other_ca.cert;
    accepted(&t);
    assert_string_equal(t.facts.signer_name, "unit");
}

static void an_algorithm_that_does_not_fit_is_08(void **state)
{
    (void)state;
    static const char *const oids[] = {"1.2.840.10045.4.3.3", "1.2.840.10045.4.1", "1.3.101.112",
                                       "1.2.840.113549.1.1.11", "1.2.3.4"};
    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++) {
        trial t = new_trial();
        t.token.signature_oid = oids[i];
        refused(&t, "STAMP-08", "CRYPTO_CONSTRAINTS_FAILURE");
        assert_true(t.verdict.indeterminate);
    }
}

static void extended_key_usage_missing_not_critical_or_doubled_is_09(void **state)
{
    (void)state;
    static const char *const ekus[] = {NULL, "timeStamping", "critical,timeStamping,codeSigning",
                                       "critical,codeSigning", "critical,timeStamping,timeStamping"};
    for (size_t i = 0; i < sizeof ekus / sizeof *ekus; i++) {
        tiny_id id = unit(ekus[i], "critical,digitalSignature", NOW_S - YEAR_S, NOW_S + YEAR_S, &ca);
        trial t = new_trial();
        t.token.signer = &id;
        refused(&t, "STAMP-09", "CHAIN_CONSTRAINTS_FAILURE");
        if (i == 2) {
            t.tsa.eku_strict = false;
            accepted(&t);
        }
        tiny_id_fini(&id);
    }
}

static void a_key_that_may_do_more_is_10(void **state)
{
    (void)state;
    static const struct {
        const char *ku;
        bool ok;
    } cases[] = {{"critical,digitalSignature,keyEncipherment", false},
                 {"keyCertSign", false},
                 {"nonRepudiation", true},
                 {NULL, true},
                 {"digitalSignature,nonRepudiation", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny_id id = unit("critical,timeStamping", cases[i].ku, NOW_S - YEAR_S, NOW_S + YEAR_S, &ca);
        trial t = new_trial();
        t.token.signer = &id;
        if (cases[i].ok)
            accepted(&t);
        else
            refused(&t, "STAMP-10", "CHAIN_CONSTRAINTS_FAILURE");
        tiny_id_fini(&id);
    }
}

static void a_signer_of_nobody_we_know_is_11(void **state)
{
    (void)state;
    trial t = new_trial();
    tiny_id foreign = unit("critical,timeStamping", NULL, NOW_S - YEAR_S, NOW_S + YEAR_S, &other_ca);
    tiny_id ended = unit("critical,timeStamping", NULL, NOW_S - YEAR_S, NOW_S - 1, &ca);
    tiny_id by_unit =
        unit("critical,timeStamping", NULL, NOW_S - YEAR_S, NOW_S + YEAR_S, &tsu); /* a unit is no CA */
    t.token.signer = &foreign; /* same issuer name, another key */
    refused(&t, "STAMP-11", "NO_CERTIFICATE_CHAIN_FOUND");
    t.token.signer = &ended;
    refused(&t, "STAMP-11", "NO_CERTIFICATE_CHAIN_FOUND");
    t.token.signer = &by_unit;
    t.token.first_in_bag = tsu.cert;
    refused(&t, "STAMP-11", "NO_CERTIFICATE_CHAIN_FOUND");
    tiny_id_fini(&foreign);
    tiny_id_fini(&ended);
    tiny_id_fini(&by_unit);
}

static dx_bytes make_crl(dx_arena *arena, const tiny_id *signer, X509 *revoked, int64_t when_s)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)when_s);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca.cert));
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(crl, entry);
    X509_CRL_set1_lastUpdate(crl, ASN1_TIME_set(time, NOW_S + 3600));
    X509_CRL_set1_nextUpdate(crl, ASN1_TIME_set(time, NOW_S + 7200));
    X509_CRL_sign(crl, signer->key, EVP_sha256());
    unsigned char *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    X509_CRL_free(crl);
    ASN1_TIME_free(time);
    return tiny_take(arena, der, size);
}

static void a_unit_revoked_before_gentime_is_11_and_a_forged_list_counts_for_nothing(void **state)
{
    (void)state;
    dx_arena arena = {0};
    dx_bytes before = make_crl(&arena, &ca, tsu.cert, NOW_S - 3600),
             after = make_crl(&arena, &ca, tsu.cert, NOW_S + 1800);
    dx_bytes forged = make_crl(&arena, &other_ca, tsu.cert, NOW_S - 3600);
    trial t = new_trial();
    t.trust.crl_count = 1;
    t.trust.crls = &before;
    refused(&t, "STAMP-11", "NO_CERTIFICATE_CHAIN_FOUND");
    t.trust.crls = &after;
    accepted(&t);
    t.trust.crls = &forged;
    accepted(&t);
    dx_arena_fini(&arena);
}

static void another_class_than_asked_for_is_12(void **state)
{
    (void)state;
    trial t = new_trial();
    t.trust.want_class = "JP-MIC";
    refused(&t, "STAMP-12", "SIG_CONSTRAINTS_FAILURE");
}

static void an_hour_early_or_late_is_13(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.time_s = NOW_S - 3600;
    refused(&t, "STAMP-13", "SIG_CONSTRAINTS_FAILURE");
    t.token.time_s = NOW_S + 3600;
    refused(&t, "STAMP-13", "SIG_CONSTRAINTS_FAILURE");
    t.token.time_s = NOW_S - 61; /* skew 60 and accuracy 1 */
    accepted(&t);
    t.token.time_s = NOW_S - 62;
    refused(&t, "STAMP-13", "SIG_CONSTRAINTS_FAILURE");
    t.token.time_s = NOW_S + 62;
    accepted(&t);
    t.token.time_s = NOW_S + 63;
    refused(&t, "STAMP-13", "SIG_CONSTRAINTS_FAILURE");
}

static void a_stamp_from_before_the_seal_is_14(void **state)
{
    (void)state;
    trial t = new_trial();
    t.expect = (stamp_expect){
        .imprint = dx_bytes_of(imprint, 32), .skew_s = 60, .not_before_us = (int64_t)(NOW_S + 61) * 1000000};
    refused(&t, "STAMP-14", "TIMESTAMP_ORDER_FAILURE");
    t.expect.not_before_us = (int64_t)(NOW_S + 60) * 1000000;
    accepted(&t);
}

static void versions_and_signers_that_no_signature_covers_are_02(void **state)
{
    (void)state;
    trial t = new_trial();
    t.token.two_signers = true;
    refused(&t, "STAMP-02", "FORMAT_FAILURE");
    t = new_trial();
    t.token.data_version = 2;
    refused(&t, "STAMP-02", "FORMAT_FAILURE");
    t = new_trial();
    t.token.signer_version = 3;
    refused(&t, "STAMP-02", "FORMAT_FAILURE");
}

static void bytes_behind_a_token_are_02(void **state)
{
    (void)state;
    dx_arena arena = {0};
    trial t = new_trial();
    dx_bytes token = tiny_token_make(&arena, &t.token);
    uint8_t *longer = dx_arena_alloc(&arena, token.size + 1);
    memcpy(longer, token.data, token.size);
    dx_bytes bytes = dx_bytes_of(longer, token.size + 1);
    judge(&t, &bytes, &ca);
    assert_string_equal(t.verdict.id, "STAMP-02");
    for (size_t size = 0; size < token.size; size++) {
        bytes = dx_bytes_of(token.data, size);
        judge(&t, &bytes, &ca);
        assert_string_equal(t.verdict.id, "STAMP-02");
    }
    dx_arena_fini(&arena);
}

/* The same token with indefinite lengths outside and an octet string in two pieces. */
static void a_token_in_ber_says_the_same(void **state)
{
    (void)state;
    dx_arena arena = {0};
    trial t = new_trial();
    dx_bytes token = tiny_token_make(&arena, &t.token), end = DX_BYTES("\0\0");
    dx_bytes body = {NULL, 0}, oid = {NULL, 0}, wrapped = {NULL, 0};
    assert_true(der_only(token, DER_SEQUENCE, &body) && der_take_whole(&body, DER_OID, &oid) &&
                der_only(body, DER_CONSTRUCTED(0), &wrapped));
    dx_buf ber;
    dx_buf_init(&ber, 1U << 16);
    const dx_bytes parts[] = {DX_BYTES("\x30\x80"), oid, DX_BYTES("\xa0\x80"), wrapped, end, end};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_int_equal(dx_buf_add(&ber, parts[i]).code, DX_OK);
    dx_bytes bytes = dx_buf_view(&ber);
    judge(&t, &bytes, &ca);
    if (!t.verdict.ok)
        fail_msg("%s %s", t.verdict.id, t.verdict.text);
    bytes.size -= 2;
    judge(&t, &bytes, &ca);
    assert_string_equal(t.verdict.id, "STAMP-02");
    dx_buf_fini(&ber);
    dx_arena_fini(&arena);
}

static void no_changed_byte_is_believed(void **state)
{
    (void)state;
    dx_arena arena = {0};
    trial t = new_trial();
    dx_bytes token = tiny_token_make(&arena, &t.token);
    uint8_t *copy = dx_arena_alloc(&arena, token.size);
    for (size_t i = 0; i < token.size; i++) {
        memcpy(copy, token.data, token.size);
        copy[i] ^= (uint8_t)(1U << (i % 8));
        dx_bytes bytes = dx_bytes_of(copy, token.size);
        judge(&t, &bytes, &ca);
        if (t.verdict.ok)
            fail_msg("byte %zu may change from %02x to %02x", i, token.data[i], copy[i]);
    }
    dx_arena_fini(&arena);
}

/* ---- answers ---- */

static stamp_verdict open_answer(dx_bytes answer, bool mods, bool *has_token)
{
    stamp_tsa tsa = ours();
    dx_bytes token;
    tsa.accept_mods = mods;
    stamp_verdict v = stamp_response_open(answer, &tsa, &token);
    *has_token = token.size > 0;
    return v;
}

static void answers_without_a_granted_token_are_01(void **state)
{
    (void)state;
    dx_arena arena = {0};
    bool has_token;
    tiny_token right_one = right();
    dx_bytes token = tiny_token_make(&arena, &right_one), none = {NULL, 0};
    assert_true(open_answer(tiny_answer(&arena, 0, token), false, &has_token).ok);
    assert_true(has_token);
    assert_true(open_answer(tiny_answer(&arena, 1, token), true, &has_token).ok);
    dx_bytes bad[] = {tiny_answer(&arena, 1, token),
                      tiny_answer(&arena, 2, none),
                      tiny_answer(&arena, 3, token),
                      tiny_answer(&arena, 4, none),
                      tiny_answer(&arena, 5, none),
                      tiny_answer(&arena, 99, token),
                      tiny_answer(&arena, 0, none),
                      DX_BYTES("<html><body>Bad gateway</body></html>"),
                      none,
                      token};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        stamp_verdict v = open_answer(bad[i], false, &has_token);
        assert_false(v.ok);
        assert_false(has_token);
        assert_string_equal(v.id, "STAMP-01");
        assert_string_equal(v.sub_indication, "FORMAT_FAILURE");
    }
    dx_bytes answer = tiny_answer(&arena, 0, token);
    uint8_t *longer = dx_arena_alloc(&arena, answer.size + 1);
    memcpy(longer, answer.data, answer.size);
    assert_string_equal(open_answer(dx_bytes_of(longer, answer.size + 1), false, &has_token).id, "STAMP-01");
    dx_arena_fini(&arena);
}

static void every_id_has_its_words(void **state)
{
    (void)state;
    char id[16];
    for (int i = 1; i <= 24; i++) {
        const char *clause = NULL;
        snprintf(id, sizeof id, i <= 15 ? "STAMP-%02d" : "ER-%02d", i <= 15 ? i : i - 15);
        assert_non_null(stamp_check_text(id, &clause));
        assert_non_null(clause);
    }
    assert_null(stamp_check_text("STAMP-16", NULL));
}

static void how_long_it_takes(void **state)
{
    (void)state;
    dx_arena arena = {0};
    trial t = new_trial();
    dx_bytes token = tiny_token_make(&arena, &t.token);
    int64_t from_us = dx_mono_us(&dx_clock_system);
    for (int i = 0; i < 200; i++)
        judge(&t, &token, &ca);
    assert_true(t.verdict.ok);
    print_message("a P-256 token with its chain of one: %lld us\n",
                  (long long)((dx_mono_us(&dx_clock_system) - from_us) / 200));
    dx_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_token_is_believed_and_its_facts_are_told),
        cmocka_unit_test(rsa_and_rsapss_tokens_are_believed),
        cmocka_unit_test(the_query_is_what_another_reader_expects),
        cmocka_unit_test(another_imprint_is_03),
        cmocka_unit_test(a_second_spelling_of_the_tstinfo_is_03),
        cmocka_unit_test(another_nonce_or_none_is_04),
        cmocka_unit_test(another_policy_is_05),
        cmocka_unit_test(a_reference_to_another_certificate_is_06),
        cmocka_unit_test(a_sha1_reference_needs_leave),
        cmocka_unit_test(a_signer_who_is_not_at_hand_is_07),
        cmocka_unit_test(a_stranger_first_in_the_bag_changes_nothing),
        cmocka_unit_test(an_algorithm_that_does_not_fit_is_08),
        cmocka_unit_test(extended_key_usage_missing_not_critical_or_doubled_is_09),
        cmocka_unit_test(a_key_that_may_do_more_is_10),
        cmocka_unit_test(a_signer_of_nobody_we_know_is_11),
        cmocka_unit_test(a_unit_revoked_before_gentime_is_11_and_a_forged_list_counts_for_nothing),
        cmocka_unit_test(another_class_than_asked_for_is_12),
        cmocka_unit_test(an_hour_early_or_late_is_13),
        cmocka_unit_test(a_stamp_from_before_the_seal_is_14),
        cmocka_unit_test(versions_and_signers_that_no_signature_covers_are_02),
        cmocka_unit_test(bytes_behind_a_token_are_02),
        cmocka_unit_test(a_token_in_ber_says_the_same),
        cmocka_unit_test(no_changed_byte_is_believed),
        cmocka_unit_test(answers_without_a_granted_token_are_01),
        cmocka_unit_test(every_id_has_its_words),
        cmocka_unit_test(how_long_it_takes),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
