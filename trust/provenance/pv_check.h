/* pv_check.h -- the ids of this room: what each means, and how a check says no.
 * Threads: pure.
 */
#ifndef TRUST_PROVENANCE_PV_CHECK_H
#define TRUST_PROVENANCE_PV_CHECK_H

#include "trust/provenance/provenance.h"

/* What "PV-203" asks for, and under which clause; NULL: no such id. For `sekisho explain`. */
const char *pv_check_text(const char *id, const char **clause);

/* Fills a finding, its clause from the table, and returns false, so that a check reads `return
 * prov_no(...)`. */
bool prov_no(prov_finding *finding, const char *id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
