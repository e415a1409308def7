/* facts.h -- plain facts about one exchange, as policy sees them: an array indexed by attribute.
 *
 * Attributes are rows of attribute_table.h (policy.md 4). A missing attribute is unknown, never a default.
 * Values are borrowed: they live in the exchange's arena.
 */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include "trust/base/arena.h"

typedef enum {
#define A(id, name, type, phase, source, flags) POLICY_##id,
#include "policy/attribute_table.h"
#undef A
    POLICY_ATTRIBUTE_COUNT
} policy_attribute; /* POLICY_PEER_ORG_ID is "peer.org.id" */

typedef struct {
    uint8_t l, s, t, r;
} policy_level;

typedef enum {
    POLICY_BY_GATEWAY,
    POLICY_BY_CERTIFICATE,
    POLICY_BY_LIST,
    POLICY_BY_PEER,
    POLICY_BY_PEER_SIGNED,
    POLICY_BY_DOCUMENT,
    POLICY_BY_UPSTREAM,
    POLICY_BY_CONNECTOR
} policy_source_of_fact;

typedef struct policy_facts policy_facts;
policy_facts *policy_facts_new(dx_arena *arena); /* NULL: out of arena */
void policy_fact_bool(policy_facts *facts, policy_attribute a, bool value);
void policy_fact_int(policy_facts *facts, policy_attribute a, int64_t value);
void policy_fact_time(policy_facts *facts, policy_attribute a, int64_t unix_us);
void policy_fact_text(policy_facts *facts, policy_attribute a, dx_bytes value);
void policy_fact_str(policy_facts *facts, policy_attribute a,
                     const char *value); /* NULL or "": stays unknown */
void policy_fact_set(policy_facts *facts, policy_attribute a, const dx_bytes *values,
                     size_t count); /* copied array, borrowed texts */
void policy_fact_level(policy_facts *facts, policy_attribute a, policy_level value);
void policy_fact_source(policy_facts *facts, policy_attribute a, policy_source_of_fact source);
/* Beside attributes: req.path as canonical form, names of malformed DFFT-* fields, obligations whose
 * fulfilment failed, capabilities, seals found on the agreement. See policy.md 15. */
void policy_facts_path(policy_facts *facts,
                       dx_bytes path); /* without query; canonical or as received: judged in canonical form */
void policy_facts_malformed(policy_facts *facts, dx_bytes field_name);
void policy_facts_failed(policy_facts *facts, dx_bytes obligation_name);
void policy_facts_import_purpose(policy_facts *facts,
                                 dx_bytes term); /* label parameter p of data that came under adequacy */
void policy_facts_from(policy_facts *facts,
                       int64_t unix_s); /* regulator routes: since when records are asked for */
void policy_facts_seals(policy_facts *facts, int64_t bad,
                        int64_t need); /* on the agreement; the good ones are POLICY_AGREEMENT_SEALS */
void policy_facts_approvals(policy_facts *facts,
                            int64_t count); /* regulator routes: approvals given by operators */
void policy_facts_body(policy_facts *facts, bool over,
                       bool coded); /* over the buffer's limit; coded or undecodable */
#define POLICY_PROVENANCE_DATASET                                                                            \
    "urn:dfft:ds:provenance" /* built in; the value of POLICY_REQ_DATASET on regulator routes */
/* The facts as canonical JSON, for the record's decision.inputs and for replay. */
DX_RC policy_facts_print(const policy_facts *facts, dx_buf *out);

#endif
