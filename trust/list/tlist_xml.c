#include "trust/list/tlist_xml.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>

enum { ATTRIBUTES_MAX = 64, TEXT_MAX = 4 << 20, IDS_MAX = 65536 };

static const char *cs(const xmlChar *text)
{
    return (const char *)text;
}

bool tlist_in_ns(const xmlNode *node, const char *ns)
{
    return node->type == XML_ELEMENT_NODE && node->ns != NULL && strcmp(cs(node->ns->href), ns) == 0;
}

bool tlist_is(const xmlNode *node, const char *ns, const char *name)
{
    return node != NULL && node->type == XML_ELEMENT_NODE && strcmp(cs(node->name), name) == 0 &&
           tlist_in_ns(node, ns);
}

static xmlNode *element_from(xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

xmlNode *tlist_first(const xmlNode *parent)
{
    return parent == NULL ? NULL : element_from(parent->children);
}

xmlNode *tlist_next(const xmlNode *node)
{
    return node == NULL ? NULL : element_from(node->next);
}

xmlNode *tlist_child(const xmlNode *parent, const char *ns, const char *name)
{
    for (xmlNode *node = tlist_first(parent); node != NULL; node = tlist_next(node))
        if (tlist_is(node, ns, name))
            return node;
    return NULL;
}

xmlNode *tlist_down(const xmlNode *node, const char *a, const char *b)
{
    xmlNode *child = tlist_child(node, TLIST_NS, a);
    return b == NULL ? child : tlist_child(child, TLIST_NS, b);
}

xmlNode *tlist_walk(const xmlNode *root, const xmlNode *node)
{
    xmlNode *below = tlist_first(node);
    if (below != NULL)
        return below;
    while (node != root) {
        xmlNode *beside = tlist_next(node);
        if (beside != NULL)
            return beside;
        node = node->parent;
    }
    return NULL;
}

static bool is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

const char *tlist_text(const xmlNode *leaf, dx_arena *arena)
{
    size_t size = 0;
    for (const xmlNode *n = leaf == NULL ? NULL : leaf->children; n != NULL; n = n->next)
        if (is_text(n) && n->content != NULL)
            size += strlen(cs(n->content));
    char *text = dx_arena_alloc(arena, size + 1);
    if (text == NULL)
        return NULL;
    size_t at = 0;
    for (const xmlNode *n = leaf == NULL ? NULL : leaf->children; n != NULL; n = n->next)
        if (is_text(n) && n->content != NULL) {
            size_t part = strlen(cs(n->content));
            memcpy(text + at, n->content, part);
            at += part;
        }
    dx_bytes trimmed = dx_bytes_trim(dx_bytes_of(text, size));
    memmove(text, trimmed.data, trimmed.size);
    text[trimmed.size] = '\0';
    return text;
}

const char *tlist_attribute(const xmlNode *node, const char *name)
{
    for (const xmlAttr *a = node->properties; a != NULL; a = a->next)
        if (a->ns == NULL && strcmp(cs(a->name), name) == 0)
            return a->children == NULL || a->children->content == NULL ? "" : cs(a->children->content);
    return NULL;
}

bool tlist_base64(const xmlNode *leaf, dx_arena *arena, dx_bytes *out)
{
    const char *text = tlist_text(leaf, arena);
    if (text == NULL)
        return false;
    size_t size = strlen(text), kept = 0;
    char *tight = dx_arena_alloc(arena, size + 1);
    if (tight == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        if (strchr(" \t\r\n", text[i]) == NULL)
            tight[kept++] = text[i];
    size_t room = kept / 4 * 3 + 3;
    uint8_t *data = dx_arena_alloc(arena, room);
    if (data == NULL || !dx_base64_decode(dx_bytes_of(tight, kept), data, &room))
        return false;
    *out = dx_bytes_of(data, room);
    return true;
}

bool tlist_time(const xmlNode *leaf, bool *offset, int64_t *out_s)
{
    dx_arena arena = {0};
    const char *text = tlist_text(leaf, &arena);
    int64_t us;
    bool ok = text != NULL && dx_time_parse(dx_bytes_text(text), false, &us);
    if (ok) {
        *out_s = us >= 0 ? us / 1000000 : -((-us + 999999) / 1000000);
        if (offset != NULL)
            *offset = text[strlen(text) - 1] != 'Z';
    }
    dx_arena_fini(&arena);
    return ok;
}

static struct dx_rc parse(dx_bytes xml, tlist_tree *out, dx_why *why)
{
    DX_TRY(tlist_scan(xml, why));
    int flags = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    xmlResetLastError();
    out->doc = xmlReadMemory((const char *)xml.data, (int)xml.size, NULL, NULL, flags);
    if (out->doc == NULL) {
        const xmlError *e = xmlGetLastError();
        const char *message = e == NULL || e->message == NULL ? "no document" : e->message;
        int cut = (int)strcspn(message, "\n");
        return tlist_refuse(why, strstr(message, "epth") != NULL ? 204 : 201,
                            "not well-formed at line %d: %.*s", e == NULL ? 0 : e->line, cut, message);
    }
    if (out->doc->intSubset != NULL || out->doc->extSubset != NULL)
        return tlist_refuse(why, 202, "the document has a document type declaration");
    if (out->doc->encoding != NULL && strcasecmp(cs(out->doc->encoding), "UTF-8") != 0)
        return tlist_refuse(why, 203, "the document declares encoding %.40s, not UTF-8",
                            cs(out->doc->encoding));
    if (!dx_bytes_utf8_ok(xml))
        return tlist_refuse(why, 203, "the document holds bytes that are not UTF-8");
    out->root = xmlDocGetRootElement(out->doc);
    return DX_OKAY;
}

typedef struct {
    const char **ids;
    size_t id_count, elements, tsl_roots, signatures;
} census;

static struct dx_rc count_attributes(const xmlNode *node, census *c, dx_why *why)
{
    unsigned count = 0;
    for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
        if (++count > ATTRIBUTES_MAX)
            return tlist_refuse(why, 204, "element %.60s has more than %d attributes", cs(node->name),
                                ATTRIBUTES_MAX);
        if (a->children != NULL && (a->children->next != NULL || a->children->type != XML_TEXT_NODE))
            return tlist_refuse(why, 202, "attribute %.60s holds an entity reference", cs(a->name));
        bool id =
            (a->ns == NULL && strcasecmp(cs(a->name), "id") == 0) ||
            (a->ns != NULL && strcmp(cs(a->ns->href), TLIST_NS_XML) == 0 && strcmp(cs(a->name), "id") == 0);
        if (!id)
            continue;
        if (c->id_count == IDS_MAX)
            return tlist_refuse(why, 204, "the document has more than %d identifiers", IDS_MAX);
        c->ids[c->id_count++] = a->children == NULL ? "" : cs(a->children->content);
    }
    return DX_OKAY;
}

static struct dx_rc look_at_children(const xmlNode *node, dx_why *why)
{
    bool comment = false, text = false;
    for (const xmlNode *n = node->children; n != NULL; n = n->next) {
        if (n->type == XML_PI_NODE)
            return tlist_refuse(why, 205, "a processing instruction stands inside %.60s", cs(node->name));
        if (n->type == XML_ENTITY_REF_NODE || n->type == XML_ENTITY_NODE)
            return tlist_refuse(why, 202, "an entity reference stands inside %.60s", cs(node->name));
        comment |= n->type == XML_COMMENT_NODE;
        if (is_text(n) && n->content != NULL) {
            size_t size = strlen(cs(n->content));
            if (size > TEXT_MAX)
                return tlist_refuse(why, 204, "a text in %.60s is longer than 4 MiB", cs(node->name));
            text |= strspn(cs(n->content), " \t\r\n") != size;
        }
    }
    if (comment && text)
        return tlist_refuse(why, 205, "a comment stands beside text in %.60s at line %ld", cs(node->name),
                            xmlGetLineNo(node));
    return DX_OKAY;
}

static struct dx_rc take_census(const tlist_tree *tree, census *c, dx_why *why)
{
    for (xmlNode *n = tree->root; n != NULL; n = tlist_walk(tree->root, n)) {
        unsigned depth = 0;
        for (const xmlNode *up = n; up != NULL && up->type == XML_ELEMENT_NODE; up = up->parent)
            if (++depth > TLIST_DEPTH_MAX)
                return tlist_refuse(why, 204, "elements are nested deeper than %d", TLIST_DEPTH_MAX);
        if (++c->elements > TLIST_ELEMENTS_MAX)
            return tlist_refuse(why, 204, "the document has more than %d elements", TLIST_ELEMENTS_MAX);
        DX_TRY(count_attributes(n, c, why));
        DX_TRY(look_at_children(n, why));
        c->tsl_roots += tlist_is(n, TLIST_NS, "TrustServiceStatusList");
        c->signatures += tlist_is(n, TLIST_NS_DS, "Signature");
    }
    return DX_OKAY;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct dx_rc judge_census(tlist_tree *tree, census *c, dx_why *why)
{
    DX_TRY(take_census(tree, c, why));
    if (!tlist_is(tree->root, TLIST_NS, "TrustServiceStatusList"))
        return tlist_refuse(why, 301, "the root is %.60s, not a TrustServiceStatusList of " TLIST_NS,
                            cs(tree->root->name));
    if (c->tsl_roots != 1)
        return tlist_refuse(why, 301, "TrustServiceStatusList stands %zu times in the document",
                            c->tsl_roots);
    const char *tag = tlist_attribute(tree->root, "TSLTag");
    if (tag == NULL || strcmp(tag, "http://uri.etsi.org/19612/TSLTag") != 0)
        return tlist_refuse(why, 301, "TSLTag is \"%.80s\", not http://uri.etsi.org/19612/TSLTag",
                            tag == NULL ? "" : tag);
    for (xmlNode *n = tlist_first(tree->root); n != NULL; n = tlist_next(n))
        tree->signature = n;
    if (c->signatures != 1 || tree->signature == NULL || !tlist_is(tree->signature, TLIST_NS_DS, "Signature"))
        return tlist_refuse(why, 302,
                            "the document has %zu signatures%s; it needs one, as the last child of the root",
                            c->signatures, c->signatures == 1 ? " in another place" : "");
    qsort(c->ids, c->id_count, sizeof *c->ids, compare_text);
    for (size_t i = 1; i < c->id_count; i++)
        if (strcmp(c->ids[i - 1], c->ids[i]) == 0)
            return tlist_refuse(why, 303, "identifier \"%.80s\" stands twice", c->ids[i]);
    return DX_OKAY;
}

static struct dx_rc read_scheme(tlist_tree *tree, dx_arena *arena, dx_why *why)
{
    tree->scheme = tlist_child(tree->root, TLIST_NS, "SchemeInformation");
    const char *version = tlist_text(tlist_down(tree->scheme, "TSLVersionIdentifier", NULL), arena);
    const char *sequence = tlist_text(tlist_down(tree->scheme, "TSLSequenceNumber", NULL), arena);
    const char *territory = tlist_text(tlist_down(tree->scheme, "SchemeTerritory", NULL), arena);
    if (version == NULL || sequence == NULL || territory == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the scheme information");
    if (strcmp(version, "5") != 0 && strcmp(version, "6") != 0)
        return tlist_refuse(why, 304, "version \"%.20s\" is not 5 or 6", version);
    tree->version = (unsigned)(version[0] - '0');
    if (!dx_bytes_u64(dx_bytes_text(sequence), INT64_MAX, &tree->sequence) || tree->sequence == 0)
        return tlist_refuse(why, 305, "sequence number \"%.40s\" is not 1 or more", sequence);
    if (strlen(territory) != 2 || strspn(territory, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        return tlist_refuse(why, 306, "territory \"%.20s\" is not two capital letters", territory);
    memcpy(tree->territory, territory, 3);
    xmlNode *issued = tlist_down(tree->scheme, "ListIssueDateTime", NULL);
    xmlNode *next = tlist_down(tree->scheme, "NextUpdate", NULL);
    if (issued == NULL || next == NULL)
        return tlist_refuse(why, 307, "%s is missing", issued == NULL ? "ListIssueDateTime" : "NextUpdate");
    bool offset = false, offset_next = false;
    if (!tlist_time(issued, &offset, &tree->issued_s))
        return tlist_refuse(why, 308, "ListIssueDateTime is not a date and time with zone");
    xmlNode *update = tlist_down(next, "dateTime", NULL);
    if (update != NULL &&
        (!tlist_time(update, &offset_next, &tree->next_update_s) || tree->next_update_s <= 0))
        return tlist_refuse(why, 308, "NextUpdate is not a date and time with zone");
    if (tree->version >= 6 && (offset || offset_next))
        tlist_remark(&tree->remarks, 308);
    return DX_OKAY;
}

static struct dx_rc read_tree(dx_bytes xml, bool structure_warn, tlist_tree *out, dx_why *why)
{
    DX_TRY(parse(xml, out, why));
    census c = {.ids = calloc(IDS_MAX, sizeof *c.ids)};
    if (c.ids == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for %d identifiers", IDS_MAX);
    struct dx_rc rc = judge_census(out, &c, why);
    free(c.ids);
    DX_TRY(rc);
    dx_arena arena = {0};
    rc = read_scheme(out, &arena, why);
    dx_arena_fini(&arena);
    DX_TRY(rc);
    rc = tlist_shape_check(out->root, out->version, why);
    if (rc.code == DX_REFUSED && structure_warn && why != NULL && strcmp(why->id, "TL-311") == 0) {
        tlist_remark(&out->remarks, 311);
        return DX_OKAY;
    }
    return rc;
}

DX_RC tlist_tree_read(dx_bytes xml, size_t max_bytes, bool structure_warn, tlist_tree *out, dx_why *why)
{
    *out = (tlist_tree){0};
    DX_TRY(tlist_init(why));
    if (xml.size == 0)
        return tlist_refuse(why, 107, "the document is empty");
    if (max_bytes == 0)
        max_bytes = 16u << 20;
    if (max_bytes > 64u << 20)
        max_bytes = 64u << 20;
    if (xml.size > max_bytes)
        return tlist_refuse(why, 104, "the document has %zu bytes, more than %zu", xml.size, max_bytes);
    struct dx_rc rc = read_tree(xml, structure_warn, out, why);
    if (rc.code != DX_OK)
        tlist_tree_fini(out);
    return rc;
}

void tlist_tree_fini(tlist_tree *tree)
{
    if (tree->doc != NULL)
        xmlFreeDoc(tree->doc);
    *tree = (tlist_tree){0};
}
