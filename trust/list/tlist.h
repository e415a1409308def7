/* tlist.h -- signed trusted lists in, one immutable snapshot out.
 *
 * Standard: ETSI TS 119 612 v2.1.1 (list version 5) and v2.4.1 (6); CID (EU) 2015/1505. Rules and ids: TL-nnn
 * in tlist_check_table.h. A snapshot answers: which service is this certificate the identity of, what was its
 * status at time t, and on what basis do we say so. Threads: tlist_store_* on one list thread; a snapshot is
 * immutable and shared by reference count.
 */
#ifndef TRUST_LIST_TLIST_H
#define TRUST_LIST_TLIST_H

#include "trust/base/arena.h"
#include "trust/base/fetch.h"
#include "trust/base/io.h"

/* ---- what a snapshot holds; all pointers live as long as the snapshot (or list object) ---- */

typedef enum {
    TLIST_STATE_OK,
    TLIST_STATE_STALE,
    TLIST_STATE_GRACE,
    TLIST_STATE_EXPIRED,
    TLIST_STATE_CLOSED,
    TLIST_STATE_WITHDRAWN
} tlist_state;
typedef enum {
    TLIST_ORIGIN_PINNED,
    TLIST_ORIGIN_OPERATOR_COMPILED,
    TLIST_ORIGIN_PUBLISHER_SIGNED,
    TLIST_ORIGIN_LIST_OF_LISTS
} tlist_origin;
typedef enum { TLIST_ISSUER, TLIST_STAMP, TLIST_OCSP, TLIST_CRL } tlist_purpose;

typedef struct {           /* facts of one list */
    const char *source;    /* configured source id */
    const char *scheme;    /* "EU", "JP" */
    const char *territory; /* as in the list: "DE", "EL" */
    uint64_t sequence;
    uint8_t sha256[32];              /* of the signed file */
    uint8_t signer_sha256[32];       /* of the certificate that signed it */
    int64_t issued_s, next_update_s; /* next_update_s 0: closed */
    int64_t confirmed_s;             /* last 200 or 304 */
    tlist_state state;               /* at the snapshot's making; tlist_state_at() for another time */
    tlist_origin origin;
    bool is_lotl;
    uint64_t lotl_sequence; /* of the list of lists that pointed here; 0: none */
    uint8_t lotl_sha256[32];
    const char *url;
    const struct tlist_recognition *recognition; /* of the pointer that led to a partner's list; NULL: none */
    const char *remarks;                         /* ids of warnings, space separated */
    int64_t attempted_s;                         /* newest download of it, whatever came of that; 0: none */
    char attempt_id[16]; /* why that download was refused ("TL-701"); "": it was not */
} tlist_facts;

typedef struct {
    dx_bytes der, subject, spki;                            /* spans; subject and spki are whole DER TLVs */
    uint8_t sha256[32];                                     /* of der */
    uint8_t spki_sha256[32], name_sha256[32], identity[32]; /* of spki, of the folded subject, of both */
    bool named;                                             /* the subject is a Name: the last two are set */
} tlist_certificate;

typedef struct tlist_qualification { /* one QualificationElement, TS 119 612 5.5.9.2 */
    const char *const *qualifiers;   /* URIs */
    uint32_t qualifier_count;
    const struct tlist_criteria *criteria; /* evaluate with tlist_criteria_match() */
    bool usable;                           /* false: TL-804 */
} tlist_qualification;

typedef struct {               /* one half-open interval of a service's life, newest first in the array */
    int64_t from_s, until_s;   /* until_s INT64_MAX: still so */
    const char *type, *status; /* whole URIs */
    const char *const *info;   /* AdditionalServiceInformation URIs */
    uint32_t info_count;
    bool usable;        /* false: an unknown critical extension, TL-803 */
    unsigned purposes;  /* bits 1 << tlist_purpose that the type serves; 0: none */
    bool status_valid;  /* as the source's table of statuses says */
    const char *class_; /* of the type, from the source's map ("jp-tsa", "jp-eseal-2"); NULL for EU types */
    const char *const
        *require_policy_oids; /* that the map demands of certificates of this type; all of them */
    uint32_t require_policy_count;
    const tlist_qualification *qualifications;
    uint32_t qualification_count;
    int64_t expired_certs_from_s; /* ExpiredCertsRevocationInfo: revocation is kept for certificates that
                                     expire after it; 0: not said */
    const char *taken_over_by;    /* TSPName of TakenOverBy, information only; NULL: none */
} tlist_interval;

typedef struct {
    const tlist_facts *list;
    const char *provider, *provider_id,
        *name; /* TSPName, trade name that is an identifier or NULL, ServiceName (en first) */
    const tlist_certificate *certificates;
    uint32_t certificate_count;
    const tlist_interval *intervals;
    uint32_t interval_count;
} tlist_service;

typedef struct tlist_snapshot tlist_snapshot;

tlist_snapshot *tlist_snapshot_ref(const tlist_snapshot *snapshot);
void tlist_snapshot_unref(tlist_snapshot *snapshot); /* NULL is fine */
uint64_t tlist_snapshot_epoch(const tlist_snapshot *snapshot);
const uint8_t *tlist_snapshot_id(const tlist_snapshot *snapshot); /* 32 bytes, trusted-lists.md 5.3 */
size_t tlist_snapshot_lists(const tlist_snapshot *snapshot, const tlist_facts *const **out);
size_t tlist_snapshot_services(const tlist_snapshot *snapshot, const tlist_service *const **out);
const char *tlist_state_text(tlist_state state);
const char *tlist_origin_text(tlist_origin origin);
tlist_state tlist_state_at(const tlist_facts *list, int64_t at_s, int64_t grace_s);

/* ---- look-ups: O(1), no allocation ---- */

typedef struct {
    dx_bytes der, spki, subject;
    uint8_t sha256[32]; /* of der, by whoever fills this; zeroes: not known, and the look-up digests more */
} tlist_key;

typedef enum { TLIST_MISS_NONE, TLIST_MISS_NAME_ONLY, TLIST_MISS_KEY_ONLY } tlist_miss;

typedef struct {
    const tlist_service *service;
    const tlist_certificate *certificate;
    const tlist_interval *interval;   /* the one that holds at t; NULL: before the first one */
    bool in_force;                    /* the list, and the list of lists above it, at t */
    bool usable;                      /* type fits purpose, status valid at t, list in force at t */
    const char *id, *clause, *reason; /* of the refusal when not usable: "ID-303" .. "ID-306" */
    int64_t good_until_s;             /* earliest instant at which this line changes */
} tlist_hit;

/* Services that this certificate is the identity of (DER equal, or key and subject equal; TS 119 612 5.5.3),
 * in document order, fit or not. Returns how many were written; *miss tells of near misses when it is none.
 */
size_t tlist_find(const tlist_snapshot *snapshot, const tlist_key *key, tlist_purpose purpose, int64_t at_s,
                  tlist_hit *hits, size_t max, tlist_miss *miss);

/* Service certificates whose subject is `issuer_name` (a DER Name; equal by RFC 5280 7.1 comparison):
 * candidates for the issuer of a certificate. Returns how many were written. */
size_t tlist_issuers(const tlist_snapshot *snapshot, dx_bytes issuer_name, const tlist_certificate **out,
                     size_t max);

/* ---- sources, state, updates ---- */

typedef enum { TLIST_KIND_LOTL, TLIST_KIND_TL } tlist_kind;

typedef struct {
    const char *id; /* "eu", "jp" */
    tlist_kind kind;
    const char *url;              /* http(s)://, file:// or a path */
    const char *oj_uri;           /* lotl only; NULL: no Official Journal check (a LoTL of a demo world) */
    const uint8_t (*anchors)[32]; /* SHA-256 of the certificates that may sign */
    size_t anchor_count;
    const char *scheme, *territory;
    const char *const
        *tsl_types; /* of the lists below a lotl, or of this list; none: the profile's, or any */
    size_t tsl_type_count;
    const char *const *territories; /* allow list below a lotl; NULL: all */
    size_t territory_count;
    bool strict;          /* profile strict: TL-506 and TL-706 refuse */
    bool origin_operator; /* operator-compiled whatever the list says */
    bool mra;             /* lotl: mutual recognition in its pointers is honoured (trusted-lists.md 9.5) */
    bool allow_http, legacy_xpath, structure_warn, rsa_digestinfo_either;
    bool only_version_5, only_version_6; /* TL-304: neither: both */
    const char
        *map_file; /* mapping of service types and statuses (trusted-lists.md 9.1); NULL: built-in defaults */
    uint32_t refresh_s; /* 0: 21600 for a lotl, 86400 for a list */
    size_t max_bytes;   /* 0: 16 MiB */
} tlist_source;         /* borrowed: must outlive the store */

/* What a person confirmed by hand (sekisho trust update); NULL: not confirmed. */
typedef struct {
    const char *reset_sequence; /* id of a source whose memory of sequence numbers is dropped, and the way out
                                   of TL-711 and TL-712 */
    const char *reset_reason;   /* kept beside the memory */
    const char *reissue_source; /* with reissue_sha256: one document that TL-702 shall let pass */
    const uint8_t *reissue_sha256;
    const char *location; /* id of a source whose list of lists is followed to where it says it is (TL-604) */
} tlist_confirmed;

typedef struct {
    const tlist_source *sources;
    size_t source_count;
    const char *state_dir;
    uint32_t grace_s;
    uint32_t run_deadline_s; /* TL-108; 0: 180 */
    uint32_t drip_s;         /* TL-103: below 1 KiB a second for so long; 0: 30 */
    int64_t built_s;         /* of this program; a clock before it is wrong (TL-707). 0: not asked */
    const dx_io *io;
    const dx_clock *clock;
    dx_fetcher *fetcher;  /* may be NULL: only files, or --from a folder */
    const char *from_dir; /* a folder with manifest.json {url: file}; NULL: none */
    tlist_confirmed confirmed;
    bool read_only; /* no lock, nothing is written: to look beside a running gateway, and for a dry run */
} tlist_store_spec;

typedef struct { /* one line per list of a run */
    char source[32], territory[8], url[512];
    bool accepted, unchanged;
    uint64_t sequence_before, sequence;
    tlist_state state;  /* of the list that is held after it; meaningful when sequence > 0 */
    uint8_t sha256[32]; /* of the document that came; zeroes: none came */
    dx_why why;         /* of the refusal, id "TL-nnn" */
    char remarks[256];  /* ids of warnings, space separated */
} tlist_run_line;

typedef struct {
    const char *only; /* id of one source; NULL: all */
    bool due;         /* only what its own schedule asks for (TL-108) */
    void (*line)(void *context, const tlist_run_line *line); /* as they come; may be NULL */
    void *context;
} tlist_run;

typedef struct tlist_store tlist_store;

/* Opens the state folder, takes its lock, verifies again what is stored. DX_BROKEN: TL-711 or TL-712.
 * DX_BUSY: another process holds the lock; *why names it. */
DX_RC tlist_store_open(const tlist_store_spec *spec, tlist_store **out, dx_why *why);
void tlist_store_close(tlist_store *store);
/* One run; a list that fails leaves the last good one in place. Ends at the deadline of a run: what has not
 * come by then keeps its old list. DX_REFUSED with TL-707: the clock is wrong, nothing was judged. */
DX_RC tlist_store_update(tlist_store *store, const tlist_run *run, dx_why *why);
/* The current snapshot, a reference of your own; NULL before the first list is loaded. A run, or the clock
 * passing tlist_store_due_s(), makes a new one with a higher epoch when something changed. */
tlist_snapshot *tlist_store_snapshot(tlist_store *store);
/* When a list is due to be fetched or a state changes by itself; Unix seconds. */
int64_t tlist_store_due_s(const tlist_store *store);

enum { TLIST_REFUSALS_MAX = 128 };
typedef struct {
    const char *id; /* "TL-701" */
    uint64_t times;
} tlist_refusal;
/* How often documents were refused since the store was opened, by id; any thread. */
size_t tlist_store_refusals(const tlist_store *store, tlist_refusal *out, size_t max);

typedef struct { /* memory of sequence numbers that a person dropped */
    char source[32], reason[200];
    int64_t at_s;
} tlist_reset;
size_t tlist_store_resets(const tlist_store *store, const tlist_reset **out); /* oldest first */

/* What one key signed, for `trust show --anchors`: the signers that are in force for an entry. */
typedef struct {
    const char *source, *territory; /* territory "": of the source itself */
    bool below;                     /* announced by a list of lists; else configured */
    const uint8_t (*sha256)[32];
    size_t count;
} tlist_signers;
size_t tlist_store_signers(const tlist_store *store, tlist_signers *out, size_t max);

/* One document by itself, without store: 2.2 to 2.8 of trusted-lists.md with the given anchors, at a time.
 * For the conformance suite, `sekisho verify` and the builder's self-check. On success *list is a list
 * object. */
typedef struct tlist_list tlist_list;
DX_RC tlist_read(dx_bytes xml, const tlist_source *source, int64_t at_s, tlist_list **out, dx_why *why);
void tlist_list_unref(tlist_list *list);
const tlist_facts *tlist_list_facts(const tlist_list *list);
/* A snapshot of given lists; for tests and for `verify --trust DIR`. */
DX_RC tlist_snapshot_of(tlist_list *const *lists, size_t count, int64_t at_s, tlist_snapshot **out,
                        dx_why *why);

bool tlist_criteria_match(const struct tlist_criteria *criteria, dx_bytes certificate_der);

/* Anchors: one JSON file of certs/anchors, or a PEM bundle. Appends to `out` (SHA-256 values, 32 bytes each).
 * `oj_uri` not NULL: a JSON file that was made from another publication is DX_CONFIG with TL-601. */
DX_RC tlist_anchors_read(const dx_io *io, const char *path, const char *oj_uri, dx_buf *out, dx_why *why);

/* The text of one check, for `sekisho explain`; NULL when there is no such id. */
const char *tlist_check_text(const char *id, const char **clause);

#endif
