/* path_qualified.h -- what listed services make of a certificate, and of a time-stamp, at a time.
 *
 * Standard: ETSI TS 119 615 4.4 and 4.5 as read in trusted-lists.md 8; eIDAS Art. 3, 24, 34, 40; mutual
 * recognition (trusted-lists.md 9.5). Pure: a snapshot and times in, an answer out. "Qualified" is said only
 * of services of an EU list, or by an enacted recognition. Threads: values; texts point into the snapshot.
 */
#ifndef TRUST_PATH_PATH_QUALIFIED_H
#define TRUST_PATH_PATH_QUALIFIED_H

#include "trust/list/tlist_recognition.h"
#include "trust/path/path.h"
#include "trust/path/path_statements.h"

typedef struct {
    const tlist_snapshot *snapshot;
    const tlist_key *path; /* leaf first, then its CAs */
    size_t path_count;
    const path_statements *stated; /* of the leaf */
    bool web_policy;               /* the leaf claims QEVCP-w or QNCP-w */
    int64_t not_before_s;          /* of the leaf */
    int64_t at_s;                  /* best signature time, or now */
    path_trace *trace;             /* NULL: none */
} qualification_question;

typedef struct { /* at one time */
    bool listed; /* step 1 found a service */
    bool is_qualified, qscd;
    char type;      /* 's' eseal, 'g' esign, 'w' web, '?' not known */
    const char *id; /* where the steps ended: TL-901 to TL-906; NULL: they went through */
    qualification_by by;
} qualification_moment;

typedef struct {
    qualification_moment issued, now;
    qualification_by by; /* QUALIFIED_BY_NOBODY unless the whole says so */
    char type;           /* of the whole */
    bool qscd;
    const char *id; /* why it is not, TL-901 to TL-907; NULL */
    const char
        *verdict; /* "Q-ESEAL-QSCD" "Q-ESEAL" "Q-ESIG-QSCD" "Q-ESIG" "Q-WAC" "ADES-LISTED" "UNLISTED" */
    /* mutual recognition of the partner's service that was looked at, applied or not */
    tlist_mra_status recognition;
    const char *instrument, *mapped_type, *mapped_status; /* NULL: none */
    int64_t recognition_since_s;
    int64_t good_until_s; /* earliest instant after at_s at which a look-up changes */
} qualification;

/* Trusted-lists.md 8.1 at issuance and at at_s. */
void path_qualified_certificate(const qualification_question *question, qualification *out);

/* 8.2: is the unit of a token a QTST service, granted at genTime and at the time of the proof of existence?
 * NULL: it is; else "TL-921". *by tells on whose word. */
const char *path_qualified_stamp(const qualification_question *question, int64_t gen_s, int64_t proof_s,
                                 qualification_by *by);

/* Text and clause of TL-901 to TL-921, for `sekisho explain`; NULL: another id. */
const char *path_qualified_text(const char *id, const char **clause);

/* path_level.c: the level of policy.md 4 for an outcome; the verdict says whose certificate it is. */
void path_level(const trust_verdict *verdict, bool is_qualified, char type, bool qscd, char out[24]);

/* ---- path_explain.c: for `sekisho trust explain` ---- */

/* The path of a verdict, yes or no, leaf first: of a yes the one that held, of a no as far as the trace says
 * that signatures led. Certificates come out of the input and its snapshot. */
size_t path_reached(const path_input *input, const trust_verdict *verdict, tlist_key path[PATH_MAX_CERTS]);

/* ---- path_listed.c: services that speak of a path at a time, partners' ones in our words ---- */

#define LISTED_SERVICES_MAX 32

typedef struct {
    const tlist_service *service;
    const tlist_interval *interval;
    const char *type, *status;
    const char *const *info;
    uint32_t info_count;
    const char *mapped_info[1]; /* what `info` points to after a translation */
    bool status_valid;
    const struct tlist_mra_version *version; /* NULL: not translated */
    qualification_by by;                     /* whose word it would be */
    tlist_statements stated;                 /* the leaf's statements, translated */
} path_listed_service;

/* Step 1. Returns how many; *out says on which recognition a partner's service was looked at. */
size_t path_listed_services(const qualification_question *question, tlist_purpose purpose, int64_t at_s,
                            path_listed_service *candidates, qualification *out);
/* Does a usable qualification of this service that captures the leaf name this qualifier ("QCForESeal")? */
bool path_captured(const path_listed_service *c, dx_bytes leaf, const char *qualifier);
/* The same of one whose criteria were not understood (TL-804): whom it takes something from cannot be told.
 */
bool path_maybe_captured(const path_listed_service *c, const char *qualifier);

#endif
