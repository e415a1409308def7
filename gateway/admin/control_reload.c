#include "gateway/admin/control_private.h"

#include "trust/base/log.h"

#include <stdlib.h>

/* SIGHUP: the configuration is read again and judged whole. What needs a restart is said and stays as it was;
 * a faulty file, bundle, certificate or key changes nothing in its place. */

#define CHANGES_MAX 16

static DX_RC read_again(control *c, config **out, dx_why *why)
{
    config_findings findings = {0};
    struct dx_rc rc = config_load(c->gate.io, c->config->file, out, &findings, why);
    for (size_t i = 0; i < findings.count; i++)
        dx_log(DX_LOG_ERROR, "config.finding", F_STR("pointer", findings.items[i].pointer),
               F_INT("line", findings.items[i].line), F_STR("text", findings.items[i].text));
    config_findings_fini(&findings);
    return rc;
}

static void say_restart(const config *now, const config *next)
{
    config_change changes[CHANGES_MAX];
    size_t count = config_restart_needed(now, next, changes, CHANGES_MAX);
    for (size_t i = 0; i < count; i++)
        dx_log(DX_LOG_WARN, "config.needs_restart", F_STR("section", changes[i].section),
               F_STR("option", changes[i].key));
}

/* In the order of control_start_server. */
static void reload_tls(control *c, const config *cf)
{
    const config *start = c->gate.config;
    dx_why why = {0};
    for (size_t i = 0; i < start->listen_count + start->regulator_count; i++) {
        bool desk = i >= start->listen_count; /* the regulator's */
        if (desk ? cf->regulator_count == 0 : i >= cf->listen_count)
            continue; /* taking a listener away needs a restart */
        const char *certificate = desk ? cf->regulator->certificate : cf->listen[i].certificate;
        const char *key = desk ? cf->regulator->key : cf->listen[i].key;
        if (net_server_reload_tls(c->server, i, certificate, key, &why).code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "config.reload_failed", &why);
    }
}

/* Exchanges under way act under the configuration they began with: each one lives as long as the gateway. */
static DX_RC keep_config(control *c, config *cf, dx_why *why)
{
    config **more = realloc(c->configs, (c->config_count + 1) * sizeof *more);
    if (more == NULL) {
        config_free(cf);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for another configuration");
    }
    c->configs = more;
    c->configs[c->config_count++] = cf;
    return DX_OKAY;
}

static gate_view *view_of(control *c, const config *cf, dx_why *why)
{
    policy *fresh = NULL;
    seal_credential *credential = NULL;
    struct dx_rc rc = control_load_policy(c, cf, &fresh, why);
    if (rc.code == DX_OK)
        rc = control_record_policy(c, fresh, why);
    if (rc.code != DX_OK) {
        dx_log_why(DX_LOG_ERROR, "policy.refused", why); /* the old bundle stays in force */
        policy_unref(fresh);
        fresh = c->view->policy == NULL ? NULL : policy_ref(c->view->policy);
    }
    if (control_credential(cf, c->gate.io, &credential, why).code != DX_OK) {
        dx_log_why(DX_LOG_ERROR, "key.rejected", why); /* so does the old key */
        credential = c->view->credential == NULL ? NULL : seal_credential_ref(c->view->credential);
    }
    c->config = cf;
    if (control_read_block(c, cf, why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "trust.block_refused", why); /* whoever was blocked stays so */
    gate_view *v = control_make_view(c, fresh, credential, c->view->trust, "reload");
    policy_unref(fresh);
    seal_credential_unref(credential);
    return v;
}

void control_reload(control *c)
{
    config *cf = NULL;
    dx_why why = {0};
    control_fetch_lists(c); /* whatever becomes of the rest */
    judges_reload(c->gate.judges);
    struct dx_rc rc = read_again(c, &cf, &why);
    if (rc.code == DX_OK)
        rc = keep_config(c, cf, &why);
    if (rc.code == DX_OK)
        rc = control_record_document(
            c, PROV_CONFIG,
            &(control_document){.kind = "config", .id = cf->gateway->id, .sha256 = cf->sha256}, &why);
    if (rc.code != DX_OK) {
        dx_log_why(DX_LOG_ERROR, "config.reload_failed", &why);
        return;
    }
    say_restart(c->gate.config, cf);
    reload_tls(c, cf);
    gate_view *v = view_of(c, cf, &why);
    if (v != NULL)
        control_publish(c, v);
    dx_log(DX_LOG_INFO, "config.reloaded", F_BOOL("published", v != NULL), F_INT("epoch", (int64_t)c->epoch));
}
