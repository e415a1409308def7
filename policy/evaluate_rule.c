/* Steps 3, 7 and 8 of policy.md 6: rules. A guard or prohibition that matches, or cannot be told, says no;
 * permits that hold, or may still hold, say yes. */
#include "policy/evaluate.h"

bool evaluate_prohibits(judge *j, policy_ruling *r, const model_rule *rules, size_t count, judge_code matched,
                        judge_code unknown)
{
    for (size_t i = 0; i < count; i++) {
        const model_rule *rule = &rules[i];
        truth t = judge_rule(j, rule, false);
        if (t == TRUTH_PENDING && !rule->shadow)
            judge_note_pending(j, rule);
        if (t == TRUTH_FALSE || t == TRUTH_PENDING)
            continue;
        judge_code code = t == TRUTH_TRUE ? matched : unknown;
        if (rule->shadow) {
            judge_note_would(j, rule, code);
            continue;
        }
        return judge_no_by_prohibit(j, r, code, rule);
    }
    return true;
}

static bool found(const judge *j, policy_attribute where, const char *what)
{
    const policy_fact *f = judge_fact(j, where);
    return f->known && text_set_has(f->set, dx_bytes_text(what));
}

static void add_label(judge *j, const char *label)
{
    dx_bytes one = dx_bytes_text(label);
    const policy_fact *now = j->seen[SEEN_LABELS];
    policy_fact joined = {.known = true, .source = POLICY_BY_GATEWAY};
    if (!text_set_union(j->arena, now == NULL ? (text_set){NULL, 0} : now->set, (text_set){&one, 1},
                        &joined.set)) {
        j->out_of_room = true;
        return;
    }
    /* A union with nothing is `one` itself, which ends with this function. */
    dx_bytes *kept = DX_ARENA_ARRAY(j->arena, dx_bytes, joined.set.count + 1);
    if (kept == NULL) {
        j->out_of_room = true;
        return;
    }
    memcpy(kept, joined.set.items, joined.set.count * sizeof *kept);
    joined.set.items = kept;
    j->own[SEEN_LABELS] = joined;
    j->seen[SEEN_LABELS] = &j->own[SEEN_LABELS];
}

bool evaluate_guards(judge *j, policy_ruling *r)
{
    const policy_fact *personal = judge_fact(j, POLICY_DATA_PERSONAL);
    bool named = found(j, POLICY_BODY_FOUND_NAMED, "jp.individual_number");
    bool seen = found(j, POLICY_BODY_FOUND, "jp.individual_number");
    if (j->p->number_denies && (named || (seen && !(personal->known && !personal->flag))))
        return judge_no_at(j, r, CODE_GUARD_INDIVIDUAL_NUMBER, &j->p->guards, "/builtin/jp.individual_number",
                           NULL);
    if (named || seen)
        add_label(j, "jp.individual_number?");
    if (j->p->insurance_denies && found(j, POLICY_BODY_FOUND_NAMED, "jp.insurance_id"))
        return judge_no_at(j, r, CODE_GUARD_MATCHED, &j->p->guards, "/builtin/jp.insurance_id", NULL);
    if (j->p->licence_denies && found(j, POLICY_BODY_FOUND_NAMED, "jp.licence_no"))
        return judge_no_at(j, r, CODE_GUARD_MATCHED, &j->p->guards, "/builtin/jp.licence_no", NULL);
    return evaluate_prohibits(j, r, j->p->guard_rules, j->p->guard_count, CODE_GUARD_MATCHED,
                              CODE_GUARD_UNKNOWN);
}

holding *evaluate_room(judge *j, size_t count)
{
    holding *h = DX_ARENA_ARRAY(j->arena, holding, count == 0 ? 1 : count);
    j->out_of_room = j->out_of_room || h == NULL;
    return h;
}

bool evaluate_permits(judge *j, policy_ruling *r, holding **holds, size_t *count)
{
    const model_agreement *a = j->agreement;
    dx_bytes method = j->f->fact[POLICY_REQ_METHOD].text;
    const model_rule *first = NULL;
    truth first_truth = TRUTH_FALSE;
    *count = 0;
    if ((*holds = evaluate_room(j, a->permit_count)) == NULL)
        return judge_no(j, r, CODE_ENGINE_LIMIT);
    for (size_t i = 0; i < a->permit_count; i++) {
        const model_permit *permit = &a->permits[i];
        if (!model_permit_offers(permit, j->dataset, method))
            continue;
        truth t = judge_rule(j, &permit->rule, true);
        if (permit->rule.shadow) {
            if (t == TRUTH_TRUE)
                judge_note_would(j, &permit->rule, CODE_PERMIT_GRANTED);
            continue;
        }
        if (first == NULL) {
            first = &permit->rule;
            first_truth = t;
        }
        if (t == TRUTH_PENDING)
            judge_note_pending(j, &permit->rule);
        if (t == TRUTH_TRUE || t == TRUTH_PENDING)
            (*holds)[(*count)++] = (holding){&permit->rule, &permit->oblige,     &permit->merged,
                                             permit->quota, permit->quota_count, t};
    }
    if (*count > 0) {
        judge_code label = judge_labels(j);
        return label == CODE_PERMIT_GRANTED ? true
                                            : judge_no_at(j, r, label, &a->doc, "/basis", a->basis.law);
    }
    if (first == NULL)
        return judge_no_at(j, r, CODE_PERMIT_NONE, &a->doc, "/permit", NULL);
    return judge_no_at_leaf(
        j, r, first_truth == TRUTH_FALSE ? CODE_PERMIT_CONDITION_FALSE : CODE_PERMIT_CONDITION_UNKNOWN, first,
        first_truth);
}

bool evaluate_yes(judge *j, policy_ruling *r, const holding *holds, size_t count)
{
    const holding *h = &holds[0];
    for (size_t i = 0; i < count && h->truth != TRUTH_TRUE; i++)
        if (holds[i].truth == TRUTH_TRUE)
            h = &holds[i];
    r->answer = POLICY_PERMIT;
    r->code = judge_codes[CODE_PERMIT_GRANTED].code;
    r->http = 0;
    r->retryable = false;
    r->clause = h->rule->clause;
    r->rule = h->rule->id;
    r->law = judge_law(j, h->rule->law, h->rule->doc);
    return true;
}
