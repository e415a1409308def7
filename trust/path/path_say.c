#include "trust/path/path_private.h"

#include <stdio.h>

/* What the room may say: one table, and which of two answers is the graver one. */

static const struct {
    const char *id, *slug, *clause, *text;
    trust_kind kind;
} checks[] = {
#define REFUSE                              TRUST_KIND_NO
#define UNKNOWN                             TRUST_KIND_UNKNOWN
#define REMARK                              TRUST_KIND_NO
#define C(number, kind, slug, clause, text) {"ID-" #number, slug, clause, text, kind},
#include "trust/path/path_check_table.h"
#undef C
#undef REFUSE
#undef UNKNOWN
#undef REMARK
};

const char *path_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            if (clause != NULL)
                *clause = checks[i].clause;
            return checks[i].text;
        }
    return NULL;
}

void path_say(trust_verdict *v, const char *id, const char *more)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            v->answer = TRUST_NO;
            v->kind = checks[i].kind;
            snprintf(v->id, sizeof v->id, "%s", id);
            snprintf(v->clause, sizeof v->clause, "%s", checks[i].clause);
            snprintf(v->slug, sizeof v->slug, "%s", checks[i].slug);
            snprintf(v->reason, sizeof v->reason, "%s%s%.60s", checks[i].text, more != NULL ? ": " : "",
                     more != NULL ? more : "");
            return;
        }
}

void path_say_yes(trust_verdict *v, bool listed)
{
    v->answer = TRUST_YES;
    v->kind = TRUST_KIND_NO;
    v->id[0] = v->slug[0] = 0;
    snprintf(v->clause, sizeof v->clause, "%sRFC 5280 6.1; RFC 6960 3.2",
             listed ? "ETSI TS 119 612 5.5.4; " : "");
    snprintf(v->reason, sizeof v->reason, "the certificate leads to %s and is not revoked",
             listed ? "a listed service with a valid status" : "an anchor that was named");
}

void path_remark(trust_verdict *v, const char *id)
{
    size_t n = strlen(v->remarks);
    if (strstr(v->remarks, id) == NULL && n + 8 < sizeof v->remarks)
        snprintf(v->remarks + n, sizeof v->remarks - n, "%s%s", n ? " " : "", id);
}

/* A no, then what no operator may allow, then silence that `trust.when_unknown` may let pass
 * (identity.md 4.1).
 */
static int gravity(const char *id)
{
    static const char *const silence[] = {"ID-404", "ID-405", "ID-408"};
    if (id == NULL)
        return 0;
    for (size_t i = 0; i < sizeof silence / sizeof *silence; i++)
        if (strcmp(silence[i], id) == 0)
            return 1;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0 && checks[i].kind == TRUST_KIND_UNKNOWN)
            return 2;
    return 3;
}

const char *path_graver(const char *a, const char *b)
{
    return gravity(b) > gravity(a) ? b : a;
}
