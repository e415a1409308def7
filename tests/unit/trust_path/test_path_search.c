/* Which certificates lead from a leaf to an anchor: the right one among many of its name, in any order,
 * within a budget; and when an anchor holds. */
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

static void forget(void)
{
    path_judge_free(w.judge);
    assert_int_equal(path_judge_new(&w.judge, NULL).code, DX_OK);
}

/* Revocation is asked elsewhere. */
static const char *judge(const holder *leaf, const dx_bytes *presented, size_t count)
{
    path_input input = {
        .leaf = leaf->der, .presented = presented, .presented_count = count, .revocation_off = true};
    return world_judge(&w, input);
}

static holder *another_key(const char *subject, const holder *issuer, const holder *same_key, int64_t until_s)
{
    certificate_recipe r = {
        .subject = subject,
        .issuer = issuer,
        .same_key_as = same_key,
        .from_s = NOW_S - 900 * (int64_t)DAY_S,
        .until_s = until_s,
        .extensions = {"basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"}};
    return world_certificate(&w, r);
}

static void the_right_one_of_four_cas_with_one_name_is_found(void **state)
{
    (void)state;
    const char *name = "C=DE|O=Trust|CN=Sub";
    holder *root = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL),
           *stranger = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL),
           *good = world_authority(&w, name, root, NULL), *rekeyed = world_authority(&w, name, root, NULL),
           *expired = another_key(name, root, good, NOW_S - DAY_S),
           *elsewhere = another_key(name, stranger, good, NOW_S + 900 * (int64_t)DAY_S),
           *peer = world_peer(&w, ORG "|CN=peer", good, NULL);
    world_service(&w, root);
    world_list(&w);
    dx_bytes all[] = {rekeyed->der, expired->der, elsewhere->der, good->der};
    uint8_t digest[32];
    for (size_t turn = 0; turn < 4; turn++) {
        dx_bytes first = all[0];
        memmove(all, all + 1, 3 * sizeof *all);
        all[3] = first;
        assert_string_equal(judge(peer, all, 4), "");
        assert_int_equal(w.verdict.path_count, 3);
        dx_sha256(good->der, digest);
        assert_memory_equal(w.verdict.path_sha256[1], digest, 32);
    }
    forget();
    assert_string_equal(judge(peer, all, 0), "ID-301");
}

static void without_the_good_one_the_deepest_failure_is_told(void **state)
{
    (void)state;
    holder *root = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL),
           *good = world_authority(&w, "C=DE|O=Trust|CN=Sub", root, NULL),
           *other = world_authority(&w, "C=DE|O=Trust|CN=Sub", root, NULL),
           *expired = another_key("C=DE|O=Trust|CN=Sub", root, good, NOW_S - DAY_S);
    world_service(&w, root);
    world_list(&w);
    holder *peer = world_peer(&w, ORG "|CN=peer", good, NULL);
    assert_string_equal(judge(peer, &other->der, 1), "ID-202");
    assert_string_equal(judge(peer, &expired->der, 1), "ID-204");
    dx_bytes both[] = {expired->der, other->der};
    assert_string_equal(judge(peer, both, 2), "ID-202"); /* as deep, and the lower id */
}

static void crosses_loops_and_copies_end(void **state)
{
    (void)state;
    holder *root = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL);
    holder *a = world_authority(&w, "C=DE|O=A|CN=A", NULL, NULL),
           *b = world_authority(&w, "C=JP|O=B|CN=B", NULL, NULL);
    int64_t late_s = NOW_S + 900 * (int64_t)DAY_S;
    holder *a_by_b = another_key("C=DE|O=A|CN=A", b, a, late_s),
           *b_by_a = another_key("C=JP|O=B|CN=B", a, b, late_s),
           *b_by_root = another_key("C=JP|O=B|CN=B", root, b, late_s),
           *peer = world_peer(&w, ORG "|CN=peer", a, NULL);
    world_service(&w, root);
    world_list(&w);
    dx_bytes loop[] = {a->der, b->der, a_by_b->der, b_by_a->der, a_by_b->der, b_by_root->der};
    assert_string_equal(judge(peer, loop, 5), "ID-301");
    assert_true(w.verdict.nodes < 10);
    assert_string_equal(judge(peer, loop, 6), "");
    assert_int_equal(w.verdict.path_count, 4);
    dx_bytes copies[12];
    for (size_t i = 0; i < 12; i++)
        copies[i] = i == 11 ? b_by_root->der : a_by_b->der;
    assert_string_equal(judge(peer, copies, 12), "");
    forget();
    assert_string_equal(judge(peer, copies, 12), "");
    assert_int_equal(w.verdict.signatures, 3);
    assert_string_equal(judge(peer, copies, 12), "");
    assert_int_equal(w.verdict.signatures, 0); /* the edges are known */
}

static void an_intermediate_that_is_left_out_was_learned_before(void **state)
{
    (void)state;
    holder *root = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL),
           *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", root, NULL),
           *one = world_peer(&w, ORG "|CN=one", sub, NULL), *two = world_peer(&w, ORG "|CN=two", sub, NULL);
    tlist_interval *granted = world_service(&w, root);
    world_list(&w);
    assert_string_equal(judge(two, NULL, 0), "ID-301");
    assert_string_equal(judge(one, &sub->der, 1), "");
    assert_string_equal(judge(two, NULL, 0), "");
    granted->status_valid = false; /* a candidate, never trusted for having been learned */
    world_list(&w);
    assert_string_equal(judge(two, NULL, 0), "ID-304");
    path_input configured = {
        .leaf = two->der, .configured = &sub->der, .configured_count = 1, .revocation_off = true};
    forget();
    granted->status_valid = true;
    world_list(&w);
    assert_string_equal(world_judge(&w, configured), "");
}

static void a_spent_budget_is_a_refusal_with_its_own_id(void **state)
{
    (void)state;
    holder *root = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL), *above = root, *chain[8];
    dx_bytes presented[8];
    char name[64];
    for (size_t i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "C=DE|O=Trust|CN=Sub %zu", i);
        above = chain[i] = world_authority(&w, name, above, NULL);
        presented[i] = chain[i]->der;
    }
    world_service(&w, root);
    world_list(&w);
    const struct {
        size_t under;
        path_limits limits;
        const char *id;
    } rows[] = {
        {5,
         {.intermediates = 6,
          .certificates = 10,
          .candidates = 16,
          .nodes = 7,
          .signatures = 7,
          .comparisons = 9999,
          .cpu_ms = 50},
         ""},
        {6,
         {.intermediates = 6,
          .certificates = 10,
          .candidates = 16,
          .nodes = 9,
          .signatures = 9,
          .comparisons = 9999,
          .cpu_ms = 50},
         "ID-216"},
        {5,
         {.intermediates = 6,
          .certificates = 10,
          .candidates = 16,
          .nodes = 6,
          .signatures = 7,
          .comparisons = 9999,
          .cpu_ms = 50},
         "ID-215"},
        {5,
         {.intermediates = 6,
          .certificates = 10,
          .candidates = 16,
          .nodes = 7,
          .signatures = 6,
          .comparisons = 9999,
          .cpu_ms = 50},
         "ID-215"},
        {5,
         {.intermediates = 6,
          .certificates = 8,
          .candidates = 16,
          .nodes = 7,
          .signatures = 7,
          .comparisons = 9999,
          .cpu_ms = 50},
         ""},
        {5,
         {.intermediates = 6,
          .certificates = 7,
          .candidates = 16,
          .nodes = 7,
          .signatures = 7,
          .comparisons = 9999,
          .cpu_ms = 50},
         "ID-216"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        forget();
        holder *peer = world_peer(&w, ORG "|CN=peer", chain[rows[i].under], NULL);
        path_input input = {.leaf = peer->der,
                            .presented = presented,
                            .presented_count = 8,
                            .limits = &rows[i].limits,
                            .revocation_off = true};
        assert_string_equal(world_judge(&w, input), rows[i].id);
    }
}

typedef struct {
    dx_clock clock;
    int64_t us;
} running_clock;

static int64_t run_on(const dx_clock *clock)
{
    running_clock *c = (running_clock *)(uintptr_t)clock;
    return c->us += 40000;
}

static void time_of_the_processor_is_a_budget_too(void **state)
{
    (void)state;
    holder *root = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL),
           *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", root, NULL),
           *peer = world_peer(&w, ORG "|CN=peer", sub, NULL);
    world_service(&w, root);
    world_list(&w);
    running_clock clock = {{run_on, run_on}, 0};
    path_input input = {.leaf = peer->der,
                        .presented = &sub->der,
                        .presented_count = 1,
                        .clock = &clock.clock,
                        .revocation_off = true};
    assert_string_equal(world_judge(&w, input), "ID-215");
    dx_clock_fixed still;
    dx_clock_fixed_init(&still, 0);
    input.clock = &still.clock;
    assert_string_equal(world_judge(&w, input), "");
}

static void a_status_holds_from_its_first_second_to_its_last(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *peer =
        world_certificate(&w, (certificate_recipe){.subject = ORG "|CN=peer",
                                                   .issuer = ca,
                                                   .from_s = NOW_S - 300 * (int64_t)DAY_S,
                                                   .until_s = NOW_S + 300 * (int64_t)DAY_S,
                                                   .extensions = {"extendedKeyUsage=clientAuth", OCSP_URL}});
    tlist_interval *i = world_service(&w, ca);
    i[1] = i[0];
    i[0].from_s = i[1].until_s = NOW_S; /* withdrawn now, granted ten days ago */
    i[0].status_valid = false;
    i[1].from_s = NOW_S - 10 * DAY_S;
    w.services[0].interval_count = 2;
    world_list(&w);
    const struct {
        int64_t at_s;
        const char *id;
    } rows[] = {
        {NOW_S - 10 * DAY_S - 1, "ID-304"}, {NOW_S - 10 * DAY_S, ""}, {NOW_S - 1, ""}, {NOW_S, "ID-304"}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        path_input input = {.leaf = peer->der, .at_s = rows[k].at_s, .revocation_off = true};
        assert_string_equal(world_judge(&w, input), rows[k].id);
        if (rows[k].id[0] == 0)
            assert_int_equal(w.verdict.good_until_s, NOW_S);
    }
    i[0].status_valid = true;
    w.list->facts.next_update_s = NOW_S + 100;
    world_list(&w);
    path_input input = {.leaf = peer->der, .at_s = NOW_S + 99, .revocation_off = true};
    assert_string_equal(world_judge(&w, input), "");
    assert_int_equal(w.verdict.good_until_s, NOW_S + 100);
    input.at_s++;
    assert_string_equal(world_judge(&w, input), "ID-306");
    assert_int_equal(w.verdict.kind, TRUST_KIND_UNKNOWN);
}

static void a_listed_certificate_outside_its_own_validity_is_no_anchor(void **state)
{
    (void)state;
    holder *ca = another_key("C=DE|O=Trust|CN=CA", NULL, NULL, NOW_S);
    holder *peer = world_peer(&w, ORG "|CN=peer", ca, NULL);
    world_service(&w, ca);
    world_list(&w);
    path_input input = {.leaf = peer->der, .at_s = NOW_S, .revocation_off = true};
    assert_string_equal(world_judge(&w, input), "");
    input.at_s++;
    assert_string_equal(world_judge(&w, input), "ID-307");
}

static void an_anchor_may_be_named_without_a_list(void **state)
{
    (void)state;
    holder *ca = another_key("C=DE|O=Trust|CN=CA", NULL, NULL, NOW_S - 1);
    holder *peer = world_peer(&w, ORG "|CN=peer", ca, NULL);
    cert_facts f;
    assert_true(cert_facts_read(ca->der, &f));
    path_anchor anchor = {.der = ca->der};
    const path_rules *rules = path_rules_of(PATH_RFC5280);
    path_input input = {
        .leaf = peer->der, .anchors = &anchor, .anchor_count = 1, .rules = rules, .revocation_off = true};
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.level, "unlisted");
    assert_false(w.verdict.anchor.set);
    anchor.validity = true;
    assert_string_equal(world_judge(&w, input), "ID-307");
    anchor = (path_anchor){.name = f.subject, .spki = f.spki, .constraints = true};
    assert_string_equal(world_judge(&w, input), "");
    anchor.distrusted = true;
    assert_string_equal(world_judge(&w, input), "ID-309");
    anchor = (path_anchor){.der = ca->der, .not_issuer = true, .leaf = true};
    assert_string_equal(world_judge(&w, input), "ID-301");
    anchor.der = peer->der;
    assert_string_equal(world_judge(&w, input), "");
    assert_int_equal(w.verdict.path_count, 1);
    input.anchor_count = 0;
    (void)world_judge(&w, input);
    assert_int_equal(w.rc.code, DX_CONFIG); /* nothing that could be believed */
}

static void the_trace_names_what_was_tried(void **state)
{
    (void)state;
    static path_trace trace;
    holder *root = world_authority(&w, "C=DE|O=Trust|CN=Root", NULL, NULL),
           *sub = world_authority(&w, "C=DE|O=Trust|CN=Sub", root, NULL),
           *expired = another_key("C=DE|O=Trust|CN=Sub", root, sub, NOW_S - DAY_S),
           *peer = world_peer(&w, ORG "|CN=peer", sub, NULL);
    world_service(&w, root);
    world_list(&w);
    trace = (path_trace){0};
    path_input input = {.leaf = peer->der,
                        .presented = &expired->der,
                        .presented_count = 1,
                        .trace = &trace,
                        .revocation_off = true};
    assert_string_equal(world_judge(&w, input), "ID-204");
    assert_int_equal(trace.tried_count, 1);
    assert_string_equal(trace.tried[0].id, "ID-204");
    assert_false(trace.tried[0].anchor);
    trace = (path_trace){0};
    input.presented = &sub->der;
    assert_string_equal(world_judge(&w, input), "");
    assert_int_equal(trace.tried_count, 2);
    assert_int_equal(trace.tried[1].depth, 2);
    assert_true(trace.tried[1].anchor);
    assert_string_equal(trace.tried[1].id, "");
}

/* Random meshes: more certificates never turn a yes into a no, more grants neither, and the path that is
 * named is one that libcrypto believes as well. */
static void what_is_added_takes_nothing_away(void **state)
{
    (void)state;
    holder *roots[3], *subs[12], *peers[12];
    char name[64];
    unsigned seed = 12345, yes = 0;
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "C=DE|O=Trust|CN=Root %zu", i);
        roots[i] = world_authority(&w, name, NULL, NULL);
    }
    for (size_t i = 0; i < 12; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned at = seed >> 16;
        snprintf(name, sizeof name, "C=DE|O=Trust|CN=Sub %zu", i % 4);
        const holder *issuer = i < 3 || at % 3 == 0 ? roots[at / 3 % 3] : subs[at / 3 % i];
        subs[i] = i >= 4 && at % 2 == 0
                      ? another_key(name, issuer, subs[i % 4], NOW_S + (at % 5 == 0 ? -1 : 1) * DAY_S)
                      : world_authority(&w, name, issuer, NULL);
        peers[i] = world_peer(&w, ORG "|CN=peer", subs[i], NULL);
    }
    tlist_interval *grants[2] = {world_service(&w, roots[0]), world_service(&w, roots[1])};
    for (size_t round = 0; round < 24; round++) {
        holder *peer = peers[round % 12];
        dx_bytes presented[12];
        bool before = false;
        grants[1]->status_valid = round >= 12;
        world_list(&w);
        forget();
        for (size_t count = 0; count <= 12; count++) {
            if (count > 0)
                presented[count - 1] = subs[(count * 5 + round) % 12]->der;
            bool now = judge(peer, presented, count)[0] == 0;
            assert_true(now || !before || strcmp(w.verdict.id, "ID-215") == 0);
            before = now;
            yes += now;
        }
    }
    assert_true(yes >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        T(the_right_one_of_four_cas_with_one_name_is_found),
        T(without_the_good_one_the_deepest_failure_is_told),
        T(crosses_loops_and_copies_end),
        T(an_intermediate_that_is_left_out_was_learned_before),
        T(a_spent_budget_is_a_refusal_with_its_own_id),
        T(time_of_the_processor_is_a_budget_too),
        T(a_status_holds_from_its_first_second_to_its_last),
        T(a_listed_certificate_outside_its_own_validity_is_no_anchor),
        T(an_anchor_may_be_named_without_a_list),
        T(the_trace_names_what_was_tried),
        T(what_is_added_takes_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
