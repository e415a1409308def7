/* A list of lists: from the configured signers over pivots to those of today (TL-602 to TL-604). */
#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint8_t values[TLIST_SIGNERS_MAX][32];
    size_t count;
} signers;

static size_t origin_size(const char *url)
{
    const char *host = strstr(url, "://");
    return host == NULL ? 0 : (size_t)(host - url) + 3 + strcspn(host + 3, "/");
}

/* A pivot is published beside the list of lists: same host, path ends in .xml. */
static bool is_pivot(const char *uri, const char *self_url)
{
    size_t size = strlen(uri), host = origin_size(self_url);
    return size > 4 && size < 512 && strcasecmp(uri + size - 4, ".xml") == 0 && host > 0 &&
           strncmp(uri, self_url, host) == 0 && uri[host] == '/';
}

static void take_self_signers(const tlist_list *list, signers *s)
{
    const tlist_pointer *self = tlist_self_pointer(list);
    s->count = 0;
    for (size_t i = 0; self != NULL && i < self->signer_count && s->count < TLIST_SIGNERS_MAX; i++)
        memcpy(s->values[s->count++], self->signers[i], 32);
}

typedef struct {
    tlist_store *store;
    tlist_entry *entry;
    bool online;
    int64_t until_us;
    uint64_t sequence; /* of the last pivot */
    signers signers;
} pilgrim;

static struct dx_rc pivot_bytes(const pilgrim *p, const char *url, dx_buf *out, dx_why *why)
{
    tlist_store *store = p->store;
    for (size_t i = 0; i < store->pivot_count; i++)
        if (strcmp(store->pivots[i].url, url) == 0)
            return tlist_state_fetch(store, store->pivots[i].sha256, out, why);
    if (!p->online)
        return DX_FAIL(why, NOT_FOUND, "", "pivot %.150s is not stored", url);
    tlist_transfer t = {.max_bytes = p->entry->source.max_bytes, .allow_http = p->entry->source.allow_http};
    snprintf(t.url, sizeof t.url, "%s", url);
    tlist_transfers_run(store, &t, 1, p->until_us);
    struct dx_rc rc = t.rc.code == DX_OK ? dx_buf_add(out, dx_buf_view(&t.body)) : t.rc;
    if (rc.code != DX_OK && why != NULL)
        *why = t.why;
    dx_buf_fini(&t.body);
    return rc;
}

static void remember_pivot(tlist_store *store, const char *url, const tlist_list *pivot, dx_bytes xml)
{
    for (size_t i = 0; i < store->pivot_count; i++)
        if (strcmp(store->pivots[i].url, url) == 0)
            return;
    if (store->spec.read_only || store->pivot_count == 8 * TLIST_PIVOTS_MAX ||
        tlist_state_keep(store, xml, NULL).code != DX_OK)
        return;
    tlist_pivot *p = &store->pivots[store->pivot_count++];
    snprintf(p->url, sizeof p->url, "%s", url);
    memcpy(p->sha256, pivot->facts.sha256, 32);
}

/* One step of the walk; false ends it (TL-603). Only the self pointer of a pivot says who may sign next: the
 * signers of its other pointers are those of national lists. */
static bool step(pilgrim *p, const char *url)
{
    dx_buf xml;
    dx_why why = {0};
    tlist_list *pivot = NULL;
    const tlist_source *source = &p->entry->source;
    dx_buf_init(&xml, source->max_bytes == 0 ? 16u << 20 : source->max_bytes);
    struct dx_rc rc = pivot_bytes(p, url, &xml, &why);
    if (rc.code == DX_OK)
        rc = tlist_read_with(dx_buf_view(&xml), source, &p->store->maps[p->entry->root],
                             (const uint8_t(*)[32])p->signers.values, p->signers.count,
                             dx_now_s(p->store->spec.clock), &pivot, &why);
    if (rc.code == DX_OK && pivot->facts.sequence <= p->sequence)
        rc = tlist_refuse(&why, 603, "the sequence numbers of the pivots do not rise");
    if (rc.code == DX_OK) {
        p->sequence = pivot->facts.sequence;
        take_self_signers(pivot, &p->signers);
        remember_pivot(p->store, url, pivot, dx_buf_view(&xml));
    } else {
        dx_log_why(DX_LOG_WARN, "tlist.pivot_refused", &why);
    }
    tlist_list_unref(pivot);
    dx_buf_fini(&xml);
    return rc.code == DX_OK;
}

/* From the configured signers to those of today. */
static struct dx_rc walk(pilgrim *p, const tlist_list *unverified, dx_why *why)
{
    size_t at, count = 0;
    bool newer;
    const tlist_entry *entry = p->entry;
    const tlist_pointer *self = tlist_self_pointer(unverified);
    DX_TRY(tlist_journal(unverified, entry->source.oj_uri, &at, &newer, why));
    /* The address to compare with: the configured one, or, for a file, the one that the list names. */
    const char *url = strstr(entry->url, "http") == entry->url || self == NULL ? entry->url : self->url;
    const char *pivots[TLIST_PIVOTS_MAX];
    for (size_t i = 0; i < at; i++)
        if (is_pivot(unverified->scheme_uris[i], url)) {
            if (count == TLIST_PIVOTS_MAX)
                return tlist_refuse(why, 603, "more than %d pivots", TLIST_PIVOTS_MAX);
            pivots[count++] = unverified->scheme_uris[i];
        }
    while (count > 0 && step(p, pivots[count - 1]))
        count--;
    return DX_OKAY;
}

static struct dx_rc read_unverified(const pilgrim *p, dx_bytes xml, tlist_list **out, dx_why *why)
{
    tlist_tree tree;
    const tlist_source *source = &p->entry->source;
    DX_TRY(tlist_tree_read(xml, source->max_bytes, source->structure_warn, &tree, why));
    struct dx_rc rc = tlist_object_make(&tree, source, &p->store->maps[p->entry->root], out, why);
    tlist_tree_fini(&tree);
    return rc;
}

/* A publication of the Official Journal before the configured one: told once, and only when signed. */
static void tell_journal(tlist_entry *entry, const tlist_list *lotl)
{
    size_t at;
    bool newer;
    if (entry->source.oj_uri == NULL ||
        tlist_journal(lotl, entry->source.oj_uri, &at, &newer, NULL).code != DX_OK || !newer ||
        strcmp(entry->journal, lotl->scheme_uris[0]) == 0)
        return;
    snprintf(entry->journal, sizeof entry->journal, "%s", lotl->scheme_uris[0]);
    dx_log(DX_LOG_SECURITY, "tlist.journal_change", F_STR("source", entry->source_id),
           F_STR("newest", lotl->scheme_uris[0]), F_STR("id", "TL-602"));
}

static struct dx_rc read_lotl(pilgrim *p, dx_bytes xml, tlist_list **out, dx_why *why)
{
    const tlist_source *source = &p->entry->source;
    for (size_t i = 0; i < source->anchor_count && p->signers.count < TLIST_SIGNERS_MAX; i++)
        memcpy(p->signers.values[p->signers.count++], source->anchors[i], 32);
    if (source->oj_uri != NULL) {
        tlist_list *unverified = NULL;
        struct dx_rc rc = read_unverified(p, xml, &unverified, why);
        if (rc.code == DX_OK)
            rc = walk(p, unverified, why);
        tlist_list_unref(unverified);
        DX_TRY(rc);
    }
    return tlist_read_with(xml, source, &p->store->maps[p->entry->root],
                           (const uint8_t(*)[32])p->signers.values, p->signers.count,
                           dx_now_s(p->store->spec.clock), out, why);
}

DX_RC tlist_lotl_read(tlist_store *store, tlist_entry *entry, dx_bytes xml, bool online, int64_t until_us,
                      tlist_list **out, dx_why *why)
{
    *out = NULL;
    pilgrim *p = calloc(1, sizeof *p);
    if (p == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the signers of a list of lists");
    *p = (pilgrim){.store = store, .entry = entry, .online = online, .until_us = until_us};
    struct dx_rc rc = read_lotl(p, xml, out, why);
    free(p);
    if (rc.code != DX_OK)
        return rc;
    const tlist_pointer *self = tlist_self_pointer(*out);
    if (self != NULL && strstr(entry->url, "http") == entry->url && strcmp(self->url, entry->url) != 0)
        tlist_remark(&(*out)->remarks, 604);
    tlist_lotl_twice(&store->spec.sources[entry->root], *out);
    tell_journal(entry, *out);
    return DX_OKAY;
}
