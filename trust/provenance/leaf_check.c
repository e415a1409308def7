#include "trust/provenance/prov_private.h"

#include <stdio.h>

/* A leaf against its schema (provenance.md 4): canonical bytes, known members, types and caps, what must be there, and what
 * must never be. Runs before each append and in each verification. */

typedef enum { K_ONE, K_TEXT, K_WORD, K_URN, K_MSG, K_INT, K_SINT, K_BOOL, K_NOW, K_TIME, K_DATE, K_CC, K_UUID, K_DIGEST, K_COMMIT, K_HEX, K_NOTE, K_ORG, K_PAIRS } kind;

typedef struct {
    const char *type, *path;
    kind        kind;
    size_t      cap;
    const char *words;
} row;

static const row rows[] = {
#define FIELD(type, path, kind, cap, words, class, serves) {#type, path, K_##kind, cap, words},
#include "trust/provenance/record_table.h"
#undef FIELD
};

typedef struct {
    const char *type;      /* as in the leaf */
    const char *row_type;  /* as in the table */
    json_t     *root;
    char       *text;
    size_t      size;
} lint;

static const char *say(lint *l, const char *id, const char *path, const char *what)
{
    snprintf(l->text, l->size, "%s: %s", path, what);
    return id;
}

static bool is_word(dx_bytes v, const char *set)
{
    for (const char *at = set; *at != 0;) {
        size_t n = strcspn(at, "|");
        if (v.size == n && memcmp(v.data, at, n) == 0)
            return true;
        at += n + (at[n] == '|');
    }
    return false;
}

static bool hex_run(dx_bytes v, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        if (!((v.data[i] >= '0' && v.data[i] <= '9') || (v.data[i] >= 'a' && v.data[i] <= 'f')))
            return false;
    return true;
}

static bool is_uuid7(dx_bytes v)
{
    return v.size == 36 && v.data[8] == '-' && v.data[13] == '-' && v.data[18] == '-' && v.data[23] == '-' && hex_run(v, 0, 8) && hex_run(v, 9, 4) &&
           hex_run(v, 14, 4) && hex_run(v, 19, 4) && hex_run(v, 24, 12) && v.data[14] == '7' && strchr("89ab", v.data[19]) != NULL;
}

static bool is_digest(dx_bytes v)
{
    uint8_t raw[32];
    size_t  n = 32;
    return v.size == 43 && dx_base64url_decode(v, raw, &n) && n == 32;
}

static bool is_time(dx_bytes v, bool six)
{
    int64_t us;
    if (v.size < 20 || !dx_time_parse(v, true, &us))
        return false;
    size_t fraction = v.size == 20 ? 0 : v.size - 21;
    if (six)
        return fraction == 6;
    return fraction <= 6 && (fraction == 0 || v.data[v.size - 2] != '0');
}

static bool is_date(dx_bytes v)
{
    char    text[32];
    int64_t us;
    if (v.size != 10)
        return false;
    snprintf(text, sizeof text, "%.10sT00:00:00Z", (const char *)v.data);
    return dx_time_parse(dx_bytes_text(text), true, &us);
}

static bool is_country(dx_bytes v)
{
    return v.size == 2 && v.data[0] >= 'A' && v.data[0] <= 'Z' && v.data[1] >= 'A' && v.data[1] <= 'Z';
}

/* Individual Number check digit (policy.md 11) over a run of exactly twelve digits, plain or 4-4-4. */
static bool is_individual_number(const uint8_t *digits)
{
    unsigned sum = 0;
    bool     zero = true;
    for (unsigned n = 1; n <= 11; n++) {
        unsigned p = (unsigned)(digits[11 - n] - '0');
        zero = zero && p == 0;
        sum += p * (n <= 6 ? n + 1 : n - 5);
    }
    unsigned r = sum % 11;
    zero = zero && digits[11] == '0';
    return !zero && (unsigned)(digits[11] - '0') == (r <= 1 ? 0 : 11 - r);
}

static bool holds_individual_number(dx_bytes v)
{
    for (size_t i = 0; i < v.size;) {
        uint8_t digits[13];
        size_t  n = 0, at = i, groups = 0;
        if (v.data[i] < '0' || v.data[i] > '9' || (i > 0 && v.data[i - 1] >= '0' && v.data[i - 1] <= '9')) {
            i++;
            continue;
        }
        size_t plain = 0;
        while (i + plain < v.size && v.data[i + plain] >= '0' && v.data[i + plain] <= '9')
            plain++;
        if (plain == 12 && is_individual_number(v.data + i))
            return true;
        for (; groups < 3; groups++) { /* 4-4-4 with one '-' or blank between */
            size_t k = 0;
            while (at < v.size && k < 5 && v.data[at] >= '0' && v.data[at] <= '9') {
                if (n < 13)
                    digits[n++] = v.data[at];
                at++;
                k++;
            }
            if (k != 4)
                break;
            if (groups < 2 && at < v.size && (v.data[at] == '-' || v.data[at] == ' '))
                at++;
            else if (groups < 2)
                break;
        }
        if (groups == 3 && n == 12 && is_individual_number(digits))
            return true;
        i += plain;
    }
    return false;
}

static bool local_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr("._%+-", c) != NULL);
}

static bool label_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* local@label.label... that ends in two letters or more; `id@version#path` is none. */
static bool holds_mail(dx_bytes v)
{
    for (size_t i = 1; i + 3 < v.size; i++) {
        if (v.data[i] != '@' || !local_char(v.data[i - 1]))
            continue;
        size_t end = i + 1, dot = 0;
        for (; end < v.size && label_char(v.data[end]); end++)
            if (v.data[end] == '.')
                dot = end;
        size_t letters = 0;
        for (size_t k = dot + 1; dot != 0 && k < end && ((v.data[k] | 32) >= 'a' && (v.data[k] | 32) <= 'z'); k++)
            letters++;
        if (dot > i + 1 && letters >= 2)
            return true;
    }
    return false;
}

static const char *check_free_text(lint *l, const char *path, dx_bytes v)
{
    if (holds_individual_number(v))
        return say(l, "PV-103", path, "looks like an Individual Number");
    if (holds_mail(v))
        return say(l, "PV-103", path, "looks like a mail address");
    return NULL;
}

static bool is_org(dx_bytes v)
{
    if (dx_bytes_starts(v, "priv:"))
        return is_digest(dx_bytes_part(v, 5, v.size));
    static const char *const persons[] = {"PNO", "IDC", "PAS", "TIN"};
    for (size_t i = 0; i < 4; i++)
        if (dx_bytes_starts(v, persons[i]))
            return false;
    return v.size > 0;
}

static const char *check_pairs(lint *l, const char *path, const json_t *value)
{
    const char *key;
    json_t     *n;
    if (!json_is_object(value) || json_object_size(value) == 0)
        return say(l, "PV-102", path, "not an object of counters");
    json_object_foreach((json_t *)(uintptr_t)value, key, n)
    {
        dx_bytes k = dx_bytes_text(key[0] == '!' ? key + 1 : key);
        bool     ok = k.size >= 5 && is_country(dx_bytes_part(k, 0, 2)) && k.data[2] == '>' && is_country(dx_bytes_part(k, 3, 2)) &&
                  (k.size == 5 || (k.data[5] == '/' && k.size > 6 && k.size <= 6 + 64 && key[0] != '!'));
        if (!ok || !json_is_integer(n) || json_integer_value(n) < 1)
            return say(l, "PV-102", path, "a counter that is none");
    }
    return NULL;
}

static const char *check_value(lint *l, const row *r, const json_t *value)
{
    if (r->kind == K_PAIRS)
        return check_pairs(l, r->path, value);
    if (r->kind == K_BOOL)
        return json_is_boolean(value) ? NULL : say(l, "PV-102", r->path, "not true or false");
    if (r->kind == K_INT || r->kind == K_SINT) {
        bool ok = json_is_integer(value) && (r->kind == K_SINT || json_integer_value(value) >= 0) && json_integer_value(value) <= 9007199254740991LL &&
                  json_integer_value(value) >= -9007199254740991LL;
        return ok ? NULL : say(l, "PV-102", r->path, "not a whole number in range");
    }
    if (r->kind == K_ONE && json_is_integer(value)) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        return is_word(dx_bytes_text(text), r->words) && strcmp(r->path, "v") == 0 ? NULL : say(l, "PV-102", r->path, "not one of its words");
    }
    if (!json_is_string(value))
        return say(l, "PV-102", r->path, "not text");
    dx_bytes v = dx_bytes_of(json_string_value(value), json_string_length(value));
    if (v.size == 0 || (r->cap > 0 && v.size > r->cap))
        return say(l, "PV-102", r->path, "empty or too long");
    for (size_t i = 0; i < v.size; i++)
        if (v.data[i] < 0x20 || v.data[i] == 0x7f)
            return say(l, "PV-102", r->path, "a control character");
    bool blank = memchr(v.data, ' ', v.size) != NULL;
    bool ok = true, free_text = false;
    switch (r->kind) {
    case K_ONE:
        ok = is_word(v, r->words) && strcmp(r->path, "v") != 0;
        break;
    case K_TEXT:
        free_text = true;
        break;
    case K_WORD:
        ok = !blank;
        free_text = true;
        break;
    case K_URN:
        ok = dx_bytes_starts(v, "urn:") && v.size > 6 && !blank;
        free_text = true;
        break;
    case K_MSG:
        ok = !blank;
        free_text = !dx_bytes_starts(v, "urn:uuid:");
        break;
    case K_NOW:
        ok = is_time(v, true);
        break;
    case K_TIME:
        ok = is_time(v, false);
        break;
    case K_DATE:
        ok = is_date(v);
        break;
    case K_CC:
        ok = is_country(v);
        break;
    case K_UUID:
        ok = is_uuid7(v);
        break;
    case K_DIGEST:
        ok = is_digest(v);
        break;
    case K_COMMIT:
        ok = dx_bytes_starts(v, "c1:") && is_digest(dx_bytes_part(v, 3, v.size));
        break;
    case K_HEX:
        ok = hex_run(v, 0, v.size);
        break;
    case K_NOTE: {
        uint8_t raw[50000];
        size_t  n = sizeof raw;
        ok = v.size <= 65535 && dx_base64_decode(v, raw, &n) && memmem(raw, n, "\n\n\xe2\x80\x94 ", 6) != NULL;
        break;
    }
    case K_ORG:
        if (!dx_bytes_starts(v, "priv:") && (v.size < 7 || v.data[5] != '-'))
            return say(l, "PV-102", r->path, "not an organisation identifier");
        if (!is_org(v) || (v.size > 5 && v.data[5] == '-' && blank && v.size > 96))
            return say(l, "PV-103", r->path, "an identifier of a natural person");
        free_text = !dx_bytes_starts(v, "priv:");
        ok = true;
        break;
    case K_INT:
    case K_SINT:
    case K_BOOL:
    case K_PAIRS:
        break;
    }
    if (!ok)
        return say(l, "PV-102", r->path, "not of its form");
    return free_text ? check_free_text(l, r->path, v) : NULL;
}

static bool type_fits(const lint *l, const row *r)
{
    if (strcmp(r->type, "ANY") == 0 || strcmp(r->type, l->row_type) == 0)
        return true;
    static const char *const documents[] = {"CONFIG", "POLICY", "TLIST", "AGREEMENT"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(l->row_type, documents[i]) == 0)
            return strcmp(r->type, "DOC") == 0;
    return false;
}

/* Rows whose path is `prefix` followed by one name; "[N]" behind a name is an array. */
static const char *walk(lint *l, const json_t *object, const char *prefix)
{
    const char *key;
    json_t     *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char       path[160], inside[170];
        size_t     n;
        const row *exact = NULL;
        bool       group = false, array = false;
        size_t     array_max = 0;
        n = (size_t)snprintf(path, sizeof path, "%s%s", prefix, key);
        if (n >= sizeof path || strpbrk(key, ".[]") != NULL)
            return say(l, "PV-102", prefix, "an unknown member");
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (!type_fits(l, &rows[i]) || strncmp(rows[i].path, path, n) != 0)
                continue;
            char next = rows[i].path[n];
            if (next == 0)
                exact = &rows[i];
            else if (next == '.')
                group = true;
            else if (next == '[') {
                const char *close = strchr(rows[i].path + n, ']');
                array = true;
                array_max = (size_t)strtoul(rows[i].path + n + 1, NULL, 10);
                snprintf(inside, sizeof inside, "%.*s", (int)(close - rows[i].path) + 1, rows[i].path);
                if (close[1] == 0)
                    exact = &rows[i];
            }
        }
        const char *id = NULL;
        if (array) {
            if (!json_is_array(value) || json_array_size(value) == 0 || json_array_size(value) > array_max)
                return say(l, "PV-102", path, "not an array of its size");
            size_t  i;
            json_t *item;
            strncat(inside, ".", sizeof inside - strlen(inside) - 1);
            json_array_foreach(value, i, item)
            {
                if (exact != NULL)
                    id = check_value(l, exact, item);
                else if (!json_is_object(item) || json_object_size(item) == 0)
                    id = say(l, "PV-102", path, "not an object");
                else
                    id = walk(l, item, inside);
                if (id != NULL)
                    return id;
            }
        } else if (exact != NULL) {
            id = check_value(l, exact, value);
        } else if (group) {
            strncat(path, ".", sizeof path - n - 1);
            id = !json_is_object(value) || json_object_size(value) == 0 ? say(l, "PV-102", path, "not an object") : walk(l, value, path);
        } else {
            id = say(l, "PV-102", path, "an unknown member");
        }
        if (id != NULL)
            return id;
    }
    return NULL;
}

static const json_t *at(const json_t *root, const char *path)
{
    char name[64];
    for (const char *dot; root != NULL && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        root = json_object_get(root, name);
    }
    return root == NULL ? NULL : json_object_get(root, path);
}

static const char *need(lint *l, const char *list)
{
    char path[64];
    while (*list != 0) {
        size_t n = strcspn(list, " ");
        snprintf(path, sizeof path, "%.*s", (int)n, list);
        if (at(l->root, path) == NULL)
            return say(l, "PV-102", path, "is missing");
        list += n + (list[n] == ' ');
    }
    return NULL;
}

static const char *forbid(lint *l, const char *list)
{
    char path[64];
    while (*list != 0) {
        size_t n = strcspn(list, " ");
        snprintf(path, sizeof path, "%.*s", (int)n, list);
        if (at(l->root, path) != NULL)
            return say(l, "PV-102", path, "does not belong there");
        list += n + (list[n] == ' ');
    }
    return NULL;
}

static bool text_is(const json_t *root, const char *path, const char *want)
{
    const char *s = json_string_value(at(root, path));
    return s != NULL && strcmp(s, want) == 0;
}

#define NEED(list)                     \
    if ((id = need(l, list)) != NULL)  \
        return id

/* What must be there, by the leaf itself (the list below the table of 4.2). */
static const char *check_exchange(lint *l)
{
    const char *id;
    json_t     *r = l->root;
    bool        begin = text_is(r, "phase", "begin"), end = text_is(r, "phase", "end");
    NEED("phase request.method");
    if (!begin) {
        NEED("time.end outcome.state outcome.status");
        bool released = text_is(r, "outcome.state", "released");
        if (!released)
            NEED("outcome.cause");
        if (released || text_is(r, "outcome.state", "partial")) {
            NEED("bytes.in bytes.out payload.in payload.out items.n seal.profile seal.format seal.level seal.cert_sha256 seal.sha256");
            if (!end && !text_is(r, "decision.answer", "permit"))
                return say(l, "PV-102", "decision.answer", "released without a permit");
        }
    } else if ((id = forbid(l, "time.end outcome payload seal bytes records")) != NULL) {
        return id;
    }
    if (end) {
        NEED("rec.begin");
        if ((id = forbid(l, "log.n")) != NULL)
            return id;
    } else {
        NEED("log.n");
        if ((id = forbid(l, "rec.begin")) != NULL)
            return id;
    }
    if (at(r, "peer") != NULL)
        NEED("peer.cert_sha256 peer.kind peer.trust.answer peer.trust.clause");
    if (at(r, "decision") != NULL) {
        NEED("peer direction exporter.org exporter.country importer.org importer.country decision.answer decision.code decision.clause "
             "decision.bundle_sha256 decision.serial decision.mode retention.class retention.delete_after");
        if (text_is(r, "decision.answer", "permit"))
            NEED("request.route destination onward_allowed agreement.id agreement.version agreement.sha256 partnership.id partnership.version "
                 "basis.code purpose.ids purpose.asserted_by dataset.id dataset.version labels.personal");
    }
    const json_t *stamps = at(r, "ts");
    for (size_t i = 0; stamps != NULL && i < json_array_size(stamps); i++) {
        const json_t *s = json_array_get(stamps, i);
        bool          deferred = text_is(s, "mode", "deferred");
        if (at(s, "mode") == NULL || (deferred ? at(s, "window") == NULL : at(s, "by") == NULL || at(s, "time") == NULL || at(s, "serial") == NULL || at(s, "sha256") == NULL))
            return say(l, "PV-102", "ts", "a stamp that is not complete");
    }
    return NULL;
}

static const char *check_other(lint *l)
{
    static const struct {
        const char *type, *need;
    } needs[] = {{"OPENING", "opening.reason"}, {"CLOSING", "closing.reason"},
                 {"BOOT", "boot.id boot.build boot.libs boot.config_sha256 boot.clean boot.recovered boot.guards"}, {"STOP", "stop.id"},
                 {"CONFIG", "document.sha256 document.accepted"}, {"POLICY", "document.sha256 document.accepted"},
                 {"TLIST", "document.sha256 document.accepted"}, {"AGREEMENT", "document.sha256 document.accepted"},
                 {"KEY", "key.role key.new key.valid_from key.statement"}, {"CLOCK", "clock.step_us clock.source clock.prev"},
                 {"OUTCOME", "outcome.state"}, {"STAMP", "stamp.window stamp.imprint_sha256 stamp.count stamp.ts"},
                 {"RECEIPT", "receipt.of receipt.state"}, {"REFUSED", "refused.from refused.to refused.counts"},
                 {"LADDER", "ladder.cause ladder.scope ladder.from ladder.to"},
                 {"QUERY", "query.scope query.call query.rows query.at query.tier query.conf"}, {"APPROVAL", "approval.of approval.role approval.answer"},
                 {"VAULT", "vault.action vault.count vault.ground"}, {"COUNTERS", "counters.root counters.pairs"},
                 {"MEMBER", "member.origin member.note"}, {"HALT", "halt.error halt.size halt.from halt.to"}};
    const char *id;
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (strcmp(needs[i].type, l->row_type) == 0)
            NEED(needs[i].need);
    bool refused = text_is(l->root, "type", "config") || text_is(l->root, "type", "policy") || text_is(l->root, "type", "tlist") || text_is(l->root, "type", "agreement");
    if (refused && json_is_false(at(l->root, "document.accepted")))
        NEED("document.clause");
    if (strcmp(l->row_type, "OUTCOME") == 0 && ((at(l->root, "outcome.of") != NULL) == (at(l->root, "outcome.range") != NULL) ||
        (at(l->root, "outcome.range") != NULL && json_array_size(at(l->root, "outcome.range")) != 2)))
        return say(l, "PV-102", "outcome", "not exactly one of `of` and `range`");
    if (strcmp(l->row_type, "QUERY") == 0) {
        if ((at(l->root, "query.reader") != NULL) == (at(l->root, "query.reader_c") != NULL))
            return say(l, "PV-102", "query", "not exactly one of `reader` and `reader_c`");
        if (at(l->root, "query.reader") != NULL)
            NEED("query.reader.org query.reader.country query.reader.cert_sha256");
    }
    return forbid(l, "phase time.end log.n");
}

/* 1.0 and 1e3 are whole numbers with a second spelling; 1.5 is none. */
static bool has_fraction(const json_t *v)
{
    const char *key;
    json_t     *child;
    size_t      i;
    if (json_is_real(v))
        return json_real_value(v) != (double)(int64_t)json_real_value(v);
    if (json_is_integer(v))
        return json_integer_value(v) > 9007199254740991LL || json_integer_value(v) < -9007199254740991LL;
    json_object_foreach((json_t *)(uintptr_t)v, key, child) if (has_fraction(child)) return true;
    json_array_foreach(v, i, child) if (has_fraction(child)) return true;
    return false;
}

const char *leaf_check(dx_bytes leaf, char *text, size_t size)
{
    lint    l = {.text = text, .size = size};
    json_t *root = NULL;
    dx_buf  again;
    text[0] = 0;
    if (leaf.size == 0 || leaf.size > 65535)
        return say(&l, "PV-102", "", "no bytes, or more than 65535");
    if (dx_json_read(leaf, &(dx_json_limits){.max_bytes = 65535, .max_depth = 16, .reals = true}, &root, NULL).code != DX_OK)
        return say(&l, "PV-101", "", "not canonical JSON");
    dx_buf_init(&again, 1U << 17);
    struct dx_rc spelled = dx_json_canonical(root, &again);
    const char  *id = spelled.code == DX_USAGE && has_fraction(root) ? say(&l, "PV-102", "", "a number that is not whole, or too large")
                      : spelled.code == DX_OK && dx_bytes_equal(dx_buf_view(&again), leaf) ? NULL
                                                                                          : say(&l, "PV-101", "", "not canonical JSON");
    dx_buf_fini(&again);
    l.root = root;
    l.type = json_string_value(json_object_get(root, "type"));
    if (id == NULL && l.type == NULL)
        id = say(&l, "PV-102", "type", "is missing");
    if (id == NULL) {
        static const struct {
            const char *name, *text;
        } types[] = {
#define PROV_TYPE(name, text) {#name, text},
#include "trust/provenance/type_table.h"
#undef PROV_TYPE
        };
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (strcmp(types[i].text, l.type) == 0)
                l.row_type = types[i].name;
        if (l.row_type == NULL)
            id = say(&l, "PV-102", "type", "is unknown");
    }
    if (id == NULL)
        id = walk(&l, root, "");
    if (id == NULL)
        id = need(&l, "v rec.id gateway.id gateway.version gateway.boot time.start time.source log.i log.dur");
    if (id == NULL)
        id = strcmp(l.row_type, "EXCHANGE") == 0 ? check_exchange(&l) : check_other(&l);
    json_decref(root);
    return id;
}
