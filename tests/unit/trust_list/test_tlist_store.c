/* What is kept between runs: sequence numbers never go back, what nobody announces any more is out, and the
 * folder is whole or nothing is believed. */
#include "tests/unit/trust_list/tlist_world_store.h"

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>

static void sequence_numbers_never_go_back(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    recipe r = good;
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_null(tlist_store_snapshot(store));
    assert_string_equal(update(&w, store, &r), "");
    tlist_snapshot *first = tlist_store_snapshot(store);
    assert_non_null(first);
    r.sequence = 4;
    assert_string_equal(update(&w, store, &r), "TL-701");
    r.sequence = 5;
    r.status = "revoked";
    assert_string_equal(update(&w, store, &r), "TL-702");
    r.status = NULL; /* signed anew, same content: another file (ECDSA is not deterministic) */
    assert_string_equal(update(&w, store, &r), "");
    assert_non_null(strstr(w.last.remarks, "TL-702"));
    r.sequence = 6;
    r.issued = "2026-11-01T00:00:00Z";
    assert_string_equal(update(&w, store, &r), "TL-703");
    tlist_store_close(store);
    /* After a restart too. */
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    tlist_snapshot *again = tlist_store_snapshot(store);
    assert_non_null(again);
    r = good;
    r.sequence = 4;
    assert_string_equal(update(&w, store, &r), "TL-701");
    tlist_store *second;
    dx_why why;
    assert_int_equal(tlist_store_open(&w.spec, &second, &why).code, DX_BUSY); /* the lock */
    tlist_snapshot_unref(first);
    tlist_snapshot_unref(again);
    tlist_store_close(store);
}

static void the_memory_of_sequence_numbers_is_whole_or_nothing_is_believed(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    dx_why why;
    char path[128];
    dx_buf file;
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &good), "");
    tlist_store_close(store);
    snprintf(path, sizeof path, "%s/highwater.json", w.state);
    dx_buf_init(&file, 65536);
    assert_int_equal(dx_io_read_file(&dx_io_system, path, 65536, &file, NULL).code, DX_OK);
    for (size_t i = 0; i < file.size; i += 7) {
        file.data[i] ^= 1;
        assert_int_equal(dx_io_replace_file(&dx_io_system, path, dx_buf_view(&file), 0600, NULL).code, DX_OK);
        assert_int_equal(tlist_store_open(&w.spec, &store, &why).code, DX_BROKEN);
        assert_string_equal(why.id, "TL-711");
        file.data[i] ^= 1;
    }
    dx_buf_fini(&file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tlist_store_open(&w.spec, &store, &why).code, DX_BROKEN);
    assert_string_equal(why.id, "TL-712");
    w.spec.confirmed = (tlist_confirmed){.reset_sequence = "jp", .reset_reason = "test"};
    assert_int_equal(tlist_store_open(&w.spec, &store, &why).code, DX_OK);
    tlist_store_close(store);
}

static void time_alone_changes_the_state(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    begin(&w);
    w.spec.grace_s = 3600;
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &good), "");
    tlist_snapshot *s = tlist_store_snapshot(store);
    const tlist_facts *const *lists;
    assert_int_equal(tlist_snapshot_lists(s, &lists), 1);
    uint64_t epoch = tlist_snapshot_epoch(s);
    int64_t end = lists[0]->next_update_s;
    assert_int_equal(lists[0]->state, TLIST_STATE_OK);
    tlist_snapshot_unref(s);
    static const tlist_state want[] = {TLIST_STATE_GRACE, TLIST_STATE_EXPIRED};
    for (size_t i = 0; i < 2; i++) {
        w.clock.now_us = (end + (int64_t)i * 3600) * 1000000;
        assert_true(tlist_store_due_s(store) <= dx_now_s(&w.clock.clock));
        s = tlist_store_snapshot(store);
        tlist_snapshot_lists(s, &lists);
        assert_int_equal(lists[0]->state, want[i]);
        assert_true(tlist_snapshot_epoch(s) > epoch);
        epoch = tlist_snapshot_epoch(s);
        tlist_snapshot_unref(s);
    }
    recipe r = good;
    r.sequence = 9;
    r.next_update = "";
    w.clock.now_us = NOW_S * INT64_C(1000000);
    assert_string_equal(update(&w, store, &r), "");
    s = tlist_store_snapshot(store);
    tlist_snapshot_lists(s, &lists);
    assert_int_equal(lists[0]->state, TLIST_STATE_CLOSED);
    tlist_snapshot_unref(s);
    tlist_store_close(store);
}

/* ---- a list of lists, and a list below it ---- */

static void publish_lotl(const char *file, const char *below, uint64_t sequence)
{
    lotl_recipe l = {.sequence = sequence, .targets = {{file, LOTL_TYPE, "EU", {&operator_}, NULL}}};
    if (below != NULL)
        l.targets[1] = (target){below, JP_TYPE, "JP", {&operator_}, NULL};
    put_lotl(file, &l);
}

static tlist_state state_of_jp(tlist_store *store)
{
    const tlist_facts *const *lists;
    tlist_snapshot *s = tlist_store_snapshot(store);
    assert_non_null(s);
    size_t count = tlist_snapshot_lists(s, &lists);
    tlist_state found = TLIST_STATE_CLOSED; /* not there */
    for (size_t i = 0; i < count; i++)
        if (strcmp(lists[i]->territory, "JP") == 0)
            found = lists[i]->state;
    tlist_snapshot_unref(s);
    return found;
}

static void a_list_that_nobody_points_to_stays_withdrawn(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    char lotl[128];
    static const char *const types[] = {JP "TrustedList/TSLType/JPlist"};
    begin(&w);
    snprintf(lotl, sizeof lotl, "%s.lotl", w.file);
    w.source.kind = TLIST_KIND_LOTL;
    w.source.url = lotl;
    w.source.territory = "EU";
    w.source.strict = false;
    w.source.tsl_types = types;
    w.source.tsl_type_count = 1;
    publish(&w, &good);
    publish_lotl(lotl, w.file, 1);
    dx_why why = {0};
    assert_int_equal(tlist_store_open(&w.spec, &store, &why).code, DX_OK);
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_line, .context = &w}, &why).code,
                     DX_OK);
    assert_string_equal(w.last.why.id, "");
    assert_int_equal(state_of_jp(store), TLIST_STATE_OK);
    publish_lotl(lotl, NULL, 2);
    for (int i = 0; i < 3; i++) { /* in that run, and in those after it */
        assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_line, .context = &w}, &why).code,
                         DX_OK);
        assert_int_equal(state_of_jp(store), TLIST_STATE_WITHDRAWN);
    }
    publish_lotl(lotl, w.file, 3);
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_line, .context = &w}, &why).code,
                     DX_OK);
    assert_int_equal(state_of_jp(store), TLIST_STATE_OK); /* and comes back when it is announced again */
    tlist_store_close(store);
}

static size_t stored_lists(const world *w)
{
    char path[128];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/lists", w->state);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

static void replaced_lists_are_kept_for_400_days(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    recipe r = good;
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &r), "");
    for (int i = 0; i < 3; i++) {
        r.sequence++;
        assert_string_equal(update(&w, store, &r), "");
    }
    assert_int_equal(stored_lists(&w), 4);
    /* The files are of the real now; the clock of the store is set behind it. */
    int64_t real_s = dx_now_s(&dx_clock_system);
    w.clock.now_us = (real_s + 399 * INT64_C(86400)) * 1000000;
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_line, .context = &w}, NULL).code,
                     DX_OK);
    assert_int_equal(stored_lists(&w), 4);
    w.clock.now_us = (real_s + 401 * INT64_C(86400)) * 1000000;
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_line, .context = &w}, NULL).code,
                     DX_OK);
    assert_int_equal(stored_lists(&w), 1); /* the one in force */
    tlist_store_close(store);
}

/* The marks are gone, and then there are no descriptors left to look for lists with. */
static struct rlimit descriptors;

static int blind_open(const dx_io *io, const char *path, int flags, mode_t mode)
{
    (void)io;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (strstr(path, "highwater.json") == NULL || strstr(path, ".new") != NULL)
        return dx_io_system.open(&dx_io_system, path, flags, mode);
    int lowest = dup(0);
    close(lowest);
    struct rlimit none = {(rlim_t)lowest, descriptors.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    errno = ENOENT;
    return -1;
}

static void a_folder_that_cannot_be_read_is_not_empty(void **state)
{
    (void)state;
    world w;
    tlist_store *store = NULL;
    char path[128];
    dx_why why = {0};
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &good), "");
    tlist_store_close(store);
    snprintf(path, sizeof path, "%s/highwater.json", w.state);
    assert_int_equal(unlink(path), 0);
    dx_io blind = dx_io_system;
    blind.open = blind_open;
    w.spec.io = &blind;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    struct dx_rc rc = tlist_store_open(&w.spec, &store, &why);
    setrlimit(RLIMIT_NOFILE, &descriptors);
    assert_int_equal(rc.code, DX_IO);
    assert_non_null(strstr(why.text, "lists"));
}

static void a_row_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    dx_why why = {0};
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &good), "");
    snprintf(store->entries[0].etag, sizeof store->entries[0].etag, "\xff\xfe");
    assert_int_not_equal(tlist_state_save(store, &why).code, DX_OK);
    tlist_store_close(store);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_non_null(store->entries[0].list); /* what was stored before still is */
    tlist_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_numbers_never_go_back),
        cmocka_unit_test(the_memory_of_sequence_numbers_is_whole_or_nothing_is_believed),
        cmocka_unit_test(time_alone_changes_the_state),
        cmocka_unit_test(a_list_that_nobody_points_to_stays_withdrawn),
        cmocka_unit_test(replaced_lists_are_kept_for_400_days),
        cmocka_unit_test(a_folder_that_cannot_be_read_is_not_empty),
        cmocka_unit_test(a_row_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
