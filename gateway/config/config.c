#include "gateway/config/config.h"

#include "trust/base/digest.h"
#include "trust/base/json.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define CONFIG_MAX_BYTES (1U << 20)
#define FINDINGS_MAX     200

typedef enum { ONE, ARRAY, MAP } section_kind;
typedef enum { TEXT, FILE_, PATH, NUMBER, BOOL, TEXTS, NUMBERS, FILES, WORD } option_kind;
#define KIND_TEXT    TEXT
#define KIND_FILE    FILE_
#define KIND_PATH    PATH
#define KIND_NUMBER  NUMBER
#define KIND_BOOL    BOOL
#define KIND_TEXTS   TEXTS
#define KIND_NUMBERS NUMBERS
#define KIND_FILES   FILES
#define KIND_WORD    WORD
enum { no = 0, yes = 1 };

typedef enum {
#define S(section, pointer, kind, help) SECTION_##section,
#define O(...)
#include "gateway/config/config_table.h"
#undef S
#undef O
    SECTION_COUNT
} section_id;

typedef struct {
    const char *name, *pointer, *help;
    section_kind kind;
    size_t size, at, count_at; /* of its struct; of the pointer and the count in config */
} section_row;

static const section_row sections[] = {
#define S(section, pointer, kind, help)                                                                      \
    {#section,                                                                                               \
     pointer,                                                                                                \
     help,                                                                                                   \
     kind,                                                                                                   \
     sizeof(config_##section),                                                                               \
     offsetof(config, section),                                                                              \
     offsetof(config, section##_count)},
#define O(...)
#include "gateway/config/config_table.h"
#undef S
#undef O
};

typedef struct {
    section_id section;
    const char *key, *default_, *help;
    size_t at;
    option_kind kind;
    bool required, reload;
    int64_t min, max;
} option_row;

static const option_row options[] = {
#define S(...)
#define O(section, key, member, kind, required, default, min, max, reload, help)                             \
    {SECTION_##section, key,      default, help, offsetof(config_##section, member),                         \
     KIND_##kind,       required, reload,  min,  max},
#include "gateway/config/config_table.h"
#undef S
#undef O
};
#define OPTION_COUNT (sizeof options / sizeof *options)

typedef struct {
    config *out;
    config_findings *findings;
    dx_bytes text;
    const dx_io *io;
    char folder[PATH_MAX];
    bool no_memory;
} loader;

static void find(loader *l, const char *pointer, bool name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void find(loader *l, const char *pointer, bool name, const char *format, ...)
{
    if (l->findings->count >= FINDINGS_MAX)
        return;
    config_finding *grown = realloc(l->findings->items, (l->findings->count + 1) * sizeof *grown);
    if (grown == NULL) {
        l->no_memory = true;
        return;
    }
    l->findings->items = grown;
    config_finding *f = &grown[l->findings->count++];
    *f = (config_finding){0};
    snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    dx_json_position(l->text, pointer, name, &f->line, &f->column);
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

static const char *keep(loader *l, dx_bytes text)
{
    const char *copy = dx_arena_text(&l->out->arena, text);
    l->no_memory |= copy == NULL;
    return copy;
}

static const char *keep_path(loader *l, const char *text)
{
    const char *copy = text[0] == '/' ? keep(l, dx_bytes_text(text))
                                      : dx_arena_printf(&l->out->arena, "%s/%s", l->folder, text);
    l->no_memory |= copy == NULL;
    return copy;
}

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        "an object", "an array", "text", "a whole number", "a number with fraction", "true", "false", "null"};
    return names[json_typeof(value)];
}

static void check_file(loader *l, const char *pointer, const char *path)
{
    int fd = l->io->open(l->io, path, 0, 0);
    if (fd < 0)
        find(l, pointer, false, "cannot open %s: the file must exist and be readable", path);
    else
        l->io->close(l->io, fd);
}

static bool take_text(loader *l, const option_row *o, const char *pointer, const json_t *value,
                      const char **out)
{
    if (!json_is_string(value)) {
        find(l, pointer, false, "expected text, found %s", type_name(value));
        return false;
    }
    size_t size = json_string_length(value);
    if (strlen(json_string_value(value)) != size ||
        (o->max > 0 && size > (size_t)o->max && o->kind == TEXT) ||
        (o->kind == TEXT && size < (size_t)o->min)) {
        find(l, pointer, false, "expected text of %" PRId64 " to %" PRId64 " bytes", o->min, o->max);
        return false;
    }
    if (o->kind == FILE_ || o->kind == PATH || o->kind == FILES) {
        *out = keep_path(l, json_string_value(value));
        if (o->kind != PATH && *out != NULL)
            check_file(l, pointer, *out);
    } else {
        *out = keep(l, dx_bytes_of(json_string_value(value), size));
    }
    return true;
}

static bool word_allowed(const char *help, const char *word)
{
    const char *end = strchr(help, ']');
    size_t size = strlen(word);
    for (const char *at = help + 1; at < end;) {
        const char *stop = at + strcspn(at, "|]");
        if ((size_t)(stop - at) == size && memcmp(at, word, size) == 0)
            return true;
        at = stop + 1;
    }
    return false;
}

static void take_array(loader *l, const option_row *o, const char *pointer, const json_t *value, uint8_t *at)
{
    if (!json_is_array(value)) {
        find(l, pointer, false, "expected an array, found %s", type_name(value));
        return;
    }
    size_t count = json_array_size(value);
    if (o->kind != NUMBERS && (count < (size_t)o->min || (o->max > 0 && count > (size_t)o->max)))
        find(l, pointer, false, "expected %" PRId64 " to %" PRId64 " entries, found %zu", o->min, o->max,
             count);
    const char **texts = DX_ARENA_ARRAY(&l->out->arena, const char *, count);
    int64_t *numbers = DX_ARENA_ARRAY(&l->out->arena, int64_t, count);
    if (texts == NULL || numbers == NULL) {
        l->no_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char child[256];
        const json_t *item = json_array_get(value, i);
        snprintf(child, sizeof child, "%s/%zu", pointer, i);
        if (o->kind != NUMBERS)
            take_text(l, o, child, item, &texts[i]);
        else if (!json_is_integer(item) || json_integer_value(item) < o->min ||
                 json_integer_value(item) > o->max)
            find(l, child, false, "expected a whole number from %" PRId64 " to %" PRId64, o->min, o->max);
        else
            numbers[i] = json_integer_value(item);
    }
    if (o->kind == NUMBERS)
        memcpy(at, &(config_numbers){numbers, count}, sizeof(config_numbers));
    else
        memcpy(at, &(config_texts){texts, count}, sizeof(config_texts));
}

static void take_option(loader *l, const option_row *o, const char *pointer, const json_t *value, uint8_t *at)
{
    const char *text = NULL;
    switch (o->kind) {
    case TEXT:
    case FILE_:
    case PATH:
        if (take_text(l, o, pointer, value, &text))
            memcpy(at, &text, sizeof text);
        break;
    case WORD:
        if (take_text(l, o, pointer, value, &text)) {
            if (text != NULL && !word_allowed(o->help, text))
                find(l, pointer, false, "expected one of %.*s, found %s",
                     (int)(strchr(o->help, ']') - o->help + 1), o->help, text);
            memcpy(at, &text, sizeof text);
        }
        break;
    case NUMBER:
        if (!json_is_integer(value) || json_integer_value(value) < o->min ||
            json_integer_value(value) > o->max)
            find(l, pointer, false, "expected a whole number from %" PRId64 " to %" PRId64 ", found %s",
                 o->min, o->max, json_is_integer(value) ? "another one" : type_name(value));
        else
            memcpy(at, &(int64_t){json_integer_value(value)}, sizeof(int64_t));
        break;
    case BOOL:
        if (!json_is_boolean(value))
            find(l, pointer, false, "expected true or false, found %s", type_name(value));
        else
            memcpy(at, &(bool){json_is_true(value)}, sizeof(bool));
        break;
    case TEXTS:
    case NUMBERS:
    case FILES:
        take_array(l, o, pointer, value, at);
        break;
    }
}

static void set_default(loader *l, const option_row *o, uint8_t *at)
{
    if (o->default_[0] == 0)
        return;
    if (o->kind == NUMBER) {
        memcpy(at, &(int64_t){strtoll(o->default_, NULL, 10)}, sizeof(int64_t));
    } else if (o->kind == BOOL) {
        memcpy(at, &(bool){strcmp(o->default_, "true") == 0}, sizeof(bool));
    } else if (o->kind == TEXTS) {
        const char **items = DX_ARENA_ARRAY(&l->out->arena, const char *, 8);
        char *copy = dx_arena_text(&l->out->arena, dx_bytes_text(o->default_));
        size_t count = 0;
        for (char *save = NULL, *word = copy == NULL ? NULL : strtok_r(copy, " ", &save);
             word != NULL && items != NULL; word = strtok_r(NULL, " ", &save))
            items[count++] = word;
        l->no_memory |= items == NULL || copy == NULL;
        memcpy(at, &(config_texts){items, count}, sizeof(config_texts));
    } else {
        memcpy(at, &o->default_, sizeof o->default_);
    }
}

/* A key one letter away is worth naming. */
static unsigned distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    unsigned row[64];
    if (na >= 63 || nb >= 63)
        return 99;
    for (unsigned j = 0; j <= nb; j++)
        row[j] = j;
    for (unsigned i = 1; i <= na; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            unsigned above = row[j], best = corner + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            corner = above;
            row[j] = best;
        }
    }
    return row[nb];
}

static bool is_section_key(section_id id, const char *key)
{
    char pointer[160];
    snprintf(pointer, sizeof pointer, "%s/%s", sections[id].pointer, key);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (strcmp(sections[i].pointer, pointer) == 0)
            return true;
    return false;
}

static void unknown_key(loader *l, section_id id, const char *pointer, const char *key)
{
    const char *near = NULL;
    unsigned best = 3;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].section == id && distance(key, options[i].key) < best) {
            best = distance(key, options[i].key);
            near = options[i].key;
        }
    find(l, pointer, true, "unknown key%s%s%s", near ? ": did you mean \"" : "", near ? near : "",
         near ? "\"?" : "");
}

static void take_object(loader *l, section_id id, const char *pointer, const json_t *object, uint8_t *at)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].section == id)
            set_default(l, &options[i], at + options[i].at);
    if (!json_is_object(object)) {
        find(l, pointer, false, "expected an object, found %s", type_name(object));
        return;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char child[200];
        snprintf(child, sizeof child, "%s/%s", pointer, key);
        size_t i = 0;
        while (i < OPTION_COUNT && !(options[i].section == id && strcmp(options[i].key, key) == 0))
            i++;
        if (i < OPTION_COUNT)
            take_option(l, &options[i], child, value, at + options[i].at);
        else if (!is_section_key(id, key))
            unknown_key(l, id, child, key);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].section == id && options[i].required &&
            json_object_get(object, options[i].key) == NULL)
            find(l, pointer, false, "\"%s\" is missing: %s", options[i].key, options[i].help);
}

static const json_t *at_pointer(const json_t *root, const char *pointer)
{
    while (root != NULL && *pointer == '/') {
        char step[64];
        const char *end = pointer + 1 + strcspn(pointer + 1, "/");
        snprintf(step, sizeof step, "%.*s", (int)(end - pointer - 1), pointer + 1);
        root = json_object_get(root, step);
        pointer = end;
    }
    return root;
}

static void take_section(loader *l, section_id id, const json_t *root)
{
    const section_row *s = &sections[id];
    const json_t *value = at_pointer(root, s->pointer);
    json_t *empty = NULL;
    bool optional = false;
    if (value == NULL) {
        /* A section whose options all have defaults may stay out; one with required options is absent or an
         * error. */
        for (size_t i = 0; i < OPTION_COUNT; i++)
            optional |= options[i].section == id && options[i].required;
        if (optional || s->kind != ONE)
            return;
        value = empty = json_object();
    }
    size_t count = s->kind == ONE ? 1 : s->kind == ARRAY ? json_array_size(value) : json_object_size(value);
    if ((s->kind == ARRAY && !json_is_array(value)) || (s->kind == MAP && !json_is_object(value))) {
        find(l, s->pointer, false, "expected %s, found %s", s->kind == ARRAY ? "an array" : "an object",
             type_name(value));
        count = 0;
    }
    uint8_t *items = dx_arena_array(&l->out->arena, count, s->size);
    if (items == NULL) {
        l->no_memory = true;
    } else {
        memcpy((uint8_t *)l->out + s->at, &items, sizeof items);
        memcpy((uint8_t *)l->out + s->count_at, &count, sizeof count);
        if (s->kind == ONE)
            take_object(l, id, s->pointer, value, items);
        for (size_t i = 0; s->kind == ARRAY && i < count; i++) {
            char child[200];
            snprintf(child, sizeof child, "%s/%zu", s->pointer, i);
            take_object(l, id, child, json_array_get(value, i), items + i * s->size);
        }
        if (s->kind == MAP) {
            const char *key;
            json_t *item;
            size_t i = 0;
            json_object_foreach((json_t *)(uintptr_t)value, key, item)
            {
                char child[200];
                snprintf(child, sizeof child, "%s/%s", s->pointer, key);
                ((config_source *)(void *)(items + i * s->size))->name_ = keep(l, dx_bytes_text(key));
                take_object(l, id, child, item, items + i * s->size);
                i++;
            }
        }
    }
    json_decref(empty);
}

/* What one option says about another. */
static void check_together(loader *l)
{
    const config *c = l->out;
    static const section_id needed[] = {SECTION_gateway,  SECTION_listen,     SECTION_upstream,
                                        SECTION_trust,    SECTION_source,     SECTION_policy,
                                        SECTION_seal_key, SECTION_provenance, SECTION_provenance_keys};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        size_t count;
        memcpy(&count, (const uint8_t *)c + sections[needed[i]].count_at, sizeof count);
        if (count == 0 && l->findings->count < FINDINGS_MAX)
            find(l, "", false, "\"%s\" is missing: %s", sections[needed[i]].pointer + 1,
                 sections[needed[i]].help);
    }
    if (c->timestamp_count == 1 && c->timestamp->mode != NULL && strcmp(c->timestamp->mode, "none") != 0 &&
        c->tsa_count == 0)
        find(l, "/timestamp", false, "mode %s needs at least one authority in \"tsa\"", c->timestamp->mode);
    for (size_t i = 0; i < c->listen_count; i++)
        if (c->seal_key_count == 1 && c->seal_key->file != NULL && c->listen[i].key != NULL &&
            strcmp(c->seal_key->file, c->listen[i].key) == 0)
            find(l, "/seal/key/file", false, "the seal key must not be a TLS key (seals.md 2)");
    for (size_t i = 0; c->seal_count == 1 && i < c->seal->formats.count; i++)
        if (c->seal->formats.items[i] != NULL && strcmp(c->seal->formats.items[i], "httpsig") != 0 &&
            strcmp(c->seal->formats.items[i], "jades") != 0)
            find(l, "/seal/formats", false, "expected httpsig or jades, found %s", c->seal->formats.items[i]);
}

static int by_place(const void *a, const void *b)
{
    const config_finding *x = a, *y = b;
    return x->line != y->line      ? (x->line < y->line ? -1 : 1)
           : x->column < y->column ? -1
                                   : x->column > y->column;
}

DX_RC config_load(const dx_io *io, const char *file, config **out, config_findings *findings, dx_why *why)
{
    *out = NULL;
    *findings = (config_findings){0};
    dx_buf text;
    DX_TRY(dx_io_read_file(io, file, CONFIG_MAX_BYTES, &text, why));
    config *c = calloc(1, sizeof *c);
    if (c == NULL) {
        dx_buf_fini(&text);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the configuration");
    }
    loader l = {.out = c, .findings = findings, .text = dx_buf_view(&text), .io = io};
    const char *slash = strrchr(file, '/');
    json_t *root = NULL;
    struct dx_rc rc =
        dx_json_read(l.text, &(dx_json_limits){.max_bytes = CONFIG_MAX_BYTES, .max_depth = 16}, &root, why);
    snprintf(l.folder, sizeof l.folder, "%.*s", slash == NULL ? 1 : (int)(slash - file),
             slash == NULL ? "." : file);
    if (rc.code != DX_OK) {
        find(&l, "", false, "%s", why != NULL ? why->text : "not JSON");
        findings->items[0].line = 0; /* the text of the error names the line */
        rc = DX_FAIL(why, CONFIG, "", "%s is not usable", file);
    } else {
        dx_sha256(l.text, c->sha256);
        c->file = keep(&l, dx_bytes_text(file));
        for (section_id id = 0; id < SECTION_COUNT; id++)
            take_section(&l, id, root);
        check_together(&l);
        if (findings->count > 0)
            rc = DX_FAIL(why, CONFIG, "", "%s has %zu errors", file, findings->count);
        if (l.no_memory)
            rc = DX_FAIL(why, NO_MEMORY, "", "no memory for the configuration");
        if (findings->count > 1)
            qsort(findings->items, findings->count, sizeof *findings->items, by_place);
    }
    json_decref(root);
    dx_buf_fini(&text);
    if (rc.code != DX_OK)
        config_free(c);
    else
        *out = c;
    return rc;
}

void config_free(config *c)
{
    if (c == NULL)
        return;
    dx_arena_fini(&c->arena);
    free(c);
}

void config_findings_fini(config_findings *findings)
{
    free(findings->items);
    *findings = (config_findings){0};
}

DX_RC config_manual(bool roff, dx_buf *out)
{
    static const char *const kinds[] = {
        "text",           "file", "path", "number", "true or false", "array of texts", "array of numbers",
        "array of files", "word"};
    for (section_id id = 0; id < SECTION_COUNT; id++) {
        const section_row *s = &sections[id];
        const char *shape = s->kind == ARRAY ? " (array)"
                            : s->kind == MAP ? " (object of objects by name)"
                                             : "";
        DX_TRY(dx_buf_addf(out, roff ? ".SS \"%s%s\"\n%s\n" : "\n%s%s\n  %s\n",
                           s->pointer[0] ? s->pointer + 1 : "top level", shape, s->help));
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            const option_row *o = &options[i];
            if (o->section != id)
                continue;
            DX_TRY(dx_buf_addf(out, roff ? ".TP\n.B %s\n" : "    %-22s ", o->key));
            DX_TRY(dx_buf_addf(out, "%s%s", kinds[o->kind], o->required ? ", required" : ""));
            if (o->default_[0] != 0)
                DX_TRY(dx_buf_addf(out, ", default %s", o->default_));
            if (o->kind == NUMBER)
                DX_TRY(dx_buf_addf(out, ", %" PRId64 " to %" PRId64, o->min, o->max));
            DX_TRY(dx_buf_addf(out, roff ? ". %s%s\n" : ". %s%s\n", o->help,
                               o->reload ? "" : " Needs a restart."));
        }
    }
    return DX_OKAY;
}
