#include "gateway/regulator/query_http.h"

#include "gateway/regulator/query_cursor.h"
#include "trust/base/digest.h"
#include "trust/base/json.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX_BYTES (72U << 20) /* 1,000 leaves of 65,535 bytes, and some */
#define LOGS_MAX       64

struct query_desk {
    pthread_mutex_t lock;
    const dx_io *io;
    const dx_clock *clock;
    query_log logs[LOGS_MAX];
    size_t log_count;
    query_cursor_keys keys;
};

DX_RC query_desk_new(const dx_io *io, const dx_clock *clock, const query_log *logs, size_t log_count,
                     query_desk **out, dx_why *why)
{
    *out = NULL;
    if (log_count == 0 || log_count > LOGS_MAX)
        return DX_FAIL(why, USAGE, "", "a desk has 1 to %d logs", LOGS_MAX);
    query_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a desk");
    pthread_mutex_init(&desk->lock, NULL);
    desk->io = io;
    desk->clock = clock;
    desk->log_count = log_count;
    memcpy(desk->logs, logs, log_count * sizeof *logs);
    *out = desk;
    return DX_OKAY;
}

void query_desk_free(query_desk *desk)
{
    if (desk == NULL)
        return;
    pthread_mutex_destroy(&desk->lock);
    explicit_bzero(&desk->keys, sizeof desk->keys);
    free(desk);
}

void query_answer_fini(query_answer *answer)
{
    dx_buf_fini(&answer->body);
}

/* One question on its way. */
typedef struct {
    query_desk *desk;
    const query_scope *scope;
    query_answer *answer;
    dx_bytes query;
} request;

static void problem(query_answer *a, int status, const char *slug, const char *detail)
{
    a->status = status;
    a->slug = slug;
    a->media_type = NULL;
    a->immutable = false;
    a->rows = 0;
    dx_buf_clear(&a->body);
    snprintf(a->detail, sizeof a->detail, "%s", detail);
}

/* What a failure below means to the reader. `missing`: the slug when something is not there. */
static void failed(request *r, struct dx_rc rc, const dx_why *why)
{
    r->answer->retry_after_s = rc.code == DX_BUSY ? 1 : 0;
    if (rc.code == DX_NOT_FOUND)
        problem(r->answer, 404, "record-not-found", "nothing of that name below the published size");
    else if (rc.code == DX_USAGE || rc.code == DX_MALFORMED)
        problem(r->answer, 400, "filter-invalid", why->text);
    else if (rc.code == DX_BUSY)
        problem(r->answer, 503, "index-behind", "the index has not come that far yet");
    else if (rc.code == DX_BROKEN)
        problem(r->answer, 503, "provenance-unavailable",
                "stored data contradicts the signed tree; the operator has been told");
    else
        problem(r->answer, 503, "provenance-unavailable", dx_code_text(rc.code));
}

static void at_of(request *r, const query_log *log, uint64_t size)
{
    snprintf(r->answer->at, sizeof r->answer->at, "%s:%" PRIu64, log->origin, size);
}

static const query_log *log_of(query_desk *desk, const char *origin)
{
    for (size_t i = 0; i < desk->log_count; i++)
        if (origin[0] == 0 || strcmp(desk->logs[i].origin, origin) == 0)
            return &desk->logs[i];
    return NULL;
}

/* The known origin that is the longest prefix; *rest is what follows its slash. */
static const query_log *log_in_path(query_desk *desk, dx_bytes path, dx_bytes *rest)
{
    const query_log *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < desk->log_count; i++) {
        size_t n = strlen(desk->logs[i].origin);
        if (n > longest && path.size > n && dx_bytes_starts(path, desk->logs[i].origin) &&
            path.data[n] == '/') {
            found = &desk->logs[i];
            longest = n;
        }
    }
    if (found != NULL)
        *rest = dx_bytes_part(path, longest + 1, path.size);
    return found;
}

static DX_RC newest(const query_log *log, dx_buf *note, uint64_t *size, dx_why *why)
{
    dx_buf_init(note, 1 << 20);
    struct dx_rc rc = prov_reader_checkpoint(log->reader, note, size, why);
    if (rc.code != DX_OK)
        dx_buf_fini(note);
    return rc;
}

/* ---- GET /records ---- */

typedef struct {
    dx_buf *body;
    query_answer *answer;
    struct dx_rc rc;
} page;

static void page_row(void *context, uint64_t index, dx_bytes leaf)
{
    page *p = context;
    if (p->rc.code == DX_OK && p->answer->rows > 0)
        p->rc = dx_buf_add_byte(p->body, ',');
    if (p->rc.code == DX_OK)
        p->rc = dx_buf_add(p->body, leaf); /* verbatim: what was hashed is what is shown */
    if (p->answer->rows++ == 0)
        p->answer->first = index;
    p->answer->last = index;
}

static void scope_digest(const query_log *log, const query_scope *scope, uint8_t out[32])
{
    char text[512];
    int n = snprintf(text, sizeof text, "%s\n%s", log->origin, scope->id);
    dx_sha256(dx_bytes_of(text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1), out);
}

static DX_RC write_page(request *r, const query_log *log, query_filter *f, dx_bytes note,
                        query_cursor *cursor, dx_why *why)
{
    dx_buf rows, *body = &r->answer->body;
    uint64_t next = 0;
    bool more = false;
    char text[QUERY_CURSOR_TEXT];
    dx_buf_init(&rows, BODY_MAX_BYTES);
    page p = {&rows, r->answer, DX_OKAY};
    struct dx_rc rc = prov_index_query(log->index, &f->query, page_row, &p, &next, &more, why);
    if (rc.code == DX_OK)
        rc = p.rc;
    if (rc.code == DX_OK)
        rc = dx_buf_addf(body, "{\"at\":\"%s\",\"checkpoint\":", r->answer->at);
    if (rc.code == DX_OK)
        rc = dx_json_quote(note, body);
    if (rc.code == DX_OK && more) {
        cursor->last = next;
        rc = query_cursor_print(&r->desk->keys, r->desk->io, r->desk->clock, cursor, text, why);
        if (rc.code == DX_OK)
            rc = dx_buf_addf(body, ",\"next\":\"%s\"", text);
    }
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(body, ",\"records\":[");
    if (rc.code == DX_OK)
        rc = dx_buf_add(body, dx_buf_view(&rows));
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(body, "],\"scope\":");
    if (rc.code == DX_OK)
        rc = dx_json_quote(dx_bytes_text(r->scope->id), body);
    if (rc.code == DX_OK)
        rc = dx_buf_add_byte(body, '}');
    dx_buf_fini(&rows);
    return rc;
}

static void get_records(request *r)
{
    query_filter f;
    const char *detail;
    dx_buf note;
    uint64_t size;
    dx_why why = {0};
    query_cursor cursor = {0};
    r->answer->call = "records";
    if (!query_filter_parse(r->query, &f, &detail)) {
        problem(r->answer, 400, "filter-invalid", detail);
        return;
    }
    const query_log *log = log_of(r->desk, f.at_origin);
    if (log == NULL) {
        problem(r->answer, 404, "record-not-found", "no log of that origin");
        return;
    }
    memcpy(cursor.filter, f.filter, 32);
    scope_digest(log, r->scope, cursor.scope);
    struct dx_rc rc = newest(log, &note, &size, &why);
    if (rc.code != DX_OK) {
        failed(r, rc, &why);
        return;
    }
    cursor.size = f.query.at_size != 0 ? f.query.at_size : size;
    if (f.cursor.size > 0) {
        query_cursor_answer answer = query_cursor_read(&r->desk->keys, r->desk->clock, f.cursor, &cursor);
        if (answer != QUERY_CURSOR_GOOD) {
            bool expired = answer == QUERY_CURSOR_EXPIRED;
            problem(r->answer, expired ? 410 : 400, expired ? "cursor-expired" : "cursor-invalid",
                    "ask again from the first page");
            dx_buf_fini(&note);
            return;
        }
        f.query.after_index = cursor.last;
    }
    f.query.at_size = cursor.size;
    if (f.query.from_us < r->scope->from_us)
        f.query.from_us = r->scope->from_us;
    f.query.scope_all = r->scope->all;
    f.query.scope_countries = r->scope->countries;
    f.query.scope_country_count = r->scope->country_count;
    at_of(r, log, cursor.size);
    if (cursor.size != size) { /* a pinned page shows the checkpoint it is pinned to */
        dx_buf_clear(&note);
        rc = prov_reader_checkpoint_of(log->reader, cursor.size, &note, &why);
    }
    if (rc.code == DX_OK)
        rc = write_page(r, log, &f, dx_buf_view(&note), &cursor, &why);
    if (rc.code != DX_OK)
        failed(r, rc, &why);
    dx_buf_fini(&note);
}

/* ---- GET /records/{origin}/{index}[/proof] ---- */

static void seen_row(void *context, uint64_t index, dx_bytes leaf)
{
    (void)index;
    (void)leaf;
    *(bool *)context = true;
}

/* The very predicate of a page, over the one index: what no page would show is not found here either. */
static DX_RC visible(request *r, const query_log *log, uint64_t index, bool *yes, dx_why *why)
{
    uint64_t next;
    bool more;
    prov_query q = {.from_us = r->scope->from_us,
                    .scope_all = r->scope->all,
                    .scope_countries = r->scope->countries,
                    .scope_country_count = r->scope->country_count,
                    .at_size = index + 1,
                    .after_index = index == 0 ? UINT64_MAX : index - 1,
                    .limit = 1};
    *yes = r->scope->all && r->scope->from_us == 0; /* nothing that the index would have to say */
    return *yes ? DX_OKAY : prov_index_query(log->index, &q, seen_row, yes, &next, &more, why);
}

/* size=N alone, or nothing. */
static bool only_size(dx_bytes query, uint64_t *size)
{
    *size = 0;
    return query.size == 0 ||
           (dx_bytes_starts(query, "size=") &&
            dx_bytes_u64(dx_bytes_part(query, 5, query.size), INT64_MAX, size) && *size > 0);
}

static void get_record(request *r, dx_bytes path)
{
    dx_bytes rest;
    dx_buf note;
    uint64_t index, size = 0, published;
    bool yes = false;
    dx_why why = {0};
    r->answer->call = "record";
    const query_log *log = log_in_path(r->desk, path, &rest);
    const uint8_t *slash = log != NULL && rest.size > 0 ? memchr(rest.data, '/', rest.size) : NULL;
    dx_bytes number = slash == NULL ? rest : dx_bytes_of(rest.data, (size_t)(slash - rest.data));
    bool proof = slash != NULL && dx_bytes_is(dx_bytes_part(rest, number.size, rest.size), "/proof");
    if (log == NULL || !dx_bytes_u64(number, INT64_MAX - 1, &index) || (slash != NULL && !proof)) {
        problem(r->answer, 404, "record-not-found", "no such record");
        return;
    }
    if (proof ? !only_size(r->query, &size) : r->query.size > 0) {
        problem(r->answer, 400, "filter-invalid",
                proof ? "size=N is the only parameter" : "no parameters here");
        return;
    }
    struct dx_rc rc = newest(log, &note, &published, &why);
    if (rc.code == DX_OK) {
        dx_buf_fini(&note);
        at_of(r, log, size != 0 ? size : published);
        if (index < published)
            rc = visible(r, log, index, &yes, &why);
    }
    if (rc.code == DX_OK && !yes)
        rc = DX_FAIL(&why, NOT_FOUND, "", "not below the published size, or not in scope");
    if (rc.code == DX_OK && proof)
        rc = prov_reader_prove(log->reader, index, size, &r->answer->body, &why);
    if (rc.code == DX_OK && !proof)
        rc = prov_reader_leaf(log->reader, index, &r->answer->body, &why);
    if (rc.code != DX_OK) {
        failed(r, rc, &why);
        return;
    }
    r->answer->call = proof ? "proof" : "record";
    r->answer->media_type = proof ? "text/plain; charset=utf-8" : "application/json";
    r->answer->rows = 1;
    r->answer->first = r->answer->last = index;
}

/* ---- checkpoint, consistency, tiles, logs, keys ---- */

static void get_checkpoint(request *r, const query_log *log)
{
    uint64_t size;
    dx_why why = {0};
    r->answer->call = "checkpoint";
    struct dx_rc rc = prov_reader_checkpoint(log->reader, &r->answer->body, &size, &why);
    if (rc.code != DX_OK) {
        failed(r, rc, &why);
        return;
    }
    at_of(r, log, size);
    r->answer->media_type = "text/plain; charset=utf-8";
}

/* origin=…&from=…&to=… in any order, origin optional. */
static bool consistency_query(dx_bytes query, char origin[160], uint64_t *from, uint64_t *to)
{
    unsigned seen = 0;
    origin[0] = 0;
    while (query.size > 0) {
        const uint8_t *amp = memchr(query.data, '&', query.size);
        dx_bytes pair = dx_bytes_part(query, 0, amp == NULL ? query.size : (size_t)(amp - query.data));
        unsigned bit = dx_bytes_starts(pair, "origin=") ? 1
                       : dx_bytes_starts(pair, "from=") ? 2
                       : dx_bytes_starts(pair, "to=")   ? 4
                                                        : 0;
        query = dx_bytes_part(query, pair.size + 1, query.size);
        if (bit == 0 || (seen & bit) != 0)
            return false;
        seen |= bit;
        if (bit == 1) {
            dx_bytes value = dx_bytes_part(pair, 7, pair.size);
            if (value.size == 0 || value.size >= 160 || memchr(value.data, '%', value.size) != NULL)
                return false;
            memcpy(origin, value.data, value.size);
            origin[value.size] = 0;
        } else if (!dx_bytes_u64(dx_bytes_part(pair, bit == 2 ? 5 : 3, pair.size), INT64_MAX,
                                 bit == 2 ? from : to)) {
            return false;
        }
    }
    return (seen & 6) == 6;
}

static void get_consistency(request *r)
{
    char origin[160];
    uint64_t from = 0, to = 0, published;
    dx_buf note;
    dx_why why = {0};
    r->answer->call = "consistency";
    if (!consistency_query(r->query, origin, &from, &to)) {
        problem(r->answer, 400, "filter-invalid", "from and to are wanted, origin may be given");
        return;
    }
    const query_log *log = log_of(r->desk, origin);
    struct dx_rc rc = log == NULL ? DX_FAIL(&why, NOT_FOUND, "", "no log of that origin")
                                  : newest(log, &note, &published, &why);
    if (rc.code == DX_OK) {
        dx_buf_fini(&note);
        if (to > published)
            rc = DX_FAIL(&why, NOT_FOUND, "", "beyond the published size");
    }
    if (rc.code == DX_OK)
        rc = prov_reader_consistency(log->reader, from, to, &r->answer->body, &why);
    if (rc.code != DX_OK) {
        failed(r, rc, &why);
        return;
    }
    at_of(r, log, to);
    r->answer->media_type = "text/plain; charset=utf-8";
}

static void get_log(request *r, dx_bytes path)
{
    dx_bytes rest;
    dx_why why = {0};
    r->answer->call = "tile";
    const query_log *log = log_in_path(r->desk, path, &rest);
    if (log == NULL || r->query.size > 0) {
        problem(r->answer, 404, "record-not-found", "no such log or tile");
        return;
    }
    if (dx_bytes_is(rest, "checkpoint")) {
        get_checkpoint(r, log);
        return;
    }
    if (dx_bytes_starts(rest, "tile/entries/") && !r->scope->mirror) {
        problem(r->answer, 403, "authority.scope", "entry bundles are for mirror scopes");
        return;
    }
    struct dx_rc rc = prov_reader_tile(log->reader, rest, &r->answer->body, &why);
    if (rc.code != DX_OK) {
        failed(r, rc, &why);
        return;
    }
    snprintf(r->answer->at, sizeof r->answer->at, "%s", log->origin);
    r->answer->media_type = "application/octet-stream";
    r->answer->immutable = true;
}

static void get_logs(request *r)
{
    struct dx_rc rc = dx_buf_add_text(&r->answer->body, "{\"logs\":[");
    r->answer->call = "logs";
    for (size_t i = 0; i < r->desk->log_count && rc.code == DX_OK; i++)
        rc =
            dx_buf_addf(&r->answer->body, "%s{\"origin\":\"%s\"}", i > 0 ? "," : "", r->desk->logs[i].origin);
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(&r->answer->body, "]}");
    if (rc.code != DX_OK)
        problem(r->answer, 503, "provenance-unavailable", "out of memory");
}

static void get_keys(request *r)
{
    struct dx_rc rc = DX_OKAY;
    r->answer->call = "keys";
    r->answer->media_type = "text/plain; charset=utf-8";
    for (size_t i = 0; i < r->desk->log_count && rc.code == DX_OK; i++)
        rc = dx_buf_add_text(&r->answer->body, r->desk->logs[i].vkeys == NULL ? "" : r->desk->logs[i].vkeys);
    if (rc.code != DX_OK)
        problem(r->answer, 503, "provenance-unavailable", "out of memory");
}

void query_http(query_desk *desk, dx_bytes path, dx_bytes query, const query_scope *scope,
                query_answer *answer)
{
    request r = {desk, scope, answer, query};
    memset(answer, 0, sizeof *answer);
    dx_buf_init(&answer->body, BODY_MAX_BYTES);
    answer->status = 200;
    answer->media_type = "application/json";
    answer->call = "none";
    pthread_mutex_lock(&desk->lock);
    if (path.size > 0 &&
        memchr(path.data, '%', path.size) != NULL) /* no resource needs it, and %2F is refused everywhere */
        problem(answer, 404, "record-not-found", "no such resource");
    else if (dx_bytes_is(path, "/records"))
        get_records(&r);
    else if (dx_bytes_starts(path, "/records/"))
        get_record(&r, dx_bytes_part(path, 9, path.size));
    else if (dx_bytes_is(path, "/checkpoint") && query.size == 0)
        get_checkpoint(&r, &desk->logs[0]);
    else if (dx_bytes_is(path, "/consistency"))
        get_consistency(&r);
    else if (dx_bytes_starts(path, "/log/"))
        get_log(&r, dx_bytes_part(path, 5, path.size));
    else if (dx_bytes_is(path, "/logs"))
        get_logs(&r);
    else if (dx_bytes_is(path, "/keys"))
        get_keys(&r);
    else
        problem(answer, 404, "record-not-found", "no such resource");
    pthread_mutex_unlock(&desk->lock);
}
