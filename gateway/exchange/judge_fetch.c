#include "gateway/exchange/judge_private.h"

#include "trust/base/digest.h"
#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* Fetching answers about revocation (identity.md 9.4): single flight by source, two tries, a bound for each
 * host and for all, a breaker for hosts that fail, and rest for a source that failed. */

#define IN_FLIGHT_MAX  32
#define PER_HOST_MAX   4
#define CONNECT_MS     3000
#define TRY_MS         5000
#define TRIES          2
#define REST_S         10 /* a failed source is not asked again for so long */
#define BACKOFF_MAX_S  300
#define BREAK_FAILURES 5 /* within BREAK_US: the host is left alone */
#define BREAK_US       10000000

static int64_t mono(const judges *j)
{
    return dx_mono_us(j->spec.clock);
}

/* The entry of the host that a URL names, or one that nobody needs now. NULL: none is free. */
static judge_host *host_of(judges *j, const char *url)
{
    char name[sizeof j->hosts[0].name] = "";
    const char *start = strstr(url, "://");
    start = start == NULL ? url : start + 3;
    size_t size = strcspn(start, "/?#");
    if (size == 0 || size >= sizeof name)
        return NULL;
    for (size_t i = 0; i < size; i++)
        name[i] = (char)(start[i] >= 'A' && start[i] <= 'Z' ? start[i] + 32 : start[i]);
    judge_host *spare = NULL;
    for (size_t i = 0; i < JUDGE_HOSTS_MAX; i++) {
        judge_host *h = &j->hosts[i];
        if (strcmp(h->name, name) == 0)
            return h;
        if (h->in_flight == 0 && h->waiting == 0 && h->open_until_us <= mono(j) &&
            (spare == NULL || h->used_us < spare->used_us))
            spare = h;
    }
    if (spare != NULL) {
        *spare = (judge_host){0};
        memcpy(spare->name, name, size + 1);
    }
    return spare;
}

static void fetched(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why)
{
    /* On the fetcher's thread. */
    judge_arrival *a = context;
    judges *j = a->owner;
    const char *type = "application/ocsp-response";
    size_t n = strlen(type);
    a->rc = rc;
    if (rc.code != DX_OK)
        a->why = *why;
    a->status = answer->status;
    a->typed = a->source->is_crl || (strncasecmp(answer->content_type, type, n) == 0 &&
                                     strchr("; \t", answer->content_type[n]) != NULL);
    a->body = answer->body;
    dx_buf_init(&answer->body, 0);
    pthread_mutex_lock(&j->lock);
    a->next = j->arrived;
    j->arrived = a;
    pthread_cond_signal(&j->came);
    pthread_mutex_unlock(&j->lock);
}

static void failed(judges *j, judge_source *s, const char *url, const dx_why *why, bool refused)
{
    int64_t rest_s = REST_S;
    s->in_flight = s->waiting = false;
    s->failures++;
    for (unsigned i = 1; i < s->failures && rest_s < BACKOFF_MAX_S; i++)
        rest_s *= 2;
    s->not_before_s = dx_now_s(j->spec.clock) + (rest_s < BACKOFF_MAX_S ? rest_s : BACKOFF_MAX_S);
    snprintf(s->failed_id, sizeof s->failed_id, "%.7s",
             strcmp(why->id, "ID-416") == 0           ? "ID-416"
             : s->is_crl && why->code == DX_TOO_LARGE ? "ID-415"
                                                      : "");
    atomic_fetch_add_explicit(&j->counts.fetches[s->is_crl][refused ? FETCH_REFUSED : FETCH_FAILED], 1,
                              memory_order_relaxed);
    dx_log(DX_LOG_WARN, refused ? "fetch.refused" : "revocation.fetch_failed",
           F_STR("kind", s->is_crl ? "crl" : "ocsp"), F_STR("id", why->id[0] ? why->id : NULL),
           F_STR("text", why->text), F_STR("url", url));
}

/* One more failure of a host: five in ten seconds open its breaker, for one second and twice as long each
 * time, up to five minutes. */
static void host_failed(judges *j, judge_host *h)
{
    int64_t now_us = mono(j);
    if (h->failures == 0 || now_us - h->first_failure_us > BREAK_US) {
        h->failures = 0;
        h->first_failure_us = now_us;
    }
    if (++h->failures < BREAK_FAILURES)
        return;
    h->backoff_s = h->backoff_s == 0                  ? 1
                   : h->backoff_s * 2 < BACKOFF_MAX_S ? h->backoff_s * 2
                                                      : BACKOFF_MAX_S;
    h->open_until_us = now_us + h->backoff_s * 1000000;
    h->failures = BREAK_FAILURES - 1; /* one probe decides */
    h->first_failure_us = h->open_until_us;
    dx_log(DX_LOG_WARN, "revocation.breaker_open", F_STR("host", h->name), F_INT("seconds", h->backoff_s));
}

/* The address of the next try: they take turns. */
static const char *address(const judge_source *s, unsigned tries)
{
    return s->urls[s->urls[1] == NULL ? 0 : tries % 2];
}

static void start_try(judges *j, judge_source *s)
{
    const char *url = address(s, s->tries);
    dx_why why = {0};
    judge_arrival *a = calloc(1, sizeof *a);
    dx_fetch_request request = {.url = url,
                                .connect_ms = CONNECT_MS,
                                .total_ms = TRY_MS,
                                .max_bytes = s->is_crl ? JUDGE_CRL_MAX_BYTES : JUDGE_OCSP_MAX_BYTES};
    if (!s->is_crl) {
        request.body = dx_buf_view(&s->request);
        request.content_type = "application/ocsp-request";
        request.accept = "application/ocsp-response";
    }
    struct dx_rc rc = a == NULL ? DX_FAIL(&why, NO_MEMORY, "", "no memory to fetch") : DX_OKAY;
    if (rc.code == DX_OK) {
        a->owner = j;
        a->source = s;
        s->tries++;
        s->waiting = false;
        s->in_flight = true;
        rc = dx_fetch_submit(j->spec.fetcher, &request, fetched, a, &why);
    }
    if (rc.code != DX_OK) {
        free(a);
        failed(j, s, url, &why, rc.code == DX_REFUSED);
        return;
    }
    j->in_flight++;
    s->host->in_flight++;
    s->host->used_us = mono(j);
}

void judge_fetch_pump(judges *j)
{
    for (judge_source **at = &j->waiting; *at != NULL;) {
        judge_source *s = *at;
        if (j->ending || s->host->open_until_us > mono(j)) {
            *at = s->next_waiting;
            s->host->waiting--;
            failed(j, s, address(s, s->tries),
                   &(dx_why){.code = DX_UNREACHABLE, .text = "the host failed too often and rests"}, false);
        } else if (j->in_flight < IN_FLIGHT_MAX && s->host->in_flight < PER_HOST_MAX) {
            *at = s->next_waiting;
            s->host->waiting--;
            start_try(j, s);
        } else {
            at = &s->next_waiting;
        }
    }
}

static void queue_try(judges *j, judge_source *s)
{
    judge_source **end = &j->waiting;
    while (*end != NULL)
        end = &(*end)->next_waiting;
    s->host->waiting++;
    s->waiting = s->in_flight = true;
    s->next_waiting = NULL;
    *end = s;
    judge_fetch_pump(j);
}

bool judge_fetch_ask(judges *j, judge_source *s)
{
    if (s->in_flight)
        return true;
    int64_t now_s = dx_now_s(j->spec.clock);
    if (j->ending || j->spec.fetcher == NULL || s->urls[0] == NULL || (!s->is_crl && s->request.size == 0) ||
        now_s < s->not_before_s || (s->host = host_of(j, s->urls[0])) == NULL ||
        s->host->open_until_us > mono(j)) {
        atomic_fetch_add_explicit(&j->counts.fetches[s->is_crl][FETCH_SKIPPED], 1, memory_order_relaxed);
        return false;
    }
    s->tries = 0;
    s->asked_s = now_s;
    s->failed_id[0] = 0;
    queue_try(j, s);
    return s->in_flight;
}

void judge_fetch_take(judges *j, judge_arrival *a)
{
    judge_source *s = a->source;
    const char *url = address(s, s->tries - 1);
    bool good = a->rc.code == DX_OK && a->status == 200 && a->typed;
    j->in_flight--;
    s->host->in_flight--;
    s->in_flight = false;
    if (good) {
        dx_buf_fini(&s->fresh);
        s->fresh = a->body;
        dx_buf_init(&a->body, 0);
        dx_sha256(dx_buf_view(&s->fresh), s->fresh_sha256);
        s->failures = 0;
        s->host->failures = 0;
        s->host->backoff_s = 0;
        atomic_fetch_add_explicit(&j->counts.fetches[s->is_crl][FETCH_ANSWERED], 1, memory_order_relaxed);
    } else {
        bool refused = a->rc.code == DX_REFUSED, hopeless = refused || a->rc.code == DX_TOO_LARGE;
        if (a->rc.code == DX_OK) {
            a->why = (dx_why){.code = DX_MALFORMED};
            snprintf(a->why.text, sizeof a->why.text, "status %d, or not the media type of an answer",
                     a->status);
        }
        if (!refused)
            host_failed(j, s->host);
        judge_host *next =
            hopeless || s->tries >= TRIES || j->ending ? NULL : host_of(j, address(s, s->tries));
        if (next == NULL) {
            failed(j, s, url, &a->why, refused);
        } else {
            s->host = next;
            queue_try(j, s);
        }
    }
    dx_buf_fini(&a->body);
    free(a);
    judge_fetch_pump(j);
}
