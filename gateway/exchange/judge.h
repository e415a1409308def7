/* judge.h -- certificates judged off the worker loops, once per certificate and change of the world.
 *
 * identity.md 4, 9.4, 9.5 and 11. One thread owns a path judge, the verdict caches and what sources of
 * revocation said. Jobs are single flight by (leaf, presented set): a thousand connections of one peer cost
 * one judgement and one OCSP request. A verdict carries what it depends on (judged_holds), so that a new
 * epoch confirms what it does not touch without judging again. Threads: judge_ask, judged_* and the counters
 * from any thread; `done` comes back as a task on the asking worker.
 */
#ifndef GATEWAY_EXCHANGE_JUDGE_H
#define GATEWAY_EXCHANGE_JUDGE_H

#include "gateway/exchange/trust_block.h"
#include "gateway/net/net.h"
#include "trust/path/path.h"

#include <stdatomic.h>

typedef struct judges judges;

/* What is known of one certificate's revocation, as far as verdicts hang on it: its version rises when the
 * state changes from good to revoked or back, never because a good answer was renewed. */
typedef struct {
    atomic_uint refs, version;
} judge_fact;

#define JUDGED_FACTS_MAX (2 * PATH_MAX_CERTS) /* a second path may have asked about other certificates */

typedef struct { /* a verdict that many share; immutable */
    atomic_uint refs;
    trust_verdict verdict;
    int64_t judged_s;
    int64_t good_until_s; /* must be asked again from here on */
    int64_t recheck_s;    /* is asked again from here on while a connection lives; it stays good meanwhile */
    uint8_t block_sha256[32];
    judge_fact *facts[JUDGED_FACTS_MAX]; /* a reference each */
    unsigned versions[JUDGED_FACTS_MAX];
    size_t fact_count;
    /* whom it is about: for a judgement without a worker */
    uint8_t leaf_sha256[32], presented_sha256[32];
    dx_bytes leaf, presented[10];
    size_t presented_count;
    uint8_t der[];
} judged;
judged *judged_ref(judged *j);
void judged_unref(judged *j); /* NULL is fine */
/* Whether everything that the verdict depends on is as it was: lists, block set, revocation. Says nothing of
 * good_until_s. No lock, no hash, no allocation. */
bool judged_holds(const judged *j, const tlist_snapshot *snapshot, const trust_block *block);

typedef struct {
    const dx_clock *clock;
    const dx_io *io;
    dx_fetcher *fetcher;
    const char *home_scheme;
    const identity_rules *identity;      /* borrowed: outlives the judges; NULL: the defaults */
    const path_recognition *recognition; /* borrowed too; NULL: no rows */
    const char *state_dir;   /* revocation answers are kept in its folder revocation/; NULL: nowhere */
    uint32_t wait_ms;        /* longest wait of a question */
    uint32_t live_recheck_s; /* judged::recheck_s */
} judge_spec;

/* Reads what is kept of revocation. DX_CONFIG, DX_IO: the folder cannot be used. */
DX_RC judges_new(const judge_spec *spec, judges **out, dx_why *why);
void judges_free(judges *j);
/* Rises whenever a certificate became revoked, or good again: the cause for a new epoch. */
uint64_t judges_changes(const judges *j);
/* Looks again at the files of sticky revocations: one that the operator took away counts no longer. */
void judges_reload(judges *j);
DX_RC judges_metrics(judges *j, dx_buf *out); /* OpenMetrics */

/* A question of one worker. The memory, the certificates too, is the asker's until task.fn ran. */
typedef struct judge_question {
    struct judge_question *next;
    /* set by the asker */
    const uint8_t *leaf_sha256;
    dx_bytes leaf;
    const dx_bytes *presented;
    size_t presented_count;
    tlist_snapshot *snapshot; /* borrowed until done */
    trust_block *block;       /* the same; NULL: nobody is blocked */
    bool recheck;             /* the sources are asked again unless that was just done */
    net_worker *worker;
    net_task task; /* task.fn runs on the worker when answered */
    /* set by the judge */
    int64_t due_us;
    judged *answer; /* a reference for the asker; NULL: rc says why */
    struct dx_rc rc;
    dx_why why;
} judge_question;

/* DX_BUSY: the queue is full (ID-902). */
DX_RC judge_ask(judges *j, judge_question *question, dx_why *why);

/* Judges and fetches what it needs, waiting: OCSP, then CRL; for the control thread and the command line.
 * `fetcher` NULL: offline. */
DX_RC judge_wait(path_judge_state *state, dx_fetcher *fetcher, path_input *input, dx_arena *arena,
                 trust_verdict *out, dx_why *why);

#endif
