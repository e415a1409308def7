/* Looking up: no allocation, no XML, no clock. */
#include "trust/list/tlist_certificate.h"
#include "trust/list/tlist_recognition.h"
#include "trust/list/tlist_snapshot.h"

static const char clause_identity[] = "TS 119 612 5.5.1";

static void refuse(tlist_hit *hit, const char *id, const char *clause, const char *reason)
{
    if (hit->id != NULL)
        return;
    hit->id = id;
    hit->clause = clause;
    hit->reason = reason;
}

static void limit(tlist_hit *hit, int64_t when_s, int64_t at_s)
{
    if (when_s > at_s && when_s < hit->good_until_s)
        hit->good_until_s = when_s;
}

/* TL-704, TL-705: is the list, and the list of lists above it, in force at t? */
static void judge_list(const tlist_snapshot *s, const tlist_facts *f, int64_t at_s, tlist_hit *hit)
{
    const tlist_limits *limits = &s->limits[f - s->facts];
    static const char clause[] = "TS 119 612 5.3.15";
    if (limits->withdrawn)
        refuse(hit, "ID-306", "TS 119 612 5.3.13", "the signer of the list is no longer announced (TL-607)");
    if (f->next_update_s == 0) {
        if (at_s > f->issued_s)
            refuse(hit, "ID-306", clause,
                   "the list is closed: it answers for times up to its issue only (TL-705)");
        else
            limit(hit, f->issued_s + 1, at_s);
        return;
    }
    int64_t until = f->next_update_s + s->grace_s;
    if (at_s >= until)
        refuse(hit, "ID-306", clause, "the list has expired: its NextUpdate has passed (TL-704)");
    if (at_s >= limits->upper_until_s)
        refuse(hit, "ID-306", clause,
               "the list of lists above has expired: its NextUpdate has passed (TL-704)");
    limit(hit, f->next_update_s, at_s);
    limit(hit, until, at_s);
    limit(hit, limits->upper_until_s, at_s);
}

/* A partner's service is what an enacted recognition makes of it, and nothing by itself. */
static void judge_partner(tlist_hit *hit, tlist_purpose purpose, int64_t at_s)
{
    tlist_recognition_answer r;
    bool fits = false, valid = false;
    if (hit->interval == NULL) {
        refuse(hit, "ID-304", "TS 119 612 5.5.5", "the service has no status at that time");
        return;
    }
    (void)tlist_recognise(hit->service->list, hit->interval, at_s, &r);
    limit(hit, r.good_until_s, at_s);
    for (size_t i = 0; i < r.part_count; i++) {
        bool fit = (r.parts[i].purposes & 1u << purpose) != 0;
        fits |= fit;
        valid |= fit && r.parts[i].status_valid;
    }
    if (!fits)
        refuse(hit, "ID-303", r.id == NULL ? clause_identity : r.clause,
               r.id == NULL ? "the type of the service does not fit the purpose"
                            : "no enacted recognition makes the service fit the purpose");
    else if (!valid)
        refuse(hit, "ID-304", "TS 119 612 5.5.4",
               "the status of the service is not a valid one at that time");
}

static void judge_service(tlist_hit *hit, tlist_purpose purpose)
{
    const tlist_interval *n = hit->interval != NULL ? hit->interval : &hit->service->intervals[0];
    if ((n->purposes & 1u << purpose) == 0)
        refuse(hit, "ID-303", clause_identity, "the type of the service does not fit the purpose");
    if (hit->interval == NULL)
        refuse(hit, "ID-304", "TS 119 612 5.5.5", "the service has no status at that time");
    else if (!n->status_valid)
        refuse(hit, "ID-304", "TS 119 612 5.5.4",
               "the status of the service is not a valid one at that time");
}

static void judge(const tlist_snapshot *s, tlist_hit *hit, tlist_purpose purpose, int64_t at_s)
{
    tlist_hit list = {.good_until_s = INT64_MAX};
    hit->good_until_s = INT64_MAX;
    for (uint32_t i = 0; i < hit->service->interval_count; i++) {
        const tlist_interval *n = &hit->service->intervals[i];
        limit(hit, n->from_s, at_s);
        limit(hit, n->until_s, at_s);
        if (hit->interval == NULL && at_s >= n->from_s && at_s < n->until_s)
            hit->interval = n;
    }
    if (tlist_is_partner(hit->service->list))
        judge_partner(hit, purpose, at_s);
    else
        judge_service(hit, purpose);
    if (hit->interval != NULL && !hit->interval->usable)
        refuse(hit, "ID-304", "TS 119 612 5.5.9",
               "the service has a critical extension that is not known (TL-803)");
    judge_list(s, hit->service->list, at_s, &list);
    limit(hit, list.good_until_s, at_s);
    hit->in_force = list.id == NULL;
    if (!hit->in_force)
        refuse(hit, list.id, list.clause, list.reason);
    hit->usable = hit->id == NULL;
}

/* A certificate that is listed itself brings its digests along; any other is digested here. */
static bool keys_of(const tlist_snapshot *s, const tlist_key *key, uint8_t keys[3][32])
{
    const tlist_index_entry *e;
    if (tlist_index_find(&s->certificates, key->sha256, &e) > 0) {
        const tlist_certificate *c = &s->services[e->service].certificates[e->certificate];
        memcpy(keys[0], c->identity, 32);
        memcpy(keys[1], c->spki_sha256, 32);
        memcpy(keys[2], c->name_sha256, 32);
        return true;
    }
    return tlist_identity_key(key->spki, key->subject, keys[0], keys[1], keys[2]);
}

size_t tlist_find(const tlist_snapshot *snapshot, const tlist_key *key, tlist_purpose purpose, int64_t at_s,
                  tlist_hit *hits, size_t max, tlist_miss *miss)
{
    uint8_t keys[3][32];
    const tlist_index_entry *e;
    size_t count, written = 0;
    if (miss != NULL)
        *miss = TLIST_MISS_NONE;
    if (snapshot == NULL || !keys_of(snapshot, key, keys))
        return 0;
    count = tlist_index_find(&snapshot->identities, keys[0], &e);
    for (size_t i = 0; i < count; i++) {
        const tlist_service *service = &snapshot->services[e[i].service];
        const tlist_certificate *certificate = &service->certificates[e[i].certificate];
        if (written > 0 && hits[written - 1].service == service) {
            /* Renewals in one service: the certificate itself is named rather than its sister. */
            if (memcmp(certificate->sha256, key->sha256, 32) == 0)
                hits[written - 1].certificate = certificate;
            continue;
        }
        if (written == max)
            break;
        hits[written] = (tlist_hit){.service = service, .certificate = certificate};
        judge(snapshot, &hits[written++], purpose, at_s);
    }
    if (count == 0 && miss != NULL)
        *miss = tlist_index_find(&snapshot->keys, keys[1], &e) > 0    ? TLIST_MISS_KEY_ONLY
                : tlist_index_find(&snapshot->names, keys[2], &e) > 0 ? TLIST_MISS_NAME_ONLY
                                                                      : TLIST_MISS_NONE;
    return written;
}

size_t tlist_issuers(const tlist_snapshot *snapshot, dx_bytes issuer_name, const tlist_certificate **out,
                     size_t max)
{
    uint8_t name[32];
    const tlist_index_entry *e;
    size_t written = 0;
    if (snapshot == NULL || !tlist_name_digest(issuer_name, name))
        return 0;
    size_t count = tlist_index_find(&snapshot->names, name, &e);
    for (size_t i = 0; i < count && written < max; i++) {
        const tlist_certificate *c = &snapshot->services[e[i].service].certificates[e[i].certificate];
        size_t k = 0;
        while (k < written && memcmp(out[k]->sha256, c->sha256, 32) != 0)
            k++;
        if (k == written)
            out[written++] = c;
    }
    return written;
}
