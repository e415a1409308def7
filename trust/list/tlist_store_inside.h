/* tlist_store_inside.h -- what the files of the store share: entries, marks, transfers. */
#ifndef TRUST_LIST_TLIST_STORE_INSIDE_H
#define TRUST_LIST_TLIST_STORE_INSIDE_H

#include "trust/base/json.h"
#include "trust/list/tlist_snapshot.h"

enum {
    TLIST_ENTRIES_MAX = 512,
    TLIST_MARKS_MAX = 1024,
    TLIST_PIVOTS_MAX = 20,
    TLIST_SIGNERS_MAX = 256,
    TLIST_RESETS_MAX = 64,
    TLIST_MANIFEST_MAX = 1 << 20
};

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
    int64_t due_s;       /* when it is fetched next (TL-108) */
    unsigned failures;   /* in a row */
    int64_t attempted_s; /* newest download; 0: none */
    char attempt_id[16]; /* its refusal; "": accepted */
    char journal[512];   /* the newest Official Journal publication that was told of (TL-602) */
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
    tlist_reset *resets;
    size_t reset_count;
    atomic_ullong refused[TLIST_REFUSALS_MAX]; /* by the place of the id in the table */
    bool changed;                              /* marks must be written */
};

/* ---- tlist_state.c: the folder. A store that is read only writes none of it, and says so to nobody. ---- */
DX_RC tlist_state_open(tlist_store *store, dx_why *why);                   /* makes it and takes its lock */
DX_RC tlist_state_load(tlist_store *store, json_t **sources, dx_why *why); /* TL-711, TL-712 */
DX_RC tlist_state_save(tlist_store *store, dx_why *why);
DX_RC tlist_state_keep(tlist_store *store, dx_bytes xml, dx_why *why); /* lists/<sha256>.xml */
void tlist_state_drop(tlist_store *store, const uint8_t sha256[32]);
/* Removes lists that nothing has named for 400 days; until then a regulator may still ask for one. */
void tlist_state_sweep(tlist_store *store);
DX_RC tlist_state_fetch(tlist_store *store, const uint8_t sha256[32], dx_buf *out, dx_why *why);
void tlist_state_path(const tlist_store *store, const char *name, char out[1024]);

/* ---- tlist_sources.c: sources.json ---- */
DX_RC tlist_sources_save(tlist_store *store, dx_why *why);
DX_RC tlist_sources_load(tlist_store *store, const json_t *sources, dx_why *why); /* verifies again */

/* ---- tlist_mark.c, tlist_memory.c: highwater.json ---- */
DX_RC tlist_mark_load(tlist_store *store, dx_why *why); /* a new folder gets its file at once */
DX_RC tlist_mark_save(tlist_store *store, dx_why *why);
DX_RC tlist_mark_parse(tlist_store *store, dx_bytes text, dx_why *why); /* TL-711 */
DX_RC tlist_mark_print(const tlist_store *store, dx_buf *out, dx_why *why);
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
    bool begun, flying; /* inside */
} tlist_transfer;
/* 8 at once, one for each host, none after `until_us` of the clock's mono time (TL-108). */
void tlist_transfers_run(tlist_store *store, tlist_transfer *transfers, size_t count, int64_t until_us);
/* Where a folder keeps what `url` names; false: manifest.json does not name it. */
bool tlist_manifest_find(const json_t *manifest, const char *folder, const char *url, char out[1024]);
json_t *tlist_manifest_parse(dx_bytes text); /* NULL: it is none */

/* ---- tlist_schedule.c: TL-108 ---- */
void tlist_schedule_next(tlist_store *store, tlist_entry *entry, bool failed);
int64_t tlist_schedule_due_s(const tlist_store *store);

/* ---- tlist_lotl.c: from the configured signers to those of today ---- */
/* Verifies a list of lists: TL-602, TL-603, then 2.2 to 2.6. `online`: pivots may be fetched. */
DX_RC tlist_lotl_read(tlist_store *store, tlist_entry *entry, dx_bytes xml, bool online, int64_t until_us,
                      tlist_list **out, dx_why *why);

/* ---- tlist_pointers.c: from a list of lists to those below ---- */
/* Entries for the pointers of an accepted list of lists; TL-605, TL-607. */
DX_RC tlist_lotl_apply(tlist_store *store, size_t entry, dx_why *why);
/* TL-605 on a list of lists that was just read. */
void tlist_lotl_twice(const tlist_source *source, tlist_list *lotl);
/* TL-606 as far as it warns: the names of the operator and the pointer back. */
void tlist_lotl_compare(const tlist_store *store, const tlist_entry *entry, tlist_list *list);

/* ---- tlist_store.c ---- */
DX_RC tlist_entry_add(tlist_store *store, const tlist_source *source, size_t root, const char *territory,
                      const char *url, tlist_entry **out, dx_why *why);
tlist_entry *tlist_entry_find(tlist_store *store, const char *source_id, const char *territory, bool below);
bool tlist_store_knows(const tlist_store *store, const char *source_id);
/* The list of lists above an entry; NULL: none. */
const tlist_entry *tlist_entry_above(const tlist_store *store, const tlist_entry *entry);

/* ---- tlist_publish.c ---- */
/* Publishes a snapshot when what it would say differs from the current one. */
DX_RC tlist_store_publish(tlist_store *store, bool force, dx_why *why);

#endif
