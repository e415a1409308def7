#include "gateway/admin/control_private.h"

#include "trust/base/log.h"

#include <stdlib.h>

/* From the configuration to running services. */

static bool stamp_trust_get(void *context, stamp_trust *trust)
{
    control *c = context;
    gate_view *v = control_current_view(c);
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

DX_RC control_start_stamps(control *c, dx_why *why)
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
                           .time_source = cf->gateway->time_source};
}

DX_RC control_start_log(control *c, dx_why *why)
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

DX_RC control_start_server(control *c, dx_why *why)
{
    const config *cf = c->config;
    net_listen_spec *specs = DX_ARENA_ARRAY(&c->source_arena, net_listen_spec, cf->listen_count + 1);
    size_t count = 0;
    if (specs == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory");
    const upstream_spec upstream = gate_upstream_spec(cf);
    DX_TRY(upstream_check(&upstream, why)); /* the workers open their own; they cannot say no any more */
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
