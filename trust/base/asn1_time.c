#include "trust/base/asn1_time.h"

#include "trust/base/der.h"

#include <openssl/asn1.h>

bool asn1_time_s(const ASN1_TIME *time, int64_t *unix_s)
{
    if (time == NULL)
        return false;
    /* The types of libcrypto are the universal tags. */
    uint8_t tag = (uint8_t)ASN1_STRING_type(time);
    if (!der_time(tag, dx_bytes_of(ASN1_STRING_get0_data(time), (size_t)ASN1_STRING_length(time)), unix_s))
        return false;
    if (*unix_s == INT64_MAX) /* "no end" for der_time; here an instant that can be printed */
        *unix_s = ASN1_TIME_NO_END_S;
    return true;
}
