/* A start: what is in the segments, does it continue what was published, and what did the last process leave
 * behind (provenance.md 9). Nothing is signed and nothing is cut before every check has passed. */
#include "trust/base/log.h"
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/checkpoint_file.h"
#include "trust/provenance/crc32c.h"
#include "trust/provenance/leaf_lint.h"
#include "trust/provenance/writer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What was signed and published before: the log must still be a continuation of each. HEAD can be lost, and
 * checkpoints.log is written before it. */
enum { HEAD, GUARD, PUBLISHED, ANCHORS };
typedef struct {
    uint64_t size; /* UINT64_MAX: there is none */
    merkle_hash root, seen;
    const char *what;
} anchor;

typedef struct {
    prov_log *log;
    recovery *out;
    anchor anchors[ANCHORS];
    bool broken_counter, no_memory;
    struct open_begin {
        uint64_t index;
        char id[37];
    } * begins;
    size_t begin_count, begin_room;
} scan;

static void begin_add(scan *s, uint64_t index, dx_bytes id)
{
    if (s->begin_count == s->begin_room) {
        size_t room = s->begin_room == 0 ? 64 : s->begin_room * 2;
        struct open_begin *more = realloc(s->begins, room * sizeof *more);
        if (more == NULL) {
            s->no_memory = true;
            return;
        }
        s->begins = more;
        s->begin_room = room;
    }
    s->begins[s->begin_count].index = index;
    snprintf(s->begins[s->begin_count++].id, 37, "%.36s", (const char *)id.data);
}

static void begin_drop(scan *s, uint64_t index, dx_bytes id)
{
    for (size_t i = s->begin_count; i-- > 0;)
        if (id.size > 0 ? dx_bytes_is(id, s->begins[i].id) : s->begins[i].index == index) {
            s->begins[i] = s->begins[--s->begin_count];
            return;
        }
}

static void learn(scan *s, uint64_t index, const leaf_view *view)
{
    dx_bytes names = leaf_view_get(view, "log.n"), name;
    size_t at = 0;
    uint64_t n;
    while (leaf_view_next_pair(names, &at, &name, &n))
        if (!counters_next(s->log->counters, name, n))
            s->broken_counter = true;
    if (view->type == PROV_EXCHANGE && leaf_view_is(view, "phase", "begin"))
        begin_add(s, index, leaf_view_get(view, "rec.id"));
    if (view->type == PROV_EXCHANGE && leaf_view_is(view, "phase", "end"))
        begin_drop(s, leaf_view_u64(view, "rec.begin"), (dx_bytes){NULL, 0});
    if (view->type == PROV_OUTCOME && leaf_view_is(view, "outcome.state", "lost"))
        begin_drop(s, 0, leaf_view_get(view, "outcome.of"));
    s->out->clean = view->type == PROV_STOP;
}

static bool each_leaf(void *context, uint64_t index, uint32_t ordinal, uint64_t at, dx_bytes leaf,
                      prov_finding *finding)
{
    scan *s = context;
    prov_log *log = s->log;
    leaf_view view;
    prov_finding lint;
    for (size_t i = 0; i < ANCHORS; i++)
        if (s->anchors[i].size == index) /* the tree has exactly this size now */
            s->anchors[i].seen = merkle_root(&log->tree);
    if (index % 256 == 0) {
        uint8_t off[8];
        be_write(off, 8, (uint64_t)ordinal << 32 | at);
        if (dx_buf_add(&log->offsets.pending, dx_bytes_of(off, 8)).code != DX_OK)
            s->no_memory = true;
    }
    if (log->tiles[0].pending.size >= 1 << 20 && writer_frame_flush_arrays(log, NULL).code != DX_OK)
        s->no_memory = true;
    /* A leaf of ours that does not pass its own lint was written by another version: it stays, it does not
     * count. */
    if (leaf_lint(leaf, &view, &lint))
        learn(s, index, &view);
    else
        s->out->clean = false;
    (void)finding;
    return true;
}

static void scan_full(void *context, unsigned level, const merkle_hash *hash)
{
    writer_frame_full(((scan *)context)->log, level, hash);
}

static DX_RC own_trust(prov_log *log, checkpoint_trust *trust, dx_why *why)
{
    dx_buf vkey;
    prov_finding finding;
    struct dx_rc rc = DX_OKAY;
    checkpoint_trust_init(trust);
    dx_buf_init(&vkey, 4096);
    for (int i = 0; i < 2 && rc.code == DX_OK; i++) {
        dx_buf_clear(&vkey);
        if (log->signers[i] == NULL)
            continue;
        rc = note_key_print(&log->keys[i], &vkey);
        if (rc.code == DX_OK && !checkpoint_trust_add(trust, dx_buf_view(&vkey), false, &finding))
            rc = DX_FAIL_ID(why, CONFIG, "PV-107", "provenance.md 3.1", "%s", finding.text);
    }
    dx_buf_fini(&vkey);
    return rc;
}

/* A published note as an anchor: signed by a key of ours, about this log. `any_origin`: a note about another
 * log is no anchor, and no fault. */
static DX_RC take_anchor(prov_log *log, dx_bytes note, bool any_origin, anchor *out, dx_why *why)
{
    checkpoint cp;
    prov_finding finding = {0};
    if (!checkpoint_parse(note, &cp, &finding))
        return DX_FAIL_ID(why, BROKEN, finding.id, "provenance.md 9", "%s: %s", out->what, finding.text);
    if (any_origin && !dx_bytes_is(cp.origin, log->origin))
        return DX_OKAY;
    checkpoint_trust *trust = malloc(sizeof *trust);
    struct dx_rc rc = trust == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory") : own_trust(log, trust, why);
    if (rc.code == DX_OK && !checkpoint_check(&cp, trust, NULL, &finding))
        rc = DX_FAIL_ID(why, BROKEN, finding.id, "provenance.md 9", "%s: %s", out->what, finding.text);
    free(trust);
    if (rc.code == DX_OK) {
        out->size = cp.size;
        out->root = cp.root;
    }
    return rc;
}

static DX_RC head_anchor(prov_log *log, const char *folder, bool any_origin, anchor *out, dx_why *why)
{
    char path[PATH_MAX + 32];
    dx_buf note;
    if (folder[0] == 0)
        return DX_OKAY;
    snprintf(path, sizeof path, "%s/HEAD", folder);
    struct dx_rc rc = dx_io_read_file(log->io, path, NOTE_MAX_BYTES, &note, why);
    if (rc.code == DX_NOT_FOUND)
        return DX_OKAY;
    if (rc.code != DX_OK)
        return rc;
    rc = take_anchor(log, dx_buf_view(&note), any_origin, out, why);
    dx_buf_fini(&note);
    return rc;
}

/* The guard folder outlives a shard: the copy of an older one says nothing about this one. */
static DX_RC read_anchors(scan *s, dx_why *why)
{
    prov_log *log = s->log;
    dx_buf newest;
    s->anchors[HEAD] = (anchor){.size = UINT64_MAX, .what = "HEAD"};
    s->anchors[GUARD] = (anchor){.size = UINT64_MAX, .what = "the guarded HEAD"};
    s->anchors[PUBLISHED] = (anchor){.size = UINT64_MAX, .what = "checkpoints.log"};
    DX_TRY(head_anchor(log, log->folder, false, &s->anchors[HEAD], why));
    DX_TRY(head_anchor(log, log->guard, true, &s->anchors[GUARD], why));
    dx_buf_init(&newest, CHECKPOINT_FILE_ENTRY_MAX);
    struct dx_rc rc = checkpoint_file_end(log->io, log->folder, &newest, &log->checkpoints_at, why);
    if (rc.code == DX_OK && newest.size > 0)
        rc = take_anchor(log, dx_buf_view(&newest), false, &s->anchors[PUBLISHED], why);
    dx_buf_fini(&newest);
    return rc;
}

/* The size that this folder itself says was published; 0: none. */
static uint64_t published_size(const scan *s)
{
    uint64_t head = s->anchors[HEAD].size, last = s->anchors[PUBLISHED].size;
    head = head == UINT64_MAX ? 0 : head;
    last = last == UINT64_MAX ? 0 : last;
    return head > last ? head : last;
}

/* Bytes behind the end are zeroed before they are used again. */
static DX_RC clear_tail(prov_log *log, int fd, const segment_end *end, dx_why *why)
{
    static const size_t part_bytes = 1 << 20;
    uint8_t *zeros = calloc(1, part_bytes);
    struct dx_rc rc = zeros == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory") : DX_OKAY;
    for (uint64_t at = end->at; at < end->file_size && rc.code == DX_OK; at += part_bytes) {
        size_t n = end->file_size - at < part_bytes ? (size_t)(end->file_size - at) : part_bytes;
        rc = dx_io_write_all(log->io, fd, dx_bytes_of(zeros, n), (off_t)at, why);
    }
    if (rc.code == DX_OK && log->io->fdatasync(log->io, fd) != 0)
        rc = dx_io_fail(why, "cannot sync", "segment");
    free(zeros);
    return rc;
}

static DX_RC reopen_segment(prov_log *log, const segment_end *end, dx_why *why)
{
    char path[PATH_MAX + 64];
    log->ordinal = end->ordinal;
    if (end->closed) {
        log->ordinal++;
        return DX_OKAY;
    }
    segment_path(log->folder, end->ordinal, path, sizeof path);
    int fd = log->io->open(log->io, path, O_RDWR, 0);
    if (fd < 0)
        return dx_io_fail(why, "cannot open", path);
    if (end->torn) {
        struct dx_rc rc = clear_tail(log, fd, end, why);
        if (rc.code != DX_OK) {
            log->io->close(log->io, fd);
            return rc;
        }
    }
    log->segment_fd = fd;
    log->at = end->at;
    log->segment_size = end->file_size;
    return DX_OKAY;
}

static DX_RC check_anchors(scan *s, dx_why *why)
{
    for (size_t i = 0; i < ANCHORS; i++) {
        anchor *a = &s->anchors[i];
        if (a->size == UINT64_MAX)
            continue;
        if (a->size == s->log->tree.size)
            a->seen = s->log->root;
        if (a->size > s->log->tree.size)
            return DX_FAIL_ID(why, BROKEN, "PV-501", "provenance.md 9",
                              "the log has %" PRIu64 " leaves, %s says %" PRIu64, s->log->tree.size, a->what,
                              a->size);
        if (!merkle_same(&a->seen, &a->root))
            return DX_FAIL_ID(why, BROKEN, "PV-502", "provenance.md 9",
                              "another root than %s at size %" PRIu64, a->what, a->size);
    }
    return DX_OKAY;
}

static DX_RC walk(scan *s, uint32_t count, segment_end *end, dx_why *why)
{
    prov_log *log = s->log;
    prov_finding finding;
    char(*paths)[PATH_MAX + 64] = calloc(count, sizeof *paths);
    const char **names = calloc(count, sizeof *names);
    struct dx_rc rc = paths == NULL || names == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory") : DX_OKAY;
    for (uint32_t i = 0; i < count && rc.code == DX_OK; i++) {
        segment_path(log->folder, i, paths[i], sizeof paths[i]);
        names[i] = paths[i];
    }
    const segment_walk how = {.io = log->io,
                              .origin = log->origin,
                              .recover = true,
                              .committed = published_size(s),
                              .tree = &log->tree,
                              .full = scan_full,
                              .leaf = each_leaf,
                              .context = s};
    if (rc.code == DX_OK)
        rc = segment_walk_files(&how, names, count, end, &finding, why);
    if (rc.code == DX_OK && !finding.ok)
        rc = DX_FAIL_ID(why, BROKEN, finding.id, "provenance.md 9", "at index %" PRIu64 ": %s", finding.index,
                        finding.text);
    free(paths);
    free(names);
    return rc;
}

DX_RC recover_log(prov_log *log, recovery *out, dx_why *why)
{
    scan s = {.log = log, .out = out};
    segment_end end = {0};
    uint32_t count;
    memset(out, 0, sizeof *out);
    out->clean = true;
    DX_TRY(segment_count(log->io, log->folder, &count, why));
    DX_TRY(read_anchors(&s, why));
    struct dx_rc rc = count > 0 ? walk(&s, count, &end, why) : DX_OKAY;
    log->root = merkle_root(&log->tree);
    if (rc.code == DX_OK)
        rc = check_anchors(&s, why);
    if (rc.code == DX_OK && s.no_memory)
        rc = DX_FAIL(why, NO_MEMORY, "", "no memory or space to rebuild the tiles");
    if (rc.code == DX_OK && s.broken_counter)
        rc = DX_FAIL_ID(why, BROKEN, "PV-401", "provenance.md 6.4",
                        "the running counters of the log have a gap");
    if (rc.code == DX_OK)
        rc = writer_frame_flush_arrays(log, why);
    if (rc.code == DX_OK && count > 0)
        rc = reopen_segment(log, &end, why);
    if (rc.code == DX_OK) {
        log->epoch = end.epoch + 1;
        out->head_size = published_size(&s);
        out->recovered = log->tree.size - out->head_size;
        out->lost_count = s.begin_count;
        out->lost = s.begin_count > 0 ? calloc(s.begin_count, sizeof *out->lost) : NULL;
        for (size_t i = 0; i < s.begin_count && out->lost != NULL; i++)
            memcpy(out->lost[i], s.begins[i].id, 37);
        if (s.begin_count > 0 && out->lost == NULL)
            rc = DX_FAIL(why, NO_MEMORY, "", "no memory");
    }
    free(s.begins);
    return rc;
}

void recovery_fini(recovery *r)
{
    free(r->lost);
    r->lost = NULL;
}
