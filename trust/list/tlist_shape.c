#include "trust/list/tlist_xml.h"

enum { LANG = 1, CRITICAL = 2 };

static const struct {
    const char *element, *children;
    unsigned flags;
} shapes[] = {
#define SHAPE(element, children, flags) {element, children, flags},
#include "trust/list/tlist_shape_table.h"
#undef SHAPE
};

/* The token at `*at`: "A|B+" gives names "A|B" and sign '+'. */
static bool next_token(const char **at, dx_bytes *names, char *sign)
{
    size_t size = strcspn(*at, " ");
    if (size == 0)
        return false;
    *names = dx_bytes_of(*at, size - 1);
    *sign = (*at)[size - 1];
    *at += size + ((*at)[size] == ' ');
    return true;
}

static bool is_named(const xmlNode *node, dx_bytes name)
{
    bool ds = dx_bytes_starts(name, "ds:");
    if (ds)
        name = dx_bytes_part(name, 3, name.size);
    return tlist_in_ns(node, ds ? TLIST_NS_DS : TLIST_NS) && dx_bytes_is(name, (const char *)node->name);
}

/* One of the names "A|B". */
static bool fits(const xmlNode *node, dx_bytes names)
{
    while (names.size > 0) {
        const uint8_t *bar = memchr(names.data, '|', names.size);
        size_t size = bar == NULL ? names.size : (size_t)(bar - names.data);
        if (is_named(node, dx_bytes_of(names.data, size)))
            return true;
        names = dx_bytes_part(names, bar == NULL ? size : size + 1, names.size);
    }
    return false;
}

static struct dx_rc check_child(const xmlNode *child, unsigned flags, dx_why *why)
{
    if (flags & LANG) {
        bool lang = false, text = false;
        for (const xmlAttr *a = child->properties; a != NULL; a = a->next)
            lang |= a->ns != NULL && strcmp((const char *)a->ns->href, TLIST_NS_XML) == 0 &&
                    strcmp((const char *)a->name, "lang") == 0;
        for (const xmlNode *n = child->children; n != NULL; n = n->next)
            text |= n->type == XML_ELEMENT_NODE ||
                    (n->content != NULL && n->content[strspn((const char *)n->content, " \t\r\n")] != '\0');
        if (!lang || !text)
            return tlist_refuse(why, 311, "%s in %s at line %ld %s", (const char *)child->name,
                                (const char *)child->parent->name, xmlGetLineNo(child),
                                lang ? "is empty" : "has no xml:lang");
    }
    if (flags & CRITICAL) {
        const char *critical = tlist_attribute(child, "Critical");
        if (critical == NULL || (strcmp(critical, "true") != 0 && strcmp(critical, "false") != 0 &&
                                 strcmp(critical, "1") != 0 && strcmp(critical, "0") != 0))
            return tlist_refuse(why, 311, "Extension at line %ld has no Critical of true or false",
                                xmlGetLineNo(child));
    }
    return DX_OKAY;
}

static struct dx_rc check_element(const xmlNode *node, size_t row, dx_why *why)
{
    const char *at = shapes[row].children, *parent = shapes[row].element;
    dx_bytes names;
    char sign;
    xmlNode *child = tlist_first(node);
    while (next_token(&at, &names, &sign)) {
        size_t count = 0;
        const xmlChar *first = NULL;
        while (child != NULL && fits(child, names) && (count == 0 || sign == '+' || sign == '*')) {
            if (first != NULL && strcmp(parent, "PolicyOrLegalNotice") == 0 &&
                !xmlStrEqual(first, child->name))
                break;
            first = child->name;
            DX_TRY(check_child(child, shapes[row].flags, why));
            count++;
            child = tlist_next(child);
        }
        if (count == 0 && (sign == '!' || sign == '+'))
            return tlist_refuse(why, 311, "%s at line %ld lacks " DX_TEXT_FMT "%s%.60s", parent,
                                xmlGetLineNo(node), DX_TEXT_ARG(names), child == NULL ? "" : " before ",
                                child == NULL ? "" : (const char *)child->name);
    }
    if (child != NULL)
        return tlist_refuse(why, 311, "%.60s at line %ld may not stand there in %s",
                            (const char *)child->name, xmlGetLineNo(child), parent);
    for (const xmlNode *n = node->children; n != NULL; n = n->next)
        if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && n->content != NULL &&
            n->content[strspn((const char *)n->content, " \t\r\n")] != '\0')
            return tlist_refuse(why, 311, "text stands between the children of %s at line %ld", parent,
                                xmlGetLineNo(node));
    return DX_OKAY;
}

/* Leaves of the tsl namespace hold text alone (TL-206). */
static bool is_open(const xmlNode *node)
{
    static const char *const open[] = {"Extension", "OtherInformation", "Other",
                                       "TSLPolicy", "TSLLegalNotice",   "AdditionalServiceInformation"};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (strcmp((const char *)node->name, open[i]) == 0)
            return true;
    return false;
}

static struct dx_rc check_version(const xmlNode *node, unsigned version, dx_why *why)
{
    static const char *const old[] = {"SigningCertificate", "SignatureProductionPlace", "SignerRole"};
    if (version == 5 &&
        ((tlist_is(node, TLIST_NS, "ServiceSupplyPoint") && tlist_attribute(node, "type") != NULL) ||
         tlist_is(node, TLIST_NS_XADES, "SigningCertificateV2")))
        return tlist_refuse(why, 312, "%s%s belongs to version 6", (const char *)node->name,
                            tlist_in_ns(node, TLIST_NS) ? "/@type" : "");
    for (size_t i = 0; version == 6 && i < sizeof old / sizeof *old; i++)
        if (tlist_is(node, TLIST_NS_XADES, old[i]))
            return tlist_refuse(why, 312, "%s belongs to version 5", old[i]);
    return DX_OKAY;
}

DX_RC tlist_shape_check(const xmlNode *root, unsigned version, dx_why *why)
{
    /* The version rule comes last: an element in a wrong place is the plainer fault. */
    for (const xmlNode *n = root; n != NULL; n = tlist_walk(root, n)) {
        if (!tlist_in_ns(n, TLIST_NS))
            continue;
        size_t row = 0;
        while (row < sizeof shapes / sizeof *shapes &&
               strcmp(shapes[row].element, (const char *)n->name) != 0)
            row++;
        if (row < sizeof shapes / sizeof *shapes)
            DX_TRY(check_element(n, row, why));
        else if (!is_open(n) && tlist_first(n) != NULL)
            return tlist_refuse(why, 311, "%.60s at line %ld holds %.60s; it is a leaf or unknown",
                                (const char *)n->name, xmlGetLineNo(n), (const char *)tlist_first(n)->name);
    }
    for (const xmlNode *n = root; n != NULL; n = tlist_walk(root, n))
        DX_TRY(check_version(n, version, why));
    return DX_OKAY;
}
