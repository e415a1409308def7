#include "policy/bundle.h"

#include <stdio.h>
#include <stdlib.h>

#define FINDINGS_MAX 2000 /* beyond that nobody reads on; the count still says no */

static bool is_error(unsigned number)
{
    switch (number) {
#define E true
#define W false
#define L(n, severity, text)                                                                                 \
    case n:                                                                                                  \
        return severity;
#include "policy/lint_table.h"
#undef L
#undef W
#undef E
    default:
        return true;
    }
}

void finding_add(policy_findings *lint, const char *file, dx_bytes text, unsigned number, bool warning,
                 const char *pointer, bool name, const char *format, ...)
{
    bool error = is_error(number) && !warning;
    lint->errors += error;
    lint->warnings += !error;
    if (lint->count >= FINDINGS_MAX)
        return;
    if ((lint->count & (lint->count - 1)) == 0) { /* room is the next power of two */
        size_t room = lint->count == 0 ? 1 : lint->count * 2;
        policy_finding *more = realloc(lint->items, room * sizeof *more);
        if (more == NULL)
            return; /* counted, so the answer stays no */
        lint->items = more;
    }
    policy_finding *f = &lint->items[lint->count++];
    *f = (policy_finding){.error = error};
    snprintf(f->id, sizeof f->id, "PL-%u", number);
    snprintf(f->file, sizeof f->file, "%s", file);
    snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    if (text.size > 0 && !dx_json_position(text, pointer, name, &f->line, &f->column))
        f->line = f->column = 0;
}

void policy_findings_fini(policy_findings *findings)
{
    free(findings->items);
    *findings = (policy_findings){0};
}

static int compare(const void *a, const void *b)
{
    const policy_finding *x = a, *y = b;
    int order = strcmp(x->file, y->file);
    if (order == 0)
        order = strcmp(x->pointer, y->pointer);
    return order != 0 ? order : strcmp(x->id, y->id);
}

void finding_sort(policy_findings *lint)
{
    if (lint->count > 1)
        qsort(lint->items, lint->count, sizeof *lint->items, compare);
}

/* ---- pointers ---- */

static size_t push(place *p, const char *text, bool escape)
{
    size_t before = p->size, n = before;
    if (n + 1 < sizeof p->pointer)
        p->pointer[n++] = '/';
    for (; *text != 0 && n + 3 < sizeof p->pointer; text++) {
        if (escape && (*text == '~' || *text == '/')) {
            p->pointer[n++] = '~';
            p->pointer[n++] = *text == '~' ? '0' : '1';
        } else {
            p->pointer[n++] = *text;
        }
    }
    p->pointer[n] = 0;
    p->size = n;
    return before;
}

size_t place_push(place *p, const char *member)
{
    return push(p, member, true);
}

size_t place_push_index(place *p, size_t index)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", index);
    return push(p, text, false);
}

void place_pop(place *p, size_t size)
{
    p->size = size;
    p->pointer[size] = 0;
}
