/* stamp.h -- a third party witnesses the time: RFC 3161 tokens and RFC 4998 evidence records.
 *
 * Standard: RFC 3161, RFC 5816, RFC 4998, RFC 5652; ETSI EN 319 422. Ids: STAMP-nn and ER-nn in
 * stamp_check_table.h; rules in the order of seals.md 7.5 and 7.3.
 * Threads: checks and encoders are pure and run anywhere; a stamp_service owns one thread, on which tokens
 * are judged and every callback runs.
 */
#ifndef TRUST_STAMP_STAMP_H
#define TRUST_STAMP_STAMP_H

#include "trust/path/path.h"

typedef struct {
    const char *name, *url;
    const char *class_; /* EU-QTSA, JP-MIC, listed, private */
    const char *territory;
    bool cert_req, eku_strict, ess_v1, accept_mods;
    const char *const *policy_oids;
    size_t policy_oid_count;
    const dx_bytes
        *certificates; /* DER; signers looked up when the token does not carry its own (cert_req false) */
    size_t certificate_count;
    const dx_bytes *anchors; /* DER; issuers of a `private` authority, which no list names */
    size_t anchor_count;
    const char *authorization; /* value of an Authorization field; NULL: none */
} stamp_tsa;

/* The last signer that was believed, so that tokens of one unit cost one judgement in half a minute instead
 * of one each. Holds for the same certificate under the same snapshot, until the verdict's own end at the
 * latest. Owned by whoever checks tokens on one thread; zeroed: nothing is remembered. */
typedef struct {
    uint8_t leaf_sha256[32], snapshot_id[32];
    int64_t from_s, until_s; /* genTime within [from, until) */
    trust_verdict verdict;
} stamp_memo;

/* How a token's signer is believed. Exactly one of the two: the trust snapshot, or (verify with --tsa-anchor)
 * given issuer certificates. */
typedef struct {
    const tlist_snapshot *snapshot;
    path_judge_state *judge;
    const char *want_class;  /* NULL: any */
    const dx_bytes *anchors; /* DER */
    size_t anchor_count;
    const dx_bytes *crls;
    size_t crl_count;
    revocation_evidence evidence; /* OCSP and CRL of the TSU chain */
    bool revocation_off;
    stamp_memo *memo; /* NULL: each signer is judged anew */
} stamp_trust;

typedef struct {         /* facts of a token that was believed */
    int64_t time_us;     /* genTime */
    int64_t accuracy_us; /* 1 s when absent */
    char serial[48];     /* lower hex */
    char policy[64];     /* dotted OID */
    char territory[8], class_[16], signer_name[128];
    char status[32];    /* list status at genTime, last segment */
    uint8_t sha256[32]; /* of the token DER */
    uint8_t signer_sha256[32];
    uint8_t imprint[64];
    size_t imprint_size;
    bool qts_statement; /* STAMP-15, a note: the token says it is qualified */
    bool ess_v1;        /* STAMP-06, a note: its signer is named by SHA-1 only */
    bool orphan;        /* ER-09, a note: another hash beside ours in the first group */
} stamp_facts;

typedef struct { /* outcome of one check, the same shape as seal_verdict */
    bool ok;     /* zero says no */
    char id[12]; /* first failing id: "STAMP-03", "ER-05" */
    char clause[64], text[200];
    const char *sub_indication; /* EN 319 102-1 word: "HASH_FAILURE" ... */
    bool indeterminate;
} stamp_verdict;

/* Request bytes for an imprint (SHA-256) with a 64-bit nonce. */
DX_RC stamp_request_make(const stamp_tsa *tsa, const uint8_t imprint[32], uint64_t nonce, dx_arena *arena,
                         dx_bytes *out, dx_why *why);

typedef struct {
    const stamp_tsa *tsa; /* NULL when we did not ask for it ourselves */
    dx_bytes imprint;     /* expected; SHA-256, 384 or 512 by size */
    bool has_nonce;
    uint64_t nonce;
    int64_t sent_us, received_us; /* our clock; 0: STAMP-13 does not judge that side. A verifier of somebody
                                   * else's token gives received_us = its own time and no sent_us */
    int64_t skew_s;               /* 60 */
    int64_t not_before_us;        /* iat of the seal, STAMP-14; 0: none */
    bool ess_v1_note;             /* `verify`: SHA-1 ESSCertID is a note, not a failure */
} stamp_expect;

/* STAMP-01: takes a TimeStampResp apart; *token is a span into `response`. */
stamp_verdict stamp_response_open(dx_bytes response, const stamp_tsa *tsa, dx_bytes *token);
/* STAMP-02 to 15 over a token (a ContentInfo). */
stamp_verdict stamp_check(dx_bytes token, const stamp_expect *expect, const stamp_trust *trust,
                          dx_arena *arena, stamp_facts *facts);

/* ---- evidence records ---- */

/* Builds a tree over `count` 32-byte leaves in arrival order (seals.md 7.2); equal leaves share a place. */
typedef struct evidence_tree evidence_tree;
DX_RC evidence_tree_new(const uint8_t (*leaves)[32], size_t count, evidence_tree **out, dx_why *why);
void evidence_tree_free(evidence_tree *tree);
const uint8_t *evidence_tree_root(const evidence_tree *tree);
/* Appends the DER EvidenceRecord of leaf `index` with `token` as received. */
DX_RC evidence_record_make(const evidence_tree *tree, size_t index, dx_bytes token, dx_buf *out, dx_why *why);
/* ER-01 to ER-09; `facts` are those of the first token that proves existence. */
stamp_verdict evidence_record_check(dx_bytes record, const uint8_t leaf[32], const stamp_trust *trust,
                                    dx_arena *arena, stamp_facts *facts);

/* ---- asking: modes batch and token (seals.md 7.2, 7.4, 7.6) ---- */

typedef struct {
    uint32_t max_inflight, max_batch, max_wait_ms, min_interval_ms,
        queue_max; /* 0: defaults of seals.md 12 */
    uint32_t try_ms, total_ms, breaker_fails, breaker_open_s;
    uint32_t anchor_interval_ms; /* UINT32_MAX: the log's checkpoints are not stamped */
    int64_t skew_s;              /* as given, 0 is none */
} stamp_limits;

typedef struct stamp_service stamp_service;
typedef struct {
    const stamp_tsa *tsas; /* borrowed for the life of the service */
    size_t tsa_count;
    stamp_limits limits;
    dx_fetcher *fetcher;
    const dx_clock *clock;
    const dx_io *io; /* random nonces */
    /* The current trust, asked for each answer on the service's own thread; fills `trust`, which stays valid
     * until the matching release. */
    bool (*trust_get)(void *context, stamp_trust *trust);
    void (*trust_release)(void *context, stamp_trust *trust);
    void *trust_context;
    /* "stamp.batch", "stamp.invalid" (benched), "stamp.unavailable", "stamp.restored" (back from the bench),
     * "stamp.clock" (STAMP-13, over 5 s), "stamp.serial_reused" (STAMP-14); `why` may be NULL. On the
     * service's thread. */
    void (*event)(void *context, const char *event, const char *tsa, const dx_why *why);
    /* A token that failed a check, to be kept as evidence; NULL: it is dropped. Context: trust_context. */
    void (*keep)(void *context, const char *tsa, dx_bytes token);
} stamp_service_spec;

DX_RC stamp_service_new(const stamp_service_spec *spec, stamp_service **out, dx_why *why);
void stamp_service_free(stamp_service *service);

typedef struct {     /* what comes back for one leaf; lives until `done` returns */
    struct dx_rc rc; /* DX_UNREACHABLE: timestamp-unavailable; DX_BAD_SIGNATURE: timestamp-invalid */
    dx_why why;
    size_t count;         /* 1, or 2 with min 2; with a failure what was obtained all the same */
    dx_bytes evidence[2]; /* DER: EvidenceRecord in batch mode, token in token mode */
    stamp_facts facts[2];
    const char *by[2]; /* configured TSA names */
} stamp_result;
typedef void stamp_done(void *context, const stamp_result *result);

typedef enum { STAMP_BATCH, STAMP_TOKEN } stamp_mode;
/* Hands over one leaf (batch) or imprint (token); `done` runs on the service's thread, exactly once.
 * `accept`: classes, at most four, NULL-ended and copied, NULL for any. `min`: 1 or 2. DX_BUSY: queue full;
 * DX_CONFIG: no authority of these classes, or no two of different territories. Any thread. */
DX_RC stamp_submit(stamp_service *service, stamp_mode mode, const uint8_t leaf[32], const char *const *accept,
                   unsigned min, stamp_done *done, void *context, dx_why *why);
/* The log's newest checkpoint hash, joined to the next batch once per anchor interval (seals.md 7.2). Any
 * thread. */
void stamp_anchor(stamp_service *service, const uint8_t checkpoint_sha256[32]);

const char *stamp_check_text(const char *id, const char **clause);

#endif
