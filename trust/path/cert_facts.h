/* cert_facts.h -- one strict reading of a certificate: every field and extension that a judgement needs, and
 * every rule of form that it breaks.
 *
 * Standard: RFC 5280 4, X.690 (DER); rules and ids ID-101 to ID-120 of identity.md 5. Pure: one pass, no
 * allocation, no key is decoded, no libcrypto object is made. What a broken rule means is not decided here:
 * the reading notes it as a fault, and the profile of the judgement says which faults refuse
 * (path_profile_table.h). Threads: values; spans point into the caller's DER and live as long as it.
 */
#ifndef TRUST_PATH_CERT_FACTS_H
#define TRUST_PATH_CERT_FACTS_H

#include "trust/base/der.h"

#define CERT_MAX_BYTES      16384
#define CERT_NAME_MAX_BYTES 4096

/* A set of broken rules: bit n stands for ID-(100+n); six that some profiles take lightly have bits of their
 * own.
 */
typedef uint32_t cert_faults;
#define CERT_FAULT(id)              ((cert_faults)1 << ((id)-100))
#define CERT_FAULT_CONSTRAINTS_SOFT ((cert_faults)1 << 0)  /* ID-111: nameConstraints not critical */
#define CERT_FAULT_DATE_LONG        ((cert_faults)1 << 23) /* ID-107: up to 2049 as GeneralizedTime */
#define CERT_FAULT_DEFAULTS         ((cert_faults)1 << 24) /* ID-101: FALSE is written though it is the default */
#define CERT_FAULT_HUGE             ((cert_faults)1 << 28) /* ID-116: over the limits of every profile */
#define CERT_FAULT_UNDERSCORE       ((cert_faults)1 << 29) /* ID-115: "_" in a dNSName */
#define CERT_FAULT_NAMES_HARD       ((cert_faults)1 << 30) /* ID-111: subjectAltName critical beside a subject */

/* Bits of cert_facts.key_usage: RFC 5280 4.2.1.3, bit 0 is digitalSignature. */
enum {
    CERT_DIGITAL_SIGNATURE = 1 << 0,
    CERT_NON_REPUDIATION = 1 << 1,
    CERT_KEY_CERT_SIGN = 1 << 5,
    CERT_CRL_SIGN = 1 << 6,
};

typedef struct { /* an extension whose value is kept as a span: the contents of its SEQUENCE */
    bool present, critical;
    dx_bytes value;
} cert_part;

typedef struct {
    dx_bytes der, tbs, spki, subject, issuer; /* whole items, as they stand */
    dx_bytes serial;                          /* contents of the INTEGER */
    dx_bytes signature_algorithm;             /* whole AlgorithmIdentifier, the outer one */
    dx_bytes signature;                       /* bits of the signature, without the count of unused bits */
    uint8_t sha256[32];                       /* of der */
    int version;                              /* 1, 2, 3 */
    int64_t from_s, until_s;                  /* inclusive; INT64_MAX: no end. dated: both could be read */
    bool dated;
    bool self_issued; /* subject and issuer are equal by RFC 5280 7.1 */
    bool has_basic_constraints, ca;
    int path_length; /* -1: none */
    bool has_key_usage;
    uint16_t key_usage;
    cert_part ext_key_usage;                            /* OIDs, cert_oid_next */
    cert_part alt_names;                                /* GeneralNames */
    cert_part name_constraints;                         /* NameConstraints */
    cert_part policies;                                 /* PolicyInformation items */
    cert_part policy_mappings;                          /* pairs of OIDs */
    int inhibit_any, require_explicit, inhibit_mapping; /* SkipCerts; -1: not stated */
    cert_part authority_access;                         /* AccessDescription items */
    cert_part crl_points;                               /* DistributionPoint items */
    cert_part qc_statements;                            /* QCStatement items */
    dx_bytes authority_key_id, subject_key_id;          /* keyIdentifier octets; empty: none */
    bool has_authority_key, authority_key_bare;         /* bare: a keyIdentifier and nothing else */
    bool ocsp_no_check;                                 /* id-pkix-ocsp-nocheck */
    bool short_term;                                    /* ext-etsi-valassured-ST-certs or noRevAvail */
    cert_faults faults;
} cert_facts;

/* False: cannot be read as a certificate at all (ID-101, ID-102: those bits are set and nothing else may be
 * used). True: the facts stand, and `faults` says which rules the certificate breaks. */
bool cert_facts_read(dx_bytes der, cert_facts *out);

/* Iterates: takes the next OID of `rest` (contents of a SEQUENCE OF OBJECT IDENTIFIER); false at its end. */
bool cert_oid_next(dx_bytes *rest, dx_bytes *oid);
/* Does the part, a SEQUENCE OF OBJECT IDENTIFIER, hold this one? */
bool cert_has_usage(const cert_facts *facts, const char *dotted);
/* Does certificatePolicies hold this one? anyPolicy counts only as itself. */
bool cert_has_policy(const cert_facts *facts, const char *dotted);

/* RFC 5280 7.1: are these two Names (whole items) the same? Bytes first, then folded per attribute. */
bool cert_name_equal(dx_bytes a, dx_bytes b);

#endif
