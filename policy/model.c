/* Words of the model, and what it tells by itself, without facts. */
#include "policy/model.h"

const char *const model_quota_of[] = {"requests", "bytes", "records", NULL};
const char *const model_quota_per[] = {"agreement", "permit", "peer", NULL};
const char *const model_quota_window[] = {"minute", "hour", "day", "month", "total", NULL};
const char *const model_origins[] = {"pinned", "operator-compiled", "publisher-signed", "list-of-lists",
                                     NULL};

bool model_permit_offers(const model_permit *permit, const model_dataset *dataset, dx_bytes method)
{
    if (!text_set_has(permit->methods, method))
        return false;
    for (size_t i = 0; i < permit->dataset_count; i++)
        if (permit->datasets[i] == dataset)
            return true;
    return false;
}

static bool stands_in(const model_partnership *ps, size_t i, const model_party *party, dx_bytes territory)
{
    return text_set_has(party->groups, ps->between[i].group) &&
           text_set_has(ps->between[i].territories, territory);
}

bool model_two_groups(const model_agreement *a, dx_bytes assignee_territory)
{
    const model_partnership *ps = a->under;
    for (size_t i = 0; i < ps->between_count; i++)
        for (size_t k = 0; k < ps->between_count; k++)
            if (i != k && !dx_bytes_equal(ps->between[i].group, ps->between[k].group) &&
                stands_in(ps, i, a->assigner, a->assigner->territory) &&
                stands_in(ps, k, a->assignee, assignee_territory))
                return true;
    return false;
}
