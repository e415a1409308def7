/* lint.h -- findings over the compiled policy (PL-209, 3xx to 5xx, 8xx). */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/bundle.h"
#include "policy/model.h"

typedef struct {
    bundle *b;
    int64_t now_s;
    char pointer[256]; /* what lint_at printed last */
} lint;

void lint_say(lint *l, const model_document *doc, unsigned number, bool warning, const char *pointer,
              const char *format, ...) __attribute__((format(printf, 6, 7)));
const char *lint_at(lint *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool lint_has(lint *l, const model_document *doc, const char *pointer); /* the document has this member */

/* lint_condition.c */
void lint_rule(lint *l, const model_rule *rule);
void lint_condition(lint *l, const model_document *doc, const condition *c, const char *pointer);
bool lint_names(const condition *c, int attribute);
bool lint_same(const condition *a, const condition *b);
void lint_purposes(lint *l, const model_agreement *a, const model_permit *p);

/* lint_oblige.c; `merged`: with what stands above */
void lint_obligations(lint *l, const model_rule *rule, const obligations *own, const obligations *merged);
void lint_permit_obligations(lint *l, const model_agreement *a, const model_permit *p);

/* One document each. */
void lint_guards(lint *l, const policy *p);
void lint_levels(lint *l, const policy *p);
void lint_partnership(lint *l, const model_partnership *ps);
void lint_authority(lint *l, const model_authority *a);
void lint_agreement(lint *l, const model_agreement *a);

#endif
