#include "trust/list/tlist_check.h"

#include <stdio.h>

static const struct {
    unsigned number;
    const char *id, *severity, *clause, *text;
} checks[] = {
#define T(number, severity, clause, text) {number, "TL-" #number, severity, clause, text},
#include "trust/list/tlist_check_table.h"
#undef T
};

_Static_assert(sizeof checks / sizeof *checks <= TLIST_REFUSALS_MAX, "a counter for every check");

size_t tlist_check_place(const char *id)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0)
            return i;
    return TLIST_REFUSALS_MAX;
}

const char *tlist_check_at(size_t place)
{
    return place < sizeof checks / sizeof *checks ? checks[place].id : NULL;
}

static size_t row_of(unsigned number)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i].number == number)
            return i;
    return 0;
}

/* Clauses in the table are short; outside of it the standard is named. */
static void clause_of(size_t row, char out[64])
{
    const char *clause = checks[row].clause;
    bool bare = clause[0] >= '0' && clause[0] <= '9';
    snprintf(out, 64, "%s%s", bare ? "TS 119 612 " : "", clause);
}

struct dx_rc tlist_refuse_as(dx_why *why, dx_code code, unsigned number, const char *text, ...)
{
    char clause[64];
    size_t row = row_of(number);
    va_list args;
    clause_of(row, clause);
    va_start(args, text);
    struct dx_rc rc = dx_failv(why, code, checks[row].id, clause, text, args);
    va_end(args);
    return rc;
}

struct dx_rc tlist_refuse(dx_why *why, unsigned number, const char *text, ...)
{
    char clause[64];
    size_t row = row_of(number);
    va_list args;
    clause_of(row, clause);
    va_start(args, text);
    struct dx_rc rc = dx_failv(why, DX_REFUSED, checks[row].id, clause, text, args);
    va_end(args);
    return rc;
}

const char *tlist_check_text(const char *id, const char **clause)
{
    static _Thread_local char full[64];
    size_t row = tlist_check_place(id);
    if (row == TLIST_REFUSALS_MAX)
        return NULL;
    clause_of(row, full);
    if (clause != NULL)
        *clause = full;
    return checks[row].text;
}

bool tlist_remarked(const tlist_remarks *remarks, unsigned number)
{
    return strstr(remarks->text, checks[row_of(number)].id) != NULL;
}

void tlist_remark(tlist_remarks *remarks, unsigned number)
{
    size_t size = strlen(remarks->text);
    if (!tlist_remarked(remarks, number))
        snprintf(remarks->text + size, sizeof remarks->text - size, "%s%s", size > 0 ? " " : "",
                 checks[row_of(number)].id);
}
