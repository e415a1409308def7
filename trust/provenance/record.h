/* record.h -- a record being filled, and its canonical bytes around the one member that the writer adds.
 *
 * Threads: one owner at a time.
 */
#ifndef TRUST_PROVENANCE_RECORD_H
#define TRUST_PROVENANCE_RECORD_H

#include "trust/provenance/leaf_schema.h"

/* One commitment: its member and the digest it hides. */
typedef struct record_commitment record_commitment;
struct record_commitment {
    record_commitment *next;
    const char *path;
    uint8_t inner[32];
};

prov_type record_type(const prov_record *record);
record_commitment *record_commitments(const prov_record *record); /* in order of their paths */
bool record_has(const prov_record *record, const char *path);
dx_bytes record_text(const prov_record *record, const char *path); /* of a text member; first of an array */

/* NULL: every set named a member of the type and found memory; else the first path that did not. */
const char *record_fault(const prov_record *record);

/* The canonical leaf as `head`, then the member log, then `tail`: head ends before "log": and has a comma
 * where one belongs, tail starts with one. */
DX_RC record_render(const prov_record *record, dx_buf *head, dx_buf *tail);

/* Counter names of the record, LF-separated (provenance.md 6.4); nothing for other types and for `end`. */
DX_RC record_counters(const prov_record *record, dx_buf *names);

#endif
