/* What a list says, without when it said it: equal content under a new signature is a re-issue (TL-702). */
#include "trust/list/tlist_criteria.h"
#include "trust/list/tlist_mra.h"

#include "trust/base/digest.h"

#include <inttypes.h>
#include <stdio.h>

/* Every value goes in with its length, so that no two contents share a spelling. */
static void add(dx_hash *hash, dx_bytes value)
{
    char head[32];
    int size = snprintf(head, sizeof head, "%zu:", value.size);
    dx_hash_add(hash, dx_bytes_of(head, (size_t)size));
    dx_hash_add(hash, value);
}

static void add_text(dx_hash *hash, const char *text)
{
    add(hash, text == NULL ? DX_BYTES("") : dx_bytes_text(text));
}

static void add_number(dx_hash *hash, int64_t number)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%" PRId64, number);
    add(hash, dx_bytes_of(text, (size_t)size));
}

static void add_interval(dx_hash *hash, const tlist_interval *n)
{
    add_number(hash, n->from_s);
    add_number(hash, n->until_s);
    add_text(hash, n->type);
    add_text(hash, n->status);
    add_number(hash, n->usable);
    add_number(hash, n->expired_certs_from_s);
    add_text(hash, n->taken_over_by);
    add_number(hash, n->info_count);
    for (uint32_t i = 0; i < n->info_count; i++)
        add_text(hash, n->info[i]);
    add_number(hash, n->qualification_count);
    for (uint32_t i = 0; i < n->qualification_count; i++) {
        const tlist_qualification *q = &n->qualifications[i];
        add_number(hash, q->usable);
        add_number(hash, q->qualifier_count);
        for (uint32_t k = 0; k < q->qualifier_count; k++)
            add_text(hash, q->qualifiers[k]);
        tlist_criteria_hash(q->criteria, hash);
    }
}

void tlist_fingerprint(tlist_list *list)
{
    dx_hash *hash = dx_hash_new(DX_HASH_SHA256);
    if (hash == NULL)
        return; /* zeroes equal nothing: no re-issue is recognised */
    add_text(hash, list->facts.territory);
    add_text(hash, list->type);
    for (size_t i = 0; list->facts.is_lotl && i < list->pointer_count; i++) {
        add_text(hash, list->pointers[i].url);
        add_text(hash, list->pointers[i].territory);
        add_number(hash, (int64_t)list->pointers[i].signer_count);
        for (size_t k = 0; k < list->pointers[i].signer_count; k++)
            add(hash, dx_bytes_of(list->pointers[i].signers[k], 32));
        if (list->pointers[i].recognition != NULL)
            add(hash, dx_bytes_of(list->pointers[i].recognition->sha256, 32));
    }
    for (size_t i = 0; i < list->service_count; i++) {
        const tlist_service *s = &list->services[i];
        add_text(hash, s->provider);
        add_text(hash, s->name);
        add_number(hash, s->certificate_count);
        for (uint32_t k = 0; k < s->certificate_count; k++)
            add(hash, dx_bytes_of(s->certificates[k].sha256, 32));
        add_number(hash, s->interval_count);
        for (uint32_t k = 0; k < s->interval_count; k++)
            add_interval(hash, &s->intervals[k]);
    }
    dx_hash_done(hash, list->fingerprint);
    dx_hash_free(hash);
}
