/* A bundle to a policy: guards and levels, then the kinds of documents in the order in which they refer to
 * each other, then the index that a request asks. */
#include "policy/compile.h"

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
    c->p->guards = compile_head(c, c->b->by_kind_guards);
    c->p->number_denies = !dx_bytes_is(json_view(json_object_get(builtin, classes[0])), "tag");
    c->p->insurance_denies = dx_bytes_is(json_view(json_object_get(builtin, classes[1])), "deny");
    c->p->licence_denies = dx_bytes_is(json_view(json_object_get(builtin, classes[2])), "deny");
    for (i = 0; i < 3; i++)
        c->p->key_names[i] = compile_set(c, POLICY_BODY_POINTERS,
                                         json_object_get(json_object_get(j, "key_names"), classes[i]), false);
    c->p->guard_rules = compile_rules(c, &c->p->guards, j, "prohibit", &c->p->guard_count);
    c->p->levels = COMPILE_ARRAY(c, model_level_row, json_array_size(rows));
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
                    list = COMPILE_ARRAY(c, model_candidates, 0);
                    uint32_t *kept = COMPILE_ARRAY(c, uint32_t, 2);
                    if (list == NULL || kept == NULL)
                        return;
                    memcpy(kept, key, sizeof key);
                    text_map_put(&p->candidates, dx_bytes_of(kept, sizeof key), list);
                }
                if (list->count > 0 && list->items[list->count - 1] == a)
                    continue;
                const model_agreement **more = COMPILE_ARRAY(c, const model_agreement *, list->count + 1);
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

static int by_id(const void *a, const void *b)
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
        qsort(list, *count, sizeof *list, by_id);
    return list;
}

#define EACH(kind, array, number, type, one)                                                                 \
    do {                                                                                                     \
        bundle_document **list_ = of_kind(&c, kind, &count);                                                 \
        p->array = COMPILE_ARRAY(&c, type, count);                                                           \
        if (c.failed)                                                                                        \
            break;                                                                                           \
        p->number = count;                                                                                   \
        for (size_t i_ = 0; i_ < count && !c.failed; i_++)                                                   \
            one(&c, &p->array[i_], list_[i_]);                                                               \
    } while (0)

static void count_keys(const bundle *b, size_t *parties, size_t *permits)
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

DX_RC compile_bundle(bundle *b, policy *p, dx_why *why)
{
    compiler c = {.b = b, .p = p};
    size_t count = 0, orgs = 0, permits = 0;
    count_keys(b, &orgs, &permits);
    bool maps = text_map_init(&p->party_by_org, &p->arena, orgs) &&
                text_map_init(&p->dataset_by_address, &p->arena, b->count) &&
                text_map_init(&p->agreement_by_id, &p->arena, b->count) &&
                text_map_init(&p->candidates, &p->arena, permits) &&
                text_map_init(&c.datasets, &b->arena, b->count);
    c.failed = !maps;
    if (!c.failed)
        globals_of(&c);
    if (!c.failed)
        EACH(KIND_PARTY, parties, party_count, model_party, compile_party);
    if (!c.failed)
        EACH(KIND_DATASET, datasets, dataset_count, model_dataset, compile_dataset);
    if (!c.failed)
        EACH(KIND_PARTNERSHIP, partnerships, partnership_count, model_partnership, compile_partnership);
    if (!c.failed)
        EACH(KIND_AGREEMENT, agreements, agreement_count, model_agreement, compile_agreement);
    if (!c.failed)
        EACH(KIND_AUTHORITY, authorities, authority_count, model_authority, compile_authority);
    if (!c.failed)
        index_candidates(&c);
    compile_supervisors(b, p);
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
