/* checkpoint_file.h -- checkpoints.log: every published note, in the order of publishing (provenance.md 3.2).
 *
 * An entry is u32 length, JSON {"note"}, CRC32C. Written only at its end; a torn last entry is written over.
 * A quarter of them can be a gigabyte: it is read in pieces, and its end is found from behind.
 * Threads: the functions keep nothing; one writer.
 */
#ifndef TRUST_PROVENANCE_CHECKPOINT_FILE_H
#define TRUST_PROVENANCE_CHECKPOINT_FILE_H

#include "trust/provenance/note.h"
#include "trust/provenance/provenance.h"

#define CHECKPOINT_FILE_ENTRY_MAX (4 * NOTE_MAX_BYTES)

/* Goes over all entries; false stops. DX_NOT_FOUND: no file. */
typedef bool checkpoint_file_each(void *context, dx_bytes note);
DX_RC checkpoint_file_walk(const dx_io *io, const char *folder, checkpoint_file_each *each, void *context,
                           dx_why *why);

/* Appends the newest note (nothing when there is none) and says where the next entry belongs. DX_BROKEN: a
 * sound entry stands behind a bad one, so that was no torn write. A missing file is an empty one. */
DX_RC checkpoint_file_end(const dx_io *io, const char *folder, dx_buf *newest, uint64_t *end, dx_why *why);

/* Appends the note of exactly this tree size, by halving. DX_NOT_FOUND: none, or no file. */
DX_RC checkpoint_file_find(const dx_io *io, const char *folder, uint64_t size, dx_buf *note, dx_why *why);

/* Writes an entry at *end, synced; *end moves behind it. */
DX_RC checkpoint_file_append(const dx_io *io, const char *folder, dx_bytes note, uint64_t *end, dx_why *why);

#endif
