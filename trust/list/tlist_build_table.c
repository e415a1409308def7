/* Both forms of a table become the same rows, so that they become the same list. */
#include "trust/list/tlist_build_private.h"

#include <stdlib.h>

static struct dx_rc spoilt(dx_why *why)
{
    return DX_FAIL(why, REFUSED, "trusted-lists.md 9.2", "the table cannot be read");
}

static build_column column_named(const char *name)
{
    for (unsigned i = 0; i < BUILD_COLUMNS; i++)
        if (strcmp(tlist_build_column_name((build_column)i), name) == 0)
            return (build_column)i;
    return BUILD_COLUMNS;
}

static build_row *new_row(build *b)
{
    build_row *row = &b->rows[b->row_count++];
    *row = (build_row){.number = (unsigned)b->row_count};
    for (unsigned i = 0; i < BUILD_COLUMNS; i++)
        row->cells[i].text = "";
    return row;
}

/* XML could not hold it, or nobody could see it. */
static const char *fault_of(dx_bytes cell)
{
    if (cell.size > BUILD_CELL_MAX)
        return "longer than 2048 bytes";
    for (size_t i = 0; i < cell.size; i++) {
        if (cell.data[i] < 0x20 || cell.data[i] == 0x7f)
            return "holds a control character or a line break";
        if (i + 2 < cell.size && memcmp(cell.data + i, "\xef\xbf", 2) == 0 && cell.data[i + 2] >= 0xbe)
            return "holds a character that XML cannot hold";
    }
    return NULL;
}

static void put(build *b, build_row *row, build_column column, build_cell cell)
{
    row->cells[column] = cell;
    const char *fault = fault_of(dx_bytes_text(cell.text));
    if (fault == NULL)
        return;
    tlist_build_say(b, false, row, column, "%s", fault);
    row->cells[column].text = "";
}

/* ---- CSV ---- */

typedef struct {
    build_column columns[64];
    size_t count;
    bool sound;
} header;

static void read_name(build *b, header *h, const build_cell *cell)
{
    build_column column = column_named(cell->text);
    if (h->count == sizeof h->columns / sizeof *h->columns) {
        h->sound = false;
        return;
    }
    if (column == BUILD_COLUMNS) {
        tlist_build_say_at(b, cell->line, cell->column, "", "unknown column \"%.60s\"", cell->text);
        h->sound = false;
    }
    for (size_t i = 0; column != BUILD_COLUMNS && i < h->count; i++)
        if (h->columns[i] == column) {
            tlist_build_say_at(b, cell->line, cell->column, cell->text,
                               "the column stands twice in the header");
            h->sound = false;
        }
    h->columns[h->count++] = column;
}

static void end_header(build *b, header *h)
{
    for (unsigned c = 0; c < BUILD_COLUMNS; c++) {
        static const bool must[] = {
#define COLUMN(id, name, scope, must) must,
#include "trust/list/tlist_build_column_table.h"
#undef COLUMN
        };
        size_t i = 0;
        while (i < h->count && h->columns[i] != c)
            i++;
        if (must[c] && i == h->count) {
            tlist_build_say_at(b, 1, 0, tlist_build_column_name((build_column)c),
                               "the header lacks this column");
            h->sound = false;
        }
    }
}

typedef struct {
    build_row row;
    size_t cells;
    unsigned line;
    bool filled;
} pending;

static struct dx_rc end_row(build *b, const header *h, pending *p, dx_why *why)
{
    if (p->cells == 1 && !p->filled) /* an empty line */
        return DX_OKAY;
    if (p->cells != h->count) {
        tlist_build_say_at(b, p->line, 1, "", "the row has %zu cells, the header %zu", p->cells, h->count);
        return DX_OKAY;
    }
    if (b->row_count == b->row_room)
        return DX_FAIL(why, TOO_LARGE, "", "the table has more than %d rows", BUILD_ROWS_MAX);
    build_row *row = new_row(b);
    for (unsigned c = 0; c < BUILD_COLUMNS; c++)
        if (p->row.cells[c].text != NULL)
            put(b, row, (build_column)c, p->row.cells[c]);
    return DX_OKAY;
}

static struct dx_rc read_csv(build *b, dx_why *why)
{
    build_csv csv = {.text = b->table, .line = 1, .column = 1};
    header h = {.sound = true};
    pending p = {0};
    bool in_header = true;
    for (;;) {
        build_cell cell = {.text = "", .line = csv.line, .column = csv.column};
        const char *fault = NULL;
        build_csv_step step = tlist_build_csv_next(&csv, &b->arena, &cell, &fault);
        if (step == CSV_NO_MEMORY)
            return tlist_build_no_memory(why);
        if (step == CSV_FAULT) {
            tlist_build_say_at(b, csv.line, csv.column, "", "%s; nothing behind it was read", fault);
            return DX_OKAY;
        }
        if (step == CSV_END && p.cells == 0)
            break;
        if (p.cells == 0)
            p.line = cell.line;
        if (in_header)
            read_name(b, &h, &cell);
        else if (p.cells < h.count && h.columns[p.cells] != BUILD_COLUMNS)
            p.row.cells[h.columns[p.cells]] = cell;
        p.filled |= cell.text[0] != '\0';
        p.cells++;
        if (step == CSV_CELL)
            continue;
        if (in_header)
            end_header(b, &h);
        else
            DX_TRY(end_row(b, &h, &p, why));
        if (!h.sound) /* rows under a wrong header would be told wrongly */
            return DX_OKAY;
        in_header = false;
        p = (pending){0};
        if (step == CSV_END)
            break;
    }
    if (in_header)
        tlist_build_say_at(b, 1, 1, "", "the table is empty");
    return DX_OKAY;
}

/* ---- JSON ---- */

/* A text, or an array of texts that is joined as a cell of CSV would be. */
static struct dx_rc json_cell(build *b, build_row *row, build_column column, const json_t *value, dx_why *why)
{
    build_cell cell = {.text = ""};
    if (json_is_array(value)) {
        dx_buf joined;
        dx_buf_init(&joined, BUILD_TABLE_MAX);
        struct dx_rc rc = DX_OKAY;
        for (size_t i = 0; rc.code == DX_OK && i < json_array_size(value); i++) {
            const char *part = json_string_value(json_array_get(value, i));
            if (part == NULL)
                tlist_build_say(b, false, row, column, "is not a text");
            rc = dx_buf_addf(&joined, "%s%s", i > 0 ? ";" : "", part == NULL ? "" : part);
        }
        if (rc.code == DX_OK)
            cell.text = dx_arena_text(&b->arena, dx_buf_view(&joined));
        dx_buf_fini(&joined);
        DX_TRY(rc);
    } else if (json_is_string(value)) {
        dx_bytes text = dx_bytes_of(json_string_value(value), json_string_length(value));
        if (memchr(text.data, '\0', text.size) != NULL)
            tlist_build_say(b, false, row, column, "holds a NUL");
        cell.text = dx_arena_text(&b->arena, dx_bytes_trim(text));
    } else {
        tlist_build_say(b, false, row, column, "is not a text");
    }
    if (cell.text == NULL)
        return tlist_build_no_memory(why);
    put(b, row, column, cell);
    return DX_OKAY;
}

static void unknown(build *b, const char *pointer, const char *name)
{
    unsigned line = 0, column = 0;
    char *at = dx_arena_printf(&b->arena, "%s/%s", pointer, name);
    if (at != NULL && strpbrk(name, "/~") == NULL)
        dx_json_position(b->table, at, true, &line, &column);
    tlist_build_say_at(b, line, column, "", "unknown member \"%.60s\"", name);
}

static struct dx_rc json_row(build *b, const char *pointer, json_t *object, const build_row *parent,
                             dx_why *why)
{
    const char *name;
    json_t *value;
    if (b->row_count == b->row_room)
        return DX_FAIL(why, TOO_LARGE, "", "the table has more than %d rows", BUILD_ROWS_MAX);
    build_row *row = new_row(b);
    row->pointer = pointer;
    row->parent = parent;
    if (!json_is_object(object)) {
        tlist_build_say(b, false, row, BUILD_COLUMNS, "is not an object");
        return DX_OKAY;
    }
    json_object_foreach(object, name, value)
    {
        build_column column = column_named(name);
        if (column != BUILD_COLUMNS)
            DX_TRY(json_cell(b, row, column, value, why));
        else if (strcmp(name, "history") != 0 || parent != NULL)
            unknown(b, pointer, name);
    }
    if (parent != NULL) { /* an entry of a history belongs to where it stands */
        static const build_column own[] = {BUILD_TSP_ID, BUILD_SERVICE_ID, BUILD_TYPE};
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            if (row->cells[own[i]].text[0] == '\0')
                row->cells[own[i]] = parent->cells[own[i]];
        return DX_OKAY;
    }
    json_t *history = json_object_get(object, "history");
    if (history != NULL && !json_is_array(history))
        tlist_build_say(b, false, row, BUILD_COLUMNS, "history is not an array");
    for (size_t i = 0; i < json_array_size(history); i++) {
        char *below = dx_arena_printf(&b->arena, "%s/history/%zu", pointer, i);
        if (below == NULL)
            return tlist_build_no_memory(why);
        DX_TRY(json_row(b, below, json_array_get(history, i), row, why));
    }
    return DX_OKAY;
}

static struct dx_rc read_json(build *b, dx_why *why)
{
    json_t *root = NULL;
    const char *name;
    json_t *value;
    dx_why said = {0};
    struct dx_rc rc = dx_json_read(b->table, &(dx_json_limits){BUILD_TABLE_MAX, 6, false}, &root, &said);
    if (rc.code != DX_OK) {
        if (why != NULL)
            *why = said;
        if (rc.code == DX_NO_MEMORY)
            return rc;
        tlist_build_say_at(b, 0, 0, "", "%s", said.text);
        return DX_OKAY;
    }
    const json_t *services = json_object_get(root, "services");
    if (!json_is_array(services))
        tlist_build_say_at(b, 1, 1, "", "the document is not an object with an array \"services\"");
    json_object_foreach(root, name, value) if (strcmp(name, "services") != 0) unknown(b, "", name);
    for (size_t i = 0; rc.code == DX_OK && i < json_array_size(services); i++) {
        char *pointer = dx_arena_printf(&b->arena, "/services/%zu", i);
        rc = pointer == NULL ? tlist_build_no_memory(why)
                             : json_row(b, pointer, json_array_get(services, i), NULL, why);
    }
    json_decref(root);
    return rc;
}

/* A row of CSV has a line end before it, an element of an array a comma or a bracket. */
static size_t rows_at_most(dx_bytes text, bool json)
{
    size_t room = 1;
    for (size_t i = 0; i < text.size && room < BUILD_ROWS_MAX; i++)
        room += json ? text.data[i] == ',' || text.data[i] == '[' : text.data[i] == '\n';
    return room;
}

DX_RC tlist_build_table(build *b, bool json, dx_why *why)
{
    static const uint8_t bom[] = {0xef, 0xbb, 0xbf};
    if (b->table.size >= 3 && memcmp(b->table.data, bom, 3) == 0)
        b->table = dx_bytes_part(b->table, 3, b->table.size);
    b->row_room = rows_at_most(b->table, json);
    b->rows = DX_ARENA_ARRAY(&b->arena, build_row, b->row_room);
    if (b->rows == NULL)
        return tlist_build_no_memory(why);
    if (!dx_bytes_utf8_ok(b->table)) {
        tlist_build_say_at(b, 0, 0, "", "the table is not in UTF-8");
        return spoilt(why);
    }
    DX_TRY(json ? read_json(b, why) : read_csv(b, why));
    b->report->rows = b->row_count;
    if (b->row_count == 0 && b->report->errors == 0)
        tlist_build_say_at(b, 0, 0, "", "the table has no rows");
    return DX_OKAY;
}
