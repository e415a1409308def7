/* Steps 4 to 6 of policy.md 6: the agreement that was chosen, and the partnership above it with its
 * instrument and floors. */
#include "policy/evaluate.h"

void evaluate_parties(const judge *j, policy_ruling *r)
{
    const model_agreement *a = j->agreement;
    const model_party *from = j->import ? a->assignee : a->assigner,
                      *to = j->import ? a->assigner : a->assignee;
    r->agreement_id = a->doc.id;
    r->agreement_version = a->doc.version;
    memcpy(r->agreement_sha256, a->doc.sha256, sizeof r->agreement_sha256);
    r->partnership_id = a->under->doc.id;
    r->partnership_version = a->under->doc.version;
    r->basis_code = (const char *)a->basis.code.data;
    r->basis_instrument = a->basis.instrument_id;
    r->basis_ref = a->basis.ref;
    r->tia = a->tia;
    r->licence_no = a->licence_no;
    r->licence_expires_s = a->licence.set ? a->licence.to_s : 0;
    r->check_last_s = a->check.set ? a->check.last_s : 0;
    r->exporter_org = (const char *)from->org.data;
    r->exporter_name = from->name;
    r->exporter_country = (const char *)from->territory.data;
    r->exporter_address = from->address;
    r->exporter_representative = from->representative;
    r->importer_org = (const char *)to->org.data;
    r->importer_name = to->name;
    r->importer_country = (const char *)to->territory.data;
    r->importer_address = to->address;
    r->importer_representative = to->representative;
    r->explain = a->explain;
}

bool evaluate_candidate(judge *j, policy_ruling *r)
{
    const policy_fact *kind = j->seen[SEEN_KIND];
    if (kind != NULL && !dx_bytes_is(kind->text, "organisation"))
        return judge_no(j, r, CODE_PEER_KIND);
    if (j->choice == CODE_AGREEMENT_NOT_PARTY) {
        const model_agreement *a =
            text_map_get(&j->p->agreement_by_id, j->f->fact[POLICY_REQ_AGREEMENT].text);
        return judge_no_at(j, r, j->choice, &a->doc, "/parties", NULL);
    }
    if (j->choice != CODE_PERMIT_GRANTED)
        return judge_no(j, r, j->choice);
    return true;
}

bool evaluate_agreement(judge *j, policy_ruling *r)
{
    const model_agreement *a = j->agreement;
    const policy_fact *seals = &j->f->fact[POLICY_AGREEMENT_SEALS];
    if (!a->active)
        return judge_no_at(j, r, CODE_AGREEMENT_NOT_ACTIVE, &a->doc, "/state", NULL);
    if (j->now_s < a->from_s)
        return judge_no_at(j, r, CODE_AGREEMENT_NOT_YET_VALID, &a->doc, "/valid", NULL);
    if (j->now_s >= a->to_s)
        return judge_no_at(j, r, CODE_AGREEMENT_EXPIRED, &a->doc, "/valid", NULL);
    if ((seals->known ? seals->number : 0) < j->f->seals_need)
        return judge_no_at(j, r,
                           j->f->seals_bad > 0 ? CODE_AGREEMENT_SEAL_INVALID : CODE_AGREEMENT_SEAL_MISSING,
                           &a->doc, "/parties", NULL);
    judge_code basis = judge_basis(j);
    return basis == CODE_PERMIT_GRANTED ? true : judge_no_at(j, r, basis, &a->doc, "/basis", a->basis.law);
}

static dx_bytes assignee_territory(const judge *j)
{
    const policy_fact *country = judge_fact(j, POLICY_PEER_ORG_COUNTRY);
    return country->known ? country->text : j->agreement->assignee->territory;
}

static bool no_by_instrument(judge *j, policy_ruling *r, judge_code code, const char *member)
{
    const model_partnership *ps = j->agreement->under;
    const model_instrument *in = j->agreement->instrument;
    const char *at = dx_arena_printf(j->arena, "/instruments/%d%s", (int)(in - ps->instruments), member);
    j->out_of_room = j->out_of_room || at == NULL;
    return judge_no_at(j, r, code, &ps->doc, at == NULL ? "" : at, in->law);
}

static bool step_instrument(judge *j, policy_ruling *r)
{
    const model_instrument *in = j->agreement->instrument;
    dx_bytes ours = j->agreement->assigner->territory, theirs = assignee_territory(j);
    if (!in->enacted)
        return no_by_instrument(j, r,
                                dx_bytes_is(in->status, "suspended") ? CODE_PARTNERSHIP_INSTRUMENT_SUSPENDED
                                                                     : CODE_PARTNERSHIP_INSTRUMENT_REPEALED,
                                "");
    if (j->now_s < in->since_s || (in->ends && j->now_s >= in->valid_to_s))
        return no_by_instrument(j, r, CODE_PARTNERSHIP_INSTRUMENT_EXPIRED, "");
    if (!text_set_has(in->from, j->import ? theirs : ours) ||
        !text_set_has(in->to, j->import ? ours : theirs))
        return no_by_instrument(j, r, CODE_PARTNERSHIP_DIRECTION, "/direction");
    return true;
}

static bool at_most(const judge *j, policy_attribute a, int64_t max)
{
    const policy_fact *f = judge_fact(j, a);
    return max < 0 || (f->known && f->number <= max);
}

static bool step_floors(judge *j, policy_ruling *r)
{
    const model_partnership *ps = j->agreement->under;
    const policy_fact *assurance = judge_fact(j, POLICY_PEER_ASSURANCE),
                      *origin = judge_fact(j, POLICY_PEER_TL_ORIGIN);
    const policy_fact *purpose = judge_fact(j, POLICY_REQ_PURPOSE);
    policy_level want = ps->floors.assurance, have = assurance->known ? assurance->level : (policy_level){0};
    if (ps->floors.assurance_set &&
        (!assurance->known || have.l < want.l || have.s < want.s || have.t < want.t || have.r < want.r))
        return judge_no_at(j, r, CODE_TRUST_ASSURANCE_BELOW_FLOOR, &ps->doc, "/floors/peer/assurance", NULL);
    if (ps->floors.origin_min > 0 &&
        (!origin->known || oblige_word(model_origins, origin->text) < ps->floors.origin_min))
        return judge_no_at(j, r, CODE_TRUST_LIST_ORIGIN, &ps->doc, "/floors/trust/origin_min", NULL);
    if (!at_most(j, POLICY_PEER_TL_LIST_AGE_S, ps->floors.list_age_s))
        return judge_no_at(j, r, CODE_TRUST_LIST_STALE, &ps->doc, "/floors/trust/list_age_s", NULL);
    if (!at_most(j, POLICY_PEER_REVOCATION_AGE_S, ps->floors.revocation_age_s))
        return judge_no_at(j, r, CODE_TRUST_REVOCATION_STALE, &ps->doc, "/floors/trust/revocation_age_s",
                           NULL);
    if (ps->floors.purposes_set && (!purpose->known || !text_set_subset(purpose->set, ps->floors.purposes)))
        return judge_no_at(j, r, CODE_PARTNERSHIP_PURPOSE, &ps->doc, "/floors/purposes", NULL);
    return true;
}

bool evaluate_partnership(judge *j, policy_ruling *r)
{
    const model_partnership *ps = j->agreement->under;
    if (!ps->active)
        return judge_no_at(j, r, CODE_PARTNERSHIP_NOT_ACTIVE, &ps->doc, "/state", NULL);
    if (j->now_s < ps->from_s || j->now_s >= ps->to_s)
        return judge_no_at(j, r, CODE_PARTNERSHIP_NOT_ACTIVE, &ps->doc, "/valid", NULL);
    if (!model_two_groups(j->agreement, assignee_territory(j)))
        return judge_no_at(j, r, CODE_PARTNERSHIP_GROUP, &ps->doc, "/between", NULL);
    return step_instrument(j, r) && step_floors(j, r) &&
           evaluate_prohibits(j, r, ps->never, ps->never_count, CODE_PARTNERSHIP_NEVER,
                              CODE_PARTNERSHIP_NEVER);
}
