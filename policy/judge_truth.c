#include "policy/policy_judge.h"

#include <stdio.h>

static const uint8_t slots[POLICY_ATTRIBUTE_COUNT] = {
    [POLICY_PEER_ORG_SCHEME] = SEEN_ORG_SCHEME,
    [POLICY_PEER_ORG_COUNTRY] = SEEN_ORG_COUNTRY,
    [POLICY_PEER_KIND] = SEEN_KIND,
    [POLICY_PEER_PARTY] = SEEN_PARTY,
    [POLICY_PEER_GROUPS] = SEEN_GROUPS,
    [POLICY_PEER_SECTOR] = SEEN_SECTOR,
    [POLICY_PEER_ASSURANCE] = SEEN_ASSURANCE,
    [POLICY_PEER_ASSURANCE_ROW] = SEEN_ASSURANCE_ROW,
    [POLICY_REQ_DATASET] = SEEN_DATASET,
    [POLICY_REQ_FLOW] = SEEN_FLOW,
    [POLICY_DATA_PERSONAL] = SEEN_PERSONAL,
    [POLICY_DATA_SPECIAL] = SEEN_SPECIAL,
    [POLICY_DATA_CATEGORY] = SEEN_CATEGORY,
    [POLICY_DATA_ORIGIN] = SEEN_ORIGIN,
    [POLICY_DATA_STATE] = SEEN_STATE,
    [POLICY_DATA_LABELS] = SEEN_LABELS,
    [POLICY_DATA_DUO] = SEEN_DUO,
    [POLICY_AGREEMENT_ID] = SEEN_AGREEMENT_ID,
    [POLICY_AGREEMENT_VERSION] = SEEN_AGREEMENT_VERSION,
    [POLICY_AGREEMENT_STATE] = SEEN_AGREEMENT_STATE,
    [POLICY_AGREEMENT_BASIS] = SEEN_AGREEMENT_BASIS,
    [POLICY_AGREEMENT_LICENCE_VALID] = SEEN_LICENCE,
    [POLICY_AGREEMENT_CHECK_AGE_D] = SEEN_CHECK_AGE,
    [POLICY_PARTNERSHIP_ID] = SEEN_PARTNERSHIP,
    [POLICY_INSTRUMENT_STATUS] = SEEN_INSTRUMENT,
    [POLICY_INSTRUMENT_DAYS_LEFT] = SEEN_DAYS_LEFT,
    [POLICY_DATASET_PERMISSION] = SEEN_PERMISSION,
    [POLICY_BUNDLE_SERIAL] = SEEN_SERIAL,
};

static const policy_fact missing;

static bool due(const judge *j, int attribute)
{
    if (j->phase == POLICY_STREAM)
        return true;
    switch (policy_attributes[attribute].due) {
    case DUE_RESPONSE:
        return j->phase == POLICY_RESPONSE || (j->phase == POLICY_BODY && !j->import);
    case DUE_BODY:
        return j->phase == POLICY_BODY || (j->phase == POLICY_RESPONSE && j->import);
    case DUE_CONNECTION:
    case DUE_REQUEST:
        break;
    }
    return true;
}

const policy_fact *judge_fact(const judge *j, int attribute)
{
    if (policy_attributes[attribute].due > DUE_REQUEST && !due(j, attribute))
        return &missing;
    unsigned slot = slots[attribute];
    if (slot == SEEN_NONE)
        return &j->f->fact[attribute];
    return j->seen[slot] == NULL ? &missing : j->seen[slot];
}

/* ---- leaves ---- */

static bool within(const condition *c, int64_t now_us)
{
    int64_t now_s = now_us >= 0 ? now_us / 1000000 : (now_us - 999999) / 1000000;
    int64_t local = now_s + c->within.offset_s;
    int64_t day = local >= 0 ? local / 86400 : (local - 86399) / 86400;
    int second = (int)(local - day * 86400);
    int weekday = (int)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    if (c->within.days != 0 && (c->within.days & 1U << weekday) == 0)
        return false;
    if (c->within.from_s < 0)
        return true;
    if (c->within.from_s < c->within.to_s)
        return second >= c->within.from_s && second < c->within.to_s;
    return second >= c->within.from_s || second < c->within.to_s;
}

static int compare_levels(policy_level a, policy_level b, bool *ge, bool *le)
{
    *ge = a.l >= b.l && a.s >= b.s && a.t >= b.t && a.r >= b.r;
    *le = a.l <= b.l && a.s <= b.s && a.t <= b.t && a.r <= b.r;
    return *ge && *le;
}

static bool equal(policy_type type, const policy_fact *a, const policy_fact *b)
{
    bool ge, le;
    if (type == TYPE_BOOL)
        return a->flag == b->flag;
    if (type == TYPE_INT || type == TYPE_TIME)
        return a->number == b->number;
    if (type == TYPE_LEVEL)
        return compare_levels(a->level, b->level, &ge, &le) != 0;
    return dx_bytes_equal(a->text, b->text);
}

static bool member(policy_type type, const policy_fact *a, text_set set)
{
    char number[24];
    if (type != TYPE_INT)
        return text_set_has(set, a->text);
    int n = snprintf(number, sizeof number, "%lld", (long long)a->number);
    return text_set_has(set, dx_bytes_of(number, (size_t)n));
}

static truth of(bool b)
{
    return b ? TRUTH_TRUE : TRUTH_FALSE;
}

/* The leaf's own value as a fact, so that {"attr":B} and a literal are compared alike. */
static policy_fact literal(const condition *c, policy_type type)
{
    policy_fact v = {.known = true};
    if (type == TYPE_BOOL)
        v.flag = c->flag;
    else if (type == TYPE_INT || type == TYPE_TIME)
        v.number = c->number;
    else if (type == TYPE_LEVEL)
        v.level = c->level;
    else if (policy_type_is_set(type))
        v.set = c->set;
    else
        v.text = c->text;
    return v;
}

truth judge_leaf(const judge *j, const condition *c)
{
    policy_type type = policy_attributes[c->attr].type;
    if (!j->last && (!due(j, c->attr) || (c->other >= 0 && !due(j, c->other))))
        return TRUTH_PENDING;
    const policy_fact *a = judge_fact(j, c->attr);
    if (c->op == OP_EXISTS)
        return of(a->known == c->flag);
    if (!a->known)
        return TRUTH_UNKNOWN;
    if (c->op == OP_WITHIN)
        return of(within(c, a->number));
    if (c->op == OP_IN || c->op == OP_NOT_IN)
        return of(member(type, a, c->set) == (c->op == OP_IN));
    policy_fact value;
    const policy_fact *b = &value;
    if (c->other >= 0) {
        b = judge_fact(j, c->other);
        if (!b->known)
            return TRUTH_UNKNOWN;
    } else {
        value = literal(c, type);
    }
    bool ge, le;
    switch ((condition_op)c->op) {
    case OP_EQ:
        return of(equal(type, a, b));
    case OP_NE:
        return of(!equal(type, a, b));
    case OP_LT:
        return of(a->number < b->number);
    case OP_GT:
        return of(a->number > b->number);
    case OP_LTE:
    case OP_GTE:
        if (type != TYPE_LEVEL)
            return of(c->op == OP_LTE ? a->number <= b->number : a->number >= b->number);
        compare_levels(a->level, b->level, &ge, &le);
        return of(c->op == OP_LTE ? le : ge);
    case OP_CONTAINS_ANY:
        return of(text_set_meets(a->set, b->set));
    case OP_CONTAINS_NONE:
        return of(!text_set_meets(a->set, b->set));
    case OP_CONTAINS_ALL:
        return of(text_set_subset(b->set, a->set));
    case OP_SUBSET_OF:
        return a->set.count == 0 ? TRUTH_UNKNOWN : of(text_set_subset(a->set, b->set));
    case OP_IN:
    case OP_NOT_IN:
    case OP_WITHIN:
    case OP_EXISTS:
    case OP_COUNT:
        break;
    }
    return TRUTH_UNKNOWN;
}

/* ---- groups ---- */

/* Which truth wins among members, first to last (policy.md 5). */
static const truth order_all[2][4] = {{TRUTH_FALSE, TRUTH_PENDING, TRUTH_UNKNOWN, TRUTH_TRUE},
                                      {TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_PENDING, TRUTH_TRUE}};
static const truth order_any[2][4] = {{TRUTH_TRUE, TRUTH_UNKNOWN, TRUTH_PENDING, TRUTH_FALSE},
                                      {TRUTH_TRUE, TRUTH_PENDING, TRUTH_UNKNOWN, TRUTH_FALSE}};

static truth negated(truth t)
{
    return t == TRUTH_TRUE ? TRUTH_FALSE : t == TRUTH_FALSE ? TRUTH_TRUE : t;
}

truth judge_condition(const judge *j, const condition *c, bool permit)
{
    if (c->kind == NODE_LEAF)
        return judge_leaf(j, c);
    bool column = c->kind == NODE_NONE ? !permit : permit;
    const truth *order = c->kind == NODE_ALL ? order_all[column] : order_any[column];
    unsigned met = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        truth t = judge_condition(j, &c->members[i], column);
        met |= 1U << t;
        if (t == order[0])
            break;
    }
    truth result = order[3];
    for (int i = 0; i < 3; i++)
        if ((met & 1U << order[i]) != 0) {
            result = order[i];
            break;
        }
    return c->kind == NODE_NONE ? negated(result) : result;
}

truth judge_rule(const judge *j, const model_rule *rule, bool permit)
{
    if (rule->phase > POLICY_REQUEST && !j->last && j->phase != POLICY_STREAM) {
        bool reached =
            rule->phase == (int)POLICY_RESPONSE ? due(j, POLICY_RES_STATUS) : due(j, POLICY_BODY_RECORDS);
        if (!reached)
            return TRUTH_PENDING;
    }
    return judge_condition(j, rule->when, permit);
}

const condition *judge_blame(const judge *j, const condition *c, truth was, bool permit, dx_buf *at,
                             const char **law)
{
    if (c->law != NULL)
        *law = c->law;
    if (c->kind == NODE_LEAF)
        return c;
    bool column = c->kind == NODE_NONE ? !permit : permit;
    truth wanted = c->kind == NODE_NONE ? negated(was) : was;
    for (uint32_t i = 0; i < c->count; i++)
        if (judge_condition(j, &c->members[i], column) == wanted) {
            if (dx_buf_addf(at, "/%s/%u", condition_group_names[c->kind], i).code != DX_OK)
                return c;
            return judge_blame(j, &c->members[i], wanted, column, at, law);
        }
    return c; /* an empty group blames itself */
}
