/* Tokens, answers and records that others made: each comes out as its README says. */
#include "trust/base/clock.h"
#include "trust/base/digest.h"
#include "trust/base/io.h"
#include "trust/base/json.h"
#include "trust/stamp/stamp.h"

#include <dirent.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *shared;
static unsigned skipped;

static bool load(dx_arena *arena, const char *name, dx_bytes *out)
{
    char path[512];
    dx_buf buf;
    snprintf(path, sizeof path, "%s/%s", shared, name);
    dx_buf_init(&buf, 1U << 20);
    bool ok = dx_io_read_file(&dx_io_system, path, 1U << 20, &buf, NULL).code == DX_OK;
    if (ok)
        *out = dx_arena_bytes(arena, dx_buf_view(&buf));
    else
        skipped++;
    dx_buf_fini(&buf);
    return ok;
}

/* Every certificate of a PEM file. */
static size_t load_pem(dx_arena *arena, const char *name, dx_bytes *out, size_t room)
{
    dx_bytes text;
    size_t count = 0;
    if (!load(arena, name, &text))
        return 0;
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    for (X509 *x; count < room && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; X509_free(x)) {
        uint8_t *der = NULL;
        int size = i2d_X509(x, &der);
        out[count++] = dx_arena_bytes(arena, dx_bytes_of(der, (size_t)size));
        OPENSSL_free(der);
    }
    BIO_free(bio);
    return count;
}

static int64_t time_of(const json_t *options, const char *name)
{
    const char *text = json_string_value(json_object_get(options, name));
    int64_t us = 0;
    if (text != NULL)
        assert_true(dx_time_parse(dx_bytes_text(text), true, &us));
    return us;
}

/* messageImprint and nonce of a query, read with the eyes of a test: fixed places in a query of 56 + n
 * octets. */
static void read_query(dx_bytes query, uint8_t imprint[32], uint64_t *nonce)
{
    const unsigned char *p = query.data;
    TS_REQ *req = d2i_TS_REQ(NULL, &p, (long)query.size);
    assert_non_null(req);
    memcpy(imprint, ASN1_STRING_get0_data(TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req))), 32);
    assert_int_equal(ASN1_INTEGER_get_uint64(nonce, TS_REQ_get_nonce(req)), 1);
    TS_REQ_free(req);
}

static bool run_answer(const char *folder, const char *name)
{
    dx_arena arena = {0};
    char path[512];
    dx_bytes text, query, answer, token, anchors[8];
    json_t *expected = NULL;
    uint8_t imprint[32];
    snprintf(path, sizeof path, "seal-vectors/dfft-seal-v1/cases/%s/%s/expected.json", folder, name);
    assert_true(load(&arena, path, &text));
    assert_int_equal(
        dx_json_read(text, &(dx_json_limits){.max_bytes = 1U << 20, .max_depth = 16}, &expected, NULL).code,
        DX_OK);
    bool is_answer = strcmp(json_string_value(json_object_get(expected, "kind")), "tsa-answer") == 0;
    if (is_answer) {
        const json_t *options = json_object_get(expected, "options");
        const char *policy = json_string_value(json_array_get(json_object_get(options, "policy"), 0));
        snprintf(path, sizeof path, "seal-vectors/dfft-seal-v1/cases/%s/%s/query.tsq", folder, name);
        assert_true(load(&arena, path, &query));
        snprintf(path, sizeof path, "seal-vectors/dfft-seal-v1/cases/%s/%s/answer.tsr", folder, name);
        assert_true(load(&arena, path, &answer));
        size_t count = load_pem(&arena, "seal-vectors/dfft-seal-v1/certs/tsa-jp-ca.pem", anchors, 4);
        count += load_pem(&arena, "seal-vectors/dfft-seal-v1/certs/tsa-eu-ca.pem", anchors + count, 4);
        const stamp_tsa tsa = {.name = "tsa",
                               .cert_req = true,
                               .eku_strict = true,
                               .policy_oids = &policy,
                               .policy_oid_count = policy != NULL};
        stamp_expect expect = {.tsa = &tsa,
                               .imprint = dx_bytes_of(imprint, 32),
                               .has_nonce = true,
                               .sent_us = time_of(options, "sent"),
                               .received_us = time_of(options, "received"),
                               .skew_s = 60};
        read_query(query, imprint, &expect.nonce);
        const stamp_trust trust = {.anchors = anchors, .anchor_count = count};
        stamp_facts facts;
        stamp_verdict v = stamp_response_open(answer, &tsa, &token);
        if (v.ok)
            v = stamp_check(token, &expect, &trust, &arena, &facts);
        const char *first = json_string_value(json_object_get(expected, "first"));
        if (first != NULL) {
            if (v.ok || strcmp(v.id, first) != 0)
                print_error("%s: %s expected, got %s %s\n", name, first, v.id, v.text);
            assert_false(v.ok);
            assert_string_equal(v.id, first);
            assert_string_equal(v.sub_indication,
                                json_string_value(json_object_get(expected, "sub_indication")));
            assert_int_equal(
                v.indeterminate,
                strcmp(json_string_value(json_object_get(expected, "indication")), "INDETERMINATE") == 0);
        } else if (!v.ok) {
            fail_msg("%s: %s %s", name, v.id, v.text);
        }
    }
    json_decref(expected);
    dx_arena_fini(&arena);
    return is_answer;
}

static void answers_of_authorities_come_out_as_the_golden_samples_say(void **state)
{
    (void)state;
    static const char *const folders[] = {"positive", "negative"};
    unsigned count = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/seal-vectors/dfft-seal-v1/cases/%s", shared, folders[i]);
        DIR *dir = opendir(path);
        if (dir == NULL) {
            skipped++;
            continue;
        }
        for (struct dirent *e; (e = readdir(dir)) != NULL;)
            if (e->d_name[0] != '.')
                count += run_answer(folders[i], e->d_name);
        closedir(dir);
    }
    print_message("%u answers of authorities\n", count);
}

/* ---- timestamp/ ---- */

static stamp_verdict check_at_anchors(dx_arena *arena, dx_bytes token, dx_bytes imprint,
                                      const dx_bytes *anchors, size_t count, stamp_facts *facts)
{
    const stamp_expect expect = {.imprint = imprint, .ess_v1_note = true};
    const stamp_trust trust = {.anchors = anchors, .anchor_count = count, .revocation_off = true};
    return stamp_check(token, &expect, &trust, arena, facts);
}

static void a_real_rsapss_token_is_read_and_its_signature_holds(void **state)
{
    (void)state;
    dx_arena arena = {0};
    dx_bytes token, anchors[8];
    stamp_facts facts;
    uint8_t imprint[32];
    size_t size = sizeof imprint, count = 0;
    if (!load(&arena, "seal-vectors/timestamp/d-trust-rsapss.tst", &token))
        return;
    assert_true(dx_hex_decode(DX_BYTES("d9b5f58f0b38198293971865a14074f59eba3e82595becbe86ae51f1d9f1f65e"),
                              imprint, &size));
    const unsigned char *p = token.data;
    PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)token.size);
    assert_non_null(p7);
    STACK_OF(X509) *bag = p7->d.sign->cert;
    for (int i = 0; i < sk_X509_num(bag); i++) {
        X509 *x = sk_X509_value(bag, i);
        if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0) {
            uint8_t *der = NULL;
            int n = i2d_X509(x, &der);
            anchors[count++] = dx_arena_bytes(&arena, dx_bytes_of(der, (size_t)n));
            OPENSSL_free(der);
        }
    }
    PKCS7_free(p7);
    assert_int_equal(count, 1);
    stamp_verdict v = check_at_anchors(&arena, token, dx_bytes_of(imprint, 32), anchors, count, &facts);
    if (!v.ok)
        fail_msg("%s %s", v.id, v.text);
    assert_string_equal(facts.policy, "0.4.0.2023.1.1");
    assert_int_equal(facts.time_us / 1000000, 1527081509);
    dx_arena_fini(&arena);
}

static void the_signer_is_who_signed_not_who_stands_first_in_the_bag(void **state)
{
    (void)state;
    static const char *const names[] = {"seal-vectors/timestamp/test_tsa-response.tsr",
                                        "seal-vectors/timestamp/test_tsa-response-injected-certs.tsr"};
    for (size_t i = 0; i < 2; i++) {
        dx_arena arena = {0};
        dx_bytes answer, token, query, anchors[8];
        stamp_facts facts;
        uint8_t imprint[64];
        if (load(&arena, names[i], &answer) &&
            load(&arena, "seal-vectors/timestamp/test_tsa-request.der", &query)) {
            size_t count = load_pem(&arena, "seal-vectors/timestamp/test_tsa-ts_chain.pem", anchors, 8);
            const unsigned char *p = query.data;
            TS_REQ *req = d2i_TS_REQ(NULL, &p, (long)query.size);
            const ASN1_STRING *msg = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req));
            size_t size = (size_t)ASN1_STRING_length(msg);
            memcpy(imprint, ASN1_STRING_get0_data(msg), size);
            TS_REQ_free(req);
            assert_true(stamp_response_open(answer, NULL, &token).ok);
            stamp_verdict v =
                check_at_anchors(&arena, token, dx_bytes_of(imprint, size), anchors, count, &facts);
            if (!v.ok)
                fail_msg("%s: %s %s", names[i], v.id, v.text);
            assert_null(strstr(facts.signer_name, "Spoofed"));
        }
        dx_arena_fini(&arena);
    }
}

static void a_valid_and_a_broken_answer_over_the_same_bytes(void **state)
{
    (void)state;
    dx_arena arena = {0};
    dx_bytes hello, good, bad, token, anchors[8];
    stamp_facts facts;
    uint8_t imprint[32];
    if (load(&arena, "seal-vectors/timestamp/hello.bin", &hello) &&
        load(&arena, "seal-vectors/timestamp/sigstage-response-sha256.tsr", &good) &&
        load(&arena, "seal-vectors/timestamp/sigstage-response-invalid-signature.tsr", &bad)) {
        size_t count = load_pem(&arena, "seal-vectors/timestamp/sigstage-ts_chain.pem", anchors, 8);
        dx_sha256(hello, imprint);
        assert_true(stamp_response_open(good, NULL, &token).ok);
        stamp_verdict v = check_at_anchors(&arena, token, dx_bytes_of(imprint, 32), anchors, count, &facts);
        if (!v.ok)
            fail_msg("%s %s", v.id, v.text);
        v = stamp_response_open(bad, NULL, &token);
        if (v.ok)
            v = check_at_anchors(&arena, token, dx_bytes_of(imprint, 32), anchors, count, &facts);
        assert_false(v.ok);
        print_message("broken answer: %s %s\n", v.id, v.text);
    }
    dx_arena_fini(&arena);
}

static void real_tokens_in_ber_are_read_to_the_signature(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/trusted-lists/tokens", shared);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        skipped++;
        return;
    }
    unsigned reached = 0, old = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strstr(e->d_name, ".tst.der") == NULL)
            continue;
        dx_arena arena = {0};
        dx_bytes token;
        stamp_facts facts;
        snprintf(path, sizeof path, "trusted-lists/tokens/%s", e->d_name);
        assert_true(load(&arena, path, &token));
        /* The imprint is taken from the token by another reader, since the stamped data are not here. */
        const unsigned char *p = token.data;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)token.size);
        assert_non_null(cms);
        const ASN1_OCTET_STRING *content = *CMS_get0_content(cms);
        p = ASN1_STRING_get0_data(content);
        TS_TST_INFO *info = d2i_TS_TST_INFO(NULL, &p, ASN1_STRING_length(content));
        assert_non_null(info);
        const ASN1_STRING *msg = TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(info));
        dx_bytes imprint =
            dx_arena_bytes(&arena, dx_bytes_of(ASN1_STRING_get0_data(msg), (size_t)ASN1_STRING_length(msg)));
        stamp_verdict v = check_at_anchors(&arena, token, imprint, NULL, 0, &facts);
        print_message("%s: %s %s\n", e->d_name, v.id, v.text);
        reached += strcmp(v.id, "STAMP-11") == 0;
        old += strcmp(v.id, "STAMP-03") == 0 || strcmp(v.id, "STAMP-08") == 0;
        TS_TST_INFO_free(info);
        CMS_ContentInfo_free(cms);
        dx_arena_fini(&arena);
    }
    closedir(dir);
    assert_int_equal(old, 1); /* the SHA-1 one of 2013 */
    assert_int_equal(reached, 4);
}

/* ---- evidence-record/ ---- */

static stamp_verdict check_record(dx_arena *arena, const char *object, const char *record, bool *there)
{
    dx_bytes data, er;
    stamp_facts facts;
    uint8_t leaf[32];
    stamp_trust trust = {.revocation_off = true};
    char path[256];
    stamp_verdict none = {0};
    snprintf(path, sizeof path, "seal-vectors/evidence-record/%s", object);
    *there = load(arena, path, &data);
    snprintf(path, sizeof path, "seal-vectors/evidence-record/%s", record);
    *there = *there && load(arena, path, &er);
    if (!*there)
        return none;
    dx_sha256(data, leaf);
    return evidence_record_check(er, leaf, &trust, arena, &facts);
}

static void foreign_records_hold_down_to_the_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *object, *record, *id;
    } cases[] = {
        {"BIN-1.bin", "BIN-1_ER.ers", "STAMP-11"}, /* every hash holds; nobody to believe the authority by */
        {"BIN-2.bin", "BIN-2_ER.ers", "STAMP-11"},
        {"../timestamp/hello.bin", "BIN-1_ER.ers", "ER-04"},
        {"BIN-1.bin", "BIN-1_ER_malformed.ers", "ER-01"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dx_arena arena = {0};
        bool there;
        stamp_verdict v = check_record(&arena, cases[i].object, cases[i].record, &there);
        if (there) {
            print_message("%s over %s: %s %s\n", cases[i].record, cases[i].object, v.id, v.text);
            assert_string_equal(v.id, cases[i].id);
        }
        dx_arena_fini(&arena);
    }
}

/* ---- by a trust snapshot ---- */

/* A list that is believed by the certificate in its own signature: enough to ask what it says. */
static tlist_snapshot *snapshot_of(const char *name, const char *when)
{
    static const char open[] = "X509Certificate>";
    dx_arena arena = {0};
    dx_buf xml;
    char path[512];
    int64_t at_us;
    uint8_t anchor[1][32];
    tlist_list *list = NULL;
    tlist_snapshot *snapshot = NULL;
    dx_why why;
    snprintf(path, sizeof path, "%s/%s", shared, name);
    dx_buf_init(&xml, 64U << 20);
    assert_true(dx_time_parse(dx_bytes_text(when), true, &at_us));
    if (dx_io_read_file(&dx_io_system, path, 64U << 20, &xml, NULL).code != DX_OK) {
        skipped++;
        dx_buf_fini(&xml);
        return NULL;
    }
    const char *from = NULL, *end = (const char *)xml.data + xml.size;
    for (const char *next = (const char *)xml.data;
         (next = memmem(next, (size_t)(end - next), "KeyInfo>", 8)) != NULL; next += 8) {
        const char *cert = memmem(next, (size_t)(end - next), open, sizeof open - 1);
        from = cert != NULL ? cert + sizeof open - 1 : from;
    }
    assert_non_null(from);
    uint8_t *der = dx_arena_alloc(&arena, 8192);
    char *text = dx_arena_alloc(&arena, 8192);
    size_t size = 8192, kept = 0;
    for (; *from != '<' && kept < 8000; from++)
        if (*from == '&')
            from += strcspn(from, ";");
        else if (strchr(" \t\r\n", *from) == NULL)
            text[kept++] = *from;
    assert_true(dx_base64_decode(dx_bytes_of(text, kept), der, &size));
    dx_sha256(dx_bytes_of(der, size), anchor[0]);
    const tlist_source source = {.id = "t",
                                 .kind = TLIST_KIND_TL,
                                 .anchors = (const uint8_t(*)[32])anchor,
                                 .anchor_count = 1,
                                 .scheme = "EU"};
    if (tlist_read(dx_buf_view(&xml), &source, at_us / 1000000, &list, &why).code != DX_OK ||
        tlist_snapshot_of(&list, 1, at_us / 1000000, &snapshot, &why).code != DX_OK)
        fail_msg("%s: %s %s", name, why.id, why.text);
    tlist_list_unref(list);
    dx_buf_fini(&xml);
    dx_arena_fini(&arena);
    return snapshot;
}

static stamp_memo *memo; /* of the checks below; NULL: each signer is judged anew */

static stamp_verdict check_by_list(dx_arena *arena, tlist_snapshot *snapshot, const char *name,
                                   const char *want_class, stamp_facts *facts)
{
    char path[512];
    dx_bytes token;
    path_judge_state *judge;
    stamp_verdict v = {0};
    snprintf(path, sizeof path, "trusted-lists/tokens/%s", name);
    if (!load(arena, path, &token))
        return v;
    const unsigned char *p = token.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)token.size);
    const ASN1_OCTET_STRING *content = *CMS_get0_content(cms);
    p = ASN1_STRING_get0_data(content);
    TS_TST_INFO *info = d2i_TS_TST_INFO(NULL, &p, ASN1_STRING_length(content));
    const ASN1_STRING *msg = TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(info));
    assert_int_equal(path_judge_new(&judge, NULL).code, DX_OK);
    const stamp_trust trust = {
        .snapshot = snapshot, .judge = judge, .want_class = want_class, .revocation_off = true, .memo = memo};
    const stamp_expect expect = {.imprint =
                                     dx_bytes_of(ASN1_STRING_get0_data(msg), (size_t)ASN1_STRING_length(msg)),
                                 .ess_v1_note = true};
    v = stamp_check(token, &expect, &trust, arena, facts);
    print_message("%s: %s %s %s %s %s\n", name, v.ok ? "believed" : v.id, v.text, facts->class_,
                  facts->status, facts->signer_name);
    path_judge_free(judge);
    TS_TST_INFO_free(info);
    CMS_ContentInfo_free(cms);
    return v;
}

static void an_authority_is_what_the_list_says_it_was_at_gentime(void **state)
{
    (void)state;
    static const struct {
        const char *list, *when, *token, *id; /* NULL: believed */
    } cases[] = {
        /* of 2017, its authority granted then, withdrawn by the time of the list */
        {"trusted-lists/national/2023/EE.xml", "2023-11-01T00:00:00Z",
         "1xTST-text-data-file-expired-tst.asics-timestamp.tst-0.tst.der", NULL},
        /* of 2024, when this list had ended: not a no, but nothing to believe by */
        {"trusted-lists/national/2023/EE.xml", "2023-11-01T00:00:00Z",
         "2xTST-text-data-file-expired-tst-and-valid-tst.asics-timestamp002.tst-0.tst.der", "STAMP-11"},
        /* chain signed with SHA-1 */
        {"trusted-lists/national/2023/EE.xml", "2023-11-01T00:00:00Z",
         "edoc2_lv-eId_sha256.edoc-edoc-signatures-S1-0.tst.der", "STAMP-11"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dx_arena arena = {0};
        stamp_facts facts = {0};
        tlist_snapshot *snapshot = snapshot_of(cases[i].list, cases[i].when);
        if (snapshot != NULL) {
            stamp_verdict v = check_by_list(&arena, snapshot, cases[i].token, "EU-QTSA", &facts);
            assert_string_equal(v.ok ? "believed" : v.id, cases[i].id != NULL ? cases[i].id : "believed");
            if (v.ok) {
                assert_string_equal(facts.class_, "EU-QTSA");
                assert_string_equal(facts.status, "granted");
                assert_string_equal(facts.territory, "EE");
                assert_string_equal(check_by_list(&arena, snapshot, cases[i].token, "JP-MIC", &facts).id,
                                    "STAMP-12");
            }
        }
        tlist_snapshot_unref(snapshot);
        dx_arena_fini(&arena);
    }
}

static void a_signer_is_remembered_under_its_own_snapshot_and_for_a_while_only(void **state)
{
    (void)state;
    static const char token[] = "1xTST-text-data-file-expired-tst.asics-timestamp.tst-0.tst.der";
    dx_arena arena = {0};
    stamp_facts facts = {0};
    stamp_memo kept = {0};
    tlist_snapshot *snapshot = snapshot_of("trusted-lists/national/2023/EE.xml", "2023-11-01T00:00:00Z");
    memo = &kept;
    if (snapshot != NULL && check_by_list(&arena, snapshot, token, "EU-QTSA", &facts).ok) {
        assert_int_equal(kept.verdict.answer, TRUST_YES);
        assert_int_equal(kept.until_s - kept.from_s, 30);
        /* Another answer under the same key shows whether it is asked. */
        kept.verdict.answer = TRUST_NO;
        assert_false(check_by_list(&arena, snapshot, token, "EU-QTSA", &facts).ok);
        kept.until_s = kept.from_s;
        assert_true(check_by_list(&arena, snapshot, token, "EU-QTSA", &facts).ok);
        kept.verdict.answer = TRUST_NO;
        kept.snapshot_id[0] ^= 1;
        assert_true(check_by_list(&arena, snapshot, token, "EU-QTSA", &facts).ok);
        kept.verdict.answer = TRUST_NO;
        kept.leaf_sha256[0] ^= 1;
        assert_true(check_by_list(&arena, snapshot, token, "EU-QTSA", &facts).ok);
    } else {
        print_message("SKIPPED: trusted-lists is not there\n");
    }
    memo = NULL;
    tlist_snapshot_unref(snapshot);
    dx_arena_fini(&arena);
}

int main(void)
{
    shared = getenv("SEKISHO_SHARED");
    if (shared == NULL)
        shared = "../shared";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_authorities_come_out_as_the_golden_samples_say),
        cmocka_unit_test(a_real_rsapss_token_is_read_and_its_signature_holds),
        cmocka_unit_test(the_signer_is_who_signed_not_who_stands_first_in_the_bag),
        cmocka_unit_test(a_valid_and_a_broken_answer_over_the_same_bytes),
        cmocka_unit_test(a_signer_is_remembered_under_its_own_snapshot_and_for_a_while_only),
        cmocka_unit_test(real_tokens_in_ber_are_read_to_the_signature),
        cmocka_unit_test(foreign_records_hold_down_to_the_tokens),
        cmocka_unit_test(an_authority_is_what_the_list_says_it_was_at_gentime),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (skipped > 0)
        print_message("%u files of %s are not there: skipped\n", skipped, shared);
    return failed;
}
