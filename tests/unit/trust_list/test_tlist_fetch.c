/* What publishers do on the wire, and when they are asked: TL-101 to TL-108, each refusal with its id, the
 * last good list kept. */
#include "tests/unit/trust_list/list_server.h"
#include "tests/unit/trust_list/tlist_world_store.h"

enum { SOURCES_MAX = 12 };

typedef struct {
    list_server server;
    dx_clock_fixed clock;
    dx_fetcher *fetcher;
    tlist_source sources[SOURCES_MAX];
    char urls[SOURCES_MAX][96], ids[SOURCES_MAX][24], state[96];
    tlist_store_spec spec;
    tlist_run_line lines[SOURCES_MAX];
    size_t line_count;
} net;

static void on_net_line(void *context, const tlist_run_line *line)
{
    net *n = context;
    if (n->line_count < SOURCES_MAX)
        n->lines[n->line_count++] = *line;
}

/* `count` sources, each at an address of its own when `apart`: 127.0.0.2 and on; the guard lets pass these
 * only. */
static void net_begin(net *n, size_t count, bool apart)
{
    static unsigned number;
    static const char *const private[] = {"127.0.0.2/31", "127.0.0.4/30", "127.0.0.8/29"};
    memset(n, 0, sizeof *n);
    list_server_start(&n->server);
    const uint16_t ports[] = {n->server.port};
    const dx_fetch_rules rules = {
        .allow_private = private, .allow_private_count = 3, .allow_ports = ports, .allow_ports_count = 1};
    assert_int_equal(dx_fetcher_new(&rules, &n->fetcher, NULL).code, DX_OK);
    dx_clock_fixed_init(&n->clock, NOW_S * INT64_C(1000000));
    for (size_t i = 0; i < count; i++) {
        n->sources[i] = jp();
        snprintf(n->ids[i], sizeof n->ids[i], "s%zu", i);
        snprintf(n->urls[i], sizeof n->urls[i], "http://127.0.0.%zu:%u/%zu", apart ? 2 + i : 2,
                 n->server.port, i);
        n->sources[i].id = n->ids[i];
        n->sources[i].url = n->urls[i];
        n->sources[i].allow_http = true;
    }
    snprintf(n->state, sizeof n->state, "%s/net%u", folder, number++);
    n->spec = (tlist_store_spec){.sources = n->sources,
                                 .source_count = count,
                                 .state_dir = n->state,
                                 .io = &dx_io_system,
                                 .clock = &n->clock.clock,
                                 .fetcher = n->fetcher,
                                 .drip_s = 1};
}

static void net_end(net *n)
{
    dx_fetcher_free(n->fetcher);
    list_server_stop(&n->server);
}

static const char *net_run(net *n, tlist_store *store)
{
    n->line_count = 0;
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_net_line, .context = n}, NULL).code,
                     DX_OK);
    assert_true(n->line_count > 0);
    return n->lines[0].accepted ? "" : n->lines[0].why.id;
}

static tlist_store *net_open(net *n)
{
    tlist_store *store;
    dx_why why = {0};
    struct dx_rc rc = tlist_store_open(&n->spec, &store, &why);
    if (rc.code != DX_OK)
        print_message("%s %s\n", why.id, why.text);
    assert_int_equal(rc.code, DX_OK);
    return store;
}

static route plain(const char *path, const char *body)
{
    return (route){.path = path, .status = 200, .body = body, .size = strlen(body)};
}

static void unchanged_lists_are_not_sent_again(void **state)
{
    (void)state;
    net n;
    net_begin(&n, 1, true);
    char *text = list_text(&good);
    route r = plain("/0", text);
    r.etag = "\"one\"";
    list_server_route(&n.server, 0, r);
    tlist_store *store = net_open(&n);
    assert_string_equal(net_run(&n, store), "");
    assert_false(n.lines[0].unchanged);
    tlist_list *held = store->entries[0].list;
    n.clock.now_us += 3600 * INT64_C(1000000);
    assert_string_equal(net_run(&n, store), "");
    assert_true(n.lines[0].unchanged);
    assert_int_equal(atomic_load(&n.server.conditional), 1);
    assert_ptr_equal(store->entries[0].list, held); /* the loaded object is used again */
    tlist_snapshot *s = tlist_store_snapshot(store);
    const tlist_facts *const *facts;
    assert_int_equal(tlist_snapshot_lists(s, &facts), 1);
    assert_int_equal(facts[0]->confirmed_s, NOW_S + 3600); /* 304: checked now */
    assert_int_equal(tlist_snapshot_epoch(s), 1);
    tlist_snapshot_unref(s);
    tlist_store_close(store);
    store = net_open(&n); /* sources.json knows the validators */
    assert_string_equal(net_run(&n, store), "");
    assert_int_equal(atomic_load(&n.server.conditional), 2);
    /* A 304 that nobody asked for is no list. */
    store->entries[0].etag[0] = store->entries[0].last_modified[0] = '\0';
    list_server_route(&n.server, 0, (route){.path = "/0", .status = 304});
    assert_string_equal(net_run(&n, store), "TL-107");
    tlist_store_close(store);
    net_end(&n);
    free(text);
}

static void what_is_no_list_is_refused_and_the_old_one_stays(void **state)
{
    (void)state;
    net n;
    char elsewhere[96], home[96];
    net_begin(&n, 1, true);
    snprintf(elsewhere, sizeof elsewhere, "http://127.0.0.1:%u/0", n.server.port);
    snprintf(home, sizeof home, "http://127.0.0.2:%u/0", n.server.port);
    char *text = list_text(&good);
    list_server_route(&n.server, 0, plain("/0", text));
    tlist_store *store = net_open(&n);
    assert_string_equal(net_run(&n, store), "");
    const struct {
        route route;
        const char *want;
    } rows[] = {
        {{.status = 404, .body = "no", .size = 2}, "TL-107"},
        {{.status = 500, .body = text, .size = strlen(text)}, "TL-107"},
        {{.status = 200}, "TL-107"},
        {plain("/0", "<!DOCTYPE html><html><head><title>Moved</title></head><body>soon</body></html>"),
         "TL-202"},
        {plain("/0", "<html><head><meta charset=\"utf-8\"><title>Moved</title></head></html>"), "TL-201"},
        {plain("/0", "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body>soon</body></html>"), "TL-301"},
        {{.status = 302, .location = home}, "TL-102"},                   /* for ever */
        {{.status = 302, .location = elsewhere}, "TL-102"},              /* inside the house */
        {{.status = 302, .location = "http://127.0.0.2:9/0"}, "TL-102"}, /* another port */
        {{.status = 302, .location = "file:///etc/passwd"}, "TL-102"},
        {{.status = 302, .location = "http://169.254.169.254/latest/"}, "TL-102"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        route r = rows[i].route;
        r.path = "/0";
        list_server_route(&n.server, 0, r);
        assert_string_equal(net_run(&n, store), rows[i].want);
        assert_true(n.lines[0].why.clause[0] != '\0');
        assert_int_equal(n.lines[0].sequence, 5); /* still held */
        assert_int_equal(n.lines[0].state, TLIST_STATE_STALE);
    }
    const tlist_facts *const *facts;
    tlist_snapshot *s = tlist_store_snapshot(store);
    assert_int_equal(tlist_snapshot_lists(s, &facts), 1);
    assert_string_equal(facts[0]->attempt_id, "TL-102");
    tlist_snapshot_unref(s);
    tlist_refusal refusals[TLIST_REFUSALS_MAX];
    size_t count = tlist_store_refusals(store, refusals, TLIST_REFUSALS_MAX), times = 0;
    for (size_t i = 0; i < count; i++)
        times += refusals[i].times;
    assert_int_equal(times, sizeof rows / sizeof *rows);
    list_server_route(&n.server, 0, plain("/0", text));
    assert_string_equal(net_run(&n, store), "");
    assert_int_equal(n.lines[0].state, TLIST_STATE_OK);
    n.sources[0].allow_http = store->entries[0].source.allow_http = false;
    assert_string_equal(net_run(&n, store), "TL-101");
    tlist_store_close(store);
    net_end(&n);
    free(text);
}

static void a_bomb_is_dropped_before_it_opens(void **state)
{
    (void)state;
    net n;
    net_begin(&n, 1, true);
    char command[160], path[96];
    dx_buf bomb;
    snprintf(path, sizeof path, "%s/bomb.gz", folder);
    snprintf(command, sizeof command, "head -c 104857600 /dev/zero | gzip -9 > %s", path);
    assert_int_equal(system(command), 0);
    dx_buf_init(&bomb, 1 << 20);
    assert_int_equal(dx_io_read_file(&dx_io_system, path, 1 << 20, &bomb, NULL).code, DX_OK);
    list_server_route(&n.server, 0,
                      (route){.path = "/0",
                              .status = 200,
                              .encoding = "gzip",
                              .body = (const char *)bomb.data,
                              .size = bomb.size});
    tlist_store *store = net_open(&n);
    assert_string_equal(net_run(&n, store), "TL-104");
    tlist_store_close(store);
    net_end(&n);
    dx_buf_fini(&bomb);
}

static void a_drip_ends_and_harms_nobody_else(void **state)
{
    (void)state;
    net n;
    net_begin(&n, 2, true);
    char *text = list_text(&good);
    route drip = plain("/0", text);
    drip.byte_ms = 250;
    list_server_route(&n.server, 0, drip);
    list_server_route(&n.server, 1, plain("/1", text));
    tlist_store *store = net_open(&n);
    int64_t begun_us = dx_mono_us(&dx_clock_system);
    assert_string_equal(net_run(&n, store), "TL-103");
    assert_true(n.lines[1].accepted);
    assert_true(dx_mono_us(&dx_clock_system) - begun_us < 10 * 1000000);
    tlist_store_close(store);
    net_end(&n);
    free(text);
}

static void a_run_ends_at_its_deadline(void **state)
{
    (void)state;
    net n;
    net_begin(&n, 3, false); /* one host: one after the other */
    n.spec.clock = &dx_clock_system;
    n.spec.drip_s = 30;
    char *text = list_text(&good);
    static const char *const paths[] = {"/0", "/1", "/2"};
    for (size_t i = 0; i < 3; i++)
        list_server_route(&n.server, i, plain(paths[i], text));
    tlist_store *store = net_open(&n);
    assert_string_equal(net_run(&n, store), "");
    assert_true(n.lines[2].accepted);
    assert_int_equal(atomic_load(&n.server.most_flying), 1);
    n.spec.run_deadline_s = store->spec.run_deadline_s = 3;
    route slow = plain(paths[1], text);
    slow.pause_ms = 8000;
    list_server_route(&n.server, 1, slow);
    int64_t begun_us = dx_mono_us(&dx_clock_system);
    net_run(&n, store);
    assert_true(dx_mono_us(&dx_clock_system) - begun_us < 7 * 1000000);
    size_t late = 0, waiting = 0;
    for (size_t i = 0; i < 3; i++) {
        late += strcmp(n.lines[i].why.id, "TL-103") == 0;
        waiting += strcmp(n.lines[i].why.id, "TL-108") == 0;
        assert_int_equal(n.lines[i].sequence, 5); /* the old list serves on */
    }
    assert_int_equal(late, 1);
    assert_int_equal(waiting, 1);
    tlist_store_close(store);
    net_end(&n);
    free(text);
}

static void eight_transfers_at_once(void **state)
{
    (void)state;
    net n;
    net_begin(&n, SOURCES_MAX, true);
    char *text = list_text(&good), paths[SOURCES_MAX][24];
    for (size_t i = 0; i < SOURCES_MAX; i++) {
        snprintf(paths[i], sizeof paths[i], "/%zu", i);
        route r = plain(paths[i], text);
        r.pause_ms = 300;
        list_server_route(&n.server, i, r);
    }
    tlist_store *store = net_open(&n);
    assert_string_equal(net_run(&n, store), "");
    for (size_t i = 0; i < SOURCES_MAX; i++)
        assert_true(n.lines[i].accepted);
    unsigned most = atomic_load(&n.server.most_flying);
    assert_true(most > 1 && most <= 8);
    tlist_store_close(store);
    net_end(&n);
    free(text);
}

/* TL-108 without a network: the clock alone. */
static void each_list_has_its_own_pace(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    begin(&w);
    const tlist_run due = {.due = true, .line = on_line, .context = &w};
    publish(&w, &good);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_true(tlist_store_due_s(store) <= NOW_S); /* at the start everything is due */
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 200; i++) {
        w.clock.now_us = NOW_S * INT64_C(1000000);
        store->entries[0].due_s = 0;
        assert_int_equal(tlist_store_update(store, &due, NULL).code, DX_OK);
        int64_t wait_s = store->entries[0].due_s - NOW_S;
        least = wait_s < least ? wait_s : least;
        most = wait_s > most ? wait_s : most;
    }
    assert_true(least >= 77760 && least < 80000 && most <= 95040 && most > 93000); /* 24 h and a tenth */
    w.last = (tlist_run_line){0};
    assert_int_equal(tlist_store_update(store, &due, NULL).code, DX_OK);
    assert_string_equal(w.last.source, ""); /* not due: not asked */
    unlink(w.file);
    static const int64_t pace[] = {300, 600, 1200, 2400, 4800, 9600, 19200, 21600, 21600};
    for (size_t i = 0; i < sizeof pace / sizeof *pace; i++) {
        w.clock.now_us = store->entries[0].due_s * INT64_C(1000000);
        assert_int_equal(tlist_store_update(store, &due, NULL).code, DX_OK);
        int64_t wait_s = store->entries[0].due_s - dx_now_s(&w.clock.clock);
        assert_true(wait_s >= pace[i] * 9 / 10 && wait_s <= pace[i] * 11 / 10);
    }
    publish(&w, &good);
    w.clock.now_us = store->entries[0].due_s * INT64_C(1000000);
    assert_int_equal(tlist_store_update(store, &due, NULL).code, DX_OK);
    assert_true(store->entries[0].due_s - dx_now_s(&w.clock.clock) > 77000); /* and all is well again */
    tlist_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchanged_lists_are_not_sent_again),
        cmocka_unit_test(what_is_no_list_is_refused_and_the_old_one_stays),
        cmocka_unit_test(a_bomb_is_dropped_before_it_opens),
        cmocka_unit_test(a_drip_ends_and_harms_nobody_else),
        cmocka_unit_test(a_run_ends_at_its_deadline),
        cmocka_unit_test(eight_transfers_at_once),
        cmocka_unit_test(each_list_has_its_own_pace),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
