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

/* cert_alt_name.c: form of names, RFC 5280 4.2.1.6. `underscore`: a dNSName that only that keeps from being
 * one.
 */
typedef enum { CERT_ALT_OK = 0, CERT_ALT_WRONG, CERT_ALT_UNREADABLE } cert_alt_form;
cert_alt_form cert_alt_name_form(const der_item *name, bool *underscore);

#endif
