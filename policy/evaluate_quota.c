/* Step 10 of policy.md 6: the counters that a yes would charge. The same for permits and for grants. */
#include "policy/evaluate.h"

/* Reserved for what has no declared size, topped up while streaming. */
#define QUOTA_STEP_BYTES (1024 * 1024)

static int64_t quota_amount(const judge *j, const model_quota *q)
{
    if (q->of == QUOTA_REQUESTS)
        return j->phase == POLICY_STREAM ? 0 : 1;
    if (q->of == QUOTA_RECORDS) {
        const policy_fact *records = judge_fact(j, POLICY_BODY_RECORDS);
        return records->known ? records->number : 0;
    }
    const policy_fact *size = judge_fact(j, j->import ? POLICY_REQ_BYTES : POLICY_RES_BYTES);
    return size->known && j->phase != POLICY_STREAM ? size->number : QUOTA_STEP_BYTES;
}

static const char *quota_key(judge *j, const model_quota *q, const holding *h)
{
    const char *of = model_quota_of[q->of], *per = model_quota_per[q->per],
               *window = model_quota_window[q->window];
    const char *base = j->authority != NULL && j->regulator ? j->authority->doc.id : j->agreement->doc.id;
    dx_bytes org =
        j->f->fact[POLICY_PEER_ORG_ID].known ? j->f->fact[POLICY_PEER_ORG_ID].text : (dx_bytes){NULL, 0};
    const char *zone = (const char *)q->zone.data, *key = NULL;
    if (q->per == QUOTA_OF_AGREEMENT)
        key = dx_arena_printf(j->arena, "%s/%s/%s/%s/%s", of, per, window, zone, base);
    else if (q->per == QUOTA_OF_PERMIT)
        key = dx_arena_printf(j->arena, "%s/%s/%s/%s/%s#%s", of, per, window, zone, base, h->rule->id);
    else
        key = dx_arena_printf(j->arena, "%s/%s/%s/%s/" DX_TEXT_FMT, of, per, window, zone, DX_TEXT_ARG(org));
    j->out_of_room = j->out_of_room || key == NULL;
    return key;
}

static bool over_usage(const judge *j, const model_quota *q, int64_t max, int64_t amount)
{
    const policy_fact *used = judge_fact(j, (int)POLICY_USAGE_REQUESTS_MINUTE + (int)(q->of * 5 + q->window));
    int64_t before = used->known ? used->number : 0;
    return before > max || amount > max - before;
}

static bool no_by_quota(judge *j, policy_ruling *r, judge_code code, const holding *h, const model_quota *q)
{
    return judge_no_by_rule(j, r, code, h->rule, q->pointer, q->law);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const policy_quota *)a)->key, ((const policy_quota *)b)->key);
}

bool evaluate_quota(judge *j, policy_ruling *r, const holding *holds, size_t count)
{
    static const judge_code codes[] = {CODE_QUOTA_REQUESTS, CODE_QUOTA_BYTES, CODE_QUOTA_RECORDS};
    size_t total = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        total += holds[i].quota_count;
    if (total == 0)
        return true;
    policy_quota *list = DX_ARENA_ARRAY(j->arena, policy_quota, total);
    const model_quota **entries = DX_ARENA_ARRAY(j->arena, const model_quota *, total);
    const holding **owners = DX_ARENA_ARRAY(j->arena, const holding *, total);
    if (list == NULL || entries == NULL || owners == NULL) {
        j->out_of_room = true;
        return judge_no(j, r, CODE_ENGINE_LIMIT);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < holds[i].quota_count; k++) {
            const model_quota *q = &holds[i].quota[k];
            if (q->unless != NULL && judge_condition(j, q->unless, true) == TRUTH_TRUE)
                continue;
            const char *key = quota_key(j, q, &holds[i]);
            size_t at = 0;
            while (key != NULL && at < n && strcmp(list[at].key, key) != 0)
                at++;
            if (key == NULL || (at < n && list[at].max <= q->max))
                continue;
            entries[at] = q;
            owners[at] = &holds[i];
            list[at] = (policy_quota){.key = key,
                                      .max = q->max,
                                      .amount = quota_amount(j, q),
                                      .code = judge_codes[codes[q->of]].code,
                                      .window = model_quota_window[q->window],
                                      .offset_s = q->offset_s,
                                      .of = (int)q->of};
            n = at == n ? n + 1 : n;
        }
    if (n > 0 && j->can != NULL && j->can->has_table && !j->can->meter)
        return no_by_quota(j, r, CODE_QUOTA_STORE_UNAVAILABLE, owners[0], entries[0]);
    for (size_t i = 0; i < n; i++) {
        list[i].clause = judge_clause(j, owners[i]->rule->doc, entries[i]->pointer);
        list[i].law = entries[i]->law != NULL        ? entries[i]->law
                      : owners[i]->rule->law != NULL ? owners[i]->rule->law
                                                     : owners[i]->rule->doc->law;
        list[i].rule = owners[i]->rule->id;
        if (j->check_usage && over_usage(j, entries[i], list[i].max, list[i].amount))
            return no_by_quota(j, r, codes[entries[i]->of], owners[i], entries[i]);
    }
    qsort(list, n, sizeof *list, by_key);
    r->quota = list;
    r->quota_count = n;
    return true;
}
