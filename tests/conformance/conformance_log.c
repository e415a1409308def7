/* room: trust_provenance
 * Golden and negative cases of the log formats; DATA is a folder laid out like provenance-vectors/. */
#include "tests/conformance/suite.h"
#include "trust/base/digest.h"
#include "trust/provenance/prov_private.h"

#include <stdio.h>
#include <stdlib.h>

static const char *data;
static json_t     *keys;

static bool read_file(const char *folder, const char *name, dx_buf *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", data, folder, name);
    return dx_io_read_file(&dx_io_system, path, 64U << 20, out, NULL).code == DX_OK;
}

static const char *text_of(const json_t *c, const char *name)
{
    return json_string_value(json_object_get(c, name));
}

static size_t keys_of(const json_t *c, note_key out[16], bool *ok)
{
    size_t  i, count = 0;
    json_t *name;
    *ok = true;
    json_array_foreach(json_object_get(c, "keys"), i, name)
    {
        const json_t *k = json_object_get(keys, json_string_value(name));
        const char   *vkey = json_string_value(json_object_get(k, "vkey"));
        if (vkey == NULL)
            vkey = json_string_value(name);
        if (count < 16)
            *ok &= note_key_parse(vkey, &out[count++]);
    }
    return count;
}

static const char *run_leaf(const char *folder, const json_t *c, char *text, size_t size)
{
    dx_buf leaf;
    if (!read_file(folder, text_of(c, "leaf") != NULL ? text_of(c, "leaf") : text_of(c, "file"), &leaf))
        return "no file";
    const char *id = leaf_check(dx_buf_view(&leaf), text, size);
    const char *hash = text_of(json_object_get(c, "want"), "leaf_hash");
    if (id == NULL && hash != NULL) {
        merkle_hash h;
        char        hex[65];
        merkle_leaf(dx_buf_view(&leaf), h);
        dx_hex(dx_bytes_of(h, 32), hex);
        if (strcmp(hex, hash) != 0)
            id = "wrong leaf hash";
    }
    dx_buf_fini(&leaf);
    return id;
}

static const char *run_render(const char *folder, const json_t *c)
{
    dx_buf      in, want, out;
    json_t     *root = NULL;
    const char *id = "no file";
    char        text[200];
    if (!read_file(folder, text_of(c, "input"), &in))
        return id;
    dx_buf_init(&out, 1U << 17);
    if (read_file(folder, text_of(c, "file"), &want)) {
        merkle_hash h;
        char        hex[65];
        bool ok = dx_json_read(dx_buf_view(&in), &(dx_json_limits){.max_bytes = 1U << 20}, &root, NULL).code == DX_OK && dx_json_canonical(root, &out).code == DX_OK;
        id = ok && dx_bytes_equal(dx_buf_view(&out), dx_buf_view(&want)) ? leaf_check(dx_buf_view(&want), text, sizeof text) : "other bytes";
        merkle_leaf(dx_buf_view(&out), h);
        dx_hex(dx_bytes_of(h, 32), hex);
        if (id == NULL && strcmp(hex, text_of(json_object_get(c, "want"), "hash")) != 0)
            id = "wrong hash";
        dx_buf_fini(&want);
    }
    json_decref(root);
    dx_buf_fini(&in);
    dx_buf_fini(&out);
    return id;
}

static const char *run_checkpoint(const char *folder, const json_t *c)
{
    dx_buf     note;
    note_key   known[16];
    bool       ok;
    checkpoint cp;
    size_t     count = keys_of(c, known, &ok);
    if (!ok)
        return "PV-107";
    if (!read_file(folder, text_of(c, "file"), &note))
        return "no file";
    const char *id = checkpoint_open(dx_buf_view(&note), known, count, &cp);
    dx_buf_fini(&note);
    return id;
}

static const char *run_inclusion(const char *folder, const json_t *c)
{
    dx_buf     proof, leaf;
    note_key   known[16];
    bool       ok;
    checkpoint cp;
    uint64_t   index;
    size_t     count = keys_of(c, known, &ok);
    if (!ok)
        return "PV-107";
    if (!read_file(folder, text_of(c, "file") != NULL ? text_of(c, "file") : text_of(c, "proof"), &proof))
        return "no file";
    const char *id = "no leaf";
    if (read_file(folder, text_of(c, "leaf"), &leaf)) {
        id = proof_check(dx_buf_view(&proof), dx_buf_view(&leaf), known, count, &cp, &index);
        dx_buf_fini(&leaf);
    }
    dx_buf_fini(&proof);
    return id;
}

static const char *run_consistency(const char *folder, const json_t *c)
{
    dx_buf     old_note, new_note, proof = {0};
    note_key   known[16];
    bool       ok;
    checkpoint a, b;
    size_t     count = keys_of(c, known, &ok), n = 0;
    if (!ok)
        return "PV-107";
    if (!read_file(folder, text_of(c, "old"), &old_note) || !read_file(folder, text_of(c, "new"), &new_note))
        return "no file";
    merkle_hash path[64];
    const char *id = NULL;
    if (text_of(c, "proof") != NULL && read_file(folder, text_of(c, "proof"), &proof)) {
        dx_bytes in = dx_buf_view(&proof);
        while (in.size > 0 && id == NULL) {
            const uint8_t *lf = memchr(in.data, '\n', in.size);
            size_t         size = 32;
            if (lf == NULL || n == 63 || (size_t)(lf - in.data) != 44 || !dx_base64_decode(dx_bytes_part(in, 0, 44), path[n++], &size) || size != 32) {
                id = "PV-105";
                break;
            }
            in = dx_bytes_part(in, 45, in.size);
        }
    }
    if (id == NULL || strcmp(id, "PV-105") != 0) {
        const char *first = checkpoint_open(dx_buf_view(&old_note), known, count, &a);
        if (first == NULL)
            first = checkpoint_open(dx_buf_view(&new_note), known, count, &b);
        if (first != NULL)
            id = first;
    }
    if (id == NULL && !dx_bytes_equal(a.origin, b.origin))
        id = "PV-305";
    if (id == NULL && b.size < a.size)
        id = "PV-501";
    if (id == NULL && a.size == b.size && memcmp(a.root, b.root, 32) != 0)
        id = "PV-502";
    if (id == NULL && !merkle_consistency_check(a.size, a.root, b.size, b.root, (const merkle_hash *)path, n))
        id = "PV-202";
    dx_buf_fini(&old_note);
    dx_buf_fini(&new_note);
    dx_buf_fini(&proof);
    return id;
}

static const char *run_segment(const char *folder, const json_t *c, bool strict)
{
    dx_buf      files[8];
    dx_bytes    views[8];
    size_t      count = 0, i;
    json_t     *name;
    merkle_tree tree;
    recovery    r;
    const char *origin = text_of(c, "origin") != NULL ? text_of(c, "origin") : text_of(json_object_get(c, "given"), "origin");
    json_array_foreach(json_object_get(c, "files"), i, name)
        if (count < 8 && read_file(folder, json_string_value(name), &files[count]))
            count++;
    if (count == 0 && text_of(c, "file") != NULL && read_file(folder, text_of(c, "file"), &files[0]))
        count = 1;
    for (i = 0; i < count; i++)
        views[i] = dx_buf_view(&files[i]);
    merkle_init(&tree);
    const char *id = NULL;
    if (origin == NULL)
        id = "no origin";
    else if (segments_walk(views, count, origin, strict, &tree, NULL, NULL, &r).code != DX_OK)
        id = "error";
    else if (r.damaged)
        id = r.id;
    const json_t *want = json_object_get(c, "want");
    if (id == NULL && json_object_get(want, "size") != NULL && (uint64_t)json_integer_value(json_object_get(want, "size")) != merkle_size(&tree))
        id = "wrong size";
    if (id == NULL && text_of(want, "root") != NULL) {
        merkle_hash root;
        char        hex[65], base64[DX_BASE64_SIZE(32)];
        merkle_root(&tree, merkle_size(&tree), root);
        dx_hex(dx_bytes_of(root, 32), hex);
        dx_base64(dx_bytes_of(root, 32), base64);
        if (strcmp(hex, text_of(want, "root")) != 0 && strcmp(base64, text_of(want, "root")) != 0)
            id = "wrong root";
    }
    merkle_fini(&tree);
    for (i = 0; i < count; i++)
        dx_buf_fini(&files[i]);
    return id;
}

static void run_case(const char *folder, const json_t *c, size_t number)
{
    char        name[200], text[200] = "";
    const char *what = text_of(c, "do"), *id = NULL, *want = text_of(c, "id");
    const char *file = text_of(c, "name") != NULL ? text_of(c, "name") : text_of(c, "file") != NULL ? text_of(c, "file") : text_of(c, "leaf");
    bool        ok = json_is_true(json_object_get(c, "ok"));
    snprintf(name, sizeof name, "%s %s (%zu)", what, file != NULL ? file : "", number);
    if (json_array_size(json_object_get(c, "witnesses")) > 0 || text_of(c, "policy") != NULL || strcmp(what, "cose") == 0 || strcmp(what, "policy") == 0) {
        suite_skip(folder, name, "witness, policy or COSE: not read");
        return;
    }
    if (strcmp(what, "leaf") == 0)
        id = run_leaf(folder, c, text, sizeof text);
    else if (strcmp(what, "render") == 0)
        id = run_render(folder, c);
    else if (strcmp(what, "checkpoint") == 0)
        id = run_checkpoint(folder, c);
    else if (strcmp(what, "inclusion") == 0)
        id = run_inclusion(folder, c);
    else if (strcmp(what, "consistency") == 0)
        id = run_consistency(folder, c);
    else if (strcmp(what, "segment") == 0 || strcmp(what, "recover") == 0)
        id = run_segment(folder, c, strcmp(what, "segment") == 0);
    else {
        suite_skip(folder, name, "not built: derived keys, commitments, slots, key statements, fsck of tiles");
        return;
    }
    bool fits = ok ? id == NULL : id != NULL && want != NULL && strcmp(id, want) == 0;
    suite_check(fits, folder, name, "expected %s, got %s %s", ok ? "yes" : want, id == NULL ? "yes" : id, text);
}

static void run_folder(const char *folder)
{
    dx_buf  text;
    json_t *cases = NULL, *c;
    size_t  i;
    if (!read_file(folder, "expected.json", &text)) {
        suite_skip(folder, "expected.json", "no such file");
        return;
    }
    (void)!dx_json_read(dx_buf_view(&text), &(dx_json_limits){.max_bytes = 16U << 20, .reals = true}, &cases, NULL).code;
    json_t *list = json_is_array(cases) ? cases : json_object_get(cases, "cases");
    json_array_foreach(list, i, c) run_case(folder, c, i);
    json_decref(cases);
    dx_buf_fini(&text);
}

int main(int argc, char **argv)
{
    data = suite_begin("log", argc, argv);
    dx_buf text;
    if (!read_file(".", "keys.json", &text)) {
        suite_skip("all", "keys.json", "no such file");
        return suite_end();
    }
    (void)!dx_json_read(dx_buf_view(&text), &(dx_json_limits){.max_bytes = 1U << 20}, &keys, NULL).code;
    dx_buf_fini(&text);
    static const char *const folders[] = {"leaves", "checkpoints", "inclusion", "consistency", "segments", "negative", "trees", "log", "derived", "cose"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        run_folder(folders[i]);
    json_decref(keys);
    return suite_end();
}
