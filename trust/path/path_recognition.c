#include "trust/path/path_recognition.h"

#include "trust/base/clock.h"
#include "trust/base/json.h"

enum { ROWS_MAX = 1024, TEXT_MAX = 127 };

/* In any case and anywhere, names and remarks included: nobody shall read it out of a local rule. */
static bool says_qualified(dx_bytes text)
{
    static const char word[] = "qualified";
    size_t n = sizeof word - 1;
    for (size_t i = 0; i + n <= text.size; i++)
        if (strncasecmp((const char *)text.data + i, word, n) == 0)
            return true;
    return false;
}

static struct dx_rc wrong(dx_why *why, size_t row, const char *what)
{
    return DX_FAIL(why, CONFIG, "", "recognition row %zu: %s", row + 1, what);
}

static struct dx_rc read_time(const json_t *value, size_t row, const char *name, int64_t *out, dx_why *why)
{
    int64_t us;
    if (!json_is_string(value) || !dx_time_parse(dx_bytes_text(json_string_value(value)), false, &us))
        return DX_FAIL(why, CONFIG, "", "recognition row %zu: %s is not a date and time with zone", row + 1,
                       name);
    *out = us / 1000000 - (us % 1000000 < 0);
    return DX_OKAY;
}

static struct dx_rc read_row(const json_t *value, size_t n, dx_arena *arena, path_recognition_row *out,
                             dx_why *why)
{
    static const char *const uses[] = {"advanced-seal", "advanced-signature", "timestamp"};
    struct {
        const char *name, **to;
    } texts[] = {{"id", &out->id},
                 {"from_scheme", &out->from_scheme},
                 {"class", &out->class_},
                 {"treated_as", &out->treated_as},
                 {"instrument", &out->instrument}};
    const json_t *to = json_object_get(value, "valid_to");
    if (!json_is_object(value) || json_object_size(value) != 6 + (size_t)(to != NULL))
        return wrong(why, n,
                     "members are id, from_scheme, class, treated_as, instrument, valid_from, valid_to");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = json_string_value(json_object_get(value, texts[i].name));
        if (text == NULL || text[0] == '\0' || strlen(text) > TEXT_MAX)
            return DX_FAIL(why, CONFIG, "", "recognition row %zu: %s is not a text of 1 to %d bytes", n + 1,
                           texts[i].name, TEXT_MAX);
        if ((*texts[i].to = dx_arena_text(arena, dx_bytes_text(text))) == NULL)
            return DX_FAIL(why, NO_MEMORY, "", "no memory for recognition rows");
    }
    bool known = false;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        known |= strcmp(out->treated_as, uses[i]) == 0;
    if (!known)
        return wrong(why, n, "treated_as is none of advanced-seal, advanced-signature, timestamp");
    DX_TRY(read_time(json_object_get(value, "valid_from"), n, "valid_from", &out->valid_from_s, why));
    out->valid_to_s = INT64_MAX;
    if (to != NULL)
        DX_TRY(read_time(to, n, "valid_to", &out->valid_to_s, why));
    return out->valid_to_s > out->valid_from_s ? DX_OKAY : wrong(why, n, "valid_to is not after valid_from");
}

static struct dx_rc read_rows(const json_t *root, dx_arena *arena, path_recognition *out, dx_why *why)
{
    const json_t *rows = json_object_get(root, "recognition");
    size_t count = json_array_size(rows);
    if (!json_is_array(rows) || json_object_size(root) != 1 || count > ROWS_MAX)
        return DX_FAIL(why, CONFIG, "", "recognition rows: {\"recognition\": [at most %d rows]} is wanted",
                       ROWS_MAX);
    out->rows = DX_ARENA_ARRAY(arena, path_recognition_row, count + 1);
    if (out->rows == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for recognition rows");
    for (size_t i = 0; i < count; i++) {
        DX_TRY(read_row(json_array_get(rows, i), i, arena, &out->rows[i], why));
        for (size_t k = 0; k < i; k++)
            if (strcmp(out->rows[k].id, out->rows[i].id) == 0)
                return wrong(why, i, "the id stands twice");
        out->count++;
    }
    return DX_OKAY;
}

DX_RC path_recognition_read(dx_bytes text, dx_arena *arena, path_recognition *out, dx_why *why)
{
    json_t *root;
    *out = (path_recognition){0};
    if (says_qualified(text))
        return DX_FAIL(why, CONFIG, "eIDAS Art. 14",
                       "recognition rows: a local rule cannot make a service qualified; leave that word out");
    DX_TRY(dx_json_read(text, &(dx_json_limits){PATH_RECOGNITION_MAX_BYTES, 4, false}, &root, why));
    struct dx_rc rc = read_rows(root, arena, out, why);
    json_decref(root);
    return rc;
}

DX_RC path_recognition_load(const dx_io *io, const char *path, dx_arena *arena, path_recognition *out,
                            dx_why *why)
{
    dx_buf file;
    dx_buf_init(&file, PATH_RECOGNITION_MAX_BYTES);
    *out = (path_recognition){0};
    struct dx_rc rc = dx_io_read_file(io, path, PATH_RECOGNITION_MAX_BYTES, &file, why);
    if (rc.code == DX_OK)
        rc = path_recognition_read(dx_buf_view(&file), arena, out, why);
    dx_buf_fini(&file);
    return rc;
}

const path_recognition_row *path_recognition_find(const path_recognition *rows, const char *scheme,
                                                  const char *class_, int64_t at_s)
{
    for (size_t i = 0; rows != NULL && i < rows->count; i++) {
        const path_recognition_row *r = &rows->rows[i];
        if (strcmp(r->from_scheme, scheme) == 0 && strcmp(r->class_, class_) == 0 &&
            at_s >= r->valid_from_s && at_s < r->valid_to_s)
            return r;
    }
    return NULL;
}
