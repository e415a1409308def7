/* result.h -- results that travel well: what happened, under which rule, in words.
 *
 * An error means "could not find out". A verdict ("the answer is no") is a value of its own, see for
 * example trust_verdict; both carry id and clause.
 */
#ifndef TRUST_BASE_RESULT_H
#define TRUST_BASE_RESULT_H

#include <stdarg.h>
#include <stddef.h>

typedef enum {
#define R(code, text) DX_##code,
#include "trust/base/result_table.h"
#undef R
    DX_CODE_COUNT
} dx_code;

/* A one-member struct, so that an int can't pass for one. gcc 12 ignores warn_unused_result on a struct type:
 * it stands on each function, by way of DX_RC. */
struct dx_rc {
    dx_code code;
};
#define DX_RC __attribute__((warn_unused_result)) struct dx_rc

#define DX_OKAY ((struct dx_rc){DX_OK})

/* Why something failed. Plain memory: copy it, keep it, zero it. */
typedef struct {
    dx_code code;
    char id[16];     /* stable id of the check, like "TL-502"; empty when there is none */
    char clause[64]; /* document and clause, like "RFC 3161 2.4.2"; empty when there is none */
    char text[256];  /* one plain sentence for whoever must act; no secrets, no personal data */
} dx_why;

/* Returns on failure, hands `why` through. */
#define DX_TRY(call)                                                                                         \
    do {                                                                                                     \
        struct dx_rc dx_rc_ = (call);                                                                        \
        if (dx_rc_.code != DX_OK)                                                                            \
            return dx_rc_;                                                                                   \
    } while (0)

/* Fills `why` (which may be NULL) and returns the code. `text` is a printf format. */
struct dx_rc dx_fail(dx_why *why, dx_code code, const char *id, const char *clause, const char *text, ...)
    __attribute__((format(printf, 5, 6)));
struct dx_rc dx_failv(dx_why *why, dx_code code, const char *id, const char *clause, const char *text,
                      va_list args) __attribute__((format(printf, 5, 0)));

#define DX_FAIL(why, code, clause, ...)        dx_fail((why), DX_##code, "", (clause), __VA_ARGS__)
#define DX_FAIL_ID(why, code, id, clause, ...) dx_fail((why), DX_##code, (id), (clause), __VA_ARGS__)

/* Table look-ups; never NULL. */
const char *dx_code_name(dx_code code); /* "TOO_LARGE" */
const char *dx_code_text(dx_code code); /* "input is over its declared limit" */

/* Exit code of the command line for a result: 0 yes, 1 no, 2 usage or configuration, 3 could not find out,
 * 4 the log is broken or not ours, 5 internal fault. */
int dx_code_exit(dx_code code);

#endif
