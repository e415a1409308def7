/* lint.h -- findings over the compiled policy; lint.c has documents, lint_condition.c conditions. */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/compile.h"

typedef struct {
    bundle *b;
    int64_t now_s;
    char pointer[256]; /* what lint_at printed last */
} lint;

void lint_say(lint *l, const model_document *doc, unsigned number, bool warning, const char *pointer,
              const char *format, ...) __attribute__((format(printf, 6, 7)));
const char *lint_at(lint *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool lint_has(lint *l, const model_document *doc, const char *pointer); /* the document has this member */
bool lint_once(lint *l, unsigned number, const char *file);             /* not said of this file yet */

void lint_rule(lint *l, const model_rule *rule);
void lint_condition(lint *l, const model_document *doc, const condition *c, const char *pointer);
bool lint_names(const condition *c, int attribute);
bool lint_same(const condition *a, const condition *b);
void lint_purposes(lint *l, const model_agreement *a, const model_permit *p);

#endif
