/* judge_private.h -- inside the judge: its thread, its caches and what sources of revocation said.
 *
 * judge.c owns the thread and the queue; judge_job.c makes one judgement,
 * judge_need.c finds what it needs; verdict_cache.c keeps verdicts;
 * judge_source.c keeps answers about revocation and what they came to; judge_fetch.c fetches them;
 * judge_save.c keeps them over a restart; judge_metrics.c counts. Threads: everything here belongs to the
 * judge thread, but for what stands under `lock` or is atomic.
 */
#ifndef GATEWAY_EXCHANGE_JUDGE_PRIVATE_H
#define GATEWAY_EXCHANGE_JUDGE_PRIVATE_H

#include "gateway/exchange/judge.h"

#include <pthread.h>

#define JUDGE_OPEN_MAX        1024 /* identity.md 4: beyond it ID-902, 503 overloaded */
#define JUDGE_SOURCES_MAX     4096
#define JUDGE_RECORDS_MAX     65536
#define JUDGE_BUCKETS         4096
#define JUDGE_NEEDS_MAX       JUDGED_FACTS_MAX
#define JUDGE_OCSP_MAX_BYTES  (512U << 10)
#define JUDGE_CRL_MAX_BYTES   (64U << 20)
#define JUDGE_HOSTS_MAX       256
#define JUDGE_INDEX_MAX_BYTES (4U << 20)

typedef struct judge_source judge_source;

typedef struct {    /* where sources are asked */
    char name[264]; /* host and port; empty: free */
    unsigned in_flight, waiting;
    unsigned failures; /* in a row */
    int64_t first_failure_us, open_until_us, backoff_s, used_us;
} judge_host;

struct judge_source { /* one answer about revocation: of a responder about a certificate, or a CRL */
    judge_source *next;
    uint8_t key[32]; /* OCSP: issuer key and serial; CRL: its address */
    bool is_crl;
    bool in_flight, waiting; /* asked now; waits for room at its host */
    judge_source *next_waiting;
    char *urls[2];
    judge_host *host;
    dx_buf request; /* OCSP */
    unsigned tries, failures, pins;
    dx_buf proven, fresh; /* a judgement rested on it; came since and is not looked at yet */
    uint8_t proven_sha256[32], fresh_sha256[32];
    bool saved; /* proven is in the folder blobs/ */
    int64_t asked_s, not_before_s, usable_until_s, prefetch_s, used_s;
    char failed_id[8]; /* why nothing came, when there is an id for it */
    judged *context;   /* a certificate that needs it */
};

typedef struct judge_record judge_record;
struct judge_record { /* what is known of one certificate */
    judge_record *next;
    uint8_t key[32]; /* issuer key and serial */
    judge_fact *fact;
    revocation_state state;
    dx_buf revoked; /* the answer that said so, for good; empty: not revoked, or only on hold */
    bool revoked_is_crl;
    bool filed; /* in the folder revoked/: without its file it counts no longer */
    bool told_unrevoked;
    unsigned pins;
    int64_t used_s;
};

typedef struct { /* one certificate of a job that must not be revoked */
    uint8_t certificate_sha256[32];
    judge_record *record;
    judge_source *ocsp, *crl[2];
    enum { NEED_CACHED, NEED_OCSP, NEED_CRL } stage;
} judge_need;

typedef struct judge_job judge_job;
struct judge_job { /* one certificate under judgement, with everyone who waits for it */
    judge_job *next;
    judge_question *waiting;
    tlist_snapshot *snapshot;
    trust_block *block;
    judged *about; /* the verdict to be */
    judge_need needs[JUDGE_NEEDS_MAX];
    size_t need_count;
    bool recheck;
    int64_t started_s, due_us;
};

typedef struct judge_arrival { /* made before the fetch starts, so that its end needs no memory */
    struct judge_arrival *next;
    judges *owner;
    judge_source *source;
    struct dx_rc rc;
    dx_why why;
    int status;
    bool typed; /* the media type is that of an answer */
    dx_buf body;
} judge_arrival;

typedef struct verdict_cache verdict_cache;
typedef struct judge_save judge_save;

#define JUDGE_IDS_MAX 128

typedef struct {
    struct {
        char id[8];
        atomic_ullong answers[3]; /* no, yes, unknown */
    } verdicts[JUDGE_IDS_MAX];
    atomic_uint verdict_ids;
    atomic_ullong yes_hit, no_hit, miss;
    atomic_ullong fetches[2][4]; /* ocsp crl; answered failed refused skipped */
    atomic_ullong rechecks;
} judge_counts;
enum { FETCH_ANSWERED, FETCH_FAILED, FETCH_REFUSED, FETCH_SKIPPED };

struct judges {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    judge_spec spec;
    /* under lock */
    judge_question *queue, **queue_end;
    size_t open; /* questions not answered yet, queued or waiting for a source */
    judge_arrival *arrived;
    bool stopping;
    /* any thread */
    judge_counts counts;
    atomic_ullong changes;
    atomic_bool reload;
    /* the judge thread's own */
    path_judge_state *state;
    struct {
        tlist_snapshot *snapshot;
        trust_block *block;
    } world; /* the newest that was asked with */
    verdict_cache *cache;
    judge_source *sources[JUDGE_BUCKETS];
    judge_record *records[JUDGE_BUCKETS];
    size_t source_count, record_count;
    judge_source *waiting;
    judge_host hosts[JUDGE_HOSTS_MAX];
    size_t in_flight;
    judge_job *jobs;
    judge_save *save;
    bool ending, index_dirty;
    int64_t tick_us, saved_us;
    uint32_t chance; /* for jitter */
};

/* judged.c */
judge_fact *judge_fact_ref(judge_fact *f);
void judge_fact_unref(judge_fact *f);
judged *judged_new(const uint8_t leaf_sha256[32], dx_bytes leaf, const dx_bytes *presented, size_t count);
void judged_depends_on(judged *j, judge_fact *fact);

/* verdict_cache.c: a YES by its leaf; a NO, for half a minute, by leaf and presented set. */
verdict_cache *verdict_cache_new(void);
void verdict_cache_free(verdict_cache *c);
judged *verdict_cache_yes(const verdict_cache *c, const uint8_t leaf_sha256[32]); /* borrowed, or NULL */
judged *verdict_cache_no(const verdict_cache *c, const uint8_t leaf_sha256[32],
                         const uint8_t presented_sha256[32]);
void verdict_cache_put(verdict_cache *c, judged *j);

/* judge_job.c */
/* True: everybody is answered and the job is over; false: it waits for a source. */
bool judge_job_run(judges *j, judge_job *job);
void judge_job_free(judge_job *job);
/* A job from a question, or (NULL) from a verdict of before. NULL: no memory. */
judge_job *judge_job_new(judges *j, judge_question *question, const judged *again);
void judge_answer(judges *j, judge_question *q, judged *answer, struct dx_rc rc, const dx_why *why);

/* judge_need.c */
#define JUDGE_EVIDENCE_MAX (6 * JUDGE_NEEDS_MAX)
typedef struct {
    dx_bytes ocsp[JUDGE_EVIDENCE_MAX], crl[JUDGE_EVIDENCE_MAX];
    revocation_evidence view;
} judge_evidence;
/* What is at hand; `sticky`: with the answers that revoke for good. */
void judge_need_gather(const judge_job *job, bool sticky, judge_evidence *e);
/* A question of the path judge: a new need, or one whose answers did not do. False: nothing more can be done.
 */
bool judge_need_take_up(judges *j, judge_job *job, const revocation_question *q, dx_arena *arena);
bool judge_need_all_arrived(const judge_job *job);
void judge_need_release(judge_job *job);

/* judge_source.c */
/* The source of that key, made when there is none; NULL: no memory, or no room. */
judge_source *judge_source_of(judges *j, const uint8_t key[32], bool is_crl);
void judge_source_addresses(judge_source *s, const char *const urls[2]);
judge_record *judge_record_of(judges *j, const uint8_t key[32]);
/* What a judgement made of a certificate's revocation: an answer is proven, a state may have changed. */
void judge_source_learn(judges *j, judge_job *job, judge_need *need, const revocation_view *view,
                        const trust_verdict *verdict);
void judge_source_drop(judge_source *s); /* its fresh answer: looked at, and not to be kept */
void judge_sources_free(judges *j);
void judge_record_forget(judges *j, judge_record *r); /* the operator took the revocation away */
bool judge_source_due(const judges *j, const judge_source *s, bool recheck); /* ask it again? */
void judge_source_later(const judges *j, judge_source *s); /* asked ahead of time: when again? */

/* judge_fetch.c */
/* Starts a round unless one is under way; false: nothing will come (no address, a failure just now). */
bool judge_fetch_ask(judges *j, judge_source *s);
void judge_fetch_take(judges *j, judge_arrival *arrival); /* one try ended; takes and frees it */
void judge_fetch_pump(judges *j);                         /* those that wait for room */

/* judge_save.c */
DX_RC judge_save_open(judges *j, dx_why *why); /* and reads what is there */
void judge_save_close(judges *j);
void judge_save_answer(judges *j, judge_source *s); /* its proven answer */
void judge_save_index(judges *j);                   /* when something changed, now and then */
void judge_save_revoked(judges *j, judge_record *r, char *name, size_t size); /* durable when it returns */
void judge_save_look(judges *j); /* which revocations are still there? */
void judge_save_path(const char *dir, char out[1024], const char *folder, const char *name);
void judge_save_blob(const char *dir, const uint8_t sha256[32], char out[1024]);

/* judge_load.c: reads it back */
void judge_load(judges *j);
/* The index: "answers" of kind, key, digest and times. For the fuzz target too. */
typedef struct {
    uint8_t key[32], sha256[32];
    bool is_crl;
    int64_t asked_s, used_s;
} judge_saved;
DX_RC judge_load_parse(dx_bytes text, judge_saved *out, size_t max, size_t *count, dx_why *why);

/* judge_metrics.c */
void judge_count_verdict(judges *j, const trust_verdict *v);

#endif
