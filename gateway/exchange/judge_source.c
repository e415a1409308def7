#include "gateway/exchange/judge_private.h"

#include "trust/base/digest.h"
#include "trust/base/log.h"

#include <stdlib.h>

/* What sources of revocation said, and what that came to (identity.md 9.1, 9.5). A source keeps the answer
 * that a judgement rested on and the one that came since; a record keeps the state of one certificate. */

#define PREFETCH_USED_S  86400 /* asked ahead of time only for what was used since */
#define PREFETCH_LEAST_S 10
#define PREFETCH_MOST_S  600

static size_t bucket_of(const uint8_t key[32])
{
    uint64_t v;
    memcpy(&v, key, sizeof v); /* a digest is spread already */
    return (size_t)(v % JUDGE_BUCKETS);
}

/* ---- sources ---- */

static void source_free(judge_source *s)
{
    dx_buf_fini(&s->request);
    dx_buf_fini(&s->proven);
    dx_buf_fini(&s->fresh);
    free(s->urls[0]);
    free(s->urls[1]);
    judged_unref(s->context);
    free(s);
}

static bool evict_source(judges *j)
{
    judge_source **oldest = NULL;
    for (size_t i = 0; i < JUDGE_BUCKETS; i++)
        for (judge_source **at = &j->sources[i]; *at != NULL; at = &(*at)->next)
            if (!(*at)->in_flight && (*at)->pins == 0 &&
                (oldest == NULL || (*at)->used_s < (*oldest)->used_s))
                oldest = at;
    if (oldest == NULL)
        return false;
    judge_source *gone = *oldest;
    *oldest = gone->next;
    source_free(gone);
    j->source_count--;
    j->index_dirty = true;
    return true;
}

judge_source *judge_source_of(judges *j, const uint8_t key[32], bool is_crl)
{
    for (judge_source *s = j->sources[bucket_of(key)]; s != NULL; s = s->next)
        if (s->is_crl == is_crl && memcmp(s->key, key, 32) == 0)
            return s;
    if (j->source_count >= JUDGE_SOURCES_MAX && !evict_source(j))
        return NULL;
    judge_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    memcpy(s->key, key, 32);
    s->is_crl = is_crl;
    dx_buf_init(&s->request, 4096);
    s->next = j->sources[bucket_of(key)];
    j->sources[bucket_of(key)] = s;
    j->source_count++;
    return s;
}

void judge_source_addresses(judge_source *s, const char *const urls[2])
{
    for (size_t i = 0; i < 2 && s->urls[0] == NULL; i++)
        if (urls[i] != NULL && s->urls[i] == NULL)
            s->urls[i] = strdup(urls[i]);
}

bool judge_source_due(const judges *j, const judge_source *s, bool recheck)
{
    int64_t now_s = dx_now_s(j->spec.clock);
    if (s->in_flight || now_s < s->not_before_s)
        return false;
    if (s->proven.size > 0 && now_s >= s->prefetch_s && now_s < s->usable_until_s &&
        now_s - s->used_s < PREFETCH_USED_S)
        return true;
    return recheck && !s->is_crl && now_s >= s->asked_s + (j->spec.live_recheck_s + 1) / 2;
}

/* Half of the way from now to the end of its use, ten percent earlier or later, so that what began together
 * does not ask together for ever. */
static int64_t prefetch_at(judges *j, int64_t this_update_s, int64_t until_s)
{
    int64_t half = (until_s - this_update_s) / 2, spread = half / 5;
    j->chance = j->chance * 1664525U + 1013904223U;
    int64_t at_s = this_update_s + half - spread / 2 + (spread > 0 ? (int64_t)(j->chance >> 8) % spread : 0);
    int64_t now_s = dx_now_s(j->spec.clock);
    return at_s > now_s ? at_s : now_s + (until_s - now_s) / 2; /* it came when half was over already */
}

void judge_source_later(const judges *j, judge_source *s)
{
    int64_t now_s = dx_now_s(j->spec.clock), wait_s = (s->usable_until_s - now_s) / 2;
    s->prefetch_s = now_s + (wait_s < PREFETCH_LEAST_S  ? PREFETCH_LEAST_S
                             : wait_s < PREFETCH_MOST_S ? wait_s
                                                        : PREFETCH_MOST_S);
}

static judge_source *proven_by(judge_need *need, const revocation_view *view)
{
    judge_source *all[3] = {need->ocsp, need->crl[0], need->crl[1]};
    for (size_t i = 0; i < 3; i++) {
        judge_source *s = all[i];
        if (s == NULL)
            continue;
        if (s->fresh.size > 0 && memcmp(s->fresh_sha256, view->evidence_sha256, 32) == 0) {
            dx_buf_fini(&s->proven);
            s->proven = s->fresh;
            s->saved = s->saved && memcmp(s->proven_sha256, s->fresh_sha256, 32) == 0;
            memcpy(s->proven_sha256, s->fresh_sha256, 32);
            dx_buf_init(&s->fresh, 0);
            return s;
        }
        if (s->proven.size > 0 && memcmp(s->proven_sha256, view->evidence_sha256, 32) == 0)
            return s;
    }
    return NULL;
}

void judge_source_drop(judge_source *s)
{
    if (s->in_flight)
        return;
    dx_buf_fini(&s->fresh);
    dx_buf_init(&s->fresh, 0);
}

/* ---- records ---- */

static void record_free(judge_record *r)
{
    /* Who depends on it would not hear of a change any more. */
    atomic_fetch_add_explicit(&r->fact->version, 1, memory_order_release);
    judge_fact_unref(r->fact);
    dx_buf_fini(&r->revoked);
    free(r);
}

static bool evict_record(judges *j)
{
    judge_record **oldest = NULL;
    for (size_t i = 0; i < JUDGE_BUCKETS; i++)
        for (judge_record **at = &j->records[i]; *at != NULL; at = &(*at)->next)
            if ((*at)->revoked.size == 0 && (*at)->pins == 0 &&
                (oldest == NULL || (*at)->used_s < (*oldest)->used_s))
                oldest = at;
    if (oldest == NULL)
        return false; /* a revocation is never forgotten for want of room */
    judge_record *gone = *oldest;
    *oldest = gone->next;
    record_free(gone);
    j->record_count--;
    return true;
}

judge_record *judge_record_of(judges *j, const uint8_t key[32])
{
    for (judge_record *r = j->records[bucket_of(key)]; r != NULL; r = r->next)
        if (memcmp(r->key, key, 32) == 0)
            return r;
    if (j->record_count >= JUDGE_RECORDS_MAX && !evict_record(j))
        return NULL;
    judge_record *r = calloc(1, sizeof *r);
    judge_fact *f = calloc(1, sizeof *f);
    if (r == NULL || f == NULL) {
        free(r);
        free(f);
        return NULL;
    }
    atomic_init(&f->refs, 1);
    r->fact = f;
    memcpy(r->key, key, 32);
    r->next = j->records[bucket_of(key)];
    j->records[bucket_of(key)] = r;
    j->record_count++;
    return r;
}

static void changed(judges *j, judge_record *r)
{
    atomic_fetch_add_explicit(&r->fact->version, 1, memory_order_release);
    atomic_fetch_add_explicit(&j->changes, 1, memory_order_release);
}

void judge_record_forget(judges *j, judge_record *r)
{
    dx_buf_fini(&r->revoked);
    dx_buf_init(&r->revoked, 0);
    r->state = REVOCATION_UNKNOWN;
    r->told_unrevoked = r->filed = false;
    /* The responder's answer of then goes too: it is asked again, and may say the same again. */
    for (judge_source *s = j->sources[bucket_of(r->key)]; s != NULL; s = s->next)
        if (!s->is_crl && memcmp(s->key, r->key, 32) == 0) {
            dx_buf_fini(&s->proven);
            dx_buf_init(&s->proven, 0);
            judge_source_drop(s);
            s->saved = false;
            s->asked_s = s->not_before_s = 0;
            j->index_dirty = true;
        }
    changed(j, r);
}

/* It stays revoked whatever is said later, but for a certificate on hold: the answer itself is kept, and each
 * judgement reads it again. */
static void keep_revoked(judges *j, judge_need *need, const judge_source *s, const revocation_view *view,
                         const trust_verdict *verdict)
{
    judge_record *r = need->record;
    char name[96] = "";
    if (r->revoked.size == 0 && !view->on_hold && s != NULL) {
        dx_buf_init(&r->revoked, s->proven.size);
        if (dx_buf_add(&r->revoked, dx_buf_view(&s->proven)).code == DX_OK) {
            r->revoked_is_crl = s->is_crl;
            judge_save_revoked(j, r, name, sizeof name);
        }
    }
    char hex[DX_HEX_SIZE(32)];
    dx_hex(dx_bytes_of(need->certificate_sha256, 32), hex);
    dx_log(DX_LOG_SECURITY, "peer.revoked", F_STR("certificate", hex), F_STR("id", verdict->id),
           F_STR("org", verdict->org.kind == ORGANISATION_LEGAL ? verdict->org.id : NULL),
           F_BOOL("on_hold", view->on_hold), F_STR("file", name[0] ? name : NULL));
}

void judge_source_learn(judges *j, judge_job *job, judge_need *need, const revocation_view *view,
                        const trust_verdict *verdict)
{
    judge_record *r = need->record;
    int64_t now_s = dx_now_s(j->spec.clock);
    r->used_s = now_s;
    judge_source *s = view->state == REVOCATION_UNKNOWN ? NULL : proven_by(need, view);
    if (s != NULL) {
        s->used_s = now_s;
        if (s->usable_until_s != view->usable_until_s || s->context == NULL) {
            s->usable_until_s = view->usable_until_s;
            s->prefetch_s = prefetch_at(j, view->this_update_s, view->usable_until_s);
            judge_save_answer(j, s);
        }
        judged_unref(s->context);
        s->context = judged_ref(job->about);
    }
    judge_source *o = need->ocsp;
    if (o != NULL && o->fresh.size > 0 && !o->in_flight) { /* it was looked at, and nothing rests on it */
        if (view->state != REVOCATION_REVOKED)
            dx_log(DX_LOG_SECURITY, "revocation.invalid", F_STR("id", verdict->id[0] ? verdict->id : NULL),
                   F_STR("text", "an OCSP response could not be used"), F_STR("url", o->urls[0]));
        judge_source_drop(o);
    }
    if (view->state == REVOCATION_REVOKED && r->state != REVOCATION_REVOKED) {
        if (r->state == REVOCATION_GOOD)
            changed(j, r);
        r->state = REVOCATION_REVOKED;
        keep_revoked(j, need, s, view, verdict);
    } else if (view->state == REVOCATION_GOOD) {
        if (r->state == REVOCATION_REVOKED)
            changed(j, r); /* the hold was lifted */
        r->state = REVOCATION_GOOD;
    }
}

void judge_sources_free(judges *j)
{
    for (size_t i = 0; i < JUDGE_BUCKETS; i++) {
        while (j->sources[i] != NULL) {
            judge_source *s = j->sources[i];
            j->sources[i] = s->next;
            source_free(s);
        }
        while (j->records[i] != NULL) {
            judge_record *r = j->records[i];
            j->records[i] = r->next;
            record_free(r);
        }
    }
}
