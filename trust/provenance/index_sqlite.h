/* index_sqlite.h -- what the rest of the room needs to know of SQLite: its version, for the boot leaf. */
#ifndef TRUST_PROVENANCE_INDEX_SQLITE_H
#define TRUST_PROVENANCE_INDEX_SQLITE_H

const char *index_sqlite_version(void);

#endif
