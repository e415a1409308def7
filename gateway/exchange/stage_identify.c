#include "gateway/exchange/exchange.h"

#include "trust/base/sfield.h"

/* What the caller declares about this request: DFFT-* fields (README of the design, structured fields RFC
 * 9651). A field that is not of its type is no refusal here: policy is told and decides (declared.malformed).
 */

static bool name_is(dx_bytes name, const char *want)
{
    return dx_bytes_is(name, want);
}

static void declare_item(exchange *ex, const http_field *f, dx_bytes *out)
{
    sfield_item item;
    if (out->data != NULL || !sfield_item_parse(f->value, &ex->arena, &item) ||
        (item.kind != SFIELD_STRING && item.kind != SFIELD_TOKEN) || item.text.size == 0) {
        policy_facts_malformed(ex->facts, f->name);
        return;
    }
    *out = item.text;
}

static void declare_list(exchange *ex, const http_field *f, dx_bytes *out, size_t *count)
{
    sfield_list list;
    if (*count > 0 || !sfield_list_parse(f->value, &ex->arena, &list) || list.count == 0 ||
        list.count > EXCHANGE_LIST_MAX) {
        policy_facts_malformed(ex->facts, f->name);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        const sfield_member *m = &list.members[i];
        if (m->is_inner_list || (m->item.kind != SFIELD_STRING && m->item.kind != SFIELD_TOKEN)) {
            policy_facts_malformed(ex->facts, f->name);
            *count = 0;
            return;
        }
        out[(*count)++] = m->item.text;
    }
}

static const char *trace_id(exchange *ex)
{
    /* W3C Trace Context: version-traceid-parentid-flags; anything else is ignored. */
    const http_field *f = http_find(ex->request, "traceparent");
    if (f == NULL || f->value.size != 55 || f->value.data[2] != '-' || f->value.data[35] != '-')
        return NULL;
    dx_bytes id = dx_bytes_part(f->value, 3, 32);
    uint8_t raw[16];
    size_t size = sizeof raw;
    return dx_hex_decode(id, raw, &size) ? dx_arena_text(&ex->arena, id) : NULL;
}

step stage_identify(exchange *ex)
{
    ex->facts = policy_facts_new(&ex->arena);
    if (ex->facts == NULL)
        return exchange_refuse(ex, &(refusal){.slug = "overloaded",
                                              .status = 503,
                                              .id = "ID-901",
                                              .where = "gateway",
                                              .retryable = true,
                                              .retry_after_s = 1});
    for (size_t i = 0; i < ex->request->field_count; i++) {
        const http_field *f = &ex->request->fields[i];
        if (!dx_bytes_starts(f->name, "dfft-"))
            continue;
        if (name_is(f->name, "dfft-purpose"))
            declare_list(ex, f, ex->declared.purpose, &ex->declared.purpose_count);
        else if (name_is(f->name, "dfft-destination"))
            declare_list(ex, f, ex->declared.destination, &ex->declared.destination_count);
        else if (name_is(f->name, "dfft-agreement"))
            declare_item(ex, f, &ex->declared.agreement);
        else if (name_is(f->name, "dfft-legal-basis"))
            declare_item(ex, f, &ex->declared.basis);
        else if (name_is(f->name, "dfft-case"))
            declare_item(ex, f, &ex->declared.case_);
        else if (name_is(f->name, "dfft-message-id"))
            declare_item(ex, f, &ex->declared.message_id);
        else if (name_is(f->name, "dfft-audience"))
            declare_item(ex, f, &ex->declared.audience);
    }
    ex->trace = trace_id(ex);
    int64_t from_s, until_s;
    dx_why why;
    if (path_claims(ex->peer->leaf, &ex->claimed, &from_s, &until_s, &why).code != DX_OK)
        return exchange_refuse(ex, &(refusal){.slug = "peer-not-trusted",
                                              .status = 403,
                                              .id = dx_arena_text(&ex->arena, dx_bytes_text(why.id)),
                                              .clause = dx_arena_text(&ex->arena, dx_bytes_text(why.clause)),
                                              .detail = dx_arena_text(&ex->arena, dx_bytes_text(why.text)),
                                              .where = "peer"});
    exchange_facts_request(ex);
    return STEP_NEXT;
}
