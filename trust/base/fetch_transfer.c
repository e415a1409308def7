#include "trust/base/fetch_private.h"

#include <stdlib.h>
#include <strings.h>

/* One transfer: what libcurl is told, and what it tells us. */

#define RATIO_MAX         20 /* decoded : received; real lists reach 6 (trusted-lists.md TL-104) */
#define RATIO_FREE_BYTES  (1U << 20)
#define HEADER_LINE_BYTES 1024

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    dx_fetch_transfer *t = context;
    /* A proxy is the operator's own choice; behind it the address is out of our sight. */
    if (purpose == CURLSOCKTYPE_IPCXN && t->fetcher->proxy[0] == 0 &&
        !dx_fetch_guard_allows(&t->fetcher->guard, &address->addr)) {
        t->rc = DX_FAIL_ID(&t->why, REFUSED, "ID-416", "own rule: fetch.allow_private, fetch.allow_ports",
                           "%s leads to an address or port that is not allowed", t->url);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    dx_fetch_transfer *t = context;
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
    dx_fetch_transfer *t = context;
    dx_bytes line = dx_bytes_of(data, size * count);
    keep_header("content-type", line, t->answer.content_type, sizeof t->answer.content_type);
    keep_header("etag", line, t->answer.etag, sizeof t->answer.etag);
    keep_header("last-modified", line, t->answer.last_modified, sizeof t->answer.last_modified);
    return size * count;
}

/* A request goes out with all of its fields or not at all: half an Authorization is a wrong one, and a cut
 * ETag asks for something else. */
static DX_RC add_header(dx_fetch_transfer *t, const char *name, const char *value, dx_why *why)
{
    if (value == NULL)
        return DX_OKAY;
    char line[HEADER_LINE_BYTES];
    if (snprintf(line, sizeof line, "%s: %s", name, value) >= (int)sizeof line)
        return DX_FAIL(why, TOO_LARGE, "", "the %s field of a request is over %d bytes", name,
                       HEADER_LINE_BYTES - 1);
    if (strpbrk(line, "\r\n") != NULL)
        return DX_FAIL(why, USAGE, "RFC 9110 5.5", "the %s field of a request holds a line break", name);
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a field of a request");
    t->headers = longer;
    return DX_OKAY;
}

static DX_RC add_headers(dx_fetch_transfer *t, dx_why *why)
{
    const dx_fetch_request *r = &t->request;
    DX_TRY(add_header(t, "Accept", r->accept, why));
    DX_TRY(add_header(t, "If-None-Match", r->if_none_match, why));
    DX_TRY(add_header(t, "If-Modified-Since", r->if_modified_since, why));
    DX_TRY(add_header(t, "Authorization", r->authorization, why));
    return add_header(t, "Content-Type", r->content_type, why);
}

DX_RC dx_fetch_transfer_set_up(dx_fetch_transfer *t, bool https, dx_why *why)
{
    const dx_fetch_request *r = &t->request;
    CURL *e = t->easy = curl_easy_init();
    if (e == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "libcurl");
    DX_TRY(add_headers(t, why));
    if (r->content_type != NULL) {
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
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, r->total_ms != 0 ? (long)r->total_ms : (long)DX_FETCH_TOTAL_MS);
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
    return DX_OKAY;
}

void dx_fetch_transfer_finish(dx_fetch_transfer *t, CURLcode result)
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
    dx_fetch_transfer_free(t);
}

void dx_fetch_transfer_free(dx_fetch_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->pinned);
    free(t);
}
