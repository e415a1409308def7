/* Keys of what leaves hide: they survive, only a deliberate erasure loses them, and midnight harms nobody. */
#include "tests/unit/trust_provenance/prov_world.h"
#include "trust/provenance/reader.h"
#include "trust/provenance/writer.h"

typedef struct {
    char folder[64], keys[96], keks[96];
    prov_faults faults;
    dx_clock_fixed clock;
} place;

#define NOVEMBER_23 1795425302000000LL

static void place_init(place *p)
{
    memset(p, 0, sizeof *p);
    snprintf(p->folder, sizeof p->folder, "%s", "/tmp/sekisho-vault-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->keys, sizeof p->keys, "%s/vault", p->folder);
    snprintf(p->keks, sizeof p->keks, "%s/keks", p->folder);
    prov_faults_init(&p->faults);
    dx_clock_fixed_init(&p->clock, NOVEMBER_23);
}

static void run(const char *command)
{
    assert_int_equal(system(command), 0);
}

static void place_fini(place *p)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s", p->folder);
    run(command);
}

static vault *open_in(place *p)
{
    vault *v;
    dx_why why = {0};
    struct dx_rc rc = vault_open(&p->faults.io, &p->clock.clock, p->keys, p->keks, &v, &why);
    if (rc.code != DX_OK)
        fail_msg("%s: %s", dx_code_name(rc.code), why.text);
    return v;
}

static const uint8_t record_id[16] = {7};

/* Seals a side value of a record of the class, as a leaf's side data. */
static void seal_one(vault *v, const char *class_, dx_buf *sealed)
{
    uint8_t key[32];
    dx_why why = {0};
    assert_int_equal(vault_record_key(v, DX_BYTES("NTRDE-HRB12345"), DX_BYTES("dpv:PublicBenefit"),
                                      dx_bytes_text(class_), record_id, key, &why)
                         .code,
                     DX_OK);
    assert_int_equal(vault_side_seal(key, record_id, DX_BYTES("hidden"), sealed, &why).code, DX_OK);
}

static dx_code find_one(vault *v, const char *class_, const dx_buf *sealed)
{
    uint8_t key[32];
    dx_buf plain;
    dx_why why = {0};
    dx_buf_init(&plain, 4096);
    struct dx_rc rc = vault_find(v, dx_bytes_text(class_), record_id, dx_buf_view(sealed), key, &plain, &why);
    if (rc.code == DX_OK)
        assert_true(dx_bytes_is(dx_buf_view(&plain), "hidden"));
    dx_buf_fini(&plain);
    return rc.code;
}

static void only_a_kek_that_is_gone_erases(void **state)
{
    place p;
    dx_buf kept, erased;
    uint8_t before[32], after[32];
    char command[320];
    dx_why why = {0};
    (void)state;
    place_init(&p);
    dx_buf_init(&kept, 4096);
    dx_buf_init(&erased, 4096);
    vault *v = open_in(&p);
    seal_one(v, "appi-3y", &kept);
    seal_one(v, "gdpr-1y", &erased);
    assert_int_equal(vault_counters_key(v, before, &why).code, DX_OK);
    vault_close(v);
    v = open_in(&p);
    assert_int_equal(find_one(v, "gdpr-1y", &erased), DX_OK);
    vault_close(v);
    snprintf(command, sizeof command, "rm %s/gdpr-1y.*.kek", p.keks);
    run(command);
    v = open_in(&p);
    assert_int_equal(find_one(v, "appi-3y", &kept), DX_OK);
    assert_int_equal(find_one(v, "gdpr-1y", &erased), DX_NOT_FOUND);
    assert_int_equal(vault_counters_key(v, after, &why).code, DX_OK);
    assert_memory_equal(before, after, 32);
    vault_close(v);
    dx_buf_fini(&kept);
    dx_buf_fini(&erased);
    place_fini(&p);
}

static void a_kek_that_cannot_be_read_is_not_an_erasure(void **state)
{
    place p;
    dx_buf sealed;
    dx_why why = {0};
    vault *v;
    (void)state;
    place_init(&p);
    dx_buf_init(&sealed, 4096);
    v = open_in(&p);
    seal_one(v, "appi-3y", &sealed);
    vault_close(v);
    atomic_store(&p.faults.calls, 0);
    vault_close(open_in(&p));
    long calls = atomic_load(&p.faults.calls);
    assert_true(calls > 10);
    for (long n = 1; n <= calls; n++) { /* not one of them may fail unnoticed */
        atomic_store(&p.faults.calls, 0);
        atomic_store(&p.faults.fail_call, n);
        assert_int_equal(vault_open(&p.faults.io, &p.clock.clock, p.keys, p.keks, &v, &why).code, DX_IO);
        assert_null(v);
    }
    dx_buf_fini(&sealed);
    place_fini(&p);
}

static void a_kek_that_is_another_one_is_told(void **state)
{
    static const char *const spoils[] = {"head -c 31 /dev/zero", "head -c 32 /dev/zero"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        place p;
        dx_buf sealed;
        dx_why why = {0};
        char command[320];
        place_init(&p);
        dx_buf_init(&sealed, 4096);
        vault *v = open_in(&p);
        seal_one(v, "appi-3y", &sealed);
        vault_close(v);
        snprintf(command, sizeof command, "for f in %s/appi-3y.*.kek; do %s > $f; done", p.keks, spoils[i]);
        run(command);
        assert_int_equal(vault_open(&p.faults.io, &p.clock.clock, p.keys, p.keks, &v, &why).code, DX_BROKEN);
        dx_buf_fini(&sealed);
        place_fini(&p);
    }
}

/* ---- through the log: what a leaf hides can be opened, until its key is gone ---- */

#define RECORD "019ab0c0-7e2a-7c3d-8a11-0c5f0e9d2b44"

static bool opens(const uint8_t k_rec[32], const char *name, const uint8_t inner[32], dx_bytes leaf)
{
    uint8_t salt[32];
    char salt_text[DX_BASE64URL_SIZE(32)], digest[DX_BASE64URL_SIZE(32)], opening[256];
    prov_finding finding = {0};
    vault_salt(k_rec, name, salt);
    dx_base64url(dx_bytes_of(salt, 32), salt_text);
    dx_base64url(dx_bytes_of(inner, 32), digest);
    snprintf(opening, sizeof opening, "{\"digest\":\"%s\",\"name\":\"%s\",\"salt\":\"%s\"}", digest, name,
             salt_text);
    bool ok = vault_opening_check(dx_bytes_text(opening), leaf, (dx_bytes){NULL, 0}, &finding);
    assert_true(ok || strcmp(finding.id, "PV-601") == 0);
    return ok;
}

static void what_a_leaf_hides_opens_until_its_key_is_gone(void **state)
{
    world w;
    dx_arena arena = {0};
    dx_why why = {0};
    prov_receipt receipt;
    prov_reader *reader;
    dx_buf leaf, side, plain;
    uint8_t id[16], inner[32], k_rec[32];
    (void)state;
    world_init(&w);
    dx_buf_init(&leaf, 1 << 16);
    dx_buf_init(&side, 1 << 16);
    dx_buf_init(&plain, 1 << 16);
    assert_true(vault_uuid(DX_BYTES(RECORD), id));
    dx_sha256(DX_BYTES(RECORD), inner);
    prov_log *log = open_log(&w);
    must_append(log, "FR"); /* another record of the same key */
    assert_int_equal(prov_append_wait(log, exchange(&arena, RECORD, "DE"), &receipt, &why).code, DX_OK);
    assert_int_equal(prov_reader_open(&dx_io_system, w.shard, &reader, &why).code, DX_OK);
    assert_int_equal(prov_reader_leaf(reader, receipt.index, &leaf, &why).code, DX_OK);
    assert_int_equal(reader_side(reader, receipt.index, &side, &why).code, DX_OK);
    assert_null(memmem(side.data, side.size, "payload.in", 10));
    assert_int_equal(
        vault_find(log->vault, DX_BYTES("appi-3y"), id, dx_buf_view(&side), k_rec, &plain, &why).code, DX_OK);
    assert_non_null(memmem(plain.data, plain.size, "\"payload.in\":\"", 14));
    assert_true(opens(k_rec, "payload.in", inner, dx_buf_view(&leaf)));
    inner[0] ^= 1;
    assert_false(opens(k_rec, "payload.in", inner, dx_buf_view(&leaf)));
    assert_int_equal(
        vault_find(log->vault, DX_BYTES("gdpr-1y"), id, dx_buf_view(&side), k_rec, &plain, &why).code,
        DX_NOT_FOUND);
    prov_log_close(log);
    shell("rm %s/appi-3y.*.kek", w.keks);
    log = open_log(&w);
    assert_int_equal(
        vault_find(log->vault, DX_BYTES("appi-3y"), id, dx_buf_view(&side), k_rec, &plain, &why).code,
        DX_NOT_FOUND);
    prov_log_close(log);
    assert_sound(&w); /* the proofs hold */
    prov_reader_close(reader);
    dx_buf_fini(&leaf);
    dx_buf_fini(&side);
    dx_buf_fini(&plain);
    dx_arena_fini(&arena);
    world_fini(&w);
}

/* ---- the clock ---- */

typedef struct {
    dx_clock clock;
    int64_t before_us, after_us;
    int readings; /* so many say `before_us` */
} turning_clock;

static int64_t turning_wall(const dx_clock *clock)
{
    turning_clock *c = (turning_clock *)(uintptr_t)clock;
    return c->readings-- > 0 ? c->before_us : c->after_us;
}

/* 2026-11-30T23:59:59Z, and a second later it is December: after each reading in turn. */
static void a_month_may_end_between_two_readings(void **state)
{
    (void)state;
    for (int readings = 0; readings < 8; readings++) {
        place p;
        vault *v;
        dx_why why = {0};
        dx_buf sealed;
        place_init(&p);
        dx_buf_init(&sealed, 4096);
        turning_clock c = {.clock = {.wall_us = turning_wall, .mono_us = turning_wall},
                           .before_us = 1796083199000000,
                           .after_us = 1796083200000000,
                           .readings = readings};
        assert_int_equal(vault_open(&p.faults.io, &c.clock, p.keys, p.keks, &v, &why).code, DX_OK);
        seal_one(v, "appi-3y", &sealed);
        assert_int_equal(find_one(v, "appi-3y", &sealed), DX_OK);
        vault_close(v);
        dx_buf_fini(&sealed);
        place_fini(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_kek_that_is_gone_erases),
        cmocka_unit_test(a_kek_that_cannot_be_read_is_not_an_erasure),
        cmocka_unit_test(a_kek_that_is_another_one_is_told),
        cmocka_unit_test(what_a_leaf_hides_opens_until_its_key_is_gone),
        cmocka_unit_test(a_month_may_end_between_two_readings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
