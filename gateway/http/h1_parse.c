#include "gateway/http/h1_private.h"

/* RFC 9112, refused rather than repaired. Two passes: find the end of the head (restarting where the last
 * look ended), then one pass over its lines. Ids and clauses are those of dataplane.md 5.2. */

int h1_status(const dx_why *why)
{
    static const struct {
        const char *id;
        int malformed, unsupported;
    } rows[] = {{"DP-107", 400, 501}, {"DP-108", 400, 505}, {"DP-109", 400, 414},
                {"DP-116", 431, 431}, {"DP-123", 400, 501}, {"DP-132", 501, 501},
                {"DP-133", 501, 501}, {"DP-134", 417, 417}, {"DP-141", 421, 421}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(why->id, rows[i].id) == 0)
            return why->code == DX_UNSUPPORTED ? rows[i].unsupported : rows[i].malformed;
    return 400;
}

/* ---- start lines ---- */

static bool version_of(dx_bytes text, http_version *out, bool *well_formed)
{
    *well_formed = text.size == 8 && memcmp(text.data, "HTTP/", 5) == 0 && text.data[5] >= '0' &&
                   text.data[5] <= '9' && text.data[6] == '.' && text.data[7] >= '0' && text.data[7] <= '9';
    if (!*well_formed || text.data[5] != '1' || text.data[7] > '1')
        return false;
    *out = text.data[7] == '0' ? HTTP_1_0 : HTTP_1_1;
    return true;
}

static DX_RC judge_version(h1_head *p, dx_bytes text)
{
    bool well_formed;
    if (version_of(text, &p->out->version, &well_formed))
        return DX_OKAY;
    if (!well_formed)
        return h1_bad(p->why, "DP-108", "RFC 9112 2.3", "the HTTP version is not well-formed");
    return h1_unserved(p->why, "DP-108", "RFC 9112 2.3", "only HTTP/1.1 and HTTP/1.0 are spoken here");
}

static DX_RC request_line(h1_head *p, dx_bytes line)
{
    size_t first = 0;
    if (dx_bytes_starts(line, "PRI ")) /* a method that exists only to be refused here */
        return h1_bad(p->why, "DP-118", "RFC 9113 3.4", "an HTTP/2 preface on an HTTP/1.1 connection");
    while (first < line.size && line.data[first] != ' ')
        first++;
    dx_bytes method = dx_bytes_part(line, 0, first);
    if (memchr(line.data, '\t', line.size) != NULL)
        return h1_bad(p->why, "DP-106", "RFC 9112 3", "a tab in the request line");
    if (first == 0 || first == line.size)
        return h1_bad(p->why, "DP-106", "RFC 9112 3",
                      "the request line is not method, target and version with single blanks");
    if (!http_is_token(method))
        return h1_bad(p->why, "DP-107", "RFC 9112 3.1", "the method is not a token");
    if (method.size > 32)
        return h1_unserved(p->why, "DP-107", "RFC 9112 3.1", "the method is longer than 32 bytes");
    size_t last = line.size;
    while (last > first + 1 && line.data[last - 1] != ' ')
        last--;
    if (last == first + 1) { /* no second blank: HTTP/0.9 */
        dx_bytes rest = dx_bytes_part(line, first + 1, line.size);
        if (rest.size > 0 && rest.data[0] == ' ')
            return h1_bad(p->why, "DP-106", "RFC 9112 3", "two blanks in the request line");
        return h1_bad(p->why, "DP-108", "RFC 9112 2.3", "the request line names no version");
    }
    dx_bytes target = dx_bytes_part(line, first + 1, last - 1 - (first + 1)),
             version = dx_bytes_part(line, last, line.size);
    if (memchr(target.data, ' ', target.size) != NULL || version.size == 0 || target.size == 0)
        return h1_bad(p->why, "DP-106", "RFC 9112 3",
                      "the request line is not method, target and version with single blanks");
    DX_TRY(judge_version(p, version));
    if (target.size > p->rules->target_bytes)
        return h1_unserved(p->why, "DP-109", "RFC 9110 15.5.15", "the request target is too long");
    p->out->method = method;
    p->out->target_raw = target;
    if (dx_bytes_is(method, "CONNECT"))
        return h1_bad(p->why, "DP-132", "RFC 9110 9.3.6", "CONNECT is not served");
    if (dx_bytes_is(method, "TRACE"))
        return h1_bad(p->why, "DP-132", "RFC 9110 9.3.8", "TRACE is not served");
    return DX_OKAY;
}

static DX_RC status_line(h1_head *p, dx_bytes line)
{
    if (line.size < 13 || line.data[8] != ' ') /* the second blank stands there even without a reason */
        return h1_bad(p->why, "DP-106", "RFC 9112 4", "the status line is not version, status and reason");
    DX_TRY(judge_version(p, dx_bytes_part(line, 0, 8)));
    uint64_t status;
    if (!dx_bytes_u64(dx_bytes_part(line, 9, 3), 599, &status) || status < 100 || line.data[12] != ' ' ||
        line.size > 13 + 256)
        return h1_bad(p->why, "DP-106", "RFC 9112 4", "the status line is not version, status and reason");
    if (!http_is_field_value(dx_bytes_part(line, 13, line.size)))
        return h1_bad(p->why, "DP-103", "RFC 9110 5.5", "a control byte in the reason phrase");
    p->out->status = (uint16_t)status;
    return DX_OKAY;
}

/* Target forms (RFC 9112 3.2) and the authority they name. */
static DX_RC judge_target(h1_head *p)
{
    http_message *m = p->out;
    dx_bytes t = m->target_raw, host;
    for (size_t i = 0; i < t.size; i++)
        if (t.data[i] <= 0x20 || t.data[i] >= 0x7f || strchr("\"<>^`{|}#", t.data[i]) != NULL)
            if (t.data[i] != '\\')
                return h1_bad(p->why, "DP-109", "RFC 9112 3.2",
                              "the request target holds a byte outside RFC 3986");
    if (p->hosts != 1)
        return h1_bad(p->why, "DP-111", "RFC 9112 3.2",
                      p->hosts == 0 ? "there is no Host field" : "there is more than one Host field");
    if (http_authority_parse(p->host, p->arena, &host, p->why).code != DX_OK)
        return h1_bad(p->why, "DP-111", "RFC 9112 3.2", "the Host field is not a valid authority");
    m->authority = host;
    m->scheme = DX_BYTES("https");
    if (dx_bytes_is(t, "*")) {
        if (!dx_bytes_is(m->method, "OPTIONS"))
            return h1_bad(p->why, "DP-110", "RFC 9112 3.2.4", "the target * goes with OPTIONS only");
        m->path = t;
        return DX_OKAY;
    }
    if (t.data[0] != '/') {
        if (t.size < 8 || !dx_bytes_equal_nocase(dx_bytes_part(t, 0, 8), DX_BYTES("https://")))
            return h1_bad(p->why, "DP-110", "RFC 9112 3.2", "the target is neither a path nor an https URL");
        size_t end = 8;
        while (end < t.size && t.data[end] != '/' && t.data[end] != '?')
            end++;
        dx_bytes named;
        DX_TRY(http_authority_parse(dx_bytes_part(t, 8, end - 8), p->arena, &named, p->why));
        if (!dx_bytes_equal(named, host))
            return h1_bad(p->why, "DP-112", "RFC 9112 3.2.2", "the target names another authority than Host");
        t = dx_bytes_part(t, end, t.size);
        if (t.size == 0 && dx_bytes_is(m->method, "OPTIONS")) {
            m->path = DX_BYTES("*");
            return DX_OKAY;
        }
        if (t.size == 0 || t.data[0] == '?') { /* an empty path is "/" (RFC 9110 4.2.3) */
            uint8_t *with_slash = dx_arena_alloc(p->arena, t.size + 1);
            if (with_slash == NULL)
                return DX_FAIL(p->why, NO_MEMORY, "", "no memory for the target");
            with_slash[0] = '/';
            if (t.size > 0)
                memcpy(with_slash + 1, t.data, t.size);
            t = dx_bytes_of(with_slash, t.size + 1);
        }
    }
    return http_target_parse(t, p->arena, &m->path, &m->query, &m->has_query, p->why);
}

/* ---- the whole head ---- */

static DX_RC judge_framing(h1_head *p)
{
    http_message *m = p->out;
    if (p->codings > 0 && p->lengths > 0)
        return h1_bad(p->why, "DP-120", "RFC 9112 6.1", "Content-Length and Transfer-Encoding together");
    if (p->codings > 0 && m->version == HTTP_1_0)
        return h1_bad(p->why, "DP-124", "RFC 9112 6.1", "Transfer-Encoding in HTTP/1.0");
    if (p->coding_chunked)
        m->body = HTTP_BODY_STREAM;
    if (!p->rules->response) {
        bool get = dx_bytes_is(m->method, "GET") || dx_bytes_is(m->method, "HEAD");
        if (get && !p->rules->body_on_get &&
            (m->body == HTTP_BODY_STREAM || (m->body == HTTP_BODY_LENGTH && m->body_length > 0)))
            return h1_bad(p->why, "DP-126", "RFC 9110 9.3.1", "content on GET or HEAD");
        return DX_OKAY;
    }
    bool bodyless = p->rules->head_request || m->status < 200 || m->status == 204 || m->status == 304;
    if (bodyless && m->status < 300 && !p->rules->head_request &&
        (p->codings > 0 || (p->lengths > 0 && m->body_length > 0)))
        return h1_bad(p->why, "DP-120", "RFC 9110 15.3.5", "content announced on an answer that has none");
    if (bodyless)
        m->body = HTTP_BODY_NONE;
    else if (p->codings == 0 && p->lengths == 0)
        return h1_bad(p->why, "DP-135", "RFC 9112 6.3", "the answer's end is only known by its close");
    return DX_OKAY;
}

static DX_RC parse_lines(h1_head *p, dx_bytes head)
{
    size_t at = 0;
    if (head.size >= 2 && head.data[0] == '\r' && !p->rules->response)
        at = 2; /* one empty line is skipped (RFC 9112 2.2) */
    for (bool first = true;; first = false) {
        const uint8_t *lf = memchr(head.data + at, '\n', head.size - at);
        dx_bytes line = dx_bytes_part(head, at, (size_t)(lf - head.data) - at - 1);
        at = (size_t)(lf - head.data) + 1;
        if (memchr(line.data, '\r', line.size) != NULL)
            return h1_bad(p->why, "DP-102", "RFC 9112 2.2", "a bare CR");
        if (line.size == 0)
            return first ? h1_bad(p->why, "DP-105", "RFC 9112 2.2",
                                  "more than one empty line before the request")
                         : DX_OKAY;
        if (first) {
            DX_TRY(p->rules->response ? status_line(p, line) : request_line(p, line));
            if (at < head.size && (head.data[at] == ' ' || head.data[at] == '\t'))
                return h1_bad(p->why, "DP-104", "RFC 9112 2.2",
                              "white space between start line and first field");
        } else {
            DX_TRY(h1_field_take(p, line));
        }
    }
}

/* The head ends at the first empty line that follows something. A bare LF or an over-long head is told at
 * once; a request line is judged as soon as it stands there, for `GET /x` of HTTP/0.9 has no end of head. */
h1_step h1_head_find(h1_head_state *s, dx_bytes in, const h1_rules *rules, size_t *size, dx_why *why)
{
    size_t skip = in.size >= 2 && in.data[0] == '\r' && in.data[1] == '\n' && !rules->response ? 2 : 0;
    size_t longest = rules->response ? 16 + 256 + 32 : 32 + rules->target_bytes + 12;
    for (size_t i = s->scanned; i < in.size; i++) {
        if (i >= rules->header_bytes) {
            (void)h1_bad(why, "DP-116", "RFC 9110 5.4", "the head is too large");
            return H1_BAD;
        }
        if (!s->line_judged && i > skip + longest) { /* its end need not be waited for */
            (void)h1_unserved(why, rules->response ? "DP-116" : "DP-109",
                              rules->response ? "RFC 9110 5.4" : "RFC 9110 15.5.15",
                              "the start line is too long");
            return H1_BAD;
        }
        if (in.data[i] != '\n')
            continue;
        if (i == 0 || in.data[i - 1] != '\r') {
            (void)h1_bad(why, "DP-101", "RFC 9112 2.2", "a line that does not end in CRLF");
            return H1_BAD;
        }
        if (i + 1 == skip)
            continue;
        if (i - 1 == skip && !rules->response) {
            (void)h1_bad(why, "DP-105", "RFC 9112 2.2", "more than one empty line before the request");
            return H1_BAD;
        }
        if (i >= 3 && in.data[i - 2] == '\n' && i - 1 > skip) {
            *size = i + 1;
            return H1_DONE;
        }
        if (!s->line_judged && !rules->response) {
            http_message scratch = {0};
            dx_arena none = {0};
            h1_head p = {.rules = rules, .arena = &none, .out = &scratch, .why = why};
            dx_bytes line = dx_bytes_part(in, skip, i - 1 - skip);
            if (memchr(line.data, '\r', line.size) != NULL) {
                (void)h1_bad(why, "DP-102", "RFC 9112 2.2", "a bare CR");
                return H1_BAD;
            }
            if (request_line(&p, line).code != DX_OK)
                return H1_BAD;
        }
        s->line_judged = true;
    }
    s->scanned = in.size;
    return H1_MORE;
}

h1_step h1_head_read(dx_bytes head, const h1_rules *rules, dx_arena *arena, http_message *out,
                     bool *keep_alive, dx_why *why)
{
    *out = (http_message){.fields = DX_ARENA_ARRAY(arena, http_field, rules->fields)};
    h1_head p = {.rules = rules, .arena = arena, .out = out, .why = why};
    if (out->fields == NULL) {
        (void)DX_FAIL(why, NO_MEMORY, "", "no memory for the head");
        return H1_BAD;
    }
    if (parse_lines(&p, head).code != DX_OK || judge_framing(&p).code != DX_OK)
        return H1_BAD;
    if (!rules->response && judge_target(&p).code != DX_OK)
        return H1_BAD;
    *keep_alive = !p.close && out->version == HTTP_1_1;
    return H1_DONE;
}
