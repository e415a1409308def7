/* evaluate.h -- the steps of policy.md 6, one function each. False is no, and then the ruling has code and
 * clause.
 *
 * evaluate.c has their order in each phase.
 */
#ifndef POLICY_EVALUATE_H
#define POLICY_EVALUATE_H

#include "policy/policy_judge.h"

/* evaluate_route.c: steps 1 and 2 */
bool evaluate_bundle(judge *j, policy_ruling *r, bool org_agrees);
bool evaluate_route(judge *j, policy_ruling *r);

/* evaluate_agreement.c: steps 4 to 6 */
void evaluate_parties(const judge *j, policy_ruling *r); /* what the record needs of the agreement */
bool evaluate_candidate(judge *j, policy_ruling *r);
bool evaluate_agreement(judge *j, policy_ruling *r);
bool evaluate_partnership(judge *j, policy_ruling *r);

/* What holds, permit or grant, in document order: the sources of obligations and quotas. */
typedef struct {
    const model_rule *rule;
    const obligations *oblige, *alone; /* alone: merged with the floors already */
    const model_quota *quota;
    size_t quota_count;
    truth truth;
} holding;
holding *evaluate_room(judge *j, size_t count); /* NULL: the arena is full */

/* evaluate_rule.c: steps 3, 7 and 8 */
bool evaluate_guards(judge *j, policy_ruling *r);
bool evaluate_prohibits(judge *j, policy_ruling *r, const model_rule *rules, size_t count, judge_code matched,
                        judge_code unknown);
bool evaluate_permits(judge *j, policy_ruling *r, holding **holds, size_t *count);
bool evaluate_yes(judge *j, policy_ruling *r, const holding *holds, size_t count);

/* Steps 9 and 10, for permits and for grants. */
bool evaluate_obligations(judge *j, policy_ruling *r, const holding *holds, size_t count);
bool evaluate_quota(judge *j, policy_ruling *r, const holding *holds, size_t count);

/* In place of steps 4 to 10 for a regulator. */
bool evaluate_grants(judge *j, policy_ruling *r);

#endif
