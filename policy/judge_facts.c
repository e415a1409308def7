/* What follows from documents: who the peer is to us, what the data is, which agreement speaks. */
#include "policy/policy_judge.h"

static void see(judge *j, seen_slot slot, policy_fact fact)
{
    j->own[slot] = fact;
    j->own[slot].known = true;
    j->seen[slot] = &j->own[slot];
}

static const policy_fact *given(const judge *j, policy_attribute a)
{
    return j->f->fact[a].known ? &j->f->fact[a] : NULL;
}

bool judge_org(judge *j)
{
    const policy_fact *id = given(j, POLICY_PEER_ORG_ID), *scheme = given(j, POLICY_PEER_ORG_SCHEME);
    const policy_fact *country = given(j, POLICY_PEER_ORG_COUNTRY);
    j->seen[SEEN_ORG_SCHEME] = scheme;
    j->seen[SEEN_ORG_COUNTRY] = country;
    j->seen[SEEN_ASSURANCE] = given(j, POLICY_PEER_ASSURANCE);
    if (id == NULL || policy_org_wrong(id->text, false) != NULL)
        return true;
    const char *own_scheme = policy_org_scheme(id->text);
    dx_bytes own_country = policy_org_country(id->text);
    if (scheme != NULL && !dx_bytes_is(scheme->text, own_scheme))
        return false;
    if (scheme == NULL)
        see(j, SEEN_ORG_SCHEME,
            (policy_fact){.source = POLICY_BY_CERTIFICATE, .text = dx_bytes_text(own_scheme)});
    if (country != NULL && !dx_bytes_starts(id->text, "LEI") && !dx_bytes_equal(country->text, own_country))
        return false;
    if (country == NULL && own_country.size > 0)
        see(j, SEEN_ORG_COUNTRY, (policy_fact){.source = POLICY_BY_CERTIFICATE, .text = own_country});
    j->peer = text_map_get(&j->p->party_by_org, id->text);
    if (j->peer != NULL)
        for (int i = 0; i < 3; i++)
            j->seen[SEEN_PARTY + i] = j->peer->facts[i].known ? &j->peer->facts[i] : NULL;
    return true;
}

/* ---- labels: from the dataset, raised, never lowered ---- */

static unsigned state_rank(dx_bytes state)
{
    static const char *const states[] = {"dfft:APPI-anon", "pseudonymised", "personal", NULL};
    return oblige_word(states, state);
}

static void join_label(judge *j, int i)
{
    static const policy_fact none_flag = {.known = true, .source = POLICY_BY_DOCUMENT};
    policy_attribute a = (policy_attribute)(POLICY_DATA_PERSONAL + i);
    policy_type type = policy_attributes[a].type;
    const policy_fact *base = j->dataset != NULL  ? &j->dataset->labels[i]
                              : type == TYPE_TEXT ? NULL
                                                  : &none_flag;
    const policy_fact *raised = given(j, a);
    seen_slot slot = (seen_slot)(SEEN_PERSONAL + i);
    j->seen[slot] = base != NULL && base->known ? base : NULL;
    if (raised == NULL)
        return;
    if (type == TYPE_BOOL) {
        if (raised->flag && !base->flag)
            j->seen[slot] = raised;
    } else if (type == TYPE_TEXT) {
        if (state_rank(raised->text) > (j->seen[slot] == NULL ? 0 : state_rank(base->text)))
            j->seen[slot] = raised;
    } else if (!text_set_subset(raised->set, base->set)) {
        policy_fact joined = {.source = raised->source};
        if (!text_set_union(j->arena, base->set, raised->set, &joined.set))
            j->out_of_room = true;
        see(j, slot, joined);
    }
}

void judge_dataset(judge *j)
{
    for (int i = 0; i < 7; i++)
        join_label(j, i);
    if (j->dataset != NULL) {
        see(j, SEEN_DATASET,
            (policy_fact){.source = POLICY_BY_DOCUMENT, .text = dx_bytes_text(j->dataset->doc.id)});
        see(j, SEEN_FLOW,
            (policy_fact){.source = POLICY_BY_DOCUMENT,
                          .text = j->import ? DX_BYTES("import") : DX_BYTES("export")});
        if (j->dataset->permission.known)
            j->seen[SEEN_PERMISSION] = &j->dataset->permission;
    } else {
        j->seen[SEEN_DATASET] = given(j, POLICY_REQ_DATASET);
    }
    see(j, SEEN_SERIAL, (policy_fact){.source = POLICY_BY_GATEWAY, .number = j->p->serial});
}

/* ---- agreement ---- */

static bool in_time(const model_agreement *a, int64_t now_s)
{
    return now_s >= a->from_s && now_s < a->to_s;
}

static int64_t whole_days(int64_t seconds)
{
    return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
}

static void see_agreement(judge *j, const model_agreement *a)
{
    const policy_fact *destination = judge_fact(j, POLICY_REQ_DESTINATION);
    j->agreement = a;
    for (int i = 0; i < 4; i++)
        j->seen[SEEN_AGREEMENT_ID + i] = &a->facts[i];
    j->seen[SEEN_PARTNERSHIP] = &a->partnership_id;
    j->seen[SEEN_INSTRUMENT] = &a->instrument_status;
    if (a->instrument->ends)
        see(j, SEEN_DAYS_LEFT,
            (policy_fact){.source = POLICY_BY_DOCUMENT,
                          .number = whole_days(a->instrument->valid_to_s - j->now_s)});
    if (a->licence.set && destination->known)
        see(j, SEEN_LICENCE,
            (policy_fact){.source = POLICY_BY_DOCUMENT,
                          .flag = j->now_s >= a->licence.from_s && j->now_s < a->licence.to_s &&
                                  text_set_subset(destination->set, a->licence.destinations)});
    if (a->check.set)
        see(j, SEEN_CHECK_AGE,
            (policy_fact){.source = POLICY_BY_DOCUMENT, .number = whole_days(j->now_s - a->check.last_s)});
}

void judge_choose(judge *j)
{
    const policy_fact *named = given(j, POLICY_REQ_AGREEMENT);
    j->choice = CODE_PERMIT_GRANTED;
    if (j->peer == NULL) {
        j->choice = CODE_PEER_NO_PARTY;
        return;
    }
    if (named != NULL) {
        const model_agreement *a = text_map_get(&j->p->agreement_by_id, named->text);
        if (a == NULL)
            j->choice = CODE_AGREEMENT_UNKNOWN;
        else if (a->assignee != j->peer)
            j->choice = CODE_AGREEMENT_NOT_PARTY;
        else
            see_agreement(j, a);
        return;
    }
    uint32_t key[2] = {j->peer->number, j->dataset->number};
    const model_candidates *list = text_map_get(&j->p->candidates, dx_bytes_of(key, sizeof key));
    const model_agreement *only = NULL;
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const model_agreement *a = list->items[i];
        if (!a->active || a->shadow || !in_time(a, j->now_s))
            continue;
        if (only != NULL) {
            j->choice = CODE_AGREEMENT_AMBIGUOUS;
            return;
        }
        only = a;
    }
    if (only == NULL)
        j->choice = CODE_AGREEMENT_NONE;
    else
        see_agreement(j, only);
}

/* ---- levels ---- */

static truth row_member(bool asked, text_set set, const policy_fact *fact)
{
    if (!asked)
        return TRUTH_TRUE;
    return !fact->known ? TRUTH_UNKNOWN : text_set_has(set, fact->text) ? TRUTH_TRUE : TRUTH_FALSE;
}

static truth row_matches(const judge *j, const model_level_row *row)
{
    const truth parts[] = {
        row_member(row->has_level, row->level, judge_fact(j, POLICY_PEER_TL_LEVEL)),
        row_member(row->has_basis, row->basis, judge_fact(j, POLICY_PEER_TL_BASIS)),
        row_member(row->has_territory, row->territory, judge_fact(j, POLICY_PEER_TL_TERRITORY)),
        row_member(row->has_scheme, row->scheme, judge_fact(j, POLICY_PEER_TL_SCHEME)),
        row_member(row->has_partnership, row->partnership, judge_fact(j, POLICY_PARTNERSHIP_ID))};
    truth all = TRUTH_TRUE;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i] == TRUTH_FALSE)
            return TRUTH_FALSE;
        if (parts[i] == TRUTH_UNKNOWN)
            all = TRUTH_UNKNOWN;
    }
    return all;
}

void judge_levels(judge *j)
{
    const policy_fact *fact = given(j, POLICY_PEER_ASSURANCE);
    j->seen[SEEN_ASSURANCE] = fact;
    j->seen[SEEN_ASSURANCE_ROW] = NULL;
    for (size_t i = 0; fact != NULL && i < j->p->level_count; i++) {
        const model_level_row *row = &j->p->levels[i];
        truth t = row_matches(j, row);
        if (t == TRUTH_FALSE)
            continue;
        j->seen[SEEN_ASSURANCE] = NULL;
        if (t == TRUTH_UNKNOWN)
            return;
        policy_fact rated = *fact;
        rated.level.l = row->l < 0 ? rated.level.l : (uint8_t)row->l;
        rated.level.s = row->s < 0 ? rated.level.s : (uint8_t)row->s;
        rated.level.t = row->t < 0 ? rated.level.t : (uint8_t)row->t;
        see(j, SEEN_ASSURANCE, rated);
        see(j, SEEN_ASSURANCE_ROW,
            (policy_fact){.source = POLICY_BY_GATEWAY, .text = dx_bytes_text(row->id)});
        return;
    }
}

/* A natural person is told by the exchange; an authority by its own document; all others are organisations.
 */
void judge_kind(judge *j)
{
    const policy_fact *handed = given(j, POLICY_PEER_KIND);
    if (handed != NULL && dx_bytes_is(handed->text, "person")) {
        j->seen[SEEN_KIND] = handed;
        return;
    }
    for (size_t i = 0; i < j->p->authority_count && j->authority == NULL; i++)
        if (judge_condition(j, j->p->authorities[i].identify, true) == TRUTH_TRUE)
            j->authority = &j->p->authorities[i];
    see(j, SEEN_KIND,
        (policy_fact){.source = POLICY_BY_DOCUMENT,
                      .text = j->authority != NULL ? DX_BYTES("authority") : DX_BYTES("organisation")});
}
