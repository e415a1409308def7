/* room: gateway_exchange */
/* verdict_hit -- what a verdict costs that the worker already has (identity.md 16, B1), beside one SHA-256 of
 * 1 KiB in the same run: at most 200 ns, at most 0.4 of the hash, no allocation.
 *
 *   verdict_hit [--gate]     exit 1 with --gate when a goal is missed
 *
 * Measured is what stage_trust does per request on a hit, in CPU time: look at the clock, find the verdict
 * with the peer, compare epoch and end, take a reference and give it back. */
#include "gateway/exchange/peer_trust.h"
#include "trust/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 15
#define TIMES  2000000
#define HASHES 200000

static size_t allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

/* Of this thread: what else runs on the machine does not count. */
static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

/* A new epoch that touches nothing: what confirming one peer costs, its verdict with three revocation facts.
 */
static double confirm_ns(gate_worker *worker, net_peer *peer, judged *verdict, gate_view *view)
{
    static judge_fact facts[3];
    tlist_snapshot *lists;
    dx_why why;
    if (tlist_snapshot_of(NULL, 0, 0, &lists, &why).code != DX_OK)
        return 1e9;
    view->trust = lists;
    verdict->verdict.epoch = tlist_snapshot_epoch(lists);
    memcpy(verdict->verdict.snapshot_id, tlist_snapshot_id(lists), 32);
    for (verdict->fact_count = 0; verdict->fact_count < 3; verdict->fact_count++)
        verdict->facts[verdict->fact_count] = &facts[verdict->fact_count];
    size_t confirmed = 0;
    int64_t start_us = cpu_us();
    for (int i = 0; i < TIMES; i++) {
        view->epoch++;
        confirmed += peer_trust_confirm(worker, peer, 0) != NULL;
    }
    double ns = (double)(cpu_us() - start_us) * 1000 / TIMES;
    tlist_snapshot_unref(lists);
    return confirmed == TIMES ? ns : 1e9;
}

int main(int argc, char **argv)
{
    static judged verdict = {.good_until_s = INT64_MAX, .verdict = {.answer = TRUST_YES}};
    static peer_trust trust = {.judged = &verdict, .epoch = 7};
    static net_peer peer = {.user = &trust};
    static gate_view view = {.epoch = 7};
    static gate_worker worker = {.view = &view};
    static uint8_t kibibyte[1024], digest[32];
    double hit[ROUNDS], hash[ROUNDS];
    size_t found = 0;
    atomic_init(&verdict.refs, 1);
    dx_sha256(dx_bytes_of(kibibyte, sizeof kibibyte), digest); /* fetched once */
    allocations = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start_us = cpu_us();
        for (int i = 0; i < TIMES; i++) {
            judged *j = peer_trust_known(&worker, &peer, dx_now_s(&dx_clock_system));
            if (j != NULL) {
                found++;
                judged_unref(judged_ref(j));
            }
        }
        int64_t between_us = cpu_us();
        for (int i = 0; i < HASHES; i++) {
            kibibyte[0]++;
            dx_sha256(dx_bytes_of(kibibyte, sizeof kibibyte), digest);
        }
        hit[round] = (double)(between_us - start_us) * 1000 / TIMES;
        hash[round] = (double)(cpu_us() - between_us) * 1000 / HASHES;
    }
    size_t allocated = allocations;
    double hit_ns = median(hit), hash_ns = median(hash);
    if (found != (size_t)ROUNDS * TIMES)
        return 3;
    static gate g = {.clock = &dx_clock_system};
    worker.gate = &g;
    double each_ns = confirm_ns(&worker, &peer, &verdict, &view);
    bool met = each_ns <= 1000 && hit_ns < 200 && hit_ns <= 0.4 * hash_ns && allocated == 0;
    printf("verdict of a known peer: %.1f ns [%.1f-%.1f], goal 200; SHA-256 of 1 KiB: %.1f ns; ratio %.3f, "
           "goal 0.4; "
           "%zu allocations, goal 0: %s\n",
           hit_ns, hit[0], hit[ROUNDS - 1], hash_ns, hit_ns / hash_ns, allocated, met ? "met" : "missed");
    printf("a new epoch that does not touch a peer: %.1f ns to confirm it, goal 1000\n", each_ns);
    return argc > 1 && strcmp(argv[1], "--gate") == 0 && !met;
}
