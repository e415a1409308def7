/* The manifest: every file listed, present and equal; in time; for this engine; no step back (PL-601, 602,
 * 605 to 607). Signatures over it are the exchange room's business; the highest serial accepted is handed in.
 */
#include "policy/compile.h"
#include "trust/base/digest.h"

#include <stdio.h>

#define ENGINE_VERSION 1

static bool path_ok(const char *path)
{
    size_t depth = 0;
    for (const char *c = path; *c != 0; c++) {
        if (*c == '/') {
            depth++;
            if (c == path || c[1] == 0 || c[1] == '/')
                return false;
        } else if (!((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
                     strchr("._-", *c) != NULL)) {
            return false;
        }
    }
    return path[0] != 0 && depth <= 2 && strstr(path, "..") == NULL;
}

/* Files that are no documents (seals, fixtures) are read here, once. */
static bool digest_of(bundle *b, const char *path, uint8_t sha256[32], int64_t *bytes)
{
    const bundle_document *doc = bundle_find(b, path);
    if (doc != NULL) {
        memcpy(sha256, doc->sha256, 32);
        *bytes = (int64_t)doc->text.size;
        return true;
    }
    char full[4096];
    dx_buf buf;
    if (snprintf(full, sizeof full, "%s/%s", b->source->dir, path) >= (int)sizeof full)
        return false;
    dx_buf_init(&buf, 16 * 1024 * 1024);
    bool ok = dx_io_read_file(b->source->io, full, buf.max, &buf, NULL).code == DX_OK;
    if (ok)
        dx_sha256(dx_buf_view(&buf), sha256);
    *bytes = (int64_t)buf.size;
    dx_buf_fini(&buf);
    return ok;
}

static void check_listed(place *p, text_map *listed, const json_t *file)
{
    const char *path = json_string_value(json_object_get(file, "path"));
    uint8_t sha256[32];
    char hex[DX_HEX_SIZE(32)];
    int64_t bytes = 0;
    if (path == NULL || !path_ok(path)) {
        FINDING(p, 602, "a path is of A-Z a-z 0-9 . _ - and at most two folders");
        return;
    }
    if (text_map_get(listed, dx_bytes_text(path)) != NULL) {
        FINDING(p, 602, "the file %.150s is listed twice", path);
        return;
    }
    text_map_put(listed, dx_bytes_text(path), file);
    if (!digest_of(p->b, path, sha256, &bytes)) {
        FINDING(p, 602, "the file %.150s is listed, but it is not there", path);
        return;
    }
    dx_hex(dx_bytes_of(sha256, sizeof sha256), hex);
    if (!dx_bytes_is(json_view(json_object_get(file, "sha256")), hex) ||
        json_integer_value(json_object_get(file, "bytes")) != bytes)
        FINDING(p, 602, "the file %.150s differs from the manifest (it has %lld bytes, SHA-256 %.16s...)",
                path, (long long)bytes, hex);
}

static void unlisted(bundle *b, const char *path)
{
    finding_add(b->lint, path, (dx_bytes){NULL, 0}, 602, false, "", false,
                "the file is not listed in the manifest");
}

void manifest_check(bundle *b)
{
    if (!b->has_manifest || b->manifest.json == NULL || b->manifest.closed)
        return;
    place p = {.b = b, .doc = &b->manifest};
    json_t *files = json_object_get(b->manifest.json, "files"), *file;
    size_t i;
    text_map listed = {0};
    if (!text_map_init(&listed, &b->arena, json_array_size(files) + 1)) {
        b->out_of_memory = true;
        return;
    }
    json_array_foreach(files, i, file)
    {
        size_t at = place_push(&p, "files");
        place_push_index(&p, i);
        check_listed(&p, &listed, file);
        place_pop(&p, at);
    }
    for (i = 0; i < b->count; i++)
        if (text_map_get(&listed, dx_bytes_text(b->documents[i].path)) == NULL)
            unlisted(b, b->documents[i].path);
    for (i = 0; i < b->other_count; i++)
        if (text_map_get(&listed, dx_bytes_text(b->others[i])) == NULL)
            unlisted(b, b->others[i]);
    int64_t from = compile_time_s(json_object_get(b->manifest.json, "not_before"));
    int64_t to = compile_time_s(json_object_get(b->manifest.json, "not_after"));
    size_t at = place_push(&p, b->source->now_s < from ? "not_before" : "not_after");
    if (from >= to)
        FINDING(&p, 109, "the bundle ends before it begins");
    else if (b->source->now_s < from || b->source->now_s >= to)
        FINDING(&p, 606, b->source->now_s < from ? "the bundle is not yet valid" : "the bundle has expired");
    place_pop(&p, at);
    const policy_accepted *accepted = b->source->accepted;
    int64_t serial = json_integer_value(json_object_get(b->manifest.json, "serial"));
    at = place_push(&p, "serial");
    if (accepted != NULL && serial < accepted->serial)
        FINDING(&p, 605, "serial %lld was accepted already; old content returns only under a new serial",
                (long long)accepted->serial);
    else if (accepted != NULL && serial == accepted->serial &&
             memcmp(b->manifest.sha256, accepted->sha256, 32) != 0)
        FINDING(&p, 605, "serial %lld was accepted with other content", (long long)serial);
    place_pop(&p, at);
    at = place_push(&p, "engine_min");
    if (json_integer_value(json_object_get(b->manifest.json, "engine_min")) > ENGINE_VERSION)
        FINDING(&p, 607, "the bundle asks for a newer engine; this is version %d", ENGINE_VERSION);
    place_pop(&p, at);
}
