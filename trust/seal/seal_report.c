#include "trust/seal/seal_report.h"

#include <stdio.h>

static const struct {
    const char *id, *clause, *text, *sub_indication;
} checks[] = {
#define S(id, clause, text, sub) {id, clause, text, sub},
#include "trust/seal/seal_check_table.h"
#undef S
};

static size_t find(const char *id)
{
    size_t i = 0;
    while (i < sizeof checks / sizeof *checks && strcmp(checks[i].id, id) != 0)
        i++;
    return i;
}

const char *seal_check_text(const char *id, const char **clause)
{
    size_t i = find(id);
    if (i == sizeof checks / sizeof *checks)
        return stamp_check_text(id, clause);
    if (clause != NULL)
        *clause = checks[i].clause;
    return checks[i].text;
}

/* EN 319 102-1 5.1.3: these mean that nothing more could change the answer. */
static bool is_final(const char *sub)
{
    static const char *const final[] = {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE",
                                        "REVOKED",        "EXPIRED",      "NOT_YET_VALID"};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (strcmp(final[i], sub) == 0)
            return true;
    return false;
}

static seal_check_line *line_new(seal_report *report, const char *id, const char *clause)
{
    seal_verdict *v = report->verdict;
    if (v->line_count == report->capacity) {
        size_t capacity = report->capacity == 0 ? 32 : 2 * report->capacity;
        seal_check_line *lines = DX_ARENA_ARRAY(report->arena, seal_check_line, capacity);
        if (lines == NULL) {
            report->no_memory = true;
            return NULL;
        }
        if (v->line_count != 0)
            memcpy(lines, v->lines, v->line_count * sizeof *lines);
        v->lines = lines;
        report->capacity = capacity;
    }
    seal_check_line *line = &v->lines[v->line_count++];
    snprintf(line->id, sizeof line->id, "%s", id);
    snprintf(line->clause, sizeof line->clause, "%s", clause);
    return line;
}

__attribute__((format(printf, 3, 0))) static void line_text(seal_check_line *line, const char *id,
                                                            const char *detail, va_list args)
{
    if (detail != NULL)
        vsnprintf(line->text, sizeof line->text, detail, args);
    else
        snprintf(line->text, sizeof line->text, "%s", checks[find(id)].text);
}

bool seal_report_ok(seal_report *report, const char *id, const char *detail, ...)
{
    seal_check_line *line = line_new(report, id, checks[find(id)].clause);
    if (line == NULL)
        return false;
    va_list args;
    va_start(args, detail);
    line_text(line, id, detail, args);
    va_end(args);
    line->ok = true;
    return true;
}

void seal_report_note(seal_report *report, const char *id, const char *text)
{
    seal_check_line *line = line_new(report, id, checks[find(id)].clause);
    if (line == NULL)
        return;
    snprintf(line->text, sizeof line->text, "%s", text);
    line->ok = true;
    line->note = true;
}

static void decide(seal_report *report, const char *id, const char *sub, bool indeterminate)
{
    seal_verdict *v = report->verdict;
    v->first = id;
    v->sub_indication = sub;
    v->indication = indeterminate ? SEAL_INDETERMINATE : SEAL_TOTAL_FAILED;
}

bool seal_report_no(seal_report *report, const char *id, const char *detail, ...)
{
    size_t at = find(id);
    seal_check_line *line = line_new(report, id, checks[at].clause);
    decide(report, checks[at].id, checks[at].sub_indication, !is_final(checks[at].sub_indication));
    if (line == NULL)
        return false;
    va_list args;
    va_start(args, detail);
    line_text(line, id, detail, args);
    va_end(args);
    return false;
}

bool seal_report_no_as(seal_report *report, const char *id, const char *sub_indication, const char *detail,
                       ...)
{
    size_t at = find(id);
    seal_check_line *line = line_new(report, id, checks[at].clause);
    decide(report, checks[at].id, sub_indication, !is_final(sub_indication));
    if (line == NULL)
        return false;
    va_list args;
    va_start(args, detail);
    line_text(line, id, detail, args);
    va_end(args);
    return false;
}

bool seal_report_stamp(seal_report *report, const stamp_verdict *stamp)
{
    seal_check_line *line = stamp->ok ? line_new(report, "STAMP", "RFC 3161, RFC 4998")
                                      : line_new(report, stamp->id, stamp->clause);
    if (line == NULL)
        return false;
    snprintf(line->text, sizeof line->text, "%s",
             stamp->ok ? "the time evidence belongs to this seal and is believed" : stamp->text);
    line->ok = stamp->ok;
    if (!stamp->ok) {
        const char *id = dx_arena_text(report->arena, dx_bytes_text(stamp->id));
        report->no_memory |= id == NULL;
        decide(report, id == NULL ? "STAMP" : id,
               stamp->sub_indication == NULL ? "FORMAT_FAILURE" : stamp->sub_indication,
               stamp->indeterminate);
    }
    return stamp->ok;
}
