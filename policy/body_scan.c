#include "policy/body_scan.h"
#include "policy/model.h"

bool body_scan_number_ok(const uint8_t d[12])
{
    unsigned sum = 0, all = 0;
    for (unsigned n = 1; n <= 11; n++) {
        sum += d[11 - n] * (n <= 6 ? n + 1 : n - 5);
        all |= d[11 - n];
    }
    unsigned rest = sum % 11;
    return (all | d[11]) != 0 && d[11] == (rest <= 1 ? 0 : 11 - rest);
}

void body_scan_init(body_scan *s, body_scan_kind kind, const policy *p)
{
    *s = (body_scan){.kind = kind, .p = p, .named_now = -1, .is_name = kind == BODY_SCAN_FORM};
    memset(s->named, -1, sizeof s->named);
}

/* ---- names ---- */

/* Case folded, `_` and `-` left out; non-ASCII letters compare as they are. */
static bool name_is(dx_bytes want, const char *name, size_t size)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < want.size && (want.data[i] == '_' || want.data[i] == '-'))
            i++;
        while (k < size && (name[k] == '_' || name[k] == '-'))
            k++;
        if (i == want.size || k == size)
            return i == want.size && k == size;
        uint8_t a = want.data[i++], b = (uint8_t)name[k++];
        a = a >= 'A' && a <= 'Z' ? (uint8_t)(a + 32) : a;
        b = b >= 'A' && b <= 'Z' ? (uint8_t)(b + 32) : b;
        if (a != b)
            return false;
    }
}

static int8_t class_of_name(const body_scan *s)
{
    for (int c = 0; s->p != NULL && c < BODY_SCAN_CLASSES; c++)
        for (size_t i = 0; i < s->p->key_names[c].count; i++)
            if (name_is(s->p->key_names[c].items[i], s->name, s->name_size))
                return (int8_t)c;
    return -1;
}

/* ---- numbers ---- */

static void reset_number(body_scan *s)
{
    s->digit_count = s->group = 0;
    s->grouped = s->spoiled = s->separator = false;
}

static void judge_number(body_scan *s)
{
    if (s->named_now > 0) { /* the other classes are told by their name alone */
        s->found[s->named_now]++;
        s->found_named[s->named_now]++;
    } else if (body_scan_number_ok(s->digits)) {
        s->found[0]++;
        s->found_named[0] += s->named_now == 0;
    }
}

static void end_number(body_scan *s)
{
    bool whole = s->digit_count == 12 && !s->spoiled && (!s->grouped || s->group == 4);
    if (whole && !s->separator) /* before a separator it was judged already */
        judge_number(s);
    reset_number(s);
}

static bool is_separator(uint32_t c)
{
    return c == ' ' || c == 0x3000 || c == '-' || c == 0x2010 || c == 0x2011 || c == 0x2212;
}

static void take_digit(body_scan *s, uint8_t digit)
{
    if (s->separator) {
        s->grouped = true;
        s->separator = false;
        s->group = 0;
        if (s->digit_count == 12) { /* a fourth group: the number may be the last three */
            memmove(s->digits, s->digits + 4, 8);
            s->digit_count = 8;
        }
    }
    if (s->grouped && s->group == 4) { /* a fifth digit: what stood before the separator was another number */
        memmove(s->digits, s->digits + s->digit_count - 4, 4);
        s->digit_count = 4;
        s->grouped = false;
    }
    if (s->digit_count == 12)
        s->spoiled = true; /* thirteen or more */
    else
        s->digits[s->digit_count++] = digit;
    s->group++;
}

static void take_point(body_scan *s, uint32_t c)
{
    if (c >= '0' && c <= '9') {
        take_digit(s, (uint8_t)(c - '0'));
    } else if (c >= 0xff10 && c <= 0xff19) {
        take_digit(s, (uint8_t)(c - 0xff10));
    } else if (s->digit_count == 0) {
        return;
    } else if (is_separator(c) && !s->separator && s->group == 4 && !s->spoiled &&
               (s->grouped || s->digit_count == 4)) {
        if (s->digit_count == 12)
            judge_number(s);
        s->separator = true;
    } else {
        end_number(s);
    }
}

/* ---- JSON ---- */

static void name_byte(body_scan *s, uint32_t c)
{
    if (!s->is_name || s->name_size + 4 > sizeof s->name)
        return;
    if (c < 0x80) {
        s->name[s->name_size++] = (char)c;
    } else if (c < 0x800) {
        s->name[s->name_size++] = (char)(0xc0 | c >> 6);
        s->name[s->name_size++] = (char)(0x80 | (c & 0x3f));
    } else {
        s->name[s->name_size++] = (char)(0xe0 | (c >> 12 & 0xf));
        s->name[s->name_size++] = (char)(0x80 | (c >> 6 & 0x3f));
        s->name[s->name_size++] = (char)(0x80 | (c & 0x3f));
    }
}

static void string_point(body_scan *s, uint32_t c)
{
    name_byte(s, c);
    take_point(s, c);
}

static void quoted_point(body_scan *s, uint32_t c)
{
    if (s->hex_left > 0) {
        uint32_t digit = c >= '0' && c <= '9'                 ? c - '0'
                         : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                              : 0;
        s->hex = s->hex << 4 | digit;
        if (--s->hex_left == 0)
            string_point(s, s->hex);
    } else if (s->escaped) {
        s->escaped = false;
        if (c == 'u') {
            s->hex_left = 4;
            s->hex = 0;
        } else {
            string_point(s, c == 'n' || c == 't' || c == 'r' || c == 'b' || c == 'f' ? 0x0a : c);
        }
    } else if (c == '\\') {
        s->escaped = true;
    } else if (c == '"') {
        s->in_string = false;
        end_number(s);
        if (s->is_name)
            s->named_now = class_of_name(s);
    } else {
        string_point(s, c);
    }
}

static bool in_object(const body_scan *s)
{
    return s->depth > 0 && s->depth <= BODY_SCAN_DEPTH && s->object[s->depth - 1];
}

static void json_point(body_scan *s, uint32_t c)
{
    if (s->in_string) {
        quoted_point(s, c);
        return;
    }
    switch (c) {
    case '"':
        end_number(s);
        s->in_string = true;
        s->is_name = in_object(s) && !s->after_colon;
        if (s->is_name)
            s->name_size = 0;
        return;
    case '{':
    case '[':
        end_number(s);
        if (s->depth < BODY_SCAN_DEPTH) {
            s->object[s->depth] = c == '{';
            s->named[s->depth] = s->named_now; /* elements of an array stand under the array's name */
        }
        s->depth++;
        s->after_colon = false;
        return;
    case '}':
    case ']':
        end_number(s);
        s->depth -= s->depth > 0;
        s->named_now = s->depth < BODY_SCAN_DEPTH ? s->named[s->depth] : -1;
        s->after_colon = true;
        return;
    case ':':
        end_number(s);
        s->after_colon = true;
        return;
    case ',':
        end_number(s);
        s->after_colon = !in_object(s);
        return;
    default:
        /* A bare number: its digits stand together, a fraction or a sign ends them. */
        if (c >= '0' && c <= '9')
            take_digit(s, (uint8_t)(c - '0'));
        else
            end_number(s);
    }
}

/* ---- forms ---- */

static void form_point(body_scan *s, uint32_t c)
{
    if (c == '&' || c == '=') {
        end_number(s);
        if (c == '=')
            s->named_now = class_of_name(s);
        s->is_name = c == '&';
        if (c == '&') {
            s->name_size = 0;
            s->named_now = -1;
        }
        return;
    }
    string_point(s, c == '+' ? ' ' : c);
}

/* ---- bytes ---- */

static void point(body_scan *s, uint32_t c)
{
    if (s->kind == BODY_SCAN_JSON)
        json_point(s, c);
    else if (s->kind == BODY_SCAN_FORM)
        form_point(s, c);
    else
        take_point(s, c);
}

/* Ill-formed UTF-8 breaks a run and nothing else: the bytes are somebody else's problem. */
static void byte(body_scan *s, uint8_t b)
{
    if (s->more > 0 && (b & 0xc0) == 0x80) {
        s->point = s->point << 6 | (b & 0x3f);
        if (--s->more == 0)
            point(s, s->point);
        return;
    }
    if (s->more > 0) {
        s->more = 0;
        point(s, 0xfffd);
    }
    if (b < 0x80) {
        point(s, b);
    } else if (b >= 0xc2 && b < 0xf5) {
        s->more = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
        s->point = b & (0x3fU >> s->more);
    } else {
        point(s, 0xfffd);
    }
}

static void percent_byte(body_scan *s, uint8_t b)
{
    int nibble = b >= '0' && b <= '9'                 ? b - '0'
                 : (b | 32) >= 'a' && (b | 32) <= 'f' ? (b | 32) - 'a' + 10
                                                      : -1;
    if (s->percent == 1) {
        s->hex = (uint32_t)(nibble < 0 ? 0 : nibble);
        s->percent = nibble < 0 ? 0 : 2;
    } else if (s->percent == 2) {
        s->percent = 0;
        uint8_t decoded = (uint8_t)(s->hex << 4 | (uint32_t)(nibble < 0 ? 0 : nibble));
        if (decoded == '&' || decoded == '=' ||
            decoded == '+') /* data, not structure; it ends a run all the same */
            byte(s, ',');
        else
            byte(s, decoded);
    } else if (b == '%') {
        s->percent = 1;
    } else {
        byte(s, b);
    }
}

void body_scan_add(body_scan *s, dx_bytes slice)
{
    if (s->kind == BODY_SCAN_FORM) {
        for (size_t i = 0; i < slice.size; i++)
            percent_byte(s, slice.data[i]);
        return;
    }
    for (size_t i = 0; i < slice.size; i++) {
        uint8_t b = slice.data[i];
        /* Most of a body: letters of a JSON value with no run open. */
        if (b < 0x80 && s->digit_count == 0 && s->more == 0 && s->in_string && !s->is_name && !s->escaped &&
            s->hex_left == 0 && b != '"' && b != '\\' && (b < '0' || b > '9'))
            continue;
        byte(s, b);
    }
}

void body_scan_end(body_scan *s)
{
    if (s->more > 0) {
        s->more = 0;
        point(s, 0xfffd);
    }
    end_number(s);
}

void body_scan_facts(const body_scan *s, policy_facts *facts)
{
    static const char *const classes[] = {"jp.individual_number", "jp.insurance_id", "jp.licence_no"};
    dx_bytes found[BODY_SCAN_CLASSES], named[BODY_SCAN_CLASSES];
    size_t n = 0, m = 0;
    for (int c = 0; c < BODY_SCAN_CLASSES; c++) {
        if (s->found[c] > 0)
            found[n++] = dx_bytes_text(classes[c]);
        if (s->found_named[c] > 0)
            named[m++] = dx_bytes_text(classes[c]);
    }
    policy_fact_set(facts, POLICY_BODY_FOUND, found, n);
    policy_fact_set(facts, POLICY_BODY_FOUND_NAMED, named, m);
}
