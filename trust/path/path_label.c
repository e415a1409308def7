#include "trust/path/path.h"

#include <stdio.h>

/* What a verdict may be called (trusted-lists.md 10). No other place calls a certificate or a stamp
 * qualified. */

static const struct {
    const char *level, *label;
} by_law[] = {{"q-eseal-qscd", "qualified certificate for electronic seals, key in a QSCD"},
              {"q-eseal", "qualified certificate for electronic seals"},
              {"q-esig-qscd", "qualified certificate for electronic signatures, key in a QSCD"},
              {"q-esig", "qualified certificate for electronic signatures"},
              {"q-wac", "qualified certificate for website authentication"},
              {"eu-qtst", "qualified electronic time stamps"}},
  by_class[] = {
      {"jp-eseal-2", "JP-accredited seal"},         {"jp-eseal-1", "JP-registered seal"},
      {"jp-tsa", "JP-accredited time-stamp"},       {"jp-person", "JP-accredited signature of a person"},
      {"jpki", "JP individual number card"},        {"pinned", "pinned certificate"},
      {"listed", "certificate of a listed service"}};

void path_label(const trust_verdict *v, char out[PATH_LABEL_SIZE])
{
    const char *label = "not listed";
    bool named = false;
    for (size_t i = 0; v->qualified_by != QUALIFIED_BY_NOBODY && i < sizeof by_law / sizeof *by_law; i++)
        if (strcmp(by_law[i].level, v->level) == 0) {
            snprintf(out, PATH_LABEL_SIZE, "%s, %s%.100s", by_law[i].label,
                     v->qualified_by == QUALIFIED_BY_MRA ? "by the enacted recognition "
                                                         : "by a trusted list of the EU",
                     v->qualified_by == QUALIFIED_BY_MRA ? v->recognition.instrument : "");
            named = true;
        }
    if (named)
        return;
    for (size_t i = 0; i < sizeof by_class / sizeof *by_class; i++)
        if (strcmp(by_class[i].level, v->level) == 0)
            label = by_class[i].label;
    if (strcmp(v->basis, "local-policy") == 0)
        snprintf(out, PATH_LABEL_SIZE, "%s, treated as %s under %.100s", label, v->recognition.treated_as,
                 v->recognition.instrument);
    else
        snprintf(out, PATH_LABEL_SIZE, "%s%s", label,
                 v->foreign && strcmp(v->basis, "none") == 0 ? ", no recognition" : "");
}
