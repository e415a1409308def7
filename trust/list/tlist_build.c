/* The builder's walk: inputs, mistakes all at once, comparison with the last list, signature, and the
 * finished file through the same loader that a gateway uses before anybody can see it. */
#include "trust/list/tlist_build_private.h"

#include <stdio.h>

static const char *const names[] = {
#define COLUMN(id, name, scope, must) name,
#include "trust/list/tlist_build_column_table.h"
#undef COLUMN
};

const char *tlist_build_column_name(build_column column)
{
    return column < BUILD_COLUMNS ? names[column] : "";
}

DX_RC tlist_build_no_memory(dx_why *why)
{
    return DX_FAIL(why, NO_MEMORY, "", "no memory to build a list");
}

static void count(build *b, const tlist_build_finding *f)
{
    *(f->warning ? &b->report->warnings : &b->report->errors) += 1;
    if (b->spec->finding != NULL && b->report->warnings + b->report->errors <= BUILD_FINDINGS_MAX)
        b->spec->finding(b->spec->context, f);
}

void tlist_build_say(build *b, bool warning, const build_row *row, build_column column, const char *text, ...)
{
    tlist_build_finding f = {.file = b->spec->table,
                             .row = row->number,
                             .name = tlist_build_column_name(column),
                             .warning = warning};
    va_list args;
    va_start(args, text);
    vsnprintf(f.text, sizeof f.text, text, args);
    va_end(args);
    if (b->report->errors + b->report->warnings >= BUILD_FINDINGS_MAX) {
        count(b, &f); /* nobody reads it, so nobody needs its place */
        return;
    }
    if (row->pointer != NULL) {
        char at[96];
        snprintf(at, sizeof at, "%s%s%s", row->pointer, column < BUILD_COLUMNS ? "/" : "", f.name);
        if (!dx_json_position(b->table, at, false, &f.line, &f.column))
            dx_json_position(b->table, row->pointer, false, &f.line, &f.column);
    } else {
        const build_cell *cell = &row->cells[column < BUILD_COLUMNS ? column : BUILD_TSP_ID];
        f.line = cell->line;
        f.column = cell->column;
    }
    count(b, &f);
}

void tlist_build_say_at(build *b, unsigned line, unsigned column, const char *name, const char *text, ...)
{
    tlist_build_finding f = {.file = b->spec->table, .line = line, .column = column, .name = name};
    va_list args;
    va_start(args, text);
    vsnprintf(f.text, sizeof f.text, text, args);
    va_end(args);
    count(b, &f);
}

void tlist_build_progress(build *b, const char *text, ...)
{
    char line[512];
    va_list args;
    if (b->spec->progress == NULL)
        return;
    va_start(args, text);
    vsnprintf(line, sizeof line, text, args);
    va_end(args);
    b->spec->progress(b->spec->context, line);
}

/* ---- dates ---- */

/* Six months later on the calendar; the last day of a shorter month (5.3.15). */
static int64_t six_months_after(int64_t from_s)
{
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, days = from_s / 86400;
    unsigned month, day;
    dx_civil_from_days(days, &year, &month, &day);
    year += month > 6;
    month = month > 6 ? month - 6 : month + 6;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    unsigned length = lengths[month - 1] + (month == 2 && leap ? 1 : 0);
    return dx_days_from_civil(year, month, day < length ? day : length) * 86400 + from_s % 86400;
}

static struct dx_rc set_dates(build *b, dx_why *why)
{
    const tlist_build_spec *s = b->spec;
    tlist_build_report *r = b->report;
    r->issued_s = s->signing_s;
    r->next_update_s = s->signing_s + (int64_t)s->next_update_days * 86400;
    if (s->next_update_days == 0 || s->next_update_days > 366 ||
        r->next_update_s > six_months_after(s->signing_s))
        return DX_FAIL(why, CONFIG, "TS 119 612 5.3.15",
                       "NextUpdate is 1 day to six months after the issue, not %u days", s->next_update_days);
    if (s->signing_s < 0 || s->signing_s > s->now_s + 86400)
        return DX_FAIL(why, CONFIG, "TS 119 612 5.3.14", "the signing time is in the future");
    return DX_OKAY;
}

/* ---- the last list ---- */

/* Its signature was checked when it was made; here it says what the next number is. A list of another signer
 * is one from before a change of keys: it is compared, and the change is told. */
static struct dx_rc judge_previous(build *b, dx_bytes xml, bool *other_signer, dx_why *why)
{
    uint8_t own[1][32];
    tlist_list *list = NULL;
    dx_why said = {0};
    *other_signer = false;
    if (b->spec->signer.size == 0) /* only comparing */
        return DX_OKAY;
    dx_sha256(b->spec->signer, own[0]);
    tlist_source source = tlist_build_source(b, (const uint8_t(*)[32])own, false);
    struct dx_rc rc =
        tlist_read_with(xml, &source, &b->map, (const uint8_t(*)[32])own, 1, b->spec->now_s, &list, &said);
    tlist_list_unref(list);
    *other_signer = rc.code != DX_OK && strcmp(said.id, "TL-501") == 0;
    if (rc.code == DX_OK || *other_signer)
        return DX_OKAY;
    if (why != NULL)
        *why = said;
    return rc;
}

static struct dx_rc open_previous(build *b, tlist_tree *tree, dx_why *why)
{
    dx_buf xml;
    dx_buf_init(&xml, 64u << 20);
    bool other_signer = false;
    struct dx_rc rc = dx_io_read_file(b->spec->io, b->spec->previous, 64u << 20, &xml, why);
    if (rc.code == DX_NOT_FOUND)
        rc.code = DX_CONFIG;
    if (rc.code == DX_OK)
        rc = judge_previous(b, dx_buf_view(&xml), &other_signer, why);
    if (rc.code == DX_OK)
        rc = tlist_tree_read(dx_buf_view(&xml), 64u << 20, true, tree, why);
    dx_buf_fini(&xml);
    DX_TRY(rc);
    tlist_build_report *r = b->report;
    r->previous_sequence = tree->sequence;
    r->previous_next_update_s = tree->next_update_s;
    if (strcmp(tree->territory, b->map.profile.territory) != 0)
        return DX_FAIL(why, CONFIG, "TS 119 612 5.3.10", "the last list is of territory %s", tree->territory);
    if (tree->sequence >= INT64_MAX)
        return DX_FAIL(why, CONFIG, "TS 119 612 5.3.2", "no sequence number is left");
    if (tree->issued_s > r->issued_s)
        return DX_FAIL(why, CONFIG, "TS 119 612 5.3.14",
                       "the last list was issued after the signing time of this one");
    r->sequence = tree->sequence + 1;
    tlist_build_progress(b, "last list: sequence %llu%s", (unsigned long long)tree->sequence,
                         other_signer ? ", signed by another certificate" : "");
    if (other_signer) {
        r->differences++;
        if (b->spec->difference != NULL)
            b->spec->difference(b->spec->context, "~ scheme: signer: another certificate");
    }
    return DX_OKAY;
}

static struct dx_rc compare(build *b, const tlist_tree *previous, xmlDoc *doc, dx_why *why)
{
    size_t more = 0;
    if (previous->root == NULL)
        return DX_OKAY;
    DX_TRY(tlist_build_diff(previous->root, xmlDocGetRootElement(doc), b->spec->difference, b->spec->context,
                            &more, why));
    b->report->differences += more;
    tlist_build_progress(b, "%zu differences to the last list", b->report->differences);
    return DX_OKAY;
}

static struct dx_rc finish(build *b, tlist_tree *previous, dx_why *why)
{
    xmlDoc *doc = NULL;
    struct dx_rc rc = tlist_build_document(b, &doc, why);
    if (rc.code == DX_OK)
        rc = compare(b, previous, doc, why);
    bool wanted = b->spec->out != NULL &&
                  (!b->spec->if_changed || previous->root == NULL || b->report->differences > 0);
    if (rc.code == DX_OK && wanted) {
        tlist_build_progress(b, "signing");
        rc = tlist_build_signature(b, doc, why);
        if (rc.code == DX_OK)
            rc = tlist_build_output(b, doc, why);
    }
    xmlFreeDoc(doc);
    return rc;
}

static struct dx_rc read_inputs(build *b, dx_buf *table, dx_why *why)
{
    const tlist_build_spec *s = b->spec;
    tlist_build_report *r = b->report;
    /* The scheme's name chooses the J-TSL table of the map; the profile says the rest. */
    DX_TRY(tlist_map_load(&(tlist_source){.scheme = "JP", .map_file = s->profile}, s->io, &b->map, why));
    DX_TRY(tlist_build_scheme(b, why));
    struct dx_rc rc = dx_io_read_file(s->io, s->table, BUILD_TABLE_MAX, table, why);
    if (rc.code == DX_NOT_FOUND)
        rc.code = DX_CONFIG;
    DX_TRY(rc);
    size_t length = strlen(s->table);
    b->table = dx_buf_view(table);
    DX_TRY(tlist_build_table(b, length > 5 && strcmp(s->table + length - 5, ".json") == 0, why));
    tlist_build_progress(b, "table: %zu rows", r->rows);
    tlist_build_rows(b);
    DX_TRY(tlist_build_model(b, why));
    tlist_build_progress(
        b, "%zu providers, %zu services, %zu intervals, %zu certificates: %zu mistakes, %zu warnings",
        r->providers, r->services, r->intervals, r->certificates, r->errors, r->warnings);
    if (r->errors > 0)
        return DX_FAIL(why, REFUSED, "trusted-lists.md 9.2",
                       "the table has %zu mistake%s; nothing was written", r->errors,
                       r->errors == 1 ? "" : "s");
    return DX_OKAY;
}

static struct dx_rc run(build *b, dx_buf *table, dx_why *why)
{
    const tlist_build_spec *s = b->spec;
    bool rsa;
    DX_TRY(tlist_init(why));
    DX_TRY(set_dates(b, why));
    if (s->previous == NULL && (s->sequence == 0 || s->sequence > INT64_MAX))
        return DX_FAIL(why, CONFIG, "TS 119 612 5.3.2", "a first list needs a sequence number of 1 or more");
    if (s->out != NULL)
        DX_TRY(tlist_build_signer(s->signer, &rsa, why));
    b->report->sequence = s->sequence;
    DX_TRY(read_inputs(b, table, why));
    tlist_tree previous = {0};
    struct dx_rc rc = s->previous == NULL ? DX_OKAY : open_previous(b, &previous, why);
    if (rc.code == DX_OK)
        rc = finish(b, &previous, why);
    tlist_tree_fini(&previous);
    return rc;
}

DX_RC tlist_build(const tlist_build_spec *spec, tlist_build_report *report, dx_why *why)
{
    build b = {.spec = spec, .report = report};
    dx_buf table;
    *report = (tlist_build_report){0};
    dx_buf_init(&table, BUILD_TABLE_MAX);
    struct dx_rc rc = run(&b, &table, why);
    dx_buf_fini(&table);
    tlist_map_fini(&b.map);
    dx_arena_fini(&b.arena);
    return rc;
}
