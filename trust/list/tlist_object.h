/* tlist_object.h -- one list, read: facts, pointers, services; everything in one arena, no XML, no OpenSSL
 * object.
 *
 * A list object is immutable once read and shared by reference count; facts that depend on time or on other
 * lists (state, list of lists) live in the snapshot's own copies.
 */
#ifndef TRUST_LIST_TLIST_OBJECT_H
#define TRUST_LIST_TLIST_OBJECT_H

#include "trust/base/digest.h"
#include "trust/list/tlist_recognition.h"
#include "trust/list/tlist_xml.h"

#include <stdatomic.h>

#define TLIST_TYPE_LOTL "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists"
#define TLIST_TYPE_EU   "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric"
/* The marker of lists that an operator compiled: a mapping may name another beside it, none may take it away.
 */
#define TLIST_OPERATOR_RULE "https://j-tsl.example/TrstSvc/TrustedList/schemerules/operator-compiled"
#define TLIST_MIME          "application/vnd.etsi.tsl+xml"

/* Marks a list that somebody compiled from published tables (trusted-lists.md 9.4). Every reader knows it,
 * whatever its profile says: a profile may name one more, never another. */
#define TLIST_OPERATOR_RULE "https://j-tsl.example/TrstSvc/TrustedList/schemerules/operator-compiled"

#define TLIST_FOR(purpose) (1u << TLIST_##purpose)

typedef struct { /* one pointer with the XML MimeType */
    const char *url, *type, *territory;
    uint8_t (*signers)[32];
    size_t signer_count;
    const tlist_recognition *recognition; /* of a partner's list; NULL: none */
    const char **names;                   /* SchemeOperatorName, every language */
    size_t name_count;
} tlist_pointer;

struct tlist_list {
    atomic_uint refs;
    dx_arena arena;
    tlist_facts facts;
    tlist_remarks remarks;
    unsigned version;
    int64_t signed_s;
    const char *type;
    const char **scheme_uris; /* SchemeInformationURI of the first language, in document order */
    size_t scheme_uri_count;
    const char **operators; /* SchemeOperatorName, every language */
    size_t operator_count;
    tlist_pointer *pointers;
    size_t pointer_count;
    tlist_service *services; /* .list points to .facts */
    size_t service_count, provider_count;
    bool operator_marker;    /* names the operator-compiled rule */
    uint8_t fingerprint[32]; /* content, without issue date, version and sequence */
};

tlist_list *tlist_list_ref(tlist_list *list);

/* What service types and statuses mean for one source: the EU table, the built-in J-TSL table, or a profile
 * file over it (trusted-lists.md 9.1). The builder of lists writes by the table that the reader reads by. */
typedef struct {
    const char *uri, *class_;
    const char *key; /* the word for it in an operator's table; NULL: none */
    unsigned purposes;
    const char *const *policies;
    uint32_t policy_count;
} tlist_map_type;
typedef struct {
    const char *uri;
    bool valid;
    int64_t until_s; /* 0: always */
    bool own;        /* a row of the profile file */
} tlist_map_status;
typedef struct {
    dx_arena arena;
    tlist_map_type *types;
    size_t type_count;
    tlist_map_status *statuses;
    size_t status_count;
    struct { /* of the J-TSL profile; for the EU all NULL but the rule that marks an operator's list */
#define JP_PROFILE(member, uri) const char *member;
#include "trust/list/service_table.h"
#undef JP_PROFILE
    } profile;
} tlist_map;
DX_RC tlist_map_load(const tlist_source *source, const dx_io *io, tlist_map *out, dx_why *why);
/* The built-in table, and over it what `text` says; empty: nothing. */
DX_RC tlist_map_parse(const tlist_source *source, dx_bytes text, tlist_map *out, dx_why *why);
void tlist_map_fini(tlist_map *map);
const tlist_map_type *tlist_map_find(const tlist_map *map, const char *uri);
bool tlist_map_valid(const tlist_map *map, const char *status, int64_t from_s);
/* A row by the word of an operator's table: the key of a type, the last segment of a status URI, or the URI
 * itself. NULL: there is none, or two statuses of the file (or two built-in ones) end in that segment. */
const tlist_map_type *tlist_map_type_named(const tlist_map *map, const char *word);
const tlist_map_status *tlist_map_status_named(const tlist_map *map, const char *word);

/* From a tree whose signature was verified (or not, for fuzzing and for pivot addresses). */
DX_RC tlist_object_make(const tlist_tree *tree, const tlist_source *source, const tlist_map *map,
                        tlist_list **out, dx_why *why);
/* Services below the tree; in tlist_service.c. */
DX_RC tlist_services_read(const tlist_tree *tree, const tlist_map *map, tlist_list *list, dx_why *why);
void tlist_fingerprint(tlist_list *list);
/* MutualRecognitionAgreementInformation of a pointer; in tlist_recognition_read.c. `map` is the pointing
 * source's: what the types and statuses of our side mean. Items that cannot be used are kept as such
 * (TL-953). */
DX_RC tlist_recognition_read(const xmlNode *element, const tlist_map *map, tlist_list *list,
                             const tlist_recognition **out, dx_why *why);
/* URIs of the first language in a list of URIs. */
bool tlist_uris(const xmlNode *parent, dx_arena *arena, const char ***out, size_t *count);
/* The text of the child in English, else of the first. */
const char *tlist_best_name(const xmlNode *parent, dx_arena *arena);

/* Reads with given anchors instead of the source's own. */
DX_RC tlist_read_with(dx_bytes xml, const tlist_source *source, const tlist_map *map,
                      const uint8_t (*anchors)[32], size_t anchor_count, int64_t at_s, tlist_list **out,
                      dx_why *why);
/* The self pointer of a list of lists; NULL when it has none. */
const tlist_pointer *tlist_self_pointer(const tlist_list *list);
/* TL-602: the place of oj_uri in SchemeInformationURI. */
DX_RC tlist_journal(const tlist_list *list, const char *oj_uri, size_t *at, bool *newer, dx_why *why);

#endif
