#include "trust/path/path_private.h"

#include <stdio.h>
#include <stdlib.h>

/* One judgement from end to end: open, form of the leaf, search, what the service makes of it. */

DX_RC path_judge_new(path_judge_state **out, dx_why *why)
{
    *out = calloc(1, sizeof **out);
    if (*out != NULL && ((*out)->memo = path_memo_new()) != NULL)
        return DX_OKAY;
    free(*out);
    *out = NULL;
    return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for a judge");
}

void path_judge_free(path_judge_state *judge)
{
    if (judge == NULL)
        return;
    path_memo_free(judge->memo);
    free(judge);
}

static bool judge_leaf_first(path_search *s)
{
    const char *id = path_check_form(s, &s->leaf);
    s->out->not_before_s = s->leaf.from_s;
    s->out->not_after_s = s->leaf.until_s;
    if (id == NULL)
        id = path_check_dates(s, &s->leaf);
    if (id != NULL)
        path_say(s->out, id, NULL);
    return id == NULL;
}

/* Without an extended key usage only a qualified certificate for seals is a peer's: real ones carry none. */
static void check_absent_usage(path_search *s)
{
    bool absent = s->rules->leaf_usage == USAGE_SEAL && !s->leaf.facts.ext_key_usage.present;
    bool seal = strncmp(s->out->level, "q-eseal", 7) == 0;
    bool else_refused = s->out->answer == TRUST_NO && s->out->kind == TRUST_KIND_NO;
    if (absent && !seal && !else_refused) {
        path_say(s->out, "ID-213", NULL);
        *s->question_count = 0;
    }
}

/* What stood in a path that held may be tried again for a peer that leaves it out. */
static void learn(path_search *s)
{
    for (size_t i = 1; i + 1 < s->depth; i++)
        path_memo_learn(s->memo, s->facts[i - 1]->issuer, s->chain[i]->der, s->chain[i]->sha256);
    if (s->in->policies_found != NULL)
        *s->in->policies_found = *s->policies;
}

static void judge_found(path_search *s)
{
    if (s->anchor == NULL) {
        path_qualify(s);
    } else { /* no list says anything of it */
        snprintf(s->out->level, sizeof s->out->level, "unlisted");
        snprintf(s->out->basis, sizeof s->out->basis, "none");
    }
    check_absent_usage(s);
    if (s->out->answer == TRUST_YES)
        learn(s);
}

static void judge_opened(path_search *s)
{
    organisation_remarks remarks = {0};
    const char *person = organisation_read(&s->leaf.facts, s->in->identity, &s->out->org, &remarks);
    for (size_t i = 0; i < remarks.count; i++)
        path_remark(s->out, remarks.ids[i]);
    s->person = s->rules->organisation ? person : NULL;
    if (!judge_leaf_first(s))
        return;
    if (path_search_from_leaf(s))
        judge_found(s);
    else if ((s->spent || s->left_out) && s->worst_depth < PATH_MAX_CERTS)
        path_say(s->out, "ID-215", NULL); /* nothing is revoked; the rest might have been found */
}

static size_t at_most(size_t count, size_t max)
{
    return count < max ? count : max;
}

/* NULL, or why the leaf cannot be judged. A presented certificate that cannot be read is no issuer. */
static const char *open_all(path_search *s)
{
    const path_input *in = s->in;
    size_t presented = at_most(in->presented_count, GIVEN_MAX),
           configured = at_most(in->configured_count, GIVEN_MAX);
    const char *id = path_certificate_open(in->leaf, &s->leaf);
    if (id != NULL)
        return id;
    s->left_out = presented < in->presented_count || configured < in->configured_count;
    s->presented_room = presented + configured + LEARNED_MAX;
    s->presented = DX_ARENA_ARRAY(s->arena, path_certificate, s->presented_room);
    s->policies = DX_ARENA_NEW(s->arena, policy_outcome);
    if (s->presented == NULL || s->policies == NULL || !path_open_anchors(s))
        return "ID-901";
    for (size_t i = 0; i < presented; i++)
        path_add_intermediate(s, in->presented[i], PATH_PRESENTED);
    for (size_t i = 0; i < configured; i++)
        path_add_intermediate(s, in->configured[i], PATH_CONFIGURED);
    return NULL;
}

static struct dx_rc no_memory(dx_why *why)
{
    return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for a judgement");
}

static void begin(path_search *s, path_judge_state *judge, const path_input *input, dx_arena *arena,
                  trust_verdict *verdict)
{
    *s = (path_search){.in = input,
                       .rules = input->rules != NULL ? input->rules : path_rules_of(input->profile),
                       .limits = input->limits != NULL ? *input->limits : path_limits_default,
                       .clock = input->clock != NULL ? input->clock : &dx_clock_thread_cpu,
                       .memo = judge->memo,
                       .arena = arena,
                       .out = verdict,
                       .worst_depth = -1};
    s->limits.candidates = (unsigned)at_most(s->limits.candidates, CANDIDATES_MAX);
    s->limits.certificates = (unsigned)at_most(s->limits.certificates, PATH_MAX_CERTS);
    s->until_us = dx_mono_us(s->clock) + (int64_t)s->limits.cpu_ms * 1000;
    s->comparisons = s->limits.comparisons;
    if (input->snapshot != NULL) {
        verdict->epoch = tlist_snapshot_epoch(input->snapshot);
        memcpy(verdict->snapshot_id, tlist_snapshot_id(input->snapshot), 32);
    }
}

DX_RC path_judge(path_judge_state *judge, const path_input *input, dx_arena *arena, trust_verdict *verdict,
                 revocation_question *questions, size_t *question_count, dx_why *why)
{
    path_search *s = DX_ARENA_NEW(arena, path_search);
    *verdict = (trust_verdict){0};
    *question_count = 0;
    if (s == NULL)
        return no_memory(why);
    if (input->snapshot == NULL && input->anchor_count == 0)
        return DX_FAIL_ID(why, CONFIG, "ID-903", "", "no trusted list is loaded");
    begin(s, judge, input, arena, verdict);
    s->questions = questions;
    s->question_count = question_count;
    path_say(verdict, "ID-301", NULL);
    const char *id = open_all(s);
    if (id == NULL)
        judge_opened(s);
    else
        path_say(verdict, id, NULL);
    s->no_memory |= id != NULL && strcmp(id, "ID-901") == 0;
    verdict->signatures = s->signatures;
    verdict->nodes = s->nodes;
    verdict->cost_us = (uint32_t)(dx_mono_us(s->clock) - s->until_us + (int64_t)s->limits.cpu_ms * 1000);
    if (!s->no_memory)
        return DX_OKAY;
    /* What did not fit may have been the withdrawal that decides. */
    path_say(verdict, "ID-901", NULL);
    *question_count = 0;
    return no_memory(why);
}

DX_RC path_claims(dx_bytes leaf, organisation *org, int64_t *not_before_s, int64_t *not_after_s, dx_why *why)
{
    path_certificate c;
    organisation_remarks ignored = {0};
    const char *id = path_certificate_open(leaf, &c);
    if (id == NULL) {
        (void)organisation_read(&c.facts, NULL, org, &ignored);
        *not_before_s = c.from_s;
        *not_after_s = c.until_s;
        id = c.dated ? NULL : "ID-107";
    }
    if (id == NULL)
        return DX_OKAY;
    if (strcmp(id, "ID-901") == 0)
        return no_memory(why);
    const char *clause, *text = path_check_text(id, &clause);
    return DX_FAIL_ID(why, MALFORMED, id, clause, "%s", text);
}

const char *path_stamp_class(const trust_verdict *v)
{
    if (strcmp(v->level, "eu-qtst") == 0)
        return "EU-QTSA";
    if (strcmp(v->level, "jp-tsa") == 0)
        return "JP-MIC";
    return v->anchor.set ? "listed" : "private";
}
