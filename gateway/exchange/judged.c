#include "gateway/exchange/judge_private.h"

#include "trust/base/digest.h"

#include <stdlib.h>

/* A verdict with what it is about and what it depends on. */

judge_fact *judge_fact_ref(judge_fact *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void judge_fact_unref(judge_fact *f)
{
    if (f != NULL && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
        free(f);
}

judged *judged_ref(judged *j)
{
    atomic_fetch_add_explicit(&j->refs, 1, memory_order_relaxed);
    return j;
}

void judged_unref(judged *j)
{
    if (j == NULL || atomic_fetch_sub_explicit(&j->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < j->fact_count; i++)
        judge_fact_unref(j->facts[i]);
    free(j);
}

bool judged_holds(const judged *j, const tlist_snapshot *snapshot, const trust_block *block)
{
    if (snapshot == NULL || j->verdict.epoch != tlist_snapshot_epoch(snapshot) ||
        memcmp(j->verdict.snapshot_id, tlist_snapshot_id(snapshot), 32) != 0 ||
        memcmp(j->block_sha256, trust_block_sha256(block), 32) != 0)
        return false;
    for (size_t i = 0; i < j->fact_count; i++)
        if (atomic_load_explicit(&j->facts[i]->version, memory_order_acquire) != j->versions[i])
            return false;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* The presented set without its order: SHA-256 over the sorted digests. */
static void set_digest(judged *j)
{
    uint8_t each[10][32];
    for (size_t i = 0; i < j->presented_count; i++)
        dx_sha256(j->presented[i], each[i]);
    qsort(each, j->presented_count, 32, by_bytes);
    dx_sha256(dx_bytes_of(each, j->presented_count * 32), j->presented_sha256);
}

judged *judged_new(const uint8_t leaf_sha256[32], dx_bytes leaf, const dx_bytes *presented, size_t count)
{
    size_t room = leaf.size;
    count = count < 10 ? count : 10;
    for (size_t i = 0; i < count; i++)
        room += presented[i].size;
    judged *j = calloc(1, sizeof *j + room);
    if (j == NULL)
        return NULL;
    atomic_init(&j->refs, 1);
    memcpy(j->leaf_sha256, leaf_sha256, 32);
    memcpy(j->der, leaf.data, leaf.size);
    j->leaf = dx_bytes_of(j->der, leaf.size);
    size_t at = leaf.size;
    for (size_t i = 0; i < count; i++) {
        memcpy(j->der + at, presented[i].data, presented[i].size);
        j->presented[j->presented_count++] = dx_bytes_of(j->der + at, presented[i].size);
        at += presented[i].size;
    }
    set_digest(j);
    return j;
}

void judged_depends_on(judged *j, judge_fact *fact)
{
    j->versions[j->fact_count] = atomic_load_explicit(&fact->version, memory_order_acquire);
    j->facts[j->fact_count++] = judge_fact_ref(fact);
}
