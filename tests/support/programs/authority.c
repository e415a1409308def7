/* authority -- a real time-stamp authority, OCSP responder and file host, small enough to run beside a test.
 *
 * Usage: authority CONFIG.json [--with-parent]
 * Config: {"listen":[PORT...],"files":DIR,"faults":FILE,"requests":FILE (a line for each one; optional),
 *          "tsa":[{"path","cert","key","policy"}],"ocsp":[{"path","ca","cert","key","table"}]}; paths beside
 * the config. Answers are made by OpenSSL alone, so that the gateway's own readers meet somebody else's
 * bytes: RFC 3161 with ESSCertIDv2 (RFC 5816), RFC 6960 with a delegated responder. Loopback only, HTTP/1.1,
 * one thread a connection. The status table (serial in hex, then good or revoked UNIX_SECONDS REASON) and the
 * fault file are read again for each request. A fault line is `PATH-PREFIX FAULT [ARGUMENT]`; the first that
 * fits counts: refuse          the connection is reset           hang        nothing comes, for a minute slow
 * MS         the answer comes late             drip        one byte a second status CODE     that HTTP
 * status, no body         html        200 with a web page truncate        half of the body, then the end
 * reject      TSA: status rejection imprint, nonce  TSA: of another request           stale       OCSP: an
 * answer of the day before yesterday unknown         OCSP: no certificate is known     trylater    OCSP:
 * responseStatus tryLater Ends on SIGTERM; with --with-parent also when whoever started it is gone.
 */
#include "trust/base/io.h"
#include "trust/base/json.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ts.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SERVICES_MAX    32
#define CONNECTIONS_MAX 256
#define HEAD_MAX_BYTES  16384
#define BODY_MAX_BYTES  65536
#define FILE_MAX_BYTES  (64U << 20)
#define IDLE_S          60

typedef struct {
    char path[64];
    bool is_tsa;
    X509 *cert, *ca;
    EVP_PKEY *key;
    char policy[64], table[512];
} service;

typedef struct {
    char name[16];
    long argument;
} fault;

typedef struct {
    int status;
    char type[48], etag[64];
    dx_buf body;
} answer;

static service services[SERVICES_MAX];
static size_t service_count;
static char folder[512], files[600], faults[600];
static int requests = -1;
static atomic_int connections;
static atomic_ullong next_serial;

static void die(const char *what, const char *which)
{
    fprintf(stderr, "authority: %s: %s\n", what, which);
    exit(2);
}

/* ---- set-up ---- */

static const char *text_of(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (value == NULL)
        die("the configuration lacks", key);
    return value;
}

static FILE *open_beside(const char *name)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die("cannot open", path);
    return file;
}

static X509 *certificate_of(json_t *object, const char *key)
{
    FILE *file = open_beside(text_of(object, key));
    X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    if (cert == NULL)
        die("no certificate in", text_of(object, key));
    return cert;
}

static void add_services(json_t *array, bool is_tsa)
{
    size_t i;
    json_t *row;
    json_array_foreach(array, i, row)
    {
        if (service_count == SERVICES_MAX)
            die("too many services", "32 are enough");
        service *s = &services[service_count++];
        s->is_tsa = is_tsa;
        snprintf(s->path, sizeof s->path, "%s", text_of(row, "path"));
        s->cert = certificate_of(row, "cert");
        FILE *file = open_beside(text_of(row, "key"));
        s->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        if (s->key == NULL)
            die("no key in", text_of(row, "key"));
        if (is_tsa) {
            snprintf(s->policy, sizeof s->policy, "%s", text_of(row, "policy"));
        } else {
            s->ca = certificate_of(row, "ca");
            snprintf(s->table, sizeof s->table, "%s", text_of(row, "table"));
        }
    }
}

/* ---- faults ---- */

static fault fault_of(const char *path)
{
    fault found = {"", 0};
    FILE *file = fopen(faults, "r");
    char line[256], prefix[128], name[16];
    while (file != NULL && found.name[0] == 0 && fgets(line, sizeof line, file) != NULL) {
        long argument = 0;
        if (line[0] != '#' && sscanf(line, "%127s %15s %ld", prefix, name, &argument) >= 2 &&
            strncmp(path, prefix, strlen(prefix)) == 0) {
            snprintf(found.name, sizeof found.name, "%s", name);
            found.argument = argument;
        }
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static bool is(const fault *f, const char *name)
{
    return strcmp(f->name, name) == 0;
}

/* ---- time-stamps ---- */

static ASN1_INTEGER *serial_of(TS_RESP_CTX *context, void *unused)
{
    (void)context;
    (void)unused;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    if (serial != NULL)
        ASN1_INTEGER_set_uint64(serial, atomic_fetch_add(&next_serial, 1));
    return serial;
}

/* The request with one byte of imprint or nonce changed: then the signed answer belongs to somebody else's
 * question. */
static bool altered(dx_bytes body, const char *what, BIO *out)
{
    const unsigned char *at = body.data;
    TS_REQ *req = d2i_TS_REQ(NULL, &at, (long)body.size);
    if (req == NULL)
        return false;
    if (strcmp(what, "nonce") == 0) {
        ASN1_INTEGER *nonce = ASN1_INTEGER_new();
        ASN1_INTEGER_set_uint64(nonce, 0x5eC15110);
        TS_REQ_set_nonce(req, nonce);
        ASN1_INTEGER_free(nonce);
    } else {
        ASN1_OCTET_STRING *imprint = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req));
        unsigned char copy[64];
        int size = ASN1_STRING_length(imprint);
        if (size > 0 && size <= (int)sizeof copy) {
            memcpy(copy, ASN1_STRING_get0_data(imprint), (size_t)size);
            copy[0] ^= 1;
            ASN1_OCTET_STRING_set(imprint, copy, size);
        }
    }
    bool ok = i2d_TS_REQ_bio(out, req) == 1;
    TS_REQ_free(req);
    return ok;
}

static bool answer_stamp(const service *s, dx_bytes body, const fault *f, answer *out)
{
    BIO *request = BIO_new(BIO_s_mem());
    TS_RESP_CTX *context = TS_RESP_CTX_new();
    TS_RESP *response = NULL;
    ASN1_OBJECT *policy = OBJ_txt2obj(s->policy, 1);
    bool ok = false;
    if (request == NULL || context == NULL || policy == NULL)
        goto done;
    if (is(f, "imprint") || is(f, "nonce") ? !altered(body, f->name, request)
                                           : BIO_write(request, body.data, (int)body.size) != (int)body.size)
        goto done;
    TS_RESP_CTX_set_serial_cb(context, serial_of, NULL);
    if (!TS_RESP_CTX_set_signer_cert(context, s->cert) || !TS_RESP_CTX_set_signer_key(context, s->key) ||
        !TS_RESP_CTX_set_def_policy(context, policy) || !TS_RESP_CTX_add_md(context, EVP_sha256()) ||
        !TS_RESP_CTX_set_signer_digest(context, EVP_sha256()) ||
        !TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()) ||
        !TS_RESP_CTX_set_accuracy(context, 1, 0, 0))
        goto done;
    response = TS_RESP_create_response(context, request);
    if (response != NULL && is(f, "reject")) {
        TS_RESP_free(response);
        response = TS_RESP_new();
        TS_STATUS_INFO *status = response == NULL ? NULL : TS_STATUS_INFO_new();
        ok = status != NULL && TS_STATUS_INFO_set_status(status, TS_STATUS_REJECTION) == 1 &&
             TS_RESP_set_status_info(response, status) == 1;
        TS_STATUS_INFO_free(status);
        if (!ok)
            goto done;
    }
    unsigned char *der = NULL;
    int size = response == NULL ? -1 : i2d_TS_RESP(response, &der);
    ok = size > 0 && dx_buf_add(&out->body, dx_bytes_of(der, (size_t)size)).code == DX_OK;
    OPENSSL_free(der);
    snprintf(out->type, sizeof out->type, "application/timestamp-reply");
done:
    TS_RESP_free(response);
    TS_RESP_CTX_free(context);
    ASN1_OBJECT_free(policy);
    BIO_free(request);
    return ok;
}

/* ---- OCSP ---- */

typedef struct {
    int status; /* V_OCSP_CERTSTATUS_* */
    time_t when;
    int reason;
} standing;

static standing standing_of(const service *s, const ASN1_INTEGER *serial)
{
    static const char *const reasons[] = {"unspecified",        "keyCompromise", "cACompromise",
                                          "affiliationChanged", "superseded",    "cessationOfOperation",
                                          "certificateHold"};
    standing found = {V_OCSP_CERTSTATUS_UNKNOWN, 0, 0};
    BIGNUM *n = ASN1_INTEGER_to_BN(serial, NULL);
    char *hex = n == NULL ? NULL : BN_bn2hex(n);
    FILE *file = open_beside(s->table);
    char line[256], row[64], word[16], reason[32];
    while (hex != NULL && fgets(line, sizeof line, file) != NULL) {
        long long when = 0;
        reason[0] = 0;
        if (line[0] == '#' || sscanf(line, "%63s %15s %lld %31s", row, word, &when, reason) < 2)
            continue;
        const char *a = hex + strspn(hex, "0"), *b = row + strspn(row, "0");
        if (strcasecmp(a, b) != 0)
            continue;
        found.status = strcmp(word, "revoked") == 0 ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD;
        found.when = (time_t)when;
        for (int i = 0; i < (int)(sizeof reasons / sizeof *reasons); i++)
            if (strcmp(reason, reasons[i]) == 0)
                found.reason = i;
    }
    fclose(file);
    OPENSSL_free(hex);
    BN_free(n);
    return found;
}

static bool add_status(const service *s, OCSP_BASICRESP *basic, OCSP_CERTID *id, const fault *f)
{
    ASN1_OBJECT *hash = NULL;
    ASN1_INTEGER *serial = NULL;
    OCSP_id_get0_info(NULL, &hash, NULL, &serial, id);
    const EVP_MD *md = EVP_get_digestbyobj(hash);
    OCSP_CERTID *ours = md == NULL ? NULL : OCSP_cert_to_id(md, NULL, s->ca);
    standing st = {V_OCSP_CERTSTATUS_UNKNOWN, 0, 0};
    if (ours != NULL && OCSP_id_issuer_cmp(ours, id) == 0 && !is(f, "unknown"))
        st = standing_of(s, serial);
    long back = is(f, "stale") ? 2 * 86400 : 0;
    ASN1_TIME *this_up = X509_gmtime_adj(NULL, -back), *next_up = X509_gmtime_adj(NULL, 3600 - back);
    ASN1_TIME *revoked = st.status == V_OCSP_CERTSTATUS_REVOKED ? ASN1_TIME_set(NULL, st.when) : NULL;
    bool ok = OCSP_basic_add1_status(basic, id, st.status, st.reason, revoked, this_up, next_up) != NULL;
    ASN1_TIME_free(this_up);
    ASN1_TIME_free(next_up);
    ASN1_TIME_free(revoked);
    OCSP_CERTID_free(ours);
    return ok;
}

static bool answer_status(const service *s, dx_bytes body, const fault *f, answer *out)
{
    const unsigned char *at = body.data;
    OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)body.size);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response = NULL;
    bool ok = request != NULL && basic != NULL;
    for (int i = 0; ok && i < OCSP_request_onereq_count(request); i++)
        ok = add_status(s, basic, OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, i)), f);
    if (ok) {
        OCSP_copy_nonce(basic, request);
        ok = OCSP_basic_sign(basic, s->cert, s->key, EVP_sha256(), NULL, 0) == 1;
        response = ok ? OCSP_response_create(is(f, "trylater") ? OCSP_RESPONSE_STATUS_TRYLATER
                                                               : OCSP_RESPONSE_STATUS_SUCCESSFUL,
                                             is(f, "trylater") ? NULL : basic)
                      : NULL;
    } else {
        response = OCSP_response_create(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, NULL);
    }
    unsigned char *der = NULL;
    int size = response == NULL ? -1 : i2d_OCSP_RESPONSE(response, &der);
    ok = size > 0 && dx_buf_add(&out->body, dx_bytes_of(der, (size_t)size)).code == DX_OK;
    OPENSSL_free(der);
    snprintf(out->type, sizeof out->type, "application/ocsp-response");
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_REQUEST_free(request);
    return ok;
}

/* ---- files ---- */

static void answer_file(const char *path, const char *if_none_match, answer *out)
{
    char full[1200];
    struct stat st;
    dx_why why = {0};
    snprintf(full, sizeof full, "%s%s", files, path);
    if (path[0] != '/' || strstr(path, "..") != NULL || stat(full, &st) != 0 || !S_ISREG(st.st_mode)) {
        out->status = 404;
        return;
    }
    snprintf(out->etag, sizeof out->etag, "\"%llx-%llx%09lx\"", (long long)st.st_size,
             (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    if (strcmp(if_none_match, out->etag) == 0)
        out->status = 304;
    else if (dx_io_read_file(&dx_io_system, full, FILE_MAX_BYTES, &out->body, &why).code != DX_OK)
        out->status = 500;
    snprintf(out->type, sizeof out->type, "application/vnd.etsi.tsl+xml");
}

/* ---- one connection ---- */

static bool send_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static void header_value(const char *head, const char *name, char *out, size_t size)
{
    out[0] = 0;
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        size_t n = strlen(name);
        if (strncasecmp(at, name, n) != 0 || at[n] != ':')
            continue;
        at += n + 1 + strspn(at + n + 1, " \t");
        snprintf(out, size, "%.*s", (int)strcspn(at, "\r\n"), at);
        return;
    }
}

/* Reads head and body; what came behind them stays in `data`. */
static bool read_request(int fd, char *data, size_t *have, size_t *head_size, size_t *body_size)
{
    for (;;) {
        data[*have] = 0;
        char *end = strstr(data, "\r\n\r\n");
        if (end != NULL) {
            char length[24], expect[24];
            *head_size = (size_t)(end - data) + 4;
            end[2] = 0;
            header_value(data, "content-length", length, sizeof length);
            header_value(data, "expect", expect, sizeof expect);
            *body_size = strtoul(length, NULL, 10);
            if (*body_size > BODY_MAX_BYTES ||
                (expect[0] != 0 && !send_all(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25)))
                return false;
            break;
        }
        if (*have >= HEAD_MAX_BYTES)
            return false;
        ssize_t n = recv(fd, data + *have, HEAD_MAX_BYTES - *have, 0);
        if (n <= 0)
            return false;
        *have += (size_t)n;
    }
    while (*have < *head_size + *body_size) {
        ssize_t n = recv(fd, data + *have, *head_size + *body_size - *have, 0);
        if (n <= 0)
            return false;
        *have += (size_t)n;
    }
    return true;
}

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static bool send_answer(int fd, const answer *a, const fault *f, bool head_only)
{
    char head[512];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n%s%s%s%s%s%s\r\n",
                     a->status, a->status == 200 ? "OK" : "Answer", a->body.size,
                     a->type[0] ? "Content-Type: " : "", a->type, a->type[0] ? "\r\n" : "",
                     a->etag[0] ? "ETag: " : "", a->etag, a->etag[0] ? "\r\n" : "");
    if (!send_all(fd, head, (size_t)n))
        return false;
    if (head_only)
        return true;
    if (is(f, "truncate"))
        return send_all(fd, a->body.data, a->body.size / 2) && false;
    if (is(f, "drip")) {
        for (size_t i = 0; i < a->body.size && i < IDLE_S; i++) {
            if (!send_all(fd, a->body.data + i, 1))
                return false;
            wait_ms(1000);
        }
        return false;
    }
    return a->body.size == 0 || send_all(fd, a->body.data, a->body.size);
}

/* False: the connection ends here. */
static bool serve(int fd, const char *head, dx_bytes body)
{
    char method[8], path[512], match[64];
    if (sscanf(head, "%7s %511[^ ?]", method, path) != 2)
        return false;
    header_value(head, "if-none-match", match, sizeof match);
    if (requests >= 0 && dprintf(requests, "%s %s\n", method, path) < 0)
        die("cannot write", "requests");
    fault f = fault_of(path);
    answer a = {.status = 200};
    dx_buf_init(&a.body, FILE_MAX_BYTES);
    if (is(&f, "refuse")) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        return false;
    }
    if (is(&f, "hang"))
        return wait_ms(IDLE_S * 1000L), false;
    if (is(&f, "slow"))
        wait_ms(f.argument < 60000 ? f.argument : 60000);
    bool found = false;
    if (is(&f, "status")) {
        a.status = (int)f.argument;
    } else if (is(&f, "html")) {
        snprintf(a.type, sizeof a.type, "text/html");
        (void)!dx_buf_add_text(&a.body, "<!DOCTYPE html><title>Welcome</title><p>It works.</p>\n").code;
    } else if (strcmp(method, "POST") == 0) {
        for (size_t i = 0; i < service_count && !found; i++)
            if (strcmp(services[i].path, path) == 0) {
                found = true;
                if (!(services[i].is_tsa ? answer_stamp : answer_status)(&services[i], body, &f, &a))
                    a.status = 500;
            }
        if (!found)
            a.status = 404;
    } else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        answer_file(path, match, &a);
    } else {
        a.status = 405;
    }
    bool go_on = send_answer(fd, &a, &f, strcmp(method, "HEAD") == 0);
    dx_buf_fini(&a.body);
    return go_on;
}

static void *converse(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char *data = malloc(HEAD_MAX_BYTES + BODY_MAX_BYTES + 1);
    size_t have = 0, head = 0, body = 0;
    while (data != NULL && read_request(fd, data, &have, &head, &body)) {
        if (!serve(fd, data, dx_bytes_of(data + head, body)))
            break;
        memmove(data, data + head + body, have - head - body);
        have -= head + body;
    }
    free(data);
    close(fd);
    atomic_fetch_sub(&connections, 1);
    return NULL;
}

static void *listen_on(void *argument)
{
    int listener = (int)(intptr_t)argument;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            wait_ms(10); /* out of descriptors: the others will end */
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){IDLE_S, 0}, sizeof(struct timeval));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){IDLE_S, 0}, sizeof(struct timeval));
        pthread_t thread;
        if (atomic_fetch_add(&connections, 1) >= CONNECTIONS_MAX ||
            pthread_create(&thread, NULL, converse, (void *)(intptr_t)fd) != 0) {
            atomic_fetch_sub(&connections, 1);
            close(fd);
            continue;
        }
        pthread_detach(thread);
    }
    return NULL;
}

static int open_listener(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) != 0 || listen(fd, 256) != 0)
        die("cannot listen", strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 2 || (argc == 3 && strcmp(argv[2], "--with-parent") != 0) || argc > 3) {
        fprintf(stderr, "usage: authority CONFIG.json [--with-parent]\n");
        return 2;
    }
    if (argc == 3)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    const char *slash = strrchr(argv[1], '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - argv[1]),
             slash == NULL ? "." : argv[1]);
    dx_buf text;
    dx_why why = {0};
    json_t *config = NULL;
    dx_buf_init(&text, 1U << 20);
    if (dx_io_read_file(&dx_io_system, argv[1], 1U << 20, &text, &why).code != DX_OK ||
        dx_json_read(dx_buf_view(&text), &(dx_json_limits){1U << 20, 8, false}, &config, &why).code != DX_OK)
        die(argv[1], why.text);
    dx_buf_fini(&text);
    snprintf(files, sizeof files, "%s/%s", folder, text_of(config, "files"));
    snprintf(faults, sizeof faults, "%s/%s", folder, text_of(config, "faults"));
    const char *counted = json_string_value(json_object_get(config, "requests"));
    if (counted != NULL) {
        char path[1100];
        snprintf(path, sizeof path, "%s/%s", folder, counted);
        requests = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (requests < 0)
            die("cannot open", path);
    }
    add_services(json_object_get(config, "tsa"), true);
    add_services(json_object_get(config, "ocsp"), false);
    atomic_store(&next_serial, (unsigned long long)time(NULL) << 24); /* rises across restarts */
    size_t i;
    json_t *port;
    int listeners[16];
    size_t count = 0;
    pthread_t thread;
    json_array_foreach(json_object_get(config, "listen"), i, port) if (count < 16) listeners[count++] =
        open_listener((int)json_integer_value(port));
    json_decref(config);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (i = 0; i < count; i++)
        if (pthread_create(&thread, NULL, listen_on, (void *)(intptr_t)listeners[i]) != 0)
            die("cannot start", "a thread");
    printf("authority ready\n");
    fflush(stdout);
    int signal_number;
    sigwait(&set, &signal_number);
    _exit(0); /* other threads may hold OpenSSL objects: no clean-up behind their backs */
}
