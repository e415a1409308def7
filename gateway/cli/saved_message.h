/* saved_message.h -- a message as curl -D and a saved body left it: start line, field lines, content.
 *
 * Reads any HTTP version's start line (RFC 9112 3 and 4 in form), CRLF or LF. Limits: 64 KiB of head, 200
 * fields.
 */
#ifndef GATEWAY_CLI_SAVED_MESSAGE_H
#define GATEWAY_CLI_SAVED_MESSAGE_H

#include "trust/base/io.h"
#include "trust/seal/seal.h"

/* Reads `head_file` into `out`; views lie in `arena`. The last head of the file counts: curl writes each one
 * it saw, interim answers too. DX_MALFORMED names the line. */
DX_RC saved_answer(const dx_io *io, const char *head_file, dx_arena *arena, seal_message *out, dx_why *why);
DX_RC saved_request(const dx_io *io, const char *head_file, dx_arena *arena, seal_message *out, dx_why *why);

#endif
