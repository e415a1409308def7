#include "gateway/exchange/judge_private.h"

#include "trust/base/digest.h"

/* What a judgement needs to know of revocation: what is kept, and whom to ask for the rest. */

/* ---- what is at hand ---- */

static void add(dx_bytes *list, size_t *count, dx_bytes der)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i].data == der.data)
            return; /* one CRL serves many certificates */
    if (der.size > 0 && *count < JUDGE_EVIDENCE_MAX)
        list[(*count)++] = der;
}

static void add_source(judge_evidence *e, const judge_source *s, bool newest_only)
{
    if (s == NULL)
        return;
    dx_bytes *list = s->is_crl ? e->crl : e->ocsp;
    size_t *count = s->is_crl ? &e->view.crl_count : &e->view.ocsp_count;
    add(list, count, dx_buf_view(&s->fresh));
    if (!newest_only || s->fresh.size == 0)
        add(list, count, dx_buf_view(&s->proven));
}

void judge_need_gather(const judge_job *job, bool sticky, judge_evidence *e)
{
    *e = (judge_evidence){0};
    e->view.ocsp = e->ocsp;
    e->view.crl = e->crl;
    for (size_t i = 0; i < job->need_count; i++) {
        const judge_need *n = &job->needs[i];
        const judge_record *r = n->record;
        if (sticky)
            add(r->revoked_is_crl ? e->crl : e->ocsp,
                r->revoked_is_crl ? &e->view.crl_count : &e->view.ocsp_count, dx_buf_view(&r->revoked));
        /* A hold ends with the answer that says so: the one of before must not outweigh it. */
        bool held = r->state == REVOCATION_REVOKED;
        add_source(e, n->ocsp, held);
        add_source(e, n->crl[0], held);
        add_source(e, n->crl[1], held);
    }
}

bool judge_need_all_arrived(const judge_job *job)
{
    for (size_t i = 0; i < job->need_count; i++) {
        const judge_need *n = &job->needs[i];
        if ((n->ocsp != NULL && n->ocsp->in_flight && n->stage == NEED_OCSP) ||
            (n->stage == NEED_CRL &&
             ((n->crl[0] != NULL && n->crl[0]->in_flight) || (n->crl[1] != NULL && n->crl[1]->in_flight))))
            return false;
    }
    return true;
}

/* ---- what is missing ---- */

/* Asks unless that was done since this job began. True: there may be something new to look at. */
static bool ask(judges *j, const judge_job *job, judge_source *s)
{
    if (s == NULL || (!s->in_flight && s->asked_s >= job->started_s && s->asked_s != 0))
        return s != NULL && s->fresh.size > 0;
    return judge_fetch_ask(j, s);
}

/* From what was kept to the responder, from there to the CRL. False: there is nowhere left to ask. */
static bool move_on(judges *j, const judge_job *job, judge_need *n)
{
    if (n->stage == NEED_CACHED) {
        n->stage = NEED_OCSP;
        if (ask(j, job, n->ocsp))
            return true;
    }
    if (n->stage == NEED_OCSP) {
        n->stage = NEED_CRL;
        bool first = ask(j, job, n->crl[0]);
        return ask(j, job, n->crl[1]) || first;
    }
    return false;
}

static bool holds_answer(const judge_source *s)
{
    return s != NULL && (s->proven.size > 0 || s->fresh.size > 0);
}

static judge_source *crl_of(judges *j, const char *url)
{
    uint8_t key[32];
    if (url == NULL)
        return NULL;
    dx_sha256(dx_bytes_text(url), key);
    judge_source *s = judge_source_of(j, key, true);
    if (s != NULL) {
        judge_source_addresses(s, (const char *const[2]){url, NULL});
        s->pins++;
    }
    return s;
}

static judge_source *ocsp_of(judges *j, const revocation_question *q, dx_arena *arena)
{
    dx_bytes body;
    dx_why why;
    judge_source *s = q->ocsp_urls[0] == NULL ? NULL : judge_source_of(j, q->key, false);
    if (s == NULL)
        return NULL;
    s->pins++;
    judge_source_addresses(s, q->ocsp_urls);
    if (s->request.size == 0 && (revocation_ocsp_request(q, arena, &body, &why).code != DX_OK ||
                                 dx_buf_add(&s->request, body).code != DX_OK))
        dx_buf_clear(&s->request); /* then it is not asked */
    return s;
}

bool judge_need_take_up(judges *j, judge_job *job, const revocation_question *q, dx_arena *arena)
{
    uint8_t certificate[32];
    dx_sha256(q->certificate, certificate);
    for (size_t i = 0; i < job->need_count; i++)
        if (memcmp(job->needs[i].record->key, q->key, 32) == 0 &&
            memcmp(job->needs[i].certificate_sha256, certificate, 32) == 0)
            return move_on(j, job, &job->needs[i]);
    judge_record *r = job->need_count == JUDGE_NEEDS_MAX ? NULL : judge_record_of(j, q->key);
    if (r == NULL)
        return false;
    r->pins++;
    judge_need *n = &job->needs[job->need_count++];
    *n = (judge_need){.record = r, .ocsp = ocsp_of(j, q, arena)};
    memcpy(n->certificate_sha256, certificate, 32);
    n->crl[0] = crl_of(j, q->crl_urls[0]);
    n->crl[1] = crl_of(j, q->crl_urls[1]);
    bool kept =
        r->revoked.size > 0 || holds_answer(n->ocsp) || holds_answer(n->crl[0]) || holds_answer(n->crl[1]);
    if (!kept)
        return move_on(j, job, n);
    /* Kept answers do while they last; ahead of their end, and while a peer is here, sources are asked. */
    judge_source *all[3] = {n->ocsp, n->crl[0], n->crl[1]};
    bool revoked = r->revoked.size > 0; /* nobody waits to hear more about that */
    for (size_t i = 0; i < 3; i++)
        if (all[i] != NULL && judge_source_due(j, all[i], job->recheck || revoked) && ask(j, job, all[i]) &&
            !revoked)
            n->stage = all[i]->is_crl ? NEED_CRL : NEED_OCSP;
    return true;
}

void judge_need_release(judge_job *job)
{
    for (size_t i = 0; i < job->need_count; i++) {
        const judge_need *n = &job->needs[i];
        judge_source *all[3] = {n->ocsp, n->crl[0], n->crl[1]};
        n->record->pins--;
        for (size_t k = 0; k < 3; k++)
            if (all[k] != NULL)
                all[k]->pins--;
    }
}
