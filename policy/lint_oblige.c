/* Obligations of a permit or grant: against the floor, against the datasets, against each other, and against
 * what the gateway can do (PL-309, PL-5xx). */
#include "policy/lint.h"

#include <stdio.h>

#define THREE_YEARS_S (3 * 365 * 86400)

static void check_floor(lint *l, const model_agreement *a, const model_permit *p)
{
    for (unsigned n = 0; n < OBLIGE_COUNT; n++) {
        const char *member = oblige_looser(&p->oblige, &a->under->floors.oblige, (oblige_name)n);
        if (member == NULL)
            continue;
        const char *slash = member[0] == 0 ? "" : "/";
        char floor[160];
        const bundle_document *above = bundle_find(l->b, a->under->doc.file);
        unsigned line = 0, column = 0;
        snprintf(floor, sizeof floor, "/floors/%s%s%s", oblige_names[n], slash, member);
        if (above != NULL)
            (void)dx_json_position(above->text, floor, false, &line, &column);
        lint_say(l, &a->doc, 309, false,
                 lint_at(l, "%s/oblige/%s%s%s", p->rule.pointer, oblige_names[n], slash, member),
                 "asks less than the partnership's floor at %.90s:%u:%u (%.60s)", a->under->doc.file, line,
                 column, floor);
    }
}

static bool json_body(const model_dataset *d)
{
    for (size_t i = 0; i < d->media_types.count; i++) {
        dx_bytes t = d->media_types.items[i];
        bool suffix = t.size > 5 && memcmp(t.data + t.size - 5, "+json", 5) == 0;
        if (!suffix && !dx_bytes_is(t, "application/json") && !dx_bytes_is(t, "text/json"))
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
            if (p->quota[q].of == QUOTA_RECORDS && ds->record_count == NULL)
                lint_say(l, &a->doc, 507, false, p->quota[q].pointer,
                         "records cannot be counted: the dataset %.120s has no record_count", ds->doc.id);
        if (ds->personal && p->merged.retention_min.length_s < THREE_YEARS_S)
            lint_say(
                l, &a->doc, 506, true, p->rule.pointer,
                "records of personal data (%.100s) are kept less than three years, or for no stated time",
                ds->doc.id);
    }
}

static void check_conflicts(lint *l, const model_rule *rule, const obligations *own,
                            const obligations *merged)
{
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (oblige_conflict(own, (oblige_name)n) && !own->redact.keep_dataset)
            lint_say(l, rule->doc, 502, false, lint_at(l, "%s/oblige/%s", rule->pointer, oblige_names[n]),
                     "this obligation contradicts itself");
        else if (oblige_conflict(merged, (oblige_name)n) && !merged->redact.keep_dataset)
            lint_say(l, rule->doc, 502, false, lint_at(l, "%s/oblige/%s", rule->pointer, oblige_names[n]),
                     "this obligation can never be met together with the partnership's floor");
}

static void check_can(lint *l, const model_rule *rule, const obligations *own, const obligations *merged)
{
    if (l->b->can == NULL || !l->b->can->has_table)
        return;
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (oblige_can(merged, (oblige_name)n, l->b->can, true) == CAN_UNCONFIGURED)
            lint_say(l, rule->doc, 501, false,
                     (own->set & 1U << n) != 0 ? lint_at(l, "%s/oblige/%s", rule->pointer, oblige_names[n])
                                               : rule->pointer,
                     "no configured component can ever meet the obligation %s%s", oblige_names[n],
                     (own->set & 1U << n) != 0 ? "" : " of the partnership's floor");
}

void lint_obligations(lint *l, const model_rule *rule, const obligations *own, const obligations *merged)
{
    check_conflicts(l, rule, own, merged);
    check_can(l, rule, own, merged);
}

void lint_permit_obligations(lint *l, const model_agreement *a, const model_permit *p)
{
    check_floor(l, a, p);
    lint_obligations(l, &p->rule, &p->oblige, &p->merged);
    check_bodies(l, a, p);
}
