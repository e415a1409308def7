/* check_digit.h -- numbers of organisations that check themselves.
 *
 * Pure; threads: values.
 */
#ifndef TRUST_BASE_CHECK_DIGIT_H
#define TRUST_BASE_CHECK_DIGIT_H

#include "trust/base/bytes.h"

/* A Japanese corporate number: 13 digits, the first is 9 - (sum Pn*Qn mod 9), n from the right over the other
 * twelve, Qn 1 for odd and 2 for even n (Ministry of Finance Ordinance No. 70 of 2014, Annex). */
bool dx_corporate_number_ok(dx_bytes digits);
/* A legal entity identifier, ISO 17442: 20 digits and capitals, ISO/IEC 7064 mod 97-10. */
bool dx_lei_ok(dx_bytes text);

#endif
