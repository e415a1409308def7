#include "trust/list/tlist_private.h"

#include <stdio.h>

/* The structure of TS 119 612 in code: no schema files (trusted-lists.md 2.3, 2.4). */

static const struct {
    const char *name, *children;
} shapes[] = {
#define E(name, children) {#name, children},
#include "trust/list/tlist_shape_table.h"
#undef E
};

static const char *shape_of(const char *name)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return shapes[i].children;
    return NULL;
}

static bool named(const xmlNode *n, const char *name, size_t size)
{
    return n != NULL && strlen((const char *)n->name) == size && memcmp(n->name, name, size) == 0;
}

static struct dx_rc wrong(const xmlNode *at, const char *what, const char *name, dx_why *why)
{
    return tlist_refuse(why, "TL-311", "%s %.40s in %.40s at line %ld", what, name, (const char *)at->name, xmlGetLineNo(at));
}

static DX_RC check_choice(const xmlNode *parent, const char *spec, dx_why *why)
{
    const xmlNode *n = tlist_first_element(parent);
    if (n == NULL)
        return wrong(parent, "nothing", "", why);
    for (const char *at = spec; *at != 0;) {
        size_t size = strcspn(at, "+ ");
        if (named(n, at, size)) {
            for (const xmlNode *more = n; more != NULL; more = tlist_next_element(more))
                if (!named(more, at, size))
                    return wrong(parent, "unexpected", (const char *)more->name, why);
            return DX_OKAY;
        }
        at += size;
        while (*at == '+' || *at == ' ')
            at++;
    }
    return wrong(parent, "unexpected", (const char *)n->name, why);
}

static DX_RC check_children(const xmlNode *parent, const char *spec, dx_why *why)
{
    bool lang = spec[0] == 'L' && spec[1] == ' ';
    if (spec[0] == '|')
        return check_choice(parent, spec + 2, why);
    const xmlNode *n = tlist_first_element(parent);
    for (const char *at = lang ? spec + 2 : spec; *at != 0;) {
        size_t   size = strcspn(at, "!?+*");
        char     mark = at[size], name[48];
        unsigned count = 0;
        snprintf(name, sizeof name, "%.*s", (int)size, at);
        while (named(n, at, size) && (count == 0 || mark == '+' || mark == '*')) {
            bool signature = strcmp(name, "Signature") == 0;
            if (n->ns == NULL || strcmp((const char *)n->ns->href, signature ? DS_NS : TSL_NS) != 0)
                return wrong(parent, "foreign", name, why);
            if (lang && xmlHasNsProp((xmlNode *)(uintptr_t)n, (const xmlChar *)"lang", XML_XML_NAMESPACE) == NULL)
                return wrong(parent, "no xml:lang on", name, why);
            count++;
            n = tlist_next_element(n);
        }
        if (count == 0 && (mark == '!' || mark == '+'))
            return wrong(parent, "missing", name, why);
        at += size + 1;
        while (*at == ' ')
            at++;
    }
    return n == NULL ? DX_OKAY : wrong(parent, "unexpected", (const char *)n->name, why);
}

static DX_RC check_extension(const xmlNode *n, dx_why *why)
{
    xmlChar *critical = xmlGetNoNsProp((xmlNode *)(uintptr_t)n, (const xmlChar *)"Critical");
    bool     ok = critical != NULL;
    if (ok) {
        const char *c = (const char *)critical;
        ok = strcmp(c, "true") == 0 || strcmp(c, "false") == 0 || strcmp(c, "1") == 0 || strcmp(c, "0") == 0;
        xmlFree(critical);
    }
    return ok ? DX_OKAY : wrong(n, "no", "Critical", why);
}

static DX_RC check_digital_id(const xmlNode *n, dx_why *why)
{
    static const char *const kinds[] = {"X509Certificate", "X509SubjectName", "KeyValue", "X509SKI", "Other"};
    const xmlNode           *only = tlist_first_element(n);
    for (size_t i = 0; only != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp((const char *)only->name, kinds[i]) == 0 && tlist_next_element(only) == NULL)
            return DX_OKAY;
    return wrong(n, "not one of the five kinds of identity", "", why);
}

static bool not_empty(const char *name)
{
    static const char *const names[] = {"Name", "URI", "ServiceTypeIdentifier", "ServiceStatus", "TSLLocation", "TSLType"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

DX_RC tlist_shape_check(const xmlNode *root, unsigned version, dx_why *why)
{
    const xmlNode *n = root;
    while (n != NULL) {
        const char *name = (const char *)n->name, *spec = shape_of(name);
        bool        inside = true;
        if (spec == NULL) {
            if (tlist_first_element(n) != NULL)
                return wrong(n, "unexpected", (const char *)tlist_first_element(n)->name, why);
            dx_arena scratch = {0};
            bool     empty = not_empty(name) && tlist_text(n, &scratch).size == 0;
            dx_arena_fini(&scratch);
            if (empty)
                return wrong(n, "no text", "", why);
            if (version == 5 && strcmp(name, "ServiceSupplyPoint") == 0 && xmlHasProp((xmlNode *)(uintptr_t)n, (const xmlChar *)"type") != NULL)
                return tlist_refuse(why, "TL-312", "ServiceSupplyPoint/@type in version 5");
            inside = false;
        } else if (strcmp(spec, "any") == 0) {
            if (strcmp(name, "Extension") == 0)
                DX_TRY(check_extension(n, why));
            if (strcmp(name, "DigitalId") == 0)
                DX_TRY(check_digital_id(n, why));
            inside = false;
        } else {
            DX_TRY(check_children(n, spec, why));
        }
        const xmlNode *next = inside ? tlist_first_element(n) : NULL;
        while (next == NULL && n != root) {
            next = tlist_next_element(n);
            if (next == NULL)
                n = n->parent;
        }
        n = next;
    }
    return DX_OKAY;
}

/* ---- first things ---- */


static bool id_is_new(xmlNode *n, xmlHashTable *seen)
{
    for (xmlAttr *a = n->properties; a != NULL; a = a->next) {
        if (a->ns != NULL || (strcmp((const char *)a->name, "Id") != 0 && strcmp((const char *)a->name, "ID") != 0 && strcmp((const char *)a->name, "id") != 0))
            continue;
        xmlChar *value = xmlNodeGetContent((const xmlNode *)(const void *)a);
        bool     fresh = value != NULL && xmlHashAddEntry(seen, value, n) == 0;
        xmlFree(value);
        if (!fresh)
            return false;
    }
    return true;
}

static DX_RC walk(xmlNode *root, xmlNode **signature, dx_why *why)
{
    xmlHashTable *seen = xmlHashCreate(256);
    unsigned      signatures = 0, lists = 0;
    bool          unique = seen != NULL;
    for (xmlNode *n = root; n != NULL && unique;) {
        if (n->type == XML_ELEMENT_NODE) {
            if (tlist_is(n, DS_NS, "Signature")) {
                *signature = n;
                signatures++;
            }
            lists += tlist_is(n, TSL_NS, "TrustServiceStatusList");
            unique = id_is_new(n, seen);
        }
        if (n->type == XML_ELEMENT_NODE && n->children != NULL) {
            n = n->children;
            continue;
        }
        while (n != root && n->next == NULL)
            n = n->parent;
        n = n == root ? NULL : n->next;
    }
    xmlHashFree(seen, NULL);
    if (lists != 1)
        return tlist_refuse(why, "TL-301", "%u elements of that name", lists);
    if (signatures != 1)
        return tlist_refuse(why, "TL-302", "%u signatures", signatures);
    if (!unique)
        return tlist_refuse(why, "TL-303", "%s", "");
    return DX_OKAY;
}

DX_RC tlist_shape_first(xmlDoc *doc, xmlNode **signature, unsigned *version, dx_why *why)
{
    xmlNode *root = xmlDocGetRootElement(doc);
    if (!tlist_is(root, TSL_NS, "TrustServiceStatusList"))
        return tlist_refuse(why, "TL-301", "the root is %.40s", (const char *)root->name);
    xmlChar *tag = xmlGetNoNsProp(root, (const xmlChar *)"TSLTag");
    bool     tagged = tag != NULL && strcmp((const char *)tag, "http://uri.etsi.org/19612/TSLTag") == 0;
    xmlFree(tag);
    if (!tagged)
        return tlist_refuse(why, "TL-301", "TSLTag");
    DX_TRY(walk(root, signature, why));
    if ((*signature)->parent != root || tlist_next_element(*signature) != NULL)
        return tlist_refuse(why, "TL-302", "it is not the last child of the root");
    dx_arena       scratch = {0};
    const xmlNode *info = tlist_child(root, TSL_NS, "SchemeInformation");
    const xmlNode *v = tlist_child(info, TSL_NS, "TSLVersionIdentifier");
    uint64_t       number = 0;
    bool           ok = v != NULL && dx_bytes_u64(tlist_text(v, &scratch), 1000, &number);
    dx_arena_fini(&scratch);
    if (v == NULL)
        return DX_OKAY; /* the shape check names what is missing */
    if (!ok || (number != 5 && number != 6))
        return tlist_refuse(why, "TL-304", "version %llu", (unsigned long long)number);
    *version = (unsigned)number;
    return DX_OKAY;
}
