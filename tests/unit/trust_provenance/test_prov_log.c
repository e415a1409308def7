/* The log as its users see it: what was acknowledged is there, proves itself, and survives. */
#include "tests/unit/trust_provenance/prov_world.h"
#include "trust/base/log.h"
#include "trust/provenance/note.h"
#include "trust/provenance/pv_check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

typedef struct {
    dx_buf note;
    uint64_t index;
    int calls;
} kept;

static void keep(void *context, struct dx_rc rc, const prov_receipt *receipt, const dx_why *why)
{
    kept *k = context;
    (void)why;
    k->calls++;
    if (rc.code != DX_OK)
        return;
    k->index = receipt->index;
    if (dx_buf_add(&k->note, dx_bytes_of(receipt->checkpoint, receipt->checkpoint_size)).code != DX_OK)
        abort();
}

static void a_receipt_proves_its_leaf(void **state)
{
    world w;
    dx_arena arena = {0};
    dx_why why = {0};
    kept k = {0};
    prov_finding finding;
    (void)state;
    world_init(&w);
    dx_buf_init(&k.note, 1 << 16);
    prov_log *log = open_log(&w);
    assert_string_equal(prov_log_origin(log), HOST "/provenance/2026q4");
    assert_int_equal(prov_append(log, exchange(&arena, NULL, "DE"), keep, &k, &why).code, DX_OK);
    must_append(log, "FR");
    assert_int_equal(k.calls, 1);

    prov_reader *reader;
    dx_buf leaf, proof;
    dx_buf_init(&leaf, 1 << 16);
    dx_buf_init(&proof, 1 << 16);
    assert_int_equal(prov_reader_open(&dx_io_system, w.shard, &reader, &why).code, DX_OK);
    assert_int_equal(prov_reader_leaf(reader, k.index, &leaf, &why).code, DX_OK);
    assert_int_equal(prov_reader_prove_with(reader, k.index, dx_buf_view(&k.note), &proof, &why).code, DX_OK);
    assert_int_equal(
        prov_proof_check(dx_buf_view(&proof), dx_buf_view(&leaf), w.vkeys, 2, &finding, &why).code, DX_OK);
    assert_true(finding.ok);
    leaf.data[leaf.size / 2] ^= 1;
    assert_int_equal(
        prov_proof_check(dx_buf_view(&proof), dx_buf_view(&leaf), w.vkeys, 2, &finding, &why).code, DX_OK);
    assert_false(finding.ok);
    assert_string_equal(finding.id, "PV-201");
    prov_reader_close(reader);
    prov_log_close(log);
    assert_sound(&w);
    dx_buf_fini(&leaf);
    dx_buf_fini(&proof);
    dx_buf_fini(&k.note);
    dx_arena_fini(&arena);
    world_fini(&w);
}

static void a_closed_log_goes_on_where_it_ended(void **state)
{
    world w;
    (void)state;
    world_init(&w);
    for (int round = 0; round < 3; round++) {
        prov_log *log = open_log(&w);
        for (int i = 0; i < 5; i++)
            must_append(log, i % 2 ? "DE" : "FR");
        prov_log_close(log);
        assert_sound(&w);
    }
    assert_int_equal(verified(&w).leaves, 1 + 3 * (1 + 5 + 2)); /* opening; boot, five, counters, stop */
    world_fini(&w);
}

static void a_leaf_that_breaks_the_schema_is_refused_with_its_reason(void **state)
{
    world w;
    dx_arena arena = {0};
    dx_why why = {0};
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    prov_record *r = exchange(&arena, NULL, "DE");
    prov_set_str(r, "case", "write to someone@example.org");
    assert_int_equal(prov_append_wait(log, r, NULL, &why).code, DX_USAGE);
    assert_string_equal(why.id, "PV-103");
    r = exchange(&arena, NULL, "Germany");
    assert_int_equal(prov_append_wait(log, r, NULL, &why).code, DX_USAGE);
    assert_string_equal(why.id, "PV-102");
    r = exchange(&arena, NULL, "DE");
    prov_set_str(r, "no.such.member", "x");
    assert_int_equal(prov_append_wait(log, r, NULL, &why).code, DX_USAGE);
    assert_non_null(strstr(why.text, "no.such.member"));
    must_append(log, "DE");
    prov_log_close(log);
    assert_sound(&w);
    dx_arena_fini(&arena);
    world_fini(&w);
}

/* The timer may ask for a counters leaf at any moment, but never before the boot leaf stands where it says it
 * does. */
static void a_slow_start_keeps_boot_at_its_index(void **state)
{
    world w;
    (void)state;
    world_init(&w);
    w.spec.publish_interval_ms = 1;
    for (int round = 0; round < 10; round++) {
        prov_log *log = open_log(&w);
        usleep(5000);
        must_append(log, "DE");
        prov_log_close(log);
        assert_sound(&w);
    }
    world_fini(&w);
}

static void only_one_process_writes(void **state)
{
    world w;
    dx_why why = {0};
    prov_log *second;
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    assert_int_equal(prov_log_open(&w.spec, &second, &why).code, DX_BROKEN);
    assert_null(second);
    prov_log_close(log);
    world_fini(&w);
}

#define THREADS 4
#define EACH    100

static void *many(void *log)
{
    for (int i = 0; i < EACH; i++)
        must_append(log, i % 3 ? "DE" : "KR");
    return NULL;
}

static void many_threads_and_segments_make_one_log(void **state)
{
    world w;
    pthread_t threads[THREADS];
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, log), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 400; i++) /* past the first mebibyte, whatever the batches were */
        must_append(log, "DE");
    prov_log_close(log);
    assert_sound(&w);
    assert_int_equal(access("/dev/null", F_OK), 0);
    char path[160];
    snprintf(path, sizeof path, "%s/seg/00000001.seg", w.shard);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(verified(&w).leaves, 2 + THREADS * EACH + 400 + 2);

    prov_reader *reader;
    dx_why why = {0};
    dx_buf leaf, tile;
    dx_buf_init(&leaf, 1 << 16);
    dx_buf_init(&tile, 1 << 24);
    assert_int_equal(prov_reader_open(&dx_io_system, w.shard, &reader, &why).code, DX_OK);
    for (uint64_t i = 0; i < 2 + THREADS * EACH + 400; i += 37) { /* forward, and with seeks back */
        dx_buf_clear(&leaf);
        assert_int_equal(prov_reader_leaf(reader, (i * 7919) % (THREADS * EACH + 400), &leaf, &why).code,
                         DX_OK);
    }
    assert_int_equal(prov_reader_tile(reader, DX_BYTES("tile/0/000"), &tile, &why).code, DX_OK);
    assert_int_equal(tile.size, 8192);
    dx_buf_clear(&tile);
    assert_int_equal(prov_reader_tile(reader, DX_BYTES("tile/entries/000.p/3"), &tile, &why).code, DX_OK);
    assert_int_equal(prov_reader_tile(reader, DX_BYTES("tile/0/999"), &tile, &why).code, DX_NOT_FOUND);
    assert_int_equal(prov_reader_tile(reader, DX_BYTES("tile/0/000.p/256"), &tile, &why).code, DX_NOT_FOUND);
    prov_reader_close(reader);
    dx_buf_fini(&leaf);
    dx_buf_fini(&tile);
    world_fini(&w);
}

static void published_sizes_are_consistent(void **state)
{
    world w;
    dx_why why = {0};
    prov_reader *reader;
    dx_buf note, text;
    uint64_t first, second;
    (void)state;
    world_init(&w);
    dx_buf_init(&note, 1 << 16);
    dx_buf_init(&text, 1 << 16);
    prov_log *log = open_log(&w);
    must_append(log, "DE");
    assert_int_equal(prov_log_publish(log, &why).code, DX_OK);
    assert_int_equal(prov_reader_open(&dx_io_system, prov_log_folder(log), &reader, &why).code, DX_OK);
    assert_int_equal(prov_reader_checkpoint(reader, &note, &first, &why).code, DX_OK);
    must_append(log, "DE");
    assert_int_equal(prov_log_publish(log, &why).code, DX_OK);
    assert_int_equal(prov_log_publish(log, &why).code, DX_OK); /* nothing new: nothing is written */
    assert_int_equal(prov_reader_checkpoint(reader, &note, &second, &why).code, DX_OK);
    assert_int_equal(second, first + 2);
    assert_int_equal(prov_reader_consistency(reader, first, second, &text, &why).code, DX_OK);
    dx_buf_clear(&note);
    assert_int_equal(prov_reader_checkpoint_of(reader, first, &note, &why).code, DX_OK);
    assert_int_equal(prov_reader_checkpoint_of(reader, first + 1, &note, &why).code, DX_NOT_FOUND);
    dx_buf_clear(&text);
    assert_int_equal(prov_reader_prove(reader, 2, first, &text, &why).code, DX_OK);
    prov_reader_close(reader);
    prov_log_close(log);
    dx_buf_fini(&note);
    dx_buf_fini(&text);
    world_fini(&w);
}

static void a_failed_sync_is_told_and_the_log_goes_on_in_a_new_segment(void **state)
{
    world w;
    prov_faults faults;
    dx_why why = {0};
    (void)state;
    world_init(&w);
    prov_faults_init(&faults);
    w.spec.io = &faults.io;
    prov_log *log = open_log(&w);
    must_append(log, "DE");
    atomic_store(&faults.fail_sync, 1);
    assert_int_equal(append(log, "DE", NULL, &why).code, DX_IO);
    assert_false(prov_log_healthy(log));
    usleep(300000);
    must_append(log, "DE");
    assert_true(prov_log_healthy(log));
    prov_log_close(log);
    assert_sound(&w);
    char path[160];
    snprintf(path, sizeof path, "%s/seg/00000001.seg", w.shard);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(verified(&w).leaves, 2 + 1 + 2 + 2); /* the refused one is not there, a halt leaf is */
    prov_log_close(open_log(&w));                         /* and a start takes it all in */
    assert_sound(&w);
    world_fini(&w);
}

static void a_full_disk_is_told_and_the_log_resumes_by_itself(void **state)
{
    world w;
    prov_faults faults;
    dx_why why = {0};
    (void)state;
    world_init(&w);
    prov_faults_init(&faults);
    w.spec.io = &faults.io;
    prov_log *log = open_log(&w);
    atomic_store(&faults.space_bytes, 5000);
    struct dx_rc rc = {DX_OK};
    for (int i = 0; i < 5 && rc.code == DX_OK; i++)
        rc = append(log, "DE", NULL, &why);
    assert_int_equal(rc.code, DX_NO_SPACE);
    assert_false(prov_log_healthy(log));
    usleep(300000);
    assert_int_equal(append(log, "DE", NULL, &why).code, DX_NO_SPACE);
    atomic_store(&faults.space_bytes, -1);
    usleep(300000);
    must_append(log, "DE");
    assert_true(prov_log_healthy(log));
    prov_log_close(log);
    assert_sound(&w);
    world_fini(&w);
}

static void short_writes_are_completed(void **state)
{
    world w;
    prov_faults faults;
    (void)state;
    world_init(&w);
    prov_faults_init(&faults);
    w.spec.io = &faults.io;
    prov_log *log = open_log(&w);
    atomic_store(&faults.short_writes, 100);
    must_append(log, "DE");
    prov_log_close(log);
    assert_sound(&w);
    world_fini(&w);
}

/* Each call of the start fails once; nothing leaks, and the log that is left is sound. */
static void every_call_of_a_start_may_fail(void **state)
{
    world w;
    prov_faults faults;
    dx_why why;
    prov_log *log;
    unsigned failed = 0;
    (void)state;
    world_init(&w);
    w.spec.io = &faults.io;
    for (long n = 1; n < 400; n += n < 40 ? 1 : 7) {
        prov_faults_init(&faults);
        atomic_store(&faults.fail_call, n);
        if (prov_log_open(&w.spec, &log, &why).code == DX_OK)
            prov_log_close(log);
        else
            failed++;
    }
    assert_true(failed > 10);
    prov_faults_init(&faults);
    log = open_log(&w);
    must_append(log, "DE");
    prov_log_close(log);
    assert_sound(&w);
    world_fini(&w);
}

static void damage_is_found_and_never_cut_away(void **state)
{
    world w;
    dx_why why = {0};
    prov_log *log;
    (void)state;
    world_init(&w);
    log = open_log(&w);
    for (int i = 0; i < 10; i++)
        must_append(log, "DE");
    prov_log_close(log);
    char path[160];
    snprintf(path, sizeof path, "%s/seg/00000000.seg", w.shard);
    int fd = open(path, O_RDWR);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, 4096 + 4000), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, 4096 + 4000), 1);
    close(fd);
    prov_finding f = verified(&w);
    assert_false(f.ok);
    assert_string_equal(f.id, "PV-108");
    assert_int_equal(prov_log_open(&w.spec, &log, &why).code, DX_BROKEN);
    world_fini(&w);
}

static void an_older_copy_is_not_signed(void **state)
{
    world w;
    dx_why why = {0};
    prov_log *log;
    (void)state;
    world_init(&w);
    log = open_log(&w);
    must_append(log, "DE");
    prov_log_close(log);
    shell("cp -a %s %s.old", w.state, w.state);
    log = open_log(&w);
    must_append(log, "DE");
    prov_log_close(log);
    shell("rm -rf %s && mv %s.old %s", w.state, w.state, w.state);
    assert_int_equal(prov_log_open(&w.spec, &log, &why).code, DX_BROKEN);
    assert_string_equal(why.id, "PV-501");
    world_fini(&w);
}

static void lost_tiles_and_offsets_are_built_again(void **state)
{
    world w;
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    for (int i = 0; i < 300; i++)
        must_append(log, "DE");
    prov_log_close(log);
    shell("rm -rf %s/tiles %s/off", w.shard, w.shard);
    assert_false(verified(&w).ok);
    prov_log_close(open_log(&w));
    assert_sound(&w);
    world_fini(&w);
}

/* ---- kill -9: an outside process notes the acknowledgements ---- */

static void child(world *w, int pipe_fd)
{
    prov_log *log;
    dx_why why;
    dx_log_open(open("/dev/null", O_WRONLY), DX_LOG_ERROR, &dx_clock_system);
    if (prov_log_open(&w->spec, &log, &why).code != DX_OK)
        _exit(3);
    for (;;) {
        prov_receipt receipt;
        if (append(log, "DE", &receipt, &why).code != DX_OK)
            _exit(4);
        uint8_t message[40];
        memcpy(message, &receipt.index, 8);
        memcpy(message + 8, receipt.leaf_hash, 32);
        if (write(pipe_fd, message, sizeof message) != (ssize_t)sizeof message)
            _exit(5);
    }
}

static void nothing_acknowledged_is_lost_by_a_kill(void **state)
{
    world w;
    const char *asked = getenv("SEKISHO_KILLS");
    int kills = asked != NULL ? atoi(asked) : 12;
    unsigned seed = 20261124, acknowledged = 0;
    (void)state;
    world_init(&w);
    w.spec.publish_interval_ms = 20;
    for (int round = 0; round < kills; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            child(&w, ends[1]);
        }
        close(ends[1]);
        usleep(20000 + (useconds_t)rand_r(&seed) % 100000);
        kill(pid, SIGKILL);
        struct {
            uint64_t index;
            uint8_t hash[32];
        } got[4096];
        size_t count = 0;
        uint8_t message[40];
        while (count < 4096 && read(ends[0], message, sizeof message) == (ssize_t)sizeof message) {
            memcpy(&got[count].index, message, 8);
            memcpy(got[count++].hash, message + 8, 32);
        }
        close(ends[0]);
        int status;
        waitpid(pid, &status, 0);
        if (WIFEXITED(status))
            fail_msg("the child ended by itself with %d", WEXITSTATUS(status));
        prov_log *log = open_log(&w);
        prov_log_close(log);
        assert_sound(&w);
        prov_reader *reader;
        dx_why why = {0};
        dx_buf leaf;
        dx_buf_init(&leaf, 1 << 16);
        assert_int_equal(prov_reader_open(&dx_io_system, w.shard, &reader, &why).code, DX_OK);
        for (size_t i = 0; i < count; i++) {
            uint8_t text[1 << 16], hash[32];
            dx_buf_clear(&leaf);
            struct dx_rc rc = prov_reader_leaf(reader, got[i].index, &leaf, &why);
            if (rc.code != DX_OK)
                fail_msg("leaf %llu: %s", (unsigned long long)got[i].index, why.text);
            text[0] = 0;
            memcpy(text + 1, leaf.data, leaf.size);
            dx_sha256(dx_bytes_of(text, leaf.size + 1), hash);
            assert_memory_equal(hash, got[i].hash, 32);
        }
        acknowledged += (unsigned)count;
        prov_reader_close(reader);
        dx_buf_fini(&leaf);
    }
    print_message("%d kills, %u acknowledged leaves, none lost\n", kills, acknowledged);
    world_fini(&w);
}

static void evidence_is_kept_under_its_digest(void **state)
{
    world w;
    uint8_t digest[32];
    dx_why why = {0};
    char hex[65];
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    assert_int_equal(prov_evidence_put(log, DX_BYTES("a list"), digest, &why).code, DX_OK);
    assert_int_equal(prov_evidence_put(log, DX_BYTES("a list"), digest, &why).code, DX_OK);
    dx_hex(dx_bytes_of(digest, 32), hex);
    shell("test \"$(sha256sum < %s/evidence/%.2s/%s | cut -c1-64)\" = %s", w.state, hex, hex, hex);
    prov_log_close(log);
    world_fini(&w);
}

static void queries_see_what_their_scope_allows(void **state);

typedef struct {
    uint64_t rows[64];
    unsigned count;
} found;

static void found_row(void *context, uint64_t index, dx_bytes leaf)
{
    found *f = context;
    assert_true(leaf.size > 2 && leaf.data[0] == '{');
    f->rows[f->count++] = index;
}

static found ask(prov_index *index, prov_query q, bool *more)
{
    found f = {.count = 0};
    uint64_t next;
    dx_why why = {0};
    q.after_index = q.after_index == 0 ? UINT64_MAX : q.after_index;
    q.limit = q.limit == 0 ? 50 : q.limit;
    struct dx_rc rc = prov_index_query(index, &q, found_row, &f, &next, more, &why);
    if (rc.code != DX_OK)
        fail_msg("%s", why.text);
    return f;
}

static void queries_see_what_their_scope_allows(void **state)
{
    world w;
    prov_index *index;
    dx_why why = {0};
    bool more;
    const char *germany[] = {"DE"}, *both[] = {"DE", "FR"}, *japan[] = {"JP"}, *hostile[] = {"DE' OR '1'='1"};
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    for (int i = 0; i < 12; i++)
        must_append(log, i % 3 == 0 ? "FR" : "DE");
    assert_int_equal(prov_log_publish(log, &why).code, DX_OK);
    assert_int_equal(prov_index_open(&dx_io_system, w.shard, &index, &why).code, DX_OK);
    assert_int_equal(ask(index, (prov_query){.scope_all = true}, &more).count, 12);
    assert_int_equal(ask(index, (prov_query){.scope_all = false}, &more).count, 0);
    assert_int_equal(
        ask(index, (prov_query){.scope_countries = germany, .scope_country_count = 1}, &more).count, 8);
    assert_int_equal(ask(index, (prov_query){.scope_countries = both, .scope_country_count = 2}, &more).count,
                     12);
    assert_int_equal(
        ask(index, (prov_query){.scope_countries = japan, .scope_country_count = 1}, &more).count, 12);
    assert_int_equal(
        ask(index, (prov_query){.scope_countries = hostile, .scope_country_count = 1}, &more).count, 0);
    assert_int_equal(ask(index, (prov_query){.scope_all = true, .country = "FR"}, &more).count, 4);
    assert_int_equal(ask(index, (prov_query){.scope_all = true, .country = "FR' --"}, &more).count, 0);
    assert_int_equal(
        ask(index, (prov_query){.scope_countries = germany, .scope_country_count = 1, .country = "FR"}, &more)
            .count,
        0);
    assert_int_equal(ask(index,
                         (prov_query){.scope_all = true,
                                      .country = "DE",
                                      .purpose = "dpv:PublicBenefit",
                                      .peer = "NTRDE-HRB12345",
                                      .decision = "permit"},
                         &more)
                         .count,
                     8);
    assert_int_equal(ask(index, (prov_query){.scope_all = true, .decision = "deny"}, &more).count, 0);
    assert_int_equal(ask(index, (prov_query){.scope_all = true, .from_us = 1}, &more).count, 12);
    assert_int_equal(ask(index, (prov_query){.scope_all = true, .until_us = 1}, &more).count, 0);
    found page = ask(index, (prov_query){.scope_all = true, .country = "DE", .limit = 5}, &more);
    assert_int_equal(page.count, 5);
    assert_true(more);
    page =
        ask(index, (prov_query){.scope_all = true, .country = "DE", .limit = 5, .after_index = page.rows[4]},
            &more);
    assert_int_equal(page.count, 3);
    assert_false(more);
    assert_int_equal(ask(index, (prov_query){.scope_all = true, .at_size = 4}, &more).count, 2);
    prov_index_close(index);

    /* Damaged: built again. */
    shell("printf 'not a database, not at all, really' > %s/index/log.sqlite", w.shard);
    assert_int_equal(prov_index_open(&dx_io_system, w.shard, &index, &why).code, DX_OK);
    assert_int_equal(ask(index, (prov_query){.scope_all = true}, &more).count, 12);
    prov_index_close(index);
    prov_log_close(log);
    world_fini(&w);
}

/* A key leaf whose statement says `said` of the log's own first key. */
static void append_key_leaf(world *w, prov_log *log, const char *said)
{
    dx_arena arena = {0};
    dx_why why = {0};
    dx_buf text, note;
    note_key key;
    dx_buf_init(&text, 4096);
    dx_buf_init(&note, 8192);
    assert_int_equal(note_key_of(w->ed, prov_log_origin(log), &key, &why).code, DX_OK);
    assert_int_equal(dx_buf_addf(&text, "sekisho/key/v1\n%s\n-\n%s\n%s\n", key.name, w->vkeys[0], said).code,
                     DX_OK);
    assert_int_equal(dx_buf_add(&note, dx_buf_view(&text)).code, DX_OK);
    assert_int_equal(dx_buf_add_byte(&note, '\n').code, DX_OK);
    assert_int_equal(note_sign(dx_buf_view(&text), w->ed, &key, &note, &why).code, DX_OK);
    char *encoded = dx_arena_alloc(&arena, DX_BASE64_SIZE(note.size));
    dx_base64(dx_buf_view(&note), encoded);
    prov_record *r = prov_record_new(&arena, PROV_KEY);
    prov_set_str(r, "key.role", "log");
    prov_set_str(r, "key.new", w->vkeys[0]);
    prov_set_time(r, "key.valid_from", 1795425302223456);
    prov_set_str(r, "key.statement", encoded);
    struct dx_rc rc = prov_append_wait(log, r, NULL, &why);
    if (rc.code != DX_OK)
        fail_msg("%s: %s", why.id, why.text);
    dx_buf_fini(&text);
    dx_buf_fini(&note);
    dx_arena_fini(&arena);
}

static void a_change_of_keys_needs_its_signatures(void **state)
{
    world w;
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    append_key_leaf(&w, log, "2026-11-23T09:15:02.223456Z");
    prov_log_close(log);
    assert_sound(&w);
    log = open_log(&w);
    append_key_leaf(&w, log, "2027-01-01T00:00:00.000000Z");
    prov_log_close(log);
    prov_finding f = verified(&w);
    assert_false(f.ok);
    assert_string_equal(f.id, "PV-303");
    assert_string_equal(f.clause, "provenance.md 4.3, 8");
    world_fini(&w);
}

static void every_id_has_its_clause(void **state)
{
    (void)state;
    static const char *const ids[] = {"PV-101", "PV-102", "PV-103", "PV-104", "PV-105", "PV-106", "PV-107",
                                      "PV-108", "PV-201", "PV-202", "PV-203", "PV-204", "PV-301", "PV-302",
                                      "PV-303", "PV-305", "PV-401", "PV-501", "PV-502", "PV-503", "PV-601"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const char *clause = NULL;
        prov_finding f = {.ok = true};
        assert_non_null(pv_check_text(ids[i], &clause));
        assert_false(prov_no(&f, ids[i], "no"));
        assert_true(f.clause[0] != 0 && strcmp(f.clause, clause) == 0);
    }
    assert_null(pv_check_text("PV-999", NULL));
}

/* SEKISHO_KEEP_LOG=dir leaves a log and its tiles behind for a foreign judge. */
static void a_log_can_be_exported_as_tiles(void **state)
{
    world w;
    dx_why why = {0};
    prov_reader *reader;
    const char *keep_folder = getenv("SEKISHO_KEEP_LOG");
    char path[160];
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    for (int i = 0; i < 600; i++)
        must_append(log, i % 3 == 0 ? "FR" : "DE");
    prov_log_close(log);
    snprintf(path, sizeof path, "%s/tiles", w.folder);
    assert_int_equal(prov_reader_open(&dx_io_system, w.shard, &reader, &why).code, DX_OK);
    assert_int_equal(prov_export_tiles(reader, path, &why).code, DX_OK);
    prov_reader_close(reader);
    snprintf(path, sizeof path, "%s/tiles/tile/entries/002.p/93", w.folder);
    if (keep_folder != NULL) {
        shell("mkdir -p %s && cp -a %s/. %s", keep_folder, w.folder, keep_folder);
        snprintf(path, sizeof path, "%s/vkeys", keep_folder);
        FILE *f = fopen(path, "w");
        fprintf(f, "%s\n%s\n", w.vkeys[0], w.vkeys[1]);
        fclose(f);
    }
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_proves_its_leaf),
        cmocka_unit_test(a_closed_log_goes_on_where_it_ended),
        cmocka_unit_test(a_leaf_that_breaks_the_schema_is_refused_with_its_reason),
        cmocka_unit_test(a_slow_start_keeps_boot_at_its_index),
        cmocka_unit_test(only_one_process_writes),
        cmocka_unit_test(many_threads_and_segments_make_one_log),
        cmocka_unit_test(published_sizes_are_consistent),
        cmocka_unit_test(a_failed_sync_is_told_and_the_log_goes_on_in_a_new_segment),
        cmocka_unit_test(a_full_disk_is_told_and_the_log_resumes_by_itself),
        cmocka_unit_test(short_writes_are_completed),
        cmocka_unit_test(every_call_of_a_start_may_fail),
        cmocka_unit_test(damage_is_found_and_never_cut_away),
        cmocka_unit_test(an_older_copy_is_not_signed),
        cmocka_unit_test(lost_tiles_and_offsets_are_built_again),
        cmocka_unit_test(nothing_acknowledged_is_lost_by_a_kill),
        cmocka_unit_test(evidence_is_kept_under_its_digest),
        cmocka_unit_test(queries_see_what_their_scope_allows),
        cmocka_unit_test(a_change_of_keys_needs_its_signatures),
        cmocka_unit_test(every_id_has_its_clause),
        cmocka_unit_test(a_log_can_be_exported_as_tiles),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
