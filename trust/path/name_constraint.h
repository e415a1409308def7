/* name_constraint.h -- do the names below each CA lie inside the constraints it sets?
 *
 * Standard: RFC 5280 4.2.1.10 and 6.1.3 (b) (c); identity.md 7.3. Pure. A CA's commonName is never a name; a
 * malformed name or constraint refuses, it never "does not match". Threads: values.
 */
#ifndef TRUST_PATH_NAME_CONSTRAINT_H
#define TRUST_PATH_NAME_CONSTRAINT_H

#include "trust/path/cert_facts.h"

/* chain: leaf first, the CA whose constraints are asked last. Every certificate below `chain[count - 1]` is
 * held against its constraints, self-issued CAs excepted, the leaf always. `*budget`: comparisons left, one
 * for each 64 bytes of a base and one more; spent: ID-215. NULL: all inside, or it sets none; else ID-115,
 * ID-118, ID-209, ID-210 or ID-215. */
const char *name_constraint_check(const cert_facts *const *chain, size_t count, unsigned *budget);

/* RFC 9525: does a subjectAltName of the certificate name this host (DNS name or textual address)? One
 * leftmost wildcard label; commonName is never asked. */
bool name_constraint_host(const cert_facts *leaf, const char *host);

#endif
