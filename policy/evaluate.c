/* The steps of policy.md 6, top to bottom. Each step is one function; the first that says no gives code and
 * clause. */
#include "policy/policy_judge.h"

/* ---- saying no ---- */

const char *judge_code_name(judge_code code)
{
    static const char *const names[] = {
#define C(id, code, http, later, retry, en, ja) code,
#include "policy/code_table.h"
#undef C
    };
    return names[code];
}

static const struct {
    const char *problem; /* clause where no document speaks */
    int http, later;
    bool retry;
} code_rows[CODE_COUNT] = {
#define C(id, code, http, later, retry, en, ja) {"urn:dfft:problem:" code, http, later, retry},
#include "policy/code_table.h"
#undef C
};

static bool say_no(judge *j, policy_ruling *r, judge_code code)
{
    bool later = (j->phase == POLICY_RESPONSE || j->phase == POLICY_STREAM ||
                  (j->phase == POLICY_BODY && !j->import)) &&
                 code_rows[code].later != 0;
    r->answer = POLICY_DENY;
    r->code = judge_code_name(code);
    r->http = later ? code_rows[code].later : code_rows[code].http;
    r->retryable = code_rows[code].retry;
    r->clause = code_rows[code].problem;
    r->law = NULL;
    r->rule = NULL;
    if (j->trace != NULL)
        trace_describe(j, j->trace, code);
    return false;
}

/* No, by this element of this document. The law is the innermost one around it, else the instrument's. */
static bool say_no_at(judge *j, policy_ruling *r, judge_code code, const model_document *doc,
                      const char *pointer, const char *law)
{
    say_no(j, r, code);
    const char *clause = dx_arena_printf(j->arena, "%s#%s", doc->name, pointer);
    if (clause == NULL)
        j->out_of_room = true;
    else
        r->clause = clause;
    r->law = law != NULL ? law : doc->law;
    if (r->law == NULL && j->agreement != NULL)
        r->law = j->agreement->instrument->law;
    return false;
}

static bool say_no_by_rule(judge *j, policy_ruling *r, judge_code code, const model_rule *rule,
                           const char *pointer, const char *law)
{
    say_no_at(j, r, code, rule->doc, pointer, law != NULL ? law : rule->law);
    r->rule = rule->id;
    return false;
}

static void trace_rule(judge *j, const model_rule *rule, bool permit)
{
    if (j->trace != NULL) {
        j->trace->rule = rule;
        j->trace->permit = permit;
    }
}

/* A permit or grant that does not hold: the blamed leaf is the clause. */
static bool say_no_at_leaf(judge *j, policy_ruling *r, judge_code code, const model_rule *rule, truth was)
{
    dx_buf at;
    const char *law = rule->law;
    dx_buf_init(&at, 4096);
    bool ok = dx_buf_add_text(&at, rule->when_at).code == DX_OK;
    judge_blame(j, rule->when, was, true, &at, &law);
    char *pointer = ok ? dx_arena_text(j->arena, dx_buf_view(&at)) : NULL;
    dx_buf_fini(&at);
    j->out_of_room = j->out_of_room || pointer == NULL;
    trace_rule(j, rule, true);
    return say_no_by_rule(j, r, code, rule, pointer == NULL ? rule->when_at : pointer, law);
}

/* ---- what the reader of the trace gets on the way ---- */

static void note_pending(judge *j, policy_ruling *r, const model_rule *rule)
{
    (void)r;
    judge_trace *t = j->trace;
    if (t == NULL)
        return;
    if (t->pending_count == t->pending_room) {
        size_t room = t->pending_room == 0 ? 8 : t->pending_room * 2;
        const char **more = DX_ARENA_ARRAY(j->arena, const char *, room);
        if (more == NULL) {
            j->out_of_room = true;
            return;
        }
        if (t->pending_count > 0)
            memcpy(more, t->pending, t->pending_count * sizeof *more);
        t->pending = more;
        t->pending_room = room;
    }
    const char *clause = dx_arena_printf(j->arena, "%s#%s", rule->doc->name, rule->pointer);
    if (clause == NULL)
        j->out_of_room = true;
    else
        t->pending[t->pending_count++] = clause;
}

static void note_would(judge *j, const model_rule *rule, judge_code code)
{
    judge_trace *t = j->trace;
    if (t == NULL)
        return;
    if (t->would_count == t->would_room) {
        size_t room = t->would_room == 0 ? 8 : t->would_room * 2;
        judge_would *more = DX_ARENA_ARRAY(j->arena, judge_would, room);
        if (more == NULL) {
            j->out_of_room = true;
            return;
        }
        if (t->would_count > 0)
            memcpy(more, t->would, t->would_count * sizeof *more);
        t->would = more;
        t->would_room = room;
    }
    const char *clause = dx_arena_printf(j->arena, "%s#%s", rule->doc->name, rule->pointer);
    if (clause == NULL)
        j->out_of_room = true;
    else
        t->would[t->would_count++] = (judge_would){clause, judge_code_name(code)};
}

/* ---- step 1 ---- */

static bool facts_agree(const judge *j)
{
    const policy_fact *f = j->f->fact;
    bool mra = f[POLICY_PEER_TL_BASIS].known && dx_bytes_is(f[POLICY_PEER_TL_BASIS].text, "mra");
    bool qualified = f[POLICY_PEER_TL_QUALIFIED].known && f[POLICY_PEER_TL_QUALIFIED].flag;
    bool eu = f[POLICY_PEER_TL_SCHEME].known && dx_bytes_is(f[POLICY_PEER_TL_SCHEME].text, "EU");
    if (qualified && !eu && !mra)
        return false; /* nothing may be called qualified that no EU list and no MRA calls so */
    if ((j->phase == POLICY_RESPONSE || j->phase == POLICY_STREAM) && !f[POLICY_RES_STATUS].known)
        return false;
    return f[POLICY_TIME_NOW].known;
}

static bool step_bundle(judge *j, policy_ruling *r, bool org_agrees)
{
    if (j->p->has_manifest && j->now_s < j->p->not_before_s)
        return say_no(j, r, CODE_BUNDLE_NOT_YET_VALID);
    if (j->p->has_manifest && j->now_s >= j->p->not_after_s)
        return say_no(j, r, CODE_BUNDLE_EXPIRED);
    if (j->f->over_limit)
        return say_no(j, r, CODE_ENGINE_LIMIT);
    if (!org_agrees || !facts_agree(j))
        return say_no(j, r, CODE_ENGINE_FACTS);
    if (j->f->malformed.count > 0 || j->f->many_members || j->f->bad_territory)
        return say_no(j, r, CODE_DECLARED_MALFORMED);
    return true;
}

/* ---- step 2 ---- */

/* The longest prefix that ends where a segment ends; one hash runs along the path. */
static const model_dataset *route(const policy *p, dx_bytes host, dx_bytes path)
{
    const model_dataset *best = NULL;
    uint64_t hash = text_hash(TEXT_HASH_SEED, host);
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '/' && i > 0) {
            const model_dataset *d =
                text_map_get_hashed(&p->dataset_by_address, hash, host, dx_bytes_part(path, 0, i));
            best = d != NULL ? d : best;
        }
        hash = text_hash(hash, dx_bytes_part(path, i, 1));
        if (path.data[i] == '/' || i + 1 == path.size) {
            const model_dataset *d =
                text_map_get_hashed(&p->dataset_by_address, hash, host, dx_bytes_part(path, 0, i + 1));
            best = d != NULL ? d : best;
        }
    }
    return best;
}

static bool media_type_ok(const judge *j, policy_attribute type, policy_attribute bytes)
{
    const policy_fact *t = &j->f->fact[type], *size = &j->f->fact[bytes];
    if (!t->known)
        return size->known && size->number == 0;
    return text_set_has(j->dataset->media_types, t->text);
}

static bool step_route(judge *j, policy_ruling *r)
{
    const policy_fact *host = &j->f->fact[POLICY_REQ_HOST], *method = &j->f->fact[POLICY_REQ_METHOD];
    bool no_memory = false;
    dx_bytes path = policy_path_form(j->arena, j->f->path, &no_memory);
    if (path.size == 0)
        return say_no(j, r, no_memory ? CODE_ENGINE_LIMIT : CODE_REQUEST_PATH_AMBIGUOUS);
    const model_dataset *first = host->known ? route(j->p, host->text, path) : NULL;
    if (first == NULL)
        return say_no(j, r, CODE_DATASET_UNKNOWN);
    for (const model_dataset *d = first; d != NULL && j->dataset == NULL; d = d->next)
        for (size_t i = 0; i < d->method_count; i++)
            if (method->known && dx_bytes_equal(method->text, d->methods[i].method)) {
                j->dataset = d;
                j->import = d->methods[i].import;
            }
    if (j->dataset == NULL) {
        while (first->next != NULL && strcmp(first->next->doc.id, first->doc.id) < 0)
            first = first->next;
        return say_no_at(j, r, CODE_DATASET_METHOD, &first->doc, "/route/methods", NULL);
    }
    r->dataset_id = j->dataset->doc.id;
    r->dataset_version = j->dataset->doc.version;
    r->flow = j->import ? "import" : "export";
    r->route = (const char *)j->dataset->prefix.data;
    r->personal = j->dataset->personal;
    r->items = j->dataset->items;
    r->item_count = j->dataset->item_count;
    r->record_count_pointer = j->dataset->record_count;
    bool answered =
        j->phase == POLICY_RESPONSE || j->phase == POLICY_STREAM || (j->phase == POLICY_BODY && !j->import);
    if ((j->import && !media_type_ok(j, POLICY_REQ_MEDIA_TYPE, POLICY_REQ_BYTES)) ||
        (answered && !media_type_ok(j, POLICY_RES_MEDIA_TYPE, POLICY_RES_BYTES)))
        return say_no_at(j, r, CODE_DATASET_MEDIA_TYPE, &j->dataset->doc, "/media_types", NULL);
    if (j->phase == POLICY_BODY && j->f->body_over)
        return say_no(j, r, CODE_BODY_TOO_LARGE);
    if (j->phase == POLICY_BODY && j->f->body_coded && j->dataset->inspect_required)
        return say_no_at(j, r, CODE_BODY_UNINSPECTABLE, &j->dataset->doc,
                         j->dataset->inspect_stated ? "/body_inspect" : "/labels/personal", NULL);
    return true;
}

/* ---- steps 3, 6 (never), 7 ---- */

static bool none_applies(judge *j, policy_ruling *r, const model_rule *rules, size_t count,
                         judge_code matched, judge_code unknown)
{
    for (size_t i = 0; i < count; i++) {
        const model_rule *rule = &rules[i];
        truth t = judge_rule(j, rule, false);
        if (t == TRUTH_PENDING && !rule->shadow)
            note_pending(j, r, rule);
        if (t == TRUTH_FALSE || t == TRUTH_PENDING)
            continue;
        judge_code code = t == TRUTH_TRUE ? matched : unknown;
        if (rule->shadow) {
            note_would(j, rule, code);
            continue;
        }
        trace_rule(j, rule, false);
        return say_no_by_rule(j, r, code, rule, rule->pointer, NULL);
    }
    return true;
}

static bool found(const judge *j, policy_attribute where, const char *what)
{
    const policy_fact *f = judge_fact(j, where);
    return f->known && text_set_has(f->set, dx_bytes_text(what));
}

static void add_label(judge *j, const char *label)
{
    dx_bytes one = dx_bytes_text(label);
    const policy_fact *now = j->seen[SEEN_LABELS];
    policy_fact joined = {.known = true, .source = POLICY_BY_GATEWAY};
    if (!text_set_union(j->arena, now == NULL ? (text_set){NULL, 0} : now->set, (text_set){&one, 1},
                        &joined.set)) {
        j->out_of_room = true;
        return;
    }
    dx_bytes *kept = DX_ARENA_ARRAY(j->arena, dx_bytes, joined.set.count + 1);
    if (kept == NULL) {
        j->out_of_room = true;
        return;
    }
    memcpy(kept, joined.set.items, joined.set.count * sizeof *kept);
    joined.set.items = kept;
    j->own[SEEN_LABELS] = joined;
    j->seen[SEEN_LABELS] = &j->own[SEEN_LABELS];
}

static bool step_guards(judge *j, policy_ruling *r)
{
    const policy_fact *personal = judge_fact(j, POLICY_DATA_PERSONAL);
    bool named = found(j, POLICY_BODY_FOUND_NAMED, "jp.individual_number");
    bool seen = found(j, POLICY_BODY_FOUND, "jp.individual_number");
    if (j->p->number_denies && (named || (seen && !(personal->known && !personal->flag))))
        return say_no_at(j, r, CODE_GUARD_INDIVIDUAL_NUMBER, &j->p->guards, "/builtin/jp.individual_number",
                         NULL);
    if (named || seen)
        add_label(j, "jp.individual_number?");
    if (j->p->insurance_denies && found(j, POLICY_BODY_FOUND_NAMED, "jp.insurance_id"))
        return say_no_at(j, r, CODE_GUARD_MATCHED, &j->p->guards, "/builtin/jp.insurance_id", NULL);
    if (j->p->licence_denies && found(j, POLICY_BODY_FOUND_NAMED, "jp.licence_no"))
        return say_no_at(j, r, CODE_GUARD_MATCHED, &j->p->guards, "/builtin/jp.licence_no", NULL);
    return none_applies(j, r, j->p->guard_rules, j->p->guard_count, CODE_GUARD_MATCHED, CODE_GUARD_UNKNOWN);
}

/* ---- step 4 ---- */

static void tell_parties(const judge *j, policy_ruling *r)
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

static bool step_candidate(judge *j, policy_ruling *r)
{
    const policy_fact *kind = j->seen[SEEN_KIND];
    if (kind != NULL && !dx_bytes_is(kind->text, "organisation"))
        return say_no(j, r, CODE_PEER_KIND);
    if (j->choice == CODE_AGREEMENT_NOT_PARTY) {
        const model_agreement *a =
            text_map_get(&j->p->agreement_by_id, j->f->fact[POLICY_REQ_AGREEMENT].text);
        return say_no_at(j, r, j->choice, &a->doc, "/parties", NULL);
    }
    if (j->choice != CODE_PERMIT_GRANTED)
        return say_no(j, r, j->choice);
    return true;
}

/* ---- step 5 ---- */

static bool step_agreement(judge *j, policy_ruling *r)
{
    const model_agreement *a = j->agreement;
    const policy_fact *seals = &j->f->fact[POLICY_AGREEMENT_SEALS];
    if (!a->active)
        return say_no_at(j, r, CODE_AGREEMENT_NOT_ACTIVE, &a->doc, "/state", NULL);
    if (j->now_s < a->from_s)
        return say_no_at(j, r, CODE_AGREEMENT_NOT_YET_VALID, &a->doc, "/valid", NULL);
    if (j->now_s >= a->to_s)
        return say_no_at(j, r, CODE_AGREEMENT_EXPIRED, &a->doc, "/valid", NULL);
    if ((seals->known ? seals->number : 0) < j->f->seals_need)
        return say_no_at(j, r,
                         j->f->seals_bad > 0 ? CODE_AGREEMENT_SEAL_INVALID : CODE_AGREEMENT_SEAL_MISSING,
                         &a->doc, "/parties", NULL);
    judge_code basis = judge_basis(j);
    return basis == CODE_PERMIT_GRANTED ? true : say_no_at(j, r, basis, &a->doc, "/basis", a->basis.law);
}

/* ---- step 6 ---- */

static dx_bytes assignee_territory(const judge *j)
{
    const policy_fact *country = judge_fact(j, POLICY_PEER_ORG_COUNTRY);
    return country->known ? country->text : j->agreement->assignee->territory;
}

static bool stands_in(const model_partnership *ps, size_t i, const model_party *party, dx_bytes territory)
{
    return text_set_has(party->groups, ps->between[i].group) &&
           text_set_has(ps->between[i].territories, territory);
}

static bool two_groups(const judge *j)
{
    const model_partnership *ps = j->agreement->under;
    for (size_t i = 0; i < ps->between_count; i++)
        for (size_t k = 0; k < ps->between_count; k++)
            if (i != k && !dx_bytes_equal(ps->between[i].group, ps->between[k].group) &&
                stands_in(ps, i, j->agreement->assigner, j->agreement->assigner->territory) &&
                stands_in(ps, k, j->agreement->assignee, assignee_territory(j)))
                return true;
    return false;
}

static bool say_no_by_instrument(judge *j, policy_ruling *r, judge_code code, const char *member)
{
    const model_partnership *ps = j->agreement->under;
    const model_instrument *in = j->agreement->instrument;
    const char *at = dx_arena_printf(j->arena, "/instruments/%d%s", (int)(in - ps->instruments), member);
    j->out_of_room = j->out_of_room || at == NULL;
    return say_no_at(j, r, code, &ps->doc, at == NULL ? "" : at, in->law);
}

static bool step_instrument(judge *j, policy_ruling *r)
{
    const model_instrument *in = j->agreement->instrument;
    dx_bytes ours = j->agreement->assigner->territory, theirs = assignee_territory(j);
    if (!in->enacted)
        return say_no_by_instrument(j, r,
                                    dx_bytes_is(in->status, "suspended")
                                        ? CODE_PARTNERSHIP_INSTRUMENT_SUSPENDED
                                        : CODE_PARTNERSHIP_INSTRUMENT_REPEALED,
                                    "");
    if (j->now_s < in->since_s || (in->ends && j->now_s >= in->valid_to_s))
        return say_no_by_instrument(j, r, CODE_PARTNERSHIP_INSTRUMENT_EXPIRED, "");
    if (!text_set_has(in->from, j->import ? theirs : ours) ||
        !text_set_has(in->to, j->import ? ours : theirs))
        return say_no_by_instrument(j, r, CODE_PARTNERSHIP_DIRECTION, "/direction");
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
        return say_no_at(j, r, CODE_TRUST_ASSURANCE_BELOW_FLOOR, &ps->doc, "/floors/peer/assurance", NULL);
    if (ps->floors.origin_min > 0 &&
        (!origin->known || oblige_word(model_origins, origin->text) < ps->floors.origin_min))
        return say_no_at(j, r, CODE_TRUST_LIST_ORIGIN, &ps->doc, "/floors/trust/origin_min", NULL);
    if (!at_most(j, POLICY_PEER_TL_LIST_AGE_S, ps->floors.list_age_s))
        return say_no_at(j, r, CODE_TRUST_LIST_STALE, &ps->doc, "/floors/trust/list_age_s", NULL);
    if (!at_most(j, POLICY_PEER_REVOCATION_AGE_S, ps->floors.revocation_age_s))
        return say_no_at(j, r, CODE_TRUST_REVOCATION_STALE, &ps->doc, "/floors/trust/revocation_age_s", NULL);
    if (ps->floors.purposes_set && (!purpose->known || !text_set_subset(purpose->set, ps->floors.purposes)))
        return say_no_at(j, r, CODE_PARTNERSHIP_PURPOSE, &ps->doc, "/floors/purposes", NULL);
    return true;
}

static bool step_partnership(judge *j, policy_ruling *r)
{
    const model_partnership *ps = j->agreement->under;
    if (!ps->active)
        return say_no_at(j, r, CODE_PARTNERSHIP_NOT_ACTIVE, &ps->doc, "/state", NULL);
    if (j->now_s < ps->from_s || j->now_s >= ps->to_s)
        return say_no_at(j, r, CODE_PARTNERSHIP_NOT_ACTIVE, &ps->doc, "/valid", NULL);
    if (!two_groups(j))
        return say_no_at(j, r, CODE_PARTNERSHIP_GROUP, &ps->doc, "/between", NULL);
    return step_instrument(j, r) && step_floors(j, r) &&
           none_applies(j, r, ps->never, ps->never_count, CODE_PARTNERSHIP_NEVER, CODE_PARTNERSHIP_NEVER);
}

/* ---- steps 8 to 10, for permits and for grants ---- */

static bool offers(const model_permit *permit, const model_dataset *dataset, dx_bytes method)
{
    if (!text_set_has(permit->methods, method))
        return false;
    for (size_t i = 0; i < permit->dataset_count; i++)
        if (permit->datasets[i] == dataset)
            return true;
    return false;
}

/* What holds, permit or grant, in document order: the sources of obligations and quotas. */
typedef struct {
    const model_rule *rule;
    const obligations *oblige, *alone; /* alone: merged with the floors already */
    const model_quota *quota;
    size_t quota_count;
    const char *clause;
    truth truth;
} holding;

static holding *room_for(judge *j, size_t count)
{
    holding *h = DX_ARENA_ARRAY(j->arena, holding, count == 0 ? 1 : count);
    j->out_of_room = j->out_of_room || h == NULL;
    return h;
}

static bool step_permits(judge *j, policy_ruling *r, holding **holds, size_t *count)
{
    const model_agreement *a = j->agreement;
    dx_bytes method = j->f->fact[POLICY_REQ_METHOD].text;
    const model_rule *first = NULL;
    truth first_truth = TRUTH_FALSE;
    *count = 0;
    if ((*holds = room_for(j, a->permit_count)) == NULL)
        return say_no(j, r, CODE_ENGINE_LIMIT);
    for (size_t i = 0; i < a->permit_count; i++) {
        const model_permit *permit = &a->permits[i];
        if (!offers(permit, j->dataset, method))
            continue;
        truth t = judge_rule(j, &permit->rule, true);
        if (permit->rule.shadow) {
            if (t == TRUTH_TRUE)
                note_would(j, &permit->rule, CODE_PERMIT_GRANTED);
            continue;
        }
        if (first == NULL) {
            first = &permit->rule;
            first_truth = t;
        }
        if (t == TRUTH_PENDING)
            note_pending(j, r, &permit->rule);
        if (t == TRUTH_TRUE || t == TRUTH_PENDING)
            (*holds)[(*count)++] = (holding){&permit->rule,
                                             &permit->oblige,
                                             &permit->merged,
                                             permit->quota,
                                             permit->quota_count,
                                             permit->clause,
                                             t};
    }
    if (*count > 0) {
        judge_code label = judge_labels(j);
        return label == CODE_PERMIT_GRANTED ? true : say_no_at(j, r, label, &a->doc, "/basis", a->basis.law);
    }
    if (first == NULL)
        return say_no_at(j, r, CODE_PERMIT_NONE, &a->doc, "/permit", NULL);
    return say_no_at_leaf(
        j, r, first_truth == TRUTH_FALSE ? CODE_PERMIT_CONDITION_FALSE : CODE_PERMIT_CONDITION_UNKNOWN, first,
        first_truth);
}

static bool say_no_by_obligation(judge *j, policy_ruling *r, judge_code code, const holding *source,
                                 oblige_name name)
{
    const char *pointer =
        source == NULL ? dx_arena_printf(j->arena, "/floors/%s", oblige_names[name])
                       : dx_arena_printf(j->arena, "%s/oblige/%s", source->rule->pointer, oblige_names[name]);
    if (pointer == NULL) {
        j->out_of_room = true;
        return say_no(j, r, CODE_ENGINE_LIMIT);
    }
    if (source == NULL)
        return say_no_at(j, r, code, &j->agreement->under->doc, pointer, NULL);
    return say_no_by_rule(j, r, code, source->rule, pointer, NULL);
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
            return say_no_by_obligation(j, r, code, i < 0 ? NULL : &holds[i], name);
    }
    return say_no(j, r, CODE_ENGINE_LIMIT); /* the whole was refused, so some beginning of it is */
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

static bool step_obligations(judge *j, policy_ruling *r, const holding *holds, size_t count)
{
    obligations own;
    const obligations *o = merge_all(j, holds, count, &own);
    for (question q = ASK_CONFLICT; q < ASK_END; q++)
        for (unsigned n = 0, left = o->set; left >> n != 0; n++)
            if ((left >> n & 1U) != 0 && answer(j, o, (oblige_name)n, q) != CODE_PERMIT_GRANTED)
                return refuse_obligation(j, r, holds, count, q, (oblige_name)n);
    if (j->f->failed.count > 0)
        return say_no(j, r, CODE_OBLIGATION_FAILED); /* something failed that no document asked for */
    if (!oblige_export(o, &r->oblige))
        return say_no(j, r, CODE_ENGINE_LIMIT);
    r->retention_class = retention_class(o);
    if (j->merged != NULL)
        *j->merged = *o;
    return true;
}

/* ---- step 10 ---- */

#define QUOTA_STEP_BYTES                                                                                     \
    (1024 * 1024) /* reserved for what has no declared size, topped up while streaming                       \
                   */

static int64_t quota_amount(const judge *j, const model_quota *q)
{
    if (q->of == 0)
        return j->phase == POLICY_STREAM ? 0 : 1;
    if (q->of == 2) {
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
    if (q->per == 0)
        key = dx_arena_printf(j->arena, "%s/%s/%s/%s/%s", of, per, window, zone, base);
    else if (q->per == 1)
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

static bool say_no_by_quota(judge *j, policy_ruling *r, judge_code code, const holding *h,
                            const model_quota *q)
{
    return say_no_by_rule(j, r, code, h->rule, q->pointer, q->law);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const policy_quota *)a)->key, ((const policy_quota *)b)->key);
}

static bool step_quota(judge *j, policy_ruling *r, const holding *holds, size_t count)
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
        return say_no(j, r, CODE_ENGINE_LIMIT);
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
                                      .code = judge_code_name(codes[q->of]),
                                      .window = model_quota_window[q->window],
                                      .offset_s = q->offset_s,
                                      .of = (int)q->of};
            n = at == n ? n + 1 : n;
        }
    if (n > 0 && j->can != NULL && j->can->has_table && !j->can->meter)
        return say_no_by_quota(j, r, CODE_QUOTA_STORE_UNAVAILABLE, owners[0], entries[0]);
    for (size_t i = 0; i < n; i++) {
        list[i].clause = dx_arena_printf(j->arena, "%s#%s", owners[i]->rule->doc->name, entries[i]->pointer);
        list[i].law = entries[i]->law != NULL        ? entries[i]->law
                      : owners[i]->rule->law != NULL ? owners[i]->rule->law
                                                     : owners[i]->rule->doc->law;
        list[i].rule = owners[i]->rule->id;
        j->out_of_room = j->out_of_room || list[i].clause == NULL;
        if (j->check_usage && over_usage(j, entries[i], list[i].max, list[i].amount))
            return say_no_by_quota(j, r, codes[entries[i]->of], owners[i], entries[i]);
    }
    qsort(list, n, sizeof *list, by_key);
    r->quota = list;
    r->quota_count = n;
    return true;
}

static bool say_yes(judge *j, policy_ruling *r, const holding *holds, size_t count)
{
    const holding *h = &holds[0];
    for (size_t i = 0; i < count && h->truth != TRUTH_TRUE; i++)
        if (holds[i].truth == TRUTH_TRUE)
            h = &holds[i];
    r->answer = POLICY_PERMIT;
    r->code = judge_code_name(CODE_PERMIT_GRANTED);
    r->http = 0;
    r->retryable = false;
    r->clause = h->clause;
    r->rule = h->rule->id;
    r->law = h->rule->law != NULL ? h->rule->law : h->rule->doc->law;
    if (r->law == NULL && j->agreement != NULL)
        r->law = j->agreement->instrument->law;
    return true;
}

/* ---- regulator routes ---- */

static bool grant_reaches(const judge *j, const model_grant *g)
{
    return !j->f->from_known || j->f->from_s >= policy_duration_add(j->now_s, g->window, -1);
}

static bool grant_approved(const judge *j, const model_grant *g)
{
    static const char *const words[] = {"manual", "four-eyes", NULL};
    int64_t need = oblige_word(words, dx_bytes_text(g->approval));
    if (need == 0 && !j->authority->supervises)
        need = 1; /* no active partnership names it as supervisor: manual at least */
    return j->f->approvals >= need;
}

static void tell_grant(const judge *j, policy_ruling *r, const model_grant *g)
{
    r->grant_id = g->rule.id;
    r->approval = g->approval;
    r->scope_countries = g->scope_countries;
    r->scope_country_count = g->scope_country_count;
    r->scope_all = g->scope_all;
    r->hide = g->hide.items;
    r->hide_count = g->hide.count;
    r->window_from_s = policy_duration_add(j->now_s, g->window, -1);
}

static bool step_grants(judge *j, policy_ruling *r)
{
    if (j->authority == NULL)
        return say_no(j, r, CODE_AUTHORITY_NOT_IDENTIFIED);
    const model_authority *a = j->authority;
    dx_bytes method =
        j->f->fact[POLICY_REQ_METHOD].known ? j->f->fact[POLICY_REQ_METHOD].text : (dx_bytes){NULL, 0};
    r->authority_id = a->doc.id;
    r->authority_version = a->doc.version;
    r->explain = "code";
    holding *holds = room_for(j, a->grant_count);
    const model_grant *first = NULL, *open = NULL, *told = NULL;
    truth first_truth = TRUTH_FALSE;
    size_t count = 0;
    judge_code refusal = CODE_AUTHORITY_WINDOW;
    if (holds == NULL)
        return say_no(j, r, CODE_ENGINE_LIMIT);
    for (size_t i = 0; i < a->grant_count; i++) {
        const model_grant *g = &a->grants[i];
        if (!text_set_has(g->methods, method))
            continue;
        truth t = judge_rule(j, &g->rule, true);
        if (first == NULL) {
            first = g;
            first_truth = t;
        }
        if (t == TRUTH_PENDING)
            note_pending(j, r, &g->rule);
        if (t != TRUTH_TRUE && t != TRUTH_PENDING)
            continue;
        bool reaches = grant_reaches(j, g), approved = grant_approved(j, g);
        if (open == NULL) {
            open = g;
            refusal = reaches ? CODE_AUTHORITY_PENDING : CODE_AUTHORITY_WINDOW;
        }
        if (!reaches || !approved)
            continue;
        told = told == NULL ? g : told;
        holds[count++] = (holding){&g->rule, &g->oblige, NULL, g->quota, g->quota_count, g->clause, t};
    }
    if (first == NULL)
        return say_no_at(j, r, CODE_AUTHORITY_SCOPE, &a->doc, "/grants", NULL);
    if (open == NULL) {
        const char *law = NULL;
        dx_buf at;
        dx_buf_init(&at, 4096);
        const condition *leaf = judge_blame(j, first->rule.when, first_truth, true, &at, &law);
        dx_buf_fini(&at);
        bool no_case = leaf->kind == NODE_LEAF && leaf->attr == POLICY_REQ_CASE &&
                       !judge_fact(j, POLICY_REQ_CASE)->known;
        return say_no_at_leaf(j, r, no_case ? CODE_AUTHORITY_CASE_MISSING : CODE_AUTHORITY_SCOPE,
                              &first->rule, first_truth);
    }
    if (count == 0) {
        const char *at = dx_arena_printf(j->arena, "%s/%s", open->rule.pointer,
                                         refusal == CODE_AUTHORITY_WINDOW ? "window" : "approval");
        j->out_of_room = j->out_of_room || at == NULL;
        tell_grant(j, r, open);
        return say_no_by_rule(j, r, refusal, &open->rule, at == NULL ? "" : at, NULL);
    }
    tell_grant(j, r, told);
    return step_obligations(j, r, holds, count) && step_quota(j, r, holds, count) &&
           say_yes(j, r, holds, count);
}

/* ---- is the body needed, and which phase is the last (6.11) ---- */

static bool rules_need_body(const model_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rules[i].shadow && (rules[i].names_body || rules[i].phase == (int)POLICY_BODY))
            return true;
    return false;
}

static bool needs_body(const judge *j)
{
    const unsigned body_obligations = 1U << OBLIGE_REDACT | 1U << OBLIGE_MIN_RECORDS;
    if (j->dataset->inspect_required || rules_need_body(j->p->guard_rules, j->p->guard_count))
        return true;
    const model_agreement *a = j->agreement;
    if (a == NULL)
        return false;
    if (rules_need_body(a->under->never, a->under->never_count) ||
        rules_need_body(a->prohibits, a->prohibit_count) ||
        (a->under->floors.oblige.set & body_obligations) != 0)
        return true;
    for (size_t i = 0; i < a->permit_count; i++) {
        const model_permit *permit = &a->permits[i];
        if (permit->rule.shadow || !offers(permit, j->dataset, j->f->fact[POLICY_REQ_METHOD].text))
            continue;
        if (rules_need_body(&permit->rule, 1) || (permit->oblige.set & body_obligations) != 0)
            return true;
        for (size_t k = 0; k < permit->quota_count; k++)
            if (permit->quota[k].of == 2)
                return true;
    }
    return false;
}

/* ---- one phase ---- */

static void explain_level(const judge *j, policy_ruling *r)
{
    if (r->explain != NULL)
        return;
    r->explain = j->peer != NULL && j->peer->in_agreement ? "code" : "none";
    if (j->peer == NULL || !j->peer->in_agreement)
        r->http = r->answer == POLICY_DENY && r->http < 500
                      ? 403
                      : r->http; /* strangers learn nothing from the status */
}

static void judge_steps(judge *j, policy_ruling *r, bool *body)
{
    holding *holds = NULL;
    size_t count = 0;
    bool agrees = judge_org(j);
    *body = false;
    if (!step_bundle(j, r, agrees))
        return;
    if (j->regulator) {
        j->last = j->phase != POLICY_REQUEST;
        judge_dataset(j);
        judge_levels(j);
        judge_kind(j);
        if (step_guards(j, r))
            step_grants(j, r);
        return;
    }
    if (!step_route(j, r))
        return;
    judge_dataset(j);
    judge_choose(j);
    judge_levels(j);
    judge_kind(j);
    if (j->agreement != NULL)
        tell_parties(j, r);
    *body = needs_body(j);
    j->last = j->phase == POLICY_STREAM || (j->phase == POLICY_BODY && !j->import) ||
              (j->phase == POLICY_RESPONSE && (j->import || !*body));
    r->personal = judge_fact(j, POLICY_DATA_PERSONAL)->flag;
    r->pending = *body && !(j->phase == POLICY_BODY || j->phase == POLICY_STREAM ||
                            (j->phase == POLICY_RESPONSE && j->import));
    (void)(step_guards(j, r) && step_candidate(j, r) && step_agreement(j, r) && step_partnership(j, r) &&
           none_applies(j, r, j->agreement->prohibits, j->agreement->prohibit_count, CODE_PROHIBIT_MATCHED,
                        CODE_PROHIBIT_UNKNOWN) &&
           step_permits(j, r, &holds, &count) && step_obligations(j, r, holds, count) &&
           step_quota(j, r, holds, count) && say_yes(j, r, holds, count));
}

void evaluate_phase(judge *j, policy_ruling *r)
{
    bool body;
    *r = (policy_ruling){.phase = j->phase};
    j->now_s = j->f->fact[POLICY_TIME_NOW].number / 1000000;
    judge_steps(j, r, &body);
    if (j->out_of_room || r->code == NULL)
        say_no(j, r, CODE_ENGINE_LIMIT);
    if (r->answer == POLICY_DENY)
        r->pending = false;
    explain_level(j, r);
    r->scope_stated = r->scope_country_count > 0;
    r->body_needed = body;
    if (r->labels == NULL && j->seen[SEEN_LABELS] != NULL && j->dataset != NULL) {
        r->labels = j->seen[SEEN_LABELS]->set.items;
        r->label_count = j->seen[SEEN_LABELS]->set.count;
        r->categories = j->seen[SEEN_CATEGORY] == NULL ? NULL : j->seen[SEEN_CATEGORY]->set.items;
        r->category_count = j->seen[SEEN_CATEGORY] == NULL ? 0 : j->seen[SEEN_CATEGORY]->set.count;
        r->origins = j->seen[SEEN_ORIGIN] == NULL ? NULL : j->seen[SEEN_ORIGIN]->set.items;
        r->origin_count = j->seen[SEEN_ORIGIN] == NULL ? 0 : j->seen[SEEN_ORIGIN]->set.count;
    }
}

policy_ruling evaluate_walk(const policy *p, policy_phase upto, const policy_facts *facts,
                            const policy_can *can, dx_arena *arena, bool check_usage, judge_trace *trace,
                            obligations *merged)
{
    policy_ruling r = {0};
    judge start = {.p = p,
                   .f = facts,
                   .can = can,
                   .arena = arena,
                   .check_usage = check_usage,
                   .trace = trace,
                   .merged = merged};
    start.regulator = facts->fact[POLICY_REQ_DATASET].known &&
                      dx_bytes_is(facts->fact[POLICY_REQ_DATASET].text, POLICY_PROVENANCE_DATASET);
    policy_phase phase = upto == POLICY_STREAM ? POLICY_STREAM : POLICY_REQUEST;
    for (;;) {
        judge j = start;
        j.phase = phase;
        if (trace != NULL)
            *trace = (judge_trace){0};
        evaluate_phase(&j, &r);
        bool import = j.import, body = r.body_needed && !j.regulator;
        if (r.answer == POLICY_DENY || phase == upto)
            return r;
        policy_phase next = POLICY_STREAM; /* none */
        if (phase == POLICY_REQUEST)
            next = import && body ? POLICY_BODY : POLICY_RESPONSE;
        else if (phase == POLICY_RESPONSE && !import && body)
            next = POLICY_BODY;
        else if (phase == POLICY_BODY && import)
            next = POLICY_RESPONSE;
        /* `upto` names how far the exchange has come: an export told to go to its body has an answer, an
         * import told so has none yet. */
        bool reached = next != POLICY_STREAM && !(import && upto == POLICY_BODY && next == POLICY_RESPONSE) &&
                       !(!import && upto == POLICY_RESPONSE && next == POLICY_BODY);
        if (!reached)
            return r;
        phase = next;
    }
}

policy_ruling policy_evaluate(const policy *p, policy_phase upto, const policy_facts *facts,
                              const policy_can *can, dx_arena *arena)
{
    if (p == NULL)
        return (policy_ruling){.code = judge_code_name(CODE_BUNDLE_NONE),
                               .http = 503,
                               .retryable = true,
                               .explain = "none",
                               .clause = code_rows[CODE_BUNDLE_NONE].problem,
                               .phase = upto == POLICY_STREAM ? POLICY_STREAM : POLICY_REQUEST};
    return evaluate_walk(p, upto, facts, can, arena, false, NULL, NULL);
}

/* ---- code table at the door ---- */

static const struct {
    const char *code, *en, *ja;
    int http;
} titles[] = {
#define C(id, code, http, later, retry, en, ja) {code, en, ja, http},
#include "policy/code_table.h"
#undef C
};

const char *policy_code_title(const char *code, const char *lang)
{
    for (size_t i = 0; code != NULL && i < CODE_COUNT; i++)
        if (strcmp(titles[i].code, code) == 0)
            return lang != NULL && strncmp(lang, "ja", 2) == 0 ? titles[i].ja : titles[i].en;
    return lang != NULL && strncmp(lang, "ja", 2) == 0 ? "拒否されました" : "The exchange is refused";
}

int policy_code_http(const char *code)
{
    for (size_t i = 0; code != NULL && i < CODE_COUNT; i++)
        if (strcmp(titles[i].code, code) == 0)
            return titles[i].http;
    return 403;
}
