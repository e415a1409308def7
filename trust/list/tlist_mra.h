/* tlist_mra.h -- mutual recognition as it is kept: items, their versions in time, what each of them
 * translates.
 *
 * Inside trust/list. Threads: values, immutable once read; memory of the pointing list's arena.
 */
#ifndef TRUST_LIST_TLIST_MRA_H
#define TRUST_LIST_TLIST_MRA_H

#include "trust/list/tlist_criteria.h"
#include "trust/list/tlist_object.h"

typedef struct {
    const char *type, *info; /* info NULL: a service of any AdditionalServiceInformation */
} tlist_mra_type;

typedef struct {
    const char **uris;
    size_t count;
} tlist_mra_uris;

typedef struct { /* a pair of what the certificate says on each side */
    const struct tlist_criteria *pointing, *pointed;
} tlist_mra_content;

typedef struct {
    const char *pointing, *pointed;
} tlist_mra_qualifier;

typedef struct tlist_mra_version { /* one half-open interval of an item's life */
    int64_t from_s, until_s;
    tlist_mra_status status;
    tlist_mra_type *pointing_types, *pointed_types;
    size_t pointing_type_count, pointed_type_count;
    tlist_mra_uris valid_pointing, valid_pointed, invalid_pointing, invalid_pointed;
    unsigned purposes; /* of the first pointing type, as the source's map says */
    bool status_valid; /* of the first valid status of the pointing party */
    tlist_mra_content *contents;
    size_t content_count;
    tlist_mra_qualifier *qualifiers;
    size_t qualifier_count;
} tlist_mra_version;

typedef struct { /* TrustServiceEquivalenceInformation */
    const char *legal_id;
    bool usable;                 /* false: TL-953 */
    tlist_mra_version *versions; /* newest first */
    size_t version_count;
} tlist_mra_item;

struct tlist_recognition {
    uint8_t sha256[32]; /* of everything that stands in the element */
    tlist_mra_item *items;
    size_t item_count;
};

#endif
