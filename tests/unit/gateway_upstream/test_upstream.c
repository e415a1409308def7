/* A data API that does what it should not: each fault has its slug, and the pool goes on. */
#include "tests/unit/gateway_upstream/upstream_world.h"

/* ---- the promises ---- */

static void good_answers_come_through(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    unsigned before = connections();
    call c;
    for (int i = 0; i < 5; i++) {
        run(&c, pool, "GET", "/ok", (dx_bytes){NULL, 0});
        assert_int_equal(c.status, 200);
        assert_true(dx_bytes_is(dx_buf_view(&c.got), "ok"));
        call_fini(&c);
    }
    assert_int_equal(connections() - before, 1); /* kept alive */
    run(&c, pool, "GET", "/chunked", (dx_bytes){NULL, 0});
    assert_true(dx_bytes_is(dx_buf_view(&c.got), "abcde"));
    call_fini(&c);
    comes_out(pool, "GET", "/interim", 200, "", NULL);
    comes_out(pool, "GET", "/drip", 200, "", NULL);
    comes_out(pool, "GET", "/http10", 200, "", NULL);
    comes_out(pool, "GET", "/says-close", 200, "", NULL);
    comes_out(pool, "GET", "/nowhere", 404, "", NULL);
    run(&c, pool, "GET", "/large", (dx_bytes){NULL, 0});
    assert_int_equal(c.got.size, 4194304);
    call_fini(&c);
    close_pool(pool);
}

static void a_large_request_goes_out_whole(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    call c;
    uint8_t *body = calloc(1, 6 << 20);
    run(&c, pool, "POST", "/ok", dx_bytes_of(body, 6 << 20));
    assert_string_equal(c.slug, "");
    assert_int_equal(c.status, 200);
    call_fini(&c);
    run(&c, pool, "POST", "/early", dx_bytes_of(body, 6 << 20)); /* answered before it was read */
    assert_int_equal(c.status, 413);
    call_fini(&c);
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    free(body);
    close_pool(pool);
}

static void every_fault_has_its_slug(void **state)
{
    (void)state;
    static const struct {
        const char *path, *slug, *id;
    } faults[] = {
        {"/two-lengths", "upstream-invalid", "DP-121"}, {"/both-framings", "upstream-invalid", "DP-120"},
        {"/bad-chunk", "upstream-invalid", "DP-127"},   {"/cut-chunk", "upstream-incomplete", "F34"},
        {"/short", "upstream-incomplete", "F34"},       {"/reset", "upstream-incomplete", "F34"},
        {"/half-head", "upstream-incomplete", "F34"},   {"/close-delimited", "upstream-incomplete", "DP-135"},
        {"/bytes-after", "upstream-invalid", "F35"},    {"/body-on-204", "upstream-invalid", "F35"},
        {"/flood", "upstream-invalid", "DP-133"},       {"/switch", "upstream-invalid", "DP-133"},
        {"/not-http", "upstream-invalid", NULL},        {"/huge-head", "upstream-invalid", "DP-116"},
        {"/status-999", "upstream-invalid", NULL},      {"/bytes-after-chunks", "upstream-invalid", "F35"},
    };
    upstream_pool *pool = open_pool((upstream_spec){0});
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        comes_out(pool, "GET", faults[i].path, 0, faults[i].slug, faults[i].id);
        comes_out(pool, "GET", "/ok", 200, "", NULL); /* and the next one is served */
    }
    close_pool(pool);
}

static void silence_ends_in_time(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){.first_byte_ms = 300, .idle_read_ms = 300});
    int64_t from_us = dx_mono_us(&dx_clock_system);
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", "F33");
    comes_out(pool, "GET", "/hang-in-body", 0, "upstream-timeout", "F33");
    assert_true(dx_mono_us(&dx_clock_system) - from_us < 2000000);
    close_pool(pool);
    pool = open_pool((upstream_spec){.total_ms = 400});
    from_us = dx_mono_us(&dx_clock_system);
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", "F33");
    assert_true(dx_mono_us(&dx_clock_system) - from_us < 1500000);
    close_pool(pool);
}

static void bytes_that_come_late_end_the_connection_not_the_answer(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    unsigned before = connections();
    comes_out(pool, "GET", "/bytes-late", 200, "", NULL);
    usleep(250000);
    call c;
    run(&c, pool, "GET", "/ok", (dx_bytes){NULL, 0});
    assert_true(dx_bytes_is(dx_buf_view(&c.got), "ok")); /* not "evil" */
    assert_int_equal(c.attempts, 1);
    call_fini(&c);
    assert_int_equal(connections() - before, 2);
    close_pool(pool);
}

static void a_stale_connection_is_worth_one_retry_for_safe_methods(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    call c;
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    run(&c, pool, "GET", "/die-if-reused", (dx_bytes){NULL, 0});
    assert_int_equal(c.status, 200);
    assert_int_equal(c.attempts, 2);
    call_fini(&c);
    run(&c, pool, "POST", "/die-if-reused", DX_BYTES("order"));
    assert_string_equal(c.slug, "upstream-unreachable"); /* what was ordered once is not ordered twice */
    call_fini(&c);
    close_pool(pool);
}

static void a_refused_connection_is_told_after_one_more_try_and_opens_the_breaker(void **state)
{
    (void)state;
    char address[40];
    const char *addresses[] = {closed_address(address)};
    upstream_pool *pool = open_pool(
        (upstream_spec){.addresses = addresses, .address_count = 1, .breaker_fails = 6, .breaker_open_s = 1});
    call c;
    run(&c, pool, "POST", "/ok", DX_BYTES("x"));
    assert_string_equal(c.slug, "upstream-unreachable");
    assert_string_equal(c.why.id, "F32");
    call_fini(&c);
    comes_out(pool, "GET", "/ok", 0, "upstream-unreachable", "F32");
    comes_out(pool, "GET", "/ok", 0, "upstream-unreachable", "F32");
    comes_out(pool, "GET", "/ok", 0, "BUSY", "F32"); /* open */
    usleep(1300000);
    comes_out(pool, "GET", "/ok", 0, "upstream-unreachable", "F32"); /* one probe */
    comes_out(pool, "GET", "/ok", 0, "BUSY", "F32");
    close_pool(pool);
}

static void a_probe_that_is_answered_closes_the_breaker(void **state)
{
    (void)state;
    upstream_pool *pool =
        open_pool((upstream_spec){.breaker_fails = 2, .breaker_open_s = 1, .first_byte_ms = 200});
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", NULL);
    comes_out(pool, "GET", "/hang", 0, "upstream-timeout", NULL);
    comes_out(pool, "GET", "/ok", 0, "BUSY", "F32");
    usleep(1300000);
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    close_pool(pool);
}

static void the_queue_is_bounded_and_moves_on_after_a_failure(void **state)
{
    (void)state;
    upstream_pool *pool =
        open_pool((upstream_spec){.connections_max = 1, .queue_max = 2, .first_byte_ms = 400});
    call c[4];
    static const char *const paths[] = {"/hang", "/ok", "/ok", "/ok"};
    for (int i = 0; i < 4; i++) {
        call_init(&c[i], pool, "GET", paths[i], (dx_bytes){NULL, 0});
        assert_true(net_post(worker, &c[i].task));
    }
    for (int i = 0; i < 4; i++)
        wait_for(&c[i]);
    assert_string_equal(c[0].slug, "upstream-timeout");
    assert_int_equal(c[1].status, 200);
    assert_int_equal(c[2].status, 200);
    assert_string_equal(c[3].slug, "BUSY");
    for (int i = 0; i < 4; i++)
        call_fini(&c[i]);
    close_pool(pool);
}

static void whoever_waits_too_long_in_the_queue_is_told(void **state)
{
    (void)state;
    upstream_pool *pool =
        open_pool((upstream_spec){.connections_max = 1, .queue_ms = 200, .first_byte_ms = 1500});
    call c[2];
    for (int i = 0; i < 2; i++) {
        call_init(&c[i], pool, "GET", "/hang", (dx_bytes){NULL, 0});
        assert_true(net_post(worker, &c[i].task));
    }
    wait_for(&c[1]);
    assert_string_equal(c[1].slug, "overloaded");
    assert_string_equal(c[1].why.id, "DP-320");
    wait_for(&c[0]);
    for (int i = 0; i < 2; i++)
        call_fini(&c[i]);
    close_pool(pool);
}

static void nothing_comes_after_a_cancel(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){0});
    for (int i = 0; i < 2; i++) {
        call c;
        call_init(&c, pool, "GET", "/large", (dx_bytes){NULL, 0});
        c.cancel_in_head = i == 0;
        c.cancel_in_data = i == 1;
        assert_true(net_post(worker, &c.task));
        wait_for(&c);
        size_t got = got_so_far(&c);
        usleep(50000);
        assert_int_equal(got_so_far(&c), got);
        assert_string_equal(c.slug, "");
        call_fini(&c);
    }
    comes_out(pool, "GET", "/ok", 200, "", NULL);
    close_pool(pool);
}

static void do_resume(net_task *task)
{
    pool_task *t = (pool_task *)(void *)task;
    upstream_resume(t->ready.request);
}

static void a_paused_answer_waits_and_comes_whole(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){.idle_read_ms = 200});
    call c;
    call_init(&c, pool, "GET", "/large", (dx_bytes){NULL, 0});
    c.pause_in_head = true;
    assert_true(net_post(worker, &c.task));
    wait_for(&c);
    usleep(600000); /* longer than idle_read_ms: pausing stops the clock */
    assert_true(got_so_far(&c) < 4194304);
    c.done = false;
    pool_task t = {.task = {.fn = do_resume}};
    t.ready.request = c.request;
    assert_true(net_post(worker, &t.task));
    wait_for(&c);
    assert_string_equal(c.slug, "");
    assert_int_equal(c.got.size, 4194304);
    call_fini(&c);
    close_pool(pool);
}

static void closing_the_pool_tells_everybody(void **state)
{
    (void)state;
    upstream_pool *pool = open_pool((upstream_spec){.connections_max = 1});
    call c[2];
    for (int i = 0; i < 2; i++) {
        call_init(&c[i], pool, "GET", "/hang", (dx_bytes){NULL, 0});
        assert_true(net_post(worker, &c[i].task));
    }
    usleep(100000);
    close_pool(pool);
    for (int i = 0; i < 2; i++) {
        wait_for(&c[i]);
        assert_string_equal(c[i].slug, "draining");
        call_fini(&c[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers_come_through),
        cmocka_unit_test(a_large_request_goes_out_whole),
        cmocka_unit_test(every_fault_has_its_slug),
        cmocka_unit_test(silence_ends_in_time),
        cmocka_unit_test(bytes_that_come_late_end_the_connection_not_the_answer),
        cmocka_unit_test(a_stale_connection_is_worth_one_retry_for_safe_methods),
        cmocka_unit_test(a_refused_connection_is_told_after_one_more_try_and_opens_the_breaker),
        cmocka_unit_test(a_probe_that_is_answered_closes_the_breaker),
        cmocka_unit_test(the_queue_is_bounded_and_moves_on_after_a_failure),
        cmocka_unit_test(whoever_waits_too_long_in_the_queue_is_told),
        cmocka_unit_test(nothing_comes_after_a_cancel),
        cmocka_unit_test(a_paused_answer_waits_and_comes_whole),
        cmocka_unit_test(closing_the_pool_tells_everybody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
