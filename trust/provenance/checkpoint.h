/* checkpoint.h -- C2SP tlog-checkpoint and tlog-proof@v1: what a log says of itself, and what a reader may
 * believe.
 *
 * Order of findings: provenance.md 11: form 104/105, origin 305, log lines 301, witnesses and quorum 302,
 * tree 2xx. Threads: pure.
 */
#ifndef TRUST_PROVENANCE_CHECKPOINT_H
#define TRUST_PROVENANCE_CHECKPOINT_H

#include "trust/provenance/merkle.h"
#include "trust/provenance/note.h"
#include "trust/provenance/provenance.h"

typedef struct {
    note_form note;
    dx_bytes whole; /* the note's bytes */
    dx_bytes origin;
    uint64_t size;
    merkle_hash root;
} checkpoint;

/* False with PV-104. Spans into `note`. */
bool checkpoint_parse(dx_bytes note, checkpoint *out, prov_finding *finding);
/* Appends the three lines. */
DX_RC checkpoint_print(const char *origin, uint64_t size, const merkle_hash *root, dx_buf *text);

#define CHECKPOINT_KEYS_MAX 32

/* Who may say what: log keys, witness keys, and how many witnesses are enough. */
typedef struct {
    note_key keys[CHECKPOINT_KEYS_MAX];
    bool witness[CHECKPOINT_KEYS_MAX]; /* else a log key */
    unsigned count;
    /* Quorum as a small tree: members by index, those below CHECKPOINT_KEYS_MAX are keys, others groups. */
    struct {
        char name[64];
        unsigned threshold, member_count;
        uint8_t members[CHECKPOINT_KEYS_MAX];
    } groups[CHECKPOINT_KEYS_MAX];
    char names[CHECKPOINT_KEYS_MAX][64]; /* of witnesses in a policy */
    unsigned group_count;
    int quorum; /* -1: none asked for; else a member index */
} checkpoint_trust;

void checkpoint_trust_init(checkpoint_trust *trust);
/* False with PV-107. */
bool checkpoint_trust_add(checkpoint_trust *trust, dx_bytes vkey, bool witness, prov_finding *finding);
/* C2SP tlog-policy text: log, witness, group, quorum lines. */
bool checkpoint_trust_policy(checkpoint_trust *trust, dx_bytes text, prov_finding *finding);

/* Origin, log lines, witness lines, quorum, the root of size 0. *unverified counts lines of known keys whose
 * type this build cannot verify; they never help a quorum. */
bool checkpoint_check(const checkpoint *cp, const checkpoint_trust *trust, unsigned *unverified,
                      prov_finding *finding);

typedef struct {
    uint64_t index;
    bool extra; /* there is an extra line; never trusted */
    merkle_path path;
    checkpoint cp;
} tlog_proof;

bool tlog_proof_parse(dx_bytes text, tlog_proof *out, prov_finding *finding); /* 105, then 104 */
DX_RC tlog_proof_print(uint64_t index, const merkle_path *path, dx_bytes note, dx_buf *out);
bool tlog_proof_check(const tlog_proof *proof, dx_bytes leaf, const checkpoint_trust *trust,
                      prov_finding *finding);

/* Hash lines up to an empty line or, with `to_end`, up to the end. False with PV-105. */
bool tlog_hashes_parse(dx_bytes *text, bool to_end, merkle_path *path, prov_finding *finding);
DX_RC tlog_hashes_print(const merkle_path *path, dx_buf *out);
/* 501, 502, 203, 202. Both checkpoints have been checked. */
bool checkpoint_check_growth(const checkpoint *from, const checkpoint *to, const merkle_path *path,
                             prov_finding *finding);

#endif
