#include "trust/provenance/leaf_schema.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCOPE_ANY = -1, SCOPE_DOC = -2 };
#define PROV_ANY SCOPE_ANY
#define PROV_DOC SCOPE_DOC

static const struct row {
    int type;
    const char *path;
    leaf_kind kind;
    unsigned cap;
    const char *words;
} rows[] = {
#define FIELD(type, path, kind, cap, words, class, serves) {PROV_##type, path, LEAF_##kind, cap, words},
#include "trust/provenance/record_table.h"
#undef FIELD
};

static const char *const type_texts[] = {
#define PROV_TYPE(name, text) text,
#include "trust/provenance/type_table.h"
#undef PROV_TYPE
};
_Static_assert(sizeof type_texts / sizeof *type_texts == PROV_TYPE_COUNT, "one text per leaf type");

/* Paths are looked up some eighty times per record: open addressing over a hash of (type, path). */
#define BUCKETS 2048
static struct {
    const char *path;
    prov_type type;
    const leaf_node *node;
} buckets[BUCKETS];
static leaf_node *roots[PROV_TYPE_COUNT];
static dx_arena memory;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool holds(const struct row *row, prov_type type)
{
    bool document =
        type == PROV_CONFIG || type == PROV_POLICY || type == PROV_TLIST || type == PROV_AGREEMENT;
    return row->type == SCOPE_ANY || row->type == (int)type || (row->type == SCOPE_DOC && document);
}

static void *must(void *p)
{
    if (p == NULL)
        abort(); /* at start-up, before anything was promised */
    return p;
}

static unsigned hash(prov_type type, const char *path, size_t size)
{
    unsigned h = 2166136261U ^ (unsigned)type;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (uint8_t)path[i]) * 16777619U;
    return h;
}

static leaf_node *child_of(leaf_node *parent, dx_bytes name)
{
    for (unsigned i = 0; i < parent->child_count; i++)
        if (dx_bytes_equal(dx_bytes_of(parent->children[i]->name, parent->children[i]->name_size), name))
            return parent->children[i];
    leaf_node *node = must(DX_ARENA_NEW(&memory, leaf_node));
    node->name = must(dx_arena_text(&memory, name));
    node->name_size = name.size;
    node->parent = parent;
    leaf_node **more = must(DX_ARENA_ARRAY(&memory, leaf_node *, parent->child_count + 1));
    unsigned at = 0;
    while (at < parent->child_count &&
           dx_bytes_compare(dx_bytes_of(parent->children[at]->name, parent->children[at]->name_size), name) <
               0) {
        more[at] = parent->children[at];
        at++;
    }
    more[at] = node;
    for (unsigned i = at; i < parent->child_count; i++)
        more[i + 1] = parent->children[i];
    parent->children = more;
    parent->child_count++;
    return node;
}

static void put(prov_type type, const struct row *row)
{
    leaf_node *node = roots[type];
    for (const char *p = row->path; *p != 0;) {
        size_t n = strcspn(p, ".[");
        node = child_of(node, dx_bytes_of(p, n));
        p += n;
        if (*p == '[') {
            node->max = (unsigned)strtoul(p + 1, NULL, 10);
            p = strchr(p, ']') + 1;
        }
        if (*p == '.')
            p++;
    }
    node->kind = row->kind;
    node->cap = row->cap;
    node->words = row->words;
}

static void index_path(prov_type type, const char *path, const leaf_node *node)
{
    unsigned at = hash(type, path, strlen(path)) % BUCKETS;
    while (buckets[at].path != NULL)
        at = (at + 1) % BUCKETS;
    buckets[at].path = must(dx_arena_text(&memory, dx_bytes_text(path)));
    buckets[at].type = type;
    buckets[at].node = node;
}

/* Numbers the slots and remembers each path. */
static void number(prov_type type, leaf_node *node, leaf_node *owner, leaf_node *scope, const char *path)
{
    for (unsigned i = 0; i < node->child_count; i++) {
        leaf_node *child = node->children[i];
        char full[128];
        snprintf(full, sizeof full, "%s%s%s", path, path[0] == 0 ? "" : ".", child->name);
        child->owner = owner;
        child->slot = scope->slots++;
        index_path(type, full, child);
        bool objects = child->max > 0 && child->kind == LEAF_OBJECT;
        number(type, child, objects ? child : owner, objects ? child : scope, full);
    }
    if (node == scope && scope->slots > LEAF_SLOTS_MAX)
        abort();
}

static void build(void)
{
    for (prov_type type = 0; type < PROV_TYPE_COUNT; type++) {
        roots[type] = must(DX_ARENA_NEW(&memory, leaf_node));
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (holds(&rows[i], type))
                put(type, &rows[i]);
        number(type, roots[type], NULL, roots[type], "");
    }
}

const leaf_node *leaf_schema_root(prov_type type)
{
    pthread_once(&once, build);
    return roots[type];
}

const leaf_node *leaf_schema_find(prov_type type, const char *path)
{
    pthread_once(&once, build);
    for (unsigned at = hash(type, path, strlen(path)) % BUCKETS; buckets[at].path != NULL;
         at = (at + 1) % BUCKETS)
        if (buckets[at].type == type && strcmp(buckets[at].path, path) == 0)
            return buckets[at].node;
    return NULL;
}

const leaf_node *leaf_schema_child(const leaf_node *parent, dx_bytes name)
{
    unsigned low = 0, high = parent->child_count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        int c = dx_bytes_compare(dx_bytes_of(parent->children[mid]->name, parent->children[mid]->name_size),
                                 name);
        if (c == 0)
            return parent->children[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const char *leaf_schema_type_text(prov_type type)
{
    return type_texts[type];
}

bool leaf_schema_type(dx_bytes text, prov_type *type)
{
    for (prov_type t = 0; t < PROV_TYPE_COUNT; t++)
        if (dx_bytes_is(text, type_texts[t])) {
            *type = t;
            return true;
        }
    return false;
}
