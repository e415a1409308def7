#include "gateway/exchange/exchange.h"

#include "trust/base/sfield.h"

/* What the data API says about its data (DFFT-Data-Label, policy.md 8): raises the labels of the dataset. A
 * label that cannot be read must not lower them, so it is an answer that cannot be used. */

typedef struct {
    dx_bytes texts[EXCHANGE_LIST_MAX];
    size_t count;
} label_set;

static bool is_text(const sfield_item *item)
{
    return item->kind == SFIELD_TOKEN || item->kind == SFIELD_STRING;
}

static bool keep(exchange *ex, label_set *set, dx_bytes text)
{
    if (set->count == EXCHANGE_LIST_MAX || text.size == 0)
        return false;
    set->texts[set->count] = dx_arena_bytes(&ex->arena, text);
    return set->texts[set->count++].data != NULL;
}

/* origin;v=EU-adequacy, category;v=health, state;v=pseudonymised, duo;v="DUO:0000006" */
static const struct {
    const char *name;
    policy_attribute attribute;
} valued[] = {{"category", POLICY_DATA_CATEGORY},
              {"origin", POLICY_DATA_ORIGIN},
              {"state", POLICY_DATA_STATE},
              {"duo", POLICY_DATA_DUO}};
#define VALUED (sizeof valued / sizeof *valued)

static bool take_label(exchange *ex, const sfield_member *m, label_set sets[VALUED], label_set *others)
{
    if (m->is_inner_list || !is_text(&m->item))
        return false;
    const sfield_parameter *p = sfield_parameter_find(&m->item, "p");
    if (p != NULL) {
        if (!is_text(&p->value))
            return false;
        policy_facts_import_purpose(ex->facts, dx_arena_bytes(&ex->arena, p->value.text));
    }
    if (dx_bytes_is(m->item.text, "personal")) {
        policy_fact_bool(ex->facts, POLICY_DATA_PERSONAL, true);
        return true;
    }
    if (dx_bytes_is(m->item.text, "special")) {
        policy_fact_bool(ex->facts, POLICY_DATA_SPECIAL, true);
        return true;
    }
    for (size_t i = 0; i < VALUED; i++)
        if (dx_bytes_is(m->item.text, valued[i].name)) {
            const sfield_parameter *v = sfield_parameter_find(&m->item, "v");
            return v != NULL && is_text(&v->value) && keep(ex, &sets[i], v->value.text);
        }
    return keep(ex, others, m->item.text);
}

bool exchange_facts_labels(exchange *ex, const http_message *response)
{
    label_set sets[VALUED] = {0}, others = {0};
    for (size_t i = 0; i < response->field_count; i++) {
        sfield_list labels;
        if (!dx_bytes_is(response->fields[i].name, "dfft-data-label"))
            continue;
        if (!sfield_list_parse(response->fields[i].value, &ex->arena, &labels))
            return false;
        for (size_t k = 0; k < labels.count; k++)
            if (!take_label(ex, &labels.members[k], sets, &others))
                return false;
    }
    for (size_t i = 0; i < VALUED; i++) {
        if (sets[i].count == 0)
            continue;
        if (valued[i].attribute != POLICY_DATA_STATE)
            policy_fact_set(ex->facts, valued[i].attribute, sets[i].texts, sets[i].count);
        else if (sets[i].count == 1)
            policy_fact_text(ex->facts, POLICY_DATA_STATE, sets[i].texts[0]);
        else
            return false; /* data is in one state */
    }
    if (others.count > 0)
        policy_fact_set(ex->facts, POLICY_DATA_LABELS, others.texts, others.count);
    return true;
}
