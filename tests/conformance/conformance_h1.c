/* room: gateway_http */
/* What the HTTP/1.1 parser of this gateway makes of messages: stdin holds byte strings (4 bytes big-endian
 * length each), each the whole input of one connection; a line of JSON for each says which requests it holds
 * and how it ends. tests/conformance/http_differential.py compares that with another parser. */
#include "gateway/http/h1_parse.h"

#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1U << 20)

static void put_hex(dx_bytes b)
{
    for (size_t i = 0; i < b.size; i++)
        printf("%02x", b.data[i]);
}

static void put_request(const http_message *m, uint64_t content, bool first)
{
    printf("%s{\"method\":\"", first ? "" : ",");
    put_hex(m->method);
    printf("\",\"target\":\"");
    put_hex(m->target_raw);
    printf("\",\"fields\":[");
    for (size_t i = 0; i < m->field_count; i++) {
        printf("%s\"", i == 0 ? "" : ",");
        put_hex(m->fields[i].name);
        printf("3a");
        put_hex(m->fields[i].value);
        putchar('"');
    }
    printf("],\"body\":%llu}", (unsigned long long)content);
}

/* One request of `in`; *used: its bytes. H1_MORE: it is not all there. */
static h1_step one(dx_bytes in, size_t *used, bool *keep, bool first, dx_why *why)
{
    static const h1_rules rules = {
        .header_bytes = 32768, .field_bytes = 8192, .target_bytes = 8192, .fields = 100};
    static h1_body body;
    h1_head_state state = {0};
    dx_arena arena = {0};
    http_message m;
    uint64_t content = 0;
    h1_step step = h1_head_find(&state, in, &rules, used, why);
    if (step == H1_DONE)
        step = h1_head_read(dx_bytes_part(in, 0, *used), &rules, &arena, &m, keep, why);
    if (step == H1_DONE) {
        h1_body_init(&body, &m, false);
        for (step = H1_MORE; step == H1_MORE;) {
            size_t taken;
            dx_bytes data;
            step = h1_body_take(&body, dx_bytes_part(in, *used, in.size), &taken, &data, &m, 16, &arena, why);
            *used += taken;
            content += data.size;
            if (step == H1_MORE && taken == 0)
                break;
        }
        if (step == H1_DONE)
            put_request(&m, content, first);
    }
    dx_arena_fini(&arena);
    return step;
}

static void connection(dx_bytes in)
{
    dx_why why = {0};
    bool keep = true;
    h1_step step = H1_DONE;
    printf("{\"requests\":[");
    for (bool first = true; step == H1_DONE && keep && in.size > 0; first = false) {
        size_t used = 0;
        step = one(in, &used, &keep, first, &why);
        if (step == H1_DONE)
            in = dx_bytes_part(in, used, in.size);
    }
    printf("],\"end\":\"%s\"}\n", step == H1_BAD    ? why.id
                                  : step == H1_MORE ? "more"
                                  : keep            ? "whole"
                                                    : "closed");
}

int main(void)
{
    uint8_t size[4];
    while (fread(size, 1, 4, stdin) == 4) {
        size_t n = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
        uint8_t *in = n <= INPUT_MAX ? malloc(n + 1) : NULL;
        if (in == NULL || fread(in, 1, n, stdin) != n) {
            free(in);
            fprintf(stderr, "conformance_h1: the input is cut or too long\n");
            return 2;
        }
        connection(dx_bytes_of(in, n));
        free(in);
    }
    return 0;
}
