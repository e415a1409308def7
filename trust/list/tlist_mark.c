/* Sequence numbers never go back, and one number has one content (TL-701 to TL-703). */
#include "trust/list/tlist_store_inside.h"

#include <inttypes.h>
#include <stdio.h>

static bool accepted_by_hand(const tlist_store *store, const tlist_mark *m, const tlist_facts *f)
{
    const tlist_confirmed *c = &store->spec.confirmed;
    return c->reissue_sha256 != NULL && c->reissue_source != NULL &&
           strcmp(c->reissue_source, m->source) == 0 && memcmp(c->reissue_sha256, f->sha256, 32) == 0;
}

static struct dx_rc compare_mark(const tlist_store *store, const tlist_mark *m, tlist_list *list, dx_why *why)
{
    const tlist_facts *f = &list->facts;
    if (f->sequence < m->sequence)
        return tlist_refuse(why, 701, "rollback: sequence %" PRIu64 " comes after %" PRIu64 " was accepted",
                            f->sequence, m->sequence);
    if (f->sequence > m->sequence) {
        if (f->issued_s < m->issued_s)
            return tlist_refuse(why, 703, "issue date goes back although the sequence rises to %" PRIu64,
                                f->sequence);
        return DX_OKAY;
    }
    static const uint8_t zero[32];
    if (memcmp(m->sha256, f->sha256, 32) == 0 || accepted_by_hand(store, m, f))
        return DX_OKAY;
    if (memcmp(m->fingerprint, list->fingerprint, 32) != 0 || memcmp(zero, list->fingerprint, 32) == 0 ||
        f->issued_s < m->issued_s)
        return tlist_refuse(why, 702,
                            "fork: another document with sequence %" PRIu64 " and other content was accepted",
                            f->sequence);
    tlist_remark(&list->remarks, 702);
    return DX_OKAY;
}

DX_RC tlist_mark_check(tlist_store *store, const tlist_entry *entry, tlist_list *list, bool raise,
                       dx_why *why)
{
    tlist_mark *m = NULL;
    for (size_t i = 0; i < store->mark_count && m == NULL; i++)
        if (strcmp(store->marks[i].source, entry->source_id) == 0 &&
            strcmp(store->marks[i].territory, list->facts.territory) == 0 &&
            strcmp(store->marks[i].type, list->type) == 0)
            m = &store->marks[i];
    if (m != NULL)
        DX_TRY(compare_mark(store, m, list, why));
    if (!raise)
        return DX_OKAY;
    if (m == NULL) {
        if (store->mark_count == TLIST_MARKS_MAX || strlen(list->type) >= sizeof m->type)
            return DX_FAIL(why, TOO_LARGE, "", "more than %d lists, or a TSLType too long", TLIST_MARKS_MAX);
        m = &store->marks[store->mark_count++];
        *m = (tlist_mark){.first_seen_s = dx_now_s(store->spec.clock)};
        snprintf(m->source, sizeof m->source, "%s", entry->source_id);
        snprintf(m->territory, sizeof m->territory, "%s", list->facts.territory);
        snprintf(m->type, sizeof m->type, "%s", list->type);
    } else if (memcmp(m->sha256, list->facts.sha256, 32) != 0) {
        m->first_seen_s = dx_now_s(store->spec.clock);
    }
    m->sequence = list->facts.sequence;
    m->issued_s = list->facts.issued_s;
    memcpy(m->sha256, list->facts.sha256, 32);
    memcpy(m->fingerprint, list->fingerprint, 32);
    store->changed = true;
    return DX_OKAY;
}
