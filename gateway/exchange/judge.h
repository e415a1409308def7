/* judge.h -- certificates judged off the worker loops, once per certificate and epoch.
 *
 * One thread owns a path judge. Jobs are single flight by (leaf, snapshot): a thousand connections of one
 * peer cost one judgement and one OCSP request (identity.md 4). Revocation answers are cached by (issuer key,
 * serial) and asked again when a verdict's time is up. Threads: judge_ask from any worker; `done` comes back
 * as a task on that worker.
 */
#ifndef GATEWAY_EXCHANGE_JUDGE_H
#define GATEWAY_EXCHANGE_JUDGE_H

#include "gateway/net/net.h"
#include "trust/path/path.h"

#include <stdatomic.h>

typedef struct judges judges;

typedef struct { /* a verdict that many share; immutable */
    atomic_uint refs;
    trust_verdict verdict;
    uint64_t epoch;
    int64_t good_until_s; /* ask again from here on: the verdict's own end, or the re-check of revocation */
} judged;
judged *judged_ref(judged *j);
void judged_unref(judged *j); /* NULL is fine */

typedef struct {
    const dx_clock *clock;
    dx_fetcher *fetcher;
    const char *home_scheme;
    const identity_rules *identity;      /* borrowed: outlives the judges; NULL: the defaults */
    const path_recognition *recognition; /* borrowed too; NULL: no rows */
    uint32_t wait_ms; /* whole time for fetching revocation answers */
    uint32_t live_recheck_s;
} judge_spec;

DX_RC judges_new(const judge_spec *spec, judges **out, dx_why *why);
void judges_free(judges *j);

/* A question of one exchange. The memory is the asker's until `done` ran. */
typedef struct judge_question {
    struct judge_question *next;
    /* set by the asker */
    uint8_t leaf_sha256[32];
    dx_bytes leaf;
    const dx_bytes *presented;
    size_t presented_count;
    tlist_snapshot *snapshot; /* borrowed until done */
    uint64_t epoch;
    net_worker *worker;
    net_task task; /* task.fn runs on the worker when answered */
    /* set by the judge */
    judged *answer; /* a reference for the asker; NULL: rc says why */
    struct dx_rc rc;
    dx_why why;
} judge_question;

/* DX_BUSY: the queue is full (ID-902). */
DX_RC judge_ask(judges *j, judge_question *question, dx_why *why);

/* Judges and fetches what it needs, waiting; for the control thread and the command line. `fetcher` NULL:
 * offline. */
DX_RC judge_wait(path_judge_state *state, dx_fetcher *fetcher, path_input *input, dx_arena *arena,
                 trust_verdict *out, dx_why *why);

#endif
