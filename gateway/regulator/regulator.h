/* regulator.h -- the inner upstream behind the regulator's listener: exchanges in, records and proofs out.
 *
 * A regulator's request walks the same stages as any other; instead of the data API this desk answers it, and
 * policy has said which records may be seen. Threads: regulator_serve from any worker; one thread of its own
 * does the reading, so that a slow query never holds up a worker.
 */
#ifndef GATEWAY_REGULATOR_REGULATOR_H
#define GATEWAY_REGULATOR_REGULATOR_H

#include "gateway/exchange/gate.h"

typedef struct regulator regulator;

/* Opens reader and index of the gate's log; `vkeys`: the log's verifier keys, one a line, copied. */
DX_RC regulator_new(gate *g, const char *vkeys, regulator **out, dx_why *why);
void regulator_free(regulator *r); /* answers what is queued, ends the thread; NULL is fine */

/* gate_inner.serve; `context` is the regulator. False: too many questions wait. */
bool regulator_serve(void *context, exchange *ex);

#endif
