/* Snapshots of what the store holds: made when content, a state or a signer changed, swapped in one step. */
#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* What the pointer to a partner's list says of its worth, when the source honours that. */
static const tlist_recognition *recognition_of(const tlist_entry *lotl, const char *territory)
{
    for (size_t i = 0; lotl->source.mra && i < lotl->list->pointer_count; i++)
        if (lotl->list->pointers[i].recognition != NULL &&
            strcmp(lotl->list->pointers[i].territory, territory) == 0)
            return lotl->list->pointers[i].recognition;
    return NULL;
}

static tlist_member member_of(const tlist_store *store, const tlist_entry *e)
{
    const tlist_entry *lotl = tlist_entry_above(store, e);
    tlist_member m = {e->list, e->list->facts, INT64_MAX};
    m.facts.confirmed_s = e->confirmed_s;
    m.facts.attempted_s = e->attempted_s;
    memcpy(m.facts.attempt_id, e->attempt_id, sizeof m.facts.attempt_id);
    m.facts.remarks = e->list->remarks.text;
    m.facts.state = e->withdrawn ? TLIST_STATE_WITHDRAWN : e->stale ? TLIST_STATE_STALE : TLIST_STATE_OK;
    if (lotl == NULL || lotl->list == NULL)
        return m;
    m.facts.lotl_sequence = lotl->list->facts.sequence;
    memcpy(m.facts.lotl_sha256, lotl->list->facts.sha256, 32);
    m.facts.recognition = recognition_of(lotl, e->territory);
    if (m.facts.origin == TLIST_ORIGIN_PUBLISHER_SIGNED)
        m.facts.origin = TLIST_ORIGIN_LIST_OF_LISTS;
    m.upper_until_s = lotl->list->facts.next_update_s == 0
                          ? lotl->list->facts.issued_s
                          : lotl->list->facts.next_update_s + store->spec.grace_s;
    return m;
}

static tlist_state state_in(const tlist_snapshot *s, const tlist_facts *like)
{
    for (size_t i = 0; s != NULL && i < s->list_count; i++)
        if (strcmp(s->facts[i].source, like->source) == 0 &&
            strcmp(s->facts[i].territory, like->territory) == 0)
            return s->facts[i].state;
    return TLIST_STATE_OK;
}

/* The whole tuple behind the id, once a swap: a line for each list (trusted-lists.md 5.3). */
static void tell(const tlist_snapshot *old, const tlist_snapshot *made)
{
    char hex[65];
    dx_hex(dx_bytes_of(made->id, 32), hex);
    dx_log(DX_LOG_INFO, "tlist.swapped", F_STR("id", hex), F_INT("epoch", made->epoch),
           F_INT("lists", made->list_count), F_INT("services", made->service_count));
    for (size_t i = 0; i < made->list_count; i++) {
        const tlist_facts *f = &made->facts[i];
        dx_hex(dx_bytes_of(f->sha256, 32), hex);
        dx_log(DX_LOG_INFO, "tlist.in_force", F_INT("epoch", made->epoch), F_STR("source", f->source),
               F_STR("territory", f->territory), F_INT("sequence", f->sequence), F_STR("sha256", hex),
               F_INT("issued_s", f->issued_s), F_INT("next_update_s", f->next_update_s),
               F_STR("state", tlist_state_text(f->state)), F_STR("origin", tlist_origin_text(f->origin)));
        if (f->state == TLIST_STATE_EXPIRED && state_in(old, f) != TLIST_STATE_EXPIRED)
            dx_log(DX_LOG_SECURITY, "tlist.expired", F_STR("source", f->source),
                   F_STR("territory", f->territory), F_INT("sequence", f->sequence), F_STR("id", "TL-704"));
    }
}

DX_RC tlist_store_publish(tlist_store *store, bool force, dx_why *why)
{
    int64_t now_s = dx_now_s(store->spec.clock);
    if (now_s < store->spec.built_s)
        return tlist_refuse(why, 707, "the clock stands before the day this program was built");
    tlist_member *members = calloc(store->entry_count + 1, sizeof *members);
    size_t count = 0;
    if (members == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot");
    for (size_t i = 0; i < store->entry_count; i++)
        if (store->entries[i].list != NULL)
            members[count++] = member_of(store, &store->entries[i]);
    tlist_snapshot *made = NULL;
    struct dx_rc rc = DX_OKAY;
    if (count > 0)
        rc = tlist_snapshot_make(members, count, now_s, store->spec.grace_s, store->epoch + 1, &made, why);
    free(members);
    if (rc.code != DX_OK || made == NULL)
        return rc;
    /* A status that starts now is not in the tuple behind the id, and yet something else is in force. */
    bool same = store->snapshot != NULL && memcmp(store->snapshot->id, made->id, 32) == 0 &&
                now_s < store->snapshot->change_s;
    if (same && !force) {
        made->epoch = store->epoch; /* same content, younger confirmation */
    } else {
        store->epoch++;
        tell(store->snapshot, made);
    }
    tlist_snapshot_unref(store->snapshot);
    store->snapshot = made;
    return DX_OKAY;
}

tlist_snapshot *tlist_store_snapshot(tlist_store *store)
{
    dx_why why;
    if (store->snapshot != NULL && dx_now_s(store->spec.clock) >= store->snapshot->change_s)
        if (tlist_store_publish(store, true, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "tlist.swap_failed", &why);
    return tlist_snapshot_ref(store->snapshot);
}

int64_t tlist_store_due_s(const tlist_store *store)
{
    int64_t change_s = store->snapshot == NULL ? INT64_MAX : store->snapshot->change_s;
    int64_t fetch_s = tlist_schedule_due_s(store);
    return change_s < fetch_s ? change_s : fetch_s;
}
