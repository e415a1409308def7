/* seal_report.h -- lines of a verdict as they are judged; the first no decides.
 * Threads: belongs to one check.
 */
#ifndef TRUST_SEAL_SEAL_REPORT_H
#define TRUST_SEAL_SEAL_REPORT_H

#include "trust/seal/seal.h"

typedef struct {
    dx_arena *arena;
    seal_verdict *verdict;
    size_t capacity;
    bool no_memory;
} seal_report;

/* Each returns the answer it noted, so that a check reads `return seal_report_no(...)`. */
bool seal_report_ok(seal_report *report, const char *id, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));
bool seal_report_no(seal_report *report, const char *id, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));
/* Said beside the answer; decides nothing. */
void seal_report_note(seal_report *report, const char *id, const char *text);
/* `sub_indication` in place of the table's. */
bool seal_report_no_as(seal_report *report, const char *id, const char *sub_indication, const char *detail,
                       ...) __attribute__((format(printf, 4, 5)));
/* The verdict of the stamp room joins. */
bool seal_report_stamp(seal_report *report, const stamp_verdict *stamp);

#endif
