#include "trust/path/path.h"

#include <stdio.h>

/* The rows of the profiles, what a judgement may spend, and the trace of what it found. */

static const path_rules rules[] = {
#define P(enumerator, ...) [enumerator] = {__VA_ARGS__},
#include "trust/path/path_profile_table.h"
#undef P
};

const path_rules *path_rules_of(path_profile_id profile)
{
    return &rules[profile];
}

const path_limits path_limits_default = {.intermediates = 6,
                                         .certificates = 10,
                                         .candidates = 16,
                                         .nodes = 128,
                                         .signatures = 64,
                                         .comparisons = 65536,
                                         .cpu_ms = 50};
const path_limits path_limits_hard = {.intermediates = 8,
                                      .certificates = PATH_MAX_CERTS,
                                      .candidates = 32,
                                      .nodes = 512,
                                      .signatures = 128,
                                      .comparisons = 1048576,
                                      .cpu_ms = 50};

void path_trace_tried(path_trace *trace, const uint8_t sha256[32], size_t depth, bool anchor, const char *id,
                      const char *more)
{
    if (trace == NULL)
        return;
    if (trace->tried_count == PATH_TRACE_TRIED) {
        trace->tried_left_out++;
        return;
    }
    const char *text = id == NULL ? "fits" : path_check_text(id, NULL);
    path_tried *t = &trace->tried[trace->tried_count++];
    *t = (path_tried){.depth = (uint8_t)depth, .anchor = anchor};
    memcpy(t->sha256, sha256, 32);
    snprintf(t->id, sizeof t->id, "%s", id == NULL ? "" : id);
    snprintf(t->text, sizeof t->text, "%s%s%.40s", text == NULL ? "" : text, more != NULL ? ": " : "",
             more != NULL ? more : "");
}

void path_trace_step(path_trace *trace, const char *id, const char *format, ...)
{
    if (trace == NULL)
        return;
    if (trace->step_count == PATH_TRACE_STEPS) {
        trace->step_left_out++;
        return;
    }
    path_step *s = &trace->steps[trace->step_count++];
    va_list args;
    snprintf(s->id, sizeof s->id, "%s", id);
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
}
