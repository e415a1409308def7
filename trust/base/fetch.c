#include "trust/base/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define URL_MAX_BYTES    2048
#define RULES_MAX        32
#define RATIO_MAX        20 /* decoded : received; real lists reach 6 (trusted-lists.md TL-104) */
#define RATIO_FREE_BYTES (1U << 20)
#define QUEUE_MAX        1024
#define TURN_MS          1000

typedef struct {
    uint8_t address[16]; /* v4 in its mapped form */
    unsigned bits;
} range;

typedef struct transfer transfer;
struct transfer {
    transfer *next;
    CURL *easy;
    struct curl_slist *headers;
    dx_fetcher *fetcher;
    dx_fetch_request request;
    dx_fetch_answer answer;
    dx_fetch_done *done;
    void *context;
    struct dx_rc rc; /* set early by a callback that ends the transfer */
    dx_why why;
    int64_t started_us;
    char url[URL_MAX_BYTES];
};

struct dx_fetcher {
    pthread_t thread;
    pthread_mutex_t lock;
    CURLM *multi;
    transfer *queue, *under_way;
    size_t queued;
    bool stopping;
    range private_ranges[RULES_MAX];
    size_t private_count;
    uint16_t ports[RULES_MAX];
    size_t port_count;
    char proxy[256], ca_file[512];
};

/* ---- the address guard ---- */

/* identity.md 9.4: special-use addresses (RFC 6890 and later registries). */
static const char *const forbidden[] = {
    "0.0.0.0/8",      "10.0.0.0/8",   "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24",   "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",  "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4",  "240.0.0.0/4",    "::/128",         "::1/128",        "64:ff9b:1::/48",
    "100::/64",       "2001::/23",    "2001:db8::/32",  "2002::/16",      "fc00::/7",       "fe80::/10",
    "fec0::/10",      "ff00::/8",
};

static bool range_parse(const char *text, range *out)
{
    char address[64];
    const char *slash = strchr(text, '/');
    size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (size >= sizeof address)
        return false;
    memcpy(address, text, size);
    address[size] = 0;
    uint8_t v4[4];
    bool is_v4 = inet_pton(AF_INET, address, v4) == 1;
    if (is_v4) {
        memset(out->address, 0, 10);
        memset(out->address + 10, 0xff, 2);
        memcpy(out->address + 12, v4, 4);
    } else if (inet_pton(AF_INET6, address, out->address) != 1) {
        return false;
    }
    uint64_t bits = is_v4 ? 32 : 128;
    if (slash != NULL && !dx_bytes_u64(dx_bytes_text(slash + 1), bits, &bits))
        return false;
    out->bits = (unsigned)bits + (is_v4 ? 96 : 0);
    return true;
}

static bool range_holds(const range *r, const uint8_t address[16])
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(r->address, address, whole) != 0)
        return false;
    return rest == 0 || ((r->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool address_bytes(const struct sockaddr *address, uint8_t out[16], uint16_t *port)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        memset(out, 0, 10);
        memset(out + 10, 0xff, 2);
        memcpy(out + 12, &v4->sin_addr, 4);
        *port = ntohs(v4->sin_port);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    memcpy(out, &v6->sin6_addr, 16);
    *port = ntohs(v6->sin6_port);
    /* NAT64 carries a v4 address behind its prefix: judge that one. */
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(out, nat64, sizeof nat64) == 0) {
        memset(out, 0, 10);
        memset(out + 10, 0xff, 2);
    }
    return true;
}

static bool allowed(const range *ranges, size_t range_count, const uint16_t *ports, size_t port_count,
                    const struct sockaddr *address)
{
    uint8_t bytes[16];
    uint16_t port;
    if (!address_bytes(address, bytes, &port))
        return false;
    bool port_ok = port == 80 || port == 443;
    for (size_t i = 0; i < port_count; i++)
        port_ok = port_ok || ports[i] == 0 || ports[i] == port;
    if (!port_ok)
        return false;
    for (size_t i = 0; i < range_count; i++)
        if (range_holds(&ranges[i], bytes))
            return true;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        range r;
        if (!range_parse(forbidden[i], &r) || range_holds(&r, bytes))
            return false;
    }
    return true;
}

static size_t parse_ranges(const dx_fetch_rules *rules, range *out)
{
    size_t count = 0;
    for (size_t i = 0; i < rules->allow_private_count && count < RULES_MAX; i++)
        count += range_parse(rules->allow_private[i], &out[count]);
    return count;
}

bool dx_fetch_address_allowed(const dx_fetch_rules *rules, const struct sockaddr *address)
{
    range ranges[RULES_MAX];
    return allowed(ranges, parse_ranges(rules, ranges), rules->allow_ports, rules->allow_ports_count,
                   address);
}

/* ---- one transfer ---- */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    transfer *t = context;
    /* A proxy is the operator's own choice; behind it the address is out of our sight. */
    if (purpose == CURLSOCKTYPE_IPCXN && t->fetcher->proxy[0] == 0 &&
        !allowed(t->fetcher->private_ranges, t->fetcher->private_count, t->fetcher->ports,
                 t->fetcher->port_count, &address->addr)) {
        t->rc = DX_FAIL_ID(&t->why, REFUSED, "ID-416", "own rule: fetch.allow_private, fetch.allow_ports",
                           "%s leads to an address or port that is not allowed", t->url);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    transfer *t = context;
    size_t bytes = size * count;
    t->rc = dx_buf_add(&t->answer.body, dx_bytes_of(data, bytes));
    if (t->rc.code == DX_TOO_LARGE)
        t->rc = DX_FAIL(&t->why, TOO_LARGE, "", "%s: answer is larger than %zu bytes", t->url,
                        t->request.max_bytes);
    curl_off_t received = 0;
    if (t->rc.code == DX_OK && t->request.accept_gzip && t->answer.body.size > RATIO_FREE_BYTES &&
        curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &received) == CURLE_OK && received > 0 &&
        t->answer.body.size / (size_t)received > RATIO_MAX)
        t->rc = DX_FAIL(&t->why, TOO_LARGE, "", "%s: answer opens to more than %d times its size", t->url,
                        RATIO_MAX);
    return t->rc.code == DX_OK ? bytes : 0;
}

static void keep_header(const char *name, dx_bytes line, char *out, size_t room)
{
    size_t n = strlen(name);
    if (line.size > n && strncasecmp((const char *)line.data, name, n) == 0 && line.data[n] == ':') {
        dx_bytes value = dx_bytes_trim(dx_bytes_part(line, n + 1, line.size));
        if (value.size < room) {
            memcpy(out, value.data, value.size);
            out[value.size] = 0;
        }
    }
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    transfer *t = context;
    dx_bytes line = dx_bytes_of(data, size * count);
    keep_header("content-type", line, t->answer.content_type, sizeof t->answer.content_type);
    keep_header("etag", line, t->answer.etag, sizeof t->answer.etag);
    keep_header("last-modified", line, t->answer.last_modified, sizeof t->answer.last_modified);
    return size * count;
}

static void add_header(transfer *t, const char *name, const char *value)
{
    if (value == NULL)
        return;
    char line[1024];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer != NULL)
        t->headers = longer;
}

/* Scheme, userinfo and length are judged before any name is resolved. */
static DX_RC judge_url(const char *url, bool *https, dx_why *why)
{
    if (strlen(url) >= URL_MAX_BYTES)
        return DX_FAIL_ID(why, REFUSED, "ID-416", "", "URL is longer than %d bytes", URL_MAX_BYTES);
    CURLU *parsed = curl_url();
    char *scheme = NULL, *user = NULL;
    struct dx_rc rc = DX_OKAY;
    if (parsed == NULL || curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        rc = DX_FAIL_ID(why, REFUSED, "ID-416", "RFC 3986", "not a URL: %.200s", url);
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        rc = DX_FAIL_ID(why, REFUSED, "ID-416", "own rule: http and https", "scheme %s is not fetched",
                        scheme);
    else if (curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK)
        rc = DX_FAIL_ID(why, REFUSED, "ID-416", "RFC 9110 4.2.4", "URL carries user information");
    else
        *https = strcmp(scheme, "https") == 0;
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(parsed);
    return rc;
}

static bool set_up(transfer *t, bool https)
{
    const dx_fetch_request *r = &t->request;
    CURL *e = t->easy = curl_easy_init();
    if (e == NULL)
        return false;
    add_header(t, "Accept", r->accept);
    add_header(t, "If-None-Match", r->if_none_match);
    add_header(t, "If-Modified-Since", r->if_modified_since);
    add_header(t, "Authorization", r->authorization);
    if (r->content_type != NULL) {
        add_header(t, "Content-Type", r->content_type);
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body.data);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.size);
    }
    curl_easy_setopt(e, CURLOPT_URL, t->url);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, r->redirects > 0 ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)r->redirects);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, r->connect_ms != 0 ? (long)r->connect_ms : 3000L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, r->total_ms != 0 ? (long)r->total_ms : 8000L);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)r->low_speed_bytes);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)r->low_speed_s);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "sekisho/" SEKISHO_VERSION);
    curl_easy_setopt(e, CURLOPT_PROXY,
                     t->fetcher->proxy); /* "" also shuts out http_proxy of the environment */
    if (t->fetcher->ca_file[0] != 0)
        curl_easy_setopt(e, CURLOPT_CAINFO, t->fetcher->ca_file);
    if (r->accept_gzip)
        curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
    dx_buf_init(&t->answer.body, r->max_bytes);
    return true;
}

static void finish(transfer *t, CURLcode result)
{
    if (t->easy != NULL) {
        long status = 0;
        char *final_url = NULL;
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        t->answer.status = (int)status;
        if (curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &final_url) == CURLE_OK && final_url != NULL)
            snprintf(t->answer.final_url, sizeof t->answer.final_url, "%s", final_url);
    }
    t->answer.took_us = dx_mono_us(&dx_clock_system) - t->started_us;
    if (t->rc.code == DX_OK && result != CURLE_OK) {
        dx_code code = result == CURLE_OPERATION_TIMEDOUT     ? DX_TIMEOUT
                       : result == CURLE_TOO_MANY_REDIRECTS   ? DX_REFUSED
                       : result == CURLE_UNSUPPORTED_PROTOCOL ? DX_REFUSED
                       : result == CURLE_OUT_OF_MEMORY        ? DX_NO_MEMORY
                                                              : DX_UNREACHABLE;
        t->rc = dx_fail(&t->why, code, "", "", "%.180s: %s", t->url, curl_easy_strerror(result));
    }
    t->done(t->context, t->rc, &t->answer, &t->why);
    dx_fetch_answer_fini(&t->answer);
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    free(t);
}

static void unlink_transfer(transfer **list, const transfer *t)
{
    for (; *list != NULL; list = &(*list)->next)
        if (*list == t) {
            *list = t->next;
            return;
        }
}

static void start_queued(dx_fetcher *f)
{
    pthread_mutex_lock(&f->lock);
    transfer *queue = f->queue;
    f->queue = NULL;
    f->queued = 0;
    pthread_mutex_unlock(&f->lock);
    while (queue != NULL) {
        transfer *t = queue;
        queue = t->next;
        if (curl_multi_add_handle(f->multi, t->easy) != CURLM_OK) {
            finish(t, CURLE_OUT_OF_MEMORY);
            continue;
        }
        t->next = f->under_way;
        f->under_way = t;
    }
}

static void *run(void *argument)
{
    dx_fetcher *f = argument;
    for (;;) {
        start_queued(f);
        int running = 0;
        curl_multi_perform(f->multi, &running);
        int left;
        CURLMsg *message;
        while ((message = curl_multi_info_read(f->multi, &left)) != NULL) {
            if (message->msg != CURLMSG_DONE)
                continue;
            transfer *t = NULL;
            CURLcode result = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
            curl_multi_remove_handle(f->multi, t->easy);
            unlink_transfer(&f->under_way, t);
            finish(t, result);
        }
        pthread_mutex_lock(&f->lock);
        bool stopping = f->stopping, more = f->queue != NULL;
        pthread_mutex_unlock(&f->lock);
        if (stopping)
            break;
        if (!more)
            curl_multi_poll(f->multi, NULL, 0, TURN_MS, NULL);
    }
    start_queued(f);
    while (f->under_way != NULL) {
        transfer *t = f->under_way;
        f->under_way = t->next;
        curl_multi_remove_handle(f->multi, t->easy);
        t->rc = DX_FAIL(&t->why, UNREACHABLE, "", "shutting down");
        finish(t, CURLE_OK);
    }
    return NULL;
}

/* ---- the door ---- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

DX_RC dx_fetcher_new(const dx_fetch_rules *rules, dx_fetcher **out, dx_why *why)
{
    pthread_once(&curl_once, curl_start);
    *out = NULL;
    if (rules->allow_private_count > RULES_MAX || rules->allow_ports_count > RULES_MAX)
        return DX_FAIL(why, CONFIG, "", "at most %d entries in fetch.allow_private and fetch.allow_ports",
                       RULES_MAX);
    dx_fetcher *f = calloc(1, sizeof *f);
    if (f == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a fetcher");
    f->private_count = parse_ranges(rules, f->private_ranges);
    struct dx_rc rc = DX_OKAY;
    if (f->private_count != rules->allow_private_count)
        rc = DX_FAIL(why, CONFIG, "", "fetch.allow_private holds something that is not address/bits");
    for (size_t i = 0; i < rules->allow_ports_count; i++)
        f->ports[f->port_count++] = rules->allow_ports[i];
    snprintf(f->proxy, sizeof f->proxy, "%s", rules->proxy != NULL ? rules->proxy : "");
    snprintf(f->ca_file, sizeof f->ca_file, "%s", rules->ca_file != NULL ? rules->ca_file : "");
    if (rc.code == DX_OK && (f->multi = curl_multi_init()) == NULL)
        rc = DX_FAIL(why, NO_MEMORY, "", "libcurl cannot start");
    if (rc.code == DX_OK) {
        curl_multi_setopt(f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                          rules->in_flight_max ? (long)rules->in_flight_max : 32L);
        curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          rules->per_host_max ? (long)rules->per_host_max : 4L);
        pthread_mutex_init(&f->lock, NULL);
        if (pthread_create(&f->thread, NULL, run, f) != 0) {
            pthread_mutex_destroy(&f->lock);
            curl_multi_cleanup(f->multi);
            rc = DX_FAIL(why, NO_MEMORY, "", "no thread for the fetcher");
        }
    }
    if (rc.code != DX_OK) {
        free(f);
        return rc;
    }
    *out = f;
    return DX_OKAY;
}

void dx_fetcher_free(dx_fetcher *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
    pthread_join(f->thread, NULL);
    curl_multi_cleanup(f->multi);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

DX_RC dx_fetch_submit(dx_fetcher *f, const dx_fetch_request *request, dx_fetch_done *done, void *context,
                      dx_why *why)
{
    bool https = false;
    DX_TRY(judge_url(request->url, &https, why));
    transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a transfer");
    snprintf(t->url, sizeof t->url, "%s", request->url);
    t->request = *request;
    t->fetcher = f;
    t->done = done;
    t->context = context;
    t->started_us = dx_mono_us(&dx_clock_system);
    bool ready = set_up(t, https);
    pthread_mutex_lock(&f->lock);
    bool room = ready && !f->stopping && f->queued < QUEUE_MAX;
    if (room) {
        transfer **end = &f->queue; /* first come, first served */
        while (*end != NULL)
            end = &(*end)->next;
        *end = t;
        f->queued++;
    }
    pthread_mutex_unlock(&f->lock);
    if (!room) {
        curl_easy_cleanup(t->easy);
        curl_slist_free_all(t->headers);
        free(t);
        return ready ? DX_FAIL(why, BUSY, "", "too many fetches are waiting")
                     : DX_FAIL(why, NO_MEMORY, "", "libcurl");
    }
    curl_multi_wakeup(f->multi);
    return DX_OKAY;
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool done;
    struct dx_rc rc;
    dx_fetch_answer *answer;
    dx_why *why;
} waiter;

static void wake(void *context, struct dx_rc rc, dx_fetch_answer *answer, const dx_why *why)
{
    waiter *w = context;
    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    if (w->why != NULL && rc.code != DX_OK)
        *w->why = *why;
    *w->answer = *answer;
    dx_buf_init(&answer->body, 0); /* the body has a new owner */
    w->done = true;
    pthread_cond_signal(&w->came);
    pthread_mutex_unlock(&w->lock);
}

DX_RC dx_fetch(dx_fetcher *f, const dx_fetch_request *request, dx_fetch_answer *answer, dx_why *why)
{
    memset(answer, 0, sizeof *answer);
    waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, DX_OKAY, answer, why};
    DX_TRY(dx_fetch_submit(f, request, wake, &w, why));
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.came, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.came);
    return w.rc;
}

void dx_fetch_answer_fini(dx_fetch_answer *answer)
{
    dx_buf_fini(&answer->body);
}
