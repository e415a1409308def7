/* path_statements.h -- what a certificate states about itself: qcStatements.
 *
 * Standard: RFC 3739 3.2.6, EN 319 412-5, EN 319 412-1 5.1 (semantics), TS 119 495 5.1 (PSD2); rules of
 * identity.md 10.2. One strict reading, no allocation, no libcrypto. Threads: values; text spans point into
 * the certificate.
 */
#ifndef TRUST_PATH_PATH_STATEMENTS_H
#define TRUST_PATH_PATH_STATEMENTS_H

#include "trust/list/tlist_recognition.h"
#include "trust/path/cert_facts.h"

/* Roles of TS 119 495 5.1 by the last arc of 0.4.0.19495.1.n. */
enum { PSD2_ACCOUNT_SERVICING = 1, PSD2_PAYMENT_INITIATION, PSD2_ACCOUNT_INFORMATION, PSD2_CARD_ISSUING };

typedef struct {
    tlist_statements qc;              /* statements, types, legislation of EN 319 412-5 */
    bool natural, legal;              /* semantics identifiers: whose the identifiers in the subject are */
    bool psd2;                        /* the PSD2 statement stands there */
    unsigned psd2_roles;              /* TLIST_BIT(PSD2_*), decided by OID */
    bool psd2_names_agree;            /* each role's name is that of its OID */
    dx_bytes psd2_nca_name, psd2_nca; /* NCAName, NCAId: UTF-8 */
    /* shown by `trust explain` */
    char limit[48];      /* QcLimitValue: "EUR 50000" */
    int retention_years; /* QcRetentionPeriod; -1: none */
    dx_bytes disclosure; /* first URL of PdsLocations */
} path_statements;

/* `items`: contents of the QCStatements sequence. False: malformed, or a statement stands twice (ID-508);
 * *out is then empty. */
bool path_statements_parse(dx_bytes items, path_statements *out);
/* The same of a certificate; true and empty when it states nothing. */
bool path_statements_read(const cert_facts *facts, path_statements *out);

#endif
