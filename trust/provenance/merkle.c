#include "trust/base/digest.h"
#include "trust/provenance/prov_private.h"

#include <stdlib.h>

/* RFC 6962 2.1: SHA-256, 0x00 before leaves, 0x01 before nodes, split at the largest power of two below n. */

void merkle_leaf(dx_bytes leaf, merkle_hash out)
{
    uint8_t  small[4096];
    uint8_t *text = leaf.size < sizeof small ? small : malloc(leaf.size + 1);
    if (text == NULL)
        abort(); /* a leaf is at most 64 KiB: nothing here could go on safely */
    text[0] = 0;
    if (leaf.size > 0)
        memcpy(text + 1, leaf.data, leaf.size);
    dx_sha256(dx_bytes_of(text, leaf.size + 1), out);
    if (text != small)
        free(text);
}

void merkle_node(const merkle_hash left, const merkle_hash right, merkle_hash out)
{
    uint8_t both[65] = {1};
    memcpy(both + 1, left, 32);
    memcpy(both + 33, right, 32);
    dx_sha256(dx_bytes_of(both, 65), out);
}

void merkle_init(merkle_tree *t)
{
    memset(t, 0, sizeof *t);
}

void merkle_fini(merkle_tree *t)
{
    for (size_t i = 0; i < 64; i++)
        free(t->levels[i]);
    merkle_init(t);
}

static DX_RC push(merkle_tree *t, size_t level, const merkle_hash hash)
{
    if (t->counts[level] == t->rooms[level]) {
        size_t       room = t->rooms[level] == 0 ? 64 : t->rooms[level] * 2;
        merkle_hash *grown = realloc(t->levels[level], room * sizeof *grown);
        if (grown == NULL)
            return (struct dx_rc){DX_NO_MEMORY};
        t->levels[level] = grown;
        t->rooms[level] = room;
    }
    memcpy(t->levels[level][t->counts[level]++], hash, 32);
    return DX_OKAY;
}

DX_RC merkle_append(merkle_tree *t, const merkle_hash leaf)
{
    merkle_hash up;
    memcpy(up, leaf, 32);
    for (size_t level = 0;; level++) {
        DX_TRY(push(t, level, up));
        size_t n = t->counts[level];
        if (n % 2 == 1)
            return DX_OKAY;
        merkle_node(t->levels[level][n - 2], t->levels[level][n - 1], up);
    }
}

static unsigned log2_below(uint64_t n) /* largest k with 2^k < n, n > 1 */
{
    return 63 - (unsigned)__builtin_clzll(n - 1);
}

/* Root of leaves [from, to). */
static void range(const merkle_tree *t, uint64_t from, uint64_t to, merkle_hash out)
{
    uint64_t n = to - from;
    if (n > 0 && (n & (n - 1)) == 0 && from % n == 0) {
        unsigned level = 63 - (unsigned)__builtin_clzll(n);
        memcpy(out, t->levels[level][from >> level], 32);
        return;
    }
    uint64_t    k = 1ULL << log2_below(n);
    merkle_hash left, right;
    range(t, from, from + k, left);
    range(t, from + k, to, right);
    merkle_node(left, right, out);
}

void merkle_root(const merkle_tree *t, uint64_t size, merkle_hash out)
{
    if (size == 0)
        dx_sha256((dx_bytes){NULL, 0}, out);
    else
        range(t, 0, size, out);
}

size_t merkle_inclusion(const merkle_tree *t, uint64_t index, uint64_t size, merkle_hash path[64])
{
    uint64_t    from = 0, to = size;
    size_t      n = 0;
    merkle_hash down[64];
    while (to - from > 1) {
        uint64_t k = 1ULL << log2_below(to - from);
        if (index < from + k) {
            range(t, from + k, to, down[n++]);
            to = from + k;
        } else {
            range(t, from, from + k, down[n++]);
            from += k;
        }
    }
    for (size_t i = 0; i < n; i++)
        memcpy(path[i], down[n - 1 - i], 32); /* sibling first */
    return n;
}

size_t merkle_consistency(const merkle_tree *t, uint64_t from_size, uint64_t to_size, merkle_hash path[64])
{
    uint64_t    from = 0, to = to_size, m = from_size;
    size_t      n = 0;
    bool        whole = true;
    merkle_hash down[64];
    if (from_size == 0 || from_size == to_size)
        return 0;
    while (m != to - from) {
        uint64_t k = 1ULL << log2_below(to - from);
        if (m <= k) {
            range(t, from + k, to, down[n++]);
            to = from + k;
        } else {
            range(t, from, from + k, down[n++]);
            from += k;
            m -= k;
            whole = false;
        }
    }
    if (!whole)
        range(t, from, to, down[n++]);
    for (size_t i = 0; i < n; i++)
        memcpy(path[i], down[n - 1 - i], 32);
    return n;
}

/* RFC 9162 2.1.3.2 */
bool merkle_inclusion_root(const merkle_hash leaf, uint64_t index, uint64_t size, const merkle_hash *path, size_t count, merkle_hash root)
{
    if (index >= size)
        return false;
    uint64_t fn = index, sn = size - 1;
    memcpy(root, leaf, 32);
    for (size_t i = 0; i < count; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(path[i], root, root);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(root, path[i], root);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0;
}

/* RFC 9162 2.1.4.2 */
bool merkle_consistency_check(uint64_t from, const merkle_hash old_root, uint64_t to, const merkle_hash new_root, const merkle_hash *path, size_t count)
{
    merkle_hash empty;
    if (from > to)
        return false;
    if (from == to)
        return count == 0 && memcmp(old_root, new_root, 32) == 0;
    if (from == 0) {
        dx_sha256((dx_bytes){NULL, 0}, empty);
        return count == 0 && memcmp(old_root, empty, 32) == 0;
    }
    size_t      at = 0;
    merkle_hash fr, sr;
    if ((from & (from - 1)) == 0) {
        memcpy(fr, old_root, 32);
        memcpy(sr, old_root, 32);
    } else {
        if (count == 0)
            return false;
        memcpy(fr, path[0], 32);
        memcpy(sr, path[0], 32);
        at = 1;
    }
    uint64_t fn = from - 1, sn = to - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    for (; at < count; at++) {
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(path[at], fr, fr);
            merkle_node(path[at], sr, sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(sr, path[at], sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && memcmp(fr, old_root, 32) == 0 && memcmp(sr, new_root, 32) == 0;
}
