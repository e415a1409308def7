/* seal_judge.h -- what the steps of seal_check hand on to each other. One step, one function, in the order of
 * seals.md 10; each says true to go on.
 * Threads: belongs to one check.
 */
#ifndef TRUST_SEAL_SEAL_JUDGE_H
#define TRUST_SEAL_SEAL_JUDGE_H

#include "trust/seal/content_digest.h"
#include "trust/seal/httpsig.h"
#include "trust/seal/jades.h"
#include "trust/seal/seal_algorithm.h"
#include "trust/seal/seal_base.h"
#include "trust/seal/seal_certificate.h"
#include "trust/seal/seal_message.h"
#include "trust/seal/seal_report.h"
#include "trust/seal/seal_time.h"

typedef struct {
    const seal_message *message, *request; /* message NULL: a seal beside its objects */
    const seal_check_spec *spec;
    dx_arena *arena;
    seal_report report;
    /* step 1 */
    httpsig_list list;
    httpsig_value signature, seal;
    jades jws;
    bool has_jws;
    dx_bytes jws_text; /* the compact form */
    bool has_digest;
    dx_bytes digest_value;
    content_digest digest;
    content_digest_form digest_form;
    seal_time_item times[SEAL_TIME_MAX];
    size_t time_count;
    dx_bytes message_id, audience;
    /* steps 2 and 3 */
    seal_component components[SEAL_BASE_MAX_COMPONENTS];
    size_t component_count;
    bool components_ok;
    int64_t created_s;
    dx_bytes keyid, base;
    dx_bytes payload; /* of the JWS signing input; empty with ObjectIdByURIHash */
    /* step 6 */
    seal_certificate *certificate;
    seal_revocation revocation; /* anchors: what the CRLs said */
    int64_t revoked_s;
    int64_t proven_s;
} seal_judge;

bool seal_step_form(seal_judge *j);        /* 1: 01 18 02 29 20-23 25-27 */
bool seal_step_coverage(seal_judge *j);    /* 2: 03 04 05 06 */
bool seal_step_base(seal_judge *j);        /* 3: 08 09 07 */
bool seal_step_digest(seal_judge *j);      /* 4: 10 11 15 19 */
bool seal_step_references(seal_judge *j);  /* 5: 16 14 17 15 12 13 */
bool seal_step_certificate(seal_judge *j); /* 6: 40 25 41 42 43 44 47 */
bool seal_step_signatures(seal_judge *j);  /* 7: 24 28 31 30 */
bool seal_step_addressee(seal_judge *j);   /* 8: 48 49 */
bool seal_step_time(seal_judge *j);        /* 9: time evidence */
bool seal_step_lifetime(seal_judge *j);    /* 45 46 at the proven time */

/* A field's value. False: not there, or no memory, which ends the judgement as an error. */
bool seal_judge_value(seal_judge *j, seal_block block, dx_bytes name, dx_bytes *out);
/* The same, looked for in the head, then in the trailers. */
bool seal_judge_anywhere(seal_judge *j, const char *name, dx_bytes *out);

/* Hash of JAdES by its short name; false: not usable (SEAL-14). */
bool seal_hash(dx_bytes hash_m, dx_bytes content, uint8_t out[64], size_t *size);

/* Begins a judgement whose verdict says no; NULL: no memory. */
seal_judge *seal_judge_begin(const seal_check_spec *spec, dx_arena *arena, seal_verdict *out, dx_why *why);
/* Ends it: a yes needs every step passed and nothing lost for want of memory. */
DX_RC seal_judge_end(seal_judge *j, bool passed, seal_verdict *out, dx_why *why);

/* One piece of time evidence: an evidence record over `leaf`, or a token over `imprint` (size by its hash).
 */
bool seal_step_stamp(seal_judge *j, bool is_record, dx_bytes der, dx_bytes hash);
/* A token over `text`, hashed as the token does (SHA-256, else 384, else 512). */
bool seal_step_stamp_text(seal_judge *j, dx_bytes der, dx_bytes text);

#endif
