/* provenance.h -- the append-only record of what crossed: segments, Merkle tree, signed checkpoints, proofs.
 *
 * Standard: RFC 6962, RFC 8785; C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-proof. Findings: PV-nnn.
 * Formats and order of findings: provenance.md 3, 4, 9, 11. Threads: prov_append from any thread; `done` runs
 * on the log's one writer thread; readers open their own prov_reader.
 */
#ifndef TRUST_PROVENANCE_PROVENANCE_H
#define TRUST_PROVENANCE_PROVENANCE_H

#include "trust/base/arena.h"
#include "trust/base/clock.h"
#include "trust/base/io.h"
#include "trust/sign/sign.h"

/* ---- one leaf under construction: rows of record_table.h, set in any order, rendered canonically ---- */

typedef enum {
#define PROV_TYPE(name, text) PROV_##name,
#include "trust/provenance/type_table.h"
#undef PROV_TYPE
} prov_type; /* PROV_EXCHANGE, PROV_QUERY, PROV_TLIST, PROV_POLICY, PROV_CONFIG, ... */

typedef struct prov_record prov_record;
prov_record *prov_record_new(dx_arena *arena, prov_type type); /* NULL: out of arena */
/* `path` is the dotted member path of the leaf schema ("peer.tl.scheme"); it must be a row of the table for
 * this type, or prov_append says DX_USAGE and names it. Values are copied into the
 * record's arena. Empty text is "not applicable" and leaves the member out. */
void prov_set_text(prov_record *record, const char *path, dx_bytes value);
void prov_set_str(prov_record *record, const char *path, const char *value);
void prov_set_int(prov_record *record, const char *path, int64_t value);
void prov_set_bool(prov_record *record, const char *path, bool value);
void prov_set_time(prov_record *record, const char *path, int64_t unix_us);  /* our own clock: six digits */
void prov_set_time_s(prov_record *record, const char *path, int64_t unix_s); /* quoted: no fraction */
void prov_set_sha256(prov_record *record, const char *path, const uint8_t sha256[32]);
void prov_add_text(prov_record *record, const char *path, dx_bytes value); /* appends to an array of texts */
void prov_add_str(prov_record *record, const char *path, const char *value);
void prov_add_int(prov_record *record, const char *path, int64_t value);
/* A commitment c1: over SHA-256(value); the salt comes from the vault key of the record. */
void prov_commit(prov_record *record, const char *path, const uint8_t inner_sha256[32]);
/* A new element of an array of objects ("ts"); later sets with "ts.mode" go to the newest element. */
void prov_add_object(prov_record *record, const char *path);

/* Would a leaf take this text as that member (kind, length, and nothing that no leaf may carry)? For values
 * that somebody else chose: what does not fit is refused or left out before a record depends on it. Pure. */
bool prov_fits(prov_type type, const char *path, dx_bytes text);
unsigned prov_list_max(prov_type type, const char *path); /* of an array member */

/* ---- the log ---- */

typedef struct prov_log prov_log;

typedef struct {
    const char *dir;       /* <state>/provenance */
    const char *guard_dir; /* copy of HEAD on another volume; NULL: none (a warning at each start) */
    const char *host;      /* origin = <host>/provenance/<shard> */
    const char *shard;     /* "2026q4"; NULL: the quarter of now */
    const char *gateway_id, *version;
    sign_key *ed25519;            /* mandatory */
    sign_key *p256;               /* may be NULL */
    const char *kek_dir;          /* key-encryption keys, outside dir */
    uint32_t publish_interval_ms; /* 0: 2000 */
    uint32_t queue_max;           /* 0: 4096 drafts */
    uint32_t segment_mib, spares; /* 0: 256 and 2 */
    const dx_io *io;
    const dx_clock *clock;
    void (*published)(void *context,
                      const uint8_t note_sha256[32]); /* newest signed checkpoint, for the stamp service */
    void *published_context;
    const uint8_t *config_sha256; /* 32 bytes for the boot leaf; NULL: SHA-256 of nothing */
    const char *time_source;      /* ntp, ptp, tsa, none: of leaves that do not say it; NULL: none */
} prov_log_spec;

/* Takes the lock, recovers, writes the boot leaf. DX_BROKEN: damage, rollback or somebody else's log (exit
 * 4). */
DX_RC prov_log_open(const prov_log_spec *spec, prov_log **out, dx_why *why);
/* Writes the stop leaf, publishes, releases. */
void prov_log_close(prov_log *log);
const char *prov_log_origin(const prov_log *log);
const char *prov_log_folder(const prov_log *log); /* of the shard, for prov_reader_open and prov_index_open */
/* Writes a counters leaf and publishes a checkpoint now; returns when HEAD is durable. */
DX_RC prov_log_publish(prov_log *log, dx_why *why);

typedef struct {          /* where a record came to lie; valid only with DX_OK */
    uint64_t index, size; /* leaf index; tree size of the checkpoint that covers it */
    uint8_t leaf_hash[32];
    const char *checkpoint; /* signed note covering it; lives until `done` returns */
    size_t checkpoint_size;
} prov_receipt;
typedef void prov_done(void *context, struct dx_rc rc, const prov_receipt *receipt, const dx_why *why);

/* Renders, lints, queues. The record's memory may go once this returns. `done` comes when the frame is
 * durable. DX_BUSY queue full: 503 provenance-unavailable, try again in a second. DX_USAGE the leaf breaks
 * its schema. */
DX_RC prov_append(prov_log *log, prov_record *record, prov_done *done, void *context, dx_why *why);
/* The same, waiting; for start-up and the command line. */
DX_RC prov_append_wait(prov_log *log, prov_record *record, prov_receipt *receipt, dx_why *why);

/* Content-addressed public blob (list, OCSP, policy); durable when this returns. */
DX_RC prov_evidence_put(prov_log *log, dx_bytes blob, uint8_t sha256[32], dx_why *why);

bool prov_log_healthy(const prov_log *log); /* last append was durable; for readiness */

/* ---- reading and proving: a folder of a log, running or not ---- */

typedef struct prov_reader prov_reader;
DX_RC prov_reader_open(const dx_io *io, const char *dir_of_shard, prov_reader **out, dx_why *why);
void prov_reader_close(prov_reader *reader);
DX_RC prov_reader_checkpoint(prov_reader *reader, dx_buf *note, uint64_t *size,
                             dx_why *why); /* newest published */
DX_RC prov_reader_leaf(prov_reader *reader, uint64_t index, dx_buf *leaf, dx_why *why);
DX_RC prov_reader_prove(prov_reader *reader, uint64_t index, uint64_t size, dx_buf *tlog_proof, dx_why *why);
DX_RC prov_reader_consistency(prov_reader *reader, uint64_t from, uint64_t to, dx_buf *text, dx_why *why);
/* The same proof against a given note of this log, for example the one of a receipt; verified before it
 * leaves. */
DX_RC prov_reader_prove_with(prov_reader *reader, uint64_t index, dx_bytes note, dx_buf *tlog_proof,
                             dx_why *why);
/* The published checkpoint of exactly this size. DX_NOT_FOUND. */
DX_RC prov_reader_checkpoint_of(prov_reader *reader, uint64_t size, dx_buf *note, dx_why *why);
/* How many leaves can be read now; at least the published size. */
uint64_t prov_reader_size(prov_reader *reader);
/* Writes the newest published tree as a folder in tlog-tiles layout: checkpoint, tile/L/N, tile/entries/N. */
DX_RC prov_export_tiles(prov_reader *reader, const char *folder, dx_why *why);
/* tlog-tiles resource below the log: "checkpoint", "tile/0/000", "tile/entries/000.p/3". DX_NOT_FOUND. */
DX_RC prov_reader_tile(prov_reader *reader, dx_bytes resource, dx_buf *out, dx_why *why);

typedef struct { /* result of a verification: zero says no */
    bool ok;
    char id[8];         /* "PV-203" */
    const char *clause; /* of the id; NULL while there is none */
    char text[200];
    uint64_t index;  /* first bad entry, when there is one */
    uint64_t leaves; /* how many were checked */
} prov_finding;

/* A whole log folder, offline: segments, tiles, checkpoint, leaves, counters. `vkeys`: "name+hex+base64"
 * lines. */
DX_RC prov_verify_dir(const dx_io *io, const char *dir_of_shard, const char *const *vkeys, size_t vkey_count,
                      void (*progress)(void *context, uint64_t done, uint64_t of), void *context,
                      prov_finding *finding, dx_why *why);
/* A tlog-proof over leaf bytes. Pure. */
DX_RC prov_proof_check(dx_bytes tlog_proof, dx_bytes leaf, const char *const *vkeys, size_t vkey_count,
                       prov_finding *finding, dx_why *why);
/* The verifier keys of a log, one vkey a line. */
DX_RC prov_vkeys(const prov_log_spec *spec, dx_buf *lines, dx_why *why);

/* ---- the index: derived, rebuildable ---- */

typedef struct {
    int64_t from_us, until_us; /* half open; 0: open */
    const char *peer, *country, *purpose, *decision, *code, *dataset,
        *origin_id; /* NULL: any; decision "permit"/"deny" */
    /* scope of the reader (policy's authority document): countries he may see as exporter or importer; NULL:
     * none visible */
    const char *const *scope_countries;
    size_t scope_country_count;
    bool scope_all;
    uint64_t at_size;     /* pinned size; 0: the newest published */
    uint64_t after_index; /* cursor: rows with a greater index; UINT64_MAX: from the start */
    unsigned limit;       /* 1..1000 */
} prov_query;

typedef struct prov_index prov_index;
/* Opens <dir_of_shard>/index; missing or damaged: rebuilt from the segments. */
DX_RC prov_index_open(const dx_io *io, const char *dir_of_shard, prov_index **out, dx_why *why);
void prov_index_close(prov_index *index);
typedef void prov_row(void *context, uint64_t index, dx_bytes leaf);
DX_RC prov_index_query(prov_index *index, const prov_query *query, prov_row *row, void *context,
                       uint64_t *next, bool *more, dx_why *why);

#endif
