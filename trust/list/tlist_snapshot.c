#include "trust/list/tlist_private.h"

#include "trust/base/digest.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

/* Lists merged into one immutable index: a certificate is found by itself, by its key, or by its name. */

#define NOTHING UINT32_MAX

typedef struct {
    uint32_t *slots; /* index of the first entry, or NOTHING */
    uint32_t  mask;
} table;

typedef struct { /* one certificate of one service */
    const tlist_service     *service;
    const tlist_certificate *certificate;
    uint64_t                 key[3]; /* of DER, SPKI, canonical subject */
    uint32_t                 next[3];
} entry;

enum { BY_DER, BY_SPKI, BY_NAME };

struct tlist_snapshot {
    atomic_uint           refs;
    uint64_t              epoch;
    uint8_t               id[32];
    tlist_list          **lists;
    size_t                list_count;
    const tlist_facts   **facts;
    const tlist_service **services;
    size_t                service_count;
    entry                *entries;
    uint32_t              entry_count;
    table                 tables[3];
};

static atomic_ullong next_epoch = 1;

static uint64_t key_of(dx_bytes bytes)
{
    uint8_t  sha256[32];
    uint64_t key;
    dx_sha256(bytes, sha256);
    memcpy(&key, sha256, sizeof key);
    return key;
}

/* Names that RFC 5280 7.1 calls equal have the same hash, however they are encoded. */
static uint64_t name_key(dx_bytes name)
{
    const uint8_t *p = name.data;
    X509_NAME     *n = d2i_X509_NAME(NULL, &p, (long)name.size);
    unsigned long  hash = n == NULL ? 0 : X509_NAME_hash_ex(n, NULL, NULL, NULL);
    X509_NAME_free(n);
    return (uint64_t)hash * 0x9e3779b97f4a7c15ULL;
}

static bool names_equal(dx_bytes a, dx_bytes b)
{
    if (dx_bytes_equal(a, b))
        return true;
    const uint8_t *p = a.data, *q = b.data;
    X509_NAME     *x = d2i_X509_NAME(NULL, &p, (long)a.size), *y = d2i_X509_NAME(NULL, &q, (long)b.size);
    bool           same = x != NULL && y != NULL && X509_NAME_cmp(x, y) == 0;
    X509_NAME_free(x);
    X509_NAME_free(y);
    return same;
}

static bool table_make(table *t, uint32_t count)
{
    uint32_t size = 16;
    while (size < count * 2)
        size *= 2;
    t->slots = malloc(size * sizeof *t->slots);
    t->mask = size - 1;
    if (t->slots != NULL)
        memset(t->slots, 0xff, size * sizeof *t->slots);
    return t->slots != NULL;
}

static void snapshot_free(tlist_snapshot *s)
{
    for (size_t i = 0; i < s->list_count; i++)
        tlist_list_unref(s->lists[i]);
    for (size_t i = 0; i < 3; i++)
        free(s->tables[i].slots);
    free(s->lists);
    free(s->facts);
    free(s->services);
    free(s->entries);
    free(s);
}

static void add_entries(tlist_snapshot *s)
{
    /* From the back, so that each chain comes out in document order. */
    for (size_t i = s->service_count; i-- > 0;)
        for (uint32_t k = s->services[i]->certificate_count; k-- > 0;) {
            const tlist_certificate *c = &s->services[i]->certificates[k];
            uint32_t                 at = s->entry_count++;
            entry                   *e = &s->entries[at];
            *e = (entry){.service = s->services[i], .certificate = c, .key = {0, key_of(c->spki), name_key(c->subject)}};
            memcpy(&e->key[BY_DER], c->sha256, sizeof e->key[BY_DER]);
            for (size_t t = 0; t < 3; t++) {
                uint32_t *slot = &s->tables[t].slots[e->key[t] & s->tables[t].mask];
                e->next[t] = *slot;
                *slot = at;
            }
        }
}

static void make_id(tlist_snapshot *s)
{
    dx_hash *h = dx_hash_new(DX_HASH_SHA256);
    for (size_t i = 0; h != NULL && i < s->list_count; i++) {
        const tlist_facts *f = s->facts[i];
        char               line[256], hex[65];
        dx_hex(dx_bytes_of(f->sha256, 32), hex);
        int n = snprintf(line, sizeof line, "%s\n%s\n%llu\n%s\n%d\n", f->source, f->territory, (unsigned long long)f->sequence, hex, (int)f->state);
        dx_hash_add(h, dx_bytes_of(line, (size_t)n));
    }
    if (h != NULL)
        dx_hash_done(h, s->id);
    dx_hash_free(h);
}

DX_RC tlist_snapshot_of(tlist_list *const *lists, size_t count, int64_t at_s, tlist_snapshot **out, dx_why *why)
{
    tlist_snapshot *s = calloc(1, sizeof *s);
    uint32_t        certificates = 0;
    *out = NULL;
    if (s == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot");
    atomic_init(&s->refs, 1);
    s->epoch = atomic_fetch_add(&next_epoch, 1);
    for (size_t i = 0; i < count; i++) {
        s->service_count += lists[i]->service_count;
        for (size_t k = 0; k < lists[i]->service_count; k++)
            certificates += lists[i]->services[k].certificate_count;
    }
    s->lists = calloc(count + 1, sizeof *s->lists);
    s->facts = calloc(count + 1, sizeof *s->facts);
    s->services = calloc(s->service_count + 1, sizeof *s->services);
    s->entries = calloc(certificates + 1, sizeof *s->entries);
    bool ok = s->lists != NULL && s->facts != NULL && s->services != NULL && s->entries != NULL;
    for (size_t i = 0; i < 3; i++)
        ok = ok && table_make(&s->tables[i], certificates);
    if (!ok) {
        snapshot_free(s);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot");
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        s->lists[s->list_count++] = tlist_list_ref(lists[i]);
        s->facts[i] = &lists[i]->facts;
        for (size_t k = 0; k < lists[i]->service_count; k++)
            s->services[at++] = &lists[i]->services[k];
    }
    (void)at_s;
    add_entries(s);
    make_id(s);
    *out = s;
    return DX_OKAY;
}

tlist_snapshot *tlist_snapshot_ref(const tlist_snapshot *snapshot)
{
    tlist_snapshot *s = (tlist_snapshot *)(uintptr_t)snapshot;
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void tlist_snapshot_unref(tlist_snapshot *s)
{
    if (s != NULL && atomic_fetch_sub(&s->refs, 1) == 1)
        snapshot_free(s);
}

uint64_t tlist_snapshot_epoch(const tlist_snapshot *s)
{
    return s->epoch;
}

const uint8_t *tlist_snapshot_id(const tlist_snapshot *s)
{
    return s->id;
}

size_t tlist_snapshot_lists(const tlist_snapshot *s, const tlist_facts *const **out)
{
    *out = s->facts;
    return s->list_count;
}

size_t tlist_snapshot_services(const tlist_snapshot *s, const tlist_service *const **out)
{
    *out = s->services;
    return s->service_count;
}

/* ---- look-ups ---- */

static const tlist_interval *interval_at(const tlist_service *s, int64_t at_s)
{
    for (uint32_t i = 0; i < s->interval_count; i++)
        if (at_s >= s->intervals[i].from_s && at_s < s->intervals[i].until_s)
            return &s->intervals[i];
    return NULL;
}

static void judge_hit(tlist_hit *h, tlist_purpose purpose, int64_t at_s)
{
    const tlist_facts *list = h->service->list;
    h->good_until_s = h->interval != NULL ? h->interval->until_s : INT64_MAX;
    if (list->next_update_s != 0 && list->next_update_s < h->good_until_s && at_s < list->next_update_s)
        h->good_until_s = list->next_update_s;
    bool fits = false;
    for (uint32_t i = 0; i < h->service->interval_count; i++)
        fits |= tlist_type_fits(h->service->intervals[i].type, purpose, NULL);
    tlist_state state = tlist_state_at(list, at_s, 0);
    h->clause = "ETSI TS 119 612 5.5.4";
    if (h->interval != NULL)
        fits = tlist_type_fits(h->interval->type, purpose, NULL);
    if (!fits) {
        h->id = "ID-303";
        h->clause = "ETSI TS 119 612 5.5.1";
        h->reason = "the listed service is of another type";
    } else if (h->interval == NULL || !h->interval->usable || !tlist_status_valid(h->interval->status, h->interval->from_s)) {
        h->id = "ID-304";
        h->reason = h->interval == NULL ? "the service was not listed at that time" : "the service's status is not valid at that time";
    } else if ((state == TLIST_STATE_EXPIRED && list->state != TLIST_STATE_GRACE) || (state == TLIST_STATE_CLOSED && at_s > list->issued_s)) {
        h->id = "ID-306";
        h->clause = "ETSI TS 119 612 5.3.15";
        h->reason = state == TLIST_STATE_CLOSED ? "the list is closed" : "the list has expired";
    } else {
        h->usable = true;
        h->clause = "ETSI TS 119 612 5.5.4";
    }
}

size_t tlist_find(const tlist_snapshot *s, const tlist_key *key, tlist_purpose purpose, int64_t at_s, tlist_hit *hits, size_t max, tlist_miss *miss)
{
    size_t   count = 0;
    uint64_t spki = key_of(key->spki);
    if (miss != NULL)
        *miss = TLIST_MISS_NONE;
    for (uint32_t i = s->tables[BY_SPKI].slots[spki & s->tables[BY_SPKI].mask]; i != NOTHING; i = s->entries[i].next[BY_SPKI]) {
        const entry *e = &s->entries[i];
        if (e->key[BY_SPKI] != spki || !dx_bytes_equal(e->certificate->spki, key->spki))
            continue;
        bool same = memcmp(e->certificate->sha256, key->sha256, 32) == 0 || names_equal(e->certificate->subject, key->subject);
        if (!same) {
            if (miss != NULL)
                *miss = TLIST_MISS_KEY_ONLY;
            continue;
        }
        bool twice = false; /* two certificates of one service with one key and name */
        for (size_t k = 0; k < count; k++)
            twice |= hits[k].service == e->service;
        if (twice || count == max)
            continue;
        hits[count] = (tlist_hit){.service = e->service, .certificate = e->certificate, .interval = interval_at(e->service, at_s)};
        judge_hit(&hits[count++], purpose, at_s);
    }
    if (count == 0 && miss != NULL && *miss == TLIST_MISS_NONE) {
        const tlist_certificate *named;
        if (tlist_issuers(s, key->subject, &named, 1) > 0)
            *miss = TLIST_MISS_NAME_ONLY;
    }
    return count;
}

size_t tlist_issuers(const tlist_snapshot *s, dx_bytes issuer_name, const tlist_certificate **out, size_t max)
{
    uint64_t key = name_key(issuer_name);
    size_t   count = 0;
    for (uint32_t i = s->tables[BY_NAME].slots[key & s->tables[BY_NAME].mask]; i != NOTHING && count < max; i = s->entries[i].next[BY_NAME]) {
        const entry *e = &s->entries[i];
        if (e->key[BY_NAME] != key || !names_equal(e->certificate->subject, issuer_name))
            continue;
        bool twice = false;
        for (size_t k = 0; k < count; k++)
            twice |= memcmp(out[k]->sha256, e->certificate->sha256, 32) == 0;
        if (!twice)
            out[count++] = e->certificate;
    }
    return count;
}
