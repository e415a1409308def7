/* Datasets: the route, the labels, what the body has. */
#include "policy/compile.h"

static void labels_of(compiler *c, model_dataset *out, const json_t *labels)
{
    static const struct {
        policy_attribute attribute;
        const char *name;
    } rows[] = {{POLICY_DATA_PERSONAL, "personal"},
                {POLICY_DATA_SPECIAL, "special"},
                {POLICY_DATA_CATEGORY, "category"},
                {POLICY_DATA_ORIGIN, "origin"},
                {POLICY_DATA_STATE, "state"},
                {POLICY_DATA_LABELS, "labels"},
                {POLICY_DATA_DUO, "duo"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *value = json_object_get(labels, rows[i].name);
        policy_fact *fact = &out->labels[rows[i].attribute - POLICY_DATA_PERSONAL];
        policy_type type = policy_attributes[rows[i].attribute].type;
        *fact = (policy_fact){.known = type != TYPE_TEXT || value != NULL, .source = POLICY_BY_DOCUMENT};
        if (type == TYPE_BOOL)
            fact->flag = json_is_true(value);
        else if (type == TYPE_TEXT)
            fact->text = compile_text(c, value);
        else
            fact->set = compile_set(c, rows[i].attribute, value, false);
    }
    out->personal = out->labels[0].flag;
    out->import_purposes =
        compile_set(c, POLICY_REQ_PURPOSE, json_object_get(labels, "import_purposes"), false);
}

void compile_dataset(compiler *c, model_dataset *out, const bundle_document *doc)
{
    json_t *j = doc->json, *route = json_object_get(j, "route"), *methods = json_object_get(route, "methods"),
           *item;
    const char *method;
    size_t i = 0;
    *out = (model_dataset){
        .doc = compile_head(c, doc),
        .host = compile_text(c, json_object_get(route, "host")),
        .prefix = compile_text(c, json_object_get(route, "prefix")),
        .media_types = compile_set(c, POLICY_REQ_MEDIA_TYPE, json_object_get(j, "media_types"), false),
        .record_count = compile_c_text(c, json_object_get(json_object_get(j, "record_count"), "pointer")),
        .async = dx_bytes_is(json_view(json_object_get(j, "answer")), "async"),
        .keep = compile_set(c, POLICY_BODY_POINTERS, json_object_get(json_object_get(j, "fields"), "allow"),
                            false),
        .number = (uint32_t)(out - c->p->datasets) + 1};
    out->methods = compile_array(c, json_object_size(methods), sizeof *out->methods);
    json_object_foreach(methods, method, item)
    {
        if (out->methods == NULL)
            break;
        out->methods[i].method = dx_bytes_text(compile_copy(c, method));
        out->methods[i++].import = dx_bytes_is(json_view(item), "import");
    }
    out->method_count = i;
    labels_of(c, out, json_object_get(j, "labels"));
    json_t *inspect = json_object_get(j, "body_inspect");
    out->inspect_stated = inspect != NULL;
    out->inspect_required = inspect == NULL ? out->personal : dx_bytes_is(json_view(inspect), "required");
    out->inspect_none = dx_bytes_is(json_view(inspect), "none");
    const char **items = COMPILE_ARRAY(c, const char *, json_array_size(json_object_get(j, "items")));
    json_array_foreach(json_object_get(j, "items"), i, item)
    {
        if (items != NULL)
            items[i] = compile_c_text(c, item);
    }
    out->items = items;
    out->item_count = items == NULL ? 0 : json_array_size(json_object_get(j, "items"));
    json_t *permission = json_object_get(j, "permission");
    out->permission = (policy_fact){.known = permission != NULL,
                                    .source = POLICY_BY_DOCUMENT,
                                    .set = compile_set(c, POLICY_DATASET_PERMISSION, permission, false)};
    out->address = dx_bytes_text(dx_arena_printf(&c->p->arena, DX_TEXT_FMT DX_TEXT_FMT,
                                                 DX_TEXT_ARG(out->host), DX_TEXT_ARG(out->prefix)));
    if (out->address.size == 0) {
        c->failed = true;
        return;
    }
    text_map_put(&c->datasets, dx_bytes_text(out->doc.id), out);
    out->next = text_map_get(&c->p->dataset_by_address, out->address);
    text_map_put(&c->p->dataset_by_address, out->address, out);
}
