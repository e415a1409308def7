/* paths.h -- what the path suites share: reading, judging one case, and weighing the answer against what the
 * suite expects and what tests/conformance/deviations.txt declares.
 */
#ifndef TESTS_CONFORMANCE_PATHS_H
#define TESTS_CONFORMANCE_PATHS_H

#include "trust/base/io.h"
#include "trust/path/path.h"

#include <jansson.h>

#define CASE_LIMIT_US 50000 /* no judgement may take longer (identity.md 16) */

typedef struct {
    const char *suite, *id;
    bool wanted;    /* the suite expects a yes */
    bool excusable; /* a false accept of it may be declared: of low importance, or tagged as optional */
    int baseline;   /* what OpenSSL said: 1 yes, 0 no, -1 is not known */
} path_case;

/* Judges in a fresh state and weighs the answer. The verdict, for more questions; *out may be NULL. */
void paths_judge(const path_case *c, path_input *input, trust_verdict *out);
/* nextUpdate alone says how old a CRL may be: whoever gives them by hand decides. */
const revocation_rules *paths_revocation(void);
/* The answer was the expected one and something else about it is wrong. */
void paths_refuse(const path_case *c, const char *why);
/* Prints under this name what a suite, or a part of it, came to, and starts the next one. */
void paths_summary(const char *suite, const char *name);

/* Memory of the running case, and of the suite. */
dx_arena *paths_arena(void);
dx_bytes paths_file(const char *path);                                   /* empty: cannot be read */
json_t *paths_json(const char *path);                                    /* NULL the same; the caller's */
bool paths_pem(dx_bytes text, dx_bytes *out, size_t *count, size_t max); /* every block, DER */
dx_bytes paths_oid(const char *dotted);                                  /* contents */
const char *paths_text(const json_t *object, const char *key);           /* "" when it is not there */

/* One file per format. `folder`: where the index lies. */
void paths_limbo(const char *suite, const char *folder, const char *index);
void paths_pkits(const char *folder);
void paths_chain(const char *folder);

#endif
