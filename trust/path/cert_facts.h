/* cert_facts.h -- what one certificate says, after a single strict pass over its DER.
 *
 * Standard: RFC 5280 4. Facts are views into the DER plus decoded values; no key is decoded and nothing is
 * allocated, so facts live exactly as long as the DER. What is wrong with the form is noted as findings; a
 * profile decides which of them refuse (cert_finding_table.h). Threads: pure.
 */
#ifndef TRUST_PATH_CERT_FACTS_H
#define TRUST_PATH_CERT_FACTS_H

#include "trust/base/der.h"

#define CERT_MAX_BYTES 16384

enum { CERT_COLUMN_P = 1, CERT_COLUMN_S = 2, CERT_COLUMN_B = 4, CERT_COLUMN_W = 8 };

typedef enum {
#define F(name, id, columns) CERT_FINDING_##name,
#include "trust/path/cert_finding_table.h"
#undef F
    CERT_FINDING_COUNT
} cert_finding;

enum { /* keyUsage, RFC 5280 4.2.1.3 */
       CERT_KU_DIGITAL_SIGNATURE = 1 << 0,
       CERT_KU_NON_REPUDIATION = 1 << 1,
       CERT_KU_CERT_SIGN = 1 << 5,
       CERT_KU_CRL_SIGN = 1 << 6,
};

typedef struct {
    dx_bytes der, tbs, signature;
    dx_bytes signature_algorithm;   /* whole AlgorithmIdentifier */
    dx_bytes serial;                /* contents of the INTEGER */
    dx_bytes issuer, subject, spki; /* whole items */
    int64_t not_before_s, not_after_s;
    uint32_t findings; /* bit per cert_finding */
    bool self_issued;  /* issuer and subject are the same name */
    bool ca, has_basic_constraints, has_key_usage, has_eku, has_constraints, has_policies, eku_critical;
    bool no_rev_avail, short_term, ocsp_nocheck;
    int32_t path_length;                                    /* -1: none */
    int32_t require_explicit, inhibit_mapping, inhibit_any; /* -1: none */
    uint16_t key_usage;
    /* contents of the SEQUENCE of an extension; empty when absent */
    dx_bytes eku, san, policies, mappings, permitted, excluded, crl_points, aia, qc_statements;
    dx_bytes aki, ski; /* key identifiers */
    uint8_t sha256[32], spki_sha256[32];
} cert_facts;

/* Reads one certificate. DX_MALFORMED with ID-101, DX_TOO_LARGE with ID-102: there are no facts at all. */
DX_RC cert_facts_read(dx_bytes der, cert_facts *out, dx_why *why);

/* The lowest id among the findings that refuse in one of `columns`; 0 when none does. */
unsigned cert_facts_refused(const cert_facts *facts, unsigned columns);

/* Is the name an unused shell? (an empty SEQUENCE) */
bool cert_facts_name_empty(dx_bytes name);
bool cert_facts_has_eku(const cert_facts *facts, const char *oid);
bool cert_facts_has_policy(const cert_facts *facts, const char *oid);

/* One extension after the other; also used for CRLs and OCSP. False at the end or when malformed (then
 * `*ok`). */
typedef struct {
    dx_bytes oid, value; /* value: contents of the OCTET STRING */
    bool critical;
} cert_extension;
bool cert_extension_next(dx_bytes *extensions, cert_extension *out, bool *ok);

/* The addresses of revocation sources: method `oid` of authorityInfoAccess, and fullName URIs of CRL
 * distribution points without a cRLIssuer. http and https only, at most two, at most 2048 bytes. */
size_t cert_facts_ocsp_urls(const cert_facts *facts, dx_bytes out[2]);
size_t cert_facts_crl_urls(const cert_facts *facts, dx_bytes out[2]);

#endif
