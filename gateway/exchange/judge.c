#include "gateway/exchange/judge.h"

#include "trust/base/log.h"

#include <pthread.h>
#include <stdlib.h>

#define OPEN_MAX          1024 /* identity.md 4: beyond it ID-902, 503 overloaded */
#define CACHE_SLOTS       4096 /* verdicts; a full slot is replaced */
#define EVIDENCE_SLOTS    1024
#define OCSP_MAX_BYTES    (512U << 10)
#define CRL_MAX_BYTES     (8U << 20)
#define JUDGE_MAX_BYTES   (16U << 20)
#define NO_RECHECK_S      30
#define UNKNOWN_RECHECK_S 2

typedef struct evidence evidence;
struct evidence { /* a revocation answer, or the fact that none came, by question key */
    uint8_t key[32];
    bool used, in_flight, is_crl;
    dx_buf der;
    int64_t fetched_s;
    judges *owner;
    uint8_t *request; /* OCSP request bytes while in flight */
};

typedef struct job job;
struct job { /* one certificate under judgement, with everyone who waits for it */
    job *next;
    judge_question *waiting;
    tlist_snapshot *snapshot;
    uint64_t epoch;
    uint8_t leaf_sha256[32];
    evidence *need[PATH_MAX_CERTS];       /* revocation answers asked for */
    uint8_t need_key[PATH_MAX_CERTS][32]; /* a slot may get a new tenant */
    size_t need_count;
    bool asked; /* questions were sent once; what is missing now stays missing */
};

struct judges {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    judge_spec spec;
    judge_question *queue, **queue_end;
    size_t open; /* questions not answered yet, queued or waiting for a source */
    bool stopping;
    evidence *arrived[EVIDENCE_SLOTS]; /* finished fetches, by slot; under lock */
    size_t arrived_count, in_flight;
    /* the judge thread's own */
    path_judge_state *state;
    judged *cache[CACHE_SLOTS];
    uint8_t cache_key[CACHE_SLOTS][32];
    evidence evidences[EVIDENCE_SLOTS];
    job *jobs;
};

judged *judged_ref(judged *j)
{
    atomic_fetch_add_explicit(&j->refs, 1, memory_order_relaxed);
    return j;
}

void judged_unref(judged *j)
{
    if (j != NULL && atomic_fetch_sub_explicit(&j->refs, 1, memory_order_acq_rel) == 1)
        free(j);
}

static size_t slot_of(const uint8_t key[32], size_t slots)
{
    uint64_t v;
    memcpy(&v, key, sizeof v); /* a SHA-256: already spread */
    return (size_t)(v % slots);
}

/* ---- fetching ---- */

static void fetched(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why)
{
    evidence *e = context;
    judges *j = e->owner;
    bool good = rc.code == DX_OK && answer->status == 200 &&
                (e->is_crl || strncmp(answer->content_type, "application/ocsp-response", 25) == 0);
    if (!good)
        dx_log(DX_LOG_WARN, "revocation.fetch_failed",
               F_STR("text", rc.code != DX_OK ? why->text : "not an OCSP response"),
               F_INT("status", answer->status), F_STR("url", answer->final_url));
    pthread_mutex_lock(&j->lock);
    if (good) {
        e->der = answer->body;
        dx_buf_init(&answer->body, 0);
    }
    j->arrived[j->arrived_count++] = e;
    pthread_cond_signal(&j->came);
    pthread_mutex_unlock(&j->lock);
}

/* The slot of a question's answer: its own when it has one, else one that nobody waits for. */
static evidence *slot_for(judges *j, const uint8_t key[32])
{
    size_t first = slot_of(key, EVIDENCE_SLOTS);
    evidence *spare = NULL;
    for (size_t i = 0; i < EVIDENCE_SLOTS; i++) {
        evidence *e = &j->evidences[(first + i) % EVIDENCE_SLOTS];
        if (e->used && memcmp(e->key, key, 32) == 0)
            return e;
        if (!e->used)
            return spare != NULL ? spare : e;
        if (spare == NULL && !e->in_flight)
            spare = e;
        if (spare != NULL && i >= 8)
            return spare;
    }
    return spare;
}

static bool is_fresh(const judges *j, const evidence *e, const uint8_t key[32])
{
    return e->used && memcmp(e->key, key, 32) == 0 && e->der.size > 0 &&
           e->fetched_s + j->spec.live_recheck_s > dx_now_s(j->spec.clock);
}

/* Finds the answer to a question, or starts its fetch unless one is under way. NULL: no room. */
static evidence *ask_source(judges *j, const revocation_question *q, dx_arena *arena)
{
    evidence *e = slot_for(j, q->key);
    if (e == NULL || (e->in_flight && memcmp(e->key, q->key, 32) == 0) || is_fresh(j, e, q->key))
        return e;
    dx_buf_fini(&e->der);
    free(e->request);
    *e = (evidence){.used = true, .owner = j, .fetched_s = dx_now_s(j->spec.clock)};
    memcpy(e->key, q->key, 32);
    dx_why why;
    dx_fetch_request request = {.total_ms = j->spec.wait_ms, .connect_ms = j->spec.wait_ms};
    dx_bytes body;
    if (q->ocsp_urls[0] != NULL && revocation_ocsp_request(q, arena, &body, &why).code == DX_OK) {
        e->request = malloc(body.size);
        if (e->request == NULL)
            return e;
        memcpy(e->request, body.data, body.size);
        request.url = q->ocsp_urls[0];
        request.body = dx_bytes_of(e->request, body.size);
        request.content_type = "application/ocsp-request";
        request.accept = "application/ocsp-response";
        request.max_bytes = OCSP_MAX_BYTES;
    } else if (q->crl_urls[0] != NULL) {
        request.url = q->crl_urls[0];
        request.max_bytes = CRL_MAX_BYTES;
        e->is_crl = true;
    } else {
        return e;
    }
    e->in_flight = true;
    if (dx_fetch_submit(j->spec.fetcher, &request, fetched, e, &why).code != DX_OK) {
        e->in_flight = false;
        dx_log_why(DX_LOG_WARN, "revocation.fetch_failed", &why);
        return e;
    }
    j->in_flight++;
    return e;
}

/* ---- judging ---- */

/* `why` is read only with another code than OK. The question is its asker's again. */
static void answer_one(judges *j, judge_question *q, judged *answer, struct dx_rc rc, const dx_why *why)
{
    q->answer = answer == NULL ? NULL : judged_ref(answer);
    q->rc = rc;
    if (rc.code != DX_OK)
        q->why = *why;
    pthread_mutex_lock(&j->lock);
    j->open--;
    pthread_mutex_unlock(&j->lock);
    if (!net_post(q->worker, &q->task))
        judged_unref(q->answer);
}

static void answer_all(judges *j, job *jb, judged *answer, struct dx_rc rc, const dx_why *why)
{
    while (jb->waiting != NULL) {
        judge_question *q = jb->waiting;
        jb->waiting = q->next;
        answer_one(j, q, answer, rc, why);
    }
}

/* The answers a job asked for, as far as they came. */
static void gather(const job *jb, dx_bytes room[2][PATH_MAX_CERTS], revocation_evidence *out)
{
    *out = (revocation_evidence){.ocsp = room[0], .crl = room[1]};
    for (size_t i = 0; i < jb->need_count; i++) {
        const evidence *e = jb->need[i];
        if (memcmp(e->key, jb->need_key[i], 32) != 0 || e->der.size == 0)
            continue;
        if (e->is_crl)
            room[1][out->crl_count++] = dx_buf_view(&e->der);
        else
            room[0][out->ocsp_count++] = dx_buf_view(&e->der);
    }
}

static bool all_arrived(const job *jb)
{
    for (size_t i = 0; i < jb->need_count; i++)
        if (jb->need[i]->in_flight && memcmp(jb->need[i]->key, jb->need_key[i], 32) == 0)
            return false;
    return true;
}

static void ask_all(judges *j, job *jb, const revocation_question *questions, size_t count, dx_arena *arena)
{
    jb->asked = true;
    for (size_t i = 0; i < count && i < PATH_MAX_CERTS; i++) {
        evidence *e = ask_source(j, &questions[i], arena);
        if (e == NULL)
            continue;
        memcpy(jb->need_key[jb->need_count], questions[i].key, 32);
        jb->need[jb->need_count++] = e;
    }
}

static void settle(judges *j, job *jb, judged *out, int64_t now_s)
{
    const trust_verdict *v = &out->verdict;
    out->refs = 1;
    out->epoch = jb->epoch;
    /* A NO may be mended by its peer (a missing intermediate), an UNKNOWN by the source: ask again soon. */
    int64_t recheck_s = v->answer == TRUST_YES          ? j->spec.live_recheck_s
                        : v->kind == TRUST_KIND_UNKNOWN ? UNKNOWN_RECHECK_S
                                                        : NO_RECHECK_S;
    out->good_until_s = now_s + recheck_s;
    if (v->good_until_s != 0 && v->good_until_s < out->good_until_s)
        out->good_until_s = v->good_until_s;
    const char *answer = v->answer == TRUST_YES ? "yes" : v->kind == TRUST_KIND_UNKNOWN ? "unknown" : "no";
    dx_log(v->answer == TRUST_YES ? DX_LOG_INFO : DX_LOG_WARN, "trust.verdict", F_STR("answer", answer),
           F_STR("id", v->id[0] ? v->id : NULL), F_STR("reason", v->reason), F_STR("clause", v->clause),
           F_STR("org", v->org.kind == ORGANISATION_LEGAL ? v->org.id : NULL),
           F_STR("territory", v->anchor.territory), F_STR("level", v->level),
           F_INT("signatures", v->signatures), F_INT("took_us", v->cost_us));
    size_t slot = slot_of(jb->leaf_sha256, CACHE_SLOTS);
    judged_unref(j->cache[slot]);
    j->cache[slot] = judged_ref(out);
    memcpy(j->cache_key[slot], jb->leaf_sha256, 32);
}

/* Judges; true: answered, false: waits for revocation answers. */
static bool judge_job(judges *j, job *jb)
{
    const judge_question *first = jb->waiting;
    dx_arena arena;
    dx_arena_init(&arena, JUDGE_MAX_BYTES);
    dx_bytes room[2][PATH_MAX_CERTS];
    path_input input = {.leaf = first->leaf,
                        .presented = first->presented,
                        .presented_count = first->presented_count,
                        .snapshot = jb->snapshot,
                        .profile = PATH_PEER,
                        .at_s = dx_now_s(j->spec.clock),
                        .home_scheme = j->spec.home_scheme,
                        .identity = j->spec.identity,
                        .recognition = j->spec.recognition};
    judged *out = calloc(1, sizeof *out);
    revocation_question questions[PATH_MAX_CERTS];
    dx_why why = {0};
    struct dx_rc rc = {out == NULL ? DX_NO_MEMORY : DX_OK};
    bool again = true;
    while (rc.code == DX_OK && again) {
        size_t count = 0;
        gather(jb, room, &input.evidence);
        rc = path_judge(j->state, &input, &arena, &out->verdict, questions, &count, &why);
        again = rc.code == DX_OK && count > 0 && !jb->asked;
        if (!again)
            break;
        ask_all(j, jb, questions, count, &arena);
        if (!all_arrived(jb)) {
            free(out);
            dx_arena_fini(&arena);
            return false;
        }
    }
    if (rc.code == DX_OK)
        settle(j, jb, out, input.at_s);
    answer_all(j, jb, rc.code == DX_OK ? out : NULL, rc, &why);
    if (rc.code == DX_OK)
        judged_unref(out);
    else
        free(out);
    dx_arena_fini(&arena);
    return true;
}

static void job_free(job *jb)
{
    tlist_snapshot_unref(jb->snapshot);
    free(jb);
}

static void take_question(judges *j, judge_question *q)
{
    size_t slot = slot_of(q->leaf_sha256, CACHE_SLOTS);
    judged *hit = j->cache[slot];
    if (hit != NULL && memcmp(j->cache_key[slot], q->leaf_sha256, 32) == 0 && hit->epoch == q->epoch &&
        hit->good_until_s > dx_now_s(j->spec.clock)) {
        answer_one(j, q, hit, DX_OKAY, NULL);
        return;
    }
    for (job *jb = j->jobs; jb != NULL; jb = jb->next)
        if (memcmp(jb->leaf_sha256, q->leaf_sha256, 32) == 0 && jb->epoch == q->epoch) {
            q->next = jb->waiting; /* single flight: one path, one OCSP question for all who wait */
            jb->waiting = q;
            return;
        }
    job *jb = calloc(1, sizeof *jb);
    if (jb == NULL) {
        dx_why why;
        struct dx_rc rc =
            DX_FAIL_ID(&why, NO_MEMORY, "ID-901", "own rule", "no memory to judge the certificate");
        answer_one(j, q, NULL, rc, &why);
        return;
    }
    q->next = NULL;
    jb->waiting = q;
    jb->epoch = q->epoch;
    jb->snapshot = q->snapshot == NULL ? NULL : tlist_snapshot_ref(q->snapshot);
    memcpy(jb->leaf_sha256, q->leaf_sha256, 32);
    if (judge_job(j, jb)) {
        job_free(jb);
        return;
    }
    jb->next = j->jobs;
    j->jobs = jb;
}

static void *run(void *argument)
{
    judges *j = argument;
    for (;;) {
        pthread_mutex_lock(&j->lock);
        while (j->queue == NULL && j->arrived_count == 0 && !(j->stopping && j->in_flight == 0))
            pthread_cond_wait(&j->came, &j->lock);
        judge_question *queue = j->queue;
        j->queue = NULL;
        j->queue_end = &j->queue;
        bool news = j->arrived_count > 0;
        for (size_t i = 0; i < j->arrived_count; i++) {
            j->arrived[i]->in_flight = false;
            free(j->arrived[i]->request);
            j->arrived[i]->request = NULL;
            j->in_flight--;
        }
        j->arrived_count = 0;
        bool stop = j->stopping && j->in_flight == 0 && queue == NULL;
        pthread_mutex_unlock(&j->lock);
        for (job **at = &j->jobs; news && *at != NULL;) {
            job *jb = *at;
            if (all_arrived(jb) && judge_job(j, jb)) {
                *at = jb->next;
                job_free(jb);
            } else {
                at = &jb->next;
            }
        }
        while (queue != NULL) {
            judge_question *q = queue;
            queue = q->next;
            take_question(j, q);
        }
        if (stop)
            return NULL;
    }
}

DX_RC judges_new(const judge_spec *spec, judges **out, dx_why *why)
{
    judges *j = calloc(1, sizeof *j);
    *out = NULL;
    if (j == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the judge");
    j->spec = *spec;
    j->queue_end = &j->queue;
    struct dx_rc rc = path_judge_new(&j->state, why);
    if (rc.code == DX_OK) {
        pthread_mutex_init(&j->lock, NULL);
        pthread_cond_init(&j->came, NULL);
        if (pthread_create(&j->thread, NULL, run, j) != 0)
            rc = DX_FAIL(why, NO_MEMORY, "", "no thread for the judge");
    }
    if (rc.code != DX_OK) {
        path_judge_free(j->state);
        free(j);
        return rc;
    }
    *out = j;
    return DX_OKAY;
}

void judges_free(judges *j)
{
    if (j == NULL)
        return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    pthread_cond_signal(&j->came);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    while (j->jobs != NULL) {
        job *jb = j->jobs;
        j->jobs = jb->next;
        job_free(jb);
    }
    for (size_t i = 0; i < CACHE_SLOTS; i++)
        judged_unref(j->cache[i]);
    for (size_t i = 0; i < EVIDENCE_SLOTS; i++) {
        dx_buf_fini(&j->evidences[i].der);
        free(j->evidences[i].request);
    }
    path_judge_free(j->state);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->came);
    free(j);
}

DX_RC judge_ask(judges *j, judge_question *question, dx_why *why)
{
    question->next = NULL;
    question->answer = NULL;
    pthread_mutex_lock(&j->lock);
    bool room = j->open < OPEN_MAX && !j->stopping;
    if (room) {
        *j->queue_end = question;
        j->queue_end = &question->next;
        j->open++;
        pthread_cond_signal(&j->came);
    }
    pthread_mutex_unlock(&j->lock);
    if (!room)
        return DX_FAIL_ID(why, BUSY, "ID-902", "own rule: bounded judge queue",
                          "too many certificates wait to be judged");
    return DX_OKAY;
}

DX_RC judge_wait(path_judge_state *state, dx_fetcher *fetcher, path_input *input, dx_arena *arena,
                 trust_verdict *out, dx_why *why)
{
    revocation_question questions[PATH_MAX_CERTS];
    size_t count = 0;
    DX_TRY(path_judge(state, input, arena, out, questions, &count, why));
    if (count == 0 || fetcher == NULL)
        return DX_OKAY;
    dx_bytes *ocsp = DX_ARENA_ARRAY(arena, dx_bytes, input->evidence.ocsp_count + count);
    dx_bytes *crl = DX_ARENA_ARRAY(arena, dx_bytes, input->evidence.crl_count + count);
    if (ocsp == NULL || crl == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for revocation answers");
    revocation_evidence more = {.ocsp = ocsp, .crl = crl};
    for (size_t i = 0; i < input->evidence.ocsp_count; i++)
        ocsp[more.ocsp_count++] = input->evidence.ocsp[i];
    for (size_t i = 0; i < input->evidence.crl_count; i++)
        crl[more.crl_count++] = input->evidence.crl[i];
    for (size_t i = 0; i < count; i++) {
        const revocation_question *q = &questions[i];
        dx_bytes body;
        dx_fetch_answer answer = {0};
        dx_fetch_request request = {.url = q->ocsp_urls[0],
                                    .content_type = "application/ocsp-request",
                                    .accept = "application/ocsp-response",
                                    .max_bytes = OCSP_MAX_BYTES};
        bool by_ocsp = request.url != NULL && revocation_ocsp_request(q, arena, &body, why).code == DX_OK;
        if (by_ocsp)
            request.body = body;
        else if (q->crl_urls[0] != NULL)
            request = (dx_fetch_request){.url = q->crl_urls[0], .max_bytes = CRL_MAX_BYTES};
        else
            continue;
        if (dx_fetch(fetcher, &request, &answer, why).code == DX_OK && answer.status == 200) {
            dx_bytes kept = dx_arena_bytes(arena, dx_buf_view(&answer.body));
            if (by_ocsp)
                ocsp[more.ocsp_count++] = kept;
            else
                crl[more.crl_count++] = kept;
        }
        dx_fetch_answer_fini(&answer);
    }
    input->evidence = more;
    count = 0;
    if (input->trace != NULL)
        *input->trace = (path_trace){0}; /* of the judgement that counts */
    return path_judge(state, input, arena, out, questions, &count, why);
}
