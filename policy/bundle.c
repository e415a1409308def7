#include "policy/bundle.h"
#include "trust/base/digest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define DOCUMENT_MAX_BYTES (1024 * 1024)
#define MANIFEST_MAX_BYTES (64 * 1024 * 1024) /* a line for each of some 200,000 files */
#define DEPTH_MAX          16
#define STRING_MAX_BYTES   4096
#define ARRAY_MAX          4096
#define FILES_MAX          200000
#define SAFE_INTEGER       9007199254740991LL

const char *const bundle_kind_names[] = {"guards",    "levels",    "vocab", "partnership", "party", "dataset",
                                         "agreement", "authority", "test",  "manifest",    "facts", NULL};
static const struct {
    const char *folder;
    bundle_kind kind;
} folders[] = {{"agreements", KIND_AGREEMENT}, {"authorities", KIND_AUTHORITY},    {"datasets", KIND_DATASET},
               {"parties", KIND_PARTY},        {"partnerships", KIND_PARTNERSHIP}, {"tests", KIND_TEST}};

/* ---- one document ---- */

/* Numbers, nulls, NULs and sizes: what jansson lets pass. */
static void walk_value(place *p, const json_t *value, unsigned depth, bool *closed)
{
    if (depth > DEPTH_MAX) {
        FINDING(p, 108, "nested deeper than %d levels", DEPTH_MAX);
        *closed = true;
        return;
    }
    const char *name;
    json_t *member;
    size_t index, max = p->doc->kind == KIND_MANIFEST ? FILES_MAX : ARRAY_MAX;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            size_t at = place_push(p, name);
            if (strlen(name) > STRING_MAX_BYTES) {
                FINDING(p, 108, "a member's name is longer than %d bytes", STRING_MAX_BYTES);
                *closed = true;
            }
            walk_value(p, member, depth + 1, closed);
            place_pop(p, at);
        }
        return;
    case JSON_ARRAY:
        if (json_array_size(value) > max) {
            FINDING(p, 108, "%zu elements, the limit is %zu", json_array_size(value), max);
            *closed = true;
        }
        json_array_foreach(value, index, member)
        {
            size_t at = place_push_index(p, index);
            walk_value(p, member, depth + 1, closed);
            place_pop(p, at);
        }
        return;
    case JSON_STRING:
        if (json_string_length(value) > STRING_MAX_BYTES) {
            FINDING(p, 108, "%zu bytes, the limit for a string is %d", json_string_length(value),
                    STRING_MAX_BYTES);
            *closed = true;
        } else if (memchr(json_string_value(value), 0, json_string_length(value)) != NULL) {
            FINDING(p, 102, "holds the character U+0000");
            *closed = true;
        }
        return;
    case JSON_INTEGER:
        if (json_integer_value(value) <= SAFE_INTEGER && json_integer_value(value) >= -SAFE_INTEGER)
            return;
        FINDING(p, 107, "the number is outside 2^53-1");
        break;
    case JSON_REAL:
        FINDING(p, 107, "only whole numbers are allowed");
        break;
    case JSON_NULL:
        FINDING(p, 107, "null is not allowed: leave the member out");
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        return;
    }
    *closed = true;
}

/* The message of dx_json_read as a finding with its own position. */
static void syntax_finding(bundle *b, bundle_document *doc, const dx_why *why)
{
    unsigned line = 0, column = 0;
    if (sscanf(why->text, "line %u column %u", &line, &column) < 1)
        sscanf(why->text, "line %u", &line);
    unsigned number = strstr(why->text, "duplicate object key") != NULL ? 103
                      : strstr(why->text, "not UTF-8") != NULL || strstr(why->text, "byte order") != NULL
                          ? 101
                      : why->code == DX_TOO_LARGE                                                     ? 108
                      : strstr(why->text, "too big") != NULL || strstr(why->text, "overflow") != NULL ? 107
                                                                                                      : 102;
    finding_add(b->lint, doc->path, (dx_bytes){NULL, 0}, number, false, "", false, "%s", why->text);
    if (b->lint->count > 0) {
        b->lint->items[b->lint->count - 1].line = line;
        b->lint->items[b->lint->count - 1].column = column;
    }
    doc->closed = true;
}

void bundle_parse(bundle *b, bundle_document *doc)
{
    dx_why why = {0};
    bool manifest = doc->kind == KIND_MANIFEST;
    const dx_json_limits limits = {manifest ? MANIFEST_MAX_BYTES : DOCUMENT_MAX_BYTES, DX_JSON_MAX_DEPTH,
                                   true};
    dx_sha256(doc->text, doc->sha256);
    if (dx_json_read(doc->text, &limits, &doc->json, &why).code != DX_OK) {
        syntax_finding(b, doc, &why);
        return;
    }
    place p = {.b = b, .doc = doc};
    walk_value(&p, doc->json, 1, &doc->closed);
    if (doc->closed)
        return;
    if (!json_is_object(doc->json)) {
        FINDING(&p, 106, "a document is a JSON object");
        doc->closed = true;
        return;
    }
    json_t *dfft = json_object_get(doc->json, "dfft"), *kind = json_object_get(doc->json, "kind");
    if (dfft != NULL && !dx_bytes_is(json_view(dfft), "1")) {
        place_push(&p, "dfft");
        FINDING(&p, 112, "this engine reads version \"1\" of the document format");
        place_pop(&p, 0);
        doc->closed = true;
    }
    bundle_kind want = doc->kind, is = 0;
    while (bundle_kind_names[is] != NULL && !dx_bytes_is(json_view(kind), bundle_kind_names[is]))
        is++;
    if (kind != NULL && is != want) {
        place_push(&p, "kind");
        if (is == KIND_NONE)
            FINDING(&p, 110, "\"" DX_TEXT_FMT "\" is no kind of document", DX_TEXT_ARG(json_view(kind)));
        else if (want == KIND_FACTS && is == KIND_TEST)
            doc->kind = KIND_TEST;
        else
            FINDING(&p, 113, "a document of kind %s does not stand here; %s is expected",
                    bundle_kind_names[is], bundle_kind_names[want]);
        place_pop(&p, 0);
        doc->closed = doc->closed || doc->kind == want;
    }
    doc->id = json_string_value(json_object_get(doc->json, "id"));
    doc->version = json_integer_value(json_object_get(doc->json, "version"));
}

/* ---- the folder ---- */

static void file_finding(bundle *b, unsigned number, const char *path, const char *text)
{
    finding_add(b->lint, path, (dx_bytes){NULL, 0}, number, false, "", false, "%s", text);
}

static bool name_ok(const char *name)
{
    for (const char *c = name; *c != 0; c++)
        if (!((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
              strchr("._-", *c) != NULL))
            return false;
    return name[0] != 0;
}

static bool ends(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

static DX_RC read_into(bundle *b, const char *path, size_t max, dx_bytes *text, bool *too_large, dx_why *why)
{
    char full[4096];
    if (snprintf(full, sizeof full, "%s/%s", b->source->dir, path) >= (int)sizeof full)
        return DX_FAIL(why, CONFIG, "policy.md 2", "the path of %.100s is too long", path);
    dx_buf buf;
    dx_buf_init(&buf, max);
    struct dx_rc rc = dx_io_read_file(b->source->io, full, max, &buf, why);
    *too_large = rc.code == DX_TOO_LARGE;
    *text = dx_arena_bytes(&b->arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    if (*too_large)
        return DX_OKAY;
    DX_TRY(rc);
    return text->data == NULL && buf.size > 0 ? DX_FAIL(why, NO_MEMORY, "", "no memory for %.100s", path)
                                              : DX_OKAY;
}

static DX_RC add_document(bundle *b, const char *path, bundle_kind kind, dx_why *why)
{
    if (b->count == b->room) {
        size_t room = b->room == 0 ? 64 : b->room * 2;
        bundle_document *more = realloc(b->documents, room * sizeof *more);
        if (more == NULL || room > FILES_MAX * 2)
            return DX_FAIL(why, NO_MEMORY, "", "too many documents");
        b->documents = more;
        b->room = room;
    }
    bundle_document doc = {.path = dx_arena_text(&b->arena, dx_bytes_text(path)), .kind = kind};
    bool too_large = false;
    if (doc.path == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for names");
    DX_TRY(read_into(b, path, DOCUMENT_MAX_BYTES, &doc.text, &too_large, why));
    if (too_large) {
        file_finding(b, 108, doc.path, "the file is larger than 1 MiB");
        return DX_OKAY;
    }
    b->documents[b->count++] = doc;
    return DX_OKAY;
}

static DX_RC add_other(bundle *b, const char *path, dx_why *why)
{
    const char *copy = dx_arena_text(&b->arena, dx_bytes_text(path));
    if ((b->other_count & (b->other_count - 1)) == 0) { /* room is the next power of two */
        size_t room = b->other_count == 0 ? 1 : b->other_count * 2;
        const char **more = realloc(b->others, room * sizeof *more);
        if (more == NULL || room > FILES_MAX * 2)
            return DX_FAIL(why, NO_MEMORY, "", "too many files");
        b->others = more;
    }
    if (copy == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for names");
    b->others[b->other_count++] = copy;
    return DX_OKAY;
}

static DX_RC read_folder(bundle *b, const char *folder, bundle_kind kind, dx_why *why);

/* One name in the bundle folder or in one of its folders. */
static DX_RC take_entry(bundle *b, const char *path, const char *name, bundle_kind kind, bool top,
                        unsigned char type, dx_why *why)
{
    if (!name_ok(name) || (type != DT_REG && type != DT_DIR)) {
        file_finding(b, 113, path, "names are of A-Z a-z 0-9 . _ - and files are plain files, no links");
        return DX_OKAY;
    }
    if (top && type == DT_DIR) {
        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
            if (strcmp(name, folders[i].folder) == 0)
                return read_folder(b, name, folders[i].kind, why);
        file_finding(b, 113, path, "no such folder belongs to a bundle");
        return DX_OKAY;
    }
    if (type == DT_DIR) {
        if (kind == KIND_TEST && strcmp(name, "fixtures") == 0)
            return read_folder(b, path, KIND_NONE, why);
        file_finding(b, 113, path, "folders do not nest here");
        return DX_OKAY;
    }
    if (top) {
        static const struct {
            const char *name;
            bundle_kind kind;
        } files[] = {{"guards.json", KIND_GUARDS}, {"levels.json", KIND_LEVELS}, {"vocab.json", KIND_VOCAB}};
        for (size_t i = 0; i < 3; i++)
            if (strcmp(name, files[i].name) == 0)
                return add_document(b, path, files[i].kind, why);
        if (strcmp(name, "manifest.json") == 0 || strncmp(name, "manifest.sig.", 13) == 0)
            return DX_OKAY;
    } else if (kind == KIND_AGREEMENT && (ends(name, ".assigner.jws") || ends(name, ".assignee.jws"))) {
        return add_other(b, path, why);
    } else if (kind == KIND_NONE && ends(name, ".json")) {
        return add_other(b, path, why); /* fixtures are read by the tests that name them */
    } else if (ends(name, ".json")) {
        return add_document(b, path, kind, why);
    }
    file_finding(b, 113, path, "no such file belongs to a bundle");
    return DX_OKAY;
}

static DX_RC read_folder(bundle *b, const char *folder, bundle_kind kind, dx_why *why)
{
    char full[4096], path[600];
    snprintf(full, sizeof full, "%s%s%s", b->source->dir, folder[0] != 0 ? "/" : "", folder);
    DIR *dir = opendir(full);
    if (dir == NULL)
        return DX_FAIL(why, NOT_FOUND, "policy.md 2", "the folder %.180s cannot be read: %s", full,
                       strerror(errno));
    struct dx_rc rc = DX_OKAY;
    for (struct dirent *e; rc.code == DX_OK && (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s%s%s", folder, folder[0] != 0 ? "/" : "", e->d_name);
        unsigned char type = e->d_type;
        if (type == DT_UNKNOWN) { /* a file system that does not say */
            char one[4800];
            struct stat st;
            snprintf(one, sizeof one, "%s/%s", full, e->d_name);
            type = lstat(one, &st) != 0  ? DT_UNKNOWN
                   : S_ISREG(st.st_mode) ? DT_REG
                   : S_ISDIR(st.st_mode) ? DT_DIR
                                         : DT_LNK;
        }
        rc = take_entry(b, path, e->d_name, kind, folder[0] == 0, type, why);
    }
    closedir(dir);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const bundle_document *)a)->path, ((const bundle_document *)b)->path);
}

DX_RC bundle_read(bundle *b, dx_why *why)
{
    bool too_large = false;
    b->manifest = (bundle_document){.path = "manifest.json", .kind = KIND_MANIFEST};
    dx_why quiet = {0};
    struct dx_rc rc =
        read_into(b, "manifest.json", MANIFEST_MAX_BYTES, &b->manifest.text, &too_large, &quiet);
    b->has_manifest = rc.code == DX_OK;
    if (rc.code != DX_OK && rc.code != DX_NOT_FOUND) {
        if (why != NULL)
            *why = quiet;
        return rc;
    }
    DX_TRY(read_folder(b, "", KIND_NONE, why));
    if (b->count > 1)
        qsort(b->documents, b->count, sizeof *b->documents, by_path);
    if (too_large)
        file_finding(b, 601, "manifest.json", "the manifest is too large");
    else if (b->has_manifest)
        bundle_parse(b, &b->manifest);
    else if (!b->source->working_copy)
        file_finding(b, 601, "manifest.json",
                     "there is no manifest: `sekisho policy check --write-manifest` makes one");
    for (size_t i = 0; i < b->count; i++) {
        bundle_document *doc = &b->documents[i];
        bundle_parse(b, doc);
        if (doc->kind == KIND_GUARDS)
            b->by_kind_guards = doc;
        if (doc->kind == KIND_LEVELS)
            b->by_kind_levels = doc;
        if (doc->kind == KIND_VOCAB)
            b->by_kind_vocab = doc;
    }
    if (b->by_kind_guards == NULL)
        file_finding(b, 201, "guards.json", "guards.json is missing: every bundle has one");
    if (b->by_kind_levels == NULL)
        file_finding(b, 201, "levels.json", "levels.json is missing: every bundle has one");
    return DX_OKAY;
}

const bundle_document *bundle_find(const bundle *b, const char *path)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(b->documents[middle].path, path);
        if (order == 0)
            return &b->documents[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void bundle_fini(bundle *b)
{
    for (size_t i = 0; i < b->count; i++)
        json_decref(b->documents[i].json);
    json_decref(b->manifest.json);
    free(b->documents);
    free(b->others);
    dx_arena_fini(&b->arena);
}
