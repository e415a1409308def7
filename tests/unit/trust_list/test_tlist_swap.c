/* Readers at full speed over a thousand swaps (trusted-lists.md 13.10): each sees one snapshot whole, and
 * lets go of it. Run it with ASan and TSan. */
#include "tests/unit/trust_list/tlist_world_store.h"

#include <pthread.h>
#include <sched.h>

enum { READERS = 8, SWAPS = 1000 };

typedef struct {
    pthread_mutex_t lock;
    tlist_snapshot *current;
    atomic_bool stop;
    atomic_ulong reads, torn;
} exchange;

static tlist_snapshot *take(exchange *x)
{
    pthread_mutex_lock(&x->lock);
    tlist_snapshot *s = tlist_snapshot_ref(x->current);
    pthread_mutex_unlock(&x->lock);
    return s;
}

/* Sequence n says "accredited" when n is odd, "revoked" when it is even: a mixture would be seen. */
static void *reader(void *argument)
{
    exchange *x = argument;
    uint64_t newest = 0;
    while (!atomic_load(&x->stop)) {
        tlist_snapshot *s = take(x);
        const tlist_facts *const *facts;
        const tlist_service *const *services;
        tlist_hit hit;
        bool whole = tlist_snapshot_lists(s, &facts) == 1 && tlist_snapshot_services(s, &services) == 1;
        if (whole) {
            const tlist_certificate *c = &services[0]->certificates[0];
            tlist_key key = {c->der, c->spki, c->subject, {0}};
            memcpy(key.sha256, c->sha256, 32);
            bool odd = facts[0]->sequence % 2 == 1;
            whole = services[0]->list == facts[0] &&
                    tlist_find(s, &key, TLIST_ISSUER, NOW_S, &hit, 1, NULL) == 1 && hit.usable == odd &&
                    hit.service->list->sequence == facts[0]->sequence &&
                    strstr(hit.interval->status, odd ? "accredited" : "revoked") != NULL &&
                    tlist_snapshot_epoch(s) >= newest;
            newest = tlist_snapshot_epoch(s);
        }
        atomic_fetch_add(&x->reads, 1);
        atomic_fetch_add(&x->torn, !whole);
        tlist_snapshot_unref(s);
        sched_yield(); /* the one who swaps has its turn on small machines too */
    }
    return NULL;
}

static void readers_see_whole_snapshots(void **state)
{
    (void)state;
    exchange x = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[READERS];
    tlist_source source = jp();
    tlist_map map;
    assert_int_equal(tlist_map_load(&source, NULL, &map, NULL).code, DX_OK);
    for (int i = 0; i <= SWAPS; i++) {
        recipe r = good;
        r.sequence = (uint64_t)i + 1;
        r.status = i % 2 == 0 ? "accredited" : "revoked";
        char *text = draw(&r); /* its signature is another test's matter */
        tlist_tree tree;
        tlist_list *list;
        tlist_snapshot *made;
        assert_int_equal(tlist_tree_read(dx_bytes_text(text), 0, false, &tree, NULL).code, DX_OK);
        assert_int_equal(tlist_object_make(&tree, &source, &map, &list, NULL).code, DX_OK);
        const tlist_member member = {list, list->facts, INT64_MAX};
        assert_int_equal(tlist_snapshot_make(&member, 1, NOW_S, 0, (uint64_t)i + 1, &made, NULL).code, DX_OK);
        tlist_tree_fini(&tree);
        tlist_list_unref(list); /* the snapshot has its own reference */
        free(text);
        pthread_mutex_lock(&x.lock);
        tlist_snapshot *old = x.current;
        x.current = made;
        pthread_mutex_unlock(&x.lock);
        tlist_snapshot_unref(old);
        for (int k = 0; i == 0 && k < READERS; k++)
            assert_int_equal(pthread_create(&threads[k], NULL, reader, &x), 0);
    }
    atomic_store(&x.stop, true);
    for (int k = 0; k < READERS; k++)
        pthread_join(threads[k], NULL);
    assert_int_equal(atomic_load(&x.torn), 0);
    assert_true(atomic_load(&x.reads) > SWAPS);
    tlist_snapshot_unref(x.current);
    tlist_map_fini(&map);
}

/* A status that starts later is in force from its second on, without a fetch. */
static void a_status_of_tomorrow_makes_an_epoch_of_its_own(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    begin(&w);
    recipe r = with("<StatusStartingTime>2026-06-01T00:00:00Z", "<StatusStartingTime>2026-12-01T00:00:00Z");
    r.status = "revoked";
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &r), "");
    int64_t tomorrow_s = NOW_S + 5 * 86400 + 43200;
    store->entries[0].due_s = INT64_MAX; /* nobody will fetch */
    assert_int_equal(tlist_store_due_s(store), tomorrow_s);
    tlist_snapshot *before = tlist_store_snapshot(store);
    w.clock.now_us = (tomorrow_s - 1) * INT64_C(1000000);
    tlist_snapshot *same = tlist_store_snapshot(store);
    assert_ptr_equal(before, same);
    w.clock.now_us = tomorrow_s * INT64_C(1000000);
    assert_int_equal(tlist_store_update(store, &(tlist_run){.due = true}, NULL).code, DX_OK);
    tlist_snapshot *after = tlist_store_snapshot(store);
    assert_true(tlist_snapshot_epoch(after) > tlist_snapshot_epoch(before));
    tlist_snapshot_unref(before);
    tlist_snapshot_unref(same);
    tlist_snapshot_unref(after);
    tlist_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_see_whole_snapshots),
                                       cmocka_unit_test(a_status_of_tomorrow_makes_an_epoch_of_its_own)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
