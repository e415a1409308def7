#include "trust/list/tlist_snapshot.h"

#include "trust/base/json.h"

#include <stdio.h>
#include <stdlib.h>

tlist_snapshot *tlist_snapshot_ref(const tlist_snapshot *snapshot)
{
    tlist_snapshot *s = (tlist_snapshot *)(uintptr_t)snapshot; /* the count is the one thing that changes */
    if (s != NULL)
        atomic_fetch_add(&s->refs, 1);
    return s;
}

void tlist_snapshot_unref(tlist_snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->refs, 1) != 1)
        return;
    for (size_t i = 0; i < snapshot->list_count; i++)
        tlist_list_unref(snapshot->lists[i]);
    tlist_index_fini(&snapshot->identities);
    tlist_index_fini(&snapshot->keys);
    tlist_index_fini(&snapshot->names);
    tlist_index_fini(&snapshot->certificates);
    free(snapshot->lists);
    free(snapshot->facts);
    free(snapshot->limits);
    free(snapshot->fact_list);
    free(snapshot->services);
    free(snapshot->service_list);
    free(snapshot);
}

uint64_t tlist_snapshot_epoch(const tlist_snapshot *snapshot)
{
    return snapshot->epoch;
}

const uint8_t *tlist_snapshot_id(const tlist_snapshot *snapshot)
{
    return snapshot->id;
}

size_t tlist_snapshot_lists(const tlist_snapshot *snapshot, const tlist_facts *const **out)
{
    *out = snapshot->fact_list;
    return snapshot->list_count;
}

size_t tlist_snapshot_services(const tlist_snapshot *snapshot, const tlist_service *const **out)
{
    *out = snapshot->service_list;
    return snapshot->service_count;
}

tlist_state tlist_state_at(const tlist_facts *list, int64_t at_s, int64_t grace_s)
{
    if (list->state == TLIST_STATE_WITHDRAWN)
        return TLIST_STATE_WITHDRAWN;
    if (list->next_update_s == 0)
        return TLIST_STATE_CLOSED;
    if (at_s < list->next_update_s)
        return list->state == TLIST_STATE_STALE ? TLIST_STATE_STALE : TLIST_STATE_OK;
    return at_s - list->next_update_s < grace_s ? TLIST_STATE_GRACE : TLIST_STATE_EXPIRED;
}

const char *tlist_state_text(tlist_state state)
{
    static const char *const names[] = {"ok", "stale", "grace", "expired", "closed", "withdrawn"};
    return names[state];
}

const char *tlist_origin_text(tlist_origin origin)
{
    static const char *const names[] = {"pinned", "operator-compiled", "publisher-signed", "list-of-lists"};
    return names[origin];
}

/* The tuple that every decision record can name (trusted-lists.md 5.3). */
static struct dx_rc make_id(tlist_snapshot *s, dx_why *why)
{
    json_t *all = json_array();
    dx_buf text;
    dx_buf_init(&text, 4 << 20);
    for (size_t i = 0; i < s->list_count; i++) {
        const tlist_facts *f = &s->facts[i];
        char sha256[65], issued[DX_TIME_SIZE], next[DX_TIME_SIZE] = "";
        dx_hex(dx_bytes_of(f->sha256, 32), sha256);
        dx_time_print(f->issued_s, issued);
        if (f->next_update_s != 0)
            dx_time_print(f->next_update_s, next);
        /* A sequence may be as large as 2^63-1: text, since JSON integers of ours end at 2^53-1. */
        char sequence[24];
        snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)f->sequence);
        json_array_append_new(all, json_pack("{ssssssssssssssss}", "source", f->source, "territory",
                                             f->territory, "seq", sequence, "sha256", sha256, "issued",
                                             issued, "next_update", next, "state", tlist_state_text(f->state),
                                             "origin", tlist_origin_text(f->origin)));
    }
    bool whole =
        all != NULL && json_array_size(all) == s->list_count && dx_json_canonical(all, &text).code == DX_OK;
    if (whole)
        dx_sha256(dx_buf_view(&text), s->id);
    json_decref(all);
    dx_buf_fini(&text);
    return whole ? DX_OKAY : DX_FAIL(why, NO_MEMORY, "", "no memory for the identity of a snapshot");
}

static int compare_member(const void *a, const void *b)
{
    const tlist_member *x = a, *y = b;
    int order = strcmp(x->facts.source, y->facts.source);
    return order != 0 ? order : strcmp(x->facts.territory, y->facts.territory);
}

static void note_change(tlist_snapshot *s, int64_t when_s)
{
    if (when_s > s->made_s && when_s < s->change_s)
        s->change_s = when_s;
}

static struct dx_rc copy_lists(tlist_snapshot *s, const tlist_member *members, size_t count, dx_why *why)
{
    size_t services = 0;
    for (size_t i = 0; i < count; i++)
        services += members[i].list->service_count;
    s->lists = calloc(count + 1, sizeof *s->lists);
    s->facts = calloc(count + 1, sizeof *s->facts);
    s->limits = calloc(count + 1, sizeof *s->limits);
    s->fact_list = calloc(count + 1, sizeof *s->fact_list);
    s->services = calloc(services + 1, sizeof *s->services);
    s->service_list = calloc(services + 1, sizeof *s->service_list);
    if (s->lists == NULL || s->facts == NULL || s->limits == NULL || s->fact_list == NULL ||
        s->services == NULL || s->service_list == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot of %zu services", services);
    for (size_t i = 0; i < count; i++) {
        tlist_facts *f = &s->facts[i];
        s->lists[i] = tlist_list_ref(members[i].list);
        s->list_count++;
        s->fact_list[i] = f;
        *f = members[i].facts;
        s->limits[i].upper_until_s = members[i].upper_until_s;
        s->limits[i].withdrawn = f->state == TLIST_STATE_WITHDRAWN;
        f->state = tlist_state_at(f, s->made_s, s->grace_s);
        note_change(s, f->next_update_s);
        note_change(s, f->next_update_s == 0 ? 0 : f->next_update_s + s->grace_s);
        for (size_t k = 0; k < members[i].list->service_count; k++) {
            tlist_service *copy = &s->services[s->service_count];
            *copy = members[i].list->services[k];
            copy->list = f;
            s->service_list[s->service_count++] = copy;
            for (uint32_t n = 0; n < copy->interval_count; n++)
                note_change(s, copy->intervals[n].from_s);
        }
    }
    return DX_OKAY;
}

static struct dx_rc build_indexes(tlist_snapshot *s, dx_why *why)
{
    size_t room = 1;
    for (size_t i = 0; i < s->service_count; i++)
        room += s->services[i].certificate_count;
    tlist_index *all[] = {&s->identities, &s->keys, &s->names, &s->certificates};
    for (size_t i = 0; i < 4; i++)
        if ((all[i]->entries = calloc(room, sizeof *all[i]->entries)) == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no memory for an index of %zu certificates", room);
    for (size_t i = 0; i < s->service_count; i++)
        for (uint32_t k = 0; k < s->services[i].certificate_count; k++) {
            const tlist_certificate *c = &s->services[i].certificates[k];
            const uint8_t *const keys[] = {c->identity, c->spki_sha256, c->name_sha256, c->sha256};
            for (size_t n = 0; n < 4 && c->named; n++) {
                tlist_index_entry *e = &all[n]->entries[all[n]->entry_count++];
                memcpy(e->key, keys[n], 32);
                e->service = (uint32_t)i;
                e->certificate = k;
            }
        }
    for (size_t i = 0; i < 4; i++)
        DX_TRY(tlist_index_build(all[i], why));
    return DX_OKAY;
}

DX_RC tlist_snapshot_make(const tlist_member *members, size_t count, int64_t at_s, int64_t grace_s,
                          uint64_t epoch, tlist_snapshot **out, dx_why *why)
{
    *out = NULL;
    tlist_snapshot *s = calloc(1, sizeof *s);
    tlist_member *sorted = calloc(count + 1, sizeof *sorted);
    struct dx_rc rc = DX_OKAY;
    if (s == NULL || sorted == NULL)
        rc = DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot");
    if (rc.code == DX_OK) {
        atomic_init(&s->refs, 1);
        s->epoch = epoch;
        s->made_s = at_s;
        s->grace_s = grace_s;
        s->change_s = INT64_MAX;
        memcpy(sorted, members, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare_member);
        rc = copy_lists(s, sorted, count, why);
    }
    if (rc.code == DX_OK)
        rc = build_indexes(s, why);
    if (rc.code == DX_OK)
        rc = make_id(s, why);
    free(sorted);
    if (rc.code != DX_OK)
        tlist_snapshot_unref(s);
    else
        *out = s;
    return rc;
}

DX_RC tlist_snapshot_of(tlist_list *const *lists, size_t count, int64_t at_s, tlist_snapshot **out,
                        dx_why *why)
{
    tlist_member *members = calloc(count + 1, sizeof *members);
    *out = NULL;
    if (members == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot");
    for (size_t i = 0; i < count; i++)
        members[i] = (tlist_member){lists[i], lists[i]->facts, INT64_MAX};
    struct dx_rc rc = tlist_snapshot_make(members, count, at_s, 0, 1, out, why);
    free(members);
    return rc;
}
