#include "gateway/admin/control_private.h"

#include "trust/base/log.h"

#include <limits.h>
#include <stdio.h>

/* The policy bundle: from whom it may come, that it never rolls back, and what this gateway can promise it.
 */

void control_can(const config *cf, policy_can *can)
{
    can->has_table = true;
    can->seal.present = true;
    can->seal.healthy = true;
    can->seal.device = "any"; /* keys are files */
    can->seal.max = "B-T";
    for (size_t i = 0; i < cf->seal->formats.count; i++)
        can->seal.formats |= strcmp(cf->seal->formats.items[i], "httpsig") == 0 ? 1U : 2U;
    for (size_t i = 0; i < cf->tsa_count && can->tsa_count < sizeof can->tsa / sizeof *can->tsa; i++) {
        can->tsa[can->tsa_count].class_ = cf->tsa[i].class_;
        can->tsa[can->tsa_count++].healthy = true;
    }
    can->durability.present = can->durability.healthy = true;
    can->meter = true;
}

/* This version verifies neither the signatures of a manifest nor the seals of an agreement. It loads
 * documents that nobody's signature was checked on only where the operator has said so. */
static DX_RC judge_origin(const config_policy *p, dx_why *why)
{
    if (!p->working_copy)
        return DX_FAIL(
            why, CONFIG, "policy.md 15",
            "policy.working_copy is false, but manifest signatures are not verified by this version: check "
            "them by hand, then set it to true");
    if (strcmp(p->agreement_seals, "off") != 0)
        return DX_FAIL(
            why, CONFIG, "policy.md 15",
            "policy.agreement_seals is %s, but seals of agreements are not verified by this version: check "
            "them by hand, then set it to off",
            p->agreement_seals);
    return DX_OKAY;
}

/* The highest bundle accepted so far. */
static DX_RC serial_file(const config *cf, char out[PATH_MAX], dx_why *why)
{
    if (snprintf(out, PATH_MAX, "%s/policy-serial", cf->root->state_dir) >= PATH_MAX)
        return DX_FAIL(why, CONFIG, "", "state_dir: the path is too long");
    return DX_OKAY;
}

DX_RC control_read_policy(const config *cf, const dx_io *io, int64_t now_s, policy **out,
                          policy_findings *findings, dx_why *why)
{
    policy_can can = {0};
    policy_accepted accepted = {0};
    char file[PATH_MAX];
    *out = NULL;
    *findings = (policy_findings){0};
    DX_TRY(judge_origin(cf->policy, why));
    DX_TRY(serial_file(cf, file, why));
    struct dx_rc rc = policy_serial_load(io, file, &accepted, why);
    if (rc.code != DX_OK && rc.code != DX_NOT_FOUND)
        return rc; /* what was accepted last is not known: nothing may take its place */
    control_can(cf, &can);
    const policy_source source = {.dir = cf->policy->dir,
                                  .io = io,
                                  .now_s = now_s,
                                  .working_copy = cf->policy->working_copy,
                                  .accepted = accepted.serial > 0 ? &accepted : NULL};
    DX_TRY(policy_build(&source, &can, out, findings, why));
    if (accepted.serial == 0 || policy_serial(*out) > 0)
        return DX_OKAY;
    policy_unref(*out);
    *out = NULL;
    return DX_FAIL_ID(why, REFUSED, "PL-605", "policy.md 15",
                      "a bundle with serial %lld was accepted here: one without a manifest cannot follow it",
                      (long long)accepted.serial);
}

DX_RC control_load_policy(control *c, const config *cf, policy **out, dx_why *why)
{
    policy_findings findings;
    char file[PATH_MAX];
    struct dx_rc rc = control_read_policy(cf, c->gate.io, dx_now_s(c->gate.clock), out, &findings, why);
    for (size_t i = 0; i < findings.count; i++)
        dx_log(findings.items[i].error ? DX_LOG_ERROR : DX_LOG_WARN, "policy.finding",
               F_STR("id", findings.items[i].id), F_STR("file", findings.items[i].file),
               F_STR("pointer", findings.items[i].pointer), F_INT("line", findings.items[i].line),
               F_STR("text", findings.items[i].text));
    policy_findings_fini(&findings);
    if (rc.code == DX_OK)
        dx_log(DX_LOG_WARN, "policy.unsigned",
               F_STR("text", "no signature was checked on the policy bundle or its agreements"),
               F_STR("dir", cf->policy->dir));
    if (rc.code == DX_OK && policy_serial(*out) > 0) {
        rc = serial_file(cf, file, why);
        if (rc.code == DX_OK)
            rc = policy_serial_store(c->gate.io, file, *out, why); /* before it judges anything */
        if (rc.code != DX_OK) {
            policy_unref(*out);
            *out = NULL;
        }
    }
    return rc;
}
