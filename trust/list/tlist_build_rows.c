/* Each row by itself: what its cells must be, whatever the other rows say. */
#include "trust/base/check_digit.h"
#include "trust/list/tlist_build_private.h"

#include <openssl/objects.h>

bool tlist_build_time(const char *text, int64_t *unix_s)
{
    char whole[64];
    int64_t us;
    dx_bytes given = dx_bytes_text(text);
    if (given.size == 10) { /* what a table of a Japanese authority says is a day in Japan */
        memcpy(whole, text, 10);
        memcpy(whole + 10, "T00:00:00+09:00", 16);
        given = dx_bytes_text(whole);
    }
    if (!dx_time_parse(given, false, &us) || us % 1000000 != 0)
        return false;
    *unix_s = us / 1000000;
    return true;
}

bool tlist_build_url(const char *text)
{
    size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7 : 0;
    return scheme > 0 && text[scheme] != '\0' && text[scheme] != '/' && strpbrk(text, " \"<>\\^`{|}") == NULL;
}

build_texts tlist_build_parts(dx_arena *arena, const char *text)
{
    size_t room = 1;
    for (const char *c = text; *c != '\0'; c++)
        room += *c == ';';
    const char **items = DX_ARENA_ARRAY(arena, const char *, room);
    build_texts out = {items, 0};
    while (items != NULL) {
        size_t size = strcspn(text, ";");
        dx_bytes part = dx_bytes_trim(dx_bytes_of(text, size));
        if (part.size > 0 && (items[out.count++] = dx_arena_text(arena, part)) == NULL)
            return (build_texts){NULL, 0};
        if (text[size] == '\0')
            return out;
        text += size + 1;
    }
    return out;
}

static const char *cell(const build_row *row, build_column column)
{
    return row->cells[column].text;
}

static bool service_key(const char *text)
{
    return strlen(text) <= 64 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(text);
}

static bool mail(const char *text)
{
    const char *at = strchr(text, '@');
    return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(text, " <>\",;") == NULL;
}

/* Cells that may be empty here, and are filled from another row later. */
static void check_open(build *b, const build_row *row)
{
    const char *text = cell(row, BUILD_MAIL);
    if (text[0] != '\0' && !mail(text))
        tlist_build_say(b, false, row, BUILD_MAIL, "\"%.60s\" is not a mail address", text);
    text = cell(row, BUILD_COUNTRY);
    if (text[0] != '\0' && (strlen(text) != 2 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2))
        tlist_build_say(b, false, row, BUILD_COUNTRY, "\"%.20s\" is not two capital letters (ISO 3166-1)",
                        text);
    static const build_column urls[] = {BUILD_URL, BUILD_SOURCE_URL};
    for (size_t i = 0; i < 2; i++)
        if (cell(row, urls[i])[0] != '\0' && !tlist_build_url(cell(row, urls[i])))
            tlist_build_say(b, false, row, urls[i], "\"%.100s\" is not an address like https://host/path",
                            cell(row, urls[i]));
    build_texts info = tlist_build_parts(&b->arena, cell(row, BUILD_INFO));
    for (size_t i = 0; i < info.count && strcmp(cell(row, BUILD_INFO), "-") != 0; i++)
        if (!tlist_build_url(info.items[i]) && strncmp(info.items[i], "urn:", 4) != 0)
            tlist_build_say(b, false, row, BUILD_INFO, "\"%.100s\" is not a URI", info.items[i]);
    build_texts oids = tlist_build_parts(&b->arena, cell(row, BUILD_POLICY_OIDS));
    for (size_t i = 0; i < oids.count && strcmp(cell(row, BUILD_POLICY_OIDS), "-") != 0; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(oids.items[i], 1);
        if (oid == NULL)
            tlist_build_say(b, false, row, BUILD_POLICY_OIDS,
                            "\"%.60s\" is not an object identifier like 1.2.392.1", oids.items[i]);
        ASN1_OBJECT_free(oid);
    }
    text = cell(row, BUILD_SOURCE_CHECKED);
    int64_t when_s;
    if (text[0] == '\0')
        return;
    if (!tlist_build_time(text, &when_s))
        tlist_build_say(b, false, row, BUILD_SOURCE_CHECKED,
                        "\"%.40s\" is neither a date nor an RFC 3339 time", text);
    else if (when_s > b->spec->signing_s)
        tlist_build_say(b, false, row, BUILD_SOURCE_CHECKED, "%s is in the future", text);
    else if (when_s < b->spec->signing_s - 90 * 86400)
        tlist_build_say(b, true, row, BUILD_SOURCE_CHECKED,
                        "the source was read on %s, more than 90 days ago", text);
}

static void check_row(build *b, build_row *row)
{
    static const build_column own[] = {BUILD_TSP_ID, BUILD_SERVICE_ID, BUILD_TYPE, BUILD_STATUS, BUILD_SINCE};
    row->sound = true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (cell(row, own[i])[0] == '\0') {
            tlist_build_say(b, false, row, own[i], "is empty");
            row->sound = false;
        }
    const char *text = cell(row, BUILD_TSP_ID);
    if (text[0] != '\0' && !dx_corporate_number_ok(dx_bytes_text(text))) {
        tlist_build_say(b, false, row, BUILD_TSP_ID,
                        "\"%.40s\" is not a corporate number: 13 digits, the first checks the others", text);
        row->sound = false;
    }
    text = cell(row, BUILD_SERVICE_ID);
    if (!service_key(text)) {
        tlist_build_say(b, false, row, BUILD_SERVICE_ID,
                        "\"%.80s\" is not 1 to 64 of letters, digits, '.', '_', '-'", text);
        row->sound = false;
    }
    text = cell(row, BUILD_TYPE);
    row->type = tlist_map_type_named(&b->map, text);
    if (text[0] != '\0' && row->type == NULL)
        tlist_build_say(b, false, row, BUILD_TYPE, "the profile has no type \"%.80s\"", text);
    text = cell(row, BUILD_STATUS);
    row->status = tlist_map_status_named(&b->map, text);
    if (text[0] != '\0' && row->status == NULL)
        tlist_build_say(b, false, row, BUILD_STATUS, "the profile has no status \"%.80s\", or more than one",
                        text);
    text = cell(row, BUILD_SINCE);
    if (text[0] != '\0' && !tlist_build_time(text, &row->since_s)) {
        tlist_build_say(b, false, row, BUILD_SINCE,
                        "\"%.40s\" is neither a date like 2023-02-16 nor an RFC 3339 time", text);
        row->sound = false;
    } else if (text[0] != '\0' && row->since_s > b->spec->signing_s) {
        tlist_build_say(b, false, row, BUILD_SINCE, "%s is in the future", text);
    }
    row->sound &= row->type != NULL && row->status != NULL;
    check_open(b, row);
}

void tlist_build_rows(build *b)
{
    for (size_t i = 0; i < b->row_count; i++)
        check_row(b, &b->rows[i]);
}
