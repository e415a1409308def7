#include "trust/base/der.h"
#include "trust/base/digest.h"
#include "trust/stamp/stamp_private.h"

#include <stdlib.h>

/* RFC 4998 evidence records: one token for many values (seals.md 7.2, 7.3). Not the log's tree: no code is shared. */

#define RECORD_MAX_BYTES (256U << 10)
#define CHAINS_MAX       64
#define GROUPS_MAX       64
#define VALUES_MAX       1024

static const uint8_t sha256_oid[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};

struct evidence_tree {
    uint8_t (**levels)[32];
    size_t  *counts;
    size_t   level_count;
    size_t  *place; /* of each leaf handed in; equal leaves share one */
    size_t   leaf_count;
};

static void join(const uint8_t a[32], const uint8_t b[32], uint8_t out[32])
{
    uint8_t both[64];
    bool    first = memcmp(a, b, 32) <= 0; /* the smaller one first, bytes unsigned */
    memcpy(both, first ? a : b, 32);
    memcpy(both + 32, first ? b : a, 32);
    dx_sha256(dx_bytes_of(both, 64), out);
}

typedef struct {
    uint8_t hash[32];
    size_t  index;
} sortable;

static int by_hash(const void *a, const void *b)
{
    const sortable *x = a, *y = b;
    int             c = memcmp(x->hash, y->hash, 32);
    return c != 0 ? c : x->index < y->index ? -1 : 1;
}

/* Where each leaf stands: in order of arrival, an equal one at the place of the first. */
static size_t find_places(const uint8_t (*leaves)[32], size_t count, size_t *place, uint8_t (*distinct)[32])
{
    sortable *sorted = malloc((count + 1) * sizeof *sorted);
    size_t   *first = malloc((count + 1) * sizeof *first), n = 0;
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
        first[sorted[i].index] = i > 0 && memcmp(sorted[i].hash, sorted[i - 1].hash, 32) == 0 ? first[sorted[i - 1].index] : sorted[i].index;
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
        return count == 0 ? DX_FAIL(why, USAGE, "", "a tree needs a leaf") : DX_FAIL(why, NO_MEMORY, "", "no memory for a tree");
    }
    t->levels = calloc(64, sizeof *t->levels);
    t->counts = calloc(64, sizeof *t->counts);
    t->place = calloc(count, sizeof *t->place);
    t->leaf_count = count;
    bool ok = t->levels != NULL && t->counts != NULL && t->place != NULL && (t->levels[0] = malloc(count * 32)) != NULL;
    if (ok) {
        t->level_count = 1;
        t->counts[0] = find_places(leaves, count, t->place, t->levels[0]);
        ok = t->counts[0] > 0;
    }
    for (size_t level = 0; ok && t->counts[level] > 1; level++) {
        size_t n = t->counts[level], up = (n + 1) / 2;
        uint8_t (*next)[32] = malloc(up * 32);
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

static DX_RC put_header(dx_buf *out, uint8_t tag, size_t n)
{
    DX_TRY(dx_buf_add_byte(out, tag));
    if (n < 128)
        return dx_buf_add_byte(out, (uint8_t)n);
    size_t bytes = length_size(n) - 1;
    DX_TRY(dx_buf_add_byte(out, (uint8_t)(0x80 | bytes)));
    while (bytes-- > 0)
        DX_TRY(dx_buf_add_byte(out, (uint8_t)(n >> (8 * bytes))));
    return DX_OKAY;
}

static size_t wrapped(size_t n)
{
    return 1 + length_size(n) + n;
}

DX_RC evidence_record_make(const evidence_tree *tree, size_t index, dx_bytes token, dx_buf *out, dx_why *why)
{
    size_t         at = tree->place[index], groups = 1;
    const uint8_t *path[64];
    path[0] = tree->levels[0][at];
    for (size_t level = 0; level + 1 < tree->level_count; level++, at /= 2) {
        size_t sibling = at ^ 1;
        if (sibling < tree->counts[level])
            path[groups++] = tree->levels[level][sibling];
    }
    size_t group = wrapped(wrapped(32)), tree_body = groups * group, algorithm = wrapped(sizeof sha256_oid);
    size_t stamp_body = wrapped(tree_body) + token.size, chain_body = wrapped(stamp_body), sequence_body = wrapped(chain_body);
    size_t record_body = 3 + wrapped(algorithm) + wrapped(sequence_body);
    struct dx_rc rc = put_header(out, DER_SEQUENCE, record_body);
    if (rc.code == DX_OK)
        rc = dx_buf_add(out, DX_BYTES("\x02\x01\x01"));
    if (rc.code == DX_OK)
        rc = put_header(out, DER_SEQUENCE, algorithm);
    if (rc.code == DX_OK)
        rc = put_header(out, DER_SEQUENCE, sizeof sha256_oid);
    if (rc.code == DX_OK)
        rc = dx_buf_add(out, dx_bytes_of(sha256_oid, sizeof sha256_oid));
    if (rc.code == DX_OK)
        rc = put_header(out, DER_SEQUENCE, sequence_body); /* ArchiveTimeStampSequence */
    if (rc.code == DX_OK)
        rc = put_header(out, DER_SEQUENCE, chain_body); /* ArchiveTimeStampChain */
    if (rc.code == DX_OK)
        rc = put_header(out, DER_SEQUENCE, stamp_body); /* ArchiveTimeStamp */
    if (rc.code == DX_OK)
        rc = put_header(out, DER_CONSTRUCTED(2), tree_body);
    for (size_t i = 0; i < groups && rc.code == DX_OK; i++) {
        rc = put_header(out, DER_SEQUENCE, wrapped(32));
        if (rc.code == DX_OK)
            rc = put_header(out, DER_OCTET_STRING, 32);
        if (rc.code == DX_OK)
            rc = dx_buf_add(out, dx_bytes_of(path[i], 32));
    }
    if (rc.code == DX_OK)
        rc = dx_buf_add(out, token);
    return rc.code == DX_OK ? rc : DX_FAIL(why, NO_MEMORY, "", "the evidence record does not fit");
}

/* ---- checking ---- */

typedef struct {
    dx_hash_kind hash;
    dx_bytes     tree;    /* contents of reducedHashtree; size 0 with `has_tree` false */
    bool         has_tree;
    dx_bytes     token;   /* ContentInfo */
} archive_stamp;

static bool hash_of_oid(dx_bytes oid, dx_hash_kind *out)
{
    static const char *const oids[] = {"2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"};
    for (unsigned i = 0; i < 3; i++)
        if (der_oid_is(oid, oids[i])) {
            *out = (dx_hash_kind)i;
            return true;
        }
    return false;
}

/* The imprint that the token itself names: what the tree must lead to. */
static bool imprint_of(dx_bytes token, dx_bytes *imprint, dx_hash_kind *kind)
{
    dx_bytes a, oid, b, c, d, e, tst, info, skip, algorithm;
    der_item item;
    return der_only(token, DER_SEQUENCE, &a) && der_take(&a, DER_OID, &oid) && der_take(&a, DER_CONSTRUCTED(0), &b) && der_only(b, DER_SEQUENCE, &c) &&
           der_take(&c, DER_INTEGER, &skip) && der_next(&c, &item) && der_take(&c, DER_SEQUENCE, &d) && der_take(&d, DER_OID, &oid) &&
           der_take(&d, DER_CONSTRUCTED(0), &e) && der_only(e, DER_OCTET_STRING, &tst) && der_only(tst, DER_SEQUENCE, &info) &&
           der_take(&info, DER_INTEGER, &skip) && der_take(&info, DER_OID, &oid) && der_take(&info, DER_SEQUENCE, &d) &&
           der_take(&d, DER_SEQUENCE, &algorithm) && der_take(&algorithm, DER_OID, &oid) && hash_of_oid(oid, kind) &&
           der_take(&d, DER_OCTET_STRING, imprint);
}

static const char *read_stamp(dx_bytes in, archive_stamp *out)
{
    dx_bytes v, oid;
    bool     present;
    der_item token;
    *out = (archive_stamp){.hash = DX_HASH_SHA256};
    if (!der_optional(&in, DER_CONSTRUCTED(0), &v, &present))
        return "ER-01";
    bool named = present;
    if (present && (!der_take(&v, DER_OID, &oid) || !hash_of_oid(oid, &out->hash)))
        return "ER-03";
    if (!der_optional(&in, DER_CONSTRUCTED(1), &v, &present) || !der_optional(&in, DER_CONSTRUCTED(2), &out->tree, &out->has_tree) ||
        !der_next(&in, &token) || token.tag != DER_SEQUENCE || in.size > 0)
        return "ER-01";
    out->token = token.whole;
    dx_bytes     imprint;
    dx_hash_kind of_token;
    if (!imprint_of(out->token, &imprint, &of_token))
        return "ER-01";
    if (!named)
        out->hash = of_token; /* absent: the algorithm of the time stamp */
    return named && of_token != out->hash ? "ER-03" : NULL;
}

static int by_bytes(const void *a, const void *b)
{
    const dx_bytes *x = a, *y = b;
    return dx_bytes_compare(*x, *y);
}

/* One group with the result so far: a single value is taken as it is, more are sorted, joined, hashed. */
static bool fold(dx_bytes group, dx_bytes previous, dx_hash_kind kind, uint8_t *result, dx_bytes wanted, bool *holds, size_t *count)
{
    dx_bytes *values = malloc((VALUES_MAX + 1) * sizeof *values);
    size_t    n = 0;
    bool      ok = values != NULL;
    *holds = false;
    while (ok && group.size > 0) {
        ok = n < VALUES_MAX && der_take(&group, DER_OCTET_STRING, &values[n]) && values[n].size == dx_hash_size(kind);
        if (ok)
            *holds |= dx_bytes_equal(values[n++], wanted);
    }
    *count = n;
    ok = ok && n > 0;
    if (ok && previous.size > 0) {
        bool twice = false;
        for (size_t i = 0; i < n; i++)
            twice |= dx_bytes_equal(values[i], previous);
        if (!twice)
            values[n++] = previous;
    }
    if (ok && n == 1) {
        memcpy(result, values[0].data, values[0].size);
    } else if (ok) {
        qsort(values, n, sizeof *values, by_bytes);
        dx_hash *h = dx_hash_new(kind);
        ok = h != NULL;
        for (size_t i = 0; ok && i < n; i++)
            dx_hash_add(h, values[i]);
        if (ok)
            dx_hash_done(h, result);
        dx_hash_free(h);
    }
    free(values);
    return ok;
}

/* From `wanted` to the imprint of the stamp. `absent` is the id when the first group does not hold it. */
static const char *climb(const archive_stamp *s, dx_bytes wanted, const char *absent, bool *orphan)
{
    dx_bytes     imprint, tree = s->tree, group;
    dx_hash_kind kind;
    uint8_t      result[64];
    size_t       groups = 0;
    if (!imprint_of(s->token, &imprint, &kind))
        return "ER-01";
    if (!s->has_tree)
        return dx_bytes_equal(imprint, wanted) ? NULL : absent;
    for (bool holds; tree.size > 0; groups++) {
        size_t count = 0;
        uint8_t next[64];
        if (groups == GROUPS_MAX || !der_take(&tree, DER_SEQUENCE, &group) ||
            !fold(group, groups == 0 ? (dx_bytes){NULL, 0} : dx_bytes_of(result, dx_hash_size(s->hash)), s->hash, next, wanted, &holds, &count))
            return "ER-01";
        if (groups == 0 && !holds)
            return absent;
        if (groups == 0 && orphan != NULL)
            *orphan = count > 1;
        memcpy(result, next, sizeof result);
    }
    if (groups == 0)
        return "ER-01";
    return dx_bytes_equal(dx_bytes_of(result, dx_hash_size(s->hash)), imprint) ? NULL : "ER-05";
}

static stamp_verdict check_token(const archive_stamp *s, const stamp_trust *trust, dx_arena *arena, stamp_facts *facts)
{
    dx_bytes     imprint = {NULL, 0};
    dx_hash_kind kind;
    (void)imprint_of(s->token, &imprint, &kind);
    const stamp_expect expect = {.imprint = imprint, .skew_s = 60, .ess_v1_note = true};
    return stamp_check(s->token, &expect, trust, arena, facts);
}

stamp_verdict evidence_record_check(dx_bytes record, const uint8_t leaf[32], const stamp_trust *trust, dx_arena *arena, stamp_facts *facts)
{
    dx_bytes body, number, algorithms, skip, chains, chain, stamp, oid;
    uint64_t version;
    bool     present;
    *facts = (stamp_facts){0};
    if (record.size > RECORD_MAX_BYTES || !der_only(record, DER_SEQUENCE, &body) || !der_take(&body, DER_INTEGER, &number) || !der_u64(number, &version))
        return stamp_no("ER-01", "");
    if (version != 1)
        return stamp_no("ER-02", "");
    if (!der_take(&body, DER_SEQUENCE, &algorithms))
        return stamp_no("ER-01", "no algorithms");
    for (dx_bytes a; algorithms.size > 0;) {
        dx_hash_kind kind;
        if (!der_take(&algorithms, DER_SEQUENCE, &a) || !der_take(&a, DER_OID, &oid))
            return stamp_no("ER-01", "algorithms");
        if (!hash_of_oid(oid, &kind))
            return stamp_no("ER-03", "");
    }
    if (!der_optional(&body, DER_CONSTRUCTED(0), &skip, &present) || !der_optional(&body, DER_CONSTRUCTED(1), &skip, &present) ||
        !der_take(&body, DER_SEQUENCE, &chains) || body.size > 0 || chains.size == 0)
        return stamp_no("ER-01", "no time stamps");
    uint8_t  wanted[64], value[64];
    dx_bytes want = dx_bytes_of(leaf, 32), before = chains, whole_token = {NULL, 0};
    unsigned chain_count = 0, stamp_count = 0;
    while (chains.size > 0) {
        dx_bytes so_far = dx_bytes_part(before, 0, before.size - chains.size);
        if (++chain_count > CHAINS_MAX || !der_take(&chains, DER_SEQUENCE, &chain) || chain.size == 0)
            return stamp_no("ER-01", "chains");
        for (bool first = true; chain.size > 0; first = false) {
            archive_stamp s;
            bool          orphan = false;
            if (++stamp_count > CHAINS_MAX * CHAINS_MAX || !der_take(&chain, DER_SEQUENCE, &stamp))
                return stamp_no("ER-01", "chain");
            const char *id = read_stamp(stamp, &s);
            const char *absent = "ER-04";
            if (id == NULL && !first) { /* time-stamp renewal: over the token before */
                dx_digest(s.hash, whole_token, value);
                want = dx_bytes_of(value, dx_hash_size(s.hash));
                absent = "ER-07";
            } else if (id == NULL && chain_count > 1) { /* hash-tree renewal: H(H(object) || H(sequence so far)) */
                uint8_t both[128];
                size_t  n = dx_hash_size(s.hash);
                if (n != 32)
                    return stamp_no("ER-03", "the object is not at hand for another hash");
                memcpy(both, leaf, 32);
                dx_buf  sequence;
                dx_buf_init(&sequence, RECORD_MAX_BYTES + 16);
                bool ok = put_header(&sequence, DER_SEQUENCE, so_far.size).code == DX_OK && dx_buf_add(&sequence, so_far).code == DX_OK;
                dx_digest(s.hash, dx_buf_view(&sequence), both + n);
                dx_buf_fini(&sequence);
                if (!ok)
                    return stamp_no("ER-01", "no memory");
                dx_digest(s.hash, dx_bytes_of(both, 2 * n), wanted);
                want = dx_bytes_of(wanted, n);
                absent = "ER-08";
            }
            if (id == NULL)
                id = climb(&s, want, absent, &orphan);
            if (id != NULL)
                return stamp_no(id, "");
            whole_token = s.token;
            stamp_facts   of_token;
            stamp_verdict v = check_token(&s, trust, arena, &of_token);
            if (!v.ok)
                return v;
            if (stamp_count == 1)
                *facts = of_token;
        }
    }
    return (stamp_verdict){.ok = true};
}
