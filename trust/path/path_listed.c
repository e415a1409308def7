#include "trust/path/path_qualified.h"

/* Step 1 of 8.1: which services speak of a path, and a partner's in our words (trusted-lists.md 9.5). */

#define QUALIFIER "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"

static const char *last_segment(const char *uri)
{
    for (const char *end = strpbrk(uri, "/#"); end != NULL; end = strpbrk(uri, "/#"))
        uri = end + 1;
    return uri;
}

/* What one qualifier of the list is in our words; NULL: no qualifier of ours. */
static const char *in_our_words(const path_listed_service *c, const char *uri)
{
    const char *mapped = c->version == NULL ? NULL : tlist_recognised_qualifier(c->version, uri);
    if (mapped != NULL)
        return mapped;
    return strncmp(uri, QUALIFIER, sizeof QUALIFIER - 1) == 0 ? last_segment(uri) : NULL;
}

static bool names(const path_listed_service *c, const tlist_qualification *q, const char *qualifier)
{
    for (uint32_t k = 0; k < q->qualifier_count; k++) {
        const char *word = q->qualifiers[k] == NULL ? NULL : in_our_words(c, q->qualifiers[k]);
        if (word != NULL && strcasecmp(word, qualifier) == 0)
            return true;
    }
    return false;
}

bool path_captured(const path_listed_service *c, dx_bytes leaf, const char *qualifier)
{
    for (uint32_t i = 0; i < c->interval->qualification_count; i++) {
        const tlist_qualification *q = &c->interval->qualifications[i];
        if (q->usable && names(c, q, qualifier) && tlist_criteria_match(q->criteria, leaf))
            return true;
    }
    return false;
}

bool path_maybe_captured(const path_listed_service *c, const char *qualifier)
{
    for (uint32_t i = 0; i < c->interval->qualification_count; i++)
        if (!c->interval->qualifications[i].usable && names(c, &c->interval->qualifications[i], qualifier))
            return true;
    return false;
}

static void say(const qualification_question *q, const char *id, int64_t at_s, const tlist_hit *hit,
                const char *text)
{
    char at[DX_TIME_SIZE];
    dx_time_print(at_s, at);
    path_trace_step(q->trace, id, "at %s step 1, %s/%s sequence %llu, %.60s: %s", at,
                    hit->service->list->scheme, hit->service->list->territory,
                    (unsigned long long)hit->service->list->sequence, hit->service->name, text);
}

typedef struct {
    const qualification_question *question;
    int64_t at_s;
    path_listed_service *all;
    size_t count;
} collection;

static void add_native(collection *c, const tlist_hit *hit)
{
    const tlist_interval *n = hit->interval;
    /* Only a list of the EU speaks the law of the EU; one of another scheme may copy its words. */
    bool eu = strcmp(hit->service->list->scheme, "EU") == 0 && n->class_ == NULL;
    if (c->count == LISTED_SERVICES_MAX)
        return;
    c->all[c->count++] = (path_listed_service){.service = hit->service,
                                               .interval = n,
                                               .type = n->type,
                                               .status = n->status,
                                               .info = n->info,
                                               .info_count = n->info_count,
                                               .status_valid = n->status_valid,
                                               .by = eu ? QUALIFIED_BY_EU_LIST : QUALIFIED_BY_NOBODY,
                                               .stated = c->question->stated->qc};
}

/* A partner's service counts as what the agreement in force makes of it, for certificates issued under it. */
static void add_partner(collection *c, const tlist_hit *hit, qualification *out)
{
    const qualification_question *q = c->question;
    tlist_recognition_answer r;
    if (!tlist_recognise(hit->service->list, hit->interval, c->at_s, &r)) {
        say(q, "TL-952", c->at_s, hit, "no item of the agreement speaks of such a service");
        return;
    }
    bool now = c->at_s == q->at_s;
    if (now) {
        out->recognition = r.status;
        out->instrument = r.instrument;
        out->recognition_since_s = r.from_s;
    }
    if (r.good_until_s < out->good_until_s && r.good_until_s > q->at_s)
        out->good_until_s = r.good_until_s;
    if (r.part_count > 0 && (q->not_before_s < r.from_s || q->not_before_s >= r.until_s)) {
        r.part_count = 0;
        r.id = "TL-952";
    }
    if (r.part_count == 0)
        say(q, r.id == NULL ? "TL-952" : r.id, c->at_s, hit, "the agreement is not applied");
    for (size_t i = 0; i < r.part_count && c->count < LISTED_SERVICES_MAX; i++) {
        path_listed_service *one = &c->all[c->count++];
        *one = (path_listed_service){.service = hit->service,
                                     .interval = hit->interval,
                                     .type = r.parts[i].type,
                                     .status = r.parts[i].status,
                                     .info_count = r.parts[i].info != NULL,
                                     .mapped_info = {r.parts[i].info},
                                     .status_valid = r.parts[i].status_valid,
                                     .version = r.parts[i].version,
                                     .by = QUALIFIED_BY_MRA};
        one->info = one->mapped_info;
        tlist_recognised_statements(one->version, q->path[0].der, &q->stated->qc, &one->stated);
        if (now) {
            out->mapped_type = one->type;
            out->mapped_status = one->status;
        }
    }
}

size_t path_listed_services(const qualification_question *question, tlist_purpose purpose, int64_t at_s,
                            path_listed_service *candidates, qualification *out)
{
    collection c = {question, at_s, candidates, 0};
    for (size_t i = 0; i < question->path_count; i++) {
        tlist_hit hits[16];
        size_t n = tlist_find(question->snapshot, &question->path[i], purpose, at_s, hits, 16, NULL);
        for (size_t k = 0; k < n; k++) {
            if (hits[k].good_until_s < out->good_until_s && hits[k].good_until_s > question->at_s)
                out->good_until_s = hits[k].good_until_s;
            if (!hits[k].in_force)
                say(question, "ID-306", at_s, &hits[k], hits[k].reason);
            else if (hits[k].interval == NULL)
                say(question, "ID-304", at_s, &hits[k], "the service has no status yet");
            else if (!hits[k].interval->usable)
                say(question, "TL-803", at_s, &hits[k],
                    "the service has a critical extension that is not known");
            else if (tlist_is_partner(hits[k].service->list))
                add_partner(&c, &hits[k], out);
            else
                add_native(&c, &hits[k]);
        }
    }
    return c.count;
}
