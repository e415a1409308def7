#include "trust/base/digest.h"
#include "trust/provenance/prov_private.h"
#include "trust/provenance/reader.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Reading a log folder, while it grows or at rest: leaves, proofs, tiles, and the verification of everything. */

#define SEGMENTS_MAX 4096

DX_RC prov_segments_load(const dx_io *io, const char *dir, dx_buf **out, size_t *count, dx_why *why)
{
    dx_buf *files = calloc(SEGMENTS_MAX, sizeof *files);
    *count = 0;
    *out = files;
    if (files == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for segments");
    for (; *count < SEGMENTS_MAX; (*count)++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/seg/%08zu.seg", dir, *count);
        struct dx_rc rc = dx_io_read_file(io, path, 4ULL << 30, &files[*count], why);
        if (rc.code == DX_NOT_FOUND)
            return DX_OKAY;
        DX_TRY(rc);
    }
    return DX_OKAY;
}

void prov_segments_free(dx_buf *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dx_buf_fini(&files[i]);
    free(files);
}

static bool remember(void *context, uint64_t index, dx_bytes leaf, size_t segment, size_t offset)
{
    prov_reader *r = context;
    (void)index;
    if (r->count == r->room) {
        size_t room = r->room == 0 ? 1024 : r->room * 2;
        void  *grown = realloc(r->places, room * sizeof *r->places);
        if (grown == NULL)
            return false;
        r->places = grown;
        r->room = room;
    }
    r->places[r->count++] = (leaf_place){(uint32_t)segment, (uint32_t)leaf.size, offset + 2};
    return true;
}

static DX_RC load(prov_reader *r, dx_why *why)
{
    dx_bytes           *views = calloc(SEGMENTS_MAX, sizeof *views);
    struct dx_rc        rc = views == NULL ? (struct dx_rc){DX_NO_MEMORY} : prov_segments_load(r->io, r->dir, &r->files, &r->file_count, why);
    recovery            walked;
    for (size_t i = 0; rc.code == DX_OK && i < r->file_count; i++)
        views[i] = dx_buf_view(&r->files[i]);
    if (rc.code == DX_OK)
        rc = segments_walk(views, r->file_count, r->origin, false, &r->tree, remember, r, &walked);
    if (rc.code == DX_OK && walked.damaged)
        rc = dx_fail(why, DX_BROKEN, walked.id, "provenance.md 9", "the log is damaged: %s", walked.text);
    free(views);
    return rc;
}

static DX_RC read_head(prov_reader *r, dx_why *why)
{
    char path[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/HEAD", r->dir);
    dx_buf_fini(&r->head);
    DX_TRY(dx_io_read_file(r->io, path, 98304, &r->head, why));
    dx_bytes       note = dx_buf_view(&r->head);
    const uint8_t *blank = memmem(note.data, note.size, "\n\n", 2);
    if (blank == NULL || !checkpoint_read_text(dx_bytes_part(note, 0, (size_t)(blank - note.data) + 1), &r->checkpoint) || r->checkpoint.origin.size >= sizeof r->origin)
        return DX_FAIL_ID(why, BROKEN, "PV-104", "C2SP tlog-checkpoint", "%s is not a checkpoint", path);
    memcpy(r->origin, r->checkpoint.origin.data, r->checkpoint.origin.size);
    r->origin[r->checkpoint.origin.size] = 0;
    return DX_OKAY;
}

static void forget(prov_reader *r)
{
    prov_segments_free(r->files, r->file_count);
    r->files = NULL;
    r->file_count = 0;
    merkle_fini(&r->tree);
    r->count = 0;
}

DX_RC prov_reader_open(const dx_io *io, const char *dir_of_shard, prov_reader **out, dx_why *why)
{
    prov_reader *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a reader");
    r->io = io;
    snprintf(r->dir, sizeof r->dir, "%s", dir_of_shard);
    struct dx_rc rc = read_head(r, why);
    if (rc.code == DX_OK)
        rc = load(r, why);
    if (rc.code != DX_OK) {
        prov_reader_close(r);
        return rc;
    }
    *out = r;
    return DX_OKAY;
}

void prov_reader_close(prov_reader *r)
{
    if (r == NULL)
        return;
    forget(r);
    dx_buf_fini(&r->head);
    free(r->places);
    free(r);
}

/* What was published since: a log that grew is read again. */
DX_RC prov_reader_refresh(prov_reader *r, dx_why *why)
{
    uint64_t before = r->checkpoint.size;
    DX_TRY(read_head(r, why));
    if (r->checkpoint.size == before && r->count >= before)
        return DX_OKAY;
    forget(r);
    return load(r, why);
}

const char *prov_reader_origin(const prov_reader *r)
{
    return r->origin;
}

DX_RC prov_reader_checkpoint(prov_reader *r, dx_buf *note, uint64_t *size, dx_why *why)
{
    *size = r->checkpoint.size;
    struct dx_rc rc = dx_buf_add(note, dx_buf_view(&r->head));
    return rc.code == DX_OK ? rc : DX_FAIL(why, TOO_LARGE, "", "the checkpoint does not fit");
}

static DX_RC leaf_at(const prov_reader *r, uint64_t index, dx_bytes *leaf, dx_why *why)
{
    if (index >= r->count)
        return DX_FAIL_ID(why, NOT_FOUND, "", "", "there is no record %" PRIu64, index);
    const leaf_place *p = &r->places[index];
    *leaf = dx_bytes_part(dx_buf_view(&r->files[p->segment]), p->offset, p->size);
    merkle_hash hash;
    merkle_leaf(*leaf, hash); /* each leaf is checked against the tree before it is served */
    if (memcmp(hash, r->tree.levels[0][index], 32) != 0)
        return DX_FAIL_ID(why, BROKEN, "PV-203", "RFC 6962 2.1", "record %" PRIu64 " is not what was logged", index);
    return DX_OKAY;
}

DX_RC prov_reader_leaf(prov_reader *r, uint64_t index, dx_buf *out, dx_why *why)
{
    dx_bytes leaf;
    DX_TRY(leaf_at(r, index, &leaf, why));
    return dx_buf_add(out, leaf);
}

static DX_RC add_hashes(dx_buf *out, const merkle_hash *path, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[DX_BASE64_SIZE(32)];
        dx_base64(dx_bytes_of(path[i], 32), text);
        DX_TRY(dx_buf_addf(out, "%s\n", text));
    }
    return DX_OKAY;
}

DX_RC prov_reader_prove(prov_reader *r, uint64_t index, uint64_t size, dx_buf *out, dx_why *why)
{
    merkle_hash path[64], hash, root;
    dx_bytes    leaf;
    if (size == 0)
        size = r->checkpoint.size;
    if (size != r->checkpoint.size)
        return DX_FAIL(why, NOT_FOUND, "", "only the newest published checkpoint (size %" PRIu64 ") is kept here", r->checkpoint.size);
    if (index >= size)
        return DX_FAIL(why, NOT_FOUND, "", "record %" PRIu64 " is not below the published size %" PRIu64, index, size);
    DX_TRY(leaf_at(r, index, &leaf, why));
    size_t count = merkle_inclusion(&r->tree, index, size, path);
    merkle_leaf(leaf, hash); /* verified by the code that made it before it leaves */
    if (!merkle_inclusion_root(hash, index, size, (const merkle_hash *)path, count, root) || memcmp(root, r->checkpoint.root, 32) != 0)
        return DX_FAIL_ID(why, BROKEN, "PV-203", "RFC 6962 2.1.1", "the tree does not lead to the published checkpoint");
    DX_TRY(dx_buf_addf(out, "c2sp.org/tlog-proof@v1\nindex %" PRIu64 "\n", index));
    DX_TRY(add_hashes(out, (const merkle_hash *)path, count));
    DX_TRY(dx_buf_add_text(out, "\n"));
    return dx_buf_add(out, dx_buf_view(&r->head));
}

DX_RC prov_reader_consistency(prov_reader *r, uint64_t from, uint64_t to, dx_buf *text, dx_why *why)
{
    merkle_hash path[64];
    if (from > to || to > r->count)
        return DX_FAIL(why, NOT_FOUND, "", "sizes are 0 <= from <= to <= %zu", r->count);
    return add_hashes(text, (const merkle_hash *)path, merkle_consistency(&r->tree, from, to, path));
}

/* "x001/x234/067" */
static bool tile_number(dx_bytes in, uint64_t *out)
{
    *out = 0;
    for (;;) {
        bool     more = in.size > 0 && in.data[0] == 'x';
        uint64_t part;
        dx_bytes digits = dx_bytes_part(in, more, 3);
        if (digits.size != 3)
            return false;
        part = 0;
        for (size_t i = 0; i < 3; i++) {
            if (digits.data[i] < '0' || digits.data[i] > '9')
                return false;
            part = part * 10 + (digits.data[i] - '0');
        }
        *out = *out * 1000 + part;
        in = dx_bytes_part(in, 3 + (size_t)more, in.size);
        if (!more)
            return in.size == 0;
        if (in.size == 0 || in.data[0] != '/' || *out > INT32_MAX)
            return false;
        in = dx_bytes_part(in, 1, in.size);
    }
}

DX_RC prov_reader_tile(prov_reader *r, dx_bytes resource, dx_buf *out, dx_why *why)
{
    uint64_t size = r->checkpoint.size, number, level = 0, width = 256;
    if (dx_bytes_is(resource, "checkpoint"))
        return dx_buf_add(out, dx_buf_view(&r->head));
    bool entries = dx_bytes_starts(resource, "tile/entries/");
    if (!dx_bytes_starts(resource, "tile/"))
        return DX_FAIL(why, NOT_FOUND, "C2SP tlog-tiles", "no such resource");
    dx_bytes       rest = dx_bytes_part(resource, entries ? 13 : 5, resource.size);
    const uint8_t *slash = entries ? NULL : memchr(rest.data, '/', rest.size);
    if (!entries) {
        if (slash == NULL || !dx_bytes_u64(dx_bytes_part(rest, 0, (size_t)(slash - rest.data)), 7, &level))
            return DX_FAIL(why, NOT_FOUND, "C2SP tlog-tiles", "no such tile");
        rest = dx_bytes_part(rest, (size_t)(slash - rest.data) + 1, rest.size);
    }
    const uint8_t *partial = memmem(rest.data, rest.size, ".p/", 3);
    if (partial != NULL) {
        size_t n = (size_t)(partial - rest.data);
        if (!dx_bytes_u64(dx_bytes_part(rest, n + 3, rest.size), 255, &width) || width == 0)
            return DX_FAIL(why, NOT_FOUND, "C2SP tlog-tiles", "no such width");
        rest = dx_bytes_part(rest, 0, n);
    }
    uint64_t have = size >> (8 * level);
    if (!tile_number(rest, &number) || number * 256 + width > have)
        return DX_FAIL(why, NOT_FOUND, "C2SP tlog-tiles", "that tile is not published");
    for (uint64_t i = number * 256; i < number * 256 + width; i++) {
        if (!entries) {
            DX_TRY(dx_buf_add(out, dx_bytes_of(r->tree.levels[8 * level][i], 32)));
            continue;
        }
        dx_bytes leaf;
        DX_TRY(leaf_at(r, i, &leaf, why));
        const uint8_t length[2] = {(uint8_t)(leaf.size >> 8), (uint8_t)leaf.size};
        DX_TRY(dx_buf_add(out, dx_bytes_of(length, 2)));
        DX_TRY(dx_buf_add(out, leaf));
    }
    return DX_OKAY;
}

/* ---- verification of a whole log ---- */

typedef struct {
    json_t  *counters; /* name: n */
    uint64_t boots;
} running;

static const char *check_numbers(dx_bytes leaf, uint64_t index, running *s, char *text, size_t size)
{
    json_t *root, *n;
    if (dx_json_read(leaf, &(dx_json_limits){.max_bytes = 65535}, &root, NULL).code != DX_OK)
        return "PV-101";
    const char *id = NULL, *key;
    json_t     *log = json_object_get(root, "log");
    if ((uint64_t)json_integer_value(json_object_get(log, "i")) != index) {
        id = "PV-204";
        snprintf(text, size, "log.i is not the index");
    }
    json_object_foreach(json_object_get(log, "n"), key, n)
    {
        json_int_t before = json_integer_value(json_object_get(s->counters, key));
        if (id == NULL && json_integer_value(n) != before + 1) {
            id = "PV-401";
            snprintf(text, size, "counter %.40s goes from %lld to %lld", key, (long long)before, (long long)json_integer_value(n));
        }
        json_object_set_new(s->counters, key, json_integer(json_integer_value(n)));
    }
    json_decref(root);
    return id;
}

static void found(prov_finding *f, const char *id, uint64_t index, const char *text)
{
    f->ok = false;
    snprintf(f->id, sizeof f->id, "%s", id);
    snprintf(f->text, sizeof f->text, "%s", text);
    f->index = index;
}

DX_RC prov_verify_dir(const dx_io *io, const char *dir_of_shard, const char *const *vkeys, size_t vkey_count,
                      void (*progress)(void *, uint64_t, uint64_t), void *context, prov_finding *finding, dx_why *why)
{
    note_key     keys[16];
    prov_reader *r;
    checkpoint   c;
    *finding = (prov_finding){0};
    if (vkey_count == 0 || vkey_count > 16)
        return DX_FAIL(why, USAGE, "", "between 1 and 16 verifier keys are needed");
    for (size_t i = 0; i < vkey_count; i++)
        if (!note_key_parse(vkeys[i], &keys[i]))
            return DX_FAIL_ID(why, USAGE, "PV-107", "C2SP signed-note", "not a verifier key: %.100s", vkeys[i]);
    struct dx_rc rc = prov_reader_open(io, dir_of_shard, &r, why);
    if (rc.code == DX_BROKEN) { /* a finding, not an error: the log was read and does not hold */
        found(finding, why->id, 0, why->text);
        return DX_OKAY;
    }
    DX_TRY(rc);
    const char *id = checkpoint_open(dx_buf_view(&r->head), keys, vkey_count, &c);
    merkle_hash root;
    if (id != NULL) {
        found(finding, id, 0, "the published checkpoint is not signed by the keys given");
    } else if (c.size > r->count) {
        found(finding, "PV-503", r->count, "the log is shorter than its published checkpoint");
    } else {
        running s = {json_object(), 0};
        merkle_root(&r->tree, c.size, root);
        finding->ok = memcmp(root, c.root, 32) == 0;
        if (!finding->ok)
            found(finding, "PV-203", 0, "the records do not lead to the published root");
        for (uint64_t i = 0; i < r->count && finding->ok; i++) {
            dx_bytes leaf;
            char     text[160] = "";
            if (leaf_at(r, i, &leaf, why).code != DX_OK)
                found(finding, "PV-203", i, "a record is not what was logged");
            else if ((id = leaf_check(leaf, text, sizeof text)) != NULL || (id = check_numbers(leaf, i, &s, text, sizeof text)) != NULL)
                found(finding, id, i, text);
            if (progress != NULL && i % 1024 == 0)
                progress(context, i, r->count);
            finding->leaves++;
        }
        json_decref(s.counters);
    }
    prov_reader_close(r);
    return DX_OKAY;
}
