#include "gateway/exchange/judge_private.h"

#include <stdlib.h>

/* Verdicts of the judge thread, in sets of four: the one that ends first gives way. */

#define YES_SETS 16384 /* identity.md 4: 65,536 */
#define NO_SETS  2048  /* 8,192 */
#define WAYS     4

struct verdict_cache {
    judged *yes[YES_SETS][WAYS], *no[NO_SETS][WAYS];
};

verdict_cache *verdict_cache_new(void)
{
    return calloc(1, sizeof(verdict_cache));
}

static void release(judged *set[WAYS])
{
    for (size_t i = 0; i < WAYS; i++)
        judged_unref(set[i]);
}

void verdict_cache_free(verdict_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < YES_SETS; i++)
        release(c->yes[i]);
    for (size_t i = 0; i < NO_SETS; i++)
        release(c->no[i]);
    free(c);
}

/* A digest is spread already. */
static size_t set_of(const uint8_t sha256[32], size_t sets)
{
    uint64_t v;
    memcpy(&v, sha256, sizeof v);
    return (size_t)(v % sets);
}

static bool is_about(const judged *j, const uint8_t leaf[32], const uint8_t *presented)
{
    return j != NULL && memcmp(j->leaf_sha256, leaf, 32) == 0 &&
           (presented == NULL || memcmp(j->presented_sha256, presented, 32) == 0);
}

static judged *find(judged *const set[WAYS], const uint8_t leaf[32], const uint8_t *presented)
{
    for (size_t i = 0; i < WAYS; i++)
        if (is_about(set[i], leaf, presented))
            return set[i];
    return NULL;
}

judged *verdict_cache_yes(const verdict_cache *c, const uint8_t leaf_sha256[32])
{
    return find(c->yes[set_of(leaf_sha256, YES_SETS)], leaf_sha256, NULL);
}

judged *verdict_cache_no(const verdict_cache *c, const uint8_t leaf_sha256[32],
                         const uint8_t presented_sha256[32])
{
    return find(c->no[set_of(leaf_sha256, NO_SETS)], leaf_sha256, presented_sha256);
}

static void put(judged *set[WAYS], judged *j, const uint8_t *presented)
{
    size_t at = 0;
    for (size_t i = 0; i < WAYS; i++) {
        if (is_about(set[i], j->leaf_sha256, presented)) {
            at = i;
            break;
        }
        if (set[at] != NULL && (set[i] == NULL || set[i]->good_until_s < set[at]->good_until_s))
            at = i;
    }
    judged_unref(set[at]);
    set[at] = judged_ref(j);
}

void verdict_cache_put(verdict_cache *c, judged *j)
{
    size_t at = set_of(j->leaf_sha256, YES_SETS);
    if (j->verdict.answer == TRUST_YES) {
        put(c->yes[at], j, NULL);
        return;
    }
    for (size_t i = 0; i < WAYS; i++)
        if (is_about(c->yes[at][i], j->leaf_sha256, NULL)) { /* it was a yes */
            judged_unref(c->yes[at][i]);
            c->yes[at][i] = NULL;
        }
    put(c->no[set_of(j->leaf_sha256, NO_SETS)], j, j->presented_sha256);
}
