/* Who exchanges: parties, and partnerships with their instruments and floors. */
#include "policy/compile.h"

void compile_party(compiler *c, model_party *out, const bundle_document *doc)
{
    json_t *j = doc->json, *names = json_object_get(j, "name");
    const char *en = compile_c_text(c, json_object_get(names, "en"));
    text_set also = compile_set(c, POLICY_PEER_ORG_ID, json_object_get(j, "also"), false);
    *out = (model_party){.doc = compile_head(c, doc),
                         .name = en != NULL ? en : compile_c_text(c, json_object_get(names, "ja")),
                         .address = compile_c_text(c, json_object_get(j, "address")),
                         .representative = compile_c_text(c, json_object_get(j, "representative")),
                         .sector = compile_c_text(c, json_object_get(j, "sector")),
                         .groups = compile_set(c, POLICY_PEER_GROUPS, json_object_get(j, "groups"), false),
                         .number = (uint32_t)(out - c->p->parties) + 1};
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
    for (size_t i = 0; i < also.count; i++)
        text_map_put(&c->p->party_by_org, also.items[i], out);
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
    out->enacted = dx_bytes_is(out->status, "enacted");
}

static int64_t max_of(const json_t *object, const char *name)
{
    json_t *max = json_object_get(json_object_get(object, name), "max");
    return max == NULL ? -1 : json_integer_value(max);
}

void compile_partnership(compiler *c, model_partnership *out, const bundle_document *doc)
{
    json_t *j = doc->json, *floors = json_object_get(j, "floors"), *trust = json_object_get(floors, "trust"),
           *item;
    json_t *between = json_object_get(j, "between"), *instruments = json_object_get(j, "instruments");
    json_t *assurance = json_object_get(json_object_get(floors, "peer"), "assurance");
    size_t i;
    *out = (model_partnership){.doc = compile_head(c, doc),
                               .active = dx_bytes_is(json_view(json_object_get(j, "state")), "active")};
    compile_interval(json_object_get(j, "valid"), &out->from_s, &out->to_s);
    out->between = compile_array(c, json_array_size(between), sizeof *out->between);
    out->instruments = COMPILE_ARRAY(c, model_instrument, json_array_size(instruments));
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
    out->floors.assurance = compile_level(assurance);
    out->floors.list_age_s = max_of(trust, "list_age_s");
    out->floors.revocation_age_s = max_of(trust, "revocation_age_s");
    json_t *origin = json_object_get(trust, "origin_min"), *purposes = json_object_get(floors, "purposes");
    out->floors.origin_min = origin == NULL ? 0 : oblige_word(model_origins, json_view(origin));
    out->floors.purposes_set = purposes != NULL;
    out->floors.purposes = compile_set(c, POLICY_REQ_PURPOSE, purposes, true);
    compile_oblige(c, floors, &out->floors.oblige);
    out->never = compile_rules(c, &out->doc, j, "never", &out->never_count);
}
