/* facts_impl.h -- the inside of policy_facts, for this tower alone. */
#ifndef POLICY_FACTS_IMPL_H
#define POLICY_FACTS_IMPL_H

#include "policy/policy.h"
#include "policy/policy_term.h"
#include "trust/base/json.h"

#include <stdlib.h>

#define POLICY_FACT_SET_MAX 1024 /* members of one set; more is engine.limit (policy.md 6) */
#define POLICY_DECLARED_MAX 16   /* members of a DFFT-* list */

typedef struct {
    bool known;
    uint8_t source;
    union {
        bool flag;
        int64_t number; /* times: microseconds */
        dx_bytes text;
        text_set set;
        policy_level level;
    };
} policy_fact;

struct policy_facts {
    dx_arena *arena;
    policy_fact fact[POLICY_ATTRIBUTE_COUNT];
    dx_bytes path;
    text_set malformed, failed, import_purposes;
    int64_t from_s, seals_bad, seals_need, approvals;
    bool from_known, body_over, body_coded;
    bool over_limit;   /* a set was too large, or memory ran out while taking a fact */
    bool many_members; /* a declared list has too many members */
    bool bad_territory;
};

/* One spelling for what has several: the same for facts and for documents. NULL data: out of memory. */
dx_bytes policy_value_fold(dx_arena *arena, policy_attribute a, dx_bytes value);
/* The value as canonical JSON, as traces show it. */
DX_RC policy_fact_print(const policy_fact *fact, policy_type type, dx_buf *out);
DX_RC policy_level_print(policy_level level, dx_buf *out);
DX_RC policy_set_print(text_set set, dx_buf *out);

#endif
