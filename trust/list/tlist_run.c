/* One run over all sources: fetch, store, judge, remember, publish. One bad list never harms another. */
#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUN_S = 180 };

typedef struct {
    tlist_store *store;
    const tlist_run *asked;
    int64_t until_us;
    bool moved; /* a list changed or went */
} run;

/* What a refusal or a remark means beside itself. */
static void alarm_of(const tlist_entry *e, const tlist_run_line *line)
{
    static const struct {
        const char *id, *event;
    } refusals[] = {
        {"TL-602", "tlist.pins_outdated"}, {"TL-701", "tlist.rollback"}, {"TL-702", "tlist.fork"}};
    for (size_t i = 0; !line->accepted && i < sizeof refusals / sizeof *refusals; i++)
        if (strcmp(line->why.id, refusals[i].id) == 0)
            dx_log(DX_LOG_SECURITY, refusals[i].event, F_STR("source", line->source),
                   F_STR("territory", line->territory), F_STR("id", line->why.id),
                   F_STR("text", line->why.text));
    if (!line->accepted || line->unchanged || e->list == NULL)
        return;
    const tlist_pointer *self = tlist_self_pointer(e->list);
    if (tlist_remarked(&e->list->remarks, 604) && self != NULL)
        dx_log(DX_LOG_SECURITY, "tlist.location_change", F_STR("source", line->source),
               F_STR("from", line->url), F_STR("to", self->url), F_STR("id", "TL-604"));
    if (tlist_remarked(&e->list->remarks, 605))
        dx_log(DX_LOG_SECURITY, "tlist.pointer_twice", F_STR("source", line->source), F_STR("id", "TL-605"));
}

static void tell(const run *r, const tlist_entry *e, tlist_run_line *line)
{
    char hex[65];
    snprintf(line->source, sizeof line->source, "%s", e->source_id);
    snprintf(line->territory, sizeof line->territory, "%s",
             e->list != NULL ? e->list->facts.territory : e->territory);
    snprintf(line->url, sizeof line->url, "%s", e->url);
    line->sequence = e->list == NULL ? 0 : e->list->facts.sequence;
    if (e->list != NULL) {
        tlist_facts f = e->list->facts;
        f.state = e->withdrawn ? TLIST_STATE_WITHDRAWN : e->stale ? TLIST_STATE_STALE : TLIST_STATE_OK;
        line->state = tlist_state_at(&f, dx_now_s(r->store->spec.clock), r->store->spec.grace_s);
        snprintf(line->remarks, sizeof line->remarks, "%s", e->list->remarks.text);
    }
    dx_hex(dx_bytes_of(line->sha256, 32), hex);
    size_t place = tlist_check_place(line->why.id);
    if (!line->accepted && place < TLIST_REFUSALS_MAX)
        atomic_fetch_add(&r->store->refused[place], 1);
    if (!line->accepted)
        dx_log(DX_LOG_SECURITY, "tlist.rejected", F_STR("source", line->source),
               F_STR("territory", line->territory), F_STR("id", line->why.id),
               F_STR("clause", line->why.clause), F_STR("text", line->why.text), F_STR("sha256", hex));
    else if (!line->unchanged)
        dx_log(DX_LOG_INFO, "tlist.accepted", F_STR("source", line->source),
               F_STR("territory", line->territory), F_INT("sequence", line->sequence), F_STR("sha256", hex),
               F_STR("remarks", line->remarks));
    alarm_of(e, line);
    if (r->asked->line != NULL)
        r->asked->line(r->asked->context, line);
}

static struct dx_rc judge(const run *r, tlist_entry *e, dx_bytes xml, tlist_list **list, dx_why *why)
{
    tlist_store *store = r->store;
    DX_TRY(tlist_state_keep(store, xml, why));
    DX_TRY(e->source.kind == TLIST_KIND_LOTL
               ? tlist_lotl_read(store, e, xml, true, r->until_us, list, why)
               : tlist_read_with(xml, &e->source, &store->maps[e->root], e->source.anchors,
                                 e->source.anchor_count, dx_now_s(store->spec.clock), list, why));
    tlist_lotl_compare(store, e, *list);
    return tlist_mark_check(store, e, *list, true, why);
}

/* A 304 may leave a validator out; one that is no text could not be stored beside the others. */
static void keep_validator(char *held, size_t size, const char *come, bool unchanged)
{
    if (!dx_bytes_utf8_ok(dx_bytes_text(come)))
        held[0] = '\0';
    else if (!unchanged || come[0] != '\0')
        snprintf(held, size, "%s", come);
}

/* TL-604: from now on the list of lists is fetched from where it says it is. */
static void follow(const run *r, tlist_entry *e)
{
    const char *confirmed = r->store->spec.confirmed.location;
    const tlist_pointer *self = e->below || e->list == NULL ? NULL : tlist_self_pointer(e->list);
    if (confirmed == NULL || strcmp(confirmed, e->source_id) != 0 || self == NULL ||
        strcmp(self->url, e->url) == 0 || strlen(self->url) >= sizeof e->url ||
        (strncmp(self->url, "https://", 8) != 0 && strncmp(e->url, "https://", 8) == 0))
        return;
    dx_log(DX_LOG_SECURITY, "tlist.location_accepted", F_STR("source", e->source_id), F_STR("from", e->url),
           F_STR("to", self->url));
    snprintf(e->url, sizeof e->url, "%s", self->url);
    e->etag[0] = e->last_modified[0] = '\0'; /* validators belong to an address */
}

static void confirm(const run *r, tlist_entry *e, const tlist_transfer *t)
{
    e->confirmed_s = dx_now_s(r->store->spec.clock);
    snprintf(e->territory, sizeof e->territory, "%s", e->list->facts.territory);
    keep_validator(e->etag, sizeof e->etag, t->new_etag, t->unchanged);
    keep_validator(e->last_modified, sizeof e->last_modified, t->new_last_modified, t->unchanged);
    follow(r, e);
}

/* What came is judged, and takes the place of what was held, or does not. */
static void land(run *r, tlist_entry *e, tlist_transfer *t)
{
    tlist_run_line line = {.sequence_before = e->list == NULL ? 0 : e->list->facts.sequence, .why = t->why};
    tlist_list *list = NULL;
    struct dx_rc rc = t->rc;
    if (t->body.size > 0)
        dx_sha256(dx_buf_view(&t->body), line.sha256);
    bool same = rc.code == DX_OK && e->list != NULL && !e->withdrawn &&
                (t->unchanged || memcmp(line.sha256, e->list->facts.sha256, 32) == 0);
    if (rc.code == DX_OK && !same && t->unchanged)
        rc = tlist_refuse_as(&line.why, DX_UNREACHABLE, 107, "status 304 for a list that is not held");
    if (rc.code == DX_OK && !same) {
        rc = judge(r, e, dx_buf_view(&t->body), &list, &line.why);
        if (rc.code != DX_OK) {
            tlist_list_unref(list);
            tlist_state_drop(r->store, line.sha256);
        } else {
            tlist_list_unref(e->list);
            e->list = list;
            e->withdrawn = false;
            r->moved = true;
        }
    }
    line.accepted = rc.code == DX_OK;
    line.unchanged = same;
    e->stale = !line.accepted;
    e->attempted_s = dx_now_s(r->store->spec.clock);
    snprintf(e->attempt_id, sizeof e->attempt_id, "%s", line.accepted ? "" : line.why.id);
    if (line.accepted) {
        line.why = (dx_why){0};
        confirm(r, e, t);
    }
    tlist_schedule_next(r->store, e, !line.accepted);
    tell(r, e, &line);
}

static bool is_wanted(const run *r, const tlist_entry *e, bool below)
{
    /* What nobody points to any more has no signers: fetched again, it would be judged by those it had. */
    if (e->below != below || (below && !e->pointed))
        return false;
    if (r->asked->only != NULL && strcmp(r->asked->only, e->source_id) != 0)
        return false;
    return !r->asked->due || e->due_s <= dx_now_s(r->store->spec.clock);
}

static struct dx_rc fly(run *r, bool below, dx_why *why)
{
    tlist_store *store = r->store;
    size_t count = 0, *which = calloc(store->entry_count + 1, sizeof *which);
    tlist_transfer *all = calloc(store->entry_count + 1, sizeof *all);
    struct dx_rc rc = DX_OKAY;
    if (which == NULL || all == NULL)
        rc = DX_FAIL(why, NO_MEMORY, "", "no memory for a run");
    for (size_t i = 0; rc.code == DX_OK && i < store->entry_count; i++) {
        tlist_entry *e = &store->entries[i];
        if (!is_wanted(r, e, below))
            continue;
        which[count] = i;
        tlist_transfer *t = &all[count++];
        *t = (tlist_transfer){.max_bytes = e->source.max_bytes, .allow_http = e->source.allow_http};
        snprintf(t->url, sizeof t->url, "%s", e->url);
        if (e->list != NULL && !e->withdrawn) {
            t->etag = e->etag[0] == '\0' ? NULL : e->etag;
            t->last_modified = e->last_modified[0] == '\0' ? NULL : e->last_modified;
        }
    }
    if (rc.code == DX_OK)
        tlist_transfers_run(store, all, count, r->until_us);
    for (size_t i = 0; rc.code == DX_OK && i < count; i++) {
        tlist_entry *e = &store->entries[which[i]];
        land(r, e, &all[i]);
        dx_buf_fini(&all[i].body);
        if (!below && e->source.kind == TLIST_KIND_LOTL && e->list != NULL)
            rc = tlist_lotl_apply(store, which[i], why);
    }
    for (size_t i = 0; i < count; i++)
        dx_buf_fini(&all[i].body);
    free(which);
    free(all);
    return rc;
}

DX_RC tlist_store_update(tlist_store *store, const tlist_run *asked, dx_why *why)
{
    if (dx_now_s(store->spec.clock) < store->spec.built_s)
        return tlist_refuse(why, 707, "the clock stands before the day this program was built");
    if (asked->only != NULL && !tlist_store_knows(store, asked->only))
        return DX_FAIL(why, CONFIG, "", "there is no source %.60s", asked->only);
    uint32_t run_s = store->spec.run_deadline_s == 0 ? RUN_S : store->spec.run_deadline_s;
    run r = {store, asked, dx_mono_us(store->spec.clock) + run_s * INT64_C(1000000), false};
    DX_TRY(fly(&r, false, why));
    DX_TRY(fly(&r, true, why));
    DX_TRY(tlist_state_save(store, why));
    tlist_state_sweep(store);
    return tlist_store_publish(store, r.moved, why);
}
