/* One token for many leaves: the tree, the records, their renewals, and every way of not holding. */
#include "tests/unit/trust_stamp/tiny_tsa.h"

#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#define NOW_S  1790000000
#define YEAR_S (365 * 86400)

static tiny_id ca, tsu, later_tsu;
static dx_bytes anchor;
static dx_arena world;

static int open_world(void **state)
{
    (void)state;
    const tiny_cert root = {.name = "root",
                            .ca = true,
                            .ku = "critical,keyCertSign,cRLSign",
                            .from_s = NOW_S - YEAR_S,
                            .to_s = NOW_S + 50 * (int64_t)YEAR_S};
    tiny_cert unit = {.name = "unit",
                      .eku = "critical,timeStamping",
                      .ku = "critical,digitalSignature",
                      .from_s = NOW_S - YEAR_S,
                      .to_s = NOW_S + YEAR_S};
    ca = tiny_issue(&root, NULL);
    tsu = tiny_issue(&unit, &ca);
    unit.to_s = NOW_S + 9 * (int64_t)YEAR_S;
    later_tsu = tiny_issue(&unit, &ca);
    anchor = tiny_der(&world, ca.cert);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    tiny_id_fini(&ca);
    tiny_id_fini(&tsu);
    tiny_id_fini(&later_tsu);
    dx_arena_fini(&world);
    return 0;
}

static dx_bytes stamp(dx_arena *arena, const uint8_t *imprint, const tiny_id *signer, int64_t time_s)
{
    return tiny_token_make(
        arena, &(tiny_token){.imprint = imprint, .no_nonce = true, .time_s = time_s, .signer = signer});
}

static stamp_verdict check(dx_bytes record, const uint8_t *leaf, stamp_facts *facts)
{
    dx_arena arena = {0};
    stamp_facts ignored;
    const stamp_trust trust = {.anchors = &anchor, .anchor_count = 1};
    stamp_verdict v = evidence_record_check(record, leaf, &trust, &arena, facts != NULL ? facts : &ignored);
    dx_arena_fini(&arena);
    return v;
}

static void is(stamp_verdict v, const char *id)
{
    if (id == NULL && !v.ok)
        fail_msg("%s %s", v.id, v.text);
    if (id != NULL && (v.ok || strcmp(v.id, id) != 0))
        fail_msg("%s expected, got %s %s", id, v.id, v.text);
}

static void number_leaves(uint8_t (*leaves)[32], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[24];
        snprintf(text, sizeof text, "%zu", i);
        dx_sha256(dx_bytes_text(text), leaves[i]);
    }
}

static void the_golden_root_comes_out(void **state)
{
    (void)state;
    uint8_t leaves[5][32], root[32];
    size_t size = sizeof root;
    evidence_tree *tree;
    number_leaves(leaves, 5);
    assert_true(dx_hex_decode(DX_BYTES("2dbd7394496edae623b4bbff7b8838c2926ef492693725a76c3d4b4e13a362c3"),
                              root, &size));
    assert_int_equal(evidence_tree_new((const uint8_t(*)[32])leaves, 5, &tree, NULL).code, DX_OK);
    assert_memory_equal(evidence_tree_root(tree), root, 32);
    /* leaf 0 has three siblings, leaf 4 has one: 36 octets each beside the leaf's own */
    dx_bytes token = stamp(&world, root, &tsu, NOW_S);
    dx_buf first, last;
    dx_buf_init(&first, 1U << 16);
    dx_buf_init(&last, 1U << 16);
    assert_int_equal(evidence_record_make(tree, 0, token, &first, NULL).code, DX_OK);
    assert_int_equal(evidence_record_make(tree, 4, token, &last, NULL).code, DX_OK);
    assert_int_equal(first.size - last.size, 2 * 36 + 1); /* and a longer length of the tree */
    is(check(dx_buf_view(&first), leaves[0], NULL), NULL);
    is(check(dx_buf_view(&last), leaves[4], NULL), NULL);
    is(check(dx_buf_view(&last), leaves[0], NULL), "ER-04");
    assert_int_equal(evidence_record_make(tree, 5, token, &last, NULL).code, DX_USAGE);
    dx_buf_fini(&first);
    dx_buf_fini(&last);
    evidence_tree_free(tree);
}

/* Root, and the record of every `step`th leaf. */
static void run_size(size_t count, size_t step)
{
    dx_arena arena = {0};
    evidence_tree *tree;
    dx_buf record;
    uint8_t(*leaves)[32] = calloc(count, 32);
    number_leaves(leaves, count);
    dx_buf_init(&record, 1U << 17);
    assert_int_equal(evidence_tree_new((const uint8_t(*)[32])leaves, count, &tree, NULL).code, DX_OK);
    dx_bytes token = stamp(&arena, evidence_tree_root(tree), &tsu, NOW_S);
    for (size_t i = 0; i < count; i += step) {
        dx_buf_clear(&record);
        assert_int_equal(evidence_record_make(tree, i, token, &record, NULL).code, DX_OK);
        is(check(dx_buf_view(&record), leaves[i], NULL), NULL);
    }
    evidence_tree_free(tree);
    dx_buf_fini(&record);
    free(leaves);
    dx_arena_fini(&arena);
}

static void every_leaf_of_every_size_proves_itself(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 20; count++)
        run_size(count, 1);
    for (size_t count = 31; count <= 4097; count = count * 2 + 1)
        run_size(count, count / 3);
    run_size(4096, 1365);
}

static void a_million_leaves_make_a_tree(void **state)
{
    (void)state;
    run_size(1000000, 333333);
}

static void equal_leaves_share_a_place(void **state)
{
    (void)state;
    uint8_t leaves[6][32], four[4][32];
    evidence_tree *tree, *small;
    dx_buf a, b;
    number_leaves(leaves, 6);
    memcpy(leaves[3], leaves[1], 32);
    memcpy(leaves[5], leaves[0], 32);
    memcpy(four, leaves, 3 * 32);
    memcpy(four[3], leaves[4], 32);
    assert_int_equal(evidence_tree_new((const uint8_t(*)[32])leaves, 6, &tree, NULL).code, DX_OK);
    assert_int_equal(evidence_tree_new((const uint8_t(*)[32])four, 4, &small, NULL).code, DX_OK);
    assert_memory_equal(evidence_tree_root(tree), evidence_tree_root(small), 32);
    dx_buf_init(&a, 1U << 16);
    dx_buf_init(&b, 1U << 16);
    dx_bytes token = stamp(&world, evidence_tree_root(tree), &tsu, NOW_S);
    assert_int_equal(evidence_record_make(tree, 1, token, &a, NULL).code, DX_OK);
    assert_int_equal(evidence_record_make(tree, 3, token, &b, NULL).code, DX_OK);
    assert_true(dx_bytes_equal(dx_buf_view(&a), dx_buf_view(&b)));
    is(check(dx_buf_view(&b), leaves[3], NULL), NULL);
    dx_buf_fini(&a);
    dx_buf_fini(&b);
    evidence_tree_free(tree);
    evidence_tree_free(small);
}

/* ---- records put together by hand ---- */

#define SHA256 "2.16.840.1.101.3.4.2.1"

static dx_bytes group1(dx_arena *a, dx_bytes value)
{
    return tiny_wrap(a, DER_SEQUENCE, 1, tiny_wrap(a, DER_OCTET_STRING, 1, value));
}

static dx_bytes group2(dx_arena *a, dx_bytes value, dx_bytes other)
{
    return tiny_wrap(a, DER_SEQUENCE, 2, tiny_wrap(a, DER_OCTET_STRING, 1, value),
                     tiny_wrap(a, DER_OCTET_STRING, 1, other));
}

static dx_bytes archive_stamp_of(dx_arena *a, dx_bytes groups, dx_bytes token)
{
    return tiny_wrap(a, DER_SEQUENCE, 2,
                     groups.size > 0 ? tiny_wrap(a, DER_CONSTRUCTED(2), 1, groups) : groups, token);
}

static dx_bytes record_of(dx_arena *a, uint64_t version, const char *algorithm, dx_bytes chains)
{
    return tiny_wrap(a, DER_SEQUENCE, 3, tiny_int(a, version),
                     tiny_wrap(a, DER_SEQUENCE, 1, tiny_algorithm(a, algorithm)),
                     tiny_wrap(a, DER_SEQUENCE, 1, chains));
}

static void form_and_algorithms_are_judged_first(void **state)
{
    (void)state;
    dx_arena a = {0};
    uint8_t leaf[32] = {7};
    dx_bytes one = dx_bytes_of(leaf, 32), none = {NULL, 0}, token = stamp(&a, leaf, &tsu, NOW_S);
    dx_bytes chain = tiny_wrap(&a, DER_SEQUENCE, 1, archive_stamp_of(&a, group1(&a, one), token));
    dx_bytes good = record_of(&a, 1, SHA256, chain);
    is(check(good, leaf, NULL), NULL);
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 1, archive_stamp_of(&a, none, token))),
             leaf, NULL),
       NULL); /* no tree */
    is(check(record_of(&a, 2, SHA256, chain), leaf, NULL), "ER-02");
    is(check(record_of(&a, 1, "2.16.840.1.101.3.4.2.3", chain), leaf, NULL), "ER-03");
    is(check(record_of(&a, 1, SHA256, none), leaf, NULL), "ER-01");
    is(check(dx_bytes_part(good, 0, good.size - 1), leaf, NULL), "ER-01");
    is(check(token, leaf, NULL), "ER-01");
    dx_bytes named =
        tiny_wrap(&a, DER_SEQUENCE, 2,
                  tiny_wrap(&a, DER_CONSTRUCTED(0), 1, tiny_oid(&a, "2.16.840.1.101.3.4.2.2")), token);
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 1, named)), leaf, NULL), "ER-03");
    dx_buf many;
    dx_bytes groups, group = group1(&a, one);
    dx_buf_init(&many, 1U << 16);
    for (int i = 0; i < 65; i++)
        assert_int_equal(dx_buf_add(&many, group).code, DX_OK);
    groups = dx_buf_view(&many);
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 1, archive_stamp_of(&a, groups, token))),
             leaf, NULL),
       "ER-01");
    dx_buf_fini(&many);
    dx_arena_fini(&a);
}

static void a_foreign_hash_in_the_first_group_is_a_note(void **state)
{
    (void)state;
    dx_arena a = {0};
    uint8_t leaf[32] = {7}, other[32] = {9}, both[64], root[32];
    stamp_facts facts;
    memcpy(both, leaf, 32);
    memcpy(both + 32, other, 32);
    dx_sha256(dx_bytes_of(both, 64), root);
    dx_bytes token = stamp(&a, root, &tsu, NOW_S),
             groups = group2(&a, dx_bytes_of(other, 32), dx_bytes_of(leaf, 32));
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 1, archive_stamp_of(&a, groups, token))),
             leaf, &facts),
       NULL);
    assert_true(facts.orphan);
    dx_arena_fini(&a);
}

static void a_time_stamp_renewal_covers_the_token_before_it(void **state)
{
    (void)state;
    dx_arena a = {0};
    uint8_t leaf[32] = {7}, link[32], wrong[32] = {1};
    stamp_facts facts;
    dx_bytes first = stamp(&a, leaf, &tsu, NOW_S);
    dx_sha256(first, link);
    int64_t renewed_s = NOW_S + YEAR_S / 2;
    dx_bytes one = archive_stamp_of(&a, group1(&a, dx_bytes_of(leaf, 32)), first);
    dx_bytes two =
        archive_stamp_of(&a, group1(&a, dx_bytes_of(link, 32)), stamp(&a, link, &later_tsu, renewed_s));
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 2, one, two)), leaf, &facts), NULL);
    assert_int_equal(facts.time_us, (int64_t)NOW_S * 1000000); /* existence is proven by the first */
    dx_bytes bad =
        archive_stamp_of(&a, group1(&a, dx_bytes_of(wrong, 32)), stamp(&a, wrong, &later_tsu, renewed_s));
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 2, one, bad)), leaf, NULL), "ER-07");
    dx_bytes root =
        archive_stamp_of(&a, group1(&a, dx_bytes_of(link, 32)), stamp(&a, wrong, &later_tsu, renewed_s));
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 2, one, root)), leaf, NULL), "ER-05");
    /* Too late: the first unit's certificate had ended when the next proof was made. */
    dx_bytes late = archive_stamp_of(&a, group1(&a, dx_bytes_of(link, 32)),
                                     stamp(&a, link, &later_tsu, NOW_S + 2 * (int64_t)YEAR_S));
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 2, one, late)), leaf, NULL), "STAMP-11");
    dx_bytes early =
        archive_stamp_of(&a, group1(&a, dx_bytes_of(link, 32)), stamp(&a, link, &later_tsu, NOW_S - 86400));
    is(check(record_of(&a, 1, SHA256, tiny_wrap(&a, DER_SEQUENCE, 2, one, early)), leaf, NULL), "STAMP-14");
    dx_arena_fini(&a);
}

static void a_new_chain_covers_object_and_chains_unsorted(void **state)
{
    (void)state;
    dx_arena a = {0};
    uint8_t leaf[32] = {0xf7}, both[64], value[32], swapped[32];
    dx_bytes chain =
        tiny_wrap(&a, DER_SEQUENCE, 1,
                  archive_stamp_of(&a, group1(&a, dx_bytes_of(leaf, 32)), stamp(&a, leaf, &tsu, NOW_S)));
    memcpy(both, leaf, 32);
    dx_sha256(tiny_wrap(&a, DER_SEQUENCE, 1, chain), both + 32);
    dx_sha256(dx_bytes_of(both, 64), value);
    memcpy(both + 32, leaf, 32);
    dx_sha256(tiny_wrap(&a, DER_SEQUENCE, 1, chain), both);
    dx_sha256(dx_bytes_of(both, 64), swapped);
    dx_bytes second = tiny_wrap(&a, DER_SEQUENCE, 1,
                                archive_stamp_of(&a, group1(&a, dx_bytes_of(value, 32)),
                                                 stamp(&a, value, &later_tsu, NOW_S + 86400)));
    dx_bytes bad = tiny_wrap(&a, DER_SEQUENCE, 1,
                             archive_stamp_of(&a, group1(&a, dx_bytes_of(swapped, 32)),
                                              stamp(&a, swapped, &later_tsu, NOW_S + 86400)));
    dx_bytes good = tiny_wrap(&a, DER_SEQUENCE, 2, chain, second),
             broken = tiny_wrap(&a, DER_SEQUENCE, 2, chain, bad);
    is(check(tiny_wrap(&a, DER_SEQUENCE, 3, tiny_int(&a, 1),
                       tiny_wrap(&a, DER_SEQUENCE, 1, tiny_algorithm(&a, SHA256)), good),
             leaf, NULL),
       NULL);
    is(check(tiny_wrap(&a, DER_SEQUENCE, 3, tiny_int(&a, 1),
                       tiny_wrap(&a, DER_SEQUENCE, 1, tiny_algorithm(&a, SHA256)), broken),
             leaf, NULL),
       "ER-08");
    dx_arena_fini(&a);
}

static void no_changed_byte_of_a_record_is_believed(void **state)
{
    (void)state;
    uint8_t leaves[3][32];
    evidence_tree *tree;
    dx_buf record;
    number_leaves(leaves, 3);
    dx_buf_init(&record, 1U << 16);
    assert_int_equal(evidence_tree_new((const uint8_t(*)[32])leaves, 3, &tree, NULL).code, DX_OK);
    dx_bytes token = stamp(&world, evidence_tree_root(tree), &tsu, NOW_S);
    assert_int_equal(evidence_record_make(tree, 0, token, &record, NULL).code, DX_OK);
    for (size_t i = 0; i < record.size; i++) {
        uint8_t bit = (uint8_t)(1U << (i % 8));
        record.data[i] ^= bit;
        if (check(dx_buf_view(&record), leaves[0], NULL).ok)
            fail_msg("byte %zu may change", i);
        record.data[i] ^= bit;
    }
    is(check(dx_buf_view(&record), leaves[0], NULL), NULL);
    dx_buf_fini(&record);
    evidence_tree_free(tree);
}

static void how_long_a_batch_takes(void **state)
{
    (void)state;
    enum { COUNT = 4096 };
    dx_arena arena = {0};
    uint8_t(*leaves)[32] = calloc(COUNT, 32), both[64] = {0}, out[32];
    dx_buf record;
    evidence_tree *tree;
    number_leaves(leaves, COUNT);
    dx_buf_init(&record, 1U << 17);
    dx_bytes token = stamp(&arena, leaves[0], &tsu, NOW_S);
    int64_t t0 = dx_mono_us(&dx_clock_system);
    for (int i = 0; i < COUNT; i++) {
        both[0] = (uint8_t)i;
        dx_sha256(dx_bytes_of(both, 64), out);
    }
    int64_t t1 = dx_mono_us(&dx_clock_system);
    assert_int_equal(evidence_tree_new((const uint8_t(*)[32])leaves, COUNT, &tree, NULL).code, DX_OK);
    int64_t t2 = dx_mono_us(&dx_clock_system);
    for (size_t i = 0; i < COUNT; i++) {
        dx_buf_clear(&record);
        assert_int_equal(evidence_record_make(tree, i, token, &record, NULL).code, DX_OK);
    }
    int64_t t3 = dx_mono_us(&dx_clock_system);
    print_message("4096 SHA-256 of 64 bytes %lld us; tree of 4096 leaves %lld us; their records %lld us; "
                  "together / hashes = %.2f (G7: at most 8)\n",
                  (long long)(t1 - t0), (long long)(t2 - t1), (long long)(t3 - t2),
                  (double)(t3 - t1) / (double)(t1 - t0));
    evidence_tree_free(tree);
    dx_buf_fini(&record);
    free(leaves);
    dx_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_root_comes_out),
        cmocka_unit_test(every_leaf_of_every_size_proves_itself),
        cmocka_unit_test(a_million_leaves_make_a_tree),
        cmocka_unit_test(equal_leaves_share_a_place),
        cmocka_unit_test(form_and_algorithms_are_judged_first),
        cmocka_unit_test(a_foreign_hash_in_the_first_group_is_a_note),
        cmocka_unit_test(a_time_stamp_renewal_covers_the_token_before_it),
        cmocka_unit_test(a_new_chain_covers_object_and_chains_unsorted),
        cmocka_unit_test(no_changed_byte_of_a_record_is_believed),
        cmocka_unit_test(how_long_a_batch_takes),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
