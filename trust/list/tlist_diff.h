/* tlist_diff.h -- what changed between two snapshots, one fact at a time, in an order that stays.
 *
 * Standard: ETSI TS 119 612 5.3 to 5.6 (what there is to compare). Lists are compared by territory and
 * TSLType: a source may have been renamed. Services have no identifier of their own; a service is the same
 * when it shares a certificate and its type, or else provider, name and type. Threads: any; snapshots are
 * immutable.
 */
#ifndef TRUST_LIST_TLIST_DIFF_H
#define TRUST_LIST_TLIST_DIFF_H

#include "trust/list/tlist.h"

typedef struct {
    const char *territory; /* of the list; "EU" for the European list of lists */
    const char *kind;      /* list, pointer, signer, location, provider, service, name, type, status, since,
                              identity, info, qualifications, history, usable */
    const char *subject;   /* of what: provider, service, territory pointed to; "" for the list itself */
    const char *before, *after; /* NULL: was not, or is not, there; borrowed for the call */
} tlist_change;
typedef void tlist_change_line(void *context, const tlist_change *change);

/* Tells every change from `before` to `after`; NULL is a snapshot without lists. `territory` not NULL: of
 * that one's lists only. *count how many. */
DX_RC tlist_diff(const tlist_snapshot *before, const tlist_snapshot *after, const char *territory,
                 tlist_change_line *line, void *context, size_t *count, dx_why *why);

/* One document by itself, believed because its signature is right for the certificate that it brings: for
 * comparing documents, never for trust. `source` gives id, scheme and map; kind and anchors are found. */
DX_RC tlist_read_own(dx_bytes xml, const tlist_source *source, int64_t at_s, tlist_list **out, dx_why *why);

/* `base` with that list in the place of the one of its territory and type, as if it had been fetched: what
 * would be in force then. */
DX_RC tlist_snapshot_with(const tlist_snapshot *base, tlist_list *list, int64_t at_s, tlist_snapshot **out,
                          dx_why *why);

#endif
