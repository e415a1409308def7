/* path_recognition.h -- the operator's own rows about foreign services: `trust.recognition`.
 *
 * A row says that services of a class of another scheme are treated as something under a named instrument,
 * for a time (trusted-lists.md 10). It never changes a label and never makes anything qualified: the word in
 * the file is a load error. Threads: immutable once read; memory of the given arena.
 */
#ifndef TRUST_PATH_PATH_RECOGNITION_H
#define TRUST_PATH_PATH_RECOGNITION_H

#include "trust/base/arena.h"
#include "trust/base/io.h"

typedef struct {
    const char *id, *from_scheme, *class_; /* class: level of the service, like "jp-eseal-2" */
    const char *treated_as;                /* advanced-seal, advanced-signature, timestamp */
    const char *instrument;
    int64_t valid_from_s, valid_to_s; /* half open; INT64_MAX: no end */
} path_recognition_row;

typedef struct {
    path_recognition_row *rows;
    size_t count;
} path_recognition;

#define PATH_RECOGNITION_MAX_BYTES (256 * 1024)

/* Reads {"recognition": [{id, from_scheme, class, treated_as, instrument, valid_from, valid_to?}, ...]}.
 * DX_CONFIG with the row in why->text. */
DX_RC path_recognition_read(dx_bytes text, dx_arena *arena, path_recognition *out, dx_why *why);
DX_RC path_recognition_load(const dx_io *io, const char *path, dx_arena *arena, path_recognition *out,
                            dx_why *why);
/* The row that holds at that time, the first of several; NULL: none. `rows` may be NULL. */
const path_recognition_row *path_recognition_find(const path_recognition *rows, const char *scheme,
                                                  const char *class_, int64_t at_s);

#endif
