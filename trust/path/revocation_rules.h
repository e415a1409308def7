/* revocation_rules.h -- how word about revocation is weighed: the `revocation.*` settings that a judge needs.
 *
 * Standard: RFC 5280 5.1.2.5, RFC 6960 4.2.2.1; identity.md 9 and 15. Threads: values.
 */
#ifndef TRUST_PATH_REVOCATION_RULES_H
#define TRUST_PATH_REVOCATION_RULES_H

#include "trust/path/signed_bytes.h"

typedef struct {
    int64_t max_age_s;     /* of an OCSP response; 0: any, within nextUpdate */
    int64_t crl_max_age_s; /* of a CRL; 0: any, within nextUpdate */
    int64_t no_next_s;     /* an OCSP response without nextUpdate serves so long; 0: this judgement only */
    int64_t skew_s;        /* how far in the future an answer may have been made */
    bool any_time;         /* of OCSP responses; for public suites with old data */
    bool require_number, require_key_id, require_next_update; /* of CRLs */
    bool nonce_required;
    bool accept_short_term; /* a leaf that says it needs no revocation, and lives a day at most, is good */
    bool certid_sha256;     /* in requests; SHA-1 is what every responder knows */
    algorithm_set algorithms;
} revocation_rules;

extern const revocation_rules revocation_rules_default;

#endif
