/* json.h -- strict JSON in, canonical JSON out, and where a member stands in its file.
 *
 * Reading is RFC 8259 with the limits of policy.md 2 (duplicate members refused, depth, size); writing is
 * RFC 8785 (JCS) restricted to what we use: integers within 2^53-1, no reals. jansson holds the tree.
 * Threads: a tree belongs to one thread at a time.
 */
#ifndef TRUST_BASE_JSON_H
#define TRUST_BASE_JSON_H

#include "trust/base/bytes.h"

#include <jansson.h>

typedef struct {
    size_t max_bytes;   /* of the text */
    unsigned max_depth; /* the outermost value is 1 */
    bool reals;         /* allow numbers with fraction or exponent (kept as jansson reals) */
} dx_json_limits;
#define DX_JSON_MAX_DEPTH 64
#define DX_JSON_TWICE     "json-twice" /* why->id when a member occurs twice */

/* Reads one document and nothing behind it. *out is yours: json_decref.
 * DX_MALFORMED with "line L column C: ..." in why->text; DX_TOO_LARGE over a limit. */
DX_RC dx_json_read(dx_bytes text, const dx_json_limits *limits, json_t **out, dx_why *why);

/* Appends the RFC 8785 form. DX_USAGE: a real, or an integer outside 2^53-1. */
DX_RC dx_json_canonical(const json_t *value, dx_buf *out);

/* Appends one string as RFC 8785 writes it, quotes included. */
DX_RC dx_json_quote(dx_bytes utf8, dx_buf *out);

/* The value at an RFC 6901 pointer; borrowed from `root`. NULL: it is not there. */
const json_t *dx_json_at(const json_t *root, const char *pointer);

/* Line and column (from 1) of the value at an RFC 6901 pointer in a document that dx_json_read accepted.
 * `name` true gives the position of the member's name instead of its value. False when it is not there. */
bool dx_json_position(dx_bytes text, const char *pointer, bool name, unsigned *line, unsigned *column);

#endif
