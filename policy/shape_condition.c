/* Conditions as documents: what may stand in a leaf (policy.md 5). */
#include "policy/model.h"
#include "policy/shape.h"

const condition_op_row condition_ops[OP_COUNT] = {
#define O(id, name, types, other) {name, types, other},
#include "policy/operator_table.h"
#undef O
};
const char *const condition_group_names[] = {"all", "any", "none", NULL};

condition_op condition_op_find(dx_bytes name)
{
    unsigned op = 0;
    while (op < OP_COUNT && !dx_bytes_is(name, condition_ops[op].name))
        op++;
    return (condition_op)op;
}

static void at_member(place *p, const char *member, unsigned number, dx_bytes about, const char *text)
{
    size_t at = place_push(p, member);
    FINDING(p, number, "\"" DX_TEXT_FMT "\" %s", DX_TEXT_ARG(about), text);
    place_pop(p, at);
}

static bool clock_ok(dx_bytes text, bool end, int *seconds)
{
    if (text.size != 5 || text.data[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (text.data[i] < '0' || text.data[i] > '9'))
            return false;
    int hours = (text.data[0] - '0') * 10 + text.data[1] - '0',
        minutes = (text.data[3] - '0') * 10 + text.data[4] - '0';
    *seconds = (hours * 60 + minutes) * 60;
    return minutes < 60 && (hours < 24 || (end && hours == 24 && minutes == 0));
}

static void check_within(place *p, json_t *value)
{
    static const char *const week[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
    const char *name;
    json_t *member, *day;
    int offset, from = 0, to = 0;
    size_t i;
    if (!json_is_object(value)) {
        FINDING(p, 106, "within takes an object with tz and daily or days");
        return;
    }
    if (json_object_get(value, "tz") == NULL)
        FINDING(p, 105, "the member \"tz\" is missing");
    if (json_object_get(value, "daily") == NULL && json_object_get(value, "days") == NULL)
        FINDING(p, 105, "the member \"daily\" or \"days\" is missing");
    json_object_foreach(value, name, member)
    {
        size_t at = place_push(p, name);
        if (strcmp(name, "tz") == 0) {
            if (!json_is_string(member))
                FINDING(p, 106, "a time zone is a text");
            else if (!shape_zone(json_view(member), &offset))
                FINDING(p, 508, "the time zone is UTC or an offset like +09:00");
        } else if (strcmp(name, "daily") == 0) {
            if (json_array_size(member) != 2 ||
                !clock_ok(json_view(json_array_get(member, 0)), false, &from) ||
                !clock_ok(json_view(json_array_get(member, 1)), true, &to))
                FINDING(p, json_is_array(member) ? 109 : 106, "daily is [\"hh:mm\",\"hh:mm\"]");
            else if (from == to)
                FINDING(p, 109, "the interval is empty: both times are equal");
        } else if (strcmp(name, "days") == 0) {
            if (json_array_size(member) == 0)
                FINDING(p, 106, "days is an array of mon to sun");
            json_array_foreach(member, i, day)
            {
                size_t inner = place_push_index(p, i);
                if (oblige_word(week, json_view(day)) == 0)
                    FINDING(p, 106, "a day is one of mon tue wed thu fri sat sun");
                place_pop(p, inner);
            }
        } else {
            FINDING(p, 104, "the member \"%s\" is not known here", name);
        }
        place_pop(p, at);
    }
}

/* One text against the attribute's type. */
static void check_item(place *p, const policy_attribute_row *row, json_t *value, bool groups)
{
    int64_t unix_s;
    if (!json_is_string(value)) {
        FINDING(p, 106, "a text is expected");
    } else if (row->type == TYPE_TERR || row->type == TYPE_TERRS) {
        shape_territory(p, json_view(value), groups);
    } else if (row->type == TYPE_TIME) {
        if (!shape_time(json_view(value), &unix_s))
            FINDING(p, 109, "a time is RFC 3339 in whole seconds ending in Z");
    } else if ((row->flags & TERM) != 0) {
        bool territory = strcmp(row->name, "data.origin") == 0 &&
                         policy_territory_known(policy_territory_fold(json_view(value)));
        if (!territory)
            shape_term(p, json_view(value), (row->flags & PREFIXED) != 0);
    }
}

static void check_set(place *p, const policy_attribute_row *row, json_t *value)
{
    size_t i;
    json_t *item;
    if (!json_is_array(value)) {
        FINDING(p, 106, "an array is expected");
        return;
    }
    json_array_foreach(value, i, item)
    {
        size_t at = place_push_index(p, i);
        if (row->type == TYPE_INT) {
            if (!json_is_integer(item))
                FINDING(p, 106, "a whole number is expected");
        } else {
            check_item(p, row, item, true);
        }
        place_pop(p, at);
    }
}

static void check_leaf_value(place *p, const policy_attribute_row *row, condition_op op, json_t *value)
{
    if (op == OP_EXISTS || row->type == TYPE_BOOL) {
        if (!json_is_boolean(value))
            FINDING(p, 106, "true or false is expected");
    } else if (op == OP_WITHIN) {
        check_within(p, value);
    } else if (op == OP_IN || op == OP_NOT_IN || policy_type_is_set(row->type)) {
        check_set(p, row, value);
    } else if (row->type == TYPE_INT) {
        if (!json_is_integer(value))
            FINDING(p, 106, "a whole number is expected");
    } else if (row->type == TYPE_LEVEL && json_is_object(value)) {
        shape_level(p, value);
    } else if (row->type == TYPE_LEVEL) {
        FINDING(p, 106, "a level is an object with l, s, t and r");
    } else {
        check_item(p, row, value, false);
    }
}

/* The value is another attribute of the same type. */
static void check_other(place *p, const policy_attribute_row *row, condition_op op, json_t *value)
{
    json_t *name = json_object_get(value, "attr");
    policy_attribute other = policy_attribute_find(json_view(name));
    size_t at = place_push(p, "attr");
    if (other == POLICY_ATTRIBUTE_COUNT || (policy_attributes[other].flags & LATER) != 0)
        FINDING(p, 202, "\"" DX_TEXT_FMT "\" is no attribute of this engine", DX_TEXT_ARG(json_view(name)));
    else if (!condition_ops[op].other)
        FINDING(p, 204, "%s does not compare with another attribute", condition_ops[op].name);
    else if (policy_attributes[other].type != row->type)
        FINDING(p, 204, "%s and %s are of different types", row->name, policy_attributes[other].name);
    place_pop(p, at);
}

static void check_leaf(place *p, json_t *leaf)
{
    json_t *attr = json_object_get(leaf, "attr"), *op = json_object_get(leaf, "op"),
           *value = json_object_get(leaf, "value");
    for (const char *const *m = (const char *const[]){"attr", "op", "value", NULL}; *m != NULL; m++)
        if (json_object_get(leaf, *m) == NULL)
            FINDING(p, 105, "the member \"%s\" is missing", *m);
    policy_attribute a = policy_attribute_find(json_view(attr));
    condition_op o = condition_op_find(json_view(op));
    bool known = a != POLICY_ATTRIBUTE_COUNT && (policy_attributes[a].flags & LATER) == 0;
    if (attr != NULL && !json_is_string(attr))
        at_member(p, "attr", 106, DX_BYTES("attr"), "is the name of an attribute");
    else if (attr != NULL && !known)
        at_member(p, "attr", 202, json_view(attr), "is no attribute of this engine");
    if (op != NULL && !json_is_string(op))
        at_member(p, "op", 106, DX_BYTES("op"), "is the name of an operator");
    else if (op != NULL && o == OP_COUNT)
        at_member(p, "op", 203, json_view(op), "is no operator");
    if (!known || o == OP_COUNT || value == NULL)
        return;
    const policy_attribute_row *row = &policy_attributes[a];
    if ((condition_ops[o].types & 1U << row->type) == 0) {
        at_member(p, "op", 204, json_view(op), "does not fit the attribute's type");
        return;
    }
    size_t at = place_push(p, "value");
    if (json_is_object(value) && json_object_get(value, "attr") != NULL && o != OP_WITHIN)
        check_other(p, row, o, value);
    else
        check_leaf_value(p, row, o, value);
    place_pop(p, at);
}

void shape_condition(place *p, json_t *value)
{
    static const char *const leaf_members[] = {"attr", "op", "value", NULL};
    const char *name, *group = NULL;
    json_t *member;
    bool leaf = false;
    size_t i;
    if (!json_is_object(value)) {
        FINDING(p, 106, "a condition is an object with all, any or none, or with attr, op and value");
        return;
    }
    json_object_foreach(value, name, member)
    {
        leaf = leaf || oblige_word(leaf_members, dx_bytes_text(name)) != 0;
        if (group == NULL && oblige_word(condition_group_names, dx_bytes_text(name)) != 0)
            group = name;
    }
    json_object_foreach(value, name, member)
    {
        bool note = shape_is_note(name);
        bool own = leaf ? oblige_word(leaf_members, dx_bytes_text(name)) != 0
                        : group != NULL && strcmp(name, group) == 0;
        size_t at = place_push(p, name);
        if (note && !json_is_string(member))
            FINDING(p, 106, "a text is expected");
        else if (!note && !own)
            FINDING(p, 104, "a condition has one of all, any, none, or attr, op and value; not \"%s\" too",
                    name);
        place_pop(p, at);
    }
    if (leaf) {
        check_leaf(p, value);
        return;
    }
    if (group == NULL) {
        FINDING(p, 105, "a condition needs all, any or none, or attr, op and value");
        return;
    }
    size_t at = place_push(p, group);
    json_t *members = json_object_get(value, group);
    if (!json_is_array(members))
        FINDING(p, 106, "an array of conditions is expected");
    json_array_foreach(members, i, member)
    {
        size_t inner = place_push_index(p, i);
        shape_condition(p, member);
        place_pop(p, inner);
    }
    place_pop(p, at);
}
