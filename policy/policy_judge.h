/* policy_judge.h -- one phase of one exchange being judged: the facts as seen now, and three-valued truth
 * over them.
 *
 * judge_truth.c has conditions, judge_facts.c what is worked out from documents, judge_no.c codes and how a
 * step says no. Threads: lives on one stack, works in the caller's arena.
 */
#ifndef POLICY_POLICY_JUDGE_H
#define POLICY_POLICY_JUDGE_H

#include "policy/model.h"

typedef enum {
#define C(id, code, http, later, retry, en, ja) CODE_##id,
#include "policy/code_table.h"
#undef C
    CODE_COUNT
} judge_code;
typedef struct {
    const char *code, *problem; /* problem: the clause where no document speaks */
    const char *en, *ja;
    int http, later; /* later: once the data API has answered, 0 for the same */
    bool retryable;
} judge_code_row;
extern const judge_code_row judge_codes[CODE_COUNT];

typedef enum { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN, TRUTH_PENDING } truth;

/* Facts that do not stand in policy_facts as given: from documents, or joined with them. */
typedef enum {
    SEEN_NONE,
    SEEN_ORG_SCHEME,
    SEEN_ORG_COUNTRY,
    SEEN_KIND,
    SEEN_PARTY,
    SEEN_GROUPS,
    SEEN_SECTOR,
    SEEN_ASSURANCE,
    SEEN_ASSURANCE_ROW,
    SEEN_DATASET,
    SEEN_FLOW,
    SEEN_PERSONAL,
    SEEN_SPECIAL,
    SEEN_CATEGORY,
    SEEN_ORIGIN,
    SEEN_STATE,
    SEEN_LABELS,
    SEEN_DUO,
    SEEN_AGREEMENT_ID,
    SEEN_AGREEMENT_VERSION,
    SEEN_AGREEMENT_STATE,
    SEEN_AGREEMENT_BASIS,
    SEEN_LICENCE,
    SEEN_CHECK_AGE,
    SEEN_PARTNERSHIP,
    SEEN_INSTRUMENT,
    SEEN_DAYS_LEFT,
    SEEN_PERMISSION,
    SEEN_SERIAL,
    SEEN_COUNT
} seen_slot;

typedef struct judge_trace judge_trace;
typedef struct {
    const policy *p;
    const policy_facts *f;
    const policy_can *can;
    dx_arena *arena;
    policy_phase phase;
    int64_t now_s;
    bool import, regulator, last, check_usage;
    bool out_of_room; /* the arena is full: engine.limit */
    const policy_fact *seen[SEEN_COUNT];
    policy_fact own[SEEN_COUNT]; /* storage for what is worked out here */

    const model_dataset *dataset;
    const model_party *peer;
    const model_agreement *agreement; /* the chosen one */
    const model_authority *authority;
    judge_code choice;   /* why there is none: judged at step 4 */
    judge_trace *trace;  /* NULL: nobody wants to read it */
    obligations *merged; /* where the merged obligations go, or NULL */
} judge;

/* The fact as compared; not known when missing. Facts of a phase not reached are not seen. */
const policy_fact *judge_fact(const judge *j, int attribute);
truth judge_condition(const judge *j, const condition *c, bool permit);
truth judge_leaf(const judge *j, const condition *leaf);
/* The rule as a whole, its `phase` too. */
truth judge_rule(const judge *j, const model_rule *rule, bool permit);

/* Down to the leaf that made it so; the pointer of it goes to `at`, the innermost law to *law when there is
 * one. */
const condition *judge_blame(const judge *j, const condition *c, truth was, bool permit, dx_buf *at,
                             const char **law);

/* What is worked out before the steps: org defaults, party, dataset, labels, agreement, levels, authority. */
bool judge_org(judge *j);     /* false: the facts contradict the id (engine.facts) */
void judge_dataset(judge *j); /* labels joined with what was raised */
void judge_choose(judge *j);  /* the agreement, or why none */
void judge_levels(judge *j);
void judge_kind(judge *j);

/* ---- what a reader of the ruling wants beyond the answer; collected only for print ---- */
typedef struct {
    const char *clause, *code;
} judge_would;
struct judge_trace {
    const char **pending;
    judge_would *would;
    size_t pending_count, would_count, pending_room, would_room;
    const model_rule *rule; /* the one described by failed, unknown, passed */
    bool permit;
    char *failed, *unknown, *nearest; /* JSON; nearest is text */
    int64_t passed;
    const char *outcome;
};

/* ---- saying no: always false, so that a step can return it ---- */
bool judge_no(judge *j, policy_ruling *r, judge_code code);
/* By this element of this document; `law` is the innermost one around it, or NULL. */
bool judge_no_at(judge *j, policy_ruling *r, judge_code code, const model_document *doc, const char *pointer,
                 const char *law);
bool judge_no_by_rule(judge *j, policy_ruling *r, judge_code code, const model_rule *rule,
                      const char *pointer, const char *law);
/* By a rule that matches, or that cannot be told. */
bool judge_no_by_prohibit(judge *j, policy_ruling *r, judge_code code, const model_rule *rule);
/* By a permit or grant that does not hold: the blamed leaf is the clause. */
bool judge_no_at_leaf(judge *j, policy_ruling *r, judge_code code, const model_rule *rule, truth was);
/* "<document>@<version>#<pointer>"; NULL: the arena is full. */
const char *judge_clause(judge *j, const model_document *doc, const char *pointer);
/* `law`, else the document's, else the instrument's. */
const char *judge_law(const judge *j, const char *law, const model_document *doc);
void judge_note_pending(judge *j, const model_rule *rule);
void judge_note_would(judge *j, const model_rule *rule, judge_code code);

/* Walks the phases; the last ruling, and its trace when wanted. `check_usage`: quotas against usage.* (tests,
 * explain). */
policy_ruling evaluate_walk(const policy *p, policy_phase upto, const policy_facts *facts,
                            const policy_can *can, dx_arena *arena, bool check_usage, judge_trace *trace,
                            obligations *merged);
/* Fills failed, unknown, passed and nearest of the trace. */
void trace_describe(judge *j, judge_trace *t, judge_code code);
/* The canonical ruling (policy.md 13). */
DX_RC ruling_print(const policy *p, const policy_ruling *r, const judge_trace *t, const obligations *merged,
                   dx_buf *out);

/* basis_check.c: legal basis and labels (policy.md 8). CODE_PERMIT_GRANTED: all well. */
judge_code judge_basis(const judge *j);
judge_code judge_labels(const judge *j);

#endif
