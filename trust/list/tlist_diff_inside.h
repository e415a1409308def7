/* tlist_diff_inside.h -- what the files of the comparison share. */
#ifndef TRUST_LIST_TLIST_DIFF_INSIDE_H
#define TRUST_LIST_TLIST_DIFF_INSIDE_H

#include "trust/list/tlist_diff.h"
#include "trust/list/tlist_snapshot.h"

typedef struct {
    const char *territory;
    tlist_change_line *line;
    void *context;
    size_t count;
} tlist_diff_out;

void tlist_diff_tell(tlist_diff_out *out, const char *kind, const char *subject, const char *before,
                     const char *after);
/* Tells when the texts differ; NULL is "not there". */
void tlist_diff_text(tlist_diff_out *out, const char *kind, const char *subject, const char *before,
                     const char *after);
void tlist_diff_hex(tlist_diff_out *out, const char *kind, const char *subject, const uint8_t before[32],
                    const uint8_t after[32]); /* NULL: not there */
/* Providers and services of one list; NULL: it is not there. */
DX_RC tlist_diff_services(tlist_diff_out *out, const tlist_list *before, const tlist_list *after,
                          dx_why *why);

#endif
