/* peer_trust.h -- what a worker believes of its peers, while their connections live (identity.md 4, 11).
 *
 * Each peer entry of the worker keeps one verdict, and the epoch under which it was last found to hold. A new
 * epoch confirms in place what it does not touch and has the rest judged again, those with connections first;
 * a second hand looks for verdicts that end and for certificates that must be asked about again. A peer that
 * is believed no longer loses its connections. Threads: on the worker that owns the peer.
 */
#ifndef GATEWAY_EXCHANGE_PEER_TRUST_H
#define GATEWAY_EXCHANGE_PEER_TRUST_H

#include "gateway/exchange/gate.h"
#include "gateway/exchange/judge.h"

typedef struct {
    judged *judged; /* a reference */
    uint64_t epoch;
    bool asking, believed;
} peer_trust;

/* The verdict that holds now, borrowed, or NULL. No lock, no hash, no allocation. */
static inline judged *peer_trust_known(const gate_worker *w, const net_peer *peer, int64_t now_s)
{
    const peer_trust *t = peer->user;
    return t != NULL && t->epoch == w->view->epoch && t->judged->good_until_s > now_s ? t->judged : NULL;
}
/* The same after a look at what a verdict from before depends on. */
judged *peer_trust_confirm(gate_worker *w, const net_peer *peer, int64_t now_s);
/* Whether the peer was believed, and no NO came since. */
static inline bool peer_trust_believed(const net_peer *peer)
{
    const peer_trust *t = peer->user;
    return t != NULL && t->believed;
}
/* A verdict came: kept when it holds under the worker's own view (false: ask again), and a peer that was
 * believed until now is cut. */
bool peer_trust_take(gate_worker *w, const net_peer *peer, judged *answer);

void peer_trust_start(gate_worker *w); /* the second hand */
void peer_trust_stop(gate_worker *w);
void peer_trust_new_epoch(gate_worker *w); /* w->view is new */

#endif
