/* suite_deviations.h -- cases of a public suite that we decide differently, and why.
 *
 * tests/conformance/deviations.txt holds one a line: `suite id direction reason`. Direction: `false-reject`
 * (the suite wants a yes) or `false-accept` (it wants a no). A case that deviates without a line fails, and
 * so does a line whose case no longer deviates. A case that is not in the data has no say.
 */
#ifndef TESTS_CONFORMANCE_SUITE_DEVIATIONS_H
#define TESTS_CONFORMANCE_SUITE_DEVIATIONS_H

#include <stdbool.h>

/* False: the file is not there, or a line of it has another form. */
bool suite_deviations_read(const char *path);
/* Is this answer, which is or is not the wanted one, a declared deviation? Every case is asked for, so that a
 * line that no longer deviates is found. */
bool suite_deviations_declared(const char *suite, const char *id, bool wanted, bool accepted);
/* Weighs one answer and reports the case: passed when it is the wanted one, or a declared deviation. */
void suite_deviations_weigh(const char *suite, const char *id, bool wanted, bool accepted, const char *why);
/* At the end: lines of this suite whose case did what it should. */
void suite_deviations_check(const char *suite);

#endif
