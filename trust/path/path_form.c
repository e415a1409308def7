#include "trust/path/path_private.h"

/* The form of one certificate (identity.md 5): its reading has noted the rules that it breaks, and the table
 * says which of them refuse under the rules of this judgement. What does not refuse is a remark. */

typedef struct {
    cert_faults fault;
    const char *id;
    bool refuses[4]; /* by path_form_rules */
} form_rule;

static const form_rule form_rules[] = {
#define F(fault, id, production, rfc5280, strict, webpki)                                                    \
    {fault,                                                                                                  \
     id,                                                                                                     \
     {[FORM_PRODUCTION] = production,                                                                        \
      [FORM_RFC5280] = rfc5280,                                                                              \
      [FORM_STRICT] = strict,                                                                                \
      [FORM_WEBPKI] = webpki}},
#include "trust/path/cert_form_table.h"
#undef F
};

/* A key of an allowed kind and size may still be none: a point off its curve. */
static const char *check_algorithms(const path_search *s, const path_certificate *c)
{
    if (!path_algorithm_allowed(c->facts.signature_algorithm, ALGORITHMS_NOW))
        return "ID-121";
    return path_key_allowed(c->spki, ALGORITHMS_NOW) && path_memo_key(s->memo, c->spki) != NULL ? NULL
                                                                                                : "ID-122";
}

const char *path_check_form(const path_search *s, const path_certificate *c)
{
    for (size_t i = 0; i < sizeof form_rules / sizeof *form_rules; i++) {
        const form_rule *rule = &form_rules[i];
        if (!(c->facts.faults & rule->fault))
            continue;
        if (rule->refuses[s->rules->form])
            return rule->id;
        path_remark(s->out, rule->id);
    }
    return check_algorithms(s, c);
}
