/* Documents against the table of their members: what stands where, and of which type. Texts are in
 * shape_text.c. */
#include "policy/oblige.h"
#include "policy/shape.h"

/* Most rows of the table leave most fields at zero: that is what makes it readable. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "policy/shape_table.h"

static void check_value(place *p, json_t *value, const value_shape *shape);

bool shape_is_note(const char *name)
{
    static const char *const notes[] = {"title", "law", "note", NULL};
    return oblige_word(notes, dx_bytes_text(name)) != 0;
}

static void check_note(place *p, const char *name, json_t *value)
{
    size_t at = place_push(p, name);
    if (!json_is_string(value))
        FINDING(p, 106, "a text is expected");
    place_pop(p, at);
}

static void unknown_member(place *p, const char *name, const value_shape *shape)
{
    unsigned number = shape->unknown;
    if (number == 410 && strcmp(name, "r") != 0 && strcmp(name, "label") != 0)
        number = 0;
    size_t at = place_push(p, name);
    if (number == 410)
        finding_add(
            p->b->lint, p->doc->path, p->doc->text, 410, false, p->pointer, true,
            "a levels row may not say \"%s\": r comes from the list alone, labels from the trust rooms",
            name);
    else if (number == 207)
        finding_add(p->b->lint, p->doc->path, p->doc->text, 207, false, p->pointer, true,
                    "\"%s\" is no obligation, or no member of one, that this engine can meet", name);
    else
        FINDING(p, 104, "the member \"%s\" is not known here", name);
    place_pop(p, at);
}

static void check_object(place *p, json_t *object, const value_shape *shape)
{
    const char *name;
    json_t *value;
    for (const member_shape *m = shape->of->members; m->name != NULL; m++)
        if (m->need == '!' && json_object_get(object, m->name) == NULL)
            FINDING(p, 105, "the member \"%s\" is missing", m->name);
    json_object_foreach(object, name, value)
    {
        const member_shape *m = shape->of->members;
        while (m->name != NULL && strcmp(m->name, name) != 0)
            m++;
        if (m->name != NULL) {
            size_t at = place_push(p, name);
            check_value(p, value, &m->value);
            place_pop(p, at);
        } else if (shape->of->annotated && shape_is_note(name)) {
            check_note(p, name, value);
        } else {
            unknown_member(p, name, shape);
        }
    }
}

/* Rules, instruments and rows: an id stands once in its array. */
static void check_unique_ids(place *p, json_t *list)
{
    size_t i, count = json_array_size(list);
    if (!json_is_string(json_object_get(json_array_get(list, 0), "id")))
        return;
    text_map seen = {0};
    if (!text_map_init(&seen, &p->b->arena, count)) {
        p->b->out_of_memory = true;
        return;
    }
    json_t *item;
    json_array_foreach(list, i, item)
    {
        dx_bytes id = json_view(json_object_get(item, "id"));
        if (id.size > 0 && text_map_get(&seen, id) != NULL) {
            size_t at = place_push_index(p, i);
            place_push(p, "id");
            FINDING(p, 111, "the id \"" DX_TEXT_FMT "\" stands twice in this array", DX_TEXT_ARG(id));
            place_pop(p, at);
        } else if (id.size > 0) {
            text_map_put(&seen, id, item);
        }
    }
}

static void check_list(place *p, json_t *list, const value_shape *shape)
{
    size_t i;
    json_t *item;
    if (json_array_size(list) < (size_t)shape->min)
        FINDING(p, 106, "at least %d element%s expected", (int)shape->min, shape->min == 1 ? " is" : "s are");
    json_array_foreach(list, i, item)
    {
        size_t at = place_push_index(p, i);
        check_value(p, item, &shape->of->value);
        place_pop(p, at);
    }
    if (shape->of->value.kind == V_OBJECT)
        check_unique_ids(p, list);
}

static void check_map(place *p, json_t *map, const value_shape *shape)
{
    static const value_shape method = {V_METHOD};
    const char *name;
    json_t *value;
    if (json_object_size(map) < (size_t)shape->min)
        FINDING(p, 106, "at least one member is expected");
    json_object_foreach(map, name, value)
    {
        size_t at = place_push(p, name);
        if (strcmp(shape->words, "method") == 0)
            shape_text(p, dx_bytes_text(name), &method);
        check_value(p, value, &shape->of->value);
        place_pop(p, at);
    }
}

static void check_interval(place *p, json_t *value, const value_shape *shape)
{
    int64_t from, to;
    check_object(p, value, shape);
    if (shape_time(json_view(json_object_get(value, "from")), &from) &&
        shape_time(json_view(json_object_get(value, "to")), &to) && from >= to)
        FINDING(p, 109, "the interval is empty: from is not before to");
}

static void check_headers(place *p, json_t *map)
{
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value)
    {
        size_t at = place_push(p, name);
        bool ok = name[0] != 0;
        for (const char *c = name; *c != 0; c++)
            ok = ok && ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
                        strchr("!#$%&'*+-.^_`|~", *c) != NULL);
        dx_bytes text = json_view(value);
        bool printable = json_is_string(value);
        for (size_t i = 0; i < text.size; i++)
            printable = printable && text.data[i] >= 0x20 && text.data[i] < 0x7f;
        if (!ok || !printable)
            FINDING(p, 106, "a response header has a lower-case name and a value of printable ASCII");
        place_pop(p, at);
    }
}

void shape_level(place *p, json_t *value)
{
    static const char *const pillars[] = {"l", "s", "t", "r", NULL};
    static const value_shape pillar = {V_PILLAR};
    const char *name;
    json_t *member;
    for (size_t i = 0; pillars[i] != NULL; i++)
        if (json_object_get(value, pillars[i]) == NULL)
            FINDING(p, 105, "a level names all four pillars l, s, t and r; \"%s\" is missing", pillars[i]);
    json_object_foreach(value, name, member)
    {
        size_t at = place_push(p, name);
        if (oblige_word(pillars, dx_bytes_text(name)) == 0)
            FINDING(p, 104, "a level has the pillars l, s, t and r only");
        else
            check_value(p, member, &pillar);
        place_pop(p, at);
    }
}

static bool type_fits(const json_t *value, value_kind kind, const char **expected)
{
    switch (kind) {
    case V_ANY:
        return true;
    case V_INT:
        *expected = "a whole number";
        return json_is_integer(value);
    case V_PILLAR:
        *expected = "a whole number from 0 to 3";
        return json_is_integer(value);
    case V_BOOL:
        *expected = "true or false";
        return json_is_boolean(value);
    case V_LIST:
        *expected = "an array";
        return json_is_array(value);
    case V_LEVEL:
    case V_CONDITION:
    case V_OBJECT:
    case V_MAP:
    case V_INTERVAL:
    case V_HEADERS:
        *expected = "an object";
        return json_is_object(value);
    case V_TEXT:
    case V_WORD:
    case V_TIME:
    case V_DURATION:
    case V_TERR:
    case V_TERR_OR_GROUP:
    case V_ORG:
    case V_RULE_ID:
    case V_DOC_ID:
    case V_TERM:
    case V_PURPOSE:
    case V_POINTER:
    case V_HOST:
    case V_PREFIX:
    case V_MEDIA:
    case V_METHOD:
    case V_DIRECTION:
    case V_ZONE:
    case V_ORIGIN:
    case V_URN:
        break;
    }
    *expected = "a text";
    return json_is_string(value);
}

static void check_value(place *p, json_t *value, const value_shape *shape)
{
    const char *expected = "";
    if (!type_fits(value, shape->kind, &expected)) {
        FINDING(p, 106, "%s is expected", expected);
        return;
    }
    if (shape->kind == V_INT || shape->kind == V_PILLAR) {
        int64_t n = json_integer_value(value), max = shape->kind == V_PILLAR ? 3 : shape->max;
        if (n < shape->min || n > max)
            FINDING(p, 106, "%lld is outside %lld to %lld", (long long)n, (long long)shape->min,
                    (long long)max);
    } else if (shape->kind == V_OBJECT) {
        check_object(p, value, shape);
    } else if (shape->kind == V_LIST) {
        check_list(p, value, shape);
    } else if (shape->kind == V_MAP) {
        check_map(p, value, shape);
    } else if (shape->kind == V_INTERVAL) {
        check_interval(p, value, shape);
    } else if (shape->kind == V_HEADERS) {
        check_headers(p, value);
    } else if (shape->kind == V_LEVEL) {
        shape_level(p, value);
    } else if (shape->kind == V_CONDITION) {
        shape_condition(p, value);
    } else if (json_is_string(value)) {
        shape_text(p, json_view(value), shape);
    }
}

/* ---- what one table cannot say ---- */

static void check_party(place *p, const json_t *doc)
{
    json_t *name = json_object_get(doc, "name");
    size_t at = place_push(p, "name");
    if (json_is_object(name) && json_object_size(name) == 0)
        FINDING(p, 105, "a name in ja or en is missing");
    place_pop(p, at);
}

static void check_instruments(place *p, const json_t *doc)
{
    size_t i, at = place_push(p, "instruments");
    json_t *item;
    json_array_foreach(json_object_get(doc, "instruments"), i, item)
    {
        int64_t since, to;
        size_t inner = place_push_index(p, i);
        if (shape_time(json_view(json_object_get(item, "since")), &since) &&
            shape_time(json_view(json_object_get(item, "valid_to")), &to) && since >= to)
            FINDING(p, 109, "the instrument ends before it begins");
        place_pop(p, inner);
    }
    place_pop(p, at);
}

static void check_redact(place *p, json_t *oblige)
{
    static const shape_node pointer = {.value = {V_POINTER}};
    static const value_shape list = {V_LIST, &pointer};
    json_t *keep = json_object_get(json_object_get(oblige, "redact"), "keep_only");
    if (keep == NULL || dx_bytes_is(json_view(keep), "dataset"))
        return;
    size_t at = place_push(p, "redact");
    place_push(p, "keep_only");
    if (json_is_string(keep))
        FINDING(p, 106, "keep_only is \"dataset\" or an array of JSON Pointers");
    else
        check_value(p, keep, &list);
    place_pop(p, at);
}

static void check_oblige_lists(place *p, const json_t *doc, const char *list)
{
    size_t i, at = place_push(p, list);
    json_t *item;
    json_array_foreach(json_object_get(doc, list), i, item)
    {
        size_t inner = place_push_index(p, i);
        place_push(p, "oblige");
        check_redact(p, json_object_get(item, "oblige"));
        place_pop(p, inner);
    }
    place_pop(p, at);
}

static const shape_node *const kind_shapes[] = {
    &guards_shape,    &levels_shape,    &vocab_shape, &partnership_shape, &party_shape, &dataset_shape,
    &agreement_shape, &authority_shape, &test_shape,  &manifest_shape,    &facts_shape};

void shape_check(bundle *b, bundle_document *doc)
{
    if (doc->closed || doc->json == NULL)
        return;
    place p = {.b = b, .doc = doc};
    const value_shape root = {V_OBJECT, kind_shapes[doc->kind]};
    check_object(&p, doc->json, &root);
    if (doc->kind == KIND_PARTY || doc->kind == KIND_AUTHORITY)
        check_party(&p, doc->json);
    if (doc->kind == KIND_PARTNERSHIP) {
        check_instruments(&p, doc->json);
        size_t at = place_push(&p, "floors");
        check_redact(&p, json_object_get(doc->json, "floors"));
        place_pop(&p, at);
    }
    if (doc->kind == KIND_AGREEMENT)
        check_oblige_lists(&p, doc->json, "permit");
    if (doc->kind == KIND_AUTHORITY)
        check_oblige_lists(&p, doc->json, "grants");
}
