#include "gateway/exchange/exchange.h"

/* Signs the answer in the organisation's name: after our last transformation, before anybody else sees it. A
 * refusal to a peer whose certificate we believe is sealed too, when that is configured; if it cannot be, it
 * goes unsealed. */

static step unavailable(exchange *ex, const char *slug, const char *detail)
{
    return exchange_refuse(ex, &(refusal){.slug = slug,
                                          .status = 503,
                                          .id = slug, /* as with policy: the code is the id */
                                          .clause = "seals.md 2",
                                          .detail = detail,
                                          .where = "gateway",
                                          .retryable = true,
                                          .retry_after_s = 10});
}

static bool build_messages(exchange *ex)
{
    const http_message *a = &ex->answer;
    seal_field *fields = exchange_seal_fields(ex, a->fields, a->field_count);
    dx_why why;
    if (fields == NULL || exchange_request_view(ex, &ex->sealed_request_message, &why).code != DX_OK)
        return false;
    ex->sealed_message = (seal_message){.is_response = true,
                                        .status = a->status,
                                        .fields = fields,
                                        .field_count = a->field_count,
                                        .has_body = a->body != HTTP_BODY_NONE,
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
    if (rc.code != DX_OK || !exchange_add_fields(ex, ex->seal.fields, ex->seal.field_count))
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
