/* cert_extension.h -- inside trust/path: the extensions of one certificate, RFC 5280 4.2.
 *
 * Pure; threads: values.
 */
#ifndef TRUST_PATH_CERT_EXTENSION_H
#define TRUST_PATH_CERT_EXTENSION_H

#include "trust/path/cert_facts.h"

/* `outer`: contents of [3]. Fills the facts and notes faults; what cannot be decoded is ID-110. False: not
 * DER. */
bool cert_extensions_read(dx_bytes outer, cert_facts *out);

#endif
