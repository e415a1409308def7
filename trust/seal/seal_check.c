/* The order of judging (seals.md 10): cheap checks first, the first no ends it, and no signature is verified
 * for a certificate that is not believed. */
#include "trust/seal/seal_judge.h"

static bool (*const steps[])(seal_judge *) = {
    seal_step_form,        seal_step_coverage,   seal_step_base,      seal_step_digest, seal_step_references,
    seal_step_certificate, seal_step_signatures, seal_step_addressee, seal_step_time,
};

static bool all_steps(seal_judge *j)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!steps[i](j))
            return false;
    /* stage_inspect has judged these in step 6, at now */
    return j->spec->inspect_now || seal_step_lifetime(j);
}

bool seal_judge_value(seal_judge *j, seal_block block, dx_bytes name, dx_bytes *out)
{
    struct dx_rc rc = seal_message_value(block, name, j->arena, out);
    j->report.no_memory |= rc.code == DX_NO_MEMORY;
    return rc.code == DX_OK;
}

bool seal_judge_anywhere(seal_judge *j, const char *name, dx_bytes *out)
{
    return seal_judge_value(j, seal_message_head(j->message), dx_bytes_text(name), out) ||
           seal_judge_value(j, seal_message_trailers(j->message), dx_bytes_text(name), out);
}

seal_judge *seal_judge_begin(const seal_check_spec *spec, dx_arena *arena, seal_verdict *out, dx_why *why)
{
    *out = (seal_verdict){0};
    seal_judge *j = DX_ARENA_NEW(arena, seal_judge);
    if (j == NULL) {
        (void)DX_FAIL(why, NO_MEMORY, "", "no room to check a seal");
        return NULL;
    }
    j->spec = spec;
    j->arena = arena;
    j->report = (seal_report){.arena = arena, .verdict = out};
    return j;
}

DX_RC seal_judge_end(seal_judge *j, bool passed, seal_verdict *out, dx_why *why)
{
    out->proven_s = j->proven_s;
    seal_certificate_close(j->certificate);
    j->certificate = NULL;
    if (j->report.no_memory) {
        *out = (seal_verdict){0};
        return DX_FAIL(why, NO_MEMORY, "", "no room to check a seal");
    }
    if (passed)
        out->indication = SEAL_TOTAL_PASSED;
    return DX_OKAY;
}

DX_RC seal_check(const seal_message *message, const seal_message *request, const seal_check_spec *spec,
                 dx_arena *arena, seal_verdict *out, dx_why *why)
{
    seal_judge *j = seal_judge_begin(spec, arena, out, why);
    if (j == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    j->message = message;
    j->request = request;
    return seal_judge_end(j, all_steps(j), out, why);
}
