#include "gateway/exchange/judge_private.h"

#include "trust/base/digest.h"
#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* One judgement: judge with what is at hand, ask for what is missing (OCSP, then CRL), judge again. */

#define JUDGE_MAX_BYTES   (16U << 20)
#define NO_RECHECK_S      30
#define UNKNOWN_RECHECK_S 2
#define RECHECK_LEAST_S   5                     /* when the source could not be asked */
#define ROUNDS_MAX        (3 * JUDGE_NEEDS_MAX) /* each brings a new need, or moves one on */

/* ---- answers ---- */

/* `why` is read only with another code than OK. The question is its asker's again. */
void judge_answer(judges *j, judge_question *q, judged *answer, struct dx_rc rc, const dx_why *why)
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

static void answer_all(judges *j, judge_job *job, judged *answer, struct dx_rc rc, const dx_why *why)
{
    while (job->waiting != NULL) {
        judge_question *q = job->waiting;
        job->waiting = q->next;
        judge_answer(j, q, answer, rc, why);
    }
}

/* ---- the end ---- */

/* What the operator refuses stays refused whatever the lists say; only our own log hears why. */
static void apply_block(const judge_job *job, trust_verdict *v)
{
    const char *reason = NULL;
    for (size_t i = 0; reason == NULL && i < v->path_count; i++)
        reason = trust_block_certificate(job->block, v->path_sha256[i]);
    if (reason == NULL)
        reason = trust_block_certificate(job->block, job->about->leaf_sha256);
    if (reason == NULL)
        reason = trust_block_key(job->block, job->about->leaf);
    for (size_t i = 0; reason == NULL && i < job->about->presented_count; i++) {
        uint8_t sha256[32];
        dx_sha256(job->about->presented[i], sha256);
        for (size_t k = 0; reason == NULL && k < v->path_count; k++)
            if (memcmp(v->path_sha256[k], sha256, 32) == 0)
                reason = trust_block_key(job->block, job->about->presented[i]);
    }
    if (reason == NULL)
        reason = trust_block_organisation(job->block, v->org.id);
    if (reason == NULL)
        return;
    const char *clause, *text = path_check_text("ID-309", &clause);
    char hex[DX_HEX_SIZE(32)];
    dx_hex(dx_bytes_of(job->about->leaf_sha256, 32), hex);
    dx_log(DX_LOG_SECURITY, "trust.blocked", F_STR("certificate", hex), F_STR("reason", reason));
    v->answer = TRUST_NO;
    v->kind = TRUST_KIND_NO;
    snprintf(v->id, sizeof v->id, "ID-309");
    snprintf(v->reason, sizeof v->reason, "%s", text);
    snprintf(v->clause, sizeof v->clause, "%s", clause);
    snprintf(v->slug, sizeof v->slug, "peer-not-trusted");
}

/* "No answer is at hand" has a better name when we know why none came. */
static void name_the_failure(const judge_job *job, trust_verdict *v)
{
    for (size_t i = 0; strcmp(v->id, "ID-405") == 0 && i < job->need_count; i++) {
        const judge_need *n = &job->needs[i];
        const judge_source *all[3] = {n->ocsp, n->crl[0], n->crl[1]};
        for (size_t k = 0; k < 3; k++)
            if (all[k] != NULL && all[k]->failed_id[0] != 0) {
                const char *clause, *text = path_check_text(all[k]->failed_id, &clause);
                snprintf(v->id, sizeof v->id, "%s", all[k]->failed_id);
                snprintf(v->reason, sizeof v->reason, "%s", text);
                snprintf(v->clause, sizeof v->clause, "%s", clause);
            }
    }
}

static revocation_view *view_of(trust_verdict *v, const uint8_t certificate[32])
{
    for (size_t i = 0; i < v->path_count && i < PATH_MAX_CERTS; i++)
        if (memcmp(v->path_sha256[i], certificate, 32) == 0)
            return &v->revocation[i];
    return NULL;
}

/* A certificate that was revoked for good, and now a source calls it good: said, and nothing else. */
static void look_for_unrevoked(judges *j, judge_job *job, path_input *input, dx_arena *arena,
                               judge_evidence *e)
{
    revocation_question questions[PATH_MAX_CERTS];
    size_t count = 0;
    dx_why why;
    trust_verdict *v = DX_ARENA_NEW(arena, trust_verdict);
    judge_need_gather(job, false, e);
    input->evidence = e->view;
    if (v == NULL || path_judge(j->state, input, arena, v, questions, &count, &why).code != DX_OK)
        return;
    for (size_t i = 0; i < job->need_count; i++) {
        judge_need *n = &job->needs[i];
        const revocation_view *view = view_of(v, n->certificate_sha256);
        if (n->record->revoked.size > 0 && n->ocsp != NULL)
            judge_source_drop(n->ocsp);
        if (n->record->revoked.size == 0 || view == NULL || view->state != REVOCATION_GOOD)
            continue;
        char file[DX_HEX_SIZE(32)], hex[DX_HEX_SIZE(32)];
        dx_hex(dx_bytes_of(n->record->key, 32), file);
        dx_hex(dx_bytes_of(n->certificate_sha256, 32), hex);
        if (!n->record->told_unrevoked)
            dx_log(DX_LOG_SECURITY, "revocation.unrevoked", F_STR("certificate", hex), F_STR("file", file),
                   F_STR("text", "it stays revoked until the file of that name is taken out of "
                                 "revocation/revoked and SIGHUP is sent"));
        n->record->told_unrevoked = true;
    }
}

static void learn(judges *j, judge_job *job, path_input *input, dx_arena *arena, judge_evidence *e)
{
    trust_verdict *v = &job->about->verdict;
    bool news = false;
    for (size_t i = 0; i < job->need_count; i++) {
        judge_need *n = &job->needs[i];
        const revocation_view *view = view_of(v, n->certificate_sha256);
        bool later = n->record->revoked.size > 0 && ((n->ocsp != NULL && n->ocsp->fresh.size > 0) ||
                                                     (n->crl[0] != NULL && n->crl[0]->fresh.size > 0));
        news |= later;
        if (view != NULL && !later)
            judge_source_learn(j, job, n, view, v);
    }
    if (news)
        look_for_unrevoked(j, job, input, arena, e);
    for (size_t i = 0; i < job->need_count; i++)
        judged_depends_on(job->about, job->needs[i].record->fact);
}

/* Counted from when the responders were asked, not from a judgement in between that a new list brought. */
static int64_t recheck_at(const judges *j, const judge_job *job, int64_t now_s)
{
    int64_t asked_s = now_s;
    for (size_t i = 0; i < job->need_count; i++)
        if (job->needs[i].ocsp != NULL && job->needs[i].ocsp->asked_s < asked_s)
            asked_s = job->needs[i].ocsp->asked_s;
    int64_t at_s = asked_s + j->spec.live_recheck_s;
    return at_s > now_s + RECHECK_LEAST_S ? at_s : now_s + RECHECK_LEAST_S;
}

static void settle(judges *j, judge_job *job, int64_t now_s)
{
    judged *out = job->about;
    trust_verdict *v = &out->verdict;
    apply_block(job, v);
    memcpy(out->block_sha256, trust_block_sha256(job->block), 32);
    name_the_failure(job, v);
    bool yes = v->answer == TRUST_YES;
    out->judged_s = now_s;
    out->recheck_s = recheck_at(j, job, now_s);
    /* A NO may be mended by its peer (a missing intermediate), an UNKNOWN by the source: ask again soon. */
    int64_t last_s =
        yes ? INT64_MAX : now_s + (v->kind == TRUST_KIND_UNKNOWN ? UNKNOWN_RECHECK_S : NO_RECHECK_S);
    out->good_until_s = v->good_until_s != 0 && v->good_until_s < last_s ? v->good_until_s : last_s;
    judge_count_verdict(j, v);
    dx_log(yes ? DX_LOG_INFO : DX_LOG_WARN, "trust.verdict",
           F_STR("answer", yes                             ? "yes"
                           : v->kind == TRUST_KIND_UNKNOWN ? "unknown"
                                                           : "no"),
           F_STR("id", v->id[0] ? v->id : NULL), F_STR("reason", v->reason), F_STR("clause", v->clause),
           F_STR("org", v->org.kind == ORGANISATION_LEGAL ? v->org.id : NULL),
           F_STR("territory", v->anchor.territory), F_STR("qualification", v->level),
           F_INT("signatures", v->signatures), F_INT("took_us", v->cost_us), F_BOOL("recheck", job->recheck));
    verdict_cache_put(j->cache, out);
}

static struct dx_rc judge_rounds(judges *j, judge_job *job, path_input *input, dx_arena *arena,
                                 judge_evidence *e, bool *wait, dx_why *why)
{
    bool late = job->due_us <= dx_mono_us(j->spec.clock);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        revocation_question questions[PATH_MAX_CERTS];
        size_t count = 0;
        bool more = false;
        judge_need_gather(job, true, e);
        input->evidence = e->view;
        DX_TRY(path_judge(j->state, input, arena, &job->about->verdict, questions, &count, why));
        for (size_t i = 0; i < count && !late; i++)
            more |= judge_need_take_up(j, job, &questions[i], arena);
        *wait = !late && !judge_need_all_arrived(job);
        if (!more || *wait)
            break;
    }
    return DX_OKAY;
}

bool judge_job_run(judges *j, judge_job *job)
{
    dx_arena arena;
    dx_why why = {0};
    bool wait = false;
    judged *about = job->about;
    path_input input = {.leaf = about->leaf,
                        .presented = about->presented,
                        .presented_count = about->presented_count,
                        .snapshot = job->snapshot,
                        .profile = PATH_PEER,
                        .at_s = dx_now_s(j->spec.clock),
                        .home_scheme = j->spec.home_scheme,
                        .identity = j->spec.identity,
                        .recognition = j->spec.recognition};
    dx_arena_init(&arena, JUDGE_MAX_BYTES);
    judge_evidence *e = DX_ARENA_NEW(&arena, judge_evidence);
    struct dx_rc rc = e == NULL ? DX_FAIL_ID(&why, NO_MEMORY, "ID-901", "", "no memory for a judgement")
                                : judge_rounds(j, job, &input, &arena, e, &wait, &why);
    if (rc.code != DX_OK || !wait) {
        if (rc.code == DX_OK) {
            learn(j, job, &input, &arena, e);
            settle(j, job, input.at_s);
        }
        answer_all(j, job, rc.code == DX_OK ? about : NULL, rc, &why);
        wait = false;
    }
    dx_arena_fini(&arena);
    return !wait;
}

/* ---- a job ---- */

judge_job *judge_job_new(judges *j, judge_question *q, const judged *again)
{
    judge_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    job->about = again != NULL
                     ? judged_new(again->leaf_sha256, again->leaf, again->presented, again->presented_count)
                     : judged_new(q->leaf_sha256, q->leaf, q->presented, q->presented_count);
    if (job->about == NULL) {
        free(job);
        return NULL;
    }
    job->started_s = dx_now_s(j->spec.clock);
    job->due_us = dx_mono_us(j->spec.clock) + (int64_t)j->spec.wait_ms * 1000;
    return job;
}

void judge_job_free(judge_job *job)
{
    judge_need_release(job);
    tlist_snapshot_unref(job->snapshot);
    trust_block_unref(job->block);
    judged_unref(job->about);
    free(job);
}
