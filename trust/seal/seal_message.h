/* seal_message.h -- questions about a message that every part of a seal asks.
 * Standard: RFC 9421 2.1, RFC 9110 5. Threads: pure.
 */
#ifndef TRUST_SEAL_SEAL_MESSAGE_H
#define TRUST_SEAL_SEAL_MESSAGE_H

#include "trust/seal/seal.h"

typedef struct {
    const seal_field *fields;
    size_t count;
} seal_block; /* head or trailers */

static inline seal_block seal_message_head(const seal_message *m)
{
    return (seal_block){m->fields, m->field_count};
}
static inline seal_block seal_message_trailers(const seal_message *m)
{
    return (seal_block){m->trailers, m->trailer_count};
}

size_t seal_message_times(seal_block block, const char *name);
bool seal_message_has(seal_block block, const char *name);
/* Lines trimmed of blanks and joined with ", " (RFC 9421 2.1). DX_NOT_FOUND: no such field; DX_NO_MEMORY: it
 * is there, and nobody may judge as if it were not. */
DX_RC seal_message_value(seal_block block, dx_bytes name, dx_arena *arena, dx_bytes *out);

/* Fields of which there is one line (seals.md 3 rule 2). */
bool seal_message_is_single(dx_bytes name);
/* Does the message have a body object by its status and its request (seals.md 3 rule 6)? */
bool seal_message_wants_body(const seal_message *m, const seal_message *request);
bool seal_message_is_ascii(dx_bytes value); /* visible ASCII, SP and HT */
dx_bytes seal_message_trim(dx_bytes value); /* without outer SP and HT (OWS, RFC 9110 5.6.3) */

#endif
