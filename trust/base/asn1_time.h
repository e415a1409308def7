/* asn1_time.h -- a Time of libcrypto as Unix seconds.
 *
 * Standard: RFC 5280 4.1.2.5. Threads: pure.
 */
#ifndef TRUST_BASE_ASN1_TIME_H
#define TRUST_BASE_ASN1_TIME_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#define ASN1_TIME_NO_END_S INT64_C(253402300799) /* 99991231235959Z */

/* UTCTime YYMMDDHHMMSSZ or GeneralizedTime YYYYMMDDHHMMSSZ. False when it is absent (NULL) or has another
 * form: there is no instant that could stand for it, so nobody may compare with one. */
bool asn1_time_s(const ASN1_TIME *time, int64_t *unix_s);

#endif
