/* suite.h -- how a conformance program reports: a line per case on demand, totals always.
 *
 * Usage of each program: conformance_NAME [-v] [--json FILE] DATA_DIR
 * A missing DATA_DIR is one skipped line with its reason and exit 0.
 */
#ifndef TESTS_CONFORMANCE_SUITE_H
#define TESTS_CONFORMANCE_SUITE_H

#include <stdbool.h>

/* Reads the arguments; returns the data folder, or exits when there is nothing to do. `name`: "lists",
 * "seals"... */
const char *suite_begin(const char *name, int argc, char **argv);
void suite_pass(const char *group, const char *what);
void suite_fail(const char *group, const char *what, const char *why, ...)
    __attribute__((format(printf, 3, 4)));
void suite_skip(const char *group, const char *what, const char *why);
/* Pass when `ok`, else fail with the text. */
bool suite_check(bool ok, const char *group, const char *what, const char *why, ...)
    __attribute__((format(printf, 4, 5)));
/* Prints a line per group and "NAME: N passed, N failed, N skipped"; returns the exit code. */
int suite_end(void);

#endif
