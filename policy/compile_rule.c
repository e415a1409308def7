/* What documents of several kinds have: a head, rules, quotas. */
#include "policy/compile.h"
#include "policy/shape.h"

model_document compile_head(compiler *c, const bundle_document *doc)
{
    model_document out = {.id = compile_c_text(c, json_object_get(doc->json, "id")),
                          .file = compile_copy(c, doc->path),
                          .version = doc->version,
                          .law = compile_c_text(c, json_object_get(doc->json, "law"))};
    out.name = dx_arena_printf(&c->p->arena, "%s@%lld", out.id, (long long)out.version);
    c->failed = c->failed || out.name == NULL;
    memcpy(out.sha256, doc->sha256, sizeof out.sha256);
    return out;
}

static void measure(const condition *node, model_rule *rule)
{
    for (uint32_t i = 0; i < node->count; i++)
        measure(&node->members[i], rule);
    if (node->kind != NODE_LEAF)
        return;
    rule->leaves++;
    for (int k = 0; k < 2; k++) {
        int a = k == 0 ? node->attr : node->other;
        if (a < 0)
            continue;
        rule->names_body = rule->names_body || policy_attributes[a].due == DUE_BODY;
        rule->names_response = rule->names_response || policy_attributes[a].due == DUE_RESPONSE;
    }
}

static int phase_of(const json_t *value)
{
    static const char *const phases[] = {"request", "response", "body", NULL};
    return value == NULL ? -1 : (int)oblige_word(phases, json_view(value)) - 1;
}

void compile_rule(compiler *c, model_rule *rule, const model_document *doc, const json_t *json,
                  const char *list, size_t index)
{
    *rule = (model_rule){.doc = doc,
                         .id = compile_c_text(c, json_object_get(json, "id")),
                         .law = compile_c_text(c, json_object_get(json, "law")),
                         .when = compile_condition(c, json_object_get(json, "when")),
                         .phase = phase_of(json_object_get(json, "phase")),
                         .shadow = dx_bytes_is(json_view(json_object_get(json, "mode")), "shadow")};
    rule->pointer = dx_arena_printf(&c->p->arena, "/%s/%zu", list, index);
    rule->when_at = dx_arena_printf(&c->p->arena, "/%s/%zu/when", list, index);
    rule->clause = dx_arena_printf(&c->p->arena, "%s#/%s/%zu", doc->name, list, index);
    c->failed = c->failed || rule->pointer == NULL || rule->when_at == NULL || rule->clause == NULL;
    if (rule->when != NULL)
        measure(rule->when, rule);
}

model_rule *compile_rules(compiler *c, const model_document *doc, const json_t *json, const char *list,
                          size_t *count)
{
    json_t *array = json_object_get(json, list), *item;
    size_t i;
    model_rule *rules = COMPILE_ARRAY(c, model_rule, json_array_size(array));
    *count = rules == NULL ? 0 : json_array_size(array);
    json_array_foreach(array, i, item)
    {
        if (rules != NULL)
            compile_rule(c, &rules[i], doc, item, list, i);
    }
    return rules;
}

model_quota *compile_quotas(compiler *c, const char *rule_at, const json_t *array, size_t *count)
{
    json_t *item;
    size_t i;
    model_quota *quotas = COMPILE_ARRAY(c, model_quota, json_array_size(array));
    *count = quotas == NULL ? 0 : json_array_size(array);
    json_array_foreach(array, i, item)
    {
        if (quotas == NULL)
            break;
        json_t *unless = json_object_get(item, "unless"), *zone = json_object_get(item, "tz");
        quotas[i] = (model_quota){
            .law = compile_c_text(c, json_object_get(item, "law")),
            .of = oblige_word(model_quota_of, json_view(json_object_get(item, "of"))) - 1,
            .per = oblige_word(model_quota_per, json_view(json_object_get(item, "per"))) - 1,
            .window = oblige_word(model_quota_window, json_view(json_object_get(item, "window"))) - 1,
            .max = json_integer_value(json_object_get(item, "max")),
            .unless = unless == NULL ? NULL : compile_condition(c, unless),
            .zone = zone == NULL ? DX_BYTES("UTC") : compile_text(c, zone)};
        (void)shape_zone(quotas[i].zone, &quotas[i].offset_s);
        quotas[i].pointer = dx_arena_printf(&c->p->arena, "%s/quota/%zu", rule_at, i);
        c->failed = c->failed || quotas[i].pointer == NULL;
    }
    return quotas;
}
