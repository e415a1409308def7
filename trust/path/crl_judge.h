/* crl_judge.h -- what one CRL says of one certificate, for whoever holds the certificate and its issuer.
 *
 * Standard: RFC 5280 5 and 6.3.3; identity.md 9.3. One judge for paths to a listed service, for time-stamps
 * and for seals by given anchors. Not supported: indirect CRLs (ID-414) and joining CRLs by reasons; a delta
 * CRL, or one for some reasons only, may say "revoked" and never "good". Threads: pure.
 */
#ifndef TRUST_PATH_CRL_JUDGE_H
#define TRUST_PATH_CRL_JUDGE_H

#include "trust/base/bytes.h"
#include "trust/path/path.h"

#include <openssl/types.h>

typedef struct {
    X509 *subject, *issuer; /* the issuer whose key signed the subject */
    int64_t at_s;           /* the time that "good" must cover */
    int64_t until_s;        /* listed with a date up to here is revoked; INT64_MAX: any date */
    int64_t max_age_s;      /* how old it may be at at_s; 0: nextUpdate alone decides */
    bool past;              /* at_s lies in the past: a CRL from after it covers it too */
    bool conforming;      /* also wants what every CA must write: number and key identifier (5.2.1, 5.2.3) */
    unsigned *signatures; /* budget that a verification takes one of; NULL: none */
} crl_question;

typedef struct {
    revocation_state state;
    const char *id;     /* "ID-402" with REVOKED, why nothing is known with UNKNOWN, NULL with GOOD */
    bool about_another; /* of another issuer: no news about this certificate */
    int64_t this_update_s, next_update_s;
    int64_t revoked_s; /* with `listed`; 0 when the date of the entry cannot be read: revoked since ever */
    bool listed;       /* also with GOOD: revoked after until_s */
    bool on_hold;      /* with `listed`: by certificateHold */
} crl_answer;

crl_answer crl_judge(dx_bytes der, const crl_question *question);

#endif
