#include "gateway/admin/control_private.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* The view that exchanges act under: policy, lists, seal credential. Made and replaced on the control thread
 * only. */

#define CREDENTIAL_CHECK_S 60
#define CREDENTIAL_RETRY_S 5 /* while there is none */
#define RECORD_RETRY_S     2

static void check_credential(control *c, gate_view *v)
{
    const config *cf = v->config;
    if (v->credential == NULL || !cf->seal->require_listed)
        return;
    dx_arena arena = {0};
    trust_verdict verdict;
    dx_why why = {0};
    path_input input = {.leaf = seal_credential_certificate(v->credential),
                        .snapshot = v->trust,
                        .profile = PATH_SEAL,
                        .at_s = dx_now_s(c->gate.clock),
                        .home_scheme = cf->trust->home,
                        .identity = &c->identity,
                        .recognition = &c->recognition};
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
    if (good && verdict.assurance.known) {
        v->can.seal.level = (policy_level){verdict.assurance.l, verdict.assurance.s, verdict.assurance.t,
                                           verdict.assurance.r};
    } else if (!good) {
        dx_log(DX_LOG_SECURITY, "key.rejected", F_STR("role", "seal"), F_STR("text", v->credential_why));
        seal_credential_unref(v->credential);
        v->credential = NULL;
    }
    dx_arena_fini(&arena);
}

DX_RC control_read_block(control *c, const config *cf, dx_why *why)
{
    trust_block *fresh = NULL;
    if (cf->trust->block != NULL)
        DX_TRY(trust_block_load(c->gate.io, cf->trust->block, &fresh, why));
    trust_block_unref(c->block);
    c->block = fresh;
    return DX_OKAY;
}

/* Makes a view from what is known now; the caller has decided that something changed. */
gate_view *control_make_view(control *c, policy *p, seal_credential *credential, tlist_snapshot *trust,
                             const char *cause)
{
    gate_view *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    atomic_init(&v->refs, 1);
    if (cause != NULL)
        c->epoch++;
    v->epoch = c->epoch;
    v->cause = cause;
    v->block = trust_block_ref(c->block);
    v->config = c->config;
    v->policy = p == NULL ? NULL : policy_ref(p);
    v->trust = trust == NULL ? NULL : tlist_snapshot_ref(trust);
    v->credential = credential == NULL ? NULL : seal_credential_ref(credential);
    control_can(v->config, &v->can);
    check_credential(c, v);
    v->can.seal.healthy = v->credential != NULL;
    v->can.seal.level_known = v->credential != NULL; /* what nobody vouched for has no level at all */
    return v;
}

void control_publish(control *c, gate_view *v)
{
    pthread_mutex_lock(&c->lock);
    gate_view *old = c->view;
    c->view = v;
    pthread_mutex_unlock(&c->lock);
    if (c->server != NULL)
        gate_publish(&c->gate, c->server, v);
    gate_view_unref(old);
    dx_log(DX_LOG_INFO, "trust.swapped", F_INT("epoch", (int64_t)v->epoch), F_STR("cause", v->cause),
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

static bool same_credential(const seal_credential *a, const seal_credential *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(seal_credential_keyid(a), seal_credential_keyid(b)) == 0;
}

/* `cause` NULL: only the seal certificate is looked at again. */
static void replace_view(control *c, tlist_snapshot *trust, const char *cause)
{
    seal_credential *credential = NULL;
    dx_why why = {0};
    if (control_credential(c->config, c->gate.io, &credential, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "key.rejected", &why);
    gate_view *v = control_make_view(c, c->view->policy, credential, trust, cause);
    seal_credential_unref(credential);
    if (v != NULL && (cause != NULL || !same_credential(v->credential, c->view->credential)))
        control_publish(c, v);
    else
        gate_view_unref(v);
}

/* The world is as it was, but for somebody's revocation: nothing is judged or fetched before it counts. */
static bool raise_epoch(control *c, const char *cause)
{
    gate_view *v = calloc(1, sizeof *v), *now = c->view;
    if (v == NULL)
        return false;
    atomic_init(&v->refs, 1);
    v->config = now->config;
    v->can = now->can;
    memcpy(v->credential_why, now->credential_why, sizeof v->credential_why);
    v->epoch = ++c->epoch;
    v->cause = cause;
    v->policy = now->policy == NULL ? NULL : policy_ref(now->policy);
    v->trust = now->trust == NULL ? NULL : tlist_snapshot_ref(now->trust);
    v->block = trust_block_ref(now->block);
    v->credential = now->credential == NULL ? NULL : seal_credential_ref(now->credential);
    control_publish(c, v);
    return true;
}

void control_refresh(control *c)
{
    pthread_mutex_lock(&c->lock);
    tlist_snapshot *trust = c->trust == NULL ? NULL : tlist_snapshot_ref(c->trust);
    pthread_mutex_unlock(&c->lock);
    int64_t now_s = dx_now_s(c->gate.clock);
    dx_why why = {0};
    bool moved =
        trust != NULL && now_s >= c->list_retry_s &&
        (c->view->trust == NULL || tlist_snapshot_epoch(trust) != tlist_snapshot_epoch(c->view->trust));
    if (moved && control_record_lists(c, trust, &why).code != DX_OK) {
        dx_log_why(DX_LOG_ERROR, "provenance.refused",
                   &why); /* a list that is not in the log does not count */
        c->list_retry_s = now_s + RECORD_RETRY_S;
        moved = false;
    }
    uint64_t revocations = judges_changes(c->gate.judges);
    if (revocations != c->revocations && raise_epoch(c, "revocation"))
        c->revocations = revocations;
    int64_t again_s = c->view->credential == NULL ? CREDENTIAL_RETRY_S : CREDENTIAL_CHECK_S;
    if (moved || now_s >= c->credential_checked_s + again_s) {
        c->credential_checked_s = now_s;
        replace_view(c, moved ? trust : c->view->trust, moved ? "lists" : NULL);
    }
    if (now_s > c->meter_saved_s) {
        c->meter_saved_s = now_s;
        if (policy_meter_save(c->gate.meter, c->gate.io, c->meter_file, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "quota.not_saved", &why);
    }
    tlist_snapshot_unref(trust);
}

DX_RC control_first_view(control *c, dx_why *why)
{
    const config *cf = c->config;
    policy *p = NULL;
    seal_credential *credential = NULL;
    DX_TRY(control_record_document(
        c, PROV_CONFIG, &(control_document){.kind = "config", .id = cf->gateway->id, .sha256 = cf->sha256},
        why));
    if (c->trust != NULL)
        DX_TRY(control_record_lists(c, c->trust, why));
    DX_TRY(control_read_block(c, cf, why));
    DX_TRY(control_credential(cf, c->gate.io, &credential, why));
    if (control_load_policy(c, cf, &p, &c->policy_why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "policy.refused",
                   &c->policy_why); /* everything is bundle.none until a reload brings one */
    struct dx_rc rc = p == NULL ? DX_OKAY : control_record_policy(c, p, why);
    if (rc.code == DX_OK) {
        c->view = control_make_view(c, p, credential, c->trust, "start");
        rc = c->view == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory") : DX_OKAY;
    }
    policy_unref(p);
    seal_credential_unref(credential);
    return rc;
}
