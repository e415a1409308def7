/* tlist_check.h -- a refusal takes its clause from the table, a warning its id. */
#ifndef TRUST_LIST_TLIST_CHECK_H
#define TRUST_LIST_TLIST_CHECK_H

#include "trust/list/tlist.h"

/* DX_REFUSED (or `code`) with "TL-<number>" and the clause of its row. */
struct dx_rc tlist_refuse(dx_why *why, unsigned number, const char *text, ...)
    __attribute__((format(printf, 3, 4)));
struct dx_rc tlist_refuse_as(dx_why *why, dx_code code, unsigned number, const char *text, ...)
    __attribute__((format(printf, 4, 5)));

/* Ids of warnings, each once, in the order of their coming. */
typedef struct {
    char text[256];
} tlist_remarks;
void tlist_remark(tlist_remarks *remarks, unsigned number);
bool tlist_remarked(const tlist_remarks *remarks, unsigned number);

/* The place of an id in the table, and back; TLIST_REFUSALS_MAX: it is none of ours. */
size_t tlist_check_place(const char *id);
const char *tlist_check_at(size_t place); /* NULL: behind the end */

#endif
