#include "policy/compile.h"
#include "policy/facts_read.h"
#include "policy/shape.h"

#include <stdio.h>
#include <stdlib.h>

/* What tests give as facts is read as it will be read when they run. */
static void check_tests(bundle *b)
{
    char fixtures[4096];
    snprintf(fixtures, sizeof fixtures, "%s/tests/fixtures", b->source->dir);
    for (size_t i = 0; i < b->count; i++) {
        dx_arena arena = {0};
        facts_read in;
        if (b->documents[i].kind != KIND_TEST || b->documents[i].closed)
            continue;
        if (!facts_read_document(b, &b->documents[i], fixtures, b->source->io, &arena, &in))
            b->out_of_memory = true;
        dx_arena_fini(&arena);
    }
}

/* Shapes, vocabulary, references, and the manifest: everything that is E before the model exists. */
static DX_RC check_documents(bundle *b, dx_why *why)
{
    if (!bundle_vocabulary(b))
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the vocabulary");
    if (b->has_manifest && b->manifest.json != NULL)
        shape_check(b, &b->manifest);
    for (size_t i = 0; i < b->count; i++)
        shape_check(b, &b->documents[i]);
    bundle_refer(b);
    check_tests(b);
    manifest_check(b);
    return b->out_of_memory ? DX_FAIL(why, NO_MEMORY, "", "no memory to check the policy") : DX_OKAY;
}

static DX_RC refused(const bundle *b, dx_why *why)
{
    finding_sort(b->lint);
    for (size_t i = 0; i < b->lint->count; i++)
        if (b->lint->items[i].error) {
            const policy_finding *f = &b->lint->items[i];
            return dx_fail(why, DX_CONFIG, f->id, "policy.md 14", "%.60s%s%.60s: %.100s (%zu errors)",
                           f->file, f->pointer[0] != 0 ? "#" : "", f->pointer, f->text, b->lint->errors);
        }
    return DX_FAIL(why, CONFIG, "policy.md 14", "the bundle has %zu errors", b->lint->errors);
}

static DX_RC build(bundle *b, policy *p, dx_why *why)
{
    DX_TRY(bundle_read(b, why));
    DX_TRY(check_documents(b, why));
    if (b->lint->errors > 0)
        return refused(b, why);
    DX_TRY(compile_bundle(b, p, why));
    lint_check(b, p);
    if (b->lint->errors > 0)
        return refused(b, why);
    finding_sort(b->lint);
    return b->out_of_memory ? DX_FAIL(why, NO_MEMORY, "", "no memory to check the policy") : DX_OKAY;
}

DX_RC policy_build(const policy_source *source, const policy_can *can, policy **out, policy_findings *lint,
                   dx_why *why)
{
    bundle b = {.source = source, .can = can, .lint = lint};
    policy *p = calloc(1, sizeof *p);
    *out = NULL;
    if (p == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the policy");
    atomic_init(&p->references, 1);
    struct dx_rc rc = build(&b, p, why);
    bundle_fini(&b);
    if (rc.code != DX_OK) {
        policy_unref(p);
        return rc;
    }
    *out = p;
    return DX_OKAY;
}

policy *policy_ref(const policy *p)
{
    policy *mine = (policy *)(uintptr_t)p;
    atomic_fetch_add(&mine->references, 1);
    return mine;
}

void policy_unref(policy *p)
{
    if (p == NULL || atomic_fetch_sub(&p->references, 1) != 1)
        return;
    dx_arena_fini(&p->arena);
    free(p);
}

const char *policy_revision(const policy *p)
{
    return p->revision;
}

int64_t policy_serial(const policy *p)
{
    return p->serial;
}

const uint8_t *policy_sha256(const policy *p)
{
    return p->sha256;
}
