/* config.h -- a file becomes one immutable struct, or a list of everything that is wrong with it.
 *
 * Options are rows of config_table.h. Threads: load on any thread; a config never changes afterwards.
 */
#ifndef GATEWAY_CONFIG_CONFIG_H
#define GATEWAY_CONFIG_CONFIG_H

#include "trust/base/arena.h"
#include "trust/base/io.h"

typedef struct {
    const char *const *items;
    size_t count;
} config_texts;

typedef struct {
    const int64_t *items;
    size_t count;
} config_numbers;

/* One struct per section, members from the table. Absent texts are NULL. */
typedef struct {
    const char *state_dir;
} config_root;
typedef struct {
    const char *id, *host, *organisation, *name, *territory, *time_source;
} config_gateway;
typedef struct {
    int64_t count;
} config_worker;
typedef struct {
    const char *address, *certificate, *key, *tls_min;
    config_texts hosts;
    int64_t peer_chain_bytes;
} config_listen;
typedef struct {
    config_texts addresses;
    const char *host;
    int64_t connect_ms, first_byte_ms, idle_read_ms, connections_max, idle_max, queue_max, body_max_bytes;
} config_upstream;
typedef struct {
    const char *ca, *name, *cert, *key;
} config_upstream_tls;
typedef struct {
    int64_t connections, connections_per_ip, connections_per_peer, header_bytes, fields, target_bytes;
} config_limit;
typedef struct {
    int64_t handshake_s, header_s, body_grace_s, idle_s, write_stall_s, drain_s;
} config_timeout;
typedef struct {
    const char *home, *when_unknown, *recognition, *block;
    int64_t grace_s, run_deadline_s, judge_wait_ms;
} config_trust;
typedef struct {
    const char *name_; /* key in the map */
    const char *kind, *url, *oj_uri, *scheme, *territory, *profile, *origin, *map, *versions, *structure,
        *rsa_digestinfo;
    config_texts anchors, tsl_types, territories;
    bool allow_http, legacy_xpath, mra;
    int64_t refresh_s, max_bytes;
} config_source;
typedef struct {
    const char *check_digits, *associated_persons;
    config_texts jpki_policies, source;
} config_identity;
typedef struct {
    config_texts allow_private;
    config_numbers allow_ports;
    const char *proxy, *ca_file;
} config_fetch;
typedef struct {
    int64_t live_recheck_s;
} config_revocation;
typedef struct {
    int64_t finish_s;
} config_peer;
typedef struct {
    const char *dir, *agreement_seals;
    bool working_copy;
} config_policy;
typedef struct {
    config_texts formats;
    bool refusals, require_listed;
    int64_t skew_s, max_age_s;
} config_seal;
typedef struct {
    const char *file, *cert;
} config_seal_key;
typedef struct {
    const char *mode;
    int64_t max_inflight, max_batch, max_wait_ms, min_interval_ms, try_ms, total_ms, skew_s;
} config_timestamp;
typedef struct {
    const char *name, *url, *class_, *territory;
    bool cert_req, eku_strict;
    config_texts policy_oids;
} config_tsa;
typedef struct {
    const char *guard_dir, *kek_dir;
    int64_t publish_interval_ms, queue_max, segment_mib, spares;
} config_provenance;
typedef struct {
    const char *ed25519, *p256;
} config_provenance_keys;
typedef struct {
    const char *address, *certificate, *key;
    config_texts hosts;
} config_regulator;
typedef struct {
    const char *address;
} config_observe;
typedef struct {
    const char *level;
} config_log;

typedef struct config {
    dx_arena arena;
    uint8_t sha256[32]; /* of the file */
    const char *file;
    /* One pointer and count per section; ONE has count 1, or 0 when it is absent. */
#define S(section, pointer, kind, help)                                                                      \
    config_##section *section;                                                                               \
    size_t section##_count;
#define O(...)
#include "gateway/config/config_table.h"
#undef S
#undef O
} config;

typedef struct {
    unsigned line, column; /* 0: the whole file */
    char pointer[160];     /* RFC 6901 */
    char text[240];        /* what was expected, what was found */
} config_finding;

typedef struct {
    config_finding *items;
    size_t count;
} config_findings;
void config_findings_fini(config_findings *findings);

/* Reads and judges a whole file. DX_CONFIG: `findings` says everything that is wrong, *out is NULL. */
DX_RC config_load(const dx_io *io, const char *file, config **out, config_findings *findings, dx_why *why);
void config_free(config *c);

typedef struct {
    const char *section, *key; /* static */
} config_change;
/* Options that differ between two configurations and need a restart, at most `max` of them. */
size_t config_restart_needed(const config *now, const config *next, config_change *out, size_t max);

/* The options as text for people, or as roff for sekisho.conf(5). */
DX_RC config_manual(bool roff, dx_buf *out);
DX_RC config_roff(const char *text,
                  dx_buf *out); /* text as roff: what would be a request or a hyphen is escaped */

#endif
