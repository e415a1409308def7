/* Reading MutualRecognitionAgreementInformation: items and their versions as half-open intervals. What is
 * malformed, doubled or contradicts itself makes its item unusable, and only that one (TL-953). */
#include "trust/list/tlist_mra.h"

enum { ITEMS_MAX = 256, VERSIONS_MAX = 64, ROWS_MAX = 256 };

#define MRA_BASE "http://ec.europa.eu/tools/lotl/mra/"

static const xmlNode *child(const xmlNode *parent, const char *name)
{
    return tlist_child(parent, TLIST_NS_MRA, name);
}

static size_t count(const xmlNode *parent)
{
    size_t n = 0;
    for (const xmlNode *c = tlist_first(parent); c != NULL; c = tlist_next(c))
        n++;
    return n;
}

/* At most one of each child, or of two the reader could not say which one holds. */
static bool children_differ(const xmlNode *parent)
{
    for (const xmlNode *a = tlist_first(parent); a != NULL; a = tlist_next(a))
        for (const xmlNode *b = tlist_next(a); b != NULL; b = tlist_next(b))
            if (xmlStrEqual(a->name, b->name) && !tlist_is(a, TLIST_NS_MRA, "TrustServiceEquivalenceHistory"))
                return false;
    return true;
}

static bool read_types(const xmlNode *list, dx_arena *arena, tlist_mra_type **out, size_t *out_count)
{
    size_t room = count(list);
    *out = room == 0 || room > ROWS_MAX ? NULL : DX_ARENA_ARRAY(arena, tlist_mra_type, room);
    if (*out == NULL)
        return false;
    for (const xmlNode *n = tlist_first(list); n != NULL; n = tlist_next(n)) {
        tlist_mra_type *t = &(*out)[(*out_count)++];
        const xmlNode *info = tlist_child(n, TLIST_NS, "AdditionalServiceInformation");
        t->type = tlist_text(tlist_child(n, TLIST_NS, "ServiceTypeIdentifier"), arena);
        t->info = info == NULL ? NULL : tlist_text(tlist_child(info, TLIST_NS, "URI"), arena);
        if (t->type == NULL || t->type[0] == '\0' ||
            (info != NULL && (t->info == NULL || t->info[0] == '\0')))
            return false;
    }
    return true;
}

static bool read_statuses(const xmlNode *list, dx_arena *arena, tlist_mra_uris *out)
{
    size_t room = count(list);
    out->uris = room == 0 || room > ROWS_MAX ? NULL : DX_ARENA_ARRAY(arena, const char *, room);
    if (out->uris == NULL)
        return false;
    for (const xmlNode *n = tlist_first(list); n != NULL; n = tlist_next(n)) {
        const char *uri = tlist_text(n, arena);
        if (uri == NULL || !tlist_is(n, TLIST_NS, "ServiceStatus"))
            return false;
        out->uris[out->count++] = uri;
    }
    return true;
}

static bool read_status_pair(const xmlNode *pair, dx_arena *arena, tlist_mra_uris *pointing,
                             tlist_mra_uris *pointed)
{
    return read_statuses(child(pair, "TrustServiceTSLStatusListPointingParty"), arena, pointing) &&
           read_statuses(child(pair, "TrustServiceTSLStatusListPointedParty"), arena, pointed);
}

/* One status on both sides of valid and invalid would say both. */
static bool statuses_differ(const tlist_mra_version *v)
{
    for (size_t i = 0; i < v->valid_pointed.count; i++)
        for (size_t k = 0; k < v->invalid_pointed.count; k++)
            if (strcmp(v->valid_pointed.uris[i], v->invalid_pointed.uris[k]) == 0)
                return false;
    return true;
}

static bool is_known_context(const char *uri)
{
    static const char *const known[] = {MRA_BASE "QcCompliance", MRA_BASE "QcType", MRA_BASE "QcQSCD"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(uri, known[i]) == 0)
            return true;
    return false;
}

/* Contexts that nobody knows are left aside; a known one that stands twice leaves open which one counts. */
static bool read_contents(const xmlNode *list, dx_arena *arena, tlist_mra_version *v)
{
    size_t room = count(list);
    const char *seen[3];
    v->contents = room > ROWS_MAX ? NULL : DX_ARENA_ARRAY(arena, tlist_mra_content, room + 1);
    if (v->contents == NULL)
        return false;
    for (const xmlNode *n = tlist_first(list); n != NULL; n = tlist_next(n)) {
        const char *context = tlist_text(child(n, "CertificateContentReferenceEquivalenceContext"), arena);
        const xmlNode *ours = child(n, "CertificateContentDeclarationPointingParty"),
                      *theirs = child(n, "CertificateContentDeclarationPointedParty");
        bool usable[2];
        if (context == NULL || !children_differ(n))
            return false;
        if (!is_known_context(context))
            continue;
        for (size_t i = 0; i < v->content_count; i++)
            if (strcmp(seen[i], context) == 0)
                return false;
        if (ours == NULL || theirs == NULL)
            return false;
        seen[v->content_count] = context;
        tlist_mra_content *c = &v->contents[v->content_count++];
        c->pointing = tlist_criteria_read_content(ours, arena, &usable[0]);
        c->pointed = tlist_criteria_read_content(theirs, arena, &usable[1]);
        if (!usable[0] || !usable[1])
            return false;
    }
    return true;
}

static bool read_qualifiers(const xmlNode *extension, dx_arena *arena, tlist_mra_version *v)
{
    size_t room = 1;
    for (const xmlNode *n = extension; n != NULL; n = tlist_walk(extension, n))
        room++;
    v->qualifiers = room > 16 * ROWS_MAX ? NULL : DX_ARENA_ARRAY(arena, tlist_mra_qualifier, room);
    if (v->qualifiers == NULL)
        return false;
    for (const xmlNode *n = extension; n != NULL; n = tlist_walk(extension, n)) {
        if (!tlist_is(n, TLIST_NS_MRA, "QualifierEquivalence"))
            continue;
        const xmlNode *ours = child(n, "QualifierPointingParty"), *theirs = child(n, "QualifierPointedParty");
        const char *a = ours == NULL ? NULL : tlist_attribute(ours, "uri"),
                   *b = theirs == NULL ? NULL : tlist_attribute(theirs, "uri");
        tlist_mra_qualifier q = {a == NULL ? NULL : dx_arena_text(arena, dx_bytes_trim(dx_bytes_text(a))),
                                 b == NULL ? NULL : dx_arena_text(arena, dx_bytes_trim(dx_bytes_text(b)))};
        if (q.pointing == NULL || q.pointed == NULL)
            return false;
        for (size_t i = 0; i < v->qualifier_count; i++)
            if (strcmp(v->qualifiers[i].pointed, q.pointed) == 0 &&
                strcmp(v->qualifiers[i].pointing, q.pointing) != 0)
                return false;
        v->qualifiers[v->qualifier_count++] = q;
    }
    return true;
}

static bool read_version(const xmlNode *n, const tlist_map *map, dx_arena *arena, tlist_mra_version *v)
{
    const xmlNode *types = child(n, "TrustServiceTSLTypeEquivalenceList"),
                  *statuses = child(n, "TrustServiceTSLStatusEquivalenceList"),
                  *from = child(n, "TrustServiceEquivalenceStatusStartingTime");
    const char *status = tlist_text(child(n, "TrustServiceEquivalenceStatus"), arena);
    bool offset = false;
    v->until_s = INT64_MAX;
    if (status == NULL || from == NULL || !tlist_time(from, &offset, &v->from_s) || !children_differ(n))
        return false;
    v->status = strcmp(status, MRA_BASE "enacted") == 0    ? TLIST_MRA_ENACTED
                : strcmp(status, MRA_BASE "repealed") == 0 ? TLIST_MRA_REPEALED
                                                           : TLIST_MRA_NONE;
    if (v->status == TLIST_MRA_NONE ||
        !read_types(child(types, "TrustServiceTSLTypeListPointingParty"), arena, &v->pointing_types,
                    &v->pointing_type_count) ||
        !read_types(child(types, "TrustServiceTSLTypeListPointedParty"), arena, &v->pointed_types,
                    &v->pointed_type_count) ||
        !read_status_pair(child(statuses, "TrustServiceTSLStatusValidEquivalence"), arena, &v->valid_pointing,
                          &v->valid_pointed) ||
        !read_status_pair(child(statuses, "TrustServiceTSLStatusInvalidEquivalence"), arena,
                          &v->invalid_pointing, &v->invalid_pointed) ||
        !statuses_differ(v) ||
        !read_contents(child(n, "CertificateContentReferencesEquivalenceList"), arena, v) ||
        !read_qualifiers(child(n, "TrustServiceTSLQualificationExtensionEquivalenceList"), arena, v))
        return false;
    const tlist_map_type *type = tlist_map_find(map, v->pointing_types[0].type);
    v->purposes = type == NULL ? 0 : type->purposes;
    v->status_valid = tlist_map_valid(map, v->valid_pointing.uris[0], v->from_s);
    return true;
}

/* Newest first, each ends where the next newer begins; two that begin at one instant contradict each other.
 */
static bool cut_versions(tlist_mra_item *item)
{
    for (size_t i = 1; i < item->version_count; i++) {
        tlist_mra_version one = item->versions[i];
        size_t k = i;
        for (; k > 0 && item->versions[k - 1].from_s < one.from_s; k--)
            item->versions[k] = item->versions[k - 1];
        item->versions[k] = one;
    }
    for (size_t i = 1; i < item->version_count; i++) {
        if (item->versions[i].from_s == item->versions[i - 1].from_s)
            return false;
        item->versions[i].until_s = item->versions[i - 1].from_s;
    }
    return true;
}

static bool read_item(const xmlNode *n, const tlist_map *map, dx_arena *arena, tlist_mra_item *item)
{
    size_t room = 1;
    for (const xmlNode *h = tlist_first(n); h != NULL; h = tlist_next(h))
        if (tlist_is(h, TLIST_NS_MRA, "TrustServiceEquivalenceHistory"))
            room += count(h);
    item->legal_id = tlist_text(child(n, "TrustServiceLegalIdentifier"), arena);
    item->versions = room > VERSIONS_MAX ? NULL : DX_ARENA_ARRAY(arena, tlist_mra_version, room);
    if (item->versions == NULL || item->legal_id == NULL ||
        !read_version(n, map, arena, &item->versions[item->version_count++]))
        return false;
    for (const xmlNode *h = tlist_first(n); h != NULL; h = tlist_next(h))
        for (const xmlNode *i = tlist_is(h, TLIST_NS_MRA, "TrustServiceEquivalenceHistory") ? tlist_first(h)
                                                                                            : NULL;
             i != NULL; i = tlist_next(i))
            if (!read_version(i, map, arena, &item->versions[item->version_count++]))
                return false;
    return cut_versions(item);
}

/* Names, attributes and texts in document order, each with its length. */
static void digest(const xmlNode *element, dx_arena *arena, uint8_t out[32])
{
    dx_hash *hash = dx_hash_new(DX_HASH_SHA256);
    for (const xmlNode *n = element; hash != NULL && n != NULL; n = tlist_walk(element, n)) {
        const char *texts[] = {(const char *)n->name, tlist_attribute(n, "uri"), tlist_attribute(n, "assert"),
                               tlist_first(n) == NULL ? tlist_text(n, arena) : NULL};
        for (size_t i = 0; i < 4; i++) {
            uint64_t size = texts[i] == NULL ? UINT64_MAX : strlen(texts[i]);
            dx_hash_add(hash, dx_bytes_of(&size, sizeof size));
            dx_hash_add(hash, dx_bytes_text(texts[i]));
        }
    }
    if (hash != NULL)
        dx_hash_done(hash, out);
    dx_hash_free(hash);
}

DX_RC tlist_recognition_read(const xmlNode *element, const tlist_map *map, tlist_list *list,
                             const tlist_recognition **out, dx_why *why)
{
    size_t room = count(element);
    tlist_recognition *r = DX_ARENA_NEW(&list->arena, tlist_recognition);
    if (r != NULL && room <= ITEMS_MAX)
        r->items = DX_ARENA_ARRAY(&list->arena, tlist_mra_item, room + 1);
    if (r == NULL || (r->items == NULL && room <= ITEMS_MAX))
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a mutual recognition");
    *out = r;
    digest(element, &list->arena, r->sha256);
    if (room > ITEMS_MAX) {
        tlist_remark(&list->remarks, 953);
        return DX_OKAY;
    }
    for (const xmlNode *n = tlist_first(element); n != NULL; n = tlist_next(n)) {
        tlist_mra_item *item = &r->items[r->item_count++];
        item->usable = tlist_is(n, TLIST_NS_MRA, "TrustServiceEquivalenceInformation") &&
                       read_item(n, map, &list->arena, item);
        if (!item->usable)
            tlist_remark(&list->remarks, 953);
    }
    return DX_OKAY;
}
