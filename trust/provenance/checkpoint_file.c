#include "trust/provenance/checkpoint_file.h"

#include "trust/base/json.h"
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/crc32c.h"
#include "trust/provenance/segment.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define PIECE_BYTES (64U << 10)
#define AROUND      8 /* length and CRC */
#define TAIL_BYTES                                                                                           \
    (2 * (CHECKPOINT_FILE_ENTRY_MAX + AROUND)) /* holds a whole entry, whatever is torn behind it */
#define BEGINNING "{\"note\":\""               /* quotes of a note are escaped: it stands nowhere inside */

typedef struct {
    const dx_io *io;
    int fd;
    uint64_t size;
    uint64_t at; /* of what is in `piece` */
    dx_buf piece;
} file;

static DX_RC file_open(const dx_io *io, const char *folder, file *f, dx_why *why)
{
    char path[PATH_MAX + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/checkpoints.log", folder);
    *f = (file){.io = io, .fd = io->open(io, path, O_RDONLY, 0)};
    if (f->fd < 0)
        return dx_io_fail(why, "cannot open", path);
    dx_buf_init(&f->piece, TAIL_BYTES + PIECE_BYTES);
    if (io->fstat(io, f->fd, &st) == 0) {
        f->size = (uint64_t)st.st_size;
        return DX_OKAY;
    }
    struct dx_rc rc = dx_io_fail(why, "cannot look at", path);
    io->close(io, f->fd);
    return rc;
}

static void file_close(file *f)
{
    f->io->close(f->io, f->fd);
    dx_buf_fini(&f->piece);
}

/* `size` bytes at `at`, fewer where the file ends. A view that lives until the next call. */
static DX_RC look(file *f, uint64_t at, size_t size, dx_bytes *out, dx_why *why)
{
    uint64_t left = at < f->size ? f->size - at : 0;
    if (size > left)
        size = (size_t)left;
    if (at < f->at || at + size > f->at + f->piece.size) {
        size_t want = size > PIECE_BYTES ? size : PIECE_BYTES, got;
        dx_buf_clear(&f->piece);
        DX_TRY(dx_buf_reserve(&f->piece, want));
        DX_TRY(prov_read_at(f->io, f->fd, f->piece.data, want, at, &got, why));
        f->piece.size = got;
        f->at = at;
    }
    *out = dx_bytes_part(dx_buf_view(&f->piece), (size_t)(at - f->at), size);
    return DX_OKAY;
}

/* The entry at `at`. *next stays `at` when none is sound there. */
static DX_RC entry(file *f, uint64_t at, dx_bytes *json, uint64_t *next, dx_why *why)
{
    dx_bytes bytes;
    *next = at;
    DX_TRY(look(f, at, 4, &bytes, why));
    size_t n = bytes.size == 4 ? (size_t)be_read(bytes.data, 4) : 0;
    if (n == 0 || n > CHECKPOINT_FILE_ENTRY_MAX)
        return DX_OKAY;
    DX_TRY(look(f, at, n + AROUND, &bytes, why));
    *json = dx_bytes_part(bytes, 4, n);
    if (bytes.size == n + AROUND && be_read(bytes.data + 4 + n, 4) == crc32c(*json))
        *next = at + n + AROUND;
    return DX_OKAY;
}

/* The first sound entry that begins in [from, until). *next stays 0 when there is none. */
static DX_RC first_from(file *f, uint64_t from, uint64_t until, uint64_t *at, uint64_t *next, dx_why *why)
{
    const size_t mark = sizeof BEGINNING - 1;
    *next = 0;
    for (uint64_t place = from; place < until;) {
        dx_bytes bytes, json;
        DX_TRY(look(f, place, PIECE_BYTES, &bytes, why));
        const uint8_t *hit =
            bytes.size < 4 + mark ? NULL : memmem(bytes.data + 4, bytes.size - 4, BEGINNING, mark);
        if (hit == NULL) {
            if (bytes.size < PIECE_BYTES)
                return DX_OKAY;
            place += bytes.size - 4 - mark; /* a mark may lie over the border */
            continue;
        }
        *at = place + (uint64_t)(hit - bytes.data) - 4;
        if (*at >= until)
            return DX_OKAY;
        DX_TRY(entry(f, *at, &json, next, why));
        if (*next != *at)
            return DX_OKAY;
        *next = 0;
        place = *at + 1;
    }
    return DX_OKAY;
}

/* *there: the entry holds a note. */
static DX_RC note_of(dx_bytes json, dx_buf *note, bool *there, dx_why *why)
{
    const dx_json_limits limits = {.max_bytes = CHECKPOINT_FILE_ENTRY_MAX, .max_depth = 8};
    json_t *tree = NULL;
    DX_TRY(dx_json_read(json, &limits, &tree, why));
    const json_t *text = json_object_get(tree, "note");
    struct dx_rc rc = DX_OKAY;
    *there = json_is_string(text);
    if (*there)
        rc = dx_buf_add(note, dx_bytes_of(json_string_value(text), json_string_length(text)));
    json_decref(tree);
    return rc;
}

DX_RC checkpoint_file_walk(const dx_io *io, const char *folder, checkpoint_file_each *each, void *context,
                           dx_why *why)
{
    file f;
    dx_buf note;
    DX_TRY(file_open(io, folder, &f, why));
    dx_buf_init(&note, CHECKPOINT_FILE_ENTRY_MAX);
    struct dx_rc rc = DX_OKAY;
    bool go_on = true;
    for (uint64_t at = 0, next; rc.code == DX_OK && go_on; at = next) {
        dx_bytes json;
        rc = entry(&f, at, &json, &next, why);
        if (rc.code != DX_OK || next == at)
            break; /* the end, or a torn last entry: HEAD was not replaced before it was whole */
        dx_buf_clear(&note);
        bool there = false;
        rc = note_of(json, &note, &there, why);
        go_on = rc.code == DX_OK && (!there || each(context, dx_buf_view(&note)));
    }
    dx_buf_fini(&note);
    file_close(&f);
    return rc;
}

/* From the first sound entry at or behind `from` to the end. */
static DX_RC end_from(file *f, uint64_t from, dx_buf *newest, uint64_t *end, dx_why *why)
{
    uint64_t at, next, last = 0;
    bool there;
    dx_bytes json;
    DX_TRY(first_from(f, from, f->size, &at, &next, why));
    if (next == 0 && from > 0)
        return DX_FAIL_ID(why, BROKEN, "PV-108", "provenance.md 3.2",
                          "checkpoints.log: no entry in the last %" PRIu64 " bytes", f->size - from);
    if (next == 0)
        return DX_OKAY; /* nothing, or one torn entry */
    if (from == 0 && at != 0)
        return DX_FAIL_ID(why, BROKEN, "PV-108", "provenance.md 3.2",
                          "checkpoints.log: its first entry is damaged");
    while (next != at) {
        last = at;
        at = next;
        DX_TRY(entry(f, at, &json, &next, why));
    }
    *end = at;
    DX_TRY(first_from(f, at, f->size, &at, &next, why));
    if (next != 0)
        return DX_FAIL_ID(why, BROKEN, "PV-108", "provenance.md 3.2",
                          "checkpoints.log: damage at byte %" PRIu64 ", a sound entry stands behind it",
                          *end);
    DX_TRY(entry(f, last, &json, &next, why));
    return note_of(json, newest, &there, why);
}

DX_RC checkpoint_file_end(const dx_io *io, const char *folder, dx_buf *newest, uint64_t *end, dx_why *why)
{
    file f;
    *end = 0;
    struct dx_rc rc = file_open(io, folder, &f, why);
    if (rc.code == DX_NOT_FOUND)
        return DX_OKAY;
    if (rc.code != DX_OK)
        return rc;
    rc = end_from(&f, f.size > TAIL_BYTES ? f.size - TAIL_BYTES : 0, newest, end, why);
    file_close(&f);
    return rc;
}

static DX_RC size_at(dx_bytes json, dx_buf *note, uint64_t *size, dx_why *why)
{
    checkpoint cp;
    prov_finding finding;
    bool there;
    dx_buf_clear(note);
    DX_TRY(note_of(json, note, &there, why));
    if (!checkpoint_parse(dx_buf_view(note), &cp, &finding))
        return DX_FAIL_ID(why, BROKEN, finding.id, "provenance.md 3.1", "checkpoints.log: %s", finding.text);
    *size = cp.size;
    return DX_OKAY;
}

/* Published sizes only grow: in [low, high) begin the entries that may have the size. */
static DX_RC halve(file *f, uint64_t size, dx_buf *note, dx_why *why)
{
    uint64_t low = 0, high = f->size;
    while (low < high) {
        uint64_t at, next, found, middle = high - low > PIECE_BYTES ? low + (high - low) / 2 : low;
        dx_bytes json;
        at = low;
        next = 0;
        if (middle == low)
            DX_TRY(entry(f, at, &json, &next, why));
        if (next == 0 || next == at)
            DX_TRY(first_from(f, middle, high, &at, &next, why));
        if (next == 0 && middle == low)
            break;
        if (next == 0) {
            high = middle;
            continue;
        }
        DX_TRY(entry(f, at, &json, &next, why));
        DX_TRY(size_at(json, note, &found, why));
        if (found == size)
            return DX_OKAY;
        if (found < size)
            low = next;
        else
            high = middle == low ? low : middle;
    }
    return DX_FAIL(why, NOT_FOUND, "provenance.md 6.2", "no checkpoint of size %" PRIu64 " was published",
                   size);
}

DX_RC checkpoint_file_find(const dx_io *io, const char *folder, uint64_t size, dx_buf *note, dx_why *why)
{
    file f;
    dx_buf one;
    DX_TRY(file_open(io, folder, &f, why));
    dx_buf_init(&one, CHECKPOINT_FILE_ENTRY_MAX);
    struct dx_rc rc = halve(&f, size, &one, why);
    if (rc.code == DX_OK)
        rc = dx_buf_add(note, dx_buf_view(&one));
    dx_buf_fini(&one);
    file_close(&f);
    return rc;
}

static DX_RC print_entry(dx_bytes note, dx_buf *entry, dx_why *why)
{
    uint8_t number[4] = {0};
    DX_TRY(dx_buf_add(entry, dx_bytes_of(number, 4)));
    DX_TRY(dx_buf_add_text(entry, "{\"note\":")); /* first: an entry is found by its BEGINNING */
    DX_TRY(dx_json_quote(note, entry));
    DX_TRY(dx_buf_add_byte(entry, '}'));
    if (entry->size - 4 > CHECKPOINT_FILE_ENTRY_MAX)
        return DX_FAIL(why, TOO_LARGE, "provenance.md 3.2", "a note is too large for checkpoints.log");
    be_write(entry->data, 4, entry->size - 4);
    be_write(number, 4, crc32c(dx_bytes_part(dx_buf_view(entry), 4, entry->size)));
    return dx_buf_add(entry, dx_bytes_of(number, 4));
}

DX_RC checkpoint_file_append(const dx_io *io, const char *folder, dx_bytes note, uint64_t *end, dx_why *why)
{
    char path[PATH_MAX + 32];
    dx_buf entry;
    dx_buf_init(&entry, CHECKPOINT_FILE_ENTRY_MAX + AROUND);
    snprintf(path, sizeof path, "%s/checkpoints.log", folder);
    struct dx_rc rc = print_entry(note, &entry, why);
    int fd = rc.code == DX_OK ? io->open(io, path, O_RDWR | O_CREAT, 0600) : -1;
    if (rc.code == DX_OK && fd < 0)
        rc = dx_io_fail(why, "cannot open", path);
    if (rc.code == DX_OK)
        rc = dx_io_write_all(io, fd, dx_buf_view(&entry), (off_t)*end, why);
    if (rc.code == DX_OK && io->fdatasync(io, fd) != 0)
        rc = dx_io_fail(why, "cannot sync", path);
    if (fd >= 0)
        io->close(io, fd);
    if (rc.code == DX_OK)
        *end += entry.size;
    dx_buf_fini(&entry);
    return rc;
}
