#include "gateway/admin/control.h"

#include "gateway/admin/observe.h"
#include "gateway/exchange/judge.h"
#include "gateway/regulator/regulator.h"
#include "trust/base/digest.h"
#include "trust/base/log.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TURN_MS            200
#define LIST_RETRY_S       30 /* after a run that brought nothing; the store's own schedule is longer */
#define CREDENTIAL_CHECK_S 60

struct control {
    gate gate;
    config *config;
    net_server *server;
    observe *observe;
    regulator *regulator;
    sign_key *log_keys[2];
    /* lists, on their own thread */
    dx_arena source_arena;
    tlist_source *sources;
    size_t source_count;
    tlist_store *store;
    pthread_t list_thread;
    bool list_running;
    /* shared between the control, list and stamp threads */
    pthread_mutex_t lock;
    pthread_cond_t wake_lists;
    bool stopping, lists_asked; /* asked: SIGHUP wants the lists fetched now */
    tlist_snapshot *trust;      /* newest */
    uint64_t trust_epoch;       /* of it */
    bool lists_tried;
    dx_why list_why;
    dx_why policy_why;
    gate_view *view;
    uint64_t epoch;
    int64_t credential_checked_s;
    /* the stamp service's own judge */
    path_judge_state *stamp_judge;
    /* the control thread's own */
    path_judge_state *judge;
};

gate *control_gate(control *c)
{
    return &c->gate;
}

/* ---- lists ---- */

static void *list_run(void *argument)
{
    control *c = argument;
    for (;;) {
        dx_why why = {0};
        struct dx_rc rc = tlist_store_update(c->store, NULL, NULL, &why); /* logs each list itself */
        if (rc.code != DX_OK)
            dx_log_why(DX_LOG_WARN, "tlist.run_failed", &why);
        tlist_snapshot *fresh = tlist_store_snapshot(c->store);
        int64_t now_s = dx_now_s(c->gate.clock), due_s = tlist_store_due_s(c->store);
        if (fresh == NULL && due_s > now_s + LIST_RETRY_S)
            due_s = now_s + LIST_RETRY_S;
        if (due_s <= now_s)
            due_s = now_s + 1;
        pthread_mutex_lock(&c->lock);
        tlist_snapshot_unref(c->trust);
        c->trust = fresh;
        c->lists_tried = true;
        c->list_why = why;
        while (!c->stopping && !c->lists_asked && dx_now_s(c->gate.clock) < due_s) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 1;
            pthread_cond_timedwait(&c->wake_lists, &c->lock, &until);
        }
        bool stop = c->stopping;
        c->lists_asked = false;
        pthread_mutex_unlock(&c->lock);
        if (stop)
            return NULL;
    }
}

/* ---- the view ---- */

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
    can->proofs = true;
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

static gate_view *current_view(control *c)
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
        prov_set_str(r, "time.source", "ntp");
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

static void check_trust(control *c)
{
    pthread_mutex_lock(&c->lock);
    tlist_snapshot *trust = c->trust == NULL ? NULL : tlist_snapshot_ref(c->trust);
    pthread_mutex_unlock(&c->lock);
    int64_t now_s = dx_now_s(c->gate.clock);
    bool moved = trust != NULL && (c->view->trust == NULL ||
                                   tlist_snapshot_epoch(trust) != tlist_snapshot_epoch(c->view->trust));
    bool recheck = c->view->credential == NULL && now_s >= c->credential_checked_s + 5;
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

/* ---- policy ---- */

static DX_RC load_policy(const control *c, policy **out, dx_why *why)
{
    policy_can can = {0};
    policy_findings findings = {0};
    fill_can((control *)(uintptr_t)c, &can);
    const policy_source source = {.dir = c->config->policy->dir,
                                  .io = c->gate.io,
                                  .now_s = dx_now_s(c->gate.clock),
                                  .working_copy = c->config->policy->working_copy};
    struct dx_rc rc = policy_build(&source, &can, out, &findings, why);
    for (size_t i = 0; i < findings.count; i++)
        dx_log(findings.items[i].error ? DX_LOG_ERROR : DX_LOG_WARN, "policy.finding",
               F_STR("id", findings.items[i].id), F_STR("file", findings.items[i].file),
               F_STR("pointer", findings.items[i].pointer), F_INT("line", findings.items[i].line),
               F_STR("text", findings.items[i].text));
    policy_findings_fini(&findings);
    return rc;
}

static void reload(control *c)
{
    policy *fresh = NULL;
    dx_why why = {0};
    pthread_mutex_lock(&c->lock);
    c->lists_asked = true; /* whatever becomes of the rest, a list in need of a look is looked at now */
    pthread_cond_signal(&c->wake_lists);
    pthread_mutex_unlock(&c->lock);
    if (load_policy(c, &fresh, &why).code != DX_OK) {
        dx_log_why(DX_LOG_ERROR, "config.reload_failed", &why); /* the old bundle stays in force */
        return;
    }
    for (size_t i = 0; i < c->config->listen_count; i++)
        if (net_server_reload_tls(c->server, i, c->config->listen[i].certificate, c->config->listen[i].key,
                                  &why)
                .code != DX_OK)
            dx_log_why(DX_LOG_ERROR, "config.reload_failed", &why);
    record_document(c, PROV_POLICY, "bundle", policy_sha256(fresh), policy_revision(fresh), NULL,
                    policy_serial(fresh), NULL);
    gate_view *v = make_view(c, fresh, c->view->credential, c->view->trust);
    policy_unref(fresh);
    if (v != NULL)
        publish(c, v);
    dx_log(DX_LOG_INFO, "config.reloaded", F_INT("epoch", (int64_t)c->epoch));
}

/* ---- time stamps ---- */

static bool stamp_trust_get(void *context, stamp_trust *trust)
{
    control *c = context;
    gate_view *v = current_view(c);
    if (v == NULL || v->trust == NULL) {
        gate_view_unref(v);
        return false;
    }
    *trust = (stamp_trust){.snapshot = tlist_snapshot_ref(v->trust), .judge = c->stamp_judge};
    gate_view_unref(v);
    return true;
}

static void stamp_trust_release(void *context, stamp_trust *trust)
{
    (void)context;
    tlist_snapshot_unref((tlist_snapshot *)(uintptr_t)trust->snapshot);
}

static void stamp_event(void *context, const char *event, const char *tsa, const dx_why *why)
{
    (void)context;
    bool bad = strcmp(event, "stamp.invalid") == 0;
    dx_log(bad ? DX_LOG_SECURITY : DX_LOG_DEBUG, event, F_STR("tsa", tsa),
           F_STR("id", why != NULL && why->id[0] ? why->id : NULL),
           F_STR("text", why != NULL ? why->text : NULL));
}

static void anchor_checkpoint(void *context, const uint8_t note_sha256[32])
{
    control *c = context;
    if (c->gate.stamps != NULL)
        stamp_anchor(c->gate.stamps, note_sha256);
}

static DX_RC start_stamps(control *c, dx_why *why)
{
    const config *cf = c->config;
    const config_timestamp *t = cf->timestamp;
    if (cf->tsa_count == 0)
        return DX_OKAY;
    stamp_tsa *tsas = DX_ARENA_ARRAY(&c->source_arena, stamp_tsa, cf->tsa_count);
    if (tsas == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the time-stamp authorities");
    for (size_t i = 0; i < cf->tsa_count; i++)
        tsas[i] = (stamp_tsa){.name = cf->tsa[i].name,
                              .url = cf->tsa[i].url,
                              .class_ = cf->tsa[i].class_,
                              .territory = cf->tsa[i].territory,
                              .cert_req = cf->tsa[i].cert_req,
                              .eku_strict = cf->tsa[i].eku_strict,
                              .policy_oids = cf->tsa[i].policy_oids.items,
                              .policy_oid_count = cf->tsa[i].policy_oids.count};
    DX_TRY(path_judge_new(&c->stamp_judge, why));
    const stamp_service_spec spec = {.tsas = tsas,
                                     .tsa_count = cf->tsa_count,
                                     .limits = {.max_inflight = (uint32_t)t->max_inflight,
                                                .max_batch = (uint32_t)t->max_batch,
                                                .max_wait_ms = (uint32_t)t->max_wait_ms,
                                                .min_interval_ms = (uint32_t)t->min_interval_ms,
                                                .try_ms = (uint32_t)t->try_ms,
                                                .total_ms = (uint32_t)t->total_ms,
                                                .skew_s = t->skew_s},
                                     .fetcher = c->gate.fetcher,
                                     .clock = c->gate.clock,
                                     .io = c->gate.io,
                                     .trust_get = stamp_trust_get,
                                     .trust_release = stamp_trust_release,
                                     .trust_context = c,
                                     .event = stamp_event};
    return stamp_service_new(&spec, &c->gate.stamps, why);
}

/* ---- start and stop ---- */

static prov_log_spec log_spec(control *c, const char *dir)
{
    const config *cf = c->config;
    const config_provenance *p = cf->provenance;
    return (prov_log_spec){.dir = dir,
                           .guard_dir = p->guard_dir,
                           .host = cf->gateway->host,
                           .gateway_id = cf->gateway->id,
                           .version = SEKISHO_VERSION,
                           .ed25519 = c->log_keys[0],
                           .p256 = c->log_keys[1],
                           .kek_dir = p->kek_dir,
                           .publish_interval_ms = (uint32_t)p->publish_interval_ms,
                           .queue_max = (uint32_t)p->queue_max,
                           .segment_mib = (uint32_t)p->segment_mib,
                           .spares = (uint32_t)p->spares,
                           .io = c->gate.io,
                           .clock = c->gate.clock,
                           .published = anchor_checkpoint,
                           .published_context = c,
                           .config_sha256 = cf->sha256,
                           .time_source = "ntp"};
}

static DX_RC start_log(control *c, dx_why *why)
{
    const config *cf = c->config;
    DX_TRY(sign_open(&(sign_spec){.file = cf->provenance_keys->ed25519, .io = c->gate.io}, &c->log_keys[0],
                     why));
    if (cf->provenance_keys->p256 != NULL)
        DX_TRY(sign_open(&(sign_spec){.file = cf->provenance_keys->p256, .io = c->gate.io}, &c->log_keys[1],
                         why));
    const char *dir = dx_arena_printf(&c->source_arena, "%s/provenance", cf->root->state_dir);
    if (dir == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    DX_TRY(dx_io_make_folders(c->gate.io, dir, 0700, why));
    const prov_log_spec spec = log_spec(c, dir);
    DX_TRY(prov_log_open(&spec, &c->gate.log, why));
    return prov_log_publish(c->gate.log, why); /* readers find a checkpoint from the first moment on */
}

static DX_RC start_regulator(control *c, dx_why *why)
{
    const prov_log_spec spec = log_spec(c, NULL);
    dx_buf vkeys;
    dx_buf_init(&vkeys, 16384);
    struct dx_rc rc = prov_vkeys(&spec, &vkeys, why);
    if (rc.code == DX_OK)
        rc = dx_buf_add_byte(&vkeys, 0);
    if (rc.code == DX_OK)
        rc = regulator_new(&c->gate, (const char *)vkeys.data, &c->regulator, why);
    dx_buf_fini(&vkeys);
    c->gate.regulator = (gate_inner){regulator_serve, c->regulator};
    return rc;
}

static DX_RC start_lists(control *c, dx_why *why)
{
    const config *cf = c->config;
    DX_TRY(control_sources(cf, c->gate.io, &c->source_arena, &c->sources, &c->source_count, why));
    const char *dir = dx_arena_printf(&c->source_arena, "%s/trust", cf->root->state_dir);
    if (dir == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    DX_TRY(dx_io_make_folders(c->gate.io, dir, 0700, why));
    const tlist_store_spec spec = {.sources = c->sources,
                                   .source_count = c->source_count,
                                   .state_dir = dir,
                                   .grace_s = (uint32_t)cf->trust->grace_s,
                                   .io = c->gate.io,
                                   .clock = c->gate.clock,
                                   .fetcher = c->gate.fetcher};
    DX_TRY(tlist_store_open(&spec, &c->store, why));
    c->trust = tlist_store_snapshot(c->store);
    return DX_OKAY;
}

static net_listen_spec listener(control *c, const char *address, const config_texts *hosts,
                                const char *certificate, const char *key)
{
    const config_limit *l = c->config->limit;
    const config_timeout *t = c->config->timeout;
    net_listen_spec s = {.address = address,
                         .hosts = hosts->items,
                         .host_count = hosts->count,
                         .certificate_file = certificate,
                         .key_file = key,
                         .limits = http_limits_default,
                         .handshake_s = (uint32_t)t->handshake_s,
                         .header_s = (uint32_t)t->header_s,
                         .body_grace_s = (uint32_t)t->body_grace_s,
                         .idle_s = (uint32_t)t->idle_s,
                         .write_stall_s = (uint32_t)t->write_stall_s,
                         .connections_max = (uint32_t)l->connections,
                         .connections_per_ip = (uint32_t)l->connections_per_ip,
                         .connections_per_peer = (uint32_t)l->connections_per_peer,
                         .handler = gate_handler,
                         .handler_context = &c->gate};
    s.limits.header_bytes = (size_t)l->header_bytes;
    s.limits.fields = (size_t)l->fields;
    s.limits.target_bytes = (size_t)l->target_bytes;
    s.limits.request_body_bytes = (uint64_t)c->config->upstream->body_max_bytes;
    s.limits.hosts = hosts->items;
    s.limits.host_count = hosts->count;
    const char *colon = strrchr(address, ':');
    s.limits.port = (uint16_t)(colon == NULL ? 0 : strtoul(colon + 1, NULL, 10));
    return s;
}

static DX_RC start_server(control *c, dx_why *why)
{
    const config *cf = c->config;
    net_listen_spec *specs = DX_ARENA_ARRAY(&c->source_arena, net_listen_spec, cf->listen_count + 1);
    size_t count = 0;
    if (specs == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    for (; count < cf->listen_count; count++) {
        const config_listen *l = &cf->listen[count];
        specs[count] = listener(c, l->address, &l->hosts, l->certificate, l->key);
        specs[count].tls12 = strcmp(l->tls_min, "1.2") == 0;
        specs[count].peer_chain_bytes = (uint32_t)l->peer_chain_bytes;
    }
    c->gate.regulator_listener = SIZE_MAX;
    if (cf->regulator_count == 1) {
        c->gate.regulator_listener = count;
        specs[count++] = listener(c, cf->regulator->address, &cf->regulator->hosts,
                                  cf->regulator->certificate, cf->regulator->key);
        DX_TRY(start_regulator(c, why));
    }
    const net_server_spec spec = {.listeners = specs,
                                  .listener_count = count,
                                  .workers = (unsigned)cf->worker->count,
                                  .clock = c->gate.clock,
                                  .started = gate_worker_started,
                                  .stopped = gate_worker_stopped,
                                  .context = &c->gate};
    DX_TRY(net_server_start(&spec, &c->server, why));
    gate_publish(&c->gate, c->server, c->view);
    return DX_OKAY;
}

static DX_RC start_all(control *c, dx_why *why)
{
    const config *cf = c->config;
    DX_TRY(dx_io_make_folders(c->gate.io, cf->root->state_dir, 0700, why));
    DX_TRY(control_fetcher(cf, &c->gate.fetcher, why));
    DX_TRY(path_judge_new(&c->judge, why));
    DX_TRY(policy_meter_new(&c->gate.meter, why));
    DX_TRY(start_log(c, why));
    DX_TRY(start_lists(c, why));
    DX_TRY(start_stamps(c, why));
    const judge_spec judging = {.clock = c->gate.clock,
                                .fetcher = c->gate.fetcher,
                                .home_scheme = cf->trust->home,
                                .wait_ms = (uint32_t)cf->trust->judge_wait_ms,
                                .live_recheck_s = (uint32_t)cf->revocation->live_recheck_s};
    DX_TRY(judges_new(&judging, &c->gate.judges, why));
    policy *p = NULL;
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
    DX_TRY(rc);
    DX_TRY(start_server(c, why));
    if (pthread_create(&c->list_thread, NULL, list_run, c) != 0)
        return DX_FAIL(why, NO_MEMORY, "", "no thread for the lists");
    c->list_running = true;
    if (cf->observe_count == 1)
        DX_TRY(observe_start(c, cf->observe->address, &c->observe, why));
    return DX_OKAY;
}

DX_RC control_start(config *cf, const dx_clock *clock, const dx_io *io, control **out, dx_why *why)
{
    *out = NULL;
    control *c = calloc(1, sizeof *c);
    if (c == NULL) {
        config_free(cf);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the gateway");
    }
    c->config = cf;
    c->gate.clock = clock;
    c->gate.io = io;
    c->gate.config = cf;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake_lists, NULL);
    struct dx_rc rc = start_all(c, why);
    if (rc.code != DX_OK) {
        control_stop(c);
        return rc;
    }
    *out = c;
    return DX_OKAY;
}

int control_run(control *c)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    const struct timespec turn = {0, TURN_MS * 1000000L};
    dx_log(DX_LOG_INFO, "start.done", F_STR("version", SEKISHO_VERSION),
           F_STR("origin", prov_log_origin(c->gate.log)));
    for (;;) {
        int got = sigtimedwait(&set, NULL, &turn);
        if (got == SIGHUP)
            reload(c);
        else if (got == SIGTERM || got == SIGINT)
            return 0;
        check_trust(c);
    }
}

void control_stop(control *c)
{
    if (c == NULL)
        return;
    atomic_store(&c->gate.draining, true);
    if (c->server != NULL) {
        dx_log(DX_LOG_INFO, "drain.started",
               F_INT("connections", (int64_t)net_server_connections(c->server)));
        net_server_stop_accepting(c->server);
        net_server_drain(c->server, (uint32_t)c->config->timeout->drain_s);
        net_server_cut(c->server);
        /* What is still under way comes back to its worker while every service lives; all their waits are
         * finite. */
        for (int i = 0; i < 1000 && atomic_load(&c->gate.in_flight) > 0; i++)
            nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake_lists);
    pthread_mutex_unlock(&c->lock);
    if (c->list_running)
        pthread_join(c->list_thread, NULL);
    observe_stop(c->observe);
    judges_free(c->gate.judges);
    regulator_free(c->regulator);
    prov_log_close(c->gate.log); /* its last checkpoint still goes to the stamp service */
    stamp_service_free(c->gate.stamps);
    net_server_free(c->server);
    dx_fetcher_free(c->gate.fetcher);
    tlist_snapshot_unref(c->trust);
    tlist_store_close(c->store);
    gate_view_unref(c->view);
    policy_meter_free(c->gate.meter);
    path_judge_free(c->judge);
    path_judge_free(c->stamp_judge);
    sign_unref(c->log_keys[0]);
    sign_unref(c->log_keys[1]);
    dx_arena_fini(&c->source_arena);
    config_free(c->config);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->wake_lists);
    free(c);
    dx_log(DX_LOG_INFO, "drain.done", F_BOOL("clean", true));
}

/* ---- seen from outside ---- */

static void reason(control_reason *out, size_t max, size_t *count, const char *id, const char *text)
{
    if (*count < max) {
        out[*count].id = id;
        snprintf(out[*count].text, sizeof out[*count].text, "%s", text);
        (*count)++;
    }
}

size_t control_reasons(control *c, control_reason *out, size_t max)
{
    size_t count = 0;
    gate_view *v = current_view(c);
    if (v == NULL || v->trust == NULL) {
        pthread_mutex_lock(&c->lock);
        reason(out, max, &count, "list",
               c->lists_tried && c->list_why.text[0] ? c->list_why.text : "no trusted list is loaded yet");
        pthread_mutex_unlock(&c->lock);
    }
    if (v == NULL || v->policy == NULL)
        reason(out, max, &count, "policy",
               c->policy_why.text[0] ? c->policy_why.text : "no policy bundle is loaded");
    if (v == NULL || v->credential == NULL)
        reason(out, max, &count, "seal_key",
               v != NULL && v->credential_why[0] ? v->credential_why : "no usable seal key");
    if (c->gate.log == NULL || !prov_log_healthy(c->gate.log))
        reason(out, max, &count, "log", "the last record could not be made durable");
    if (atomic_load(&c->gate.draining))
        reason(out, max, &count, "draining", "the gateway is shutting down");
    gate_view_unref(v);
    return count;
}

DX_RC control_metrics(control *c, dx_buf *out)
{
    gate_view *v = current_view(c);
    struct dx_rc rc =
        dx_buf_addf(out,
                    "# TYPE sekisho_exchanges counter\nsekisho_exchanges_total %llu\n"
                    "# TYPE sekisho_refusals counter\nsekisho_refusals_total %llu\n"
                    "# TYPE sekisho_exchanges_in_flight gauge\nsekisho_exchanges_in_flight %llu\n"
                    "# TYPE sekisho_connections gauge\nsekisho_connections %zu\n"
                    "# TYPE sekisho_trust_snapshot_epoch gauge\nsekisho_trust_snapshot_epoch %llu\n",
                    (unsigned long long)atomic_load(&c->gate.exchanges_total),
                    (unsigned long long)atomic_load(&c->gate.refusals_total),
                    (unsigned long long)atomic_load(&c->gate.in_flight),
                    c->server == NULL ? 0 : net_server_connections(c->server),
                    (unsigned long long)(v == NULL ? 0 : v->epoch));
    const tlist_facts *const *lists;
    size_t count = v == NULL || v->trust == NULL ? 0 : tlist_snapshot_lists(v->trust, &lists);
    int64_t now_s = dx_now_s(c->gate.clock);
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(
            out, "# TYPE sekisho_trust_list_sequence gauge\n# TYPE sekisho_trust_list_age_seconds gauge\n"
                 "# TYPE sekisho_trust_list_next_update_seconds gauge\n");
    for (size_t i = 0; i < count && rc.code == DX_OK; i++)
        rc = dx_buf_addf(out,
                         "sekisho_trust_list_sequence{source=\"%s\",territory=\"%s\"} %llu\n"
                         "sekisho_trust_list_age_seconds{source=\"%s\",territory=\"%s\"} %lld\n"
                         "sekisho_trust_list_next_update_seconds{source=\"%s\",territory=\"%s\"} %lld\n",
                         lists[i]->source, lists[i]->territory, (unsigned long long)lists[i]->sequence,
                         lists[i]->source, lists[i]->territory, (long long)(now_s - lists[i]->confirmed_s),
                         lists[i]->source, lists[i]->territory, (long long)(lists[i]->next_update_s - now_s));
    gate_view_unref(v);
    return rc;
}
