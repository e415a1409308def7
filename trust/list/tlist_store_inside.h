/* tlist_store_inside.h -- what the files of the store share: entries, marks, transfers. */
#ifndef TRUST_LIST_TLIST_STORE_INSIDE_H
#define TRUST_LIST_TLIST_STORE_INSIDE_H

#include "trust/base/json.h"
#include "trust/list/tlist_snapshot.h"

enum { TLIST_ENTRIES_MAX = 512, TLIST_MARKS_MAX = 1024, TLIST_PIVOTS_MAX = 20, TLIST_SIGNERS_MAX = 256 };

typedef struct { /* the highest that was ever accepted of one list, TL-701 */
    char source[32], territory[8], type[160];
    uint64_t sequence;
    uint8_t sha256[32], fingerprint[32];
    int64_t issued_s, first_seen_s;
} tlist_mark;

typedef struct { /* one list that we keep up to date */
    char source_id[32], territory[8], url[512];
    tlist_source source;    /* as configured, or derived from a pointer; strings point into this entry or the
                               configuration */
    size_t root;            /* index of the configured source */
    bool below;             /* a list below a list of lists */
    bool pointed;           /* below: the list of lists that is held still points here */
    uint8_t (*anchors)[32]; /* owned; of a pointer */
    char partner_type[160]; /* TSLType that the pointer to a partner's list announces */
    const char *partner_types[1];
    tlist_list *list; /* NULL: none accepted yet */
    char etag[128], last_modified[64];
    int64_t confirmed_s;
    bool stale, withdrawn;
} tlist_entry;

typedef struct {
    char url[512];
    uint8_t sha256[32];
} tlist_pivot;

struct tlist_store {
    tlist_store_spec spec;
    int lock_fd;
    tlist_map *maps; /* one per source */
    tlist_entry *entries;
    size_t entry_count;
    tlist_mark *marks;
    size_t mark_count;
    tlist_pivot *pivots; /* never change, cached for ever */
    size_t pivot_count;
    tlist_snapshot *snapshot;
    uint64_t epoch;
    int64_t next_run_s;
    unsigned failed_runs;
    bool changed; /* marks must be written */
};

/* ---- tlist_state.c: the folder ---- */
DX_RC tlist_state_load(tlist_store *store, json_t **sources, dx_why *why); /* TL-711, TL-712 */
DX_RC tlist_state_save(tlist_store *store, dx_why *why);
DX_RC tlist_state_keep(tlist_store *store, dx_bytes xml, dx_why *why); /* lists/<sha256>.xml */
void tlist_state_drop(tlist_store *store, const uint8_t sha256[32]);
/* Removes lists that nothing has named for 400 days; until then a regulator may still ask for one. */
void tlist_state_sweep(tlist_store *store);
DX_RC tlist_state_fetch(tlist_store *store, const uint8_t sha256[32], dx_buf *out, dx_why *why);
void tlist_state_path(const tlist_store *store, const char *name, char out[1024]);

/* ---- tlist_mark.c: highwater.json ---- */
DX_RC tlist_mark_load(tlist_store *store, dx_why *why); /* a new folder gets its file at once */
DX_RC tlist_mark_save(tlist_store *store, dx_why *why);
/* TL-701 to TL-703 against the mark; raises it when `raise`. */
DX_RC tlist_mark_check(tlist_store *store, const tlist_entry *entry, tlist_list *list, bool raise,
                       dx_why *why);

/* ---- tlist_transfer.c: documents from files, a folder with manifest, or the network ---- */
typedef struct {
    char url[512];
    const char *etag, *last_modified; /* NULL: unconditional */
    size_t max_bytes;
    bool allow_http;
    /* out */
    struct dx_rc rc;
    dx_why why;
    bool unchanged; /* 304 */
    dx_buf body;
    char new_etag[128], new_last_modified[64];
} tlist_transfer;
void tlist_transfers_run(tlist_store *store, tlist_transfer *transfers, size_t count);

/* ---- tlist_lotl.c: from the configured signers to those of today ---- */
/* Verifies a list of lists: TL-602, TL-603, then 2.2 to 2.6. `online`: pivots may be fetched. */
DX_RC tlist_lotl_read(tlist_store *store, const tlist_entry *entry, dx_bytes xml, bool online,
                      tlist_list **out, dx_why *why);
/* Entries for the pointers of an accepted list of lists; TL-605, TL-607. */
DX_RC tlist_lotl_apply(tlist_store *store, size_t entry, dx_why *why);

/* ---- tlist_store.c ---- */
DX_RC tlist_entry_add(tlist_store *store, const tlist_source *source, size_t root, const char *territory,
                      const char *url, tlist_entry **out, dx_why *why);
tlist_entry *tlist_entry_find(tlist_store *store, const char *source_id, const char *territory, bool below);
/* Publishes a snapshot when what it would say differs from the current one. */
DX_RC tlist_store_publish(tlist_store *store, bool force, dx_why *why);

#endif
