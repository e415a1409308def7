#include "gateway/exchange/judge_private.h"

/* A judgement on a thread that may wait: the seal certificate, the command line. */

typedef struct {
    dx_bytes *ocsp, *crl;
    size_t ocsp_room, crl_room;
    revocation_evidence view;
} evidence;

static bool fetch(dx_fetcher *fetcher, const dx_fetch_request *request, bool crl, dx_arena *arena,
                  evidence *e)
{
    dx_fetch_answer answer = {0};
    dx_why why;
    bool good = dx_fetch(fetcher, request, &answer, &why).code == DX_OK && answer.status == 200;
    dx_bytes kept = good ? dx_arena_bytes(arena, dx_buf_view(&answer.body)) : (dx_bytes){NULL, 0};
    dx_fetch_answer_fini(&answer);
    size_t *count = crl ? &e->view.crl_count : &e->view.ocsp_count;
    if (kept.data == NULL || *count == (crl ? e->crl_room : e->ocsp_room))
        return false;
    (crl ? e->crl : e->ocsp)[(*count)++] = kept;
    return true;
}

static bool fetch_ocsp(dx_fetcher *fetcher, const revocation_question *q, dx_arena *arena, evidence *e)
{
    dx_bytes body;
    dx_why why;
    bool good = false;
    if (q->ocsp_urls[0] == NULL || revocation_ocsp_request(q, arena, &body, &why).code != DX_OK)
        return false;
    for (size_t i = 0; i < 2 && !good && q->ocsp_urls[i] != NULL; i++)
        good = fetch(fetcher,
                     &(dx_fetch_request){.url = q->ocsp_urls[i],
                                         .body = body,
                                         .content_type = "application/ocsp-request",
                                         .accept = "application/ocsp-response",
                                         .max_bytes = JUDGE_OCSP_MAX_BYTES},
                     false, arena, e);
    return good;
}

static bool fetch_crl(dx_fetcher *fetcher, const revocation_question *q, dx_arena *arena, evidence *e)
{
    bool good = false;
    for (size_t i = 0; i < 2 && q->crl_urls[i] != NULL; i++)
        good |= fetch(fetcher, &(dx_fetch_request){.url = q->crl_urls[i], .max_bytes = JUDGE_CRL_MAX_BYTES},
                      true, arena, e);
    return good;
}

/* What the caller holds, with room for what may come. */
static bool begin_with(const revocation_evidence *held, dx_arena *arena, evidence *e)
{
    e->ocsp_room = held->ocsp_count + 2 * PATH_MAX_CERTS;
    e->crl_room = held->crl_count + 2 * PATH_MAX_CERTS;
    e->ocsp = DX_ARENA_ARRAY(arena, dx_bytes, e->ocsp_room);
    e->crl = DX_ARENA_ARRAY(arena, dx_bytes, e->crl_room);
    if (e->ocsp == NULL || e->crl == NULL)
        return false;
    e->view = *held;
    e->view.ocsp = e->ocsp;
    e->view.crl = e->crl;
    e->view.ocsp_nonces = NULL;
    for (size_t i = 0; i < held->ocsp_count; i++)
        e->ocsp[i] = held->ocsp[i];
    for (size_t i = 0; i < held->crl_count; i++)
        e->crl[i] = held->crl[i];
    return true;
}

DX_RC judge_wait(path_judge_state *state, dx_fetcher *fetcher, path_input *input, dx_arena *arena,
                 trust_verdict *out, dx_why *why)
{
    revocation_question questions[PATH_MAX_CERTS];
    size_t count = 0;
    DX_TRY(path_judge(state, input, arena, out, questions, &count, why));
    if (count == 0 || fetcher == NULL)
        return DX_OKAY;
    evidence kept, *e = &kept;
    if (!begin_with(&input->evidence, arena, e))
        return DX_FAIL(why, NO_MEMORY, "", "no memory for revocation answers");
    /* What the responders leave open is asked of the CRLs. */
    for (int round = 0; round < 2 && count > 0; round++) {
        bool more = false;
        for (size_t i = 0; i < count; i++)
            more |= round == 0 ? fetch_ocsp(fetcher, &questions[i], arena, e)
                               : fetch_crl(fetcher, &questions[i], arena, e);
        if (!more)
            continue;
        input->evidence = e->view;
        count = 0;
        if (input->trace != NULL)
            *input->trace = (path_trace){0}; /* of the judgement that counts */
        DX_TRY(path_judge(state, input, arena, out, questions, &count, why));
    }
    return DX_OKAY;
}
