#include "gateway/http/http_message.h"

/* Helpers over one message, and the rules for its fields (field_table.h). */

bool http_next_element(dx_bytes *left, dx_bytes *element)
{
    if (left->data == NULL)
        return false;
    const uint8_t *comma = memchr(left->data, ',', left->size);
    size_t n = comma == NULL ? left->size : (size_t)(comma - left->data);
    *element = dx_bytes_trim(dx_bytes_part(*left, 0, n));
    *left = comma == NULL ? (dx_bytes){NULL, 0} : dx_bytes_part(*left, n + 1, left->size);
    return true;
}

bool http_expects_continue(dx_bytes value)
{
    if (value.size == 0)
        return false;
    for (dx_bytes expectation; http_next_element(&value, &expectation);)
        if (!dx_bytes_is_nocase(expectation, "100-continue"))
            return false;
    return true;
}

const http_field *http_find(const http_message *message, const char *name)
{
    for (size_t i = 0; i < message->field_count; i++)
        if (dx_bytes_is(message->fields[i].name, name))
            return &message->fields[i];
    return NULL;
}

dx_bytes http_combined(const http_message *message, const char *name, dx_arena *arena)
{
    const char *between = strcmp(name, "cookie") == 0 ? "; " : ", ";
    size_t size = 0, count = 0;
    dx_bytes only = {NULL, 0};
    for (size_t i = 0; i < message->field_count; i++)
        if (dx_bytes_is(message->fields[i].name, name)) {
            only = message->fields[i].value;
            size += only.size + 2;
            count++;
        }
    if (count < 2 || strcmp(name, "set-cookie") == 0)
        return only;
    uint8_t *joined = dx_arena_alloc(arena, size);
    size_t at = 0;
    for (size_t i = 0; joined != NULL && i < message->field_count; i++) {
        if (!dx_bytes_is(message->fields[i].name, name))
            continue;
        if (at > 0) {
            memcpy(joined + at, between, 2);
            at += 2;
        }
        memcpy(joined + at, message->fields[i].value.data, message->fields[i].value.size);
        at += message->fields[i].value.size;
    }
    return dx_bytes_of(joined, at);
}

enum { KEEP = HTTP_KEEP, HOP = HTTP_DROP_HOP, RESERVED = HTTP_DROP_RESERVED };

static const struct {
    const char *name;
    http_hygiene request, response;
    bool never_trailer, never_nominated;
} rules[] = {
#define F(name, request, response, trailer, nominate)                                                        \
    {name, (http_hygiene)request, (http_hygiene)response, trailer, nominate},
#include "gateway/http/field_table.h"
#undef F
};

/* The name as a careless stack would read it: lower case, '_' for '-' (RFC 3875 4.1.18 and its children). */
static size_t fold(dx_bytes name, char out[64])
{
    size_t n = name.size < 63 ? name.size : 63;
    for (size_t i = 0; i < n; i++) {
        char c = (char)name.data[i];
        out[i] = c == '_' ? '-' : (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[n] = 0;
    return n;
}

static int rule_of(const char *folded)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        size_t n = strlen(rules[i].name);
        bool open = rules[i].name[n - 1] == '*';
        if (open ? strncmp(folded, rules[i].name, n - 1) == 0 : strcmp(folded, rules[i].name) == 0)
            return (int)i;
    }
    return -1;
}

http_hygiene http_request_field(dx_bytes name, bool nominated)
{
    char folded[64];
    fold(name, folded);
    int at = rule_of(folded);
    bool underscore = memchr(name.data, '_', name.size) != NULL;
    if (at >= 0 && rules[at].request == HTTP_DROP_RESERVED)
        return HTTP_DROP_RESERVED;
    if (underscore)
        return HTTP_DROP_UNDERSCORE; /* and so is every other alias of a hyphenated name */
    if (nominated || (at >= 0 && rules[at].request == HTTP_DROP_HOP))
        return HTTP_DROP_HOP;
    return HTTP_KEEP;
}

http_hygiene http_response_field(dx_bytes name, bool nominated)
{
    char folded[64];
    fold(name, folded);
    int at = rule_of(folded);
    if (at >= 0 && rules[at].response != HTTP_KEEP)
        return rules[at].response;
    return nominated ? HTTP_DROP_HOP : HTTP_KEEP;
}

bool http_nominated(const http_message *message, dx_bytes name)
{
    for (size_t i = 0; i < message->field_count; i++) {
        if (!dx_bytes_is(message->fields[i].name, "connection"))
            continue;
        dx_bytes left = message->fields[i].value;
        for (dx_bytes option; http_next_element(&left, &option);)
            if (dx_bytes_equal_nocase(option, name))
                return true;
    }
    return false;
}

bool http_trailer_kept(dx_bytes name)
{
    static const char *const kept[] = {"content-digest",  "repr-digest", "signature",
                                       "signature-input", "dfft-seal",   "dfft-seal-time"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (dx_bytes_is_nocase(name, kept[i]))
            return true;
    return false;
}

bool http_trailer_forbidden(dx_bytes name)
{
    char folded[64];
    fold(name, folded);
    int at = rule_of(folded);
    return at >= 0 && rules[at].never_trailer;
}

bool http_never_nominated(dx_bytes name)
{
    char folded[64];
    fold(name, folded);
    int at = rule_of(folded);
    return at >= 0 && rules[at].never_nominated;
}

bool http_alias_of_framing(dx_bytes name)
{
    if (memchr(name.data, '_', name.size) == NULL)
        return false;
    char folded[64];
    fold(name, folded);
    int at = rule_of(folded);
    return at >= 0 && (rules[at].request == HTTP_DROP_HOP) && strcmp(folded, "via") != 0 &&
           strncmp(folded, "signature", 9) != 0;
}

const char *http_doubled(const http_message *message)
{
    static const char *const single[] = {"content-type",  "content-range", "content-location",
                                         "authorization", "range",         "date",
                                         "etag",          "last-modified", "location",
                                         "expires",       "if-range",      "if-modified-since",
                                         "max-forwards",  "retry-after",   "if-unmodified-since"};
    for (size_t n = 0; n < sizeof single / sizeof *single; n++) {
        size_t count = 0;
        for (size_t i = 0; i < message->field_count; i++)
            count += dx_bytes_is(message->fields[i].name, single[n]);
        if (count > 1)
            return single[n];
    }
    return NULL;
}
