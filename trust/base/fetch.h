/* fetch.h -- outgoing HTTP: lists, OCSP, CRL, time stamps. libcurl stays behind this page.
 *
 * One fetcher owns one thread (libcurl multi). Every request has finite deadlines and a ceiling for its
 * answer; the address guard (trusted-lists.md TL-102, identity.md 9.4) resolves once, refuses private,
 * loopback, link-local and other special addresses unless allowed, and connects to exactly the address it
 * checked. A name with one address that is not allowed is not asked at any. No proxy or other setting is
 * taken from the environment. Threads: submit and fetch from any thread; `done` runs on the fetcher's thread
 * and must not block.
 */
#ifndef TRUST_BASE_FETCH_H
#define TRUST_BASE_FETCH_H

#include "trust/base/clock.h"

typedef struct dx_fetcher dx_fetcher;

typedef struct {
    const char *const
        *allow_private; /* CIDR texts ("127.0.0.0/8") that the guard lets pass; borrowed for the call */
    size_t allow_private_count;
    const uint16_t *allow_ports; /* beside 80 and 443; 0 in the list = any port */
    size_t allow_ports_count;
    const char *const
        *own; /* our own listeners ("127.0.0.1:8443", "[::]:443"): never reached, allowed or not */
    size_t own_count;
    const char *proxy;   /* NULL: none */
    const char *ca_file; /* NULL: the system store; TLS here is hygiene, trust comes from signatures */
    unsigned in_flight_max, per_host_max; /* 0: 32 and 4 */
} dx_fetch_rules;

typedef struct {
    const char *url;          /* http or https only */
    dx_bytes body;            /* POST when content_type is set; borrowed until `done` */
    const char *content_type; /* NULL: GET */
    const char *accept;       /* NULL: none sent */
    const char *if_none_match, *if_modified_since, *authorization; /* NULL: none sent */
    uint32_t connect_ms, total_ms;                                 /* 0: 3000 and 8000 */
    uint32_t low_speed_bytes, low_speed_s; /* abort below so many bytes a second for so long; 0: off */
    size_t max_bytes;                      /* of the decoded answer; required */
    unsigned redirects;                    /* how many may be followed; https never goes to http */
    bool accept_gzip;                      /* decoded size counts, ratio at most 20:1 beyond 1 MiB */
} dx_fetch_request;

typedef struct {
    int status; /* HTTP status; 0 when there was no answer */
    dx_buf body;
    char content_type[128], etag[128], last_modified[64];
    char final_url[2048];
    int64_t took_us;
} dx_fetch_answer;
void dx_fetch_answer_fini(dx_fetch_answer *answer);

DX_RC dx_fetcher_new(const dx_fetch_rules *rules, dx_fetcher **out, dx_why *why);
void dx_fetcher_free(dx_fetcher *fetcher); /* cancels what is under way: their `done` sees DX_UNREACHABLE */

/* DX_UNREACHABLE  no answer (refused, name not found, TLS)      worth another try
 * DX_TIMEOUT      no whole answer in time                       worth another try
 * DX_TOO_LARGE    answer over max_bytes or ratio                not worth it
 * DX_REFUSED      the address guard or a redirect rule said no  not worth it
 * Any HTTP status is a success here: the caller judges it. */
typedef void dx_fetch_done(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why);
DX_RC dx_fetch_submit(dx_fetcher *fetcher, const dx_fetch_request *request, dx_fetch_done *done,
                      void *context, dx_why *why);

/* The same, waiting. Never call it on a worker loop or in a `done`. */
DX_RC dx_fetch(dx_fetcher *fetcher, const dx_fetch_request *request, dx_fetch_answer *answer, dx_why *why);

/* The address guard by itself: may we connect there? For tests and for lint of configuration. */
struct sockaddr;
bool dx_fetch_address_allowed(const dx_fetch_rules *rules, const struct sockaddr *address);

#endif
