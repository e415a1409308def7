/* prov_world.h -- a log of its own for each test: folders, keys, and exchanges that may be written. */
#ifndef TESTS_UNIT_TRUST_PROVENANCE_PROV_WORLD_H
#define TESTS_UNIT_TRUST_PROVENANCE_PROV_WORLD_H

#include "tests/support/prov_faults.h"
#include "trust/base/digest.h"
#include "trust/provenance/provenance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "gw1.example.jp"

typedef struct {
    char folder[64], state[96], guard[96], keks[96], shard[128];
    sign_key *ed, *p256;
    prov_log_spec spec;
    dx_buf vkey_text;
    const char *vkeys[2];
} world;

static inline void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static inline void world_init(world *w)
{
    char path[128];
    dx_why why = {0};
    memset(w, 0, sizeof *w);
    snprintf(w->folder, sizeof w->folder, "%s", "/tmp/sekisho-prov-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->state, sizeof w->state, "%s/state", w->folder);
    snprintf(w->guard, sizeof w->guard, "%s/guard", w->folder);
    snprintf(w->keks, sizeof w->keks, "%s/keks", w->folder);
    snprintf(w->shard, sizeof w->shard, "%s/2026q4", w->state);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/key%d.pem", w->folder, i);
        assert_int_equal(sign_generate(&dx_io_system, i == 0 ? SIGN_ED25519 : SIGN_P256, path, &why).code,
                         DX_OK);
        const sign_spec spec = {.file = path, .io = &dx_io_system};
        assert_int_equal(sign_open(&spec, i == 0 ? &w->ed : &w->p256, &why).code, DX_OK);
    }
    w->spec = (prov_log_spec){.dir = w->state,
                              .guard_dir = w->guard,
                              .kek_dir = w->keks,
                              .host = HOST,
                              .shard = "2026q4",
                              .gateway_id = "gw1",
                              .version = "0.9.0",
                              .ed25519 = w->ed,
                              .p256 = w->p256,
                              .segment_mib = 1,
                              .spares = 1,
                              .publish_interval_ms = 60000};
    dx_buf_init(&w->vkey_text, 4096);
    assert_int_equal(prov_vkeys(&w->spec, &w->vkey_text, &why).code, DX_OK);
    assert_int_equal(dx_buf_add_byte(&w->vkey_text, 0).code, DX_OK);
    w->vkeys[0] = strtok((char *)w->vkey_text.data, "\n");
    w->vkeys[1] = strtok(NULL, "\n");
}

static inline void world_fini(world *w)
{
    shell("rm -rf %s", w->folder);
    sign_unref(w->ed);
    sign_unref(w->p256);
    dx_buf_fini(&w->vkey_text);
}

static inline prov_log *open_log(world *w)
{
    prov_log *log;
    dx_why why = {0};
    struct dx_rc rc = prov_log_open(&w->spec, &log, &why);
    if (rc.code != DX_OK)
        fail_msg("%s %s: %s", dx_code_name(rc.code), why.id, why.text);
    return log;
}

/* A permitted exchange with everything that the schema asks of one. */
static inline prov_record *exchange(dx_arena *arena, const char *id, const char *to)
{
    uint8_t digest[32];
    prov_record *r = prov_record_new(arena, PROV_EXCHANGE);
    dx_sha256(dx_bytes_text(id == NULL ? "x" : id), digest);
    prov_set_str(r, "rec.id", id);
    prov_set_str(r, "time.source", "ntp");
    prov_set_time(r, "time.end", 1795425302223456);
    prov_set_str(r, "direction", "out");
    prov_set_str(r, "outcome.state", "released");
    prov_set_int(r, "outcome.status", 200);
    prov_set_str(r, "exporter.org", "NTRJP-8999900000001");
    prov_set_str(r, "exporter.name", "Example \"Institute\"");
    prov_set_str(r, "exporter.country", "JP");
    prov_set_str(r, "importer.org", "NTRDE-HRB12345");
    prov_set_str(r, "importer.country", to);
    prov_add_str(r, "destination", to);
    prov_set_bool(r, "onward_allowed", false);
    prov_set_str(r, "agreement.id", "urn:dfft:agr:cohort-2026-07");
    prov_set_int(r, "agreement.version", 1);
    prov_set_sha256(r, "agreement.sha256", digest);
    prov_set_str(r, "partnership.id", "urn:dfft:iap:jp-eu:health");
    prov_set_int(r, "partnership.version", 3);
    prov_set_str(r, "basis.code", "dfft:APPI-anon");
    prov_add_str(r, "purpose.ids", "dpv:PublicBenefit");
    prov_set_str(r, "purpose.asserted_by", "peer-signed");
    prov_set_str(r, "dataset.id", "urn:dfft:ds:cohort");
    prov_set_int(r, "dataset.version", 2);
    prov_set_bool(r, "labels.personal", false);
    prov_set_int(r, "items.n", 2);
    prov_set_int(r, "bytes.in", 0);
    prov_set_int(r, "bytes.out", 20480);
    prov_set_str(r, "request.method", "GET");
    prov_set_str(r, "request.route", "/v1/cohorts/{id}");
    prov_commit(r, "request.query", digest);
    prov_commit(r, "payload.in", digest);
    prov_commit(r, "payload.out", digest);
    prov_set_str(r, "peer.side", "importer");
    prov_set_sha256(r, "peer.cert_sha256", digest);
    prov_set_str(r, "peer.kind", "org");
    prov_set_str(r, "peer.trust.answer", "yes");
    prov_set_str(r, "peer.trust.clause", "ETSI TS 119 612 5.5.4");
    prov_set_str(r, "decision.answer", "permit");
    prov_set_str(r, "decision.code", "permit.granted");
    prov_set_str(r, "decision.clause", "urn:dfft:agr:cohort-2026-07@1#/permit/0");
    prov_set_sha256(r, "decision.bundle_sha256", digest);
    prov_set_int(r, "decision.serial", 41);
    prov_set_str(r, "decision.mode", "enforce");
    prov_set_str(r, "retention.class", "appi-3y");
    prov_set_str(r, "retention.delete_after", "2029-11-23");
    prov_set_str(r, "seal.profile", "dfft-seal-v1");
    prov_set_str(r, "seal.format", "JAdES");
    prov_set_str(r, "seal.level", "B-B");
    prov_set_sha256(r, "seal.cert_sha256", digest);
    prov_set_sha256(r, "seal.sha256", digest);
    prov_add_object(r, "ts");
    prov_set_str(r, "ts.mode", "deferred");
    prov_set_str(r, "ts.window", "2026-11-23T09:15");
    return r;
}

static inline struct dx_rc append(prov_log *log, const char *to, prov_receipt *receipt, dx_why *why)
{
    dx_arena arena = {0};
    struct dx_rc rc = prov_append_wait(log, exchange(&arena, NULL, to), receipt, why);
    dx_arena_fini(&arena);
    return rc;
}

static inline void must_append(prov_log *log, const char *to)
{
    dx_why why = {0};
    struct dx_rc rc = append(log, to, NULL, &why);
    if (rc.code != DX_OK)
        fail_msg("%s %s: %s", dx_code_name(rc.code), why.id, why.text);
}

static inline prov_finding verified(world *w)
{
    prov_finding finding;
    dx_why why = {0};
    struct dx_rc rc = prov_verify_dir(&dx_io_system, w->shard, w->vkeys, 2, NULL, NULL, &finding, &why);
    if (rc.code != DX_OK)
        fail_msg("%s: %s", dx_code_name(rc.code), why.text);
    return finding;
}

static inline void assert_sound(world *w)
{
    prov_finding f = verified(w);
    if (!f.ok)
        fail_msg("%s at %llu: %s", f.id, (unsigned long long)f.index, f.text);
}

#endif
