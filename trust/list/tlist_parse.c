#include "trust/list/tlist_private.h"

#include "trust/base/digest.h"

#include <openssl/x509.h>
#include <stdlib.h>

/* From a tree whose signature holds to a list object (trusted-lists.md 5.3, 6). */

#define OPERATOR_RULE "https://j-tsl.example/TrstSvc/TrustedList/schemerules/operator-compiled"
#define EIDAS_S       1467331200 /* 2016-07-01T00:00:00Z: statuses of the Directive count only for intervals before */

static const char *keep(const xmlNode *n, tlist_list *l)
{
    dx_bytes text = tlist_text(n, &l->arena);
    return (const char *)text.data;
}

/* The English text of a multilingual list, else the first. */
static const char *keep_name(const xmlNode *n, tlist_list *l)
{
    const xmlNode *best = tlist_first_element(n);
    for (const xmlNode *c = best; c != NULL; c = tlist_next_element(c)) {
        xmlChar *lang = xmlGetNsProp((xmlNode *)(uintptr_t)c, (const xmlChar *)"lang", XML_XML_NAMESPACE);
        bool     en = lang != NULL && strcasecmp((const char *)lang, "en") == 0;
        xmlFree(lang);
        if (en) {
            best = c;
            break;
        }
    }
    return best == NULL ? "" : keep(best, l);
}

static bool read_certificate(dx_bytes der, tlist_list *l, tlist_certificate *out)
{
    const uint8_t *p = der.data;
    X509          *x = d2i_X509(NULL, &p, (long)der.size);
    uint8_t       *name = NULL, *key = NULL;
    int            name_size = x == NULL ? -1 : i2d_X509_NAME(X509_get_subject_name(x), &name);
    int            key_size = x == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
    bool           ok = x != NULL && p == der.data + der.size && name_size > 0 && key_size > 0;
    if (ok) {
        out->der = der;
        out->subject = dx_arena_bytes(&l->arena, dx_bytes_of(name, (size_t)name_size));
        out->spki = dx_arena_bytes(&l->arena, dx_bytes_of(key, (size_t)key_size));
        dx_sha256(der, out->sha256);
    }
    OPENSSL_free(name);
    OPENSSL_free(key);
    X509_free(x);
    return ok;
}

static size_t count_children(const xmlNode *n, const char *name)
{
    size_t count = 0;
    for (const xmlNode *c = tlist_child(n, TSL_NS, name); c != NULL; c = tlist_next(c, TSL_NS, name))
        count++;
    return count;
}

static DX_RC no_memory(dx_why *why)
{
    return DX_FAIL(why, NO_MEMORY, "", "no memory for a list");
}

static DX_RC read_identity(const xmlNode *identity, tlist_list *l, tlist_certificate **out, uint32_t *count, dx_why *why)
{
    *out = DX_ARENA_ARRAY(&l->arena, tlist_certificate, count_children(identity, "DigitalId"));
    if (*out == NULL)
        return no_memory(why);
    for (const xmlNode *d = tlist_child(identity, TSL_NS, "DigitalId"); d != NULL; d = tlist_next(d, TSL_NS, "DigitalId")) {
        const xmlNode *c = tlist_child(d, TSL_NS, "X509Certificate");
        dx_bytes       der;
        if (c == NULL)
            continue;
        if (!tlist_decode(tlist_text(c, &l->arena), &l->arena, &der) || !read_certificate(der, l, &(*out)[*count])) {
            tlist_remark(l, "TL-801");
            continue;
        }
        bool twice = false;
        for (uint32_t i = 0; i < *count; i++)
            twice |= memcmp((*out)[i].sha256, (*out)[*count].sha256, 32) == 0;
        *count += !twice;
    }
    return DX_OKAY;
}

static bool is_critical(const xmlNode *extension)
{
    xmlChar *c = xmlGetNoNsProp((xmlNode *)(uintptr_t)extension, (const xmlChar *)"Critical");
    bool     yes = c != NULL && (strcmp((const char *)c, "true") == 0 || strcmp((const char *)c, "1") == 0);
    xmlFree(c);
    return yes;
}

static DX_RC read_qualifications(const xmlNode *n, tlist_list *l, tlist_interval *out, dx_why *why)
{
    size_t count = 0;
    for (const xmlNode *q = tlist_first_element(n); q != NULL; q = tlist_next_element(q))
        count++;
    tlist_qualification *list = DX_ARENA_ARRAY(&l->arena, tlist_qualification, count + out->qualification_count);
    if (list == NULL)
        return no_memory(why);
    if (out->qualification_count > 0)
        memcpy(list, out->qualifications, out->qualification_count * sizeof *list);
    for (const xmlNode *q = tlist_child(n, ECC_NS, "QualificationElement"); q != NULL; q = tlist_next(q, ECC_NS, "QualificationElement")) {
        tlist_qualification *t = &list[out->qualification_count];
        const xmlNode       *qualifiers = tlist_child(q, ECC_NS, "Qualifiers");
        size_t               room = 0;
        for (const xmlNode *c = tlist_first_element(qualifiers); c != NULL; c = tlist_next_element(c))
            room++;
        const char **uris = DX_ARENA_ARRAY(&l->arena, const char *, room);
        if (uris == NULL)
            return no_memory(why);
        for (const xmlNode *c = tlist_child(qualifiers, ECC_NS, "Qualifier"); c != NULL; c = tlist_next(c, ECC_NS, "Qualifier")) {
            xmlChar *uri = xmlGetNoNsProp((xmlNode *)(uintptr_t)c, (const xmlChar *)"uri");
            if (uri != NULL)
                uris[t->qualifier_count++] = dx_arena_text(&l->arena, dx_bytes_text((const char *)uri));
            xmlFree(uri);
        }
        t->qualifiers = uris;
        t->criteria = tlist_criteria_read(tlist_child(q, ECC_NS, "CriteriaList"), &l->arena, &t->usable);
        if (!t->usable)
            tlist_remark(l, "TL-804");
        out->qualification_count++;
    }
    out->qualifications = list;
    return DX_OKAY;
}

static DX_RC read_extensions(const xmlNode *n, tlist_list *l, tlist_interval *out, dx_why *why)
{
    size_t       room = n == NULL ? 0 : count_children(n, "Extension");
    const char **info = DX_ARENA_ARRAY(&l->arena, const char *, room * 4 + 1);
    if (info == NULL)
        return no_memory(why);
    out->info = info;
    for (const xmlNode *e = tlist_child(n, TSL_NS, "Extension"); e != NULL; e = tlist_next(e, TSL_NS, "Extension")) {
        bool known = false;
        for (const xmlNode *c = tlist_first_element(e); c != NULL; c = tlist_next_element(c)) {
            if (tlist_is(c, TSL_NS, "AdditionalServiceInformation")) {
                if (out->info_count < room * 4)
                    info[out->info_count++] = keep(tlist_child(c, TSL_NS, "URI"), l);
                known = true;
            } else if (tlist_is(c, ECC_NS, "Qualifications")) {
                DX_TRY(read_qualifications(c, l, out, why));
                known = true;
            } else if (tlist_is(c, TSL_NS, "ExpiredCertsRevocationInfo") || tlist_is(c, TSLX_NS, "TakenOverBy")) {
                known = true;
            }
        }
        if (!known && is_critical(e)) {
            out->usable = false;
            tlist_remark(l, "TL-803");
        }
    }
    return DX_OKAY;
}

static DX_RC read_interval(const xmlNode *n, tlist_list *l, tlist_interval *out, dx_why *why)
{
    out->usable = true;
    out->type = keep(tlist_child(n, TSL_NS, "ServiceTypeIdentifier"), l);
    out->status = keep(tlist_child(n, TSL_NS, "ServiceStatus"), l);
    if (!tlist_time(tlist_text(tlist_child(n, TSL_NS, "StatusStartingTime"), &l->arena), &out->from_s))
        return tlist_refuse(why, "TL-308", "StatusStartingTime at line %ld", xmlGetLineNo(n));
    return read_extensions(tlist_child(n, TSL_NS, "ServiceInformationExtensions"), l, out, why);
}

static DX_RC read_service(const xmlNode *n, tlist_list *l, tlist_service *out, dx_why *why)
{
    const xmlNode  *info = tlist_child(n, TSL_NS, "ServiceInformation"), *history = tlist_child(n, TSL_NS, "ServiceHistory");
    tlist_interval *intervals = DX_ARENA_ARRAY(&l->arena, tlist_interval, 1 + count_children(history, "ServiceHistoryInstance"));
    tlist_certificate *certificates;
    if (intervals == NULL)
        return no_memory(why);
    out->name = keep_name(tlist_child(info, TSL_NS, "ServiceName"), l);
    DX_TRY(read_identity(tlist_child(info, TSL_NS, "ServiceDigitalIdentity"), l, &certificates, &out->certificate_count, why));
    out->certificates = certificates;
    DX_TRY(read_interval(info, l, &intervals[out->interval_count++], why));
    for (const xmlNode *h = tlist_child(history, TSL_NS, "ServiceHistoryInstance"); h != NULL; h = tlist_next(h, TSL_NS, "ServiceHistoryInstance"))
        DX_TRY(read_interval(h, l, &intervals[out->interval_count++], why));
    /* Half-open intervals: each ends where the next newer starts; document order wins equal starts (TL-806). */
    for (uint32_t i = 1; i < out->interval_count; i++) /* insertion sort, newest first, stable */
        for (uint32_t k = i; k > 0 && intervals[k].from_s > intervals[k - 1].from_s && k > 1; k--) {
            tlist_interval t = intervals[k];
            intervals[k] = intervals[k - 1];
            intervals[k - 1] = t;
        }
    int64_t end_s = INT64_MAX;
    for (uint32_t i = 0; i < out->interval_count; i++) {
        intervals[i].until_s = end_s;
        if (intervals[i].from_s > end_s)
            intervals[i].from_s = end_s;
        end_s = intervals[i].from_s;
    }
    out->intervals = intervals;
    out->list = &l->facts;
    (void)tlist_type_fits(intervals[0].type, TLIST_ISSUER, &out->class_);
    return DX_OKAY;
}

static DX_RC read_providers(const xmlNode *root, tlist_list *l, dx_why *why)
{
    const xmlNode *list = tlist_child(root, TSL_NS, "TrustServiceProviderList");
    size_t         count = 0;
    for (const xmlNode *p = tlist_child(list, TSL_NS, "TrustServiceProvider"); p != NULL; p = tlist_next(p, TSL_NS, "TrustServiceProvider")) {
        count += count_children(tlist_child(p, TSL_NS, "TSPServices"), "TSPService");
        l->provider_count++;
    }
    l->services = DX_ARENA_ARRAY(&l->arena, tlist_service, count);
    if (l->services == NULL)
        return no_memory(why);
    for (const xmlNode *p = tlist_child(list, TSL_NS, "TrustServiceProvider"); p != NULL; p = tlist_next(p, TSL_NS, "TrustServiceProvider")) {
        const xmlNode *info = tlist_child(p, TSL_NS, "TSPInformation"), *services = tlist_child(p, TSL_NS, "TSPServices");
        const char    *name = keep_name(tlist_child(info, TSL_NS, "TSPName"), l), *trade = NULL;
        const xmlNode *names = tlist_child(info, TSL_NS, "TSPTradeName");
        for (const xmlNode *t = tlist_first_element(names); t != NULL; t = tlist_next_element(t)) {
            const char *text = keep(t, l);
            if (strlen(text) > 6 && text[5] == '-')
                trade = text;
        }
        for (const xmlNode *s = tlist_child(services, TSL_NS, "TSPService"); s != NULL; s = tlist_next(s, TSL_NS, "TSPService")) {
            tlist_service *out = &l->services[l->service_count++];
            out->provider = name;
            out->provider_id = trade;
            DX_TRY(read_service(s, l, out, why));
        }
    }
    return DX_OKAY;
}

static DX_RC read_pointer(const xmlNode *n, tlist_list *l, tlist_pointer *out, dx_why *why)
{
    out->location = keep(tlist_child(n, TSL_NS, "TSLLocation"), l);
    const xmlNode *ids = tlist_child(n, TSL_NS, "ServiceDigitalIdentities"), *more = tlist_child(n, TSL_NS, "AdditionalInformation");
    for (const xmlNode *o = tlist_child(more, TSL_NS, "OtherInformation"); o != NULL; o = tlist_next(o, TSL_NS, "OtherInformation")) {
        const xmlNode *e = tlist_first_element(o);
        if (tlist_is(e, TSL_NS, "TSLType"))
            out->type = keep(e, l);
        else if (tlist_is(e, TSL_NS, "SchemeTerritory"))
            out->territory = keep(e, l);
        else if (tlist_is(e, TSLX_NS, "MimeType"))
            out->mime = keep(e, l);
    }
    size_t room = 0;
    for (const xmlNode *i = tlist_child(ids, TSL_NS, "ServiceDigitalIdentity"); i != NULL; i = tlist_next(i, TSL_NS, "ServiceDigitalIdentity"))
        room += count_children(i, "DigitalId");
    out->signers = dx_arena_array(&l->arena, room, 32);
    if (out->signers == NULL)
        return no_memory(why);
    for (const xmlNode *i = tlist_child(ids, TSL_NS, "ServiceDigitalIdentity"); i != NULL; i = tlist_next(i, TSL_NS, "ServiceDigitalIdentity"))
        for (const xmlNode *d = tlist_child(i, TSL_NS, "DigitalId"); d != NULL; d = tlist_next(d, TSL_NS, "DigitalId")) {
            dx_bytes der;
            if (tlist_child(d, TSL_NS, "X509Certificate") != NULL &&
                tlist_decode(tlist_text(tlist_child(d, TSL_NS, "X509Certificate"), &l->arena), &l->arena, &der))
                dx_sha256(der, out->signers[out->signer_count++]);
        }
    return DX_OKAY;
}

static DX_RC read_pointers(const xmlNode *info, tlist_list *l, dx_why *why)
{
    const xmlNode *list = tlist_child(info, TSL_NS, "PointersToOtherTSL");
    l->pointers = DX_ARENA_ARRAY(&l->arena, tlist_pointer, count_children(list, "OtherTSLPointer"));
    if (l->pointers == NULL)
        return no_memory(why);
    for (const xmlNode *p = tlist_child(list, TSL_NS, "OtherTSLPointer"); p != NULL; p = tlist_next(p, TSL_NS, "OtherTSLPointer"))
        DX_TRY(read_pointer(p, l, &l->pointers[l->pointer_count++], why));
    return DX_OKAY;
}

static DX_RC read_uris(const xmlNode *info, tlist_list *l, dx_why *why)
{
    const xmlNode *list = tlist_child(info, TSL_NS, "SchemeInformationURI");
    l->info_uris = DX_ARENA_ARRAY(&l->arena, const char *, count_children(list, "URI"));
    if (l->info_uris == NULL)
        return no_memory(why);
    xmlChar *first = NULL;
    for (const xmlNode *u = tlist_child(list, TSL_NS, "URI"); u != NULL; u = tlist_next(u, TSL_NS, "URI")) {
        xmlChar *lang = xmlGetNsProp((xmlNode *)(uintptr_t)u, (const xmlChar *)"lang", XML_XML_NAMESPACE);
        if (first == NULL)
            first = xmlStrdup(lang);
        if (lang != NULL && first != NULL && xmlStrEqual(lang, first))
            l->info_uris[l->info_uri_count++] = keep(u, l);
        xmlFree(lang);
    }
    xmlFree(first);
    return DX_OKAY;
}

static void hash_text(dx_hash *h, const char *text)
{
    dx_hash_add(h, dx_bytes_of(text, text == NULL ? 0 : strlen(text)));
    dx_hash_add(h, dx_bytes_of("", 1));
}

/* What the list says, whatever its number, date and version (trusted-lists.md 5.3). */
static void fingerprint(tlist_list *l)
{
    dx_hash *h = dx_hash_new(DX_HASH_SHA256);
    if (h == NULL)
        return;
    hash_text(h, l->facts.territory);
    for (size_t i = 0; i < l->service_count; i++) {
        const tlist_service *s = &l->services[i];
        hash_text(h, s->provider);
        hash_text(h, s->name);
        for (uint32_t k = 0; k < s->certificate_count; k++)
            dx_hash_add(h, dx_bytes_of(s->certificates[k].sha256, 32));
        for (uint32_t k = 0; k < s->interval_count; k++) {
            hash_text(h, s->intervals[k].type);
            hash_text(h, s->intervals[k].status);
            dx_hash_add(h, dx_bytes_of(&s->intervals[k].from_s, 8));
            for (uint32_t m = 0; m < s->intervals[k].info_count; m++)
                hash_text(h, s->intervals[k].info[m]);
        }
    }
    for (size_t i = 0; l->facts.is_lotl && i < l->pointer_count; i++) {
        hash_text(h, l->pointers[i].location);
        dx_hash_add(h, dx_bytes_of(l->pointers[i].signers, l->pointers[i].signer_count * 32));
    }
    dx_hash_done(h, l->fingerprint);
    dx_hash_free(h);
}

static DX_RC read_times(const xmlNode *info, tlist_list *l, dx_why *why)
{
    const xmlNode *issued = tlist_child(info, TSL_NS, "ListIssueDateTime"), *next = tlist_child(info, TSL_NS, "NextUpdate");
    if (issued == NULL || next == NULL)
        return tlist_refuse(why, "TL-307", "%s", "");
    if (!tlist_time(tlist_text(issued, &l->arena), &l->facts.issued_s))
        return tlist_refuse(why, "TL-308", "ListIssueDateTime");
    const xmlNode *when = tlist_child(next, TSL_NS, "dateTime");
    if (when != NULL && !tlist_time(tlist_text(when, &l->arena), &l->facts.next_update_s))
        return tlist_refuse(why, "TL-308", "NextUpdate");
    return DX_OKAY;
}

DX_RC tlist_parse(const xmlNode *root, const tlist_source *source, tlist_list *l, dx_why *why)
{
    const xmlNode *info = tlist_child(root, TSL_NS, "SchemeInformation");
    dx_bytes       territory = tlist_text(tlist_child(info, TSL_NS, "SchemeTerritory"), &l->arena);
    if (!dx_bytes_u64(tlist_text(tlist_child(info, TSL_NS, "TSLSequenceNumber"), &l->arena), INT64_MAX, &l->facts.sequence) || l->facts.sequence == 0)
        return tlist_refuse(why, "TL-305", "%s", "");
    if (territory.size != 2 || territory.data[0] < 'A' || territory.data[0] > 'Z' || territory.data[1] < 'A' || territory.data[1] > 'Z')
        return tlist_refuse(why, "TL-306", "%.8s", (const char *)territory.data);
    l->facts.territory = (const char *)territory.data;
    DX_TRY(read_times(info, l, why));
    l->type = keep(tlist_child(info, TSL_NS, "TSLType"), l);
    l->operator_name = keep_name(tlist_child(info, TSL_NS, "SchemeOperatorName"), l);
    l->facts.is_lotl = strcmp(l->type, EU_LOTL_TYPE) == 0 || source->kind == TLIST_KIND_LOTL;
    const xmlNode *rules = tlist_child(info, TSL_NS, "SchemeTypeCommunityRules");
    for (const xmlNode *u = tlist_first_element(rules); u != NULL; u = tlist_next_element(u))
        l->operator_compiled |= strcmp(keep(u, l), OPERATOR_RULE) == 0;
    l->facts.source = dx_arena_text(&l->arena, dx_bytes_text(source->id));
    l->facts.scheme = dx_arena_text(&l->arena, dx_bytes_text(source->scheme));
    l->facts.url = dx_arena_text(&l->arena, dx_bytes_text(source->url));
    bool compiled = l->operator_compiled || source->origin_operator;
    l->facts.origin = compiled ? TLIST_ORIGIN_OPERATOR_COMPILED : source->kind == TLIST_KIND_LOTL ? TLIST_ORIGIN_LIST_OF_LISTS : TLIST_ORIGIN_PUBLISHER_SIGNED;
    DX_TRY(read_uris(info, l, why));
    DX_TRY(read_pointers(info, l, why));
    DX_TRY(read_providers(root, l, why));
    fingerprint(l);
    return DX_OKAY;
}

/* ---- one whole document ---- */

bool tlist_type_fits(const char *type, tlist_purpose purpose, const char **class_)
{
    static const struct {
        const char   *type;
        tlist_purpose purpose;
        const char   *class_;
    } rows[] = {
#define Y(type, purpose, class_) {type, purpose, class_},
#include "trust/list/service_table.h"
#undef Y
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].type, type) == 0) {
            if (class_ != NULL)
                *class_ = rows[i].class_;
            return rows[i].purpose == purpose;
        }
    return false;
}

bool tlist_status_valid(const char *status, int64_t from_s)
{
    static const struct {
        const char *status;
        bool        valid, before;
    } rows[] = {
#define U(status, valid, before) {status, valid, before},
#include "trust/list/service_table.h"
#undef U
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].status, status) == 0)
            return rows[i].valid && (!rows[i].before || from_s < EIDAS_S);
    return false;
}

tlist_list *tlist_list_ref(tlist_list *list)
{
    atomic_fetch_add(&list->refs, 1);
    return list;
}

void tlist_list_unref(tlist_list *list)
{
    if (list == NULL || atomic_fetch_sub(&list->refs, 1) != 1)
        return;
    dx_arena_fini(&list->arena);
    free(list);
}

const tlist_facts *tlist_list_facts(const tlist_list *list)
{
    return &list->facts;
}

static DX_RC judge_times(const tlist_source *source, tlist_list *l, int64_t at_s, dx_why *why)
{
    if (l->facts.issued_s > at_s + 86400)
        return tlist_refuse(why, "TL-703", "%s", "");
    if (l->facts.next_update_s != 0 && l->facts.next_update_s > l->facts.issued_s + 186 * 86400LL) {
        if (source->strict)
            return tlist_refuse(why, "TL-706", "%s", "");
        tlist_remark(l, "TL-706");
    }
    return DX_OKAY;
}

DX_RC tlist_read_signed_by(dx_bytes xml, const tlist_source *source, const uint8_t (*signers)[32], size_t signer_count, bool judge_time,
                           int64_t at_s, tlist_list **out, dx_why *why)
{
    xmlDoc      *doc = NULL;
    xmlNode     *signature = NULL;
    tlist_source with = *source;
    tlist_list  *l = calloc(1, sizeof *l);
    *out = NULL;
    with.anchors = signers;
    with.anchor_count = signer_count;
    if (l == NULL)
        return no_memory(why);
    atomic_init(&l->refs, 1);
    dx_sha256(xml, l->facts.sha256);
    size_t       max = source->max_bytes != 0 ? source->max_bytes : 16U << 20;
    struct dx_rc rc = xml.size > max ? tlist_refuse(why, "TL-104", "%zu bytes", xml.size) : tlist_xml_read(xml, &doc, why);
    if (rc.code == DX_OK)
        rc = tlist_shape_first(doc, &signature, &l->version, why);
    if (rc.code == DX_OK && !source->structure_warn)
        rc = tlist_shape_check(xmlDocGetRootElement(doc), l->version, why);
    if (rc.code == DX_OK)
        rc = tlist_parse(xmlDocGetRootElement(doc), source, l, why); /* nothing of it counts before the signature does */
    if (rc.code == DX_OK)
        rc = tlist_verify(doc, signature, &with, at_s, l, why);
    if (rc.code == DX_OK && judge_time)
        rc = judge_times(source, l, at_s, why);
    xmlFreeDoc(doc);
    if (rc.code != DX_OK) {
        tlist_list_unref(l);
        return rc;
    }
    l->facts.confirmed_s = at_s;
    l->facts.state = tlist_state_at(&l->facts, at_s, 0);
    *out = l;
    return DX_OKAY;
}

DX_RC tlist_read(dx_bytes xml, const tlist_source *source, int64_t at_s, tlist_list **out, dx_why *why)
{
    return tlist_read_signed_by(xml, source, source->anchors, source->anchor_count, true, at_s, out, why);
}

tlist_state tlist_state_at(const tlist_facts *list, int64_t at_s, int64_t grace_s)
{
    if (list->next_update_s == 0)
        return TLIST_STATE_CLOSED;
    if (at_s < list->next_update_s)
        return TLIST_STATE_OK;
    return at_s < list->next_update_s + grace_s ? TLIST_STATE_GRACE : TLIST_STATE_EXPIRED;
}
