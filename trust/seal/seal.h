/* seal.h -- profile dfft-seal-v1: one seal base, two proofs (RFC 9421 and JAdES B-B), time evidence beside
 * them.
 *
 * Standard: RFC 9421, RFC 9530, RFC 9651, RFC 7515, RFC 7797; ETSI TS 119 182-1 (JAdES), EN 319 102-1. Ids:
 * SEAL-nn in seal_check_table.h, judged in the order of seals.md 10. Threads: seal_make on a worker with a
 * fast key; seal_check anywhere. Both work in the caller's arena.
 */
#ifndef TRUST_SEAL_SEAL_H
#define TRUST_SEAL_SEAL_H

#include "trust/sign/sign.h"
#include "trust/stamp/stamp.h"

/* A message as HTTP says it, without HTTP: borrowed views. Names may come in any case. */
typedef struct {
    dx_bytes name, value;
} seal_field;

typedef struct {
    bool is_response;
    unsigned status;     /* responses */
    dx_bytes method;     /* requests */
    dx_bytes target_uri; /* requests: external form of seals.md 3 rule 1 (seal_target_uri makes it) */
    const seal_field *fields;
    size_t field_count;
    const seal_field *trailers;
    size_t trailer_count;
    bool has_body;       /* a body object exists (seals.md 3 rule 6), even an empty one */
    dx_bytes body;       /* content; data NULL with size 0 is empty content, unless body_elsewhere */
    bool body_elsewhere; /* the content is not at hand; at most body_sha256 is known */
    bool body_sha256_known;
    uint8_t body_sha256[32];
} seal_message;

/* https://host/path?query from what the peer sent. DX_MALFORMED for targets that are never sealed. */
DX_RC seal_target_uri(dx_bytes authority, dx_bytes target_raw, dx_arena *arena, dx_bytes *out, dx_why *why);

typedef enum { SEAL_FORMAT_HTTPSIG = 1, SEAL_FORMAT_JADES = 2, SEAL_FORMAT_BOTH = 3 } seal_format;

/* A seal credential: key and certificate that belong together, checked when made. Immutable; shared. */
typedef struct seal_credential seal_credential;
DX_RC seal_credential_new(sign_key *key, dx_bytes certificate_der, const dx_bytes *chain, size_t chain_count,
                          seal_credential **out,
                          dx_why *why); /* DX_CONFIG: key and certificate differ, key usage */
seal_credential *seal_credential_ref(seal_credential *credential);
void seal_credential_unref(seal_credential *credential);
dx_bytes seal_credential_certificate(const seal_credential *credential);
const char *
seal_credential_keyid(const seal_credential *credential); /* base64url SHA-256 of the certificate */

typedef struct {
    seal_credential *credential;
    seal_format formats;
    int64_t created_s;
    dx_bytes message_id, audience;       /* bare texts: "urn:uuid:…", "VATDE-…" */
    const char *const *components_extra; /* like "dfft-purpose;req" */
    size_t components_extra_count;
    bool x5c;
    bool stream;                     /* digest and proofs go to trailers ("content-digest";tr); no x5c then */
    bool allow_rsa_v15, allow_eddsa; /* seals.md 2: off unless configured */
    size_t field_max_bytes, fields_max_bytes; /* 0: 7168, 12288 */
} seal_request;

typedef struct {
    seal_field fields[12]; /* to add to the message, in order, lower-case names */
    size_t field_count;
    size_t head_count;   /* the first of `fields` that belong to the head; all of them unless spec->stream */
    bool x5c_dropped;    /* asked for, and did not fit */
    dx_bytes base;       /* the seal base */
    dx_bytes jws;        /* compact JWS; empty in httpsig mode */
    dx_bytes jws_input;  /* the exact JWS signing input */
    uint8_t sha256[32];  /* of the compact JWS (or of the raw RFC 9421 signature) */
    uint8_t leaf[32];    /* batch: leaf for the evidence record */
    uint8_t imprint[32]; /* token mode */
    uint8_t body_sha256[32];
    const char *format, *level; /* for the record: "JAdES" and "B-B", or "RFC9421" and "none" */
} seal_result;

/* Seals `message` (an answer to `request`, or a request when request is NULL). Content-Digest,
 * DFFT-Message-Id and DFFT-Audience are made here: they must not be among message->fields. DX_MALFORMED  a
 * covered field cannot be sealed (non-ASCII, doubled single-line field): 502 upstream-invalid DX_TOO_LARGE
 * the seal does not fit its fields: 503 seal-unavailable DX_CONFIG     the key may not seal under these
 * options */
DX_RC seal_make(const seal_request *spec, const seal_message *message, const seal_message *request,
                dx_arena *arena, seal_result *out, dx_why *why);

/* The DFFT-Seal-Time field for time evidence that came back. DX_TOO_LARGE: no reader would take it. */
DX_RC seal_time_field(const stamp_result *stamps, stamp_mode mode, dx_arena *arena, seal_field *out,
                      dx_why *why);

/* ---- checking ---- */

typedef struct {
    /* certificates that may be looked up by keyid, and what believes them: a snapshot, or anchors (verify
     * --anchor) */
    const dx_bytes *certificates;
    size_t certificate_count;
    const tlist_snapshot *snapshot;
    path_judge_state *judge;
    const dx_bytes *anchors;
    size_t anchor_count;
    const dx_bytes *crls;
    size_t crl_count;
    revocation_evidence evidence;
    bool revocation_off;
    struct {
        const char *territory;
        dx_bytes anchor;
    } tsa_anchors[8];
    size_t tsa_anchor_count;
    dx_bytes tls_certificate;        /* SEAL-47; empty: not judged */
    const char *const *audience_ids; /* NULL: not judged */
    size_t audience_count;
    const char *organisation;       /* NULL: not judged */
    const char *const *territories; /* each must have stamped */
    size_t territory_count;
    int64_t at_s;
    int64_t skew_s;    /* 60 */
    int64_t max_age_s; /* 0: not judged */
    bool inspect_now;  /* stage_inspect: 45 and 46 in step 6, at now */
    bool allow_eddsa;
    const char *const *request_components; /* what policy demands to be covered; NULL: the mandatory list */
    size_t request_component_count;
    bool (*seen)(void *context, dx_bytes organisation, dx_bytes message_id); /* SEAL-49; NULL: not judged */
    void *seen_context;
} seal_check_spec;

typedef struct {
    char id[12];
    bool ok, note;
    char clause[64], text[200];
} seal_check_line;

typedef enum { SEAL_TOTAL_FAILED = 0, SEAL_INDETERMINATE, SEAL_TOTAL_PASSED } seal_indication;

typedef struct {
    seal_indication indication; /* zero is failed */
    const char *sub_indication; /* EN 319 102-1 word or NULL */
    const char *first;          /* first failing id or NULL */
    seal_check_line *lines;     /* in the caller's arena, in the order judged */
    size_t line_count;
    bool present; /* a seal was there at all */
    uint8_t base_sha256[32], jws_input_sha256[32], leaf[32];
    bool base_known, jws_known;
    char keyid[48];
    organisation signer;
    trust_verdict *certificate; /* in the arena; NULL with anchors only */
    int64_t created_s;
    const char **covers; /* covered component names, lower case */
    size_t cover_count;
    stamp_facts stamps[4];
    size_t stamp_count;
    int64_t proven_s; /* time the seal is proven to have existed */
} seal_verdict;

/* Judges the seal of `message`. Never an error for bad input: that is a verdict. */
DX_RC seal_check(const seal_message *message, const seal_message *request, const seal_check_spec *spec,
                 dx_arena *arena, seal_verdict *out, dx_why *why);

/* A detached compact or flattened seal with its objects by name, kind `jws`. */
typedef struct {
    const char *name;
    dx_bytes content;
    bool digest_only;
    uint8_t sha256[32];
} seal_object;
DX_RC seal_check_jws(dx_bytes jws, const seal_object *objects, size_t object_count,
                     const seal_check_spec *spec, dx_arena *arena, seal_verdict *out, dx_why *why);

const char *seal_check_text(const char *id, const char **clause);

#endif
