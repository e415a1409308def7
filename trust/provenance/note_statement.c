#include "trust/provenance/note_statement.h"

#include "trust/provenance/leaf_lint.h"
#include "trust/provenance/pv_check.h"

static bool signed_by(const note_form *form, const note_key *key, prov_finding *finding)
{
    bool good = false;
    for (unsigned i = 0; i < form->line_count; i++) {
        if (!note_line_by(&form->lines[i], key))
            continue;
        if (note_line_verify(form, &form->lines[i], key, NULL) != NOTE_LINE_TRUE)
            return prov_no(finding, "PV-303", "the signature of a key in its statement is false");
        good = true;
    }
    return good || prov_no(finding, "PV-303", "a key has not signed its statement");
}

bool note_statement_check(dx_bytes note, dx_bytes leaf, prov_finding *finding)
{
    note_form form;
    note_key old, new;
    leaf_view view;
    dx_buf want;
    const char *bad = note_parse(note, &form);
    if (bad != NULL)
        return prov_no(finding, "PV-104", "%s", bad);
    if (!leaf_lint(leaf, &view, finding))
        return false;
    dx_bytes old_text = leaf_view_get(&view, "key.old"), new_text = leaf_view_get(&view, "key.new");
    if (note_key_parse(new_text, &new) != NULL ||
        (old_text.size > 0 && note_key_parse(old_text, &old) != NULL))
        return prov_no(finding, "PV-107", "the leaf names no verifier key");
    dx_buf_init(&want, 16384);
    struct dx_rc rc =
        dx_buf_addf(&want, "sekisho/key/v1\n%s\n" DX_TEXT_FMT "\n" DX_TEXT_FMT "\n" DX_TEXT_FMT "\n",
                    new.name, DX_TEXT_ARG(old_text.size > 0 ? old_text : DX_BYTES("-")),
                    DX_TEXT_ARG(new_text), DX_TEXT_ARG(leaf_view_get(&view, "key.valid_from")));
    bool same = rc.code == DX_OK && dx_bytes_equal(form.text, dx_buf_view(&want));
    dx_buf_fini(&want);
    if (!same)
        return prov_no(finding, "PV-303", "the statement says something else than the leaf");
    return (old_text.size == 0 || signed_by(&form, &old, finding)) && signed_by(&form, &new, finding);
}
