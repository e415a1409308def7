/* path.h -- which organisation holds this certificate, who vouches for it, and does that still hold.
 *
 * Standard: RFC 5280 6.1, RFC 6960, RFC 9618; ETSI TS 119 612, EN 319 412-1. Ids: ID-nnn in
 * path_check_table.h. path_judge is pure: no I/O, no clock; what it would need to know about revocation comes
 * back as a question. Threads: a judge belongs to one thread (it owns an OSSL_LIB_CTX and its memo tables);
 * verdicts are plain memory.
 */
#ifndef TRUST_PATH_PATH_H
#define TRUST_PATH_PATH_H

#include "trust/base/clock.h"
#include "trust/list/tlist.h"
#include "trust/path/organisation.h"
#include "trust/path/path_recognition.h"
#include "trust/path/policy_graph.h"
#include "trust/path/revocation_rules.h"

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

/* ---- what a purpose demands of a path: one row of path_profile_table.h ---- */

typedef enum {
    USAGE_FREE = 0,       /* extended key usage is not looked at */
    USAGE_OPTIONAL,       /* absent, fitting, or any */
    USAGE_OPTIONAL_EXACT, /* absent or fitting */
    USAGE_REQUIRED,       /* fitting */
    USAGE_WITHOUT_ANY,    /* fitting, and any not beside it */
    USAGE_SOLE,           /* fitting, critical, and nothing else */
    USAGE_SEAL            /* fitting, or absent in a certificate for qualified seals */
} path_usage_rule;

typedef enum { FORM_PRODUCTION, FORM_RFC5280, FORM_STRICT, FORM_WEBPKI } path_form_rules;

typedef struct {
    const char *name;
    const char *usage; /* OID of the purpose; NULL: none */
    path_usage_rule leaf_usage;
    bool nested_usage; /* an extended key usage in a CA limits what is below it */
    bool nested_exact; /* and anyExtendedKeyUsage in a CA is no licence for all */
    bool leaf_may_be_ca;
    bool host;                /* a host name is compared when one is given */
    bool common_name_repeats; /* each commonName of the leaf is one of its alternative names as well */
    bool organisation;        /* a person's certificate is refused */
    bool past; /* judged at a past time: an answer about revocation from after it serves it too */
    bool anchor_validity, anchor_constraints, anchor_lint; /* of the anchor's own certificate */
    bool no_revocation;                                    /* whoever asks sees to it */
    uint16_t leaf_key_usage; /* one of these bits, when keyUsage is there; 0: not looked at */
    bool key_usage_required; /* and it must be there */
    path_form_rules form;
    tlist_purpose service; /* that a listed anchor must serve */
} path_rules;

const path_rules *path_rules_of(path_profile_id profile);

/* An anchor that somebody named: an operator's CA file, `verify --anchor`, a public suite. What the row of
 * the profile does not check of an anchor may be asked for here; zeroed: name and key, nothing else. */
typedef struct {
    dx_bytes der; /* the certificate; empty: name and spki, whole DER items */
    dx_bytes name, spki;
    bool validity, constraints, lint; /* as the columns of path_rules */
    bool leaf;                        /* may be the leaf itself */
    bool not_issuer;                  /* and nothing but the leaf */
    bool distrusted;                  /* no path ends here or leads through it: ID-309 */
} path_anchor;

/* What a judgement may spend (identity.md 6). */
typedef struct {
    unsigned intermediates; /* self-issued ones are not counted: ID-216 */
    unsigned certificates;  /* in a path, leaf and anchor included, at most PATH_MAX_CERTS: ID-216 */
    unsigned candidates;    /* per node */
    unsigned nodes, signatures, comparisons, cpu_ms;
} path_limits;

extern const path_limits path_limits_default, path_limits_hard;

/* ---- what was found on the way, for `sekisho trust explain` ---- */

#define PATH_TRACE_TRIED 64
#define PATH_TRACE_STEPS 64

typedef struct { /* a certificate that was looked at as an issuer, and what spoke against it */
    uint8_t sha256[32];
    uint8_t depth; /* 1: as issuer of the leaf */
    bool anchor;   /* as an anchor */
    char id[8];    /* empty: nothing did */
    char text[96];
} path_tried;

typedef struct { /* one step of a procedure, like a rule of TS 119 615 */
    char id[16], text[200];
} path_step;

typedef struct {
    path_tried tried[PATH_TRACE_TRIED];
    size_t tried_count, tried_left_out;
    path_step steps[PATH_TRACE_STEPS];
    size_t step_count, step_left_out;
} path_trace;

/* Both do nothing without a trace. */
void path_trace_tried(path_trace *trace, const uint8_t sha256[32], size_t depth, bool anchor, const char *id,
                      const char *more);
void path_trace_step(path_trace *trace, const char *id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* RFC 5280 8-bit view of levels (policy.md 10): legal, supervision, technical, representation. */
typedef struct {
    uint8_t l, s, t, r;
    bool known;
} trust_assurance;

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
    bool on_hold;                /* revoked by certificateHold: counts only as long as it lasts */
    uint8_t evidence_sha256[32]; /* of the OCSP response or CRL */
} revocation_view;

/* What must be fetched before more can be said. Spans live in the judge's arena of that call. */
typedef struct {
    dx_bytes certificate, issuer; /* DER */
    const char *ocsp_urls[2];     /* NULL-filled */
    const char *crl_urls[2];
    uint8_t key[32];    /* SHA-256(issuer SPKI ‖ serial): single flight and cache key */
    bool certid_sha256; /* in the request; else SHA-1 */
    dx_bytes nonce;     /* the asker's, up to 128 octets, to be sent along; empty: none */
} revocation_question;

/* On whose word a certificate is called qualified; nobody else can make it so. */
typedef enum { QUALIFIED_BY_NOBODY = 0, QUALIFIED_BY_EU_LIST, QUALIFIED_BY_MRA } qualification_by;

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
    /* qualification and recognition, trusted-lists.md 8 to 10 */
    char level[24];           /* "q-eseal-qscd", "jp-eseal-2", "listed", "unlisted" ... (policy.md 4) */
    char level_issued[24];    /* the same when the certificate was issued; empty: not asked (a stamp) */
    char qualification[16];   /* "Q-ESEAL-QSCD" ... "UNLISTED", "QTST"; empty: not asked */
    char qualification_id[8]; /* why not: "TL-905"; empty */
    qualification_by qualified_by;
    char basis[16]; /* native mra local-policy none */
    bool qualified, qscd, foreign;
    char qc_types[3][8]; /* esign eseal web; empty strings after the last */
    bool qc_compliance;
    char qc_legislation[TLIST_COUNTRY_MAX][3]; /* empty strings after the last */
    struct {                                   /* of a foreign service; empty status: none */
        char status[16];                       /* enacted repealed; valid of a local rule */
        int64_t since_s;
        char instrument[128], treated_as[24];    /* treated_as: of a local rule */
        char mapped_type[64], mapped_status[64]; /* last URI segments, after an enacted translation */
    } recognition;
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
    const dx_bytes *ocsp_nonces;   /* what was sent with each; NULL, or an empty one: nothing was */
    struct crl_list *const *lists; /* CRLs that were read before (crl_read.h), of use for large ones */
    size_t list_count;
} revocation_evidence;

typedef struct {
    dx_bytes leaf;             /* DER */
    const dx_bytes *presented; /* DER, any order, leaf may be among them */
    size_t presented_count;
    const dx_bytes *configured; /* intermediates of `path.intermediates`, DER; tried after the presented */
    size_t configured_count;
    const tlist_snapshot *snapshot; /* NULL only with anchors */
    const path_anchor *anchors;     /* beside the snapshot */
    size_t anchor_count;
    path_profile_id profile;
    const path_rules *rules; /* NULL: the row of the profile */
    int64_t at_s;            /* control time */
    revocation_evidence evidence;
    const revocation_rules *revocation; /* NULL: revocation_rules_default */
    bool revocation_off; /* `trust explain` without --online only; adds a remark, never a YES for the gateway
                          */
    const char *host;    /* NULL: none is compared */
    const char *home_scheme;             /* trust.home, for basis and foreign */
    const path_recognition *recognition; /* rows of trust.recognition; NULL: none */
    const identity_rules *identity;      /* NULL: the defaults */
    int64_t proof_s;                     /* of a stamp: when it is proved to have existed; 0: at_s */
    policy_inputs policies;
    policy_outcome *policies_found; /* NULL, or where the user-constrained set of a YES is written */
    const path_limits *limits;      /* NULL: path_limits_default */
    const dx_clock *clock;          /* of the CPU budget; NULL: the system's */
    path_trace *trace;              /* NULL: none */
} path_input;

/* What the verdict may be called, in words for people: the one place that says "qualified", and it does so
 * only on the word of an EU list or an enacted recognition. */
#define PATH_LABEL_SIZE 200
void path_label(const trust_verdict *verdict, char out[PATH_LABEL_SIZE]);

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
