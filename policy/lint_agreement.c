/* One agreement: its parties, instrument, legal basis, permits and prohibitions (PL-304, 306, 310 to 315,
 * 4xx). */
#include "policy/lint.h"

#define DAY_S 86400

static const model_party *importer_of(const model_agreement *a, bool import)
{
    return import ? a->assigner : a->assignee;
}

static bool opens(const model_agreement *a, bool import)
{
    for (size_t i = 0; i < a->permit_count; i++)
        for (size_t d = 0; d < a->permits[i].dataset_count; d++)
            for (size_t m = 0; m < a->permits[i].datasets[d]->method_count; m++)
                if (a->permits[i].datasets[d]->methods[m].import == import &&
                    text_set_has(a->permits[i].methods, a->permits[i].datasets[d]->methods[m].method))
                    return true;
    return false;
}

static bool opens_personal(const model_agreement *a)
{
    for (size_t i = 0; i < a->permit_count; i++)
        for (size_t d = 0; d < a->permits[i].dataset_count; d++)
            if (a->permits[i].datasets[d]->personal)
                return true;
    return false;
}

/* The assignee's country as its own organisation id tells it; the party file's when it does not. */
static dx_bytes assignee_territory(const model_agreement *a)
{
    dx_bytes country = policy_org_country(a->assignee->org);
    return country.size > 0 ? country : a->assignee->territory;
}

static void check_instrument(lint *l, const model_agreement *a)
{
    const model_instrument *in = a->instrument;
    const char *at = "/basis/instrument";
    for (int import = 0; import < 2; import++) {
        dx_bytes from = import ? assignee_territory(a) : a->assigner->territory,
                 to = import ? a->assigner->territory : assignee_territory(a);
        if (opens(a, import != 0) && (!text_set_has(in->from, from) || !text_set_has(in->to, to)))
            lint_say(l, &a->doc, 313, false, at,
                     "the instrument %.60s does not cover " DX_TEXT_FMT " to " DX_TEXT_FMT
                     ", which a permit opens (%s)",
                     in->id, DX_TEXT_ARG(from), DX_TEXT_ARG(to), import ? "import" : "export");
    }
    if (!dx_bytes_is(in->status, "enacted"))
        lint_say(l, &a->doc, 313, true, at,
                 "the instrument %.60s is " DX_TEXT_FMT ": every exchange under it is refused", in->id,
                 DX_TEXT_ARG(in->status));
    else if (l->now_s < in->since_s)
        lint_say(l, &a->doc, 313, true, at,
                 "the instrument %.60s is not in force yet: every exchange under it is refused", in->id);
    else if (in->ends && l->now_s >= in->valid_to_s)
        lint_say(l, &a->doc, 313, true, at,
                 "the instrument %.60s has expired: every exchange under it is refused", in->id);
    if (in->ends && in->valid_to_s > l->now_s && in->valid_to_s - l->now_s < 90 * DAY_S)
        lint_say(l, &a->doc, 312, true, at, "the instrument %.60s ends within 90 days", in->id);
    if (a->to_s > l->now_s && a->to_s - l->now_s < 30 * DAY_S)
        lint_say(l, &a->doc, 312, true, "/valid", "the agreement ends within 30 days");
}

static void check_basis(lint *l, const model_agreement *a)
{
    dx_bytes code = a->basis.code;
    const char *at = "/basis/code";
    bool personal = opens_personal(a), adequacy_origin = false, recipients_private = true;
    for (size_t i = 0; i < a->permit_count; i++)
        for (size_t d = 0; d < a->permits[i].dataset_count; d++)
            adequacy_origin = adequacy_origin ||
                              text_set_has(a->permits[i].datasets[d]->labels[3].set, DX_BYTES("EU-adequacy"));
    for (int import = 0; import < 2; import++) {
        const char *sector = importer_of(a, import != 0)->sector;
        recipients_private =
            recipients_private && !(opens(a, import != 0) && sector != NULL && strcmp(sector, "public") == 0);
    }
    if (dx_bytes_is(code, "dfft:EPA-dataflow") && personal)
        lint_say(l, &a->doc, 402, false, at, "the EPA data-flow protocol alone does not carry personal data");
    if (dx_bytes_is(code, "dfft:GCBPR") && adequacy_origin)
        lint_say(
            l, &a->doc, 403, false, at,
            "data received under adequacy does not go onward on a CBPR certificate (Supplementary Rule 4)");
    if (dx_bytes_is(code, "legal-eu:Adequacy-EU-JP") && !recipients_private)
        lint_say(l, &a->doc, 404, false, at,
                 "the adequacy decision (EU) 2019/419 covers private-sector recipients only");
    if (dx_bytes_is(code, "dfft:nonpersonal") && personal)
        lint_say(l, &a->doc, 405, false, at,
                 "the basis is for non-personal data, but a permitted dataset has personal: true");
    if ((dx_bytes_is(code, "dfft:APPI-28-consent") || dx_bytes_is(code, "dfft:APPI-anon")) &&
        !a->basis.notice)
        lint_say(l, &a->doc, 406, false, "/basis", "this basis needs a notice");
    if (dx_bytes_is(code, "dfft:APPI-28-equivalent") && !a->check.set)
        lint_say(l, &a->doc, 407, false, "", "equivalent measures need the member \"check\" (Rules art. 16)");
    else if (dx_bytes_is(code, "dfft:APPI-28-equivalent") &&
             policy_duration_length_s(a->check.every) > 365 * DAY_S)
        lint_say(l, &a->doc, 407, false, "/check/every",
                 "equivalent measures are checked at least yearly: at most P1Y");
    else if (dx_bytes_is(code, "dfft:APPI-28-equivalent") && a->check.due_s <= l->now_s)
        lint_say(l, &a->doc, 407, true, "/check/last",
                 "the check is overdue: every exchange under this agreement is refused");
    if (dx_bytes_starts(code, "eu-gdpr:A49-1-"))
        for (size_t i = 0; i < a->permit_count; i++)
            if (!lint_names(a->permits[i].rule.when, POLICY_REQ_CASE) && a->permits[i].quota_count == 0)
                lint_say(l, &a->doc, 408, true, a->permits[i].rule.pointer,
                         "a derogation of art. 49 should be counted (quota) and bound to a case (req.case)");
}

static void check_permit(lint *l, const model_agreement *a, const model_permit *p)
{
    bool personal = false;
    lint_rule(l, &p->rule);
    lint_permit_obligations(l, a, p);
    for (size_t q = 0; q < p->quota_count; q++)
        if (p->quota[q].unless != NULL)
            lint_condition(l, &a->doc, p->quota[q].unless, lint_at(l, "%s/unless", p->quota[q].pointer));
    for (size_t d = 0; d < p->dataset_count; d++) {
        const model_dataset *ds = p->datasets[d];
        personal = personal || ds->personal;
        for (size_t m = 0; m < ds->method_count; m++) {
            dx_bytes method = ds->methods[m].method;
            bool safe =
                dx_bytes_is(method, "GET") || dx_bytes_is(method, "HEAD") || dx_bytes_is(method, "OPTIONS");
            bool late = p->rule.names_response || p->rule.phase == (int)POLICY_RESPONSE ||
                        (!ds->methods[m].import && (p->rule.names_body || p->rule.phase == (int)POLICY_BODY));
            if (!safe && late && text_set_has(p->methods, method))
                lint_say(
                    l, &a->doc, 306, false, p->rule.pointer,
                    DX_TEXT_FMT
                    " changes something upstream, but this permit is decided only after it was forwarded",
                    DX_TEXT_ARG(method));
        }
    }
    if (personal &&
        (!lint_names(p->rule.when, POLICY_REQ_PURPOSE) || !lint_names(p->rule.when, POLICY_REQ_DESTINATION)))
        lint_say(l, &a->doc, 315, true, p->rule.pointer,
                 "personal data is permitted without a condition on %s",
                 lint_names(p->rule.when, POLICY_REQ_PURPOSE) ? "req.destination" : "req.purpose");
    if (a->under->floors.purposes_set)
        lint_purposes(l, a, p);
}

static bool same_permits(const model_permit *x, const model_permit *y)
{
    if (x->dataset_count != y->dataset_count || !text_set_subset(x->methods, y->methods) ||
        !text_set_subset(y->methods, x->methods))
        return false;
    for (size_t i = 0; i < x->dataset_count; i++) {
        bool has = false;
        for (size_t k = 0; k < y->dataset_count; k++)
            has = has || x->datasets[i] == y->datasets[k];
        if (!has)
            return false;
    }
    return true;
}

static bool same_rules(const model_rule *x, const model_rule *y)
{
    return x->shadow == y->shadow && x->phase == y->phase && lint_same(x->when, y->when);
}

static void check_shadowed(lint *l, const model_agreement *a)
{
    for (size_t i = 1; i < a->permit_count && i < 256; i++)
        for (size_t k = 0; k < i; k++)
            if (same_rules(&a->permits[k].rule, &a->permits[i].rule) &&
                same_permits(&a->permits[k], &a->permits[i])) {
                lint_say(l, &a->doc, 304, true, a->permits[i].rule.pointer, "this permit repeats %.64s",
                         a->permits[k].rule.id);
                break;
            }
    for (size_t i = 1; i < a->prohibit_count && i < 256; i++)
        for (size_t k = 0; k < i; k++)
            if (same_rules(&a->prohibits[k], &a->prohibits[i])) {
                lint_say(l, &a->doc, 304, true, a->prohibits[i].pointer, "this prohibition repeats %.64s",
                         a->prohibits[k].id);
                break;
            }
}

void lint_agreement(lint *l, const model_agreement *a)
{
    bool enforcing = false, personal = opens_personal(a);
    for (size_t i = 0; i < a->permit_count; i++) {
        check_permit(l, a, &a->permits[i]);
        enforcing = enforcing || !a->permits[i].rule.shadow;
    }
    for (size_t i = 0; i < a->prohibit_count; i++)
        lint_rule(l, &a->prohibits[i]);
    check_shadowed(l, a);
    check_instrument(l, a);
    check_basis(l, a);
    if (!enforcing)
        lint_say(l, &a->doc, 314, a->shadow, "/permit", "nothing is permitted: there is no enforcing permit");
    if (a->from_s < a->under->from_s || a->to_s > a->under->to_s)
        lint_say(l, &a->doc, 310, false, "/valid",
                 "the agreement is valid outside the validity of its partnership");
    if (!model_two_groups(a, a->assignee->territory))
        lint_say(
            l, &a->doc, 311, false, "/parties",
            "the parties do not stand in two different groups of the partnership, each in its territory");
    for (int import = 0; import < 2; import++) {
        const model_party *to = importer_of(a, import != 0);
        if (personal && opens(a, import != 0) && (to->address == NULL || to->representative == NULL))
            lint_say(l, &to->doc, 411, true, "", "the importer's party file lacks %s (APPI art. 30)",
                     to->address == NULL ? "address" : "representative");
    }
}
