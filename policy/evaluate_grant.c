/* A regulator at the provenance log: the grants of its authority in place of steps 4 to 8. */
#include "policy/evaluate.h"

static bool grant_reaches(const judge *j, const model_grant *g)
{
    return !j->f->from_known || j->f->from_s >= policy_duration_add(j->now_s, g->window, -1);
}

static bool grant_approved(const judge *j, const model_grant *g)
{
    static const char *const words[] = {"manual", "four-eyes", NULL};
    int64_t need = oblige_word(words, dx_bytes_text(g->approval));
    if (need == 0 && !j->authority->supervises)
        need = 1; /* no active partnership names it as supervisor: manual at least */
    return j->f->approvals >= need;
}

static void tell_grant(const judge *j, policy_ruling *r, const model_grant *g)
{
    r->grant_id = g->rule.id;
    r->approval = g->approval;
    r->scope_countries = g->scope_countries;
    r->scope_country_count = g->scope_country_count;
    r->hide = g->hide.items;
    r->hide_count = g->hide.count;
    r->window_from_s = policy_duration_add(j->now_s, g->window, -1);
}

bool evaluate_grants(judge *j, policy_ruling *r)
{
    if (j->authority == NULL)
        return judge_no(j, r, CODE_AUTHORITY_NOT_IDENTIFIED);
    const model_authority *a = j->authority;
    dx_bytes method =
        j->f->fact[POLICY_REQ_METHOD].known ? j->f->fact[POLICY_REQ_METHOD].text : (dx_bytes){NULL, 0};
    r->authority_id = a->doc.id;
    r->authority_version = a->doc.version;
    r->explain = "code";
    holding *holds = evaluate_room(j, a->grant_count);
    const model_grant *first = NULL, *open = NULL, *told = NULL;
    truth first_truth = TRUTH_FALSE;
    size_t count = 0;
    judge_code refusal = CODE_AUTHORITY_WINDOW;
    if (holds == NULL)
        return judge_no(j, r, CODE_ENGINE_LIMIT);
    for (size_t i = 0; i < a->grant_count; i++) {
        const model_grant *g = &a->grants[i];
        if (!text_set_has(g->methods, method))
            continue;
        truth t = judge_rule(j, &g->rule, true);
        if (first == NULL) {
            first = g;
            first_truth = t;
        }
        if (t == TRUTH_PENDING)
            judge_note_pending(j, &g->rule);
        if (t != TRUTH_TRUE && t != TRUTH_PENDING)
            continue;
        bool reaches = grant_reaches(j, g), approved = grant_approved(j, g);
        if (open == NULL) {
            open = g;
            refusal = reaches ? CODE_AUTHORITY_PENDING : CODE_AUTHORITY_WINDOW;
        }
        if (!reaches || !approved)
            continue;
        told = told == NULL ? g : told;
        holds[count++] = (holding){&g->rule, &g->oblige, NULL, g->quota, g->quota_count, t};
    }
    if (first == NULL)
        return judge_no_at(j, r, CODE_AUTHORITY_SCOPE, &a->doc, "/grants", NULL);
    if (open == NULL) {
        const char *law = NULL;
        dx_buf at;
        dx_buf_init(&at, 4096);
        const condition *leaf = judge_blame(j, first->rule.when, first_truth, true, &at, &law);
        dx_buf_fini(&at);
        bool no_case = leaf->kind == NODE_LEAF && leaf->attr == POLICY_REQ_CASE &&
                       !judge_fact(j, POLICY_REQ_CASE)->known;
        return judge_no_at_leaf(j, r, no_case ? CODE_AUTHORITY_CASE_MISSING : CODE_AUTHORITY_SCOPE,
                                &first->rule, first_truth);
    }
    if (count == 0) {
        const char *at = dx_arena_printf(j->arena, "%s/%s", open->rule.pointer,
                                         refusal == CODE_AUTHORITY_WINDOW ? "window" : "approval");
        j->out_of_room = j->out_of_room || at == NULL;
        tell_grant(j, r, open);
        return judge_no_by_rule(j, r, refusal, &open->rule, at == NULL ? "" : at, NULL);
    }
    tell_grant(j, r, told);
    return evaluate_obligations(j, r, holds, count) && evaluate_quota(j, r, holds, count) &&
           evaluate_yes(j, r, holds, count);
}
