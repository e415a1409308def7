/* Killed at every write step (trusted-lists.md 13.6): the folder opens again, and what was once in force is
 * never rolled back behind. */
#include "tests/unit/trust_list/tlist_world_store.h"

#include <errno.h>

/* An operating system that dies at one step: the write is torn, and nothing is done after it. */
typedef struct {
    dx_io io;
    long step, dies_at; /* 0: never */
} mortal;

static bool dead(const dx_io *io, bool *now)
{
    mortal *m = (mortal *)(uintptr_t)io;
    m->step++;
    *now = m->step == m->dies_at;
    if (m->dies_at == 0 || m->step < m->dies_at)
        return false;
    errno = EIO;
    return true;
}

static ssize_t m_pwrite(const dx_io *io, int fd, const void *data, size_t size, off_t at)
{
    bool now;
    if (!dead(io, &now))
        return dx_io_system.pwrite(&dx_io_system, fd, data, size, at);
    if (now && dx_io_system.pwrite(&dx_io_system, fd, data, size / 2, at) < 0)
        return -1;
    errno = EIO;
    return -1;
}

static int m_rename(const dx_io *io, const char *from, const char *to)
{
    bool now;
    return dead(io, &now) ? -1 : dx_io_system.rename(&dx_io_system, from, to);
}

static int m_fsync(const dx_io *io, int fd)
{
    bool now;
    return dead(io, &now) ? -1 : dx_io_system.fsync(&dx_io_system, fd);
}

static int m_unlink(const dx_io *io, const char *path)
{
    bool now;
    return dead(io, &now) ? -1 : dx_io_system.unlink(&dx_io_system, path);
}

static int m_ftruncate(const dx_io *io, int fd, off_t size)
{
    bool now;
    return dead(io, &now) ? -1 : dx_io_system.ftruncate(&dx_io_system, fd, size);
}

static int m_open(const dx_io *io, const char *path, int flags, mode_t mode)
{
    bool now;
    return dead(io, &now) ? -1 : dx_io_system.open(&dx_io_system, path, flags, mode);
}

static int m_mkdir(const dx_io *io, const char *path, mode_t mode)
{
    bool now;
    return dead(io, &now) ? -1 : dx_io_system.mkdir(&dx_io_system, path, mode);
}

static mortal born(long dies_at)
{
    mortal m = {.io = dx_io_system, .dies_at = dies_at};
    m.io.pwrite = m_pwrite;
    m.io.rename = m_rename;
    m.io.fsync = m_fsync;
    m.io.unlink = m_unlink;
    m.io.ftruncate = m_ftruncate;
    m.io.open = m_open;
    m.io.mkdir = m_mkdir;
    return m;
}

/* The sequence number that a reader saw, 0: none. */
static uint64_t in_force(tlist_store *store)
{
    const tlist_facts *const *facts;
    tlist_snapshot *s = tlist_store_snapshot(store);
    uint64_t sequence = s != NULL && tlist_snapshot_lists(s, &facts) == 1 ? facts[0]->sequence : 0;
    tlist_snapshot_unref(s);
    return sequence;
}

/* One life with faults: list 9 is offered to a folder that holds 5 (or nothing). What was seen in force. */
static uint64_t live(world *w, mortal *m, bool first)
{
    tlist_store *store;
    recipe r = good;
    r.sequence = first ? 5 : 9;
    publish(w, &r);
    w->spec.io = &m->io;
    uint64_t seen = 0;
    struct dx_rc rc = tlist_store_open(&w->spec, &store, NULL);
    if (rc.code == DX_OK) {
        rc = tlist_store_update(store, &(tlist_run){.line = NULL}, NULL);
        seen = in_force(store);
        if (rc.code != DX_OK) /* what could not be remembered was not published */
            assert_int_not_equal(seen, r.sequence);
        tlist_store_close(store);
    }
    w->spec.io = &dx_io_system;
    return seen;
}

static void nothing_is_rolled_back_behind_a_crash(void **state)
{
    (void)state;
    long steps = 0;
    for (int first = 1; first >= 0; first--) {
        for (long at = 0; at == 0 || at <= steps; at++) {
            world w;
            tlist_store *store;
            recipe r = good;
            begin(&w);
            if (!first) {
                assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
                assert_string_equal(update(&w, store, &r), "");
                tlist_store_close(store);
            }
            mortal m = born(at);
            uint64_t seen = live(&w, &m, first);
            if (at == 0) {
                steps = m.step; /* and once without dying, to count them */
                assert_int_equal(seen, first ? 5 : 9);
            }
            dx_why why = {0};
            struct dx_rc rc = tlist_store_open(&w.spec, &store, &why);
            if (rc.code != DX_OK)
                print_message("killed at step %ld of %ld: %s %s\n", at, steps, why.id, why.text);
            assert_int_equal(rc.code, DX_OK); /* neither TL-711 nor TL-712 */
            uint64_t again = in_force(store); /* what the next life shows counts as well */
            seen = again > seen ? again : seen;
            r.sequence = seen - 1;
            if (seen != 0)
                assert_string_equal(update(&w, store, &r), "TL-701");
            if (!first) {
                r.sequence = 4;
                assert_string_equal(update(&w, store, &r), "TL-701");
            }
            r.sequence = first ? 5 : 9;
            assert_string_equal(update(&w, store, &r), ""); /* the way on is open */
            assert_int_equal(in_force(store), r.sequence);
            tlist_store_close(store);
        }
        assert_true(steps > 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_rolled_back_behind_a_crash)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
