#include "policy/facts_impl.h"

policy_facts *policy_facts_new(dx_arena *arena)
{
    policy_facts *facts = DX_ARENA_NEW(arena, policy_facts);
    if (facts == NULL)
        return NULL;
    facts->arena = arena;
    for (unsigned a = 0; a < POLICY_ATTRIBUTE_COUNT; a++)
        facts->fact[a].source = (uint8_t)policy_attributes[a].source;
    return facts;
}

static policy_fact *take(policy_facts *facts, policy_attribute a)
{
    facts->fact[a].known = true;
    return &facts->fact[a];
}

void policy_fact_bool(policy_facts *facts, policy_attribute a, bool value)
{
    take(facts, a)->flag = value;
}

void policy_fact_int(policy_facts *facts, policy_attribute a, int64_t value)
{
    take(facts, a)->number = value;
}

void policy_fact_time(policy_facts *facts, policy_attribute a, int64_t unix_us)
{
    take(facts, a)->number = unix_us;
}

void policy_fact_level(policy_facts *facts, policy_attribute a, policy_level value)
{
    take(facts, a)->level = value;
}

void policy_fact_source(policy_facts *facts, policy_attribute a, policy_source_of_fact source)
{
    facts->fact[a].source = (uint8_t)source;
}

static dx_bytes lower(dx_arena *arena, dx_bytes text)
{
    size_t i = 0;
    while (i < text.size && !(text.data[i] >= 'A' && text.data[i] <= 'Z'))
        i++;
    if (i == text.size)
        return text;
    char *copy = dx_arena_text(arena, text);
    if (copy == NULL)
        return (dx_bytes){NULL, 0};
    for (; i < text.size; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 32);
    return dx_bytes_of(copy, text.size);
}

static dx_bytes without_port(dx_bytes host)
{
    for (size_t i = host.size; i > 0 && host.data[i - 1] != ']'; i--)
        if (host.data[i - 1] == ':')
            return dx_bytes_part(host, 0, i - 1);
    return host;
}

static dx_bytes without_parameters(dx_bytes media_type)
{
    for (size_t i = 0; i < media_type.size; i++)
        if (media_type.data[i] == ';')
            media_type.size = i;
    return dx_bytes_trim(media_type);
}

dx_bytes policy_value_fold(dx_arena *arena, policy_attribute a, dx_bytes value)
{
    const policy_attribute_row *row = &policy_attributes[a];
    if (row->type == TYPE_TERR || row->type == TYPE_TERRS)
        return policy_territory_fold(value);
    if (a == POLICY_DATA_ORIGIN)
        return policy_territory_fold(policy_term_fold(arena, value));
    if ((row->flags & TERM) != 0)
        return policy_term_fold(arena, value);
    if ((row->flags & SEGMENT) != 0)
        return policy_last_segment(value);
    if (a == POLICY_PEER_ORG_ID)
        return policy_org_fold(arena, value);
    if (a == POLICY_REQ_HOST)
        return lower(arena, without_port(value));
    if (a == POLICY_REQ_MEDIA_TYPE || a == POLICY_RES_MEDIA_TYPE)
        return lower(arena, without_parameters(value));
    return a == POLICY_PEER_CERT_SHA256 ? lower(arena, value) : value;
}

static dx_bytes normal(policy_facts *facts, policy_attribute a, dx_bytes value)
{
    dx_bytes folded = policy_value_fold(facts->arena, a, value);
    if (folded.data == NULL)
        facts->over_limit = true;
    return folded;
}

void policy_fact_text(policy_facts *facts, policy_attribute a, dx_bytes value)
{
    if (value.size == 0)
        return;
    value = normal(facts, a, value);
    if (value.size > 0)
        take(facts, a)->text = value;
}

void policy_fact_str(policy_facts *facts, policy_attribute a, const char *value)
{
    policy_fact_text(facts, a, dx_bytes_text(value));
}

void policy_fact_set(policy_facts *facts, policy_attribute a, const dx_bytes *values, size_t count)
{
    const policy_attribute_row *row = &policy_attributes[a];
    bool declared = (row->flags & DECLARED) != 0;
    if (declared && count == 0)
        return;
    if (count > POLICY_FACT_SET_MAX) {
        facts->over_limit = true;
        return;
    }
    if (declared && count > POLICY_DECLARED_MAX)
        facts->many_members = true;
    dx_bytes *items = DX_ARENA_ARRAY(facts->arena, dx_bytes, count + 1);
    if (items == NULL) {
        facts->over_limit = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = normal(facts, a, values[i]);
        if (a == POLICY_REQ_DESTINATION && !policy_territory_known(items[i]))
            facts->bad_territory = true;
    }
    take(facts, a)->set = (text_set){items, text_set_sort(items, count)};
}

void policy_facts_path(policy_facts *facts, dx_bytes path)
{
    facts->path = path;
}

static void add_text(policy_facts *facts, text_set *set, dx_bytes text)
{
    const text_set one = {&text, 1};
    dx_bytes *items = DX_ARENA_ARRAY(facts->arena, dx_bytes, set->count + 1);
    if (items == NULL || set->count >= POLICY_FACT_SET_MAX) {
        facts->over_limit = true;
        return;
    }
    if (set->count > 0)
        memcpy(items, set->items, set->count * sizeof *items);
    items[set->count] = *one.items;
    *set = (text_set){items, text_set_sort(items, set->count + 1)};
}

void policy_facts_malformed(policy_facts *facts, dx_bytes field_name)
{
    add_text(facts, &facts->malformed, field_name);
}

void policy_facts_failed(policy_facts *facts, dx_bytes obligation_name)
{
    add_text(facts, &facts->failed, obligation_name);
}

void policy_facts_import_purpose(policy_facts *facts, dx_bytes term)
{
    term = policy_term_fold(facts->arena, term);
    if (term.data == NULL)
        facts->over_limit = true;
    else
        add_text(facts, &facts->import_purposes, term);
}

void policy_facts_from(policy_facts *facts, int64_t unix_s)
{
    facts->from_known = true;
    facts->from_s = unix_s;
}

void policy_facts_seals(policy_facts *facts, int64_t bad, int64_t need)
{
    facts->seals_bad = bad;
    facts->seals_need = need;
}

void policy_facts_approvals(policy_facts *facts, int64_t count)
{
    facts->approvals = count;
}

void policy_facts_body(policy_facts *facts, bool over, bool coded)
{
    facts->body_over = over;
    facts->body_coded = coded;
}

/* ---- print ---- */

DX_RC policy_level_print(policy_level level, dx_buf *out)
{
    return dx_buf_addf(out, "{\"l\":%d,\"r\":%d,\"s\":%d,\"t\":%d}", level.l, level.r, level.s, level.t);
}

DX_RC policy_set_print(text_set set, dx_buf *out)
{
    DX_TRY(dx_buf_add_byte(out, '['));
    for (size_t i = 0; i < set.count; i++) {
        if (i > 0)
            DX_TRY(dx_buf_add_byte(out, ','));
        DX_TRY(dx_json_quote(set.items[i], out));
    }
    return dx_buf_add_byte(out, ']');
}

DX_RC policy_fact_print(const policy_fact *fact, policy_type type, dx_buf *out)
{
    char time[DX_TIME_SIZE];
    switch (type) {
    case TYPE_BOOL:
        return dx_buf_add_text(out, fact->flag ? "true" : "false");
    case TYPE_INT:
        return dx_buf_addf(out, "%lld", (long long)fact->number);
    case TYPE_TIME:
        dx_time_print(fact->number >= 0 ? fact->number / 1000000 : (fact->number - 999999) / 1000000, time);
        return dx_buf_addf(out, "\"%s\"", time);
    case TYPE_TEXT:
    case TYPE_TERR:
        return dx_json_quote(fact->text, out);
    case TYPE_TEXTS:
    case TYPE_TERRS:
    case TYPE_OIDS:
        return policy_set_print(fact->set, out);
    case TYPE_LEVEL:
        break;
    }
    return policy_level_print(fact->level, out);
}

/* Names in `given`, flat and dotted, sorted as RFC 8785 wants them: the attributes and what stands beside
 * them. */
typedef struct {
    const char *name;
    int attribute; /* or -1 - beside */
} given_name;
enum {
#define B(id, name) GIVEN_##id,
#include "policy/beside_table.h"
#undef B
    GIVEN_COUNT
};
static const char *const beside[GIVEN_COUNT] = {
#define B(id, name) name,
#include "policy/beside_table.h"
#undef B
};

static bool beside_known(const policy_facts *f, int which)
{
    switch (which) {
    case GIVEN_FROM:
        return f->from_known;
    case GIVEN_MALFORMED:
        return f->malformed.count > 0;
    case GIVEN_PATH:
        return f->path.size > 0;
    case GIVEN_IMPORT:
        return f->import_purposes.count > 0;
    case GIVEN_BAD:
        return f->seals_bad != 0;
    case GIVEN_NEED:
        return f->seals_need != 0;
    case GIVEN_APPROVALS:
        return f->approvals != 0;
    case GIVEN_OVER:
        return f->body_over;
    case GIVEN_CODED:
        return f->body_coded;
    default:
        return f->failed.count > 0;
    }
}

static DX_RC beside_print(const policy_facts *f, int which, dx_buf *out)
{
    char time[DX_TIME_SIZE];
    switch (which) {
    case GIVEN_FROM:
        dx_time_print(f->from_s, time);
        return dx_buf_addf(out, "\"%s\"", time);
    case GIVEN_MALFORMED:
        return policy_set_print(f->malformed, out);
    case GIVEN_PATH:
        return dx_json_quote(f->path, out);
    case GIVEN_IMPORT:
        return policy_set_print(f->import_purposes, out);
    case GIVEN_BAD:
        return dx_buf_addf(out, "%lld", (long long)f->seals_bad);
    case GIVEN_NEED:
        return dx_buf_addf(out, "%lld", (long long)f->seals_need);
    case GIVEN_APPROVALS:
        return dx_buf_addf(out, "%lld", (long long)f->approvals);
    case GIVEN_OVER:
    case GIVEN_CODED:
        return dx_buf_add_text(out, "true");
    default:
        return policy_set_print(f->failed, out);
    }
}

static int compare_given(const void *a, const void *b)
{
    return strcmp(((const given_name *)a)->name, ((const given_name *)b)->name);
}

DX_RC policy_facts_print(const policy_facts *facts, dx_buf *out)
{
    given_name names[POLICY_ATTRIBUTE_COUNT + GIVEN_COUNT];
    size_t count = 0;
    for (int a = 0; a < POLICY_ATTRIBUTE_COUNT; a++) {
        bool given = (policy_attributes[a].flags & DERIVED) == 0 &&
                     (a != POLICY_REQ_DATASET || dx_bytes_is(facts->fact[a].text, POLICY_PROVENANCE_DATASET));
        if (facts->fact[a].known && given)
            names[count++] = (given_name){policy_attributes[a].name, a};
    }
    for (int i = 0; i < GIVEN_COUNT; i++)
        if (beside_known(facts, i))
            names[count++] = (given_name){beside[i], -1 - i};
    qsort(names, count, sizeof *names, compare_given);
    DX_TRY(dx_buf_add_text(out, "{\"dfft\":\"1\",\"given\":{"));
    for (size_t i = 0; i < count; i++) {
        DX_TRY(dx_buf_addf(out, "%s\"%s\":", i == 0 ? "" : ",", names[i].name));
        if (names[i].attribute < 0)
            DX_TRY(beside_print(facts, -1 - names[i].attribute, out));
        else
            DX_TRY(policy_fact_print(&facts->fact[names[i].attribute],
                                     policy_attributes[names[i].attribute].type, out));
    }
    DX_TRY(dx_buf_add_text(out, "},\"kind\":\"facts\""));
    if (facts->fact[POLICY_TIME_NOW].known) {
        DX_TRY(dx_buf_add_text(out, ",\"now\":"));
        DX_TRY(policy_fact_print(&facts->fact[POLICY_TIME_NOW], TYPE_TIME, out));
    }
    return dx_buf_add_byte(out, '}');
}
