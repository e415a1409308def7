/* cert_alt_name.h -- the form of a GeneralName, as a name and as the base of a name constraint.
 *
 * Standard: RFC 5280 4.2.1.6, 4.2.1.10. Pure; threads: values.
 */
#ifndef TRUST_PATH_CERT_ALT_NAME_H
#define TRUST_PATH_CERT_ALT_NAME_H

#include "trust/path/cert_facts.h"

enum { /* tags of the forms that are read; the others stand as they are */
       CERT_ALT_MAILBOX = DER_CONTEXT(1),
       CERT_ALT_DNS = DER_CONTEXT(2),
       CERT_ALT_DIRECTORY = DER_CONSTRUCTED(4), /* explicit: a Name is a CHOICE */
       CERT_ALT_URI = DER_CONTEXT(6),
       CERT_ALT_ADDRESS = DER_CONTEXT(7),
       CERT_ALT_REGISTERED = DER_CONTEXT(8),
};

typedef enum { CERT_ALT_OK = 0, CERT_ALT_WRONG, CERT_ALT_UNREADABLE } cert_alt_form;

/* WRONG: a name that breaks a rule of its form (ID-115); UNREADABLE: no GeneralName (ID-110). `*underscore`
 * is set, never cleared, when a dNSName holds one. */
cert_alt_form cert_alt_name_form(const der_item *name, bool *underscore);
/* May it be the base of a GeneralSubtree? Forms that nothing compares are let pass. */
bool cert_alt_base_ok(uint8_t tag, dx_bytes base);

#endif
