/* crl_point.h -- for which certificates, and which reasons of revocation, does a list speak?
 *
 * Standard: RFC 5280 4.2.1.13 (cRLDistributionPoints), 5.2.5 (issuingDistributionPoint), 6.3.3 b and d; rule
 * ID-413 of identity.md 9.3. Threads: pure.
 */
#ifndef TRUST_PATH_CRL_POINT_H
#define TRUST_PATH_CRL_POINT_H

#include "trust/path/cert_facts.h"
#include "trust/path/crl_read.h"

/* The reasons (a mask within CRL_ALL_REASONS) for which `list`, of the issuer of `subject`, would tell that
 * the subject is revoked. 0: the list is not for this certificate. */
unsigned crl_point_reasons(const crl_list *list, const cert_facts *subject);

#endif
