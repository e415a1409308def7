#include "tests/conformance/suite_deviations.h"

#include "tests/conformance/suite.h"

#include <stdio.h>
#include <string.h>

#define LINES_MAX 128

static struct {
    char suite[32], id[96], direction[16];
    bool seen, used;
} lines[LINES_MAX];
static unsigned count;

bool suite_deviations_read(const char *path)
{
    char text[512], reason[256];
    FILE *f = fopen(path, "r");
    bool ok = f != NULL;
    while (ok && fgets(text, sizeof text, f) != NULL) {
        if (text[0] == '#' || text[0] == '\n')
            continue;
        ok = count < LINES_MAX &&
             sscanf(text, "%31s %95s %15s %255[^\n]", lines[count].suite, lines[count].id,
                    lines[count].direction, reason) == 4 &&
             (strcmp(lines[count].direction, "false-reject") == 0 ||
              strcmp(lines[count].direction, "false-accept") == 0);
        count++;
    }
    if (f != NULL)
        fclose(f);
    return ok;
}

bool suite_deviations_declared(const char *suite, const char *id, bool wanted, bool accepted)
{
    bool found = false;
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(lines[i].suite, suite) != 0 || strcmp(lines[i].id, id) != 0)
            continue;
        lines[i].seen = true;
        if (wanted != accepted && strcmp(lines[i].direction, accepted ? "false-accept" : "false-reject") == 0)
            found = lines[i].used = true;
    }
    return found;
}

void suite_deviations_weigh(const char *suite, const char *id, bool wanted, bool accepted, const char *why)
{
    bool declared = suite_deviations_declared(suite, id, wanted, accepted);
    suite_check(wanted == accepted || declared, suite, id, "%s: %s",
                accepted ? "accepted, and should be refused" : "refused, and should be accepted", why);
}

void suite_deviations_check(const char *suite)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(lines[i].suite, suite) == 0 && lines[i].seen && !lines[i].used) {
            suite_fail(suite, lines[i].id, "is declared to deviate, and does not");
            lines[i].seen = false; /* told once */
        }
}
