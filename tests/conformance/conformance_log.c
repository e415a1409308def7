/* room: trust_provenance */
/* The provenance vectors: notes, trees, proofs, tiles, leaves, segments and derivations made by somebody else
 * from the written format, each with the finding that must come first. Argument: the folder
 * provenance-vectors. */
#include "tests/conformance/suite.h"
#include "trust/base/digest.h"
#include "trust/base/json.h"
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/counters_check.h"
#include "trust/provenance/note_statement.h"
#include "trust/provenance/record.h"
#include "trust/provenance/segment.h"
#include "trust/provenance/tile.h"
#include "trust/provenance/vault.h"
#include "trust/provenance/pv_check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const char *root_folder;
static json_t *keys;

typedef struct {
    const char *group;
    char folder[PATH_MAX];
    const json_t *json;
    prov_finding finding;
    bool ok;
    json_t *got; /* values to compare with "want" */
    const char *skip;
} test_case;

static json_t *load_json(const char *path)
{
    const dx_json_limits limits = {.max_bytes = 1 << 24, .max_depth = 16};
    dx_buf text;
    json_t *tree = NULL;
    dx_why why;
    if (dx_io_read_file(&dx_io_system, path, 1 << 24, &text, &why).code != DX_OK)
        return NULL;
    if (dx_json_read(dx_buf_view(&text), &limits, &tree, &why).code != DX_OK)
        fprintf(stderr, "%s: %s\n", path, why.text);
    dx_buf_fini(&text);
    return tree;
}

static const char *text_of(const test_case *c, const char *name)
{
    return json_string_value(json_object_get(c->json, name));
}

/* A file the case names; memory is kept until the end of the case. */
static bool file_at(const test_case *c, const char *name, dx_buf *out)
{
    char path[PATH_MAX + 256];
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    return dx_io_read_file(&dx_io_system, path, 1 << 24, out, NULL).code == DX_OK;
}

static dx_buf file_of(const test_case *c, const char *member)
{
    dx_buf out = {0};
    const char *name = text_of(c, member);
    if (name != NULL && !file_at(c, name, &out))
        fprintf(stderr, "%s: cannot read %s\n", c->group, name);
    return out;
}

static void want_int(test_case *c, const char *name, uint64_t value)
{
    json_object_set_new(c->got, name, json_integer((json_int_t)value));
}

static void want_text(test_case *c, const char *name, const char *value)
{
    json_object_set_new(c->got, name, json_string(value));
}

static void want_hex(test_case *c, const char *name, dx_bytes bytes)
{
    char hex[1024];
    dx_hex(dx_bytes_part(bytes, 0, 500), hex);
    want_text(c, name, hex);
}

static bool trust_of(test_case *c, checkpoint_trust *trust)
{
    size_t i;
    const json_t *name;
    checkpoint_trust_init(trust);
    for (int witness = 0; witness < 2; witness++)
        json_array_foreach(json_object_get(c->json, witness ? "witnesses" : "keys"), i, name)
        {
            const char *vkey =
                json_string_value(json_object_get(json_object_get(keys, json_string_value(name)), "vkey"));
            if (!checkpoint_trust_add(trust, dx_bytes_text(vkey), witness, &c->finding))
                return false;
        }
    if (text_of(c, "policy") == NULL)
        return true;
    dx_buf policy = file_of(c, "policy");
    bool ok = checkpoint_trust_policy(trust, dx_buf_view(&policy), &c->finding);
    dx_buf_fini(&policy);
    return ok;
}

static void do_checkpoint(test_case *c, checkpoint_trust *trust)
{
    dx_buf note = file_of(c, "file");
    checkpoint cp;
    unsigned unverified = 0;
    c->ok = checkpoint_parse(dx_buf_view(&note), &cp, &c->finding) &&
            checkpoint_check(&cp, trust, &unverified, &c->finding);
    if (c->ok) {
        char origin[NOTE_ORIGIN_MAX + 1] = "";
        memcpy(origin, cp.origin.data, cp.origin.size);
        want_text(c, "origin", origin);
        want_int(c, "size", cp.size);
        want_hex(c, "root", dx_bytes_of(cp.root.bytes, 32));
    }
    if (c->ok && unverified > 0 && !json_is_true(json_object_get(c->json, "ok")))
        c->skip = "an ML-DSA-44 cosignature: OpenSSL 3.0 cannot verify it, the line is kept and never counts";
    dx_buf_fini(&note);
}

static void do_inclusion(test_case *c, checkpoint_trust *trust)
{
    dx_buf text = file_of(c, "file"), leaf = file_of(c, "leaf");
    tlog_proof proof;
    c->ok = tlog_proof_parse(dx_buf_view(&text), &proof, &c->finding) &&
            tlog_proof_check(&proof, dx_buf_view(&leaf), trust, &c->finding);
    if (c->ok) {
        want_int(c, "index", proof.index);
        want_int(c, "size", proof.cp.size);
        want_int(c, "hashes", proof.path.count);
        json_object_set_new(c->got, "extra", json_boolean(proof.extra));
    }
    dx_buf_fini(&text);
    dx_buf_fini(&leaf);
}

static void do_consistency(test_case *c, checkpoint_trust *trust)
{
    dx_buf old = file_of(c, "old"), new = file_of(c, "new"), proof = file_of(c, "proof");
    checkpoint a, b;
    merkle_path path;
    dx_bytes text = dx_buf_view(&proof);
    c->ok = checkpoint_parse(dx_buf_view(&old), &a, &c->finding) &&
            checkpoint_check(&a, trust, NULL, &c->finding) &&
            checkpoint_parse(dx_buf_view(&new), &b, &c->finding) &&
            checkpoint_check(&b, trust, NULL, &c->finding);
    if (c->ok && !dx_bytes_equal(a.origin, b.origin)) {
        c->ok = false;
        snprintf(c->finding.id, sizeof c->finding.id, "PV-305");
    }
    c->ok = c->ok && tlog_hashes_parse(&text, true, &path, &c->finding) &&
            checkpoint_check_growth(&a, &b, &path, &c->finding);
    if (c->ok)
        want_int(c, "hashes", path.count);
    dx_buf_fini(&old);
    dx_buf_fini(&new);
    dx_buf_fini(&proof);
}

static void do_leaf(test_case *c)
{
    dx_buf leaf = file_of(c, "file");
    c->ok = leaf_lint(dx_buf_view(&leaf), NULL, &c->finding);
    dx_buf_fini(&leaf);
}

/* ---- rendering: the members in any order give exactly the bytes, by the builder that the gateway uses ----
 */

static void set_members(prov_record *record, const json_t *value, const char *path)
{
    const char *name;
    const json_t *member;
    size_t i;
    char full[160];
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            snprintf(full, sizeof full, "%s%s%s", path, path[0] != 0 ? "." : "", name);
            if (strcmp(full, "log") != 0)
                set_members(record, member, full);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            if (json_is_object(member)) {
                prov_add_object(record, path);
                set_members(record, member, path);
            } else if (json_is_integer(member)) {
                prov_add_int(record, path, json_integer_value(member));
            } else {
                prov_add_text(record, path,
                              dx_bytes_of(json_string_value(member), json_string_length(member)));
            }
        }
    } else if (json_is_integer(value)) {
        prov_set_int(record, path, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        prov_set_bool(record, path, json_is_true(value));
    } else {
        prov_set_text(record, path, dx_bytes_of(json_string_value(value), json_string_length(value)));
    }
}

static void do_render(test_case *c)
{
    char path[PATH_MAX + 256];
    dx_arena arena = {0};
    dx_buf want = file_of(c, "file"), head, tail;
    prov_type type;
    snprintf(path, sizeof path, "%s/%s", c->folder, text_of(c, "input"));
    json_t *input = load_json(path);
    dx_buf_init(&head, 1 << 20);
    dx_buf_init(&tail, 1 << 20);
    if (input == NULL ||
        !leaf_schema_type(dx_bytes_text(json_string_value(json_object_get(input, "type"))), &type)) {
        snprintf(c->finding.text, sizeof c->finding.text, "no input");
    } else {
        prov_record *record = prov_record_new(&arena, type);
        set_members(record, input, "");
        bool ok = record_fault(record) == NULL && record_render(record, &head, &tail).code == DX_OK &&
                  dx_buf_add_text(&head, "\"log\":").code == DX_OK &&
                  dx_json_canonical(json_object_get(input, "log"), &head).code == DX_OK &&
                  dx_buf_add(&head, dx_buf_view(&tail)).code == DX_OK;
        c->ok = ok && dx_bytes_equal(dx_buf_view(&head), dx_buf_view(&want)) &&
                leaf_lint(dx_buf_view(&want), NULL, &c->finding);
        if (!c->ok && c->finding.text[0] == 0)
            snprintf(c->finding.text, sizeof c->finding.text, "rendered bytes differ (%s)",
                     record_fault(record) == NULL ? "" : record_fault(record));
        merkle_hash hash = merkle_leaf(dx_buf_view(&head));
        want_hex(c, "hash", dx_bytes_of(hash.bytes, 32));
        want_int(c, "bytes", head.size);
    }
    json_decref(input);
    dx_arena_fini(&arena);
    dx_buf_fini(&want);
    dx_buf_fini(&head);
    dx_buf_fini(&tail);
}

/* ---- tiles: everything computed again from the entry bundles ---- */

typedef struct {
    dx_buf level[8];
} levels;

static void keep_full(void *context, unsigned level, const merkle_hash *hash)
{
    levels *l = context;
    if (level < 8 && dx_buf_add(&l->level[level], dx_bytes_of(hash->bytes, 32)).code != DX_OK)
        abort();
}

static bool fsck_bundle(test_case *c, const char *folder, uint64_t n, unsigned width, merkle_tree *tree,
                        levels *l, counters *counts, prov_finding *leaf_finding, bool leaves)
{
    char path[160], full[512];
    dx_buf content = {0};
    tile_name name = {true, 0, n, width};
    tile_print(&name, path, sizeof path);
    snprintf(full, sizeof full, "%s/%s", folder, path);
    if (!file_at(c, full, &content))
        return prov_no(&c->finding, "PV-106", "%s is missing", path);
    size_t at = 0;
    bool ok = true;
    dx_bytes leaf;
    for (unsigned i = 0; i < width && ok; i++) {
        leaf_view view;
        prov_finding f;
        uint64_t index = n * TILE_WIDTH + i;
        ok = frame_next_leaf(dx_buf_view(&content), &at, &leaf) ||
             prov_no(&c->finding, "PV-106", "%s is cut short", path);
        if (!ok)
            break;
        if (leaves && leaf_finding->id[0] == 0) {
            bool good = leaf_lint(leaf, &view, &f);
            if (good && leaf_view_u64(&view, "log.i") != index)
                good = prov_no(&f, "PV-204", "log.i");
            if (good)
                good = counters_check(counts, index, &view, &f);
            if (!good)
                *leaf_finding = f;
        }
        merkle_hash hash = merkle_leaf(leaf);
        merkle_add(tree, &hash, keep_full, l);
    }
    if (ok && at != content.size)
        ok = prov_no(&c->finding, "PV-106", "%s has entries more", path);
    dx_buf_fini(&content);
    return ok;
}

static bool fsck_tile(test_case *c, const char *folder, const tile_name *name, const dx_buf *level)
{
    char path[160], full[512];
    dx_buf content = {0};
    tile_print(name, path, sizeof path);
    snprintf(full, sizeof full, "%s/%s", folder, path);
    if (!file_at(c, full, &content))
        return prov_no(&c->finding, "PV-106", "%s is missing", path);
    bool ok = content.size == (size_t)name->width * 32 ||
              prov_no(&c->finding, "PV-106", "%s has another width", path);
    if (ok && memcmp(content.data, level->data + name->n * TILE_WIDTH * 32, content.size) != 0)
        ok = prov_no(&c->finding, "PV-203", "%s differs from the computed one", path);
    dx_buf_fini(&content);
    return ok;
}

static void do_fsck(test_case *c, checkpoint_trust *trust)
{
    const char *folder = text_of(c, "file");
    char path[512];
    dx_buf note = {0};
    checkpoint cp;
    levels l;
    unsigned tiles = 0, bundles = 0;
    merkle_tree tree = {0};
    counters *counts = counters_new();
    prov_finding leaf_finding = {0};
    bool leaves = json_is_true(json_object_get(c->json, "leaves"));
    for (int i = 0; i < 8; i++)
        dx_buf_init(&l.level[i], 1 << 24);
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    bool ok = file_at(c, path, &note) || prov_no(&c->finding, "PV-104", "no checkpoint");
    ok = ok && checkpoint_parse(dx_buf_view(&note), &cp, &c->finding) &&
         checkpoint_check(&cp, trust, NULL, &c->finding);
    for (uint64_t n = 0; ok && n * TILE_WIDTH < cp.size; n++, bundles++) {
        uint64_t left = cp.size - n * TILE_WIDTH;
        ok = fsck_bundle(c, folder, n, left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH, &tree, &l, counts,
                         &leaf_finding, leaves);
    }
    unsigned level = 0;
    for (uint64_t size = ok ? cp.size : 0; ok && size > 0; size /= TILE_WIDTH, level++)
        for (uint64_t n = 0; ok && n * TILE_WIDTH < size; n++, tiles++) {
            uint64_t left = size - n * TILE_WIDTH;
            tile_name name = {false, level, n, left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH};
            ok = fsck_tile(c, folder, &name, &l.level[level]);
        }
    merkle_hash root = merkle_root(&tree);
    if (ok && !merkle_same(&root, &cp.root))
        ok = prov_no(&c->finding, "PV-203", "the root is another");
    if (ok && leaf_finding.id[0] != 0) {
        c->finding = leaf_finding;
        ok = false;
    }
    c->ok = ok;
    if (ok) {
        want_hex(c, "root", dx_bytes_of(root.bytes, 32));
        want_int(c, "size", cp.size);
        want_int(c, "tiles", tiles);
        want_int(c, "bundles", bundles);
        want_text(c, "tessera", "ok"); /* a word of the foreign program about itself */
    }
    for (int i = 0; i < 8; i++)
        dx_buf_fini(&l.level[i]);
    dx_buf_fini(&note);
    counters_free(counts);
}

/* ---- segments ---- */

typedef struct {
    counters *counts;
    bool leaves;
} segment_leaves;

static bool segment_leaf(void *context, uint64_t index, uint32_t ordinal, uint64_t at, dx_bytes leaf,
                         prov_finding *finding)
{
    segment_leaves *s = context;
    leaf_view view;
    (void)ordinal;
    (void)at;
    if (!s->leaves)
        return true;
    if (!leaf_lint(leaf, &view, finding))
        return false;
    if (leaf_view_u64(&view, "log.i") != index)
        return prov_no(finding, "PV-204", "log.i");
    return counters_check(s->counts, index, &view, finding);
}

static void do_segments(test_case *c, bool recover)
{
    const json_t *files = json_object_get(c->json, "files"), *name;
    char paths[8][PATH_MAX + 256];
    const char *list[8];
    size_t i;
    unsigned count = 0;
    segment_end end;
    merkle_tree tree = {0};
    dx_why why;
    segment_leaves s = {counters_new(), json_is_true(json_object_get(c->json, "leaves"))};
    json_array_foreach(files, i, name)
    {
        if (count == 8)
            break;
        snprintf(paths[count], sizeof paths[count], "%s/%s", c->folder, json_string_value(name));
        list[count] = paths[count];
        count++;
    }
    const segment_walk walk = {.io = &dx_io_system,
                               .origin = text_of(c, "origin"),
                               .recover = recover,
                               .tree = &tree,
                               .leaf = segment_leaf,
                               .context = &s};
    if (segment_walk_files(&walk, list, count, &end, &c->finding, &why).code != DX_OK)
        snprintf(c->finding.text, sizeof c->finding.text, "%.190s", why.text);
    c->ok = c->finding.ok;
    merkle_hash root = merkle_root(&tree);
    want_int(c, "size", tree.size);
    want_hex(c, "root", dx_bytes_of(root.bytes, 32));
    json_object_set_new(c->got, "torn", json_boolean(end.torn));
    counters_free(s.counts);
}

/* ---- derivations ---- */

static bool hex_member(const json_t *object, const char *name, uint8_t *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t n = size;
    return text != NULL && dx_hex_decode(dx_bytes_text(text), out, &n) && n == size;
}

static void do_commitment(test_case *c)
{
    const json_t *given = json_object_get(c->json, "given");
    uint8_t salt[32], digest[32];
    char text[VAULT_COMMITMENT_SIZE], encoded[64];
    c->ok = hex_member(given, "salt", salt, 32);
    dx_sha256(dx_bytes_text(json_string_value(json_object_get(given, "value"))), digest);
    vault_commitment(salt, json_string_value(json_object_get(given, "name")), digest, text);
    dx_base64url(dx_bytes_of(digest, 32), encoded);
    want_text(c, "commitment", text);
    want_text(c, "digest", encoded);
}

static void do_vault(test_case *c)
{
    const json_t *given = json_object_get(c->json, "given");
    uint8_t bucket[32], id[16], k_rec[32], salt[32], k_seal[32];
    dx_buf sealed, plain;
    c->ok = hex_member(given, "bucket", bucket, 32) &&
            vault_uuid(dx_bytes_text(json_string_value(json_object_get(given, "rec.id"))), id);
    vault_k_rec(bucket, id, k_rec);
    vault_salt(k_rec, json_string_value(json_object_get(given, "name")), salt);
    vault_k_seal(k_rec, k_seal);
    want_hex(c, "k_rec", dx_bytes_of(k_rec, 32));
    want_hex(c, "salt", dx_bytes_of(salt, 32));
    want_hex(c, "k_seal", dx_bytes_of(k_seal, 32));
    dx_buf_init(&sealed, 4096);
    dx_buf_init(&plain, 4096);
    const char *text = json_string_value(json_object_get(given, "plain"));
    c->ok = c->ok && vault_side_seal(k_rec, id, dx_bytes_text(text), &sealed, NULL).code == DX_OK &&
            vault_side_open(k_rec, id, dx_buf_view(&sealed), &plain, NULL).code == DX_OK &&
            dx_bytes_is(dx_buf_view(&plain), text);
    want_hex(c, "sealed", dx_buf_view(&sealed));
    dx_buf_fini(&sealed);
    dx_buf_fini(&plain);
}

static void do_opening(test_case *c)
{
    dx_buf opening = file_of(c, "file"), leaf = file_of(c, "leaf"), value = file_of(c, "value");
    c->ok = vault_opening_check(dx_buf_view(&opening), dx_buf_view(&leaf), dx_buf_view(&value), &c->finding);
    dx_buf_fini(&opening);
    dx_buf_fini(&leaf);
    dx_buf_fini(&value);
}

static void do_slot(test_case *c)
{
    const json_t *given = json_object_get(c->json, "given"), *purpose = json_object_get(given, "purpose");
    uint8_t key[32], leaf[32];
    const char *country = json_string_value(json_object_get(given, "country"));
    c->ok = hex_member(given, "key", key, 32);
    unsigned slot =
        counters_slot((unsigned)json_integer_value(json_object_get(given, "role")), (const uint8_t *)country);
    counters_slot_leaf(key, slot, purpose == NULL ? -1 : (int)json_integer_value(purpose),
                       (uint64_t)json_integer_value(json_object_get(given, "n")), leaf);
    want_int(c, "slot", slot);
    want_hex(c, "leaf", dx_bytes_of(leaf, 32));
}

static void do_counters(test_case *c)
{
    char path[PATH_MAX + 256], encoded[64];
    uint8_t key[32];
    const char *name;
    json_t *value;
    merkle_hash root, purpose_root;
    counters *counts = counters_new();
    snprintf(path, sizeof path, "%s/%s", c->folder, text_of(c, "file"));
    json_t *pairs = load_json(path);
    json_object_foreach(pairs, name, value) for (json_int_t i = 0; i < json_integer_value(value); i++)
        counters_add(counts, dx_bytes_text(name));
    const json_t *given = json_object_get(c->json, "given"), *purposes = json_object_get(given, "purposes");
    const char *names[COUNTERS_PURPOSES_MAX];
    unsigned count = 0;
    for (; count < json_array_size(purposes) && count < COUNTERS_PURPOSES_MAX; count++)
        names[count] = json_string_value(json_array_get(purposes, count));
    c->ok = hex_member(given, "key", key, 32) &&
            counters_roots(counts, key, names, count, &root, &purpose_root).code == DX_OK;
    dx_base64url(dx_bytes_of(root.bytes, 32), encoded);
    want_text(c, "root", encoded);
    dx_base64url(dx_bytes_of(purpose_root.bytes, 32), encoded);
    want_text(c, "purpose_root", encoded);
    want_int(c, "pairs", counters_pairs(counts));
    json_decref(pairs);
    counters_free(counts);
}

static void do_statement(test_case *c)
{
    dx_buf note = file_of(c, "file"), leaf = file_of(c, "leaf");
    c->ok = note_statement_check(dx_buf_view(&note), dx_buf_view(&leaf), &c->finding);
    dx_buf_fini(&note);
    dx_buf_fini(&leaf);
}

static void do_case(test_case *c)
{
    static checkpoint_trust trust;
    const char *what = text_of(c, "do");
    if (strcmp(what, "cose") == 0) {
        c->skip = "COSE receipts are not built";
        return;
    }
    if (!trust_of(c, &trust))
        return;
    if (strcmp(what, "checkpoint") == 0)
        do_checkpoint(c, &trust);
    else if (strcmp(what, "inclusion") == 0)
        do_inclusion(c, &trust);
    else if (strcmp(what, "consistency") == 0)
        do_consistency(c, &trust);
    else if (strcmp(what, "leaf") == 0)
        do_leaf(c);
    else if (strcmp(what, "render") == 0)
        do_render(c);
    else if (strcmp(what, "fsck") == 0)
        do_fsck(c, &trust);
    else if (strcmp(what, "segment") == 0 || strcmp(what, "recover") == 0)
        do_segments(c, strcmp(what, "recover") == 0);
    else if (strcmp(what, "commitment") == 0)
        do_commitment(c);
    else if (strcmp(what, "vault") == 0)
        do_vault(c);
    else if (strcmp(what, "opening") == 0)
        do_opening(c);
    else if (strcmp(what, "slot") == 0)
        do_slot(c);
    else if (strcmp(what, "counters") == 0)
        do_counters(c);
    else if (strcmp(what, "key-statement") == 0)
        do_statement(c);
    else if (strcmp(what, "vkey") == 0 || strcmp(what, "policy") == 0) {
        dx_buf text = file_of(c, "file");
        c->ok = what[0] == 'v'
                    ? checkpoint_trust_add(&trust, dx_bytes_trim(dx_buf_view(&text)), false, &c->finding)
                    : checkpoint_trust_policy(&trust, dx_buf_view(&text), &c->finding);
        dx_buf_fini(&text);
    } else
        c->skip = "no such kind of case is known here";
}

static void judge(test_case *c, const char *name)
{
    bool want_ok = json_is_true(json_object_get(c->json, "ok"));
    const char *id = text_of(c, "id"), *key;
    json_t *value;
    if (c->skip != NULL) {
        suite_skip(c->group, name, c->skip);
        return;
    }
    if (c->ok != want_ok || (!want_ok && strcmp(c->finding.id, id) != 0)) {
        suite_fail(c->group, name, "%s %s %s, wanted %s", c->ok ? "accepted" : "refused", c->finding.id,
                   c->finding.text, want_ok ? "yes" : id);
        return;
    }
    json_object_foreach(json_object_get(c->json, "want"), key, value)
    {
        if (want_ok && !json_equal(value, json_object_get(c->got, key))) {
            suite_fail(c->group, name, "%s differs", key);
            return;
        }
    }
    suite_pass(c->group, name);
}

static void run_group(const char *group)
{
    char path[PATH_MAX];
    size_t i;
    const json_t *one;
    snprintf(path, sizeof path, "%s/%s/expected.json", root_folder, group);
    json_t *expected = load_json(path);
    if (expected == NULL) {
        suite_skip(group, "expected.json", "missing or unreadable");
        return;
    }
    json_array_foreach(json_object_get(expected, "cases"), i, one)
    {
        test_case c = {.group = group, .json = one, .got = json_object()};
        snprintf(c.folder, sizeof c.folder, "%s/%s", root_folder, group);
        const char *name = json_string_value(json_object_get(one, "name"));
        if (strcmp(group, "witness") == 0)
            c.skip = "the witness server is not built";
        else
            do_case(&c);
        judge(&c, name);
        json_decref(c.got);
    }
    json_decref(expected);
}

int main(int argc, char **argv)
{
    static const char *const groups[] = {"leaves",      "log",         "trees",    "inclusion",
                                         "consistency", "checkpoints", "segments", "derived",
                                         "negative",    "cose",        "witness"};
    char path[PATH_MAX];
    root_folder = suite_begin("log", argc, argv);
    snprintf(path, sizeof path, "%s/keys.json", root_folder);
    keys = load_json(path);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        run_group(groups[i]);
    json_decref(keys);
    return suite_end();
}
