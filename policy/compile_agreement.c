/* Agreements: parties, basis, papers, permits, prohibitions. Parties, datasets and partnerships are there
 * already. */
#include "policy/compile.h"

static void basis_of(compiler *c, model_basis *out, const json_t *j)
{
    *out = (model_basis){.instrument_id = compile_c_text(c, json_object_get(j, "instrument")),
                         .law = compile_c_text(c, json_object_get(j, "law")),
                         .ref = compile_c_text(c, json_object_get(j, "ref")),
                         .code = policy_term_fold(&c->p->arena, compile_text(c, json_object_get(j, "code"))),
                         .group = compile_text(c, json_object_get(j, "group")),
                         .notice = json_string_length(json_object_get(j, "notice")) > 0,
                         .contract = json_string_length(json_object_get(j, "contract")) > 0,
                         .certificate = json_string_length(json_object_get(j, "certificate")) > 0,
                         .note = json_string_length(json_object_get(j, "note")) > 0,
                         .module = json_integer_value(json_object_get(j, "module")),
                         .expires = json_object_get(j, "expires") != NULL,
                         .expires_s = compile_time_s(json_object_get(j, "expires"))};
    out->check = basis_check_find(out->code);
}

static void permit_of(compiler *c, model_permit *out, const model_agreement *a, const json_t *j, size_t index)
{
    json_t *datasets = json_object_get(j, "datasets"), *item;
    size_t i;
    compile_rule(c, &out->rule, &a->doc, j, "permit", index);
    out->rule.shadow = out->rule.shadow || a->shadow;
    out->methods = compile_set(c, POLICY_REQ_METHOD, json_object_get(j, "methods"), false);
    out->datasets = COMPILE_ARRAY(c, const model_dataset *, json_array_size(datasets));
    json_array_foreach(datasets, i, item)
    {
        const model_dataset *dataset = text_map_get(&c->datasets, json_view(item));
        if (out->datasets != NULL && dataset != NULL)
            out->datasets[out->dataset_count++] = dataset;
    }
    out->quota = compile_quotas(c, out->rule.pointer, json_object_get(j, "quota"), &out->quota_count);
    compile_oblige(c, json_object_get(j, "oblige"), &out->oblige);
    c->failed = c->failed || !oblige_merge(&out->merged, &a->under->floors.oblige, &c->p->arena) ||
                !oblige_merge(&out->merged, &out->oblige, &c->p->arena);
}

static const model_partnership *partnership_by_id(const policy *p, dx_bytes id)
{
    for (size_t i = 0; i < p->partnership_count; i++)
        if (dx_bytes_is(id, p->partnerships[i].doc.id))
            return &p->partnerships[i];
    return NULL;
}

static void legal_papers_of(compiler *c, model_agreement *out, const json_t *j)
{
    json_t *licence = json_object_get(j, "licence"), *check = json_object_get(j, "check");
    out->licence.set = licence != NULL;
    out->licence.destinations =
        compile_set(c, POLICY_REQ_DESTINATION, json_object_get(licence, "destinations"), true);
    compile_interval(json_object_get(licence, "valid"), &out->licence.from_s, &out->licence.to_s);
    out->licence_no = compile_c_text(c, json_object_get(licence, "no"));
    out->tia = compile_c_text(c, json_object_get(json_object_get(j, "tia"), "ref"));
    out->check.set = check != NULL;
    out->check.last_s = compile_time_s(json_object_get(check, "last"));
    if (check != NULL && policy_duration_parse(json_view(json_object_get(check, "every")), &out->check.every))
        out->check.due_s = policy_duration_add(out->check.last_s, out->check.every, 1);
}

void compile_agreement(compiler *c, model_agreement *out, const bundle_document *doc)
{
    json_t *j = doc->json, *parties = json_object_get(j, "parties"), *permits = json_object_get(j, "permit"),
           *item;
    size_t i;
    *out = (model_agreement){.doc = compile_head(c, doc),
                             .under = partnership_by_id(c->p, json_view(json_object_get(j, "under"))),
                             .active = dx_bytes_is(json_view(json_object_get(j, "state")), "active"),
                             .shadow = dx_bytes_is(json_view(json_object_get(j, "mode")), "shadow"),
                             .term_count = json_array_size(json_object_get(j, "terms")),
                             .explain = compile_c_text(c, json_object_get(j, "explain"))};
    out->assigner = text_map_get(
        &c->p->party_by_org, policy_org_fold(&c->b->arena, json_view(json_object_get(parties, "assigner"))));
    out->assignee = text_map_get(
        &c->p->party_by_org, policy_org_fold(&c->b->arena, json_view(json_object_get(parties, "assignee"))));
    if (out->explain == NULL)
        out->explain = "code";
    compile_interval(json_object_get(j, "valid"), &out->from_s, &out->to_s);
    basis_of(c, &out->basis, json_object_get(j, "basis"));
    for (i = 0; i < out->under->instrument_count; i++)
        if (strcmp(out->under->instruments[i].id, out->basis.instrument_id) == 0)
            out->instrument = &out->under->instruments[i];
    legal_papers_of(c, out, j);
    out->permits = COMPILE_ARRAY(c, model_permit, json_array_size(permits));
    out->permit_count = out->permits == NULL ? 0 : json_array_size(permits);
    json_array_foreach(permits, i, item)
    {
        if (out->permits != NULL)
            permit_of(c, &out->permits[i], out, item, i);
    }
    out->prohibits = compile_rules(c, &out->doc, j, "prohibit", &out->prohibit_count);
    for (i = 0; i < out->prohibit_count; i++)
        out->prohibits[i].shadow = out->prohibits[i].shadow || out->shadow;
    out->facts[0] =
        (policy_fact){.known = true, .source = POLICY_BY_DOCUMENT, .text = dx_bytes_text(out->doc.id)};
    out->facts[1] = (policy_fact){.known = true, .source = POLICY_BY_DOCUMENT, .number = out->doc.version};
    out->facts[2] = (policy_fact){
        .known = true, .source = POLICY_BY_DOCUMENT, .text = compile_text(c, json_object_get(j, "state"))};
    out->facts[3] = (policy_fact){.known = true, .source = POLICY_BY_DOCUMENT, .text = out->basis.code};
    out->partnership_id =
        (policy_fact){.known = true, .source = POLICY_BY_DOCUMENT, .text = dx_bytes_text(out->under->doc.id)};
    out->instrument_status =
        (policy_fact){.known = true, .source = POLICY_BY_DOCUMENT, .text = out->instrument->status};
    text_map_put(&c->p->agreement_by_id, dx_bytes_text(out->doc.id), out);
}
