/* Many agreements: each peer gets its own, and a decision stays cheap. Prints nanoseconds; judges only
 * answers, because the clock of a shared machine proves nothing. SEKISHO_POLICY_AGREEMENTS (500). */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static char folder[] = "/tmp/policy-speed-XXXXXX";

static void put(const char *name, const char *format, ...)
{
    char path[256];
    va_list args;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    fclose(f);
}

static void make_bundle(unsigned count)
{
    static const char *const folders[] = {"parties", "partnerships", "datasets", "agreements"};
    char name[128];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "mkdir -p %s/%s", folder, folders[i]);
        assert_int_equal(system(name), 0);
    }
    put("guards.json",
        "{\"dfft\":\"1\",\"kind\":\"guards\",\"id\":\"urn:dfft:guards:g\",\"version\":1,\"builtin\":{\"jp."
        "individual_number\":\"deny\"},\"prohibit\":[{\"id\":\"fefa\",\"when\":"
        "{\"all\":[{\"attr\":\"data.labels\",\"op\":\"contains_any\",\"value\":[\"fefa.listed\"]},{\"attr\":"
        "\"agreement.licence.valid\",\"op\":\"ne\",\"value\":true}]}}]}");
    put("levels.json",
        "{\"dfft\":\"1\",\"kind\":\"levels\",\"id\":\"urn:dfft:levels:l\",\"version\":1,\"rows\":[]}");
    put("parties/us.json",
        "{\"dfft\":\"1\",\"kind\":\"party\",\"id\":\"urn:dfft:party:us\",\"version\":1,\"org\":\"GOVJP-US\","
        "\"name\":{\"en\":\"us\"},\"territory\":\"JP\",\"groups\":[\"jp\"]}");
    put("partnerships/p.json",
        "{\"dfft\":\"1\",\"kind\":\"partnership\",\"id\":\"urn:dfft:iap:p\",\"version\":1,\"state\":"
        "\"active\",\"between\":[{\"group\":\"jp\",\"territories\":[\"JP\"]},{\"group\":\"eu\","
        "\"territories\":[\"EEA\"]}],"
        "\"valid\":{\"from\":\"2026-01-01T00:00:00Z\",\"to\":\"2029-01-01T00:00:00Z\"},\"instruments\":[{"
        "\"id\":\"o\",\"basis\":\"dfft:nonpersonal\",\"direction\":\"JP>EEA\",\"status\":\"enacted\","
        "\"since\":\"2020-01-01T00:00:00Z\"}],"
        "\"floors\":{\"peer\":{\"assurance\":{\"l\":2,\"s\":2,\"t\":1,\"r\":2}},\"trust\":{\"list_age_s\":{"
        "\"max\":86400}},\"seal\":{\"level\":\"B-T\"},\"retention_log\":{\"min\":\"P3Y\"}},"
        "\"never\":[{\"id\":\"third\",\"when\":{\"none\":[{\"attr\":\"req.destination\",\"op\":\"subset_of\","
        "\"value\":[\"JP\",\"EEA\"]}]}}]}");
    for (unsigned d = 0; d < 20; d++) {
        snprintf(name, sizeof name, "datasets/d%u.json", d);
        put(name,
            "{\"dfft\":\"1\",\"kind\":\"dataset\",\"id\":\"urn:dfft:ds:d%u\",\"version\":1,\"route\":{"
            "\"host\":\"data.example.jp\",\"prefix\":\"/v1/set%u/\",\"methods\":{\"GET\":\"export\"}},"
            "\"media_types\":[\"application/"
            "json\"],\"labels\":{\"personal\":false},\"body_inspect\":\"none\"}",
            d, d);
    }
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "parties/p%05u.json", i);
        put(name,
            "{\"dfft\":\"1\",\"kind\":\"party\",\"id\":\"urn:dfft:party:p%u\",\"version\":1,\"org\":\"VATDE-%"
            "u\",\"name\":{\"en\":\"p\"},\"territory\":\"DE\",\"groups\":[\"eu\"]}",
            i, i);
        snprintf(name, sizeof name, "agreements/a%05u.json", i);
        put(name,
            "{\"dfft\":\"1\",\"kind\":\"agreement\",\"id\":\"urn:dfft:agr:a%u\",\"version\":1,\"under\":"
            "\"urn:dfft:iap:p\",\"parties\":{\"assigner\":\"GOVJP-US\",\"assignee\":\"VATDE-%u\"},\"state\":"
            "\"active\","
            "\"valid\":{\"from\":\"2026-01-01T00:00:00Z\",\"to\":\"2028-01-01T00:00:00Z\"},\"basis\":{"
            "\"instrument\":\"o\",\"code\":\"dfft:nonpersonal\"},\"permit\":[{\"id\":\"read\",\"datasets\":["
            "\"urn:dfft:ds:d%u\"],\"methods\":[\"GET\"],"
            "\"when\":{\"all\":[{\"attr\":\"peer.tl.territory\",\"op\":\"in\",\"value\":[\"DE\"]},{\"attr\":"
            "\"peer.qc.type\",\"op\":\"contains_any\",\"value\":[\"web\",\"eseal\"]},"
            "{\"attr\":\"peer.assurance\",\"op\":\"gte\",\"value\":{\"l\":3,\"s\":3,\"t\":1,\"r\":3}},{"
            "\"attr\":\"req.purpose\",\"op\":\"subset_of\",\"value\":[\"dpv:PublicBenefit\",\"DUO:0000006\"]}"
            ","
            "{\"attr\":\"req.destination\",\"op\":\"subset_of\",\"value\":[\"DE\",\"AT\"]},{\"attr\":\"req."
            "sig.valid\",\"op\":\"eq\",\"value\":true},"
            "{\"attr\":\"req.sig.covers\",\"op\":\"contains_all\",\"value\":[\"dfft-purpose\",\"dfft-"
            "destination\",\"dfft-agreement\"]},"
            "{\"attr\":\"time.now\",\"op\":\"within\",\"value\":{\"tz\":\"+09:00\",\"daily\":[\"06:00\",\"23:"
            "00\"]}}]},"
            "\"oblige\":{\"seal\":{\"min\":{\"l\":2,\"s\":3,\"t\":2,\"r\":1},\"formats\":[\"jades\"],"
            "\"level\":\"B-LT\"},\"retention_log\":{\"min\":\"P5Y\"}}}],\"terms\":[{\"text\":\"x\"}]}",
            i, i, i % 20);
    }
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static policy_facts *facts_for(unsigned i, const char *destination, dx_arena *arena)
{
    policy_facts *f = policy_facts_new(arena);
    const dx_bytes types[] = {DX_BYTES("web")}, to[] = {dx_bytes_text(destination)},
                   purpose[] = {DX_BYTES("dpv:PublicBenefit")};
    const dx_bytes covers[] = {DX_BYTES("dfft-purpose"), DX_BYTES("dfft-destination"),
                               DX_BYTES("dfft-agreement")};
    policy_fact_str(f, POLICY_PEER_ORG_ID, dx_arena_printf(arena, "VATDE-%u", i));
    policy_fact_str(f, POLICY_PEER_TL_TERRITORY, "DE");
    policy_fact_set(f, POLICY_PEER_QC_TYPE, types, 1);
    policy_fact_level(f, POLICY_PEER_ASSURANCE, (policy_level){3, 3, 1, 3});
    policy_fact_int(f, POLICY_PEER_TL_LIST_AGE_S, 60);
    policy_fact_str(f, POLICY_REQ_METHOD, "GET");
    policy_fact_str(f, POLICY_REQ_HOST, "data.example.jp");
    policy_facts_path(f, dx_bytes_text(dx_arena_printf(arena, "/v1/set%u/42", i % 20)));
    policy_fact_set(f, POLICY_REQ_PURPOSE, purpose, 1);
    policy_fact_set(f, POLICY_REQ_DESTINATION, to, 1);
    policy_fact_bool(f, POLICY_REQ_SIG_VALID, true);
    policy_fact_set(f, POLICY_REQ_SIG_COVERS, covers, 3);
    policy_fact_time(f, POLICY_TIME_NOW, 1795489200000000);
    return f;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(const policy *p, unsigned count, const char *destination, policy_answer want,
                    const char *title, bool print)
{
    enum { ROUNDS = 2000, BATCH = 16 };
    static double took[ROUNDS];
    for (unsigned r = 0; r < ROUNDS; r++) {
        dx_arena arena = {0}, work = {0};
        policy_facts *facts[BATCH];
        for (unsigned k = 0; k < BATCH; k++)
            facts[k] = facts_for((r * BATCH + k) * 7919 % count, destination, &arena);
        (void)dx_arena_alloc(&work, 16); /* an exchange's arena has its first block already */
        double from = now_ns();
        unsigned good = 0;
        for (unsigned k = 0; k < BATCH; k++) {
            if (print)
                good += policy_ruling_print(p, POLICY_REQUEST, facts[k], NULL, &work) != NULL;
            else
                good += policy_evaluate(p, POLICY_REQUEST, facts[k], NULL, &work).answer == want;
        }
        took[r] = (now_ns() - from) / BATCH;
        assert_int_equal(good, BATCH);
        dx_arena_fini(&work);
        dx_arena_fini(&arena);
    }
    qsort(took, ROUNDS, sizeof *took, by_value);
    print_message("%s: p50 %.0f ns, p99 %.0f ns\n", title, took[ROUNDS / 2], took[ROUNDS * 99 / 100]);
}

static void each_peer_finds_its_own_agreement(void **state)
{
    (void)state;
    const char *text = getenv("SEKISHO_POLICY_AGREEMENTS");
    unsigned count = text == NULL ? 500 : (unsigned)strtoul(text, NULL, 10);
    make_bundle(count);
    const policy_source source = {
        .dir = folder, .io = &dx_io_system, .now_s = 1795489200, .working_copy = true};
    policy_findings lint = {0};
    policy *p = NULL;
    double from = now_ns();
    assert_int_equal(policy_build(&source, NULL, &p, &lint, NULL).code, DX_OK);
    print_message("%u agreements, %u parties: load %.0f ms, %zu findings\n", count, count + 1,
                  (now_ns() - from) / 1e6, lint.count);
    measure(p, count, "DE", POLICY_PERMIT, "permit", false);
    measure(p, count, "FR", POLICY_DENY, "deny", false);
    measure(p, count, "DE", POLICY_PERMIT, "permit, printed", true);
    measure(p, count, "FR", POLICY_DENY, "deny, printed with trace", true);
    policy_unref(p);
    policy_findings_fini(&lint);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_peer_finds_its_own_agreement),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
