/* What a start believes and what a failure leaves behind: anchors, counters, tickets, checkpoints.log. */
#include "tests/unit/trust_provenance/prov_world.h"
#include "trust/provenance/crc32c.h"
#include "trust/provenance/writer.h"

#include <fcntl.h>

static void a_leaf_that_found_no_room_leaves_no_gap_in_the_counters(void **state)
{
    world w;
    dx_why why = {0};
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    must_append(log, "DE");
    size_t max = log->frame.max;
    log->frame.max = FRAME_HEAD_BYTES + 700; /* the writer sleeps: nothing else looks at its frame now */
    assert_int_equal(append(log, "DE", NULL, &why).code, DX_TOO_LARGE);
    log->frame.max = max;
    usleep(300000);
    must_append(log, "DE");
    prov_log_close(log);
    assert_sound(&w);
    prov_log_close(open_log(&w));
    world_fini(&w);
}

static void publishing_without_room_is_answered(void **state)
{
    world w;
    dx_why why = {0};
    (void)state;
    world_init(&w);
    prov_log *log = open_log(&w);
    must_append(log, "DE");
    log->to_publish.max = 1;
    alarm(30); /* it once waited for ever */
    assert_int_equal(prov_log_publish(log, &why).code, DX_TOO_LARGE);
    assert_non_null(strstr(why.text, "note"));
    alarm(0);
    log->to_publish.max = NOTE_MAX_BYTES;
    assert_int_equal(prov_log_publish(log, &why).code, DX_OK);
    prov_log_close(log);
    assert_sound(&w);
    world_fini(&w);
}

/* ---- anchors ---- */

static void append_round(world *w, int leaves)
{
    prov_log *log = open_log(w);
    for (int i = 0; i < leaves; i++)
        must_append(log, "DE");
    prov_log_close(log);
}

static void an_older_copy_without_head_is_not_signed(void **state)
{
    world w;
    dx_why why = {0};
    prov_log *log;
    (void)state;
    world_init(&w);
    w.spec.guard_dir = NULL;
    append_round(&w, 2);
    shell("cp -a %s %s.old", w.shard, w.shard);
    append_round(&w, 2);
    shell("cd %s && rm -rf HEAD seg tiles off && cp -a ../2026q4.old/seg ../2026q4.old/tiles "
          "../2026q4.old/off .",
          w.shard);
    assert_int_equal(prov_log_open(&w.spec, &log, &why).code, DX_BROKEN);
    assert_string_equal(why.id, "PV-501");
    world_fini(&w);
}

static void another_history_without_head_is_not_signed(void **state)
{
    world w;
    dx_why why = {0};
    prov_log *log;
    (void)state;
    world_init(&w);
    w.spec.guard_dir = NULL;
    append_round(&w, 2);
    shell("mv %s %s.first", w.shard, w.shard);
    append_round(&w, 5);
    shell("cp %s.first/checkpoints.log %s/ && rm %s/HEAD", w.shard, w.shard, w.shard);
    assert_int_equal(prov_log_open(&w.spec, &log, &why).code, DX_BROKEN);
    assert_string_equal(why.id, "PV-502");
    world_fini(&w);
}

static void a_lost_head_over_a_whole_log_is_written_again(void **state)
{
    world w;
    (void)state;
    world_init(&w);
    append_round(&w, 2);
    shell("rm %s/HEAD", w.shard);
    append_round(&w, 1);
    assert_sound(&w);
    world_fini(&w);
}

/* ---- checkpoints.log ---- */

static uint64_t head_of(world *w, dx_buf *note)
{
    prov_reader *reader;
    dx_why why = {0};
    uint64_t size = 0;
    assert_int_equal(prov_reader_open(&dx_io_system, w->shard, &reader, &why).code, DX_OK);
    assert_int_equal(prov_reader_checkpoint(reader, note, &size, &why).code, DX_OK);
    prov_reader_close(reader);
    return size;
}

/* So many earlier notes, of sizes 1000000, 1000001 ..., before the ones that are there. */
static void lengthen(world *w, unsigned entries)
{
    char path[160];
    dx_buf note, old, file;
    dx_buf_init(&note, 1 << 16);
    dx_buf_init(&file, 64 << 20);
    (void)head_of(w, &note);
    snprintf(path, sizeof path, "%s/checkpoints.log", w->shard);
    assert_int_equal(dx_io_read_file(&dx_io_system, path, 1 << 20, &old, NULL).code, DX_OK);
    const char *text = (const char *)note.data, *line = (const char *)memchr(text, '\n', note.size) + 1;
    const char *rest = memchr(line, '\n', note.size - (size_t)(line - text));
    for (unsigned i = 0; i < entries; i++) {
        uint8_t number[4] = {0};
        size_t at = file.size;
        assert_int_equal(dx_buf_add(&file, dx_bytes_of(number, 4)).code, DX_OK);
        assert_int_equal(dx_buf_add_text(&file, "{\"note\":\"").code, DX_OK);
        assert_int_equal(dx_buf_addf(&file, "%.*s\\n%u", (int)(line - text - 1), text, 1000000 + i).code,
                         DX_OK);
        for (const char *c = rest; c < text + note.size; c++)
            assert_int_equal(
                (*c == '\n' ? dx_buf_add_text(&file, "\\n") : dx_buf_add_byte(&file, (uint8_t)*c)).code,
                DX_OK);
        assert_int_equal(dx_buf_add_text(&file, "\"}").code, DX_OK);
        be_write(file.data + at, 4, file.size - at - 4);
        be_write(number, 4, crc32c(dx_bytes_of(file.data + at + 4, file.size - at - 4)));
        assert_int_equal(dx_buf_add(&file, dx_bytes_of(number, 4)).code, DX_OK);
    }
    assert_int_equal(dx_buf_add(&file, dx_buf_view(&old)).code, DX_OK);
    assert_int_equal(dx_io_replace_file(&dx_io_system, path, dx_buf_view(&file), 0600, NULL).code, DX_OK);
    print_message("checkpoints.log: %zu bytes\n", file.size);
    dx_buf_fini(&note);
    dx_buf_fini(&old);
    dx_buf_fini(&file);
}

static void a_long_list_of_checkpoints_is_not_read_whole(void **state)
{
    enum { ENTRIES = 40000 };
    world w;
    prov_faults faults;
    prov_reader *reader;
    dx_why why = {0};
    dx_buf note;
    char want[32];
    long most = 0;
    (void)state;
    world_init(&w);
    dx_buf_init(&note, 1 << 16);
    append_round(&w, 1);
    lengthen(&w, ENTRIES);
    prov_faults_init(&faults);
    assert_int_equal(prov_reader_open(&faults.io, w.shard, &reader, &why).code, DX_OK);
    for (unsigned i = 0; i < ENTRIES; i += 7919) {
        long before = atomic_load(&faults.read_bytes);
        dx_buf_clear(&note);
        assert_int_equal(prov_reader_checkpoint_of(reader, 1000000 + i, &note, &why).code, DX_OK);
        snprintf(want, sizeof want, "\n%u\n", 1000000 + i);
        assert_non_null(memmem(note.data, note.size, want, strlen(want)));
        long read = atomic_load(&faults.read_bytes) - before;
        most = read > most ? read : most;
    }
    print_message("a proof by size reads at most %ld bytes\n", most);
    assert_true(most < 4 << 20);
    assert_int_equal(prov_reader_checkpoint_of(reader, 999999, &note, &why).code, DX_NOT_FOUND);
    assert_int_equal(prov_reader_checkpoint_of(reader, 1000000 + ENTRIES, &note, &why).code, DX_NOT_FOUND);
    prov_reader_close(reader);
    atomic_store(&faults.read_bytes, 0);
    w.spec.io = &faults.io;
    prov_log *log = open_log(&w);
    print_message("a start reads %ld bytes\n", atomic_load(&faults.read_bytes));
    assert_true(atomic_load(&faults.read_bytes) < 4 << 20);
    prov_log_close(log);
    dx_buf_fini(&note);
    world_fini(&w);
}

static void a_torn_last_checkpoint_is_written_over(void **state)
{
    world w;
    prov_reader *reader;
    dx_why why = {0};
    dx_buf note;
    (void)state;
    world_init(&w);
    dx_buf_init(&note, 1 << 16);
    append_round(&w, 1);
    uint64_t size = head_of(&w, &note);
    shell("head -c 300 %s/checkpoints.log > %s/torn && cat %s/torn >> %s/checkpoints.log", w.shard, w.folder,
          w.folder, w.shard);
    append_round(&w, 1);
    assert_sound(&w);
    assert_int_equal(prov_reader_open(&dx_io_system, w.shard, &reader, &why).code, DX_OK);
    dx_buf_clear(&note);
    assert_int_equal(prov_reader_checkpoint_of(reader, size, &note, &why).code, DX_OK);
    dx_buf_clear(&note);
    size = head_of(&w, &note);
    dx_buf_clear(&note);
    assert_int_equal(prov_reader_checkpoint_of(reader, size, &note, &why).code, DX_OK);
    prov_reader_close(reader);
    dx_buf_fini(&note);
    world_fini(&w);
}

static void damage_among_the_checkpoints_is_not_written_over(void **state)
{
    static const off_t places[] = {20, 1500}; /* in the first entry, and in one behind it */
    dx_why why = {0};
    prov_log *log;
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        world w;
        char path[160];
        uint8_t byte;
        world_init(&w);
        for (int round = 0; round < 3; round++)
            append_round(&w, 1);
        snprintf(path, sizeof path, "%s/checkpoints.log", w.shard);
        int fd = open(path, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
        byte ^= 4;
        assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
        close(fd);
        assert_int_equal(prov_log_open(&w.spec, &log, &why).code, DX_BROKEN);
        assert_string_equal(why.id, "PV-108");
        world_fini(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_that_found_no_room_leaves_no_gap_in_the_counters),
        cmocka_unit_test(publishing_without_room_is_answered),
        cmocka_unit_test(an_older_copy_without_head_is_not_signed),
        cmocka_unit_test(another_history_without_head_is_not_signed),
        cmocka_unit_test(a_lost_head_over_a_whole_log_is_written_again),
        cmocka_unit_test(a_long_list_of_checkpoints_is_not_read_whole),
        cmocka_unit_test(a_torn_last_checkpoint_is_written_over),
        cmocka_unit_test(damage_among_the_checkpoints_is_not_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
