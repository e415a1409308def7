/* Single values: texts, times, levels, and sets with their broader terms and groups expanded. Texts are
 * copied, so that the model keeps nothing of the documents. */
#include "policy/compile.h"

void *compile_array(compiler *c, size_t count, size_t size)
{
    void *out = dx_arena_array(&c->p->arena, count + 1, size);
    c->failed = c->failed || out == NULL;
    return out;
}

const char *compile_copy(compiler *c, const char *text)
{
    const char *copy = dx_arena_text(&c->p->arena, dx_bytes_text(text));
    c->failed = c->failed || copy == NULL;
    return copy;
}

dx_bytes compile_text(compiler *c, const json_t *value)
{
    dx_bytes view = json_view(value);
    char *copy = view.size == 0 ? NULL : dx_arena_text(&c->p->arena, view);
    c->failed = c->failed || (view.size > 0 && copy == NULL);
    return dx_bytes_of(copy, copy == NULL ? 0 : view.size);
}

const char *compile_c_text(compiler *c, const json_t *value)
{
    return (const char *)compile_text(c, value).data;
}

int64_t compile_time_s(const json_t *value)
{
    int64_t us = 0;
    return dx_time_parse(json_view(value), true, &us) ? us / 1000000 : 0;
}

void compile_interval(const json_t *valid, int64_t *from_s, int64_t *to_s)
{
    *from_s = compile_time_s(json_object_get(valid, "from"));
    *to_s = compile_time_s(json_object_get(valid, "to"));
}

policy_level compile_level(const json_t *value)
{
    return (policy_level){(uint8_t)json_integer_value(json_object_get(value, "l")),
                          (uint8_t)json_integer_value(json_object_get(value, "s")),
                          (uint8_t)json_integer_value(json_object_get(value, "t")),
                          (uint8_t)json_integer_value(json_object_get(value, "r"))};
}

typedef struct {
    dx_bytes *items;
    size_t count, room;
} growing;

static void grow(compiler *c, growing *set, dx_bytes text)
{
    if (set->count == set->room) {
        size_t room = set->room == 0 ? 8 : set->room * 2;
        dx_bytes *more = DX_ARENA_ARRAY(&c->b->arena, dx_bytes, room);
        if (more == NULL) {
            c->failed = true;
            return;
        }
        if (set->count > 0)
            memcpy(more, set->items, set->count * sizeof *more);
        set->items = more;
        set->room = room;
    }
    set->items[set->count++] = text;
}

/* A broader term stands for its narrower ones too; vocab may hold a circle, so what is there already ends the
 * walk. */
static void grow_term(compiler *c, growing *set, dx_bytes term)
{
    for (size_t i = 0; i < set->count; i++)
        if (dx_bytes_equal(set->items[i], term))
            return;
    grow(c, set, term);
    for (const term_list *n = text_map_get(&c->b->narrower, term); n != NULL && !c->failed; n = n->next)
        grow_term(c, set, n->term);
}

text_set compile_set(compiler *c, policy_attribute as, const json_t *list, bool expand)
{
    const policy_attribute_row *row = &policy_attributes[as];
    bool territory = row->type == TYPE_TERR || row->type == TYPE_TERRS;
    growing set = {0};
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (json_is_integer(item)) {
            grow(c, &set,
                 dx_bytes_text(dx_arena_printf(&c->b->arena, "%lld", (long long)json_integer_value(item))));
            continue;
        }
        dx_bytes value = policy_value_fold(&c->b->arena, as, json_view(item));
        text_set group = territory ? bundle_group(c->b, value) : (text_set){NULL, 0};
        for (size_t k = 0; k < group.count; k++)
            grow(c, &set, group.items[k]);
        if (group.count > 0)
            continue;
        if ((row->flags & TERM) != 0 && expand)
            grow_term(c, &set, value);
        else
            grow(c, &set, value);
    }
    size_t count = text_set_sort(set.items, set.count);
    dx_bytes *items = DX_ARENA_ARRAY(&c->p->arena, dx_bytes, count + 1);
    c->failed = c->failed || items == NULL;
    for (size_t k = 0; k < count && items != NULL; k++) {
        char *copy = dx_arena_text(&c->p->arena, set.items[k]);
        c->failed = c->failed || copy == NULL;
        items[k] = dx_bytes_of(copy, copy == NULL ? 0 : set.items[k].size);
    }
    return (text_set){items, items == NULL ? 0 : count};
}
