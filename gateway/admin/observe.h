/* observe.h -- /health/live, /health/ready and /metrics on plain HTTP, for the operator's own network.
 *
 * Standard: OpenMetrics 1.0 text. Threads: one of its own, one request at a time, each with a deadline; it
 * reads the gateway's state through control_reasons and control_metrics only.
 */
#ifndef GATEWAY_ADMIN_OBSERVE_H
#define GATEWAY_ADMIN_OBSERVE_H

#include "gateway/admin/control.h"

typedef struct observe observe;

/* `address`: "127.0.0.1:9100" or "[::1]:9100". DX_CONFIG: not an address; DX_IO: it cannot be listened on. */
DX_RC observe_start(control *c, const char *address, observe **out, dx_why *why);
void observe_stop(observe *o); /* NULL is fine */

#endif
