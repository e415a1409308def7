/* net_loop.h -- the loop of a worker, for the rooms that may use libuv (gateway/net, gateway/upstream). */
#ifndef GATEWAY_NET_NET_LOOP_H
#define GATEWAY_NET_NET_LOOP_H

#include "gateway/net/net.h"

#include <uv.h>

uv_loop_t *net_worker_loop(net_worker *worker);

#endif
