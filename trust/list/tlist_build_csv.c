/* RFC 4180, and nothing more lenient: what two programs could read in two ways is a fault. */
#include "trust/list/tlist_build_private.h"

static bool at_end(const build_csv *csv)
{
    return csv->at == csv->text.size;
}

static char look(const build_csv *csv)
{
    return at_end(csv) ? '\0' : (char)csv->text.data[csv->at];
}

static char take(build_csv *csv)
{
    char c = look(csv);
    csv->at++;
    csv->column += ((unsigned char)c & 0xc0) != 0x80; /* columns are counted in characters */
    if (c == '\n') {
        csv->line++;
        csv->column = 1;
    }
    return c;
}

/* Takes a line end: LF, or CR LF. */
static bool line_end(build_csv *csv)
{
    if (look(csv) == '\r' && csv->at + 1 < csv->text.size && csv->text.data[csv->at + 1] == '\n')
        take(csv);
    if (look(csv) != '\n')
        return false;
    take(csv);
    return true;
}

static build_csv_step quoted(build_csv *csv, char *out, size_t *size, const char **fault)
{
    take(csv);
    for (;;) {
        if (at_end(csv)) {
            *fault = "a quoted cell has no end";
            return CSV_FAULT;
        }
        char c = take(csv);
        if (c == '"' && look(csv) != '"')
            return CSV_CELL;
        if (c == '"')
            take(csv);
        out[(*size)++] = c;
    }
}

build_csv_step tlist_build_csv_next(build_csv *csv, dx_arena *arena, build_cell *cell, const char **fault)
{
    if (at_end(csv))
        return CSV_END;
    *cell = (build_cell){.text = "", .line = csv->line, .column = csv->column};
    /* A quote may double the text that is scanned, never the one that is kept. */
    size_t end = csv->at, size = 0;
    bool inside = false;
    for (; end < csv->text.size && (inside || (csv->text.data[end] != ',' && csv->text.data[end] != '\n'));
         end++)
        inside ^= csv->text.data[end] == '"';
    char *text = dx_arena_alloc(arena, end - csv->at + 1);
    if (text == NULL)
        return CSV_NO_MEMORY;
    if (look(csv) == '"') {
        build_csv_step step = quoted(csv, text, &size, fault);
        if (step != CSV_CELL)
            return step;
    } else {
        while (!at_end(csv) && look(csv) != ',' && look(csv) != '\n' && look(csv) != '\r') {
            if (look(csv) == '"') {
                *fault = "a quote stands inside a cell that does not begin with one (RFC 4180 2.5)";
                return CSV_FAULT;
            }
            text[size++] = take(csv);
        }
    }
    cell->text = dx_arena_text(arena, dx_bytes_trim(dx_bytes_of(text, size)));
    if (cell->text == NULL)
        return CSV_NO_MEMORY;
    if (memchr(text, '\0', size) != NULL) {
        *fault = "a cell holds a NUL";
        return CSV_FAULT;
    }
    if (at_end(csv) || line_end(csv))
        return CSV_LAST;
    if (look(csv) == ',') {
        take(csv);
        return CSV_CELL;
    }
    *fault = look(csv) == '\r' ? "a carriage return without line feed"
                               : "text follows the closing quote of a cell";
    return CSV_FAULT;
}
