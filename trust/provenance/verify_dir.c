/* A whole log folder, offline, by someone who trusts nothing but the verifier keys. Findings in the order of
 * provenance.md 11: forms, origin, signatures, tree, leaves, key statements, counters. */
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/checkpoint_file.h"
#include "trust/provenance/counters_check.h"
#include "trust/provenance/leaf_lint.h"
#include "trust/provenance/note_statement.h"
#include "trust/provenance/reader.h"
#include "trust/provenance/pv_check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define LEVELS 8

typedef struct {
    uint64_t size;
    merkle_hash root;
} mark;

typedef struct {
    const dx_io *io;
    const char *folder;
    checkpoint_trust *trust;
    prov_finding *finding; /* the one that will be told */
    mark *marks;           /* published sizes in their order */
    size_t mark_count, mark_room, mark_at;
    bool stop;
    bool no_memory;
    uint64_t head_size;
    char origin[NOTE_ORIGIN_MAX + 1];
    merkle_tree tree;
    counters *counts;
    prov_finding leaf; /* first finding about a leaf; the tree comes first */
    prov_finding tiles;
    int fd[LEVELS];
    uint64_t level_count[LEVELS];
    void (*progress)(void *context, uint64_t done, uint64_t of);
    void *progress_context;
} verify;

static bool mark_add(verify *v, const checkpoint *cp)
{
    if (v->mark_count == v->mark_room) {
        size_t room = v->mark_room == 0 ? 256 : v->mark_room * 2;
        mark *more = realloc(v->marks, room * sizeof *more);
        if (more == NULL) {
            v->no_memory = true;
            return false;
        }
        v->marks = more;
        v->mark_room = room;
    }
    v->marks[v->mark_count++] = (mark){cp->size, cp->root};
    return true;
}

static bool published(void *context, dx_bytes note)
{
    verify *v = context;
    checkpoint cp;
    if (!checkpoint_parse(note, &cp, v->finding) || !checkpoint_check(&cp, v->trust, NULL, v->finding)) {
        v->stop = true;
        return false;
    }
    if (v->mark_count > 0 && cp.size < v->marks[v->mark_count - 1].size) {
        v->stop = true;
        return prov_no(v->finding, "PV-501", "published sizes went back from %" PRIu64 " to %" PRIu64,
                       v->marks[v->mark_count - 1].size, cp.size);
    }
    return mark_add(v, &cp);
}

/* HEAD and checkpoints.log: forms and signatures. False: the finding stands. */
static DX_RC notes(verify *v, bool *ok, dx_why *why)
{
    char path[PATH_MAX + 16];
    dx_buf head;
    checkpoint cp;
    *ok = false;
    snprintf(path, sizeof path, "%s/HEAD", v->folder);
    struct dx_rc rc = dx_io_read_file(v->io, path, NOTE_MAX_BYTES, &head, why);
    if (rc.code == DX_NOT_FOUND) {
        prov_no(v->finding, "PV-104", "no published checkpoint: HEAD is missing");
        return DX_OKAY;
    }
    if (rc.code == DX_TOO_LARGE) {
        prov_no(v->finding, "PV-104", "HEAD is over 98,304 bytes");
        return DX_OKAY;
    }
    DX_TRY(rc);
    bool good = checkpoint_parse(dx_buf_view(&head), &cp, v->finding) &&
                checkpoint_check(&cp, v->trust, NULL, v->finding);
    if (good) {
        memcpy(v->origin, cp.origin.data, cp.origin.size);
        v->head_size = cp.size;
        rc = checkpoint_file_walk(v->io, v->folder, published, v, why);
        if (rc.code == DX_NOT_FOUND)
            rc = DX_OKAY; /* HEAD alone is enough to judge by */
        good = !v->stop && !v->no_memory;
        if (good && v->mark_count > 0 && v->marks[v->mark_count - 1].size > cp.size)
            good = prov_no(v->finding, "PV-501", "HEAD is older than the last published checkpoint");
        if (good)
            good = mark_add(v, &cp);
    }
    dx_buf_fini(&head);
    *ok = good;
    return v->no_memory ? DX_FAIL(why, NO_MEMORY, "", "no memory") : rc;
}

static void check_mark(verify *v)
{
    while (v->mark_at < v->mark_count && v->marks[v->mark_at].size == v->tree.size) {
        merkle_hash root = merkle_root(&v->tree);
        if (v->finding->id[0] == 0 && !merkle_same(&root, &v->marks[v->mark_at].root)) {
            prov_no(v->finding, "PV-203",
                    "the published root of size %" PRIu64 " is not the one of the leaves", v->tree.size);
            v->finding->index = v->tree.size;
        }
        v->mark_at++;
    }
}

/* A key leaf carries the note in which both keys say the same as the leaf. */
static bool statement_ok(dx_bytes leaf, const leaf_view *view, prov_finding *finding)
{
    dx_bytes text = leaf_view_get(view, "key.statement");
    uint8_t *note = malloc(text.size + 1);
    size_t size = text.size;
    bool ok = note != NULL && dx_base64_decode(text, note, &size)
                  ? note_statement_check(dx_bytes_of(note, size), leaf, finding)
                  : prov_no(finding, "PV-303", "the statement of a key leaf cannot be read");
    free(note);
    return ok;
}

static bool each_leaf(void *context, uint64_t index, uint32_t ordinal, uint64_t at, dx_bytes leaf,
                      prov_finding *ignored)
{
    verify *v = context;
    leaf_view view;
    prov_finding finding;
    (void)ordinal;
    (void)at;
    (void)ignored;
    check_mark(v);
    if (v->progress != NULL && index % 4096 == 0)
        v->progress(v->progress_context, index, v->head_size);
    if (v->leaf.id[0] != 0)
        return true;
    bool ok = leaf_lint(leaf, &view, &finding);
    if (ok && leaf_view_u64(&view, "log.i") != index)
        ok = prov_no(&finding, "PV-204", "log.i is not the index");
    if (ok && view.type == PROV_BOOT && leaf_view_u64(&view, "gateway.boot") != index)
        ok = prov_no(&finding, "PV-204", "gateway.boot of a boot leaf is not its own index");
    if (ok && view.type == PROV_KEY)
        ok = statement_ok(leaf, &view, &finding);
    if (ok)
        ok = counters_check(v->counts, index, &view, &finding);
    if (!ok) {
        v->leaf = finding;
        v->leaf.index = index;
    }
    return true;
}

/* Each hash of the stored tiles against the computed one. Tiles are not synced: behind HEAD they may be
 * short. */
static void full(void *context, unsigned level, const merkle_hash *hash)
{
    verify *v = context;
    merkle_hash stored;
    size_t got = 0;
    if (level >= LEVELS || v->tiles.id[0] != 0)
        return;
    uint64_t at = v->level_count[level]++;
    bool published_tile = (at + 1) << (8 * level) <= v->head_size;
    if (v->fd[level] < 0) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/tiles/%u", v->folder, level);
        v->fd[level] = v->io->open(v->io, path, O_RDONLY, 0);
    }
    if (v->fd[level] < 0 ||
        prov_read_at(v->io, v->fd[level], &stored, 32, at * 32, &got, NULL).code != DX_OK || got != 32) {
        if (published_tile)
            prov_no(&v->tiles, "PV-106", "tile level %u has no hash %" PRIu64, level, at);
    } else if (!merkle_same(&stored, hash)) {
        prov_no(&v->tiles, "PV-203", "hash %" PRIu64 " of tile level %u is not the one of the leaves", at,
                level);
    }
    v->tiles.index = at << (8 * level);
}

static DX_RC segments(verify *v, const char *origin, segment_end *end, prov_finding *walk_finding,
                      dx_why *why)
{
    uint32_t count;
    DX_TRY(segment_count(v->io, v->folder, &count, why));
    char(*paths)[PATH_MAX + 64] = calloc(count + 1, sizeof *paths);
    const char **names = calloc(count + 1, sizeof *names);
    struct dx_rc rc = paths == NULL || names == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory") : DX_OKAY;
    for (uint32_t i = 0; i < count && rc.code == DX_OK; i++) {
        segment_path(v->folder, i, paths[i], sizeof paths[i]);
        names[i] = paths[i];
    }
    const segment_walk how = {.io = v->io,
                              .origin = origin,
                              .recover = true,
                              .tree = &v->tree,
                              .full = full,
                              .leaf = each_leaf,
                              .context = v};
    if (rc.code == DX_OK)
        rc = segment_walk_files(&how, names, count, end, walk_finding, why);
    free(paths);
    free(names);
    return rc;
}

static bool settle(verify *v, const segment_end *end, const prov_finding *walked)
{
    prov_finding *f = v->finding;
    uint64_t size = v->tree.size;
    check_mark(v);
    if (!walked->ok) {
        *f = *walked;
        return false;
    }
    if (f->id[0] != 0)
        return false;
    if (size < v->head_size) {
        f->index = size;
        return prov_no(f, end->torn ? "PV-108" : "PV-503", "the log ends at %" PRIu64 ", HEAD says %" PRIu64,
                       size, v->head_size);
    }
    if (v->tiles.id[0] != 0) {
        *f = v->tiles;
        return false;
    }
    if (v->leaf.id[0] != 0) {
        *f = v->leaf;
        return false;
    }
    return true;
}

DX_RC prov_verify_dir(const dx_io *io, const char *dir, const char *const *vkeys, size_t vkey_count,
                      void (*progress)(void *context, uint64_t done, uint64_t of), void *context,
                      prov_finding *finding, dx_why *why)
{
    segment_end end = {0};
    prov_finding walked = {0};
    struct dx_rc rc = DX_OKAY;
    bool ok = true;
    memset(finding, 0, sizeof *finding);
    verify *v = calloc(1, sizeof *v);
    if (v == NULL || (v->trust = calloc(1, sizeof *v->trust)) == NULL ||
        (v->counts = counters_new()) == NULL) {
        rc = DX_FAIL(why, NO_MEMORY, "", "no memory");
        ok = false;
    } else {
        v->io = io != NULL ? io : &dx_io_system;
        v->folder = dir;
        v->finding = finding;
        v->progress = progress;
        v->progress_context = context;
        for (int i = 0; i < LEVELS; i++)
            v->fd[i] = -1;
        checkpoint_trust_init(v->trust);
    }
    for (size_t i = 0; i < vkey_count && ok; i++)
        ok = checkpoint_trust_add(v->trust, dx_bytes_text(vkeys[i]), false, finding);
    if (ok)
        rc = notes(v, &ok, why);
    if (ok && rc.code == DX_OK)
        rc = segments(v, v->origin, &end, &walked, why);
    if (ok && rc.code == DX_OK)
        finding->ok = settle(v, &end, &walked);
    if (v != NULL) {
        finding->leaves = v->tree.size;
        for (int i = 0; i < LEVELS; i++)
            if (v->fd[i] >= 0)
                v->io->close(v->io, v->fd[i]);
        counters_free(v->counts);
        free(v->trust);
        free(v->marks);
    }
    free(v);
    return rc;
}
