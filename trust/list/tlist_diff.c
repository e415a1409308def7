/* Lists, their facts and pointers, before and after. */
#include "trust/list/tlist_diff_inside.h"

#include <stdio.h>
#include <stdlib.h>

void tlist_diff_tell(tlist_diff_out *out, const char *kind, const char *subject, const char *before,
                     const char *after)
{
    out->count++;
    if (out->line != NULL)
        out->line(out->context, &(tlist_change){out->territory, kind, subject, before, after});
}

void tlist_diff_text(tlist_diff_out *out, const char *kind, const char *subject, const char *before,
                     const char *after)
{
    bool same = before == NULL || after == NULL ? before == after : strcmp(before, after) == 0;
    if (!same)
        tlist_diff_tell(out, kind, subject, before, after);
}

void tlist_diff_hex(tlist_diff_out *out, const char *kind, const char *subject, const uint8_t before[32],
                    const uint8_t after[32])
{
    char a[65], b[65];
    if (before != NULL)
        dx_hex(dx_bytes_of(before, 32), a);
    if (after != NULL)
        dx_hex(dx_bytes_of(after, 32), b);
    tlist_diff_text(out, kind, subject, before == NULL ? NULL : a, after == NULL ? NULL : b);
}

/* ---- one list ---- */

static void compare_number(tlist_diff_out *out, const char *kind, uint64_t before, uint64_t after)
{
    char a[24], b[24];
    snprintf(a, sizeof a, "%llu", (unsigned long long)before);
    snprintf(b, sizeof b, "%llu", (unsigned long long)after);
    tlist_diff_text(out, kind, "", a, b);
}

static void compare_time(tlist_diff_out *out, const char *kind, int64_t before_s, int64_t after_s)
{
    char a[DX_TIME_SIZE] = "closed", b[DX_TIME_SIZE] = "closed";
    if (before_s != 0)
        dx_time_print(before_s, a);
    if (after_s != 0)
        dx_time_print(after_s, b);
    tlist_diff_text(out, kind, "", a, b);
}

static const tlist_pointer *pointer_like(const tlist_list *list, const tlist_pointer *p)
{
    for (size_t i = 0; list != NULL && i < list->pointer_count; i++)
        if (strcmp(list->pointers[i].territory, p->territory) == 0 &&
            strcmp(list->pointers[i].type, p->type) == 0)
            return &list->pointers[i];
    return NULL;
}

static bool has_signer(const tlist_pointer *p, const uint8_t sha256[32])
{
    for (size_t i = 0; i < p->signer_count; i++)
        if (memcmp(p->signers[i], sha256, 32) == 0)
            return true;
    return false;
}

static void compare_pointers(tlist_diff_out *out, const tlist_list *before, const tlist_list *after)
{
    for (size_t i = 0; after != NULL && i < after->pointer_count; i++) {
        const tlist_pointer *n = &after->pointers[i], *o = pointer_like(before, n);
        if (o == NULL) {
            tlist_diff_tell(out, "pointer", n->territory, NULL, n->url);
            continue;
        }
        tlist_diff_text(out, "location", n->territory, o->url, n->url);
        for (size_t k = 0; k < o->signer_count; k++)
            if (!has_signer(n, o->signers[k]))
                tlist_diff_hex(out, "signer", n->territory, o->signers[k], NULL);
        for (size_t k = 0; k < n->signer_count; k++)
            if (!has_signer(o, n->signers[k]))
                tlist_diff_hex(out, "signer", n->territory, NULL, n->signers[k]);
    }
    for (size_t i = 0; before != NULL && i < before->pointer_count; i++)
        if (pointer_like(after, &before->pointers[i]) == NULL)
            tlist_diff_tell(out, "pointer", before->pointers[i].territory, before->pointers[i].url, NULL);
}

static struct dx_rc compare_list(tlist_diff_out *out, const tlist_facts *o, const tlist_list *before,
                                 const tlist_facts *n, const tlist_list *after, dx_why *why)
{
    char a[24], b[24];
    if (o == NULL || n == NULL) {
        snprintf(a, sizeof a, "%llu", o == NULL ? 0 : (unsigned long long)o->sequence);
        snprintf(b, sizeof b, "%llu", n == NULL ? 0 : (unsigned long long)n->sequence);
        tlist_diff_tell(out, "list", "", o == NULL ? NULL : a, n == NULL ? NULL : b);
    } else {
        compare_number(out, "sequence", o->sequence, n->sequence);
        compare_number(out, "version", before->version, after->version);
        compare_time(out, "issued", o->issued_s, n->issued_s);
        compare_time(out, "next_update", o->next_update_s, n->next_update_s);
        tlist_diff_text(out, "state", "", tlist_state_text(o->state), tlist_state_text(n->state));
        tlist_diff_hex(out, "signed_by", "", o->signer_sha256, n->signer_sha256);
    }
    compare_pointers(out, before, after);
    return tlist_diff_services(out, before, after, why);
}

/* ---- all of them ---- */

typedef struct {
    const char *territory, *type;
    size_t before, after; /* index + 1; 0: not there */
} pair;

static int compare_pair(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    int order = strcmp(x->territory, y->territory);
    return order != 0 ? order : strcmp(x->type, y->type);
}

static size_t collect(const tlist_snapshot *s, const char *territory, bool after, pair *pairs, size_t count)
{
    for (size_t i = 0; s != NULL && i < s->list_count; i++) {
        const tlist_list *list = s->lists[i];
        size_t k = 0;
        if (territory != NULL && strcmp(list->facts.territory, territory) != 0)
            continue;
        while (k < count && (strcmp(pairs[k].territory, list->facts.territory) != 0 ||
                             strcmp(pairs[k].type, list->type) != 0 || (after && pairs[k].after != 0)))
            k++;
        if (k == count)
            pairs[count++] = (pair){.territory = list->facts.territory, .type = list->type};
        *(after ? &pairs[k].after : &pairs[k].before) = i + 1;
    }
    return count;
}

DX_RC tlist_diff(const tlist_snapshot *before, const tlist_snapshot *after, const char *territory,
                 tlist_change_line *line, void *context, size_t *count, dx_why *why)
{
    size_t room = (before == NULL ? 0 : before->list_count) + (after == NULL ? 0 : after->list_count);
    pair *pairs = calloc(room + 1, sizeof *pairs);
    tlist_diff_out out = {.line = line, .context = context};
    struct dx_rc rc = DX_OKAY;
    *count = 0;
    if (pairs == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory to compare %zu lists", room);
    size_t found = collect(before, territory, false, pairs, 0);
    found = collect(after, territory, true, pairs, found);
    qsort(pairs, found, sizeof *pairs, compare_pair);
    for (size_t i = 0; i < found && rc.code == DX_OK; i++) {
        size_t o = pairs[i].before, n = pairs[i].after;
        out.territory = pairs[i].territory;
        rc = compare_list(&out, o == 0 ? NULL : &before->facts[o - 1], o == 0 ? NULL : before->lists[o - 1],
                          n == 0 ? NULL : &after->facts[n - 1], n == 0 ? NULL : after->lists[n - 1], why);
    }
    free(pairs);
    *count = out.count;
    return rc;
}
