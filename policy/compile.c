#include "policy/compile.h"

#include <stdio.h>

const char *const model_quota_of[] = {"requests", "bytes", "records", NULL};
const char *const model_quota_per[] = {"agreement", "permit", "peer", NULL};
const char *const model_quota_window[] = {"minute", "hour", "day", "month", "total", NULL};
const char *const model_origins[] = {"pinned", "operator-compiled", "publisher-signed", "list-of-lists",
                                     NULL};

static void *make(compiler *c, size_t count, size_t size)
{
    void *out = dx_arena_array(&c->p->arena, count + 1, size);
    c->failed = c->failed || out == NULL;
    return out;
}
#define MAKE(c, type, count) ((type *)make((c), (count), sizeof(type)))

static const char *printed(compiler *c, const char *a, const char *b)
{
    const char *text = dx_arena_printf(&c->p->arena, "%s%s", a, b);
    c->failed = c->failed || text == NULL;
    return text;
}

static model_document document_of(compiler *c, const bundle_document *doc)
{
    model_document out = {.id = compile_c_text(c, json_object_get(doc->json, "id")),
                          .file = printed(c, doc->path, ""),
                          .version = doc->version,
                          .law = compile_c_text(c, json_object_get(doc->json, "law"))};
    out.name = dx_arena_printf(&c->p->arena, "%s@%lld", out.id, (long long)out.version);
    c->failed = c->failed || out.name == NULL;
    memcpy(out.sha256, doc->sha256, sizeof out.sha256);
    return out;
}

/* ---- rules ---- */

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

static void rule_of(compiler *c, model_rule *rule, const model_document *doc, const json_t *json,
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
    c->failed = c->failed || rule->pointer == NULL || rule->when_at == NULL;
    if (rule->when != NULL)
        measure(rule->when, rule);
}

static model_rule *rules_of(compiler *c, const model_document *doc, const json_t *json, const char *list,
                            size_t *count)
{
    json_t *array = json_object_get(json, list), *item;
    size_t i;
    model_rule *rules = MAKE(c, model_rule, json_array_size(array));
    *count = rules == NULL ? 0 : json_array_size(array);
    json_array_foreach(array, i, item)
    {
        if (rules != NULL)
            rule_of(c, &rules[i], doc, item, list, i);
    }
    return rules;
}

static model_quota *quotas_of(compiler *c, const char *rule_at, const json_t *array, size_t *count)
{
    json_t *item;
    size_t i;
    model_quota *quotas = MAKE(c, model_quota, json_array_size(array));
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

static void interval_of(const json_t *valid, int64_t *from_s, int64_t *to_s)
{
    *from_s = compile_time_s(json_object_get(valid, "from"));
    *to_s = compile_time_s(json_object_get(valid, "to"));
}

/* ---- documents ---- */

static void party_of(compiler *c, model_party *out, const bundle_document *doc)
{
    json_t *j = doc->json, *name = json_object_get(j, "name");
    *out = (model_party){.doc = document_of(c, doc),
                         .name_ja = compile_c_text(c, json_object_get(name, "ja")),
                         .name_en = compile_c_text(c, json_object_get(name, "en")),
                         .address = compile_c_text(c, json_object_get(j, "address")),
                         .representative = compile_c_text(c, json_object_get(j, "representative")),
                         .sector = compile_c_text(c, json_object_get(j, "sector")),
                         .groups = compile_set(c, POLICY_PEER_GROUPS, json_object_get(j, "groups"), false),
                         .also = compile_set(c, POLICY_PEER_ORG_ID, json_object_get(j, "also"), false),
                         .number = (uint32_t)(out - c->p->parties) + 1};
    out->name = out->name_en != NULL ? out->name_en : out->name_ja;
    char *org =
        dx_arena_text(&c->p->arena, policy_org_fold(&c->b->arena, json_view(json_object_get(j, "org"))));
    char *territory =
        dx_arena_text(&c->p->arena, policy_territory_fold(json_view(json_object_get(j, "territory"))));
    c->failed = c->failed || org == NULL || territory == NULL;
    out->org = dx_bytes_text(org);
    out->territory = dx_bytes_text(territory);
    out->facts[0] =
        (policy_fact){.known = true, .source = POLICY_BY_DOCUMENT, .text = dx_bytes_text(out->doc.id)};
    out->facts[1] = (policy_fact){
        .known = json_object_get(j, "groups") != NULL, .source = POLICY_BY_DOCUMENT, .set = out->groups};
    out->facts[2] = (policy_fact){
        .known = out->sector != NULL, .source = POLICY_BY_DOCUMENT, .text = dx_bytes_text(out->sector)};
    text_map_put(&c->p->party_by_org, out->org, out);
    for (size_t i = 0; i < out->also.count; i++)
        text_map_put(&c->p->party_by_org, out->also.items[i], out);
}

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

static void dataset_of(compiler *c, model_dataset *out, const bundle_document *doc)
{
    json_t *j = doc->json, *route = json_object_get(j, "route"), *methods = json_object_get(route, "methods"),
           *item;
    const char *method;
    size_t i = 0;
    *out = (model_dataset){
        .doc = document_of(c, doc),
        .host = compile_text(c, json_object_get(route, "host")),
        .prefix = compile_text(c, json_object_get(route, "prefix")),
        .media_types = compile_set(c, POLICY_REQ_MEDIA_TYPE, json_object_get(j, "media_types"), false),
        .record_count = compile_c_text(c, json_object_get(json_object_get(j, "record_count"), "pointer")),
        .async = dx_bytes_is(json_view(json_object_get(j, "answer")), "async"),
        .keep = compile_set(c, POLICY_BODY_POINTERS, json_object_get(json_object_get(j, "fields"), "allow"),
                            false),
        .number = (uint32_t)(out - c->p->datasets) + 1};
    out->methods = make(c, json_object_size(methods), sizeof *out->methods);
    json_object_foreach(methods, method, item)
    {
        if (out->methods == NULL)
            break;
        out->methods[i].method = dx_bytes_text(printed(c, method, ""));
        out->methods[i++].import = dx_bytes_is(json_view(item), "import");
    }
    out->method_count = i;
    labels_of(c, out, json_object_get(j, "labels"));
    json_t *inspect = json_object_get(j, "body_inspect");
    out->inspect_stated = inspect != NULL;
    out->inspect_required = inspect == NULL ? out->personal : dx_bytes_is(json_view(inspect), "required");
    out->inspect_none = dx_bytes_is(json_view(inspect), "none");
    const char **items = MAKE(c, const char *, json_array_size(json_object_get(j, "items")));
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
    text_map_put(&c->p->hosts, out->host, out);
}

static text_set side_of(compiler *c, dx_bytes name)
{
    json_t *list = json_pack("[s#]", (const char *)name.data, (size_t)name.size);
    text_set set = compile_set(c, POLICY_REQ_DESTINATION, list, true);
    c->failed = c->failed || list == NULL;
    json_decref(list);
    return set;
}

static void instrument_of(compiler *c, model_instrument *out, const json_t *j)
{
    dx_bytes direction = json_view(json_object_get(j, "direction"));
    size_t at = 0;
    while (at < direction.size && direction.data[at] != '>')
        at++;
    *out = (model_instrument){.id = compile_c_text(c, json_object_get(j, "id")),
                              .law = compile_c_text(c, json_object_get(j, "law")),
                              .status = compile_text(c, json_object_get(j, "status")),
                              .from = side_of(c, dx_bytes_part(direction, 0, at)),
                              .to = side_of(c, dx_bytes_part(direction, at + 1, direction.size)),
                              .since_s = compile_time_s(json_object_get(j, "since")),
                              .ends = json_object_get(j, "valid_to") != NULL,
                              .valid_to_s = compile_time_s(json_object_get(j, "valid_to"))};
    out->basis = policy_term_fold(&c->p->arena, compile_text(c, json_object_get(j, "basis")));
    out->enacted = dx_bytes_is(out->status, "enacted");
}

static int64_t max_of(const json_t *object, const char *name)
{
    json_t *max = json_object_get(json_object_get(object, name), "max");
    return max == NULL ? -1 : json_integer_value(max);
}

static void partnership_of(compiler *c, model_partnership *out, const bundle_document *doc)
{
    json_t *j = doc->json, *floors = json_object_get(j, "floors"), *trust = json_object_get(floors, "trust"),
           *item;
    json_t *between = json_object_get(j, "between"), *instruments = json_object_get(j, "instruments");
    json_t *assurance = json_object_get(json_object_get(floors, "peer"), "assurance");
    size_t i;
    *out = (model_partnership){.doc = document_of(c, doc),
                               .active = dx_bytes_is(json_view(json_object_get(j, "state")), "active")};
    interval_of(json_object_get(j, "valid"), &out->from_s, &out->to_s);
    out->between = make(c, json_array_size(between), sizeof *out->between);
    out->instruments = MAKE(c, model_instrument, json_array_size(instruments));
    if (c->failed)
        return;
    out->between_count = json_array_size(between);
    json_array_foreach(between, i, item)
    {
        out->between[i].group = compile_text(c, json_object_get(item, "group"));
        out->between[i].territories =
            compile_set(c, POLICY_REQ_DESTINATION, json_object_get(item, "territories"), true);
    }
    out->instrument_count = json_array_size(instruments);
    json_array_foreach(instruments, i, item)
    {
        instrument_of(c, &out->instruments[i], item);
    }
    out->floors.assurance_set = assurance != NULL;
    out->floors.assurance = (policy_level){(uint8_t)json_integer_value(json_object_get(assurance, "l")),
                                           (uint8_t)json_integer_value(json_object_get(assurance, "s")),
                                           (uint8_t)json_integer_value(json_object_get(assurance, "t")),
                                           (uint8_t)json_integer_value(json_object_get(assurance, "r"))};
    out->floors.list_age_s = max_of(trust, "list_age_s");
    out->floors.revocation_age_s = max_of(trust, "revocation_age_s");
    json_t *origin = json_object_get(trust, "origin_min"), *purposes = json_object_get(floors, "purposes");
    out->floors.origin_min = origin == NULL ? 0 : oblige_word(model_origins, json_view(origin));
    out->floors.purposes_set = purposes != NULL;
    out->floors.purposes = compile_set(c, POLICY_REQ_PURPOSE, purposes, true);
    compile_oblige(c, floors, &out->floors.oblige);
    out->never = rules_of(c, &out->doc, j, "never", &out->never_count);
}

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
    rule_of(c, &out->rule, &a->doc, j, "permit", index);
    out->rule.shadow = out->rule.shadow || a->shadow;
    out->methods = compile_set(c, POLICY_REQ_METHOD, json_object_get(j, "methods"), false);
    out->datasets = MAKE(c, const model_dataset *, json_array_size(datasets));
    json_array_foreach(datasets, i, item)
    {
        const model_dataset *dataset = text_map_get(&c->datasets, json_view(item));
        if (out->datasets != NULL && dataset != NULL)
            out->datasets[out->dataset_count++] = dataset;
    }
    out->quota = quotas_of(c, out->rule.pointer, json_object_get(j, "quota"), &out->quota_count);
    compile_oblige(c, json_object_get(j, "oblige"), &out->oblige);
    c->failed = c->failed || !oblige_merge(&out->merged, &a->under->floors.oblige, &c->p->arena) ||
                !oblige_merge(&out->merged, &out->oblige, &c->p->arena);
    out->clause = dx_arena_printf(&c->p->arena, "%s#%s", a->doc.name, out->rule.pointer);
    c->failed = c->failed || out->clause == NULL;
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
    interval_of(json_object_get(licence, "valid"), &out->licence.from_s, &out->licence.to_s);
    out->licence_no = compile_c_text(c, json_object_get(licence, "no"));
    out->tia = compile_c_text(c, json_object_get(json_object_get(j, "tia"), "ref"));
    out->check.set = check != NULL;
    out->check.last_s = compile_time_s(json_object_get(check, "last"));
    if (check != NULL && policy_duration_parse(json_view(json_object_get(check, "every")), &out->check.every))
        out->check.due_s = policy_duration_add(out->check.last_s, out->check.every, 1);
}

static void agreement_of(compiler *c, model_agreement *out, const bundle_document *doc)
{
    json_t *j = doc->json, *parties = json_object_get(j, "parties"), *permits = json_object_get(j, "permit"),
           *item;
    size_t i;
    *out = (model_agreement){.doc = document_of(c, doc),
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
    interval_of(json_object_get(j, "valid"), &out->from_s, &out->to_s);
    basis_of(c, &out->basis, json_object_get(j, "basis"));
    for (i = 0; i < out->under->instrument_count; i++)
        if (strcmp(out->under->instruments[i].id, out->basis.instrument_id) == 0)
            out->instrument = &out->under->instruments[i];
    legal_papers_of(c, out, j);
    out->permits = MAKE(c, model_permit, json_array_size(permits));
    out->permit_count = out->permits == NULL ? 0 : json_array_size(permits);
    json_array_foreach(permits, i, item)
    {
        if (out->permits != NULL)
            permit_of(c, &out->permits[i], out, item, i);
    }
    out->prohibits = rules_of(c, &out->doc, j, "prohibit", &out->prohibit_count);
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
    const char **texts = MAKE(c, const char *, set.count);
    for (i = 0; i < set.count && texts != NULL; i++)
        texts[i] = (const char *)set.items[i].data;
    out->scope_countries = texts;
    out->scope_country_count = texts == NULL ? 0 : set.count;
}

static void authority_of(compiler *c, model_authority *out, const bundle_document *doc)
{
    json_t *j = doc->json, *grants = json_object_get(j, "grants"), *name = json_object_get(j, "name"), *item;
    size_t i;
    *out = (model_authority){.doc = document_of(c, doc),
                             .org = compile_text(c, json_object_get(j, "org")),
                             .identify = compile_condition(c, json_object_get(j, "identify"))};
    out->name = compile_c_text(c, json_object_get(name, json_object_get(name, "en") != NULL ? "en" : "ja"));
    out->grants = MAKE(c, model_grant, json_array_size(grants));
    out->grant_count = out->grants == NULL ? 0 : json_array_size(grants);
    json_array_foreach(grants, i, item)
    {
        if (out->grants == NULL)
            break;
        model_grant *g = &out->grants[i];
        rule_of(c, &g->rule, &out->doc, item, "grants", i);
        g->methods = compile_set(c, POLICY_REQ_METHOD, json_object_get(item, "methods"), false);
        g->quota = quotas_of(c, g->rule.pointer, json_object_get(item, "quota"), &g->quota_count);
        compile_oblige(c, json_object_get(item, "oblige"), &g->oblige);
        (void)policy_duration_parse(json_view(json_object_get(json_object_get(item, "window"), "max")),
                                    &g->window);
        g->approval = compile_c_text(c, json_object_get(item, "approval"));
        g->clause = dx_arena_printf(&c->p->arena, "%s#%s", out->doc.name, g->rule.pointer);
        c->failed = c->failed || g->clause == NULL;
        scope_of(c, g, json_object_get(item, "scope"));
    }
}

static void level_row_of(compiler *c, model_level_row *out, const json_t *j)
{
    json_t *match = json_object_get(j, "match"), *assurance = json_object_get(j, "assurance");
    *out = (model_level_row){
        .id = compile_c_text(c, json_object_get(j, "id")),
        .has_level = json_object_get(match, "level") != NULL,
        .has_basis = json_object_get(match, "basis") != NULL,
        .has_territory = json_object_get(match, "territory") != NULL,
        .has_scheme = json_object_get(match, "scheme") != NULL,
        .has_partnership = json_object_get(match, "partnership") != NULL,
        .level = compile_set(c, POLICY_PEER_TL_LEVEL, json_object_get(match, "level"), false),
        .basis = compile_set(c, POLICY_PEER_TL_BASIS, json_object_get(match, "basis"), false),
        .territory = compile_set(c, POLICY_REQ_DESTINATION, json_object_get(match, "territory"), false),
        .scheme = compile_set(c, POLICY_PEER_TL_SCHEME, json_object_get(match, "scheme"), false),
        .partnership = compile_set(c, POLICY_PARTNERSHIP_ID, json_object_get(match, "partnership"), false)};
    static const char *const names[] = {"l", "s", "t"};
    int *const places[] = {&out->l, &out->s, &out->t};
    for (int i = 0; i < 3; i++) {
        json_t *value = json_object_get(assurance, names[i]);
        *places[i] = value == NULL ? -1 : (int)json_integer_value(value);
    }
}

static void globals_of(compiler *c)
{
    static const char *const classes[] = {"jp.individual_number", "jp.insurance_id", "jp.licence_no"};
    const json_t *j = c->b->by_kind_guards->json, *builtin = json_object_get(j, "builtin");
    json_t *rows = json_object_get(c->b->by_kind_levels->json, "rows"), *item;
    size_t i;
    c->p->guards = document_of(c, c->b->by_kind_guards);
    c->p->number_denies = !dx_bytes_is(json_view(json_object_get(builtin, classes[0])), "tag");
    c->p->insurance_denies = dx_bytes_is(json_view(json_object_get(builtin, classes[1])), "deny");
    c->p->licence_denies = dx_bytes_is(json_view(json_object_get(builtin, classes[2])), "deny");
    for (i = 0; i < 3; i++)
        c->p->key_names[i] = compile_set(c, POLICY_BODY_POINTERS,
                                         json_object_get(json_object_get(j, "key_names"), classes[i]), false);
    c->p->guard_rules = rules_of(c, &c->p->guards, j, "prohibit", &c->p->guard_count);
    c->p->levels = MAKE(c, model_level_row, json_array_size(rows));
    c->p->level_count = c->p->levels == NULL ? 0 : json_array_size(rows);
    json_array_foreach(rows, i, item)
    {
        if (c->p->levels != NULL)
            level_row_of(c, &c->p->levels[i], item);
    }
    text_set whitelist = bundle_group(c->b, DX_BYTES("APPI-28-whitelist"));
    json_t *list =
        whitelist.count == 0 ? json_pack("[ss]", "EEA", "GB") : json_pack("[s]", "APPI-28-whitelist");
    c->p->whitelist = compile_set(c, POLICY_REQ_DESTINATION, list, true);
    c->failed = c->failed || list == NULL;
    json_decref(list);
}

/* ---- the whole ---- */

static void index_candidates(compiler *c)
{
    policy *p = c->p;
    for (size_t i = 0; i < p->agreement_count && !c->failed; i++) {
        const model_agreement *a = &p->agreements[i];
        ((model_party *)(uintptr_t)a->assigner)->in_agreement = true;
        ((model_party *)(uintptr_t)a->assignee)->in_agreement = true;
        for (size_t k = 0; k < a->permit_count; k++)
            for (size_t d = 0; d < a->permits[k].dataset_count && !a->permits[k].rule.shadow; d++) {
                uint32_t key[2] = {a->assignee->number, a->permits[k].datasets[d]->number};
                model_candidates *list =
                    (model_candidates *)(uintptr_t)text_map_get(&p->candidates, dx_bytes_of(key, sizeof key));
                if (list == NULL) {
                    list = MAKE(c, model_candidates, 0);
                    uint32_t *kept = MAKE(c, uint32_t, 2);
                    if (list == NULL || kept == NULL)
                        return;
                    memcpy(kept, key, sizeof key);
                    text_map_put(&p->candidates, dx_bytes_of(kept, sizeof key), list);
                }
                if (list->count > 0 && list->items[list->count - 1] == a)
                    continue;
                const model_agreement **more = MAKE(c, const model_agreement *, list->count + 1);
                if (more == NULL)
                    return;
                if (list->count > 0)
                    memcpy(more, list->items, list->count * sizeof *more);
                more[list->count] = a;
                list->items = more;
                list->count++;
            }
    }
}

static int by_agreement_id(const void *a, const void *b)
{
    return strcmp((*(const bundle_document *const *)a)->id, (*(const bundle_document *const *)b)->id);
}

/* The documents of one kind, by id. */
static bundle_document **of_kind(compiler *c, bundle_kind kind, size_t *count)
{
    bundle_document **list = dx_arena_array(&c->b->arena, c->b->count + 1, sizeof *list);
    *count = 0;
    c->failed = c->failed || list == NULL;
    for (size_t i = 0; i < c->b->count && list != NULL; i++)
        if (c->b->documents[i].kind == kind)
            list[(*count)++] = &c->b->documents[i];
    if (*count > 1)
        qsort(list, *count, sizeof *list, by_agreement_id);
    return list;
}

#define EACH(kind, array, number, type, one)                                                                 \
    do {                                                                                                     \
        bundle_document **list_ = of_kind(&c, kind, &count);                                                 \
        p->array = MAKE(&c, type, count);                                                                    \
        if (c.failed)                                                                                        \
            break;                                                                                           \
        p->number = count;                                                                                   \
        for (size_t i_ = 0; i_ < count && !c.failed; i_++)                                                   \
            one(&c, &p->array[i_], list_[i_]);                                                               \
    } while (0)

static void index_quotas(const bundle *b, size_t *parties, size_t *permits)
{
    for (size_t i = 0; i < b->count; i++) {
        json_t *j = b->documents[i].json, *item;
        size_t k;
        if (b->documents[i].kind == KIND_PARTY)
            *parties += 1 + json_array_size(json_object_get(j, "also"));
        if (b->documents[i].kind == KIND_AGREEMENT)
            json_array_foreach(json_object_get(j, "permit"), k, item)
            {
                *permits += json_array_size(json_object_get(item, "datasets"));
            }
    }
}

static void supervise(bundle *b, policy *p)
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

DX_RC compile_bundle(bundle *b, policy *p, dx_why *why)
{
    compiler c = {.b = b, .p = p};
    size_t count = 0, orgs = 0, permits = 0;
    index_quotas(b, &orgs, &permits);
    bool maps = text_map_init(&p->party_by_org, &p->arena, orgs) &&
                text_map_init(&p->dataset_by_address, &p->arena, b->count) &&
                text_map_init(&p->hosts, &p->arena, b->count) &&
                text_map_init(&p->agreement_by_id, &p->arena, b->count) &&
                text_map_init(&p->candidates, &p->arena, permits) &&
                text_map_init(&c.datasets, &b->arena, b->count);
    c.failed = !maps;
    if (!c.failed)
        globals_of(&c);
    if (!c.failed)
        EACH(KIND_PARTY, parties, party_count, model_party, party_of);
    if (!c.failed)
        EACH(KIND_DATASET, datasets, dataset_count, model_dataset, dataset_of);
    if (!c.failed)
        EACH(KIND_PARTNERSHIP, partnerships, partnership_count, model_partnership, partnership_of);
    if (!c.failed)
        EACH(KIND_AGREEMENT, agreements, agreement_count, model_agreement, agreement_of);
    if (!c.failed)
        EACH(KIND_AUTHORITY, authorities, authority_count, model_authority, authority_of);
    if (!c.failed)
        index_candidates(&c);
    supervise(b, p);
    p->has_manifest = b->has_manifest;
    p->revision = "";
    if (b->has_manifest) {
        const json_t *m = b->manifest.json;
        p->revision = compile_c_text(&c, json_object_get(m, "revision"));
        p->serial = json_integer_value(json_object_get(m, "serial"));
        p->not_before_s = compile_time_s(json_object_get(m, "not_before"));
        p->not_after_s = compile_time_s(json_object_get(m, "not_after"));
        memcpy(p->sha256, b->manifest.sha256, sizeof p->sha256);
    }
    return c.failed || b->out_of_memory ? DX_FAIL(why, NO_MEMORY, "", "no memory to compile the policy")
                                        : DX_OKAY;
}
