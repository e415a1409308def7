/* Conditions: a tree of documents to a tree of nodes. */
#include "policy/compile.h"
#include "policy/shape.h"

static int clock_seconds(const json_t *text)
{
    const char *t = json_string_value(text);
    return (((t[0] - '0') * 10 + t[1] - '0') * 60 + (t[3] - '0') * 10 + t[4] - '0') * 60;
}

static void compile_within(condition *leaf, const json_t *value)
{
    static const char *const week[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
    json_t *daily = json_object_get(value, "daily"), *day;
    size_t i;
    (void)shape_zone(json_view(json_object_get(value, "tz")), &leaf->within.offset_s);
    leaf->within.from_s = daily == NULL ? -1 : clock_seconds(json_array_get(daily, 0));
    leaf->within.to_s = daily == NULL ? -1 : clock_seconds(json_array_get(daily, 1));
    json_array_foreach(json_object_get(value, "days"), i, day)
    {
        leaf->within.days |= 1U << (oblige_word(week, json_view(day)) - 1);
    }
}

static const char *written(compiler *c, const json_t *value)
{
    dx_buf buf;
    dx_buf_init(&buf, 4 * 1024 * 1024);
    char *text = NULL;
    if (dx_json_canonical(value, &buf).code == DX_OK)
        text = dx_arena_text(&c->p->arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    c->failed = c->failed || text == NULL;
    return text;
}

static void compile_leaf(compiler *c, condition *leaf, const json_t *json)
{
    json_t *value = json_object_get(json, "value");
    policy_attribute a = policy_attribute_find(json_view(json_object_get(json, "attr")));
    condition_op op = condition_op_find(json_view(json_object_get(json, "op")));
    policy_type type = policy_attributes[a].type;
    leaf->kind = NODE_LEAF;
    leaf->op = (uint8_t)op;
    leaf->attr = (int16_t)a;
    leaf->want = written(c, value);
    if (json_is_object(value) && json_object_get(value, "attr") != NULL) {
        leaf->other = (int16_t)policy_attribute_find(json_view(json_object_get(value, "attr")));
    } else if (op == OP_EXISTS || type == TYPE_BOOL) {
        leaf->flag = json_is_true(value);
    } else if (op == OP_WITHIN) {
        compile_within(leaf, value);
    } else if (json_is_array(value)) {
        leaf->set = compile_set(c, a, value, op != OP_CONTAINS_ALL);
    } else if (type == TYPE_INT) {
        leaf->number = json_integer_value(value);
    } else if (type == TYPE_TIME) {
        leaf->number = compile_time_s(value) * 1000000;
    } else if (type == TYPE_LEVEL) {
        leaf->level = compile_level(value);
    } else {
        dx_bytes folded = policy_value_fold(&c->b->arena, a, json_view(value));
        char *copy = dx_arena_text(&c->p->arena, folded);
        c->failed = c->failed || copy == NULL;
        leaf->text = dx_bytes_of(copy, copy == NULL ? 0 : folded.size);
    }
}

static void compile_into(compiler *c, condition *out, const json_t *json)
{
    *out = (condition){.attr = -1, .other = -1, .law = compile_c_text(c, json_object_get(json, "law"))};
    for (unsigned g = 0; condition_group_names[g] != NULL; g++) {
        json_t *list = json_object_get(json, condition_group_names[g]), *item;
        if (list == NULL)
            continue;
        size_t i, count = json_array_size(list);
        condition *members = DX_ARENA_ARRAY(&c->p->arena, condition, count + 1);
        out->kind = (uint8_t)g;
        out->count = (uint32_t)count;
        out->members = members;
        if (members == NULL) {
            c->failed = true;
            out->count = 0;
            return;
        }
        json_array_foreach(list, i, item)
        {
            compile_into(c, &members[i], item);
        }
        return;
    }
    compile_leaf(c, out, json);
}

const condition *compile_condition(compiler *c, const json_t *value)
{
    condition *root = DX_ARENA_NEW(&c->p->arena, condition);
    if (root == NULL) {
        c->failed = true;
        return NULL;
    }
    compile_into(c, root, value);
    return root;
}
