#include "gateway/http/http_message.h"

#include "trust/base/json.h"

#define PROBLEM_MAX_BYTES 2048

static const struct {
    const char *slug, *title;
} titles[] = {
#define P(slug, title) {slug, title},
#include "gateway/http/problem_table.h"
#undef P
};

const char *http_problem_title(const char *slug)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i].slug, slug) == 0)
            return titles[i].title;
    return "Refused";
}

static const struct {
    const char *id, *clause, *text;
} checks[] = {
#define C(id, clause, text) {id, clause, text},
#include "gateway/http/http_check_table.h"
#undef C
};

const char *http_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (strcmp(checks[i].id, id) == 0) {
            if (clause != NULL)
                *clause = checks[i].clause;
            return checks[i].text;
        }
    }
    return NULL;
}

static DX_RC member(dx_buf *out, const char *name, const char *prefix, const char *value)
{
    if (value == NULL || value[0] == 0)
        return DX_OKAY;
    char text[512];
    snprintf(text, sizeof text, "%s%s", prefix, value);
    DX_TRY(dx_buf_addf(out, ",\"%s\":", name));
    return dx_json_quote(dx_bytes_text(text), out);
}

static DX_RC write_body(const http_problem *p, dx_buf *out)
{
    DX_TRY(dx_buf_add_text(out, "{\"type\":"));
    char type[160];
    snprintf(type, sizeof type, "urn:dfft:problem:%s", p->slug);
    DX_TRY(dx_json_quote(dx_bytes_text(type), out));
    DX_TRY(member(out, "title", "", p->title != NULL ? p->title : http_problem_title(p->slug)));
    DX_TRY(dx_buf_addf(out, ",\"status\":%d", p->status));
    DX_TRY(member(out, "detail", "", p->detail));
    DX_TRY(member(out, "instance", "urn:uuid:", p->exchange));
    DX_TRY(member(out, "id", "", p->id));
    DX_TRY(member(out, "clause", "", p->clause));
    DX_TRY(member(out, "where", "", p->where));
    if (p->list.scheme != NULL) { /* trusted-lists.md 9.4, 12 */
        DX_TRY(dx_buf_add_text(out, ",\"list\":{\"scheme\":"));
        DX_TRY(dx_json_quote(dx_bytes_text(p->list.scheme), out));
        DX_TRY(member(out, "territory", "", p->list.territory));
        DX_TRY(member(out, "origin", "", p->list.origin));
        DX_TRY(dx_buf_addf(out, ",\"sequence\":%llu}", (unsigned long long)p->list.sequence));
    }
    DX_TRY(dx_buf_addf(out, ",\"retryable\":%s}\n", p->retryable ? "true" : "false"));
    return DX_OKAY;
}

DX_RC http_problem_message(const http_problem *problem, dx_arena *arena, http_message *head, dx_bytes *body)
{
    dx_buf text;
    dx_buf_init(&text, PROBLEM_MAX_BYTES);
    struct dx_rc rc = write_body(problem, &text);
    *body = rc.code == DX_OK ? dx_arena_bytes(arena, dx_buf_view(&text)) : (dx_bytes){NULL, 0};
    dx_buf_fini(&text);
    http_field *fields = DX_ARENA_ARRAY(arena, http_field, 3);
    if (body->data == NULL || fields == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    *head = (http_message){.status = (uint16_t)problem->status,
                           .fields = fields,
                           .body = HTTP_BODY_LENGTH,
                           .body_length = body->size};
    fields[head->field_count++] =
        (http_field){DX_BYTES("content-type"), DX_BYTES("application/problem+json")};
    fields[head->field_count++] = (http_field){DX_BYTES("cache-control"), DX_BYTES("no-store")};
    if (problem->retry_after_s > 0)
        fields[head->field_count++] = (http_field){
            DX_BYTES("retry-after"), dx_bytes_text(dx_arena_printf(arena, "%u", problem->retry_after_s))};
    return DX_OKAY;
}
