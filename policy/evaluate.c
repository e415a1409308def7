/* The phases of an exchange and the order of the steps in each (policy.md 6). The first step that says no
 * gives code and clause. */
#include "policy/evaluate.h"

/* ---- is the body needed, and which phase is the last (6.11) ---- */

static bool rules_need_body(const model_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rules[i].shadow && (rules[i].names_body || rules[i].phase == (int)POLICY_BODY))
            return true;
    return false;
}

static bool needs_body(const judge *j)
{
    const unsigned body_obligations = 1U << OBLIGE_REDACT | 1U << OBLIGE_MIN_RECORDS;
    if (j->dataset->inspect_required || rules_need_body(j->p->guard_rules, j->p->guard_count))
        return true;
    const model_agreement *a = j->agreement;
    if (a == NULL)
        return false;
    if (rules_need_body(a->under->never, a->under->never_count) ||
        rules_need_body(a->prohibits, a->prohibit_count) ||
        (a->under->floors.oblige.set & body_obligations) != 0)
        return true;
    for (size_t i = 0; i < a->permit_count; i++) {
        const model_permit *permit = &a->permits[i];
        if (permit->rule.shadow ||
            !model_permit_offers(permit, j->dataset, j->f->fact[POLICY_REQ_METHOD].text))
            continue;
        if (rules_need_body(&permit->rule, 1) || (permit->oblige.set & body_obligations) != 0)
            return true;
        for (size_t k = 0; k < permit->quota_count; k++)
            if (permit->quota[k].of == QUOTA_RECORDS)
                return true;
    }
    return false;
}

static void explain_level(const judge *j, policy_ruling *r)
{
    if (r->explain != NULL)
        return;
    r->explain = j->peer != NULL && j->peer->in_agreement ? "code" : "none";
    if (j->peer == NULL || !j->peer->in_agreement)
        r->http = r->answer == POLICY_DENY && r->http < 500
                      ? 403
                      : r->http; /* strangers learn nothing from the status */
}

static void steps(judge *j, policy_ruling *r, bool *body)
{
    holding *holds = NULL;
    size_t count = 0;
    bool agrees = judge_org(j);
    *body = false;
    if (!evaluate_bundle(j, r, agrees))
        return;
    if (j->regulator) {
        j->last = j->phase != POLICY_REQUEST;
        judge_dataset(j);
        judge_levels(j);
        judge_kind(j);
        if (evaluate_guards(j, r))
            evaluate_grants(j, r);
        return;
    }
    if (!evaluate_route(j, r))
        return;
    judge_dataset(j);
    judge_choose(j);
    judge_levels(j);
    judge_kind(j);
    if (j->agreement != NULL)
        evaluate_parties(j, r);
    *body = needs_body(j);
    j->last = j->phase == POLICY_STREAM || (j->phase == POLICY_BODY && !j->import) ||
              (j->phase == POLICY_RESPONSE && (j->import || !*body));
    r->personal = judge_fact(j, POLICY_DATA_PERSONAL)->flag;
    r->pending = *body && !(j->phase == POLICY_BODY || j->phase == POLICY_STREAM ||
                            (j->phase == POLICY_RESPONSE && j->import));
    (void)(evaluate_guards(j, r) && evaluate_candidate(j, r) && evaluate_agreement(j, r) &&
           evaluate_partnership(j, r) &&
           evaluate_prohibits(j, r, j->agreement->prohibits, j->agreement->prohibit_count,
                              CODE_PROHIBIT_MATCHED, CODE_PROHIBIT_UNKNOWN) &&
           evaluate_permits(j, r, &holds, &count) && evaluate_obligations(j, r, holds, count) &&
           evaluate_quota(j, r, holds, count) && evaluate_yes(j, r, holds, count));
}

static void evaluate_phase(judge *j, policy_ruling *r)
{
    bool body;
    *r = (policy_ruling){.phase = j->phase};
    j->now_s = j->f->fact[POLICY_TIME_NOW].number / 1000000;
    steps(j, r, &body);
    if (j->out_of_room || r->code == NULL)
        judge_no(j, r, CODE_ENGINE_LIMIT);
    if (r->answer == POLICY_DENY)
        r->pending = false;
    explain_level(j, r);
    r->scope_stated = r->scope_country_count > 0;
    r->body_needed = body;
    if (j->seen[SEEN_LABELS] != NULL && j->dataset != NULL) {
        r->labels = j->seen[SEEN_LABELS]->set.items;
        r->label_count = j->seen[SEEN_LABELS]->set.count;
        r->categories = j->seen[SEEN_CATEGORY] == NULL ? NULL : j->seen[SEEN_CATEGORY]->set.items;
        r->category_count = j->seen[SEEN_CATEGORY] == NULL ? 0 : j->seen[SEEN_CATEGORY]->set.count;
        r->origins = j->seen[SEEN_ORIGIN] == NULL ? NULL : j->seen[SEEN_ORIGIN]->set.items;
        r->origin_count = j->seen[SEEN_ORIGIN] == NULL ? 0 : j->seen[SEEN_ORIGIN]->set.count;
    }
}

policy_ruling evaluate_walk(const policy *p, policy_phase upto, const policy_facts *facts,
                            const policy_can *can, dx_arena *arena, bool check_usage, judge_trace *trace,
                            obligations *merged)
{
    policy_ruling r = {0};
    judge start = {.p = p,
                   .f = facts,
                   .can = can,
                   .arena = arena,
                   .check_usage = check_usage,
                   .trace = trace,
                   .merged = merged};
    start.regulator = facts->fact[POLICY_REQ_DATASET].known &&
                      dx_bytes_is(facts->fact[POLICY_REQ_DATASET].text, POLICY_PROVENANCE_DATASET);
    policy_phase phase = upto == POLICY_STREAM ? POLICY_STREAM : POLICY_REQUEST;
    for (;;) {
        judge j = start;
        j.phase = phase;
        if (trace != NULL)
            *trace = (judge_trace){0};
        evaluate_phase(&j, &r);
        bool import = j.import, body = r.body_needed && !j.regulator;
        if (r.answer == POLICY_DENY || phase == upto)
            return r;
        policy_phase next = POLICY_STREAM; /* none */
        if (phase == POLICY_REQUEST)
            next = import && body ? POLICY_BODY : POLICY_RESPONSE;
        else if (phase == POLICY_RESPONSE && !import && body)
            next = POLICY_BODY;
        else if (phase == POLICY_BODY && import)
            next = POLICY_RESPONSE;
        /* `upto` names how far the exchange has come: an export told to go to its body has an answer, an
         * import told so has none yet. */
        bool reached = next != POLICY_STREAM && !(import && upto == POLICY_BODY && next == POLICY_RESPONSE) &&
                       !(!import && upto == POLICY_RESPONSE && next == POLICY_BODY);
        if (!reached)
            return r;
        phase = next;
    }
}

policy_ruling policy_evaluate(const policy *p, policy_phase upto, const policy_facts *facts,
                              const policy_can *can, dx_arena *arena)
{
    if (p == NULL)
        return (policy_ruling){.code = judge_codes[CODE_BUNDLE_NONE].code,
                               .http = 503,
                               .retryable = true,
                               .explain = "none",
                               .clause = judge_codes[CODE_BUNDLE_NONE].problem,
                               .phase = upto == POLICY_STREAM ? POLICY_STREAM : POLICY_REQUEST};
    return evaluate_walk(p, upto, facts, can, arena, false, NULL, NULL);
}
