/* crl_judge.h -- what the CRLs at hand say of one certificate, for whoever holds the certificate and its
 * issuer.
 *
 * Standard: RFC 5280 5 and 6.3.3; identity.md 9.1 and 9.3. One judge for paths to a listed service, for
 * time-stamps and for seals by given anchors. Lists for some reasons only are joined until all reasons are
 * covered; a delta is used together with its base; indirect lists are not supported (ID-414). Whoever is
 * listed is revoked, however old or narrow the list is. Threads: pure, but that a list remembers whose
 * signature was found good.
 */
#ifndef TRUST_PATH_CRL_JUDGE_H
#define TRUST_PATH_CRL_JUDGE_H

#include "trust/path/cert_facts.h"
#include "trust/path/crl_read.h"
#include "trust/path/path.h"
#include "trust/path/signed_bytes.h"

typedef struct { /* zeroed but for the certificates and the times: nextUpdate alone says how old a list may be
                  */
    const cert_facts *subject, *issuer; /* the issuer whose key signed the subject */
    /* More certificates that may have signed the list: the caller vouches that they lead to the same anchor
     * (a key before or after a rollover, a key for CRLs only). Those of another name are passed over. */
    const cert_facts *const *signers;
    size_t signer_count;
    int64_t at_s;          /* the time that "good" must cover */
    int64_t until_s;       /* revoked with a date up to here is revoked; INT64_MAX: any date */
    int64_t max_age_s;     /* how old a list may be at at_s; 0: nextUpdate alone decides, and must be there */
    int64_t skew_s;        /* how far in the future thisUpdate may lie */
    bool past;             /* at_s lies in the past: a list from after it covers it too */
    bool compromised_ever; /* a key known as compromised proves nothing of any time, unless an invalidityDate
                              says since when (RFC 3161 4) */
    bool require_number, require_key_id,
        require_next_update; /* what every CA must write: 5.1.2.5, 5.2.1, 5.2.3 */
    algorithm_set algorithms;
    unsigned *signatures; /* budget that a verification takes one of; NULL: none */
} crl_question;

typedef struct {
    revocation_state state;
    const char *id;     /* "ID-402" with REVOKED, why nothing is known with UNKNOWN, NULL with GOOD */
    bool about_another; /* no list of this issuer is there: no news about this certificate */
    /* Of the list that decided; with several, the earliest end. */
    int64_t this_update_s, next_update_s;
    int64_t usable_until_s; /* with GOOD: nextUpdate or the greatest age, whichever comes first */
    int64_t revoked_s;      /* with `listed`; since when: 0 when it cannot be read, which is since ever */
    int reason;             /* with `listed` */
    bool listed;            /* also with GOOD: revoked after until_s */
    const crl_list *list;   /* the one that decided; NULL: none */
} crl_answer;

crl_answer crl_judge(crl_list *const *lists, size_t count, const crl_question *question);

#endif
