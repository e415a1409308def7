/* Steps 1 and 2 of policy.md 6: may this bundle judge at all, do the facts hold together, and which dataset
 * do they ask for. */
#include "policy/evaluate.h"

static bool facts_agree(const judge *j)
{
    const policy_fact *f = j->f->fact;
    bool mra = f[POLICY_PEER_TL_BASIS].known && dx_bytes_is(f[POLICY_PEER_TL_BASIS].text, "mra");
    bool qualified = f[POLICY_PEER_TL_QUALIFIED].known && f[POLICY_PEER_TL_QUALIFIED].flag;
    bool eu = f[POLICY_PEER_TL_SCHEME].known && dx_bytes_is(f[POLICY_PEER_TL_SCHEME].text, "EU");
    if (qualified && !eu && !mra)
        return false; /* nothing may be called qualified that no EU list and no MRA calls so */
    if ((j->phase == POLICY_RESPONSE || j->phase == POLICY_STREAM) && !f[POLICY_RES_STATUS].known)
        return false;
    return f[POLICY_TIME_NOW].known;
}

bool evaluate_bundle(judge *j, policy_ruling *r, bool org_agrees)
{
    if (j->p->has_manifest && j->now_s < j->p->not_before_s)
        return judge_no(j, r, CODE_BUNDLE_NOT_YET_VALID);
    if (j->p->has_manifest && j->now_s >= j->p->not_after_s)
        return judge_no(j, r, CODE_BUNDLE_EXPIRED);
    if (j->f->over_limit)
        return judge_no(j, r, CODE_ENGINE_LIMIT);
    if (!org_agrees || !facts_agree(j))
        return judge_no(j, r, CODE_ENGINE_FACTS);
    if (j->f->malformed.count > 0 || j->f->many_members || j->f->bad_territory)
        return judge_no(j, r, CODE_DECLARED_MALFORMED);
    return true;
}

/* The longest prefix that ends where a segment ends; one hash runs along the path. */
static const model_dataset *route(const policy *p, dx_bytes host, dx_bytes path)
{
    const model_dataset *best = NULL;
    uint64_t hash = text_hash(TEXT_HASH_SEED, host);
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '/' && i > 0) {
            const model_dataset *d =
                text_map_get_hashed(&p->dataset_by_address, hash, host, dx_bytes_part(path, 0, i));
            best = d != NULL ? d : best;
        }
        hash = text_hash(hash, dx_bytes_part(path, i, 1));
        if (path.data[i] == '/' || i + 1 == path.size) {
            const model_dataset *d =
                text_map_get_hashed(&p->dataset_by_address, hash, host, dx_bytes_part(path, 0, i + 1));
            best = d != NULL ? d : best;
        }
    }
    return best;
}

static bool media_type_ok(const judge *j, policy_attribute type, policy_attribute bytes)
{
    const policy_fact *t = &j->f->fact[type], *size = &j->f->fact[bytes];
    if (!t->known)
        return size->known && size->number == 0;
    return text_set_has(j->dataset->media_types, t->text);
}

bool evaluate_route(judge *j, policy_ruling *r)
{
    const policy_fact *host = &j->f->fact[POLICY_REQ_HOST], *method = &j->f->fact[POLICY_REQ_METHOD];
    bool no_memory = false;
    dx_bytes path = policy_path_form(j->arena, j->f->path, &no_memory);
    if (path.size == 0)
        return judge_no(j, r, no_memory ? CODE_ENGINE_LIMIT : CODE_REQUEST_PATH_AMBIGUOUS);
    const model_dataset *first = host->known ? route(j->p, host->text, path) : NULL;
    if (first == NULL)
        return judge_no(j, r, CODE_DATASET_UNKNOWN);
    for (const model_dataset *d = first; d != NULL && j->dataset == NULL; d = d->next)
        for (size_t i = 0; i < d->method_count; i++)
            if (method->known && dx_bytes_equal(method->text, d->methods[i].method)) {
                j->dataset = d;
                j->import = d->methods[i].import;
            }
    if (j->dataset == NULL) {
        while (first->next != NULL && strcmp(first->next->doc.id, first->doc.id) < 0)
            first = first->next;
        return judge_no_at(j, r, CODE_DATASET_METHOD, &first->doc, "/route/methods", NULL);
    }
    r->dataset_id = j->dataset->doc.id;
    r->dataset_version = j->dataset->doc.version;
    r->flow = j->import ? "import" : "export";
    r->route = (const char *)j->dataset->prefix.data;
    r->personal = j->dataset->personal;
    r->items = j->dataset->items;
    r->item_count = j->dataset->item_count;
    r->record_count_pointer = j->dataset->record_count;
    bool answered =
        j->phase == POLICY_RESPONSE || j->phase == POLICY_STREAM || (j->phase == POLICY_BODY && !j->import);
    if ((j->import && !media_type_ok(j, POLICY_REQ_MEDIA_TYPE, POLICY_REQ_BYTES)) ||
        (answered && !media_type_ok(j, POLICY_RES_MEDIA_TYPE, POLICY_RES_BYTES)))
        return judge_no_at(j, r, CODE_DATASET_MEDIA_TYPE, &j->dataset->doc, "/media_types", NULL);
    if (j->phase == POLICY_BODY && j->f->body_over)
        return judge_no(j, r, CODE_BODY_TOO_LARGE);
    if (j->phase == POLICY_BODY && j->f->body_coded && j->dataset->inspect_required)
        return judge_no_at(j, r, CODE_BODY_UNINSPECTABLE, &j->dataset->doc,
                           j->dataset->inspect_stated ? "/body_inspect" : "/labels/personal", NULL);
    return true;
}
