#include "trust/path/path_private.h"

#include "trust/base/clock.h"

#include <stdlib.h>

/* One judgement from end to end: open, form of the leaf, search, what the service makes of it. */

DX_RC path_judge_new(path_judge_state **out, dx_why *why)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for a judge") : DX_OKAY;
}

void path_judge_free(path_judge_state *judge)
{
    free(judge);
}

static bool judge_leaf_first(path_search *s)
{
    const char *id = path_check_form(s, &s->leaf);
    s->out->not_before_s = s->leaf.from_s;
    s->out->not_after_s = s->leaf.until_s;
    if (id == NULL && s->in->at_s < s->leaf.from_s)
        id = "ID-203";
    if (id == NULL && s->in->at_s > s->leaf.until_s)
        id = "ID-204";
    if (id != NULL)
        path_say(s->out, id, NULL);
    return id == NULL;
}

static void judge_opened(path_search *s)
{
    bool peer = s->in->profile == PATH_PEER || s->in->profile == PATH_SEAL;
    organisation_remarks remarks = {0};
    const char *person = organisation_read(&s->leaf.facts, s->in->identity, &s->out->org, &remarks);
    for (size_t i = 0; i < remarks.count; i++)
        path_remark(s->out, remarks.ids[i]);
    s->person = peer ? person : NULL;
    if (!judge_leaf_first(s))
        return;
    if (path_search_from_leaf(s))
        path_qualify(s);
    else if (s->spent && s->worst_depth < DEPTH_MAX) /* nothing is revoked; the rest might have been found */
        path_say(s->out, "ID-215", NULL);
}

/* NULL, or why the leaf cannot be judged. A presented certificate that cannot be read is no issuer. */
static const char *open_all(path_search *s)
{
    const char *id = path_certificate_open(s->in->leaf, s->arena, &s->leaf);
    for (size_t i = 0; id == NULL && i < s->in->presented_count && s->presented_count < PRESENTED_MAX; i++) {
        const char *bad =
            path_certificate_open(s->in->presented[i], s->arena, &s->presented[s->presented_count]);
        if (bad == NULL)
            s->presented_count++;
        else if (strcmp(bad, "ID-901") == 0)
            id = bad;
    }
    return id;
}

static void close_all(path_search *s)
{
    for (size_t i = 0; i < s->presented_count; i++)
        path_certificate_close(&s->presented[i]);
    for (size_t i = 0; i < DEPTH_MAX; i++)
        path_certificate_close(&s->listed[i]);
    path_certificate_close(&s->leaf);
}

static struct dx_rc no_memory(dx_why *why)
{
    return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for a judgement");
}

DX_RC path_judge(path_judge_state *judge, const path_input *input, dx_arena *arena, trust_verdict *verdict,
                 revocation_question *questions, size_t *question_count, dx_why *why)
{
    int64_t started_us = dx_mono_us(&dx_clock_system);
    path_search *s = DX_ARENA_NEW(arena, path_search);
    judge->judgements++;
    *verdict = (trust_verdict){0};
    *question_count = 0;
    if (s == NULL)
        return no_memory(why);
    if (input->snapshot == NULL)
        return DX_FAIL_ID(why, CONFIG, "ID-903", "", "no trusted list is loaded");
    *s = (path_search){.in = input,
                       .arena = arena,
                       .out = verdict,
                       .questions = questions,
                       .question_count = question_count,
                       .worst_depth = -1};
    verdict->epoch = tlist_snapshot_epoch(input->snapshot);
    memcpy(verdict->snapshot_id, tlist_snapshot_id(input->snapshot), 32);
    path_say(verdict, "ID-301", NULL);
    const char *id = open_all(s);
    if (id == NULL)
        judge_opened(s);
    else
        path_say(verdict, id, NULL);
    s->no_memory |= id != NULL && strcmp(id, "ID-901") == 0;
    close_all(s);
    verdict->signatures = s->signatures;
    verdict->nodes = s->nodes;
    verdict->cost_us = (uint32_t)(dx_mono_us(&dx_clock_system) - started_us);
    if (!s->no_memory)
        return DX_OKAY;
    /* What did not fit may have been the withdrawal that decides. */
    path_say(verdict, "ID-901", NULL);
    *question_count = 0;
    return no_memory(why);
}

DX_RC path_claims(dx_bytes leaf, organisation *org, int64_t *not_before_s, int64_t *not_after_s, dx_why *why)
{
    dx_arena arena = {0};
    path_certificate c;
    organisation_remarks ignored = {0};
    const char *id = path_certificate_open(leaf, &arena, &c);
    if (id == NULL) {
        (void)organisation_read(&c.facts, NULL, org, &ignored);
        *not_before_s = c.from_s;
        *not_after_s = c.until_s;
        id = c.dated ? NULL : "ID-107";
        path_certificate_close(&c);
    }
    dx_arena_fini(&arena);
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
