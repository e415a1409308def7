/* What the regulator's desk promises, without HTTP around it. */
#include "gateway/regulator/query_http.h"

#include "trust/base/digest.h"
#include "trust/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ORIGIN "gw1.example.jp/provenance/2026q4"

static char folder[64], shard[128];
static sign_key *ed25519;
static prov_log *the_log;
static prov_reader *reader;
static prov_index *index_;
static query_desk *desk;
static dx_buf vkeys;
static dx_clock_fixed now;

static const char *const germany[] = {"DE"}, *const france[] = {"FR"}, *const korea[] = {"KR"};
static const query_scope all = {.id = "urn:dfft:auth:all@1/g", .all = true, .mirror = true};
static const query_scope de = {.id = "urn:dfft:auth:de@1/g", .countries = germany, .country_count = 1};
static const query_scope fr = {.id = "urn:dfft:auth:fr@1/g", .countries = france, .country_count = 1};
static const query_scope kr = {.id = "urn:dfft:auth:kr@1/g", .countries = korea, .country_count = 1};

/* A refused exchange: the least that names two countries. */
static void append(const char *to)
{
    dx_arena arena = {0};
    dx_why why = {0};
    uint8_t digest[32] = {1};
    prov_record *r = prov_record_new(&arena, PROV_EXCHANGE);
    prov_set_time(r, "time.start", dx_now_us(&now.clock));
    prov_set_time(r, "time.end", dx_now_us(&now.clock));
    prov_set_str(r, "request.method", "GET");
    prov_set_str(r, "outcome.state", "denied");
    prov_set_int(r, "outcome.status", 403);
    prov_set_str(r, "outcome.cause", "denied");
    prov_set_str(r, "direction", "out");
    prov_set_str(r, "exporter.org", "NTRJP-8999900000001");
    prov_set_str(r, "exporter.country", "JP");
    prov_set_str(r, "importer.org", "NTRDE-HRB12345");
    prov_set_str(r, "importer.country", to);
    prov_set_str(r, "peer.side", "importer");
    prov_set_sha256(r, "peer.cert_sha256", digest);
    prov_set_str(r, "peer.kind", "org");
    prov_set_str(r, "peer.trust.answer", "yes");
    prov_set_str(r, "peer.trust.clause", "ETSI TS 119 612 5.5.4");
    prov_set_str(r, "decision.answer", "deny");
    prov_set_str(r, "decision.code", "deny.purpose");
    prov_set_str(r, "decision.clause", "urn:dfft:agr:x@1#/deny/0");
    prov_set_sha256(r, "decision.bundle_sha256", digest);
    prov_set_int(r, "decision.serial", 1);
    prov_set_str(r, "decision.mode", "enforce");
    prov_set_str(r, "retention.class", "appi-3y");
    prov_set_str(r, "retention.delete_after", "2029-11-23");
    struct dx_rc rc = prov_append_wait(the_log, r, NULL, &why);
    if (rc.code != DX_OK)
        fail_msg("%s: %s", why.id, why.text);
    dx_arena_fini(&arena);
    now.now_us += 1000000;
}

static int set_up(void **state)
{
    char path[5][96];
    dx_why why = {0};
    (void)state;
    snprintf(folder, sizeof folder, "%s", "/tmp/sekisho-desk-XXXXXX");
    assert_non_null(mkdtemp(folder));
    static const char *const names[] = {"key.pem", "state", "keks"};
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
    snprintf(shard, sizeof shard, "%s/state/2026q4", folder);
    dx_clock_fixed_init(&now, 1795425302000000);
    assert_int_equal(sign_generate(&dx_io_system, SIGN_ED25519, path[0], &why).code, DX_OK);
    assert_int_equal(sign_open(&(sign_spec){.file = path[0], .io = &dx_io_system}, &ed25519, &why).code,
                     DX_OK);
    const prov_log_spec spec = {.dir = path[1],
                                .kek_dir = path[2],
                                .host = "gw1.example.jp",
                                .shard = "2026q4",
                                .gateway_id = "gw1",
                                .version = "0.9.0",
                                .ed25519 = ed25519,
                                .segment_mib = 1,
                                .spares = 1,
                                .clock = &now.clock};
    dx_buf_init(&vkeys, 4096);
    assert_int_equal(prov_vkeys(&spec, &vkeys, &why).code, DX_OK);
    assert_int_equal(dx_buf_add_byte(&vkeys, 0).code, DX_OK);
    assert_int_equal(prov_log_open(&spec, &the_log, &why).code, DX_OK);
    for (int i = 0; i < 12; i++)
        append(i % 3 == 0 ? "FR" : "DE");
    assert_int_equal(prov_log_publish(the_log, &why).code, DX_OK);
    append("DE"); /* not published yet */
    assert_int_equal(prov_reader_open(&dx_io_system, shard, &reader, &why).code, DX_OK);
    assert_int_equal(prov_index_open(&dx_io_system, shard, &index_, &why).code, DX_OK);
    const query_log log = {ORIGIN, reader, index_, (const char *)vkeys.data};
    assert_int_equal(query_desk_new(&dx_io_system, &now.clock, &log, 1, &desk, &why).code, DX_OK);
    return 0;
}

static int tear_down(void **state)
{
    char command[96];
    (void)state;
    query_desk_free(desk);
    prov_index_close(index_);
    prov_reader_close(reader);
    prov_log_close(the_log);
    sign_unref(ed25519);
    dx_buf_fini(&vkeys);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static query_answer ask(const char *path, const char *query, const query_scope *scope)
{
    query_answer a;
    query_http(desk, dx_bytes_text(path), dx_bytes_text(query), scope, &a);
    return a;
}

static unsigned rows_of(const char *query, const query_scope *scope)
{
    query_answer a = ask("/records", query, scope);
    assert_int_equal(a.status, 200);
    json_t *tree;
    dx_why why;
    assert_int_equal(
        dx_json_read(dx_buf_view(&a.body), &(dx_json_limits){.max_bytes = 1 << 24}, &tree, &why).code, DX_OK);
    assert_int_equal(json_array_size(json_object_get(tree, "records")), a.rows);
    assert_string_equal(json_string_value(json_object_get(tree, "scope")), scope->id);
    assert_string_equal(json_string_value(json_object_get(tree, "at")), a.at);
    assert_non_null(strstr(json_string_value(json_object_get(tree, "checkpoint")), ORIGIN));
    json_decref(tree);
    unsigned rows = a.rows;
    query_answer_fini(&a);
    return rows;
}

static void refused(const char *path, const char *query, int status, const char *slug)
{
    query_answer a = ask(path, query, &all);
    if (a.status != status || a.slug == NULL || strcmp(a.slug, slug) != 0)
        fail_msg("%s?%s: %d %s", path, query, a.status, a.slug == NULL ? "" : a.slug);
    assert_true(a.detail[0] != 0); /* the room above makes the problem document */
    assert_int_equal(a.body.size, 0);
    query_answer_fini(&a);
}

static void a_page_shows_what_scope_and_filter_allow(void **state)
{
    (void)state;
    assert_int_equal(rows_of("", &all), 12);
    assert_int_equal(rows_of("", &de), 8);
    assert_int_equal(rows_of("", &fr), 4);
    assert_int_equal(rows_of("", &kr), 0);
    assert_int_equal(rows_of("country=FR", &de), 0);
    assert_int_equal(rows_of("country=DE&decision=deny&peer=NTRDE-HRB12345", &all), 8);
    assert_int_equal(rows_of("decision=permit", &all), 0);
    assert_int_equal(rows_of("code=deny.purpose", &all), 12);
    assert_int_equal(rows_of("peer=x%27%20OR%20%271%27%3D%271", &all), 0);
    assert_int_equal(rows_of("from=2026-11-23T09:15:05Z", &all), 9);
}

static void filters_are_read_strictly(void **state)
{
    static const char *const bad[] = {"colour=red",      "limit=0",
                                      "limit=1001",      "limit=05",
                                      "country=de",      "country=DEU",
                                      "country",         "country=DE&country=DE",
                                      "from=yesterday",  "from=2026-11-23T09:15:02%2B09:00",
                                      "decision=maybe",  "peer=",
                                      "peer=%zz",        "peer=%00",
                                      "peer=%ff",        "&",
                                      "country=DE&",     "at=x",
                                      "at=" ORIGIN ":0", "from=2026-11-23T10:00:00Z&to=2026-11-23T09:00:00Z"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused("/records", bad[i], 400, "filter-invalid");
    refused("/records", "at=gw2.example.jp/provenance/2026q4:5", 404, "record-not-found");
}

static void pages_make_one_snapshot(void **state)
{
    char query[512] = "limit=3&country=DE", cursor[400] = "";
    unsigned rows = 0, pages = 0;
    uint64_t last = 0;
    (void)state;
    do {
        query_answer a = ask("/records", query, &all);
        assert_int_equal(a.status, 200);
        assert_true(pages == 0 || a.first > last);
        last = a.last;
        rows += a.rows;
        pages++;
        json_t *tree;
        dx_why why;
        assert_int_equal(
            dx_json_read(dx_buf_view(&a.body), &(dx_json_limits){.max_bytes = 1 << 24}, &tree, &why).code,
            DX_OK);
        const char *next = json_string_value(json_object_get(tree, "next"));
        snprintf(cursor, sizeof cursor, "%s", next == NULL ? "" : next);
        snprintf(query, sizeof query, "limit=3&country=DE&cursor=%s", cursor);
        json_decref(tree);
        query_answer_fini(&a);
        if (pages == 1) { /* what comes meanwhile is not in this snapshot */
            append("DE");
            assert_int_equal(prov_log_publish(the_log, &why).code, DX_OK);
        }
    } while (cursor[0] != 0 && pages < 10);
    assert_int_equal(rows, 8);
    assert_int_equal(pages, 3);
}

static void a_cursor_works_only_for_its_own_question(void **state)
{
    char cursor[400], query[600];
    (void)state;
    query_answer a = ask("/records", "limit=2", &all);
    json_t *tree;
    dx_why why;
    assert_int_equal(
        dx_json_read(dx_buf_view(&a.body), &(dx_json_limits){.max_bytes = 1 << 24}, &tree, &why).code, DX_OK);
    snprintf(cursor, sizeof cursor, "%s", json_string_value(json_object_get(tree, "next")));
    json_decref(tree);
    query_answer_fini(&a);
    snprintf(query, sizeof query, "limit=5&cursor=%s", cursor);
    assert_int_equal(rows_of(query, &all), 5);
    snprintf(query, sizeof query, "country=DE&cursor=%s", cursor);
    refused("/records", query, 400, "cursor-invalid");
    snprintf(query, sizeof query, "cursor=%s", cursor);
    a = ask("/records", query, &de); /* somebody else's scope */
    assert_string_equal(a.slug, "cursor-invalid");
    query_answer_fini(&a);
    for (size_t i = 0; i < strlen(cursor); i += 7) {
        char flipped[400];
        memcpy(flipped, cursor, sizeof flipped);
        flipped[i] = flipped[i] == 'A' ? 'B' : 'A';
        snprintf(query, sizeof query, "cursor=%s", flipped);
        refused("/records", query, 400, "cursor-invalid");
    }
    now.now_us += 86401LL * 1000000;
    snprintf(query, sizeof query, "cursor=%s", cursor);
    refused("/records", query, 410, "cursor-expired");
}

static void a_record_is_given_verbatim_with_its_proof(void **state)
{
    prov_finding finding;
    dx_why why;
    char line[200];
    (void)state;
    snprintf(line, sizeof line, "%s", (const char *)vkeys.data);
    line[strcspn(line, "\n")] = 0;
    const char *keys[] = {line};
    query_answer leaf = ask("/records/" ORIGIN "/3", "", &all),
                 proof = ask("/records/" ORIGIN "/3/proof", "", &all);
    assert_int_equal(leaf.status, 200);
    assert_int_equal(proof.status, 200);
    assert_int_equal(
        prov_proof_check(dx_buf_view(&proof.body), dx_buf_view(&leaf.body), keys, 1, &finding, &why).code,
        DX_OK);
    assert_true(finding.ok);
    query_answer_fini(&leaf);
    query_answer_fini(&proof);
    refused("/records/" ORIGIN "/99999", "", 404, "record-not-found");
    refused("/records/" ORIGIN "/03", "", 404, "record-not-found");
    refused("/records/" ORIGIN "/3/x", "", 404, "record-not-found");
    refused("/records/" ORIGIN "/3/proof", "size=0", 400, "filter-invalid");
    refused("/records/" ORIGIN "/3/proof", "size=3", 404, "record-not-found");
    refused("/records/gw1.example.jp%2Fprovenance%2F2026q4/3", "", 404, "record-not-found");
}

static void what_no_page_shows_is_not_found_by_index(void **state)
{
    (void)state;
    query_answer a = ask("/records/" ORIGIN "/2", "", &de); /* the first exchange went to France */
    assert_int_equal(a.status, 404);
    query_answer_fini(&a);
    a = ask("/records/" ORIGIN "/2", "", &fr);
    assert_int_equal(a.status, 200);
    query_answer_fini(&a);
    a = ask("/records/" ORIGIN "/0", "", &fr); /* the opening leaf is nobody's */
    assert_int_equal(a.status, 404);
    query_answer_fini(&a);
}

static void what_is_older_than_the_grant_s_window_is_not_shown(void **state)
{
    (void)state;
    query_scope late = de;
    late.from_us = INT64_MAX;
    assert_int_equal(rows_of("", &late), 0);
    assert_true(rows_of("", &de) > 0);
    query_answer a = ask("/records/" ORIGIN "/2", "", &late);
    assert_int_equal(a.status, 404);
    query_answer_fini(&a);
}

static void the_tiled_log_is_served(void **state)
{
    (void)state;
    query_answer a = ask("/log/" ORIGIN "/checkpoint", "", &de);
    assert_int_equal(a.status, 200);
    assert_false(a.immutable);
    query_answer_fini(&a);
    a = ask("/log/" ORIGIN "/tile/0/000.p/5", "", &de);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.size, 160);
    assert_true(a.immutable);
    query_answer_fini(&a);
    a = ask("/log/" ORIGIN "/tile/entries/000.p/5", "", &de);
    assert_string_equal(a.slug, "authority.scope");
    query_answer_fini(&a);
    a = ask("/log/" ORIGIN "/tile/entries/000.p/5", "", &all);
    assert_int_equal(a.status, 200);
    query_answer_fini(&a);
    a = ask("/consistency", "from=3&to=5", &de);
    assert_int_equal(a.status, 200);
    query_answer_fini(&a);
    refused("/consistency", "from=5&to=3", 400, "filter-invalid");
    refused("/consistency", "from=3", 400, "filter-invalid");
    refused("/consistency", "from=3&to=99999", 404, "record-not-found");
    refused("/log/" ORIGIN "/tile/9/000", "", 404, "record-not-found");
    refused("/nothing", "", 404, "record-not-found");
    a = ask("/logs", "", &de);
    assert_int_equal(a.status, 200);
    query_answer_fini(&a);
    a = ask("/keys", "", &de);
    assert_int_equal(a.status, 200);
    query_answer_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_shows_what_scope_and_filter_allow),
        cmocka_unit_test(filters_are_read_strictly),
        cmocka_unit_test(pages_make_one_snapshot),
        cmocka_unit_test(a_cursor_works_only_for_its_own_question),
        cmocka_unit_test(a_record_is_given_verbatim_with_its_proof),
        cmocka_unit_test(what_no_page_shows_is_not_found_by_index),
        cmocka_unit_test(what_is_older_than_the_grant_s_window_is_not_shown),
        cmocka_unit_test(the_tiled_log_is_served),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
