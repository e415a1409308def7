#include "trust/path/crl_judge.h"

#include "trust/base/digest.h"
#include "trust/path/crl_point.h"
#include "trust/path/path_private.h"

#include <stdlib.h>

/* ---- one list ---- */

/* 6.3.3 f, g: the key is remembered, since the same list is asked about many certificates. */
static bool signed_by(crl_list *list, const cert_facts *signer, const crl_question *q)
{
    uint8_t key[32];
    if (!cert_name_equal(signer->subject, list->issuer) ||
        (signer->has_key_usage && !(signer->key_usage & CERT_CRL_SIGN)))
        return false;
    dx_sha256(signer->spki, key);
    if (list->verified && memcmp(list->verified_sha256, key, 32) == 0)
        return true;
    if (q->signatures != NULL) {
        if (*q->signatures == 0)
            return false;
        --*q->signatures;
    }
    if (!signed_bytes_ok(list->algorithm, list->tbs, list->signature, signer->spki, q->algorithms))
        return false;
    list->verified = true;
    memcpy(list->verified_sha256, key, 32);
    return true;
}

static bool signed_by_who_may(crl_list *list, const crl_question *q)
{
    if (signed_by(list, q->issuer, q))
        return true;
    for (size_t i = 0; i < q->signer_count; i++)
        if (signed_by(list, q->signers[i], q))
            return true;
    return false;
}

/* NULL: it is understood, and for certificates of its own issuer. */
static const char *check_form(const crl_list *list, const crl_question *q)
{
    if (list->unknown_critical)
        return "ID-412";
    if (list->indirect || list->foreign_entries)
        return "ID-414";
    if ((q->require_number && (list->number.data == NULL || list->number_critical)) ||
        (q->require_key_id && !list->has_key_id))
        return "ID-412";
    /* 5.2.4: a delta has the number of the list that it makes */
    return list->base_number.data != NULL && list->number.data == NULL ? "ID-412" : NULL;
}

/* Until when the list may be used; it covers at_s when that is not later. */
static int64_t usable_until(const crl_list *list, const crl_question *q)
{
    int64_t until_s = list->next_update_s != 0 ? list->next_update_s : q->max_age_s == 0 ? 0 : INT64_MAX;
    if (q->max_age_s != 0 && list->this_update_s < INT64_MAX - q->max_age_s &&
        list->this_update_s + q->max_age_s < until_s)
        until_s = list->this_update_s + q->max_age_s;
    return until_s;
}

static bool covers(const crl_list *list, const crl_question *q)
{
    if (list->this_update_s > q->at_s && list->this_update_s - q->at_s > q->skew_s)
        return q->past && usable_until(list, q) != 0;
    return q->at_s <= usable_until(list, q);
}

/* ---- one entry ---- */

/* identity.md 9.1: the date of the entry, or an earlier one from which a compromised key counts for nothing.
 */
static int64_t revoked_since(const crl_entry *e, const crl_question *q)
{
    bool compromised = e->reason == CRL_KEY_COMPROMISE || e->reason == CRL_CA_COMPROMISE;
    if (!e->dated)
        return 0;
    if (compromised && e->has_invalidity)
        return e->invalid_from_s < e->revoked_s ? e->invalid_from_s : e->revoked_s;
    return compromised && q->compromised_ever ? 0 : e->revoked_s;
}

/* ---- all lists together ---- */

typedef struct {
    crl_list *list;
    bool delta;
    unsigned reasons; /* 0: not for this certificate */
    bool listed;
    crl_entry entry;
} reading;

typedef struct {
    const crl_question *q;
    reading *readings;
    size_t count;
    crl_answer answer;
    const char *worst; /* why a list was of no use */
    unsigned covered;
} judgement;

static void note(judgement *j, const char *id)
{
    j->worst = path_graver(j->worst, id);
}

/* Lists that are of this issuer, signed and understood. */
static void read_all(judgement *j, crl_list *const *lists, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        crl_list *list = lists[i];
        const char *id = list->id;
        if (id == NULL && !cert_name_equal(list->issuer, j->q->issuer->subject))
            continue;
        any = true;
        if (id == NULL)
            id = signed_by_who_may(list, j->q) ? check_form(list, j->q) : "ID-411";
        reading r = {.list = list, .delta = list->base_number.data != NULL};
        if (id == NULL && list->only_attributes)
            id = "ID-413";
        if (id == NULL) {
            r.listed = crl_find(list, j->q->subject->serial, &r.entry);
            if (!r.listed && list->undated_entries)
                id = "ID-412";
        }
        if (id != NULL) {
            note(j, id);
            continue;
        }
        r.reasons = crl_point_reasons(list, j->q->subject);
        j->readings[j->count++] = r;
    }
    j->answer.about_another = !any;
}

/* 6.3.3 c: a delta belongs to a base of the same scope and the same key. */
static bool same_scope(const reading *delta, const reading *base)
{
    const crl_list *a = delta->list, *b = base->list;
    return a->has_point == b->has_point && dx_bytes_equal(a->point, b->point) &&
           dx_bytes_equal(a->key_id, b->key_id) && memcmp(a->verified_sha256, b->verified_sha256, 32) == 0;
}

static bool newer(const crl_list *a, const crl_list *b)
{
    return b->number.data == NULL || crl_number_compare(a->number, b->number) > 0;
}

/* 5.2.4: base number of the delta <= number of the base < number of the delta. */
static bool fits_base(const judgement *j, const reading *delta, const reading *base)
{
    return base->list->number.data != NULL && newer(delta->list, base->list) &&
           crl_number_compare(delta->list->base_number, base->list->number) <= 0 && covers(delta->list, j->q);
}

/* The newest delta that fits, or NULL. *behind: there is a newer one, of no use, which knows what the base
 * and the delta do not. */
static const reading *find_delta(const judgement *j, const reading *base, bool *behind)
{
    const reading *best = NULL;
    for (size_t i = 0; i < j->count; i++) {
        const reading *r = &j->readings[i];
        if (r->delta && same_scope(r, base) && fits_base(j, r, base) &&
            (best == NULL || newer(r->list, best->list)))
            best = r;
    }
    *behind = false;
    for (size_t i = 0; i < j->count; i++) {
        const reading *r = &j->readings[i];
        if (r->delta && same_scope(r, base) && newer(r->list, best == NULL ? base->list : best->list))
            *behind = true;
    }
    return best;
}

static bool removed_by(const reading *delta, const reading *base)
{
    return delta != NULL && delta->listed && delta->entry.reason == CRL_REMOVE_FROM_CRL &&
           base->entry.reason == CRL_CERTIFICATE_HOLD;
}

/* Who is listed anywhere is revoked, but for a hold that a delta took back, and the taking back itself. */
static bool find_listed(judgement *j)
{
    for (size_t i = 0; i < j->count; i++) {
        const reading *r = &j->readings[i];
        bool behind;
        if (!r->listed || (r->delta && r->entry.reason == CRL_REMOVE_FROM_CRL) ||
            (!r->delta && removed_by(find_delta(j, r, &behind), r)))
            continue;
        int64_t since_s = revoked_since(&r->entry, j->q);
        bool revoked = since_s <= j->q->until_s;
        if (revoked || !j->answer.listed) {
            j->answer.listed = true;
            j->answer.revoked_s = since_s;
            j->answer.reason = r->entry.reason;
            j->answer.list = r->list;
            j->answer.this_update_s = r->list->this_update_s;
            j->answer.next_update_s = r->list->next_update_s;
        }
        if (revoked)
            return true;
    }
    return false;
}

/* Takes in what a list that does not name the certificate is good for. */
static void cover(judgement *j, const crl_list *list, unsigned reasons)
{
    int64_t until_s = usable_until(list, j->q);
    if (j->covered == 0 || until_s < j->answer.usable_until_s) {
        j->answer.usable_until_s = until_s;
        j->answer.this_update_s = list->this_update_s;
        j->answer.next_update_s = list->next_update_s;
        j->answer.list = list;
    }
    j->covered |= reasons;
}

static void find_good(judgement *j)
{
    for (size_t i = 0; i < j->count; i++) {
        const reading *r = &j->readings[i];
        bool behind = false;
        if (r->delta)
            continue;
        if (r->reasons == 0) {
            note(j, "ID-413");
            continue;
        }
        if (j->q->require_next_update && r->list->next_update_s == 0) { /* 5.1.2.5 */
            note(j, "ID-412");
            continue;
        }
        const reading *delta = find_delta(j, r, &behind);
        if (!covers(r->list, j->q) || behind) {
            note(j, "ID-408");
            continue;
        }
        cover(j, r->list, r->reasons);
        if (delta != NULL)
            cover(j, delta->list, r->reasons);
    }
}

crl_answer crl_judge(crl_list *const *lists, size_t count, const crl_question *question)
{
    judgement j = {.q = question, .readings = calloc(count + 1, sizeof *j.readings)};
    j.answer.reason = CRL_NO_REASON;
    if (j.readings == NULL) {
        j.answer.id = "ID-901";
        return j.answer;
    }
    read_all(&j, lists, count);
    if (find_listed(&j)) {
        j.answer.state = REVOCATION_REVOKED;
        j.answer.id = "ID-402";
    } else {
        find_good(&j);
        if (j.covered == CRL_ALL_REASONS)
            j.answer.state = REVOCATION_GOOD;
        else
            j.answer.id = j.answer.about_another ? "ID-411" : j.worst != NULL ? j.worst : "ID-413";
    }
    free(j.readings);
    return j.answer;
}
