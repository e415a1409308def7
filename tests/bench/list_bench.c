/* What trusted lists cost: a cold run, one where nothing changed, one where one list did, and a look-up.
 * Prints one JSON object; tests/bench/lists sets it beside xmlsec1.
 *
 *   list_bench FROM STATE ANCHORS OJ_URI LOTL_URL TIME
 */
#include "trust/base/digest.h"
#include "trust/base/log.h"
#include "trust/list/tlist_store_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(struct dx_rc rc, const dx_why *why)
{
    if (rc.code == DX_OK)
        return;
    fprintf(stderr, "%s %s\n", why->id, why->text);
    exit(3);
}

static double run(tlist_store *store)
{
    dx_why why = {0};
    double begun = cpu_s();
    must(tlist_store_update(store, &(tlist_run){.line = NULL}, &why), &why);
    return cpu_s() - begun;
}

/* Nanoseconds of one look-up, over every certificate of a snapshot. */
static double find_ns(const tlist_snapshot *s, int64_t at_s, size_t *certificates)
{
    const tlist_service *const *services;
    size_t count = tlist_snapshot_services(s, &services), found = 0;
    double begun = cpu_s();
    *certificates = 0;
    for (int turn = 0; turn < 20; turn++)
        for (size_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < services[i]->certificate_count && k < 2; k++) {
                const tlist_certificate *c = &services[i]->certificates[k];
                tlist_key key = {c->der, c->spki, c->subject, {0}};
                tlist_hit hit;
                memcpy(key.sha256, c->sha256, 32);
                found += tlist_find(s, &key, TLIST_ISSUER, at_s, &hit, 1, NULL);
                (*certificates)++;
            }
    double took = cpu_s() - begun;
    return found != *certificates ? -1 : took * 1e9 / (double)*certificates;
}

static double sha_ns(void)
{
    uint8_t data[300] = {1}, out[32];
    double begun = cpu_s();
    for (int i = 0; i < 200000; i++) {
        dx_sha256(dx_bytes_of(data, sizeof data), out);
        data[0] = out[0];
    }
    return (cpu_s() - begun) * 1e9 / 200000;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    dx_why why = {0};
    dx_buf anchors;
    int64_t at_us = 0;
    dx_clock_fixed clock;
    tlist_store *store;
    dx_log_open(2, DX_LOG_ERROR, &dx_clock_system);
    dx_buf_init(&anchors, 64 * 32);
    must(tlist_anchors_read(&dx_io_system, argv[3], argv[4], &anchors, &why), &why);
    if (!dx_time_parse(dx_bytes_text(argv[6]), true, &at_us))
        return 2;
    dx_clock_fixed_init(&clock, at_us);
    const tlist_source source = {.id = "eu",
                                 .kind = TLIST_KIND_LOTL,
                                 .url = argv[5],
                                 .oj_uri = argv[4],
                                 .anchors = (const uint8_t(*)[32])anchors.data,
                                 .anchor_count = anchors.size / 32,
                                 .scheme = "EU",
                                 .territory = "EU"};
    const tlist_store_spec spec = {.sources = &source,
                                   .source_count = 1,
                                   .state_dir = argv[2],
                                   .io = &dx_io_system,
                                   .clock = &clock.clock,
                                   .from_dir = argv[1]};
    must(tlist_store_open(&spec, &store, &why), &why);
    double cold = run(store), same = run(store);
    /* As a run where every publisher says 304: nothing is read, a snapshot is made. */
    double begun = cpu_s();
    for (int i = 0; i < 10; i++)
        must(tlist_store_publish(store, false, &why), &why);
    double publish = (cpu_s() - begun) / 10;
    tlist_entry *lu = tlist_entry_find(store, "eu", "LU", true);
    if (lu == NULL || lu->list == NULL)
        return 3;
    tlist_list *alone = tlist_list_ref(lu->list);
    tlist_list_unref(lu->list);
    lu->list = NULL; /* fetched and judged as if it were new */
    double one = run(store);
    tlist_snapshot *whole = tlist_store_snapshot(store), *small;
    must(tlist_snapshot_of(&alone, 1, at_us / 1000000, &small, &why), &why);
    size_t certificates, few;
    double find = find_ns(whole, at_us / 1000000, &certificates),
           find_small = find_ns(small, at_us / 1000000, &few);
    printf("{\"cold_s\":%.4f,\"unchanged_s\":%.4f,\"publish_s\":%.4f,\"one_changed_s\":%.4f,\"find_ns\":%.0f,"
           "\"find_small_ns\":%.0f,\"sha256_300_ns\":%.0f}\n",
           cold, same, publish, one, find, find_small, sha_ns());
    tlist_snapshot_unref(whole);
    tlist_snapshot_unref(small);
    tlist_list_unref(alone);
    tlist_store_close(store);
    dx_buf_fini(&anchors);
    return 0;
}
