#include "trust/provenance/merkle.h"

/* Thread-local, not on the stack: hardened builds zero the stack, which would cost more than the hash. */
static _Thread_local uint8_t prefixed[65536];

merkle_hash merkle_leaf(dx_bytes leaf)
{
    merkle_hash out;
    if (leaf.size < sizeof prefixed) {
        prefixed[0] = 0;
        if (leaf.size > 0)
            memcpy(prefixed + 1, leaf.data, leaf.size);
        dx_sha256(dx_bytes_of(prefixed, leaf.size + 1), out.bytes);
        return out;
    }
    dx_hash *hash = dx_hash_new(DX_HASH_SHA256); /* more than a leaf can have: foreign bytes beside a proof */
    if (hash == NULL)
        return (merkle_hash){{0}}; /* no root: every check says no */
    dx_hash_add(hash, DX_BYTES("\0"));
    dx_hash_add(hash, leaf);
    dx_hash_done(hash, out.bytes);
    dx_hash_free(hash);
    return out;
}

merkle_hash merkle_node(const merkle_hash *l, const merkle_hash *r)
{
    uint8_t text[65];
    merkle_hash out;
    text[0] = 1;
    memcpy(text + 1, l->bytes, 32);
    memcpy(text + 33, r->bytes, 32);
    dx_sha256(dx_bytes_of(text, sizeof text), out.bytes);
    return out;
}

merkle_hash merkle_empty(void)
{
    merkle_hash out;
    dx_sha256(DX_BYTES(""), out.bytes);
    return out;
}

void merkle_add(merkle_tree *tree, const merkle_hash *leaf, merkle_full *full, void *context)
{
    merkle_hash node = *leaf;
    if (full != NULL)
        full(context, 0, &node);
    unsigned height = 0;
    for (uint64_t rest = tree->size; rest & 1; rest >>= 1, height++) {
        node = merkle_node(&tree->level[height], &node);
        if (full != NULL && (height + 1) % 8 == 0)
            full(context, (height + 1) / 8, &node);
    }
    tree->level[height] = node;
    tree->size++;
}

merkle_hash merkle_root(const merkle_tree *tree)
{
    merkle_hash root;
    bool have = false;
    if (tree->size == 0)
        return merkle_empty();
    for (unsigned height = 0; height < 64; height++) {
        if ((tree->size >> height & 1) == 0)
            continue;
        root = have ? merkle_node(&tree->level[height], &root) : tree->level[height];
        have = true;
    }
    return root;
}

static unsigned log2_floor(uint64_t n)
{
    return 63 - (unsigned)__builtin_clzll(n);
}

/* MTH of [from, to): `from` is a multiple of the largest power of two that is at most to - from. */
static DX_RC range(merkle_read *read, void *context, uint64_t from, uint64_t to, merkle_hash *out,
                   dx_why *why)
{
    merkle_hash parts[64];
    unsigned count = 0;
    while (from < to) {
        unsigned height = log2_floor(to - from);
        DX_TRY(read(context, height, from >> height, &parts[count++], why));
        from += (uint64_t)1 << height;
    }
    *out = parts[count - 1];
    while (--count > 0)
        *out = merkle_node(&parts[count - 1], out);
    return DX_OKAY;
}

DX_RC merkle_root_of(merkle_read *read, void *context, uint64_t size, merkle_hash *root, dx_why *why)
{
    if (size == 0) {
        *root = merkle_empty();
        return DX_OKAY;
    }
    return range(read, context, 0, size, root, why);
}

static uint64_t split(uint64_t n) /* largest power of two < n */
{
    return (uint64_t)1 << log2_floor(n - 1);
}

DX_RC merkle_prove(merkle_read *read, void *context, uint64_t index, uint64_t size, merkle_path *path,
                   dx_why *why)
{
    uint64_t from = 0, to = size;
    struct {
        uint64_t from, to;
    } siblings[64];
    unsigned count = 0;
    if (index >= size)
        return DX_FAIL_ID(why, NOT_FOUND, "PV-201", "RFC 6962 2.1.1",
                          "index %llu is not in a tree of size %llu", (unsigned long long)index,
                          (unsigned long long)size);
    while (to - from > 1) {
        uint64_t k = split(to - from);
        bool left = index - from < k;
        siblings[count].from = left ? from + k : from;
        siblings[count++].to = left ? to : from + k;
        from = left ? from : from + k;
        to = left ? from + k : to;
    }
    path->count = count;
    for (unsigned i = 0; i < count; i++) /* RFC 6962 lists the sibling of the leaf first */
        DX_TRY(range(read, context, siblings[count - 1 - i].from, siblings[count - 1 - i].to,
                     &path->hashes[i], why));
    return DX_OKAY;
}

DX_RC merkle_prove_growth(merkle_read *read, void *context, uint64_t from, uint64_t to, merkle_path *path,
                          dx_why *why)
{
    struct {
        uint64_t from, to;
    } parts[65];
    unsigned count = 0;
    path->count = 0;
    if (from > to)
        return DX_FAIL_ID(why, USAGE, "PV-501", "RFC 6962 2.1.2", "a tree does not shrink");
    if (from == 0 || from == to)
        return DX_OKAY;
    uint64_t low = 0, high = to, m = from;
    bool whole = true; /* SUBPROOF's flag: the old root itself needs no hash */
    while (m != high - low) {
        uint64_t k = split(high - low);
        if (m <= k) {
            parts[count].from = low + k;
            parts[count++].to = high;
            high = low + k;
        } else {
            parts[count].from = low;
            parts[count++].to = low + k;
            low += k;
            m -= k;
            whole = false;
        }
    }
    if (!whole) {
        parts[count].from = low;
        parts[count++].to = high;
    }
    path->count = count;
    for (unsigned i = 0; i < count; i++)
        DX_TRY(
            range(read, context, parts[count - 1 - i].from, parts[count - 1 - i].to, &path->hashes[i], why));
    return DX_OKAY;
}

bool merkle_check(const merkle_hash *leaf, uint64_t index, uint64_t size, const merkle_path *path,
                  const merkle_hash *root)
{
    if (index >= size)
        return false;
    uint64_t fn = index, sn = size - 1;
    merkle_hash r = *leaf;
    for (unsigned i = 0; i < path->count; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            r = merkle_node(&path->hashes[i], &r);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            r = merkle_node(&r, &path->hashes[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && merkle_same(&r, root);
}

bool merkle_check_growth(uint64_t from, uint64_t to, const merkle_path *path, const merkle_hash *old_root,
                         const merkle_hash *new_root)
{
    if (from > to || (from == to && !merkle_same(old_root, new_root)))
        return false;
    if (from == 0 || from == to)
        return path->count == 0;
    uint64_t fn = from - 1, sn = to - 1;
    unsigned at = 0;
    merkle_hash fr, sr;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    if ((from & (from - 1)) == 0) /* a power of two: its root is known and not in the proof */
        fr = sr = *old_root;
    else if (path->count > 0)
        fr = sr = path->hashes[at++];
    else
        return false;
    for (; at < path->count; at++) {
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            fr = merkle_node(&path->hashes[at], &fr);
            sr = merkle_node(&path->hashes[at], &sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            sr = merkle_node(&sr, &path->hashes[at]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && merkle_same(&fr, old_root) && merkle_same(&sr, new_root);
}
