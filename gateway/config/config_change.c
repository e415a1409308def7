#include "gateway/config/config_private.h"

/* What a reload cannot change: options whose row says that they need a restart. */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_texts(const config_texts *a, const config_texts *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = same_text(a->items[i], b->items[i]);
    return same;
}

static bool same_numbers(const config_numbers *a, const config_numbers *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->items[i] == b->items[i];
    return same;
}

static bool same_value(option_kind kind, const void *a, const void *b)
{
    switch (kind) {
    case NUMBER:
        return *(const int64_t *)a == *(const int64_t *)b;
    case BOOL:
        return *(const bool *)a == *(const bool *)b;
    case NUMBERS:
        return same_numbers(a, b);
    case TEXTS:
    case FILES:
        return same_texts(a, b);
    case TEXT:
    case FILE_:
    case PATH:
    case WORD:
        break;
    }
    return same_text(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_of(const config *c, const config_section_row *s)
{
    return *(const size_t *)(const void *)((const uint8_t *)c + s->count_at);
}

static const uint8_t *structs_of(const config *c, const config_section_row *s)
{
    return *(const uint8_t *const *)(const void *)((const uint8_t *)c + s->at);
}

size_t config_restart_needed(const config *now, const config *next, config_change *out, size_t max)
{
    size_t found = 0;
    for (size_t i = 0; i < config_option_count && found < max; i++) {
        const config_option_row *o = &config_options[i];
        const config_section_row *s = &config_sections[o->section];
        size_t count = count_of(now, s);
        bool differs = !o->reload && count != count_of(next, s);
        for (size_t k = 0; !o->reload && !differs && k < count; k++)
            differs = !same_value(o->kind, structs_of(now, s) + k * s->size + o->at,
                                  structs_of(next, s) + k * s->size + o->at);
        if (differs)
            out[found++] = (config_change){s->name, o->key};
    }
    return found;
}
