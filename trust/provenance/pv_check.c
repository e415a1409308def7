#include "trust/provenance/pv_check.h"

#include <stdio.h>

static const struct {
    const char *id, *clause, *text;
} checks[] = {
#define C(number, clause, text) {"PV-" #number, clause, text},
#include "trust/provenance/pv_check_table.h"
#undef C
};

const char *pv_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            if (clause != NULL)
                *clause = checks[i].clause;
            return checks[i].text;
        }
    return NULL;
}

bool prov_no(prov_finding *finding, const char *id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    finding->ok = false;
    finding->clause = "";
    (void)pv_check_text(id, &finding->clause);
    snprintf(finding->id, sizeof finding->id, "%s", id);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
    return false;
}
