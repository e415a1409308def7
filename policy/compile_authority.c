/* Authorities: their grants, what these show, and who is supervisor of some partnership. */
#include "policy/compile.h"

/* The scope's countries when it is any/all over exporter.country and importer.country; anything else stays
 * without. */
static void scope_of(compiler *c, model_grant *out, const json_t *scope)
{
    json_t *records = json_object_get(scope, "records"), *list = json_object_get(records, "any"), *item;
    size_t i;
    out->scope_stated = records != NULL;
    out->hide = compile_set(c, POLICY_BODY_POINTERS,
                            json_object_get(json_object_get(scope, "fields"), "hide"), false);
    if (list == NULL) {
        list = json_object_get(records, "all");
        out->scope_all = list != NULL;
    }
    json_t *countries = json_array();
    bool plain = json_array_size(list) > 0 && countries != NULL;
    json_array_foreach(list, i, item)
    {
        dx_bytes field = json_view(json_object_get(item, "field")),
                 op = json_view(json_object_get(item, "op"));
        json_t *value = json_object_get(item, "value");
        plain = plain && (dx_bytes_is(field, "exporter.country") || dx_bytes_is(field, "importer.country"));
        if (plain && dx_bytes_is(op, "eq") && json_is_string(value))
            plain = json_array_append(countries, value) == 0;
        else if (plain && dx_bytes_is(op, "in") && json_is_array(value))
            plain = json_array_extend(countries, value) == 0;
        else
            plain = false;
    }
    text_set set = compile_set(c, POLICY_REQ_DESTINATION, plain ? countries : NULL, true);
    json_decref(countries);
    const char **texts = COMPILE_ARRAY(c, const char *, set.count);
    for (i = 0; i < set.count && texts != NULL; i++)
        texts[i] = (const char *)set.items[i].data;
    out->scope_countries = texts;
    out->scope_country_count = texts == NULL ? 0 : set.count;
}

void compile_authority(compiler *c, model_authority *out, const bundle_document *doc)
{
    json_t *j = doc->json, *grants = json_object_get(j, "grants"), *item;
    size_t i;
    *out = (model_authority){.doc = compile_head(c, doc),
                             .identify = compile_condition(c, json_object_get(j, "identify"))};
    out->grants = COMPILE_ARRAY(c, model_grant, json_array_size(grants));
    out->grant_count = out->grants == NULL ? 0 : json_array_size(grants);
    json_array_foreach(grants, i, item)
    {
        if (out->grants == NULL)
            break;
        model_grant *g = &out->grants[i];
        compile_rule(c, &g->rule, &out->doc, item, "grants", i);
        g->methods = compile_set(c, POLICY_REQ_METHOD, json_object_get(item, "methods"), false);
        g->quota = compile_quotas(c, g->rule.pointer, json_object_get(item, "quota"), &g->quota_count);
        compile_oblige(c, json_object_get(item, "oblige"), &g->oblige);
        (void)policy_duration_parse(json_view(json_object_get(json_object_get(item, "window"), "max")),
                                    &g->window);
        g->approval = compile_c_text(c, json_object_get(item, "approval"));
        scope_of(c, g, json_object_get(item, "scope"));
    }
}

void compile_supervisors(const bundle *b, policy *p)
{
    for (size_t i = 0; i < b->count; i++) {
        json_t *item;
        size_t k;
        if (b->documents[i].kind != KIND_PARTNERSHIP ||
            !dx_bytes_is(json_view(json_object_get(b->documents[i].json, "state")), "active"))
            continue;
        json_array_foreach(json_object_get(b->documents[i].json, "supervisors"), k, item)
        {
            for (size_t a = 0; a < p->authority_count; a++)
                if (dx_bytes_is(json_view(item), p->authorities[a].doc.id))
                    p->authorities[a].supervises = true;
        }
    }
}
