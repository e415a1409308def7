/* Applying mutual recognition to a partner's service: which item speaks of it, and what it makes of it
 * (trusted-lists.md 9.5). No allocation, no XML, no clock. */
#include "trust/list/tlist_mra.h"

bool tlist_is_partner(const tlist_facts *list)
{
    return list->recognition != NULL;
}

static bool holds(const tlist_mra_uris *uris, const char *uri)
{
    for (size_t i = 0; i < uris->count; i++)
        if (strcmp(uris->uris[i], uri) == 0)
            return true;
    return false;
}

/* Does this version speak of a service of that type with that additional information (NULL: none)? */
static bool speaks_of(const tlist_mra_version *v, const char *type, const char *info)
{
    for (size_t i = 0; i < v->pointed_type_count; i++) {
        const tlist_mra_type *t = &v->pointed_types[i];
        if (strcmp(t->type, type) == 0 && (t->info == NULL || (info != NULL && strcmp(t->info, info) == 0)))
            return true;
    }
    return false;
}

static bool item_speaks_of(const tlist_mra_item *item, const char *type, const char *info)
{
    for (size_t i = 0; i < item->version_count; i++)
        if (speaks_of(&item->versions[i], type, info))
            return true;
    return false;
}

static void limit(tlist_recognition_answer *out, int64_t when_s, int64_t at_s)
{
    if (when_s > at_s && when_s < out->good_until_s)
        out->good_until_s = when_s;
}

static void refuse(tlist_recognition_answer *out, const char *id, const char *clause)
{
    if (out->id == NULL) {
        out->id = id;
        out->clause = clause;
    }
}

static const char clause_mra[] = "CID (EU) 2015/1505; eIDAS Art. 14";

/* One part of the service: at most one item may speak of it. */
static bool recognise_part(const tlist_recognition *r, const tlist_interval *interval, const char *info,
                           int64_t at_s, tlist_recognition_answer *out)
{
    const tlist_mra_item *item = NULL;
    const tlist_mra_version *now = NULL;
    for (size_t i = 0; i < r->item_count; i++) {
        if (!item_speaks_of(&r->items[i], interval->type, info))
            continue;
        if (!r->items[i].usable) {
            refuse(out, "TL-953", clause_mra);
            return true;
        }
        if (item != NULL) {
            refuse(out, "TL-951", clause_mra);
            return true;
        }
        item = &r->items[i];
    }
    if (item == NULL)
        return false;
    for (size_t i = 0; i < item->version_count; i++) {
        const tlist_mra_version *v = &item->versions[i];
        limit(out, v->from_s, at_s);
        limit(out, v->until_s, at_s);
        if (at_s >= v->from_s && at_s < v->until_s)
            now = v;
    }
    out->instrument = item->legal_id;
    out->status = now == NULL ? TLIST_MRA_NONE : now->status;
    out->from_s = now == NULL ? 0 : now->from_s;
    out->until_s = now == NULL ? 0 : now->until_s;
    if (now == NULL || now->status != TLIST_MRA_ENACTED || !speaks_of(now, interval->type, info)) {
        refuse(out, "TL-952", clause_mra);
        return true;
    }
    bool valid = holds(&now->valid_pointed, interval->status);
    if (!valid && !holds(&now->invalid_pointed, interval->status))
        return true; /* a status of which the agreement says nothing */
    if (out->part_count < TLIST_RECOGNISED_MAX)
        out->parts[out->part_count++] =
            (tlist_recognised){.type = now->pointing_types[0].type,
                               .info = now->pointing_types[0].info,
                               .status = (valid ? &now->valid_pointing : &now->invalid_pointing)->uris[0],
                               .purposes = now->purposes,
                               .status_valid = valid && now->status_valid,
                               .version = now};
    return true;
}

bool tlist_recognise(const tlist_facts *list, const tlist_interval *interval, int64_t at_s,
                     tlist_recognition_answer *out)
{
    bool any = false;
    *out = (tlist_recognition_answer){.good_until_s = INT64_MAX};
    if (list->recognition == NULL)
        return false;
    if (interval->info_count == 0)
        any = recognise_part(list->recognition, interval, NULL, at_s, out);
    for (uint32_t i = 0; i < interval->info_count; i++)
        any |= recognise_part(list->recognition, interval, interval->info[i], at_s, out);
    /* Where one part is in doubt, the service as a whole is. */
    if (out->id != NULL && strcmp(out->id, "TL-952") != 0)
        out->part_count = 0;
    else if (out->part_count > 0)
        out->id = out->clause = NULL;
    return any;
}

const char *tlist_recognised_qualifier(const tlist_mra_version *version, const char *uri)
{
    for (size_t i = 0; i < version->qualifier_count; i++)
        if (strcmp(version->qualifiers[i].pointed, uri) == 0) {
            const char *ours = version->qualifiers[i].pointing, *end = strpbrk(ours, "/#");
            for (; end != NULL; end = strpbrk(ours, "/#"))
                ours = end + 1;
            return ours;
        }
    return NULL;
}

void tlist_recognised_statements(const tlist_mra_version *version, dx_bytes certificate_der,
                                 const tlist_statements *stated, tlist_statements *out)
{
    *out = *stated;
    for (size_t i = 0; i < version->content_count; i++)
        if (tlist_criteria_match_stated(version->contents[i].pointed, certificate_der, stated))
            tlist_statements_rewrite(version->contents[i].pointing, out);
}
