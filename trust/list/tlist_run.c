/* One run over all sources: fetch, store, judge, remember, publish. One bad list never harms another. */
#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    tlist_store *store;
    void (*line)(void *context, const tlist_run_line *line);
    void *context;
    size_t failed;
    bool moved; /* a list changed or went */
} run;

static void tell(run *r, const tlist_entry *e, tlist_run_line *line)
{
    snprintf(line->source, sizeof line->source, "%s", e->source_id);
    snprintf(line->territory, sizeof line->territory, "%s",
             e->list != NULL ? e->list->facts.territory : e->territory);
    snprintf(line->url, sizeof line->url, "%s", e->url);
    line->sequence = e->list == NULL ? 0 : e->list->facts.sequence;
    if (e->list != NULL)
        snprintf(line->remarks, sizeof line->remarks, "%s", e->list->remarks.text);
    if (!line->accepted) {
        r->failed++;
        dx_log(DX_LOG_SECURITY, "tlist.rejected", F_STR("source", line->source),
               F_STR("territory", line->territory), F_STR("id", line->why.id),
               F_STR("clause", line->why.clause), F_STR("text", line->why.text));
        if (strcmp(line->why.id, "TL-701") == 0 || strcmp(line->why.id, "TL-702") == 0)
            dx_log(DX_LOG_SECURITY, line->why.id[5] == '1' ? "tlist.rollback" : "tlist.fork",
                   F_STR("source", line->source), F_STR("territory", line->territory));
    } else if (!line->unchanged) {
        dx_log(DX_LOG_INFO, "tlist.accepted", F_STR("source", line->source),
               F_STR("territory", line->territory), F_INT("sequence", line->sequence),
               F_STR("remarks", line->remarks));
    }
    if (r->line != NULL)
        r->line(r->context, line);
}

static struct dx_rc judge(tlist_store *store, tlist_entry *e, dx_bytes xml, tlist_list **list, dx_why *why)
{
    DX_TRY(tlist_state_keep(store, xml, why));
    DX_TRY(e->source.kind == TLIST_KIND_LOTL
               ? tlist_lotl_read(store, e, xml, true, list, why)
               : tlist_read_with(xml, &e->source, &store->maps[e->root], e->source.anchors,
                                 e->source.anchor_count, dx_now_s(store->spec.clock), list, why));
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

/* True when the entry holds a list that this transfer confirmed. */
static bool land(run *r, tlist_entry *e, tlist_transfer *t)
{
    tlist_run_line line = {.sequence_before = e->list == NULL ? 0 : e->list->facts.sequence};
    tlist_list *list = NULL;
    uint8_t sha256[32];
    struct dx_rc rc = t->rc;
    line.why = t->why;
    dx_sha256(dx_buf_view(&t->body), sha256);
    bool same = rc.code == DX_OK && e->list != NULL && !e->withdrawn &&
                (t->unchanged || memcmp(sha256, e->list->facts.sha256, 32) == 0);
    if (rc.code == DX_OK && !same && t->unchanged)
        rc = tlist_refuse_as(&line.why, DX_UNREACHABLE, 107, "status 304 for a list that is not held");
    if (rc.code == DX_OK && !same) {
        rc = judge(r->store, e, dx_buf_view(&t->body), &list, &line.why);
        if (rc.code != DX_OK) {
            tlist_list_unref(list);
            tlist_state_drop(r->store, sha256);
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
    if (line.accepted) {
        line.why = (dx_why){0};
        e->confirmed_s = dx_now_s(r->store->spec.clock);
        snprintf(e->territory, sizeof e->territory, "%s", e->list->facts.territory);
        keep_validator(e->etag, sizeof e->etag, t->new_etag, t->unchanged);
        keep_validator(e->last_modified, sizeof e->last_modified, t->new_last_modified, t->unchanged);
    }
    tell(r, e, &line);
    return line.accepted;
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
        /* What nobody points to any more has no signers: fetched again, it would be judged by those it had.
         */
        if (e->below != below || (below && !e->pointed))
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
        tlist_transfers_run(store, all, count);
    for (size_t i = 0; rc.code == DX_OK && i < count; i++) {
        tlist_entry *e = &store->entries[which[i]];
        land(r, e, &all[i]);
        if (!below && e->source.kind == TLIST_KIND_LOTL && e->list != NULL)
            rc = tlist_lotl_apply(store, which[i], why);
    }
    for (size_t i = 0; i < count; i++)
        dx_buf_fini(&all[i].body);
    free(which);
    free(all);
    return rc;
}

/* After a failure sooner again: 5 minutes, doubled up to the refresh of the source. */
static void plan_next(tlist_store *store, size_t failed)
{
    int64_t wait = 86400;
    for (size_t i = 0; i < store->spec.source_count; i++) {
        const tlist_source *s = &store->spec.sources[i];
        int64_t own = s->refresh_s != 0 ? s->refresh_s : s->kind == TLIST_KIND_LOTL ? 21600 : 86400;
        wait = own < wait ? own : wait;
    }
    store->failed_runs = failed == 0 ? 0 : store->failed_runs < 12 ? store->failed_runs + 1 : 12;
    int64_t retry = INT64_C(300) << (store->failed_runs == 0 ? 0 : store->failed_runs - 1);
    if (failed > 0 && retry < wait)
        wait = retry;
    store->next_run_s = dx_now_s(store->spec.clock) + wait;
}

DX_RC tlist_store_update(tlist_store *store, void (*line)(void *context, const tlist_run_line *line),
                         void *context, dx_why *why)
{
    run r = {store, line, context, 0, false};
    DX_TRY(fly(&r, false, why));
    DX_TRY(fly(&r, true, why));
    DX_TRY(tlist_state_save(store, why));
    tlist_state_sweep(store);
    plan_next(store, r.failed);
    return tlist_store_publish(store, r.moved, why);
}
