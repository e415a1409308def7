/* tlist_xml.h -- from bytes to a tree that may be looked at: hardening (TL-2xx), shape (TL-3xx), and small
 * readers.
 *
 * The tree is never changed before its signature is verified. Threads: one list thread.
 */
#ifndef TRUST_LIST_TLIST_XML_H
#define TRUST_LIST_TLIST_XML_H

#include "trust/list/tlist_check.h"

#include <libxml/tree.h>

#define TLIST_NS       "http://uri.etsi.org/02231/v2#"
#define TLIST_NS_ADD   "http://uri.etsi.org/02231/v2/additionaltypes#"
#define TLIST_NS_SIE   "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
#define TLIST_NS_MRA   "http://ec.europa.eu/tools/lotl/mra/schema/v2#"
#define TLIST_NS_DS    "http://www.w3.org/2000/09/xmldsig#"
#define TLIST_NS_XADES "http://uri.etsi.org/01903/v1.3.2#"
#define TLIST_NS_XML   "http://www.w3.org/XML/1998/namespace"

enum { TLIST_DEPTH_MAX = 64, TLIST_ELEMENTS_MAX = 2000000 };

/* libxml2 and xmlsec, once in a process. DX_INTERNAL when they cannot start. */
DX_RC tlist_init(dx_why *why);

typedef struct {
    xmlDoc *doc;
    xmlNode *root, *signature, *scheme; /* scheme: SchemeInformation */
    unsigned version;
    uint64_t sequence;
    char territory[4];
    int64_t issued_s, next_update_s; /* next_update_s 0: empty */
    tlist_remarks remarks;
} tlist_tree;

/* What must be known before a parser may have the bytes: encoding, DOCTYPE, and how much it would build
 * (TL-202 to TL-204). One pass, no memory. */
DX_RC tlist_scan(dx_bytes xml, dx_why *why);

/* TL-201 to TL-205 and TL-301 to TL-312. `structure_warn` makes TL-311 a remark. */
DX_RC tlist_tree_read(dx_bytes xml, size_t max_bytes, bool structure_warn, tlist_tree *out, dx_why *why);
void tlist_tree_fini(tlist_tree *tree);

/* TL-311 over the whole tree, TL-312 by version; in tlist_shape.c. */
DX_RC tlist_shape_check(const xmlNode *root, unsigned version, dx_why *why);

/* ---- readers ---- */
bool tlist_is(const xmlNode *node, const char *ns, const char *name);
bool tlist_in_ns(const xmlNode *node, const char *ns);
xmlNode *tlist_first(const xmlNode *parent); /* first element child */
xmlNode *tlist_next(const xmlNode *node);    /* next element */
xmlNode *tlist_child(const xmlNode *parent, const char *ns, const char *name);
/* The tsl: grandchild below a path of names, NULL when any is missing. */
xmlNode *tlist_down(const xmlNode *node, const char *a, const char *b);
/* Texts and CDATA of a leaf joined and trimmed; lives in the arena. NULL only without memory. */
const char *tlist_text(const xmlNode *leaf, dx_arena *arena);
const char *tlist_attribute(const xmlNode *node,
                            const char *name); /* no namespace; points into the tree; NULL */
/* Base64 with any white space in it. False: not base64. Memory from the arena. */
bool tlist_base64(const xmlNode *leaf, dx_arena *arena, dx_bytes *out);
/* xs:dateTime of a leaf. False when it is none with a zone. */
bool tlist_time(const xmlNode *leaf, bool *offset, int64_t *out_s);
/* Walks all elements below and with `root` in document order: start with node = root; NULL at the end. */
xmlNode *tlist_walk(const xmlNode *root, const xmlNode *node);

#endif
