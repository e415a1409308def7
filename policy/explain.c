/* A ruling in words, and tests of a bundle (policy.md 15). */
#include "policy/facts_read.h"
#include "policy/policy_judge.h"
#include "policy/shape.h"

#include <stdio.h>

static const char *pick(const char *lang, const char *en, const char *ja)
{
    return lang != NULL && strncmp(lang, "ja", 2) == 0 ? ja : en;
}

/* One line for each leaf that stood in the way. */
static DX_RC explain_leaves(const json_t *list, const char *lang, bool unknown, dx_buf *out)
{
    size_t i;
    json_t *leaf;
    json_array_foreach(list, i, leaf)
    {
        dx_buf want, got;
        dx_buf_init(&want, 1024 * 1024);
        dx_buf_init(&got, 1024 * 1024);
        json_t *value = json_object_get(leaf, "got");
        struct dx_rc rc = dx_json_canonical(json_object_get(leaf, "want"), &want);
        if (rc.code == DX_OK)
            rc = value == NULL ? dx_buf_add_text(&got, pick(lang, "missing", "不明"))
                               : dx_json_canonical(value, &got);
        if (rc.code == DX_OK)
            rc =
                dx_buf_addf(out, "  %s %s %s " DX_TEXT_FMT "\n    %s " DX_TEXT_FMT " (%s)  %s\n",
                            unknown ? pick(lang, "unknown:", "判定不能:") : pick(lang, "not met:", "不成立:"),
                            json_string_value(json_object_get(leaf, "attr")),
                            json_string_value(json_object_get(leaf, "op")), DX_TEXT_ARG(dx_buf_view(&want)),
                            pick(lang, "is", "実際の値:"), DX_TEXT_ARG(dx_buf_view(&got)),
                            json_string_value(json_object_get(leaf, "asserted_by")),
                            json_string_value(json_object_get(leaf, "path")));
        dx_buf_fini(&want);
        dx_buf_fini(&got);
        DX_TRY(rc);
    }
    return DX_OKAY;
}

static DX_RC explain_list(const json_t *list, const char *title, dx_buf *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *text = json_is_string(item) ? json_string_value(item)
                                                : json_string_value(json_object_get(item, "clause"));
        const char *code = json_string_value(json_object_get(item, "code"));
        DX_TRY(dx_buf_addf(out, "%s%s%s%s\n", i == 0 ? title : "  ", text == NULL ? "" : text,
                           code == NULL ? "" : " ", code == NULL ? "" : code));
    }
    return DX_OKAY;
}

static DX_RC explain_text(const policy_ruling *r, const char *json, const char *lang, dx_buf *out)
{
    json_t *tree = json_loads(json, 0, NULL);
    if (tree == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    struct dx_rc rc =
        dx_buf_addf(out, "%s: %s\n  %s\n",
                    r->answer == POLICY_PERMIT ? pick(lang, "permit", "許可") : pick(lang, "deny", "拒否"),
                    r->code, policy_code_title(r->code, lang));
    if (rc.code == DX_OK)
        rc = dx_buf_addf(out, "%s %s\n", pick(lang, "clause", "根拠条項"), r->clause);
    if (rc.code == DX_OK && r->law != NULL)
        rc = dx_buf_addf(out, "%s %s\n", pick(lang, "law", "法令"), r->law);
    if (rc.code == DX_OK && r->agreement_id != NULL)
        rc = dx_buf_addf(out, "%s %s@%lld\n", pick(lang, "agreement", "合意"), r->agreement_id,
                         (long long)r->agreement_version);
    if (rc.code == DX_OK)
        rc = explain_leaves(json_object_get(tree, "failed"), lang, false, out);
    if (rc.code == DX_OK)
        rc = explain_leaves(json_object_get(tree, "unknown"), lang, true, out);
    if (rc.code == DX_OK)
        rc = explain_list(json_object_get(tree, "pending"),
                          pick(lang, "still to be judged:\n  ", "今後判定:\n  "), out);
    if (rc.code == DX_OK)
        rc = explain_list(json_object_get(tree, "would"), pick(lang, "in shadow:\n  ", "試行ルール:\n  "),
                          out);
    if (rc.code == DX_OK && json_string_value(json_object_get(tree, "nearest")) != NULL)
        rc = dx_buf_addf(out, "%s %s\n", pick(lang, "nearest permit", "最も近い許可"),
                         json_string_value(json_object_get(tree, "nearest")));
    json_decref(tree);
    return rc;
}

/* Judges what was read, as tests and explain do: with quotas against usage.*. */
static DX_RC judge_read(const policy *p, const facts_read *in, dx_arena *arena, policy_ruling *r,
                        const char **json)
{
    judge_trace trace = {0};
    obligations merged = {0};
    dx_buf out;
    *r = p == NULL ? policy_evaluate(NULL, in->upto, in->facts, &in->can, arena)
                   : evaluate_walk(p, in->upto, in->facts, &in->can, arena, true, &trace, &merged);
    dx_buf_init(&out, 8 * 1024 * 1024);
    struct dx_rc rc = ruling_print(p, r, &trace, &merged, &out);
    *json = rc.code == DX_OK ? dx_arena_text(arena, dx_buf_view(&out)) : NULL;
    dx_buf_fini(&out);
    DX_TRY(rc);
    return *json == NULL ? (struct dx_rc){DX_NO_MEMORY} : DX_OKAY;
}

DX_RC policy_explain(const policy *p, dx_bytes facts_document, const char *fixtures_dir, const dx_io *io,
                     const char *lang, policy_ruling *ruling, dx_buf *text, dx_arena *arena,
                     policy_findings *bad, dx_why *why)
{
    const policy_source source = {.dir = ".", .io = io, .working_copy = true};
    bundle b = {.source = &source, .lint = bad};
    bundle_document doc = {.path = "facts", .kind = KIND_FACTS, .text = facts_document};
    facts_read in = {0};
    const char *json = NULL;
    bool memory = bundle_vocabulary(&b);
    *ruling = (policy_ruling){0};
    bundle_parse(&b, &doc);
    shape_check(&b, &doc);
    if (!doc.closed && doc.json != NULL)
        memory = facts_read_document(&b, &doc, fixtures_dir, io, arena, &in) && memory;
    json_decref(doc.json);
    bundle_fini(&b);
    finding_sort(bad);
    if (!memory)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the facts");
    if (bad->errors > 0)
        return dx_fail(why, DX_MALFORMED, bad->count > 0 ? bad->items[0].id : "", "policy.md 15",
                       "%s: %.150s", bad->count > 0 ? bad->items[0].pointer : "",
                       bad->count > 0 ? bad->items[0].text : "the facts file is wrong");
    DX_TRY(judge_read(p, &in, arena, ruling, &json));
    DX_TRY(dx_buf_add_text(text, json));
    DX_TRY(dx_buf_add_byte(text, '\n'));
    return explain_text(ruling, json, lang, text);
}

/* ---- tests ---- */

/* Objects member by member, all else equal. */
static bool subset(const json_t *want, const json_t *got)
{
    const char *name;
    json_t *value;
    if (!json_is_object(want))
        return json_equal(want, got);
    json_object_foreach((json_t *)(uintptr_t)want, name, value)
    {
        if (!json_is_object(got) || !subset(value, json_object_get(got, name)))
            return false;
    }
    return true;
}

static bool has_path(const json_t *leaves, dx_bytes path)
{
    size_t i;
    json_t *leaf;
    json_array_foreach(leaves, i, leaf)
    {
        if (dx_bytes_equal(json_view(json_object_get(leaf, "path")), path))
            return true;
    }
    return false;
}

static bool expectation_holds(const json_t *want, const json_t *got)
{
    const char *name;
    json_t *value, *path;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)want, name, value)
    {
        const json_t *is = json_object_get(got, name);
        if (strcmp(name, "failed") == 0 || strcmp(name, "unknown") == 0) {
            json_array_foreach(value, i, path)
            {
                if (!has_path(is, json_view(path)))
                    return false;
            }
        } else if (strcmp(name, "obligations") == 0 ? !subset(value, is) : !json_equal(value, is)) {
            return false;
        }
    }
    return true;
}

typedef struct {
    const policy *p;
    void (*line)(void *context, const char *text);
    void *context;
    unsigned *passed, *failed;
    dx_buf *json;
} run;

static DX_RC report_failure(run *r, const bundle_document *doc, const char *got)
{
    dx_buf want;
    dx_buf_init(&want, 1024 * 1024);
    struct dx_rc rc = dx_json_canonical(json_object_get(doc->json, "expect"), &want);
    char *text = NULL;
    if (rc.code == DX_OK)
        rc = dx_buf_add_byte(&want, 0);
    if (rc.code == DX_OK && r->line != NULL &&
        asprintf(&text, "FAIL %s (%s)\n  want %s\n  got  %s", doc->id, doc->path, (char *)want.data, got) >
            0) {
        r->line(r->context, text);
        free(text);
    }
    if (rc.code == DX_OK && r->json != NULL) {
        rc = dx_buf_addf(r->json, "%s{\"file\":", *r->failed > 1 ? "," : "");
        if (rc.code == DX_OK)
            rc = dx_json_quote(dx_bytes_text(doc->path), r->json);
        if (rc.code == DX_OK)
            rc = dx_buf_addf(r->json, ",\"got\":%s,\"id\":", got);
        if (rc.code == DX_OK)
            rc = dx_json_quote(dx_bytes_text(doc->id), r->json);
        if (rc.code == DX_OK)
            rc = dx_buf_addf(r->json, ",\"want\":%s}", (char *)want.data);
    }
    dx_buf_fini(&want);
    return rc;
}

static DX_RC run_test(run *r, bundle *b, const bundle_document *doc, const char *fixtures, dx_why *why)
{
    dx_arena arena;
    facts_read in;
    policy_ruling ruling;
    const char *json = NULL;
    dx_arena_init(&arena, 64 * 1024 * 1024);
    struct dx_rc rc = facts_read_document(b, doc, fixtures, b->source->io, &arena, &in)
                          ? DX_OKAY
                          : DX_FAIL(why, NO_MEMORY, "", "no memory for a test");
    if (rc.code == DX_OK)
        rc = judge_read(r->p, &in, &arena, &ruling, &json);
    json_t *got = rc.code == DX_OK ? json_loads(json, 0, NULL) : NULL;
    if (rc.code == DX_OK && expectation_holds(json_object_get(doc->json, "expect"), got)) {
        ++*r->passed;
        char line[256];
        snprintf(line, sizeof line, "ok   %.200s", doc->id);
        if (r->line != NULL)
            r->line(r->context, line);
    } else if (rc.code == DX_OK) {
        ++*r->failed;
        rc = report_failure(r, doc, json);
    }
    json_decref(got);
    dx_arena_fini(&arena);
    return rc;
}

DX_RC policy_test_run(const policy_source *source, const char *filter,
                      void (*line)(void *context, const char *text), void *context, unsigned *passed,
                      unsigned *failed, dx_buf *json, dx_why *why)
{
    policy_findings lint = {0}, again = {0};
    policy *p = NULL;
    bundle b = {.source = source, .lint = &again};
    char fixtures[4096];
    *passed = *failed = 0;
    struct dx_rc rc = policy_build(source, NULL, &p, &lint, why);
    run r = {p, line, context, passed, failed, json};
    snprintf(fixtures, sizeof fixtures, "%s/tests/fixtures", source->dir);
    for (size_t i = 0; rc.code == DX_CONFIG && i < lint.count && line != NULL; i++) {
        char text[800];
        snprintf(text, sizeof text, "%s:%u:%u: %s %s %s: %s", lint.items[i].file, lint.items[i].line,
                 lint.items[i].column, lint.items[i].error ? "error" : "warning", lint.items[i].id,
                 lint.items[i].pointer, lint.items[i].text);
        line(context, text);
    }
    if (rc.code == DX_OK && json != NULL)
        rc = dx_buf_add_text(json, "{\"failed\":[");
    if (rc.code == DX_OK)
        rc = bundle_read(&b, why);
    if (rc.code == DX_OK && !bundle_vocabulary(&b))
        rc = DX_FAIL(why, NO_MEMORY, "", "no memory for the tests");
    for (size_t i = 0; rc.code == DX_OK && i < b.count; i++)
        if (b.documents[i].kind == KIND_TEST && (filter == NULL || strstr(b.documents[i].id, filter) != NULL))
            rc = run_test(&r, &b, &b.documents[i], fixtures, why);
    if (rc.code == DX_OK && json != NULL)
        rc = dx_buf_addf(json, "],\"passed\":%u,\"tests\":%u}", *passed, *passed + *failed);
    bundle_fini(&b);
    policy_findings_fini(&lint);
    policy_findings_fini(&again);
    policy_unref(p);
    return rc;
}
