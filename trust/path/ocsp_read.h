/* ocsp_read.h -- the parts of an OCSP response, strictly read and not yet believed.
 *
 * Standard: RFC 6960 4.2.1, X.690 (DER); rule ID-410 of identity.md 9.2. No allocation; spans point into the
 * DER of the caller. Threads: values.
 */
#ifndef TRUST_PATH_OCSP_READ_H
#define TRUST_PATH_OCSP_READ_H

#include "trust/base/der.h"

#define OCSP_RESPONSE_MAX_BYTES (512u << 10)

typedef enum { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN } ocsp_status;

typedef struct {
    dx_bytes tbs;                  /* ResponseData, a whole item: what is signed */
    dx_bytes algorithm, signature; /* AlgorithmIdentifier, a whole item; bits */
    dx_bytes certificates;         /* contents of the SEQUENCE; may be empty */
    dx_bytes responder_name;       /* Name, a whole item; NULL data: the responder is named by its key */
    dx_bytes responder_key;        /* SHA-1 of the key's bits */
    int64_t produced_s;
    dx_bytes singles; /* contents, ocsp_next */
    bool unknown_critical;
    dx_bytes nonce; /* octets; NULL data: none */
} ocsp_response;

typedef struct {
    dx_bytes hash, name_hash, key_hash, serial; /* hash: OID */
    ocsp_status status;
    int64_t revoked_s;
    int reason;          /* -1: not stated */
    bool has_invalidity; /* invalidityDate as an extension (4.4.5) */
    int64_t invalid_from_s;
    int64_t this_update_s, next_update_s; /* next_update_s 0: not stated */
    bool unknown_critical;
} ocsp_single;

/* False: not a successful basic response that is DER to its last byte. */
bool ocsp_read(dx_bytes der, ocsp_response *out);
/* Takes the next single response off `rest`. Every one of a response that was read is DER. */
bool ocsp_next(dx_bytes *rest, ocsp_single *out);

#endif
