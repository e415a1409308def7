#include "gateway/admin/control_private.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* The view that exchanges act under: policy, lists, seal credential. Made and replaced on the control thread
 * only. */

#define CREDENTIAL_CHECK_S 60
#define CREDENTIAL_RETRY_S 5 /* while there is none */

static void check_credential(control *c, gate_view *v)
{
    const config *cf = c->config;
    if (v->credential == NULL || !cf->seal->require_listed)
        return;
    dx_arena arena = {0};
    trust_verdict verdict;
    dx_why why = {0};
    path_input input = {.leaf = seal_credential_certificate(v->credential),
                        .snapshot = v->trust,
                        .profile = PATH_SEAL,
                        .at_s = dx_now_s(c->gate.clock),
                        .home_scheme = cf->trust->home};
    bool good = false;
    if (v->trust == NULL)
        snprintf(v->credential_why, sizeof v->credential_why,
                 "no trusted list is loaded, so the seal certificate cannot be believed");
    else if (judge_wait(c->judge, c->gate.fetcher, &input, &arena, &verdict, &why).code != DX_OK)
        snprintf(v->credential_why, sizeof v->credential_why,
                 "the seal certificate could not be judged: %.180s", why.text);
    else if (verdict.answer != TRUST_YES)
        snprintf(v->credential_why, sizeof v->credential_why,
                 "the seal certificate is not believed: %s %s (%.40s)", verdict.id, verdict.reason,
                 verdict.clause);
    else
        good = true;
    if (good) {
        v->can.seal.level_known = verdict.assurance.known;
        v->can.seal.level = (policy_level){verdict.assurance.l, verdict.assurance.s, verdict.assurance.t,
                                           verdict.assurance.r};
    } else {
        dx_log(DX_LOG_SECURITY, "key.rejected", F_STR("role", "seal"), F_STR("text", v->credential_why));
        seal_credential_unref(v->credential);
        v->credential = NULL;
    }
    dx_arena_fini(&arena);
}

static void fill_can(control *c, policy_can *can)
{
    const config *cf = c->config;
    can->has_table = true;
    can->seal.present = true;
    can->seal.healthy = true;
    for (size_t i = 0; i < cf->seal->formats.count; i++)
        can->seal.formats |= strcmp(cf->seal->formats.items[i], "httpsig") == 0 ? 1U : 2U;
    can->seal.max = "B-T";
    for (size_t i = 0; i < cf->tsa_count && can->tsa_count < 8; i++) {
        can->tsa[can->tsa_count].class_ = cf->tsa[i].class_;
        can->tsa[can->tsa_count++].healthy = true;
    }
    can->durability.present = can->durability.healthy = true;
    can->meter = true;
}

/* Makes a view from what is known now; the caller has decided that something changed. */
static gate_view *make_view(control *c, policy *p, seal_credential *credential, tlist_snapshot *trust)
{
    gate_view *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    atomic_init(&v->refs, 1);
    v->epoch = ++c->epoch;
    v->config = c->config;
    v->policy = p == NULL ? NULL : policy_ref(p);
    v->trust = trust == NULL ? NULL : tlist_snapshot_ref(trust);
    v->credential = credential == NULL ? NULL : seal_credential_ref(credential);
    fill_can(c, &v->can);
    check_credential(c, v);
    return v;
}

static void publish(control *c, gate_view *v)
{
    pthread_mutex_lock(&c->lock);
    gate_view *old = c->view;
    c->view = v;
    pthread_mutex_unlock(&c->lock);
    if (c->server != NULL)
        gate_publish(&c->gate, c->server, v);
    gate_view_unref(old);
    dx_log(DX_LOG_INFO, "trust.swapped", F_INT("epoch", (int64_t)v->epoch),
           F_INT("lists_epoch", v->trust == NULL ? 0 : (int64_t)tlist_snapshot_epoch(v->trust)),
           F_BOOL("policy", v->policy != NULL), F_BOOL("seal", v->credential != NULL));
}

gate_view *control_current_view(control *c)
{
    pthread_mutex_lock(&c->lock);
    gate_view *v = c->view == NULL ? NULL : gate_view_ref(c->view);
    pthread_mutex_unlock(&c->lock);
    return v;
}

/* Each list and bundle that starts to count is in the log itself (provenance.md 4.3). */
static void record_document(control *c, prov_type type, const char *kind, const uint8_t sha256[32],
                            const char *id, const char *territory, int64_t seq, const uint8_t *signer)
{
    dx_arena arena = {0};
    prov_record *r = prov_record_new(&arena, type);
    prov_receipt receipt;
    dx_why why;
    if (r != NULL) {
        prov_set_time(r, "time.start", dx_now_us(c->gate.clock));
        prov_set_str(r, "time.source", c->config->gateway->time_source);
        prov_set_sha256(r, "document.sha256", sha256);
        prov_set_str(r, "document.id", dx_arena_printf(&arena, "urn:dfft:%s:%s", kind, id));
        prov_set_str(r, "document.territory", territory);
        if (seq > 0)
            prov_set_int(r, "document.seq", seq);
        if (signer != NULL)
            prov_set_sha256(r, "document.signer_sha256", signer);
        prov_set_bool(r, "document.accepted", true);
        if (prov_append_wait(c->gate.log, r, &receipt, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "provenance.refused", &why);
    }
    dx_arena_fini(&arena);
}

static void record_lists(control *c, tlist_snapshot *trust)
{
    const tlist_facts *const *lists;
    size_t count = trust == NULL ? 0 : tlist_snapshot_lists(trust, &lists);
    for (size_t i = 0; i < count; i++)
        record_document(c, PROV_TLIST, "tlist", lists[i]->sha256, lists[i]->source, lists[i]->territory,
                        (int64_t)lists[i]->sequence, lists[i]->signer_sha256);
}

void control_refresh(control *c)
{
    pthread_mutex_lock(&c->lock);
    tlist_snapshot *trust = c->trust == NULL ? NULL : tlist_snapshot_ref(c->trust);
    pthread_mutex_unlock(&c->lock);
    int64_t now_s = dx_now_s(c->gate.clock);
    bool moved = trust != NULL && (c->view->trust == NULL ||
                                   tlist_snapshot_epoch(trust) != tlist_snapshot_epoch(c->view->trust));
    bool recheck = c->view->credential == NULL && now_s >= c->credential_checked_s + CREDENTIAL_RETRY_S;
    recheck |= now_s >= c->credential_checked_s + CREDENTIAL_CHECK_S;
    if (moved)
        record_lists(c, trust);
    if (moved || recheck) {
        seal_credential *credential = NULL;
        dx_why why;
        c->credential_checked_s = now_s;
        if (control_credential(c->config, c->gate.io, &credential, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "key.rejected", &why);
        gate_view *v = make_view(c, c->view->policy, credential, trust);
        seal_credential_unref(credential);
        bool same = v != NULL && !moved && (v->credential == NULL) == (c->view->credential == NULL);
        if (v != NULL && !same)
            publish(c, v);
        else
            gate_view_unref(v); /* nothing changed: verdicts keep their epoch */
        if (same)
            c->epoch--;
    }
    tlist_snapshot_unref(trust);
}

/* This version verifies neither the signatures of a manifest nor the seals of an agreement. It loads
 * documents that nobody's signature was checked on only where the operator has said so, and says so itself at
 * each load. */
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
    dx_log(DX_LOG_WARN, "policy.unsigned",
           F_STR("text", "no signature was checked on the policy bundle or its agreements"),
           F_STR("dir", p->dir));
    return DX_OKAY;
}

static DX_RC load_policy(control *c, policy **out, dx_why *why)
{
    policy_can can = {0};
    policy_findings findings = {0};
    policy_accepted accepted = {0};
    DX_TRY(judge_origin(c->config->policy, why));
    struct dx_rc rc = policy_serial_load(c->gate.io, c->serial_file, &accepted, why);
    if (rc.code != DX_OK && rc.code != DX_NOT_FOUND)
        return rc; /* what was accepted last is not known: nothing may take its place */
    fill_can(c, &can);
    const policy_source source = {.dir = c->config->policy->dir,
                                  .io = c->gate.io,
                                  .now_s = dx_now_s(c->gate.clock),
                                  .working_copy = c->config->policy->working_copy,
                                  .accepted = accepted.serial > 0 ? &accepted : NULL};
    rc = policy_build(&source, &can, out, &findings, why);
    if (rc.code == DX_OK && accepted.serial > 0 && policy_serial(*out) == 0) {
        policy_unref(*out);
        *out = NULL;
        rc =
            DX_FAIL_ID(why, REFUSED, "PL-605", "policy.md 15",
                       "a bundle with serial %lld was accepted here: one without a manifest cannot follow it",
                       (long long)accepted.serial);
    } else if (rc.code == DX_OK && policy_serial(*out) > 0) {
        rc = policy_serial_store(c->gate.io, c->serial_file, *out, why); /* before it judges anything */
        if (rc.code != DX_OK) {
            policy_unref(*out);
            *out = NULL;
        }
    }
    for (size_t i = 0; i < findings.count; i++)
        dx_log(findings.items[i].error ? DX_LOG_ERROR : DX_LOG_WARN, "policy.finding",
               F_STR("id", findings.items[i].id), F_STR("file", findings.items[i].file),
               F_STR("pointer", findings.items[i].pointer), F_INT("line", findings.items[i].line),
               F_STR("text", findings.items[i].text));
    policy_findings_fini(&findings);
    return rc;
}

static void reload_tls(control *c)
{
    const config *cf = c->config;
    dx_why why = {0};
    for (size_t i = 0; i < cf->listen_count + cf->regulator_count;
         i++) { /* in the order of control_start_server */
        const char *certificate =
            i < cf->listen_count ? cf->listen[i].certificate : cf->regulator->certificate;
        const char *key = i < cf->listen_count ? cf->listen[i].key : cf->regulator->key;
        if (net_server_reload_tls(c->server, i, certificate, key, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "config.reload_failed", &why);
    }
}

void control_reload(control *c)
{
    policy *fresh = NULL;
    dx_why why = {0};
    control_fetch_lists(c); /* whatever becomes of the rest */
    if (load_policy(c, &fresh, &why).code != DX_OK) {
        dx_log_why(DX_LOG_ERROR, "config.reload_failed", &why); /* the old bundle stays in force */
        return;
    }
    reload_tls(c);
    record_document(c, PROV_POLICY, "bundle", policy_sha256(fresh), policy_revision(fresh), NULL,
                    policy_serial(fresh), NULL);
    gate_view *v = make_view(c, fresh, c->view->credential, c->view->trust);
    policy_unref(fresh);
    if (v != NULL)
        publish(c, v);
    dx_log(DX_LOG_INFO, "config.reloaded", F_INT("epoch", (int64_t)c->epoch));
}

DX_RC control_first_view(control *c, dx_why *why)
{
    const config *cf = c->config;
    policy *p = NULL;
    c->serial_file = dx_arena_printf(&c->source_arena, "%s/policy-serial", cf->root->state_dir);
    if (c->serial_file == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    if (load_policy(c, &p, &c->policy_why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "policy.refused",
                   &c->policy_why); /* everything is bundle.none until a reload brings one */
    else
        record_document(c, PROV_POLICY, "bundle", policy_sha256(p), policy_revision(p), NULL,
                        policy_serial(p), NULL);
    record_document(c, PROV_CONFIG, "config", cf->sha256, cf->gateway->id, NULL, 0, NULL);
    seal_credential *credential = NULL;
    struct dx_rc rc = control_credential(cf, c->gate.io, &credential, why);
    if (rc.code == DX_OK) {
        c->view = make_view(c, p, credential, c->trust);
        rc = c->view == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory") : DX_OKAY;
    }
    policy_unref(p);
    seal_credential_unref(credential);
    return rc;
}
