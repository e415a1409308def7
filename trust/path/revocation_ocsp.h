/* revocation_ocsp.h -- what one OCSP response says of one certificate.
 *
 * Standard: RFC 6960 3.2, 4.2; RFC 9654 (nonce); identity.md 9.1 and 9.2. One check for stapled, fetched and
 * stored responses: bytes and a question in, an answer with its id out. Threads: pure.
 */
#ifndef TRUST_PATH_REVOCATION_OCSP_H
#define TRUST_PATH_REVOCATION_OCSP_H

#include "trust/path/cert_facts.h"
#include "trust/path/path.h"
#include "trust/path/signed_bytes.h"

typedef struct { /* zeroed but for the certificates and the times: nextUpdate alone says how old it may be */
    const cert_facts *subject, *issuer; /* the issuer whose key signed the subject */
    int64_t at_s;                       /* the time that "good" must cover */
    int64_t until_s;                    /* revoked with a date up to here is revoked; INT64_MAX: any date */
    int64_t max_age_s;                  /* of thisUpdate at at_s; 0: any */
    int64_t no_next_s;     /* without nextUpdate: usable so long after thisUpdate; 0: this once */
    int64_t skew_s;        /* how far in the future thisUpdate and producedAt may lie */
    bool any_time;         /* no time of the response is looked at (public suites with old data) */
    bool past;             /* at_s lies in the past: a response from after it covers it too */
    bool compromised_ever; /* as in crl_question */
    dx_bytes nonce;        /* that was sent; empty: none, and then one in the response means nothing */
    bool nonce_required;
    algorithm_set algorithms;
    cert_faults refused_faults; /* of a delegate's certificate */
    /* Where listed responders are looked for: OCSP services of this provider in its list. NULL: nowhere. */
    const tlist_snapshot *snapshot;
    const tlist_service *service;
    unsigned *signatures; /* budget that a verification takes one of; NULL: none */
} ocsp_question;

typedef enum { OCSP_BY_NOBODY = 0, OCSP_BY_ISSUER, OCSP_BY_DELEGATE, OCSP_BY_LISTED } ocsp_by;

typedef struct {
    revocation_state state;
    const char *id; /* "ID-401" with REVOKED, why nothing is known with UNKNOWN, NULL with GOOD */
    ocsp_by by;
    dx_bytes delegate;      /* DER, with OCSP_BY_DELEGATE; its own status is still to be asked unless ... */
    bool delegate_no_check; /* ... it carries id-pkix-ocsp-nocheck (4.2.2.2.1) */
    int64_t produced_s, this_update_s, next_update_s; /* next_update_s 0: not stated */
    int64_t usable_until_s;
    int64_t revoked_s; /* since when; 0: since ever. Also with GOOD: revoked after until_s */
    int reason;        /* with a revocation; -1: not stated */
} ocsp_answer;

ocsp_answer revocation_ocsp_check(dx_bytes response, const ocsp_question *question);

#endif
