/* compile.h -- from checked documents to the model. Every document has passed shape_check and bundle_refer;
 * only memory can fail here, and then `failed` is set and what comes back may be NULL or empty.
 */
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

DX_RC compile_bundle(bundle *b, policy *p, dx_why *why);

/* compile_value.c */
void *compile_array(compiler *c, size_t count, size_t size); /* zeroed, with room for one more */
#define COMPILE_ARRAY(c, type, count) ((type *)compile_array((c), (count), sizeof(type)))
const char *compile_copy(compiler *c, const char *text);
dx_bytes compile_text(compiler *c, const json_t *value);      /* copied, NUL-ended; empty when absent */
const char *compile_c_text(compiler *c, const json_t *value); /* NULL when absent or empty */
int64_t compile_time_s(const json_t *value);
void compile_interval(const json_t *valid, int64_t *from_s, int64_t *to_s);
policy_level compile_level(const json_t *value);
text_set compile_set(compiler *c, policy_attribute as, const json_t *list, bool expand);

/* compile_condition.c, compile_oblige.c */
const condition *compile_condition(compiler *c, const json_t *value);
void compile_oblige(compiler *c, const json_t *value, obligations *out);

/* compile_rule.c; `list` and `index`: the rule stands at /<list>/<index> */
model_document compile_head(compiler *c, const bundle_document *doc);
void compile_rule(compiler *c, model_rule *rule, const model_document *doc, const json_t *json,
                  const char *list, size_t index);
model_rule *compile_rules(compiler *c, const model_document *doc, const json_t *json, const char *list,
                          size_t *count);
model_quota *compile_quotas(compiler *c, const char *rule_at, const json_t *array, size_t *count);

/* One document each, in the array of its kind. */
void compile_party(compiler *c, model_party *out, const bundle_document *doc);
void compile_dataset(compiler *c, model_dataset *out, const bundle_document *doc);
void compile_partnership(compiler *c, model_partnership *out, const bundle_document *doc);
void compile_agreement(compiler *c, model_agreement *out, const bundle_document *doc);
void compile_authority(compiler *c, model_authority *out, const bundle_document *doc);
void compile_supervisors(const bundle *b, policy *p); /* which authorities an active partnership names */

#endif
