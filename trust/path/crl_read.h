/* crl_read.h -- one strict walk over a certificate revocation list, and its entries found by serial number.
 *
 * Standard: RFC 5280 5, X.690 (DER); identity.md 9.3, ids ID-412 and ID-415. No tree is built: the walk looks
 * at each entry once, so a list of four million entries costs no more memory than its bytes. An index
 * (crl_index) makes look-ups fast and takes 8 bytes per entry. Whose list it is and whom it speaks of is not
 * decided here (crl_judge.h). Threads: a crl_list belongs to one thread at a time; spans point into the DER
 * that it was read from, which must outlive it.
 */
#ifndef TRUST_PATH_CRL_READ_H
#define TRUST_PATH_CRL_READ_H

#include "trust/base/der.h"

#define CRL_LIST_MAX_BYTES (64u << 20) /* an entry has 20 octets at least: under 4 M entries */

/* Reasons, RFC 5280 5.3.1 and 4.2.1.13: as numbers, and as bits of a mask. */
enum {
    CRL_NO_REASON = -1,
    CRL_KEY_COMPROMISE = 1,
    CRL_CA_COMPROMISE = 2,
    CRL_CERTIFICATE_HOLD = 6,
    CRL_REMOVE_FROM_CRL = 8,
};
#define CRL_ALL_REASONS 0x1feu

typedef struct {
    dx_bytes serial; /* contents of the INTEGER */
    bool dated;
    int64_t revoked_s;
    int reason;             /* CRL_NO_REASON: not stated */
    bool has_invalidity;    /* invalidityDate, 5.3.2 */
    int64_t invalid_from_s; /* with has_invalidity */
} crl_entry;

typedef struct crl_list {
    const char *id; /* NULL: it could be read; else why nothing below may be used */
    dx_bytes der, tbs, issuer, algorithm, signature; /* issuer, algorithm: whole items */
    int version;
    int64_t this_update_s, next_update_s; /* next_update_s 0: not stated */
    dx_bytes entries;
    size_t entry_count;
    bool undated_entries; /* one that is not the subject's may not be skipped: the form is wrong */
    bool foreign_entries; /* certificateIssuer: entries of other issuers (an indirect list) */
    bool unknown_critical;
    dx_bytes number, base_number; /* contents of the INTEGERs; base_number: a delta. NULL data: not stated */
    bool number_critical;
    bool has_key_id; /* authorityKeyIdentifier is there */
    dx_bytes key_id; /* its keyIdentifier; may be empty */
    bool has_point;  /* issuingDistributionPoint is there */
    dx_bytes point;  /* its contents: the scope, byte for byte */
    dx_bytes name;   /* DistributionPointName item of it; NULL data: none */
    bool only_users, only_cas, only_attributes, indirect;
    unsigned reasons; /* mask; CRL_ALL_REASONS: of all */
    /* of crl_index: */
    uint64_t *index; /* sorted; NULL: look-ups walk */
    /* of crl_judge: the key whose signature was found good, so that it is not checked for each question */
    bool verified;
    uint8_t verified_sha256[32];
} crl_list;

/* Reads; the result is out->id as well. "ID-415": over a limit; "ID-412": another form. */
const char *crl_read(dx_bytes der, crl_list *out);
/* Sorts the entries for crl_find. False: no memory, and the list is as useful as before, only slower. */
bool crl_index(crl_list *list);
void crl_list_fini(crl_list *list); /* frees the index; the DER is the caller's */

/* Is this serial number (contents of an INTEGER) listed? Of several entries the first that is no removal. */
bool crl_find(const crl_list *list, dx_bytes serial, crl_entry *out);

/* X.690 8.6, 11.2.2: the contents of a ReasonFlags as a mask; false: not DER. */
bool crl_reasons_read(dx_bytes bits, unsigned *mask);

/* Order of two CRL numbers (5.2.3): negative, 0, positive. */
int crl_number_compare(dx_bytes a, dx_bytes b);
/* Lists with the same value are versions of one list: same issuer, key identifier, scope, and all whole or
 * all delta. Their numbers only rise; whoever keeps lists must not go back. */
void crl_scope(const crl_list *list, uint8_t out[32]);

/* crl_index.c, for crl_find: the key of a serial number, and the first place with this key. */
uint32_t crl_index_key(dx_bytes serial);
size_t crl_index_first(const crl_list *list, uint32_t key);

#endif
