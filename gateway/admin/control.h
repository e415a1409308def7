/* control.h -- a running gateway: puts the services together, keeps trust, policy and the seal credential
 * fresh, takes it all apart again in the right order.
 *
 * Threads: control_run occupies the calling thread until a signal ends it; lists are read on a thread of
 * their own, so that a large list neither stops a reload nor a shutdown.
 */
#ifndef GATEWAY_ADMIN_CONTROL_H
#define GATEWAY_ADMIN_CONTROL_H

#include "gateway/exchange/gate.h"

typedef struct control control;

/* Opens keys, log, lists, policy and listeners. Every failure says what to do; DX_BROKEN means the log is not
 * ours to use. `config` is taken over. */
DX_RC control_start(config *config, const dx_clock *clock, const dx_io *io, control **out, dx_why *why);
/* Serves until SIGTERM or SIGINT; SIGHUP reloads. Returns the exit code. */
int control_run(control *c);
void control_stop(control *c); /* drains, flushes the log, frees */

gate *control_gate(control *c);

/* Why the gateway is not ready, one id per reason; 0 reasons: ready. Any thread. */
typedef struct {
    const char *id;
    char text[200];
} control_reason;
size_t control_reasons(control *c, control_reason *out, size_t max);
/* The lists in force as metric lines, and other gauges; any thread. */
DX_RC control_metrics(control *c, dx_buf *out);

/* identity.* and the rows of trust.recognition, as the judge wants them; memory in `arena`. */
DX_RC control_identity(const config *c, const dx_io *io, dx_arena *arena, identity_rules *rules,
                       path_recognition *recognition, dx_why *why);

/* The sources of a configuration as the list room wants them; memory in `arena`. Used by `sekisho trust` too.
 */
DX_RC control_sources(const config *c, const dx_io *io, dx_arena *arena, tlist_source **out, size_t *count,
                      dx_why *why);
DX_RC control_fetcher(const config *c, dx_fetcher **out, dx_why *why);
/* Reads and judges the policy bundle as the gateway would load it, the accepted serial included; nothing is
 * stored. `findings` is yours (policy_findings_fini), whatever comes back. */
DX_RC control_read_policy(const config *c, const dx_io *io, int64_t now_s, policy **out,
                          policy_findings *findings, dx_why *why);
/* Opens the seal key and certificate of a configuration. */
DX_RC control_credential(const config *c, const dx_io *io, seal_credential **out, dx_why *why);

/* The DER objects of a file, memory in `arena`: PEM blocks with this label ("CERTIFICATE", "X509 CRL"), or
 * one object that is DER already. More than `max`, or none: an error that names the file. */
DX_RC control_read_objects(const dx_io *io, const char *file, const char *label, dx_arena *arena,
                           dx_bytes *out, size_t max, size_t *count, dx_why *why);

#endif
