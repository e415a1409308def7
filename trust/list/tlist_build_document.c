/* The list as XML, without its signature: TS 119 612 v2.4.1, version 6, in the order of tlist_shape_table.h.
 */
#include "trust/list/tlist_build_private.h"

#include <stdio.h>

typedef struct {
    const build *b;
    bool failed; /* libxml2 had no memory; everything after it does nothing */
} writer;

static xmlNode *element(writer *w, xmlNode *parent, const char *name)
{
    xmlNode *node = parent == NULL ? NULL : xmlNewChild(parent, NULL, (const xmlChar *)name, NULL);
    w->failed |= node == NULL;
    return node;
}

static xmlNode *leaf(writer *w, xmlNode *parent, const char *name, const char *text)
{
    xmlNode *node =
        parent == NULL ? NULL : xmlNewTextChild(parent, NULL, (const xmlChar *)name, (const xmlChar *)text);
    w->failed |= node == NULL;
    return node;
}

static void spoken(writer *w, xmlNode *parent, const char *name, const char *lang, const char *text)
{
    xmlNode *node = leaf(w, parent, name, text);
    if (node != NULL)
        xmlNodeSetLang(node, (const xmlChar *)lang);
}

static void attribute(writer *w, xmlNode *node, const char *name, const char *value)
{
    w->failed |= node == NULL || xmlNewProp(node, (const xmlChar *)name, (const xmlChar *)value) == NULL;
}

static void base64(writer *w, xmlNode *parent, const char *name, dx_bytes data)
{
    dx_arena arena = {0};
    char *text = dx_arena_alloc(&arena, DX_BASE64_SIZE(data.size));
    w->failed |= text == NULL;
    if (text != NULL) {
        dx_base64(data, text);
        leaf(w, parent, name, text);
    }
    dx_arena_fini(&arena);
}

static void time_leaf(writer *w, xmlNode *parent, const char *name, int64_t unix_s)
{
    char text[DX_TIME_SIZE];
    dx_time_print(unix_s, text);
    leaf(w, parent, name, text);
}

static void uri(writer *w, xmlNode *parent, const char *name, const char *text)
{
    spoken(w, element(w, parent, name), "URI", "en", text);
}

static void names(writer *w, xmlNode *parent, const char *name, const build_names *all)
{
    xmlNode *node = element(w, parent, name);
    for (size_t i = 0; i < all->count; i++)
        spoken(w, node, "Name", all->items[i].lang, all->items[i].text);
}

static void two_names(writer *w, xmlNode *parent, const char *name, const char *en, const char *ja)
{
    build_names all = {{{"en", en}, {"ja", ja}}, ja[0] == '\0' ? 1 : 2};
    names(w, parent, name, &all);
}

static void address(writer *w, xmlNode *parent, const char *name, const build_address *all, size_t count,
                    const char *mail, const char *url)
{
    char mailto[BUILD_CELL_MAX + 16];
    xmlNode *node = element(w, parent, name), *postal = element(w, node, "PostalAddresses");
    for (size_t i = 0; i < count; i++) {
        xmlNode *one = element(w, postal, "PostalAddress");
        if (one != NULL)
            xmlNodeSetLang(one, (const xmlChar *)all[i].lang);
        leaf(w, one, "StreetAddress", all[i].street);
        leaf(w, one, "Locality", all[i].locality);
        if (all[i].state != NULL && all[i].state[0] != '\0')
            leaf(w, one, "StateOrProvince", all[i].state);
        if (all[i].postcode != NULL && all[i].postcode[0] != '\0')
            leaf(w, one, "PostalCode", all[i].postcode);
        leaf(w, one, "CountryName", all[i].country);
    }
    xmlNode *electronic = element(w, node, "ElectronicAddress");
    snprintf(mailto, sizeof mailto, "mailto:%s", mail);
    spoken(w, electronic, "URI", "en", mailto);
    spoken(w, electronic, "URI", "en", url);
}

/* The rule that every reader knows stands there always: no profile takes the marker away (9.4). */
static void rules(writer *w, xmlNode *parent)
{
    const char *own = w->b->map.profile.operator_compiled_rule;
    xmlNode *node = element(w, parent, "SchemeTypeCommunityRules");
    spoken(w, node, "URI", "en", w->b->map.profile.scheme_rules);
    spoken(w, node, "URI", "en", TLIST_OPERATOR_RULE);
    if (strcmp(own, TLIST_OPERATOR_RULE) != 0)
        spoken(w, node, "URI", "en", own);
}

static void scheme(writer *w, xmlNode *root)
{
    const build_scheme *s = &w->b->scheme;
    const tlist_build_report *r = w->b->report;
    char sequence[24];
    xmlNode *node = element(w, root, "SchemeInformation"), *child;
    leaf(w, node, "TSLVersionIdentifier", "6");
    snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)r->sequence);
    leaf(w, node, "TSLSequenceNumber", sequence);
    leaf(w, node, "TSLType", w->b->map.profile.tsl_type);
    names(w, node, "SchemeOperatorName", &s->operator_name);
    address(w, node, "SchemeOperatorAddress", s->addresses, s->address_count, s->mail, s->url);
    names(w, node, "SchemeName", &s->scheme_name);
    child = element(w, node, "SchemeInformationURI");
    for (size_t i = 0; i < s->information_uris.count; i++)
        spoken(w, child, "URI", "en", s->information_uris.items[i]);
    leaf(w, node, "StatusDeterminationApproach", w->b->map.profile.status_approach);
    rules(w, node);
    leaf(w, node, "SchemeTerritory", w->b->map.profile.territory);
    child = s->legal_notice.count > 0 ? element(w, node, "PolicyOrLegalNotice") : NULL;
    for (size_t i = 0; i < s->legal_notice.count; i++)
        spoken(w, child, "TSLLegalNotice", s->legal_notice.items[i].lang, s->legal_notice.items[i].text);
    leaf(w, node, "HistoricalInformationPeriod", "65535"); /* nothing is ever dropped (5.3.12) */
    time_leaf(w, node, "ListIssueDateTime", r->issued_s);
    time_leaf(w, element(w, node, "NextUpdate"), "dateTime", r->next_update_s);
    child = s->distribution_points.count > 0 ? element(w, node, "DistributionPoints") : NULL;
    for (size_t i = 0; i < s->distribution_points.count; i++)
        leaf(w, child, "URI", s->distribution_points.items[i]);
}

/* Subject name and key identifier stand beside the certificates, and alone in a history (5.6.3). */
static void identity(writer *w, xmlNode *parent, const build_service *s, bool whole)
{
    xmlNode *node = element(w, parent, "ServiceDigitalIdentity");
    for (size_t i = 0; whole && i < s->certificate_count; i++)
        base64(w, element(w, node, "DigitalId"), "X509Certificate", s->certificates[i]->der);
    for (size_t i = 0; i < s->certificate_count; i++) {
        bool named = false, known = false;
        for (size_t k = 0; k < i; k++) {
            named |= strcmp(s->certificates[k]->subject, s->certificates[i]->subject) == 0;
            known |= dx_bytes_equal(s->certificates[k]->ski, s->certificates[i]->ski);
        }
        if (!named)
            leaf(w, element(w, node, "DigitalId"), "X509SubjectName", s->certificates[i]->subject);
        if (!known)
            base64(w, element(w, node, "DigitalId"), "X509SKI", s->certificates[i]->ski);
    }
}

static xmlNode *element_in(writer *w, xmlNode *parent, const char *ns, const char *prefix, const char *name)
{
    xmlNode *node = element(w, parent, name);
    xmlNs *declared = node == NULL ? NULL : xmlNewNs(node, (const xmlChar *)ns, (const xmlChar *)prefix);
    w->failed |= declared == NULL;
    if (declared != NULL)
        xmlSetNs(node, declared);
    return node;
}

/* A certificate without these policies is not of this service (9.2): Qualifications with one PolicySet.
 * Critical: a reader that cannot follow must not take the service for a wider one (5.5.9). */
static void policies(writer *w, xmlNode *extensions, const build_texts *oids)
{
    xmlNode *extension = element(w, extensions, "Extension");
    attribute(w, extension, "Critical", "true");
    xmlNode *one =
        element(w, element_in(w, extension, TLIST_NS_SIE, "sie", "Qualifications"), "QualificationElement");
    attribute(w, element(w, element(w, one, "Qualifiers"), "Qualifier"), "uri",
              w->b->map.profile.policy_qualifier);
    xmlNode *criteria = element(w, one, "CriteriaList");
    attribute(w, criteria, "assert", "all");
    xmlNode *set = element(w, criteria, "PolicySet");
    for (size_t i = 0; i < oids->count; i++) {
        xmlNode *policy = element(w, set, "PolicyIdentifier");
        xmlNode *identifier = element_in(w, policy, TLIST_NS_XADES, "xades", "Identifier");
        char urn[BUILD_CELL_MAX + 16];
        snprintf(urn, sizeof urn, "urn:oid:%s", oids->items[i]);
        if (identifier != NULL) {
            xmlNodeAddContent(identifier, (const xmlChar *)urn);
            attribute(w, identifier, "Qualifier", "OIDAsURN");
        }
    }
}

static void extensions(writer *w, xmlNode *parent, const build_interval *i)
{
    if (i->info.count + i->policies.count == 0)
        return;
    xmlNode *node = element(w, parent, "ServiceInformationExtensions");
    for (size_t k = 0; k < i->info.count; k++) {
        xmlNode *extension = element(w, node, "Extension");
        attribute(w, extension, "Critical", "true");
        spoken(w, element(w, extension, "AdditionalServiceInformation"), "URI", "en", i->info.items[k]);
    }
    if (i->policies.count > 0)
        policies(w, node, &i->policies);
}

static void interval(writer *w, xmlNode *node, const build_service *s, const build_interval *i, bool present)
{
    const build_row *row = i->row;
    leaf(w, node, "ServiceTypeIdentifier", row->type->uri);
    two_names(w, node, "ServiceName", row->cells[BUILD_SERVICE_NAME_EN].text,
              row->cells[BUILD_SERVICE_NAME_JA].text);
    identity(w, node, s, present);
    leaf(w, node, "ServiceStatus", row->status->uri);
    time_leaf(w, node, "StatusStartingTime", row->since_s);
    if (present)
        uri(w, node, "SchemeServiceDefinitionURI", row->cells[BUILD_SOURCE_URL].text);
    extensions(w, node, i);
}

static void provider(writer *w, xmlNode *parent, const build_provider *p)
{
    const build_cell *c = p->row->cells;
    char trade_name[32];
    xmlNode *node = element(w, parent, "TrustServiceProvider"),
            *information = element(w, node, "TSPInformation");
    two_names(w, information, "TSPName", c[BUILD_TSP_NAME_EN].text, c[BUILD_TSP_NAME_JA].text);
    snprintf(trade_name, sizeof trade_name, "NTRJP-%.13s", c[BUILD_TSP_ID].text);
    spoken(w, element(w, information, "TSPTradeName"), "Name", "en", trade_name);
    build_address postal = {"en",
                            c[BUILD_STREET].text,
                            c[BUILD_LOCALITY].text,
                            c[BUILD_STATE].text,
                            c[BUILD_POSTCODE].text,
                            c[BUILD_COUNTRY].text};
    address(w, information, "TSPAddress", &postal, 1, c[BUILD_MAIL].text, c[BUILD_URL].text);
    uri(w, information, "TSPInformationURI", c[BUILD_URL].text);
    xmlNode *services = element(w, node, "TSPServices");
    for (size_t i = 0; i < p->service_count; i++) {
        const build_service *s = &p->services[i];
        xmlNode *service = element(w, services, "TSPService");
        interval(w, element(w, service, "ServiceInformation"), s, &s->intervals[0], true);
        xmlNode *history = s->interval_count > 1 ? element(w, service, "ServiceHistory") : NULL;
        for (size_t k = 1; k < s->interval_count; k++)
            interval(w, element(w, history, "ServiceHistoryInstance"), s, &s->intervals[k], false);
    }
}

/* Line feeds between elements, for people and for `diff`; before the signature, which covers them. */
static void lay_out(writer *w, xmlNode *parent, int depth)
{
    static const char spaces[] = "\n                                ";
    xmlNode *first = tlist_first(parent), *text = NULL;
    if (first == NULL)
        return;
    for (xmlNode *n = first; n != NULL; n = tlist_next(n)) {
        lay_out(w, n, depth + 1);
        text = xmlNewTextLen((const xmlChar *)spaces, depth + 2);
        w->failed |= text == NULL || xmlAddPrevSibling(n, text) == NULL;
    }
    text = xmlNewTextLen((const xmlChar *)spaces, depth + 1);
    w->failed |= text == NULL || xmlAddChild(parent, text) == NULL;
}

DX_RC tlist_build_document(const build *b, xmlDoc **out, dx_why *why)
{
    writer w = {.b = b};
    xmlDoc *doc = *out = xmlNewDoc((const xmlChar *)"1.0");
    xmlNode *root = doc == NULL ? NULL : xmlNewNode(NULL, (const xmlChar *)"TrustServiceStatusList");
    if (root == NULL)
        return tlist_build_no_memory(why);
    xmlDocSetRootElement(doc, root);
    xmlNs *ns = xmlNewNs(root, (const xmlChar *)TLIST_NS, NULL);
    xmlSetNs(root, ns);
    attribute(&w, root, "TSLTag", "http://uri.etsi.org/19612/TSLTag");
    scheme(&w, root);
    xmlNode *providers = element(&w, root, "TrustServiceProviderList");
    for (size_t i = 0; i < b->provider_count; i++)
        provider(&w, providers, &b->providers[i]);
    if (!w.failed && ns != NULL)
        lay_out(&w, root, 0);
    return w.failed || ns == NULL ? tlist_build_no_memory(why) : DX_OKAY;
}
