/* Authorities: their grants, what these show, and who is supervisor of some partnership. */
#include "policy/compile.h"

/* Takes one condition of a scope into the countries of its side. False: it is not plain. */
static bool take_side(const json_t *item, json_t *exporters, json_t *importers)
{
    dx_bytes field = json_view(json_object_get(item, "field")), op = json_view(json_object_get(item, "op"));
    json_t *value = json_object_get(item, "value");
    json_t *side = dx_bytes_is(field, "exporter.country")   ? exporters
                   : dx_bytes_is(field, "importer.country") ? importers
                                                            : NULL;
    if (side != NULL && dx_bytes_is(op, "eq") && json_is_string(value))
        return json_array_append(side, value) == 0;
    return side != NULL && dx_bytes_is(op, "in") && json_is_array(value) &&
           json_array_extend(side, value) == 0;
}

static bool same_set(text_set a, text_set b)
{
    for (size_t i = 0; i < a.count && a.count == b.count; i++)
        if (!dx_bytes_equal(a.items[i], b.items[i]))
            return false;
    return a.count == b.count;
}

/* The index knows a record's countries, not which side they stand on, and takes any of several: a scope it
 * can apply is an `any` with the same countries on both sides. Another one stays without, and shows nothing.
 */
static void scope_of(compiler *c, model_grant *out, const json_t *scope)
{
    json_t *records = json_object_get(scope, "records"), *list = json_object_get(records, "any"), *item;
    json_t *exporters = json_array(), *importers = json_array();
    size_t i;
    out->scope_stated = records != NULL;
    out->hide = compile_set(c, POLICY_BODY_POINTERS,
                            json_object_get(json_object_get(scope, "fields"), "hide"), false);
    bool plain = exporters != NULL && importers != NULL;
    json_array_foreach(list, i, item) plain = plain && take_side(item, exporters, importers);
    text_set from = compile_set(c, POLICY_REQ_DESTINATION, plain ? exporters : NULL, true);
    text_set to = compile_set(c, POLICY_REQ_DESTINATION, plain ? importers : NULL, true);
    json_decref(exporters);
    json_decref(importers);
    const char **texts = COMPILE_ARRAY(c, const char *, from.count);
    for (i = 0; i < from.count && texts != NULL; i++)
        texts[i] = (const char *)from.items[i].data;
    out->scope_countries = texts;
    out->scope_country_count = texts == NULL || !same_set(from, to) ? 0 : from.count;
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
