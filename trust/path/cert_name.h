/* cert_name.h -- distinguished names: comparison by RFC 5280 7.1 and the attributes in them.
 *
 * Strings are compared as characters whatever their ASN.1 type, ASCII letters without case, outer blanks cut,
 * inner runs of blanks as one (RFC 4518 as far as RFC 5280 7.1 asks for it). Threads: pure.
 */
#ifndef TRUST_PATH_CERT_NAME_H
#define TRUST_PATH_CERT_NAME_H

#include "trust/base/der.h"

/* `a` and `b` are whole Name items. */
bool cert_name_equal(dx_bytes a, dx_bytes b);
/* Do the RDNs of `subtree` begin `name`? */
bool cert_name_within(dx_bytes subtree, dx_bytes name);
/* Well-formed to the last attribute? */
bool cert_name_ok(dx_bytes name);

/* The index-th attribute of that type. False when there is none. */
bool cert_name_attribute(dx_bytes name, const char *oid, size_t index, der_item *value);
/* The characters of a directory string as UTF-8. Returns bytes written, or SIZE_MAX when it does not fit or
 * is not of a string type we know. */
size_t cert_name_utf8(const der_item *value, char *out, size_t size);

#endif
