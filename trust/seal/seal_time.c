#include "trust/seal/seal_time.h"

#include "trust/base/sfield.h"

static DX_RC add_one(dx_bytes der, stamp_mode mode, const char *by, dx_arena *arena, dx_buf *out, dx_why *why)
{
    char *text = dx_arena_alloc(arena, DX_BASE64_SIZE(der.size));
    if (text == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room for time evidence");
    dx_base64(der, text);
    DX_TRY(dx_buf_addf(out, ":%s:;type=%s", text, mode == STAMP_BATCH ? "er" : "tst"));
    if (by == NULL || by[0] == 0)
        return DX_OKAY;
    DX_TRY(dx_buf_add_text(out, ";by="));
    return sfield_print_string(dx_bytes_text(by), out);
}

static DX_RC add_all(const stamp_result *stamps, stamp_mode mode, dx_arena *arena, dx_buf *out, dx_why *why)
{
    bool several = stamps->count > 1;
    DX_TRY(dx_buf_add_text(out, several ? "eseal=(" : "eseal="));
    for (size_t i = 0; i < stamps->count; i++) {
        if (i != 0)
            DX_TRY(dx_buf_add_byte(out, ' '));
        DX_TRY(add_one(stamps->evidence[i], mode, several ? stamps->by[i] : NULL, arena, out, why));
    }
    return several ? dx_buf_add_byte(out, ')') : DX_OKAY;
}

DX_RC seal_time_field(const stamp_result *stamps, stamp_mode mode, dx_arena *arena, seal_field *out,
                      dx_why *why)
{
    if (stamps->count == 0 || stamps->count > 2)
        return DX_FAIL(why, USAGE, "dfft-seal-v1 1.1",
                       "one or two pieces of time evidence go into DFFT-Seal-Time");
    dx_buf buf;
    dx_buf_init(&buf, SFIELD_MAX_BYTES);
    struct dx_rc rc = add_all(stamps, mode, arena, &buf, why);
    dx_bytes value = rc.code == DX_OK ? dx_arena_bytes(arena, dx_buf_view(&buf)) : (dx_bytes){0};
    dx_buf_fini(&buf);
    if (rc.code == DX_TOO_LARGE)
        rc =
            DX_FAIL(why, TOO_LARGE, "dfft-seal-v1 1.2", "the time evidence does not fit into DFFT-Seal-Time");
    if (rc.code == DX_OK && value.data == NULL)
        rc = DX_FAIL(why, NO_MEMORY, "", "no room for time evidence");
    *out = (seal_field){DX_BYTES("dfft-seal-time"), value};
    return rc;
}

static bool item_read(const sfield_item *item, seal_time_item *out)
{
    const sfield_parameter *type = sfield_parameter_find(item, "type"),
                           *by = sfield_parameter_find(item, "by");
    if (item->kind != SFIELD_BYTES || type == NULL || type->value.kind != SFIELD_TOKEN ||
        (by != NULL && by->value.kind != SFIELD_STRING))
        return false;
    out->is_record = dx_bytes_is(type->value.text, "er");
    out->der = item->text;
    return out->is_record || dx_bytes_is(type->value.text, "tst");
}

seal_time_form seal_time_read(dx_bytes value, dx_arena *arena, seal_time_item items[SEAL_TIME_MAX],
                              size_t *count)
{
    sfield_list list;
    *count = 0;
    if (!sfield_dictionary_parse(value, arena, &list))
        return list.loose ? SEAL_TIME_LOOSE : SEAL_TIME_BAD;
    const sfield_member *m = sfield_find(&list, "eseal");
    if (m == NULL)
        return SEAL_TIME_BAD;
    if (m->times != 1)
        return SEAL_TIME_TWICE;
    size_t n = m->is_inner_list ? m->item_count : 1;
    if (n == 0 || n > SEAL_TIME_MAX)
        return SEAL_TIME_BAD;
    for (; *count < n; (*count)++)
        if (!item_read(m->is_inner_list ? &m->items[*count] : &m->item, &items[*count]))
            return SEAL_TIME_BAD;
    return SEAL_TIME_OK;
}
