/* tlist_recognition.h -- mutual recognition: what a list of lists says that services of a partner's list are
 * worth.
 *
 * Standard: MutualRecognitionAgreementInformation of http://ec.europa.eu/tools/lotl/mra/schema/v2#, which
 * stands in the pointer to the partner's list. It is read only from sources that say so (tlist_source.mra),
 * reaches one hop, works from its enactment on and never backwards, and where two items might apply none does
 * (TL-951 to TL-953). Threads: values, immutable; they live as long as the snapshot that holds the list.
 */
#ifndef TRUST_LIST_TLIST_RECOGNITION_H
#define TRUST_LIST_TLIST_RECOGNITION_H

#include "trust/list/tlist.h"

/* Statements of EN 319 412-5 by the last arc of 0.4.0.1862.1.n, and QcTypes by that of 0.4.0.1862.1.6.n. */
enum {
    TLIST_QC_COMPLIANCE = 1,
    TLIST_QC_LIMIT = 2,
    TLIST_QC_RETENTION = 3,
    TLIST_QC_SSCD = 4,
    TLIST_QC_PDS = 5,
    TLIST_QC_TYPE = 6,
    TLIST_QC_LEGISLATION = 7,
    TLIST_QC_LAST = 7,
};
enum { TLIST_QCTYPE_ESIGN = 1, TLIST_QCTYPE_ESEAL = 2, TLIST_QCTYPE_WEB = 3 };
#define TLIST_BIT(n)      (1u << (n))
#define TLIST_COUNTRY_MAX 16

typedef struct tlist_recognition tlist_recognition;

typedef struct {         /* what a certificate states about itself; trust/path reads it */
    unsigned statements; /* TLIST_BIT(TLIST_QC_*) */
    unsigned types;      /* TLIST_BIT(TLIST_QCTYPE_*) */
    char legislation[TLIST_COUNTRY_MAX][3];
    unsigned legislation_count;
} tlist_statements;

typedef enum { TLIST_MRA_NONE, TLIST_MRA_ENACTED, TLIST_MRA_REPEALED } tlist_mra_status;

typedef struct {                      /* a part of a partner's service as the pointing party would have it */
    const char *type, *status, *info; /* URIs of the pointing party; info NULL: none */
    unsigned purposes;                /* bits 1 << tlist_purpose */
    bool status_valid;
    const struct tlist_mra_version *version; /* content and qualifiers */
} tlist_recognised;

#define TLIST_RECOGNISED_MAX 8

typedef struct {
    tlist_recognised parts[TLIST_RECOGNISED_MAX]; /* one for each AdditionalServiceInformation */
    size_t part_count;                            /* 0: nothing is recognised at that time */
    /* of the item that fits, in force or not */
    tlist_mra_status status;
    const char *instrument;  /* TrustServiceLegalIdentifier */
    int64_t from_s, until_s; /* of its version at that time, half open */
    const char *id, *clause; /* TL-951 to TL-953, when nothing is recognised */
    int64_t good_until_s;    /* earliest later instant at which this changes */
} tlist_recognition_answer;

/* What the list that points to `list` makes of this interval of one of its services at `at_s`. False: no
 * recognition stands in the pointer, or no item of it speaks of such a service. */
bool tlist_recognise(const tlist_facts *list, const tlist_interval *interval, int64_t at_s,
                     tlist_recognition_answer *out);

/* Last segment of the pointing party's qualifier for `uri`, like "QCWithQSCD"; NULL: it has none. */
const char *tlist_recognised_qualifier(const struct tlist_mra_version *version, const char *uri);

/* What the certificate states, put in the pointing party's words. */
void tlist_recognised_statements(const struct tlist_mra_version *version, dx_bytes certificate_der,
                                 const tlist_statements *stated, tlist_statements *out);

/* Is this list that of a partner, believed only through recognition? */
bool tlist_is_partner(const tlist_facts *list);

#endif
