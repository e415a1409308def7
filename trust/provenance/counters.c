#include "trust/provenance/counters.h"

#include "trust/provenance/crc32c.h"

#include <stdlib.h>

typedef struct {
    char *name;
    size_t size;
    uint64_t n;
} row;

/* Sums of one column (all pairs, or those of one purpose) with the leaf hashes of what did not change. */
typedef struct {
    uint64_t n[COUNTERS_SLOTS];
    bool fresh[COUNTERS_SLOTS];
    int position; /* among the purposes, for which the leaves were made */
    merkle_hash leaf[COUNTERS_SLOTS];
} column;

struct counters {
    row *rows; /* open addressing, a power of two */
    size_t room, used;
    unsigned pairs, purpose_count;
    char purposes[COUNTERS_PURPOSES_MAX][72];
    column *all, *of_purpose[COUNTERS_PURPOSES_MAX];
};

counters *counters_new(void)
{
    counters *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->room = 1024;
    c->rows = calloc(c->room, sizeof *c->rows);
    c->all = calloc(1, sizeof *c->all);
    if (c->rows == NULL || c->all == NULL) {
        counters_free(c);
        return NULL;
    }
    return c;
}

void counters_free(counters *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->room && c->rows != NULL; i++)
        free(c->rows[i].name);
    for (unsigned p = 0; p < c->purpose_count; p++)
        free(c->of_purpose[p]);
    free(c->rows);
    free(c->all);
    free(c);
}

static row *place(row *rows, size_t room, dx_bytes name)
{
    size_t at = crc32c(name) & (room - 1);
    while (rows[at].name != NULL && !dx_bytes_equal(dx_bytes_of(rows[at].name, rows[at].size), name))
        at = (at + 1) & (room - 1);
    return &rows[at];
}

static bool grow(counters *c)
{
    row *more = calloc(c->room * 2, sizeof *more);
    if (more == NULL)
        return false;
    for (size_t i = 0; i < c->room; i++)
        if (c->rows[i].name != NULL)
            *place(more, c->room * 2, dx_bytes_of(c->rows[i].name, c->rows[i].size)) = c->rows[i];
    free(c->rows);
    c->rows = more;
    c->room *= 2;
    return true;
}

typedef struct {
    bool refused;
    uint8_t from[2], to[2];
    dx_bytes purpose;
} parts;

static parts split(dx_bytes name)
{
    parts p = {.refused = name.data[0] == '!'};
    name = dx_bytes_part(name, p.refused, name.size);
    memcpy(p.from, name.data, 2);
    memcpy(p.to, name.data + 3, 2);
    p.purpose = dx_bytes_part(name, 6, name.size);
    return p;
}

/* The column of a purpose; NULL beyond the 64th, which has none. *ok false: no memory. */
static column *column_of(counters *c, dx_bytes purpose, bool *ok)
{
    *ok = true;
    if (purpose.size == 0)
        return c->all;
    for (unsigned i = 0; i < c->purpose_count; i++)
        if (dx_bytes_is(purpose, c->purposes[i]))
            return c->of_purpose[i];
    if (c->purpose_count == COUNTERS_PURPOSES_MAX || purpose.size >= sizeof c->purposes[0])
        return NULL;
    column *made = calloc(1, sizeof *made);
    *ok = made != NULL;
    if (made == NULL)
        return NULL;
    memcpy(c->purposes[c->purpose_count], purpose.data, purpose.size);
    c->of_purpose[c->purpose_count++] = made;
    return made;
}

unsigned counters_slot(unsigned role, const uint8_t country[2])
{
    return 676 * role + 26 * (unsigned)(country[0] - 'A') + (unsigned)(country[1] - 'A');
}

static void slots_move(column *col, const parts *p, int64_t by)
{
    unsigned role = p->refused ? 2 : 0,
             slots[2] = {counters_slot(role, p->from), counters_slot(role + 1, p->to)};
    for (int i = 0; i < 2; i++) {
        col->n[slots[i]] += (uint64_t)by;
        col->fresh[slots[i]] = false;
    }
}

uint64_t counters_add(counters *c, dx_bytes name)
{
    bool ok;
    if (name.size < 5 || (c->used * 2 >= c->room && (c->used >= COUNTERS_NAMES_MAX || !grow(c))))
        return 0;
    row *r = place(c->rows, c->room, name);
    parts p = split(name);
    column *col = column_of(c, p.purpose, &ok);
    if (!ok)
        return 0;
    if (r->name == NULL) {
        r->name = malloc(name.size);
        if (r->name == NULL)
            return 0;
        memcpy(r->name, name.data, name.size);
        r->size = name.size;
        c->used++;
    }
    if (r->n == 0 && p.purpose.size == 0)
        c->pairs++;
    if (col != NULL)
        slots_move(col, &p, 1);
    return ++r->n;
}

void counters_undo(counters *c, dx_bytes name)
{
    row *r = place(c->rows, c->room, name);
    if (r->name == NULL || r->n == 0)
        return;
    bool ok;
    parts p = split(name);
    column *col = column_of(c, p.purpose, &ok);
    if (--r->n == 0 && p.purpose.size == 0)
        c->pairs--;
    if (col != NULL)
        slots_move(col, &p, -1);
}

bool counters_next(counters *c, dx_bytes name, uint64_t value)
{
    return counters_add(c, name) == value;
}

unsigned counters_pairs(const counters *c)
{
    return c->pairs;
}

unsigned counters_purposes(const counters *c)
{
    return c->purpose_count;
}

const char *counters_purpose(const counters *c, unsigned i)
{
    return c->purposes[i];
}

void counters_slot_leaf(const uint8_t key[32], unsigned slot, int purpose, uint64_t n, uint8_t out[32])
{
    uint8_t info[12], derived[32], value[8];
    size_t size = 0;
    be_write(info, 2, slot);
    size += 2;
    if (purpose >= 0) {
        be_write(info + size, 2, (uint64_t)purpose);
        size += 2;
    }
    be_write(info + size, 8, n);
    be_write(value, 8, n);
    dx_hkdf_sha256(dx_bytes_of(key, 32), DX_BYTES("sekisho/counters/1"), dx_bytes_of(info, size + 8),
                   derived);
    dx_hmac_sha256(dx_bytes_of(derived, 32), dx_bytes_of(value, 8), out);
}

static const merkle_hash *leaf_of(column *col, const uint8_t key[32], unsigned slot, int purpose)
{
    if (col->position != purpose) {
        memset(col->fresh, 0, sizeof col->fresh);
        col->position = purpose;
    }
    if (!col->fresh[slot]) {
        uint8_t leaf[32];
        counters_slot_leaf(key, slot, purpose, col->n[slot], leaf);
        col->leaf[slot] = merkle_leaf(dx_bytes_of(leaf, 32));
        col->fresh[slot] = true;
    }
    return &col->leaf[slot];
}

DX_RC counters_roots(counters *c, const uint8_t key[32], const char *const *purposes, unsigned purpose_count,
                     merkle_hash *root, merkle_hash *purpose_root)
{
    column *columns[COUNTERS_PURPOSES_MAX];
    bool ok = purpose_count <= COUNTERS_PURPOSES_MAX;
    for (unsigned p = 0; p < purpose_count && ok; p++)
        ok = (columns[p] = column_of(c, dx_bytes_text(purposes[p]), &ok)) != NULL;
    merkle_tree *tree = ok ? calloc(1, sizeof *tree) : NULL;
    if (tree == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    for (unsigned slot = 0; slot < COUNTERS_SLOTS; slot++)
        merkle_add(tree, leaf_of(c->all, key, slot, -1), NULL, NULL);
    *root = merkle_root(tree);
    memset(purpose_root, 0, sizeof *purpose_root);
    memset(tree, 0, sizeof *tree);
    for (unsigned slot = 0; slot < COUNTERS_SLOTS && purpose_count > 0; slot++)
        for (unsigned p = 0; p < purpose_count; p++)
            merkle_add(tree, leaf_of(columns[p], key, slot, (int)p), NULL, NULL);
    if (purpose_count > 0)
        *purpose_root = merkle_root(tree);
    free(tree);
    return DX_OKAY;
}
