/* oblige.h -- obligations as one value, and their lattice (policy.md 7).
 *
 * An unset member has no opinion. Merging is commutative, associative and idempotent; what cannot be met
 * together is told by oblige_conflict. Sets are text_set or bit masks.
 */
#ifndef POLICY_OBLIGE_H
#define POLICY_OBLIGE_H

#include "policy/facts_impl.h"

typedef enum {
#define B(id, name, later) OBLIGE_##id,
#include "policy/obligation_table.h"
#undef B
    OBLIGE_COUNT
} oblige_name;
extern const char *const oblige_names[OBLIGE_COUNT];
bool oblige_is_later(oblige_name name);

/* Words of enumerations, in lattice order from 1; 0 is unset. */
extern const char *const oblige_seal_levels[];    /* B-B B-T B-LT B-LTA */
extern const char *const oblige_devices[];        /* any accredited-hsm qscd */
extern const char *const oblige_stamp_modes[];    /* none deferred batch token */
extern const char *const oblige_accepts[];        /* bits 1 2 4 8 */
extern const char *const oblige_formats[];        /* bits 1 2 */
extern const char *const oblige_notify_on[];      /* bits 1 2 4 */
extern const char *const oblige_proof_words[];    /* bits 1 2 */
extern const char *const oblige_durabilities[];   /* before-response replicated */
extern const char *const oblige_seal_failures[];  /* queue deny: deny wins */
extern const char *const oblige_stamp_failures[]; /* defer deny: deny wins */
/* 0 when the word is not in the NULL-ended list, else its place from 1. */
unsigned oblige_word(const char *const *words, dx_bytes word);

typedef struct {
    dx_bytes text;
    int64_t length_s; /* 0 with no text: unset */
} oblige_duration;

typedef struct {
    dx_bytes name, value;
} oblige_header;

typedef struct {
    dx_bytes to;
    unsigned on;
} oblige_notice;

typedef struct {
    unsigned set; /* bit per oblige_name */
    struct {
        bool min_set, formats_set;
        policy_level min;
        unsigned formats, level, device, on_failure; /* on_failure: 1 queue, 2 deny */
    } seal;
    struct {
        unsigned mode, accept, on_failure; /* on_failure: 1 defer, 2 deny */
        bool accept_set;
        int64_t min; /* 0: unset */
        oblige_duration max_delay;
    } timestamp;
    oblige_duration retention_min, retention_max;
    unsigned durability;
    struct {
        bool keep_set, keep_dataset; /* keep_dataset: "dataset", until oblige_resolve puts the fields there */
        text_set keep, drop;
    } redact;
    int64_t min_records;
    int64_t limit_bytes, limit_records; /* 0: unset */
    struct {
        const oblige_header *items; /* by name, then value: two values of a name are a conflict */
        size_t count;
    } headers;
    struct {
        const oblige_notice *items; /* by `to` */
        size_t count;
    } notify;
    text_set confidential, subject_ref;
    bool subject_ref_as;
    unsigned proofs;
} obligations;

/* Takes one obligation of `from` into `into`. False: out of memory. */
bool oblige_merge_one(obligations *into, const obligations *from, oblige_name name, dx_arena *arena);
/* Puts the dataset's fields where keep_only says "dataset"; `copy` holds the result when it changes anything.
 */
const obligations *oblige_resolve(const obligations *o, text_set fields, obligations *copy);
bool oblige_merge(obligations *into, const obligations *from, dx_arena *arena);
bool oblige_conflict(const obligations *o, oblige_name name);

typedef enum { CAN_YES, CAN_UNCONFIGURED, CAN_UNAVAILABLE } can_answer;
/* Can the gateway fulfil it? `async`: the peer collects later, so that a queue serves. */
can_answer oblige_can(const obligations *o, oblige_name name, const policy_can *can, bool async);

/* `stricter` asks at least what `floor` asks, member by member that `stricter` states; else the member's name
 * (PL-309). */
const char *oblige_looser(const obligations *permit, const obligations *floor, oblige_name name);

DX_RC oblige_print(const obligations *o, dx_buf *out);
/* The door's shape. False: more headers than it holds. */
bool oblige_export(const obligations *o, policy_obligations *out);

#endif
