#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW_US 1795489200000000 /* 2026-11-24T03:00:00Z */

static policy *bundle;

/* The car maker of the golden battery bundle reads a footprint; `without` is left out. */
static policy_facts *falke(dx_arena *arena, int without)
{
    const dx_bytes web[] = {DX_BYTES("web")}, to[] = {DX_BYTES("DE")};
    policy_facts *f = policy_facts_new(arena);
#define GIVE(a, call)                                                                                        \
    if (without != (int)(a))                                                                                 \
    call
    GIVE(POLICY_PEER_ORG_ID, policy_fact_str(f, POLICY_PEER_ORG_ID, "VATDE-812345678"));
    GIVE(POLICY_PEER_QC_TYPE, policy_fact_set(f, POLICY_PEER_QC_TYPE, web, 1));
    GIVE(POLICY_PEER_TL_LIST_AGE_S, policy_fact_int(f, POLICY_PEER_TL_LIST_AGE_S, 60));
    GIVE(POLICY_PEER_TL_LEVEL, policy_fact_str(f, POLICY_PEER_TL_LEVEL, "q-wac"));
    GIVE(POLICY_PEER_TL_BASIS, policy_fact_str(f, POLICY_PEER_TL_BASIS, "native"));
    GIVE(POLICY_PEER_ASSURANCE, policy_fact_level(f, POLICY_PEER_ASSURANCE, (policy_level){3, 3, 1, 3}));
    GIVE(POLICY_PEER_REVOCATION_AGE_S, policy_fact_int(f, POLICY_PEER_REVOCATION_AGE_S, 60));
    GIVE(POLICY_REQ_METHOD, policy_fact_str(f, POLICY_REQ_METHOD, "GET"));
    GIVE(POLICY_REQ_HOST, policy_fact_str(f, POLICY_REQ_HOST, "Data.Kumade.Example.JP:8443"));
    policy_facts_path(f, DX_BYTES("/v1/footprints/%34711"));
    GIVE(POLICY_REQ_DESTINATION, policy_fact_set(f, POLICY_REQ_DESTINATION, to, 1));
    GIVE(POLICY_TIME_NOW, policy_fact_time(f, POLICY_TIME_NOW, NOW_US));
    return f;
}

static policy_facts *answered(dx_arena *arena)
{
    policy_facts *f = falke(arena, -1);
    policy_fact_int(f, POLICY_RES_STATUS, 200);
    policy_fact_str(f, POLICY_RES_MEDIA_TYPE, "application/json; charset=utf-8");
    policy_fact_int(f, POLICY_RES_BYTES, 2048);
    policy_fact_set(f, POLICY_BODY_POINTERS, NULL, 0);
    return f;
}

static void nothing_known_is_a_deny(void **state)
{
    (void)state;
    dx_arena arena = {0};
    const policy_ruling zero = {0};
    policy_facts *f = policy_facts_new(&arena);
    assert_int_equal(zero.answer, POLICY_DENY);
    policy_ruling r = policy_evaluate(NULL, POLICY_REQUEST, f, NULL, &arena);
    assert_int_equal(r.answer, POLICY_DENY);
    assert_string_equal(r.code, "bundle.none");
    assert_int_equal(r.http, 503);
    r = policy_evaluate(bundle, POLICY_REQUEST, f, NULL, &arena);
    assert_string_equal(r.code, "engine.facts");
    dx_arena_fini(&arena);
}

static void the_ruling_has_what_the_record_needs(void **state)
{
    (void)state;
    dx_arena arena = {0};
    policy_ruling r = policy_evaluate(bundle, POLICY_REQUEST, falke(&arena, -1), NULL, &arena);
    assert_int_equal(r.answer, POLICY_PERMIT);
    assert_true(r.pending); /* a prohibition names body.pointers */
    r = policy_evaluate(bundle, POLICY_BODY, answered(&arena), NULL, &arena);
    assert_int_equal(r.answer, POLICY_PERMIT);
    assert_int_equal(r.phase, POLICY_BODY);
    assert_false(r.pending);
    assert_string_equal(r.clause, "urn:dfft:agr:kumade-falke-2026@4#/permit/0");
    assert_string_equal(r.agreement_id, "urn:dfft:agr:kumade-falke-2026");
    assert_int_equal(r.agreement_version, 4);
    assert_string_equal(r.partnership_id, "urn:dfft:iap:jp-eu:battery");
    assert_string_equal(r.basis_code, "dfft:nonpersonal");
    assert_string_equal(r.basis_instrument, "battery-jp-eu");
    assert_string_equal(r.exporter_org, "NTRJP-8999900000001");
    assert_string_equal(r.exporter_country, "JP");
    assert_string_equal(r.importer_name, "Falke Automobilwerke AG");
    assert_string_equal(r.flow, "export");
    assert_string_equal(r.route, "/v1/footprints/");
    assert_string_equal(r.retention_class, "batt-10y");
    assert_int_equal(r.item_count, 3);
    assert_true(r.oblige.seal.set && r.oblige.timestamp.mode == POLICY_STAMP_BATCH &&
                r.oblige.timestamp.max_delay_s == 60);
    assert_string_equal(r.oblige.seal.level, "B-T");
    assert_string_equal(r.oblige.retention_min, "P10Y");
    assert_int_equal(r.quota_count, 2);
    assert_int_equal(r.quota[0].amount, 2048);
    assert_non_null(policy_ruling_print(bundle, POLICY_BODY, answered(&arena), NULL, &arena));
    dx_arena_fini(&arena);
}

static void no_fact_less_makes_a_permit_of_a_deny(void **state)
{
    (void)state;
    static const int needed[] = {POLICY_PEER_ORG_ID,   POLICY_PEER_QC_TYPE,   POLICY_PEER_TL_LIST_AGE_S,
                                 POLICY_PEER_TL_LEVEL, POLICY_PEER_ASSURANCE, POLICY_PEER_REVOCATION_AGE_S,
                                 POLICY_REQ_METHOD,    POLICY_REQ_HOST,       POLICY_REQ_DESTINATION,
                                 POLICY_TIME_NOW};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        dx_arena arena = {0};
        policy_ruling r = policy_evaluate(bundle, POLICY_REQUEST, falke(&arena, needed[i]), NULL, &arena);
        assert_int_equal(r.answer, POLICY_DENY);
        assert_non_null(r.code);
        assert_non_null(r.clause);
        dx_arena_fini(&arena);
    }
}

static void strangers_learn_nothing(void **state)
{
    (void)state;
    dx_arena arena = {0};
    policy_facts *f = falke(&arena, POLICY_PEER_ORG_ID);
    policy_fact_str(f, POLICY_PEER_ORG_ID, "VATDE-1");
    policy_facts_path(f, DX_BYTES("/v1/footprints/../x"));
    policy_ruling r = policy_evaluate(bundle, POLICY_REQUEST, f, NULL, &arena);
    assert_string_equal(r.code, "request.path_ambiguous");
    assert_string_equal(r.explain, "none");
    assert_int_equal(r.http, 403);
    dx_arena_fini(&arena);
}

static void a_full_arena_is_a_deny(void **state)
{
    (void)state;
    dx_arena facts = {0};
    policy_facts *f = answered(&facts);
    bool permitted = false;
    for (size_t max = 16; max < 4096 && !permitted; max += 16) {
        dx_arena small;
        dx_arena_init(&small, max);
        policy_ruling r = policy_evaluate(bundle, POLICY_BODY, f, NULL, &small);
        permitted = r.answer == POLICY_PERMIT;
        assert_true(permitted || strcmp(r.code, "engine.limit") == 0);
        dx_arena_fini(&small);
    }
    assert_true(permitted);
    dx_arena_fini(&facts);
}

static void a_service_that_is_down_is_told_before_anything_is_forwarded(void **state)
{
    (void)state;
    dx_arena arena = {0};
    policy_can can = {.has_table = true,
                      .seal = {.present = true, .healthy = false},
                      .tsa = {{"JP-MIC", true}},
                      .tsa_count = 1,
                      .meter = true};
    policy_ruling r = policy_evaluate(bundle, POLICY_REQUEST, falke(&arena, -1), &can, &arena);
    assert_string_equal(r.code, "obligation.unavailable");
    assert_string_equal(r.clause, "urn:dfft:iap:jp-eu:battery@2#/floors/seal");
    assert_true(r.retryable);
    can.seal.present = false;
    r = policy_evaluate(bundle, POLICY_REQUEST, falke(&arena, -1), &can, &arena);
    assert_string_equal(r.code, "obligation.unconfigured");
    dx_arena_fini(&arena);
}

static void a_quota_takes_all_or_none(void **state)
{
    (void)state;
    dx_arena arena = {0};
    policy_meter *m = NULL;
    policy_ruling denied = {0};
    assert_int_equal(policy_meter_new(&m, NULL).code, DX_OK);
    policy_ruling r = policy_evaluate(bundle, POLICY_BODY, answered(&arena), NULL, &arena);
    int64_t now = NOW_US / 1000000;
    for (int i = 0; i < 600; i++)
        assert_int_equal(policy_meter_reserve(m, &r, now, &denied, &arena).code, DX_OK);
    assert_int_equal(policy_meter_reserve(m, &r, now, &denied, &arena).code, DX_REFUSED);
    assert_string_equal(denied.code, "quota.requests");
    assert_string_equal(denied.clause, "urn:dfft:agr:kumade-falke-2026@4#/permit/0/quota/0");
    assert_int_equal(denied.http, 429);
    policy_facts *f = policy_facts_new(&arena);
    policy_meter_usage(m, r.agreement_id, now, f);
    dx_buf text;
    dx_buf_init(&text, 65536);
    assert_int_equal(policy_facts_print(f, &text).code, DX_OK);
    assert_int_equal(dx_buf_add_byte(&text, 0).code, DX_OK);
    assert_non_null(strstr((char *)text.data, "\"usage.requests.minute\":600"));
    assert_non_null(
        strstr((char *)text.data, "\"usage.bytes.day\":1228800")); /* the refused one took nothing */
    assert_int_equal(policy_meter_reserve(m, &r, now + 60, &denied, &arena).code, DX_OK); /* another minute */
    dx_buf_fini(&text);
    policy_meter_free(m);
    dx_arena_fini(&arena);
}

static void printed_facts_replay_to_the_same_ruling(void **state)
{
    (void)state;
    dx_arena arena = {0};
    dx_buf facts, text;
    policy_ruling ruling;
    policy_findings bad = {0};
    dx_buf_init(&facts, 65536);
    dx_buf_init(&text, 1 << 20);
    assert_int_equal(policy_facts_print(falke(&arena, -1), &facts).code, DX_OK);
    assert_int_equal(policy_explain(bundle, dx_buf_view(&facts), NULL, &dx_io_system, "en", &ruling, &text,
                                    &arena, &bad, NULL)
                         .code,
                     DX_OK);
    const char *live = policy_ruling_print(bundle, POLICY_REQUEST, falke(&arena, -1), NULL, &arena);
    assert_non_null(live);
    assert_memory_equal(text.data, live, strlen(live));
    dx_buf_fini(&facts);
    dx_buf_fini(&text);
    dx_arena_fini(&arena);
    policy_findings_fini(&bad);
}

static void every_code_has_its_titles(void **state)
{
    (void)state;
    static const char *const codes[] = {
#define C(id, code, http, later, retry, en, ja) code,
#include "policy/code_table.h"
#undef C
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_string_not_equal(policy_code_title(codes[i], "en"), policy_code_title("no.such", "en"));
        assert_string_not_equal(policy_code_title(codes[i], "ja"), policy_code_title(codes[i], "en"));
    }
    assert_int_equal(policy_code_http("agreement.none"), 403);
}

static int load(void **state)
{
    (void)state;
    const policy_source source = {.dir = "tests/golden/policy/battery",
                                  .io = &dx_io_system,
                                  .now_s = NOW_US / 1000000,
                                  .working_copy = true};
    policy_findings lint = {0};
    struct dx_rc rc = policy_build(&source, NULL, &bundle, &lint, NULL);
    policy_findings_fini(&lint);
    return rc.code != DX_OK;
}

static int unload(void **state)
{
    (void)state;
    policy_unref(bundle);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_a_deny),
        cmocka_unit_test(the_ruling_has_what_the_record_needs),
        cmocka_unit_test(no_fact_less_makes_a_permit_of_a_deny),
        cmocka_unit_test(strangers_learn_nothing),
        cmocka_unit_test(a_full_arena_is_a_deny),
        cmocka_unit_test(a_service_that_is_down_is_told_before_anything_is_forwarded),
        cmocka_unit_test(a_quota_takes_all_or_none),
        cmocka_unit_test(printed_facts_replay_to_the_same_ruling),
        cmocka_unit_test(every_code_has_its_titles),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
