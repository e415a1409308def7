/* Step 9 of policy.md 6: what all that holds asks for together, and whether it can be met. The same for
 * permits and for grants. */
#include "policy/evaluate.h"

static bool no_by_obligation(judge *j, policy_ruling *r, judge_code code, const holding *source,
                             oblige_name name)
{
    const char *pointer =
        source == NULL ? dx_arena_printf(j->arena, "/floors/%s", oblige_names[name])
                       : dx_arena_printf(j->arena, "%s/oblige/%s", source->rule->pointer, oblige_names[name]);
    if (pointer == NULL) {
        j->out_of_room = true;
        return judge_no(j, r, CODE_ENGINE_LIMIT);
    }
    if (source == NULL)
        return judge_no_at(j, r, code, &j->agreement->under->doc, pointer, NULL);
    return judge_no_by_rule(j, r, code, source->rule, pointer, NULL);
}

typedef enum { ASK_CONFLICT, ASK_CAN, ASK_RECORDS, ASK_FAILED, ASK_END } question;

static judge_code answer(const judge *j, const obligations *o, oblige_name name, question q)
{
    const policy_fact *records;
    can_answer can;
    switch (q) {
    case ASK_CONFLICT:
        return oblige_conflict(o, name) ? CODE_OBLIGATION_CONFLICT : CODE_PERMIT_GRANTED;
    case ASK_CAN:
        can = oblige_can(o, name, j->can, j->dataset != NULL && j->dataset->async);
        return can == CAN_YES           ? CODE_PERMIT_GRANTED
               : can == CAN_UNAVAILABLE ? CODE_OBLIGATION_UNAVAILABLE
                                        : CODE_OBLIGATION_UNCONFIGURED;
    case ASK_RECORDS:
        records = judge_fact(j, POLICY_BODY_RECORDS);
        return name == OBLIGE_MIN_RECORDS && j->phase == POLICY_BODY && o->min_records > 0 &&
                       (!records->known || records->number < o->min_records)
                   ? CODE_BODY_TOO_FEW_RECORDS
                   : CODE_PERMIT_GRANTED;
    case ASK_FAILED:
        if ((o->set & 1U << name) == 0 || !text_set_has(j->f->failed, dx_bytes_text(oblige_names[name])))
            return CODE_PERMIT_GRANTED;
        return name == OBLIGE_REDACT ? CODE_BODY_REDACTION_FAILED : CODE_OBLIGATION_FAILED;
    case ASK_END:
        break;
    }
    return CODE_PERMIT_GRANTED;
}

/* Source -1 is the floors. */
static const obligations *source_at(const judge *j, const holding *holds, int i, obligations *copy)
{
    const obligations *o =
        i < 0 ? (j->agreement != NULL ? &j->agreement->under->floors.oblige : NULL) : holds[i].oblige;
    return o == NULL ? NULL
                     : oblige_resolve(o, j->dataset != NULL ? j->dataset->keep : (text_set){NULL, 0}, copy);
}

/* The whole decides, so that order does not; the first source after which it cannot be met has the clause. */
static bool refuse_obligation(judge *j, policy_ruling *r, const holding *holds, size_t count, question q,
                              oblige_name name)
{
    obligations so_far = {0}, copy;
    for (int i = -1; i < (int)count; i++) {
        const obligations *o = source_at(j, holds, i, &copy);
        if (o == NULL || (o->set & 1U << name) == 0)
            continue;
        j->out_of_room = !oblige_merge_one(&so_far, o, name, j->arena) || j->out_of_room;
        judge_code code = answer(j, &so_far, name, q);
        if (code != CODE_PERMIT_GRANTED)
            return no_by_obligation(j, r, code, i < 0 ? NULL : &holds[i], name);
    }
    return judge_no(j, r, CODE_ENGINE_LIMIT); /* the whole was refused, so some beginning of it is */
}

static const obligations *merge_all(judge *j, const holding *holds, size_t count, obligations *into)
{
    if (count == 1 && holds[0].alone != NULL && !holds[0].alone->redact.keep_dataset)
        return holds[0].alone;
    *into = (obligations){0};
    for (int i = -1; i < (int)count; i++) {
        obligations copy;
        const obligations *o = source_at(j, holds, i, &copy);
        if (o != NULL && !oblige_merge(into, o, j->arena))
            j->out_of_room = true;
    }
    return into;
}

static const char *retention_class(const obligations *o)
{
    const int64_t year_s = 365 * 86400;
    return o->retention_min.length_s >= 10 * year_s         ? "batt-10y"
           : o->retention_min.length_s > 3 * year_s + 86400 ? "fin-5y"
                                                            : "appi-3y";
}

bool evaluate_obligations(judge *j, policy_ruling *r, const holding *holds, size_t count)
{
    obligations own;
    const obligations *o = merge_all(j, holds, count, &own);
    for (question q = ASK_CONFLICT; q < ASK_END; q++)
        for (unsigned n = 0, left = o->set; left >> n != 0; n++)
            if ((left >> n & 1U) != 0 && answer(j, o, (oblige_name)n, q) != CODE_PERMIT_GRANTED)
                return refuse_obligation(j, r, holds, count, q, (oblige_name)n);
    if (j->f->failed.count > 0)
        return judge_no(j, r, CODE_OBLIGATION_FAILED); /* something failed that no document asked for */
    if (!oblige_export(o, &r->oblige))
        return judge_no(j, r, CODE_ENGINE_LIMIT);
    r->retention_class = retention_class(o);
    if (j->merged != NULL)
        *j->merged = *o;
    return true;
}
