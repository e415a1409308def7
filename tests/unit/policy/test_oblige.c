/* Obligations are a lattice: order, grouping and repetition never matter. */
#include "policy/oblige.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static uint64_t seed = 20261124;

static unsigned pick(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % n;
}

static const dx_bytes pointers[] = {{(const uint8_t *)"/a", 2},
                                    {(const uint8_t *)"/b", 2},
                                    {(const uint8_t *)"/c", 2},
                                    {(const uint8_t *)"/d", 2}};

static text_set some(dx_arena *arena)
{
    dx_bytes *items = DX_ARENA_ARRAY(arena, dx_bytes, 4);
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        if (pick(2))
            items[n++] = pointers[i];
    return (text_set){items, n};
}

static oblige_duration duration(void)
{
    static const struct {
        const char *text;
        int64_t s;
    } all[] = {{"P1Y", 365 * 86400}, {"P365D", 365 * 86400}, {"P3Y", 3 * 365 * 86400}, {"", 0}};
    unsigned i = pick(4);
    return (oblige_duration){dx_bytes_text(all[i].text), all[i].s};
}

static obligations any(dx_arena *arena)
{
    obligations o = {0};
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (!oblige_is_later((oblige_name)n) && pick(3) > 0)
            o.set |= 1U << n;
    if (o.set & 1U << OBLIGE_SEAL) {
        o.seal.min_set = pick(2);
        if (o.seal.min_set)
            o.seal.min =
                (policy_level){(uint8_t)pick(4), (uint8_t)pick(4), (uint8_t)pick(4), (uint8_t)pick(4)};
        o.seal.formats_set = pick(2);
        o.seal.formats = o.seal.formats_set ? pick(4) : 0;
        o.seal.level = pick(5);
        o.seal.device = pick(4);
        o.seal.on_failure = pick(3);
    }
    if (o.set & 1U << OBLIGE_TIMESTAMP) {
        o.timestamp.mode = pick(5);
        o.timestamp.accept_set = pick(2);
        o.timestamp.accept = o.timestamp.accept_set ? pick(16) : 0;
        o.timestamp.min = pick(3);
        o.timestamp.max_delay = duration();
        o.timestamp.on_failure = pick(3);
    }
    if (o.set & 1U << OBLIGE_RETENTION_LOG) {
        o.retention_min = duration();
        o.retention_max = duration();
    }
    if (o.set & 1U << OBLIGE_DURABILITY)
        o.durability = 1 + pick(2);
    if (o.set & 1U << OBLIGE_REDACT) {
        o.redact.keep_set = pick(2);
        if (o.redact.keep_set)
            o.redact.keep = some(arena);
        o.redact.drop = some(arena);
    }
    if (o.set & 1U << OBLIGE_MIN_RECORDS)
        o.min_records = 1 + pick(5);
    if (o.set & 1U << OBLIGE_LIMIT) {
        o.limit_bytes = pick(3);
        o.limit_records = pick(3);
    }
    if (o.set & 1U << OBLIGE_RESPONSE_HEADERS) {
        oblige_header *h = DX_ARENA_ARRAY(arena, oblige_header, 2);
        h[0] = (oblige_header){DX_BYTES("a"), pick(2) ? DX_BYTES("1") : DX_BYTES("2")};
        h[1] = (oblige_header){DX_BYTES("b"), DX_BYTES("1")};
        o.headers.items = h;
        o.headers.count = pick(3);
    }
    if (o.set & 1U << OBLIGE_NOTIFY) {
        oblige_notice *n = DX_ARENA_ARRAY(arena, oblige_notice, 1);
        n[0] = (oblige_notice){pick(2) ? DX_BYTES("operator") : DX_BYTES("assigner.dpo"), 1 + pick(7)};
        o.notify.items = n;
        o.notify.count = 1;
    }
    if (o.set & 1U << OBLIGE_CONFIDENTIAL)
        o.confidential = some(arena);
    if (o.set & 1U << OBLIGE_SUBJECT_REF)
        o.subject_ref = some(arena);
    if (o.set & 1U << OBLIGE_PROOFS)
        o.proofs = 1 + pick(3);
    return o;
}

static obligations join(const obligations *a, const obligations *b, dx_arena *arena)
{
    obligations out = {0};
    assert_true(oblige_merge(&out, a, arena));
    assert_true(oblige_merge(&out, b, arena));
    return out;
}

static char *print(const obligations *o, dx_arena *arena)
{
    dx_buf out;
    dx_buf_init(&out, 65536);
    assert_int_equal(oblige_print(o, &out).code, DX_OK);
    char *text = dx_arena_text(arena, dx_buf_view(&out));
    dx_buf_fini(&out);
    return text;
}

static void merging_is_commutative_associative_and_idempotent(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        dx_arena arena = {0};
        obligations a = any(&arena), b = any(&arena), c = any(&arena);
        obligations ab = join(&a, &b, &arena), ba = join(&b, &a, &arena);
        assert_string_equal(print(&ab, &arena), print(&ba, &arena));
        obligations bc = join(&b, &c, &arena), left = join(&ab, &c, &arena), right = join(&a, &bc, &arena);
        assert_string_equal(print(&left, &arena), print(&right, &arena));
        obligations aa = join(&a, &a, &arena), alone = join(&(obligations){0}, &a, &arena);
        assert_string_equal(print(&aa, &arena), print(&alone, &arena));
        for (unsigned n = 0; n < OBLIGE_COUNT; n++) /* once in conflict, always in conflict */
            assert_true(!oblige_conflict(&ab, (oblige_name)n) || oblige_conflict(&left, (oblige_name)n));
        dx_arena_fini(&arena);
    }
}

static void the_merge_is_never_looser_than_a_part(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        dx_arena arena = {0};
        obligations a = any(&arena), b = any(&arena), ab = join(&a, &b, &arena);
        for (unsigned n = 0; n < OBLIGE_COUNT; n++)
            assert_null(oblige_looser(&ab, &a, (oblige_name)n));
        dx_arena_fini(&arena);
    }
}

static void two_stamps_need_two_kinds_of_authority(void **state)
{
    (void)state;
    obligations o = {.set = 1U << OBLIGE_TIMESTAMP,
                     .timestamp = {.mode = 4, .accept_set = true, .accept = 3, .min = 2}};
    policy_can can = {.has_table = true, .tsa = {{"JP-MIC", true}, {"JP-MIC", true}}, .tsa_count = 2};
    assert_int_equal(oblige_can(&o, OBLIGE_TIMESTAMP, &can, false), CAN_UNCONFIGURED);
    can.tsa[1].class_ = "EU-QTSA";
    assert_int_equal(oblige_can(&o, OBLIGE_TIMESTAMP, &can, false), CAN_YES);
    can.tsa[1].healthy = false;
    assert_int_equal(oblige_can(&o, OBLIGE_TIMESTAMP, &can, false), CAN_UNAVAILABLE);
    o.timestamp.on_failure = 1; /* defer */
    assert_int_equal(oblige_can(&o, OBLIGE_TIMESTAMP, &can, false), CAN_YES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_is_commutative_associative_and_idempotent),
        cmocka_unit_test(the_merge_is_never_looser_than_a_part),
        cmocka_unit_test(two_stamps_need_two_kinds_of_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
