#include "trust/provenance/leaf_value.h"

#include "trust/provenance/note.h"

#include <stdlib.h>

static bool visible(dx_bytes s) /* '!' to '~' */
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < '!' || s.data[i] > '~')
            return false;
    return s.size > 0;
}

static bool upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool alnum(uint8_t c)
{
    return digit(c) || upper(c) || (c >= 'a' && c <= 'z');
}

static bool digest(dx_bytes s)
{
    uint8_t out[32];
    size_t size = sizeof out;
    return s.size == 43 && dx_base64url_decode(s, out, &size) && size == 32;
}

static bool uuid7(dx_bytes s)
{
    if (s.size != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.data[i] != '-' : !digit(s.data[i]) && !(s.data[i] >= 'a' && s.data[i] <= 'f'))
            return false;
    }
    return s.data[14] == '7' && strchr("89ab", s.data[19]) != NULL;
}

static bool date(dx_bytes s)
{
    char text[32];
    int64_t us;
    if (s.size != 10)
        return false;
    memcpy(text, s.data, 10);
    memcpy(text + 10, "T00:00:00Z", 11);
    return dx_time_parse(dx_bytes_text(text), true, &us);
}

/* Our own times have six fraction digits; quoted ones none, or up to six without a trailing zero. */
static bool instant(dx_bytes s, bool own)
{
    int64_t us;
    if (s.size < 20 || s.size > 27 || !dx_time_parse(s, true, &us))
        return false;
    if (own)
        return s.size == 27;
    return s.size == 20 || (s.size >= 22 && s.data[s.size - 2] != '0');
}

static bool starts_person(dx_bytes s)
{
    static const char *const schemes[] = {"PNO", "IDC", "PAS", "TIN"};
    if (s.size < 6 || !upper(s.data[3]) || !upper(s.data[4]) || s.data[5] != '-')
        return false;
    for (size_t i = 0; i < 4; i++)
        if (dx_bytes_starts(s, schemes[i]))
            return true;
    return false;
}

static bool organisation(dx_bytes s) /* ETSI EN 319 412-1 5.1.4, or priv: and an HMAC */
{
    if (dx_bytes_starts(s, "priv:"))
        return digest(dx_bytes_part(s, 5, s.size));
    if (s.size < 7 || !upper(s.data[0]) || !upper(s.data[1]) || !(upper(s.data[2]) || s.data[2] == ':'))
        return false;
    return upper(s.data[3]) && upper(s.data[4]) && s.data[5] == '-' && visible(dx_bytes_part(s, 6, s.size));
}

static bool hex(dx_bytes s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!digit(s.data[i]) && !(s.data[i] >= 'a' && s.data[i] <= 'f'))
            return false;
    return s.size > 0;
}

static bool note(dx_bytes s)
{
    size_t size = s.size;
    uint8_t *bytes = malloc(size + 1);
    note_form form;
    bool ok = bytes != NULL && dx_base64_decode(s, bytes, &size) &&
              note_parse(dx_bytes_of(bytes, size), &form) == NULL;
    free(bytes);
    return ok;
}

static bool one_of(const char *words, dx_bytes s)
{
    while (*words != 0) {
        size_t n = strcspn(words, "|");
        if (n == s.size && memcmp(words, s.data, n) == 0)
            return true;
        words += n + (words[n] == '|');
    }
    return false;
}

const char *leaf_value_text(const leaf_node *node, dx_bytes s)
{
    bool ok = true;
    if (s.size == 0)
        return "is empty: absent means not applicable";
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < 0x20 || s.data[i] == 0x7f)
            return "has a control character";
    switch (node->kind) {
    case LEAF_ONE:
        return node->words[0] != '1' && one_of(node->words, s) ? NULL : "is not one of its words";
    case LEAF_TEXT:
        break;
    case LEAF_WORD:
        ok = visible(s);
        break;
    case LEAF_URN:
    case LEAF_MSG:
        ok = dx_bytes_starts(s, "urn:") && s.size > 4 && visible(s);
        break;
    case LEAF_NOW:
    case LEAF_TIME:
        ok = instant(s, node->kind == LEAF_NOW);
        break;
    case LEAF_DATE:
        ok = date(s);
        break;
    case LEAF_CC:
        ok = s.size == 2 && upper(s.data[0]) && upper(s.data[1]);
        break;
    case LEAF_UUID:
        ok = uuid7(s);
        break;
    case LEAF_DIGEST:
        ok = digest(s);
        break;
    case LEAF_COMMIT:
        ok = dx_bytes_starts(s, "c1:") && digest(dx_bytes_part(s, 3, s.size));
        break;
    case LEAF_HEX:
        ok = hex(s);
        break;
    case LEAF_NOTE:
        ok = note(s);
        break;
    case LEAF_ORG:
        ok = organisation(s);
        break;
    case LEAF_OBJECT:
    case LEAF_INT:
    case LEAF_SINT:
    case LEAF_BOOL:
    case LEAF_PAIRS:
        return "is a string";
    }
    if (!ok)
        return "does not follow its type";
    return node->cap != 0 && s.size > node->cap ? "is over its cap" : NULL;
}

const char *leaf_value_number(const leaf_node *node, int64_t value)
{
    if (node->kind == LEAF_ONE)
        return node->words[0] == '1' && value == 1 ? NULL : "is not one of its words";
    if (node->kind != LEAF_INT && node->kind != LEAF_SINT)
        return "is a number";
    if (value > LEAF_SAFE_INT || value < -LEAF_SAFE_INT)
        return "is over 2^53-1";
    return node->kind == LEAF_INT && value < 0 ? "is negative" : NULL;
}

bool leaf_value_pair(dx_bytes s)
{
    bool refused = s.size > 0 && s.data[0] == '!';
    if (refused)
        s = dx_bytes_part(s, 1, s.size);
    if (s.size < 5 || !upper(s.data[0]) || !upper(s.data[1]) || s.data[2] != '>' || !upper(s.data[3]) ||
        !upper(s.data[4]))
        return false;
    if (s.size == 5)
        return true;
    dx_bytes purpose = dx_bytes_part(s, 6, s.size);
    return !refused && s.data[5] == '/' && purpose.size <= 64 && visible(purpose);
}

/* local@label.label…, ending in two letters or more. */
static bool has_mail_address(dx_bytes s)
{
    for (size_t at = 1; at < s.size; at++) {
        if (s.data[at] != '@' || !(alnum(s.data[at - 1]) || strchr("._%+-", s.data[at - 1]) != NULL))
            continue;
        size_t label = 0;
        bool dotted = false;
        for (size_t i = at + 1; i < s.size; i++) {
            uint8_t c = s.data[i];
            if (c == '.') {
                if (label == 0)
                    break;
                dotted = true;
                label = 0;
                continue;
            }
            if (!alnum(c) && c != '-')
                break;
            label++;
            bool letters =
                label >= 2 && !digit(c) && c != '-' && !digit(s.data[i - 1]) && s.data[i - 1] != '-';
            if (dotted && letters && label == 2)
                return true;
        }
    }
    return false;
}

/* Ordinance on the Individual Number: weights 2..7, 2..6 from the right, modulo 11. */
static bool individual_number(const uint8_t *d)
{
    unsigned sum = 0;
    for (unsigned n = 1; n <= 11; n++)
        sum += (unsigned)(d[11 - n] - '0') * (n > 6 ? n - 5 : n + 1);
    unsigned rest = sum % 11;
    return d[11] - '0' == (int)(rest <= 1 ? 0 : 11 - rest);
}

static bool number_at(dx_bytes s, size_t at, char separator)
{
    uint8_t d[12];
    size_t n = 0, i = at;
    while (n < 12 && i < s.size && digit(s.data[i])) {
        d[n++] = s.data[i++];
        if (separator != 0 && n % 4 == 0 && n < 12) {
            if (i >= s.size || s.data[i] != (uint8_t)separator)
                return false;
            i++;
        }
    }
    return n == 12 && !(i < s.size && digit(s.data[i])) && individual_number(d);
}

static bool has_individual_number(dx_bytes s)
{
    for (size_t i = 0; i + 12 <= s.size; i++) {
        if (!digit(s.data[i]) || (i > 0 && digit(s.data[i - 1])))
            continue;
        if (number_at(s, i, 0) || number_at(s, i, '-') || number_at(s, i, ' '))
            return true;
    }
    return false;
}

const char *leaf_value_forbidden(leaf_kind kind, dx_bytes s)
{
    bool free_text = kind == LEAF_TEXT || kind == LEAF_WORD || kind == LEAF_URN || kind == LEAF_ORG;
    if (kind == LEAF_MSG)
        free_text = !dx_bytes_starts(s, "urn:uuid:");
    if (!free_text)
        return NULL;
    if (kind == LEAF_ORG && starts_person(s))
        return "names a natural person's register";
    if (has_mail_address(s))
        return "looks like an e-mail address";
    if (has_individual_number(s))
        return "has 12 digits with the check digit of an Individual Number";
    return NULL;
}

bool prov_fits(prov_type type, const char *path, dx_bytes text)
{
    const leaf_node *node = leaf_schema_find(type, path);
    return node != NULL && text.size > 0 && leaf_value_text(node, text) == NULL &&
           leaf_value_forbidden(node->kind, text) == NULL;
}

unsigned prov_list_max(prov_type type, const char *path)
{
    const leaf_node *node = leaf_schema_find(type, path);
    return node == NULL ? 0 : node->max;
}
