/* seal_base.h -- the text that both proofs sign: the signature base of RFC 9421 2.5.
 * Standard: RFC 9421 2.1 to 2.5; dfft-seal-v1 3. Threads: pure.
 */
#ifndef TRUST_SEAL_SEAL_BASE_H
#define TRUST_SEAL_SEAL_BASE_H

#include "trust/base/sfield.h"
#include "trust/seal/seal_message.h"

#define SEAL_BASE_MAX_BYTES      (256 * 1024)
#define SEAL_BASE_MAX_COMPONENTS 64

typedef struct {
    dx_bytes text; /* the identifier as it stands in list and base: "content-digest";req;tr */
    dx_bytes name;
    bool req, tr, bs;
} seal_component;

/* From text of our own or of configuration: `dfft-purpose;req`. False: not of this profile. */
bool seal_component_make(const char *name, dx_arena *arena, seal_component *out);
/* From a received list. False: SEAL-07. */
bool seal_component_read(const sfield_item *item, dx_arena *arena, seal_component *out);
bool seal_component_same(const seal_component *a, const seal_component *b);
const seal_component *seal_component_find(const seal_component *list, size_t count, const char *name,
                                          bool req, bool tr);

/* `parameters`: the member's value as it stands in the list field, from "(" on.
 * DX_MALFORMED: a component is not there or cannot be expressed; DX_NOT_FOUND: the request is not at hand. */
DX_RC seal_base_build(const seal_component *components, size_t count, dx_bytes parameters,
                      const seal_message *message, const seal_message *request, dx_arena *arena,
                      dx_bytes *out, dx_why *why);

#endif
