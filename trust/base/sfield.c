#include "trust/base/sfield.h"

#include <inttypes.h>
#include <stdio.h>

#define MEMBERS_MAX    256
#define PARAMETERS_MAX 64

typedef struct {
    dx_bytes in;
    size_t at;
    dx_arena *arena;
    bool loose; /* a byte sequence in another spelling than the canonical one was met */
} reader;

/* Room for one more at items[count]: doubles, since a field with 256 members is rare and a zeroed page is not
 * free. */
static bool room(dx_arena *arena, void *items, size_t count, size_t item_size, size_t max)
{
    void **at = items;
    if (count >= max)
        return false;
    if (count != 0 && (count < 4 || (count & (count - 1)) != 0))
        return true;
    void *more = dx_arena_array(arena, count < 4 ? 4 : 2 * count, item_size);
    if (more == NULL)
        return false;
    if (count != 0)
        memcpy(more, *at, count * item_size);
    *at = more;
    return true;
}

static int peek(const reader *r)
{
    return r->at < r->in.size ? r->in.data[r->at] : -1;
}

static bool take(reader *r, char c)
{
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static void skip(reader *r, const char *set)
{
    while (r->at < r->in.size && r->in.data[r->at] != 0 && strchr(set, r->in.data[r->at]) != NULL)
        r->at++;
}

static bool is_lower(int c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(int c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_tchar(int c)
{
    return c > 0 && dx_tchar((uint8_t)c);
}

static bool read_key(reader *r, dx_bytes *out)
{
    size_t from = r->at;
    if (!is_lower(peek(r)) && peek(r) != '*')
        return false;
    while (is_lower(peek(r)) || is_digit(peek(r)) || (peek(r) > 0 && strchr("_-.*", peek(r)) != NULL))
        r->at++;
    *out = dx_bytes_part(r->in, from, r->at - from);
    return true;
}

static bool read_number(reader *r, sfield_item *out)
{
    bool negative = take(r, '-');
    size_t whole = 0, fraction = 0;
    int64_t value = 0;
    for (; is_digit(peek(r)); r->at++, whole++) {
        if (whole == 15)
            return false;
        value = value * 10 + (peek(r) - '0');
    }
    if (whole == 0)
        return false;
    out->kind = SFIELD_INTEGER;
    if (take(r, '.')) {
        out->kind = SFIELD_DECIMAL;
        if (whole > 12)
            return false;
        for (; is_digit(peek(r)); r->at++, fraction++) {
            if (fraction == 3)
                return false;
            value = value * 10 + (peek(r) - '0');
        }
        if (fraction == 0)
            return false;
        for (; fraction < 3; fraction++)
            value *= 10;
    }
    out->number = negative ? -value : value;
    return true;
}

/* Up to the closing quote, which must be there. A view where every character stands for itself, else room for
 * exactly this text: a field may hold hundreds of them. */
static bool read_quoted(reader *r, dx_bytes *raw, size_t *escapes, char escape, size_t escape_size)
{
    size_t from = r->at, n = 0;
    for (; peek(r) != '"'; r->at++) {
        int c = peek(r);
        if (c < 0x20 || c > 0x7e)
            return false;
        if (c == escape) {
            if (r->in.size - r->at <= escape_size)
                return false;
            r->at += escape_size;
            n++;
        }
    }
    *raw = dx_bytes_part(r->in, from, r->at - from);
    *escapes = n;
    r->at++;
    return true;
}

static bool read_string(reader *r, sfield_item *out)
{
    size_t escapes, n = 0;
    r->at++;
    out->kind = SFIELD_STRING;
    if (!read_quoted(r, &out->text, &escapes, '\\', 1))
        return false;
    if (escapes == 0)
        return true;
    dx_bytes raw = out->text;
    uint8_t *copy = dx_arena_alloc(r->arena, raw.size - escapes);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '\\' && raw.data[++i] != '"' && raw.data[i] != '\\')
            return false;
        copy[n++] = raw.data[i];
    }
    out->text = dx_bytes_of(copy, n);
    return true;
}

static bool read_bytes(reader *r, sfield_item *out)
{
    const uint8_t *end = memchr(r->in.data + r->at + 1, ':', r->in.size - r->at - 1);
    if (end == NULL)
        return false;
    dx_bytes text = dx_bytes_part(r->in, r->at + 1, (size_t)(end - r->in.data) - r->at - 1);
    size_t size = text.size;
    uint8_t *value = dx_arena_alloc(r->arena, size + 1);
    if (value == NULL)
        return false;
    if (!dx_base64_decode(text, value, &size)) {
        for (size_t i = 0; i < text.size; i++)
            if (!is_alpha(text.data[i]) && !is_digit(text.data[i]) && memchr("+/=", text.data[i], 3) == NULL)
                return false;
        r->loose = true; /* goes on, so that the caller learns whether this is the only fault */
        size = 0;
    }
    r->at = (size_t)(end - r->in.data) + 1;
    out->kind = SFIELD_BYTES;
    out->text = dx_bytes_of(value, size);
    return true;
}

static bool read_display(reader *r, sfield_item *out)
{
    size_t escapes, n = 0;
    r->at++;
    out->kind = SFIELD_DISPLAY;
    if (!take(r, '"') || !read_quoted(r, &out->text, &escapes, '%', 2))
        return false;
    if (escapes == 0)
        return true;
    dx_bytes raw = out->text;
    uint8_t *copy = dx_arena_alloc(r->arena, raw.size - 2 * escapes);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < raw.size; i++) {
        size_t one = 1;
        copy[n] = raw.data[i];
        if (raw.data[i] == '%') {
            if (!dx_hex_decode(dx_bytes_part(raw, i + 1, 2), &copy[n], &one) || one != 1)
                return false;
            i += 2;
        }
        n++;
    }
    out->text = dx_bytes_of(copy, n);
    return dx_bytes_utf8_ok(out->text);
}

static bool read_bare(reader *r, sfield_item *out)
{
    int c = peek(r);
    *out = (sfield_item){0};
    if (c == '-' || is_digit(c))
        return read_number(r, out);
    if (c == '"')
        return read_string(r, out);
    if (c == ':')
        return read_bytes(r, out);
    if (c == '%')
        return read_display(r, out);
    if (c == '?') {
        r->at++;
        out->kind = SFIELD_BOOLEAN;
        out->number = peek(r) == '1';
        return take(r, '0') || take(r, '1');
    }
    if (c == '@') {
        r->at++;
        bool ok = read_number(r, out) && out->kind == SFIELD_INTEGER;
        out->kind = SFIELD_DATE;
        return ok;
    }
    if (!is_alpha(c) && c != '*')
        return false;
    size_t from = r->at;
    while (is_tchar(peek(r)) || peek(r) == ':' || peek(r) == '/')
        r->at++;
    out->kind = SFIELD_TOKEN;
    out->text = dx_bytes_part(r->in, from, r->at - from);
    return true;
}

static bool read_parameters(reader *r, sfield_item *item)
{
    if (peek(r) != ';')
        return true;
    while (take(r, ';')) {
        sfield_parameter p = {.value = {.kind = SFIELD_BOOLEAN, .number = 1}};
        skip(r, " ");
        if (!read_key(r, &p.name) || (take(r, '=') && !read_bare(r, &p.value)))
            return false;
        size_t i = 0;
        while (i < item->parameter_count && !dx_bytes_equal(item->parameters[i].name, p.name))
            i++;
        if (i == item->parameter_count &&
            !room(r->arena, &item->parameters, i, sizeof *item->parameters, PARAMETERS_MAX))
            return false;
        item->parameters[i] = p;
        item->parameter_count += i == item->parameter_count;
    }
    return true;
}

static bool read_inner_list(reader *r, sfield_member *m)
{
    m->is_inner_list = true;
    for (r->at++;;) {
        skip(r, " ");
        if (take(r, ')'))
            return read_parameters(r, &m->item);
        if (!room(r->arena, &m->items, m->item_count, sizeof *m->items, MEMBERS_MAX) ||
            !read_bare(r, &m->items[m->item_count]) || !read_parameters(r, &m->items[m->item_count]))
            return false;
        m->item_count++;
        if (peek(r) != ' ' && peek(r) != ')')
            return false;
    }
}

static bool read_member(reader *r, sfield_member *m)
{
    size_t from = r->at;
    bool ok = peek(r) == '(' ? read_inner_list(r, m) : read_bare(r, &m->item) && read_parameters(r, &m->item);
    m->raw = dx_bytes_part(r->in, from, r->at - from);
    return ok;
}

static bool open_reader(reader *r, dx_bytes in, dx_arena *arena)
{
    *r = (reader){.in = in, .arena = arena};
    skip(r, " ");
    return in.size <= SFIELD_MAX_BYTES;
}

static bool at_end(reader *r)
{
    skip(r, " ");
    return r->at == r->in.size;
}

/* After a member: the end, or a comma and another one. */
static bool next_member(reader *r, bool *more)
{
    skip(r, " \t");
    *more = r->at < r->in.size;
    if (!*more)
        return true;
    if (!take(r, ','))
        return false;
    skip(r, " \t");
    return r->at < r->in.size; /* a trailing comma */
}

bool sfield_item_parse(dx_bytes in, dx_arena *arena, sfield_item *out)
{
    reader r;
    return open_reader(&r, in, arena) && read_bare(&r, out) && read_parameters(&r, out) && at_end(&r) &&
           !r.loose;
}

bool sfield_list_parse(dx_bytes in, dx_arena *arena, sfield_list *out)
{
    reader r;
    *out = (sfield_list){0};
    if (!open_reader(&r, in, arena))
        return false;
    for (bool more = r.at < r.in.size; more;) {
        if (!room(arena, &out->members, out->count, sizeof *out->members, MEMBERS_MAX) ||
            !read_member(&r, &out->members[out->count]))
            return false;
        out->count++;
        if (!next_member(&r, &more))
            return false;
    }
    out->loose = r.loose;
    return !r.loose;
}

bool sfield_dictionary_parse(dx_bytes in, dx_arena *arena, sfield_list *out)
{
    reader r;
    *out = (sfield_list){0};
    if (!open_reader(&r, in, arena))
        return false;
    for (bool more = r.at < r.in.size; more;) {
        sfield_member m = {.item = {.kind = SFIELD_BOOLEAN, .number = 1}, .times = 1};
        if (!read_key(&r, &m.name))
            return false;
        if (take(&r, '=')) {
            m.item = (sfield_item){0};
            if (!read_member(&r, &m))
                return false;
        } else if (!read_parameters(&r, &m.item)) {
            return false;
        }
        size_t i = 0;
        while (i < out->count && !dx_bytes_equal(out->members[i].name, m.name))
            i++;
        if (i == out->count && !room(arena, &out->members, i, sizeof *out->members, MEMBERS_MAX))
            return false;
        if (i < out->count)
            m.times = out->members[i].times + 1;
        out->members[i] = m;
        out->count += i == out->count;
        if (!next_member(&r, &more))
            return false;
    }
    out->loose = r.loose;
    return !r.loose;
}

const sfield_member *sfield_find(const sfield_list *dictionary, const char *name)
{
    for (size_t i = 0; i < dictionary->count; i++)
        if (dx_bytes_is(dictionary->members[i].name, name))
            return &dictionary->members[i];
    return NULL;
}

const sfield_parameter *sfield_parameter_find(const sfield_item *item, const char *name)
{
    for (size_t i = 0; i < item->parameter_count; i++)
        if (dx_bytes_is(item->parameters[i].name, name))
            return &item->parameters[i];
    return NULL;
}

/* ---- printing ---- */

DX_RC sfield_print_string(dx_bytes text, dx_buf *out)
{
    DX_TRY(dx_buf_add_byte(out, '"'));
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            DX_TRY(dx_buf_add_byte(out, '\\'));
        DX_TRY(dx_buf_add_byte(out, text.data[i]));
    }
    return dx_buf_add_byte(out, '"');
}

static DX_RC print_decimal(int64_t thousandths, dx_buf *out)
{
    int64_t v = thousandths < 0 ? -thousandths : thousandths;
    char text[32];
    unsigned n = (unsigned)snprintf(text, sizeof text, "%s%" PRId64 ".%03" PRId64, thousandths < 0 ? "-" : "",
                                    v / 1000, v % 1000);
    while (text[n - 1] == '0' && text[n - 2] != '.')
        n--;
    return dx_buf_add(out, dx_bytes_of(text, n));
}

static DX_RC print_bare(const sfield_item *item, dx_buf *out)
{
    switch (item->kind) {
    case SFIELD_INTEGER:
        return dx_buf_addf(out, "%" PRId64, item->number);
    case SFIELD_DATE:
        return dx_buf_addf(out, "@%" PRId64, item->number);
    case SFIELD_DECIMAL:
        return print_decimal(item->number, out);
    case SFIELD_BOOLEAN:
        return dx_buf_add_text(out, item->number ? "?1" : "?0");
    case SFIELD_STRING:
        return sfield_print_string(item->text, out);
    case SFIELD_TOKEN:
        return dx_buf_add(out, item->text);
    case SFIELD_BYTES: {
        DX_TRY(dx_buf_add_byte(out, ':'));
        DX_TRY(dx_buf_reserve(out, DX_BASE64_SIZE(item->text.size)));
        dx_base64(item->text, (char *)out->data + out->size);
        out->size += DX_BASE64_SIZE(item->text.size) - 1;
        return dx_buf_add_byte(out, ':');
    }
    case SFIELD_DISPLAY:
        DX_TRY(dx_buf_add_text(out, "%\""));
        for (size_t i = 0; i < item->text.size; i++) {
            uint8_t c = item->text.data[i];
            if (c == '%' || c == '"' || c < 0x20 || c > 0x7e)
                DX_TRY(dx_buf_addf(out, "%%%02x", c));
            else
                DX_TRY(dx_buf_add_byte(out, c));
        }
        return dx_buf_add_byte(out, '"');
    }
    return (struct dx_rc){DX_INTERNAL};
}

static DX_RC print_parameters(const sfield_item *item, dx_buf *out)
{
    for (size_t i = 0; i < item->parameter_count; i++) {
        const sfield_parameter *p = &item->parameters[i];
        DX_TRY(dx_buf_add_byte(out, ';'));
        DX_TRY(dx_buf_add(out, p->name));
        if (p->value.kind == SFIELD_BOOLEAN && p->value.number == 1)
            continue;
        DX_TRY(dx_buf_add_byte(out, '='));
        DX_TRY(print_bare(&p->value, out));
    }
    return DX_OKAY;
}

DX_RC sfield_print_item(const sfield_item *item, dx_buf *out)
{
    DX_TRY(print_bare(item, out));
    return print_parameters(item, out);
}

DX_RC sfield_print_member(const sfield_member *m, dx_buf *out)
{
    if (!m->is_inner_list)
        return sfield_print_item(&m->item, out);
    DX_TRY(dx_buf_add_byte(out, '('));
    for (size_t i = 0; i < m->item_count; i++) {
        if (i > 0)
            DX_TRY(dx_buf_add_byte(out, ' '));
        DX_TRY(sfield_print_item(&m->items[i], out));
    }
    DX_TRY(dx_buf_add_byte(out, ')'));
    return print_parameters(&m->item, out);
}

DX_RC sfield_print_list(const sfield_list *list, dx_buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            DX_TRY(dx_buf_add_text(out, ", "));
        DX_TRY(sfield_print_member(&list->members[i], out));
    }
    return DX_OKAY;
}

DX_RC sfield_print_dictionary(const sfield_list *list, dx_buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const sfield_member *m = &list->members[i];
        if (i > 0)
            DX_TRY(dx_buf_add_text(out, ", "));
        DX_TRY(dx_buf_add(out, m->name));
        if (!m->is_inner_list && m->item.kind == SFIELD_BOOLEAN && m->item.number == 1) {
            DX_TRY(print_parameters(&m->item, out));
            continue;
        }
        DX_TRY(dx_buf_add_byte(out, '='));
        DX_TRY(sfield_print_member(m, out));
    }
    return DX_OKAY;
}
