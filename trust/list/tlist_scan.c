/* A look at the bytes before the parser has them: it builds its tree first and is asked about limits
 * afterwards, and some of its work is the square of what one element carries. What is counted here bounds
 * both (TL-202 to TL-204).
 *
 * No second parser: where the bytes are not well-formed it stops counting, and the parser stops at the same
 * place. */
#include "trust/list/tlist_xml.h"

#include <strings.h>

enum {
    MARKS_MAX = 128,      /* attributes and namespaces of one tag; 64 attributes are told apart later */
    NODES_FREE = 20000,   /* so many need no size behind them */
    BYTES_FOR_A_NODE = 24 /* of real lists: 60 and more */
};

typedef struct {
    const char *at, *end;
    size_t elements, nodes, depth;
} scan;

static bool starts(const scan *s, const char *text)
{
    size_t size = strlen(text);
    return (size_t)(s->end - s->at) >= size && memcmp(s->at, text, size) == 0;
}

/* Behind the next `text`, which ends in '>'; the end when there is none. */
static void skip_past(scan *s, size_t from, const char *text)
{
    size_t before = strlen(text) - 1;
    const char *first = s->at + from + before;
    while (first < s->end && (first = memchr(first, '>', (size_t)(s->end - first))) != NULL) {
        if (memcmp(first - before, text, before) == 0) {
            s->at = first + 1;
            return;
        }
        first++;
    }
    s->at = s->end;
}

/* A comment ends at its first `--`, or is none; the parser would complain once for each and go on. */
static struct dx_rc take_comment(scan *s, dx_why *why)
{
    const char *at = s->at + 4;
    while (at < s->end && (at = memchr(at, '-', (size_t)(s->end - at))) != NULL && s->end - at > 2) {
        if (at[1] == '-' && at[2] != '>')
            return tlist_refuse(why, 201, "a comment holds two hyphens");
        if (at[1] == '-') {
            s->at = at + 3;
            return DX_OKAY;
        }
        at++;
    }
    return tlist_refuse(why, 201, "a comment does not end");
}

/* Without a DTD there are five entities and characters by number; the parser would go on after any other. */
static struct dx_rc check_reference(const scan *s, const char *at, dx_why *why)
{
    static const char *const known[] = {"&#", "&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t size = strlen(known[i]);
        if ((size_t)(s->end - at) >= size && memcmp(at, known[i], size) == 0)
            return DX_OKAY;
    }
    return tlist_refuse(why, 201, "the document refers to an entity that nobody declared");
}

/* Up to the next `<`, or the end. */
static struct dx_rc take_text(scan *s, dx_why *why)
{
    const char *next = memchr(s->at, '<', (size_t)(s->end - s->at));
    next = next == NULL ? s->end : next;
    for (const char *at = s->at; at < next && (at = memchr(at, '&', (size_t)(next - at))) != NULL; at++)
        DX_TRY(check_reference(s, at, why));
    s->at = next;
    return DX_OKAY;
}

/* From `<name` behind its `>`; counts what stands in it. */
static struct dx_rc take_tag(scan *s, dx_why *why)
{
    unsigned marks = 0;
    char quote = '\0', before = '\0';
    for (s->at++; s->at < s->end; before = *s->at++) {
        char c = *s->at;
        if (c == '&')
            DX_TRY(check_reference(s, s->at, why));
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '=') {
            s->nodes++;
            if (++marks > MARKS_MAX)
                return tlist_refuse(why, 204, "an element has more than %d attributes and namespaces",
                                    MARKS_MAX);
        } else if (c == '>' || c == '<') {
            break; /* a second `<` is not well-formed */
        }
    }
    s->depth += before != '/';
    if (s->at < s->end)
        s->at++;
    s->elements++;
    s->nodes++;
    if (s->depth > TLIST_DEPTH_MAX)
        return tlist_refuse(why, 204, "elements are nested deeper than %d", TLIST_DEPTH_MAX);
    if (s->elements > TLIST_ELEMENTS_MAX)
        return tlist_refuse(why, 204, "the document has more than %d elements", TLIST_ELEMENTS_MAX);
    return DX_OKAY;
}

static struct dx_rc take_markup(scan *s, dx_why *why)
{
    if (starts(s, "</")) {
        s->depth -= s->depth > 0;
        skip_past(s, 2, ">");
        return DX_OKAY;
    }
    if (starts(s, "<!DOCTYPE"))
        return tlist_refuse(why, 202, "the document has a document type declaration");
    if (!starts(s, "<!") && !starts(s, "<?"))
        return take_tag(s, why);
    s->nodes++;
    if (starts(s, "<!--"))
        return take_comment(s, why);
    if (starts(s, "<![CDATA["))
        skip_past(s, 9, "]]>");
    else
        skip_past(s, 2, s->at[1] == '?' ? "?>" : ">");
    return DX_OKAY;
}

/* TL-203: the parser would follow the declaration, and read other characters than those counted here. */
static struct dx_rc check_encoding(dx_bytes xml, dx_why *why)
{
    if (xml.size >= 2 && (memcmp(xml.data, "\xfe\xff", 2) == 0 || memcmp(xml.data, "\xff\xfe", 2) == 0 ||
                          xml.data[0] == 0 || xml.data[1] == 0))
        return tlist_refuse(why, 203, "the document is in UTF-16 or UTF-32, not in UTF-8");
    if (xml.size >= 3 && memcmp(xml.data, "\xef\xbb\xbf", 3) == 0)
        xml = dx_bytes_part(xml, 3, xml.size);
    dx_bytes text = dx_bytes_trim(xml);
    if (text.size > 0 && !dx_bytes_starts(text, "<")) /* EBCDIC looks like that too, and would be followed */
        return tlist_refuse(why, 201, "the document does not begin as XML does");
    if (!dx_bytes_starts(xml, "<?xml"))
        return DX_OKAY;
    const char *close = memmem(xml.data, xml.size, "?>", 2);
    size_t size = close == NULL ? xml.size : (size_t)(close - (const char *)xml.data);
    const char *word = memmem(xml.data, size, "encoding", 8), *end = (const char *)xml.data + size;
    if (word == NULL)
        return DX_OKAY;
    for (word += 8; word < end && strchr(" \t\r\n=\"'", *word) != NULL;)
        word++;
    size_t name = 0;
    while (word + name < end && strchr("\"' \t\r\n", word[name]) == NULL)
        name++;
    if (name != 5 || strncasecmp(word, "UTF-8", 5) != 0)
        return tlist_refuse(why, 203, "the document declares encoding %.*s, not UTF-8",
                            (int)(name < 40 ? name : 40), word);
    return DX_OKAY;
}

DX_RC tlist_scan(dx_bytes xml, dx_why *why)
{
    DX_TRY(check_encoding(xml, why));
    scan s = {.at = (const char *)xml.data, .end = (const char *)xml.data + xml.size};
    for (;;) {
        DX_TRY(take_text(&s, why));
        if (s.at == s.end)
            break;
        DX_TRY(take_markup(&s, why));
    }
    if (s.nodes > NODES_FREE + xml.size / BYTES_FOR_A_NODE)
        return tlist_refuse(why, 204, "the document has %zu elements, attributes and comments in %zu bytes",
                            s.nodes, xml.size);
    return DX_OKAY;
}
