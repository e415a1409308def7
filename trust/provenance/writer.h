/* writer.h -- inside of a running log: what its writer thread, its keeper thread and its start share.
 *
 * Threads: the writer owns tree, counters and the open segment; the keeper owns published files, spare
 * segments and spare keys; the queue and the note that waits for publishing have one lock.
 */
#ifndef TRUST_PROVENANCE_WRITER_H
#define TRUST_PROVENANCE_WRITER_H

#include "trust/provenance/counters.h"
#include "trust/provenance/note.h"
#include "trust/provenance/provenance.h"
#include "trust/provenance/segment.h"
#include "trust/provenance/vault.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#define WRITER_BATCH_LEAVES FRAME_LEAVES_MAX
#define WRITER_BATCH_BYTES  (8U << 20)
#define WRITER_QUEUE_BYTES  (64U << 20)
#define WRITER_LEVELS       8  /* tile levels of 2^63 leaves */
#define WRITER_NAMES_MAX    81 /* 9 destinations x (1 pair + 8 purposes) */

/* A rendered leaf that waits: head, log, tail; counter names; side data. One allocation. */
typedef struct writer_draft writer_draft;
struct writer_draft {
    writer_draft *next;
    prov_done *done;
    void *context;
    dx_bytes head, tail, side;
    dx_bytes names[WRITER_NAMES_MAX]; /* sorted */
    unsigned name_count;
    size_t bytes; /* upper bound of the finished leaf */
    merkle_hash hash;
};

typedef struct {
    writer_draft *drafts[WRITER_BATCH_LEAVES];
    unsigned count;
} writer_batch;

/* One array file of hashes or offsets, appended behind the frame; never synced, rebuilt from segments. */
typedef struct {
    int fd;
    uint64_t at; /* bytes written */
    dx_buf pending;
} writer_array;

struct prov_log {
    const dx_io *io;
    const dx_clock *clock;
    char folder[PATH_MAX], base[PATH_MAX], guard[PATH_MAX];
    char shard[64];
    char origin[NOTE_ORIGIN_MAX + 1], gateway_id[65], version[33], time_source[8];
    uint8_t config_sha256[32];
    uint32_t publish_interval_ms, queue_max, spares;
    uint64_t segment_bytes;
    void (*published)(void *context, const uint8_t note_sha256[32]);
    void *published_context;
    sign_key *signers[2]; /* Ed25519, P-256 or NULL */
    note_key keys[2];
    vault *vault;
    int lock_fd;
    uint64_t epoch;
    _Atomic uint64_t boot_index;
    atomic_bool healthy;
    char boot_id[37];

    /* queue */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the writer */
    pthread_cond_t kept; /* who waits for the keeper */
    pthread_cond_t keep; /* the keeper */
    writer_draft *first, **last;
    size_t queued, queued_bytes;
    bool stopping, publish_now;
    bool booted; /* under `lock`: nothing is published, and so nothing counted, before the boot leaf has its
                    index */
    atomic_bool closing; /* the last checkpoints have no counters leaf: stop is the last leaf */
    pthread_t writer, keeper;
    bool writer_runs, keeper_runs;

    /* writer */
    writer_batch *batch;
    merkle_tree tree;
    merkle_hash root;
    counters *counters;
    uint8_t counters_key[32];
    int segment_fd;   /* -1: none open; one is begun before the next frame */
    uint32_t ordinal; /* of the open segment, or of the next one to begin */
    uint64_t at;      /* next frame */
    uint64_t segment_size;
    dx_buf frame, note;
    uint64_t published_at; /* tree size of the newest note given to the keeper */
    int64_t published_us, failed_us, failing_since_us;
    dx_why failure;
    writer_array tiles[WRITER_LEVELS], offsets;

    /* keeper */
    dx_buf to_publish; /* a note that waits for the keeper; this and the tickets are under `lock` */
    bool pending;
    uint64_t pending_size, kept_size;
    uint64_t asked, pending_ticket, answered; /* tickets of prov_log_publish */
    struct dx_rc kept_rc;
    dx_why kept_why;
    bool keeper_stop;
    uint64_t checkpoints_at; /* the end of checkpoints.log; set by recover_log */
};

/* writer.c */
void *writer_main(void *log);
/* Signs text as a note with every key of the log. */
DX_RC writer_sign(prov_log *log, dx_bytes text, dx_buf *note, dx_why *why);

/* writer_frame.c */
/* Frame, write, sync. Nothing of the log's state has moved when this fails. */
DX_RC writer_frame_commit(prov_log *log, const writer_batch *b, dx_why *why);
void writer_frame_full(void *log, unsigned level, const merkle_hash *hash); /* a merkle_full */
DX_RC writer_frame_flush_arrays(prov_log *log, dx_why *why);
/* Appends what belongs between head and tail. */
DX_RC writer_frame_put_log(dx_buf *out, uint64_t index, const dx_bytes *names, const uint64_t *values,
                           unsigned count);
/* Begins segment log->ordinal at the tree's size. */
DX_RC writer_frame_begin_segment(prov_log *log, dx_why *why);

/* draft.c */
DX_RC draft_make(prov_log *log, prov_record *record, prov_done *done, void *context, writer_draft **out,
                 dx_why *why);
void draft_uuid(const prov_log *log, char out[37]); /* version 7 */

/* keeper.c */
void *keeper_main(void *log);
DX_RC keeper_take_spare(prov_log *log, const char *to, int *fd, dx_why *why);

/* recover.c */
typedef struct {
    bool clean;         /* the last leaf is a stop, or there is none */
    uint64_t recovered; /* leaves behind the newest published note */
    uint64_t head_size; /* of that note */
    char (*lost)[37];   /* rec.id of begin leaves without an end */
    size_t lost_count;
} recovery;
DX_RC recover_log(prov_log *log, recovery *out, dx_why *why);
void recovery_fini(recovery *r);

#endif
