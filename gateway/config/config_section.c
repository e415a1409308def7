#include "gateway/config/config_private.h"

#include <inttypes.h>
#include <stdlib.h>

/* A section of the file into its struct, by the rows of the table. */

const char *config_section_keep(config_loader *l, dx_bytes text)
{
    const char *copy = dx_arena_text(&l->out->arena, text);
    l->no_memory |= copy == NULL;
    return copy;
}

static const char *keep_path(config_loader *l, const char *text)
{
    const char *copy = text[0] == '/' ? config_section_keep(l, dx_bytes_text(text))
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

static void check_file(config_loader *l, const char *pointer, const char *path)
{
    int fd = l->io->open(l->io, path, 0, 0);
    if (fd < 0)
        config_check_find(l, pointer, false, "cannot open %s: the file must exist and be readable", path);
    else
        l->io->close(l->io, fd);
}

static bool take_text(config_loader *l, const config_option_row *o, const char *pointer, const json_t *value,
                      const char **out)
{
    if (!json_is_string(value)) {
        config_check_find(l, pointer, false, "expected text, found %s", type_name(value));
        return false;
    }
    size_t size = json_string_length(value);
    if (strlen(json_string_value(value)) != size ||
        (o->max > 0 && size > (size_t)o->max && o->kind == TEXT) ||
        (o->kind == TEXT && size < (size_t)o->min)) {
        config_check_find(l, pointer, false, "expected text of %" PRId64 " to %" PRId64 " bytes", o->min,
                          o->max);
        return false;
    }
    if (o->kind == FILE_ || o->kind == PATH || o->kind == FILES) {
        *out = keep_path(l, json_string_value(value));
        if (o->kind != PATH && *out != NULL)
            check_file(l, pointer, *out);
    } else {
        *out = config_section_keep(l, dx_bytes_of(json_string_value(value), size));
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

static void take_array(config_loader *l, const config_option_row *o, const char *pointer, const json_t *value,
                       uint8_t *at)
{
    if (!json_is_array(value)) {
        config_check_find(l, pointer, false, "expected an array, found %s", type_name(value));
        return;
    }
    size_t count = json_array_size(value);
    if (o->kind != NUMBERS && (count < (size_t)o->min || (o->max > 0 && count > (size_t)o->max)))
        config_check_find(l, pointer, false, "expected %" PRId64 " to %" PRId64 " entries, found %zu", o->min,
                          o->max, count);
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
            config_check_find(l, child, false, "expected a whole number from %" PRId64 " to %" PRId64, o->min,
                              o->max);
        else
            numbers[i] = json_integer_value(item);
    }
    if (o->kind == NUMBERS)
        memcpy(at, &(config_numbers){numbers, count}, sizeof(config_numbers));
    else
        memcpy(at, &(config_texts){texts, count}, sizeof(config_texts));
}

static void take_option(config_loader *l, const config_option_row *o, const char *pointer,
                        const json_t *value, uint8_t *at)
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
                config_check_find(l, pointer, false, "expected one of %.*s, found %s",
                                  (int)(strchr(o->help, ']') - o->help + 1), o->help, text);
            memcpy(at, &text, sizeof text);
        }
        break;
    case NUMBER:
        if (!json_is_integer(value) || json_integer_value(value) < o->min ||
            json_integer_value(value) > o->max)
            config_check_find(l, pointer, false,
                              "expected a whole number from %" PRId64 " to %" PRId64 ", found %s", o->min,
                              o->max, json_is_integer(value) ? "another one" : type_name(value));
        else
            memcpy(at, &(int64_t){json_integer_value(value)}, sizeof(int64_t));
        break;
    case BOOL:
        if (!json_is_boolean(value))
            config_check_find(l, pointer, false, "expected true or false, found %s", type_name(value));
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

static void set_default(config_loader *l, const config_option_row *o, uint8_t *at)
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
    snprintf(pointer, sizeof pointer, "%s/%s", config_sections[id].pointer, key);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (strcmp(config_sections[i].pointer, pointer) == 0)
            return true;
    return false;
}

static void unknown_key(config_loader *l, section_id id, const char *pointer, const char *key)
{
    const char *near = NULL;
    unsigned best = 3;
    for (size_t i = 0; i < config_option_count; i++)
        if (config_options[i].section == id && distance(key, config_options[i].key) < best) {
            best = distance(key, config_options[i].key);
            near = config_options[i].key;
        }
    config_check_find(l, pointer, true, "unknown key%s%s%s", near ? ": did you mean \"" : "",
                      near ? near : "", near ? "\"?" : "");
}

static void take_object(config_loader *l, section_id id, const char *pointer, const json_t *object,
                        uint8_t *at)
{
    for (size_t i = 0; i < config_option_count; i++)
        if (config_options[i].section == id)
            set_default(l, &config_options[i], at + config_options[i].at);
    if (!json_is_object(object)) {
        config_check_find(l, pointer, false, "expected an object, found %s", type_name(object));
        return;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char child[200];
        snprintf(child, sizeof child, "%s/%s", pointer, key);
        size_t i = 0;
        while (i < config_option_count &&
               !(config_options[i].section == id && strcmp(config_options[i].key, key) == 0))
            i++;
        if (i < config_option_count)
            take_option(l, &config_options[i], child, value, at + config_options[i].at);
        else if (!is_section_key(id, key))
            unknown_key(l, id, child, key);
    }
    for (size_t i = 0; i < config_option_count; i++)
        if (config_options[i].section == id && config_options[i].required &&
            json_object_get(object, config_options[i].key) == NULL)
            config_check_find(l, pointer, false, "\"%s\" is missing: %s", config_options[i].key,
                              config_options[i].help);
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

void config_section_take(config_loader *l, section_id id, const json_t *root)
{
    const config_section_row *s = &config_sections[id];
    const json_t *value = at_pointer(root, s->pointer);
    json_t *empty = NULL;
    bool optional = false;
    if (value == NULL) {
        /* A section whose options all have defaults may stay out; one with required options is absent or an
         * error. */
        for (size_t i = 0; i < config_option_count; i++)
            optional |= config_options[i].section == id && config_options[i].required;
        if (optional || s->kind != ONE)
            return;
        value = empty = json_object();
    }
    size_t count = s->kind == ONE ? 1 : s->kind == ARRAY ? json_array_size(value) : json_object_size(value);
    if ((s->kind == ARRAY && !json_is_array(value)) || (s->kind == MAP && !json_is_object(value))) {
        config_check_find(l, s->pointer, false, "expected %s, found %s",
                          s->kind == ARRAY ? "an array" : "an object", type_name(value));
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
                ((config_source *)(void *)(items + i * s->size))->name_ =
                    config_section_keep(l, dx_bytes_text(key));
                take_object(l, id, child, item, items + i * s->size);
                i++;
            }
        }
    }
    json_decref(empty);
}
