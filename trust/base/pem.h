/* pem.h -- blocks of a PEM text, one after the other.
 *
 * Standard: RFC 7468 2 and 3, lax in one thing: blanks may stand anywhere in the base64, and texts between
 * the blocks are passed over. Threads: pure; works in the caller's arena.
 */
#ifndef TRUST_BASE_PEM_H
#define TRUST_BASE_PEM_H

#include "trust/base/arena.h"

/* The next block with this label ("CERTIFICATE"): `*text` moves behind it, *der lives in the arena. der->data
 * NULL: there is none. `file` is for the words of an error: DX_CONFIG no end line, or no base64. */
DX_RC pem_next(dx_bytes *text, const char *label, const char *file, dx_arena *arena, dx_bytes *der,
               dx_why *why);

#endif
