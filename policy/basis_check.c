/* Does the legal basis carry this exchange (policy.md 8). */
#include "policy/policy_judge.h"

static bool destinations_in(const judge *j, text_set allowed)
{
    const policy_fact *d = judge_fact(j, POLICY_REQ_DESTINATION);
    return d->known && text_set_subset(d->set, allowed);
}

static bool personal(const judge *j)
{
    return judge_fact(j, POLICY_DATA_PERSONAL)->flag;
}

static judge_code failed_unless(bool ok)
{
    return ok ? CODE_PERMIT_GRANTED : CODE_BASIS_CHECK_FAILED;
}

static judge_code adequacy(const judge *j)
{
    const model_party *recipient = j->import ? j->agreement->assigner : j->agreement->assignee;
    return recipient->sector != NULL && strcmp(recipient->sector, "private") == 0 ? CODE_PERMIT_GRANTED
                                                                                  : CODE_BASIS_RECIPIENT_TYPE;
}

static judge_code clauses(const judge *j)
{
    const model_agreement *a = j->agreement;
    return failed_unless(a->basis.contract && a->basis.module >= 1 && a->tia != NULL);
}

static judge_code corporate_rules(const judge *j)
{
    const model_agreement *a = j->agreement;
    return failed_unless(a->basis.group.size > 0 && text_set_has(a->assigner->groups, a->basis.group) &&
                         text_set_has(a->assignee->groups, a->basis.group));
}

static judge_code derogation(const judge *j)
{
    return failed_unless(judge_fact(j, POLICY_REQ_CASE)->known);
}

static judge_code exemption(const judge *j)
{
    return failed_unless(j->agreement->basis.note);
}

static judge_code whitelist(const judge *j)
{
    return destinations_in(j, j->p->whitelist) ? CODE_PERMIT_GRANTED : CODE_BASIS_DESTINATION;
}

static judge_code equivalent(const judge *j)
{
    const model_agreement *a = j->agreement;
    const int64_t year_s = 365 * 86400; /* P1Y from 2001-01-01 */
    if (!a->check.set || policy_duration_length_s(a->check.every) > year_s)
        return CODE_BASIS_CHECK_FAILED;
    return a->check.due_s <= j->now_s ? CODE_BASIS_CHECK_OVERDUE : CODE_PERMIT_GRANTED;
}

static judge_code consent(const judge *j)
{
    return failed_unless(j->agreement->basis.ref != NULL && j->agreement->basis.notice);
}

static judge_code anonymised(const judge *j)
{
    return failed_unless(j->dataset->item_count > 0 && j->agreement->term_count > 0 &&
                         j->agreement->basis.notice);
}

static judge_code no_personal_data(const judge *j)
{
    return failed_unless(!personal(j));
}

static judge_code cbpr(const judge *j)
{
    const model_basis *b = &j->agreement->basis;
    const policy_fact *origin = judge_fact(j, POLICY_DATA_ORIGIN);
    return failed_unless(b->certificate && b->expires && b->expires_s > j->now_s &&
                         !(origin->known && text_set_has(origin->set, DX_BYTES("EU-adequacy"))));
}

static judge_code export_licence(const judge *j)
{
    const model_agreement *a = j->agreement;
    if (!a->licence.set || j->now_s < a->licence.from_s || j->now_s >= a->licence.to_s)
        return CODE_BASIS_CHECK_FAILED;
    return destinations_in(j, a->licence.destinations) ? CODE_PERMIT_GRANTED : CODE_BASIS_DESTINATION;
}

static const struct {
    const char *code;
    judge_code (*check)(const judge *j);
} checks[] = {{"legal-eu:Adequacy-EU-JP", adequacy},
              {"eu-gdpr:A46-2-c", clauses},
              {"eu-gdpr:A46-2-b", corporate_rules},
              {"eu-gdpr:A49-1-a", derogation},
              {"eu-gdpr:A49-1-b", derogation},
              {"eu-gdpr:A49-1-c", derogation},
              {"eu-gdpr:A49-1-d", derogation},
              {"eu-gdpr:A49-1-e", derogation},
              {"eu-gdpr:A49-1-f", derogation},
              {"eu-gdpr:A49-1-g", derogation},
              {"dfft:APPI-27-1", exemption},
              {"dfft:APPI-28-whitelist", whitelist},
              {"dfft:APPI-28-equivalent", equivalent},
              {"dfft:APPI-28-consent", consent},
              {"dfft:APPI-anon", anonymised},
              {"dfft:EPA-dataflow", no_personal_data},
              {"dfft:GCBPR", cbpr},
              {"dfft:FEFA-licence", export_licence},
              {"dfft:nonpersonal", no_personal_data}};

int basis_check_find(dx_bytes code)
{
    for (int i = 0; i < (int)(sizeof checks / sizeof checks[0]); i++)
        if (dx_bytes_is(code, checks[i].code))
            return i;
    return -1;
}

judge_code judge_basis(const judge *j)
{
    const policy_fact *declared = judge_fact(j, POLICY_REQ_BASIS);
    dx_bytes code = j->agreement->basis.code;
    if (declared->known && !dx_bytes_equal(declared->text, code))
        return CODE_BASIS_MISMATCH;
    /* Without a check (dfft:APPI-27, and bases of the vocabulary) the partnership's instrument is what
     * counts. */
    return j->agreement->basis.check < 0 ? CODE_PERMIT_GRANTED : checks[j->agreement->basis.check].check(j);
}

judge_code judge_labels(const judge *j)
{
    static const char *const onward[] = {"dfft:APPI-28-consent", "dfft:APPI-28-equivalent",
                                         "dfft:APPI-28-whitelist", NULL};
    const policy_fact *origin = judge_fact(j, POLICY_DATA_ORIGIN),
                      *to = judge_fact(j, POLICY_REQ_DESTINATION);
    if (j->import || !origin->known || !text_set_has(origin->set, DX_BYTES("EU-adequacy")))
        return CODE_PERMIT_GRANTED;
    bool inside = to->known;
    for (size_t i = 0; inside && i < to->set.count; i++)
        inside = dx_bytes_is(to->set.items[i], "JP") || text_set_has(policy_group_eea(), to->set.items[i]);
    if (inside)
        return CODE_PERMIT_GRANTED;
    if (oblige_word(onward, j->agreement->basis.code) == 0)
        return CODE_LABEL_ONWARD_FORBIDDEN;
    const policy_fact *purpose = judge_fact(j, POLICY_REQ_PURPOSE);
    bool narrow = purpose->known;
    for (size_t i = 0; narrow && i < purpose->set.count; i++)
        narrow = text_set_has(j->f->import_purposes, purpose->set.items[i]) ||
                 text_set_has(j->dataset->import_purposes, purpose->set.items[i]);
    return narrow ? CODE_PERMIT_GRANTED : CODE_LABEL_PURPOSE_WIDENED;
}
