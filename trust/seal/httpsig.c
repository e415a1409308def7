#include "trust/seal/httpsig.h"

#define LIST_MAX_BYTES 32768

static httpsig_form dictionary(dx_bytes value, dx_arena *arena, sfield_list *out)
{
    if (sfield_dictionary_parse(value, arena, out))
        return HTTPSIG_OK;
    return out->loose ? HTTPSIG_LOOSE : HTTPSIG_BAD;
}

httpsig_form httpsig_list_read(dx_bytes value, dx_arena *arena, httpsig_list *out)
{
    sfield_list *dict = DX_ARENA_NEW(arena, sfield_list);
    *out = (httpsig_list){0};
    if (dict == NULL)
        return HTTPSIG_BAD;
    httpsig_form form = dictionary(value, arena, dict);
    if (form == HTTPSIG_BAD)
        return form;
    for (size_t i = 0; i < dict->count; i++) {
        const sfield_parameter *tag = sfield_parameter_find(&dict->members[i].item, "tag");
        out->tagged +=
            tag != NULL && tag->value.kind == SFIELD_STRING && dx_bytes_is(tag->value.text, HTTPSIG_TAG);
    }
    out->list = sfield_find(dict, HTTPSIG_LABEL);
    out->times = out->list == NULL ? 0 : out->list->times;
    return out->list != NULL && !out->list->is_inner_list ? HTTPSIG_BAD : form;
}

static httpsig_form member_read(dx_bytes field, sfield_kind kind, dx_arena *arena, httpsig_value *out)
{
    sfield_list dict;
    *out = (httpsig_value){0};
    httpsig_form form = dictionary(field, arena, &dict);
    if (form == HTTPSIG_BAD)
        return form;
    const sfield_member *m = sfield_find(&dict, HTTPSIG_LABEL);
    if (m == NULL)
        return form;
    if (m->is_inner_list || m->item.kind != kind)
        return HTTPSIG_BAD;
    *out = (httpsig_value){true, m->times, m->item.text};
    return form; /* LOOSE is judged after SEAL-02, so the member counts as there */
}

httpsig_form httpsig_value_read(dx_bytes field, dx_arena *arena, httpsig_value *out)
{
    return member_read(field, SFIELD_BYTES, arena, out);
}

httpsig_form httpsig_string_read(dx_bytes field, dx_arena *arena, httpsig_value *out)
{
    return member_read(field, SFIELD_STRING, arena, out);
}

bool httpsig_canonical(const sfield_member *list)
{
    dx_buf buf;
    dx_buf_init(&buf, LIST_MAX_BYTES);
    bool same = sfield_print_member(list, &buf).code == DX_OK && dx_bytes_equal(dx_buf_view(&buf), list->raw);
    dx_buf_fini(&buf);
    return same;
}

bool httpsig_text(const sfield_member *list, const char *name, dx_bytes *out)
{
    const sfield_parameter *p = sfield_parameter_find(&list->item, name);
    if (p == NULL || p->value.kind != SFIELD_STRING)
        return false;
    *out = p->value.text;
    return true;
}

bool httpsig_created(const sfield_member *list, int64_t *out)
{
    const sfield_parameter *p = sfield_parameter_find(&list->item, "created");
    if (p == NULL || p->value.kind != SFIELD_INTEGER || p->value.number < 0)
        return false;
    *out = p->value.number;
    return true;
}

bool httpsig_parameters_ok(const sfield_member *list)
{
    static const char *const known[] = {"created", "keyid", "alg", "tag"};
    dx_bytes text;
    for (size_t i = 0; i < list->item.parameter_count; i++) {
        size_t j = 0;
        while (j < sizeof known / sizeof *known && !dx_bytes_is(list->item.parameters[i].name, known[j]))
            j++;
        if (j == sizeof known / sizeof *known)
            return false;
    }
    return httpsig_text(list, "keyid", &text) &&
           (sfield_parameter_find(&list->item, "alg") == NULL || httpsig_text(list, "alg", &text));
}
