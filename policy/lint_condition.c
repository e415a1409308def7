/* Conditions that cannot be what their writer meant: PL-301 to 303, 305, 310. */
#include "policy/lint.h"

#include <stdio.h>

#define LEAVES_MAX 64
#define DEPTH_MAX  4

bool lint_names(const condition *c, int attribute)
{
    if (c->kind == NODE_LEAF)
        return c->attr == attribute || c->other == attribute;
    for (uint32_t i = 0; i < c->count; i++)
        if (lint_names(&c->members[i], attribute))
            return true;
    return false;
}

bool lint_same(const condition *a, const condition *b)
{
    if (a->kind != b->kind || a->count != b->count)
        return false;
    if (a->kind == NODE_LEAF)
        return a->attr == b->attr && a->op == b->op && strcmp(a->want, b->want) == 0;
    for (uint32_t i = 0; i < a->count; i++)
        if (!lint_same(&a->members[i], &b->members[i]))
            return false;
    return true;
}

typedef struct {
    lint *l;
    const model_document *doc;
    char at[200];
    size_t size;
} walk;

static size_t down(walk *w, const char *group, uint32_t index)
{
    size_t before = w->size;
    int n = snprintf(w->at + before, sizeof w->at - before, "/%s/%u", group, index);
    w->size = before + (size_t)n < sizeof w->at ? before + (size_t)n : before;
    return before;
}

static void up(walk *w, size_t before)
{
    w->size = before;
    w->at[before] = 0;
}

/* Two `eq` of one attribute with other values in one `all` never hold together. */
static void check_equals(walk *w, const condition *c)
{
    for (uint32_t i = 1; i < c->count; i++)
        for (uint32_t k = 0; k < i; k++) {
            const condition *x = &c->members[k], *y = &c->members[i];
            if (x->kind != NODE_LEAF || y->kind != NODE_LEAF || x->op != OP_EQ || y->op != OP_EQ ||
                x->attr != y->attr || x->other >= 0 || y->other >= 0 || strcmp(x->want, y->want) == 0)
                continue;
            lint_say(w->l, w->doc, 303, true, w->at, "always false: %s cannot equal both %.60s and %.60s",
                     policy_attributes[x->attr].name, x->want, y->want);
            return;
        }
}

static void check_node(walk *w, const condition *c, unsigned depth)
{
    if (c->kind == NODE_LEAF) {
        bool empty = c->other < 0 && strcmp(c->want, "[]") == 0;
        if (empty && (c->op == OP_NOT_IN || c->op == OP_CONTAINS_ALL || c->op == OP_CONTAINS_NONE))
            lint_say(w->l, w->doc, 302, true, w->at, "always true: the value is empty");
        if (empty && (c->op == OP_IN || c->op == OP_CONTAINS_ANY || c->op == OP_SUBSET_OF))
            lint_say(w->l, w->doc, 303, true, w->at, "always false: the value is empty");
        return;
    }
    if (depth > DEPTH_MAX) {
        lint_say(w->l, w->doc, 305, false, w->at, "groups nest deeper than %d", DEPTH_MAX);
        return;
    }
    if (c->count == 0 && c->kind == NODE_ANY)
        lint_say(w->l, w->doc, 303, true, w->at, "always false: an empty any");
    else if (c->count == 0)
        lint_say(w->l, w->doc, 302, true, w->at, "always true: an empty %s", condition_group_names[c->kind]);
    if (c->kind == NODE_ALL)
        check_equals(w, c);
    for (uint32_t i = 0; i < c->count; i++) {
        size_t before = down(w, condition_group_names[c->kind], i);
        check_node(w, &c->members[i], depth + 1);
        up(w, before);
    }
}

static unsigned leaves_of(const condition *c)
{
    unsigned sum = c->kind == NODE_LEAF;
    for (uint32_t i = 0; i < c->count; i++)
        sum += leaves_of(&c->members[i]);
    return sum;
}

void lint_condition(lint *l, const model_document *doc, const condition *c, const char *pointer)
{
    walk w = {.l = l, .doc = doc};
    int n = snprintf(w.at, sizeof w.at, "%s", pointer);
    w.size = (size_t)n < sizeof w.at ? (size_t)n : sizeof w.at - 1;
    unsigned leaves = leaves_of(c);
    if (leaves > LEAVES_MAX)
        lint_say(l, doc, 305, false, w.at, "%u leaves, the limit is %d", leaves, LEAVES_MAX);
    check_node(&w, c, 1);
}

/* A rule that says when it is judged must have its facts by then: in a flow of either direction, so the later
 * counts. */
void lint_rule(lint *l, const model_rule *rule)
{
    lint_condition(l, rule->doc, rule->when, rule->when_at);
    bool early = (rule->phase == (int)POLICY_REQUEST && (rule->names_body || rule->names_response)) ||
                 (rule->phase == (int)POLICY_RESPONSE && rule->names_body);
    if (early)
        lint_say(l, rule->doc, 301, false, lint_at(l, "%s/phase", rule->pointer),
                 "the rule is judged before the facts it names are there (%s)",
                 rule->names_body ? "body" : "response");
}

/* PL-310: what a permit allows as purpose stays inside the partnership's. Below a `none` it is no permission.
 */
static void purposes(walk *w, const condition *c, const model_partnership *ps)
{
    if (c->kind == NODE_NONE)
        return;
    if (c->kind == NODE_LEAF) {
        bool asks = c->op == OP_SUBSET_OF || c->op == OP_CONTAINS_ANY || c->op == OP_CONTAINS_ALL;
        if (c->attr == POLICY_REQ_PURPOSE && asks && c->other < 0 &&
            !text_set_subset(c->set, ps->floors.purposes)) {
            char at[240];
            snprintf(at, sizeof at, "%s/value", w->at);
            lint_say(w->l, w->doc, 310, false, at,
                     "a purpose is outside the partnership's (%.100s#/floors/purposes)", ps->doc.id);
        }
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        size_t before = down(w, condition_group_names[c->kind], i);
        purposes(w, &c->members[i], ps);
        up(w, before);
    }
}

void lint_purposes(lint *l, const model_agreement *a, const model_permit *p)
{
    walk w = {.l = l, .doc = &a->doc};
    w.size = (size_t)snprintf(w.at, sizeof w.at, "%s", p->rule.when_at);
    purposes(&w, p->rule.when, a->under);
}
