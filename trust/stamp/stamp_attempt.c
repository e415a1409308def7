/* stamp_attempt.c -- one authority asked for one imprint: query, answer, judgement, and the revocation
 * answers that the judge asks for in between (seals.md 7.4, 7.5). */
#include "trust/stamp/stamp_service_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define OCSP_MAX      (64U << 10)
#define CRL_MAX       (4U << 20)
#define CLOCK_WARN_US 5000000 /* seals.md 7.5, STAMP-13 */

struct stamp_attempt {
    stamp_round *round;
    size_t slot, tsa;
    uint64_t nonce;
    dx_buf answer; /* the TimeStampResp */
    int64_t sent_us, received_us;
    unsigned waiting; /* revocation calls under way */
    bool asked;       /* the judge's questions went out once */
};

static void end(stamp_attempt *attempt, stamp_attempt_end how, dx_bytes token, const stamp_facts *facts,
                const dx_why *why)
{
    stamp_round_attempt_ended(attempt->round, attempt->slot, attempt->tsa, how, token, facts, why);
    dx_buf_fini(&attempt->answer);
    free(attempt);
}

static void fail(stamp_attempt *attempt, const dx_why *why)
{
    end(attempt, STAMP_ATTEMPT_FAILED, (dx_bytes){NULL, 0}, NULL, why);
}

static uint32_t time_left_ms(const stamp_round *round, uint32_t most_ms)
{
    int64_t left_ms = (round->deadline_us - stamp_mono(round->service)) / 1000;
    return left_ms < 1 ? 1 : left_ms < (int64_t)most_ms ? (uint32_t)left_ms : most_ms;
}

/* ---- revocation of the signer's chain ---- */

static void judge(stamp_attempt *attempt);

/* What a revocation call asks for, kept in its arena so that a CRL can follow where OCSP does not answer. */
typedef struct {
    stamp_attempt *attempt;
    const char *crl_url;
    bool crl;
} revocation_call;

static void revocation_arrived(stamp_call *call);

static bool ask_revocation(stamp_attempt *attempt, const revocation_question *question, const char *url,
                           const char *crl_url, bool crl)
{
    stamp_service *service = attempt->round->service;
    stamp_call *call = stamp_call_new(service, revocation_arrived, NULL);
    revocation_call *owner = call == NULL ? NULL : DX_ARENA_NEW(&call->arena, revocation_call);
    uint32_t left_ms = time_left_ms(attempt->round, service->limits.try_ms);
    dx_fetch_request request = {
        .max_bytes = crl ? CRL_MAX : OCSP_MAX, .total_ms = left_ms, .connect_ms = left_ms, .redirects = 2};
    dx_why why;
    if (owner == NULL) {
        stamp_call_free(call);
        return false;
    }
    *owner = (revocation_call){
        .attempt = attempt,
        .crl = crl,
        .crl_url = crl_url != NULL ? dx_arena_text(&call->arena, dx_bytes_text(crl_url)) : NULL};
    call->owner = owner;
    request.url = dx_arena_text(&call->arena, dx_bytes_text(url));
    if (!crl) {
        request.content_type = "application/ocsp-request";
        request.accept = "application/ocsp-response";
    }
    if (request.url == NULL ||
        (!crl && revocation_ocsp_request(question, &call->arena, &request.body, &why).code != DX_OK)) {
        stamp_call_free(call);
        return false;
    }
    memcpy(call->key, question->key, 32);
    if (stamp_call_start(call, &request, &why).code != DX_OK)
        return false;
    attempt->waiting++;
    return true;
}

static void revocation_arrived(stamp_call *call)
{
    revocation_call *owner = call->owner;
    stamp_attempt *attempt = owner->attempt;
    stamp_service *service = call->service;
    attempt->waiting--;
    if (call->rc.code == DX_OK && call->answer.status == 200 && call->answer.body.size > 0) {
        stamp_evidence_add(&service->evidence, call->key, owner->crl, &call->answer.body,
                           dx_now_s(service->spec.clock));
    } else if (!owner->crl && owner->crl_url != NULL) {
        revocation_question question = {0};
        memcpy(question.key, call->key, 32);
        (void)ask_revocation(attempt, &question, owner->crl_url, NULL, true);
    }
    stamp_call_free(call);
    if (attempt->waiting == 0)
        judge(attempt);
}

static void ask_questions(stamp_attempt *attempt, const stamp_questions *questions)
{
    attempt->asked = true;
    for (size_t i = 0; i < questions->count; i++) {
        const revocation_question *q = &questions->items[i];
        stamp_evidence_drop(&attempt->round->service->evidence,
                            q->key); /* asked again: what we had does not serve */
        if (q->ocsp_urls[0] != NULL)
            (void)ask_revocation(attempt, q, q->ocsp_urls[0], q->crl_urls[0], false);
        else if (q->crl_urls[0] != NULL)
            (void)ask_revocation(attempt, q, q->crl_urls[0], NULL, true);
    }
}

/* ---- judging ---- */

/* Everything the check wants to know of the world; false when no trust is loaded. */
static bool with_trust(stamp_attempt *attempt, const stamp_tsa *tsa, stamp_trust *trust, dx_arena *arena,
                       bool *borrowed)
{
    stamp_service *service = attempt->round->service;
    *trust = (stamp_trust){0};
    *borrowed = false;
    if (tsa->anchor_count > 0) {
        /* Pinned by the operator, who answers for its revocation too: no list names it. */
        trust->anchors = tsa->anchors;
        trust->anchor_count = tsa->anchor_count;
        trust->revocation_off = true;
        return true;
    }
    if (service->spec.trust_get == NULL || !service->spec.trust_get(service->spec.trust_context, trust))
        return false;
    *borrowed = true;
    trust->memo = &service->memo;
    return stamp_evidence_join(&service->evidence, dx_now_s(service->spec.clock), arena, &trust->evidence);
}

static void note_clock(stamp_service *service, size_t tsa, const stamp_attempt *attempt,
                       const stamp_facts *facts)
{
    dx_why why;
    int64_t ahead_us = facts->time_us - attempt->received_us, behind_us = attempt->sent_us - facts->time_us;
    int64_t off_us = (ahead_us > behind_us ? ahead_us : behind_us) - facts->accuracy_us;
    if (off_us > CLOCK_WARN_US) {
        (void)DX_FAIL_ID(&why, REFUSED, "STAMP-13", "RFC 3161 2.4.2",
                         "genTime of %s is %lld ms away from our clock", service->spec.tsas[tsa].name,
                         (long long)((ahead_us > behind_us ? ahead_us : -behind_us) / 1000));
        stamp_say(service, "stamp.clock", tsa, &why);
    }
}

static void good(stamp_attempt *attempt, dx_bytes token, stamp_facts *facts)
{
    stamp_service *service = attempt->round->service;
    dx_why why;
    note_clock(service, attempt->tsa, attempt, facts);
    if (!stamp_authority_serial(&service->authorities[attempt->tsa], facts)) {
        (void)DX_FAIL_ID(&why, REFUSED, "STAMP-14", "RFC 3161 2.4.2",
                         "%s used serial number %s for two imprints", service->spec.tsas[attempt->tsa].name,
                         facts->serial);
        stamp_say(service, "stamp.serial_reused", attempt->tsa, &why);
    }
    if (facts->territory[0] == '\0' && service->spec.tsas[attempt->tsa].territory != NULL)
        snprintf(facts->territory, sizeof facts->territory, "%s", service->spec.tsas[attempt->tsa].territory);
    end(attempt, STAMP_ATTEMPT_GOOD, token, facts, NULL);
}

static void judge(stamp_attempt *attempt)
{
    stamp_service *service = attempt->round->service;
    const stamp_tsa *tsa = &service->spec.tsas[attempt->tsa];
    const stamp_expect expect = {.tsa = tsa,
                                 .imprint = dx_bytes_of(attempt->round->imprint, 32),
                                 .has_nonce = true,
                                 .nonce = attempt->nonce,
                                 .sent_us = attempt->sent_us,
                                 .received_us = attempt->received_us,
                                 .skew_s = service->limits.skew_s};
    stamp_trust trust;
    stamp_facts facts = {0};
    stamp_questions questions = {0};
    dx_bytes token;
    dx_why why;
    dx_arena arena;
    bool borrowed, unknown = false;
    dx_arena_init(&arena, 8U << 20);
    stamp_verdict verdict = stamp_response_open(dx_buf_view(&attempt->answer), tsa, &token);
    bool has_token = verdict.ok;
    if (has_token && !with_trust(attempt, tsa, &trust, &arena, &borrowed)) {
        (void)stamp_no(&verdict, CHECK_STAMP_11, NULL, "no trusted list is loaded");
        unknown = true;
    } else if (has_token) {
        verdict = stamp_check_token(token, &expect, &trust, 0, &arena, &facts, &questions);
        unknown = !verdict.ok && strcmp(verdict.id, "STAMP-11") == 0 &&
                  questions.verdict.kind == TRUST_KIND_UNKNOWN &&
                  (questions.count > 0 || questions.verdict.id[0] != '\0');
    }
    if (has_token && borrowed)
        service->spec.trust_release(service->spec.trust_context, &trust);
    if (verdict.ok) {
        stamp_evidence_learn(&service->evidence, &questions.verdict);
    } else if (unknown && questions.count > 0 && !attempt->asked &&
               stamp_mono(service) < attempt->round->deadline_us) {
        ask_questions(attempt, &questions);
        dx_arena_fini(&arena);
        if (attempt->waiting == 0) /* nobody to ask: judge once more and say what is missing */
            judge(attempt);
        return;
    }
    if (verdict.ok) {
        good(attempt, token, &facts);
    } else {
        /* An answer without a token is a failure like silence; a token that fails a check is never used, nor
         * is who sent it; one that could not be judged is neither. */
        (void)dx_fail(&why, has_token && !unknown ? DX_BAD_SIGNATURE : DX_UNREACHABLE, verdict.id,
                      verdict.clause, "%.40s: %s", tsa->name, verdict.text);
        end(attempt, has_token && !unknown ? STAMP_ATTEMPT_INVALID : STAMP_ATTEMPT_FAILED, token, NULL, &why);
    }
    dx_arena_fini(&arena);
}

/* ---- asking ---- */

static bool is_reply(const dx_fetch_answer *answer)
{
    static const char type[] = "application/timestamp-reply";
    char after = answer->content_type[sizeof type - 1];
    return answer->status == 200 && strncasecmp(answer->content_type, type, sizeof type - 1) == 0 &&
           (after == '\0' || after == ';' || after == ' ');
}

static void answer_arrived(stamp_call *call)
{
    stamp_attempt *attempt = call->owner;
    stamp_service *service = call->service;
    const stamp_tsa *tsa = &service->spec.tsas[attempt->tsa];
    dx_why why = call->why;
    attempt->sent_us = call->sent_us;
    attempt->received_us = call->received_us;
    bool whole = call->rc.code == DX_OK && is_reply(&call->answer);
    if (whole) {
        stamp_authority_answered(&service->authorities[attempt->tsa], call->took_us);
        attempt->answer = call->answer.body;
        dx_buf_init(&call->answer.body, 0);
    } else if (call->rc.code == DX_OK) {
        (void)DX_FAIL_ID(&why, UNREACHABLE, "STAMP-01", "RFC 3161 3.4",
                         "%.40s answered with status %d and type %.60s in place of a timestamp-reply",
                         tsa->name, call->answer.status,
                         call->answer.content_type[0] ? call->answer.content_type : "(none)");
    }
    stamp_call_free(call);
    if (!whole)
        fail(attempt, &why);
    else if (stamp_round_settled(attempt->round,
                                 attempt->slot)) /* somebody else was faster: not worth a judgement */
        end(attempt, STAMP_ATTEMPT_LATE, (dx_bytes){NULL, 0}, NULL, NULL);
    else
        judge(attempt);
}

bool stamp_attempt_start(stamp_round *round, size_t slot, size_t tsa)
{
    stamp_service *service = round->service;
    const stamp_tsa *authority = &service->spec.tsas[tsa];
    stamp_attempt *attempt = calloc(1, sizeof *attempt);
    stamp_call *call = stamp_call_new(service, answer_arrived, attempt);
    uint32_t left_ms = time_left_ms(round, service->limits.try_ms);
    dx_fetch_request request = {.url = authority->url,
                                .content_type = "application/timestamp-query",
                                .accept = "application/timestamp-reply",
                                .authorization = authority->authorization,
                                .max_bytes = STAMP_TOKEN_MAX,
                                .total_ms = left_ms,
                                .connect_ms = left_ms};
    dx_why *why = &round->slots[slot].why;
    bool ready =
        attempt != NULL && call != NULL &&
        service->spec.io->random(service->spec.io, &attempt->nonce, sizeof attempt->nonce) == 0 &&
        stamp_request_make(authority, round->imprint, attempt->nonce, &call->arena, &request.body, why)
                .code == DX_OK;
    if (!ready) {
        stamp_call_free(call);
        free(attempt);
        return false;
    }
    attempt->round = round;
    attempt->slot = slot;
    attempt->tsa = tsa;
    if (stamp_call_start(call, &request, why).code != DX_OK) {
        free(attempt);
        return false;
    }
    stamp_authority_asked(&service->authorities[tsa], &service->limits);
    return true;
}
