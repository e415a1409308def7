/* facts_read.h -- facts as documents: `given` of a test or facts file (policy.md 15) into policy_facts. */
#ifndef POLICY_FACTS_READ_H
#define POLICY_FACTS_READ_H

#include "policy/bundle.h"
#include "policy/facts_impl.h"

typedef struct {
    policy_facts *facts;
    policy_can can;
    policy_phase upto;
} facts_read;

/* Reads `given`, `now` and `phase` of a checked document. What is wrong becomes findings at /given...;
 * fixtures come from the folder. Values are copied into the arena. False: out of memory. */
bool facts_read_document(bundle *b, const bundle_document *doc, const char *fixtures_dir, const dx_io *io,
                         dx_arena *arena, facts_read *out);

#endif
