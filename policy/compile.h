/* compile.h -- from checked documents to the model. Every document has passed shape_check; only memory can
 * fail here. */
#ifndef POLICY_COMPILE_H
#define POLICY_COMPILE_H

#include "policy/bundle.h"
#include "policy/model.h"

typedef struct {
    bundle *b;
    policy *p;
    bool failed;       /* out of memory */
    text_map datasets; /* by id */
} compiler;

dx_bytes compile_text(compiler *c, const json_t *value);      /* copied, NUL-ended; empty when absent */
const char *compile_c_text(compiler *c, const json_t *value); /* NULL when absent or empty */
int64_t compile_time_s(const json_t *value);
text_set compile_set(compiler *c, policy_attribute as, const json_t *list, bool expand);
const condition *compile_condition(compiler *c, const json_t *value);
void compile_oblige(compiler *c, const json_t *value, obligations *out);
DX_RC compile_bundle(bundle *b, policy *p, dx_why *why);
/* References between documents: PL-201, and ids that stand twice (PL-111). */
void bundle_refer(bundle *b);
/* Vocabulary, for shape_check: before anything else is checked. False: out of memory. */
bool bundle_vocabulary(bundle *b);
/* PL-209, 3xx to 5xx, 8xx over the compiled model and its documents. */
void lint_check(bundle *b, const policy *p);
/* PL-601 to 607, without signatures. */
void manifest_check(bundle *b);

#endif
