#include "trust/list/tlist_private.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <pthread.h>
#include <stdio.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmlsec.h>

/* Bytes of a stranger become a tree (trusted-lists.md 2.2). */

#define DEPTH_MAX      64
#define ELEMENTS_MAX   2000000
#define ATTRIBUTES_MAX 64
#define TEXT_MAX_BYTES (4U << 20)

static const struct {
    const char *id, *clause, *text;
} checks[] = {
#define T(id, severity, clause, text) {id, clause, text},
#include "trust/list/tlist_check_table.h"
#undef T
};

const char *tlist_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            if (clause != NULL)
                *clause = checks[i].clause;
            return checks[i].text;
        }
    return NULL;
}

struct dx_rc tlist_refuse(dx_why *why, const char *id, const char *format, ...)
{
    const char *clause = "";
    char        text[200], detail[160];
    const char *known = tlist_check_text(id, &clause);
    va_list     args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s%s%.140s", known == NULL ? "" : known, detail[0] ? ": " : "", detail);
    return dx_fail(why, strcmp(id, "TL-502") == 0 ? DX_BAD_SIGNATURE : DX_REFUSED, id, clause, "%s", text);
}

void tlist_remark(tlist_list *list, const char *id)
{
    size_t n = strlen(list->remarks);
    if (strstr(list->remarks, id) == NULL && n + 8 < sizeof list->remarks)
        snprintf(list->remarks + n, sizeof list->remarks - n, "%s%s", n ? " " : "", id);
}

static xmlParserInput *refuse_entity(const char *url, const char *id, xmlParserCtxt *context)
{
    (void)url;
    (void)id;
    (void)context;
    return NULL;
}

static void be_silent(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static void start(void)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse_entity);
    xmlSetGenericErrorFunc(NULL, be_silent);
    xmlSecInit();
    xmlSecOpenSSLAppInit(NULL);
    xmlSecOpenSSLInit();
    xmlSecErrorsSetCallback(NULL);
}

void tlist_library_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

static bool has_doctype(dx_bytes xml)
{
    for (size_t i = 0; i + 9 <= xml.size; i++) {
        if (memcmp(xml.data + i, "<!--", 4) == 0) {
            const uint8_t *end = memmem(xml.data + i + 4, xml.size - i - 4, "-->", 3);
            if (end == NULL)
                return false;
            i = (size_t)(end - xml.data) + 2;
        } else if (memcmp(xml.data + i, "<!DOCTYPE", 9) == 0) {
            return true;
        }
    }
    return false;
}

/* One walk without recursion. */
static DX_RC judge_tree(const xmlNode *root, dx_why *why)
{
    unsigned       depth = 1;
    size_t         elements = 0;
    const xmlNode *n = root;
    while (n != NULL) {
        if (n->type == XML_PI_NODE)
            return tlist_refuse(why, "TL-205", "processing instruction at line %ld", xmlGetLineNo(n));
        if (n->type == XML_ENTITY_REF_NODE)
            return tlist_refuse(why, "TL-202", "an entity at line %ld", xmlGetLineNo(n));
        if (n->type == XML_COMMENT_NODE)
            for (const xmlNode *s = n->parent->children; s != NULL; s = s->next)
                if ((s->type == XML_TEXT_NODE || s->type == XML_CDATA_SECTION_NODE) && !xmlIsBlankNode(s))
                    return tlist_refuse(why, "TL-205", "a comment beside text at line %ld", xmlGetLineNo(n));
        if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && xmlStrlen(n->content) > (int)TEXT_MAX_BYTES)
            return tlist_refuse(why, "TL-204", "a text of more than 4 MiB");
        if (n->type == XML_ELEMENT_NODE) {
            unsigned attributes = 0;
            for (const xmlAttr *a = n->properties; a != NULL; a = a->next)
                attributes++;
            if (++elements > ELEMENTS_MAX || depth > DEPTH_MAX || attributes > ATTRIBUTES_MAX)
                return tlist_refuse(why, "TL-204", "at line %ld", xmlGetLineNo(n));
        }
        if (n->type == XML_ELEMENT_NODE && n->children != NULL) {
            n = n->children;
            depth++;
            continue;
        }
        while (n != root && n->next == NULL) {
            n = n->parent;
            depth--;
        }
        n = n == root ? NULL : n->next;
    }
    return DX_OKAY;
}

DX_RC tlist_xml_read(dx_bytes xml, xmlDoc **out, dx_why *why)
{
    *out = NULL;
    tlist_library_start();
    if (xml.size == 0)
        return tlist_refuse(why, "TL-107", "no bytes");
    if (xml.size > INT32_MAX)
        return tlist_refuse(why, "TL-104", "more than 2 GiB");
    if (has_doctype(xml))
        return tlist_refuse(why, "TL-202", "<!DOCTYPE");
    /* Never NOENT, DTDLOAD, DTDATTR, DTDVALID, XINCLUDE, RECOVER, HUGE. */
    xmlDoc *doc = xmlReadMemory((const char *)xml.data, (int)xml.size, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc == NULL) {
        xmlError *e = xmlGetLastError();
        bool      deep = e != NULL && e->message != NULL && strstr(e->message, "depth") != NULL;
        return tlist_refuse(why, deep ? "TL-204" : "TL-201", "line %d", e == NULL ? 0 : e->line);
    }
    struct dx_rc rc = DX_OKAY;
    if (doc->intSubset != NULL || doc->extSubset != NULL)
        rc = tlist_refuse(why, "TL-202", "a subset");
    else if (doc->encoding != NULL && xmlStrcasecmp(doc->encoding, (const xmlChar *)"UTF-8") != 0)
        rc = tlist_refuse(why, "TL-203", "%.40s", (const char *)doc->encoding);
    else if (xmlDocGetRootElement(doc) == NULL)
        rc = tlist_refuse(why, "TL-201", "no element");
    else
        rc = judge_tree(xmlDocGetRootElement(doc), why);
    if (rc.code != DX_OK)
        xmlFreeDoc(doc);
    else
        *out = doc;
    return rc;
}

/* ---- small readers ---- */

bool tlist_is(const xmlNode *n, const char *ns, const char *name)
{
    return n != NULL && n->type == XML_ELEMENT_NODE && n->ns != NULL && strcmp((const char *)n->ns->href, ns) == 0 &&
           strcmp((const char *)n->name, name) == 0;
}

const xmlNode *tlist_first_element(const xmlNode *n)
{
    n = n == NULL ? NULL : n->children;
    while (n != NULL && n->type != XML_ELEMENT_NODE)
        n = n->next;
    return n;
}

const xmlNode *tlist_next_element(const xmlNode *n)
{
    do
        n = n->next;
    while (n != NULL && n->type != XML_ELEMENT_NODE);
    return n;
}

const xmlNode *tlist_child(const xmlNode *n, const char *ns, const char *name)
{
    for (n = tlist_first_element(n); n != NULL; n = tlist_next_element(n))
        if (tlist_is(n, ns, name))
            return n;
    return NULL;
}

const xmlNode *tlist_next(const xmlNode *n, const char *ns, const char *name)
{
    while ((n = tlist_next_element(n)) != NULL)
        if (tlist_is(n, ns, name))
            return n;
    return NULL;
}

dx_bytes tlist_text(const xmlNode *n, dx_arena *arena)
{
    size_t size = 0;
    for (const xmlNode *t = n == NULL ? NULL : n->children; t != NULL; t = t->next)
        if (t->type == XML_TEXT_NODE || t->type == XML_CDATA_SECTION_NODE)
            size += (size_t)xmlStrlen(t->content);
    char  *text = dx_arena_alloc(arena, size + 1);
    size_t at = 0;
    for (const xmlNode *t = n == NULL ? NULL : n->children; text != NULL && t != NULL; t = t->next)
        if (t->type == XML_TEXT_NODE || t->type == XML_CDATA_SECTION_NODE) {
            size_t part = (size_t)xmlStrlen(t->content);
            memcpy(text + at, t->content, part);
            at += part;
        }
    dx_bytes out = dx_bytes_trim(dx_bytes_of(text, text == NULL ? 0 : at));
    if (text != NULL)
        text[(size_t)(out.data - (const uint8_t *)text) + out.size] = 0; /* usable as a C string */
    return out;
}

bool tlist_time(dx_bytes text, int64_t *unix_s)
{
    int64_t us;
    if (!dx_time_parse(text, false, &us))
        return false;
    *unix_s = us / 1000000 - (us % 1000000 < 0);
    return true;
}

bool tlist_decode(dx_bytes base64, dx_arena *arena, dx_bytes *out)
{
    uint8_t *packed = dx_arena_alloc(arena, base64.size + 1), *value = dx_arena_alloc(arena, base64.size + 1);
    size_t   n = 0, size = base64.size;
    if (packed == NULL || value == NULL)
        return false;
    for (size_t i = 0; i < base64.size; i++)
        if (strchr(" \t\r\n", base64.data[i]) == NULL || base64.data[i] == 0)
            packed[n++] = base64.data[i];
    if (!dx_base64_decode(dx_bytes_of(packed, n), value, &size) || size == 0)
        return false;
    *out = dx_bytes_of(value, size);
    return true;
}
