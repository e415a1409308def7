/* tlist_private.h -- inside trust/list: the steps of one document, and what a list object holds. */
#ifndef TRUST_LIST_TLIST_PRIVATE_H
#define TRUST_LIST_TLIST_PRIVATE_H

#include "trust/list/tlist.h"

#include <libxml/tree.h>
#include <stdatomic.h>

#define TSL_NS   "http://uri.etsi.org/02231/v2#"
#define TSLX_NS  "http://uri.etsi.org/02231/v2/additionaltypes#"
#define DS_NS    "http://www.w3.org/2000/09/xmldsig#"
#define XADES_NS "http://uri.etsi.org/01903/v1.3.2#"
#define ECC_NS   "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
#define EU_LOTL_TYPE "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists"

typedef struct { /* one pointer to another list */
    const char *location, *territory, *type, *mime;
    uint8_t   (*signers)[32];
    size_t      signer_count;
} tlist_pointer;

struct tlist_list {
    atomic_uint     refs;
    dx_arena        arena;
    tlist_facts     facts;
    unsigned        version;
    const char     *type, *operator_name;
    bool            operator_compiled;
    const char    **info_uris; /* SchemeInformationURI in document order, first language */
    size_t          info_uri_count;
    tlist_pointer  *pointers;
    size_t          pointer_count;
    tlist_service  *services;
    size_t          service_count;
    size_t          provider_count;
    uint8_t         fingerprint[32]; /* content, trusted-lists.md 5.3 */
    char            remarks[256];
};

struct dx_rc tlist_refuse(dx_why *why, const char *id, const char *format, ...) __attribute__((format(printf, 3, 4)));
void tlist_remark(tlist_list *list, const char *id);
void tlist_library_start(void);

/* 2.2: bytes to a tree that holds nothing dangerous. */
DX_RC tlist_xml_read(dx_bytes xml, xmlDoc **out, dx_why *why);
/* 2.3: what everything else relies on. */
DX_RC tlist_shape_first(xmlDoc *doc, xmlNode **signature, unsigned *version, dx_why *why);
/* 2.4 */
DX_RC tlist_shape_check(const xmlNode *root, unsigned version, dx_why *why);
/* 2.5 and 2.6; fills facts.signer_sha256 and remarks. */
DX_RC tlist_verify(xmlDoc *doc, xmlNode *signature, const tlist_source *source, int64_t at_s, tlist_list *list, dx_why *why);
/* Facts, pointers, services of a tree that passed. */
DX_RC tlist_parse(const xmlNode *root, const tlist_source *source, tlist_list *list, dx_why *why);

/* Small readers over the tree. */
bool           tlist_is(const xmlNode *n, const char *ns, const char *name);
const xmlNode *tlist_child(const xmlNode *n, const char *ns, const char *name);
const xmlNode *tlist_next(const xmlNode *n, const char *ns, const char *name); /* next sibling of that name */
const xmlNode *tlist_first_element(const xmlNode *n);
const xmlNode *tlist_next_element(const xmlNode *n);
dx_bytes       tlist_text(const xmlNode *n, dx_arena *arena); /* all text below, trimmed */
bool           tlist_time(dx_bytes text, int64_t *unix_s);
bool           tlist_decode(dx_bytes base64, dx_arena *arena, dx_bytes *out); /* white space inside is fine */

/* Reads a list with given signers (the pointer's), whatever source->anchors says; used for lists below a LoTL. */
DX_RC tlist_read_signed_by(dx_bytes xml, const tlist_source *source, const uint8_t (*signers)[32], size_t signer_count, bool judge_time,
                           int64_t at_s, tlist_list **out, dx_why *why);
tlist_list *tlist_list_ref(tlist_list *list);

const struct tlist_criteria *tlist_criteria_read(const xmlNode *n, dx_arena *arena, bool *usable);
bool tlist_status_valid(const char *status, int64_t from_s);
/* Does a type fit a purpose; class of a Japanese type or NULL. */
bool tlist_type_fits(const char *type, tlist_purpose purpose, const char **class_);

#endif
