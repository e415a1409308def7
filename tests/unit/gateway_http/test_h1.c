/* HTTP/1.1 messages are read strictly, and in the same way wherever they are cut. */
#include "gateway/http/h1_parse.h"
#include "gateway/http/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define MESSAGE_MAX 70000

typedef struct {
    char name[100];
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
    char expected[9000];
} vector;

static unsigned hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10);
}

/* Undoes the escapes of h1_vectors.txt; `end` stops a repeated part. */
static const char *unescape(const char *p, char end, uint8_t *out, size_t *size)
{
    while (*p != 0 && *p != end) {
        if (*p != '\\') {
            out[(*size)++] = (uint8_t)*p++;
            continue;
        }
        char c = p[1];
        p += 2;
        if (c == 'N') {
            out[(*size)++] = '\r';
            out[(*size)++] = '\n';
        } else if (c == 'x') {
            out[(*size)++] = (uint8_t)(hex(p[0]) << 4 | hex(p[1]));
            p += 2;
        } else if (c == '{') {
            char *colon;
            size_t count = strtoul(p, &colon, 10), from = *size;
            p = unescape(colon + 1, '}', out, size) + 1;
            size_t part = *size - from;
            for (size_t i = 1; i < count; i++) {
                memcpy(out + *size, out + from, part);
                *size += part;
            }
        } else {
            out[(*size)++] = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? 0 : (uint8_t)c;
        }
        assert_true(*size < MESSAGE_MAX);
    }
    return p;
}

/* What refusals say, from the lines "! id status slug clause" of h1_vectors.txt. */
static struct {
    char text[160];
    bool given;
} refusals[80];
static size_t refusal_count;

static void note_refusal(const char *line)
{
    assert_true(refusal_count < sizeof refusals / sizeof *refusals);
    snprintf(refusals[refusal_count++].text, sizeof refusals->text, "%s", line);
}

static bool is_noted(const dx_why *why)
{
    char text[160];
    int status = h1_status(why);
    snprintf(text, sizeof text, "%s %d %s %s", why->id, status, http_refusal_slug(status, why->id),
             why->clause);
    for (size_t i = 0; i < refusal_count; i++)
        if (strcmp(refusals[i].text, text) == 0)
            return refusals[i].given = true;
    printf("no line \"! %s\"\n", text);
    return false;
}

static bool next_vector(FILE *file, vector *v)
{
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    while (!found && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '!')
            note_refusal(line + 2);
        char *first = strstr(line, " | "), *last = first;
        if (line[0] == '#' || first == NULL)
            continue;
        for (char *p = first; (p = strstr(p + 1, " | ")) != NULL;)
            last = p;
        *first = *last = 0;
        snprintf(v->name, sizeof v->name, "%s", line);
        v->size = 0;
        unescape(first + 3, 0, v->bytes, &v->size);
        size_t n = 0;
        unescape(last + 3, 0, (uint8_t *)v->expected, &n);
        v->expected[n] = 0;
        found = true;
    }
    free(line);
    return found;
}

/* ---- one message, cut at `cut` (0: byte by byte), told in one line ---- */

static const h1_rules request_rules = {
    .header_bytes = 32768, .field_bytes = 8192, .target_bytes = 8192, .fields = 100};
static const h1_rules answer_rules = {
    .header_bytes = 32768, .field_bytes = 8192, .target_bytes = 8192, .fields = 100, .response = true};

static size_t grown(size_t have, size_t size, size_t cut)
{
    return cut == 0 ? have + 1 : have < cut ? cut : size;
}

static void tell_bad(const dx_why *why, char *out, size_t size)
{
    snprintf(out, size, "%s %d%s", why->id, h1_status(why), is_noted(why) ? "" : " of no line");
}

static void run(const vector *v, bool answer, size_t cut, char *out, size_t out_size)
{
    /* Exact-size copies of each prefix, so that AddressSanitizer sees a byte read too far. */
    const h1_rules *rules = answer ? &answer_rules : &request_rules;
    h1_head_state state = {0};
    dx_arena arena = {0};
    http_message message = {0};
    dx_why why = {0};
    size_t have = 0, head = 0;
    bool keep;
    h1_step step = H1_MORE;
    while (step == H1_MORE && have < v->size) {
        have = grown(have, v->size, cut);
        uint8_t *prefix = malloc(have);
        memcpy(prefix, v->bytes, have);
        step = h1_head_find(&state, dx_bytes_of(prefix, have), rules, &head, &why);
        free(prefix);
    }
    if (step == H1_DONE)
        step = h1_head_read(dx_bytes_of(v->bytes, head), rules, &arena, &message, &keep, &why);
    if (step == H1_MORE)
        snprintf(out, out_size, "more");
    if (step == H1_BAD)
        tell_bad(&why, out, out_size);
    if (step == H1_DONE) {
        static h1_body body;
        uint64_t content = 0;
        size_t at = head;
        h1_body_init(&body, &message, answer);
        if (have < head)
            have = head;
        step =
            message.body == HTTP_BODY_NONE || (message.body == HTTP_BODY_LENGTH && message.body_length == 0)
                ? H1_DONE
                : H1_MORE;
        while (step == H1_MORE && (at < have || have < v->size)) {
            size_t used;
            dx_bytes data;
            if (at == have)
                have = grown(have, v->size, cut);
            step = h1_body_take(&body, dx_bytes_of(v->bytes + at, have - at), &used, &data, &message, 16,
                                &arena, &why);
            at += used;
            content += data.size;
        }
        static const char *const framings[] = {"none", "length", "chunked"};
        char tail[64] = "";
        size_t n = 0;
        if (message.trailer_count > 0)
            n = (size_t)snprintf(tail, sizeof tail, "+%zu", message.trailer_count);
        if (step == H1_DONE && at < v->size)
            snprintf(tail + n, sizeof tail - n, "&%zu", v->size - at);
        if (step == H1_MORE)
            snprintf(out, out_size, "more");
        else if (step == H1_BAD)
            tell_bad(&why, out, out_size);
        else if (answer)
            snprintf(out, out_size, "%u %s %llu%s", message.status, framings[message.body],
                     (unsigned long long)content, tail);
        else
            snprintf(out, out_size, "%.*s %.*s %s %llu%s", DX_TEXT_ARG(message.method),
                     DX_TEXT_ARG(message.path), framings[message.body], (unsigned long long)content, tail);
    }
    dx_arena_fini(&arena);
}

static void each_vector_gives_its_result_however_it_is_cut(void **unused)
{
    (void)unused;
    static vector v;
    static char got[9000];
    FILE *file = fopen("tests/unit/gateway_http/h1_vectors.txt", "r");
    unsigned vectors = 0, runs = 0, wrong = 0;
    assert_non_null(file);
    while (next_vector(file, &v)) {
        bool answer = strncmp(v.name, "answer", 6) == 0;
        /* Long vectors are cut at each of the first and last 300 bytes and now and then between. */
        for (size_t cut = 0; cut <= v.size;
             cut += v.size > 1000 && cut >= 300 && cut + 300 < v.size ? 997 : 1) {
            if (cut == 0 && v.size > 20000)
                continue;
            run(&v, answer, cut, got, sizeof got);
            runs++;
            if (strcmp(got, v.expected) != 0) {
                printf("%s, cut at %zu: %.120s instead of %.120s\n", v.name, cut, got, v.expected);
                wrong++;
                break;
            }
        }
        vectors++;
    }
    fclose(file);
    printf("%u vectors, %u runs\n", vectors, runs);
    for (size_t i = 0; i < refusal_count; i++)
        if (!refusals[i].given)
            fail_msg("no vector is refused with %s", refusals[i].text);
    for (size_t i = 0; i < refusal_count; i++) {
        char id[7] = "";
        memcpy(id, refusals[i].text, 6);
        if (http_check_text(id, NULL) == NULL)
            fail_msg("%s has no row in http_check_table.h", id);
    }
    assert_true(vectors > 600);
    assert_int_equal(wrong, 0);
}

static void what_is_written_reads_back(void **unused)
{
    (void)unused;
    dx_arena arena = {0};
    dx_buf out;
    http_field fields[] = {{DX_BYTES("x-a"), DX_BYTES("b")},
                           {DX_BYTES("content-length"), DX_BYTES("99")},
                           {DX_BYTES("transfer-encoding"), DX_BYTES("chunked")}};
    http_message head = {.method = DX_BYTES("POST"),
                         .path = DX_BYTES("/p"),
                         .query = DX_BYTES("q=1"),
                         .has_query = true,
                         .authority = DX_BYTES("a.example"),
                         .fields = fields,
                         .field_count = 3,
                         .body = HTTP_BODY_LENGTH,
                         .body_length = 5},
                 back;
    bool keep;
    dx_why why = {0};
    dx_buf_init(&out, 4096);
    assert_int_equal(h1_write_request(&head, NULL, &out).code, DX_OK);
    h1_step step = h1_head_read(dx_buf_view(&out), &request_rules, &arena, &back, &keep, &why);
    if (step != H1_DONE)
        printf("%s %s: %.*s\n", why.id, why.text, DX_TEXT_ARG(out));
    assert_int_equal(step, H1_DONE);
    assert_int_equal(back.body, HTTP_BODY_LENGTH); /* one framing field, and ours */
    assert_int_equal(back.body_length, 5);
    assert_true(dx_bytes_is(back.target_raw, "/p?q=1"));
    dx_buf_clear(&out);
    head = (http_message){.status = 200, .body = HTTP_BODY_STREAM, .fields = fields, .field_count = 2};
    assert_int_equal(h1_write_response(&head, false, &out).code, DX_OK);
    assert_int_equal(h1_head_read(dx_buf_view(&out), &answer_rules, &arena, &back, &keep, &why), H1_DONE);
    assert_int_equal(back.body, HTTP_BODY_STREAM);
    assert_false(keep);
    dx_buf_fini(&out);
    dx_arena_fini(&arena);
}

/* Whatever came to stand in a message: it does not split the one that leaves. */
static void what_would_split_a_message_is_not_written(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"a\r\nX: b", "a\nX: b", "a\rX: b"};
    dx_buf out;
    for (size_t i = 0; i < 4; i++) {
        dx_bytes split = i < 3 ? dx_bytes_text(bad[i]) : dx_bytes_of("a\0b", 3), plain = DX_BYTES("a");
        for (unsigned place = 0; place < 6; place++) {
            http_field field = {place == 0 ? split : plain, place == 1 ? split : plain};
            const http_message head = {.status = 200,
                                       .method = place == 2 ? split : plain,
                                       .path = place == 3 ? split : plain,
                                       .query = place == 4 ? split : plain,
                                       .has_query = true,
                                       .authority = place == 5 ? split : plain,
                                       .fields = &field,
                                       .field_count = 1};
            dx_buf_init(&out, 4096);
            assert_int_equal(h1_write_request(&head, NULL, &out).code, DX_INTERNAL);
            if (place < 2) {
                assert_int_equal(h1_write_response(&head, true, &out).code, DX_INTERNAL);
                assert_int_equal(h1_write_last_chunk(&field, 1, &out).code, DX_INTERNAL);
            }
            dx_buf_fini(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_gives_its_result_however_it_is_cut),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(what_would_split_a_message_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
