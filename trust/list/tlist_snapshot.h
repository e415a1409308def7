/* tlist_snapshot.h -- inside of a snapshot: its own copies of facts, shared list objects, read-only
 * indexes. */
#ifndef TRUST_LIST_TLIST_SNAPSHOT_H
#define TRUST_LIST_TLIST_SNAPSHOT_H

#include "trust/list/tlist_object.h"

/* Sorted entries and an open-addressing table of where each key begins; load at most one half. */
typedef struct {
    uint8_t key[32];
    uint32_t service, certificate; /* index of a service, index in its certificates */
} tlist_index_entry;
typedef struct {
    tlist_index_entry *entries;
    size_t entry_count;
    uint32_t *slots; /* index of the first entry + 1 */
    size_t slot_mask;
} tlist_index;
DX_RC tlist_index_build(tlist_index *index, dx_why *why); /* over entries in document order */
void tlist_index_fini(tlist_index *index);
size_t tlist_index_find(const tlist_index *index, const uint8_t key[32], const tlist_index_entry **first);

typedef struct {           /* what limits a list beside itself */
    int64_t upper_until_s; /* end of the list of lists above it, grace included; INT64_MAX: none above */
    bool withdrawn;
} tlist_limits;

struct tlist_snapshot {
    atomic_uint refs;
    uint64_t epoch;
    uint8_t id[32];
    int64_t grace_s, made_s, change_s; /* change_s: earliest instant at which a state changes */
    tlist_list **lists;                /* references */
    tlist_facts *facts;                /* own copies */
    tlist_limits *limits;
    const tlist_facts **fact_list;
    size_t list_count;
    tlist_service *services; /* copies whose .list points to facts */
    const tlist_service **service_list;
    size_t service_count;
    tlist_index identities, keys, names, certificates; /* SPKI and name; SPKI; name; the whole */
};

typedef struct {
    tlist_list *list;
    tlist_facts facts; /* as this snapshot shall tell them: url, origin, lotl_*, state STALE or WITHDRAWN */
    int64_t upper_until_s;
} tlist_member;

DX_RC tlist_snapshot_make(const tlist_member *members, size_t count, int64_t at_s, int64_t grace_s,
                          uint64_t epoch, tlist_snapshot **out, dx_why *why);
#endif
