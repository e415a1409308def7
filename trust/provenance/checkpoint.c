#include "trust/provenance/checkpoint.h"

#include "trust/provenance/pv_check.h"

#include <inttypes.h>

/* Cuts one line off; false when there is no LF. */
static bool cut_line(dx_bytes *text, dx_bytes *line)
{
    const uint8_t *lf = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;
    if (lf == NULL)
        return false;
    *line = dx_bytes_of(text->data, (size_t)(lf - text->data));
    *text = dx_bytes_part(*text, line->size + 1, text->size);
    return true;
}

static bool hash_line(dx_bytes line, merkle_hash *out)
{
    uint8_t raw[48];
    size_t size = sizeof raw;
    if (line.size != 44 || !dx_base64_decode(line, raw, &size) || size != 32)
        return false;
    memcpy(out->bytes, raw, 32);
    return true;
}

bool checkpoint_parse(dx_bytes note, checkpoint *out, prov_finding *finding)
{
    memset(out, 0, sizeof *out);
    const char *bad = note_parse(note, &out->note);
    if (bad != NULL)
        return prov_no(finding, "PV-104", "%s", bad);
    out->whole = note;
    dx_bytes text = out->note.text, size, root;
    if (!cut_line(&text, &out->origin) || !cut_line(&text, &size) || !cut_line(&text, &root) ||
        text.size != 0)
        return prov_no(finding, "PV-104", "a checkpoint has exactly three lines and no extension");
    if (!note_origin_ok(out->origin))
        return prov_no(finding, "PV-104", "the first line is no origin");
    if (!dx_bytes_u64(size, INT64_MAX, &out->size))
        return prov_no(finding, "PV-104", "the size is no canonical decimal up to 2^63-1");
    if (!hash_line(root, &out->root))
        return prov_no(finding, "PV-104", "the root is no canonical base64 of 32 bytes");
    return true;
}

DX_RC checkpoint_print(const char *origin, uint64_t size, const merkle_hash *root, dx_buf *text)
{
    char encoded[DX_BASE64_SIZE(32)];
    dx_base64(dx_bytes_of(root->bytes, 32), encoded);
    return dx_buf_addf(text, "%s\n%" PRIu64 "\n%s\n", origin, size, encoded);
}

void checkpoint_trust_init(checkpoint_trust *trust)
{
    memset(trust, 0, sizeof *trust);
    trust->quorum = -1;
}

bool checkpoint_trust_add(checkpoint_trust *trust, dx_bytes vkey, bool witness, prov_finding *finding)
{
    if (trust->count == CHECKPOINT_KEYS_MAX)
        return prov_no(finding, "PV-107", "more than %d keys", CHECKPOINT_KEYS_MAX);
    note_key *key = &trust->keys[trust->count];
    const char *bad = note_key_parse(vkey, key);
    if (bad != NULL)
        return prov_no(finding, "PV-107", "%s", bad);
    if (witness ? key->type != NOTE_COSIGN && key->type != NOTE_MLDSA : key->type == NOTE_COSIGN)
        return prov_no(finding, "PV-107",
                       witness ? "%s is no witness key" : "%s is a witness key, not a log key", key->name);
    for (unsigned i = 0; i < trust->count; i++)
        if (dx_bytes_equal(dx_bytes_of(trust->keys[i].key, trust->keys[i].key_size),
                           dx_bytes_of(key->key, key->key_size)))
            return prov_no(finding, "PV-107", "%s and %s are one key", trust->keys[i].name, key->name);
    trust->witness[trust->count++] = witness;
    return true;
}

bool checkpoint_check(const checkpoint *cp, const checkpoint_trust *trust, unsigned *unverified,
                      prov_finding *finding)
{
    bool mine = false, signed_by_log = false, good[CHECKPOINT_KEYS_MAX] = {false};
    unsigned unknown = 0;
    for (unsigned k = 0; k < trust->count; k++)
        mine = mine || (!trust->witness[k] && dx_bytes_is(cp->origin, trust->keys[k].name));
    if (!mine)
        return prov_no(finding, "PV-305", "no known log key has the name of this origin");
    for (int witness = 0; witness < 2; witness++) {
        for (unsigned i = 0; i < cp->note.line_count; i++) {
            for (unsigned k = 0; k < trust->count; k++) {
                const note_key *key = &trust->keys[k];
                bool fits =
                    witness ? trust->witness[k] : !trust->witness[k] && dx_bytes_is(cp->origin, key->name);
                if (!fits || !note_line_by(&cp->note.lines[i], key))
                    continue;
                note_answer answer = note_line_verify(&cp->note, &cp->note.lines[i], key, NULL);
                if (answer == NOTE_LINE_FALSE)
                    return prov_no(finding, witness ? "PV-302" : "PV-301", "the signature of %s is false",
                                   key->name);
                good[k] = answer == NOTE_LINE_TRUE;
                unknown += answer == NOTE_LINE_UNKNOWN;
                signed_by_log = signed_by_log || (!witness && good[k]);
            }
        }
        if (!signed_by_log)
            return prov_no(finding, "PV-301", "no signature by a known log key");
    }
    /* Groups are defined before they are used, so one pass from the front settles them. */
    bool met[2 * CHECKPOINT_KEYS_MAX] = {false};
    memcpy(met, good, sizeof good);
    for (unsigned g = 0; g < trust->group_count; g++) {
        unsigned n = 0;
        for (unsigned m = 0; m < trust->groups[g].member_count; m++)
            n += met[trust->groups[g].members[m]];
        met[CHECKPOINT_KEYS_MAX + g] = n >= trust->groups[g].threshold;
    }
    if (trust->quorum >= 0 && !met[trust->quorum])
        return prov_no(finding, "PV-302", "the witness quorum is not met");
    merkle_hash empty = merkle_empty();
    if (cp->size == 0 && !merkle_same(&cp->root, &empty))
        return prov_no(finding, "PV-203", "size 0 with a root other than SHA-256 of nothing");
    if (unverified != NULL)
        *unverified = unknown;
    return true;
}

bool tlog_hashes_parse(dx_bytes *text, bool to_end, merkle_path *path, prov_finding *finding)
{
    path->count = 0;
    for (;;) {
        dx_bytes line;
        if (to_end && text->size == 0)
            return true;
        if (!cut_line(text, &line))
            return prov_no(finding, "PV-105", "ends inside the hash lines");
        if (line.size == 0 && !to_end)
            return true;
        if (path->count == MERKLE_PATH_MAX)
            return prov_no(finding, "PV-105", "more than %d hashes", MERKLE_PATH_MAX);
        if (!hash_line(line, &path->hashes[path->count++]))
            return prov_no(finding, "PV-105", "a hash line is no canonical base64 of 32 bytes");
    }
}

DX_RC tlog_hashes_print(const merkle_path *path, dx_buf *out)
{
    for (unsigned i = 0; i < path->count; i++) {
        char encoded[DX_BASE64_SIZE(32)];
        dx_base64(dx_bytes_of(path->hashes[i].bytes, 32), encoded);
        DX_TRY(dx_buf_addf(out, "%s\n", encoded));
    }
    return DX_OKAY;
}

#define PROOF_HEADER "c2sp.org/tlog-proof@v1"

bool tlog_proof_parse(dx_bytes text, tlog_proof *out, prov_finding *finding)
{
    dx_bytes line;
    out->path.count = 0;
    out->extra = false;
    if (text.size > 2 * NOTE_MAX_BYTES)
        return prov_no(finding, "PV-105", "proof is over its limit");
    if (text.size > 0 && memchr(text.data, '\r', text.size) != NULL)
        return prov_no(finding, "PV-105", "lines end in LF only");
    if (!cut_line(&text, &line) || !dx_bytes_is(line, PROOF_HEADER))
        return prov_no(finding, "PV-105", "the first line is not " PROOF_HEADER);
    if (!cut_line(&text, &line))
        return prov_no(finding, "PV-105", "no index line");
    if (dx_bytes_starts(line, "extra ")) {
        uint8_t ignored[NOTE_MAX_BYTES];
        size_t size = sizeof ignored;
        if (!dx_base64_decode(dx_bytes_part(line, 6, line.size), ignored, &size))
            return prov_no(finding, "PV-105", "extra is no canonical base64");
        if (!cut_line(&text, &line))
            return prov_no(finding, "PV-105", "no index line");
        out->extra = true;
    }
    if (!dx_bytes_starts(line, "index ") ||
        !dx_bytes_u64(dx_bytes_part(line, 6, line.size), INT64_MAX, &out->index))
        return prov_no(finding, "PV-105", "no index line with a canonical decimal");
    if (!tlog_hashes_parse(&text, false, &out->path, finding))
        return false;
    return checkpoint_parse(text, &out->cp, finding);
}

DX_RC tlog_proof_print(uint64_t index, const merkle_path *path, dx_bytes note, dx_buf *out)
{
    DX_TRY(dx_buf_addf(out, PROOF_HEADER "\nindex %" PRIu64 "\n", index));
    DX_TRY(tlog_hashes_print(path, out));
    DX_TRY(dx_buf_add_byte(out, '\n'));
    return dx_buf_add(out, note);
}

bool tlog_proof_check(const tlog_proof *proof, dx_bytes leaf, const checkpoint_trust *trust,
                      prov_finding *finding)
{
    if (!checkpoint_check(&proof->cp, trust, NULL, finding))
        return false;
    merkle_hash hash = merkle_leaf(leaf);
    if (!merkle_check(&hash, proof->index, proof->cp.size, &proof->path, &proof->cp.root))
        return prov_no(finding, "PV-201",
                       "index %" PRIu64 ", size %" PRIu64 ": the path does not lead to the root",
                       proof->index, proof->cp.size);
    return true;
}

bool checkpoint_check_growth(const checkpoint *from, const checkpoint *to, const merkle_path *path,
                             prov_finding *finding)
{
    if (!dx_bytes_equal(from->origin, to->origin))
        return prov_no(finding, "PV-305", "checkpoints of two logs");
    if (from->size > to->size)
        return prov_no(finding, "PV-501", "size went back from %" PRIu64 " to %" PRIu64, from->size,
                       to->size);
    if (from->size == to->size && !merkle_same(&from->root, &to->root))
        return prov_no(finding, "PV-502", "two roots for size %" PRIu64, from->size);
    if (!merkle_check_growth(from->size, to->size, path, &from->root, &to->root))
        return prov_no(finding, "PV-202", "from %" PRIu64 " to %" PRIu64 ": the proof does not hold",
                       from->size, to->size);
    return true;
}

DX_RC prov_proof_check(dx_bytes proof_text, dx_bytes leaf, const char *const *vkeys, size_t vkey_count,
                       prov_finding *finding, dx_why *why)
{
    static _Thread_local checkpoint_trust trust; /* 60 KB: too large for a caller's small stack */
    tlog_proof proof;
    (void)why;
    memset(finding, 0, sizeof *finding);
    checkpoint_trust_init(&trust);
    for (size_t i = 0; i < vkey_count; i++)
        if (!checkpoint_trust_add(&trust, dx_bytes_text(vkeys[i]), false, finding))
            return DX_OKAY;
    if (!tlog_proof_parse(proof_text, &proof, finding) || !tlog_proof_check(&proof, leaf, &trust, finding))
        return DX_OKAY;
    finding->ok = true;
    finding->index = proof.index;
    finding->leaves = 1;
    return DX_OKAY;
}
