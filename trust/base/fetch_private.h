/* fetch_private.h -- inside fetch: the thread, its transfers and the address guard see each other here. */
#ifndef TRUST_BASE_FETCH_PRIVATE_H
#define TRUST_BASE_FETCH_PRIVATE_H

#include "trust/base/fetch.h"

#include <curl/curl.h>
#include <pthread.h>

#define DX_FETCH_RULES_MAX 32
#define DX_FETCH_OWN_MAX   256 /* a listener on every address counts once for each of them */
#define DX_FETCH_URL_BYTES 2048
#define DX_FETCH_TOTAL_MS  8000

typedef struct {
    uint8_t address[16]; /* v4 in its mapped form */
    unsigned bits;
} dx_fetch_range;

typedef struct {
    uint8_t address[16]; /* v4 in its mapped form */
    uint16_t port;
} dx_fetch_place;

typedef struct { /* the rules, read */
    dx_fetch_range private_ranges[DX_FETCH_RULES_MAX];
    size_t private_count;
    uint16_t ports[DX_FETCH_RULES_MAX];
    size_t port_count;
    dx_fetch_place own[DX_FETCH_OWN_MAX];
    size_t own_count;
} dx_fetch_guard;

typedef struct dx_fetch_transfer dx_fetch_transfer;
struct dx_fetch_transfer {
    dx_fetch_transfer *next;
    CURL *easy;
    struct curl_slist *headers, *pinned; /* pinned: the addresses that its name was checked for */
    struct dx_fetch_look_up *look_up;    /* under way; belongs to fetch_resolve.c */
    dx_fetcher *fetcher;
    dx_fetch_request request;
    dx_fetch_answer answer;
    dx_fetch_done *done;
    void *context;
    struct dx_rc rc; /* set early by a callback that ends the transfer */
    dx_why why;
    int64_t started_us;
    char url[DX_FETCH_URL_BYTES];
};

struct dx_fetcher {
    pthread_t thread;
    pthread_mutex_t lock;
    CURLM *multi;
    dx_fetch_transfer *queue, *under_way;
    dx_fetch_transfer *resolving; /* a thread looks their name up */
    size_t queued;                /* of both lists */
    bool stopping;
    dx_fetch_guard guard;
    char proxy[256], ca_file[512];
};

/* fetch_guard.c: may we connect there? */
bool dx_fetch_guard_allows(const dx_fetch_guard *guard, const struct sockaddr *address);
DX_RC dx_fetch_guard_read(const dx_fetch_rules *rules, dx_fetch_guard *out, dx_why *why);
DX_RC dx_fetch_guard_url(const char *url, bool *https, dx_why *why);

/* fetch_resolve.c: the name of a transfer becomes addresses, once; `queue` gets it back, pinned to them or
 * with rc set. True: that comes later, from a thread of its own; false: at once. */
bool dx_fetch_resolve(dx_fetch_transfer *t, void (*queue)(dx_fetch_transfer *t));
/* Waits no longer. False: it was queued meanwhile. A name server may keep its thread for as long as it likes.
 */
bool dx_fetch_resolve_give_up(dx_fetch_transfer *t);

/* fetch_transfer.c: one request for libcurl, from its options to `done`. */
/* DX_TOO_LARGE: a field of the request does not fit its line. */
DX_RC dx_fetch_transfer_set_up(dx_fetch_transfer *t, bool https, dx_why *why);
void dx_fetch_transfer_finish(dx_fetch_transfer *t, CURLcode result);
void dx_fetch_transfer_free(dx_fetch_transfer *t);

#endif
