/* What leads from one document to another: vocabulary, ids, references (PL-111, 201, 210, 401 and 105 of
 * basis). */
#include "policy/shape.h"

/* ---- vocabulary ---- */

static bool add_narrower(bundle *b, dx_bytes broader, dx_bytes term)
{
    term_list *link = DX_ARENA_NEW(&b->arena, term_list);
    if (link == NULL)
        return false;
    *link = (term_list){term, text_map_get(&b->narrower, broader)};
    text_map_put(&b->narrower, broader, link);
    return true;
}

bool bundle_vocabulary(bundle *b)
{
    const json_t *j = b->by_kind_vocab == NULL || b->by_kind_vocab->closed ? NULL : b->by_kind_vocab->json;
    json_t *terms = json_object_get(j, "terms"), *item, *broader;
    size_t i, k, links = 0;
    json_array_foreach(terms, i, item)
    {
        links += json_array_size(json_object_get(item, "broader"));
    }
    if (!text_map_init(&b->terms, &b->arena, 2 * json_array_size(terms)) ||
        !text_map_init(&b->narrower, &b->arena, links))
        return false;
    b->groups = json_object_get(j, "groups");
    b->prefixes = json_object_get(j, "prefixes");
    json_array_foreach(terms, i, item)
    {
        dx_bytes name = json_view(json_object_get(item, "term")), folded = policy_term_fold(&b->arena, name);
        if (name.size == 0)
            continue;
        text_map_put(&b->terms, name, item);
        text_map_put(&b->terms, folded, item);
        json_array_foreach(json_object_get(item, "broader"), k, broader)
        {
            dx_bytes above = policy_term_fold(&b->arena, json_view(broader));
            if (above.size > 0 && !add_narrower(b, above, folded))
                return false;
        }
    }
    return true;
}

text_set bundle_group(bundle *b, dx_bytes name)
{
    if (dx_bytes_is(name, "EU"))
        return policy_group_eu();
    if (dx_bytes_is(name, "EEA"))
        return policy_group_eea();
    char key[256];
    if (b->groups == NULL || name.size >= sizeof key)
        return (text_set){NULL, 0};
    memcpy(key, name.data, name.size);
    key[name.size] = 0;
    json_t *group = json_object_get(b->groups, key);
    size_t count = json_array_size(group);
    dx_bytes *items = count == 0 ? NULL : DX_ARENA_ARRAY(&b->arena, dx_bytes, count);
    if (items == NULL)
        return (text_set){NULL, 0};
    for (size_t i = 0; i < count; i++)
        items[i] = policy_territory_fold(json_view(json_array_get(group, i)));
    return (text_set){items, text_set_sort(items, count)};
}

static void check_vocabulary(bundle *b)
{
    if (b->by_kind_vocab == NULL || b->by_kind_vocab->json == NULL)
        return;
    place p = {.b = b, .doc = b->by_kind_vocab};
    const char *name;
    json_t *item, *broader;
    size_t i, k;
    json_array_foreach(json_object_get(p.doc->json, "terms"), i, item)
    {
        size_t at = place_push(&p, "terms");
        place_push_index(&p, i);
        size_t inner = place_push(&p, "term");
        if (policy_dfft_term_known(policy_term_fold(&b->arena, json_view(json_object_get(item, "term")))))
            FINDING(&p, 210, "this term is built in and stays as it is");
        place_pop(&p, inner);
        json_array_foreach(json_object_get(item, "broader"), k, broader)
        {
            inner = place_push(&p, "broader");
            place_push_index(&p, k);
            shape_term(&p, json_view(broader), true);
            place_pop(&p, inner);
        }
        place_pop(&p, at);
    }
    json_object_foreach(b->groups, name, item)
    {
        size_t at = place_push(&p, "groups");
        place_push(&p, name);
        if (strcmp(name, "EU") == 0 || strcmp(name, "EEA") == 0)
            FINDING(&p, 210, "this group is built in and stays as it is");
        place_pop(&p, at);
    }
    json_object_foreach(b->prefixes, name, item)
    {
        size_t at = place_push(&p, "prefixes");
        place_push(&p, name);
        if (policy_prefix_builtin(dx_bytes_text(name)))
            FINDING(&p, 210, "this prefix is built in and stays as it is");
        place_pop(&p, at);
    }
}

/* ---- ids ---- */

static void index_ids(bundle *b)
{
    for (size_t i = 0; i < b->count; i++) {
        bundle_document *doc = &b->documents[i];
        if (doc->closed || doc->id == NULL)
            continue;
        place p = {.b = b, .doc = doc};
        place_push(&p, "id");
        const bundle_document *first = text_map_get(&b->ids, dx_bytes_text(doc->id));
        if (first != NULL)
            FINDING(&p, 111, "the id stands in %.100s too", first->path);
        else
            text_map_put(&b->ids, dx_bytes_text(doc->id), doc);
    }
}

static void index_org(place *p, const json_t *value)
{
    bundle *b = p->b;
    dx_bytes org = policy_org_fold(&b->arena, json_view(value));
    if (org.size == 0)
        return;
    const bundle_document *first = text_map_get(&b->orgs, org);
    if (first != NULL && first != p->doc)
        FINDING(p, 111, "the organisation stands in %.100s too", first->path);
    else
        text_map_put(&b->orgs, org, p->doc);
}

static void index_orgs(bundle *b)
{
    for (size_t i = 0; i < b->count; i++) {
        bundle_document *doc = &b->documents[i];
        json_t *also;
        size_t k;
        if (doc->kind != KIND_PARTY || doc->closed)
            continue;
        place p = {.b = b, .doc = doc};
        size_t at = place_push(&p, "org");
        index_org(&p, json_object_get(doc->json, "org"));
        place_pop(&p, at);
        json_array_foreach(json_object_get(doc->json, "also"), k, also)
        {
            at = place_push(&p, "also");
            place_push_index(&p, k);
            index_org(&p, also);
            place_pop(&p, at);
        }
    }
}

/* ---- references ---- */

static const bundle_document *refer(place *p, const json_t *id, bundle_kind kind)
{
    const bundle_document *doc = text_map_get(&p->b->ids, json_view(id));
    if (json_is_string(id) && (doc == NULL || doc->kind != kind)) {
        FINDING(p, 201, "there is no %s \"" DX_TEXT_FMT "\"", bundle_kind_names[kind],
                DX_TEXT_ARG(json_view(id)));
        return NULL;
    }
    return doc;
}

static void refer_party(place *p, const json_t *parties, const char *which)
{
    json_t *org = json_object_get(parties, which);
    size_t at = place_push(p, "parties");
    place_push(p, which);
    if (json_is_string(org) &&
        text_map_get(&p->b->orgs, policy_org_fold(&p->b->arena, json_view(org))) == NULL)
        FINDING(p, 201, "no party file has the organisation id \"" DX_TEXT_FMT "\" as org or also",
                DX_TEXT_ARG(json_view(org)));
    place_pop(p, at);
}

static void refer_instrument(place *p, const json_t *agreement, const bundle_document *partnership)
{
    dx_bytes wanted = json_view(json_object_get(json_object_get(agreement, "basis"), "instrument"));
    json_t *item;
    size_t i;
    if (wanted.size == 0 || partnership == NULL)
        return;
    json_array_foreach(json_object_get(partnership->json, "instruments"), i, item)
    {
        if (dx_bytes_equal(json_view(json_object_get(item, "id")), wanted))
            return;
    }
    size_t at = place_push(p, "basis");
    place_push(p, "instrument");
    FINDING(p, 201, "the partnership %.80s has no instrument \"" DX_TEXT_FMT "\"", partnership->id,
            DX_TEXT_ARG(wanted));
    place_pop(p, at);
}

/* Without a basis: a permitted dataset with personal data makes it PL-401, else it is a missing member like
 * any other. */
static void refer_permits(place *p, const json_t *agreement)
{
    json_t *permit, *id;
    size_t i, k;
    bool personal = false;
    json_array_foreach(json_object_get(agreement, "permit"), i, permit)
    {
        bool redacts =
            dx_bytes_is(json_view(json_object_get(
                            json_object_get(json_object_get(permit, "oblige"), "redact"), "keep_only")),
                        "dataset");
        json_array_foreach(json_object_get(permit, "datasets"), k, id)
        {
            size_t at = place_push(p, "permit");
            place_push_index(p, i);
            size_t inner = place_push(p, "datasets");
            place_push_index(p, k);
            const bundle_document *dataset = refer(p, id, KIND_DATASET);
            place_pop(p, inner);
            if (dataset != NULL && redacts &&
                json_object_get(json_object_get(dataset->json, "fields"), "allow") == NULL) {
                place_push(p, "oblige");
                place_push(p, "redact");
                place_push(p, "keep_only");
                FINDING(p, 201, "the dataset %.120s has no fields.allow to keep", dataset->id);
            }
            place_pop(p, at);
            if (dataset != NULL)
                personal = personal || json_is_true(json_object_get(json_object_get(dataset->json, "labels"),
                                                                    "personal"));
        }
    }
    if (json_object_get(agreement, "basis") == NULL && personal)
        FINDING(p, 401, "personal data is permitted without a legal basis: the member \"basis\" is missing");
    else if (json_object_get(agreement, "basis") == NULL)
        FINDING(p, 105, "the member \"basis\" is missing");
}

static void refer_document(bundle *b, const bundle_document *doc)
{
    place p = {.b = b, .doc = doc};
    json_t *item, *id;
    size_t i, k;
    if (doc->kind == KIND_AGREEMENT) {
        size_t at = place_push(&p, "under");
        const bundle_document *partnership = refer(&p, json_object_get(doc->json, "under"), KIND_PARTNERSHIP);
        place_pop(&p, at);
        refer_party(&p, json_object_get(doc->json, "parties"), "assigner");
        refer_party(&p, json_object_get(doc->json, "parties"), "assignee");
        refer_instrument(&p, doc->json, partnership);
        refer_permits(&p, doc->json);
    } else if (doc->kind == KIND_PARTNERSHIP) {
        json_array_foreach(json_object_get(doc->json, "supervisors"), i, item)
        {
            size_t at = place_push(&p, "supervisors");
            place_push_index(&p, i);
            refer(&p, item, KIND_AUTHORITY);
            place_pop(&p, at);
        }
    } else if (doc->kind == KIND_AUTHORITY) {
        json_array_foreach(json_object_get(doc->json, "grants"), i, item)
        {
            json_array_foreach(json_object_get(item, "datasets"), k, id)
            {
                size_t at = place_push(&p, "grants");
                place_push_index(&p, i);
                place_push(&p, "datasets");
                place_push_index(&p, k);
                if (json_is_string(id) && !dx_bytes_is(json_view(id), POLICY_PROVENANCE_DATASET))
                    FINDING(&p, 201, "an authority reads " POLICY_PROVENANCE_DATASET " and nothing else");
                place_pop(&p, at);
            }
        }
    }
}

void bundle_refer(bundle *b)
{
    size_t orgs = 1;
    for (size_t i = 0; i < b->count; i++)
        if (b->documents[i].kind == KIND_PARTY)
            orgs += 1 + json_array_size(json_object_get(b->documents[i].json, "also"));
    if (!text_map_init(&b->ids, &b->arena, b->count + 1) || !text_map_init(&b->orgs, &b->arena, orgs)) {
        b->out_of_memory = true;
        return;
    }
    check_vocabulary(b);
    index_ids(b);
    index_orgs(b);
    for (size_t i = 0; i < b->count; i++)
        if (!b->documents[i].closed)
            refer_document(b, &b->documents[i]);
}
