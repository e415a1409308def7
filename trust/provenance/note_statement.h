/* note_statement.h -- the statement of a key leaf: both keys sign the change (provenance.md 4.3, 8).
 *
 * Threads: pure.
 */
#ifndef TRUST_PROVENANCE_NOTE_STATEMENT_H
#define TRUST_PROVENANCE_NOTE_STATEMENT_H

#include "trust/provenance/note.h"
#include "trust/provenance/provenance.h"

/* Does the note say what the key leaf says, signed by the old key (when there is one) and the new? PV-303
 * when not. */
bool note_statement_check(dx_bytes note, dx_bytes leaf, prov_finding *finding);

#endif
