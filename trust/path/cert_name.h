/* cert_name.h -- Names (RFC 5280 4.1.2.4, X.501) over spans: read, compared, held against a base.
 *
 * Pure, no allocation; threads: values. cert_name_equal stands in cert_facts.h, for those who need no more.
 */
#ifndef TRUST_PATH_CERT_NAME_H
#define TRUST_PATH_CERT_NAME_H

#include "trust/path/cert_facts.h"

/* False: `name` (a whole item) is no Name. */
bool cert_name_read(dx_bytes name, bool *empty);
/* Does `name` begin with every RDN of `base`? An empty base holds every name. False too when one is no Name.
 */
bool cert_name_within(dx_bytes name, dx_bytes base);
/* Iterates over the attributes of an RDN (contents of its SET); false at its end. */
bool cert_attribute_next(dx_bytes *rdn, dx_bytes *type, der_item *value);

#endif
