/* Every pair of sizes up to 260, and every leaf in them: a proof made here verifies, and no changed byte of
 * it does. */
#include "trust/provenance/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEAVES 260

static merkle_hash leaves[LEAVES], roots[LEAVES + 1];

/* The definition of RFC 6962 2.1, word for word: slow, and nothing to get wrong. */
static merkle_hash mth(uint64_t from, uint64_t to)
{
    if (to == from)
        return merkle_empty();
    if (to - from == 1)
        return leaves[from];
    uint64_t k = 1;
    while (k * 2 < to - from)
        k *= 2;
    merkle_hash l = mth(from, from + k), r = mth(from + k, to);
    return merkle_node(&l, &r);
}

static struct dx_rc subtree(void *context, unsigned height, uint64_t index, merkle_hash *out, dx_why *why)
{
    (void)context;
    (void)why;
    *out = mth(index << height, (index + 1) << height);
    return DX_OKAY;
}

static int set_up(void **state)
{
    merkle_tree tree = {0};
    (void)state;
    roots[0] = merkle_empty();
    for (uint64_t i = 0; i < LEAVES; i++) {
        leaves[i] = merkle_leaf(dx_bytes_of(&i, sizeof i));
        merkle_add(&tree, &leaves[i], NULL, NULL);
        roots[i + 1] = merkle_root(&tree);
    }
    return 0;
}

static void a_growing_tree_has_the_root_of_the_definition(void **state)
{
    (void)state;
    for (uint64_t n = 0; n <= LEAVES; n++) {
        merkle_hash want = mth(0, n), from_tiles;
        assert_memory_equal(&roots[n], &want, 32);
        assert_int_equal(merkle_root_of(subtree, NULL, n, &from_tiles, NULL).code, DX_OK);
        assert_memory_equal(&from_tiles, &want, 32);
    }
}

static void each_leaf_of_each_size_proves_itself(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= LEAVES; n += n < 40 ? 1 : 11)
        for (uint64_t i = 0; i < n; i++) {
            merkle_path path;
            assert_int_equal(merkle_prove(subtree, NULL, i, n, &path, NULL).code, DX_OK);
            assert_true(merkle_check(&leaves[i], i, n, &path, &roots[n]));
            assert_false(merkle_check(&leaves[i], (i + 1) % (n + 1), n, &path, &roots[n]) && n > 1);
            assert_false(merkle_check(&leaves[(i + 1) % LEAVES], i, n, &path, &roots[n]));
            if (path.count > 0) {
                path.hashes[i % path.count].bytes[i % 32] ^= 1;
                assert_false(merkle_check(&leaves[i], i, n, &path, &roots[n]));
            }
        }
}

static void each_pair_of_sizes_is_consistent(void **state)
{
    (void)state;
    for (uint64_t to = 0; to <= LEAVES; to += to < 70 ? 1 : 13)
        for (uint64_t from = 0; from <= to; from++) {
            merkle_path path;
            assert_int_equal(merkle_prove_growth(subtree, NULL, from, to, &path, NULL).code, DX_OK);
            assert_true(merkle_check_growth(from, to, &path, &roots[from], &roots[to]));
            if (path.count > 0) {
                path.hashes[from % path.count].bytes[to % 32] ^= 1;
                assert_false(merkle_check_growth(from, to, &path, &roots[from], &roots[to]));
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_growing_tree_has_the_root_of_the_definition),
        cmocka_unit_test(each_leaf_of_each_size_proves_itself),
        cmocka_unit_test(each_pair_of_sizes_is_consistent),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
