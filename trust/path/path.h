/* path.h -- which organisation holds this certificate, who vouches for it, and does that still hold.
 *
 * Standard: RFC 5280 6.1, RFC 6960, RFC 9618; ETSI TS 119 612, EN 319 412-1. Ids: ID-nnn in
 * path_check_table.h. path_judge is pure: no I/O, no clock; what it would need to know about revocation comes
 * back as a question. Threads: a judge belongs to one thread (it owns an OSSL_LIB_CTX and its memo tables);
 * verdicts are plain memory.
 */
#ifndef TRUST_PATH_PATH_H
#define TRUST_PATH_PATH_H

#include "trust/base/arena.h"
#include "trust/list/tlist.h"

typedef enum { TRUST_NO = 0, TRUST_YES } trust_answer;
typedef enum {
    TRUST_KIND_NO = 0,
    TRUST_KIND_UNKNOWN
} trust_kind; /* of a NO: "the answer is no" or "could not find out" */

#define PATH_MAX_CERTS 12

typedef enum {
    PATH_PEER,
    PATH_SERVER,
    PATH_SEAL,
    PATH_TSU,
    PATH_RESPONDER,
    PATH_RFC5280,
    PATH_RFC5280_STRICT,
    PATH_WEBPKI
} path_profile_id;

/* RFC 5280 8-bit view of levels (policy.md 10): legal, supervision, technical, representation. */
typedef struct {
    uint8_t l, s, t, r;
    bool known;
} trust_assurance;

typedef enum { ORGANISATION_NONE, ORGANISATION_LEGAL, ORGANISATION_PERSON } organisation_kind;

typedef struct {
    organisation_kind kind;
    char id[96];     /* "NTRDE-HRB12345"; empty when the certificate names none */
    char scheme[8];  /* NTR VAT PSD LEI GOV INT other */
    char country[3]; /* ISO 3166-1; empty when not known */
    char name[257];  /* organizationName, UTF-8 */
} organisation;

typedef enum { REVOCATION_UNKNOWN = 0, REVOCATION_GOOD, REVOCATION_REVOKED } revocation_state;
typedef enum {
    REVOCATION_VIA_NONE = 0,
    REVOCATION_VIA_OCSP,
    REVOCATION_VIA_CRL,
    REVOCATION_VIA_RULE
} revocation_via;

typedef struct {
    revocation_state state;
    revocation_via via;
    int64_t this_update_s, next_update_s, produced_s, revoked_s;
    int64_t usable_until_s;
    bool on_hold; /* revoked by certificateHold: counts only as long as it lasts */
    uint8_t evidence_sha256[32]; /* of the OCSP response or CRL */
} revocation_view;

/* What must be fetched before more can be said. Spans live in the judge's arena of that call. */
typedef struct {
    dx_bytes certificate, issuer; /* DER */
    const char *ocsp_urls[2];     /* NULL-filled */
    const char *crl_urls[2];
    uint8_t key[32]; /* SHA-256(issuer SPKI ‖ serial): single flight and cache key */
} revocation_question;

typedef struct {
    trust_answer answer; /* zero is TRUST_NO */
    trust_kind kind;
    char id[8];           /* "ID-304"; empty with YES and no remark */
    char reason[160];     /* one plain sentence */
    char clause[64];      /* the rule that says so */
    char slug[32];        /* problem slug of identity.md 12 */
    int64_t good_until_s; /* earliest instant at which this changes */
    uint64_t epoch;       /* of the snapshot */
    uint8_t snapshot_id[32];
    /* the path, leaf first, anchor last */
    size_t path_count;
    uint8_t path_sha256[PATH_MAX_CERTS][32];
    /* the anchor, as the list says it (by value: a verdict outlives its snapshot) */
    struct {
        bool set;
        char scheme[8], territory[8], source[32], type[64], status[48]; /* last URI segments */
        char service[128], provider[128];
        uint64_t sequence, lotl_sequence;
        uint8_t list_sha256[32], lotl_sha256[32], service_sha256[32];
        int64_t since_s, issued_s, next_update_s, list_age_s;
        tlist_state state;
        tlist_origin origin;
    } anchor;
    revocation_view revocation[PATH_MAX_CERTS]; /* per path certificate */
    organisation org;
    /* qualification, trusted-lists.md 8 and 10 */
    char level[24]; /* "q-eseal-qscd", "jp-eseal-2", "listed", "unlisted" ... (policy.md 4) */
    char basis[16]; /* native mra local-policy none */
    bool qualified, qscd, foreign;
    char qc_types[3][8]; /* esign eseal web; empty strings after the last */
    bool qc_compliance;
    trust_assurance assurance;
    char remarks[128];                 /* ids of warnings, space separated */
    int64_t not_before_s, not_after_s; /* of the leaf */
    uint32_t cost_us, signatures, nodes;
} trust_verdict;

/* Answers about revocation that the caller holds: OCSP responses and CRLs, DER, in any order. */
typedef struct {
    const dx_bytes *ocsp;
    size_t ocsp_count;
    const dx_bytes *crl;
    size_t crl_count;
} revocation_evidence;

typedef struct {
    dx_bytes leaf;             /* DER */
    const dx_bytes *presented; /* DER, any order, leaf may be among them */
    size_t presented_count;
    const tlist_snapshot *snapshot;
    path_profile_id profile;
    int64_t at_s; /* control time */
    revocation_evidence evidence;
    bool revocation_off; /* `trust explain` without --online only; adds a remark, never a YES for the gateway
                          */
    const char *host;    /* PATH_SERVER */
    const char *home_scheme; /* trust.home, for basis and foreign */
} path_input;

typedef struct path_judge_state path_judge_state;
DX_RC path_judge_new(path_judge_state **out, dx_why *why);
void path_judge_free(path_judge_state *judge);

/* Judges. A bad certificate is a verdict, not an error. When revocation must be known first, the verdict is
 * NO/UNKNOWN with id ID-404 or ID-405 and questions[0..*question_count) say what to fetch (room for
 * PATH_MAX_CERTS); fetch, add to evidence, judge again. Errors: DX_NO_MEMORY, DX_INTERNAL. */
DX_RC path_judge(path_judge_state *judge, const path_input *input, dx_arena *arena, trust_verdict *verdict,
                 revocation_question *questions, size_t *question_count, dx_why *why);

/* The DER request for an OCSP question: POST application/ocsp-request. */
DX_RC revocation_ocsp_request(const revocation_question *question, dx_arena *arena, dx_bytes *out,
                              dx_why *why);

/* What `stage_identify` may say before anything is believed: the claimed organisation and validity of a leaf.
 */
DX_RC path_claims(dx_bytes leaf, organisation *org, int64_t *not_before_s, int64_t *not_after_s, dx_why *why);

/* TSU and seal certificates for sealed data: the same judge at a past time; the caller names the purpose by
 * profile. path_stamp_class: "EU-QTSA", "JP-MIC", "listed" for the anchor of a PATH_TSU verdict
 * (seals.md 7.4). */
const char *path_stamp_class(const trust_verdict *verdict);

const char *path_check_text(const char *id, const char **clause); /* for `sekisho explain` */

#endif
