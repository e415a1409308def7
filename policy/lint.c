/* What documents say together (policy.md 14): references that loop back, floors, dates, law. Runs on the
 * compiled model, when no E finding stands. Conditions themselves are in lint_condition.c. */
#include "policy/lint.h"

#include <stdio.h>

#define DAY_S 86400

void lint_say(lint *l, const model_document *doc, unsigned number, bool warning, const char *pointer,
              const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    dx_bytes source = {NULL, 0};
    for (size_t low = 0, high = l->b->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(l->b->documents[middle].path, doc->file);
        if (order == 0) {
            source = l->b->documents[middle].text;
            break;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    finding_add(l->b->lint, doc->file, source, number, warning, pointer, false, "%s", text);
}

const char *lint_at(lint *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->pointer, sizeof l->pointer, format, args);
    va_end(args);
    return l->pointer;
}

static bool is(dx_bytes text, const char *word)
{
    return dx_bytes_is(text, word);
}

/* ---- obligations ---- */

static const char *member_path(const char *member)
{
    return member[0] == 0 ? "" : "/";
}

static void check_floor(lint *l, const model_agreement *a, const model_permit *p)
{
    for (unsigned n = 0; n < OBLIGE_COUNT; n++) {
        const char *member = oblige_looser(&p->oblige, &a->under->floors.oblige, (oblige_name)n);
        if (member == NULL)
            continue;
        char floor[160];
        unsigned line = 0, column = 0;
        snprintf(floor, sizeof floor, "/floors/%s%s%s", oblige_names[n], member_path(member), member);
        for (size_t i = 0; i < l->b->count; i++)
            if (strcmp(l->b->documents[i].path, a->under->doc.file) == 0)
                (void)dx_json_position(l->b->documents[i].text, floor, false, &line, &column);
        lint_say(
            l, &a->doc, 309, false,
            lint_at(l, "%s/oblige/%s%s%s", p->rule.pointer, oblige_names[n], member_path(member), member),
            "asks less than the partnership's floor at %.90s:%u:%u (%.60s)", a->under->doc.file, line, column,
            floor);
    }
}

static bool json_body(const model_dataset *d)
{
    for (size_t i = 0; i < d->media_types.count; i++) {
        dx_bytes t = d->media_types.items[i];
        bool suffix = t.size > 5 && memcmp(t.data + t.size - 5, "+json", 5) == 0;
        if (!suffix && !is(t, "application/json") && !is(t, "text/json"))
            return false;
    }
    return true;
}

/* The obligations of a permit, together with the floors, against each dataset it opens. */
static void check_bodies(lint *l, const model_agreement *a, const model_permit *p)
{
    static const oblige_name body[] = {OBLIGE_REDACT, OBLIGE_MIN_RECORDS};
    for (size_t d = 0; d < p->dataset_count; d++) {
        const model_dataset *ds = p->datasets[d];
        for (size_t i = 0; i < 2; i++)
            if ((p->merged.set & 1U << body[i]) != 0 && (ds->inspect_none || !json_body(ds)))
                lint_say(l, &a->doc, 504, false,
                         lint_at(l, "%s/oblige/%s", p->rule.pointer, oblige_names[body[i]]),
                         "%s needs the body, but the dataset %.100s %s", oblige_names[body[i]], ds->doc.id,
                         ds->inspect_none ? "has body_inspect none" : "has a media type that is not JSON");
        if (p->merged.seal.on_failure == 1 && !ds->async)
            lint_say(l, &a->doc, 505, false, lint_at(l, "%s/oblige/seal/on_failure", p->rule.pointer),
                     "an answer can be queued only when the dataset is asynchronous; %.120s is not",
                     ds->doc.id);
        if ((p->merged.set & 1U << OBLIGE_MIN_RECORDS) != 0 && ds->record_count == NULL)
            lint_say(l, &a->doc, 507, false, lint_at(l, "%s/oblige/min_records", p->rule.pointer),
                     "records cannot be counted: the dataset %.120s has no record_count", ds->doc.id);
        for (size_t q = 0; q < p->quota_count; q++)
            if (p->quota[q].of == 2 && ds->record_count == NULL)
                lint_say(l, &a->doc, 507, false, p->quota[q].pointer,
                         "records cannot be counted: the dataset %.120s has no record_count", ds->doc.id);
        if (ds->personal && p->merged.retention_min.length_s < (int64_t)(2 * 365 + 365) * DAY_S)
            lint_say(
                l, &a->doc, 506, true, p->rule.pointer,
                "records of personal data (%.100s) are kept less than three years, or for no stated time",
                ds->doc.id);
    }
}

static void check_conflicts(lint *l, const model_document *doc, const model_rule *rule,
                            const obligations *own, const obligations *merged)
{
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (oblige_conflict(own, (oblige_name)n) && !own->redact.keep_dataset)
            lint_say(l, doc, 502, false, lint_at(l, "%s/oblige/%s", rule->pointer, oblige_names[n]),
                     "this obligation contradicts itself");
        else if (oblige_conflict(merged, (oblige_name)n) && !merged->redact.keep_dataset)
            lint_say(l, doc, 502, false, lint_at(l, "%s/oblige/%s", rule->pointer, oblige_names[n]),
                     "this obligation can never be met together with the partnership's floor");
}

static void check_can(lint *l, const model_document *doc, const model_rule *rule, const obligations *own,
                      const obligations *merged)
{
    if (l->b->can == NULL || !l->b->can->has_table)
        return;
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (oblige_can(merged, (oblige_name)n, l->b->can, true) == CAN_UNCONFIGURED)
            lint_say(l, doc, 501, false,
                     (own->set & 1U << n) != 0 ? lint_at(l, "%s/oblige/%s", rule->pointer, oblige_names[n])
                                               : rule->pointer,
                     "no configured component can ever meet the obligation %s%s", oblige_names[n],
                     (own->set & 1U << n) != 0 ? "" : " of the partnership's floor");
}

/* ---- agreements ---- */

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
    if (!is(in->status, "enacted"))
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

static bool in_two_groups(const model_agreement *a)
{
    const model_partnership *ps = a->under;
    for (size_t i = 0; i < ps->between_count; i++)
        for (size_t k = 0; k < ps->between_count; k++)
            if (i != k && !dx_bytes_equal(ps->between[i].group, ps->between[k].group) &&
                text_set_has(a->assigner->groups, ps->between[i].group) &&
                text_set_has(ps->between[i].territories, a->assigner->territory) &&
                text_set_has(a->assignee->groups, ps->between[k].group) &&
                text_set_has(ps->between[k].territories, a->assignee->territory))
                return true;
    return false;
}

static void check_basis(lint *l, const model_agreement *a)
{
    dx_bytes code = a->basis.code;
    const char *at = "/basis/code";
    bool personal = false, adequacy_origin = false, recipients_private = true;
    for (size_t i = 0; i < a->permit_count; i++)
        for (size_t d = 0; d < a->permits[i].dataset_count; d++) {
            personal = personal || a->permits[i].datasets[d]->personal;
            adequacy_origin = adequacy_origin ||
                              text_set_has(a->permits[i].datasets[d]->labels[3].set, DX_BYTES("EU-adequacy"));
        }
    for (int import = 0; import < 2; import++) {
        const char *sector = importer_of(a, import != 0)->sector;
        recipients_private =
            recipients_private && !(opens(a, import != 0) && sector != NULL && strcmp(sector, "public") == 0);
    }
    if (is(code, "dfft:EPA-dataflow") && personal)
        lint_say(l, &a->doc, 402, false, at, "the EPA data-flow protocol alone does not carry personal data");
    if (is(code, "dfft:GCBPR") && adequacy_origin)
        lint_say(
            l, &a->doc, 403, false, at,
            "data received under adequacy does not go onward on a CBPR certificate (Supplementary Rule 4)");
    if (is(code, "legal-eu:Adequacy-EU-JP") && !recipients_private)
        lint_say(l, &a->doc, 404, false, at,
                 "the adequacy decision (EU) 2019/419 covers private-sector recipients only");
    if (is(code, "dfft:nonpersonal") && personal)
        lint_say(l, &a->doc, 405, false, at,
                 "the basis is for non-personal data, but a permitted dataset has personal: true");
    if ((is(code, "dfft:APPI-28-consent") || is(code, "dfft:APPI-anon")) && !a->basis.notice)
        lint_say(l, &a->doc, 406, false, "/basis", "this basis needs a notice");
    if (is(code, "dfft:APPI-28-equivalent") && !a->check.set)
        lint_say(l, &a->doc, 407, false, "", "equivalent measures need the member \"check\" (Rules art. 16)");
    else if (is(code, "dfft:APPI-28-equivalent") && policy_duration_length_s(a->check.every) > 365 * DAY_S)
        lint_say(l, &a->doc, 407, false, "/check/every",
                 "equivalent measures are checked at least yearly: at most P1Y");
    else if (is(code, "dfft:APPI-28-equivalent") && a->check.due_s <= l->now_s)
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
    check_floor(l, a, p);
    check_conflicts(l, &a->doc, &p->rule, &p->oblige, &p->merged);
    check_can(l, &a->doc, &p->rule, &p->oblige, &p->merged);
    check_bodies(l, a, p);
    for (size_t q = 0; q < p->quota_count; q++)
        if (p->quota[q].unless != NULL)
            lint_condition(l, &a->doc, p->quota[q].unless, lint_at(l, "%s/unless", p->quota[q].pointer));
    for (size_t d = 0; d < p->dataset_count; d++) {
        const model_dataset *ds = p->datasets[d];
        personal = personal || ds->personal;
        for (size_t m = 0; m < ds->method_count; m++) {
            dx_bytes method = ds->methods[m].method;
            bool safe = is(method, "GET") || is(method, "HEAD") || is(method, "OPTIONS");
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

static void check_agreement(lint *l, const model_agreement *a)
{
    bool enforcing = false, personal = false;
    for (size_t i = 0; i < a->permit_count; i++) {
        check_permit(l, a, &a->permits[i]);
        enforcing = enforcing || !a->permits[i].rule.shadow;
        for (size_t d = 0; d < a->permits[i].dataset_count; d++)
            personal = personal || a->permits[i].datasets[d]->personal;
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
    if (!in_two_groups(a))
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

/* ---- everything else ---- */

static void check_authority(lint *l, const model_authority *a)
{
    lint_condition(l, &a->doc, a->identify, "/identify");
    if (!lint_names(a->identify, POLICY_PEER_CERT_SHA256) &&
        !lint_names(a->identify, POLICY_PEER_TL_TERRITORY) &&
        !lint_names(a->identify, POLICY_PEER_TL_SCHEME) && !lint_names(a->identify, POLICY_PEER_TL_LEVEL))
        lint_say(l, &a->doc, 802, true, "/identify",
                 "the authority is known neither by a certificate pin nor by a trusted list");
    for (size_t i = 0; i < a->grant_count; i++) {
        const model_grant *g = &a->grants[i];
        lint_rule(l, &g->rule);
        check_conflicts(l, &a->doc, &g->rule, &g->oblige, &g->oblige);
        check_can(l, &a->doc, &g->rule, &g->oblige, &g->oblige);
        if (!g->scope_stated)
            lint_say(l, &a->doc, 801, false,
                     lint_has(l, &a->doc, lint_at(l, "%s/scope", g->rule.pointer)) ? l->pointer
                                                                                   : g->rule.pointer,
                     "the scope is unbounded: scope.records says which records the authority may read");
        else if (g->scope_country_count == 0)
            lint_say(l, &a->doc, 801, false, lint_at(l, "%s/scope", g->rule.pointer),
                     "the scope is unreachable: records is any or all of {field, op eq or in, value} over "
                     "exporter.country and importer.country");
        if (g->rule.names_body)
            lint_say(l, &a->doc, 301, false, g->rule.pointer,
                     "a regulator route never reaches the body phase");
    }
}

static void check_guards(lint *l, const policy *p)
{
    const bundle_document *doc = l->b->by_kind_guards;
    json_t *builtin = json_object_get(doc->json, "builtin"), *value;
    const char *name;
    if (json_object_get(builtin, "jp.individual_number") == NULL)
        lint_say(l, &p->guards, 409, false, "/builtin",
                 "the built-in guard jp.individual_number is missing: deny or tag");
    json_object_foreach(builtin, name, value)
    {
        if (!is(json_view(value), "deny") && !is(json_view(value), "tag"))
            lint_say(l, &p->guards, 409, false, "/builtin",
                     "the built-in guard %.40s is deny or tag, nothing else", name);
    }
    for (size_t i = 0; i < p->guard_count; i++)
        lint_rule(l, &p->guard_rules[i]);
}

static bool says_qualified(const json_t *row)
{
    static const char *const members[] = {"id", "title", "law", "note", NULL};
    for (size_t i = 0; members[i] != NULL; i++) {
        dx_bytes text = json_view(json_object_get(row, members[i]));
        for (size_t k = 0; k + 9 <= text.size; k++)
            if (dx_bytes_equal_nocase(dx_bytes_part(text, k, 9), DX_BYTES("qualified")))
                return true;
    }
    return false;
}

static void check_levels(lint *l, const policy *p)
{
    static const char *const known[] = {
        "q-eseal-qscd", "q-eseal",   "q-wac", "q-esig-qscd", "q-esig", "eu-qtst",  "jp-eseal-2", "jp-eseal-1",
        "jp-tsa",       "jp-person", "jpki",  "pinned",      "listed", "unlisted", NULL};
    const bundle_document *doc = l->b->by_kind_levels;
    const model_document levels = {.file = doc->path, .id = doc->id};
    json_t *rows = json_object_get(doc->json, "rows"), *row, *level;
    size_t i, k;
    json_array_foreach(rows, i, row)
    {
        json_t *match = json_object_get(row, "match");
        json_array_foreach(json_object_get(match, "level"), k, level)
        {
            if (oblige_word(known, json_view(level)) == 0)
                lint_say(l, &levels, 410, false, lint_at(l, "/rows/%zu/match/level/%zu", i, k),
                         "\"" DX_TEXT_FMT "\" is no level", DX_TEXT_ARG(json_view(level)));
        }
        /* Levels of EU lists start with q- or eu-; a row of none, or of others too, speaks of non-EU
         * services. */
        bool eu = p->levels[i].has_level && p->levels[i].level.count > 0;
        for (k = 0; k < p->levels[i].level.count; k++)
            eu = eu && (dx_bytes_starts(p->levels[i].level.items[k], "q-") ||
                        dx_bytes_starts(p->levels[i].level.items[k], "eu-"));
        if (says_qualified(row) && !eu)
            lint_say(l, &levels, 410, false, lint_at(l, "/rows/%zu", i),
                     "\"qualified\" is said of a service that no EU list calls so");
    }
}

static void check_partnership(lint *l, const model_partnership *ps)
{
    for (size_t i = 0; i < ps->never_count; i++)
        lint_rule(l, &ps->never[i]);
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (oblige_conflict(&ps->floors.oblige, (oblige_name)n) && !ps->floors.oblige.redact.keep_dataset)
            lint_say(l, &ps->doc, 502, false, lint_at(l, "/floors/%s", oblige_names[n]),
                     "this obligation contradicts itself");
}

static void check_datasets(lint *l, const policy *p)
{
    for (size_t i = 0; i < p->dataset_count; i++) {
        const model_dataset *d = &p->datasets[i];
        if (d->personal && d->item_count == 0)
            lint_say(l, &d->doc, 412, true, lint_has(l, &d->doc, "/items") ? "/items" : "",
                     "the items of personal data are not listed");
        for (const model_dataset *other = d->next; other != NULL; other = other->next)
            for (size_t m = 0; m < d->method_count; m++)
                for (size_t k = 0; k < other->method_count; k++)
                    if (dx_bytes_equal(d->methods[m].method, other->methods[k].method)) {
                        const model_dataset *later = strcmp(d->doc.file, other->doc.file) > 0 ? d : other;
                        lint_say(l, &later->doc, 307, false, "/route",
                                 "the method " DX_TEXT_FMT " of this route belongs to %.120s too",
                                 DX_TEXT_ARG(d->methods[m].method),
                                 later == d ? other->doc.file : d->doc.file);
                    }
    }
}

/* One finding for a pair of agreements, on the later file. */
static void check_doubles(lint *l, const policy *p)
{
    for (size_t s = 0; p->candidates.slots != NULL && s <= p->candidates.mask; s++) {
        const model_candidates *list = p->candidates.slots[s].value;
        for (size_t i = 1; list != NULL && i < list->count && i < 64; i++)
            for (size_t k = 0; k < i; k++) {
                const model_agreement *x = list->items[k], *y = list->items[i];
                if (!x->active || !y->active || x->shadow || y->shadow || x->to_s <= y->from_s ||
                    y->to_s <= x->from_s)
                    continue;
                const model_agreement *later = strcmp(x->doc.file, y->doc.file) > 0 ? x : y;
                if (!lint_once(l, 308, later->doc.file))
                    continue;
                lint_say(l, &later->doc, 308, true, "",
                         "another active agreement (%.120s) covers the same peer and dataset: requests must "
                         "name one in DFFT-Agreement",
                         later == x ? y->doc.file : x->doc.file);
            }
    }
}

static void check_used(lint *l, const policy *p)
{
    uint8_t *parties = dx_arena_alloc(&l->b->arena, p->party_count + 1),
            *datasets = dx_arena_alloc(&l->b->arena, p->dataset_count + 1);
    uint8_t *partnerships = dx_arena_alloc(&l->b->arena, p->partnership_count + 1);
    if (parties == NULL || datasets == NULL || partnerships == NULL) {
        l->b->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < p->agreement_count; i++) {
        const model_agreement *a = &p->agreements[i];
        parties[a->assigner - p->parties] = parties[a->assignee - p->parties] = 1;
        partnerships[a->under - p->partnerships] = 1;
        for (size_t k = 0; k < a->permit_count; k++)
            for (size_t d = 0; d < a->permits[k].dataset_count; d++)
                datasets[a->permits[k].datasets[d] - p->datasets] = 1;
    }
    for (size_t i = 0; i < p->party_count; i++)
        if (!parties[i])
            lint_say(l, &p->parties[i].doc, 209, true, "", "no agreement has this party");
    for (size_t i = 0; i < p->dataset_count; i++)
        if (!datasets[i])
            lint_say(l, &p->datasets[i].doc, 209, true, "", "no agreement permits this dataset");
    for (size_t i = 0; i < p->partnership_count; i++)
        if (!partnerships[i])
            lint_say(l, &p->partnerships[i].doc, 209, true, "", "no agreement stands under this partnership");
}

void lint_check(bundle *b, const policy *p)
{
    lint l = {.b = b, .now_s = b->source->now_s};
    check_guards(&l, p);
    check_levels(&l, p);
    check_datasets(&l, p);
    for (size_t i = 0; i < p->partnership_count; i++)
        check_partnership(&l, &p->partnerships[i]);
    for (size_t i = 0; i < p->agreement_count; i++)
        check_agreement(&l, &p->agreements[i]);
    for (size_t i = 0; i < p->authority_count; i++)
        check_authority(&l, &p->authorities[i]);
    check_doubles(&l, p);
    check_used(&l, p);
}
