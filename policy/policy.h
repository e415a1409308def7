/* policy.h -- may this data cross this border for this purpose.
 *
 * policy.md is the specification. A decision is a pure function of (compiled bundle, facts, phase). Policy
 * knows no TLS, no HTTP, no list: it judges plain facts. Threads: policy_build on any one thread; a policy is
 * immutable and shared; evaluate works in the caller's arena.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/facts.h"
#include "trust/base/clock.h"
#include "trust/base/io.h"

typedef struct policy policy;

typedef enum { POLICY_REQUEST, POLICY_RESPONSE, POLICY_BODY, POLICY_STREAM } policy_phase;
typedef enum { POLICY_DENY = 0, POLICY_PERMIT } policy_answer;

/* What the gateway can fulfil (policy.md 7, can-do). Absent = not configured. */
typedef struct {
    bool has_table; /* false: everything can be met (check, test, explain without --can) */
    struct {
        bool present, healthy;
        policy_level level;
        bool level_known;
        unsigned formats;
        const char *max, *device;
    } seal; /* formats: 1 httpsig 2 jades, 0 no limit; max: B-B to B-LTA; device: any, accredited-hsm, qscd */
    struct {
        const char *class_;
        bool healthy;
    } tsa[8];
    size_t tsa_count;
    struct {
        bool present, healthy, replicated;
    } durability;
    bool redact, subject_ref, proofs, confidential, notify, meter;
    /* configured, but not healthy */
    bool redact_down, subject_ref_down, proofs_down, confidential_down, notify_down, meter_down;
} policy_can;

typedef struct { /* the highest bundle accepted so far; serial 0: none */
    int64_t serial;
    uint8_t sha256[32]; /* of its manifest.json */
} policy_accepted;

typedef struct {
    const char *dir; /* bundle folder */
    const dx_io *io;
    int64_t now_s;     /* lint of dates */
    bool working_copy; /* a folder without manifest.json is allowed (check, test, explain; `run` in a demo
                          world) */
    const policy_accepted *accepted; /* NULL: nothing to roll back from (check, test, explain); else PL-605 */
} policy_source;

typedef struct { /* one lint finding, policy.md 14 */
    char id[8];  /* "PL-104" */
    bool error;  /* false: a warning */
    char file[128], pointer[256], text[256];
    unsigned line, column;
} policy_finding;
typedef struct {
    policy_finding *items;
    size_t count, errors, warnings;
} policy_findings;
void policy_findings_fini(policy_findings *findings);

/* Loads, lints, compiles. Any E finding: DX_CONFIG, *out NULL, findings say all of them. */
DX_RC policy_build(const policy_source *source, const policy_can *can, policy **out, policy_findings *lint,
                   dx_why *why);
policy *policy_ref(const policy *p);
void policy_unref(policy *p);

/* The state file of the highest accepted bundle. Load: DX_NOT_FOUND there is none yet; DX_BROKEN it says
 * nothing. Store: durable before it returns; call it before the new policy judges anything. */
DX_RC policy_serial_load(const dx_io *io, const char *path, policy_accepted *out, dx_why *why);
DX_RC policy_serial_store(const dx_io *io, const char *path, const policy *p, dx_why *why);

const char *policy_revision(const policy *p);
int64_t policy_serial(const policy *p);
const uint8_t *policy_sha256(const policy *p); /* 32 bytes: of manifest.json; zeros for a working copy */

typedef enum {
    POLICY_STAMP_UNSET = 0,
    POLICY_STAMP_NONE,
    POLICY_STAMP_DEFERRED,
    POLICY_STAMP_BATCH,
    POLICY_STAMP_TOKEN
} policy_stamp_mode;

typedef struct { /* merged obligations; an unset member has no opinion */
    struct {
        bool set;
        bool min_set;
        policy_level min;
        unsigned formats; /* 0: any */
        const char *level;
        bool queue; /* on_failure: queue, for an asynchronous dataset */
    } seal;
    struct {
        bool set;
        policy_stamp_mode mode;
        const char *accept[5]; /* NULL-ended */
        unsigned min;
        int64_t max_delay_s;
        bool defer, on_failure_set;
    } timestamp;
    const char *retention_min, *retention_max; /* ISO 8601 or NULL */
    bool durability_replicated;
    struct {
        const char *name, *value;
    } response_headers[16];
    size_t response_header_count;
    int64_t limit_bytes, limit_records; /* 0: unset */
    int64_t min_records;
    bool redact, keep_set;
    const dx_bytes *keep, *drop; /* JSON Pointers with '*'; keep only these when keep_set */
    size_t keep_count, drop_count;
    const dx_bytes *confidential, *subject_ref; /* JSON Pointers */
    size_t confidential_count, subject_ref_count;
    bool proofs_inclusion, proofs_consistency;
} policy_obligations;

typedef struct {     /* one counter to charge: all or none (policy.md 9) */
    const char *key; /* "requests/agreement/minute/UTC/urn:..." */
    int64_t max, amount;
    int of;                                 /* 0 requests 1 bytes 2 records */
    const char *window;                     /* minute hour day month total */
    int offset_s;                           /* of its time zone */
    const char *code, *clause, *law, *rule; /* of the deny when it is over */
} policy_quota;

typedef struct { /* zeroed = deny */
    policy_answer answer;
    const char *code; /* "permit.granted", "agreement.none", ...; NULL when zeroed */
    int http;         /* status for the peer on deny; 0 on permit */
    bool retryable;
    policy_phase phase;
    const char *clause;  /* "<document>@<version>#<pointer>" or urn:dfft:problem:<code> */
    const char *law;     /* or NULL */
    const char *rule;    /* id or NULL */
    const char *explain; /* level for the peer: none code attributes full */
    bool pending;        /* the body phase is still needed */
    /* what the record needs; NULL or 0 when not reached */
    const char *agreement_id, *partnership_id, *dataset_id, *basis_code, *basis_instrument, *basis_ref;
    int64_t agreement_version, partnership_version, dataset_version;
    uint8_t agreement_sha256[32];
    const char *exporter_org, *exporter_name, *exporter_country, *importer_org, *importer_name,
        *importer_country;
    const char *flow;  /* export or import; as seen from the data */
    const char *route; /* path template of the dataset: its prefix */
    bool personal;
    const char *retention_class;
    const char *authority_id; /* regulator routes: which authority, which grant, which countries it may see */
    int64_t authority_version;
    const char *grant_id, *approval;
    const char *const *scope_countries;
    size_t scope_country_count;
    const char *const *items; /* dataset items */
    size_t item_count;
    policy_obligations oblige;
    const policy_quota *quota; /* by key */
    size_t quota_count;
    bool body_needed; /* some rule or obligation needs the body, in whichever phase (policy.md 6.11) */
    const char *record_count_pointer; /* where the body tells how many records it has, or NULL */
    const char *exporter_address, *exporter_representative, *importer_address, *importer_representative;
    const char *tia, *licence_no;
    int64_t licence_expires_s, check_last_s;       /* 0: none */
    const dx_bytes *labels, *categories, *origins; /* joined: what the record and the data API are told */
    size_t label_count, category_count, origin_count;
    const dx_bytes *hide; /* regulator routes: fields of records that stay hidden */
    size_t hide_count;
    bool scope_stated;     /* regulator routes: false = no scope that the index can apply, so no records */
    int64_t window_from_s; /* regulator routes: nothing older is shown */
} policy_ruling;

/* Walks the phases up to `upto` over the facts. Pure; works in `arena`; never NULL pointers where a deny
 * needs text. */
policy_ruling policy_evaluate(const policy *p, policy_phase upto, const policy_facts *facts,
                              const policy_can *can, dx_arena *arena);

/* The canonical ruling (policy.md 13) of that same evaluation, for the record, for people and for replay; in
 * `arena`, NUL-terminated. NULL: out of memory. Evaluating anew is cheaper than keeping a trace that nobody
 * reads. */
const char *policy_ruling_print(const policy *p, policy_phase upto, const policy_facts *facts,
                                const policy_can *can, dx_arena *arena);

/* Quotas: all or none. DX_REFUSED: over the limit, *ruling becomes the deny (quota.requests ...). */
typedef struct policy_meter policy_meter;
DX_RC policy_meter_new(policy_meter **out, dx_why *why);
void policy_meter_free(policy_meter *meter);
/* Counters of a day and longer outlive the process (policy.md 9): one line each, "<window> <used> <key>".
 * Save writes only when something changed since, durably. Load: DX_NOT_FOUND there is no file yet; DX_BROKEN
 * it cannot be understood. */
DX_RC policy_meter_load(policy_meter *meter, const dx_io *io, const char *path, dx_why *why);
DX_RC policy_meter_save(policy_meter *meter, const dx_io *io, const char *path, dx_why *why);
DX_RC policy_meter_reserve(policy_meter *meter, const policy_ruling *permit, int64_t now_s,
                           policy_ruling *denied, dx_arena *arena);
/* After the fact: what really flowed takes the place of what was reserved; -1 keeps the reservation. */
void policy_meter_settle(policy_meter *meter, const policy_ruling *permit, int64_t now_s, int64_t bytes,
                         int64_t records);
void policy_meter_usage(policy_meter *meter, const char *agreement_id, int64_t now_s,
                        policy_facts *facts); /* fills usage.* */

/* The problem's title for a code, "en" or "ja"; never NULL. */
const char *policy_code_title(const char *code, const char *lang);
int policy_code_http(const char *code);

/* Tests of a bundle (policy.md 15): prints through `line`; *failed counts. */
DX_RC policy_test_run(const policy_source *source, const char *filter,
                      void (*line)(void *context, const char *text), void *context, unsigned *passed,
                      unsigned *failed, dx_buf *json, dx_why *why);
/* A facts or test document (policy.md 15) explained: appends the canonical ruling as one line, then a text
 * for people. `p` NULL: bundle.none. Quotas are judged against usage.* of the facts. DX_MALFORMED: the
 * document is wrong, see `bad`. */
DX_RC policy_explain(const policy *p, dx_bytes facts_document, const char *fixtures_dir, const dx_io *io,
                     const char *lang, policy_ruling *ruling, dx_buf *text, dx_arena *arena,
                     policy_findings *bad, dx_why *why);

#endif
