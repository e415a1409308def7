#include "gateway/exchange/exchange.h"

#include "trust/base/sfield.h"

/* What the caller declares about this request: DFFT-* fields (README of the design, structured fields RFC
 * 9651). A field that is not of its type is no refusal here: policy is told and decides (declared.malformed).
 */

static bool name_is(dx_bytes name, const char *want)
{
    return dx_bytes_is(name, want);
}

/* A value counts only if the record of this exchange can hold it: what cannot be written down was not
 * declared. */
static bool declared_text(const sfield_item *item, const char *row)
{
    return (item->kind == SFIELD_STRING || item->kind == SFIELD_TOKEN) &&
           (row == NULL ? item->text.size > 0 : prov_fits(PROV_EXCHANGE, row, item->text));
}

static void declare_item(exchange *ex, const http_field *f, const char *row, dx_bytes *out)
{
    sfield_item item;
    if (out->data != NULL || !sfield_item_parse(f->value, &ex->arena, &item) || !declared_text(&item, row)) {
        policy_facts_malformed(ex->facts, f->name);
        return;
    }
    *out = item.text;
}

static void declare_list(exchange *ex, const http_field *f, const char *row, dx_bytes *out, size_t *count)
{
    sfield_list list;
    bool good = *count == 0 && sfield_list_parse(f->value, &ex->arena, &list) && list.count > 0 &&
                list.count <= EXCHANGE_LIST_MAX && list.count <= prov_list_max(PROV_EXCHANGE, row);
    for (size_t i = 0; good && i < list.count; i++) {
        good = !list.members[i].is_inner_list && declared_text(&list.members[i].item, row);
        out[i] = list.members[i].item.text;
    }
    if (good)
        *count = list.count;
    else
        policy_facts_malformed(ex->facts, f->name);
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
            declare_list(ex, f, "purpose.ids", ex->declared.purpose, &ex->declared.purpose_count);
        else if (name_is(f->name, "dfft-destination"))
            declare_list(ex, f, "destination", ex->declared.destination, &ex->declared.destination_count);
        else if (name_is(f->name, "dfft-agreement"))
            declare_item(ex, f, NULL, &ex->declared.agreement);
        else if (name_is(f->name, "dfft-legal-basis"))
            declare_item(ex, f, NULL, &ex->declared.basis);
        else if (name_is(f->name, "dfft-case"))
            declare_item(ex, f, "case", &ex->declared.case_);
        else if (name_is(f->name, "dfft-message-id"))
            declare_item(ex, f, "rec.msg", &ex->declared.message_id);
        else if (name_is(f->name, "dfft-audience"))
            declare_item(ex, f, NULL, &ex->declared.audience);
    }
    ex->trace = trace_id(ex);
    if (!prov_fits(PROV_EXCHANGE, "request.method", ex->request->method))
        return exchange_refuse(ex, &(refusal){.slug = "method-unsupported",
                                              .status = 501,
                                              .id = "DP-132",
                                              .clause = "RFC 9110 15.6.2",
                                              .detail = "no record can hold a method of that length",
                                              .where = "peer"});
    const char *doubled = http_doubled(ex->request);
    if (doubled != NULL)
        return exchange_refuse(
            ex, &(refusal){.slug = "malformed-request",
                           .status = 400,
                           .id = "DP-115",
                           .clause = "RFC 9110 5.3",
                           .detail = dx_arena_printf(&ex->arena, "%s occurs more than once", doubled),
                           .where = "peer"});
    exchange_facts_request(ex);
    return STEP_NEXT;
}
