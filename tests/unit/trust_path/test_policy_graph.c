/* Certificate policies along a path: RFC 5280 6.1 with the graph of RFC 9618. */
#include "trust/path/policy_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CHAIN_MAX 12

/* A certificate in words. Policies: a letter each, '*' is anyPolicy; mappings: pairs of letters. */
typedef struct {
    const char *policies, *mappings; /* NULL: no such extension */
    bool self_issued;
    int explicit_, mapping, any; /* SkipCerts + 1; 0: not stated */
} certificate;

static uint8_t memory[1 << 20];
static size_t used;
static dx_arena arena;

static void put(const uint8_t *bytes, size_t size)
{
    assert_true(used + size <= sizeof memory);
    memcpy(memory + used, bytes, size);
    used += size;
}

static void put_oid(char letter)
{
    if (letter == '*')
        put((const uint8_t[]){6, 4, 0x55, 0x1d, 0x20, 0}, 6);
    else
        put((const uint8_t[]){6, 2, 0x2a, (uint8_t)(letter & 0x7f)}, 4);
}

static size_t oid_size(char letter)
{
    return letter == '*' ? 6 : 4;
}

static cert_part part_of(const char *letters, size_t group)
{
    size_t from = used;
    for (const char *p = letters; p != NULL && *p != 0; p += group) {
        size_t size = oid_size(p[0]) + (group == 2 ? oid_size(p[1]) : 0);
        put((const uint8_t[]){0x30, (uint8_t)size}, 2);
        put_oid(p[0]);
        if (group == 2)
            put_oid(p[1]);
    }
    return (cert_part){.present = letters != NULL, .value = dx_bytes_of(memory + from, used - from)};
}

static cert_facts facts_of(certificate c)
{
    return (cert_facts){.policies = part_of(c.policies, 1),
                        .policy_mappings = part_of(c.mappings, 2),
                        .self_issued = c.self_issued,
                        .require_explicit = c.explicit_ - 1,
                        .inhibit_mapping = c.mapping - 1,
                        .inhibit_any = c.any - 1};
}

/* Anchor first, as a reader thinks. What is left, in letters; "!" and the id: no. */
static const char *check(const certificate *anchor_first, size_t count, policy_inputs inputs,
                         const char *initial)
{
    static char said[80];
    cert_facts facts[CHAIN_MAX];
    const cert_facts *chain[CHAIN_MAX];
    dx_bytes asked[8];
    policy_outcome out;
    size_t n = 0;
    used = 0;
    for (size_t i = 0; i < count; i++) {
        facts[i] = facts_of(anchor_first[i]);
        chain[count - 1 - i] = &facts[i];
    }
    for (; initial != NULL && *initial != 0; initial++) {
        size_t from = used + 2;
        put_oid(*initial);
        asked[inputs.initial_count++] = dx_bytes_of(memory + from, used - from);
    }
    inputs.initial = asked;
    const char *id = policy_graph_check(chain, count, &inputs, &arena, &out);
    if (id != NULL) {
        snprintf(said, sizeof said, "!%s", id);
    } else {
        if (out.any)
            said[n++] = '*';
        for (size_t i = 0; i < out.count; i++)
            said[n++] = out.policies[i].size == 4 ? '*' : (char)out.policies[i].data[1];
        said[n] = 0;
    }
    dx_arena_fini(&arena);
    arena = (dx_arena){0};
    return said;
}

#define CHECK(initial, inputs, ...)                                                                          \
    check((const certificate[]){__VA_ARGS__}, sizeof((certificate[]){__VA_ARGS__}) / sizeof(certificate),    \
          (policy_inputs)inputs, initial)
#define NOTHING                                                                                              \
    {                                                                                                        \
        0                                                                                                    \
    }
#define EXPLICIT                                                                                             \
    {                                                                                                        \
        .require_explicit = true                                                                             \
    }

static void what_every_certificate_asserts_is_left(void **state)
{
    (void)state;
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "ab"}, {.policies = "bc"}), "b");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "a"}, {.policies = "b"}), "");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a"}, {.policies = "b"}), "!ID-211");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = NULL}, {.policies = "b"}), "!ID-211");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "ab"}, {.policies = "ab"}), "ab");
    assert_string_equal(CHECK("b", EXPLICIT, {0}, {.policies = "ab"}, {.policies = "ab"}), "b");
    assert_string_equal(CHECK("c", EXPLICIT, {0}, {.policies = "ab"}, {.policies = "ab"}), "!ID-212");
    assert_string_equal(CHECK("c", NOTHING, {0}, {.policies = "ab"}, {.policies = "ab"}), "");
}

static void any_policy_stands_for_all(void **state)
{
    (void)state;
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "*"}, {.policies = "*"}), "*");
    assert_string_equal(CHECK("ab", EXPLICIT, {0}, {.policies = "*"}, {.policies = "*"}), "ab");
    assert_string_equal(CHECK("*c", EXPLICIT, {0}, {.policies = "*"}, {.policies = "*"}), "*");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "*"}, {.policies = "a"}), "a");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a"}, {.policies = "*"}), "a");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a*"}, {.policies = "b"}), "b");
    assert_string_equal(CHECK(NULL, ((policy_inputs){.require_explicit = true, .inhibit_any = true}), {0},
                              {.policies = "a"}, {.policies = "*"}),
                        "!ID-211");
    /* inhibited after one certificate; a self-issued one in between may use it still */
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a", .any = 1}, {.policies = "*"}),
                        "!ID-211");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a", .any = 2}, {.policies = "*"}), "a");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a", .any = 1},
                              {.policies = "*", .self_issued = true}, {.policies = "a"}),
                        "a");
    assert_string_equal(
        CHECK(NULL, EXPLICIT, {0}, {.policies = "a", .any = 1}, {.policies = "*"}, {.policies = "a"}),
        "!ID-211");
}

static void mappings_lead_from_domain_to_domain(void **state)
{
    (void)state;
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a", .mappings = "ax"}, {.policies = "x"}),
                        "a");
    assert_string_equal(CHECK("a", EXPLICIT, {0}, {.policies = "a", .mappings = "ax"}, {.policies = "x"}),
                        "a");
    assert_string_equal(CHECK("x", EXPLICIT, {0}, {.policies = "a", .mappings = "ax"}, {.policies = "x"}),
                        "!ID-212");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "a", .mappings = "ax"}, {.policies = "a"}),
                        "!ID-211");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "ab", .mappings = "axbx"}, {.policies = "x"}),
                        "ab");
    assert_string_equal(
        CHECK(NULL, EXPLICIT, {0}, {.policies = "ab", .mappings = "axay"}, {.policies = "by"}), "ab");
    /* anyPolicy makes a node for what is mapped */
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "*", .mappings = "ax"}, {.policies = "x"}),
                        "a");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "*", .mappings = "ax"}, {.policies = "y"}),
                        "y");
    /* forbidden: what would be mapped ends */
    assert_string_equal(CHECK(NULL, ((policy_inputs){.require_explicit = true, .inhibit_mapping = true}), {0},
                              {.policies = "ab", .mappings = "ax"}, {.policies = "abx"}),
                        "b");
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, {.policies = "ab", .mapping = 1},
                              {.policies = "ab", .mappings = "ax"}, {.policies = "x"}),
                        "!ID-211");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "*", .mappings = "*x"}, {.policies = "x"}),
                        "!ID-120");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "*", .mappings = "x*"}, {.policies = "x"}),
                        "!ID-120");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "*", .mappings = ""}, {.policies = "x"}),
                        "!ID-120");
}

static void an_explicit_policy_is_required_from_where_it_is_stated(void **state)
{
    (void)state;
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "a", .explicit_ = 1}, {.policies = NULL}),
                        "!ID-211");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "a", .explicit_ = 2}, {.policies = NULL}),
                        "!ID-212");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "a", .explicit_ = 3}, {.policies = NULL}), "");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = NULL}, {.policies = NULL, .explicit_ = 1}),
                        "!ID-212");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "a", .explicit_ = 2},
                              {.policies = "a", .self_issued = true}, {.policies = "a"}),
                        "a");
}

static void an_anchor_that_counts_is_the_first_certificate(void **state)
{
    (void)state;
    policy_inputs counts = {.anchor_counts = true};
    assert_string_equal(CHECK(NULL, counts, {.policies = "b"}, {.policies = "a"}, {.policies = "a"}), "");
    assert_string_equal(CHECK(NULL, NOTHING, {.policies = "b"}, {.policies = "a"}, {.policies = "a"}), "a");
    assert_string_equal(CHECK(NULL, counts, {.policies = NULL}, {.policies = "a"}, {.policies = "a"}),
                        "a"); /* silent: for all */
    assert_string_equal(
        CHECK(NULL, counts, {.policies = NULL, .mappings = "ax"}, {.policies = "x"}, {.policies = "x"}), "a");
    assert_string_equal(
        CHECK(NULL, counts, {.policies = "b", .explicit_ = 1}, {.policies = "a"}, {.policies = "a"}),
        "!ID-211");
    assert_string_equal(CHECK(NULL, counts, {.policies = "*", .explicit_ = 1, .any = 1}, {.policies = "*"},
                              {.policies = "a"}),
                        "!ID-211");
}

static void malformed_ones_refuse_and_bombs_end(void **state)
{
    (void)state;
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = "aa"}, {.policies = "a"}), "!ID-120");
    assert_string_equal(CHECK(NULL, NOTHING, {0}, {.policies = ""}, {.policies = "a"}), "!ID-120");
    /* Each maps all to all: a tree would have 26^n leaves. */
    char all[60], pairs[2 * 26 * 26 + 1];
    size_t n = 0;
    for (size_t i = 0; i < 26; i++)
        all[i] = (char)('a' + i);
    all[26] = 0;
    for (size_t i = 0; i < 26; i++)
        for (size_t k = 0; k < 26; k++) {
            pairs[n++] = all[i];
            pairs[n++] = all[k];
        }
    pairs[n] = 0;
    certificate bomb = {.policies = all, .mappings = pairs};
    assert_string_equal(CHECK(NULL, EXPLICIT, {0}, bomb, bomb, {.policies = "a"}), all);
    assert_string_equal(
        CHECK(NULL, EXPLICIT, {0}, bomb, bomb, bomb, bomb, bomb, bomb, bomb, bomb, {.policies = "a"}),
        "!ID-215");
}

static void without_memory_nothing_is_said_to_hold(void **state)
{
    (void)state;
    cert_facts leaf = facts_of((certificate){.policies = "a"}), ca = facts_of((certificate){.policies = "a"});
    const cert_facts *chain[] = {&leaf, &ca};
    policy_outcome out;
    policy_inputs inputs = {0};
    size_t limit = 64;
    const char *id;
    do {
        dx_arena small;
        dx_arena_init(&small, limit += 512);
        id = policy_graph_check(chain, 2, &inputs, &small, &out);
        assert_true(id == NULL || strcmp(id, "ID-901") == 0);
        dx_arena_fini(&small);
    } while (id != NULL && limit < 1 << 20);
    assert_null(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_every_certificate_asserts_is_left),
        cmocka_unit_test(any_policy_stands_for_all),
        cmocka_unit_test(mappings_lead_from_domain_to_domain),
        cmocka_unit_test(an_explicit_policy_is_required_from_where_it_is_stated),
        cmocka_unit_test(an_anchor_that_counts_is_the_first_certificate),
        cmocka_unit_test(malformed_ones_refuse_and_bombs_end),
        cmocka_unit_test(without_memory_nothing_is_said_to_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
