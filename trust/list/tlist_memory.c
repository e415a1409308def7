/* The memory of sequence numbers on disk: highwater.json, whose last member is its own digest (TL-711,
 * TL-712). */
#include "trust/list/tlist_store_inside.h"

#include "trust/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { MARKS_FILE_MAX = 4 << 20 };

static bool hex32(const json_t *row, const char *name, uint8_t out[32])
{
    size_t size = 32;
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL && dx_hex_decode(dx_bytes_text(text), out, &size) && size == 32;
}

static bool copy_text(const json_t *row, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(row, name));
    if (text == NULL || strlen(text) >= size)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool read_mark(const json_t *row, tlist_mark *m)
{
    const char *sequence = json_string_value(json_object_get(row, "seq"));
    const json_t *issued = json_object_get(row, "issued"), *seen = json_object_get(row, "first_seen");
    m->issued_s = json_integer_value(issued);
    m->first_seen_s = json_integer_value(seen);
    return copy_text(row, "source", m->source, sizeof m->source) &&
           copy_text(row, "territory", m->territory, sizeof m->territory) &&
           copy_text(row, "type", m->type, sizeof m->type) && hex32(row, "sha256", m->sha256) &&
           hex32(row, "fingerprint", m->fingerprint) && json_is_integer(issued) && json_is_integer(seen) &&
           sequence != NULL && dx_bytes_u64(dx_bytes_text(sequence), INT64_MAX, &m->sequence);
}

/* Digest over the canonical form of the document without its own member. */
static bool digest_of(json_t *root, char hex[65])
{
    uint8_t value[32];
    dx_buf text;
    dx_buf_init(&text, MARKS_FILE_MAX);
    json_object_del(root, "sha256");
    bool ok = dx_json_canonical(root, &text).code == DX_OK;
    if (ok)
        dx_sha256(dx_buf_view(&text), value);
    if (ok)
        dx_hex(dx_bytes_of(value, 32), hex);
    dx_buf_fini(&text);
    return ok;
}

static bool read_reset(const json_t *row, tlist_reset *r)
{
    r->at_s = json_integer_value(json_object_get(row, "at"));
    return copy_text(row, "source", r->source, sizeof r->source) &&
           copy_text(row, "reason", r->reason, sizeof r->reason) &&
           json_is_integer(json_object_get(row, "at"));
}

DX_RC tlist_mark_parse(tlist_store *store, dx_bytes text, dx_why *why)
{
    json_t *root = NULL, *row;
    dx_why inner = {0};
    char said[65] = "", found[65] = "";
    if (dx_json_read(text, &(dx_json_limits){MARKS_FILE_MAX, 8, false}, &root, &inner).code != DX_OK)
        return tlist_refuse_as(why, DX_BROKEN, 711, "highwater.json cannot be read: %.150s", inner.text);
    bool ok =
        copy_text(root, "sha256", said, sizeof said) && digest_of(root, found) && strcmp(said, found) == 0;
    const json_t *marks = json_object_get(root, "marks");
    ok = ok && json_is_array(marks) && json_array_size(marks) <= TLIST_MARKS_MAX;
    for (size_t i = 0; ok && (row = json_array_get(marks, i)) != NULL; i++)
        ok = read_mark(row, &store->marks[store->mark_count++]);
    const json_t *resets = json_object_get(root, "resets");
    ok = ok && json_is_array(resets) && json_array_size(resets) <= TLIST_RESETS_MAX;
    for (size_t i = 0; ok && (row = json_array_get(resets, i)) != NULL; i++)
        ok = read_reset(row, &store->resets[store->reset_count++]);
    json_decref(root);
    if (!ok)
        return tlist_refuse_as(why, DX_BROKEN, 711, "highwater.json does not match its own digest");
    return DX_OKAY;
}

/* Is a list stored? A folder that cannot be looked into is not an empty one. */
static struct dx_rc has_lists(const tlist_store *store, bool *found, dx_why *why)
{
    char path[1024];
    tlist_state_path(store, "lists", path);
    DIR *folder = opendir(path);
    *found = false;
    if (folder == NULL && errno == ENOENT && store->spec.read_only)
        return DX_OKAY; /* whoever only looks has made no folder */
    if (folder == NULL)
        return DX_FAIL(why, IO, "", "%.200s cannot be read: %s", path, strerror(errno));
    errno = 0;
    for (struct dirent *e; !*found && (e = readdir(folder)) != NULL;)
        *found = strstr(e->d_name, ".xml") != NULL && strstr(e->d_name, ".new") == NULL;
    int error = *found ? 0 : errno;
    closedir(folder);
    return error == 0 ? DX_OKAY : DX_FAIL(why, IO, "", "%.200s cannot be read: %s", path, strerror(error));
}

/* highwater.json is missing: a new folder, or one whose memory was taken away (TL-712). */
static struct dx_rc begin_marks(const tlist_store *store, dx_why *why)
{
    bool found;
    DX_TRY(has_lists(store, &found, why));
    return found ? tlist_refuse_as(why, DX_BROKEN, 712, "highwater.json is missing although lists are stored")
                 : DX_OKAY;
}

static bool marks_of(const tlist_store *store, json_t *marks)
{
    char hex[2][65];
    for (size_t i = 0; i < store->mark_count; i++) {
        const tlist_mark *m = &store->marks[i];
        char sequence[24];
        snprintf(sequence, sizeof sequence, "%" PRIu64, m->sequence);
        dx_hex(dx_bytes_of(m->sha256, 32), hex[0]);
        dx_hex(dx_bytes_of(m->fingerprint, 32), hex[1]);
        json_array_append_new(
            marks, json_pack("{sssssssssssssIsI}", "source", m->source, "territory", m->territory, "type",
                             m->type, "seq", sequence, "sha256", hex[0], "fingerprint", hex[1], "issued",
                             (json_int_t)m->issued_s, "first_seen", (json_int_t)m->first_seen_s));
    }
    return json_array_size(marks) == store->mark_count;
}

static bool resets_of(const tlist_store *store, json_t *resets)
{
    for (size_t i = 0; i < store->reset_count; i++) {
        const tlist_reset *r = &store->resets[i];
        json_array_append_new(resets, json_pack("{sssssI}", "source", r->source, "reason", r->reason, "at",
                                                (json_int_t)r->at_s));
    }
    return json_array_size(resets) == store->reset_count;
}

DX_RC tlist_mark_print(const tlist_store *store, dx_buf *out, dx_why *why)
{
    json_t *root = json_object(), *marks = json_array(), *resets = json_array();
    char hex[65];
    bool ok = root != NULL && marks_of(store, marks) && resets_of(store, resets) &&
              json_object_set(root, "marks", marks) == 0 && json_object_set(root, "resets", resets) == 0 &&
              digest_of(root, hex) && json_object_set_new(root, "sha256", json_string(hex)) == 0 &&
              dx_json_canonical(root, out).code == DX_OK;
    json_decref(marks);
    json_decref(resets);
    json_decref(root);
    return ok ? DX_OKAY : DX_FAIL(why, NO_MEMORY, "", "no memory for highwater.json");
}

DX_RC tlist_mark_save(tlist_store *store, dx_why *why)
{
    char path[1024], before[1024];
    dx_buf text;
    if (store->spec.read_only)
        return DX_OKAY;
    dx_buf_init(&text, MARKS_FILE_MAX);
    struct dx_rc rc = tlist_mark_print(store, &text, why);
    tlist_state_path(store, "highwater.json", path);
    tlist_state_path(store, "highwater.json.1", before);
    if (rc.code == DX_OK) {
        unlink(before);
        if (link(path, before) != 0 && errno != ENOENT)
            rc = DX_FAIL(why, IO, "", "highwater.json.1 cannot be made");
    }
    if (rc.code == DX_OK)
        rc = dx_io_replace_file(store->spec.io, path, dx_buf_view(&text), 0600, why);
    dx_buf_fini(&text);
    store->changed = store->changed && rc.code != DX_OK;
    return rc;
}

/* A person dropped the memory of one source: how it came to that stays beside the memory for good. */
static void note_reset(tlist_store *store)
{
    if (store->reset_count == TLIST_RESETS_MAX)
        memmove(store->resets, store->resets + 1, --store->reset_count * sizeof *store->resets);
    tlist_reset *r = &store->resets[store->reset_count++];
    const char *reason = store->spec.confirmed.reset_reason;
    *r = (tlist_reset){.at_s = dx_now_s(store->spec.clock)};
    snprintf(r->source, sizeof r->source, "%s", store->spec.confirmed.reset_sequence);
    snprintf(r->reason, sizeof r->reason, "%s", reason == NULL ? "" : reason);
    dx_log(DX_LOG_SECURITY, "tlist.sequence_reset", F_STR("source", r->source), F_STR("reason", r->reason));
}

static void drop_marks(tlist_store *store, const char *source)
{
    for (size_t i = 0; i < store->mark_count;)
        if (strcmp(store->marks[i].source, source) == 0)
            store->marks[i] = store->marks[--store->mark_count];
        else
            i++;
}

DX_RC tlist_mark_load(tlist_store *store, dx_why *why)
{
    char path[1024];
    dx_buf file;
    dx_buf_init(&file, MARKS_FILE_MAX);
    tlist_state_path(store, "highwater.json", path);
    struct dx_rc rc = dx_io_read_file(store->spec.io, path, MARKS_FILE_MAX, &file, why);
    bool fresh = rc.code == DX_NOT_FOUND;
    if (rc.code == DX_OK)
        rc = tlist_mark_parse(store, dx_buf_view(&file), why);
    else if (fresh)
        rc = begin_marks(store, why);
    else
        rc = tlist_refuse_as(why, DX_BROKEN, 711, "highwater.json cannot be read");
    dx_buf_fini(&file);
    const char *reset = store->spec.confirmed.reset_sequence;
    if (rc.code == DX_BROKEN && reset != NULL) {
        store->mark_count = store->reset_count = 0; /* whose memory is broken, all of it is */
        rc = DX_OKAY;
    }
    if (rc.code == DX_OK && reset != NULL) {
        drop_marks(store, reset);
        note_reset(store);
        fresh = true;
    }
    /* Written before the first list is stored, so that a crash in between is no TL-712. */
    return rc.code == DX_OK && fresh ? tlist_mark_save(store, why) : rc;
}
