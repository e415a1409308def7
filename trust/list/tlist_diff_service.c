/* Providers and services of a list, before and after. */
#include "trust/list/tlist_criteria.h"
#include "trust/list/tlist_diff_inside.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- which is which ---- */

static bool shares_certificate(const tlist_service *a, const tlist_service *b)
{
    for (uint32_t i = 0; i < a->certificate_count; i++)
        for (uint32_t k = 0; k < b->certificate_count; k++)
            if (memcmp(a->certificates[i].sha256, b->certificates[k].sha256, 32) == 0)
                return true;
    return false;
}

static bool same_name(const tlist_service *a, const tlist_service *b)
{
    return strcmp(a->provider, b->provider) == 0 && strcmp(a->name, b->name) == 0;
}

/* The surest likeness first; a service of the other side is taken once. */
static bool alike(const tlist_service *a, const tlist_service *b, int pass)
{
    bool type = strcmp(a->intervals[0].type, b->intervals[0].type) == 0;
    switch (pass) {
    case 0:
        return type && same_name(a, b) && shares_certificate(a, b) &&
               a->intervals[0].info_count == b->intervals[0].info_count;
    case 1:
        return type && same_name(a, b) && shares_certificate(a, b);
    case 2:
        return type && shares_certificate(a, b);
    case 3:
        return type && same_name(a, b);
    default:
        return shares_certificate(a, b);
    }
}

/* match[i] is the index + 1 in `before` of service i in `after`. */
static void match_services(const tlist_list *before, const tlist_list *after, size_t *match, bool *taken)
{
    for (int pass = 0; pass < 5; pass++)
        for (size_t i = 0; i < after->service_count; i++)
            for (size_t k = 0; match[i] == 0 && k < before->service_count; k++)
                if (!taken[k] && alike(&before->services[k], &after->services[i], pass)) {
                    match[i] = k + 1;
                    taken[k] = true;
                }
}

/* ---- one service ---- */

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

static void subject_of(const tlist_service *s, char out[512])
{
    snprintf(out, 512, "%.200s: %.200s (%.60s)", s->provider, s->name, last_segment(s->intervals[0].type));
}

static bool lists_certificate(const tlist_service *s, const uint8_t sha256[32])
{
    for (uint32_t i = 0; i < s->certificate_count; i++)
        if (memcmp(s->certificates[i].sha256, sha256, 32) == 0)
            return true;
    return false;
}

static bool lists_info(const tlist_interval *n, const char *uri)
{
    for (uint32_t i = 0; i < n->info_count; i++)
        if (strcmp(n->info[i], uri) == 0)
            return true;
    return false;
}

/* What of an interval is no text: as a digest, so that any change in it is seen. */
static void digest_of(const tlist_interval *n, uint32_t count, bool whole, char out[65])
{
    uint8_t value[32];
    dx_hash *hash = dx_hash_new(DX_HASH_SHA256);
    out[0] = '\0';
    if (hash == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (whole) {
            dx_hash_add(hash, dx_bytes_of(&n[i].from_s, sizeof n[i].from_s));
            dx_hash_add(hash, dx_bytes_text(n[i].type));
            dx_hash_add(hash, dx_bytes_text(n[i].status));
        }
        for (uint32_t k = 0; k < n[i].qualification_count; k++) {
            const tlist_qualification *q = &n[i].qualifications[k];
            for (uint32_t m = 0; m < q->qualifier_count; m++)
                dx_hash_add(hash, dx_bytes_text(q->qualifiers[m]));
            tlist_criteria_hash(q->criteria, hash);
        }
    }
    dx_hash_done(hash, value);
    dx_hash_free(hash);
    dx_hex(dx_bytes_of(value, sizeof value), out);
}

static void compare_digest(tlist_diff_out *out, const char *kind, const char *subject, const char *noun,
                           uint32_t before_count, const char *before, uint32_t after_count, const char *after)
{
    char a[96], b[96];
    snprintf(a, sizeof a, "%u %s, %.16s", before_count, noun, before);
    snprintf(b, sizeof b, "%u %s, %.16s", after_count, noun, after);
    tlist_diff_text(out, kind, subject, a, b);
}

static void compare_now(tlist_diff_out *out, const char *subject, const tlist_interval *o,
                        const tlist_interval *n)
{
    char a[DX_TIME_SIZE], b[DX_TIME_SIZE], before[65], after[65];
    tlist_diff_text(out, "type", subject, o->type, n->type);
    tlist_diff_text(out, "status", subject, o->status, n->status);
    dx_time_print(o->from_s, a);
    dx_time_print(n->from_s, b);
    tlist_diff_text(out, "since", subject, a, b);
    tlist_diff_text(out, "usable", subject, o->usable ? "yes" : "no (TL-803)",
                    n->usable ? "yes" : "no (TL-803)");
    tlist_diff_text(out, "taken_over_by", subject, o->taken_over_by, n->taken_over_by);
    for (uint32_t i = 0; i < o->info_count; i++)
        if (!lists_info(n, o->info[i]))
            tlist_diff_tell(out, "info", subject, o->info[i], NULL);
    for (uint32_t i = 0; i < n->info_count; i++)
        if (!lists_info(o, n->info[i]))
            tlist_diff_tell(out, "info", subject, NULL, n->info[i]);
    digest_of(o, 1, false, before);
    digest_of(n, 1, false, after);
    compare_digest(out, "qualifications", subject, "elements", o->qualification_count, before,
                   n->qualification_count, after);
}

static void compare_service(tlist_diff_out *out, const tlist_service *o, const tlist_service *n)
{
    char subject[512], before[65], after[65];
    subject_of(n, subject);
    if (!same_name(o, n)) {
        char was[512];
        subject_of(o, was);
        tlist_diff_tell(out, "name", subject, was, subject);
    }
    compare_now(out, subject, &o->intervals[0], &n->intervals[0]);
    for (uint32_t i = 0; i < o->certificate_count; i++)
        if (!lists_certificate(n, o->certificates[i].sha256))
            tlist_diff_hex(out, "identity", subject, o->certificates[i].sha256, NULL);
    for (uint32_t i = 0; i < n->certificate_count; i++)
        if (!lists_certificate(o, n->certificates[i].sha256))
            tlist_diff_hex(out, "identity", subject, NULL, n->certificates[i].sha256);
    digest_of(o->intervals + 1, o->interval_count - 1, true, before);
    digest_of(n->intervals + 1, n->interval_count - 1, true, after);
    compare_digest(out, "history", subject, "instances", o->interval_count - 1, before, n->interval_count - 1,
                   after);
}

/* ---- all of them ---- */

static bool lists_provider(const tlist_list *list, size_t until, const char *provider)
{
    for (size_t i = 0; list != NULL && i < until; i++)
        if (strcmp(list->services[i].provider, provider) == 0)
            return true;
    return false;
}

static void compare_providers(tlist_diff_out *out, const tlist_list *list, const tlist_list *other, bool came)
{
    for (size_t i = 0; list != NULL && i < list->service_count; i++) {
        const char *provider = list->services[i].provider;
        if (!lists_provider(list, i, provider) &&
            !lists_provider(other, other == NULL ? 0 : other->service_count, provider))
            tlist_diff_tell(out, "provider", "", came ? NULL : provider, came ? provider : NULL);
    }
}

DX_RC tlist_diff_services(tlist_diff_out *out, const tlist_list *before, const tlist_list *after, dx_why *why)
{
    size_t olds = before == NULL ? 0 : before->service_count, news = after == NULL ? 0 : after->service_count;
    size_t *match = calloc(news + 1, sizeof *match);
    bool *taken = calloc(olds + 1, sizeof *taken);
    char subject[512];
    if (match == NULL || taken == NULL) {
        free(match);
        free(taken);
        return DX_FAIL(why, NO_MEMORY, "", "no memory to compare %zu services", olds + news);
    }
    compare_providers(out, after, before, true);
    compare_providers(out, before, after, false);
    if (before != NULL && after != NULL)
        match_services(before, after, match, taken);
    for (size_t i = 0; i < news; i++) {
        const tlist_service *n = &after->services[i];
        subject_of(n, subject);
        if (match[i] != 0)
            compare_service(out, &before->services[match[i] - 1], n);
        else
            tlist_diff_tell(out, "service", subject, NULL, n->intervals[0].status);
    }
    for (size_t i = 0; i < olds; i++)
        if (!taken[i]) {
            subject_of(&before->services[i], subject);
            tlist_diff_tell(out, "service", subject, before->services[i].intervals[0].status, NULL);
        }
    free(match);
    free(taken);
    return DX_OKAY;
}
