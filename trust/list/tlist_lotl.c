/* A list of lists: from the configured signers over pivots to those of today, then to the lists below. */
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

static struct dx_rc pivot_bytes(tlist_store *store, const tlist_entry *entry, const char *url, bool online,
                                dx_buf *out, dx_why *why)
{
    for (size_t i = 0; i < store->pivot_count; i++)
        if (strcmp(store->pivots[i].url, url) == 0)
            return tlist_state_fetch(store, store->pivots[i].sha256, out, why);
    if (!online)
        return DX_FAIL(why, NOT_FOUND, "", "pivot %.150s is not stored", url);
    tlist_transfer t = {.max_bytes = entry->source.max_bytes, .allow_http = entry->source.allow_http};
    snprintf(t.url, sizeof t.url, "%s", url);
    tlist_transfers_run(store, &t, 1);
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
    if (store->pivot_count == 8 * TLIST_PIVOTS_MAX || tlist_state_keep(store, xml, NULL).code != DX_OK)
        return;
    tlist_pivot *p = &store->pivots[store->pivot_count++];
    snprintf(p->url, sizeof p->url, "%s", url);
    memcpy(p->sha256, pivot->facts.sha256, 32);
}

/* One step of the walk; false ends it (TL-603). */
static bool step(tlist_store *store, const tlist_entry *entry, const char *url, bool online,
                 uint64_t *sequence, signers *s)
{
    dx_buf xml;
    dx_why why = {0};
    tlist_list *pivot = NULL;
    dx_buf_init(&xml, entry->source.max_bytes == 0 ? 16u << 20 : entry->source.max_bytes);
    struct dx_rc rc = pivot_bytes(store, entry, url, online, &xml, &why);
    if (rc.code == DX_OK)
        rc = tlist_read_with(dx_buf_view(&xml), &entry->source, &store->maps[entry->root],
                             (const uint8_t(*)[32])s->values, s->count, dx_now_s(store->spec.clock), &pivot,
                             &why);
    if (rc.code == DX_OK && pivot->facts.sequence <= *sequence)
        rc = tlist_refuse(&why, 603, "the sequence numbers of the pivots do not rise");
    if (rc.code == DX_OK) {
        *sequence = pivot->facts.sequence;
        take_self_signers(pivot, s);
        remember_pivot(store, url, pivot, dx_buf_view(&xml));
    } else {
        dx_log_why(DX_LOG_WARN, "tlist.pivot_refused", &why);
    }
    tlist_list_unref(pivot);
    dx_buf_fini(&xml);
    return rc.code == DX_OK;
}

static struct dx_rc walk(tlist_store *store, const tlist_entry *entry, const tlist_list *unverified,
                         bool online, signers *s, dx_why *why)
{
    size_t at;
    bool newer;
    const tlist_pointer *self = tlist_self_pointer(unverified);
    DX_TRY(tlist_journal(unverified, entry->source.oj_uri, &at, &newer, why));
    if (newer)
        dx_log(DX_LOG_SECURITY, "tlist.journal_change", F_STR("source", entry->source_id),
               F_STR("newest", unverified->scheme_uris[0]));
    /* The address to compare with: the configured one, or, for a file, the one that the list names. */
    const char *url = strstr(entry->url, "http") == entry->url || self == NULL ? entry->url : self->url;
    size_t count = 0;
    const char *pivots[TLIST_PIVOTS_MAX];
    for (size_t i = 0; i < at; i++)
        if (is_pivot(unverified->scheme_uris[i], url)) {
            if (count == TLIST_PIVOTS_MAX)
                return tlist_refuse(why, 603, "more than %d pivots", TLIST_PIVOTS_MAX);
            pivots[count++] = unverified->scheme_uris[i];
        }
    uint64_t sequence = 0;
    while (count > 0 && step(store, entry, pivots[count - 1], online, &sequence, s))
        count--;
    return DX_OKAY;
}

DX_RC tlist_lotl_read(tlist_store *store, const tlist_entry *entry, dx_bytes xml, bool online,
                      tlist_list **out, dx_why *why)
{
    signers *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the signers of a list of lists");
    for (size_t i = 0; i < entry->source.anchor_count && s->count < TLIST_SIGNERS_MAX; i++)
        memcpy(s->values[s->count++], entry->source.anchors[i], 32);
    struct dx_rc rc = DX_OKAY;
    if (entry->source.oj_uri != NULL) {
        tlist_tree tree;
        tlist_list *unverified = NULL;
        rc = tlist_tree_read(xml, entry->source.max_bytes, entry->source.structure_warn, &tree, why);
        if (rc.code == DX_OK) {
            rc = tlist_object_make(&tree, &entry->source, &store->maps[entry->root], &unverified, why);
            tlist_tree_fini(&tree);
        }
        if (rc.code == DX_OK)
            rc = walk(store, entry, unverified, online, s, why);
        tlist_list_unref(unverified);
    }
    if (rc.code == DX_OK)
        rc = tlist_read_with(xml, &entry->source, &store->maps[entry->root], (const uint8_t(*)[32])s->values,
                             s->count, dx_now_s(store->spec.clock), out, why);
    free(s);
    if (rc.code != DX_OK)
        return rc;
    const tlist_pointer *self = tlist_self_pointer(*out);
    if (self != NULL && strstr(entry->url, "http") == entry->url && strcmp(self->url, entry->url) != 0)
        tlist_remark(&(*out)->remarks, 604);
    return DX_OKAY;
}

static bool wanted(const tlist_source *source, const tlist_pointer *p)
{
    bool partner = p->recognition != NULL;
    bool type = partner || (source->tsl_type_count == 0 && strcmp(p->type, TLIST_TYPE_EU) == 0),
         territory = source->territories == NULL;
    /* A partner's list is believed through recognition alone. */
    if (partner && (!source->mra || strlen(p->type) >= sizeof((tlist_entry *)0)->partner_type))
        return false;
    for (size_t i = 0; i < source->tsl_type_count; i++)
        type |= strcmp(source->tsl_types[i], p->type) == 0;
    for (size_t i = 0; !territory && i < source->territory_count; i++)
        territory = strcmp(source->territories[i], p->territory) == 0;
    return type && territory && strlen(p->territory) < 8 && strlen(p->url) < 512;
}

static bool announced(const tlist_entry *e)
{
    for (size_t i = 0; i < e->source.anchor_count; i++)
        if (memcmp(e->source.anchors[i], e->list->facts.signer_sha256, 32) == 0)
            return true;
    return false;
}

static struct dx_rc apply_pointer(tlist_store *store, size_t root, const tlist_source *configured,
                                  const tlist_pointer *p, bool seen[TLIST_ENTRIES_MAX], tlist_list *lotl,
                                  dx_why *why)
{
    static const char *const eu_types[] = {TLIST_TYPE_EU};
    tlist_entry *e = tlist_entry_find(store, configured->id, p->territory, true);
    if (e == NULL)
        DX_TRY(tlist_entry_add(store, configured, root, p->territory, p->url, &e, why));
    if (seen[e - store->entries]) {
        tlist_remark(&lotl->remarks, 605);
        return DX_OKAY;
    }
    seen[e - store->entries] = true;
    uint8_t(*anchors)[32] = calloc(p->signer_count + 1, 32);
    if (anchors == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for announced signers");
    memcpy(anchors, p->signers, p->signer_count * 32);
    free(e->anchors);
    e->anchors = anchors;
    if (strcmp(e->url, p->url) != 0) {
        snprintf(e->url, sizeof e->url, "%s", p->url);
        e->etag[0] = e->last_modified[0] = '\0'; /* validators belong to an address */
    }
    e->below = e->pointed = true;
    e->source.kind = TLIST_KIND_TL;
    e->source.oj_uri = NULL;
    e->source.anchors = (const uint8_t(*)[32])anchors;
    e->source.anchor_count = p->signer_count;
    e->source.scheme = p->recognition != NULL ? e->territory : configured->scheme;
    if (p->recognition != NULL) {
        snprintf(e->partner_type, sizeof e->partner_type, "%s", p->type);
        e->partner_types[0] = e->partner_type;
        e->source.tsl_types = e->partner_types;
        e->source.tsl_type_count = 1;
    } else if (configured->tsl_type_count == 0) {
        e->source.tsl_types = eu_types;
        e->source.tsl_type_count = 1;
    }
    e->source.allow_http =
        configured->allow_http || strncmp(p->url, "http://", 7) == 0; /* TL-101: the pointer says so */
    e->withdrawn = e->list != NULL && !announced(e);
    return DX_OKAY;
}

DX_RC tlist_lotl_apply(tlist_store *store, size_t entry, dx_why *why)
{
    bool seen[TLIST_ENTRIES_MAX] = {false};
    tlist_list *lotl = store->entries[entry].list;
    size_t root = store->entries[entry].root;
    const tlist_source *configured = &store->spec.sources[root];
    for (size_t i = 0; i < lotl->pointer_count; i++)
        if (wanted(configured, &lotl->pointers[i]))
            DX_TRY(apply_pointer(store, root, configured, &lotl->pointers[i], seen, lotl, why));
    for (size_t i = 0; i < store->entry_count; i++) {
        tlist_entry *e = &store->entries[i];
        if (e->below && e->root == root && !seen[i]) {
            e->withdrawn = true;
            e->pointed = false;
        }
        if (e->below && e->root == root && e->list != NULL && e->withdrawn)
            dx_log(DX_LOG_SECURITY, "tlist.signer_withdrawn", F_STR("source", e->source_id),
                   F_STR("territory", e->territory), F_STR("id", "TL-607"));
    }
    return DX_OKAY;
}
