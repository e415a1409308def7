/* httpsig.h -- the two fields of an RFC 9421 signature, as this profile reads them.
 * Standard: RFC 9421 2.3, 4; RFC 9651. Threads: pure.
 */
#ifndef TRUST_SEAL_HTTPSIG_H
#define TRUST_SEAL_HTTPSIG_H

#include "trust/base/sfield.h"

#define HTTPSIG_TAG   "dfft-seal-v1"
#define HTTPSIG_LABEL "eseal"

typedef enum { HTTPSIG_OK, HTTPSIG_LOOSE, HTTPSIG_BAD } httpsig_form; /* LOOSE: SEAL-29, BAD: SEAL-01 */

typedef struct {
    const sfield_member *list; /* member eseal of the list field; NULL: none */
    size_t tagged;             /* members with our tag, whatever their label */
    unsigned times;            /* of eseal */
} httpsig_list;
/* Signature-Input or DFFT-Seal-Input. */
httpsig_form httpsig_list_read(dx_bytes value, dx_arena *arena, httpsig_list *out);

typedef struct {
    bool present; /* a member eseal */
    unsigned times;
    dx_bytes value;
} httpsig_value;
/* Signature: the member is a byte sequence. */
httpsig_form httpsig_value_read(dx_bytes field, dx_arena *arena, httpsig_value *out);
/* DFFT-Seal: the member is a string. */
httpsig_form httpsig_string_read(dx_bytes field, dx_arena *arena, httpsig_value *out);

/* Is the member's text its own RFC 9651 serialisation, letter by letter? */
bool httpsig_canonical(const sfield_member *list);
/* Exactly created, keyid and tag, and perhaps alg; texts where texts belong. */
bool httpsig_parameters_ok(const sfield_member *list);
bool httpsig_text(const sfield_member *list, const char *name, dx_bytes *out); /* a string parameter */
bool httpsig_created(const sfield_member *list, int64_t *out);                 /* an integer, not negative */

#endif
