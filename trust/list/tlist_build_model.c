/* Rows into providers, services and intervals: what rows say of the same thing must agree. */
#include "trust/list/tlist_build_private.h"

static const char *cell(const build_row *row, build_column column)
{
    return row->cells[column].text;
}

static bool same(const build_row *a, const build_row *other, build_column column)
{
    return other->sound && strcmp(cell(a, column), cell(other, column)) == 0;
}

typedef enum { PROVIDER, SERVICE, INTERVAL } scope;

static const struct {
    scope scope;
    bool must;
} columns[BUILD_COLUMNS] = {
#define COLUMN(id, name, scope, must) {scope, must},
#include "trust/list/tlist_build_column_table.h"
#undef COLUMN
};

/* Where two rows speak of one provider they say the same, or one of them nothing. */
static void join_providers(build *b, build_row *first, build_row *other)
{
    for (unsigned c = 0; c < BUILD_COLUMNS; c++) {
        if (columns[c].scope != PROVIDER || cell(other, c)[0] == '\0')
            continue;
        if (cell(first, c)[0] == '\0')
            first->cells[c] = other->cells[c];
        else if (strcmp(cell(first, c), cell(other, c)) != 0)
            tlist_build_say(b, false, other, (build_column)c,
                            "\"%.60s\" is \"%.60s\" in row %u of the same provider", cell(other, c),
                            cell(first, c), first->number);
    }
}

static void must_be_filled(build *b, const build_row *row, scope what)
{
    for (unsigned c = 0; c < BUILD_COLUMNS; c++)
        if (columns[c].scope == what && columns[c].must && cell(row, c)[0] == '\0')
            tlist_build_say(b, false, row, (build_column)c, "is empty");
}

static bool fill_texts(build *b, build_interval *i)
{
    i->info = tlist_build_parts(&b->arena, cell(i->row, BUILD_INFO));
    i->policies = tlist_build_parts(&b->arena, cell(i->row, BUILD_POLICY_OIDS));
    return i->info.items != NULL && i->policies.items != NULL;
}

static bool add_certificates(build *b, build_service *s)
{
    const build_row *row = s->intervals[0].row;
    build_texts files = tlist_build_parts(&b->arena, cell(row, BUILD_CERT));
    if (files.count > BUILD_CERTS_MAX) {
        tlist_build_say(b, false, row, BUILD_CERT, "more than %d certificates", BUILD_CERTS_MAX);
        return true;
    }
    s->certificates = DX_ARENA_ARRAY(&b->arena, const build_certificate *, files.count + 1);
    if (files.items == NULL || s->certificates == NULL)
        return false;
    for (size_t i = 0; i < files.count; i++) {
        const build_certificate *c = tlist_build_certificate(b, row, files.items[i]);
        for (size_t k = 0; c != NULL && k < s->certificate_count; k++)
            if (memcmp(s->certificates[k]->sha256, c->sha256, 32) == 0) {
                tlist_build_say(b, false, row, BUILD_CERT, "%.60s and %.60s are the same certificate",
                                s->certificates[k]->file, c->file);
                c = NULL;
            }
        if (c != NULL)
            s->certificates[s->certificate_count++] = c;
    }
    return true;
}

/* A history in JSON stands below the present; in CSV the newest row is the present one. */
static void check_history(build *b, const build_service *s)
{
    const build_row *now = s->intervals[0].row;
    for (size_t i = 1; i < s->interval_count; i++) {
        const build_row *row = s->intervals[i].row;
        if (row->since_s == s->intervals[i - 1].row->since_s)
            tlist_build_say(b, false, row, BUILD_SINCE, "row %u of the same service begins at the same time",
                            s->intervals[i - 1].row->number);
        if (strcmp(cell(row, BUILD_TSP_ID), cell(now, BUILD_TSP_ID)) != 0)
            tlist_build_say(b, false, row, BUILD_TSP_ID, "service %.64s belongs to provider %.13s in row %u",
                            cell(row, BUILD_SERVICE_ID), cell(now, BUILD_TSP_ID), now->number);
        if (row->type == s->intervals[i - 1].row->type && row->status == s->intervals[i - 1].row->status &&
            strcmp(cell(row, BUILD_INFO), cell(s->intervals[i - 1].row, BUILD_INFO)) == 0 &&
            strcmp(cell(row, BUILD_POLICY_OIDS), cell(s->intervals[i - 1].row, BUILD_POLICY_OIDS)) == 0)
            tlist_build_say(b, true, row, BUILD_STATUS, "row %u says the same of a later time",
                            s->intervals[i - 1].row->number);
    }
    for (size_t i = 0; i < s->interval_count; i++) {
        const build_row *parent = s->intervals[i].row->parent;
        if (parent != NULL && s->intervals[i].row->since_s > parent->since_s)
            tlist_build_say(b, false, s->intervals[i].row, BUILD_SINCE,
                            "history is younger than the service above it");
    }
}

/* An empty cell is as in the next newer row, that of the newest row as in the next older one that says
 * something: whoever adds a row for a new status need not repeat the rest, and no demand gets lost by that.
 * "-" is nothing. */
static void fill_column(build *b, build_service *s, unsigned c)
{
    size_t said = 0;
    while (said < s->interval_count && cell(s->intervals[said].row, c)[0] == '\0')
        said++;
    if (said == s->interval_count)
        return;
    build_cell as = s->intervals[said].row->cells[c];
    for (size_t i = 0; i < s->interval_count; i++) {
        build_row *row = &b->rows[s->intervals[i].row - b->rows];
        if (row->cells[c].text[0] == '\0')
            row->cells[c] = as;
        as = row->cells[c];
    }
    for (size_t i = 0; i < s->interval_count && !columns[c].must; i++) {
        build_row *row = &b->rows[s->intervals[i].row - b->rows];
        if (strcmp(row->cells[c].text, "-") == 0)
            row->cells[c].text = "";
    }
}

/* All rows of one service_id, newest first. */
static bool make_service(build *b, size_t first, build_service *s, bool *used)
{
    size_t count = 0;
    for (size_t i = first; i < b->row_count; i++)
        count += same(&b->rows[first], &b->rows[i], BUILD_SERVICE_ID);
    s->intervals = DX_ARENA_ARRAY(&b->arena, build_interval, count);
    if (s->intervals == NULL)
        return false;
    for (size_t i = first; i < b->row_count; i++) {
        const build_row *row = &b->rows[i];
        if (!same(&b->rows[first], row, BUILD_SERVICE_ID))
            continue;
        used[i] = true;
        size_t k = s->interval_count++;
        for (; k > 0 && s->intervals[k - 1].row->since_s < row->since_s; k--)
            s->intervals[k] = s->intervals[k - 1];
        s->intervals[k].row = row;
    }
    for (unsigned c = 0; c < BUILD_COLUMNS; c++)
        if (columns[c].scope == SERVICE)
            fill_column(b, s, c);
    must_be_filled(b, s->intervals[0].row, SERVICE);
    for (size_t i = 0; i < s->interval_count; i++)
        if (!fill_texts(b, &s->intervals[i]))
            return false;
    check_history(b, s);
    if (!add_certificates(b, s))
        return false;
    tlist_build_lint(b, s);
    b->report->services++;
    b->report->intervals += s->interval_count;
    return true;
}

/* One key cannot be two services of one type: a reader could not tell which of them issued. */
static void check_twice(build *b)
{
    for (size_t p = 0; p < b->provider_count; p++)
        for (size_t i = 0; i < b->providers[p].service_count; i++)
            for (size_t q = 0; q <= p; q++)
                for (size_t k = 0; k < (q == p ? i : b->providers[q].service_count); k++) {
                    const build_service *x = &b->providers[p].services[i], *y = &b->providers[q].services[k];
                    const build_row *row = x->intervals[0].row, *other = y->intervals[0].row;
                    for (size_t c = 0; c < x->certificate_count && row->type == other->type; c++)
                        for (size_t d = 0; d < y->certificate_count; d++)
                            if (memcmp(x->certificates[c]->key_sha256, y->certificates[d]->key_sha256, 32) ==
                                0)
                                tlist_build_say(
                                    b, false, row, BUILD_CERT,
                                    "%.60s has the key of %.60s in row %u, a service of the same type",
                                    x->certificates[c]->file, y->certificates[d]->file, other->number);
                }
}

static bool make_provider(build *b, size_t first, build_provider *p, bool *used)
{
    p->row = &b->rows[first];
    size_t count = 0;
    for (size_t i = first; i < b->row_count; i++)
        count += same(p->row, &b->rows[i], BUILD_TSP_ID);
    p->services = DX_ARENA_ARRAY(&b->arena, build_service, count);
    if (p->services == NULL)
        return false;
    for (size_t i = first; i < b->row_count; i++) {
        build_row *row = &b->rows[i];
        if (!same(p->row, row, BUILD_TSP_ID))
            continue;
        if (i > first)
            join_providers(b, &b->rows[first], row);
        if (!used[i] && !make_service(b, i, &p->services[p->service_count++], used))
            return false;
    }
    must_be_filled(b, p->row, PROVIDER);
    return true;
}

DX_RC tlist_build_model(build *b, dx_why *why)
{
    bool *used = DX_ARENA_ARRAY(&b->arena, bool, b->row_count + 1);
    b->providers = DX_ARENA_ARRAY(&b->arena, build_provider, b->row_count + 1);
    if (used == NULL || b->providers == NULL)
        return tlist_build_no_memory(why);
    for (size_t i = 0; i < b->row_count; i++)
        if (b->rows[i].sound && !used[i] && !make_provider(b, i, &b->providers[b->provider_count++], used))
            return tlist_build_no_memory(why);
    check_twice(b);
    b->report->providers = b->provider_count;
    b->report->certificates = b->certificate_count;
    return DX_OKAY;
}
