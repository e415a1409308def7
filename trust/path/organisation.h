/* organisation.h -- whose certificate is this: the identifier that its subject names.
 *
 * Standard: EN 319 412-1 5.1.4 (semantics identifiers), EN 319 412-2 and -3, TS 119 495 5.2.1, ISO/IEC 7064,
 * ISO 17442; rules of identity.md 10. Pure, no allocation, no libcrypto; a person's particulars are never
 * copied out of a certificate that turns out to be a person's. Threads: values.
 */
#ifndef TRUST_PATH_ORGANISATION_H
#define TRUST_PATH_ORGANISATION_H

#include "trust/path/path_statements.h"

#define ORGANISATION_ID_MAX 95

typedef enum { ORGANISATION_NONE, ORGANISATION_LEGAL, ORGANISATION_PERSON } organisation_kind;

typedef struct {
    organisation_kind kind;
    char id[ORGANISATION_ID_MAX + 1]; /* "NTRDE-HRB12345"; empty when the certificate names none */
    char scheme[8];                   /* NTR VAT PSD LEI GOV INT other */
    char country[3];                  /* ISO 3166-1; empty when not known */
    char name[257];                   /* organizationName, UTF-8 */
    bool associated;                  /* a person of that organisation (identity.associated_persons) */
    bool qc_natural, qc_legal;        /* semantics that the certificate claims */
    unsigned psd2_roles;              /* TLIST_BIT(PSD2_*) */
    char psd2_nca[65];                /* NCAId */
} organisation;

typedef struct {               /* identity.source.<list>: where certificates of one list carry the number */
    const char *list, *prefix; /* source id; what stands before serialNumber: "NTRJP-" */
} organisation_source;

typedef struct { /* identity.*; zeroed: the defaults */
    bool check_digits_warn, allow_associated;
    const char *const
        *jpki_policies; /* OIDs; one that ends in a dot stands for all below. NULL: the default */
    size_t jpki_policy_count;
    const organisation_source *sources;
    size_t source_count;
} identity_rules;

typedef struct { /* ids of remarks: what is not refused and must be told */
    const char *ids[8];
    size_t count;
} organisation_remarks;

/* NULL: an organisation's. Else the id that says why not: ID-501 to ID-511. */
const char *organisation_read(const cert_facts *facts, const identity_rules *rules, organisation *out,
                              organisation_remarks *remarks);
/* For a certificate without identifier (ID-501) whose path ended in a list with a row in rules->sources:
 * reads serialNumber instead. NULL: it is an organisation's now. */
const char *organisation_read_serial(const cert_facts *facts, const identity_rules *rules, const char *list,
                                     organisation *out, organisation_remarks *remarks);
/* `rules` may be NULL here and above: the defaults. */
bool organisation_is_jpki(const cert_facts *facts, const identity_rules *rules);

/* ---- organisation_id.c ---- */
/* One identifier as it stands in organizationIdentifier: canonical form, scheme, country. NULL, or ID-503,
 * ID-506, ID-511. "JCN:<13>" is a spelling of "NTRJP-<13>" when `spelled` (documents, command line; never
 * certificates). */
const char *organisation_id_read(const char *raw, bool spelled, const identity_rules *rules,
                                 organisation *out, organisation_remarks *remarks);
/* Another identifier of the same organisation: NTRJP-<13> of VATJP-T<13> and back. False: none is known. */
bool organisation_id_alike(const char *id, char out[ORGANISATION_ID_MAX + 1]);

/* ---- organisation_name.c ---- */
typedef enum { NAME_ABSENT, NAME_READ, NAME_BAD } organisation_name_answer;
/* The n-th (from 0) attribute of that type of a Name (whole item), as UTF-8. Bad: longer than `size` - 1,
 * empty, or with characters that show nothing or turn what stands beside them. */
organisation_name_answer organisation_name(dx_bytes name, const char *oid, size_t n, char *out, size_t size);
bool organisation_text_ok(dx_bytes utf8);

void organisation_remark(organisation_remarks *remarks, const char *id);

#endif
