/* Reading providers and services: history becomes half-open intervals, extensions become facts (TL-801 to
 * TL-806). */
#include "trust/list/tlist_certificate.h"
#include "trust/list/tlist_criteria.h"
#include "trust/list/tlist_object.h"

#include <openssl/x509.h>

static struct dx_rc no_memory(dx_why *why)
{
    return DX_FAIL(why, NO_MEMORY, "", "no memory for the services of a list");
}

static size_t count_children(const xmlNode *parent)
{
    size_t count = 0;
    for (const xmlNode *n = tlist_first(parent); n != NULL; n = tlist_next(n))
        count++;
    return count;
}

/* A key that cannot be decoded, or an RSA key that is not DER inside, is told; its certificate stays listed,
 * since it can be found by equality all the same. */
static bool key_is_sound(dx_bytes spki)
{
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    const unsigned char *at = spki.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.size);
    EVP_PKEY_free(key);
    dx_bytes outer, algorithm, oid, bits, numbers, number;
    unsigned tag;
    if (key == NULL || !tlist_der_next(&spki, &tag, &outer, NULL) ||
        !tlist_der_next(&outer, &tag, &algorithm, NULL) || !tlist_der_next(&algorithm, &tag, &oid, NULL) ||
        !tlist_der_next(&outer, &tag, &bits, NULL) || bits.size < 2)
        return false;
    if (!dx_bytes_equal(oid, dx_bytes_of(rsa, sizeof rsa)))
        return true;
    bits = dx_bytes_part(bits, 1, bits.size);
    if (!tlist_der_next(&bits, &tag, &numbers, NULL) || tag != 0x30 || bits.size != 0)
        return false;
    for (int i = 0; i < 2; i++)
        if (!tlist_der_next(&numbers, &tag, &number, NULL) || tag != 0x02 || number.size == 0 ||
            number.data[0] >= 0x80 || (number.size > 1 && number.data[0] == 0 && number.data[1] < 0x80))
            return false;
    return numbers.size == 0;
}

static struct dx_rc read_identity(const xmlNode *identity, tlist_list *list, tlist_service *service,
                                  dx_why *why)
{
    tlist_certificate *found = DX_ARENA_ARRAY(&list->arena, tlist_certificate, count_children(identity) + 1);
    if (found == NULL)
        return no_memory(why);
    service->certificates = found;
    for (const xmlNode *id = tlist_first(identity); id != NULL; id = tlist_next(id)) {
        const xmlNode *node = tlist_child(id, TLIST_NS, "X509Certificate");
        dx_bytes der;
        if (node == NULL)
            continue;
        if (!tlist_base64(node, &list->arena, &der) ||
            !tlist_certificate_read(der, &found[service->certificate_count])) {
            tlist_remark(&list->remarks, 801);
            continue;
        }
        if (!key_is_sound(found[service->certificate_count].spki))
            tlist_remark(&list->remarks, 801);
        service->certificate_count++;
    }
    return DX_OKAY;
}

static struct dx_rc read_qualifications(const xmlNode *node, tlist_list *list, tlist_interval *interval,
                                        dx_why *why)
{
    tlist_qualification *all = DX_ARENA_ARRAY(&list->arena, tlist_qualification,
                                              interval->qualification_count + count_children(node) + 1);
    if (all == NULL)
        return no_memory(why);
    if (interval->qualification_count > 0)
        memcpy(all, interval->qualifications, interval->qualification_count * sizeof *all);
    interval->qualifications = all;
    for (const xmlNode *n = tlist_first(node); n != NULL; n = tlist_next(n)) {
        tlist_qualification *q = &all[interval->qualification_count++];
        const xmlNode *qualifiers = tlist_child(n, TLIST_NS_SIE, "Qualifiers");
        const xmlNode *criteria = tlist_child(n, TLIST_NS_SIE, "CriteriaList");
        const char **uris = DX_ARENA_ARRAY(&list->arena, const char *, count_children(qualifiers) + 1);
        if (uris == NULL)
            return no_memory(why);
        for (const xmlNode *u = tlist_first(qualifiers); u != NULL; u = tlist_next(u)) {
            const char *uri = tlist_attribute(u, "uri");
            char *copy = uri == NULL ? NULL : dx_arena_text(&list->arena, dx_bytes_trim(dx_bytes_text(uri)));
            if (copy != NULL)
                uris[q->qualifier_count++] = copy;
        }
        q->qualifiers = uris;
        q->criteria = criteria == NULL ? NULL : tlist_criteria_read(criteria, &list->arena, &q->usable);
        if (q->criteria == NULL || q->qualifier_count == 0)
            q->usable = false;
        if (!q->usable)
            tlist_remark(&list->remarks, 804);
    }
    return DX_OKAY;
}

static struct dx_rc read_extension(const xmlNode *extension, tlist_list *list, tlist_interval *interval,
                                   const char **info, dx_why *why)
{
    const char *critical = tlist_attribute(extension, "Critical");
    bool must = critical != NULL && (strcmp(critical, "true") == 0 || strcmp(critical, "1") == 0);
    bool known = tlist_first(extension) != NULL;
    for (const xmlNode *n = tlist_first(extension); n != NULL; n = tlist_next(n)) {
        if (tlist_is(n, TLIST_NS, "AdditionalServiceInformation")) {
            const char *uri = tlist_text(tlist_child(n, TLIST_NS, "URI"), &list->arena);
            if (uri == NULL)
                return no_memory(why);
            info[interval->info_count++] = uri;
        } else if (tlist_is(n, TLIST_NS_SIE, "Qualifications")) {
            DX_TRY(read_qualifications(n, list, interval, why));
        } else if (tlist_is(n, TLIST_NS, "ExpiredCertsRevocationInfo")) {
            bool offset;
            if (!tlist_time(n, &offset, &interval->expired_certs_from_s))
                known = false;
        } else if (tlist_is(n, TLIST_NS_ADD, "TakenOverBy")) {
            /* Its schema lends names from both namespaces, and lists use either. */
            const xmlNode *name = tlist_child(n, TLIST_NS_ADD, "TSPName");
            name = name == NULL ? tlist_child(n, TLIST_NS, "TSPName") : name;
            interval->taken_over_by = name == NULL ? NULL : tlist_best_name(name, &list->arena);
        } else {
            known = false;
        }
    }
    if (must && !known) {
        interval->usable = false;
        tlist_remark(&list->remarks, 803);
    }
    return DX_OKAY;
}

/* The policies that a qualification of a profile demands (trusted-lists.md 9.2). One that cannot be
 * understood makes the interval unusable: what was meant to narrow the service must not open it. */
static size_t demanded(const tlist_map *map, const tlist_qualification *q, const char *const **oids,
                       bool *usable)
{
    bool asks = false;
    for (uint32_t k = 0; map->profile.policy_qualifier != NULL && k < q->qualifier_count; k++)
        asks |= strcmp(q->qualifiers[k], map->profile.policy_qualifier) == 0;
    size_t count = asks && q->usable ? tlist_criteria_policies(q->criteria, oids) : 0;
    if (asks && count == 0)
        *usable = false;
    return count;
}

/* What the source's map says of the type that the service had in this interval, and the policies that the
 * list demands beside it. */
static struct dx_rc read_type(const tlist_map *map, tlist_list *list, tlist_interval *out, dx_why *why)
{
    const tlist_map_type *type = tlist_map_find(map, out->type);
    const char *const *more;
    size_t room = 1;
    if (type == NULL)
        return DX_OKAY;
    out->purposes = type->purposes;
    for (uint32_t i = 0; i < out->qualification_count; i++)
        room += demanded(map, &out->qualifications[i], &more, &out->usable);
    const char **oids = DX_ARENA_ARRAY(&list->arena, const char *, type->policy_count + room);
    if (type->class_ != NULL)
        out->class_ = dx_arena_text(&list->arena, dx_bytes_text(type->class_));
    if (oids == NULL || (type->class_ != NULL && out->class_ == NULL))
        return no_memory(why);
    for (uint32_t i = 0; i < type->policy_count; i++)
        if ((oids[out->require_policy_count++] =
                 dx_arena_text(&list->arena, dx_bytes_text(type->policies[i]))) == NULL)
            return no_memory(why);
    for (uint32_t i = 0; i < out->qualification_count; i++) {
        size_t count = demanded(map, &out->qualifications[i], &more, &out->usable);
        for (size_t k = 0; k < count; k++)
            oids[out->require_policy_count++] = more[k];
    }
    out->require_policy_oids = oids;
    return DX_OKAY;
}

static struct dx_rc read_interval(const xmlNode *node, const tlist_map *map, tlist_list *list,
                                  tlist_interval *out, dx_why *why)
{
    out->type = tlist_text(tlist_child(node, TLIST_NS, "ServiceTypeIdentifier"), &list->arena);
    out->status = tlist_text(tlist_child(node, TLIST_NS, "ServiceStatus"), &list->arena);
    if (out->type == NULL || out->status == NULL)
        return no_memory(why);
    const xmlNode *from = tlist_child(node, TLIST_NS, "StatusStartingTime");
    bool offset = false;
    if (from == NULL || !tlist_time(from, &offset, &out->from_s))
        return tlist_refuse(why, 308, "StatusStartingTime at line %ld is not a date and time with zone",
                            xmlGetLineNo(node));
    if (offset && list->version >= 6)
        tlist_remark(&list->remarks, 308);
    out->until_s = INT64_MAX;
    out->usable = true;
    const xmlNode *extensions = tlist_child(node, TLIST_NS, "ServiceInformationExtensions");
    size_t room = 1;
    for (const xmlNode *e = tlist_first(extensions); e != NULL; e = tlist_next(e))
        room += count_children(e);
    const char **info = DX_ARENA_ARRAY(&list->arena, const char *, room);
    if (info == NULL)
        return no_memory(why);
    out->info = info;
    for (const xmlNode *e = tlist_first(extensions); e != NULL; e = tlist_next(e))
        DX_TRY(read_extension(e, list, out, info, why));
    out->status_valid = tlist_map_valid(map, out->status, out->from_s);
    return read_type(map, list, out, why);
}

/* Each interval ends where the next newer starts; of equal starts the earlier in document order wins
 * (TL-806). */
static void cut_intervals(tlist_interval *all, uint32_t count, tlist_remarks *remarks)
{
    int64_t current = all[0].from_s;
    for (uint32_t i = 1; i < count; i++)
        if (all[i].from_s > current)
            tlist_remark(remarks, 806);
    for (uint32_t i = 1; i < count; i++) { /* stable, newest first; the current one stays in front */
        tlist_interval one = all[i];
        uint32_t k = i;
        for (; k > 1 && all[k - 1].from_s < one.from_s; k--)
            all[k] = all[k - 1];
        all[k] = one;
    }
    int64_t end = all[0].from_s;
    for (uint32_t i = 1; i < count; i++) {
        all[i].until_s = end;
        if (all[i].from_s >= end)
            all[i].from_s = end; /* empty */
        end = all[i].from_s;
    }
}

static struct dx_rc read_service(const xmlNode *node, const tlist_map *map, tlist_list *list,
                                 tlist_service *out, dx_why *why)
{
    const xmlNode *information = tlist_child(node, TLIST_NS, "ServiceInformation");
    const xmlNode *history = tlist_child(node, TLIST_NS, "ServiceHistory");
    out->list = &list->facts;
    out->name = tlist_best_name(tlist_child(information, TLIST_NS, "ServiceName"), &list->arena);
    DX_TRY(read_identity(tlist_child(information, TLIST_NS, "ServiceDigitalIdentity"), list, out, why));
    tlist_interval *all = DX_ARENA_ARRAY(&list->arena, tlist_interval, 1 + count_children(history));
    if (all == NULL || out->name == NULL)
        return no_memory(why);
    DX_TRY(read_interval(information, map, list, &all[out->interval_count++], why));
    for (const xmlNode *n = tlist_first(history); n != NULL; n = tlist_next(n))
        DX_TRY(read_interval(n, map, list, &all[out->interval_count++], why));
    cut_intervals(all, out->interval_count, &list->remarks);
    out->intervals = all;
    return DX_OKAY;
}

/* A trade name like "VATDE-123456789" or "NTRJP-8999900000001" (TS 119 612 5.4.2). */
static const char *identifier_of(const xmlNode *trade_names, dx_arena *arena)
{
    for (const xmlNode *n = tlist_first(trade_names); n != NULL; n = tlist_next(n)) {
        const char *text = tlist_text(n, arena);
        if (text != NULL && strlen(text) > 6 && text[5] == '-' &&
            strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && strchr(text, ' ') == NULL)
            return text;
    }
    return NULL;
}

DX_RC tlist_services_read(const tlist_tree *tree, const tlist_map *map, tlist_list *list, dx_why *why)
{
    const xmlNode *providers = tlist_child(tree->root, TLIST_NS, "TrustServiceProviderList");
    size_t room = 0;
    for (const xmlNode *p = tlist_first(providers); p != NULL; p = tlist_next(p))
        room += count_children(tlist_child(p, TLIST_NS, "TSPServices"));
    list->services = DX_ARENA_ARRAY(&list->arena, tlist_service, room + 1);
    if (list->services == NULL)
        return no_memory(why);
    for (const xmlNode *p = tlist_first(providers); p != NULL; p = tlist_next(p)) {
        const xmlNode *information = tlist_child(p, TLIST_NS, "TSPInformation");
        const char *name = tlist_best_name(tlist_child(information, TLIST_NS, "TSPName"), &list->arena);
        const char *id = identifier_of(tlist_child(information, TLIST_NS, "TSPTradeName"), &list->arena);
        if (name == NULL)
            return no_memory(why);
        list->provider_count++;
        for (const xmlNode *s = tlist_first(tlist_child(p, TLIST_NS, "TSPServices")); s != NULL;
             s = tlist_next(s)) {
            tlist_service *service = &list->services[list->service_count++];
            service->provider = name;
            service->provider_id = id;
            DX_TRY(read_service(s, map, list, service, why));
        }
    }
    return DX_OKAY;
}
