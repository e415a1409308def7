/* evidence_tree.c -- one token for many values: the tree over a batch, and the record each leaf takes along
 * (seals.md 7.2, 7.3; RFC 4998 4.1, 4.2). It is not the tree of the log (RFC 6962): no code is shared. */
#include "trust/stamp/stamp_private.h"

#include <stdlib.h>

#define LEVELS_MAX 64

struct evidence_tree {
    uint8_t (**levels)[32];
    size_t *counts;
    size_t level_count;
    size_t *place; /* of each leaf handed in; equal leaves share one */
    size_t leaf_count;
};

static void join(const uint8_t a[32], const uint8_t b[32], uint8_t out[32])
{
    uint8_t both[64];
    bool first = memcmp(a, b, 32) <= 0; /* the smaller one first, bytes unsigned */
    memcpy(both, first ? a : b, 32);
    memcpy(both + 32, first ? b : a, 32);
    dx_sha256(dx_bytes_of(both, 64), out);
}

typedef struct {
    uint8_t hash[32];
    size_t index;
} tree_leaf;

static int by_hash(const void *a, const void *b)
{
    const tree_leaf *x = a, *y = b;
    int c = memcmp(x->hash, y->hash, 32);
    return c != 0 ? c : x->index < y->index ? -1 : 1;
}

/* Where each leaf stands: in order of arrival, an equal one at the place of the first. */
static size_t find_places(const uint8_t (*leaves)[32], size_t count, size_t *place, uint8_t (*distinct)[32])
{
    tree_leaf *sorted = malloc((count + 1) * sizeof *sorted);
    size_t *first = malloc((count + 1) * sizeof *first), n = 0;
    if (sorted == NULL || first == NULL) {
        free(sorted);
        free(first);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(sorted[i].hash, leaves[i], 32);
        sorted[i].index = i;
    }
    qsort(sorted, count, sizeof *sorted, by_hash);
    for (size_t i = 0; i < count; i++)
        first[sorted[i].index] = i > 0 && memcmp(sorted[i].hash, sorted[i - 1].hash, 32) == 0
                                     ? first[sorted[i - 1].index]
                                     : sorted[i].index;
    for (size_t i = 0; i < count; i++) {
        if (first[i] == i) {
            memcpy(distinct[n], leaves[i], 32);
            place[i] = n++;
        } else {
            place[i] = place[first[i]];
        }
    }
    free(sorted);
    free(first);
    return n;
}

void evidence_tree_free(evidence_tree *tree)
{
    if (tree == NULL)
        return;
    for (size_t i = 0; i < tree->level_count; i++)
        free(tree->levels[i]);
    free(tree->levels);
    free(tree->counts);
    free(tree->place);
    free(tree);
}

DX_RC evidence_tree_new(const uint8_t (*leaves)[32], size_t count, evidence_tree **out, dx_why *why)
{
    evidence_tree *t = calloc(1, sizeof *t);
    *out = NULL;
    if (count == 0 || t == NULL) {
        free(t);
        return count == 0 ? DX_FAIL(why, USAGE, "", "a tree needs a leaf")
                          : DX_FAIL(why, NO_MEMORY, "", "no memory for a tree");
    }
    t->levels = calloc(LEVELS_MAX, sizeof *t->levels);
    t->counts = calloc(LEVELS_MAX, sizeof *t->counts);
    t->place = calloc(count, sizeof *t->place);
    t->leaf_count = count;
    bool ok = t->levels != NULL && t->counts != NULL && t->place != NULL &&
              (t->levels[0] = malloc(count * 32)) != NULL;
    if (ok) {
        t->level_count = 1;
        t->counts[0] = find_places(leaves, count, t->place, t->levels[0]);
        ok = t->counts[0] > 0;
    }
    for (size_t level = 0; ok && t->counts[level] > 1; level++) {
        size_t n = t->counts[level], up = (n + 1) / 2;
        uint8_t(*next)[32] = malloc(up * 32);
        ok = next != NULL;
        for (size_t i = 0; ok && i < up; i++) {
            if (2 * i + 1 < n)
                join(t->levels[level][2 * i], t->levels[level][2 * i + 1], next[i]);
            else
                memcpy(next[i], t->levels[level][2 * i], 32); /* an unpaired node moves up unchanged */
        }
        if (ok) {
            t->levels[level + 1] = next;
            t->counts[level + 1] = up;
            t->level_count++;
        }
    }
    if (!ok) {
        evidence_tree_free(t);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a tree");
    }
    *out = t;
    return DX_OKAY;
}

const uint8_t *evidence_tree_root(const evidence_tree *tree)
{
    return tree->levels[tree->level_count - 1][0];
}

/* ---- writing ---- */

static size_t length_size(size_t n)
{
    return n < 128 ? 1 : n < 256 ? 2 : n < 65536 ? 3 : 4;
}

static size_t wrapped(size_t n)
{
    return 1 + length_size(n) + n;
}

DX_RC evidence_put_header(dx_buf *out, uint8_t tag, size_t size)
{
    DX_TRY(dx_buf_add_byte(out, tag));
    if (size < 128)
        return dx_buf_add_byte(out, (uint8_t)size);
    size_t bytes = length_size(size) - 1;
    DX_TRY(dx_buf_add_byte(out, (uint8_t)(0x80 | bytes)));
    while (bytes-- > 0)
        DX_TRY(dx_buf_add_byte(out, (uint8_t)(size >> (8 * bytes))));
    return DX_OKAY;
}

/* The leaf alone, then each sibling alone, from bottom to top. */
static size_t find_path(const evidence_tree *tree, size_t index, const uint8_t *path[LEVELS_MAX])
{
    size_t at = tree->place[index], groups = 1;
    path[0] = tree->levels[0][at];
    for (size_t level = 0; level + 1 < tree->level_count; level++, at /= 2) {
        size_t sibling = at ^ 1;
        if (sibling < tree->counts[level])
            path[groups++] = tree->levels[level][sibling];
    }
    return groups;
}

static DX_RC write_record(const uint8_t *const *path, size_t groups, dx_bytes token, dx_buf *out)
{
    static const uint8_t sha256[] = {DER_SEQUENCE, 11, DER_OID, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 3, 4, 2, 1};
    static const uint8_t one_value[] = {DER_SEQUENCE, 34, DER_OCTET_STRING, 32};
    size_t tree = groups * (sizeof one_value + 32), stamp = wrapped(tree) + token.size,
           chain = wrapped(stamp), chains = wrapped(chain);
    size_t record = 3 + wrapped(sizeof sha256) + wrapped(chains);
    DX_TRY(dx_buf_reserve(out, wrapped(record)));
    DX_TRY(evidence_put_header(out, DER_SEQUENCE, record));
    DX_TRY(dx_buf_add(out, DX_BYTES("\x02\x01\x01")));
    DX_TRY(evidence_put_header(out, DER_SEQUENCE, sizeof sha256)); /* digestAlgorithms */
    DX_TRY(dx_buf_add(out, dx_bytes_of(sha256, sizeof sha256)));
    DX_TRY(evidence_put_header(out, DER_SEQUENCE, chains)); /* ArchiveTimeStampSequence */
    DX_TRY(evidence_put_header(out, DER_SEQUENCE, chain));  /* ArchiveTimeStampChain */
    DX_TRY(evidence_put_header(out, DER_SEQUENCE, stamp));  /* ArchiveTimeStamp */
    DX_TRY(evidence_put_header(out, DER_CONSTRUCTED(2), tree));
    for (size_t i = 0; i < groups; i++) {
        DX_TRY(dx_buf_add(out, dx_bytes_of(one_value, sizeof one_value)));
        DX_TRY(dx_buf_add(out, dx_bytes_of(path[i], 32)));
    }
    return dx_buf_add(out, token);
}

DX_RC evidence_record_make(const evidence_tree *tree, size_t index, dx_bytes token, dx_buf *out, dx_why *why)
{
    const uint8_t *path[LEVELS_MAX];
    if (index >= tree->leaf_count)
        return DX_FAIL(why, USAGE, "", "the tree has no such leaf");
    struct dx_rc rc = write_record(path, find_path(tree, index, path), token, out);
    return rc.code == DX_OK ? rc : dx_fail(why, rc.code, "", "", "the evidence record does not fit");
}
