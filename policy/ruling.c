/* The ruling as people and replay read it (policy.md 13): RFC 8785, so the members stand in order of their
 * names. */
#include "policy/policy_judge.h"

#include <stdio.h>

#define SHOWN_MAX 8 /* leaves of each kind in a trace */
#define RULING_MAX                                                                                           \
    (8 * 1024 *                                                                                              \
     1024) /* a value as written has at most 4096 elements of 4 KiB; more is cut off as no memory */

/* ---- the rule named, leaf by leaf ---- */

typedef struct {
    judge *j;
    dx_buf failed, unknown;
    unsigned failed_count, unknown_count;
    int64_t passed;
    char path[512];
    size_t path_size;
    bool broken;
} describing;

static void describe_leaf(describing *d, const condition *leaf, truth t, dx_buf *out, unsigned *count)
{
    if ((*count)++ >= SHOWN_MAX)
        return;
    const policy_attribute_row *row = &policy_attributes[leaf->attr];
    const policy_fact *fact = judge_fact(d->j, leaf->attr);
    struct dx_rc rc = dx_buf_addf(
        out, "%s{\"asserted_by\":\"%s\",\"attr\":\"%s\"", out->size > 1 ? "," : "",
        policy_source_name(fact->known ? (policy_source_of_fact)fact->source : row->source), row->name);
    if (rc.code == DX_OK && fact->known) {
        rc = dx_buf_add_text(out, ",\"got\":");
        if (rc.code == DX_OK)
            rc = policy_fact_print(fact, row->type, out);
    }
    if (rc.code == DX_OK)
        rc = dx_buf_addf(out, ",\"op\":\"%s\",\"path\":", condition_ops[leaf->op].name);
    if (rc.code == DX_OK)
        rc = dx_json_quote(dx_bytes_of(d->path, d->path_size), out);
    if (rc.code == DX_OK)
        rc = dx_buf_addf(out, ",\"truth\":\"%s\",\"want\":",
                         t == TRUTH_TRUE    ? "true"
                         : t == TRUTH_FALSE ? "false"
                                            : "unknown");
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(out, leaf->want);
    if (rc.code == DX_OK)
        rc = dx_buf_add_byte(out, '}');
    d->broken = d->broken || rc.code != DX_OK;
}

static void describe(describing *d, const condition *c, bool against_true)
{
    if (c->kind == NODE_LEAF) {
        truth t = judge_leaf(d->j, c);
        if (t == TRUTH_UNKNOWN)
            describe_leaf(d, c, t, &d->unknown, &d->unknown_count);
        else if (t == (against_true ? TRUTH_TRUE : TRUTH_FALSE))
            describe_leaf(d, c, t, &d->failed, &d->failed_count);
        else if (t != TRUTH_PENDING)
            d->passed++;
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        size_t before = d->path_size;
        int n =
            snprintf(d->path + before, sizeof d->path - before, "/%s/%u", condition_group_names[c->kind], i);
        d->path_size = before + (size_t)n < sizeof d->path ? before + (size_t)n : before;
        describe(d, &c->members[i], c->kind == NODE_NONE ? !against_true : against_true);
        d->path_size = before;
    }
}

static int64_t passed_leaves(const judge *j, const condition *c, bool against_true)
{
    if (c->kind == NODE_LEAF) {
        truth t = judge_leaf(j, c);
        return t == (against_true ? TRUTH_FALSE : TRUTH_TRUE);
    }
    int64_t sum = 0;
    for (uint32_t i = 0; i < c->count; i++)
        sum += passed_leaves(j, &c->members[i], c->kind == NODE_NONE ? !against_true : against_true);
    return sum;
}

static void find_nearest(judge *j, judge_trace *t)
{
    int64_t best = -1;
    for (size_t i = 0; i < j->agreement->permit_count; i++) {
        const model_permit *p = &j->agreement->permits[i];
        bool mine = !p->rule.shadow && model_permit_offers(p, j->dataset, j->f->fact[POLICY_REQ_METHOD].text);
        int64_t passed = mine ? passed_leaves(j, p->rule.when, false) : -1;
        if (passed <= best)
            continue;
        best = passed;
        t->nearest = dx_arena_printf(j->arena, "%s (%lld/%u)", p->rule.id, (long long)passed, p->rule.leaves);
        j->out_of_room = j->out_of_room || t->nearest == NULL;
    }
}

static bool described(judge_code code)
{
    return code == CODE_PERMIT_CONDITION_FALSE || code == CODE_PERMIT_CONDITION_UNKNOWN ||
           code == CODE_GUARD_MATCHED || code == CODE_GUARD_UNKNOWN || code == CODE_PARTNERSHIP_NEVER ||
           code == CODE_PROHIBIT_MATCHED || code == CODE_PROHIBIT_UNKNOWN || code == CODE_AUTHORITY_SCOPE ||
           code == CODE_AUTHORITY_CASE_MISSING;
}

/* Called at the end of a phase that said no, when its facts still stand. */
void trace_describe(judge *j, judge_trace *t, judge_code code)
{
    if (t->rule == NULL || !described(code))
        return;
    describing d = {.j = j};
    dx_buf_init(&d.failed, RULING_MAX);
    dx_buf_init(&d.unknown, RULING_MAX);
    d.path_size = (size_t)snprintf(d.path, sizeof d.path, "%s", t->rule->when_at);
    d.broken =
        dx_buf_add_byte(&d.failed, '[').code != DX_OK || dx_buf_add_byte(&d.unknown, '[').code != DX_OK;
    describe(&d, t->rule->when, !t->permit);
    d.broken = d.broken || dx_buf_add_byte(&d.failed, ']').code != DX_OK ||
               dx_buf_add_byte(&d.unknown, ']').code != DX_OK;
    t->failed = dx_arena_text(j->arena, dx_buf_view(&d.failed));
    t->unknown = dx_arena_text(j->arena, dx_buf_view(&d.unknown));
    t->passed = d.passed;
    j->out_of_room = j->out_of_room || d.broken || t->failed == NULL || t->unknown == NULL;
    dx_buf_fini(&d.failed);
    dx_buf_fini(&d.unknown);
    if (code == CODE_PERMIT_CONDITION_FALSE || code == CODE_PERMIT_CONDITION_UNKNOWN)
        find_nearest(j, t);
}

/* ---- print ---- */

static DX_RC text_member(dx_buf *out, const char *name, const char *text)
{
    if (text == NULL)
        return DX_OKAY;
    DX_TRY(dx_buf_addf(out, "%s\"%s\":", out->data[out->size - 1] == '{' ? "" : ",", name));
    return dx_json_quote(dx_bytes_text(text), out);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static DX_RC pending_print(const policy_ruling *r, const judge_trace *t, dx_buf *out)
{
    DX_TRY(dx_buf_add_text(out, ",\"pending\":["));
    if (r->answer == POLICY_PERMIT && t->pending_count > 0) {
        qsort(t->pending, t->pending_count, sizeof *t->pending, compare_text);
        for (size_t i = 0; i < t->pending_count; i++) {
            if (i > 0)
                DX_TRY(dx_buf_add_byte(out, ','));
            DX_TRY(dx_json_quote(dx_bytes_text(t->pending[i]), out));
        }
    }
    return dx_buf_add_byte(out, ']');
}

static DX_RC quota_print(const policy_ruling *r, dx_buf *out)
{
    DX_TRY(dx_buf_add_text(out, ",\"quota\":["));
    for (size_t i = 0; r->answer == POLICY_PERMIT && i < r->quota_count; i++) {
        DX_TRY(dx_buf_addf(out, "%s{\"amount\":%lld,\"key\":", i == 0 ? "" : ",",
                           (long long)r->quota[i].amount));
        DX_TRY(dx_json_quote(dx_bytes_text(r->quota[i].key), out));
        DX_TRY(dx_buf_addf(out, ",\"max\":%lld}", (long long)r->quota[i].max));
    }
    return dx_buf_add_byte(out, ']');
}

static DX_RC would_print(const judge_trace *t, dx_buf *out)
{
    DX_TRY(dx_buf_add_text(out, ",\"would\":["));
    for (size_t i = 0; i < t->would_count; i++) {
        DX_TRY(dx_buf_add_text(out, i == 0 ? "{\"clause\":" : ",{\"clause\":"));
        DX_TRY(dx_json_quote(dx_bytes_text(t->would[i].clause), out));
        DX_TRY(dx_buf_addf(out, ",\"code\":\"%s\"}", t->would[i].code));
    }
    return dx_buf_add_byte(out, ']');
}

static const char *outcome(const policy_ruling *r)
{
    if (r->answer == POLICY_PERMIT || r->phase != POLICY_STREAM)
        return NULL;
    return strncmp(r->code, "quota.", 6) == 0         ? "quota.midstream"
           : strncmp(r->code, "obligation.", 11) == 0 ? "obligation.midstream"
                                                      : "stream.revoked";
}

DX_RC ruling_print(const policy *p, const policy_ruling *r, const judge_trace *t, const obligations *merged,
                   dx_buf *out)
{
    static const char *const phases[] = {"request", "response", "body", "stream"};
    bool permit = r->answer == POLICY_PERMIT;
    char hex[DX_HEX_SIZE(32)] = "", name[256];
    DX_TRY(dx_buf_add_byte(out, '{'));
    if (r->agreement_id != NULL) {
        snprintf(name, sizeof name, "%s@%lld", r->agreement_id, (long long)r->agreement_version);
        DX_TRY(text_member(out, "agreement", name));
    }
    if (p != NULL && p->has_manifest)
        dx_hex(dx_bytes_of(p->sha256, sizeof p->sha256), hex);
    DX_TRY(dx_buf_addf(out, "%s\"bundle\":{\"revision\":", out->size > 1 ? "," : ""));
    DX_TRY(dx_json_quote(dx_bytes_text(p == NULL ? "" : p->revision), out));
    DX_TRY(
        dx_buf_addf(out, ",\"serial\":%lld,\"sha256\":\"%s\"}", p == NULL ? 0LL : (long long)p->serial, hex));
    DX_TRY(text_member(out, "clause", r->clause));
    DX_TRY(text_member(out, "code", r->code));
    DX_TRY(text_member(out, "decision", permit ? "permit" : "deny"));
    DX_TRY(dx_buf_addf(out, ",\"failed\":%s", t->failed != NULL && !permit ? t->failed : "[]"));
    DX_TRY(text_member(out, "law", r->law));
    DX_TRY(text_member(out, "nearest", permit ? NULL : t->nearest));
    DX_TRY(dx_buf_add_text(out, ",\"obligations\":"));
    DX_TRY(permit ? oblige_print(merged, out) : dx_buf_add_text(out, "{}"));
    DX_TRY(text_member(out, "outcome", outcome(r)));
    DX_TRY(dx_buf_addf(out, ",\"passed\":%lld", permit ? 0LL : (long long)t->passed));
    DX_TRY(pending_print(r, t, out));
    DX_TRY(text_member(out, "phase", phases[r->phase]));
    DX_TRY(quota_print(r, out));
    DX_TRY(text_member(out, "rule", r->rule));
    DX_TRY(dx_buf_addf(out, ",\"unknown\":%s", t->unknown != NULL && !permit ? t->unknown : "[]"));
    DX_TRY(would_print(t, out));
    return dx_buf_add_byte(out, '}');
}

const char *policy_ruling_print(const policy *p, policy_phase upto, const policy_facts *facts,
                                const policy_can *can, dx_arena *arena)
{
    judge_trace trace = {0};
    obligations merged = {0};
    policy_ruling r = p == NULL ? policy_evaluate(NULL, upto, facts, can, arena)
                                : evaluate_walk(p, upto, facts, can, arena, false, &trace, &merged);
    dx_buf out;
    dx_buf_init(&out, RULING_MAX);
    const char *text = ruling_print(p, &r, &trace, &merged, &out).code == DX_OK
                           ? dx_arena_text(arena, dx_buf_view(&out))
                           : NULL;
    dx_buf_fini(&out);
    return text;
}
