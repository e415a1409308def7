#include "gateway/exchange/exchange.h"

/* Signs the answer in the organisation's name: after our last transformation, before anybody else sees it. A
 * refusal to a peer whose certificate we believe is sealed too, when that is configured; if it cannot be, it
 * goes unsealed. */

static step unavailable(exchange *ex, const char *slug, const char *detail)
{
    return exchange_refuse(ex, &(refusal){.slug = slug,
                                          .status = 503,
                                          .clause = "seals.md 2",
                                          .detail = detail,
                                          .where = "gateway",
                                          .retryable = true,
                                          .retry_after_s = 10});
}

static bool build_messages(exchange *ex)
{
    const http_message *r = ex->request;
    seal_field *request_fields = DX_ARENA_ARRAY(&ex->arena, seal_field, r->field_count + r->trailer_count);
    seal_field *answer_fields = DX_ARENA_ARRAY(&ex->arena, seal_field, ex->answer.field_count);
    dx_why why;
    if (request_fields == NULL || answer_fields == NULL)
        return false;
    for (size_t i = 0; i < r->field_count; i++)
        request_fields[i] = (seal_field){r->fields[i].name, r->fields[i].value};
    for (size_t i = 0; i < r->trailer_count; i++)
        request_fields[r->field_count + i] = (seal_field){r->trailers[i].name, r->trailers[i].value};
    for (size_t i = 0; i < ex->answer.field_count; i++)
        answer_fields[i] = (seal_field){ex->answer.fields[i].name, ex->answer.fields[i].value};
    ex->sealed_request_message = (seal_message){.method = r->method,
                                                .fields = request_fields,
                                                .field_count = r->field_count,
                                                .trailers = request_fields + r->field_count,
                                                .trailer_count = r->trailer_count,
                                                .has_body = r->body != HTTP_BODY_NONE,
                                                .body = dx_buf_view(&ex->body)};
    if (seal_target_uri(r->authority, r->target_raw, &ex->arena, &ex->sealed_request_message.target_uri, &why)
            .code != DX_OK)
        return false;
    ex->sealed_message = (seal_message){.is_response = true,
                                        .status = ex->answer.status,
                                        .fields = answer_fields,
                                        .field_count = ex->answer.field_count,
                                        .has_body = ex->answer.body != HTTP_BODY_NONE,
                                        .body = ex->answer_body};
    return true;
}

static dx_bytes audience(exchange *ex)
{
    const organisation *org = &ex->judged->verdict.org;
    if (org->kind == ORGANISATION_LEGAL && org->id[0] != 0)
        return dx_bytes_text(org->id);
    char sha256[DX_BASE64URL_SIZE(32)];
    dx_base64url(dx_bytes_of(ex->peer->leaf_sha256, 32), sha256);
    return dx_bytes_text(dx_arena_printf(&ex->arena, "x5t:%s", sha256));
}

static unsigned formats(const exchange *ex)
{
    unsigned configured = 0;
    for (size_t i = 0; i < ex->view->config->seal->formats.count; i++)
        configured |= strcmp(ex->view->config->seal->formats.items[i], "httpsig") == 0 ? SEAL_FORMAT_HTTPSIG
                                                                                       : SEAL_FORMAT_JADES;
    unsigned wanted = ex->ruling.oblige.seal.formats;
    return wanted == 0 || ex->refused ? configured : configured & wanted;
}

static bool wants_chain(const exchange *ex)
{
    const http_field *want = http_find(ex->request, "want-dfft-seal");
    return want != NULL && (dx_bytes_is(want->value, "chain") || dx_bytes_starts(want->value, "chain,") ||
                            memmem(want->value.data, want->value.size, " chain", 6) != NULL);
}

static bool add_fields(exchange *ex, const seal_field *more, size_t count)
{
    http_field *fields = DX_ARENA_ARRAY(&ex->arena, http_field, ex->answer.field_count + count);
    if (fields == NULL)
        return false;
    for (size_t i = 0; i < ex->answer.field_count; i++)
        fields[i] = ex->answer.fields[i];
    for (size_t i = 0; i < count; i++)
        fields[ex->answer.field_count + i] = (http_field){more[i].name, more[i].value};
    ex->answer.fields = fields;
    ex->answer.field_count += count;
    return true;
}

static step make(exchange *ex, dx_why *why)
{
    const seal_request spec = {.credential = ex->view->credential,
                               .formats = (seal_format)formats(ex),
                               .created_s = dx_now_s(ex->gate->clock),
                               .message_id =
                                   dx_bytes_text(dx_arena_printf(&ex->arena, "urn:uuid:%s", ex->id)),
                               .audience = audience(ex),
                               .x5c = wants_chain(ex)};
    if (spec.formats == 0)
        return unavailable(ex, "obligation.unconfigured", "no seal format that policy allows is configured");
    if (!build_messages(ex))
        return unavailable(ex, "seal-unavailable", "the message cannot be sealed");
    struct dx_rc rc =
        seal_make(&spec, &ex->sealed_message, &ex->sealed_request_message, &ex->arena, &ex->seal, why);
    if (rc.code == DX_MALFORMED)
        return exchange_refuse(ex, &(refusal){.slug = "upstream-invalid",
                                              .status = 502,
                                              .id = dx_arena_text(&ex->arena, dx_bytes_text(why->id)),
                                              .clause = dx_arena_text(&ex->arena, dx_bytes_text(why->clause)),
                                              .where = "upstream",
                                              .detail = dx_arena_text(&ex->arena, dx_bytes_text(why->text))});
    if (rc.code != DX_OK || !add_fields(ex, ex->seal.fields, ex->seal.field_count))
        return unavailable(ex, "seal-unavailable", "the seal could not be made");
    ex->sealed = true;
    return STEP_NEXT;
}

step stage_seal(exchange *ex)
{
    dx_why why = {0};
    if (ex->refused) {
        bool believed = ex->judged != NULL && ex->judged->verdict.answer == TRUST_YES;
        if (believed && ex->view->config->seal->refusals && ex->view->credential != NULL) {
            const http_message plain = ex->answer;
            const dx_bytes body = ex->answer_body;
            const char *slug = ex->problem_slug, *id = ex->refused_id, *clause = ex->refused_clause;
            if (make(ex, &why) != STEP_NEXT) { /* unsealed is better than silent */
                ex->answer = plain;
                ex->answer_body = body;
                ex->problem_slug = slug;
                ex->refused_id = id;
                ex->refused_clause = clause;
            }
        }
        return STEP_NEXT;
    }
    if (ex->view->credential == NULL)
        return unavailable(ex, "seal-key-invalid",
                           dx_arena_text(&ex->arena, dx_bytes_text(ex->view->credential_why)));
    return make(ex, &why);
}
