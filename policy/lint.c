/* What documents say together (policy.md 14). Runs on the compiled model, when no E finding stands. Documents
 * alone are in lint_document.c, agreements in lint_agreement.c, conditions in lint_condition.c. */
#include "policy/lint.h"

#include <stdio.h>

void lint_say(lint *l, const model_document *doc, unsigned number, bool warning, const char *pointer,
              const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const bundle_document *source = bundle_find(l->b, doc->file);
    finding_add(l->b->lint, doc->file, source == NULL ? (dx_bytes){NULL, 0} : source->text, number, warning,
                pointer, false, "%s", text);
}

const char *lint_at(lint *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->pointer, sizeof l->pointer, format, args);
    va_end(args);
    return l->pointer;
}

bool lint_has(lint *l, const model_document *doc, const char *pointer)
{
    const bundle_document *source = bundle_find(l->b, doc->file);
    unsigned line, column;
    return source != NULL && dx_json_position(source->text, pointer, false, &line, &column);
}

/* Not said of this file yet. */
static bool once(lint *l, unsigned number, const char *file)
{
    char id[8];
    snprintf(id, sizeof id, "PL-%u", number);
    for (size_t i = 0; i < l->b->lint->count; i++)
        if (strcmp(l->b->lint->items[i].id, id) == 0 && strcmp(l->b->lint->items[i].file, file) == 0)
            return false;
    return true;
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
                if (!once(l, 308, later->doc.file))
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
    lint_guards(&l, p);
    lint_levels(&l, p);
    check_datasets(&l, p);
    for (size_t i = 0; i < p->partnership_count; i++)
        lint_partnership(&l, &p->partnerships[i]);
    for (size_t i = 0; i < p->agreement_count; i++)
        lint_agreement(&l, &p->agreements[i]);
    for (size_t i = 0; i < p->authority_count; i++)
        lint_authority(&l, &p->authorities[i]);
    check_doubles(&l, p);
    check_used(&l, p);
}
